//! Documents as the records that every command reads.

use arrow::array::{Array, StringArray};

use super::json_line::JsonLine;
use crate::error::Result;
use crate::schema::{self, Column};
use crate::stage::{Batch, strings};

/// The columns of a batch that a record has.
pub(super) struct RecordColumns<'a> {
    pub(super) ids: &'a StringArray,
    pub(super) texts: &'a StringArray,
    pub(super) sources: &'a StringArray,
    /// url, license, date, residency: null where the record has none.
    given: [(&'static str, &'a StringArray); 4],
    meta: &'a StringArray,
}

impl<'a> RecordColumns<'a> {
    /// The columns that are read.
    pub(super) const ALL: [&'static Column; 8] =
        [&schema::DOC_ID, &schema::TEXT, &schema::SOURCE, &schema::URL, &schema::LICENSE, &schema::DATE, &schema::RESIDENCY, &schema::META];

    pub(super) fn of(batch: &'a Batch) -> Result<Self> {
        Ok(Self {
            ids: strings(batch, &schema::DOC_ID)?,
            texts: strings(batch, &schema::TEXT)?,
            sources: strings(batch, &schema::SOURCE)?,
            given: [
                (schema::URL.name, strings(batch, &schema::URL)?),
                (schema::LICENSE.name, strings(batch, &schema::LICENSE)?),
                (schema::DATE.name, strings(batch, &schema::DATE)?),
                (schema::RESIDENCY.name, strings(batch, &schema::RESIDENCY)?),
            ],
            meta: strings(batch, &schema::META)?,
        })
    }

    /// The record of a row; more can be added to it.
    pub(super) fn line(&self, row: usize) -> JsonLine {
        let value = |column: &'a StringArray| column.is_valid(row).then(|| column.value(row));
        let text = self.texts.value(row);
        let mut line = JsonLine::with_capacity(text.len() + 128);
        line.text("id", Some(self.ids.value(row)));
        line.text("text", Some(text));
        line.text("source", Some(self.sources.value(row)));
        for (name, column) in self.given {
            line.text(name, value(column));
        }
        line.meta(value(self.meta));
        line
    }
}
