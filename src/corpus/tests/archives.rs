//! Archives as inputs: each member by itself, whatever the shards are.

use super::*;
use crate::corpus::archive::written::{Zipped, packed, stored, tar_of, zip};

fn lines(tag: &str, count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| format!("{{\"text\":\"{tag} {n}\"}}\n").into_bytes()).collect()
}

fn counts(read: &Read, inputs: &[InputFile]) -> Vec<(String, u64, u64)> {
    inputs.iter().zip(&read.tallies).map(|(input, tally)| (input.name.clone(), tally.records, tally.quarantined)).collect()
}

/// Every container around the same two files of lines.
fn containers() -> Vec<(&'static str, Vec<u8>)> {
    let (a, b) = (lines("a", 300), lines("b", 20));
    let tar = tar_of(&[("x/a.jsonl", &a), ("x/note.txt", "文書".as_bytes()), ("b.jsonl.gz", &gzip(&b, 6))]);
    let members = [packed(b"x/a.jsonl", &a, 8), stored("x/note.txt".as_bytes(), "文書".as_bytes()), stored(b"b.jsonl.gz", &gzip(&b, 6))];
    let frames = tar.chunks(4000).map(|chunk| zstd::encode_all(chunk, 1).unwrap()).collect::<Vec<_>>().concat();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    std::io::Write::write_all(&mut bzip2, &tar).unwrap();
    let mut xz = Vec::with_capacity(1 << 20);
    let mut encoder = liblzma::stream::Stream::new_easy_encoder(1, liblzma::stream::Check::Crc64).unwrap();
    encoder.process_vec(&tar, &mut xz, liblzma::stream::Action::Finish).unwrap();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut lz4, &tar).unwrap();
    vec![
        ("a.zip", zip(&members)),
        ("a.tar.gz", gzip(&tar, 6)),
        ("a.tar.zst", frames),
        ("a.tbz2", bzip2.finish().unwrap()),
        ("a.txz", xz),
        ("a.tar.lz4", lz4.finish().unwrap()),
        // The name says nothing: what it is is in its bytes.
        ("a.jsonl", tar),
    ]
}

#[test]
fn members_are_inputs() {
    for (name, bytes) in containers() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), name, &bytes);
        write(dir.path(), "z.jsonl", &lines("z", 3));
        for limits in LIMITS {
            let read = read_with(&options(&["."]), dir.path(), limits).unwrap();
            let inputs = expand(&options(&[name, "z.jsonl"]), dir.path()).unwrap();
            let expected = [("x/a.jsonl", 300, 0), ("x/note.txt", 1, 0), ("b.jsonl.gz", 20, 0)];
            let mut expected: Vec<_> = expected.iter().map(|(member, n, q)| (format!("{name}/{member}"), *n, *q)).collect();
            expected.push(("z.jsonl".to_owned(), 3, 0));
            assert_eq!(counts(&read, &inputs), expected, "{name}");
            assert_eq!((texts(&read)[299], texts(&read)[300], texts(&read)[320]), ("a 299", "文書", "b 19"));
        }
    }
}

/// What is no member that can be read is a line of quarantine each, and everything else is read.
#[test]
fn bad_members_cost_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let inner = zip(&[stored(b"x.jsonl", &lines("x", 1))]);
    let members = [
        packed(b"ok.jsonl", &lines("ok", 9), 8),
        stored(b"../../evil.jsonl", &lines("evil", 1)),
        Zipped { flags: 1, ..stored(b"secret.jsonl", b"x") },
        stored(b"inner.zip", &inner),
        stored(b"inner.parquet", b"PAR1 whatever PAR1"),
        Zipped { crc: 7, ..packed(b"crc.jsonl", &lines("crc", 50), 8) },
        packed(b"ok.jsonl", &lines("again", 2), 8),
        stored(b"picture.png", b"\x89PNG\r\n\x1a\n"),
    ];
    write(dir.path(), "a.zip", &zip(&members));
    write(dir.path(), "cut.tar", &tar_of(&[("a.jsonl", &lines("a", 1)), ("b.jsonl", &lines("b", 60))])[..1700]);
    write(dir.path(), "damaged.zip", &zip(&members)[..300]);
    write(dir.path(), "office.zip", &zip(&[stored(b"[Content_Types].xml", b"<x/>")]));
    write(dir.path(), "z.jsonl", &lines("z", 3));
    for limits in LIMITS {
        let read = read_with(&options(&["."]), dir.path(), limits).unwrap();
        let found: Vec<_> = read.quarantined.iter().map(|q| (q.file.as_str(), q.reason.as_str(), q.kind)).collect();
        let file = crate::quarantine::Kind::File;
        let expected = [
            ("a.zip/../../evil.jsonl", "zip_name"),
            ("a.zip/secret.jsonl", "zip_encrypted"),
            ("a.zip/inner.zip", "unsupported_container"),
            ("a.zip/inner.parquet", "unsupported_container"),
            ("a.zip/crc.jsonl", "zip_crc"),
            ("a.zip/picture.png", "unsupported_container"),
            ("cut.tar/b.jsonl", "tar_eof"),
            ("damaged.zip", "zip_eof"),
            ("office.zip", "unsupported_container"),
        ];
        assert_eq!(found, expected.map(|(name, reason)| (name, reason, file)));
        let of = |tag: &str| texts(&read).iter().filter(|text| text.starts_with(tag)).count();
        assert_eq!(["ok", "crc", "again", "a ", "z"].map(of), [9, 50, 2, 1, 3]);
        assert!(of("b ") > 5, "what stands before the cut is read");
    }
    let names: Vec<String> = expand(&options(&["a.zip"]), dir.path()).unwrap().into_iter().map(|input| input.name).collect();
    assert!(names.contains(&"a.zip/ok~2.jsonl".to_owned()), "{names:?}");
    let refused = read_with(&options(&["office.zip"]), dir.path(), LIMITS[0]).unwrap_err();
    assert!(refused.exit_code() == 2 && refused.to_string().contains("an Office document"), "{refused}");
}

#[test]
fn an_archive_that_changes_stops_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let tar = |n| tar_of(&[("a.jsonl", &lines("a", n)[..])]);
    write(dir.path(), "a.tar", &tar(3));
    let options = options(&["a.tar"]);
    let inputs: Arc<[InputFile]> = expand(&options, dir.path()).unwrap().into();
    write(dir.path(), "a.tar", &tar(600));
    let error = Framer::new(inputs, &options, ShardLimits::default()).next_shard().unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("a.tar/a.jsonl"), "{error}");
}
