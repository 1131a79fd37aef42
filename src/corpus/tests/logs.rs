//! Logs of chats, from files to records: days wherever shards end, long days, broken messages, and what only looks like a log.

use super::*;
use crate::corpus::chat::Speakers;

fn everyhow(options: &Options, dir: &Path) -> Read {
    let [whole, small, least] = LIMITS.map(|limits| read_with(options, dir, limits).unwrap());
    for other in [small, least] {
        assert_eq!((&whole.records, &whole.quarantined, &whole.tallies), (&other.records, &other.quarantined, &other.tallies));
    }
    whole
}

fn line_log(days: usize) -> String {
    let day = |n: usize| format!("2024/01/{n:02}(月)\r\n09:05\t太郎\t{n}日です\r\n09:06\t花子\t\"はい\r\n2024/01/01(月)\r\n終\"\r\n\r\n");
    format!("[LINE] 花子とのトーク履歴\r\n保存日時：2024/02/01 10:00\r\n\r\n{}", (1..=days).map(day).collect::<String>())
}

fn whatsapp_log(days: usize) -> String {
    let day = |n: usize| format!("2024/01/{n:02} 9:05 - 太郎: {n}日です\n続き\n2024/01/{n:02} 9:06 - 花子: <メディアは含まれていません>\n");
    (1..=days).map(day).collect()
}

fn irc_log(days: usize) -> String {
    let day = |n: usize| format!("--- Day changed Mon Jan {n:02} 2024\n09:05 <taro> {n}日です\n09:06 <hanako> はい\n");
    (1..=days).map(day).collect()
}

fn slack_log(days: u64) -> String {
    let message = |n: u64| serde_json::json!({"type": "message", "user": "U0000001", "ts": format!("{}.000100", 1_704_067_200 + n * 43_200), "text": format!("{n}回目")});
    serde_json::Value::from((0..2 * days).map(message).collect::<Vec<_>>()).to_string()
}

fn discord_log(days: usize) -> String {
    let message = |n: usize| serde_json::json!({"id": "1", "type": "Default", "timestamp": format!("2024-01-{n:02}T09:05:00+09:00"), "content": format!("{n}日です"), "author": {"id": "1", "name": "taro"}});
    format!(
        "{{\n \"guild\": {{\"id\": \"1\"}},\n \"channel\": {{\"id\": \"1\", \"name\": \"雑談\"}},\n \"messages\": {:#},\n \"messageCount\": 1\n}}\n",
        serde_json::Value::from((1..=days).map(message).collect::<Vec<_>>())
    )
}

fn telegram_log(chats: usize) -> String {
    let message = |n: usize| serde_json::json!({"id": 1, "type": "message", "date": format!("2024-01-{n:02}T09:05:00"), "from": "太郎", "from_id": "user1", "text": format!("{n}日です")});
    let chat = |n: usize| serde_json::json!({"name": format!("会{n}"), "type": "personal_chat", "id": 1, "messages": [message(n), message(n), message(n + 1)]});
    serde_json::json!({"about": "x", "chats": {"about": "y", "list": (1..=chats).map(chat).collect::<Vec<_>>()}, "left_chats": {"list": [chat(9)]}}).to_string()
}

#[test]
fn a_day_is_a_document_wherever_shards_end() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("a.txt", line_log(20).into_bytes()),
        ("b.txt.gz", gzip(whatsapp_log(20).as_bytes(), 6)),
        ("c.log", irc_log(20).into_bytes()),
        ("d.json", slack_log(20).into_bytes()),
        ("e.json", discord_log(20).into_bytes()),
        ("f.log", encoding_rs::ISO_2022_JP.encode(&irc_log(20)).0.into_owned()),
    ] {
        write(dir.path(), name, &bytes);
        let read = everyhow(&options(&[name]), dir.path());
        assert_eq!((read.records.len(), read.quarantined.len()), (20, 0), "{name}: {read:?}");
        let dates: Vec<&str> = read.records.iter().map(|record| record.date.as_deref().unwrap()).collect();
        assert_eq!((dates[0], dates[19]), ("2024-01-01", "2024-01-20"), "{name}");
        let mut whole = options(&[name]);
        whole.chat.documents = ChatDocuments::File;
        assert_eq!(everyhow(&whole, dir.path()).records.len(), 1, "{name}");
        let longest = read.records.iter().map(|record| record.text.len()).max().unwrap();
        // Messages of a day are cut apart where it is too long, and nothing of them is lost.
        let short = Options { record_max: 700, ..options(&[name]) };
        let cut = everyhow(&short, dir.path());
        let words = |read: &Read| texts(read).concat().replace(['\n', '\r'], "");
        assert!(words(&cut) == words(&read) && cut.quarantined.is_empty(), "{name} {longest}");
    }
}

