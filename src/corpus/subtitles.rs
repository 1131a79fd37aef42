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
    let mut at = lines.iter().position(|line| is_times(line.trim())).unwrap_or(lines.len());
    while at < lines.len() {
        let next = lines[at + 1..].iter().position(|line| is_times(line.trim())).map_or(lines.len(), |length| at + 1 + length);
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
        for line in lines {
            let (line, voice) = if is_vtt {
                let (line, voice) = bare_vtt(line);
                (Cow::Owned(line), voice)
            } else {
                (bare_srt(line), None)
            };
            speaker = voice.or(speaker);
            let line = line.trim();
            let line = if dashes > 1 || line.starts_with("- ") { behind_dash(line).unwrap_or(line) } else { line };
            self.line(line, speaker.clone());
        }
    }

    fn line(&mut self, line: &str, speaker: Option<String>) {
        if line.is_empty() {
            return;
        }
        let (line, name) = match in_brackets(line) {
            Some((_, "")) => return self.dropped.add("sound"),
            Some((name, rest)) if name.chars().count() <= NAME_MAX => (rest, Some(name.to_owned())),
            Some((_, rest)) => {
                self.dropped.add("sound");
                (rest, None)
            }
            None => (line, None),
        };
        let is_song = line.starts_with(['♪', '♬', '～']) && line.contains(['♪', '♬']) || line.ends_with(['♪', '♬']);
        let words = line.trim_matches(|c: char| matches!(c, '♪' | '♬') || c.is_whitespace());
        if words.is_empty() {
            return self.dropped.add("sound");
        }
        let goes_on = words.ends_with(['―', '→', '➡']);
        let words = words.trim_end_matches(['―', '→', '➡']).trim_end();
        if std::mem::replace(&mut self.goes_on, goes_on) {
            self.push(words);
        } else {
            if !self.text.is_empty() {
                self.push("\n");
            }
            self.push(words);
        }
        let to = self.length;
        let from = to - words.chars().count();
        if is_song || name.is_some() || speaker.is_some() {
            self.marks.push(Mark { from, to, speaker: name.or(speaker), is_song });
        }
    }

    fn push(&mut self, words: &str) {
        self.text.push_str(words);
        self.length += words.chars().count();
    }

    /// `{"cues": …, "speakers": [[from, to, name], …], "songs": [[from, to], …]}`, places in characters of the text.
    fn meta(&self) -> Option<String> {
        let speakers: Vec<_> = self.marks.iter().filter_map(|mark| Some((mark.from, mark.to, mark.speaker.as_deref()?))).collect();
        let songs: Vec<_> = self.marks.iter().filter(|mark| mark.is_song).map(|mark| (mark.from, mark.to)).collect();
        let meta = Meta { cues: self.cues, speakers, songs };
        if self.cues > 0 { serde_json::to_string(&meta).ok() } else { None }
    }
}

/// `（太郎）雨だ` → 太郎 and 雨だ.
fn in_brackets(line: &str) -> Option<(&str, &str)> {
    const BRACKETS: [(char, char); 5] = [('（', '）'), ('(', ')'), ('［', '］'), ('[', ']'), ('【', '】')];
    let (open, close) = BRACKETS.into_iter().find(|(open, _)| line.starts_with(*open))?;
    let (inside, rest) = line.get(open.len_utf8()..)?.split_once(close)?;
    Some((inside.trim(), rest.trim()))
}

fn behind_dash(line: &str) -> Option<&str> {
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

/// Words of a line of WebVTT, and who says them.
fn bare_vtt(line: &str) -> (String, Option<String>) {
    let (mut out, mut rest, mut voice, mut reading) = (String::with_capacity(line.len()), line, None, false);
    while let Some((before, behind)) = rest.split_once('<') {
        if !reading {
            out.push_str(before);
        }
        let Some((tag, after)) = behind.split_once('>') else {
            rest = "";
            break;
        };
        if let Some(name) =
            tag.strip_prefix("v ").or_else(|| tag.strip_prefix("v.").and_then(|tag| tag.split_once(' ').map(|(_, name)| name)))
        {
            voice = Some(resolved(name.trim()));
        }
        let name = tag.trim_start_matches('/').split(['.', ' ']).next().unwrap_or_default();
        match (name, tag.starts_with('/')) {
            ("rt", is_end) => reading = !is_end,
            ("ruby", true) => reading = false,
            _ => {}
        }
        rest = after;
    }
    if !reading {
        out.push_str(rest);
    }
    (resolved(&out), voice)
}

/// References of WebVTT.
fn resolved(text: &str) -> String {
    const REFERENCES: [(&str, &str); 6] =
        [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", "\u{a0}"), ("&lrm;", "\u{200e}"), ("&rlm;", "\u{200f}"), ("&amp;", "&")];
    REFERENCES.iter().fold(text.to_owned(), |text, (name, sign)| text.replace(name, sign))
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
    }

    #[test]
    fn web_vtt() {
        let file = "WEBVTT - 題\nX: y\n\nNOTE 甲\n乙\n\nSTYLE\n::cue { color: red }\n\n題1\n00:01.000 --> 00:02.000 align:start\n<v 太郎>雨だ</v>\n\n\
                    00:03.000 --> 00:04.000\n<ruby>漢<rt>かん</rt></ruby>字&amp;外 <c.x>甲</c><00:03.500>乙\n\nNOTE 丙\n";
        let document = read(file);
        assert_eq!(document.text, "雨だ\n漢字&外 甲乙");
        assert_eq!(meta(&document)["speakers"], serde_json::json!([[0, 2, "太郎"]]));
    }

    #[test]
    fn beginnings() {
        assert!(is_vtt("WEBVTT\n") && is_vtt("\u{feff}WEBVTT 題") && !is_vtt("WEBVTTX"));
        assert!(is_srt("1\n00:00:01,000 --> 00:00:02,000\n甲") && is_srt("\n00:00:01.000 --> 00:00:02.000\n甲"));
        assert!(!is_srt("1\n甲") && !is_srt("a --> b\n") && !is_srt(""));
        assert_eq!(read("甲").text, "");
    }
}
