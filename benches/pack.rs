//! Packing and token shards alone, one thread: what each step moves in a CPU second, beside a copy of the same bytes.
//!
//! `cargo bench --bench pack -- lengths FILE [S]` : documents per CPU second, for lengths given as little-endian uint32.
//! `cargo bench --bench pack -- tokens DIR [S]` : tokens per CPU second, for the token shards (Parquet) of a directory.
//!
//! `benches/suite/pack.py` makes both inputs. The best of five rounds counts; a JSON line a step is printed.
#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a program that prints figures")]

mod timing;

use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int32Type;
use seimai::io::{self, Place, Staging};
use seimai::pack::best_fit::BestFit;
use seimai::pack::block::{Block, encode};
use seimai::pack::format::TokenType;
use seimai::pack::layout::{Layout, ShardLengths, window_totals, windows};
use seimai::pack::{Options, PackContext, Packer, TokenPart};
use seimai::shard::{PartWriter, TokensMeta, tokens_properties, tokens_schema};
use seimai::stage::{Batch, list_slice, lists, numbers, sequential};

const ROUNDS: usize = 5;
const VOCABULARY: u32 = 32_000;

/// Best of the rounds, and what the work gave.
fn timed<T>(work: impl FnMut() -> T) -> (f64, T) {
    timing::best_of(ROUNDS, work)
}

fn report(step: &str, unit: &str, amount: u64, seconds: f64, more: &serde_json::Value) {
    let mut line =
        serde_json::json!({"step": step, "unit": unit, "amount": amount, "cpu_seconds": seconds, "per_second": amount as f64 / seconds});
    if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
        line.extend(more.clone());
    }
    println!("{line}");
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let sequence_length = words.get(2).map_or(4096, |word| word.parse().unwrap());
    match (words.first().map(String::as_str), words.get(1).map(PathBuf::from)) {
        (Some("lengths"), Some(file)) => lengths(&file, sequence_length),
        (Some("tokens"), Some(dir)) => tokens(&dir, sequence_length),
        _ => eprintln!("skipped: pack needs `lengths FILE` or `tokens DIR` (see benches/suite/pack.py)"),
    }
}

/// Assignment alone: all documents as one window, and windows of the default size.
fn lengths(file: &Path, sequence_length: u32) {
    let bytes = std::fs::read(file).unwrap();
    let lengths: Vec<u32> = bytes.as_chunks().0.iter().map(|length| u32::from_le_bytes(*length)).collect();
    let documents = lengths.len() as u64;
    for window in [u64::MAX, Options::default().window] {
        let chunks: Vec<&[u32]> = lengths.chunks(window.min(documents.max(1)) as usize).collect();
        let mut best_fit = BestFit::new(sequence_length);
        let (seconds, totals) = timed(|| {
            let mut totals = seimai::pack::layout::Totals::default();
            for chunk in &chunks {
                totals.add(&window_totals(&mut best_fit, sequence_length, chunk.iter().copied()));
            }
            totals
        });
        let more = serde_json::json!({"window": chunks[0].len(), "rows": totals.rows, "tokens": totals.tokens, "cut": totals.cut,
                                      "pieces": totals.pieces, "padding": totals.padding(sequence_length)});
        report("assign", "documents", documents, seconds, &more);
    }
    let shards: Vec<ShardLengths> =
        lengths.chunks(65_536).enumerate().map(|(index, chunk)| ShardLengths { index: index as u32, lengths: chunk.to_vec() }).collect();
    let ranges = windows(shards.iter().map(|shard| shard.lengths.len() as u64), Options::default().window);
    let slices: Vec<&[ShardLengths]> = ranges.into_iter().map(|range| &shards[range]).collect();
    let (seconds, layout) = timed(|| Layout::new(sequence_length, &slices, Some((0, 0))));
    // Nothing is split that fits, and nothing is lost: both counted on the layout itself.
    let avoidable = layout.sources.iter().zip(&layout.positions).filter(|(source, position)| {
        let n_tokens = shards[source.shard as usize].lengths[source.row as usize] + 1;
        n_tokens <= sequence_length && position.length != n_tokens
    });
    let placed: u64 = layout.positions.iter().map(|position| u64::from(position.length)).sum();
    let given: u64 = lengths.iter().filter(|&&n| n > 0).map(|&n| u64::from(n) + 1).sum();
    let more = serde_json::json!({"avoidable_splits": avoidable.count(), "tokens_lost": given.abs_diff(placed)});
    report("layout of rows and origins", "documents", documents, seconds, &more);
}

