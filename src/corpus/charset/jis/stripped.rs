//! ISO-2022-JP whose ESC bytes were taken away: `$B` … `(B` in a text of ASCII.

use super::escape::Set;
use super::run;
use crate::corpus::charset::decoded::Decoded;

/// Mean price of a character, in tenths of bits, at most: of real text 70 to 100, of chance 130.
const CERTAIN: u64 = 105;
const POSSIBLE: u64 = 120;

/// Is this what is left of ISO-2022-JP?
#[derive(Debug, PartialEq, Eq)]
pub(in crate::corpus::charset) enum Stripped {
    /// Nothing speaks for it.
    No,
    /// Much does, but not enough to read it.
    Possible,
    /// It is, and reads so.
    Certain(Decoded),
}

/// Two-byte text between `$B` and `(B`.
struct Piece<'a> {
    before: &'a [u8],
    /// The text of two bytes a character, with references resolved.
    pairs: Vec<u8>,
    is_closed: bool,
    /// What follows.
    rest: &'a [u8],
}

/// Looks for the sequences without their ESC.
pub(in crate::corpus::charset) fn without_escapes(bytes: &[u8]) -> Stripped {
    let (mut text, mut rest) = (String::new(), bytes);
    let (mut characters, mut price, mut open) = (0, 0, 0);
    while let Some(piece) = next_piece(rest) {
        rest = piece.rest;
        let of_piece = price_of(&piece.pairs);
        let count = piece.pairs.len() as u64 / 2;
        text.push_str(&String::from_utf8_lossy(piece.before));
        if piece.is_closed || count >= 6 && of_piece <= count * CERTAIN {
            characters += count;
            price += of_piece;
            run::decode(&piece.pairs, Set::X0208, &mut text);
        } else {
            open += u64::from(count >= 4 && of_piece <= count * CERTAIN);
            text.push_str("$B");
            text.push_str(&String::from_utf8_lossy(&piece.pairs));
        }
    }
    text.push_str(&String::from_utf8_lossy(rest));
    match characters {
        0 | 1 if open == 0 => Stripped::No,
        4.. if open == 0 && price <= characters * CERTAIN => Stripped::Certain(Decoded { text, charset: "iso-2022-jp", replaced: 0 }),
        _ if open > 0 || price <= characters * POSSIBLE => Stripped::Possible,
        _ => Stripped::No,
    }
}

fn price_of(pairs: &[u8]) -> u64 {
    pairs.as_chunks::<2>().0.iter().filter_map(|pair| run::price(*pair, Set::X0208)).sum()
}

/// The next `$B` or `$@` with at least one character behind it. Where HTML was made of the text, some bytes became references.
fn next_piece(bytes: &[u8]) -> Option<Piece<'_>> {
    memchr::memchr_iter(b'$', bytes).find_map(|at| {
        let mut rest = bytes.get(at + 2..).filter(|_| matches!(bytes[at + 1], b'B' | b'@'))?;
        let mut pairs = Vec::new();
        while let Some((row, behind)) = byte(rest)
            && let Some((cell, behind)) = byte(behind)
            && run::price([row, cell], Set::X0208).is_some()
        {
            pairs.extend([row, cell]);
            rest = behind;
        }
        let is_closed = rest.starts_with(b"(B") || rest.starts_with(b"(J");
        let rest = if is_closed { &rest[2..] } else { rest };
        (!pairs.is_empty()).then(|| Piece { before: &bytes[..at], pairs, is_closed, rest })
    })
}

/// The next byte, which may be a reference, and what follows.
fn byte(bytes: &[u8]) -> Option<(u8, &[u8])> {
    const REFERENCES: [(&[u8], u8); 7] =
        [(b"&quot;", b'"'), (b"&amp;", b'&'), (b"&lt;", b'<'), (b"&gt;", b'>'), (b"&#x27;", b'\''), (b"&#39;", b'\''), (b"&apos;", b'\'')];
    let (first, rest) = bytes.split_first()?;
    let reference =
        if *first == b'&' { REFERENCES.iter().find_map(|(name, byte)| Some((*byte, bytes.strip_prefix(*name)?))) } else { None };
    Some(reference.unwrap_or((*first, rest)))
}

/// A stretch of ASCII in ISO-2022-JP that is closed by an escape: its end may be text of a set whose call lost its ESC, or had it changed.
pub(super) fn lost_call(stretch: &[u8]) -> (&[u8], Option<Vec<u8>>) {
    let found = next_piece(stretch).filter(|piece| {
        let count = piece.pairs.len() as u64 / 2;
        piece.rest.is_empty() && !piece.is_closed && count >= 4 && price_of(&piece.pairs) <= count * CERTAIN
    });
    match found {
        Some(piece) => (piece.before, Some(piece.pairs)),
        None => (stretch, None),
    }
}
