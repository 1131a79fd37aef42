//! Characters that a text describes, because its charset has them not: `※［＃「足へん＋宛」、第3水準1-92-36］` → 踠.
//!
//! The table is JIS X 0213:2004 (`corpus/charset/cells.rs`); a code point of Unicode comes before a cell. A kana that is only said to be small or to
//! have a voicing mark is that kana. What nobody can know is 〓, and told.

use unicode_normalization::UnicodeNormalization;

use crate::corpus::charset::cells;

/// What stands for a character that nobody can know.
pub(super) const UNKNOWN: &str = "〓";

/// Kana that are written small, and their small forms.
const SMALL: [(&str, &str); 2] = [
    ("あいうえおつやゆよわかけこゐゑを", "ぁぃぅぇぉっゃゅょゎゕゖ\u{1b132}\u{1b150}\u{1b151}\u{1b152}"),
    (
        "アイウエオツヤユヨワカケクシストヌハヒフヘホムラリルレロコヰヱヲン",
        "ァィゥェォッャュョヮヵヶㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ\u{1b155}\u{1b164}\u{1b165}\u{1b166}\u{1b167}",
    ),
];

/// The string that a description stands for, if it can be known. `description` is what stands behind the ＃.
pub(super) fn string(description: &str) -> Option<String> {
    by_code(description).or_else(|| described(description))
}

/// Does a description name a cell or a code point?
pub(super) fn by_code(description: &str) -> Option<String> {
    code(description).map(|(found, _)| found)
}

/// The character of a note about words before it, `「？！」は一文字、第3水準1-8-77`: three numbers alone may be a place, unless it speaks of a character; a note that quotes other words
/// says what stands elsewhere.
pub(super) fn by_certain_code(description: &str) -> Option<String> {
    let speaks_of_one = ["文字", "マス", "合字"].iter().any(|word| description.contains(word));
    code(description).filter(|(_, is_said)| (*is_said || speaks_of_one) && !description.contains('「')).map(|(found, _)| found)
}

/// The character of a cell or code point, and does it say which of them?
fn code(description: &str) -> Option<(String, bool)> {
    let mut cell: Option<(String, bool)> = None;
    for part in description.split(['、', ',', '，']).map(str::trim) {
        if let Some(found) = code_point(part) {
            return Some((found.to_string(), true));
        }
        // Three numbers may also be volume, page and line: those that say what they are come first, then those that stand first.
        if cell.as_ref().is_none_or(|(_, is_said)| !is_said)
            && let Some((found, is_said)) = jis(part)
            && (is_said || cell.is_none())
        {
            cell = Some((found, is_said));
        }
    }
    cell
}

/// Characters of a description, at most, that is looked for without its sign.
const SLIP_MAX: usize = 300;

/// Where a description closes that was typed without its ＃, `［「纏」の「广」に代えて「厂」、54-14］`: it ends with a cell, or a page and line.
pub(super) fn close_without_sign(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('［')?;
    let end = inside.char_indices().take(SLIP_MAX).find_map(|(at, c)| matches!(c, '［' | '］').then_some(at))?;
    let (description, rest) = inside.split_at(end);
    let (_, place) = description.rsplit_once('、')?;
    let is_place = place.contains('-') && place.ends_with(|c: char| c.is_ascii_digit());
    (rest.starts_with('］') && is_place).then(|| '［'.len_utf8() + end)
}

/// The bytes at the end of `text` that are a kana with a voicing mark behind it as a sign of its own.
pub(super) fn in_two(kana: &str, text: &str) -> Option<usize> {
    let mut parts = kana.nfd();
    let (base, mark) = (parts.next()?, parts.next()?);
    let signs: &[char] = match mark {
        '\u{3099}' => &['゛', '\u{3099}', 'ﾞ', '″'],
        '\u{309a}' => &['゜', '\u{309a}', 'ﾟ'],
        _ => return None,
    };
    let before = text.trim_end_matches(signs);
    let length = text.len() - before.len();
    let is_one = parts.next().is_none() && text.get(before.len()..)?.chars().count() == 1;
    (is_one && before.ends_with(base)).then(|| length + base.len_utf8())
}

/// `U+243CB`
fn code_point(part: &str) -> Option<char> {
    let mut rest = part.chars().map(half_width);
    if !rest.next()?.eq_ignore_ascii_case(&'U') || rest.next()? != '+' {
        return None;
    }
    let hex: String = rest.take_while(char::is_ascii_hexdigit).take(7).collect();
    let found = if hex.len() >= 2 { char::from_u32(u32::from_str_radix(&hex, 16).ok()?)? } else { return None };
    (!found.is_control()).then_some(found)
}

/// Characters at the end of a part that a cell may take.
const CELL_MAX: usize = 24;

