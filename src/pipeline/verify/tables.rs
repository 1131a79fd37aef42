//! What the tables give again: rows, bytes, characters, tokens, rules, registers, duplicates; and `quarantine.jsonl`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, UInt8Type, UInt32Type, UInt64Type};

use super::Check;
use crate::decide::losses::Losses;
use crate::dedup::PieceKind;
use crate::error::{Error, Result};
use crate::io::{open_table, table_metadata};
use crate::pipeline::count::{is_drawn, share_of};
use crate::pipeline::layout::{self, HELD_OUT, Subset};
use crate::pipeline::manifest::ValidationFacts;
use crate::pipeline::provenance::Provenance;
use crate::pipeline::same_ids::shared_id;
use crate::quarantine::Quarantined;
use crate::schema;
use crate::stage::{Batch, Counts, column, in_parallel, lists, strings};

const BATCH_ROWS: usize = 1024;
/// No line of `quarantine.jsonl` is longer.
const LINE_MAX: u64 = 1 << 20;

/// What the tables of one part hold.
#[derive(Debug, Default)]
struct Sums {
    kept_bytes: u64,
    kept_characters: u64,
    tokens: u64,
    /// Who keeps and who loses what, by part.
    losses: Vec<Losses>,
    /// Licences and residencies of the kept documents, by part.
    provenance: Vec<Provenance>,
    /// Of the kept documents, those that are held out.
    held_out: ValidationFacts,
    /// Documents that kept ones stand for, and rejected ones that name a kept one.
    stood_for: u64,
    duplicates: u64,
    /// Documents that are called by their place, too.
    same_ids: u64,
    /// Documents and bytes of text that the vocabulary was learned from.
    learned_from: (u64, u64),
    damage: Vec<String>,
}

impl Sums {
    fn add(&mut self, more: Self) {
        self.kept_bytes += more.kept_bytes;
        self.kept_characters += more.kept_characters;
        self.tokens += more.tokens;
        self.held_out.kept += more.held_out.kept;
        self.held_out.kept_bytes += more.held_out.kept_bytes;
        self.held_out.kept_characters += more.held_out.kept_characters;
        self.held_out.tokens += more.held_out.tokens;
        self.stood_for += more.stood_for;
        self.duplicates += more.duplicates;
        self.same_ids += more.same_ids;
        self.learned_from.0 += more.learned_from.0;
        self.learned_from.1 += more.learned_from.1;
        self.damage.extend(more.damage);
        self.losses.extend(more.losses);
        self.provenance.extend(more.provenance);
    }
}

