//! Flags: properties of a word that the rules and their conditions ask for.
//!
//! Each is declared once, here: the macro gives the constant, its bit, and the name that the tables of `dicts/keigo/`
//! use (the name of the constant). A 97th flag would not compile: then the set needs one number more, and nothing else.

use std::ops::{BitOr, BitOrAssign};

/// A set of flags: a bit each, in three numbers, so that it is aligned to four bytes and a symbol takes sixteen bytes, not thirty-two.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags([u32; 3]);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Position of each flag in the set.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "named as the constants")]
        #[derive(Clone, Copy)]
        enum Bit { $($name,)* }

        impl Flags {
            $($(#[$doc])* pub const $name: Self = Self::of_bit(Bit::$name as usize);)*

            /// Every flag with its name, in order of declaration.
            pub const ALL: &[(&str, Self)] = &[$((stringify!($name), Self::$name),)*];
        }
    };
}

flags! {
    /// One word that contains the honorific prefix (お客様, お待ち).
    PREFIXED,
    /// Core that お/ご only beautifies (酒, 茶).
    BIKA,
    /// Core whose honorific noun is certain (名前, 意見).
    OWNED,
    /// Noun of something that goes from one person to another (手紙, 連絡).
    DIRECTION,
    /// Core that can carry になる, する, ください: verb stem, deverbal noun, verbal noun.
    VERBAL,
    /// お/ご here is part of the word (おばあさん, ご無沙汰).
    STOP,
    /// Core of a set phrase with になる (世話, 馳走): no honorific form.
    SET_PHRASE,
    /// Person who is raised by title (先生, 社長, 様).
    RAISED,
    /// Person.
    PERSON,
    /// The speaker or the speaker's side.
    SPEAKER,
    /// Noun that raises its owner or bearer (貴社, 奥様).
    SON_NOUN,
    /// Humble noun (弊社, 拙著).
    KEN2_NOUN,
    /// Humble verbal noun (拝見).
    HUMBLE_SAHEN,
    /// Verb or verbal noun of moving, staying, happening to oneself: has no passive of its own.
    INTRANSITIVE,
    /// Verb or verbal noun that with (ら)れる is nearly always passive (呼ぶ, 逮捕).
    SUFFERED,
    /// What one peers at (様子, 顔色).
    PEERED,
    /// What a mountain is topped with (雪, 冠).
    TOPPING,
    /// Cue of lifting (頭上, 高々).
    LIFTING,
    /// Place of worship, hardship: 参る is not "go" there.
    WORSHIP,
    /// Time word: no subject even before は.
    TIME,
    /// Interrogative.
    QUESTION,
    /// Colloquial word.
    CASUAL,
    /// Word of role language.
    ROLE,
    /// Word of papers and laws.
    WRITTEN,
    /// Inflected as in classical Japanese (けり, なり, 備ふ).
    CLASSICAL,
    /// Auxiliary of today's Japanese (た, だ, です, ます, ない).
    MODERN,
    /// First word of a formula.
    FORMULA,
    /// 一段 verb or 来る: (ら)れる may be potential.
    ICHIDAN,
    /// ありがとう, おはよう, おめでとう, 申し訳 before ございます.
    GREETING,
    /// Written in hiragana.
    KANA,
    /// Laughter at the end of a sentence (笑, w).
    LAUGH,
    /// Core with which お/ご〜する is only pretty (食事, 勉強).
    OWN_ACT,
    /// お/ご noun of the speaker's request (お願い).
    REQUEST,
    /// Core of a greeting with 様 (お疲れ様).
    THANKED,
    /// Word that may follow お/ご + noun + し (お話しください).
    SUPPORT,
    /// Verb of receiving: its object comes from the other side (お電話をいただく).
    RECEIVING,
    /// Verb of giving: its object goes to the other side (お電話を差し上げる).
    GIVING,
    /// Word of honorific speech (ます, なさる, 様): a noun with お/ご beside it is respect, not a name or a term.
    COURTESY,
    /// Honorific noun that also stands without respect (王様, お国): counts in honorific speech only.
    COMMON,
    /// Verbal noun of acts of the sovereign (行幸): される after it is respect.
    AUGUST,
    /// Verb of what one does to a person (褒める): with a person as its object, (ら)れる is respect for a raised subject.
    TREATING,
    /// Adverb of habit (よく, 普段).
    HABIT,
    /// Noun of a plan or of how things look (予定, 様子): before it the clause keeps its subject.
    OUTLOOK,
    /// Sovereign or member of the house (陛下, 殿下), for whom the highest respect is used.
    SOVEREIGN,
    /// One word with お or ご whose core is a verb's stem and stands in no list (お移り).
    LEXICAL,
    /// Stands after a name (さん, ちゃん): お before that name is part of it.
    ADDRESS,
    /// The speaker alone (私).
    SELF,
    /// The speaker's relative, where nobody else is named (母).
    KIN,
    /// The speaker's company, shop, family (弊社, うち).
    HOUSE,
    /// Somebody at work there (担当者, 係).
    STAFF,
    /// Thing that nobody raises (荷物, 電車).
    INANIMATE,
    /// Act of the other side that goes to nobody (利用, 乗車).
    USER_ACT,
    /// Core that makes no お/ご〜になる (失敗).
    NO_SON,
    /// Core that makes no お/ご〜する (憧れ, 賛成).
    NO_KEN,
    /// Core that is a humble verb by itself (伺い, 拝見).
    HUMBLE_CORE,
    /// Core that may be said of one's own things (私のお部屋).
    MINE,
    /// Core of a verb whose object takes が (お分かりになる).
    OBJECT_GA,
    /// What happens by itself, so that a thing before it is its subject even with は (届く, 揃う).
    ARRIVES,
    /// Title that takes no 様 (部長).
    TITLE,
    /// What a shop hands over or speaks of (メニュー, 領収書).
    GOODS,
    /// What is paid (会計, 代金).
    BILL,
    /// Verb in 〜す that is no short causative (動かす).
    OWN_VERB,
    /// Short causative (飲ます): the stem of another verb and す.
    SHORT_CAUSATIVE,
}

