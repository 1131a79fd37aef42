//! Rows of a pack as a trainer wants them: token ids, labels, positions, segments and cumulative lengths, written into memory that
//! the caller owns.
//!
//! What follows from the ends of a row's pieces stands in `docs/formats/pack.md`, under *Reading*. Every element is written once.
//! Numbers are written in the byte order of the machine.

use crate::pack::format::error::FormatError;
use crate::pack::format::items::TokenType;
use crate::pack::view::PackView;

type Result<T> = std::result::Result<T, FormatError>;

/// The label of a token that is not to be predicted.
pub const IGNORED: i32 = -100;

/// Which token the label of a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// The next token of the piece: for a loss that compares column by column.
    Shifted,
    /// The column's own token, unless it is the first of its piece: for a model that shifts by itself.
    Unshifted,
}

/// The size of the integers of ids, labels and positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// i32.
    Narrow,
    /// i64.
    Wide,
}

impl Width {
    /// Bytes of an integer.
    pub fn bytes(self) -> usize {
        match self {
            Self::Narrow => 4,
            Self::Wide => 8,
        }
    }
}

/// The bytes of one row of each column that is wanted; each is S integers long.
#[derive(Debug, Default)]
pub struct RowColumns<'a> {
    /// Token ids, of the width.
    pub input_ids: Option<&'a mut [u8]>,
    /// Labels, of the width.
    pub labels: Option<&'a mut [u8]>,
    /// Positions in the piece, of the width; PAD counts from 0.
    pub position_ids: Option<&'a mut [u8]>,
    /// Pieces of the row from 1, i32; PAD is 0.
    pub segment_ids: Option<&'a mut [u8]>,
}

/// The ends of a row's pieces, checked to rise; they take the place of what `ends` held.
pub fn read_ends(view: &PackView<'_>, row: u64, ends: &mut Vec<u32>) -> Result<()> {
    ends.clear();
    for piece in view.pieces(row)? {
        ends.push(piece?.end);
    }
    Ok(())
}

/// Writes the columns of a row. `ends` are those of [`read_ends`]; every token has to be below `vocab_size`.
pub fn expand_row(view: &PackView<'_>, row: u64, ends: &[u32], vocab_size: u32, rule: (Labels, Width), out: RowColumns<'_>) -> Result<()> {
    let bytes = known_row(view, row, vocab_size)?;
    match view.header().token_type {
        TokenType::Uint16 => expand(bytes, |token| i32::from(u16::from_le_bytes(token)), ends, rule, out),
        TokenType::Int32 => expand(bytes, i32::from_le_bytes, ends, rule, out),
    }
    Ok(())
}

/// Writes the columns of a row whose tokens are as [`copy_row`] gives them. `ends` rise, and the last is not behind the row.
pub fn expand_tokens(tokens: &[u8], token_type: TokenType, ends: &[u32], rule: (Labels, Width), out: RowColumns<'_>) {
    match token_type {
        TokenType::Uint16 => expand(tokens, |token| i32::from(u16::from_ne_bytes(token)), ends, rule, out),
        TokenType::Int32 => expand(tokens, i32::from_ne_bytes, ends, rule, out),
    }
}

/// Copies the tokens of a row as they stand in the file; every one has to be below `vocab_size`.
pub fn copy_row(view: &PackView<'_>, row: u64, vocab_size: u32, out: &mut [u8]) -> Result<()> {
    let bytes = known_row(view, row, vocab_size)?;
    match view.header().token_type {
        TokenType::Uint16 => copy(bytes, u16::from_le_bytes, out, u16::to_ne_bytes),
        TokenType::Int32 => copy(bytes, i32::from_le_bytes, out, i32::to_ne_bytes),
    }
    Ok(())
}

/// The bytes of a row of which every token is in the vocabulary.
fn known_row<'a>(view: &PackView<'a>, row: u64, vocab_size: u32) -> Result<&'a [u8]> {
    let bytes = view.row(row)?;
    let known = all_known(bytes, view.header().token_type, vocab_size);
    known.then_some(bytes).ok_or(FormatError::Row { row, message: "a token is not in the vocabulary" })
}

/// Appends the cumulative lengths of a row that begins at `start`: the ends of its pieces, and of its PAD, which is a segment of its
/// own. Gives the longest segment.
pub fn push_cumulative(ends: &[u32], sequence_length: u32, start: u32, mut push: impl FnMut(u32)) -> u32 {
    let padding = (ends.last() != Some(&sequence_length)).then_some(sequence_length);
    let (mut last, mut longest) = (0, 0);
    for end in ends.iter().copied().chain(padding) {
        longest = longest.max(end - last);
        last = end;
        push(start + end);
    }
    longest
}

