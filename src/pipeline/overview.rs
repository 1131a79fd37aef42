//! What a finished run looks like: all that its report shows, gathered from the manifest and the tables.
//!
//! Tables are read twice: their figures first, then the texts of the few documents that are shown. Memory holds sums by source, rule and value,
//! which a table of the manifest bounds, the counts of the vocabulary, and these texts. The same run gives the same overview on any machine;
//! the times of `run.json` stand apart ([`Timings`]).

mod candidates;
pub mod excerpt;
mod honorific;
pub mod repeats;
pub mod spread;
pub mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::UInt32Type;

use self::candidates::{First, Row, distance};
use self::excerpt::{Excerpt, offending};
use self::honorific::mark;
use self::repeats::{Finding, Repeats};
use self::spread::{Counting, Fate, Spread};
use self::vocabulary::VocabularyFacts;
use super::analyst::Analyst;
use super::layout::{self, Subset, pass};
use super::manifest::{Manifest, success_line};
use super::plan::Plan;
use crate::bpe::read_tokenizer_and_content;
use crate::decide::losses::Amount;
use crate::decide::{Decider, Explained};
use crate::error::{Error, Result};
use crate::io::{Dir, Place, hash_file, open_table, open_table_rows, open_table_within, read_limited};
use crate::schema::{self, DOC_ID, DUPLICATE_OF, EVIDENCE, KEIGO, LICENSE, QUALITY, REGISTER, RESIDENCY, RULE, SOURCE, STAGE, TEXT};
use crate::stage::{numbers, strings, wrong_type};

/// The page that shows a finished run, in its directory. It follows from what the manifest lists, and is not listed itself.
pub const PAGE: &str = layout::REPORT;

const BATCH_ROWS: usize = 4096;
/// Rows and bytes of a batch of texts.
const TEXT_ROWS: usize = 64;
const TEXT_BYTES: u64 = 32 << 20;
/// Examples on either side of a threshold.
const EXAMPLES: usize = 10;
/// Examples of a register, and the sentences that such a document has.
const OF_REGISTER: usize = 2;
const SENTENCES: std::ops::RangeInclusive<u32> = 3..=400;
/// Licences and residencies of a source that are named.
const NAMES_MAX: usize = 12;
/// What stands for all others.
const OTHER: &str = "(other)";
/// What stands for none.
const NONE: &str = "(none)";
/// Rules of the stage `quality` that are no thresholds.
const NO_THRESHOLDS: [&str; 4] = ["empty", "url_list", "lang:zh", "lang:ko"];

/// What is known of a run without reading its tables.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// The manifest.
    pub manifest: Manifest,
    /// The resolved plan.
    pub plan: Plan,
    /// The plan as keys and values: `quality.preset`, `"web"`.
    pub settings: BTreeMap<String, String>,
    /// What `run.json` says; `None` where it is not there.
    pub timings: Option<Timings>,
}

/// How fast it went: what differs from run to run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timings {
    /// Seconds of the last attempt.
    pub wall: f64,
    /// Megabytes of text a second.
    pub megabytes_per_second: f64,
    /// Largest resident memory in bytes.
    pub peak_memory: u64,
    /// Threads.
    pub threads: u64,
    /// Seconds of each pass of the last attempt, in order.
    pub passes: Vec<(String, f64)>,
}

/// All that a report of one run shows.
#[derive(Debug, Clone)]
pub struct Overview {
    /// What the manifest, the plan and `run.json` say.
    pub facts: RunFacts,
    /// Sources: those with most characters first, at last `(other)` where the manifest puts some together.
    pub sources: Vec<SourceFacts>,
    /// Every threshold of the plan.
    pub spreads: Vec<Spread>,
    /// Documents beside each threshold, in the order of `spreads`.
    pub examples: Vec<Beside>,
    /// Kept documents of each register with many honorific forms.
    pub registers: BTreeMap<String, Vec<Example>>,
    /// Are honorific forms marked in excerpts? Not where the dictionary of the run is not installed.
    pub marked: bool,
    /// Clusters of duplicates.
    pub repeats: Repeats,
    /// What the vocabulary does.
    pub vocabulary: VocabularyFacts,
}

/// A source.
#[derive(Debug, Clone, Default)]
pub struct SourceFacts {
    /// Its name.
    pub name: String,
    /// Kept documents by licence.
    pub licenses: BTreeMap<String, u64>,
    /// Kept documents by residency.
    pub residencies: BTreeMap<String, u64>,
    /// Sentences by level of politeness, 0 to 3: those of all documents, and of those that are kept.
    pub levels: [[u64; 4]; 2],
    /// Honorific forms by class (SON, KEN1, KEN2, KEN12, TEI, BIK): the same.
    pub honorific: [[u64; 6]; 2],
}

