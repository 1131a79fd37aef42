//! Compiles a dictionary to `lattice.bin`, so that the analyser need not compute these tables when it starts, or for each line.
//!
//! * Context ids with equal costs become one class. Classes are numbered by frequency, so that frequently used cells of the matrix
//!   share cache lines.
//! * Homographs are stored in reverse order, which is the order in which MeCab connects them.
//! * Unknown words, and frequent surfaces with several homographs, get blocks: the matrix cells of 8 homographs side by side.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::segment::exact::header::Sizes;
use crate::segment::exact::hot::HotList;
use crate::segment::exact::packed::{CharInfo, LANES, Lanes, MAX_REACH, MAX_RUN, NO_BLOCK, NO_CODE, PLANE, Record, TrieNode, value};
use crate::segment::exact::table_values::TableValues;
use crate::segment::exact::trie::{self, TrieKey};
use crate::segment::source::{CharTable, Matrix, RawDictionary};

/// Number of blocks that are made for surfaces, at most.
const BLOCKS: usize = 400;
/// Longest run of unknown rows that gets blocks.
const MAX_BLOCKED: usize = 48;
/// Surfaces of one text position that MeCab finds at most.
const MAX_PREFIXES: usize = 512;
/// Weight of a surface in the hot list, where one that is not in it weighs 1.
const HOT: u64 = 50;

/// The file `lattice.bin` for a dictionary that passes [`RawDictionary::check`].
///
/// # Errors
/// The limit of the layout that the dictionary exceeds.
pub fn compile(raw: &RawDictionary, hot: &HotList) -> Result<Vec<u8>, String> {
    let mut builder = Builder::new(raw, hot)?;
    builder.unknown_rows()?;
    builder.surfaces()?;
    builder.characters()?;
    builder.trie()?;
    builder.connections();
    builder.values.write().ok_or_else(|| "the dictionary is larger than this machine can address".into())
}

/// A distinct surface: entries `from..to`.
struct Surface {
    from: usize,
    to: usize,
    weight: u32,
    value: u32,
}

struct Builder<'a> {
    raw: &'a RawDictionary,
    lefts: Classes,
    rights: Classes,
    surfaces: Vec<Surface>,
    codes: FxHashMap<char, u32>,
    /// First record and count of the runs that have blocks.
    blocks: Vec<(usize, usize)>,
    values: TableValues,
}

impl<'a> Builder<'a> {
    fn new(raw: &'a RawDictionary, hot: &HotList) -> Result<Self, String> {
        let surfaces = surfaces(raw, hot);
        let (lefts, rights) = classes(raw, &surfaces);
        let limit = |n: usize, most: usize, what: &str| if n <= most { Ok(()) } else { Err(format!("{n} {what} are more than {most}")) };
        limit(raw.entries.len() + raw.unknown.len(), TrieNode::MAX_FIRST as usize, "entries")?;
        limit(usize::from(raw.max_grouping), MAX_REACH as usize, "characters of a grouped unknown word (max-grouping-size)")?;
        let values = TableValues {
            sizes: Sizes {
                entries: raw.entries.len() as u32,
                pos_ids: raw.pos_table.tuples.len() as u32,
                lefts: lefts.len() as u32,
                rights: rights.len() as u32,
                max_grouping: u32::from(raw.max_grouping),
                eos: u32::from(lefts.of(0)),
                bos: u32::from(rights.of(0)),
                ..Sizes::default()
            },
            ..TableValues::default()
        };
        Ok(Self { raw, lefts, rights, surfaces, codes: FxHashMap::default(), blocks: Vec::new(), values })
    }

    /// Appends a run of homographs, last first; gives its first record.
    fn run(&mut self, homographs: &[Record]) -> usize {
        let first = self.values.records.len();
        self.values.records.extend(homographs.iter().rev().map(|record| record.0));
        first
    }

