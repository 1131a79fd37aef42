//! Trains a vocabulary from a table of counts.

use serde_json::{Value, json};

use crate::bpe::class;
use crate::bpe::counts_table::CountRows;
use crate::bpe::encode::Encoder;
use crate::bpe::huggingface::write::{self, Roles};
use crate::bpe::merge::{Learned, Limits, Merge, TooLarge};
use crate::bpe::options::Options;
use crate::bpe::pattern::Pattern;
use crate::bpe::trainer;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::stage::Batch;

/// Enters fingerprints: raise it when another vocabulary is learned from the same counts.
pub const VERSION: u32 = 2;

/// A learned vocabulary.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// Its merges with the counts at which they were made.
    pub merges: Vec<Merge>,
    /// What a person may want to know of the training: `report.json`.
    pub report: Value,
    roles: Roles,
}

impl Trained {
    /// The files of the directory `tokenizer/`: names and contents. `tokenizer_config.json`, which also tells of the model, is made by
    /// [`tokenizer_config_json`](crate::bpe::huggingface::tokenizer_config_json).
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let counts: Vec<u64> = self.merges.iter().map(|merge| merge.count).collect();
        vec![
            ("tokenizer.json", write::tokenizer_json(&self.tokenizer)),
            ("special_tokens_map.json", write::special_tokens_map_json(&self.roles)),
            ("merges.txt", write::merges_txt(&self.tokenizer, &counts)),
            ("report.json", format!("{:#}\n", self.report)),
        ]
    }
}

/// Learns a vocabulary from a table of counts. The first stage learns from the pre-tokens of level 0. If superwords are wanted
/// and the table has a level 1, a second stage goes on with the pre-tokens of level 1, which are not cut at morphemes, encoded
/// by the merges of the first stage.
///
/// # Errors
/// [`Error::Refused`] if [`Options::check`] does not accept the options, [`Error::Resources`] if there are more symbols than
/// 32-bit positions.
pub fn train(counts: &Batch, options: &Options) -> Result<Trained> {
    options.check().map_err(Error::refused)?;
    let rows = CountRows::of(counts)?;
    let (pre_tokens, of_pattern) = (rows.level(0), rows.level(1));
    let merges = options.vocab_size as usize - 256 - options.special_tokens.len();
    let second = if of_pattern.is_empty() { 0 } else { (merges as f64 * options.superwords).round() as usize };
    let limits = Limits {
        merges: merges - second,
        min_frequency: options.min_frequency,
        max_token_length: options.max_token_length,
        whole_characters: options.whole_characters,
        reserved: options.special_tokens.iter().map(|token| token.clone().into_bytes()).collect(),
    };
    let mut learned = trainer::train(&pre_tokens, &limits).map_err(too_large)?;
    let first = learned.merges.len();
    if second > 0 {
        learned = learn_superwords(&of_pattern, learned, &Limits { merges, ..limits })?;
    }
    let pattern = options.scanner();
    let tokenizer = Tokenizer::from_merges(pattern, &options.special_tokens, &learned.merges).map_err(Error::internal)?;
    let report = json!({
        "vocab_size": tokenizer.len(),
        "vocab_size_wanted": options.vocab_size,
        "merges": learned.merges.len(),
        "merges_of_superwords": learned.merges.len() - first,
        "count_of_last_merge": learned.merges.last().map(|merge| merge.count),
        "count_floor": learned.floor,
        "rescans": learned.rescans,
        "pairs_passed_over": learned.passed_over,
        "unique_pre_tokens": pre_tokens.len(),
        "occurrences": pre_tokens.iter().fold(0_u64, |sum, pre_token| sum.saturating_add(pre_token.1)),
        "tokens": shapes(&tokenizer),
        "options": options,
    });
    Ok(Trained { tokenizer, merges: learned.merges, report, roles: options.roles() })
}

fn too_large(_: TooLarge) -> Error {
    Error::Resources("the counts exceed 4 G symbols or 2^64 occurrences; raise their minimum count".to_owned())
}

/// The second stage: encodes the pre-tokens of the pattern by the merges of the first stage and learns more merges from them.
fn learn_superwords(of_pattern: &[(&[u8], u64)], learned: Learned, limits: &Limits) -> Result<Learned> {
    let tokenizer = Tokenizer::from_merges(Pattern::NONE, &[], &learned.merges).map_err(Error::internal)?;
    let encoder = Encoder::new(&tokenizer);
    let mut worker = encoder.worker();
    let (mut ids, mut symbols, mut ends) = (Vec::new(), Vec::new(), Vec::with_capacity(of_pattern.len()));
    for (pre_token, _) in of_pattern {
        let text = std::str::from_utf8(pre_token).map_err(|_| Error::refused("a pre-token of the counts is not UTF-8"))?;
        ids.clear();
        worker.encode(text, &mut ids).map_err(|_| Error::internal("a byte has no token"))?;
        symbols.extend(ids.iter().map(|&id| id as u32));
        ends.push(symbols.len());
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let pre_tokens: Vec<(&[u32], u64)> =
        starts.zip(&ends).zip(of_pattern).map(|((start, &end), pre_token)| (&symbols[start..end], pre_token.1)).collect();
    trainer::resume(&pre_tokens, learned, limits).map_err(too_large)
}

/// Counts tokens that are text, tokens inside one character, and tokens that hold parts of two characters.
fn shapes(tokenizer: &Tokenizer) -> Value {
    let (mut text, mut inside, mut across) = (0, 0, 0);
    for bytes in (0..tokenizer.len() as u32).filter_map(|id| tokenizer.token(id)) {
        match bytes {
            _ if std::str::from_utf8(bytes).is_ok() => text += 1,
            _ if class::is_inside_character(bytes) => inside += 1,
            _ => across += 1,
        }
    }
    json!({"text": text, "inside_a_character": inside, "across_characters": across})
}
