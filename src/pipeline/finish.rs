//! The end of a run: `quarantine.jsonl`, `plan.toml`, `README.md`, `manifest.json`, `run.json`, `_SUCCESS`, in this order.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use super::annotate::Annotated;
use super::card::card;
use super::context::Context;
use super::cuts::Cutting;
use super::decide::Part;
use super::encode::{TokenFacts, Tokens};
use super::layout::{HELD_OUT, TRAINING};
use super::manifest::{
    DictionaryFacts, InputFacts, LearnedFrom, MANIFEST_VERSION, Manifest, PackFacts, Taken, TokenizerFacts, Totals, ValidationFacts,
    success_line,
};
use super::observer::{Event, Observer};
use super::pack::{Packed, Packs};
use super::plan::Plan;
use super::provenance::Provenance;
use super::publish::{Published, publish};
use super::report::Report;
use super::shard::ShardFacts;
use super::train::Vocabulary;
use super::usage::peak_memory;
use super::work_dir::{Entry, InputState, State, WorkDir};
use super::{gc, layout};
use crate::bpe::huggingface::tokenizer_config_json;
use crate::corpus::{InputTally, SourceDefaults};
use crate::decide::losses::Losses;
use crate::decide::rebalance::Mixture;
use crate::error::{Error, Result};
use crate::io::{Dir, FileEntry, Place, StagedFile, open_table, read_limited};
use crate::stage::Counts;

/// What the passes concluded.
pub(super) struct Finished<'a> {
    pub(super) annotated: &'a Annotated,
    pub(super) mixture: Option<&'a Mixture>,
    /// Documents that hold something of each evaluation set.
    pub(super) contaminated: Vec<u64>,
    pub(super) parts: &'a [Part],
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) learned_from: Option<LearnedFrom>,
    pub(super) tokens: &'a Tokens,
    pub(super) packed: &'a Packs,
}

/// Gathers what all entries say into the manifest and writes it.
pub(super) fn manifest(context: &Context<'_>, finished: &Finished<'_>) -> Result<Manifest> {
    let Finished { annotated, mixture, contaminated, parts, vocabulary, learned_from, tokens, packed } = finished;
    let (read, quarantine) = Reading::gather(context, annotated)?;
    let work = &context.store.work;
    let mut totals = read.totals;
    for part in *parts {
        totals.kept += part.facts.kept;
        totals.kept_bytes += part.facts.kept_bytes;
        totals.kept_characters += part.facts.kept_characters;
        totals.same_ids += part.facts.same_ids;
    }
    let losses = Losses::sum(parts.iter().map(|part| &part.facts.losses));
    let rejected = losses.by_rule();
    totals.rejected = rejected.values().sum();
    totals.tokens = tokens_of(&tokens.training) + tokens_of(&tokens.held_out);
    if !totals.balanced() {
        return Err(Error::internal(format!(
            "read {} is not kept {} + rejected {} + quarantined {}",
            totals.read, totals.kept, totals.rejected, totals.quarantined
        )));
    }
    let published = outputs(parts, vocabulary, tokens, packed)?;
    publish(work, &published)?;
    let mut files: Vec<FileEntry> = published.iter().map(Published::entry).collect();
    files.push(work.write_output(layout::PLAN, context.plan().to_toml()?.as_bytes(), 0)?);
    files.push(work.write_output(layout::PACK_JSON, &packed.training.index, 0)?);
    if let Some(held_out) = &packed.held_out {
        files.push(work.write_output(HELD_OUT.pack_json, &held_out.index, 0)?);
    }
    files.push(work.write_output(layout::TOKENIZER_CONFIG, tokenizer_config(context.plan(), vocabulary).as_bytes(), 0)?);
    files.push(quarantine);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    work.write_used()?;
    let mut manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        seimai: env!("CARGO_PKG_VERSION").to_owned(),
        fingerprint: context.fingerprint.to_owned(),
        unicode: unicode_version(),
        dictionary: dictionary(context),
        lists: context.stages.lists.files.clone(),
        evaluation: context.stages.lists.evaluation.with_documents(contaminated),
        source: source(&context.plan().input.source),
        taken: Taken::of(&context.plan().input),
        inputs: context.store.inputs.states.iter().zip(&read.tallies).map(|(state, tally)| input_facts(state, tally)).collect(),
        totals,
        rejected,
        provenance: Provenance::sum(parts.iter().map(|part| &part.facts.provenance)),
        cut: Cutting::sum(parts.iter().map(|part| &part.facts.cut)),
        mixture: mixture.cloned(),
        registers: losses.kept_by_register(),
        warnings: losses.warnings(),
        losses,
        stages: read.counts,
        tokenizer: TokenizerFacts {
            vocab_size: vocabulary.facts.vocab_size,
            blake3: vocabulary.blake3()?.to_owned(),
            content_blake3: vocabulary.content.clone(),
            pre_tokens: vocabulary.facts.pre_tokens,
            learned_from: *learned_from,
        },
        pack: pack_facts(&packed.training),
        validation: packed.held_out.as_ref().map(|held_out| validation(parts, &tokens.held_out, held_out)),
        files,
    };
    let columns = |path: &str| Ok(open_table(&work.at(path), None, 1)?.schema());
    let card = card(&columns, &manifest)?;
    manifest.files.push(work.write_output(layout::CARD, card.as_bytes(), 0)?);
    manifest.files.sort_by(|a, b| a.path.cmp(&b.path));
    work.write_output(layout::MANIFEST, &manifest.to_bytes()?, 0)?;
    Ok(manifest)
}

