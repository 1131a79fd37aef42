//! Street addresses: from the prefecture or municipality to the block number, the building and the room.
//!
//! A block number is the anchor; the place is read backwards from it. Addresses in kanji digits alone are what statutes and gazettes
//! print, of public offices: they count only beside a word that says that somebody lives there.

use super::fold::{
    fold, is_hiragana, is_kanji, is_katakana, is_line_break, kanji_digit, last_of, left_of, next, previous, skip_spaces, skip_spaces_back,
    starts,
};
use super::kind::{Kind, Span};
use super::places::{ends_with_kana_name, ends_with_prefecture, starts_with_prefecture};

/// Longest place before a block number, in characters.
const PLACE_MAX: usize = 40;

/// Words before an address of somebody.
const LABELS: &[&str] = &[
    "住所",
    "現住所",
    "居所",
    "所在地",
    "届け先",
    "届先",
    "送付先",
    "送り先",
    "配送先",
    "宛先",
    "住まい",
    "住居",
    "自宅",
    "〒",
    "<postal_code>",
    "address",
];
/// Those that also stand in statutes and tables of offices.
const OFFICIAL: &[&str] = &["所在地"];
/// Words directly behind an address of somebody.
const BEHIND: &[&str] = &["にお住まい", "に住", "在住", "に居住", "に転居", "に引っ越", "へ引っ越"];

/// What makes a stretch of hiragana a sentence and no name of a place.
const NOT_IN_PLACES: &[&str] = &[
    "にある",
    "では",
    "から",
    "まで",
    "より",
    "として",
    "による",
    "において",
    "について",
    "する",
    "した",
    "です",
    "ます",
    "いる",
    "ある",
    "れた",
    "った",
    "って",
    "には",
    "とは",
    "にて",
    "などの",
    "および",
    "または",
    "という",
    "など",
    "町の",
    "市の",
    "区の",
    "村の",
];

/// Characters directly before a number that is no block number: particles, 第3, 平成3, 図3.
const NO_LAST: &str = "はがにをへとでもやり第約計平昭図表式章条";

/// Words in names of buildings.
const BUILDINGS: &[&str] = &[
    "ビルディング",
    "ビル",
    "マンション",
    "ハイツ",
    "コーポ",
    "荘",
    "アパート",
    "メゾン",
    "レジデンス",
    "パーク",
    "タワー",
    "ハウス",
    "コート",
    "館",
    "寮",
    "団地",
    "プラザ",
    "ヒルズ",
    "棟",
    "パレス",
    "ガーデン",
    "テラス",
    "シャトー",
    "ヴィラ",
    "ビレッジ",
    "スクエア",
    "センター",
    "会館",
    "住宅",
    "邸",
    "ハイム",
    "フラット",
    "キャッスル",
    "ホームズ",
    "レジデンシャル",
    "ドミール",
    "カーサ",
    "コーポラス",
    "方",
    "スカイ",
];

/// The signs of a block number.
const SIGNS: [&str; 4] = ["丁目", "番地", "番", "号"];
const CHOME: usize = 0;
const BANCHI: usize = 1;
const BAN: usize = 2;
const GO: usize = 3;

/// What a block number is made of.
#[derive(Debug, Default, Clone, Copy)]
struct Block {
    end: usize,
    /// Numbers in it.
    numbers: u8,
    /// Dashes between numbers.
    dashes: u8,
    /// Which of [`SIGNS`] it has.
    signs: [bool; SIGNS.len()],
    /// A digit that is no kanji.
    arabic: bool,
}

impl Block {
    /// Names a house by itself, wherever it stands.
    fn is_full(self) -> bool {
        self.signs[BANCHI] || (self.signs[CHOME] && self.numbers >= 2) || (self.signs[BAN] && self.signs[GO]) || self.dashes >= 2
    }

    /// Names a block behind a prefecture and a town.
    fn is_block(self) -> bool {
        self.signs[CHOME] || self.signs[BAN] || self.dashes > 0
    }

    /// Has one of 丁目, 番地 and 番.
    fn is_signed(self) -> bool {
        self.signs[CHOME] || self.signs[BANCHI] || self.signs[BAN]
    }
}

