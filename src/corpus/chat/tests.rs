//! Logs of each program, as exported: what is said, by whom, and what is left out.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::corpus::document::{Document, Dropped};

fn read(file: &str, speakers: Speakers) -> (Option<Document>, Dropped) {
    let app = detect(file.as_bytes()).unwrap_or_else(|| panic!("no log: {file}"));
    let header = Header::new(app, file.as_bytes());
    if app.is_json() {
        let file: Value = serde_json::from_str(file).unwrap();
        let list = file.as_array().or(file["messages"].as_array()).unwrap();
        let elements: Vec<String> = list.iter().map(Value::to_string).collect();
        messages(elements.iter().map(String::as_str), &header, speakers, |number, error| panic!("{number}: {error}"))
    } else {
        log(file, &header, speakers)
    }
}

fn text(file: &str) -> String {
    read(file, Speakers::Names).0.map(|document| document.text).unwrap_or_default()
}

fn meta(document: &Document) -> Value {
    serde_json::from_str(document.meta.as_deref().unwrap()).unwrap()
}

fn dropped(document: &Document) -> Vec<(&'static str, u64)> {
    document.dropped.iter().collect()
}

const LINE: &str = "[LINE] 太郎とのトーク履歴\r\n保存日時：2024/01/03 10:00\r\n\r\n2024/01/02(火)\r\n9:05\t太郎\tおはよう\r\n09:06\t花子\t\"おはよう\r\n\r\n\"\"今日\"\"は雨だね\"\r\n\
                    09:07\t太郎\t[スタンプ]\r\n09:08\t太郎\t☎ 通話時間 1:23\r\n09:09\t\t花子がメッセージの送信を取り消しました\r\n09:10\t太郎が花子を招待しました。\r\n\
                    午後9:11\t花子\t[写真]は[後で]送る\r\n09:12\t花子\t@太郎 [アルバム]を見て\r\n09:13\t花子\t[アルバム] 旅行\r\n";

#[test]
fn line_of_telephones() {
    let (document, _) = read(LINE, Speakers::Names);
    let document = document.unwrap();
    assert_eq!(document.text, "太郎：おはよう\n花子：おはよう\n\n\"今日\"は雨だね\n花子：[写真]は[後で]送る\n花子：@太郎 [アルバム]を見て");
    assert_eq!(document.date.as_deref(), Some("2024-01-02"));
    assert_eq!(dropped(&document), [("album", 1), ("call", 1), ("deleted", 1), ("sticker", 1), ("system", 1)]);
    let found = meta(&document);
    assert_eq!((&found["notation"], &found["program"], &found["title"]), (&"chat".into(), &"line".into(), &"太郎".into()));
    assert_eq!((&found["participants"], &found["turns"][0]), (&json!(["太郎", "花子"]), &json!([3, 7, "太郎", "09:05"])));
    assert_eq!(found["turns"][2][3], "21:11");
    for turn in found["turns"].as_array().unwrap() {
        let place = |at: usize| usize::try_from(turn[at].as_u64().unwrap()).unwrap();
        let words: String = document.text.chars().skip(place(0)).take(place(1) - place(0)).collect();
        assert!(!words.is_empty() && !words.contains('：') && document.text.contains(&format!("：{words}")), "{words}");
    }
}

#[test]
fn who_speaks_may_be_left_out() {
    let (document, _) = read(LINE, Speakers::Labels);
    let document = document.unwrap();
    assert!(
        document.text.starts_with("A：おはよう\nB：おはよう\n") && document.text.ends_with("B：@A [アルバム]を見て"),
        "{}",
        document.text
    );
    let found = meta(&document);
    assert!(!found.to_string().contains("太郎") && !document.text.contains("太郎"), "{found}");
    let (document, _) = read(LINE, Speakers::Meta);
    let document = document.unwrap();
    assert!(document.text.starts_with("おはよう\nおはよう\n"), "{}", document.text);
    assert_eq!(meta(&document)["turns"][0], json!([0, 4, "太郎", "09:05"]));
}

