//! What of a text is Japanese: its scripts, and whether it is written as before 1946.

use crate::dedup::orthography::old_forms;

/// Shares by which a text is Japanese: kana among Japanese letters, and Japanese among all letters.
const KANA_MIN: f64 = 0.05;
const JAPANESE_MIN: f64 = 0.5;
/// Old forms of kanji by which a text is in old orthography: so many, and such a share.
const OLD_MIN: usize = 3;
const OLD_SHARE: f64 = 0.02;

/// Letters of texts by script.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Letters {
    /// Hiragana.
    pub hiragana: u64,
    /// Katakana, ー among it.
    pub katakana: u64,
    /// Kanji.
    pub kanji: u64,
    /// Letters of other scripts.
    pub other: u64,
}

impl Letters {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        let mut all = Self::default();
        for c in text.chars() {
            match c {
                'ぁ'..='ゖ' | 'ゝ' | 'ゞ' => all.hiragana += 1,
                'ァ'..='ヺ' | 'ー' | 'ヽ' | 'ヾ' | 'ｦ'..='ﾟ' | 'ㇰ'..='ㇿ' => all.katakana += 1,
                '々' | '〆' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => {
                    all.kanji += 1;
                }
                c if c.is_alphabetic() => all.other += 1,
                _ => {}
            }
        }
        all
    }

    /// Adds those of another text.
    pub fn add(&mut self, other: Self) {
        self.hiragana += other.hiragana;
        self.katakana += other.katakana;
        self.kanji += other.kanji;
        self.other += other.other;
    }

    /// Japanese letters.
    pub fn japanese(&self) -> u64 {
        self.hiragana + self.katakana + self.kanji
    }

    /// Is a text of these letters Japanese? Without kana it is Chinese, or a list of names.
    pub fn is_japanese(&self) -> bool {
        let (japanese, kana) = (self.japanese() as f64, (self.hiragana + self.katakana) as f64);
        japanese > 0.0 && kana >= KANA_MIN * japanese && japanese >= JAPANESE_MIN * (japanese + self.other as f64)
    }
}

/// Is a text in old orthography (旧字旧仮名)? By forms of kanji that are written otherwise today; a name alone does not make it so.
pub fn is_old(text: &str) -> bool {
    let (old, kanji) = old_forms(text);
    old >= OLD_MIN && old as f64 >= OLD_SHARE * kanji as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_japanese_is_told_from_what_is_not() {
        for text in ["吾輩は猫である。", "データセットの README を読む", "ｶﾀｶﾅﾀﾞｹ", "東京都千代田区のこと"]
        {
            assert!(Letters::of(text).is_japanese(), "{text}");
        }
        for text in ["", "123 456", "I am a cat.", "我是猫。名字还没有。", "나는 고양이로소이다", "See 東京 (Tōkyō) for a list of wards"]
        {
            assert!(!Letters::of(text).is_japanese(), "{text}");
        }
        assert!(is_old("國境の長いトンネルを拔けると雪國であつた。學校へ歸る。") && !is_old("国境の長いトンネルを抜けると雪国であった。"));
        assert!(!is_old("渡邊さんと高橋さん"));
    }
}
