//! ISO-2022-JP as it is met: mail and old pages in 7 bits, with all the sets that were ever called in it, and with what transport did to it.
//!
//! Read are: every escape of ISO-2022-JP, -1, -2, -3, -2004 and CP50220–50222; half-width kana by escape, by shift-out and in 8 bits; lines that
//! do not return to ASCII; a byte that was changed, lost or added; escapes that were damaged; and text whose ESC bytes were taken away, where it is
//! certain.

mod escape;
mod run;
mod stripped;

use self::escape::{ESC, Escape, Set};
use super::decoded::Decoded;

pub(super) use self::escape::foreign;
pub(super) use self::stripped::{Stripped, without_escapes};

const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// The text if escape sequences or shifts prove that this is ISO-2022-JP; `is_declared` if somebody says so.
pub(super) fn decode(bytes: &[u8], is_declared: bool) -> Option<Decoded> {
    let has_escapes = escape::proves(bytes);
    if !has_escapes && !has_shifts(bytes, is_declared) {
        return None;
    }
    let mut reader = Reader {
        text: String::with_capacity(bytes.len() * 3 / 2),
        replaced: 0,
        set: Set::Ascii,
        is_shifted: false,
        is_greek: false,
        is_utf8: std::str::from_utf8(bytes).is_ok(),
        strange: 0,
    };
    reader.read(bytes);
    // Bytes of 8 bits that are no kana: a text in another charset that holds an escape, unless there are next to none.
    let is_other = reader.strange > 2 && reader.strange * 50 > bytes.len() as u64;
    (!is_other).then_some(Decoded { text: reader.text, charset: "iso-2022-jp", replaced: reader.replaced })
}

/// Half-width kana between shift-out and shift-in, and no escapes: every pair of shifts stands in one line and holds kana only.
fn has_shifts(bytes: &[u8], is_declared: bool) -> bool {
    let mut found = 0;
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(SHIFT_OUT, SHIFT_IN, rest) {
        let Some(behind) = rest.get(at + 1..).filter(|_| rest[at] == SHIFT_OUT) else { return false };
        let end = behind.iter().position(|b| !matches!(b, 0x20..=0x5f)).unwrap_or(behind.len());
        if end == 0 || behind.get(end) != Some(&SHIFT_IN) {
            return false;
        }
        // Between two control characters somebody may have written capitals.
        found += usize::from(is_declared || behind[..end].iter().any(|b| !b.is_ascii_uppercase() && *b != b' '));
        rest = behind.get(end + 1..).unwrap_or_default();
    }
    found > 0 && bytes.is_ascii()
}

/// What has been read, and in which set it goes on.
struct Reader {
    text: String,
    replaced: u64,
    set: Set,
    is_shifted: bool,
    /// The set of single shifts is Greek.
    is_greek: bool,
    /// Is everything UTF-8? Then bytes of 8 bits outside of two-byte sets are.
    is_utf8: bool,
    /// Bytes of 8 bits that fit nowhere.
    strange: u64,
}

impl Reader {
    fn read(&mut self, mut bytes: &[u8]) {
        while let Some(first) = bytes.first() {
            let read = match first {
                &ESC => self.escape(bytes),
                &SHIFT_OUT | &SHIFT_IN => {
                    self.is_shifted = *first == SHIFT_OUT;
                    1
                }
                b'\n' | b'\r' => self.line_end(bytes),
                _ => self.stretch(bytes),
            };
            bytes = bytes.get(read..).unwrap_or_default();
        }
    }

    fn escape(&mut self, bytes: &[u8]) -> usize {
        match escape::escape(bytes) {
            Some((Escape::Call(set), length)) => {
                self.set = set;
                self.is_shifted = false;
                length
            }
            Some((Escape::Third { is_greek }, length)) => {
                self.is_greek = is_greek;
                length
            }
            Some((Escape::SingleShift, length)) => self.single_shift(bytes.get(length).copied()).map_or(1, |shifted| length + shifted),
            Some((Escape::Second | Escape::Revision, length)) => length,
            None => self.damaged_escape(bytes),
        }
    }

    /// A character of the upper half; `None` where none follows, so that the escape was another.
    fn single_shift(&mut self, byte: Option<u8>) -> Option<usize> {
        let code = byte.filter(|b| (0x20..=0x7f).contains(&(b & 0x7f)))? | 0x80;
        let encoding = if self.is_greek { encoding_rs::ISO_8859_7 } else { encoding_rs::WINDOWS_1252 };
        self.text.push_str(&encoding.decode_without_bom_handling(&[code]).0);
        Some(1)
    }

