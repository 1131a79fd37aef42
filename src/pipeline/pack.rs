//! The third fold: token shards become packed sequences. The packing order is a function of lengths, seed and plan.

use super::context::Context;
use super::decide::Part;
use super::encode::{TokenFacts, Tokens};
use super::key::Key;
use super::layout::{self, HELD_OUT, Subset, TRAINING, pass};
use super::observer::Quantity;
use super::pass::{Facts, Pass};
use super::plan::Plan;
use super::share::{Halt, Progressed};
use super::tables::repeats;
use super::train::Vocabulary;
use super::work_dir::Entry;
use crate::error::{Error, Result};
use crate::io::{FileEntry, Place};
use crate::pack::info::PackInfo;
use crate::pack::{self, PackContext, PackedPart, Packer, PartPlan, Selection, TokenPart};

impl Facts for PackedPart {}

/// The finished pack.
pub(super) struct Packed {
    pub info: PackInfo,
    /// Its parts by their names in `pack/`.
    pub parts: Vec<(String, FileEntry)>,
    /// `pack/pack.json`.
    pub index: Vec<u8>,
}

/// The packs of a run.
pub(super) struct Packs {
    pub(super) training: Packed,
    /// What is held out; none without a split.
    pub(super) held_out: Option<Packed>,
}

/// Runs the fold, or what is left of it.
pub(super) fn run(context: &Context<'_>, parts: &[Part], tokens: &Tokens, vocabulary: &Vocabulary) -> Progressed<Packs> {
    let documents: Vec<Place> = parts.iter().map(|part| context.store.work.at(&part.documents.path)).collect();
    let selection = select(context.plan(), &sources(context, TRAINING, &tokens.training)?, &documents)?;
    let training = match pack(context, selection, vocabulary) {
        // What is held out waits for nothing that is trained on.
        Err(Halt::Lacking(lacking)) if context.plan().split.is_on() => Err(lacking),
        training => Ok(training?),
    };
    let held_out = if context.plan().split.is_on() {
        // Every document once: nobody validates on an epoch and a half.
        let once = Selection { parts: sources(context, HELD_OUT, &tokens.held_out)?, mixture: Vec::new() };
        Some(pack(context, once, vocabulary))
    } else {
        None
    };
    match (training, held_out.transpose()) {
        (Ok(training), held_out) => Ok(Packs { training, held_out: held_out? }),
        (Err(mut lacking), Err(Halt::Lacking(more))) => {
            lacking.of += more.of;
            lacking.units.extend(more.units);
            Err(Halt::Lacking(lacking))
        }
        (Err(_), Err(other)) => Err(other),
        (Err(lacking), Ok(_)) => Err(Halt::Lacking(lacking)),
    }
}

fn pack(context: &Context<'_>, selection: Selection, vocabulary: &Vocabulary) -> Progressed<Packed> {
    let Selection { parts: sources, mixture } = selection;
    let facts = pack_context(context, vocabulary)?;
    let packer = Packer::new(&sources, &facts, &context.plan().pack)?;
    let plans = packer.plan()?;
    let units = plans.iter().map(|plan| unit(context, vocabulary, plan, &sources)).collect::<Result<Vec<_>>>()?;
    let pass = Pass::new(pass::PACK, Quantity::Parts, units.iter().map(|unit| (unit.clone(), 1)));
    pass.run::<PackedPart>(context, |missing, underway| {
        // Parts are large: one after the other keeps memory at one block of rows, which all threads fill.
        missing.into_iter().try_for_each(|part| underway.commit(part, &write_part(context, &packer, &plans[part], &units[part])?))
    })?;
    let (mut parts, mut packed) = (Vec::new(), Vec::new());
    for entry in pass.entries::<PackedPart>(context)? {
        parts.push((entry.facts.plan.name(), entry.facts.entry.clone()));
        packed.push(entry.facts);
    }
    let info = PackInfo { mixture, ..packer.info(&packed) };
    let index = info.to_bytes()?;
    Ok(Packed { info, parts, index })
}

/// The name of a part: its header tells of the plan, and the index of all its token shards.
fn unit(context: &Context<'_>, vocabulary: &Vocabulary, plan: &PartPlan, sources: &[TokenPart]) -> Result<String> {
    let mut key = Key::of(pass::PACK).and(context.fingerprint).and(vocabulary.blake3()?).and_settings(plan)?;
    for source in sources.get(plan.shards()).unwrap_or_default() {
        key = key.and(&source.name).and(&source.blake3);
        if let Some(taken) = &source.taken {
            key = key.and_number(u64::from(taken.take)).and_settings(&taken.rows)?;
        }
    }
    Ok(key.name())
}

fn write_part(context: &Context<'_>, packer: &Packer<'_>, plan: &PartPlan, unit: &str) -> Result<Entry<PackedPart>> {
    context.stop.check()?;
    let path = layout::packed(unit);
    let work = &context.store.work;
    let parallel = |n: usize, work: &(dyn Fn(usize) + Sync)| context.pool.parallel(n, work);
    let packed = packer.write_part(plan, context.memory / 4, &parallel, work.staging(), &work.output(&path)?, path)?;
    Ok(Entry::new(vec![packed.entry.clone()], packed))
}

fn sources(context: &Context<'_>, subset: Subset, tokens: &[Entry<TokenFacts>]) -> Result<Vec<TokenPart>> {
    tokens
        .iter()
        .enumerate()
        .map(|(part, entry)| {
            let file = entry.files.first().ok_or_else(|| Error::internal("a tokens part has no file"))?;
            Ok(TokenPart {
                place: context.store.work.at(&file.path),
                name: layout::part(subset.tokens, part),
                rows: file.rows,
                blake3: file.blake3.clone(),
                taken: None,
            })
        })
        .collect()
}

/// What is packed of the token shards: by the policy `rebalance`, which wants some documents more than once, and by `pack.mixture`.
pub(super) fn select(plan: &Plan, shards: &[TokenPart], documents: &[Place]) -> Result<Selection> {
    let repeated = plan.keigo.mixture().is_some_and(|rebalance| rebalance.max_repeat > 1);
    let of_shard = |shard: usize| documents.get(shard).filter(|_| repeated).map(repeats).transpose();
    pack::select(shards, &of_shard, &plan.pack)
}

fn pack_context(context: &Context<'_>, vocabulary: &Vocabulary) -> Result<PackContext> {
    let hash = |hex: &str| blake3::Hash::from_hex(hex).map(|hash| *hash.as_bytes()).map_err(|e| Error::internal(format!("a hash: {e}")));
    Ok(PackContext {
        eos: vocabulary.eos,
        pad: vocabulary.pad,
        vocab_size: vocabulary.tokenizer.len() as u32,
        tokenizer_blake3: hash(vocabulary.blake3()?)?,
        tokenizer_content: Some(vocabulary.content.clone()),
        plan_fingerprint: hash(context.fingerprint)?,
    })
}
