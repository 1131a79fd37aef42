//! The plan: what a run shall do, read from TOML, checked whole before anything is written.
//!
//! Every room owns its section and says what it accepts; the plan only puts the sections together in the order of the
//! flow. Unknown keys are errors that name the key, the line and the nearest valid key.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, PlanFault, Result, Subject};
use crate::io::read_limited;
use crate::{bpe, corpus, decide, dedup, keigo, normalize, pack, pii, segment, shard};

/// A plan larger than this is refused.
const PLAN_BYTES_MAX: u64 = 1 << 20;

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

/// A plan with the directory it came from: relative input paths start at `base`.
#[derive(Debug, Clone)]
pub struct LoadedPlan {
    /// The settings.
    pub plan: Plan,
    /// Directory of the plan file.
    pub base: PathBuf,
    /// The plan file, for messages.
    pub file: PathBuf,
}

impl LoadedPlan {
    /// Reads a plan file and applies `KEY=VALUE` settings (dotted keys, TOML values; bare words are strings).
    pub fn read(file: &Path, settings: &[String]) -> Result<Self> {
        let name = file.display().to_string();
        let unreadable = |error: &Error| {
            let message = format!("{name}: cannot read the plan: {}", error.without_path());
            of_plan(Error::refused_with_hint(message, "`seimai init` writes one"), &name)
        };
        let bytes = read_limited(file, PLAN_BYTES_MAX).map_err(|error| error.refused_if_of_the_name(unreadable))?;
        let text = String::from_utf8(bytes).map_err(|_| of_plan(Error::refused(format!("{name}: the plan is not UTF-8")), &name))?;
        let plan = Plan::from_toml(&text, settings, &name)?;
        let base = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Ok(Self { plan, base: base.to_path_buf(), file: file.to_path_buf() })
    }
}

impl Plan {
    /// Parses and checks a plan; `name` stands for the file in messages.
    pub fn from_toml(text: &str, settings: &[String], name: &str) -> Result<Self> {
        let mut plan: Self = toml::from_str(text).map_err(|e| explain(&e, text, name))?;
        let mut blamed = name.to_owned();
        if !settings.is_empty() {
            if plan.check().is_ok() {
                blamed = format!("--set {}", settings.join(" --set "));
            }
            let mut table: toml::Table = toml::from_str(text).map_err(|e| explain(&e, text, name))?;
            for setting in settings {
                apply(&mut table, setting).map_err(|error| of_plan(error, &format!("--set {setting}")))?;
                // One after the other, so that a bad one is named.
                plan = table.clone().try_into().map_err(|e| explain(&e, "", &format!("--set {setting}")))?;
            }
        }
        plan.check().map_err(|message| of_plan(Error::refused(format!("{blamed}: {message}")), &blamed))?;
        Ok(plan)
    }

    /// What no single section can refuse by its types: ranges, and features that are not built yet.
    fn check(&self) -> std::result::Result<(), String> {
        self.input.check()?;
        self.normalize.check()?;
        self.segment.check()?;
        self.quality.check()?;
        self.keigo.check()?;
        self.dedup.check()?;
        self.split.check(self.dedup.threshold().is_some())?;
        self.tokenizer.check()?;
        self.check_protected()?;
        self.check_placeholders()?;
        if self.tokenizer.normalizer == bpe::NormalizerName::Seimai {
            normalize::huggingface::expressible(&self.normalize)?;
        }
        self.shards.check()?;
        self.pack.check()
    }

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

/// Sets a dotted key to a TOML value; what is no TOML value is taken as a string.
fn apply(table: &mut toml::Table, setting: &str) -> Result<()> {
    let Some((key, value)) = setting.split_once('=') else {
        return Err(Error::refused_with_hint(format!("--set {setting}: no `=`"), "write --set tokenizer.vocab_size=16000"));
    };
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        let message = format!("--set {setting}: the key before `=` is missing or incomplete");
        return Err(Error::refused_with_hint(message, "write --set tokenizer.vocab_size=16000"));
    }
    let value = toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .filter(|parsed| parsed.len() == 1)
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let Some((&last, sections)) = parts.split_last() else { return Ok(()) };
    let mut at = table;
    for &part in sections {
        let inner = at.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = inner.as_table_mut().ok_or_else(|| Error::refused(format!("--set {setting}: `{part}` is not a section")))?;
    }
    at.insert(last.to_owned(), value);
    Ok(())
}

