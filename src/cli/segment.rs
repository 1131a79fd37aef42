//! `seimai segment FILE…`: morphemes of plain text lines, streaming, parallel, in order.
//!
//! Text comes in blocks of whole lines, so memory does not grow with a file. A file whose compression is damaged gives what
//! could be decoded; the damage is named and told by the exit code.

use std::ffi::OsString;
use std::io::{BufRead, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Mutex;

use clap::ValueEnum;

use super::{Common, Outcome, signals, ui};
use crate::corpus;
use crate::error::Error;
use crate::morpheme::{Lexicon, NO_WORD, PosTable, Standard};
use crate::pipeline::pass::Pool;
use crate::quarantine::escape;
use crate::segment::dictionary::Dictionary;
use crate::segment::{self, Engine, MorphemeBuffer, Options, SegmentWorker, csv};

/// Text handed to a thread at a time.
const BLOCK_BYTES: usize = 1 << 20;
/// Blocks a thread may have in flight.
const BLOCKS_PER_THREAD: usize = 4;
/// A line is analysed whole up to this size (the record limit of a plan); what goes on after it is a piece of its own.
const LINE_MAX: u64 = 16 << 20;

/// Morphemes of plain text, a line at a time
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  echo 精米した米を炊く | seimai segment -\n  seimai segment text.txt.zst --format mecab")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<OsString>,
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
    /// Our own lattice, MeCab's answer
    Exact,
    /// The lindera crate
    Lindera,
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Exact => Self::Exact,
            EngineName::Lindera => Self::Lindera,
        }
    }
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let engine = arguments.engine.map_or_else(|| Options::default().engine, Engine::from);
    let user_dictionary = arguments.user_dictionary.clone();
    let options = Options { dictionary: arguments.dictionary.clone(), engine, user_dictionary };
    let (dictionary, segmenter) = segment::open(&options)?;
    tell_resolved(&dictionary, common);
    let pool = Pool::new(common.threads())?;
    let mut lines = Lines { out: BufWriter::with_capacity(1 << 18, std::io::stdout().lock()), damaged: 0, cut: 0 };
    let mut damage = Vec::new();
    let writer = || Writer::new(segmenter.worker(), &dictionary, arguments.format);
    for input in corpus::expand_paths(&arguments.files, &corpus::Options::default(), Path::new("."))? {
        let live = input.path == Path::new("-");
        let mut blocks = Blocks::new(corpus::open_decoded(&input.path)?, live);
        lines.run(&mut blocks, &pool, &writer)?;
        match blocks.stopped {
            Some(error) if error.kind() == ErrorKind::InvalidData => damage.push(format!("{}: {error}", input.name)),
            Some(error) => return Err(Error::io(&input.path, "read", error).into()),
            None => {}
        }
    }
    lines.out.flush()?;
    Ok(report(&damage, &lines))
}

/// What three-column rows became, so that MeCab can be given the same.
fn tell_resolved(dictionary: &Dictionary, common: &Common) {
    let rows = dictionary.resolved_user_rows();
    let mut err = std::io::stderr();
    if common.verbose {
        for row in rows {
            let _ = writeln!(err, "{}:{}: {}", row.file, row.line, escape(&row.csv, 2000));
        }
    } else if !rows.is_empty() && !common.quiet {
        let rows = ui::thousands(rows.len() as u64);
        let _ = writeln!(err, "{rows} rows of user dictionaries were given ids and a cost; -v shows them in full");
    }
}

/// Says what was damaged.
fn report(damage: &[String], lines: &Lines) -> Outcome {
    let mut err = std::io::stderr();
    for what in damage {
        let _ = writeln!(err, "{}; what could be decoded before was segmented", escape(what, 500));
    }
    if lines.damaged > 0 {
        let _ = writeln!(err, "{} lines were not UTF-8; what could not be read stands as U+FFFD", ui::thousands(lines.damaged));
    }
    if lines.cut > 0 {
        let _ = writeln!(err, "lines longer than 16 MiB were analysed in pieces; they were cut in {} places", ui::thousands(lines.cut));
    }
    if damage.is_empty() && lines.damaged == 0 && lines.cut == 0 { Outcome::Done } else { Outcome::Damaged }
}

/// The stream of lines: blocks in, blocks out, in order.
struct Lines<'a> {
    out: BufWriter<std::io::StdoutLock<'a>>,
    damaged: u64,
    cut: u64,
}

