//! Tests over a lexicon of a few dozen hand-made words: the machinery without any dictionary on the machine.

use std::sync::Arc;

use arrow::datatypes::{UInt16Type, UInt32Type};
use proptest::prelude::*;

use crate::keigo::analyze::{Analyzer, Sentence, Span};
use crate::keigo::document::{DocumentKeigo, Register, Thresholds, register};
use crate::keigo::style::Style;
use crate::keigo::{Keigo, Options, Policy};
use crate::morpheme::{Lexicon, Morphemes, NO_WORD, PosTable, Standard, Word};
use crate::schema;
use crate::stage::{Batch, ListBuilder, Stage, with_column};

/// Surface, 品詞, 細分類1, 細分類2, 活用型, 活用形, 原形.
const WORDS: &[[&str; 7]] = &[
    ["。", "記号", "句点", "*", "*", "*", "。"],
    ["、", "記号", "読点", "*", "*", "*", "、"],
    ["「", "記号", "括弧開", "*", "*", "*", "「"],
    ["」", "記号", "括弧閉", "*", "*", "*", "」"],
    ["お", "接頭詞", "名詞接続", "*", "*", "*", "お"],
    ["ご", "接頭詞", "名詞接続", "*", "*", "*", "ご"],
    ["お客様", "名詞", "一般", "*", "*", "*", "お客様"],
    ["先生", "名詞", "一般", "*", "*", "*", "先生"],
    ["弟", "名詞", "一般", "*", "*", "*", "弟"],
    ["本", "名詞", "一般", "*", "*", "*", "本"],
    ["酒", "名詞", "一般", "*", "*", "*", "酒"],
    ["貴社", "名詞", "一般", "*", "*", "*", "貴社"],
    ["弊社", "名詞", "一般", "*", "*", "*", "弊社"],
    ["連絡", "名詞", "サ変接続", "*", "*", "*", "連絡"],
    ["到着", "名詞", "サ変接続", "*", "*", "*", "到着"],
    ["帰り", "名詞", "一般", "*", "*", "*", "帰り"],
    ["おもちゃ", "名詞", "一般", "*", "*", "*", "おもちゃ"],
    ["無料", "名詞", "一般", "*", "*", "*", "無料"],
    ["拝啓", "名詞", "一般", "*", "*", "*", "拝啓"],
    ["敬具", "名詞", "一般", "*", "*", "*", "敬具"],
    ["が", "助詞", "格助詞", "一般", "*", "*", "が"],
    ["は", "助詞", "係助詞", "*", "*", "*", "は"],
    ["を", "助詞", "格助詞", "一般", "*", "*", "を"],
    ["に", "助詞", "格助詞", "一般", "*", "*", "に"],
    ["と", "助詞", "格助詞", "引用", "*", "*", "と"],
    ["の", "助詞", "連体化", "*", "*", "*", "の"],
    ["て", "助詞", "接続助詞", "*", "*", "*", "て"],
    ["ね", "助詞", "終助詞", "*", "*", "*", "ね"],
    ["か", "助詞", "副助詞／並立助詞／終助詞", "*", "*", "*", "か"],
    ["帰る", "動詞", "自立", "*", "五段・ラ行", "基本形", "帰る"],
    ["帰り", "動詞", "自立", "*", "五段・ラ行", "連用形", "帰る"],
    ["帰", "動詞", "自立", "*", "五段・ラ行", "連用形", "帰る"],
    ["読ま", "動詞", "自立", "*", "五段・マ行", "未然形", "読む"],
    ["れ", "動詞", "接尾", "*", "一段", "連用形", "れる"],
    ["さ", "動詞", "自立", "*", "サ変・スル", "未然レル接続", "する"],
    ["し", "動詞", "自立", "*", "サ変・スル", "連用形", "する"],
    ["なり", "動詞", "自立", "*", "五段・ラ行", "連用形", "なる"],
    ["いたし", "動詞", "非自立", "*", "五段・サ行", "連用形", "いたす"],
    ["おり", "動詞", "非自立", "*", "五段・ラ行", "連用形", "おる"],
    ["ください", "動詞", "非自立", "*", "五段・ラ行特殊", "命令ｉ", "くださる"],
    ["いらっしゃる", "動詞", "自立", "*", "五段・ラ行特殊", "基本形", "いらっしゃる"],
    ["ます", "助動詞", "*", "*", "特殊・マス", "基本形", "ます"],
    ["まし", "助動詞", "*", "*", "特殊・マス", "連用形", "ます"],
    ["です", "助動詞", "*", "*", "特殊・デス", "基本形", "です"],
    ["た", "助動詞", "*", "*", "特殊・タ", "基本形", "た"],
    ["だ", "助動詞", "*", "*", "特殊・ダ", "基本形", "だ"],
    ["ござい", "動詞", "自立", "*", "五段・ラ行特殊", "連用形", "ござる"],
    ["ありがとう", "感動詞", "*", "*", "*", "*", "ありがとう"],
    ["言っ", "動詞", "自立", "*", "五段・ワ行促音便", "連用タ接続", "言う"],
];

