//! Notations of Japanese collections in a run: works, statutes, records of the Diet, chats side by side with what only looks like them, and with what is broken.

use crate::harness::{World, manifest, rows, strings, zip};

const PLAN: &str = "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[dedup]\nexact = false\nnear = false\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n";
const RULE: &str = "-------------------------------------------------------";

fn work(title: &str, body: &str) -> String {
    format!(
        "{title}\r\n著者\r\n\r\n{RULE}\r\n【テキスト中に現れる記号について】\r\n\r\n《》：ルビ\r\n{RULE}\r\n\r\n{body}\r\n\r\n\r\n\r\n底本：「{title}」甲社\r\n入力：乙\r\n2001年2月3日公開\r\n"
    )
}

fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

fn law(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Law Era=\"Showa\" Year=\"22\" Num=\"001\" LawType=\"Act\" Lang=\"ja\"><LawNum>昭和二十二年法律第一号</LawNum><LawBody><LawTitle>見本法</LawTitle><MainProvision>{body}</MainProvision></LawBody></Law>"
    )
}

fn article(number: usize) -> String {
    format!(
        "<Article Num=\"{number}\"><ArticleTitle>第{number}条</ArticleTitle><Paragraph Num=\"1\"><ParagraphNum/><ParagraphSentence><Sentence>甲は、この法律の第{number}の<Ruby>瑕<Rt>か</Rt></Ruby>を負う。</Sentence></ParagraphSentence></Paragraph></Article>"
    )
}

fn speeches(count: usize) -> String {
    let speech = |n: usize| serde_json::json!({"speechID": format!("s_{n}"), "issueID": "s", "speechOrder": n, "speaker": "甲野太郎", "speech": format!("○甲野委員　{n}番目の質問をいたします。（拍手）")});
    serde_json::json!({"numberOfRecords": count, "speechRecord": (0..count).map(speech).collect::<Vec<_>>()}).to_string()
}

/// Two days of a chat.
const TALK: &str = "[LINE] 太郎とのトーク履歴\r\n保存日時：2024/01/04 10:00\r\n\r\n2024/01/02(火)\r\n09:05\t太郎\t今日は雨ですね\r\n09:06\t花子\t[スタンプ]\r\n\r\n2024/01/03(水)\r\n09:05\t花子\t晴れました\r\n";

/// Sound files of each kind and one that is broken beside each.
fn fill(world: &World) {
    let page = "<?xml version=\"1.0\"?><html><head><title>著者 頁</title></head><body><h1 class=\"title\">頁</h1><div class=\"main_text\">　頁の<img class=\"gaiji\" alt=\"※(「足へん＋宛」、第3水準1-92-36)\" />く話です。<br /></div><div class=\"bibliographical_information\">底本：「頁」<br /></div></body></html>";
    for (name, bytes) in [
        ("in/1_ruby_2.txt", cp932(&work("甲の話", "　猫《ねこ》が※［＃「足へん＋宛」、第3水準1-92-36］《もが》く。［＃「猫」に傍点］"))),
        ("in/1_txt_1.txt", cp932(&work("甲の話", "　猫が鳴く。"))),
        ("in/2_ruby_5.zip", zip(&[("otsu.txt", work("乙の話", "　犬《いぬ》が走る。"))])),
        ("in/3_ruby_1.txt", b"1_ruby is no proof: \xe7\x8c\xab\xe3\x80\x8a".to_vec()),
        ("in/3_ruby_2.txt", "映画《題》を見た話です。".into()),
        ("in/4.html", page.into()),
        ("in/a.xml", law(&(1..=3).map(article).collect::<String>()).into()),
        ("in/b.json", speeches(3).into()),
        (
            "in/c-bomb.xml",
            format!("<!DOCTYPE Law [<!ENTITY a \"甲\"><!ENTITY b \"&a;&a;\">]>{}", law("&b;").split_once("?>").unwrap().1).into(),
        ),
        ("in/d-deep.xml", law(&"<Item>".repeat(100_000)).into()),
        ("in/e-cut.xml", law("<Article Num=\"1\">").replace("</MainProvision></LawBody></Law>", "").into()),
        ("in/f-cut.json", "{\"numberOfRecords\": 1, \"speechRecord\": [{\"speech\": \"".into()),
        ("in/h-talk.txt", TALK.into()),
        (
            "in/i-cut.json",
            "[{\"type\":\"message\",\"user\":\"U0000001\",\"ts\":\"1704157500.000100\",\"text\":\"切れる前\"},{\"type\":\"mess".into(),
        ),
        ("in/g-open.txt", work("丙の話", &format!("　終わらない{}", "［＃".repeat(5_000))).into()),
    ] {
        world.write(name, bytes);
    }
}

