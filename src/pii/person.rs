//! Names of people: beside an honorific, or behind a label.
//!
//! The dictionary says which morphemes are names. What it does not know (髙橋, 小鳥遊) is taken by its shape where a label or the blank
//! between family name and given name leaves no doubt. Names alone are not looked for: authors and figures of history are no secret.

use super::fold::{is_hiragana, is_kanji, is_katakana, next, previous, skip_spaces, starts};
use super::kind::{Kind, Span};
use crate::morpheme::{Morphemes, NO_WORD, PosTable};

/// What a morpheme can be to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// 姓
    Family,
    /// 名
    Given,
    /// Another name of a person.
    Name,
    /// Another noun, or an unknown word.
    Noun,
    Gap,
    Other,
}

impl Class {
    fn is_name(self) -> bool {
        matches!(self, Self::Family | Self::Given | Self::Name)
    }
}

/// Honorifics that follow any name.
const HONORIFICS: [&str; 5] = ["さん", "様", "さま", "ちゃん", "くん"];
/// Those that also follow families, titles and houses: they ask for family name and given name.
const FORMAL: [&str; 3] = ["氏", "殿", "君"];

/// Labels behind which a name stands after a colon or a blank.
pub(super) const LABELS: [&str; 12] =
    ["氏名", "名前", "担当", "投稿者", "代表取締役", "代表者", "責任者", "名義", "受取人", "申込者", "依頼人", "申請者"];
/// What may stand between a label and its colon.
const LABEL_TAILS: [&str; 10] = ["責任者", "者氏名", "者名", "者", "名義", "名", "人", "社長", "会長", "様"];
/// `お問い合わせは…まで`
pub(super) const CONTACTS: [&str; 3] = ["合わせは", "合せは", "連絡は"];

/// Ends of words behind labels that are no names: 担当：営業部.
const NO_NAMES: &[&str] = &[
    "部",
    "課",
    "係",
    "室",
    "局",
    "社",
    "店",
    "所",
    "会",
    "者",
    "班",
    "名",
    "員",
    "長",
    "課長",
    "未定",
    "不明",
    "同上",
    "本人",
    "匿名",
    "無記名",
    "非公開",
    "全員",
    "各自",
    "記入",
    "必須",
    "省略",
    "任意",
    "入力",
    "名称",
    "など",
    "医",
    "例",
    "欄",
    "説明",
    "種類",
    "項目",
    "番号",
    "住所",
    "電話",
    "内容",
    "備考",
    "変更",
    "確認",
    "設定",
    "追加",
    "削除",
    "指定",
    "窓口",
];

/// Nouns that are no part of a name: numbers, suffixes, pronouns.
const NOUNS_APART: [&str; 7] = ["数", "数詞", "接尾", "非自立", "代名詞", "特殊", "助動詞語幹"];

/// Which morphemes are names, by POS id.
#[derive(Debug, Clone)]
pub(super) struct Names {
    classes: Vec<Class>,
}

impl Names {
    /// From the table that `morpheme_pos` indexes; IPADIC and UniDic name the classes alike.
    pub(super) fn new(table: &PosTable) -> Self {
        let class = |id: usize| {
            let field = |n| table.field(id as u16, n);
            match (field(0), field(2), field(3)) {
                (_, "人名", "姓") => Class::Family,
                (_, "人名", "名") => Class::Given,
                (_, "人名", _) => Class::Name,
                ("名詞", ..) if !NOUNS_APART.contains(&field(1)) => Class::Noun,
                ("", ..) if id == usize::from(PosTable::GAP) => Class::Gap,
                _ => Class::Other,
            }
        };
        Self { classes: (0..table.tuples.len()).map(class).collect() }
    }

    fn class(&self, pos: u16) -> Class {
        self.classes.get(usize::from(pos)).copied().unwrap_or(Class::Other)
    }

