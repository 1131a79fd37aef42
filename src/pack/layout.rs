//! The layout of a part: which row and column every piece gets. It is computed from the lengths of documents alone.
//!
//! A document and its EOS are split into pieces of the sequence length S and a shorter tail. A full piece is a row of its own; the
//! tails of a window are given to rows by [`BestFit`]. Rows are numbered window by window, full pieces first, and then permuted.

use crate::pack::best_fit::BestFit;
use crate::pack::permute::Permutation;

/// Lengths of the documents of one token shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardLengths {
    /// Index in the list of all token shards.
    pub index: u32,
    /// `n_tokens` of each row, without EOS.
    pub lengths: Vec<u32>,
}

/// Sums over a window, a part or a pack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Packed rows.
    pub rows: u64,
    /// Documents with at least one token.
    pub documents: u64,
    /// Documents without a token; they have no piece.
    pub empty: u64,
    /// Documents that with their EOS are longer than a row, so that they have several pieces.
    pub cut: u64,
    /// Pieces.
    pub pieces: u64,
    /// Tokens with EOS, without padding.
    pub tokens: u64,
}

impl Totals {
    /// Adds the sums of `other`.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.documents += other.documents;
        self.empty += other.empty;
        self.cut += other.cut;
        self.pieces += other.pieces;
        self.tokens += other.tokens;
    }

    /// PAD tokens in rows of `sequence_length`.
    pub fn padding(&self, sequence_length: u32) -> u64 {
        (self.rows * u64::from(sequence_length)).saturating_sub(self.tokens)
    }

    fn add_document(&mut self, n_tokens: u32, sequence_length: u32) {
        if n_tokens == 0 {
            self.empty += 1;
            return;
        }
        let length = n_tokens + 1;
        self.documents += 1;
        self.cut += u64::from(length > sequence_length);
        self.pieces += u64::from(pieces_of(n_tokens, sequence_length));
        self.tokens += u64::from(length);
    }
}

/// Number of pieces of a document with so many tokens.
pub fn pieces_of(n_tokens: u32, sequence_length: u32) -> u32 {
    if n_tokens == 0 { 0 } else { (n_tokens + 1).div_ceil(sequence_length) }
}

/// The totals of one window, without making its layout: enough to plan a pack.
pub fn window_totals(best_fit: &mut BestFit, sequence_length: u32, lengths: impl Iterator<Item = u32>) -> Totals {
    let (mut totals, tails) = split(sequence_length, lengths);
    totals.rows += u64::from(best_fit.assign(&tails, |_, _, _| {}));
    totals
}

/// The sums over some documents, with the rows of full pieces only, and the lengths of their tails.
fn split(sequence_length: u32, lengths: impl Iterator<Item = u32>) -> (Totals, Vec<u32>) {
    let (mut totals, mut tails) = (Totals::default(), Vec::new());
    for n_tokens in lengths {
        totals.add_document(n_tokens, sequence_length);
        if n_tokens > 0 {
            totals.rows += u64::from((n_tokens + 1) / sequence_length);
            tails.extend(Some((n_tokens + 1) % sequence_length).filter(|&tail| tail > 0));
        }
    }
    (totals, tails)
}

/// Divides consecutive token shards into windows, each closed as soon as it holds `window` documents; gives ranges of indices.
pub fn windows(rows: impl IntoIterator<Item = u64>, window: u64) -> Vec<std::ops::Range<usize>> {
    let mut windows = Vec::new();
    let (mut start, mut end, mut held) = (0, 0, 0);
    for rows in rows {
        held += rows;
        end += 1;
        if held >= window {
            windows.push(start..end);
            (start, held) = (end, 0);
        }
    }
    if end > start {
        windows.push(start..end);
    }
    windows
}

/// The origin of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Index of the token shard.
    pub shard: u32,
    /// Row in it.
    pub row: u32,
    /// First token of the piece in the document.
    pub offset: u32,
    /// [`FIRST`] and [`LAST`].
    pub flags: u32,
}

