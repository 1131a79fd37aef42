//! The room as a whole: against the definition by brute force, on corpora that are hard for the algorithm, and its laws.

mod pieces;
mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, StringArray};
use proptest::prelude::*;

use super::table::table;
use super::*;
use crate::io::Staging;
use crate::stage::{Counts, ParallelFor, sequential};

/// More than any test needs.
const MEMORY: u64 = 1 << 30;

/// A seeded generator (splitmix64).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// A character: mostly kana, some kanji.
    fn character(&mut self) -> char {
        let code = if self.below(3) > 0 { 0x3042 + self.below(80) } else { 0x4e00 + self.below(2000) };
        char::from_u32(code as u32).unwrap()
    }

    fn text(&mut self, n: usize) -> String {
        (0..n).map(|i| if i % 23 == 22 { '。' } else { self.character() }).collect()
    }

    /// `text` with scattered replacements, about one in `every`.
    fn scatter(&mut self, text: &str, every: usize) -> String {
        text.chars().map(|c| if self.below(every) == 0 { self.character() } else { c }).collect()
    }

    /// `text` with a block of `n` characters of its own in the middle.
    fn block(&mut self, text: &str, n: usize) -> String {
        let chars: Vec<char> = text.chars().collect();
        let at = self.below(chars.len());
        let end = chars.len().min(at + n);
        [chars[..at].iter().collect(), self.text(n), chars[end..].iter().collect::<String>()].concat()
    }
}

/// The same text in full width, other punctuation, other line ends.
fn dressed(text: &str) -> String {
    text.replace('。', "．\r\n").replace('あ', "あ\u{200b}")
}

/// Originals and copies of all kinds, mixed; cut into shards of 97 rows.
fn corpus_of(originals: usize, seed: u64) -> Vec<Vec<String>> {
    let mut random = Random::new(seed);
    let mut documents: Vec<String> = Vec::new();
    for _ in 0..originals {
        let length = 60 + random.below(400);
        let text = random.text(length);
        for _ in 0..random.below(4) {
            let every = [200, 100, 60, 40, 25][random.below(5)];
            let part = text.chars().count() / [4, 8, 16][random.below(3)];
            let copy = match random.below(5) {
                0 => text.clone(),
                1 => dressed(&text),
                2 => random.block(&text, part),
                _ => random.scatter(&text, every),
            };
            let at = random.below(documents.len() + 1);
            documents.insert(at, copy);
        }
        documents.push(text);
    }
    documents.extend(["", "", "、。", "「」", "はい", "はい。", "いいえ"].map(str::to_owned));
    documents.chunks(97).map(<[String]>::to_vec).collect()
}

fn sketch(options: &Options, texts: &[String]) -> Batch {
    let sketcher = Sketcher::new(options);
    let mut absorber = sketcher.absorber();
    for chunk in texts.chunks(10) {
        let array: ArrayRef = Arc::new(StringArray::from_iter_values(chunk));
        absorber.push(&table([(&TEXT, array)]).unwrap()).unwrap();
    }
    absorber.finish().unwrap()
}

/// Runs everything over shards of texts.
fn run(options: &Options, shards: &[Vec<String>], memory: u64, eligible: &dyn Fn(u64, u32) -> bool) -> Told {
    run_with(options, shards, memory, eligible, &sequential)
}

fn run_with(
    options: &Options,
    shards: &[Vec<String>],
    memory: u64,
    eligible: &dyn Fn(u64, u32) -> bool,
    parallel: &ParallelFor<'_>,
) -> Told {
    run_as(options, shards, memory, Given { eligible, parallel, ..Given::default() })
}

/// What a corpus may have besides its texts.
#[derive(Clone, Copy)]
struct Given<'a> {
    eligible: &'a dyn Fn(u64, u32) -> bool,
    ranks: Option<&'a Ranks<'a>>,
    known: Option<Known<'a>>,
    texts: Option<&'a Texts<'a>>,
    parallel: &'a ParallelFor<'a>,
}

impl Default for Given<'_> {
    fn default() -> Self {
        Self { eligible: &all, ranks: None, known: None, texts: None, parallel: &sequential }
    }
}

