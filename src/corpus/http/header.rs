//! Header of an HTTP message → the codings of its body.

use super::fault::Fault;

/// Codings of one body, at most.
const CODINGS_MAX: usize = 4;

/// A way to write a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Chunked,
    Gzip,
    /// zlib data by the standard, bare deflate data by some servers.
    Deflate,
    Brotli,
    Zstd,
    /// A name that is none of these: often no coding at all (`utf-8`, `none`).
    Unknown,
}

impl Coding {
    /// `None` for the coding that changes nothing.
    fn new(name: &[u8]) -> Option<Self> {
        Some(match &*name.to_ascii_lowercase() {
            b"" | b"identity" => return None,
            b"chunked" => Self::Chunked,
            b"gzip" | b"x-gzip" => Self::Gzip,
            b"deflate" => Self::Deflate,
            b"br" => Self::Brotli,
            b"zstd" => Self::Zstd,
            _ => Self::Unknown,
        })
    }

    /// What is said of a body that is neither in this coding nor text.
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Chunked => Fault::CHUNKED,
            Self::Gzip => Fault::GZIP,
            Self::Deflate => Fault::DEFLATE,
            Self::Brotli => Fault::BROTLI,
            Self::Zstd => Fault::ZSTD,
            Self::Unknown => Fault::CODING,
        }
    }
}

/// The codings a header names, in the order in which they were applied: those of the content, then those of the transfer.
pub(super) fn codings(header: &[u8]) -> Result<Vec<Coding>, Fault> {
    let (mut content, mut transfer) = (Vec::new(), Vec::new());
    let mut named = None;
    for line in header.split(|b| *b == b'\n') {
        // A line that begins with a blank goes on with the field before it.
        let mut value = line;
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let colon = memchr::memchr(b':', line).unwrap_or(line.len());
            named = field(&line[..colon]);
            value = &line[(colon + 1).min(line.len())..];
        }
        let Some(field) = named else { continue };
        let codings = if field == Field::Content { &mut content } else { &mut transfer };
        codings.extend(names(value).filter_map(Coding::new).take(CODINGS_MAX + 1));
        if content.len() + transfer.len() > CODINGS_MAX {
            return Err(Fault::CODINGS);
        }
    }
    content.append(&mut transfer);
    Ok(content)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Content,
    Transfer,
}

fn field(name: &[u8]) -> Option<Field> {
    let is = |wanted: &str| name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
    if is("Content-Encoding") {
        Some(Field::Content)
    } else if is("Transfer-Encoding") {
        Some(Field::Transfer)
    } else {
        None
    }
}

/// The members of a list, without parameters and quotes.
fn names(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| *b == b',').map(|member| {
        let name = member.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name)
    })
}
