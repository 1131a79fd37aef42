//! The layout of the files: schema, encodings, pages, row groups, metadata.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::io::created_by;
use crate::schema::{DOC_ID, FILE, INPUT_IDS, LICENSE, N_TOKENS, OFFSET, RESIDENCY, SOURCE};
use crate::shard::options::Options;

/// Version of the Parquet layout, in every file's metadata.
pub const FORMAT_VERSION: u32 = 1;

/// Enters fingerprints: raise it when the same rows give other bytes, which readers need not notice.
pub const VERSION: u32 = 4;

/// Rows of a row group. From 500 to 8,192 rows the size of a file differs by 0.5 % only, and small groups make random access cheap.
pub const GROUP_ROWS: usize = 2_048;

/// Tokens that end a row group before [`GROUP_ROWS`] rows: 128 MiB in memory.
pub const GROUP_TOKENS: u64 = 1 << 25;
/// Bytes of text that end a row group of documents before [`GROUP_ROWS`] rows.
pub(crate) const GROUP_TEXT_BYTES: u64 = 1 << 27;

/// Full path of the leaf column of the tokens. The writer silently ignores a wrong path, so a test reads the encodings back.
pub(crate) const TOKEN_LEAF: &str = "input_ids.list.element";

/// What the key-value metadata of a token shard says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokensMeta {
    /// BLAKE3 of `tokenizer.json`, hex.
    pub tokenizer_blake3: String,
    /// Digest of the content of `tokenizer.json`, which saving it with another library does not change, hex; shards of earlier versions have none.
    pub tokenizer_content: Option<String>,
    /// Ids are below this.
    pub vocab_size: u32,
    /// Id that packing appends to a document; it is not in `input_ids`.
    pub eos: u32,
    /// Id that packing fills rows with.
    pub pad: u32,
}

impl TokensMeta {
    /// Do ids of another shard mean the same? They do for the same file, and for files of the same content.
    pub fn means_the_same_as(&self, other: &Self) -> bool {
        let ids = |meta: &Self| (meta.vocab_size, meta.eos, meta.pad);
        ids(self) == ids(other) && is_same_tokenizer((&self.tokenizer_blake3, self.content()), (&other.tokenizer_blake3, other.content()))
    }

    fn content(&self) -> Option<&str> {
        self.tokenizer_content.as_deref()
    }
}

/// Are two tokenizers the same, by the BLAKE3 of their files and the digests of their contents?
pub fn is_same_tokenizer(one: (&str, Option<&str>), other: (&str, Option<&str>)) -> bool {
    one.0 == other.0 || (one.1.is_some() && one.1 == other.1)
}

/// Schema of a token shard: `doc_id`, `source`, `input_ids`, `n_tokens`, and the provenance that costs next to nothing.
pub fn tokens_schema() -> SchemaRef {
    Arc::new(Schema::new([DOC_ID, SOURCE, INPUT_IDS, N_TOKENS, LICENSE, RESIDENCY, FILE, OFFSET].map(|column| column.field()).to_vec()))
}

/// Properties of a token shard.
pub fn tokens_properties(options: &Options, meta: &TokensMeta) -> WriterProperties {
    let token_encoding = if options.compat { Encoding::PLAIN } else { Encoding::BYTE_STREAM_SPLIT };
    base("tokens", token_pairs(meta))
        .set_column_encoding(leaf(TOKEN_LEAF), token_encoding)
        // Half the work of level 3. Ids in split streams are no larger for it, plain ones 7 % (literature, 32,000 ids: 12.4 bits a token, not 11.5).
        .set_column_compression(leaf(TOKEN_LEAF), zstd(1))
        .set_column_statistics_enabled(leaf(TOKEN_LEAF), EnabledStatistics::None)
        .set_column_encoding(leaf(N_TOKENS.name), Encoding::PLAIN)
        .build()
}

/// Properties of a documents part.
pub fn documents_properties() -> WriterProperties {
    base("documents", Vec::new()).build()
}

/// Properties of a part of an index of duplicates; these columns are stored as they are.
pub fn index_properties(plain: &[&str]) -> WriterProperties {
    let stored = |properties: WriterPropertiesBuilder, column: &&str| {
        let properties = properties.set_column_compression(leaf(column), Compression::UNCOMPRESSED);
        properties.set_column_dictionary_enabled(leaf(column), false).set_column_statistics_enabled(leaf(column), EnabledStatistics::None)
    };
    plain.iter().fold(base("dedup-index", Vec::new()), stored).build()
}

/// Properties of a rejected part.
pub fn rejected_properties() -> WriterProperties {
    base("rejected", Vec::new()).build()
}

/// Columns of the table beside a pair of Megatron's files: `document`, `part`, `row`, `doc_id`.
pub(crate) fn megatron_meta_schema() -> SchemaRef {
    let integer = |name| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![integer("document"), Field::new("part", DataType::Utf8, false), integer("row"), DOC_ID.field()]))
}

/// Properties of that table.
pub(crate) fn megatron_meta_properties(meta: &TokensMeta) -> WriterProperties {
    base("megatron-meta", token_pairs(meta)).set_column_dictionary_enabled(leaf("part"), true).build()
}

/// Long or unique strings: without dictionary, and without statistics, because their least and greatest values are of no use.
const LONG_STRINGS: &[&str] = &["text", "meta", "evidence"];

/// Strings with few different values: with dictionary.
const CATEGORIES: &[&str] = &["source", "license", "date", "residency", "file", "register", "keigo.dominant_style", "stage", "rule"];

/// Nothing of the plan stands in a file: rows that another plan leaves as they are make the same file.
fn base(format: &str, pairs: Vec<KeyValue>) -> WriterPropertiesBuilder {
    let mut metadata = vec![pair("seimai.format", format), pair("seimai.format_version", &FORMAT_VERSION.to_string())];
    metadata.extend(pairs);
    let mut builder = WriterProperties::builder()
        .set_created_by(created_by())
        .set_key_value_metadata(Some(metadata))
        .set_compression(zstd(3))
        .set_dictionary_enabled(false)
        // Pages of 64–256 KiB cost a whole bit a token, 8 MiB gain 0.05.
        .set_data_page_size_limit(1 << 20)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        // For `inspect`, which finds a document by its id without reading every part.
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

fn zstd(level: i32) -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default())
}

fn leaf(path: &str) -> ColumnPath {
    ColumnPath::new(path.split('.').map(str::to_owned).collect())
}

fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue::new(key.to_owned(), value.to_owned())
}

/// The metadata key of a token shard under which the BLAKE3 of its `tokenizer.json` stands.
pub const TOKENIZER_KEY: &str = "seimai.tokenizer_blake3";
/// The key under which the digest of its content stands.
pub const TOKENIZER_CONTENT_KEY: &str = "seimai.tokenizer_content_blake3";
pub(crate) const VOCAB_SIZE_KEY: &str = "seimai.vocab_size";
pub(crate) const EOS_KEY: &str = "seimai.eos_id";
pub(crate) const PAD_KEY: &str = "seimai.pad_id";

fn token_pairs(meta: &TokensMeta) -> Vec<KeyValue> {
    let content = meta.tokenizer_content.as_ref().map(|content| pair(TOKENIZER_CONTENT_KEY, content));
    let mut pairs = vec![pair(TOKENIZER_KEY, &meta.tokenizer_blake3)];
    pairs.extend(content);
    pairs.extend([(VOCAB_SIZE_KEY, meta.vocab_size), (EOS_KEY, meta.eos), (PAD_KEY, meta.pad)].map(|(key, n)| pair(key, &n.to_string())));
    pairs
}
