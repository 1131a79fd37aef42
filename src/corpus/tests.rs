//! The whole way from files to records, over cuts, damage and the hostile set.

mod archives;
mod documents;
mod entries;
mod logs;
mod pages;
mod pieces;
mod responses;
mod speeches;
mod taken;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use proptest::prelude::*;

use super::*;
use crate::error::Result;
use crate::quarantine::Quarantined;
use crate::schema::{DOC_ID, FILE, LICENSE, RESIDENCY, SOURCE};

const LIMITS: [ShardLimits; 3] =
    [ShardLimits { bytes: 16 << 20, records: 65_536 }, ShardLimits { bytes: 1000, records: 3 }, ShardLimits { bytes: 1, records: 1 }];

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

fn read_with(options: &Options, base: &Path, limits: ShardLimits) -> Result<Read> {
    options.check().unwrap();
    let inputs: Arc<[InputFile]> = expand(options, base)?.into();
    let mut read = Read { tallies: vec![InputTally::default(); inputs.len()], ..Read::default() };
    let mut framer = Framer::new(Arc::clone(&inputs), options, limits);
    let mut shards = Vec::new();
    while let Some(shard) = framer.next_shard()? {
        assert_eq!(shard.shard().index, read.shards);
        read.shards += 1;
        let mut records = Vec::new();
        let outcome = decode(&shard, options, &mut records)?;
        shards.push((shard.shard().clone(), records.clone(), outcome.clone()));
        read.records.extend(records);
        read.quarantined.extend(outcome.quarantined);
        outcome.tallies.iter().for_each(|(input, tally)| read.tallies[*input as usize].add(tally));
    }
    each_shard_is_a_value(options, &inputs, limits, &shards)?;
    let (records, quarantined) = read.tallies.iter().fold((0, 0), |(r, q), tally| (r + tally.records, q + tally.quarantined));
    assert_eq!((records, quarantined), (read.records.len() as u64, read.quarantined.len() as u64));
    Ok(read)
}

fn decode(shard: &RawShard, options: &Options, records: &mut Vec<Record>) -> Result<Outcome> {
    shard.decode(options, &mut |record| {
        records.push(record);
        Ok(())
    })
}

/// Framing without reading finds the same shards; each, read by itself and from last to first, holds the same records.
fn each_shard_is_a_value(
    options: &Options,
    inputs: &Arc<[InputFile]>,
    limits: ShardLimits,
    shards: &[(ShardRef, Vec<Record>, Outcome)],
) -> Result<()> {
    let mut framer = Framer::new(Arc::clone(inputs), options, limits);
    let framed: Vec<ShardRef> = std::iter::from_fn(|| framer.next_ref().transpose()).collect::<Result<_>>()?;
    assert!(framed.iter().eq(shards.iter().map(|(shard, ..)| shard)));
    assert_eq!(shards_from_batch(&shards_to_batch(&framed)?)?, framed);
    // Where there are many, every so many: each is reached by a way of its own.
    for (shard, records, outcome) in shards.iter().rev().step_by(1 + shards.len() / 10) {
        let mut found = Vec::new();
        assert_eq!(decode(&framer.read(shard)?, options, &mut found)?, *outcome, "{shard:?}");
        assert_eq!(found, *records, "{shard:?}");
    }
    Ok(())
}

fn read(base: &Path, paths: &[&str]) -> Read {
    read_with(&options(paths), base, ShardLimits::default()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test's own input")]
fn write(dir: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(dir.join(name), bytes).unwrap();
}

fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    std::io::Write::write_all(&mut writer, bytes).unwrap();
    writer.finish().unwrap()
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

/// One record, in two formats: side fields of any type never cost it.
#[test]
fn side_fields_never_cost_a_document() {
    let Some(dir) = shared("side_fields_never_cost_a_document", "cases/9-records.jsonl") else { return };
    let dir = dir.parent().unwrap();
    let read = read(dir, &["9-records.jsonl", "9-date.parquet"]);
    let lines: Vec<u64> = read.records.iter().filter(|record| record.input == 0).map(|record| record.ordinal_in_file).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 9, 11, 12, 14, 16, 17, 18, 19]);
    assert_eq!(reasons(&read).iter().map(|(_, line, ..)| line.unwrap()).collect::<Vec<_>>(), [8, 10, 13, 15]);
    let of = |id: &str| read.records.iter().find(|record| record.id.as_deref() == Some(id)).unwrap();
    assert_eq!((of("date-int").date.as_deref(), of("p1").date.as_deref()), (Some("1577836800"), Some("1577836800")));
    let not_kept: Vec<(&str, u64)> = read.tallies[0].fields_not_kept.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    assert_eq!(not_kept, [("id", 2), ("license", 1), ("score", 1), ("source", 1), ("url", 1), ("x", 2)]);
    assert!(read.records.iter().filter(|record| [16, 17].contains(&record.ordinal_in_file)).all(|record| record.id.is_none()));
}

