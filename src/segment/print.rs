//! Prints morphemes: as words with spaces, as MeCab prints them, or as JSON Lines.

use std::borrow::Cow;

use crate::morpheme::{Lexicon, NO_WORD, PosTable, Standard};
use crate::segment::csv;
use crate::segment::dictionary::Dictionary;
use crate::segment::engine::SegmentWorker;
use crate::segment::lines::Block;
use crate::segment::morphemes::MorphemeBuffer;

/// How the morphemes of a line are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Surfaces separated by spaces (分かち書き).
    Wakati,
    /// As MeCab does: `surface TAB features`, a line for each morpheme, and `EOS` after each line of text.
    Mecab,
    /// A JSON object for each line: its text, and its morphemes with byte offsets, part of speech, lemma and reading.
    Jsonl,
}

/// Analyses lines and prints their morphemes in one format; each thread has its own.
///
/// ```no_run
/// use seimai::segment::{Options, open};
/// use seimai::segment::print::{Format, Printer};
///
/// let (dictionary, segmenter) = open(&Options::default())?;
/// let mut out = Vec::new();
/// Printer::new(segmenter.worker(), &dictionary, Format::Mecab).print_line("精米した米を炊く", false, &mut out);
/// # Ok::<(), seimai::error::Error>(())
/// ```
pub struct Printer<'a> {
    worker: Box<dyn SegmentWorker + 'a>,
    dictionary: &'a Dictionary,
    format: Format,
    morphemes: MorphemeBuffer,
    feature: String,
    /// The document whose lines are printed, for objects.
    id: Option<String>,
}

impl<'a> Printer<'a> {
    /// A printer over an engine's worker and the dictionary of that engine.
    pub fn new(worker: Box<dyn SegmentWorker + 'a>, dictionary: &'a Dictionary, format: Format) -> Self {
        Self { worker, dictionary, format, morphemes: MorphemeBuffer::default(), feature: String::new(), id: None }
    }

    /// Prints the lines of a block. Bytes that are not UTF-8 are analysed and printed as U+FFFD; gives the number of lines that
    /// had some.
    pub fn print_block(&mut self, block: &Block, out: &mut Vec<u8>) -> u64 {
        let mut damaged = 0;
        let text = block.text.strip_suffix(b"\n").unwrap_or(&block.text);
        let mut lines = text.split(|&b| b == b'\n').peekable();
        while let Some(line) = lines.next() {
            let continues = block.continues && lines.peek().is_none();
            let line = String::from_utf8_lossy(line);
            damaged += u64::from(matches!(line, Cow::Owned(_)));
            self.print_line(&line, continues, out);
        }
        damaged
    }

    /// Prints the lines of a document; as JSON Lines, each object says its id.
    pub fn print_document(&mut self, id: &str, text: &str, out: &mut Vec<u8>) {
        self.id = Some(id.to_owned());
        text.strip_suffix('\n').unwrap_or(text).split('\n').for_each(|line| self.print_line(line, false, out));
        self.id = None;
    }

    /// Prints a line, given without its line feed. If it `continues`, the next call prints more of the same line, so its end is
    /// not printed yet; as JSON Lines, each call prints an object of its own, with offsets in the text of that call.
    pub fn print_line(&mut self, line: &str, continues: bool, out: &mut Vec<u8>) {
        self.morphemes.clear();
        if !line.is_empty() {
            self.worker.segment_line(line, 0, &mut self.morphemes);
        }
        match self.format {
            Format::Wakati => self.wakati(line, continues, out),
            Format::Mecab => self.mecab(line, continues, out),
            Format::Jsonl => self.jsonl(line, out),
        }
    }

    fn wakati(&self, line: &str, continues: bool, out: &mut Vec<u8>) {
        for (n, (_, _, surface)) in words(&self.morphemes, line).enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(surface.as_bytes());
        }
        out.push(if continues { b' ' } else { b'\n' });
    }

    fn mecab(&mut self, line: &str, continues: bool, out: &mut Vec<u8>) {
        for (i, _, surface) in words(&self.morphemes, line) {
            out.extend_from_slice(surface.as_bytes());
            out.push(b'\t');
            self.feature.clear();
            self.dictionary.push_feature(self.morphemes.word[i], self.morphemes.pos[i], &mut self.feature);
            out.extend_from_slice(self.feature.as_bytes());
            out.push(b'\n');
        }
        if !continues {
            out.extend_from_slice(b"EOS\n");
        }
    }

    fn jsonl(&self, line: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{");
        if let Some(id) = &self.id {
            out.extend_from_slice(format!("\"id\":{},", serde_json::Value::from(id.as_str())).as_bytes());
        }
        out.extend_from_slice(b"\"text\":");
        out.extend_from_slice(serde_json::Value::from(line).to_string().as_bytes());
        out.extend_from_slice(b",\"morphemes\":[");
        for (n, (i, start, surface)) in words(&self.morphemes, line).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.json(i, start, surface).to_string().as_bytes());
        }
        out.extend_from_slice(b"]}\n");
    }

    /// A morpheme as a JSON object.
    fn json(&self, i: usize, start: usize, surface: &str) -> serde_json::Value {
        let Facts { pos, lemma, reading, unknown } = facts(self.dictionary, self.morphemes.word[i], self.morphemes.pos[i]);
        let end = start + surface.len();
        serde_json::json!({"start": start, "end": end, "surface": surface, "pos": pos, "lemma": lemma, "reading": reading, "unknown": unknown})
    }
}

