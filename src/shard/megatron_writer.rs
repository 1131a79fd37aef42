//! Copies token shards into pairs of files of Megatron-LM. What is held in memory does not grow with the number of documents.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::Int32Type;

use crate::error::{Error, Result};
use crate::io::{Dir, StagedFile, Staging, TableWriter, open_table};
use crate::schema::{DOC_ID, INPUT_IDS, N_TOKENS, SOURCE};
use crate::shard::layout::{TokensMeta, megatron_meta_properties, megatron_meta_schema};
use crate::shard::megatron::{DOCUMENTS_MAX, HEADER_BYTES, TokenType, append_pointers, file_name, header};
use crate::shard::token_shard::{TokenShard, common_meta};
use crate::stage::{Batch, list_slice, lists, strings};

/// Pairs that are written side by side: three open files each. The token shards are read once for so many.
const PAIRS_AT_ONCE: usize = 64;
/// Tokens of a batch (more only if one document has more).
const BATCH_TOKENS: u32 = 1 << 20;
/// Rows of the sidecar that wait in memory.
const META_ROWS: usize = 8_192;

/// Where the pairs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MegatronTarget {
    /// All documents into one pair: `PREFIX.bin`, `PREFIX.idx`, `PREFIX.meta.parquet`.
    Together(PathBuf),
    /// A pair for each source, in this directory.
    BySource(PathBuf),
}

/// A finished pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MegatronPair {
    /// Path without `.bin` and `.idx`.
    pub prefix: PathBuf,
    /// The source of its documents; `None`: all.
    pub source: Option<String>,
    /// Documents.
    pub documents: u64,
    /// Tokens, EOS included.
    pub tokens: u64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Megatron {
    /// The pairs, in order of their sources.
    pub pairs: Vec<MegatronPair>,
    /// Documents without a token, which are in no pair.
    pub empty: u64,
    /// How tokens are stored.
    pub token_type: TokenType,
}

/// Writes documents, each with its EOS, in the order of the token shards; `told` hears of documents and tokens as they are written. Of
/// a pair, `.idx` gets its name last: where it stands, the pair is whole.
///
/// # Errors
/// [`Error::Refused`] for shards of different tokenizers, without any token, or with more documents than Megatron can number;
/// [`Error::Damaged`] for a shard that breaks its promises; those of the system.
pub fn export_megatron(shards: &[TokenShard], target: &MegatronTarget, told: &dyn Fn(u64, u64) -> Result<()>) -> Result<Megatron> {
    let meta = common_meta(shards)?;
    let by_source = matches!(target, MegatronTarget::BySource(_));
    let census = Census::take(shards, by_source)?;
    census.check()?;
    let pairs: Vec<MegatronPair> = census.pairs.iter().map(|(source, count)| count.pair(source, target)).collect();
    let Some(dir) = pairs.first().and_then(|pair| pair.prefix.parent()) else {
        let why = format!("nothing to export: {} documents, none with a token", census.empty);
        return Err(Error::refused_with_hint(why, "Megatron cannot map an empty file"));
    };
    let staging = Staging::beside(Dir::create(dir)?);
    for (number, group) in pairs.chunks(PAIRS_AT_ONCE).enumerate() {
        let mut writers = BTreeMap::new();
        for (i, pair) in group.iter().enumerate() {
            let name = format!("megatron-{}-{}", std::process::id(), number * PAIRS_AT_ONCE + i);
            writers.insert(pair.source.as_deref().unwrap_or_default(), PairWriter::create(pair, meta, &staging, &name)?);
        }
        for (shard, facts) in shards.iter().zip(&census.shards).filter(|(_, facts)| facts.concerns(group)) {
            copy_shard(shard, facts, by_source, &mut writers, told)?;
        }
        writers.into_values().try_for_each(|writer| writer.finish(&staging))?;
    }
    Ok(Megatron { pairs, empty: census.empty, token_type: TokenType::for_vocabulary(meta.vocab_size) })
}

/// What the short columns say before a token is read.
struct Census {
    /// By source, or all under the empty name.
    pairs: BTreeMap<String, Count>,
    shards: Vec<ShardFacts>,
    empty: u64,
}

#[derive(Default)]
struct Count {
    documents: u64,
    tokens: u64,
}

struct ShardFacts {
    longest: u32,
    /// The keys of `pairs` that have documents in it.
    pairs: BTreeSet<String>,
}