    /// Records of unknown words, category by category; they come before those of surfaces.
    fn unknown_rows(&mut self) -> Result<(), String> {
        for category in 0..self.raw.chars.names.len() {
            let rows = self.raw.unknown.iter().zip(&self.raw.pos_of_unknown).filter(|(row, _)| usize::from(row.category) == category);
            let homographs: Vec<Record> =
                rows.map(|(row, &pos)| Record::new(row.cost, self.lefts.of(row.left), self.rights.of(row.right), pos)).collect();
            let first = self.run(&homographs);
            let count = self.values.records.len() - first;
            if count == 0 || count > MAX_RUN as usize {
                return Err(format!("category {} has {count} unknown rows, not 1 to {MAX_RUN}", self.raw.chars.names[category]));
            }
            let block = if count > 1 && count <= MAX_BLOCKED { self.block(first, count) } else { NO_BLOCK };
            self.values.categories.push([first as u32, count as u32, block]);
        }
        Ok(())
    }

    /// Records and values of all surfaces.
    fn surfaces(&mut self) -> Result<(), String> {
        let with_blocks = frequent(&self.surfaces);
        let mut homographs = Vec::new();
        for at in 0..self.surfaces.len() {
            let Surface { from, to, .. } = self.surfaces[at];
            homographs.clear();
            homographs.extend(self.raw.entries[from..to].iter().map(|entry| {
                let pos = self.raw.pos_of_left.get(usize::from(entry.left)).copied().unwrap_or(0);
                Record::new(entry.cost, self.lefts.of(entry.left), self.rights.of(entry.right), pos)
            }));
            let first = self.run(&homographs);
            let count = self.values.records.len() - first;
            let block = with_blocks.binary_search(&at).is_ok() && count > 1;
            self.surfaces[at].value =
                if block || count >= TrieNode::WIDE as usize { self.wide(first, count, block)? } else { value(first as u32, count as u32) };
        }
        Ok(())
    }

    /// Blocks for a run; gives the first.
    fn block(&mut self, first: usize, count: usize) -> u32 {
        let block = self.values.sizes.blocks;
        self.values.sizes.blocks += count.div_ceil(LANES) as u32;
        self.blocks.push((first, count));
        block
    }

    fn wide(&mut self, first: usize, count: usize, block: bool) -> Result<u32, String> {
        if count > MAX_RUN as usize {
            return Err(format!("{count} homographs of one surface are more than {MAX_RUN}"));
        }
        let mut wide = [first as u32, count as u32, NO_BLOCK];
        if block {
            wide[2] = self.block(first, count);
        }
        self.values.wide.push(wide);
        Ok(value(self.values.wide.len() as u32 - 1, TrieNode::WIDE))
    }

    /// Codes, frequent characters first, and the character tables.
    fn characters(&mut self) -> Result<(), String> {
        let mut weights: BTreeMap<char, u64> = BTreeMap::new();
        for surface in &self.surfaces {
            let text = &self.raw.entries[surface.from].surface;
            for c in text.chars() {
                *weights.entry(c).or_default() += 1 + HOT * u64::from(surface.weight);
            }
        }
        let mut order: Vec<(char, u64)> = weights.into_iter().collect();
        order.sort_by_key(|&(c, weight)| (Reverse(weight), c));
        if order.len() + 1 > NO_CODE as usize {
            return Err(format!("{} different characters are more than {}", order.len(), NO_CODE - 1));
        }
        let longest = self.surfaces.iter().map(|surface| self.raw.entries[surface.from].surface.chars().count()).max().unwrap_or(0);
        if longest > MAX_REACH as usize {
            return Err(format!("a surface of {longest} characters is longer than {MAX_REACH}"));
        }
        self.values.sizes.longest = longest as u32;
        self.codes = order.iter().zip(1..).map(|(&(c, _), code)| (c, code)).collect();
        self.values.sizes.codes = order.len() as u32 + 1;
        let mut astral: Vec<[u32; 2]> =
            order.iter().zip(1..).filter(|((c, _), _)| *c as usize >= PLANE).map(|(&(c, _), code)| [c as u32, code]).collect();
        astral.sort_unstable();
        self.values.astral = astral;
        let (chars, classes) = character_tables(&self.raw.chars, &self.codes)?;
        (self.values.chars, self.values.classes) = (chars, classes);
        Ok(())
    }

