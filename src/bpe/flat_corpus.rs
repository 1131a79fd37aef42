//! All unique pre-tokens in one array of symbols, and how often each of them occurs.

use crate::bpe::merge::TooLarge;

/// Where a piece ends in the flat array.
pub(crate) const SEPARATOR: u32 = u32::MAX;

/// The former start of a token that was merged into the one before it.
pub(crate) const STALE: u32 = u32::MAX - 1;
/// The flat array of symbols and the weights of its positions.
pub(crate) struct FlatCorpus {
    pub(crate) symbols: Vec<u32>,
    /// First position and count of each group of pieces of equal count, by falling count.
    groups: Vec<(u32, u64)>,
    /// First position of the last group.
    tail: u32,
}

impl FlatCorpus {
    pub(crate) fn new<T: Copy>(sorted: &[(&[T], u64)], symbol_of: impl Fn(T) -> u32) -> Result<Self, TooLarge> {
        let length = 1 + sorted.iter().map(|(piece, _)| piece.len() + 1).sum::<usize>();
        let occurrences = sorted.iter().try_fold(0_u64, |sum, &(piece, count)| sum.checked_add(count.checked_mul(piece.len() as u64)?));
        if length >= STALE as usize || occurrences.is_none() {
            return Err(TooLarge);
        }
        let mut symbols = Vec::with_capacity(length);
        symbols.push(SEPARATOR);
        let mut groups: Vec<(u32, u64)> = Vec::new();
        for &(piece, count) in sorted {
            if groups.last().is_none_or(|group| group.1 != count) {
                groups.push((symbols.len() as u32, count));
            }
            symbols.extend(piece.iter().map(|&item| symbol_of(item)));
            symbols.push(SEPARATOR);
        }
        let tail = groups.last().map_or(0, |group| group.0);
        Ok(Self { symbols, groups, tail })
    }

    /// Count of the piece at a position.
    #[inline]
    pub(crate) fn weight(&self, position: u32) -> u64 {
        let group = if position >= self.tail { self.groups.len() } else { self.groups.partition_point(|group| group.0 <= position) };
        self.groups[group - 1].1
    }
}
