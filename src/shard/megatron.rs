//! The bytes of Megatron's `.bin` and `.idx` (NVIDIA/Megatron-LM, `indexed_dataset.py`, version 1 of the index), little endian.
//!
//! `.bin` holds the tokens of all documents back to back. `.idx` is a header of [`HEADER_BYTES`], then for n sequences, one a document
//! here: n × i32 tokens of each, n × i64 byte at which each begins in `.bin`, (n + 1) × i64 first sequence of each document.

use std::fmt::Write as _;

/// Bytes of the header of an index.
pub const HEADER_BYTES: usize = 34;

/// Documents of a pair are fewer than this: Megatron numbers them with 32-bit integers, once an epoch.
pub const DOCUMENTS_MAX: u64 = i32::MAX as u64;

/// How Megatron stores a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// Two bytes.
    Uint16,
    /// Four bytes.
    Int32,
}

impl TokenType {
    /// What Megatron chooses for a vocabulary: two bytes iff it has fewer than 65,500 tokens.
    pub fn for_vocabulary(vocab_size: u32) -> Self {
        if vocab_size < 65_500 { Self::Uint16 } else { Self::Int32 }
    }

    /// Its number in an index.
    pub fn code(self) -> u8 {
        match self {
            Self::Uint16 => 8,
            Self::Int32 => 4,
        }
    }

    /// Bytes of a token.
    pub fn bytes(self) -> u64 {
        match self {
            Self::Uint16 => 2,
            Self::Int32 => 4,
        }
    }

    /// As numpy calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uint16 => "uint16",
            Self::Int32 => "int32",
        }
    }

    /// Appends a document and its EOS. Gives the first id that is not below `vocab_size`.
    ///
    /// # Errors
    /// That id; `out` is then of no use.
    pub fn append_document(self, out: &mut Vec<u8>, ids: &[i32], eos: u32, vocab_size: u32) -> Result<(), i32> {
        // A negative id becomes a very large one.
        if let Some(&foreign) = ids.iter().find(|id| id.cast_unsigned() >= vocab_size) {
            return Err(foreign);
        }
        let all = ids.iter().map(|id| id.cast_unsigned()).chain([eos]);
        match self {
            Self::Uint16 => out.extend(all.flat_map(|id| (id as u16).to_le_bytes())),
            Self::Int32 => out.extend(all.flat_map(u32::to_le_bytes)),
        }
        Ok(())
    }
}

/// The header of an index of so many sequences, each a document.
pub fn header(token_type: TokenType, documents: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..9].copy_from_slice(b"MMIDIDX\0\0");
    header[9..17].copy_from_slice(&1_u64.to_le_bytes());
    header[17] = token_type.code();
    header[18..26].copy_from_slice(&documents.to_le_bytes());
    header[26..].copy_from_slice(&(documents + 1).to_le_bytes());
    header
}

/// Where sequences of these lengths begin in `.bin`, appended to `out`; `at` is the byte of the first, and then of the next.
pub fn append_pointers(out: &mut Vec<u8>, lengths: &[u8], at: &mut u64, token_type: TokenType) {
    for length in lengths.as_chunks().0 {
        out.extend(at.to_le_bytes());
        *at += u64::from(u32::from_le_bytes(*length)) * token_type.bytes();
    }
}

/// A source as the name of a file that Megatron's list of prefixes can hold: letters, digits, `-`, `_` and `.` stay, other bytes become
/// `%` and two hexadecimal digits. Different sources have different names.
pub fn file_name(source: &str) -> String {
    /// Bytes of the longest name, so that an extension fits behind it.
    const LONGEST: usize = 200;
    let mut name = String::new();
    for (i, c) in source.chars().enumerate() {
        if c.is_alphanumeric() || matches!(c, '-' | '_') || (c == '.' && i > 0) {
            name.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(name, "%{byte:02X}");
            }
        }
    }
    if name.is_empty() {
        return "%".to_owned();
    }
    if name.len() > LONGEST {
        let hash = blake3::hash(source.as_bytes()).to_hex();
        name = format!("{}%{}", name.chars().take(LONGEST / 4 - 16).collect::<String>(), hash.get(..32).unwrap_or_default());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out from the layout: two documents of 2 and 1 tokens, EOS 7.
    #[test]
    fn golden_bytes() {
        let mut bin = Vec::new();
        TokenType::Uint16.append_document(&mut bin, &[1, 0x0203], 7, 65_499).unwrap();
        TokenType::Uint16.append_document(&mut bin, &[5], 7, 65_499).unwrap();
        assert_eq!(bin, [1, 0, 3, 2, 7, 0, 5, 0, 7, 0]);
        let header = header(TokenType::Uint16, 2);
        assert_eq!(header[..18], *b"MMIDIDX\0\0\x01\0\0\0\0\0\0\0\x08");
        assert_eq!(header[18..], *b"\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0");
        let (mut pointers, mut at) = (Vec::new(), 0);
        append_pointers(&mut pointers, &[3, 0, 0, 0, 2, 0, 0, 0], &mut at, TokenType::Uint16);
        assert_eq!(pointers, [[0; 8], [6, 0, 0, 0, 0, 0, 0, 0]].concat());
        assert_eq!(at, bin.len() as u64);
    }

    #[test]
    fn wide_vocabularies_are_int32() {
        assert_eq!(TokenType::for_vocabulary(65_499), TokenType::Uint16);
        let wide = TokenType::for_vocabulary(65_500);
        assert_eq!((wide, wide.code(), wide.bytes(), wide.name()), (TokenType::Int32, 4, 4, "int32"));
        let mut bin = Vec::new();
        wide.append_document(&mut bin, &[65_499], 0x0102_0304, u32::MAX).unwrap();
        assert_eq!(bin, [0xdb, 0xff, 0, 0, 4, 3, 2, 1]);
        let (mut pointers, mut at) = (Vec::new(), 1 << 33);
        append_pointers(&mut pointers, &2_u32.to_le_bytes(), &mut at, wide);
        assert_eq!((pointers.as_slice(), at), ((1_u64 << 33).to_le_bytes().as_slice(), (1 << 33) + 8));
    }

    #[test]
    fn foreign_tokens_are_found() {
        assert_eq!(TokenType::Uint16.append_document(&mut Vec::new(), &[1, 100], 0, 100), Err(100));
        assert_eq!(TokenType::Int32.append_document(&mut Vec::new(), &[-1], 0, 100), Err(-1));
    }

    #[test]
    fn names_of_files_differ_as_sources_do() {
        for (source, name) in [
            ("aozora", "aozora"),
            ("青空 文庫", "青空%20文庫"),
            ("a/../b", "a%2F..%2Fb"),
            (".hidden", "%2Ehidden"),
            ("100%", "100%25"),
            ("", "%"),
            ("v1.2\0", "v1.2%00"),
        ] {
            assert_eq!(file_name(source), name);
        }
        let long = |end: &str| file_name(&format!("{}{end}", "長".repeat(500)));
        assert_ne!(long("a"), long("b"));
        assert!(long("a").len() <= 200 && file_name(&"/".repeat(300)).len() <= 200);
    }
}
