//! Every name under OUT/, once.
//!
//! ```text
//! OUT/README.md plan.toml manifest.json run.json run.log.jsonl quarantine.jsonl counts.parquet report.html _SUCCESS
//! OUT/documents/ rejected/ tokens/ pack/    a file a part
//! OUT/validation/documents/ tokens/ pack/   the same for documents that are held out
//! OUT/tokenizer/                            the vocabulary
//! OUT/passport/ croissant.json              what `seimai passport` and `seimai sign` make of a finished run
//! OUT/.work/lock                            held with flock while running
//! OUT/.work/state.json                      plan fingerprint, inputs, versions: what this directory belongs to
//! OUT/.work/used.json                       the entries that the finished run is made of
//! OUT/.work/<pass>/entries/<unit>.json      the commit point of a unit: its files, its facts, its own checksum
//! OUT/.work/<pass>/<kind>/<unit>…           what units made: tables between the passes, and the files of OUT, which are second names of these
//! OUT/.work/tmp/                            files without a final name; cleared at every start. Processes that share a run have a directory each
//! ```
//! A unit is called by what it is made of (`key.rs`), so that its name holds in the next run too.

/// The passes, in order. The name of a pass is the name of its file here, of its directory under `.work/`, and of its row in `run.json`.
pub(super) mod pass {
    pub(in crate::pipeline) const FRAME: &str = "frame";
    pub(in crate::pipeline) const ANNOTATE: &str = "annotate";
    /// Sketches of documents that an earlier run annotated; else they are made while annotating.
    pub(in crate::pipeline) const SKETCH: &str = "sketch";
    pub(in crate::pipeline) const JUDGE: &str = "judge";
    pub(in crate::pipeline) const DEDUP: &str = "dedup";
    pub(in crate::pipeline) const CUT: &str = "cut";
    pub(in crate::pipeline) const REBALANCE: &str = "rebalance";
    pub(in crate::pipeline) const DECIDE: &str = "decide";
    pub(in crate::pipeline) const COUNT: &str = "count";
    pub(in crate::pipeline) const TRAIN: &str = "train";
    pub(in crate::pipeline) const ENCODE: &str = "encode";
    pub(in crate::pipeline) const PACK: &str = "pack";

    /// All of them, in order.
    pub(in crate::pipeline) const ALL: [&str; 12] =
        [FRAME, ANNOTATE, SKETCH, JUDGE, DEDUP, CUT, REBALANCE, DECIDE, COUNT, TRAIN, ENCODE, PACK];
}

/// The resolved plan.
pub(super) const PLAN: &str = "plan.toml";
/// The dataset card.
pub(super) const CARD: &str = "README.md";
/// The manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// Timings and host.
pub(super) const RUN: &str = "run.json";
/// What happened while the run was made, in order.
pub(super) const LOG: &str = "run.log.jsonl";
/// The page that shows the run; made when it is complete, from what the manifest lists.
pub(super) const REPORT: &str = "report.html";
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
/// Documents that are held out, with directories of their own.
pub(super) const VALIDATION: &str = "validation";
/// The vocabulary.
pub(super) const TOKENIZER: &str = "tokenizer";
/// The vocabulary for Hugging Face.
pub(super) const TOKENIZER_JSON: &str = "tokenizer/tokenizer.json";
/// What `transformers` reads beside it.
pub(super) const TOKENIZER_CONFIG: &str = "tokenizer/tokenizer_config.json";
/// The index of the pack.
pub(super) const PACK_JSON: &str = "pack/pack.json";
/// Directories of parts; rows of documents and of tokens are the same documents.
pub(super) const PART_DIRECTORIES: [&str; 7] = [DOCUMENTS, REJECTED, TOKENS, PACK, HELD_OUT.documents, HELD_OUT.tokens, HELD_OUT.pack];

/// The directories of documents that go the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subset {
    pub(super) documents: &'static str,
    pub(super) tokens: &'static str,
    pub(super) pack: &'static str,
    pub(super) pack_json: &'static str,
}

/// What is trained on.
pub(super) const TRAINING: Subset = Subset { documents: DOCUMENTS, tokens: TOKENS, pack: PACK, pack_json: PACK_JSON };
/// What is held out.
pub(super) const HELD_OUT: Subset = Subset {
    documents: "validation/documents",
    tokens: "validation/tokens",
    pack: "validation/pack",
    pack_json: "validation/pack/pack.json",
};