#[test]
fn line_in_english_and_of_desktops() {
    let file = "[LINE] Chat history with Taro\nSaved on: 01/03/2024, 10:00\n\nTue, 01/02/2024\n09:05 AM\tTaro\tHello\n09:06 PM\tHanako\t[Sticker]\n09:07 PM\tTaro unsent a message.\n";
    let (document, _) = read(file, Speakers::Names);
    let document = document.unwrap();
    assert_eq!((document.text.as_str(), document.date.as_deref()), ("Taro：Hello", Some("2024-01-02")));
    assert_eq!((dropped(&document), &meta(&document)["title"]), (vec![("deleted", 1), ("sticker", 1)], &"Taro".into()));
    let file = "\u{feff}[LINE] 山の会\n2024.01.02 火曜日\n09:05 太郎 おはよう ございます\n09:06 花子 スタンプ\n09:07 花子が参加しました。\n2024年の話\n";
    let (document, _) = read(file, Speakers::Names);
    let document = document.unwrap();
    assert_eq!(document.text, "太郎：おはよう ございます");
    assert_eq!((dropped(&document), &meta(&document)["title"]), (vec![("sticker", 1), ("system", 1)], &"山の会".into()));
    assert_eq!(text("[LINE] 甲とのトーク履歴\n\n2024/01/02(火)\n09:05\t甲\t[写真]\n"), "");
}

#[test]
fn a_date_inside_of_a_message_is_no_day() {
    let file = "[LINE] 甲とのトーク履歴\n\n2024/01/02(火)\n09:05\t甲\t\"候補は\n2024/01/05(金)\n2024/01/06(土)\"\n09:06\t乙\tはい\n";
    assert_eq!(text(file), "甲：候補は\n2024/01/05(金)\n2024/01/06(土)\n乙：はい");
}

#[test]
fn whatsapp_with_dashes_and_brackets() {
    let file = "2024/01/02 9:05 - メッセージと通話はエンドツーエンドで暗号化されています。\n2024/01/02 9:05 - 太郎: おはよう\nいい天気: 晴れ\n2024/01/02 9:06 - 花子: <メディアは含まれていません>\n\
                2024/01/02 9:07 - 花子: 本 (青) を読む <このメッセージは編集されました>\n2024/01/02 9:08 - 太郎: このメッセージは削除されました\n2024/01/02 9:09 - 太郎: IMG-1.jpg (ファイルが添付されています)\n";
    let (document, _) = read(file, Speakers::Names);
    let document = document.unwrap();
    assert_eq!(document.text, "太郎：おはよう\nいい天気: 晴れ\n花子：本 (青) を読む");
    assert_eq!(
        (dropped(&document), document.date.as_deref()),
        (vec![("deleted", 1), ("file", 1), ("media", 1), ("system", 1)], Some("2024-01-02"))
    );
    let file = "[13/01/2024, 9:05:33\u{202f}PM] 太郎: \u{200e}メッセージと通話は暗号化されています。\n[13/01/2024, 9:05:40\u{202f}PM] 太郎: やあ\n\u{200e}[13/01/2024, 9:06:00\u{202f}PM] 花子: \u{200e}画像は含まれていません\n";
    let (document, _) = read(file, Speakers::Names);
    let document = document.unwrap();
    assert_eq!((document.text.as_str(), document.date.as_deref()), ("太郎：やあ", Some("2024-01-13")));
    assert_eq!((dropped(&document).len(), document.dropped.count("photo"), &meta(&document)["turns"][0][3]), (2, 1, &"21:05".into()));
    let american = "1/2/24, 9:05 PM - Taro: hi\n1/3/24, 9:06 PM - Taro: ho\n";
    assert_eq!(read(american, Speakers::Names).0.unwrap().date.as_deref(), Some("2024-01-02"));
    let other = "1/2/24, 21:05 - Taro: hi\n2/2/24, 21:06 - Taro: ho\n";
    assert_eq!(read(other, Speakers::Names).0.unwrap().date.as_deref(), Some("2024-02-01"));
}

