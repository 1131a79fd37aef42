//! The view of a text: what is compared when near-duplicates are searched for.
//!
//! To each code point NFKC and lower case are applied until nothing changes. Letters, numbers, combining marks, currency symbols
//! and other symbols are kept; punctuation, white space, control and format characters, modifier symbols and mathematical symbols
//! are dropped. So texts that differ only in width, punctuation, line ends or invisible characters have the same view. Dakuten,
//! digits and ー are kept: 第1条 is not 第9条. A combining mark composes with the character before it in the view, so that ｶﾞ, カ゛
//! and ガ are equal.
//!
//! Marks that change what is said are kept, too, by what stands around them (`says_something`): the sign of a number (−5℃), its decimal
//! point (3.14, but not the comma of 1,000), and operators between Latin letters and digits (a + b, n -= 1).
//!
//! Sketches and similarities are defined by the view: to change it is to change [`VERSION`].

use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::compose;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Version of the view, of the shingles and of the sketch made from them; part of a plan's fingerprint.
pub const VERSION: u32 = 2;

/// Code points of one page of the table.
const PAGE: usize = 256;
/// Pages of all of Unicode.
const PAGES: usize = 0x11_0000 / PAGE;
/// All code points from here on are unassigned, for private use, tags or variation selectors, and are dropped.
const ASSIGNED_END: u32 = 0x4_0000;

/// Code points for which a buffer that holds a view keeps its memory: a huge text must not hold on to four bytes a character.
pub(crate) const BUFFER_KEPT: usize = 1 << 20;

/// Code points that are collected before they are appended.
const BUFFER: usize = 64;

/// Entry: the code point is dropped.
const DROP: u32 = u32::MAX;
/// Flag: the code point may compose with the one before it.
const COMBINING: u32 = 1 << 30;
/// Flag: it depends on what stands around it whether the code point is kept.
const BY_PLACE: u32 = 1 << 29;
/// Flag: the other bits are an index in the list of expansions.
const SEVERAL: u32 = 1 << 31;

/// A table of two levels, from code points to entries.
#[derive(Debug)]
struct Table {
    /// Number of the page of each 256 code points; pages where everything is dropped are the same one.
    index: Box<[u16; PAGES]>,
    pages: Vec<[u32; PAGE]>,
    expansions: Vec<Vec<u32>>,
}

impl Table {
    fn shared() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut table = Self { index: Box::new([0; PAGES]), pages: vec![[DROP; PAGE]], expansions: Vec::new() };
        for page in 0..ASSIGNED_END as usize / PAGE {
            let first = (page * PAGE) as u32;
            let entries: [u32; PAGE] = std::array::from_fn(|i| table.entry(first + i as u32));
            // Only this page occurs often enough to be worth sharing.
            if entries.iter().any(|&entry| entry != DROP) {
                table.index[page] = table.pages.len() as u16;
                table.pages.push(entries);
            }
        }
        table
    }

    fn entry(&mut self, code: u32) -> u32 {
        let Some(c) = char::from_u32(code) else { return DROP };
        if let Some(mark) = mark(c) {
            return u32::from(mark) | BY_PLACE;
        }
        let folded = fold_char(c);
        match folded.as_slice() {
            [] => DROP,
            [one] => u32::from(*one) | if joins(*one) { COMBINING } else { 0 },
            several => {
                self.expansions.push(several.iter().map(|&c| u32::from(c)).collect());
                SEVERAL | (self.expansions.len() - 1) as u32
            }
        }
    }

    #[inline]
    fn get(&self, code: u32) -> u32 {
        self.pages[usize::from(self.index[code as usize / PAGE])][code as usize % PAGE]
    }

    #[cold]
    fn push_special(&self, entry: u32, out: &mut Vec<u32>) {
        if entry & SEVERAL == 0 {
            return push_combining(entry & !COMBINING, out);
        }
        for &code in &self.expansions[(entry & !SEVERAL) as usize] {
            match char::from_u32(code) {
                Some(c) if joins(c) => push_combining(code, out),
                _ => out.push(code),
            }
        }
    }
}

