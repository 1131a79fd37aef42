//! A line, or a part of a long one, → its morphemes: decode, look up, lay out, connect, trace back.
//!
//! Two phases. *Look-up* finds all candidate words before any cost is known and counts how many end at each position;
//! prefix sums then give every candidate its place in flat arrays. *Connection* fills them position by position. All
//! branches of the second phase depend on counts that are known beforehand, never on costs.
//!
//! Ties are MeCab's: of equal totals the left node connected last wins. Candidates of one end stand in the order in which
//! MeCab connects them, so it is the one with the highest index.

#![expect(unsafe_code, reason = "the loops that decide the speed of the engine run without bounds checks, on checked tables")]
#![expect(clippy::inline_always, reason = "called once a character, from one place")]

use crate::segment::Pieces;
use crate::segment::exact::connect::{self, Lefts, Places, Run};
use crate::segment::exact::layout::{CharInfo, NO_BLOCK, Node, Record, Tables};

/// Positions that are analysed at once: path costs stay below 2³⁰ (65,534 a position), and below 2³¹ behind entering paths
/// that differ by 2³⁰. Longer lines are analysed in parts ([`super::long`]).
pub(crate) const MAX_POSITIONS: usize = 15_000;
/// Unused places behind the candidates of a position, so that homographs can be stored eight at a time.
const PAD: u32 = 7;
/// Candidates after which a part ends: some thirty times what text has. Only a dictionary made for the purpose has more.
const MANY: usize = 1 << 21;
/// Candidates of a group that are not counted one by one.
const FEW: u32 = 16;
/// Surfaces of one position that MeCab finds at most.
const MAX_PREFIXES: usize = 512;
/// In `group_of`: the node is a path that enters, `previous` its number.
const ENTERED: u32 = u32::MAX;
/// Positions by which the trie nodes of second and third characters are asked for in advance.
const FAR: usize = 12;
const NEAR: usize = 5;

/// Bits of a class that hold its category set.
const SET: u32 = 0x3_FFFF;

/// Homographs of one span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// First record.
    pub(crate) first: u32,
    pub(crate) count: u16,
    /// Position of the first character, after skipped whitespace.
    pub(crate) start: u16,
    /// Position behind the last character.
    pub(crate) end: u16,
    /// First block, or [`NO_BLOCK`].
    pub(crate) block: u16,
    /// First place among those of `end`.
    pub(crate) place: u32,
}

/// A path that enters: the beginning of the line, or a node that reaches over from the part before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entering {
    /// Position at which it ends here.
    pub(crate) position: u32,
    pub(crate) cost: i32,
    pub(crate) right: u16,
    /// Its place in the part before.
    pub(crate) place: u32,
}

impl Entering {
    /// The beginning of a line.
    pub(crate) fn line(tables: &Tables<'_>) -> Self {
        Self { position: 0, cost: 0, right: tables.sizes.bos as u16, place: 0 }
    }
}

/// A reached position, and where its candidates begin.
#[derive(Debug, Clone, Copy)]
struct Start {
    at: u32,
    groups: u32,
}

/// The memory of one thread.
#[derive(Debug)]
pub(crate) struct Lattice {
    /// Positions analysed at once.
    most: usize,
    info: Vec<CharInfo>,
    /// Byte start of each position.
    offsets: Vec<u32>,
    /// Candidates that end at each position.
    counts: Vec<u32>,
    /// First place of each position's candidates.
    bases: Vec<u32>,
    starts: Vec<Start>,
    pub(crate) groups: Vec<Group>,
    costs: Vec<i32>,
    rights: Vec<u16>,
    previous: Vec<u32>,
    group_of: Vec<u32>,
    path: Vec<u32>,
    /// End of the run of unknown characters looked at last.
    run_end: usize,
    /// Candidates in groups of more than [`FEW`].
    many: usize,
    /// Has the machine AVX2?
    wide_registers: bool,
}

