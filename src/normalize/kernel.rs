//! The normaliser: long runs of inert characters are copied, the rest goes through the rules and NFKC.
//!
//! A *stretch* is a maximal run of characters that are not inert, with the one inert character before it (a combining
//! character may compose with it). Protected characters divide a stretch; what lies between two of them is brought into
//! normal form by itself. Nothing inert can be changed by its neighbours, so the result is the same as for the whole text.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_compatible};
use unicode_properties::UnicodeEmoji;

use super::options::{Form, Options, Selectors, Symbols};
use super::punctuation::Punctuation;
use super::rules::{
    Rule, RuleCounts, begins_japanese, begins_line, combining_voiced, is_inert, is_joining_script, is_kept, is_line_end,
    is_presentation_selector, is_variation_selector, is_wide_blank, is_wide_symbol, jis_image, removal, to_ascii, unified_ideograph,
    vertical_to_wide,
};

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
const GRAPHEME_JOINER: char = '\u{34f}';
/// Most blanks of ASCII at the head of a line before a wide one that the rule of layout blanks looks past.
pub(super) const INDENTATION_MAX: usize = 64;

/// The immutable rules, shared by all threads.
#[derive(Debug, Clone)]
pub struct Normalizer {
    options: Options,
    /// One byte for each code point of the BMP: is there anything to do?
    special: Vec<bool>,
}

impl Normalizer {
    /// Prepares the tables (some milliseconds).
    pub fn new(options: &Options) -> Self {
        let special = (0..0x1_0000).map(|code| char::from_u32(code).is_some_and(|c| is_special(c, options))).collect();
        Self { options: options.clone(), special }
    }

    /// Writes the normalised `text` to `out` (cleared before) and adds to `counts`.
    ///
    /// Deterministic, idempotent, linear in the length; one code point becomes at most 18, and never U+0000.
    pub fn normalize(&self, text: &str, out: &mut String, counts: &mut RuleCounts) {
        out.clear();
        out.reserve(text.len());
        let mut rewriter = Rewriter { rules: self, out, counts, pending: String::new(), inert: true, last: None, base: None };
        let mut at = 0;
        while at < text.len() {
            let (last, special) = self.next_special(text.as_bytes(), at);
            rewriter.out.push_str(text.get(at..last).unwrap_or(""));
            at = if special < text.len() { special + rewriter.stretch(text, last, special) } else { text.len() };
            if special == text.len() {
                rewriter.out.push_str(text.get(last..).unwrap_or(""));
            }
        }
        Punctuation::new(&self.options).apply(out, counts);
    }

    /// Byte starts of the inert character before the next special one, and of the special one (or the text's length).
    fn next_special(&self, bytes: &[u8], from: usize) -> (usize, usize) {
        let (mut last, mut at) = (from, from);
        while at < bytes.len() {
            // Most characters of Japanese have three bytes.
            let (code, width) = match bytes.get(at..).and_then(<[u8]>::first_chunk) {
                Some([first @ 0xe0..0xf0, second, third]) => {
                    (u32::from(first & 0xf) << 12 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f), 3)
                }
                _ => decode(bytes, at),
            };
            if self.is_special(code) {
                return (last, at);
            }
            last = at;
            at += width;
        }
        (last, at)
    }

    fn is_special(&self, code: u32) -> bool {
        match self.special.get(code as usize) {
            Some(special) => *special,
            // The kanji extensions hold nothing but inert letters and U+2F800–2FA1F, compatibility kanji.
            None if (0x20000..0x2f000).contains(&code) && code & 0xfffe != 0xfffe => false,
            None => char::from_u32(code).is_some_and(|c| is_special(c, &self.options)),
        }
    }
}

