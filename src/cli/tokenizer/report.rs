//! `seimai tokenizer report TOKENIZER… --input FILE…`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::measures::{MEASURES, best};
use super::page;
use crate::bpe::huggingface::check::{Files, Severity, check};
use crate::cli::common::{Common, Outcome, Taken};
use crate::cli::records::{self, Lost};
use crate::cli::ui;
use crate::cli::vocabulary::Vocabulary;
use crate::corpus;
use crate::error::{Error, Result};
use crate::io::Staging;
use crate::pipeline::plan::Plan;
use crate::pipeline::pool::Pool;
use crate::pipeline::tokenizer_report::{Figures, Job, Named, Portrait, Report};
use crate::quarantine::escape;

/// What vocabularies do to texts, side by side
///
/// Reads and normalises texts as `seimai run` does, cuts them into morphemes, encodes them with each vocabulary, and tells of compression by source,
/// register and era (of the date of the record), of token boundaries beside those of morphemes, of characters, digits and blanks, of the tokens
/// that stand out, and of tokens that tell of few documents. The first vocabulary is usually yours; others are any tokenizer.json of byte-level
/// BPE with a published pattern.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai tokenizer report out --input held-out/*.jsonl
  seimai tokenizer report ours=out other=other/tokenizer.json --input held-out.jsonl.zst --html report.html -o report.json")]
pub(in crate::cli) struct Arguments {
    /// A tokenizer.json, its directory, or a finished run; NAME=PATH names it in tables
    #[arg(required = true, value_name = "TOKENIZER")]
    tokenizers: Vec<OsString>,
    /// Texts, best those that no vocabulary was trained on: files, directories, globs, or - for standard input
    #[arg(long, required = true, value_name = "FILE", num_args = 1..)]
    input: Vec<OsString>,
    /// Name of an installed dictionary, or a directory; none: without morphemes and registers
    #[arg(long, default_value = "ipadic")]
    dictionary: String,
    /// How text is normalised before: nfkc, nfc or none
    #[arg(long, default_value = "nfkc")]
    form: String,
    /// The report as JSON
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The report as a page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show no token that fewer documents have, and no text of a document
    #[arg(long, value_name = "K", default_value_t = 0)]
    min_documents: u64,
    /// Change a plan key, e.g. --set input.fields.text=body
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let morphemes = arguments.dictionary != "none";
    let value = |text: &str| toml::Value::String(text.to_owned());
    let segment = if morphemes { format!("[segment]\ndictionary = {}\n", value(&arguments.dictionary)) } else { String::new() };
    let text = format!("[input]\npaths = [\"-\"]\n[normalize]\nform = {}\n{segment}", value(&arguments.form));
    let plan = Plan::from_toml(&text, &arguments.taken.and(&arguments.settings), "--dictionary, --form")?;
    let tokenizers = arguments.tokenizers.iter().map(|given| named(given, common.quiet)).collect::<Result<Vec<_>>>()?;
    let mut names = BTreeSet::new();
    if let Some(twice) = tokenizers.iter().find(|named| !names.insert(&named.name)) {
        let why = format!("two vocabularies are called {:?}", twice.name);
        return Err(Error::refused_with_hint(why, "name them: NAME=PATH").into());
    }
    let inputs = corpus::expand_paths(&arguments.input, &plan.input, Path::new("."))?.into();
    let job = Job { plan: &plan, inputs, tokenizers: &tokenizers, morphemes, min_documents: arguments.min_documents };
    let observer = ui::observer(common);
    let (report, read) = job.run(Path::new("."), &Pool::new(common.threads())?, ui::watch(&*observer))?;
    if let Some(path) = &arguments.output {
        write(path, format!("{:#}\n", serde_json::to_value(&report)?).as_bytes())?;
    }
    if let Some(path) = &arguments.html {
        write(path, page::html(&report).as_bytes())?;
    }
    tell(&report, &mut std::io::stdout().lock())?;
    Ok(records::report(&Lost::of(read.quarantined, read.left_out)))
}

