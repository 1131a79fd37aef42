//! Tables of lines and JSON documents: from files to records, whole and in pieces.

use super::*;

fn plan(text: &str) -> Options {
    toml::from_str(text).unwrap()
}

/// The same records and quarantine wherever shards end.
fn read_everyhow(options: &Options, dir: &Path) -> Read {
    let [whole, small, least] = LIMITS.map(|limits| read_with(options, dir, limits).unwrap());
    assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&small.records, &small.quarantined, &small.tallies));
    assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&least.records, &least.quarantined, &least.tallies));
    whole
}

const TABLE: &str = "番号,題,本文,日付,備考\n1,\"春, 曙\",\"一行目です。\n二行目は\"\"引用\"\"です。\",2020-01-02,\n\n2,5\" 盤,短い文です。,,注\n3,足りない行\n4,多い,行です。,,,\n5,多い,行です。,,,余り\n";

#[test]
fn a_table_is_read_in_any_charset_and_with_any_delimiter() {
    let dir = tempfile::tempdir().unwrap();
    let tabs = TABLE.replace("春, 曙", "春\t曙").replace(',', "\t");
    let utf16 = |text: &str| -> Vec<u8> { format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let files: [(&str, Vec<u8>); 7] = [
        ("a.csv", TABLE.as_bytes().to_vec()),
        ("b.csv", format!("\u{feff}{}", TABLE.replace('\n', "\r\n")).into_bytes()),
        ("c.csv", encoding_rs::SHIFT_JIS.encode(TABLE).0.into_owned()),
        ("d.csv.gz", gzip(&encoding_rs::EUC_JP.encode(TABLE).0, 6)),
        ("e.tsv", utf16(&tabs)),
        ("f.csv", TABLE.replace(',', ";").into_bytes()),
        ("g.csv", format!("sep=|\n{}", TABLE.replace(',', "|")).into_bytes()),
    ];
    for (name, bytes) in files {
        write(dir.path(), name, &bytes);
        let fields = "fields = { text = [\"題\", \"本文\"], joiner = \"／\", id = \"番号\", date = \"日付\" }";
        let read = read_everyhow(&plan(&format!("paths = [{name:?}]\n{fields}")), dir.path());
        let found: Vec<_> = read.records.iter().map(|record| (record.id.as_deref().unwrap(), record.ordinal_in_file)).collect();
        assert_eq!(found, [("1", 1), ("2", 2), ("4", 4)], "{name}: {:?}", read.quarantined);
        let text = read.records[0].text.replace("\r\n", "\n");
        assert!(text.starts_with('春') && text.ends_with("曙／一行目です。\n二行目は\"引用\"です。"), "{name}: {text}");
        assert_eq!((read.records[0].date.as_deref(), read.records[1].date.as_deref()), (Some("2020-01-02"), None));
        let lines = if name == "g.csv" { [Some(7), Some(9)] } else { [Some(6), Some(8)] };
        assert_eq!(
            read.quarantined.iter().map(|q| (q.reason.as_str(), q.line)).collect::<Vec<_>>(),
            lines.map(|line| ("csv_columns", line))
        );
        assert_eq!(read.tallies[0].fields_not_kept.get("備考"), Some(&1), "{name}");
        let kept = read_everyhow(&plan(&format!("paths = [{name:?}]\n{}", fields.replace(" }", ", rest = \"meta\" }"))), dir.path());
        assert_eq!(kept.records[1].meta.as_deref(), Some(r#"{"備考":"注"}"#));
    }
}

#[test]
fn columns_without_names_are_numbered() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.tsv", "x\t一つ目の文。\ny\t\"二つ目の文。\nz\t三つ目\"の文。".as_bytes());
    let options = plan("paths = [\"a.tsv\"]\nheader = false\nquotes = false\nfields = { id = \"1\", text = \"2\" }");
    let read = read_everyhow(&options, dir.path());
    assert_eq!(texts(&read), ["一つ目の文。", "\"二つ目の文。", "三つ目\"の文。"]);
    assert_eq!(read.records.iter().map(|record| record.offset).collect::<Vec<_>>(), [0, 21, 43]);
}

#[test]
fn a_quote_that_is_never_closed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.csv", b"id,text\n1,a\n2,\"b\n3,c\n4,d\n");
    let read = read_everyhow(&options(&["a.csv"]), dir.path());
    assert_eq!(texts(&read), ["a", "c", "d"]);
    assert_eq!(reasons(&read), [(12, Some(3), 5, "csv_quote")]);
    assert!(read.quarantined[0].detail.contains("input.quotes = false"));
    let long = format!("id,text\n1,a\n2,\"b\n{}", "3,c\n".repeat(20_000));
    write(dir.path(), "b.csv", long.as_bytes());
    let read = read_everyhow(&Options { record_max: 1 << 20, ..options(&["b.csv"]) }, dir.path());
    assert_eq!((texts(&read).len(), read.quarantined[0].kind), (1, crate::quarantine::Kind::File));
    let read = read_everyhow(&Options { record_max: 1000, ..options(&["b.csv"]) }, dir.path());
    assert_eq!((texts(&read).len(), read.quarantined[0].length as usize), (1, long.len() - 12));
}

