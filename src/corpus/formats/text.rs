//! Plain text: the whole file is one document, in any charset; works in the notation of Aozora Bunko and statutes in the older form of e-Gov are known
//! by their content. A file without a telling name that begins like a page of HTML is read as one.

use crate::corpus::aozora;
use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing, extension};
use crate::corpus::formats::html::page;
use crate::corpus::html;
use crate::corpus::law::older;
use crate::corpus::options::Notation;
use crate::corpus::source::ByteSource;
use crate::corpus::wanted::Wanted;
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
        let to_documents = if is_named { text } else { text_or_page };
        Ok(Ok(Box::new(WholeFile::new(source, to_documents))))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "other formats can fail, and all are called the same way")]
fn text(text: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    let is_aozora = match wanted.notation {
        Notation::Auto => aozora::is_work(&text),
        Notation::Aozora => true,
        Notation::None => false,
    };
    if wanted.notation == Notation::Auto && !is_aozora && older::is_statute(&text) {
        return Ok(vec![older::read(&text)]);
    }
    let options = aozora::Options { readings: wanted.html.ruby == html::Ruby::Keep, spans: wanted.spans };
    Ok(vec![if is_aozora { aozora::read(&text, &options) } else { Document { text, ..Document::default() } }])
}

fn text_or_page(file: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    if html::is_page(&file) { Ok(vec![page(&file, wanted, false)]) } else { text(file, wanted) }
}
