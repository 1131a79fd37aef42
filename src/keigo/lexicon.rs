//! From dictionary entries to the neutral alphabet: a table by word id, computed once when the dictionary is opened.
//!
//! An entry costs two bytes (the number of its distinct [`Token`]); words outside the lexicon are mapped by POS id.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::keigo::alphabet::{Class, Flags, Form, Key, Token, flag};
use crate::keigo::words;
use crate::morpheme::{Lexicon, NO_WORD, PosTable, Standard, Word};

/// Word id or POS id → token.
#[derive(Debug)]
pub(super) struct TokenTable {
    /// Number of the token of a word id.
    by_word: Vec<u16>,
    /// Number of the token of a POS id, for words that are not in the lexicon.
    by_pos: Vec<u16>,
    /// The distinct tokens.
    tokens: Vec<Token>,
}

impl TokenTable {
    /// Reads the whole lexicon (twice: the verb stems have to be known before the nouns).
    pub(super) fn new(lexicon: &dyn Lexicon) -> Self {
        let mapper = Mapper::new(lexicon);
        let mut interner = Interner::default();
        let mut by_word = Vec::new();
        lexicon.each_word(&mut |word| {
            let number = interner.number(mapper.token(word));
            by_word.resize(word.id as usize, 0);
            by_word.push(number);
        });
        let pos = lexicon.pos_table();
        let by_pos = (0..pos.tuples.len()).map(|id| interner.number(mapper.unknown(&pos, id as u16))).collect();
        Self { by_word, by_pos, tokens: interner.tokens }
    }

    /// Number of a piece's token; index of [`TokenTable::tokens`].
    #[inline]
    pub(super) fn number(&self, pos: u16, word: u32) -> u16 {
        if word != NO_WORD
            && let Some(&number) = self.by_word.get(word as usize)
        {
            return number;
        }
        self.by_pos.get(usize::from(pos)).copied().unwrap_or(0)
    }

    /// The distinct tokens.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }
}

/// Numbers distinct tokens.
struct Interner {
    numbers: FxHashMap<Token, u16>,
    tokens: Vec<Token>,
}

impl Default for Interner {
    fn default() -> Self {
        let gap = Token { class: Class::Gap, ..Token::default() };
        let mark = Token::default();
        Self { numbers: [(gap, 0), (mark, 1)].into_iter().collect(), tokens: vec![gap, mark] }
    }
}

impl Interner {
    /// The number of `token`; a plain mark once 65,535 distinct tokens are used up (a dictionary has some thousand).
    fn number(&mut self, token: Token) -> u16 {
        if let Some(&number) = self.numbers.get(&token) {
            return number;
        }
        let Ok(number) = u16::try_from(self.tokens.len()) else { return 1 };
        self.tokens.push(token);
        self.numbers.insert(token, number);
        number
    }
}

/// The word lists as hash maps, and what the dictionary says about deverbal nouns.
struct Mapper {
    standard: Standard,
    verbs: FxHashMap<&'static str, Key>,
    auxiliaries: FxHashMap<&'static str, Key>,
    particles: FxHashMap<&'static str, Key>,
    nouns: FxHashMap<&'static str, Key>,
    surfaces: FxHashMap<&'static str, Flags>,
    stems: FxHashSet<Box<str>>,
}

