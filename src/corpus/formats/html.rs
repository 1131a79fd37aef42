//! HTML: the whole file is one page, in any charset; the document is its text.

use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::html;
use crate::corpus::source::ByteSource;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;

/// The format.
pub(super) struct Html;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["html", "htm", "xhtml"]
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(WholeFile::new(source, |page| html::text(&page)))))
    }
}