/// Code point and width at a character boundary of UTF-8.
#[inline]
fn decode(bytes: &[u8], at: usize) -> (u32, usize) {
    let tail = |i: usize| u32::from(bytes.get(at + i).copied().unwrap_or(0) & 0x3f);
    match bytes[at] {
        b @ 0..0x80 => (u32::from(b), 1),
        b @ 0x80..0xe0 => (u32::from(b & 0x1f) << 6 | tail(1), 2),
        b @ 0xe0..0xf0 => (u32::from(b & 0xf) << 12 | tail(1) << 6 | tail(2), 3),
        b => (u32::from(b & 7) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    }
}

/// Is there a rule for `c`, or may normalisation change it or its neighbour?
pub(super) fn is_special(c: char, options: &Options) -> bool {
    is_line_end(c)
        || removal(c).is_some()
        || is_dropped_selector(c, options)
        || (c == '～' && options.wave_dash)
        || (jis_image(c).is_some() && options.jis_images)
        || (is_wide_blank(c) && options.layout_blanks)
        || match options.form {
            Form::None => false,
            Form::Nfc => !is_inert(c, false) || combining_voiced(c).is_some(),
            Form::Nfkc => !is_inert(c, true) || unified_ideograph(c).is_some(),
        }
}

/// Joiners and selectors that go unless what stands beside them needs them.
fn is_dropped_selector(c: char, options: &Options) -> bool {
    matches!(c, ZWJ | ZWNJ) || is_presentation_selector(c) || (is_variation_selector(c) && options.variation_selectors == Selectors::Drop)
}

/// Is the first part of `c` a letter of a script that needs joiners? (Marks change places with their neighbours.)
fn begins_joining(c: char) -> bool {
    let mut first = None;
    decompose_compatible(c, |part| first = first.or(Some(part)));
    first.is_some_and(|c| is_joining_script(c) && canonical_combining_class(c) == 0)
}

/// Are there columns in the line: a tab, or several blanks together, with something behind them?
fn is_tabular(line: &str) -> bool {
    let mut blanks = 0;
    for c in line.chars().take_while(|c| *c != '\n' && !is_line_end(*c)) {
        match c {
            '\t' => blanks = 2,
            _ if c == ' ' || is_wide_blank(c) => blanks += 1,
            _ if blanks >= 2 => return true,
            _ => blanks = 0,
        }
    }
    false
}

/// One text on its way through the rules.
struct Rewriter<'a> {
    rules: &'a Normalizer,
    out: &'a mut String,
    counts: &'a mut RuleCounts,
    /// Decomposed characters waiting for composition.
    pending: String,
    /// Does `pending` hold inert characters only?
    inert: bool,
    /// The character put down last, `None` at the start of a stretch that begins the text.
    last: Option<char>,
    /// The last starter: combining characters and joiners belong to it, whatever order they come in.
    base: Option<char>,
}

