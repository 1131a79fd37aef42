//! Evidence: what is declared of each source, and what became of its documents, counted from the tables.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::Array;
use arrow::datatypes::Int32Type;
use serde::Serialize;

use crate::corpus::{Declared, Options, SourceDefaults};
use crate::error::Result;
use crate::io::open_table;
use crate::pipeline::evaluation::EvaluationSet;
use crate::pipeline::layout::{self, Subset};
use crate::pipeline::lists::ListFacts;
use crate::pipeline::manifest::{DictionaryFacts, InputFacts, Manifest, Taken, Totals};
use crate::pipeline::plan::Plan;
use crate::pipeline::provenance::{NONE, add, bounded};
use crate::schema::{FILE, LICENSE, N_TOKENS, RESIDENCY, RULE, SOURCE, STAGE, URL};
use crate::stage::{Counts, numbers, strings};

/// Layout of the document.
const VERSION: u32 = 1;
const BATCH_ROWS: usize = 8192;
/// Sources that have a name of their own; those with fewest documents go together.
const SOURCES_MAX: usize = 10_000;
/// What stands for those that have none.
const OTHER: &str = "(other)";

/// `passport.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// 1.
    pub passport_version: u32,
    /// Version of Seimai that made the run.
    pub seimai: String,
    /// Fingerprint of the plan, with dictionary, lists and versions.
    pub fingerprint: String,
    /// BLAKE3 of `manifest.json`, hex.
    pub manifest_blake3: String,
    /// What the plan declares, in its order; the last that fits a document holds, key by key.
    pub declared: Vec<Declaration>,
    /// Sources by name.
    pub sources: BTreeMap<String, SourceEvidence>,
    /// The inputs, as in the manifest.
    pub inputs: Vec<InputFacts>,
    /// The totals, as in the manifest.
    pub totals: Totals,
    /// Which part of the inputs was taken, where not all was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// What is done with personal data: `action` of the plan.
    pub personal_data: serde_json::Value,
    /// Evaluation sets that were looked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evaluation: Vec<EvaluationSet>,
    /// The user's lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListFacts>,
    /// The dictionary.
    pub dictionary: DictionaryFacts,
}

/// What the plan declares of some documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Declaration {
    /// Inputs that it holds for; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Hosts that it holds for; none: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// What it says.
    #[serde(flatten)]
    pub says: BTreeMap<&'static str, String>,
}

/// A source: documents that name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceEvidence {
    /// Documents that were kept, those held out among them.
    pub kept: u64,
    /// Of these, held out of training.
    #[serde(skip_serializing_if = "is_zero")]
    pub held_out: u64,
    /// Tokens of the kept documents, without EOS.
    pub tokens: u64,
    /// Documents that were rejected, by `stage/rule`.
    pub rejected: Counts,
    /// Kept documents by licence.
    pub licenses: Counts,
    /// Kept documents by the country in which they have to stay.
    pub residencies: Counts,
    /// Kept documents by declared owner.
    pub owners: Counts,
    /// Kept documents by declared consent.
    pub consents: Counts,
    /// Kept documents by declared legal ground.
    pub legal_bases: Counts,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Evidence {
    /// Counts the documents of a run.
    pub(super) fn gather(run: &Path, manifest: &Manifest, hash: &str, plan: &Plan) -> Result<Self> {
        let mut sources = Sources { declared: Declared::new(&plan.input), all: BTreeMap::new() };
        for file in &manifest.files {
            let path = run.join(&file.path);
            let in_directory = |directory: &str| layout::is_in(directory, &file.path);
            if let Some(subset) = Subset::BOTH.into_iter().find(|subset| in_directory(subset.documents)) {
                sources.count_kept(&path, subset == layout::HELD_OUT)?;
            } else if Subset::BOTH.into_iter().any(|subset| in_directory(subset.tokens)) {
                sources.count_tokens(&path)?;
            } else if in_directory(layout::REJECTED) {
                sources.count_rejected(&path)?;
            }
        }
        Ok(Self {
            passport_version: VERSION,
            seimai: manifest.seimai.clone(),
            fingerprint: manifest.fingerprint.clone(),
            manifest_blake3: hash.to_owned(),
            declared: declarations(&plan.input),
            sources: sources.finish(),
            inputs: manifest.inputs.clone(),
            totals: manifest.totals,
            taken: manifest.taken,
            personal_data: serde_json::to_value(&plan.pii).unwrap_or_default(),
            evaluation: manifest.evaluation.clone(),
            lists: manifest.lists.clone(),
            dictionary: manifest.dictionary.clone(),
        })
    }
}