fn run_as(options: &Options, shards: &[Vec<String>], memory: u64, given: Given<'_>) -> Told {
    let partials: Vec<Batch> = shards.iter().map(|texts| sketch(options, texts)).collect();
    let dir = tempfile::tempdir().unwrap();
    let of_shards = |ordinals: &[u64], visit: &mut dyn FnMut(u64, &str) -> Result<()>| {
        assert!(ordinals.is_sorted_by(|a, b| a < b));
        ordinals.iter().try_for_each(|&o| visit(o, &shards[shard_of(o) as usize][row_of(o) as usize]))
    };
    let mut corpus = Corpus {
        shards: shards.len() as u64,
        documents: shards.iter().map(|texts| texts.len() as u64).sum(),
        partial: &mut |shard| Ok(partials[shard as usize].clone()),
        eligible: given.eligible,
        ranks: given.ranks,
        known: given.known,
        texts: given.texts.unwrap_or(&of_shards),
        admit: &|_, work| work(),
        memory,
        disk: memory,
        staging: &Staging::new(dir.path()).unwrap(),
        parallel: given.parallel,
    };
    let verdicts = resolve(options, &mut corpus).unwrap();
    let told = Told::of(&verdicts);
    // A work shard is found wherever the list lies.
    for shard in 0..=shards.len() as u64 {
        assert_eq!(verdicts.of_shard(shard).unwrap(), told.of_shard(shard));
        let members: Vec<_> = verdicts.members_of_shard(shard).unwrap().iter().map(|member| (member.ordinal, member.first)).collect();
        assert!(told.families.iter().filter(|(ordinal, _)| shard_of(*ordinal) == shard).eq(&members));
    }
    told
}

/// What was found, in memory.
#[derive(Debug, PartialEq)]
struct Told {
    affected: Vec<Affected>,
    families: Vec<(u64, u64)>,
}

impl Told {
    fn of(verdicts: &Verdicts) -> Self {
        let mut affected = Vec::new();
        verdicts
            .each(&mut |one| {
                affected.push(one);
                Ok(())
            })
            .unwrap();
        let mut families = Vec::new();
        verdicts
            .each_member(&mut |member| {
                families.push((member.ordinal, member.first));
                Ok(())
            })
            .unwrap();
        Self { affected, families }
    }

    fn affected(&self) -> &[Affected] {
        &self.affected
    }

    fn families(&self) -> &[(u64, u64)] {
        &self.families
    }

    fn of_shard(&self, shard: u64) -> &[Affected] {
        let start = self.affected.partition_point(|affected| shard_of(affected.ordinal) < shard);
        let rest = &self.affected[start..];
        &rest[..rest.partition_point(|affected| shard_of(affected.ordinal) == shard)]
    }

    fn get(&self, ordinal: u64) -> Option<Verdict> {
        self.affected.binary_search_by_key(&ordinal, |affected| affected.ordinal).ok().map(|index| self.affected[index].verdict)
    }

    /// Totals: `exact`, `near` and `orthography` (removed), and `anchor` (kept, with duplicates).
    fn counts(&self) -> Counts {
        let mut counts: Counts = ["exact", "near", "orthography", "anchor"].map(|name| (name.to_owned(), 0)).into();
        for affected in &self.affected {
            let name = match affected.verdict {
                Verdict::Removed { kind, .. } => kind.rule(),
                Verdict::Anchor { .. } => "anchor",
            };
            *counts.entry(name.to_owned()).or_default() += 1;
        }
        counts
    }
}

fn all(_: u64, _: u32) -> bool {
    true
}

fn ordinals(shards: &[Vec<String>]) -> impl Iterator<Item = (u64, &String)> {
    shards.iter().zip(0..).flat_map(|(texts, shard)| texts.iter().zip(0..).map(move |(text, row)| (ordinal(shard, row), text)))
}

/// Shingles as strings, made without the kernels of this room except the view.
fn definition(text: &str) -> BTreeSet<String> {
    let mut codes = Vec::new();
    view::fold(text, &mut codes);
    let chars: Vec<char> = codes.into_iter().map(|code| char::from_u32(code).unwrap()).collect();
    match chars.len() {
        0 => BTreeSet::new(),
        1..5 => BTreeSet::from([chars.into_iter().collect()]),
        _ => chars.windows(5).map(|window| window.iter().collect()).collect(),
    }
}

