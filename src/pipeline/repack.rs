//! A pack out of finished token shards, without the rest of a run.

use std::collections::BTreeMap;
use std::path::Path;

use super::layout::{self, Subset, TRAINING};
use super::manifest::Manifest;
use super::observer::{Observer, Progress, Quantity, Stop};
use super::pack::select;
use super::plan::Plan;
use super::pool::Pool;
use crate::error::{Error, Result};
use crate::io::{Dir, Place, Staging, hash_file, read_limited};
use crate::pack::info::PackInfo;
use crate::pack::{self, Options, PackContext, Packer, PartPlan, Selection, TokenPart};
use crate::shard::{TokenShard, common_meta};

/// Files of the pack that have no final name yet.
const TEMPORARY: &str = ".seimai-tmp";

/// What is packed, how, and where to.
#[derive(Debug)]
pub struct Repack<'a> {
    /// The token shards in order.
    pub shards: &'a [TokenShard],
    /// The directory of the pack.
    pub out: &'a Path,
    /// Ceiling of memory in bytes; changes no byte of the pack.
    pub memory: u64,
    /// Worker threads; change no byte of the pack.
    pub threads: usize,
}

impl Repack<'_> {
    /// Packs the shards. `settings` gets the options of the run whose token shards these are, all of them, and else the defaults. The
    /// pack of a run's shards is the one which that run would have with these options, byte for byte: it has the fingerprint of such a
    /// plan, and takes documents as often as the policy `rebalance` and `pack.mixture` want them. For other shards the fingerprint is zero.
    ///
    /// # Errors
    /// `Refused` for options out of range, shards of different tokenizers, or the pack of a run as target; `Damaged`; those of the
    /// system.
    pub fn run(&self, settings: &dyn Fn(Options) -> Options, stop: &Stop, observer: &dyn Observer) -> Result<PackInfo> {
        let meta = common_meta(self.shards)?;
        self.refuse_pack_of_run()?;
        let pool = Pool::new(self.threads)?;
        let run = OfRun::find(self.shards)?;
        let options = settings(run.as_ref().map_or_else(Options::default, |run| run.plan.pack.clone()));
        options.check().map_err(Error::refused)?;
        let context = PackContext {
            eos: meta.eos,
            pad: meta.pad,
            vocab_size: meta.vocab_size,
            tokenizer_blake3: hash(&self.shards[0], &meta.tokenizer_blake3)?,
            tokenizer_content: meta.tokenizer_content.clone(),
            plan_fingerprint: run.as_ref().map_or(Ok([0; 32]), |run| run.fingerprint(&options))?,
        };
        let once = self.parts(&pool, stop)?;
        let Selection { parts, mixture } = match &run {
            Some(run) => run.select(&once, &options)?,
            None => pack::select(&once, &|_| Ok(None), &options)?,
        };
        let packer = Packer::new(&parts, &context, &options)?;
        let plans = packer.plan()?;
        let progress = Progress::start(observer, "pack", Quantity::Documents, plans.iter().map(|plan| plan.totals.documents).sum());
        let out = Dir::create(self.out)?;
        let temporary = out.at(TEMPORARY);
        let staging = Staging::within(temporary.create_dir()?);
        staging.clear()?;
        out.at(INDEX).remove_file()?;
        let parallel = |n: usize, work: &(dyn Fn(usize) + Sync)| pool.parallel(n, work);
        let mut packed = Vec::with_capacity(plans.len());
        for plan in &plans {
            stop.check()?;
            let target = out.at(plan.name());
            packed.push(packer.write_part(plan, self.memory / 2, &parallel, &staging, &target, plan.name())?);
            progress.add(plan.totals.documents, plan.totals.documents, plan.totals.tokens * context_bytes(&context));
        }
        remove_other_parts(&out, &plans.iter().map(PartPlan::name).collect::<Vec<_>>())?;
        let info = PackInfo { mixture, ..packer.info(&packed) };
        staging.write(&out.at(INDEX), &info.to_bytes()?)?;
        temporary.remove_dir()?;
        progress.finish();
        Ok(info)
    }

    /// The manifest of a run lists its pack; another one in its place would be damage.
    fn refuse_pack_of_run(&self) -> Result<()> {
        if self.out.exists() && !self.out.is_dir() {
            return Err(Error::refused(format!("{}: a file stands where the directory of the pack is to be", self.out.display())));
        }
        let absolute = std::path::absolute(self.out).map_err(|e| Error::io(self.out, "find", e))?;
        let of_run = Subset::BOTH.iter().any(|subset| {
            let depth = Path::new(subset.pack).components().count();
            absolute.ends_with(subset.pack) && absolute.ancestors().nth(depth).is_some_and(|run| run.join(layout::MANIFEST).exists())
        });
        if of_run {
            let why = format!("{}: the pack of a finished run, which its manifest lists", self.out.display());
            return Err(Error::refused_with_hint(why, "name another directory, or run the plan again with another pack.sequence_length"));
        }
        Ok(())
    }

    fn parts(&self, pool: &Pool, stop: &Stop) -> Result<Vec<TokenPart>> {
        // Each directory is looked up once, as it was named, and not held once for each of its shards.
        let mut dirs = BTreeMap::new();
        for dir in self.shards.iter().filter_map(|shard| shard.path.parent()) {
            if !dirs.contains_key(dir) {
                dirs.insert(dir, Dir::open(dir)?);
            }
        }
        let one = |i: usize| -> Result<TokenPart> {
            stop.check()?;
            let TokenShard { path, name, rows, .. } = &self.shards[i];
            let dir = path.parent().and_then(|dir| dirs.get(dir)).zip(path.file_name());
            let (dir, file) = dir.ok_or_else(|| Error::refused(format!("{}: no name of a file", path.display())))?;
            let place = dir.at(file);
            let (_, blake3) = hash_file(&place)?;
            Ok(TokenPart { place, name: name.clone(), rows: *rows, blake3, taken: None })
        };
        crate::stage::in_parallel(&|n, work| pool.parallel(n, work), self.shards.len(), &one)
    }
}

