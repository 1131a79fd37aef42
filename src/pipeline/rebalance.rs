//! The fold of the policy `rebalance`: how much there is of each register behind duplicates and quality rules, and which documents
//! stay, or are taken more than once. The tables are read three times: for masses, for the documents at the cuts, for the result.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::annotate::Annotated;
use super::context::Context;
use super::dedup::Duplicates;
use super::key::Key;
use super::layout::{self, pass};
use super::mixture::{Candidate, Rebalanced};
use super::pass::{Facts, Pass};
use super::share::Progressed;
use super::work_dir::Entry;
use crate::decide::rebalance::{self, Found, Histogram, Mass, Mixture, Open, Rebalance, Share, key, quotas};
use crate::dedup::ordinal;
use crate::error::Result;
use crate::schema;
use crate::stage::strings;

const BATCH_ROWS: usize = 4096;

impl Facts for Rebalanced {}

/// Runs the fold, or reads what it concluded before; nothing where the plan asks for no mixture.
pub(super) fn run(context: &Context<'_>, annotated: &Annotated, duplicates: &Duplicates) -> Progressed<Option<Rebalanced>> {
    let Some(options) = context.plan().keigo.mixture() else { return Ok(None) };
    let mut key = Key::of(pass::REBALANCE).and_settings(options)?.and_steps(context.plan(), &["decide"]);
    for shard in 0..annotated.shards() {
        key = duplicates.name_into(key.and(&annotated.keys(shard)?.documents), shard)?;
    }
    let fold = Pass::fold(pass::REBALANCE, key.name(), 3);
    fold.run::<Rebalanced>(context, |_, underway| {
        let over = Over { context, annotated, duplicates, options };
        let weighed = over.weigh()?;
        underway.step();
        let masses = weighed.iter().map(|(register, (mass, _))| (register.clone(), *mass)).collect();
        let quotas = quotas(&masses, options);
        let open = |(register, quota): (&String, &rebalance::Quota)| {
            (register.clone(), weighed.get(register).map_or_else(|| Histogram::default().find(0), |(_, keys)| keys.find(quota.wanted)))
        };
        let concluded = Rebalanced { shares: over.close(&quotas.iter().map(open).collect())?, mixture: Mixture::default() };
        underway.step();
        let mixture = Mixture::new(options.unit, &quotas, &over.find(&concluded)?);
        underway.commit(0, &Entry::new(Vec::new(), Rebalanced { mixture, ..concluded }))
    })?;
    Ok(Some(fold.entry::<Rebalanced>(context, 0)?.facts))
}

/// The corpus as the fold sees it.
struct Over<'a> {
    context: &'a Context<'a>,
    annotated: &'a Annotated,
    duplicates: &'a Duplicates,
    options: &'a Rebalance,
}

impl Over<'_> {
    /// Mass of each register, and its distribution over keys.
    fn weigh(&self) -> Result<BTreeMap<String, (Mass, Histogram)>> {
        let all = Mutex::new(BTreeMap::<String, (Mass, Histogram)>::new());
        self.side_by_side(&|shard| {
            let mut here = BTreeMap::<String, (Mass, Vec<(u64, u64)>)>::new();
            self.candidates(shard, &mut |document, mass| {
                let (sum, keys) = entry(&mut here, document.register);
                sum.add(mass);
                keys.push((key(self.options.seed, document.doc_id), mass.of(self.options.unit)));
            })?;
            if let Ok(mut all) = all.lock() {
                for (register, (mass, keys)) in here {
                    let (sum, histogram) = all.entry(register).or_default();
                    sum.add(mass);
                    for (key, mass) in keys {
                        histogram.add(key, mass);
                    }
                }
            }
            Ok(())
        })?;
        Ok(all.into_inner().unwrap_or_default())
    }

    /// The cuts, from the documents of the buckets they lie in.
    fn close(&self, open: &BTreeMap<String, Open>) -> Result<BTreeMap<String, Share>> {
        let all = Mutex::new(BTreeMap::<String, Vec<(u64, u64, u64)>>::new());
        self.side_by_side(&|shard| {
            let mut here = BTreeMap::<String, Vec<(u64, u64, u64)>>::new();
            self.candidates(shard, &mut |document, mass| {
                let Some(open) = open.get(document.register) else { return };
                let key = key(self.options.seed, document.doc_id);
                if Histogram::bucket(key) == open.bucket {
                    entry(&mut here, document.register).push((key, document.ordinal, mass.of(self.options.unit)));
                }
            })?;
            if let Ok(mut all) = all.lock() {
                for (register, documents) in here {
                    all.entry(register).or_default().extend(documents);
                }
            }
            Ok(())
        })?;
        let mut documents = all.into_inner().unwrap_or_default();
        Ok(open.iter().map(|(name, open)| (name.clone(), open.close(documents.remove(name).unwrap_or_default()))).collect())
    }

    /// What there is of each register with a target, before and after.
    fn find(&self, concluded: &Rebalanced) -> Result<BTreeMap<String, Found>> {
        let all = Mutex::new(BTreeMap::<String, Found>::new());
        self.side_by_side(&|shard| {
            let mut here = BTreeMap::<String, Found>::new();
            self.candidates(shard, &mut |document, mass| {
                let repeat = concluded.repeat(self.options, document);
                entry(&mut here, document.register).add(mass, repeat, self.options.unit);
            })?;
            if let Ok(mut all) = all.lock() {
                for (register, found) in here {
                    all.entry(register).or_default().merge(found);
                }
            }
            Ok(())
        })?;
        Ok(all.into_inner().unwrap_or_default())
    }

    fn side_by_side(&self, work: &(dyn Fn(u64) -> Result<()> + Sync)) -> Result<()> {
        let mut shards = 0..self.annotated.shards();
        self.context.pool.for_each(self.context.stop, &mut || Ok(shards.next()), &|| (), &|(), shard| work(shard))
    }

    /// Gives every document of a shard that quality rules keep and that repeats no other, with its mass.
    fn candidates(&self, shard: u64, give: &mut dyn FnMut(Candidate<'_>, Mass)) -> Result<()> {
        let rejections = self.duplicates.rejections(self.context, shard)?;
        let cuts = self.duplicates.cuts(self.context, shard)?;
        let found = self.duplicates.of(self.context, shard)?;
        let mut removed = found.removed().peekable();
        let columns = [schema::DOC_ID.name, schema::REGISTER.name, schema::TEXT.name];
        let mut row = 0;
        let documents = layout::annotated(&self.annotated.keys(shard)?.documents);
        for batch in self.context.store.table_columns(&documents, Some(&columns), BATCH_ROWS)? {
            self.context.stop.check()?;
            let batch = batch?;
            let (ids, registers) = (strings(&batch, &schema::DOC_ID)?, strings(&batch, &schema::REGISTER)?);
            let texts = strings(&batch, &schema::TEXT)?;
            for i in 0..batch.num_rows() {
                let repeats = removed.next_if(|&removed| removed == row).is_some();
                if !repeats && rejections.of(row).is_none() && cuts.rejects(row).is_none() {
                    let characters = cuts.characters(row, texts.value(i));
                    let document = Candidate { ordinal: ordinal(shard, row), doc_id: ids.value(i), register: registers.value(i) };
                    give(document, Mass { documents: 1, characters });
                }
                row += 1;
            }
        }
        Ok(())
    }
}

/// The value of a register.
fn entry<'m, T: Default>(map: &'m mut BTreeMap<String, T>, register: &str) -> &'m mut T {
    // Registers are few and their names short: the copy costs less than a second look.
    map.entry(register.to_owned()).or_default()
}
