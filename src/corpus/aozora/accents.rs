//! Letters with marks, as pairs of ASCII signs in brackets 〔〕.

use std::sync::LazyLock;

/// What is written → the letter, longest first; by first byte.
static PAIRS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let table = include_str!("../../../dicts/aozora/accents.tsv");
    let rows = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut pairs: Vec<(&str, &str)> = rows.filter_map(|line| line.split_once('\t')).collect();
    pairs.sort_by_key(|(written, _)| std::cmp::Reverse(written.len()));
    pairs
});

/// The letter that `text` begins with and the bytes that it is written in.
pub(super) fn letter(text: &str) -> Option<(&'static str, usize)> {
    let may_begin = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'!' | b'?'));
    let find = || PAIRS.iter().find(|(written, _)| text.starts_with(written)).map(|(written, letter)| (*letter, written.len()));
    if may_begin { find() } else { None }
}

/// Is there any in the text?
pub(super) fn is_in(text: &str) -> bool {
    text.char_indices().any(|(at, c)| c.is_ascii() && text.get(at..).is_some_and(|rest| letter(rest).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters() {
        assert_eq!(PAIRS.len(), 72);
        for (text, expected) in [
            ("e'p", Some(("é", 2))),
            ("ae&x", Some(("æ", 3))),
            ("AE&", Some(("Æ", 3))),
            ("!@", Some(("¡", 2))),
            ("s'e", None),
            ("n'", None),
            ("s,", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(letter(text), expected, "{text}");
        }
        assert!(is_in("l'e'glise") && !is_in("l'homme, s'il") && !is_in("日本語"));
    }
}
