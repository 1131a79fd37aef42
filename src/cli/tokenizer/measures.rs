//! The measures of a tokenizer report as tables show them: name, meaning, value, and which end is better.

use crate::pipeline::tokenizer_report::{Figures, Portrait};

/// Which values are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Better {
    High,
    Low,
    Neither,
}

/// A row of the table.
pub(super) struct Measure {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) better: Better,
    pub(super) value: fn(&Portrait) -> Option<f64>,
    pub(super) form: Form,
}

/// How a value is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// With so many decimals.
    Number(usize),
    Percent,
    Whole,
}

impl Form {
    pub(super) fn write(self, value: Option<f64>) -> String {
        match (self, value) {
            (_, None) => "–".to_owned(),
            (Self::Number(decimals), Some(value)) => format!("{value:.decimals$}"),
            (Self::Percent, Some(value)) => format!("{:.2} %", value * 100.0),
            (Self::Whole, Some(value)) => crate::cli::ui::thousands(value as u64),
        }
    }
}

const fn measure(name: &'static str, about: &'static str, better: Better, form: Form, value: fn(&Portrait) -> Option<f64>) -> Measure {
    Measure { name, about, better, value, form }
}

fn total(portrait: &Portrait) -> &Figures {
    &portrait.total
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// All of them, in the order of the tables.
pub(super) const MEASURES: [Measure; 18] = [
    measure("vocabulary", "ids", Better::Neither, Form::Whole, |p| Some(p.vocab_size as f64)),
    measure("tokens", "of all documents", Better::Low, Form::Whole, |p| Some(total(p).sums.tokens as f64)),
    measure("characters a token", "compression", Better::High, Form::Number(3), |p| total(p).characters_per_token),
    measure("bytes a token", "UTF-8", Better::High, Form::Number(3), |p| total(p).bytes_per_token),
    measure("tokens a morpheme", "blanks are none", Better::Neither, Form::Number(3), |p| total(p).tokens_per_morpheme),
    measure("precision", "boundaries of tokens that are boundaries of morphemes", Better::High, Form::Number(3), |p| total(p).precision),
    measure("recall", "boundaries of morphemes that are boundaries of tokens", Better::Neither, Form::Number(3), |p| total(p).recall),
    measure("straddling", "tokens that hold a boundary of morphemes and begin or end inside one", Better::Low, Form::Percent, |p| {
        total(p).straddling
    }),
    measure("clean", "tokens that begin and end where morphemes do", Better::High, Form::Percent, |p| total(p).clean),
    measure("Rényi efficiency", "α = 2.5; evenness of token frequencies", Better::High, Form::Number(4), |p| p.renyi_efficiency),
    measure("unused", "tokens that do not occur here", Better::Low, Form::Percent, |p| Some(p.unused_share)),
    measure("inside a character", "share of all tokens", Better::Low, Form::Percent, |p| {
        share(total(p).sums.inside_character, total(p).sums.tokens)
    }),
    measure("across characters", "tokens of the vocabulary with parts of two", Better::Low, Form::Whole, |p| {
        Some(p.shapes.across_characters as f64)
    }),
    measure("characters with a token", "of the different ones here", Better::High, Form::Percent, |p| {
        share(p.coverage.with_token, p.coverage.distinct)
    }),
    measure("their occurrences", "share of all characters", Better::High, Form::Percent, |p| p.coverage.occurrences_with_token),
    measure("tokens for the others", "a character without a token of its own", Better::Low, Form::Number(2), |p| {
        p.coverage.tokens_per_other
    }),
    measure("longest number", "digits in one token", Better::Neither, Form::Whole, |p| Some(p.shapes.longest_number as f64)),
    measure("longest blank", "characters of white space in one token", Better::Neither, Form::Whole, |p| {
        Some(p.shapes.longest_blank as f64)
    }),
];

/// The places of the best values, where there are several that differ as they are written.
pub(super) fn best(values: &[Option<f64>], measure: &Measure) -> Vec<bool> {
    let known = || values.iter().flatten().copied();
    let target = match measure.better {
        Better::High => known().fold(f64::NEG_INFINITY, f64::max),
        Better::Low => known().fold(f64::INFINITY, f64::min),
        Better::Neither => return vec![false; values.len()],
    };
    let target = measure.form.write(Some(target));
    let is_best = |value: f64| measure.form.write(Some(value)) == target;
    let different = known().any(|value| !is_best(value));
    values.iter().map(|value| different && value.is_some_and(is_best)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_marked_where_there_is_one() {
        let of = |better, values: &[Option<f64>]| best(values, &measure("", "", better, Form::Number(2), |_| None));
        assert_eq!(of(Better::High, &[Some(1.0), Some(2.0), None]), [false, true, false]);
        assert_eq!(of(Better::Low, &[Some(1.0), Some(2.0)]), [true, false]);
        assert_eq!(of(Better::High, &[Some(2.001), Some(2.002)]), [false, false]);
        assert_eq!(of(Better::Neither, &[Some(1.0), Some(2.0)]), [false, false]);
        assert_eq!(of(Better::High, &[None]), [false]);
        let written = (Form::Percent.write(Some(0.0371)), Form::Whole.write(None), Form::Number(2).write(Some(2.0)));
        assert_eq!(written, ("3.71 %".into(), "–".into(), "2.00".into()));
    }
}
