//! The section `[input]` of the plan.

use super::html::{Extract, Ruby};

/// `[input]`: which files are read, and what is known of them.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Files, directories and patterns (`*`, `?`, `[…]`, `{a,b}`, `**`), relative to the plan; a run reads files only, not standard input (`-`). JSON Lines, Parquet, WARC, ARC, HTML or plain text, also as .gz and .zst; told apart by content.
    pub paths: Vec<String>,
    /// What holds for records that say nothing of it themselves.
    pub source: SourceDefaults,
    /// What holds for WARC and ARC files.
    pub warc: WarcOptions,
    /// Longest record in decoded bytes, at most 1 GiB; a longer one is quarantined.
    pub record_max: u64,
    /// Read links that lead out of an input directory (caches of dataset hubs consist of them).
    pub follow_links: bool,
    /// Share of the documents that is taken, above 0 and at most 1, e.g. 0.01: drawn by the id of each (without one, by file and number), so that it
    /// is the same whatever else is read, and a larger share takes what a smaller one does. `--sample 1%`.
    pub sample: Option<f64>,
    /// What of a page of HTML is its text, also in WARC files: `main`, its main content without navigation, headers and footers of the site, forms and the
    /// like, or `all`, everything a reader sees.
    pub extract: Extract,
    /// Readings of ruby in HTML: `drop`, or `keep` them in brackets behind their base.
    pub ruby: Ruby,
    /// Read the first so many records only, in the order of the inputs; a sample is drawn from those. `--limit N`.
    pub limit: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            source: SourceDefaults::default(),
            warc: WarcOptions::default(),
            record_max: 16 << 20,
            follow_links: false,
            sample: None,
            extract: Extract::Main,
            ruby: Ruby::Drop,
            limit: None,
        }
    }
}

impl Options {
    /// One sentence for a value that is out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.paths.is_empty() {
            return Err("input.paths is empty; name at least one file, directory or pattern".to_owned());
        }
        if self.paths.iter().any(|path| path.is_empty() || path.contains('\0')) {
            return Err("input.paths holds an empty path or one with a NUL".to_owned());
        }
        if !(1..=1 << 30).contains(&self.record_max) {
            return Err(format!("input.record_max is {}; it must lie between 1 and 1073741824", self.record_max));
        }
        if let Some(share) = self.sample.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
            return Err(format!("input.sample is {share}; it must be above 0 and at most 1 (0.01 takes one document in a hundred)"));
        }
        if let Some(status) = self.warc.statuses.iter().find(|status| !(100..1000).contains(*status)) {
            return Err(format!("input.warc.statuses holds {status}; a status of HTTP has three digits (200)"));
        }
        if self.limit == Some(0) {
            return Err("input.limit is 0; it must be at least 1".to_owned());
        }
        Ok(())
    }

    /// What the work shards depend on: all but what is done with their records. Paths stand elsewhere, with content.
    #[must_use]
    pub fn of_framing(&self) -> Self {
        let Self { source, warc, extract, ruby, .. } = Self::default();
        Self { paths: Vec::new(), source, warc, extract, ruby, sample: None, ..self.clone() }
    }

    /// What the documents of a work shard depend on. A limit makes a shard smaller, and that is in its name.
    #[must_use]
    pub fn of_annotation(&self) -> Self {
        Self { paths: Vec::new(), limit: None, ..self.clone() }
    }
}

/// `input.warc`: which responses of WARC and ARC files are pages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WarcOptions {
    /// Statuses of HTTP whose responses are documents; others are passed over and counted.
    pub statuses: Vec<u16>,
}

impl Default for WarcOptions {
    fn default() -> Self {
        Self { statuses: vec![200] }
    }
}

/// `input.source`: provenance of records that carry none.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceDefaults {
    /// Name of the corpus; without it, the name of the file.
    pub name: Option<String>,
    /// Licence, best as an SPDX expression.
    pub license: Option<String>,
    /// Country in which the data has to stay; noted in the manifest.
    pub residency: Option<String>,
}
