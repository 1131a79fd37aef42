//! `README.md` of a run: the dataset card by which Hugging Face's library `datasets` finds the tables, and what a person reads first. It says
//! nothing that the manifest and the tables do not say.

use std::fmt::Write as _;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::layout::{COUNTS, DOCUMENTS, HELD_OUT, REJECTED, TOKENS, is_in};
use super::manifest::Manifest;
use crate::error::Result;
use crate::io::FileEntry;
use crate::quarantine::escape;

/// The tables that can be loaded, the default first; for each its name, and where the documents that are held out stand.
const TABLES: [(&str, &str, Option<&str>); 4] = [
    ("documents", DOCUMENTS, Some(HELD_OUT.documents)),
    ("tokens", TOKENS, Some(HELD_OUT.tokens)),
    ("rejected", REJECTED, None),
    ("counts", COUNTS, None),
];

/// Licences by the names that the Hub knows them by; others go under their own name.
const LICENCES: [&str; 22] = [
    "apache-2.0",
    "mit",
    "cc0-1.0",
    "cc-by-2.0",
    "cc-by-2.5",
    "cc-by-3.0",
    "cc-by-4.0",
    "cc-by-sa-3.0",
    "cc-by-sa-4.0",
    "cc-by-nc-2.0",
    "cc-by-nc-3.0",
    "cc-by-nc-4.0",
    "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0",
    "cc-by-nc-sa-3.0",
    "cc-by-nc-sa-4.0",
    "mpl-2.0",
    "gfdl",
    "odbl",
    "pddl",
];

/// A table with its columns.
struct Table<'m> {
    name: &'static str,
    schema: Schema,
    splits: Vec<Split<'m>>,
}

/// The files of a table that go the same way.
struct Split<'m> {
    name: &'static str,
    path: String,
    files: Vec<&'m FileEntry>,
}

impl<'m> Split<'m> {
    /// Nothing where there are no files: `datasets` then refuses the whole card.
    fn find(name: &'static str, place: &str, manifest: &'m Manifest) -> Option<Self> {
        let files: Vec<&FileEntry> = manifest.files.iter().filter(|file| file.path == place || is_in(place, &file.path)).collect();
        let path = if place == COUNTS { COUNTS.to_owned() } else { format!("{place}/*.parquet") };
        (!files.is_empty()).then_some(Self { name, path, files })
    }

    fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// The card of a run whose tables have their names already; `columns` opens one of them.
pub(super) fn card(columns: &dyn Fn(&str) -> Result<SchemaRef>, manifest: &Manifest) -> Result<String> {
    let mut tables = Vec::new();
    for (name, place, held_out) in TABLES {
        let splits = [Split::find("train", place, manifest), held_out.and_then(|place| Split::find("validation", place, manifest))];
        let splits: Vec<Split<'_>> = splits.into_iter().flatten().collect();
        if let Some(first) = splits.first().and_then(|split| split.files.first()) {
            let schema = columns(&first.path)?;
            tables.push(Table { name, schema: schema.as_ref().clone(), splits });
        }
    }
    Ok(format!("---\n{}---\n\n{}", front(manifest, &tables), body(manifest)))
}

/// A string as YAML: JSON is a part of it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn front(manifest: &Manifest, tables: &[Table<'_>]) -> String {
    let mut yaml = String::from("language:\n- ja\ntask_categories:\n- text-generation\n");
    if let Some(licence) = manifest.source.get("license") {
        let known = LICENCES.into_iter().find(|known| known.eq_ignore_ascii_case(licence));
        let _ = match known {
            Some(known) => writeln!(yaml, "license: {known}"),
            None => writeln!(yaml, "license: other\nlicense_name: {}", quoted(licence)),
        };
    }
    if let Some(name) = manifest.source.get("name") {
        let _ = writeln!(yaml, "pretty_name: {}", quoted(name));
    }
    if let Some(residency) = manifest.source.get("residency") {
        let _ = writeln!(yaml, "residency: {}", quoted(residency));
    }
    let _ = writeln!(yaml, "size_categories:\n- {}", size_category(manifest.totals.kept));
    yaml.push_str("configs:\n");
    for (i, table) in tables.iter().enumerate() {
        let default = if i == 0 { "  default: true\n" } else { "" };
        let _ = write!(yaml, "- config_name: {}\n{default}  data_files:\n", table.name);
        for split in &table.splits {
            let _ = write!(yaml, "  - split: {}\n    path: {}\n", split.name, split.path);
        }
    }
    yaml.push_str("dataset_info:\n");
    for table in tables {
        let _ = write!(yaml, "- config_name: {}\n  features:\n", table.name);
        table.schema.fields().iter().for_each(|field| feature(&mut yaml, field, 2));
        yaml.push_str("  splits:\n");
        for split in &table.splits {
            // `datasets` wants a number of bytes beside that of rows; what the rows would take in memory nobody has counted.
            let (name, rows, bytes) = (split.name, split.rows(), split.bytes());
            let _ = write!(yaml, "  - name: {name}\n    num_bytes: {bytes}\n    num_examples: {rows}\n");
        }
        let bytes: u64 = table.splits.iter().map(Split::bytes).sum();
        let _ = write!(yaml, "  download_size: {bytes}\n  dataset_size: {bytes}\n");
    }
    yaml
}

