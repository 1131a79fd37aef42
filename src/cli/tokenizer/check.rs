//! `seimai tokenizer check TOKENIZER…`.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::bpe::huggingface::check::{Checked, Files, Severity, check};
use crate::cli::common::Outcome;
use crate::cli::ui;
use crate::cli::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::io::read_limited;
use crate::quarantine::escape;

/// Does a tokenizer give the same ids in every program?
///
/// Reads tokenizer.json, and tokenizer_config.json and config.json beside it. Names what makes programs disagree and what helps, the programs that
/// were compared, and the digest of the content, which loading and saving with transformers does not change. Exit code 2 if something was found;
/// a note is no finding.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai tokenizer check out
  seimai tokenizer check model-folder --json")]
pub(in crate::cli) struct Arguments {
    /// A tokenizer.json, its directory, or a finished run
    #[arg(required = true, value_name = "TOKENIZER")]
    tokenizers: Vec<PathBuf>,
    /// JSON, one object a line
    #[arg(long)]
    json: bool,
}

/// Configurations are not longer than this.
const CONFIG_MAX: u64 = 1 << 26;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut out = std::io::stdout().lock();
    let mut unsound = Vec::new();
    for (at, given) in arguments.tokenizers.iter().enumerate() {
        let (path, checked) = one(given)?;
        if arguments.json {
            let mut value = serde_json::to_value(&checked)?;
            value["path"] = path.display().to_string().into();
            writeln!(out, "{value}")?;
        } else {
            if at > 0 {
                writeln!(out)?;
            }
            tell(&path, &checked, &mut out)?;
        }
        if !checked.sound {
            unsound.push(path.display().to_string());
        }
    }
    out.flush()?;
    if unsound.is_empty() {
        return Ok(Outcome::Done);
    }
    Err(Error::refused(format!("programs may not agree on {}", unsound.join(", "))).into())
}

fn one(given: &Path) -> Result<(PathBuf, Checked)> {
    let (path, tokenizer) = Vocabulary::bytes(given)?;
    let beside = |name: &str| -> Result<Option<Vec<u8>>> {
        let path = path.with_file_name(name);
        if path.is_file() { Ok(Some(read_limited(&path, CONFIG_MAX)?)) } else { Ok(None) }
    };
    let (config, model) = (beside("tokenizer_config.json")?, beside("config.json")?);
    let files = Files { tokenizer: &tokenizer, config: config.as_deref(), model: model.as_deref() };
    let dir = path.parent().unwrap_or(Path::new(".")).display();
    let checked = check(files).map_err(|why| Error::refused(format!("{dir}: {why}")))?;
    Ok((path, checked))
}

fn tell(path: &Path, checked: &Checked, out: &mut dyn Write) -> std::io::Result<()> {
    let digits = if checked.single_digits { ", single digits" } else { "" };
    writeln!(out, "tokenizer   {}", path.display())?;
    writeln!(out, "content     {}", checked.content_blake3)?;
    if let Some(pattern) = checked.pattern {
        writeln!(out, "pattern     {pattern}{digits}")?;
    }
    if let Some(size) = checked.vocab_size {
        writeln!(out, "vocabulary  {} tokens", ui::thousands(size as u64))?;
    }
    for (at, reader) in checked.readers.iter().enumerate() {
        let head = if at == 0 { "read by" } else { "" };
        writeln!(out, "{head:<11} {:<31} {}", reader.reader, reader.ids)?;
    }
    for finding in &checked.findings {
        let severity = if finding.severity == Severity::Finding { "finding" } else { "note" };
        writeln!(out, "\n{severity} [{}] {}", finding.code, escape(&finding.what, 1000))?;
        writeln!(out, "  → {}", escape(&finding.remedy, 1000))?;
    }
    if checked.sound {
        writeln!(out, "\nsound: nothing found that makes programs disagree")?;
    }
    Ok(())
}
