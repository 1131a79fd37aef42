//! An opened pack file: reads rows, pieces and origins where they stand in the file.
//!
//! Nothing is copied. The content of the sections is not trusted: each function checks what it reads.

use crate::pack::format::error::FormatError;
use crate::pack::format::header::Header;
use crate::pack::format::items::{TokenType, has_narrow_ends, kind};
use crate::pack::layout::Source;

type Result<T> = std::result::Result<T, FormatError>;

/// An opened pack file.
#[derive(Debug, Clone)]
pub struct PackView<'a> {
    header: Header,
    tokens: &'a [u8],
    row_ptr: &'a [u8],
    piece_end: &'a [u8],
    piece_src: &'a [u8],
}

/// A piece, read from a pack file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Its origin.
    pub source: Source,
    /// Row of the part.
    pub row: u64,
    /// First column.
    pub start: u32,
    /// Column after the last.
    pub end: u32,
}

impl<'a> PackView<'a> {
    /// Opens a file's bytes.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        let header = Header::decode(bytes, bytes.len() as u64)?;
        let section = |kind| {
            let section = header.section(kind).ok_or(FormatError::Section { kind, message: "is missing" })?;
            let range = section.offset as usize..(section.offset + section.bytes) as usize;
            bytes.get(range).ok_or(FormatError::Section { kind, message: "reaches beyond the end of the file" })
        };
        Ok(Self {
            tokens: section(kind::TOKENS)?,
            row_ptr: section(kind::ROW_PTR)?,
            piece_end: section(kind::PIECE_END)?,
            piece_src: section(kind::PIECE_SRC)?,
            header,
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// All tokens, rows × S, as they stand in the file.
    pub fn token_bytes(&self) -> &'a [u8] {
        self.tokens
    }

    /// First piece of each row and the number of pieces: u32 × (rows + 1).
    pub fn row_ptr_bytes(&self) -> &'a [u8] {
        self.row_ptr
    }

    /// Ends of the pieces: u16, or u32 where rows are longer than 65,535 tokens.
    pub fn piece_end_bytes(&self) -> &'a [u8] {
        self.piece_end
    }

    /// Origins of the pieces: 4 × u32 each.
    pub fn piece_src_bytes(&self) -> &'a [u8] {
        self.piece_src
    }

    /// The bytes of a row: S tokens.
    pub fn row(&self, row: u64) -> Result<&'a [u8]> {
        let stride = self.header.sequence_length as usize * self.header.token_type.bytes();
        let start = usize::try_from(row).ok().and_then(|row| row.checked_mul(stride));
        let bytes = start.and_then(|start| self.tokens.get(start..start + stride));
        bytes.ok_or(FormatError::Row { row, message: "is not in this part" })
    }

    /// Appends the tokens of columns `start..end` of a row.
    pub fn read_tokens(&self, row: u64, start: u32, end: u32, out: &mut Vec<i32>) -> Result<()> {
        let size = self.header.token_type.bytes();
        let bytes = self.row(row)?.get(start as usize * size..end as usize * size);
        let bytes = bytes.ok_or(FormatError::Row { row, message: "a piece ends beyond it" })?;
        match self.header.token_type {
            TokenType::Uint16 => out.extend(bytes.as_chunks().0.iter().map(|token| i32::from(u16::from_le_bytes(*token)))),
            TokenType::Int32 => out.extend(bytes.as_chunks().0.iter().map(|token| i32::from_le_bytes(*token))),
        }
        Ok(())
    }

    /// The pieces of a row, from left to right. They are checked to tile its start.
    pub fn pieces(&self, row: u64) -> Result<impl Iterator<Item = Result<Piece>> + '_> {
        let wrong = move |message| FormatError::Row { row, message };
        let first = self.row_ptr(row).ok_or(wrong("is not in this part"))?;
        let next = self.row_ptr(row + 1).ok_or(wrong("is not in this part"))?;
        if first > next || u64::from(next) > self.header.pieces {
            return Err(wrong("row pointers fall or point beyond the pieces"));
        }
        let mut start = 0;
        Ok((first..next).map(move |index| {
            let end = self.piece_end(index).ok_or(wrong("a piece is missing"))?;
            if end <= start || end > self.header.sequence_length {
                return Err(wrong("ends of pieces do not rise within the row"));
            }
            let source = self.piece_src(index).ok_or(wrong("an origin is missing"))?;
            let piece = Piece { source, row, start, end };
            start = end;
            Ok(piece)
        }))
    }

    /// First piece of a row; `row` may be the number of rows.
    pub fn row_ptr(&self, row: u64) -> Option<u32> {
        self.row_ptr.as_chunks().0.get(usize::try_from(row).ok()?).map(|first| u32::from_le_bytes(*first))
    }

    /// End of a piece in its row.
    pub fn piece_end(&self, piece: u32) -> Option<u32> {
        if has_narrow_ends(self.header.sequence_length) {
            self.piece_end.as_chunks().0.get(piece as usize).map(|end| u16::from_le_bytes(*end).into())
        } else {
            self.piece_end.as_chunks().0.get(piece as usize).map(|end| u32::from_le_bytes(*end))
        }
    }

    /// Origin of a piece.
    pub fn piece_src(&self, piece: u32) -> Option<Source> {
        let record: &[u8; 16] = self.piece_src.as_chunks().0.get(piece as usize)?;
        let field = |i: usize| u32::from_le_bytes(std::array::from_fn(|byte| record[i * 4 + byte]));
        Some(Source { shard: field(0), row: field(1), offset: field(2), flags: field(3) })
    }
}