impl Lines<'_> {
    fn run<'w>(&mut self, reader: &mut Blocks, pool: &Pool, writer: &(dyn Fn() -> Writer<'w> + Sync)) -> anyhow::Result<()> {
        loop {
            let round = reader.round(pool.threads() * BLOCKS_PER_THREAD);
            if round.is_empty() {
                return Ok(());
            }
            self.cut += round.iter().filter(|block| block.goes_on).count() as u64;
            let blocks: Vec<_> = round.into_iter().map(|block| Mutex::new((block, Vec::new(), 0))).collect();
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
            if reader.live {
                self.out.flush()?;
            }
        }
    }
}

/// Some lines; the last one goes on in the next block if it is longer than [`LINE_MAX`].
struct Block {
    text: Vec<u8>,
    goes_on: bool,
}

/// A file as blocks.
struct Blocks {
    reader: Box<dyn BufRead>,
    /// Standard input: lines are not kept waiting for more.
    live: bool,
    /// Nothing more was waiting.
    drained: bool,
    /// The first bytes of a character that was cut.
    held: Vec<u8>,
    /// Why the file ended before its end.
    stopped: Option<std::io::Error>,
}

impl Blocks {
    fn new(reader: Box<dyn BufRead>, live: bool) -> Self {
        Self { reader, live, drained: false, held: Vec::new(), stopped: None }
    }

    /// At most `most` blocks and not many more bytes than so many blocks hold; none at the end.
    fn round(&mut self, most: usize) -> Vec<Block> {
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        self.drained = false;
        while blocks.len() < most && bytes < most * BLOCK_BYTES && !self.drained {
            let block = self.next();
            if block.text.is_empty() {
                break;
            }
            bytes += block.text.len();
            blocks.push(block);
        }
        blocks
    }

    /// Whole lines of about a block's size; empty at the end.
    fn next(&mut self) -> Block {
        let mut text = std::mem::take(&mut self.held);
        if self.stopped.is_some() {
            return Block { text, goes_on: false };
        }
        text.reserve(BLOCK_BYTES + 4096);
        self.stopped = self.read_some(&mut text).err();
        let before = text.len();
        if self.stopped.is_none() && !text.is_empty() && !text.ends_with(b"\n") {
            self.stopped = (&mut self.reader).take(LINE_MAX).read_until(b'\n', &mut text).err();
        }
        let goes_on = (text.len() - before) as u64 == LINE_MAX && !text.ends_with(b"\n");
        if goes_on {
            self.held = text.split_off(last_character(&text));
        }
        Block { text, goes_on }
    }

    /// About a block's size, or less if it ends with a line and nothing more is waiting.
    fn read_some(&mut self, text: &mut Vec<u8>) -> std::io::Result<()> {
        let most = text.len() + BLOCK_BYTES;
        while text.len() < most && !self.drained {
            let found = match self.reader.fill_buf() {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                found => found?,
            };
            if found.is_empty() {
                break;
            }
            let length = found.len().min(most - text.len());
            text.extend_from_slice(&found[..length]);
            self.reader.consume(length);
            self.drained = self.live && text.ends_with(b"\n") && !more_is_waiting();
        }
        Ok(())
    }
}

/// Can standard input be read without waiting? Also where it has ended.
fn more_is_waiting() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&now)) != Ok(0)
}

/// Where the last character starts, so that none is cut in two; the end where no character starts nearby.
fn last_character(text: &[u8]) -> usize {
    let tail = text.len().saturating_sub(4);
    text[tail..].iter().rposition(|byte| byte & 0xc0 != 0x80).map_or(text.len(), |at| tail + at)
}

/// Analyses lines and writes them in one format.
struct Writer<'a> {
    worker: Box<dyn SegmentWorker + 'a>,
    dictionary: &'a Dictionary,
    format: Format,
    pieces: MorphemeBuffer,
    feature: String,
}

impl<'a> Writer<'a> {
    fn new(worker: Box<dyn SegmentWorker + 'a>, dictionary: &'a Dictionary, format: Format) -> Self {
        Self { worker, dictionary, format, pieces: MorphemeBuffer::default(), feature: String::new() }
    }

