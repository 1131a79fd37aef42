//! All unique pre-tokens in one array of symbols, and how often each of them occurs.
//!
//! Under the rule of whole characters no merge crosses the end of a character before the character is a token. So the array has a cell a
//! character, and a character that is no token yet stands there under a number of its own (`Characters`): what the merges inside it do is
//! the same wherever it stands. In Japanese that is a third of the cells that bytes need.

use std::ops::{Deref, DerefMut};

use rustc_hash::FxHashMap;

use crate::bpe::byte_level::BYTE_ORDER;
use crate::bpe::crew::{Aside, Crew};
use crate::bpe::merge::Untrainable;

/// Stands between two pre-tokens.
pub(crate) const SEPARATOR: u32 = u32::MAX;

/// Stands where a token began before it was merged into the token on its left.
pub(crate) const STALE: u32 = u32::MAX - 1;

/// Symbols from here on are no tokens: characters that are not merged yet, and the two above.
pub(crate) const NO_TOKEN: u32 = 1 << 31;

/// The symbols: in memory, or from a length on where the crew keeps long arrays.
#[derive(Debug)]
pub(crate) struct Symbols {
    /// All of them; those that were not moved yet; or none.
    held: Vec<u32>,
    aside: Option<Box<dyn Aside>>,
    moved: usize,
}

impl Symbols {
    /// Symbols that are moved at a time.
    const MOVED: usize = 1 << 16;

    /// All of them, moved or not.
    pub(crate) fn len(&self) -> usize {
        self.moved + self.held.len()
    }

    /// Moves what memory is not to hold; all that is left, at the `end`.
    fn move_aside(&mut self, crew: &dyn Crew, end: bool) -> Result<(), Untrainable> {
        let most = if self.aside.is_some() { Self::MOVED } else { crew.symbols() };
        if self.held.len() >= most && self.aside.is_none() {
            self.aside = crew.aside()?;
        }
        let Some(aside) = &mut self.aside else { return Ok(()) };
        if self.held.len() >= most || end {
            aside.append(&self.held)?;
            self.moved += self.held.len();
            // What was held before the first move is given back.
            self.held = Vec::with_capacity(if end { 0 } else { Self::MOVED * 2 });
        }
        if end { Ok(aside.end()?) } else { Ok(()) }
    }
}

impl Deref for Symbols {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        self.aside.as_ref().map_or(&self.held, |aside| (**aside).as_ref())
    }
}

impl DerefMut for Symbols {
    fn deref_mut(&mut self) -> &mut [u32] {
        match &mut self.aside {
            Some(aside) => (**aside).as_mut(),
            None => &mut self.held,
        }
    }
}

/// The array of symbols, and the count of the pre-token at each position.
#[derive(Debug)]
pub struct FlatCorpus {
    /// The symbols of all pre-tokens, with a separator before, between and after them.
    pub(crate) symbols: Symbols,
    pub(crate) weights: Weights,
    /// The characters that are more than a byte; where symbols are bytes or tokens, none.
    pub(crate) characters: Characters,
    /// Symbol of each byte.
    bytes: [u32; 256],
    /// Symbols before merging, so often as they occur.
    occurrences: u64,
}

/// How often the pre-token at each position occurs.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    /// First position and count of each group of pre-tokens with equal counts. Where counts fall, as in tables of counts, they are few.
    groups: Vec<(u32, u64)>,
    /// First position of the last group, which is usually the longest (pre-tokens seen once), so it is tried first.
    tail: u32,
}

impl Weights {
    /// Count of the pre-token at a position.
    #[inline]
    pub(crate) fn of(&self, position: u32) -> u64 {
        let group = if position >= self.tail { self.groups.len() } else { self.groups.partition_point(|group| group.0 <= position) };
        self.groups[group - 1].1
    }
}

/// The characters of more than one byte, numbered as they are met.
#[derive(Debug, Default)]
pub(crate) struct Characters {
    pub(crate) met: Vec<char>,
    /// By number: how often the character occurs, in how many places of the array.
    pub(crate) counts: Vec<(u64, u32)>,
    /// Number of each code point of the basic plane.
    basic: Vec<u32>,
    astral: FxHashMap<u32, u32>,
}

impl Characters {
    #[inline]
    fn add(&mut self, c: char, count: u64) -> u32 {
        let code_point = u32::from(c);
        let known = match self.basic.get(code_point as usize) {
            Some(&number) => number,
            None => self.astral.get(&code_point).copied().unwrap_or(u32::MAX),
        };
        let number = if known == u32::MAX { self.meet(c) } else { known };
        let counts = &mut self.counts[number as usize];
        (counts.0, counts.1) = (counts.0 + count, counts.1 + 1);
        number
    }

