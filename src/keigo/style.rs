//! Style and tone of a sentence: how does its main clause end?
//!
//! Only what stands outside brackets decides; a sentence that is nothing but a quotation takes the inner style. The end
//! is read backwards: marks and final particles are taken off, then the chain of auxiliaries says 敬体 or 常体, and a
//! noun, adverb or case particle says fragment.

use crate::keigo::alphabet::{Class, Form, Lemma, Symbol, Symbols};
use crate::keigo::flags::Flags;

/// How a sentence ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// 敬体: です, ます, ください.
    Keitai,
    /// 常体.
    Jotai,
    /// No predicate at the end (体言止め, headings, greetings).
    Fragment,
}

impl Style {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keitai => "keitai",
            Self::Jotai => "jotai",
            Self::Fragment => "fragment",
        }
    }
}

/// The manner of a sentence beside its politeness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Nothing special.
    Neutral,
    /// Papers, statutes.
    Written,
    /// Talk among friends.
    Casual,
    /// 役割語, the speech of stock characters.
    Role,
}

impl Tone {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Written => "written",
            Self::Casual => "casual",
            Self::Role => "role",
        }
    }
}

/// Style, and whether the end itself is colloquial (っす, でしょ, 〜て as a request, final よ).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) style: Style,
    pub(super) casual: bool,
}

/// Reads the end of `symbols`: the morphemes of a sentence that decide, in order, without brackets and gaps.
pub(super) fn ending(symbols: Symbols<'_>) -> Ending {
    let first = read_end(symbols);
    if first.style != Style::Fragment {
        return first;
    }
    // すごいですね、これは。 The predicate came first.
    let comma = symbols.iter().rposition(|symbol| symbol.class == Class::Comma);
    match comma.filter(|&at| at > 0 && closes(symbols.first(at))) {
        Some(at) => read_end(symbols.first(at)),
        None => first,
    }
}

/// Is this the end of a sentence, though a comma follows: a final particle, or です, ます, ました?
fn closes(symbols: Symbols<'_>) -> bool {
    let finite = |symbol: Symbol| symbol.class == Class::Auxiliary && symbol.form == Form::Plain && polite_chain(symbols);
    symbols.last().is_some_and(|last| last.class == Class::Final || finite(last))
}

fn read_end(symbols: Symbols<'_>) -> Ending {
    let mut end = symbols.len();
    while end > 0 && is_trailer(symbols.at(end - 1)) {
        end -= 1;
    }
    let marks_off = end;
    while end > 1 && is_final_particle(symbols.first(end)) {
        end -= 1;
    }
    let mut finals = (end..marks_off).map(|i| symbols.at(i)).filter(|symbol| symbol.class == Class::Final);
    let spoken = finals.clone().any(|symbol| symbol.lemma != Lemma::Ka);
    let style = predicate(symbols.first(end), finals.next().is_some());
    let abrupt = symbols.first(end).last().is_some_and(is_abrupt);
    Ending { style, casual: (spoken || abrupt) && style == Style::Jotai }
}

fn is_trailer(symbol: Symbol) -> bool {
    matches!(symbol.class, Class::Mark | Class::Comma | Class::Open | Class::Close | Class::Gap) || symbol.any(Flags::LAUGH)
}

/// Is the last symbol a particle that does not decide? A connective one (が, けど, ので), a final one, か; また の after a predicate.
fn is_final_particle(symbols: Symbols<'_>) -> bool {
    let (last, before) = (symbols.at(symbols.len() - 1), symbols.at(symbols.len() - 2));
    let after_predicate = matches!(before.class, Class::Verb | Class::Adjective | Class::Auxiliary);
    match last.class {
        Class::Final => true,
        Class::Connective => last.lemma != Lemma::Te && last.form == Form::Other,
        Class::DependentNoun => {
            last.any(Flags::CASUAL) || (last.lemma == Lemma::No && after_predicate) || is_no_noun(last, after_predicate)
        }
        Class::Topic if before.lemma == Lemma::Te => last.is(&[Lemma::Mo, Lemma::Ha]),
        Class::Particle | Class::Topic => {
            (last.lemma == Lemma::Ka || last.any(Flags::CASUAL)) || (last.lemma == Lemma::No && after_predicate)
        }
        Class::Case => after_predicate && last.is(&[Lemma::To, Lemma::Kara, Lemma::Ga]),
        _ => false,
    }
}

/// の and ん as dependent nouns (行くの？) after a predicate.
fn is_no_noun(last: Symbol, after_predicate: bool) -> bool {
    after_predicate && last.lemma == Lemma::NoNoun
}

/// て, っす, bare でしょ, ちゃう: the end of casual talk.
fn is_abrupt(symbol: Symbol) -> bool {
    symbol.is(&[Lemma::Te, Lemma::Ssu, Lemma::Choudai])
        || (symbol.lemma == Lemma::Desu && symbol.form == Form::Irrealis)
        || symbol.any(Flags::CASUAL)
}

