//! The room as a whole: from token shards to pack files and back.

mod damaged;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array};
use arrow::datatypes::{Int32Type, Schema};
use proptest::prelude::*;

use super::format::SectionWriter;
use super::layout::Layout;
use super::layout::Totals;
use super::piece_buckets::PieceBuckets;
use super::*;
use crate::error::Error;
use crate::io::{self, Staging};
use crate::schema::{INPUT_IDS, N_TOKENS};
use crate::stage::{Batch, ListBuilder, ParallelFor, sequential};

const EOS: u32 = 1;

fn context(vocab_size: u32) -> PackContext {
    PackContext { eos: EOS, pad: 3, vocab_size, tokenizer_blake3: [7; 32], tokenizer_content: None, plan_fingerprint: [8; 32] }
}

/// A document of so many tokens, EOS and PAD ids among them: boundaries must not be read from values.
fn document(seed: usize, n_tokens: usize) -> Vec<i32> {
    (0..n_tokens).map(|i| ((seed * 31 + i * 7) % 50) as i32).collect()
}

fn write_shard(staging: &Staging, dir: &Path, index: usize, documents: &[Vec<i32>]) -> TokenPart {
    let name = format!("part-{index:05}.parquet");
    let mut ids = ListBuilder::<Int32Type>::default();
    for document in documents {
        ids.values.extend(document);
        ids.end_row().unwrap();
    }
    let lengths: ArrayRef = Arc::new(Int32Array::from_iter_values(documents.iter().map(|document| document.len() as i32)));
    let schema = Arc::new(Schema::new(vec![INPUT_IDS.field(), N_TOKENS.field()]));
    let batch = Batch::try_new(schema.clone(), vec![ids.finish().unwrap(), lengths]).unwrap();
    let mut table = io::TableWriter::create(staging, &name, schema, io::work_properties()).unwrap();
    table.write(&batch).unwrap();
    let place = io::Place::named(&dir.join(&name)).unwrap();
    let entry = table.commit(&place, name.clone()).unwrap();
    TokenPart { place, name, rows: entry.rows, blake3: entry.blake3, taken: None }
}

struct Case {
    dir: tempfile::TempDir,
    staging: Staging,
    parts: Vec<TokenPart>,
}

fn case(shards: &[Vec<Vec<i32>>]) -> Case {
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::new(dir.path().join("tmp")).unwrap();
    let parts = shards.iter().enumerate().map(|(i, documents)| write_shard(&staging, dir.path(), i, documents)).collect();
    Case { dir, staging, parts }
}

impl Case {
    fn at(&self, name: &str) -> io::Place {
        io::Place::named(&self.dir.path().join(name)).unwrap()
    }

    fn pack(&self, context: &PackContext, options: &Options, memory: u64) -> Pack {
        let packer = Packer::new(&self.parts, context, options).unwrap();
        let plans = packer.plan().unwrap();
        let write =
            |plan: &PartPlan| packer.write_part(plan, memory, &sequential, &self.staging, &self.at(&plan.name()), plan.name()).unwrap();
        let packed: Vec<_> = plans.iter().map(write).collect();
        let json = serde_json::to_vec(&packer.info(&packed)).unwrap();
        self.staging.write(&self.at("pack.json"), &json).unwrap();
        Pack::open(self.dir.path()).unwrap()
    }
}

fn assert_unpacks(pack: &Pack, shards: &[Vec<Vec<i32>>]) {
    pack.verify().unwrap();
    let mut documents = pack.unpack().map(Result::unwrap);
    for (shard, wanted) in shards.iter().enumerate() {
        for (row, wanted) in wanted.iter().enumerate() {
            let document = documents.next().unwrap();
            assert_eq!((document.shard as usize, document.row as usize), (shard, row));
            assert_eq!(&document.input_ids, wanted);
        }
    }
    assert!(documents.next().is_none());
    let totals = pack.info().totals;
    let counted = shards.iter().flatten();
    assert_eq!(totals.empty, counted.clone().filter(|document| document.is_empty()).count() as u64);
    assert_eq!(totals.documents + totals.empty, counted.clone().count() as u64);
    assert_eq!(totals.tokens, counted.map(|document| document.len() as u64).sum::<u64>() + totals.documents);
    assert_eq!(pack.info().padding, totals.rows * u64::from(pack.info().sequence_length) - totals.tokens);
}

