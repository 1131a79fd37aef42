//! All unique pre-tokens in one array of symbols, and how often each of them occurs.

use crate::bpe::merge::TooLarge;

/// Stands between two pre-tokens.
pub(crate) const SEPARATOR: u32 = u32::MAX;

/// Stands where a token began before it was merged into the token on its left.
pub(crate) const STALE: u32 = u32::MAX - 1;

/// The array of symbols, and the count of the pre-token at each position.
pub(crate) struct FlatCorpus {
    /// The symbols of all pre-tokens, with a separator before, between and after them.
    pub(crate) symbols: Vec<u32>,
    /// First position and count of each group of pre-tokens with equal counts, by falling count.
    groups: Vec<(u32, u64)>,
    /// First position of the last group, which is usually the longest (pre-tokens seen once), so it is tried first.
    tail: u32,
}

impl FlatCorpus {
    /// An array of pre-tokens, which are sorted by falling count.
    pub(crate) fn new<T: Copy>(sorted: &[(&[T], u64)], symbol_of: impl Fn(T) -> u32) -> Result<Self, TooLarge> {
        let length = 1 + sorted.iter().map(|(pre_token, _)| pre_token.len() + 1).sum::<usize>();
        let occurrences =
            sorted.iter().try_fold(0_u64, |sum, &(pre_token, count)| sum.checked_add(count.checked_mul(pre_token.len() as u64)?));
        if length >= STALE as usize || occurrences.is_none() {
            return Err(TooLarge);
        }
        let mut symbols = Vec::with_capacity(length);
        symbols.push(SEPARATOR);
        let mut groups: Vec<(u32, u64)> = Vec::new();
        for &(pre_token, count) in sorted {
            if groups.last().is_none_or(|group| group.1 != count) {
                groups.push((symbols.len() as u32, count));
            }
            symbols.extend(pre_token.iter().map(|&item| symbol_of(item)));
            symbols.push(SEPARATOR);
        }
        let tail = groups.last().map_or(0, |group| group.0);
        Ok(Self { symbols, groups, tail })
    }

    /// Count of the pre-token at a position.
    #[inline]
    pub(crate) fn weight(&self, position: u32) -> u64 {
        let group = if position >= self.tail { self.groups.len() } else { self.groups.partition_point(|group| group.0 <= position) };
        self.groups[group - 1].1
    }
}