/// For every document the earlier ones that share a shingle, with their similarity.
fn brute_force(shards: &[Vec<String>]) -> BTreeMap<u64, Vec<(u64, f64)>> {
    let mut holders: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let (mut sizes, mut similar) = (BTreeMap::new(), BTreeMap::new());
    for (ordinal, text) in ordinals(shards) {
        let set = definition(text);
        let mut common: BTreeMap<u64, usize> = BTreeMap::new();
        for shingle in &set {
            let earlier = holders.entry(shingle.clone()).or_default();
            for &other in earlier.iter() {
                *common.entry(other).or_default() += 1;
            }
            earlier.push(ordinal);
        }
        let jaccard = |(other, n): (u64, usize)| (other, n as f64 / (sizes[&other] + set.len() - n) as f64);
        similar.insert(ordinal, common.into_iter().map(jaccard).collect());
        sizes.insert(ordinal, set.len());
    }
    similar
}

/// Checks everything that does not depend on chance; gives the numbers of documents removed as near, and of documents kept although
/// they are similar to a kept one.
fn check(threshold: f64, shards: &[Vec<String>], verdicts: &Told) -> (usize, usize) {
    let similar = brute_force(shards);
    let texts: BTreeMap<u64, &String> = ordinals(shards).collect();
    let kept = |ordinal: u64| !matches!(verdicts.get(ordinal), Some(Verdict::Removed { .. }));
    let (mut near, mut missed, mut sizes) = (0, 0, BTreeMap::<u64, u32>::new());
    for (&ordinal, text) in &texts {
        let twins = &similar[&ordinal];
        if let Some(Verdict::Removed { kind, duplicate_of, jaccard }) = verdicts.get(ordinal) {
            assert!(duplicate_of < ordinal && kept(duplicate_of));
            *sizes.entry(duplicate_of).or_insert(1) += 1;
            let exact = twins.iter().find(|twin| twin.0 == duplicate_of).unwrap().1;
            assert_eq!(jaccard.to_bits(), (exact as f32).to_bits());
            assert!(exact >= threshold);
            assert_eq!(kind == Kind::Exact, *text == texts[&duplicate_of]);
            near += usize::from(kind != Kind::Exact);
            assert_eq!(kind == Kind::NearCopy, kind != Kind::Exact && texts.range(..ordinal).any(|(_, t)| t == text));
        } else {
            missed += usize::from(twins.iter().any(|&(twin, jaccard)| jaccard >= threshold && kept(twin)));
            let copy = texts.range(..ordinal).any(|(&o, t)| kept(o) && t == text && !text.is_empty());
            assert!(!copy, "a copy was kept");
        }
    }
    for (ordinal, _) in texts {
        let size = match verdicts.get(ordinal) {
            Some(Verdict::Anchor { size }) => Some(size),
            _ => None,
        };
        assert_eq!(size, sizes.get(&ordinal).copied());
    }
    (near, missed)
}

#[test]
fn agrees_with_brute_force() {
    let shards = corpus_of(1000, 1);
    assert!(shards.iter().map(Vec::len).sum::<usize>() > 2000);
    for (threshold, bands, missed_max) in [(0.8, Bands::B25x5, 0.002), (0.8, Bands::B20x6, 0.01), (0.7, Bands::B32x4, 0.005)] {
        let options = Options { near: Near::Threshold(threshold), bands, ..Options::default() };
        let (near, missed) = check(threshold, &shards, &run(&options, &shards, MEMORY, &all));
        assert!(near > 300, "{near}");
        assert!(missed as f64 <= near as f64 * missed_max, "{missed} of {near} at {threshold} {bands:?}");
    }
}

#[test]
fn width_punctuation_and_line_ends_never_matter() {
    let mut random = Random::new(5);
    let texts: Vec<String> = (0..200).map(|i| random.text(30 + i)).collect();
    let dressed: Vec<String> = texts.iter().map(|text| dressed(text)).collect();
    let verdicts = run(&Options::default(), &[texts, dressed], MEMORY, &all);
    let wanted = |row| Verdict::Removed { kind: Kind::Near, duplicate_of: ordinal(0, row), jaccard: 1.0 };
    assert_eq!(verdicts.of_shard(1).len(), 200);
    assert!(verdicts.of_shard(1).iter().all(|affected| affected.verdict == wanted(row_of(affected.ordinal))));
}

