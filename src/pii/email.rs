//! Mail addresses, also written so that programs shall not find them: ＠, [at], （アット）.

use super::fold::{ends, fold, next, previous, skip_spaces, skip_spaces_back, starts};
use super::kind::{Kind, Span};

/// Longest local part and domain (RFC 5321).
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;

/// Brackets around "at" and "dot".
const BRACKETS: [(&str, &str); 7] = [("[", "]"), ("(", ")"), ("{", "}"), ("<", ">"), ("【", "】"), ("〔", "〕"), ("_", "_")];
const AT: &[&str] = &["at", "アットマーク", "アット", "あっとまーく", "あっと"];
const DOT: &[&str] = &["dot", "ドット", "どっと", "."];

/// Last labels that are names of files, or that can have no owner (RFC 6761).
const NO_DOMAIN: &[&str] =
    &["png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "ts", "json", "invalid", "localhost", "local", "internal", "lan"];

/// A mail address whose @ stands at byte `at`.
pub(super) fn at_sign(text: &str, at: usize) -> Option<Span> {
    let (sign, behind) = next(text, at)?;
    if sign != '@' {
        return None;
    }
    let wide = behind > at + 1;
    let (from, to) = if wide { (skip_spaces_back(text, at, 1), skip_spaces(text, behind, 1)) } else { (at, behind) };
    address(text, from, to)
}

/// A mail address with a spelled-out "at"; `at` is the first byte of the word.
pub(super) fn spelled(text: &str, at: usize) -> Option<Span> {
    let word = AT.iter().find_map(|word| starts(text, at, word))?;
    let inside = (skip_spaces_back(text, at, 1), skip_spaces(text, word, 1));
    let bracketed = BRACKETS.iter().find_map(|(open, close)| Some((ends(text, inside.0, open)?, starts(text, inside.1, close)?)));
    // Without brackets only the long word is unmistakable.
    let plain = || ["アットマーク", "あっとまーく"].iter().any(|long| starts(text, at, long).is_some()).then_some(inside);
    let (from, to) = bracketed.or_else(plain)?;
    address(text, skip_spaces_back(text, from, 1), skip_spaces(text, to, 1))
}

/// The address around an "at" that takes the bytes `from..to`.
fn address(text: &str, from: usize, to: usize) -> Option<Span> {
    let start = local_part(text, from)?;
    let end = domain(text, to)?;
    // user:password@host, ssh://git@host, git@host:path are no mail.
    let linked = ends(text, start, "://").is_some()
        || (ends(text, start, ":").is_some() && ends(text, start, "mailto:").is_none() && in_url(text, start));
    let path = starts(text, end, ":")
        .and_then(|behind| next(text, behind))
        .is_some_and(|(c, _)| c.is_ascii_alphanumeric() || c == '/' || c == '~');
    (!linked && !path).then_some(Span { start, end, kind: Kind::Email })
}

/// Is there a `://` in the word before byte `at`?
fn in_url(text: &str, at: usize) -> bool {
    let mut here = at;
    for _ in 0..LOCAL_MAX {
        match previous(text, here) {
            Some((c, before)) if c.is_ascii_graphic() => here = before,
            _ => break,
        }
        if starts(text, here, "://").is_some() {
            return true;
        }
    }
    false
}

/// The start of the local part that ends at byte `at`.
fn local_part(text: &str, at: usize) -> Option<usize> {
    let (mut here, mut start, mut n) = (at, None, 0);
    loop {
        if let Some(before) = spelled_dot_before(text, here).filter(|_| n > 0 && n < LOCAL_MAX) {
            (here, n) = (before, n + 1);
            continue;
        }
        let Some((c, before)) = previous(text, here) else { break };
        if c.is_ascii_alphanumeric() || c == '_' {
            start = Some(before);
        } else if !matches!(c, '.' | '-' | '+' | '%' | '~') {
            break;
        } else if n == 0 && c != '-' {
            return None;
        }
        n += 1;
        if n > LOCAL_MAX {
            return None;
        }
        here = before;
    }
    start
}

/// The byte behind the domain that begins at byte `at`.
fn domain(text: &str, at: usize) -> Option<usize> {
    let (mut here, mut labels, mut n) = (at, 0, 0);
    let mut last = String::new();
    let mut end = None;
    loop {
        let label_start = here;
        last.clear();
        // Letters of another width belong to something else.
        let width = next(text, here).map_or(0, |(_, behind)| behind - here);
        while let Some((c, behind)) =
            next(text, here).filter(|(c, behind)| (c.is_ascii_alphanumeric() || *c == '-') && behind - here == width)
        {
            last.push(c.to_ascii_lowercase());
            here = behind;
            n += 1;
            if n > DOMAIN_MAX {
                return None;
            }
        }
        if here == label_start || last.starts_with('-') {
            break;
        }
        labels += 1;
        while last.ends_with('-') {
            last.pop();
            here = previous(text, here)?.1;
        }
        here = if text.get(here..).is_some_and(|rest| rest.starts_with(['.', '．'])) {
            here
        } else {
            cut_at_capital(text, label_start, here, &mut last)
        };
        let letters = last.len() >= 2 && last.chars().all(|c| c.is_ascii_alphabetic()) || last.starts_with("xn--");
        end = if labels > 1 && letters { Some((here, NO_DOMAIN.contains(&last.as_str()))) } else { end };
        match starts(text, here, ".").or_else(|| spelled_dot(text, here)) {
            Some(behind) => here = behind,
            None => break,
        }
    }
    let (end, unowned) = end?;
    (!unowned).then_some(end)
}

/// Where the last label of a domain really ends if a word in capitals is glued to it: `example.comTEL`.
fn cut_at_capital(text: &str, start: usize, end: usize, label: &mut String) -> usize {
    let written = text.get(start..end).unwrap_or_default();
    let mut lower = 0;
    for (i, c) in written.char_indices() {
        let c = fold(c);
        if c.is_ascii_lowercase() {
            lower += 1;
        } else if lower >= 2 && c.is_ascii_uppercase() {
            label.truncate(lower);
            return start + i;
        } else {
            break;
        }
    }
    end
}

/// Behind a bracketed "dot" at byte `at`.
fn spelled_dot(text: &str, at: usize) -> Option<usize> {
    let at = skip_spaces(text, at, 1);
    BRACKETS.iter().find_map(|(open, close)| {
        let inside = skip_spaces(text, starts(text, at, open)?, 1);
        let behind = DOT.iter().find_map(|dot| starts(text, inside, dot))?;
        Some(skip_spaces(text, starts(text, skip_spaces(text, behind, 1), close)?, 1))
    })
}

/// Before a bracketed "dot" that ends at byte `at`.
fn spelled_dot_before(text: &str, at: usize) -> Option<usize> {
    let at = skip_spaces_back(text, at, 1);
    BRACKETS.iter().find_map(|(open, close)| {
        let inside = skip_spaces_back(text, ends(text, at, close)?, 1);
        let before = DOT.iter().find_map(|dot| ends(text, inside, dot))?;
        Some(skip_spaces_back(text, ends(text, skip_spaces_back(text, before, 1), open)?, 1))
    })
}
