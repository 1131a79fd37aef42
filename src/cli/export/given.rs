//! What every export of a vocabulary to a file is given, and what it does with it.

use std::path::PathBuf;

use crate::cli::vocabulary::Vocabulary;
use crate::error::{Error, Result};
use crate::io::{Place, Staging};

/// A vocabulary and a file.
#[derive(Debug, clap::Args)]
pub(super) struct Given {
    /// A tokenizer.json, its directory, or a finished run
    #[arg(value_name = "TOKENIZER")]
    tokenizer: PathBuf,
    /// The file
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: PathBuf,
    /// Export a vocabulary with a normaliser too: its ids are those of texts that went through `seimai normalize`
    #[arg(long)]
    without_normalizer: bool,
}

impl Given {
    /// The vocabulary, and what to do where it cannot be exported: `otherwise`, unless it is its normaliser that stands in the way.
    pub(super) fn read(&self, otherwise: &'static str) -> Result<(Vocabulary, &'static str)> {
        let mut vocabulary = Vocabulary::read(&self.tokenizer)?;
        let hint = if vocabulary.tokenizer.normalizer().is_some() && !self.without_normalizer {
            "--without-normalizer exports it for texts that went through `seimai normalize`"
        } else {
            otherwise
        };
        if self.without_normalizer {
            vocabulary.tokenizer = vocabulary.tokenizer.without_normalizer();
        }
        Ok((vocabulary, hint))
    }

    /// The name of the file without its extension.
    pub(super) fn stem(&self) -> Result<String> {
        let stem = self.output.file_stem().filter(|_| !self.output.is_dir());
        let stem = stem.ok_or_else(|| Error::refused(format!("{}: a directory, not a file", self.output.display())))?;
        Ok(stem.to_string_lossy().into_owned())
    }

    /// Where the file is written.
    pub(super) fn staging(&self) -> Result<(Staging, Place)> {
        Staging::for_file(&self.output)
    }
}
