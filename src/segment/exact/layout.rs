//! The file `lattice.bin`: a header of counts, then flat little-endian tables, each at a multiple of 64 bytes.
//!
//! Where a table begins follows from the counts alone, so no offset is stored that could lie. [`Tables::open`] looks at
//! every index that the analyser follows; what passes cannot lead the analyser outside a table.

use std::mem::size_of;

/// First bytes of the file.
const MAGIC: [u8; 8] = *b"SEIMAILT";
/// Raised whenever the layout changes.
const VERSION: u32 = 3;
/// Bytes of the header.
const HEADER: usize = 128;
/// Tables begin at multiples of this many bytes.
const ALIGN: usize = 64;
/// Entries of [`Tables::chars`]: the basic plane.
pub(crate) const PLANE: usize = 0x1_0000;
/// Largest trie code; a node without a parent carries it as its label.
pub(crate) const NO_CODE: u32 = 0x7FFF;
/// Homographs of a block.
pub(crate) const LANES: usize = 8;
/// Most homographs of one surface, and most unknown rows of one category.
pub(crate) const MAX_RUN: u32 = 4096;
/// Most characters of a surface, and of a grouped unknown word.
pub(crate) const MAX_REACH: u32 = 4096;
/// Most blocks.
pub(crate) const MAX_BLOCKS: u32 = 0xFFFE;
/// Third word of a run that has no blocks ([`Tables::categories`], [`Tables::wide`]).
pub(crate) const NO_BLOCK: u32 = 0xFFFF;

/// A character as the analyser sees it: trie code, class, and two flags of the class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CharInfo(pub(crate) u32);

impl CharInfo {
    const INVOKE: u32 = 1 << 30;
    const SPACE: u32 = 1 << 31;

    pub(crate) fn new(code: u32, class: u32, invoke: bool, space: bool) -> Self {
        Self(code | class << 16 | u32::from(invoke) << 30 | u32::from(space) << 31)
    }

    /// Code in the trie; 0 = in no surface.
    #[inline]
    pub(crate) fn code(self) -> u32 {
        self.0 & NO_CODE
    }

    /// Index in [`Tables::classes`].
    #[inline]
    pub(crate) fn class(self) -> usize {
        (self.0 >> 16 & 0x3FF) as usize
    }

    /// Are unknown words made even where the lexicon has a word?
    #[inline]
    pub(crate) fn invokes(self) -> bool {
        self.0 & Self::INVOKE != 0
    }

    /// Does the character share a category with U+0020?
    #[inline]
    pub(crate) fn is_space(self) -> bool {
        self.0 & Self::SPACE != 0
    }
}

/// A node of the trie: label 15 bits, base 23, homographs 4, first record 22.
///
/// The child for code *c* is node `base + c`, if its label is *c*; no two nodes with children have the same base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node(pub(crate) u64);

impl Node {
    pub(crate) const MAX_BASE: u32 = (1 << 23) - 1;
    /// Largest number of records, and of wide runs.
    pub(crate) const MAX_FIRST: u32 = (1 << 22) - 1;
    /// Homograph count that says: `first` is an index in [`Tables::wide`].
    pub(crate) const WIDE: u32 = 15;

    pub(crate) fn new(label: u32, base: u32, value: u32) -> Self {
        Self(u64::from(label) | u64::from(base) << 15 | u64::from(value) << 38)
    }

    #[inline]
    pub(crate) fn label(self) -> u32 {
        self.0 as u32 & NO_CODE
    }

    #[inline]
    pub(crate) fn base(self) -> u32 {
        (self.0 >> 15) as u32 & Self::MAX_BASE
    }

    /// What [`value`] packed; 0 where no surface ends.
    #[inline]
    pub(crate) fn value(self) -> u32 {
        (self.0 >> 38) as u32
    }
}

/// A run of homographs as a node stores it: count in the low 4 bits.
pub(crate) fn value(first: u32, count: u32) -> u32 {
    first << 4 | count
}

