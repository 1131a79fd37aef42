//! Rules, styles and levels over the toy dictionary; laws that hold for any text.

use proptest::prelude::*;

use crate::keigo::analyze::Span;
use crate::keigo::document::{DocumentKeigo, Register, Thresholds, register};
use crate::keigo::style::Style;
use crate::keigo::tests::toy::{Document, analyzer, words};
use crate::morpheme::Morphemes;

/// Style and level of the first sentence, and `surface/rule` of all spans.
fn read(morphemes: &str) -> (Style, u8, Vec<String>) {
    let document = Document::new(morphemes);
    let (sentences, spans) = document.analyze();
    let show = |span: &Span| format!("{}/{}", document.text.get(span.start as usize..span.end as usize).unwrap(), span.rule);
    (sentences[0].style, sentences[0].level, spans.iter().map(show).collect())
}

fn spans(morphemes: &str) -> String {
    read(morphemes).2.join(" ")
}

#[test]
fn honorific_forms() {
    assert_eq!(spans("お客様|が|お|帰り|に|なり|まし|た|。"), "お客様/SON.noun お帰りになり/SON.o_ni_naru まし/TEI.masu");
    assert_eq!(spans("弊社|に|ご|連絡|ください|。"), "弊社/KEN2.noun ご連絡ください/SON.o_kudasaru");
    assert_eq!(spans("ご|連絡|いたし|ます"), "ご連絡いたし/KEN12.o_itasu ます/TEI.masu");
    assert_eq!(spans("お|酒|を|帰"), "お酒/BIK.list");
    assert_eq!(spans("先生|の|お|酒"), "お酒/SON.bika_owned");
    assert_eq!(spans("おもちゃ|だ|。"), "");
}

#[test]
fn passive_or_honorific() {
    assert_eq!(spans("先生|は|本|を|読ま|れ|ます|。"), "読まれ/SON.reru ます/TEI.masu");
    assert_eq!(spans("先生|が|到着|さ|れ|まし|た|。"), "到着され/SON.sahen_reru まし/TEI.masu");
    assert_eq!(spans("弟|に|本|を|読ま|れ|た|。"), "");
    assert_eq!(spans("本|は|読ま|れ|た|。"), "");
}

#[test]
fn style_and_level() {
    assert_eq!(read("先生|は|いらっしゃる|。").0, Style::Jotai);
    assert_eq!(read("先生|は|いらっしゃる|。").1, 2);
    assert_eq!(read("無料|。").0, Style::Fragment);
    assert_eq!(read("本|に|ござい|ます|。").1, 3);
    assert_eq!(read("ありがとう|ござい|ます|。").1, 1);
    assert_eq!(read("帰|て|ください|。"), (Style::Keitai, 1, vec!["ください/SON.te_kudasai".into()]));
}

#[test]
fn a_quotation_has_spans_but_no_say() {
    let (style, level, found) = read("弟|は|「|帰|ます|」|と|言っ|た|。");
    assert_eq!((style, level, found), (Style::Jotai, 0, vec!["ます/TEI.masu".into()]));
    let (sentences, _) = Document::new("「|帰|ます|。|」").analyze();
    assert!(sentences[0].quoted && sentences[0].style == Style::Keitai && sentences[0].level == 1);
    let (sentences, _) = Document::new("（|連絡|）").analyze();
    assert!(!sentences[0].quoted && sentences[0].listed, "the title of an article");
}

#[test]
fn a_framed_letter_is_a_formal_letter() {
    let document = Document::new("拝啓|。|貴社|に|帰|ます|。|敬具|。");
    let mut worker = analyzer().worker();
    let morphemes = Morphemes { ends: &document.ends, pos: &document.pos, word: &document.word };
    let analysis = worker.analyze(&document.text, &document.sentences, morphemes);
    let sums = DocumentKeigo::new(&document.text, &analysis);
    assert_eq!(register(&sums, &Thresholds::default()), Register::FormalLetter);
    assert_eq!((sums.n_sentences, sums.n_keitai, sums.n_fragment, sums.n_chars), (3, 1, 2, 13));
}

fn surfaces() -> impl Strategy<Value = Vec<String>> {
    let known = (0..words().len()).prop_map(|i| words()[i][0].to_string());
    let foreign = prop_oneof![
        Just("\n".to_string()),
        Just("?".into()),
        Just("w".into()),
        Just("\u{3099}".into()),
        Just("(".into()),
        "[ぁ-ん漢字a-z\u{0}]{1,4}"
    ];
    prop::collection::vec(prop_oneof![6 => known, 1 => foreign], 0..40)
}

proptest! {
    #[test]
    fn spans_are_ordered_and_inside(surfaces in surfaces()) {
        let document = Document::new(&surfaces.join("|"));
        let (sentences, spans) = document.analyze();
        for pair in spans.windows(2) {
            prop_assert!(pair[0].end <= pair[1].start);
        }
        for sentence in &sentences {
            for span in &spans[sentence.spans.clone()] {
                prop_assert!(span.start < span.end && sentence.byte_start <= span.start && span.end <= sentence.byte_end);
                prop_assert!(document.text.is_char_boundary(span.start as usize) && document.text.is_char_boundary(span.end as usize));
            }
        }
        prop_assert_eq!(sentences.iter().map(|sentence| sentence.spans.len()).sum::<usize>(), spans.len());
    }

    #[test]
    fn sentences_do_not_know_each_other(first in surfaces(), second in surfaces()) {
        let plain = |surfaces: Vec<String>| surfaces.into_iter().filter(|surface| !matches!(surface.as_str(), "「" | "」" | "\n")).collect::<Vec<_>>();
        let first = plain(first).join("|") + "|。";
        let second = plain(second).join("|") + "|。";
        let (one, two) = (Document::new(&first), Document::new(&second));
        let both = Document::new(&format!("{first}|{second}"));
        let shift = one.text.len() as u32;
        let mut expected = one.analyze().1;
        expected.extend(two.analyze().1.into_iter().map(|span| Span { start: span.start + shift, end: span.end + shift, ..span }));
        prop_assert_eq!(both.analyze().1, expected);
    }

    #[test]
    fn foreign_ends_never_panic(surfaces in surfaces(), ends in prop::collection::vec(0_u32..400, 0..9)) {
        let document = Document { sentences: ends, ..Document::new(&surfaces.join("|")) };
        let _ = document.analyze();
    }
}

#[test]
fn a_megabyte_without_a_break_is_linear() {
    let mut document = Document::default();
    for i in 0..200_000 {
        document.push(["「", "お", "読ま", "れ", "の", "先生"][i % 6]);
    }
    document.close();
    let (sentences, _) = document.analyze();
    assert_eq!(sentences.len(), 1);
}