/// Fields of the column `keigo` with the classes of honorific forms.
pub const CLASSES: [(&str, &str); 6] =
    [("SON", "son"), ("KEN1", "ken1"), ("KEN2", "ken2"), ("KEN12", "ken12"), ("TEI", "tei"), ("BIK", "bik")];

/// Documents nearest to a threshold.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Kept ones, the nearest first.
    pub kept: Vec<Example>,
    /// Those that the rule dropped.
    pub dropped: Vec<Example>,
}

/// A document that is shown.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// Its doc_id.
    pub doc_id: String,
    /// Index of its source.
    pub source: usize,
    /// Its register.
    pub register: String,
    /// Its value of the measure.
    pub value: f64,
    /// The threshold that it met.
    pub limit: f64,
    /// Why it was dropped.
    pub evidence: String,
    /// A piece of its text.
    pub excerpt: Excerpt,
}

impl RunFacts {
    /// Reads manifest, plan and `run.json` of a finished run.
    ///
    /// # Errors
    /// Refused: no finished run. Damaged: not the manifest that the run vouches for.
    pub fn read(run: &Path) -> Result<Self> {
        Self::of(&open(run)?)
    }

    fn of(run: &Dir) -> Result<Self> {
        let (manifest, hash) = Manifest::of(run)?;
        let success = run.at(layout::SUCCESS);
        if !success.exists() {
            let why = format!("{}: the run there is not finished", run.path().display());
            return Err(Error::refused_with_hint(why, "give its `seimai run` command again: it goes on where it stopped"));
        }
        if read_limited(&success, 4096)? != success_line(&hash).into_bytes() {
            return Err(Error::damaged(run.at(layout::MANIFEST).path(), "not the file that _SUCCESS vouches for"));
        }
        let plan = vouched(run, &manifest, layout::PLAN)?;
        let text = String::from_utf8_lossy(&read_limited(&plan, 1 << 20)?).into_owned();
        let plan = Plan::from_toml(&text, &[], &plan.path().display().to_string())?;
        let mut settings = BTreeMap::new();
        if let Ok(table) = text.parse::<toml::Table>() {
            flatten("", &toml::Value::Table(table), &mut settings);
        }
        let timings = read_limited(&run.at(layout::RUN), 1 << 20).ok().and_then(|bytes| timings(&bytes));
        Ok(Self { manifest, plan, settings, timings })
    }
}

/// The directory of a run: everything in it is read through it, and through no link.
fn open(run: &Path) -> Result<Dir> {
    match Dir::find(run)? {
        Some(dir) => Ok(dir),
        None => Err(Error::refused_with_hint(
            format!("{}: no finished run (there is no such directory)", run.display()),
            "name the --out directory of `seimai run`",
        )),
    }
}

/// A file of the run that has the bytes that the manifest says.
fn vouched(run: &Dir, manifest: &Manifest, name: &str) -> Result<Place> {
    let file = run.at(name);
    let Some(said) = manifest.files.iter().find(|said| said.path == name) else {
        return Err(Error::damaged(file.path(), "not listed in the manifest of its run"));
    };
    let (bytes, blake3) = hash_file(&file)?;
    if (bytes, &blake3) == (said.bytes, &said.blake3) {
        return Ok(file);
    }
    Err(Error::damaged(
        file.path(),
        format!("{bytes} bytes with BLAKE3 {blake3}; the manifest of its run says {} bytes with {}", said.bytes, said.blake3),
    ))
}

/// Keys and values, a line each.
fn flatten(key: &str, value: &toml::Value, out: &mut BTreeMap<String, String>) {
    if let toml::Value::Table(table) = value {
        for (name, value) in table {
            flatten(&if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, value, out);
        }
    } else {
        out.insert(key.to_owned(), value.to_string());
    }
}

fn timings(bytes: &[u8]) -> Option<Timings> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let number = |name: &str| value.get(name).and_then(serde_json::Value::as_f64);
    let seconds = |name: &&str| Some(((*name).to_owned(), value.get("pass_seconds")?.get(name)?.as_f64()?));
    Some(Timings {
        wall: number("wall_seconds")?,
        megabytes_per_second: number("megabytes_per_second")?,
        peak_memory: value.get("peak_memory_bytes")?.as_u64()?,
        threads: value.get("threads")?.as_u64()?,
        passes: pass::ALL.iter().filter_map(seconds).collect(),
    })
}