impl Lattice {
    /// Empty memory.
    pub(crate) fn new() -> Self {
        // `wide_registers` only if the machine has AVX2.
        Self { wide_registers: has_avx2(), ..Self::portable() }
    }

    /// The same answers without AVX2.
    pub(crate) fn portable() -> Self {
        Self {
            most: MAX_POSITIONS,
            info: Vec::new(),
            offsets: Vec::new(),
            counts: Vec::new(),
            bases: Vec::new(),
            starts: Vec::new(),
            groups: Vec::new(),
            costs: Vec::new(),
            rights: Vec::new(),
            previous: Vec::new(),
            group_of: Vec::new(),
            path: Vec::new(),
            run_end: 0,
            many: 0,
            wide_registers: false,
        }
    }

    /// Empty memory for another part of the same line.
    pub(crate) fn another(&self) -> Self {
        Self { most: self.most, wide_registers: self.wide_registers, ..Self::portable() }
    }

    /// The same answers from parts of `most` positions.
    #[cfg(test)]
    pub(crate) fn in_parts(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Decodes the beginning of `text`, as far as it is analysed at once; gives its bytes.
    pub(crate) fn decode(&mut self, tables: &Tables<'_>, text: &str) -> usize {
        let most = text.len().min(self.most) + 1;
        self.info.clear();
        self.info.reserve(most);
        self.offsets.clear();
        self.offsets.reserve(most);
        let (info, offsets) = (self.info.as_mut_ptr(), self.offsets.as_mut_ptr());
        let (mut n, mut bytes) = (0, text.len());
        for (at, c) in text.char_indices() {
            if n == self.most {
                bytes = at;
                break;
            }
            // SAFETY: a text has no more characters than bytes, so `n` is below `most`, for which there is room.
            unsafe {
                info.add(n).write(tables.info(c));
                offsets.add(n).write(at as u32);
            }
            n += 1;
        }
        // SAFETY: the first `n` values were written.
        unsafe {
            self.info.set_len(n);
            self.offsets.set_len(n);
        }
        self.info.push(CharInfo::default());
        self.offsets.push(bytes as u32);
        bytes
    }

    /// Characters that were decoded.
    pub(crate) fn positions(&self) -> usize {
        self.info.len() - 1
    }

    /// Byte start of a position.
    pub(crate) fn offset(&self, position: usize) -> u32 {
        self.offsets[position]
    }

    /// Analyses a whole line that was decoded and appends its pieces; `base` is added to byte ends. False, and nothing
    /// appended, if the line has too many candidates to be analysed at once.
    pub(crate) fn analyse(&mut self, tables: &Tables<'_>, base: u32, out: &mut Pieces) -> bool {
        let beginning = [Entering::line(tables)];
        if self.look_up(tables, &beginning, true) < self.positions() {
            return false;
        }
        self.connect(tables, &beginning);
        let last = self.last(tables);
        self.trace(tables, last, base, out);
        true
    }

    /// All candidates of all reachable positions, as far as everything that they depend on was decoded: all if that is the
    /// `whole` rest of the line. Gives the position where that ended.
    pub(crate) fn look_up(&mut self, tables: &Tables<'_>, entering: &[Entering], whole: bool) -> usize {
        let positions = self.positions();
        self.counts.clear();
        self.counts.resize(positions + 1, 0);
        for path in entering {
            self.counts[path.position as usize] += 1;
        }
        self.starts.clear();
        self.groups.clear();
        (self.run_end, self.many) = (0, 0);
        let reach = if whole { 0 } else { tables.reach() };
        let mut limit = positions;
        for at in 0..positions {
            self.prefetch_nodes(tables, at);
            if self.counts[at] == 0 {
                continue;
            }
            let start = if self.info[at].is_space() { self.skip(tables, at) } else { at };
            if start + reach >= positions && whole {
                continue;
            }
            if start + reach >= positions || self.many + FEW as usize * self.groups.len() > MANY {
                limit = at;
                break;
            }
            let before = self.groups.len();
            self.starts.push(Start { at: at as u32, groups: before as u32 });
            let invokes = self.info[start].invokes();
            if invokes {
                self.unknown_words(tables, start);
            }
            self.words(tables, start);
            if !invokes && self.groups.len() == before {
                self.unknown_words(tables, start);
            }
            if self.groups.len() == before {
                self.unknown_word(tables, start);
            }
        }
        self.starts.push(Start { at: limit as u32, groups: self.groups.len() as u32 });
        limit
    }

    /// End of the whitespace at `at`: a character goes on with it that shares a category with the one before.
    pub(crate) fn skip(&self, tables: &Tables<'_>, at: usize) -> usize {
        if self.info[at].is_space() { self.run_from(tables, at) } else { at }
    }

    /// Byte spans of all candidates, after [`Self::look_up`].
    pub(crate) fn each_span(&self, mut visit: impl FnMut(usize, usize)) {
        for group in &self.groups {
            visit(self.offsets[usize::from(group.start)] as usize, self.offsets[usize::from(group.end)] as usize);
        }
    }

    /// Asks for the trie nodes that positions further on will need: of their second characters, and nearer of their third.
    #[inline(always)]
    fn prefetch_nodes(&self, tables: &Tables<'_>, at: usize) {
        let nodes = tables.nodes.as_ptr();
        if let Some(&[a, b, c]) = self.info.get(at + NEAR..at + NEAR + 3) {
            // SAFETY: every base of a checked file plus any of its codes is a node.
            let second = unsafe { Node(*nodes.add((Node(*nodes.add(a.code() as usize)).base() + b.code()) as usize)) };
            // Whether or not the second character leads on: a wrong guess costs less than a branch.
            prefetch(nodes.wrapping_add((second.base() + c.code()) as usize));
        }
        if let Some(&[a, b]) = self.info.get(at + FAR..at + FAR + 2) {
            // SAFETY: codes are below the number of nodes.
            let first = unsafe { Node(*nodes.add(a.code() as usize)) };
            prefetch(nodes.wrapping_add((first.base() + b.code()) as usize));
        }
    }

    /// A run, told as in [`Tables::wide`], as candidates for a span.
    #[inline(always)]
    fn push(&mut self, [first, count, block]: [u32; 3], start: usize, end: usize) {
        // SAFETY: candidates end at positions of the piece, and each has a count.
        let counter = unsafe { self.counts.get_unchecked_mut(end) };
        let place = *counter;
        *counter += count;
        if count > FEW {
            self.many += count as usize;
        }
        self.groups.push(Group { first, count: count as u16, start: start as u16, end: end as u16, block: block as u16, place });
    }

    /// Lexicon words from `start`, short to long.
    #[inline(always)]
    fn words(&mut self, tables: &Tables<'_>, start: usize) {
        let mut at = start;
        let mut base = 0;
        let most = start + tables.sizes.longest as usize;
        let mut left = MAX_PREFIXES;
        // A sound trie ends the walk itself.
        while at < most {
            // SAFETY: the walk ends at the latest at the code 0 behind the last position, for no node has the label 0.
            let code = unsafe { self.info.get_unchecked(at) }.code();
            // SAFETY: every base of a checked file plus any of its codes is a node.
            let node = Node(unsafe { *tables.nodes.get_unchecked((base + code) as usize) });
            if node.label() != code {
                return;
            }
            at += 1;
            let value = node.value();
            if value != 0 {
                let (first, count) = (value >> 4, value & 15);
                if count == Node::WIDE {
                    self.push(tables.wide[first as usize], start, at);
                } else {
                    prefetch(tables.records.as_ptr().wrapping_add(first as usize));
                    self.push([first, count, NO_BLOCK], start, at);
                }
                left -= 1;
                if left == 0 {
                    return;
                }
            }
            base = node.base();
        }
    }

    /// Unknown words from `start`: its group, then 1, 2, … characters.
    fn unknown_words(&mut self, tables: &Tables<'_>, start: usize) {
        let class = tables.classes[self.info[start].class()];
        let unknown = tables.categories[(class >> 18 & 0xFF) as usize];
        let positions = self.info.len() - 1;
        let mut group_end = 0;
        if class >> 30 & 1 == 1 {
            if self.run_end <= start {
                self.run_end = self.run_from(tables, start);
            }
            group_end = self.run_end;
            if group_end - start - 1 <= tables.sizes.max_grouping as usize {
                self.push(unknown, start, group_end);
            }
        }
        for end in start + 1..=start + (class >> 26 & 15) as usize {
            if end == group_end || end > positions {
                return;
            }
            self.push(unknown, start, end);
            if end < positions && tables.classes[self.info[end].class()] & class & SET == 0 {
                return;
            }
        }
    }

    /// End of the run of characters that meet their neighbours.
    fn run_from(&self, tables: &Tables<'_>, start: usize) -> usize {
        let positions = self.info.len() - 1;
        let mut set = tables.classes[self.info[start].class()];
        let mut end = start + 1;
        while end < positions {
            let next = tables.classes[self.info[end].class()];
            if set & next & SET == 0 {
                break;
            }
            set = next;
            end += 1;
        }
        end
    }

    /// The unknown word of one character.
    #[cold]
    fn unknown_word(&mut self, tables: &Tables<'_>, start: usize) {
        let class = tables.classes[self.info[start].class()];
        self.push(tables.categories[(class >> 18 & 0xFF) as usize], start, start + 1);
    }

    /// Places: position after position, in the order of connection.
    fn lay_out(&mut self) {
        self.bases.clear();
        let mut next = 0;
        for &count in &self.counts {
            self.bases.push(next);
            next += count + if count > 0 { PAD } else { 0 };
        }
        let total = next as usize;
        if self.costs.len() < total {
            let total = total.next_power_of_two();
            self.costs.resize(total, 0);
            self.rights.resize(total, 0);
            self.previous.resize(total, 0);
            self.group_of.resize(total, 0);
        }
    }

    /// Best cost and predecessor of every candidate that was found.
    pub(crate) fn connect(&mut self, tables: &Tables<'_>, entering: &[Entering]) {
        self.lay_out();
        self.enter(entering);
        #[cfg(target_arch = "x86_64")]
        if self.wide_registers {
            // SAFETY: the machine has AVX2; see `connect_all` for the rest.
            return unsafe { self.connect_avx2(tables) };
        }
        self.connect_all::<false>(tables);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn connect_avx2(&mut self, tables: &Tables<'_>) {
        self.connect_all::<true>(tables);
    }

    /// Puts the entering paths in their places, which are the first of their positions.
    fn enter(&mut self, entering: &[Entering]) {
        let mut filled = (u32::MAX, 0);
        for (path, number) in entering.iter().zip(0..) {
            filled = if filled.0 == path.position { (filled.0, filled.1 + 1) } else { (path.position, 0) };
            let place = (self.bases[path.position as usize] + filled.1) as usize;
            self.costs[place] = path.cost;
            self.rights[place] = path.right;
            self.previous[place] = number;
            self.group_of[place] = ENTERED;
        }
    }

    #[inline(always)]
    fn connect_all<const BLOCKS: bool>(&mut self, tables: &Tables<'_>) {
        let places = Places {
            costs: self.costs.as_mut_ptr(),
            rights: self.rights.as_mut_ptr(),
            previous: self.previous.as_mut_ptr(),
            group_of: self.group_of.as_mut_ptr(),
        };
        let lefts = |at: usize| Lefts { from: self.bases[at], count: self.counts[at] };
        for pair in self.starts.windows(2) {
            let lefts = lefts(pair[0].at as usize);
            for index in pair[0].groups..pair[1].groups {
                let group = &self.groups[index as usize];
                let place = self.bases[usize::from(group.end)] + group.place;
                let run = Run { first: group.first, count: u32::from(group.count), block: u32::from(group.block), place, group: index };
                // SAFETY: the tables were checked when the file was opened, so records, classes and blocks of the run exist.
                // `lay_out` gave each position as many places as `push` counted candidates, and 7 more: `lefts` and the
                // run lie within, stores of eight too. Positions are connected in order, so all candidates that end at
                // this one, which began before it, are filled.
                unsafe {
                    #[cfg(target_arch = "x86_64")]
                    if BLOCKS && run.block != NO_BLOCK {
                        connect::connect_blocks(tables, places, lefts, run);
                        continue;
                    }
                    connect::connect(tables, places, lefts, run);
                }
            }
        }
    }

    /// The last node of the best path: what the end of the line connects to.
    pub(crate) fn last(&self, tables: &Tables<'_>) -> u32 {
        let last = self.counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        let (from, to) = (self.bases[last], self.bases[last] + self.counts[last]);
        let row = &tables.matrix[(tables.sizes.eos * tables.sizes.rights) as usize..];
        let cost = |place: u32| self.costs[place as usize] + i32::from(row[usize::from(self.rights[place as usize])]);
        // Of equal costs the node with the highest place wins.
        (from..to).rev().min_by_key(|&place| cost(place)).unwrap_or(0)
    }

    /// The nodes that end at `limit` or behind it, as they enter the part that begins there.
    pub(crate) fn leaving(&self, limit: usize) -> Vec<Entering> {
        let ends =
            (limit..self.counts.len()).flat_map(|end| (self.bases[end]..self.bases[end] + self.counts[end]).map(move |place| (end, place)));
        let least = ends.clone().map(|(_, place)| self.costs[place as usize]).min().unwrap_or(0);
        // A path so much dearer than another has lost; the difference must not grow from part to part.
        let cost = |place: u32| (i64::from(self.costs[place as usize]) - i64::from(least)).min(1 << 30) as i32;
        ends.map(|(end, place)| Entering { position: (end - limit) as u32, cost: cost(place), right: self.rights[place as usize], place })
            .collect()
    }

    /// The node before one; `Err` with its number if it is an entering path.
    pub(crate) fn before(&self, place: u32) -> Result<u32, u32> {
        let previous = self.previous[place as usize];
        if self.group_of[place as usize] == ENTERED { Err(previous) } else { Ok(previous) }
    }

    /// Appends the pieces of a whole line: the path that ends at place `last`.
    fn trace(&mut self, tables: &Tables<'_>, last: u32, base: u32, out: &mut Pieces) {
        self.path.clear();
        let mut at = last;
        while self.group_of[at as usize] != ENTERED {
            self.path.push(at);
            at = self.previous[at as usize];
        }
        let mut end = base;
        for &at in self.path.iter().rev() {
            end = self.piece(tables, at, base, end, out);
        }
        let line_end = base + self.offsets[self.positions()];
        if end < line_end {
            out.push_gap(line_end);
        }
    }

    /// Appends the piece of a node, and the gap before it if the piece before ended earlier; gives its end.
    #[inline(always)]
    pub(crate) fn piece(&self, tables: &Tables<'_>, place: u32, base: u32, before: u32, out: &mut Pieces) -> u32 {
        let group = self.groups[self.group_of[place as usize] as usize];
        let start = base + self.offsets[usize::from(group.start)];
        if start > before {
            out.push_gap(start);
        }
        let end = base + self.offsets[usize::from(group.end)];
        let n = place - self.bases[usize::from(group.end)] - group.place;
        let pos = Record(tables.records[(group.first + n) as usize]).pos();
        out.push(end, pos, tables.word(group.first, u32::from(group.count), n));
        end
    }
}

/// Asks for the cache line of a value that will be read soon.
#[inline]
fn prefetch<T>(value: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it yields nothing and cannot fault, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(value.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}