/// `tokenizer_config.json`: not made with the vocabulary, for another sequence length needs no other vocabulary.
pub(super) fn tokenizer_config(plan: &Plan, vocabulary: &Vocabulary) -> String {
    tokenizer_config_json(&vocabulary.tokenizer, &plan.tokenizer.roles(), Some(u64::from(plan.pack.sequence_length)))
}

/// What the passes made, with names in OUT.
fn outputs(parts: &[Part], vocabulary: &Vocabulary, tokens: &Tokens, packed: &Packs) -> Result<Vec<Published>> {
    let mut all = vec![Published { made: vocabulary.counts.clone(), path: layout::COUNTS.to_owned() }];
    let mut add = |made: &FileEntry, path: String| all.push(Published { made: made.clone(), path });
    for (number, part) in parts.iter().enumerate() {
        add(&part.documents, layout::part(layout::DOCUMENTS, number));
        add(&part.rejected, layout::part(layout::REJECTED, number));
        part.held_out.iter().for_each(|held_out| add(held_out, layout::part(HELD_OUT.documents, number)));
    }
    for (subset, tokens, packed) in
        [(TRAINING, &tokens.training, Some(&packed.training)), (HELD_OUT, &tokens.held_out, packed.held_out.as_ref())]
    {
        for (number, tokens) in tokens.iter().enumerate() {
            let shard = tokens.files.first().ok_or_else(|| Error::internal("a tokens part has no file"))?;
            add(shard, layout::part(subset.tokens, number));
        }
        let parts = packed.iter().flat_map(|packed| &packed.parts);
        parts.for_each(|(name, file)| add(file, layout::inside(subset.pack, name)));
    }
    vocabulary.files.iter().for_each(|(name, file)| add(file, layout::inside(layout::TOKENIZER, name)));
    Ok(all)
}

fn add(sum: &mut Counts, more: &Counts) {
    for (name, n) in more {
        *sum.entry(name.clone()).or_default() += n;
    }
}

