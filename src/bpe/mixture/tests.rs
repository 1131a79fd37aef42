//! Replays beside slow recounts, the programme beside a grid and a matching.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::programme::Programme;
use super::scan::{Columns, Slacks, Violation, scan};
use super::*;
use crate::bpe::merge::{Learned, Limits, Merge};
use crate::bpe::pattern::Pattern;
use crate::bpe::trainer::train;
use crate::bpe::vocabulary::{Alphabet, Tokenizer};

type Column = Vec<(String, u64)>;

fn limits(merges: usize, whole_characters: bool) -> Limits {
    Limits { merges, min_frequency: 1, max_token_length: None, whole_characters, reserved: Vec::new() }
}

fn learned(columns: &[Column], merges: usize, whole_characters: bool) -> Vec<Merge> {
    let mut all: BTreeMap<&[u8], u64> = BTreeMap::new();
    for (pre_token, count) in columns.iter().flatten() {
        *all.entry(pre_token.as_bytes()).or_default() += count;
    }
    let all: Vec<(&[u8], u64)> = all.into_iter().collect();
    let Learned { merges, .. } = train(&all, &limits(merges, whole_characters)).unwrap();
    merges
}

fn tokenizer(merges: &[Merge]) -> Tokenizer {
    Tokenizer::from_merges(Pattern::NONE, &["<s>".to_owned()], merges).unwrap()
}

fn samples<'t>(tokenizer: &'t Tokenizer, columns: &[Column]) -> Samples<'t> {
    let mut samples = Samples::new(tokenizer);
    for column in columns {
        samples.push(column.iter().map(|(pre_token, count)| (pre_token.as_bytes(), *count))).unwrap();
    }
    samples
}

/// Counts of pairs by column, before each merge, counted anew each time.
fn slowly(tokenizer: &Tokenizer, columns: &[Column], merges: usize) -> Vec<BTreeMap<(u32, u32, usize), i64>> {
    let id = |byte: u8| (0..tokenizer.len() as u32).find(|&id| tokenizer.token(id) == Some(&[byte])).unwrap();
    let mut words: Vec<(usize, u64, Vec<u32>)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        words.extend(column.iter().map(|(pre_token, count)| (at, *count, pre_token.bytes().map(id).collect::<Vec<_>>())));
    }
    let mut all = Vec::new();
    for rule in &tokenizer.rules()[..merges] {
        let mut counts = BTreeMap::new();
        for (column, count, symbols) in &words {
            for pair in symbols.windows(2) {
                *counts.entry((pair[0], pair[1], *column)).or_default() += *count as i64;
            }
        }
        counts.retain(|_, count| *count != 0);
        all.push(counts);
        for (.., symbols) in &mut words {
            let mut at = 0;
            while at + 1 < symbols.len() {
                if (symbols[at], symbols[at + 1]) == (rule.left, rule.right) {
                    symbols.splice(at..at + 2, [rule.result]);
                }
                at += 1;
            }
        }
    }
    all
}

fn column() -> impl Strategy<Value = Column> {
    proptest::collection::vec(("[abcあい]{0,12}", 1_u64..9), 0..8)
}

