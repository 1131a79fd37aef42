//! HTTP responses of a WARC file, with their codings, as records.

use super::*;
use std::io::Write as _;

const TEXT: &str = "町の広場には朝から人が集まります。\n昼になると静かな通りに戻ります。";

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    ::brotli::CompressorWriter::new(&mut packed, 4096, 5, 22).write_all(bytes).unwrap();
    packed
}

/// Chunks of seven bytes, so that characters are cut.
fn chunked(bytes: &[u8]) -> Vec<u8> {
    let chunk = |chunk: &[u8]| [format!("{:X};x=y\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
    [bytes.chunks(7).flat_map(chunk).collect(), b"0\r\n\r\n".to_vec()].concat()
}

fn record(kind: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let http = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n{fields}\r\n\r\n");
    let length = http.len() + body.len();
    let header = format!("WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Type: application/http\r\nContent-Length: {length}\r\n\r\n");
    [header.as_bytes(), http.as_bytes(), body, b"\r\n\r\n"].concat()
}

#[test]
fn codings_of_responses_are_undone() {
    let page = format!("<!DOCTYPE html><title>題</title><p>{}</p>", TEXT.replace('\n', "</p>\n<p>"));
    let page = page.as_bytes();
    let good = [
        ("Transfer-Encoding: chunked", chunked(page)),
        ("transfer-encoding: chunked\r\nContent-Encoding: gzip", chunked(&gzip(page, 6))),
        ("Content-Encoding: br", brotli(page)),
        ("Content-Encoding: zstd", zstd::encode_all(page, 3).unwrap()),
        ("Content-Encoding: gzip,\r\n br", brotli(&gzip(page, 6))),
        ("Content-Encoding: gzip\r\nTransfer-Encoding: chunked", page.to_vec()),
    ];
    let bad = [
        ("Content-Encoding: gzip", gzip(page, 6)[..100].to_vec(), "http_gzip"),
        ("Content-Encoding: br", brotli(page)[..100].to_vec(), "http_brotli"),
        ("Transfer-Encoding: chunked", chunked(page)[..100].to_vec(), "http_chunked"),
        ("Content-Encoding: zstd", zstd::encode_all(&vec![b'a'; 20 << 20][..], 3).unwrap(), "http_too_long"),
    ];
    let responses = good.iter().map(|(fields, body)| record("response", fields, body));
    let file: Vec<u8> = responses.chain(bad.iter().map(|(fields, body, _)| record("response", fields, body))).flatten().collect();
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.warc.gz", &gzip(&file, 6));
    for limits in LIMITS {
        let read = read_with(&options(&["a.warc.gz"]), dir.path(), limits).unwrap();
        assert_eq!(texts(&read), [TEXT; 6]);
        let found: Vec<(u64, &str)> = reasons(&read).iter().map(|(_, _, length, reason)| (*length, *reason)).collect();
        let expected: Vec<(u64, &str)> = bad.iter().map(|(_, body, reason)| (body.len() as u64, *reason)).collect();
        assert_eq!(found, expected);
        assert_eq!(read.tallies[0].charset.as_deref(), Some("utf-8"));
    }
}

/// Records that hold no response, whatever they look like, are left as they are.
#[test]
fn only_responses_have_codings() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.warc", &record("resource", "Transfer-Encoding: chunked", b"2\r\nab\r\n0\r\n\r\n"));
    let read = read(dir.path(), &["a.warc"]);
    assert!(texts(&read)[0].contains("2\r\nab\r\n"), "{read:?}");
}

#[test]
fn published_cases_of_pages() {
    let Some(dir) = shared("published_cases_of_pages", "cases") else { return };
    let market = "朝の市場では、野菜と魚が並びます。店の人は元気に声を出していました。\n昼になると、静かな通りに戻ります。";
    for (name, expected) in [
        ("1-chunked.warc", market),
        ("2-gzip.warc", market),
        ("2-br.warc", market),
        ("3-page.xhtml", "本文の一行目です。\n本文の二行目です。"),
        ("3-svg.html", "一つ目の段落です。\n二つ目の段落です。ここも読まれるはずです。"),
        ("5-entities.html", "caféの看板に「2−1 ≥ 0 ∧ π ≠ Δ」とある。★印、Müller、©2024 ‰ ⇒ ∴。\u{fffd}\u{fffd}"),
        ("19-xmlprolog", "本文です。ここから読みます。"),
        ("19-comment-first.php", "本文です。ここから読みます。"),
    ] {
        let read = read(&dir, &[name]);
        assert_eq!(texts(&read), [expected], "{name}");
    }
    let long = read(&dir, &["1-long-chunked.warc"]);
    assert!(
        texts(&long)[0].starts_with("坂の上の小さな町では、") && texts(&long)[0].ends_with("の兄弟です。") && long.quarantined.is_empty()
    );
}
