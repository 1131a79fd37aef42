//! Raw corpora as they come: every format in one directory, through a whole run, with the way back from the tokens to the inputs.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;

use crate::harness::{World, bzip2, gzip, gzip_of, manifest, rows, strings, tar, zip};

/// A text that no rule rejects and that no other repeats.
fn prose(number: usize) -> String {
    let whos = ["私", "隣の老人", "図書館の司書", "若い農家", "学校の先生", "旅の商人", "町の医者"];
    let whats = ["精米した米", "古い地図", "庭の花", "山の水", "新しい辞書", "手紙の束", "朝の新聞"];
    let sentence =
        |i: usize| format!("{}は{}番の{}を丁寧に調べています。", whos[(number + i) % 7], number * 31 + i, whats[(number + i * 2) % 7]);
    (0..4).map(sentence).collect()
}

/// A file of a format: its name, its bytes, and how many of its records are documents and how many are quarantined.
type Sample = (&'static str, Vec<u8>, u64, u64);

/// One of each: a format is a line.
fn samples() -> Vec<Sample> {
    let json = |number: usize| serde_json::json!({ "id": format!("j{number}"), "text": prose(number) }).to_string();
    let page = |number: usize| format!("<html><head><title>頁</title></head><body><main><p>{}</p></main></body></html>", prose(number));
    let warc = |body: &str| {
        let (kind, length) = ("WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: https://www.soumu.go.jp/a\r\n", body.len());
        format!("{kind}Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}\r\n\r\n")
    };
    let arc = |body: &str| {
        let page = format!("HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}");
        let about = "1 0 Example\nURL IP-address Archive-date Content-type Archive-length\n";
        let record = |address: &str, kind: &str, body: &str| format!("{address} 192.0.2.1 20010203040506 {kind} {}\n{body}\n", body.len());
        record("filedesc://m.arc", "text/plain", about) + &record("http://example.jp/1", "text/plain", &page)
    };
    let wiki = |body: &str| {
        let page = |id: u64, text: &str| {
            format!("<page><title>頁{id}</title><ns>0</ns><id>{id}</id><revision><id>1</id><text>{text}</text></revision></page>")
        };
        format!("<mediawiki><siteinfo><dbname>x</dbname></siteinfo>{}{}</mediawiki>", page(1, body), page(2, "#転送 [[頁1]]"))
    };
    let epub = |body: &str| {
        let page = format!("<html><body><p>{body}</p></body></html>");
        zip(&[
            ("mimetype", "application/epub+zip".to_owned()),
            ("META-INF/container.xml", "<container><rootfile full-path='a/b.opf'/></container>".to_owned()),
            (
                "a/b.opf",
                "<package><manifest><item id='c' href='c.xhtml'/></manifest><spine><itemref idref='c'/></spine></package>".to_owned(),
            ),
            ("a/c.xhtml", page),
        ])
    };
    let cp932 = |text: &str| encoding_rs::SHIFT_JIS.encode(text).0.into_owned();
    vec![
        ("a.jsonl", format!("{}\n{{\"text\": \"cut", json(1)).into_bytes(), 1, 1),
        ("b.jsonl.zst", zstd::encode_all(json(2).as_bytes(), 0).unwrap(), 1, 0),
        ("c.json", format!("[\n  {},\n  7\n]", json(3)).into_bytes(), 1, 1),
        ("d.csv", cp932(&format!("id,text\r\nd1,\"{}\"\r\nd2\r\n", prose(4))), 1, 1),
        ("e.tsv", format!("id\ttext\ne1\t{}\n", prose(5)).into_bytes(), 1, 0),
        ("f.warc", warc(&prose(6)).into_bytes(), 1, 0),
        ("g.html", page(7).into_bytes(), 1, 0),
        ("h.txt", encoding_rs::EUC_JP.encode(&prose(8)).0.into_owned(), 1, 0),
        ("i.parquet", std::fs::read(crate::harness::repository().join("corpora-samples/mixed.parquet")).unwrap(), u64::MAX, 0),
        ("j.pdf", b"%PDF-1.7".to_vec(), 0, 1),
        ("k.jsonl.bz2", bzip2(&json(9)), 1, 0),
        ("l.warc.gz", gzip(&warc(&prose(10)).replace("conversion", "metadata")), 0, 0),
        ("m.arc", arc(&prose(11)).into_bytes(), 1, 0),
        ("n.txt", encoding_rs::ISO_2022_JP.encode(&prose(12)).0.into_owned(), 1, 0),
        ("o.txt", encoding_rs::EUC_KR.encode(&"지하철 이용자 수가 늘었습니다. ".repeat(9)).0.into_owned(), 0, 1),
        // Members of archives are inputs of their own.
        ("p.zip/1.jsonl", zip(&[("1.jsonl", json(13) + "\n{\"text\": 1}\n")]), 1, 1),
        ("r.xml.bz2", bzip2(&wiki(&prose(15))), 1, 0),
        ("s.srt", format!("1\n00:00:01,000 --> 00:00:02,000\n{}\n", prose(16)).into_bytes(), 1, 0),
        ("t.po", format!("msgid \"a\"\nmsgstr \"{}\"\n", prose(17)).into_bytes(), 1, 0),
        ("u.xml", format!("<?xml version='1.0'?><article><para>{}</para></article>", prose(18)).into_bytes(), 1, 0),
        ("v.epub", epub(&prose(19)), 1, 0),
        ("q.tar.gz/2.csv", gzip_of(&tar(&[("2.csv", format!("text,id\n{},q1\n", prose(14)))])), 1, 0),
    ]
}

const PLAN: &str = "[input]\npaths = [\"raw\"]\nsource = { license = \"unknown\", residency = \"JP\" }\n\
    [[input.rules]]\nhosts = [\"go.jp\"]\nsource = { license = \"PDL-1.0\" }\n\
    [quality]\npreset = \"none\"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 400\n[pack]\nsequence_length = 64\n";

#[test]
fn a_directory_of_every_format_keeps_the_law() {
    let world = World::new();
    let samples = samples();
    for (name, bytes, ..) in &samples {
        world.write(&format!("raw/{}", name.split('/').next().unwrap()), bytes);
    }
    world.write("plan.toml", PLAN);
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out"]);
    assert_eq!(code, 3, "{err}");
    let manifest = manifest(&world.path("out"));
    let n = |key: &str| manifest["totals"][key].as_u64().unwrap();
    assert_eq!(n("read"), n("kept") + n("rejected") + n("quarantined"));
    let inputs: BTreeMap<&str, &serde_json::Value> =
        manifest["inputs"].as_array().unwrap().iter().map(|input| (input["path"].as_str().unwrap(), input)).collect();
    for (name, _, documents, bad) in &samples {
        let input = inputs[format!("raw/{name}").as_str()];
        let (read, quarantined) = (input["read"].as_u64().unwrap(), input["quarantined"].as_u64().unwrap());
        let expected = if *documents == u64::MAX { read } else { documents + bad };
        assert_eq!((read, quarantined), (expected, *bad), "{name}");
        assert!(*documents != u64::MAX || read > 0, "{name}");
    }
    assert_eq!(world.run(&["verify", "out"]).0, 0);
    // Row for row: where every document and its tokens come from.
    let (documents, tokens) = (rows(&world.path("out/documents")), rows(&world.path("out/tokens")));
    for column in ["doc_id", "file", "license", "residency"] {
        assert_eq!(strings(&documents, column), strings(&tokens, column), "{column}");
    }
    let (files, licenses) = (strings(&documents, "file"), strings(&documents, "license"));
    let license = |file: &str| &licenses[files.iter().position(|found| found == file).unwrap()];
    assert_eq!((license("raw/f.warc").as_str(), license("raw/a.jsonl").as_str()), ("PDL-1.0", "unknown"));
    let offsets = |batches: &[arrow::record_batch::RecordBatch]| -> Vec<u64> {
        let of = |batch: &arrow::record_batch::RecordBatch| {
            batch.column_by_name("offset").unwrap().as_primitive::<UInt64Type>().values().to_vec()
        };
        batches.iter().flat_map(of).collect()
    };
    assert_eq!(offsets(&documents), offsets(&tokens));
    let at = files.iter().position(|file| file == "raw/c.json").unwrap();
    assert_eq!(offsets(&documents)[at], 4, "the record begins behind the bracket");
    let licenses = manifest["provenance"]["licenses"].as_object().unwrap();
    assert_eq!(licenses.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), n("kept"));
}