/// A column as `datasets` writes its features down.
fn feature(yaml: &mut String, field: &Field, indent: usize) {
    let _ = writeln!(yaml, "{:indent$}- name: {}", "", field.name());
    let indent = indent + 2;
    let _ = match field.data_type() {
        DataType::Struct(_) => nested(yaml, "struct", field.data_type(), indent),
        DataType::List(item) => nested(yaml, "list", item.data_type(), indent),
        DataType::FixedSizeList(item, length) => {
            nested(yaml, "list", item.data_type(), indent).and_then(|()| writeln!(yaml, "{:indent$}length: {length}", ""))
        }
        other => writeln!(yaml, "{:indent$}dtype: {}", "", scalar(other)),
    };
}

/// What is inside a struct or a list: the fields of a struct are listed without another word.
fn nested(yaml: &mut String, key: &str, inside: &DataType, indent: usize) -> std::fmt::Result {
    let DataType::Struct(fields) = inside else { return writeln!(yaml, "{:indent$}{key}: {}", "", scalar(inside)) };
    writeln!(yaml, "{:indent$}{key}:", "")?;
    fields.iter().for_each(|field| feature(yaml, field, indent));
    Ok(())
}

/// The name of a type without children, as `datasets` has it.
fn scalar(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "string".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        // Int32 → int32, UInt8 → uint8, Float32 → float32, Binary → binary.
        other => other.to_string().to_lowercase(),
    }
}

fn size_category(documents: u64) -> &'static str {
    match documents {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        10_000_000..100_000_000 => "10M<n<100M",
        100_000_000..1_000_000_000 => "100M<n<1B",
        _ => "n>1B",
    }
}