/// Fields of a plan, and provenance, in two formats: the same records.
#[test]
fn fields_of_a_plan_are_read_from_json_and_from_tables() {
    let dir = tempfile::tempdir().unwrap();
    let line =
        r#"{"doc":{"title":"題","body":"文。","tags":["a"]},"a.b":"i1","lang":"ja","when":2020,"n":null,"href":"http://www.a.go.jp/"}"#;
    write(dir.path(), "a.jsonl", format!("{line}\n").as_bytes());
    let strings = |value: &'static str| Arc::new(arrow::array::StringArray::from(vec![value])) as ArrayRef;
    let tags: ArrayRef = {
        let mut list = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
        list.append_value([Some("a")]);
        Arc::new(list.finish())
    };
    let doc: ArrayRef =
        Arc::new(arrow::array::StructArray::try_from(vec![("title", strings("題")), ("body", strings("文。")), ("tags", tags)]).unwrap());
    let when: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![2020]));
    let n: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![None]));
    let columns =
        [("doc", doc), ("a.b", strings("i1")), ("lang", strings("ja")), ("when", when), ("n", n), ("href", strings("http://www.a.go.jp/"))];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    write(dir.path(), "b.parquet", &writer.into_inner().unwrap());
    let plan = |rest: &str| -> Options {
        toml::from_str(&format!(
            r#"paths = ["a.jsonl", "b.parquet"]
            fields = {{ text = ["doc.title", "doc.body"], joiner = "\n", id = "/a.b", url = "href", date = "when", rest = "{rest}" }}
            [[rules]]
            hosts = ["go.jp"]
            source = {{ license = "GJSTU-2.0", residency = "JP" }}"#
        ))
        .unwrap()
    };
    for limits in LIMITS {
        let kept = read_with(&plan("meta"), dir.path(), limits).unwrap();
        assert_eq!(reasons(&kept), []);
        let expected = Record {
            id: Some("i1".into()),
            text: "題\n文。".into(),
            url: Some("http://www.a.go.jp/".into()),
            date: Some("2020".into()),
            license: Some("GJSTU-2.0".into()),
            residency: Some("JP".into()),
            meta: Some(r#"{"doc.tags":["a"],"lang":"ja"}"#.into()),
            ordinal_in_file: 1,
            ..Record::default()
        };
        assert_eq!(kept.records, [expected.clone(), Record { input: 1, ..expected.clone() }]);
        assert!(kept.tallies.iter().all(|tally| tally.fields_not_kept.is_empty()));
        let dropped = read_with(&plan("drop"), dir.path(), limits).unwrap();
        assert_eq!(dropped.records[0], Record { meta: None, ..expected });
        let names = |tally: &InputTally| tally.fields_not_kept.clone().into_iter().collect::<Vec<_>>();
        assert_eq!(names(&dropped.tallies[0]), [("doc.tags".to_owned(), 1), ("lang".to_owned(), 1)]);
        assert_eq!(names(&dropped.tallies[1]), [("doc.tags".to_owned(), 1), ("lang".to_owned(), 1), ("n".to_owned(), 1)]);
    }
    let missing = read_with(&options(&["a.jsonl", "b.parquet"]), dir.path(), LIMITS[0]).unwrap();
    assert_eq!(missing.quarantined.iter().map(|q| q.reason.as_str()).collect::<Vec<_>>(), ["text_missing"; 2]);
    assert!(missing.quarantined.iter().all(|q| q.detail.contains("it has: doc, a.b, lang") && q.detail.contains("input.fields.text")));
}

