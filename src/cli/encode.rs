//! `seimai encode FILE… --tokenizer T -o DIR`: token shards of files, without a run.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::common::{Common, Outcome, Taken};
use super::records::Lost;
use super::vocabulary::Vocabulary;
use super::{records, ui};
use crate::corpus;
use crate::error::{Error, Result};
use crate::io::read_limited;
use crate::pipeline::encode_files::EncodeFiles;
use crate::pipeline::plan::Plan;
use crate::pipeline::pool::Pool;
use crate::shard::TokensMeta;

/// Encode files with a vocabulary that is there: token shards
///
/// Reads what `seimai run` reads, normalises it, and writes the ids that tokenizers and transformers give. DIR gets tokens/ (for `seimai pack`,
/// `decode` and `export megatron`), the vocabulary, and quarantine.jsonl. No EOS is put in; packing and export add it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai encode corpus/*.jsonl.zst --tokenizer tokenizer -o encoded
  seimai encode pages/*.warc.gz --tokenizer out/tokenizer/tokenizer.json --form none -o encoded
  seimai pack encoded --sequence-length 4096 -o packed")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// A tokenizer.json, its directory, or a finished run
    #[arg(long, value_name = "TOKENIZER")]
    tokenizer: PathBuf,
    /// The directory of the token shards: new or empty
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// How text is normalised before: nfkc, nfc or none
    #[arg(long, default_value = "nfkc")]
    form: String,
    /// A part closes at so many documents (shards.rows_max of a plan)
    #[arg(long, value_name = "N")]
    rows: Option<u32>,
    /// The special token that ends a document [default: what tokenizer_config.json beside it says]
    #[arg(long, value_name = "TOKEN")]
    eos: Option<String>,
    /// The special token that fills rows [default: what tokenizer_config.json says, else that of --eos]
    #[arg(long, value_name = "TOKEN")]
    pad: Option<String>,
    /// Change a plan key, e.g. --set shards.compat=false
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let mut settings = arguments.taken.and(&arguments.settings);
    settings.extend(arguments.rows.map(|rows| format!("shards.rows_max={rows}")));
    let text = format!("[input]\npaths = [\"-\"]\n[normalize]\nform = {}\n", toml::Value::String(arguments.form.clone()));
    let plan = Plan::from_toml(&text, &settings, "--form, --rows")?;
    let vocabulary = Vocabulary::read(&arguments.tokenizer)?;
    let meta = meta(arguments, &vocabulary)?;
    let inputs = corpus::expand_paths(&arguments.files, &plan.input, Path::new("."))?.into();
    let companions = companions(&vocabulary)?;
    let job = EncodeFiles { plan: &plan, inputs, tokenizer: &vocabulary.tokenizer, meta, companions, out: &arguments.output };
    let observer = ui::observer(common);
    let encoded = job.run(&Pool::new(common.threads())?, ui::watch(&*observer))?;
    if !common.quiet {
        let n = ui::thousands;
        let _ = writeln!(
            std::io::stderr(),
            "{} documents, {} of text, {} tokens ({:.2} bytes each) in {} parts",
            n(encoded.documents),
            ui::bytes(encoded.bytes),
            n(encoded.tokens),
            encoded.bytes as f64 / encoded.tokens.max(1) as f64,
            n(encoded.parts)
        );
    }
    Ok(records::report(&Lost::of(encoded.quarantined, encoded.left_out)))
}

/// Which special tokens packing uses.
fn meta(arguments: &Arguments, vocabulary: &Vocabulary) -> Result<TokensMeta> {
    let (roles, _) = vocabulary.companion()?;
    let id = |token: &str| {
        vocabulary
            .tokenizer
            .special_id(token)
            .ok_or_else(|| Error::refused(format!("{}: has no special token {token:?}", vocabulary.path.display())))
    };
    let eos = arguments.eos.clone().or(roles.eos).ok_or_else(|| {
        let why = format!("{}: nothing beside it says which token ends a document", vocabulary.path.display());
        Error::refused_with_hint(why, "name it with --eos")
    })?;
    let pad = arguments.pad.clone().or(roles.pad).unwrap_or_else(|| eos.clone());
    Ok(TokensMeta {
        tokenizer_blake3: blake3::hash(&vocabulary.bytes).to_hex().to_string(),
        tokenizer_content: Some(vocabulary.content()?),
        vocab_size: vocabulary.tokenizer.len() as u32,
        eos: id(&eos)?,
        pad: id(&pad)?,
    })
}

/// The vocabulary, and what transformers reads beside it.
fn companions(vocabulary: &Vocabulary) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = vec![("tokenizer.json".to_owned(), vocabulary.bytes.clone())];
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
        let path = vocabulary.path.with_file_name(name);
        if path.is_file() {
            files.push((name.to_owned(), read_limited(&path, 1 << 26)?));
        }
    }
    Ok(files)
}
