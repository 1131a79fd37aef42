//! Catalogues of gettext: the whole file is one document, its translations.

use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::gettext;
use crate::corpus::source::ByteSource;
use crate::corpus::wanted::Wanted;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;

/// The format.
pub(super) struct Gettext;

impl Format for Gettext {
    fn name(&self) -> &'static str {
        "gettext"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["po", "pot"]
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        gettext::is_catalogue(&String::from_utf8_lossy(head))
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(WholeFile::new(source, read))))
    }
}

#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "all formats are called the same way")]
fn read(file: String, _: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    Ok(vec![gettext::read(&file)])
}
