//! The forward pass: gives every candidate its node, and computes the cost and the predecessor of each.
//!
//! Ties are MeCab's: of equal totals the left node connected last wins. The nodes of one end stand in the order in which MeCab
//! connects them, so it is the one with the highest index.

#![expect(unsafe_code, reason = "the loops that decide the speed of the engine run without bounds checks, on checked tables")]
#![expect(clippy::inline_always, reason = "one loop, in two forms: it must be compiled for the instructions of the form")]

use crate::segment::exact::connect::{self, LeftNodes, Nodes, Run};
use crate::segment::exact::lattice::{ENTERED, Entering, Lattice};
use crate::segment::exact::packed::NO_BLOCK;
use crate::segment::exact::tables::Tables;

/// Unused nodes behind those of a position, so that homographs can be stored eight at a time.
const PAD: u32 = 7;

impl Lattice {
    /// Gives each position its nodes: position after position, in the order of connection.
    fn lay_out_nodes(&mut self) {
        self.first_nodes.clear();
        let mut next = 0;
        for &count in &self.node_counts {
            self.first_nodes.push(next);
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
    pub(super) fn connect(&mut self, tables: &Tables<'_>, entering: &[Entering]) {
        self.lay_out_nodes();
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

    /// Fills the nodes of the entering paths, which are the first of their positions.
    fn enter(&mut self, entering: &[Entering]) {
        let mut filled = (u32::MAX, 0);
        for (path, number) in entering.iter().zip(0..) {
            filled = if filled.0 == path.position { (filled.0, filled.1 + 1) } else { (path.position, 0) };
            let node = (self.first_nodes[path.position as usize] + filled.1) as usize;
            self.costs[node] = path.cost;
            self.rights[node] = path.right;
            self.previous[node] = number;
            self.group_of[node] = ENTERED;
        }
    }

    #[inline(always)]
    fn connect_all<const BLOCKS: bool>(&mut self, tables: &Tables<'_>) {
        let nodes = Nodes {
            costs: self.costs.as_mut_ptr(),
            rights: self.rights.as_mut_ptr(),
            previous: self.previous.as_mut_ptr(),
            group_of: self.group_of.as_mut_ptr(),
        };
        let lefts = |at: usize| LeftNodes { from: self.first_nodes[at], count: self.node_counts[at] };
        for pair in self.starts.windows(2) {
            let lefts = lefts(pair[0].at as usize);
            for index in pair[0].groups..pair[1].groups {
                let group = &self.groups[index as usize];
                let node = self.first_nodes[usize::from(group.end)] + group.node;
                let run = Run { first: group.first, count: u32::from(group.count), block: u32::from(group.block), node, group: index };
                // SAFETY: the tables were checked when the file was opened, so records, classes and blocks of the run exist.
                // `lay_out_nodes` gave each position as many nodes as `push` counted candidates, and 7 more: `lefts` and the
                // run lie within, stores of eight too. Positions are connected in order, so all candidates that end at
                // this one, which began before it, are filled.
                unsafe {
                    #[cfg(target_arch = "x86_64")]
                    if BLOCKS && run.block != NO_BLOCK {
                        connect::connect_blocks(tables, nodes, lefts, run);
                        continue;
                    }
                    connect::connect(tables, nodes, lefts, run);
                }
            }
        }
    }

    /// The last node of the best path: what the end of the line connects to.
    pub(super) fn last_of_best_path(&self, tables: &Tables<'_>) -> u32 {
        let last = self.node_counts.iter().rposition(|&count| count > 0).unwrap_or(0);
        let (from, to) = (self.first_nodes[last], self.first_nodes[last] + self.node_counts[last]);
        let row = &tables.matrix[(tables.sizes.eos * tables.sizes.rights) as usize..];
        let cost = |node: u32| self.costs[node as usize] + i32::from(row[usize::from(self.rights[node as usize])]);
        // Of equal costs the node with the highest index wins.
        (from..to).rev().min_by_key(|&node| cost(node)).unwrap_or(0)
    }

    /// The nodes that end at `limit` or behind it, as they enter the chunk that begins there.
    pub(super) fn leaving(&self, limit: usize) -> Vec<Entering> {
        let ends = (limit..self.node_counts.len())
            .flat_map(|end| (self.first_nodes[end]..self.first_nodes[end] + self.node_counts[end]).map(move |node| (end, node)));
        let least = ends.clone().map(|(_, node)| self.costs[node as usize]).min().unwrap_or(0);
        // A path that costs so much more than another cannot win; the difference must not grow from chunk to chunk.
        let cost = |node: u32| (i64::from(self.costs[node as usize]) - i64::from(least)).min(1 << 30) as i32;
        ends.map(|(end, node)| Entering { position: (end - limit) as u32, cost: cost(node), right: self.rights[node as usize], node })
            .collect()
    }
}
