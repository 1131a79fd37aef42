//! White space of a page → spaces and line ends of its text.

/// What stands between the text so far and the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    /// A line end of the source: a space between words, nothing between Japanese.
    Fold,
    Space,
    Line,
}

/// The text so far; gaps are written when something follows them.
pub(super) struct Lines {
    /// UTF-8, but for a last character of which some bytes may still be missing.
    text: Vec<u8>,
    gap: Gap,
}

impl Lines {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), gap: Gap::None }
    }

    pub(super) fn open(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    /// Adds text; in preformatted text (`pre`) blanks and line ends stay. A character may come in several calls.
    pub(super) fn put(&mut self, text: &[u8], pre: bool) {
        let mut rest = text;
        while let Some(first) = rest.first() {
            if is_blank(*first) {
                self.blank(*first, pre);
                rest = &rest[1..];
            } else {
                let (run, after) = rest.split_at(rest.iter().position(|b| is_blank(*b)).unwrap_or(rest.len()));
                self.push(run);
                rest = after;
            }
        }
    }

    fn blank(&mut self, blank: u8, pre: bool) {
        match blank {
            b'\n' if pre => self.open(Gap::Line),
            b' ' | b'\t' if pre && !self.text.is_empty() => self.push(&[blank]),
            b'\n' | b'\r' => self.open(Gap::Fold),
            _ => self.open(Gap::Space),
        }
    }

    /// Writes the gap, then the bytes. Bytes from 0x80 on belong to characters beyond ASCII.
    fn push(&mut self, bytes: &[u8]) {
        if let (Some(last), Some(first)) = (self.text.last(), bytes.first()) {
            match self.gap {
                Gap::Line => self.text.push(b'\n'),
                Gap::Space => self.text.push(b' '),
                Gap::Fold if last.is_ascii() || first.is_ascii() => self.text.push(b' '),
                Gap::Fold | Gap::None => {}
            }
        }
        self.gap = Gap::None;
        self.text.extend_from_slice(bytes);
    }

    pub(super) fn finish(self) -> String {
        // What was put is UTF-8 as a whole, so nothing is lost here.
        String::from_utf8(self.text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// The white space of HTML.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0c)
}