impl Rewriter<'_> {
    /// Handles the stretch at `special`, after the inert character at `before`; gives its length in bytes.
    fn stretch(&mut self, text: &str, before: usize, special: usize) -> usize {
        (self.last, self.base) = (None, None);
        for c in text.get(before..special).unwrap_or("").chars() {
            self.put(c);
        }
        let mut chars = text.get(special..).unwrap_or("").chars();
        let length = chars.as_str().len();
        loop {
            let rest = chars.as_str();
            match chars.next() {
                Some(c) if is_wide_blank(c) && self.rules.options.layout_blanks => chars = self.blanks(rest).chars(),
                Some(c) if self.rules.is_special(u32::from(c)) => self.special(c, chars.clone().next()),
                _ => {
                    self.flush();
                    return length - rest.len();
                }
            }
        }
    }

    /// Handles the run of blanks that begins with a wide one at the head of `rest`; gives what follows it. At the head of a line of
    /// prose the run goes: one blank before anything, more before Japanese in a line without columns.
    fn blanks<'t>(&mut self, rest: &'t str) -> &'t str {
        let blank = |c: char| matches!(c, ' ' | '\t') || is_wide_blank(c);
        let Some(ahead) = self.indentation() else {
            let after = rest.trim_start_matches(blank);
            rest.get(..rest.len() - after.len()).unwrap_or("").chars().for_each(|c| self.blank(c));
            return after;
        };
        let options = &self.rules.options;
        let passed = |c: char| !is_line_end(c) && removal(c).is_some() || is_dropped_selector(c, options);
        let after = rest.trim_start_matches(|c| blank(c) || passed(c));
        let run = rest.get(..rest.len() - after.len()).unwrap_or("");
        let width = ahead + run.chars().filter(|c| blank(*c)).count();
        let layout = after.chars().next().is_some_and(|next| match width {
            1 => begins_japanese(next) || begins_line(next),
            _ => begins_japanese(next) && !is_tabular(after),
        });
        if layout {
            self.pending.truncate(self.pending.trim_end_matches([' ', '\t']).len());
            if self.pending.is_empty() {
                self.out.truncate(self.out.trim_end_matches([' ', '\t']).len());
            }
            self.counts.add_many(Rule::LayoutBlanks, width as u64);
            run.chars().filter(|c| !blank(*c)).for_each(|c| self.counts.add(removal(c).unwrap_or(Rule::Selectors)));
            (self.last, self.base) = (Some('\n'), Some('\n'));
            return after;
        }
        let mut chars = run.chars();
        while let Some(c) = chars.next() {
            if blank(c) {
                self.blank(c);
            } else {
                self.special(c, chars.clone().chain(after.chars()).next());
            }
        }
        after
    }

    /// A blank that stays, in its normal form.
    fn blank(&mut self, c: char) {
        if is_wide_blank(c) {
            self.fold(c);
        } else {
            self.put(c);
        }
    }

    /// How many blanks of ASCII stand between the head of the line and here, if nothing else does (and no more than
    /// [`INDENTATION_MAX`], so that a run of blanks is not read again for each of them).
    fn indentation(&self) -> Option<usize> {
        let bytes = self.pending.bytes().rev().chain(self.out.bytes().rev());
        let blanks = bytes.take(INDENTATION_MAX + 1).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let before = self.pending.bytes().rev().chain(self.out.bytes().rev()).nth(blanks);
        (blanks <= INDENTATION_MAX && before.is_none_or(|byte| byte == b'\n')).then_some(blanks)
    }

    fn special(&mut self, c: char, next: Option<char>) {
        if is_line_end(c) {
            self.counts.add(Rule::LineEnds);
            if c != '\r' || next != Some('\n') {
                self.protect('\n');
            }
        } else if let Some(rule) = removal(c) {
            self.counts.add(rule);
        } else if matches!(c, ZWJ | ZWNJ) || is_presentation_selector(c) || is_variation_selector(c) {
            self.selector(c, next);
        } else if c == '～' && self.rules.options.wave_dash {
            self.counts.add(Rule::WaveDashes);
            self.protect('〜');
        } else if let Some(image) = jis_image(c).filter(|_| self.rules.options.jis_images) {
            self.counts.add(Rule::JisImages);
            self.protect(image);
        } else {
            self.fold(c);
        }
    }

    /// Joiners and presentation selectors stay inside emoji, joiners and non-joiners in scripts that need them.
    fn selector(&mut self, c: char, next: Option<char>) {
        let emoji = |c: char| c.is_emoji_char();
        let stays = if c == ZWNJ {
            // A word in Latin letters may carry a suffix in Arabic ones.
            self.base.is_some_and(is_joining_script) || next.is_some_and(|next| removal(next).is_none() && begins_joining(next))
        } else if c == ZWJ {
            let joined = next.is_some_and(|next| emoji(next) && !self.rules.is_special(u32::from(next)));
            joined && self.last.is_some_and(|last| emoji(last) || is_presentation_selector(last))
                || self.base.is_some_and(is_joining_script)
        } else {
            is_presentation_selector(c) && self.last.is_some_and(emoji)
        };
        if stays {
            self.protect(c);
        } else {
            self.counts.add(Rule::Selectors);
        }
    }

    fn fold(&mut self, c: char) {
        let options = &self.rules.options;
        if options.form == Form::None {
            return self.put(c);
        }
        if let Some(mark) = combining_voiced(c)
            && (options.form == Form::Nfkc || !matches!(c, 'ﾞ' | 'ﾟ'))
        {
            return self.voiced(c, mark);
        }
        if matches!(c, '\u{3099}' | '\u{309a}') && self.last.is_some_and(|last| compose(last, c).is_some()) {
            self.counts.add(Rule::VoicedMarks);
        }
        if options.keep_list && is_kept(c) {
            self.counts.add(Rule::Kept);
            self.protect(c);
        } else if options.form == Form::Nfc {
            self.put(c);
        } else {
            self.fold_compatible(c);
        }
    }

    fn fold_compatible(&mut self, c: char) {
        if let Some(kanji) = unified_ideograph(c) {
            self.counts.add(Rule::Radicals);
            return self.put(kanji);
        }
        let wide = vertical_to_wide(c).unwrap_or(c);
        let keep_wide = self.rules.options.symbols == Symbols::Keep && is_wide_symbol(wide);
        if wide != c || (!keep_wide && !is_inert(c, true) && canonical_combining_class(c) == 0) {
            self.counts.add(Rule::Folded);
        }
        match wide {
            // Whether they are Japanese marks is decided at the end, by majority.
            '，' | '．' => self.protect(wide),
            '…' | '‥' if self.rules.options.keep_list => self.protect(wide),
            _ if keep_wide => self.protect(wide),
            '！'..='～' => self.put(to_ascii(wide)),
            '\u{3000}' => self.put(' '),
            _ => decompose_compatible(wide, |d| self.put(d)),
        }
    }

    /// Joins a spacing voiced mark with the kana before it where a composed letter exists; alone it keeps its width.
    fn voiced(&mut self, c: char, mark: char) {
        if self.last.is_some_and(|last| compose(last, mark).is_some()) {
            self.counts.add(Rule::VoicedMarks);
            self.put(mark);
        } else if self.rules.options.keep_list || self.rules.options.form == Form::Nfc {
            self.counts.add(if matches!(c, 'ﾞ' | 'ﾟ') { Rule::Folded } else { Rule::Kept });
            self.protect(if mark == '\u{3099}' { '゛' } else { '゜' });
        } else {
            decompose_compatible(c, |d| self.put(d));
        }
    }

    /// Adds a character that takes part in composition.
    fn put(&mut self, c: char) {
        self.inert &= !self.rules.is_special(u32::from(c));
        self.pending.push(c);
        self.note(c);
    }

    /// Adds a character as it is; it never composes with its neighbours.
    fn protect(&mut self, c: char) {
        self.flush();
        self.out.push(c);
        self.note(c);
    }

    fn note(&mut self, c: char) {
        self.last = Some(c);
        if canonical_combining_class(c) == 0 && c != GRAPHEME_JOINER {
            self.base = Some(c);
        }
    }

    fn flush(&mut self) {
        if self.inert || self.rules.options.form == Form::None {
            self.out.push_str(&self.pending);
        } else {
            // A run of more than 30 combining characters is broken by U+034F, so that no text makes the buffers of composition grow.
            let from = self.out.len();
            self.out.extend(self.pending.chars().stream_safe().nfc());
            if self.pending.len() > 60 {
                let joiners = |text: &str| text.matches(GRAPHEME_JOINER).count() as u64;
                let added = joiners(self.out.get(from..).unwrap_or("")).saturating_sub(joiners(&self.pending));
                self.counts.add_many(Rule::LongMarks, added);
            }
        }
        self.pending.clear();
        self.inert = true;
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    fn run(options: &Options, text: &str) -> (String, RuleCounts) {
        let (mut out, mut counts) = (String::new(), RuleCounts::default());
        Normalizer::new(options).normalize(text, &mut out, &mut counts);
        (out, counts)
    }

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        let normalizer = Normalizer::new(&Options::default());
        for (text, wanted) in cases {
            let mut out = String::new();
            normalizer.normalize(text, &mut out, &mut RuleCounts::default());
            assert_eq!(&out, wanted, "from {text:?}");
        }
    }

    #[test]
    fn widths() {
        check(&[
            ("ＡＢＣ　ｘｙｚ　１２３", "ABC xyz 123"),
            ("ﾃﾞｰﾀﾍﾞｰｽの｢ﾊﾞｯｸｱｯﾌﾟ｣を､確認｡", "データベースの「バックアップ」を、確認。"),
            ("価格（税込）は：１００％！？＆＠", "価格（税込）は：100％！？＆＠"),
            ("＃１　－５　＂あ＂　＇い＇", "#1 −5 \"あ\" 'い'"),
            ("３．１４と１，０００とｈｔｔｐ：／／ａ．ｊｐ／とｘ＠ｙ", "3.14と1,000とhttp://a.jp／とx@y"),
            ("ｈｔｔｐ：／／例、ｈｔｔｐ：／／＠：ｘ、Ａ：／", "http://例、http://＠：x、A：／"),
            ("10：30～１１：３０", "10：30〜11：30"),
            ("￦￡ ﾡﾢ", "₩£ \u{1100}\u{1101}"),
            ("︵縦︶﹁引﹂﹃重﹄︑︒︙︱", "（縦）「引」『重』、。…—"),
        ]);
    }

    #[test]
    fn voiced_marks() {
        check(&[
            ("ｶ ﾞとｶﾞ、ﾊﾟとﾊ ﾟ", "カ ゛とガ、パとハ ゜"),
            ("か\u{3099}き\u{3099} は\u{309a} ウ\u{3099}", "がぎ ぱ ヴ"),
            ("が か\u{3099} ガ ｶﾞ ﾞ \u{3099}゛", "が が ガ ガ ゛ \u{3099}゛"),
            ("あ゛ え゛ ん゛ か゛", "あ゛ え゛ ん゛ が"),
            ("\u{3099}行頭", "\u{3099}行頭"),
            ("か\u{309a}セ\u{309a}ㇷ\u{309a}", "か\u{309a}セ\u{309a}ㇷ\u{309a}"),
            ("か\u{200b}\u{3099}", "が"),
            ("(ﾟ∀ﾟ)", "(゜∀゜)"),
        ]);
    }

    #[test]
    fn the_keep_list_stays() {
        let kept = "①②③⑳㊤㊥㊦㈱㈲㍿㍻㌔㎡㏄㋿ ½ № ℡ ㏍ ² ₂ … ‥ ℃ (´・ω・｀) (￣ー￣) ™️ ‼️ ㊗️ Ⓜ️ ℹ️ 🅰️ 🈁";
        check(&[
            (kept, kept),
            ("\u{fa10}\u{fa19}\u{fa11}\u{fa12}", "\u{fa10}\u{fa19}\u{fa11}\u{fa12}"),
            ("Ⅳ ⅷ 𝐀𝟏 ⼤学と⽇本、⻑い", "IV viii A1 大学と日本、長い"),
        ]);
        check(&[("ゟヿ 〼 〆 ㋾", "よりコト 〼 〆 ㋾"), ("C:¥Users、￥1,000、\\1", "C:¥Users、¥1,000、\\1"), ("\u{fdf2}", "الله")]);
        let plain = Options { keep_list: false, symbols: Symbols::Fold, ..Options::default() };
        assert_eq!(run(&plain, "①（㈱）…！").0, "1((株))...!");
    }

    #[test]
    fn line_ends_and_controls() {
        check(&[
            ("1\r\n2\r3\u{2028}4\u{2029}5\u{b}6\u{c}7\u{85}8\n", "1\n2\n3\n4\n5\n6\n7\n8\n"),
            ("制\0御\u{8}文\u{1b}字\u{7f}\u{9c}\u{fdd0}\u{fffe}\u{1ffff}\t。", "制御文字\t。"),
            ("ゼ\u{200b}ロ\u{200c}幅\u{200d}と\u{2060}B\u{feff}OM \u{202e}逆\u{202c}\u{200e}\u{ad}", "ゼロ幅とBOM 逆"),
            ("\u{fffd}\u{e000}", "\u{fffd}\u{e000}"),
        ]);
        assert_eq!(run(&Options::default(), "a\u{1b}$B\r\n").1.iter().collect::<Vec<_>>(), [("line_ends", 1), ("escapes", 1)]);
    }

    #[test]
    fn emoji_and_selectors() {
        let emoji = "👨\u{200d}👩\u{200d}👧 👍🏽 🇯🇵 ❤\u{fe0f} ☺\u{fe0e} 1\u{fe0f}\u{20e3} ❤\u{fe0f}\u{200d}🔥 🏴\u{e0067}\u{e007f}";
        check(&[(emoji, emoji), ("あ\u{fe0f}い\u{200d}う", "あいう"), ("क\u{94d}\u{200d}ष", "क\u{94d}\u{200d}ष")]);
        check(&[("葛\u{e0100}城と葛\u{e0101}飾、神\u{fe00}", "葛\u{e0100}城と葛\u{e0101}飾、神\u{fe00}")]);
        let drop = Options { variation_selectors: Selectors::Drop, ..Options::default() };
        assert_eq!(run(&drop, "葛\u{e0100}城、神\u{fe00}").0, "葛城、神");
    }

    #[test]
    fn dashes() {
        check(&[
            ("コ―ヒ―(ダッシュ)、コーヒー、サ—バ", "コーヒ―(ダッシュ)、コーヒー、サーバ"),
            ("待て――ソウダ、ア――イ、東―西、コ一ヒ一", "待て――ソウダ、ア――イ、東―西、コ一ヒ一"),
            ("１０〜２０、１０～２０、10~20", "10〜20、10〜20、10~20"),
            ("−5℃、－5℃、-5℃、‐5℃、–5℃", "−5℃、−5℃、-5℃、‐5℃、–5℃"),
        ]);
    }

    #[test]
    fn one_text_whatever_the_conversion_table() {
        // What the cells 0x2141, 0x2142, 0x215D, 0x2171, 0x2172 and 0x224C are for JIS X 0208 and for code page 932.
        for text in ["気温は@度、5@3=2、Ａ@１、x@y", "@始まり@", "ア@イ、「@」", "\n@\n@"] {
            for (jis, cp932) in [('〜', '～'), ('‖', '∥'), ('−', '－'), ('¢', '￠'), ('£', '￡'), ('¬', '￢')] {
                let [one, other] = [jis, cp932].map(|image| run(&Options::default(), &text.replace('@', image.encode_utf8(&mut [0; 4]))).0);
                assert_eq!(one, other);
                assert!(one.contains(jis));
            }
        }
        check(&[("x += 1; x -= 1; ruby-lang", "x += 1; x -= 1; ruby-lang"), ("a ∦ b", "a ∦ b")]);
    }

    #[test]
    fn iteration_marks_and_seconds_stay() {
        let kept = "いろ／＼、しみ／″＼、しみ／゛＼、しみ/″\\、5′30″";
        check(&[(kept, kept)]);
    }

    #[test]
    fn radicals_are_their_kanji() {
        check(&[("⻑⻄⻘、⺟⻳⻝⻤と⺡⻌", "長西青、母龟食鬼と氵辶"), ("⺀⺚", "⺀⺚"), ("⻑\u{e0100}", "長\u{e0100}")]);
        let nfc = Options { form: Form::Nfc, ..Options::default() };
        assert_eq!(run(&nfc, "⻑⺟").0, "⻑⺟");
    }

    #[test]
    fn non_joiners_stay_where_scripts_need_them() {
        check(&[
            ("日\u{200c}本ア\u{200c}イa\u{200c}b。\u{200c}", "日本アイab。"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("PDF\u{200c}ها", "PDF\u{200c}ها"),
            ("क\u{94d}\u{200c}ष", "क\u{94d}\u{200c}ष"),
            ("a\u{200c}\u{61c}", "a"),
        ]);
    }

    #[test]
    fn a_colon_or_stop_is_written_one_way_whatever_follows() {
        for follows in ["はい", "ＯＫ", "３", "（注）", "", "\n", "　", "「はい」", "１０：３０"] {
            for before in ["話者Ａ", "Ａ", "問１", "12", "氏名", "）", "」"] {
                let (colon, _) = run(&Options::default(), &format!("{before}：{follows}\n名：甲"));
                assert!(!colon.contains(':'), "{colon}");
            }
            for before in ["Ａ", "１", "Fig", "ＢＥＲＴ"] {
                let (stop, _) = run(&Options::default(), &format!("{before}．{follows}"));
                assert!(stop.chars().filter(|c| matches!(c, '.' | '．' | '。')).eq(['.']), "{stop}");
            }
        }
        check(&[
            ("１．はじめに\n２．ＡＢＣ\n２．１ 節", "1.はじめに\n2.ABC\n2.1 節"),
            ("１００％です、１００％ＯＫ", "100％です、100％OK"),
            ("Ｃｏ．，Ｌｔｄ．）と３．．．", "Co.,Ltd.）と3..."),
        ]);
    }

    #[test]
    fn blanks_of_layout_go() {
        check(&[
            ("　吾輩は猫である。\r\n　名前は", "吾輩は猫である。\n名前は"),
            ("\u{a0}\u{a0}本文\n\t　 　「はい」\n \u{2003}――次", "本文\n「はい」\n――次"),
            ("　Platonは\n　※注\n　1 項", "Platonは\n※注\n1 項"),
            ("　\u{200b}\u{fe0f}　昭和", "昭和"),
        ]);
        // Code, drawings, tables and what stands between words.
        check(&[
            ("    本文\n\tif x", "    本文\n\tif x"),
            ("　　if (x) {\n　　　　return;", "  if (x) {\n    return;"),
            ("　　┌─\n　│\n　　＊　　＊", "  ┌─\n │\n  ＊  ＊"),
            ("　　甲　　乙\n　　丙\t丁", "  甲  乙\n  丙\t丁"),
            ("第一条　総則　　", "第一条 総則  "),
            ("　", " "),
            ("　\n　　\n", " \n  \n"),
            ("　\u{c}　\u{85}あ", " \n \nあ"),
            ("\u{a0}\u{301}", " \u{301}"),
        ]);
        let counted = run(&Options::default(), "　\u{200b}　あ").1;
        assert_eq!(counted.iter().collect::<Vec<_>>(), [("zero_width", 1), ("layout_blanks", 2)]);
        let none = Options { form: Form::None, layout_blanks: false, ..Options::default() };
        assert_eq!(run(&none, "　あ").0, "　あ");
        let long = format!("あ{}い\n{}い", "　".repeat(1_000_000), "　 ".repeat(500_000));
        assert_eq!(run(&Options::default(), &long).0.len(), 1_000_010);
    }

    #[test]
    fn commas_by_majority() {
        check(&[
            ("句点，読点を直す．", "句点、読点を直す。"),
            ("句点、読点を直す．", "句点、読点を直す。"),
            ("Ｈｉ，と言っても，直す．", "Hi，と言っても、直す。"),
            ("Ｈｉ，と言っても、直す。", "Hi，と言っても、直す。"),
            ("率は３．１４と習い，直す．", "率は3.14と習い、直す。"),
            ("お待ちください．．．", "お待ちください。。。"),
            ("それは，，，", "それは、、、"),
            ("甲，乙、丙、丁、終", "甲，乙、丙、丁、終"),
            ("これは，試験．です｡｢括弧｣､･", "これは，試験．です。「括弧」、・"),
        ]);
    }

    #[test]
    fn what_is_clean_stays() {
        let clean = "國語學と仮名遣ひ、いすゞ、まづ〳〵。すごーーーい！！！ 𠮷野家で𩸽を。\u{2b739} ｗ";
        check(&[
            (clean, clean.replace('ｗ', "w").as_str()),
            ("", ""),
            ("　 \t\n", "  \t\n"),
            ("A\u{20dd} あ\u{20de}", "A\u{20dd} あ\u{20de}"),
        ]);
        let none = Options { form: Form::None, kuten: false, wave_dash: false, jis_images: false, ..Options::default() };
        assert_eq!(run(&none, "ＡＢか゛\r\n，～－①").0, "ＡＢか゛\n，～－①");
        let nfc = Options { form: Form::Nfc, ..Options::default() };
        assert_eq!(run(&nfc, "ＡＢか゛ｶﾞか\u{3099}\u{fa10}").0, "ＡＢがｶﾞが\u{fa10}");
    }

    #[test]
    fn kaomoji_ruby_and_rare_kana() {
        check(&[
            ("ｷﾀ━━(ﾟ∀ﾟ)━━!! ＼(^o^)／ (；´Д｀) m(_ _)m", "キタ━━(゜∀゜)━━!! ＼(^o^)／ (；´Д｀) m(_ _)m"),
            ("ｗｗｗ草（笑）", "www草（笑）"),
            ("吾輩《わがはい》は｜猫《ねこ》［＃「猫」に傍点］", "吾輩《わがはい》は｜猫《ねこ》［#「猫」に傍点］"),
            ("<ruby>漢<rp>（</rp></ruby>&lt;&#12354;", "<ruby>漢<rp>（</rp></ruby>&lt;&#12354;"),
            ("\u{1b002}\u{1b019} ㇷ゚ ㇰ \u{1b150}", "\u{1b002}\u{1b019} ㇷ゚ ㇰ \u{1b150}"),
            ("二〇二四年、〇と○と◯と０とO", "二〇二四年、〇と○と◯と0とO"),
            ("へヘ りリ 夕タ 口ロ", "へヘ りリ 夕タ 口ロ"),
            ("Ｑ＆Ａ、Ｃ＋＋、Ａ／Ｂ、Ｒ＆Ｄ部", "Q&A、C＋＋、A/B、R&D部"),
        ]);
    }

    #[test]
    fn long_runs_of_marks_are_bounded() {
        let text = format!("e{}", "\u{301}\u{323}".repeat(300_000));
        let (out, counts) = run(&Options::default(), &text);
        assert!(counts.get(Rule::LongMarks) >= 19_000);
        assert_eq!(run(&Options::default(), &out).0, out);
    }

    /// A normaliser for each combination of options that meet in a rule.
    static NORMALIZERS: LazyLock<Vec<Normalizer>> = LazyLock::new(|| {
        let choices = |i: usize| Options {
            form: [Form::Nfkc, Form::Nfc, Form::None][i % 3],
            keep_list: (i / 3).is_multiple_of(2),
            symbols: [Symbols::Keep, Symbols::Fold][i / 6 % 2],
            variation_selectors: [Selectors::Keep, Selectors::Drop][i / 12 % 2],
            wave_dash: i / 24 == 0,
            jis_images: i / 24 == 0,
            layout_blanks: (i / 12).is_multiple_of(2),
            katakana_dash: i / 24 == 0,
            kuten: i / 24 == 0,
        };
        (0..48).map(|i| Normalizer::new(&choices(i))).collect()
    });

    /// Texts made of the characters that rules look at, and of any others.
    fn any_text() -> impl Strategy<Value = String> {
        let tricky: Vec<char> = "　　\u{a0}\t\n－∥⻑″％ا┌かはウｶﾊｳアーｰ―—～〜、。，．｡､ａ1１Ａ：／＠（）!！ ´¨`｀゛゜ﾞﾟ™ℹ❤👍🔥①㈱\u{fa10}葛e<=*#é각\u{1100}\u{1161}\u{11a8}क\u{93c}\u{94d}\u{627}\u{653}\
            \r\n\0\u{1b}\u{85}\u{200b}\u{200c}\u{200d}\u{fe0e}\u{fe0f}\u{fe00}\u{e0100}\u{3099}\u{309a}\u{301}\u{323}\u{338}\u{345}\u{34f}\u{20e3}\u{385}\u{fdfa}\u{fb1d}\u{2a74}︙︓"
            .chars()
            .collect();
        let one = prop_oneof![4 => proptest::sample::select(tricky), 1 => any::<char>()];
        proptest::collection::vec(one, 0..24).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20000))]
        #[test]
        fn normalisation_is_idempotent_and_bounded(choice in 0..48_usize, text in any_text()) {
            let (mut once, mut twice, mut counts) = (String::new(), String::new(), RuleCounts::default());
            NORMALIZERS[choice].normalize(&text, &mut once, &mut counts);
            NORMALIZERS[choice].normalize(&once, &mut twice, &mut counts);
            prop_assert_eq!(&twice, &once);
            prop_assert!(!once.contains('\0'));
            prop_assert!(once.chars().count() <= 18 * text.chars().count());
        }

        #[test]
        fn outside_the_rules_it_is_nfkc(text in "[a-zA-Zぁ-んァ-ンｦ-ﾝ一-龠àéîＡ-Ｚ０-９　㐀-㐂\u{301}\u{3099}\u{1100}-\u{1112}\u{1161}-\u{1175}]{0,40}") {
            let mut out = String::new();
            let text = format!("あ{text}");
            NORMALIZERS[0].normalize(&text, &mut out, &mut RuleCounts::default());
            prop_assert_eq!(out, text.nfkc().collect::<String>());
        }
    }

    #[test]
    fn every_character_alone_is_stable() {
        let normalizer = Normalizer::new(&Options::default());
        let (mut once, mut twice, mut counts) = (String::new(), String::new(), RuleCounts::default());
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            normalizer.normalize(c.encode_utf8(&mut [0; 4]), &mut once, &mut counts);
            normalizer.normalize(&once, &mut twice, &mut counts);
            assert_eq!(once, twice, "{:x}", u32::from(c));
        }
    }

    #[test]
    fn shared_dirty_texts_are_stable() {
        let root =
            std::env::var_os("SEIMAI_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
        let normalizer = Normalizer::new(&Options::default());
        for (name, key) in [("dirty-cases", "text"), ("dirty-real", "text"), ("mojibake-pairs", "mojibake"), ("mojibake-pairs", "clean")] {
            let Ok(lines) = std::fs::read_to_string(root.join(format!("data/dirty/{name}.jsonl"))) else {
                return crate::testing::skipped("shared_dirty_texts_are_stable", "shared/data/dirty");
            };
            let (mut once, mut twice, mut counts) = (String::new(), String::new(), RuleCounts::default());
            for line in lines.lines() {
                let case: serde_json::Value = serde_json::from_str(line).unwrap();
                normalizer.normalize(case[key].as_str().unwrap(), &mut once, &mut counts);
                normalizer.normalize(&once, &mut twice, &mut counts);
                assert_eq!(once, twice, "{}", case["id"]);
            }
        }
    }
}
