//! The tables `cases.tsv` and `names.tsv`, and what other programs get wrong.

use super::super::find::{Finder, Scratch};
use super::super::kind::{Kind, Span};
use super::super::mask::mask;
use crate::morpheme::{Morphemes, NO_WORD, PosTable};

const CASES: &str = include_str!("cases.tsv");
const NAMES: &str = include_str!("names.tsv");

/// What is found without a dictionary: everything but names.
pub(super) fn found(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    Finder::new(&PosTable::default(), &Kind::ALL).find(text, Morphemes::default(), &mut Scratch::default(), &mut spans);
    spans
}

fn masked(text: &str) -> String {
    let mut out = String::new();
    mask(text, &found(text), &mut out);
    out
}

fn lines(table: &str) -> impl Iterator<Item = (usize, Vec<String>)> {
    let cells = |line: &str| line.split('\t').map(|cell| cell.replace('⏎', "\n")).collect();
    table.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(move |(n, line)| (n + 1, cells(line)))
}

#[test]
fn every_case_is_found_and_nothing_else() {
    let mut wrong = Vec::new();
    for (line, cells) in lines(CASES) {
        let (kinds, text) = (cells[0].split('+').collect::<Vec<_>>(), &cells[1]);
        let spans: Vec<(&str, &str)> = found(text).iter().map(|span| (span.kind.name(), text.get(span.start..span.end).unwrap())).collect();
        let wanted: Vec<(&str, &str)> = match cells.get(2) {
            Some(all) => all.split('|').enumerate().map(|(i, part)| (*kinds.get(i).unwrap_or(&kinds[0]), part)).collect(),
            None => vec![],
        };
        if spans != wanted {
            wrong.push(format!("line {line}: {text}: found {spans:?}, wanted {wanted:?}"));
        }
        // Nothing is found in what is left.
        let rest = masked(text);
        if !found(&rest).is_empty() {
            wrong.push(format!("line {line}: something is found in {rest}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The POS ids of the tags in `names.tsv`.
const TAGS: [&str; 7] = ["", "姓", "名", "人名", "名詞", "?", "その他"];

fn pos_table() -> PosTable {
    let tuple = |tag: &str| match tag {
        "" => vec![],
        "姓" | "名" => ["名詞", "固有名詞", "人名", tag].map(str::to_owned).to_vec(),
        "人名" => ["名詞", "固有名詞", "人名", "一般"].map(str::to_owned).to_vec(),
        "名詞" | "?" => ["名詞", "一般"].map(str::to_owned).to_vec(),
        _ => vec!["助詞".to_owned()],
    };
    PosTable { tuples: TAGS.map(tuple).to_vec(), unknown: vec![None; TAGS.len()] }
}

#[test]
fn every_name_is_found_and_nothing_else() {
    let finder = Finder::new(&pos_table(), &[Kind::Person]);
    let mut wrong = Vec::new();
    for (line, cells) in lines(NAMES) {
        let (mut text, mut ends, mut pos, mut word) = (String::new(), Vec::new(), Vec::new(), Vec::new());
        for morpheme in cells[0].split('/') {
            let (surface, tag) = morpheme.split_once('=').unwrap_or((morpheme, if morpheme.trim().is_empty() { "" } else { "その他" }));
            text.push_str(surface);
            ends.push(text.len() as u32);
            pos.push(TAGS.iter().position(|known| *known == tag).unwrap() as u16);
            word.push(if matches!(tag, "" | "?") { NO_WORD } else { 1 });
        }
        let mut spans = Vec::new();
        finder.find(&text, Morphemes { ends: &ends, pos: &pos, word: &word }, &mut Scratch::default(), &mut spans);
        let names: Vec<&str> = spans.iter().map(|span| text.get(span.start..span.end).unwrap()).collect();
        let wanted: Vec<&str> = cells.get(1).map(|all| all.split('|').collect()).unwrap_or_default();
        if names != wanted {
            wrong.push(format!("line {line}: {text}: found {names:?}, wanted {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// datatrove looks for word boundaries, which kana are not, and for ASCII only.
#[test]
fn addresses_beside_kana_and_full_width_ones_are_masked() {
    assert_eq!(masked("メールはtaro@example.jpまで"), "メールは<EMAIL>まで");
    assert_eq!(masked("メールはtaro＠example.jpまで"), "メールは<EMAIL>まで");
    assert_eq!(masked("接続元は203.0.113.5です"), "接続元は<IP_ADDRESS>です");
}

/// HojiChar misses these and masks an order number.
#[test]
fn every_notation_is_masked_and_order_numbers_stay() {
    for number in [
        "0120-123-456",
        "03(1234)5678",
        "０３－１２３４－５６７８",
        "090ー1234ー5678",
        "+81-90-1234-5678",
        "04-2912-3456",
        "0466-22-1234",
        "09969-2-1234",
    ] {
        assert_eq!(masked(&format!("電話は{number}です")), "電話は<PHONE>です", "{number}");
        assert_eq!(masked(&format!("{number}まで")), "<PHONE>まで", "{number}");
    }
    assert_eq!(masked("注文番号 0123456789"), "注文番号 0123456789");
    assert_eq!(masked("taro＠example.jp"), "<EMAIL>");
}

/// ー is a dash between digits and a vowel elsewhere: folded everywhere, it would take the labels away.
#[test]
fn labels_with_a_long_vowel_are_read() {
    assert_eq!(masked("マイナンバー：1234ー5678ー9018"), "マイナンバー：<MY_NUMBER>");
    assert_eq!(masked("パスポート番号 TZ1234567"), "パスポート番号 <PASSPORT>");
}
