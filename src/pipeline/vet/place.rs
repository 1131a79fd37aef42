//! A place in a file, as a finding tells it.

use serde::Serialize;

/// A place in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Byte, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Row of a table, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Where in the JSON of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
}

impl Place {
    /// A byte.
    pub fn byte(offset: u64) -> Self {
        Self { offset: Some(offset), ..Self::default() }
    }

    /// A place in JSON.
    pub fn json(path: impl Into<String>) -> Self {
        Self { json: Some(path.into()), ..Self::default() }
    }
}
