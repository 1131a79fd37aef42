//! Keep or drop: the quality measures of a document against the thresholds of its preset.
//!
//! Nothing is measured here and nothing is dropped: the answer for a batch is the table of its [`Rejections`]. Presets can
//! differ by source (`[[quality.rule]]`), because a preset is a claim about a kind of text.
//!
//! `presets` thresholds by name · `rules` one document · `measured` the column that is read · `rejections` the table ·
//! `urls` lists of addresses · `policy` keep or drop by register, level and misuse, with `condition` and `keigo_facts` · `rebalance` shares of registers ·
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
mod split;
mod urls;

use std::sync::Arc;

use arrow::array::Array;
use globset::{Glob, GlobMatcher};

pub use self::condition::{Known, When};
use self::keigo_facts::KeigoFacts;
use self::measured::{FORM, Forms, LANGUAGE, Measured, WORDS};
pub use self::options::{PresetRule, QualityOptions};
use self::policy::Policies;
pub use self::policy::{KeigoRule, Policy, PolicyOptions, Protect, Then};
use self::presets::peer_figures;
pub use self::presets::{Bound, Form, Preset, SET_IN_PLAN, Side, Thresholds};
use self::rejections::Builder;
pub use self::rejections::{COLUMNS, ROW, Rejection, Rejections};
use self::rules::{Lists, judge};
pub use self::split::Split;
pub use self::urls::{Found, UrlLists};
use crate::error::{Error, Result};
use crate::schema::{Column, FINEWEB2_JA, LISTED, QUALITY, REGISTER, SOURCE, SWALLOW_V1, URL, open_struct};
use crate::stage::{self, Batch, Contract, strings};

/// Raise it when a rule judges the same figures in another way.
const CODE_VERSION: u32 = 3;

/// Enters fingerprints: follows the code and the thresholds of all presets.
pub fn version() -> u32 {
    let bounds = Preset::ALL.into_iter().flat_map(|preset| preset.bounds(&Thresholds::default()));
    stage::version_of(CODE_VERSION, bounds.map(|bound| format!("{} {} {:?} {:?}", bound.rule, bound.measure, bound.side, bound.value)))
}

/// The stages named in the table of rejections: whose column decided.
const QUALITY_STAGE: &str = "quality";
/// The stage of rejections by policy.
pub const KEIGO_STAGE: &str = "keigo";

/// The thresholds of the sources that match a pattern.
#[derive(Debug, Clone)]
struct Resolved {
    /// The preset in the plan.
    preset: Preset,
    /// That preset and its thresholds, or under `auto` those it chooses among.
    sets: Vec<(Preset, Vec<Bound>)>,
}

impl Resolved {
    /// Listed words are asked for only where there are lists.
    fn new(preset: Preset, thresholds: &Thresholds, with_words: bool) -> Self {
        let with_bounds = |preset: Preset| {
            let mut bounds = preset.bounds(thresholds);
            bounds.retain(|bound| with_words || bound.column.name != LISTED.name);
            (preset, bounds)
        };
        let sets = if preset == Preset::Auto { Preset::CHOICES.map(with_bounds).to_vec() } else { vec![with_bounds(preset)] };
        Self { preset, sets }
    }

    /// Which of the sets a document meets.
    fn choose(&self, forms: Option<&Forms<'_>>, row: usize) -> usize {
        let Some(forms) = forms.filter(|_| self.preset == Preset::Auto) else { return 0 };
        let chosen = Preset::chosen_by(forms.get(row));
        self.sets.iter().position(|(preset, _)| *preset == chosen).unwrap_or(0)
    }
}

/// Every measure of a column that a threshold can name.
fn measures_of(column: &Column) -> Vec<&'static str> {
    Thresholds::default().bounds().iter().filter(|bound| bound.column.name == column.name).map(|bound| bound.measure).collect()
}

/// A measure beside its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explained {
    /// Name of the rule.
    pub rule: &'static str,
    /// Name of the measure.
    pub measure: &'static str,
    /// What was measured; `None` where the measure is undefined, which fails nothing.
    pub value: Option<f64>,
    /// Which side fails.
    pub side: Side,
    /// The threshold.
    pub limit: f64,
    /// Does the document hold? Of `hiragana` and `hiragana_of_all` one is enough.
    pub holds: bool,
    /// The document is exempt from this rule (`[keigo.protect]`).
    pub exempt: bool,
    /// Why the preset has this threshold.
    pub reason: &'static str,
}

