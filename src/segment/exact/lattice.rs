//! One piece of a line → its morphemes: decode, look up, lay out, connect, trace back.
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
use crate::segment::exact::layout::{CharInfo, MAX_RUN, NO_BLOCK, Node, Record, Tables};

/// Positions of a piece at most: path costs stay below 2³¹ (65,536 a position).
pub(crate) const MAX_POSITIONS: usize = 32_000;
/// Unused places behind the candidates of a position, so that homographs can be stored eight at a time.
const PAD: u32 = 7;
/// Most candidates of a piece: places fit 32 bits, and memory.
const MAX_PLACES: u64 = 1 << 27;
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

/// A reached position, and where its candidates begin.
#[derive(Debug, Clone, Copy)]
struct Start {
    at: u32,
    groups: u32,
}

/// The memory of one thread.
#[derive(Debug, Default)]
pub(crate) struct Lattice {
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
    /// Has the machine AVX2?
    wide_registers: bool,
}

impl Lattice {
    /// Empty memory; `wide_registers` only if the machine has AVX2.
    pub(crate) fn new() -> Self {
        Self { wide_registers: has_avx2(), ..Self::default() }
    }

    /// The same answers without AVX2.
    pub(crate) fn portable() -> Self {
        Self::default()
    }

    /// Decodes the longest beginning of `text` that is analysed as one; gives its bytes.
    pub(crate) fn decode(&mut self, tables: &Tables<'_>, text: &str) -> usize {
        let most = text.len().min(MAX_POSITIONS) + 1;
        self.info.clear();
        self.info.reserve(most);
        self.offsets.clear();
        self.offsets.reserve(most);
        let (info, offsets) = (self.info.as_mut_ptr(), self.offsets.as_mut_ptr());
        let (mut n, mut bytes) = (0, text.len());
        for (at, c) in text.char_indices() {
            if n == MAX_POSITIONS {
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
        if bytes < text.len() { self.cut(bytes) } else { self.finish(bytes) }
    }

    /// A piece that is too long ends behind its last whitespace, if it has any.
    #[cold]
    fn cut(&mut self, bytes: usize) -> usize {
        let Some(space) = self.info.iter().rposition(|info| info.is_space()).filter(|&at| at + 1 < self.info.len()) else {
            return self.finish(bytes);
        };
        let bytes = self.offsets[space + 1] as usize;
        self.info.truncate(space + 1);
        self.offsets.truncate(space + 1);
        self.finish(bytes)
    }

    fn finish(&mut self, bytes: usize) -> usize {
        self.info.push(CharInfo::default());
        self.offsets.push(bytes as u32);
        bytes
    }

    /// Analyses what was decoded and appends the pieces; `base` is added to byte ends.
    pub(crate) fn analyse(&mut self, tables: &Tables<'_>, base: u32, out: &mut Pieces) {
        self.look_up(tables);
        if !self.lay_out() {
            out.push_gap(base + self.offsets[self.info.len() - 1]);
            return;
        }
        let last = self.connect(tables);
        self.trace(tables, last, base, out);
    }

    /// All candidates of all reachable positions.
    pub(crate) fn look_up(&mut self, tables: &Tables<'_>) {
        let positions = self.info.len() - 1;
        self.counts.clear();
        self.counts.resize(positions + 1, 0);
        self.counts[0] = 1;
        self.starts.clear();
        self.groups.clear();
        self.run_end = 0;
        for at in 0..positions {
            self.prefetch_nodes(tables, at);
            if self.counts[at] == 0 {
                continue;
            }
            let mut start = at;
            while self.info[start].is_space() {
                start += 1;
            }
            if start == positions {
                continue;
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
        self.starts.push(Start { at: positions as u32, groups: self.groups.len() as u32 });
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
        self.groups.push(Group { first, count: count as u16, start: start as u16, end: end as u16, block: block as u16, place });
    }

    /// Lexicon words from `start`, short to long.
    #[inline(always)]
    fn words(&mut self, tables: &Tables<'_>, start: usize) {
        let mut at = start;
        let mut base = 0;
        loop {
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

    /// Places: position after position, in the order of connection. False if there are more than any dictionary of words
    /// leads to: only a file made for the purpose does that.
    fn lay_out(&mut self) -> bool {
        let candidates = || self.groups.iter().map(|group| u64::from(group.count)).sum::<u64>();
        if self.groups.len() > (MAX_PLACES / u64::from(MAX_RUN)) as usize && candidates() > MAX_PLACES {
            return false;
        }
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
        true
    }

    /// Best cost and predecessor of every candidate; gives the last node of the best path.
    fn connect(&mut self, tables: &Tables<'_>) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if self.wide_registers {
            // SAFETY: the machine has AVX2; see `connect_all` for the rest.
            return unsafe { self.connect_avx2(tables) };
        }
        self.connect_all::<false>(tables)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn connect_avx2(&mut self, tables: &Tables<'_>) -> u32 {
        self.connect_all::<true>(tables)
    }

    #[inline(always)]
    fn connect_all<const BLOCKS: bool>(&mut self, tables: &Tables<'_>) -> u32 {
        (self.costs[0], self.rights[0]) = (0, tables.sizes.bos as u16);
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
        let last = self.counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        // SAFETY: as above.
        unsafe { connect::best(tables, places, lefts(last), tables.sizes.eos as u16).1 }
    }

    /// Appends the pieces of the path that ends at place `last`.
    fn trace(&mut self, tables: &Tables<'_>, last: u32, base: u32, out: &mut Pieces) {
        self.path.clear();
        let mut at = last;
        // Place 0 is the beginning of the sentence.
        while at != 0 {
            self.path.push(at);
            at = self.previous[at as usize];
        }
        let mut end = 0;
        for &at in self.path.iter().rev() {
            let group = self.groups[self.group_of[at as usize] as usize];
            if group.start > end {
                out.push_gap(base + self.offsets[usize::from(group.start)]);
            }
            end = group.end;
            let n = at - self.bases[usize::from(end)] - group.place;
            let pos = Record(tables.records[(group.first + n) as usize]).pos();
            out.push(base + self.offsets[usize::from(end)], pos, tables.word(group.first, u32::from(group.count), n));
        }
        let positions = self.info.len() - 1;
        if usize::from(end) < positions {
            out.push_gap(base + self.offsets[positions]);
        }
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
