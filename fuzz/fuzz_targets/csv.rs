//! Any bytes as a table of lines: the first byte says how it is written. Rows tile the bytes, and what is found in two goes is found in one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::corpus::csv::{Columns, Dialect, RowEnd, Units, delimiter, without_end};

fuzz_target!(|bytes: &[u8]| {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let units = [Units::Bytes, Units::ShiftJis, Units::Utf16 { little: true }, Units::Utf16 { little: false }][usize::from(how & 3)];
    let end = if how & 8 == 0 { b'\n' } else { b'\r' };
    let dialect = Dialect { units, delimiter: b',', quotes: how & 4 == 0, end };
    let (mut start, mut columns) = (0, Columns::new(&dialect));
    while start < bytes.len() {
        let (stop, is_whole) = RowEnd::default().find(&dialect, bytes, start);
        assert!(stop <= bytes.len() && (stop > start || !is_whole));
        let middle = start + (stop - start) / 2;
        let mut in_two = RowEnd::default();
        let (at, early) = in_two.find(&dialect, &bytes[..middle], start);
        assert!(early || in_two.find(&dialect, bytes, at) == (stop, is_whole));
        if let Ok(row) = std::str::from_utf8(&bytes[start..stop]) {
            let row = without_end(row, end);
            let found = columns.split(row);
            assert!((0..found).map(|column| columns.get(column).len()).sum::<usize>() <= row.len());
        }
        if !is_whole {
            break;
        }
        start = stop;
    }
    if let Ok(head) = std::str::from_utf8(bytes) {
        delimiter(head, b',', dialect.quotes, end);
    }
});