fn keyed(list: &[(Key, &'static str)]) -> FxHashMap<&'static str, Key> {
    list.iter().flat_map(|(key, words)| words.split_whitespace().map(move |word| (word, *key))).collect()
}

fn flagged() -> FxHashMap<&'static str, Flags> {
    let mut surfaces = FxHashMap::default();
    for (flags, words) in words::SURFACES {
        for word in words.split_whitespace() {
            *surfaces.entry(word).or_insert(0) |= *flags;
        }
    }
    for head in words::FORMULA_HEADS.split_whitespace() {
        *surfaces.entry(head).or_insert(0) |= flag::FORMULA;
    }
    surfaces
}

/// Properties that belong to the core of an honorific noun.
const CORE: Flags = flag::BIKA
    | flag::OWNED
    | flag::DIRECTION
    | flag::VERBAL
    | flag::STOP
    | flag::SET_PHRASE
    | flag::OWN_ACT
    | flag::REQUEST
    | flag::SON_NOUN
    | flag::THANKED;

impl Mapper {
    fn new(lexicon: &dyn Lexicon) -> Self {
        let mut mapper = Self {
            standard: lexicon.standard(),
            verbs: keyed(words::VERBS),
            auxiliaries: keyed(words::AUXILIARIES),
            particles: keyed(words::PARTICLES),
            nouns: keyed(words::NOUNS),
            surfaces: flagged(),
            stems: FxHashSet::default(),
        };
        let mut stems = FxHashSet::default();
        lexicon.each_word(&mut |word| {
            if word.features.first() == Some(&"動詞") && form_of(feature(word, 5)) == Form::Continuative {
                stems.insert(Box::from(word.surface));
            }
        });
        mapper.stems = stems;
        mapper
    }

    fn token(&self, word: &Word<'_>) -> Token {
        let fields = [feature(word, 0), feature(word, 1), feature(word, 2), feature(word, 3)];
        let class = if is_punctuation(word.surface) { mark_class(feature(word, 1), word.surface) } else { class_of(fields, word.surface) };
        let form = form_of(feature(word, 5));
        let lemma = self.lemma(word);
        let key = self.key(class, lemma, word);
        let flags = self.flags(class, key, lemma, word);
        Token { class, key, form, flags }
    }

    /// The dictionary form: 原形 in IPADIC, the lemma in UniDic (without its English gloss).
    fn lemma<'a>(&self, word: &Word<'a>) -> &'a str {
        let lemma = match self.standard {
            Standard::Ipadic => feature(word, 6),
            Standard::Unidic => feature(word, 7),
        };
        let lemma = lemma.split('-').next().unwrap_or(lemma);
        if lemma.is_empty() || lemma == "*" { word_surface(word) } else { lemma }
    }

    fn key(&self, class: Class, lemma: &str, word: &Word<'_>) -> Key {
        if is_fused(class, word.surface) {
            return Key::Fused;
        }
        let find = |list: &FxHashMap<&str, Key>, text: &str| list.get(text).copied().unwrap_or_default();
        match class {
            Class::Verb => self.verb_key(lemma, word),
            Class::Adjective | Class::Auxiliary => self.auxiliary_key(lemma, word),
            Class::Case | Class::Topic | Class::Connective | Class::Final | Class::Particle => {
                if word.surface == "で" && class == Class::Connective { Key::Te } else { find(&self.particles, word.surface) }
            }
            Class::Prefix => {
                if matches!(word.surface, "お" | "ご" | "御" | "おん" | "み") {
                    Key::Prefix
                } else {
                    Key::None
                }
            }
            Class::Suffix if matches!(word.surface, "様" | "さま" | "殿" | "御中" | "各位") && self.is_person_suffix(word) => {
                Key::Sama
            }
            Class::Modifier | Class::Mark | Class::Open | Class::Close | Class::Comma | Class::Gap => Key::None,
            _ => find(&self.nouns, word.surface),
        }
    }

    fn verb_key(&self, lemma: &str, word: &Word<'_>) -> Key {
        if word.surface == "いら" {
            return Key::Ira;
        }
        match self.verbs.get(lemma).copied().unwrap_or_default() {
            // UniDic has one lemma for いる and おる; おりる is another word with the same kana.
            Key::Oru if !feature(word, 6).starts_with("オ") && self.standard == Standard::Unidic => Key::None,
            // 下す is written 下さ too, but its lemma differs; する of サ変 is the only する we mean.
            Key::Oru if lemma == "居る" && self.standard == Standard::Ipadic && feature(word, 4).starts_with("一段") => Key::None,
            Key::Reru | Key::Seru if !is_suffix_verb(word) => Key::None,
            key => key,
        }
    }

    fn auxiliary_key(&self, lemma: &str, word: &Word<'_>) -> Key {
        if feature(word, 4) == "特殊・タ" {
            return Key::Ta;
        }
        self.auxiliaries.get(lemma).copied().unwrap_or_default()
    }

    fn is_person_suffix(&self, word: &Word<'_>) -> bool {
        self.standard == Standard::Unidic || feature(word, 2) == "人名" || feature(word, 1) == "接尾"
    }

    fn flags(&self, class: Class, key: Key, lemma: &str, word: &Word<'_>) -> Flags {
        let surface = word.surface;
        let mut flags = self.surfaces.get(surface).copied().unwrap_or(0);
        match class {
            Class::Verb => {
                flags |= self.surfaces.get(lemma).copied().unwrap_or(0);
                flags |= verb_flags(word, key);
                if self.surfaces.get(lemma).is_none_or(|flags| flags & flag::STOP == 0) {
                    flags &= !flag::STOP;
                }
            }
            Class::Case | Class::Topic | Class::Connective | Class::Particle => flags &= flag::CASUAL | flag::FORMULA,
            _ => {}
        }
        if is_person_name(word) {
            flags |= flag::PERSON;
        }
        if feature(word, 1) == "副詞可能" || feature(word, 2) == "副詞可能" {
            flags |= flag::TIME;
        }
        let common = feature(word, 1) != "固有名詞";
        if common && (words::can_be_prefixed(class) || class == Class::Suffix) && self.stems.contains(surface) {
            flags |= flag::VERBAL;
        }
        if class == Class::Sahen {
            flags |= flag::VERBAL;
        }
        if surface.chars().all(|c| matches!(c, 'ぁ'..='ゟ')) {
            flags |= flag::KANA;
        }
        flags | self.prefixed(class, surface)
    }

    /// Properties of a word that contains the prefix: those of its core, or [`flag::STOP`].
    fn prefixed(&self, class: Class, surface: &str) -> Flags {
        let Some(core) = words::prefix_of(surface).filter(|_| words::can_be_prefixed(class)) else { return 0 };
        if self.surfaces.get(surface).is_some_and(|flags| flags & flag::SON_NOUN != 0) {
            return flag::PREFIXED;
        }
        match self.surfaces.get(core).map_or(0, |flags| flags & CORE) {
            0 if matches!(surface, "ご覧" | "御覧" | "ご存じ" | "ご存知" | "御存じ" | "御存知") => {
                flag::PREFIXED | flag::VERBAL
            }
            // お作り is in the lexicon, and yet お作りします is a form of 作る.
            0 if self.stems.contains(core) => flag::PREFIXED | flag::VERBAL | flag::SET_PHRASE,
            0 => flag::STOP,
            flags => flag::PREFIXED | flags,
        }
    }

    /// A word that is not in the lexicon, by its POS.
    fn unknown(&self, pos: &PosTable, id: u16) -> Token {
        if id == PosTable::GAP {
            return Token { class: Class::Gap, ..Token::default() };
        }
        let fields = [0, 1, 2, 3].map(|field| pos.field(id, field));
        let symbol = pos.unknown_category(id).is_some_and(|category| matches!(category, "SYMBOL" | "SPACE"));
        let class = if symbol { Class::Mark } else { class_of(fields, "") };
        let flags = if fields.contains(&"人名") { flag::PERSON } else { 0 };
        let verbal = if class == Class::Sahen && self.standard == Standard::Ipadic { flag::VERBAL } else { 0 };
        Token { class, form: form_of(pos.field(id, 5)), flags: flags | verbal, key: Key::None }
    }
}

