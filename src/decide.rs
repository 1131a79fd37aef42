//! Keep or drop: the quality measures of a document against the thresholds of its preset.
//!
//! Nothing is measured here and nothing is dropped: the answer for a batch is the table of its [`Rejections`]. Presets can
//! differ by source (`[[quality.rule]]`), because a preset is a claim about a kind of text.
//!
//! `presets` thresholds by name · `rules` one document · `measured` the column that is read · `rejections` the table ·
//! `policy` keep or drop by register, level and misuse, with `condition` and `keigo_facts` · `rebalance` shares of registers ·
//! `losses` who loses what.

mod condition;
mod keigo_facts;
pub mod losses;
mod measured;
mod options;
mod policy;
mod presets;
pub mod rebalance;
mod rejections;
mod rules;

use globset::{Glob, GlobMatcher};

pub use self::condition::{Known, When};
use self::keigo_facts::KeigoFacts;
use self::measured::{LANGUAGE, Measured};
pub use self::options::{PresetRule, QualityOptions};
use self::policy::Policies;
pub use self::policy::{KeigoRule, Policy, PolicyOptions, Protect, Then};
pub use self::presets::{Bound, Preset, Side, Thresholds};
use self::rejections::Builder;
pub use self::rejections::{COLUMNS, ROW, Rejection, Rejections};
use self::rules::judge;
use crate::error::Result;
use crate::schema::{QUALITY, SOURCE, open_struct};
use crate::stage::{self, Batch, Contract, strings};

/// Raise it when a rule judges the same figures in another way.
const CODE_VERSION: u32 = 1;

/// Enters fingerprints: follows the code and the thresholds of all presets.
pub fn version() -> u32 {
    let bounds = Preset::ALL.into_iter().flat_map(|preset| preset.thresholds().bounds());
    stage::version_of(CODE_VERSION, bounds.map(|bound| format!("{bound:?}")))
}

/// The stages named in the table of rejections: whose column decided.
const QUALITY_STAGE: &str = "quality";
/// The stage of rejections by policy.
pub const KEIGO_STAGE: &str = "keigo";

/// The thresholds of each source, ready to judge; immutable.
#[derive(Debug, Clone)]
pub struct Decider {
    rules: Vec<(GlobMatcher, Vec<Bound>)>,
    default: Vec<Bound>,
    policies: Policies,
}

impl Decider {
    /// Resolves presets and overrides. Patterns that [`QualityOptions::check`] refuses match nothing.
    pub fn new(options: &QualityOptions, policies: &PolicyOptions) -> Self {
        let bounds = |preset: Preset, thresholds: &Thresholds| {
            let mut bounds = preset.thresholds().overridden_by(thresholds).bounds();
            bounds.retain(|bound| bound.value.is_some());
            bounds
        };
        let rule = |rule: &PresetRule| Some((Glob::new(&rule.source).ok()?.compile_matcher(), bounds(rule.preset, &rule.thresholds)));
        Self {
            rules: options.rule.iter().filter_map(rule).collect(),
            default: bounds(options.preset, &options.thresholds),
            policies: Policies::new(policies),
        }
    }

    /// Columns that [`Decider::judge`] reads: every measure that a threshold can name is there.
    pub fn contract(&self) -> Contract {
        let asked = || {
            let thresholds = Thresholds::default().bounds();
            let names: Vec<&str> = thresholds.iter().map(|bound| bound.measure).chain(LANGUAGE).collect();
            open_struct(&names)
        };
        let policies = (!self.policies.is_empty()).then(KeigoFacts::reads);
        Contract { reads: [SOURCE, QUALITY.with_type(asked)].into_iter().chain(policies.into_iter().flatten()).collect(), adds: vec![] }
    }

    /// The thresholds that are set for documents of `source`, in the order of the rules.
    pub fn bounds(&self, source: &str) -> &[Bound] {
        self.set(self.set_of(source))
    }

    /// Which rows of a batch are dropped, and why.
    ///
    /// # Errors
    /// Refused, if a column or measure is missing or has another type.
    pub fn judge(&self, batch: &Batch) -> Result<Rejections> {
        let mut rejections = Builder::default();
        self.judge_into(batch, 0, &mut rejections)?;
        Ok(rejections.finish())
    }

    /// The same for a table that is read batch by batch; rows are numbered through the whole table.
    ///
    /// # Errors
    /// As [`Decider::judge`], and whatever the iterator gives.
    pub fn judge_table(&self, batches: &mut dyn Iterator<Item = Result<Batch>>) -> Result<Rejections> {
        let (mut rejections, mut first) = (Builder::default(), 0);
        for batch in batches {
            let batch = batch?;
            self.judge_into(&batch, first, &mut rejections)?;
            first += batch.num_rows() as u32;
        }
        Ok(rejections.finish())
    }

