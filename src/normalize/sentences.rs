//! Sentence ends: every room uses this splitter. The ends tile the text.
//!
//! A sentence ends at 。．！？!?｡ and at every line end, together with the marks, closing brackets and spaces that follow
//! and the line end itself. Blank lines belong to the sentence before them, at the start of the text to the first one.
//! Inside a pair of 「」『』（） of one line, at most 300 characters apart, nothing ends; where a pair closes on a mark a
//! sentence ends unless a particle goes on (「はい。」と答えた。 is one sentence). ！ and ？ end nothing where a particle binds them to what
//! follows (なぜ？と聞いた。) or where they belong to a name (Yahoo!ニュース).
//!
//! One pass over the bytes of a line finds its marks and brackets; only they are looked at.

use arrow::array::Array;
use arrow::datatypes::UInt32Type;

use crate::error::Result;
use crate::schema::{SENTENCE_ENDS, TEXT};
use crate::stage::{Batch, Contract, ListBuilder, Stage, Worker, strings, with_column};

/// Enters fingerprints: raise it when the same text is split in another way.
pub const VERSION: u32 = 2;

/// A pair of brackets further apart than this (in characters) does not hold a sentence together: one of them is stray.
const PAIR_CHARS_MAX: usize = 300;

/// What follows a closing bracket when the sentence goes on.
const CONTINUATIONS: [&str; 12] = ["と", "って", "など", "や", "の", "が", "を", "は", "に", "で", "も", "、"];

/// Appends the byte ends of the sentences of `text`; the last end is the text's length. Linear time.
pub fn sentence_ends(text: &str, out: &mut Vec<u32>) {
    Splitter::default().sentence_ends(text, out);
}

/// The splitter with its scratch.
#[derive(Debug, Default)]
pub struct Splitter {
    /// The marks and brackets of a line, in order.
    signs: Vec<Sign>,
    /// Opening brackets still open: kind, index in `signs`.
    open: Vec<(u8, usize)>,
}

/// A mark or bracket that the splitter stops at.
#[derive(Debug, Clone, Copy)]
struct Sign {
    /// Byte position in the text.
    at: usize,
    c: char,
    /// Byte position of the closing bracket for an opening one; 0 if it has none.
    closes: usize,
}

/// The sentence being read.
#[derive(Debug)]
struct Sentence {
    start: usize,
    /// What was looked at for the two answers below: only a Latin full stop asks for them.
    seen: usize,
    japanese: bool,
    space: bool,
}

impl Sentence {
    fn at(start: usize) -> Self {
        Self { start, seen: start, japanese: false, space: false }
    }

    /// The character before `at`; a space where the sentence begins.
    fn previous(&self, text: &str, at: usize) -> char {
        text.get(self.start..at).and_then(|before| before.chars().next_back()).unwrap_or(' ')
    }

    /// Has it no Japanese letter up to `at`, but words with a space between them?
    fn is_latin(&mut self, text: &str, at: usize) -> bool {
        for c in text.get(self.seen..at).unwrap_or("").chars() {
            self.japanese |= c >= '\u{3040}';
            self.space |= c == ' ';
        }
        self.seen = at;
        !self.japanese && self.space
    }
}

impl Splitter {
    /// As [`sentence_ends`], reusing memory.
    pub fn sentence_ends(&mut self, text: &str, out: &mut Vec<u32>) {
        let first = out.len();
        let mut at = skip_blank_lines(text, 0);
        while at < text.len() {
            let end = self.signs(text.as_bytes(), at);
            if !self.signs.is_empty() {
                self.match_brackets(text);
                self.line(text, at, end, out);
            }
            at = skip_blank_lines(text, (end + 1).min(text.len()));
            // A sentence that ended with its line takes the line end and the blank lines along.
            if out.len() > first && out.last().is_some_and(|last| *last as usize == end) {
                out.pop();
            }
            out.push(at as u32);
        }
        if out.len() == first && !text.is_empty() {
            out.push(text.len() as u32);
        }
    }

