//! The engine against the naive lattice, against recorded answers of MeCab, and against damage.

use proptest::prelude::*;

use super::helpers::{analyse, engine, mecab_format};
use super::naive::{Naive, brute_force};
use crate::segment::about::Identity;
use crate::segment::dictionary::Dictionary;
use crate::segment::exact::{Exact, HotList, Worker, compile};
use crate::segment::source::{CharTable, Entry, Matrix, RawDictionary, UnknownRow};
use crate::segment::tests::tiny;
use crate::segment::{MorphemeBuffer, SegmentWorker, store};

#[test]
fn the_tiny_dictionary_gives_what_mecab_gives() {
    let (text, golden, with_user) = (tiny::text("golden.txt"), tiny::text("golden.mecab"), tiny::text("golden.user.mecab"));
    for blocks in [false, true] {
        let raw = tiny::raw();
        similar(&mecab_format(&raw, &engine(&raw, blocks), &text), &golden);
        let raw = tiny::raw_with_user();
        similar(&mecab_format(&raw, &engine(&raw, blocks), &text), &with_user);
    }
}

fn similar(ours: &str, golden: &str) {
    for (n, (ours, golden)) in ours.lines().zip(golden.lines()).enumerate() {
        assert_eq!(ours, golden, "line {n}");
    }
    assert_eq!(ours.lines().count(), golden.lines().count());
}

#[test]
fn a_built_directory_holds_the_file_of_the_engine() {
    let raw = tiny::raw();
    let temporary = tempfile::tempdir().unwrap();
    let identity = Identity { name: "tiny".into(), version: "1".into(), licence: "none".into(), source: "tests".into() };
    let dictionary = Dictionary::open(&store::install(temporary.path(), &raw, &identity, None).unwrap()).unwrap();
    assert!(dictionary.maps().lattice.is_some());
    let (mapped, compiled) = (Exact::new(&dictionary).unwrap(), engine(&raw, false));
    for line in tiny::text("golden.txt").lines() {
        assert_eq!(analyse(&mapped, line), analyse(&compiled, line));
    }
}

#[test]
fn long_lines_are_analysed_as_short_ones_are() {
    let raw = tiny::raw();
    let engine = engine(&raw, true);
    for line in ["京都".repeat(30_000), " ".repeat(70_000), format!("{} {}", "あ".repeat(31_000), "a".repeat(31_500)), "\0".repeat(33_000)]
    {
        let morphemes = analyse(&engine, &line);
        tiles(&line, &morphemes);
        let mut worker = engine.worker();
        let mut shifted = MorphemeBuffer::default();
        worker.segment_line("前の行", 5, &mut shifted);
        shifted.clear();
        worker.segment_line(&line, 7, &mut shifted);
        assert!(shifted.ends.iter().zip(&morphemes.ends).all(|(a, b)| *a == b + 7) && shifted.word == morphemes.word);
    }
    let text = tiny::text("golden.txt");
    let sentences: Vec<&str> = text.lines().filter(|line| line.chars().count() > 5).collect();
    let long: String = std::iter::repeat_n(sentences.concat(), 40).collect();
    let mut chunks = MorphemeBuffer::default();
    engine.worker().segment_line(&long, 0, &mut chunks);
    let mut whole = MorphemeBuffer::default();
    let worker = engine.worker();
    Worker { lattice: worker.lattice.in_chunks(60_000), ..worker }.segment_line(&long, 0, &mut whole);
    assert!(long.chars().count() > 30_000 && chunks == whole);
}

fn tiles(line: &str, morphemes: &MorphemeBuffer) {
    assert!(morphemes.ends.is_sorted_by(|a, b| a < b), "no morpheme is empty");
    assert!(morphemes.ends.iter().all(|&end| line.is_char_boundary(end as usize)));
    assert_eq!(morphemes.ends.last().map_or(0, |&end| end as usize), line.len());
    assert_eq!((morphemes.pos.len(), morphemes.word.len()), (morphemes.ends.len(), morphemes.ends.len()));
}

