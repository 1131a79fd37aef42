//! CSV, TSV and the like: a record a row, columns by the names of the first row, in any charset.
//!
//! Rows are found in the bytes as they are (`corpus/csv.rs`). What stands in the first row, the charset and the delimiter are found at the
//! beginning of the file, and there again where reading begins in the middle.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use encoding_rs::Encoding;

use crate::corpus::archive::Members;
use crate::corpus::charset;
use crate::corpus::compression::Entry;
use crate::corpus::csv::{self, Columns, Dialect, RowEnd, Units};
use crate::corpus::fields::{self, Fields, NoParts, NoText, Value};
use crate::corpus::format::{Boundary, Fault, Format, Framing, extension};
use crate::corpus::mapping::{Mapping, Target};
use crate::corpus::rules::Reading;
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Lost, Sink};
use crate::corpus::source::ByteSource;
use crate::error::{Error, Result};
use crate::quarantine::Kind;

/// Bytes of the beginning in which charset and delimiter are looked for.
const HEAD: usize = 1 << 20;
/// Bytes before the end of a file within which a quote that is never closed costs its line only.
const NEAR_THE_END: usize = 64 << 10;

/// The format.
pub(super) struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "tsv", "tab"]
    }

    fn open(&self, mut source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let table = if at == Boundary::START {
            source.want(HEAD)?;
            Table::of(&source)
        } else {
            // The beginning of the file is read again; it was sound when it was read first.
            let mut beginning = ByteSource::open(source.input, source.file(), &mut Members::default())
                .map_err(|e| Error::io(&source.file().path, "open", e))?;
            beginning.reading = Arc::clone(&source.reading);
            beginning.want(HEAD)?;
            Table::of(&beginning)
        };
        let table = match table {
            Ok(table) => table,
            Err(fault) => return Ok(Err(fault)),
        };
        let (start, at) = if at == Boundary::START {
            (table.start, Boundary { offset: table.start as u64, line: 1 + table.start_lines, record: 1 })
        } else {
            (0, at)
        };
        let row_end = RowEnd::default();
        Ok(Ok(Box::new(Rows { source, table: Arc::new(table), start, scanned: start, row_end, at, dropped: None, run: None })))
    }
}

/// What the beginning of a file says of all its rows.
#[derive(Debug)]
struct Table {
    charset: &'static str,
    dialect: Dialect,
    columns: Vec<Column>,
    /// Bytes and lines before the first row that is a record.
    start: usize,
    start_lines: u64,
}

/// A column.
#[derive(Debug)]
struct Column {
    name: String,
    /// What is made of it, if anything.
    targets: Vec<Target>,
}

impl Table {
    fn of(source: &ByteSource) -> std::result::Result<Self, Fault> {
        let (head, reading) = (&source.pending[..source.pending.len().min(HEAD)], &*source.reading);
        let bom = match head {
            [0xef, 0xbb, 0xbf, ..] => 3,
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => 2,
            _ => 0,
        };
        let charset = charset_of(whole_lines(head))?;
        let units = Units::of(charset);
        let quotes = reading.quotes;
        let text = text_of(&head[bom..], charset).0;
        let end = if text.contains('\r') && !text.contains('\n') { b'\r' } else { b'\n' };
        if source.ended && is_blank(&head[bom..]) {
            let dialect = Dialect { units, delimiter: b',', quotes, end };
            return Ok(Self { charset, dialect, columns: Vec::new(), start: head.len(), start_lines: 0 });
        }
        let of_name = if extension(source.file()).is_some_and(|extension| extension != "csv") { b'\t' } else { b',' };
        // Excel's own word for it, on a line before the first row.
        let said = text.strip_prefix("sep=").and_then(|rest| rest.bytes().next()).filter(u8::is_ascii);
        let given = reading.delimiter.and_then(|c| u8::try_from(c).ok()).or(said);
        let delimiter = given.unwrap_or_else(|| csv::delimiter(&text, of_name, quotes, end));
        let dialect = Dialect { units, delimiter, quotes, end };
        let mut begin = bom;
        let (first, is_whole) = loop {
            let (first, is_whole) = RowEnd::default().find(&dialect, head, begin);
            let is_said = begin == bom && said.is_some();
            if !is_whole || !is_said && !is_blank(&head[begin..first]) {
                break (first, is_whole);
            }
            begin = first;
        };
        if !is_whole && !source.ended {
            return Err(Fault::new("csv_header", format!("the first row does not end within {HEAD} bytes")));
        }
        let first = if is_whole { first } else { head.len() };
        let row = text_of(&head[begin..first], charset).0;
        let columns = columns(csv::without_end(&row, end), dialect, reading)?;
        let start = if reading.header { first } else { begin };
        if start == head.len() && source.ended && source.is_sound() && !head.is_empty() {
            return Err(Fault::new(
                "csv_no_rows",
                "nothing follows the names of the columns (set input.header = false if they are a record)",
            ));
        }
        let start_lines = line_ends(&head[bom..start], dialect);
        Ok(Self { charset, dialect, columns, start, start_lines })
    }
}

