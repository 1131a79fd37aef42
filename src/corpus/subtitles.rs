//! Subtitles, SubRip (`.srt`) and WebVTT (`.vtt`), → what is said, a line a line.
//!
//! A cue begins at its times, whatever stands between two: a line that looks empty and holds U+3000 does not end one, and a number is that of a cue only where
//! times follow. Who speaks is no text: names in brackets before words, and those of `<v …>`, go to `meta` with the place of what they say. Descriptions of sounds are
//! left out and counted, songs are marked. WebVTT: <https://www.w3.org/TR/webvtt1/>; SubRip has no specification.

use std::borrow::Cow;

use super::document::{Document, Dropped};

/// Characters of a name that stands in brackets before words. What is longer is a description.
const NAME_MAX: usize = 12;
/// Bytes of a file that are looked at for the first times.
const HEAD_MAX: usize = 4096;

/// Bytes of a tag.
const TAG_MAX: usize = 1024;

/// Does a file begin like WebVTT?
#[must_use]
pub fn is_vtt(head: &str) -> bool {
    let rest = head.trim_start_matches('\u{feff}').strip_prefix("WEBVTT");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

/// Does a file begin like SubRip: a number, and times below?
#[must_use]
pub fn is_srt(head: &str) -> bool {
    let head = head.trim_start_matches('\u{feff}');
    let head = head.get(..head.floor_char_boundary(HEAD_MAX)).unwrap_or(head);
    let mut lines = head.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    is_times(first) || is_number(first) && lines.next().is_some_and(is_times)
}

/// `00:00:01,000 --> 00:00:02,500`, with settings behind it in WebVTT.
fn is_times(line: &str) -> bool {
    // Nearly all lines are none, and begin with no digit.
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let Some((from, to)) = line.split_once("-->") else { return false };
    let is_time = |time: &str| {
        let digits = time.bytes().filter(u8::is_ascii_digit).count();
        digits >= 5 && time.contains(':') && time.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b','))
    };
    is_time(from.trim()) && to.split_ascii_whitespace().next().is_some_and(is_time)
}

/// Does a line begin with a letter of Japanese? Then no sign that is looked for stands there, and no blank.
fn begins_with_letter(line: &str) -> bool {
    matches!(line.as_bytes(), [0xe3, 0x81..=0xbf, ..] | [0xe4..=0xe9, ..])
}

/// The same of its end.
fn ends_with_letter(line: &str) -> bool {
    matches!(line.as_bytes(), [.., 0xe3, 0x81..=0xbf, 0x80..=0xbf] | [.., 0xe4..=0xe9, 0x80..=0xbf, 0x80..=0xbf])
}

/// Without blanks around it; most lines have none.
fn trimmed(line: &str) -> &str {
    if begins_with_letter(line) && ends_with_letter(line) { line } else { line.trim() }
}

/// Does a line hold times, and nothing before them?
fn has_times(line: &str) -> bool {
    !begins_with_letter(line) && is_times(line.trim())
}