    /// Calls `found` with every name that stands before an honorific.
    pub(super) fn before_honorifics(&self, text: &str, morphemes: Morphemes<'_>, found: &mut dyn FnMut(Span)) {
        let tokens = Tokens { names: self, text, morphemes };
        let bytes = text.as_bytes();
        let mut start = 0;
        for (i, &end) in morphemes.ends.iter().enumerate() {
            let from = std::mem::replace(&mut start, end as usize);
            // A quick look at the first character: さ, ち, く, 様, 氏, 殿, 君.
            let first = bytes.get(from..from + 3);
            if !matches!(
                first,
                Some([0xe3, 0x81, 0x95 | 0xa1 | 0x8f] | [0xe6, 0xa7, 0x98] | [0xe6, 0xb0, 0x8f] | [0xe6, 0xae, 0xbf] | [0xe5, 0x90, 0x9b])
            ) || i == 0
            {
                continue;
            }
            let surface = morphemes.surface(text, i);
            let formal = FORMAL.contains(&surface);
            if formal || HONORIFICS.contains(&surface) {
                tokens.before(i, formal).into_iter().for_each(&mut *found);
            }
        }
    }

    /// The name behind a label that ends at byte `at`.
    pub(super) fn behind_label(&self, text: &str, morphemes: Morphemes<'_>, at: usize) -> Option<Span> {
        let mut here = at;
        for _ in 0..2 {
            here = LABEL_TAILS.iter().find_map(|tail| starts(text, here, tail)).unwrap_or(here);
        }
        // （漢字）
        if let Some(('(', inside)) = next(text, here) {
            let behind = text.get(inside..)?.chars().take(8).position(|c| matches!(c, ')' | '）'));
            here = behind
                .map_or(here, |n| inside + text.get(inside..).unwrap_or_default().chars().take(n + 1).map(char::len_utf8).sum::<usize>());
        }
        let label_end = here;
        let mut colon = false;
        for _ in 0..4 {
            match next(text, here) {
                Some((':' | '】' | '」' | '=', behind)) => (colon, here) = (true, behind),
                Some((' ', behind)) => here = behind,
                Some(('\n', behind)) if !colon && here == label_end && begins_line(text, at) => here = behind,
                _ => break,
            }
        }
        let tokens = Tokens { names: self, text, morphemes };
        tokens.at(here, colon)
    }

    /// The name in お問い合わせは…まで; the words before it end at byte `at`.
    pub(super) fn contact(&self, text: &str, morphemes: Morphemes<'_>, at: usize) -> Option<Span> {
        let here = skip_spaces(text, at, 1);
        let tokens = Tokens { names: self, text, morphemes };
        let span = tokens.at(here, false)?;
        ["まで", "へ", "宛", "にお", "に", "が"].iter().any(|word| starts(text, span.end, word).is_some()).then_some(span)
    }
}

/// Is the label that ends at `at` all that stands in its line?
fn begins_line(text: &str, at: usize) -> bool {
    let line = text.get(..at).unwrap_or_default().chars().rev().take(10).take_while(|&c| c != '\n').count();
    line < 10
}

/// The morphemes of a text, as names are read from them.
struct Tokens<'a> {
    names: &'a Names,
    text: &'a str,
    morphemes: Morphemes<'a>,
}