/// The columns that the first row names, or only counts.
fn columns(row: &str, dialect: Dialect, reading: &Reading) -> std::result::Result<Vec<Column>, Fault> {
    let mut split = Columns::new(&dialect);
    let (mapping, count) = (&reading.columns, split.split(row));
    let (mut columns, mut seen) = (Vec::with_capacity(count), 0_u64);
    for number in 0..count {
        let name = if reading.header { split.get(number).trim().to_owned() } else { (number + 1).to_string() };
        let node = mapping.child(Mapping::ROOT, &name).filter(|node| !mapping.targets(*node).is_empty());
        if let Some(node) = node {
            if seen & 1 << node != 0 {
                return Err(Fault::new("duplicate_key", format!("two columns {name}")));
            }
            seen |= 1 << node;
        }
        columns.push(Column { targets: node.map_or_else(Vec::new, |node| mapping.targets(node).to_vec()), name });
    }
    if columns.iter().all(|column| !column.targets.iter().any(|target| matches!(target, Target::Text(_)))) {
        let names = columns.iter().map(|column| column.name.as_str());
        return Err(Fault::new("text_missing", fields::missing("column", mapping, names)));
    }
    Ok(columns)
}

/// A beginning up to its last line end: no character is cut.
fn whole_lines(head: &[u8]) -> &[u8] {
    let end = memchr::memrchr2(b'\n', b'\r', head).map_or(head.len(), |at| at + 1);
    // In UTF-16 the other half of a line end may follow.
    if head.starts_with(b"\xff\xfe") && end % 2 == 1 { head.get(..=end).unwrap_or(head) } else { &head[..end] }
}

/// Line ends in a row; those of UTF-16 have a zero beside them.
fn line_ends(row: &[u8], dialect: Dialect) -> u64 {
    match dialect.units {
        Units::Utf16 { little } => {
            let unit = |pair: &[u8; 2]| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
            row.as_chunks().0.iter().filter(|pair| unit(pair) == u16::from(dialect.end)).count() as u64
        }
        _ => memchr::memchr_iter(dialect.end, row).count() as u64,
    }
}

/// The charset of a table, from its first lines. Damage is a matter of the rows that it is in.
fn charset_of(head: &[u8]) -> std::result::Result<&'static str, Fault> {
    let found = charset::decode(head, None).map(|decoded| decoded.charset);
    let charset = found.or_else(|refused| {
        let garbled = refused.charset.filter(|charset| READ.contains(charset));
        garbled.ok_or_else(|| Fault::new(refused.reason, refused.detail))
    })?;
    if READ.contains(&charset) || Encoding::for_label(charset.as_bytes()).is_some_and(Encoding::is_single_byte) {
        return Ok(charset);
    }
    Err(Fault::new("charset", format!("a table in {charset} is not read: convert it to UTF-8")))
}

/// Charsets of more than one byte that tables are read in.
const READ: [&str; 5] = ["utf-8", "utf-16le", "utf-16be", "shift_jis", "euc-jp"];

/// Text in a charset that is known, and how many places have no meaning in it.
fn text_of<'a>(bytes: &'a [u8], charset: &str) -> (Cow<'a, str>, u64) {
    let encoding = Encoding::for_label(charset.as_bytes()).unwrap_or(encoding_rs::UTF_8);
    let (text, has_errors) = encoding.decode_without_bom_handling(bytes);
    let replaced = if has_errors { text.matches(char::REPLACEMENT_CHARACTER).count() as u64 } else { 0 };
    (text, replaced)
}

/// A walk over rows.
struct Rows {
    source: ByteSource,
    table: Arc<Table>,
    /// Where the current row starts in `source.pending`, up to where it has been looked at, and how.
    start: usize,
    scanned: usize,
    row_end: RowEnd,
    /// Where the current row starts in the file.
    at: Boundary,
    /// Bytes and line ends of the current row that were dropped because it is too long.
    dropped: Option<(u64, u64)>,
    /// Rows that are in the shard already and go on with the current one.
    run: Option<Run>,
}

