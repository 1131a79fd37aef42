//! Names of elements.

/// A name in lower case, as far as it can be one that counts: a longer one is nobody's and equals nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Name {
    bytes: [u8; Self::MAX],
    /// Above `MAX` for a name that is too long.
    length: usize,
}

impl Name {
    const MAX: usize = 15;

    pub(super) fn push(&mut self, bytes: &[u8]) {
        let end = self.length.saturating_add(bytes.len());
        if let Some(free) = self.bytes.get_mut(self.length..end) {
            free.copy_from_slice(bytes);
        }
        self.length = end;
    }

    /// The name; empty if it is too long.
    pub(super) fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        !self.get().is_empty() && self.get() == other.get()
    }
}
