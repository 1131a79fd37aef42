//! A dictionary read from MeCab's files, and text segmented by MeCab: so that this room needs no other room.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::morpheme::{Lexicon, Morphemes, NO_WORD, PosTable, Standard, Word};

/// MeCab's IPADIC as a source dictionary.
pub(super) const SOURCE: &str = "/usr/share/mecab/dic/ipadic";

/// A MeCab source dictionary in memory, or the words of one that some text needs.
pub(super) struct SourceDictionary {
    standard: Standard,
    /// Directory of the compiled dictionary, for MeCab; its default if none.
    compiled: Option<PathBuf>,
    rows: Vec<(String, Vec<String>)>,
    pos: Arc<PosTable>,
    pos_ids: FxHashMap<Vec<String>, u16>,
    word_ids: FxHashMap<String, u32>,
}

impl SourceDictionary {
    /// Reads the CSV files of a directory.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let mut files: Vec<PathBuf> = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
        files.sort();
        let mut rows = Vec::new();
        for file in files {
            let bytes = fs::read(file).ok()?;
            let (text, ..) = encoding_rs::EUC_JP.decode(&bytes);
            rows.extend(text.lines().filter_map(parse_row));
        }
        rows.sort();
        Some(Self::index(rows, Standard::Ipadic))
    }

    fn index(rows: Vec<(String, Vec<String>)>, standard: Standard) -> Self {
        let mut pos = PosTable { tuples: vec![Vec::new()], unknown: vec![None] };
        let (mut pos_ids, mut word_ids) = (FxHashMap::default(), FxHashMap::default());
        for (id, (surface, features)) in rows.iter().enumerate() {
            let tuple: Vec<String> = features.iter().take(6).cloned().collect();
            let next = pos.tuples.len() as u16;
            if *pos_ids.entry(tuple.clone()).or_insert(next) == next {
                pos.tuples.push(tuple);
                pos.unknown.push(None);
            }
            word_ids.entry(format!("{surface}\t{}", features.join(","))).or_insert(id as u32);
        }
        Self { standard, compiled: None, rows, pos: Arc::new(pos), pos_ids, word_ids }
    }

    /// A UniDic dictionary of the words that `lines` need: UniDic is published compiled, without its source.
    pub(super) fn unidic(compiled: PathBuf, lines: &[String]) -> Self {
        let output = mecab(Some(&compiled), lines);
        let row = |line: &str| {
            line.split_once('\t').map(|(surface, features)| (surface.to_string(), features.split(',').map(String::from).collect()))
        };
        let mut rows: Vec<(String, Vec<String>)> = output.lines().filter_map(row).collect();
        rows.sort();
        rows.dedup();
        Self { compiled: Some(compiled), ..Self::index(rows, Standard::Unidic) }
    }

    /// Segments `lines` with MeCab: for each line ends, POS ids and word ids.
    pub(super) fn segment(&self, lines: &[String]) -> Vec<Segmented> {
        let output = mecab(self.compiled.as_deref(), lines);
        output.split("EOS\n").zip(lines).map(|(block, line)| self.parse(block, line)).collect()
    }

    fn parse(&self, block: &str, line: &str) -> Segmented {
        let mut out = Segmented::default();
        let mut at = 0;
        for row in block.lines() {
            let Some((surface, features)) = row.split_once('\t') else { continue };
            let start = at + line.get(at..).unwrap().find(surface).unwrap();
            if start > at {
                out.push(start, PosTable::GAP, NO_WORD);
            }
            at = start + surface.len();
            let tuple: Vec<String> = features.split(',').take(6).map(String::from).collect();
            let word = self.word_ids.get(row).copied().unwrap_or(NO_WORD);
            out.push(at, self.pos_ids.get(&tuple).copied().unwrap_or(1), word);
        }
        if at < line.len() {
            out.push(line.len(), PosTable::GAP, NO_WORD);
        }
        out
    }
}

impl Lexicon for SourceDictionary {
    fn standard(&self) -> Standard {
        self.standard
    }

    fn pos_table(&self) -> Arc<PosTable> {
        Arc::clone(&self.pos)
    }

    fn each_word(&self, visit: &mut dyn FnMut(&Word<'_>)) {
        for (id, (surface, features)) in self.rows.iter().enumerate() {
            let features: Vec<&str> = features.iter().map(String::as_str).collect();
            visit(&Word { id: id as u32, surface, features: &features });
        }
    }
}

/// MeCab's output for `lines`.
fn mecab(dictionary: Option<&Path>, lines: &[String]) -> String {
    let mut command = Command::new("mecab");
    if let Some(dictionary) = dictionary {
        command.args(["-O", "", "-d"]).arg(dictionary);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = lines.join("\n") + "\n";
    let feeder = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap().stdout;
    feeder.join().unwrap().unwrap();
    String::from_utf8(output).unwrap()
}

fn parse_row(line: &str) -> Option<(String, Vec<String>)> {
    let mut cells = line.split(',').map(String::from);
    let surface = cells.next()?;
    let features = cells.skip(3).collect();
    Some((surface, features))
}

#[derive(Default)]
/// The morphemes of a line.
pub(super) struct Segmented {
    ends: Vec<u32>,
    pos: Vec<u16>,
    word: Vec<u32>,
}

impl Segmented {
    fn push(&mut self, end: usize, pos: u16, word: u32) {
        self.ends.push(end as u32);
        self.pos.push(pos);
        self.word.push(word);
    }

    /// As the rules take them.
    pub(super) fn morphemes(&self) -> Morphemes<'_> {
        Morphemes { ends: &self.ends, pos: &self.pos, word: &self.word }
    }
}
