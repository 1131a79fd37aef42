//! DocBook: the whole file is one document.

use crate::corpus::docbook;
use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::source::ByteSource;
use crate::corpus::wanted::Wanted;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;

/// The format.
pub(super) struct DocBook;

impl Format for DocBook {
    fn name(&self) -> &'static str {
        "docbook"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["docbook", "dbk", "xml"]
    }

    fn accepts(&self, head: &[u8]) -> bool {
        self.looks_like(head)
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        docbook::is_docbook(&String::from_utf8_lossy(head))
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(WholeFile::new(source, read))))
    }
}

#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "all formats are called the same way")]
fn read(file: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    Ok(vec![docbook::read(&file, wanted.html.ruby)])
}