/// Flag of a document's first piece.
pub const FIRST: u32 = 1;
/// Flag of a document's last piece: its last token is the EOS.
pub const LAST: u32 = 2;

/// The position of a piece in the rows of the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Row of the part.
    pub row: u32,
    /// First column.
    pub start: u32,
    /// Tokens.
    pub length: u32,
}

/// Where the pieces of one window go. Full pieces are not listed: their rows follow each other.
#[derive(Debug)]
pub struct Window<'a> {
    sequence_length: u32,
    /// Rows of the part before those of the window.
    first_row: u32,
    permutation: Option<&'a Permutation>,
    /// Row (permuted) and first column of each tail, in document order.
    tails: Vec<(u32, u32)>,
    totals: Totals,
}

/// A place between the documents of a window: how many full pieces and tails lie before it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    full: u32,
    tails: usize,
}

/// A piece: where it is from, within its document, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// First token in the document.
    pub offset: u32,
    /// [`FIRST`] and [`LAST`].
    pub flags: u32,
    /// Where it goes.
    pub position: Position,
}

impl<'a> Window<'a> {
    /// Bytes of memory that a document of a window takes while the window is laid out: its length, the length of its tail, where that
    /// goes, and what [`BestFit`] needs.
    pub const DOCUMENT_BYTES: u64 = 32;

    /// Lays out documents of these lengths (tokens without EOS) behind `first_row` rows of the part, whose rows are then permuted.
    pub fn new(
        best_fit: &mut BestFit,
        sequence_length: u32,
        first_row: u32,
        permutation: Option<&'a Permutation>,
        lengths: impl Iterator<Item = u32>,
    ) -> Self {
        let (mut totals, lengths) = split(sequence_length, lengths);
        let mut tails = vec![(0, 0); lengths.len()];
        let rows = best_fit.assign(&lengths, |tail, row, start| tails[tail as usize] = (row, start));
        let first_of_tails = first_row + totals.rows as u32;
        let images: Vec<u32> = (0..rows).map(|row| image(permutation, first_of_tails + row)).collect();
        for (row, _) in &mut tails {
            *row = images[*row as usize];
        }
        totals.rows += u64::from(rows);
        Self { sequence_length, first_row, permutation, tails, totals }
    }

    /// The sums over the window.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The pieces of the document at `place`, which has so many tokens; the place is then behind it.
    pub fn pieces(&self, place: &mut Place, n_tokens: u32) -> impl Iterator<Item = Piece> + use<'_, 'a> {
        let Self { sequence_length, permutation, .. } = *self;
        let (first, tail) = (self.first_row + place.full, self.tails.get(place.tails).copied().unwrap_or_default());
        let length = if n_tokens == 0 { 0 } else { n_tokens + 1 };
        place.skip(sequence_length, n_tokens);
        (0..pieces_of(n_tokens, sequence_length)).map(move |number| {
            let offset = number * sequence_length;
            let taken = (length - offset).min(sequence_length);
            let flags = if offset == 0 { FIRST } else { 0 } | if offset + taken == length { LAST } else { 0 };
            let (row, start) = if taken == sequence_length { (image(permutation, first + number), 0) } else { tail };
            Piece { offset, flags, position: Position { row, start, length: taken } }
        })
    }
}

impl Place {
    /// Goes behind a document of so many tokens.
    pub fn skip(&mut self, sequence_length: u32, n_tokens: u32) {
        if n_tokens > 0 {
            self.full += (n_tokens + 1) / sequence_length;
            self.tails += usize::from(!(n_tokens + 1).is_multiple_of(sequence_length));
        }
    }
}

fn image(permutation: Option<&Permutation>, row: u32) -> u32 {
    permutation.map_or(row, |permutation| permutation.forward(u64::from(row)) as u32)
}

