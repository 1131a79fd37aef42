//! A line with its notation → text: readings, notes, described characters, letters with marks, repeat marks.

use serde_json::{Map, Value, json};

use super::accents;
use super::class;
use super::gaiji;
use super::note::{Effect, Note};
use super::pairs::Pairs;
use crate::corpus::document::Dropped;

/// What is wanted of a work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Do readings stand in brackets behind their bases?
    pub readings: bool,
    /// Are readings, marks of Chinese sentences and words of the source noted with their places?
    pub spans: bool,
}

/// Bytes of a sign of the notation.
const SIGN: usize = 3;
/// Bytes of `［＃`.
const OPEN: usize = 2 * SIGN;
/// Headings of a work that are noted, kinds of unknown characters, and characters of a description.
const HEADINGS_MAX: usize = 4096;
const UNKNOWN_MAX: usize = 64;
const DESCRIPTION_MAX: usize = 100;

/// The body of a work.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) text: String,
    pub(super) dropped: Dropped,
    headings: Vec<(u8, String)>,
    unknown: Vec<(String, u64)>,
    readings: Vec<Span>,
    variants: Vec<Span>,
    kanbun: Vec<(usize, String)>,
}

/// Words of the text, and what is said of them.
#[derive(Debug)]
struct Span {
    from: usize,
    to: usize,
    said: String,
}

impl Body {
    /// What is known of the body beside its text; places are counted in characters.
    pub(super) fn describe(&self, meta: &mut Map<String, Value>) {
        let mut put = |key: &str, values: Vec<Value>| {
            if !values.is_empty() {
                meta.insert(key.to_owned(), Value::Array(values));
            }
        };
        put("headings", self.headings.iter().map(|(level, heading)| json!([level, heading])).collect());
        put("unknown_characters", self.unknown.iter().map(|(description, count)| json!([description, count])).collect());
        let places = self.places();
        let place =
            |byte: usize| places.binary_search_by_key(&byte, |(byte, _)| *byte).ok().and_then(|at| places.get(at)).map(|(_, place)| *place);
        let spans = |spans: &[Span]| -> Vec<Value> {
            let words = |span: &Span| self.text.get(span.from..span.to).unwrap_or_default().to_owned();
            spans.iter().map(|span| json!([place(span.from), place(span.to), words(span), span.said])).collect()
        };
        put("readings", spans(&self.readings));
        put("variants", spans(&self.variants));
        put("kanbun", self.kanbun.iter().map(|(at, mark)| json!([place(*at), mark])).collect());
    }

    /// The characters before each byte that a place is told of.
    fn places(&self) -> Vec<(usize, usize)> {
        let ends = self.readings.iter().chain(&self.variants).flat_map(|span| [span.from, span.to]);
        let mut bytes: Vec<usize> = ends.chain(self.kanbun.iter().map(|(at, _)| *at)).collect();
        bytes.sort_unstable();
        bytes.dedup();
        let (mut before, mut count) = (0, 0);
        let mut place = |byte: usize| {
            count += self.text.get(before..byte).map_or(0, |text| text.chars().count());
            before = byte;
            (byte, count)
        };
        bytes.into_iter().map(&mut place).collect()
    }
}

/// A line without its notation.
pub(super) fn plain(line: &str) -> String {
    let mut inline = Inline::new(Options::default(), line.len());
    inline.line(line);
    inline.body.text
}

/// The character that a picture stands for, by its description; 〓 where nobody can know it.
pub(super) fn picture(description: &str) -> String {
    gaiji::string(description).unwrap_or_else(|| gaiji::UNKNOWN.to_owned())
}

/// Makes text of lines.
pub(super) struct Inline {
    options: Options,
    body: Body,
    has_lines: bool,
    /// Notes of the line.
    notes: u64,
    /// A heading over several lines: its level, and where it begins.
    heading: Option<(u8, usize)>,
}

/// A line of the source.
struct Line<'a> {
    text: &'a str,
    pairs: &'a Pairs,
    /// Where a comment between the lines ends last.
    comments_end: Option<usize>,
}