#[test]
fn short_and_empty_texts_keep_themselves() {
    let texts = ["はい", "いいえ", "第一条", "ああ", "あああ", "あ", "OK", "1", "9", "東京", "が", "か", "", "", "。", "、", "…"];
    let verdicts = run(&Options::default(), &[texts.map(str::to_owned).to_vec()], MEMORY, &all);
    assert_eq!(verdicts.affected(), []);
}

#[test]
fn what_takes_no_part_leaves_no_trace() {
    let text = Random::new(3).text(200);
    let shards = vec![vec![text.clone(), text.clone(), dressed(&text)]];
    let verdicts = run(&Options::default(), &shards, MEMORY, &|_, row| row != 0);
    assert_eq!(verdicts.get(0), None);
    assert_eq!(verdicts.get(1), Some(Verdict::Anchor { size: 2 }));
    assert!(matches!(verdicts.get(2), Some(Verdict::Removed { kind: Kind::Near, duplicate_of: 1, .. })));
}

#[test]
fn switches_do_what_they_say() {
    let text = Random::new(4).text(100);
    let shards = vec![vec![text.clone(), text.clone(), dressed(&text)]];
    let counts = |exact, near| run(&Options { exact, near, ..Options::default() }, &shards, MEMORY, &all).counts();
    let count = |exact, near| ["exact", "near"].map(|kind| counts(exact, near)[kind]);
    assert_eq!(count(true, Near::Threshold(0.9)), [1, 1]);
    assert_eq!(count(true, Near::Switch(false)), [1, 0]);
    assert_eq!(count(false, Near::Threshold(0.9)), [0, 2]);
    assert_eq!(count(false, Near::Switch(false)), [0, 0]);
}

#[test]
fn options_are_read_and_checked() {
    let read = |toml: &str| toml::from_str::<Options>(toml).unwrap();
    assert_eq!(read(""), Options::default());
    assert_eq!(read("near = false").threshold(), None);
    assert_eq!(read("near = 1").threshold(), Some(1.0));
    assert_eq!(read("bands = '20x6'").bands, Bands::B20x6);
    assert!(toml::from_str::<Options>("nearr = 0.8").is_err());
    assert_eq!(Options::default().check(), Ok(()));
    assert_eq!((read("").line_limits(), read("lines = true").line_limits()), (None, Some(LineLimits { in_source: 5, in_all: 100 })));
    assert_eq!(read("lines = { in_source = 3 }").line_limits(), Some(LineLimits { in_source: 3, in_all: 100 }));
    assert!(toml::from_str::<Options>("lines = { in_sauce = 3 }").is_err());
    assert_eq!(read("lines = { in_all = 1000000, in_source = 4294967295 }").check(), Ok(()));
    for toml in [
        "orthography = true",
        "orthography = 1.5",
        "near = true",
        "near = 0",
        "near = 1.01",
        "near = nan",
        "lines = { in_source = 1 }",
        "lines = { in_all = 1000001 }",
        "substring = 19",
    ] {
        assert!(read(toml).check().is_err(), "{toml}");
    }
}

#[test]
fn the_order_of_ranks_is_that_of_a_sorted_corpus() {
    let shards = corpus_of(300, 21);
    let rank = |text: &str| u64::MAX - text.len() as u64 / 10;
    let mut sorted: Vec<(u64, &String)> = ordinals(&shards).collect();
    sorted.sort_by_key(|(_, text)| rank(text));
    let in_order = run(&Options::default(), &[sorted.iter().map(|(_, text)| (*text).clone()).collect()], MEMORY, &all);
    let back = |place: u64| sorted[place as usize].0;
    let mut expected: Vec<Affected> = in_order
        .affected()
        .iter()
        .map(|affected| {
            let verdict = match affected.verdict {
                Verdict::Removed { kind, duplicate_of, jaccard } => Verdict::Removed { kind, duplicate_of: back(duplicate_of), jaccard },
                anchor @ Verdict::Anchor { .. } => anchor,
            };
            Affected { ordinal: back(affected.ordinal), verdict }
        })
        .collect();
    expected.sort_by_key(|affected| affected.ordinal);
    let ranks = |shard: u64| Ok(shards[shard as usize].iter().map(|text| rank(text)).collect());
    for memory in [MEMORY, 1 << 20, 0] {
        let ranked = run_as(&Options::default(), &shards, memory, Given { ranks: Some(&ranks), ..Given::default() });
        assert_eq!(ranked.affected(), expected, "{memory}");
        let mut families: Vec<_> = in_order.families().iter().map(|&(document, first)| (back(document), back(first))).collect();
        families.sort_unstable();
        assert_eq!(ranked.families(), families);
    }
    assert!(expected.len() > 300 && expected != run(&Options::default(), &shards, MEMORY, &all).affected());
}

