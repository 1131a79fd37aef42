//! Which surfaces are frequent. The list is fixed, so that a dictionary compiles to the same bytes everywhere.
//!
//! It decides how tables are ordered and for which words there are extra ones, for speed; no analysis depends on it.

use rustc_hash::FxHashMap;

/// Surfaces and how often they occur as candidates, per million characters of text.
#[derive(Debug, Clone, Default)]
pub struct HotList {
    weights: FxHashMap<String, u32>,
}

impl HotList {
    /// The list that ships with Seimai (`dicts/hot.tsv`), good for any dictionary of Japanese.
    pub fn shipped() -> Self {
        Self::parse(include_str!("../../../dicts/hot.tsv"))
    }

    /// Lines `surface TAB weight`; `#` begins a comment line, other lines are passed over.
    pub fn parse(text: &str) -> Self {
        let row = |line: &str| {
            let (surface, weight) = line.split_once('\t')?;
            Some((surface.to_owned(), weight.parse().ok()?))
        };
        Self { weights: text.lines().filter(|line| !line.starts_with('#')).filter_map(row).collect() }
    }

    /// Weight of a surface; 0 if it is not listed.
    pub fn weight(&self, surface: &str) -> u32 {
        self.weights.get(surface).copied().unwrap_or(0)
    }
}
