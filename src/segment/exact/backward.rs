//! The backward pass: from the last node of the best path to the morphemes.

#![expect(clippy::inline_always, reason = "called once a morpheme")]

use crate::segment::exact::lattice::{ENTERED, Lattice};
use crate::segment::exact::packed::Record;
use crate::segment::exact::tables::Tables;
use crate::segment::morphemes::MorphemeBuffer;

impl Lattice {
    /// The node before `node` on its path; `Err` with the number of the path if `node` is an entering one.
    pub(super) fn predecessor(&self, node: u32) -> Result<u32, u32> {
        let previous = self.previous[node as usize];
        if self.group_of[node as usize] == ENTERED { Err(previous) } else { Ok(previous) }
    }

    /// Appends the morphemes of a whole line: the path that ends at the node `last`.
    pub(super) fn trace_back(&mut self, tables: &Tables<'_>, last: u32, base: u32, out: &mut MorphemeBuffer) {
        self.path.clear();
        let mut node = last;
        while self.group_of[node as usize] != ENTERED {
            self.path.push(node);
            node = self.previous[node as usize];
        }
        let mut end = base;
        for &node in self.path.iter().rev() {
            end = self.push_morpheme(tables, node, base, end, out);
        }
        let line_end = base + self.offsets[self.positions()];
        if end < line_end {
            out.push_gap(line_end);
        }
    }

    /// Appends the morpheme of a node, and a gap before it if the morpheme before ends earlier (at `before`); gives its end.
    #[inline(always)]
    pub(super) fn push_morpheme(&self, tables: &Tables<'_>, node: u32, base: u32, before: u32, out: &mut MorphemeBuffer) -> u32 {
        let group = self.groups[self.group_of[node as usize] as usize];
        let start = base + self.offsets[usize::from(group.start)];
        if start > before {
            out.push_gap(start);
        }
        let end = base + self.offsets[usize::from(group.end)];
        let n = node - self.first_nodes[usize::from(group.end)] - group.node;
        let pos = Record(tables.records[(group.first + n) as usize]).pos();
        out.push(end, pos, tables.word(group.first, u32::from(group.count), n));
        end
    }
}