impl Subset {
    /// Both, in the order of the manifest's totals.
    pub(super) const BOTH: [Self; 2] = [TRAINING, HELD_OUT];

    /// The table of documents whose rows a token shard has.
    pub(super) fn documents_of(self, tokens: &str) -> String {
        tokens.replacen(self.tokens, self.documents, 1)
    }
}

/// What a run is made of and declared to be, in standard forms, and what is signed of it.
pub(super) const PASSPORT: &str = "passport";

/// The files of [`PASSPORT`], and what goes with them.
pub(super) mod passport {
    /// Evidence: what is declared of each source, and what became of it.
    pub(in crate::pipeline) const EVIDENCE: &str = "passport/passport.json";
    /// MLCommons Croissant, above the tables that it names: readers look for them below it.
    pub(in crate::pipeline) const CROISSANT: &str = "croissant.json";
    /// A bill of materials in CycloneDX.
    pub(in crate::pipeline) const CYCLONEDX: &str = "passport/cyclonedx.json";
    /// An in-toto statement with the provenance predicate of SLSA.
    pub(in crate::pipeline) const STATEMENT: &str = "passport/statement.json";
    /// The statement in a DSSE envelope, with signatures.
    pub(in crate::pipeline) const ENVELOPE: &str = "passport/statement.dsse.json";
    /// All of them, what is signed last.
    pub(in crate::pipeline) const ALL: [&str; 5] = [CROISSANT, CYCLONEDX, EVIDENCE, STATEMENT, ENVELOPE];
}

/// What the next run can use again, and everything that lives only while a run is not complete.
pub(super) const WORK: &str = ".work";
/// In `.work/`.
pub(super) const LOCK: &str = "lock";
/// In `.work/`.
pub(super) const STATE: &str = "state.json";
/// In `.work/`.
pub(super) const USED: &str = "used.json";
/// In `.work/`.
pub(super) const ENTRIES: &str = "entries";
/// In `.work/`.
pub(super) const TMP: &str = "tmp";
/// Stands in `.work/` while an earlier run is being removed, so that a kill in between is known for what it is.
pub(super) const CLEARING: &str = "clearing";

/// What a run may leave in its output directory, in the order in which it is removed: without `_SUCCESS` a directory that is
/// half removed is never taken for a finished run.
pub(super) const OUTPUTS: [&str; 18] = [
    SUCCESS,
    REPORT,
    PASSPORT,
    passport::CROISSANT,
    MANIFEST,
    CARD,
    PLAN,
    DOCUMENTS,
    REJECTED,
    QUARANTINE,
    COUNTS,
    TOKENIZER,
    TOKENS,
    PACK,
    VALIDATION,
    RUN,
    LOG,
    WORK,
];

/// The files of [`TOKENIZER`].
pub(super) const TOKENIZER_FILES: [&str; 5] =
    ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "merges.txt", "report.json"];

/// Files that the manifest does not list, by design.
pub(super) const UNLISTED: [&str; 5] = [MANIFEST, RUN, LOG, REPORT, SUCCESS];
/// Files that every run has, besides its parts.
pub(super) const NEEDED: [&str; 7] = [CARD, PLAN, QUARANTINE, COUNTS, TOKENIZER_JSON, TOKENIZER_CONFIG, PACK_JSON];

/// The file of a part in one of [`DOCUMENTS`], [`REJECTED`], [`TOKENS`].
pub(super) fn part(directory: &str, part: usize) -> String {
    format!("{directory}/{}.parquet", part_name(part))
}

/// `part-00000`.
fn part_name(part: usize) -> String {
    format!("part-{part:05}")
}