impl Check<'_> {
    /// Counts everything anew and compares.
    pub(super) fn tables(&mut self) -> Result<()> {
        self.rows()?;
        self.by_input();
        let documents = self.files_in(layout::DOCUMENTS);
        let parts: Vec<&str> = documents.iter().filter_map(|file| file.path.strip_prefix(layout::DOCUMENTS)?.strip_prefix('/')).collect();
        let this = &*self;
        let sums = in_parallel(&|n, work| this.pool.parallel(n, work), parts.len(), &|i| Ok(this.part(parts[i])))?;
        let mut all = Sums::default();
        for (part, sums) in parts.iter().map(|part| format!("part {part}")).collect::<Vec<_>>().into_iter().zip(sums) {
            if let Some(sums) = self.note(&part, sums)? {
                all.add(sums);
            }
        }
        self.damage.append(&mut all.damage);
        if self.all_whole() {
            self.sums(&all);
        }
        Ok(())
    }

    fn sums(&mut self, sums: &Sums) {
        let totals = &self.manifest.totals;
        self.compare("tokens", totals.tokens, sums.tokens, "the shards hold");
        self.compare("kept_bytes", totals.kept_bytes, sums.kept_bytes, "the documents hold");
        self.compare("kept_characters", totals.kept_characters, sums.kept_characters, "the documents hold");
        self.compare("same_ids", totals.same_ids, sums.same_ids, "the files hold");
        if let Some(said) = self.manifest.tokenizer.learned_from {
            self.compare("learned_from documents", said.documents, sums.learned_from.0, "the files hold");
            self.compare("learned_from bytes", said.bytes, sums.learned_from.1, "the files hold");
        }
        let said = self.manifest.validation.clone().unwrap_or_default();
        for (key, said, found) in [
            ("kept", said.kept, sums.held_out.kept),
            ("kept_bytes", said.kept_bytes, sums.held_out.kept_bytes),
            ("kept_characters", said.kept_characters, sums.held_out.kept_characters),
            ("tokens", said.tokens, sums.held_out.tokens),
        ] {
            self.compare(&format!("validation {key}"), said, found, "the files hold");
        }
        let losses = Losses::sum(&sums.losses);
        self.groups("rejected", &self.manifest.rejected, &losses.by_rule());
        self.groups("registers", &self.manifest.registers, &losses.kept_by_register());
        self.losses(&losses);
        let provenance = Provenance::sum(&sums.provenance);
        self.groups("licence", &self.manifest.provenance.licenses, &provenance.licenses);
        self.groups("residency", &self.manifest.provenance.residencies, &provenance.residencies);
        // A document that stands for others may be one too many of its register.
        let by_cuts = |rule: &String| PieceKind::ALL.iter().any(|kind| *rule == format!("dedup/{}", kind.rule()));
        let may_go = self.manifest.mixture.is_some() || self.manifest.rejected.keys().any(by_cuts);
        let gone = may_go && sums.stood_for < sums.duplicates;
        if sums.stood_for != sums.duplicates && !gone {
            let Sums { stood_for, duplicates, .. } = sums;
            self.found(format!("documents/: dup_size stands for {stood_for} documents, {duplicates} name another in rejected/"));
        }
        self.registers_given(&losses);
    }

    /// The table source × register × rule, and what is concluded from it.
    fn losses(&mut self, found: &Losses) {
        let said = &self.manifest.losses;
        let names: BTreeSet<&String> = said.sources.keys().chain(found.sources.keys()).collect();
        let mut damage: Vec<String> = names
            .into_iter()
            .filter(|name| said.sources.get(*name) != found.sources.get(*name))
            .map(|name| format!("manifest.json: says other losses of {name} than the files hold"))
            .collect();
        if said.other != found.other {
            damage.push("manifest.json: says other losses of the other sources than the files hold".into());
        }
        if self.manifest.warnings != found.warnings() {
            damage.push("manifest.json: its warnings are not those that its losses give".into());
        }
        self.damage.append(&mut damage);
    }

    /// Every document that was read was given a register.
    fn registers_given(&mut self, losses: &Losses) {
        let mut found: BTreeMap<&str, u64> = BTreeMap::new();
        for (register, of) in losses.sources.values().chain([&losses.other.registers]).flatten() {
            *found.entry(register).or_default() += of.read.documents;
        }
        let given = self.manifest.stages.iter().filter_map(|(name, n)| Some((name.strip_prefix("keigo.register.")?, *n)));
        let given: BTreeMap<&str, u64> = given.filter(|(_, n)| *n > 0).collect();
        for register in given.keys().chain(found.keys()).copied().collect::<BTreeSet<_>>() {
            let n = |counts: &BTreeMap<&str, u64>| counts.get(register).copied().unwrap_or(0);
            self.compare(&format!("stages keigo.register.{register}"), n(&given), n(&found), "the files hold");
        }
    }

    /// Compares counts by name.
    fn groups(&mut self, key: &str, said: &Counts, found: &Counts) {
        let names: BTreeSet<&String> = said.keys().chain(found.keys()).collect();
        for name in names {
            let n = |counts: &Counts| counts.get(name).copied().unwrap_or(0);
            self.compare(&format!("{key} {name}"), n(said), n(found), "the files hold");
        }
    }

    /// Rows of every file, and the conservation law.
    fn rows(&mut self) -> Result<()> {
        let (mut kept, mut rejected) = (0, 0);
        let lines = if self.is_whole(layout::QUARANTINE) { self.quarantine()? } else { 0 };
        for file in &self.manifest.files {
            let rows = match file.path.rsplit_once('.') {
                _ if !self.is_whole(&file.path) => continue,
                Some((_, "parquet")) => match self.note(&file.path, table_metadata(&self.run.join(&file.path)))? {
                    Some(metadata) => metadata.file_metadata().num_rows().cast_unsigned(),
                    None => continue,
                },
                // Compared with its header elsewhere.
                Some((_, "pack")) => continue,
                _ if file.path == layout::QUARANTINE => lines,
                _ => 0,
            };
            if rows != file.rows {
                self.found(format!("{}: {rows} rows instead of {}", file.path, file.rows));
            }
            if Subset::BOTH.iter().any(|subset| layout::is_in(subset.documents, &file.path)) {
                kept += rows;
            } else if layout::is_in(layout::REJECTED, &file.path) {
                rejected += rows;
            }
        }
        let totals = self.manifest.totals;
        if self.all_whole() {
            for (what, said, found) in
                [("kept", totals.kept, kept), ("rejected", totals.rejected, rejected), ("quarantined", totals.quarantined, lines)]
            {
                self.compare(what, said, found, "the files hold");
            }
            if totals.read != kept + rejected + lines {
                let read = totals.read;
                self.found(format!("conservation law: read {read} is not kept {kept} + rejected {rejected} + quarantined {lines}"));
            }
        }
        Ok(())
    }

    /// What was read from each input adds up, and was not more than a limit lets through; a sample alone leaves something out, or a plan that forgets.
    fn by_input(&mut self) {
        let by_input: u64 = self.manifest.inputs.iter().map(|input| input.read).sum();
        self.compare("read", self.manifest.totals.read, by_input, "the inputs add up to");
        let left_out: u64 = self.manifest.inputs.iter().map(|input| input.left_out).sum();
        self.compare("left_out", self.manifest.totals.left_out, left_out, "the inputs add up to");
        let passed_over: u64 = self.manifest.inputs.iter().flat_map(|input| input.passed_over.values()).sum();
        self.compare("passed_over", self.manifest.totals.passed_over, passed_over, "the inputs add up to");
        let (sample, limit) = self.manifest.taken.map_or((None, None), |taken| (taken.sample, taken.limit));
        let forgotten = self.manifest.taken.and_then(|taken| taken.forgotten);
        if left_out > 0 && sample.is_none() && forgotten.is_none() {
            self.found(format!("manifest.json: says left_out {left_out}, yet nothing was sampled or forgotten"));
        }
        if let Some(limit) = limit.filter(|limit| by_input.saturating_add(left_out) > *limit) {
            self.found(format!("manifest.json: says read {by_input} and left_out {left_out}, more than the limit of {limit}"));
        }
        for input in &self.manifest.inputs {
            if input.quarantined > input.read {
                self.found(format!("manifest.json: input {} has {} records, {} quarantined", input.path, input.read, input.quarantined));
            }
            if !input.blake3.is_empty() && blake3::Hash::from_hex(&input.blake3).is_err() {
                self.found(format!("manifest.json: input {}: its blake3 is none", input.path));
            }
        }
    }

    /// Lines of `quarantine.jsonl`, compared with what the manifest says of each input.
    fn quarantine(&mut self) -> Result<u64> {
        let path = self.run.join(layout::QUARANTINE);
        let mut file = BufReader::new(std::fs::File::open(&path).map_err(|e| Error::io(&path, "open", e))?);
        let mut by_file: BTreeMap<String, u64> = BTreeMap::new();
        let (mut lines, mut line) = (0_u64, Vec::new());
        loop {
            line.clear();
            let n = (&mut file).take(LINE_MAX).read_until(b'\n', &mut line).map_err(|e| Error::io(&path, "read", e))?;
            if n == 0 {
                break;
            }
            lines += 1;
            match serde_json::from_slice::<Quarantined>(&line) {
                Ok(record) => *by_file.entry(record.file).or_default() += 1,
                Err(e) => self.found(format!("quarantine.jsonl: line {lines}: {e}")),
            }
        }
        for input in &self.manifest.inputs {
            let found = by_file.remove(&input.path).unwrap_or(0);
            self.compare(&format!("quarantined of {}", input.path), input.quarantined, found, "quarantine.jsonl has");
        }
        for file in by_file.keys() {
            self.found(format!("quarantine.jsonl: names {file}, which is no input"));
        }
        Ok(lines)
    }

    /// The tables of one part, as far as they are whole.
    fn part(&self, part: &str) -> Result<Sums> {
        let (mut sums, mut losses) = (Sums::default(), Losses::default());
        let mut provenance = Provenance::default();
        let path = |directory: &str| layout::inside(directory, part);
        let whole = |path: &str| self.entry(path).is_some() && self.is_whole(path);
        self.documents(&self.run.join(path(layout::DOCUMENTS)), &mut sums, &mut losses, &mut provenance)?;
        if whole(&path(HELD_OUT.documents)) {
            self.held_out(&path(HELD_OUT.documents), &path(HELD_OUT.tokens), &mut sums, &mut losses, &mut provenance)?;
        }
        if whole(&path(layout::REJECTED)) {
            self.rejected(&self.run.join(path(layout::REJECTED)), &mut sums, &mut losses)?;
        }
        sums.losses.push(losses.of_part());
        sums.provenance.push(provenance.of_part());
        if whole(&path(layout::TOKENS)) {
            self.tokens(&path(layout::DOCUMENTS), &path(layout::TOKENS), &mut sums)?;
        }
        Ok(sums)
    }

    /// The documents of a part that are held out: they count as kept, and apart.
    fn held_out(&self, documents: &str, tokens: &str, sums: &mut Sums, losses: &mut Losses, provenance: &mut Provenance) -> Result<()> {
        let mut apart = Sums::default();
        self.documents(&self.run.join(documents), &mut apart, losses, provenance)?;
        if self.entry(tokens).is_some() && self.is_whole(tokens) {
            self.tokens(documents, tokens, &mut apart)?;
        }
        let Sums { kept_bytes, kept_characters, tokens, .. } = apart;
        let kept = table_metadata(&self.run.join(documents))?.file_metadata().num_rows().cast_unsigned();
        apart.learned_from = (0, 0);
        apart.held_out = ValidationFacts { kept, kept_bytes, kept_characters, tokens, ..ValidationFacts::default() };
        sums.add(apart);
        Ok(())
    }

    fn documents(&self, path: &Path, sums: &mut Sums, losses: &mut Losses, provenance: &mut Provenance) -> Result<()> {
        let share = self.manifest.tokenizer.learned_from.map(|sample| share_of(sample.wanted_bytes, self.to_learn_from()));
        let columns = [schema::TEXT, schema::SOURCE, schema::REGISTER, schema::DUP_SIZE, schema::LICENSE, schema::RESIDENCY];
        let columns = columns.iter().chain(&NAMED_BY).map(|column| column.name).collect::<Vec<_>>();
        for batch in open_table(path, Some(&columns), BATCH_ROWS)? {
            self.stop.check()?;
            let batch = batch?;
            sums.same_ids += ids(&batch)?.filter(|(_, is_shared)| *is_shared).count() as u64;
            provenance.count(&batch, &|_| true)?;
            for ((text, source, register), (id, _)) in texts(&batch)?.zip(ids(&batch)?) {
                if share.is_some_and(|share| is_drawn(share, id)) {
                    sums.learned_from = (sums.learned_from.0 + 1, sums.learned_from.1 + text.len() as u64);
                }
                let characters = text.chars().count() as u64;
                sums.kept_bytes += text.len() as u64;
                sums.kept_characters += characters;
                losses.count(source, register, characters, None);
            }
            let sizes = column(&batch, &schema::DUP_SIZE)?.as_primitive_opt::<UInt32Type>().ok_or_else(|| other_type(&schema::DUP_SIZE))?;
            sums.stood_for += sizes.values().iter().map(|&size| u64::from(size).saturating_sub(1)).sum::<u64>();
        }
        Ok(())
    }

    fn rejected(&self, path: &Path, sums: &mut Sums, losses: &mut Losses) -> Result<()> {
        let columns = [schema::TEXT, schema::SOURCE, schema::REGISTER, schema::STAGE, schema::RULE, schema::DUPLICATE_OF];
        let columns = columns.iter().chain(&NAMED_BY).map(|column| column.name).collect::<Vec<_>>();
        for batch in open_table(path, Some(&columns), BATCH_ROWS)? {
            self.stop.check()?;
            let batch = batch?;
            sums.same_ids += ids(&batch)?.filter(|(_, is_shared)| *is_shared).count() as u64;
            let (stages, rules) = (strings(&batch, &schema::STAGE)?, strings(&batch, &schema::RULE)?);
            for ((text, source, register), (stage, rule)) in texts(&batch)?.zip(stages.iter().zip(rules)) {
                let rule = format!("{}/{}", stage.unwrap_or_default(), rule.unwrap_or_default());
                losses.count(source, register, text.chars().count() as u64, Some(&rule));
            }
            sums.duplicates += strings(&batch, &schema::DUPLICATE_OF)?.iter().flatten().count() as u64;
        }
        Ok(())
    }

    /// Row i of `tokens/part-N` is row i of `documents/part-N`, and its length is what it says.
    fn tokens(&self, documents: &str, tokens: &str, sums: &mut Sums) -> Result<()> {
        let open = |path: &str, columns: &[&str]| open_table(&self.run.join(path), Some(columns), BATCH_ROWS);
        let mut ids = open(documents, &[schema::DOC_ID.name])?;
        for batch in open(tokens, &[schema::DOC_ID.name, schema::INPUT_IDS.name, schema::N_TOKENS.name])? {
            self.stop.check()?;
            let batch = batch?;
            let twin = ids.next().transpose()?;
            let same = match &twin {
                Some(twin) => strings(twin, &schema::DOC_ID)? == strings(&batch, &schema::DOC_ID)?,
                None => false,
            };
            if !same {
                sums.damage.push(format!("{tokens}: its rows are not those of {documents}"));
                return Ok(());
            }
            let lists = lists(&batch, &schema::INPUT_IDS)?;
            let wrong = || other_type(&schema::INPUT_IDS);
            let lengths = column(&batch, &schema::N_TOKENS)?.as_primitive_opt::<Int32Type>().ok_or_else(wrong)?;
            if (0..batch.num_rows()).any(|row| lists.value_length(row) != lengths.value(row)) {
                sums.damage.push(format!("{tokens}: n_tokens is not the length of input_ids"));
            }
            let vocab_size = self.manifest.tokenizer.vocab_size;
            let ids = lists.values().as_primitive_opt::<Int32Type>().ok_or_else(wrong)?.values();
            if ids.iter().any(|&id| u64::try_from(id).map_or(true, |id| id >= vocab_size)) {
                sums.damage.push(format!("{tokens}: a token id outside the vocabulary"));
            }
            sums.tokens += lengths.values().iter().map(|&n| u64::try_from(n).unwrap_or(0)).sum::<u64>();
        }
        if ids.next().is_some() {
            sums.damage.push(format!("{tokens}: fewer rows than {documents}"));
        }
        Ok(())
    }

    /// The pre-tokens that the vocabulary was trained on tile the kept texts.
    pub(super) fn counts(&mut self) -> Result<()> {
        let (path, mut bytes) = (self.run.join(layout::COUNTS), 0_u64);
        for batch in open_table(&path, None, 1 << 16)? {
            self.stop.check()?;
            let batch = batch?;
            let levels = column(&batch, &schema::LEVEL)?.as_primitive_opt::<UInt8Type>().ok_or_else(|| other_type(&schema::LEVEL))?;
            let pre_tokens = column(&batch, &schema::PRE_TOKEN)?.as_binary_opt::<i32>().ok_or_else(|| other_type(&schema::PRE_TOKEN))?;
            let counts = column(&batch, &schema::COUNT)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| other_type(&schema::COUNT))?;
            for row in (0..batch.num_rows()).filter(|&row| levels.value(row) == 0) {
                bytes = bytes.saturating_add(counts.value(row).saturating_mul(pre_tokens.value(row).len() as u64));
            }
        }
        let (key, learned_from) = match self.manifest.tokenizer.learned_from {
            Some(sample) => ("learned_from bytes", sample.bytes),
            None => ("kept_bytes", self.to_learn_from()),
        };
        self.compare(key, learned_from, bytes, "the pre-tokens of counts.parquet add up to");
        Ok(())
    }

    /// Bytes of text that are kept and not held out, as the manifest says.
    pub(super) fn to_learn_from(&self) -> u64 {
        let held_out = self.manifest.validation.as_ref().map_or(0, |held_out| held_out.kept_bytes);
        self.manifest.totals.kept_bytes.saturating_sub(held_out)
    }
}