impl Flags {
    /// No flag.
    pub const NONE: Self = Self([0; 3]);

    /// Flags that the program sets from the dictionary or from the formulae: no table may give them.
    pub const COMPUTED: Self = Self::ICHIDAN.or(Self::KANA).or(Self::FORMULA).or(Self::SHORT_CAUSATIVE).or(Self::LEXICAL);

    const fn of_bit(bit: usize) -> Self {
        let mut flags = [0; 3];
        flags[bit / 32] = 1 << (bit % 32);
        Self(flags)
    }

    /// The flags of either set.
    pub const fn or(self, other: Self) -> Self {
        let (one, two) = (self.0, other.0);
        Self([one[0] | two[0], one[1] | two[1], one[2] | two[2]])
    }

    /// The flags of both sets.
    pub const fn and(self, other: Self) -> Self {
        let (one, two) = (self.0, other.0);
        Self([one[0] & two[0], one[1] & two[1], one[2] & two[2]])
    }

    /// The flags that are not in `other`.
    pub const fn without(self, other: Self) -> Self {
        let (one, two) = (self.0, other.0);
        Self([one[0] & !two[0], one[1] & !two[1], one[2] & !two[2]])
    }

    /// Has any of these flags?
    pub const fn any(self, flags: Self) -> bool {
        !self.and(flags).is_none()
    }

    /// Has no flag at all?
    pub const fn is_none(self) -> bool {
        self.0[0] | self.0[1] | self.0[2] == 0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.or(other);
    }
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = Self::ALL.iter().filter(|(_, flag)| self.any(*flag)).map(|(name, _)| *name);
        f.write_str(&names.collect::<Vec<_>>().join(" | "))
    }
}
