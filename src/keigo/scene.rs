//! What stands around a match: the morphemes of the sentence, the clause so far, the prefixed word.
//!
//! The conditions of the rules ask it. It looks at a fixed number of neighbours or at the running [`Clause`], so matching
//! stays linear.

use crate::keigo::alphabet::{Class, Form, Lemma, Symbol};
use crate::keigo::flags::Flags;
use crate::keigo::items::Items;

/// Who or what is the subject so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Subject {
    /// Nobody named.
    #[default]
    Omitted,
    /// A person raised by title.
    Raised,
    /// Another person.
    Person,
    /// The speaker's side.
    Speaker,
    /// A thing.
    Thing,
}

/// What the clause has said before the morpheme we look at.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a clause and of its sentence")]
pub(super) struct Clause {
    /// What は or も marked.
    pub(super) topic: Subject,
    /// What が marked.
    pub(super) nominative: Subject,
    /// Flags of what を marked.
    pub(super) object: Option<Flags>,
    /// Somebody with に, から, によって.
    pub(super) agent: bool,
    /// Something with で.
    pub(super) location: bool,
    /// Flags of all its morphemes.
    pub(super) seen: Flags,
    /// Its sentence is 敬体.
    pub(super) polite: bool,
    /// Its sentence asks.
    pub(super) question: bool,
    /// Its sentence is about the hearer: it asks, or ends in ね.
    pub(super) addressed: bool,
    /// Its sentence is honorific speech: it holds ます, です, なさる, 様 or another word of courtesy.
    pub(super) courteous: bool,
}

impl Clause {
    /// A question to the hearer, in 敬体.
    pub(super) fn asks_politely(&self) -> bool {
        self.polite && self.question
    }

    /// Said about the hearer, in 敬体: a question, or 〜されているんですね.
    pub(super) fn addresses(&self) -> bool {
        self.polite && self.addressed
    }

    /// The subject: the nearest が, else the topic.
    pub(super) fn subject(&self) -> Subject {
        if self.nominative == Subject::Omitted { self.topic } else { self.nominative }
    }

    /// Takes in item `i`.
    pub(super) fn advance(&mut self, items: Items<'_>, i: usize) {
        let symbol = items.at(i);
        self.seen |= symbol.flags;
        match symbol.lemma {
            Lemma::Ga if symbol.class == Class::Case => self.nominative = subject_of(items, i).unwrap_or(self.nominative),
            Lemma::Ha | Lemma::Mo => self.topic = subject_of(items, i).unwrap_or(self.topic),
            Lemma::Wo => self.object = Some(before(items, i).map_or(Flags::NONE, |symbol| symbol.flags)),
            Lemma::Niyotte => self.agent = true,
            Lemma::Ni | Lemma::Kara => self.agent |= before(items, i).is_some_and(is_person),
            Lemma::De if symbol.class == Class::Case => self.location = true,
            _ => {}
        }
        let by_means = || before(items, i).is_some_and(|before| before.lemma == Lemma::Niyotte);
        // 運慶の仏像を、偶然入手された: a comma directly after を parts nothing.
        let after_object = symbol.class == Class::Comma && before(items, i).is_some_and(|before| before.lemma == Lemma::Wo);
        if after_object {
            return;
        }
        if symbol.class == Class::Comma || (symbol.class == Class::Connective && !by_means()) {
            self.end();
        } else if symbol.is_finite() && items.get(i + 1).is_some_and(|next| next.class != Class::Auxiliary) {
            // What stood before belongs to a relative or subordinate clause, but for the topic.
            self.end();
            self.nominative = Subject::Omitted;
        }
    }

    /// A clause ends: its object and agent go, its topic stays.
    fn end(&mut self) {
        *self = Self { object: None, agent: false, location: false, seen: Flags::NONE, ..*self };
    }
}

fn before(items: Items<'_>, i: usize) -> Option<Symbol> {
    i.checked_sub(1).map(|i| items.at(i))
}

fn is_person(symbol: Symbol) -> bool {
    symbol.any(Flags::PERSON | Flags::RAISED) || symbol.is(&[Lemma::Sama, Lemma::Dono])
}

/// The subject that the particle at `i` marks; `None` when it marks a time or no noun at all.
fn subject_of(items: Items<'_>, i: usize) -> Option<Subject> {
    let mut head = before(items, i)?;
    if head.is(&[Lemma::Ni, Lemma::De, Lemma::To]) {
        head = before(items, i - 1)?;
        if !is_person(head) {
            return None;
        }
    }
    if head.any(Flags::RAISED) || head.is(&[Lemma::Sama, Lemma::Dono]) {
        Some(Subject::Raised)
    } else if head.any(Flags::SPEAKER) {
        Some(Subject::Speaker)
    } else if head.any(Flags::TIME) || !head.is_nominal() {
        None
    } else if head.any(Flags::PERSON) {
        Some(Subject::Person)
    } else {
        Some(Subject::Thing)
    }
}

/// A prefixed word: お, ご or 御 and its core, in one morpheme or several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefixed {
    /// First item after it.
    pub(super) end: usize,
    /// Properties of the core.
    pub(super) flags: Flags,
    /// The core's word.
    pub(super) lemma: Lemma,
    /// The core's class.
    pub(super) class: Class,
    /// The core is written in kana.
    pub(super) kana: bool,
}