#[test]
fn a_trie_with_a_circle_is_found_and_analysis_still_ends() {
    let raw = tiny::raw();
    let mut bytes = compile(&raw, &HotList::shipped()).unwrap();
    let owned = |bytes: &[u8]| Exact::from_bytes(bytes.to_vec(), raw.entries.len(), raw.pos_table.tuples.len());
    assert!(owned(&bytes).unwrap().worker().tables.unwrap().is_tree());
    // 東 leads to itself: the base of its node becomes that of the root.
    let engine = owned(&bytes).unwrap();
    let nodes = engine.worker().tables.unwrap().nodes.to_vec();
    let code = engine.worker().tables.unwrap().info('東').code() as usize;
    let before: Vec<u8> = nodes.iter().flat_map(|node| node.to_le_bytes()).collect();
    let at = bytes.windows(before.len()).position(|window| window == before).unwrap() + 8 * code;
    let node = nodes[code] & !(0x7F_FFFF << 15);
    bytes[at..at + 8].copy_from_slice(&node.to_le_bytes());
    let engine = owned(&bytes).unwrap();
    assert!(!engine.worker().tables.unwrap().is_tree());
    let line = "東".repeat(40_000);
    tiles(&line, &analyse(&engine, &line));
    let temporary = tempfile::tempdir().unwrap();
    let identity = Identity { name: "tiny".into(), version: "1".into(), licence: "none".into(), source: "tests".into() };
    let dir = store::install(temporary.path(), &raw, &identity, None).unwrap();
    tiny::forge(&dir, "lattice.bin", &bytes);
    assert_eq!(store::open(dir.to_str().unwrap()).unwrap_err().exit_code(), 2);
}

#[test]
fn an_empty_line_adds_nothing() {
    assert_eq!(analyse(&engine(&tiny::raw(), true), ""), MorphemeBuffer::default());
}

#[test]
fn a_file_of_another_dictionary_is_refused() {
    let raw = tiny::raw();
    let bytes = compile(&raw, &HotList::default()).unwrap();
    assert!(Exact::from_bytes(bytes.clone(), raw.entries.len() + 1, raw.pos_table.tuples.len()).is_err());
    assert!(Exact::from_bytes(bytes[..bytes.len() - 64].to_vec(), raw.entries.len(), raw.pos_table.tuples.len()).is_err());
    assert!(Exact::from_bytes(Vec::new(), raw.entries.len(), raw.pos_table.tuples.len()).is_err());
}

#[test]
fn the_same_dictionary_compiles_to_the_same_bytes() {
    assert_eq!(compile(&tiny::raw(), &HotList::shipped()), compile(&tiny::raw(), &HotList::shipped()));
    assert!(HotList::shipped().weight("の") > 1000);
}

/// A dictionary over five characters (one beyond the basic plane), with small costs so that ties are common.
fn small_dictionary() -> impl Strategy<Value = RawDictionary> {
    let ids = 0_u16..4;
    let row = (ids.clone(), ids, -2_i16..3);
    let entries = prop::collection::vec(("[abあ𠮷 ]{1,3}", row.clone()), 0..40);
    let unknown = prop::collection::vec(row, 4..9);
    let matrix = prop::collection::vec(-3_i16..4, 16);
    let categories = prop::collection::vec((0_u32..4, 0_u32..4), 4);
    (entries, unknown, matrix, categories, 1_u32..16, 0_u16..4).prop_map(|(entries, unknown, cells, categories, overlap, max_grouping)| {
        let word = |category: u32, set: u32| {
            let (flags, length) = categories[category as usize];
            1 << category | set | category << 18 | length << 26 | flags << 30
        };
        let mut table = vec![word(0, 0); 0xFFFF];
        for (c, category) in [('a', 1), ('b', 2), ('あ', 3)] {
            table[c as usize] = word(category, if c == 'b' { overlap & 0b1110 } else { 0 });
        }
        table[0x20] = word(0, 0);
        let space = categories.len() as u32;
        table[0x20] = 1 << space | space << 18;
        // Whitespace that goes on into another category.
        table[0x3000] = word(2, 1 << space);
        let names = ["DEFAULT", "A", "B", "KANA", "SPACE"].map(String::from).to_vec();
        let chars = CharTable { names, table };
        let feature = |n: usize| format!("{n},*,*,*,*,*,*,*,*");
        let entries = entries.into_iter().enumerate();
        let entries =
            entries.map(|(n, (surface, (left, right, cost)))| Entry { surface, left, right, cost, feature: feature(n) }).collect();
        let rows = unknown.iter().cycle().take(unknown.len() + 1).enumerate();
        let unknown = rows
            .map(|(n, &(left, right, cost))| UnknownRow { category: (n % 5) as u8, left, right, cost, feature: feature(100 + n) })
            .collect();
        RawDictionary::assemble(entries, unknown, chars, Matrix { left_ids: 4, right_ids: 4, cells }, max_grouping).unwrap()
    })
}

