//! Subtitles: the whole file is one document, in any charset.

use crate::corpus::document::Document;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::source::ByteSource;
use crate::corpus::subtitles;
use crate::corpus::wanted::Wanted;
use crate::corpus::whole_file::WholeFile;
use crate::error::Result;

/// The format.
pub(super) struct Subtitles;

impl Format for Subtitles {
    fn name(&self) -> &'static str {
        "subtitles"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["srt", "vtt"]
    }

    fn looks_like(&self, head: &[u8]) -> bool {
        let head = String::from_utf8_lossy(head);
        subtitles::is_vtt(&head) || subtitles::is_srt(&head)
    }

    fn open(&self, source: ByteSource, _: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        Ok(Ok(Box::new(WholeFile::new(source, read))))
    }
}

#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "all formats are called the same way")]
fn read(file: String, _: Wanted) -> std::result::Result<Vec<Document>, Fault> {
    Ok(vec![subtitles::read(&file)])
}
