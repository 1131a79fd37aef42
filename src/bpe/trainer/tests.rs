//! The trainer against a reference that counts every pair anew for each merge.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::bpe::class::is_inside_character;
use crate::bpe::crew::{Alone, Aside, Stage};
use crate::error::Result;

/// Several hands that take turns, and little memory.
struct Several(usize);

impl Crew for Several {
    fn threads(&self) -> usize {
        3
    }

    fn side_by_side(&self, n: usize, work: &(dyn Fn(usize) + Sync)) {
        (0..n).rev().for_each(work);
    }

    fn memory(&self) -> usize {
        self.0
    }

    fn symbols(&self) -> usize {
        self.0
    }

    fn aside(&self) -> Result<Option<Box<dyn Aside>>> {
        Ok(Some(Box::new(Ended { appended: Vec::new(), is_ended: false })))
    }

    fn begin(&self, _: Stage) -> Learned {
        Learned::default()
    }

    fn learned(&self, _: &Learned, _: &[u8]) -> bool {
        true
    }

    fn end(&self, _: &Learned) {}
}

/// An array aside that is seen when it is ended.
#[derive(Debug)]
struct Ended {
    appended: Vec<u32>,
    is_ended: bool,
}

impl AsRef<[u32]> for Ended {
    fn as_ref(&self) -> &[u32] {
        if self.is_ended { &self.appended } else { &[] }
    }
}

impl AsMut<[u32]> for Ended {
    fn as_mut(&mut self) -> &mut [u32] {
        if self.is_ended { &mut self.appended } else { &mut [] }
    }
}

impl Aside for Ended {
    fn append(&mut self, symbols: &[u32]) -> Result<()> {
        self.appended.extend(symbols);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.is_ended = true;
        Ok(())
    }
}

fn learned(pre_tokens: &[(&[u8], u64)], limits: &Limits, crew: &dyn Crew, floor: u64) -> Learned {
    let mut corpus = FlatCorpus::default();
    for &(pre_token, count) in pre_tokens {
        if limits.whole_characters { corpus.push_characters(pre_token, count) } else { corpus.push_bytes(pre_token, count) }.unwrap();
        corpus.keep(crew, false).unwrap();
    }
    corpus.keep(crew, true).unwrap();
    learn_from(corpus, Learned::default(), limits, crew, floor).unwrap()
}

/// Counts every pair of every pre-token anew for each merge.
fn reference(pre_tokens: &[(&[u8], u64)], limits: &Limits) -> Vec<Merge> {
    let symbol = |byte: &u8| BYTE_ORDER.iter().position(|other| other == byte).unwrap() as u32;
    let mut words: Vec<(Vec<u32>, u64)> =
        pre_tokens.iter().map(|(pre_token, count)| (pre_token.iter().map(symbol).collect(), *count)).collect();
    let mut strings: Vec<Vec<u8>> = BYTE_ORDER.iter().map(|&byte| vec![byte]).collect();
    let mut merges = Vec::new();
    while merges.len() < limits.merges {
        let mut counts: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (word, count) in &words {
            for pair in word.windows(2) {
                *counts.entry((pair[0], pair[1])).or_default() += count;
            }
        }
        let string = |pair: (u32, u32)| [strings[pair.0 as usize].as_slice(), &strings[pair.1 as usize]].concat();
        counts.retain(|&pair, count| {
            let joined = string(pair);
            *count >= limits.min_frequency.max(1)
                && (joined.len() == 2 || limits.max_token_length.is_none_or(|max| (joined.len() as u32) < max))
                && (!limits.whole_characters || std::str::from_utf8(&joined).is_ok() || is_inside_character(&joined))
                && !strings.contains(&joined)
                && !limits.reserved.contains(&joined)
        });
        let Some((&pair, &count)) = counts.iter().max_by_key(|&(pair, count)| (count, Reverse(pair))) else { break };
        let new = strings.len() as u32;
        strings.push(string(pair));
        merges.push(Merge { left: pair.0, right: pair.1, count });
        for (word, _) in &mut words {
            let mut i = 0;
            while i + 1 < word.len() {
                if (word[i], word[i + 1]) == pair {
                    word[i] = new;
                    word.remove(i + 1);
                }
                i += 1;
            }
        }
    }
    merges
}

fn histogram() -> impl Strategy<Value = Vec<(String, u64)>> {
    let pre_token =
        prop_oneof!["[ab]{1,10}", "[abcd]{1,8}", "a{1,12}", "[あいaé]{1,5}", "[あいうアー亜😀a]{1,9}", "あ{1,9}", "(ab|ba|aab){1,4}"];
    proptest::collection::btree_map(pre_token, 1_u64..4, 1..8).prop_map(|map| map.into_iter().collect())
}