fn expand<const N: usize>(
    bytes: &[u8],
    decode: impl Fn([u8; N]) -> i32 + Copy,
    ends: &[u32],
    (labels, width): (Labels, Width),
    out: RowColumns<'_>,
) {
    match width {
        Width::Narrow => expand_as(bytes, decode, ends, labels, i32::to_ne_bytes, out),
        Width::Wide => expand_as(bytes, decode, ends, labels, |value| i64::from(value).to_ne_bytes(), out),
    }
}

fn expand_as<const N: usize, const M: usize>(
    bytes: &[u8],
    decode: impl Fn([u8; N]) -> i32 + Copy,
    ends: &[u32],
    rule: Labels,
    encode: impl Fn(i32) -> [u8; M] + Copy,
    out: RowColumns<'_>,
) {
    if let Some(out) = out.input_ids {
        copy(bytes, decode, out, encode);
    }
    if let Some(out) = out.labels {
        write_labels(bytes.as_chunks::<N>().0, decode, ends, rule, encode, out.as_chunks_mut::<M>().0);
    }
    if let Some(out) = out.position_ids {
        let out = out.as_chunks_mut::<M>().0;
        for_segments(ends, out.len(), |_, start, end| (0..).zip(&mut out[start..end]).for_each(|(i, out)| *out = encode(i)));
    }
    if let Some(out) = out.segment_ids {
        let out = out.as_chunks_mut::<4>().0;
        for_segments(ends, out.len(), |segment, start, end| out[start..end].fill(segment.to_ne_bytes()));
    }
}

/// Calls `each(segment, start, end)` for every piece and, as segment 0, for the PAD.
fn for_segments(ends: &[u32], sequence_length: usize, mut each: impl FnMut(i32, usize, usize)) {
    let mut start = 0;
    for (segment, &end) in (1..).zip(ends) {
        each(segment, start, end as usize);
        start = end as usize;
    }
    each(0, start, sequence_length);
}

fn write_labels<const N: usize, const M: usize>(
    tokens: &[[u8; N]],
    decode: impl Fn([u8; N]) -> i32 + Copy,
    ends: &[u32],
    rule: Labels,
    encode: impl Fn(i32) -> [u8; M] + Copy,
    out: &mut [[u8; M]],
) {
    let ignored = encode(IGNORED);
    for_segments(ends, out.len(), |segment, start, end| {
        let out = &mut out[start..end];
        if segment == 0 {
            out.fill(ignored);
            return;
        }
        // The first or the last column has no label; the others have that of a token behind the first.
        let parts = match rule {
            Labels::Shifted => out.split_last_mut(),
            Labels::Unshifted => out.split_first_mut(),
        };
        let Some((without, labels)) = parts else { return };
        *without = ignored;
        labels.iter_mut().zip(&tokens[start + 1..end]).for_each(|(out, &token)| *out = encode(decode(token)));
    });
}

/// Copies a row in another integer type. There is no branch in the loop, so that it can be vectorised.
fn copy<const N: usize, const M: usize, T>(bytes: &[u8], decode: impl Fn([u8; N]) -> T, out: &mut [u8], encode: impl Fn(T) -> [u8; M]) {
    let tokens = bytes.as_chunks::<N>().0;
    out.as_chunks_mut::<M>().0.iter_mut().zip(tokens).for_each(|(out, &token)| *out = encode(decode(token)));
}

