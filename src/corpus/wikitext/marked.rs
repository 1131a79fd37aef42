//! A page with the marks that belong together: looking for things beside them.

use std::ops::Range;

use super::spans::{Span, find};

/// Wikitext and its spans.
pub(super) struct Marked<'a> {
    text: &'a str,
    spans: Vec<Span>,
}

impl<'a> Marked<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, spans: find(text) }
    }

    /// All of it.
    pub(super) fn all(&self) -> Range<usize> {
        0..self.text.len()
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    pub(super) fn of(&self, range: &Range<usize>) -> &'a str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The range without white space at its ends.
    pub(super) fn trim(&self, range: &Range<usize>) -> Range<usize> {
        let text = self.of(range);
        let start = range.start + (text.len() - text.trim_start().len());
        start..start + text.trim().len()
    }

    /// The same without comments at its end.
    pub(super) fn without_comments(&self, range: &Range<usize>) -> Range<usize> {
        let mut range = self.trim(range);
        while let Some(comment) = self.of(&range).strip_suffix("-->").and_then(|text| text.rfind("<!--")) {
            range = self.trim(&(range.start..range.start + comment));
        }
        range
    }

    /// The outermost span that begins in the range, at or behind its start.
    pub(super) fn next_span(&self, range: &Range<usize>) -> Option<&Span> {
        let at = self.spans.partition_point(|span| span.all.start < range.start);
        self.spans.get(at).filter(|span| span.all.start < range.end)
    }

    pub(super) fn span_at(&self, at: usize) -> Option<Span> {
        self.next_span(&(at..at + 1)).cloned()
    }

    /// The first place of a byte in the range that lies in no span.
    pub(super) fn find(&self, byte: u8, range: &Range<usize>) -> Option<usize> {
        let mut at = range.start;
        while at < range.end {
            let found = memchr::memchr(byte, &self.text.as_bytes()[at..range.end]).map(|length| at + length)?;
            // Spans before it, of which one may hold it.
            let mut holder = None;
            while let Some(span) = self.next_span(&(at..found + 1)) {
                if span.all.end > found && span.all.start <= found {
                    holder = Some(span.all.end);
                    break;
                }
                at = span.all.end.max(at + 1);
            }
            match holder {
                Some(end) => at = end,
                None => return Some(found),
            }
        }
        None
    }

    /// The parts between bars.
    pub(super) fn parts(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let (mut parts, mut start) = (Vec::new(), range.start);
        while let Some(bar) = self.find(b'|', &(start..range.end)) {
            parts.push(start..bar);
            start = bar + 1;
        }
        parts.push(start..range.end);
        parts
    }
}