/// Writes the view of `text` into `out` as code points; `out` is cleared first. Linear, and never longer than the text
/// in bytes by more than the largest compatibility expansion (18 for one code point).
///
/// ```
/// let mut view = Vec::new();
/// seimai::dedup::view::fold("Ｈｅｌｌｏ、ﾊﾞｽ！\r\n", &mut view);
/// assert!(view.iter().map(|&c| char::from_u32(c).unwrap()).eq("helloバス".chars()));
/// ```
pub fn fold(text: &str, out: &mut Vec<u32>) {
    let table = Table::shared();
    out.clear();
    let mut before = ' ';
    out.reserve(text.len() / 2);
    // The processor cannot predict which characters are dropped (one in ten is punctuation). So there is no branch on it: every
    // entry is written, and a dropped one is overwritten by the next.
    let (mut buffer, mut n) = ([0; BUFFER], 0);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let entry = table.get(u32::from(c));
        let (previous, is_special) = (std::mem::replace(&mut before, c), is_special(entry));
        if is_special {
            out.extend_from_slice(&buffer[..n]);
            n = 0;
            if entry & (SEVERAL | COMBINING) == 0 {
                let around = Around { kept: out.last().copied(), previous, rest: chars.as_str() };
                out.extend(char::from_u32(entry & !BY_PLACE).filter(|&mark| table.says_something(mark, c, &around)).map(u32::from));
            } else {
                table.push_special(entry, out);
            }
            continue;
        }
        buffer[n] = entry;
        n += usize::from(entry != DROP);
        if n == BUFFER {
            out.extend_from_slice(&buffer);
            n = 0;
        }
    }
    out.extend_from_slice(&buffer[..n]);
}

/// Where the code points of a view come from.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Of each, start and end in bytes of what it was made of: a character, with the marks that compose with it. Of those that one character
    /// was made into, the same.
    pub(crate) spans: Vec<[u32; 2]>,
}

impl Places {
    /// Writes the view of `text` into `out`, as [`fold`] does.
    pub(crate) fn fold(&mut self, text: &str, out: &mut Vec<u32>) {
        let table = Table::shared();
        out.clear();
        self.spans.clear();
        let mut previous = ' ';
        for (start, c) in text.char_indices() {
            let (entry, end) = (table.get(u32::from(c)), start + c.len_utf8());
            if !is_special(entry) {
                out.extend((entry != DROP).then_some(entry));
            } else if entry & (SEVERAL | COMBINING) == 0 {
                let around = Around { kept: out.last().copied(), previous, rest: text.get(end..).unwrap_or_default() };
                out.extend(char::from_u32(entry & !BY_PLACE).filter(|&mark| table.says_something(mark, c, &around)).map(u32::from));
            } else {
                table.push_special(entry, out);
                if out.len() == self.spans.len()
                    && let Some([_, last]) = self.spans.last_mut()
                {
                    *last = end as u32;
                }
            }
            self.spans.resize(out.len(), [start as u32, end as u32]);
            previous = c;
        }
    }
}

/// Bytes of `text` from `at` on that are in no view, given that the character before is.
pub(crate) fn left_out_behind(text: &str, at: usize) -> usize {
    let (before, behind) = text.split_at_checked(at).unwrap_or((text, ""));
    let (mut end, last) = (0, before.chars().next_back().unwrap_or(' '));
    Table::shared().each_left_out(last, behind, &mut |bytes| end = bytes);
    end
}

