//! Any text as wikitext: what is written is bounded, and a page of HTML can be made of it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use seimai::corpus::html;
use seimai::corpus::wikitext::{Site, Templates, read, redirect};

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| Templates::new(std::iter::empty()).unwrap());

fuzz_target!(|text: &str| {
    redirect(text);
    let page = read(text, "title", &Site::default(), &TEMPLATES);
    // A mark of a line, and the words of a template that has a long pattern.
    assert!(page.html.len() <= 64 * text.len() + 64);
    html::read(&page.html, &html::Options { extract: html::Extract::All, ..html::Options::default() });
});
