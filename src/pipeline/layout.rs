//! Every name under OUT/, once.
//!
//! ```text
//! OUT/plan.toml manifest.json run.json quarantine.jsonl counts.parquet _SUCCESS
//! OUT/documents/ rejected/ tokens/ pack/    a file a part
//! OUT/tokenizer/                            the vocabulary
//! OUT/.work/lock                            held with flock while running
//! OUT/.work/state.json                      plan fingerprint, inputs, versions: what this directory belongs to
//! OUT/.work/<pass>/entries/<unit>.json      the commit point of a unit: its files, its facts, its own checksum
//! OUT/.work/<pass>/…                        tables between the passes
//! OUT/.work/tmp/                            files without a final name; cleared at every start
//! ```

/// The passes, in order. The name of a pass is the name of its file here, of its directory under `.work/`, and of its row in `run.json`.
pub(super) mod pass {
    pub(in crate::pipeline) const FRAME: &str = "frame";
    pub(in crate::pipeline) const ANNOTATE: &str = "annotate";
    pub(in crate::pipeline) const DEDUP: &str = "dedup";
    pub(in crate::pipeline) const REBALANCE: &str = "rebalance";
    pub(in crate::pipeline) const DECIDE: &str = "decide";
    pub(in crate::pipeline) const TRAIN: &str = "train";
    pub(in crate::pipeline) const ENCODE: &str = "encode";
    pub(in crate::pipeline) const PACK: &str = "pack";
}

/// The resolved plan.
pub(super) const PLAN: &str = "plan.toml";
/// The manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// Timings and host.
pub(super) const RUN: &str = "run.json";
/// Stands there once a run is complete; vouches for the manifest.
pub(super) const SUCCESS: &str = "_SUCCESS";
/// Records that could not be read.
pub(super) const QUARANTINE: &str = "quarantine.jsonl";
/// The histogram that the vocabulary was trained on.
pub(super) const COUNTS: &str = "counts.parquet";
/// Kept documents.
pub(super) const DOCUMENTS: &str = "documents";
/// Rejected documents.
pub(super) const REJECTED: &str = "rejected";
/// Token shards.
pub(super) const TOKENS: &str = "tokens";
/// Packed sequences.
pub(super) const PACK: &str = "pack";
/// The vocabulary.
pub(super) const TOKENIZER: &str = "tokenizer";
/// The vocabulary for Hugging Face.
pub(super) const TOKENIZER_JSON: &str = "tokenizer/tokenizer.json";
/// The index of the pack.
pub(super) const PACK_JSON: &str = "pack/pack.json";
/// Directories of parts, row for row the same documents but for `rejected`.
pub(super) const PART_DIRECTORIES: [&str; 4] = [DOCUMENTS, REJECTED, TOKENS, PACK];

/// Everything that lives only while a run is not complete.
pub(super) const WORK: &str = ".work";
/// In `.work/`.
pub(super) const LOCK: &str = "lock";
/// In `.work/`.
pub(super) const STATE: &str = "state.json";
/// In `.work/`.
pub(super) const TMP: &str = "tmp";
/// Stands in `.work/` while an earlier run is being removed, so that a kill in between is known for what it is.
pub(super) const CLEARING: &str = "clearing";

/// What a run may leave in its output directory, in the order in which it is removed: without `_SUCCESS` a directory that is
/// half removed is never taken for a finished run.
pub(super) const OUTPUTS: [&str; 12] =
    [SUCCESS, MANIFEST, PLAN, DOCUMENTS, REJECTED, QUARANTINE, COUNTS, TOKENIZER, TOKENS, PACK, RUN, WORK];

/// What the directories of a finished run hold beside parts.
pub(super) const BESIDE_PARTS: [&str; 6] = [
    TOKENIZER_JSON,
    "tokenizer/tokenizer_config.json",
    "tokenizer/special_tokens_map.json",
    "tokenizer/merges.txt",
    "tokenizer/report.json",
    PACK_JSON,
];

/// Files that the manifest does not list, by design.
pub(super) const UNLISTED: [&str; 3] = [MANIFEST, RUN, SUCCESS];
/// Files that every run has, besides its parts.
pub(super) const NEEDED: [&str; 5] = [PLAN, QUARANTINE, COUNTS, TOKENIZER_JSON, PACK_JSON];

/// The file of a part in one of [`DOCUMENTS`], [`REJECTED`], [`TOKENS`].
pub(super) fn part(directory: &str, part: usize) -> String {
    format!("{directory}/{}.parquet", part_name(part))
}

/// `part-00000`.
fn part_name(part: usize) -> String {
    format!("part-{part:05}")
}

/// Is it the name of a part, with this extension?
pub(super) fn is_part_name(name: &str, extension: &str) -> bool {
    let number = name.strip_prefix("part-").and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    number.is_some_and(|n| n.len() >= 5 && n.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A file of the pack or of the vocabulary.
pub(super) fn inside(directory: &str, name: &str) -> String {
    format!("{directory}/{name}")
}

/// Does a file of OUT lie in that directory?
pub(super) fn is_in(directory: &str, path: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// Name of the unit that is a work shard.
pub(super) fn shard_unit(shard: u64) -> String {
    format!("{shard:08}")
}

/// Name of the unit that is a part.
pub(super) fn part_unit(part: usize) -> String {
    format!("{part:05}")
}

/// Name of the one unit of a pass that is a fold.
pub(super) const FOLD: &str = "fold";

/// The table of work shards.
pub(super) const SHARDS: &str = ".work/frame/shards.parquet";
/// What the search for duplicates found.
pub(super) const VERDICTS: &str = ".work/dedup/verdicts.parquet";
/// The ids of the documents that stand for others.
pub(super) const ANCHORS: &str = ".work/dedup/anchors.parquet";

/// The documents of a work shard with their columns.
pub(super) fn annotated(shard: u64) -> String {
    format!(".work/annotate/documents/{shard:08}.parquet")
}

/// The sketches of a work shard, for the search for duplicates.
pub(super) fn sketches(shard: u64) -> String {
    format!(".work/annotate/sketches/{shard:08}.parquet")
}

/// The documents of a work shard that the quality rules reject.
pub(super) fn rejections(shard: u64) -> String {
    format!(".work/dedup/rejections/{shard:08}.parquet")
}

/// The histogram of a part.
pub(super) fn part_counts(part: usize) -> String {
    format!(".work/decide/counts/{part:05}.parquet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parts() {
        assert_eq!(part(DOCUMENTS, 7), "documents/part-00007.parquet");
        assert!(is_part_name("part-00007.parquet", "parquet") && is_part_name("part-123456.pack", "pack"));
        for other in ["part-0007.parquet", "part-00007.pack", "part-0000x.parquet", "part-00007parquet", "notes.txt"] {
            assert!(!is_part_name(other, "parquet"), "{other}");
        }
    }

    #[test]
    fn tables_between_passes_lie_under_their_pass() {
        for (path, pass) in [
            (SHARDS.to_owned(), pass::FRAME),
            (annotated(1), pass::ANNOTATE),
            (sketches(1), pass::ANNOTATE),
            (rejections(1), pass::DEDUP),
            (VERDICTS.to_owned(), pass::DEDUP),
            (ANCHORS.to_owned(), pass::DEDUP),
            (part_counts(1), pass::DECIDE),
        ] {
            assert!(path.starts_with(&format!("{WORK}/{pass}/")), "{path}");
        }
    }
}
