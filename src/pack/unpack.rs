//! Puts documents together out of the pieces of a part, in the order of the token shards; checks a whole part.

use crate::pack::format::error::FormatError;
use crate::pack::format::items::{EOS_APPENDED, HEADER_BYTES};
use crate::pack::layout::{FIRST, LAST};
use crate::pack::view::{PackView, Piece};

type Result<T> = std::result::Result<T, FormatError>;

/// A document as the token shard holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Index of the token shard.
    pub shard: u32,
    /// Row in it.
    pub row: u32,
    /// Tokens without EOS.
    pub input_ids: Vec<i32>,
}

/// All pieces of a part, sorted by shard, row and offset.
pub fn pieces_by_document(view: &PackView<'_>) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for row in 0..view.header().rows {
        for piece in view.pieces(row)? {
            pieces.push(piece?);
        }
    }
    pieces.sort_unstable_by_key(|piece| (piece.source, piece.row, piece.start));
    Ok(pieces)
}

/// The pieces of one document, in order; none for an empty document. Scans the index of the part.
pub fn locate(view: &PackView<'_>, shard: u32, row: u32) -> Result<Vec<Piece>> {
    let mut found = Vec::new();
    for pack_row in 0..view.header().rows {
        for piece in view.pieces(pack_row)? {
            let piece = piece?;
            if (piece.source.shard, piece.source.row) == (shard, row) {
                found.push(piece);
            }
        }
    }
    found.sort_unstable_by_key(|piece| piece.source);
    Ok(found)
}

/// Iterates over the documents of a part. A row of a token shard that has no piece is an empty document.
#[derive(Debug)]
pub struct Documents<'a> {
    view: PackView<'a>,
    pieces: Vec<Piece>,
    next_piece: usize,
    first_shard: u32,
    /// Rows of each token shard of the part.
    shard_rows: Vec<u64>,
    /// Next document: index into `shard_rows`, and row.
    next: (usize, u64),
    failed: bool,
}

impl<'a> Documents<'a> {
    /// The documents of a part that was made of the token shards `first_shard`, `first_shard` + 1, …, with so many rows each.
    pub fn new(view: PackView<'a>, first_shard: u32, shard_rows: Vec<u64>) -> Result<Self> {
        let pieces = pieces_by_document(&view)?;
        Ok(Self { view, pieces, next_piece: 0, first_shard, shard_rows, next: (0, 0), failed: false })
    }

    /// The next (token shard, row); `None` after the last.
    fn advance(&mut self) -> Option<(u32, u32)> {
        while *self.shard_rows.get(self.next.0)? <= self.next.1 {
            self.next = (self.next.0 + 1, 0);
        }
        let (shard, row) = self.next;
        self.next.1 += 1;
        Some((self.first_shard.saturating_add(shard as u32), row as u32))
    }

    fn document(&mut self, shard: u32, row: u32) -> Result<Document> {
        let mine = |piece: &Piece| (piece.source.shard, piece.source.row) == (shard, row);
        let rest = self.pieces.get(self.next_piece..).unwrap_or_default();
        let n = rest.iter().take_while(|piece| mine(piece)).count();
        let input_ids = read_document(&self.view, &rest[..n])?;
        self.next_piece += n;
        Ok(Document { shard, row, input_ids })
    }

    /// The error if a piece is left after the last document.
    fn leftover(&self) -> Option<FormatError> {
        let piece = self.pieces.get(self.next_piece)?;
        Some(document_error(piece, "is not in a shard of this part"))
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let item = match self.advance() {
            Some((shard, row)) => self.document(shard, row),
            None => Err(self.leftover()?),
        };
        self.failed = item.is_err();
        Some(item)
    }
}

fn document_error(piece: &Piece, message: &'static str) -> FormatError {
    FormatError::Document { shard: piece.source.shard, row: piece.source.row, message }
}

/// Joins the pieces of one document and removes the EOS; without a piece the document is empty.
fn read_document(view: &PackView<'_>, pieces: &[Piece]) -> Result<Vec<i32>> {
    let mut ids = Vec::new();
    check_document(view.header().sequence_length, pieces)?;
    for piece in pieces {
        view.read_tokens(piece.row, piece.start, piece.end, &mut ids)?;
    }
    let (Some(last), true) = (pieces.last(), view.header().flags & EOS_APPENDED != 0) else { return Ok(ids) };
    match ids.pop() {
        Some(eos) if eos.cast_unsigned() == view.header().eos => Ok(ids),
        _ => Err(document_error(last, "does not end with the EOS")),
    }
}