/// An earlier pack here may have had more parts.
fn remove_other_parts(out: &Dir, ours: &[String]) -> Result<()> {
    for name in out.at("").list()? {
        let Some(name) = name.to_str() else { continue };
        if layout::is_made_by_runs(&layout::inside(layout::PACK, name)) && name != INDEX && !ours.iter().any(|our| our == name) {
            out.at(name).remove_file()?;
        }
    }
    Ok(())
}

/// The file of a pack that is written last.
const INDEX: &str = "pack.json";

fn context_bytes(context: &PackContext) -> u64 {
    pack::format::TokenType::for_vocabulary(context.vocab_size).bytes() as u64
}

fn hash(shard: &TokenShard, hex: &str) -> Result<[u8; 32]> {
    let hash = blake3::Hash::from_hex(hex).map_err(|e| Error::damaged(&shard.path, format!("the hash of its tokenizer: {e}")))?;
    Ok(*hash.as_bytes())
}

/// The finished run whose token shards are given, all of them in order.
struct OfRun {
    dir: Dir,
    manifest: Manifest,
    plan: Plan,
}

impl OfRun {
    /// Nothing for other shards, and for a run of another version of Seimai, whose plan may mean something else.
    fn find(shards: &[TokenShard]) -> Result<Option<Self>> {
        let dirs: Vec<&Path> = shards.iter().filter_map(|shard| shard.path.parent()).collect();
        let Some(tokens) = dirs.first().filter(|first| dirs.iter().all(|dir| dir == *first)) else { return Ok(None) };
        let dir = tokens.join("..");
        if !tokens.ends_with(layout::TOKENS) || !dir.join(layout::MANIFEST).exists() {
            return Ok(None);
        }
        let dir = Dir::open(&dir)?;
        let (manifest, _) = Manifest::of(&dir)?;
        let listed: Vec<&str> =
            manifest.files.iter().map(|file| file.path.as_str()).filter(|path| layout::is_in(layout::TOKENS, path)).collect();
        if listed != shards.iter().map(|shard| shard.name.as_str()).collect::<Vec<_>>() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&read_limited(&dir.at(layout::PLAN), 1 << 20)?).into_owned();
        let Ok(plan) = Plan::from_toml(&text, &[], layout::PLAN) else { return Ok(None) };
        let same = manifest.fingerprint_with(&plan)? == manifest.fingerprint;
        Ok(same.then_some(Self { dir, manifest, plan }))
    }

    /// The fingerprint of the run's plan with these options.
    fn fingerprint(&self, options: &Options) -> Result<[u8; 32]> {
        let plan = Plan { pack: options.clone(), ..self.plan.clone() };
        let hex = self.manifest.fingerprint_with(&plan)?;
        blake3::Hash::from_hex(hex).map(|hash| *hash.as_bytes()).map_err(|e| Error::internal(format!("a hash: {e}")))
    }

    /// What the run's plan packs of its shards with these options.
    fn select(&self, once: &[TokenPart], options: &Options) -> Result<Selection> {
        for part in once {
            if !self.manifest.files.iter().any(|file| file.path == part.name && file.blake3 == part.blake3) {
                return Err(Error::damaged(&part.place, "is not the file that the manifest of its run lists; see `seimai verify`"));
            }
        }
        let documents: Vec<Place> = once.iter().map(|part| self.dir.at(TRAINING.documents_of(&part.name))).collect();
        select(&Plan { pack: options.clone(), ..self.plan.clone() }, once, &documents)
    }
}
