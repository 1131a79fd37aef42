//! Why a body cannot be used.

/// A body whose coding cannot be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Reason code of `quarantine.jsonl`.
    pub reason: &'static str,
    /// What is wrong.
    pub message: &'static str,
}

impl Fault {
    pub(super) const TOO_LONG: Self =
        Self { reason: "http_too_long", message: "the body is longer than input.record_max once it is decoded" };
    pub(super) const CODINGS: Self = Self { reason: "http_coding", message: "the body is in more than four codings" };
    pub(super) const CODING: Self = Self { reason: "http_coding", message: "the body is in a coding that is not read" };
    pub(super) const CHUNKED: Self = Self { reason: "http_chunked", message: "the chunks of the body are damaged or cut" };
    pub(super) const GZIP: Self = Self { reason: "http_gzip", message: "the gzip data of the body is damaged or cut" };
    pub(super) const DEFLATE: Self = Self { reason: "http_deflate", message: "the deflate data of the body is damaged or cut" };
    pub(super) const BROTLI: Self = Self { reason: "http_brotli", message: "the Brotli data of the body is damaged or cut" };
    pub(super) const ZSTD: Self =
        Self { reason: "http_zstd", message: "the zstd data of the body is damaged or cut, or wants a window above 128 MiB" };
}
