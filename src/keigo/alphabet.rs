//! The neutral alphabet: what a morpheme is to the keigo rules, whatever dictionary it comes from.
//!
//! Rules are written once over [`Token`]s; `lexicon` maps the words of a dictionary to them. Eight bytes, so that the
//! distinct tokens of a dictionary (a few thousand) stay in cache.

/// Coarse part of speech.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Class {
    /// Skipped whitespace or line break.
    Gap,
    /// Common or proper noun, pronoun.
    Noun,
    /// Noun that takes する.
    Sahen,
    /// Stem of a na-adjective.
    AdjectivalNoun,
    /// Dependent noun (こと, の, よう).
    DependentNoun,
    /// Numeral.
    Number,
    /// Nominal suffix.
    Suffix,
    /// Prefix.
    Prefix,
    /// Verb, also the dependent ones.
    Verb,
    /// I-adjective.
    Adjective,
    /// Auxiliary (です, ます, た, ない, だ).
    Auxiliary,
    /// Case particle.
    Case,
    /// Topic or focus particle (は, も, すら).
    Topic,
    /// Connective particle (て, が, ので).
    Connective,
    /// Final particle (ね, よ).
    Final,
    /// Any other particle.
    Particle,
    /// Adverb.
    Adverb,
    /// Adnominal, conjunction.
    Modifier,
    /// Interjection.
    Interjection,
    /// Opening bracket.
    Open,
    /// Closing bracket.
    Close,
    /// Comma.
    Comma,
    /// Full stop, question mark, any other mark.
    #[default]
    Mark,
}

/// Lexical identity, for the few hundred words that rules name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the words themselves")]
pub enum Key {
    /// A word no rule names.
    #[default]
    None,
    Irassharu,
    /// いら of いらした, which IPADIC takes apart.
    Ira,
    Rassharu,
    Ossharu,
    Nasaru,
    Kudasaru,
    Meshiagaru,
    Mesu,
    Itadaku,
    Ukagau,
    Moushiageru,
    Moushitsutaeru,
    Zonjiageru,
    Sashiageru,
    Uketamawaru,
    Tamawaru,
    Mairu,
    Mousu,
    Itasu,
    Oru,
    Oriru,
    Zonjiru,
    Gozaru,
    Suru,
    Naru,
    Dekiru,
    Negau,
    Kuru,
    Iu,
    Omou,
    Mieru,
    Kakaru,
    Kakeru,
    Ireru,
    Aru,
    Ageru,
    Reru,
    Seru,
    Desu,
    Ssu,
    Masu,
    Da,
    Ta,
    Nai,
    Nu,
    U,
    Ja,
    Wo,
    Ga,
    Ha,
    Mo,
    Ni,
    He,
    To,
    De,
    No,
    Kara,
    Niyotte,
    Te,
    Ka,
    Made,
    /// The honorific prefix お, ご, 御.
    Prefix,
    /// 様, さま, 殿 after a name.
    Sama,
    Me,
    Goran,
    Oide,
    Yasumi,
    Omeshi,
    /// お目にかかる, お目にかける as one word.
    OmeNiKakaru,
    Zonji,
    You,
    Tokoro,
    Choudai,
    Dou,
    /// An unchanging word with です or ます inside (すみません, につきまして, ですが).
    Fused,
    /// の, ん as dependent nouns.
    NoNoun,
}

/// Inflected form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Form {
    /// Does not inflect, or a form no rule asks for.
    #[default]
    Other,
    /// 未然形.
    Irrealis,
    /// 連用形 without sound change.
    Continuative,
    /// 連用形 before た and て.
    Onbin,
    /// 終止形, 連体形.
    Plain,
    /// 仮定形.
    Conditional,
    /// 命令形.
    Imperative,
    /// 意志推量形 (UniDic: でしょう is one word).
    Volitional,
}

/// A set of properties.
pub type Flags = u32;

/// Names of the properties.
pub mod flag {
    use super::Flags;