    /// Number of lines that were not UTF-8.
    fn block(&mut self, block: &Block, out: &mut Vec<u8>) -> u64 {
        let mut damaged = 0;
        let text = block.text.strip_suffix(b"\n").unwrap_or(&block.text);
        let mut lines = text.split(|&b| b == b'\n').peekable();
        while let Some(line) = lines.next() {
            let goes_on = block.goes_on && lines.peek().is_none();
            let text = String::from_utf8_lossy(line);
            damaged += u64::from(matches!(text, std::borrow::Cow::Owned(_)));
            self.pieces.clear();
            if !text.is_empty() {
                self.worker.segment_line(&text, 0, &mut self.pieces);
            }
            match self.format {
                Format::Wakati => self.wakati(&text, goes_on, out),
                Format::Mecab => self.mecab(&text, goes_on, out),
                Format::Jsonl => self.jsonl(&text, out),
            }
        }
        damaged
    }

    fn wakati(&self, text: &str, goes_on: bool, out: &mut Vec<u8>) {
        for (n, (_, _, surface)) in morphemes(&self.pieces, text).enumerate() {
            if n > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(surface.as_bytes());
        }
        out.push(if goes_on { b' ' } else { b'\n' });
    }

    fn mecab(&mut self, text: &str, goes_on: bool, out: &mut Vec<u8>) {
        for (i, _, surface) in morphemes(&self.pieces, text) {
            out.extend_from_slice(surface.as_bytes());
            out.push(b'\t');
            self.feature.clear();
            self.dictionary.push_feature(self.pieces.word[i], self.pieces.pos[i], &mut self.feature);
            out.extend_from_slice(self.feature.as_bytes());
            out.push(b'\n');
        }
        if !goes_on {
            out.extend_from_slice(b"EOS\n");
        }
    }

    /// An object a line; a line that is cut gives an object a piece, with offsets in the piece.
    fn jsonl(&self, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"text\":");
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
        out.extend_from_slice(b",\"morphemes\":[");
        for (n, (i, start, surface)) in morphemes(&self.pieces, text).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.morpheme(i, start, surface).to_string().as_bytes());
        }
        out.extend_from_slice(b"]}\n");
    }

    fn morpheme(&self, i: usize, start: usize, surface: &str) -> serde_json::Value {
        let unknown = self.pieces.word[i] == NO_WORD;
        let fields: Vec<String> = if unknown {
            csv::fields(self.dictionary.unknown_feature(self.pieces.pos[i]).unwrap_or_default())
        } else {
            self.dictionary.features(self.pieces.word[i]).map(str::to_owned).collect()
        };
        let given = |field: usize| fields.get(field).filter(|value| !value.is_empty() && *value != "*");
        let (lemma, reading) = match self.dictionary.standard() {
            Standard::Ipadic => (given(6), given(7)),
            Standard::Unidic => (given(7), given(17)),
        };
        let pos = &fields[..fields.len().min(6)];
        let end = start + surface.len();
        serde_json::json!({"start": start, "end": end, "surface": surface, "pos": pos, "lemma": lemma, "reading": reading, "unknown": unknown})
    }
}

/// Number, start and surface of the pieces; gaps are left out.
fn morphemes<'a>(pieces: &'a MorphemeBuffer, text: &'a str) -> impl Iterator<Item = (usize, usize, &'a str)> {
    let starts = std::iter::once(0).chain(pieces.ends.iter().map(|&end| end as usize));
    let places = starts.zip(&pieces.ends).enumerate();
    let words = places.filter(|(i, _)| pieces.pos[*i] != PosTable::GAP);
    words.filter_map(|(i, (start, &end))| Some((i, start, text.get(start..end as usize)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_every_byte_and_cut_no_character() {
        let long = "あ".repeat((LINE_MAX as usize * 5 / 2) / 3);
        let text = format!("短い\n\n{long}\n{}末", "行\n".repeat(BLOCK_BYTES / 2));
        let mut blocks = Blocks::new(Box::new(std::io::Cursor::new(text.clone().into_bytes())), false);
        let (mut all, mut cut) = (Vec::new(), 0);
        loop {
            let round = blocks.round(4);
            if round.is_empty() {
                break;
            }
            for block in round {
                assert!(std::str::from_utf8(&block.text).is_ok() && block.text.len() <= LINE_MAX as usize + BLOCK_BYTES + 4);
                assert!(block.goes_on || block.text.ends_with(b"\n") || block.text.ends_with("末".as_bytes()));
                cut += usize::from(block.goes_on);
                all.extend(block.text);
            }
        }
        assert!(blocks.stopped.is_none() && all == text.as_bytes());
        assert_eq!(cut, 2);
    }
}
