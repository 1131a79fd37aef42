//! What the rules say of single characters: which are removed, kept against NFKC, or mapped to another.
//!
//! Plain NFKC turns ① into 1, ㍻ into 平成 and ´ into space + accent: wrong numbers, changed names, broken kaomoji. The
//! keep-list names the characters that stay as they are.

use unicode_normalization::char::{canonical_combining_class, decompose_compatible, is_combining_mark};

/// A rule that edits text; its name is the key in the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// CR LF, CR, NEL, LS, PS, VT and FF became LF.
    LineEnds,
    /// Control characters and noncharacters removed.
    Controls,
    /// ESC removed: evidence of garbled ISO-2022-JP.
    Escapes,
    /// Zero-width and bidirectional controls, BOM and soft hyphens removed.
    ZeroWidth,
    /// Joiners, non-joiners and variation selectors removed.
    Selectors,
    /// Characters replaced by their normal form.
    Folded,
    /// Characters of the keep-list that plain NFKC would have replaced.
    Kept,
    /// Voiced sound marks joined with their kana.
    VoicedMarks,
    /// ～ became 〜.
    WaveDashes,
    /// A character that conversion tables disagree about became that of JIS X 0208 (－ → −, ∥ → ‖).
    JisImages,
    /// A radical of the CJK Radicals Supplement became the kanji that it stands for (⻑ → 長).
    Radicals,
    /// Blanks that indent a line of prose removed.
    LayoutBlanks,
    /// A dash between katakana became ー.
    KatakanaDashes,
    /// ，． became 、。
    Kuten,
    /// Full-width symbols beside Latin letters or digits became ASCII.
    Symbols,
    /// U+034F put into runs of more than 30 combining marks (UAX #15, stream-safe text).
    LongMarks,
}

/// Every rule with its name in counts and reports, in the order of [`Rule`].
pub const RULES: [(Rule, &str); 16] = [
    (Rule::LineEnds, "line_ends"),
    (Rule::Controls, "controls"),
    (Rule::Escapes, "escapes"),
    (Rule::ZeroWidth, "zero_width"),
    (Rule::Selectors, "selectors"),
    (Rule::Folded, "folded"),
    (Rule::Kept, "kept"),
    (Rule::VoicedMarks, "voiced_marks"),
    (Rule::WaveDashes, "wave_dashes"),
    (Rule::JisImages, "jis_images"),
    (Rule::Radicals, "radicals"),
    (Rule::LayoutBlanks, "layout_blanks"),
    (Rule::KatakanaDashes, "katakana_dashes"),
    (Rule::Kuten, "kuten"),
    (Rule::Symbols, "symbols"),
    (Rule::LongMarks, "long_marks"),
];

/// How often each rule fired, in characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleCounts([u64; RULES.len()]);

impl RuleCounts {
    /// One more.
    pub fn add(&mut self, rule: Rule) {
        self.add_many(rule, 1);
    }

    /// `n` more.
    pub fn add_many(&mut self, rule: Rule, n: u64) {
        self.0[rule as usize] += n;
    }

    /// The count of one rule.
    pub fn get(&self, rule: Rule) -> u64 {
        self.0[rule as usize]
    }

    /// Names and counts of the rules that fired.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        RULES.iter().map(|(rule, name)| (*name, self.get(*rule))).filter(|(_, n)| *n > 0)
    }
}

/// CR and its relatives; LF itself is plain.
pub(super) fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The rule that removes `c` wherever it stands.
pub(super) fn removal(c: char) -> Option<Rule> {
    match c {
        '\u{1b}' => Some(Rule::Escapes),
        _ if is_zero_width(c) => Some(Rule::ZeroWidth),
        _ if is_noncharacter(c) || c.is_control() && !matches!(c, '\t' | '\n') => Some(Rule::Controls),
        _ => None,
    }
}

/// Soft hyphen, zero-width space, word joiner, BOM and the controls of direction.
fn is_zero_width(c: char) -> bool {
    let direction = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    direction || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Text and emoji presentation selectors (VS15, VS16): they belong to the emoji before them.
pub(super) fn is_presentation_selector(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}')
}

/// Selectors of glyph variants: standardised (VS1–VS14) and ideographic (葛󠄀 is not 葛󠄁).
pub(super) fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0d}' | '\u{e0100}'..='\u{e01ef}')
}

