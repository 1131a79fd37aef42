//! Postal codes: behind 〒, behind 郵便番号, or before an address.

use super::edge::{is_ended, is_free};
use super::fold::{ends, kanji_digit, left_of, next, previous, skip_spaces, skip_spaces_back};
use super::kind::{Kind, Span};
use super::number::{Join, Run};

/// A postal code that begins with group `i`, and the group behind it. `before_address` says whether an address begins at a byte.
pub(super) fn postal(
    text: &str,
    run: &Run,
    i: usize,
    window: &mut String,
    before_address: &dyn Fn(&str, usize) -> bool,
) -> Option<(Span, usize)> {
    const JOINS: [Join; 2] = [Join::Dash, Join::Space];
    let group = run.groups.get(i)?;
    if i == 0
        && let Some(mark) = postal_mark(text, group.start)
    {
        // The mark leaves no doubt where the code ends, even if more digits follow.
        let dashed = group.len == 3 && run.groups.get(1).is_some_and(|second| second.join.is_some_and(|join| JOINS.contains(&join)));
        let (last, n) = if dashed { (1, 4) } else { (0, 7) };
        return Some((Span { start: mark, end: run.end_of(last, n)?, kind: Kind::PostalCode }, last + 1));
    }
    let behind = if run.has_shape(i, &[3, 4], &JOINS) {
        i + 2
    } else if run.has_shape(i, &[7], &[]) {
        i + 1
    } else {
        return None;
    };
    let end = run.groups.get(behind - 1)?.end;
    let span = |start| Some((Span { start, end, kind: Kind::PostalCode }, behind));
    if !is_free(text, run, i, &[]) || !is_ended(text, run, behind - 1) {
        return None;
    }
    let dashed = behind == i + 2 && run.groups[i + 1].join == Some(Join::Dash);
    if dashed && before_address(text, skip_spaces(text, end, 2)) {
        return span(group.start);
    }
    left_of(text, group.start, 12, window);
    let label = ["郵便番号", "郵便", "zip"].iter().filter_map(|label| Some(window.rfind(label)? + label.len())).max()?;
    let near = window.get(label..).is_some_and(|rest| rest.chars().all(|c| !c.is_alphanumeric() || "はの".contains(c)));
    near.then(|| span(group.start)).flatten()
}

/// The start of a 〒 that stands before byte `at`.
fn postal_mark(text: &str, at: usize) -> Option<usize> {
    let mut before = skip_spaces_back(text, at, 2);
    if let Some((':', colon)) = previous(text, before) {
        before = colon;
    }
    ends(text, before, "〒").or_else(|| ends(text, before, "〠"))
}

/// A postal code in kanji digits behind the 〒 that begins at byte `mark`: 〒一〇〇-〇〇〇一.
pub(super) fn postal_in_kanji(text: &str, mark: usize) -> Option<Span> {
    let mut at = skip_spaces(text, next(text, mark)?.1, 2);
    for n in 0..7 {
        if n == 3
            && let Some(('-' | 'ー' | '丨' | 'の' | '|', behind)) = next(text, at)
        {
            at = behind;
        }
        let (c, behind) = next(text, at)?;
        kanji_digit(c)?;
        at = behind;
    }
    let goes_on = next(text, at).is_some_and(|(c, _)| kanji_digit(c).is_some());
    (!goes_on).then_some(Span { start: mark, end: at, kind: Kind::PostalCode })
}
