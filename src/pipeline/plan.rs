//! The plan: what a run shall do, read from TOML, checked whole before anything is written.
//!
//! Every room owns its section and says what it accepts; the plan only puts the sections together in the order of the
//! flow. Unknown keys are errors that name the key, the line and the nearest valid key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan_text;
use crate::error::{Error, Result};
use crate::{bpe, corpus, decide, dedup, keigo, normalize, pack, pii, segment, shard};

/// A run's settings. Every key has a default except `input.paths`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// What is read.
    pub input: corpus::Options,
    /// How text is normalised.
    pub normalize: normalize::Options,
    /// How text is cut into morphemes.
    pub segment: segment::Options,
    /// Which documents are good enough.
    pub quality: decide::QualityOptions,
    /// What is done with politeness.
    pub keigo: KeigoOptions,
    /// What is done with personal data.
    pub pii: pii::Options,
    /// Which duplicates go.
    pub dedup: dedup::Options,
    /// Which documents are held out of training.
    pub split: decide::Split,
    /// The vocabulary.
    pub tokenizer: bpe::Options,
    /// The Parquet shards.
    pub shards: shard::Options,
    /// The packed sequences.
    pub pack: pack::Options,
}

/// `[keigo]`: what is done with politeness. Registers are the room `keigo`'s, policies the room `decide`'s.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeigoOptions {
    /// tag: columns only; filter: drop documents by `[[keigo.rule]]`; rebalance: then bring the registers to the shares of
    /// `[keigo.rebalance]`.
    pub policy: decide::Policy,
    /// Rules of the policies `filter` and `rebalance`; the first whose condition holds decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<decide::KeigoRule>,
    /// Formulae that are not compared, and documents that quality rules must not touch.
    pub protect: decide::Protect,
    /// Shares of the registers, for the policy `rebalance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<decide::rebalance::Rebalance>,
    /// Thresholds of the registers.
    pub register: keigo::Thresholds,
}

impl KeigoOptions {
    /// The policies, as the room `decide` takes them.
    pub fn policies(&self) -> decide::PolicyOptions {
        decide::PolicyOptions {
            policy: self.policy,
            rule: self.rule.clone(),
            protect: self.protect.clone(),
            rebalance: self.rebalance.clone(),
        }
    }

    /// The shares that the registers are brought to, if that is the policy.
    pub fn mixture(&self) -> Option<&decide::rebalance::Rebalance> {
        self.rebalance.as_ref().filter(|_| self.policy == decide::Policy::Rebalance)
    }

    /// What judging a document reads: all but what a mixture needs.
    pub(super) fn of_rules(&self) -> Self {
        // `filter` and `rebalance` ask the same rules.
        let policy = if self.policy == decide::Policy::Tag { decide::Policy::Tag } else { decide::Policy::Filter };
        let protect = decide::Protect { formulae: decide::Protect::default().formulae, ..self.protect.clone() };
        Self { policy, rebalance: None, register: keigo::Thresholds::default(), protect, ..self.clone() }
    }

    /// What annotation reads: thresholds of registers, and whether measures of repetition leave formulae out.
    fn of_annotation(&self) -> Self {
        let protect = decide::Protect { formulae: self.protect.formulae, ..decide::Protect::default() };
        Self { register: self.register.clone(), protect, ..Self::default() }
    }

    fn check(&self) -> std::result::Result<(), String> {
        let registers = keigo::Register::ALL.map(keigo::Register::name);
        let figures = keigo::columns::numbers();
        self.policies().check(&decide::Known { registers: &registers, figures: &figures })?;
        self.register.check()
    }
}

impl Plan {
    /// Parses and checks a plan; `name` stands for the file in messages.
    ///
    /// # Errors
    /// `Refused`, with everything that is wrong, in the order of the text.
    pub fn from_toml(text: &str, settings: &[String], name: &str) -> Result<Self> {
        plan_text::Read::new(&plan_text::Sound::of(text), settings, name, Self::CHECKS).finish()
    }

