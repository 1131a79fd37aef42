//! Logs of chats: a day a record, or the whole file. Programs that write lines are walked by lines, those that write JSON by messages.

mod lines;
mod messages;
mod piece;

use std::sync::Arc;

use self::lines::Lines;
use self::messages::Messages;
use crate::corpus::archive::Members;
use crate::corpus::chat::{self, Header};
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::formats::text::Text;
use crate::corpus::options::{ChatDocuments, Notation};
use crate::corpus::source::ByteSource;
use crate::error::{Error, Result};

/// The format.
pub(super) struct Chat;

/// Bytes of the beginning that are looked through for a title, and for how dates are written.
const HEADER_MAX: usize = 64 << 10;

impl Format for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["txt", "text", "log", "json"]
    }

    fn accepts(&self, head: &[u8]) -> bool {
        chat::detect(head).is_some()
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        chat::detect(head).is_some()
    }

    fn open(&self, mut source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let header = if at == Boundary::START {
            header(&mut source)?
        } else {
            let beginning = ByteSource::open(source.input, source.file(), &mut Members::default());
            header(&mut beginning.map_err(|e| Error::io(&source.file().path, "open", e))?)?
        };
        let wanted = source.reading.wanted();
        // A plan that names a notation says that a text is no log.
        let Some(header) = header.filter(|header| header.app.is_json() || wanted.notation == Notation::Auto) else {
            return Text.open(source, at);
        };
        let (header, is_split) = (Arc::new(header), wanted.chat.documents == ChatDocuments::Day);
        Ok(if header.app.is_json() { Messages::open(source, at, header, is_split)? } else { Ok(Lines::open(source, at, header, is_split)) })
    }
}

/// What a file says above its messages.
fn header(source: &mut ByteSource) -> Result<Option<Header>> {
    source.want(HEADER_MAX)?;
    let head = &source.pending[..source.pending.len().min(HEADER_MAX)];
    Ok(chat::detect(head).map(|app| Header::new(app, head)))
}
