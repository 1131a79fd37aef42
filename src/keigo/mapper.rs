//! From one dictionary entry to the neutral alphabet: its class, lemma, inflected form and flags.
//!
//! What stays in Rust are the questions to the dictionary (which feature says what); the words stand in the tables.

use rustc_hash::FxHashSet;

use crate::keigo::alphabet::{Class, Form, Lemma, Symbol};
use crate::keigo::flags::Flags;
use crate::keigo::marks::is_punctuation;
use crate::keigo::tables::Tables;
use crate::keigo::tag_set::{class_of, form_of};
use crate::keigo::vocabulary::Kind;
use crate::morpheme::{Lexicon, PosTable, Standard, Word};

/// The tables, and what the dictionary says about deverbal nouns.
pub(super) struct Mapper<'a> {
    standard: Standard,
    tables: &'a Tables,
    /// Surfaces of 連用形.
    stems: FxHashSet<Box<str>>,
    /// Surfaces of the 未然形 of 五段 verbs but those in 〜す.
    negatives: FxHashSet<Box<str>>,
}

/// Flags that belong to the core of an honorific noun.
const CORE: Flags = Flags::BIKA
    .or(Flags::OWNED)
    .or(Flags::DIRECTION)
    .or(Flags::VERBAL)
    .or(Flags::STOP)
    .or(Flags::SET_PHRASE)
    .or(Flags::OWN_ACT)
    .or(Flags::REQUEST)
    .or(Flags::SON_NOUN)
    .or(Flags::THANKED)
    .or(Flags::COMMON);

/// Flags of a core that say where its forms are misused.
const JUDGED: Flags = Flags::USER_ACT
    .or(Flags::NO_SON)
    .or(Flags::NO_KEN)
    .or(Flags::HUMBLE_CORE)
    .or(Flags::MINE)
    .or(Flags::OBJECT_GA)
    .or(Flags::INANIMATE)
    .or(Flags::GOODS)
    .or(Flags::BILL)
    .or(Flags::ARRIVES);

impl<'a> Mapper<'a> {
    /// Reads the verb stems of the lexicon.
    pub(super) fn new(lexicon: &dyn Lexicon, tables: &'a Tables) -> Self {
        let (mut stems, mut negatives) = (FxHashSet::default(), FxHashSet::default());
        lexicon.each_word(&mut |word| {
            if word.features.first() != Some(&"動詞") {
                return;
            }
            let form = form_of(feature(word, 5));
            if form == Form::Continuative {
                stems.insert(Box::from(word.surface));
            } else if form == Form::Irrealis && is_godan(word) && !in_su(word) {
                negatives.insert(Box::from(word.surface));
            }
        });
        Self { standard: lexicon.standard(), tables, stems, negatives }
    }

    /// The symbol of an entry.
    pub(super) fn symbol(&self, word: &Word<'_>) -> Symbol {
        let fields = [feature(word, 0), feature(word, 1), feature(word, 2), feature(word, 3)];
        let class = if is_punctuation(word.surface) {
            self.tables.marks.class(feature(word, 1), word.surface)
        } else {
            class_of(fields, word.surface, &self.tables.marks)
        };
        let form = form_of(feature(word, 5));
        let base = self.base(word);
        let lemma = self.lemma(class, base, word);
        let flags = self.flags(class, lemma, base, word) | self.tables.vocabulary.flags_of_lemma(lemma);
        let polite = if lemma == Lemma::Fused { Flags::COURTESY } else { Flags::NONE };
        Symbol { class, lemma, form, flags: flags | polite }
    }

