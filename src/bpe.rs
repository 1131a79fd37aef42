//! Pieces → counts → merges → token ids: the vocabulary and its use.
//!
//! Counting is a fold ([`Count`]) whose partial tables add up ([`merge_counts`]); a vocabulary is learned from the sum
//! ([`train()`]); [`Encode`] turns documents into ids. Morphemes guide training only: inference needs the pattern and the
//! merges, no analyser. Tables and files: see [`huggingface`].

mod byte_level;
mod class;
pub mod count;
pub mod encode;
pub mod huggingface;
mod options;
pub mod pattern;
mod shape;
pub mod train;
pub mod vocabulary;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int32Array, RecordBatch, UInt8Array, UInt64Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Int32Type, Schema, UInt8Type, UInt32Type, UInt64Type};
use serde_json::{Value, json};

use self::count::{Counter, Cuts};
use self::encode::Encoder;
use self::huggingface::Roles;
pub use self::options::{Boundaries, Digits, Options, PatternName};
use self::pattern::Pattern;
use self::train::{Learned, Limits, Merge};
use self::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::schema::{COUNT, DOC_ID, INPUT_IDS, LEVEL, MORPHEME_ENDS, N_TOKENS, PIECE, TEXT};
use crate::stage::{Absorber, Batch, Contract, Fold, ListBuilder, Stage, Worker, column, list_slice, lists, strings, with_column};

/// The fold that counts pieces: partial tables `level, piece, count`, ascending by level and bytes.
#[derive(Debug)]
pub struct Count {
    boundaries: Boundaries,
    pattern: Pattern,
    superwords: bool,
}

impl Count {
    /// A fold for the options.
    ///
    /// # Errors
    /// What [`Options::check`] says.
    pub fn new(options: &Options) -> Result<Self> {
        options.check().map_err(Error::refused)?;
        let pattern = options.scanner().map_err(Error::refused)?;
        Ok(Self { boundaries: options.boundaries, pattern, superwords: options.superwords > 0.0 })
    }
}

impl Fold for Count {
    fn name(&self) -> &'static str {
        "count"
    }

    fn version(&self) -> u32 {
        count::VERSION
    }

    fn contract(&self) -> Contract {
        let mut reads = vec![TEXT];
        if self.boundaries == Boundaries::Morpheme {
            reads.push(MORPHEME_ENDS);
        }
        Contract { reads, adds: vec![LEVEL, PIECE, COUNT] }
    }

    fn absorber(&self) -> Box<dyn Absorber + '_> {
        Box::new(CountAbsorber { fold: self, cut: Counter::default(), uncut: Counter::default() })
    }
}

struct CountAbsorber<'a> {
    fold: &'a Count,
    /// Pieces cut at the boundaries: level 0.
    cut: Counter,
    /// Pieces of the pattern as inference sees them: level 1, for superwords only.
    uncut: Counter,
}

impl Absorber for CountAbsorber<'_> {
    fn push(&mut self, batch: &Batch) -> Result<()> {
        let texts = strings(batch, &TEXT)?;
        let ends = if self.fold.boundaries == Boundaries::Morpheme { Some(lists(batch, &MORPHEME_ENDS)?) } else { None };
        for row in 0..batch.num_rows() {
            let cuts = match ends {
                Some(ends) => Cuts::Morphemes(list_slice::<UInt32Type>(ends, row)),
                None if self.fold.boundaries == Boundaries::Script => Cuts::Scripts,
                None => Cuts::None,
            };
            self.cut.add_document(texts.value(row), self.fold.pattern, cuts);
            if self.fold.superwords {
                self.uncut.add_document(texts.value(row), self.fold.pattern, Cuts::None);
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Batch> {
        table(&[(0, self.cut.by_bytes()), (1, self.uncut.by_bytes())])
    }
}

/// Adds up partial tables; the sum is ordered by level, then falling count, then bytes.
///
/// # Errors
/// [`Error::Resources`] if the sum needs more than `memory` bytes, or its pieces more than 2 GiB.
pub fn merge_counts(partials: &mut dyn Iterator<Item = Result<Batch>>, memory: usize) -> Result<Batch> {
    let mut levels = [Counter::default(), Counter::default()];
    for partial in partials {
        for (level, piece, count) in Rows::of(&partial?)?.iter() {
            let counter =
                levels.get_mut(usize::from(level)).ok_or_else(|| Error::refused(format!("counts of an unknown level {level}")))?;
            counter.add(piece, count);
        }
        let needed: usize = levels.iter().map(Counter::memory).sum();
        if needed > memory {
            return Err(Error::Resources(format!("the piece counts need more than {memory} bytes of memory")));
        }
    }
    table(&[(0, levels[0].by_count()), (1, levels[1].by_count())])
}

/// The columns of a table of counts.
struct Rows {
    levels: UInt8Array,
    pieces: BinaryArray,
    counts: UInt64Array,
}

impl Rows {
    fn of(batch: &Batch) -> Result<Self> {
        let wrong = |name: &str| Error::refused(format!("the column {name} of the counts has another type"));
        Ok(Self {
            levels: column(batch, &LEVEL)?.as_primitive_opt::<UInt8Type>().ok_or_else(|| wrong(LEVEL.name))?.clone(),
            pieces: column(batch, &PIECE)?.as_binary_opt::<i32>().ok_or_else(|| wrong(PIECE.name))?.clone(),
            counts: column(batch, &COUNT)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| wrong(COUNT.name))?.clone(),
        })
    }

    fn level(&self, level: u8) -> Vec<(&[u8], u64)> {
        self.iter().filter(|row| row.0 == level).map(|(_, piece, count)| (piece, count)).collect()
    }

    fn iter(&self) -> impl Iterator<Item = (u8, &[u8], u64)> {
        (0..self.levels.len()).map(|row| (self.levels.value(row), self.pieces.value(row), self.counts.value(row)))
    }
}

/// Pieces of one level with their counts.
type Level<'a> = (u8, Vec<(&'a [u8], u64)>);