/// Gathers all that a report of a finished run shows.
///
/// # Errors
/// Refused: no finished run. Damaged: a file that is not what the manifest says.
pub fn overview(run: &Path) -> Result<Overview> {
    let run = open(run)?;
    let facts = RunFacts::of(&run)?;
    let (tokenizer, _) = read_tokenizer_and_content(&vouched(&run, &facts.manifest, layout::TOKENIZER_JSON)?)?;
    let mut gathering = Gathering::new(&facts, &tokenizer);
    let tables = gathering.tables(&run)?;
    gathering.finish(&tables)
}

/// Sums while tables are read.
struct Gathering<'f> {
    facts: &'f RunFacts,
    decider: Decider,
    names: BTreeMap<String, usize>,
    sources: Vec<SourceFacts>,
    spreads: Vec<(Counting, First<Example>, First<Example>)>,
    /// For the thresholds of each preset: their places in `spreads`.
    places: Vec<Vec<usize>>,
    registers: BTreeMap<String, First<Example>>,
    repeats: Finding,
    vocabulary: vocabulary::Counting<'f>,
}

/// What a batch says of a document that went.
struct Gone<'b> {
    stage: &'b str,
    rule: &'b str,
    evidence: &'b str,
    of: Option<&'b str>,
}

impl<'f> Gathering<'f> {
    fn new(facts: &'f RunFacts, tokenizer: &'f crate::bpe::vocabulary::Tokenizer) -> Self {
        let decider = Decider::new(&facts.plan.quality, &facts.plan.keigo.policies());
        let (mut spreads, mut places) = (Vec::<(Counting, First<Example>, First<Example>)>::new(), Vec::new());
        for (pattern, preset, bounds) in decider.explain() {
            let mut row = Vec::new();
            for bound in bounds {
                let known = spreads.iter().position(|(spread, ..)| spread.is_of(pattern, bound));
                if let Some(known) = known {
                    spreads[known].0.limit(preset.name(), bound);
                }
                row.push(known.unwrap_or(spreads.len()));
                if known.is_none() {
                    spreads.push((Counting::new(pattern, preset.name(), bound), First::new(EXAMPLES), First::new(EXAMPLES)));
                }
            }
            places.push(row);
        }
        let losses = &facts.manifest.losses;
        let mut sizes: Vec<(u64, &String)> = losses
            .sources
            .iter()
            .map(|(name, registers)| (registers.values().map(|register| register.read.characters).sum(), name))
            .collect();
        sizes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let mut sources: Vec<SourceFacts> =
            sizes.iter().map(|(_, name)| SourceFacts { name: (*name).clone(), ..SourceFacts::default() }).collect();
        if losses.other.sources > 0 {
            sources.push(SourceFacts { name: OTHER.to_owned(), ..SourceFacts::default() });
        }
        let names = sizes.iter().enumerate().map(|(n, (_, name))| ((*name).clone(), n)).collect();
        let vocabulary = vocabulary::Counting::new(tokenizer, facts.plan.pack.sequence_length);
        Self { facts, decider, names, sources, spreads, places, registers: BTreeMap::new(), repeats: Finding::new(), vocabulary }
    }

    /// Reads the figures of all tables; gives the tables of documents.
    fn tables(&mut self, run: &Dir) -> Result<Vec<Place>> {
        let facts = self.facts;
        let (mut tables, manifest) = (Vec::new(), &facts.manifest);
        for subset in Subset::BOTH {
            for listed in manifest.files.iter().filter(|listed| layout::is_in(subset.documents, &listed.path)) {
                let file = vouched(run, manifest, &listed.path)?;
                let tokens = vouched(run, manifest, &listed.path.replacen(subset.documents, subset.tokens, 1))?;
                let mut n_tokens = Vec::new();
                for batch in open_table_within(&tokens, Some(&[schema::INPUT_IDS.name]), BATCH_ROWS, TEXT_BYTES)? {
                    self.vocabulary.push(&batch?, &mut n_tokens)?;
                }
                self.table(&file, tables.len(), Some(&n_tokens))?;
                tables.push(file);
            }
        }
        self.repeats.others_follow();
        for listed in manifest.files.iter().filter(|listed| layout::is_in(layout::REJECTED, &listed.path)) {
            let file = vouched(run, manifest, &listed.path)?;
            self.table(&file, tables.len(), None)?;
            tables.push(file);
        }
        Ok(tables)
    }

