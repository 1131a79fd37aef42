//! The policies of the plan's `[keigo]`: documents that go or stay by register, source, level and misuse, and documents that
//! quality rules must not touch.

use serde::{Deserialize, Serialize};

use super::condition::{Condition, Facts, Figure, Known, When};
use super::presets::Bound;
use super::rebalance::Rebalance;

/// What is done with the registers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Columns only.
    #[default]
    Tag,
    /// Drop documents by `[[keigo.rule]]`.
    Filter,
    /// `filter`, and then bring the registers to the shares of `[keigo.rebalance]`.
    Rebalance,
}

/// What a rule does with the documents it speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// They go to `rejected/`.
    #[default]
    Drop,
    /// They stay; no later rule is asked.
    Keep,
}

/// A rule of the policy `filter`. Rules are asked in order; the first whose condition holds decides, and without one a document stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeigoRule {
    /// Which documents.
    pub when: When,
    /// drop or keep.
    pub then: Then,
    /// The name of the rule in `rejected/`: letters, digits, `-` and `_`; `rule-N` where it is not given.
    pub reason: String,
}

/// Formulae and documents that are spared.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protect {
    /// Leave formulae of letters, business, shops and parliament out where near-duplicates are compared and where repetition within a
    /// document is measured, unless fewer than 50 characters would be left. Exact duplicates have the same whole text.
    pub formulae: bool,
    /// Quality rules that do not count for protected documents: the name of a threshold (`short_lines`, `mean_sentence_min`) or of
    /// its measure (`mean_sentence`), with or without `quality.` before it.
    pub exempt: Vec<String>,
    /// Which documents are protected.
    pub exempt_when: When,
}

impl Default for Protect {
    fn default() -> Self {
        // Where documents share no formulae it changes nothing (`benches/results`), and where they do it keeps what they say.
        Self { formulae: true, exempt: Vec::new(), exempt_when: When::default() }
    }
}

/// The policies of a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyOptions {
    /// What is done with the registers.
    pub policy: Policy,
    /// Rules of the policies `filter` and `rebalance`.
    pub rule: Vec<KeigoRule>,
    /// Formulae and documents that are spared.
    pub protect: Protect,
    /// Shares of the policy `rebalance`.
    pub rebalance: Option<Rebalance>,
}

impl PolicyOptions {
    /// One sentence about the first value that cannot be used; `known` are the names that conditions may use.
    pub fn check(&self, known: &Known<'_>) -> Result<(), String> {
        for (i, rule) in self.rule.iter().enumerate() {
            rule.when.check("keigo.rule.when", known)?;
            if !rule.reason.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
                return Err(format!("keigo.rule {}: its reason may have letters, digits, - and _ only", i + 1));
            }
        }
        match self.policy {
            Policy::Filter if self.rule.is_empty() => {
                return Err("keigo.policy is \"filter\", but there is no [[keigo.rule]]".into());
            }
            _ => {}
        }
        self.protect.check(known)?;
        match (&self.rebalance, self.policy) {
            (Some(rebalance), _) => rebalance.check(known.registers),
            (None, Policy::Rebalance) => Err("keigo.policy is \"rebalance\", but [keigo.rebalance] is missing".into()),
            (None, _) => Ok(()),
        }
    }
}

impl Protect {
    fn check(&self, known: &Known<'_>) -> Result<(), String> {
        let all = super::presets::Thresholds::default().bounds();
        if let Some(name) = self.exempt.iter().find(|name| !all.iter().any(|bound| names(name, bound))) {
            return Err(format!("keigo.protect.exempt: there is no quality rule \"{name}\""));
        }
        if self.exempt.is_empty() && self.exempt_when != When::default() {
            return Err("keigo.protect.exempt_when is there, but keigo.protect.exempt names no rule".into());
        }
        self.exempt_when.check("keigo.protect.exempt_when", known)
    }
}

/// Does a name in the plan mean this rule?
fn names(name: &str, bound: &Bound) -> bool {
    let name = name.strip_prefix("quality.").unwrap_or(name);
    name == bound.rule || name == bound.measure
}

/// A rule that is ready to be asked.
#[derive(Debug, Clone)]
struct Compiled {
    condition: Condition,
    then: Then,
    reason: String,
}

/// The policies, ready to be asked; immutable.
#[derive(Debug, Clone, Default)]
pub(super) struct Policies {
    rules: Vec<Compiled>,
    exempt: Option<(Condition, Vec<String>)>,
}

/// A document that a rule drops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict<'a> {
    pub(super) reason: &'a str,
    pub(super) evidence: String,
}

impl Policies {
    pub(super) fn new(options: &PolicyOptions) -> Self {
        let compiled = |(i, rule): (usize, &KeigoRule)| Compiled {
            condition: rule.when.compile(),
            then: rule.then,
            reason: if rule.reason.is_empty() { format!("rule-{}", i + 1) } else { rule.reason.clone() },
        };
        let protect = &options.protect;
        Self {
            // A policy is switched off by its name; what it would do may stay in the plan.
            rules: options.rule.iter().enumerate().filter(|_| options.policy != Policy::Tag).map(compiled).collect(),
            exempt: (!protect.exempt.is_empty()).then(|| (protect.exempt_when.compile(), protect.exempt.clone())),
        }
    }