/// Whole rows.
#[derive(Debug)]
struct Run {
    table: Arc<Table>,
    bytes: Range<usize>,
    offset: u64,
    line: u64,
    record: u64,
}

impl Framing for Rows {
    fn advance(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        let goes_on = self.fill(shard, record_max)?;
        self.end_run(shard);
        Ok(goes_on)
    }

    fn place(&mut self) -> (Boundary, Entry) {
        (self.at, self.source.entry_before(self.at.offset))
    }

    fn consumed(&self) -> u64 {
        self.source.consumed()
    }
}

impl Rows {
    fn fill(&mut self, shard: &mut RawShard, record_max: usize) -> Result<bool> {
        while !shard.is_full() {
            let (at, is_whole) = self.row_end.find(&self.table.dialect, &self.source.pending, self.scanned);
            self.scanned = at;
            if is_whole {
                self.end_row(at, shard, record_max);
                continue;
            }
            if self.source.ended {
                if self.finish(shard, record_max) {
                    continue;
                }
                return Ok(false);
            }
            self.drop_overlong(record_max);
            self.source.pending.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
            self.source.want(self.source.pending.len() + 1)?;
        }
        Ok(true)
    }

    /// A row that is too long need not be kept.
    fn drop_overlong(&mut self, record_max: usize) {
        if self.dropped.is_some() || self.scanned - self.start > record_max.saturating_add(4) {
            let held = &self.source.pending[self.start..self.scanned];
            let (bytes, lines) = self.dropped.unwrap_or_default();
            self.dropped = Some((bytes + held.len() as u64, lines + line_ends(held, self.table.dialect)));
            self.start = self.scanned;
        }
    }

    /// Hands out the row that ends before `end` and stands at the next one.
    fn end_row(&mut self, end: usize, shard: &mut RawShard, record_max: usize) {
        let row = &self.source.pending[self.start..end];
        let (dropped, dropped_lines) = self.dropped.unwrap_or_default();
        let (length, lines) = (dropped + row.len() as u64, dropped_lines + line_ends(row, self.table.dialect));
        let is_record = self.dropped.is_some() || !is_blank(row);
        if length > record_max as u64 {
            self.end_run(shard);
            shard.push_lost(self.source.input, self.at.offset, Lost::too_long(Some(self.at.line), length, record_max));
        } else {
            let stored = shard.store(row);
            let Boundary { offset, line, record } = self.at;
            let table = &self.table;
            let new = || Run { table: Arc::clone(table), bytes: stored.start..stored.start, offset, line, record };
            self.run.get_or_insert_with(new).bytes.end = stored.end;
            shard.count_records(u64::from(is_record));
        }
        self.begin_at(end, length, lines, is_record);
    }

    fn begin_at(&mut self, start: usize, length: u64, lines: u64, is_record: bool) {
        (self.start, self.scanned, self.row_end, self.dropped) = (start, start, RowEnd::default(), None);
        self.at.offset += length;
        self.at.line += lines;
        self.at.record += u64::from(is_record);
    }

    /// Hands out the rows since the last run.
    fn end_run(&mut self, shard: &mut RawShard) {
        if let Some(run) = self.run.take() {
            shard.push(self.source.input, run.offset, run);
        }
    }

    /// What stands behind the last row that ended: a row, if the file is sound. True if reading goes on with the next line.
    fn finish(&mut self, shard: &mut RawShard, record_max: usize) -> bool {
        let held = self.source.pending.len() - self.start;
        let (dropped, _) = self.dropped.unwrap_or_default();
        let (input, offset, line) = (self.source.input, self.at.offset, Some(self.at.line));
        if !self.source.is_sound() {
            self.end_run(shard);
            shard.push_damage(input, offset, line, dropped + held as u64, self.source.damage());
            return false;
        }
        if self.row_end.is_open() {
            self.end_run(shard);
            let detail = "a quote opens here and is never closed (set input.quotes = false if quotes are ordinary characters)".to_owned();
            let near = dropped == 0 && held <= NEAR_THE_END;
            let rest = &self.source.pending[self.start..];
            let plain = Dialect { quotes: false, ..self.table.dialect };
            let (length, goes_on) = if near { RowEnd::default().find(&plain, rest, 0) } else { (held, false) };
            let (length, kind) = if near { (length.max(1), Kind::Record) } else { (held, Kind::File) };
            shard.push_lost(input, offset, Lost { line, length: dropped + length as u64, kind, reason: "csv_quote", detail });
            if near && goes_on {
                self.begin_at(self.start + length, length as u64, 1, true);
                return true;
            }
        } else if dropped + held as u64 > 0 {
            self.end_row(self.source.pending.len(), shard, record_max);
            self.end_run(shard);
        }
        let end = self.at.offset;
        self.end_run(shard);
        shard.push_damage(input, end, None, 0, self.source.damage());
        false
    }
}

