//! Any text as subtitles, a catalogue of gettext, DocBook, and the package of a book.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::{docbook, epub, gettext, html, subtitles};

fuzz_target!(|text: &str| {
    let _ = subtitles::is_srt(text);
    let _ = subtitles::is_vtt(text);
    // Carriage returns become line ends, and nothing else grows but a mark of WebVTT.
    assert!(subtitles::read(text).text.len() <= text.len());
    let _ = gettext::is_catalogue(text);
    assert!(gettext::read(text).text.len() <= text.len());
    let _ = docbook::is_docbook(text);
    let _ = docbook::read(text, html::Ruby::Drop);
    let _ = epub::is_epub(text.as_bytes());
    let _ = epub::package_name(text);
    let _ = epub::encrypted(text);
    let _ = epub::package("OPS/book.opf", text);
});
