//! Which records of a web archive are pages, and what the others are counted as.

use std::collections::BTreeMap;

use super::*;
use crate::corpus::html::Extract;

fn record(kind: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("WARC/1.1\r\nWARC-Type: {kind}\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    [header.as_bytes(), body, b"\r\n\r\n"].concat()
}

fn response(address: &str, status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let http = [format!("HTTP/1.1 {status}\r\n{fields}\r\n").as_bytes(), body].concat();
    record("response", &format!("WARC-Target-URI: {address}\r\nContent-Type: application/http; msgtype=response\r\n"), &http)
}

fn passed_over(read: &Read) -> BTreeMap<&str, u64> {
    read.tallies.iter().flat_map(|tally| &tally.passed_over).map(|(reason, count)| (reason.as_str(), *count)).collect()
}

fn page(text: &str) -> Vec<u8> {
    format!("<!DOCTYPE html><html><body><p>{text}</p></body></html>").into_bytes()
}

#[test]
fn what_is_no_page_is_counted_by_reason() {
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    let file = [
        record("warcinfo", "", b"software: x"),
        record("request", "", b"GET / HTTP/1.1\r\n\r\n"),
        record("response", "WARC-Target-URI: dns:example.jp\r\nContent-Type: text/dns\r\n", b"example.jp. 300 IN A 192.0.2.1"),
        response("http://a.jp/robots.txt", "200 OK", "Content-Type: text/plain\r\n", b"User-agent: *"),
        response("http://a.jp/1", "200 OK", "content-type: TEXT/HTML; CHARSET=utf-8\r\n", &page("一")),
        response("http://a.jp/x", "404 Not Found", html, &page("無")),
        response("http://a.jp/y", "301 Moved", html, &page("移")),
        response("http://a.jp/z", "503", html, &page("休")),
        response("http://a.jp/s.css", "200 OK", "Content-Type: Text/CSS\r\n", b"p { color: red }"),
        response("http://a.jp/s.js", "200 OK", "Content-Type: application/javascript\r\n", "var a = 'あ'".as_bytes()),
        response("http://a.jp/d", "200 OK", "Content-Type: application/json\r\n", b"{}"),
        response("http://a.jp/f", "200 OK", "Content-Type: text/xml\r\n", "<?xml version='1.0'?><rss><title>新着</title></rss>".as_bytes()),
        response("http://a.jp/g", "200 OK", html, "<?xml version='1.0'?><feed><title>新着</title></feed>".as_bytes()),
        response("http://a.jp/2", "200 OK", "", &page("二")),
        response("http://a.jp/p", "200 OK", html, b"%PDF-1.7 text"),
        response("http://a.jp/i", "200 OK", "Content-Type: image/png\r\n", b"\x89PNG"),
        response("http://a.jp/e", "200 OK", html, b""),
        response("http://a.jp/w", "200 OK", html, b" \r\n"),
        record("revisit", "", b"HTTP/1.1 200 OK\r\n\r\n"),
        record("metadata", "Content-Type: application/warc-fields\r\n", b"a: b"),
        record("resource", "Content-Type: text/x-crawlLog\r\n", b"2024 200 http://a.jp/"),
        record("Resource", "Content-Type: text/html\r\nWARC-Target-URI:\r\n <http://a.jp/3>\r\n", &page("三")),
        record("conversion", "Content-Type: text/plain\r\nWARC-Identified-Content-Language: jpn\r\n", "四".as_bytes()),
        record("response", "WARC-Segment-Number: 1\r\n", b"HTTP/1.1 200 OK\r\n\r\nhalf"),
        record("continuation", "WARC-Segment-Number: 2\r\n", b"a page"),
    ]
    .concat();
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.warc", &file);
    let expected = [
        ("warcinfo", 1),
        ("request", 1),
        ("dns", 1),
        ("robots", 1),
        ("status_404", 1),
        ("status_301", 1),
        ("status_503", 1),
        ("css", 1),
        ("script", 1),
        ("data", 1),
        ("feed", 2),
        ("pdf", 1),
        ("image", 1),
        ("empty", 2),
        ("revisit", 1),
        ("metadata", 1),
        ("crawl_log", 1),
        ("continuation", 1),
    ];
    for limits in LIMITS {
        let read = read_with(&options(&["a.warc"]), dir.path(), limits).unwrap();
        assert_eq!(texts(&read), ["一", "二", "三", "四"]);
        assert_eq!(passed_over(&read), BTreeMap::from(expected));
        assert_eq!(reasons(&read).iter().map(|bad| bad.3).collect::<Vec<_>>(), ["warc_segment"]);
        assert_eq!(read.records[2].url.as_deref(), Some("http://a.jp/3"));
        assert_eq!(read.records[0].meta.as_deref(), Some(r#"{"status":200}"#));
        assert_eq!(read.records[3].meta.as_deref(), Some(r#"{"language":"jpn"}"#));
    }
    let all = Options { warc: WarcOptions { statuses: vec![200, 404] }, ..options(&["a.warc"]) };
    let read = read_with(&all, dir.path(), ShardLimits::default()).unwrap();
    assert_eq!(texts(&read), ["一", "無", "二", "三", "四"]);
    assert!(Options { warc: WarcOptions { statuses: vec![20] }, ..all }.check().unwrap_err().contains("input.warc.statuses"));
}

/// What is no page is stepped over however long it is, and its length is checked all the same.
#[test]
fn long_records_that_are_no_pages_cost_nothing() {
    let picture = record("response", "Content-Type: application/http\r\nWARC-Target-URI: dns:x\r\n", &vec![b'x'; 3 << 20]);
    let cut = String::from_utf8(record("request", "", b"GET /")).unwrap().replace("Content-Length: 5", "Content-Length: 3");
    let sound = record("conversion", "", "文".as_bytes());
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.warc", &[&picture[..], &sound, cut.as_bytes(), &sound, &picture[..1000]].concat());
    for limits in LIMITS {
        let read = read_with(&Options { record_max: 100, ..options(&["a.warc"]) }, dir.path(), limits).unwrap();
        assert_eq!(texts(&read), ["文", "文"]);
        assert_eq!(reasons(&read).iter().map(|bad| bad.3).collect::<Vec<_>>(), ["warc_length", "warc_length"]);
        assert_eq!(passed_over(&read), BTreeMap::from([("dns", 1)]));
    }
}

/// Records whose ends are written in other ways than the standard says.
#[test]
fn ends_of_records() {
    let bare = |text: &str| format!("WARC/0.18\nwarc-type: conversion\ncontent-length: {}\n\n{text}", text.len());
    let dir = tempfile::tempdir().unwrap();
    for (name, between) in [("none", ""), ("lf", "\n"), ("three", "\r\n\r\n\r\n"), ("crlf", "\r\n")] {
        write(dir.path(), name, [bare("一"), bare("二"), bare("三")].join(between).as_bytes());
        let read = read(dir.path(), &[name]);
        assert_eq!((texts(&read), read.quarantined.len()), (vec!["一", "二", "三"], 0), "{name}");
    }
}

#[test]
fn arc_files() {
    let record = |address: &str, kind: &str, body: &[u8]| {
        [format!("{address} 192.0.2.1 20010203040506 {kind} {}\n", body.len()).as_bytes(), body, b"\n"].concat()
    };
    let response = |kind: &str, body: &[u8]| [format!("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n").as_bytes(), body].concat();
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode("<html><body><p>これは古い記録の頁です。</p></body></html>");
    let about = b"1 0 Example\nURL IP-address Archive-date Content-type Archive-length\n";
    let bad = String::from_utf8(record("http://a.jp/bad", "text/html", b"short")).unwrap().replace("html 5", "html 50");
    let file = [
        record("filedesc://a.arc", "text/plain", about),
        record("dns:a.jp", "text/dns", b"a.jp. 300 IN A 192.0.2.1"),
        record("http://a.jp/1", "text/html", &response("text/html", &page("一"))),
        bad.into_bytes(),
        record("http://a.jp/2", "text/html", &response("text/html", &sjis)),
        record("http://a.jp/i", "image/gif", &response("image/gif", b"GIF89a")),
    ]
    .concat();
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.arc", &file);
    write(dir.path(), "b.arc.gz", &gzip(&file, 6));
    for name in ["a.arc", "b.arc.gz"] {
        for limits in LIMITS {
            let read = read_with(&options(&[name]), dir.path(), limits).unwrap();
            assert_eq!(texts(&read), ["一", "これは古い記録の頁です。"], "{name}");
            assert_eq!(read.records[1].url.as_deref(), Some("http://a.jp/2"));
            assert_eq!(read.records[1].date.as_deref(), Some("2001-02-03T04:05:06Z"));
            assert_eq!(reasons(&read).iter().map(|bad| bad.3).collect::<Vec<_>>(), ["arc_length"]);
            assert_eq!(passed_over(&read), BTreeMap::from([("warcinfo", 1), ("dns", 1), ("image", 1)]));
        }
    }
}

/// One record a member, as crawlers write them: a damaged member costs its record, wherever the damage is.
#[test]
fn a_damaged_member_costs_its_record() {
    let zstd = |bytes: &[u8]| {
        let mut writer = zstd::Encoder::new(Vec::new(), 1).unwrap();
        writer.include_checksum(true).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
        writer.finish().unwrap()
    };
    let body = |n: u32| (0..400).map(|i| format!("{n}の{}", i * n % 97)).collect::<Vec<_>>().concat();
    let records: Vec<Vec<u8>> = (1..8).map(|n| record("conversion", "", body(n).as_bytes())).collect();
    let dir = tempfile::tempdir().unwrap();
    for (name, pack) in [("a.warc.gz", &(|bytes: &[u8]| gzip(bytes, 6)) as &dyn Fn(&[u8]) -> Vec<u8>), ("a.warc.zst", &zstd)] {
        let members: Vec<Vec<u8>> = records.iter().map(|record| pack(record)).collect();
        let start: usize = members[..3].iter().map(Vec::len).sum();
        for at in (0..members[3].len()).step_by(members[3].len() / 40).chain(members[3].len() - 8..members[3].len()) {
            let mut bad = members.concat();
            bad[start + at] ^= 0x55;
            write(dir.path(), name, &bad);
            for limits in LIMITS {
                let read = read_with(&options(&[name]), dir.path(), limits).unwrap();
                let others: Vec<String> = [1, 2, 3, 5, 6, 7].map(body).to_vec();
                let harmless = texts(&read).len() == 7;
                assert!(harmless && at < 10 || texts(&read) == others, "{name} {at}: {:?}", reasons(&read));
                assert!(harmless || !read.quarantined.is_empty(), "{name} {at}");
            }
        }
        // Cut members, junk between them, and two in a row.
        let cut = [
            &members[0][..],
            &members[1][..members[1].len() / 2],
            &members[2],
            b"junk",
            &members[3],
            &members[4][..20],
            &members[5][..9],
            &members[6],
        ];
        write(dir.path(), name, &cut.concat());
        for limits in LIMITS {
            let read = read_with(&options(&[name]), dir.path(), limits).unwrap();
            assert_eq!(texts(&read), [1, 3, 4, 7].map(body), "{name} {:?}", reasons(&read));
        }
        // Nothing behind the damage: the file ends there.
        write(dir.path(), name, &[&members[0][..], &members[1][..30]].concat());
        let read = read(dir.path(), &[name]);
        assert!(texts(&read) == [body(1)] && read.quarantined[0].kind == crate::quarantine::Kind::File);
    }
}

/// Frames that need the dictionary with which the file begins, entered at its start and in the middle.
#[test]
fn a_dictionary_stands_before_the_records() {
    let body = |n: usize| (0..3000).map(|i| format!("{n}番の頁の{}行目です。\n", i * n % 97)).collect::<Vec<_>>().concat();
    let records: Vec<Vec<u8>> = (1..20).map(|n| record("conversion", "", body(n).as_bytes())).collect();
    let dictionary = zstd::dict::from_samples(&records, 4096).unwrap();
    let pack = |bytes: &[u8]| zstd::bulk::Compressor::with_dictionary(3, &dictionary).unwrap().compress(bytes).unwrap();
    let frames: Vec<u8> = records.iter().flat_map(|record| pack(record)).collect();
    let dir = tempfile::tempdir().unwrap();
    for held in [dictionary.clone(), zstd::encode_all(&dictionary[..], 3).unwrap()] {
        let frame = [&b"\x5d\x2a\x4d\x18"[..], &(held.len() as u32).to_le_bytes(), &held].concat();
        write(dir.path(), "a.warc.zst", &[&frame[..], &frames].concat());
        for limits in LIMITS {
            let read = read_with(&options(&["a.warc.zst"]), dir.path(), limits).unwrap();
            assert_eq!(
                (texts(&read), read.quarantined.len()),
                ((1..20).map(body).collect::<Vec<_>>().iter().map(String::as_str).collect(), 0)
            );
        }
    }
    write(dir.path(), "a.warc.zst", &frames);
    let without = read(dir.path(), &["a.warc.zst"]);
    assert_eq!(without.quarantined[0].reason, "zstd_dictionary");
}

#[test]
fn published_kinds_of_records() {
    let Some(dir) = shared("published_kinds_of_records", "cases") else { return };
    let read = read(&dir, &["14-kinds.warc"]);
    assert_eq!(texts(&read)[..4], ["大文字の型の頁です。", "型のない頁です。", "資源の頁です。", "変換された文です。"]);
    assert!(read.records.len() == 5 && read.records[4].url.as_deref() == Some("http://example.jp/sjis") && read.quarantined.is_empty());
    let once =
        ["css", "dns", "empty", "feed", "metadata", "request", "revisit", "robots", "script", "status_301", "status_404", "warcinfo"];
    assert_eq!(passed_over(&read), once.map(|reason| (reason, 1)).into());
}

/// Every page of the set in its charset, with headers that are absent or lie.
#[test]
fn published_pages_are_in_their_charset() {
    let Some(dir) = shared("published_pages_are_in_their_charset", "data/synth/d20k") else { return };
    let docs = std::fs::File::open(dir.join("docs.jsonl.zst")).unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(zstd::Decoder::new(docs).unwrap()));
    let docs: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    // Conversion tables differ in signs, and a reader of HTML in blanks.
    let letters = |text: &str| text.chars().filter(|c| matches!(c, 'ぁ'..='ん' | 'ァ'..='ヶ' | '一'..='龠')).collect::<String>();
    let everything = Options { extract: Extract::All, ..options(&["pages.warc.zst"]) };
    let read = read_with(&everything, &dir, ShardLimits::default()).unwrap();
    let mut wrong = Vec::new();
    for page in &read.records {
        // The records are called by the number of their document.
        let number = page.id.as_deref().unwrap().strip_prefix("urn:uuid:").and_then(|id| id.split('-').next()).unwrap();
        let doc = &docs[usize::from_str_radix(number, 16).unwrap()];
        if !letters(&page.text).contains(&letters(doc["text"].as_str().unwrap())) {
            wrong.push(doc["id"].as_str().unwrap());
        }
    }
    // The set holds documents that were garbled before they were encoded: ISO-2022-JP without its escapes is repaired, some others refused.
    assert!(read.records.len() + read.quarantined.len() == docs.len() && read.quarantined.len() <= 20, "{}", read.quarantined.len());
    assert!(wrong.len() <= 100, "{}: {:?}", wrong.len(), wrong.iter().take(9).collect::<Vec<_>>());
}

#[test]
fn a_work_in_an_archive_is_read_by_its_notation() {
    let work = "<?xml version=\"1.0\"?><html><head><title>著者 頁</title></head><body><h1 class=\"title\">頁</h1><div class=\"main_text\">　<ruby><rb>猫</rb><rp>（</rp><rt>ねこ</rt><rp>）</rp></ruby>が\
                <img class=\"gaiji\" alt=\"※(「足へん＋宛」、第3水準1-92-36)\" />く。<br /></div><div class=\"bibliographical_information\">底本：「頁」甲社<br /></div></body></html>";
    let old = "<HTML><BODY><H1>頁</H1><!R>頁（ページ）の話<BR><HR>底本：「頁」乙社</BODY></HTML>";
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    let file = [
        response("http://a.jp/1", "200 OK", html, work.as_bytes()),
        response("http://a.jp/2", "200 OK", html, old.as_bytes()),
        response("http://a.jp/3", "200 OK", html, &page("三")),
    ];
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.warc", &file.concat());
    let found = read(dir.path(), &["a.warc"]);
    assert_eq!((texts(&found)[0].trim(), texts(&found)[2]), ("猫が踠く。", "三"));
    assert!(texts(&found)[1].contains("頁の話") && !texts(&found)[1].contains("底本"), "{}", texts(&found)[1]);
    let meta: serde_json::Value = serde_json::from_str(found.records[0].meta.as_deref().unwrap()).unwrap();
    assert_eq!((&meta["notation"], &meta["title"], &meta["status"]), (&"aozora".into(), &"頁".into(), &200.into()));
    assert_eq!(found.tallies[0].dropped.get("character_found"), Some(&1));
    let as_page = read_with(&Options { notation: Notation::None, ..options(&["a.warc"]) }, dir.path(), ShardLimits::default()).unwrap();
    assert!(!texts(&as_page)[0].contains('踠'));
}
