//! Raw files → records: the door through which text comes in.
//!
//! [`expand`] lists the input files of a plan, [`Framer`] cuts them into shards, [`RawShard::decode`] parses a shard into
//! [`Record`]s and quarantine, and [`BatchBuilder`] puts records into batches of columns. Every record that is read is either
//! given on or quarantined with file, place and reason.

pub mod charset;
mod compression;
mod decoding;
mod format;
mod framing;
mod inputs;
pub mod jsonl;
mod parquet;
mod warc;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringBuilder};
use arrow::datatypes::Schema;

pub use self::framing::{Cut, Framer, RawShard};
pub use self::inputs::{escape_name, expand, unescape_name};
use crate::error::Result;
use crate::quarantine::Quarantined;
use crate::schema::{Column, DATE, DOC_ID, LICENSE, META, SOURCE, TEXT, URL};
use crate::stage::Batch;

/// `[input]`: which files are read, and what is known of them.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Files, directories and patterns (`*`, `?`, `[…]`, `{a,b}`, `**`), relative to the plan; `-` is standard input. JSON Lines, Parquet, WARC or plain text, also as .gz and .zst; told apart by content.
    pub paths: Vec<String>,
    /// What holds for records that say nothing of it themselves.
    pub source: SourceDefaults,
    /// Longest record in decoded bytes, at most 1 GiB; a longer one is quarantined.
    pub record_max: u64,
    /// Read links that lead out of an input directory (caches of dataset hubs consist of them).
    pub follow_links: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { paths: Vec::new(), source: SourceDefaults::default(), record_max: 16 << 20, follow_links: false }
    }
}

impl Options {
    /// One sentence for a value that is out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.paths.is_empty() {
            return Err("input.paths is empty; name at least one file, directory or pattern".to_owned());
        }
        if self.paths.iter().any(|path| path.is_empty() || path.contains('\0')) {
            return Err("input.paths holds an empty path or one with a NUL".to_owned());
        }
        if !(1..=1 << 30).contains(&self.record_max) {
            return Err(format!("input.record_max is {}; it must lie between 1 and 1073741824", self.record_max));
        }
        Ok(())
    }
}

/// `input.source`: provenance of records that carry none.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceDefaults {
    /// Name of the corpus; without it, the name of the file.
    pub name: Option<String>,
    /// Licence, best as an SPDX expression.
    pub license: Option<String>,
    /// Country in which the data has to stay; noted in the manifest.
    pub residency: Option<String>,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// How to open it.
    pub path: PathBuf,
    /// How the manifest names it: relative, escaped reversibly, unique in the run.
    pub name: String,
    /// Its size when it was listed.
    pub bytes: u64,
    /// Its time of change when it was listed, in nanoseconds since 1970.
    pub mtime_ns: i128,
}

/// A record that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its own id.
    pub id: Option<String>,
    /// The document.
    pub text: String,
    /// Where it comes from.
    pub source: Option<String>,
    /// Address.
    pub url: Option<String>,
    /// Licence.
    pub license: Option<String>,
    /// Date, in the spelling of the record.
    pub date: Option<String>,
    /// Anything else, as JSON.
    pub meta: Option<String>,
    /// Index of the input file.
    pub input: u32,
    /// Number in the file from 1, bad records counted; 0 for a document that is the whole file.
    pub ordinal_in_file: u64,
}

/// What a shard held beside its records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// In the order of input and offset.
    pub quarantined: Vec<Quarantined>,
    /// Per input index, ascending; the parts of a file that several shards share are added up with [`InputTally::add`].
    pub tallies: Vec<(u32, InputTally)>,
}

/// What was read from an input file; `records + quarantined` is what the conservation law calls read.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputTally {
    /// Records given on.
    pub records: u64,
    /// Lines of quarantine.
    pub quarantined: u64,
    /// Decoded bytes.
    pub decoded_bytes: u64,
    /// The charset found, for text and WARC files; `mixed` if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Places without meaning in that charset, now U+FFFD.
    pub replaced: u64,
}

impl InputTally {
    /// Adds what another shard read from the same file.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.quarantined += other.quarantined;
        self.decoded_bytes += other.decoded_bytes;
        self.replaced += other.replaced;
        other.charset.iter().for_each(|charset| self.note_charset(charset));
    }

    /// A file of many pages may be in many charsets; then it is `mixed`.
    fn note_charset(&mut self, charset: &str) {
        match &self.charset {
            None => self.charset = Some(charset.to_owned()),
            Some(known) if known == charset => {}
            Some(_) => self.charset = Some("mixed".to_owned()),
        }
    }
}

