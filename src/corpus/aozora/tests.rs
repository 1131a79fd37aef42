//! Works and their text: the rows of the table in docs/guide/aozora.md, and what else was seen.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const RULE: &str = "-------------------------------------------------------";

/// A work with that body.
fn work(body: &str) -> String {
    format!(
        "題\n著者\n\n{RULE}\n【テキスト中に現れる記号について】\n\n《》：ルビ\n（例）猫《ねこ》\n{RULE}\n\n{body}\n\n\n\n底本：「題」甲社\n　　　2000（平成12）年1月1日初版\n入力：乙\n校正：丙\n2001年2月3日公開\n"
    )
}

fn with(body: &str, options: Options) -> Document {
    let text = work(body);
    assert!(is_work(&text));
    read(&text, &options)
}

fn text(body: &str) -> String {
    with(body, Options::default()).text
}

/// Text and meta with places.
fn spans(body: &str) -> (String, Value) {
    let document = with(body, Options { spans: true, ..Options::default() });
    let meta = serde_json::from_str(&document.meta.unwrap()).unwrap();
    (document.text, meta)
}

fn readings(body: &str) -> Vec<(String, String)> {
    let (_, meta) = spans(body);
    let word = |span: &Value, at: usize| span[at].as_str().unwrap().to_owned();
    meta["readings"].as_array().map_or_else(Vec::new, |spans| spans.iter().map(|span| (word(span, 2), word(span, 3))).collect())
}

#[test]
fn the_table() {
    for (body, expected) in [
        ("　猫《ねこ》が鳴く。", "　猫が鳴く。"),
        ("髪飾り《ティアラ》", "髪飾り"),
        ("硫黄ヶ島《いおうがしま》と六ヶ《むずか》敷《し》い", "硫黄ヶ島と六ヶ敷い"),
        ("これは｜今日の話《きょうのはなし》だ", "これは今日の話だ"),
        ("※［＃「足へん＋宛」、第3水準1-92-36］《もが》く", "踠く"),
        ("印は※［＃始め二重山括弧、1-1-52］甲※［＃終わり二重山括弧、1-1-53］だ", "印は《甲》だ"),
        ("※［＃半濁点付き小書き片仮名フ、1-6-88］", "\u{31f7}\u{309a}"),
        ("〔s'e'prennent〕〔日本語〕", "s'éprennent〔日本語〕"),
        ("楽しい／＼、さま／″＼", "楽しい〳〵、さま〴〵"),
        ("釘［＃「釘」は底本では「鈎」］《くぎ》", "釘"),
        ("学而［＃レ］時習［＃二］之［＃一］", "学而時習之"),
        ("※［＃「火＋發」、U+243CB、12-3］と※［＃「咼の左右対称」、34-5］と※注", "𤏋と〓と※注"),
        ("｜縦線だけの行", "｜縦線だけの行"),
        ("АБ《アーベー》", "АБ"),
        ("※［＃始め二重括弧、1-2-54］甲", "⦅甲"),
        ("「豌」［＃「豌」は底本では「※［＃「足＋宛」、第3水準1-92-36］豆」］", "「豌」"),
        ("ワ゛［＃濁点付き片仮名「ワ」、1-7-82］イオリン、か゜［＃半濁点付き平仮名「か」、1-4-87］", "ヷイオリン、か\u{309a}"),
        ("※［「足へん＋宛」、第3水準1-92-36］《もが》く、※［「口の上下対称」、上巻-241-12］", "踠く、〓"),
        ("※［「注」］と※［甲、乙］と※［1-2", "※［「注」］と※［甲、乙］と※［1-2"),
        ("飾レ［＃「レ」は返り点］中舍二［＃「二」は返り点］其ヲ［＃「ヲ」は訓点送り仮名］", "飾中舍其"),
        ("何？！［＃「？！」は一文字、第3水準1-8-77、217-15］坊主？！［＃「？！」は横１文字、1-8-77］", "何\u{2048}坊主\u{2048}"),
        ("甲［＃「甲」は太字、1-2-22］乙［＃「乙」は底本では「※［＃「足＋宛」、第3水準1-92-36］」］", "甲乙"),
        (
            "蓴（ぬなは）［＃「蓴（ぬなは）」は書き下し文では「※［＃「くさかんむり／溥のつくり」、U+84AA、132-8］《ぬなは》」］",
            "蓴（ぬなは）",
        ),
        ("※《いとど》［＃「※」は「虫へん」に「車」、第3水準1-91-55、69-9］と※［＃「※」は「甲の上下対称」、12-3］", "蛼と〓"),
        ("都市 Hsiancheng 《シアンチェン》族", "都市 Hsiancheng 族"),
        ("ワ［＃濁点付き片仮名「ワ」、1-7-82］、゛［＃濁点付き片仮名「ワ」、1-7-82］", "ワ、゛"),
    ] {
        assert_eq!(text(body), expected, "{body}");
    }
}

