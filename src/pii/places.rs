//! Names of places: the 47 prefectures, and the municipalities whose names are written with kana.

/// Prefectures without their last character, by that character.
const PREFECTURES: [(char, &[&str]); 4] = [
    ('都', &["東京"]),
    ('道', &["北海"]),
    ('府', &["大阪", "京都"]),
    (
        '県',
        &[
            "青森",
            "岩手",
            "宮城",
            "秋田",
            "山形",
            "福島",
            "茨城",
            "栃木",
            "群馬",
            "埼玉",
            "千葉",
            "神奈川",
            "新潟",
            "富山",
            "石川",
            "福井",
            "山梨",
            "長野",
            "岐阜",
            "静岡",
            "愛知",
            "三重",
            "滋賀",
            "兵庫",
            "奈良",
            "和歌山",
            "鳥取",
            "島根",
            "岡山",
            "広島",
            "山口",
            "徳島",
            "香川",
            "愛媛",
            "高知",
            "福岡",
            "佐賀",
            "長崎",
            "熊本",
            "大分",
            "宮崎",
            "鹿児島",
            "沖縄",
        ],
    ),
];

/// Municipalities whose names hold hiragana or long katakana, before 市, 町, 村 or 区.
const KANA_NAMES: &[&str] = &[
    "さいたま",
    "いわき",
    "つくば",
    "つくばみらい",
    "かすみがうら",
    "ひたちなか",
    "さくら",
    "みどり",
    "ふじみ野",
    "いすみ",
    "あきる野",
    "むつ",
    "つがる",
    "にかほ",
    "かほく",
    "あわら",
    "あま",
    "みよし",
    "いなべ",
    "たつの",
    "南あわじ",
    "さぬき",
    "東かがわ",
    "うきは",
    "みやま",
    "みやき",
    "えびの",
    "いちき串木野",
    "うるま",
    "おいらせ",
    "かつらぎ",
    "すさみ",
    "みなかみ",
    "ときがわ",
    "せたな",
    "むかわ",
    "えりも",
    "ニセコ",
    "南アルプス",
    "みなべ",
    "いの",
];

/// Bytes from the start of a prefecture's name to the end of `text`, if `text` ends with one.
pub(super) fn ends_with_prefecture(text: &str) -> Option<usize> {
    let last = text.chars().next_back()?;
    let (_, names) = PREFECTURES.iter().find(|(c, _)| *c == last)?;
    let stem = text.strip_suffix(last)?;
    names.iter().find(|name| stem.ends_with(**name)).map(|name| name.len() + last.len_utf8())
}

/// Does `text` begin with a prefecture's name? Bytes of the name.
pub(super) fn starts_with_prefecture(text: &str) -> Option<usize> {
    PREFECTURES.iter().find_map(|(last, names)| {
        let name = names.iter().find(|name| text.strip_prefix(**name).is_some_and(|rest| rest.starts_with(*last)))?;
        Some(name.len() + last.len_utf8())
    })
}

/// Bytes of the longest municipality's name with kana that ends `text`.
pub(super) fn ends_with_kana_name(text: &str) -> Option<usize> {
    KANA_NAMES.iter().filter(|name| text.ends_with(**name)).map(|name| name.len()).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_seven_prefectures() {
        assert_eq!(PREFECTURES.iter().map(|(_, names)| names.len()).sum::<usize>(), 47);
        assert_eq!(ends_with_prefecture("所は神奈川県"), Some("神奈川県".len()));
        assert_eq!(starts_with_prefecture("北海道札幌市"), Some("北海道".len()));
        assert_eq!((ends_with_prefecture("京都"), ends_with_prefecture("都道府県"), ends_with_prefecture("")), (None, None, None));
        assert_eq!(ends_with_kana_name("茨城県つくばみらい"), Some("つくばみらい".len()));
    }
}