/// Style of a sentence whose last symbol is the end of its predicate; `copula` = a final particle followed.
fn predicate(symbols: Symbols<'_>, copula: bool) -> Style {
    let Some(last) = symbols.last() else { return Style::Fragment };
    match last.class {
        Class::Auxiliary | Class::Verb | Class::Adjective => inflected(symbols, last),
        Class::Connective => {
            if polite_chain(symbols.first(symbols.len() - 1)) {
                Style::Keitai
            } else {
                Style::Jotai
            }
        }
        Class::Case | Class::Particle if wished(symbols) => Style::Keitai,
        Class::Noun | Class::Sahen | Class::AdjectivalNoun | Class::DependentNoun | Class::Suffix | Class::Number | Class::Adverb
            if copula =>
        {
            Style::Jotai
        }
        Class::Sahen if last.lemma == Lemma::Choudai => Style::Jotai,
        Class::Noun if last.lemma == Lemma::Goran && symbols.len() > 1 && symbols.at(symbols.len() - 2).lemma == Lemma::Te => Style::Jotai,
        Class::Topic if trails_off(symbols) => Style::Jotai,
        Class::Interjection | Class::Modifier if last.lemma == Lemma::Fused => Style::Keitai,
        _ => Style::Fragment,
    }
}

/// 〜のでは？
fn trails_off(symbols: Symbols<'_>) -> bool {
    let n = symbols.len();
    n > 2
        && symbols.at(n - 1).lemma == Lemma::Ha
        && symbols.at(n - 2).is(&[Lemma::De, Lemma::Da])
        && symbols.at(n - 3).lemma == Lemma::NoNoun
}

fn inflected(symbols: Symbols<'_>, last: Symbol) -> Style {
    let requested = last.lemma == Lemma::Kudasaru && last.form == Form::Imperative;
    if requested || polite_chain(symbols) { Style::Keitai } else { Style::Jotai }
}

/// 合格しますように。
fn wished(symbols: Symbols<'_>) -> bool {
    let n = symbols.len();
    n > 2 && symbols.at(n - 1).lemma == Lemma::Ni && symbols.at(n - 2).lemma == Lemma::You && polite_chain(symbols.first(n - 2))
}

/// Does the chain of auxiliaries at the end hold です or ます (not っす, not a bare でしょ)?
fn polite_chain(symbols: Symbols<'_>) -> bool {
    for (i, symbol) in symbols.iter().enumerate().rev() {
        match symbol.lemma {
            Lemma::Masu => return true,
            Lemma::Desu => return !is_bare_desho(symbols, i),
            Lemma::Ta | Lemma::Nu | Lemma::U | Lemma::Nai => {}
            _ => return false,
        }
    }
    false
}

fn is_bare_desho(symbols: Symbols<'_>, i: usize) -> bool {
    let symbol = symbols.at(i);
    (symbol.form == Form::Irrealis && symbols.get(i + 1).is_none_or(|next| next.lemma != Lemma::U)) || symbol.any(Flags::CASUAL)
}

/// Words that may begin a sign of role language or of papers.
const CUES: [Lemma; 7] = [Lemma::Gozaru, Lemma::Da, Lemma::Nai, Lemma::Nu, Lemma::To, Lemma::Yan, Lemma::Zama];

/// May this symbol make the tone of its sentence other than its end does? Where no symbol may, [`tone`] need not read them. (であろう
/// and と思われる are known by う and 思う, which are rarer than で and と.)
pub(super) fn tells_tone(symbol: Symbol) -> bool {
    let conditional = symbol.is(&[Lemma::Nai, Lemma::Nu]) && symbol.form == Form::Conditional;
    let formula = symbol.class == Class::DependentNoun && symbol.any(Flags::FORMULA);
    let word = symbol.is(&[Lemma::Gozaru, Lemma::Yan, Lemma::Zama, Lemma::U, Lemma::Omou]);
    conditional || formula || word || symbol.any(Flags::ROLE | Flags::CASUAL | Flags::LAUGH | Flags::WRITTEN)
}

/// Tone from the sentence's words (none of them if none [`tells_tone`]) and its end; `statute` = it holds a formula of statutes.
pub(super) fn tone(symbols: Symbols<'_>, ending: Ending, statute: bool) -> Tone {
    let mut seen = Flags::NONE;
    let (mut role, mut formal) = (false, statute);
    for (i, symbol) in symbols.iter().enumerate() {
        seen |= symbol.flags;
        if symbol.any(Flags::ROLE | Flags::FORMULA) || symbol.is(&CUES) {
            role |= is_role(symbols, i);
            formal |= is_formal(symbols, i);
        }
    }
    if role {
        Tone::Role
    } else if ending.style != Style::Keitai && (ending.casual || seen.any(Flags::CASUAL | Flags::LAUGH)) {
        Tone::Casual
    } else if ending.style == Style::Jotai && (formal || seen.any(Flags::WRITTEN)) {
        Tone::Written
    } else {
        Tone::Neutral
    }
}

