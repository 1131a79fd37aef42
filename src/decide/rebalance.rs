//! The policy `rebalance`: how much of each register stays, and which documents.
//!
//! The masses of the registers (characters or documents) are known when duplicates are; [`quotas`] says how much of each is wanted,
//! [`Cut`] which documents that is: those with the least keys, a key being a hash of seed and doc_id. So the choice depends neither
//! on the order of the documents nor on threads or shards. Where a quota is more than the whole register, documents are taken
//! more than once ([`Share::repeat`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What shares are counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Characters.
    #[default]
    Chars,
    /// Documents.
    Documents,
}

/// What becomes of registers without a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Others {
    /// They stay whole, beside the mixture.
    #[default]
    Keep,
    /// They go.
    Drop,
}

/// The section `[keigo.rebalance]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rebalance {
    /// What shares are counted in: chars or documents.
    pub unit: Unit,
    /// The share wanted of each register, by name; together at most 1. What is missing to 1 is spread over all in proportion.
    pub target: BTreeMap<String, f64>,
    /// What becomes of registers without a target: keep or drop.
    pub others: Others,
    /// No register with a target loses more than this share of its mass.
    pub max_drop: f64,
    /// No document is taken more often than this; 2 and more allows oversampling (the column `keigo.repeat`, which packing honours).
    pub max_repeat: u8,
    /// Another seed chooses other documents.
    pub seed: u64,
}

impl Default for Rebalance {
    fn default() -> Self {
        Self { unit: Unit::Chars, target: BTreeMap::new(), others: Others::Keep, max_drop: 0.5, max_repeat: 1, seed: 7 }
    }
}

impl Rebalance {
    /// One sentence about the first value that cannot be used.
    pub(super) fn check(&self, registers: &[&str]) -> Result<(), String> {
        if self.target.is_empty() {
            return Err("keigo.rebalance.target names no register; write target = { polite = 0.4, plain-written = 0.6 }".into());
        }
        if let Some(name) = self.target.keys().find(|name| !registers.contains(&name.as_str())) {
            return Err(format!("keigo.rebalance.target: there is no register \"{name}\"; there are {}", registers.join(", ")));
        }
        if let Some((name, share)) = self.target.iter().find(|(_, share)| !(**share > 0.0 && **share <= 1.0)) {
            return Err(format!("keigo.rebalance.target.{name} is {share}, but a share is above 0 and at most 1"));
        }
        let sum: f64 = self.target.values().sum();
        if sum > 1.0 + 1e-9 {
            return Err(format!("keigo.rebalance.target: the shares add up to {sum:.4}, which is more than 1"));
        }
        if !(0.0..=1.0).contains(&self.max_drop) {
            return Err(format!("keigo.rebalance.max_drop is {}, but a share lies between 0 and 1", self.max_drop));
        }
        if self.max_repeat == 0 {
            return Err("keigo.rebalance.max_repeat is 0; 1 takes every document once".into());
        }
        Ok(())
    }
}

/// What there is of a register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mass {
    /// Documents.
    pub documents: u64,
    /// Characters.
    pub characters: u64,
}

impl Mass {
    /// In the unit of the shares.
    pub fn of(self, unit: Unit) -> u64 {
        match unit {
            Unit::Chars => self.characters,
            Unit::Documents => self.documents,
        }
    }

    /// Adds more of it.
    pub fn add(&mut self, more: Self) {
        self.documents += more.documents;
        self.characters += more.characters;
    }
}

/// How much of a register is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// The share that the plan wants, the shares of all registers with a target adding up to 1.
    pub target: f64,
    /// The share that can be had within `max_drop` and `max_repeat`.
    pub feasible: f64,
    /// What there is, in the unit of the shares.
    pub mass: u64,
    /// What is wanted of it, in the same unit.
    pub wanted: u64,
}

/// Between two points at which a register reaches a limit, or is whole, this many sizes of the mixture are tried.
const STEPS: u32 = 32;

/// How much of each register with a target is wanted: the mixture that comes nearest to the target (by the sum of the absolute
/// differences of shares), and of those the one that loses and repeats the least.
pub fn quotas(masses: &BTreeMap<String, Mass>, options: &Rebalance) -> BTreeMap<String, Quota> {
    let sum: f64 = options.target.values().sum();
    let mass = |name: &String| masses.get(name).copied().unwrap_or_default().of(options.unit);
    let limits: Vec<Limits> = options.target.iter().map(|(name, share)| Limits::new(share / sum, mass(name), options)).collect();
    let size = best_size(&limits);
    let wanted: Vec<f64> = limits.iter().map(|limits| limits.at(size)).collect();
    let total: f64 = wanted.iter().sum();
    let quota = |(limits, wanted): (&Limits, &f64)| Quota {
        target: limits.target,
        feasible: if total > 0.0 { wanted / total } else { 0.0 },
        mass: limits.mass,
        wanted: wanted.round() as u64,
    };
    options.target.keys().cloned().zip(limits.iter().zip(&wanted).map(quota)).collect()
}

