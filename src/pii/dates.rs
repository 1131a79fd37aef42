//! Dates of birth: a date of the last hundred years beside a word that says so.

use super::fold::{ends, kanji_digit, left_of, next, previous, skip_spaces, starts};
use super::kind::{Kind, Span};

/// Words before a date of birth.
const BEFORE: &[&str] = &["生年月日", "誕生日", "誕生年月日", "生まれた日", "birthday", "birth", "dob", "born"];
/// Words directly behind it; the last ones must end there.
const BEHIND: &[&str] = &["生まれ", "生れ", "誕生", "うまれ", "born"];

/// Eras: name and abbreviation, the Western year before the first, the last year.
const ERAS: [(&str, &str, u32, u32); 5] =
    [("令和", "r", 2018, 99), ("平成", "h", 1988, 31), ("昭和", "s", 1925, 64), ("大正", "t", 1911, 15), ("明治", "m", 1867, 45)];

/// Nobody alive was born before.
const FIRST_YEAR: u32 = 1900;
const LAST_YEAR: u32 = 2100;

/// Could a date go on behind a year of `len` digits that ends at byte `end`? A quick look.
pub(super) fn may_be_year(text: &str, len: usize, end: usize) -> bool {
    len == 8 || next(text, end).is_some_and(|(c, _)| matches!(c, '年' | '/' | '-' | '.' | '・' | ' '))
}

/// A date of birth whose year is written in the digits that begin at byte `digits`.
pub(super) fn date_of_birth(text: &str, digits: usize, window: &mut String) -> Option<Span> {
    let start = era_before(text, digits).unwrap_or(digits);
    let glued = previous(text, start).is_some_and(|(c, before)| {
        c.is_ascii_alphanumeric() || (matches!(c, '-' | '/' | '.') && previous(text, before).is_some_and(|(c, _)| c.is_ascii_digit()))
    });
    if glued {
        return None;
    }
    let end = date(text, start)?;
    is_birth(text, start, end, window).then_some(Span { start, end, kind: Kind::DateOfBirth })
}

/// A date of birth in kanji digits whose 生 stands at byte `at`: 昭和五十五年四月一日生.
pub(super) fn date_before(text: &str, at: usize, window: &mut String) -> Option<Span> {
    let from = text.get(..at)?.char_indices().rev().take(20).take_while(|(_, c)| !matches!(c, '\n' | '。')).map(|(i, _)| i).last()?;
    let near = text.get(from..at)?;
    let start = from + ERAS.iter().filter_map(|(name, ..)| near.rfind(name)).max()?;
    let end = date(text, start).filter(|&end| end == at)?;
    is_birth(text, start, end, window).then_some(Span { start, end, kind: Kind::DateOfBirth })
}

/// A date of birth behind a label that ends at byte `at`: 生年月日　昭和五十五年四月一日.
pub(super) fn date_behind(text: &str, at: usize, window: &mut String) -> Option<Span> {
    let mut start = at;
    while let Some((' ' | ':' | 'は' | '・' | '、' | '|' | '】' | '」', behind)) = next(text, start) {
        if start > at + 16 {
            return None;
        }
        start = behind;
    }
    let end = date(text, start)?;
    is_birth(text, start, end, window).then_some(Span { start, end, kind: Kind::DateOfBirth })
}

/// The byte where the name of an era that ends at `at` begins.
fn era_before(text: &str, at: usize) -> Option<usize> {
    if !matches!(previous(text, at)?.0, '和' | '成' | '正' | '治' | 'a'..='z' | 'A'..='Z') {
        return None;
    }
    ERAS.iter().find_map(|(name, short, ..)| ends(text, at, name).or_else(|| ends(text, at, short)))
}

/// The byte behind the date that begins at `at`.
fn date(text: &str, at: usize) -> Option<usize> {
    let era = ERAS.iter().find_map(|era| Some((era, starts(text, at, era.0).or_else(|| starts(text, at, era.1))?)));
    let (year, mut here) = match era {
        Some((&(_, _, before, last), behind)) => {
            let (year, behind) = number(text, skip_spaces(text, behind, 1))?;
            ((1..=last).contains(&year).then_some(before + year)?, behind)
        }
        None => number(text, at)?,
    };
    if era.is_none() && (19_000_101..=21_001_231).contains(&year) {
        return is_day(year / 10_000, year / 100 % 100, year % 100).then_some(here);
    }
    if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
        return None;
    }
    let (sign, behind) = next(text, here)?;
    here = skip_spaces(text, behind, 1);
    let (month, day) = match sign {
        '年' => {
            here = behind_brackets(text, here);
            let (month, behind) = number(text, here)?;
            here = skip_spaces(text, starts(text, behind, "月")?, 1);
            let (day, behind) = number(text, here)?;
            here = starts(text, behind, "日")?;
            (month, day)
        }
        '/' | '-' | '.' | '・' => {
            let (month, behind) = number(text, here)?;
            let (again, behind) = next(text, behind)?;
            let (day, behind) = number(text, (again == sign).then(|| skip_spaces(text, behind, 1))?)?;
            here = behind;
            (month, day)
        }
        _ => return None,
    };
    is_day(year, month, day).then_some(here)
}

/// Behind （昭和55年） after a Western year, and the other way round.
fn behind_brackets(text: &str, at: usize) -> usize {
    let Some(('(', inside)) = next(text, at) else { return at };
    let mut here = inside;
    for _ in 0..10 {
        match next(text, here) {
            Some((')', behind)) => return behind,
            Some((c, behind)) if c.is_alphanumeric() => here = behind,
            _ => break,
        }
    }
    at
}

/// The number at `at`, in ASCII or kanji digits (十 included; 元 is 1), and the byte behind it.
fn number(text: &str, at: usize) -> Option<(u32, usize)> {
    if let Some(behind) = starts(text, at, "元") {
        return Some((1, behind));
    }
    let (mut value, mut here, mut n) = (0_u32, at, 0);
    let mut tens = 0;
    while let Some((c, behind)) = next(text, here) {
        if c == '十' && value < 10 && tens == 0 {
            (tens, value) = (if n == 0 { 10 } else { value * 10 }, 0);
        } else if let Some(digit) = kanji_digit(c) {
            value = value * 10 + u32::from(digit);
        } else {
            break;
        }
        n += 1;
        if n > 8 {
            return None;
        }
        here = behind;
    }
    (n > 0).then_some((tens + value, here))
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day) && (FIRST_YEAR..=LAST_YEAR).contains(&year)
}

/// Does a word before or behind the date say that somebody was born on it?
fn is_birth(text: &str, start: usize, end: usize, window: &mut String) -> bool {
    let behind = skip_spaces(text, end, 1);
    let word = starts(text, behind, "に").unwrap_or(behind);
    if BEHIND.iter().any(|said| starts(text, word, said).is_some()) {
        return true;
    }
    if let Some(after) = starts(text, behind, "生") {
        // Not 生産 or 生徒; 生 alone ends what it says.
        return next(text, after).is_none_or(|(c, _)| !c.is_alphanumeric() || matches!(c, 'の' | 'で' | 'ま'));
    }
    left_of(text, start, 16, window);
    let label = BEFORE.iter().filter_map(|label| Some(window.rfind(label)? + label.len())).max();
    label.and_then(|label| window.get(label..)).is_some_and(|rest| !rest.contains(['。', '日', '年']) && rest.chars().count() <= 8)
}
