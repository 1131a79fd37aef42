//! A bit a document: a billion documents are 125 MB.

use std::fmt::Write as _;

/// A set of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// All of so many rows.
    pub(super) fn all(rows: usize) -> Self {
        let mut words = vec![u64::MAX; rows.div_ceil(64)];
        if let (Some(last), beyond @ 1..) = (words.last_mut(), rows % 64) {
            *last >>= 64 - beyond;
        }
        Self { words }
    }

    /// How many.
    pub(super) fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many are in one of both only.
    pub(super) fn differing(&self, other: &Self) -> u64 {
        let long = self.words.len().max(other.words.len());
        let word = |bits: &Self, i: usize| bits.words.get(i).copied().unwrap_or_default();
        (0..long).map(|i| u64::from((word(self, i) ^ word(other, i)).count_ones())).sum()
    }

    /// Hexadecimal digits, 16 for 64 rows.
    pub(super) fn to_hex(&self) -> String {
        let mut hex = String::with_capacity(self.words.len() * 16);
        for word in &self.words {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{word:016x}");
        }
        hex
    }

    /// The set behind [`Bits::to_hex`]; `None` where that did not make it.
    pub(super) fn from_hex(hex: &str) -> Option<Self> {
        let digits = hex.as_bytes().chunks(16);
        let words = digits.map(|digits| u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        Some(Self { words: words.collect::<Option<_>>()? }).filter(|_| hex.len().is_multiple_of(16))
    }

    /// Those that are not in the other set.
    pub(super) fn without(&self, other: &Self) -> Self {
        let words = self.words.iter().enumerate().map(|(i, word)| word & !other.words.get(i).copied().unwrap_or_default());
        Self { words: words.collect() }
    }

    /// The rows, ascending.
    pub(super) fn rows(&self) -> Vec<usize> {
        (0..self.words.len() * 64).filter(|&row| self.get(row)).collect()
    }

    /// Takes a row out.
    pub(super) fn clear(&mut self, row: usize) {
        self.words[row / 64] &= !(1 << (row % 64));
    }

    /// Is the row in it? None beyond its end is.
    pub(super) fn get(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
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
        assert_eq!(bits.len(), (0..200).filter(|&row| is_in(row)).count() as u64);
        assert_eq!(bits.differing(&Bits::all(200)), 200 - bits.len());
        assert_eq!(Bits::from_hex(&bits.to_hex()), Some(bits));
        assert!(!Bits::all(200).get(200) && !Bits::all(64).get(64) && Bits::all(0).len() == 0);
        assert_eq!(Bits::from_hex("zz"), None);
    }
}