/// The address whose block number begins at byte `at`.
pub(super) fn address(text: &str, at: usize, window: &mut String) -> Option<Span> {
    let block = block(text, at)?;
    let (start, has_prefecture) = place(text, at)?;
    let kanji_only = !block.arabic;
    let named = |window: &mut String| {
        left_of(text, start, 16, window);
        let labels = last_of(window, LABELS);
        (labels > 0 && !(kanji_only && last_of(window, OFFICIAL) == labels))
            || BEHIND.iter().any(|word| starts(text, block.end, word).is_some())
    };
    let enough = block.is_full() || (has_prefecture && block.is_block());
    let bare = !block.is_signed() && block.dashes == 0;
    let accepted = (enough && !kanji_only && !bare) || named(window);
    accepted.then(|| Span { start, end: building(text, block.end), kind: Kind::Address })
}

/// Does an address begin at byte `at`: a prefecture, or kanji up to 市, 区, 郡?
pub(super) fn begins(text: &str, at: usize) -> bool {
    let Some(rest) = text.get(at..) else { return false };
    starts_with_prefecture(rest).is_some()
        || rest
            .chars()
            .take(8)
            .take_while(|&c| is_kanji(c) || is_hiragana(c))
            .enumerate()
            .any(|(n, c)| n > 0 && matches!(c, '市' | '区' | '郡'))
}

/// Could a block number begin with the digits that end at byte `end`? A quick look, because most numbers are none.
pub(super) fn may_be_block(text: &str, start: usize, end: usize) -> bool {
    let before = skip_spaces_back(text, start, 1);
    let place_before = previous(text, before).is_some_and(|(c, _)| is_kanji(c) || is_katakana(c) || is_hiragana(c));
    place_before
        && next(text, end).is_none_or(|(c, _)| matches!(c, '丁' | '番' | '-' | 'ー' | 'の' | 'ノ' | ' ' | '号' | '\n' | '、' | '。' | '('))
}

/// Reads a block number: 1-2-3, 1丁目2番3号, 一丁目2番地3, 123番地4の5.
fn block(text: &str, at: usize) -> Option<Block> {
    let mut block = Block { end: at, ..Block::default() };
    let mut here = at;
    while let Some((behind, arabic)) = house_number(text, here) {
        block.arabic |= arabic;
        block.numbers += 1;
        (block.end, here) = (behind, behind);
        if block.numbers == 6 {
            break;
        }
        if let Some((sign, behind)) = SIGNS.iter().enumerate().find_map(|(n, sign)| Some((n, starts(text, here, sign)?))) {
            block.signs[sign] = true;
            block.end = behind;
            if sign == GO {
                break;
            }
            // 番地の3, 番-3
            here = match next(text, behind) {
                Some(('の' | 'ノ' | '-' | 'ー', joined)) => joined,
                _ => skip_spaces(text, behind, 1),
            };
            continue;
        }
        match next(text, here) {
            Some(('-' | 'ー' | 'の' | 'ノ', behind)) if house_number(text, behind).is_some() => {
                block.dashes += 1;
                here = behind;
            }
            _ => break,
        }
    }
    // Not a date, an amount, a range of years.
    let unit = next(text, block.end).is_some_and(|(c, _)| {
        matches!(c, '年' | '月' | '日' | '円' | '時' | '分' | '人' | '回' | '%' | '条' | '項' | '/' | '.' | ':' | '位' | '歳')
    });
    (block.numbers > 0 && (block.is_signed() || !unit)).then_some(block)
}

/// A number of up to five digits, ASCII or kanji (with 十 and 百): the byte behind it, and whether its digits are ASCII.
fn house_number(text: &str, at: usize) -> Option<(usize, bool)> {
    let (mut here, mut n, mut arabic) = (at, 0, false);
    while let Some((c, behind)) = next(text, here) {
        let ascii = c.is_ascii_digit();
        if !ascii && kanji_digit(c).is_none() && !matches!(c, '十' | '百' | '千') {
            break;
        }
        if n > 0 && ascii != arabic {
            break;
        }
        (here, n, arabic) = (behind, n + 1, ascii);
        if n > 5 {
            return None;
        }
    }
    (n > 0).then_some((here, arabic))
}

/// Where the place before a block number begins, and whether that is a prefecture.
fn place(text: &str, at: usize) -> Option<(usize, bool)> {
    let from = place_limit(text, at);
    let whole = text.get(from..at)?;
    let last = whole.trim_end().chars().next_back()?;
    if NO_LAST.contains(last) {
        return None;
    }
    let prefecture = whole.char_indices().rev().filter(|(_, c)| matches!(c, '都' | '道' | '府' | '県')).find_map(|(i, c)| {
        let end = i + c.len_utf8();
        Some((end, end - ends_with_prefecture(whole.get(..end)?)?))
    });
    if let Some((end, start)) = prefecture {
        let rest = whole.get(end..)?;
        let municipal = rest.contains(['市', '区', '町', '村', '郡', '島']);
        return (municipal && !is_sentence(rest)).then_some((from + start, true));
    }
    let first = whole.char_indices().find(|(_, c)| matches!(c, '市' | '区' | '郡' | '町' | '村')).map(|(i, c)| i + c.len_utf8())?;
    let start = municipality(whole.get(..first)?)?;
    let label =
        LABELS.iter().filter(|label| whole.get(start..).is_some_and(|place| place.starts_with(**label))).map(|label| label.len()).max();
    let start = start + label.unwrap_or(0);
    let rest = whole.get(start..)?;
    let long_enough = rest.chars().count() >= 4 || rest.chars().count() >= 3 && !rest.ends_with(['町', '村']);
    (long_enough && !is_sentence(rest)).then_some((from + start, false))
}