/// What the plan says of all records, then each rule that says something.
fn declarations(input: &Options) -> Vec<Declaration> {
    let of = |source: &SourceDefaults| -> BTreeMap<&'static str, String> {
        let SourceDefaults { name, license, residency, owner, consent, legal_basis } = source.clone();
        let all = [
            ("name", name),
            ("license", license),
            ("residency", residency),
            ("owner", owner),
            ("consent", consent),
            ("legal_basis", legal_basis),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    };
    let rules = input.rules.iter().map(|rule| Declaration { files: rule.files.clone(), hosts: rule.hosts.clone(), says: of(&rule.source) });
    let everything = Declaration { files: Vec::new(), hosts: Vec::new(), says: of(&input.source) };
    std::iter::once(everything).chain(rules).filter(|declaration| !declaration.says.is_empty()).collect()
}

/// Sources being counted.
struct Sources {
    declared: Declared,
    all: BTreeMap<String, SourceEvidence>,
}

impl Sources {
    fn of(&mut self, source: &str) -> &mut SourceEvidence {
        if !self.all.contains_key(source) {
            self.all.insert(source.to_owned(), SourceEvidence::default());
        }
        self.all.entry(source.to_owned()).or_default()
    }

    fn count_kept(&mut self, path: &Path, held_out: bool) -> Result<()> {
        let columns = [&SOURCE, &LICENSE, &RESIDENCY, &FILE, &URL];
        for batch in open_table(path, Some(&columns.map(|column| column.name)), BATCH_ROWS)? {
            let batch = batch?;
            let [sources, licenses, residencies, files, urls] = columns.map(|column| strings(&batch, column));
            let (sources, licenses, residencies, files, urls) = (sources?, licenses?, residencies?, files?, urls?);
            let given = |column: &arrow::array::StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
            for row in 0..batch.num_rows() {
                let declared = self.declared.of(files.value(row), given(urls, row).as_deref());
                let source = self.of(sources.value(row));
                source.kept += 1;
                source.held_out += u64::from(held_out);
                for (counts, value) in [
                    (&mut source.licenses, given(licenses, row)),
                    (&mut source.residencies, given(residencies, row)),
                    (&mut source.owners, declared.owner),
                    (&mut source.consents, declared.consent),
                    (&mut source.legal_bases, declared.legal_basis),
                ] {
                    add(counts, value.as_deref().unwrap_or(NONE), 1);
                }
            }
        }
        Ok(())
    }

    fn count_tokens(&mut self, path: &Path) -> Result<()> {
        for batch in open_table(path, Some(&[SOURCE.name, N_TOKENS.name]), BATCH_ROWS)? {
            let batch = batch?;
            let (sources, lengths) = (strings(&batch, &SOURCE)?, numbers::<Int32Type>(&batch, &N_TOKENS)?);
            for row in 0..batch.num_rows() {
                self.of(sources.value(row)).tokens += u64::try_from(lengths.value(row)).unwrap_or(0);
            }
        }
        Ok(())
    }

    fn count_rejected(&mut self, path: &Path) -> Result<()> {
        for batch in open_table(path, Some(&[SOURCE.name, STAGE.name, RULE.name]), BATCH_ROWS)? {
            let batch = batch?;
            let (sources, stages, rules) = (strings(&batch, &SOURCE)?, strings(&batch, &STAGE)?, strings(&batch, &RULE)?);
            for row in 0..batch.num_rows() {
                let rule = format!("{}/{}", stages.value(row), rules.value(row));
                add(&mut self.of(sources.value(row)).rejected, &rule, 1);
            }
        }
        Ok(())
    }

    /// Bounded, whatever the documents say.
    fn finish(self) -> BTreeMap<String, SourceEvidence> {
        let mut ranked: Vec<(String, SourceEvidence)> = self.all.into_iter().collect();
        ranked.sort_by(|(a, one), (b, other)| other.documents().cmp(&one.documents()).then_with(|| a.cmp(b)));
        let others = ranked.split_off(ranked.len().min(SOURCES_MAX - 1));
        let mut all: BTreeMap<String, SourceEvidence> = ranked.into_iter().collect();
        for (_, source) in others {
            all.entry(OTHER.to_owned()).or_default().add(source);
        }
        for source in all.values_mut() {
            for counts in source.names() {
                *counts = bounded(std::mem::take(counts));
            }
        }
        all
    }
}

impl SourceEvidence {
    fn documents(&self) -> u64 {
        self.kept + self.rejected.values().sum::<u64>()
    }

    /// Counts whose names come from documents and plan.
    fn names(&mut self) -> [&mut Counts; 5] {
        [&mut self.licenses, &mut self.residencies, &mut self.owners, &mut self.consents, &mut self.legal_bases]
    }

    fn add(&mut self, mut other: Self) {
        self.kept += other.kept;
        self.held_out += other.held_out;
        self.tokens += other.tokens;
        other.rejected.iter().for_each(|(rule, n)| add(&mut self.rejected, rule, *n));
        for (own, others) in self.names().into_iter().zip(other.names()) {
            for (name, n) in &*others {
                add(own, name, *n);
            }
        }
    }
}
