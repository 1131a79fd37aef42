//! From what was found in a text to what leaves it: evaluation items as they are, whole lines, and stretches that end where sentences do, if
//! enough of them is left.

use crate::dedup::piece::{Cut, PieceKind};
use crate::dedup::view;

/// What leaves a text: of the pieces that were found in it, in order, those parts that no other takes: items before lines, and lines before stretches.
///
/// Where the last line goes and had no line end, the one before it goes with it, so that the text ends as it did. A stretch is moved inward to
/// ends of sentences (`sentence_ends`: bytes; they tile the text), if `stretch` code points of it are left then and fewer are given up on either
/// side; what no view holds, as marks and spaces, goes with the characters before it if a sentence ends behind it, and with those behind it if one begins there.
#[must_use]
pub fn settle(text: &str, found: &[Cut], sentence_ends: &[u32], stretch: usize) -> Vec<Cut> {
    let of_kind = |kind: PieceKind| found.iter().copied().filter(move |cut| cut.kind == kind);
    let mut settled: Vec<Cut> = of_kind(PieceKind::Item).collect();
    let lines = whole_lines(text, of_kind(PieceKind::Lines).collect());
    take_rest(&mut settled, lines.into_iter());
    let stretches = of_kind(PieceKind::Substring).map(|cut| {
        let (start, end) = at_sentences(text, cut, sentence_ends, stretch);
        Cut { start, end, ..cut }
    });
    take_rest(&mut settled, stretches);
    settled
}

/// Adds those parts of pieces, by place, that none of the pieces before takes.
fn take_rest(settled: &mut Vec<Cut>, pieces: impl Iterator<Item = Cut>) {
    let taken = settled.clone();
    let mut rest = taken.iter().peekable();
    for cut in pieces {
        let (mut start, end) = (cut.start, cut.end);
        while rest.next_if(|taken| taken.end <= start).is_some() {}
        // What is taken may reach into the next piece, too.
        for taken in rest.clone().take_while(|taken| taken.start < end) {
            if start < taken.start {
                settled.push(Cut { start, end: taken.start, ..cut });
            }
            start = taken.end;
        }
        if start < end {
            settled.push(Cut { start, end, ..cut });
        }
    }
    settled.sort_unstable_by_key(|cut| cut.start);
}

fn whole_lines(text: &str, mut lines: Vec<Cut>) -> Vec<Cut> {
    if lines.last().is_some_and(|last| last.end as usize == text.len()) && !text.ends_with(['\n', '\r']) {
        // Of the lines at the end that go together, the first one.
        let first = lines.windows(2).rposition(|pair| pair[0].end != pair[1].start).map_or(0, |at| at + 1);
        if let Some(Cut { start, .. }) = lines.get_mut(first) {
            let before = text.get(..*start as usize).unwrap_or_default();
            let kept = before.strip_suffix("\r\n").or_else(|| before.strip_suffix(['\n', '\r'])).unwrap_or(before);
            *start = kept.len() as u32;
        }
    }
    lines
}

/// Start and end of a stretch, at ends of sentences where they may be.
fn at_sentences(text: &str, cut: Cut, sentence_ends: &[u32], stretch: usize) -> (u32, u32) {
    let bare = cut.start - view::left_out_before(text, cut.start as usize) as u32;
    let hull = cut.end + view::left_out_behind(text, cut.end as usize) as u32;
    let behind = text.get(cut.end as usize..).unwrap_or_default();
    let clings = behind.len() - behind.trim_start_matches(view::is_invisible).len();
    let upto = |at: u32| sentence_ends.partition_point(|end| *end <= at).checked_sub(1).map_or(0, |i| sentence_ends[i]);
    let from = |at: u32| sentence_ends.get(sentence_ends.partition_point(|end| *end < at)).copied().unwrap_or(text.len() as u32);
    let outer_start = Some(upto(cut.start)).filter(|start| *start >= bare);
    let outer_end = Some(from(cut.end)).filter(|end| *end <= hull);
    let length = |start: u32, end: u32| {
        let mut view = Vec::new();
        view::fold(text.get(start as usize..end as usize).unwrap_or_default(), &mut view);
        view.len()
    };
    let start = outer_start.unwrap_or(cut.start);
    let end = outer_end.unwrap_or(cut.end + clings as u32);
    // What is given up must not be a stretch by itself.
    let inner_start = Some(from(start)).filter(|inner| outer_start.is_none() && length(start, *inner) < stretch).unwrap_or(start);
    let inner_end = Some(upto(end)).filter(|inner| outer_end.is_none() && length(*inner, end) < stretch).unwrap_or(end);
    let mut ways = [(inner_start, inner_end), (inner_start, end), (start, inner_end)];
    ways[1..].sort_by_key(|(start, end)| std::cmp::Reverse(end.saturating_sub(*start)));
    let moved = ways.into_iter().find(|(start, end)| start < end && length(*start, *end) >= stretch);
    moved.unwrap_or((start, end))
}
