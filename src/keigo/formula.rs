//! Formulae of letters and statutes: fixed phrases that tell the kind of a document.

use crate::error::Result;
use crate::keigo::alphabet::named_enum;
use crate::keigo::flags::Flags;
use crate::keigo::scene::Item;
use crate::keigo::table::{Checked, Table, named};

named_enum! {
    /// What a formula belongs to.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Domain {
        /// Statutes.
        Legal,
        /// The opening word of a letter.
        Opening,
        /// The closing word of a letter.
        Closing,
        /// Other phrases of letters.
        Letter,
    }
}

/// The table of formulae.
pub(super) const FORMULAE: Table<3> =
    Table { file: "formulae.tsv", columns: ["phrase", "domain", "heads"], unique: 1, text: include_str!("../../dicts/keigo/formulae.tsv") };

/// A phrase, and its bit among the phrases of its domain.
#[derive(Debug)]
struct Formula {
    phrase: &'static str,
    domain: Domain,
    bit: u64,
}

/// The formulae of the table.
#[derive(Debug)]
pub(super) struct Formulae {
    /// In the order of their first character.
    formulae: Vec<Formula>,
    heads: Vec<&'static str>,
}

/// Which formulae a document holds, and how many of statutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormulaHits {
    /// A bit a phrase; an index is a [`Domain`].
    seen: [u64; Domain::ALL.len()],
    /// Occurrences of formulae of statutes.
    pub legal: u32,
}

impl FormulaHits {
    fn distinct(self, domain: Domain) -> u32 {
        self.seen[domain as usize].count_ones()
    }

    /// Number of different formulae of statutes.
    pub fn distinct_legal(self) -> u32 {
        self.distinct(Domain::Legal)
    }

    /// Has a letter's opening word and its closing word.
    pub fn is_framed_letter(self) -> bool {
        self.distinct(Domain::Opening) > 0 && self.distinct(Domain::Closing) > 0
    }

    /// Number of different formulae of letters.
    pub fn distinct_letter(self) -> u32 {
        self.distinct(Domain::Opening) + self.distinct(Domain::Closing) + self.distinct(Domain::Letter)
    }
}

impl Formulae {
    /// Reads the table.
    pub(super) fn read() -> Result<Self> {
        let mut all = Self { formulae: Vec::new(), heads: Vec::new() };
        FORMULAE.each(|cells| all.add(cells))?;
        all.formulae.sort_by_key(|formula| formula.phrase.chars().next());
        Ok(all)
    }

    fn add(&mut self, [phrase, domain, heads]: [&'static str; 3]) -> Checked<()> {
        let domain = named(Domain::ALL, "domain", domain)?;
        let before = self.formulae.iter().filter(|formula| formula.domain == domain).count();
        if before == 64 {
            return Err("a domain holds up to 64 phrases".into());
        }
        for head in heads.split(' ') {
            if !phrase.starts_with(head) {
                return Err(format!("the phrase does not begin with its head {head:?}"));
            }
            self.heads.push(head);
        }
        self.formulae.push(Formula { phrase, domain, bit: 1 << before });
        Ok(())
    }

    /// The first morphemes of the phrases.
    pub(super) fn heads(&self) -> impl Iterator<Item = &'static str> {
        self.heads.iter().copied()
    }

    /// Adds the formulae that begin at one of `items`.
    pub(super) fn find(&self, text: &str, items: &[Item], hits: &mut FormulaHits) {
        for item in items.iter().filter(|item| item.symbol.any(Flags::FORMULA)) {
            let Some(rest) = text.get(item.start as usize..) else { continue };
            let first = rest.chars().next();
            let from = self.formulae.partition_point(|formula| formula.phrase.chars().next() < first);
            let alike = self.formulae[from..].iter().take_while(|formula| formula.phrase.chars().next() == first);
            for formula in alike.filter(|formula| rest.starts_with(formula.phrase)) {
                hits.seen[formula.domain as usize] |= formula.bit;
                hits.legal += u32::from(formula.domain == Domain::Legal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keigo::alphabet::Symbol;

    #[test]
    fn formulae_are_counted_where_their_first_word_stands() {
        let text = "拝啓　時下ますます";
        let symbol = Symbol { flags: Flags::FORMULA, ..Symbol::default() };
        let item = |start, end| Item { symbol, number: 0, start, end, quoted: false };
        let mut hits = FormulaHits::default();
        Formulae::read().unwrap().find(text, &[item(0, 6), item(9, 15), item(1, 3)], &mut hits);
        assert_eq!((hits.distinct_letter(), hits.distinct_legal(), hits.is_framed_letter()), (2, 0, false));
    }
}
