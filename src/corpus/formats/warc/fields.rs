//! Header blocks of WARC and HTTP: named fields, one a line or folded over several.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Where the blank line after a header ends; lines may end with LF alone.
pub(super) fn end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        _ => None,
    })
}

/// The fields of a header: name and trimmed value. A line that begins with a blank goes on with the one before it.
pub(super) fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            let line = take_line(&mut rest)?;
            let Some((name, value)) = line.iter().position(|b| *b == b':').and_then(|colon| line.split_at_checked(colon)) else { continue };
            let mut value = Cow::Borrowed(value[1..].trim_ascii());
            while let Some(b' ' | b'\t') = rest.first() {
                let more = take_line(&mut rest)?.trim_ascii();
                let value = value.to_mut();
                if !value.is_empty() && !more.is_empty() {
                    value.push(b' ');
                }
                value.extend_from_slice(more);
            }
            return Some((name.trim_ascii(), value));
        }
    })
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
    let (line, behind) = rest.split_at(end);
    *rest = behind;
    Some(line)
}

/// A value as text: UTF-8, or the encoded words of RFC 2047 that older writers used.
pub(super) fn text(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if !text.contains("=?") {
        return text.into_owned();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((before, word)) = rest.split_once("=?") {
        decoded.push_str(before);
        let Some((word, behind)) = encoded_word(word) else {
            decoded.push_str("=?");
            rest = word;
            continue;
        };
        decoded.push_str(&word);
        // Blanks between two words are none of the text.
        rest = if behind.trim_start().starts_with("=?") { behind.trim_start() } else { behind };
    }
    decoded.push_str(rest);
    decoded
}

/// `utf-8?Q?…?=` or `utf-8?B?…?=`, and what follows.
fn encoded_word(word: &str) -> Option<(String, &str)> {
    let (charset, rest) = word.split_once('?')?;
    let (way, rest) = rest.split_once('?')?;
    let (code, behind) = rest.split_once("?=")?;
    let bytes = match way {
        "B" | "b" => STANDARD.decode(code).ok()?,
        "Q" | "q" => percent_encoding::percent_decode_str(&code.replace('%', "%25").replace('_', " ").replace('=', "%")).collect(),
        _ => return None,
    };
    let encoding = encoding_rs::Encoding::for_label(charset.as_bytes())?;
    Some((encoding.decode_without_bom_handling(&bytes).0.into_owned(), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_folds() {
        let header = b"WARC/1.0\r\nA: 1\r\nb :x\r\n y \r\n\tz\r\nno field\r\nC:\r\n d\r\n\r\n";
        let found: Vec<(String, String)> = fields(header)
            .map(|(name, value)| (String::from_utf8(name.into()).unwrap(), String::from_utf8(value.into()).unwrap()))
            .collect();
        let expected = [("A", "1"), ("b", "x y z"), ("C", "d")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found, expected);
        assert_eq!(end(header), Some(header.len()));
        assert_eq!((end(b"a\n\nb"), end(b"a\r\n")), (Some(3), None));
    }

    #[test]
    fn encoded_words() {
        assert_eq!(text("http://例.jp/".as_bytes()), "http://例.jp/");
        assert_eq!(text(b"=?utf-8?Q?http://=E4=BE=8B.jp/a=5Fb_100%25?="), "http://例.jp/a_b 100%25");
        assert_eq!(text(b"a =?UTF-8?B?5L6L?= =?utf-8?b?5L6L?= b"), "a 例例 b");
        for same in ["a=?b", "=?x?Q?a?=", "=?utf-8?Z?a?=", "=?utf-8?B?a?=", "?a=?"] {
            assert_eq!(text(same.as_bytes()), same);
        }
    }
}
