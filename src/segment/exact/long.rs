//! A line too long to be analysed at once: part by part, with the answer of the whole.
//!
//! A part ends where everything that its candidates depend on was still seen. All paths that reach over its end enter the
//! next part, with the differences of their costs. Once they all come through one node, the path up to it is settled, so
//! rarely more than two parts are held. In text that happens within a sentence; where it does not for a long time (a line
//! that repeats one pattern), the cheapest path is taken as settled.

use std::collections::BTreeSet;

use crate::segment::Pieces;
use crate::segment::exact::lattice::{Entering, Lattice};
use crate::segment::exact::layout::Tables;

/// Parts that are held at most: some 100 MB, half a million characters.
const MAX_PARTS: usize = 64;

/// A part whose path is not settled.
struct Part {
    lattice: Lattice,
    /// Byte of the line at which it begins.
    from: usize,
    entering: Vec<Entering>,
    /// The node up to which the path is settled: its pieces were given.
    settled: Option<u32>,
}

/// Appends the pieces of `line`; `base` is added to byte ends.
pub(crate) fn analyse(memory: &Lattice, tables: &Tables<'_>, line: &str, base: u32, out: &mut Pieces) {
    let mut long = Long { tables, base, end: base, parts: Vec::new(), spare: Vec::new(), out };
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
        let last = lattice.last(tables);
        long.parts.push(Part { lattice, from, entering, settled: None });
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

/// The part begins with more whitespace than is analysed at once: passes over some of it, so that the rest still is as long
/// as the paths that enter reach into it, and a character longer. Gives the bytes.
fn skip(lattice: &Lattice, tables: &Tables<'_>, entering: &[Entering]) -> usize {
    let reached = entering.last().map_or(0, |path| path.position as usize);
    let by = lattice.skip(tables, 0).saturating_sub(reached + 1).max(1);
    lattice.offset(by) as usize
}

/// A long line on its way.
struct Long<'a> {
    tables: &'a Tables<'a>,
    base: u32,
    /// End of the pieces that were given.
    end: u32,
    parts: Vec<Part>,
    spare: Vec<Lattice>,
    out: &'a mut Pieces,
}

impl Long<'_> {
    /// Settles what the paths that leave the last part have in common; gives those that go on.
    fn go_on(&mut self, leaving: Vec<Entering>) -> Vec<Entering> {
        if let Some(node) = self.parts.last().and_then(|part| meeting(&part.lattice, &leaving)) {
            self.settle(node);
            return leaving;
        }
        if self.parts.len() < MAX_PARTS {
            return leaving;
        }
        let Some(cheapest) = leaving.iter().min_by_key(|path| path.cost).copied() else { return leaving };
        self.settle(cheapest.place);
        vec![cheapest]
    }

    /// Gives the pieces of the path to a node of the last part, which is the only part that stays.
    fn settle(&mut self, node: u32) {
        let mut path = Vec::new();
        let (mut number, mut place) = (self.parts.len() - 1, node);
        loop {
            let part = &self.parts[number];
            if part.settled == Some(place) {
                break;
            }
            match part.lattice.before(place) {
                Ok(before) => {
                    path.push((number, place));
                    place = before;
                }
                Err(_) if number == 0 => break,
                Err(entered) => {
                    place = part.entering[entered as usize].place;
                    number -= 1;
                }
            }
        }
        for &(number, place) in path.iter().rev() {
            let part = &self.parts[number];
            self.end = part.lattice.piece(self.tables, place, self.base + part.from as u32, self.end, self.out);
        }
        let last = self.parts.len() - 1;
        self.spare.extend(self.parts.drain(..last).map(|part| part.lattice));
        self.parts[0].settled = Some(node);
    }
}

/// The last node that all leaving paths come through, if it is of this part.
fn meeting(lattice: &Lattice, leaving: &[Entering]) -> Option<u32> {
    let mut open: BTreeSet<u32> = leaving.iter().map(|path| path.place).collect();
    // A node's place is behind those of all nodes before it.
    while open.len() > 1 {
        let last = open.pop_last()?;
        open.insert(lattice.before(last).ok()?);
    }
    let node = open.pop_last()?;
    lattice.before(node).is_ok().then_some(node)
}
