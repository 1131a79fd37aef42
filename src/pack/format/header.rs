//! The header of a pack file: its fields, its section table and its checks.

use super::error::{FormatError, Result};
use super::items::{
    HEADER_BYTES, MAGIC, MAJOR, RECORD, SEQUENCE_LENGTH_MAX, SOURCE_BYTES, Section, TokenType, UINT32, has_narrow_ends, kind,
};

const SECTION_TABLE: usize = 192;
const SECTION_BYTES: usize = 64;
const SECTIONS_MAX: usize = 60;
const HASHED_BYTES: usize = HEADER_BYTES - 32;

/// The header of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Minor version.
    pub minor: u16,
    /// Tokens a row: S.
    pub sequence_length: u32,
    /// Type of the tokens.
    pub token_type: TokenType,
    /// Rows.
    pub rows: u64,
    /// Pieces.
    pub pieces: u64,
    /// Tokens without padding.
    pub tokens: u64,
    /// Index of row 0 in the whole pack.
    pub first_row: u64,
    /// Id that fills rows.
    pub pad: u32,
    /// Id at the end of each document; `u32::MAX`: none.
    pub eos: u32,
    /// [`super::EOS_APPENDED`].
    pub flags: u32,
    /// Size of the file.
    pub file_bytes: u64,
    /// BLAKE3 of `tokenizer.json`.
    pub tokenizer_blake3: [u8; 32],
    /// Fingerprint of the plan.
    pub plan_fingerprint: [u8; 32],
    /// BLAKE3 over names and hashes of the token shards used.
    pub shards_blake3: [u8; 32],
    /// Sections by offset.
    pub sections: Vec<Section>,
}

