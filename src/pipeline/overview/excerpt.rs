//! A piece of a document around what matters in it, and what matters: the stretches that a rule speaks of.

use std::ops::Range;

use rustc_hash::FxHashSet;

use crate::normalize::sentences::sentence_ends;

/// Characters of an excerpt.
const CHARACTERS: usize = 220;
/// Characters before the first mark.
const LEAD: usize = 40;
/// Bytes of a document in which marks are looked for.
const LOOKED_AT: usize = 200_000;
/// Marks of an excerpt.
const MARKS_MAX: usize = 60;
/// Characters of the sequences that the measure `repeated` looks for.
const GRAM: usize = 10;

/// A piece of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Something stands before it.
    pub before: bool,
    /// The piece.
    pub text: String,
    /// Something stands behind it.
    pub after: bool,
    /// What a rule speaks of: bytes of the piece, in order, apart.
    pub marks: Vec<Range<usize>>,
    /// Honorific forms: bytes of the piece and class, in order, apart.
    pub honorific: Vec<(Range<usize>, &'static str)>,
}

impl Excerpt {
    /// The piece of a text around the first of some marks, which are in order; its beginning where there is none.
    pub fn new(text: &str, marks: &[Range<usize>]) -> Self {
        let first = marks.first().map_or(0, |mark| mark.start);
        let start = text.get(..first).map_or(0, |before| before.char_indices().rev().nth(LEAD).map_or(0, |(at, c)| at + c.len_utf8()));
        let rest = text.get(start..).unwrap_or_default();
        let end = start + rest.char_indices().nth(CHARACTERS).map_or(rest.len(), |(at, _)| at);
        let inside = |mark: &Range<usize>| {
            let (from, to) = (mark.start.max(start), mark.end.min(end));
            (from < to).then(|| from - start..to - start)
        };
        Self {
            before: start > 0,
            text: text.get(start..end).unwrap_or_default().to_owned(),
            after: end < text.len(),
            marks: marks.iter().filter_map(inside).take(MARKS_MAX).collect(),
            honorific: Vec::new(),
        }
    }
}

/// The stretches of a text that a rule about a measure speaks of; none where it speaks of the text as a whole. Of listed words the evidence
/// says which they are.
pub fn offending(measure: &str, text: &str, evidence: &str) -> Vec<Range<usize>> {
    let text = beginning(text, LOOKED_AT);
    let found = match measure {
        "repeated" => grams(text),
        "dup_sentences" | "dup_sentence_chars" => again(text, &sentences(text)),
        "dup_lines" | "dup_line_chars" => again(text, &lines(text)),
        "ellipsis" => sentences(text).into_iter().filter(|at| piece(text, at).trim_end().ends_with(['…', '‥'])).collect(),
        "max_sentence" => sentences(text).into_iter().max_by_key(|at| (at.len(), std::cmp::Reverse(at.start))).into_iter().collect(),
        "short_lines" => lines(text).into_iter().filter(|at| (1..=GRAM).contains(&piece(text, at).trim().chars().count())).collect(),
        "run_max" => longest_run(text).into_iter().collect(),
        "replaced" | "mojibake" => each(text, |c| c == '\u{fffd}' || ('\u{80}'..'\u{a0}').contains(&c)),
        "katakana" => each(text, |c| matches!(c, '\u{30a1}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}')),
        "ng_types" | "ng_chars" => words(text, evidence),
        _ => Vec::new(),
    };
    joined(found)
}

fn piece<'t>(text: &'t str, at: &Range<usize>) -> &'t str {
    text.get(at.clone()).unwrap_or_default()
}

/// So many bytes at the beginning, or a few less.
pub(super) fn beginning(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

/// In order; what touches or overlaps is one.
fn joined(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|at| (at.start, at.end));
    let mut all: Vec<Range<usize>> = Vec::new();
    for at in found.into_iter().filter(|at| !at.is_empty()) {
        match all.last_mut() {
            Some(last) if at.start <= last.end => last.end = last.end.max(at.end),
            _ => all.push(at),
        }
    }
    all
}

fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut ends = Vec::new();
    sentence_ends(text, &mut ends);
    let mut start = 0;
    let until = |end: usize| std::mem::replace(&mut start, end)..end;
    ends.into_iter().map(|end| end as usize).map(until).collect()
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let next = |line: &str| {
        let from = start;
        start += line.len();
        from..start
    };
    text.split_inclusive('\n').map(next).collect()
}

/// Pieces that are as one before them.
fn again(text: &str, pieces: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut seen = FxHashSet::default();
    let wanted = |at: &&Range<usize>| {
        let piece = piece(text, at).trim();
        piece.chars().any(char::is_alphabetic) && !seen.insert(piece)
    };
    pieces.iter().filter(wanted).cloned().collect()
}

/// Sequences of characters that occurred before.
fn grams(text: &str) -> Vec<Range<usize>> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut seen = FxHashSet::default();
    let at = |n: usize| starts[n]..starts[n + GRAM];
    (0..starts.len().saturating_sub(GRAM)).map(at).filter(|at| !seen.insert(piece(text, at))).collect()
}

fn longest_run(text: &str) -> Option<Range<usize>> {
    let (mut best, mut longest) = (None, 0);
    let (mut last, mut run, mut from) = (None, 0, 0);
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        if last != Some(c) {
            (last, run, from) = (Some(c), 0, at);
        }
        run += 1;
        if run > longest {
            (best, longest) = (Some(from..at + c.len_utf8()), run);
        }
    }
    best
}

fn each(text: &str, wanted: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    text.char_indices().filter(|(_, c)| wanted(*c)).map(|(at, c)| at..at + c.len_utf8()).collect()
}

/// Where the listed words stand that the evidence names, as `words ガス ×2, 死 ×1`.
fn words(text: &str, evidence: &str) -> Vec<Range<usize>> {
    let Some((_, named)) = evidence.rsplit_once("words ") else { return Vec::new() };
    let named = named.split(", ").map(|entry| entry.rsplit_once(" ×").map_or(entry, |(word, _)| word));
    named.filter(|word| !word.is_empty()).flat_map(|word| text.match_indices(word).map(|(at, found)| at..at + found.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(measure: &str, text: &str, evidence: &str) -> Vec<String> {
        offending(measure, text, evidence).into_iter().map(|at| piece(text, &at).to_owned()).collect()
    }

    #[test]
    fn what_a_rule_speaks_of_is_found() {
        assert_eq!(marked("dup_lines", "米\n水\n米\n", ""), ["米\n"]);
        assert_eq!(marked("dup_sentences", "米です。水です。米です。米です。", ""), ["米です。米です。"]);
        assert_eq!(marked("repeated", "あいうえおかきくけこXあいうえおかきくけこ", ""), ["あいうえおかきくけこ"]);
        assert_eq!(marked("run_max", "ーーあああ　いい", ""), ["あああ"]);
        assert_eq!(marked("mojibake", "縺\u{fffd}\u{fffd}あ\u{81}", ""), ["\u{fffd}\u{fffd}", "\u{81}"]);
        assert_eq!(marked("max_sentence", "短い。とても長い文です。短い。", ""), ["とても長い文です。"]);
        assert_eq!(marked("ng_types", "悪い言葉と汚い言葉", "ng_types 2 >= 2; words 悪い ×1, 汚い ×1"), ["悪い", "汚い"]);
        assert!(marked("grammar", "米", "").is_empty());
    }

    #[test]
    fn the_piece_holds_the_first_mark() {
        let text = format!("{}\n米だ\n{}米だ\n", "あ".repeat(300), "い".repeat(300));
        let at = text.find("米").unwrap();
        let mark = at..at + 6;
        let excerpt = Excerpt::new(&text, std::slice::from_ref(&mark));
        assert!(excerpt.before && excerpt.after && excerpt.text.chars().count() == CHARACTERS);
        assert_eq!(piece(&excerpt.text, &excerpt.marks[0]), "米だ");
        assert_eq!(Excerpt::new("米", &[]), Excerpt { text: "米".into(), ..Excerpt::default() });
    }
}
