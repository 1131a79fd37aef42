//! How sound documents are that nobody has measured, for those who keep the soundest of several.

use arrow::datatypes::DataType;

use crate::error::Result;
use crate::normalize::sentences;
use crate::quality::SoundnessMeter;
use crate::schema::{self, Column};
use crate::stage::{Batch, strings};

/// The soundness of each document, where that decides which of them stays.
pub(super) const SOUNDNESS: Column =
    Column { name: "soundness", data_type: || DataType::UInt8, nullable: false, about: "From 0 to 100: crate::quality::soundness." };

/// The soundness of the documents of a work shard.
#[derive(Default)]
pub(super) struct Soundness {
    meter: SoundnessMeter,
    ends: Vec<u32>,
    /// From 0 to 100, by row.
    pub(super) of: Vec<u8>,
}

impl Soundness {
    /// Adds the documents of a batch.
    pub(super) fn push(&mut self, normalised: &Batch) -> Result<()> {
        for text in strings(normalised, &schema::TEXT)? {
            let text = text.unwrap_or_default();
            self.ends.clear();
            sentences::sentence_ends(text, &mut self.ends);
            self.of.push(self.meter.of(text, &self.ends));
        }
        Ok(())
    }
}
