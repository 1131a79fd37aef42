//! The files read back: bytes, encodings, row groups, metadata.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use parquet::basic::{Compression, Encoding};
use parquet::file::metadata::ParquetMetaData;

use super::layout::TOKEN_LEAF;
use super::*;
use crate::io::{FileEntry, Place, Staging, read_table, table_metadata};
use crate::schema::{DOC_ID, SOURCE, TEXT};
use crate::stage::{Batch, ListBuilder};

fn rows(from: usize, to: usize) -> Batch {
    let mut ids = ListBuilder::<Int32Type>::default();
    let mut lengths = Vec::new();
    for row in from..to {
        let n = row * 7 % 40;
        ids.values.extend((0..n).map(|i| ((row * 31 + i * i) % 30_000) as i32));
        ids.end_row().unwrap();
        lengths.push(n as i32);
    }
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((from..to).map(|row| format!("文書{row}"))));
    let sources: ArrayRef = Arc::new(StringArray::from_iter_values((from..to).map(|row| format!("s{}", row % 3))));
    let licenses: ArrayRef = Arc::new((from..to).map(|row| (row % 2 == 0).then_some("CC0-1.0")).collect::<StringArray>());
    let files: ArrayRef = Arc::new(StringArray::from_iter_values((from..to).map(|_| "a.jsonl")));
    let offsets: ArrayRef = Arc::new((from..to).map(|row| row as u64 * 100).collect::<arrow::array::UInt64Array>());
    let lengths = Arc::new(Int32Array::from(lengths));
    Batch::try_new(tokens_schema(), vec![names, sources, ids.finish().unwrap(), lengths, licenses.clone(), licenses, files, offsets])
        .unwrap()
}

fn meta() -> TokensMeta {
    TokensMeta { tokenizer_blake3: "00".repeat(32), tokenizer_content: Some("11".repeat(32)), vocab_size: 30_000, eos: 1, pad: 2 }
}

fn write(dir: &Path, name: &str, options: &Options, cuts: &[usize]) -> FileEntry {
    let staging = Staging::new(dir.join("tmp")).unwrap();
    let mut part = PartWriter::create(&staging, name, tokens_schema(), tokens_properties(options, &meta())).unwrap();
    for pair in cuts.windows(2) {
        part.write(&rows(pair[0], pair[1])).unwrap();
    }
    assert_eq!(part.rows(), *cuts.last().unwrap() as u64);
    part.commit(&Place::named(&dir.join(name)).unwrap(), format!("tokens/{name}")).unwrap()
}

#[test]
fn bytes_depend_on_rows_only() {
    let dir = tempfile::tempdir().unwrap();
    let one = write(dir.path(), "a", &Options::default(), &[0, 5_000]);
    let many = write(dir.path(), "b", &Options::default(), &[0, 0, 1, 100, 2_047, 2_049, 4_096, 4_999, 5_000]);
    assert_eq!((one.rows, one.bytes, &one.blake3), (many.rows, many.bytes, &many.blake3));
    assert_eq!(one.rows, 5_000);
    let back = concat_batches(&tokens_schema(), &read_table(&dir.path().join("a"), None).unwrap()).unwrap();
    assert_eq!(back.columns(), rows(0, 5_000).columns());
}

fn encodings(metadata: &ParquetMetaData, path: &str) -> Vec<Encoding> {
    let group = metadata.row_group(0);
    let chunk = group.columns().iter().find(|chunk| chunk.column_path().string() == path);
    chunk.unwrap_or_else(|| panic!("no leaf {path}")).encodings().collect()
}

#[test]
fn encodings_and_groups_are_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    for (compat, wanted) in [(true, Encoding::PLAIN), (false, Encoding::BYTE_STREAM_SPLIT)] {
        let options = Options { compat, ..Options::default() };
        let name = format!("compat-{compat}");
        write(dir.path(), &name, &options, &[0, 5_000]);
        let metadata = table_metadata(&dir.path().join(&name)).unwrap();
        let tokens = encodings(&metadata, TOKEN_LEAF);
        assert!(tokens.contains(&wanted), "{tokens:?}");
        assert_eq!(tokens.contains(&Encoding::BYTE_STREAM_SPLIT), !compat);
        assert!(encodings(&metadata, "source").contains(&Encoding::RLE_DICTIONARY));
        assert!(!encodings(&metadata, "doc_id").contains(&Encoding::RLE_DICTIONARY));
        assert!(!encodings(&metadata, "n_tokens").contains(&Encoding::RLE_DICTIONARY));
        let group_rows: Vec<_> = metadata.row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect();
        assert_eq!(group_rows, [2_048, 2_048, 904]);
        for chunk in metadata.row_group(0).columns() {
            let path = chunk.column_path().string();
            assert_eq!(chunk.bloom_filter_offset().is_some(), path == "doc_id", "{path}");
            assert_eq!(chunk.statistics().is_some(), path != TOKEN_LEAF, "{path}");
            assert!(matches!(chunk.compression(), Compression::ZSTD(_)), "{path}");
        }
    }
}

#[test]
fn metadata_names_tokenizer_and_plan() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a", &Options::default(), &[0, 10]);
    let metadata = table_metadata(&dir.path().join("a")).unwrap();
    let file = metadata.file_metadata();
    assert_eq!(file.created_by(), Some(concat!("seimai version ", env!("CARGO_PKG_VERSION"), " (build 0)")));
    let pairs = file.key_value_metadata().unwrap();
    let value = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
    assert_eq!(value("seimai.format").as_deref(), Some("tokens"));
    assert_eq!(value("seimai.vocab_size").as_deref(), Some("30000"));
    assert_eq!(value("seimai.eos_id").as_deref(), Some("1"));
}