/// What a document is called by if another has its id.
const NAMED_BY: [schema::Column; 3] = [schema::DOC_ID, schema::FILE, schema::OFFSET];

/// The own id of each document, and whether it is called by its place, too, because another has that id.
fn ids(batch: &Batch) -> Result<impl Iterator<Item = (&str, bool)>> {
    let offsets = column(batch, &schema::OFFSET)?.as_primitive_opt::<UInt64Type>().ok_or_else(|| other_type(&schema::OFFSET))?;
    let names = strings(batch, &schema::DOC_ID)?.iter().flatten().zip(strings(batch, &schema::FILE)?.iter().flatten());
    Ok(names.zip(offsets.values()).map(|((id, file), &offset)| shared_id(id, file, offset).map_or((id, false), |id| (id, true))))
}

/// Text, source and register of each row.
fn texts(batch: &Batch) -> Result<impl Iterator<Item = (&str, &str, &str)>> {
    let [texts, sources, registers] = [&schema::TEXT, &schema::SOURCE, &schema::REGISTER].map(|column| strings(batch, column));
    let rows = texts?.iter().zip(sources?).zip(registers?);
    Ok(rows.map(|((text, source), register)| (text.unwrap_or_default(), source.unwrap_or_default(), register.unwrap_or_default())))
}

fn other_type(column: &schema::Column) -> Error {
    Error::internal(format!("column {} has another type", column.name))
}