    /// The dictionary form: 原形 in IPADIC, the lemma in UniDic (without its English gloss).
    fn base<'w>(&self, word: &Word<'w>) -> &'w str {
        let base = match self.standard {
            Standard::Ipadic => feature(word, 6),
            Standard::Unidic => feature(word, 7),
        };
        let base = base.split('-').next().unwrap_or(base);
        if base.is_empty() || base == "*" { word.surface } else { base }
    }

    fn lemma(&self, class: Class, base: &str, word: &Word<'_>) -> Lemma {
        if self.tables.fused.is_fused(class, word.surface) {
            return Lemma::Fused;
        }
        let of_kind = |kind| self.tables.vocabulary.lemma(kind, word.surface);
        let found = match class {
            Class::Verb => return self.verb(base, word),
            Class::Adjective | Class::Auxiliary => return self.auxiliary(base, word),
            Class::Connective => of_kind(Kind::Connective).or_else(|| of_kind(Kind::Particle)),
            Class::Case | Class::Topic | Class::Final | Class::Particle => of_kind(Kind::Particle),
            Class::Prefix => of_kind(Kind::Prefix),
            // を|お|選び: after を, UniDic takes the prefix for a filler.
            Class::Interjection if feature(word, 1) == "フィラー" => of_kind(Kind::Prefix).or_else(|| of_kind(Kind::Other)),
            Class::Modifier | Class::Mark | Class::Open | Class::Close | Class::Comma | Class::Gap => None,
            Class::Suffix => of_kind(Kind::Suffix).filter(|_| self.is_person_suffix(word)).or_else(|| of_kind(Kind::Other)),
            _ => of_kind(Kind::Other),
        };
        found.unwrap_or_default()
    }

    fn verb(&self, base: &str, word: &Word<'_>) -> Lemma {
        let vocabulary = &self.tables.vocabulary;
        if let Some(lemma) = vocabulary.lemma(Kind::VerbForm, word.surface) {
            return lemma;
        }
        // 承 in 承久 is a verb to IPADIC; 窺う never means to ask, but in UniDic it is also the lemma of うかがう.
        if is_bare_stem(word) || word.surface.starts_with('窺') {
            return Lemma::None;
        }
        match vocabulary.lemma(Kind::Verb, base).unwrap_or_default() {
            // UniDic has one lemma 居る for いる and おる: the reading tells them apart.
            Lemma::Oru if !feature(word, 6).starts_with("オ") && self.standard == Standard::Unidic => Lemma::None,
            // In IPADIC 居る may be いる, which is a 一段 verb.
            Lemma::Oru if base == "居る" && self.standard == Standard::Ipadic && feature(word, 4).starts_with("一段") => Lemma::None,
            // 競る and other verbs have the same dictionary form in kana.
            Lemma::Reru | Lemma::Seru if !is_suffix_verb(word) => Lemma::None,
            lemma => lemma,
        }
    }

    fn auxiliary(&self, base: &str, word: &Word<'_>) -> Lemma {
        if feature(word, 4) == "特殊・タ" {
            return Lemma::Ta;
        }
        self.tables.vocabulary.lemma(Kind::Auxiliary, base).unwrap_or_default()
    }

    fn is_person_suffix(&self, word: &Word<'_>) -> bool {
        self.standard == Standard::Unidic || feature(word, 2) == "人名" || feature(word, 1) == "接尾"
    }

    fn flags(&self, class: Class, lemma: Lemma, base: &str, word: &Word<'_>) -> Flags {
        let vocabulary = &self.tables.vocabulary;
        let surface = word.surface;
        let mut flags = vocabulary.flags(surface).unwrap_or_default();
        match class {
            Class::Verb => {
                let of_base = vocabulary.flags(base).unwrap_or_default();
                flags |= of_base;
                flags |= verb_flags(word, lemma);
                flags |= self.causative_flags(word);
                if !of_base.any(Flags::STOP) {
                    flags = flags.without(Flags::STOP);
                }
            }
            Class::Auxiliary => flags |= style_flags(word, lemma),
            Class::Adjective => flags |= vocabulary.flags(base).unwrap_or_default(),
            Class::Case | Class::Topic | Class::Connective | Class::Particle => flags = flags.and(Flags::CASUAL | Flags::FORMULA),
            _ => {}
        }
        flags | self.dictionary_flags(class, word) | self.prefix_flags(class, surface)
    }

    /// Flags that the dictionary gives.
    fn dictionary_flags(&self, class: Class, word: &Word<'_>) -> Flags {
        let mut flags = Flags::NONE;
        if is_person_name(word) {
            flags |= Flags::PERSON;
        }
        if feature(word, 1) == "副詞可能" || feature(word, 2) == "副詞可能" {
            flags |= Flags::TIME;
        }
        let common = feature(word, 1) != "固有名詞";
        let deverbal = common && (can_be_prefixed(class) || class == Class::Suffix) && self.stems.contains(word.surface);
        if deverbal || class == Class::Sahen {
            flags |= Flags::VERBAL;
        }
        if word.surface.chars().all(|c| matches!(c, 'ぁ'..='ゟ')) {
            flags |= Flags::KANA;
        }
        flags
    }

    /// [`Flags::SHORT_CAUSATIVE`] of 飲まさ, which is the stem of 飲む and す; [`Flags::OWN_VERB`] of 動か, which may be cut from
    /// 動かさせて. Written with a kanji: in kana it may be anything.
    fn causative_flags(&self, word: &Word<'_>) -> Flags {
        let kanji = word.surface.chars().any(|c| !matches!(c, 'ぁ'..='ゟ'));
        if !kanji || !is_godan(word) || form_of(feature(word, 5)) != Form::Irrealis {
            return Flags::NONE;
        }
        let stem = if in_su(word) { word.surface.strip_suffix('さ').unwrap_or(word.surface) } else { word.surface };
        let own = self.tables.vocabulary.flags(&format!("{stem}す")).is_some_and(|flags| flags.any(Flags::OWN_VERB));
        match (own, in_su(word)) {
            (true, false) => Flags::OWN_VERB,
            (false, true) if self.negatives.contains(stem) => Flags::SHORT_CAUSATIVE,
            _ => Flags::NONE,
        }
    }

    /// Flags of a word that contains the prefix: those of its core, or [`Flags::STOP`].
    fn prefix_flags(&self, class: Class, surface: &str) -> Flags {
        let vocabulary = &self.tables.vocabulary;
        let Some(core) = vocabulary.core(surface).filter(|_| can_be_prefixed(class)) else { return Flags::NONE };
        let whole = vocabulary.flags(surface).unwrap_or_default();
        if whole.any(Flags::SON_NOUN) {
            return Flags::PREFIXED;
        }
        let known = vocabulary.flags(core).unwrap_or_default();
        let (of_core, judged) = (known.and(CORE), known.and(JUDGED));
        if !of_core.is_none() {
            Flags::PREFIXED | of_core | judged
        } else if whole.any(Flags::PREFIXED) {
            whole | judged
        } else if self.stems.contains(core) {
            // お作り is in the lexicon, and yet お作りします is a form of 作る.
            Flags::PREFIXED | Flags::VERBAL | Flags::SET_PHRASE | Flags::LEXICAL | judged
        } else {
            Flags::STOP
        }
    }

    /// A word that is not in the lexicon, by its POS.
    pub(super) fn unknown(&self, pos: &PosTable, id: u16) -> Symbol {
        if id == PosTable::GAP {
            return Symbol { class: Class::Gap, ..Symbol::default() };
        }
        let fields = [0, 1, 2, 3].map(|field| pos.field(id, field));
        let is_mark = pos.unknown_category(id).is_some_and(|category| matches!(category, "SYMBOL" | "SPACE"));
        let class = if is_mark { Class::Mark } else { class_of(fields, "", &self.tables.marks) };
        let mut flags = if fields.contains(&"人名") { Flags::PERSON } else { Flags::NONE };
        if class == Class::Sahen && self.standard == Standard::Ipadic {
            flags |= Flags::VERBAL;
        }
        Symbol { class, form: form_of(pos.field(id, 5)), flags, lemma: Lemma::None }
    }
}

