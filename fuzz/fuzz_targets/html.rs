//! Any text as a page: all of it, its main content, and both as XML.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::html::{Extract, Options, Ruby, read};

fuzz_target!(|page: &str| {
    for (is_xml, ruby) in [(false, Ruby::Drop), (true, Ruby::Keep)] {
        let all = read(page, &Options { extract: Extract::All, ruby, is_xml }).text;
        let main = read(page, &Options { extract: Extract::Main, ruby, is_xml }).text;
        // A NUL may become U+FFFD, a reference of five bytes two characters of three, a picture without a name 〓, <rt> two brackets.
        assert!(all.len() <= 3 * page.len());
        // The main content is lines of the whole, in their order, and not nothing where there is something.
        assert!(main.len() <= all.len() && main.is_empty() == all.is_empty());
        let mut lines = all.split('\n');
        assert!(main.split('\n').all(|line| lines.any(|other| other == line)));
    }
});