/// Where the name of a municipality that ends `text` begins.
fn municipality(text: &str) -> Option<usize> {
    let stem = text.get(..text.len() - text.chars().next_back()?.len_utf8())?;
    if let Some(len) = ends_with_kana_name(stem) {
        return Some(stem.len() - len);
    }
    let name = stem.chars().rev().take(6).take_while(|&c| is_kanji(c)).map(char::len_utf8).sum::<usize>();
    (name > 0).then(|| stem.len() - name)
}

/// The first byte of what can be a place before byte `at`.
fn place_limit(text: &str, at: usize) -> usize {
    let mut here = at;
    for _ in 0..PLACE_MAX {
        let Some((c, before)) = previous(text, here) else { break };
        if is_line_break(c) {
            break;
        }
        let inside = is_kanji(c) || is_hiragana(c) || is_katakana(c) || c.is_ascii_digit() || c == 'ー';
        let joint = c == ' '
            && (here == at
                || previous(text, before).is_some_and(|(c, _)| matches!(c, '都' | '道' | '府' | '県' | '市' | '区' | '町' | '村' | '郡')));
        if !inside && !joint {
            break;
        }
        here = before;
    }
    here
}

fn is_sentence(place: &str) -> bool {
    NOT_IN_PLACES.iter().any(|word| place.contains(word))
}

/// The byte behind the building and the room that follow a block number at byte `at`.
fn building(text: &str, at: usize) -> usize {
    let from = skip_spaces(text, at, 1);
    let (mut here, mut n) = (from, 0);
    while let Some((c, behind)) = next(text, here) {
        let inside = is_kanji(c) || is_katakana(c) || c.is_ascii_alphabetic() || matches!(c, 'ー' | '・' | '&' | '\'');
        if !inside || n == 20 {
            break;
        }
        (here, n) = (behind, n + 1);
    }
    let name_end = here;
    if let Some(end) = room(text, skip_spaces(text, name_end, 1)).filter(|_| n > 0 || from > at || room_needs_no_name(text, from)) {
        return end;
    }
    let name = text.get(from..name_end).unwrap_or_default();
    let Some(end) = BUILDINGS.iter().filter_map(|word| Some(name.rfind(word)? + word.len())).max().filter(|_| n >= 2) else { return at };
    let end = from + end;
    // A room without a sign: 見本マンション302, メゾン4-501.
    let number = skip_spaces(text, end, 1);
    match digits(text, number) {
        Some(behind) if !next(text, behind).is_some_and(|(c, _)| c.is_alphanumeric() || matches!(c, '-' | '/' | ':')) => behind,
        _ => end,
    }
}

fn room_needs_no_name(text: &str, at: usize) -> bool {
    next(text, at).is_some_and(|(c, _)| c.is_ascii_digit())
}

/// 302号室, 3F, 3階 at byte `at`: the byte behind it.
fn room(text: &str, at: usize) -> Option<usize> {
    let behind = digits(text, at)?;
    let sign = ["号室", "号", "階", "f", "室"].iter().find_map(|sign| starts(text, behind, sign))?;
    let (letter, _) = next(text, behind)?;
    let word = letter.eq_ignore_ascii_case(&'f') && next(text, sign).is_some_and(|(c, _)| c.is_ascii_lowercase() || c.is_ascii_digit());
    if word {
        return None;
    }
    // 3階301号室
    Some(room(text, skip_spaces(text, sign, 1)).unwrap_or(sign))
}

/// Behind one to four digits at byte `at`.
fn digits(text: &str, at: usize) -> Option<usize> {
    let (mut here, mut n) = (at, 0);
    for c in text.get(at..)?.chars().take(5) {
        if !fold(c).is_ascii_digit() {
            break;
        }
        (here, n) = (here + c.len_utf8(), n + 1);
    }
    (1..=4).contains(&n).then_some(here)
}