/// True if every token of a row is in the vocabulary. Greatest and least are found in the width of the tokens: vector instructions of
/// every machine can do that, and this is most of the work of a loader that copies nothing else.
fn all_known(bytes: &[u8], token_type: TokenType, vocab_size: u32) -> bool {
    match token_type {
        TokenType::Uint16 => {
            let tokens = bytes.as_chunks().0.iter().map(|token| u16::from_le_bytes(*token));
            bytes.is_empty() || u32::from(tokens.fold(0, u16::max)) < vocab_size
        }
        TokenType::Int32 => {
            let tokens = bytes.as_chunks().0.iter().map(|token| i32::from_le_bytes(*token));
            let (least, greatest) = tokens.fold((0, 0), |(least, greatest), token| (token.min(least), token.max(greatest)));
            bytes.is_empty() || (least >= 0 && greatest.cast_unsigned() < vocab_size)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every column of a row, computed column by column from the table in `docs/formats/pack.md`.
    fn wanted(tokens: &[u16], ends: &[u32], rule: Labels) -> [Vec<i64>; 4] {
        let n = ends.last().map_or(0, |&end| end as usize);
        let mut all: [Vec<i64>; 4] = Default::default();
        for (column, &token) in tokens.iter().enumerate() {
            let piece = ends.iter().take_while(|&&end| end as usize <= column).count();
            let start = if column >= n {
                n
            } else if piece == 0 {
                0
            } else {
                ends[piece - 1] as usize
            };
            let label = match rule {
                Labels::Shifted => (column < n && column + 1 < ends[piece] as usize).then(|| tokens[column + 1]),
                Labels::Unshifted => (column < n && column > start).then_some(token),
            };
            all[0].push(token.into());
            all[1].push(label.map_or(-100, i64::from));
            all[2].push((column - start) as i64);
            all[3].push(if column < n { piece as i64 + 1 } else { 0 });
        }
        all
    }

    fn numbers<const M: usize>(bytes: &[u8], decode: impl Fn([u8; M]) -> i64) -> Vec<i64> {
        bytes.as_chunks::<M>().0.iter().map(|chunk| decode(*chunk)).collect()
    }

    #[test]
    fn columns_follow_from_ends() {
        let tokens: Vec<u16> = (0..9).map(|i| 65_000 + i).collect();
        let narrow: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
        let wide: Vec<u8> = tokens.iter().flat_map(|&token| i32::from(token).to_le_bytes()).collect();
        let all_ones: Vec<u32> = (1..=9).collect();
        for ends in [&[][..], &[9], &[1], &[8], &[1, 9], &[3, 4, 8], &[3, 9], &all_ones] {
            for (rule, width) in
                [Labels::Shifted, Labels::Unshifted].into_iter().flat_map(|rule| [(rule, Width::Narrow), (rule, Width::Wide)])
            {
                let size = 9 * width.bytes();
                let (mut ids, mut labels, mut positions, mut segments) = (vec![9; size], vec![9; size], vec![9; size], vec![9; 36]);
                for source in [&narrow, &wide] {
                    let out = RowColumns {
                        input_ids: Some(&mut ids),
                        labels: Some(&mut labels),
                        position_ids: Some(&mut positions),
                        segment_ids: Some(&mut segments),
                    };
                    if source.len() == 18 {
                        expand(source, |token| u16::from_le_bytes(token).into(), ends, (rule, width), out);
                    } else {
                        expand(source, i32::from_le_bytes, ends, (rule, width), out);
                    }
                    let read = |bytes: &[u8]| match width {
                        Width::Narrow => numbers(bytes, |chunk| i32::from_ne_bytes(chunk).into()),
                        Width::Wide => numbers(bytes, i64::from_ne_bytes),
                    };
                    let found = [read(&ids), read(&labels), read(&positions), numbers(&segments, |chunk| i32::from_ne_bytes(chunk).into())];
                    assert_eq!(found, wanted(&tokens, ends, rule), "{ends:?} {rule:?} {width:?}");
                }
            }
        }
    }

    #[test]
    fn foreign_tokens_are_found_in_any_column() {
        for at in 0..37 {
            for (foreign, vocab_size) in [(-1, 8), (8, 8), (i32::MAX, 8), (i32::MIN, 8), (0, 0), (-1, u32::MAX)] {
                let mut tokens = [7.min(vocab_size as i32 - 1).max(0); 37];
                tokens[at] = foreign;
                let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
                assert!(!all_known(&bytes, TokenType::Int32, vocab_size), "{foreign} of {vocab_size} at {at}");
            }
            for (foreign, vocab_size) in [(8, 8), (65_535, 65_499), (65_499, 65_499)] {
                let mut tokens = [7_u16; 37];
                assert!(all_known(&tokens.map(u16::to_le_bytes).concat(), TokenType::Uint16, vocab_size));
                tokens[at] = foreign;
                assert!(!all_known(&tokens.map(u16::to_le_bytes).concat(), TokenType::Uint16, vocab_size), "{foreign} at {at}");
            }
        }
        assert!(all_known(&[7; 4].map(i32::to_le_bytes).concat(), TokenType::Int32, 8));
    }

    #[test]
    fn padding_is_a_segment_of_the_cumulative_lengths() {
        let cumulative = |ends: &[u32]| {
            let mut all = Vec::new();
            let longest = push_cumulative(ends, 8, 16, |end| all.push(end));
            (all, longest)
        };
        assert_eq!(cumulative(&[3, 4]), (vec![19, 20, 24], 4));
        assert_eq!(cumulative(&[5, 8]), (vec![21, 24], 5));
        assert_eq!(cumulative(&[]), (vec![24], 8));
        assert_eq!(cumulative(&[8]), (vec![24], 8));
    }
}
