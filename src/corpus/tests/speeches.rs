//! Answers of the interface of the Diet, from files to records: element by element where that can be, else as a whole.

use super::*;

fn speech(issue: &str, number: usize, text: &str) -> String {
    serde_json::json!({"speechID": format!("{issue}_{number}"), "issueID": issue, "date": "1947-05-20", "speechOrder": number, "speaker": "甲野太郎", "speech": text}).to_string()
}

fn speeches(all: &[String]) -> String {
    format!(
        "{{\"numberOfRecords\":{}, \"nextRecordPosition\" : null,\r\n \"speechRecord\" : [ {} ],\"x\":{{\"speechRecord\":1}}}}",
        all.len(),
        all.join(" ,\n")
    )
}

fn meetings(all: &[(&str, &[String])]) -> String {
    let meeting = |(issue, speeches): &(&str, &[String])| {
        format!("{{\"issueID\":\"{issue}\",\"speechRecord\":[{}],\"meetingURL\":\"https://example.jp/{issue}\"}}", speeches.join(","))
    };
    format!("{{\"numberOfRecords\":1,\"meetingRecord\":[{}]}}", all.iter().map(meeting).collect::<Vec<_>>().join(","))
}

fn everyhow(options: &Options, dir: &Path) -> Read {
    let [whole, small, least] = LIMITS.map(|limits| read_with(options, dir, limits).unwrap());
    for other in [small, least] {
        assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&other.records, &other.quarantined, &other.tallies));
    }
    whole
}

#[test]
fn speeches_are_read_one_by_one_however_long_the_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut all: Vec<String> = (0..60).map(|n| speech("a", n, &format!("○甲君　{n}番です。\r\n　次です。（拍手）"))).collect();
    all[3] = speech("a", 3, "　　　━━━━━");
    all[5] = serde_json::json!({"speechID": "a_5", "speaker": "会議録情報", "speech": "名簿"}).to_string();
    all[7] = "{\"speech\": 1 2}".to_owned();
    all[8] = "\"speech\"".to_owned();
    write(dir.path(), "a.json", format!("\u{feff}{}\n{}", speeches(&all), speeches(&[speech("b", 1, "乙です。")])).as_bytes());
    write(dir.path(), "b.json.gz", &gzip(meetings(&[("c", &all[..2]), ("d", &all[9..12])]).as_bytes(), 6));
    // A file may be longer than a record.
    let options = Options { record_max: 1000, ..options(&["a.json", "b.json.gz"]) };
    let read = everyhow(&options, dir.path());
    assert_eq!(read.records.len(), 56 + 1 + 5);
    assert_eq!(texts(&read)[..2], ["0番です。\n次です。", "1番です。\n次です。"]);
    let ids: Vec<&str> = read.records.iter().map(|record| record.id.as_deref().unwrap()).collect();
    assert_eq!((ids[3], ids[56], ids[57]), ("a_4", "b_1", "a_0"));
    let numbers: Vec<u64> = read.records.iter().map(|record| record.ordinal_in_file).collect();
    assert_eq!((numbers[3], numbers[56], &numbers[57..]), (5, 61, &[1, 2, 3, 4, 5][..]));
    assert_eq!(read.quarantined.iter().map(|q| q.reason.as_str()).collect::<Vec<_>>(), ["json_syntax", "json_syntax"]);
    let dropped = |kind: &str| read.tallies.iter().map(|tally| tally.dropped.get(kind).copied().unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!((dropped("direction"), dropped("record_of_meeting"), dropped("empty_speech")), (vec![56, 5], vec![1, 0], vec![1, 0]));
    assert_eq!(read.tallies[0].charset.as_deref(), Some("utf-8"));
}

#[test]
fn meetings_are_read_one_by_one_or_gathered() {
    let dir = tempfile::tempdir().unwrap();
    let of = |issue| [speech(issue, 1, "○甲君　一。"), speech(issue, 2, "○甲君　二。")];
    write(dir.path(), "a.json", meetings(&[("a", &of("a")), ("b", &of("b"))]).as_bytes());
    write(dir.path(), "b.json", speeches(&[of("c"), of("d")].concat()).as_bytes());
    let mut options = options(&["a.json", "b.json"]);
    options.diet.documents = DietDocuments::Meeting;
    let read = everyhow(&options, dir.path());
    assert_eq!(texts(&read), ["甲野太郎：一。\n甲野太郎：二。"; 4]);
    assert_eq!(read.records.iter().map(|record| record.id.as_deref().unwrap()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(read.records[1].url.as_deref(), Some("https://example.jp/b"));
}

#[test]
fn what_is_cut_or_no_json_costs_what_is_behind() {
    let dir = tempfile::tempdir().unwrap();
    let whole = speeches(&[speech("a", 1, "一。"), speech("a", 2, "二。")]);
    let end = whole.find(" ]").unwrap();
    for (name, bytes, texts_of, reasons_of) in [
        ("cut.json", whole.get(..end - 5).unwrap().to_owned(), vec!["一。"], vec!["json_eof"]),
        ("list.json", whole.get(..end).unwrap().to_owned(), vec!["一。", "二。"], vec!["json_eof"]),
        ("open.json", whole.replacen(" ]", ",}", 1), vec!["一。", "二。"], vec!["json_syntax"]),
        ("brace.json", whole.replacen(" ]", " }", 1), vec!["一。", "二。"], vec!["json_syntax"]),
        ("word.json", whole.replace("\"x\"", "x"), vec!["一。", "二。"], vec!["json_syntax"]),
        ("none.json", speeches(&[]), vec![], vec!["diet_missing"]),
        ("head.json", "{\"numberOfRecords\":1,\"speechRecord\"".to_owned(), vec![], vec!["json_syntax"]),
    ] {
        write(dir.path(), name, bytes.as_bytes());
        let read = everyhow(&options(&[name]), dir.path());
        assert_eq!(
            (texts(&read), read.quarantined.iter().map(|q| q.reason.as_str()).collect::<Vec<_>>()),
            (texts_of, reasons_of),
            "{name}"
        );
    }
    let utf16: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    write(dir.path(), "sjis.json", &encoding_rs::SHIFT_JIS.encode(&whole).0);
    write(dir.path(), "utf16.json", &[&[0xff, 0xfe], &utf16[..]].concat());
    assert_eq!(texts(&everyhow(&options(&["sjis.json"]), dir.path())), ["一。", "二。"]);
    let mut broken = whole.into_bytes();
    let at = broken.windows(3).position(|three| three == "二".as_bytes()).unwrap();
    broken[at] = 0xff;
    write(dir.path(), "broken.json", &broken);
    let read = everyhow(&options(&["broken.json"]), dir.path());
    assert_eq!(texts(&read)[0], "一。");
    assert_eq!(read.records.len() + read.quarantined.len(), 2);
}