fn feature<'a>(word: &Word<'a>, field: usize) -> &'a str {
    word.features.get(field).copied().unwrap_or("")
}

/// May a word of this class be the core of an honorific noun written as one word?
fn can_be_prefixed(class: Class) -> bool {
    matches!(class, Class::Noun | Class::Sahen | Class::AdjectivalNoun)
}

/// One character that is a 五段 verb without its ending: part of a name or compound.
fn is_bare_stem(word: &Word<'_>) -> bool {
    feature(word, 4).contains("五段") && word.surface.chars().count() == 1 && !word.surface.chars().all(|c| matches!(c, 'ぁ'..='ゟ'))
}

fn is_godan(word: &Word<'_>) -> bool {
    feature(word, 4).starts_with("五段")
}

/// 五段 in サ行, whose dictionary form ends in す.
fn in_su(word: &Word<'_>) -> bool {
    feature(word, 4).contains("サ行")
}

fn is_suffix_verb(word: &Word<'_>) -> bool {
    matches!(feature(word, 1), "接尾" | "非自立可能") || feature(word, 0) == "助動詞"
}

fn is_person_name(word: &Word<'_>) -> bool {
    feature(word, 2) == "人名" && feature(word, 1) == "固有名詞"
}

/// Classical or of today: by the conjugation that the dictionary names.
fn style_flags(word: &Word<'_>, lemma: Lemma) -> Flags {
    let (conjugation, form) = (feature(word, 4), feature(word, 5));
    // These are in use today, too.
    let weak = matches!(word.surface, "べき" | "べく" | "べから" | "なる" | "たる" | "ごとく" | "ごとき" | "如く" | "如き" | "なら");
    let old = matches!(word.surface, "ざる" | "ざり" | "ざれ" | "じ");
    if conjugation.starts_with("文語") || form.starts_with("文語") || old {
        return if weak { Flags::NONE } else { Flags::CLASSICAL };
    }
    let modern = match lemma {
        Lemma::Da => matches!(word.surface, "だ" | "だっ" | "だろ" | "だつ"),
        Lemma::Nai => true,
        _ => false,
    };
    if modern { Flags::MODERN } else { Flags::NONE }
}

fn verb_flags(word: &Word<'_>, lemma: Lemma) -> Flags {
    let ichidan = feature(word, 4).contains("一段") || lemma == Lemma::Kuru;
    if ichidan { Flags::ICHIDAN } else { Flags::NONE }
}