/// A lexicon entry or unknown row: cost, left class, right class, POS id, 16 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record(pub(crate) u64);

impl Record {
    pub(crate) fn new(cost: i16, left: u16, right: u16, pos: u16) -> Self {
        Self(u64::from(cost.cast_unsigned()) | u64::from(left) << 16 | u64::from(right) << 32 | u64::from(pos) << 48)
    }

    #[inline]
    pub(crate) fn cost(self) -> i32 {
        i32::from((self.0 as u16).cast_signed())
    }

    #[inline]
    pub(crate) fn left(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[inline]
    pub(crate) fn right(self) -> u16 {
        (self.0 >> 32) as u16
    }

    #[inline]
    pub(crate) fn pos(self) -> u16 {
        (self.0 >> 48) as u16
    }
}

/// Word costs and right classes of the 8 homographs of a block; 0 where there are fewer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Lanes {
    pub(crate) costs: [i32; LANES],
    pub(crate) rights: [u16; LANES],
}

/// How many of everything: the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Entries of the dictionary; word ids are smaller.
    pub(crate) entries: u32,
    /// POS ids are smaller.
    pub(crate) pos_ids: u32,
    /// Trie codes are smaller.
    pub(crate) codes: u32,
    pub(crate) classes: u32,
    pub(crate) categories: u32,
    /// Characters beyond the basic plane that occur in surfaces.
    pub(crate) astral: u32,
    pub(crate) nodes: u32,
    pub(crate) wide: u32,
    pub(crate) records: u32,
    /// Classes of left ids with equal costs: rows of the matrix.
    pub(crate) lefts: u32,
    /// Classes of right ids with equal costs: columns of the matrix.
    pub(crate) rights: u32,
    pub(crate) blocks: u32,
    /// Characters that may follow the first of a grouped unknown word.
    pub(crate) max_grouping: u32,
    /// Characters of the longest surface.
    pub(crate) longest: u32,
    /// Left class of the end of the sentence.
    pub(crate) eos: u32,
    /// Right class of its beginning.
    pub(crate) bos: u32,
}

impl Sizes {
    const FIELDS: usize = 16;

    fn fields(&self) -> [u32; Self::FIELDS] {
        [
            self.entries,
            self.pos_ids,
            self.codes,
            self.classes,
            self.categories,
            self.astral,
            self.nodes,
            self.wide,
            self.records,
            self.lefts,
            self.rights,
            self.blocks,
            self.max_grouping,
            self.longest,
            self.eos,
            self.bos,
        ]
    }

    fn from_fields(f: [u32; Self::FIELDS]) -> Self {
        let [
            entries,
            pos_ids,
            codes,
            classes,
            categories,
            astral,
            nodes,
            wide,
            records,
            lefts,
            rights,
            blocks,
            max_grouping,
            longest,
            eos,
            bos,
        ] = f;
        Self {
            entries,
            pos_ids,
            codes,
            classes,
            categories,
            astral,
            nodes,
            wide,
            records,
            lefts,
            rights,
            blocks,
            max_grouping,
            longest,
            eos,
            bos,
        }
    }

    /// Bytes of each table, in the order of [`Tables`].
    fn lengths(&self) -> [u64; 10] {
        let [n, lanes] = [u64::from, |n| u64::from(n) * LANES as u64];
        // Counts that lie may be any; what saturates does not add up to the file.
        [
            4 * PLANE as u64,
            4 * n(self.classes),
            12 * n(self.categories),
            8 * n(self.astral),
            8 * n(self.nodes),
            12 * n(self.wide),
            8 * n(self.records),
            n(self.lefts).saturating_mul(2 * n(self.rights)),
            lanes(self.blocks).saturating_mul(2 * n(self.rights)),
            48 * n(self.blocks),
        ]
    }

