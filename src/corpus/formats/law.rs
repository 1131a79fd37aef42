//! Statutes of e-Gov in XML: an act a file, alone or in the envelopes of its interfaces; a document an act, or an article.

use crate::corpus::charset;
use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::html::Ruby;
use crate::corpus::law::{self, Options};
use crate::corpus::options::LawDocuments;
use crate::corpus::source::ByteSource;
use crate::corpus::wanted::Wanted;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;

/// The format.
pub(super) struct Law;

impl Format for Law {
    fn name(&self) -> &'static str {
        "law"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["xml"]
    }

    fn accepts(&self, head: &[u8]) -> bool {
        law::is_law(head)
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        law::is_law(head)
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(WholeFile::several(source, count, read))))
    }
}

fn options(wanted: Wanted) -> Options {
    Options { articles: wanted.law == LawDocuments::Article, readings: wanted.html.ruby == Ruby::Keep, spans: wanted.spans }
}

/// Documents in the bytes, or one that cannot be read. Acts as a whole are seldom several, and articles are counted by reading them.
fn count(bytes: &[u8], wanted: Wanted) -> u64 {
    let options = options(wanted);
    if !options.articles && !law::may_hold_several(bytes) {
        return 1;
    }
    let Ok(decoded) = charset::decode(bytes, None) else { return 1 };
    law::documents(&decoded.text, &options).map_or(1, |documents| documents.len() as u64)
}

#[expect(clippy::needless_pass_by_value, reason = "all formats are called the same way")]
fn read(xml: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    law::documents(&xml, &options(wanted)).map_err(|fault| Fault::new(fault.reason, fault.detail))
}
