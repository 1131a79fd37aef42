//! Any bytes as text; the first byte chooses what a header says of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::charset::decode;

const DECLARED: [Option<&str>; 8] =
    [None, Some("shift_jis"), Some("euc-jp"), Some("iso-2022-jp"), Some("utf-16"), Some("euc-kr"), Some("iso-8859-1"), Some("shift_jis-2004")];

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    if let Ok(decoded) = decode(bytes, DECLARED[usize::from(*first) % DECLARED.len()]) {
        assert!(decoded.replaced <= bytes.len() as u64);
        assert!(decoded.text.len() <= 6 * bytes.len());
    }
});