/// The provenance that the plan gives to records without their own.
pub(super) fn source(given: &SourceDefaults) -> BTreeMap<String, String> {
    let SourceDefaults { name, license, residency, owner, consent, legal_basis } = given;
    let all = [
        ("name", name),
        ("license", license),
        ("residency", residency),
        ("owner", owner),
        ("consent", consent),
        ("legal_basis", legal_basis),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
}

/// The version of Unicode that this version follows.
pub(super) fn unicode_version() -> String {
    let (major, minor, patch) = unicode_normalization::UNICODE_VERSION;
    format!("{major}.{minor}.{patch}")
}

fn dictionary(context: &Context<'_>) -> DictionaryFacts {
    let about = context.stages.dictionary.about();
    DictionaryFacts {
        name: about.identity.name.clone(),
        version: about.identity.version.clone(),
        licence: about.identity.licence.clone(),
        fingerprint: about.fingerprint.clone(),
        engine: engine(context.plan()),
    }
}

/// The engine as the plan spells it.
pub(super) fn engine(plan: &Plan) -> String {
    format!("{:?}", plan.segment.engine).to_lowercase()
}

fn tokens_of(shards: &[Entry<TokenFacts>]) -> u64 {
    shards.iter().map(|shard| shard.facts.tokens).sum()
}

/// What is held out.
fn validation(parts: &[Part], tokens: &[Entry<TokenFacts>], packed: &Packed) -> ValidationFacts {
    let mut facts = ValidationFacts { tokens: tokens_of(tokens), pack: pack_facts(packed), ..ValidationFacts::default() };
    for part in parts {
        facts.kept += part.facts.held_out.documents;
        facts.kept_bytes += part.facts.held_out.bytes;
        facts.kept_characters += part.facts.held_out.characters;
    }
    facts
}

fn pack_facts(packed: &Packed) -> PackFacts {
    let info = &packed.info;
    PackFacts {
        sequence_length: u64::from(info.sequence_length),
        rows: info.totals.rows,
        tokens: info.totals.tokens,
        padding: info.padding,
        pieces: info.totals.pieces,
    }
}

/// What the entries of the first pass say together.
#[derive(Default)]
struct Reading {
    totals: Totals,
    tallies: Vec<InputTally>,
    counts: Counts,
}

impl Reading {
    /// Writes `quarantine.jsonl` on the way.
    fn gather(context: &Context<'_>, annotated: &Annotated) -> Result<(Self, FileEntry)> {
        let mut all = Self { tallies: vec![InputTally::default(); context.store.inputs.files.len()], ..Self::default() };
        let mut quarantine = context.store.work.start_output(layout::QUARANTINE)?;
        for shard in 0..annotated.shards() {
            all.take(&annotated.facts(context, shard)?, annotated.first_input(shard), &mut quarantine)?;
        }
        let file = context.store.work.finish_output(quarantine, layout::QUARANTINE, all.totals.quarantined)?;
        Ok((all, file))
    }

    fn take(&mut self, facts: &ShardFacts, first_input: u32, quarantine: &mut StagedFile) -> Result<()> {
        let quarantined = facts.quarantined.len() as u64;
        self.totals.read += facts.documents + quarantined;
        self.totals.quarantined += quarantined;
        self.totals.text_bytes += facts.text_bytes;
        for record in &facts.quarantined {
            let mut line = serde_json::to_vec(record).map_err(|e| Error::internal(format!("quarantine: {e}")))?;
            line.push(b'\n');
            quarantine.write_all(&line).map_err(|e| quarantine.failed(e))?;
        }
        for (input, tally) in &facts.inputs {
            let input = self
                .tallies
                .get_mut((first_input + input) as usize)
                .ok_or_else(|| Error::internal("an entry names an input that is not there"))?;
            input.add(tally);
            self.totals.left_out += tally.left_out;
            self.totals.passed_over += tally.passed_over.values().sum::<u64>();
        }
        add(&mut self.counts, &facts.counts);
        Ok(())
    }
}

fn input_facts(state: &InputState, tally: &InputTally) -> InputFacts {
    InputFacts {
        path: state.path.clone(),
        bytes: state.bytes,
        blake3: state.blake3.clone(),
        read: tally.records + tally.quarantined,
        quarantined: tally.quarantined,
        left_out: tally.left_out,
        passed_over: tally.passed_over.clone(),
        charset: tally.charset.clone(),
        replaced: tally.replaced,
        dropped: tally.dropped.clone(),
        fields_not_kept: tally.fields_not_kept.clone(),
    }
}

/// `run.json`, then `_SUCCESS`.
pub(super) fn commit(work: &WorkDir, report: &Report, threads: usize) -> Result<()> {
    let timings = run_json(report, threads);
    work.write_output(layout::RUN, timings.as_bytes(), 0)?;
    let manifest = blake3::hash(&report.manifest.to_bytes()?).to_hex().to_string();
    let staged = work.staging().create(layout::SUCCESS)?;
    let success = work.at(layout::SUCCESS);
    let line = success_line(&manifest);
    let committed = write_success(staged, line.as_bytes(), &success);
    if committed.is_err() {
        // A run whose last step is not durable is not finished; the next start does that step again.
        let _ = success.remove_file();
    }
    committed
}

/// The work directory of a finished run: what that run is made of, up to a limit, and nothing else.
pub(super) fn tidy(work: &WorkDir, limit: Option<u64>, observer: &dyn Observer) {
    let tidied = gc::collect_in(work, limit, false).and_then(|_| if limit == Some(0) { Ok(()) } else { work.leave() });
    if let Err(e) = tidied {
        observer.on_event(&Event::Note(format!("the run is complete, but its work directory could not be tidied up: {e}")));
    }
}

fn write_success(mut staged: StagedFile, line: &[u8], target: &Place) -> Result<()> {
    staged.write_all(line).map_err(|e| staged.failed(e))?;
    staged.commit(target).map(|_| ())
}

/// Timings, speed and host: the one file that differs from run to run.
fn run_json(report: &Report, threads: usize) -> String {
    let passes: serde_json::Map<String, serde_json::Value> =
        report.seconds.iter().map(|(pass, seconds)| ((*pass).to_owned(), serde_json::json!(seconds))).collect();
    let totals = &report.manifest.totals;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let value = serde_json::json!({
        "wall_seconds": report.wall,
        "pass_seconds": passes,
        "megabytes_per_second": totals.text_bytes as f64 / 1e6 / report.wall.max(1e-9),
        "peak_memory_bytes": peak_memory(),
        "threads": threads,
        "host": host.trim(),
    });
    format!("{value:#}\n")
}

/// What a finished run says it belongs to. Of times and places of its inputs only the work directory knows: with them, an input that has not
/// been touched since need not be read.
pub(super) fn finished_state(out: &Dir, in_work: Option<&State>) -> Result<State> {
    let (manifest, _) = Manifest::of(out)?;
    let in_work: BTreeMap<(&str, u64, &str), &InputState> = in_work
        .iter()
        .flat_map(|state| &state.inputs)
        .map(|input| ((input.path.as_str(), input.bytes, input.blake3.as_str()), input))
        .collect();
    let inputs = manifest.inputs.iter().map(|input| {
        let bare = || InputState {
            path: input.path.clone(),
            file: String::new(),
            bytes: input.bytes,
            mtime: String::new(),
            blake3: input.blake3.clone(),
            part: None,
        };
        in_work.get(&(input.path.as_str(), input.bytes, input.blake3.as_str())).map_or_else(bare, |known| (*known).clone())
    });
    let mut state = State::new(manifest.fingerprint.clone(), inputs.collect());
    state.seimai.clone_from(&manifest.seimai);
    Ok(state)
}

/// Has every file that the manifest lists its size?
pub(super) fn outputs_are_there(out: &Dir) -> Result<bool> {
    let (manifest, _) = Manifest::of(out)?;
    for file in &manifest.files {
        if out.at(&file.path).look()?.is_none_or(|there| !there.is_file() || there.bytes != file.bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Started again after it finished: nothing to do.
pub(super) fn already_done(out: &Path, started: Instant) -> Result<Report> {
    let (manifest, hash) = Manifest::read(out)?;
    if read_limited(&out.join(layout::SUCCESS), 4096)? != success_line(&hash).into_bytes() {
        let what =
            format!("{}: the finished run there is damaged (manifest.json is not the file that _SUCCESS vouches for)", out.display());
        return Err(Error::refused_with_hint(what, "`seimai verify` lists the damage; --fresh starts over"));
    }
    Ok(Report { manifest, seconds: vec![], wall: started.elapsed().as_secs_f64(), already_done: true })
}