/// How far a line has come.
struct State {
    /// Where its text begins.
    start: usize,
    /// Where the base of the next reading begins, if a ｜ says so.
    mark: Option<usize>,
    /// The last two places that the base of a reading does not reach over: notes and other readings.
    breaks: (usize, usize),
    /// Where the last reading stood.
    reading: Option<usize>,
    /// Described characters, from the start of the line.
    described: Vec<(usize, usize)>,
    /// Where the letters with marks end.
    accents: Option<usize>,
    /// A piece of a line for its own sake: nothing is counted or noted.
    is_piece: bool,
    /// A bracket stands before a comment between the lines.
    in_comment: bool,
}

impl State {
    fn at(start: usize, is_piece: bool) -> Self {
        Self { start, mark: None, breaks: (start, start), reading: None, described: Vec::new(), accents: None, is_piece, in_comment: false }
    }
}

impl Inline {
    pub(super) fn new(options: Options, capacity: usize) -> Self {
        let body = Body { text: String::with_capacity(capacity), ..Body::default() };
        Self { options, body, has_lines: false, notes: 0, heading: None }
    }

    /// The body, without blank lines around it.
    pub(super) fn finish(mut self) -> Body {
        let length = self.body.text.trim_end().len();
        self.body.text.truncate(length);
        self.body.kanbun.iter_mut().for_each(|(at, _)| *at = length.min(*at));
        self.body
    }

    /// Adds a line. One of nothing but notes is none.
    pub(super) fn line(&mut self, line: &str) {
        if !self.has_lines && line.trim().is_empty() {
            return;
        }
        let before = self.body.text.len();
        if self.has_lines {
            self.body.text.push('\n');
        }
        let start = self.body.text.len();
        self.notes = 0;
        let pairs = Pairs::of(line);
        let line = Line { text: line, pairs: &pairs, comments_end: line.rfind("注終わり］") };
        self.walk(&line, 0, line.text.len(), &mut State::at(start, false));
        let is_gone = self.notes > 0 && self.body.text.get(start..).is_some_and(|text| text.trim().is_empty());
        if is_gone {
            self.body.text.truncate(before);
        }
        self.has_lines |= !is_gone;
    }

    fn walk(&mut self, line: &Line<'_>, from: usize, to: usize, state: &mut State) {
        let bytes = line.text.as_bytes();
        let (mut at, mut plain) = (from, from);
        while at < to {
            // Most characters are kana and kanji, which no sign begins like.
            if let [0xe3, 0x81..=0xbf, ..] | [0xe4..=0xe9, ..] = &bytes[at..] {
                at += SIGN;
                continue;
            }
            let Some(sign) = sign(bytes, at, state) else {
                at += width(bytes[at]);
                continue;
            };
            self.put(line, plain, at);
            plain = at;
            let behind = match sign {
                Sign::Reading => self.reading(line, at, to, state),
                Sign::Bar => self.bar(line, at, to, state),
                Sign::Bracket => self.note(line, at, to, state),
                Sign::Star => self.described(line, at, to, state),
                Sign::Shell => accents_end(line, at, to).map(|end| {
                    state.accents = Some(end);
                    at + SIGN
                }),
                Sign::ShellEnds => {
                    state.accents = None;
                    Some(at + SIGN)
                }
                Sign::Letter => accents::letter(line.text.get(at..to).unwrap_or_default()).map(|(letter, length)| {
                    self.body.text.push_str(letter);
                    at + length
                }),
                Sign::Repeat => repeat(line.text.get(at..to).unwrap_or_default()).map(|(marks, length)| {
                    self.body.text.push_str(marks);
                    at + length
                }),
            };
            match behind {
                Some(behind) => (at, plain) = (behind, behind),
                None => at += width(bytes[at]),
            }
        }
        self.put(line, plain, to);
    }

    fn put(&mut self, line: &Line<'_>, from: usize, to: usize) {
        self.body.text.push_str(line.text.get(from..to).unwrap_or_default());
    }

    /// A piece of a line as text.
    fn piece(&mut self, line: &Line<'_>, from: usize, to: usize) -> String {
        let text = std::mem::take(&mut self.body.text);
        self.walk(line, from, to, &mut State::at(0, true));
        std::mem::replace(&mut self.body.text, text)
    }

