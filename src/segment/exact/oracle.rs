//! What the engine is tested against: the lattice told naively, with lists and maps, straight from MeCab's rules.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::morpheme::NO_WORD;
use crate::segment::about::Identity;
use crate::segment::dictionary::Dictionary;
use crate::segment::exact::{Exact, HotList, Worker, compile};
use crate::segment::source::{CharTable, Entry, Matrix, RawDictionary, UnknownRow};
use crate::segment::{Pieces, SegmentWorker, store, tiny};

/// A candidate that was connected.
struct Node {
    start: usize,
    end: usize,
    right: u16,
    cost: i64,
    previous: usize,
    pos: u16,
    word: u32,
}

/// A candidate as it is created.
struct Candidate {
    end: usize,
    left: u16,
    right: u16,
    cost: i16,
    pos: u16,
    word: u32,
}

/// The naive analyser over one dictionary.
struct Naive<'a> {
    raw: &'a RawDictionary,
    entries: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Naive<'a> {
    fn new(raw: &'a RawDictionary) -> Self {
        let mut entries: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (id, entry) in raw.entries.iter().enumerate() {
            entries.entry(&entry.surface).or_default().push(id);
        }
        Self { raw, entries }
    }

    fn word_of(&self, c: char) -> u32 {
        match c {
            // One word behind MeCab's table.
            '\u{FFFF}' => 0,
            c => self.raw.chars.table.get(c as usize).copied().unwrap_or(self.raw.chars.table[0]),
        }
    }

    /// Characters to skip: the first one shares a category with the space, each other one with the one before it.
    fn whitespace(&self, chars: &[char]) -> usize {
        let first = chars.first().is_some_and(|&c| self.meets(c, ' '));
        if first { 1 + chars.windows(2).take_while(|pair| self.meets(pair[0], pair[1])).count() } else { 0 }
    }

    fn meets(&self, a: char, b: char) -> bool {
        self.word_of(a) & self.word_of(b) & 0x3_FFFF != 0
    }

    /// Candidates at a position, in order of creation.
    fn candidates(&self, chars: &[char], start: usize) -> Vec<Candidate> {
        let mut found = Vec::new();
        for end in start + 1..=chars.len() {
            let surface: String = chars[start..end].iter().collect();
            for &id in self.entries.get(surface.as_str()).into_iter().flatten() {
                let Entry { left, right, cost, .. } = self.raw.entries[id];
                found.push(Candidate { end, left, right, cost, pos: self.raw.pos_of_left[usize::from(left)], word: id as u32 });
            }
        }
        let class = self.word_of(chars[start]);
        if !found.is_empty() && class >> 31 == 0 {
            return found;
        }
        let mut unknown = |end: usize| {
            for (row, &pos) in self.raw.unknown.iter().zip(&self.raw.pos_of_unknown) {
                if u32::from(row.category) == class >> 18 & 0xFF {
                    found.push(Candidate { end, left: row.left, right: row.right, cost: row.cost, pos, word: NO_WORD });
                }
            }
        };
        let mut group_end = 0;
        if class >> 30 & 1 == 1 {
            group_end = start + 1;
            while group_end < chars.len() && self.meets(chars[group_end - 1], chars[group_end]) {
                group_end += 1;
            }
            if group_end - start - 1 <= usize::from(self.raw.max_grouping) {
                unknown(group_end);
            }
        }
        for length in 1..=(class >> 26 & 15) as usize {
            let end = start + length;
            if end > chars.len() || end == group_end {
                break;
            }
            unknown(end);
            if end < chars.len() && !self.meets(chars[start], chars[end]) {
                break;
            }
        }
        if found.is_empty() {
            for (row, &pos) in self.raw.unknown.iter().zip(&self.raw.pos_of_unknown) {
                if u32::from(row.category) == class >> 18 & 0xFF {
                    let end = start + 1;
                    found.push(Candidate { end, left: row.left, right: row.right, cost: row.cost, pos, word: NO_WORD });
                }
            }
        }
        found
    }

    fn cheapest(&self, nodes: &[Node], lefts: &[usize], left: u16) -> (i64, usize) {
        let Matrix { left_ids, cells, .. } = &self.raw.matrix;
        let mut best = (i64::MAX, 0);
        for &n in lefts.iter().rev() {
            let cost = nodes[n].cost + i64::from(cells[usize::from(nodes[n].right) + usize::from(*left_ids) * usize::from(left)]);
            if cost < best.0 {
                best = (cost, n);
            }
        }
        best
    }

    /// The pieces of a line and the cost of its path.
    fn analyse(&self, line: &str) -> (Pieces, i64) {
        let chars: Vec<char> = line.chars().collect();
        let mut nodes = vec![Node { start: 0, end: 0, right: 0, cost: 0, previous: 0, pos: 0, word: NO_WORD }];
        let mut ends: Vec<Vec<usize>> = vec![Vec::new(); chars.len() + 1];
        ends[0].push(0);
        for at in 0..chars.len() {
            let space = self.whitespace(&chars[at..]);
            if ends[at].is_empty() || at + space == chars.len() {
                continue;
            }
            for new in self.candidates(&chars, at + space).into_iter().rev() {
                let (cost, previous) = self.cheapest(&nodes, &ends[at], new.left);
                ends[new.end].push(nodes.len());
                let cost = cost + i64::from(new.cost);
                nodes.push(Node { start: at + space, end: new.end, right: new.right, cost, previous, pos: new.pos, word: new.word });
            }
        }
        let last = ends.iter().rfind(|nodes| !nodes.is_empty()).unwrap();
        let (total, mut n) = self.cheapest(&nodes, last, 0);
        let mut path = Vec::new();
        while n != 0 {
            path.push(n);
            n = nodes[n].previous;
        }
        let bytes = |position: usize| chars[..position].iter().map(|c| c.len_utf8() as u32).sum::<u32>();
        let (mut pieces, mut at) = (Pieces::default(), 0);
        for node in path.iter().rev().map(|&n| &nodes[n]) {
            if node.start > at {
                pieces.push_gap(bytes(node.start));
            }
            pieces.push(bytes(node.end), node.pos, node.word);
            at = node.end;
        }
        if at < chars.len() {
            pieces.push_gap(bytes(chars.len()));
        }
        (pieces, total)
    }
}