#[test]
fn chats_of_one_file_stand_apart() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "result.json", telegram_log(3).as_bytes());
    let read = everyhow(&options(&["result.json"]), dir.path());
    let day = |n: usize| format!("太郎：{n}日です\n太郎：{n}日です");
    let next = |n: usize| format!("太郎：{n}日です");
    assert_eq!(texts(&read), [day(1), next(2), day(2), next(3), day(3), next(4), day(9), next(10)]);
    assert!(read.records.iter().all(|record| !record.meta.as_deref().unwrap().contains("title")));
}

#[test]
fn a_broken_message_costs_itself() {
    let dir = tempfile::tempdir().unwrap();
    let log = slack_log(2);
    let broken = log.replacen("\"type\":\"message\"", "\"type\":[", 3).replacen("\"type\":[", "\"type\":\"message\"", 1);
    write(dir.path(), "a.json", log.as_bytes());
    write(dir.path(), "b.json", log.replacen("\"text\":\"1回目\"", "\"text\":[1]", 1).as_bytes());
    write(dir.path(), "c.json", log.trim_end_matches(']').as_bytes());
    write(dir.path(), "d.json", broken.as_bytes());
    let long = format!(
        "[{},{}",
        serde_json::json!({"type": "message", "user": "U0000001", "ts": "1704067200.000100", "text": "長".repeat(2000)}),
        log.trim_start_matches('[')
    );
    write(dir.path(), "e.json", long.as_bytes());
    let read = |name: &str| everyhow(&Options { record_max: 4000, ..options(&[name]) }, dir.path());
    assert_eq!(texts(&read("a.json")).concat(), "U0000001：0回目\nU0000001：1回目U0000001：2回目\nU0000001：3回目");
    let second = read("b.json");
    assert_eq!((texts(&second)[0], second.quarantined[0].reason.as_str()), ("U0000001：0回目", "json_syntax"));
    assert_eq!(second.quarantined[0].offset as usize, log.find("},{").unwrap() + 2);
    assert_eq!((texts(&read("c.json")).len(), read("c.json").quarantined[0].reason.clone()), (2, "json_eof".to_owned()));
    assert!(!read("d.json").quarantined.is_empty());
    // The list is left open, and something ends around it.
    for end in ["}", ",}", ", }]", "}]"] {
        write(dir.path(), "f.json", format!("{}{end}", log.trim_end_matches(']')).as_bytes());
        let open = read("f.json");
        assert_eq!((texts(&open).len(), open.quarantined[0].reason.as_str()), (2, "json_syntax"), "{end}");
    }
    let cut = read("e.json");
    assert_eq!((texts(&cut).len(), cut.quarantined[0].reason.as_str()), (2, "record_too_long"));
}

#[test]
fn days_without_words_are_passed_over_and_a_plan_may_say_that_it_is_text() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "a.txt",
        "[LINE] 甲とのトーク履歴\n\n2024/01/02(火)\n09:05\t甲\t[写真]\n\n2024/01/03(水)\n09:05\t甲\tはい\n".as_bytes(),
    );
    let read = everyhow(&options(&["a.txt"]), dir.path());
    assert_eq!((texts(&read), read.tallies[0].passed_over.get("no_message")), (vec!["甲：はい"], Some(&1)));
    assert_eq!(read.tallies[0].dropped.get("photo"), Some(&1));
    let as_text = Options { notation: Notation::None, ..options(&["a.txt"]) };
    assert!(texts(&everyhow(&as_text, dir.path()))[0].starts_with("[LINE] 甲"));
    let mut labels = options(&["a.txt"]);
    labels.chat.speakers = Speakers::Labels;
    assert_eq!(texts(&everyhow(&labels, dir.path())), ["A：はい"]);
}

#[test]
fn a_line_longer_than_a_record_is_lost_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = format!("{}2024/01/02 10:00 - 花子: {}\n{}", whatsapp_log(1), "長".repeat(100_000), whatsapp_log(3));
    write(dir.path(), "a.txt", log.as_bytes());
    let read = everyhow(&Options { record_max: 1000, ..options(&["a.txt"]) }, dir.path());
    assert_eq!(read.quarantined.iter().map(|q| q.reason.as_str()).collect::<Vec<_>>(), ["record_too_long"]);
    assert_eq!(texts(&read).last(), Some(&"太郎：3日です\n続き"));
    assert!(read.records.len() >= 3, "{read:?}");
}
