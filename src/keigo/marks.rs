//! Brackets and bullets: punctuation marks that are known by themselves, whatever the dictionary says of them.

use rustc_hash::FxHashMap;

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

/// The marks of the table: for each a bit a [`Use`].
#[derive(Debug)]
pub(super) struct Marks(FxHashMap<char, u8>);

impl Marks {
    /// Reads the table.
    pub(super) fn read() -> Result<Self> {
        let mut marks = Self(FxHashMap::default());
        MARKS.each(|[usage, cell]| {
            let mark = single(cell).ok_or_else(|| format!("{cell:?} is not one character"))?;
            *marks.0.entry(mark).or_default() |= bit(named(Use::ALL, "use", usage)?);
            Ok(())
        })?;
        Ok(marks)
    }

    /// The uses of a mark, a bit each.
    fn uses(&self, mark: Option<char>) -> u8 {
        mark.and_then(|mark| self.0.get(&mark)).copied().unwrap_or(0)
    }

    /// Is this a bracket around somebody's words?
    pub(super) fn is_quote(&self, surface: &str) -> bool {
        self.uses(single(surface)) & bit(Use::Quote) != 0
    }

    /// Does a list item or heading begin with this character? A number in a circle does, too.
    pub(super) fn is_bullet(&self, first: Option<char>) -> bool {
        matches!(first, Some('①'..='⑳')) || self.uses(first) & bit(Use::Bullet) != 0
    }

    /// Class of a mark; `kind` is 細分類1 where the dictionary has the mark.
    pub(super) fn class(&self, kind: &str, surface: &str) -> Class {
        let uses = self.uses(single(surface));
        if uses & bit(Use::Open) != 0 {
            Class::Open
        } else if uses & bit(Use::Close) != 0 {
            Class::Close
        } else if kind == "読点" {
            Class::Comma
        } else {
            Class::Mark
        }
    }
}

const fn bit(usage: Use) -> u8 {
    1 << usage as u8
}

fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// No letter, digit or kana: a mark, whatever the dictionary says (IPADIC takes `?` for a verbal noun).
pub(super) fn is_punctuation(surface: &str) -> bool {
    // Most words begin with a letter that need not be looked for in the tables of Unicode.
    let letter = |c: char| matches!(c, 'ぁ'..='ゖ' | 'ァ'..='ヺ' | '一'..='鿿') || c.is_alphanumeric();
    !surface.chars().any(letter)
}