    /// An escape whose last byte was changed still says how many bytes a character has; one of a terminal is no matter of charsets.
    fn damaged_escape(&mut self, bytes: &[u8]) -> usize {
        let set = match bytes.get(1) {
            Some(b'$') => Set::X0208,
            Some(b'(') => Set::Ascii,
            _ => {
                self.text.push(char::from(ESC));
                return 1;
            }
        };
        self.set = set;
        self.lose();
        bytes.len().min(if bytes.get(2) == Some(&b'(') { 4 } else { 3 })
    }

    /// Some lines do not return to ASCII: then the next one says itself what it is.
    fn line_end(&mut self, bytes: &[u8]) -> usize {
        let ends = bytes.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        self.text.extend(bytes[..ends].iter().map(|b| char::from(*b)));
        self.is_shifted = false;
        let next = &bytes[ends..];
        let line = &next[..next.iter().position(|b| matches!(b, b'\n' | b'\r' | &ESC)).unwrap_or(next.len())];
        let stays = line.is_empty() || self.set.is_double() && goes_on(line, self.set);
        if !stays {
            self.set = Set::Ascii;
        }
        ends
    }

    /// Bytes up to the next escape, shift or line end, or a part of them.
    fn stretch(&mut self, bytes: &[u8]) -> usize {
        let end = bytes.iter().position(|b| matches!(*b, ESC | SHIFT_OUT | SHIFT_IN | b'\n' | b'\r')).unwrap_or(bytes.len());
        let stretch = &bytes[..end];
        if self.is_shifted || self.set == Set::Kana {
            self.kana(stretch);
        } else if self.set.is_double() {
            return self.double(stretch);
        } else {
            self.ascii(stretch);
        }
        end
    }

    fn kana(&mut self, stretch: &[u8]) {
        for byte in stretch {
            match run::half_kana(*byte) {
                Some(kana) => self.text.push(kana),
                None if matches!(byte, b' ' | b'\t') => self.text.push(char::from(*byte)),
                None => self.lose(),
            }
        }
    }

    /// A return to ASCII whose ESC was lost is no character of any set, and where it stands is known.
    fn double(&mut self, stretch: &[u8]) -> usize {
        let is_return = |pair: &[u8; 2]| matches!(pair, b"(B" | b"(J") && run::price(*pair, self.set).is_none();
        let end = stretch.as_chunks::<2>().0.iter().position(is_return).map_or(stretch.len(), |pairs| pairs * 2);
        self.replaced += run::decode(&stretch[..end], self.set, &mut self.text);
        if end < stretch.len() {
            self.set = Set::Ascii;
            self.lose();
            return end + 2;
        }
        end
    }

    /// ASCII, half-width kana of 8 bits, and text whose call of a set was lost.
    fn ascii(&mut self, stretch: &[u8]) {
        if self.is_utf8 && !stretch.is_ascii() {
            self.text.push_str(&String::from_utf8_lossy(stretch));
            return;
        }
        let (before, lost) = stripped::lost_call(stretch);
        for byte in before {
            match byte {
                0..=0x7f => self.text.push(char::from(*byte)),
                0xa1..=0xdf => self.text.extend(run::half_kana(*byte)),
                _ => {
                    self.strange += 1;
                    self.lose();
                }
            }
        }
        if let Some(run) = lost {
            self.lose();
            self.replaced += run::decode(&run, Set::X0208, &mut self.text);
        }
    }

    fn lose(&mut self) {
        self.replaced += 1;
        self.text.push(char::REPLACEMENT_CHARACTER);
    }
}

/// Does a line that calls no set go on in a set of two bytes? Kana tell; without them it must not look like ASCII.
fn goes_on(line: &[u8], set: Set) -> bool {
    let (pairs, rest) = line.as_chunks::<2>();
    if !rest.is_empty() || !pairs.iter().all(|pair| run::price(*pair, set).is_some()) {
        return false;
    }
    let kana = pairs.iter().filter(|pair| matches!(pair[0], b'$' | b'%')).count();
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-=_*#.:/,+<>()\"'@".contains(b);
    kana * 5 >= pairs.len() || !line.iter().all(is_plain)
}

#[cfg(test)]
mod tests;
