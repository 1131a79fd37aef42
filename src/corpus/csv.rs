//! Tables of lines (CSV, TSV): where a row ends, and what its columns hold.
//!
//! A row ends at a line end that does not stand in quotes. This is found in the bytes as they are, so that a file can be cut into rows
//! before anything is decoded; a row is taken apart by `csv-core` once it is text.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

/// How characters stand in bytes, as far as rows need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// No byte of a longer character is ASCII: UTF-8, EUC-JP.
    Bytes,
    /// The second byte of a character may be ASCII.
    ShiftJis,
    /// Two bytes, the low one first or not.
    Utf16 {
        /// Is the low one first?
        little: bool,
    },
}

impl Units {
    /// Those of a charset.
    pub fn of(charset: &str) -> Self {
        match charset {
            "utf-16le" => Self::Utf16 { little: true },
            "utf-16be" => Self::Utf16 { little: false },
            charset if charset.starts_with("shift_jis") => Self::ShiftJis,
            _ => Self::Bytes,
        }
    }

    /// The ASCII character at `at` (another one as 0x80), and its bytes; `None` where it is not whole.
    fn at(self, bytes: &[u8], at: usize) -> Option<(u8, usize)> {
        let first = *bytes.get(at)?;
        match self {
            Self::ShiftJis if matches!(first, 0x81..=0x9f | 0xe0..=0xfc) => {
                // A character that is cut by a line end is broken; the line end stays one.
                let second = *bytes.get(at + 1)?;
                Some((0x80, if second < 0x40 { 1 } else { 2 }))
            }
            Self::Bytes | Self::ShiftJis => Some((first, 1)),
            Self::Utf16 { little } => {
                let second = *bytes.get(at + 1)?;
                let (low, high) = if little { (first, second) } else { (second, first) };
                Some((if high == 0 && low < 0x80 { low } else { 0x80 }, 2))
            }
        }
    }
}

/// How rows of a file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// How characters stand in bytes.
    pub units: Units,
    /// What stands between two columns.
    pub delimiter: u8,
    /// May a column stand in quotes?
    pub quotes: bool,
    /// What ends a row: a line feed, or (old files) a carriage return alone.
    pub end: u8,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// A column begins.
    #[default]
    Start,
    /// Inside a column without quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// Behind a quote in quotes: their end, or half of a doubled one.
    Closed,
}

/// Looks for the end of a row.
#[derive(Debug, Clone, Default)]
pub struct RowEnd {
    state: State,
}

impl RowEnd {
    /// Goes on at `at`; gives the byte behind the end of the row (true), or behind all that can be looked at yet.
    pub fn find(&mut self, dialect: &Dialect, bytes: &[u8], at: usize) -> (usize, bool) {
        let mut at = at;
        loop {
            if dialect.units == Units::Bytes {
                at += match self.state {
                    State::Quoted => memchr::memchr(b'"', &bytes[at..]).unwrap_or(bytes.len() - at),
                    State::Plain => memchr::memchr2(dialect.end, dialect.delimiter, &bytes[at..]).unwrap_or(bytes.len() - at),
                    State::Start | State::Closed => 0,
                };
            }
            let Some((unit, length)) = dialect.units.at(bytes, at) else { return (at, false) };
            at += length;
            self.state = match (self.state, unit) {
                (State::Quoted, b'"') => State::Closed,
                (State::Quoted, _) | (State::Closed, b'"') => State::Quoted,
                (_, unit) if unit == dialect.end => {
                    self.state = State::Start;
                    return (at, true);
                }
                (_, unit) if unit == dialect.delimiter => State::Start,
                (State::Start, b'"') if dialect.quotes => State::Quoted,
                (State::Closed, b'\r') => State::Closed,
                _ => State::Plain,
            };
        }
    }

    /// Has a quote been opened and not closed?
    pub fn is_open(&self) -> bool {
        self.state == State::Quoted
    }
}

/// Takes rows apart.
pub struct Columns {
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    found: usize,
}

impl Columns {
    /// Of rows that are written like this.
    pub fn new(dialect: &Dialect) -> Self {
        // Where rows end is known; a line end inside of one is text.
        let reader = ReaderBuilder::new().delimiter(dialect.delimiter).quoting(dialect.quotes).terminator(Terminator::Any(0xff)).build();
        Self { reader, text: Vec::new(), ends: vec![0; 64], found: 0 }
    }

