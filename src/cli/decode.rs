//! `seimai decode TOKENS…`: turns token shards back into text.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, Int32Type, Schema};

use super::common::Outcome;
use super::parts;
use crate::bpe::read_tokenizer_and_content;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::Error;
use crate::io::{hash_file, open_table, table_metadata};
use crate::pipeline::manifest::check_if_of_run;
use crate::schema;
use crate::shard::{TOKENIZER_CONTENT_KEY, TOKENIZER_KEY, is_same_tokenizer};
use crate::stage::{list_slice, lists, strings};

/// Token shards back to text: JSON Lines with doc_id and text
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  seimai decode out | head -1")]
pub(super) struct Arguments {
    /// Token shards, a directory of them, or a finished run
    #[arg(required = true, value_name = "TOKENS")]
    tokens: Vec<PathBuf>,
    /// The vocabulary [default: ../tokenizer/tokenizer.json beside the shards]
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for given in &arguments.tokens {
        let given = parts::directory(given, parts::TOKENS);
        let shards = parts::files(&given)?;
        let path = arguments.tokenizer.clone().unwrap_or_else(|| beside(&given));
        let (tokenizer, content) = vocabulary(&path)?;
        let hash = hash_file(&path)?.1;
        for shard in shards {
            check_if_of_run(&shard)?;
            check_tokenizer(&shard, &path, (&hash, &content))?;
            decode_shard(&shard, &tokenizer, &mut out)?;
        }
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn beside(given: &Path) -> PathBuf {
    let dir = if given.is_dir() { given } else { given.parent().unwrap_or(given) };
    dir.join("../tokenizer/tokenizer.json")
}

/// Reads the tokenizer; if that fails, the error says what to do.
fn vocabulary(path: &Path) -> Result<(Tokenizer, String), Error> {
    let hint = "--tokenizer FILE names the tokenizer.json of the run that made the tokens";
    read_tokenizer_and_content(path)
        .map_err(|error| error.refused_if_of_the_name(|error| Error::refused_with_hint(error.to_string(), hint)))
}

fn no_shard(shard: &Path, why: &str) -> Error {
    Error::refused_with_hint(
        format!("{}: not a token shard: {why}", shard.display()),
        "give the tokens directory of a finished run, or a Parquet file of it",
    )
}

/// Checks that a token shard was made with this tokenizer, given by the BLAKE3 of its file and the digest of its content: with another one its
/// ids mean nothing. A file that names no tokenizer is accepted.
fn check_tokenizer(shard: &Path, tokenizer: &Path, (hash, content): (&str, &str)) -> Result<(), Error> {
    let metadata = table_metadata(shard).map_err(|error| match error {
        Error::Damaged { message, .. } => no_shard(shard, &message),
        other => other,
    })?;
    let pairs = metadata.file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
    let value = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_deref());
    match value(TOKENIZER_KEY) {
        Some(named) if !is_same_tokenizer((named, value(TOKENIZER_CONTENT_KEY)), (hash, Some(content))) => Err(Error::refused_with_hint(
            format!("{}: made with the tokenizer {named}, but {} is {hash} (blake3)", shard.display(), tokenizer.display()),
            "--tokenizer FILE names the tokenizer.json of the run that made the tokens",
        )),
        _ => Ok(()),
    }
}

/// Checks that a token shard has the columns doc_id and input_ids.
fn check_schema(shard: &Path, schema: &Schema) -> Result<(), Error> {
    let kind = |name| schema.field_with_name(name).ok().map(arrow::datatypes::Field::data_type);
    if kind(schema::DOC_ID.name) != Some(&DataType::Utf8) {
        return Err(no_shard(shard, "it has no column doc_id of strings"));
    }
    if !matches!(kind(schema::INPUT_IDS.name), Some(DataType::List(item)) if *item.data_type() == DataType::Int32) {
        return Err(no_shard(shard, "it has no column input_ids of lists of 32-bit integers"));
    }
    Ok(())
}

fn decode_shard(shard: &Path, tokenizer: &Tokenizer, out: &mut dyn Write) -> anyhow::Result<()> {
    let columns = [schema::DOC_ID.name, schema::INPUT_IDS.name];
    let table = open_table(shard, Some(&columns), 512).map_err(|error| match error {
        Error::Damaged { message, .. } => no_shard(shard, &message),
        other => other,
    })?;
    check_schema(shard, &table.schema())?;
    for batch in table {
        let batch = batch?;
        let ids = lists(&batch, &schema::INPUT_IDS)?;
        for (row, doc_id) in strings(&batch, &schema::DOC_ID)?.iter().enumerate() {
            let tokens = list_slice::<Int32Type>(ids, row);
            let bytes =
                tokenizer.decode(tokens).map_err(|id| Error::damaged(shard, format!("row {row}: id {id} is not in the vocabulary")))?;
            let text = String::from_utf8_lossy(&bytes);
            writeln!(out, "{}", serde_json::json!({"doc_id": doc_id, "text": text}))?;
        }
    }
    Ok(())
}