    fn trie(&mut self) -> Result<(), String> {
        let mut text: Vec<u16> = Vec::new();
        let mut keys: Vec<TrieKey> = Vec::with_capacity(self.surfaces.len());
        // Surfaces that are prefixes of the current one.
        let mut open: Vec<&str> = Vec::new();
        for surface in &self.surfaces {
            let chars = self.raw.entries[surface.from].surface.as_str();
            while open.last().is_some_and(|prefix| !chars.starts_with(prefix)) {
                open.pop();
            }
            open.push(chars);
            if open.len() > MAX_PREFIXES {
                continue;
            }
            let from = text.len() as u32;
            text.extend(chars.chars().map(|c| self.codes[&c] as u16));
            keys.push(TrieKey { from, to: text.len() as u32, value: surface.value });
        }
        let codes = self.values.sizes.codes;
        self.values.nodes = trie::build(&keys, &text, codes).ok_or("the surfaces outgrow the trie")?;
        Ok(())
    }

    /// The matrix of classes, and the blocks.
    fn connections(&mut self) {
        let width = usize::from(self.raw.matrix.left_ids);
        for &left in &self.lefts.members {
            let row = &self.raw.matrix.cells[usize::from(left) * width..][..width];
            self.values.matrix.extend(self.rights.members.iter().map(|&right| row[usize::from(right)]));
        }
        let rights = self.rights.len();
        for &(first, count) in &self.blocks {
            for lanes in self.values.records[first..first + count].chunks(LANES) {
                let record = |lane| lanes.get(lane).map_or(Record(0), |&record| Record(record));
                self.values.lanes.push(Lanes {
                    costs: std::array::from_fn(|lane| record(lane).cost()),
                    rights: std::array::from_fn(|lane| record(lane).right()),
                });
                for right in 0..rights {
                    let cell = |lane| lanes.get(lane).map_or(0, |&r| self.values.matrix[usize::from(Record(r).left()) * rights + right]);
                    self.values.blocks.extend((0..LANES).map(cell));
                }
            }
        }
    }
}

fn surfaces(raw: &RawDictionary, hot: &HotList) -> Vec<Surface> {
    let mut surfaces = Vec::new();
    let mut from = 0;
    for run in raw.entries.chunk_by(|a, b| a.surface == b.surface) {
        surfaces.push(Surface { from, to: from + run.len(), weight: hot.weight(&run[0].surface), value: 0 });
        from += run.len();
    }
    surfaces
}

