//! The neutral alphabet: what a morpheme is to the keigo rules, whatever dictionary it comes from.
//!
//! Rules are written once over [`Symbol`]s; `lexicon` maps the words of a dictionary to them. Twelve bytes each, so that
//! those a text uses (some hundred distinct symbols) stay in cache. Names of variants are also the names that the tables
//! of `dicts/keigo/` use.

use crate::keigo::flags::Flags;

/// Declares an enum together with the list of its variants and their names.
macro_rules! named_enum {
    ($(#[$meta:meta])* $visibility:vis enum $type:ident { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$meta])*
        $visibility enum $type { $($(#[$doc])* $name,)* }

        impl $type {
            /// Every variant with its name, in order of declaration.
            $visibility const ALL: &[(&'static str, Self)] = &[$((stringify!($name), Self::$name),)*];
        }
    };
}
pub(super) use named_enum;

named_enum! {
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
        /// Full stop, question mark, any other punctuation mark.
        #[default]
        Mark,
    }
}

named_enum! {
    /// The word itself, whatever its spelling and inflection, for those that rules and conditions name.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    #[repr(u8)]
    #[expect(missing_docs, reason = "the names are the words themselves")]
    pub enum Lemma {
        /// A word no rule names.
        #[default]
        None,
        Irassharu,
        /// いら of いらした, which IPADIC takes apart.
        Ira,
        Rassharu,
        /// 下 and すっ of 下すった, which IPADIC takes apart.
        Shita,
        Sutta,
        /// くだ and くださ of くださり, which IPADIC takes apart.
        Kuda,
        Kudasa,
        /// ども after the speaker (私ども).
        Domo,
        /// 申 of 申上げる, which IPADIC takes apart.
        Shin,
        /// やん and ざま of やんす and ざます, which IPADIC takes apart.
        Yan,
        Zama,
        Ossharu,
        Nasaru,
        /// 為す: IPADIC takes なされる for its passive.
        Nasu,
        Asobasu,
        Tamau,
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
        Hairu,
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
        Ne,
        Made,
        /// The honorific prefix お (also おん, み).
        Prefix,
        /// The honorific prefix ご.
        PrefixGo,
        /// The honorific prefix 御: お, ご, み or おん.
        PrefixKanji,
        /// 様, さま after a name.
        Sama,
        /// 殿 after a name: also the name of a building.
        Dono,
        Me,
        Goran,
        Yasumi,
        Ki,
        Hanashi,
        /// お目にかかる, お目にかける as one word.
        OmeNiKakaru,
        Zonji,
        You,
        /// そう of appearance (続けられそう).
        Sou,
        Tokoro,
        Choudai,
        /// An unchanging word with です or ます inside (すみません, につきまして, ですが).
        Fused,
        /// の, ん as dependent nouns.
        NoNoun,
        Yoroshii,
        Kochira,
        En,
        Azukari,
        /// ほう, 方 as a direction, an alternative, or padding.
        Hou,
        /// あらせ of あらせられる as one verb, in IPADIC.
        Araseru,
        /// いい, よい, in advice (された方がいい).
        Yoi,
    }
}

named_enum! {
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
}

/// A morpheme as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Symbol {
    /// Part of speech.
    pub class: Class,
    /// Which word, if a rule names it.
    pub lemma: Lemma,
    /// Inflected form.
    pub form: Form,
    /// Its properties.
    pub flags: Flags,
}

impl Symbol {
    /// Has any of these flags.
    pub fn any(self, flags: Flags) -> bool {
        self.flags.any(flags)
    }

    /// Is an honorific prefix.
    pub fn is_prefix(self) -> bool {
        self.is(&[Lemma::Prefix, Lemma::PrefixGo, Lemma::PrefixKanji])
    }

    /// Is one of these words.
    pub fn is(self, lemmas: &[Lemma]) -> bool {
        lemmas.contains(&self.lemma)
    }

    /// A predicate in the form that ends a clause or stands before a noun.
    pub fn is_finite(self) -> bool {
        self.form == Form::Plain && matches!(self.class, Class::Verb | Class::Adjective | Class::Auxiliary)
    }

    /// The stem of a verb, before another verb.
    pub fn is_stem(self) -> bool {
        self.class == Class::Verb && self.form == Form::Continuative
    }

    /// Noun, numeral or nominal suffix.
    pub fn is_nominal(self) -> bool {
        use Class::{AdjectivalNoun, DependentNoun, Noun, Number, Sahen, Suffix};
        matches!(self.class, Noun | Sahen | AdjectivalNoun | DependentNoun | Number | Suffix)
    }
}

/// Morphemes in a row: the numbers of their symbols.
#[derive(Debug, Clone, Copy)]
pub(super) struct Symbols<'a> {
    /// The distinct symbols.
    pub(super) table: &'a [Symbol],
    /// Index in `table`, one a morpheme.
    pub(super) numbers: &'a [u16],
}

impl<'a> Symbols<'a> {
    /// How many morphemes.
    pub(super) fn len(self) -> usize {
        self.numbers.len()
    }

    /// The symbol of morpheme `i`, if there are so many.
    pub(super) fn get(self, i: usize) -> Option<Symbol> {
        self.numbers.get(i).map(|number| self.table[usize::from(*number)])
    }

    /// The symbol of morpheme `i`; that of a mark where there is none.
    pub(super) fn at(self, i: usize) -> Symbol {
        self.get(i).unwrap_or_default()
    }

    /// The last symbol.
    pub(super) fn last(self) -> Option<Symbol> {
        self.numbers.last().map(|number| self.table[usize::from(*number)])
    }

    /// The first `n` morphemes; all of them if there are fewer.
    pub(super) fn first(self, n: usize) -> Self {
        Self { numbers: self.numbers.get(..n).unwrap_or(self.numbers), ..self }
    }

    /// The symbols in order.
    pub(super) fn iter(self) -> impl DoubleEndedIterator<Item = Symbol> + ExactSizeIterator + 'a {
        self.numbers.iter().map(move |number| self.table[usize::from(*number)])
    }
}
