//! Records of the Diet and their text: the rows of the table in docs/guide/diet.md, and what else was seen.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::record::Speech;
use super::speech::clean;
use super::*;
use crate::corpus::document::{Document, Dropped};

fn text(speech: &str) -> String {
    clean(speech, None, &mut Dropped::default()).text
}

#[test]
fn the_table() {
    for (speech, expected) in [
        ("○議長（甲野太郎君）　開会します。", "開会します。"),
        ("○甲野（太）委員　質問です。", "質問です。"),
        ("○乙野次郎君　はい。\r\n　次です。", "はい。\n次です。"),
        ("○甲君　はい。\r\n　　　〔拍手〕\r\n　次です。", "はい。\n次です。"),
        ("○甲君　賛成します。（拍手）", "賛成します。"),
        ("○甲君　甲法（平成一年法律第一号）による。", "甲法（平成一年法律第一号）による。"),
        ("　　　（「異議なし」と呼ぶ者あり）", ""),
        ("○甲君　はい。\n　　　　━━━━━━\n　次です。", "はい。\n次です。"),
        ("○甲君　この件は、\r\n続きます。\r\n　次です。", "この件は、続きます。\n次です。"),
        ("○甲君　○のある文中の○○大臣", "○のある文中の○○大臣"),
        ("○甲君　（拍手、笑声）では、（「そうだ」と呼ぶ者あり）甲（以下「乙」という。）です。", "では、甲（以下「乙」という。）です。"),
        ("○甲君　表（第一条関係）と（発言の中の（二重の）括弧）を見ます。", "表（第一条関係）と（発言の中の（二重の）括弧）を見ます。"),
        (
            "○甲君　権利（期日前投票）と、（式での国歌の起立）と（甲大臣の発言）を（第一条を適用する）。",
            "権利（期日前投票）と、（式での国歌の起立）と（甲大臣の発言）を（第一条を適用する）。",
        ),
        (
            "○甲君　（選挙で投票する）（発言を求める者あり）はい。\r\n　　　（投票）\r\n　　　（拍手、議場騒然）\r\n　（希望する者あり）",
            "（選挙で投票する）はい。\n（希望する者あり）",
        ),
        ("○甲君　賛成。（総員起立）（「議長」と呼び、その他発言する者あり）（パネルを示す）", "賛成。"),
        ("○国務大臣（甲　乙君）　答えます。", "答えます。"),
        ("　頭のない行。", "頭のない行。"),
        ("○甲君", ""),
        ("○甲委員 質問です。", "質問です。"),
        ("○国務大臣（甲野　乙君）　答えます。（一）　次です。", "答えます。（一）　次です。"),
        ("○頭のない文です。", "頭のない文です。"),
        ("○甲君　散会します。\r\n　　　　午後三時四十分散会\r\n　　　　　────◇─────", "散会します。"),
        ("○甲君　午後三時散会", "午後三時散会"),
        ("", ""),
    ] {
        assert_eq!(text(speech), expected, "{speech}");
    }
    let found = clean("○甲君　はい。\r\n　　　〔拍手〕\r\n　賛成。（笑声）", None, &mut Dropped::default());
    assert_eq!(found.directions, ["〔拍手〕", "（笑声）"]);
}

#[test]
fn a_name_may_hold_a_blank() {
    for (speaker, speech) in [
        ("甲野　一", "○甲野　一君　はい。　続けます。"),
        ("甲野一", "○甲野　一君　はい。　続けます。"),
        ("甲野　一", "○甲野一委員　はい。　続けます。"),
        ("乙野一", "○甲野委員　はい。　続けます。"),
        ("甲野一", "○議長（甲野　一君）　はい。　続けます。"),
        ("", "○甲野（一）委員　はい。　続けます。"),
    ] {
        assert_eq!(clean(speech, Some(speaker), &mut Dropped::default()).text, "はい。　続けます。", "{speaker} {speech}");
    }
}

fn answer() -> Value {
    let speech = |order: u64, speaker: &str, text: &str| {
        json!({"speechID": format!("i_{order}"), "issueID": "i", "session": 1, "nameOfHouse": "衆議院", "nameOfMeeting": "本会議", "date": "1947-05-20", "speechOrder": order,
            "speaker": speaker, "speakerYomi": null, "speakerPosition": null, "speech": text, "speechURL": "https://example.jp/1"})
    };
    json!({"numberOfRecords": 3, "speechRecord": [
        speech(0, "会議録情報", "昭和二十二年\r\n○議事日程　第一号"),
        speech(1, "甲野太郎", "○議長（甲野太郎君）　開会します。（拍手）"),
        speech(2, "乙野次郎", "○乙野（次）委員　はい。\r\n　次です。")
    ]})
}

fn meta(document: &Document) -> Value {
    serde_json::from_str(document.meta.as_deref().unwrap()).unwrap()
}

