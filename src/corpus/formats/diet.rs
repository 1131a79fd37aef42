//! Records of the Diet, as its interface gives them in JSON and XML: a document a speech, or a meeting.

use crate::corpus::charset;
use crate::corpus::diet::{self, Options};
use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::options::DietDocuments;
use crate::corpus::source::ByteSource;
use crate::corpus::wanted::Wanted;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;

/// The format.
pub(super) struct Diet;

impl Format for Diet {
    fn name(&self) -> &'static str {
        "diet"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json", "xml"]
    }

    fn accepts(&self, head: &[u8]) -> bool {
        diet::is_records(head)
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        diet::is_records(head)
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(WholeFile::several(source, count, read))))
    }
}

fn options(wanted: Wanted) -> Options {
    Options { meetings: wanted.diet == DietDocuments::Meeting }
}

/// Documents in the bytes, or one that cannot be read: which speeches say something is known by reading them.
fn count(bytes: &[u8], wanted: Wanted) -> u64 {
    let Ok(decoded) = charset::decode(bytes, None) else { return 1 };
    diet::count(&decoded.text, &options(wanted)).unwrap_or(1)
}

#[expect(clippy::needless_pass_by_value, reason = "all formats are called the same way")]
fn read(text: String, wanted: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    diet::documents(&text, &options(wanted)).map_err(|fault| Fault::new(fault.reason, fault.detail))
}