/// What people read.
fn body(manifest: &Manifest) -> String {
    let totals = &manifest.totals;
    let said = |key: &str| manifest.source.get(key).map_or_else(|| "not stated".to_owned(), |value| cell(value));
    let mut text = format!(
        "# {}\n\nJapanese text, cleaned and made into tokens by Seimai {}. `manifest.json` lists every input and output with its BLAKE3;\n\
         `seimai verify` checks it.\n\n| | |\n|---|---|\n",
        manifest.source.get("name").map_or_else(|| "A corpus".to_owned(), |name| cell(name)),
        manifest.seimai,
    );
    let mut rows = vec![
        ("licence", format!("{}; a document's own stands in its column `license`", said("license"))),
        ("residency", said("residency")),
        (
            "records",
            format!("{} read = {} kept + {} rejected + {} unreadable", totals.read, totals.kept, totals.rejected, totals.quarantined),
        ),
        ("text", format!("{} characters, {} bytes", totals.kept_characters, totals.kept_bytes)),
        ("tokens", format!("{}, vocabulary {}", totals.tokens, manifest.tokenizer.vocab_size)),
        ("pack", format!("{} sequences of {} tokens", manifest.pack.rows, manifest.pack.sequence_length)),
        (
            "dictionary",
            format!("{} {} ({})", cell(&manifest.dictionary.name), cell(&manifest.dictionary.version), cell(&manifest.dictionary.licence)),
        ),
        ("fingerprint", format!("`{}`", manifest.fingerprint)),
    ];
    if let Some(held_out) = &manifest.validation {
        rows.insert(5, ("held out", format!("of these {} documents, {} tokens: split `validation`", held_out.kept, held_out.tokens)));
    }
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {value} |");
    }
    counted(&mut text, "Kept documents by register", &manifest.registers);
    counted(&mut text, "Rejected documents by rule", &manifest.rejected);
    text.push_str(
        "\n```python\nfrom datasets import load_dataset\nfrom transformers import AutoTokenizer\n\
         documents = load_dataset(\".\", split=\"train\")             # documents/; also \"tokens\", \"rejected\", \"counts\"\n\
         tokens = load_dataset(\".\", \"tokens\", split=\"train\")      # row for row the documents\n\
         tokenizer = AutoTokenizer.from_pretrained(\"./tokenizer\")\n```\n",
    );
    text
}

fn counted(text: &mut String, title: &str, counts: &crate::stage::Counts) {
    if !counts.is_empty() {
        let _ = write!(text, "\n| {title} | |\n|---|---|\n");
        for (name, n) in counts {
            let _ = writeln!(text, "| {} | {n} |", cell(name));
        }
    }
}

/// A value in a table: one line, no bar, no markup.
fn cell(value: &str) -> String {
    let mut text = String::new();
    for c in escape(value, 200).chars() {
        if matches!(c, '|' | '<' | '>' | '`' | '*' | '_' | '[' | ']' | '&' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `Features._to_yaml_list` of datasets 5.2 has them.
    #[test]
    fn features_are_spelled_as_datasets_does() {
        let ids = crate::schema::INPUT_IDS.field();
        let pair = DataType::Struct(vec![Field::new("type", DataType::Utf8, true), Field::new("n", DataType::UInt32, true)].into());
        let level = DataType::FixedSizeList(crate::schema::element(DataType::UInt32), 4);
        let fields = vec![Field::new("level", level, true), Field::new("misuse", DataType::List(crate::schema::element(pair)), true), ids];
        let mut yaml = String::new();
        feature(&mut yaml, &Field::new("keigo", DataType::Struct(fields.into()), false), 0);
        let wanted = "- name: keigo\n  struct:\n  - name: level\n    list: uint32\n    length: 4\n  - name: misuse\n    list:\n    - name: type\n      \
                      dtype: string\n    - name: n\n      dtype: uint32\n  - name: input_ids\n    list: int32\n";
        assert_eq!(yaml, wanted);
        for (data_type, name) in
            [(DataType::Float32, "float32"), (DataType::Binary, "binary"), (DataType::UInt64, "uint64"), (DataType::Boolean, "bool")]
        {
            assert_eq!(scalar(&data_type), name);
        }
    }

    #[test]
    fn values_stay_in_their_cell() {
        assert_eq!(cell("a|b\n`c`"), "a\\|b\\\\u{a}\\`c\\`");
        assert_eq!(quoted("\"x\": y\n# z"), "\"\\\"x\\\": y\\n# z\"");
        assert_eq!((size_category(0), size_category(999_999), size_category(u64::MAX)), ("n<1K", "100K<n<1M", "n>1B"));
    }
}