    /// One word that contains the honorific prefix (お客様, お待ち).
    pub const PREFIXED: Flags = 1;
    /// Core that お/ご only beautifies (酒, 茶).
    pub const BIKA: Flags = 1 << 1;
    /// Core whose honorific noun is certain (名前, 意見).
    pub const OWNED: Flags = 1 << 2;
    /// Noun of something that goes from one person to another (手紙, 連絡).
    pub const DIRECTION: Flags = 1 << 3;
    /// Core that can carry になる, する, ください: verb stem, deverbal noun, verbal noun.
    pub const VERBAL: Flags = 1 << 4;
    /// お/ご here is part of the word (おばあさん, ご無沙汰).
    pub const STOP: Flags = 1 << 5;
    /// Core of a set phrase with になる (世話, 馳走): no honorific form.
    pub const SET_PHRASE: Flags = 1 << 6;
    /// Person who is raised by title (先生, 社長, 様).
    pub const RAISED: Flags = 1 << 7;
    /// Person.
    pub const PERSON: Flags = 1 << 8;
    /// The speaker or the speaker's side.
    pub const SPEAKER: Flags = 1 << 9;
    /// Noun that raises its owner or bearer (貴社, 奥様).
    pub const SON_NOUN: Flags = 1 << 10;
    /// Humble noun (弊社, 拙著).
    pub const KEN2_NOUN: Flags = 1 << 11;
    /// Humble verbal noun (拝見).
    pub const HUMBLE_SAHEN: Flags = 1 << 12;
    /// Verb or verbal noun of moving, staying, happening to oneself: has no passive of its own.
    pub const INTRANSITIVE: Flags = 1 << 13;
    /// Verb or verbal noun that with (ら)れる is nearly always passive (呼ぶ, 逮捕).
    pub const SUFFERED: Flags = 1 << 14;
    /// What one peers at (様子, 顔色).
    pub const PEERED: Flags = 1 << 15;
    /// What a mountain is topped with (雪, 冠).
    pub const TOPPING: Flags = 1 << 16;
    /// Cue of lifting (頭上, 高々).
    pub const LIFTING: Flags = 1 << 17;
    /// Place of worship, hardship: 参る is not "go" there.
    pub const WORSHIP: Flags = 1 << 18;
    /// Time word: no subject even before は.
    pub const TIME: Flags = 1 << 19;
    /// Interrogative.
    pub const QUESTION: Flags = 1 << 20;
    /// Colloquial word.
    pub const CASUAL: Flags = 1 << 21;
    /// Word of role language.
    pub const ROLE: Flags = 1 << 22;
    /// Word of papers and laws.
    pub const WRITTEN: Flags = 1 << 23;
    /// First word of a formula.
    pub const FORMULA: Flags = 1 << 24;
    /// 一段 verb or 来る: (ら)れる may be potential.
    pub const ICHIDAN: Flags = 1 << 25;
    /// ありがとう, おはよう, おめでとう, 申し訳 before ございます.
    pub const GREETING: Flags = 1 << 26;
    /// Written in kana.
    pub const KANA: Flags = 1 << 27;
    /// Laughter at the end of a sentence (笑, w).
    pub const LAUGH: Flags = 1 << 28;
    /// Core with which お/ご〜する is only pretty (食事, 勉強).
    pub const OWN_ACT: Flags = 1 << 29;
    /// お/ご noun of the speaker's request (お願い).
    pub const REQUEST: Flags = 1 << 30;
    /// Core of a greeting with 様 (お疲れ様).
    pub const THANKED: Flags = 1 << 31;
}

/// A morpheme as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Token {
    /// Part of speech.
    pub class: Class,
    /// Lexical identity.
    pub key: Key,
    /// Inflected form.
    pub form: Form,
    /// Properties, see [`flag`].
    pub flags: Flags,
}

impl Token {
    /// Has any of these properties.
    pub fn any(self, flags: Flags) -> bool {
        self.flags & flags != 0
    }

    /// Is one of these words.
    pub fn is(self, keys: &[Key]) -> bool {
        keys.contains(&self.key)
    }

    /// Noun, numeral or nominal suffix.
    pub fn is_nominal(self) -> bool {
        use Class::{AdjectivalNoun, DependentNoun, Noun, Number, Sahen, Suffix};
        matches!(self.class, Noun | Sahen | AdjectivalNoun | DependentNoun | Number | Suffix)
    }
}