    fn judge_into(&self, batch: &Batch, first: u32, rejections: &mut Builder) -> Result<()> {
        let batch = &self.contract().admit("decide", batch.clone())?;
        let sources = strings(batch, &SOURCE)?;
        // Every column is looked up once a batch; most neighbours come from one source.
        let sets = (0..=self.rules.len()).map(|i| Measured::of(batch, self.set(i))).collect::<Result<Vec<_>>>()?;
        let keigo = (!self.policies.is_empty()).then(|| KeigoFacts::of(batch, &self.policies)).transpose()?;
        let (mut source, mut set) = ("", self.set_of(""));
        let (mut values, mut figures) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            if sources.value(row) != source {
                source = sources.value(row);
                set = self.set_of(source);
            }
            let language = sets[set].read(row, &mut values);
            let facts = keigo.as_ref().map(|keigo| keigo.read(row, &mut figures));
            if facts.is_some_and(|facts| self.policies.protects(facts, &figures)) {
                self.spare(self.set(set), &mut values);
            }
            let failures = judge(language, self.set(set), &values);
            let verdict = facts.and_then(|facts| self.policies.verdict(facts, &figures));
            let rejection = match (&failures, &verdict) {
                (Some(failures), _) => Rejection { stage: QUALITY_STAGE, rule: &failures.rule, evidence: &failures.evidence },
                (None, Some(verdict)) => Rejection { stage: KEIGO_STAGE, rule: verdict.reason, evidence: &verdict.evidence },
                (None, None) => continue,
            };
            rejections.push(first + row as u32, rejection);
        }
        Ok(())
    }

    /// Protected documents: rules that do not count for them find nothing to look at.
    fn spare(&self, bounds: &[Bound], values: &mut [Option<f32>]) {
        let spared = bounds.iter().zip(values).filter(|(bound, _)| !self.policies.counts(bound));
        spared.for_each(|(_, value)| *value = None);
    }

    /// Which set of thresholds applies to a source: that of the first rule that matches, or the default behind all rules.
    fn set_of(&self, source: &str) -> usize {
        self.rules.iter().position(|(glob, _)| glob.is_match(source)).unwrap_or(self.rules.len())
    }

    fn set(&self, i: usize) -> &[Bound] {
        self.rules.get(i).map_or(&self.default, |(_, bounds)| bounds)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, AsArray, Float32Array, LargeStringArray, StringArray, StructArray, UInt32Array};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn options(toml: &str) -> QualityOptions {
        toml::from_str(toml).unwrap()
    }

    /// A document: its source, its `mean_sentence`, its `ja_share`.
    type Row = (&'static str, Option<f32>, Option<f32>);

    fn measure(name: &'static str, rows: &[Row]) -> (Arc<Field>, ArrayRef) {
        let ratio = |row: &Row| match name {
            "mean_sentence" => row.1,
            "ja_share" => row.2,
            "compression" => Some(1.),
            "hiragana" | "hiragana_of_all" | "kana" => Some(0.5),
            _ => Some(0.),
        };
        let count = match name {
            "n_chars" => 900,
            "particles" => 9,
            _ => 0,
        };
        if matches!(name, "n_chars" | "particles" | "run_max" | "hangul" | "simplified" | "replaced") {
            return (Arc::new(Field::new(name, DataType::UInt32, false)), Arc::new(UInt32Array::from(vec![count; rows.len()])));
        }
        (Arc::new(Field::new(name, DataType::Float32, true)), Arc::new(rows.iter().map(ratio).collect::<Float32Array>()))
    }

    /// Prose of 900 characters, but for what the rows say.
    fn batch(rows: &[Row]) -> Batch {
        let names: BTreeSet<_> = Thresholds::default().bounds().iter().map(|bound| bound.measure).chain(LANGUAGE).collect();
        let quality = StructArray::from(names.into_iter().map(|name| measure(name, rows)).collect::<Vec<_>>());
        let sources = StringArray::from_iter_values(rows.iter().map(|row| row.0));
        let fields = vec![SOURCE.field(), Field::new(QUALITY.name, quality.data_type().clone(), false)];
        Batch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(sources), Arc::new(quality)]).unwrap()
    }

    fn prose(source: &'static str, mean_sentence: Option<f32>) -> Row {
        (source, mean_sentence, Some(1.))
    }

    #[test]
    fn each_source_meets_its_preset() {
        let options =
            options("preset = \"web\"\nthresholds = { mean_sentence_min = 30 }\n[[rule]]\nsource = \"law-*\"\npreset = \"legal\"");
        options.check().unwrap();
        let rows = [("blog", Some(20.)), ("law-1", Some(20.)), ("law-2", Some(8.5)), ("blog", Some(30.)), ("blog", None)];
        let batch = batch(&rows.map(|(source, mean)| prose(source, mean)));
        let decider = Decider::new(&options, &PolicyOptions::default());
        let rejections = decider.judge(&batch).unwrap();
        let evidence: Vec<_> = rejections.iter().map(|(row, rejection)| (row, rejection.evidence)).collect();
        assert_eq!(evidence, [(0, "mean_sentence 20 < 30"), (2, "mean_sentence 8.5 < 9")]);
        assert_eq!(rejections.of(0).map(|rejection| (rejection.stage, rejection.rule)), Some(("quality", "mean_sentence_min")));
        let slices = [batch.slice(0, 1), batch.slice(1, 0), batch.slice(1, 4)];
        let table = decider.judge_table(&mut slices.into_iter().map(Ok)).unwrap();
        assert_eq!(table.to_batch().unwrap(), rejections.to_batch().unwrap(), "rows are numbered through");
    }

    #[test]
    fn white_space_alone_is_empty_under_every_preset() {
        let rows = batch(&[("blog", None, None), ("blog", None, Some(1.))]);
        let rejections = Decider::new(&options("preset = \"none\""), &PolicyOptions::default()).judge(&rows).unwrap();
        assert_eq!(rejections.iter().map(|(row, rejection)| (row, rejection.rule)).collect::<Vec<_>>(), [(0, "empty")]);
    }

    #[test]
    fn a_batch_that_lacks_a_measure_is_refused() {
        let whole = batch(&[prose("blog", None)]);
        let decider = Decider::new(&options(""), &PolicyOptions::default());
        assert!(decider.contract().admit("decide", whole.clone()).is_ok());
        let quality = whole.column(1).as_struct();
        let fields = quality.fields().iter().zip(quality.columns()).filter(|(field, _)| field.name() != "kana");
        let quality = StructArray::from(fields.map(|(field, array)| (field.clone(), array.clone())).collect::<Vec<_>>());
        let schema = Schema::new(vec![SOURCE.field(), Field::new(QUALITY.name, quality.data_type().clone(), false)]);
        let lacking = Batch::try_new(Arc::new(schema), vec![whole.column(0).clone(), Arc::new(quality)]).unwrap();
        let sources: ArrayRef = Arc::new(LargeStringArray::from(vec!["blog"]));
        let large = Batch::try_from_iter([(SOURCE.name, sources), (QUALITY.name, whole.column(1).clone())]).unwrap();
        assert!(decider.judge(&large).unwrap().is_empty(), "text of any layout");
        for refused in [decider.judge(&lacking).unwrap_err(), decider.contract().admit("decide", lacking).unwrap_err()] {
            assert_eq!(refused.exit_code(), 2);
            assert!(refused.to_string().contains("quality") && refused.to_string().contains("kana"), "{refused}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_wins_and_may_set_thresholds() {
        let options = options(
            "[[rule]]\nsource = \"a*\"\npreset = \"none\"\nthresholds = { kana = 0.9 }\n[[rule]]\nsource = \"*\"\npreset = \"legal\"",
        );
        let decider = Decider::new(&options, &PolicyOptions::default());
        let set = |source| decider.bounds(source).iter().map(|bound| bound.rule).collect::<Vec<_>>();
        assert_eq!(set("abc"), ["kana"]);
        assert!(set("xyz").contains(&"cover_10"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_a_sentence() {
        for (toml, part) in [
            ("preset = \"swallow-v1\"", "not built yet"),
            ("[[rule]]\nsource = \"x\"\npreset = \"fineweb2-ja\"", "not built yet"),
            ("[[rule]]\nsource = \"a[\"", "no glob"),
            ("[[rule]]\npreset = \"web\"", "source is empty"),
            ("thresholds = { top_2 = -1 }", "thresholds.top_2"),
            ("thresholds = { top_2 = nan }", "thresholds.top_2"),
        ] {
            let refused = options(toml).check().unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        assert!(toml::from_str::<QualityOptions>("thresholds = { top_5 = 0.1 }").is_err());
        assert!(toml::from_str::<QualityOptions>("presets = \"web\"").is_err());
    }

    #[test]
    fn options_survive_writing_and_reading() {
        let before = options("preset = \"technical\"\nthresholds = { top_2 = 0.25 }\n[[rule]]\nsource = \"a\"\npreset = \"dialogue\"");
        assert_eq!(options(&toml::to_string(&before).unwrap()), before);
    }
}
