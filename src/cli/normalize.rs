//! `seimai normalize FILE…`: NFKC and the Japanese rules, JSON Lines out.

use std::io::{BufWriter, Write};
use std::path::Path;

use super::{Common, Outcome, ui};
use crate::corpus::{self, Cut, Framer, Record};
use crate::normalize::{Normalizer, Options, RuleCounts};
use crate::quarantine::{Quarantined, escape};

/// NFKC and the Japanese rules; JSON Lines out
///
/// Reads JSON Lines, Parquet or plain text (compressed or not; `-` is standard input), writes a record a line to standard output. What the
/// rules changed is counted on standard error.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// nfkc, nfc or none
    #[arg(long, default_value = "nfkc")]
    form: String,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let options: Options = toml::from_str(&format!("form = {}", toml::Value::String(arguments.form.clone())))
        .map_err(|_| crate::error::Error::refused_with_hint(format!("--form {}: unknown", arguments.form), "nfkc, nfc or none"))?;
    let normalizer = Normalizer::new(&options);
    let mut counts = RuleCounts::default();
    let mut scratch = String::new();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let quarantined = each_record(&arguments.files, &mut |record| {
        scratch.clear();
        normalizer.normalize(&record.text, &mut scratch, &mut counts);
        let line = to_json(&record, &scratch);
        writeln!(out, "{line}").map_err(|e| crate::error::Error::io("standard output", "write", e))
    })?;
    out.flush()?;
    if !common.quiet {
        let mut err = std::io::stderr();
        for (rule, n) in counts.iter().filter(|&(_, n)| n > 0) {
            let _ = writeln!(err, "{rule:<24} {:>12}", ui::thousands(n));
        }
    }
    Ok(report(&quarantined))
}

/// Every record of the files, in order.
pub(super) fn each_record(files: &[String], sink: &mut dyn FnMut(Record) -> crate::error::Result<()>) -> anyhow::Result<Vec<Quarantined>> {
    let options = corpus::Options { paths: files.to_vec(), ..corpus::Options::default() };
    let inputs = corpus::expand(&options, Path::new("."))?;
    let mut framer = Framer::new(inputs.into(), &options, Cut::default());
    let mut quarantined = Vec::new();
    while let Some(shard) = framer.next_shard()? {
        quarantined.extend(shard.decode(&options, sink)?.quarantined);
    }
    Ok(quarantined)
}

fn to_json(record: &Record, text: &str) -> serde_json::Value {
    let mut line = serde_json::Map::new();
    if let Some(id) = &record.id {
        line.insert("id".into(), id.as_str().into());
    }
    line.insert("text".into(), text.into());
    let given = [("source", &record.source), ("url", &record.url), ("license", &record.license), ("date", &record.date)];
    for (name, value) in given {
        if let Some(value) = value {
            line.insert(name.into(), value.as_str().into());
        }
    }
    if let Some(meta) = record.meta.as_deref().and_then(|meta| serde_json::from_str(meta).ok()) {
        line.insert("meta".into(), meta);
    }
    line.into()
}

/// Tells how much could not be read: the count and the first five.
pub(super) fn report(quarantined: &[Quarantined]) -> Outcome {
    if quarantined.is_empty() {
        return Outcome::Done;
    }
    let mut err = std::io::stderr();
    let _ = writeln!(err, "{} records could not be read:", ui::thousands(quarantined.len() as u64));
    for record in quarantined.iter().take(5) {
        let line = record.line.map_or_else(String::new, |line| format!(" line {line}"));
        let _ = writeln!(
            err,
            "  {}{line} (byte {}): {} {}",
            escape(&record.file, 200),
            record.offset,
            record.reason,
            escape(&record.detail, 200)
        );
    }
    Outcome::Damaged
}