struct Shard {
    path: PathBuf,
    batches: Vec<Batch>,
    lengths: Vec<u32>,
}

fn tokens(dir: &Path, sequence_length: u32) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| io::open_table(path, None, 2048).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    let shards: Vec<Shard> = paths
        .into_iter()
        .map(|path| {
            let batches = read(&path);
            let n_tokens = |batch: &Batch| numbers::<Int32Type>(batch, &seimai::schema::N_TOKENS).unwrap().values().to_vec();
            let lengths = batches.iter().flat_map(n_tokens).map(|n| n as u32).collect();
            Shard { path, batches, lengths }
        })
        .collect();
    let tokens: u64 = shards.iter().flat_map(|shard| &shard.lengths).map(|&n| u64::from(n)).sum();
    parquet(&shards, tokens);
    movement(&shards, tokens, sequence_length);
}

/// Token shards written and read, in both encodings.
fn parquet(shards: &[Shard], tokens: u64) {
    let scratch = tempfile::tempdir().unwrap();
    let staging = Staging::new(scratch.path().join("tmp")).unwrap();
    let meta = TokensMeta { tokenizer_blake3: "0".repeat(64), tokenizer_content: None, vocab_size: VOCABULARY, eos: 0, pad: 0 };
    for compat in [true, false] {
        let options = seimai::shard::Options { compat, ..Default::default() };
        let target = |i: usize| scratch.path().join(format!("{i}.parquet"));
        let (seconds, ()) = timed(|| {
            for (i, shard) in shards.iter().enumerate() {
                let mut writer = PartWriter::create(&staging, "part", tokens_schema(), tokens_properties(&options, &meta)).unwrap();
                shard.batches.iter().for_each(|batch| writer.write(batch).unwrap());
                writer.commit(&Place::named(&target(i)).unwrap(), "part".into()).unwrap();
            }
        });
        let leaf: i64 = (0..shards.len()).map(|i| token_bytes(&target(i))).sum();
        let more = serde_json::json!({"compat": compat, "bits_per_token": leaf as f64 * 8.0 / tokens as f64});
        report("write a token shard", "tokens", tokens, seconds, &more);
        let (seconds, ()) = timed(|| {
            for i in 0..shards.len() {
                for batch in io::open_table(&target(i), Some(&["input_ids"]), 2048).unwrap() {
                    black_box(batch.unwrap());
                }
            }
        });
        report("read a token shard", "tokens", tokens, seconds, &serde_json::json!({"compat": compat}));
    }
}

/// Compressed bytes of the column of the tokens.
fn token_bytes(path: &Path) -> i64 {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let columns = reader.metadata().row_groups().iter().flat_map(parquet::file::metadata::RowGroupMetaData::columns);
    columns
        .filter(|column| column.column_path().string() == "input_ids.list.element")
        .map(parquet::file::metadata::ColumnChunkMetaData::compressed_size)
        .sum()
}

