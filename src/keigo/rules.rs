//! The rules of honorific forms: one row of `rules.tsv` a rule, written over the neutral alphabet.
//!
//! At each morpheme the first row that fits wins and its morphemes are spent, so spans never overlap. A row is: what
//! the morphemes are (a pattern of steps), and a condition on what stands around them. Classes follow 敬語の指針
//! (Council for Cultural Affairs, 2007). Rows of the class `NONE` spend morphemes that only look honorific.

use crate::error::Result;
use crate::keigo::alphabet::{Class, Form, Lemma, Symbol, named_enum};
use crate::keigo::conditions::{CONDITIONS, Condition};
use crate::keigo::flags::Flags;
use crate::keigo::table::{Checked, Table, named};
use crate::keigo::vocabulary::flags_named;

/// Class of an honorific form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Honorific {
    /// 尊敬語: raises the actor or owner.
    Son,
    /// 謙譲語I: raises the person the act is directed to.
    Ken1,
    /// 謙譲語II (丁重語): courtesy to the hearer.
    Ken2,
    /// Both at once (お/ご〜いたす).
    Ken12,
    /// 丁寧語.
    Tei,
    /// 美化語.
    Bik,
}

impl Honorific {
    /// Every class.
    const ALL: [Self; 6] = [Self::Son, Self::Ken1, Self::Ken2, Self::Ken12, Self::Tei, Self::Bik];

    /// Its name in files: `SON`, `KEN1`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Son => "SON",
            Self::Ken1 => "KEN1",
            Self::Ken2 => "KEN2",
            Self::Ken12 => "KEN12",
            Self::Tei => "TEI",
            Self::Bik => "BIK",
        }
    }
}

/// A set of lemmas.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LemmaSet([u64; 2]);

const _: () = assert!(Lemma::ALL.len() <= 128, "a LemmaSet has a bit a lemma");

impl LemmaSet {
    /// Is this lemma in the set?
    pub(super) fn contains(self, lemma: Lemma) -> bool {
        self.0[lemma as usize >> 6 & 1] >> (lemma as u8 & 63) & 1 == 1
    }
}

/// What one morpheme (or one prefixed word) of a pattern has to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// `prefixed`, `prefixed:FLAG|FLAG`: お/ご + core, in one or several morphemes, with any of these flags (none = whichever).
    Prefixed(Flags),
    /// `prefixed=Lemma|Lemma`: お/ご + this core.
    PrefixedOf(LemmaSet),
    /// `Lemma|Lemma`: one of these words.
    Word(LemmaSet),
    /// `any:FLAG|FLAG`: a word with any of these flags.
    Any(Flags),
    /// `class:Class/Form`: a word of this class and form.
    Inflected(Class, Form),
    /// `class:Class`: a word of this class.
    Of(Class),
    /// `Lemma|Lemma?`: one of these words, or nothing.
    May(LemmaSet),
}

impl Step {
    /// Can a match begin with this symbol?
    pub(super) fn can_begin(self, symbol: Symbol) -> bool {
        match self {
            Self::Prefixed(_) | Self::PrefixedOf(_) => symbol.any(Flags::PREFIXED) || symbol.is_prefix(),
            step => step.fits(symbol),
        }
    }

    /// Does one symbol fit a step that is not a prefixed word?
    pub(super) fn fits(self, symbol: Symbol) -> bool {
        match self {
            Self::Prefixed(_) | Self::PrefixedOf(_) => false,
            Self::Word(lemmas) | Self::May(lemmas) => lemmas.contains(symbol.lemma),
            Self::Any(flags) => symbol.any(flags) && symbol.class != Class::Mark,
            Self::Inflected(class, form) => symbol.class == class && symbol.form == form,
            Self::Of(class) => symbol.class == class,
        }
    }

    /// Reads a step as the tables write it.
    pub(super) fn read(text: &str) -> Checked<Self> {
        if text == "prefixed" {
            Ok(Self::Prefixed(Flags::NONE))
        } else if let Some(names) = text.strip_prefix("prefixed:") {
            Ok(Self::Prefixed(flags_named(names, '|')?))
        } else if let Some(names) = text.strip_prefix("prefixed=") {
            Ok(Self::PrefixedOf(lemmas(names)?))
        } else if let Some(names) = text.strip_prefix("any:") {
            Ok(Self::Any(flags_named(names, '|')?))
        } else if let Some(names) = text.strip_prefix("class:") {
            class(names)
        } else if let Some(names) = text.strip_suffix('?') {
            Ok(Self::May(lemmas(names)?))
        } else {
            Ok(Self::Word(lemmas(text)?))
        }
    }
}

fn lemmas(names: &str) -> Checked<LemmaSet> {
    let mut set = LemmaSet::default();
    for name in names.split('|') {
        let lemma = named(Lemma::ALL, "lemma", name)?;
        set.0[lemma as usize >> 6] |= 1 << (lemma as u8 & 63);
    }
    Ok(set)
}

