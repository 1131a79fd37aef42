//! The words that the rules know: spellings of lemmas, and spellings with flags.
//!
//! Spellings of both dictionaries stand side by side in the tables (IPADIC keeps 下さる and くださる apart, UniDic has one
//! entry for both).

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::keigo::alphabet::{Lemma, named_enum};
use crate::keigo::flags::Flags;
use crate::keigo::marks::is_punctuation;
use crate::keigo::table::{Checked, Table, named};

named_enum! {
    /// What the dictionary must say of a word for its spelling to count.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[repr(u8)]
    pub(super) enum Kind {
        /// A verb with this dictionary form.
        Verb,
        /// A verb with this surface.
        VerbForm,
        /// An auxiliary or adjective with this dictionary form.
        Auxiliary,
        /// A particle with this surface.
        Particle,
        /// A connective particle with this surface.
        Connective,
        /// A prefix with this surface.
        Prefix,
        /// The beginning of a noun that holds the honorific prefix.
        JoinedPrefix,
        /// A suffix to a person with this surface.
        Suffix,
        /// Any other inflected or uninflected word with this surface.
        Other,
    }
}

/// Spellings of the lemmas.
pub(super) const LEMMAS: Table<3> =
    Table { file: "lemmas.tsv", columns: ["kind", "spelling", "lemma"], unique: 2, text: include_str!("../../dicts/keigo/lemmas.tsv") };

/// Flags of the lemmas.
pub(super) const LEMMA_FLAGS: Table<2> =
    Table { file: "lemma_flags.tsv", columns: ["lemma", "flags"], unique: 1, text: include_str!("../../dicts/keigo/lemma_flags.tsv") };

const fn spellings(file: &'static str, text: &'static str) -> Table<2> {
    Table { file, columns: ["spelling", "flags"], unique: 1, text }
}

/// Flags of spellings, whatever their part of speech. A spelling may stand in several of them.
pub(super) const SPELLINGS: [Table<2>; 6] = [
    spellings("nouns.tsv", include_str!("../../dicts/keigo/nouns.tsv")),
    spellings("cores.tsv", include_str!("../../dicts/keigo/cores.tsv")),
    spellings("passives.tsv", include_str!("../../dicts/keigo/passives.tsv")),
    spellings("cues.tsv", include_str!("../../dicts/keigo/cues.tsv")),
    spellings("tones.tsv", include_str!("../../dicts/keigo/tones.tsv")),
    spellings("misuse_words.tsv", include_str!("../../dicts/keigo/misuse_words.tsv")),
];

/// Flags of words outside the dictionary.
pub(super) const UNKNOWN: Table<2> = spellings("unknown.tsv", include_str!("../../dicts/keigo/unknown.tsv"));

type BySpelling<T> = FxHashMap<&'static str, T>;

/// The words of the tables.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// Lemmas by spelling; an index is a [`Kind`].
    lemmas: [BySpelling<Lemma>; Kind::ALL.len()],
    /// Flags by lemma.
    lemma_flags: [Flags; Lemma::ALL.len()],
    /// Flags by spelling.
    flags: BySpelling<Flags>,
    /// Flags by spelling of words outside the dictionary.
    unknown: BySpelling<Flags>,
    /// Bytes of the longest word in `unknown`.
    longest_unknown: usize,
    /// Prefixes that may begin a noun.
    joined_prefixes: Vec<&'static str>,
}

/// The flags that these names, parted by `separator`, stand for.
pub(super) fn flags_named(names: &str, separator: char) -> Checked<Flags> {
    names.split(separator).try_fold(Flags::NONE, |flags, name| Ok(flags | named(Flags::ALL, "flag", name)?))
}

/// The flags of a cell.
fn flags(cell: &str) -> Checked<Flags> {
    let flags = flags_named(cell, ' ')?;
    match Flags::ALL.iter().find(|(_, flag)| flags.and(Flags::COMPUTED).any(*flag)) {
        Some((name, _)) => Err(format!("{name} is set by the program, not by a table")),
        None => Ok(flags),
    }
}

impl Vocabulary {
    /// Reads the tables; `heads` are the first words of formulae.
    pub(super) fn read(heads: impl Iterator<Item = &'static str>) -> Result<Self> {
        let mut vocabulary = Self {
            lemmas: Default::default(),
            lemma_flags: [Flags::NONE; Lemma::ALL.len()],
            flags: heads.map(|head| (head, Flags::FORMULA)).collect(),
            unknown: BySpelling::default(),
            longest_unknown: 0,
            joined_prefixes: Vec::new(),
        };
        LEMMAS.each(|cells| vocabulary.add_lemma(cells))?;
        LEMMA_FLAGS.each(|[lemma, cell]| {
            vocabulary.lemma_flags[named(Lemma::ALL, "lemma", lemma)? as usize] |= flags(cell)?;
            Ok(())
        })?;
        for table in SPELLINGS {
            table.each(|[spelling, cell]| {
                *vocabulary.flags.entry(spelling).or_default() |= flags(cell)?;
                Ok(())
            })?;
        }
        UNKNOWN.each(|[spelling, cell]| {
            if is_punctuation(spelling) {
                return Err("this is no word but a mark".into());
            }
            vocabulary.longest_unknown = vocabulary.longest_unknown.max(spelling.len());
            vocabulary.unknown.insert(spelling, flags(cell)?);
            Ok(())
        })?;
        Ok(vocabulary)
    }

    fn add_lemma(&mut self, [kind, spelling, lemma]: [&'static str; 3]) -> Checked<()> {
        let (kind, lemma) = (named(Kind::ALL, "kind", kind)?, named(Lemma::ALL, "lemma", lemma)?);
        if kind == Kind::JoinedPrefix {
            self.joined_prefixes.push(spelling);
        }
        self.lemmas[kind as usize].insert(spelling, lemma);
        Ok(())
    }

    /// The lemma of a word of this kind.
    pub(super) fn lemma(&self, kind: Kind, spelling: &str) -> Option<Lemma> {
        self.lemmas[kind as usize].get(spelling).copied()
    }

    /// Flags that every word with this lemma has.
    pub(super) fn flags_of_lemma(&self, lemma: Lemma) -> Flags {
        self.lemma_flags[lemma as usize]
    }

    /// Flags of a spelling; `None` if it stands in no table.
    pub(super) fn flags(&self, spelling: &str) -> Option<Flags> {
        self.flags.get(spelling).copied()
    }

    /// Flags of a word that is not in the dictionary.
    #[inline]
    pub(super) fn unknown(&self, surface: &str) -> Option<Flags> {
        if surface.len() > self.longest_unknown {
            return None;
        }
        self.unknown.get(surface).copied()
    }

    /// The flags that words outside the dictionary may have.
    pub(super) fn flags_of_unknown(&self) -> impl Iterator<Item = Flags> {
        self.unknown.values().copied()
    }

    /// What follows the honorific prefix at the beginning of `surface`.
    pub(super) fn core<'a>(&self, surface: &'a str) -> Option<&'a str> {
        let core = self.joined_prefixes.iter().find_map(|prefix| surface.strip_prefix(prefix));
        core.filter(|core| !core.is_empty())
    }
}