/// The columns of [`BatchBuilder`].
pub const COLUMNS: [Column; 7] = [DOC_ID, TEXT, SOURCE, URL, LICENSE, DATE, META];
/// Rows of a batch, at most.
pub const BATCH_ROWS: usize = 1024;
/// Bytes of text after which a batch is full.
pub const BATCH_BYTES: usize = 2 << 20;

/// A batch of [`COLUMNS`] without rows.
pub fn empty_batch() -> Batch {
    RecordBatch::new_empty(Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>())))
}

/// A file (or `-`, standard input) as decoded bytes: compression is undone, nothing else.
///
/// # Errors
/// The file cannot be opened.
pub fn open_decoded(path: &std::path::Path) -> Result<Box<dyn std::io::BufRead>> {
    let stream = framing::open_source(path).map_err(|e| crate::error::Error::io(path, "open", e))?;
    Ok(Box::new(std::io::BufReader::with_capacity(1 << 16, compression::Reader::new(stream))))
}

/// Records → batches of [`COLUMNS`].
pub struct BatchBuilder {
    inputs: Arc<[InputFile]>,
    defaults: SourceDefaults,
    schema: Arc<Schema>,
    columns: [StringBuilder; COLUMNS.len()],
    rows: usize,
    scratch: String,
}

impl BatchBuilder {
    /// Starts empty; `defaults` is what records inherit.
    pub fn new(inputs: Arc<[InputFile]>, defaults: &SourceDefaults) -> Self {
        let schema = Arc::new(Schema::new(COLUMNS.iter().map(Column::field).collect::<Vec<_>>()));
        let columns = std::array::from_fn(|_| StringBuilder::new());
        Self { inputs, defaults: defaults.clone(), schema, columns, rows: 0, scratch: String::new() }
    }

    /// Adds a record; gives a batch when it is full.
    pub fn push(&mut self, record: &Record) -> Result<Option<Batch>> {
        let file = &self.inputs[record.input as usize].name;
        let source = record.source.as_deref().or(self.defaults.name.as_deref()).unwrap_or_else(|| stem(file));
        let license = record.license.as_deref().or(self.defaults.license.as_deref());
        doc_id(&mut self.scratch, record, file);
        let [doc_id, text, sources, url, licenses, date, meta] = &mut self.columns;
        doc_id.append_value(&self.scratch);
        text.append_value(&record.text);
        sources.append_value(source);
        url.append_option(record.url.as_deref());
        licenses.append_option(license);
        date.append_option(record.date.as_deref());
        meta.append_option(record.meta.as_deref());
        self.rows += 1;
        let is_full = self.rows >= BATCH_ROWS || self.columns.iter().any(|column| column.values_slice().len() >= BATCH_BYTES);
        if is_full { self.finish() } else { Ok(None) }
    }

    /// The batch of the records since the last one, if there are any.
    pub fn finish(&mut self) -> Result<Option<Batch>> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.rows = 0;
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

/// The record's own id, else `<file>#<number>`, else (the whole file) the name of the file.
fn doc_id(id: &mut String, record: &Record, file: &str) {
    use std::fmt::Write as _;
    id.clear();
    match record.id.as_deref() {
        Some(own) if !own.is_empty() => id.push_str(own),
        _ => id.push_str(file),
    }
    if record.id.as_deref().is_none_or(str::is_empty) && record.ordinal_in_file > 0 {
        // Writing to a string cannot fail.
        let _ = write!(id, "#{}", record.ordinal_in_file);
    }
}

/// The file name up to its first dot (one in front does not count).
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let end = file.char_indices().skip(1).find(|(_, c)| *c == '.').map_or(file.len(), |(at, _)| at);
    file.get(..end).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    const CUTS: [Cut; 3] = [
        Cut { shard_bytes: 16 << 20, shard_rows: 65_536 },
        Cut { shard_bytes: 1000, shard_rows: 3 },
        Cut { shard_bytes: 1, shard_rows: 1 },
    ];

    #[derive(Debug, Default, PartialEq)]
    struct Read {
        records: Vec<Record>,
        quarantined: Vec<Quarantined>,
        tallies: Vec<InputTally>,
        shards: u64,
    }

