//! Charsets of 7 bits that would pass for ASCII: named and refused, for no Japanese is written in them.

use memchr::memmem;

use super::decoded::Refused;
use super::label::Label;

/// Why text of 7 bits is no ASCII, if it is not. ISO-2022-JP has been looked for before.
pub(super) fn refused(bytes: &[u8], labels: &[Label]) -> Option<Refused> {
    if labels.contains(&Label::Utf7) && has_utf7(bytes) {
        return Some(Refused { reason: "charset", detail: "utf-7 is not read".to_owned(), charset: Some("utf-7") });
    }
    let (characters, is_sound) = hz(bytes);
    let is_hz = if labels.contains(&Label::Hz) { characters > 0 } else { is_sound && characters >= 4 };
    is_hz.then(|| Refused::foreign("hz-gb-2312"))
}

/// A plus sign, base64 and its end.
fn has_utf7(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'+', bytes).any(|at| {
        let code = &bytes[at + 1..];
        let length = code.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')).count();
        length >= 3
    })
}

/// Chinese characters between `~{` and `~}`, and whether all that stands there is such.
fn hz(bytes: &[u8]) -> (usize, bool) {
    let (mut characters, mut is_sound) = (0, true);
    for at in memmem::find_iter(bytes, b"~{") {
        let behind = &bytes[at + 2..];
        let code = &behind[..memmem::find(behind, b"~}").unwrap_or(behind.len().min(64))];
        let is_character = |pair: &[u8; 2]| matches!(pair[0], 0x21..=0x29 | 0x30..=0x77) && matches!(pair[1], 0x21..=0x7e);
        let (pairs, rest) = code.as_chunks::<2>();
        if rest.is_empty() && pairs.iter().all(is_character) {
            characters += pairs.len();
        } else {
            is_sound = false;
        }
    }
    (characters, is_sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_ascii() {
        let of = |text: &str, labels: &[Label]| refused(text.as_bytes(), labels).map(|refused| refused.detail);
        assert_eq!(of("~{VPND~} is a name. ~{VPND~}", &[]).unwrap(), "hz-gb-2312, not Japanese");
        assert!(of("~{VPND~}", &[]).is_none() && of("~{VPND~}", &[Label::Hz]).is_some() && of("~{", &[Label::Hz]).is_none());
        assert_eq!(of("(format t \"~{~a~^, ~}\" list) ~{VPND~} ~{VPND~}", &[]), None);
        assert_eq!(of("Hi +ZeVnLIqe-", &[Label::Utf7]).unwrap(), "utf-7 is not read");
        assert_eq!(of("1 + 2 = 3", &[Label::Utf7]), None);
        assert_eq!(of("Hi +ZeVnLIqe-", &[]), None);
    }
}