/// A refusal because of the plan called so.
fn of_plan(refused: Error, name: &str) -> Error {
    refused.about(Subject::Plan(Box::new(PlanFault { file: name.to_owned(), ..PlanFault::default() })))
}

/// Turns a TOML error into one sentence with file and line, key, and what would have been right.
fn explain(error: &toml::de::Error, text: &str, name: &str) -> Error {
    let line = error.span().filter(|_| !text.is_empty()).map_or_else(String::new, |span| {
        let line = text.as_bytes().iter().take(span.start).filter(|&&b| b == b'\n').count() + 1;
        format!(":{line}")
    });
    let message = error.message().trim().replace('\n', " ");
    let message = plainly(&crate::quarantine::escape(&message, 800), key_at(error, text));
    let known = key_of(error, text);
    let fault = |key: Option<String>, nearest: Option<&str>| {
        Subject::Plan(Box::new(PlanFault { file: name.to_owned(), key, nearest: nearest.map(str::to_owned) }))
    };
    let key = known.as_ref().map_or_else(String::new, |key| format!("{}: ", crate::quarantine::escape(key, 200)));
    if let Some((unknown, valid)) = quoted_after("unknown field ", &message) {
        let nearest = nearest(unknown, &valid);
        let hint =
            nearest.map_or_else(|| "see docs/plan.schema.json".to_owned(), |nearest| format!("the nearest valid key is `{nearest}`"));
        let about = fault(Some(unknown.to_owned()), nearest);
        return Error::refused_with_hint(format!("{name}{line}: unknown key `{unknown}`"), hint).about(about);
    }
    if let Some((unknown, valid)) = quoted_after("unknown variant ", &message) {
        let message = format!("{name}{line}: {key}unknown value `{unknown}`; allowed are {}", valid.join(", "));
        let nearest = nearest(unknown, &valid);
        let refused = match nearest {
            Some(nearest) => Error::refused_with_hint(message, format!("the nearest is `{nearest}`")),
            None => Error::refused(message),
        };
        return refused.about(fault(known, nearest));
    }
    Error::refused(format!("{name}{line}: {key}{message}")).about(fault(known, None))
}

/// The parser's words without the names of our types.
fn plainly(message: &str, at: Option<&str>) -> String {
    if message.starts_with("data did not match any variant of untagged enum Near") {
        return "expected `false`, or a number above 0 and at most 1".to_owned();
    }
    if message.starts_with("data did not match any variant of untagged enum Lines") {
        return "expected `true`, `false`, or a table with `in_source` and `in_all` (numbers of documents)".to_owned();
    }
    if message.starts_with("data did not match any variant of untagged enum Texts") {
        return "expected the path of a field, or a list of them".to_owned();
    }
    if message == "duplicate key"
        && let Some(key) = at
    {
        return format!("the key `{}` stands twice", crate::quarantine::escape(key.trim(), 200));
    }
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.to_owned() };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list: [\u{2026}]",
        other if other.starts_with("struct ") => "a section with keys of its own",
        other => other,
    };
    format!("{found}, expected {expected}")
}

/// The stretch of the plan that the parser stopped at.
fn key_at<'a>(error: &toml::de::Error, text: &'a str) -> Option<&'a str> {
    text.get(error.span()?)
}

/// The dotted key of a value that is not what it should be. The parser tells it only for values without a text around them.
fn key_of(error: &toml::de::Error, text: &str) -> Option<String> {
    let said =
        if text.is_empty() { error.to_string() } else { toml::from_str::<toml::Table>(text).ok()?.try_into::<Plan>().err()?.to_string() };
    let key = said.lines().rev().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'))?;
    Some(key.to_owned())
}

fn nearest<'a>(given: &str, valid: &[&'a str]) -> Option<&'a str> {
    valid.iter().copied().min_by_key(|candidate| strsim::damerau_levenshtein(candidate, given))
}

/// Takes serde's ``unknown field `a`, expected one of `b`, `c` `` apart.
fn quoted_after<'a>(start: &str, message: &'a str) -> Option<(&'a str, Vec<&'a str>)> {
    let mut quoted = message.strip_prefix(start)?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    Some((unknown, quoted.collect()))
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
        assert!(refusal("", &["pack.sequence_lenght=3"]).contains("`sequence_length`"));
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
