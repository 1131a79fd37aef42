//! Notes in a text, `［＃…］`: of which family one is, and what it says of the words before it.

/// What a note does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect<'a> {
    /// Nothing that a text shows.
    Layout,
    /// A heading of a level (1 to 3): the words before it.
    Heading {
        level: u8,
        of: &'a str,
    },
    /// A heading begins, or ends.
    HeadingBegins(u8),
    HeadingEnds,
    /// A comment between the lines begins or ends: in a line it stands in brackets.
    CommentBegins,
    CommentEnds,
    /// The words before it have a reading.
    Reading {
        of: &'a str,
        reading: &'a str,
    },
    /// The source has other words.
    Variant {
        of: &'a str,
        source: &'a str,
    },
    /// How a Chinese sentence is read in Japanese: order, or inflections.
    Kanbun(&'a str),
    /// The words before it are such a mark.
    IsKanbun(&'a str),
    /// The words before it are one character, which the note describes.
    Character {
        of: &'a str,
        description: &'a str,
    },
}

/// A note: its family, as it is counted, and what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note<'a> {
    pub(super) family: &'static str,
    pub(super) effect: Effect<'a>,
}

/// Words by which a family is known, in the order in which they are looked for.
const FAMILIES: [(&str, &[&str]); 19] = [
    ("note_source", &["底本では", "底本には", "底本は", "底本の", "底本「", "初出では", "親本では", "原文では", "原本では"]),
    ("note_heading", &["見出し"]),
    ("note_indent", &["字下げ", "折り返して", "天付き", "字詰め", "行どり", "行取り"]),
    ("note_alignment", &["地付き", "字上げ", "地から", "左右中央", "中央揃え", "センター"]),
    ("note_page", &["改ページ", "改頁", "改丁", "改段", "改見開き", "改行", "本文終わり"]),
    ("note_emphasis", &["傍点", "傍線", "圏点", "鎖線", "破線", "波線", "二重線", "下線"]),
    ("note_upright", &["縦中横"]),
    ("note_horizontal", &["横組み", "縦組み"]),
    ("note_reading", &["ルビ"]),
    ("note_beside", &["注記", "傍記"]),
    ("note_caption", &["キャプション"]),
    ("note_comment", &["割り注", "割注", "割書"]),
    ("note_frame", &["罫囲み", "枠囲み", "囲み"]),
    ("note_columns", &["段組"]),
    ("note_struck", &["取消線", "取り消し線", "見せ消ち", "抹消"]),
    ("note_type", &["太字", "斜体", "ゴシック", "イタリック", "小書き", "文字", "上付", "下付", "ポイント", "分数", "合字"]),
    ("note_figure", &["入る", "挿絵", "図", "写真", "表", "挿図", "fig", ".png"]),
    ("note_sic", &["ママ"]),
    ("note_remark", &["誤", "欠", "脱", "不明", "伏字", "伏せ字", "空白", "アキ", "行空き", "か？", "思われ", "と読", "重複"]),
];

const LEVELS: [(&str, u8); 3] = [("大見出し", 1), ("中見出し", 2), ("小見出し", 3)];
const KANBUN: &str = "一二三四五六七八九十レ上中下甲乙丙丁天地人";

impl<'a> Note<'a> {
    /// Reads what stands between `［＃` and `］`.
    pub(super) fn new(text: &'a str) -> Self {
        let new = |family, effect| Self { family, effect };
        let count = text.chars().take(7).count();
        if (1..7).contains(&count) && text.chars().all(|c| KANBUN.contains(c)) {
            return new("note_kanbun", Effect::Kanbun(text));
        }
        if let Some(inflection) = text.strip_prefix('（').and_then(|rest| rest.strip_suffix('）')) {
            return new("note_okurigana", Effect::Kanbun(inflection));
        }
        let target = quoted(text);
        // What is quoted may hold any word.
        let said = target.map_or(text, |(_, rest)| rest);
        match target {
            Some((of, "は返り点")) => return new("note_kanbun", Effect::IsKanbun(of)),
            Some((of, "は訓点送り仮名")) => return new("note_okurigana", Effect::IsKanbun(of)),
            _ => {}
        }
        let is_of = |(_, words): &&(&'static str, &[&str])| words.iter().any(|word| said.contains(word));
        let family = FAMILIES.iter().find(is_of).map_or("note_other", |(family, _)| *family);
        let effect = match family {
            "note_heading" => heading(target.map(|(of, _)| of), said),
            "note_comment" if said.ends_with("終わり") => Effect::CommentEnds,
            "note_comment" if target.is_none() => Effect::CommentBegins,
            "note_source" => {
                target.and_then(|(of, rest)| Some(Effect::Variant { of, source: between(rest, "は「", "」")? })).unwrap_or(Effect::Layout)
            }
            _ if said.starts_with('は') && said.contains('、') => {
                target.map_or(Effect::Layout, |(of, description)| Effect::Character { of, description })
            }
            "note_reading" => target.and_then(|(of, rest)| reading(of, rest)).unwrap_or(Effect::Layout),
            _ => Effect::Layout,
        };
        new(family, effect)
    }
}

/// The words that a note begins with in quotes, quotes in them among it, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('「')?;
    let mut depth = 1_usize;
    for (at, c) in inside.char_indices() {
        match c {
            '「' => depth += 1,
            '」' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            let (quoted, rest) = inside.split_at(at);
            return Some((quoted, rest.strip_prefix('」').unwrap_or(rest)));
        }
    }
    // A quote of one half of a pair.
    inside.rsplit_once('」')
}