/// A line without anything is no row; a line of blanks is one.
fn is_blank(row: &[u8]) -> bool {
    row.iter().all(|b| matches!(b, b'\r' | b'\n' | 0))
}

impl Content for Run {
    fn decode(&self, offset: u64, bytes: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let bytes = &bytes[self.bytes.clone()];
        sink.count_bytes(bytes.len() as u64);
        let (table, reading) = (&*self.table, sink.reading());
        let mut columns = Columns::new(&table.dialect);
        let (mut start, mut line, mut record) = (0, self.line, self.record);
        while start < bytes.len() {
            let (end, is_whole) = RowEnd::default().find(&table.dialect, bytes, start);
            let end = if is_whole { end } else { bytes.len() };
            let row = &bytes[start..end];
            if !is_blank(row) {
                let place = Place { offset: offset + start as u64, line, record, length: row.len() as u64 };
                take(row, &place, table, &reading.columns, &mut columns, sink)?;
                record += 1;
            }
            line += line_ends(row, table.dialect);
            start = end;
        }
        Ok(())
    }
}

/// Where a row stands.
struct Place {
    offset: u64,
    line: u64,
    record: u64,
    length: u64,
}

impl Place {
    fn bad<'a>(&self, reason: &'a str, detail: &'a str) -> Bad<'a> {
        Bad { offset: self.offset, line: Some(self.line), length: self.length, kind: Kind::Record, reason, detail }
    }
}

/// One row that is not blank.
fn take(row: &[u8], place: &Place, table: &Table, mapping: &Mapping, columns: &mut Columns, sink: &mut Sink<'_>) -> Result<()> {
    let (mut text, mut replaced) = text_of(row, table.charset);
    let mut charset = table.charset;
    if replaced > 0 {
        // A row of a file whose beginning told nothing, or that was written by another program.
        if let Some(other) = charset::decode(row, None).ok().filter(|other| other.replaced == 0) {
            (text, replaced, charset) = (Cow::Owned(other.text), 0, other.charset);
        }
    }
    if replaced * 200 > text.chars().count() as u64 {
        let detail = format!("{replaced} places that are no {charset}, the charset of the file");
        sink.quarantine(&place.bad("charset", &detail));
        return Ok(());
    }
    let found = columns.split(csv::without_end(&text, table.dialect.end));
    let wanted = table.columns.len();
    // Empty columns at the end are what some writers pad with.
    if found < wanted || (wanted..found).any(|extra| !columns.get(extra).is_empty()) {
        let detail = format!("{found} columns where the first row has {wanted}");
        sink.quarantine(&place.bad("csv_columns", &detail));
        return Ok(());
    }
    match fields_of(table, mapping, columns) {
        Ok(fields) => {
            sink.note_charset(charset, replaced);
            sink.keep_fields(fields, place.record, place.offset).map(|_| ())
        }
        Err(detail) => {
            sink.quarantine(&place.bad("text_type", &detail));
            Ok(())
        }
    }
}

/// The fields of a row; an empty column is nothing, but for a text.
fn fields_of<'a>(table: &'a Table, mapping: &Mapping, columns: &'a Columns) -> std::result::Result<Fields<'a>, String> {
    let mut fields = Fields::default();
    for (number, column) in table.columns.iter().enumerate() {
        let text = columns.get(number);
        if column.targets.is_empty() && !text.is_empty() {
            let json = if mapping.keeps_rest() { Cow::Owned(serde_json::Value::from(text).to_string()) } else { Cow::Borrowed("") };
            fields.leave(Cow::Borrowed(column.name.as_str()), json, mapping);
        }
        for target in &column.targets {
            let value = Value::Text(Cow::Borrowed(text));
            match target {
                Target::Meta => fields.meta = Some(text).filter(|text| !text.is_empty()).map(Cow::Borrowed),
                Target::Text(_) => drop(fields.set(*target, value).map_err(|NoText| format!("`{}` is no text", column.name))?),
                _ if text.is_empty() => {}
                target => drop(fields.set(*target, value).map_err(|NoText| format!("`{}` is no text", column.name))?),
            }
        }
    }
    match fields.join_text(mapping.joiner()) {
        Ok(()) => Ok(fields),
        Err(NoParts::Null | NoParts::Missing) => Err(format!("{} is missing", mapping.text_names())),
    }
}
