//! The inner loop of the forward pass: finds the cheapest left node for every node. There is a plain form and one for AVX2.
//!
//! Both forms give the same results: integers are added and compared in the same order, and of equal totals the last left node
//! wins. The AVX2 form computes eight homographs at a time, where they have blocks.
#![expect(unsafe_code, reason = "the loop that decides the speed of the engine runs without bounds checks, on checked tables")]
#![expect(clippy::inline_always, reason = "one loop, in two forms: what it calls must be compiled for the instructions of the form")]

#[cfg(target_arch = "x86_64")]
use crate::segment::exact::packed::LANES;
use crate::segment::exact::packed::Record;
use crate::segment::exact::tables::Tables;

/// The arrays of the nodes, which the loop reads and writes. Whoever makes one promises:
/// * the tables are those of a file that passed [`Tables::open`];
/// * `costs`, `rights`, `previous` and `group_of` point to at least `len + 7` values, and every node is below `len`;
/// * the values of `rights` at nodes that are read are classes of the tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nodes {
    pub(crate) costs: *mut i32,
    pub(crate) rights: *mut u16,
    pub(crate) previous: *mut u32,
    pub(crate) group_of: *mut u32,
}

/// Left nodes: `count` nodes from `from` on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeftNodes {
    pub(crate) from: u32,
    pub(crate) count: u32,
}

/// A run of homographs to connect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// First block, or `NO_BLOCK`.
    pub(crate) block: u32,
    /// Node of the first homograph.
    pub(crate) node: u32,
    /// Number of the group.
    pub(crate) group: u32,
}

/// # Safety
/// `left` is a class of the tables.
#[inline(always)]
unsafe fn row(tables: &Tables<'_>, left: u16) -> *const i16 {
    // SAFETY: the matrix has a row of `rights` cells for each left class.
    unsafe { tables.matrix.as_ptr().add(usize::from(left) * tables.sizes.rights as usize) }
}

/// # Safety
/// The promises of [`Nodes`]; `lefts` lies within, and was filled; `row` is a row of the matrix.
#[inline(always)]
unsafe fn cheapest(row: *const i16, nodes: Nodes, lefts: LeftNodes) -> (i32, u32) {
    let (mut best, mut index) = (i32::MAX, lefts.from);
    let mut n = lefts.from;
    let end = lefts.from + lefts.count;
    while n < end {
        // SAFETY: `n` is a filled node, so its right class is a column of the row.
        let cost = unsafe { *nodes.costs.add(n as usize) + i32::from(*row.add(usize::from(*nodes.rights.add(n as usize)))) };
        if cost <= best {
            best = cost;
            index = n;
        }
        n += 1;
    }
    (best, index)
}

/// Connects a run without blocks.
///
/// # Safety
/// As [`cheapest`]; the records of the run exist, and their nodes are below the length.
#[inline(always)]
pub(crate) unsafe fn connect(tables: &Tables<'_>, nodes: Nodes, lefts: LeftNodes, run: Run) {
    // SAFETY: the caller's promises.
    unsafe {
        match lefts.count {
            1 => few::<1>(tables, nodes, lefts, run),
            2 => few::<2>(tables, nodes, lefts, run),
            3 => few::<3>(tables, nodes, lefts, run),
            4 => few::<4>(tables, nodes, lefts, run),
            _ => {
                for n in 0..run.count {
                    let record = Record(*tables.records.get_unchecked((run.first + n) as usize));
                    let (cost, left) = cheapest(row(tables, record.left()), nodes, lefts);
                    put(nodes, run, n, record, cost, left);
                }
            }
        }
    }
}

