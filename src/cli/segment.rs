//! `seimai segment FILE…`: morphemes of plain text lines, or of the lines of records, streaming, parallel, in order.
//!
//! Text is read in blocks of whole lines, so memory does not grow with a file. Of a file whose compression is damaged, what
//! could be decoded is analysed; the damage is reported on standard error and by the exit code.

use std::ffi::OsString;
use std::io::{BufRead, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::sync::Mutex;

use clap::ValueEnum;

use super::common::{Common, Outcome, output_failed};
use super::records::{self, Records};
use super::{signals, ui};
use crate::corpus::{self, InputFile, Kind, Record};
use crate::error::{Error, Result};
use crate::pipeline::pool::Pool;
use crate::quarantine::escape;
use crate::segment::dictionary::Dictionary;
use crate::segment::lines::{BLOCK_BYTES, BlockReader};
use crate::segment::print::{self, Printer};
use crate::segment::{self, Engine, Options};

/// Blocks that are read ahead for each thread.
const BLOCKS_PER_THREAD: usize = 4;

/// Morphemes of text, a line at a time
///
/// Plain text and standard input are lines. Of files of records (JSON Lines, HTML, WARC, Parquet … as `seimai normalize` reads them) the text is
/// read; as JSON Lines, every line then says the id of its document.
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

impl From<Format> for print::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Wakati => Self::Wakati,
            Format::Mecab => Self::Mecab,
            Format::Jsonl => Self::Jsonl,
        }
    }
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
    let (dictionary, segmenter) = segment::open_noted(&options)?;
    tell_resolved(&dictionary, common);
    let pool = Pool::new(common.threads())?;
    let mut output = Output { out: BufWriter::with_capacity(1 << 18, std::io::stdout().lock()), damaged: 0, splits: 0 };
    let mut damage = Vec::new();
    let printer = || Printer::new(segmenter.worker(), &dictionary, arguments.format.into());
    let mut lost = records::Lost::default();
    for input in corpus::expand_paths(&arguments.files, &corpus::Options::default(), Path::new("."))? {
        if holds_records(&input)? {
            lost.add(output.records(input, &pool, &printer)?);
            continue;
        }
        let text = corpus::open_input(&input)?;
        let live = input.path == Path::new("-");
        let mut reader = if live { BlockReader::live(text, more_is_waiting) } else { BlockReader::new(text) };
        output.run(&mut reader, &pool, &printer)?;
        match reader.into_error() {
            Some(error) if error.kind() == ErrorKind::InvalidData => damage.push(format!("{}: {error}", input.name)),
            Some(error) => return Err(Error::io(&input.path, "read", error).into()),
            None => {}
        }
    }
    output.out.flush()?;
    let of_records = records::report(&lost);
    let of_lines = report(&damage, &output);
    Ok(if of_records == Outcome::Done { of_lines } else { of_records })
}

/// Is the file of a format of records, and not of lines?
fn holds_records(input: &InputFile) -> Result<bool> {
    Ok(input.path != Path::new("-") && matches!(corpus::kind(input)?.0, Kind::Read(format) if format != "text"))
}

/// Tells what three-column rows of user dictionaries were resolved to, so that MeCab can be given the same rows.
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
fn report(damage: &[String], output: &Output) -> Outcome {
    let mut err = std::io::stderr();
    for what in damage {
        let _ = writeln!(err, "{}; what could be decoded before was segmented", escape(what, 500));
    }
    if output.damaged > 0 {
        let _ = writeln!(err, "{} lines were not UTF-8; what could not be read stands as U+FFFD", ui::thousands(output.damaged));
    }
    if output.splits > 0 {
        let _ =
            writeln!(err, "lines longer than 16 MiB were analysed in chunks; they were split in {} places", ui::thousands(output.splits));
    }
    if damage.is_empty() && output.damaged == 0 && output.splits == 0 { Outcome::Done } else { Outcome::Damaged }
}

/// The output, which keeps the order of the input, and what has to be told at the end.
struct Output<'a> {
    out: BufWriter<std::io::StdoutLock<'a>>,
    /// Lines that were not UTF-8.
    damaged: u64,
    /// Times that a long line was split.
    splits: u64,
}

impl Output<'_> {
    /// The texts of a file of records.
    fn records<'w>(&mut self, input: InputFile, pool: &Pool, printer: &(dyn Fn() -> Printer<'w> + Sync)) -> anyhow::Result<records::Lost> {
        let name = input.name.clone();
        let (mut waiting, mut bytes, most) = (Vec::new(), 0, pool.threads() * BLOCKS_PER_THREAD * BLOCK_BYTES);
        let lost = Records::of(vec![input], corpus::Options::default()).each(&mut |record| {
            bytes += record.text.len();
            waiting.push(record);
            if bytes < most {
                return Ok(());
            }
            bytes = 0;
            self.documents(&name, std::mem::take(&mut waiting), pool, printer)
        })?;
        self.documents(&name, waiting, pool, printer)?;
        Ok(lost)
    }

    /// Some documents, side by side.
    fn documents<'w>(&mut self, name: &str, documents: Vec<Record>, pool: &Pool, printer: &(dyn Fn() -> Printer<'w> + Sync)) -> Result<()> {
        let documents: Vec<_> = documents.into_iter().map(|record| Mutex::new((record, Vec::new()))).collect();
        let mut waiting = documents.iter();
        pool.for_each(signals::stop(), &mut || Ok(waiting.next()), printer, &|printer, document| {
            let mut document = document.lock().map_err(|_| Error::internal("a worker panicked"))?;
            let (record, out) = &mut *document;
            let mut id = String::new();
            record.doc_id(name, &mut id);
            printer.print_document(&id, &record.text, out);
            Ok(())
        })?;
        for document in documents {
            let (_, out) = document.into_inner().map_err(|_| Error::internal("a worker panicked"))?;
            self.out.write_all(&out).map_err(output_failed)?;
        }
        Ok(())
    }

    fn run<'w, R: BufRead>(
        &mut self,
        reader: &mut BlockReader<R>,
        pool: &Pool,
        printer: &(dyn Fn() -> Printer<'w> + Sync),
    ) -> anyhow::Result<()> {
        loop {
            let round = reader.next_blocks(pool.threads() * BLOCKS_PER_THREAD);
            if round.is_empty() {
                return Ok(());
            }
            self.splits += round.iter().filter(|block| block.continues).count() as u64;
            let blocks: Vec<_> = round.into_iter().map(|block| Mutex::new((block, Vec::new(), 0))).collect();
            let mut waiting = blocks.iter();
            pool.for_each(signals::stop(), &mut || Ok(waiting.next()), printer, &|printer, block| {
                let mut block = block.lock().map_err(|_| Error::internal("a worker panicked"))?;
                let (text, out, damaged) = &mut *block;
                *damaged = printer.print_block(text, out);
                Ok(())
            })?;
            for block in blocks {
                let (_, out, damaged) = block.into_inner().map_err(|_| Error::internal("a worker panicked"))?;
                self.damaged += damaged;
                self.out.write_all(&out)?;
            }
            if reader.is_live() {
                self.out.flush()?;
            }
        }
    }
}

/// Can standard input be read without waiting? True at its end too.
fn more_is_waiting() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&now)) != Ok(0)
}