/// Is it the name of a part, with this extension?
fn is_part_name(name: &str, extension: &str) -> bool {
    let number = name.strip_prefix("part-").and_then(|rest| rest.strip_suffix(extension)?.strip_suffix('.'));
    number.is_some_and(|n| n.len() >= 5 && n.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Could a run have made this file in a directory of OUT?
pub(super) fn is_made_by_runs(path: &str) -> bool {
    let Some((dir, name)) = path.rsplit_once('/') else { return false };
    let is_pack = Subset::BOTH.iter().any(|subset| dir == subset.pack);
    let is_part = PART_DIRECTORIES.contains(&dir) && is_part_name(name, if is_pack { "pack" } else { "parquet" });
    is_part
        || passport::ALL.contains(&path)
        || dir == TOKENIZER && TOKENIZER_FILES.contains(&name)
        || Subset::BOTH.iter().any(|subset| path == subset.pack_json)
}

/// A file of the pack or of the vocabulary.
pub(super) fn inside(directory: &str, name: &str) -> String {
    format!("{directory}/{name}")
}

/// Does a file of OUT lie in that directory?
pub(super) fn is_in(directory: &str, path: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// What a unit of a pass made; `kind` tells its files apart.
pub(super) fn made(pass: &str, kind: &str, unit: &str) -> String {
    format!("{WORK}/{pass}/{kind}/{unit}.parquet")
}

/// The merges of a vocabulary that is being learned.
pub(super) fn checkpoint(unit: &str) -> String {
    format!("{WORK}/{}/merges/{unit}.json", pass::TRAIN)
}

/// The table of work shards.
pub(super) fn shards(unit: &str) -> String {
    made(pass::FRAME, "shards", unit)
}

/// The documents of a work shard with their columns.
pub(super) fn annotated(unit: &str) -> String {
    made(pass::ANNOTATE, DOCUMENTS, unit)
}

/// The sketches of a work shard, for the search for duplicates.
pub(super) fn sketches(unit: &str) -> String {
    made(pass::SKETCH, "sketches", unit)
}

/// The documents of a work shard that the quality rules reject.
pub(super) fn rejections(unit: &str) -> String {
    made(pass::JUDGE, "rejections", unit)
}

/// Where evaluation items stand that are cut out of the documents of a work shard.
pub(super) fn items(unit: &str) -> String {
    made(pass::JUDGE, "items", unit)
}

/// What the search for duplicates found.
pub(super) fn verdicts(unit: &str) -> String {
    made(pass::DEDUP, "verdicts", unit)
}

/// Where each work shard begins in that.
pub(super) fn verdict_shards(unit: &str) -> String {
    made(pass::DEDUP, "verdict-shards", unit)
}

/// What is cut out of the documents of a work shard.
pub(super) fn cuts(unit: &str, shard: u64) -> String {
    made(pass::CUT, "cuts", &format!("{unit}-{shard}"))
}

/// Which kept documents belong together.
pub(super) fn families(unit: &str) -> String {
    made(pass::DEDUP, "families", unit)
}

/// Where each work shard begins in that.
pub(super) fn family_shards(unit: &str) -> String {
    made(pass::DEDUP, "family-shards", unit)
}

/// The documents whose id another had before them.
pub(super) fn same_ids(unit: &str) -> String {
    made(pass::DEDUP, "same-ids", unit)
}

/// The histogram of the kept documents of a work shard; `kept` tells which those are.
pub(super) fn shard_counts(unit: &str, kept: &str) -> String {
    made(pass::COUNT, "counts", &format!("{unit}-{kept}"))
}

/// A file of the vocabulary.
pub(super) fn vocabulary(unit: &str, name: &str) -> String {
    format!("{WORK}/{}/{TOKENIZER}/{unit}-{name}", pass::TRAIN)
}

/// A file of the pack.
pub(super) fn packed(unit: &str) -> String {
    format!("{WORK}/{}/{PACK}/{unit}.pack", pass::PACK)
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
            (shards("k"), pass::FRAME),
            (annotated("k"), pass::ANNOTATE),
            (sketches("k"), pass::SKETCH),
            (rejections("k"), pass::JUDGE),
            (items("k"), pass::JUDGE),
            (verdicts("k"), pass::DEDUP),
            (verdict_shards("k"), pass::DEDUP),
            (families("k"), pass::DEDUP),
            (family_shards("k"), pass::DEDUP),
            (same_ids("k"), pass::DEDUP),
            (cuts("k", 7), pass::CUT),
            (shard_counts("k", "1"), pass::COUNT),
            (vocabulary("k", "merges.txt"), pass::TRAIN),
            (packed("k"), pass::PACK),
        ] {
            assert!(pass::ALL.contains(&pass));
            assert!(path.starts_with(&format!("{WORK}/{pass}/")), "{path}");
        }
    }
}
