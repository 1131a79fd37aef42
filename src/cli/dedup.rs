//! `seimai dedup FILE… -o DIR`: the search for duplicates of a run, without a run and without a dictionary.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};

use super::common::{Common, Outcome, Taken};
use super::json_line::JsonLine;
use super::record_columns::RecordColumns;
use super::records::{self, Lost};
use super::{decontaminate, ui};
use crate::corpus;
use crate::dedup::Holds;
use crate::error::{Error, Result};
use crate::io::{Dir, Place, StagedFile, Staging, TemporaryDir};
use crate::pipeline::contamination::CONTAMINATED;
use crate::pipeline::dedup_files::{DedupFiles, Searched};
use crate::pipeline::dedup_index::{Index, IndexWriter, formulae_of};
use crate::pipeline::fates::{Fate, Piece};
use crate::pipeline::plan::Plan;
use crate::pipeline::pool::Pool;
use crate::quarantine;
use crate::schema;
use crate::shard::{PartWriter, documents_properties};
use crate::stage::{Batch, column, strings, with_column};

/// Names of what is written.
const KEPT: &str = "kept";
const DUPLICATES: &str = "duplicates";
const QUARANTINE: &str = "quarantine.jsonl";
/// What the directory of unfinished files is called.
const SCRATCH: &str = ".seimai-dedup-";

