//! `seimai segment FILE…`: morphemes of plain text lines, streaming, parallel, in order.

use std::io::{BufRead, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use clap::ValueEnum;

use super::{Common, Outcome, signals, ui};
use crate::corpus;
use crate::error::Error;
use crate::morpheme::{Lexicon, NO_WORD, PosTable, Standard};
use crate::pipeline::pass::Pool;
use crate::segment::dictionary::Dictionary;
use crate::segment::{self, Engine, Options, Pieces, SegmentWorker};

/// Text handed to a thread at a time.
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks a thread may have in flight.
const BLOCKS_PER_THREAD: usize = 4;

/// Morphemes of plain text, a line at a time
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  echo 精米した米を炊く | seimai segment -\n  seimai segment text.txt.zst --format mecab")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<String>,
    /// Name of an installed dictionary, or a directory
    #[arg(long, default_value = "ipadic")]
    dictionary: String,
    /// A user dictionary in MeCab's CSV format (may be given more than once)
    #[arg(long, value_name = "CSV")]
    user_dictionary: Vec<String>,
    /// Which engine analyses [default: that of a plan]
    #[arg(long)]
    engine: Option<EngineName>,
    /// wakati: surfaces and spaces; mecab: surface TAB features; jsonl: an object a line
    #[arg(long, value_enum, default_value_t = Format::Wakati)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Surfaces separated by spaces
    Wakati,
    /// Surface TAB features, EOS after each line
    Mecab,
    /// JSON Lines with byte offsets, POS, lemma, reading
    Jsonl,
}

/// The engines that are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// The lindera crate
    Lindera,
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Lindera => Self::Lindera,
        }
    }
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let engine = arguments.engine.map_or_else(|| Options::default().engine, Engine::from);
    let user_dictionary = arguments.user_dictionary.clone();
    let options = Options { dictionary: arguments.dictionary.clone(), engine, user_dictionary };
    let (dictionary, segmenter) = segment::open(&options)?;
    let pool = Pool::new(common.threads())?;
    let mut lines = Lines { out: BufWriter::with_capacity(1 << 18, std::io::stdout().lock()), damaged: 0 };
    let writer = || Writer::new(segmenter.worker(), &dictionary, arguments.format);
    let options = corpus::Options { paths: arguments.files.clone(), ..corpus::Options::default() };
    for input in corpus::expand(&options, Path::new("."))? {
        let mut reader = corpus::open_decoded(&input.path)?;
        lines.run(&mut *reader, &pool, &writer)?;
    }
    lines.out.flush()?;
    if lines.damaged == 0 {
        return Ok(Outcome::Done);
    }
    let _ = writeln!(std::io::stderr(), "{} lines were not UTF-8; what could not be read stands as U+FFFD", ui::thousands(lines.damaged));
    Ok(Outcome::Damaged)
}

/// The stream of lines: blocks in, blocks out, in order.
struct Lines<'a> {
    out: BufWriter<std::io::StdoutLock<'a>>,
    damaged: u64,
}

impl Lines<'_> {
    fn run<'w>(&mut self, reader: &mut dyn BufRead, pool: &Pool, writer: &(dyn Fn() -> Writer<'w> + Sync)) -> anyhow::Result<()> {
        loop {
            signals::stop().check()?;
            let mut blocks = Vec::new();
            while blocks.len() < pool.threads() * BLOCKS_PER_THREAD {
                let block = read_block(reader)?;
                if block.is_empty() {
                    break;
                }
                blocks.push(Mutex::new((block, Vec::new(), 0)));
            }
            if blocks.is_empty() {
                return Ok(());
            }
            let mut units = blocks.iter();
            pool.for_each(signals::stop(), &mut || Ok(units.next()), writer, &|writer, block| {
                let mut block = block.lock().map_err(|_| Error::internal("a worker panicked"))?;
                let (text, out, damaged) = &mut *block;
                *damaged = writer.block(text, out);
                Ok(())
            })?;
            for block in blocks {
                let (_, out, damaged) = block.into_inner().map_err(|_| Error::internal("a worker panicked"))?;
                self.damaged += damaged;
                self.out.write_all(&out)?;
            }
        }
    }
}