    fn table(&mut self, file: &Place, table: usize, n_tokens: Option<&[u64]>) -> Result<()> {
        let mut columns = vec![DOC_ID.name, SOURCE.name, REGISTER.name, QUALITY.name, KEIGO.name];
        let own: &[&str] = if n_tokens.is_some() {
            &[LICENSE.name, RESIDENCY.name, schema::DUP_SIZE.name]
        } else {
            &[STAGE.name, RULE.name, EVIDENCE.name, DUPLICATE_OF.name]
        };
        columns.extend(own);
        columns.extend(self.decider.contract().reads.iter().map(|column| column.name));
        columns.sort_unstable();
        columns.dedup();
        let mut first = 0;
        for batch in open_table(file, Some(&columns), BATCH_ROWS)? {
            let batch = batch?;
            self.batch(&batch, (table, first), n_tokens)?;
            first += batch.num_rows();
        }
        match n_tokens {
            Some(n_tokens) if n_tokens.len() != first => Err(Error::damaged(file.path(), "has not as many rows as its token shard")),
            _ => Ok(()),
        }
    }

    fn batch(&mut self, batch: &RecordBatch, (table, first): Row, n_tokens: Option<&[u64]>) -> Result<()> {
        let (ids, sources, registers) = (strings(batch, &DOC_ID)?, strings(batch, &SOURCE)?, strings(batch, &REGISTER)?);
        let keigo = Keigo::of(batch)?;
        let characters = characters(batch)?;
        let gone = match n_tokens {
            None => Some((strings(batch, &STAGE)?, strings(batch, &RULE)?, strings(batch, &EVIDENCE)?, strings(batch, &DUPLICATE_OF)?)),
            Some(_) => None,
        };
        let gone = |row: usize| {
            gone.map(|(stages, rules, evidence, of)| Gone {
                stage: stages.value(row),
                rule: rules.value(row),
                evidence: evidence.value(row),
                of: of.is_valid(row).then(|| of.value(row)),
            })
        };
        let other = self.sources.len().saturating_sub(1);
        let indices: Vec<usize> = (0..batch.num_rows()).map(|row| self.names.get(sources.value(row)).copied().unwrap_or(other)).collect();
        let kept = n_tokens.map(|n_tokens| Ok::<_, Error>((n_tokens, Kept::of(batch)?))).transpose()?;
        for (row, &source) in indices.iter().enumerate() {
            let place = (table, first + row);
            let Some(about) = self.sources.get_mut(source) else { continue };
            keigo.add(row, about, kept.is_some());
            if let Some((n_tokens, kept)) = &kept {
                kept.add(row, about);
                self.repeats.stays(place, kept.sizes.value(row), ids.value(row), source);
                let tokens = n_tokens.get(first + row).copied().unwrap_or(0);
                self.vocabulary.document(source, registers.value(row), u64::from(characters.value(row)), tokens);
                self.offer_register(place, ids.value(row), source, registers.value(row), keigo.density(row));
            } else if let Some(Gone { rule, evidence, of: Some(of), .. }) = gone(row) {
                self.repeats.went(place, of, ids.value(row), source, (rule, evidence));
            }
        }
        let Self { decider, spreads, places, .. } = self;
        let mut row = 0;
        decider.explain_rows(batch, &mut |thresholds, _, measures| {
            let amount = Amount { documents: 1, characters: u64::from(characters.value(row)) };
            let (gone, about) = (gone(row), (ids.value(row), indices[row], registers.value(row)));
            let of = places.get(thresholds).map_or(&[][..], Vec::as_slice);
            for (at, &spread) in of.iter().enumerate().take(measures.len()) {
                if let Some(spread) = spreads.get_mut(spread) {
                    spread.0.count(indices[row], amount, fate(gone.as_ref()), measures, at);
                    offer(spread, (table, first + row), &measures[at], about, gone.as_ref());
                }
            }
            row += 1;
        })
    }

    /// A kept document of a register: those with most honorific forms a sentence come first.
    fn offer_register(&mut self, place: Row, doc_id: &str, source: usize, register: &str, density: Option<f64>) {
        let Some(density) = density.filter(|density| *density > 0.0) else { return };
        let first = self.registers.entry(register.to_owned()).or_insert_with(|| First::new(OF_REGISTER));
        first.offer(u64::MAX - density.to_bits(), place, || Example {
            doc_id: doc_id.to_owned(),
            source,
            register: register.to_owned(),
            value: density,
            ..Example::default()
        });
    }

