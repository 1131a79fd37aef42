//! Statutes and their text: the rows of the table in docs/guide/law.md, and what else was seen.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::corpus::document::Document;

fn law(body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Law Era="Heisei" Lang="ja" LawType="Act" Num="001" Year="01" PromulgateMonth="04" PromulgateDay="02"><LawNum>平成元年法律第一号</LawNum>
<LawBody><LawTitle Kana="みほんほう" Abbrev="見本">見本法</LawTitle>{body}</LawBody></Law>"#
    )
}

fn read(body: &str, options: Options) -> Vec<Document> {
    documents(&law(body), &options).unwrap()
}

/// Text of an act with one paragraph that holds this.
fn sentence(content: &str) -> String {
    text(&format!(
        r#"<MainProvision><Paragraph Num="1"><ParagraphNum/><ParagraphSentence>{content}</ParagraphSentence></Paragraph></MainProvision>"#
    ))
}

fn text(body: &str) -> String {
    let [document] = read(body, Options::default()).try_into().unwrap();
    document.text
}

fn meta(document: &Document) -> Value {
    serde_json::from_str(document.meta.as_deref().unwrap()).unwrap()
}

fn article(number: &str, title: &str, sentence: &str) -> String {
    format!(
        r#"<Article Num="{number}"><ArticleTitle>{title}</ArticleTitle><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>{sentence}</Sentence></ParagraphSentence></Paragraph></Article>"#
    )
}

const ARTICLES: Options = Options { articles: true, readings: false, spans: false };

#[test]
fn the_table() {
    for (content, expected) in [
        ("<Sentence>この<Ruby>瑕<Rt>か</Rt></Ruby><Ruby>疵<Rt>し</Rt></Ruby>を</Sentence>", "この瑕疵を"),
        (
            "<Sentence Function=\"main\" Num=\"1\">本文。</Sentence>\n  <Sentence Function=\"proviso\" Num=\"2\">ただし、乙。</Sentence>",
            "本文。ただし、乙。",
        ),
        ("<Column Num=\"1\"><Sentence>甲</Sentence></Column>\n<Column Num=\"2\"><Sentence>甲の意味</Sentence></Column>", "甲　甲の意味"),
        ("<Sentence>面積Ｓ<Sub>１</Sub></Sentence>", "面積Ｓ１"),
        ("<Sentence>一<Sup>２</Sup><Line Style=\"solid\">下線</Line>&amp;&#x7532;<![CDATA[<乙>]]></Sentence>", "一２下線&甲<乙>"),
    ] {
        assert_eq!(sentence(content), expected, "{content}");
    }
    let table = "<MainProvision><Paragraph Num=\"1\"><ParagraphNum/><ParagraphSentence><Sentence>表</Sentence></ParagraphSentence><TableStruct><TableStructTitle>別表</TableStructTitle><Table>
      <TableHeaderRow><TableHeaderColumn>種類</TableHeaderColumn><TableHeaderColumn>額</TableHeaderColumn></TableHeaderRow>
      <TableRow>
        <TableColumn BorderTop=\"solid\"><Sentence>区分</Sentence></TableColumn>
        <TableColumn><Sentence>金額</Sentence><Sentence>円</Sentence></TableColumn>
      </TableRow><TableRow><TableColumn/><TableColumn><Paragraph Num=\"1\"><ParagraphNum/><ParagraphSentence><Sentence>甲</Sentence></ParagraphSentence></Paragraph><Paragraph Num=\"2\"><ParagraphNum>２</ParagraphNum><ParagraphSentence><Sentence>乙</Sentence></ParagraphSentence></Paragraph></TableColumn></TableRow></Table></TableStruct></Paragraph></MainProvision>";
    assert_eq!(text(table), "表\n別表\n種類\t額\n区分\t金額円\n\t甲　２　乙");
}

