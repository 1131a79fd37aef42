//! `seimai pii FILE…`: personal data in records, one by one: placeholders in the texts, or the places where it stands.

use std::ffi::OsString;
use std::io::{BufWriter, Write};

use clap::ValueEnum;

use super::common::{Common, Outcome, output_failed};
use super::normalize::to_json;
use super::records::{each_record, report};
use super::ui;
use crate::corpus::Record;
use crate::error::{Error, Result};
use crate::morpheme::Morphemes;
use crate::pii::{self, Action, Finder, Kind, Scratch, Span};
use crate::segment::{self, MorphemeBuffer, SegmentWorker, segment_document};

/// Personal data: placeholders in its place, or where it stands
///
/// Reads every format that `seimai run` reads (docs/guide), writes a record a line to standard output. The text is taken as it is: full-width characters and
/// every dash are understood. What was found is counted by kind on standard error.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  echo 電話は090-0000-0000です | seimai pii -\n  seimai pii forum.jsonl --action drop --kind PERSON=mask\n  seimai pii forum.jsonl --format spans"
)]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// keep, count, mask or drop, for every kind that --kind does not name; names of people are only counted
    #[arg(long, default_value = "mask")]
    action: String,
    /// Another action for a kind, such as PERSON=mask (may be given more than once)
    #[arg(long, value_name = "KIND=ACTION")]
    kind: Vec<String>,
    /// jsonl: the records; spans: an object for each place, with byte offsets in the text as read
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Name of an installed dictionary, or a directory: it knows the names of people
    #[arg(long, default_value = "ipadic")]
    dictionary: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The records, masked
    Jsonl,
    /// id, start, end, type
    Spans,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let options = options(arguments)?;
    let (dictionary, segmenter) =
        segment::open_noted(&segment::Options { dictionary: arguments.dictionary.clone(), ..segment::Options::default() })?;
    let finder = Finder::new(&crate::morpheme::Lexicon::pos_table(dictionary.as_ref()), &options.wanted());
    let mut search = Search {
        options,
        finder,
        worker: segmenter.worker(),
        morphemes: MorphemeBuffer::default(),
        scratch: Scratch::default(),
        spans: vec![],
    };
    let mut counts = Kind::ALL.map(|_| 0_u64);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut number = 0_u64;
    let lost = each_record(&arguments.files, &mut |record| {
        number += 1;
        let spans = search.spans(&record.text);
        for span in spans {
            counts[span.kind as usize] += 1;
        }
        match arguments.format {
            Format::Spans => spans.iter().try_for_each(|span| writeln!(out, "{}", span_line(&record, number, span))),
            Format::Jsonl => search.masked(&record.text).map_or(Ok(()), |text| writeln!(out, "{}", to_json(&record, &text))),
        }
        .map_err(output_failed)
    })?;
    out.flush()?;
    if !common.quiet {
        let mut err = std::io::stderr();
        for (kind, n) in Kind::ALL.iter().zip(counts).filter(|(_, n)| *n > 0) {
            let _ = writeln!(err, "{:<24} {:>12}", kind.name(), ui::thousands(n));
        }
    }
    Ok(report(&lost))
}

/// The section of the plan that the options stand for.
fn options(arguments: &Arguments) -> Result<pii::Options> {
    let mut options = pii::Options { action: action(&arguments.action)?, ..pii::Options::default() };
    for given in &arguments.kind {
        let kind = given.split_once('=').and_then(|(name, action)| Some((Kind::ALL.into_iter().find(|kind| kind.name() == name)?, action)));
        let Some((kind, act)) = kind else {
            let names = Kind::ALL.map(Kind::name).join(", ");
            return Err(Error::refused_with_hint(
                format!("--kind {given}: no kind and action"),
                format!("write --kind PERSON=mask; kinds are {names}"),
            ));
        };
        options.kinds.insert(kind, action(act)?);
    }
    Ok(options)
}

fn action(name: &str) -> Result<Action> {
    serde_json::from_value(name.into()).map_err(|_| Error::refused_with_hint(format!("{name}: no action"), "keep, count, mask or drop"))
}

/// One record after the other.
struct Search<'a> {
    options: pii::Options,
    finder: Finder,
    worker: Box<dyn SegmentWorker + 'a>,
    morphemes: MorphemeBuffer,
    scratch: Scratch,
    spans: Vec<Span>,
}

impl Search<'_> {
    fn spans(&mut self, text: &str) -> &[Span] {
        self.morphemes.clear();
        segment_document(self.worker.as_mut(), text, &mut self.morphemes);
        let morphemes = Morphemes { ends: &self.morphemes.ends, pos: &self.morphemes.pos, word: &self.morphemes.word };
        self.spans.clear();
        self.finder.find(text, morphemes, &mut self.scratch, &mut self.spans);
        &self.spans
    }

    /// The text with placeholders for what was found last; `None` if the record is dropped.
    fn masked(&self, text: &str) -> Option<String> {
        let action = |span: &&Span| self.options.action(span.kind);
        if self.spans.iter().any(|span| action(&span) == Action::Drop) {
            return None;
        }
        let masked: Vec<Span> = self.spans.iter().filter(|span| action(span) == Action::Mask).copied().collect();
        let mut out = String::with_capacity(text.len());
        pii::mask(text, &masked, &mut out);
        Some(out)
    }
}

fn span_line(record: &Record, number: u64, span: &Span) -> String {
    let id = record.id.clone().unwrap_or_else(|| number.to_string());
    serde_json::json!({"id": id, "start": span.start, "end": span.end, "type": span.kind.name()}).to_string()
}
