//! Where every token of a part goes: documents → pieces → rows, on lengths alone.
//!
//! A document and its EOS are cut into pieces of the sequence length S and a tail. Full pieces are rows; the tails of a
//! window are placed by [`BestFit`]. Rows are numbered window by window, full pieces first, and then permuted.

use crate::pack::best_fit::BestFit;
use crate::pack::permute::Permutation;

/// Lengths of the documents of one token shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardLengths {
    /// Index of the shard in the list of all token shards.
    pub index: u32,
    /// `n_tokens` of each row: no EOS.
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
    /// Documents without a token: they are in no row.
    pub empty: u64,
    /// Documents longer than a row with their EOS, hence in several pieces.
    pub cut: u64,
    /// Pieces.
    pub pieces: u64,
    /// Tokens with EOS, without padding.
    pub tokens: u64,
}

impl Totals {
    /// Sums both.
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

/// Pieces that a document of so many tokens is cut into.
pub fn pieces_of(n_tokens: u32, sequence_length: u32) -> u32 {
    if n_tokens == 0 { 0 } else { (n_tokens + 1).div_ceil(sequence_length) }
}

/// The totals of one window. Without layout, so that a pack can be planned from lengths at once.
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

/// Closes windows over consecutive shards as soon as they hold `window` documents; gives index ranges.
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

/// Where a piece comes from.
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

/// Where a piece goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
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
    /// Place of each piece, in document order.
    pub places: Vec<Place>,
    /// Pieces in row order, from left to right.
    pub by_row: Vec<u32>,
    /// First piece (index into `by_row`) of each row; one entry more than rows.
    pub row_ptr: Vec<u32>,
}

impl Layout {
    /// Bytes of memory a piece costs while a part is laid out and written.
    pub const PIECE_BYTES: u64 = 48;

    /// Lays out a part of fewer than 2³² − 1 pieces: `windows` of shards, rows permuted if there is a `(seed, stream)`.
    pub fn new(sequence_length: u32, windows: &[&[ShardLengths]], shuffle: Option<(u64, u64)>) -> Self {
        let mut totals = Totals::default();
        let (mut sources, mut places, mut placed) = (Vec::new(), Vec::new(), Vec::new());
        let mut best_fit = BestFit::new(sequence_length);
        for window in windows {
            let mut pieces = WindowPieces { sequence_length, row: totals.rows as u32, sources, places, placed };
            let tails = pieces.cut(window, &mut totals);
            totals.rows = u64::from(pieces.place_tails(&mut best_fit, &tails));
            WindowPieces { sources, places, placed, .. } = pieces;
        }
        if let Some((seed, stream)) = shuffle {
            permute(&mut places, totals.rows, seed, stream);
        }
        let row_ptr = row_pointers(&places, totals.rows);
        let by_row = order_by_row(&places, placed, &row_ptr);
        Self { sequence_length, totals, sources, places, by_row, row_ptr }
    }

    /// End of each piece in its row, in row order.
    pub fn ends(&self) -> impl Iterator<Item = u32> {
        self.by_row.iter().map(|&piece| {
            let place = &self.places[piece as usize];
            place.start + place.length
        })
    }

    /// Origin of each piece, in row order.
    pub fn origins(&self) -> impl Iterator<Item = &Source> {
        self.by_row.iter().map(|&piece| &self.sources[piece as usize])
    }
}

/// The pieces of a part up to and including one window.
struct WindowPieces {
    sequence_length: u32,
    /// Next row.
    row: u32,
    sources: Vec<Source>,
    places: Vec<Place>,
    /// Pieces in the order of placement.
    placed: Vec<u32>,
}

impl WindowPieces {
    /// Cuts the documents; full pieces get rows, the tails (piece, length) are given back.
    fn cut(&mut self, shards: &[ShardLengths], totals: &mut Totals) -> (Vec<u32>, Vec<u32>) {
        let (mut tails, mut lengths) = (Vec::new(), Vec::new());
        for shard in shards {
            for (row, &n_tokens) in shard.lengths.iter().enumerate() {
                totals.add_document(n_tokens, self.sequence_length);
                if n_tokens > 0 {
                    self.cut_document(shard.index, row as u32, n_tokens + 1, &mut tails, &mut lengths);
                }
            }
        }
        (tails, lengths)
    }

    fn cut_document(&mut self, shard: u32, row: u32, length: u32, tails: &mut Vec<u32>, lengths: &mut Vec<u32>) {
        let mut offset = 0;
        while offset < length {
            let piece = self.places.len() as u32;
            let taken = (length - offset).min(self.sequence_length);
            let flags = if offset == 0 { FIRST } else { 0 } | if offset + taken == length { LAST } else { 0 };
            self.sources.push(Source { shard, row, offset, flags });
            self.places.push(Place { row: self.row, start: 0, length: taken });
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

    /// Gives the tails their rows; the next free row is given back.
    fn place_tails(&mut self, best_fit: &mut BestFit, (tails, lengths): &(Vec<u32>, Vec<u32>)) -> u32 {
        let Self { row: first, places, placed, .. } = self;
        let rows = best_fit.assign(lengths, |tail, row, start| {
            let piece = tails[tail as usize];
            let place = &mut places[piece as usize];
            (place.row, place.start) = (*first + row, start);
            placed.push(piece);
        });
        *first + rows
    }
}

fn permute(places: &mut [Place], rows: u64, seed: u64, stream: u64) {
    let permutation = Permutation::new(rows, seed, stream);
    let images: Vec<u32> = (0..rows).map(|row| permutation.forward(row) as u32).collect();
    for place in places {
        place.row = images[place.row as usize];
    }
}

fn row_pointers(places: &[Place], rows: u64) -> Vec<u32> {
    let mut row_ptr = vec![0; rows as usize + 1];
    for place in places {
        row_ptr[place.row as usize + 1] += 1;
    }
    for row in 1..row_ptr.len() {
        row_ptr[row] += row_ptr[row - 1];
    }
    row_ptr
}

/// `placed` fills each row from left to right, so a counting sort by row that keeps its order is all it takes.
fn order_by_row(places: &[Place], placed: Vec<u32>, row_ptr: &[u32]) -> Vec<u32> {
    let mut next = row_ptr.to_vec();
    let mut by_row = vec![0; placed.len()];
    for piece in placed {
        let slot = &mut next[places[piece as usize].row as usize];
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
            let mut sources = layout.sources.iter().zip(&layout.places);
            for shard in &shards {
                for (row, &n_tokens) in shard.lengths.iter().enumerate().filter(|(_, n)| **n > 0) {
                    let mut offset = 0;
                    while offset < n_tokens + 1 {
                        let (source, place) = sources.next().unwrap();
                        let last = offset + place.length == n_tokens + 1;
                        prop_assert_eq!((source.shard, source.row, source.offset), (shard.index, row as u32, offset));
                        prop_assert_eq!(source.flags, u32::from(offset == 0) * FIRST + u32::from(last) * LAST);
                        prop_assert!(last || place.length == sequence_length);
                        offset += place.length;
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
                    let place = layout.places[piece as usize];
                    prop_assert_eq!((place.row as usize, place.start), (row, column));
                    column = end;
                }
                prop_assert!(column > 0 && column <= sequence_length);
            }

            // The plan, which knows no layout, comes to the same sums.
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
