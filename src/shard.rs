//! Room *shard*: the Parquet files a run leaves behind, above all the token shards.
//!
//! A tokens part is its documents part, row for row. This file holds what makes the files what they are: schema,
//! encodings, pages, row groups, metadata (`docs/formats/tokens.md`). Its kernel [`cut`] decides where
//! a shard or a row group ends. Bytes depend on the rows alone, not on how they came in batches.

pub mod cut;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use self::cut::Cut;
use crate::error::{Error, Result};
use crate::io::{FileEntry, Staging, TableWriter, created_by};
use crate::schema::{DOC_ID, INPUT_IDS, N_TOKENS, SOURCE, TEXT};
use crate::stage::Batch;

/// Version of the Parquet layout, in every file's metadata.
pub const FORMAT_VERSION: u32 = 1;

/// Rows of a row group: 500 to 8,192 rows differ by 0.5 % in size, small groups make random access cheap.
pub const GROUP_ROWS: usize = 2_048;

/// Tokens (or bytes of text) that end a row group before [`GROUP_ROWS`] rows: 128 MiB in memory.
pub const GROUP_TOKENS: u64 = 1 << 25;
const GROUP_TEXT_BYTES: u64 = 1 << 27;

/// Full path of the token leaf. A wrong path is ignored silently by the writer; a test reads the encodings back.
const TOKEN_LEAF: &str = "input_ids.list.element";

/// The section `[shards]` of the plan.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// A shard closes at this many documents (1 to 1048576).
    pub rows_max: u32,
    /// A shard closes at this many bytes of text (1 to 1073741824); a longer document is a shard of its own.
    pub bytes_max: u64,
    /// true: an encoding of token ids that every Parquet reader of recent years opens; false: 8 % smaller, current readers only.
    pub compat: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { rows_max: 65_536, bytes_max: 32 << 20, compat: true }
    }
}

impl Options {
    /// One sentence for a value out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if !(1..=1 << 20).contains(&self.rows_max) {
            return Err(format!("shards.rows_max must be 1 to 1048576, not {}", self.rows_max));
        }
        if !(1..=1 << 30).contains(&self.bytes_max) {
            return Err(format!("shards.bytes_max must be 1 to 1073741824, not {}", self.bytes_max));
        }
        Ok(())
    }
}

/// What a tokens part says of itself in its key-value metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensMeta {
    /// BLAKE3 of `tokenizer.json`, hex.
    pub tokenizer_blake3: String,
    /// Ids are below this.
    pub vocab_size: u32,
    /// Id that pack and export append to a document; it is not in `input_ids`.
    pub eos: u32,
    /// Id that pack fills rows with.
    pub pad: u32,
    /// Fingerprint of the plan, hex.
    pub plan_fingerprint: String,
}

/// Schema of a tokens part: `doc_id`, `source`, `input_ids`, `n_tokens`.
pub fn tokens_schema() -> SchemaRef {
    Arc::new(Schema::new([DOC_ID, SOURCE, INPUT_IDS, N_TOKENS].map(|column| column.field()).to_vec()))
}

/// Properties of a tokens part.
pub fn tokens_properties(options: &Options, meta: &TokensMeta) -> WriterProperties {
    let token_encoding = if options.compat { Encoding::PLAIN } else { Encoding::BYTE_STREAM_SPLIT };
    base("tokens", &meta.plan_fingerprint, token_pairs(meta))
        .set_column_encoding(leaf(TOKEN_LEAF), token_encoding)
        .set_column_statistics_enabled(leaf(TOKEN_LEAF), EnabledStatistics::None)
        .set_column_encoding(leaf(N_TOKENS.name), Encoding::PLAIN)
        .build()
}

/// Properties of a documents part.
pub fn documents_properties(plan_fingerprint: &str) -> WriterProperties {
    base("documents", plan_fingerprint, Vec::new()).build()
}

/// Properties of a rejected part.
pub fn rejected_properties(plan_fingerprint: &str) -> WriterProperties {
    base("rejected", plan_fingerprint, Vec::new()).build()
}

/// Long or unique strings: no dictionary, no statistics (their least and greatest value helps nobody).
const LONG_STRINGS: &[&str] = &["text", "meta", "evidence"];

/// Strings with few values.
const CATEGORIES: &[&str] = &["source", "license", "date", "register", "keigo.dominant_style", "stage", "rule"];

fn base(format: &str, plan_fingerprint: &str, pairs: Vec<KeyValue>) -> WriterPropertiesBuilder {
    let mut metadata = vec![pair("seimai.format", format), pair("seimai.format_version", &FORMAT_VERSION.to_string())];
    metadata.push(pair("seimai.plan_fingerprint", plan_fingerprint));
    metadata.extend(pairs);
    let mut builder = WriterProperties::builder()
        .set_created_by(created_by())
        .set_key_value_metadata(Some(metadata))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap_or_default()))
        .set_dictionary_enabled(false)
        // Pages of 64–256 KiB cost a whole bit a token, 8 MiB gain 0.05.
        .set_data_page_size_limit(1 << 20)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        // For `inspect`: finds a document by its id without reading every shard.
        .set_column_bloom_filter_fpp(leaf(DOC_ID.name), 0.01)
        .set_column_bloom_filter_max_ndv(leaf(DOC_ID.name), GROUP_ROWS as u64);
    for name in CATEGORIES {
        builder = builder.set_column_dictionary_enabled(leaf(name), true);
    }
    for name in LONG_STRINGS {
        builder = builder.set_column_statistics_enabled(leaf(name), EnabledStatistics::None);
    }
    builder
}