/// What a register can give.
#[derive(Debug, Clone, Copy)]
struct Limits {
    target: f64,
    mass: u64,
    least: f64,
    most: f64,
}

impl Limits {
    fn new(target: f64, mass: u64, options: &Rebalance) -> Self {
        let whole = mass as f64;
        Self { target, mass, least: whole * (1.0 - options.max_drop), most: whole * f64::from(options.max_repeat) }
    }

    /// What it gives to a mixture of this size.
    fn at(&self, size: f64) -> f64 {
        (self.target * size).clamp(self.least, self.most)
    }
}

fn best_size(limits: &[Limits]) -> f64 {
    let corners = |limits: &Limits| [limits.least, limits.mass as f64, limits.most].map(|mass| mass / limits.target);
    let mut corners: Vec<f64> = limits.iter().flat_map(corners).collect();
    corners.sort_by(f64::total_cmp);
    let between = corners.windows(2).flat_map(|pair| {
        let (low, high) = (pair[0], pair[1]);
        (1..STEPS).map(move |step| low + (high - low) * f64::from(step) / f64::from(STEPS))
    });
    let sizes: Vec<f64> = corners.iter().copied().chain(between).collect();
    // A mixture is told from another by more than rounding.
    let rank = |size: f64| {
        ((distance(limits, size) * 1e9).round() as u64, changed(limits, size).round() as u64, std::cmp::Reverse(size.to_bits()))
    };
    sizes.into_iter().min_by_key(|&size| rank(size)).unwrap_or(0.0)
}

/// Mass that a mixture loses or repeats.
fn changed(limits: &[Limits], size: f64) -> f64 {
    limits.iter().map(|limits| (limits.at(size) - limits.mass as f64).abs()).sum()
}

/// Sum of the absolute differences between the shares of a mixture and the target.
fn distance(limits: &[Limits], size: f64) -> f64 {
    let total: f64 = limits.iter().map(|limits| limits.at(size)).sum();
    if total <= 0.0 {
        return f64::from(u32::MAX);
    }
    limits.iter().map(|limits| (limits.at(size) / total - limits.target).abs()).sum()
}

/// The key of a document: the first eight bytes of BLAKE3 over the seed (8 bytes, little-endian) and the doc_id.
pub fn key(seed: u64, doc_id: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(doc_id.as_bytes());
    let hash = hasher.finalize();
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Documents below it are taken once more than those that are not: a key, and among documents of one key (one doc_id) an ordinal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cut {
    /// The key.
    pub key: u64,
    /// The ordinal.
    pub ordinal: u64,
}

/// What happens to the documents of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Every document is taken so often.
    pub every: u8,
    /// Documents below this are taken once more.
    pub below: Cut,
}

impl Share {
    /// Every document once.
    pub const WHOLE: Self = Self { every: 1, below: Cut { key: 0, ordinal: 0 } };

    /// How often a document is taken; 0 = it goes.
    pub fn repeat(&self, key: u64, ordinal: u64) -> u8 {
        self.every.saturating_add(u8::from(Cut { key, ordinal } < self.below))
    }
}

/// Buckets of a [`Histogram`]: the first 16 bits of a key.
const BUCKETS: usize = 1 << 16;

/// Mass of a register by the first bits of its documents' keys, so that the cut is found exactly in little memory: the histogram
/// says in which bucket it lies, and only the documents of that bucket are looked at one by one.
#[derive(Debug, Clone)]
pub struct Histogram {
    masses: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { masses: vec![0; BUCKETS] }
    }
}

impl Histogram {
    /// The bucket of a key.
    pub fn bucket(key: u64) -> usize {
        (key >> 48) as usize
    }

    /// Adds a document.
    pub fn add(&mut self, key: u64, mass: u64) {
        self.masses[Self::bucket(key)] += mass;
    }

