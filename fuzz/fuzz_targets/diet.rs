//! Any text as an answer of the interface of the Diet: speeches, meetings, and the whole way from a file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::diet::{Options, Writer, documents};

#[path = "../read.rs"]
mod read;

fuzz_target!(|text: &str| {
    let speeches = documents(text, &Options { meetings: false });
    let meetings = documents(text, &Options { meetings: true });
    assert_eq!(speeches.is_ok(), meetings.is_ok());
    if let (Ok(speeches), Ok(meetings)) = (speeches, meetings) {
        assert!(meetings.len() <= speeches.len());
    }
    let mut writer = Writer::new(Options { meetings: false });
    let _ = writer.element(text);
    read::any("a.json", b"{\"numberOfRecords\":1,\"speechRecord\":", text.as_bytes());
});
