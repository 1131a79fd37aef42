//! How two texts differ, for a reader: what both have is shortened, what only one has is marked. Whole sentences are compared first, and
//! the characters of those that differ then.

use std::fmt::Write as _;

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::html;
use crate::normalize::sentences::sentence_ends;
use crate::quarantine::escape;

/// Characters of what both have that are shown before and behind a difference.
const CONTEXT: usize = 24;
/// Characters of sentences that are compared one by one; longer stretches are shown as a whole.
const CHARACTERS_MAX: usize = 4_000;
/// Characters of one difference that are shown.
const SHOWN: usize = 200;
/// Differences that are shown.
const DIFFERENCES_MAX: usize = 200;

/// How differences are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// `[-only in the first-]{+only in the second+}`, as of a diff of words.
    Brackets,
    /// Red and green.
    Colours,
    /// `<del>` and `<ins>` of a page; nothing of the texts is markup.
    Html,
}

/// A stretch of both texts.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Both(String),
    First(String),
    Second(String),
}

/// The differences of two texts in one line; empty texts and equal ones have none.
pub(super) fn differences(first: &str, second: &str, marks: Marks) -> String {
    let (mut line, mut shown) = (String::new(), 0);
    let pieces = pieces(first, second);
    let last = pieces.len().saturating_sub(1);
    for (n, piece) in pieces.iter().enumerate() {
        shown += usize::from(!matches!(piece, Piece::Both(_)));
        if shown > DIFFERENCES_MAX {
            let more = pieces[n..].iter().filter(|piece| !matches!(piece, Piece::Both(_))).count();
            let _ = write!(line, " … and {more} more differences");
            break;
        }
        // Writing to a string cannot fail.
        let _ = match (piece, marks) {
            (Piece::Both(text), Marks::Html) => write!(line, "{}", html::text(&shortened(text, n > 0, n < last))),
            (Piece::First(text), Marks::Html) => write!(line, "<del>{}</del>", html::text(&visible(text, SHOWN))),
            (Piece::Second(text), Marks::Html) => write!(line, "<ins>{}</ins>", html::text(&visible(text, SHOWN))),
            (Piece::Both(text), _) => write!(line, "{}", shortened(text, n > 0, n < last)),
            (Piece::First(text), Marks::Brackets) => write!(line, "[-{}-]", visible(text, SHOWN)),
            (Piece::Second(text), Marks::Brackets) => write!(line, "{{+{}+}}", visible(text, SHOWN)),
            (Piece::First(text), Marks::Colours) => write!(line, "\x1b[31;9m{}\x1b[0m", visible(text, SHOWN)),
            (Piece::Second(text), Marks::Colours) => write!(line, "\x1b[32;1m{}\x1b[0m", visible(text, SHOWN)),
        };
    }
    line
}

/// Characters that both texts have, and that only one has.
pub(super) fn counts(first: &str, second: &str) -> [usize; 3] {
    let mut counts = [0; 3];
    for piece in pieces(first, second) {
        let (place, text) = match piece {
            Piece::Both(text) => (0, text),
            Piece::First(text) => (1, text),
            Piece::Second(text) => (2, text),
        };
        counts[place] += text.chars().count();
    }
    counts
}

/// The text in one line, at most so many characters of it: ↵ stands for the end of a line, and what a terminal would obey is spelt.
pub(super) fn visible(text: &str, max: usize) -> String {
    escape(&text.replace('\n', "↵"), max)
}

fn shortened(text: &str, begins: bool, ends: bool) -> String {
    let characters: Vec<char> = text.chars().collect();
    let (head, tail) = (if begins { CONTEXT } else { 0 }, if ends { CONTEXT } else { 0 });
    let left_out = characters.len().saturating_sub(head + tail);
    // A little is shown as it is.
    if left_out <= CONTEXT / 2 {
        return visible(text, usize::MAX);
    }
    let part = |range: std::ops::Range<usize>| visible(&characters[range].iter().collect::<String>(), usize::MAX);
    format!("{}…({left_out})…{}", part(0..head), part(characters.len() - tail..characters.len()))
}

