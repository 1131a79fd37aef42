//! Text or compressed data?

/// Shorter bodies have to be UTF-8, for a few bytes say little of how often control characters occur.
const SHORT: usize = 64;

/// Does this look like text in some charset? One byte of ten is a control character in compressed data; text has next to none.
pub(super) fn is_text(body: &[u8]) -> bool {
    let is_utf16 = [b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"].iter().any(|start| body.starts_with(*start));
    let is_judged = body.len() >= SHORT || std::str::from_utf8(body).is_ok();
    is_utf16 || is_judged && controls(body) * 100 <= body.len()
}

/// Control characters that text does not hold; ISO-2022-JP shifts with ESC.
fn controls(body: &[u8]) -> usize {
    let is_shift = |at: usize| matches!(body.get(at + 1), Some(b'$' | b'('));
    let is_control = |(at, b): (usize, &u8)| match b {
        b'\t' | b'\n' | b'\r' | 0x0c => false,
        0x1b => !is_shift(at),
        0..0x20 | 0x7f => true,
        _ => false,
    };
    body.iter().enumerate().filter(|&byte| is_control(byte)).count()
}

/// Is nothing left but what writers put behind a body?
pub(super) fn is_padding(rest: &[u8]) -> bool {
    rest.iter().all(|b| matches!(b, 0 | b' ' | b'\r' | b'\n'))
}