impl Header {
    /// The 4,096 bytes; at most 60 sections.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend(MAGIC);
        out.extend(MAJOR.to_le_bytes());
        out.extend(self.minor.to_le_bytes());
        out.extend((HEADER_BYTES as u32).to_le_bytes());
        out.extend([self.sequence_length, self.token_type as u32].map(u32::to_le_bytes).concat());
        out.extend([self.rows, self.pieces, self.tokens, self.first_row].map(u64::to_le_bytes).concat());
        out.extend([self.pad, self.eos, self.flags, self.sections.len() as u32].map(u32::to_le_bytes).concat());
        out.extend(self.file_bytes.to_le_bytes());
        out.extend([self.tokenizer_blake3, self.plan_fingerprint, self.shards_blake3].concat());
        out.resize(SECTION_TABLE, 0);
        for section in &self.sections {
            out.extend([section.kind, section.item_type].map(u32::to_le_bytes).concat());
            out.extend([section.offset, section.bytes, section.items].map(u64::to_le_bytes).concat());
            out.extend(section.blake3);
        }
        out.resize(HASHED_BYTES, 0);
        let hash = blake3::hash(&out);
        let mut header = [0; HEADER_BYTES];
        header[..HASHED_BYTES].copy_from_slice(&out);
        header[HASHED_BYTES..].copy_from_slice(hash.as_bytes());
        header
    }

    /// Reads and checks the header of a file of `file_bytes` bytes that starts with `bytes`.
    pub fn decode(bytes: &[u8], file_bytes: u64) -> Result<Self> {
        let head = bytes.first_chunk::<HEADER_BYTES>().filter(|head| head.starts_with(MAGIC)).ok_or(FormatError::NotAPack)?;
        let (major, minor) = (u16_at(head, 8), u16_at(head, 10));
        if major != MAJOR {
            return Err(FormatError::Version { major, minor });
        }
        let (hashed, hash) = head.split_at(HASHED_BYTES);
        if blake3::hash(hashed).as_bytes() != hash {
            return Err(FormatError::Header("its hash does not fit"));
        }
        if u32_at(head, 12) as usize != HEADER_BYTES {
            return Err(FormatError::Header("header bytes are not 4096"));
        }
        let header = Self::fields(head)?;
        if header.file_bytes != file_bytes {
            return Err(FormatError::Size { actual: file_bytes, expected: header.file_bytes });
        }
        header.check_sections()?;
        Ok(header)
    }

    fn fields(head: &[u8; HEADER_BYTES]) -> Result<Self> {
        let token_type = TokenType::from_code(u32_at(head, 20)).ok_or(FormatError::Header("unknown token type"))?;
        let sequence_length = u32_at(head, 16);
        if !(1..=SEQUENCE_LENGTH_MAX).contains(&sequence_length) {
            return Err(FormatError::Header("sequence length is not 1 to 2^24"));
        }
        let n_sections = u32_at(head, 68) as usize;
        if n_sections > SECTIONS_MAX {
            return Err(FormatError::Header("more than 60 sections"));
        }
        Ok(Self {
            minor: u16_at(head, 10),
            sequence_length,
            token_type,
            rows: u64_at(head, 24),
            pieces: u64_at(head, 32),
            tokens: u64_at(head, 40),
            first_row: u64_at(head, 48),
            pad: u32_at(head, 56),
            eos: u32_at(head, 60),
            flags: u32_at(head, 64),
            file_bytes: u64_at(head, 72),
            tokenizer_blake3: hash_at(head, 80),
            plan_fingerprint: hash_at(head, 112),
            shards_blake3: hash_at(head, 144),
            sections: (0..n_sections).map(|i| section_at(head, SECTION_TABLE + i * SECTION_BYTES)).collect(),
        })
    }

    /// The section of a kind.
    pub fn section(&self, kind: u32) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }

    /// Item type and number of items that a known kind must have.
    fn expected(&self, kind: u32) -> Option<(u32, u64, u64)> {
        let piece_end = if has_narrow_ends(self.sequence_length) { (TokenType::Uint16 as u32, 2) } else { (UINT32, 4) };
        Some(match kind {
            kind::TOKENS => (self.token_type as u32, self.token_type.bytes() as u64, self.rows.saturating_mul(self.sequence_length.into())),
            kind::ROW_PTR => (UINT32, 4, self.rows.saturating_add(1)),
            kind::PIECE_END => (piece_end.0, piece_end.1, self.pieces),
            kind::PIECE_SRC => (RECORD, SOURCE_BYTES as u64, self.pieces),
            _ => return None,
        })
    }

    /// Every section inside of the file, in order, without overlap; every needed one there once.
    fn check_sections(&self) -> Result<()> {
        let mut end = HEADER_BYTES as u64;
        for section in &self.sections {
            let wrong = |message| Err(FormatError::Section { kind: section.kind, message });
            if section.offset % HEADER_BYTES as u64 != 0 || section.offset < end {
                return wrong("does not start on the next multiple of 4096");
            }
            end = section.offset.saturating_add(section.bytes);
            if end > self.file_bytes {
                return wrong("reaches beyond the end of the file");
            }
            match self.expected(section.kind) {
                None if section.kind < kind::OPTIONAL => return wrong("unknown, and not marked as optional"),
                Some((item_type, size, items))
                    if (section.item_type, section.items) != (item_type, items) || items.checked_mul(size) != Some(section.bytes) =>
                {
                    return wrong("its items are not those that the header calls for");
                }
                _ => {}
            }
        }
        for kind in [kind::TOKENS, kind::ROW_PTR, kind::PIECE_END, kind::PIECE_SRC] {
            if self.sections.iter().filter(|section| section.kind == kind).count() != 1 {
                return Err(FormatError::Section { kind, message: "is not there exactly once" });
            }
        }
        if self.section(kind::TOKENS).is_some_and(|section| section.offset != HEADER_BYTES as u64) {
            return Err(FormatError::Section { kind: kind::TOKENS, message: "does not start at byte 4096" });
        }
        Ok(())
    }
}

fn u16_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn u64_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn hash_at(bytes: &[u8; HEADER_BYTES], at: usize) -> [u8; 32] {
    std::array::from_fn(|i| bytes[at + i])
}

fn section_at(head: &[u8; HEADER_BYTES], at: usize) -> Section {
    Section {
        kind: u32_at(head, at),
        item_type: u32_at(head, at + 4),
        offset: u64_at(head, at + 8),
        bytes: u64_at(head, at + 16),
        items: u64_at(head, at + 24),
        blake3: hash_at(head, at + 32),
    }
}

