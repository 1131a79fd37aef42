//! HTML: the whole file is one page, in any charset; the document is its text.

use crate::corpus::format::{Boundary, Fault, Format, Framing, extension};
use crate::corpus::html::{self, Options, Page};
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
        &["html", "htm", "xhtml", "xht"]
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let is_xml = extension(source.file()).is_some_and(|extension| matches!(extension.as_str(), "xhtml" | "xht"));
        Ok(Ok(Box::new(WholeFile::new(source, if is_xml { read_xml } else { read }))))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "plain text is given on as it is, and both are called the same way")]
fn read(page: String, options: Options) -> Page {
    html::read(&page, &options)
}

#[expect(clippy::needless_pass_by_value, reason = "plain text is given on as it is, and both are called the same way")]
fn read_xml(page: String, options: Options) -> Page {
    html::read(&page, &Options { is_xml: true, ..options })
}
