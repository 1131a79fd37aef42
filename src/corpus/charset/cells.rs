//! JIS X 0213:2004 as a whole: what stands in a cell of its two planes.

use std::borrow::Cow;

use super::jisx0213;

/// Cells of JIS X 0208 for which the table of the web has a full-width form, and JIS X 0213 has not.
const NOT_OF_THE_WEB: [((usize, usize), &str); 6] =
    [((1, 33), "〜"), ((1, 34), "‖"), ((1, 61), "−"), ((1, 81), "¢"), ((1, 82), "£"), ((2, 44), "¬")];

/// The string in a cell; `row` and `cell` count from 1. Some are two code points. The mapping is that of the standard as in Python's `euc_jis_2004`.
pub(in crate::corpus) fn string(plane: usize, row: usize, cell: usize) -> Option<Cow<'static, str>> {
    if let Some(found) = jisx0213::character(plane, row, cell) {
        return Some(Cow::Borrowed(found));
    }
    if plane != 1 || !(1..=94).contains(&row) || !(1..=94).contains(&cell) {
        return None;
    }
    if let Some((_, found)) = NOT_OF_THE_WEB.iter().find(|(place, _)| *place == (row, cell)) {
        return Some(Cow::Borrowed(found));
    }
    // The rows 9 to 15 are the maker's in EUC-JP, and full in JIS X 0213.
    if (9..=15).contains(&row) || row > 84 {
        return None;
    }
    let bytes = [0xa0 + row as u8, 0xa0 + cell as u8];
    let (text, has_errors) = encoding_rs::EUC_JP.decode_without_bom_handling(&bytes);
    (!has_errors).then(|| Cow::Owned(text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_both_standards() {
        for (place, expected) in [
            ((1, 92, 36), Some("踠")),
            ((1, 1, 52), Some("《")),
            ((1, 2, 22), Some("〻")),
            ((1, 16, 1), Some("亜")),
            ((1, 84, 6), Some("熙")),
            ((1, 6, 88), Some("\u{31f7}\u{309a}")),
            ((1, 1, 61), Some("\u{2212}")),
            ((1, 1, 33), Some("\u{301c}")),
            ((2, 94, 86), Some("\u{2a6b2}")),
            ((1, 13, 1), Some("①")),
            ((2, 94, 87), None),
            ((3, 1, 1), None),
            ((1, 95, 1), None),
            ((1, 1, 0), None),
        ] {
            assert_eq!(string(place.0, place.1, place.2).as_deref(), expected, "{place:?}");
        }
    }
}
