//! JIS X 0213:2004, the cells that JIS X 0208 has not: Shift_JIS-2004, EUC-JIS-2004 and the sets of ISO-2022-JP-2004.

use std::sync::LazyLock;

const SIDE: usize = 94;

/// Cells by plane, row and cell; "" where there is none. Made by `scripts/make_jisx0213.py`.
static CELLS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut cells = vec![""; 2 * SIDE * SIDE];
    for line in include_str!("jisx0213.txt").lines() {
        let mut words = line.split(' ');
        let name = words.next().and_then(|name| name.split_once('-'));
        let Some((plane, row)) = name.and_then(|(plane, row)| Some((plane.parse::<usize>().ok()?, row.parse::<usize>().ok()?))) else {
            continue;
        };
        let start = ((plane - 1) * SIDE + row - 1) * SIDE;
        cells.iter_mut().skip(start).zip(words).for_each(|(cell, word)| *cell = if word == "-" { "" } else { word });
    }
    cells
});

/// The character of a cell that JIS X 0208 has not; `row` and `cell` count from 1. Some are two code points.
pub(super) fn character(plane: usize, row: usize, cell: usize) -> Option<&'static str> {
    let inside = (1..=2).contains(&plane) && (1..=SIDE).contains(&row) && (1..=SIDE).contains(&cell);
    let index = || ((plane - 1) * SIDE + row - 1) * SIDE + cell - 1;
    if inside { CELLS.get(index()).copied().filter(|found| !found.is_empty()) } else { None }
}

/// The same for two bytes of Shift_JIS-2004.
pub(super) fn of_shift_jis(lead: u8, trail: u8) -> Option<&'static str> {
    let (plane, row, cell) = place(lead, trail)?;
    character(plane, row, cell)
}

/// Plane, row and cell of two bytes of Shift_JIS-2004.
fn place(lead: u8, trail: u8) -> Option<(usize, usize, usize)> {
    let trail = match trail {
        0x40..=0x7e => usize::from(trail) - 0x40,
        0x80..=0xfc => usize::from(trail) - 0x41,
        _ => return None,
    };
    let (half, cell) = (trail / SIDE, trail % SIDE + 1);
    let (plane, row) = match lead {
        0x81..=0x9f => (1, usize::from(lead - 0x81) * 2 + 1 + half),
        0xe0..=0xef => (1, usize::from(lead - 0xe0) * 2 + 63 + half),
        // Plane 2 has the rows 1, 3–5, 8, 12–15 and 78–94 only, in pairs.
        0xf0..=0xf4 => (2, [[1, 8], [3, 4], [5, 12], [13, 14], [15, 78]][usize::from(lead - 0xf0)][half]),
        0xf5..=0xfc => (2, usize::from(lead - 0xf5) * 2 + 79 + half),
        _ => return None,
    };
    Some((plane, row, cell))
}

/// The same for bytes of EUC-JIS-2004: two, or three that begin with 0x8F.
pub(super) fn of_euc(bytes: &[u8]) -> Option<(&'static str, usize)> {
    let side = |b: u8| usize::from(b).checked_sub(0xa0);
    match *bytes {
        [0x8f, row, cell, ..] => Some((character(2, side(row)?, side(cell)?)?, 3)),
        [row, cell, ..] => Some((character(1, side(row)?, side(cell)?)?, 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells() {
        assert_eq!(character(1, 92, 36), Some("踠"));
        assert_eq!(character(1, 6, 88), Some("\u{31f7}\u{309a}"));
        assert_eq!(character(1, 2, 54), Some("\u{2985}"));
        assert_eq!(character(2, 94, 86), Some("\u{2a6b2}"));
        assert_eq!(character(1, 9, 2), Some("\u{a0}"));
        for (plane, row, cell) in [(1, 16, 1), (1, 4, 1), (2, 2, 1), (2, 94, 87), (0, 1, 1), (3, 1, 1), (1, 0, 1), (1, 95, 1), (1, 1, 95)] {
            assert_eq!(character(plane, row, cell), None, "{plane}-{row}-{cell}");
        }
        assert_eq!(CELLS.iter().filter(|cell| !cell.is_empty()).count(), 4_354);
    }

    #[test]
    fn encodings() {
        // Codes by Python's shift_jis_2004 and euc_jis_2004.
        for (sjis, euc, text) in [
            ([0x85, 0x9f], &[0xaa, 0xa1][..], "Ą"),
            ([0x87, 0x9f], &[0xae, 0xa1], "俱"),
            ([0xf0, 0x40], &[0x8f, 0xa1, 0xa1], "\u{20089}"),
            ([0xfc, 0xf4], &[0x8f, 0xfe, 0xf6], "\u{2a6b2}"),
            ([0xf4, 0x9f], &[0x8f, 0xee, 0xa1], "殛"),
        ] {
            assert_eq!(of_shift_jis(sjis[0], sjis[1]), Some(text), "{sjis:02x?}");
            assert_eq!(of_euc(euc), Some((text, euc.len())), "{sjis:02x?}");
        }
        assert_eq!(of_shift_jis(0x81, 0x7f), None);
        assert_eq!(of_euc(&[0x8f, 0xa1]), None);
    }
}
