//! WhatsApp: the export of a chat as text, with times before a dash (Android) or in brackets (iOS).

use super::clock::{Day, Order, Time, date, is_blank, is_of_halves, order_of, time};
use super::message::{Line, Message};

/// Signs that say in which direction is written; iOS writes one before what the program says itself.
const MARKS: [char; 4] = ['\u{200e}', '\u{200f}', '\u{feff}', '\u{202a}'];
/// Characters of a name before a colon.
const NAME_MAX: usize = 80;

/// Words by which is known what the program has left out or says, in Japanese and English.
const LEFT_OUT: [(&str, &str); 24] = [
    ("削除", "deleted"),
    ("deleted", "deleted"),
    ("画像", "photo"),
    ("image", "photo"),
    ("写真", "photo"),
    ("GIF", "photo"),
    ("動画", "video"),
    ("ビデオ", "video"),
    ("video", "video"),
    ("音声", "voice"),
    ("audio", "voice"),
    ("スタンプ", "sticker"),
    ("ステッカー", "sticker"),
    ("sticker", "sticker"),
    ("文書", "file"),
    ("ドキュメント", "file"),
    ("document", "file"),
    ("ファイル", "file"),
    ("連絡先", "contact"),
    ("Contact card", "contact"),
    ("位置情報", "location"),
    ("location", "location"),
    ("通話", "call"),
    ("call", "call"),
];

/// What stands at the end of a message that was changed.
const EDITED: [&str; 4] = ["<このメッセージは編集されました>", "<This message was edited>", "<編集済み>", "<edited>"];

/// The date, the time and the rest of a line that begins a message.
fn begin(line: &str, order: Order) -> Option<(Day, Time, &str)> {
    let line = line.trim_start_matches(MARKS);
    let (inside, is_bracket) = line.strip_prefix('[').map_or((line, false), |inside| (inside, true));
    let (day, rest) = date(inside, order)?;
    let rest = rest.strip_prefix(',').unwrap_or(rest);
    let (at, rest) = time(rest.strip_prefix(is_blank)?.trim_start_matches(is_blank))?;
    let rest = if is_bracket { rest.strip_prefix("] ").or_else(|| rest.strip_prefix(']')) } else { rest.strip_prefix(" - ") };
    Some((day, at, rest?))
}

/// The day of a line that begins a message, for all that is asked of which is the month.
pub(super) fn day(line: &str, order: Order) -> Option<Day> {
    begin(line, order).map(|(day, _, _)| day)
}

/// Does a file begin like an export? Its first line begins a message and so does another one, and in one of them somebody speaks: a single line of that
/// form may head a piece of news.
pub(super) fn is_log(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines().filter(|line| !line.trim().is_empty()).map(|line| begin(line, Order::default()));
    let Some(Some((_, _, first))) = lines.next() else { return false };
    let others: Vec<&str> = lines.flatten().map(|(_, _, rest)| rest).collect();
    !others.is_empty() && std::iter::once(first).chain(others).any(|rest| name_and_text(rest).is_some())
}

/// Where the year comes last: which number is the month. A first one above 12, in any line seen, tells; else who writes AM and PM puts the month first.
pub(super) fn order(head: &str) -> Order {
    let dates = || head.lines().map(|line| line.trim_start_matches(MARKS)).map(|line| line.strip_prefix('[').unwrap_or(line));
    let by_number = dates().filter(|line| begin(line, Order::default()).is_some() || line.contains(']')).find_map(order_of);
    let is_american = || {
        dates()
            .filter(|line| begin(line, Order::default()).is_some())
            .any(|line| line.get(..line.floor_char_boundary(30)).is_some_and(is_of_halves))
    };
    by_number.unwrap_or_else(|| if is_american() { Order::MonthFirst } else { Order::DayFirst })
}

fn name_and_text(rest: &str) -> Option<(&str, &str)> {
    let (name, text) = rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|name| (name, "")))?;
    let name = name.trim_start_matches(MARKS);
    (!name.is_empty() && name.chars().count() <= NAME_MAX).then_some((name, text))
}

/// What a line is.
pub(super) fn line(line: &str, order: Order) -> Line<'_> {
    let Some((day, at, rest)) = begin(line, order) else { return Line::More };
    let message = match name_and_text(rest) {
        Some((name, text)) => match kind_of(text) {
            Some(kind) => Message::left(kind),
            None => Message::said(name, text),
        },
        None => Message::left("system"),
    };
    Line::Message(Message { day: Some(day), time: Some(at), ..message })
}

/// What is no text.
fn kind_of(text: &str) -> Option<&'static str> {
    let is_marked = text.starts_with(MARKS);
    let bare = text.trim_start_matches(MARKS).trim();
    let kind = |default| LEFT_OUT.iter().find(|(word, _)| bare.contains(word)).map_or(default, |(_, kind)| *kind);
    let in_angles = bare.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let is_of_media = |inside: &str| {
        ["メディア", "Media", "添付", "attached", "省略", "omitted", "含まれていません"].iter().any(|word| inside.contains(word))
    };
    if in_angles.is_some_and(is_of_media) {
        return Some(kind("media"));
    }
    if ["(ファイルが添付されています)", "(file attached)", "(添付ファイル)"].iter().any(|end| bare.ends_with(end)) {
        return Some("file");
    }
    let is_taken_back =
        ["このメッセージは削除されました", "このメッセージを削除しました", "This message was deleted", "You deleted this message"];
    if is_taken_back.iter().any(|said| bare.trim_end_matches(['。', '.']) == *said) {
        return Some("deleted");
    }
    (is_marked && !EDITED.contains(&bare)).then(|| kind("system"))
}

/// Without signs of direction and the word that it was changed.
pub(super) fn bare(text: &str) -> String {
    let text = text.replace(MARKS, "");
    let text = text.trim_end();
    EDITED.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text).to_owned()
}