/// An engine whose blocks cover every surface of `raw` that has homographs, or none.
fn engine(raw: &RawDictionary, blocks: bool) -> Exact {
    let rows: Vec<String> = raw.entries.iter().enumerate().map(|(n, entry)| format!("{}\t{}", entry.surface, 1 + n % 7)).collect();
    let list = rows.join("\n");
    let hot = if blocks { HotList::parse(&list) } else { HotList::default() };
    Exact::from_bytes(compile(raw, &hot).unwrap(), raw.entries.len(), raw.pos_table.tuples.len()).unwrap()
}

/// The analysis of a line, which must not depend on the machine's instructions.
fn analyse(engine: &Exact, line: &str) -> Pieces {
    let mut pieces = Pieces::default();
    engine.worker().segment_line(line, 0, &mut pieces);
    let mut plain = Pieces::default();
    engine.portable_worker().segment_line(line, 0, &mut plain);
    assert_eq!(pieces, plain);
    pieces
}

/// The analysis as MeCab prints it.
pub(crate) fn mecab_format(raw: &RawDictionary, engine: &Exact, lines: &str) -> String {
    let mut out = String::new();
    for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
        let pieces = analyse(engine, line);
        let mut start = 0;
        for ((&end, &pos), &word) in pieces.ends.iter().zip(&pieces.pos).zip(&pieces.word) {
            let surface = line.get(start..end as usize).unwrap();
            start = end as usize;
            if pos == 0 {
                continue;
            }
            let row = raw.pos_of_unknown.iter().position(|&id| id == pos);
            let feature = raw.entries.get(word as usize).map_or_else(|| &raw.unknown[row.unwrap()].feature, |entry| &entry.feature);
            out.extend([surface, "\t", feature, "\n"]);
        }
        out.push_str("EOS\n");
    }
    out
}

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
        let pieces = analyse(&engine, &line);
        tiles(&line, &pieces);
        let mut worker = engine.worker();
        let mut shifted = Pieces::default();
        worker.segment_line("前の行", 5, &mut shifted);
        shifted.clear();
        worker.segment_line(&line, 7, &mut shifted);
        assert!(shifted.ends.iter().zip(&pieces.ends).all(|(a, b)| *a == b + 7) && shifted.word == pieces.word);
    }
    let text = tiny::text("golden.txt");
    let sentences: Vec<&str> = text.lines().filter(|line| line.chars().count() > 5).collect();
    let long: String = std::iter::repeat_n(sentences.concat(), 40).collect();
    let mut parts = Pieces::default();
    engine.worker().segment_line(&long, 0, &mut parts);
    let mut whole = Pieces::default();
    let worker = engine.worker();
    Worker { lattice: worker.lattice.in_parts(60_000), ..worker }.segment_line(&long, 0, &mut whole);
    assert!(long.chars().count() > 30_000 && parts == whole);
}