fn pieces(first: &str, second: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (a, b) = (sentences(first), sentences(second));
    for operation in capture_diff_slices(Algorithm::Myers, &a, &b) {
        let (old, new) = (a[operation.old_range()].concat(), b[operation.new_range()].concat());
        if let DiffOp::Equal { .. } = operation {
            push(&mut pieces, Piece::Both(old));
        } else if old.chars().count().max(new.chars().count()) > CHARACTERS_MAX {
            push(&mut pieces, Piece::First(old));
            push(&mut pieces, Piece::Second(new));
        } else {
            let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
            for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
                let (old, new) = (old[operation.old_range()].iter().collect(), new[operation.new_range()].iter().collect());
                if let DiffOp::Equal { .. } = operation {
                    push(&mut pieces, Piece::Both(old));
                } else {
                    push(&mut pieces, Piece::First(old));
                    push(&mut pieces, Piece::Second(new));
                }
            }
        }
    }
    pieces
}

/// Appends a piece; two of one kind are one, and an empty one is none.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (_, Piece::Both(text) | Piece::First(text) | Piece::Second(text)) if text.is_empty() => {}
        (Some(Piece::Both(before)), Piece::Both(text))
        | (Some(Piece::First(before)), Piece::First(text))
        | (Some(Piece::Second(before)), Piece::Second(text)) => before.push_str(&text),
        (_, piece) => pieces.push(piece),
    }
}

fn sentences(text: &str) -> Vec<&str> {
    let mut ends = Vec::new();
    sentence_ends(text, &mut ends);
    let mut start = 0;
    ends.iter()
        .filter_map(|&end| {
            let sentence = text.get(start..end as usize);
            start = end as usize;
            sentence
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_differs_is_marked_and_the_rest_shortened() {
        let long = "この話は長いので、はじめのほうはここに示さない。そう決めてある。吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。";
        let changed = long.replace("薄暗い", "真暗な").replace("記憶", "記 憶");
        let line = differences(long, &changed, Marks::Brackets);
        assert!(line.contains("[-薄-]{+真+}暗[-い-]{+な+}じめじめ") && line.contains("記{+ +}憶"), "{line}");
        assert!(line.starts_with("…(") && line.ends_with("している。"), "{line}");
        assert_eq!(differences("一。", "一。二。", Marks::Brackets), "一。{+二。+}");
        assert_eq!(differences("", "", Marks::Brackets), "");
        assert_eq!(counts("一。二。", "一。三。四。"), [3, 1, 3]);
        assert!(differences("一。", "二。", Marks::Colours).contains("\x1b[31;9m一"));
        let many = differences(&"一。".repeat(300), &"二。".repeat(300), Marks::Brackets);
        assert!(many.contains("[-一-]{+二+}") && many.ends_with("more differences"), "{many}");
        assert_eq!(differences("一。\n", "二。\n", Marks::Brackets), "[-一-]{+二+}。↵");
        assert_eq!(differences("<b>。", "<i>。", Marks::Html), "&lt;<del>b</del><ins>i</ins>&gt;。");
        // What a terminal would obey is spelt.
        assert!(!differences("一。", "\x1b[2J。", Marks::Brackets).contains('\x1b'));
    }

    proptest! {
        #[test]
        fn both_texts_are_in_the_pieces(first in "[あい。\n]{0,30}", second in "[あい。\n]{0,30}") {
            let (mut a, mut b) = (String::new(), String::new());
            for piece in pieces(&first, &second) {
                match piece {
                    Piece::Both(text) => { a += &text; b += &text; }
                    Piece::First(text) => a += &text,
                    Piece::Second(text) => b += &text,
                }
            }
            prop_assert_eq!(a, first);
            prop_assert_eq!(b, second);
        }
    }
}
