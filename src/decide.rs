//! Keep or drop: the quality measures of a document against the thresholds of its preset.
//!
//! Nothing is measured here and nothing is dropped: the answer for each row is a [`Rejection`] or none. Presets can differ by
//! source (`[[quality.rule]]`), because a preset is a claim about a kind of text.

mod presets;
mod rules;

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::{Float32Type, UInt32Type};
use globset::{Glob, GlobMatcher};
use serde::{Deserialize, Serialize};

pub use self::presets::{Bound, Preset, Side, Thresholds};
use self::rules::{Language, judge};
use crate::error::{Error, Result};
use crate::schema::{Column, QUALITY, SOURCE};
use crate::stage::{Batch, column, strings};

/// Columns that [`Decider::judge`] reads.
pub const READS: [Column; 2] = [SOURCE, QUALITY];

/// The preset of the sources that match a pattern.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PresetRule {
    /// Glob over the document's source, such as `e-gov-*`.
    pub source: String,
    /// web, legal, literature, dialogue, technical or none.
    pub preset: Preset,
    /// Thresholds in place of the preset's, by name.
    pub thresholds: Thresholds,
}

/// The plan's `[quality]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QualityOptions {
    /// Which kind of text the corpus holds: web, legal, literature, dialogue, technical or none.
    pub preset: Preset,
    /// Presets by source; the first that matches wins.
    pub rule: Vec<PresetRule>,
    /// Thresholds in place of the preset's, by name.
    pub thresholds: Thresholds,
}

impl QualityOptions {
    /// One sentence about the first value that cannot be used.
    pub fn check(&self) -> std::result::Result<(), String> {
        check_part("quality", self.preset, &self.thresholds)?;
        for rule in &self.rule {
            Glob::new(&rule.source).map_err(|e| format!("quality.rule.source is no glob: {e}"))?;
            if rule.source.is_empty() {
                return Err("quality.rule.source is empty; give a source or a glob such as \"e-gov-*\"".to_owned());
            }
            check_part("quality.rule", rule.preset, &rule.thresholds)?;
        }
        Ok(())
    }
}

fn check_part(place: &str, preset: Preset, thresholds: &Thresholds) -> std::result::Result<(), String> {
    if matches!(preset, Preset::SwallowV1 | Preset::Fineweb2Ja) {
        return Err(format!(
            "{place}.preset \"{}\" is not built yet; use web, legal, literature, dialogue, technical or none",
            preset.name()
        ));
    }
    match thresholds.bounds().iter().find(|bound| bound.value.is_some_and(|value| !value.is_finite() || value < 0.)) {
        Some(bound) => Err(format!("{place}.thresholds.{} must be a number of at least 0", bound.rule)),
        None => Ok(()),
    }
}

/// Why a document is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The stage whose column decided.
    pub stage: &'static str,
    /// The first rule that failed, by fixed order.
    pub rule: String,
    /// All rules that failed, with figures: `mean_sentence 14.2 < 20; ja_share 0.31 < 0.5`.
    pub evidence: String,
}

/// The thresholds of each source, ready to judge; immutable.
#[derive(Debug, Clone)]
pub struct Decider {
    rules: Vec<(GlobMatcher, Vec<Bound>)>,
    default: Vec<Bound>,
}

impl Decider {
    /// Resolves presets and overrides. Patterns that [`QualityOptions::check`] refuses match nothing.
    pub fn new(options: &QualityOptions) -> Self {
        let bounds = |preset: Preset, thresholds: &Thresholds| preset.thresholds().overridden_by(thresholds).bounds();
        let rule = |rule: &PresetRule| Some((Glob::new(&rule.source).ok()?.compile_matcher(), bounds(rule.preset, &rule.thresholds)));
        Self { rules: options.rule.iter().filter_map(rule).collect(), default: bounds(options.preset, &options.thresholds) }
    }

    /// The thresholds for documents of `source`, in the order of the rules.
    pub fn bounds(&self, source: &str) -> &[Bound] {
        self.rules.iter().find(|(glob, _)| glob.is_match(source)).map_or(&self.default, |(_, bounds)| bounds)
    }

    /// One entry a row: why it is dropped, or `None` to keep it.
    pub fn judge(&self, batch: &Batch) -> Result<Vec<Option<Rejection>>> {
        let sources = strings(batch, &SOURCE)?;
        let quality = column(batch, &QUALITY)?.as_struct_opt().ok_or_else(|| Error::internal("column quality is no struct"))?;
        (0..batch.num_rows()).map(|row| judge_row(quality, row, self.bounds(sources.value(row)))).collect()
    }
}

fn judge_row(quality: &StructArray, row: usize, bounds: &[Bound]) -> Result<Option<Rejection>> {
    let count = |name| Ok::<_, Error>(measure(quality, name, row)?.unwrap_or(0.) as u32);
    // Shares of the visible characters are undefined where there are none.
    let is_blank = measure(quality, "ja_share", row)?.is_none();
    let language = Language {
        chars: if is_blank { 0 } else { count("n_chars")? },
        hangul: count("hangul")?,
        simplified: count("simplified")?,
        kana: measure(quality, "kana", row)?,
    };
    // Without morphemes nothing can be said of particles.
    let segmented = measure(quality, "noun_share", row)?.is_some();
    let value = |bound: &Bound| Ok(measure(quality, bound.measure, row)?.filter(|_| segmented || bound.measure != "particles"));
    let values = bounds.iter().map(value).collect::<Result<Vec<_>>>()?;
    let failures = judge(language, bounds, &values);
    Ok(failures.map(|failures| Rejection { stage: "quality", rule: failures.rule, evidence: failures.evidence }))
}