#[test]
fn what_an_amendment_quotes_is_no_article_of_the_act() {
    let body = format!(
        r#"<MainProvision><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>乙法の一部を次のように改正する。</Sentence></ParagraphSentence>
<AmendProvision><AmendProvisionSentence><Sentence>第一条及び第四条を次のように改める。</Sentence></AmendProvisionSentence>
<NewProvision>{}{}</NewProvision></AmendProvision></Paragraph></MainProvision><SupplProvision><SupplProvisionLabel>附　則</SupplProvisionLabel>{}</SupplProvision>"#,
        article("1", "第一条", "新しい文。"),
        article("4", "第四条", "削除"),
        article("1", "第一条", "公布の日から施行する。"),
    );
    let quoted = "乙法の一部を次のように改正する。\n第一条及び第四条を次のように改める。\n第一条　新しい文。\n第四条　削除";
    assert_eq!(text(&body), format!("{quoted}\n附　則\n第一条　公布の日から施行する。"));
    let [act] = read(&body, Options { spans: true, ..Options::default() }).try_into().unwrap();
    let found = meta(&act);
    let of = |kind: &str| -> Vec<Value> {
        found["structure"].as_array().unwrap().iter().filter(|entry| entry["kind"] == kind).cloned().collect()
    };
    assert_eq!(of("article").len(), 1);
    assert_eq!(of("article")[0]["key"], "supplementary:original:1");
    assert!(of("paragraph")[0].get("paragraph_title").is_none(), "{}", of("paragraph")[0]);
    let texts: Vec<String> = read(&body, ARTICLES).into_iter().map(|document| document.text).collect();
    assert_eq!(texts, [quoted, "第一条　公布の日から施行する。"]);
}

