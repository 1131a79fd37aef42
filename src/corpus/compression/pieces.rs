//! A compressed file in pieces that decode by themselves: found without decoding, decoded side by side, read in order.
//!
//! Whoever reads the pieces gets the bytes, entries and damage of reading from the start: a piece that does not decode to its very end is
//! decoded again by the reader, from its start on and as far as it goes.

use std::sync::Arc;

use super::codec::Codec;
use super::damage::Stop;
use super::entry::Entry;
use super::kind::{HEAD, Kind};
use super::raw::{At, Raw};
use super::{bzip2, frames, zstd_dictionary};
use crate::error::Result;
use crate::io::Input;

/// Decoded bytes that a piece holds at most; of a longer frame the reader decodes a little at a time.
const DECODED_MAX: usize = 64 << 20;

/// Where the pieces of a file are.
#[derive(Debug)]
pub struct Pieces {
    file: Arc<Input>,
    kind: Kind,
    length: u64,
    /// Where the next piece begins; `None` behind the last.
    next: Option<Entry>,
}

/// A piece of a file.
#[derive(Debug)]
pub struct Piece {
    file: Arc<Input>,
    kind: Kind,
    start: Entry,
    /// Where it ends; `None`: that cannot be told, and all that follows is its.
    end: Option<Entry>,
    /// One frame that decodes to more than is held.
    is_large: bool,
}

/// A piece that was decoded, or has to be by its reader.
#[derive(Debug)]
pub struct DecodedPiece {
    piece: Piece,
    /// What was decoded, and where decoding can begin in it, counted from its start; `None` if it did not decode to its end.
    decoded: Option<Decoded>,
}

/// Bytes, and entries in them.
type Decoded = (Vec<u8>, Vec<Entry>);

/// Gives the decoded pieces of a file in order.
pub trait ReadAhead: Send + Sync {
    /// The next piece; `None` behind the last.
    ///
    /// # Errors
    /// Whatever stops a run.
    fn next_piece(&self) -> Result<Option<DecodedPiece>>;
}

impl Pieces {
    /// The pieces of a file that is compressed so; `None` if they are not to be found without decoding, or there is only one.
    pub(in crate::corpus) fn new(file: Input, kind: Kind) -> std::io::Result<Option<Self>> {
        if !matches!(kind, Kind::Bzip2 | Kind::Lz4 | Kind::Zstd) {
            return Ok(None);
        }
        let mut head = [0; 4];
        let known = file.read_at(&mut head, 0)?;
        if head[..known] == *zstd_dictionary::MAGIC {
            // All frames may need what the first one holds.
            return Ok(None);
        }
        let length = file.size()?;
        let mut pieces = Self { file: Arc::new(file), kind, length, next: Some(Entry::default()) };
        let is_one = pieces.next_piece()?.is_none_or(|first| first.end.is_none_or(|end| end.file >= length));
        pieces.next = Some(Entry::default());
        Ok((!is_one).then_some(pieces))
    }

    /// The next piece; `None` behind the last.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_piece(&mut self) -> std::io::Result<Option<Piece>> {
        let Some(start) = self.next.take() else { return Ok(None) };
        let (end, is_large) = match self.kind {
            Kind::Bzip2 => (Some(bzip2::next_start(&self.file, start, self.length)?), false),
            Kind::Lz4 => frames::end_of_lz4(&self.file, start.file, self.length, DECODED_MAX as u64)?,
            _ => frames::end_of_zstd(&self.file, start.file, self.length, DECODED_MAX as u64)?,
        };
        self.next = end.filter(|end| end.file < self.length);
        Ok(Some(Piece { file: Arc::clone(&self.file), kind: self.kind, start, end, is_large }))
    }
}

impl Piece {
    /// Decodes it, unless its reader has to.
    pub fn decode(self) -> DecodedPiece {
        // What is wrong is met again, and told, by the reader.
        let decoded = if self.is_large { None } else { self.end.and_then(|end| self.try_decode(end).ok().flatten()) };
        DecodedPiece { piece: self, decoded }
    }

