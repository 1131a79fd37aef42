//! How often each document is wanted in a pack, by its source.

use globset::{Glob, GlobMatcher};

use crate::pack::options::Options;

/// Of the hash: another key would choose other documents.
const KEY: &[u8; 32] = b"seimai: epochs of a document, v1";

/// The entries of `pack.mixture`, and behind them the rest: sources that fit none.
#[derive(Debug)]
pub struct Mixture {
    entries: Vec<(GlobMatcher, Wanted)>,
    max_epochs: f64,
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    Epochs(f64),
    Weight(f64),
}

impl Mixture {
    /// The mixture of checked options; an entry that is none is left out.
    pub fn new(options: &Options) -> Self {
        let entries = options.mixture.iter().filter_map(|entry| {
            let wanted = entry.epochs.map(Wanted::Epochs).or(entry.weight.map(Wanted::Weight))?;
            Some((Glob::new(&entry.source).ok()?.compile_matcher(), wanted))
        });
        Self { entries: entries.collect(), max_epochs: options.max_epochs }
    }

    /// Number of entries, the rest not counted.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Is every document wanted once, whatever its source?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry that a source belongs to: the first that fits, else [`Self::len`].
    pub fn entry_of(&self, source: &str) -> usize {
        self.entries.iter().position(|(glob, _)| glob.is_match(source)).unwrap_or(self.entries.len())
    }

    /// How often the documents of each entry, and of the rest, are wanted; `tokens` has the tokens of each.
    ///
    /// Entries with a weight divide the tokens that they have together in proportion to their weights. What an entry cannot take
    /// within `max_epochs` goes to the others, in the same proportion.
    pub fn epochs(&self, tokens: &[u64]) -> Vec<f64> {
        let weight = |entry: usize| match self.entries.get(entry) {
            Some((_, Wanted::Weight(weight))) if tokens[entry] > 0 => Some(*weight),
            _ => None,
        };
        let mut open: Vec<usize> = (0..tokens.len()).filter(|&entry| weight(entry).is_some()).collect();
        let mut left: f64 = open.iter().map(|&entry| tokens[entry] as f64).sum();
        let mut epochs: Vec<f64> = (0..tokens.len())
            .map(|entry| match self.entries.get(entry) {
                Some((_, Wanted::Epochs(epochs))) => *epochs,
                _ => 1.0,
            })
            .collect();
        loop {
            let sum: f64 = open.iter().filter_map(|&entry| weight(entry)).sum();
            let share = |entry: usize| weight(entry).unwrap_or(0.0) / sum * left;
            let full = |entry: &usize| share(*entry) > self.max_epochs * tokens[*entry] as f64;
            let (capped, rest): (Vec<usize>, Vec<usize>) = open.iter().partition(|entry| full(entry));
            if capped.is_empty() {
                for &entry in &open {
                    epochs[entry] = share(entry) / tokens[entry] as f64;
                }
                return epochs;
            }
            for entry in capped {
                epochs[entry] = self.max_epochs;
                left -= self.max_epochs * tokens[entry] as f64;
            }
            open = rest;
        }
    }
}

/// How often a document is packed that is wanted `wanted` times: as often as the whole number says, and once more if the first 8
/// bytes of the keyed BLAKE3 of seed (8 bytes, little endian) and `doc_id`, little endian, are below the rest × 2⁶⁴.
pub fn times(wanted: f64, seed: u64, doc_id: &str) -> u32 {
    let (whole, rest) = (wanted.trunc(), wanted.fract());
    if rest == 0.0 {
        return whole as u32;
    }
    let mut hasher = blake3::Hasher::new_keyed(KEY);
    hasher.update(&seed.to_le_bytes());
    hasher.update(doc_id.as_bytes());
    let drawn = hasher.finalize().as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    // A multiplication by a power of two is exact.
    whole as u32 + u32::from(u128::from(drawn) < (rest * 2_f64.powi(64)) as u128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::options::SourceMix;

    fn mixture(entries: &[(&str, Option<f64>, Option<f64>)]) -> Mixture {
        let entry = |&(source, epochs, weight): &(&str, Option<f64>, Option<f64>)| SourceMix { source: source.into(), epochs, weight };
        let options = Options { mixture: entries.iter().map(entry).collect(), ..Options::default() };
        assert_eq!(options.check(), Ok(()));
        Mixture::new(&options)
    }

    #[test]
    fn the_first_entry_that_fits_decides_and_the_rest_is_packed_once() {
        let mixture = mixture(&[("law", Some(0.0), None), ("l*", Some(2.5), None)]);
        assert_eq!(["law", "literature", "web"].map(|source| mixture.entry_of(source)), [0, 1, 2]);
        assert_eq!(mixture.epochs(&[10, 10, 10]), [0.0, 2.5, 1.0]);
    }

    #[test]
    fn weights_share_the_tokens_that_they_have_together() {
        let mixture = mixture(&[("a", None, Some(3.0)), ("b", None, Some(1.0)), ("c", Some(2.0), None)]);
        // 100 + 300 tokens, 3 : 1.
        assert_eq!(mixture.epochs(&[100, 300, 50, 9]), [3.0, 1.0 / 3.0, 2.0, 1.0]);
        // `a` can give 4 × 10 of the 307 it should; `b` gets the rest.
        assert_eq!(mixture.epochs(&[10, 400, 0, 0]), [4.0, 370.0 / 400.0, 2.0, 1.0]);
        // A source that is not there leaves its share to the others.
        assert_eq!(mixture.epochs(&[0, 300, 0, 0]), [1.0, 1.0, 2.0, 1.0]);
    }

    #[test]
    fn a_part_of_an_epoch_is_chosen_by_id() {
        let ids: Vec<String> = (0..20_000).map(|n| format!("文書{n}")).collect();
        let count = |wanted: f64, seed: u64| ids.iter().map(|id| u64::from(times(wanted, seed, id))).sum::<u64>();
        assert_eq!((count(0.0, 0), count(1.0, 0), count(3.0, 0)), (0, 20_000, 60_000));
        for wanted in [0.1, 0.5, 2.25] {
            let (found, expected) = (count(wanted, 0) as f64, wanted * 20_000.0);
            assert!((found - expected).abs() < 5.0 * 71.0, "{wanted}: {found}");
        }
        // More takes what less takes, and another seed takes others.
        assert!(ids.iter().all(|id| times(0.3, 0, id) <= times(0.4, 0, id) && times(1.3, 0, id) == times(0.3, 0, id) + 1));
        assert!(ids.iter().any(|id| times(0.5, 0, id) != times(0.5, 1, id)));
    }

    /// A new release chooses the same documents.
    #[test]
    fn the_choice_is_fixed() {
        let chosen: Vec<u32> = (0..40).filter(|n| times(0.25, 0, &n.to_string()) == 1).collect();
        assert_eq!(chosen, [6, 9, 14, 18, 19, 30, 36, 38, 39]);
    }
}
