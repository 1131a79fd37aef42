//! Constants of the file, the kinds of its sections, and the types of what they hold.

/// First bytes of a pack file.
pub const MAGIC: &[u8; 8] = b"SEIMAIPK";
/// Bytes of the header, and the alignment of sections.
pub const HEADER_BYTES: usize = 4_096;
/// A change of this refuses older readers.
pub const MAJOR: u16 = 1;
/// A change of this does not.
pub const MINOR: u16 = 0;
/// Header flag: each document ends with an EOS.
pub const EOS_APPENDED: u32 = 1;
/// Longest row.
pub const SEQUENCE_LENGTH_MAX: u32 = 1 << 24;

/// Kinds of sections.
pub mod kind {
    /// rows × S tokens.
    pub const TOKENS: u32 = 1;
    /// First piece of each row, u32 × (rows + 1).
    pub const ROW_PTR: u32 = 2;
    /// End of each piece in its row, u16 or u32.
    pub const PIECE_END: u32 = 3;
    /// Origin of each piece, 4 × u32.
    pub const PIECE_SRC: u32 = 4;
    /// Kinds from here on are ignored when unknown.
    pub const OPTIONAL: u32 = 1 << 31;
}

/// Bytes of the origin of a piece.
pub(crate) const SOURCE_BYTES: usize = 16;

/// Type of the tokens; codes are Megatron's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum TokenType {
    /// Little-endian i32.
    Int32 = 4,
    /// Little-endian u16.
    Uint16 = 8,
}

/// Item type u32: not among Megatron's codes.
pub(crate) const UINT32: u32 = 9;

/// Item type of a record.
pub(crate) const RECORD: u32 = 0;

impl TokenType {
    /// uint16 iff every id, and some room above, fits (Megatron's `optimal_dtype`).
    pub fn for_vocabulary(vocab_size: u32) -> Self {
        if vocab_size < 65_500 { Self::Uint16 } else { Self::Int32 }
    }

    /// Bytes of a token.
    pub fn bytes(self) -> usize {
        match self {
            Self::Int32 => 4,
            Self::Uint16 => 2,
        }
    }

    /// numpy's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int32 => "int32",
            Self::Uint16 => "uint16",
        }
    }

    pub(super) fn from_code(code: u32) -> Option<Self> {
        [Self::Int32, Self::Uint16].into_iter().find(|token_type| *token_type as u32 == code)
    }
}

/// A row of the section table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// One of [`kind`].
    pub kind: u32,
    /// Megatron's code of the items, 9 = u32, 0 = record.
    pub item_type: u32,
    /// First byte, a multiple of 4,096.
    pub offset: u64,
    /// Bytes.
    pub bytes: u64,
    /// Items.
    pub items: u64,
    /// BLAKE3 of exactly those bytes.
    pub blake3: [u8; 32],
}

/// Are ends of pieces u16 (else u32)?
pub fn has_narrow_ends(sequence_length: u32) -> bool {
    u16::try_from(sequence_length).is_ok()
}
