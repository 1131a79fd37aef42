//! Which characters a reading stands over where no ｜ says so: those of one class (the classes of the converter of the web edition).

/// A class of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Kanji,
    Hiragana,
    Katakana,
    /// Full-width letters and digits, Greek, Cyrillic.
    Wide,
    /// Letters and digits of ASCII, and letters with marks.
    Narrow,
    /// A sign that may end a word of those: `Mr.`
    NarrowEnd,
    Other,
    /// What a reading stands over never.
    None,
}

fn class(c: char) -> Class {
    match c {
        // A small ヶ stands for a kanji; the large one does not.
        '々' | '仝' | '〆' | '〇' | 'ヶ' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3fffd}' => {
            Class::Kanji
        }
        'ぁ'..='ゖ' | 'ゝ' | 'ゞ' | '\u{3099}' | '\u{309a}' => Class::Hiragana,
        'ァ'..='ヺ' | 'ー' | 'ヽ' | 'ヾ' | '\u{31f0}'..='\u{31ff}' => Class::Katakana,
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | 'Α'..='ω' | 'А'..='я' | 'Ё' | 'ё' | '−' | '－' | '＆' | '’' | '，' | '．' => {
            Class::Wide
        }
        'A'..='Z' | 'a'..='z' | '0'..='9' | '#' | '-' | '&' | '\'' | ',' | '\u{c0}'..='\u{24f}' => Class::Narrow,
        '.' | ';' | '"' | '?' | '!' | ')' => Class::NarrowEnd,
        '、' | '。' | '「' | '『' | '（' | '〔' | '［' | '《' | '》' | '【' | '〈' | '｜' => Class::None,
        c if c.is_whitespace() => Class::None,
        _ => Class::Other,
    }
}

/// Where the base of a reading begins that stands behind `text`; `text` itself where there is none. Places in `described` (bytes, in order) were
/// characters that the text describes: they count as kanji.
pub(super) fn base(text: &str, described: &[(usize, usize)]) -> usize {
    // Words of narrow letters are often followed by a blank that is none of the text's: `at Hsiancheng 《シアンチェン》`.
    let word = text.trim_end_matches(' ');
    let is_word = word.len() < text.len() && word.chars().next_back().is_some_and(|c| matches!(class(c), Class::Narrow | Class::NarrowEnd));
    let mut start = if is_word { word.len() } else { text.len() };
    let mut of_base = None;
    let mut described = described.iter().rev().peekable();
    loop {
        let Some(before) = text.get(..start).filter(|before| !before.is_empty()) else { return start };
        while described.next_if(|(from, to)| *from >= start || *to > start).is_some() {}
        let (this, from) = match described.peek() {
            Some((from, to)) if *to == start => (Class::Kanji, *from),
            _ => match before.chars().next_back() {
                Some(c) => (class(c), start - c.len_utf8()),
                None => return start,
            },
        };
        match of_base {
            None if this == Class::None => return start,
            None => of_base = Some(this),
            Some(Class::NarrowEnd) if this == Class::Narrow => of_base = Some(this),
            Some(Class::Other | Class::NarrowEnd) => return start,
            Some(known) if known != this => return start,
            Some(_) => {}
        }
        start = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases() {
        for (text, expected) in [
            ("髪飾り", "り"),
            ("と六ヶ", "六ヶ"),
            ("六ケ", "ケ"),
            ("時々", "時々"),
            ("あ〇", "〇"),
            ("あАБ", "АБ"),
            ("Ｎｏ．１", "Ｎｏ．１"),
            ("an O'Neill", "O'Neill"),
            ("und für", "für"),
            ("by Mr.", "Mr."),
            ("甲×", "×"),
            ("ロケット", "ロケット"),
            ("いゝ", "いゝ"),
            ("「", ""),
            ("甲　", ""),
            ("at Hsiancheng ", "Hsiancheng "),
            ("甲 ", ""),
            ("Ａ ", ""),
            ("", ""),
        ] {
            let start = base(text, &[]);
            assert_eq!(text.get(start..), Some(expected), "{text}");
        }
        // A described character is a kanji, whatever it is.
        let text = "二〻《";
        assert_eq!(base("二〻", &[(3, 6)]), 0, "{text}");
        assert_eq!(base("二〻", &[]), 3);
    }
}
