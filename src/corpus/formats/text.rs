//! Plain text: the whole file is one document, in any charset. A file without a telling name that begins like a page of HTML is read as one.

use crate::corpus::format::{Boundary, Fault, Format, Framing, extension};
use crate::corpus::html::{self, Options, Page};
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
        let to_page = if is_named { text } else { text_or_page };
        Ok(Ok(Box::new(WholeFile::new(source, to_page))))
    }
}

fn text(text: String, _: Options) -> Page {
    Page { text, title: None }
}

fn text_or_page(file: String, options: Options) -> Page {
    if html::is_page(&file) { html::read(&file, &options) } else { text(file, options) }
}