/// What is kept of the first shards when the rest is looked at: no exact copies.
fn known_of(shards: &[Vec<String>], first: usize, verdicts: &Told) -> (Vec<Vec<String>>, BTreeMap<u64, u64>) {
    let (mut known, mut moved) = (Vec::new(), BTreeMap::new());
    for (shard, texts) in shards[..first].iter().enumerate() {
        let mut rows = Vec::new();
        for (row, text) in texts.iter().enumerate() {
            let here = ordinal(shard as u64, row as u32);
            if !matches!(verdicts.get(here), Some(Verdict::Removed { kind: Kind::Exact | Kind::NearCopy, .. })) {
                moved.insert(here, ordinal(shard as u64, rows.len() as u32));
                rows.push(text.clone());
            }
        }
        known.push(rows);
    }
    (known, moved)
}

#[test]
fn what_is_known_and_new_is_what_both_are_together() {
    let shards = corpus_of(300, 22);
    let first = shards.len() / 2;
    let before = run(&Options::default(), &shards[..first], MEMORY, &all);
    let together = run(&Options::default(), &shards, MEMORY, &all);
    let (mut corpus, mut moved) = known_of(&shards, first, &before);
    corpus.extend_from_slice(&shards[first..]);
    moved.extend(ordinals(&shards).map(|(o, _)| (o, o)).filter(|(o, _)| shard_of(*o) >= first as u64));
    let at = |verdict: Verdict| match verdict {
        Verdict::Removed { kind, duplicate_of, jaccard } => Verdict::Removed { kind, duplicate_of: moved[&duplicate_of], jaccard },
        anchor @ Verdict::Anchor { .. } => anchor,
    };
    // Those that an earlier search removed as near ones, where they stand now.
    let removed: BTreeMap<u64, Verdict> = before
        .affected()
        .iter()
        .filter(|affected| matches!(affected.verdict, Verdict::Removed { .. }))
        .filter_map(|affected| Some((*moved.get(&affected.ordinal)?, at(affected.verdict))))
        .collect();
    assert!(removed.len() > 50);
    let of_new = |verdicts: &Told, name: &dyn Fn(Verdict) -> Verdict| -> Vec<(u64, Verdict)> {
        let new = verdicts.affected().iter().filter(|affected| shard_of(affected.ordinal) >= first as u64);
        new.map(|affected| (affected.ordinal, name(affected.verdict))).collect()
    };
    let expected = of_new(&together, &at);
    let known = Known {
        shards: first as u64,
        documents: corpus[..first].iter().map(|texts| texts.len() as u64).sum(),
        removed: &|ordinal| removed.get(&ordinal).copied(),
        sketched: &|_| false,
        sketches: &|_, _| unreachable!(),
    };
    let ranks = |shard: u64| Ok(vec![u64::from(shard >= first as u64); corpus[shard as usize].len()]);
    for memory in [MEMORY, 1 << 20, 0] {
        let verdicts = run_as(&Options::default(), &corpus, memory, Given { known: Some(known), ..Given::default() });
        assert_eq!(of_new(&verdicts, &|verdict| verdict), expected, "{memory}");
        let ranked = run_as(&Options::default(), &corpus, memory, Given { known: Some(known), ranks: Some(&ranks), ..Given::default() });
        assert_eq!(ranked.affected(), verdicts.affected());
        // Of the known ones it only says for how many new ones they stand.
        assert!(verdicts.affected().iter().all(|a| shard_of(a.ordinal) >= first as u64 || matches!(a.verdict, Verdict::Anchor { .. })));
    }
    assert!(expected.iter().any(|(_, v)| matches!(v, Verdict::Removed { duplicate_of, .. } if shard_of(*duplicate_of) < first as u64)));
}