    /// Takes a row apart, without its line end; gives the number of columns.
    pub fn split(&mut self, row: &str) -> usize {
        self.reader.reset();
        // No byte of a text is 0xff: each row is one to the reader. It is never longer than it is written.
        self.text.resize(row.len().max(self.text.len()), 0);
        let (mut rest, mut written) = (row.as_bytes(), 0);
        self.found = 0;
        loop {
            let (result, read, wrote, found) = self.reader.read_record(rest, &mut self.text[written..], &mut self.ends[self.found..]);
            rest = rest.get(read..).unwrap_or_default();
            written += wrote;
            self.found += found;
            match result {
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2 + 64, 0),
                // The empty input that follows says that the row has ended.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        if self.found == 0 {
            self.ends[0] = 0;
            self.found = 1;
        }
        self.found
    }

    /// A column of the row that was taken apart last.
    pub fn get(&self, column: usize) -> &str {
        let end = |at: usize| self.ends[..self.found].get(at).copied();
        let start = if column == 0 { Some(0) } else { end(column - 1) };
        let bytes = start.zip(end(column)).and_then(|(start, end)| self.text.get(start..end));
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A row without its line end.
pub fn without_end(row: &str, end: u8) -> &str {
    let row = row.strip_suffix(char::from(end)).unwrap_or(row);
    row.strip_suffix('\r').unwrap_or(row)
}

/// Delimiters that are looked for where nothing names one, in order of preference.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Rows that are looked at for it.
const ROWS_LOOKED_AT: usize = 50;

/// The delimiter that makes the rows of a beginning (as text) most alike; a comma where none does. `first` is preferred to others that do as well.
pub fn delimiter(head: &str, first: u8, quotes: bool, end: u8) -> u8 {
    let order = std::iter::once(first).chain(DELIMITERS.into_iter().filter(|other| *other != first));
    let mut best = (0, first);
    for delimiter in order {
        let dialect = Dialect { units: Units::Bytes, delimiter, quotes, end };
        let (mut columns, mut at, mut counts) = (Columns::new(&dialect), 0, Vec::new());
        while counts.len() < ROWS_LOOKED_AT {
            let (next, is_whole) = RowEnd::default().find(&dialect, head.as_bytes(), at);
            let row = head.get(at..next).unwrap_or_default();
            if next == at || !is_whole && !counts.is_empty() {
                break;
            }
            counts.push(columns.split(without_end(row, end)));
            at = next;
        }
        let width = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == width && width > 1).count();
        if alike > best.0 {
            best = (alike, delimiter);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMA: Dialect = Dialect { units: Units::Bytes, delimiter: b',', quotes: true, end: b'\n' };

    fn rows(bytes: &[u8], dialect: Dialect) -> Vec<&[u8]> {
        rows_that_end(bytes, dialect).into_iter().map(|(row, _)| row).collect()
    }

    /// Rows, and whether their ends are there.
    fn rows_that_end(bytes: &[u8], dialect: Dialect) -> Vec<(&[u8], bool)> {
        let (mut rows, mut start) = (Vec::new(), 0);
        while start < bytes.len() {
            let (end, is_whole) = RowEnd::default().find(&dialect, bytes, start);
            let end = end.max(start + 1);
            rows.push((&bytes[start..end], is_whole));
            start = end;
        }
        rows
    }

    fn columns(row: &str) -> Vec<String> {
        let mut columns = Columns::new(&COMMA);
        (0..columns.split(row)).map(|column| columns.get(column).to_owned()).collect()
    }

    #[test]
    fn rows_end_outside_of_quotes() {
        let text = "a,\"b\nc\",5\" disk\r\n\"x\"\"\n\",y\n\"z\"\r\nlast";
        let found: Vec<&str> = rows(text.as_bytes(), COMMA).into_iter().map(|row| std::str::from_utf8(row).unwrap()).collect();
        assert_eq!(found, ["a,\"b\nc\",5\" disk\r\n", "\"x\"\"\n\",y\n", "\"z\"\r\n", "last"]);
        let plain = Dialect { quotes: false, ..COMMA };
        assert_eq!(rows(b"a,\"b\nc\n", plain).len(), 2);
        assert_eq!(columns("a,\"b\nc\",5\" disk"), ["a", "b\nc", "5\" disk"]);
        assert_eq!(columns("\"x\"\"\n\",,y"), ["x\"\n", "", "y"]);
        assert_eq!((columns(""), columns(","), columns("\"\"")), (vec![String::new()], vec![String::new(); 2], vec![String::new()]));
        assert_eq!(columns(&"a,".repeat(500)).len(), 501);
    }

    #[test]
    fn characters_of_two_bytes_hide_no_delimiter() {
        let bar = Dialect { units: Units::ShiftJis, delimiter: b'|', quotes: true, end: b'\n' };
        // The second byte of ポ is a bar, that of 表 a backslash.
        let bytes = encoding_rs::SHIFT_JIS.encode("ポ|\"表\n|\"|a\nb\n").0.into_owned();
        assert_eq!(rows(&bytes, bar).len(), 2);
        for little in [true, false] {
            let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
            let bytes: Vec<u8> = "刊\t\"上\n\"\nਊ,∀\n".encode_utf16().flat_map(unit).collect();
            let tab = Dialect { units: Units::Utf16 { little }, delimiter: b'\t', quotes: true, end: b'\n' };
            assert_eq!(rows(&bytes, tab).len(), 2, "a character whose bytes look like a line end is none");
        }
    }

    #[test]
    fn delimiters_are_found() {
        let of = |head: &str, first| char::from(delimiter(head, first, true, b'\n'));
        assert_eq!(of("a,b\n1,2\n", b','), ',');
        assert_eq!(of("id;text\n1;a, b\n2;c\n", b','), ';');
        assert_eq!(of("id\ttext\n1\ta, b, c\n", b','), '\t');
        assert_eq!(of("id,text\n1,a\tb\n", b'\t'), ',');
        assert_eq!(of("text\na\n", b'\t'), '\t');
        assert_eq!(of("id|text\n1|\"a\n\"\n", b','), '|');
    }

    proptest! {
        /// What the library makes of a whole file is what comes of rows that were cut before.
        #[test]
        fn agrees_with_the_library(text in "[a,\"\né]{0,40}", quotes in any::<bool>(), cut in 0_usize..40) {
            let dialect = Dialect { quotes, ..COMMA };
            let mut reader = ReaderBuilder::new().quoting(quotes).terminator(Terminator::Any(b'\n')).build();
            let (mut theirs, mut input) = (Vec::new(), text.as_bytes());
            loop {
                let (mut out, mut ends) = ([0; 400], [0; 100]);
                let (mut written, mut found) = (0, 0);
                let result = loop {
                    let (result, read, wrote, more) = reader.read_record(input, &mut out[written..], &mut ends[found..]);
                    (input, written, found) = (&input[read..], written + wrote, found + more);
                    if result != ReadRecordResult::InputEmpty {
                        break result;
                    }
                };
                if result == ReadRecordResult::End {
                    break;
                }
                let starts = std::iter::once(0).chain(ends);
                theirs.push(starts.zip(ends).take(found).map(|(a, b)| String::from_utf8_lossy(&out[a..b]).into_owned()).collect::<Vec<_>>());
            }
            let mut columns = Columns::new(&dialect);
            let of_row = |(row, is_whole)| std::str::from_utf8(row).map(|row| if is_whole { without_end(row, b'\n') } else { row });
            let ours: Vec<Vec<String>> = rows_that_end(text.as_bytes(), dialect)
                .into_iter()
                .map(|row| of_row(row).unwrap())
                .filter(|row| !row.is_empty())
                .map(|row| (0..columns.split(row)).map(|column| columns.get(column).to_owned()).collect())
                .collect();
            prop_assert_eq!(ours, theirs);
            // In two goes.
            let cut = text.floor_char_boundary(cut);
            let mut row_end = RowEnd::default();
            let (at, is_whole) = row_end.find(&dialect, &text.as_bytes()[..cut], 0);
            if !is_whole {
                prop_assert_eq!(row_end.find(&dialect, text.as_bytes(), at), RowEnd::default().find(&dialect, text.as_bytes(), 0));
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64), little in any::<bool>()) {
            for units in [Units::Bytes, Units::ShiftJis, Units::Utf16 { little }] {
                let (end, _) = RowEnd::default().find(&Dialect { units, ..COMMA }, &bytes, 0);
                prop_assert!(end <= bytes.len());
            }
        }
    }
}