/// Whole lines of about a block's size; a longer line is read whole.
fn read_block(reader: &mut dyn BufRead) -> std::io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(BLOCK_BYTES + 4096);
    reader.take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
    if !block.is_empty() && !block.ends_with(b"\n") {
        reader.read_until(b'\n', &mut block)?;
    }
    Ok(block)
}

/// Analyses lines and writes them in one format.
struct Writer<'a> {
    worker: Box<dyn SegmentWorker + 'a>,
    dictionary: &'a Dictionary,
    format: Format,
    pieces: Pieces,
    feature: String,
}

impl<'a> Writer<'a> {
    fn new(worker: Box<dyn SegmentWorker + 'a>, dictionary: &'a Dictionary, format: Format) -> Self {
        Self { worker, dictionary, format, pieces: Pieces::default(), feature: String::new() }
    }

    /// Number of lines that were not UTF-8.
    fn block(&mut self, block: &[u8], out: &mut Vec<u8>) -> u64 {
        let mut damaged = 0;
        let block = block.strip_suffix(b"\n").unwrap_or(block);
        for line in block.split(|&b| b == b'\n') {
            let text = String::from_utf8_lossy(line);
            damaged += u64::from(matches!(text, std::borrow::Cow::Owned(_)));
            self.pieces.clear();
            if !text.is_empty() {
                self.worker.segment_line(&text, 0, &mut self.pieces);
            }
            match self.format {
                Format::Wakati => self.wakati(&text, out),
                Format::Mecab => self.mecab(&text, out),
                Format::Jsonl => self.jsonl(&text, out),
            }
        }
        damaged
    }

    /// Surfaces with their place among the pieces; gaps are left out.
    fn morphemes<'t>(&self, text: &'t str) -> Vec<(usize, usize, &'t str)> {
        let starts = std::iter::once(0).chain(self.pieces.ends.iter().map(|&end| end as usize));
        let places = starts.zip(&self.pieces.ends).enumerate();
        let words = places.filter(|(i, _)| self.pieces.pos[*i] != PosTable::GAP);
        words.filter_map(|(i, (start, &end))| Some((i, start, text.get(start..end as usize)?))).collect()
    }

    fn wakati(&self, text: &str, out: &mut Vec<u8>) {
        for (n, (_, _, surface)) in self.morphemes(text).into_iter().enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(surface.as_bytes());
        }
        out.push(b'\n');
    }

    fn mecab(&mut self, text: &str, out: &mut Vec<u8>) {
        for (i, _, surface) in self.morphemes(text) {
            out.extend_from_slice(surface.as_bytes());
            out.push(b'\t');
            self.feature.clear();
            self.dictionary.push_feature(self.pieces.word[i], self.pieces.pos[i], &mut self.feature);
            out.extend_from_slice(self.feature.as_bytes());
            out.push(b'\n');
        }
        out.extend_from_slice(b"EOS\n");
    }

    fn jsonl(&self, text: &str, out: &mut Vec<u8>) {
        let morphemes: Vec<serde_json::Value> = self
            .morphemes(text)
            .into_iter()
            .map(|(i, start, surface)| {
                let unknown = self.pieces.word[i] == NO_WORD;
                let fields: Vec<&str> = if unknown {
                    self.dictionary.unknown_feature(self.pieces.pos[i]).unwrap_or_default().split(',').collect()
                } else {
                    self.dictionary.features(self.pieces.word[i]).collect()
                };
                let given = |field: usize| fields.get(field).filter(|value| !value.is_empty() && **value != "*");
                let (lemma, reading) = match self.dictionary.standard() {
                    Standard::Ipadic => (given(6), given(7)),
                    Standard::Unidic => (given(7), given(17)),
                };
                let pos: Vec<&&str> = fields.iter().take(6).collect();
                serde_json::json!({"start": start, "end": start + surface.len(), "surface": surface, "pos": pos, "lemma": lemma, "reading": reading, "unknown": unknown})
            })
            .collect();
        let line = serde_json::json!({"text": text, "morphemes": morphemes});
        out.extend_from_slice(line.to_string().as_bytes());
        out.push(b'\n');
    }
}
