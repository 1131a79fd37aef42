//! Replaces stretches of a text by placeholders, and moves what points into the text.

use super::kind::Span;

/// Appends `text` to `out` with the placeholder of its kind in place of each span. The spans are in order and do not overlap; those that
/// do not fit the text are left out.
pub fn mask(text: &str, spans: &[Span], out: &mut String) {
    let mut at = 0;
    for span in spans {
        let (Some(before), Some(_)) = (text.get(at..span.start), text.get(span.start..span.end)) else { continue };
        out.push_str(before);
        out.push_str(span.kind.placeholder());
        at = span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
}

/// Appends the ends of morphemes of the masked text to `out`: they tile it, and a placeholder is one of them. `ends` tile the text before;
/// a morpheme that a span cuts ends where the span begins, and goes on behind it.
pub fn mask_ends(ends: &[u32], spans: &[Span], out: &mut Vec<u32>) {
    let mut spans = spans.iter().peekable();
    // Bytes that the text has grown by up to here; it may have shrunk.
    let mut growth = 0_i64;
    let moved = |end: usize, growth: i64| u32::try_from(end as i64 + growth).unwrap_or(u32::MAX);
    let first = out.len();
    let push = |out: &mut Vec<u32>, end: u32| {
        let last = out.get(first..).and_then(<[u32]>::last).copied().unwrap_or(0);
        if end > last {
            out.push(end);
        }
    };
    // The end of the placeholder that was written last, in the text before.
    let mut covered = 0;
    for &end in ends {
        let end = end as usize;
        while let Some(span) = spans.next_if(|span| span.start < end) {
            push(out, moved(span.start, growth));
            growth += span.kind.placeholder().len() as i64 - (span.end - span.start) as i64;
            push(out, moved(span.end, growth));
            covered = span.end;
        }
        if end >= covered {
            push(out, moved(end, growth));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::*;

    fn span(start: usize, end: usize, kind: Kind) -> Span {
        Span { start, end, kind }
    }

    fn masked(text: &str, ends: &[u32], spans: &[Span]) -> (String, Vec<u32>) {
        let (mut out, mut moved) = (String::new(), Vec::new());
        mask(text, spans, &mut out);
        mask_ends(ends, spans, &mut moved);
        (out, moved)
    }

    #[test]
    fn a_placeholder_is_one_morpheme_and_morphemes_tile_the_text() {
        // ab|cd|ef with "bc" and "d" replaced: the morphemes are cut at the spans.
        let (text, ends) = masked("abcdef", &[2, 4, 6], &[span(1, 3, Kind::Phone), span(3, 4, Kind::Email)]);
        assert_eq!(text, "a<PHONE><EMAIL>ef");
        assert_eq!(ends, [1, 8, 15, 17]);
        assert_eq!(masked("abcdef", &[2, 6], &[span(0, 6, Kind::Phone)]), ("<PHONE>".to_owned(), vec![7]));
        assert_eq!(masked("abcdef", &[6], &[span(2, 4, Kind::Phone)]), ("ab<PHONE>ef".to_owned(), vec![2, 9, 11]));
        assert_eq!(masked("あ", &[3], &[]), ("あ".to_owned(), vec![3]));
        assert_eq!(masked("", &[], &[]), (String::new(), vec![]));
    }

    #[test]
    fn a_shorter_placeholder_moves_everything_back() {
        let text = "東京都千代田区霞が関1-2-3に";
        let end = text.len() as u32;
        let (out, ends) = masked(text, &[9, 21, end - 3, end], &[span(0, end as usize - 3, Kind::Address)]);
        assert_eq!((out.as_str(), ends), ("<ADDRESS>に", vec![9, 12]));
    }

    #[test]
    fn spans_that_do_not_fit_are_left_out() {
        let mut out = String::new();
        mask("あい", &[span(1, 3, Kind::Phone), span(3, 9, Kind::Phone)], &mut out);
        assert_eq!(out, "あい");
    }
}