#[test]
fn tables_that_are_none() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes, reason) in [
        ("a.csv", &b"id,content\n1,a\n"[..], "text_missing"),
        ("b.csv", b"text,text\na,b\n", "duplicate_key"),
        ("c.csv", b"id,text\n", "csv_no_rows"),
        ("d.csv", b"\x1b$B%F%9%H\x1b(B,text\n1,a\n", "charset"),
    ] {
        write(dir.path(), name, bytes);
        let read = read_everyhow(&options(&[name]), dir.path());
        assert_eq!((read.records.len(), reasons(&read).len(), reasons(&read)[0].3), (0, 1, reason), "{name}");
    }
    write(dir.path(), "e.csv", b"\n\n");
    assert_eq!(read_everyhow(&options(&["e.csv"]), dir.path()).quarantined.len(), 0, "nothing is nothing");
    let read = read(dir.path(), &["a.csv"]);
    assert!(read.quarantined[0].detail.contains("it has: id, content (set input.fields.text)"), "{:?}", read.quarantined);
}

#[test]
fn a_row_that_is_too_long_or_in_another_charset_costs_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = "text,id\n短い文。,1\n".as_bytes().to_vec();
    bytes.extend([&b"\"x\n"[..], "長".repeat(1000).as_bytes(), b"\",2\n"].concat());
    bytes.extend(encoding_rs::SHIFT_JIS.encode("別の符号の文です。,3\n").0.iter());
    bytes.extend(b"\xff\xfe\xfd broken \xff,4\n");
    bytes.extend("終わりの文。,5\n".as_bytes());
    write(dir.path(), "a.csv", &bytes);
    let read = read_everyhow(&Options { record_max: 200, ..options(&["a.csv"]) }, dir.path());
    assert_eq!(texts(&read), ["短い文。", "別の符号の文です。", "終わりの文。"]);
    assert_eq!(reasons(&read).iter().map(|r| (r.1, r.3)).collect::<Vec<_>>(), [(Some(3), "record_too_long"), (Some(6), "charset")]);
}

const RECORDS: &str = r#"[
  { "id": 1, "text": "一つ目の\"文\"。" },
  { "id": 2, "text": "二つ目。", "tags": [{ "a": "}" }] } , 7,
  { "id": 3 }, {"id":4,"text":"四つ目。"}
]
"#;

#[test]
fn a_list_of_records_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let inside = format!("{{\"n\":[1,2],\"da\\u0074a\":{{\"x\":\"[\",\"items\":{RECORDS},\"y\":[{{\"text\":\"no\"}}]}}}}");
    let one_line = inside.replace('\n', "");
    let files: [(&str, &[u8], &str); 5] = [
        ("a.json", RECORDS.as_bytes(), ""),
        ("b.json.gz", &gzip(format!("\u{feff}{RECORDS}").as_bytes(), 6), ""),
        ("c", RECORDS.as_bytes(), ""),
        ("d.json", inside.as_bytes(), "fields = { records = \"data.items\" }"),
        ("e.json", one_line.as_bytes(), "fields = { records = \"/data/items\" }"),
    ];
    for (name, bytes, fields) in files {
        write(dir.path(), name, bytes);
        let read = read_everyhow(&plan(&format!("paths = [{name:?}]\n{fields}")), dir.path());
        assert_eq!(texts(&read), ["一つ目の\"文\"。", "二つ目。", "四つ目。"], "{name}: {:?}", read.quarantined);
        assert_eq!(read.records.iter().map(|record| record.ordinal_in_file).collect::<Vec<_>>(), [1, 2, 5]);
        assert_eq!(reasons(&read).iter().map(|r| r.3).collect::<Vec<_>>(), ["not_object", "text_missing"]);
        if !name.contains(".gz") {
            assert!(read.records.iter().all(|record| bytes[record.offset as usize..].starts_with(b"{")), "{name}");
        }
    }
}

#[test]
fn records_over_many_lines_are_read() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.json", b"{\n \"text\": \"a\"\n}");
    write(dir.path(), "b.json", b"{\n \"text\": \"a\"\n}\n{\n \"text\": \"b\" }{\"text\":\"c\"},\n{\"text\":\"d\"}");
    write(dir.path(), "c.json", b"{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    for (name, expected) in [("a.json", &["a"][..]), ("b.json", &["a", "b", "c", "d"]), ("c.json", &["a", "b"])] {
        let read = read_everyhow(&options(&[name]), dir.path());
        assert_eq!((texts(&read), reasons(&read)), (expected.to_vec(), vec![]), "{name}");
    }
}

