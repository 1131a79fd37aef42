//! Where frames end, without decoding them: headers of frames and blocks say how long they are.

use super::entry::Entry;
use super::{lz4, zstandard};
use crate::io::Input;

/// Bytes of the file, and most decoded bytes, at which a piece ends with the next frame.
const PIECE: u64 = 1 << 20;
const PIECE_DECODED: u64 = 16 << 20;
/// Bytes of zeros that are looked at a time.
const ZEROS: usize = 1 << 12;
/// Decoded bytes of a zstd block, at most.
const ZSTD_BLOCK: u64 = 1 << 17;

/// A place in a file that moves on.
struct Cursor<'a> {
    file: &'a Input,
    at: u64,
}

impl Cursor<'_> {
    /// The next bytes, if there are so many; the cursor stays.
    fn peek<const N: usize>(&self) -> std::io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        match self.file.read_exact_at(&mut bytes, self.at) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The next byte, stepped over.
    fn byte(&mut self) -> std::io::Result<Option<u8>> {
        let byte = self.peek::<1>()?;
        self.at += 1;
        Ok(byte.map(|[byte]| byte))
    }

    /// Steps over zeros and frames that are skipped.
    fn skip_padding(&mut self) -> std::io::Result<()> {
        loop {
            let mut bytes = [0; ZEROS];
            let read = self.file.read_at(&mut bytes, self.at)?;
            let zeros = bytes[..read].iter().take_while(|byte| **byte == 0).count();
            self.at += zeros as u64;
            match self.peek::<8>()? {
                Some(head) if zeros < read && zstandard::is_skippable(&head) => {
                    let [.., a, b, c, d] = head;
                    self.at += 8 + u64::from(u32::from_le_bytes([a, b, c, d]));
                }
                _ if zeros < read || read == 0 => return Ok(()),
                _ => {}
            }
        }
    }
}

/// Where a piece ends that begins with a frame of zstd, and is it one frame of more than `large` decoded bytes? No end: something is no frame.
pub(super) fn end_of_zstd(file: &Input, start: u64, length: u64, large: u64) -> std::io::Result<(Option<Entry>, bool)> {
    end(file, start, length, large, zstandard::MAGIC, zstd_frame)
}

/// The same of lz4.
pub(super) fn end_of_lz4(file: &Input, start: u64, length: u64, large: u64) -> std::io::Result<(Option<Entry>, bool)> {
    end(file, start, length, large, lz4::MAGIC, lz4_frame)
}

/// Steps over a frame; the most it can decode to, or `None` if it is none.
type Step = fn(&mut Cursor<'_>) -> std::io::Result<Option<u64>>;

fn end(file: &Input, start: u64, length: u64, large: u64, magic: &[u8], step: Step) -> std::io::Result<(Option<Entry>, bool)> {
    let mut cursor = Cursor { file, at: start };
    let (mut decoded, mut frames) = (0_u64, 0);
    cursor.skip_padding()?;
    while cursor.at < length && cursor.at - start < PIECE && decoded < PIECE_DECODED {
        if cursor.peek::<4>()?.is_none_or(|head| head != magic) {
            return Ok((None, false));
        }
        let Some(most) = step(&mut cursor)? else { return Ok((None, false)) };
        decoded = decoded.saturating_add(most);
        frames += 1;
        cursor.skip_padding()?;
    }
    if cursor.at > length {
        return Ok((None, false));
    }
    Ok((Some(Entry { file: cursor.at, ..Entry::default() }), frames == 1 && decoded > large))
}

fn zstd_frame(cursor: &mut Cursor<'_>) -> std::io::Result<Option<u64>> {
    cursor.at += 4;
    let Some(descriptor) = cursor.byte()? else { return Ok(None) };
    let is_single = descriptor >> 5 & 1 == 1;
    let size = match descriptor >> 6 {
        0 => u64::from(is_single),
        n => 1 << n,
    };
    cursor.at += u64::from(!is_single) + [0, 1, 2, 4][usize::from(descriptor & 3)] + size;
    let mut decoded = 0_u64;
    loop {
        let Some([a, b, c]) = cursor.peek::<3>()? else { return Ok(None) };
        let header = u32::from_le_bytes([a, b, c, 0]);
        let stored = match header >> 1 & 3 {
            1 => 1,
            3 => return Ok(None),
            _ => u64::from(header >> 3),
        };
        cursor.at += 3 + stored;
        decoded = decoded.saturating_add(ZSTD_BLOCK);
        if header & 1 == 1 {
            cursor.at += if descriptor >> 2 & 1 == 1 { 4 } else { 0 };
            return Ok(Some(decoded));
        }
    }
}

fn lz4_frame(cursor: &mut Cursor<'_>) -> std::io::Result<Option<u64>> {
    let Some([_, _, _, _, flags, sizes]) = cursor.peek::<6>()? else { return Ok(None) };
    let has = |bit: u8| u64::from(flags >> bit & 1);
    cursor.at += 7 + 8 * has(3) + 4 * has(0);
    let mut decoded = 0_u64;
    loop {
        let Some(size) = cursor.peek::<4>()?.map(u32::from_le_bytes) else { return Ok(None) };
        cursor.at += 4;
        if size == 0 {
            cursor.at += 4 * has(2);
            return Ok(Some(decoded));
        }
        cursor.at += u64::from(size & (u32::MAX >> 1)) + 4 * has(4);
        decoded = decoded.saturating_add(1 << (8 + 2 * (sizes >> 4 & 7)));
    }
}