    /// Is there nothing to ask?
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.exempt.is_none()
    }

    /// Every figure that is asked for, condition after condition.
    pub(super) fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.conditions().flat_map(|condition| &condition.figures)
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.exempt.iter().map(|(condition, _)| condition).chain(self.rules.iter().map(|rule| &rule.condition))
    }

    /// Is the document exempt from some quality rules? `values` are those of [`Policies::figures`].
    pub(super) fn protects(&self, facts: Facts<'_>, values: &[Option<f64>]) -> bool {
        self.exempt.as_ref().is_some_and(|(condition, _)| condition.holds(facts, values.iter().copied()))
    }

    /// Does the rule count for protected documents?
    pub(super) fn counts(&self, bound: &Bound) -> bool {
        self.exempt.as_ref().is_none_or(|(_, exempt)| !exempt.iter().any(|name| names(name, bound)))
    }

    /// The rule that drops the document, if one does. `values` are those of [`Policies::figures`].
    pub(super) fn verdict(&self, facts: Facts<'_>, values: &[Option<f64>]) -> Option<Verdict<'_>> {
        let mut at = self.exempt.as_ref().map_or(0, |(condition, _)| condition.figures.len());
        for rule in &self.rules {
            let own = values.iter().copied().skip(at).take(rule.condition.figures.len());
            at += rule.condition.figures.len();
            if rule.condition.holds(facts, own.clone()) {
                let drops = rule.then == Then::Drop;
                return drops.then(|| Verdict { reason: &rule.reason, evidence: rule.condition.evidence(facts, own) });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::presets::{Preset, Thresholds};
    use super::*;

    const KNOWN: Known<'static> = Known { registers: &["mixed", "polite"], figures: &["consistency", "misuse_errors"] };

    fn options(rules: &str) -> PolicyOptions {
        #[derive(Deserialize)]
        struct Rules {
            rule: Vec<KeigoRule>,
        }
        PolicyOptions { policy: Policy::Filter, rule: toml::from_str::<Rules>(rules).unwrap().rule, ..PolicyOptions::default() }
    }

    fn facts(register: &'static str) -> Facts<'static> {
        Facts { register, source: "forum", levels: [5, 5, 0, 0], sentences: 10 }
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let options = options(
            "[[rule]]\nwhen = { register = [\"mixed\"], misuse_errors = \"< 2\" }\nthen = \"keep\"\n\
             [[rule]]\nwhen = { register = [\"mixed\"], consistency = \"< 0.6\" }\nreason = \"mixed-style\"\n\
             [[rule]]\nwhen = { misuse_errors = \"> 8\" }\n",
        );
        options.check(&KNOWN).unwrap();
        let policies = Policies::new(&options);
        assert_eq!(
            policies.figures().map(|figure| figure.field.as_str()).collect::<Vec<_>>(),
            ["misuse_errors", "consistency", "misuse_errors"]
        );
        let asked = |register, errors: f64, consistency| {
            let values = [Some(errors), consistency, Some(errors)];
            policies.verdict(facts(register), &values).map(|verdict| (verdict.reason.to_owned(), verdict.evidence))
        };
        assert_eq!(asked("mixed", 1., Some(0.5)), None, "kept by the first rule");
        let found = asked("mixed", 3., Some(0.5));
        assert_eq!(found, Some(("mixed-style".into(), "register mixed; consistency 0.5 < 0.6".into())));
        assert_eq!(asked("mixed", 3., None), None);
        assert_eq!(asked("polite", 9., Some(1.)).map(|(reason, _)| reason), Some("rule-3".into()));
    }

    #[test]
    fn exemptions_name_rules_or_measures() {
        let protect = Protect {
            formulae: false,
            exempt: vec!["quality.mean_sentence".into(), "short_lines".into()],
            exempt_when: When { level_at_least: Some(1), share: Some(0.5), ..When::default() },
        };
        let options = PolicyOptions { protect, ..PolicyOptions::default() };
        options.check(&KNOWN).unwrap();
        let policies = Policies::new(&options);
        assert!(policies.protects(facts("polite"), &[]));
        assert!(!policies.protects(Facts { levels: [6, 4, 0, 0], ..facts("polite") }, &[]));
        let set = Thresholds { mean_sentence_min: Some(9.), mean_sentence_max: Some(90.), short_lines: Some(0.5), ..Thresholds::default() };
        let bounds = Preset::Web.bounds(&set);
        let spared: Vec<_> = bounds.iter().filter(|bound| !policies.counts(bound)).map(|bound| bound.rule).collect();
        assert_eq!(spared, ["short_lines", "mean_sentence_min", "mean_sentence_max"]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let rule = || options("[[rule]]\nwhen = { register = [\"mixed\"] }").rule;
        let said = |options: PolicyOptions| options.check(&KNOWN).unwrap_err();
        let off = PolicyOptions { policy: Policy::Tag, rule: rule(), ..PolicyOptions::default() };
        assert!(off.check(&KNOWN).is_ok() && Policies::new(&off).is_empty(), "switched off");
        assert!(said(PolicyOptions { policy: Policy::Filter, ..PolicyOptions::default() }).contains("no [[keigo.rule]]"));
        assert!(said(PolicyOptions { policy: Policy::Rebalance, ..PolicyOptions::default() }).contains("is missing"));
        let exempt = |name: &str| Protect { exempt: vec![name.into()], ..Protect::default() };
        assert!(said(PolicyOptions { protect: exempt("quality.nothing"), ..PolicyOptions::default() }).contains("nothing"));
        let mut spaced = options("[[rule]]\nwhen = { register = [\"mixed\"] }\nreason = \"no spaces please\"");
        assert!(said(spaced.clone()).contains("reason"));
        spaced.rule[0].reason = "ok".into();
        assert!(spaced.check(&KNOWN).is_ok());
    }
}
