//! `[segment]` of the plan.

use serde::{Deserialize, Serialize};

/// Which engine analyses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Our own lattice with MeCab's semantics.
    #[default]
    Exact,
    /// The lindera crate, as a second opinion.
    Lindera,
}

/// The section `[segment]` of the plan.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Name of an installed dictionary (`ipadic`, `unidic`, or the name of an import) or a directory that holds a built one.
    pub dictionary: String,
    /// `exact` (boundaries and features of MeCab) or `lindera`.
    pub engine: Engine,
    /// User dictionaries: CSV files in UTF-8, added in this order. Rows: `surface,left id,right id,cost,features…`, or
    /// `surface,POS,reading`, whose ids and cost are then those usual for the POS (`名詞-固有名詞`). Surfaces are compared with
    /// the text after normalisation: write them as the normalised text is written (with NFKC: `AI`, not `ＡＩ`).
    pub user_dictionary: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { dictionary: "ipadic".into(), engine: Engine::default(), user_dictionary: Vec::new() }
    }
}

impl Options {
    /// The same with relative paths starting at `base`. A plain name stays a name.
    pub fn beside(&self, base: &std::path::Path) -> Self {
        let join = |path: &String| base.join(path).to_string_lossy().into_owned();
        let is_path = self.dictionary.contains(['/', '\\']) || self.dictionary == "." || self.dictionary == "..";
        Self {
            dictionary: if is_path { join(&self.dictionary) } else { self.dictionary.clone() },
            user_dictionary: self.user_dictionary.iter().map(join).collect(),
            engine: self.engine,
        }
    }

    /// One sentence for a value that cannot be honoured.
    pub fn check(&self) -> std::result::Result<(), String> {
        if self.dictionary.is_empty() {
            return Err("segment.dictionary is empty; name an installed dictionary or a directory".into());
        }
        if self.user_dictionary.iter().any(String::is_empty) {
            return Err("segment.user_dictionary holds an empty path".into());
        }
        Ok(())
    }
}
