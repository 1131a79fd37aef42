//! What decoding comes to.

/// A decoded text.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a byte order mark.
    pub text: String,
    /// The charset it was in: `utf-8`, `utf-16le`, `utf-16be`, `utf-32le`, `utf-32be`, `iso-2022-jp`, `shift_jis` (the CP932 table of the WHATWG),
    /// `euc-jp`, `shift_jis-2004`, `euc-jis-2004`, or what the WHATWG calls a Western charset of single bytes.
    pub charset: &'static str,
    /// Places that had no meaning in that charset and are U+FFFD now.
    pub replaced: u64,
}

impl Decoded {
    /// Is more than half a percent of the text replaced, so that it had better not be used? One place in a text that is not tiny is forgiven.
    pub(super) fn is_garbled(&self) -> bool {
        let chars = || self.text.chars().count() as u64;
        self.replaced > 0 && (self.replaced * 8 > chars() || (self.replaced - 1) * 200 > chars())
    }

    /// The text, unless it is garbled.
    pub(super) fn unless_garbled(self) -> Result<Self, Refused> {
        if !self.is_garbled() {
            return Ok(self);
        }
        let reason = match self.charset {
            "iso-2022-jp" => "iso_2022_jp",
            "utf-16le" | "utf-16be" => "utf16",
            _ => "charset",
        };
        let detail = format!("{} places that are no {}, the likeliest charset", self.replaced, self.charset);
        Err(Refused { reason, detail, charset: Some(self.charset) })
    }
}

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Reason code of `quarantine.jsonl`: `charset`, `iso_2022_jp` or `utf16`.
    pub reason: &'static str,
    /// What is wrong; names the charset if it is known.
    pub detail: String,
    /// The likeliest charset.
    pub charset: Option<&'static str>,
}

impl Refused {
    /// A charset in which no Japanese is written.
    pub(super) fn foreign(charset: &'static str) -> Self {
        Self { reason: "charset", detail: format!("{}, not Japanese", charset.to_ascii_lowercase()), charset: Some(charset) }
    }
}