    /// Reads the texts that are shown.
    fn finish(self, tables: &[Place]) -> Result<Overview> {
        let (mut spreads, mut examples, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for (n, (counting, kept, dropped)) in self.spreads.into_iter().enumerate() {
            spreads.push(counting.finish());
            let mut side = |first: First<Example>, kept: bool| -> Vec<Example> {
                let (places, held): (Vec<Row>, Vec<Example>) = first.finish().unzip();
                wanted.extend(places.into_iter().enumerate().map(|(at, place)| (place, Shown::Beside(n, kept, at))));
                held
            };
            examples.push(Beside { kept: side(kept, true), dropped: side(dropped, false) });
        }
        let mut registers = BTreeMap::new();
        for (register, first) in self.registers {
            let (places, held): (Vec<Row>, Vec<Example>) = first.finish().unzip();
            wanted.extend(places.into_iter().enumerate().map(|(at, place)| (place, Shown::Register(register.clone(), at))));
            registers.insert(register, held);
        }
        let (mut repeats, copies) = self.repeats.finish();
        wanted.extend(copies.into_iter().map(|(place, cluster, copy)| (place, Shown::Copy(cluster, copy))));
        wanted.sort_by_key(|(place, _)| *place);
        each_text(tables, &wanted, &mut |shown, text| match shown {
            Shown::Beside(n, kept, at) => {
                let Beside { kept: stayed, dropped } = &mut examples[*n];
                if let Some(example) = if *kept { stayed } else { dropped }.get_mut(*at) {
                    example.excerpt = Excerpt::new(text, &offending(&spreads[*n].measure, text, &example.evidence));
                }
            }
            Shown::Register(register, at) => {
                if let Some(example) = registers.get_mut(register).and_then(|held| held.get_mut(*at)) {
                    example.excerpt = Excerpt::new(text, &[]);
                }
            }
            Shown::Copy(cluster, copy) => repeats.text(*cluster, *copy, text),
        })?;
        let analyst = Analyst::open(&self.facts.plan.segment, &self.facts.manifest.dictionary.fingerprint)?;
        if let Some(analyst) = &analyst {
            let beside = examples.iter_mut().flat_map(|beside| beside.kept.iter_mut().chain(&mut beside.dropped));
            mark(analyst, beside.chain(registers.values_mut().flatten()).map(|example| &mut example.excerpt));
        }
        Ok(Overview {
            facts: self.facts.clone(),
            sources: self.sources,
            spreads,
            examples,
            registers,
            marked: analyst.is_some(),
            repeats,
            vocabulary: self.vocabulary.finish(),
        })
    }
}

/// What a text is shown as.
enum Shown {
    /// Beside a threshold: its number, kept or not, place in the list.
    Beside(usize, bool, usize),
    /// As an example of a register.
    Register(String, usize),
    /// In a cluster: its number, and that of the document.
    Copy(usize, usize),
}

/// Reads the texts of some rows, which are in order.
fn each_text(tables: &[Place], wanted: &[(Row, Shown)], visit: &mut dyn FnMut(&Shown, &str)) -> Result<()> {
    for of_table in wanted.chunk_by(|a, b| a.0.0 == b.0.0) {
        let Some(file) = of_table.first().and_then(|((table, _), _)| tables.get(*table)) else { continue };
        let rows: Vec<usize> = of_table.iter().map(|((_, row), _)| *row).collect::<BTreeSet<_>>().into_iter().collect();
        let (mut at, mut next) = (0, of_table.iter().peekable());
        for batch in open_table_rows(file, &[TEXT.name], &rows, TEXT_ROWS, TEXT_BYTES)? {
            let batch = batch?;
            for text in strings(&batch, &TEXT)? {
                while let Some((_, shown)) = next.next_if(|((_, row), _)| rows.get(at) == Some(row)) {
                    visit(shown, text.unwrap_or_default());
                }
                at += 1;
            }
        }
    }
    Ok(())
}

fn fate(gone: Option<&Gone<'_>>) -> Fate {
    let Some(gone) = gone else { return Fate::Kept };
    // A text of another language may have been garbled as well, which comes first.
    let foreign = gone.evidence.contains(" and simplified ") || gone.evidence.contains("hangul ");
    if gone.stage == "quality" && !NO_THRESHOLDS.contains(&gone.rule) && !foreign { Fate::ByThresholds } else { Fate::ByAnother }
}

/// Offers a document as an example of a rule.
fn offer(
    (counting, kept, dropped): &mut (Counting, First<Example>, First<Example>),
    place: Row,
    measure: &Explained,
    (doc_id, source, register): (&str, usize, &str),
    gone: Option<&Gone<'_>>,
) {
    let Some(value) = measure.value.filter(|_| !measure.exempt) else { return };
    // Too little Japanese has a name of its own.
    let named = |rule: &str| rule == counting.rule() || rule == "lang:other" && counting.rule() == "ja_share";
    let side = match gone {
        None if measure.holds => kept,
        Some(gone) if gone.stage == "quality" && named(gone.rule) => dropped,
        _ => return,
    };
    side.offer_some(distance(value, measure.limit), place, || Example {
        doc_id: doc_id.to_owned(),
        source,
        register: register.to_owned(),
        value,
        limit: measure.limit,
        evidence: gone.map_or("", |gone| gone.evidence).to_owned(),
        excerpt: Excerpt::default(),
    });
}

/// The characters of the documents of a batch.
fn characters(batch: &RecordBatch) -> Result<&arrow::array::UInt32Array> {
    let quality = schema_struct(batch, &QUALITY)?;
    let field = quality.column_by_name("n_chars").and_then(|field| field.as_primitive_opt::<UInt32Type>());
    field.ok_or_else(|| Error::refused("column quality: field n_chars is missing"))
}

fn schema_struct<'b>(batch: &'b RecordBatch, column: &schema::Column) -> Result<&'b arrow::array::StructArray> {
    let array = crate::stage::column(batch, column)?;
    array.as_struct_opt().ok_or_else(|| wrong_type(column, array))
}

