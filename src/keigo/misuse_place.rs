//! Where a suspected misuse stands: its morphemes, and what a look back over the clause says of its subject and of the people
//! in it.
//!
//! A look back passes at most [`REACH`] morphemes, so that the search stays linear.

use crate::keigo::alphabet::{Class, Form, Lemma, Symbol};
use crate::keigo::flags::Flags;
use crate::keigo::items::Items;
use crate::keigo::scene::Prefixed;

/// Morphemes that a look back passes.
const REACH: usize = 40;

/// A suspected misuse: items `from..to`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The document.
    pub(super) text: &'a str,
    /// The sentence.
    pub(super) items: Items<'a>,
    /// Its first item.
    pub(super) from: usize,
    /// The item after its last.
    pub(super) to: usize,
    /// The prefixed word at `from`, if any.
    pub(super) prefixed: Option<Prefixed>,
    /// The sentence is 敬体.
    pub(super) polite: bool,
}

/// A noun with the particle that marks it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marked {
    /// The last item of the noun.
    pub(super) head: usize,
    /// が, は or も.
    pub(super) marker: Lemma,
}

impl<'a> Place<'a> {
    /// Symbol of an item; that of a mark where there is none.
    pub(super) fn symbol(&self, i: usize) -> Symbol {
        self.items.at(i)
    }

    /// The symbol `n` items before: 1 is the neighbour.
    pub(super) fn back(&self, n: usize) -> Symbol {
        self.from.checked_sub(n).map_or(Symbol::default(), |i| self.symbol(i))
    }

    /// The symbol `n` items after: 0 is the neighbour.
    pub(super) fn next(&self, n: usize) -> Symbol {
        self.symbol(self.to + n)
    }

    /// The last symbol of the match.
    pub(super) fn last(&self) -> Symbol {
        self.symbol(self.to - 1)
    }

