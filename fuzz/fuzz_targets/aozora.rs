//! Any text as a work of Aozora Bunko, with readings in brackets and noted, and as an edition in HTML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::aozora::{self, Options};

#[path = "../read.rs"]
mod read;

fuzz_target!(|text: &str| {
    for (readings, spans) in [(false, false), (true, true)] {
        let document = aozora::read(text, &Options { readings, spans });
        // A described character is shorter than its description, a pair of letters than itself; brackets of a reading are as long as those of the source, and
        // a reading that a note gives, or a comment, gets brackets of its own.
        assert!(document.text.len() <= 2 * text.len());
        assert!(document.meta.is_some_and(|meta| meta.starts_with(r#"{"notation":"aozora""#)));
    }
    read::all("1_ruby_2.txt", b"", text.as_bytes());
    read::all("1.html", b"<div class=\"main_text\"><div class=\"bibliographical_information\"></div>", text.as_bytes());
});