/// The prefixed word that begins at item `i`.
pub(super) fn prefixed(items: Items<'_>, i: usize) -> Option<Prefixed> {
    let symbol = items.get(i)?;
    if symbol.any(Flags::PREFIXED) {
        return joined_word(items, i, symbol);
    }
    if !symbol.is_prefix() {
        return None;
    }
    let core = items.get(i + 1)?;
    let next = items.get(i + 2);
    if core.any(Flags::STOP) {
        return None;
    }
    match core.class {
        Class::Verb if core.form == Form::Irrealis && next.is_some_and(|next| next.lemma == Lemma::Seru) => {
            Some(Prefixed { end: i + 3, flags: Flags::VERBAL, lemma: Lemma::None, class: Class::Verb, kana: false })
        }
        Class::Verb if core.form == Form::Continuative => Some(Prefixed {
            end: i + 2,
            flags: core.flags | Flags::VERBAL,
            lemma: core.lemma,
            class: Class::Verb,
            kana: core.any(Flags::KANA),
        }),
        Class::Suffix if core.is(&[Lemma::Sama, Lemma::Dono]) => None,
        Class::Noun | Class::Sahen | Class::AdjectivalNoun | Class::Suffix => separate_noun(i, core, next),
        Class::Number => counted(items, i).filter(|counted| symbol.lemma != Lemma::Prefix || counted.flags.any(Flags::PERSON)),
        Class::Adjective => Some(Prefixed {
            end: i + 2,
            flags: core.flags | Flags::VERBAL,
            lemma: Lemma::None,
            class: Class::Adjective,
            kana: core.any(Flags::KANA),
        }),
        _ => None,
    }
}

/// お話+し before ください is one verb stem; お召+し likewise.
fn joined_word(items: Items<'_>, i: usize, symbol: Symbol) -> Option<Prefixed> {
    if symbol.any(Flags::STOP) {
        return None;
    }
    let at = |k: usize| items.get(i + k);
    if symbol.any(Flags::THANKED) && at(1).is_some_and(|next| next.lemma == Lemma::Sama) {
        return None;
    }
    let stem = at(1).is_some_and(|next| next.lemma == Lemma::Suru && next.form == Form::Continuative)
        && at(2).is_some_and(|next| next.any(Flags::SUPPORT));
    // お立ち|寄り|ください
    let compound =
        at(1).is_some_and(|next| next.any(Flags::VERBAL) && next.is_nominal()) && at(2).is_some_and(|next| next.any(Flags::SUPPORT));
    Some(Prefixed {
        end: i + 1 + usize::from((stem || compound) && symbol.any(Flags::VERBAL)),
        flags: symbol.flags,
        lemma: symbol.lemma,
        class: symbol.class,
        kana: false,
    })
}

/// ご一行, ご一子: a number and what it counts.
fn counted(items: Items<'_>, i: usize) -> Option<Prefixed> {
    let counted = items.get(i + 2).filter(|symbol| matches!(symbol.class, Class::Noun | Class::Suffix))?;
    if counted.any(Flags::STOP) {
        return None;
    }
    let flags = counted.flags.and(Flags::PERSON) | Flags::OWNED | Flags::COMMON;
    Some(Prefixed { end: i + 3, flags, lemma: Lemma::None, class: counted.class, kana: false })
}

fn separate_noun(i: usize, core: Symbol, next: Option<Symbol>) -> Option<Prefixed> {
    let titled = next.is_some_and(|next| next.lemma == Lemma::Sama);
    if titled && core.any(Flags::THANKED) || next.is_some_and(|next| next.any(Flags::STOP) && next.class == Class::Suffix) {
        return None;
    }
    let named = next.is_some_and(|next| next.any(Flags::ADDRESS));
    if named && !core.any(Flags::OWNED) {
        // お町さん: お belongs to the name.
        return None;
    }
    let flags = if titled { Flags::OWNED } else { core.flags };
    Some(Prefixed { end: i + 2 + usize::from(titled || named), flags, lemma: core.lemma, class: core.class, kana: core.any(Flags::KANA) })
}

/// A match under examination: items `from..to` fit the steps of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The sentence.
    pub(super) items: Items<'a>,
    /// First item of the match.
    pub(super) from: usize,
    /// First item after it.
    pub(super) to: usize,
    /// The prefixed word at `from`, if any.
    pub(super) prefixed: Option<Prefixed>,
    /// What the clause said before.
    pub(super) clause: &'a Clause,
}

impl Scene<'_> {
    /// The symbol `n` morphemes before the match: 1 is its neighbour.
    pub(super) fn back(&self, n: usize) -> Symbol {
        self.from.checked_sub(n).map_or(Symbol::default(), |i| self.items.at(i))
    }

    /// The symbol `n` morphemes after the match: 0 is its neighbour.
    pub(super) fn next(&self, n: usize) -> Symbol {
        self.items.at(self.to + n)
    }

    /// The first symbol of the match.
    pub(super) fn head(&self) -> Symbol {
        self.items.at(self.from)
    }

    /// The last symbol of the match.
    pub(super) fn last(&self) -> Symbol {
        self.items.at(self.to - 1)
    }

    /// Has the core of the prefixed word any of these flags?
    pub(super) fn core(&self, flags: Flags) -> bool {
        self.prefixed.is_some_and(|prefixed| prefixed.flags.any(flags))
    }
}