/// The same for `COUNT` left nodes, which are kept in registers.
///
/// # Safety
/// As [`connect`]; `lefts.count` is `COUNT`.
#[inline(always)]
unsafe fn few<const COUNT: usize>(tables: &Tables<'_>, nodes: Nodes, lefts: LeftNodes, run: Run) {
    let from = lefts.from as usize;
    // SAFETY: the left nodes are filled; their classes are columns of every row.
    unsafe {
        let costs: [i32; COUNT] = std::array::from_fn(|n| *nodes.costs.add(from + n));
        let rights: [usize; COUNT] = std::array::from_fn(|n| usize::from(*nodes.rights.add(from + n)));
        for n in 0..run.count {
            let record = Record(*tables.records.get_unchecked((run.first + n) as usize));
            let row = row(tables, record.left());
            let mut best = costs[0] + i32::from(*row.add(rights[0]));
            let mut index = lefts.from;
            for left in 1..COUNT {
                let cost = costs[left] + i32::from(*row.add(rights[left]));
                index = if cost <= best { lefts.from + left as u32 } else { index };
                best = best.min(cost);
            }
            put(nodes, run, n, record, best, index);
        }
    }
}

/// # Safety
/// The node of homograph `n` of the run is below the length.
#[inline(always)]
unsafe fn put(nodes: Nodes, run: Run, n: u32, record: Record, cost: i32, left: u32) {
    let node = (run.node + n) as usize;
    // SAFETY: the caller's promise.
    unsafe {
        *nodes.costs.add(node) = cost + record.cost();
        *nodes.rights.add(node) = record.right();
        *nodes.previous.add(node) = left;
        *nodes.group_of.add(node) = run.group;
    }
}

/// Connects a run with blocks, eight homographs at a time.
///
/// # Safety
/// As [`connect`]; the blocks of the run exist; the machine has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
#[expect(clippy::cast_ptr_alignment, reason = "the instructions take addresses of any alignment")]
pub(crate) unsafe fn connect_blocks(tables: &Tables<'_>, nodes: Nodes, lefts: LeftNodes, run: Run) {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_add_epi32, _mm256_blendv_epi8, _mm256_cmpgt_epi32,
        _mm256_cvtepi16_epi32, _mm256_loadu_si256, _mm256_min_epi32, _mm256_set1_epi32, _mm256_storeu_si256,
    };
    let rights = tables.sizes.rights as usize;
    for lane_group in 0..run.count.div_ceil(LANES as u32) {
        let block = (run.block + lane_group) as usize;
        let node = (run.node + lane_group * LANES as u32) as usize;
        // SAFETY: a block has 8 cells for each right class; the left nodes are filled nodes. Stores reach at most 7
        // nodes behind the run's last, which the arrays have.
        unsafe {
            let cells = tables.blocks.as_ptr().add(block * rights * LANES);
            let mut best = _mm256_set1_epi32(i32::MAX);
            let mut index = _mm256_set1_epi32(lefts.from.cast_signed());
            for n in lefts.from..lefts.from + lefts.count {
                let right = usize::from(*nodes.rights.add(n as usize));
                let cell = _mm256_cvtepi16_epi32(_mm_loadu_si128(cells.add(right * LANES).cast::<__m128i>()));
                let cost = _mm256_add_epi32(_mm256_set1_epi32(*nodes.costs.add(n as usize)), cell);
                let worse = _mm256_cmpgt_epi32(cost, best);
                index = _mm256_blendv_epi8(_mm256_set1_epi32(n.cast_signed()), index, worse);
                best = _mm256_min_epi32(best, cost);
            }
            let lane = tables.lanes.as_ptr().add(block).cast::<u8>();
            let word_costs = _mm256_loadu_si256(lane.cast::<__m256i>());
            let word_rights = _mm_loadu_si128(lane.add(32).cast::<__m128i>());
            _mm256_storeu_si256(nodes.costs.add(node).cast::<__m256i>(), _mm256_add_epi32(best, word_costs));
            _mm_storeu_si128(nodes.rights.add(node).cast::<__m128i>(), word_rights);
            _mm256_storeu_si256(nodes.previous.add(node).cast::<__m256i>(), index);
            _mm256_storeu_si256(nodes.group_of.add(node).cast::<__m256i>(), _mm256_set1_epi32(run.group.cast_signed()));
        }
    }
}