impl Explained {
    fn new(bound: &Bound, value: Option<f64>, limit: f64) -> Self {
        let holds = value.is_none_or(|value| !bound.side.fails(value, limit));
        Self { rule: bound.rule, measure: bound.measure, value, side: bound.side, limit, holds, exempt: false, reason: bound.reason }
    }
}

/// The thresholds of each source, ready to judge; immutable.
#[derive(Debug, Clone)]
pub struct Decider {
    /// Pattern as the plan has it, matcher, thresholds.
    rules: Vec<(String, GlobMatcher, Resolved)>,
    default: Resolved,
    policies: Policies,
    urls: Option<Arc<UrlLists>>,
}

impl Decider {
    /// Resolves presets and overrides. Patterns that [`QualityOptions::check`] refuses match nothing.
    pub fn new(options: &QualityOptions, policies: &PolicyOptions) -> Self {
        let with_words = !options.words.is_empty();
        let rule = |rule: &PresetRule| {
            let matcher = Glob::new(&rule.source).ok()?.compile_matcher();
            Some((rule.source.clone(), matcher, Resolved::new(rule.preset, &rule.thresholds, with_words)))
        };
        Self {
            rules: options.rule.iter().filter_map(rule).collect(),
            default: Resolved::new(options.preset, &options.thresholds, with_words),
            policies: Policies::new(policies),
            urls: None,
        }
    }

    /// Drops what these lists name, too.
    #[must_use]
    pub fn with_urls(self, urls: Option<Arc<UrlLists>>) -> Self {
        Self { urls, ..self }
    }

    /// Columns that [`Decider::judge`] reads: every measure that a threshold can name is there.
    pub fn contract(&self) -> Contract {
        let quality = || {
            let names: Vec<&str> = measures_of(&QUALITY).into_iter().chain(LANGUAGE).chain(FORM).collect();
            open_struct(&names)
        };
        let listed = || open_struct(&measures_of(&LISTED).into_iter().chain([WORDS]).collect::<Vec<_>>());
        let mut reads = vec![SOURCE, QUALITY.with_type(quality)];
        let asked = |preset| self.resolved().any(|resolved| resolved.preset == preset);
        if asked(Preset::Auto) || !self.policies.is_empty() {
            reads.push(REGISTER);
        }
        if !self.policies.is_empty() {
            reads.push(KeigoFacts::KEIGO);
        }
        if self
            .resolved()
            .flat_map(|resolved| &resolved.sets)
            .any(|(_, bounds)| bounds.iter().any(|bound| bound.column.name == LISTED.name))
        {
            reads.push(LISTED.with_type(listed));
        }
        reads.extend(self.urls.is_some().then_some(URL));
        if asked(Preset::SwallowV1) {
            reads.push(SWALLOW_V1.with_type(|| open_struct(&peer_figures(Preset::SwallowV1))));
        }
        if asked(Preset::Fineweb2Ja) {
            reads.push(FINEWEB2_JA.with_type(|| open_struct(&peer_figures(Preset::Fineweb2Ja))));
        }
        Contract { reads, adds: vec![] }
    }

    fn resolved(&self) -> impl Iterator<Item = &Resolved> {
        self.rules.iter().map(|(_, _, resolved)| resolved).chain([&self.default])
    }

    /// Every threshold of the plan with its reason: pattern of the sources (`*` for the default behind all rules), preset, and under
    /// `auto` one entry for each preset it chooses among.
    pub fn explain(&self) -> impl Iterator<Item = (&str, Preset, &[Bound])> {
        let rules = self.rules.iter().map(|(pattern, _, resolved)| (pattern.as_str(), resolved)).chain([("*", &self.default)]);
        rules.flat_map(|(pattern, resolved)| resolved.sets.iter().map(move |(preset, bounds)| (pattern, *preset, bounds.as_slice())))
    }