/// Decoded tokens put into rows, rows written, a whole part from Parquet; and a copy of as many bytes.
fn movement(shards: &[Shard], tokens: u64, sequence_length: u32) {
    let lengths: Vec<ShardLengths> =
        shards.iter().enumerate().map(|(i, shard)| ShardLengths { index: i as u32, lengths: shard.lengths.clone() }).collect();
    let layout = Layout::new(sequence_length, &[&lengths], Some((0, 0)));
    let (seconds, block) = timed(|| {
        let mut block = Block::new(0..layout.totals.rows as u32, sequence_length, TokenType::for_vocabulary(VOCABULARY), 0);
        put(shards, &layout, &mut block);
        block
    });
    let bytes = layout.totals.rows * u64::from(sequence_length) * 2;
    report("move tokens into rows", "tokens", tokens, seconds, &serde_json::json!({"gb_per_s": bytes as f64 / seconds / 1e9}));
    let rows = block.bytes();
    let (seconds, copy) = timed(|| black_box(rows).to_vec());
    assert_eq!(copy.len() as u64, bytes);
    report("copy as many bytes (fresh memory)", "tokens", tokens, seconds, &serde_json::json!({"gb_per_s": bytes as f64 / seconds / 1e9}));
    let scratch = tempfile::tempdir().unwrap();
    let (seconds, ()) = timed(|| tempfile::NamedTempFile::new().unwrap().write_all(rows).unwrap());
    report("write as many bytes (page cache)", "tokens", tokens, seconds, &serde_json::json!({"gb_per_s": bytes as f64 / seconds / 1e9}));
    let (seconds, _) = timed(|| black_box(blake3::hash(rows)));
    report("hash as many bytes", "tokens", tokens, seconds, &serde_json::json!({"gb_per_s": bytes as f64 / seconds / 1e9}));
    let parts: Vec<TokenPart> = shards
        .iter()
        .map(|shard| TokenPart {
            place: Place::named(&shard.path).unwrap(),
            name: shard.path.display().to_string(),
            rows: shard.lengths.len() as u64,
            blake3: String::new(),
            taken: None,
        })
        .collect();
    let context = PackContext {
        eos: 0,
        pad: 0,
        vocab_size: VOCABULARY,
        tokenizer_blake3: [0; 32],
        tokenizer_content: None,
        plan_fingerprint: [0; 32],
    };
    let options = Options { sequence_length, ..Options::default() };
    let staging = Staging::new(scratch.path().join("tmp")).unwrap();
    let (seconds, rows) = timed(|| {
        let packer = Packer::new(&parts, &context, &options).unwrap();
        let plans = packer.plan().unwrap();
        let write = |plan: &seimai::pack::PartPlan| {
            packer
                .write_part(plan, 4 << 30, &sequential, &staging, &Place::named(&scratch.path().join(plan.name())).unwrap(), plan.name())
                .unwrap()
                .entry
                .rows
        };
        plans.iter().map(write).sum::<u64>()
    });
    report("pack token shards", "tokens", tokens, seconds, &serde_json::json!({"rows": rows}));
}

/// What the packer does with decoded lists: each piece of each document goes to its row.
fn put(shards: &[Shard], layout: &Layout, block: &mut Block) {
    let (token_type, mut tokens) = (TokenType::for_vocabulary(VOCABULARY), Vec::new());
    let mut pieces = layout.sources.iter().zip(&layout.positions).peekable();
    for (index, shard) in shards.iter().enumerate() {
        let mut row = 0;
        for batch in &shard.batches {
            let lists = lists(batch, &seimai::schema::INPUT_IDS).unwrap();
            assert!(lists.values().as_primitive_opt::<Int32Type>().is_some());
            for i in 0..lists.len() {
                let ids = list_slice::<Int32Type>(lists, i);
                while let Some((source, position)) = pieces.next_if(|(source, _)| (source.shard as usize, source.row) == (index, row)) {
                    let from = (source.offset as usize).min(ids.len());
                    let to = ((source.offset + position.length) as usize).min(ids.len());
                    tokens.clear();
                    assert!(encode(&mut tokens, token_type, VOCABULARY, &ids[from..to]));
                    assert!(block.put(position.row, position.start, &tokens));
                }
                row += 1;
            }
        }
    }
}