fn class(names: &str) -> Checked<Step> {
    let of_class = |name| named(Class::ALL, "class", name);
    match names.split_once('/') {
        Some((class, form)) => Ok(Step::Inflected(of_class(class)?, named(Form::ALL, "form", form)?)),
        None => Ok(Step::Of(of_class(names)?)),
    }
}

named_enum! {
    /// What else a rule says of its spans.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Label {
        /// て+ください: politeness rather than respect.
        Weak,
        /// させていただく, counted apart.
        Sasete,
        /// Direction noun whose giver is not known.
        Ambiguous,
    }
}

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// `CLASS.kind`, stable.
    pub(super) id: &'static str,
    /// The class of its spans; `None` spends the morphemes without a span.
    pub(super) class: Option<Honorific>,
    /// Level it gives its sentence, 0–3.
    pub(super) level: u8,
    /// Leading steps that do not belong to the span: those in parentheses.
    pub(super) skip: usize,
    /// The morphemes.
    pub(super) steps: Vec<Step>,
    /// The condition.
    pub(super) when: Condition,
    /// What else it says of its spans.
    pub(super) label: Option<Label>,
}

/// The table of rules.
pub(super) const RULES: Table<5> = Table {
    file: "rules.tsv",
    columns: ["rule", "level", "pattern", "condition", "label"],
    unique: 3,
    text: include_str!("../../dicts/keigo/rules.tsv"),
};

/// Set of rules by number.
pub(super) type RuleSet = u128;

/// Reads the rules, in the order in which they are tried.
pub(super) fn read() -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    RULES.each(|cells| {
        if rules.len() == RuleSet::BITS as usize {
            return Err(format!("there are more than {} rules", RuleSet::BITS));
        }
        rules.push(rule(cells)?);
        Ok(())
    })?;
    Ok(rules)
}

fn rule([id, level, pattern, condition, label]: [&'static str; 5]) -> Checked<Rule> {
    let level = level.parse().ok().filter(|level| *level <= 3).ok_or_else(|| format!("level {level:?} is not 0, 1, 2 or 3"))?;
    let label = if label == "-" { None } else { Some(named(Label::ALL, "label", label)?) };
    let (skipped, kept) = match pattern.strip_prefix('(') {
        Some(rest) => rest.split_once(") ").ok_or("a parenthesis is not closed before the last step")?,
        None => ("", pattern),
    };
    let mut steps = Vec::new();
    for step in skipped.split_terminator(' ').chain(kept.split(' ')) {
        steps.push(Step::read(step)?);
    }
    let skip = skipped.split_terminator(' ').count();
    Ok(Rule { id, class: honorific(id)?, level, skip, steps, when: named(CONDITIONS, "condition", condition)?, label })
}

/// The class that a rule's id begins with.
fn honorific(id: &str) -> Checked<Option<Honorific>> {
    let name = id.split_once('.').filter(|(_, kind)| !kind.is_empty()).map(|(class, _)| class);
    let class = Honorific::ALL.into_iter().find(|class| Some(class.name()) == name);
    if class.is_none() && name != Some("NONE") { Err(format!("{id:?} is not CLASS.kind")) } else { Ok(class) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_read_step_by_step() {
        let rule =
            rule(["KEN1.x", "2", "(Seru Te) prefixed:BIKA|VERBAL prefixed=Me Itadaku|Suru class:Verb/Plain Reru?", "always", "Weak"])
                .unwrap();
        assert_eq!((rule.class, rule.level, rule.skip, rule.steps.len()), (Some(Honorific::Ken1), 2, 2, 7));
        assert_eq!(rule.label, Some(Label::Weak));
        assert!(matches!(rule.steps[2], Step::Prefixed(flags) if flags == Flags::BIKA | Flags::VERBAL));
        assert!(matches!(rule.steps[4], Step::Word(set) if set.contains(Lemma::Suru) && !set.contains(Lemma::Me)));
    }

    #[test]
    fn what_is_not_a_rule_is_refused() {
        for (cells, wanted) in [
            (["KEN3.x", "2", "Te", "always", "-"], "\"KEN3.x\" is not CLASS.kind"),
            (["SON.", "2", "Te", "always", "-"], "is not CLASS.kind"),
            (["SON.x", "4", "Te", "always", "-"], "level \"4\""),
            (["SON.x", "2", "To Tee", "always", "-"], "no lemma is called \"Tee\""),
            (["SON.x", "2", "(To Te)", "always", "-"], "parenthesis"),
            (["SON.x", "2", "prefixed:BIG", "always", "-"], "no flag is called \"BIG\""),
            (["SON.x", "2", "class:Verb/Past", "always", "-"], "no form is called \"Past\""),
            (["SON.x", "2", "Te", "never", "-"], "no condition is called \"never\""),
            (["SON.x", "2", "Te", "always", ""], "no label is called"),
        ] {
            let error = rule(cells).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
