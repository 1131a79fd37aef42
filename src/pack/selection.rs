//! Which documents of the token shards are packed, and how often.

use arrow::datatypes::Int32Type;

use crate::error::{Error, Result};
use crate::io;
use crate::pack::info::SourceShare;
use crate::pack::mixture::{Mixture, times};
use crate::pack::options::Options;
use crate::pack::plan::{Taken, TokenPart};
use crate::schema::{DOC_ID, N_TOKENS, SOURCE};
use crate::stage::{numbers, strings};

const BATCH_ROWS: usize = 1 << 14;

/// The token shards as they are packed.
#[derive(Debug)]
pub struct Selection {
    /// All shards once, with what is wanted of them, and behind them those whose documents are wanted more than once: the second
    /// time all of them, then the third, so that a document does not meet itself.
    pub parts: Vec<TokenPart>,
    /// What comes of `pack.mixture`; empty without.
    pub mixture: Vec<SourceShare>,
}

/// Chooses by `pack.mixture` and by `repeats`: how often each document of a shard is wanted for another reason (`None`: once), which
/// multiplies. Reads `source`, `doc_id` and `n_tokens` of the shards if there is a mixture, and nothing else.
pub fn select(shards: &[TokenPart], repeats: &dyn Fn(usize) -> Result<Option<Vec<u8>>>, options: &Options) -> Result<Selection> {
    let mixture = Mixture::new(options);
    let repeats = (0..shards.len()).map(repeats).collect::<Result<Vec<_>>>()?;
    if mixture.is_empty() && repeats.iter().all(Option::is_none) {
        // Nothing is held for a document that is packed once like all others.
        return Ok(Selection { parts: shards.to_vec(), mixture: Vec::new() });
    }
    let mut rows = Vec::with_capacity(shards.len());
    for (shard, repeats) in shards.iter().zip(repeats) {
        let repeats = repeats.unwrap_or_else(|| vec![1; shard.rows as usize]);
        if repeats.len() as u64 != shard.rows {
            return Err(Error::internal(format!("{}: {} rows, but {} numbers of repeats", shard.name, shard.rows, repeats.len())));
        }
        rows.push(repeats);
    }
    if mixture.is_empty() {
        let rows: Vec<Vec<u32>> = rows.into_iter().map(|repeats| repeats.into_iter().map(u32::from).collect()).collect();
        return Ok(Selection { parts: parts(shards, &rows), mixture: Vec::new() });
    }
    let mut sums = vec![Sums::default(); mixture.len() + 1];
    for (shard, repeats) in shards.iter().zip(&rows) {
        each_document(shard, &mut |row, source, _, tokens| sums[mixture.entry_of(source)].read(tokens, repeats[row]))?;
    }
    let epochs = mixture.epochs(&sums.iter().map(|sums| sums.wanted_tokens).collect::<Vec<_>>());
    let mut wanted = Vec::with_capacity(shards.len());
    for (shard, repeats) in shards.iter().zip(rows) {
        let mut of_shard = Vec::with_capacity(repeats.len());
        each_document(shard, &mut |row, source, doc_id, tokens| {
            let entry = mixture.entry_of(source);
            let times = times(epochs[entry] * f64::from(repeats[row]), options.seed, doc_id);
            sums[entry].pack(tokens, times);
            of_shard.push(times);
        })?;
        wanted.push(of_shard);
    }
    let all: u64 = sums.iter().map(|sums| sums.packed_tokens).sum();
    let names = options.mixture.iter().map(|entry| Some(entry.source.clone())).chain([None]);
    let shares = names.zip(sums.iter().zip(&epochs)).map(|(source, (sums, &epochs))| sums.share(source, epochs, all)).collect();
    Ok(Selection { parts: parts(shards, &wanted), mixture: shares })
}

/// Sums over the documents of one entry of the mixture.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    documents: u64,
    tokens: u64,
    /// Each document as often as it is wanted without the mixture.
    wanted_tokens: u64,
    packed_documents: u64,
    packed_tokens: u64,
}

impl Sums {
    fn read(&mut self, tokens: u64, repeat: u8) {
        self.documents += u64::from(tokens > 0);
        self.tokens += tokens;
        self.wanted_tokens += tokens * u64::from(repeat);
    }

    fn pack(&mut self, tokens: u64, times: u32) {
        self.packed_documents += u64::from(tokens > 0) * u64::from(times);
        self.packed_tokens += tokens * u64::from(times);
    }

    fn share(&self, source: Option<String>, epochs: f64, all: u64) -> SourceShare {
        let Self { documents, tokens, packed_documents, packed_tokens, .. } = *self;
        SourceShare { source, epochs, documents, tokens, packed_documents, packed_tokens, share: packed_tokens as f64 / all.max(1) as f64 }
    }
}

/// Calls `give(row, source, doc_id, tokens)`, the tokens with EOS, none for an empty document.
fn each_document(shard: &TokenPart, give: &mut dyn FnMut(usize, &str, &str, u64)) -> Result<()> {
    let mut row = 0;
    for batch in io::open_table(&shard.place, Some(&[DOC_ID.name, SOURCE.name, N_TOKENS.name]), BATCH_ROWS)? {
        let batch = batch.map_err(|e| Error::damaged(&shard.place, e.to_string()))?;
        let (ids, sources) = (strings(&batch, &DOC_ID)?, strings(&batch, &SOURCE)?);
        let lengths = numbers::<Int32Type>(&batch, &N_TOKENS)?;
        for i in 0..batch.num_rows() {
            let n_tokens = u64::try_from(lengths.value(i)).map_err(|_| Error::damaged(&shard.place, "n_tokens is negative"))?;
            if row == shard.rows as usize {
                break;
            }
            give(row, sources.value(i), ids.value(i), n_tokens + u64::from(n_tokens > 0));
            row += 1;
        }
    }
    if row as u64 == shard.rows { Ok(()) } else { Err(Error::damaged(&shard.place, format!("has {row} rows, not {}", shard.rows))) }
}

/// The shards in the order of packing; `wanted` says of each row how often.
fn parts(shards: &[TokenPart], wanted: &[Vec<u32>]) -> Vec<TokenPart> {
    let most = wanted.iter().flatten().copied().max().unwrap_or(1).max(1);
    let mut parts = Vec::with_capacity(shards.len());
    for take in 1..=most {
        for (shard, wanted) in shards.iter().zip(wanted) {
            let rows: Vec<bool> = wanted.iter().map(|&times| times >= take).collect();
            let taken = if take == 1 && rows.iter().all(|&taken| taken) { None } else { Some(Taken { take, rows }) };
            if take == 1 || taken.as_ref().is_some_and(|taken| taken.rows.contains(&true)) {
                parts.push(TokenPart { taken, ..shard.clone() });
            }
        }
    }
    parts
}
