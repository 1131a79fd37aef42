//! The history of a document in a finished run: where it is, what was measured, why it stayed or went, what repeats it, its tokens. Of records
//! that could not be read, what is known of them.

use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, UInt8Type, UInt32Type, UInt64Type};
use arrow::util::display::array_value_to_string;
use serde_json::{Map, Value};

use super::analyst::{Analyst, Parts};
use super::layout::{self, Subset};
use super::manifest::Manifest;
use super::overview::excerpt::offending;
use super::plan::Plan;
use crate::decide::{Decider, Explained};
use crate::error::{Error, Result};
use crate::io::{open_file, open_table, read_limited};
use crate::quarantine::Quarantined;
use crate::schema;
use crate::stage::{Batch, list_slice, lists, strings};

const BATCH_ROWS: usize = 1024;
/// Unreadable records of a file that are told.
const QUARANTINED_MAX: usize = 20;
/// The name under which unreadable records are asked for as if it were a rule.
const UNREADABLE: &str = "quarantine";
/// Draws the documents of a rule: another key would draw others.
const SAMPLE: &str = "seimai: documents of a rule, 1";

/// A token of a kept document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: i32,
    /// Its bytes: a piece of a character is no text.
    pub bytes: Vec<u8>,
}

/// Where a document ended.
#[derive(Debug, Clone)]
pub enum Decision {
    /// In `documents/` or `validation/documents/`, with its tokens.
    Kept {
        /// Its tokens.
        tokens: Vec<Token>,
        /// doc_ids of rejected documents that name it.
        duplicates: Vec<String>,
    },
    /// In `rejected/`.
    Rejected {
        /// The stage that rejected it.
        stage: String,
        /// The first rule.
        rule: String,
        /// Every rule that failed.
        evidence: String,
        /// The kept document it duplicates, with its text where that is in this run.
        duplicate_of: Option<(String, Option<String>)>,
    },
}

/// A document and what became of it.
#[derive(Debug, Clone)]
pub struct History {
    /// Its doc_id.
    pub doc_id: String,
    /// The part it is in, and its row there.
    pub position: (String, u64),
    /// The text after normalisation.
    pub text: String,
    /// The other columns that are not null, in their order; a struct is an object.
    pub columns: Vec<(String, Value)>,
    /// The preset that judged it.
    pub preset: &'static str,
    /// Every measure beside its threshold.
    pub measures: Vec<Explained>,
    /// Stretches of the text that the rule speaks of by which it went: bytes, in order, apart.
    pub marks: Vec<Range<usize>>,
    /// Morphemes and sentences, where the dictionary of the run is installed.
    pub parts: Option<Parts>,
    /// What became of it.
    pub decision: Decision,
}

impl History {
    /// A column.
    pub fn column(&self, name: &str) -> Option<&Value> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, value)| value)
    }
}

/// What is found of an id.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Documents; ids that occur more than once in the inputs give more than one.
    pub documents: Vec<History>,
    /// Records that could not be read: `FILE@OFFSET`, `FILE:LINE`, or all of a `FILE`.
    pub quarantined: Vec<Quarantined>,
}

/// Looks an id up.
///
/// # Errors
/// `Refused` where there is no finished run; damaged; I/O.
pub fn inspect(run: &Path, id: &str) -> Result<Found> {
    let finished = FinishedRun::open(run)?;
    let mut documents = Vec::new();
    finished.each_table(&mut |subset, path| {
        finished.search(path, id, &mut |batch, row, at| {
            documents.push(finished.history(subset, path, batch, row, at)?);
            Ok(())
        })
    })?;
    let mut quarantined = Vec::new();
    if documents.is_empty() {
        finished.each_quarantined(&mut |record| {
            if is_called(&record, id) && quarantined.len() < QUARANTINED_MAX {
                quarantined.push(record);
            }
        })?;
    }
    Ok(Found { documents, quarantined })
}

