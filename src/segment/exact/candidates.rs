//! Look-up: all candidate words of all reachable positions, lexicon words and unknown words.

#![expect(unsafe_code, reason = "the loops that decide the speed of the engine run without bounds checks, on checked tables")]
#![expect(clippy::inline_always, reason = "called once a character, by one caller")]

use crate::segment::exact::lattice::{Entering, Group, Lattice, Start};
use crate::segment::exact::packed::{NO_BLOCK, TrieNode};
use crate::segment::exact::tables::Tables;

/// Candidates after which a chunk ends: some thirty times what text has. Only a dictionary made for the purpose has more.
const MANY: usize = 1 << 21;
/// Groups of up to this many candidates are counted as if they had this many.
const FEW: u32 = 16;
/// Surfaces of one position that MeCab finds at most.
const MAX_PREFIXES: usize = 512;
/// Positions by which the trie nodes of second characters are asked for in advance.
const FAR: usize = 12;
/// The same of third characters.
const NEAR: usize = 5;

/// Bits of a class that hold its category set.
const SET: u32 = 0x3_FFFF;

impl Lattice {
    /// Finds all candidates of all reachable positions. If what was decoded is not the `whole` rest of the line, it stops before the
    /// first position whose candidates depend on characters that were not decoded. Gives the position where it stopped.
    pub(crate) fn look_up(&mut self, tables: &Tables<'_>, entering: &[Entering], whole: bool) -> usize {
        let positions = self.positions();
        self.node_counts.clear();
        self.node_counts.resize(positions + 1, 0);
        for path in entering {
            self.node_counts[path.position as usize] += 1;
        }
        self.starts.clear();
        self.groups.clear();
        (self.run_end, self.many) = (0, 0);
        let reach = if whole { 0 } else { tables.reach() };
        let mut limit = positions;
        for at in 0..positions {
            self.prefetch_nodes(tables, at);
            if self.node_counts[at] == 0 {
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

    /// End of the whitespace at `at`: it goes on while a character shares a category with the one before.
    pub(crate) fn skip(&self, tables: &Tables<'_>, at: usize) -> usize {
        if self.info[at].is_space() { self.run_from(tables, at) } else { at }
    }

    /// Asks for the trie nodes that positions further on will need: of their second characters, and nearer of their third.
    #[inline(always)]
    fn prefetch_nodes(&self, tables: &Tables<'_>, at: usize) {
        let nodes = tables.nodes.as_ptr();
        if let Some(&[a, b, c]) = self.info.get(at + NEAR..at + NEAR + 3) {
            // SAFETY: every base of a checked file plus any of its codes is a node.
            let second = unsafe { TrieNode(*nodes.add((TrieNode(*nodes.add(a.code() as usize)).base() + b.code()) as usize)) };
            // This is done even where the second character is no child: a useless prefetch costs less than a branch.
            prefetch(nodes.wrapping_add((second.base() + c.code()) as usize));
        }
        if let Some(&[a, b]) = self.info.get(at + FAR..at + FAR + 2) {
            // SAFETY: codes are below the number of nodes.
            let first = unsafe { TrieNode(*nodes.add(a.code() as usize)) };
            prefetch(nodes.wrapping_add((first.base() + b.code()) as usize));
        }
    }

    /// Adds a run, in the form of [`Tables::wide`], as candidates for a span.
    #[inline(always)]
    fn push(&mut self, [first, count, block]: [u32; 3], start: usize, end: usize) {
        // SAFETY: candidates end at positions of the lattice, and each has a count.
        let counter = unsafe { self.node_counts.get_unchecked_mut(end) };
        let node = *counter;
        *counter += count;
        if count > FEW {
            self.many += count as usize;
        }
        self.groups.push(Group { first, count: count as u16, start: start as u16, end: end as u16, block: block as u16, node });
    }

    /// Lexicon words that begin at `start`, from short to long.
    #[inline(always)]
    fn words(&mut self, tables: &Tables<'_>, start: usize) {
        let mut at = start;
        let mut base = 0;
        let most = start + tables.sizes.longest as usize;
        let mut left = MAX_PREFIXES;
        // In a trie that is a tree the walk ends before.
        while at < most {
            // SAFETY: the walk ends at the latest at the code 0 behind the last position, for no node has the label 0.
            let code = unsafe { self.info.get_unchecked(at) }.code();
            // SAFETY: every base of a checked file plus any of its codes is a node.
            let node = TrieNode(unsafe { *tables.nodes.get_unchecked((base + code) as usize) });
            if node.label() != code {
                return;
            }
            at += 1;
            let value = node.value();
            if value != 0 {
                let (first, count) = (value >> 4, value & 15);
                if count == TrieNode::WIDE {
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

    /// Unknown words that begin at `start`: the group of like characters, then words of 1, 2, … characters.
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

    /// End of the run in which each character shares a category with the one before it.
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

    /// The unknown word of one character, where nothing else was found.
    #[cold]
    fn unknown_word(&mut self, tables: &Tables<'_>, start: usize) {
        let class = tables.classes[self.info[start].class()];
        self.push(tables.categories[(class >> 18 & 0xFF) as usize], start, start + 1);
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