/// Find duplicates in files: the documents that stay, and a table of the others
///
/// Reads every format that `seimai run` reads (docs/guide; `-` is standard input) and needs no dictionary. Of documents with the same
/// normalised text, and of documents whose sets of character 5-grams are alike by T or more (Jaccard similarity, computed exactly, without
/// width, case, spaces and punctuation), the first in the order of the inputs stays; each of the others names one that stays. DIR gets kept.jsonl,
/// duplicates.jsonl (doc_id, file and offset of both, kind, jaccard; of what was cut, start and end in bytes of the text) and quarantine.jsonl. With --decontaminate, documents that hold an item of an evaluation set go first;
/// duplicates.jsonl names the item, the share of it that stands there (containment), and where. Texts are written as they were read, without what is cut, and fields that are none of ours stand in `meta`. The result
/// depends on the inputs and their order alone, not on threads or memory.
///
/// --lines looks for whole lines that many of the documents that stay share, compared as --near compares: notices, menus, footers. Lines of
/// fewer than 10 characters stay. A document of which nothing is left goes. --set dedup.lines.in_source=3 and dedup.lines.in_all=50 change the limits.
///
/// --substring looks for stretches of text that stood before, compared in the same way and character by character. They are moved inward to ends of
/// sentences where N characters are left.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai dedup corpus/*.jsonl.zst -o unique
  seimai dedup a.jsonl b.jsonl --near 0.7 -o unique
  seimai dedup pages.jsonl --exact --near 0.8 --lines -o unique
  seimai dedup pages.parquet --exact --format parquet -o unique
  seimai dedup january/ --save-index seen -o unique-01
  seimai dedup february/ --against seen --save-index seen -o unique-02
  seimai dedup corpus/*.jsonl.zst -o clean --decontaminate jglue/ jmmlu/*.csv
  zcat pages.jsonl.gz | seimai dedup - -o unique")]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct Arguments {
    /// Files, directories, globs, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// The directory of the output: new or empty
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Remove documents with the normalised text of an earlier one [default, where nothing is looked for by name: this and --near 0.8]
    #[arg(long)]
    exact: bool,
    /// Remove documents that are alike by T or more (above 0, at most 1): 0.8 bears some 2 % of scattered edits, 0.7 some 3 %
    #[arg(long, value_name = "T")]
    near: Option<f64>,
    /// Find works in modern and old orthography too (新字新仮名, 旧字旧仮名): documents of at least 100 kanji whose kanji alone are alike by T; 0.4 is good
    #[arg(long, value_name = "T")]
    orthography: Option<f64>,
    /// Cut lines that 5 documents of a site (else of a source) have, or 100 of all; the first document keeps its copy
    #[arg(long)]
    lines: bool,
    /// Cut stretches of N characters or more (20 to 10000; 50 is a long sentence) that stood before, in any document; the first copy stays
    #[arg(long, value_name = "N")]
    substring: Option<u32>,
    /// Which of documents that are alike stays: the first, the longest, or by quality the one with the most text in whole sentences that are neither garbled nor repeated
    #[arg(long, value_enum, default_value_t = Keeps::First)]
    keep: Keeps,
    /// Leave fixed phrases of letters, business and shops out of what is compared, so that letters with one frame and bodies of their own stay. Needs a dictionary (ipadic, or --set segment.dictionary=…), which takes most of the time
    #[arg(long)]
    spare_formulae: bool,
    /// Look for duplicates of the documents of an index, too: those come before all others, and none of them goes. May be given several times
    #[arg(long, value_name = "INDEX")]
    against: Vec<PathBuf>,
    /// Make an index of these documents (and of those of --against), or add them to the one that --against names
    #[arg(long, value_name = "INDEX")]
    save_index: Option<PathBuf>,
    /// What the index holds: texts, with which later searches compare exactly, or sketches, with which they estimate, for sites that may not hand texts out
    #[arg(long, value_enum, default_value_t = IndexHolds::Texts, requires = "save_index")]
    index_holds: IndexHolds,
    /// Write the texts of duplicates, too, so that `seimai inspect DIR --cluster ID` can show how they differ
    #[arg(long)]
    texts: bool,
    /// Remove documents that hold an item of these evaluation sets: JSON, JSON Lines, CSV, TSV, Parquet or XML, directories of them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    decontaminate: Vec<String>,
    /// What becomes of documents that hold an item
    #[arg(long, value_enum, default_value_t = decontaminate::Mode::Drop, requires = "decontaminate")]
    contaminated: decontaminate::Mode,
    /// How the output is written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Change a key of [dedup], [input] or [normalize], e.g. --set dedup.bands=20x6
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
}

/// Which document stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Keeps {
    /// The first in the order of the inputs
    First,
    /// The longest
    Longest,
    /// The soundest, and of those the longest
    Quality,
}

/// What an index holds of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum IndexHolds {
    /// Normalised texts
    Texts,
    /// MinHash sketches
    Sketches,
}

/// A format of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// JSON Lines
    Jsonl,
    /// Parquet
    Parquet,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let made: Vec<&PathBuf> = std::iter::once(&arguments.output).chain(&arguments.save_index).filter(|path| !path.exists()).collect();
    let outcome = search(arguments, common);
    if outcome.is_err() {
        // Only where it is empty.
        for place in made.into_iter().flat_map(|path| Place::named(path)) {
            let _ = place.remove_dir();
        }
    }
    outcome
}

fn search(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let plan = plan(arguments)?;
    let inputs = corpus::expand_paths(&arguments.files, &plan.input, Path::new("."))?.into();
    refuse_used(&arguments.output)?;
    let out = Dir::create(&arguments.output)?;
    let scratch = TemporaryDir::new(&out, SCRATCH)?;
    let staging = Staging::within(scratch.dir().at("made").create_dir()?);
    let indexed = !arguments.against.is_empty() || arguments.save_index.is_some();
    let formulae = (arguments.spare_formulae && indexed).then(|| formulae_of(&plan)).transpose()?;
    let known = Index::open(&arguments.against, &plan, formulae.as_deref())?;
    let holds = match arguments.index_holds {
        IndexHolds::Texts => Holds::Texts,
        IndexHolds::Sketches => Holds::Sketches,
    };
    let mut index =
        arguments.save_index.as_ref().map(|path| IndexWriter::create(path, &plan, formulae.as_deref(), holds, &known)).transpose()?;
    let (memory, spares_formulae) = (common.memory(), arguments.spare_formulae);
    let job = DedupFiles { plan: &plan, inputs, scratch: scratch.dir(), memory, spares_formulae, known: &known };
    let (pool, observer) = (Pool::new(common.threads())?, ui::observer(common));
    let watch = ui::watch(&*observer);
    let searched = match arguments.format {
        Format::Jsonl => {
            let mut lines = Lines::create(&staging)?;
            let searched =
                job.run(&pool, watch, index.as_mut(), &|batch, fates| lines_of(batch, fates, arguments.texts), &mut |formed| {
                    lines.write(&formed)
                })?;
            lines.commit(&out)?;
            searched
        }
        Format::Parquet => {
            let mut tables = Tables::create(&staging, arguments.texts)?;
            let searched =
                job.run(&pool, watch, index.as_mut(), &|batch, fates| tables_of(batch, fates, arguments.texts), &mut |formed| {
                    tables.write(&formed)
                })?;
            tables.commit(&out)?;
            searched
        }
    };
    staging.write(&out.at(QUARANTINE), quarantine::lines(&searched.quarantined)?.as_bytes())?;
    // Last: an index never has documents whose search has failed.
    if let Some(index) = index {
        index.commit(searched.files.clone())?;
    }
    if !common.quiet {
        let _ = std::io::stderr().write_all((summary(&searched) + &decontaminate::summary(&searched.evaluation)).as_bytes());
    }
    Ok(records::report(&Lost::of(searched.quarantined, searched.left_out)))
}

/// The plan of the command line. What is looked for alone is asked for by name.
fn plan(arguments: &Arguments) -> Result<Plan> {
    // Nothing of a record that stays is lost.
    let mut text = "[input]\npaths = [\"-\"]\nfields = { rest = \"meta\" }\n[dedup]\n".to_owned();
    // Writing to a string cannot fail.
    let by_name = arguments.exact || arguments.near.is_some() || arguments.lines || arguments.substring.is_some();
    if by_name || arguments.orthography.is_some() || !arguments.decontaminate.is_empty() {
        let near = arguments.near.map_or_else(|| "false".to_owned(), |near| toml::Value::Float(near).to_string());
        let _ = writeln!(text, "exact = {}\nnear = {near}", arguments.exact);
    }
    if let Some(threshold) = arguments.orthography {
        let _ = writeln!(text, "orthography = {}", toml::Value::Float(threshold));
    }
    let keep = match arguments.keep {
        Keeps::First => "first",
        Keeps::Longest => "longest",
        Keeps::Quality => "quality",
    };
    let _ = writeln!(text, "keep = \"{keep}\"");
    if arguments.lines {
        // Limits are set on top of it.
        let _ = writeln!(text, "lines = {{}}");
    }
    if let Some(stretch) = arguments.substring {
        let _ = writeln!(text, "substring = {stretch}");
    }
    text.push_str(&decontaminate::of_plan(&arguments.decontaminate, arguments.contaminated));
    let from = "--exact, --near, --orthography, --lines, --substring, --decontaminate";
    Plan::from_toml(&text, &arguments.taken.and(&arguments.settings), from)
}

/// Output is never added to what is there: a directory holds what one call found.
fn refuse_used(dir: &Path) -> Result<()> {
    let names = Dir::find(dir).and_then(|dir| dir.map_or(Ok(Vec::new()), |dir| dir.at("").list()));
    let no_directory =
        |error: &Error| Error::refused(format!("{}: no directory that can be written to: {}", dir.display(), error.without_path()));
    let names = names.map_err(|error| error.refused_if_of_the_name(no_directory))?;
    // What a call that was killed has left is removed by the next one.
    if names.iter().any(|name| !name.to_string_lossy().starts_with(SCRATCH)) {
        return Err(Error::refused_with_hint(format!("{}: not empty", dir.display()), "name a new directory with -o"));
    }
    Ok(())
}

/// A line of the table of duplicates.
#[derive(Debug, Clone, Default)]
struct Row<'f> {
    /// The record, in its batch.
    record: usize,
    kind: &'static str,
    of: &'f str,
    of_file: &'f str,
    of_offset: Option<u64>,
    /// Of two documents.
    jaccard: Option<f32>,
    /// Of an evaluation item: the share of it that stands there.
    containment: Option<f32>,
    /// Of an evaluation item and of a piece: where it stands.
    span: Option<(u64, u64)>,
}

impl<'f> Row<'f> {
    /// Those of a batch.
    fn all(fates: &'f [Fate]) -> Vec<Self> {
        let mut all = Vec::new();
        for (record, fate) in fates.iter().enumerate() {
            if let Fate::Duplicate { kind, jaccard, of, .. } = fate {
                let (kind, jaccard, of_offset) = (kind.rule(), Some(*jaccard), Some(of.offset));
                all.push(Self { record, kind, of: &of.doc_id, of_file: &of.file, of_offset, jaccard, ..Self::default() });
            }
            if let Fate::Kept { cuts, .. } | Fate::Emptied { cuts, .. } = fate {
                all.extend(cuts.iter().map(|Piece { start, end, kind, of }| Self {
                    record,
                    kind: kind.rule(),
                    of: &of.doc_id,
                    of_file: &of.file,
                    of_offset: Some(of.offset),
                    span: Some((u64::from(*start), u64::from(*end))),
                    ..Self::default()
                }));
            }
            all.extend(decontaminate::of_fate(fate).iter().map(|item| Self {
                record,
                kind: CONTAMINATED,
                of: &item.item,
                of_file: &item.file,
                containment: Some(item.share),
                span: Some((item.start, item.end)),
                ..Self::default()
            }));
        }
        all
    }

    /// Is it told of a document that went as a whole for another's sake?
    fn has_text(&self) -> bool {
        self.jaccard.is_some()
    }

    fn line(&self, ids: &StringArray, files: &StringArray, offsets: &UInt64Array, text: Option<&str>) -> String {
        let mut line = JsonLine::with_capacity(192);
        let number = |line: &mut JsonLine, name: &str, value: Option<String>| line.raw(name, value.as_deref().unwrap_or("null"));
        line.text("doc_id", Some(ids.value(self.record)));
        line.text("file", Some(files.value(self.record)));
        line.raw("offset", &offsets.value(self.record).to_string());
        line.text("duplicate_of", Some(self.of));
        line.text("duplicate_of_file", Some(self.of_file));
        number(&mut line, "duplicate_of_offset", self.of_offset.map(|offset| offset.to_string()));
        line.text("kind", Some(self.kind));
        number(&mut line, "jaccard", self.jaccard.map(|jaccard| jaccard.to_string()));
        number(&mut line, "containment", self.containment.map(|share| share.to_string()));
        number(&mut line, "start", self.span.map(|(start, _)| start.to_string()));
        number(&mut line, "end", self.span.map(|(_, end)| end.to_string()));
        if let Some(text) = text.filter(|_| self.has_text()) {
            line.text(schema::TEXT.name, Some(text));
        }
        line.finish()
    }
}

/// Lines of a batch: of what is kept, and of duplicates.
fn lines_of(batch: &Batch, fates: &[Fate], texts: bool) -> Result<[String; 2]> {
    let columns = RecordColumns::of(batch)?;
    let files = strings(batch, &schema::FILE)?;
    let offsets = arrow::array::AsArray::as_primitive::<UInt64Type>(column(batch, &schema::OFFSET)?);
    let mut lines = [String::new(), String::new()];
    let mut push = |target: usize, line: &str| {
        lines[target].push_str(line);
        lines[target].push('\n');
    };
    for (row, fate) in fates.iter().enumerate() {
        if let Fate::Kept { size, .. } = fate {
            let mut line = columns.line(row);
            if *size > 1 {
                line.text(schema::DUP_CLUSTER.name, Some(columns.ids.value(row)));
                line.raw(schema::DUP_SIZE.name, &size.to_string());
            }
            push(0, &line.finish());
        }
    }
    for row in Row::all(fates) {
        push(1, &row.line(columns.ids, files, offsets, texts.then(|| columns.texts.value(row.record))));
    }
    Ok(lines)
}

/// JSON Lines in the making.
struct Lines {
    files: [StagedFile; 2],
}

impl Lines {
    fn create(staging: &Staging) -> Result<Self> {
        Ok(Self { files: [staging.create(KEPT)?, staging.create(DUPLICATES)?] })
    }

    fn write(&mut self, lines: &[String; 2]) -> Result<()> {
        for (file, lines) in self.files.iter_mut().zip(lines) {
            file.write_all(lines.as_bytes()).map_err(|e| file.failed(e))?;
        }
        Ok(())
    }

    /// What is kept comes last.
    fn commit(self, dir: &Dir) -> Result<()> {
        let [kept, duplicates] = self.files;
        duplicates.commit(&dir.at(format!("{DUPLICATES}.jsonl")))?;
        kept.commit(&dir.at(format!("{KEPT}.jsonl"))).map(|_| ())
    }
}

fn duplicates_schema(texts: bool) -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    let columns = vec![
        text("doc_id"),
        text("file"),
        Field::new("offset", DataType::UInt64, false),
        text("duplicate_of"),
        text("duplicate_of_file"),
        Field::new("duplicate_of_offset", DataType::UInt64, true),
        text("kind"),
        Field::new("jaccard", DataType::Float32, true),
        Field::new("containment", DataType::Float32, true),
        Field::new("start", DataType::UInt64, true),
        Field::new("end", DataType::UInt64, true),
    ];
    let texts = texts.then(|| Field::new(schema::TEXT.name, DataType::Utf8, true));
    Arc::new(Schema::new(columns.into_iter().chain(texts).collect::<Vec<_>>()))
}

/// Rows of a batch: of what is kept, and of duplicates.
fn tables_of(batch: &Batch, fates: &[Fate], texts: bool) -> Result<[Batch; 2]> {
    let size = |fate: &Fate| if let Fate::Kept { size, .. } = fate { *size } else { 0 };
    let sizes: UInt32Array = fates.iter().map(|fate| Some(size(fate))).collect();
    let is_kept: BooleanArray = fates.iter().map(|fate| Some(size(fate) > 0)).collect();
    let ids = strings(batch, &schema::DOC_ID)?.iter().zip(fates);
    let clusters: StringArray = ids.map(|(id, fate)| id.filter(|_| size(fate) > 1)).collect();
    let kept = with_column(&with_column(batch, &schema::DUP_CLUSTER, Arc::new(clusters))?, &schema::DUP_SIZE, Arc::new(sizes))?;
    let kept = arrow::compute::filter_record_batch(&kept, &is_kept)?;
    let rows = Row::all(fates);
    let numbers: UInt32Array = rows.iter().map(|row| Some(row.record as u32)).collect();
    let of_record = |wanted: &schema::Column| Ok::<_, Error>(arrow::compute::take(column(batch, wanted)?, &numbers, None)?);
    let text = |value: for<'r> fn(&'r Row<'_>) -> &'r str| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(value(row))).collect::<StringArray>())
    };
    let number = |value: fn(&Row<'_>) -> Option<u64>| -> ArrayRef { Arc::new(rows.iter().map(value).collect::<UInt64Array>()) };
    let share = |value: fn(&Row<'_>) -> Option<f32>| -> ArrayRef { Arc::new(rows.iter().map(value).collect::<Float32Array>()) };
    let mut columns: Vec<ArrayRef> = vec![
        of_record(&schema::DOC_ID)?,
        of_record(&schema::FILE)?,
        of_record(&schema::OFFSET)?,
        text(|row| row.of),
        text(|row| row.of_file),
        number(|row| row.of_offset),
        text(|row| row.kind),
        share(|row| row.jaccard),
        share(|row| row.containment),
        number(|row| Some(row.span?.0)),
        number(|row| Some(row.span?.1)),
    ];
    if texts {
        let all = strings(batch, &schema::TEXT)?;
        columns.push(Arc::new(rows.iter().map(|row| row.has_text().then(|| all.value(row.record))).collect::<StringArray>()));
    }
    Ok([kept, RecordBatch::try_new(duplicates_schema(texts), columns)?])
}

/// Parquet in the making.
struct Tables {
    files: [PartWriter; 2],
}

impl Tables {
    fn create(staging: &Staging, texts: bool) -> Result<Self> {
        let empty = corpus::empty_batch();
        let [kept, duplicates] = tables_of(&empty, &[], texts)?;
        let create = |name: &str, schema| PartWriter::create(staging, name, schema, documents_properties());
        Ok(Self { files: [create(KEPT, kept.schema())?, create(DUPLICATES, duplicates.schema())?] })
    }

    fn write(&mut self, batches: &[Batch; 2]) -> Result<()> {
        self.files.iter_mut().zip(batches).try_for_each(|(file, batch)| file.write(batch))
    }

    fn commit(self, dir: &Dir) -> Result<()> {
        let [kept, duplicates] = self.files;
        let commit = |file: PartWriter, name: &str| {
            let name = format!("{name}.parquet");
            file.commit(&dir.at(&name), name).map(|_| ())
        };
        commit(duplicates, DUPLICATES)?;
        commit(kept, KEPT)
    }
}

fn summary(searched: &Searched) -> String {
    let Searched { documents, exact, near, orthography, contaminated, emptied, cut, left_out, .. } = searched;
    let (n, kept) = (ui::thousands, documents - exact - near - orthography - contaminated - emptied);
    let mut text = String::new();
    let _ = writeln!(text, "  read         {:>12}  {} of text", n(*documents), ui::bytes(searched.bytes));
    if *left_out > 0 {
        let _ = writeln!(text, "  left out     {:>12}  not in the sample", n(*left_out));
    }
    let gone = [("contaminated", contaminated), ("exact", exact), ("near", near), ("orthography", orthography), ("emptied", emptied)];
    for (rule, count) in gone.into_iter().filter(|(_, count)| **count > 0) {
        let _ = writeln!(text, "    − {rule:<32} {:>9}", n(*count));
    }
    let share = if *documents > 0 { 100.0 * kept as f64 / *documents as f64 } else { 100.0 };
    let _ = writeln!(text, "  kept         {:>12}  ({share:.1} %)", n(kept));
    for (what, pieces, characters) in cut.by_kind() {
        let _ = writeln!(text, "  cut          {:>12}  {what} of {} characters", n(pieces), n(characters));
    }
    text
}
