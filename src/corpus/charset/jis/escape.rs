//! Escape sequences of ISO-2022-JP and its relatives.

/// ESC.
pub(super) const ESC: u8 = 0x1b;

/// A set of characters that an escape sequence calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// ASCII, or the Latin half of JIS X 0201 whose two other signs are read as ASCII.
    Ascii,
    /// The katakana half of JIS X 0201.
    Kana,
    /// JIS X 0208 with the rows that vendors added.
    X0208,
    /// JIS X 0212.
    X0212,
    /// A plane of JIS X 0213.
    X0213(usize),
    /// GB 2312, of ISO-2022-JP-2.
    Gb2312,
    /// KS X 1001, of ISO-2022-JP-2.
    KsX1001,
}

impl Set {
    /// Two bytes a character?
    pub(super) fn is_double(self) -> bool {
        !matches!(self, Self::Ascii | Self::Kana)
    }
}

/// What an escape sequence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// Text goes on in this set.
    Call(Set),
    /// This set is meant by shift-out.
    Second,
    /// The upper half of ISO-8859-1 or ISO-8859-7 is meant by a single shift.
    Third { is_greek: bool },
    /// One character of that set follows.
    SingleShift,
    /// `ESC & @`: the escape behind it means the revision of 1990.
    Revision,
}

/// The escape sequence at the start of `bytes`, with its length.
pub(super) fn escape(bytes: &[u8]) -> Option<(Escape, usize)> {
    let call = |set, length| Some((Escape::Call(set), length));
    match *bytes {
        [ESC, b'$', b'@' | b'B', ..] => call(Set::X0208, 3),
        [ESC, b'$', b'A', ..] => call(Set::Gb2312, 3),
        [ESC, b'$', b'(', b'@' | b'B', ..] => call(Set::X0208, 4),
        [ESC, b'$', b'(', b'A', ..] => call(Set::Gb2312, 4),
        [ESC, b'$', b'(', b'C', ..] => call(Set::KsX1001, 4),
        [ESC, b'$', b'(', b'D', ..] => call(Set::X0212, 4),
        [ESC, b'$', b'(', b'O' | b'Q', ..] => call(Set::X0213(1), 4),
        [ESC, b'$', b'(', b'P', ..] => call(Set::X0213(2), 4),
        [ESC, b'(', b'B' | b'J' | b'H', ..] => call(Set::Ascii, 3),
        [ESC, b'(', b'I', ..] => call(Set::Kana, 3),
        [ESC, b')', b'I' | b'B' | b'J', ..] => Some((Escape::Second, 3)),
        [ESC, b'.', b'A', ..] => Some((Escape::Third { is_greek: false }, 3)),
        [ESC, b'.', b'F', ..] => Some((Escape::Third { is_greek: true }, 3)),
        [ESC, b'N', ..] => Some((Escape::SingleShift, 2)),
        [ESC, b'&', b'@', ESC, ..] => Some((Escape::Revision, 3)),
        _ => None,
    }
}

/// Does an escape sequence prove text in a Japanese set? `ESC ( B` alone does not: terminals use it too.
pub(super) fn proves(bytes: &[u8]) -> bool {
    let is_terminal = || memchr::memmem::find(bytes, b"\x1b[").is_some();
    memchr::memchr_iter(ESC, bytes).any(|at| match escape(&bytes[at..]) {
        Some((Escape::Call(set), _)) if set != Set::Ascii => true,
        Some((Escape::Call(_), _)) => bytes.get(at + 2) == Some(&b'J') && !is_terminal(),
        _ => false,
    })
}

/// A sequence that names sets of ISO-2022-KR or ISO-2022-CN.
pub(in crate::corpus::charset) fn foreign(bytes: &[u8]) -> Option<&'static str> {
    memchr::memchr_iter(ESC, bytes).find_map(|at| match bytes.get(at + 1..at + 4) {
        Some(b"$)C") => Some("ISO-2022-KR"),
        Some(b"$)A" | b"$)G" | b"$)E" | b"$*H") => Some("ISO-2022-CN"),
        _ => None,
    })
}
