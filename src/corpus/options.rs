//! The section `[input]` of the plan.

/// `[input]`: which files are read, and what is known of them.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Files, directories and patterns (`*`, `?`, `[…]`, `{a,b}`, `**`), relative to the plan; a run reads files only, not standard input (`-`). JSON Lines, Parquet, WARC, HTML or plain text, also compressed (.gz, .zst, .bz2, .xz, .lz4) or in a .zip or .tar; told apart by content.
    pub paths: Vec<String>,
    /// What holds for records that say nothing of it themselves.
    pub source: SourceDefaults,
    /// Longest record in decoded bytes, at most 1 GiB; a longer one is quarantined.
    pub record_max: u64,
    /// Read links that lead out of an input directory (caches of dataset hubs consist of them).
    pub follow_links: bool,
    /// Share of the documents that is taken, above 0 and at most 1, e.g. 0.01: drawn by the id of each (without one, by file and number), so that it
    /// is the same whatever else is read, and a larger share takes what a smaller one does. `--sample 1%`.
    pub sample: Option<f64>,
    /// Read the first so many records only, in the order of the inputs; a sample is drawn from those. `--limit N`.
    pub limit: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { paths: Vec::new(), source: SourceDefaults::default(), record_max: 16 << 20, follow_links: false, sample: None, limit: None }
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
        if self.limit == Some(0) {
            return Err("input.limit is 0; it must be at least 1".to_owned());
        }
        Ok(())
    }

    /// What the work shards depend on: all but what is done with their records. Paths stand elsewhere, with content.
    #[must_use]
    pub fn of_framing(&self) -> Self {
        Self { paths: Vec::new(), source: SourceDefaults::default(), sample: None, ..self.clone() }
    }

    /// What the documents of a work shard depend on. A limit makes a shard smaller, and that is in its name.
    #[must_use]
    pub fn of_annotation(&self) -> Self {
        Self { paths: Vec::new(), limit: None, ..self.clone() }
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