    /// Text of items.
    pub(super) fn surface(&self, from: usize, to: usize) -> &'a str {
        self.items.surface(self.text, from, to)
    }

    /// Has the core of the prefixed word any of these flags?
    pub(super) fn core(&self, flags: Flags) -> bool {
        self.prefixed.is_some_and(|prefixed| prefixed.flags.any(flags))
    }

    /// Text of the prefixed word.
    pub(super) fn prefixed_word(&self) -> &'a str {
        self.prefixed.map_or("", |prefixed| self.surface(self.from, prefixed.end))
    }

    /// Items before the match that are quoted as it is, nearest first.
    fn before(&self) -> impl Iterator<Item = usize> + '_ {
        let quoted = self.items.is_quoted(self.from);
        (self.from.saturating_sub(REACH)..self.from).rev().filter(move |i| self.items.is_quoted(*i) == quoted)
    }

    /// The nearest が, は or も of the same clause, with its noun. Nothing is passed that has a subject of its own: no finite
    /// verb, no connective but て.
    pub(super) fn subject(&self) -> Option<Marked> {
        for i in self.before() {
            let symbol = self.symbol(i);
            let concedes = self.symbol(i + 1).is(&[Lemma::Mo, Lemma::Ha]) && symbol.lemma == Lemma::Te;
            if ends_clause(symbol) || concedes {
                return None;
            }
            let marks = symbol.is(&[Lemma::Ga, Lemma::Ha, Lemma::Mo]) && matches!(symbol.class, Class::Case | Class::Topic);
            if let Some(head) = i.checked_sub(1).filter(|head| marks && self.can_be_subject(*head)) {
                return Some(Marked { head, marker: symbol.lemma });
            }
        }
        None
    }

    fn can_be_subject(&self, i: usize) -> bool {
        let symbol = self.symbol(i);
        let formal = symbol.class == Class::DependentNoun && !is_person(symbol);
        symbol.is_nominal() && !formal && !symbol.any(Flags::TIME)
    }

    /// Somebody raised in the sentence so far who is not its subject: the one towards whom the act may go (先生に, お客様を,
    /// 部長のお荷物を).
    pub(super) fn somebody_raised(&self) -> bool {
        self.before().any(|i| {
            let (symbol, next) = (self.symbol(i), self.symbol(i + 1));
            let raised = is_person(symbol) && !symbol.any(Flags::SPEAKER | Flags::STAFF);
            raised && !next.is(&[Lemma::Ga, Lemma::Ha, Lemma::Mo, Lemma::Sama]) && !matches!(next.class, Class::Comma | Class::Suffix)
        })
    }

    /// The object of the match is a word with お or ご (お荷物を).
    pub(super) fn honorific_object(&self) -> bool {
        let prefixed = |n| self.back(n).any(Flags::PREFIXED) || self.back(n + 1).lemma == Lemma::Prefix;
        self.back(1).lemma == Lemma::Wo && (prefixed(2) || self.back(4).lemma == Lemma::Prefix)
    }

    /// What stands before the noun at `head`: its first item, and the owner before の.
    fn owner(&self, head: usize) -> (usize, Symbol) {
        let lowest = head.saturating_sub(4);
        let first = (lowest..head).rev().take_while(|i| self.symbol(*i).is_nominal()).last().unwrap_or(head);
        let symbol = |n| first.checked_sub(n).map_or(Symbol::default(), |i| self.symbol(i));
        (first, if symbol(1).lemma == Lemma::No { symbol(2) } else { Symbol::default() })
    }

    /// A relative of the speaker (母, うちの父), or somebody of the speaker's house (弊社の田中, 弊社).
    pub(super) fn is_own_side(&self, head: usize) -> bool {
        let symbol = self.symbol(head);
        let (first, owner) = self.owner(head);
        let before = first.checked_sub(1).map_or(Symbol::default(), |i| self.symbol(i));
        if symbol.any(Flags::KIN) {
            let modified = matches!(before.class, Class::Modifier | Class::Prefix | Class::Verb | Class::Auxiliary | Class::Adjective);
            let owned = before.lemma != Lemma::No || owner.any(Flags::SPEAKER | Flags::HOUSE);
            return first == head && !modified && owned;
        }
        let of_house = owner.any(Flags::HOUSE) || (first..head).any(|i| self.symbol(i).any(Flags::HOUSE));
        let insider = (is_person(symbol) || symbol.any(Flags::STAFF)) && symbol.lemma != Lemma::Sama && !symbol.any(Flags::SON_NOUN);
        let house = symbol.any(Flags::HOUSE) && !symbol.any(Flags::KANA) && owner == Symbol::default() && first == head;
        house || of_house && insider && !symbol.any(Flags::SPEAKER) && before.class != Class::Prefix
    }

    /// The speaker: 私, not 彼の私.
    pub(super) fn is_self(&self, head: usize) -> bool {
        self.symbol(head).any(Flags::SELF) && self.owner(head) == (head, Symbol::default())
    }

    /// Somebody who is raised by the word itself: お客様, 皆様, 貴社, 山田様.
    pub(super) fn is_guest(&self, head: usize) -> bool {
        let symbol = self.symbol(head);
        symbol.lemma == Lemma::Sama || symbol.any(Flags::SON_NOUN) && symbol.any(Flags::RAISED)
    }

    /// か after what follows the match.
    pub(super) fn asks(&self) -> bool {
        (0..5).map(|n| self.next(n)).take_while(|symbol| !matches!(symbol.class, Class::Mark | Class::Comma)).any(|s| s.lemma == Lemma::Ka)
    }
}

/// Somebody.
pub(super) fn is_person(symbol: Symbol) -> bool {
    symbol.any(Flags::PERSON | Flags::RAISED) || symbol.lemma == Lemma::Sama
}

/// Does a clause with a subject of its own end here?
fn ends_clause(symbol: Symbol) -> bool {
    match symbol.class {
        Class::Verb | Class::Adjective | Class::Auxiliary => {
            matches!(symbol.form, Form::Plain | Form::Conditional | Form::Imperative | Form::Volitional)
        }
        Class::Connective => symbol.lemma != Lemma::Te,
        Class::Mark => true,
        _ => false,
    }
}