#[test]
fn sketches_of_known_documents_find_what_is_much_alike_and_nothing_else() {
    let mut random = Random::new(23);
    let texts: Vec<String> = (0..200).map(|_| random.text(400)).collect();
    let near: Vec<String> = texts.iter().map(|text| random.block(text, 12)).collect();
    let others: Vec<String> = (0..200).map(|_| random.text(400)).collect();
    let shards = [texts, near, others];
    let known = Known {
        shards: 1,
        documents: 200,
        removed: &|_| None,
        sketched: &|shard| shard == 0,
        sketches: &|ordinals, give| {
            ordinals.iter().try_for_each(|&o| {
                let mut view = Vec::new();
                view::fold(&shards[0][row_of(o) as usize], &mut view);
                give(o, &minhash::to_bytes(&minhash::sketch(&view).unwrap()))
            })
        },
    };
    let texts = |ordinals: &[u64], visit: &mut dyn FnMut(u64, &str) -> Result<()>| {
        assert!(ordinals.iter().all(|&o| shard_of(o) > 0), "the text of a document that has none");
        ordinals.iter().try_for_each(|&o| visit(o, &shards[shard_of(o) as usize][row_of(o) as usize]))
    };
    let verdicts = run_as(&Options::default(), &shards, MEMORY, Given { known: Some(known), texts: Some(&texts), ..Given::default() });
    let named = |affected: &&Affected| matches!(affected.verdict, Verdict::Removed { kind: Kind::Near, duplicate_of, .. } if duplicate_of == u64::from(row_of(affected.ordinal)));
    assert!(verdicts.of_shard(1).iter().filter(named).count() >= 198, "{:?}", verdicts.counts());
    assert_eq!(verdicts.of_shard(2), []);
}

/// A text in old orthography: other forms of kanji, other kana.
fn in_old_orthography(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '国' => '國',
            '学' => '學',
            '会' => '會',
            '体' => '體',
            '円' => '圓',
            // A kana in eight is another.
            'あ'..='ん' if (c as u32).is_multiple_of(8) => 'ゐ',
            other => other,
        })
        .collect()
}

#[test]
fn works_in_two_orthographies_are_one_where_that_is_asked_for() {
    let mut random = Random::new(41);
    let kanji = [
        '国', '学', '会', '体', '円', '山', '川', '人', '日', '月', '火', '水', '木', '金', '土', '上', '下', '左', '右', '大', '小', '中',
    ];
    let mut work = |n: usize| -> String {
        (0..n)
            .map(|i| if i % 3 == 0 { kanji[random.below(kanji.len())] } else { char::from_u32(0x3042 + random.below(80) as u32).unwrap() })
            .collect()
    };
    let works: Vec<String> = (0..60).map(|_| work(900)).collect();
    let old: Vec<String> = works.iter().map(|text| in_old_orthography(text)).collect();
    let copies: Vec<String> = old[..10].iter().map(|text| format!("{text}終")).collect();
    // Of few kanji, and with the same ones in between other kana: texts of their own.
    let short: Vec<String> = works[..20].iter().map(|text| text.chars().take(200).collect()).collect();
    let shards = [works, old, copies, short];
    let plain = run(&Options::default(), &shards, MEMORY, &all);
    assert!(plain.of_shard(1).iter().all(|a| matches!(a.verdict, Verdict::Anchor { .. })), "they are not near");
    let options = Options { orthography: Near::Threshold(0.4), ..Options::default() };
    for memory in [MEMORY, 0] {
        let verdicts = run(&options, &shards, memory, &all);
        let of_work = |affected: &Affected| match affected.verdict {
            Verdict::Removed { kind: Kind::Orthography, duplicate_of, .. } => duplicate_of == u64::from(row_of(affected.ordinal)),
            _ => false,
        };
        assert_eq!(verdicts.of_shard(1).iter().filter(|affected| of_work(affected)).count(), 60, "{:?}", verdicts.counts());
        // What an old edition stood for is what the new one stands for.
        assert_eq!(verdicts.of_shard(2).iter().filter(|affected| of_work(affected)).count(), 10);
        assert_eq!(verdicts.get(0), Some(Verdict::Anchor { size: 3 }));
        assert_eq!(verdicts.of_shard(3), []);
        assert_eq!(verdicts.counts()["orthography"], 70);
    }
}

#[test]
fn verdicts_survive_storage() {
    let verdicts = run(&Options::default(), &corpus_of(50, 9), MEMORY, &all);
    assert!(verdicts.affected().len() > 20);
    assert_eq!((0..10).map(|shard| verdicts.of_shard(shard).len()).sum::<usize>(), verdicts.affected().len());
}