fn feature<'a>(word: &Word<'a>, field: usize) -> &'a str {
    word.features.get(field).copied().unwrap_or("")
}

fn word_surface<'a>(word: &Word<'a>) -> &'a str {
    word.surface
}

/// The part of an unchanging word that is です or ます, as a byte range.
pub(super) fn fused_part(surface: &str) -> Option<std::ops::Range<usize>> {
    let polite = ["です", "まし", "ませ", "ます"];
    let start = polite.iter().find_map(|part| surface.rfind(part))?;
    Some(start..start + "です".len())
}

fn is_fused(class: Class, surface: &str) -> bool {
    let ends = ["まして", "ます", "ません", "ましたら"].iter().any(|end| surface.len() > end.len() && surface.ends_with(end));
    let begins = surface.starts_with("です") || surface.starts_with("そうです");
    match class {
        Class::Case => ends,
        Class::Interjection | Class::Modifier => ends || begins,
        _ => false,
    }
}

/// No letter, digit or kana: a mark, whatever the dictionary says (IPADIC takes `?` for a verbal noun).
pub(super) fn is_punctuation(surface: &str) -> bool {
    !surface.chars().any(char::is_alphanumeric)
}

fn is_suffix_verb(word: &Word<'_>) -> bool {
    matches!(feature(word, 1), "接尾" | "非自立可能") || feature(word, 0) == "助動詞"
}