    #[cold]
    fn meet(&mut self, c: char) -> u32 {
        if self.basic.is_empty() {
            self.basic = vec![u32::MAX; 1 << 16];
        }
        let number = self.met.len() as u32;
        self.met.push(c);
        self.counts.push((0, 0));
        match self.basic.get_mut(u32::from(c) as usize) {
            Some(slot) => *slot = number,
            None => drop(self.astral.insert(u32::from(c), number)),
        }
        number
    }
}

impl Default for FlatCorpus {
    fn default() -> Self {
        let mut bytes = [0; 256];
        for (rank, &byte) in BYTE_ORDER.iter().enumerate() {
            bytes[usize::from(byte)] = rank as u32;
        }
        Self {
            symbols: Symbols { held: vec![SEPARATOR], aside: None, moved: 0 },
            weights: Weights::default(),
            characters: Characters::default(),
            bytes,
            occurrences: 0,
        }
    }
}

impl FlatCorpus {
    /// The array of pre-tokens, in cells of characters or of bytes.
    ///
    /// # Errors
    /// Those of [`FlatCorpus::push_bytes`] and [`FlatCorpus::push_characters`].
    pub fn of<'p>(pre_tokens: impl Iterator<Item = (&'p [u8], u64)>, characters: bool) -> Result<Self, Untrainable> {
        let mut corpus = Self::default();
        for (pre_token, count) in pre_tokens {
            if characters { corpus.push_characters(pre_token, count) } else { corpus.push_bytes(pre_token, count) }?;
        }
        Ok(corpus)
    }

    /// Adds a pre-token whose symbols are bytes.
    ///
    /// # Errors
    /// [`Untrainable::TooLarge`], also from the other two.
    pub fn push_bytes(&mut self, pre_token: &[u8], count: u64) -> Result<(), Untrainable> {
        if self.begin(pre_token.len(), count)? {
            let Self { symbols: Symbols { held, .. }, bytes, .. } = self;
            held.extend(pre_token.iter().map(|&byte| bytes[usize::from(byte)]));
            held.push(SEPARATOR);
        }
        Ok(())
    }

    /// Adds a pre-token whose symbols are characters, for the rule of whole characters.
    ///
    /// # Errors
    /// [`Untrainable::NotText`]
    pub fn push_characters(&mut self, pre_token: &[u8], count: u64) -> Result<(), Untrainable> {
        let text = std::str::from_utf8(pre_token).map_err(|_| Untrainable::NotText)?;
        // A single character is no pair of symbols, but its bytes are.
        if self.begin(text.len(), count)? {
            for c in text.chars() {
                let symbol = if c.is_ascii() { self.bytes[c as usize] } else { NO_TOKEN | self.characters.add(c, count) };
                self.symbols.held.push(symbol);
            }
            self.symbols.held.push(SEPARATOR);
        }
        Ok(())
    }

    /// Adds a pre-token that is encoded already.
    ///
    /// # Errors
    /// As above.
    pub fn push_tokens(&mut self, tokens: &[u32], count: u64) -> Result<(), Untrainable> {
        if self.begin(tokens.len(), count)? {
            self.symbols.held.extend_from_slice(tokens);
            self.symbols.held.push(SEPARATOR);
        }
        Ok(())
    }

    /// Keeps memory to what the crew allows: after some pre-tokens, and at the `end`, when there are no more.
    ///
    /// # Errors
    /// [`Untrainable::Aside`]
    pub fn keep(&mut self, crew: &dyn Crew, end: bool) -> Result<(), Untrainable> {
        self.symbols.move_aside(crew, end)
    }

    /// Checks the sums; nothing is to be added where the pre-token has no pair.
    fn begin(&mut self, units: usize, count: u64) -> Result<bool, Untrainable> {
        if units < 2 || count == 0 {
            return Ok(false);
        }
        let more = count.checked_mul(units as u64).ok_or(Untrainable::TooLarge)?;
        self.occurrences = self.occurrences.checked_add(more).ok_or(Untrainable::TooLarge)?;
        if self.symbols.len() + units + 1 >= NO_TOKEN as usize {
            return Err(Untrainable::TooLarge);
        }
        if self.weights.groups.last().is_none_or(|group| group.1 != count) {
            self.weights.tail = self.symbols.len() as u32;
            self.weights.groups.push((self.weights.tail, count));
        }
        Ok(true)
    }

    /// Borders of `n` parts of about equal length, each a number of whole pre-tokens: `n + 1` positions of separators.
    pub(crate) fn borders(&self, n: usize) -> Vec<usize> {
        let symbols: &[u32] = &self.symbols;
        let last = symbols.len() - 1;
        let border = |i: usize| {
            let from = last * i / n;
            from + symbols[from..].iter().position(|&symbol| symbol == SEPARATOR).unwrap_or(0)
        };
        (0..=n).map(border).collect()
    }
}