/// `第3水準1-92-36`, `面区点番号1-2-22`, `1-2-22`, at the end of a part; does it say that it is a cell? What goes on behind the numbers describes another character by one that has a cell.
fn jis(part: &str) -> Option<(String, bool)> {
    let part = part.trim_end_matches(['」', ' ', '　', '。']);
    let from = part.char_indices().rev().take(CELL_MAX).last().map_or(0, |(at, _)| at);
    let part: String = part.get(from..)?.chars().map(half_width).collect();
    let said = part.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    let numbers = part.get(said.len()..)?;
    let said = said.trim_end();
    let is_said = said.ends_with("水準") || said.ends_with("番号");
    if !said.is_empty() && !is_said {
        return None;
    }
    let mut numbers = numbers.split('-').map(|number| number.parse::<usize>().ok());
    let place = [numbers.next()??, numbers.next()??, numbers.next()??];
    if numbers.next().is_some() {
        return None;
    }
    cells::string(place[0], place[1], place[2]).map(|found| (found.into_owned(), is_said))
}

fn half_width(c: char) -> char {
    match c {
        '！'..='～' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '−' | '‐' | '―' => '-',
        c => c,
    }
}

/// Kana that are described by name: `小書き片仮名ン`, `濁点付き平仮名あ`, `半濁点付き小書き片仮名フ`.
fn described(description: &str) -> Option<String> {
    let name = description.split(['、', '，']).next()?.trim();
    let name = name.strip_prefix('「').and_then(|name| name.strip_suffix('」')).unwrap_or(name);
    let (mut rest, mut mark, mut is_small) = (name, None, false);
    loop {
        let found = [("半濁点付きの", 2), ("半濁点付き", 2), ("濁点付きの", 1), ("濁点付き", 1), ("小書きの", 0), ("小書き", 0)];
        let Some((behind, what)) = found.iter().find_map(|(word, what)| Some((rest.strip_prefix(word)?, *what))) else { break };
        match what {
            0 => is_small = true,
            1 => mark = Some('\u{3099}'),
            _ => mark = Some('\u{309a}'),
        }
        rest = behind;
    }
    if !is_small && mark.is_none() {
        return None;
    }
    let kana = ["平仮名の", "平仮名", "片仮名の", "片仮名", "変体仮名", ""].iter().find_map(|kind| rest.strip_prefix(kind))?;
    let kana = kana.strip_prefix('「').and_then(|kana| kana.strip_suffix('」')).unwrap_or(kana);
    let mut chars = kana.chars();
    let (Some(kana), None) = (chars.next(), chars.next()) else { return None };
    if !matches!(kana, 'ぁ'..='ゖ' | 'ァ'..='ヺ') {
        return None;
    }
    let kana = if is_small { small(kana)? } else { kana };
    Some(std::iter::once(kana).chain(mark).nfc().collect())
}

fn small(kana: char) -> Option<char> {
    SMALL.iter().find_map(|(large, small)| {
        let at = large.chars().position(|c| c == kana).or_else(|| small.chars().position(|c| c == kana));
        small.chars().nth(at?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions() {
        for (description, expected) in [
            ("「足へん＋宛」、第3水準1-92-36", Some("踠")),
            ("「足へん＋宛」、第３水準１-92-36、12-3", Some("踠")),
            ("始め二重山括弧、1-1-52", Some("《")),
            ("二の字点、1-2-22", Some("〻")),
            ("半濁点付き小書き片仮名フ、1-6-88", Some("\u{31f7}\u{309a}")),
            ("「火＋發」、U+243CB、12-3", Some("\u{243cb}")),
            ("「甲」、U+8573、2-86-80", Some("\u{8573}")),
            ("「甲」、2-86-80、U+8573", Some("\u{8573}")),
            ("始め二重括弧、1-2-54", Some("⦅")),
            ("マイナス、1-1-61", Some("\u{2212}")),
            ("「足へん＋宛」、第3水準1-92-36、1-2-22", Some("踠")),
            ("「足へん＋宛」、1-2-22、第三水準1-92-36", Some("踠")),
            ("「咼の左右対称」、34-5", None),
            ("「甲」、3-10-5", None),
            ("「甲」、1-95-5", None),
            ("「甲」、1-2-3-4", None),
            ("二の字点、面区点番号1-2-22、33-3", Some("〻")),
            ("「（罪－非）／「厠」の「貝」に変えて「炎」」第4水準2-84-80", Some("罽")),
            ("「彳＋（氏／一）」、第3水準1-84-31」", Some("彽")),
            ("「※」は「姉」の本字。第3水準1-85-57の木へんに代えて女へん。73-1", None),
            ("「※［＃「柿」の正字、第3水準1-85-57］」の「木」に代えて「女」、749-12", None),
            ("「甲」、U+D800", None),
            ("小書き片仮名ン、12-3", Some("\u{1b167}")),
            ("小書き平仮名つ", Some("っ")),
            ("濁点付き平仮名あ、5-6", Some("あ\u{3099}")),
            ("濁点付き片仮名カ、5-6", Some("ガ")),
            ("半濁点付き片仮名ワ", Some("ワ\u{309a}")),
            ("小書き片仮名", None),
            ("小書き漢字", None),
            ("屋号を示す記号、「甲」", None),
            ("", None),
        ] {
            assert_eq!(string(description).as_deref(), expected, "{description}");
        }
    }
}