#[test]
fn a_long_record_is_skipped_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let line = |n: usize| format!("{{\"text\":\"{}\"}}", "x".repeat(n - 11));
    for end in ["\n", "\r\n"] {
        write(dir.path(), "a.jsonl", [line(40), line(41), line(20), line(1_000_000), line(40)].join(end).as_bytes());
        write(dir.path(), "b.txt", "x".repeat(41).as_bytes());
        for limits in LIMITS {
            let read = read_with(&Options { record_max: 40, ..options(&["a.jsonl", "b.txt"]) }, dir.path(), limits).unwrap();
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
    write(dir.path(), "e.txt", b"\xff\xfe\x42\x30\x44");
    let read = read(dir.path(), &["."]);
    assert_eq!(texts(&read), ["これは一つの文書です。\n二行目もあります。\n", "{not json"]);
    assert_eq!(read.tallies[0].charset.as_deref(), Some("euc-jp"));
    assert_eq!(reasons(&read), [(0, None, 400, "charset"), (0, None, 5, "utf16")]);
}

/// A Parquet file of one column of bytes, with nothing that says whether they are text.
fn table_of_bytes(values: &[&[u8]]) -> Vec<u8> {
    let array: ArrayRef = Arc::new(arrow::array::BinaryArray::from_iter_values(values));
    let batch = RecordBatch::try_from_iter([("text", array)]).unwrap();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn a_row_that_is_no_text_costs_itself() {
    let dir = tempfile::tempdir().unwrap();
    let japanese = encoding_rs::SHIFT_JIS.encode("これは長い文です。").0;
    write(dir.path(), "a.parquet", &table_of_bytes(&["一".as_bytes(), &japanese, "三".as_bytes(), b"\xff", "五".as_bytes()]));
    for limits in LIMITS {
        let read = read_with(&options(&["a.parquet"]), dir.path(), limits).unwrap();
        assert_eq!(texts(&read), ["一", "三", "五"]);
        assert_eq!(reasons(&read), [(1, None, japanese.len() as u64, "utf8"), (3, None, 1, "utf8")]);
        assert!(read.quarantined.iter().all(|q| q.kind == crate::quarantine::Kind::Record && q.detail.starts_with("column text: ")));
        assert_eq!(read.records[2].ordinal_in_file, 5);
    }
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
    for limits in LIMITS {
        let read = read_with(&Options { record_max: 500, ..options(&["a.warc"]) }, dir.path(), limits).unwrap();
        assert_eq!(texts(&read), ["一", "二", "三", "四", "五\nWARC/ in the text"]);
        let found: Vec<_> = read.quarantined.iter().map(|q| q.reason.as_str()).collect();
        assert_eq!(found, ["warc_length", "warc_length", "warc_header", "record_too_long", "warc_length"]);
        assert_eq!(read.records[1].ordinal_in_file, 3);
        assert!(file[read.quarantined[2].offset as usize..].starts_with(b"junk\n") && read.quarantined[2].length == 5);
    }
    assert_eq!(texts(&read_with(&options(&["b.warc.gz"]), dir.path(), ShardLimits::default()).unwrap())[..3], ["一", "二", "三"]);
}

/// Lines in many members or frames, a damaged one among them: reading that begins in the middle finds the same records and the same damage.
#[test]
fn compressed_files_are_entered_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let lines = |n: u32| {
        let line = |i: u32| format!("{{\"text\":\"{n} {}\"}}\n", i.wrapping_mul(n) % 9973);
        (0..4000).map(line).collect::<Vec<_>>().concat().repeat(4).into_bytes()
    };
    let zstd = |bytes: &[u8]| {
        let mut writer = zstd::Encoder::new(Vec::new(), 1).unwrap();
        writer.include_checksum(true).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
        writer.finish().unwrap()
    };
    let limits = ShardLimits { bytes: 100_000, ..ShardLimits::default() };
    for (name, pack) in [("a.jsonl.gz", &(|bytes: &[u8]| gzip(bytes, 1)) as &dyn Fn(&[u8]) -> Vec<u8>), ("a.jsonl.zst", &zstd)] {
        let members: Vec<Vec<u8>> = (1..6).map(|n| pack(&lines(n))).collect();
        let sound = members.concat();
        write(dir.path(), name, &sound);
        let read = read_with(&options(&[name]), dir.path(), limits).unwrap();
        assert_eq!((read.records.len(), read.quarantined.len()), (5 * 16_000, 0));
        let inputs: Arc<[InputFile]> = expand(&options(&[name]), dir.path()).unwrap().into();
        let mut framer = Framer::new(inputs, &options(&[name]), limits);
        let shards: Vec<ShardRef> = std::iter::from_fn(|| framer.next_ref().unwrap()).collect();
        let entries: std::collections::BTreeSet<u64> = shards.iter().map(|shard| shard.start.entry.file).collect();
        assert_eq!(entries.len(), 5, "{name}: a shard is reached from the member it lies in");
        assert!(shards.iter().all(|shard| shard.start.steps_over() < 400_000));
        // Damage in the fourth, at several points of it.
        let start: usize = members[..3].iter().map(Vec::len).sum();
        for at in (start + 20..start + members[3].len()).step_by(members[3].len() / 9) {
            let mut bad = sound.clone();
            bad[at] ^= 0x55;
            write(dir.path(), name, &bad);
            let read = read_with(&options(&[name]), dir.path(), limits).unwrap();
            // Behind a changed byte decoding may go on with other text until the checksum tells.
            assert!(read.quarantined.last().is_some_and(|last| last.kind == crate::quarantine::Kind::File), "{name} {at}");
            assert!((3 * 16_000..=4 * 16_000).contains(&read.records.len()), "{name} {at}: {}", read.records.len());
        }
    }
}

#[test]
fn workers_can_share_a_framer() {
    fn is_send<T: Send>() {}
    is_send::<std::sync::Mutex<Framer>>();
    is_send::<RawShard>();
}

#[test]
fn what_is_no_input_format() {
    let dir = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut tar::Header::new_ustar(), "x.jsonl", &b""[..]).unwrap();
    let tar = tar.into_inner().unwrap();
    write(dir.path(), "a.zst", &zstd::encode_all(&zstd::encode_all(&tar[..], 0).unwrap()[..], 0).unwrap());
    write(dir.path(), "b.jsonl", b"7z\xbc\xaf\x27\x1c");
    write(dir.path(), "c.parquet.zst", &zstd::encode_all(&b"PAR1PAR1"[..], 0).unwrap());
    write(dir.path(), "d.jsonl", "\u{feff}{\"text\":\"a\"}\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice());
    for name in ["a.zst", "b.jsonl", "c.parquet.zst"] {
        let error = read_with(&options(&[name]), dir.path(), ShardLimits::default()).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("unsupported_container"), "{error}");
    }
    std::os::unix::fs::symlink("nowhere", dir.path().join("e.jsonl")).unwrap();
    let read = read(dir.path(), &["."]);
    let found: Vec<_> = read.quarantined.iter().map(|q| (q.reason.as_str(), q.kind)).collect();
    let file = crate::quarantine::Kind::File;
    let container = ("unsupported_container", file);
    assert_eq!(found, [container, container, container, ("utf16", file), ("io_not_found", file)]);
}