fn limits() -> impl Strategy<Value = Limits> {
    let length = prop_oneof![3 => Just(None), 1 => (2_u32..8).prop_map(Some)];
    (1_usize..40, 0_u64..3, length, any::<bool>(), any::<bool>()).prop_map(
        |(merges, min_frequency, max_token_length, whole_characters, reserve)| Limits {
            merges,
            min_frequency,
            max_token_length,
            whole_characters,
            reserved: if reserve { vec![b"ab".to_vec()] } else { Vec::new() },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn merges_equal_the_reference(histogram in histogram(), limits in limits(), floor in 1_u64..20, memory in 0_usize..200) {
        let pre_tokens: Vec<(&[u8], u64)> = histogram.iter().map(|(pre_token, count)| (pre_token.as_bytes(), *count)).collect();
        let expected = reference(&pre_tokens, &limits);
        let found = learned(&pre_tokens, &limits, &Alone, 1);
        prop_assert_eq!(&found.merges, &expected);
        prop_assert_eq!(&train(&pre_tokens, &limits).unwrap().merges, &expected);
        // A high floor only costs scans, and so does little memory; parts change nothing.
        let from_above = learned(&pre_tokens, &limits, &Alone, floor);
        prop_assert_eq!(&from_above.merges, &expected);
        prop_assert!(from_above.merges.iter().all(|merge| merge.count >= from_above.floor));
        prop_assert_eq!(&learned(&pre_tokens, &limits, &Several(memory), floor).merges, &expected);
        // Cells of bytes and of characters give the same under the rule of whole characters.
        let bytes = FlatCorpus::of(pre_tokens.iter().copied(), false).unwrap();
        prop_assert_eq!(&learn(bytes, Learned::default(), &limits, &Alone).unwrap(), &found);
    }
}

const ALL: Limits = Limits { merges: 100, min_frequency: 1, max_token_length: None, whole_characters: false, reserved: Vec::new() };

proptest! {
    /// Stopping and going on, from the symbols that the first merges make, gives the same list.
    #[test]
    fn resuming_equals_one_run(histogram in histogram(), limits in limits(), share in 0.0..1.0_f64) {
        let pre_tokens: Vec<(&[u8], u64)> = histogram.iter().map(|(pre_token, count)| (pre_token.as_bytes(), *count)).collect();
        let whole = learned(&pre_tokens, &limits, &Alone, 1);
        let fewer = Limits { merges: (limits.merges as f64 * share) as usize, ..limits.clone() };
        let first = learned(&pre_tokens, &fewer, &Alone, 1);
        prop_assert_eq!(&first, &whole.first(fewer.merges));
        let mut encoded = FlatCorpus::default();
        for (pre_token, count) in &pre_tokens {
            encoded.push_tokens(&apply(pre_token, &first.merges), *count).unwrap();
        }
        prop_assert_eq!(learn(encoded, first, &limits, &Alone).unwrap().merges, whole.merges);
    }
}

fn apply(pre_token: &[u8], merges: &[Merge]) -> Vec<u32> {
    let mut word: Vec<u32> = pre_token.iter().map(|byte| BYTE_ORDER.iter().position(|other| other == byte).unwrap() as u32).collect();
    for (i, merge) in merges.iter().enumerate() {
        let mut at = 0;
        while at + 1 < word.len() {
            if (word[at], word[at + 1]) == (merge.left, merge.right) {
                word[at] = 256 + i as u32;
                word.remove(at + 1);
            }
            at += 1;
        }
    }
    word
}

#[test]
fn a_low_pair_forces_a_rescan() {
    let found = learned(&[(b"ab", 30), (b"cd", 2)], &ALL, &Alone, 16);
    assert_eq!((found.merges.len(), found.rescans, found.floor), (2, 2, 1));
}

/// Lists of 4 positions fit, those of all pairs do not: the floor rises, and falls again with each scan.
#[test]
fn little_memory_forces_rescans() {
    let pre_tokens: Vec<(&[u8], u64)> = vec![(b"ab", 90), (b"cde", 40), (b"fgh", 9), (b"ijklm", 2), (b"nopqr", 1)];
    let [little, much] = [Several(24), Several(1 << 20)].map(|crew| learned(&pre_tokens, &ALL, &crew, 1));
    assert_eq!((little.merges, little.floor), (much.merges, 1));
    assert!(little.rescans > 2 && much.rescans == 0, "{}", little.rescans);
}

/// As many positions as are worked on side by side, in pre-tokens that lie across the middle of the array.
#[test]
fn long_lists_are_divided() {
    let long = ["ab".repeat(90_000), "あい".repeat(50_000), "a".repeat(99_999)];
    let pre_tokens: Vec<(&[u8], u64)> = long.iter().map(|text| (text.as_bytes(), 3)).chain([(&b"abab"[..], 2), (b"xa", 1)]).collect();
    for whole_characters in [false, true] {
        let limits = Limits { merges: 40, whole_characters, ..ALL };
        let whole = learned(&pre_tokens, &limits, &Alone, 1);
        assert_eq!(learned(&pre_tokens, &limits, &Several(usize::MAX), 1), whole);
        // With so little memory no list may hold them, and the array is gone through instead, in parts.
        assert_eq!(learned(&pre_tokens, &limits, &Several(1 << 16), 1).merges, whole.merges);
    }
}

#[test]
fn equal_letters_merge_from_the_left() {
    let found = learned(&[(b"aaaaa", 1)], &ALL, &Alone, 1);
    let a = BYTE_ORDER.iter().position(|&byte| byte == b'a').unwrap() as u32;
    let pairs: Vec<_> = found.merges.iter().map(|merge| (merge.left, merge.right, merge.count)).collect();
    assert_eq!(pairs, [(a, a, 4), (256, a, 1), (256, 257, 1)]);
}

#[test]
fn what_cannot_be_trained_on_is_said() {
    let mut corpus = FlatCorpus::default();
    assert!(matches!(corpus.push_bytes(b"ab", u64::MAX), Err(Untrainable::TooLarge)));
    assert!(matches!(corpus.push_characters(b"a\xff", 1), Err(Untrainable::NotText)));
    assert_eq!(train(&[], &ALL).unwrap().merges, []);
}
