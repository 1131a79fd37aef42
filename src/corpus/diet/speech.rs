//! The text of a speech: without its head, lines joined, directions and rules left out.

use crate::corpus::document::Dropped;

/// Words of directions: what happens in the hall, and what is called out.
const DIRECTIONS: [&str; 22] = [
    "拍手",
    "笑声",
    "呼ぶ者あり",
    "呼ぶ者多し",
    "呼ぶもの",
    "発言する者",
    "離席",
    "退場",
    "着席",
    "起立",
    "登壇",
    "降壇",
    "朗読",
    "騒然",
    "その他発言",
    "投票",
    "議場閉鎖",
    "議場開",
    "聴取不能",
    "速記中止",
    "「異議なし」",
    "賛成者",
];
/// Characters of a direction, at most.
const DIRECTION_MAX: usize = 200;

/// Text, and the directions that stood in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Clean {
    pub(super) text: String,
    pub(super) directions: Vec<String>,
}

/// Is this record no speech: lists of names, agenda?
pub(super) fn is_record_of_meeting(speaker: Option<&str>, order: Option<&str>) -> bool {
    speaker.is_some_and(|speaker| speaker.trim() == "会議録情報") || order == Some("0") && speaker.is_none()
}

/// Reads a speech. A line that begins with a full-width blank begins a paragraph, another one goes on.
pub(super) fn clean(speech: &str, dropped: &mut Dropped) -> Clean {
    let mut clean = Clean::default();
    let body = without_head(speech);
    if body.len() < speech.trim_start().len() {
        dropped.add("head");
    }
    let mut begins = true;
    for line in body.split(['\n', '\r']).filter(|line| !line.is_empty()) {
        let words = line.trim_matches(|c: char| c.is_whitespace());
        if words.is_empty() {
            begins = true;
            continue;
        }
        if is_rule(words) {
            dropped.add("rule");
            begins = true;
            continue;
        }
        if is_direction_line(words) {
            dropped.add("direction");
            clean.directions.push(words.to_owned());
            begins = true;
            continue;
        }
        let kept = without_directions(words, &mut clean.directions, dropped);
        let kept = kept.trim_matches(|c: char| c.is_whitespace());
        if kept.is_empty() {
            continue;
        }
        let is_new = begins || line.starts_with(['　', ' ', '\t']);
        if is_new && !clean.text.is_empty() {
            clean.text.push('\n');
        }
        clean.text.push_str(kept);
        begins = false;
    }
    clean
}

/// What follows the head `○name　`. Only the first ○ of a speech is one.
fn without_head(speech: &str) -> &str {
    let text = speech.trim_start_matches(['\n', '\r', ' ']);
    let Some(rest) = text.strip_prefix(['○', '〇', '◯', '◆', '◎']) else { return text };
    let first = rest.split(['\n', '\r']).next().unwrap_or_default();
    match first.find('　') {
        // A name in two words would have a blank in it; brackets belong to the head.
        Some(at) => {
            let (head, behind) = rest.split_at(at);
            let open = head.matches('（').count() > head.matches('）').count();
            let behind = behind.trim_start_matches('　');
            if open { behind.split_once('）').map_or(behind, |(_, behind)| behind.trim_start_matches('　')) } else { behind }
        }
        None => rest.get(first.len()..).unwrap_or_default(),
    }
}

/// A line of ━, ─, ― and the like.
fn is_rule(words: &str) -> bool {
    words.chars().count() >= 3
        && words.chars().all(|c| matches!(c, '━' | '─' | '―' | '－' | '-' | '—' | '＿' | '…' | '・' | '＊' | '*' | '═' | '◇' | '　'))
}

/// A line in brackets of its own: 〔拍手〕, （「異議なし」と呼ぶ者あり）, ［…］.
fn is_direction_line(words: &str) -> bool {
    if words.starts_with('〔') && words.ends_with('〕') {
        return true;
    }
    whole(words).is_some_and(is_direction)
}

/// What one pair of brackets holds that a line consists of.
fn whole(words: &str) -> Option<&str> {
    let inside = words.strip_prefix('（')?;
    let end = close(inside)?;
    (end + '）'.len_utf8() == inside.len()).then(|| inside.get(..end)).flatten()
}

/// Where the bracket ends that is open.
fn close(inside: &str) -> Option<usize> {
    let mut depth = 1_usize;
    for (at, c) in inside.char_indices().take(DIRECTION_MAX + 2) {
        match c {
            '（' => depth += 1,
            '）' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn is_direction(inside: &str) -> bool {
    inside.chars().count() <= DIRECTION_MAX && DIRECTIONS.iter().any(|word| inside.contains(word)) && is_of_the_hall(inside)
}

/// Brackets that name an act, a section or a number are words of the speech.
fn is_of_the_hall(inside: &str) -> bool {
    let ends = [
        "拍手",
        "笑声",
        "者あり",
        "者多し",
        "離席",
        "退場",
        "着席",
        "起立",
        "登壇",
        "降壇",
        "朗読",
        "騒然",
        "発言",
        "閉鎖",
        "開鎖",
        "不能",
        "中止",
        "投票",
        "する",
        "あり",
        "多し",
    ];
    let quiet = inside.trim_end_matches(['。', '、', ' ', '　']);
    ends.iter().any(|end| quiet.ends_with(end)) && !quiet.contains("法律第")
}

/// A line without the directions in it.
fn without_directions(words: &str, directions: &mut Vec<String>, dropped: &mut Dropped) -> String {
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(at) = rest.find('（') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inside = from.strip_prefix('（').unwrap_or_default();
        match close(inside).and_then(|end| Some((inside.get(..end)?, inside.get(end + '）'.len_utf8()..)?))) {
            Some((direction, behind)) if is_direction(direction) => {
                dropped.add("direction");
                directions.push(format!("（{direction}）"));
                rest = behind;
            }
            _ => {
                out.push('（');
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}
