//! The lattice of a line: its characters, its nodes, and the memory of both, kept from line to line.
//!
//! A line is analysed in three steps. *Look-up* ([`super::candidates`]) finds all candidate words before any cost is known and
//! counts how many end at each position; sums of these counts give every candidate its node, an index in flat arrays. The
//! *forward pass* ([`super::forward`]) computes the cheapest path to each node, position by position; its branches depend on counts
//! that are known beforehand, never on costs. The *backward pass* ([`super::backward`]) follows the best path from its end.

#![expect(unsafe_code, reason = "the loops that decide the speed of the engine run without bounds checks, on checked tables")]

use crate::segment::exact::packed::CharInfo;
use crate::segment::exact::tables::Tables;

/// Positions that are analysed at once: path costs stay below 2³⁰ (65,534 a position), and below 2³¹ behind entering paths
/// that differ by 2³⁰. Longer lines are analysed in chunks ([`super::long`]).
pub(super) const MAX_POSITIONS: usize = 15_000;
/// In `group_of`: the node is a path that enters, `previous` its number.
pub(super) const ENTERED: u32 = u32::MAX;

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
    /// First block, or `NO_BLOCK`.
    pub(crate) block: u16,
    /// First node, counted among those of `end`.
    pub(crate) node: u32,
}

/// A path that enters: the beginning of the line, or a node that reaches over from the chunk before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entering {
    /// Position at which it ends here.
    pub(crate) position: u32,
    pub(crate) cost: i32,
    pub(crate) right: u16,
    /// Its node in the chunk before.
    pub(crate) node: u32,
}

impl Entering {
    /// The beginning of a line.
    pub(crate) fn line(tables: &Tables<'_>) -> Self {
        Self { position: 0, cost: 0, right: tables.sizes.bos as u16, node: 0 }
    }
}

/// A reached position, and where its candidates begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) at: u32,
    pub(super) groups: u32,
}

/// The memory of one thread.
#[derive(Debug)]
pub(crate) struct Lattice {
    /// Positions analysed at once.
    pub(super) most: usize,
    pub(super) info: Vec<CharInfo>,
    /// Byte start of each position.
    pub(super) offsets: Vec<u32>,
    /// Nodes of each position: the candidates that end there.
    pub(super) node_counts: Vec<u32>,
    /// First node of each position.
    pub(super) first_nodes: Vec<u32>,
    pub(super) starts: Vec<Start>,
    pub(super) groups: Vec<Group>,
    /// Cost of the cheapest path to each node.
    pub(super) costs: Vec<i32>,
    /// Right class of each node.
    pub(super) rights: Vec<u16>,
    /// The node before each on that path.
    pub(super) previous: Vec<u32>,
    /// Index of the group of each node.
    pub(super) group_of: Vec<u32>,
    /// The best path, from its end.
    pub(super) path: Vec<u32>,
    /// End of the run of unknown characters looked at last.
    pub(super) run_end: usize,
    /// Candidates in large groups.
    pub(super) many: usize,
    /// Has the machine AVX2?
    pub(super) wide_registers: bool,
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
            node_counts: Vec::new(),
            first_nodes: Vec::new(),
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

    /// Empty memory for another chunk of the same line.
    pub(crate) fn another(&self) -> Self {
        Self { most: self.most, wide_registers: self.wide_registers, ..Self::portable() }
    }

    /// The same answers from chunks of `most` positions.
    #[cfg(test)]
    pub(crate) fn in_chunks(self, most: usize) -> Self {
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

    /// Byte spans of all candidates, after [`Self::look_up`].
    pub(crate) fn each_span(&self, mut visit: impl FnMut(usize, usize)) {
        for group in &self.groups {
            visit(self.offsets[usize::from(group.start)] as usize, self.offsets[usize::from(group.end)] as usize);
        }
    }
}

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}
