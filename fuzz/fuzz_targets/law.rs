//! Any text as a statute: acts, articles, and the whole way from a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::law::{Options, documents};

#[path = "../read.rs"]
mod read;

fuzz_target!(|xml: &str| {
    let acts = documents(xml, &Options { articles: false, readings: false, spans: true });
    let articles = documents(xml, &Options { articles: true, readings: false, spans: true });
    assert_eq!(acts.is_ok(), articles.is_ok());
    if let (Ok(acts), Ok(articles)) = (acts, articles) {
        let length = |documents: &[seimai::corpus::document::Document]| documents.iter().map(|document| document.text.len()).sum::<usize>();
        assert!(length(&articles) <= length(&acts));
    }
    read::all("a.xml", b"<Law Era=\"Showa\">", xml.as_bytes());
});
