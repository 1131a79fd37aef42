//! The first look at a sentence: sixteen bits for each distinct symbol, so that one pass over its numbers tells what there is to find.
//!
//! Most sentences hold no form of respect and no sign of a tone: they are read no further than this and their end.

use crate::keigo::alphabet::{Class, Lemma, Symbol};
use crate::keigo::beginnings::Beginnings;
use crate::keigo::flags::Flags;
use crate::keigo::style::tells_tone;

/// What a symbol may mean, a bit each.
pub(super) type Glance = u16;

/// The bits of pairs: where a symbol has the higher bit of a pair and the next symbol the lower, both together mean something.
const PAIRS: Glance = 0b0101_0101;
/// Together the beginning of an honorific form.
const FORM: Glance = 1;
/// Together the beginning of a misuse.
const SUSPECT: Glance = 1 << 2;
/// て + いる, で + ある: of today's Japanese.
const TE_IRU: Glance = 1 << 4;
const DE_ARU: Glance = 1 << 6;
/// Alone the beginning of an honorific form, or a word with です or ます inside.
const FORM_ALONE: Glance = 1 << 8;
/// Alone the beginning of a misuse.
const SUSPECT_ALONE: Glance = 1 << 9;
/// A bracket.
pub(super) const BRACKET: Glance = 1 << 10;
/// A word of honorific speech.
pub(super) const COURTESY: Glance = 1 << 11;
/// The first word of a formula.
pub(super) const FORMULA: Glance = 1 << 12;
/// May tell the tone.
pub(super) const TONE: Glance = 1 << 13;
/// An auxiliary of today's Japanese.
const MODERN: Glance = 1 << 14;
/// A word of classical Japanese.
const CLASSICAL: Glance = 1 << 15;

/// The bits of `symbol`, which has this number.
pub(super) fn glance(symbol: Symbol, number: usize, forms: &Beginnings, suspects: &Beginnings) -> Glance {
    let bit = |bit: Glance, set: bool| if set { bit } else { 0 };
    bit(FORM << 1, forms.before_another(number))
        | bit(FORM, forms.after_another(number))
        | bit(FORM_ALONE, forms.alone(number) || symbol.lemma == Lemma::Fused)
        | bit(SUSPECT << 1, suspects.before_another(number))
        | bit(SUSPECT, suspects.after_another(number))
        | bit(SUSPECT_ALONE, suspects.alone(number))
        | bit(TE_IRU << 1, symbol.lemma == Lemma::Te)
        | bit(TE_IRU, symbol.class == Class::Verb && symbol.any(Flags::KANA))
        | bit(DE_ARU << 1, symbol.lemma == Lemma::Da)
        | bit(DE_ARU, symbol.lemma == Lemma::Aru)
        | bit(BRACKET, matches!(symbol.class, Class::Open | Class::Close))
        | bit(COURTESY, symbol.any(Flags::COURTESY))
        | bit(FORMULA, symbol.any(Flags::FORMULA))
        | bit(TONE, tells_tone(symbol))
        | bit(MODERN, symbol.any(Flags::MODERN))
        | bit(CLASSICAL, symbol.any(Flags::CLASSICAL))
}

/// What a run of morphemes holds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    /// The bits of its symbols.
    seen: Glance,
    /// The pairs that its symbols make.
    pairs: Glance,
    /// Words inflected as in classical Japanese (文語), and auxiliaries of today's: た, だ, ます, ている, である.
    pub(super) ages: [u32; 2],
}

impl Look {
    /// Looks over morphemes, given as numbers of symbols with these `glances`.
    pub(super) fn over(glances: &[Glance], numbers: &[u16]) -> Self {
        let (mut seen, mut pairs, mut before) = (0, 0, 0);
        let (mut classical, mut modern) = (0, 0);
        for &number in numbers {
            let glance = glances[usize::from(number)];
            let pair = before >> 1 & glance & PAIRS;
            seen |= glance;
            pairs |= pair;
            classical += u32::from(glance & CLASSICAL != 0);
            modern += u32::from(glance & MODERN | pair & (TE_IRU | DE_ARU) != 0);
            before = glance;
        }
        Self { seen, pairs, ages: [classical, modern] }
    }

    /// Has any symbol this bit?
    pub(super) fn has(self, bit: Glance) -> bool {
        self.seen & bit != 0
    }

    /// May it hold an honorific form?
    pub(super) fn may_hold_form(self) -> bool {
        self.seen & FORM_ALONE | self.pairs & FORM != 0
    }

    /// May a misuse begin in it that begins with no honorific form?
    pub(super) fn is_suspect(self) -> bool {
        self.seen & SUSPECT_ALONE | self.pairs & SUSPECT != 0
    }
}

/// May an honorific form begin at a morpheme with this glance?
pub(super) fn begins_form(glance: Glance) -> bool {
    glance & (FORM << 1 | FORM_ALONE) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_count_only_side_by_side() {
        let glances = [0, TE_IRU << 1, TE_IRU, MODERN | DE_ARU << 1, DE_ARU, FORM << 1 | CLASSICAL, FORM | FORMULA];
        let look = |numbers: &[u16]| Look::over(&glances, numbers);
        assert_eq!(look(&[1, 2, 3, 4, 0, 5]).ages, [1, 3], "ている, だ, である");
        assert_eq!(look(&[1, 0, 2, 4, 3]).ages, [0, 1], "only だ");
        assert!(look(&[5, 6]).may_hold_form() && !look(&[6, 5]).may_hold_form() && !look(&[5, 0, 6]).may_hold_form());
        assert!(look(&[6]).has(FORMULA) && !look(&[5]).has(FORMULA) && !look(&[5, 6]).is_suspect());
    }
}