/// Some of the documents that a rule cost.
#[derive(Debug, Clone, Default)]
pub struct OfRule {
    /// The rule, with its stage: `quality/min_chars`; `quarantine/utf8` for unreadable records.
    pub rule: String,
    /// How many there are of it.
    pub total: u64,
    /// The key of the plan that switches it, and the value of that; `None` where a threshold does, or nothing.
    pub setting: Option<(String, String)>,
    /// Those that were drawn, in the order of the outputs.
    pub found: Found,
}

/// Draws documents that a rule cost, each under the first that failed: by a hash of their ids, so always the same ones, and those of a smaller number
/// among those of a larger.
///
/// # Errors
/// `Refused` where nothing was lost by such a rule: the message names those there are. As [`inspect`].
pub fn of_rule(run: &Path, rule: &str, most: usize) -> Result<OfRule> {
    let finished = FinishedRun::open(run)?;
    if let Some(found) = finished.unreadable(rule, most)? {
        return Ok(found);
    }
    let is_meant = |name: &str| name == rule || name.split_once('/').is_some_and(|(_, short)| short == rule);
    let mut named = finished.manifest.rejected.iter().filter(|(name, _)| is_meant(name));
    let Some((name, &total)) = named.next() else { return Err(finished.no_such_rule(rule)) };
    if let Some((other, _)) = named.next() {
        return Err(Error::refused_with_hint(format!("--rule {rule}: there are {name} and {other}"), "give it with its stage"));
    }
    let (stage, short) = name.split_once('/').unwrap_or(("", name));
    let mut drawn: Vec<(String, String, u64)> = Vec::new();
    for path in finished.rejected() {
        let columns = [schema::DOC_ID.name, schema::STAGE.name, schema::RULE.name];
        let mut base = 0;
        for batch in open_table(&finished.run.join(path), Some(&columns), BATCH_ROWS)? {
            let batch = batch?;
            let [ids, stages, rules] = [&schema::DOC_ID, &schema::STAGE, &schema::RULE].map(|column| strings(&batch, column));
            let (ids, stages, rules) = (ids?, stages?, rules?);
            for row in (0..batch.num_rows()).filter(|row| stages.value(*row) == stage && rules.value(*row) == short) {
                drawn.push((drawn_by(ids.value(row)), path.to_owned(), base + row as u64));
            }
            // No more than is needed is held.
            drawn.sort();
            drawn.truncate(most);
            base += batch.num_rows() as u64;
        }
    }
    drawn.sort_by(|a, b| (&a.1, a.2).cmp(&(&b.1, b.2)));
    let mut documents = Vec::with_capacity(drawn.len());
    for (_, path, at) in drawn {
        documents.push(finished.row(&path, at)?);
    }
    let setting = finished.setting_of(name)?;
    Ok(OfRule { rule: name.clone(), total, setting, found: Found { documents, quarantined: Vec::new() } })
}

/// The key of the plan that switches a rule which no threshold decides.
fn switch(rule: &str) -> Option<&'static str> {
    match rule.split_once('/')? {
        ("dedup", "exact") => Some("dedup.exact"),
        ("dedup", "near") => Some("dedup.near"),
        ("dedup", "lines") => Some("dedup.lines"),
        ("dedup", "substring") => Some("dedup.substring"),
        ("pii", _) => Some("pii.action"),
        ("keigo", _) => Some("keigo.policy"),
        _ => None,
    }
}