    /// `《…》`: a reading, if it stands behind something that can be read. Gives where the line goes on; `None`: brackets like others.
    fn reading(&mut self, line: &Line<'_>, at: usize, to: usize, state: &mut State) -> Option<usize> {
        let end = reading_end(line, at + SIGN, to).filter(|end| !state.is_piece && *end > at + SIGN)?;
        let length = self.body.text.len();
        // A note may stand between: the reading is that of the words before it.
        let limit = if state.breaks.1 == length { state.breaks.0 } else { state.breaks.1 };
        let start = if let Some(mark) = state.mark.take() {
            mark
        } else {
            let before = self.body.text.get(state.start..).unwrap_or_default();
            (state.start + class::base(before, &state.described)).max(limit)
        };
        let is_second = start >= length && state.reading == Some(length);
        if start >= length && !is_second {
            return None;
        }
        self.body.dropped.add("reading");
        if (self.options.readings || self.options.spans) && !is_second {
            let said = self.piece(line, at + SIGN, end);
            if self.options.readings {
                self.body.text.extend(["（", &said, "）"]);
            }
            if self.options.spans {
                self.body.readings.push(Span { from: start, to: length, said });
            }
        }
        let length = self.body.text.len();
        (state.breaks, state.reading) = ((length, length), Some(length));
        Some(end + SIGN)
    }

    /// `｜`: begins a base, if a reading follows it before another one.
    fn bar(&mut self, line: &Line<'_>, at: usize, to: usize, state: &mut State) -> Option<usize> {
        let mut next = at + SIGN;
        while next < to {
            match sign(line.text.as_bytes(), next, state) {
                Some(Sign::Bar) => return None,
                Some(Sign::Reading) => {
                    reading_end(line, next + SIGN, to).filter(|end| next > at + SIGN && *end > next + SIGN && !state.is_piece)?;
                    state.mark = Some(self.body.text.len());
                    return Some(at + SIGN);
                }
                Some(Sign::Bracket) => next = line.pairs.close(next).map_or(next, |close| close) + SIGN,
                _ => next += line.text.as_bytes().get(next).map_or(1, |byte| width(*byte)),
            }
        }
        None
    }

    /// `※［＃…］`: a character that is described. Another ※ is a sign like others.
    fn described(&mut self, line: &Line<'_>, at: usize, to: usize, state: &mut State) -> Option<usize> {
        let open = at + SIGN;
        let (from, close) = match line.pairs.close(open) {
            Some(close) => (open + OPEN, close),
            None => (open + SIGN, gaiji::close_without_sign(line.text.get(open..to)?).map(|close| open + close)?),
        };
        let description = line.text.get(from..close).filter(|_| close < to)?;
        let found = gaiji::string(description);
        if found.is_none() && is_of_the_sign(description) {
            return None;
        }
        let start = self.body.text.len();
        self.body.text.push_str(found.as_deref().unwrap_or(gaiji::UNKNOWN));
        state.described.push((start - state.start, self.body.text.len() - state.start));
        if !state.is_piece {
            self.body.dropped.add(if found.is_some() { "character_found" } else { "character_unknown" });
            if found.is_none() {
                self.unknown(description);
            }
        }
        Some(close + SIGN)
    }

    fn unknown(&mut self, description: &str) {
        let description: String = description.chars().take(DESCRIPTION_MAX).collect();
        let unknown = &mut self.body.unknown;
        if let Some((_, count)) = unknown.iter_mut().find(|(known, _)| *known == description) {
            *count += 1;
        } else if unknown.len() < UNKNOWN_MAX {
            unknown.push((description, 1));
        }
    }

    /// `［＃…］`: a note. A bracket that does not end is one like others.
    fn note(&mut self, line: &Line<'_>, at: usize, to: usize, state: &mut State) -> Option<usize> {
        let close = line.pairs.close(at).filter(|close| *close < to)?;
        let behind = close + SIGN;
        let said = line.text.get(at + OPEN..close)?;
        if self.voiced(said, state) {
            return Some(behind);
        }
        if !state.is_piece {
            let note = Note::new(said);
            self.notes += 1;
            self.body.dropped.add(note.family);
            self.effect(note.effect, line, behind, state);
        }
        let length = self.body.text.len();
        (state.breaks.0, state.breaks.1) = (state.breaks.0.min(length), state.breaks.1.min(length));
        if length > state.breaks.1 {
            state.breaks = (state.breaks.1, length);
        }
        Some(behind)
    }

