//! Bytes as printable characters: how byte-level vocabularies are written in `tokenizer.json` (Radford et al. 2019, GPT-2).
//!
//! The 188 bytes that are printable in Latin-1 stand for themselves, the other 68 for U+0100 … U+0143 in order.

/// All bytes, ordered by the code point of the character that stands for them: the order in which Hugging Face trainers number
/// them.
pub(crate) const BYTE_ORDER: [u8; 256] = byte_order();

const fn is_printable(byte: u8) -> bool {
    matches!(byte, 33..=126 | 161..=172 | 174..=255)
}

const fn byte_order() -> [u8; 256] {
    let mut order = [0; 256];
    let mut n = 0;
    let mut round = 0;
    while round < 2 {
        let mut byte = 0;
        while byte < 256 {
            if is_printable(byte as u8) == (round == 0) {
                order[n] = byte as u8;
                n += 1;
            }
            byte += 1;
        }
        round += 1;
    }
    order
}

/// How many bytes stand for themselves.
const N_PRINTABLE: usize = 188;

/// Appends the characters that stand for `bytes`.
pub(crate) fn write(bytes: &[u8], out: &mut String) {
    out.extend(bytes.iter().map(|&byte| character(byte)));
}

fn character(byte: u8) -> char {
    if is_printable(byte) {
        return char::from(byte);
    }
    let rank = BYTE_ORDER[N_PRINTABLE..].partition_point(|&other| other < byte);
    char::from_u32(0x100 + rank as u32).unwrap_or('\0')
}

/// The bytes that `text` stands for; `None` if a character stands for no byte.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    text.chars().map(byte).collect()
}

fn byte(c: char) -> Option<u8> {
    match u32::from(c) {
        code @ 0..0x100 => is_printable(code as u8).then_some(code as u8),
        code => BYTE_ORDER[N_PRINTABLE..].get(code as usize - 0x100).copied(),
    }
}

/// Is a string that stands for itself the spelling of other bytes? Then it could be an ordinary token's too (`ãģ` is half a kana), and decoders
/// turn it into those bytes.
pub(crate) fn is_misread(text: &str) -> bool {
    read(text).is_some_and(|bytes| bytes != text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_own_character_and_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut text = String::new();
        write(&all, &mut text);
        assert_eq!(read(&text), Some(all));
        assert_eq!(read("あ"), None);
        assert_eq!(read(" "), None);
        let mut blank = String::new();
        write(b" \n\0", &mut blank);
        assert_eq!(blank, "ĠĊĀ");
    }

    #[test]
    fn order_is_by_code_point() {
        assert!(BYTE_ORDER.is_sorted_by_key(|&byte| character(byte)));
    }
}
