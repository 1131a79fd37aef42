//! Fills memory with the rows of a batch.

use std::path::{Path, PathBuf};

use seimai::error::{Error, Result};
use seimai::pack::Pack;
use seimai::pack::format::{FormatError, TokenType};
use seimai::pack::gather::{self, Labels, RowColumns, Width};
use seimai::pack::view::PackView;

use super::memory::ALIGNMENT;

/// What the rows of a pack have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) sequence_length: u32,
    pub(super) vocab_size: u32,
    pub(super) token_type: TokenType,
}

impl Shape {
    pub(super) fn of(pack: &Pack) -> Self {
        let info = pack.info();
        let is_narrow = info.token_dtype == TokenType::Uint16.name();
        let token_type = if is_narrow { TokenType::Uint16 } else { TokenType::Int32 };
        Self { sequence_length: info.sequence_length, vocab_size: info.vocab_size, token_type }
    }
}

/// Rows as a batch of [`Wanted::Raw`] has them.
pub(super) struct RawRows<'a> {
    pub(super) tokens: &'a [u8],
    pub(super) row_ptr: &'a [u8],
    pub(super) piece_end: &'a [u8],
    /// Numbers of the rows in the pack.
    pub(super) rows: &'a [u8],
}

/// What a batch holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Columns as a model takes them.
    Columns { input_ids: bool, labels: bool, position_ids: bool, segment_ids: bool, rule: Labels, width: Width },
    /// Tokens and ends as they stand in the pack: what a kernel makes the columns of.
    Raw,
}

/// Where an array lies in the memory of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Array {
    pub(super) name: &'static str,
    /// numpy's name of the items.
    pub(super) dtype: &'static str,
    pub(super) offset: usize,
    pub(super) items: usize,
    bytes: usize,
}

/// What the memory of a batch of so many rows holds, and where. The arrays whose length depends on the rows have room for the longest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrays {
    pub(super) list: Vec<Array>,
    pub(super) bytes: usize,
    pub(super) rows: usize,
    shape: Shape,
    wanted: Wanted,
}

/// What is known of a filled batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pieces: usize,
    segments: usize,
    /// The longest segment.
    pub(super) max_seqlen: u32,
    /// The most pieces that a row has.
    pub(super) max_pieces: usize,
}

impl Arrays {
    /// For batches of `rows` rows.
    pub(super) fn new(shape: Shape, wanted: &Wanted, rows: usize) -> Result<Self> {
        let sequence_length = shape.sequence_length as usize;
        let tokens = rows.checked_mul(sequence_length).filter(|tokens| i32::try_from(*tokens).is_ok()).ok_or_else(|| {
            Error::refused(format!("a batch of {rows} rows of {sequence_length} tokens is too large: cu_seqlens is int32"))
        })?;
        let mut this = Self { list: vec![], bytes: 0, rows, shape, wanted: wanted.clone() };
        match wanted {
            Wanted::Columns { input_ids, labels, position_ids, segment_ids, width, .. } => {
                let dtype = if *width == Width::Wide { "int64" } else { "int32" };
                for (name, is_wanted) in [("input_ids", input_ids), ("labels", labels), ("position_ids", position_ids)] {
                    if *is_wanted {
                        this.push(name, dtype, width.bytes(), tokens);
                    }
                }
                if *segment_ids {
                    this.push("segment_ids", "int32", 4, tokens);
                }
            }
            Wanted::Raw => {
                this.push("tokens", shape.token_type.name(), shape.token_type.bytes(), tokens);
                this.push("row_ptr", "int32", 4, rows + 1);
                this.push("piece_end", "int32", 4, tokens);
            }
        }
        this.push("rows", "int64", 8, rows);
        this.push("cu_seqlens", "int32", 4, tokens + 1);
        Ok(this)
    }

    fn push(&mut self, name: &'static str, dtype: &'static str, size: usize, items: usize) {
        let bytes = items * size;
        self.list.push(Array { name, dtype, offset: self.bytes, items, bytes });
        self.bytes += bytes.next_multiple_of(ALIGNMENT);
    }