/// Two records of one id are two documents with two names; the first keeps its own, whatever the threads and shards.
#[test]
fn records_of_one_id_are_told_apart_and_counted() {
    let world = World::new();
    let line = |id: &str, number: usize| format!("{{\"id\":\"{id}\",\"text\":\"{}\"}}\n", prose(number));
    world.write("raw/a.jsonl", [line("x", 1), line("y", 2), line("x", 3)].concat());
    world.write("raw/b.jsonl", [line("x", 3), line("z", 5), line("a.jsonl#1", 6)].concat());
    world.write("plan.toml", PLAN);
    let limits = ["--set", "shards.rows_max=1"];
    let mut found = Vec::new();
    for (out, more) in [("one", &[][..]), ("two", &limits)] {
        let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", out, "--threads", "2"][..], more].concat());
        assert!(code == 0 && err.contains("same ids"), "{err}");
        assert_eq!(manifest(&world.path(out))["totals"]["same_ids"], 2);
        assert_eq!(world.run(&["verify", out]).0, 0);
        let rejected = rows(&world.path(&format!("{out}/rejected")));
        let second = line("x", 1).len() + line("y", 2).len();
        let later = format!("x~raw/a.jsonl@{second}");
        assert_eq!(strings(&rejected, "doc_id"), ["x~raw/b.jsonl@0"]);
        assert_eq!(strings(&rejected, "duplicate_of"), [later.as_str()]);
        let documents = rows(&world.path(&format!("{out}/documents")));
        assert_eq!(strings(&documents, "doc_id"), ["x", "y", later.as_str(), "z", "a.jsonl#1"]);
        assert_eq!(strings(&rows(&world.path(&format!("{out}/tokens"))), "doc_id"), strings(&documents, "doc_id"));
        let (code, told, err) = world.run(&["inspect", out, &later]);
        assert!(code == 0 && told.contains("kept") && told.contains("x~raw/b.jsonl@0"), "{told}{err}");
        found.push(strings(&documents, "text"));
    }
    assert_eq!(found[0], found[1]);
}