#[test]
fn unpack_after_pack_is_the_identity_at_every_edge() {
    for sequence_length in [1, 2, 3, 64, 65, 65_535, 65_536] {
        let s = sequence_length as usize;
        let lengths = [0, 1, s - 1, s, s + 1, 2 * s - 1, 2 * s, 2 * s + 1, 0];
        let shards: Vec<Vec<Vec<i32>>> = (0..3).map(|shard| lengths.iter().map(|&n| document(shard + n, n)).collect()).collect();
        for (vocab_size, part_bytes) in [(50, 1 << 30), (65_500, 1)] {
            let options = Options { sequence_length, window: 9, part_bytes, ..Options::default() };
            let pack = case(&shards).pack(&context(vocab_size), &options, u64::MAX);
            assert_eq!(pack.info().parts.len(), if part_bytes == 1 { 3 } else { 1 });
            assert_unpacks(&pack, &shards);
        }
    }
}

#[test]
fn a_shard_that_is_packed_again_gives_only_what_is_wanted_again() {
    let shards: Vec<Vec<Vec<i32>>> = (0..3).map(|shard| [5, 0, 70, 9].iter().map(|&n| document(shard + n, n)).collect()).collect();
    let mut case = case(&shards);
    let taken = vec![false, true, true, false];
    let again = TokenPart { taken: Some(Taken { take: 2, rows: taken.clone() }), ..case.parts[1].clone() };
    case.parts.push(again);
    let repeated = shards[1].iter().zip(taken).map(|(document, taken)| if taken { document.clone() } else { Vec::new() }).collect();
    let options = Options { sequence_length: 64, window: 4, ..Options::default() };
    let pack = case.pack(&context(50), &options, u64::MAX);
    assert_unpacks(&pack, &[shards, vec![repeated]].concat());
    let takes: Vec<_> = pack.info().shards.iter().map(|shard| shard.take).collect();
    assert_eq!(takes, [None, None, None, Some(2)]);
    case.parts[3].taken = Some(Taken { take: 2, rows: vec![true] });
    assert!(Packer::new(&case.parts, &context(50), &options).is_err());
}

#[test]
fn bytes_do_not_depend_on_threads_and_memory() {
    let shards: Vec<Vec<Vec<i32>>> = (0..7).map(|shard| (0..300).map(|i| document(shard, i * (shard + 1) % 400)).collect()).collect();
    let (case, context) = (case(&shards), context(50));
    // Rows of 80 KB: a chunk of the block holds three of them, so that threads meet in it.
    let options = Options { sequence_length: 40_000, window: 500, ..Options::default() };
    let packer = Packer::new(&case.parts, &context, &options).unwrap();
    let plans = packer.plan().unwrap();
    let threaded = |n: usize, work: &(dyn Fn(usize) + Sync)| {
        std::thread::scope(|scope| (0..n).rev().for_each(|i| drop(scope.spawn(move || work(i)))));
    };
    let write = |name: &str, memory: u64, parallel: &ParallelFor<'_>| {
        packer.write_part(&plans[0], memory, parallel, &case.staging, &case.at(name), "x".into()).unwrap()
    };
    let wanted = write("one", u64::MAX, &sequential);
    assert_eq!(write("many", u64::MAX, &threaded), wanted);
    assert_eq!(write("tight", 0, &threaded), wanted);
}

#[test]
fn a_part_takes_windows_up_to_its_bytes() {
    // Each shard is a window, and four full rows of 8 uint16 tokens: 64 bytes.
    let shards: Vec<Vec<Vec<i32>>> = (0..3).map(|_| vec![document(0, 7); 4]).collect();
    let (case, context) = (case(&shards), context(50));
    for (part_bytes, wanted) in [(1, vec![1, 1, 1]), (127, vec![1, 1, 1]), (128, vec![2, 1]), (191, vec![2, 1]), (192, vec![3])] {
        let options = Options { sequence_length: 8, window: 4, part_bytes, ..Options::default() };
        let plans = Packer::new(&case.parts, &context, &options).unwrap().plan().unwrap();
        assert_eq!(plans.iter().map(|plan| plan.windows.len()).collect::<Vec<_>>(), wanted, "part_bytes = {part_bytes}");
        let mut next = (0, 0, 0);
        for plan in plans {
            assert_eq!((plan.index, plan.first_row, plan.shards().start), next);
            next = (plan.index + 1, plan.first_row + plan.totals.rows, plan.shards().end);
        }
    }
}