    /// What no types can refuse: ranges, contradictions, and features that are not built yet. Each is asked by itself.
    pub(super) const CHECKS: &'static [plan_text::Check<Self>] = &[
        |plan| plan.input.check(),
        |plan| plan.normalize.check(),
        |plan| plan.segment.check(),
        |plan| plan.quality.check(),
        |plan| plan.keigo.check(),
        |plan| plan.dedup.check(),
        |plan| plan.split.check(plan.dedup.threshold().is_some()),
        |plan| plan.tokenizer.check(),
        Self::check_protected,
        Self::check_placeholders,
        |plan| match plan.tokenizer.normalizer {
            bpe::NormalizerName::Seimai => normalize::huggingface::expressible(&plan.normalize),
            bpe::NormalizerName::None => Ok(()),
        },
        |plan| plan.shards.check(),
        |plan| plan.pack.check(),
    ];

    /// A protected word in a spelling that normalised text never has would never be met.
    fn check_protected(&self) -> std::result::Result<(), String> {
        let (mut normalized, mut counts) = (String::new(), normalize::RuleCounts::default());
        let rules = (!self.tokenizer.protected.is_empty()).then(|| normalize::Normalizer::new(&self.normalize));
        for (rules, word) in rules.iter().flat_map(|rules| self.tokenizer.protected.iter().map(move |word| (rules, word))) {
            rules.normalize(word, &mut normalized, &mut counts);
            if normalized != *word {
                return Err(format!("tokenizer.protected: {word:?} is {normalized:?} in normalised text; write that"));
            }
        }
        Ok(())
    }

    /// What the first pass reads of the plan: everything but what only later passes read, which is set to its default. A new section or key
    /// belongs to the first pass until it is taken out here.
    #[must_use]
    pub(super) fn of_annotation(&self) -> Self {
        Self {
            input: self.input.of_annotation(),
            keigo: self.keigo.of_annotation(),
            quality: self.quality.of_annotation(),
            pii: self.pii.of_annotation(),
            dedup: dedup::Options::default(),
            split: decide::Split::default(),
            tokenizer: bpe::Options::default(),
            shards: shard::Options::default(),
            pack: pack::Options::default(),
            ..self.clone()
        }
    }

    /// A placeholder is text: a special token of the same name would take its place in other programs.
    fn check_placeholders(&self) -> std::result::Result<(), String> {
        let taken = |kind: &pii::Kind| self.tokenizer.special_tokens.iter().any(|token| token.contains(kind.placeholder()));
        match self.pii.masked().into_iter().find(taken) {
            Some(kind) => Err(format!(
                "tokenizer.special_tokens holds {}, which stands for personal data in masked texts; give the special token another name",
                kind.placeholder()
            )),
            None => Ok(()),
        }
    }

    /// The resolved plan as TOML: every key, defaults included.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|e| Error::internal(format!("the plan cannot be written as TOML: {e}")))
    }

    /// The JSON Schema of a plan (committed as `docs/plan.schema.json`).
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Plan).to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: &str = "[input]\npaths = [\"a.jsonl\"]\n";

    fn refusal(text: &str, settings: &[&str]) -> String {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        match Plan::from_toml(text, &settings, "plan.toml") {
            Ok(_) => panic!("accepted: {text}"),
            Err(e) => {
                assert_eq!(e.exit_code(), 2);
                format!("{e} | {}", e.hint().unwrap_or_default())
            }
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_nearest() {
        let said = refusal("[tokenizer]\nvocab_sizes = 3\n", &[]);
        assert!(said.contains("plan.toml:2") && said.contains("`vocab_sizes`") && said.contains("`vocab_size`"), "{said}");
        assert!(refusal("[tokeniser]\n", &[]).contains("`tokenizer`"));
        assert!(refusal(INPUT, &["pack.sequence_lenght=3"]).contains("`sequence_length`"));
    }

    #[test]
    fn a_bad_value_is_no_unknown_key() {
        let text = format!("{INPUT}[quality]\npreset = \"wev\"\n");
        let said = refusal(&text, &[]);
        assert!(said.contains("plan.toml:4: quality.preset: unknown value `wev`") && said.contains("legal"), "{said}");
        assert!(said.contains("nearest is `web`") && !said.contains("key"), "{said}");
        let said = refusal(&format!("{INPUT}[tokenizer]\nvocab_size = \"many\"\n"), &[]);
        assert!(said.contains("plan.toml:4: tokenizer.vocab_size: invalid type"), "{said}");
    }

    #[test]
    fn no_type_of_ours_is_named() {
        let cases = [
            ("input = { fields = { text = 3 } }", "expected the path of a field, or a list of them"),
            ("[dedup]\nnear = \"yes\"", "dedup.near: expected `false`, or a number"),
            ("[tokenizer]\nvocab_size = -1", "tokenizer.vocab_size: invalid value: integer `-1`, expected a whole number of at least 0"),
            ("[shards]\nrows_max = \"many\"", "expected a whole number of at least 0"),
            ("pack = 3", "expected a section with keys of its own"),
            ("[tokenizer]\nvocab_size = 300\nvocab_size = 400", "the key `vocab_size` stands twice"),
        ];
        for (text, words) in cases {
            let said = refusal(text, &[]);
            assert!(said.contains(words) && !said.contains("struct") && !said.contains("enum"), "{said}");
        }
        let said = refusal("input = { paths = [\"a\"], source = \"x\" }", &[]);
        assert!(said.contains("input.source: invalid type: string \"x\", expected a section"), "{said}");
        assert!(refusal("input = { paths = \"a\" }", &[]).contains("expected a list"));
    }

    #[test]
    fn what_the_command_line_sets_wrong_is_named_by_the_option() {
        let cases = [
            ("=3", "the key before `=` is missing"),
            ("tokenizer.=3", "the key before `=` is missing"),
            ("tokenizer", "no `=`"),
            ("quality.preset=wev", "quality.preset: unknown value `wev`"),
            ("tokenizer.vocab_size=many", "tokenizer.vocab_size: invalid type"),
            ("tokenizer.vocab_size.x=1", "tokenizer.vocab_size"),
            ("tokenizer.vocab_size=3", "vocab_size"),
            ("pack.sequence_length=1\nx=2", "pack.sequence_length: invalid type"),
        ];
        for (setting, words) in cases {
            let said = refusal(&format!("{INPUT}[tokenizer]\nvocab_size = 400\n"), &["pack.sequence_length=512", setting]);
            assert!(said.contains("--set ") && said.contains(setting) && said.contains(words) && !said.contains("plan.toml"), "{said}");
        }
    }

    #[test]
    fn what_is_not_built_is_refused_in_one_sentence() {
        let said = refusal(&format!("{INPUT}[tokenizer]\nbyte_fallback = false"), &[]);
        assert!(said.contains("set it to true"), "{said}");
    }

    #[test]
    fn what_later_passes_read_is_not_of_the_annotation() {
        let of = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
            Plan::from_toml(INPUT, &settings, "p").unwrap().of_annotation()
        };
        let later = [
            "input.paths=[\"b\"]",
            "input.limit=7",
            "quality.preset=legal",
            "dedup.near=0.7",
            "split.validation=0.1",
            "tokenizer.vocab_size=300",
            "shards.rows_max=7",
            "pack.seed=3",
            "keigo.protect={ exempt = [\"short_lines\"], exempt_when = { level_at_least = 2 } }",
        ];
        assert_eq!(of(&later), of(&[]));
        for setting in [
            "input.source.name=x",
            "input.sample=0.5",
            "normalize.form=none",
            "segment.dictionary=unidic",
            "keigo.register.legal_density=0.5",
            "keigo.protect.formulae=false",
        ] {
            assert_ne!(of(&[setting]), of(&[]), "{setting}");
        }
    }

    #[test]
    fn settings_override_and_the_resolved_plan_reads_back() {
        let plan = Plan::from_toml(
            &format!("{INPUT}[tokenizer]\nvocab_size = 8000"),
            &["tokenizer.vocab_size=4000".into(), "segment.dictionary=unidic".into()],
            "p",
        )
        .unwrap();
        assert_eq!(plan.tokenizer.vocab_size, 4000);
        let text = plan.to_toml().unwrap();
        assert_eq!(Plan::from_toml(&text, &[], "resolved").unwrap(), plan);
    }
}
