//! Seeds: where in a view stands a run of code points that begins or belongs to something that is looked for.
//!
//! Every run of a view is hashed, and nearly every one is told by a small filter of bits that it is not looked for; the others are searched for in
//! a sorted table, where each hash names the probes that it belongs to.

/// Code points of a long seed.
pub const LONG: usize = 13;
/// Code points of a short seed.
pub const SHORT: usize = 8;

/// The multiplier of the rolling hash: fractional digits of √2, odd.
const BASE: u64 = 0x6a09_e667_f3bc_c909;
/// Its power by which the code point that leaves a short run is multiplied.
const LEAVES: u64 = power(SHORT);
/// Two short runs, five code points apart, make a long one.
const PAIR: u64 = 0xbb67_ae85_84ca_a73b;
/// Filters have so many bits a seed, at least.
const FILTER_BITS: usize = 16;

const fn power(n: usize) -> u64 {
    let (mut power, mut i) = (1_u64, 0);
    while i < n {
        power = power.wrapping_mul(BASE);
        i += 1;
    }
    power
}

/// Spreads the bits of a sum into the upper ones; a bijection.
const fn spread(sum: u64) -> u64 {
    (sum ^ sum >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// The sum of a short run.
fn sum(run: &[u32]) -> u64 {
    run.iter().fold(0, |sum, &code| sum.wrapping_mul(BASE).wrapping_add(u64::from(code)))
}

/// The hash of a short run.
pub fn short(run: &[u32; SHORT]) -> u64 {
    spread(sum(run))
}

/// The hash of a long run.
pub fn long(run: &[u32; LONG]) -> u64 {
    spread(of_pair(sum(&run[..SHORT]), sum(&run[LONG - SHORT..])))
}

const fn of_pair(first: u64, second: u64) -> u64 {
    first.wrapping_mul(PAIR).wrapping_add(second)
}

/// Hashes and the probes that they belong to.
#[derive(Debug, Default)]
pub struct Seeds {
    /// 64 bits a word; three bits of one word for each hash.
    filter: Vec<u64>,
    /// Sorted, with repetitions.
    hashes: Vec<u64>,
    /// Beside each hash a probe.
    probes: Vec<u32>,
    /// By the leading bits of a hash, where those begin.
    starts: Vec<u32>,
}

impl Seeds {
    /// A table of pairs of hashes and probes.
    pub fn new(mut pairs: Vec<(u64, u32)>) -> Self {
        if pairs.is_empty() {
            return Self::default();
        }
        pairs.sort_unstable();
        pairs.dedup();
        let words = (pairs.len() * FILTER_BITS / 64).next_power_of_two().max(1 << 6);
        let buckets = (pairs.len() / 2).next_power_of_two().max(1 << 6);
        let mut seeds = Self { filter: vec![0; words], ..Self::default() };
        for (hash, _) in &pairs {
            let word = seeds.word_of(*hash);
            seeds.filter[word] |= bits(*hash);
        }
        let mut starts = vec![0_u32; buckets + 1];
        for (hash, _) in &pairs {
            starts[leading(*hash, buckets) + 1] += 1;
        }
        (1..starts.len()).for_each(|i| starts[i] += starts[i - 1]);
        (seeds.hashes, seeds.probes) = pairs.into_iter().unzip();
        Self { starts, ..seeds }
    }

    /// Pairs that it holds.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Is there nothing to look for?
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.filter.len() * 8 + self.hashes.len() * 12 + self.starts.len() * 4
    }

    #[inline]
    fn word_of(&self, hash: u64) -> usize {
        (hash >> 24) as usize & (self.filter.len() - 1)
    }

    /// May the hash be among them?
    #[inline]
    fn may_hold(&self, hash: u64) -> bool {
        let bits = bits(hash);
        self.filter[self.word_of(hash)] & bits == bits
    }

    /// The probes of a hash.
    fn of(&self, hash: u64) -> &[u32] {
        let bucket = leading(hash, self.starts.len() - 1);
        let (from, to) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        let hashes = &self.hashes[from..to];
        let first = hashes.iter().take_while(|&&other| other < hash).count();
        let count = hashes[first..].iter().take_while(|&&other| other == hash).count();
        &self.probes[from + first..from + first + count]
    }
}

/// Three bits of a word.
#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash >> 46 & 63) | 1 << (hash >> 52 & 63) | 1 << (hash >> 58)
}

/// The leading bits of a hash: one of so many buckets, a power of two.
fn leading(hash: u64, buckets: usize) -> usize {
    (hash >> 1 >> (63 - buckets.trailing_zeros())) as usize
}