    /// `ワ゛［＃濁点付き片仮名「ワ」、1-7-82］`: older texts write the mark as a sign of its own and say which character is meant. Is it so?
    fn voiced(&mut self, description: &str, state: &mut State) -> bool {
        let found = if description.contains("濁点付き") { gaiji::string(description) } else { None };
        let Some((found, length)) = found.and_then(|found| gaiji::in_two(&found, &self.body.text).map(|length| (found, length))) else {
            return false;
        };
        let start = self.body.text.len() - length;
        let Some(words) = self.body.text.get(start..).map(str::to_owned) else { return false };
        if !self.take_back(&words, state) {
            return false;
        }
        self.body.text.push_str(&found);
        if !state.is_piece {
            self.body.dropped.add("character_found");
        }
        true
    }

    /// Takes words away that the text ends with, with what was said of them.
    fn take_back(&mut self, words: &str, state: &State) -> bool {
        let Some(length) = self.body.text.strip_suffix(words).map(str::len).filter(|length| !words.is_empty() && *length >= state.start)
        else {
            return false;
        };
        self.body.text.truncate(length);
        self.body.readings.retain(|span| span.to <= length);
        self.body.variants.retain(|span| span.to <= length);
        true
    }

    fn effect(&mut self, effect: Effect<'_>, line: &Line<'_>, behind: usize, state: &mut State) {
        let length = self.body.text.len();
        match effect {
            Effect::Heading { level, of } => {
                let heading = plain(of);
                self.heading(level, &heading);
            }
            Effect::HeadingBegins(level) => self.heading = Some((level, length)),
            Effect::HeadingEnds => {
                if let Some((level, start)) = self.heading.take() {
                    let heading = self.body.text.get(start..).unwrap_or_default().to_owned();
                    self.heading(level, &heading);
                }
            }
            // The web edition sets it in brackets, where there are none yet.
            Effect::CommentBegins
                if line.comments_end.is_some_and(|end| end > behind)
                    && !self.body.text.ends_with('（')
                    && !line.text.get(behind..).is_some_and(|rest| rest.starts_with('（')) =>
            {
                self.body.text.push('（');
                state.in_comment = true;
            }
            Effect::CommentEnds if std::mem::take(&mut state.in_comment) => self.body.text.push('）'),
            Effect::IsKanbun(of) => {
                let mark = plain(of);
                if self.take_back(&mark, state) && self.options.spans {
                    self.body.kanbun.push((self.body.text.len(), mark));
                }
            }
            Effect::Character { of, description } => {
                let is_star = of == "※";
                let found = if is_star { gaiji::by_code(description) } else { gaiji::by_certain_code(description) };
                if (found.is_some() || is_star) && self.take_back(&plain(of), state) {
                    self.body.dropped.add(if found.is_some() { "character_found" } else { "character_unknown" });
                    if found.is_none() {
                        self.unknown(description);
                    }
                    self.body.text.push_str(found.as_deref().unwrap_or(gaiji::UNKNOWN));
                }
            }
            Effect::Reading { of, reading } => {
                let (of, said) = (plain(of), plain(reading));
                if let Some(from) = self.find(&of, state).filter(|_| self.options.spans) {
                    self.body.readings.push(Span { from, to: from + of.len(), said: said.clone() });
                }
                if self.options.readings && self.body.text.ends_with(&of) {
                    self.body.text.extend(["（", &said, "）"]);
                }
            }
            Effect::Variant { of, source } if self.options.spans => {
                let of = plain(of);
                if let Some(from) = self.find(&of, state) {
                    self.body.variants.push(Span { from, to: from + of.len(), said: plain(source) });
                }
            }
            Effect::Kanbun(mark) => {
                if self.options.spans {
                    self.body.kanbun.push((length, mark.to_owned()));
                }
            }
            Effect::Layout | Effect::CommentBegins | Effect::CommentEnds | Effect::Variant { .. } => {}
        }
    }

