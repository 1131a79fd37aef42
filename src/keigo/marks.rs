//! Brackets and bullets: punctuation marks that are known by themselves, whatever the dictionary says of them.

use crate::error::Result;
use crate::keigo::alphabet::{Class, named_enum};
use crate::keigo::table::{Table, named};

named_enum! {
    /// What a mark is for.
    #[derive(Debug, Clone, Copy)]
    pub(super) enum Use {
        /// Opening bracket.
        Open,
        /// Closing bracket.
        Close,
        /// Bracket, opening or closing, around somebody's words.
        Quote,
        /// First character of a list item or heading.
        Bullet,
    }
}

/// The table of marks.
pub(super) const MARKS: Table<2> =
    Table { file: "marks.tsv", columns: ["use", "mark"], unique: 2, text: include_str!("../../dicts/keigo/marks.tsv") };

/// The marks of the table, by their use.
#[derive(Debug)]
pub(super) struct Marks([Vec<char>; Use::ALL.len()]);

impl Marks {
    /// Reads the table.
    pub(super) fn read() -> Result<Self> {
        let mut marks = Self(Default::default());
        MARKS.each(|[usage, cell]| {
            let mark = single(cell).ok_or_else(|| format!("{cell:?} is not one character"))?;
            marks.0[named(Use::ALL, "use", usage)? as usize].push(mark);
            Ok(())
        })?;
        Ok(marks)
    }

    fn has(&self, usage: Use, mark: Option<char>) -> bool {
        mark.is_some_and(|mark| self.0[usage as usize].contains(&mark))
    }

    /// Is this a bracket around somebody's words?
    pub(super) fn is_quote(&self, surface: &str) -> bool {
        self.has(Use::Quote, single(surface))
    }

    /// Does a list item or heading begin with this character? A number in a circle does, too.
    pub(super) fn is_bullet(&self, first: Option<char>) -> bool {
        matches!(first, Some('①'..='⑳')) || self.has(Use::Bullet, first)
    }

    /// Class of a mark; `kind` is 細分類1 where the dictionary has the mark.
    pub(super) fn class(&self, kind: &str, surface: &str) -> Class {
        let mark = single(surface);
        if self.has(Use::Open, mark) {
            Class::Open
        } else if self.has(Use::Close, mark) {
            Class::Close
        } else if kind == "読点" {
            Class::Comma
        } else {
            Class::Mark
        }
    }
}

fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// No letter, digit or kana: a mark, whatever the dictionary says (IPADIC takes `?` for a verbal noun).
pub(super) fn is_punctuation(surface: &str) -> bool {
    !surface.chars().any(char::is_alphanumeric)
}