    fn options(paths: &[&str]) -> Options {
        Options { paths: paths.iter().map(|path| (*path).to_owned()).collect(), ..Options::default() }
    }

    fn read_with(options: &Options, base: &Path, cut: Cut) -> Result<Read> {
        options.check().unwrap();
        let inputs: Arc<[InputFile]> = expand(options, base)?.into();
        let mut read = Read { tallies: vec![InputTally::default(); inputs.len()], ..Read::default() };
        let mut framer = Framer::new(Arc::clone(&inputs), options, cut);
        while let Some(shard) = framer.next_shard()? {
            assert_eq!(shard.index, read.shards);
            read.shards += 1;
            let outcome = shard.decode(options, &mut |record| {
                read.records.push(record);
                Ok(())
            })?;
            read.quarantined.extend(outcome.quarantined);
            outcome.tallies.iter().for_each(|(input, tally)| read.tallies[*input as usize].add(tally));
        }
        let (records, quarantined) = read.tallies.iter().fold((0, 0), |(r, q), tally| (r + tally.records, q + tally.quarantined));
        assert_eq!((records, quarantined), (read.records.len() as u64, read.quarantined.len() as u64));
        Ok(read)
    }

    fn read(base: &Path, paths: &[&str]) -> Read {
        read_with(&options(paths), base, Cut::default()).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "a test's own input")]
    fn write(dir: &Path, name: &str, bytes: &[u8]) {
        std::fs::write(dir.join(name), bytes).unwrap();
    }

    fn reasons(read: &Read) -> Vec<(u64, Option<u64>, u64, &str)> {
        read.quarantined.iter().map(|q| (q.offset, q.line, q.length, q.reason.as_str())).collect()
    }

    fn texts(read: &Read) -> Vec<&str> {
        read.records.iter().map(|record| record.text.as_str()).collect()
    }

    #[test]
    fn lines_have_places() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.jsonl", b"\xef\xbb\xbf{\"text\":\"a\"}\r\n \n{bad\r\n{\"text\":\"b\",\"id\":7}\n{\"text\":\"c");
        let read = read(dir.path(), &["a.jsonl"]);
        assert_eq!(texts(&read), ["a", "b"]);
        assert_eq!(read.records.iter().map(|r| r.ordinal_in_file).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(reasons(&read), [(19, Some(3), 4, "json_syntax"), (45, Some(5), 10, "json_eof")]);
        assert_eq!(read.quarantined[0].file, "a.jsonl");
    }

    #[test]
    fn a_long_record_is_skipped_exactly() {
        let dir = tempfile::tempdir().unwrap();
        let line = |n: usize| format!("{{\"text\":\"{}\"}}", "x".repeat(n - 11));
        for end in ["\n", "\r\n"] {
            write(dir.path(), "a.jsonl", [line(40), line(41), line(20), line(1_000_000), line(40)].join(end).as_bytes());
            write(dir.path(), "b.txt", "x".repeat(41).as_bytes());
            for cut in CUTS {
                let read = read_with(&Options { record_max: 40, ..options(&["a.jsonl", "b.txt"]) }, dir.path(), cut).unwrap();
                assert_eq!(read.records.iter().map(|r| r.ordinal_in_file).collect::<Vec<_>>(), [1, 3, 5]);
                assert!(read.quarantined.iter().all(|q| q.reason == "record_too_long"));
                assert_eq!(read.quarantined.iter().map(|q| q.line).collect::<Vec<_>>(), [Some(2), Some(4), None]);
                assert_eq!(read.quarantined[1].offset as usize, 40 + 41 + 20 + 3 * end.len());
            }
        }
    }

    #[test]
    fn texts_are_documents() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.txt", &encoding_rs::EUC_JP.encode("これは一つの文書です。\n二行目もあります。\n").0);
        write(dir.path(), "b.md", b"{not json");
        write(dir.path(), "c.txt", b"");
        write(dir.path(), "d.bin", &[0xff, 0x80, 0xfd, 0xa0].repeat(100));
        let read = read(dir.path(), &["."]);
        assert_eq!(texts(&read), ["これは一つの文書です。\n二行目もあります。\n", "{not json"]);
        assert_eq!(read.tallies[0].charset.as_deref(), Some("euc-jp"));
        assert_eq!(reasons(&read), [(0, None, 400, "charset")]);
    }

    #[test]
    fn damage_keeps_what_was_whole() {
        let dir = tempfile::tempdir().unwrap();
        let packed = zstd::encode_all(&b"{\"text\":\"a\"}\n{\"text\":\"b\"}"[..], 0).unwrap();
        write(dir.path(), "behind.jsonl.zst", &[&packed[..], b"junk"].concat());
        write(dir.path(), "behind.txt", &[&zstd::encode_all(&b"text"[..], 0).unwrap()[..], b"junk"].concat());
        let block = |bytes: &[u8]| [&(bytes.len() as u32 * 8).to_le_bytes()[..3], bytes].concat();
        let cut = [&b"\x28\xb5\x2f\xfd\x00\x58"[..], &block(b"{\"text\":\"a\"}\n{\"te"), b"\x01"].concat();
        write(dir.path(), "cut.jsonl.zst", &cut);
        write(dir.path(), "cut.txt", &cut);
        let read = read(dir.path(), &["."]);
        assert_eq!(texts(&read), ["a", "b", "text", "a"]);
        let expected = [(25, None, 0, "zstd_magic"), (4, None, 0, "zstd_magic"), (13, Some(2), 4, "zstd_eof"), (0, None, 17, "zstd_eof")];
        assert_eq!(reasons(&read), expected);
    }

    #[test]
    fn bad_warc_records_cost_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let warc = |kind: &str, body: &str, length: usize| {
            format!("WARC/1.1\r\nWARC-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}\r\n\r\n").into_bytes()
        };
        let sound = |body: &str| warc("conversion", body, body.len());
        let long = sound(&"x".repeat(1000));
        let file = [
            warc("warcinfo", "about", 5),
            sound("一"),
            warc("conversion", "short", 2),
            sound("二"),
            warc("conversion", "long", 200),
            sound("三"),
            b"junk\n".to_vec(),
            sound("四"),
            long,
            sound("五\nWARC/ in the text"),
            warc("conversion", "the end is not here", 300),
        ]
        .concat();
        write(dir.path(), "a.warc", &file);
        write(dir.path(), "b.warc.gz", &zstd::encode_all(&file[..file.len() - 330], 0).unwrap());
        for cut in CUTS {
            let read = read_with(&Options { record_max: 500, ..options(&["a.warc"]) }, dir.path(), cut).unwrap();
            assert_eq!(texts(&read), ["一", "二", "三", "四", "五\nWARC/ in the text"]);
            let found: Vec<_> = read.quarantined.iter().map(|q| q.reason.as_str()).collect();
            assert_eq!(found, ["warc_length", "warc_length", "warc_header", "record_too_long", "warc_length"]);
            assert_eq!(read.records[1].ordinal_in_file, 3);
            assert!(file[read.quarantined[2].offset as usize..].starts_with(b"junk\n") && read.quarantined[2].length == 5);
        }
        assert_eq!(texts(&read_with(&options(&["b.warc.gz"]), dir.path(), Cut::default()).unwrap())[..3], ["一", "二", "三"]);
    }

    #[test]
    fn batches_have_ids_and_provenance() {
        let files = ["web/a.b.jsonl", "note.txt"].map(|name| InputFile { path: name.into(), name: name.into(), bytes: 0, mtime_ns: 0 });
        let defaults = SourceDefaults { license: Some("CC0-1.0".into()), ..SourceDefaults::default() };
        let mut builder = BatchBuilder::new(files.into(), &defaults);
        let record = Record { text: "a".into(), ordinal_in_file: 4, ..Record::default() };
        assert!(builder.push(&record).unwrap().is_none());
        assert!(builder.push(&Record { id: Some("x".into()), license: Some("MIT".into()), ..record.clone() }).unwrap().is_none());
        assert!(builder.push(&Record { input: 1, ordinal_in_file: 0, source: Some("s".into()), ..record.clone() }).unwrap().is_none());
        let batch = builder.finish().unwrap().unwrap();
        let column = |wanted| crate::stage::strings(&batch, wanted).unwrap().iter().map(Option::unwrap).collect::<Vec<_>>();
        assert_eq!(column(&DOC_ID), ["web/a.b.jsonl#4", "x", "note.txt"]);
        assert_eq!(column(&SOURCE), ["a", "a", "s"]);
        assert_eq!(column(&LICENSE), ["CC0-1.0", "MIT", "CC0-1.0"]);
        assert!(builder.finish().unwrap().is_none());
        let sizes = (0..3000).filter_map(|_| builder.push(&record).unwrap()).map(|batch| batch.num_rows()).collect::<Vec<_>>();
        assert_eq!(sizes, [1024, 1024]);
        let long = Record { text: "x".repeat(BATCH_BYTES), ..record };
        assert_eq!(builder.push(&long).unwrap().unwrap().num_rows(), 3000 - 2048 + 1);
    }

    /// The hostile set, written by its generator.
    fn hostile(test: &str) -> Option<tempfile::TempDir> {
        let root = std::env::var_os("SEIMAI_SHARED")
            .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
        let generator = root.join("hostile/gen.py");
        let dir = tempfile::tempdir().unwrap();
        let made = generator.exists().then(|| std::process::Command::new("python3").arg(&generator).arg(dir.path()).output());
        if matches!(made, Some(Ok(ref output)) if output.status.success()) {
            return Some(dir);
        }
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: {test} needs shared/hostile/gen.py and python3 (not found)");
        }
        None
    }

    #[derive(serde::Deserialize)]
    struct Case {
        id: String,
        drive: String,
        path: String,
        ok: Option<(u64, Option<u64>)>,
        quarantined: Option<(u64, Option<u64>)>,
        exit: Option<Vec<u8>>,
        one_of: Option<Vec<Alternative>>,
    }

    #[derive(serde::Deserialize)]
    struct Alternative {
        ok: Option<(u64, Option<u64>)>,
        quarantined: Option<(u64, Option<u64>)>,
        exit: Option<Vec<u8>>,
    }

    fn within(count: usize, range: Option<(u64, Option<u64>)>) -> bool {
        range.is_none_or(|(low, high)| low <= count as u64 && high.is_none_or(|high| count as u64 <= high))
    }

    fn judge(case: &Case, result: &Result<Read>) -> bool {
        let fits = |ok, quarantined, exit: Option<&Vec<u8>>| match result {
            Ok(read) => {
                let code = if read.quarantined.is_empty() { 0 } else { 3 };
                within(read.records.len(), ok)
                    && within(read.quarantined.len(), quarantined)
                    && exit.is_none_or(|exit| exit.contains(&code))
            }
            Err(error) => exit.is_some_and(|exit| exit.contains(&error.exit_code())),
        };
        let alternatives = case.one_of.as_deref().unwrap_or_default();
        if alternatives.is_empty() {
            return fits(case.ok, case.quarantined, case.exit.as_ref());
        }
        alternatives.iter().any(|a| fits(a.ok.or(case.ok), a.quarantined.or(case.quarantined), a.exit.as_ref().or(case.exit.as_ref())))
    }

    #[test]
    fn hostile_inputs() {
        let Some(dir) = hostile("hostile_inputs") else { return };
        let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(dir.path().join("expected.json")).unwrap()).unwrap();
        let mut wrong = Vec::new();
        for case in cases.iter().filter(|case| matches!(case.drive.as_str(), "read" | "tree") && !case.id.starts_with("archive")) {
            let result = read_with(&options(&[&case.path]), dir.path(), Cut::default());
            if !judge(case, &result) {
                let found = result.map(|read| (read.records.len(), reasons(&read).iter().map(|r| r.3.to_owned()).collect::<Vec<_>>()));
                wrong.push(format!("{}: {found:?}", case.id));
            }
        }
        assert!(cases.len() > 50 && wrong.is_empty(), "{wrong:#?}");
    }

    proptest! {
        /// Where shards end changes nothing but their number, and shards end where they should.
        #[test]
        fn cuts_change_nothing(lines in proptest::collection::vec("[\\{\\}\\[\\] \"a\r]{0,6}|\\{\"text\":\"[あa]{0,30}\"\\}", 0..40), pack in any::<bool>()) {
            let dir = tempfile::tempdir().unwrap();
            for (name, half) in ["a.jsonl", "b.jsonl"].iter().zip(lines.chunks(lines.len() / 2 + 1)) {
                let bytes = half.join("\n").into_bytes();
                write(dir.path(), name, &if pack { zstd::encode_all(&bytes[..], 0).unwrap() } else { bytes });
            }
            if !lines.is_empty() {
                let [whole, small, least] = CUTS.map(|cut| read_with(&options(&["."]), dir.path(), cut).unwrap());
                prop_assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&small.records, &small.quarantined, &small.tallies));
                prop_assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&least.records, &least.quarantined, &least.tallies));
                prop_assert!(whole.shards <= 1 && whole.shards <= small.shards && small.shards <= least.shards);
            }
        }
    }
}