impl ShardFacts {
    fn concerns(&self, group: &[MegatronPair]) -> bool {
        group.iter().any(|pair| self.pairs.contains(pair.source.as_deref().unwrap_or_default()))
    }
}

impl Census {
    fn take(shards: &[TokenShard], by_source: bool) -> Result<Self> {
        let mut census = Self { pairs: BTreeMap::new(), shards: Vec::with_capacity(shards.len()), empty: 0 };
        for shard in shards {
            let mut facts = ShardFacts { longest: 0, pairs: BTreeSet::new() };
            for batch in open_table(&shard.path, Some(&[SOURCE.name, N_TOKENS.name]), 1 << 14)? {
                census.add(&batch?, shard, by_source, &mut facts)?;
            }
            census.shards.push(facts);
        }
        Ok(census)
    }

    fn add(&mut self, batch: &Batch, shard: &TokenShard, by_source: bool, facts: &mut ShardFacts) -> Result<()> {
        let sources = strings(batch, &SOURCE)?;
        let lengths = batch.column_by_name(N_TOKENS.name).and_then(|array| array.as_primitive_opt::<Int32Type>());
        let lengths = lengths.filter(|array| array.null_count() == 0);
        let lengths = lengths.ok_or_else(|| Error::damaged(&shard.path, "n_tokens is not a column of int32 without nulls"))?;
        for (row, &length) in lengths.values().iter().enumerate() {
            let length = u32::try_from(length).map_err(|_| Error::damaged(&shard.path, "n_tokens is negative"))?;
            if length == 0 {
                self.empty += 1;
                continue;
            }
            let key = if by_source { sources.value(row) } else { "" };
            if !facts.pairs.contains(key) {
                facts.pairs.insert(key.to_owned());
                self.pairs.entry(key.to_owned()).or_default();
            }
            if let Some(count) = self.pairs.get_mut(key) {
                count.documents += 1;
                count.tokens += u64::from(length) + 1;
            }
            facts.longest = facts.longest.max(length);
        }
        Ok(())
    }

    /// Lengths and numbers of documents are 32-bit integers there.
    fn check(&self) -> Result<()> {
        if let Some((source, count)) = self.pairs.iter().find(|(_, count)| count.documents >= DOCUMENTS_MAX) {
            let what = if source.is_empty() { "the export".to_owned() } else { format!("source {source:?}") };
            return Err(Error::refused_with_hint(
                format!("{what} has {} documents; a pair of Megatron's files holds fewer than {DOCUMENTS_MAX}", count.documents),
                "export some of the token shards at a time",
            ));
        }
        if self.shards.iter().any(|shard| shard.longest >= i32::MAX as u32) {
            return Err(Error::refused("a document has 2^31 tokens with its EOS; Megatron counts them in 32 bits"));
        }
        Ok(())
    }
}

impl Count {
    fn pair(&self, source: &str, target: &MegatronTarget) -> MegatronPair {
        let (prefix, source) = match target {
            MegatronTarget::Together(prefix) => (prefix.clone(), None),
            MegatronTarget::BySource(dir) => (dir.join(file_name(source)), Some(source.to_owned())),
        };
        MegatronPair { prefix, source, documents: self.documents, tokens: self.tokens }
    }
}

/// Copies the documents of a shard whose pairs are being written.
fn copy_shard(
    shard: &TokenShard,
    facts: &ShardFacts,
    by_source: bool,
    writers: &mut BTreeMap<&str, PairWriter<'_>>,
    told: &dyn Fn(u64, u64) -> Result<()>,
) -> Result<()> {
    let rows = (BATCH_TOKENS / facts.longest.max(1)).clamp(1, 2_048) as usize;
    let mut first = 0;
    for batch in open_table(&shard.path, Some(&[DOC_ID.name, SOURCE.name, INPUT_IDS.name]), rows)? {
        let batch = batch?;
        let (ids, sources, doc_ids) = (lists(&batch, &INPUT_IDS)?, strings(&batch, &SOURCE)?, strings(&batch, &DOC_ID)?);
        let (mut documents, mut tokens) = (0, 0);
        for row in 0..batch.num_rows() {
            let document = list_slice::<Int32Type>(ids, row);
            let key = if by_source { sources.value(row) } else { "" };
            if let Some(writer) = writers.get_mut(key).filter(|_| !document.is_empty()) {
                writer.push(shard, first + row as u64, doc_ids.value(row), document)?;
                documents += 1;
                tokens += document.len() as u64 + 1;
            }
        }
        first += batch.num_rows() as u64;
        told(documents, tokens)?;
    }
    Ok(())
}

