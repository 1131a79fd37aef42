//! Short strings as numbers, so that to compare them is one comparison.

/// Bytes of a short string, at most.
pub(crate) const SHORT_MAX: usize = 16;

/// At most 16 bytes as a number, the first byte lowest, zeros behind the last: two loads that may overlap, and no loop.
#[inline]
pub(crate) fn short_key(bytes: &[u8]) -> u128 {
    let eight = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    let four = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let n = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return u128::from(eight(first)) | u128::from(eight(last)) << 64 >> (8 * (SHORT_MAX - n));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return u128::from(four(first) | four(last) << (8 * (n - 4)));
    }
    let byte = |i: usize| bytes.get(i).map_or(0, |&byte| u128::from(byte) << (8 * i));
    byte(0) | byte(1) | byte(2)
}

/// A 64-bit hash of such a number. No output depends on it.
#[inline]
pub(crate) fn hash_of_key(key: u128) -> u64 {
    let product = u128::from(key as u64 ^ 0x243F_6A88_85A3_08D3) * u128::from((key >> 64) as u64 ^ 0x9E37_79B9_7F4A_7C15);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_place() {
        let bytes: Vec<u8> = (1..=SHORT_MAX as u8).collect();
        for length in 0..=SHORT_MAX {
            let mut padded = [0; SHORT_MAX];
            padded[..length].copy_from_slice(&bytes[..length]);
            assert_eq!(short_key(&bytes[..length]).to_le_bytes(), padded, "{length} bytes");
        }
    }
}