#[test]
fn collections_are_read_beside_what_is_broken() {
    let world = World::new();
    fill(&world);
    world.write("plan.toml", PLAN);
    for (out, documents, quarantined, set) in
        [("acts", 13, 5, "input.law.documents=act"), ("articles", 15, 5, "input.law.documents=article")]
    {
        let (code, said, err) = world.run(&["run", "plan.toml", "--out", out, "--progress", "none", "--set", set]);
        assert_eq!(code, 3, "{said}{err}");
        let (code, said, err) = world.run(&["verify", out, "--progress", "none"]);
        assert_eq!(code, 0, "{said}{err}");
        let manifest = manifest(&world.path(out));
        let totals = |key: &str| manifest["totals"][key].as_u64().unwrap();
        assert_eq!(
            [totals("read"), totals("kept"), totals("quarantined"), totals("passed_over")],
            [documents + quarantined, documents, quarantined, 1],
            "{out}"
        );
        let input =
            |name: &str| manifest["inputs"].as_array().unwrap().iter().find(|input| input["path"] == format!("in/{name}")).unwrap().clone();
        assert_eq!(input("1_txt_1.txt")["passed_over"].to_string(), r#"{"other_revision":1}"#);
        assert_eq!(input("1_ruby_2.txt")["dropped"].to_string(), r#"{"character_found":1,"note_emphasis":1,"reading":2}"#);
        assert_eq!(input("a.xml")["dropped"].to_string(), r#"{"reading":3}"#);
        assert_eq!(input("b.json")["dropped"].to_string(), r#"{"direction":3,"head":3}"#);
        let quarantine = std::fs::read_to_string(world.path(out).join("quarantine.jsonl")).unwrap();
        for (reason, times) in [("xml_entity", 1), ("xml_depth", 1), ("xml_eof", 1), ("json_eof", 2)] {
            assert_eq!(quarantine.matches(&format!("\"reason\":\"{reason}\"")).count(), times, "{quarantine}");
        }
        assert_eq!(input("h-talk.txt")["dropped"].to_string(), r#"{"sticker":1}"#);
        let texts = strings(&rows(&world.path(out).join("documents")), "text");
        for text in [
            "猫が踠く。",
            "犬が走る。",
            "頁の踠く話です。",
            "映画《題》を見た話です。",
            "0番目の質問をいたします。",
            "太郎：今日は雨ですね",
            "花子：晴れました",
            "U0000001：切れる前",
        ] {
            assert!(texts.iter().any(|found| found.contains(text)), "{text}");
        }
        assert_eq!(texts.iter().filter(|text| text.contains("の瑕を負う。")).count() as u64, documents - 12);
    }
}

#[test]
fn another_revision_is_read_when_the_better_one_is_gone() {
    let world = World::new();
    fill(&world);
    world.write("plan.toml", PLAN);
    world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]);
    std::fs::remove_file(world.path("in/1_ruby_2.txt")).unwrap();
    let (code, said, err) = world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]);
    assert_eq!(code, 3, "{said}{err}");
    let (code, said, err) = world.run(&["run", "plan.toml", "--out", "fresh", "--progress", "none"]);
    assert_eq!(code, 3, "{said}{err}");
    for out in ["out", "fresh"] {
        let texts = strings(&rows(&world.path(out).join("documents")), "text");
        assert_eq!(texts.iter().filter(|text| text.contains("猫が鳴く。")).count(), 1);
        assert!(manifest(&world.path(out))["totals"].get("passed_over").is_none());
    }
}
