//! Formulae: fixed phrases of statutes, letters, business, shops and parliament, which tell the kind of a document.

use crate::error::Result;
use crate::keigo::alphabet::named_enum;
use crate::keigo::flags::Flags;
use crate::keigo::items::Items;
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
        /// Business letters and mail.
        Business,
        /// Shops, desks, telephones.
        Service,
        /// Parliament.
        Diet,
    }
}

/// The domains as files name them, sorted.
pub const DOMAINS: [&str; 5] = ["business", "diet", "legal", "letter", "service"];

impl Domain {
    /// Its index in [`DOMAINS`].
    fn place(self) -> usize {
        match self {
            Self::Business => 0,
            Self::Diet => 1,
            Self::Legal => 2,
            Self::Opening | Self::Closing | Self::Letter => 3,
            Self::Service => 4,
        }
    }
}

/// A formula in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormulaHit {
    /// Byte start in the document.
    pub start: u32,
    /// Byte end in the document.
    pub end: u32,
    /// One of [`DOMAINS`].
    pub domain: &'static str,
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

/// Which formulae a document holds, and how many of each domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FormulaHits {
    /// A bit a phrase; an index is a [`Domain`].
    seen: [u64; Domain::ALL.len()],
    /// Occurrences, by the index in [`DOMAINS`].
    counts: [u32; DOMAINS.len()],
}

impl FormulaHits {
    fn distinct(self, domain: Domain) -> u32 {
        self.seen[domain as usize].count_ones()
    }

    /// Occurrences of formulae of statutes.
    pub fn legal(self) -> u32 {
        self.counts[Domain::Legal.place()]
    }

    /// Occurrences by domain, sorted by name, those without any left out.
    pub fn counts(self) -> impl Iterator<Item = (&'static str, u32)> {
        DOMAINS.into_iter().zip(self.counts).filter(|(_, n)| *n > 0)
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

    /// Adds the formulae that begin at one of `items` to the hits of the document and to `found`.
    pub(super) fn find(&self, text: &str, items: Items<'_>, hits: &mut FormulaHits, found: &mut Vec<FormulaHit>) {
        for (_, &start) in items.symbols.iter().zip(items.starts).filter(|(symbol, _)| symbol.any(Flags::FORMULA)) {
            let Some(rest) = text.get(start as usize..) else { continue };
            let first = rest.chars().next();
            let from = self.formulae.partition_point(|formula| formula.phrase.chars().next() < first);
            let alike = self.formulae[from..].iter().take_while(|formula| formula.phrase.chars().next() == first);
            for formula in alike.filter(|formula| rest.starts_with(formula.phrase)) {
                let place = formula.domain.place();
                hits.seen[formula.domain as usize] |= formula.bit;
                hits.counts[place] += 1;
                found.push(FormulaHit { start, end: start + formula.phrase.len() as u32, domain: DOMAINS[place] });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keigo::alphabet::{Symbol, Symbols};

    #[test]
    fn formulae_are_counted_where_their_first_word_stands() {
        let text = "拝啓　時下ますます";
        let symbol = Symbol { flags: Flags::FORMULA, ..Symbol::default() };
        let symbols = Symbols { table: &[symbol], numbers: &[0, 0, 0] };
        let items = Items { symbols, starts: &[0, 9, 1], ends: &[6, 15, 3], quoted: &[] };
        let (mut hits, mut found) = (FormulaHits::default(), Vec::new());
        Formulae::read().unwrap().find(text, items, &mut hits, &mut found);
        assert_eq!((hits.distinct_letter(), hits.distinct_legal(), hits.is_framed_letter()), (2, 0, false));
        assert_eq!(hits.counts().collect::<Vec<_>>(), [("letter", 2)]);
        assert_eq!(found[1], FormulaHit { start: 9, end: 15, domain: "letter" });
    }
}
