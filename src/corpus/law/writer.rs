//! Lines of a statute. What stands between the text so far and the next character is written when something follows.

/// What stands before the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    None,
    /// A full-width blank.
    Wide,
    Line,
}

/// The text so far.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) text: String,
    gap: Gap,
    /// A line end of the source.
    fold: bool,
    /// Cells that are open: there is no line end in a row.
    cells: u32,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), gap: Gap::None, fold: false, cells: 0 }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Adds text of the source. Blanks of its layout are none of the text: a line end with the blanks around it is nothing but between Latin words.
    pub(super) fn put(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let is_blank = |b: u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
            let words = rest.bytes().position(is_blank).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(words);
            self.push(word);
            let blanks = behind.bytes().position(|b| !is_blank(b)).unwrap_or(behind.len());
            let (blanks, behind) = behind.split_at(blanks);
            if blanks.contains(['\n', '\r']) {
                self.fold = true;
            } else if !blanks.is_empty() && !behind.is_empty() && self.gap == Gap::None {
                self.text.push_str(blanks);
            }
            rest = behind;
        }
    }

    fn push(&mut self, text: &str) {
        let Some(first) = text.chars().next() else { return };
        match std::mem::replace(&mut self.gap, Gap::None) {
            Gap::Line if !self.text.is_empty() => self.text.push(if self.cells > 0 { '　' } else { '\n' }),
            Gap::Wide => self.text.push('　'),
            _ if self.fold && first.is_ascii_alphanumeric() && self.text.ends_with(|c: char| c.is_ascii_alphanumeric()) => {
                self.text.push(' ');
            }
            _ => {}
        }
        self.fold = false;
        self.text.push_str(text);
    }

    /// The next text begins a line.
    pub(super) fn end_line(&mut self) {
        if self.cells == 0 || !self.text.ends_with('\t') {
            self.gap = Gap::Line;
        }
        self.fold = false;
    }

    /// The next text stands in this line, behind a blank.
    pub(super) fn wide(&mut self) {
        if self.gap == Gap::None && !self.text.is_empty() {
            self.gap = Gap::Wide;
        }
    }

    /// Does the next text go on in a line?
    pub(super) fn is_wide(&self) -> bool {
        self.gap == Gap::Wide
    }

    /// A cell begins: in a cell of another table it is a part of that.
    pub(super) fn begin_cell(&mut self, is_first: bool) {
        if self.cells == 0 {
            if self.gap == Gap::Line && !self.text.is_empty() {
                self.text.push('\n');
            }
            self.gap = Gap::None;
            if !is_first {
                self.text.push('\t');
            }
        } else if !is_first {
            self.wide();
        }
        self.cells += 1;
    }

    pub(super) fn end_cell(&mut self) {
        self.cells = self.cells.saturating_sub(1);
        self.gap = Gap::None;
        self.fold = false;
    }

    /// Takes back what was written since, so that the next text begins a line.
    pub(super) fn take_back(&mut self, from: usize) {
        self.text.truncate(from);
        self.end_line();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_the_layout_go() {
        let put = |parts: &[&str]| {
            let mut writer = Writer::with_capacity(0);
            for part in parts {
                writer.put(part);
            }
            writer.text
        };
        assert_eq!(put(&["\n  甲\n  乙\n"]), "甲乙");
        assert_eq!(put(&["　甲　乙　"]), "　甲　乙　");
        assert_eq!(put(&["one two\n three", "\n", "four"]), "one two three four");
        assert_eq!(put(&["甲\n", "one"]), "甲one");
    }
}