/// A table of counts from pieces by level.
fn table(levels: &[Level<'_>]) -> Result<Batch> {
    let rows = || levels.iter().flat_map(|(level, pieces)| pieces.iter().map(move |&(piece, count)| (*level, piece, count)));
    if i32::try_from(rows().map(|(_, piece, _)| piece.len()).sum::<usize>()).is_err() {
        return Err(Error::Resources("the unique pieces of one table exceed 2 GiB; use smaller shards".to_owned()));
    }
    let mut bytes = Vec::new();
    rows().for_each(|(_, piece, _)| bytes.extend_from_slice(piece));
    let offsets = OffsetBuffer::from_lengths(rows().map(|(_, piece, _)| piece.len()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows().map(|(level, ..)| level).collect::<UInt8Array>()),
        Arc::new(BinaryArray::try_new(offsets, bytes.into(), None)?),
        Arc::new(rows().map(|(.., count)| count).collect::<UInt64Array>()),
    ];
    Ok(RecordBatch::try_new(counts_schema(), columns)?)
}

/// The schema of `counts.parquet` and of the partial tables.
pub fn counts_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![LEVEL.field(), PIECE.field(), COUNT.field()]))
}

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
            ("tokenizer.json", huggingface::tokenizer_json(&self.tokenizer)),
            ("tokenizer_config.json", huggingface::tokenizer_config_json(&self.tokenizer, &self.roles)),
            ("special_tokens_map.json", huggingface::special_tokens_map_json(&self.roles)),
            ("merges.txt", huggingface::merges_txt(&self.tokenizer, &counts)),
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
    let rows = Rows::of(counts)?;
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
    let mut learned = train::train(&pieces, &limits).map_err(too_large)?;
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

fn too_large(_: train::TooLarge) -> Error {
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
    train::resume(&pieces, learned, limits).map_err(too_large)
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

/// Reads a `tokenizer.json`.
///
/// # Errors
/// [`Error::Io`] or [`Error::Refused`], which names the file and its first fault.
pub fn read_tokenizer(path: &Path) -> Result<Tokenizer> {
    let bytes = crate::io::read_limited(path, huggingface::FILE_MAX)?;
    huggingface::parse(&bytes).map_err(|fault| Error::refused(format!("{}: {fault}", path.display())))
}

/// The stage that adds `input_ids` and `n_tokens`; it inserts no special token.
#[derive(Debug)]
pub struct Encode {
    encoder: Encoder,
}

impl Encode {
    /// A stage for a tokenizer.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self { encoder: Encoder::new(tokenizer) }
    }
}

impl Stage for Encode {
    fn name(&self) -> &'static str {
        "encode"
    }

    fn version(&self) -> u32 {
        encode::VERSION
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT], adds: vec![INPUT_IDS, N_TOKENS] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(EncodeWorker { worker: self.encoder.worker(), ids: ListBuilder::default() })
    }
}

struct EncodeWorker<'a> {
    worker: encode::Worker<'a>,
    ids: ListBuilder<Int32Type>,
}

impl Worker for EncodeWorker<'_> {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        let mut lengths = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let before = self.ids.values.len();
            self.worker.encode(texts.value(row), &mut self.ids.values).map_err(|error| inexpressible(&batch, row, error))?;
            lengths.push((self.ids.values.len() - before) as i32);
            self.ids.end_row()?;
        }
        let ids = self.ids.finish()?;
        let batch = with_column(&batch, &INPUT_IDS, ids)?;
        with_column(&batch, &N_TOKENS, Arc::new(Int32Array::from(lengths)))
    }
}