    /// Where the cut lies for documents that are to be taken `wanted` times their whole mass at most.
    pub fn find(&self, wanted: u64) -> Open {
        let mass: u64 = self.masses.iter().sum();
        let every = u8::try_from(wanted.checked_div(mass).unwrap_or(1)).unwrap_or(u8::MAX);
        let rest = wanted - (u64::from(every) * mass).min(wanted);
        let mut before = 0;
        let bucket = self.masses.iter().position(|&mass| {
            let holds = before + mass > rest;
            before += if holds { 0 } else { mass };
            holds
        });
        Open { every, bucket: bucket.unwrap_or(BUCKETS), rest: rest.saturating_sub(before) }
    }
}

/// A cut whose bucket is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    every: u8,
    /// The bucket.
    pub bucket: usize,
    /// What is still wanted of the documents in it.
    rest: u64,
}

impl Open {
    /// The share, from the documents of the bucket (key, ordinal, mass): documents are taken in the order of their keys while at
    /// least half of the next still fits.
    pub fn close(&self, mut documents: Vec<(u64, u64, u64)>) -> Share {
        documents.sort_unstable();
        let mut taken = 0_u64;
        let first_left = documents.iter().find(|(_, _, mass)| {
            let fits = taken + mass.div_ceil(2) <= self.rest;
            taken += if fits { *mass } else { 0 };
            !fits
        });
        let end = ((self.bucket as u64) + 1).saturating_mul(1 << 48);
        let below = first_left.map_or(Cut { key: end, ordinal: 0 }, |&(key, ordinal, _)| Cut { key, ordinal });
        Share { every: self.every, below }
    }
}

/// What the mixture became: a row for each register with a target, and how far it is from what was wanted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// What shares are counted in.
    pub unit: Unit,
    /// The registers with a target, by name.
    pub registers: BTreeMap<String, Achieved>,
    /// Sum of the absolute differences between target and achieved shares.
    pub distance_to_target: f64,
    /// The same to the feasible shares.
    pub distance_to_feasible: f64,
}

/// What a register became in the mixture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Achieved {
    /// The share wanted.
    pub target: f64,
    /// The share that could be had.
    pub feasible: f64,
    /// The share that there is, repetitions counted.
    pub achieved: f64,
    /// Before: documents and characters that duplicates and quality rules had left.
    pub before: Mass,
    /// After: documents and characters that stayed, each once.
    pub after: Mass,
    /// How often a document that stayed is taken, on average by the unit of the shares.
    pub epochs: f64,
}

impl Mixture {
    /// Puts the mixture together: quotas, masses before and after, and the mass with repetitions, in the unit of the shares.
    pub fn new(unit: Unit, quotas: &BTreeMap<String, Quota>, found: &BTreeMap<String, Found>) -> Self {
        let of = |name: &String| found.get(name).copied().unwrap_or_default();
        let total: u64 = quotas.keys().map(|name| of(name).repeated).sum();
        let mut mixture = Self { unit, ..Self::default() };
        for (name, quota) in quotas {
            let Found { before, after, repeated } = of(name);
            let achieved = if total == 0 { 0.0 } else { repeated as f64 / total as f64 };
            let epochs = if after.of(unit) == 0 { 0.0 } else { repeated as f64 / after.of(unit) as f64 };
            mixture.distance_to_target += (achieved - quota.target).abs();
            mixture.distance_to_feasible += (achieved - quota.feasible).abs();
            let row = Achieved { target: quota.target, feasible: quota.feasible, achieved, before, after, epochs };
            mixture.registers.insert(name.clone(), row);
        }
        mixture
    }
}

/// Masses of a register before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Before.
    pub before: Mass,
    /// After, each document once.
    pub after: Mass,
    /// After, with repetitions, in the unit of the shares.
    pub repeated: u64,
}

impl Found {
    /// Adds a document that is taken so often.
    pub fn add(&mut self, mass: Mass, repeat: u8, unit: Unit) {
        self.before.add(mass);
        if repeat > 0 {
            self.after.add(mass);
            self.repeated += u64::from(repeat) * mass.of(unit);
        }
    }

    /// Adds what was found elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.before.add(other.before);
        self.after.add(other.after);
        self.repeated += other.repeated;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masses(of: &[(&str, u64)]) -> BTreeMap<String, Mass> {
        of.iter().map(|(name, characters)| ((*name).to_owned(), Mass { documents: characters / 100, characters: *characters })).collect()
    }

    fn options(target: &[(&str, f64)]) -> Rebalance {
        Rebalance { target: target.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect(), ..Rebalance::default() }
    }

    fn wanted(quotas: &BTreeMap<String, Quota>) -> Vec<u64> {
        quotas.values().map(|quota| quota.wanted).collect()
    }

