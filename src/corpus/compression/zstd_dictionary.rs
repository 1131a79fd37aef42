//! The dictionary with which a `.warc.zst` begins: a skippable frame before all others (the WARC-zstd convention of Archive Team and the Internet
//! Archive), the dictionary in it as it is or compressed itself.

use std::io::Read;

/// First bytes of the frame.
pub(super) const MAGIC: &[u8] = &[0x5d, 0x2a, 0x4d, 0x18];
/// Bytes before what a skippable frame holds.
pub(super) const HEADER: usize = 8;
/// First bytes of a dictionary of zstd.
const DICTIONARY: &[u8] = &[0x37, 0xa4, 0x30, 0xec];
/// First bytes of a frame of zstd.
const FRAME: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Longest dictionary, compressed or not; they are made of 112 KiB by default.
const MAX: u64 = 16 << 20;

/// Bytes of the frame that begins so, with its header, if it may hold a dictionary.
pub(super) fn frame_length(head: &[u8]) -> Option<usize> {
    let size = head.strip_prefix(MAGIC)?.first_chunk::<4>()?;
    let size = u64::from(u32::from_le_bytes(*size));
    (size <= MAX).then_some(HEADER + size as usize)
}

/// The dictionary in a frame; `None` if something else is in it.
pub(super) fn of_frame(frame: &[u8]) -> Option<Vec<u8>> {
    let held = frame.get(HEADER..frame_length(frame)?)?;
    if held.starts_with(DICTIONARY) {
        return Some(held.to_vec());
    }
    let mut dictionary = Vec::new();
    let decoder = zstd::Decoder::with_buffer(held).ok().filter(|_| held.starts_with(FRAME))?;
    decoder.take(MAX).read_to_end(&mut dictionary).ok()?;
    dictionary.starts_with(DICTIONARY).then_some(dictionary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_frame_holds() {
        let frame = |held: &[u8]| [MAGIC, &(held.len() as u32).to_le_bytes(), held].concat();
        let dictionary = [DICTIONARY, b"entropy tables and content"].concat();
        assert_eq!(of_frame(&frame(&dictionary)).as_ref(), Some(&dictionary));
        assert_eq!(of_frame(&frame(&zstd::encode_all(&dictionary[..], 3).unwrap())).as_ref(), Some(&dictionary));
        for other in [&b"notes"[..], &zstd::encode_all(&b"notes"[..], 3).unwrap(), b"\x28\xb5\x2f\xfd\0", b""] {
            assert_eq!(of_frame(&frame(other)), None, "{other:?}");
        }
        let cut = frame(&dictionary);
        assert_eq!(of_frame(&cut[..cut.len() - 1]), None);
        assert_eq!(frame_length(b"\x5d\x2a\x4d\x18\xff\xff\xff\xff"), None);
    }
}