    /// The arrays with the lengths that they have in a filled batch.
    pub(super) fn of(&self, filled: &Filled) -> impl Iterator<Item = Array> {
        self.list.iter().map(|array| match array.name {
            "cu_seqlens" => Array { items: filled.segments + 1, ..*array },
            "piece_end" => Array { items: filled.pieces, ..*array },
            _ => *array,
        })
    }

    /// Writes rows of the pack into `memory`, which has at least `bytes` bytes.
    pub(super) fn fill(&self, parts: &mut Parts<'_>, rows: &[u64], memory: &mut [u8]) -> Result<Filled> {
        let mut filling = Filling::new(self, memory);
        let mut ends = Vec::new();
        for row in rows {
            let (view, in_part, file) = parts.find(*row)?;
            let damaged = |error: FormatError| Error::damaged(file.path(), error.to_string());
            gather::read_ends(view, in_part, &mut ends).map_err(damaged)?;
            let at = filling.begin_row(*row, &ends);
            let out = &mut filling.out;
            match &self.wanted {
                Wanted::Columns { rule, width, .. } => {
                    gather::expand_row(view, in_part, &ends, self.shape.vocab_size, (*rule, *width), out.row(at, self.rows))
                        .map_err(damaged)?;
                }
                Wanted::Raw => {
                    gather::copy_row(view, in_part, self.shape.vocab_size, row_of(out.tokens, at, self.rows)).map_err(damaged)?;
                }
            }
        }
        Ok(filling.finish())
    }

    /// Writes columns of rows that a batch of raw rows had; `None` if they are not what such a batch holds.
    pub(super) fn expand(&self, raw: &RawRows<'_>, memory: &mut [u8]) -> Option<Filled> {
        let Wanted::Columns { rule, width, .. } = self.wanted else { return None };
        let Shape { sequence_length, token_type, .. } = self.shape;
        let row_bytes = sequence_length as usize * token_type.bytes();
        let mut filling = Filling::new(self, memory);
        let mut ends = Vec::new();
        let (rows, row_ptr) = (raw.rows.as_chunks::<8>().0, raw.row_ptr.as_chunks::<4>().0);
        if rows.len() != self.rows || row_ptr.len() != self.rows + 1 || raw.tokens.len() != self.rows * row_bytes {
            return None;
        }
        for ((row, pieces), tokens) in rows.iter().zip(row_ptr.windows(2)).zip(raw.tokens.chunks_exact(row_bytes)) {
            let [first, after] = [pieces[0], pieces[1]].map(|at| u32::from_ne_bytes(at) as usize);
            ends.clear();
            ends.extend(raw.piece_end.as_chunks::<4>().0.get(first..after)?.iter().map(|end| u32::from_ne_bytes(*end)));
            let rises = ends.first() != Some(&0) && ends.windows(2).all(|pair| pair[0] < pair[1]);
            if !rises || ends.last().is_some_and(|last| *last > sequence_length) {
                return None;
            }
            let at = filling.begin_row(u64::from_ne_bytes(*row), &ends);
            gather::expand_tokens(tokens, token_type, &ends, (rule, width), filling.out.row(at, self.rows));
        }
        Some(filling.finish())
    }
}

/// A batch that is being written.
struct Filling<'a> {
    out: Slices<'a>,
    sequence_length: u32,
    rows: usize,
    filled: Filled,
}

impl<'a> Filling<'a> {
    fn new(arrays: &Arrays, memory: &'a mut [u8]) -> Self {
        let out = Slices::of(&arrays.list, memory);
        write(out.cu_seqlens, 0, 0);
        Self { out, sequence_length: arrays.shape.sequence_length, rows: 0, filled: Filled::default() }
    }

    /// Writes what stands beside the tokens of the next row; its number in the batch.
    fn begin_row(&mut self, row: u64, ends: &[u32]) -> usize {
        let Self { out, sequence_length, filled, .. } = self;
        let at = self.rows;
        out.rows[at * 8..at * 8 + 8].copy_from_slice(&row.to_ne_bytes());
        let longest = gather::push_cumulative(ends, *sequence_length, at as u32 * *sequence_length, |end| {
            filled.segments += 1;
            write(out.cu_seqlens, filled.segments, end);
        });
        filled.max_seqlen = filled.max_seqlen.max(longest);
        filled.max_pieces = filled.max_pieces.max(ends.len());
        write(out.row_ptr, at, filled.pieces as u32);
        for (i, end) in ends.iter().enumerate() {
            write(out.piece_end, filled.pieces + i, *end);
        }
        filled.pieces += ends.len();
        self.rows += 1;
        at
    }