/// The value of a field, ratio or count; `None` where it is undefined.
fn measure(quality: &StructArray, name: &str, row: usize) -> Result<Option<f32>> {
    let field = quality.column_by_name(name).ok_or_else(|| Error::internal(format!("measure {name} is missing")))?;
    if field.is_null(row) {
        return Ok(None);
    }
    let ratio = field.as_primitive_opt::<Float32Type>().map(|values| values.value(row));
    let count = field.as_primitive_opt::<UInt32Type>().map(|values| values.value(row) as f32);
    ratio.or(count).map(Some).ok_or_else(|| Error::internal(format!("measure {name} is no number")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float32Array, StringArray, UInt32Array};
    use arrow::datatypes::Schema;

    use super::*;
    use crate::schema::{MEASURE_COUNTS, MEASURES, quality_fields};

    fn options(toml: &str) -> QualityOptions {
        toml::from_str(toml).unwrap()
    }

    /// Prose of 900 characters per source, with the given `mean_sentence`.
    fn batch(rows: &[(&str, Option<f32>)]) -> Batch {
        let ratio = |name: &str, mean: Option<f32>| match name {
            "mean_sentence" => mean,
            "ja_share" | "compression" => Some(1.),
            "hiragana" | "hiragana_of_all" | "kana" => Some(0.5),
            _ => Some(0.),
        };
        let ratios = MEASURES.iter().map(|name| Arc::new(rows.iter().map(|row| ratio(name, row.1)).collect::<Float32Array>()) as ArrayRef);
        let count = |name: &str| match name {
            "n_chars" => 900,
            "particles" => 9,
            _ => 0,
        };
        let counts = MEASURE_COUNTS.iter().map(|name| Arc::new(UInt32Array::from(vec![count(name); rows.len()])) as ArrayRef);
        let quality = StructArray::new(quality_fields(), ratios.chain(counts).collect(), None);
        let sources = StringArray::from_iter_values(rows.iter().map(|row| row.0));
        let schema = Schema::new(vec![SOURCE.field(), QUALITY.field()]);
        Batch::try_new(Arc::new(schema), vec![Arc::new(sources), Arc::new(quality)]).unwrap()
    }

    #[test]
    fn each_source_meets_its_preset() {
        let options =
            options("preset = \"web\"\nthresholds = { mean_sentence_min = 30 }\n[[rule]]\nsource = \"law-*\"\npreset = \"legal\"");
        options.check().unwrap();
        let rows = [("blog", Some(20.)), ("law-1", Some(20.)), ("law-2", Some(8.5)), ("blog", Some(30.)), ("blog", None)];
        let verdicts = Decider::new(&options).judge(&batch(&rows)).unwrap();
        let evidence: Vec<_> = verdicts.iter().map(|verdict| verdict.as_ref().map(|rejection| rejection.evidence.as_str())).collect();
        assert_eq!(evidence, [Some("mean_sentence 20 < 30"), None, Some("mean_sentence 8.5 < 9"), None, None]);
        assert_eq!(verdicts[0].as_ref().map(|r| (r.stage, r.rule.as_str())), Some(("quality", "mean_sentence_min")));
    }

    #[test]
    fn white_space_alone_is_empty_under_every_preset() {
        use arrow::array::Array;
        let rows = batch(&[("blog", None), ("blog", None)]);
        let quality = rows.column(1).as_struct();
        let mut columns = quality.columns().to_vec();
        let at = MEASURES.iter().position(|name| *name == "ja_share").unwrap();
        columns[at] = Arc::new(Float32Array::from(vec![None, Some(1.)]));
        let quality = StructArray::new(quality_fields(), columns, quality.nulls().cloned());
        let rows = Batch::try_new(rows.schema(), vec![rows.column(0).clone(), Arc::new(quality)]).unwrap();
        let verdicts = Decider::new(&options("preset = \"none\"")).judge(&rows).unwrap();
        assert_eq!(verdicts.iter().map(|verdict| verdict.as_ref().map(|r| r.rule.as_str())).collect::<Vec<_>>(), [Some("empty"), None]);
    }

    #[test]
    fn the_first_rule_that_matches_wins_and_may_set_thresholds() {
        let options = options(
            "[[rule]]\nsource = \"a*\"\npreset = \"none\"\nthresholds = { kana = 0.9 }\n[[rule]]\nsource = \"*\"\npreset = \"legal\"",
        );
        let decider = Decider::new(&options);
        let set = |source| decider.bounds(source).iter().filter(|bound| bound.value.is_some()).map(|bound| bound.rule).collect::<Vec<_>>();
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
    fn every_threshold_looks_at_a_measure_that_is_stored() {
        for bound in Thresholds::default().bounds() {
            assert!(quality_fields().iter().any(|field| field.name() == bound.measure), "{}", bound.measure);
        }
    }

    #[test]
    fn options_survive_writing_and_reading() {
        let before = options("preset = \"technical\"\nthresholds = { top_2 = 0.25 }\n[[rule]]\nsource = \"a\"\npreset = \"dialogue\"");
        assert_eq!(options(&toml::to_string(&before).unwrap()), before);
    }
}
