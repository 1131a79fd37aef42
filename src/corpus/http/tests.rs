//! Bodies in every coding, whole, damaged and under headers that lie.

use super::*;
use proptest::prelude::*;
use std::io::Write as _;

const LIMIT: u64 = 1 << 20;
const PAGE: &str = "<!DOCTYPE html><p>町の広場には朝から人が集まります。<p>野菜と魚が並びます。店の人は元気に声を出しています。";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bare_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    ::brotli::CompressorWriter::new(&mut packed, 4096, 5, 22).write_all(bytes).unwrap();
    packed
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut writer = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    writer.include_checksum(true).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Chunks of the given sizes, over and over.
fn chunked(bytes: &[u8], sizes: &[usize], line_end: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    for size in sizes.iter().cycle() {
        let (chunk, behind) = rest.split_at((*size).min(rest.len()));
        out.extend(format!("{:x}{line_end}", chunk.len()).bytes().chain(chunk.iter().copied()).chain(line_end.bytes()));
        if chunk.is_empty() {
            return out;
        }
        rest = behind;
    }
    unreachable!("the sizes are not empty")
}

type Pack = fn(&[u8]) -> Vec<u8>;
/// Name in the header, coding, reason of damage.
const CODINGS: [(&str, Pack, &str); 6] = [
    ("Content-Encoding: gzip", gzip, "http_gzip"),
    ("content-encoding:x-gzip ", gzip, "http_gzip"),
    ("CONTENT-ENCODING: Deflate", zlib, "http_deflate"),
    ("Content-Encoding: deflate", bare_deflate, "http_deflate"),
    ("Content-Encoding: \"br\"", brotli, "http_brotli"),
    ("Content-Encoding: zstd;q=1", zstd, "http_zstd"),
];

fn undone(fields: &str, bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    let header = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fields}\r\nContent-Length: 5\r\n\r\n");
    body(header.as_bytes(), bytes, LIMIT).map(Cow::into_owned).map_err(|fault| fault.reason)
}

#[test]
fn every_coding_is_undone() {
    for (field, pack, _) in CODINGS {
        assert_eq!(undone(field, &pack(PAGE.as_bytes())), Ok(PAGE.into()), "{field}");
        assert_eq!(undone(field, &pack(b"")), Ok(Vec::new()), "{field}");
        assert_eq!(undone(field, b""), Ok(Vec::new()), "{field}");
        assert_eq!(undone(field, &[&pack(PAGE.as_bytes())[..], b"\r\n"].concat()), Ok(PAGE.into()), "{field}: a line end follows");
    }
    for none in [
        "X-A: gzip",
        "Content-Encoding: identity",
        "Content-Encoding:",
        "Content-Encoding: utf-8",
        "Content-Encoding",
        "Content-Encodings: gzip",
    ] {
        assert_eq!(undone(none, PAGE.as_bytes()), Ok(PAGE.into()), "{none}");
    }
}