/// Scripts in which ZERO WIDTH JOINER and NON-JOINER shape letters: Arabic to Vedic extensions, but not the letters of Hangul among them, which
/// compose to syllables outside.
pub(super) fn is_joining_script(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{10ff}' | '\u{1200}'..='\u{1cff}' | '\u{a840}'..='\u{a95f}' | '\u{a980}'..='\u{abff}')
}

/// The keep-list: characters that carry their own meaning and are not folded by NFKC.
pub(super) fn is_kept(c: char) -> bool {
    // ² ³ ¹ ª º, superscripts and subscripts, ¼ ½ ¾ and other fractions.
    let small = matches!(c, '²' | '³' | '¹' | 'ª' | 'º' | '\u{2070}'..='\u{209c}' | '¼'..='¾' | '\u{2150}'..='\u{215f}' | '\u{2189}');
    // ‥ … ｀, the mark of seconds ″ (with ／ and ＼ also an iteration mark) and the double marks ‼ ⁇ ⁈ ⁉; ℃ ℉ № ℡ ™ ℠ ℹ.
    let signs = matches!(c, '‥' | '…' | '｀' | '″' | '‼' | '⁇'..='⁉' | '℃' | '℉' | '№' | '℡' | '™' | '℠' | 'ℹ');
    // ① … ⓿, ㈀ … ㋿, ㌀ … ㏿, 🄀 … 🈁.
    let enclosed = matches!(c, '\u{2460}'..='\u{24ff}' | '\u{3200}'..='\u{33ff}' | '\u{1f100}'..='\u{1f2ff}');
    // Compatibility kanji: 﨑 and 塚 are spellings of names. NFC alone would replace them too.
    let kanji = matches!(c, '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}');
    small || signs || enclosed || kanji || is_spacing_accent(c)
}

/// An accent that stands alone (´ ¨ ゛ ￣), which NFKC would tear into a space and a combining mark.
fn is_spacing_accent(c: char) -> bool {
    let (mut first, mut second) = (None, None);
    decompose_compatible(c, |d| {
        if first.is_none() {
            first = Some(d);
        } else if second.is_none() {
            second = Some(d);
        }
    });
    first == Some(' ') && second.is_some_and(is_combining_mark)
}

/// Vertical forms whose horizontal form is a full-width mark or an ellipsis rather than ASCII.
pub(super) fn vertical_to_wide(c: char) -> Option<char> {
    Some(match c {
        '︐' => '，',
        '︓' => '：',
        '︔' => '；',
        '︕' => '！',
        '︖' => '？',
        '︙' => '…',
        '︰' => '‥',
        '︵' => '（',
        '︶' => '）',
        '︷' => '｛',
        '︸' => '｝',
        '﹇' => '［',
        '﹈' => '］',
        _ => return None,
    })
}

/// The character of JIS X 0208 where tables map its cell to two of Unicode: 0x215D is − for some and － for others, 0x2142 ‖ and ∥.
///
/// (0x2141 〜 ～ has a rule of its own; of ¢ ￠, £ ￡ and ¬ ￢ NFKC makes one.)
pub(super) fn jis_image(c: char) -> Option<char> {
    match c {
        '－' => Some('−'),
        '∥' => Some('‖'),
        _ => None,
    }
}

/// The unified ideographs of U+2E80–2EF3 (the property `Equivalent_Unified_Ideograph` of Unicode); 〓 where there is none.
const RADICALS: [char; 116] = [
    '〓', '厂', '乛', '乚', '乙', '亻', '冂', '𠘨', '刀', '刂', '卜', '㔾', '小', '小', '兀', '尣', '尢', '𡯂', '巳', '幺', '彑', '彐',
    '忄', '心', '扌', '攵', '〓', '旡', '日', '月', '歺', '母', '民', '氵', '氺', '灬', '爫', '爫', '丬', '牛', '犭', '王', '𤴔', '目',
    '示', '礻', '𥫗', '糹', '纟', '罓', '罒', '㓁', '冗', '𦉫', '羊', '𦍌', '𦍋', '耂', '肀', '聿', '肉', '𦥑', '艹', '艹', '艹', '虎',
    '衤', '覀', '西', '见', '角', '𧢲', '讠', '贝', '𧾷', '车', '辶', '辶', '辶', '邑', '钅', '長', '镸', '长', '门', '𨸏', '阝', '雨',
    '青', '韦', '页', '风', '飞', '食', '𩙿', '飠', '饣', '𩠐', '马', '骨', '鬼', '鱼', '鸟', '卤', '麦', '黄', '黾', '斉', '齐', '歯',
    '齿', '竜', '龙', '龜', '亀', '龟',
];

