//! A bit a document: a billion documents are 125 MB.

/// A set of rows.
#[derive(Debug)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// All of so many rows.
    pub(super) fn all(rows: usize) -> Self {
        Self { words: vec![u64::MAX; rows.div_ceil(64)] }
    }

    /// Takes a row out.
    pub(super) fn clear(&mut self, row: usize) {
        self.words[row / 64] &= !(1 << (row % 64));
    }

    /// Is the row in it?
    pub(super) fn get(&self, row: usize) -> bool {
        self.words[row / 64] >> (row % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_keep_their_rows() {
        let mut bits = Bits::all(200);
        let is_in = |row: usize| !(row.is_multiple_of(3) || row == 64);
        (0..200).filter(|&row| !is_in(row)).for_each(|row| bits.clear(row));
        assert!((0..200).all(|row| bits.get(row) == is_in(row)));
    }
}