#[test]
fn a_file_that_changes_stops_the_run() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.jsonl", b"{\"text\":\"a\"}\n");
    let options = options(&["a.jsonl"]);
    let inputs: Arc<[InputFile]> = expand(&options, dir.path()).unwrap().into();
    for grown in [&b"{\"text\":\"a\"}\n{}\n"[..], b""] {
        write(dir.path(), "a.jsonl", grown);
        let error = Framer::new(Arc::clone(&inputs), &options, ShardLimits::default()).next_shard().unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("a.jsonl"));
    }
    std::fs::remove_file(dir.path().join("a.jsonl")).unwrap();
    let shard = Framer::new(inputs, &options, ShardLimits::default()).next_shard().unwrap().unwrap();
    assert_eq!(shard.decode(&options, &mut |_| Ok(())).unwrap().quarantined[0].reason, "io_not_found");
}

#[test]
fn batches_have_ids_and_provenance() {
    let files =
        ["web/a.b.jsonl", "note.txt"].map(|name| InputFile { path: name.into(), name: name.into(), bytes: 0, mtime_ns: 0, part: None });
    let defaults = SourceDefaults { license: Some("CC0-1.0".into()), residency: Some("JP".into()), ..SourceDefaults::default() };
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
    assert_eq!((column(&FILE), column(&RESIDENCY)), (vec!["web/a.b.jsonl", "web/a.b.jsonl", "note.txt"], vec!["JP"; 3]));
    assert!(builder.finish().unwrap().is_none());
    let sizes = (0..3000).filter_map(|_| builder.push(&record).unwrap()).map(|batch| batch.num_rows()).collect::<Vec<_>>();
    assert_eq!(sizes, [1024, 1024]);
    let long = Record { text: "x".repeat(BATCH_BYTES), ..record };
    assert_eq!(builder.push(&long).unwrap().unwrap().num_rows(), 3000 - 2048 + 1);
}