#[test]
fn json_documents_that_are_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let cut = gzip(RECORDS.as_bytes(), 6);
    for (name, bytes, fields, texts_found, reasons_found) in [
        ("a.json", &b"[{\"text\":\"a\"},{\"text\":\"b\""[..], "", 1, &["json_eof"][..]),
        ("b.json", b"[{\"text\":\"a\"},", "", 1, &["json_eof"]),
        ("c.json", b"[{\"text\":\"a\"}] x", "", 1, &["json_trailing"]),
        ("d.json", b"[{\"text\":\"a\"}][{\"text\":\"b\"}]", "", 2, &[]),
        ("e.json", b"[{\"text\":\"a\",},{\"text\":\"b\"},]", "", 1, &["json_syntax"]),
        ("f.json", b"{\"data\":{}}", "fields = { records = \"data.items\" }", 0, &["json_records"]),
        ("g.json", b"{\"data\":[{\"text\":\"a\"}],\"x\":1", "fields = { records = \"data\" }", 1, &[]),
        ("h.json", b"{\n\"text\":\"a\"\n}}", "", 1, &["json_trailing"]),
        ("i.json", b"\xff\xfe[\0{\0", "", 0, &["utf16"]),
        ("j.json.gz", &cut[..cut.len() - 20], "", 0, &["gzip_eof"]),
        ("k.json", b"[]", "", 0, &[]),
    ] {
        write(dir.path(), name, bytes);
        let read = read_everyhow(&plan(&format!("paths = [{name:?}]\n{fields}")), dir.path());
        let found: Vec<&str> = reasons(&read).iter().map(|r| r.3).collect();
        if name.contains(".gz") {
            assert_eq!(found.last(), reasons_found.last(), "{name}");
        } else {
            assert_eq!((texts(&read).len(), &found[..]), (texts_found, reasons_found), "{name}: {:?}", read.quarantined);
        }
    }
    let long = format!("[{{\"text\":\"{}\"}},{{\"text\":\"b\"}}]", "x".repeat(10_000));
    write(dir.path(), "z.json", long.as_bytes());
    let read = read_everyhow(&Options { record_max: 100, ..options(&["z.json"]) }, dir.path());
    assert_eq!((texts(&read), reasons(&read)), (vec!["b"], vec![(1, None, 10_011, "record_too_long")]));
}

/// One directory with every format that is read: each of them a line, and the law holds over all.
#[test]
fn every_format_in_one_directory() {
    let dir = tempfile::tempdir().unwrap();
    let warc = "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length: 6\r\n\r\n書庫\r\n\r\n";
    let files: [(&str, &[u8], u64, u64); 8] = [
        ("a.jsonl", b"{\"text\":\"a\"}\n{bad\n", 1, 1),
        ("b.parquet", &table_of_bytes(&["表".as_bytes(), b"\xff"]), 1, 1),
        ("c.csv", b"text,id\na,1\nb\n", 1, 1),
        ("d.tsv", b"text\tid\na\t1\n", 1, 0),
        ("e.json", b"[{\"text\":\"a\"}, 7]", 1, 1),
        ("f.warc", warc.as_bytes(), 1, 0),
        ("g.html", "<p>頁</p>".as_bytes(), 1, 0),
        ("h.txt", "文".as_bytes(), 1, 0),
    ];
    for (name, bytes, ..) in &files {
        write(dir.path(), name, bytes);
        write(dir.path(), &format!("{name}.zst"), &zstd::encode_all(*bytes, 0).unwrap());
    }
    let read = read_everyhow(&options(&["."]), dir.path());
    let expected = |name: &str| files.iter().find(|(file, ..)| *file == name).map_or((0, 1), |(_, _, records, bad)| (*records, *bad));
    let mut names: Vec<String> = files.iter().flat_map(|(name, ..)| [(*name).to_owned(), format!("{name}.zst")]).collect();
    names.sort();
    for (name, tally) in names.iter().zip(&read.tallies) {
        // Parquet is read from plain files only.
        let bare = if name == "b.parquet.zst" { "" } else { name.trim_end_matches(".zst") };
        assert_eq!((tally.records, tally.quarantined), expected(bare), "{name}");
    }
}

proptest! {
    /// Rows of any kind, read whole and in pieces.
    #[test]
    fn cuts_of_tables_change_nothing(rows in "[a,\"\r\né]{0,60}", bars in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let rows = if bars { rows.replace(',', "|") } else { rows };
        write(dir.path(), "a.csv", format!("text,b\n{rows}").as_bytes());
        read_everyhow(&plan("paths = [\"a.csv\"]\ndelimiter = \",\""), dir.path());
    }

    #[test]
    fn cuts_of_documents_change_nothing(rest in "[\\[\\]{},: \n\"a1\\\\]{0,40}|([{]\"text\":\"[a\\\\]{0,3}\"[}][, \n]{0,2}){0,6}\\]?", in_list in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.json", format!("{}{rest}", if in_list { "[" } else { "{\n" }).as_bytes());
        read_everyhow(&options(&["a.json"]), dir.path());
    }
}
