//! Which patterns may begin at a morpheme: told by its symbol and that of the next, without trying any.

use crate::keigo::alphabet::{Symbol, Symbols};
use crate::keigo::rules::{RuleSet, Step};

/// A set of patterns for each symbol.
#[derive(Debug)]
struct BySymbol {
    /// Index in `sets`, by the number of a symbol: there are thousands of symbols, but few different sets, which stay in cache.
    index: Vec<u16>,
    /// The different sets.
    sets: Vec<RuleSet>,
}

impl BySymbol {
    /// Takes the set of each symbol, in the order of their numbers.
    fn new(all: impl Iterator<Item = RuleSet>) -> Self {
        let (mut index, mut sets) = (Vec::new(), Vec::new());
        for set in all {
            let known = sets.iter().position(|known| *known == set);
            // There are no more sets than symbols, which have numbers of sixteen bits.
            index.push(known.unwrap_or(sets.len()) as u16);
            if known.is_none() {
                sets.push(set);
            }
        }
        Self { index, sets }
    }

    /// The set of the symbol with this number.
    fn of(&self, number: usize) -> RuleSet {
        self.sets[usize::from(self.index[number])]
    }
}

/// Sets of patterns by number of a symbol.
#[derive(Debug)]
pub(super) struct Beginnings {
    /// Those whose first step a morpheme with this symbol can be.
    first: BySymbol,
    /// Those that a morpheme with this symbol can follow upon, as their second.
    second: BySymbol,
    /// Those that do not ask for a certain second morpheme.
    open: RuleSet,
}

impl Beginnings {
    /// Binds patterns, at most as many as a [`RuleSet`] has bits, to symbols. A pattern without steps begins nowhere.
    pub(super) fn new(patterns: &[&[Step]], symbols: &[Symbol]) -> Self {
        let set = |fits: &dyn Fn(&[Step]) -> bool| {
            patterns.iter().enumerate().filter(|(_, steps)| fits(steps)).fold(0, |set: RuleSet, (i, _)| set | 1 << i)
        };
        let of_symbols =
            |fits: fn(&[Step], Symbol) -> bool| BySymbol::new(symbols.iter().map(|symbol| set(&|steps: &[Step]| fits(steps, *symbol))));
        let first = of_symbols(|steps, symbol| steps.first().is_some_and(|step| step.can_begin(symbol)));
        let second = of_symbols(|steps, symbol| certain_second(steps).is_none_or(|step| step.fits(symbol)));
        Self { first, second, open: set(&|steps: &[Step]| certain_second(steps).is_none()) }
    }

    /// The patterns that may begin at morpheme `i`.
    pub(super) fn at(&self, symbols: Symbols<'_>, i: usize) -> RuleSet {
        let number = |i: usize| symbols.numbers.get(i).map(|number| usize::from(*number));
        let first = number(i).map_or(0, |number| self.first.of(number));
        first & number(i + 1).map_or(self.open, |number| self.second.of(number))
    }

    /// May a pattern begin with this symbol, whatever follows?
    pub(super) fn alone(&self, number: usize) -> bool {
        self.first.of(number) & self.open != 0
    }

    /// May a pattern begin with this symbol, if a certain one follows?
    pub(super) fn before_another(&self, number: usize) -> bool {
        self.first.of(number) & !self.open != 0
    }

    /// May this symbol be the certain one that follows?
    pub(super) fn after_another(&self, number: usize) -> bool {
        self.second.of(number) & !self.open != 0
    }
}

/// The second step, if it is a single morpheme that must stand directly after the first.
fn certain_second(steps: &[Step]) -> Option<Step> {
    let single = |step: &Step| !matches!(step, Step::Prefixed(_) | Step::PrefixedOf(_) | Step::May(_));
    match steps {
        [first, second, ..] if single(first) && single(second) => Some(*second),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keigo::alphabet::{Class, Form, Lemma};

    #[test]
    fn a_pair_of_symbols_tells_the_patterns() {
        let read = |steps: &str| steps.split(' ').map(|step| Step::read(step).unwrap()).collect::<Vec<_>>();
        let patterns = ["class:Verb/Irrealis Reru", "Itadaku", "Masu U?", "prefixed Suru"].map(read);
        let word = |class, lemma, form| Symbol { class, lemma, form, ..Symbol::default() };
        let table = [
            Symbol::default(),
            word(Class::Verb, Lemma::Itadaku, Form::Irrealis),
            word(Class::Verb, Lemma::Reru, Form::Plain),
            word(Class::Auxiliary, Lemma::Masu, Form::Plain),
            word(Class::Prefix, Lemma::Prefix, Form::Other),
        ];
        let beginnings = Beginnings::new(&patterns.each_ref().map(Vec::as_slice), &table);
        let at = |numbers: &[u16]| beginnings.at(Symbols { table: &table, numbers }, 0);
        assert_eq!(at(&[1, 2]), 0b0011, "行かれ may be respect, いただかれ both");
        assert_eq!((at(&[1, 3]), at(&[1])), (0b0010, 0b0010), "no れる follows");
        assert_eq!((at(&[3]), at(&[4, 0]), at(&[2, 1]), at(&[])), (0b0100, 0b1000, 0, 0));
        assert!(beginnings.alone(1) && beginnings.before_another(1) && !beginnings.after_another(1));
        assert!(!beginnings.alone(2) && !beginnings.before_another(2) && beginnings.after_another(2));
    }
}