#[test]
fn irc_in_many_forms() {
    for (file, expected, left) in [
        (
            "--- Log opened Tue Jan 02 09:00:00 2024\n09:05 <@taro> おはよう\n09:06 -!- hanako has joined #x\n09:06 < hanako> はい\n",
            "taro：おはよう\nhanako：はい",
            1,
        ),
        (
            "[2024-01-02 09:05:11] <taro> a <b> c\n[2024-01-02 09:06:00] * hanako は手を振る\n[2024-01-02 09:06:00] <taro> \u{3}04,12赤\u{f}い\n",
            "taro：a <b> c\nhanako：は手を振る\ntaro：赤い",
            0,
        ),
        (
            "09:05:11 <#x:taro> 一\n09:05:12 >jiro< 二\n09:05:13 + hanako (h@example) to #x\n09:05:14 <#x:taro> 三\n",
            "taro：一\njiro：二\ntaro：三",
            1,
        ),
        ("<taro> 一\n<hanako> 二\n<taro> 三\n", "taro：一\nhanako：二\ntaro：三", 0),
        ("2024-01-02T09:05:11+09:00 <taro> 一\n2024-01-02T09:05:12+09:00 <taro> 二\n", "taro：一\ntaro：二", 0),
    ] {
        let (document, _) = read(file, Speakers::Names);
        let document = document.unwrap();
        assert_eq!((document.text.as_str(), document.dropped.count("system")), (expected, left), "{file}");
        assert_eq!(document.date.is_some(), file.contains("2024"), "{file}");
    }
}

#[test]
fn slack() {
    let file = json!([
        {"type": "message", "subtype": "channel_join", "ts": "1704121200.000100", "user": "U0000001", "text": "<@U0000001> has joined"},
        {"client_msg_id": "x", "type": "message", "user": "U0000001", "ts": "1704157500.000100", "text": "<@U0000002> <https://example.jp/a?b=1&amp;c|資料>と<https://example.jp>を&lt;今日&gt;見て <!here> <#C1|雑談>",
            "user_profile": {"display_name": "", "real_name": "太郎"}, "files": [{"id": "F1"}], "blocks": [{"type": "rich_text"}]},
        {"type": "message", "user": "U0000002", "ts": "1704157560.000100", "text": "はい", "user_profile": {"display_name": "花子"}, "thread_ts": "1704157500.000100"},
        {"type": "message", "subtype": "bot_message", "bot_id": "B1", "username": "配備", "ts": "1704157570.000100", "text": "配備しました"},
        {"type": "message", "user": "U0000002", "ts": "1704157580.000100", "text": ""}
    ])
    .to_string();
    let (document, _) = read(&file, Speakers::Names);
    let document = document.unwrap();
    assert_eq!(document.text, "太郎：@花子 資料とhttps://example.jpを<今日>見て @here #雑談\n花子：はい");
    assert_eq!((dropped(&document), document.date.as_deref()), (vec![("bot", 1), ("file", 1), ("system", 1)], Some("2024-01-02")));
    assert_eq!(meta(&document)["turns"][1], json!([49, 51, "花子", "10:06"]));
    let labels = read(&file, Speakers::Labels).0.unwrap();
    assert!(labels.text.ends_with("\nA：はい") || labels.text.ends_with("\nB：はい"), "{}", labels.text);
    assert!(!labels.text.contains("花子") && !labels.text.contains("U000"), "{}", labels.text);
}

#[test]
fn discord() {
    let person = |id: &str, name: &str, nickname: &str, bot: bool| json!({"id": id, "name": name, "discriminator": "0", "nickname": nickname, "isBot": bot});
    let message = |kind: &str, author: Value, content: &str| json!({"id": "1", "type": kind, "timestamp": "2024-01-02T09:05:11.123+09:00", "content": content, "author": author, "attachments": [], "embeds": [], "stickers": [], "mentions": [person("2", "hanako", "花子", false)]});
    let mut all = vec![
        message("Default", person("1", "taro", "太郎", false), "<@!2> おはよう <:neko:123> <b>"),
        message("Reply", person("2", "hanako", "花子", false), "@太郎 はい"),
        message("GuildMemberJoin", person("3", "jiro", "", false), "Joined the server."),
        message("Default", person("4", "bot", "", true), "pong"),
    ];
    all[1]["attachments"] = json!([{"id": "1"}]);
    let file = json!({"guild": {"id": "1", "name": "会"}, "channel": {"id": "1", "type": "GuildTextChat", "categoryId": "1", "name": "雑談", "topic": null}, "exportedAt": "x", "messages": all, "messageCount": 4});
    let (document, _) = read(&file.to_string(), Speakers::Names);
    let document = document.unwrap();
    assert_eq!(document.text, "太郎：@花子 おはよう :neko: <b>\n花子：@太郎 はい");
    assert_eq!(dropped(&document), [("attachment", 1), ("bot", 1), ("system", 1)]);
    assert_eq!((&meta(&document)["title"], document.date.as_deref()), (&"雑談".into(), Some("2024-01-02")));
}

