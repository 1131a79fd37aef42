//! Conditions over the keigo of a document, as a plan writes them: registers, sources, levels, and figures such as `"< 0.6"`.

use std::collections::BTreeMap;

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

/// A figure of this name and suffix is the figure over the sentences of the document: `n_casual_share`.
const SHARE: &str = "_share";
/// What shares are of.
pub(super) const SENTENCES: &str = "n_sentences";

/// Which documents a rule speaks of. Everything that is given must hold; a condition that gives nothing holds for all.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(default)]
pub struct When {
    /// The register is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub register: Vec<String>,
    /// The source matches one of these globs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
    /// Sentences of this level or above (1 to 3) are there; with `share`, at least that share of all sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_at_least: Option<u8>,
    /// The least share of sentences for `level_at_least`, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// A figure of the column `keigo`, by name, against a number: `consistency = "< 0.6"`, `misuse_errors = "> 3"`. With the suffix
    /// `_share` the figure is divided by the number of sentences: `n_casual_share = ">= 0.2"`.
    #[serde(flatten)]
    pub figures: BTreeMap<String, String>,
}

/// The sign between a figure and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// Signs as a plan writes them; two characters before one.
const SIGNS: [(&str, Sign); 6] =
    [("<=", Sign::AtMost), (">=", Sign::AtLeast), ("==", Sign::Equal), ("<", Sign::Less), (">", Sign::More), ("=", Sign::Equal)];

/// A figure and its limit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    /// Its name in the plan.
    name: String,
    /// Field of the column `keigo`.
    pub(super) field: String,
    /// Is it divided by the number of sentences?
    share: bool,
    sign: Sign,
    limit: f64,
}

/// A condition that is ready to be asked.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    registers: Vec<String>,
    sources: Option<GlobSet>,
    level: Option<(u8, f64)>,
    pub(super) figures: Vec<Figure>,
}

/// What is known of a document.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts<'a> {
    pub(super) register: &'a str,
    pub(super) source: &'a str,
    /// Sentences by level 0 to 3.
    pub(super) levels: [u32; 4],
    pub(super) sentences: u32,
}

impl When {
    /// One sentence about the first value that cannot be used; `known` are the registers and the figures that exist.
    pub(super) fn check(&self, section: &str, known: &Known<'_>) -> Result<(), String> {
        if let Some(name) = self.register.iter().find(|name| !known.registers.contains(&name.as_str())) {
            return Err(format!("{section}.register: there is no register \"{name}\"; there are {}", known.registers.join(", ")));
        }
        if let Some(e) = self.source.iter().find_map(|glob| Glob::new(glob).err()) {
            return Err(format!("{section}.source is no glob: {e}"));
        }
        if self.level_at_least.is_some_and(|level| !(1..=3).contains(&level)) {
            return Err(format!("{section}.level_at_least must be 1, 2 or 3"));
        }
        match self.share {
            Some(_) if self.level_at_least.is_none() => return Err(format!("{section}.share needs level_at_least beside it")),
            Some(share) if !(0.0..=1.0).contains(&share) => return Err(format!("{section}.share must lie between 0 and 1")),
            _ => {}
        }
        for (name, text) in &self.figures {
            let figure = Figure::parse(name, text).ok_or_else(|| {
                format!("{section}.{name} = \"{text}\" is no condition; write a sign and a number, such as \"< 0.6\" or \">= 3\"")
            })?;
            if !known.figures.contains(&figure.field.as_str()) {
                let nearest = known.figures.iter().min_by_key(|name| strsim::damerau_levenshtein(name, &figure.field));
                return Err(format!(
                    "{section}.{name}: the column keigo has no figure of this name; the nearest is `{}`",
                    nearest.copied().unwrap_or_default()
                ));
            }
        }
        Ok(())
    }

    /// The condition; what [`When::check`] refuses holds for nothing.
    pub(super) fn compile(&self) -> Condition {
        let mut globs = GlobSetBuilder::new();
        self.source.iter().filter_map(|glob| Glob::new(glob).ok()).for_each(|glob| {
            globs.add(glob);
        });
        Condition {
            registers: self.register.clone(),
            sources: (!self.source.is_empty()).then(|| globs.build().unwrap_or_default()),
            level: self.level_at_least.map(|level| (level.min(3), self.share.unwrap_or(0.))),
            figures: self.figures.iter().filter_map(|(name, text)| Figure::parse(name, text)).collect(),
        }
    }
}

/// The names that conditions may use: those of the room that makes the columns.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Names of registers.
    pub registers: &'a [&'a str],
    /// Numeric fields of the column `keigo`.
    pub figures: &'a [&'a str],
}

impl Figure {
    fn parse(name: &str, text: &str) -> Option<Self> {
        let text = text.trim();
        let (sign, rest) = SIGNS.iter().find_map(|(written, sign)| Some((*sign, text.strip_prefix(written)?)))?;
        let limit: f64 = rest.trim().parse().ok().filter(|limit: &f64| limit.is_finite())?;
        let field = name.strip_suffix(SHARE);
        Some(Self { name: name.to_owned(), field: field.unwrap_or(name).to_owned(), share: field.is_some(), sign, limit })
    }

    /// The figure of a document whose field has this value; `None` where there is nothing to divide by.
    fn of(&self, value: f64, sentences: u32) -> Option<f64> {
        if !self.share {
            return Some(value);
        }
        (sentences > 0).then(|| value / f64::from(sentences))
    }