fn drawn_by(id: &str) -> String {
    let mut hasher = blake3::Hasher::new_derive_key(SAMPLE);
    hasher.update(id.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Is an unreadable record meant by this id?
fn is_called(record: &Quarantined, id: &str) -> bool {
    let rest = id.strip_prefix(record.file.as_str());
    let line = record.line.map(|line| format!(":{line}"));
    rest.is_some_and(|rest| rest.is_empty() || rest == format!("@{}", record.offset) || line.as_deref() == Some(rest))
}

/// A finished run, opened for questions.
struct FinishedRun {
    run: PathBuf,
    manifest: Manifest,
    decider: Decider,
    analyst: Option<Analyst>,
}

impl FinishedRun {
    fn open(run: &Path) -> Result<Self> {
        let (manifest, _) = Manifest::read(run)?;
        let text = String::from_utf8_lossy(&read_limited(&run.join(layout::PLAN), 1 << 20)?).into_owned();
        let plan = Plan::from_toml(&text, &[], layout::PLAN)?;
        let analyst = Analyst::open(&plan.segment, &manifest.dictionary.fingerprint)?;
        let decider = Decider::new(&plan.quality, &plan.keigo.policies());
        Ok(Self { run: run.to_path_buf(), manifest, decider, analyst })
    }

    /// What switches a rule, and the value that this run had.
    fn setting_of(&self, rule: &str) -> Result<Option<(String, String)>> {
        let Some(key) = switch(rule) else { return Ok(None) };
        let text = String::from_utf8_lossy(&read_limited(&self.run.join(layout::PLAN), 1 << 20)?).into_owned();
        let plan: toml::Table = toml::from_str(&text).map_err(|e| Error::damaged(self.run.join(layout::PLAN), e.to_string()))?;
        let value = key.split_once('.').and_then(|(section, name)| plan.get(section)?.get(name));
        Ok(value.map(|value| (key.to_owned(), value.to_string())))
    }

    fn rejected(&self) -> impl Iterator<Item = &str> {
        self.manifest.files.iter().map(|file| file.path.as_str()).filter(|path| layout::is_in(layout::REJECTED, path))
    }

    /// Every table of documents, those that are rejected without a subset.
    fn each_table(&self, visit: &mut dyn FnMut(Option<Subset>, &str) -> Result<()>) -> Result<()> {
        for file in &self.manifest.files {
            let subset = Subset::BOTH.into_iter().find(|subset| layout::is_in(subset.documents, &file.path));
            if subset.is_some() || layout::is_in(layout::REJECTED, &file.path) {
                visit(subset, &file.path)?;
            }
        }
        Ok(())
    }

    /// Calls `found` for every row of the table with this id.
    fn search(&self, path: &str, doc_id: &str, found: &mut dyn FnMut(&Batch, usize, u64) -> Result<()>) -> Result<()> {
        // The ids first: most parts hold no match, and their texts need not be read.
        let holds = |column: &StringArray| column.iter().any(|id| id == Some(doc_id));
        let mut any = false;
        for batch in open_table(&self.run.join(path), Some(&[schema::DOC_ID.name]), BATCH_ROWS)? {
            any |= holds(strings(&batch?, &schema::DOC_ID)?);
        }
        if !any {
            return Ok(());
        }
        let mut base = 0;
        for batch in open_table(&self.run.join(path), None, BATCH_ROWS)? {
            let batch = batch?;
            for (row, id) in strings(&batch, &schema::DOC_ID)?.iter().enumerate() {
                if id == Some(doc_id) {
                    found(&batch, row, base + row as u64)?;
                }
            }
            base += batch.num_rows() as u64;
        }
        Ok(())
    }

    /// A row of a table of rejected documents.
    fn row(&self, path: &str, at: u64) -> Result<History> {
        let mut base = 0;
        for batch in open_table(&self.run.join(path), None, BATCH_ROWS)? {
            let batch = batch?;
            if at < base + batch.num_rows() as u64 {
                return self.history(None, path, &batch, (at - base) as usize, at);
            }
            base += batch.num_rows() as u64;
        }
        Err(Error::damaged(self.run.join(path), format!("has no row {at}")))
    }

    fn history(&self, subset: Option<Subset>, path: &str, batch: &Batch, row: usize, at: u64) -> Result<History> {
        // What is shown is what was written: the tables have no checksums of their own.
        self.manifest.check_file(&self.run, path)?;
        let decision = match subset {
            Some(subset) => self.kept(subset, path, batch, row, at)?,
            None => self.lost(batch, row)?,
        };
        let text = strings(batch, &schema::TEXT)?.value(row).to_owned();
        let (preset, measures) = self.decider.explain_row(batch, row)?;
        let marks = match &decision {
            Decision::Rejected { rule, evidence, .. } => {
                let measure = measures.iter().find(|measure| measure.rule == rule).map_or(rule.as_str(), |measure| measure.measure);
                offending(measure, &text, evidence)
            }
            Decision::Kept { .. } => Vec::new(),
        };
        Ok(History {
            doc_id: strings(batch, &schema::DOC_ID)?.value(row).to_owned(),
            position: (path.to_owned(), at),
            parts: self.analyst.as_ref().map(|analyst| analyst.parts(&text)),
            text,
            columns: columns(batch, row)?,
            preset: preset.name(),
            measures,
            marks,
            decision,
        })
    }

    fn kept(&self, subset: Subset, path: &str, batch: &Batch, row: usize, at: u64) -> Result<Decision> {
        let shard = path.replacen(subset.documents, subset.tokens, 1);
        [shard.as_str(), layout::TOKENIZER_JSON].into_iter().try_for_each(|name| self.manifest.check_file(&self.run, name))?;
        let tokenizer = crate::bpe::read_tokenizer(&self.run.join(layout::TOKENIZER_JSON))?;
        let bytes = |id: i32| u32::try_from(id).ok().and_then(|id| tokenizer.token(id)).unwrap_or_default().to_vec();
        let tokens = self.tokens(&shard, at)?.into_iter().map(|id| Token { id, bytes: bytes(id) }).collect();
        let duplicates = self.duplicates(strings(batch, &schema::DOC_ID)?.value(row))?;
        Ok(Decision::Kept { tokens, duplicates })
    }

    fn lost(&self, batch: &Batch, row: usize) -> Result<Decision> {
        let text = |column| strings(batch, column).map(|values| values.value(row).to_owned());
        let of = strings(batch, &schema::DUPLICATE_OF)?;
        let duplicate_of = if of.is_valid(row) { Some((of.value(row).to_owned(), self.kept_text(of.value(row))?)) } else { None };
        Ok(Decision::Rejected {
            stage: text(&schema::STAGE)?,
            rule: text(&schema::RULE)?,
            evidence: text(&schema::EVIDENCE)?,
            duplicate_of,
        })
    }

    /// The text of a kept document.
    fn kept_text(&self, doc_id: &str) -> Result<Option<String>> {
        let mut found = None;
        self.each_table(&mut |subset, path| {
            if subset.is_none() || found.is_some() {
                return Ok(());
            }
            self.search(path, doc_id, &mut |batch, row, _| {
                found = Some(strings(batch, &schema::TEXT)?.value(row).to_owned());
                Ok(())
            })
        })?;
        Ok(found)
    }

    fn tokens(&self, path: &str, at: u64) -> Result<Vec<i32>> {
        let mut base = 0;
        for batch in open_table(&self.run.join(path), Some(&[schema::INPUT_IDS.name]), BATCH_ROWS)? {
            let batch = batch?;
            if at < base + batch.num_rows() as u64 {
                return Ok(list_slice::<Int32Type>(lists(&batch, &schema::INPUT_IDS)?, (at - base) as usize).to_vec());
            }
            base += batch.num_rows() as u64;
        }
        Err(Error::damaged(self.run.join(path), format!("has no row {at}")))
    }

    fn duplicates(&self, doc_id: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let columns = [schema::DOC_ID.name, schema::DUPLICATE_OF.name];
        for path in self.rejected() {
            for batch in open_table(&self.run.join(path), Some(&columns), BATCH_ROWS)? {
                let batch = batch?;
                let pairs = strings(&batch, &schema::DOC_ID)?.iter().zip(strings(&batch, &schema::DUPLICATE_OF)?);
                found.extend(pairs.filter(|(_, of)| *of == Some(doc_id)).filter_map(|(id, _)| id.map(str::to_owned)));
            }
        }
        Ok(found)
    }

    fn each_quarantined(&self, visit: &mut dyn FnMut(Quarantined)) -> Result<()> {
        use std::io::BufRead;
        self.manifest.check_file(&self.run, layout::QUARANTINE)?;
        let path = self.run.join(layout::QUARANTINE);
        for (line, number) in std::io::BufReader::new(open_file(&path)?).lines().zip(1..) {
            let line = line.map_err(|e| Error::io(&path, "read", e))?;
            let record =
                serde_json::from_str(&line).map_err(|_| Error::damaged(&path, format!("line {number} is no unreadable record")))?;
            visit(record);
        }
        Ok(())
    }

    /// Unreadable records of a reason, if it is one.
    fn unreadable(&self, rule: &str, most: usize) -> Result<Option<OfRule>> {
        let reason = rule.strip_prefix(UNREADABLE).map_or(rule, |rest| rest.trim_start_matches('/'));
        let (mut total, mut drawn) = (0, Vec::new());
        let mut place = 0_u64;
        self.each_quarantined(&mut |record| {
            place += 1;
            if reason.is_empty() || record.reason == reason {
                total += 1;
                drawn.push((drawn_by(&format!("{}@{}", record.file, record.offset)), place, record));
                if drawn.len() > 2 * most {
                    drawn.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
                    drawn.truncate(most);
                }
            }
        })?;
        if total == 0 {
            return Ok(None);
        }
        drawn.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        drawn.truncate(most);
        drawn.sort_by_key(|(_, place, _)| *place);
        let quarantined = drawn.into_iter().map(|(.., record)| record).collect();
        let rule = if reason.is_empty() { UNREADABLE.to_owned() } else { format!("{UNREADABLE}/{reason}") };
        Ok(Some(OfRule { rule, total, setting: None, found: Found { documents: Vec::new(), quarantined } }))
    }

    fn no_such_rule(&self, rule: &str) -> Error {
        let message = format!("--rule {}: this rule cost no document of the run", crate::quarantine::escape(rule, 100));
        let mut all: Vec<(&String, &u64)> = self.manifest.rejected.iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let all: Vec<String> = all.into_iter().map(|(name, count)| format!("{name} ({count})")).collect();
        let unreadable = self.manifest.totals.quarantined;
        let unreadable = (unreadable > 0).then(|| format!("{UNREADABLE} ({unreadable})"));
        let all: Vec<String> = all.into_iter().chain(unreadable).collect();
        if all.is_empty() {
            return Error::refused_with_hint(message, "nothing was lost");
        }
        Error::refused_with_hint(message, format!("there are {}", all.join(", ")))
    }
}

/// The columns beside those that a history has fields for.
fn columns(batch: &Batch, row: usize) -> Result<Vec<(String, Value)>> {
    const APART: &[&str] = &["doc_id", "text", "stage", "rule", "evidence", "duplicate_of"];
    let mut found = Vec::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        if !APART.contains(&field.name().as_str()) && array.is_valid(row) {
            found.push((field.name().clone(), value(array, row)?));
        }
    }
    Ok(found)
}

/// A value as JSON: a number as the shortest that gives it back.
fn value(array: &ArrayRef, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let shown = |shown: String| shown.parse::<f64>().map_or(Value::Null, Value::from);
    Ok(match array.data_type() {
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Float32 => shown(array.as_primitive::<Float32Type>().value(row).to_string()),
        DataType::Float64 => shown(array.as_primitive::<Float64Type>().value(row).to_string()),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::List(_) | DataType::FixedSizeList(..) => {
            let inner = match array.as_list_opt::<i32>() {
                Some(lists) => lists.value(row),
                None => array.as_fixed_size_list().value(row),
            };
            (0..inner.len()).map(|i| value(&inner, i)).collect::<Result<Vec<Value>>>()?.into()
        }
        DataType::Struct(fields) => {
            let mut object = Map::new();
            for (field, inner) in fields.iter().zip(array.as_struct().columns()) {
                object.insert(field.name().clone(), value(inner, row)?);
            }
            Value::Object(object)
        }
        _ => array_value_to_string(array, row)?.into(),
    })
}