/// A vocabulary of the command line.
fn named(given: &OsString, quiet: bool) -> Result<Named> {
    let text = given.to_string_lossy();
    let (name, path) = match text.split_once('=').filter(|(name, path)| !name.is_empty() && !name.contains('/') && !path.is_empty()) {
        Some((name, path)) => (Some(name.to_owned()), PathBuf::from(path)),
        None => (None, PathBuf::from(given)),
    };
    let vocabulary = Vocabulary::read(&path)?;
    let checked = check(Files { tokenizer: &vocabulary.bytes, ..Files::default() })
        .map_err(|why| Error::refused(format!("{}: {why}", vocabulary.path.display())))?;
    if !checked.sound && !quiet {
        let codes: Vec<&str> =
            checked.findings.iter().filter(|found| found.severity == Severity::Finding).map(|found| found.code).collect();
        let path = vocabulary.path.display();
        let _ =
            writeln!(std::io::stderr(), "{path}: other programs may give other ids ({}); see `seimai tokenizer check`", codes.join(", "));
    }
    let digits = if checked.single_digits { ", single digits" } else { "" };
    // The directory, or the file where it has a name of its own.
    let own = path.file_stem().filter(|stem| path.is_file() && *stem != "tokenizer").or_else(|| {
        let dir = if path.is_file() { path.parent()? } else { &path };
        dir.file_name()
    });
    Ok(Named {
        name: name.or_else(|| Some(own?.to_string_lossy().into_owned())).unwrap_or_else(|| "tokenizer".to_owned()),
        path: vocabulary.path.display().to_string(),
        content_blake3: checked.content_blake3,
        pattern: checked.pattern.map_or_else(|| "characters".to_owned(), |pattern| format!("{pattern}{digits}")),
        tokenizer: vocabulary.tokenizer,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let (staging, place) = Staging::for_file(path)?;
    staging.write(&place, bytes).map(|_| ())
}

/// Columns of the screen that a text takes: characters of East Asia take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| 1 + usize::from(matches!(u32::from(c), 0x1100..0x1160 | 0x2E80..0xA4D0 | 0xAC00..0xD7A4 | 0xF900..0xFB00 | 0xFF00..0xFF61 | 0x1F300..0x40000))).sum()
}

/// A table whose first column is aligned at the left, the others at the right.
pub(super) fn table(rows: &[Vec<String>], out: &mut dyn Write) -> std::io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..columns).map(|at| rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max().unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, wide)) in row.iter().zip(&widths).enumerate() {
            let blanks = " ".repeat(wide - width(cell));
            let parts = if at == 0 { ["", cell, &blanks] } else { ["  ", &blanks, cell] };
            line.extend(parts);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn tell(report: &Report, out: &mut dyn Write) -> std::io::Result<()> {
    let Some(first) = report.tokenizers.first() else { return Ok(()) };
    let sums = first.total.sums;
    writeln!(
        out,
        "{} documents, {} characters, {}\n",
        ui::thousands(sums.documents),
        ui::thousands(sums.characters),
        ui::bytes(sums.bytes)
    )?;
    let names = |head: &str| std::iter::once(head.to_owned()).chain(report.tokenizers.iter().map(|portrait| escape(&portrait.name, 40)));
    // Two columns are left for the mark of the best.
    let spaced =
        |cells: Vec<String>| cells.into_iter().enumerate().map(|(at, cell)| if at == 0 { cell } else { format!("{cell}  ") }).collect();
    let patterns = report.tokenizers.iter().map(|portrait| portrait.pattern.clone());
    let mut rows: Vec<Vec<String>> =
        vec![spaced(names("").collect()), spaced(std::iter::once("pattern".to_owned()).chain(patterns).collect())];
    for measure in &MEASURES {
        let values: Vec<Option<f64>> = report.tokenizers.iter().map(measure.value).collect();
        if values.iter().any(Option::is_some) {
            let best = best(&values, measure);
            let cells =
                values.iter().zip(best).map(|(value, best)| format!("{}{}", measure.form.write(*value), if best { " *" } else { "  " }));
            rows.push(std::iter::once(measure.name.to_owned()).chain(cells).collect());
        }
    }
    table(&rows, out)?;
    let groups: [(&str, Groups); 3] =
        [("source", |p| &p.sources), ("register", |p| &p.registers), ("era of the record's date", |p| &p.eras)];
    for (head, groups) in groups {
        if groups(first).len() < 2 {
            continue;
        }
        writeln!(out, "\ncharacters a token (straddling) by {head}")?;
        let mut rows: Vec<Vec<String>> = vec![names("").collect()];
        for (at, group) in groups(first).iter().enumerate().take(SHOWN) {
            let cells = report.tokenizers.iter().map(|portrait| groups(portrait).get(at).map_or_else(String::new, figures));
            rows.push(std::iter::once(escape(&group.name, 40)).chain(cells).collect());
        }
        table(&rows, out)?;
        if groups(first).len() > SHOWN {
            writeln!(out, "… {} more in the JSON", groups(first).len() - SHOWN)?;
        }
    }
    for portrait in &report.tokenizers {
        outstanding(portrait, out)?;
    }
    Ok(())
}

/// The groups of a vocabulary of one kind.
type Groups = fn(&Portrait) -> &[Figures];

/// Sources on a screen.
const SHOWN: usize = 20;

fn figures(figures: &Figures) -> String {
    let number = figures.characters_per_token.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    figures.straddling.map_or_else(|| number.clone(), |share| format!("{number} ({:4.1} %)", share * 100.0))
}

fn outstanding(portrait: &Portrait, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "\n{}", escape(&portrait.name, 40))?;
    let shown = |token: &str| {
        let first = token.chars().next().filter(|first| token.chars().count() > 3 && token.chars().all(|c| c == *first));
        first.map_or_else(
            || format!("「{}」", escape(token, 40)),
            |first| format!("「{}」×{}", escape(&first.to_string(), 8), token.chars().count()),
        )
    };
    for (head, list) in [
        ("longest", &portrait.longest),
        ("straddle most", &portrait.straddling),
        ("Japanese and Latin", &portrait.mixed),
        ("parts of two characters", &portrait.across),
    ] {
        let tokens: Vec<String> =
            list.iter().take(8).map(|listed| listed.token.as_deref().map_or_else(|| "•••".to_owned(), shown)).collect();
        if !tokens.is_empty() {
            writeln!(out, "  {head}: {}", tokens.join(" "))?;
        }
    }
    let few: Vec<String> =
        portrait.support.iter().map(|support| format!("{} in fewer than {}", ui::thousands(support.tokens), support.documents)).collect();
    writeln!(out, "  used tokens by documents: {}; {} look like personal data", few.join(", "), portrait.personal.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_by_what_is_seen() {
        let mut out = Vec::new();
        table(&[vec![String::new(), "甲".into()], vec!["文字".into(), "1.5".into()], vec!["abc".into(), "10".into()]], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "       甲\n文字  1.5\nabc    10\n");
    }
}