#[test]
fn readings_stand_on_their_bases() {
    let pairs =
        |found: &[(&str, &str)]| -> Vec<(String, String)> { found.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect() };
    for (body, expected) in [
        ("　猫《ねこ》が鳴く。", pairs(&[("猫", "ねこ")])),
        ("髪飾り《ティアラ》", pairs(&[("り", "ティアラ")])),
        ("硫黄ヶ島《いおうがしま》と六ヶ《むずか》敷《し》い", pairs(&[("硫黄ヶ島", "いおうがしま"), ("六ヶ", "むずか"), ("敷", "し")])),
        ("これは｜今日の話《きょうのはなし》だ", pairs(&[("今日の話", "きょうのはなし")])),
        ("※［＃「足へん＋宛」、第3水準1-92-36］《もが》く", pairs(&[("踠", "もが")])),
        ("二※［＃二の字点、1-2-22］《ふたふた》", pairs(&[("二〻", "ふたふた")])),
        ("釘［＃「釘」は底本では「鈎」］《くぎ》", pairs(&[("釘", "くぎ")])),
        ("АБ《アーベー》", pairs(&[("АБ", "アーベー")])),
        ("今日《きょう》明日《あす》", pairs(&[("今日", "きょう"), ("明日", "あす")])),
        ("比較的｜大勢《おほぜい》", pairs(&[("大勢", "おほぜい")])),
        ("甲｜乙｜丙丁《へいてい》", pairs(&[("丙丁", "へいてい")])),
        ("さま／″＼《いろ／＼》", pairs(&[])),
        ("色《いろ／＼》", pairs(&[("色", "いろ〳〵")])),
        ("東京《とう※［＃小書き片仮名ヨ、1-5-71］》", pairs(&[("東京", "とうョ")])),
        ("ロケツト《rocket》", pairs(&[("ロケツト", "rocket")])),
        ("〔Fu:r E'lise〕《エリーゼ》", pairs(&[("Élise", "エリーゼ")])),
        ("甲乙［＃「甲乙」に「こうおつ」のルビ］", pairs(&[("甲乙", "こうおつ")])),
    ] {
        let found = readings(body);
        if body.starts_with("さま") {
            assert_eq!(found.len(), 1, "{body}");
        } else {
            assert_eq!(found, expected, "{body}");
        }
    }
    let (_, meta) = spans("あ𠮟《しか》る学而［＃レ］時習［＃「時習」は底本では「事習」］");
    assert_eq!(meta["readings"].to_string(), r#"[[1,2,"𠮟","しか"]]"#);
    assert_eq!(meta["kanbun"].to_string(), r#"[[5,"レ"]]"#);
    assert_eq!(meta["variants"].to_string(), r#"[[5,7,"時習","事習"]]"#);
}

#[test]
fn readings_may_stay_in_brackets() {
    let options = Options { readings: true, ..Options::default() };
    let kept = |body: &str| with(body, options).text;
    assert_eq!(kept("　猫《ねこ》が｜鳴き声《なきごえ》を"), "　猫（ねこ）が鳴き声（なきごえ）を");
    assert_eq!(kept("今日《きょう》明日《あす》"), "今日（きょう）明日（あす）");
}

#[test]
fn what_is_literal_stays() {
    for (body, expected) in [
        ("映画を見た、《題》という。", "映画を見た、《題》という。"),
        ("《題》という。", "《題》という。"),
        ("甲《", "甲《"),
        ("甲》乙", "甲》乙"),
        ("甲《》乙", "甲《》乙"),
        ("《《強調》》した", "《《強調》》した"),
        ("甲［＃終わらない", "甲［＃終わらない"),
        ("甲［注］乙", "甲［注］乙"),
        ("※印", "※印"),
        ("甲／乙＼丙", "甲／乙＼丙"),
        ("〔甲〕と〔l'homme〕", "〔甲〕と〔l'homme〕"),
        ("｜甲《おつ", "｜甲《おつ"),
        ("※［＃「※」は行右小書き］注", "※注"),
        ("e'cole", "e'cole"),
    ] {
        assert_eq!(text(body), expected, "{body}");
    }
}

#[test]
fn notes_go_and_are_counted() {
    let document = with(
        "［＃３字下げ］一［＃「一」は大見出し］\n［＃改ページ］\n　甲《こう》に［＃「甲に」に傍点］\n［＃ここから２字下げ］\n乙\n［＃ここで字下げ終わり］\n［＃図（fig1_1.png、横1×縦2）入る］\n［＃地から１字上げ］（終り）\n［＃大見出し］二［＃大見出し終わり］",
        Options::default(),
    );
    assert_eq!(document.text, "一\n　甲に\n乙\n（終り）\n二");
    let counted: Vec<(&str, u64)> = document.dropped.iter().collect();
    let expected = [
        ("note_alignment", 1),
        ("note_emphasis", 1),
        ("note_figure", 1),
        ("note_heading", 3),
        ("note_indent", 3),
        ("note_page", 1),
        ("reading", 1),
    ];
    assert_eq!(counted, expected);
    let meta: Value = serde_json::from_str(&document.meta.unwrap()).unwrap();
    assert_eq!(meta["headings"].to_string(), r#"[[1,"一"],[1,"二"]]"#);
}

#[test]
fn comments_between_the_lines_stand_in_brackets() {
    for (body, expected) in [
        ("甲［＃割り注］乙丙［＃割り注終わり］丁", "甲（乙丙）丁"),
        ("甲［＃割り注］（乙丙）［＃割り注終わり］丁", "甲（乙丙）丁"),
        ("甲（［＃割り注］乙丙［＃割り注終わり］）丁", "甲（乙丙）丁"),
        ("甲［＃割り注］乙丙", "甲乙丙"),
        ("甲［＃割り注］乙（おつ）丙。［＃割り注終わり］丁［＃割り注］戊［＃割り注終わり］", "甲（乙（おつ）丙。）丁（戊）"),
        ("甲（乙［＃割り注］丙［＃割り注終わり］）丁", "甲（乙（丙））丁"),
        ("甲［＃割り注終わり］丙", "甲丙"),
    ] {
        assert_eq!(text(body), expected, "{body}");
    }
}

#[test]
fn a_work_is_described() {
    let document = with("本文《ほんぶん》。", Options::default());
    let meta: Value = serde_json::from_str(&document.meta.unwrap()).unwrap();
    let said = |key: &str| meta[key].as_str().unwrap();
    assert_eq!((said("title"), said("author"), said("input_by"), said("proofread_by")), ("題", "著者", "乙", "丙"));
    assert_eq!((said("source_book"), said("released")), ("「題」甲社\n2000（平成12）年1月1日初版", "2001-02-03"));
    assert!(said("legend").starts_with("【テキスト中に現れる記号について】") && said("colophon").starts_with("底本："));
    assert_eq!((document.date.as_deref(), document.text.as_str()), (Some("2001-02-03"), "本文。"));
    let unknown = with("※［＃「甲の左右対称」、3-4］※［＃「甲の左右対称」、3-4］※［＃屋号「乙」］", Options::default());
    let meta: Value = serde_json::from_str(&unknown.meta.unwrap()).unwrap();
    assert_eq!(meta["unknown_characters"].to_string(), r#"[["「甲の左右対称」、3-4",2],["屋号「乙」",1]]"#);
    assert_eq!((unknown.text.as_str(), unknown.dropped.count("character_unknown")), ("〓〓〓", 3));
}

#[test]
fn lines_end_in_any_way() {
    let all = work("甲《こう》\n\n乙");
    for end in ["\r\n", "\r", "\n"] {
        assert_eq!(read(&all.replace('\n', end), &Options::default()).text, "甲\n\n乙");
    }
    assert_eq!(read(&format!("\u{feff}{}", all.replacen('\n', "\r\n", 7)), &Options::default()).text, "甲\n\n乙");
}

#[test]
fn a_text_with_such_brackets_is_no_work() {
    for text in ["映画《題》を見た。", "彼は｜という字を書いた。\n\n《注》甲", "見出し\n----------\n甲：乙\n----------\n", "※［注］", ""]
    {
        assert!(!is_work(text), "{text}");
    }
    for text in ["　猫［＃「猫」に傍点］が鳴く。", "※［＃「火＋發」、U+243CB］"] {
        assert!(is_work(text), "{text}");
    }
}

#[test]
fn a_million_signs_take_no_longer() {
    let options = Options { readings: true, spans: true };
    for sign in ["［＃", "［＃「", "［", "《", "｜", "※［＃", "〔", "〔a'", "甲《", "［＃［＃］", "｜［＃］", "［＃割り注］"]
    {
        let line = sign.repeat(10_000);
        let closed = format!("{line}］》〕［＃割り注終わり］");
        for text in [line, closed] {
            read(&text, &options);
        }
    }
}

#[test]
fn editions_in_html() {
    let new = r#"<?xml version="1.0" encoding="Shift_JIS"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN"><html><head><title>著者 題</title></head><body>
<div class="metadata"><h1 class="title"><ruby><rb>題</rb><rp>（</rp><rt>だい</rt><rp>）</rp></ruby></h1><h2 class="author">著者</h2><h2 class="translator">訳者</h2></div>
<div id="contents" style="display:none"></div><div class="main_text"><br />
　<ruby><rb>猫</rb><rp>（</rp><rt>ねこ</rt><rp>）</rp></ruby>が<img gaiji="gaiji" src="x/1-92-36.png" alt="※(「足へん＋宛」、第3水準1-92-36)" class="gaiji" />く。<br />
<div class="chitsuki_1" style="text-align:right">（<strong class="SESAME_DOT">終</strong>）</div>乙※<span class="notes">［＃「火＋發」、U+243CB、12-3］</span>※<span class="notes">［＃「咼の左右対称」、34-5］</span><span class="notes">［＃挿絵］</span>
</div><div class="bibliographical_information"><hr /><br />底本：「題」甲社<br />2001年2月3日公開<br /></div>
<div class="notation_notes"><hr />●表記について<ul><li>外字</li></ul></div></body></html>"#;
    let found = edition(new).unwrap();
    assert!(
        found.html.contains("が踠く。")
            && found.html.contains("乙𤏋〓")
            && !found.html.contains("notes")
            && found.colophon.contains("底本：「題」甲社")
    );
    let (meta, date, _) = found.describe(Some("著者 題"), "底本：「題」甲社\n2001年2月3日公開");
    assert_eq!(Value::Object(meta)["title"], "題");
    assert_eq!((date.as_deref(), found.dropped.count("reading"), found.dropped.count("note")), (Some("2001-02-03"), 1, 1));

    let old = "<HTML><HEAD><TITLE>題</TITLE></HEAD><BODY><H1>題</H1><H3>著者</H3><BR>\n　<!R>猫（ねこ）が<!R>鳴（な）く（注）。<BR>\n<HR>底本：「題」甲社<BR></BODY></HTML>";
    let found = edition(old).unwrap();
    assert!(found.html.contains("<ruby>猫<rt>ねこ</rt></ruby>が<ruby>鳴<rt>な</rt></ruby>く（注）。") && !found.html.contains("底本"));
    let (meta, ..) = found.describe(None, "");
    assert_eq!(Value::Object(meta).to_string(), r#"{"notation":"aozora","title":"題","author":"著者"}"#);
    assert!(edition("<html><body><div class='main_text'><p>甲</p></div></body></html>").is_none());
}

proptest! {
    /// Any mixture of signs: no panic, nothing but notation is lost, and places lie in the text.
    #[test]
    fn any_signs(parts in proptest::collection::vec(prop_oneof![
        Just("［＃"), Just("］"), Just("《"), Just("》"), Just("｜"), Just("※"), Just("〔"), Just("〕"), Just("／"), Just("＼"), Just("e'"), Just("甲"),
        Just("「"), Just("」"), Just("は底本では"), Just("、1-2-22"), Just("\n"), Just("大見出し"), Just("割り注"), Just("終わり"), Just("𠮟"), Just("に「乙」のルビ"),
    ], 0..24)) {
        let source = parts.concat();
        let document = read(&source, &Options { readings: true, spans: true });
        let count = document.text.chars().count() as u64;
        let meta: Value = serde_json::from_str(&document.meta.unwrap()).unwrap();
        for span in meta["readings"].as_array().into_iter().flatten().chain(meta["variants"].as_array().into_iter().flatten()) {
            let (from, to) = (span[0].as_u64().unwrap(), span[1].as_u64().unwrap());
            prop_assert!(from < to && to <= count);
            let words: String = document.text.chars().skip(from as usize).take((to - from) as usize).collect();
            prop_assert_eq!(words.as_str(), span[2].as_str().unwrap());
        }
        let plain: Vec<char> = source.chars().filter(|c| *c == '𠮟').collect();
        prop_assert!(document.text.chars().filter(|c| *c == '𠮟').count() <= plain.len() * 2);
    }
}
