//! The tables of `lattice.bin`: a header of counts, then flat little-endian tables, each at a multiple of 64 bytes.
//!
//! Where a table begins follows from the counts alone, so there are no offsets that could be wrong. [`Tables::open`] checks every
//! index that the analyser follows, so no file that it accepts can lead the analyser outside of a table.

use std::mem::size_of;

use crate::segment::exact::header::{HEADER, MAGIC, Sizes, VERSION};
use crate::segment::exact::packed::{CharInfo, LANES, Lanes, MAX_BLOCKS, MAX_REACH, MAX_RUN, NO_BLOCK, NO_CODE, Record, TrieNode};

/// The tables of an opened file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) sizes: Sizes,
    /// [`CharInfo`] of each character of the basic plane.
    pub(crate) chars: &'a [u32],
    /// Words of `char.bin`: bits 0–17 category set, 18–25 default category, 26–29 length, 30 group, 31 invoke.
    pub(crate) classes: &'a [u32],
    /// The run of unknown rows of each category, in the form of [`Self::wide`].
    pub(crate) categories: &'a [[u32; 3]],
    pub(crate) astral: &'a [[u32; 2]],
    pub(crate) nodes: &'a [u64],
    /// Runs of homographs that a trie node cannot describe: first record, count, first block or [`NO_BLOCK`].
    pub(crate) wide: &'a [[u32; 3]],
    /// Unknown rows by category, then the entries surface by surface; homographs in reverse order.
    pub(crate) records: &'a [u64],
    /// `matrix[left · rights + right]`.
    pub(crate) matrix: &'a [i16],
    /// `blocks[(block · rights + right) · 8 + lane]`: the matrix cells of 8 homographs side by side.
    pub(crate) blocks: &'a [i16],
    /// Word costs and right classes of the homographs of each block.
    pub(crate) lanes: &'a [Lanes],
}