/// Checks that the pieces of one document tile it and have the right flags, and that all but the last fill a row.
fn check_document(sequence_length: u32, pieces: &[Piece]) -> Result<()> {
    let mut offset: u32 = 0;
    for (i, piece) in pieces.iter().enumerate() {
        let (first, last) = (i == 0, i + 1 == pieces.len());
        let length = piece.end - piece.start;
        if piece.source.offset != offset {
            return Err(document_error(piece, "its pieces do not follow each other"));
        }
        if piece.source.flags != u32::from(first) * FIRST + u32::from(last) * LAST {
            return Err(document_error(piece, "its first and last piece are not marked as such"));
        }
        if !last && length != sequence_length {
            return Err(document_error(piece, "is cut although a whole row was not filled"));
        }
        offset = offset.checked_add(length).ok_or_else(|| document_error(piece, "has more than 2^32 tokens"))?;
    }
    Ok(())
}

/// Checks everything that the format promises of a part: hashes of sections, zeros between them, row pointers, ends, padding, sums,
/// documents. It cannot check that the token shards hold the same tokens.
pub fn verify(bytes: &[u8]) -> Result<PackView<'_>> {
    let view = PackView::new(bytes)?;
    check_sections(bytes, &view)?;
    check_rows(&view)?;
    let pieces = pieces_by_document(&view)?;
    if pieces.len() as u64 != view.header().pieces || view.row_ptr(0).is_some_and(|first| first != 0) {
        return Err(FormatError::Header("pieces are not the sum over the rows"));
    }
    let tokens: u64 = pieces.iter().map(|piece| u64::from(piece.end - piece.start)).sum();
    if tokens != view.header().tokens {
        return Err(FormatError::Header("tokens are not the sum over the pieces"));
    }
    for document in pieces.chunk_by(|a, b| (a.source.shard, a.source.row) == (b.source.shard, b.source.row)) {
        check_document(view.header().sequence_length, document)?;
        check_eos(&view, document)?;
    }
    Ok(view)
}

/// Checks the hashes of the sections, that only zeros stand between them, and that nothing follows the last.
fn check_sections(bytes: &[u8], view: &PackView<'_>) -> Result<()> {
    let mut end = HEADER_BYTES;
    for section in &view.header().sections {
        let wrong = |message| FormatError::Section { kind: section.kind, message };
        let range = section.offset as usize..(section.offset + section.bytes) as usize;
        let between = bytes.get(end..range.start).ok_or(wrong("reaches beyond the end of the file"))?;
        if between.iter().any(|&byte| byte != 0) {
            return Err(wrong("the gap before it is not zero"));
        }
        end = range.end;
        let content = bytes.get(range).ok_or(wrong("reaches beyond the end of the file"))?;
        if *blake3::hash(content).as_bytes() != section.blake3 {
            return Err(wrong("its hash does not fit"));
        }
    }
    if end != bytes.len() {
        return Err(FormatError::Header("bytes follow the last section"));
    }
    Ok(())
}

/// Checks that each row is PAD from the end of its last piece on; a row without a piece must be all PAD.
fn check_rows(view: &PackView<'_>) -> Result<()> {
    let header = view.header();
    let mut tail = Vec::new();
    for row in 0..header.rows {
        let mut end = 0;
        for piece in view.pieces(row)? {
            end = piece?.end;
        }
        tail.clear();
        view.read_tokens(row, end, header.sequence_length, &mut tail)?;
        if tail.iter().any(|id| id.cast_unsigned() != header.pad) {
            return Err(FormatError::Row { row, message: "its tail is not PAD" });
        }
    }
    Ok(())
}

/// Checks that the last token of a document is the EOS, if the part says so.
fn check_eos(view: &PackView<'_>, document: &[Piece]) -> Result<()> {
    let Some(last) = document.last().filter(|_| view.header().flags & EOS_APPENDED != 0) else { return Ok(()) };
    let mut ids = Vec::new();
    view.read_tokens(last.row, last.end - 1, last.end, &mut ids)?;
    if ids.iter().all(|id| id.cast_unsigned() == view.header().eos) {
        return Ok(());
    }
    Err(document_error(last, "does not end with the EOS"))
}
