//! `seimai normalize FILE…`: NFKC and the Japanese rules, JSON Lines out.

use std::ffi::OsString;
use std::io::{BufWriter, Write};

use super::common::{Common, Outcome, output_failed};
use super::records::{each_record, report};
use super::ui;
use crate::corpus::Record;
use crate::error::Error;
use crate::normalize::{Normalizer, Options, RuleCounts};

/// NFKC and the Japanese rules; JSON Lines out
///
/// Reads JSON Lines, Parquet or plain text (compressed or not; `-` is standard input), writes a record a line to standard output. What the
/// rules changed is counted on standard error.
#[derive(Debug, clap::Args)]
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

/// The record as a line of JSON. Written by hand because `meta` goes through as it came: its numbers are nobody's to round.
pub(super) fn to_json(record: &Record, text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 64);
    let given = [
        ("id", record.id.as_deref()),
        ("text", Some(text)),
        ("source", record.source.as_deref()),
        ("url", record.url.as_deref()),
        ("license", record.license.as_deref()),
        ("date", record.date.as_deref()),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            push_field(&mut line, name, &quoted(value));
        }
    }
    if let Some(meta) = &record.meta {
        // In a table `meta` may be any text; what is no JSON goes through as a string.
        match serde_json::from_str::<serde::de::IgnoredAny>(meta) {
            // Line ends stand between JSON's tokens only.
            Ok(_) => push_field(&mut line, "meta", &meta.replace(['\n', '\r'], " ")),
            Err(_) => push_field(&mut line, "meta", &quoted(meta)),
        }
    }
    line.push('}');
    line
}

fn push_field(line: &mut String, name: &str, value: &str) {
    line.push(if line.is_empty() { '{' } else { ',' });
    line.push('"');
    line.push_str(name);
    line.push_str("\":");
    line.push_str(value);
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meta_goes_through_as_it_came() {
        let record = |meta: &str| Record { id: Some("\"1\"".into()), meta: Some(meta.into()), ..Record::default() };
        let exact = r#"{"n":1e999,"b": 123456789012345678901234567890, "a":1, "a":2}"#;
        let line = to_json(&record(exact), "米\n");
        assert_eq!(line, format!(r#"{{"id":"\"1\"","text":"米\n","meta":{exact}}}"#));
        assert!(to_json(&record("{\n\"a\":\r\n1}"), "").ends_with(r#""meta":{ "a":  1}}"#));
        assert!(to_json(&record("no {json\n"), "").ends_with(r#""meta":"no {json\n"}"#));
    }
}