    /// Collects the signs of the line that starts at `at`; gives its end.
    fn signs(&mut self, bytes: &[u8], mut at: usize) -> usize {
        self.signs.clear();
        while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            for (eight, flags) in may_be_signs(block).as_chunks().0.iter().enumerate() {
                let mut flags = u64::from_le_bytes(*flags);
                while flags != 0 {
                    let found = at + 8 * eight + flags.trailing_zeros() as usize / 8;
                    if self.is_line_end(bytes, found) {
                        return found;
                    }
                    flags &= flags - 1;
                }
            }
            at += BLOCK;
        }
        (at..bytes.len()).find(|at| self.is_line_end(bytes, *at)).unwrap_or(bytes.len())
    }

    /// Does the line end at this byte? A sign that begins there is collected.
    fn is_line_end(&mut self, bytes: &[u8], at: usize) -> bool {
        let byte = |offset: usize| bytes.get(at + offset).copied().unwrap_or(0);
        let c = sign(byte(0), byte(1), byte(2));
        match c {
            Some('\n') => return true,
            Some(c) => self.signs.push(Sign { at, c, closes: 0 }),
            None => {}
        }
        false
    }

    /// The ends inside one line, `end` included only if a mark ends a sentence there.
    fn line(&mut self, text: &str, start: usize, end: usize, out: &mut Vec<u32>) {
        let (mut taken, mut held) = (start, 0);
        let mut sentence = Sentence::at(start);
        for &Sign { at, c, closes } in &self.signs {
            held = held.max(closes);
            if at < taken.max(held) || opening(c).is_some() {
                continue;
            }
            let next = at + c.len_utf8();
            let rest = text.get(next..end).unwrap_or("");
            let closing = closing(c).is_some();
            if !(if closing { is_mark(sentence.previous(text, at)) } else { ends_at(c, text, at, rest, &mut sentence) }) {
                continue;
            }
            let (length, closed) = tail(rest, closing);
            let after = rest.get(length..).unwrap_or("");
            taken = next + length;
            let goes_on = if closed {
                CONTINUATIONS.iter().any(|word| after.starts_with(word))
            } else {
                let marks = text.get(at..taken).unwrap_or("");
                let before = text.get(sentence.start..at).unwrap_or("");
                goes_on(before, marks, after)
            };
            if !goes_on {
                taken += after.len() - after.trim_start_matches(is_space).len();
                out.push(taken as u32);
                sentence = Sentence::at(taken);
            }
        }
    }

    /// Pairs the brackets of a line: a closing bracket closes the nearest open one of its kind, and what is open inside.
    fn match_brackets(&mut self, text: &str) {
        self.open.clear();
        let mut kinds = [0_usize; 4];
        for index in 0..self.signs.len() {
            let Sign { at, c, .. } = self.signs[index];
            if let Some(kind) = opening(c) {
                self.open.push((kind, index));
                kinds[usize::from(kind)] += 1;
            } else if let Some(kind) = closing(c).filter(|kind| kinds[usize::from(*kind)] > 0) {
                while let Some((inner, opened)) = self.open.pop() {
                    kinds[usize::from(inner)] -= 1;
                    if inner == kind {
                        self.signs[opened].closes = if is_near(text, self.signs[opened].at, at) { at } else { 0 };
                        break;
                    }
                }
            }
        }
    }
}

/// Are the brackets at these bytes at most [`PAIR_CHARS_MAX`] characters apart?
fn is_near(text: &str, open: usize, close: usize) -> bool {
    close - open <= PAIR_CHARS_MAX
        || close - open <= 4 * PAIR_CHARS_MAX && text.get(open..close).is_some_and(|inside| inside.chars().count() <= PAIR_CHARS_MAX)
}

/// Bytes that are looked at together.
const BLOCK: usize = 32;

/// 1 for each byte of a block where a sign may begin (two bytes more are looked at). Without branches, so that it becomes a few vector
/// instructions.
#[expect(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
fn may_be_signs(block: &[u8; BLOCK + 2]) -> [u8; BLOCK] {
    let mut flags = [0; BLOCK];
    for (i, flag) in flags.iter_mut().enumerate() {
        let (first, second, third) = (block[i], block[i + 1], block[i + 2]);
        let corner = (first == 0xe3) & (second == 0x80) & (third.wrapping_sub(0x82) <= 0x0d);
        let wide = (first == 0xef) & ((second == 0xbc) | (second == 0xbd));
        let ascii = (first == b'\n') | (first == b'!') | (first == b'.') | (first == b'?') | (first & 0xfe == b'(');
        *flag = u8::from(corner | wide | ascii);
    }
    flags
}

/// The mark, bracket or line end of these bytes.
fn sign(first: u8, second: u8, third: u8) -> Option<char> {
    Some(match (first, second, third) {
        (0xe3, 0x80, 0x82) => '。',
        (0xe3, 0x80, 0x8c) => '「',
        (0xe3, 0x80, 0x8d) => '」',
        (0xe3, 0x80, 0x8e) => '『',
        (0xe3, 0x80, 0x8f) => '』',
        (0xef, 0xbc, 0x81) => '！',
        (0xef, 0xbc, 0x88) => '（',
        (0xef, 0xbc, 0x89) => '）',
        (0xef, 0xbc, 0x8e) => '．',
        (0xef, 0xbc, 0x9f) => '？',
        (0xef, 0xbd, 0xa1) => '｡',
        (0xef, 0xbd, 0xa2) => '｢',
        (0xef, 0xbd, 0xa3) => '｣',
        (b'\n' | b'!' | b'(' | b')' | b'.' | b'?', ..) => char::from(first),
        _ => return None,
    })
}

