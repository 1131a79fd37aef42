//! Reading that begins in the middle of a file gives what reading from its start gives, damage included.

use super::*;
use crate::corpus::compression::{Stop, Stream};
use crate::io::Input;

/// Lines that compress badly, the last one cut.
fn lines(bytes: usize, mut seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while out.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        out.extend_from_slice(format!("{{\"text\":\"{seed:016x}{:x}\"}}\n", seed >> 40).as_bytes());
    }
    out.truncate(bytes);
    out
}

/// What is decoded from an entry on, and why it ends.
fn decoded(path: &Path, entry: Entry) -> (Vec<u8>, Option<&'static str>) {
    let mut stream = Stream::of_file(Input::open(path).unwrap(), entry).unwrap();
    let mut out = Vec::new();
    loop {
        match stream.read(&mut out) {
            Ok(true) => {}
            Ok(false) => return (out, None),
            Err(Stop::Damage(damage)) => return (out, Some(damage.reason)),
            Err(Stop::Io(error)) => panic!("{error}"),
        }
    }
}

/// Two members, the first of which ends shortly before a read of the file does; from both ends the second gives the same.
fn same_from_both_entries(first: &[u8], second: &[u8], length: usize) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.gz", &[first, second].concat());
    let path = dir.path().join("a.gz");
    let (whole, reason) = decoded(&path, Entry::default());
    let alone = decoded(&path, Entry { file: first.len() as u64, decoded: length as u64, ..Entry::default() });
    assert!((&whole[length..], reason) == (&alone.0[..], alone.1), "{reason:?}: {} and {} bytes", whole.len() - length, alone.0.len());
}

#[test]
fn a_cut_gzip_gives_the_same_from_every_entry() {
    let (mut low, mut high) = (262_145, 900_000);
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if gzip(&lines(middle, 1), 9).len() < (1 << 18) - 60 { low = middle } else { high = middle }
    }
    let first = gzip(&lines(low, 1), 9);
    let same = b"{\"text\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}\n".repeat(20_000);
    for second in [gzip(&same, 9), gzip(&lines(400_000, 7), 9)] {
        for cut in (100..second.len() - 8).step_by(second.len() / 40) {
            same_from_both_entries(&first, &second[..cut], low);
        }
    }
}

#[test]
fn a_damaged_gzip_gives_the_same_from_every_entry() {
    let first = gzip(&lines(600_000, 1), 6);
    let second = gzip(&lines(800_000, 7), 6);
    for at in (20..second.len() - 40).step_by(second.len() / 50) {
        let mut bad = second.clone();
        bad[at..at + 8].iter_mut().zip(1..).for_each(|(byte, n)| *byte ^= 31 * n);
        same_from_both_entries(&first, &bad, 600_000);
    }
}

#[test]
fn a_cut_gzip_gives_all_that_can_be_decoded() {
    let dir = tempfile::tempdir().unwrap();
    let packed = gzip(&lines(2_000_000, 7), 6);
    for cut in (300_000..packed.len() - 8).step_by(packed.len() / 40) {
        write(dir.path(), "a.gz", &packed[..cut]);
        let mut all = Vec::with_capacity(4_000_000);
        let mut inflate = flate2::Decompress::new(false);
        let _ = inflate.decompress_vec(&packed[10..cut], &mut all, flate2::FlushDecompress::None);
        assert!(decoded(&dir.path().join("a.gz"), Entry::default()) == (all, Some("gzip_eof")), "{cut}");
    }
}

/// A raw block of a zstd frame.
fn block(bytes: &[u8], is_last: bool) -> Vec<u8> {
    [&(bytes.len() as u32 * 8 + u32::from(is_last)).to_le_bytes()[..3], bytes].concat()
}

const ZSTD_HEADER: &[u8] = b"\x28\xb5\x2f\xfd\x00\x58";

#[test]
fn a_bad_header_of_a_zstd_block_costs_no_block_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = [block(b"{\"text\":\"a\"}\n", false), block(b"{\"text\":\"b\"}\n", false)].concat();
    write(dir.path(), "a.jsonl.zst", &[ZSTD_HEADER, &blocks, b"\xff\xff\xff junk junk junk"].concat());
    assert_eq!(texts(&read(dir.path(), &["a.jsonl.zst"])), ["a", "b"]);
}

#[test]
fn a_bad_header_at_the_end_of_a_read_is_no_exception() {
    let dir = tempfile::tempdir().unwrap();
    let text = lines(400_000, 1);
    let blocks = text.chunks(100_000).enumerate().map(|(n, bytes)| block(bytes, n == 3));
    let first = [ZSTD_HEADER.to_vec(), blocks.flatten().collect()].concat();
    let rest = lines((2 << 18) - first.len() - 9, 2);
    write(dir.path(), "a.jsonl.zst", &[&first, ZSTD_HEADER, &block(&rest, false), b"\xff\xff\xff junk junk junk"].concat());
    // `read_with` reads shards by themselves, too.
    let limits = ShardLimits { bytes: 50_000, ..ShardLimits::default() };
    let read = read_with(&options(&["a.jsonl.zst"]), dir.path(), limits).unwrap();
    let found: Vec<&str> = reasons(&read).iter().map(|(.., reason)| *reason).collect();
    assert_eq!(found, ["json_syntax", "zstd_block"], "the line that two frames share, and the damage");
}

#[test]
fn a_table_with_fewer_rows_is_another() {
    let dir = tempfile::tempdir().unwrap();
    let rows = |n: usize, length: usize| table_of_bytes(&vec![&b"a".repeat(length)[..]; n]);
    let many = rows(100, 10);
    write(dir.path(), "a.parquet", &many);
    let options = options(&["a.parquet"]);
    let mut inputs = expand(&options, dir.path()).unwrap();
    let limits = ShardLimits { records: 30, ..ShardLimits::default() };
    let mut framer = Framer::new(inputs.clone().into(), &options, limits);
    let shards: Vec<ShardRef> = std::iter::from_fn(|| framer.next_ref().unwrap()).collect();
    let few = rows(10, 10);
    write(dir.path(), "a.parquet", &few);
    inputs[0].bytes = few.len() as u64;
    let error = Framer::new(inputs.into(), &options, limits).read(&shards[2]).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
}

/// Shards of which others were read already do not make the file be entered anew.
#[test]
fn gaps_are_stepped_over() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.jsonl.gz", &gzip(&lines(4 << 20, 1), 1));
    let options = options(&["a.jsonl.gz"]);
    let inputs: Arc<[InputFile]> = expand(&options, dir.path()).unwrap().into();
    let limits = ShardLimits { bytes: 1 << 16, ..ShardLimits::default() };
    let mut framer = Framer::new(Arc::clone(&inputs), &options, limits);
    let shards: Vec<ShardRef> = std::iter::from_fn(|| framer.next_ref().unwrap()).collect();
    let mut framer = Framer::new(inputs, &options, limits);
    let mut consumed = 0;
    for shard in shards.iter().step_by(3) {
        assert_eq!(framer.read(shard).unwrap().shard(), shard);
        assert!(framer.consumed() >= consumed, "the file is read from its start once");
        consumed = framer.consumed();
    }
}