/// The layout of a part, all of it in memory.
#[derive(Debug)]
pub struct Layout {
    /// Tokens a row.
    pub sequence_length: u32,
    /// Sums.
    pub totals: Totals,
    /// Origin of each piece, in document order.
    pub sources: Vec<Source>,
    /// Position of each piece, in document order.
    pub positions: Vec<Position>,
    /// Pieces in row order, from left to right.
    pub by_row: Vec<u32>,
    /// First piece (index into `by_row`) of each row; one entry more than rows.
    pub row_ptr: Vec<u32>,
}

impl Layout {
    /// The layout of a part of fewer than 2³² − 1 pieces, made of `windows` of token shards; its rows are permuted if `shuffle` gives
    /// `(seed, stream)`.
    pub fn new(sequence_length: u32, windows: &[&[ShardLengths]], shuffle: Option<(u64, u64)>) -> Self {
        let mut best_fit = BestFit::new(sequence_length);
        let lengths = |window: &[ShardLengths]| window.iter().flat_map(|shard| shard.lengths.iter().copied()).collect::<Vec<_>>();
        let permutation = shuffle.map(|(seed, stream)| {
            let rows = windows.iter().map(|window| window_totals(&mut best_fit, sequence_length, lengths(window).into_iter()).rows);
            Permutation::new(rows.sum(), seed, stream)
        });
        let (mut totals, mut sources, mut positions) = (Totals::default(), Vec::new(), Vec::new());
        for &shards in windows {
            let lengths = lengths(shards).into_iter();
            let window = Window::new(&mut best_fit, sequence_length, totals.rows as u32, permutation.as_ref(), lengths);
            let mut place = Place::default();
            for shard in shards {
                for (row, &n_tokens) in (0..).zip(&shard.lengths) {
                    for Piece { offset, flags, position } in window.pieces(&mut place, n_tokens) {
                        sources.push(Source { shard: shard.index, row, offset, flags });
                        positions.push(position);
                    }
                }
            }
            totals.add(window.totals());
        }
        let row_ptr = row_pointers(&positions, totals.rows);
        let mut by_row: Vec<u32> = (0..positions.len() as u32).collect();
        by_row.sort_unstable_by_key(|&piece| {
            let Position { row, start, .. } = positions[piece as usize];
            (row, start)
        });
        Self { sequence_length, totals, sources, positions, by_row, row_ptr }
    }

    /// End of each piece in its row, in row order.
    pub fn ends(&self) -> impl Iterator<Item = u32> {
        self.by_row.iter().map(|&piece| {
            let position = &self.positions[piece as usize];
            position.start + position.length
        })
    }

    /// Origin of each piece, in row order.
    pub fn origins(&self) -> impl Iterator<Item = &Source> {
        self.by_row.iter().map(|&piece| &self.sources[piece as usize])
    }
}