#[test]
fn chunks_are_joined() {
    let te = "Transfer-Encoding: Chunked";
    for (sizes, line_end) in [(&[1][..], "\r\n"), (&[7, 30], "\n"), (&[1000], "\r\n")] {
        assert_eq!(undone(te, &chunked(PAGE.as_bytes(), sizes, line_end)), Ok(PAGE.into()), "{sizes:?}");
    }
    let cases = [
        ("2\r\nab\r\n0\r\n\r\n", "ab"),
        ("2\r\nab\r\n", "ab"),
        ("2\r\nab\r", "ab"),
        ("2\r\nab", "ab"),
        ("2\r\nab\r\n0", "ab"),
        ("2\r\nab\r\n0\r\nExpires: never\r\nX: 5\r\n\r\n", "ab"),
        ("2\r\nab\r\n0\r\n\r\nHTTP/1.1 200 OK", "ab"),
        ("0002 ;name=\"value\"\r\nab\r\nA;x\r\n0123456789\r\n00\r\n\r\n", "ab0123456789"),
        ("a \r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("0\r\n\r\n", ""),
        ("0\r\nX: y\r\n\r\n", ""),
        ("0", ""),
        ("3\n\r\n\r\n0\n\n", "\r\n\r"),
    ];
    for (chunks, expected) in cases {
        assert_eq!(undone(te, chunks.as_bytes()), Ok(expected.into()), "{chunks:?}");
    }
    for damaged in [
        "2\r\nabc\r\n0\r\n\r\n",
        "2\r\na",
        "2\r\nab\r\nx\r\n",
        "2\r\nab\r\n5\r\nab",
        "1\r\na\r\nffffffffffffffff\r\n",
        "2\r\nab\r\n12345678123456781\r\n",
        "2\r\nab\r\n-1\r\n",
        "2\r\nab\r\n5",
    ] {
        assert_eq!(undone(te, damaged.as_bytes()), Err("http_chunked"), "{damaged:?}");
    }
}

#[test]
fn a_body_stored_joined_under_a_header_that_says_chunked_stays() {
    for text in [PAGE, "x\r\n", "dead\nbeef\n", "2024\n年\n", "0\nを足す。\n", "5", " 5\r\nabcde\r\n0\r\n\r\n", "\r\n", "10 人が\r\n来た"]
    {
        assert_eq!(undone("Transfer-Encoding: chunked", text.as_bytes()), Ok(text.into()), "{text:?}");
    }
    let chunks = chunked(PAGE.as_bytes(), &[10], "\r\n");
    assert_eq!(undone("Transfer-Encoding: identity", &chunks), Ok(chunks.clone()), "nothing is undone that the header does not name");
}

#[test]
fn codings_in_a_row_are_undone_from_the_last() {
    let text = PAGE.as_bytes();
    assert_eq!(undone("Content-Encoding: gzip, br", &brotli(&gzip(text))), Ok(PAGE.into()));
    assert_eq!(undone("Content-Encoding: identity, zstd ,\tdeflate", &zlib(&zstd(text))), Ok(PAGE.into()));
    assert_eq!(undone("Content-Encoding: br\r\ncontent-encoding: gzip", &gzip(&brotli(text))), Ok(PAGE.into()));
    assert_eq!(undone("Content-Encoding: br,\r\n  gzip\r\nX: deflate", &gzip(&brotli(text))), Ok(PAGE.into()));
    assert_eq!(undone("Transfer-Encoding: gzip, chunked", &chunked(&gzip(text), &[9], "\r\n")), Ok(PAGE.into()));
    assert_eq!(undone("Transfer-Encoding: chunked\r\nContent-Encoding: br", &chunked(&brotli(text), &[9], "\r\n")), Ok(PAGE.into()));
    assert_eq!(undone("Content-Encoding: gzip, gzip, gzip, gzip", &gzip(&gzip(&gzip(&gzip(text))))), Ok(PAGE.into()));
    assert_eq!(undone("Content-Encoding: gzip, gzip, gzip, gzip, gzip", text), Err("http_coding"));
    assert_eq!(undone(&format!("Content-Encoding: {}", "gzip,".repeat(10_000)), text), Err("http_coding"));
}

#[test]
fn a_header_may_lie() {
    let text = PAGE.as_bytes();
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(PAGE);
    let (jis, _, _) = encoding_rs::ISO_2022_JP.encode(PAGE);
    let utf16: Vec<u8> = PAGE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (field, _, reason) in CODINGS.into_iter().chain([("Content-Encoding: compress", gzip as Pack, "http_coding")]) {
        for stored in [text, &sjis, &jis, &utf16, b"K", b";a", b"x^2", b"H\xe3\x81\x82"] {
            assert_eq!(undone(field, stored), Ok(stored.to_vec()), "{field}: the body is stored plain");
        }
        assert_eq!(undone(field, &gzip(text)), Ok(PAGE.into()), "{field}: but it is gzip");
        assert_eq!(undone(field, &zstd(text)), Ok(PAGE.into()), "{field}: but it is zstd");
        assert_eq!(undone(field, &[0, 1, 2, 3, 0xff]), Err(reason), "{field}");
        assert_eq!(undone(&format!("{field}\r\n{field}"), &gzip(text)), Ok(PAGE.into()), "{field}: named twice, applied once");
    }
    assert_eq!(undone("X: y", &gzip(text)), Ok(gzip(text)), "nothing is undone that the header does not name");
}

#[test]
fn members_and_frames_are_joined() {
    let named = [&b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x02\0ab../name\0comment\0\x12\x34"[..], &gzip(b"a")[10..], &gzip(b"b")].concat();
    assert_eq!(undone("Content-Encoding: gzip", &named), Ok(b"ab".to_vec()));
    let skippable = [&b"\x5f\x2a\x4d\x18\x05\0\0\0hello"[..], &zstd(b"a"), b"\x50\x2a\x4d\x18\0\0\0\0", &zstd(b"b")].concat();
    assert_eq!(undone("Content-Encoding: zstd", &skippable), Ok(b"ab".to_vec()));
    assert_eq!(undone("Content-Encoding: gzip", &gzip(b"").repeat(20_000)), Ok(Vec::new()), "many small members are cheap");
}

#[test]
fn every_truncated_body_is_a_fault() {
    // Long enough that no part of it can be taken for text.
    let text = PAGE.repeat(3);
    for (field, pack, reason) in CODINGS {
        let packed = pack(text.as_bytes());
        for end in 1..packed.len() {
            let found = undone(field, &packed[..end]);
            let is_short = end < 3 && matches!(&found, Ok(stored) if *stored == packed[..end]);
            assert!(found == Err(reason) || is_short, "{field}: {end} {found:?}");
        }
    }
    let packed = chunked(text.as_bytes(), &[100], "\r\n");
    for end in 5..packed.len() {
        match undone("Transfer-Encoding: chunked", &packed[..end]) {
            Ok(found) => assert!(text.as_bytes().starts_with(&found) && (found.len() % 100 == 0 || found.len() == text.len()), "{end}"),
            Err(reason) => assert_eq!(reason, "http_chunked", "{end}"),
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed_or_harmless_where_there_is_a_checksum() {
    let text = PAGE.repeat(3);
    for (field, pack, _) in [CODINGS[0], CODINGS[5]] {
        let packed = pack(text.as_bytes());
        for at in 4..packed.len() {
            for bit in 0..8 {
                let mut bad = packed.clone();
                bad[at] ^= 1 << bit;
                assert!(
                    undone(field, &bad).is_ok_and(|found| found == text.as_bytes()) || undone(field, &bad).is_err(),
                    "{field}: byte {at} bit {bit}"
                );
            }
        }
    }
}

#[test]
fn the_limit_holds() {
    for (field, pack, _) in CODINGS {
        let header = format!("{field}\r\n");
        for (length, fits) in [(999, true), (1000, true), (1001, false), (10_000_000, false)] {
            let packed = pack(&vec![b'a'; length]);
            match body(header.as_bytes(), &packed, 1000) {
                Ok(found) => assert!(fits && found.len() == length, "{field}"),
                Err(fault) => assert!(!fits && fault == Fault::TOO_LONG, "{field} {length}: {fault:?}"),
            }
        }
        let nested = pack(&pack(&vec![0; 10_000_000]));
        assert_eq!(body(format!("{header}{header}").as_bytes(), &nested, LIMIT), Err(Fault::TOO_LONG), "{field}");
    }
}

#[test]
fn a_window_above_the_limit_is_refused() {
    let mut writer = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    writer.window_log(27).unwrap();
    writer.write_all(PAGE.as_bytes()).unwrap();
    let packed = writer.finish().unwrap();
    assert_eq!(undone("Content-Encoding: zstd", &packed), Ok(PAGE.into()));
    // The window stands in the byte behind magic number and descriptor: 2^31 bytes.
    assert_eq!(packed[5], 17 << 3);
    let wider = [&packed[..5], &[21 << 3], &packed[6..]].concat();
    assert_eq!(undone("Content-Encoding: zstd", &wider), Err("http_zstd"));
    // A Brotli stream with a large window begins with these bits.
    assert_eq!(undone("Content-Encoding: br", &[0x11, 30, 3, 0, 0]), Err("http_brotli"));
}

/// How bodies in the codings begin.
const STARTS: &[&[u8]] = &[b"", b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"5\r\n", b"\x1b"];

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(text in proptest::collection::vec(any::<u8>(), 0..600), order in proptest::collection::vec(0..6_usize, 1..5)) {
        let packed = order.iter().fold(text.clone(), |text, n| CODINGS[*n].1(&text));
        let fields: Vec<&str> = order.iter().map(|n| CODINGS[*n].0).collect();
        prop_assert_eq!(undone(&fields.join("\r\n"), &packed), Ok(text));
    }

    #[test]
    fn chunks_of_any_size_are_joined(text in proptest::collection::vec(any::<u8>(), 0..600), sizes in proptest::collection::vec(1..90_usize, 1..5), bare in any::<bool>()) {
        let packed = chunked(&text, &sizes, if bare { "\n" } else { "\r\n" });
        prop_assert_eq!(undone("Transfer-Encoding: chunked", &packed), Ok(text));
    }

    #[test]
    fn never_panics(
        header in "((Content|Transfer)-Encoding|\n|\r\n| |:|,|;|gzip|br|deflate|zstd|chunked|\t|\"){0,12}",
        start in proptest::sample::select(STARTS),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(found) = body(header.as_bytes(), &[start, &bytes[..]].concat(), 1000) {
            prop_assert!(found.len() <= 1000);
        }
    }
}
