//! Reads the tables of `dicts/keigo/`: UTF-8, columns parted by tabs, one entry a line, `#` before a comment.
//!
//! They are compiled in and read once, when an analyzer is made. An error names file and line.

use rustc_hash::FxHashSet;

use crate::error::{Error, Result};

/// A value, or what is wrong with an entry before file and line are added.
pub(super) type Checked<T> = std::result::Result<T, String>;

/// A table with `N` columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<const N: usize> {
    /// Its name in `dicts/keigo/`.
    pub(super) file: &'static str,
    /// Names of the columns, as in its header line.
    pub(super) columns: [&'static str; N],
    /// So many leading columns tell entries apart.
    pub(super) unique: usize,
    /// Its text.
    pub(super) text: &'static str,
}

impl<const N: usize> Table<N> {
    /// Gives `take` the cells of each entry, in order. Refuses a header line other than the columns, an entry with more or
    /// fewer cells, an empty cell, an entry that stands twice, and what `take` refuses.
    pub(super) fn each(&self, mut take: impl FnMut([&'static str; N]) -> Checked<()>) -> Result<()> {
        let mut seen = FxHashSet::default();
        let mut header = true;
        for (i, line) in self.text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let entry = if std::mem::take(&mut header) { self.check_header(line) } else { self.entry(line, &mut seen).and_then(&mut take) };
            entry.map_err(|message| self.error(i + 1, &message))?;
        }
        if header { Err(self.error(1, "no header line")) } else { Ok(()) }
    }

    fn error(&self, line: usize, message: &str) -> Error {
        Error::internal(format!("dicts/keigo/{}:{line}: {message}", self.file))
    }

    fn check_header(&self, line: &str) -> Checked<()> {
        let wanted = self.columns.join("\t");
        if line == wanted { Ok(()) } else { Err(format!("the header line must be {wanted:?}")) }
    }

    fn entry(&self, line: &'static str, seen: &mut FxHashSet<[&'static str; N]>) -> Checked<[&'static str; N]> {
        let mut cells = [""; N];
        let mut found = 0;
        for cell in line.split('\t') {
            if let Some(slot) = cells.get_mut(found) {
                *slot = cell;
            }
            found += 1;
        }
        if found != N {
            return Err(format!("{found} columns instead of {N}"));
        }
        if let Some(empty) = cells.iter().position(|cell| cell.trim().is_empty()) {
            return Err(format!("column {:?} is empty", self.columns[empty]));
        }
        let mut name = cells;
        name[self.unique..].fill("");
        if seen.insert(name) { Ok(cells) } else { Err(format!("{} stands twice", name[..self.unique].join(" "))) }
    }
}

/// The one of `all` that has this name; `what` says in the message what was looked for.
pub(super) fn named<T: Copy>(all: &[(&str, T)], what: &str, name: &str) -> Checked<T> {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| format!("no {what} is called {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Checked<Vec<[&'static str; 2]>> {
        let table = Table { file: "toy.tsv", columns: ["word", "flag"], unique: 1, text };
        let mut rows = Vec::new();
        let take = |cells: [&'static str; 2]| {
            if cells[1] == "bad" {
                return Err("it is bad".to_string());
            }
            rows.push(cells);
            Ok(())
        };
        table.each(take).map(|()| rows).map_err(|error| error.to_string())
    }

    #[test]
    fn comments_are_passed_over() {
        assert_eq!(read("# a\nword\tflag\n# b\n茶\tB\n酒\tB\n").unwrap(), [["茶", "B"], ["酒", "B"]]);
    }

    #[test]
    fn errors_name_file_and_line() {
        for (text, wanted) in [
            ("# a\n", "toy.tsv:1: no header line"),
            ("word\tflags\n", "toy.tsv:1: the header line must be"),
            ("word\tflag\n茶\n", "toy.tsv:2: 1 columns instead of 2"),
            ("word\tflag\n茶\tA\tB\n", "toy.tsv:2: 3 columns instead of 2"),
            ("word\tflag\n茶\t \n", "toy.tsv:2: column \"flag\" is empty"),
            ("word\tflag\n茶\tA\n# c\n茶\tB\n", "toy.tsv:4: 茶 stands twice"),
            ("word\tflag\n茶\tbad\n", "toy.tsv:2: it is bad"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