fn row_pointers(positions: &[Position], rows: u64) -> Vec<u32> {
    let mut row_ptr = vec![0; rows as usize + 1];
    for position in positions {
        row_ptr[position.row as usize + 1] += 1;
    }
    for row in 1..row_ptr.len() {
        row_ptr[row] += row_ptr[row - 1];
    }
    row_ptr
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shards(lengths: &[Vec<u32>]) -> Vec<ShardLengths> {
        lengths.iter().enumerate().map(|(i, lengths)| ShardLengths { index: i as u32, lengths: lengths.clone() }).collect()
    }

    #[test]
    fn windows_are_whole_shards() {
        assert_eq!(windows([5, 5, 5, 1], 10), [0..2, 2..4]);
        assert_eq!(windows([10, 0, 11], 10), [0..1, 1..3]);
        assert!(windows([], 10).is_empty());
        assert_eq!(windows([0], 10).len(), 1);
    }

    #[test]
    fn a_document_that_fills_rows_exactly_has_no_tail() {
        let shards = shards(&[vec![7, 3, 0, 8]]);
        let layout = Layout::new(4, &[&shards], None);
        let totals = Totals { rows: 6, documents: 3, empty: 1, cut: 2, pieces: 6, tokens: 21 };
        assert_eq!(layout.totals, totals);
        assert_eq!(layout.totals.padding(4), 3);
        let flags: Vec<u32> = layout.sources.iter().map(|source| source.flags).collect();
        assert_eq!(flags, [FIRST, LAST, FIRST | LAST, FIRST, 0, LAST]);
        assert_eq!(layout.ends().collect::<Vec<_>>(), [4, 4, 4, 4, 4, 1]);
    }

    fn case() -> impl Strategy<Value = (u32, Vec<Vec<u32>>)> {
        prop_oneof![1_u32..9, 30_u32..70].prop_flat_map(|s| {
            let length = prop_oneof![0..3 * s, Just(0), Just(s - 1), Just(s), Just(s + 1), Just(2 * s)];
            (Just(s), prop::collection::vec(prop::collection::vec(length, 0..40), 1..6))
        })
    }

    proptest! {
        #[test]
        fn pieces_tile_documents_and_rows((sequence_length, lengths) in case(), split in 0_usize..6, seed in prop::option::of(any::<u64>())) {
            let shards = shards(&lengths);
            let windows = shards.split_at(split.min(shards.len()));
            let windows = [windows.0, windows.1];
            let layout = Layout::new(sequence_length, &windows, seed.map(|seed| (seed, 0)));

            // Documents are tiled in order, EOS included, and no piece but the last is shorter than a row.
            let mut sources = layout.sources.iter().zip(&layout.positions);
            for shard in &shards {
                for (row, &n_tokens) in shard.lengths.iter().enumerate().filter(|(_, n)| **n > 0) {
                    let mut offset = 0;
                    while offset < n_tokens + 1 {
                        let (source, position) = sources.next().unwrap();
                        let last = offset + position.length == n_tokens + 1;
                        prop_assert_eq!((source.shard, source.row, source.offset), (shard.index, row as u32, offset));
                        prop_assert_eq!(source.flags, u32::from(offset == 0) * FIRST + u32::from(last) * LAST);
                        prop_assert!(last || position.length == sequence_length);
                        offset += position.length;
                    }
                }
            }
            prop_assert!(sources.next().is_none());

            // Rows are tiled from column 0, within S, and none is empty.
            let ends: Vec<u32> = layout.ends().collect();
            prop_assert_eq!(layout.row_ptr.len() as u64, layout.totals.rows + 1);
            for (row, bounds) in layout.row_ptr.windows(2).enumerate() {
                let mut column = 0;
                let slots = bounds[0] as usize..bounds[1] as usize;
                for (&piece, &end) in layout.by_row[slots.clone()].iter().zip(&ends[slots]) {
                    let position = layout.positions[piece as usize];
                    prop_assert_eq!((position.row as usize, position.start), (row, column));
                    column = end;
                }
                prop_assert!(column > 0 && column <= sequence_length);
            }

            // The sums that a plan is made from, without a layout, are the same.
            let mut planned = Totals::default();
            let mut best_fit = BestFit::new(sequence_length);
            for window in windows {
                let lengths = window.iter().flat_map(|shard| shard.lengths.iter().copied());
                planned.add(&window_totals(&mut best_fit, sequence_length, lengths));
            }
            prop_assert_eq!(planned, layout.totals);
        }

        #[test]
        fn windows_partition_the_shards(rows in prop::collection::vec(0_u64..20, 0..50), window in 1_u64..60) {
            let windows = windows(rows.iter().copied(), window);
            let flat: Vec<usize> = windows.iter().cloned().flatten().collect();
            prop_assert_eq!(flat, (0..rows.len()).collect::<Vec<_>>());
            for (i, range) in windows.iter().enumerate() {
                let held: u64 = rows[range.clone()].iter().sum();
                prop_assert!(held >= window || i + 1 == windows.len());
                prop_assert!(held - rows[range.end - 1] < window);
            }
        }
    }
}