#[test]
fn a_document_is_found_in_its_rows() {
    let shards: Vec<Vec<Vec<i32>>> = (0..3).map(|shard| vec![vec![], document(shard, 21), document(shard, 3)]).collect();
    let options = Options { sequence_length: 8, window: 3, part_bytes: 1, ..Options::default() };
    let pack = case(&shards).pack(&context(50), &options, 0);
    assert!(pack.locate(1, 0).unwrap().is_empty() && pack.locate(9, 0).unwrap().is_empty());
    let pieces = pack.locate(2, 1).unwrap();
    let offsets: Vec<_> = pieces.iter().map(|piece| (piece.source.offset, piece.end - piece.start)).collect();
    assert_eq!(offsets, [(0, 8), (8, 8), (16, 6)]);
    let mut ids = Vec::new();
    let first_row = pack.info().parts[2].first_row;
    for piece in pieces {
        pack.part(2).unwrap().read_tokens(piece.row - first_row, piece.start, piece.end, &mut ids).unwrap();
    }
    assert_eq!(ids, [document(2, 21), vec![EOS as i32]].concat());
}

#[test]
fn a_very_long_document_and_none_at_all() {
    let long = vec![vec![document(1, 1_000_000)]];
    assert_unpacks(&case(&long).pack(&context(50), &Options::default(), 0), &long);
    for shards in [vec![], vec![vec![]], vec![vec![vec![]], vec![vec![], vec![]]]] {
        let pack = case(&shards).pack(&context(50), &Options::default(), 0);
        assert_eq!(pack.info().totals.rows, 0);
        assert_unpacks(&pack, &shards);
    }
}

#[test]
fn blocks_of_rows_give_the_same_bytes() {
    let shards: Vec<Vec<Vec<i32>>> = (0..4).map(|shard| (0..50).map(|row| document(row, (row * 37 + shard) % 90)).collect()).collect();
    let (case, context) = (case(&shards), context(50));
    let options = Options { sequence_length: 32, window: 60, ..Options::default() };
    let packer = Packer::new(&case.parts, &context, &options).unwrap();
    let plan = &packer.plan().unwrap()[0];
    let write = |rows_each| {
        let mut writer = SectionWriter::new(Vec::new()).unwrap();
        let pieces = PieceBuckets::new(&case.staging, "pieces", plan.totals.rows as u32, rows_each, 0).unwrap();
        packer.put_aside(plan, &pieces, 0, &sequential).unwrap();
        let index = io::Buckets::new(&case.staging, "index", 3, 0).unwrap();
        packer.write_sections(&mut writer, &pieces, &index, Path::new("memory")).unwrap();
        writer.finish()
    };
    let whole = write(u32::MAX);
    assert!(plan.totals.rows > 100);
    for block_rows in [1, 7, 64] {
        assert_eq!(write(block_rows), whole);
    }
}

