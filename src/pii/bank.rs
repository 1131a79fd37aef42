//! Bank accounts: bank, branch, kind of account and number.

use super::edge::{is_ended, is_free, runs_into_letters};
use super::fold::{ends, is_hiragana, is_kanji, is_katakana, is_line_break, next, previous, skip_spaces, skip_spaces_back, starts};
use super::kind::{Kind, Span};
use super::number::Run;

/// Kinds of account, the longer forms first.
const ACCOUNTS: &[&str] = &[
    "普通預金口座",
    "当座預金口座",
    "普通預金",
    "当座預金",
    "貯蓄預金",
    "普通口座",
    "当座口座",
    "普通",
    "当座",
    "貯蓄",
    "(普)",
    "(当)",
    "口座番号",
    "口座",
];
const BANKS: &[&str] =
    &["銀行", "信用金庫", "信金", "信用組合", "信組", "労働金庫", "労金", "農業協同組合", "農協", "バンク", "漁協", "漁業協同組合"];
const BRANCHES: &[&str] = &["支店", "本店", "出張所", "営業部", "支所", "本所", "店"];

/// An account whose number is group `i`, and the group behind it.
pub(super) fn account(text: &str, run: &Run, i: usize) -> Option<(Span, usize)> {
    let group = run.groups.get(i)?;
    if let Some(span) = postal_savings(text, run, i) {
        return Some((span, i + 1));
    }
    if !(6..=8).contains(&group.len) || !is_free(text, run, i, &["no"]) || !is_ended(text, run, i) {
        return None;
    }
    let kind = account_kind(text, group.start)?;
    let start = institution(text, kind).unwrap_or(kind);
    let alone = start == kind;
    // 口座 or 普通 alone is a word like others: it needs the seven digits of an account, and nothing that they count.
    let counts = next(text, group.end).is_some_and(|(c, _)| is_kanji(c));
    if alone && (group.len != 7 || counts || runs_into_letters(text, run, i)) {
        return None;
    }
    Some((Span { start, end: group.end, kind: Kind::BankAccount }, i + 1))
}

/// The start of the kind of account before the number at byte `at`: 普通, 普通預金 口座番号：, (普).
fn account_kind(text: &str, at: usize) -> Option<usize> {
    let mut here = at;
    let mut found = None;
    for _ in 0..6 {
        here = skip_spaces_back(text, here, 2);
        if let Some(before) = ACCOUNTS.iter().find_map(|word| ends(text, here, word)) {
            (found, here) = (Some(before), before);
        } else if let Some(before) = ["no.", "番号", "号"].iter().find_map(|word| ends(text, here, word)).filter(|_| found.is_none()) {
            here = before;
        } else {
            match previous(text, here) {
                Some((':' | '(' | ')' | '/' | '、' | ',' | '【' | '】' | '「' | '」' | '・' | 'は', before)) => here = before,
                _ => break,
            }
        }
    }
    found
}

/// The start of bank and branch before the kind of account at byte `at`.
fn institution(text: &str, at: usize) -> Option<usize> {
    let near =
        text.get(..at)?.char_indices().rev().take(40).take_while(|(_, c)| !is_line_break(*c) && *c != '。').last().map(|(i, _)| i)?;
    let before = text.get(near..at)?;
    let bank = BANKS.iter().filter_map(|bank| Some((before.rfind(bank)?, bank.len()))).max();
    let Some((bank, len)) = bank else {
        let branch =
            BRANCHES.iter().filter(|word| before.trim_end().ends_with(**word)).map(|word| before.trim_end().len() - word.len()).min()?;
        return Some(name_start(text, near + branch));
    };
    let between = before.get(bank + len..)?;
    let fits = between.chars().count() <= 24 && (BRANCHES.iter().any(|word| between.contains(word)) || !between.chars().any(is_hiragana));
    fits.then(|| name_start(text, near + bank))
}

/// Where a name begins that goes on at byte `at`. Hiragana belong to it where they begin a phrase, or behind a particle.
fn name_start(text: &str, at: usize) -> usize {
    let mut here = at;
    for _ in 0..16 {
        match previous(text, here) {
            Some((c, before)) if is_kanji(c) || is_katakana(c) || c.is_ascii_alphanumeric() => here = before,
            _ => break,
        }
    }
    let (mut kana, mut particle) = (here, None);
    for _ in 0..8 {
        match previous(text, kana) {
            Some((c, before)) if is_hiragana(c) => {
                if particle.is_none() && matches!(c, 'は' | 'が' | 'を' | 'へ') {
                    particle = Some(kana);
                }
                kana = before;
            }
            _ => break,
        }
    }
    let begins_phrase = previous(text, kana).is_none_or(|(c, _)| !is_kanji(c) && !is_katakana(c) && !is_hiragana(c));
    particle.unwrap_or(if begins_phrase { kana } else { here })
}

/// ゆうちょ銀行: 記号 10000 番号 00000001. The span holds both numbers.
fn postal_savings(text: &str, run: &Run, i: usize) -> Option<Span> {
    let group = run.groups.get(i).filter(|group| group.len == 5)?;
    let mut here = group.start;
    while let Some((' ' | ':' | '】' | '」', before)) = previous(text, here) {
        here = before;
    }
    ends(text, here, "記号")?;
    let mut at = skip_spaces(text, group.end, 2);
    if let Some(('-' | '/' | '、' | ',' | '・', behind)) = next(text, at) {
        at = skip_spaces(text, behind, 1);
    }
    at = starts(text, at, "番号")?;
    while let Some((' ' | ':', behind)) = next(text, at) {
        at = behind;
    }
    let (mut end, mut n) = (at, 0);
    while let Some((_, behind)) = next(text, end).filter(|(c, _)| c.is_ascii_digit()) {
        (end, n) = (behind, n + 1);
    }
    (2..=8).contains(&n).then_some(Span { start: group.start, end, kind: Kind::BankAccount })
}
