//! The trainer against a reference that counts every pair anew for each merge.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::bpe::class::is_inside_character;

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
    let pre_token = prop_oneof!["[ab]{1,10}", "[abcd]{1,8}", "a{1,12}", "[あいaé]{1,5}", "(ab|ba|aab){1,4}"];
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
    fn merges_equal_the_reference(histogram in histogram(), limits in limits(), floor in 1_u64..20) {
        let pre_tokens: Vec<(&[u8], u64)> = histogram.iter().map(|(pre_token, count)| (pre_token.as_bytes(), *count)).collect();
        let expected = reference(&pre_tokens, &limits);
        let learned = train(&pre_tokens, &limits).unwrap();
        prop_assert_eq!(&learned.merges, &expected);
        // A high floor only costs scans.
        let from_above = train_from(&pre_tokens, &limits, floor).unwrap();
        prop_assert_eq!(&from_above.merges, &expected);
        prop_assert!(from_above.merges.iter().all(|merge| merge.count >= from_above.floor));
    }
}

const ALL: Limits = Limits { merges: 100, min_frequency: 1, max_token_length: None, whole_characters: false, reserved: Vec::new() };

proptest! {
    /// Stopping and going on, from the symbols that the first merges make, gives the same list.
    #[test]
    fn resuming_equals_one_run(histogram in histogram(), limits in limits(), share in 0.0..1.0_f64) {
        let pre_tokens: Vec<(&[u8], u64)> = histogram.iter().map(|(pre_token, count)| (pre_token.as_bytes(), *count)).collect();
        let whole = train(&pre_tokens, &limits).unwrap();
        let first = train(&pre_tokens, &Limits { merges: (limits.merges as f64 * share) as usize, ..limits.clone() }).unwrap();
        let symbols: Vec<(Vec<u32>, u64)> = pre_tokens.iter().map(|(pre_token, count)| (apply(pre_token, &first.merges), *count)).collect();
        let symbols: Vec<(&[u32], u64)> = symbols.iter().map(|(pre_token, count)| (pre_token.as_slice(), *count)).collect();
        prop_assert_eq!(resume(&symbols, first, &limits).unwrap().merges, whole.merges);
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
    let learned = train_from(&[(b"ab", 30), (b"cd", 2)], &ALL, 16).unwrap();
    assert_eq!((learned.merges.len(), learned.rescans, learned.floor), (2, 2, 1));
}

#[test]
fn equal_letters_merge_from_the_left() {
    let learned = train(&[(b"aaaaa", 1)], &ALL).unwrap();
    let a = BYTE_ORDER.iter().position(|&byte| byte == b'a').unwrap() as u32;
    let pairs: Vec<_> = learned.merges.iter().map(|merge| (merge.left, merge.right, merge.count)).collect();
    assert_eq!(pairs, [(a, a, 4), (256, a, 1), (256, 257, 1)]);
}

#[test]
fn counts_beyond_64_bits_are_refused() {
    assert_eq!(train(&[(b"ab", u64::MAX)], &ALL), Err(TooLarge));
    assert_eq!(train(&[], &ALL).unwrap().merges, []);
}
