//! Logs of IRC: `<nick> text`, behind a time in one of many forms.

use super::clock::{Day, Order, Time, date, date_within, time};
use super::message::{Line, Message};

/// Lines with nothing but names before what is said that have to be seen.
const PROOF: usize = 3;
/// Bytes of a name, with what may stand before it.
const NAME_MAX: usize = 64;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What stands before what is said.
struct Stamp<'a> {
    day: Option<Day>,
    time: Option<Time>,
    rest: &'a str,
}

/// `12:34 `, `[12:34:56] `, `2024-01-02 12:34:56 `, `[2024-01-02T12:34:56+09:00] `, `Jan 02 12:34:56 `.
fn stamp(line: &str) -> Option<Stamp<'_>> {
    let (inside, close) = match line.chars().next()? {
        '[' => (line.strip_prefix('[')?, Some(']')),
        '(' => (line.strip_prefix('(')?, Some(')')),
        _ => (line, None),
    };
    let (day, at) = match date(inside, Order::DayFirst).filter(|_| inside.as_bytes().get(4).is_some_and(|sign| !sign.is_ascii_digit())) {
        Some((day, rest)) => (Some(day), rest.strip_prefix([' ', 'T'])?),
        None => (None, behind_month(inside).unwrap_or(inside)),
    };
    let (at, rest) = time(at)?;
    let rest =
        if day.is_some() { rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | 'Z' | ':')) } else { rest };
    let rest = match close {
        Some(close) => rest.strip_prefix(close)?,
        None => rest,
    };
    let behind = rest.trim_start_matches([' ', '\t']);
    (behind.len() < rest.len() || behind.is_empty()).then_some(Stamp { day, time: Some(at), rest: behind })
}

/// What follows `Jan 02 `.
fn behind_month(text: &str) -> Option<&str> {
    let rest = MONTHS.iter().find_map(|month| text.strip_prefix(month))?.strip_prefix(' ')?.trim_start_matches(' ');
    rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(' ')
}

/// `<nick> text`, also `<@nick>`, `<#channel:nick>` and `>nick<`, or `nick<TAB>text` where a time stands before it.
fn said(rest: &str, has_time: bool) -> Option<(&str, &str)> {
    let (inside, close) = match rest.chars().next()? {
        '<' => (rest.strip_prefix('<')?, '>'),
        '>' if has_time => (rest.strip_prefix('>')?, '<'),
        _ if has_time => {
            let (name, text) = rest.split_once('\t')?;
            return is_name(name).then(|| (name.trim_start_matches(['@', '+', '%', '~', '&']), text));
        }
        _ => return None,
    };
    let (name, text) = inside.split_once(close)?;
    let text = text.strip_prefix(' ').or(text.is_empty().then_some(text))?;
    let name = name.trim().trim_start_matches(['@', '+', '%', '~', '&']);
    let name = if name.starts_with('#') { name.split_once(':').map_or(name, |(_, name)| name) } else { name };
    is_name(name).then_some((name, text))
}

fn is_name(name: &str) -> bool {
    let is_mark =
        |name: &str| name.chars().all(|c| c.is_ascii_punctuation() && !matches!(c, '_' | '^' | '`' | '|' | '[' | ']' | '{' | '}' | '\\'));
    (1..=NAME_MAX).contains(&name.len()) && !is_mark(name) && !name.contains([' ', '<', '>', '/', '"', '='])
}

/// `* nick text`: what somebody does is said of them.
fn done(rest: &str) -> Option<(&str, &str)> {
    let (name, text) = rest.strip_prefix("* ")?.split_once(' ')?;
    let is_program = ["has joined", "has left", "has quit", "is now known", "sets mode", "set the topic", "Quit ", "Joins:", "Parts:"];
    (is_name(name) && !name.ends_with(':') && !is_program.iter().any(|words| text.starts_with(words))).then_some((name, text))
}

/// A line of the program at which a log or a day begins.
fn is_of_program(line: &str) -> bool {
    ["--- ", "**** ", "Session ", "=== "].iter().any(|begin| line.starts_with(begin))
}

/// Does a file begin like a log? Each line of what is seen has its form, and somebody speaks: with a time twice, or once
/// below what a program writes above a log, or else in every line, and often.
pub(super) fn is_log(head: &[u8]) -> bool {
    let head = head.get(..1024).unwrap_or(head);
    let is_whole = head.len() < 1024 || head.ends_with(b"\n");
    let text = String::from_utf8_lossy(head);
    let mut lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    if !is_whole {
        lines.pop();
    }
    let (mut timed, mut spoken, mut bare, mut begun) = (0, 0, 0, false);
    for line in &lines {
        match stamp(line) {
            Some(stamp) => {
                timed += 1;
                spoken += usize::from(said(stamp.rest, true).is_some_and(|_| stamp.rest.starts_with('<')));
            }
            None if said(line, false).is_some_and(|(_, text)| !text.is_empty() && !text.contains("</")) => bare += 1,
            None if is_of_program(line) => begun = true,
            None => return false,
        }
    }
    let all = lines.len();
    timed > 0 && bare == 0 && (spoken > 1 || begun && spoken > 0) || timed == 0 && bare >= PROOF && bare == all
}

/// The day that a line says, and whether it begins a message or the like.
pub(super) fn day(line: &str) -> (Option<Day>, bool) {
    match stamp(line) {
        Some(stamp) => (stamp.day, true),
        None if is_of_program(line) => (date_within(line), true),
        None => (None, said(line, false).is_some()),
    }
}

/// What a line is.
pub(super) fn line(line: &str) -> Line<'_> {
    let Some(stamp) = stamp(line) else {
        if is_of_program(line) {
            return date_within(line).map_or(Line::Message(Message::left("system")), Line::Day);
        }
        return said(line, false).map_or(Line::More, |(name, text)| Line::Message(Message::said(name, text)));
    };
    let message = match said(stamp.rest, true).or_else(|| done(stamp.rest)) {
        Some((name, text)) => Message::said(name, text),
        None => Message::left("system"),
    };
    Line::Message(Message { day: stamp.day, time: stamp.time, ..message })
}

/// Without codes of colours and the like.
pub(super) fn bare(text: &str) -> String {
    if !text.contains(|c: char| c < ' ') {
        return text.to_owned();
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once(['\u{2}', '\u{3}', '\u{f}', '\u{11}', '\u{16}', '\u{1d}', '\u{1e}', '\u{1f}']) {
        out.push_str(before);
        let is_colour = rest.get(before.len()..).is_some_and(|from| from.starts_with('\u{3}'));
        rest = if is_colour { behind_colour(behind) } else { behind };
    }
    out.push_str(rest);
    out
}

/// What follows `04,12`, the numbers of a colour.
fn behind_colour(text: &str) -> &str {
    let number = |text: &str| text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (_, rest) = text.split_at(number(text));
    let second = rest.strip_prefix(',').filter(|behind| number(behind) > 0 && rest.len() < text.len());
    second.map_or(rest, |behind| behind.split_at(number(behind)).1)
}
