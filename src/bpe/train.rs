//! From a table of counts to a vocabulary: the training of a tokenizer.

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
pub const VERSION: u32 = 1;

/// A learned vocabulary.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// Its merges with the counts at which they were made.
    pub merges: Vec<Merge>,
    /// What a person wants to know of the run.
    pub report: Value,
    roles: Roles,
}

impl Trained {
    /// Names and contents of the files of the directory `tokenizer/`.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let counts: Vec<u64> = self.merges.iter().map(|merge| merge.count).collect();
        vec![
            ("tokenizer.json", write::tokenizer_json(&self.tokenizer)),
            ("tokenizer_config.json", write::tokenizer_config_json(&self.tokenizer, &self.roles)),
            ("special_tokens_map.json", write::special_tokens_map_json(&self.roles)),
            ("merges.txt", write::merges_txt(&self.tokenizer, &counts)),
            ("report.json", format!("{:#}\n", self.report)),
        ]
    }
}

/// Learns a vocabulary from a table of counts: pieces of level 0 first, then, for superwords, those of level 1 as the
/// merges so far encode them (without boundaries, as inference will). A table without level 1 gives one stage.
///
/// # Errors
/// [`Error::Refused`] for options that do not pass [`Options::check`], [`Error::Resources`] for counts beyond 32-bit
/// positions.
pub fn train(counts: &Batch, options: &Options) -> Result<Trained> {
    options.check().map_err(Error::refused)?;
    let rows = CountRows::of(counts)?;
    let (pieces, uncut) = (rows.level(0), rows.level(1));
    let merges = options.vocab_size as usize - 256 - options.special_tokens.len();
    let second = if uncut.is_empty() { 0 } else { (merges as f64 * options.superwords).round() as usize };
    let limits = Limits {
        merges: merges - second,
        min_frequency: options.min_frequency,
        max_token_length: options.max_token_length,
        whole_characters: options.whole_characters,
        reserved: options.special_tokens.iter().map(|token| token.clone().into_bytes()).collect(),
    };
    let mut learned = trainer::train(&pieces, &limits).map_err(too_large)?;
    let first = learned.merges.len();
    if second > 0 {
        learned = learn_superwords(&uncut, learned, &Limits { merges, ..limits })?;
    }
    let pattern = options.scanner().map_err(Error::refused)?;
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
        "unique_pieces": pieces.len(),
        "occurrences": pieces.iter().fold(0_u64, |sum, piece| sum.saturating_add(piece.1)),
        "tokens": shapes(&tokenizer),
        "options": options,
    });
    Ok(Trained { tokenizer, merges: learned.merges, report, roles: options.roles() })
}

fn too_large(_: TooLarge) -> Error {
    Error::Resources("the counts exceed 4 G symbols or 2^64 occurrences; raise their minimum count".to_owned())
}

/// The second stage: goes on with the pieces of the pattern, encoded by the first stage's merges.
fn learn_superwords(uncut: &[(&[u8], u64)], learned: Learned, limits: &Limits) -> Result<Learned> {
    let tokenizer = Tokenizer::from_merges(Pattern::None, &[], &learned.merges).map_err(Error::internal)?;
    let encoder = Encoder::new(&tokenizer);
    let mut worker = encoder.worker();
    let (mut ids, mut symbols, mut ends) = (Vec::new(), Vec::new(), Vec::with_capacity(uncut.len()));
    for (piece, _) in uncut {
        let text = std::str::from_utf8(piece).map_err(|_| Error::refused("a piece of the counts is not UTF-8"))?;
        ids.clear();
        worker.encode(text, &mut ids).map_err(|_| Error::internal("a byte has no token"))?;
        symbols.extend(ids.iter().map(|&id| id as u32));
        ends.push(symbols.len());
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let pieces: Vec<(&[u32], u64)> = starts.zip(&ends).zip(uncut).map(|((start, &end), piece)| (&symbols[start..end], piece.1)).collect();
    trainer::resume(&pieces, learned, limits).map_err(too_large)
}

/// How many tokens are text, how many lie inside one character, how many cut characters apart.
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