fn is_person_name(word: &Word<'_>) -> bool {
    feature(word, 2) == "人名" && feature(word, 1) == "固有名詞"
}

fn verb_flags(word: &Word<'_>, key: Key) -> Flags {
    let ichidan = feature(word, 4).contains("一段") || key == Key::Kuru;
    if ichidan { flag::ICHIDAN } else { 0 }
}

/// Class from the first four features of either standard.
fn class_of(fields: [&str; 4], surface: &str) -> Class {
    match fields[0] {
        "名詞" => noun_class(fields),
        "代名詞" => Class::Noun,
        "形状詞" => Class::AdjectivalNoun,
        "接尾辞" => Class::Suffix,
        "接頭詞" | "接頭辞" => Class::Prefix,
        "動詞" => Class::Verb,
        "形容詞" => Class::Adjective,
        "助動詞" => Class::Auxiliary,
        "助詞" if fields[1] == "準体助詞" => Class::DependentNoun,
        "助詞" => particle_class(fields[1]),
        "副詞" => Class::Adverb,
        "連体詞" | "接続詞" => Class::Modifier,
        "感動詞" | "フィラー" => Class::Interjection,
        _ => mark_class(fields[1], surface),
    }
}

fn noun_class(fields: [&str; 4]) -> Class {
    match (fields[1], fields[2]) {
        ("接尾", _) => Class::Suffix,
        ("形容動詞語幹", _) => Class::AdjectivalNoun,
        ("非自立", _) => Class::DependentNoun,
        ("数" | "数詞", _) => Class::Number,
        ("サ変接続", _) | (_, "サ変可能" | "サ変形状詞可能") => Class::Sahen,
        _ => Class::Noun,
    }
}

fn particle_class(kind: &str) -> Class {
    match kind {
        "格助詞" => Class::Case,
        "係助詞" => Class::Topic,
        "接続助詞" => Class::Connective,
        "終助詞" | "副助詞／並立助詞／終助詞" => Class::Final,
        _ => Class::Particle,
    }
}

/// Class of a mark; `kind` is 細分類1 where the dictionary has the mark.
pub(super) fn mark_class(kind: &str, surface: &str) -> Class {
    match (kind, surface) {
        (_, "「" | "『" | "（" | "(" | "｢") => Class::Open,
        (_, "」" | "』" | "）" | ")" | "｣") => Class::Close,
        ("読点", _) => Class::Comma,
        _ => Class::Mark,
    }
}

fn form_of(name: &str) -> Form {
    match name.split('-').next().unwrap_or(name) {
        "連用形" if !name.contains('便') => Form::Continuative,
        "連用形" | "連用タ接続" | "連用テ接続" | "連用ゴザイ接続" | "連用デ接続" | "連用ニ接続" => {
            Form::Onbin
        }
        "基本形" | "終止形" | "連体形" | "体言接続" | "音便基本形" => Form::Plain,
        "仮定形" | "仮定縮約１" => Form::Conditional,
        "意志推量形" => Form::Volitional,
        name if name.starts_with("未然") => Form::Irrealis,
        name if name.starts_with("命令") => Form::Imperative,
        _ => Form::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_both_standards() {
        assert_eq!(form_of("連用形"), Form::Continuative);
        assert_eq!(form_of("連用形-一般"), Form::Continuative);
        assert_eq!(form_of("連用形-促音便"), Form::Onbin);
        assert_eq!(form_of("未然レル接続"), Form::Irrealis);
        assert_eq!(form_of("命令ｉ"), Form::Imperative);
        assert_eq!(form_of("*"), Form::Other);
    }

    #[test]
    fn brackets_are_known_by_their_surface() {
        assert_eq!(class_of(["記号", "括弧開", "*", "*"], "「"), Class::Open);
        assert_eq!(class_of(["補助記号", "括弧閉", "*", "*"], "）"), Class::Close);
        assert_eq!(class_of(["記号", "括弧開", "*", "*"], "【"), Class::Mark);
        assert_eq!(class_of(["補助記号", "読点", "*", "*"], "、"), Class::Comma);
    }

    #[test]
    fn numbers_are_shared() {
        let mut interner = Interner::default();
        let token = Token { key: Key::Masu, ..Token::default() };
        let first = interner.number(token);
        assert_eq!((first, interner.number(token)), (2, 2));
        assert_eq!(interner.number(Token::default()), 1);
    }
}