impl<'a> Tables<'a> {
    /// The tables of the file `bytes`, which must begin at a multiple of 8, after everything in it was checked.
    ///
    /// # Errors
    /// The broken rule.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let tables = Self::lay_over(bytes)?;
        tables.check()?;
        Ok(tables)
    }

    /// The tables of a file that was opened before.
    ///
    /// # Safety
    /// [`Self::open`] gave tables for these very bytes.
    #[expect(unsafe_code, reason = "the caller promises what the analyser relies on without checking")]
    pub(crate) unsafe fn open_again(bytes: &'a [u8]) -> Option<Self> {
        Self::lay_over(bytes).ok()
    }

    fn lay_over(bytes: &'a [u8]) -> Result<Self, &'static str> {
        if cfg!(target_endian = "big") {
            return Err("the file is made for little-endian machines");
        }
        if !bytes.starts_with(&MAGIC) || bytes.len() < HEADER {
            return Err("not a lattice file");
        }
        let mut fields = bytes[8..HEADER].chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        if fields.next() != Some(VERSION) {
            return Err("another version of the layout; build the dictionary again");
        }
        let sizes = Sizes::from_fields(std::array::from_fn(|_| fields.next().unwrap_or(0)));
        let (starts, total) = sizes.starts().ok_or("the sizes overflow")?;
        if total != bytes.len() {
            return Err("the sizes do not add up to the file's");
        }
        let lengths = sizes.lengths();
        let table = |n: usize| &bytes[starts[n]..starts[n] + lengths[n] as usize];
        let misaligned = "the file is not aligned in memory";
        Ok(Self {
            sizes,
            chars: view(table(0)).ok_or(misaligned)?,
            classes: view(table(1)).ok_or(misaligned)?,
            categories: view(table(2)).ok_or(misaligned)?,
            astral: view(table(3)).ok_or(misaligned)?,
            nodes: view(table(4)).ok_or(misaligned)?,
            wide: view(table(5)).ok_or(misaligned)?,
            records: view(table(6)).ok_or(misaligned)?,
            matrix: view(table(7)).ok_or(misaligned)?,
            blocks: view(table(8)).ok_or(misaligned)?,
            lanes: view(table(9)).ok_or(misaligned)?,
        })
    }

    /// Checks every index in the tables.
    #[expect(clippy::needless_bitwise_bool, reason = "see `every`")]
    fn check(&self) -> Result<(), &'static str> {
        let s = &self.sizes;
        let rule = |holds: bool, rule: &'static str| if holds { Ok(()) } else { Err(rule) };
        rule(s.codes >= 1 && s.codes <= NO_CODE && s.nodes >= 2 * s.codes, "the alphabet does not fit the trie")?;
        rule(s.blocks <= MAX_BLOCKS, "too many blocks")?;
        rule(s.longest <= MAX_REACH && s.max_grouping <= MAX_REACH, "words longer than the analyser looks ahead")?;
        rule(s.eos < s.lefts && s.bos < s.rights && s.lefts <= 1 << 16 && s.rights <= 1 << 16, "context classes out of range")?;
        let sound = |&info: &u32| (CharInfo(info).code() < s.codes) & (CharInfo(info).class() < self.classes.len());
        rule(every(self.chars, sound), "a character with a code or class out of range")?;
        rule(self.classes.iter().all(|&class| ((class >> 18 & 0xFF) as usize) < self.categories.len()), "a class without a category")?;
        rule(self.astral.iter().all(|&[_, code]| code < s.codes), "a character with a code out of range")?;
        let run = |first: u32, count: u32| u64::from(first) + u64::from(count) <= u64::from(s.records) && count > 0 && count <= MAX_RUN;
        let blocks = |&[first, count, block]: &[u32; 3]| {
            let needed = u64::from(count.div_ceil(LANES as u32));
            run(first, count) && (block == NO_BLOCK || u64::from(block) + needed <= u64::from(s.blocks))
        };
        rule(self.categories.iter().all(blocks), "unknown rows out of range")?;
        rule(self.wide.iter().all(blocks), "homographs out of range")?;
        let top = s.nodes - s.codes;
        let node = |&node: &u64| {
            let (value, base) = (TrieNode(node).value(), TrieNode(node).base());
            let (first, count) = (value >> 4, value & 15);
            let none = (count == 0) & (value == 0);
            let wide = (count == TrieNode::WIDE) & (first < s.wide);
            let few = (count != 0) & (count != TrieNode::WIDE) & (first + count <= s.records);
            (none | wide | few) & (base <= top) & (TrieNode(node).label() != 0)
        };
        rule(every(self.nodes, node), "a node that leads outside its table")?;
        let record = |&r: &u64| {
            let r = Record(r);
            (u32::from(r.left()) < s.lefts) & (u32::from(r.right()) < s.rights) & (u32::from(r.pos()) < s.pos_ids)
        };
        rule(every(self.records, record), "a record with a class or POS id out of range")?;
        rule(s.records >= s.entries, "fewer records than entries")?;
        let lanes = |lanes: &Lanes| lanes.rights.iter().all(|&right| u32::from(right) < s.rights);
        rule(self.lanes.iter().all(lanes), "a block with a class out of range")
    }

    /// Word id of homograph `n` of a run, in the order of its records.
    #[inline]
    pub(crate) fn word(&self, first: u32, count: u32, n: u32) -> u32 {
        let unknown = self.sizes.records - self.sizes.entries;
        if first < unknown { crate::morpheme::NO_WORD } else { first - unknown + count - 1 - n }
    }

    /// Is there exactly one way from the root to every node? If not, a walk through the nodes still ends and stays within the tables,
    /// but it finds words that the dictionary does not have.
    pub(crate) fn is_tree(&self) -> bool {
        // By base: the node whose children begin there. The base of the root is 0.
        let mut parents = vec![0_u32; self.nodes.len()];
        let labelled = |n: usize| TrieNode(self.nodes[n]).label() != NO_CODE;
        for n in (0..self.nodes.len()).filter(|&n| labelled(n)) {
            let base = TrieNode(self.nodes[n]).base() as usize;
            let children = base > 1 || base == 0;
            if children && (base == 0 || std::mem::replace(&mut parents[base], n as u32) != 0) {
                return false;
            }
        }
        let mut rooted = vec![false; self.nodes.len()];
        let mut path = Vec::new();
        for n in (0..self.nodes.len()).filter(|&n| labelled(n)) {
            let mut at = n;
            path.clear();
            // A child of the root stands at its code.
            while !rooted[at] && TrieNode(self.nodes[at]).label() as usize != at {
                path.push(at);
                let Some(base) = at.checked_sub(TrieNode(self.nodes[at]).label() as usize) else { return false };
                at = parents[base] as usize;
                if at == 0 || path.len() > self.sizes.longest as usize {
                    return false;
                }
            }
            rooted[at] = true;
            for &n in &path {
                rooted[n] = true;
            }
        }
        true
    }

    /// How many characters after the first one of a candidate can decide whether it is one, at most.
    pub(crate) fn reach(&self) -> usize {
        // 15 is the largest length that a class can have.
        self.sizes.longest.max(self.sizes.max_grouping + 2).max(15 + 1) as usize
    }

    /// What the analyser needs to know of a character.
    #[inline]
    pub(crate) fn info(&self, c: char) -> CharInfo {
        match self.chars.get(c as usize) {
            Some(&info) => CharInfo(info),
            None => self.astral_info(c),
        }
    }

    /// A character beyond the basic plane has the class of U+0000.
    #[cold]
    fn astral_info(&self, c: char) -> CharInfo {
        let code = self.astral.binary_search_by_key(&(c as u32), |&[c, _]| c).map_or(0, |at| self.astral[at][1]);
        CharInfo(self.chars[0] & !NO_CODE | code)
    }
}

/// Are all values of a table right? Always checks all of them, without a branch: a million values are checked whenever a dictionary
/// is opened, and normally none is wrong.
fn every<T>(table: &[T], sound: impl Fn(&T) -> bool) -> bool {
    table.iter().fold(true, |all, value| all & sound(value))
}

/// Types that any bytes are a value of.
trait Plain: Copy {}
impl Plain for u32 {}
impl Plain for u64 {}
impl Plain for i16 {}
impl Plain for [u32; 2] {}
impl Plain for [u32; 3] {}
// Four-byte and two-byte integers, 48 bytes in all: no padding.
impl Plain for Lanes {}

/// Bytes as a table of little-endian values; `None` if they are not aligned.
#[expect(unsafe_code, reason = "mapped bytes are read as numbers without a copy")]
fn view<T: Plain>(bytes: &[u8]) -> Option<&[T]> {
    // SAFETY: `Plain` types are integers, and arrays and records of them: no padding, and every bit pattern is a value.
    let (head, middle, tail) = unsafe { bytes.align_to::<T>() };
    (head.is_empty() && tail.is_empty() && middle.len() == bytes.len() / size_of::<T>()).then_some(middle)
}