fn heading<'a>(of: Option<&'a str>, said: &str) -> Effect<'a> {
    let level = LEVELS.iter().find(|(name, _)| said.contains(name)).map_or(2, |(_, level)| *level);
    match of {
        Some(of) => Effect::Heading { level, of },
        None if said.ends_with("終わり") => Effect::HeadingEnds,
        None => Effect::HeadingBegins(level),
    }
}

/// `に「甲」のルビ`; the side on which it stands does not matter.
fn reading<'a>(of: &'a str, rest: &'a str) -> Option<Effect<'a>> {
    let (reading, behind) = quoted(rest.get(rest.find('「')?..)?)?;
    (behind.starts_with("のルビ") && !rest.contains("注記")).then_some(Effect::Reading { of, reading })
}

/// What stands between a beginning and the last end.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.split_once(open)?.1.rsplit_once(close).map(|(inside, _)| inside)
}

/// Notes that are looked at to know the notation, and the longest of them in bytes.
const LOOKED_AT: usize = 64;
const LENGTH_MAX: usize = 600;

/// Does the text hold a note of a kind that is known, or a character that is described?
pub(super) fn is_in(text: &str) -> bool {
    let found = memchr::memmem::find_iter(text.as_bytes(), "［＃".as_bytes()).take(LOOKED_AT);
    let mut found = found;
    found.any(|at| {
        let (before, rest) = text.split_at(at);
        let line = rest.get("［＃".len()..).unwrap_or_default();
        let line = line.split(['\n', '\r']).next().unwrap_or_default();
        let Some(end) = line.find('］').filter(|end| *end <= LENGTH_MAX) else { return false };
        let (text, _) = line.split_at(end);
        before.ends_with('※') && is_description(text) || Note::new(text).family != "note_other"
    })
}

/// Is this how a character is described: parts in quotes, or a code?
fn is_description(text: &str) -> bool {
    text.starts_with('「') || text.contains("U+") || text.contains("水準") || text.contains('、')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        for (text, family) in [
            ("レ", "note_kanbun"),
            ("一レ", "note_kanbun"),
            ("（ク）", "note_okurigana"),
            ("３字下げ", "note_indent"),
            ("ここから２字下げ、折り返して３字下げ", "note_indent"),
            ("ここで字下げ終わり", "note_indent"),
            ("地から１字上げ", "note_alignment"),
            ("「傍点」に丸傍点", "note_emphasis"),
            ("「傍点」は底本では「亡点」", "note_source"),
            ("「29」は縦中横", "note_upright"),
            ("「甲」はママ", "note_sic"),
            ("改丁", "note_page"),
            ("猫の図（fig1_01.png、横1×縦2）入る", "note_figure"),
            ("「甲」の左に「おつ」のルビ", "note_reading"),
            ("「甲」に「（ママ）」の注記", "note_beside"),
            ("窓大見出し", "note_heading"),
            ("割り注", "note_comment"),
            ("何とも言えない", "note_other"),
        ] {
            assert_eq!(Note::new(text).family, family, "{text}");
        }
    }

    #[test]
    fn effects() {
        for (text, effect) in [
            ("「一」は中見出し", Effect::Heading { level: 2, of: "一" }),
            ("「「大溝」」は大見出し", Effect::Heading { level: 1, of: "「大溝」" }),
            ("ここから小見出し", Effect::HeadingBegins(3)),
            ("大見出し終わり", Effect::HeadingEnds),
            ("割り注終わり", Effect::CommentEnds),
            ("「釘」は底本では「鈎」", Effect::Variant { of: "釘", source: "鈎" }),
            ("「甲」は底本では「乙「丙」」", Effect::Variant { of: "甲", source: "乙「丙」" }),
            ("「甲」に「こう」のルビ", Effect::Reading { of: "甲", reading: "こう" }),
            ("「甲」の左に「おつ」のルビ", Effect::Reading { of: "甲", reading: "おつ" }),
            ("ルビの「こう」は底本では「おつ」", Effect::Layout),
            ("「甲」に「おつ」の注記", Effect::Layout),
            ("「レ」は返り点", Effect::IsKanbun("レ")),
            ("「？！」は一文字、第3水準1-8-77", Effect::Character { of: "？！", description: "は一文字、第3水準1-8-77" }),
        ] {
            assert_eq!(Note::new(text).effect, effect, "{text}");
        }
    }

    #[test]
    fn notation_is_known_by_its_notes() {
        assert!(is_in("甲［＃「甲」に傍点］"));
        assert!(is_in("※［＃「火＋發」、U+243CB］"));
        assert!(!is_in("注［＃何かの覚え］"));
        assert!(!is_in("［＃「甲」に傍点\n］"));
    }
}
