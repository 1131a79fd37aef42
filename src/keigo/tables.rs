//! All tables of `dicts/keigo/`, read together.

use crate::error::Result;
use crate::keigo::formula::{FORMULAE, Formulae};
use crate::keigo::fused::{FUSED, Fused};
use crate::keigo::marks::{MARKS, Marks};
use crate::keigo::misuse::{MISUSE, MisuseRules};
use crate::keigo::rules::{self, RULES, Rule};
use crate::keigo::vocabulary::{LEMMA_FLAGS, LEMMAS, SPELLINGS, UNKNOWN, Vocabulary};

/// What a linguist may edit: the words, the phrases, the rules.
#[derive(Debug)]
pub(super) struct Tables {
    /// Lemmas and flags.
    pub(super) vocabulary: Vocabulary,
    /// Unchanging words with です or ます inside.
    pub(super) fused: Fused,
    /// Brackets and bullets.
    pub(super) marks: Marks,
    /// Formulae of letters and statutes.
    pub(super) formulae: Formulae,
    /// The rules, in the order in which they are tried.
    pub(super) rules: Vec<Rule>,
    /// What is misused, and where.
    pub(super) misuse: MisuseRules,
}

/// The texts of all tables, in a fixed order.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    let words = [LEMMAS.text, LEMMA_FLAGS.text, UNKNOWN.text];
    let others = [FORMULAE.text, FUSED.text, MARKS.text, RULES.text, MISUSE.text];
    words.into_iter().chain(SPELLINGS.map(|table| table.text)).chain(others)
}

impl Tables {
    /// Reads the tables that are compiled in (less than a millisecond). An error names file and line.
    pub(super) fn read() -> Result<Self> {
        let formulae = Formulae::read()?;
        Ok(Self {
            vocabulary: Vocabulary::read(formulae.heads())?,
            fused: Fused::read()?,
            marks: Marks::read()?,
            formulae,
            rules: rules::read()?,
            misuse: MisuseRules::read()?,
        })
    }
}
