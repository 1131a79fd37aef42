//! A vocabulary as it is given to the exports, and what stands beside it.

use std::path::{Path, PathBuf};

use crate::bpe::huggingface::{FILE_MAX, Roles, content_blake3, parse};
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::io::read_limited;

/// The vocabulary of an argument.
pub(crate) struct Vocabulary {
    /// `tokenizer.json`.
    pub(crate) path: PathBuf,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    pub(crate) tokenizer: Tokenizer,
}

/// `tokenizer_config.json` is not longer than this.
const CONFIG_MAX: u64 = 1 << 26;

impl Vocabulary {
    /// A `tokenizer.json`, a directory that holds one, or a finished run.
    pub(crate) fn read(given: &Path) -> Result<Self> {
        let (path, bytes) = Self::bytes(given)?;
        let tokenizer = parse(&bytes).map_err(|fault| Error::refused(format!("{}: {fault}", path.display())))?;
        Ok(Self { path, bytes, tokenizer })
    }

    /// The same without reading what is in it: where it stands, and its bytes.
    pub(crate) fn bytes(given: &Path) -> Result<(PathBuf, Vec<u8>)> {
        let inside = [given.join("tokenizer.json"), given.join("tokenizer/tokenizer.json")];
        let path = if given.is_dir() {
            let found = inside.into_iter().find(|path| path.is_file());
            found.ok_or_else(|| {
                let why = format!("{}: holds no tokenizer.json", given.display());
                Error::refused_with_hint(why, "give a tokenizer.json, its directory, or a finished run")
            })?
        } else {
            given.to_path_buf()
        };
        let bytes = read_limited(&path, FILE_MAX).map_err(|error| match error {
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Error::refused(format!("{}: does not exist", path.display()))
            }
            other => other,
        })?;
        Ok((path, bytes))
    }

    /// The digest of what it means.
    pub(crate) fn content(&self) -> Result<String> {
        content_blake3(&self.bytes).map_err(|fault| Error::refused(format!("{}: {fault}", self.path.display())))
    }

    /// What `tokenizer_config.json` beside it says of roles and the longest text; nothing where there is no such file.
    pub(crate) fn companion(&self) -> Result<(Roles, Option<u64>)> {
        let path = self.path.with_file_name("tokenizer_config.json");
        if !path.exists() {
            return Ok((Roles::default(), None));
        }
        let config: serde_json::Value = serde_json::from_slice(&read_limited(&path, CONFIG_MAX)?)
            .map_err(|e| Error::refused(format!("{}: not JSON: {e}", path.display())))?;
        // A token is a string, or an object with its content.
        let token = |role: &str| {
            let value = config.get(role)?;
            value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
        };
        let roles = Roles { bos: token("bos_token"), eos: token("eos_token"), pad: token("pad_token"), unk: token("unk_token") };
        Ok((roles, config.get("model_max_length").and_then(serde_json::Value::as_u64)))
    }
}