/// Does a sentence end at the mark `c`, outside brackets?
fn ends_at(c: char, text: &str, at: usize, rest: &str, sentence: &mut Sentence) -> bool {
    let next = rest.chars().next();
    match c {
        '。' | '！' | '？' | '｡' => true,
        '．' => !(is_alphanumeric(sentence.previous(text, at)) && next.is_some_and(is_alphanumeric)),
        // In code and addresses (a != b, /?q=1) these are no marks.
        '!' | '?' => {
            !sentence.previous(text, at).is_ascii()
                || next.is_none_or(|n| !n.is_ascii_graphic() || matches!(n, '!' | '?' | ')' | ']' | '"' | '\''))
        }
        '.' => ends_latin(rest) && sentence.is_latin(text, at),
        _ => false,
    }
}

/// After an ASCII full stop: nothing, or a space and no small letter (e.g. this).
fn ends_latin(rest: &str) -> bool {
    let after = rest.trim_start_matches(is_closer);
    after.is_empty() || after.starts_with(' ') && after.chars().take(8).find(|c| *c != ' ').is_none_or(|c| !c.is_lowercase())
}

/// Length of the marks and closing brackets after a mark; and does a bracket come last?
fn tail(rest: &str, mut closed: bool) -> (usize, bool) {
    let mut length = 0;
    for c in rest.chars() {
        match c {
            _ if is_mark(c) => closed = false,
            _ if is_closer(c) => closed = true,
            _ => break,
        }
        length += c.len_utf8();
    }
    (length, closed)
}

/// Does the sentence go on after these marks, though no bracket closes? Only after ！ and ？: a particle binds what they end to what
/// follows (なぜ？と聞いた), or they belong to a name (Yahoo!ニュース).
fn goes_on(before: &str, marks: &str, after: &str) -> bool {
    let Some(next) = after.chars().next() else { return false };
    let calls = marks.chars().all(|c| matches!(c, '！' | '？' | '!' | '?' | '‼' | '⁇' | '⁈' | '⁉'));
    calls && (binds(after, next) || matches!(marks, "!" | "！") && is_in_name(before, after, next))
}

/// Does `after` begin with a particle? A kana that may be the first of a word too (のんびり, はい, でも, とても) counts before a kanji,
/// katakana, Latin letters and brackets only, と also before verbs of speech and thought that are written in hiragana.
fn binds(after: &str, next: char) -> bool {
    let rest = after.get(next.len_utf8()..).unwrap_or("");
    match next {
        '、' | '，' | 'を' => true,
        'っ' => rest.starts_with('て'),
        'な' => rest.starts_with("ど"),
        'と' | 'の' | 'が' | 'は' | 'に' | 'で' | 'も' | 'や' | 'へ' => {
            rest.chars().next().is_some_and(|c| is_kanji(c) || is_katakana(c) || is_alphanumeric(c) || opening(c).is_some())
                || next == 'と'
                    && SPEECH.iter().any(|word| rest.starts_with(word))
                    && !RESUMPTIONS.iter().any(|word| rest.starts_with(word))
                || next == 'に' && (rest.starts_with('は') || rest.starts_with('も'))
        }
        _ => false,
    }
}

/// What follows the と of a quotation, where it is written in hiragana.
const SPEECH: [&str; 32] = [
    "、",
    "いう",
    "いい",
    "いっ",
    "いわ",
    "いえ",
    "おも",
    "おっしゃ",
    "きい",
    "きか",
    "きき",
    "きく",
    "たず",
    "こた",
    "さけ",
    "つぶや",
    "ささや",
    "よび",
    "よん",
    "よば",
    "どな",
    "わら",
    "か、",
    "かい",
    "かの",
    "かを",
    "かで",
    "は何",
    "のこと",
    "の",
    "ばかり",
    "だけ",
];

/// What follows the と of a word that begins a sentence (というか, といっても).
const RESUMPTIONS: [&str; 6] = ["いうか", "いうの", "いうことは", "いっても", "いえば", "いうわけで"];

/// Words in Latin letters that are cries, and no names that an exclamation mark belongs to.
const CRIES: [&str; 12] = ["ok", "yes", "no", "hi", "hey", "hello", "wow", "oh", "bye", "go", "yeah", "thanks"];

