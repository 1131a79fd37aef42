//! One work in two orthographies: 旧字旧仮名 and 新字新仮名. What both write alike are the kanji, once old forms are written as they are
//! today; so kana are left out, with whatever else is no kanji, and what stays is compared as other views are.
//!
//! Kana say much of what a short text says, so texts of few kanji are not compared.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

/// Old forms and today's: `dicts/dedup/kanji.tsv`.
const TABLE: &str = include_str!("../../dicts/dedup/kanji.tsv");
/// Kanji of the shortest text that is compared.
const KANJI_MIN: usize = 100;

static TODAY: LazyLock<FxHashMap<u32, u32>> = LazyLock::new(|| {
    let pairs = TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (old, new) = line.split_once('\t')?;
        let code = |letter: &str| letter.chars().next().filter(|c| c.len_utf8() == letter.len()).map(u32::from);
        Some((code(old)?, code(new)?))
    });
    pairs.collect()
});

/// Leaves of a view (as [`crate::dedup::view::fold`] gives it) the kanji as they are written today; nothing where there are too few.
pub fn fold(view: &mut Vec<u32>) {
    view.retain_mut(|code| {
        *code = TODAY.get(code).copied().unwrap_or(*code);
        is_kanji(*code)
    });
    if view.len() < KANJI_MIN {
        view.clear();
    }
}

/// Kanji of a text in forms that are written otherwise today, and all its kanji.
pub fn old_forms(text: &str) -> (usize, usize) {
    let kanji = text.chars().map(u32::from).filter(|code| is_kanji(*code));
    kanji.fold((0, 0), |(old, all), code| (old + usize::from(TODAY.contains_key(&code)), all + 1))
}

/// CJK unified ideographs and their extensions.
const fn is_kanji(code: u32) -> bool {
    matches!(code, 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dedup::view;

    fn folded(text: &str) -> String {
        let mut codes = Vec::new();
        view::fold(text, &mut codes);
        fold(&mut codes);
        codes.into_iter().map(|code| char::from_u32(code).unwrap()).collect()
    }

    #[test]
    fn the_table_leads_from_old_forms_to_todays() {
        let lines: Vec<&str> = TABLE.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
        assert!(lines.len() > 400 && lines.len() == TODAY.len());
        // A form of today is no old one, and every form is its own view.
        for line in lines {
            let (old, new) = line.split_once('\t').unwrap();
            let [old_code, new_code] = [old, new].map(|letter| u32::from(letter.chars().next().unwrap()));
            assert!(!TODAY.contains_key(&new_code) && TODAY[&old_code] == new_code && old != new, "{line}");
            let mut codes = Vec::new();
            view::fold(old, &mut codes);
            assert_eq!(codes, [old_code]);
        }
    }

    #[test]
    fn two_orthographies_of_a_text_are_one() {
        let old = "國境の長いトンネルを拔けると雪國であつた。學校へ歸つて來ると云ふ。";
        let new = "国境の長いトンネルを抜けると雪国であった。学校へ帰ってくると言う。";
        let kanji = |text: &str| folded(&text.repeat(10));
        assert!(kanji(old).starts_with("国境長抜雪国学校帰来云"), "{}", kanji(old));
        assert!(kanji(new).starts_with("国境長抜雪国学校帰言"), "{}", kanji(new));
        assert_eq!((old_forms("國境の學校"), old_forms("国境の学校"), old_forms("かな")), ((2, 4), (0, 4), (0, 0)));
        assert_eq!(folded(old), "", "too few");
        assert_eq!(folded(&"あいうえお".repeat(100)), "");
    }
}
