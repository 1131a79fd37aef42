//! White space of a page → lines of its text.

use super::flags::Flags;
use super::width::joins;

/// Lines that are told apart. A page of more is no page with navigation around an article, and what is kept of each line would be more than its text.
const LINES_MAX: usize = 1 << 18;

/// What stands before a reading that is kept.
const OPEN: &[u8] = "（".as_bytes();

/// What stands between the text so far and the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Space,
    /// A line end of the source, with the blanks around it: a space or nothing, by the characters beside it.
    Fold,
    Line,
}

/// A line of the text. Preformatted text is one line, whatever stands in it.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    /// Bytes of it that are links.
    linked: usize,
    flags: Flags,
}

/// A line and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) text: &'a str,
    /// Bytes of it that are links.
    pub(super) linked: usize,
    /// What holds where it begins.
    pub(super) flags: Flags,
}

/// The text so far; gaps are written when something follows them.
pub(super) struct Lines {
    /// UTF-8, but for a last character of which some bytes may still be missing. Nothing stands between lines.
    text: Vec<u8>,
    begun: Vec<Line>,
    gap: Gap,
    /// Blanks of preformatted text that have not been written.
    blanks: Vec<u8>,
    /// Where a line end of the source is followed by a character that is not whole yet.
    fold: Option<usize>,
}

impl Lines {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), begun: Vec::new(), gap: Gap::Line, blanks: Vec::new(), fold: None }
    }

    /// Ends the line.
    pub(super) fn end_line(&mut self) {
        self.gap = Gap::Line;
        self.blanks.clear();
    }

    /// Lines that have begun.
    pub(super) fn count(&self) -> usize {
        self.begun.len()
    }

    /// Adds text. A character may come in several calls.
    pub(super) fn put(&mut self, text: &[u8], flags: Flags) {
        let mut rest = text;
        while let Some(first) = rest.first() {
            if is_blank(*first) {
                self.blank(*first, flags);
                rest = &rest[1..];
            } else {
                let (run, after) = rest.split_at(rest.iter().position(|b| is_blank(*b)).unwrap_or(rest.len()));
                self.push(run, flags);
                rest = after;
            }
        }
    }

    /// A reading follows.
    pub(super) fn open_reading(&mut self, flags: Flags) {
        self.push(OPEN, flags);
    }

    /// A reading has ended; where nothing was in it, nothing is left of it.
    pub(super) fn close_reading(&mut self, flags: Flags) {
        if self.text.ends_with(OPEN) {
            self.text.truncate(self.text.len() - OPEN.len());
        } else {
            self.push("）".as_bytes(), flags);
        }
    }

    fn blank(&mut self, blank: u8, flags: Flags) {
        match blank {
            _ if flags.has(Flags::PRE) => self.blanks.push(blank),
            b'\n' | b'\r' if flags.has(Flags::PRE_LINE) => self.end_line(),
            b'\n' | b'\r' => self.gap = self.gap.max(Gap::Fold),
            _ => self.gap = self.gap.max(Gap::Space),
        }
    }

    /// Writes the gap, then the bytes. Bytes from 0x80 on belong to characters beyond ASCII.
    fn push(&mut self, bytes: &[u8], flags: Flags) {
        if self.gap == Gap::Line && self.begin_line(flags) {
            // Blank lines before preformatted text go, its indentation stays.
            let indentation = self.blanks.rsplit(|b| *b == b'\n').next().unwrap_or_default();
            self.text.extend_from_slice(indentation);
        } else if !self.blanks.is_empty() {
            self.text.extend_from_slice(&self.blanks);
        } else if self.gap == Gap::Space {
            self.text.push(b' ');
        } else if self.gap == Gap::Fold {
            self.fold = Some(self.text.len());
        }
        self.gap = Gap::None;
        self.blanks.clear();
        self.text.extend_from_slice(bytes);
        if let Some(line) = self.begun.last_mut() {
            line.flags = line.flags.along(flags);
            line.linked += if flags.has(Flags::LINK) { bytes.len() } else { 0 };
        }
        if let Some(at) = self.fold {
            self.settle(at);
        }
    }

    /// Begins a line; where there are too many, one holds all the rest.
    fn begin_line(&mut self, flags: Flags) -> bool {
        let is_new = self.begun.len() < LINES_MAX;
        if is_new {
            let flags = if self.begun.len() + 1 < LINES_MAX { flags } else { Flags::REST };
            self.begun.push(Line { start: self.text.len(), linked: 0, flags });
        } else {
            self.text.push(b'\n');
        }
        is_new
    }

    /// A line end of the source was at `at`: a space or nothing, once the character behind it is whole.
    fn settle(&mut self, at: usize) {
        let (before, after) = self.text.split_at(at);
        let length = match after.first() {
            None => return,
            Some(..0x80) => 1,
            Some(..0xe0) => 2,
            Some(..0xf0) => 3,
            Some(_) => 4,
        };
        let Some(after) = after.get(..length) else { return };
        let before = &before[before.len().saturating_sub(4)..];
        let before = before.utf8_chunks().last().and_then(|chunk| chunk.valid().chars().next_back());
        let after = std::str::from_utf8(after).ok().and_then(|after| after.chars().next());
        if !before.zip(after).is_some_and(|(before, after)| joins(before, after)) {
            self.text.insert(at, b' ');
        }
        self.fold = None;
    }

    /// The lines from `first` on are the cells of a row: they become one, with tabs between.
    pub(super) fn join_row(&mut self, first: usize) {
        let Some(row) = self.begun.get(first).copied() else { return };
        let mut joined = Vec::new();
        for (at, cell) in self.begun.iter().enumerate().skip(first) {
            let end = self.begun.get(at + 1).map_or(self.text.len(), |next| next.start);
            if at > first {
                joined.push(b'\t');
            }
            joined.extend_from_slice(self.text.get(cell.start..end).unwrap_or_default());
        }
        let cells = self.begun.iter().skip(first);
        let linked = cells.clone().map(|cell| cell.linked).sum();
        let flags = cells.fold(row.flags, |flags, cell| flags.along(cell.flags)).with(Flags::ROW);
        self.text.truncate(row.start);
        self.text.append(&mut joined);
        self.begun.truncate(first);
        self.begun.push(Line { linked, flags, ..row });
    }

    /// The lines that `choose` keeps, as one text.
    pub(super) fn finish(self, choose: impl FnOnce(&[Seen<'_>]) -> Vec<bool>) -> String {
        // What was put is UTF-8 as a whole, so nothing is lost here.
        let text = String::from_utf8(self.text).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let ends = self.begun.iter().skip(1).map(|line| line.start).chain([text.len()]);
        let seen: Vec<Seen<'_>> = (self.begun.iter().zip(ends))
            .map(|(line, end)| Seen { text: text.get(line.start..end).unwrap_or_default(), linked: line.linked, flags: line.flags })
            .collect();
        let kept = choose(&seen);
        let mut out = String::with_capacity(text.len() + seen.len());
        // `<p>&nbsp;</p>` is how editors make room.
        for (line, _) in seen.iter().zip(&kept).filter(|(line, kept)| **kept && !line.text.trim().is_empty()) {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(line.text);
        }
        out
    }
}

/// The white space of HTML.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x0c)
}