struct Toy;

impl Toy {
    fn tuple(row: &[&str; 7]) -> Vec<String> {
        [row[1], row[2], row[3], "*", row[4], row[5]].iter().map(ToString::to_string).collect()
    }
}

impl Lexicon for Toy {
    fn standard(&self) -> Standard {
        Standard::Ipadic
    }

    fn pos_table(&self) -> Arc<PosTable> {
        let mut pos = PosTable { tuples: vec![Vec::new()], unknown: vec![None] };
        pos.tuples.extend(WORDS.iter().map(Toy::tuple));
        pos.tuples.push(["名詞", "一般", "*", "*", "*", "*"].iter().map(ToString::to_string).collect());
        pos.unknown.resize(pos.tuples.len() - 1, None);
        pos.unknown.push(Some("KANJI".into()));
        Arc::new(pos)
    }

    fn each_word(&self, visit: &mut dyn FnMut(&Word<'_>)) {
        for (id, row) in WORDS.iter().enumerate() {
            let features = [row[1], row[2], row[3], "*", row[4], row[5], row[6], "", ""];
            visit(&Word { id: id as u32, surface: row[0], features: &features });
        }
    }
}

/// A document given as pieces: `|` between morphemes; 。 outside brackets ends a sentence.
#[derive(Debug, Default, Clone)]
struct Document {
    text: String,
    sentences: Vec<u32>,
    ends: Vec<u32>,
    pos: Vec<u16>,
    word: Vec<u32>,
}

impl Document {
    fn new(pieces: &str) -> Self {
        let mut document = Self::default();
        let mut depth = 0;
        for piece in pieces.split('|').filter(|piece| !piece.is_empty()) {
            document.push(piece);
            depth += i32::from(piece == "「") - i32::from(piece == "」");
            if piece == "。" && depth == 0 {
                document.sentences.push(document.text.len() as u32);
            }
        }
        document.close();
        document
    }

    fn push(&mut self, piece: &str) {
        let id = WORDS.iter().position(|row| row[0] == piece);
        self.text.push_str(piece);
        self.ends.push(self.text.len() as u32);
        let gap = piece.chars().all(char::is_whitespace);
        self.pos.push(if gap { PosTable::GAP } else { id.unwrap_or(WORDS.len()) as u16 + 1 });
        self.word.push(id.map_or(NO_WORD, |id| id as u32));
    }

    fn close(&mut self) {
        let end = self.text.len() as u32;
        if self.sentences.last() != Some(&end) && end > 0 {
            self.sentences.push(end);
        }
    }

