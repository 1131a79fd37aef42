//! The third fold: token shards become packed sequences. The packing order is a function of lengths, seed and plan.

use super::context::Context;
use super::decide::Part;
use super::encode::TokenFacts;
use super::key::Key;
use super::layout::{self, pass};
use super::observer::Quantity;
use super::pass::{Facts, Pass};
use super::tables::repeats;
use super::train::Vocabulary;
use super::work_dir::Entry;
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::pack::info::PackInfo;
use crate::pack::{Again, PackContext, PackedPart, Packer, PartPlan, TokenPart};

impl Facts for PackedPart {}

/// The finished pack.
pub(super) struct Packed {
    pub info: PackInfo,
    /// Its parts by their names in `pack/`.
    pub parts: Vec<(String, FileEntry)>,
    /// `pack/pack.json`.
    pub index: Vec<u8>,
}

/// Runs the fold, or what is left of it.
pub(super) fn run(context: &Context<'_>, parts: &[Part], tokens: &[Entry<TokenFacts>], vocabulary: &Vocabulary) -> Result<Packed> {
    let sources = again(context, parts, sources(context, tokens)?)?;
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
    let info = packer.info(&packed);
    let mut index = serde_json::to_vec_pretty(&info).map_err(|e| Error::internal(format!("pack.json: {e}")))?;
    index.push(b'\n');
    Ok(Packed { info, parts, index })
}

/// The name of a part: its header tells of the plan, and the index of all its token shards.
fn unit(context: &Context<'_>, vocabulary: &Vocabulary, plan: &PartPlan, sources: &[TokenPart]) -> Result<String> {
    let mut key = Key::of(pass::PACK).and(context.fingerprint).and(vocabulary.blake3()?).and_settings(plan)?;
    for source in sources.get(plan.shards()).unwrap_or_default() {
        key = key.and(&source.name).and(&source.blake3);
        if let Some(again) = &source.again {
            key = key.and_number(u64::from(again.take)).and_settings(&again.taken)?;
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

fn sources(context: &Context<'_>, tokens: &[Entry<TokenFacts>]) -> Result<Vec<TokenPart>> {
    tokens
        .iter()
        .enumerate()
        .map(|(part, entry)| {
            let file = entry.files.first().ok_or_else(|| Error::internal("a tokens part has no file"))?;
            Ok(TokenPart {
                path: context.store.work.out().join(&file.path),
                name: layout::part(layout::TOKENS, part),
                rows: file.rows,
                blake3: file.blake3.clone(),
                again: None,
            })
        })
        .collect()
}

/// The token shards, and behind them those whose documents the policy `rebalance` wants more than once: the second time all of
/// them, then the third, so that a document does not meet itself.
fn again(context: &Context<'_>, parts: &[Part], mut sources: Vec<TokenPart>) -> Result<Vec<TokenPart>> {
    let most = context.plan().keigo.mixture().map_or(1, |rebalance| rebalance.max_repeat);
    if most < 2 {
        return Ok(sources);
    }
    let once = sources.clone();
    let repeats = parts.iter().map(|part| repeats(&context.store.work.out().join(&part.documents.path))).collect::<Result<Vec<_>>>()?;
    for take in 2..=most {
        for (source, repeats) in once.iter().zip(&repeats).filter(|(_, repeats)| repeats.iter().any(|&repeat| repeat >= take)) {
            let taken = repeats.iter().map(|&repeat| repeat >= take).collect();
            sources.push(TokenPart { again: Some(Again { take: u32::from(take), taken }), ..source.clone() });
        }
    }
    Ok(sources)
}

fn pack_context(context: &Context<'_>, vocabulary: &Vocabulary) -> Result<PackContext> {
    let hash = |hex: &str| blake3::Hash::from_hex(hex).map(|hash| *hash.as_bytes()).map_err(|e| Error::internal(format!("a hash: {e}")));
    Ok(PackContext {
        eos: vocabulary.eos,
        pad: vocabulary.pad,
        vocab_size: vocabulary.tokenizer.len() as u32,
        tokenizer_blake3: hash(vocabulary.blake3()?)?,
        plan_fingerprint: hash(context.fingerprint)?,
    })
}