/// A pair being written.
struct PairWriter<'a> {
    pair: &'a MegatronPair,
    meta: &'a TokensMeta,
    token_type: TokenType,
    bin: StagedFile,
    idx: StagedFile,
    sidecar: TableWriter,
    rows: Vec<(String, i64, String)>,
    documents: u64,
    tokens: u64,
    scratch: Vec<u8>,
}

impl<'a> PairWriter<'a> {
    fn create(pair: &'a MegatronPair, meta: &'a TokensMeta, staging: &Staging, name: &str) -> Result<Self> {
        let token_type = TokenType::for_vocabulary(meta.vocab_size);
        let (bin, mut idx) = (staging.create(&format!("{name}.bin"))?, staging.create(&format!("{name}.idx"))?);
        idx.write_all(&header(token_type, pair.documents)).map_err(|e| idx.failed(e))?;
        let sidecar =
            TableWriter::create(staging, &format!("{name}.meta.parquet"), megatron_meta_schema(), megatron_meta_properties(meta))?;
        Ok(Self { pair, meta, token_type, bin, idx, sidecar, rows: Vec::new(), documents: 0, tokens: 0, scratch: Vec::new() })
    }

    fn push(&mut self, shard: &TokenShard, row: u64, doc_id: &str, ids: &[i32]) -> Result<()> {
        self.scratch.clear();
        let appended = self.token_type.append_document(&mut self.scratch, ids, self.meta.eos, self.meta.vocab_size);
        appended.map_err(|id| Error::damaged(&shard.path, format!("row {row}: id {id} is not in the vocabulary")))?;
        self.bin.write_all(&self.scratch).map_err(|e| self.bin.failed(e))?;
        let length = ids.len() as u32 + 1;
        self.idx.write_all(&length.to_le_bytes()).map_err(|e| self.idx.failed(e))?;
        self.documents += 1;
        self.tokens += u64::from(length);
        self.rows.push((shard.name.clone(), row as i64, doc_id.to_owned()));
        if self.rows.len() == META_ROWS { self.flush_rows() } else { Ok(()) }
    }

    fn flush_rows(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let first = self.documents as i64 - rows.len() as i64;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(first..self.documents as i64)),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0.as_str()))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.2.as_str()))),
        ];
        self.sidecar.write(&Batch::try_new(megatron_meta_schema(), columns)?)
    }

    /// The rest of the index; then the files get their names.
    fn finish(mut self, staging: &Staging) -> Result<()> {
        let pair = self.pair;
        if (self.documents, self.tokens) != (pair.documents, pair.tokens) {
            return Err(Error::damaged(
                &pair.prefix,
                format!("n_tokens promised {} tokens, input_ids held {}; or the shards changed meanwhile", pair.tokens, self.tokens),
            ));
        }
        self.flush_rows()?;
        self.write_pointers()?;
        // One sequence a document: the n-th document begins with the n-th sequence.
        for document in 0..=self.documents {
            self.idx.write_all(&document.to_le_bytes()).map_err(|e| self.idx.failed(e))?;
        }
        let named = |extension: &str| {
            let mut name = pair.prefix.file_name().unwrap_or_default().to_os_string();
            name.push(extension);
            staging.at(name)
        };
        let index = named(".idx");
        // An index of an earlier export must not stand beside other tokens.
        index.remove_file()?;
        self.bin.commit(&named(".bin"))?;
        self.sidecar.commit(&named(".meta.parquet"), String::new())?;
        self.idx.commit(&index).map(|_| ())
    }

    /// Reads the lengths back from the file, for there may be more than memory should hold.
    fn write_pointers(&mut self) -> Result<()> {
        self.idx.flush().map_err(|e| self.idx.failed(e))?;
        let mut offset = HEADER_BYTES as u64;
        let mut chunk = vec![0; 1 << 18];
        let (mut left, mut at) = (self.documents * 4, 0);
        while left > 0 {
            let here = &mut chunk[..left.min(1 << 18) as usize];
            self.idx.read_back(here, offset)?;
            left -= here.len() as u64;
            offset += here.len() as u64;
            self.scratch.clear();
            append_pointers(&mut self.scratch, here, &mut at, self.token_type);
            self.idx.write_all(&self.scratch).map_err(|e| self.idx.failed(e))?;
        }
        Ok(())
    }
}