/// Is the exclamation mark between `before` and `after` part of a name? After Latin letters with a word or particle right behind it
/// (Yahoo!知恵袋, Yahoo!はここ), between two words in katakana that are no cries (ラブライブ！サンシャイン).
fn is_in_name(before: &str, after: &str, next: char) -> bool {
    let word = before.len() - before.trim_end_matches(|c: char| c.is_ascii_alphabetic() || matches!(c, 'Ａ'..='Ｚ' | 'ａ'..='ｚ')).len();
    if word > 0 {
        let word = before.get(before.len() - word..).unwrap_or("");
        let particle = matches!(next, 'の' | 'が' | 'は' | 'に' | 'で' | 'も' | 'と' | 'や' | 'へ' | 'だ') && !is_word_of_particle(after);
        return !CRIES.iter().any(|cry| word.eq_ignore_ascii_case(cry))
            && (is_kanji(next) || is_katakana(next) || is_alphanumeric(next) || particle || after.starts_with("から"));
    }
    let katakana = |text: &str| text.chars().take_while(|c| is_katakana(*c)).count();
    let ahead = before.chars().rev().take_while(|c| is_katakana(*c)).take(2).count();
    let behind = katakana(after);
    ahead == 2 && behind >= 2 && after.chars().nth(behind).is_some_and(|c| !is_mark(c) && !is_closer(c) && !matches!(c, '、' | '…' | '―'))
}

/// Does `after` begin with a word whose first kana looks like a particle?
fn is_word_of_particle(after: &str) -> bool {
    let words = [
        "はい",
        "はあ",
        "はっ",
        "はは",
        "はや",
        "では",
        "でも",
        "でき",
        "もう",
        "もし",
        "もっ",
        "もち",
        "とて",
        "とり",
        "とに",
        "とこ",
        "とん",
        "とう",
        "とっ",
        "がん",
        "がっ",
        "のん",
        "やっ",
        "やば",
        "やあ",
        "やめ",
        "にっ",
        "だめ",
        "だれ",
        "だっ",
        "だか",
        "だけど",
        "へえ",
        "へん",
    ];
    words.iter().any(|word| after.starts_with(word))
}

fn is_kanji(c: char) -> bool {
    matches!(c, '々' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn is_katakana(c: char) -> bool {
    matches!(c, 'ァ'..='ヺ' | 'ー' | 'ｦ'..='ﾟ')
}

/// The end of the blank lines that start at `at`.
fn skip_blank_lines(text: &str, mut at: usize) -> usize {
    // Most lines begin with a letter.
    if text.as_bytes().get(at).is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xc2 | 0xe3)) {
        return at;
    }
    let mut rest = text.get(at..).unwrap_or("");
    loop {
        let line = rest.trim_start_matches(is_space);
        match line.strip_prefix('\n') {
            Some(next) => {
                at += rest.len() - next.len();
                rest = next;
            }
            None if line.is_empty() => return text.len(),
            None => return at,
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{3000}' | '\u{a0}' | '\r')
}

fn is_mark(c: char) -> bool {
    matches!(c, '。' | '．' | '！' | '？' | '!' | '?' | '｡' | '…' | '‥' | '‼' | '⁇' | '⁈' | '⁉')
}

fn is_closer(c: char) -> bool {
    matches!(c, '」' | '』' | '）' | ')' | '】' | '〉' | '》' | '〕' | '］' | '｝' | '”' | '’' | '"' | '｣')
}

fn is_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ')
}

fn opening(c: char) -> Option<u8> {
    match c {
        '「' | '｢' => Some(0),
        '『' => Some(1),
        '（' => Some(2),
        '(' => Some(3),
        _ => None,
    }
}

fn closing(c: char) -> Option<u8> {
    match c {
        '」' | '｣' => Some(0),
        '』' => Some(1),
        '）' => Some(2),
        ')' => Some(3),
        _ => None,
    }
}

/// The stage: adds `sentence_ends`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sentences;

impl Stage for Sentences {
    fn name(&self) -> &'static str {
        "sentences"
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn contract(&self) -> Contract {
        Contract { reads: vec![TEXT], adds: vec![SENTENCE_ENDS] }
    }

    fn worker(&self) -> Box<dyn Worker + '_> {
        Box::new(SentencesWorker::default())
    }
}

#[derive(Default)]
struct SentencesWorker {
    splitter: Splitter,
    ends: ListBuilder<UInt32Type>,
}

