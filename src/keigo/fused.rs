//! Unchanging words with です or ます inside: すみません, につきまして, ですが.

use std::ops::Range;

use crate::error::Result;
use crate::keigo::alphabet::{Class, named_enum};
use crate::keigo::table::{Table, named};

named_enum! {
    /// Where a text stands in such a word.
    #[derive(Debug, Clone, Copy)]
    pub(super) enum Position {
        /// At its end, after something else.
        End,
        /// At its beginning.
        Begin,
        /// Anywhere: the polite part.
        Polite,
        /// At its beginning, before the polite part: a humble verb.
        Humble,
    }
}

/// The table of their parts.
pub(super) const FUSED: Table<2> =
    Table { file: "fused.tsv", columns: ["position", "text"], unique: 2, text: include_str!("../../dicts/keigo/fused.tsv") };

/// The parts of the table, by their position.
#[derive(Debug)]
pub(super) struct Fused([Vec<&'static str>; Position::ALL.len()]);

impl Fused {
    /// Reads the table.
    pub(super) fn read() -> Result<Self> {
        let mut fused = Self(Default::default());
        FUSED.each(|[position, text]| {
            fused.0[named(Position::ALL, "position", position)? as usize].push(text);
            Ok(())
        })?;
        Ok(fused)
    }

    fn parts(&self, position: Position) -> &[&'static str] {
        &self.0[position as usize]
    }

    /// Is this such a word?
    pub(super) fn is_fused(&self, class: Class, surface: &str) -> bool {
        let ends = || self.parts(Position::End).iter().any(|end| surface.len() > end.len() && surface.ends_with(end));
        let begins = || self.parts(Position::Begin).iter().any(|begin| surface.starts_with(begin));
        match class {
            Class::Case => ends(),
            Class::Interjection | Class::Modifier => ends() || begins(),
            _ => false,
        }
    }

    /// The polite part of such a word, as a byte range.
    pub(super) fn polite_part(&self, surface: &str) -> Option<Range<usize>> {
        self.parts(Position::Polite).iter().find_map(|part| surface.rfind(part).map(|start| start..start + part.len()))
    }

    /// Does such a word begin with a humble verb?
    pub(super) fn is_humble(&self, surface: &str) -> bool {
        self.parts(Position::Humble).iter().any(|verb| surface.starts_with(verb))
    }
}