proptest! {
    /// The counts of a replay are those of counting anew, at every step, for merges learned from these samples or from others.
    #[test]
    fn counts_of_a_replay_are_those_of_counting_anew(
        of_training in proptest::collection::vec(column(), 1..3),
        columns in proptest::collection::vec(column(), 1..4),
        own in any::<bool>(),
        whole in any::<bool>(),
    ) {
        let tokenizer = tokenizer(&learned(if own { &columns } else { &of_training }, 30, whole));
        let merges = tokenizer.rules().len();
        let history = samples(&tokenizer, &columns).replay(merges, 0).history;
        let slow = slowly(&tokenizer, &columns, merges);
        let mut counts: BTreeMap<(u32, u32, usize), i64> = BTreeMap::new();
        for (step, expected) in slow.iter().enumerate() {
            for change in history.before(step) {
                let pair = history.pairs[change.pair as usize];
                *counts.entry((pair.left, pair.right, usize::from(change.column))).or_default() += change.by;
            }
            counts.retain(|_, count| *count != 0);
            prop_assert_eq!(&counts, expected, "before merge {}", step);
        }
        // A floor leaves out pairs, and changes nothing of those that are followed.
        let rough = samples(&tokenizer, &columns).replay(merges, 5).history;
        let mut counts: BTreeMap<(u32, u32, usize), i64> = BTreeMap::new();
        for (step, expected) in slow.iter().enumerate() {
            for change in rough.before(step) {
                let pair = rough.pairs[change.pair as usize];
                *counts.entry((pair.left, pair.right, usize::from(change.column))).or_default() += change.by;
            }
            for (pair, count) in counts.iter().filter(|(_, count)| **count != 0) {
                prop_assert_eq!(Some(count), expected.get(pair));
            }
            let mut all: BTreeMap<(u32, u32), i64> = BTreeMap::new();
            for ((left, right, _), count) in expected {
                *all.entry((*left, *right)).or_default() += count;
            }
            for ((left, right), count) in all.into_iter().filter(|(_, count)| *count >= 5) {
                let followed: i64 = (0..columns.len()).filter_map(|column| counts.get(&(left, right, column))).sum();
                prop_assert_eq!(followed, count, "a frequent pair is followed");
            }
        }
    }

    /// Samples that are the training text itself contradict no merge: there is no slack, and the true shares are among those without.
    #[test]
    fn the_training_text_itself_needs_no_slack(mut columns in proptest::collection::vec(column(), 2..4), whole in any::<bool>()) {
        for column in &mut columns {
            column.push(("abab".to_owned(), 1));
        }
        let tokenizer = tokenizer(&learned(&columns, 40, whole));
        // Each column and an empty second half.
        let halves: Vec<Column> = columns.iter().flat_map(|column| [column.clone(), Column::new()]).collect();
        let replayed = samples(&tokenizer, &halves).replay(usize::MAX, 0);
        let inferred = replayed.infer(columns.len(), Half::Whole).unwrap();
        prop_assert!(inferred.shortfall < 1e-5, "{:?}", inferred);
        prop_assert_eq!(inferred.unseen, 0);
        let bytes: Vec<f64> = columns.iter().map(|column| column.iter().map(|(text, count)| text.len() as f64 * *count as f64).sum()).collect();
        let all: f64 = bytes.iter().sum();
        let shares: Vec<f64> = bytes.iter().map(|bytes| bytes / all).collect();
        let of = Columns::new(&replayed.history, (0..halves.len()).map(|column| Some(column / 2)).collect(), columns.len());
        let found = scan(&replayed.history, &of, &shares, Slacks { steps: &[], pairs: &[] }, (9, 1e-9), &|_| true);
        prop_assert!(found.violations.is_empty());
    }

    /// The slack of the programme is the least one: for fixed shares the least slack is that of the heaviest matching of merges and pairs.
    #[test]
    fn no_shares_of_a_grid_need_less_slack(gaps in proptest::collection::vec(proptest::collection::vec(-9_i32..9, 3), 1..9), n in 2_usize..4) {
        let mut programme = Programme::default();
        for (at, gap) in gaps.iter().enumerate() {
            programme.rows.push(Violation { step: at as u32 % 3, pair: at as u32 / 3 });
            programme.gaps.extend(gap[..n].iter().map(|gap| f64::from(*gap)));
        }
        let solved = programme.solve(n, &[1.0; 3], &[1.0; 3]).unwrap();
        prop_assert!((solved.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let least = |shares: &[f64]| {
            let over: Vec<f64> = programme.gaps.chunks(n).map(|gaps| gaps.iter().zip(shares).map(|(gap, share)| -gap * share).sum()).collect();
            matching(&programme.rows, &over, 0, 0)
        };
        let slack: f64 = solved.steps.iter().chain(&solved.pairs).sum();
        prop_assert!((least(&solved.shares) - slack).abs() < 1e-5, "{} {}", least(&solved.shares), slack);
        for first in 0..=10 {
            for second in 0..=10 - first {
                let third = if n == 3 { 10 - first - second } else { 0 };
                if first + second + third == 10 {
                    let shares: Vec<f64> = [first, second, third][..n].iter().map(|share| f64::from(*share) / 10.0).collect();
                    prop_assert!(slack <= least(&shares) + 1e-5);
                }
            }
        }
    }
}

/// The heaviest matching of steps, from `step` on, and pairs that are not `taken`.
fn matching(rows: &[Violation], over: &[f64], step: u32, taken: u32) -> f64 {
    if step == 3 {
        return 0.0;
    }
    let own = rows.iter().zip(over).filter(|(row, over)| row.step == step && taken & (1 << row.pair) == 0 && **over > 0.0);
    let with = own.map(|(row, weight)| weight + matching(rows, over, step + 1, taken | 1 << row.pair));
    with.fold(matching(rows, over, step + 1, taken), f64::max)
}

/// Tokens that start from characters, as vocabularies without a pre-tokeniser do.
#[test]
fn characters_are_symbols_where_the_vocabulary_says_so() {
    let tokens: Vec<(u32, Vec<u8>)> =
        ["米", "を", "炊", "米を"].iter().enumerate().map(|(id, text)| (id as u32, text.as_bytes().to_vec())).collect();
    let tokenizer = Tokenizer::new(Pattern::NONE, Alphabet::Characters, &tokens, &[(0, 1)], Vec::new()).unwrap();
    let columns = vec![vec![("米を炊く米を".to_owned(), 2)]];
    let history = samples(&tokenizer, &columns).replay(1, 0).history;
    let merged: i64 = history.before(0).iter().filter(|change| change.pair == history.merged[0]).map(|change| change.by).sum();
    assert_eq!(merged, 4, "く has no token, and stands between");
    let pairs = history.before(0).len();
    assert_eq!(pairs, 2, "米を and を炊");
}