impl Tokens<'_> {
    fn class(&self, i: usize) -> Class {
        self.morphemes.pos.get(i).map_or(Class::Other, |&pos| self.names.class(pos))
    }

    /// Empty where there is no such morpheme.
    fn surface(&self, i: usize) -> &str {
        if i < self.morphemes.len() { self.morphemes.surface(self.text, i) } else { "" }
    }

    fn chars(&self, from: usize, to: usize) -> usize {
        (from..to).map(|i| self.surface(i).chars().count()).sum()
    }

    /// Can the morpheme be a part of a name by its letters: kanji alone, or katakana alone?
    fn has_letters_of_names(&self, i: usize) -> bool {
        let surface = self.surface(i);
        !surface.is_empty() && (surface.chars().all(is_kanji) || surface.chars().all(is_katakana))
    }

    /// A noun that may be a name the dictionary does not know.
    fn may_be_name(&self, i: usize) -> bool {
        let class = self.class(i);
        class.is_name() || ((class == Class::Noun || self.is_unknown(i)) && self.has_letters_of_names(i) && self.chars(i, i + 1) <= 4)
    }

    fn is_unknown(&self, i: usize) -> bool {
        self.class(i) != Class::Gap && self.morphemes.word.get(i) == Some(&NO_WORD)
    }

    /// A blank or ・ between family name and given name, but no line break.
    fn is_between(&self, i: usize) -> bool {
        matches!(self.surface(i), " " | "　" | "・" | "\u{a0}")
    }

    fn span(&self, from: usize, to: usize) -> Span {
        Span { start: self.morphemes.start(from), end: self.morphemes.end(to - 1), kind: Kind::Person }
    }

    /// The name that ends before the honorific `i`.
    fn before(&self, i: usize, formal: bool) -> Option<Span> {
        let to = if i > 1 && self.is_between(i - 1) { i - 1 } else { i };
        let from = self.run_before(to, 8)?;
        let is_name = |i: &usize| self.class(*i).is_name();
        if let Some(end) = from.checked_sub(1).filter(|&before| self.is_between(before))
            && self.chars(from, to) <= 4
            && let Some(first) = self.run_before(end, 4).filter(|&first| self.is_kanji(first, end))
        {
            // 小鳥遊 楓: a blank between two short words that begin a phrase.
            let known = (first..end).chain(from..to).any(|i| is_name(&i));
            if formal && !self.is_given(to - 1) {
                return None;
            }
            if known || self.begins_phrase(first) {
                return Some(self.span(first, to));
            }
        }
        let family = (from..to).find(|&i| self.class(i) == Class::Family && self.chars(i, to) <= 6);
        let whole = self.begins_phrase(from) && self.chars(from, to) <= 5 && self.is_kanji(from, to) && (from..to).any(|i| is_name(&i));
        // 清和源氏, 吉良氏, 仁寿殿 are no persons.
        if formal && !self.is_given(to - 1) {
            return None;
        }
        let start = match family {
            Some(family) if family + 1 < to => family,
            // 髙橋太郎: what the dictionary does not know before a given name.
            _ if whole && to - from > 1 => from,
            _ if formal => return None,
            Some(family) => family,
            None => (from..to).rev().take_while(is_name).last()?,
        };
        // 毛|様|脊髄, 聖|さん|式: one character is a name only where the word ends.
        let single = self.chars(start, to) == 1 && !self.ends_name(i + 1);
        (!single).then(|| self.span(start, to))
    }

    /// Where the run of words that may be names before morpheme `to` begins; no part of a longer run than `most` characters.
    fn run_before(&self, to: usize, most: usize) -> Option<usize> {
        let mut from = to;
        while let Some(i) = from.checked_sub(1) {
            if !(self.may_be_name(i) || (from == to && self.is_kana_name(i))) || self.chars(i, to) > most {
                break;
            }
            from = i;
        }
        (from < to).then_some(from)
    }

    /// A given name that ends behind morpheme `i`, or a name in katakana; not the first half of 足利|尊|氏.
    fn is_given(&self, i: usize) -> bool {
        let foreign = self.class(i) == Class::Name && self.surface(i).chars().all(is_katakana);
        let spaced = i.checked_sub(1).is_some_and(|before| self.is_between(before));
        foreign || (self.class(i) == Class::Given && (spaced || self.chars(i, i + 1) > 1))
    }

    fn is_kanji(&self, from: usize, to: usize) -> bool {
        (from..to).all(|i| self.surface(i).chars().all(is_kanji))
    }

    fn begins_phrase(&self, i: usize) -> bool {
        previous(self.text, self.morphemes.start(i)).is_none_or(|(c, _)| !is_kanji(c) && !is_katakana(c) && !c.is_ascii_alphanumeric())
    }

    /// A given name in hiragana that the dictionary takes for a word: only where a family name stands before it.
    fn is_kana_name(&self, i: usize) -> bool {
        let noun = self.class(i) == Class::Noun || self.class(i).is_name() || self.is_unknown(i);
        let is_family =
            |before: usize| self.may_be_name(before) && self.is_kanji(before, before + 1) && self.chars(before, before + 1) <= 4;
        let follows = i
            .checked_sub(1)
            .is_some_and(|before| self.class(before) == Class::Family || (self.is_between(before) && before > 0 && is_family(before - 1)));
        noun && follows && self.surface(i).chars().all(is_hiragana) && (2..=4).contains(&self.chars(i, i + 1))
    }

    /// The name that begins at byte `at`; behind a colon shape is enough.
    fn at(&self, at: usize, colon: bool) -> Option<Span> {
        let from = self.index_at(at)?;
        let first_end = self.family_behind(from)?;
        let known = self.class(first_end - 1).is_name();
        let gap = self.is_between(first_end);
        let second = first_end + usize::from(gap);
        let second_end = self.given_behind(second, gap);
        if let Some(second_end) = second_end {
            let family = self.class(first_end - 1) == Class::Family;
            let given = (second..second_end).any(|i| self.class(i).is_name());
            let spaced = gap && self.surface(from).chars().all(is_kanji) && self.chars(from, first_end) <= 4;
            let ended = family && self.ends_name(second_end) && !self.is_listed(second, second_end);
            if given || ended || (family && gap) || (spaced && (colon || known || self.ends_name(second_end))) {
                return self.unless_listed(from, second_end);
            }
        }
        if !colon {
            return None;
        }
        if known && self.chars(from, first_end) > 1 {
            return self.unless_listed(from, first_end);
        }
        // 氏名：小鳥遊凛, to the end of the word.
        let shaped = (2..=5).contains(&self.chars(from, first_end)) && self.is_kanji(from, first_end) && self.stands_alone(first_end);
        shaped.then(|| self.unless_listed(from, first_end)).flatten()
    }

    fn index_at(&self, at: usize) -> Option<usize> {
        let i = self.morphemes.ends.partition_point(|&end| end as usize <= at);
        (i < self.morphemes.len() && self.morphemes.start(i) == at).then_some(i)
    }

    /// Behind a family name that begins with morpheme `from`: one known name, or up to four characters of others.
    fn family_behind(&self, from: usize) -> Option<usize> {
        let mut i = from;
        while i < self.morphemes.len() && self.may_be_name(i) && self.chars(from, i + 1) <= 5 {
            let class = self.class(i);
            if i > from && class == Class::Given {
                break;
            }
            i += 1;
            if class.is_name() {
                break;
            }
        }
        (i > from).then_some(i)
    }

    /// Behind a given name that begins with morpheme `from`; of unknown words as many as three characters.
    fn given_behind(&self, from: usize, gap: bool) -> Option<usize> {
        if from >= self.morphemes.len() {
            return None;
        }
        if self.may_be_name(from) && self.chars(from, from + 1) <= 4 {
            let mut to = from + 1;
            // 陽|菜: what the dictionary cuts into characters.
            let single = |i| self.chars(i, i + 1) == 1 && self.is_kanji(i, i + 1);
            while to < self.morphemes.len()
                && self.may_be_name(to)
                && self.chars(from, to + 1) <= 3
                && (gap || (single(from) && single(to)))
            {
                if self.class(from).is_name() && !(single(from) && single(to)) {
                    break;
                }
                to += 1;
            }
            return Some(to);
        }
        self.is_kana_name(from).then_some(from + 1)
    }

    /// Is the morpheme before `to` the last of a word?
    fn ends_name(&self, to: usize) -> bool {
        next(self.text, self.morphemes.end(to - 1)).is_none_or(|(c, _)| !is_kanji(c) && !is_katakana(c) && !c.is_ascii_alphanumeric())
    }

    /// Is nothing written directly behind the morpheme before `to`?
    fn stands_alone(&self, to: usize) -> bool {
        next(self.text, self.morphemes.end(to - 1)).is_none_or(|(c, _)| !c.is_alphanumeric())
    }

    fn unless_listed(&self, from: usize, to: usize) -> Option<Span> {
        let known = (from..to).any(|i| self.class(i).is_name());
        (known || !self.is_listed(from, to)).then(|| self.span(from, to))
    }

    /// Do the morphemes end with a word that is no name?
    fn is_listed(&self, from: usize, to: usize) -> bool {
        let span = self.span(from, to);
        let name = self.text.get(span.start..span.end).unwrap_or_default();
        NO_NAMES.iter().any(|word| name.ends_with(word))
    }
}
