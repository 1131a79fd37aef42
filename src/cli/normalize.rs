//! `seimai normalize FILE…`: NFKC and the Japanese rules, JSON Lines out.

use std::ffi::OsString;
use std::io::{BufWriter, Write};

use super::common::{Common, Outcome, output_failed};
use super::json_line::JsonLine;
use super::records::{each_record, report};
use super::ui;
use crate::corpus::Record;
use crate::error::Error;
use crate::normalize::{Normalizer, Options, RuleCounts};

/// NFKC and the Japanese rules; JSON Lines out
///
/// Reads every format that `seimai run` reads (docs/guide; `-` is standard input), writes a record a line to standard output. What the
/// rules changed is counted on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  echo ﾊﾝｶｸと①㈱〜 | seimai normalize -
  seimai normalize pages.warc.gz > pages.jsonl")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// nfkc, nfc or none
    #[arg(long, default_value = "nfkc")]
    form: String,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let options: Options = toml::from_str(&format!("form = {}", toml::Value::String(arguments.form.clone())))
        .map_err(|_| Error::refused_with_hint(format!("--form {}: unknown", arguments.form), "nfkc, nfc or none"))?;
    let normalizer = Normalizer::new(&options);
    let mut counts = RuleCounts::default();
    let mut scratch = String::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let lost = each_record(&arguments.files, &mut |record| {
        scratch.clear();
        normalizer.normalize(&record.text, &mut scratch, &mut counts);
        writeln!(out, "{}", to_json(&record, &scratch)).map_err(output_failed)
    })?;
    out.flush()?;
    if !common.quiet {
        let mut err = std::io::stderr();
        for (rule, n) in counts.iter().filter(|&(_, n)| n > 0) {
            let _ = writeln!(err, "{rule:<24} {:>12}", ui::thousands(n));
        }
    }
    Ok(report(&lost))
}

/// The record as a line of JSON.
pub(super) fn to_json(record: &Record, text: &str) -> String {
    let mut line = JsonLine::with_capacity(text.len() + 64);
    line.text("id", record.id.as_deref());
    line.text("text", Some(text));
    line.text("source", record.source.as_deref());
    line.text("url", record.url.as_deref());
    line.text("license", record.license.as_deref());
    line.text("date", record.date.as_deref());
    line.text("residency", record.residency.as_deref());
    line.meta(record.meta.as_deref());
    line.finish()
}