/// ござる without ます, のじゃ, ざます, やんす; a lone わし is not enough.
fn is_role(symbols: Symbols<'_>, i: usize) -> bool {
    let symbol = symbols.at(i);
    let next = symbols.get(i + 1).map_or(Lemma::None, |next| next.lemma);
    match symbol.lemma {
        Lemma::Gozaru => next != Lemma::Masu,
        Lemma::Ja => {
            symbol.any(Flags::ROLE)
                && i > 0
                && (symbols.at(i - 1).lemma == Lemma::NoNoun || symbols.at(i - 1).is_nominal())
                && ends_here(symbols, i)
        }
        Lemma::Yan => symbols.get(i + 1).is_some_and(|next| next.class == Class::Verb),
        Lemma::Zama => next == Lemma::Suru,
        _ => {
            let ending = matches!(symbol.class, Class::Auxiliary | Class::Final | Class::Verb);
            symbol.any(Flags::ROLE) && (ending || is_role_noun(symbols, i))
        }
    }
}

/// 拙者, おぬし for the speaker or hearer; ぞい at the end.
fn is_role_noun(symbols: Symbols<'_>, i: usize) -> bool {
    let compound = i > 0 && symbols.at(i - 1).is_nominal();
    symbols.at(i).class == Class::Noun && !compound || symbols.at(i).class == Class::Suffix && ends_here(symbols, i)
}

/// Only particles and marks follow.
fn ends_here(symbols: Symbols<'_>, i: usize) -> bool {
    symbols.get(i + 1).is_none_or(|next| matches!(next.class, Class::Mark | Class::Final | Class::Comma | Class::Close))
}

/// であろう, なければならない, ものとする.
fn is_formal(symbols: Symbols<'_>, i: usize) -> bool {
    let at = |k: usize| symbols.at(i + k);
    let symbol = symbols.at(i);
    let conjecture = symbol.lemma == Lemma::Da && at(1).lemma == Lemma::Aru && at(2).lemma == Lemma::U;
    let duty = symbol.lemma == Lemma::Nai && symbol.form == Form::Conditional && at(2).lemma == Lemma::Naru;
    let rule = symbol.class == Class::DependentNoun && at(1).lemma == Lemma::To && at(2).lemma == Lemma::Suru && at(3).class == Class::Mark;
    // 言わねばならない; 〜ものと思われる。
    let must = symbol.lemma == Lemma::Nu && symbol.form == Form::Conditional && at(2).is(&[Lemma::Naru, Lemma::Nai]);
    let thought = symbol.lemma == Lemma::To && at(1).lemma == Lemma::Omou && at(2).lemma == Lemma::Reru && at(3).class == Class::Mark;
    must || thought || conjecture || duty || (rule && symbol.any(Flags::FORMULA))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(class: Class, lemma: Lemma) -> Symbol {
        Symbol { class, lemma, ..Symbol::default() }
    }

    fn masu() -> Symbol {
        word(Class::Auxiliary, Lemma::Masu)
    }

    fn noun() -> Symbol {
        word(Class::Noun, Lemma::None)
    }

    fn mark() -> Symbol {
        word(Class::Mark, Lemma::None)
    }

    fn end_of(symbols: &[Symbol]) -> Ending {
        let numbers: Vec<u16> = (0..).take(symbols.len()).collect();
        ending(Symbols { table: symbols, numbers: &numbers })
    }

    fn style(symbols: &[Symbol]) -> Style {
        end_of(symbols).style
    }

    #[test]
    fn the_last_predicate_decides() {
        let ta = word(Class::Auxiliary, Lemma::Ta);
        let ga = word(Class::Connective, Lemma::Ga);
        let verb = word(Class::Verb, Lemma::None);
        assert_eq!(style(&[verb, masu(), ta, mark()]), Style::Keitai);
        assert_eq!(style(&[verb, masu(), ga, verb, ta]), Style::Jotai);
        assert_eq!(style(&[verb, masu(), ga, mark()]), Style::Keitai);
        assert_eq!(style(&[verb, word(Class::Connective, Lemma::Te)]), Style::Jotai);
        assert_eq!(style(&[noun(), mark()]), Style::Fragment);
        assert_eq!(style(&[]), Style::Fragment);
    }

    #[test]
    fn a_predicate_before_an_afterthought_decides() {
        let ne = word(Class::Final, Lemma::None);
        let comma = word(Class::Comma, Lemma::None);
        assert_eq!(style(&[noun(), masu(), ne, comma, noun(), word(Class::Topic, Lemma::Ha), mark()]), Style::Keitai);
        assert_eq!(style(&[noun(), masu(), comma, noun(), mark()]), Style::Fragment);
    }

    #[test]
    fn a_final_particle_stands_for_the_copula() {
        assert_eq!(style(&[noun(), word(Class::Final, Lemma::Ka), mark()]), Style::Jotai);
    }

    #[test]
    fn bare_desho_is_casual() {
        let desho = Symbol { form: Form::Irrealis, ..word(Class::Auxiliary, Lemma::Desu) };
        let u = word(Class::Auxiliary, Lemma::U);
        assert_eq!(end_of(&[noun(), desho]), Ending { style: Style::Jotai, casual: true });
        assert_eq!(style(&[noun(), desho, u]), Style::Keitai);
    }
}
