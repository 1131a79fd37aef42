//! HTML: the whole file is one page, in any charset; the document is its text. Editions of Aozora Bunko and of statutes are told from other pages.

use crate::corpus::aozora;
use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing, extension};
use crate::corpus::html::{self, Extract, Options, Page};
use crate::corpus::law::older;
use crate::corpus::options::Notation;
use crate::corpus::source::ByteSource;
use crate::corpus::wanted::Wanted;
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

#[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "all formats are called the same way")]
fn read(file: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    Ok(vec![page(&file, wanted, false)])
}

#[expect(clippy::unnecessary_wraps, clippy::needless_pass_by_value, reason = "all formats are called the same way")]
fn read_xml(file: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    Ok(vec![page(&file, wanted, true)])
}

/// A page as a document.
pub(super) fn page(file: &str, wanted: Wanted, is_xml: bool) -> Document {
    if let Some(work) = work(file, wanted, is_xml) {
        return work;
    }
    let options = Options { is_xml, ..wanted.html };
    if wanted.notation == Notation::Auto && is_statute(file) {
        let page = html::read(file, &Options { extract: Extract::All, ..options });
        if older::is_statute(&page.text) {
            return older::read(&page.text);
        }
    }
    whole(html::read(file, &options))
}

/// A page that is an edition of Aozora Bunko.
pub(super) fn work(file: &str, wanted: Wanted, is_xml: bool) -> Option<Document> {
    let edition = aozora::edition(file).filter(|_| wanted.notation != Notation::None)?;
    let is_xml = is_xml || file.trim_start().starts_with("<?xml");
    let all = Options { is_xml, extract: Extract::All, ..wanted.html };
    let (work, colophon) = (html::read(&edition.html, &all), html::read(&edition.colophon, &all));
    let (meta, date, license) = edition.describe(work.title.as_deref(), &colophon.text);
    let meta = Some(serde_json::Value::Object(meta).to_string());
    Some(Document { text: work.text, meta, date, license, dropped: edition.dropped, ..Document::default() })
}

fn whole(page: Page) -> Document {
    Document { meta: page.meta(), text: page.text, ..Document::default() }
}

/// May a page be a statute, before it is read?
fn is_statute(file: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(file.as_bytes(), word.as_bytes()).is_some();
    has("arttitle") || has("idxrefer.cgi") || has("附　則") || has("第一条")
}
