//! A part of the inputs: samples and limits.

use super::*;

/// Files of every format, plain and compressed, with bad records between good ones.
fn inputs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let lines = |file: &str, n: usize| -> String {
        let line = |i: usize| match i % 5 {
            1 => format!("{{\"text\":\"{file}の{i}\"}}\n"),
            3 => "{\"text\":\n \n".to_owned(),
            _ => format!("{{\"id\":\"{file}{i}\",\"text\":\"{file}の{i}\"}}\n"),
        };
        (0..n).map(line).collect::<String>() + "\n\n"
    };
    write(dir.path(), "a.jsonl", lines("a", 43).as_bytes());
    write(dir.path(), "b.jsonl.gz", &[gzip(lines("b", 20).as_bytes(), 6), gzip(lines("B", 20).as_bytes(), 6)].concat());
    write(dir.path(), "c.txt", "文書".as_bytes());
    write(dir.path(), "d.txt", b"\x81 \xff\xfd \xfe \x80 \x81 \xff\xff");
    write(dir.path(), "e.jsonl.zst", &zstd::encode_all(lines("e", 30).as_bytes(), 1).unwrap());
    let pages =
        |i: usize| format!("WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Record-ID: <w{i}>\r\nContent-Length: 4\r\n\r\nw{i:03}\r\n\r\n");
    write(
        dir.path(),
        "f.warc",
        (0..20).map(pages).collect::<String>().replace("<w7>\r\nContent-Length: 4", "<w7>\r\nContent-Length: 9").as_bytes(),
    );
    let texts = (0..40).map(|i| (i % 9 != 2).then(|| format!("表{i}"))).collect::<arrow::array::StringArray>();
    let batch = RecordBatch::try_from_iter_with_nullable([("text", Arc::new(texts) as ArrayRef, true)]).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    write(dir.path(), "g.parquet", &writer.into_inner().unwrap());
    let whole = gzip(lines("h", 30).as_bytes(), 6);
    write(dir.path(), "h.jsonl.gz", &whole[..whole.len() - 4]);
    dir
}

/// Whatever the shards, the same is read.
fn read_in_any_shards(options: &Options, base: &Path) -> Read {
    let [whole, small, least] = LIMITS.map(|limits| read_with(options, base, limits).unwrap());
    for other in [small, least] {
        assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&other.records, &other.quarantined, &other.tallies));
    }
    whole
}

fn sum(read: &Read, of: impl Fn(&InputTally) -> u64) -> u64 {
    read.tallies.iter().map(of).sum()
}

#[test]
fn a_sample_is_what_is_left_when_others_are_left_out() {
    let dir = inputs();
    let all = read_in_any_shards(&options(&["."]), dir.path());
    let total = sum(&all, |tally| tally.records + tally.quarantined);
    assert!(all.records.len() > 140 && all.quarantined.len() > 30 && sum(&all, |tally| tally.left_out) == 0);
    let mut before = Read::default();
    for share in [1e-9, 0.05, 0.2, 0.5, 0.8, 1.0] {
        let sampled = read_in_any_shards(&Options { sample: Some(share), ..options(&["."]) }, dir.path());
        assert_eq!(sum(&sampled, |tally| tally.records + tally.quarantined + tally.left_out), total, "{share}");
        // In order, and all of a smaller sample.
        let is_within = |few: &Read, many: &Read| {
            let (mut records, mut quarantined) = (many.records.iter(), many.quarantined.iter());
            few.records.iter().all(|one| records.any(|other| other == one))
                && few.quarantined.iter().all(|one| quarantined.any(|other| other == one))
        };
        assert!(is_within(&before, &sampled) && is_within(&sampled, &all), "{share}");
        let taken = (sampled.records.len() + sampled.quarantined.len()) as f64;
        assert!((taken - share * total as f64).abs() < 3.0 * (total as f64).sqrt(), "{share}: {taken} of {total}");
        assert_eq!(
            sampled.quarantined.iter().filter(|bad| bad.kind == crate::quarantine::Kind::File).count(),
            1,
            "the damage of a file is told"
        );
        before = sampled;
    }
    assert_eq!(before, all);
    // Alone, a file gives the documents that it gives among others.
    let half = Options { sample: Some(0.5), ..options(&["."]) };
    let among = read_with(&half, dir.path(), LIMITS[0]).unwrap();
    let alone = read_with(&Options { paths: vec!["g.parquet".into()], ..half }, dir.path(), LIMITS[0]).unwrap();
    let rows = |read: &Read| {
        read.records.iter().filter(|record| record.text.starts_with('表')).map(|record| record.ordinal_in_file).collect::<Vec<_>>()
    };
    assert_eq!(rows(&among), rows(&alone));
}

#[test]
fn a_limit_takes_the_first_records_of_all_files() {
    let dir = inputs();
    let all = read(dir.path(), &["."]);
    let total = sum(&all, |tally| tally.records + tally.quarantined);
    for limit in (1..total + 3).step_by(23).chain([total - 1, total, total + 1, u64::MAX]) {
        let limited = read_in_any_shards(&Options { limit: Some(limit), ..options(&["."]) }, dir.path());
        assert_eq!(sum(&limited, |tally| tally.records + tally.quarantined), limit.min(total), "{limit}");
        assert!(all.records.starts_with(&limited.records) && all.quarantined.starts_with(&limited.quarantined), "{limit}");
        let both = read_in_any_shards(&Options { limit: Some(limit), sample: Some(0.5), ..options(&["."]) }, dir.path());
        assert_eq!(sum(&both, |tally| tally.records + tally.quarantined + tally.left_out), limit.min(total), "a sample of those: {limit}");
    }
}

/// A limit ends the reading: damage behind it, and files behind it, are not met.
#[test]
fn nothing_is_read_behind_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let whole = gzip("{\"text\":\"a\"}\n".repeat(100_000).as_bytes(), 6);
    write(dir.path(), "a.jsonl.gz", &whole[..whole.len() - 4]);
    write(dir.path(), "b.jsonl", b"{\"text\":\"b\"}\n");
    let options = Options { limit: Some(50), ..options(&["."]) };
    let inputs: Arc<[InputFile]> = expand(&options, dir.path()).unwrap().into();
    std::fs::remove_file(dir.path().join("b.jsonl")).unwrap();
    let mut framer = Framer::new(inputs, &options, ShardLimits::default());
    assert_eq!(framer.next_ref().unwrap().unwrap().records, 50);
    assert!(framer.next_ref().unwrap().is_none());
}

#[test]
fn a_share_or_limit_that_takes_nothing_is_refused() {
    for sample in [0.0, -0.1, 1.000_001, f64::NAN, f64::INFINITY] {
        assert!(Options { sample: Some(sample), ..options(&["."]) }.check().unwrap_err().contains("input.sample"), "{sample}");
    }
    assert!(Options { limit: Some(0), ..options(&["."]) }.check().unwrap_err().contains("input.limit"));
}
