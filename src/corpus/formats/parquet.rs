//! Parquet: a record a row. Rows are counted while framing and read by the workers.

use std::sync::Arc;

use crate::corpus::compression::Entry;
use crate::corpus::format::{Boundary, Fault, Format, Framing};
use crate::corpus::shard::RawShard;
use crate::corpus::sink::{Bad, Content, Sink};
use crate::corpus::source::ByteSource;
use crate::corpus::table::{Row, Table};
use crate::error::Result;
use crate::quarantine::Kind;

/// The format.
pub(super) struct Parquet;

impl Format for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn magic(&self) -> &'static [&'static [u8]] {
        &[b"PAR1", b"PARE"]
    }

    fn is_streamed(&self) -> bool {
        false
    }

    fn open(&self, source: ByteSource, at: Boundary) -> Result<std::result::Result<Box<dyn Framing>, Fault>> {
        let file = source.file();
        if !source.is_plain_file() {
            return Ok(Err(Fault::unsupported("Parquet is read from plain files only")));
        }
        let table = Table::open(&file.path, file.bytes, &source.reading.columns)?;
        let holds =
            |table: Table| if at.offset <= table.rows() { Ok(table) } else { Err(Fault::new("parquet_footer", "fewer rows than before")) };
        Ok(table
            .and_then(holds)
            .map(|table| Box::new(Rows { input: source.input, table: Arc::new(table), next: at.offset }) as Box<dyn Framing>))
    }
}

/// A walk over rows.
struct Rows {
    input: u32,
    table: Arc<Table>,
    next: u64,
}

impl Framing for Rows {
    fn advance(&mut self, shard: &mut RawShard, _: usize) -> Result<bool> {
        let row_bytes = self.table.row_bytes();
        let count = (self.table.rows() - self.next).min(shard.room(row_bytes));
        if count == 0 {
            return Ok(false);
        }
        shard.count_bytes(count * row_bytes);
        shard.count_records(count);
        shard.push(self.input, self.next, RowRange { table: Arc::clone(&self.table), count });
        self.next += count;
        Ok(self.next < self.table.rows())
    }

    /// Any row can be reached.
    fn place(&mut self) -> (Boundary, Entry) {
        let boundary = Boundary { offset: self.next, line: 1, record: self.next + 1 };
        (boundary, Entry { decoded: self.next, ..Entry::default() })
    }

    fn consumed(&self) -> u64 {
        self.next.saturating_mul(self.table.row_bytes())
    }
}

/// Rows of a table, from the run's offset on.
#[derive(Debug)]
struct RowRange {
    table: Arc<Table>,
    count: u64,
}

impl Content for RowRange {
    fn decode(&self, first: u64, _: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        let mut next = first;
        let path = &sink.file().path;
        let reading = sink.reading();
        let mut kept = 0;
        let fault = self.table.read(path, &reading.columns, (first, self.count), &mut |row| {
            next += 1;
            kept += u64::from(take(sink, next, row)?);
            Ok(())
        })?;
        // What is not read may be null, too: that is not told apart.
        self.table.not_kept().iter().filter(|_| kept > 0).for_each(|name| sink.not_kept(name, kept));
        if let Some(fault) = fault {
            sink.quarantine(&Bad { offset: next, line: None, length: 0, kind: Kind::File, reason: fault.reason, detail: &fault.detail });
        }
        Ok(())
    }
}

/// Row `row`, from 1. Is it a document?
fn take(sink: &mut Sink<'_>, row: u64, found: Row<'_>) -> Result<bool> {
    let length = found.bytes;
    sink.count_bytes(length);
    let bad = |reason, detail| Bad { offset: row - 1, line: None, length, kind: Kind::Record, reason, detail };
    match found.fields {
        Ok(_) if length > sink.record_max() => {
            sink.quarantine(&bad("record_too_long", "the row is longer than input.record_max"));
            Ok(false)
        }
        Ok(fields) => sink.keep_fields(fields, row, row - 1),
        Err(fault) => {
            sink.quarantine(&bad(fault.reason, &fault.detail));
            Ok(false)
        }
    }
}
