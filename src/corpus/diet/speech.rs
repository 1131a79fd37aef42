//! The text of a speech: without its head, lines joined, directions and rules left out.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::corpus::document::Dropped;

/// Where a bracket opens. Its last byte is that of some kana too, so that a search for it alone stops at many places.
static BRACKET: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("（"));

/// What happens in the hall: a direction ends with one of these.
const EVENTS: [&str; 25] = [
    "拍手",
    "笑声",
    "笑い声",
    "離席",
    "退場",
    "着席",
    "起立",
    "起立総員",
    "挙手総員",
    "起立多数",
    "起立少数",
    "挙手",
    "登壇",
    "降壇",
    "朗読",
    "騒然",
    "その他発言",
    "議場閉鎖",
    "議場開鎖",
    "聴取不能",
    "速記中止",
    "資料提示",
    "資料を示す",
    "パネル提示",
    "パネルを示す",
];
/// The same on a line of its own; inside of a sentence it is a word like any other: （期日前投票）.
const OWN_LINE: [&str; 3] = ["投票", "投票執行", "投票を計算"];
/// What is called out, and who does something: a direction ends with one of these and holds one of [`VOICES`].
const THERE_ARE: [&str; 8] = ["者あり", "者多し", "者多く", "者がある", "者が多い", "者少なし", "ものあり", "者なし"];
const VOICES: [&str; 9] = ["呼ぶ", "呼び", "叫ぶ", "発言", "笑う", "拍手", "起立", "離席", "賛成"];
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
    speaker.is_some_and(|speaker| speaker.trim().starts_with("会議録情報")) || order == Some("0") && speaker.is_none()
}

/// Reads a speech. A line that begins with a full-width blank begins a paragraph, another one goes on.
pub(super) fn clean(speech: &str, speaker: Option<&str>, dropped: &mut Dropped) -> Clean {
    let mut clean = Clean::default();
    let body = without_head(speech, speaker.unwrap_or_default());
    if body.len() < speech.trim_start().len() {
        dropped.add("head");
    }
    clean.text.reserve(body.len());
    let mut begins = true;
    for line in lines(body) {
        let words = line.trim();
        if words.is_empty() {
            begins = true;
            continue;
        }
        if is_rule(words) {
            dropped.add("rule");
            begins = true;
            continue;
        }
        if is_direction_line(words) || line.starts_with(TIME_INDENT) && is_time(words) {
            dropped.add("direction");
            clean.directions.push(words.to_owned());
            begins = true;
            continue;
        }
        let kept = without_directions(words, &mut clean.directions, dropped);
        let kept = kept.trim();
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

/// Lines that are not empty; a lone CR ends one too.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        (!rest.is_empty()).then(|| {
            let end = memchr::memchr2(b'\n', b'\r', rest.as_bytes()).unwrap_or(rest.len());
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            line
        })
    })
    .filter(|line| !line.is_empty())
}

/// What follows the head `○name　`. Only the first ○ of a speech is one.
fn without_head<'a>(speech: &'a str, speaker: &str) -> &'a str {
    let text = speech.trim_start_matches(['\n', '\r', ' ']);
    let Some(rest) = text.strip_prefix(['○', '〇', '◯', '◆', '◎']) else { return text };
    let first = rest.split(['\n', '\r']).next().unwrap_or_default();
    if let Some(end) = head_end(first, speaker) {
        return rest.get(end..).unwrap_or_default().trim_start_matches(['　', ' ', '\t']);
    }
    // A head alone on its line; a sentence is none.
    rest.get(if first.contains('。') { 0 } else { first.len() }..).unwrap_or_default()
}

