//! The lattice told naively, with lists and maps, straight from MeCab's rules.

use std::collections::BTreeMap;

use crate::morpheme::NO_WORD;
use crate::segment::MorphemeBuffer;
use crate::segment::source::{Entry, Matrix, RawDictionary};

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
pub(crate) struct Candidate {
    end: usize,
    left: u16,
    right: u16,
    cost: i16,
    pos: u16,
    word: u32,
}

/// The naive analyser over one dictionary.
pub(crate) struct Naive<'a> {
    raw: &'a RawDictionary,
    entries: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Naive<'a> {
    pub(crate) fn new(raw: &'a RawDictionary) -> Self {
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

    /// The morphemes of a line and the cost of its path.
    pub(crate) fn analyse(&self, line: &str) -> (MorphemeBuffer, i64) {
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
        let (mut morphemes, mut at) = (MorphemeBuffer::default(), 0);
        for node in path.iter().rev().map(|&n| &nodes[n]) {
            if node.start > at {
                morphemes.push_gap(bytes(node.start));
            }
            morphemes.push(bytes(node.end), node.pos, node.word);
            at = node.end;
        }
        if at < chars.len() {
            morphemes.push_gap(bytes(chars.len()));
        }
        (morphemes, total)
    }
}

/// The least cost from a position on, behind a node with right id `right`, by trying every path.
pub(crate) fn brute_force(naive: &Naive<'_>, chars: &[char], at: usize, right: u16) -> i64 {
    let Matrix { left_ids, cells, .. } = &naive.raw.matrix;
    let connection = |left: u16| i64::from(cells[usize::from(right) + usize::from(*left_ids) * usize::from(left)]);
    if at == chars.len() {
        return connection(0);
    }
    let paths = naive.candidates(chars, at).into_iter();
    paths.map(|next| connection(next.left) + i64::from(next.cost) + brute_force(naive, chars, next.end, next.right)).min().unwrap()
}
