//! The symbols that a text consists of before any merge, numbered densely: the bytes, and the characters that may stand for theirs.

use std::ops::Range;

use crate::bpe::class::decode;

/// No symbol.
const NONE: u16 = u16::MAX;

/// Symbols, at most: one more number is left for what is no symbol of a text.
pub(crate) const SYMBOLS_MAX: usize = NONE as usize - 1;

/// The symbols of a vocabulary: a number for each byte and character, and the token of each number.
#[derive(Debug)]
pub(crate) struct Symbols {
    bytes: [u16; 256],
    /// By code point of the basic plane.
    characters: Box<[u16]>,
    /// Code point and symbol of those beyond the basic plane, sorted by code point.
    astral: Vec<(u32, u16)>,
    /// The token of each symbol.
    tokens: Vec<u32>,
}

impl Default for Symbols {
    /// No symbol at all.
    fn default() -> Self {
        Self { bytes: [NONE; 256], characters: Box::default(), astral: Vec::new(), tokens: Vec::new() }
    }
}

impl Symbols {
    /// The symbols of bytes and characters with their tokens; `None` if they are too many.
    pub(crate) fn new(bytes: &[(u8, u32)], characters: &[(char, u32)]) -> Option<Self> {
        if bytes.len() + characters.len() > SYMBOLS_MAX {
            return None;
        }
        let whole_plane = if characters.is_empty() { 0 } else { 0x1_0000 };
        let mut symbols = Self { bytes: [NONE; 256], characters: vec![NONE; whole_plane].into(), astral: Vec::new(), tokens: Vec::new() };
        for &(byte, token) in bytes {
            symbols.bytes[usize::from(byte)] = symbols.tokens.len() as u16;
            symbols.tokens.push(token);
        }
        for &(character, token) in characters {
            let symbol = symbols.tokens.len() as u16;
            match symbols.characters.get_mut(character as usize) {
                Some(entry) => *entry = symbol,
                None => symbols.astral.push((character.into(), symbol)),
            }
            symbols.tokens.push(token);
        }
        symbols.astral.sort_unstable();
        for byte in 0..0x80 {
            // A byte that is a character has one symbol.
            if let Some(entry) = symbols.characters.get_mut(byte)
                && *entry == NONE
            {
                *entry = symbols.bytes[byte];
            }
        }
        Some(symbols)
    }

    /// Number of symbols.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The token of a symbol.
    #[inline]
    pub(crate) fn token(&self, symbol: u16) -> u32 {
        self.tokens[usize::from(symbol)]
    }

    /// Appends the symbols of UTF-8: of a character its own, or those of its bytes.
    ///
    /// # Errors
    /// The first byte for which there is no symbol.
    #[inline]
    pub(crate) fn spell(&self, text: &[u8], out: &mut Vec<u16>) -> Result<(), usize> {
        if self.characters.is_empty() {
            return self.spell_bytes(text, 0..text.len(), out);
        }
        let mut at = 0;
        while at < text.len() {
            let (code_point, next) = decode(text, at);
            let symbol = match self.characters.get(code_point as usize) {
                Some(&symbol) => symbol,
                None => self.astral(code_point),
            };
            if symbol == NONE {
                self.spell_bytes(text, at..next.min(text.len()), out)?;
            } else {
                out.push(symbol);
            }
            at = next;
        }
        Ok(())
    }

    #[cold]
    fn astral(&self, code_point: u32) -> u16 {
        self.astral.binary_search_by_key(&code_point, |entry| entry.0).map_or(NONE, |i| self.astral[i].1)
    }

    /// Appends the symbols of the bytes in `range`, whatever characters they belong to.
    ///
    /// # Errors
    /// The first byte for which there is no symbol.
    pub(crate) fn spell_bytes(&self, text: &[u8], range: Range<usize>, out: &mut Vec<u16>) -> Result<(), usize> {
        for at in range {
            match self.bytes[usize::from(text[at])] {
                NONE => return Err(at),
                symbol => out.push(symbol),
            }
        }
        Ok(())
    }
}