    fn holds(&self, value: f64) -> bool {
        match self.sign {
            Sign::Less => value < self.limit,
            Sign::AtMost => value <= self.limit,
            Sign::Equal => value.to_bits() == self.limit.to_bits(),
            Sign::AtLeast => value >= self.limit,
            Sign::More => value > self.limit,
        }
    }

    fn sign(&self) -> &'static str {
        SIGNS.iter().find(|(_, sign)| *sign == self.sign).map_or("", |(written, _)| written)
    }
}

impl Condition {
    /// Does the document meet it? `values` are those of `figures`, `None` where the field is null: nothing is said of it.
    pub(super) fn holds(&self, facts: Facts<'_>, values: impl Iterator<Item = Option<f64>>) -> bool {
        let register = self.registers.is_empty() || self.registers.iter().any(|name| name == facts.register);
        let source = self.sources.as_ref().is_none_or(|globs| globs.is_match(facts.source));
        let level = self.level.is_none_or(|(level, share)| {
            let at_least = at_least(facts.levels, level);
            at_least > 0 && f64::from(at_least) >= share * f64::from(facts.sentences)
        });
        let figure = |(figure, value): (&Figure, Option<f64>)| {
            value.and_then(|value| figure.of(value, facts.sentences)).is_some_and(|value| figure.holds(value))
        };
        register && source && level && self.figures.iter().zip(values).all(figure)
    }

    /// What was found, with the limits: `register mixed; consistency 0.52 < 0.6`.
    pub(super) fn evidence(&self, facts: Facts<'_>, values: impl Iterator<Item = Option<f64>>) -> String {
        let mut told = vec![format!("register {}", facts.register)];
        if let Some((level, share)) = self.level {
            let found = at_least(facts.levels, level);
            told.push(format!("level {level} or above in {found} of {} sentences (share >= {share})", facts.sentences));
        }
        for (figure, value) in self.figures.iter().zip(values) {
            if let Some(value) = value.and_then(|value| figure.of(value, facts.sentences)) {
                told.push(format!("{} {} {} {}", figure.name, short(value), figure.sign(), figure.limit));
            }
        }
        told.join("; ")
    }
}

fn at_least(levels: [u32; 4], level: u8) -> u32 {
    levels.iter().skip(usize::from(level)).sum()
}

/// At most four decimals.
fn short(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known<'static> = Known { registers: &["mixed", "polite"], figures: &["consistency", "n_casual", "misuse_errors"] };

    fn when(toml: &str) -> When {
        toml::from_str(toml).unwrap()
    }

    fn facts() -> Facts<'static> {
        Facts { register: "mixed", source: "forum-7", levels: [6, 2, 1, 1], sentences: 10 }
    }

    fn holds(toml: &str, values: &[Option<f64>]) -> bool {
        let when = when(toml);
        when.check("when", &KNOWN).unwrap();
        when.compile().holds(facts(), values.iter().copied())
    }

    #[test]
    fn everything_that_is_given_must_hold() {
        assert!(holds("", &[]));
        assert!(holds("register = [\"polite\", \"mixed\"]\nsource = [\"forum-*\"]", &[]));
        assert!(!holds("register = [\"mixed\"]\nsource = [\"news-*\"]", &[]));
        assert!(holds("level_at_least = 2\nshare = 0.2", &[]) && !holds("level_at_least = 2\nshare = 0.21", &[]));
        assert!(holds("level_at_least = 3", &[]));
        assert!(holds("consistency = \"< 0.6\"", &[Some(0.5)]) && !holds("consistency = \"< 0.6\"", &[Some(0.6)]));
        assert!(!holds("consistency = \"< 0.6\"", &[None]), "nothing is known, nothing holds");
        assert!(holds("n_casual_share = \">=0.2\"", &[Some(2.)]) && !holds("n_casual_share = \"> 0.2\"", &[Some(2.)]));
        assert!(holds("misuse_errors = \"== 3\"", &[Some(3.)]) && holds("misuse_errors = \"= 3\"", &[Some(3.)]));
    }

    #[test]
    fn a_document_without_sentences_has_no_shares() {
        let condition = when("n_casual_share = \">= 0\"").compile();
        assert!(!condition.holds(Facts::default(), [Some(0.)].into_iter()));
        assert!(!when("level_at_least = 1\nshare = 0.0").compile().holds(Facts::default(), std::iter::empty()));
    }

    #[test]
    fn evidence_tells_figure_and_limit() {
        let condition = when("register = [\"mixed\"]\nlevel_at_least = 2\nconsistency = \"< 0.6\"").compile();
        let told = condition.evidence(facts(), [Some(0.523_45)].into_iter());
        assert_eq!(told, "register mixed; level 2 or above in 2 of 10 sentences (share >= 0); consistency 0.5235 < 0.6");
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_a_sentence() {
        for (toml, part) in [
            ("register = [\"polit\"]", "there are mixed, polite"),
            ("source = [\"a[\"]", "no glob"),
            ("level_at_least = 4", "1, 2 or 3"),
            ("share = 0.3", "needs level_at_least"),
            ("level_at_least = 2\nshare = 1.5", "between 0 and 1"),
            ("consistency = \"0.6\"", "a sign and a number"),
            ("consistency = \"< nan\"", "a sign and a number"),
            ("consistancy = \"< 0.6\"", "nearest is `consistency`"),
        ] {
            let refused = when(toml).check("keigo.rule.when", &KNOWN).unwrap_err();
            assert!(refused.contains("keigo.rule.when") && refused.contains(part), "{refused}");
        }
    }
}