#[test]
fn tables_of_other_bands_are_refused() {
    let texts = vec![Random::new(1).text(50)];
    let partial = sketch(&Options::default(), &texts);
    let dir = tempfile::tempdir().unwrap();
    let mut corpus = Corpus {
        shards: 1,
        documents: partial.num_rows() as u64,
        partial: &mut |_| Ok(partial.clone()),
        eligible: &all,
        ranks: None,
        known: None,
        texts: &|_, _| Ok(()),
        admit: &|_, work| work(),
        memory: MEMORY,
        disk: 0,
        staging: &Staging::new(dir.path()).unwrap(),
        parallel: &sequential,
    };
    assert!(resolve(&Options { bands: Bands::B20x6, ..Options::default() }, &mut corpus).is_err());
}

#[test]
fn hard_corpora_stay_cheap() {
    let mut random = Random::new(11);
    let same = vec![random.text(100); 3000];
    let template = random.text(150);
    let pages = (0..500).map(|_| format!("{template}{}", random.text(150))).collect();
    let mut link = random.text(300);
    let chain: Vec<String> = (0..200)
        .map(|_| {
            link = random.block(&link, 8);
            link.clone()
        })
        .collect();
    let answers = vec!["はい、そうです。".to_owned(); 500];
    let one_character = vec!["あ".repeat(300_000), "\0".repeat(1000), "\u{3099}".repeat(1000)];
    let verdicts = run(&Options::default(), &[same, pages, chain, answers, one_character], MEMORY, &all);
    let removed = |shard| verdicts.of_shard(shard).iter().filter(|a| matches!(a.verdict, Verdict::Removed { .. })).count();
    assert_eq!((removed(0), removed(1), removed(3), removed(4)), (2999, 0, 499, 0));
    // Neighbours have a similarity of about .95. Clusters by transitive closure would keep one document, anchors keep one every few.
    assert!((100..=195).contains(&removed(2)), "{}", removed(2));
}

#[test]
fn formulae_that_are_spared_are_not_compared() {
    let mut random = Random::new(31);
    let formulae = [random.text(400), random.text(300)];
    // The text, and where its formulae stand.
    let letter = |head: &str, body: &str| {
        let text = [head, body, &formulae[1]].concat();
        let spans = vec![0, head.len() as u32, (head.len() + body.len()) as u32, text.len() as u32];
        (text, spans)
    };
    let bodies: Vec<String> = (0..40).map(|_| random.text(80)).collect();
    let of = |body: &str| letter(&formulae[0], body);
    let near = [&bodies[0], "。"].concat();
    // Copies, in their formulae or bodies nearly so, and two letters in which nothing but formulae is a span of them.
    let others = [of(&bodies[3]), of(&near), letter(&formulae[1], &bodies[5]), (of("").0, vec![]), (of("").0, vec![])];
    let letters: Vec<_> = bodies.iter().map(|body| of(body)).chain(others).collect();
    let removed = |spares: bool| {
        let options = Options::default();
        let sketcher = Sketcher::new(&options).sparing_formulae(spares);
        let mut absorber = sketcher.absorber();
        let mut lists = crate::stage::ListBuilder::<arrow::datatypes::UInt32Type>::default();
        for (_, spans) in &letters {
            lists.values.extend(spans);
            lists.end_row().unwrap();
        }
        let array: ArrayRef = Arc::new(StringArray::from_iter_values(letters.iter().map(|(text, _)| text)));
        absorber.push(&table([(&TEXT, array), (&FORMULAE, lists.finish().unwrap())]).unwrap()).unwrap();
        let partial = absorber.finish().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut corpus = Corpus {
            shards: 1,
            documents: partial.num_rows() as u64,
            partial: &mut |_| Ok(partial.clone()),
            eligible: &all,
            ranks: None,
            known: None,
            texts: &|ordinals, visit| {
                ordinals.iter().try_for_each(|&o| {
                    let (text, spans) = &letters[o as usize];
                    visit(o, &without::without(text, if spares { spans } else { &[] }))
                })
            },
            admit: &|_, work| work(),
            memory: MEMORY,
            disk: 0,
            staging: &Staging::new(dir.path()).unwrap(),
            parallel: &sequential,
        };
        let verdicts = Told::of(&resolve(&options, &mut corpus).unwrap());
        let removed = verdicts.affected().iter().filter(|a| matches!(a.verdict, Verdict::Removed { .. }));
        removed.map(|a| (a.ordinal as usize, a.anchor() as usize)).collect::<Vec<_>>()
    };
    let whole = removed(false);
    assert!(whole.len() > 40 && !whole.contains(&(42, 5)), "{whole:?}");
    assert_eq!(removed(true), [(40, 3), (41, 0), (42, 5), (44, 43)]);
}