fn is_number(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is noted of a line.
struct Mark {
    /// Characters of the text before it and before its end.
    from: usize,
    to: usize,
    /// Who says it.
    speaker: Option<String>,
    is_song: bool,
}

/// What is told beside the text.
#[derive(serde::Serialize)]
struct Meta<'a> {
    cues: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    speakers: Vec<(usize, usize, &'a str)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    songs: Vec<(usize, usize)>,
}

/// What is said so far.
#[derive(Default)]
struct Said {
    text: String,
    /// Characters of the text.
    length: usize,
    marks: Vec<Mark>,
    dropped: Dropped,
    cues: u64,
    /// The line before goes on in the next cue.
    goes_on: bool,
}

/// Reads a file.
#[must_use]
pub fn read(file: &str) -> Document {
    let file = file.trim_start_matches('\u{feff}');
    let is_vtt = is_vtt(file);
    let file = if file.contains('\r') { Cow::Owned(file.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(file) };
    let lines: Vec<&str> = file.split('\n').collect();
    let mut said = Said::default();
    let mut at = lines.iter().position(|line| has_times(line)).unwrap_or(lines.len());
    while at < lines.len() {
        let next = lines[at + 1..].iter().position(|line| has_times(line)).map_or(lines.len(), |length| at + 1 + length);
        said.cue(&lines[at + 1..cue_end(&lines, at + 1, next, is_vtt)], is_vtt);
        at = next;
    }
    let meta = said.meta();
    Document { text: said.text, meta, dropped: said.dropped, ..Document::default() }
}

/// Where the words of a cue end that lie between `from` and the times of the next at `next`.
fn cue_end(lines: &[&str], from: usize, next: usize, is_vtt: bool) -> usize {
    let is_empty = |line: &str| line.trim_matches([' ', '\t']).is_empty();
    if is_vtt {
        // Behind an empty line stand notes, styles, and the name of the next cue.
        return lines[from..next].iter().position(|line| is_empty(line)).map_or(next, |length| from + length);
    }
    let mut end = next;
    if next < lines.len() && end > from && is_number(lines[end - 1].trim()) {
        end -= 1;
    }
    while end > from && is_empty(lines[end - 1]) {
        end -= 1;
    }
    end
}

impl Said {
    fn cue(&mut self, lines: &[&str], is_vtt: bool) {
        self.cues += 1;
        let mut speaker = None;
        let dashes = lines.iter().filter(|line| behind_dash(line).is_some()).count();
        let mut add = |line: &str, speaker: Option<String>| {
            let line = trimmed(line);
            let line = if dashes > 1 || line.starts_with("- ") { behind_dash(line).unwrap_or(line) } else { line };
            self.line(line, speaker);
        };
        for line in lines {
            if is_vtt {
                for (line, voice) in voices(line) {
                    speaker = voice.or(speaker);
                    add(&line, speaker.clone());
                }
            } else {
                add(&bare_srt(line), None);
            }
        }
    }

    fn line(&mut self, line: &str, speaker: Option<String>) {
        let (mut words, mut is_song) = behind_notes(behind_marks(line));
        let mut name = None;
        // The first bracket that is no sound names who speaks; another one says how: （太郎）（小声で）雨だ.
        while let Some((inside, rest)) = in_brackets(words) {
            let (rest, sings) = behind_notes(behind_marks(rest));
            if name.is_none() && !rest.is_empty() && inside.chars().count() <= NAME_MAX && !is_sound(inside) {
                name = Some(inside.to_owned());
            } else {
                self.dropped.add("sound");
            }
            (words, is_song) = (rest, is_song || sings);
            if words.is_empty() {
                return;
            }
        }
        if words.is_empty() {
            if is_song {
                self.dropped.add("sound");
            }
            return;
        }
        let (words, goes_on) = without_arrows(words);
        let joins = std::mem::replace(&mut self.goes_on, goes_on);
        if !joins && !self.text.is_empty() {
            self.text.push('\n');
            self.length += 1;
        }
        let from = self.length;
        self.text.push_str(words);
        self.length += words.chars().count();
        if is_song || name.is_some() || speaker.is_some() {
            self.marks.push(Mark { from, to: self.length, speaker: name.or(speaker), is_song });
        }
    }

    /// `{"cues": …, "speakers": [[from, to, name], …], "songs": [[from, to], …]}`, places in characters of the text.
    fn meta(&self) -> Option<String> {
        let speakers: Vec<_> = self.marks.iter().filter_map(|mark| Some((mark.from, mark.to, mark.speaker.as_deref()?))).collect();
        let songs: Vec<_> = self.marks.iter().filter(|mark| mark.is_song).map(|mark| (mark.from, mark.to)).collect();
        let meta = Meta { cues: self.cues, speakers, songs };
        if self.cues > 0 { serde_json::to_string(&meta).ok() } else { None }
    }
}

/// Does a description in brackets end like that of a sound?
fn is_sound(description: &str) -> bool {
    const ENDS: [&str; 24] = [
        "の音",
        "る音",
        "た音",
        "足音",
        "物音",
        "雨音",
        "波音",
        "爆音",
        "爆発音",
        "衝撃音",
        "着信音",
        "音楽",
        "銃声",
        "歓声",
        "怒声",
        "い声",
        "き声",
        "び声",
        "悲鳴",
        "拍手",
        "ため息",
        "チャイム",
        "ざわめき",
        "笑い",
    ];
    ENDS.iter().any(|end| description.ends_with(end))
}

/// Without the sign that another speaks, or somebody who is not seen: `≫`, `≪`, `>>`. Those that quote words stay.
fn behind_marks(line: &str) -> &str {
    const MARKS: [char; 2] = ['≪', '≫'];
    let line = trimmed(line);
    if begins_with_letter(line) {
        return line;
    }
    let line = line.strip_prefix(">>").or_else(|| line.strip_prefix("＞＞")).unwrap_or(line).trim_start();
    let Some(rest) = line.strip_prefix(MARKS) else { return line };
    let rest = rest.trim_start_matches(MARKS);
    let rest = rest.strip_suffix(MARKS).unwrap_or(rest);
    if rest.contains(MARKS) { line } else { rest.trim() }
}

/// A line of a song without its notes; is it one?
fn behind_notes(line: &str) -> (&str, bool) {
    if begins_with_letter(line) && ends_with_letter(line) {
        return (line, false);
    }
    let is_song = line.starts_with(['♪', '♬', '～']) && line.contains(['♪', '♬']) || line.ends_with(['♪', '♬']);
    let is_note = |c: char| matches!(c, '♪' | '♬' | '～' | '〜' | '~') || c.is_whitespace();
    if is_song { (line.trim_matches(is_note), true) } else { (line, false) }
}

/// `（太郎）雨だ` → 太郎 and 雨だ.
fn in_brackets(line: &str) -> Option<(&str, &str)> {
    const BRACKETS: [(char, char); 5] = [('（', '）'), ('(', ')'), ('［', '］'), ('[', ']'), ('【', '】')];
    if begins_with_letter(line) {
        return None;
    }
    let (open, close) = BRACKETS.into_iter().find(|(open, _)| line.starts_with(*open))?;
    let (inside, rest) = line.get(open.len_utf8()..)?.split_once(close)?;
    Some((trimmed(inside), trimmed(rest)))
}

/// Without the signs that words go on, and those that come before; do they go on?
fn without_arrows(words: &str) -> (&str, bool) {
    const ARROWS: [char; 2] = ['→', '➡'];
    const GOES_ON: [char; 3] = ['―', '→', '➡'];
    let words = if begins_with_letter(words) { words } else { words.trim_start_matches(ARROWS).trim_start() };
    if ends_with_letter(words) {
        return (words, false);
    }
    (words.trim_end_matches(GOES_ON).trim_end(), words.ends_with(GOES_ON))
}

fn behind_dash(line: &str) -> Option<&str> {
    if begins_with_letter(line) {
        return None;
    }
    line.trim().strip_prefix(['-', '－', '–', '—', '‐'])?.trim_start().into()
}

/// Without the tags that players know, and `{\an8}`.
fn bare_srt(line: &str) -> Cow<'_, str> {
    const TAGS: [&str; 7] = ["i", "b", "u", "s", "font", "ruby", "rt"];
    if memchr::memchr2(b'{', b'<', line.as_bytes()).is_none() {
        return Cow::Borrowed(line);
    }
    let out = without(line, '{', '}', |inside| inside.starts_with('\\'));
    let out = without(&out, '<', '>', |inside| {
        let name = inside.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        TAGS.contains(&name.to_ascii_lowercase().as_str())
    });
    Cow::Owned(out)
}

/// The line without what stands between two signs, where it is meant.
fn without(line: &str, open: char, close: char, is_meant: impl Fn(&str) -> bool) -> String {
    let (mut out, mut rest) = (String::with_capacity(line.len()), line);
    while let Some((before, behind)) = rest.split_once(open) {
        out.push_str(before);
        match behind.get(..behind.floor_char_boundary(TAG_MAX)).and_then(|near| near.split_once(close)) {
            Some((inside, _)) if is_meant(inside) => rest = behind.get(inside.len() + close.len_utf8()..).unwrap_or_default(),
            _ => {
                out.push(open);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Words of a line of WebVTT, and who says them, if it changes: a piece a voice.
fn voices(line: &str) -> Vec<(String, Option<String>)> {
    let (mut pieces, mut out, mut rest, mut voice, mut reading) = (Vec::new(), String::with_capacity(line.len()), line, None, false);
    while let Some((before, behind)) = rest.split_once('<') {
        if !reading {
            out.push_str(before);
        }
        let Some((tag, after)) = behind.split_once('>') else {
            rest = "";
            break;
        };
        let name = tag.trim_start_matches('/').split(['.', ' ', '\t']).next().unwrap_or_default();
        match (name, tag.starts_with('/')) {
            ("v", false) => {
                if !out.trim().is_empty() {
                    pieces.push((resolved(&out), voice.take()));
                }
                out.clear();
                voice = tag.split_once([' ', '\t']).map(|(_, name)| resolved(name.trim())).filter(|name| !name.is_empty());
            }
            ("rt", is_end) => reading = !is_end,
            ("ruby", true) => reading = false,
            _ => {}
        }
        rest = after;
    }
    if !reading {
        out.push_str(rest);
    }
    pieces.push((resolved(&out), voice));
    pieces
}

/// Characters between the `&` and the `;` of a reference.
const REFERENCE_MAX: usize = 10;

/// The text of a piece with its references: those that WebVTT names, and those by number.
fn resolved(text: &str) -> String {
    const REFERENCES: [(&str, char); 8] = [
        ("lt", '<'),
        ("gt", '>'),
        ("amp", '&'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", '\u{a0}'),
        ("lrm", '\u{200e}'),
        ("rlm", '\u{200f}'),
    ];
    let sign = |name: &str| {
        let by_number = |number: &str| match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        };
        let known = REFERENCES.iter().find(|(known, _)| *known == name).map(|(_, sign)| *sign);
        known.or_else(|| char::from_u32(by_number(name.strip_prefix('#')?)?).filter(|c| !c.is_control()))
    };
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let near = behind.get(..behind.floor_char_boundary(REFERENCE_MAX)).unwrap_or_default();
        if let Some((length, c)) = near.split_once(';').and_then(|(name, _)| Some((name.len() + 1, sign(name)?))) {
            out.push(c);
            rest = behind.get(length..).unwrap_or_default();
        } else {
            out.push('&');
            rest = behind;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn srt(cues: &[&str]) -> Document {
        let cue = |(number, words): (usize, &&str)| format!("{}\n00:00:0{number},000 --> 00:00:0{number},900\n{words}\n\n", number + 1);
        read(&cues.iter().enumerate().map(cue).collect::<String>())
    }

    fn meta(document: &Document) -> serde_json::Value {
        serde_json::from_str(document.meta.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn words_of_cues() {
        let cases: &[(&[&str], &str)] = &[
            (&["雨だ\n帰ろう"], "雨だ\n帰ろう"),
            (&["雨が\n\u{3000}\n降る"], "雨が\n降る"),
            (&["（雨の音）", "雨だ"], "雨だ"),
            (&["- 雨だ\n- うん"], "雨だ\nうん"),
            (&["－雨だ\n－うん"], "雨だ\nうん"),
            (&["-5度だ"], "-5度だ"),
            (&["♪ ラララ"], "ラララ"),
            (&["2024", "２０２４"], "2024\n２０２４"),
            (&["行こう―", "今すぐ"], "行こう今すぐ"),
            (&["<i>雨だ", "帰ろう</i>"], "雨だ\n帰ろう"),
            (&["{\\an8}<font color=\"#fff\">雨だ</font>"], "雨だ"),
            (&["a < b > c"], "a < b > c"),
            (&["雨が\n\n降る"], "雨が\n降る"),
            (&["≪（太郎）待って", "≫待たない", ">> うん", "≪題≫という本", "≪雨だ≫"], "待って\n待たない\nうん\n≪題≫という本\n雨だ"),
            (&["→雨だ➡", "→帰ろう"], "雨だ帰ろう"),
            (&["♪～", "♪～ ラララ ～♪", "♪（主題歌）", "♪（太郎）ラララ"], "ラララ\nラララ"),
        ];
        for (cues, expected) in cases {
            assert_eq!(srt(cues).text, *expected, "{cues:?}");
        }
    }

    #[test]
    fn who_speaks_is_no_text() {
        let document = srt(&["（太郎）雨だ", "うん", "♪ ラララ ♪", "(花子) 帰ろう", "（遠くで雷が鳴りはじめる音がする）えっ"]);
        assert_eq!(document.text, "雨だ\nうん\nラララ\n帰ろう\nえっ");
        assert_eq!(meta(&document)["speakers"], serde_json::json!([[0, 2, "太郎"], [10, 13, "花子"]]));
        assert_eq!((meta(&document)["songs"].clone(), meta(&document)["cues"].clone()), (serde_json::json!([[6, 9]]), 5.into()));
        assert_eq!(document.dropped.count("sound"), 1);
        let document = srt(&["（ドアの音）（次郎）誰だ", "（太郎）（小声で）雨だ", "（初音）うん", "（雷の音）えっ", "（太郎）（笑い声）"]);
        assert_eq!(document.text, "誰だ\n雨だ\nうん\nえっ");
        assert_eq!(meta(&document)["speakers"], serde_json::json!([[0, 2, "次郎"], [3, 5, "太郎"], [6, 8, "初音"]]));
        assert_eq!(document.dropped.count("sound"), 4);
    }

    #[test]
    fn web_vtt() {
        let file = "WEBVTT - 題\nX: y\n\nNOTE 甲\n乙\n\nSTYLE\n::cue { color: red }\n\n題1\n00:01.000 --> 00:02.000 align:start\n<v 太郎>雨だ</v>\n\n\
                    00:03.000 --> 00:04.000\n<ruby>漢<rt>かん</rt></ruby>字&amp;外 <c.x>甲</c><00:03.500>乙\n\nNOTE 丙\n";
        let document = read(file);
        assert_eq!(document.text, "雨だ\n漢字&外 甲乙");
        assert_eq!(meta(&document)["speakers"], serde_json::json!([[0, 2, "太郎"]]));
        let file = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud 甲 乙>雨だ</v> <v 丙>うん</v>\n帰ろう\n\n00:03.000 --> 00:04.000\n\
                    &#x732B;&#29356;&amp;lt;&x;&#xd800;";
        let document = read(file);
        assert_eq!(document.text, "雨だ\nうん\n帰ろう\n猫犬&lt;&x;&#xd800;");
        assert_eq!(meta(&document)["speakers"], serde_json::json!([[0, 2, "甲 乙"], [3, 5, "丙"], [6, 9, "丙"]]));
    }

    #[test]
    fn beginnings() {
        assert!(is_vtt("WEBVTT\n") && is_vtt("\u{feff}WEBVTT 題") && !is_vtt("WEBVTTX"));
        assert!(is_srt("1\n00:00:01,000 --> 00:00:02,000\n甲") && is_srt("\n00:00:01.000 --> 00:00:02.000\n甲"));
        assert!(!is_srt("1\n甲") && !is_srt("a --> b\n") && !is_srt(""));
        assert_eq!(read("甲").text, "");
    }
}