/// Side columns of kept documents.
struct Kept<'b> {
    licenses: &'b arrow::array::StringArray,
    residencies: &'b arrow::array::StringArray,
    sizes: &'b arrow::array::UInt32Array,
}

impl<'b> Kept<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Self> {
        Ok(Self {
            licenses: strings(batch, &LICENSE)?,
            residencies: strings(batch, &RESIDENCY)?,
            sizes: numbers::<UInt32Type>(batch, &schema::DUP_SIZE)?,
        })
    }

    fn add(&self, row: usize, source: &mut SourceFacts) {
        for (counts, values) in [(&mut source.licenses, self.licenses), (&mut source.residencies, self.residencies)] {
            let name = if values.is_valid(row) { values.value(row) } else { NONE };
            let name = if counts.len() < NAMES_MAX || counts.contains_key(name) { name } else { OTHER };
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
}

/// The column `keigo`.
struct Keigo<'b> {
    levels: &'b arrow::array::FixedSizeListArray,
    classes: Vec<&'b arrow::array::UInt32Array>,
    sentences: &'b arrow::array::UInt32Array,
}

impl<'b> Keigo<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Self> {
        let keigo = schema_struct(batch, &KEIGO)?;
        let missing = |name: &str| Error::refused(format!("column keigo: field {name} is missing"));
        let field = |name: &str| keigo.column_by_name(name).ok_or_else(|| missing(name));
        let number = |name: &str| field(name)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| missing(name));
        Ok(Self {
            levels: field("level")?.as_fixed_size_list_opt().ok_or_else(|| missing("level"))?,
            classes: CLASSES.iter().map(|(_, name)| number(name)).collect::<Result<_>>()?,
            sentences: number("n_sentences")?,
        })
    }

    fn add(&self, row: usize, source: &mut SourceFacts, kept: bool) {
        let levels = self.levels.value(row);
        let levels = levels.as_primitive_opt::<UInt32Type>().map_or(&[][..], |levels| levels.values());
        for after in [false, true].into_iter().take(1 + usize::from(kept)).map(usize::from) {
            source.levels[after].iter_mut().zip(levels).for_each(|(sum, n)| *sum += u64::from(*n));
            source.honorific[after].iter_mut().zip(&self.classes).for_each(|(sum, class)| *sum += u64::from(class.value(row)));
        }
    }

    /// Honorific forms a sentence, of a document that is neither a line nor a book.
    fn density(&self, row: usize) -> Option<f64> {
        let sentences = self.sentences.value(row);
        let forms: u32 = self.classes.iter().map(|class| class.value(row)).sum();
        SENTENCES.contains(&sentences).then(|| f64::from(forms) / f64::from(sentences))
    }
}
