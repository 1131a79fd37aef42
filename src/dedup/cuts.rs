//! What is cut out of texts, and what points into a text once something is cut out of it.
//!
//! The cuts of a document are starts and ends in turn, in bytes: sorted, disjoint, none empty. [`without`](super::without::without) takes
//! them out of the text; here is what moves with it.

/// Appends the ends of what tiles a text (morphemes, sentences) once `cuts` are gone, and to `stay` the number of each that is left: what
/// lies in a cut altogether vanishes. `ends` ascend.
pub fn cut_ends(ends: &[u32], cuts: &[u32], out: &mut Vec<u32>, stay: &mut Vec<usize>) {
    let (mut moved, mut last) = (Moved::new(cuts), 0);
    for (number, &end) in ends.iter().enumerate() {
        let end = moved.of(end);
        if end > last {
            out.push(end);
            stay.push(number);
            last = end;
        }
    }
}

/// Appends spans of a text once `cuts` are gone; each is `N` values, its start, its end and what else is said of it. What lies in a cut
/// altogether vanishes, and of what lies in one partly the rest stays. Starts ascend, and so do ends.
pub fn cut_spans<const N: usize>(spans: &[u32], cuts: &[u32], out: &mut Vec<u32>) {
    let (mut starts, mut ends) = (Moved::new(cuts), Moved::new(cuts));
    for span in spans.as_chunks::<N>().0 {
        let [start, end, ..] = span[..] else { continue };
        let (start, end) = (starts.of(start), ends.of(end));
        if start < end {
            out.extend([start, end]);
            out.extend(&span[2..]);
        }
    }
}

/// Where ascending positions of a text lie once cuts are gone.
struct Moved<'c> {
    cuts: std::slice::Iter<'c, [u32; 2]>,
    next: Option<[u32; 2]>,
    gone: u32,
}

impl<'c> Moved<'c> {
    fn new(cuts: &'c [u32]) -> Self {
        let mut cuts = cuts.as_chunks::<2>().0.iter();
        Self { next: cuts.next().copied(), cuts, gone: 0 }
    }

    fn of(&mut self, position: u32) -> u32 {
        while let Some([start, end]) = self.next.filter(|[_, end]| *end <= position) {
            self.gone += end - start;
            self.next = self.cuts.next().copied();
        }
        let inside = self.next.map_or(0, |[start, _]| position.saturating_sub(start));
        position - self.gone - inside
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dedup::without::without;

    #[test]
    fn ends_and_spans_move_with_the_text() {
        let (mut ends, mut stay, mut spans) = (Vec::new(), Vec::new(), Vec::new());
        // ab|cd|ef|gh without "bc" and "ef".
        cut_ends(&[2, 4, 6, 8], &[1, 3, 4, 6], &mut ends, &mut stay);
        assert_eq!((&ends[..], &stay[..]), (&[1, 2, 4][..], &[0, 1, 3][..]));
        cut_spans::<3>(&[0, 2, 7, 4, 6, 8, 6, 8, 9], &[1, 3, 4, 6], &mut spans);
        assert_eq!(spans, [0, 1, 7, 2, 4, 9]);
        cut_spans::<2>(&[0, 3, 5, 8], &[], &mut spans);
        assert_eq!(spans[6..], [0, 3, 5, 8]);
    }

    proptest! {
        #[test]
        fn what_points_into_a_text_points_to_the_same(
            text in "[a-zぁ-ん]{0,60}", marks in prop::collection::btree_set(0_usize..60, 0..14), tiles in prop::collection::btree_set(0_usize..60, 0..14),
        ) {
            let at: Vec<u32> = text.char_indices().map(|(at, _)| at as u32).chain([text.len() as u32]).collect();
            let place = |of: &std::collections::BTreeSet<usize>| of.iter().filter_map(|&n| at.get(n).copied()).collect::<Vec<u32>>();
            let mut cuts = place(&marks);
            cuts.truncate(cuts.len() / 2 * 2);
            let mut ends = place(&tiles);
            if ends.last() != at.last() {
                ends.extend(at.last());
            }
            ends.retain(|&end| end > 0);
            let is_cut = |byte: u32| cuts.as_chunks::<2>().0.iter().any(|&[start, end]| start <= byte && byte < end);
            let left = without(&text, &cuts);
            let (mut moved, mut stay) = (Vec::new(), Vec::new());
            cut_ends(&ends, &cuts, &mut moved, &mut stay);
            // Tile by tile, what is left of each is what stands there.
            let (mut before, mut start, mut number) = (0_u32, 0_usize, 0);
            for (tile, &end) in ends.iter().enumerate() {
                let rest: String = text.char_indices().filter(|(at, _)| (before..end).contains(&(*at as u32)) && !is_cut(*at as u32)).map(|(_, c)| c).collect();
                before = end;
                if rest.is_empty() {
                    prop_assert!(!stay.contains(&tile));
                    continue;
                }
                prop_assert_eq!(stay[number], tile);
                prop_assert_eq!(left.get(start..moved[number] as usize).unwrap(), &rest);
                start = moved[number] as usize;
                number += 1;
            }
            prop_assert_eq!((number, start), (stay.len(), left.len()));
            let spans: Vec<u32> = ends.windows(2).flat_map(|pair| [pair[0], pair[1], 5]).collect();
            let mut seen = Vec::new();
            cut_spans::<3>(&spans, &cuts, &mut seen);
            let wanted: Vec<u32> = moved.iter().zip(&stay).enumerate().filter(|(_, (_, tile))| **tile > 0)
                .flat_map(|(n, (&end, _))| [if n == 0 { 0 } else { moved[n - 1] }, end, 5]).collect();
            prop_assert_eq!(seen, wanted);
        }
    }
}
