//! The third fold: token shards become packed sequences. The packing order is a function of lengths, seed and plan.

use super::observer::{Progress, Unit};
use super::run::Context;
use super::tokens::{TokenFacts, tokens_path};
use super::vocabulary::Vocabulary;
use super::work::Entry;
use crate::error::{Error, Result};
use crate::io::FileEntry;
use crate::pack::info::PackInfo;
use crate::pack::{PackContext, PackedPart, Packer, PartPlan, TokenPart};

/// Name of the pass.
pub(super) const PASS: &str = "pack";

/// The finished pack: a file a part, and `pack/pack.json`.
pub(super) struct Packed {
    pub info: PackInfo,
    pub files: Vec<FileEntry>,
}

/// Runs the fold, or what is left of it.
pub(super) fn run(context: &Context<'_>, tokens: &[Entry<TokenFacts>], vocabulary: &Vocabulary) -> Result<Packed> {
    let sources = sources(context, tokens)?;
    let facts = pack_context(context, vocabulary)?;
    let packer = Packer::new(&sources, &facts, &context.plan.pack)?;
    let plans = packer.plan()?;
    let missing = context.work.missing::<PackedPart>(PASS, plans.iter().map(PartPlan::name))?;
    if !missing.is_empty() {
        let progress = Progress::start(context.observer, PASS, Unit::Parts, plans.len() as u64);
        progress.add((plans.len() - missing.len()) as u64, 0, 0);
        for plan in missing.into_iter().map(|place| &plans[place]) {
            // Parts are large: one after the other keeps memory at one block of rows, which all threads fill.
            context.stop.check()?;
            let path = format!("pack/{}", plan.name());
            let target = context.work.output(&path)?;
            let parallel = |n: usize, work: &(dyn Fn(usize) + Sync)| context.pool.parallel(n, work);
            let packed = packer.write_part(plan, context.memory / 4, &parallel, context.work.staging(), &target, path)?;
            context.work.commit(PASS, &plan.name(), &Entry::new(vec![packed.entry.clone()], packed))?;
            progress.add(1, 0, 0);
        }
        context.took(PASS, progress.finish());
    }
    let entries: Vec<Entry<PackedPart>> = plans.iter().map(|plan| context.work.required(PASS, &plan.name())).collect::<Result<_>>()?;
    let parts: Vec<PackedPart> = entries.iter().map(|entry| entry.payload.clone()).collect();
    let mut files: Vec<FileEntry> = entries.into_iter().flat_map(|entry| entry.files).collect();
    let info = packer.info(&parts);
    let mut index = serde_json::to_vec_pretty(&info).map_err(|e| Error::internal(format!("pack.json: {e}")))?;
    index.push(b'\n');
    files.push(context.work.write_output("pack/pack.json", &index, 0)?);
    Ok(Packed { info, files })
}

fn sources(context: &Context<'_>, tokens: &[Entry<TokenFacts>]) -> Result<Vec<TokenPart>> {
    tokens
        .iter()
        .enumerate()
        .map(|(part, entry)| {
            let file = entry.files.first().ok_or_else(|| Error::internal("a tokens part has no file"))?;
            Ok(TokenPart {
                path: context.work.out().join(tokens_path(part)),
                name: file.path.clone(),
                rows: file.rows,
                blake3: file.blake3.clone(),
            })
        })
        .collect()
}

fn pack_context(context: &Context<'_>, vocabulary: &Vocabulary) -> Result<PackContext> {
    let hash = |hex: &str| blake3::Hash::from_hex(hex).map(|hash| *hash.as_bytes()).map_err(|e| Error::internal(format!("a hash: {e}")));
    Ok(PackContext {
        eos: vocabulary.eos,
        pad: vocabulary.pad,
        vocab_size: vocabulary.tokenizer.len() as u32,
        tokenizer_blake3: hash(&vocabulary.file()?.blake3)?,
        plan_fingerprint: hash(context.fingerprint)?,
    })
}
