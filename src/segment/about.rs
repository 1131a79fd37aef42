//! `seimai.json`: describes a built dictionary. It is written last, so a directory that has it is complete.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::morpheme::{PosTable, Standard};
use crate::segment::contents::Digests;

/// Name of the file.
pub const FILE: &str = "seimai.json";
/// Version of the directory's layout.
pub const FORMAT: u32 = 1;
/// Stands in the file instead of the seal while the seal is computed.
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where a dictionary comes from and under which terms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Short name: `ipadic`, `unidic`, or what the importer chose.
    pub name: String,
    /// Version of the data.
    pub version: String,
    /// Short name of the licence; empty if unknown.
    pub licence: String,
    /// Package or directory the data was read from, in words.
    pub source: String,
}

/// An unknown row as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredUnknown {
    /// Index of the category.
    pub category: u8,
    /// Left context id.
    pub left: u16,
    /// Right context id.
    pub right: u16,
    /// Word cost.
    pub cost: i16,
    /// Raw feature.
    pub feature: String,
}

/// Size and hash of a file of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredFile {
    /// Size in bytes.
    pub bytes: u64,
    /// BLAKE3, hex.
    pub blake3: String,
}

/// The content of `seimai.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// [`FORMAT`].
    pub format: u32,
    /// BLAKE3 of this file with 64 zeros instead of the seal.
    pub seal: String,
    /// Origin and terms.
    pub identity: Identity,
    /// Standard of words.
    pub standard: Standard,
    /// Number of entries = number of word ids.
    pub entries: u32,
    /// Number of distinct surfaces.
    pub surfaces: u32,
    /// BLAKE3 of the content, hex.
    pub fingerprint: String,
    /// sha256 of the tables.
    pub digests: Digests,
    /// Characters that may follow the first in a grouped unknown word.
    pub max_grouping: u16,
    /// lsize of the matrix.
    pub left_ids: u16,
    /// rsize of the matrix.
    pub right_ids: u16,
    /// POS tuples by POS id.
    pub pos_table: PosTable,
    /// POS id by left context id.
    pub pos_of_left: Vec<u16>,
    /// POS id by unknown row.
    pub pos_of_unknown: Vec<u16>,
    /// Unknown rows, by category.
    pub unknown: Vec<StoredUnknown>,
    /// Raw features that cannot be rebuilt from their fields, by word id.
    pub irregular: BTreeMap<u32, String>,
    /// The other files.
    pub files: BTreeMap<String, StoredFile>,
}

fn other_version(format: u32) -> String {
    format!("layout version {format}; this program reads version {FORMAT}: build the dictionary again")
}

impl About {
    /// The bytes of the file; computes the seal.
    ///
    /// # Errors
    /// Internal: the value cannot be written as JSON.
    pub fn seal(mut self) -> Result<Vec<u8>> {
        self.seal = BLANK.into();
        let mut text = serde_json::to_string(&self).map_err(|e| Error::internal(format!("{FILE}: {e}")))?;
        let seal = blake3::hash(text.as_bytes()).to_hex();
        if let Some(at) = text.find(BLANK) {
            text.replace_range(at..at + BLANK.len(), seal.as_str());
        }
        text.push('\n');
        Ok(text.into_bytes())
    }

    /// Reads the file and checks version and seal.
    ///
    /// # Errors
    /// The broken promise, as a sentence.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let about: Self = match serde_json::from_slice(bytes) {
            Ok(about) => about,
            Err(error) => {
                let head = serde_json::from_slice::<Head>(bytes).ok().filter(|head| head.format != FORMAT);
                return Err(head.map_or_else(|| format!("not the description of a dictionary: {error}"), |head| other_version(head.format)));
            }
        };
        if about.format != FORMAT {
            return Err(other_version(about.format));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_string())?;
        let body = text.strip_suffix('\n').unwrap_or_default();
        if about.seal.len() != BLANK.len() || blake3::hash(body.replacen(&about.seal, BLANK, 1).as_bytes()).to_hex().as_str() != about.seal
        {
            return Err("the seal does not fit the content".into());
        }
        Ok(about)
    }

    /// First 12 hex digits of the fingerprint.
    pub fn short_fingerprint(&self) -> &str {
        self.fingerprint.get(..12).unwrap_or(&self.fingerprint)
    }
}

/// Checks that a name or version of a dictionary can be part of a file name.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(sound) || name.starts_with(['.', '-']) {
        let name = crate::quarantine::escape(name, 80);
        return Err(Error::refused(format!(
            "the {what} {name:?} of a dictionary may hold only ASCII letters, digits and . _ + - and not begin with . or -"
        )));
    }
    Ok(())
}
