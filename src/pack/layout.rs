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
    let mut totals = Totals::default();
    let mut tails = Vec::new();
    for n_tokens in lengths {
        totals.add_document(n_tokens, sequence_length);
        if n_tokens > 0 {
            totals.rows += u64::from((n_tokens + 1) / sequence_length);
            tails.extend(Some((n_tokens + 1) % sequence_length).filter(|&tail| tail > 0));
        }
    }
    totals.rows += u64::from(best_fit.assign(&tails, |_, _, _| {}));
    totals
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

/// The layout of a part.
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
    /// Bytes of memory that each piece takes while a part is laid out and written.
    pub const PIECE_BYTES: u64 = 48;

    /// The layout of a part of fewer than 2³² − 1 pieces, made of `windows` of token shards; its rows are permuted if `shuffle` gives
    /// `(seed, stream)`.
    pub fn new(sequence_length: u32, windows: &[&[ShardLengths]], shuffle: Option<(u64, u64)>) -> Self {
        let mut totals = Totals::default();
        let (mut sources, mut positions, mut placed) = (Vec::new(), Vec::new(), Vec::new());
        let mut best_fit = BestFit::new(sequence_length);
        for window in windows {
            let mut pieces = WindowPieces { sequence_length, row: totals.rows as u32, sources, positions, placed };
            let tails = pieces.split_documents(window, &mut totals);
            totals.rows = u64::from(pieces.place_tails(&mut best_fit, &tails));
            WindowPieces { sources, positions, placed, .. } = pieces;
        }
        if let Some((seed, stream)) = shuffle {
            permute(&mut positions, totals.rows, seed, stream);
        }
        let row_ptr = row_pointers(&positions, totals.rows);
        let by_row = order_by_row(&positions, placed, &row_ptr);
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

/// The pieces of the part so far: of one window and those before it.
struct WindowPieces {
    sequence_length: u32,
    /// Next row.
    row: u32,
    sources: Vec<Source>,
    positions: Vec<Position>,
    /// Pieces in the order in which they were given to rows.
    placed: Vec<u32>,
}

impl WindowPieces {
    /// Splits the documents into pieces. Full pieces get rows of their own; the tails are returned: their pieces and lengths.
    fn split_documents(&mut self, shards: &[ShardLengths], totals: &mut Totals) -> (Vec<u32>, Vec<u32>) {
        let (mut tails, mut lengths) = (Vec::new(), Vec::new());
        for shard in shards {
            for (row, &n_tokens) in shard.lengths.iter().enumerate() {
                totals.add_document(n_tokens, self.sequence_length);
                if n_tokens > 0 {
                    self.split_document(shard.index, row as u32, n_tokens + 1, &mut tails, &mut lengths);
                }
            }
        }
        (tails, lengths)
    }

    fn split_document(&mut self, shard: u32, row: u32, length: u32, tails: &mut Vec<u32>, lengths: &mut Vec<u32>) {
        let mut offset = 0;
        while offset < length {
            let piece = self.positions.len() as u32;
            let taken = (length - offset).min(self.sequence_length);
            let flags = if offset == 0 { FIRST } else { 0 } | if offset + taken == length { LAST } else { 0 };
            self.sources.push(Source { shard, row, offset, flags });
            self.positions.push(Position { row: self.row, start: 0, length: taken });
            if taken == self.sequence_length {
                self.row += 1;
                self.placed.push(piece);
            } else {
                tails.push(piece);
                lengths.push(taken);
            }
            offset += taken;
        }
    }

    /// Gives rows to the tails; returns the number of the next row.
    fn place_tails(&mut self, best_fit: &mut BestFit, (tails, lengths): &(Vec<u32>, Vec<u32>)) -> u32 {
        let Self { row: first, positions, placed, .. } = self;
        let rows = best_fit.assign(lengths, |tail, row, start| {
            let piece = tails[tail as usize];
            let position = &mut positions[piece as usize];
            (position.row, position.start) = (*first + row, start);
            placed.push(piece);
        });
        *first + rows
    }
}

fn permute(positions: &mut [Position], rows: u64, seed: u64, stream: u64) {
    let permutation = Permutation::new(rows, seed, stream);
    let images: Vec<u32> = (0..rows).map(|row| permutation.forward(row) as u32).collect();
    for position in positions {
        position.row = images[position.row as usize];
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

/// Pieces in row order. `placed` holds those of each row from left to right, so a stable counting sort by row is enough.
fn order_by_row(positions: &[Position], placed: Vec<u32>, row_ptr: &[u32]) -> Vec<u32> {
    let mut next = row_ptr.to_vec();
    let mut by_row = vec![0; placed.len()];
    for piece in placed {
        let slot = &mut next[positions[piece as usize].row as usize];
        by_row[*slot as usize] = piece;
        *slot += 1;
    }
    by_row
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