/// Bytes of `text` up to `at` that are in no view, given that the character behind is.
pub(crate) fn left_out_before(text: &str, at: usize) -> usize {
    let (before, _) = text.split_at_checked(at).unwrap_or((text, ""));
    let table = Table::shared();
    let may_be =
        |c: char| matches!(table.get(u32::from(c)), entry if entry == DROP || is_special(entry) && entry & (SEVERAL | COMBINING) == 0);
    // What is left out depends on what is before it: from the last character that is certainly not.
    let mut start = before.trim_end_matches(may_be).len();
    while start < at {
        let last = text.get(..start).and_then(|before| before.chars().next_back()).unwrap_or(' ');
        let mut end = 0;
        table.each_left_out(last, text.get(start..).unwrap_or_default(), &mut |bytes| end = bytes);
        if start + end >= at {
            break;
        }
        // A mark that says something stands there.
        start += end;
        start += text.get(start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    }
    at.saturating_sub(start)
}

/// Is the character left out of every view, and nothing to be seen by itself? It belongs to the one before it.
pub(crate) fn is_invisible(c: char) -> bool {
    let is_part = c.general_category_group() == GeneralCategoryGroup::Mark || c.general_category() == GeneralCategory::Format;
    is_part && Table::shared().get(u32::from(c)) == DROP
}

/// A view whose code points know where in the text they come from.
#[derive(Debug, Default)]
pub struct Placed {
    /// What [`fold`] writes.
    pub view: Vec<u32>,
    /// For each code point the first byte of the character that it comes from.
    pub starts: Vec<u32>,
    /// For each code point the byte behind that character, or behind the marks that it was composed with.
    pub ends: Vec<u32>,
    places: Places,
}

/// The same as [`fold`], with places; for texts below 4 GiB, and slower.
pub fn fold_placed(text: &str, out: &mut Placed) {
    let Placed { view, starts, ends, places } = out;
    places.fold(text, view);
    starts.clear();
    ends.clear();
    starts.extend(places.spans.iter().map(|[start, _]| start));
    ends.extend(places.spans.iter().map(|[_, end]| end));
}

/// Is the entry neither a single code point as it is nor dropped?
fn is_special(entry: u32) -> bool {
    (BY_PLACE..DROP).contains(&entry)
}

/// What stands around a mark: the last code point of the view so far, the character before it, and the text behind it.
struct Around<'t> {
    kept: Option<u32>,
    previous: char,
    rest: &'t str,
}

/// The mark that a character stands for, of those that are kept by their places: one spelling for all widths.
fn mark(c: char) -> Option<char> {
    Some(match c {
        '.' | '．' => '.',
        '-' | '－' | '−' => '−',
        '+' | '＋' => '+',
        '/' | '／' | '∕' => '∕',
        '±' | '*' | '<' | '>' | '%' | '&' | '|' | '^' | '!' | '=' => c,
        '＊' | '＜' | '＞' | '％' | '＆' | '｜' | '＾' | '！' | '＝' => char::from_u32(u32::from(c) - 0xFEE0)?,
        _ => return None,
    })
}

fn is_digit(code: u32) -> bool {
    (u32::from('0')..=u32::from('9')).contains(&code)
}

/// A digit, or a Latin letter of the view.
fn is_operand(code: u32) -> bool {
    is_digit(code) || (u32::from('a')..=u32::from('z')).contains(&code)
}

impl Table {
    /// Calls `visit` with the bytes up to the end of each character at the beginning of `text` that is left out; `last` is before them.
    fn each_left_out(&self, last: char, text: &str, visit: &mut dyn FnMut(usize)) {
        // A mark that is before them is kept itself.
        let (kept, mut previous) = (self.first(last).or_else(|| mark(last).map(u32::from)), last);
        for (start, c) in text.char_indices() {
            let (entry, end) = (self.get(u32::from(c)), start + c.len_utf8());
            let by_place = is_special(entry) && entry & (SEVERAL | COMBINING) == 0;
            let says = |mark| self.says_something(mark, c, &Around { kept, previous, rest: text.get(end..).unwrap_or_default() });
            if entry != DROP && (!by_place || char::from_u32(entry & !BY_PLACE).is_some_and(says)) {
                return;
            }
            visit(end);
            previous = c;
        }
    }

    /// The first code point of a character's view.
    fn first(&self, c: char) -> Option<u32> {
        match self.get(u32::from(c)) {
            DROP => None,
            entry if entry & SEVERAL != 0 => self.expansions[(entry & !SEVERAL) as usize].first().copied(),
            entry if entry & BY_PLACE != 0 => None,
            entry => Some(entry & !COMBINING),
        }
    }

    /// Does a mark change what is said where it stands? `written` is how it was written. Of what is asked, nothing is different in a view, so
    /// that a view is its own view.
    #[cold]
    fn says_something(&self, mark: char, written: char, around: &Around<'_>) -> bool {
        let next = around.rest.chars().next();
        let of_next = next.and_then(|c| self.first(c));
        let before_digit = of_next.is_some_and(is_digit);
        let behind_operand = around.kept.is_some_and(is_operand);
        let is_at = |c: Option<char>| c.and_then(|c| self.first(c)).is_some_and(is_operand);
        // Close to both sides, or with blanks on both. A hyphen and a slash join words, too: those stand close.
        let is_close = is_at(Some(around.previous)) && of_next.is_some_and(is_operand) && !matches!(written, '-' | '－' | '/' | '／');
        let is_spaced = around.previous == ' ' && next == Some(' ') && is_at(around.rest.trim_start_matches(' ').chars().next());
        let between = behind_operand && (is_close || is_spaced);
        let before_equals = behind_operand && next.and_then(self::mark) == Some('=');
        match mark {
            '.' => before_digit && self.first(around.previous).is_some_and(is_digit),
            '±' => before_digit,
            '−' | '+' => before_digit && !behind_operand || between || before_equals,
            '=' => before_equals || around.kept.and_then(char::from_u32).is_some_and(|kept| self::mark(around.previous) == Some(kept)),
            '!' => before_equals,
            _ => between || before_equals,
        }
    }
}