    fn finish(self) -> Filled {
        write(self.out.row_ptr, self.rows, self.filled.pieces as u32);
        self.filled
    }
}

/// The arrays of a batch; those that it has not are empty.
#[derive(Default)]
struct Slices<'a> {
    input_ids: &'a mut [u8],
    labels: &'a mut [u8],
    position_ids: &'a mut [u8],
    segment_ids: &'a mut [u8],
    tokens: &'a mut [u8],
    row_ptr: &'a mut [u8],
    rows: &'a mut [u8],
    piece_end: &'a mut [u8],
    cu_seqlens: &'a mut [u8],
}

impl<'a> Slices<'a> {
    fn of(arrays: &[Array], mut memory: &'a mut [u8]) -> Self {
        let (mut slices, mut start) = (Self::default(), 0);
        for array in arrays {
            let rest = std::mem::take(&mut memory).split_at_mut(array.offset - start).1;
            let (slice, rest) = rest.split_at_mut(array.bytes);
            (memory, start) = (rest, array.offset + array.bytes);
            match array.name {
                "input_ids" => slices.input_ids = slice,
                "labels" => slices.labels = slice,
                "position_ids" => slices.position_ids = slice,
                "segment_ids" => slices.segment_ids = slice,
                "tokens" => slices.tokens = slice,
                "row_ptr" => slices.row_ptr = slice,
                "rows" => slices.rows = slice,
                "piece_end" => slices.piece_end = slice,
                _ => slices.cu_seqlens = slice,
            }
        }
        slices
    }

    fn row(&mut self, at: usize, rows: usize) -> RowColumns<'_> {
        RowColumns {
            input_ids: wanted_row(self.input_ids, at, rows),
            labels: wanted_row(self.labels, at, rows),
            position_ids: wanted_row(self.position_ids, at, rows),
            segment_ids: wanted_row(self.segment_ids, at, rows),
        }
    }
}

fn wanted_row(column: &mut [u8], at: usize, rows: usize) -> Option<&mut [u8]> {
    (!column.is_empty()).then(|| row_of(column, at, rows))
}

fn row_of(column: &mut [u8], at: usize, rows: usize) -> &mut [u8] {
    let stride = column.len() / rows;
    &mut column[at * stride..(at + 1) * stride]
}

/// Writes item `at` of an array of 32-bit integers; nothing where the batch has no such array.
fn write(array: &mut [u8], at: usize, value: u32) {
    if let Some(item) = array.as_chunks_mut::<4>().0.get_mut(at) {
        *item = value.to_ne_bytes();
    }
}

/// The file of a part: its path is put together for an error only.
#[derive(Debug, Clone, Copy)]
struct File<'a> {
    directory: &'a Path,
    name: &'a str,
}

impl File<'_> {
    fn path(self) -> PathBuf {
        self.directory.join(self.name)
    }
}

/// The parts of a pack, each opened when the first of its rows is wanted.
pub(super) struct Parts<'a> {
    pack: &'a Pack,
    directory: &'a Path,
    views: Vec<Option<PackView<'a>>>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(pack: &'a Pack, directory: &'a Path) -> Self {
        Self { pack, directory, views: vec![None; pack.info().parts.len()] }
    }

    /// The part of a row of the pack, the row in it, and the file.
    fn find(&mut self, row: u64) -> Result<(&PackView<'a>, u64, File<'a>)> {
        let pack = self.pack;
        let index = pack.info().parts.partition_point(|part| part.first_row <= row).checked_sub(1);
        let part = index.and_then(|index| pack.info().parts.get(index).map(|part| (index, part)));
        let rows = pack.info().totals.rows;
        let (index, part) = part
            .filter(|(_, part)| row - part.first_row < part.totals.rows)
            .ok_or_else(|| Error::refused(format!("row {row} is not in the pack: it has {rows} rows")))?;
        let view = match &mut self.views[index] {
            Some(view) => view,
            none => none.insert(pack.part(index)?),
        };
        Ok((view, row - part.first_row, File { directory: self.directory, name: &part.name }))
    }
}