/// Where the head ends: at the first blank that stands neither in brackets, `○国務大臣（甲野　一君）　`, nor in the name of the speaker, `○甲野　一君　`.
fn head_end(line: &str, speaker: &str) -> Option<usize> {
    let is_blank = |c: char| matches!(c, '　' | ' ' | '\t');
    let end_from = |from: usize| {
        let mut depth = 0_usize;
        line.char_indices().filter(|(at, _)| *at >= from).find_map(|(at, c)| {
            match c {
                '（' => depth += 1,
                '）' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (c == '　' && depth == 0).then_some(at)
        })
    };
    // Blanks of a name stand in the field, in the head, or in both.
    let mut name = speaker.chars().filter(|c| !is_blank(*c)).peekable();
    let mut of_name = 0;
    for (at, c) in line.char_indices() {
        if name.next_if_eq(&c).is_some() {
            of_name = at + c.len_utf8();
        } else if of_name == 0 || !is_blank(c) {
            break;
        }
    }
    let of_name = if name.peek().is_none() { of_name } else { 0 };
    // A bracket that does not close is passed over; a narrow blank ends it where there is no wide one.
    end_from(of_name).or_else(|| line.find('　')).or_else(|| line.find(is_blank))
}

/// When the meeting begins, pauses or ends stands far in on a line of its own: `　　　　午後三時四分散会`.
const TIME_INDENT: &str = "　　";
const TIMES: [&str; 8] = ["開議", "開会", "散会", "休憩", "閉会", "延会", "流会", "再開"];

fn is_time(words: &str) -> bool {
    let of_clock = |c: char| "〇零一二三四五六七八九十百時分半正午　".contains(c) || c.is_numeric();
    let inside = words.strip_prefix("午前").or_else(|| words.strip_prefix("午後")).or_else(|| words.strip_prefix("正午").map(|_| words));
    inside.is_some_and(|rest| TIMES.iter().any(|word| rest.strip_suffix(word).is_some_and(|clock| clock.chars().all(of_clock))))
}

/// A line of ━, ─, ― and the like.
fn is_rule(words: &str) -> bool {
    let is_of_rules = |c: char| matches!(c, '━' | '─' | '―' | '－' | '-' | '—' | '＿' | '…' | '・' | '＊' | '*' | '═' | '◇' | '　');
    words.chars().all(is_of_rules) && words.chars().count() >= 3
}

/// A line in brackets of its own: 〔拍手〕, （「異議なし」と呼ぶ者あり）, ［…］.
fn is_direction_line(words: &str) -> bool {
    if words.starts_with('〔') && words.ends_with('〕') {
        return true;
    }
    whole(words).is_some_and(|inside| is_direction(inside, true))
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

/// Does a bracket say what happens in the hall? A noun with の before the event is one of the speech: （式での起立）.
fn is_direction(inside: &str, is_own_line: bool) -> bool {
    let quiet = inside.trim_end_matches(['。', '、', ' ', '　']);
    let is_event = |word: &&str| quiet.strip_suffix(*word).is_some_and(|before| !before.ends_with('の'));
    let is_voice = || THERE_ARE.iter().any(|end| quiet.ends_with(end)) && VOICES.iter().any(|word| quiet.contains(word));
    let is_it = EVENTS.iter().any(&is_event) || is_own_line && OWN_LINE.iter().any(is_event) || is_voice();
    is_it && inside.chars().count() <= DIRECTION_MAX
}

/// A line without the directions in it.
fn without_directions<'a>(words: &'a str, directions: &mut Vec<String>, dropped: &mut Dropped) -> Cow<'a, str> {
    let Some(first) = BRACKET.find(words.as_bytes()) else { return Cow::Borrowed(words) };
    let (before, mut rest) = words.split_at(first);
    let mut out = String::with_capacity(words.len());
    out.push_str(before);
    while let Some(inside) = rest.strip_prefix('（') {
        match close(inside).and_then(|end| Some((inside.get(..end)?, inside.get(end + '）'.len_utf8()..)?))) {
            Some((direction, behind)) if is_direction(direction, false) => {
                dropped.add("direction");
                directions.push(format!("（{direction}）"));
                rest = behind;
            }
            _ => {
                out.push('（');
                rest = inside;
            }
        }
        let (before, next) = rest.split_at(BRACKET.find(rest.as_bytes()).unwrap_or(rest.len()));
        out.push_str(before);
        rest = next;
    }
    Cow::Owned(out)
}
