//! Analyses a line that is too long to be analysed at once: chunk by chunk, with the same result.
//!
//! A chunk ends at a position up to which the characters that decide about all candidates were decoded. All paths that reach over
//! this end enter the next chunk, with the differences of their costs. As soon as all of them go through one node, the path up to
//! this node is settled and its morphemes are given, so rarely more than two chunks are held in memory. In text this happens within
//! a sentence. Where it does not happen for a long time (a line that repeats one pattern), the cheapest path is taken.

use std::collections::BTreeSet;

use crate::segment::exact::lattice::{Entering, Lattice};
use crate::segment::exact::tables::Tables;
use crate::segment::morphemes::MorphemeBuffer;

/// Chunks that are held at most: some 100 MB, half a million characters.
const MAX_CHUNKS: usize = 64;

/// A chunk whose path is not settled.
struct Chunk {
    lattice: Lattice,
    /// Byte of the line at which it begins.
    from: usize,
    entering: Vec<Entering>,
    /// The node up to which the path is settled and its morphemes were given.
    settled: Option<u32>,
}

/// Appends the morphemes of `line`; `base` is added to byte ends.
pub(crate) fn analyse(memory: &Lattice, tables: &Tables<'_>, line: &str, base: u32, out: &mut MorphemeBuffer) {
    let mut long = Long { tables, base, end: base, chunks: Vec::new(), spare: Vec::new(), out };
    let mut entering = vec![Entering::line(tables)];
    let mut from = 0;
    while let Some(rest) = line.get(from..) {
        let mut lattice = long.spare.pop().unwrap_or_else(|| memory.another());
        let whole = lattice.decode(tables, rest) == rest.len();
        let limit = lattice.look_up(tables, &entering, whole);
        if limit == 0 {
            from += skip(&lattice, tables, &entering);
            long.spare.push(lattice);
            continue;
        }
        lattice.connect(tables, &entering);
        let (done, leaving) = (whole && limit == lattice.positions(), lattice.leaving(limit));
        let next = from + lattice.offset(limit) as usize;
        let last = lattice.last_of_best_path(tables);
        long.chunks.push(Chunk { lattice, from, entering, settled: None });
        if done {
            long.settle(last);
            break;
        }
        entering = long.go_on(leaving);
        from = next;
    }
    let line_end = base + line.len() as u32;
    if long.end < line_end {
        long.out.push_gap(line_end);
    }
}

/// Skips some of the white space at the start of a chunk that has more of it than is analysed at once. What is left is at least one
/// character longer than the paths that enter reach into it. Gives the skipped bytes.
fn skip(lattice: &Lattice, tables: &Tables<'_>, entering: &[Entering]) -> usize {
    let reached = entering.last().map_or(0, |path| path.position as usize);
    let by = lattice.skip(tables, 0).saturating_sub(reached + 1).max(1);
    lattice.offset(by) as usize
}

/// A long line while it is analysed.
struct Long<'a> {
    tables: &'a Tables<'a>,
    base: u32,
    /// End of the morphemes that were given.
    end: u32,
    chunks: Vec<Chunk>,
    spare: Vec<Lattice>,
    out: &'a mut MorphemeBuffer,
}

impl Long<'_> {
    /// Settles the path as far as it is the same for all paths that leave the last chunk; gives the paths that go on.
    fn go_on(&mut self, leaving: Vec<Entering>) -> Vec<Entering> {
        if let Some(node) = self.chunks.last().and_then(|chunk| meeting(&chunk.lattice, &leaving)) {
            self.settle(node);
            return leaving;
        }
        if self.chunks.len() < MAX_CHUNKS {
            return leaving;
        }
        let Some(cheapest) = leaving.iter().min_by_key(|path| path.cost).copied() else { return leaving };
        self.settle(cheapest.node);
        vec![cheapest]
    }

    /// Gives the morphemes of the path to a node of the last chunk, which is the only chunk that stays.
    fn settle(&mut self, node: u32) {
        let mut path = Vec::new();
        let (mut number, mut at) = (self.chunks.len() - 1, node);
        loop {
            let chunk = &self.chunks[number];
            if chunk.settled == Some(at) {
                break;
            }
            match chunk.lattice.predecessor(at) {
                Ok(before) => {
                    path.push((number, at));
                    at = before;
                }
                Err(_) if number == 0 => break,
                Err(entered) => {
                    at = chunk.entering[entered as usize].node;
                    number -= 1;
                }
            }
        }
        for &(number, node) in path.iter().rev() {
            let chunk = &self.chunks[number];
            self.end = chunk.lattice.push_morpheme(self.tables, node, self.base + chunk.from as u32, self.end, self.out);
        }
        let last = self.chunks.len() - 1;
        self.spare.extend(self.chunks.drain(..last).map(|chunk| chunk.lattice));
        self.chunks[0].settled = Some(node);
    }
}

/// The last node that all leaving paths go through, if it belongs to this chunk.
fn meeting(lattice: &Lattice, leaving: &[Entering]) -> Option<u32> {
    let mut open: BTreeSet<u32> = leaving.iter().map(|path| path.node).collect();
    // A node's index is greater than those of all nodes before it.
    while open.len() > 1 {
        let last = open.pop_last()?;
        open.insert(lattice.predecessor(last).ok()?);
    }
    let node = open.pop_last()?;
    lattice.predecessor(node).is_ok().then_some(node)
}