/// Appends a combining character, composed with the character before it if Unicode has a character for both.
fn push_combining(mark: u32, out: &mut Vec<u32>) {
    let pair = out.last().and_then(|&last| char::from_u32(last)).zip(char::from_u32(mark));
    match (pair.and_then(|(last, mark)| compose(last, mark)), out.last_mut()) {
        (Some(composed), Some(last)) => *last = u32::from(composed),
        _ => out.push(mark),
    }
}

/// Can `c` be the second character of a canonical composition? Combining marks can, and vowels and final consonants of Hangul.
fn joins(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark || matches!(c, '\u{1161}'..='\u{1175}' | '\u{11a8}'..='\u{11c2}')
}

/// The view of a single code point: none, one or several.
fn fold_char(c: char) -> Vec<char> {
    // ゛ and ゜ are symbols (Sk), but mean the combining marks. NFKC would turn other such symbols (´ ¨ ￣) into a space and a
    // combining mark, so they are dropped.
    let c = match c {
        '\u{309b}' => '\u{3099}',
        '\u{309c}' => '\u{309a}',
        other => other,
    };
    if !stays(c) {
        return Vec::new();
    }
    let mut folded = vec![c];
    loop {
        let next: Vec<char> = folded.iter().copied().nfkc().flat_map(char::to_lowercase).nfkc().collect();
        if next == folded {
            break;
        }
        folded = next;
    }
    folded.retain(|&c| stays(c));
    folded
}

/// Is the character kept?
fn stays(c: char) -> bool {
    match c.general_category_group() {
        GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number | GeneralCategoryGroup::Mark => !ignorable(c),
        GeneralCategoryGroup::Symbol => matches!(c.general_category(), GeneralCategory::CurrencySymbol | GeneralCategory::OtherSymbol),
        _ => false,
    }
}