    /// The preset that a row of a batch meets, and its thresholds in the order of the rules.
    ///
    /// # Errors
    /// Refused, if a column that the choice needs is missing or has another type.
    pub fn bounds(&self, batch: &Batch, row: usize) -> Result<(Preset, &[Bound])> {
        let resolved = self.of(self.position(strings(batch, &SOURCE)?.value(row)));
        let forms = if resolved.preset == Preset::Auto { Some(Forms::of(batch)?) } else { None };
        let (preset, bounds) = &resolved.sets[resolved.choose(forms.as_ref(), row)];
        Ok((*preset, bounds))
    }

    /// Every measure of a row beside its threshold, and the preset that the thresholds are of.
    ///
    /// # Errors
    /// As [`Decider::judge`].
    pub fn explain_row(&self, batch: &Batch, row: usize) -> Result<(Preset, Vec<Explained>)> {
        let mut found = None;
        self.explain_rows(&batch.slice(row, 1), &mut |_, preset, measures| found = Some((preset, measures.to_vec())))?;
        found.ok_or_else(|| Error::internal("a row is not there"))
    }

    /// The same for all rows: in order, each with the place of its thresholds among those of [`Decider::explain`].
    ///
    /// # Errors
    /// As [`Decider::judge`].
    pub fn explain_rows(&self, batch: &Batch, visit: &mut dyn FnMut(usize, Preset, &[Explained])) -> Result<()> {
        let sources = strings(batch, &SOURCE)?;
        let forms = if self.resolved().any(|resolved| resolved.preset == Preset::Auto) { Some(Forms::of(batch)?) } else { None };
        let measured =
            |resolved: &Resolved| resolved.sets.iter().map(|(_, bounds)| Measured::of(batch, bounds)).collect::<Result<Vec<_>>>();
        let measured = self.resolved().map(measured).collect::<Result<Vec<_>>>()?;
        let keigo = (!self.policies.is_empty()).then(|| KeigoFacts::of(batch, &self.policies)).transpose()?;
        let (mut values, mut figures, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            let position = self.position(sources.value(row));
            let resolved = self.of(position);
            let choice = resolved.choose(forms.as_ref(), row);
            let (preset, bounds) = &resolved.sets[choice];
            measured[position][choice].read(row, &mut values);
            let protected = keigo.as_ref().is_some_and(|keigo| self.policies.protects(keigo.read(row, &mut figures), &figures));
            all.clear();
            all.extend(bounds.iter().zip(&values).filter_map(|(bound, value)| {
                Some(Explained { exempt: protected && !self.policies.counts(bound), ..Explained::new(bound, *value, bound.value?) })
            }));
            let hiragana = |measure: &Explained| matches!(measure.rule, "hiragana" | "hiragana_of_all");
            let either = all.iter().any(|measure| hiragana(measure) && measure.value.is_some() && measure.holds);
            for measure in &mut all {
                measure.holds |= measure.exempt || either && hiragana(measure);
            }
            let before: usize = self.resolved().take(position).map(|resolved| resolved.sets.len()).sum();
            visit(before + choice, *preset, &all);
        }
        Ok(())
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
        let forms = if self.resolved().any(|resolved| resolved.preset == Preset::Auto) { Some(Forms::of(batch)?) } else { None };
        // Every column is looked up once a batch; most neighbours come from one source.
        let measured =
            |resolved: &Resolved| resolved.sets.iter().map(|(_, bounds)| Measured::of(batch, bounds)).collect::<Result<Vec<_>>>();
        let measured = self.resolved().map(measured).collect::<Result<Vec<_>>>()?;
        let keigo = (!self.policies.is_empty()).then(|| KeigoFacts::of(batch, &self.policies)).transpose()?;
        let urls = self.urls.as_ref().map(|lists| Ok::<_, Error>((lists, strings(batch, &URL)?))).transpose()?;
        let (mut source, mut position) = ("", self.position(""));
        let (mut values, mut figures) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            if sources.value(row) != source {
                source = sources.value(row);
                position = self.position(source);
            }
            let resolved = self.of(position);
            let choice = resolved.choose(forms.as_ref(), row);
            let bounds = &resolved.sets[choice].1;
            let language = measured[position][choice].read(row, &mut values);
            let facts = keigo.as_ref().map(|keigo| keigo.read(row, &mut figures));
            if facts.is_some_and(|facts| self.policies.protects(facts, &figures)) {
                self.spare(bounds, &mut values);
            }
            let lists = Lists {
                url: urls.as_ref().and_then(|(lists, urls)| urls.is_valid(row).then(|| lists.find(urls.value(row)))?),
                words: measured[position][choice].words(row),
            };
            let failures = judge(language, lists, bounds, &values);
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
    fn spare(&self, bounds: &[Bound], values: &mut [Option<f64>]) {
        let spared = bounds.iter().zip(values).filter(|(bound, _)| !self.policies.counts(bound));
        spared.for_each(|(_, value)| *value = None);
    }

    /// Which thresholds apply to a source: those of the first rule that matches, or the default behind all rules.
    fn position(&self, source: &str) -> usize {
        self.rules.iter().position(|(_, glob, _)| glob.is_match(source)).unwrap_or(self.rules.len())
    }

    fn of(&self, position: usize) -> &Resolved {
        self.rules.get(position).map_or(&self.default, |(_, _, resolved)| resolved)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::array::{ArrayRef, AsArray, Float32Array, Float64Array, LargeStringArray, StringArray, StructArray, UInt32Array};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    fn options(toml: &str) -> QualityOptions {
        toml::from_str(toml).unwrap()
    }

    fn decider(options: &QualityOptions) -> Decider {
        Decider::new(options, &PolicyOptions::default())
    }

    /// A document: its source, its `vocabulary`, its `ja_share`.
    type Row = (&'static str, Option<f32>, Option<f32>);

    fn measure(name: &'static str, rows: &[Row]) -> (Arc<Field>, ArrayRef) {
        let ratio = |row: &Row| match name {
            "vocabulary" => row.1,
            "ja_share" => row.2,
            "grammar" | "ended" => Some(1.),
            "mean_sentence" => Some(40.),
            "hiragana" | "hiragana_of_all" | "kana" => Some(0.5),
            _ => Some(0.),
        };
        let count = match name {
            "n_chars" => 900,
            _ => 0,
        };
        if matches!(name, "n_chars" | "run_max" | "hangul" | "simplified" | "replaced") {
            return (Arc::new(Field::new(name, DataType::UInt32, false)), Arc::new(UInt32Array::from(vec![count; rows.len()])));
        }
        (Arc::new(Field::new(name, DataType::Float32, true)), Arc::new(rows.iter().map(ratio).collect::<Float32Array>()))
    }

    /// Prose of 900 characters, but for what the rows say.
    fn batch(rows: &[Row]) -> Batch {
        let names: BTreeSet<_> = measures_of(&QUALITY).into_iter().chain(LANGUAGE).chain(FORM).collect();
        let quality = StructArray::from(names.into_iter().map(|name| measure(name, rows)).collect::<Vec<_>>());
        let sources = StringArray::from_iter_values(rows.iter().map(|row| row.0));
        let fields = vec![SOURCE.field(), Field::new(QUALITY.name, quality.data_type().clone(), false)];
        Batch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(sources), Arc::new(quality)]).unwrap()
    }

    fn prose(source: &'static str, vocabulary: Option<f32>) -> Row {
        (source, vocabulary, Some(1.))
    }

    #[test]
    fn each_source_meets_its_preset() {
        let options = options("preset = \"web\"\nthresholds = { vocabulary = 0.5 }\n[[rule]]\nsource = \"law-*\"\npreset = \"legal\"");
        options.check().unwrap();
        let rows = [("blog", Some(0.25)), ("law-1", Some(0.25)), ("law-2", Some(0.05)), ("blog", Some(0.5)), ("blog", None)];
        let batch = batch(&rows.map(|(source, vocabulary)| prose(source, vocabulary)));
        let decider = decider(&options);
        let rejections = decider.judge(&batch).unwrap();
        let evidence: Vec<_> = rejections.iter().map(|(row, rejection)| (row, rejection.evidence)).collect();
        assert_eq!(evidence, [(0, "vocabulary 0.25 < 0.5"), (2, "vocabulary 0.05 < 0.1")]);
        assert_eq!(rejections.of(0).map(|rejection| (rejection.stage, rejection.rule)), Some(("quality", "vocabulary")));
        let slices = [batch.slice(0, 1), batch.slice(1, 0), batch.slice(1, 4)];
        let table = decider.judge_table(&mut slices.into_iter().map(Ok)).unwrap();
        assert_eq!(table.to_batch().unwrap(), rejections.to_batch().unwrap(), "rows are numbered through");
    }

    #[test]
    fn auto_chooses_by_document() {
        let rows = [("a", Some(0.15), Some(1.)), ("a", Some(0.15), Some(0.3)), ("a", Some(0.15), Some(1.)), ("a", Some(0.05), Some(1.))];
        let decider = decider(&options("preset = \"auto\""));
        let whole = batch(&rows);
        assert!(decider.judge(&whole).unwrap_err().to_string().contains("register"), "the choice needs registers");
        let registers: ArrayRef = Arc::new(StringArray::from(vec!["polite", "polite", "legal", "legal"]));
        let whole = crate::stage::with_column(&whole, &REGISTER, registers).unwrap();
        let preset = |row| decider.bounds(&whole, row).unwrap().0;
        assert_eq!([0, 1, 2, 3].map(preset), [Preset::Literature, Preset::Technical, Preset::Legal, Preset::Legal]);
        let rejections = decider.judge(&whole).unwrap();
        let evidence: Vec<_> = rejections.iter().map(|(row, rejection)| (row, rejection.evidence)).collect();
        assert_eq!(evidence, [(0, "vocabulary 0.15 < 0.2"), (3, "vocabulary 0.05 < 0.1")]);
    }

    #[test]
    fn reproduced_presets_read_columns_of_their_own() {
        let decider = decider(&options("[[rule]]\nsource = \"s*\"\npreset = \"swallow-v1\""));
        let whole = batch(&[prose("s", None), prose("t", None), prose("s", Some(0.01))]);
        assert!(decider.judge(&whole).unwrap_err().to_string().contains("swallow_v1"));
        let figures = peer_figures(Preset::SwallowV1);
        let figure = |name: &'static str| {
            let value =
                if name.starts_with("num_") { [399., 0., 400.] } else { [if name == "avg_sentence_length" { 30. } else { 0.2 }; 3] };
            let value = if matches!(name, "japanese_fraction") {
                [1.; 3]
            } else if name.starts_with("dup") || name.starts_with("top") {
                [0.; 3]
            } else {
                value
            };
            (Arc::new(Field::new(name, DataType::Float64, true)), Arc::new(Float64Array::from(value.to_vec())) as ArrayRef)
        };
        let column = StructArray::from(figures.into_iter().map(figure).collect::<Vec<_>>());
        let mut fields: Vec<_> = whole.schema().fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(SWALLOW_V1.name, column.data_type().clone(), false)));
        let columns = [whole.columns(), &[Arc::new(column) as ArrayRef]].concat();
        let whole = Batch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let rejections = decider.judge(&whole).unwrap();
        let evidence: Vec<_> = rejections.iter().map(|(row, rejection)| (row, rejection.rule, rejection.evidence)).collect();
        assert_eq!(evidence, [(0, "swallow:num_letters", "num_letters 399 < 400; num_japanese_letters 399 < 400")]);
    }

    /// A batch with the column of listed words and addresses.
    fn with_lists(batch: &Batch, types: u32, words: &str, url: Option<&str>) -> Batch {
        let fields: Vec<(Arc<Field>, ArrayRef)> = vec![
            (Arc::new(Field::new("ng_types", DataType::UInt32, false)), Arc::new(UInt32Array::from(vec![types]))),
            (Arc::new(Field::new("ng_chars", DataType::Float32, true)), Arc::new(Float32Array::from(vec![None]))),
            (Arc::new(Field::new("ng_words", DataType::Utf8, true)), Arc::new(StringArray::from(vec![words]))),
        ];
        let listed: ArrayRef = Arc::new(StructArray::from(fields));
        let mut all: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
        all.extend([Field::new(LISTED.name, listed.data_type().clone(), false), URL.field()]);
        let columns = [batch.columns(), &[listed, Arc::new(StringArray::from(vec![url]))]].concat();
        Batch::try_new(Arc::new(Schema::new(all)), columns).unwrap()
    }

    #[test]
    fn lists_drop_where_there_are_lists() {
        let mut urls = UrlLists::new(vec!["adult".to_owned()]);
        urls.add(0, "example.org").unwrap();
        let urls = Some(Arc::new(urls.sorted()));
        let plain = batch(&[prose("blog", None)]);
        let listed = with_lists(&plain, 6, "死 ×9", Some("http://www.example.org/"));
        let told = |decider: &Decider, batch: &Batch| {
            let rejections = decider.judge(batch).unwrap();
            rejections.iter().next().map(|(_, rejection)| (rejection.rule.to_owned(), rejection.evidence.to_owned()))
        };
        assert_eq!(told(&decider(&options("")), &listed), None, "no list, no rule");
        let words = decider(&options("words = [\"ng.txt\"]"));
        assert_eq!(told(&words, &listed), Some(("ng_types".into(), "ng_types 6 >= 6; words 死 ×9".into())));
        assert_eq!(told(&decider(&options("words = [\"ng.txt\"]\npreset = \"legal\"")), &listed), None, "a claim about a kind of text");
        let both = words.clone().with_urls(urls.clone());
        assert_eq!(told(&both, &listed), Some(("url_list".into(), "adult: example.org; ng_types 6 >= 6; words 死 ×9".into())));
        assert_eq!(told(&both, &with_lists(&plain, 5, "死 ×5", None)), None);
        assert_eq!(told(&both, &with_lists(&plain, 0, "", Some("no address"))), None);
        let urls = decider(&options("preset = \"none\"")).with_urls(urls);
        assert_eq!(told(&urls, &listed), Some(("url_list".into(), "adult: example.org".into())));
        for (decider, column) in [(&words, "listed"), (&urls, "url")] {
            let said = decider.judge(&plain).unwrap_err();
            assert!(said.exit_code() == 2 && said.to_string().contains(column), "{said}");
        }
        let explained = words.explain_row(&listed, 0).unwrap().1;
        let types = explained.iter().find(|measure| measure.rule == "ng_types").unwrap();
        assert!(!types.holds && types.value == Some(6.) && types.side == Side::Under);
    }

    #[test]
    fn white_space_alone_is_empty_under_every_preset() {
        let rows = batch(&[("blog", None, None), ("blog", None, Some(1.))]);
        let rejections = decider(&options("preset = \"none\"")).judge(&rows).unwrap();
        assert_eq!(rejections.iter().map(|(row, rejection)| (row, rejection.rule)).collect::<Vec<_>>(), [(0, "empty")]);
    }

    #[test]
    fn a_batch_that_lacks_a_measure_is_refused() {
        let whole = batch(&[prose("blog", None)]);
        let decider = decider(&options(""));
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
        let decider = decider(&options);
        let batch = batch(&[prose("abc", None), prose("xyz", None)]);
        let set = |row| decider.bounds(&batch, row).unwrap().1.iter().map(|bound| bound.rule).collect::<Vec<_>>();
        assert_eq!(set(0), ["kana"]);
        assert!(set(1).contains(&"grammar"));
        let told: Vec<_> = decider.explain().map(|(pattern, preset, bounds)| (pattern, preset, bounds[0].reason == SET_IN_PLAN)).collect();
        assert_eq!(told, [("a*", Preset::None, true), ("*", Preset::Legal, false), ("*", Preset::Web, false)]);
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_a_sentence() {
        for (toml, part) in [
            ("[[rule]]\nsource = \"a[\"", "no glob"),
            ("[[rule]]\npreset = \"web\"", "source is empty"),
            ("thresholds = { grammar = -1 }", "thresholds.grammar"),
            ("thresholds = { grammar = nan }", "thresholds.grammar"),
            ("thresholds = { ng_types = 3 }", "quality.words names no list"),
            ("[[rule]]\nsource = \"a\"\nthresholds = { ng_chars = 0.1 }", "quality.words names no list"),
            ("words = [\"\"]", "no empty name"),
            ("url_categories = [\"adult\"]", "quality.url_lists"),
        ] {
            let refused = options(toml).check().unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        assert!(toml::from_str::<QualityOptions>("thresholds = { top_5 = 0.1 }").is_err());
        assert!(toml::from_str::<QualityOptions>("presets = \"web\"").is_err());
    }

    #[test]
    fn options_survive_writing_and_reading() {
        let before = options("preset = \"technical\"\nthresholds = { grammar = 0.25 }\n[[rule]]\nsource = \"a\"\npreset = \"dialogue\"");
        assert_eq!(options(&toml::to_string(&before).unwrap()), before);
    }
}
