//! What a token shard says of itself, read back.

use std::path::{Path, PathBuf};

use parquet::basic::Type;

use crate::error::{Error, Result};
use crate::io::table_metadata;
use crate::schema::{DOC_ID, N_TOKENS, SOURCE};
use crate::shard::layout::{EOS_KEY, PAD_KEY, TOKEN_LEAF, TOKENIZER_CONTENT_KEY, TOKENIZER_KEY, TokensMeta, VOCAB_SIZE_KEY};

/// A finished token shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenShard {
    /// The file.
    pub path: PathBuf,
    /// What others call it: the end of its path, such as `tokens/part-00000.parquet`.
    pub name: String,
    /// Documents.
    pub rows: u64,
    /// Vocabulary and special ids.
    pub meta: TokensMeta,
}

impl TokenShard {
    /// Reads the footer of a token shard.
    ///
    /// # Errors
    /// [`Error::Refused`] for a file that is none, or says nothing of its vocabulary; [`Error::Io`].
    pub fn open(path: &Path, name: String) -> Result<Self> {
        let metadata = table_metadata(path).map_err(|error| match error {
            Error::Damaged { message, .. } => no_shard(path, &message),
            other => other,
        })?;
        let file = metadata.file_metadata();
        for (leaf, wanted) in
            [(DOC_ID.name, Type::BYTE_ARRAY), (SOURCE.name, Type::BYTE_ARRAY), (TOKEN_LEAF, Type::INT32), (N_TOKENS.name, Type::INT32)]
        {
            let column = file.schema_descr().columns().iter().find(|column| column.path().string() == leaf);
            if column.map(|column| column.physical_type()) != Some(wanted) {
                return Err(no_shard(path, &format!("it has no column {leaf} of type {wanted}")));
            }
        }
        let found = |key: &str| {
            let pairs = file.key_value_metadata().map_or(&[][..], Vec::as_slice);
            pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_deref())
        };
        let value = |key: &str| found(key).ok_or_else(|| no_shard(path, &format!("its metadata have no {key}")));
        let number = |key: &str| {
            let text = value(key)?;
            text.parse::<u32>().map_err(|_| Error::damaged(path, format!("{key} in its metadata is no number: {text:?}")))
        };
        let meta = TokensMeta {
            tokenizer_blake3: value(TOKENIZER_KEY)?.to_owned(),
            tokenizer_content: found(TOKENIZER_CONTENT_KEY).map(str::to_owned),
            vocab_size: number(VOCAB_SIZE_KEY)?,
            eos: number(EOS_KEY)?,
            pad: number(PAD_KEY)?,
        };
        if meta.eos >= meta.vocab_size || meta.pad >= meta.vocab_size {
            return Err(Error::damaged(path, "EOS or PAD in its metadata is not in the vocabulary"));
        }
        let rows = u64::try_from(file.num_rows()).map_err(|_| Error::damaged(path, "has a negative number of rows"))?;
        Ok(Self { path: path.to_path_buf(), name, rows, meta })
    }
}

/// What all of them say of the vocabulary.
///
/// # Errors
/// [`Error::Refused`] if there is none, or two do not agree: their ids do not mean the same.
pub fn common_meta(shards: &[TokenShard]) -> Result<&TokensMeta> {
    let Some((first, rest)) = shards.split_first() else { return Err(Error::refused("no token shards")) };
    match rest.iter().find(|other| !other.meta.means_the_same_as(&first.meta)) {
        None => Ok(&first.meta),
        Some(other) => Err(Error::refused_with_hint(
            format!("{} and {} were made with different tokenizers", first.path.display(), other.path.display()),
            "give token shards of one tokenizer at a time",
        )),
    }
}

fn no_shard(path: &Path, why: &str) -> Error {
    Error::refused_with_hint(
        format!("{}: not a token shard: {why}", path.display()),
        "give a finished run, its tokens directory, or Parquet files of it",
    )
}