/// A seed that was met: the probe, and where in the view the run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strike {
    /// The probe.
    pub probe: u32,
    /// A place in the view.
    pub at: u32,
}

/// Appends the strikes of both tables in a view.
pub fn strikes(view: &[u32], short: &Seeds, long: &Seeds, out: &mut Vec<Strike>) {
    match (short.is_empty(), long.is_empty()) {
        (true, true) => {}
        (false, true) => scan::<true, false>(view, short, long, out),
        (true, false) => scan::<false, true>(view, short, long, out),
        (false, false) => scan::<true, true>(view, short, long, out),
    }
}

/// How far apart the two short runs of a long one begin.
const APART: usize = LONG - SHORT;
/// Runs whose sums are taken together.
const TOGETHER: usize = 256;

fn scan<const WITH_SHORT: bool, const WITH_LONG: bool>(view: &[u32], short: &Seeds, long: &Seeds, out: &mut Vec<Strike>) {
    let Some((head, rest)) = view.split_at_checked(SHORT) else { return };
    let mut rolling = sum(head);
    let mut pairs = view.iter().zip(rest);
    // The sums of the last runs, then those of the next.
    let mut sums = [0; APART + TOGETHER];
    for (first, count) in (0..=rest.len()).step_by(TOGETHER).map(|first| (first, TOGETHER.min(rest.len() + 1 - first))) {
        sums.copy_within(TOGETHER.., 0);
        for sum in &mut sums[APART..APART + count] {
            *sum = rolling;
            if let Some((leaves, enters)) = pairs.next() {
                let enters = u64::from(*enters).wrapping_sub(u64::from(*leaves).wrapping_mul(LEAVES));
                rolling = rolling.wrapping_mul(BASE).wrapping_add(enters);
            }
        }
        for (at, (&before, &now)) in (first..).zip(sums.iter().zip(&sums[APART..APART + count])) {
            let (of_short, of_long) = (spread(now), spread(of_pair(before, now)));
            let [by_short, by_long] = [WITH_SHORT && short.may_hold(of_short), WITH_LONG && long.may_hold(of_long)];
            if by_short | by_long {
                if by_short {
                    note(short, of_short, at, out);
                }
                if by_long && at >= APART {
                    note(long, of_long, at - APART, out);
                }
            }
        }
    }
}

#[cold]
fn note(seeds: &Seeds, hash: u64, at: usize, out: &mut Vec<Strike>) {
    out.extend(seeds.of(hash).iter().map(|&probe| Strike { probe, at: at as u32 }));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_seed_is_met_where_it_stands(view in proptest::collection::vec(0_u32..3, 0..200), picks in proptest::collection::vec(0_usize..200, 0..8)) {
            let at = |n: usize| picks.iter().filter_map(|&at| Some((at, view.get(at..at + n)?))).collect::<Vec<_>>();
            let of = |picks: &[(usize, &[u32])], hash: &dyn Fn(&[u32]) -> u64| {
                Seeds::new(picks.iter().map(|(at, run)| (hash(run), *at as u32)).collect())
            };
            let (shorts, longs) = (at(SHORT), at(LONG));
            let shorts_of = of(&shorts, &|run| short(run.try_into().unwrap()));
            let longs_of = of(&longs, &|run| long(run.try_into().unwrap()));
            let mut met = Vec::new();
            strikes(&view, &shorts_of, &longs_of, &mut met);
            let mut expected = Vec::new();
            for all in [&shorts, &longs] {
                let mut probes: Vec<_> = all.clone();
                probes.sort_unstable();
                probes.dedup();
                for (probe, run) in probes {
                    let places = view.windows(run.len()).enumerate().filter(|(_, window)| *window == run);
                    expected.extend(places.map(|(at, _)| Strike { probe: probe as u32, at: at as u32 }));
                }
            }
            met.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(met, expected);
        }
    }

    #[test]
    fn the_filter_lets_little_through() {
        let run = |i: u32| std::array::from_fn(|at| 0x4E00 + (i.wrapping_mul(0x9E37_79B9) >> (4 * at as u32 % 29)) % 3_000);
        let pairs = |from: u32, n: u32| (from..from + n).map(|i| (long(&run(i)), 0)).collect::<Vec<_>>();
        let seeds = Seeds::new(pairs(0, 100_000));
        assert!(pairs(0, 100_000).iter().all(|(hash, _)| seeds.may_hold(*hash) && !seeds.of(*hash).is_empty()));
        let through = pairs(1 << 30, 100_000).iter().filter(|(hash, _)| seeds.may_hold(*hash)).count();
        assert!(through < 1_500, "{through} of 100,000");
        assert!(seeds.bytes() < 20 * seeds.len(), "{} bytes", seeds.bytes());
    }
}