    fn heading(&mut self, level: u8, heading: &str) {
        let heading = heading.split('\n').map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned();
        if !heading.is_empty() && self.body.headings.len() < HEADINGS_MAX {
            self.body.headings.push((level, heading));
        }
    }

    /// Where words stand last in the line.
    fn find(&self, words: &str, state: &State) -> Option<usize> {
        let line = self.body.text.get(state.start..).filter(|_| !words.is_empty())?;
        line.rfind(words).map(|at| state.start + at)
    }
}

/// A sign of the notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// 《
    Reading,
    /// ｜
    Bar,
    /// ［
    Bracket,
    /// ※
    Star,
    /// 〔
    Shell,
    /// The 〕 that ends letters with marks.
    ShellEnds,
    /// A letter that a mark may follow.
    Letter,
    /// ／
    Repeat,
}

/// The sign at `at`.
fn sign(bytes: &[u8], at: usize, state: &State) -> Option<Sign> {
    let rest = bytes.get(at..)?;
    Some(match rest {
        [0xe3, 0x80, 0x8a, ..] => Sign::Reading,
        [0xef, 0xbd, 0x9c, ..] => Sign::Bar,
        [0xef, 0xbc, 0xbb, ..] => Sign::Bracket,
        [0xe2, 0x80, 0xbb, ..] => Sign::Star,
        [0xe3, 0x80, 0x94, ..] if state.accents.is_none() => Sign::Shell,
        [0xe3, 0x80, 0x95, ..] if state.accents == Some(at) => Sign::ShellEnds,
        [0xef, 0xbc, 0x8f, ..] => Sign::Repeat,
        [..0x80, ..] if state.accents.is_some() => Sign::Letter,
        _ => return None,
    })
}

/// Bytes of a character by its first one.
fn width(first: u8) -> usize {
    match first {
        ..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    }
}

/// Where the reading ends that begins at `from`; `None` for a bracket that does not end, or holds another.
fn reading_end(line: &Line<'_>, from: usize, to: usize) -> Option<usize> {
    let bytes = line.text.as_bytes();
    let mut at = from;
    while at < to {
        match bytes.get(at..)? {
            [0xe3, 0x80, 0x8b, ..] => return Some(at),
            [] | [0xe3, 0x80, 0x8a, ..] => return None,
            [0xef, 0xbc, 0xbb, ..] => at = line.pairs.close(at).unwrap_or(at) + SIGN,
            [first, ..] => at += width(*first),
        }
    }
    None
}

/// Where brackets 〔〕 end in which a letter with a mark stands.
fn accents_end(line: &Line<'_>, at: usize, to: usize) -> Option<usize> {
    let bytes = line.text.as_bytes();
    let (mut next, mut piece, mut has_letters) = (at + SIGN, at + SIGN, false);
    let mut look = |from: usize, to: usize| has_letters |= line.text.get(from..to).is_some_and(accents::is_in);
    while next < to {
        match bytes.get(next..)? {
            [0xe3, 0x80, 0x95, ..] => {
                look(piece, next);
                return has_letters.then_some(next);
            }
            [] | [0xe3, 0x80, 0x94, ..] => return None,
            [0xef, 0xbc, 0xbb, ..] => {
                look(piece, next);
                next = line.pairs.close(next).unwrap_or(next) + SIGN;
                piece = next;
            }
            [first, ..] => next += width(*first),
        }
    }
    None
}

/// `／＼` and `／″＼`: marks that repeat what stands before them, with a voicing mark or without.
fn repeat(text: &str) -> Option<(&'static str, usize)> {
    const MARKS: [(&str, &str); 3] = [("／＼", "〳〵"), ("／″＼", "〴〵"), ("／゛＼", "〴〵")];
    MARKS.iter().find(|(written, _)| text.starts_with(written)).map(|(written, marks)| (*marks, written.len()))
}

/// Is a note about the sign ※ before it, or about the layout, and describes no character?
fn is_of_the_sign(description: &str) -> bool {
    let layout = ["note_page", "note_indent", "note_alignment", "note_heading", "note_columns", "note_horizontal"];
    description.starts_with("「※」") || !description.starts_with('「') && layout.contains(&Note::new(description).family)
}
