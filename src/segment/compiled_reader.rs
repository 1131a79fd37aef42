//! Reads a dictionary that MeCab compiled: `sys.dic`, `unk.dic`, `matrix.bin`, `char.bin`.
//!
//! The files are little-endian, without padding. Nothing in them is trusted: sizes must add up, walks through the trie are bounded by
//! the number of its nodes, and every id and offset is checked before it is used.

use crate::error::{Error, Result};
use crate::segment::charset::Charset;
use crate::segment::contents::{MAX_CATEGORIES, MAX_SURFACE, TABLE_LEN};
use crate::segment::source::{CharTable, Entry, Matrix, RawDictionary, UnknownRow};
use crate::segment::source_reader::Settings;

/// The files of a compiled dictionary.
#[derive(Debug, Clone, Copy)]
pub struct CompiledFiles<'a> {
    /// `sys.dic`.
    pub sys: &'a [u8],
    /// `unk.dic`.
    pub unk: &'a [u8],
    /// `matrix.bin`.
    pub matrix: &'a [u8],
    /// `char.bin`.
    pub chars: &'a [u8],
    /// `dicrc`; empty if there is none.
    pub dicrc: &'a [u8],
}

/// Reads a compiled dictionary.
///
/// # Errors
/// Refused with file, offset and rule.
pub fn read(files: &CompiledFiles<'_>) -> Result<RawDictionary> {
    let chars = char_table(files.chars)?;
    let matrix = matrix(files.matrix)?;
    let ids = (matrix.left_ids, matrix.right_ids);
    let sys = Lexicon::open("sys.dic", files.sys, 0, ids)?;
    let unk = Lexicon::open("unk.dic", files.unk, 2, ids)?;
    let entries = sys.entries()?;
    let mut unknown = unknown_rows(unk.entries()?, &chars)?;
    let settings = Settings::parse(&String::from_utf8_lossy(files.dicrc))?;
    settings.apply(&mut unknown);
    RawDictionary::assemble(entries, unknown, chars, matrix, settings.max_grouping)
}

fn unknown_rows(entries: Vec<Entry>, chars: &CharTable) -> Result<Vec<UnknownRow>> {
    let row = |entry: Entry| {
        let category = chars.names.iter().position(|name| *name == entry.surface);
        let category = category.ok_or_else(|| Error::refused("unk.dic: a category that char.bin does not name"))?;
        Ok(UnknownRow { category: category as u8, left: entry.left, right: entry.right, cost: entry.cost, feature: entry.feature })
    };
    entries.into_iter().map(row).collect()
}

/// `char.bin`: u32 n; n names of 32 bytes; 65,535 words.
///
/// # Errors
/// Refused with the offset and the rule.
pub fn char_table(bytes: &[u8]) -> Result<CharTable> {
    let fault = |at: usize, rule: &str| Error::refused(format!("char.bin: offset {at}: {rule}"));
    let count = u32_at(bytes, 0).ok_or_else(|| fault(0, "too short"))? as usize;
    if count == 0 || count > MAX_CATEGORIES || bytes.len() != 4 + 32 * count + 4 * TABLE_LEN {
        return Err(fault(0, "the number of categories does not fit the size"));
    }
    let (names, table) = bytes[4..].split_at(32 * count);
    let name = |(n, field): (usize, &[u8])| {
        let end = field.iter().position(|&b| b == 0).unwrap_or(32);
        let name = std::str::from_utf8(&field[..end]).ok().filter(|name| !name.is_empty() && name.is_ascii());
        name.map(str::to_owned).ok_or_else(|| fault(4 + 32 * n, "not a category name"))
    };
    let names = names.chunks_exact(32).enumerate().map(name).collect::<Result<_>>()?;
    let table = table.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
    Ok(CharTable { names, table })
}