    /// Start of each table, and the size of the file.
    fn starts(&self) -> Option<([usize; 10], usize)> {
        let mut starts = [0; 10];
        let mut at = HEADER as u64;
        for (start, length) in starts.iter_mut().zip(self.lengths()) {
            *start = usize::try_from(at).ok()?;
            at = at.checked_add(length)?.checked_next_multiple_of(ALIGN as u64)?;
        }
        Some((starts, usize::try_from(at).ok()?))
    }
}

/// The tables, as values: what [`Parts::write`] lays out.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) sizes: Sizes,
    pub(crate) chars: Vec<u32>,
    pub(crate) classes: Vec<u32>,
    /// The run of each category's unknown rows, told as in [`Tables::wide`].
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

impl Parts {
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

/// The tables of an opened file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables<'a> {
    pub(crate) sizes: Sizes,
    /// [`CharInfo`] of each character of the basic plane.
    pub(crate) chars: &'a [u32],
    /// Words of `char.bin`: bits 0–17 category set, 18–25 default category, 26–29 length, 30 group, 31 invoke.
    pub(crate) classes: &'a [u32],
    /// The run of each category's unknown rows, told as in [`Self::wide`].
    pub(crate) categories: &'a [[u32; 3]],
    pub(crate) astral: &'a [[u32; 2]],
    pub(crate) nodes: &'a [u64],
    /// Runs of homographs that a node cannot describe: first record, count, first block or [`NO_BLOCK`].
    pub(crate) wide: &'a [[u32; 3]],
    /// Unknown rows by category, then the entries surface by surface; homographs in reverse order.
    pub(crate) records: &'a [u64],
    /// `matrix[left · rights + right]`.
    pub(crate) matrix: &'a [i16],
    /// `blocks[(block · rights + right) · 8 + lane]`: the matrix cells of 8 homographs side by side.
    pub(crate) blocks: &'a [i16],
    /// The rest of what the homographs of each block say.
    pub(crate) lanes: &'a [Lanes],
}

impl<'a> Tables<'a> {
    /// The tables of the file `bytes`, which must begin at a multiple of 8, after a look at everything in it.
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
    #[expect(unsafe_code, reason = "what the analyser relies on without looking is promised by the caller")]
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
            let (value, base) = (Node(node).value(), Node(node).base());
            let (first, count) = (value >> 4, value & 15);
            let none = (count == 0) & (value == 0);
            let wide = (count == Node::WIDE) & (first < s.wide);
            let few = (count != 0) & (count != Node::WIDE) & (first + count <= s.records);
            (none | wide | few) & (base <= top) & (Node(node).label() != 0)
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

    /// Is every node reached from the root in one way? A walk that is not over a tree still ends, and stays within the
    /// tables, but finds words that the dictionary does not have.
    pub(crate) fn is_tree(&self) -> bool {
        // The node whose children begin at a base; the root's is 0, a node without children has any base.
        let mut parents = vec![0_u32; self.nodes.len()];
        let labelled = |n: usize| Node(self.nodes[n]).label() != NO_CODE;
        for n in (0..self.nodes.len()).filter(|&n| labelled(n)) {
            let base = Node(self.nodes[n]).base() as usize;
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
            while !rooted[at] && Node(self.nodes[at]).label() as usize != at {
                path.push(at);
                let Some(base) = at.checked_sub(Node(self.nodes[at]).label() as usize) else { return false };
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

    /// Characters behind the first of a candidate that decide about it, at most.
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

    /// Beyond the basic plane the class is U+0000's.
    #[cold]
    fn astral_info(&self, c: char) -> CharInfo {
        let code = self.astral.binary_search_by_key(&(c as u32), |&[c, _]| c).map_or(0, |at| self.astral[at][1]);
        CharInfo(self.chars[0] & !NO_CODE | code)
    }
}

/// Are all values of a table sound? Looks at each: a million of them are looked at whenever a dictionary is opened, and none is
/// found wrong, so no branch is worth its prediction.
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
