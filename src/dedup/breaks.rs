//! Where something that is said begins and ends: at ends of lines and sentences, brackets, quotes, blanks and symbols.
//!
//! Commas and the points between names are no breaks, nor is a blank between two words in Latin letters.

use std::ops::Range;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Does a span of a text stand between breaks?
///
/// ```
/// # use seimai::dedup::breaks::around;
/// assert!(around("問：米とは何か。", 6..21));
/// assert!(!around("問：その米とは何か。", 12..24));
/// ```
pub fn around(text: &str, span: Range<usize>) -> bool {
    let (Some(before), Some(inside), Some(behind)) = (text.get(..span.start), text.get(span.clone()), text.get(span.end..)) else {
        return false;
    };
    let (first, last) = (inside.chars().next(), inside.chars().next_back());
    is_break(before.chars().rev(), first) && is_break(behind.chars(), last)
}

/// Is there a break before the next letter or digit? `chars` go away from the span, which begins with `own` on this side.
fn is_break(chars: impl Iterator<Item = char>, own: Option<char>) -> bool {
    let mut blank = false;
    for c in chars {
        if breaks(c) {
            return true;
        }
        if c.is_whitespace() {
            blank = true;
        } else if c.is_alphanumeric() || is_kept(c) {
            return blank && !(is_latin(c) && own.is_some_and(is_latin));
        }
    }
    true
}

/// What breaks beside brackets, quotes and symbols: line ends, ends of sentences, and marks that stand before or between what is listed.
const BREAKS: &str = "\n\r\t\u{b}\u{c}\u{85}\u{2028}\u{2029}\u{3000}。．｡.!！?？‼⁇⁈⁉…‥:：;；*＊#＃\"＂'＇※§¶•|｜→⇒";

/// Breaks wherever it stands.
fn breaks(c: char) -> bool {
    BREAKS.contains(c)
        || matches!(
            c.general_category(),
            GeneralCategory::OpenPunctuation
                | GeneralCategory::ClosePunctuation
                | GeneralCategory::InitialPunctuation
                | GeneralCategory::FinalPunctuation
                | GeneralCategory::OtherSymbol
        )
}

/// A mark that belongs to the character before it, or a symbol of money.
fn is_kept(c: char) -> bool {
    matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::CurrencySymbol)
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '\u{c0}'..='\u{24f}' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '０'..='９')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_stands_between_breaks_or_not() {
        for (text, item, expected) in [
            ("米とは何か", "米とは何か", true),
            ("問：米とは何か。", "米とは何か", true),
            ("「米とは何か」と聞く", "米とは何か", true),
            ("問１　米とは何か\n答え", "米とは何か", true),
            ("1. 米とは何か 稲の実", "米とは何か", true),
            ("■米とは何か？", "米とは何か", true),
            ("まず、米とは何か。", "米とは何か", false),
            ("米とは何か、と聞く", "米とは何か", false),
            ("その米とは何か。", "米とは何か", false),
            ("米とは何かを聞く", "米とは何か", false),
            ("Q: What is rice?", "What is rice", true),
            ("Tell me what is rice, please", "what is rice", false),
            ("「what is rice」", "what is rice", true),
            ("米 what is rice 米", "what is rice", true),
            ("山・川・海の幸", "川", false),
            ("か\u{3099}米とは何か", "米とは何か", false),
        ] {
            let start = text.find(item).unwrap();
            assert_eq!(around(text, start..start + item.len()), expected, "{text}");
        }
        assert!(!around("あ", 1..2));
    }
}
