//! Codecs over cuts, flips and trailing bytes.

use std::io::{Cursor, Write};

use liblzma::stream::{Action, Check, LzmaOptions};
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

use super::*;

fn rest(mut stream: Stream) -> (Vec<u8>, Option<&'static str>) {
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

fn decode(bytes: &[u8]) -> (Vec<u8>, Option<&'static str>) {
    rest(Stream::new(Box::new(Cursor::new(bytes.to_vec()))).unwrap())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut writer = zstd::Encoder::new(Vec::new(), 3).unwrap();
    writer.include_checksum(true).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A stream of xz with a block each `block` bytes.
fn xz_of(bytes: &[u8], check: Check, block: usize) -> Vec<u8> {
    let mut encoder = liblzma::stream::Stream::new_easy_encoder(1, check).unwrap();
    let mut out = Vec::with_capacity(2 * bytes.len() + 10_000);
    let chunks: Vec<&[u8]> = bytes.chunks(block).collect();
    for (n, chunk) in chunks.iter().enumerate() {
        let action = if n + 1 == chunks.len() { Action::Finish } else { Action::FullFlush };
        let start = encoder.total_in();
        while encoder.process_vec(&chunk[(encoder.total_in() - start) as usize..], &mut out, action).unwrap() == liblzma::stream::Status::Ok
        {
        }
    }
    if chunks.is_empty() {
        encoder.process_vec(&[], &mut out, Action::Finish).unwrap();
    }
    out
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    xz_of(bytes, Check::Crc64, usize::MAX)
}

fn lz4_of(bytes: &[u8], info: FrameInfo) -> Vec<u8> {
    let mut writer = FrameEncoder::with_frame_info(info, Vec::new());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let size = Some(bytes.len() as u64);
    lz4_of(bytes, FrameInfo::new().content_size(size).block_checksums(true).content_checksum(true).block_mode(BlockMode::Linked))
}

type Pack = fn(&[u8]) -> Vec<u8>;

const PACKS: [(&str, Pack); 5] = [("gzip", gzip), ("zstd", zstd), ("bz2", bzip2), ("xz", xz), ("lz4", lz4)];

fn sample() -> Vec<u8> {
    (0..200_000_u32).flat_map(|i| (i.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()).collect()
}

#[test]
fn members_frames_and_padding() {
    let text = sample();
    let twice = [&text[..], b"x"].concat();
    for (name, pack) in PACKS {
        let packed = [pack(&text), pack(b""), vec![0; 700], pack(b"x"), vec![0; 4]].concat();
        assert!(decode(&packed) == (twice.clone(), None), "{name} {:?}", decode(&packed).1);
        assert_eq!(decode(&pack(b"")), (Vec::new(), None), "{name}");
    }
    for pack in [zstd, lz4] {
        let skippable = [&b"\x5f\x2a\x4d\x18\x05\0\0\0hello"[..], &pack(&text), b"\x50\x2a\x4d\x18\0\0\0\0", &pack(b"x")].concat();
        assert_eq!(decode(&skippable), (twice.clone(), None));
    }
    for bytes in [&b"plain"[..], b"", b"BZh9 is a name", b"]\0\0 no LZMA", b"\xfd7zX"] {
        assert_eq!(decode(bytes), (bytes.to_vec(), None));
    }
}

#[test]
fn every_way_to_write_xz_and_lz4() {
    let text = sample();
    for check in [Check::None, Check::Crc32, Check::Crc64, Check::Sha256] {
        assert_eq!(decode(&xz_of(&text, check, 100_000)), (text.clone(), None));
    }
    for (mode, size) in [(BlockMode::Linked, BlockSize::Max64KB), (BlockMode::Independent, BlockSize::Max4MB)] {
        let info = FrameInfo::new().block_mode(mode).block_size(size);
        assert_eq!(decode(&lz4_of(&text, info)), (text.clone(), None));
        let repeated = b"abcdefgh".repeat(100_000);
        assert_eq!(decode(&lz4_of(&repeated, FrameInfo::new().block_mode(mode))), (repeated, None));
    }
    let mut writer = liblzma::stream::Stream::new_lzma_encoder(&LzmaOptions::new_preset(1).unwrap()).unwrap();
    let mut lzma = Vec::with_capacity(1 << 20);
    writer.process_vec(&text, &mut lzma, Action::Finish).unwrap();
    assert_eq!(decode(&lzma), (text.clone(), None));
    assert_eq!(decode(&[&lzma[..], b"x"].concat()), (text.clone(), Some("lzma_trailing")));
    let (prefix, reason) = decode(&lzma[..lzma.len() / 2]);
    assert!(reason == Some("lzma_eof") && text.starts_with(&prefix) && prefix.len() > text.len() / 4);
}

#[test]
fn every_cut_is_noticed_and_keeps_a_prefix() {
    let text = b"abcabcabc\n".repeat(40);
    for (name, pack) in PACKS {
        let packed = pack(&text);
        for cut in 15..packed.len() {
            let (out, reason) = decode(&packed[..cut]);
            assert!(text.starts_with(&out) && reason == Some(format!("{name}_eof").as_str()), "{name} {cut} {reason:?}");
        }
    }
    for (packed, reasons) in [(gzip(&text), "gzip_eof"), (zstd(&text), "zstd_eof")] {
        assert!((4..15).all(|cut| decode(&packed[..cut]).1 == Some(reasons)));
    }
}

#[test]
fn every_flipped_bit_is_noticed_or_harmless() {
    let text = b"abcabcabc\n".repeat(40);
    for (name, pack) in PACKS {
        let packed = pack(&text);
        for at in 4..packed.len() {
            for bit in 0..8 {
                let mut bad = packed.clone();
                bad[at] ^= 1 << bit;
                let (out, reason) = decode(&bad);
                // Where the magic number goes, the file is another.
                assert!(reason.is_some() || out == text || out == bad, "{name} byte {at} bit {bit}");
            }
        }
    }
}

#[test]
fn damage_has_names() {
    let text = sample();
    let flip = |mut bytes: Vec<u8>, from_end: usize| {
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        bytes
    };
    let named = [&b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x02\0ab../name\0comment\0\x12\x34"[..], &gzip(b"abc")[10..]].concat();
    assert_eq!(decode(&named), (b"abc".to_vec(), None));
    assert_eq!(decode(b"\x1f\x8b\x08\xe0\0\0\0\0\0\xff").1, Some("gzip_data"));
    let cases = [
        (flip(gzip(&text), 8), "gzip_crc"),
        (flip(gzip(&text), 1), "gzip_length"),
        ([gzip(&text), b"junk".to_vec()].concat(), "gzip_trailing"),
        ([zstd(&text), b"junk".to_vec()].concat(), "zstd_magic"),
        ([bzip2(&text), b"junk".to_vec()].concat(), "bz2_trailing"),
        ([xz(&text), b"junk".to_vec()].concat(), "xz_trailing"),
        (flip(xz(&text), 1), "xz_index"),
        (flip(xz(&text), 5), "xz_index"),
        (flip(xz(&text), 16), "xz_index"),
        ([lz4(&text), b"junk".to_vec()].concat(), "lz4_trailing"),
        (flip(lz4(&text), 1), "lz4_checksum"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode(&bytes), (text.clone(), Some(expected)));
    }
    // One that is told too late to keep anything, one that asks for 1 GiB, one with a wrong size and one with a dictionary.
    assert_eq!(decode(&flip(xz(&text), 32)).1, Some("xz_crc"));
    let mut greedy = xz(&text);
    greedy[16] = 34;
    let crc = {
        let mut crc = flate2::Crc::new();
        crc.update(&greedy[12..20]);
        crc.sum().to_le_bytes()
    };
    greedy[20..24].copy_from_slice(&crc);
    assert_eq!(decode(&greedy), (vec![], Some("xz_memory")));
    let wrong_size = |bytes: &[u8]| twox_hash::XxHash32::oneshot(0, bytes).to_le_bytes()[1];
    let mut lied = lz4(b"abc");
    lied[6] = 9;
    lied[14] = wrong_size(&lied[4..14]);
    assert_eq!(decode(&lied), (b"abc".to_vec(), Some("lz4_size")));
}

/// The last bits of a bzip2 stream, changed one by one: what is wrong with a block is no matter of the stream.
#[test]
fn a_damaged_block_of_bzip2_costs_itself_and_what_follows() {
    let text = sample();
    let packed = bzip2(&text);
    let mut kept = std::collections::BTreeSet::new();
    for at in (10..packed.len() - 10).step_by(packed.len() / 60) {
        let mut bad = packed.clone();
        bad[at] ^= 0x10;
        let (out, reason) = decode(&bad);
        // Tables have bits that nothing depends on.
        assert!(text.starts_with(&out) && matches!(reason, Some("bz2_crc" | "bz2_data")) || out == text, "{at} {reason:?}");
        kept.insert(out.len());
    }
    assert!(kept.len() > 5, "whole blocks: {kept:?}");
}

/// From every entry of files of several members the same follows, damage included.
#[test]
fn every_entry_leads_to_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("packed");
    let text: Vec<u8> = (0..3).flat_map(|n| sample().into_iter().map(move |byte| byte ^ n)).collect();
    let halves = |pack: fn(&[u8]) -> Vec<u8>| text.chunks(700_000).map(pack).collect::<Vec<_>>().concat();
    let blocks = [xz_of(&text, Check::Sha256, 300_000), xz_of(&text, Check::None, 300_000)].concat();
    let cases = PACKS.map(|(name, pack)| (name, halves(pack))).into_iter().chain([("bz2", bzip2(&text)), ("xz", blocks)]);
    for (name, mut packed) in cases {
        for damaged in [false, true] {
            if damaged {
                let at = packed.len() * 4 / 5;
                packed[at..at + 6].fill(0x55);
            }
            #[expect(clippy::disallowed_methods, reason = "a test's own input")]
            std::fs::write(&path, &packed).unwrap();
            let open = || Input::open(&path).unwrap();
            let mut stream = Stream::of_file(open(), Entry::default()).unwrap();
            let (mut out, mut entries) = (Vec::new(), std::collections::BTreeMap::new());
            while let Ok(true) = stream.read(&mut out) {
                let entry = stream.entry_before(out.len() as u64);
                entries.insert(entry.decoded, entry);
            }
            let whole = rest(Stream::of_file(open(), Entry::default()).unwrap());
            assert!(entries.len() >= 2, "{name}: {}", entries.len());
            for entry in entries.into_values() {
                let (out, reason) = rest(Stream::of_file(open(), entry).unwrap());
                assert!(out == whole.0[entry.decoded as usize..] && reason == whole.1, "{name} {entry:?} {reason:?} {:?}", whole.1);
            }
        }
    }
}