/// `matrix.bin`: u16 lsize, u16 rsize, lsize · rsize costs.
///
/// # Errors
/// Refused with the offset and the rule.
pub fn matrix(bytes: &[u8]) -> Result<Matrix> {
    let fault = |rule: &str| Error::refused(format!("matrix.bin: offset 0: {rule}"));
    let (Some(left_ids), Some(right_ids)) = (u16_at(bytes, 0), u16_at(bytes, 2)) else { return Err(fault("too short")) };
    if left_ids == 0 || right_ids == 0 {
        return Err(fault("no context ids"));
    }
    if bytes.len() - 4 != 2 * usize::from(left_ids) * usize::from(right_ids) {
        return Err(fault("the sizes do not fit the file"));
    }
    let cells = bytes[4..].chunks_exact(2).map(|cost| i16::from_le_bytes([cost[0], cost[1]])).collect();
    Ok(Matrix { left_ids, right_ids, cells })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(field.try_into().ok()?))
}

const HEADER: usize = 72;
const MAGIC: u32 = 0xEF71_8F77;
const VERSION: u32 = 102;

/// `sys.dic`, `unk.dic` or a compiled user dictionary.
struct Lexicon<'a> {
    name: &'static str,
    charset: Charset,
    count: usize,
    /// lsize and rsize of the matrix.
    ids: (u16, u16),
    trie: &'a [u8],
    tokens: &'a [u8],
    features: &'a [u8],
}

impl<'a> Lexicon<'a> {
    fn open(name: &'static str, bytes: &'a [u8], kind: u32, ids: (u16, u16)) -> Result<Self> {
        let fault = |at: usize, rule: &str| Error::refused(format!("{name}: offset {at}: {rule}"));
        if bytes.len() < HEADER || bytes.len() > u32::MAX as usize {
            return Err(fault(0, "too short for a header, or too long"));
        }
        let field = |at: usize| u32_at(bytes, at).unwrap_or(0);
        if field(0) ^ MAGIC != bytes.len() as u32 {
            return Err(fault(0, "the magic number does not fit the file's size: truncated, or no MeCab dictionary"));
        }
        if field(4) != VERSION {
            return Err(fault(4, "not version 102"));
        }
        if field(8) != kind {
            return Err(fault(8, "a dictionary of another type"));
        }
        if (field(16), field(20)) != (u32::from(ids.0), u32::from(ids.1)) {
            return Err(fault(16, "made for a matrix of another size than matrix.bin"));
        }
        let [count, trie, tokens, features] = [field(12), field(24), field(28), field(32)].map(|n| n as usize);
        if HEADER + trie + tokens + features != bytes.len() || trie % 8 != 0 || tokens != 16 * count {
            return Err(fault(24, "the three blocks do not add up to the file"));
        }
        let label = &bytes[40..HEADER];
        let label = &label[..label.iter().position(|&b| b == 0).unwrap_or(label.len())];
        let charset = std::str::from_utf8(label).ok().and_then(Charset::from_name).ok_or_else(|| fault(40, "an unknown charset"))?;
        let (trie, rest) = bytes[HEADER..].split_at(trie);
        let (tokens, features) = rest.split_at(tokens);
        Ok(Self { name, charset, count, ids, trie, tokens, features })
    }

    fn fault(&self, at: usize, rule: &str) -> Error {
        Error::refused(format!("{}: offset {at}: {rule}", self.name))
    }

    fn node(&self, at: usize) -> (i32, usize) {
        let base = u32_at(self.trie, 8 * at).unwrap_or(0).cast_signed();
        (base, u32_at(self.trie, 8 * at + 4).unwrap_or(0) as usize)
    }

