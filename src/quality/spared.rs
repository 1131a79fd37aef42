//! Spans of a document that may repeat: formulae.

/// Starts and ends in bytes, in order, without overlap.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spared<'a> {
    spans: &'a [[u32; 2]],
    /// The first span that does not end before the place last asked for.
    at: usize,
}

impl<'a> Spared<'a> {
    /// Takes starts and ends in turn.
    pub(super) fn new(spans: &'a [u32]) -> Self {
        Self { spans: spans.as_chunks::<2>().0, at: 0 }
    }

    /// Is nothing spared?
    pub(super) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Does a place lie in one of the spans? Places are asked for in ascending order.
    #[inline]
    pub(super) fn passes(&mut self, place: usize) -> bool {
        while let Some([start, end]) = self.spans.get(self.at) {
            if place < *end as usize {
                return place >= *start as usize;
            }
            self.at += 1;
        }
        false
    }

    /// Is a part of the text that begins at `start` all spared, but for marks at its ends?
    pub(super) fn holds(&self, part: &str, start: usize) -> bool {
        let letters = part.trim_matches(|c: char| !c.is_alphanumeric());
        let first = start + (letters.as_ptr() as usize - part.as_ptr() as usize);
        let span = self.spans.get(self.spans.partition_point(|[_, end]| *end as usize <= first));
        span.is_some_and(|[start, end]| *start as usize <= first && first + letters.len() <= *end as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_parts() {
        let text = "「はい、はい。」いいえ";
        let mut spared = Spared::new(&[3, 18, 24, 27]);
        let inside: Vec<usize> = text.char_indices().map(|(at, _)| at).filter(|at| spared.passes(*at)).collect();
        assert_eq!(inside, [3, 6, 9, 12, 15, 24]);
        assert!(spared.holds("「はい、はい。」", 0) && spared.holds("はい", 12) && spared.holds("い", 24));
        assert!(!spared.holds("いいえ", 24) && !spared.holds(text, 0) && !Spared::default().holds("はい", 3));
        assert!(!Spared::new(&[3]).passes(3));
    }
}