#[test]
fn order_depends_on_seed_and_part_only() {
    let shards: Vec<Vec<Vec<i32>>> = (0..2).map(|shard| (0..200).map(|row| document(row, (row + shard) % 40)).collect()).collect();
    let bytes = |seed, shuffle| {
        let options = Options { sequence_length: 16, window: 1, part_bytes: 1, shuffle, seed, ..Options::default() };
        let pack = case(&shards).pack(&context(50), &options, 0);
        assert_unpacks(&pack, &shards);
        pack.maps.iter().map(|(_, map)| map.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(bytes(1, true), bytes(1, true));
    assert_ne!(bytes(1, true), bytes(2, true));
    assert_ne!(bytes(1, true), bytes(1, false));
}

#[test]
fn unsound_token_shards_are_named() {
    let shards = vec![vec![document(0, 5), vec![1, 2, 50]]];
    let case = case(&shards);
    let options = Options::default();
    let attempt = |vocab_size, rows| {
        let mut parts = case.parts.clone();
        parts[0].rows = rows;
        let context = context(vocab_size);
        let packer = Packer::new(&parts, &context, &options)?;
        let plans = packer.plan()?;
        packer.write_part(&plans[0], 0, &sequential, &case.staging, &case.at("x"), "x".into()).map(|_| ())
    };
    attempt(51, 2).unwrap();
    assert!(attempt(50, 2).unwrap_err().to_string().contains("row 1: a token is not in the vocabulary"));
    assert!(attempt(51, 3).unwrap_err().to_string().contains("has 2 rows, not 3"));
    assert_eq!(attempt(3, 2).unwrap_err().exit_code(), 2);
    assert!(!case.dir.path().join("tmp/part-00000.pack").exists(), "an unfinished file is removed");
}

#[test]
fn options_out_of_range_are_named() {
    assert_eq!(Options::default().check(), Ok(()));
    for (options, key) in [
        (Options { sequence_length: 0, ..Options::default() }, "pack.sequence_length"),
        (Options { sequence_length: (1 << 24) + 1, ..Options::default() }, "pack.sequence_length"),
        (Options { window: 0, ..Options::default() }, "pack.window"),
        (Options { part_bytes: 0, ..Options::default() }, "pack.part_bytes"),
    ] {
        assert!(options.check().unwrap_err().contains(key));
    }
}

#[test]
fn a_plan_of_other_shards_is_refused() {
    let (case, context, options) = (case(&vec![vec![document(0, 5)]; 2]), context(50), Options { window: 1, ..Options::default() });
    let packer = Packer::new(&case.parts, &context, &options).unwrap();
    let plan = &packer.plan().unwrap()[0];
    for windows in [vec![0..1, 1..3], vec![0..1, 1..1], vec![1..2, 0..1], vec![7..8, 8..9]] {
        let plan = PartPlan { windows, ..plan.clone() };
        let refusal = packer.write_part(&plan, 0, &sequential, &case.staging, &case.at("x"), "x".into());
        assert!(matches!(refusal, Err(Error::Internal(_))), "{refusal:?}");
    }
}

#[test]
fn a_window_beyond_the_memory_limit_is_refused() {
    let case = case(&[vec![document(0, 5)]]);
    let (context, options) = (context(50), Options::default());
    let many = TokenPart { rows: 1 << 20, ..case.parts[0].clone() };
    let parts = [many];
    let packer = Packer::new(&parts, &context, &options).unwrap();
    let first = 0..1;
    let plan = PartPlan { index: 0, first_row: 0, windows: vec![first], totals: Totals { rows: 1, ..Totals::default() } };
    let write = |memory| packer.write_part(&plan, memory, &sequential, &case.staging, &case.at("x"), "x".into());
    let refusal = write(60 << 20).unwrap_err();
    assert!(refusal.exit_code() == 4 && refusal.to_string().contains("needs 32 MiB"), "{refusal}");
    // With more, it is refused because the file has not so many.
    assert_eq!(write(64 << 20).unwrap_err().exit_code(), 1);
}

#[test]
fn the_index_is_that_of_the_layout_in_memory() {
    let shards: Vec<Vec<Vec<i32>>> = (0..5).map(|shard| (0..70).map(|row| document(row, (row * 13 + shard) % 60)).collect()).collect();
    for shuffle in [true, false] {
        let (case, options) = (case(&shards), Options { sequence_length: 16, window: 140, shuffle, seed: 3, ..Options::default() });
        let pack = case.pack(&context(50), &options, 0);
        let lengths = |shard: usize| layout::ShardLengths {
            index: shard as u32,
            lengths: shards[shard].iter().map(|document| document.len() as u32).collect(),
        };
        let lengths: Vec<_> = (0..5).map(lengths).collect();
        let layout = Layout::new(16, &[&lengths[..2], &lengths[2..4], &lengths[4..]], shuffle.then_some((3, 0)));
        let part = pack.part(0).unwrap();
        let pieces = (0..layout.totals.rows).flat_map(|row| part.pieces(row).unwrap().map(Result::unwrap).collect::<Vec<_>>());
        let found: Vec<_> = pieces.map(|piece| (piece.row, piece.end, piece.source)).collect();
        let rows = layout.by_row.iter().map(|&piece| u64::from(layout.positions[piece as usize].row));
        let wanted: Vec<_> = rows.zip(layout.ends()).zip(layout.origins()).map(|((row, end), source)| (row, end, *source)).collect();
        assert_eq!(found, wanted);
    }
}

proptest! {
    // Each case writes and syncs files.
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn unpack_after_pack_is_the_identity(
        lengths in prop::collection::vec(prop::collection::vec(prop_oneof![0_usize..9, 0_usize..70], 0..20), 0..5),
        sequence_length in 1_u32..40,
        window in 1_u64..50,
        part_bytes in 1_u64..4_000,
        vocab_size in prop_oneof![Just(50), Just(100_000)],
        shuffle: bool,
        seed: u64,
    ) {
        let document = |(row, &n)| document(row, n);
        let shards: Vec<Vec<Vec<i32>>> = lengths.iter().map(|lengths| lengths.iter().enumerate().map(document).collect()).collect();
        let options = Options { sequence_length, window, part_bytes, shuffle, seed, ..Options::default() };
        let pack = case(&shards).pack(&context(vocab_size), &options, 0);
        assert_unpacks(&pack, &shards);
    }
}
