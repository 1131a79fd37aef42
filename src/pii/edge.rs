//! Where a number begins and ends: it is not cut out of a longer number, a code or an identifier.

use super::email::at_sign;
use super::fold::{next, previous};
use super::number::Run;

/// May a number begin with group `i`? Letters directly before it must be one of `words` (`tel`, `fax`).
pub(super) fn is_free(text: &str, run: &Run, i: usize, words: &[&str]) -> bool {
    if i > 0 {
        return !run.is_tied(i);
    }
    let Some(first) = run.groups.first() else { return false };
    let Some((c, before)) = previous(text, first.start) else { return true };
    match c {
        'a'..='z' | 'A'..='Z' => ends_with_word(text, first.start, words),
        '-' | '.' | '_' | ':' => match previous(text, before) {
            Some((letter, _)) if letter.is_ascii_alphabetic() => c == ':' || ends_with_word(text, before, words),
            Some((other, _)) => !other.is_ascii_digit(),
            None => true,
        },
        // Only a lone group of three digits continues a number with thousands; else the comma parts the cells of a table.
        ',' => first.len != 3 || run.is_tied(1) || !previous(text, before).is_some_and(|(c, _)| c.is_ascii_digit()),
        '#' | '$' | '%' | '\\' | '¥' => false,
        _ => true,
    }
}

/// May a number end with group `i`?
pub(super) fn is_ended(text: &str, run: &Run, i: usize) -> bool {
    if i + 1 < run.groups.len() {
        return !run.is_tied(i + 1);
    }
    let Some(last) = run.groups.last() else { return false };
    match next(text, last.end) {
        Some(('@', _)) => at_sign(text, last.end).is_none(),
        Some(('_', _)) => false,
        Some(('-', behind)) => !next(text, behind).is_some_and(|(c, _)| c.is_ascii_alphanumeric()),
        _ => true,
    }
}

/// Does an ASCII letter follow group `i` directly?
pub(super) fn runs_into_letters(text: &str, run: &Run, i: usize) -> bool {
    let follows = run.groups.get(i).and_then(|group| next(text, group.end));
    follows.is_some_and(|(c, _)| c.is_ascii_alphabetic())
}

/// Are the ASCII letters that end at `at` one of the words?
fn ends_with_word(text: &str, at: usize, words: &[&str]) -> bool {
    const LONGEST: usize = 12;
    let mut word = String::new();
    let mut here = at;
    while let Some((c, before)) = previous(text, here).filter(|(c, _)| c.is_ascii_alphabetic()) {
        if word.len() == LONGEST {
            return false;
        }
        word.insert(0, c.to_ascii_lowercase());
        here = before;
    }
    words.contains(&word.as_str())
}