/// The hostile set, written by its generator.
fn hostile(test: &str) -> Option<tempfile::TempDir> {
    let generator = shared(test, "hostile/gen.py")?;
    let dir = tempfile::tempdir().unwrap();
    match std::process::Command::new("python3").arg(&generator).arg(dir.path()).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => return skip(test, "python3"),
    }
    Some(dir)
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
            within(read.records.len(), ok) && within(read.quarantined.len(), quarantined) && exit.is_none_or(|exit| exit.contains(&code))
        }
        Err(error) => exit.is_some_and(|exit| exit.contains(&error.exit_code())),
    };
    let alternatives = case.one_of.as_deref().unwrap_or_default();
    if alternatives.is_empty() {
        return fits(case.ok, case.quarantined, case.exit.as_ref());
    }
    alternatives.iter().any(|a| fits(a.ok.or(case.ok), a.quarantined.or(case.quarantined), a.exit.as_ref().or(case.exit.as_ref())))
}

/// Cases whose expectation is older than a decision: the numbers that JSON does not know are nothing in a side field, which never costs the text.
const SUPERSEDED: &[&str] = &["json-05"];

#[test]
fn hostile_inputs() {
    let Some(dir) = hostile("hostile_inputs") else { return };
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(dir.path().join("expected.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| matches!(case.drive.as_str(), "read" | "tree")) {
        let result = read_with(&options(&[&case.path]), dir.path(), ShardLimits::default());
        if !judge(case, &result) && !SUPERSEDED.contains(&case.id.as_str()) {
            let found = result.map(|read| (read.records.len(), reasons(&read).iter().map(|r| r.3.to_owned()).collect::<Vec<_>>()));
            wrong.push(format!("{}: {found:?}", case.id));
        }
    }
    assert!(cases.len() > 50 && wrong.is_empty(), "{wrong:#?}");
}

/// A path of the shared data, or a line that says the test is skipped.
pub(super) fn shared(test: &str, path: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    let found = std::env::var_os("SEIMAI_SHARED").map_or_else(beside, PathBuf::from).join(path);
    if found.exists() { Some(found) } else { skip(test, &format!("shared/{path}")) }
}

fn skip<T>(test: &str, what: &str) -> Option<T> {
    crate::testing::skipped(test, what);
    None
}

fn zstd_lines(path: &Path) -> Vec<serde_json::Value> {
    let bytes = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// The first 3,000 pages of the shared set that survive HTML and their charset: number, text.
fn crawled_pages(dir: &Path, gold: &[serde_json::Value], extract: html::Extract) -> Vec<(usize, String)> {
    let pages = std::fs::read_to_string(dir.join("pages.tsv")).unwrap();
    let lossless: Vec<bool> = pages.lines().skip(1).map(|line| line.ends_with("\t1")).collect();
    let options = Options { extract, ..options(&["pages.warc.zst"]) };
    let inputs: Arc<[InputFile]> = expand(&options, dir).unwrap().into();
    let mut framer = Framer::new(inputs, &options, ShardLimits { records: 3000, ..ShardLimits::default() });
    let mut found = Vec::new();
    let outcome = framer.next_shard().unwrap().unwrap().decode(&options, &mut |record| {
        let at = record.ordinal_in_file as usize - 1;
        // CP932 has one wave dash for two; what is garbled on purpose does not survive HTML.
        let garbled = gold[at]["mojibake"].as_array().is_some_and(|spans| !spans.is_empty());
        if lossless[at] && gold[at]["expect"] == "keep" && !garbled {
            found.push((at, record.text.replace('〜', "～")));
        }
        Ok(())
    });
    assert!(outcome.unwrap().quarantined.iter().all(|q| q.reason == "charset"));
    found
}

/// The lines of a text without blanks: in a page they run together.
fn bare(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect()).filter(|line: &String| !line.is_empty()).collect()
}

/// The lines of a document, and whether each is chrome.
fn marked(doc: &serde_json::Value, gold: &serde_json::Value) -> Vec<(String, bool)> {
    let spans: Vec<(usize, usize)> =
        gold["boiler"].as_array().into_iter().flatten().map(|span| (number(&span["bstart"]), number(&span["bend"]))).collect();
    let mut start = 0;
    let mut lines = Vec::new();
    for line in doc["text"].as_str().unwrap().replace('〜', "～").split('\n') {
        let is_chrome = spans.iter().any(|(from, to)| *from < start + line.len() && start < *to);
        lines.extend(bare(line).into_iter().map(|line| (line, is_chrome)));
        start += line.len() + 1;
    }
    lines
}

fn number(value: &serde_json::Value) -> usize {
    value.as_u64().unwrap() as usize
}

/// Of pages that do not say what is chrome, nearly all of it goes and nearly no text: by characters, and apart for sites with even and odd numbers,
/// of which only the even were looked at when the words were collected.
#[test]
fn chrome_of_crawled_pages_goes() {
    let Some(dir) = shared("chrome_of_crawled_pages_goes", "data/synth/d20k") else { return };
    let docs = zstd_lines(&dir.join("docs.jsonl.zst"));
    let gold = zstd_lines(&dir.join("gold.jsonl.zst"));
    let pages = crawled_pages(&dir, &gold, html::Extract::Main);
    for half in [0, 1] {
        let (mut chrome, mut left, mut main, mut lost) = (0, 0, 0, 0);
        for (at, text) in pages.iter().filter(|(at, _)| gold[*at]["site"].as_u64().is_none_or(|site| site % 2 == half)) {
            let mut found = bare(text);
            for (line, is_chrome) in marked(&docs[*at], &gold[*at]) {
                let (letters, place) = (line.chars().count(), found.iter().position(|other| *other == line));
                let (all, wrong) = if is_chrome { (&mut chrome, &mut left) } else { (&mut main, &mut lost) };
                *all += letters;
                *wrong += if place.is_some() == is_chrome { letters } else { 0 };
                place.map(|place| found.remove(place));
            }
        }
        assert!(chrome > 5000 && left * 50 <= chrome, "chrome left: {left} of {chrome}");
        assert!(main > 100_000 && lost * 200 <= main, "text lost: {lost} of {main}");
    }
}

/// Pages in five charsets, with declarations that are right, missing or lies, give the very text they were made from.
#[test]
fn crawled_pages_come_back() {
    let Some(dir) = shared("crawled_pages_come_back", "data/synth/d20k") else { return };
    let docs = zstd_lines(&dir.join("docs.jsonl.zst"));
    let gold = zstd_lines(&dir.join("gold.jsonl.zst"));
    let pages = crawled_pages(&dir, &gold, html::Extract::All);
    let mut wrong = Vec::new();
    for (at, text) in &pages {
        let (found, expected) = (bare(text), bare(&docs[*at]["text"].as_str().unwrap().replace('〜', "～")));
        if found != expected {
            wrong.push((*at, found.into_iter().zip(expected).find(|(found, expected)| found != expected)));
        }
    }
    assert!(
        pages.len() > 500 && wrong.len() * 1000 <= pages.len(),
        "{} of {}: {:?}",
        wrong.len(),
        pages.len(),
        &wrong[..wrong.len().min(5)]
    );
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
            let [whole, small, least] = LIMITS.map(|limits| read_with(&options(&["."]), dir.path(), limits).unwrap());
            prop_assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&small.records, &small.quarantined, &small.tallies));
            prop_assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&least.records, &least.quarantined, &least.tallies));
            prop_assert!(whole.shards <= 1 && whole.shards <= small.shards && small.shards <= least.shards);
        }
    }
}
