//! LINE: the history of a talk as text, of telephones (columns with tabs) and of desktops (with blanks), in Japanese and English.

use super::clock::{Day, Order, date, date_of_weekday, time};
use super::message::{Line, Message};

/// What each history begins with.
const MAGIC: &str = "[LINE] ";

/// What stands in brackets in place of what is no text, and what it is.
const PLACEHOLDERS: [(&str, &str); 38] = [
    ("スタンプ", "sticker"),
    ("Sticker", "sticker"),
    ("Stickers", "sticker"),
    ("写真", "photo"),
    ("画像", "photo"),
    ("Photo", "photo"),
    ("Photos", "photo"),
    ("動画", "video"),
    ("Video", "video"),
    ("Videos", "video"),
    ("ボイスメッセージ", "voice"),
    ("Voice message", "voice"),
    ("ファイル", "file"),
    ("File", "file"),
    ("Files", "file"),
    ("位置情報", "location"),
    ("Location", "location"),
    ("連絡先", "contact"),
    ("Contact", "contact"),
    ("アルバム", "album"),
    ("Album", "album"),
    ("Albums", "album"),
    ("ノート", "note"),
    ("Note", "note"),
    ("Notes", "note"),
    ("投票", "poll"),
    ("Poll", "poll"),
    ("Polls", "poll"),
    ("イベント", "event"),
    ("Event", "event"),
    ("Events", "event"),
    ("プレゼント", "gift"),
    ("ギフト", "gift"),
    ("Gift", "gift"),
    ("音楽", "music"),
    ("ミュージック", "music"),
    ("Music", "music"),
    ("通話", "call"),
];

/// Bytes of a line that may be a date by itself.
const HEADING_MAX: usize = 48;

/// Does a file begin like a history? Its first line says so, and one below is a date or has a time.
pub(super) fn is_log(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(MAGIC.as_bytes()) else { return false };
    lines(rest).skip(1).any(|line| heading(&line).is_some() || time(&line).is_some_and(|(_, rest)| rest.starts_with(['\t', ' '])))
}

/// Has it tabs between its columns?
pub(super) fn has_tabs(head: &[u8]) -> bool {
    lines(head).any(|line| time(&line).is_some_and(|(_, rest)| rest.starts_with('\t')))
}

fn lines(head: &[u8]) -> impl Iterator<Item = String> {
    head.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).trim().to_owned())
}

/// Whom a talk is with, or what a group is called.
pub(super) fn title(head: &str) -> Option<String> {
    let first = head.trim_start_matches('\u{feff}').lines().next()?.trim();
    let name = first.strip_prefix(MAGIC)?;
    let name = ["とのトーク履歴", "のトーク履歴"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let name = ["Chat history with ", "Chat history in "].iter().find_map(|begin| name.strip_prefix(begin)).unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// A line that is a date with its weekday: 2024/01/02(火), 2024.01.02 火曜日, Tue, 01/02/2024.
pub(super) fn heading(line: &str) -> Option<Day> {
    let line = line.trim();
    if line.len() > HEADING_MAX || line.contains('\t') {
        return None;
    }
    if let Some((day, rest)) =
        date(line, Order::DayFirst).filter(|_| line.as_bytes().get(..4).is_some_and(|year| year.iter().all(u8::is_ascii_digit)))
    {
        let is_weekday = rest.starts_with(['(', '（', ' ']) && !rest.bytes().any(|byte| byte.is_ascii_digit() || byte == b':');
        return is_weekday.then_some(day);
    }
    date_of_weekday(line)
}

/// What a line is.
pub(super) fn line(line: &str, has_tabs: bool) -> Line<'_> {
    if let Some(day) = heading(line) {
        return Line::Day(day);
    }
    let between = if has_tabs { '\t' } else { ' ' };
    let Some(columns) = time(line).and_then(|(at, rest)| Some((at, rest.strip_prefix(between)?))) else {
        return if line.starts_with(MAGIC) { Line::Nothing } else { Line::More };
    };
    let (at, rest) = columns;
    let message = match rest.split_once(between) {
        Some((name, text)) if !name.trim().is_empty() => match kind_of(text, has_tabs) {
            Some(kind) => Message::left(kind),
            None => Message::said(name.trim(), text),
        },
        _ => Message::left(if is_taken_back(rest) { "deleted" } else { "system" }),
    };
    Line::Message(Message { time: Some(at), ..message })
}

/// What is no text. A message of several lines is known by its first.
fn kind_of(text: &str, has_tabs: bool) -> Option<&'static str> {
    let text = text.trim();
    if text.starts_with('☎') {
        return Some("call");
    }
    if is_taken_back(text) {
        return Some("deleted");
    }
    let kind = |word: &str| PLACEHOLDERS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    if let Some((word, title)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        // Of an album or the like its title follows.
        return kind(word).filter(|kind| {
            title.is_empty() || title.starts_with(' ') && matches!(*kind, "album" | "note" | "poll" | "event" | "gift" | "file")
        });
    }
    // On a desktop the words stand without brackets.
    if has_tabs { None } else { kind(text).filter(|kind| matches!(*kind, "sticker" | "photo" | "video")) }
}

/// ⟨太郎が⟩メッセージの送信を取り消しました
fn is_taken_back(text: &str) -> bool {
    let text = text.trim().trim_end_matches(['。', '.']);
    text.ends_with("メッセージの送信を取り消しました") || text.ends_with("unsent a message")
}

/// A text of several lines stands in quotes.
pub(super) fn without_quotes(text: &str) -> String {
    let bare = text.strip_prefix('"').and_then(|rest| rest.trim_end().strip_suffix('"')).filter(|bare| bare.contains('\n'));
    bare.map_or_else(|| text.to_owned(), |bare| bare.replace("\"\"", "\""))
}
