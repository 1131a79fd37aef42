//! The tag sets of IPADIC and UniDic: from their names of parts of speech and inflected forms to the neutral alphabet.
//!
//! These lists stay in Rust: they are the closed sets of names of two dictionaries, not words, and change only when a
//! dictionary of another standard comes in.

use crate::keigo::alphabet::{Class, Form};
use crate::keigo::marks::Marks;

/// Class from the first four features of either standard.
pub(super) fn class_of(fields: [&str; 4], surface: &str, marks: &Marks) -> Class {
    match fields[0] {
        "名詞" => noun_class(fields),
        "代名詞" => Class::Noun,
        "形状詞" => Class::AdjectivalNoun,
        "接尾辞" => Class::Suffix,
        "接頭詞" | "接頭辞" => Class::Prefix,
        "動詞" => Class::Verb,
        "形容詞" => Class::Adjective,
        "助動詞" => Class::Auxiliary,
        "助詞" if fields[1] == "準体助詞" => Class::DependentNoun,
        "助詞" => particle_class(fields[1]),
        "副詞" => Class::Adverb,
        "連体詞" | "接続詞" => Class::Modifier,
        "感動詞" | "フィラー" => Class::Interjection,
        _ => marks.class(fields[1], surface),
    }
}

fn noun_class(fields: [&str; 4]) -> Class {
    match (fields[1], fields[2]) {
        ("接尾", _) => Class::Suffix,
        ("形容動詞語幹", _) => Class::AdjectivalNoun,
        ("非自立", _) => Class::DependentNoun,
        ("数" | "数詞", _) => Class::Number,
        ("サ変接続", _) | (_, "サ変可能" | "サ変形状詞可能") => Class::Sahen,
        _ => Class::Noun,
    }
}

fn particle_class(kind: &str) -> Class {
    match kind {
        "格助詞" => Class::Case,
        "係助詞" => Class::Topic,
        "接続助詞" => Class::Connective,
        "終助詞" | "副助詞／並立助詞／終助詞" => Class::Final,
        _ => Class::Particle,
    }
}

/// Inflected form from 活用形.
pub(super) fn form_of(name: &str) -> Form {
    match name.split('-').next().unwrap_or(name) {
        "連用形" if !name.contains('便') => Form::Continuative,
        "連用形" | "連用タ接続" | "連用テ接続" | "連用ゴザイ接続" | "連用デ接続" | "連用ニ接続" => {
            Form::Onbin
        }
        "基本形" | "終止形" | "連体形" | "体言接続" | "音便基本形" => Form::Plain,
        "仮定形" | "仮定縮約１" => Form::Conditional,
        "意志推量形" => Form::Volitional,
        name if name.starts_with("未然") => Form::Irrealis,
        name if name.starts_with("命令") => Form::Imperative,
        _ => Form::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_both_standards() {
        assert_eq!(form_of("連用形"), Form::Continuative);
        assert_eq!(form_of("連用形-一般"), Form::Continuative);
        assert_eq!(form_of("連用形-促音便"), Form::Onbin);
        assert_eq!(form_of("未然レル接続"), Form::Irrealis);
        assert_eq!(form_of("命令ｉ"), Form::Imperative);
        assert_eq!(form_of("*"), Form::Other);
    }

    #[test]
    fn brackets_are_known_by_their_surface() {
        let marks = Marks::read().unwrap();
        assert_eq!(class_of(["記号", "括弧開", "*", "*"], "「", &marks), Class::Open);
        assert_eq!(class_of(["補助記号", "括弧閉", "*", "*"], "）", &marks), Class::Close);
        assert_eq!(class_of(["記号", "括弧開", "*", "*"], "【", &marks), Class::Mark);
        assert_eq!(class_of(["補助記号", "読点", "*", "*"], "、", &marks), Class::Comma);
    }
}