#[test]
fn lines_of_an_act() {
    let body = format!(
        r#"<TOC><TOCLabel>目次</TOCLabel><TOCChapter Num="1"><ChapterTitle>第一章　総則</ChapterTitle></TOCChapter></TOC>
<MainProvision><Chapter Num="1"><ChapterTitle>第一章　総則</ChapterTitle>
<Article Num="1"><ArticleCaption>（趣旨）</ArticleCaption><ArticleTitle>第一条</ArticleTitle>
<Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>この法律は、次による。</Sentence></ParagraphSentence>
<Item Num="1"><ItemTitle>一</ItemTitle><ItemSentence><Sentence>甲</Sentence></ItemSentence>
<Subitem1 Num="1"><Subitem1Title>イ</Subitem1Title><Subitem1Sentence><Sentence>乙</Sentence></Subitem1Sentence></Subitem1></Item>
<Item Num="2"><ItemTitle>二</ItemTitle><ItemSentence><Sentence>削除</Sentence></ItemSentence></Item></Paragraph>
<Paragraph Num="2"><ParagraphNum>２</ParagraphNum><ParagraphSentence><Sentence>丙</Sentence></ParagraphSentence></Paragraph></Article></Chapter>
<Chapter Num="2"><ChapterTitle>第二章　削除</ChapterTitle>{}{}</Chapter></MainProvision>
<SupplProvision><SupplProvisionLabel>附　則</SupplProvisionLabel>{}</SupplProvision>
<SupplProvision AmendLawNum="平成二年法律第二号" Extract="true"><SupplProvisionLabel>附　則</SupplProvisionLabel>{}</SupplProvision>
<AppdxTable Num="1"><AppdxTableTitle>別表第一</AppdxTableTitle><RelatedArticleNum>（第一条関係）</RelatedArticleNum><FigStruct><Fig src="a.jpg"/></FigStruct></AppdxTable>"#,
        article("38:84", "第三十八条から第八十四条まで", "削除"),
        article("36_2", "第三十六条の二", "丁"),
        article("1", "第一条", "公布の日から施行する。"),
        article("1", "第一条", "次の日から施行する。"),
    );
    assert_eq!(
        text(&body),
        "第一章　総則\n（趣旨）\n第一条　この法律は、次による。\n一　甲\nイ　乙\n２　丙\n第三十六条の二　丁\n附　則\n第一条　公布の日から施行する。\n附　則　（平成二年法律第二号）　抄\n第一条　次の日から施行する。\n別表第一\n（第一条関係）"
    );
    let [act] = read(&body, Options { spans: true, ..Options::default() }).try_into().unwrap();
    let found = meta(&act);
    assert_eq!(
        (&found["title"], &found["title_kana"], &found["law_num"], &found["num"]),
        (&"見本法".into(), &"みほんほう".into(), &"平成元年法律第一号".into(), &"001".into())
    );
    assert_eq!(act.date.as_deref(), Some("1989-04-02"));
    let counts: Vec<(&str, u64)> = act.dropped.iter().collect();
    assert_eq!(counts, [("deleted_provision", 2), ("figure", 1), ("table_of_contents", 1)]);
    let structure = found["structure"].as_array().unwrap();
    let articles: Vec<String> =
        structure.iter().filter(|entry| entry["kind"] == "article").map(|entry| entry["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(articles, ["main:1", "main:38:84", "main:36_2", "supplementary:original:1", "supplementary:平成二年法律第二号:1"]);
    let range = structure.iter().find(|entry| entry["key"] == "main:38:84").unwrap();
    assert_eq!((&range["article"], &range["last"], &range["deleted"]), (&38.into(), &84.into(), &true.into()));
    for entry in structure {
        let (from, to) = (entry["from"].as_u64().unwrap() as usize, entry["to"].as_u64().unwrap() as usize);
        let words: String = act.text.chars().skip(from).take(to - from).collect();
        assert!(!words.starts_with('\n') && !words.ends_with('\n') && from <= to, "{entry}: {words}");
        if let Some(title) = entry["paragraph_title"].as_str() {
            assert!(words.starts_with(title), "{entry}: {words}");
        }
    }

    let documents = read(&body, ARTICLES);
    let texts: Vec<&str> = documents.iter().map(|document| document.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "（趣旨）\n第一条　この法律は、次による。\n一　甲\nイ　乙\n２　丙",
            "第三十六条の二　丁",
            "第一条　公布の日から施行する。",
            "第一条　次の日から施行する。",
            "別表第一\n（第一条関係）"
        ]
    );
    let first = meta(&documents[0]);
    assert_eq!(
        (&first["article"], &first["chapter"], &first["chapter_title"], &first["article_caption"]),
        (&1.into(), &"1".into(), &"第一章　総則".into(), &"（趣旨）".into())
    );
    assert_eq!(first["paragraphs"].to_string(), r#"[{"paragraph":1,"items":[1,2]},{"paragraph":2}]"#);
    let branch = meta(&documents[1]);
    assert_eq!((&branch["article"], &branch["branch"], &branch["key"]), (&36.into(), &2.into(), &"main:36_2".into()));
    let keys: Vec<Value> = documents[2..4].iter().map(|document| meta(document)["key"].clone()).collect();
    assert_eq!(keys, ["supplementary:original:1", "supplementary:平成二年法律第二号:1"]);
    assert_eq!((&meta(&documents[3])["amending_law_num"], &meta(&documents[3])["extract"]), (&"平成二年法律第二号".into(), &true.into()));
    assert!(documents.windows(2).all(|pair| pair[0].offset < pair[1].offset));
}

#[test]
fn an_act_without_articles() {
    let body = r#"<EnactStatement>朕ハ之ヲ公布ス</EnactStatement><Preamble><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>我らは。</Sentence></ParagraphSentence></Paragraph></Preamble>
<MainProvision><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>甲。</Sentence></ParagraphSentence></Paragraph><Paragraph Num="2"><ParagraphCaption>（乙）</ParagraphCaption><ParagraphNum>２</ParagraphNum><ParagraphSentence><Sentence>乙。</Sentence></ParagraphSentence></Paragraph></MainProvision>
<SupplProvision><SupplProvisionLabel>附則</SupplProvisionLabel><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>丙。</Sentence></ParagraphSentence></Paragraph></SupplProvision>"#;
    assert_eq!(text(body), "朕ハ之ヲ公布ス\n我らは。\n甲。\n（乙）\n２　乙。\n附則\n丙。");
    let texts: Vec<String> = read(body, ARTICLES).into_iter().map(|document| document.text).collect();
    assert_eq!(texts, ["朕ハ之ヲ公布ス", "我らは。", "甲。\n（乙）\n２　乙。", "附則\n丙。"]);
}

#[test]
fn envelopes() {
    let inner = law(&format!("<MainProvision>{}</MainProvision>", article("1", "第一条", "甲。")));
    let inner = inner.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?>"#).unwrap();
    let first = format!(
        "<DataRoot><Result><Code>0</Code><Message/></Result><ApplData><LawId>1AC1</LawId><LawNum>平成元年法律第一号</LawNum><LawFullText>{inner}</LawFullText></ApplData></DataRoot>"
    );
    let second = format!(
        "<law_data_response><law_info><law_id>1AC1</law_id><promulgation_date>1989-04-03</promulgation_date></law_info><revision_info><law_revision_id>1AC1_x</law_revision_id><repeal_status>None</repeal_status></revision_info><law_full_text>{inner}</law_full_text></law_data_response>"
    );
    for (xml, id) in [(first, "1AC1"), (second, "1AC1_x")] {
        assert!(is_law(xml.as_bytes()) && !may_hold_several(xml.as_bytes()));
        let [document] = documents(&xml, &Options::default()).unwrap().try_into().unwrap();
        assert_eq!(
            (document.text.as_str(), document.id.as_deref(), document.date.as_deref()),
            ("第一条　甲。", Some(id), Some("1989-04-02"))
        );
        assert_eq!(meta(&document)["law_id"], "1AC1");
    }
    let two = format!("<x>{inner}{inner}</x>");
    assert!(may_hold_several(two.as_bytes()));
    assert_eq!(documents(&two, &Options::default()).unwrap().len(), 2);
}

#[test]
fn readings_are_kept_or_noted() {
    let body = r#"<MainProvision><Paragraph Num="1"><ParagraphNum/><ParagraphSentence><Sentence>この<Ruby>瑕<Rt>か</Rt></Ruby><Ruby>疵<Rt>し</Rt></Ruby>を</Sentence></ParagraphSentence></Paragraph></MainProvision>"#;
    let [document] = read(body, Options { spans: true, ..Options::default() }).try_into().unwrap();
    assert_eq!(meta(&document)["readings"].to_string(), r#"[[2,3,"瑕","か"],[3,4,"疵","し"]]"#);
    let [document] = read(body, Options { readings: true, ..Options::default() }).try_into().unwrap();
    assert_eq!(document.text, "この瑕（か）疵（し）を");
    let [_] = read(body, Options { spans: true, ..ARTICLES }).try_into().unwrap();
}

#[test]
fn what_is_no_statute() {
    let bomb = r#"<!DOCTYPE Law [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>"#;
    for (xml, reason) in [
        (format!("{bomb}{}", law("<MainProvision>&b;</MainProvision>").split_once("?>").unwrap().1), "xml_entity"),
        (format!("{bomb}{}", law("<MainProvision>&f;</MainProvision>").split_once("?>").unwrap().1), "xml_entity"),
        (law(&"<Item>".repeat(1000)), "xml_depth"),
        ("<Law><LawNum>甲</LawNum>".to_owned(), "xml_eof"),
        (law("</Item>"), "xml_syntax"),
        ("<DataRoot><ApplData/></DataRoot>".to_owned(), "law_missing"),
        (String::new(), "law_missing"),
    ] {
        let fault = documents(&xml, &Options::default()).unwrap_err();
        assert_eq!(fault.reason, reason, "{xml}: {fault:?}");
        assert!(fault.detail.len() < 300, "{fault:?}");
    }
}

#[test]
fn a_million_elements_take_no_longer() {
    let item = r#"<Item Num="1"><ItemTitle>一</ItemTitle><ItemSentence><Sentence>削除</Sentence></ItemSentence></Item>"#;
    let articles: String = (0..1_000).map(|n| article(&n.to_string(), "第条", "<Ruby>甲<Rt>こう</Rt></Ruby>")).collect();
    for body in [item.repeat(2_000), articles, "<TableRow><TableColumn>".repeat(60) + &"</TableColumn></TableRow>".repeat(60)] {
        for articles in [false, true] {
            read(&format!("<MainProvision>{body}</MainProvision>"), Options { articles, readings: true, spans: true });
        }
    }
}

proptest! {
    /// Any nesting of elements: no panic, and each text of a sentence that is not deleted stands in the text.
    #[test]
    fn any_elements(parts in proptest::collection::vec((0_usize..16, any::<bool>()), 0..20)) {
        const NAMES: [&str; 16] = [
            "Article", "Paragraph", "Item", "Sentence", "Column", "Ruby", "Rt", "TableRow", "TableColumn", "ArticleTitle", "ParagraphNum", "SupplProvision",
            "SupplProvisionLabel", "TOC", "LawTitle", "Chapter",
        ];
        let (mut body, mut open, mut said) = (String::new(), Vec::new(), 0);
        for (number, (name, ends)) in parts.iter().enumerate() {
            write!(body, "<{} Num=\"1\">", NAMES[*name]).unwrap();
            open.push(NAMES[*name]);
            let is_text = !open.iter().any(|name| matches!(*name, "Rt" | "TOC" | "LawTitle"));
            if is_text {
                said += 1;
            }
            write!(body, "甲{number}。").unwrap();
            if *ends {
                write!(body, "</{}>", open.pop().unwrap()).unwrap();
            }
        }
        while let Some(name) = open.pop() {
            write!(body, "</{name}>").unwrap();
        }
        let [document] = read(&body, Options { spans: true, ..Options::default() }).try_into().unwrap();
        prop_assert_eq!(document.text.matches('甲').count(), said, "{}", body);
        let in_articles: usize = read(&body, ARTICLES).iter().map(|document| document.text.matches('甲').count()).sum();
        prop_assert!(in_articles <= said);
    }
}
