//! A file that is decoded piece by piece has the shards, entries and damage of one that is read from its start.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;

/// Pieces that were all decoded before the first is read.
struct Done(Mutex<VecDeque<DecodedPiece>>);

impl ReadAhead for Done {
    fn next_piece(&self) -> Result<Option<DecodedPiece>> {
        Ok(self.0.lock().unwrap().pop_front())
    }
}

/// Lines that hardly compress.
fn lines(count: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{{\"text\":\"{:016x}{:016x}\"}}\n", seed, seed.rotate_left(29).wrapping_mul(0x9e37_79b9))
    };
    (0..count).flat_map(|_| next().into_bytes()).collect()
}

fn refs(mut framer: Framer) -> Vec<ShardRef> {
    std::iter::from_fn(|| framer.next_ref().unwrap()).collect()
}

/// Number of pieces.
fn same_shards(name: &str, bytes: &[u8]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), name, bytes);
    let options = options(&[name]);
    let inputs: Arc<[InputFile]> = expand(&options, dir.path()).unwrap().into();
    let Some(mut found) = pieces(&inputs[0]).unwrap() else { return 1 };
    let all: VecDeque<DecodedPiece> = std::iter::from_fn(|| found.next_piece().unwrap()).map(Piece::decode).collect();
    let count = all.len();
    let limits = ShardLimits { bytes: 1 << 18, records: 3000 };
    let framer = || Framer::new(Arc::clone(&inputs), &options, limits);
    let ahead = refs(framer().reading_ahead(Arc::new(Done(Mutex::new(all)))));
    assert_eq!(ahead, refs(framer()), "{name}");
    count
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    std::io::Write::write_all(&mut writer, bytes).unwrap();
    writer.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut writer, bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn pieces_are_the_file() {
    let text = lines(150_000, 1);
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let skipped = |frame: Vec<u8>| [&b"\x50\x2a\x4d\x18\x03\0\0\0abc"[..], &frame, &[0; 5]].concat();
    let cases: [(&str, Vec<u8>); 7] = [
        ("frames.jsonl.zst", text.chunks(300_000).flat_map(zstd).collect()),
        ("small.jsonl.zst", text.chunks(20_000).flat_map(zstd).collect()),
        ("skippable.jsonl.zst", text.chunks(700_000).flat_map(|part| skipped(zstd(part))).collect()),
        ("a.jsonl.lz4", text.chunks(300_000).flat_map(lz4).collect()),
        ("stream.jsonl.bz2", bzip2(&text)),
        ("streams.jsonl.bz2", text.chunks(250_000).flat_map(bzip2).collect()),
        ("empty.jsonl.zst", [zstd(&text[..3_000_000]), zstd(b""), zstd(&text[3_000_000..])].concat()),
    ];
    for (name, packed) in cases {
        assert!(same_shards(name, &packed) > 1, "{name}");
        for at in [packed.len() / 3, packed.len() * 2 / 3, packed.len() - 3] {
            let mut bad = packed.clone();
            bad[at] ^= 0x11;
            same_shards(name, &bad);
            same_shards(name, &packed[..at]);
        }
        same_shards(name, &[&packed, &b"junk that follows"[..]].concat());
    }
    assert_eq!(same_shards("one.jsonl.zst", &zstd(&text)), 1);
    assert_eq!(same_shards("one.jsonl.gz", &gzip(&text, 1)), 1);
}

#[test]
fn spans_are_framed_as_one_walk_frames_all() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..60 {
        write(dir.path(), &format!("{n:02}.jsonl"), &lines(if n % 20 == 7 { 30_000 } else { 1500 + 40 * n }, n as u64));
        write(dir.path(), &format!("{n:02}.empty.jsonl"), b"\n");
    }
    let options = options(&["."]);
    let inputs: Arc<[InputFile]> = expand(&options, dir.path()).unwrap().into();
    let framer = || Framer::new(Arc::clone(&inputs), &options, ShardLimits { bytes: 1 << 18, records: 2000 });
    let parts: Vec<Vec<ShardRef>> = spans(&inputs).into_iter().map(|span| refs(framer().over(span))).collect();
    assert!(parts.len() > 5);
    let whole = refs(framer());
    let (mut index, mut before) = (0, 0);
    for (found, expected) in parts.into_iter().flatten().zip(&whole) {
        assert_eq!(ShardRef { index, before, ..found.clone() }, *expected);
        index += 1;
        before += found.records;
    }
    assert_eq!(index, whole.len() as u64);
}