/// Default-ignorable code points that are letters or combining marks (the others are format characters, which are dropped anyway):
/// `Default_Ignorable_Code_Point` in Unicode's `DerivedCoreProperties.txt`.
fn ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{034f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn view(text: &str) -> String {
        let mut out = Vec::new();
        fold(text, &mut out);
        out.into_iter().map(|code| char::from_u32(code).unwrap()).collect()
    }

    #[test]
    fn width_punctuation_and_line_ends_make_no_difference() {
        assert_eq!(view("それは、ＡＢＣ１２３です。\r\n「バス」"), view("それは ABC123です\n｢ﾊﾞｽ｣"));
        assert_eq!(view("約10〜20％～~"), "約1020");
        assert_eq!(view("㍿①☆￥"), "株式会社1☆¥");
    }

    #[test]
    fn signs_points_and_operators_stay() {
        for (a, b) in [
            ("気温は−5℃", "気温は5℃"),
            ("円周率は3.14", "円周率は314"),
            ("1,000円", "1.000円"),
            ("x += 1", "x -= 1"),
            ("x += 1", "x + 1"),
            ("a == b", "a != b"),
            ("a < b", "a > b"),
            ("a*b", "a+b"),
            ("a - b", "a * b"),
            ("a / b", "a * b"),
            ("誤差±5", "誤差+5"),
        ] {
            assert_ne!(view(a), view(b), "{a} {b}");
        }
        for (a, b) in [
            ("−５℃、", "-5℃"),
            ("３．１４", "3.14"),
            ("1,000", "1000"),
            ("ｘ　＝　１", "x=1"),
            ("ｘ＋＝１", "x+=1"),
            ("10-20", "1020"),
            ("03-1234-5678", "0312345678"),
            ("well-known and/or", "wellknown andor"),
            ("見出し.本文", "見出し本文"),
            ("**強調** *it*", "強調it"),
            ("- 項目\n- 項目", "項目項目"),
            ("第1.概要", "第1概要"),
            ("100%！", "100"),
        ] {
            assert_eq!(view(a), view(b), "{a} {b}");
        }
    }

    #[test]
    fn dakuten_digits_and_the_long_vowel_mark_stay() {
        assert_ne!(view("がく"), view("かく"));
        assert_ne!(view("第1条"), view("第9条"));
        assert_ne!(view("ビール"), view("ビル"));
    }

    #[test]
    fn marks_compose_with_what_is_before_them() {
        for written in ["ガパ", "ｶﾞﾊﾟ", "カ\u{3099}ハ\u{309a}", "カ゛ハ゜"] {
            assert_eq!(view(written), "ガパ", "{written}");
        }
        assert_eq!(view("e\u{301}"), "é");
        assert_eq!(view("\u{3099}\u{3099}"), "\u{3099}\u{3099}");
        assert_eq!(view("か\u{fe00}\u{e0100}\u{200d}\u{3099}"), "が");
    }

    #[test]
    fn the_view_of_every_code_point_is_its_own_view() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let once = view(&c.to_string());
            assert_eq!(view(&once), once, "U+{:04X}", u32::from(c));
        }
    }

    proptest! {
        #[test]
        fn places_are_those_of_the_view(text in "[-−+./*<>=!a1 、五㍿㌔ｶﾞﾊﾟか゛゜\u{3099}e\u{301}]{0,30}|\\PC{0,40}") {
            let (mut plain, mut out, mut places) = (Vec::new(), Vec::new(), Places::default());
            fold(&text, &mut plain);
            places.fold(&text, &mut out);
            prop_assert_eq!(&out, &plain);
            prop_assert_eq!(places.spans.len(), out.len());
            for (place, &[_, end]) in places.spans.iter().enumerate() {
                let next = places.spans[place + 1..].iter().find(|span| span[0] >= end).map_or(text.len(), |span| span[0] as usize);
                prop_assert_eq!(left_out_behind(&text, end as usize), next - end as usize, "{:?}", text);
                if next < text.len() {
                    prop_assert_eq!(left_out_before(&text, next), next - end as usize, "{:?}", text);
                }
            }
            // Each is what its own characters give, but for marks that their neighbours keep.
            for (place, &[start, end]) in places.spans.iter().enumerate() {
                let mut own = Vec::new();
                fold(text.get(start as usize..end as usize).unwrap(), &mut own);
                let first = places.spans[..place].iter().rposition(|span| *span != [start, end]).map_or(0, |at| at + 1);
                prop_assert!(own.is_empty() || own.get(place - first) == Some(&out[place]), "{:?} {:?}", own, out);
            }
        }

        #[test]
        fn the_view_is_idempotent(text in "[-−+./*<>=!a1 、五]{0,12}|\\PC{0,40}|[ｦ-ﾟか-ほ\u{3099}\u{309a}゛゜e\u{300}-\u{36f}\u{1100}-\u{11ff}]{0,20}") {
            let once = view(&text);
            prop_assert_eq!(view(&once), once);
        }

        #[test]
        fn a_view_with_places_is_that_view(text in "[-−+./*<>=!a1 、五]{0,12}|\\PC{0,40}|[ｦ-ﾟか-ほ\u{3099}\u{309a}゛゜e\u{300}-\u{36f}㍿]{0,20}") {
            let mut placed = Placed { view: vec![1; 3], starts: vec![1; 3], ends: vec![1; 3], places: Places::default() };
            fold_placed(&text, &mut placed);
            prop_assert!(placed.view.iter().map(|&code| char::from_u32(code).unwrap()).eq(view(&text).chars()));
            prop_assert_eq!((placed.starts.len(), placed.ends.len()), (placed.view.len(), placed.view.len()));
            prop_assert!(placed.starts.is_sorted() && placed.ends.is_sorted());
            for (start, end) in placed.starts.iter().zip(&placed.ends) {
                prop_assert!(text.get(*start as usize..*end as usize).is_some_and(|place| !place.is_empty()));
            }
        }

        #[test]
        fn the_view_does_not_see_normal_forms(text in "[ぁ-ヿｦ-ﾟa-zA-Z0-9Ａ-ｚ、。 \n]{0,40}") {
            prop_assert_eq!(view(&text.nfkc().collect::<String>()), view(&text));
            prop_assert_eq!(view(&text.nfd().collect::<String>()), view(&text));
        }
    }
}