/// The surfaces for which blocks save most time, ascending.
fn frequent(surfaces: &[Surface]) -> Vec<usize> {
    let score = |s: &Surface| u64::from(s.weight) * (s.to - s.from - 1) as u64;
    let mut order: Vec<(Reverse<u64>, usize)> =
        surfaces.iter().enumerate().map(|(at, s)| (Reverse(score(s)), at)).filter(|(score, _)| score.0 > 0).collect();
    order.sort_unstable();
    let mut left = BLOCKS;
    let mut chosen: Vec<usize> = Vec::new();
    for (_, at) in order {
        let needed = (surfaces[at].to - surfaces[at].from).div_ceil(LANES);
        if needed <= left {
            left -= needed;
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    chosen
}

/// Classes of context ids with equal costs, numbered by weight.
struct Classes {
    /// One id of each class.
    members: Vec<u16>,
    /// Class of each id in use.
    of: Vec<u16>,
}

impl Classes {
    fn len(&self) -> usize {
        self.members.len()
    }

    fn of(&self, id: u16) -> u16 {
        self.of[usize::from(id)]
    }

    /// Classes of the ids that have a weight: two ids are in one class if their rows (or columns) of the matrix are equal.
    fn new(weights: &[u64], line: impl Fn(usize) -> Vec<i16>) -> Self {
        let mut class_of_line: FxHashMap<Vec<i16>, usize> = FxHashMap::default();
        let mut classes: Vec<(u64, u16)> = Vec::new();
        let mut raw_class = vec![0; weights.len()];
        for (id, &weight) in weights.iter().enumerate().filter(|&(_, &weight)| weight > 0) {
            let class = *class_of_line.entry(line(id)).or_insert_with(|| {
                classes.push((0, id as u16));
                classes.len() - 1
            });
            classes[class].0 += weight;
            raw_class[id] = class;
        }
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by_key(|&class| (Reverse(classes[class].0), classes[class].1));
        let mut rank = vec![0_u16; classes.len()];
        for (n, &class) in order.iter().enumerate() {
            rank[class] = n as u16;
        }
        let of = raw_class.iter().map(|&class| rank.get(class).copied().unwrap_or(0)).collect();
        Self { members: order.iter().map(|&class| classes[class].1).collect(), of }
    }
}

/// Classes of left and of right ids.
fn classes(raw: &RawDictionary, surfaces: &[Surface]) -> (Classes, Classes) {
    let Matrix { left_ids, right_ids, cells } = &raw.matrix;
    let (width, height) = (usize::from(*left_ids), usize::from(*right_ids));
    let (mut lefts, mut rights) = (vec![0_u64; height], vec![0_u64; width]);
    (lefts[0], rights[0]) = (1, 1);
    let mut weigh = |left: u16, right: u16, weight: u64| {
        lefts[usize::from(left)] += weight;
        rights[usize::from(right)] += weight;
    };
    for row in &raw.unknown {
        weigh(row.left, row.right, 1000 * HOT);
    }
    for surface in surfaces {
        let weight = 1 + HOT * u64::from(surface.weight);
        raw.entries[surface.from..surface.to].iter().for_each(|entry| weigh(entry.left, entry.right, weight));
    }
    let used: Vec<usize> = (0..width).filter(|&right| rights[right] > 0).collect();
    let row = |left: usize| used.iter().map(|&right| cells[left * width + right]).collect();
    let by_left = Classes::new(&lefts, row);
    let column = |right: usize| by_left.members.iter().map(|&left| cells[usize::from(left) * width + right]).collect();
    let by_right = Classes::new(&rights, column);
    (by_left, by_right)
}

/// [`CharInfo`] of the basic plane, and the distinct words of `char.bin`.
fn character_tables(table: &CharTable, codes: &FxHashMap<char, u32>) -> Result<(Vec<u32>, Vec<u32>), String> {
    let space = table.table.get(0x20).copied().unwrap_or(0) & 0x3_FFFF;
    let mut classes: Vec<u32> = Vec::new();
    let mut class_of: FxHashMap<u32, u32> = FxHashMap::default();
    let mut chars = Vec::with_capacity(PLANE);
    for c in 0..PLANE as u32 {
        // MeCab reads U+FFFF one word behind its table, where there is nothing but zeros: the first category, no flag, no set.
        let word = table.table.get(c as usize).copied().unwrap_or(0);
        let class = *class_of.entry(word).or_insert_with(|| {
            classes.push(word);
            classes.len() as u32 - 1
        });
        let code = char::from_u32(c).and_then(|c| codes.get(&c)).copied().unwrap_or(0);
        chars.push(CharInfo::new(code, class, word >> 31 == 1, word & space != 0).0);
    }
    if classes.len() > 1 << 10 {
        return Err(format!("{} combinations of character categories are more than 1024", classes.len()));
    }
    Ok((chars, classes))
}