#[test]
fn formulae_are_read_only_where_they_are_spared() {
    let reads = |options: &Options, spares| Sketcher::new(options).sparing_formulae(spares).contract().reads.len();
    let exact = Options { near: Near::Switch(false), ..Options::default() };
    assert_eq!([reads(&Options::default(), true), reads(&Options::default(), false), reads(&exact, true)], [2, 1, 1]);
}

#[test]
fn texts_are_asked_for_only_where_candidates_are() {
    let mut random = Random::new(12);
    let texts: Vec<String> = (0..300).map(|_| random.text(200)).collect();
    let partial = sketch(&Options::default(), &texts);
    let asked = AtomicUsize::new(0);
    let dir = tempfile::tempdir().unwrap();
    let mut corpus = Corpus {
        shards: 1,
        documents: partial.num_rows() as u64,
        partial: &mut |_| Ok(partial.clone()),
        eligible: &all,
        ranks: None,
        known: None,
        texts: &|ordinals, visit| {
            asked.fetch_add(ordinals.len(), Ordering::Relaxed);
            ordinals.iter().try_for_each(|&o| visit(o, &texts[o as usize]))
        },
        admit: &|_, work| work(),
        memory: MEMORY,
        disk: 0,
        staging: &Staging::new(dir.path()).unwrap(),
        parallel: &sequential,
    };
    assert_eq!(Told::of(&resolve(&Options::default(), &mut corpus).unwrap()).affected(), []);
    let asked = asked.into_inner();
    assert!(asked < 10, "{asked}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn memory_threads_and_shards_do_not_matter(seed in 0u64..1000, memory in 0u64..400_000, rows in 1usize..60) {
        let shards = corpus_of(60, seed);
        let wanted = run(&Options::default(), &shards, MEMORY, &all);
        prop_assert_eq!(&run(&Options::default(), &shards, memory, &all), &wanted);
        let backwards = |n: usize, work: &(dyn Fn(usize) + Sync)| {
            std::thread::scope(|scope| (0..n).rev().for_each(|i| { scope.spawn(move || work(i)); }));
        };
        prop_assert_eq!(&run_with(&Options::default(), &shards, memory, &all, &backwards), &wanted);
        // Cut elsewhere, the same documents get the same verdicts.
        let flat: Vec<String> = shards.concat();
        let recut: Vec<Vec<String>> = flat.chunks(rows).map(<[String]>::to_vec).collect();
        let position = |o: u64, rows: usize| shard_of(o) as usize * rows + row_of(o) as usize;
        let flatten = |verdicts: &Told, rows: usize| -> Vec<_> {
            verdicts.affected().iter().map(|a| (position(a.ordinal, rows), position(a.anchor(), rows), a.jaccard().to_bits(), a.size())).collect()
        };
        prop_assert_eq!(flatten(&run(&Options::default(), &recut, MEMORY, &all), rows), flatten(&wanted, 97));
    }

    #[test]
    fn what_comes_later_changes_no_decision(seed in 0u64..1000, n in 1usize..120) {
        let whole = corpus_of(50, seed).concat();
        let removed = |texts: &[String]| -> Vec<Affected> {
            let verdicts = run(&Options::default(), &[texts.to_vec()], MEMORY, &all);
            verdicts.affected().iter().copied().filter(|a| a.size() == 0).collect()
        };
        let n = n.min(whole.len());
        let before: Vec<Affected> = removed(&whole).into_iter().filter(|a| a.ordinal < n as u64).collect();
        prop_assert_eq!(removed(&whole[..n]), before);
    }

    #[test]
    fn any_text_goes_through(texts in prop::collection::vec(any::<String>(), 0..12)) {
        let verdicts = run(&Options::default(), &[texts], 0, &all);
        prop_assert!(verdicts.affected().is_sorted_by(|a, b| a.ordinal < b.ordinal));
    }
}
