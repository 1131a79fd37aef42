//! `seimai keigo FILE…`: style, level, tone, honorific forms and misuse, sentence by sentence.
//!
//! Records are read one by one and worked on in batches, on all threads; the output keeps the order of the input.

use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::sync::Mutex;

use clap::ValueEnum;

use super::common::{Common, Outcome, output_failed};
use super::highlight::Marks;
use super::records::{each_record, report};
use super::signals;
use crate::corpus::Record;
use crate::error::{Error, Result};
use crate::keigo::columns::FIELDS;
use crate::keigo::result::sentence_results;
use crate::keigo::{Analyzer, DocumentKeigo, Thresholds, analyze, register};
use crate::morpheme::Morphemes;
use crate::normalize::sentences::Splitter;
use crate::normalize::{self, Normalizer, RuleCounts};
use crate::pipeline::pool::Pool;
use crate::segment::{self, MorphemeBuffer, SegmentWorker};

/// Bytes of text that are read ahead for each thread.
const BATCH_BYTES: usize = 1 << 20;

/// Style, level, tone, honorific forms and misuse of every sentence
///
/// Reads every format that `seimai run` reads (docs/guide; `-` is standard input), normalises it as a run would, and says of each
/// sentence whether it is 敬体 (keitai), 常体 (jotai) or a fragment, how polite it is (level 0 to 3), its tone, and every honorific
/// form in it with its class and the rule that found it. Under `misuse` stand forms that break the guidelines of 2007 (敬語の指針;
/// severity error: 先に帰らさせていただきます) or are disputed (variation: よろしかったでしょうか), each with its type, rule and evidence;
/// under `formula` fixed phrases of business, shops, letters, statutes and parliament.
///
/// Classes: SON 尊敬語, KEN1 謙譲語I, KEN2 謙譲語II, KEN12 both, TEI 丁寧語, BIK 美化語. Offsets are code points and UTF-8 bytes, ends
/// exclusive, from the beginning of the normalised document. The `id` of a record goes into its lines. `alt` lists other classes a
/// form may have, `weak` marks 〜てください, `ambiguous` a noun whose giver is not known (お手紙 from or to whom?).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  echo 社長は来週ロンドンへいらっしゃる。 | seimai keigo -
  seimai keigo letters.jsonl.zst --format color | less -R
  seimai keigo corpus/*.parquet --format summary > keigo.jsonl")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// What is written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Name of an installed dictionary, or a directory
    #[arg(long, default_value = "ipadic")]
    dictionary: String,
    /// A user dictionary in MeCab's CSV format (may be given more than once)
    #[arg(long, value_name = "CSV")]
    user_dictionary: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON Lines, an object a sentence
    Jsonl,
    /// The text with its forms in colours, misuse underlined; in brackets, misuse in braces, where NO_COLOR is set or the output is no terminal (unless CLICOLOR_FORCE is set)
    Color,
    /// JSON Lines, an object a document: the fields of the column keigo, and the register
    Summary,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let options = segment::Options {
        dictionary: arguments.dictionary.clone(),
        user_dictionary: arguments.user_dictionary.clone(),
        ..segment::Options::default()
    };
    let (dictionary, segmenter) = segment::open_noted(&options)?;
    let analyzer = Analyzer::new(dictionary.as_ref())?;
    let normalizer = Normalizer::new(&normalize::Options::default());
    let pool = Pool::new(common.threads())?;
    let marks = Marks::for_stdout();
    let mut out = BufWriter::new(std::io::stdout().lock());
    if arguments.format == Format::Color {
        out.write_all(marks.legend().as_bytes())?;
    }
    let worker = || Worker {
        normalizer: &normalizer,
        splitter: Splitter::default(),
        segmenter: segmenter.worker(),
        keigo: analyzer.worker(),
        format: arguments.format,
        marks,
        text: String::new(),
        ends: Vec::new(),
        morphemes: MorphemeBuffer::default(),
    };
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let lost = each_record(&arguments.files, &mut |record| {
        bytes += record.text.len();
        batch.push(record);
        if bytes < BATCH_BYTES * pool.threads() {
            return Ok(());
        }
        bytes = 0;
        work(&pool, &worker, std::mem::take(&mut batch), &mut out)
    })?;
    work(&pool, &worker, batch, &mut out)?;
    out.flush()?;
    Ok(report(&lost))
}

/// Works on the records of a batch and writes what they give, in order.
fn work<'w>(pool: &Pool, worker: &(dyn Fn() -> Worker<'w> + Sync), batch: Vec<Record>, out: &mut dyn Write) -> Result<()> {
    let records: Vec<_> = batch.into_iter().map(|record| Mutex::new((record, String::new()))).collect();
    let mut waiting = records.iter();
    pool.for_each(signals::stop(), &mut || Ok(waiting.next()), worker, &|worker, record| {
        let mut record = record.lock().map_err(|_| Error::internal("a worker panicked"))?;
        let (record, written) = &mut *record;
        worker.document(record, written)
    })?;
    for record in records {
        let (_, written) = record.into_inner().map_err(|_| Error::internal("a worker panicked"))?;
        out.write_all(written.as_bytes()).map_err(output_failed)?;
    }
    Ok(())
}

/// What a thread needs, and its scratch.
struct Worker<'w> {
    normalizer: &'w Normalizer,
    splitter: Splitter,
    segmenter: Box<dyn SegmentWorker + 'w>,
    keigo: analyze::Worker<'w>,
    format: Format,
    marks: Marks,
    text: String,
    ends: Vec<u32>,
    morphemes: MorphemeBuffer,
}

impl Worker<'_> {
    /// Analyses a record and appends its lines to `out`.
    fn document(&mut self, record: &Record, out: &mut String) -> Result<()> {
        self.text.clear();
        self.ends.clear();
        self.morphemes.clear();
        self.normalizer.normalize(&record.text, &mut self.text, &mut RuleCounts::default());
        self.splitter.sentence_ends(&self.text, &mut self.ends);
        segment::segment_document(self.segmenter.as_mut(), &self.text, &mut self.morphemes);
        let morphemes = Morphemes { ends: &self.morphemes.ends, pos: &self.morphemes.pos, word: &self.morphemes.word };
        let analysis = self.keigo.analyze(&self.text, &self.ends, morphemes);
        let id = record.id.as_deref();
        if self.format == Format::Summary {
            return push_json(&summary(id, &DocumentKeigo::new(&self.text, &analysis)), out);
        }
        for sentence in sentence_results(id, &self.text, &analysis) {
            match self.format {
                Format::Color => self.marks.push_sentence(&sentence, out),
                _ => push_json(&sentence, out)?,
            }
        }
        Ok(())
    }
}

fn push_json(value: &impl serde::Serialize, out: &mut String) -> Result<()> {
    out.push_str(&serde_json::to_string(value).map_err(|e| Error::internal(format!("a result is no JSON: {e}")))?);
    out.push('\n');
    Ok(())
}

/// The fields of the column `keigo`, and the register.
fn summary(id: Option<&str>, document: &DocumentKeigo) -> serde_json::Map<String, serde_json::Value> {
    let thresholds = Thresholds::default();
    let id = id.map(|id| ("id".to_owned(), id.into()));
    let register = ("register".to_owned(), register(document, &thresholds).name().into());
    let fields = FIELDS.iter().map(|field| (field.name.to_owned(), field.json(document, &thresholds)));
    id.into_iter().chain([register]).chain(fields).collect()
}
