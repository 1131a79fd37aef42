//! The names of the files of a built dictionary.

/// The table that the engine `exact` analyses with.
pub const LATTICE: &str = "lattice.bin";

/// Bytes of a record of `dict.vals`: word id u32, cost i16, left u16, right u16.
pub const RECORD: usize = 10;

/// A built dictionary's files in the order they are written; `seimai.json` follows.
pub const FILES: [&str; 12] = [
    "dict.trie",
    "dict.valsidx",
    "dict.vals",
    "dict.wordsidx",
    "dict.words",
    "matrix.mtx",
    "char_def.bin",
    "unk.bin",
    "chars.bin",
    "surfaces.bin",
    LATTICE,
    "metadata.json",
];

/// Name of the licence text.
pub const LICENCE: &str = "LICENCE.txt";

/// Is this the name of a file that `seimai.json` may list?
pub fn is_known(name: &str) -> bool {
    FILES.contains(&name) || name == LICENCE
}