/// The kanji that a character of the CJK Radicals Supplement stands for; NFKC knows two of them only.
pub(super) fn unified_ideograph(c: char) -> Option<char> {
    let index = u32::from(c).checked_sub(0x2e80)?;
    RADICALS.get(index as usize).copied().filter(|kanji| *kanji != '〓')
}

/// A blank that is wider than one of ASCII, or does not break: it places words on the page.
pub(super) fn is_wide_blank(c: char) -> bool {
    matches!(c, '\u{3000}' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}')
}

/// What a line of Japanese prose begins with: a letter, an opening bracket or a dash.
pub(super) fn begins_japanese(c: char) -> bool {
    let letter =
        matches!(c, '々'..='〇' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー'..='ヾ' | 'ｦ'..='ﾝ' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
    letter
        || matches!(
            c,
            '「' | '『' | '（' | '【' | '〔' | '《' | '〈' | '［' | '｛' | '｢' | '“' | '‘' | '―' | '—' | '…' | '‥' | '\u{20000}'
                ..='\u{323af}'
        )
}

/// Can `c` be the first of a line that only one wide blank indents? Box drawings and marks that lean on a blank cannot.
pub(super) fn begins_line(c: char) -> bool {
    !(c.is_whitespace() || is_combining_mark(c) || canonical_combining_class(c) != 0 || matches!(c, '\u{2500}'..='\u{259f}'))
}

/// The combining mark for a spacing voiced or semi-voiced sound mark, full or half width.
pub(super) fn combining_voiced(c: char) -> Option<char> {
    match c {
        '\u{309b}' | '\u{ff9e}' => Some('\u{3099}'),
        '\u{309c}' | '\u{ff9f}' => Some('\u{309a}'),
        _ => None,
    }
}

/// Full-width symbols that stay full width beside Japanese (docs/adr/0004): all but those unknown to IPADIC.
pub(super) fn is_wide_symbol(c: char) -> bool {
    matches!(c, '！'..='／' | '：'..='＠' | '［'..='｀' | '｛'..='｝') && !matches!(c, '＂' | '＃' | '＇' | '－')
}

/// Full-width symbols that join Latin letters or digits, and become ASCII between two of them: ａ＠ｂ．ｊｐ, １，０００, Ａ／Ｂ.
pub(super) fn joins_latin(c: char) -> bool {
    matches!(c, '＄' | '＆' | '＊' | '＋' | '，' | '．' | '／' | '＝' | '＠' | '＼' | '＾' | '＿' | '｜')
}

/// The ASCII character of a full-width form U+FF01–FF5E.
pub(super) fn to_ascii(c: char) -> char {
    match c {
        '！'..='～' => char::from((u32::from(c) - 0xfee0) as u8),
        _ => c,
    }
}

/// Katakana letters, the length mark included.
pub(super) fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fa}' | 'ー' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9d}')
}

/// Does normalisation see nothing to do at `c`, whatever stands beside it?
///
/// `compatible`: for NFKC rather than NFC. A plain character is a starter that never composes with what precedes it.
pub(super) fn is_inert(c: char, compatible: bool) -> bool {
    use unicode_normalization::{IsNormalized, is_nfc_quick, is_nfkc_quick};
    let one = std::iter::once(c);
    let quick = if compatible { is_nfkc_quick(one) } else { is_nfc_quick(one) };
    quick == IsNormalized::Yes && canonical_combining_class(c) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keep_list_holds_what_the_contract_names() {
        for c in "①㊿㊤㈱㋿㍻㌔㎡℃№℡…‥½²₂゛゜´¨｀\u{fa10}\u{fa19}￣‾".chars() {
            assert!(is_kept(c), "{c}");
        }
        for c in "ＡⅣ⼤ｱ１　㋀".chars().filter(|c| *c != '㋀') {
            assert!(!is_kept(c), "{c}");
        }
    }

    #[test]
    fn rules_are_listed_in_their_own_order() {
        for (i, (rule, _)) in RULES.iter().enumerate() {
            assert_eq!(*rule as usize, i);
        }
    }
}
