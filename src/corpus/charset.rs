//! Bytes of unknown charset → text.
//!
//! The order matters, for many files decode without error in several charsets: byte order marks, ISO-2022-JP by its escape sequences, UTF-32 and
//! UTF-16 by their zeros, strict UTF-8, and at last CP932 against EUC-JP and against what is no Japanese, *all* priced by how well the characters
//! follow each other in their language. A declared charset only breaks ties: pages lie. What is not Japanese, or cannot be told, is refused by
//! name; a text is never passed on in a charset that is a mere guess.

pub(super) mod cells;
mod cost;
mod declared;
mod decoded;
mod eight_bit;
mod frequent;
mod jis;
mod jisx0213;
mod label;
mod legacy;
mod seven_bit;
mod unicode;

use memchr::memchr;

pub use self::decoded::{Decoded, Refused};
use self::jis::Stripped;
use self::label::Label;

/// NULs at the end that are padding and no text.
const PADDING: usize = 8;

/// Decodes `bytes`; `declared` is what a header says of them. What the text says of itself (`<meta>`, an XML declaration) is looked up. Linear in
/// the length.
///
/// # Errors
/// Why there is no text: it is garbled in the likeliest charset, in none that Japanese is written in, or too short to tell.
pub fn decode(bytes: &[u8], declared: Option<&str>) -> Result<Decoded, Refused> {
    if let Some(decoded) = marked(bytes) {
        return decoded.unless_garbled();
    }
    // A mark that lies: some editors put it before whatever there was.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let strict = simdutf8::basic::from_utf8(bytes);
    let (has_escape, has_nul) = (memchr(0x1b, bytes).is_some(), memchr(0, bytes).is_some());
    let is_ascii = strict.is_ok_and(str::is_ascii);
    if let Ok(text) = strict
        && !is_ascii
        && !has_escape
        && !has_nul
        && !unicode::is_doubtful(text)
    {
        return Ok(Decoded { text: text.to_owned(), charset: "utf-8", replaced: 0 });
    }
    let labels = labels(bytes, declared);
    if let Some(found) = seven_bits(bytes, is_ascii, &labels) {
        return found;
    }
    let may_be_wide = has_nul || strict.is_err() || unicode::is_kana_in_ascii(bytes);
    if may_be_wide && let Some(decoded) = by_zeros(bytes, has_nul) {
        return decoded.unless_garbled();
    }
    let bytes = without_padding(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => match Some(bytes).filter(|_| unicode::is_doubtful(text)).and_then(|bytes| legacy::decode(bytes, &labels, true).ok()) {
            Some(decoded) => Ok(decoded),
            None => Ok(Decoded { text: text.to_owned(), charset: "utf-8", replaced: 0 }),
        },
        Err(error) if error.error_len().is_none() && !bytes[..error.valid_up_to()].is_ascii() => unicode::utf8(bytes).unless_garbled(),
        Err(_) if unicode::is_nearly_utf8(bytes) => unicode::utf8(bytes).unless_garbled(),
        Err(_) => legacy::decode(bytes, &labels, false),
    }
}

/// What begins with a byte order mark that holds for what follows.
fn marked(bytes: &[u8]) -> Option<Decoded> {
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] if rest.len().is_multiple_of(4) => Some(unicode::utf32(rest, true)),
        [0, 0, 0xfe, 0xff, rest @ ..] => Some(unicode::utf32(rest, false)),
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            let is_utf8 = std::str::from_utf8(rest).is_ok() || unicode::is_nearly_utf8(rest) || rest.len() < 16;
            is_utf8.then(|| unicode::utf8(rest))
        }
        [0xff, 0xfe, rest @ ..] => Some(unicode::utf16(rest, true)),
        [0xfe, 0xff, rest @ ..] => Some(unicode::utf16(rest, false)),
        _ => None,
    }
}

fn labels(bytes: &[u8], declared: Option<&str>) -> Vec<Label> {
    let of_page = declared::of_page(bytes);
    let named = declared.map(str::to_owned).into_iter().chain(of_page).filter_map(|label| Label::new(&label));
    named.chain(declared::is_japanese(bytes).then_some(Label::Japanese)).collect()
}

/// Charsets that call their sets by escapes and the like, and what would pass for ASCII.
fn seven_bits(bytes: &[u8], is_ascii: bool, labels: &[Label]) -> Option<Result<Decoded, Refused>> {
    if let Some(name) = jis::foreign(bytes) {
        return Some(Err(Refused::foreign(name)));
    }
    if let Some(decoded) = jis::decode(bytes, labels.contains(&Label::Iso2022Jp)) {
        return Some(decoded.unless_garbled());
    }
    if !is_ascii {
        return None;
    }
    match jis::without_escapes(bytes) {
        Stripped::Certain(decoded) => return Some(Ok(decoded)),
        Stripped::Possible => {
            let detail = "ISO-2022-JP whose escape characters are lost".to_owned();
            return Some(Err(Refused { reason: "iso_2022_jp", detail, charset: Some("iso-2022-jp") }));
        }
        Stripped::No => {}
    }
    seven_bit::refused(bytes, labels).map(Err)
}

/// UTF-32 and UTF-16 without a mark.
fn by_zeros(bytes: &[u8], has_nul: bool) -> Option<Decoded> {
    let utf32 = if has_nul { unicode::utf32_by_columns(bytes) } else { None };
    utf32.or_else(|| unicode::utf16_by_columns(bytes))
}

fn without_padding(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    if bytes.len() - end >= PADDING { &bytes[..end] } else { bytes }
}

#[cfg(test)]
mod tests;