/// BLAKE3 over names and hashes (hex) of token shards: `name NUL hash LF` for each, in order.
pub fn shards_hash<'a>(shards: impl Iterator<Item = (&'a str, &'a str)>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for (name, blake3) in shards {
        for field in [name, "\0", blake3, "\n"] {
            hasher.update(field.as_bytes());
        }
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::format::items::EOS_APPENDED;

    fn header() -> Header {
        let section = |kind, item_type, offset, bytes, items| Section { kind, item_type, offset, bytes, items, blake3: [kind as u8; 32] };
        Header {
            minor: 0,
            sequence_length: 4,
            token_type: TokenType::Uint16,
            rows: 2,
            pieces: 3,
            tokens: 7,
            first_row: 5,
            pad: 6,
            eos: 9,
            flags: EOS_APPENDED,
            file_bytes: 16_432,
            tokenizer_blake3: [0xAA; 32],
            plan_fingerprint: [0xBB; 32],
            shards_blake3: [0xCC; 32],
            sections: vec![
                section(kind::TOKENS, 8, 4_096, 16, 8),
                section(kind::ROW_PTR, 9, 8_192, 12, 3),
                section(kind::PIECE_END, 8, 12_288, 6, 3),
                section(kind::PIECE_SRC, 0, 16_384, 48, 3),
            ],
        }
    }

    /// A header with a change and a hash that fits.
    fn rehashed(at: usize, bytes: &[u8]) -> [u8; HEADER_BYTES] {
        let mut head = header().encode();
        head[at..at + bytes.len()].copy_from_slice(bytes);
        let hash = *blake3::hash(&head[..HASHED_BYTES]).as_bytes();
        head[HASHED_BYTES..].copy_from_slice(&hash);
        head
    }

    #[test]
    fn header_bytes_are_as_documented() {
        let head = header().encode();
        let wanted: [&[u8]; 15] = [
            b"SEIMAIPK",
            &[1, 0],
            &[0, 0],
            &[0, 0x10, 0, 0],
            &[4, 0, 0, 0],
            &[8, 0, 0, 0],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 0, 0, 0, 0, 0],
            &[7, 0, 0, 0, 0, 0, 0, 0],
            &[5, 0, 0, 0, 0, 0, 0, 0],
            &[6, 0, 0, 0],
            &[9, 0, 0, 0],
            &[1, 0, 0, 0],
            &[4, 0, 0, 0],
            &[0x30, 0x40, 0, 0, 0, 0, 0, 0],
        ];
        assert_eq!(head[..80], wanted.concat());
        assert_eq!(
            (head[80..112].to_vec(), head[112..144].to_vec(), head[144..176].to_vec()),
            (vec![0xAA; 32], vec![0xBB; 32], vec![0xCC; 32])
        );
        assert_eq!(head[176..192], [0; 16]);
        assert_eq!(head[256..264], [2, 0, 0, 0, 9, 0, 0, 0]);
        assert_eq!(head[448..4_064], [0; 3_616]);
        assert_eq!(Header::decode(&head, 16_432), Ok(header()));
    }

    #[test]
    fn a_flip_of_any_header_byte_is_refused() {
        let head = header().encode();
        for at in 0..HEADER_BYTES {
            let mut flipped = head;
            flipped[at] ^= 0x40;
            assert!(Header::decode(&flipped, 16_432).is_err(), "byte {at}");
        }
    }

    #[test]
    fn versions_sizes_and_sections_are_checked() {
        let refusal = |at, bytes: &[u8]| Header::decode(&rehashed(at, bytes), 16_432).unwrap_err().to_string();
        assert!(refusal(0, b"X").contains("not a pack"));
        assert!(refusal(8, &[2]).contains("2.0 cannot be read"));
        assert!(refusal(16, &[0]).contains("sequence length"));
        assert!(refusal(20, &[5]).contains("token type"));
        assert!(refusal(24, &[3]).contains("items"));
        assert!(refusal(24, &[0xFF; 8]).contains("items"));
        assert!(refusal(68, &[61]).contains("60"));
        assert!(refusal(68, &[3]).contains("section 4: is not there"));
        assert!(refusal(72, &[0]).contains("16432 bytes"));
        assert!(refusal(192 + 8, &[1]).contains("4096"));
        assert!(refusal(256 + 8, &[0xFF; 8]).contains("4096"));
        assert!(refusal(256 + 16, &[0xFF; 8]).contains("beyond"));
        assert!(refusal(256, &[7]).contains("unknown"));
        assert!(refusal(256, &[1]).contains("items"));
        let newer = Header::decode(&rehashed(10, &[9]), 16_432);
        assert_eq!(newer.map(|header| header.minor), Ok(9));
        assert_eq!(Header::decode(&header().encode(), 16_431), Err(FormatError::Size { actual: 16_431, expected: 16_432 }));
        assert_eq!(Header::decode(&header().encode()[..4_095], 4_095), Err(FormatError::NotAPack));
    }

    #[test]
    fn unknown_optional_sections_are_read_over() {
        let mut extended = header();
        extended.sections.push(Section { kind: kind::OPTIONAL + 5, item_type: 77, offset: 20_480, bytes: 3, items: 1, blake3: [0; 32] });
        extended.file_bytes = 20_483;
        assert_eq!(Header::decode(&extended.encode(), 20_483), Ok(extended));
    }
}
