//! The tables of `lattice.bin` as values, and how they are laid out in the file.

use crate::segment::exact::header::{MAGIC, Sizes, VERSION};
use crate::segment::exact::packed::Lanes;

/// The tables, as values: what [`TableValues::write`] lays out.
#[derive(Debug, Default)]
pub(crate) struct TableValues {
    pub(crate) sizes: Sizes,
    pub(crate) chars: Vec<u32>,
    pub(crate) classes: Vec<u32>,
    /// The run of unknown rows of each category: first record, count, first block.
    pub(crate) categories: Vec<[u32; 3]>,
    /// Character and trie code, ascending.
    pub(crate) astral: Vec<[u32; 2]>,
    pub(crate) nodes: Vec<u64>,
    pub(crate) wide: Vec<[u32; 3]>,
    pub(crate) records: Vec<u64>,
    pub(crate) matrix: Vec<i16>,
    pub(crate) blocks: Vec<i16>,
    pub(crate) lanes: Vec<Lanes>,
}

impl TableValues {
    /// The file. `None` if it cannot be addressed on this machine.
    pub(crate) fn write(mut self) -> Option<Vec<u8>> {
        self.sizes.classes = self.classes.len() as u32;
        self.sizes.categories = self.categories.len() as u32;
        self.sizes.astral = self.astral.len() as u32;
        self.sizes.nodes = self.nodes.len() as u32;
        self.sizes.wide = self.wide.len() as u32;
        self.sizes.records = self.records.len() as u32;
        let (starts, total) = self.sizes.starts()?;
        let mut out = Vec::with_capacity(total);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend(self.sizes.fields().iter().flat_map(|n| n.to_le_bytes()));
        let mut starts = starts.into_iter();
        let mut next = |out: &mut Vec<u8>| out.resize(starts.next().unwrap_or(total), 0);
        next(&mut out);
        out.extend(self.chars.iter().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.classes.iter().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.categories.iter().flatten().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.astral.iter().flatten().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.nodes.iter().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.wide.iter().flatten().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.records.iter().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.matrix.iter().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        out.extend(self.blocks.iter().flat_map(|n| n.to_le_bytes()));
        next(&mut out);
        for lanes in &self.lanes {
            out.extend(lanes.costs.iter().flat_map(|n| n.to_le_bytes()));
            out.extend(lanes.rights.iter().flat_map(|n| n.to_le_bytes()));
        }
        out.resize(total, 0);
        Some(out)
    }
}
