//! The room as a whole: documents in, counts, vocabulary and token ids out.

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Schema, UInt8Type, UInt64Type};

use super::*;
use crate::stage::column;

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
    let partials = || [partial(&small(), 0..1), partial(&small(), 1..3), partial(&small(), 3..4)];
    let whole = merge_counts(&mut [Ok(partial(&small(), 0..4))].into_iter(), usize::MAX).unwrap();
    let forward = merge_counts(&mut partials().into_iter().map(Ok), usize::MAX).unwrap();
    let backward = merge_counts(&mut partials().into_iter().rev().map(Ok), usize::MAX).unwrap();
    assert_eq!(whole, forward);
    assert_eq!(whole, backward);
    // Level by level: a sum by count, a part by pre-token.
    let (levels, counts) = (whole.column(0).as_primitive::<UInt8Type>(), whole.column(2).as_primitive::<UInt64Type>());
    assert!((1..whole.num_rows()).all(|row| (levels.value(row - 1), counts.value(row)) <= (levels.value(row), counts.value(row - 1))));
    let part = &partials()[0];
    let (levels, pre_tokens) = (part.column(0).as_primitive::<UInt8Type>(), part.column(1).as_binary::<i32>());
    let key = |row: usize| (levels.value(row), pre_tokens.value(row));
    assert!((1..part.num_rows()).all(|row| key(row - 1) < key(row)));
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