/// A column of ones (and nulls, where the schema allows them).
fn some_column(data_type: &DataType, rows: usize) -> ArrayRef {
    use arrow::array::{BooleanArray, FixedSizeListArray, Float32Array, StructArray, UInt8Array, UInt32Array};
    match data_type {
        DataType::Utf8 => Arc::new(StringArray::from(vec!["一"; rows])),
        DataType::UInt32 => Arc::new(UInt32Array::from(vec![1; rows])),
        DataType::UInt8 => Arc::new(UInt8Array::from(vec![1; rows])),
        DataType::Float32 => Arc::new((0..rows).map(|row| (row % 2 == 0).then_some(0.5)).collect::<Float32Array>()),
        DataType::Boolean => Arc::new(BooleanArray::from(vec![true; rows])),
        DataType::FixedSizeList(field, n) => {
            let values = some_column(field.data_type(), rows * *n as usize);
            Arc::new(FixedSizeListArray::new(field.clone(), *n, values, None))
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().map(|field| match (field.data_type(), field.is_nullable()) {
                (DataType::Float32, false) => Arc::new(Float32Array::from(vec![1.0; rows])) as ArrayRef,
                (data_type, _) => some_column(data_type, rows),
            });
            Arc::new(StructArray::new(fields.clone(), columns.collect(), None))
        }
        other => panic!("no example of {other}"),
    }
}

#[test]
fn documents_have_dictionaries_for_categories_and_no_statistics_of_texts() {
    use crate::schema::{DUP_CLUSTER, DUP_SIZE, KEIGO, META, QUALITY, REGISTER, URL};
    // Structs like those that the rooms make: a name, ratios, counts, flags, a list of counts.
    let like_keigo = || {
        let level = DataType::FixedSizeList(crate::schema::element(DataType::UInt32), 4);
        let fields = [("dominant_style", DataType::Utf8), ("mixed", DataType::Boolean), ("level", level), ("repeat", DataType::UInt8)];
        DataType::Struct(fields.into_iter().map(|(name, data_type)| Field::new(name, data_type, false)).collect())
    };
    let like_quality =
        || DataType::Struct(vec![Field::new("kana", DataType::Float32, true), Field::new("n_chars", DataType::UInt32, false)].into());
    let (keigo, quality) = (KEIGO.with_type(like_keigo), QUALITY.with_type(like_quality));
    let fields = [DOC_ID, TEXT, SOURCE, URL, REGISTER, keigo, quality, DUP_CLUSTER, DUP_SIZE, META].map(|column| column.field());
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let columns = schema.fields().iter().map(|field| some_column(field.data_type(), 9)).collect();
    let batch = Batch::try_new(schema.clone(), columns).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::new(dir.path().join("tmp")).unwrap();
    let mut part = PartWriter::create(&staging, "a", schema, documents_properties()).unwrap();
    part.write(&batch).unwrap();
    part.commit(&Place::named(&dir.path().join("a")).unwrap(), "documents/a".into()).unwrap();
    assert_eq!(read_table(&dir.path().join("a"), None).unwrap(), [batch]);
    let metadata = table_metadata(&dir.path().join("a")).unwrap();
    let with_dictionary = |path| encodings(&metadata, path).contains(&Encoding::RLE_DICTIONARY);
    for (path, wanted) in [("source", true), ("register", true), ("keigo.dominant_style", true), ("text", false), ("doc_id", false)] {
        assert_eq!(with_dictionary(path), wanted, "{path}");
    }
    for chunk in metadata.row_group(0).columns() {
        let path = chunk.column_path().string();
        assert_eq!(chunk.statistics().is_some(), !["text", "meta"].contains(&path.as_str()), "{path}");
    }
}

#[test]
fn a_wider_batch_is_projected_and_a_narrower_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let staging = Staging::new(dir.path().join("tmp")).unwrap();
    let properties = tokens_properties(&Options::default(), &meta());
    let mut part = PartWriter::create(&staging, "a", tokens_schema(), properties).unwrap();
    let wider = crate::stage::with_column(&rows(0, 3), &TEXT, some_column(&DataType::Utf8, 3)).unwrap();
    part.write(&wider.project(&[8, 7, 6, 5, 4, 3, 2, 1, 0]).unwrap()).unwrap();
    assert!(part.write(&wider.project(&[0, 1, 2]).unwrap()).unwrap_err().to_string().contains("n_tokens is missing"));
    part.commit(&Place::named(&dir.path().join("a")).unwrap(), "a".into()).unwrap();
    assert_eq!(read_table(&dir.path().join("a"), None).unwrap()[0].columns(), rows(0, 3).columns());
}

#[test]
fn an_empty_part_is_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let entry = write(dir.path(), "a", &Options::default(), &[0]);
    assert_eq!(entry.rows, 0);
    assert!(read_table(&dir.path().join("a"), None).unwrap().iter().all(|batch| batch.num_rows() == 0));
}

#[test]
fn options_out_of_range_are_named() {
    assert_eq!(Options::default().check(), Ok(()));
    assert!(Options { rows_max: 0, ..Options::default() }.check().unwrap_err().contains("shards.rows_max"));
    assert!(Options { bytes_max: 0, ..Options::default() }.check().unwrap_err().contains("shards.bytes_max"));
}