fn tiles(line: &str, pieces: &Pieces) {
    assert!(pieces.ends.is_sorted_by(|a, b| a < b), "no piece is empty");
    assert!(pieces.ends.iter().all(|&end| line.is_char_boundary(end as usize)));
    assert_eq!(pieces.ends.last().map_or(0, |&end| end as usize), line.len());
    assert_eq!((pieces.pos.len(), pieces.word.len()), (pieces.ends.len(), pieces.ends.len()));
}

#[test]
fn words_that_go_in_a_circle_are_found_and_do_no_harm() {
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
    assert_eq!(analyse(&engine(&tiny::raw(), true), ""), Pieces::default());
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

/// Cost of an analysis, and how many homographs could have been meant; equal POS ids make pieces equal.
fn surfaces(pieces: &Pieces) -> Vec<(u32, u16, u32)> {
    pieces.ends.iter().zip(&pieces.pos).zip(&pieces.word).map(|((&end, &pos), &word)| (end, pos, word)).collect()
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
    fn a_line_in_parts_is_analysed_as_a_whole(
        raw in small_dictionary(),
        line in prop_oneof!["[abあ𠮷 c　]{0,200}", "(ab){0,90} {0,60}", "(あ|𠮷 ){0,150}", " {0,120}[ab]{0,3} {0,90}"],
        most in 36_usize..80,
    ) {
        let engine = engine(&raw, true);
        let (mut parts, worker) = (Pieces::default(), engine.worker());
        Worker { lattice: worker.lattice.in_parts(most), ..worker }.segment_line(&line, 3, &mut parts);
        let mut whole = Pieces::default();
        engine.worker().segment_line(&line, 3, &mut whole);
        prop_assert_eq!(surfaces(&parts), surfaces(&whole));
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
        let pieces = analyse(&engine(&raw, true), &line);
        tiles(&line, &pieces);
        prop_assert_eq!(pieces, Naive::new(&raw).analyse(&line).0);
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

/// The least cost from a position on, behind a node with right id `right`, by trying every path.
fn brute_force(naive: &Naive<'_>, chars: &[char], at: usize, right: u16) -> i64 {
    let Matrix { left_ids, cells, .. } = &naive.raw.matrix;
    let connection = |left: u16| i64::from(cells[usize::from(right) + usize::from(*left_ids) * usize::from(left)]);
    if at == chars.len() {
        return connection(0);
    }
    let paths = naive.candidates(chars, at).into_iter();
    paths.map(|next| connection(next.left) + i64::from(next.cost) + brute_force(naive, chars, next.end, next.right)).min().unwrap()
}
