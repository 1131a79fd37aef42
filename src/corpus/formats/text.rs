//! Plain text: the whole file is one document, in any charset. A file without a telling name that begins like a page of HTML is read as one.

use crate::corpus::format::{Boundary, Fault, Format, Framing, extension};
use crate::corpus::html;
use crate::corpus::source::ByteSource;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;

/// The format.
pub(super) struct Text;

/// Extensions of files that are text whatever they hold.
const EXTENSIONS: &[&str] = &["txt", "text", "md"];

impl Format for Text {
    fn name(&self) -> &'static str {
        "text"
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn looks_like(&self, _: &[u8]) -> bool {
        true
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let is_named = extension(source.file()).is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()));
        let to_text = if is_named { std::convert::identity } else { text_of_either };
        Ok(Ok(Box::new(WholeFile::new(source, to_text))))
    }
}

fn text_of_either(text: String) -> String {
    if html::is_page(&text) { html::text(&text) } else { text }
}
