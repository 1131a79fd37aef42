//! Names of elements.

/// A name in lower case. What counts is never longer than `MAX` bytes; of a longer one only its hash is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; Self::MAX],
    length: usize,
    /// FNV-1a.
    hash: u64,
}

impl Default for Name {
    fn default() -> Self {
        Self { bytes: [0; Self::MAX], length: 0, hash: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Name {
    const MAX: usize = 15;

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(free) = self.bytes.get_mut(self.length..end) {
            free.copy_from_slice(bytes);
        }
        self.length = end;
        self.hash = bytes.iter().fold(self.hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }

    /// The name; empty if it is too long.
    pub(super) fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && self.hash == other.hash
    }
}
