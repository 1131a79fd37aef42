//! What a character counts as, by table.
//!
//! *Letters*: hiragana U+3041–309F, katakana U+30A0–30FF, 31F0–31FF and half-width FF66–FF9F (ー counts), kanji 々〇〻,
//! U+3400–9FFF, F900–FAFF, 20000–323AF, Hangul, and what Unicode calls alphabetic. *Marks*: 、。「」『』・，．！？（）.

use super::garbling;
use super::simplified::SIMPLIFIED;

/// What a character counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    /// Digits, symbols, foreign punctuation.
    Other,
    /// Hiragana.
    Hiragana,
    /// Katakana, ー and half-width forms included.
    Katakana,
    /// Kanji that Japanese writes.
    Kanji,
    /// Kanji of simplified Chinese.
    Simplified,
    /// Hangul.
    Hangul,
    /// Any other letter.
    Letter,
    /// Japanese punctuation marks.
    Mark,
    /// White space.
    Space,
    /// U+FFFD.
    Replaced,
    /// C1 control.
    Control,
}

/// How many classes there are; a power of two, so that an index cannot lie outside.
pub(super) const CLASSES: usize = 16;

/// A character's class, and what the search for garbling wants to know of it, in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traits(u8);

impl Traits {
    const ODD: u8 = 0x40;
    const COMMA: u8 = 0x80;

    fn of(c: char) -> Self {
        let odd = if garbling::is_odd(c) { Self::ODD } else { 0 };
        let comma = if garbling::is_comma(c) { Self::COMMA } else { 0 };
        Self(class_of(c) as u8 | odd | comma)
    }

    /// The class as an index below [`CLASSES`].
    pub(super) fn class(self) -> usize {
        usize::from(self.0) % CLASSES
    }

    /// May it be a trace of garbling?
    pub(super) fn is_odd(self) -> bool {
        self.0 & Self::ODD != 0
    }

    /// 1 for a comma or a middle dot.
    pub(super) fn comma(self) -> u32 {
        u32::from(self.0 >> 7)
    }
}

/// The traits of all characters of the BMP.
#[derive(Debug)]
pub(super) struct Classes(Box<[Traits]>);

impl Default for Classes {
    fn default() -> Self {
        let mut table: Box<[Traits]> = (0..0x1_0000).map(|code| Traits::of(char::from_u32(code).unwrap_or('\0'))).collect();
        SIMPLIFIED.chars().for_each(|c| table[c as usize] = Traits(Class::Simplified as u8));
        Self(table)
    }
}

impl Classes {
    /// The traits of a character.
    #[inline]
    pub(super) fn of(&self, c: char) -> Traits {
        match self.0.get(c as usize) {
            Some(traits) => *traits,
            None => Traits::of(c),
        }
    }
}

fn class_of(c: char) -> Class {
    match c {
        '、' | '。' | '「' | '」' | '『' | '』' | '・' | '，' | '．' | '！' | '？' | '（' | '）' => Class::Mark,
        '\u{3041}'..='\u{309f}' => Class::Hiragana,
        '\u{30a0}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' => Class::Katakana,
        '々' | '〇' | '〻' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' => Class::Kanji,
        '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{a960}'..='\u{a97f}' | '\u{ac00}'..='\u{d7ff}' => Class::Hangul,
        '\u{fffd}' => Class::Replaced,
        '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' => Class::Control,
        _ if c.is_whitespace() => Class::Space,
        _ if c.is_alphabetic() => Class::Letter,
        _ => Class::Other,
    }
}