    /// All entries, in byte order of the keys.
    fn entries(&self) -> Result<Vec<Entry>> {
        let children = Children::bucket(self);
        let mut entries = Vec::with_capacity(self.count);
        let mut visited = 0;
        let mut key = Vec::new();
        let mut codes = Vec::new();
        let Ok(root) = usize::try_from(self.node(0).0) else { return Err(self.fault(HEADER, "the root has no children")) };
        let mut pending: Vec<(usize, usize)> = children.codes(self, root, &mut codes).iter().rev().map(|&at| (at, 0)).collect();
        // (node, depth of its parent); the parent is known by the length of the key.
        let mut bases = vec![root];
        while let Some((at, depth)) = pending.pop() {
            visited += 1;
            if visited > children.nodes || depth > MAX_SURFACE {
                return Err(self.fault(HEADER + 8 * at, "the trie has a cycle or a key of more than 1024 bytes"));
            }
            key.truncate(depth);
            bases.truncate(depth + 1);
            let parent = bases[depth];
            let code = at - parent;
            if code == 0 {
                self.run(&key, !self.node(at).0, at, &mut entries)?;
                continue;
            }
            key.push((code - 1) as u8);
            let base = usize::try_from(self.node(at).0).map_err(|_| self.fault(HEADER + 8 * at, "an inner node that points nowhere"))?;
            bases.push(base);
            pending.extend(children.codes(self, base, &mut codes).iter().rev().map(|&at| (at, depth + 1)));
        }
        if entries.len() != self.count {
            return Err(self.fault(12, "the keys do not cover the tokens"));
        }
        Ok(entries)
    }

    /// Appends the tokens of one key; `value` is `first << 8 | count`.
    fn run(&self, key: &[u8], value: i32, at: usize, entries: &mut Vec<Entry>) -> Result<()> {
        let Ok(value) = usize::try_from(value) else { return Err(self.fault(HEADER + 8 * at, "an end of key without a value")) };
        let (first, count) = (value >> 8, value & 0xFF);
        if key.is_empty() || count == 0 || first + count > self.count || entries.len() + count > self.count {
            return Err(self.fault(HEADER + 8 * at, "an empty key, or a token run outside the tokens"));
        }
        let surface = self.charset.decode(self.name, key)?.into_owned();
        for token in first..first + count {
            entries.push(self.token(token, surface.clone())?);
        }
        Ok(())
    }

    fn token(&self, n: usize, surface: String) -> Result<Entry> {
        let at = 16 * n;
        let field = |offset: usize| u16_at(self.tokens, at + offset).unwrap_or(0);
        let offset = u32_at(self.tokens, at + 8).unwrap_or(u32::MAX) as usize;
        let feature = self.features.get(offset..).and_then(|tail| Some(&tail[..memchr::memchr(0, tail)?]));
        let feature = feature.ok_or_else(|| self.fault(HEADER + self.trie.len() + at + 8, "a feature outside its block"))?;
        let feature = self.charset.decode(self.name, feature)?.into_owned();
        let (left, right) = (field(0), field(2));
        if left >= self.ids.1 || right >= self.ids.0 {
            return Err(self.fault(HEADER + self.trie.len() + at, "a context id outside the matrix"));
        }
        Ok(Entry { surface, left, right, cost: field(6).cast_signed(), feature })
    }
}

/// Units of the double array bucketed by their `check`, so that children are listed without probing 257 slots.
struct Children {
    nodes: usize,
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Children {
    fn bucket(lexicon: &Lexicon<'_>) -> Self {
        let nodes = lexicon.trie.len() / 8;
        let parent = |at: usize| Some(lexicon.node(at).1).filter(|&check| check > 0 && check < nodes && at >= check && at - check <= 256);
        let mut starts = vec![0_u32; nodes + 2];
        (1..nodes).filter_map(parent).for_each(|check| starts[check + 2] += 1);
        for n in 2..starts.len() {
            starts[n] += starts[n - 1];
        }
        let mut members = vec![0; starts.last().map_or(0, |&n| n as usize)];
        for at in 1..nodes {
            if let Some(check) = parent(at) {
                members[starts[check + 1] as usize] = at as u32;
                starts[check + 1] += 1;
            }
        }
        Self { nodes, starts, members }
    }

    /// The children of the nodes whose base is `base`, in code order: code 0 ends a key, code k is byte k − 1.
    fn codes<'a>(&self, lexicon: &Lexicon<'_>, base: usize, out: &'a mut Vec<usize>) -> &'a [usize] {
        out.clear();
        if base > 0 && base < self.nodes {
            let (from, to) = (self.starts[base] as usize, self.starts[base + 1] as usize);
            out.extend(self.members[from..to].iter().map(|&at| at as usize));
            // A node at `base` itself ends a key only if it has a value, which Darts stores as a negative base.
            out.retain(|&at| at != base || lexicon.node(at).0 < 0);
        }
        out
    }
}