#[test]
fn telegram() {
    let file = json!({"name": "花子", "type": "personal_chat", "id": 1, "messages": [
        {"id": 1, "type": "service", "date": "2024-01-02T09:04:00", "actor": "太郎", "action": "create_group"},
        {"id": 2, "type": "message", "date": "2024-01-02T09:05:00", "from": "太郎", "from_id": "user1", "text": "おはよう"},
        {"id": 3, "type": "message", "date": "2024-01-02T09:06:00", "from": "花子", "from_id": "user2", "text": ["これ", {"type": "link", "text": "https://example.jp"}, "を見て"], "photo": "a.jpg"},
        {"id": 4, "type": "message", "date": "2024-01-02T09:07:00", "from": "花子", "from_id": "user2", "media_type": "sticker", "file": "a.webp", "text": ""}
    ]});
    let (document, _) = read(&file.to_string(), Speakers::Names);
    let document = document.unwrap();
    assert_eq!(document.text, "太郎：おはよう\n花子：これhttps://example.jpを見て");
    assert_eq!((dropped(&document), &meta(&document)["title"]), (vec![("photo", 1), ("sticker", 1), ("system", 1)], &"花子".into()));
}

#[test]
fn what_is_no_log() {
    for file in [
        "",
        "12:34 に会いました。\n次の日も会いました。\n",
        "[LINE] を使う\n便利です。\n",
        "2024/01/02 12:34 - 更新しました。\n本文です。\n",
        "2024/01/02 12:34 - 件名: 更新\n本文です。\n",
        "<p> 一\n<b> 二\n本文\n",
        "<p> 一</p>\n<b> 二</b>\n<i> 三</i>\n",
        "* 一\n* 二\n",
        "[{\"type\":\"message\",\"text\":\"a\"}]",
        "[{\"type\":\"event\",\"ts\":\"1704121200.000100\"}]",
        "{\"guild\":\"x\",\"channel\":\"y\",\"messages\":[]}",
        "{\"type\":\"personal\",\"messages\":[{\"role\":\"user\"}]}",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
        "[12:34] 第一章\n[12:35] 第二章\n",
    ] {
        assert_eq!(detect(file.as_bytes()), None, "{file}");
    }
}

#[test]
fn a_message_that_is_none_costs_itself() {
    let header = Header::new(App::Slack, b"");
    let mut refused = Vec::new();
    let elements = ["{\"type\":\"message\",\"user\":\"U1\",\"text\":\"a\"}", "7", "{\"text\":[]}", "{\"user\":\"U1\",\"text\":\"b\"}"];
    let (document, _) = messages(elements.into_iter(), &header, Speakers::Names, |number, _| refused.push(number));
    assert_eq!((document.unwrap().text.as_str(), refused), ("U1：a\nU1：b", vec![1, 2]));
}

proptest! {
    /// Whatever follows the first lines: what is said is in the text, and nothing is said that does not stand in the file.
    #[test]
    fn any_log(parts in proptest::collection::vec(prop_oneof![
        Just("\n"), Just("\t"), Just("09:05\t甲\t乙"), Just("2024/01/02(火)"), Just("\""), Just("丙"), Just("09:05"), Just("[スタンプ]"), Just(" "), Just("@甲"), Just("\r\n"),
    ], 0..40), speakers in prop_oneof![Just(Speakers::Names), Just(Speakers::Labels), Just(Speakers::Meta)]) {
        let file = format!("[LINE] 甲とのトーク履歴\n\n2024/01/02(火)\n09:05\t甲\t丁\n{}", parts.concat());
        let (document, _) = read(&file, speakers);
        let text = document.unwrap().text;
        prop_assert!(text.contains('丁'));
        prop_assert!(speakers == Speakers::Labels || text.matches('丙').count() <= file.matches('丙').count());
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'['), Just(b'<'), Just(b'\n'), Just(b':'), Just(b'1')], 0..80)) {
        let _ = detect(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        for app in [App::Line, App::LineDesktop, App::WhatsApp, App::Irc] {
            let header = Header::new(app, &bytes);
            let _ = (mark(&header, &bytes), log(&text, &header, Speakers::Names));
        }
    }
}
