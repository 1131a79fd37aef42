//! Any text as a page.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::html::text;

fuzz_target!(|page: &str| {
    // A NUL may become U+FFFD, and a reference of five bytes two characters of three.
    assert!(text(page).len() <= 3 * page.len());
});