    #[test]
    fn of_the_mixtures_of_the_target_the_one_that_changes_least_is_taken() {
        let quotas = quotas(&masses(&[("a", 1000), ("b", 3000)]), &options(&[("a", 0.4), ("b", 0.6)]));
        assert_eq!(wanted(&quotas), [1000, 1500]);
        assert!(quotas.values().all(|quota| (quota.feasible - quota.target).abs() < 1e-9));
    }

    #[test]
    fn no_register_loses_more_than_it_may() {
        let masses = masses(&[("a", 100), ("b", 10_000)]);
        let target = [("a", 0.5), ("b", 0.5)];
        let found = quotas(&masses, &options(&target));
        assert_eq!(wanted(&found), [100, 5000], "b may lose a half");
        assert!(found["a"].feasible < 0.02);
        let repeated = quotas(&masses, &Rebalance { max_repeat: 20, max_drop: 0.9, ..options(&target) });
        assert_eq!(wanted(&repeated), [2000, 2000], "a twenty times");
        let doubled = quotas(&self::masses(&[("a", 1000), ("b", 1500)]), &Rebalance { max_repeat: 4, ..options(&target) });
        assert_eq!(wanted(&doubled), [1500, 1500], "nothing is repeated for the sake of size");
    }

    #[test]
    fn a_register_that_is_not_there_has_no_quota() {
        let found = quotas(&masses(&[("a", 1000)]), &options(&[("a", 0.5), ("b", 0.2)]));
        assert_eq!(wanted(&found), [1000, 0]);
        assert!((found["a"].target - 5.0 / 7.0).abs() < 1e-9, "shares are brought to 1");
        assert_eq!(wanted(&quotas(&BTreeMap::new(), &options(&[("a", 1.0)]))), [0]);
    }

    fn share_of(documents: &[(u64, u64, u64)], wanted: u64) -> Share {
        let mut histogram = Histogram::default();
        for &(key, _, mass) in documents {
            histogram.add(key, mass);
        }
        let open = histogram.find(wanted);
        open.close(documents.iter().copied().filter(|&(key, ..)| Histogram::bucket(key) == open.bucket).collect())
    }

    #[test]
    fn the_same_id_twice_is_parted_by_its_place() {
        let documents = [(5, 1, 10), (5, 0, 10), (9, 2, 10)];
        let share = share_of(&documents, 10);
        assert_eq!(documents.map(|(key, ordinal, _)| share.repeat(key, ordinal)), [0, 1, 0]);
    }

    #[test]
    fn what_cannot_be_used_is_refused_in_a_sentence() {
        let registers = ["a", "b"];
        for (options, part) in [
            (options(&[]), "names no register"),
            (options(&[("c", 0.5)]), "there are a, b"),
            (options(&[("a", 0.7), ("b", 0.7)]), "more than 1"),
            (options(&[("a", 0.0)]), "above 0"),
            (Rebalance { max_drop: 1.5, ..options(&[("a", 1.0)]) }, "max_drop"),
            (Rebalance { max_repeat: 0, ..options(&[("a", 1.0)]) }, "max_repeat"),
        ] {
            let refused = options.check(&registers).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        assert!(options(&[("a", 0.1), ("b", 0.9)]).check(&registers).is_ok());
    }

    proptest! {
        /// The cut found through buckets is the one a plain sort gives, whatever the order of the documents.
        #[test]
        fn the_cut_is_exact(masses in prop::collection::vec(1_u64..2000, 1..300), seed in any::<u64>(), times in 0_f64..3.5) {
            let documents: Vec<_> = masses.iter().enumerate().map(|(i, &mass)| (key(seed, &format!("d{i}")), i as u64, mass)).collect();
            let mass: u64 = masses.iter().sum();
            let wanted = (mass as f64 * times) as u64;
            let share = share_of(&documents, wanted);
            let taken: u64 = documents.iter().map(|&(key, ordinal, mass)| u64::from(share.repeat(key, ordinal)) * mass).sum();
            let largest = masses.iter().max().unwrap();
            prop_assert!(taken.abs_diff(wanted) <= largest.div_ceil(2) + 1, "{taken} for {wanted}");
            let mut sorted = documents.clone();
            sorted.sort_unstable();
            let repeats: Vec<_> = sorted.iter().map(|&(key, ordinal, _)| share.repeat(key, ordinal)).collect();
            prop_assert!(repeats.is_sorted_by(|a, b| a >= b), "the least keys first");
            let mut turned = documents;
            turned.reverse();
            prop_assert_eq!(share_of(&turned, wanted), share);
        }
    }
}