fn leaf(path: &str) -> ColumnPath {
    ColumnPath::new(path.split('.').map(str::to_owned).collect())
}

fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue::new(key.to_owned(), value.to_owned())
}

/// Where the footer of a tokens part names the tokenizer it was made with, by the BLAKE3 of its file.
pub const TOKENIZER_KEY: &str = "seimai.tokenizer_blake3";

fn token_pairs(meta: &TokensMeta) -> Vec<KeyValue> {
    vec![
        pair(TOKENIZER_KEY, &meta.tokenizer_blake3),
        pair("seimai.vocab_size", &meta.vocab_size.to_string()),
        pair("seimai.eos_id", &meta.eos.to_string()),
        pair("seimai.pad_id", &meta.pad.to_string()),
    ]
}

/// Writes a part so that its bytes depend on its rows only: rows are gathered into whole row groups first.
pub struct PartWriter {
    table: TableWriter,
    schema: SchemaRef,
    group: Cut,
    pending: Vec<Batch>,
}

impl PartWriter {
    /// Starts a part in the staging directory. The schema must hold `input_ids` or `text` if its rows have weight: row
    /// groups also end at 2²⁵ tokens or 128 MiB of text.
    pub fn create(staging: &Staging, name: &str, schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let table = TableWriter::create(staging, name, schema.clone(), properties)?;
        let weight_max = if schema.index_of(INPUT_IDS.name).is_ok() { GROUP_TOKENS } else { GROUP_TEXT_BYTES };
        Ok(Self { table, schema, group: Cut::new(GROUP_ROWS as u64, weight_max), pending: Vec::new() })
    }

    /// Appends rows: the columns of the part's schema out of a batch that may have more.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        let batch = &self.project(batch)?;
        let weights = weights(batch)?;
        let mut start = 0;
        for (row, &weight) in weights.iter().enumerate() {
            if self.group.starts_new(weight) {
                self.keep(batch, start, row);
                self.flush()?;
                start = row;
            }
        }
        self.keep(batch, start, weights.len());
        Ok(())
    }

    /// Rows taken so far.
    pub fn rows(&self) -> u64 {
        self.table.rows() + self.pending.iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
    }

    /// Completes the file; `path` is what the manifest will say.
    pub fn commit(mut self, target: &Path, path: String) -> Result<FileEntry> {
        self.flush()?;
        self.table.commit(target, path)
    }

    fn project(&self, batch: &Batch) -> Result<Batch> {
        let columns = self.schema.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name()).cloned();
            column.ok_or_else(|| Error::internal(format!("column {} is missing", field.name())))
        });
        Ok(Batch::try_new(self.schema.clone(), columns.collect::<Result<_>>()?)?)
    }

    fn keep(&mut self, batch: &Batch, start: usize, end: usize) {
        if end > start {
            self.pending.push(batch.slice(start, end - start));
        }
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let group = concat_batches(&self.schema, &self.pending)?;
        self.pending.clear();
        self.table.write(&group)?;
        self.table.end_row_group()
    }
}

/// What each row weighs: tokens if there are any, else bytes of text, else nothing.
fn weights(batch: &Batch) -> Result<Vec<u64>> {
    let offsets = if let Some(ids) = batch.column_by_name(INPUT_IDS.name) {
        let ids = ids.as_list_opt::<i32>().ok_or_else(|| Error::internal("input_ids holds no lists"))?;
        ids.value_offsets()
    } else if let Some(texts) = batch.column_by_name(TEXT.name).filter(|array| *array.data_type() == DataType::Utf8) {
        texts.as_string::<i32>().value_offsets()
    } else {
        return Ok(vec![0; batch.num_rows()]);
    };
    Ok(offsets.windows(2).map(|pair| u64::from((pair[1] - pair[0]).unsigned_abs())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use arrow::datatypes::{Field, Int32Type};
    use parquet::file::metadata::ParquetMetaData;

    use crate::io::{read_table, table_metadata};
    use crate::stage::ListBuilder;

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
        Batch::try_new(tokens_schema(), vec![names, sources, ids.finish().unwrap(), Arc::new(Int32Array::from(lengths))]).unwrap()
    }

    fn meta() -> TokensMeta {
        TokensMeta { tokenizer_blake3: "00".repeat(32), vocab_size: 30_000, eos: 1, pad: 2, plan_fingerprint: "11".repeat(32) }
    }

    fn write(dir: &Path, name: &str, options: &Options, cuts: &[usize]) -> FileEntry {
        let staging = Staging::new(dir.join("tmp")).unwrap();
        let mut part = PartWriter::create(&staging, name, tokens_schema(), tokens_properties(options, &meta())).unwrap();
        for pair in cuts.windows(2) {
            part.write(&rows(pair[0], pair[1])).unwrap();
        }
        assert_eq!(part.rows(), *cuts.last().unwrap() as u64);
        part.commit(&dir.join(name), format!("tokens/{name}")).unwrap()
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
        assert_eq!(value("seimai.plan_fingerprint"), Some("11".repeat(32)));
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
        let mut part = PartWriter::create(&staging, "a", schema, documents_properties("11")).unwrap();
        part.write(&batch).unwrap();
        part.commit(&dir.path().join("a"), "documents/a".into()).unwrap();
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
        part.write(&wider.project(&[4, 3, 2, 1, 0]).unwrap()).unwrap();
        assert!(part.write(&wider.project(&[0, 1, 2]).unwrap()).unwrap_err().to_string().contains("n_tokens is missing"));
        part.commit(&dir.path().join("a"), "a".into()).unwrap();
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
}