/// Cost of an analysis, and how many homographs could have been meant; equal POS ids make morphemes equal.
fn surfaces(morphemes: &MorphemeBuffer) -> Vec<(u32, u16, u32)> {
    morphemes.ends.iter().zip(&morphemes.pos).zip(&morphemes.word).map(|((&end, &pos), &word)| (end, pos, word)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_line_is_analysed_as_by_the_naive_lattice(raw in small_dictionary(), lines in prop::collection::vec("[abあ𠮷 c　]{0,14}", 1..8)) {
        let naive = Naive::new(&raw);
        for blocks in [false, true] {
            let engine = engine(&raw, blocks);
            for line in &lines {
                prop_assert_eq!(surfaces(&analyse(&engine, line)), surfaces(&naive.analyse(line).0), "{:?}", line);
            }
        }
    }

    #[test]
    fn a_line_in_chunks_is_analysed_as_a_whole(
        raw in small_dictionary(),
        line in prop_oneof!["[abあ𠮷 c　]{0,200}", "(ab){0,90} {0,60}", "(あ|𠮷 ){0,150}", " {0,120}[ab]{0,3} {0,90}"],
        most in 36_usize..80,
    ) {
        let engine = engine(&raw, true);
        let (mut chunks, worker) = (MorphemeBuffer::default(), engine.worker());
        Worker { lattice: worker.lattice.in_chunks(most), ..worker }.segment_line(&line, 3, &mut chunks);
        let mut whole = MorphemeBuffer::default();
        engine.worker().segment_line(&line, 3, &mut whole);
        prop_assert_eq!(surfaces(&chunks), surfaces(&whole));
    }

    #[test]
    fn the_naive_lattice_finds_the_cheapest_path(raw in small_dictionary(), line in "[abあ]{1,6}") {
        let naive = Naive::new(&raw);
        let chars: Vec<char> = line.chars().collect();
        prop_assert_eq!(naive.analyse(&line).1, brute_force(&naive, &chars, 0, 0));
    }

    #[test]
    fn the_tiny_dictionary_agrees_with_the_naive_lattice(line in "[ -~\t\u{B}ぁ-ん一-龥𠮷😀　é\0東京都（）ー]{0,60}") {
        let raw = tiny::raw_with_user();
        let morphemes = analyse(&engine(&raw, true), &line);
        tiles(&line, &morphemes);
        prop_assert_eq!(morphemes, Naive::new(&raw).analyse(&line).0);
    }

    #[test]
    fn a_damaged_file_is_refused_or_analyses_without_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        line in "[ -~ぁ-ん一-龥𠮷東京都]{0,40}",
    ) {
        let raw = tiny::raw();
        let mut bytes = compile(&raw, &HotList::shipped()).unwrap();
        let length = bytes.len();
        for (at, byte) in flips {
            bytes[at.index(length)] = byte;
        }
        if let Ok(engine) = Exact::from_bytes(bytes, raw.entries.len(), raw.pos_table.tuples.len()) {
            analyse(&engine, &line);
        }
    }
}