fn inexpressible(batch: &Batch, row: usize, error: encode::Inexpressible) -> Error {
    let id = strings(batch, &DOC_ID).map_or("?", |ids| ids.value(row));
    Error::refused(format!("document {id:?}: the vocabulary has no token for the character at byte {}", error.at))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, StringArray};

    use super::*;

    const LINES: [&str; 4] = ["お茶を飲みました。\n", "お茶を飲みます。<|endoftext|>", "", "茶\0 tea 2026\r\n"];
    const WORDS: [&[&str]; 4] = [
        &["お茶", "を", "飲み", "まし", "た", "。", "\n"],
        &["お茶", "を", "飲み", "ます", "。", "<|", "endoftext", "|>"],
        &[],
        &["茶", "\0", " ", "tea", " ", "2026", "\r\n"],
    ];

    fn documents(rows: std::ops::Range<usize>) -> Batch {
        let mut ends: ListBuilder<UInt32Type> = ListBuilder::default();
        for words in &WORDS[rows.clone()] {
            let mut end = 0;
            ends.values.extend(words.iter().map(|word| {
                end += word.len() as u32;
                end
            }));
            ends.end_row().unwrap();
        }
        let ids: StringArray = rows.clone().map(|row| Some(format!("d{row}"))).collect();
        let texts: StringArray = LINES[rows].iter().map(|line| Some(*line)).collect();
        let schema = Schema::new(vec![DOC_ID.field(), TEXT.field(), MORPHEME_ENDS.field()]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), Arc::new(texts), ends.finish().unwrap()]).unwrap()
    }

    fn partial(options: &Options, rows: std::ops::Range<usize>) -> Batch {
        let fold = Count::new(options).unwrap();
        let mut absorber = fold.absorber();
        absorber.push(&documents(rows)).unwrap();
        absorber.finish().unwrap()
    }

    fn small() -> Options {
        Options { vocab_size: 300, ..Options::default() }
    }

    #[test]
    fn documents_become_ids_and_come_back() {
        let counts = merge_counts(&mut [Ok(partial(&small(), 0..4))].into_iter(), 1 << 20).unwrap();
        let trained = train(&counts, &small()).unwrap();
        let tokenizer = huggingface::parse(trained.files()[0].1.as_bytes()).unwrap();
        assert_eq!(tokenizer, trained.tokenizer);
        let stage = Encode::new(&tokenizer);
        let batch = stage.worker().apply(documents(0..4)).unwrap();
        for column in stage.contract().adds {
            assert_eq!(batch.schema().field_with_name(column.name).unwrap(), &column.field());
        }
        let ids = lists(&batch, &INPUT_IDS).unwrap();
        let lengths = column(&batch, &N_TOKENS).unwrap().as_primitive::<Int32Type>();
        for (row, text) in LINES.iter().enumerate() {
            let ids = list_slice::<Int32Type>(ids, row);
            assert_eq!(ids.len(), lengths.value(row) as usize);
            assert_eq!(tokenizer.decode(ids).unwrap(), text.as_bytes());
            assert!(ids.iter().all(|&id| !tokenizer.is_special(id as u32)));
        }
        assert!(lengths.value(0) < 12, "「お茶を飲みました。」 has merges");
    }

    #[test]
    fn partial_tables_add_up_in_any_order() {
        let parts = || [partial(&small(), 0..1), partial(&small(), 1..3), partial(&small(), 3..4)];
        let whole = merge_counts(&mut [Ok(partial(&small(), 0..4))].into_iter(), usize::MAX).unwrap();
        let forward = merge_counts(&mut parts().into_iter().map(Ok), usize::MAX).unwrap();
        let backward = merge_counts(&mut parts().into_iter().rev().map(Ok), usize::MAX).unwrap();
        assert_eq!(whole, forward);
        assert_eq!(whole, backward);
        let counts = whole.column(2).as_primitive::<UInt64Type>();
        assert!(counts.values().is_sorted_by(|a, b| a >= b));
        let pieces = parts()[0].column(1).as_binary::<i32>().clone();
        assert!((1..pieces.len()).all(|row| pieces.value(row - 1) < pieces.value(row)));
    }

    #[test]
    fn superwords_join_morphemes() {
        let options = Options { vocab_size: 290, superwords: 0.5, min_frequency: 2, ..Options::default() };
        let counts = merge_counts(&mut [Ok(partial(&options, 0..4))].into_iter(), usize::MAX).unwrap();
        let trained = train(&counts, &options).unwrap();
        let crosses = |trained: &Trained| {
            let tokens = (0..trained.tokenizer.len() as u32).filter_map(|id| std::str::from_utf8(trained.tokenizer.token(id)?).ok());
            tokens.filter(|token| token.contains("茶を")).count()
        };
        assert!(crosses(&trained) > 0, "{}", trained.report);
        assert!(trained.report["merges_of_superwords"].as_u64().unwrap() > 0);
        assert_eq!(crosses(&train(&counts, &Options { superwords: 0.0, ..options }).unwrap()), 0);
    }

    #[test]
    fn too_little_memory_is_said() {
        let error = merge_counts(&mut [Ok(partial(&small(), 0..4))].into_iter(), 100).unwrap_err();
        assert_eq!(error.exit_code(), 4);
    }

    #[test]
    fn an_inexpressible_character_names_its_document() {
        let json = br#"{"model":{"vocab":{"a":0},"merges":[]}}"#;
        let error = Encode::new(&huggingface::parse(json).unwrap()).worker().apply(documents(3..4)).unwrap_err();
        assert_eq!(error.to_string(), "document \"d3\": the vocabulary has no token for the character at byte 0");
    }
}