    /// All of it, if it decodes to its very end.
    fn try_decode(&self, end: Entry) -> std::result::Result<Option<Decoded>, Stop> {
        let mut bytes = Vec::new();
        let (mut raw, mut codec) = self.open(self.start, Some(end))?;
        raw.note_all();
        while codec.read(&mut raw, &mut bytes)? {
            if bytes.len() > DECODED_MAX {
                return Ok(None);
            }
        }
        Ok((raw.total == end.file).then(|| (bytes, raw.into_entries())))
    }

    /// Its bytes, up to an end, and what decodes them.
    fn open(&self, start: Entry, end: Option<Entry>) -> std::io::Result<(Raw, Box<dyn Codec>)> {
        // Where a block of bzip2 ends, the next one tells.
        let last = end.filter(|_| self.kind != Kind::Bzip2).map_or(u64::MAX, |end| end.file);
        let mut raw = Raw::new(Box::new(At::new(Arc::clone(&self.file), start.file, last)), start);
        let next = raw.ahead(HEAD)?.to_vec();
        let codec: Box<dyn Codec> = match (self.kind, end) {
            (Kind::Bzip2, Some(end)) => Box::new(bzip2::Bzip2::at(start, &next).until(end)),
            (Kind::Bzip2, None) => Box::new(bzip2::Bzip2::at(start, &next)),
            (kind, _) => kind.codec()?,
        };
        Ok((raw, codec))
    }
}

/// Reads decoded pieces, as a codec of the file.
pub(super) struct Ahead {
    source: Arc<dyn ReadAhead>,
    /// The piece that is being handed out, and what of its bytes and entries was.
    piece: Option<DecodedPiece>,
    at: usize,
    entry: usize,
    /// Decodes a piece itself; does it go on to the end of the file?
    own: Option<(Box<dyn Codec>, bool)>,
}

impl Ahead {
    pub(super) fn new(source: Arc<dyn ReadAhead>) -> Self {
        Self { source, piece: None, at: 0, entry: 0, own: None }
    }

    /// Takes the next piece; `false` behind the last.
    fn take(&mut self, raw: &mut Raw) -> std::result::Result<bool, Stop> {
        let next = self.source.next_piece().map_err(|error| Stop::Io(std::io::Error::other(error)))?;
        let Some(next) = next else { return Ok(false) };
        (self.at, self.entry) = (0, 0);
        if next.decoded.is_none() {
            let Piece { start, end, is_large, .. } = next.piece;
            let (source, codec) = next.piece.open(Entry { decoded: raw.decoded, ..start }, end.filter(|_| is_large))?;
            raw.go_on_with(source);
            self.own = Some((codec, !is_large));
        }
        self.piece = Some(next);
        Ok(true)
    }

    /// Hands out a part of the piece: up to the next entry, as a decoder would; `false` if it is at its end.
    fn hand_out(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> bool {
        let Some(DecodedPiece { piece, decoded: Some((bytes, entries)) }) = &self.piece else { return false };
        if let Some(entry) = entries.get(self.entry) {
            raw.total = entry.file;
            raw.note_entry(entry.bits);
            self.entry += 1;
        }
        let end = entries.get(self.entry).map_or(bytes.len(), |next| next.decoded as usize);
        out.extend_from_slice(&bytes[self.at..end]);
        raw.decoded += (end - self.at) as u64;
        self.at = end;
        let is_over = self.entry >= entries.len();
        if let Some(end) = piece.end.filter(|_| is_over) {
            raw.total = end.file;
        }
        if is_over {
            self.piece = None;
        }
        true
    }
}

impl Codec for Ahead {
    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> std::result::Result<bool, Stop> {
        let held = out.len();
        while out.len() == held {
            if let Some((codec, is_last)) = &mut self.own {
                let is_last = *is_last;
                if codec.read(raw, out)? || is_last {
                    return Ok(out.len() > held);
                }
                (self.own, self.piece) = (None, None);
            }
            if !self.hand_out(raw, out) && !self.take(raw)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