fn check(text: &str) {
    assert!(is_records(text.as_bytes()));
    assert_eq!((count(text, &Options::default()), count(text, &Options { meetings: true })), (Ok(2), Ok(1)));
    let [first, second] = documents(text, &Options::default()).unwrap().try_into().unwrap();
    assert_eq!((first.text.as_str(), second.text.as_str()), ("開会します。", "はい。\n次です。"));
    assert_eq!(
        (first.id.as_deref(), first.date.as_deref(), first.url.as_deref()),
        (Some("i_1"), Some("1947-05-20"), Some("https://example.jp/1"))
    );
    let found = meta(&second);
    assert_eq!(
        (&found["speaker"], &found["name_of_meeting"], &found["speaker_position"]),
        (&"乙野次郎".into(), &"本会議".into(), &Value::Null)
    );
    assert_eq!((first.dropped.count("record_of_meeting"), first.dropped.count("direction"), first.dropped.count("head")), (1, 1, 1));
    let [meeting] = documents(text, &Options { meetings: true }).unwrap().try_into().unwrap();
    assert_eq!(meeting.text, "甲野太郎：開会します。\n乙野次郎：はい。\n次です。");
    let found = meta(&meeting);
    assert_eq!((found["turns"].as_array().unwrap().len(), &found["turns"][1]["speaker"]), (2, &"乙野次郎".into()));
    assert_eq!((meeting.id.as_deref(), found["directions"].to_string()), (Some("i"), r#"["（拍手）"]"#.to_owned()));
}

#[test]
fn speeches_and_meetings() {
    let speeches = answer();
    check(&speeches.to_string());
    let mut of_meeting: Vec<Value> = speeches["speechRecord"].as_array().unwrap().clone();
    for speech in &mut of_meeting {
        speech.as_object_mut().unwrap().retain(|name, _| name.starts_with("speech") || name.starts_with("speaker"));
    }
    let meeting = json!({"numberOfRecords": 1, "meetingRecord": [{"issueID": "i", "nameOfMeeting": "本会議", "date": "1947-05-20", "speechRecord": of_meeting}]});
    check(&meeting.to_string());
    let xml_of = |speech: &Value| -> String {
        let fields = speech.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let field = |(name, value): (&String, &Value)| {
            format!("<{name}>{}</{name}>", value.as_str().map_or_else(|| value.to_string(), |text| text.replace('\r', "")))
        };
        format!("<record><recordData><speechRecord>{}</speechRecord></recordData></record>", fields.map(field).collect::<String>())
    };
    let records: String = speeches["speechRecord"].as_array().unwrap().iter().map(xml_of).collect();
    check(&format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><data><numberOfRecords>3</numberOfRecords><records>{records}</records></data>"
    ));
}

#[test]
fn what_is_no_record() {
    for (text, reason) in [
        (r#"{"numberOfRecords":1,"speechRecord":[{"#, "json_eof"),
        (r#"{"numberOfRecords":1,"speechRecord":[1]}"#, "json_syntax"),
        (r#"{"numberOfRecords":0,"speechRecord":[]}"#, "diet_missing"),
        ("<data><speechRecord>", "xml_eof"),
        ("<!DOCTYPE d [<!ENTITY a \"b\">]><data><speechRecord><speech>&a;</speech></speechRecord></data>", "xml_entity"),
        ("<data></x>", "xml_syntax"),
        ("<data/>", "diet_missing"),
    ] {
        assert_eq!(documents(text, &Options::default()).unwrap_err().reason, reason, "{text}");
    }
    let deep = format!("<numberOfRecords>{}", "<a>".repeat(1000));
    assert_eq!(documents(&deep, &Options::default()).unwrap_err().reason, "xml_depth");
}

proptest! {
    /// Whatever stands in a speech: nothing is lost but its head, rules, and what holds a word of directions.
    #[test]
    fn any_speech(parts in proptest::collection::vec(prop_oneof![
        Just("○"), Just("　"), Just("（"), Just("）"), Just("拍手"), Just("甲"), Just("\r\n"), Just("\n"), Just("〔"), Just("〕"), Just("━━━"), Just("。"),
    ], 0..30)) {
        let speech = format!("○頭　乙{}", parts.concat());
        let found = clean(&speech, None, &mut Dropped::default());
        let all: String = found.directions.concat() + &found.text;
        for c in ['甲', '乙', '拍'] {
            prop_assert_eq!(all.matches(c).count(), speech.matches(c).count(), "{} → {:?}", speech, found);
        }
    }

    #[test]
    fn fields_are_found(name in "[a-z]{1,8}", value in ".{0,20}") {
        let speech = Speech { fields: vec![(name.as_str().into(), value.as_str().into())], ..Speech::default() };
        prop_assert_eq!(speech.field(&name), Some(value.as_str()).filter(|value| !value.is_empty()));
    }
}
