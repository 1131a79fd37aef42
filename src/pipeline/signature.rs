//! Signatures: keys of Ed25519 in files, and envelopes of DSSE around what is signed.
//!
//! Cryptography is that of the crate `ed25519-dalek`; here stand files, limits and the words for what is refused.

pub mod envelope;
pub mod key;

/// Why something that is signed is not believed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// One word for programs: `forged`, `changed`, … (`docs/guide/passport.md` lists them).
    pub code: &'static str,
    /// One sentence: what, where.
    pub message: String,
}

impl Refusal {
    /// Of a kind.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