    fn analyze(&self) -> (Vec<Sentence>, Vec<Span>) {
        let analyzer = Analyzer::new(&Toy);
        let mut worker = analyzer.worker();
        let morphemes = Morphemes { ends: &self.ends, pos: &self.pos, word: &self.word };
        let analysis = worker.analyze(&self.text, &self.sentences, morphemes);
        (analysis.sentences.to_vec(), analysis.spans.to_vec())
    }
}

/// Style and level of the first sentence, and `surface/rule` of all spans.
fn read(pieces: &str) -> (Style, u8, Vec<String>) {
    let document = Document::new(pieces);
    let (sentences, spans) = document.analyze();
    let show = |span: &Span| format!("{}/{}", document.text.get(span.start as usize..span.end as usize).unwrap(), span.rule);
    (sentences[0].style, sentences[0].level, spans.iter().map(show).collect())
}

fn spans(pieces: &str) -> String {
    read(pieces).2.join(" ")
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
    let analyzer = Analyzer::new(&Toy);
    let mut worker = analyzer.worker();
    let morphemes = Morphemes { ends: &document.ends, pos: &document.pos, word: &document.word };
    let analysis = worker.analyze(&document.text, &document.sentences, morphemes);
    let sums = DocumentKeigo::new(&document.text, &analysis);
    assert_eq!(register(&sums, &Thresholds::default()), Register::FormalLetter);
    assert_eq!((sums.n_sentences, sums.n_keitai, sums.n_fragment, sums.n_chars), (3, 1, 2, 13));
}

fn batch(documents: &[Document]) -> Batch {
    type U32s = ListBuilder<UInt32Type>;
    let (mut ends, mut sentences, mut word) = (U32s::default(), U32s::default(), U32s::default());
    let mut pos = ListBuilder::<UInt16Type>::default();
    for document in documents {
        ends.values.extend(&document.ends);
        ends.end_row().unwrap();
        sentences.values.extend(&document.sentences);
        sentences.end_row().unwrap();
        pos.values.extend(&document.pos);
        pos.end_row().unwrap();
        word.values.extend(&document.word);
        word.end_row().unwrap();
    }
    let texts = arrow::array::StringArray::from_iter_values(documents.iter().map(|document| &document.text));
    let schema = Arc::new(arrow::datatypes::Schema::empty());
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(documents.len()));
    let batch = Batch::try_new_with_options(schema, vec![], &options).unwrap();
    let batch = with_column(&batch, &schema::TEXT, Arc::new(texts)).unwrap();
    let batch = with_column(&batch, &schema::MORPHEME_ENDS, ends.finish().unwrap()).unwrap();
    let batch = with_column(&batch, &schema::SENTENCE_ENDS, sentences.finish().unwrap()).unwrap();
    let batch = with_column(&batch, &schema::MORPHEME_POS, pos.finish().unwrap()).unwrap();
    with_column(&batch, &schema::MORPHEME_WORD, word.finish().unwrap()).unwrap()
}

#[test]
fn the_stage_adds_its_columns() {
    use arrow::array::AsArray;
    let stage = Keigo::new(&Options::default(), &Toy).unwrap();
    let documents = [Document::new("先生|は|帰|ます|。"), Document::new(""), Document::new("本|だ|。|無料|。")];
    let mut worker = stage.worker();
    let out = worker.apply(batch(&documents)).unwrap();
    for column in stage.contract().adds {
        assert_eq!(out.schema().field_with_name(column.name).unwrap(), &column.field());
    }
    let registers: Vec<_> = out.column_by_name("register").unwrap().as_string::<i32>().iter().flatten().collect();
    assert_eq!(registers, ["polite", "none", "plain-written"]);
    let keigo = out.column_by_name("keigo").unwrap().as_struct();
    assert_eq!(keigo.column_by_name("n_sentences").unwrap().as_primitive::<UInt32Type>().values(), &[1, 0, 2]);
    assert!(arrow::array::Array::is_null(keigo.column_by_name("consistency").unwrap(), 1));
    assert_eq!(worker.take_counts().get("register.polite"), Some(&1));
}

#[test]
fn unbuilt_options_are_refused() {
    assert!(Options::default().check().is_ok());
    assert!(Options { policy: Policy::Rebalance, ..Options::default() }.check().unwrap_err().contains("policy"));
    assert!(toml::from_str::<Options>("policy = \"drop\"").is_err());
    let masked: Options = toml::from_str("protect = { formulae = true }").unwrap();
    assert!(masked.check().unwrap_err().contains("protect.formulae"));
}

fn pieces() -> impl Strategy<Value = Vec<String>> {
    let known = (0..WORDS.len()).prop_map(|i| WORDS[i][0].to_string());
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
    fn spans_are_ordered_and_inside(pieces in pieces()) {
        let document = Document::new(&pieces.join("|"));
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
    fn sentences_do_not_know_each_other(first in pieces(), second in pieces()) {
        let plain = |pieces: Vec<String>| pieces.into_iter().filter(|piece| !matches!(piece.as_str(), "「" | "」" | "\n")).collect::<Vec<_>>();
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
    fn foreign_ends_never_panic(pieces in pieces(), ends in prop::collection::vec(0_u32..400, 0..9)) {
        let document = Document { sentences: ends, ..Document::new(&pieces.join("|")) };
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
