//! Model types that make `AutoTokenizer` of transformers exchange the pre-tokenizer: `dicts/readers/transformers.tsv`.

/// When a model type makes it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Whatever `tokenizer_config.json` says.
    Always,
    /// Where that names no `tokenizer_class`.
    Unnamed,
}

const TABLE: &str = include_str!("../../../dicts/readers/transformers.tsv");

/// The version of transformers that the table was measured with.
pub(super) fn version() -> &'static str {
    TABLE.lines().find_map(|line| line.strip_prefix("# transformers\t")).unwrap_or_default()
}

/// The class that a model type gets in place of the general one, and when.
pub(super) fn exchanged(model_type: &str) -> Option<(&'static str, When)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let mut rows = lines.filter_map(|line| {
        let mut cells = line.split('\t');
        Some((cells.next()?, cells.next()?, cells.next()?))
    });
    let (_, class, when) = rows.find(|row| row.0 == model_type)?;
    Some((class, if when == "always" { When::Always } else { When::Unnamed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert!(version().split('.').count() == 3);
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<&str> = line.split('\t').collect();
            assert!(matches!(cells[..], [name, class, "always" | "unnamed"] if !name.is_empty() && !class.is_empty()), "{line:?}");
        }
        assert_eq!(exchanged("qwen2"), Some(("Qwen2Tokenizer", When::Always)));
        assert_eq!(exchanged("gpt2"), Some(("GPT2Tokenizer", When::Unnamed)));
        assert_eq!(exchanged("llama"), None);
    }
}