/// What a dictionary says of a morpheme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The first six features: 品詞, 細分類 1–3, 活用型, 活用形 (IPADIC), or pos1–4, cType, cForm (UniDic).
    pub pos: Vec<String>,
    /// Dictionary form, where there is one.
    pub lemma: Option<String>,
    /// Reading in katakana, where there is one.
    pub reading: Option<String>,
    /// It is not in the lexicon.
    pub unknown: bool,
}

/// The facts of a morpheme, given its word id and POS id.
pub fn facts(dictionary: &Dictionary, word: u32, pos: u16) -> Facts {
    let unknown = word == NO_WORD;
    let mut fields: Vec<String> = if unknown {
        csv::fields(dictionary.unknown_feature(pos).unwrap_or_default())
    } else {
        dictionary.features(word).map(str::to_owned).collect()
    };
    let given = |field: usize| fields.get(field).filter(|value| !value.is_empty() && *value != "*").cloned();
    let (lemma, reading) = match dictionary.standard() {
        Standard::Ipadic => (given(6), given(7)),
        Standard::Unidic => (given(7), given(17)),
    };
    fields.truncate(6);
    Facts { pos: fields, lemma, reading, unknown }
}

/// Index, start and surface of each morpheme that is no gap.
fn words<'a>(morphemes: &'a MorphemeBuffer, line: &'a str) -> impl Iterator<Item = (usize, usize, &'a str)> {
    let starts = std::iter::once(0).chain(morphemes.ends.iter().map(|&end| end as usize));
    let spans = starts.zip(&morphemes.ends).enumerate();
    let words = spans.filter(|(i, _)| morphemes.pos[*i] != PosTable::GAP);
    words.filter_map(|(i, (start, &end))| Some((i, start, line.get(start..end as usize)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::engine::Segmenter;
    use crate::segment::tests::tiny;

    fn printed(format: Format, blocks: &[(&str, bool)]) -> String {
        let (_temporary, dictionary, engine) = tiny::engine();
        let mut printer = Printer::new(engine.worker(), &dictionary, format);
        let mut out = Vec::new();
        for &(text, continues) in blocks {
            assert_eq!(printer.print_block(&Block { text: text.as_bytes().to_vec(), continues }, &mut out), 0);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_format_ends_a_line_once() {
        assert_eq!(printed(Format::Wakati, &[("東京 都\n\n", false)]), "東京 都\n\n");
        assert_eq!(printed(Format::Wakati, &[("東京", true), ("都\n", false)]), "東京 都\n");
        let whole = printed(Format::Mecab, &[("東京\n", false)]);
        assert!(whole.starts_with("東京\t名詞,") && whole.ends_with("\nEOS\n"), "{whole}");
        assert_eq!(printed(Format::Mecab, &[("東京", true), ("", false)]), whole);
    }

    #[test]
    fn offsets_are_bytes_of_the_line() {
        let line = printed(Format::Jsonl, &[(" 東京\n", false)]);
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["text"], " 東京");
        let morpheme = &json["morphemes"][0];
        assert_eq!((&morpheme["start"], &morpheme["end"], &morpheme["surface"]), (&1.into(), &7.into(), &"東京".into()));
        assert_eq!(json["morphemes"].as_array().unwrap().len(), 1, "a gap is not printed");
    }

    #[test]
    fn lines_that_are_not_utf8_are_counted() {
        let (_temporary, dictionary, engine) = tiny::engine();
        let mut printer = Printer::new(engine.worker(), &dictionary, Format::Wakati);
        let mut out = Vec::new();
        assert_eq!(printer.print_block(&Block { text: b"\xFF\n\nok\n".to_vec(), continues: false }, &mut out), 1);
        assert!(out.starts_with("\u{FFFD}\n\n".as_bytes()));
    }
}