impl Worker for SentencesWorker {
    fn apply(&mut self, batch: Batch) -> Result<Batch> {
        let texts = strings(&batch, &TEXT)?;
        for row in 0..texts.len() {
            self.splitter.sentence_ends(texts.value(row), &mut self.ends.values);
            self.ends.end_row()?;
        }
        with_column(&batch, &SENTENCE_ENDS, self.ends.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let mut ends = vec![text.len() as u32];
        sentence_ends(text, &mut ends);
        ends[1..]
            .iter()
            .scan(0, |start, end| {
                let sentence = text.get(*start..*end as usize);
                *start = *end as usize;
                sentence
            })
            .collect()
    }

    #[track_caller]
    fn check(cases: &[&str]) {
        for case in cases {
            let sentences: Vec<&str> = case.split('|').collect();
            assert_eq!(split(&case.replace('|', "")), sentences);
        }
    }

    #[test]
    fn marks_and_line_ends_end_sentences() {
        check(&[
            "今日は晴れ。|明日は雨！？|本当｡",
            "見出し\n|本文です。\n|次",
            "えっ！！？|まさか…。|そう…\n|はい",
            "です。　|次です。 \n|次の次",
        ]);
        check(&["\n", "　\n \n", "\n\n始め\n\n　\n|次\n\n"]);
    }

    #[test]
    fn nothing_ends_inside_a_pair_of_brackets() {
        check(
            &["「はい。」と答えた。|次", "「はい。」|彼は答えた。", "「はい。」|「いいえ。」|", "彼は「行く。帰る。」って言う。|次"]
                .map(|c| c.trim_end_matches('|')),
        );
        check(&["（注。）|次。", "『「え？」と彼。』|終わり。", "これは（例。例。）です。|次。", "「はい」。|次"]);
    }

    #[test]
    fn stray_brackets_hold_nothing() {
        check(&["「開いたまま。|次の文。\n|次。", "閉じただけ。」|次。", "（あ「い）う。|え」お。"]);
        let long = format!("「{}。|次。」|後。", "あ".repeat(400));
        check(&[&long]);
    }

    #[test]
    fn numbers_names_and_latin() {
        check(&["円周率は３．１４です．|次", "Node.jsとNo.5を使う。|次", "This is one. |That is e.g. two. |日本語. です"]);
        check(&["式 a != b と /?q=1 を見る。|はい!|OK?|はい"]);
    }

    #[test]
    fn a_mark_that_goes_on_ends_nothing() {
        check(&[
            "Yahoo!ニュースを読みます。|次",
            "なぜ？と聞きました。|次",
            "行くよ！って言いました。|次",
            "Yahoo!知恵袋とYahoo！JAPAN。|次",
            "本当ですか？といわれた。|誰だ！と叫ぶ。|次",
            "何？という顔。|必勝！の文字が「なぜ？」に見えた。|次",
            "え？、と思う。|なぜ？を問う。|次",
            "すごい！などと言う。|いいの？って。|次",
            "ラブライブ！サンシャインを見た。|次",
            "Yahoo!は便利だ。|Yahoo!です。|次",
            "どこへ？には答えない。|次",
            "痛い！！と泣く。|なに！？と驚いた。|次",
        ]);
        check(&[
            "なぜ？|とても困る。|次",
            "え？|はい。|行くの？|でもいいよ。|次",
            "やった！|がんばった！|もう帰ろう。",
            "OK!|はい。|OK！|次へ。|次",
            "本当？|のんびりしよう。|強い？|というか速い。|次",
            "すごい！|マジで！|次",
            "ワッショイ！|ワッショイ！|次",
            "はい。|と彼は言った。|次",
            "誰？|で、どうする。|次",
            "そう！|Yahoo? |はい",
            "何？ |と聞く。",
        ]);
    }

    #[test]
    fn hostile_lengths_take_linear_time() {
        for unit in ["「", "」", "「」", "？", "。」", "？」と", "a. ", "\n", "　", "（「", "）」。", "！と", "ア！ア", "a!ア", "アア！"]
        {
            let text = unit.repeat(1_000_000 / unit.len());
            let mut ends = Vec::new();
            sentence_ends(&text, &mut ends);
            assert_eq!(ends.last().copied(), Some(text.len() as u32));
        }
    }

    proptest! {
        #[test]
        fn ends_tile_any_text(text in "[あ。．.！?「」『（）()\n 　a1…と]{0,60}|\\PC{0,40}") {
            let mut ends = Vec::new();
            sentence_ends(&text, &mut ends);
            prop_assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ends.iter().all(|end| text.is_char_boundary(*end as usize)));
            prop_assert_eq!(ends.last().map_or(0, |end| *end as usize), text.len());
        }
    }
}
