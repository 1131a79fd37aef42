//! `manifest.json`: inputs, outputs and counts of a run. No clock, host, thread count or absolute path is inside, so that the same
//! inputs and plan give the same bytes anywhere.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cuts::Cutting;
use super::evaluation::EvaluationSet;
use super::fingerprint;
use super::layout;
use super::lists::ListFacts;
use super::plan::Plan;
use super::provenance::Provenance;
use crate::corpus;
use crate::decide::losses::Losses;
use crate::decide::rebalance::Mixture;
use crate::error::{Error, Result};
use crate::io::{Dir, FileEntry, Located, hash_file, read_limited};
use crate::stage::Counts;

/// Version of the manifest's own layout.
pub const MANIFEST_VERSION: u32 = 5;
const MANIFEST_BYTES_MAX: u64 = 1 << 30;
/// Directories of a run that lie in each other, at most, the run itself among them.
const DEPTH: usize = 3;

/// What `manifest.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Layout version.
    pub manifest_version: u32,
    /// Version of Seimai.
    pub seimai: String,
    /// Fingerprint of settings, dictionary, lists and stage versions.
    pub fingerprint: String,
    /// Version of Unicode that normalisation follows.
    pub unicode: String,
    /// The dictionary that cut the text.
    pub dictionary: DictionaryFacts,
    /// The user's lists of words and addresses; absent where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListFacts>,
    /// Evaluation sets that were looked for, and documents in which they were found; absent where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluation: Vec<EvaluationSet>,
    /// Source, licence, residency that the plan gives to records without their own.
    pub source: BTreeMap<String, String>,
    /// Which part of the inputs was taken; without it, all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken: Option<Taken>,
    /// Every input, in reading order.
    pub inputs: Vec<InputFacts>,
    /// What became of the records.
    pub totals: Totals,
    /// Rejected documents by `stage/rule`; a document counts once, under its first rule.
    pub rejected: Counts,
    /// Kept documents by register.
    pub registers: Counts,
    /// Kept documents by licence and by residency.
    pub provenance: Provenance,
    /// What was cut out of the kept documents: lines and stretches that documents before them have.
    #[serde(default, skip_serializing_if = "Cutting::is_none")]
    pub cut: Cutting,
    /// What the policy `rebalance` made of the registers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixture: Option<Mixture>,
    /// Documents and characters by source, register and rule; the largest sources by name.
    pub losses: Losses,
    /// Sources that lose most of themselves, a sentence each.
    pub warnings: Vec<String>,
    /// What the stages counted (`normalize.…`, `segment.…`).
    pub stages: Counts,
    /// The vocabulary.
    pub tokenizer: TokenizerFacts,
    /// The pack.
    pub pack: PackFacts,
    /// What of it is held out, if the plan asks for a split: it stands in `validation/`, and vocabulary and pack are made without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ValidationFacts>,
    /// Every output file but `manifest.json`, `run.json` and `_SUCCESS`, by path.
    pub files: Vec<FileEntry>,
}

/// Which dictionary, by content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DictionaryFacts {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Licence identifier.
    pub licence: String,
    /// BLAKE3 over its content.
    pub fingerprint: String,
    /// Engine that used it.
    pub engine: String,
}

/// A part of the inputs: `input.sample`, `input.limit` and `input.forget` of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// Share of the documents, drawn by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<f64>,
    /// Records read at most, those that the sample left out among them; what stands behind them was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Entries of `input.forget`: records that are not read any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<u64>,
}

impl Taken {
    /// What the plan takes, if that is not all.
    pub(super) fn of(input: &corpus::Options) -> Option<Self> {
        let forgotten = Some(input.forget.len() as u64).filter(|entries| *entries > 0);
        let taken = Self { sample: input.sample, limit: input.limit, forgotten };
        (taken.sample.is_some() || taken.limit.is_some() || taken.forgotten.is_some()).then_some(taken)
    }
}

/// An input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFacts {
    /// Name relative to the plan or the pattern's directory.
    pub path: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// BLAKE3 of the file; empty if it could not be read.
    pub blake3: String,
    /// Records read from it, unreadable ones included.
    pub read: u64,
    /// Records quarantined.
    pub quarantined: u64,
    /// Records that the sample left out; not among those read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// What was read and is no document in its own right, by reason; not among the records.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub passed_over: BTreeMap<String, u64>,
    /// Character encoding found, for plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Characters that could not be decoded.
    pub replaced: u64,
    /// Notation that was taken out of its texts, by kind: readings, notes and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<String, u64>,
    /// Documents by name of a field (or column) that they have and that is not kept; beyond 32 names, all others are under `…`.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub fields_not_kept: Counts,
}

/// The conservation law: `read = kept + rejected + quarantined`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Records taken, unreadable ones included.
    pub read: u64,
    /// Records that the sample left out; not among those read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// What was read and is no document in its own right; not among those read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub passed_over: u64,
    /// Documents in `documents/` and `validation/documents/`.
    pub kept: u64,
    /// Documents in `rejected/`.
    pub rejected: u64,
    /// Lines of `quarantine.jsonl`.
    pub quarantined: u64,
    /// Documents whose id another had before them: they are called `<id>~<file>@<offset>`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub same_ids: u64,
    /// Bytes of text read, after decoding.
    pub text_bytes: u64,
    /// Bytes of text kept.
    pub kept_bytes: u64,
    /// Characters kept.
    pub kept_characters: u64,
    /// Tokens of the kept documents, without EOS.
    pub tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Totals {
    /// Does the law hold?
    pub fn balanced(&self) -> bool {
        self.read == self.kept + self.rejected + self.quarantined
    }
}

/// The vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerFacts {
    /// Entries of the vocabulary, special tokens included.
    pub vocab_size: u64,
    /// BLAKE3 of `tokenizer/tokenizer.json`.
    pub blake3: String,
    /// Digest of what it means, which saving it with another library does not change.
    pub content_blake3: String,
    /// Distinct pre-tokens it was trained on.
    pub pre_tokens: u64,
    /// What it was learned from, if that is not all that was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_from: Option<LearnedFrom>,
}

/// A sample of the kept documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedFrom {
    /// `tokenizer.train_bytes`.
    pub wanted_bytes: u64,
    /// Documents that were drawn.
    pub documents: u64,
    /// Bytes of their text.
    pub bytes: u64,
}

/// The pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackFacts {
    /// S.
    pub sequence_length: u64,
    /// Rows of S tokens.
    pub rows: u64,
    /// Tokens without padding, EOS included.
    pub tokens: u64,
    /// Padding tokens.
    pub padding: u64,
    /// Pieces the documents were cut into.
    pub pieces: u64,
}

/// The documents that are held out; the totals of the manifest count them, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationFacts {
    /// Documents in `validation/documents/`.
    pub kept: u64,
    /// Bytes of their texts.
    pub kept_bytes: u64,
    /// Their characters.
    pub kept_characters: u64,
    /// Their tokens, without EOS.
    pub tokens: u64,
    /// The pack in `validation/pack/`.
    pub pack: PackFacts,
}

impl Manifest {
    /// The fingerprint of a run of this plan with the same dictionary, lists and evaluation sets.
    pub(super) fn fingerprint_with(&self, plan: &Plan) -> Result<String> {
        let evaluation: Vec<_> = self.evaluation.iter().map(|set| set.file.clone()).collect();
        fingerprint::of_parts(plan, &self.dictionary.fingerprint, &self.lists, &evaluation)
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| Error::internal(format!("manifest: {e}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the manifest of a finished run; a version or path that cannot be trusted is refused.
    pub fn read(run: &Path) -> Result<(Self, String)> {
        Self::read_at(&run.join(layout::MANIFEST), run)
    }

    /// The same of a run whose directory is held.
    pub(super) fn of(run: &Dir) -> Result<(Self, String)> {
        Self::read_at(&run.at(layout::MANIFEST), run.path())
    }

    fn read_at(at: &impl Located, run: &Path) -> Result<(Self, String)> {
        let path = at.path();
        let bytes = match read_limited(at, MANIFEST_BYTES_MAX) {
            Err(Error::Io { source, .. }) if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(Error::refused_with_hint(
                    format!("{}: no finished run ({source})", run.display()),
                    "name the --out directory of `seimai run`",
                ));
            }
            other => other?,
        };
        let version = serde_json::from_slice::<serde_json::Value>(&bytes)
            .map_err(|e| Error::damaged(path, format!("not JSON: {e}")))?
            .get("manifest_version")
            .and_then(serde_json::Value::as_u64);
        if version != Some(u64::from(MANIFEST_VERSION)) {
            let found = version.map_or_else(|| "none".to_owned(), |v| v.to_string());
            return Err(Error::refused(format!("{}: manifest version {found}; this Seimai reads {MANIFEST_VERSION}", path.display())));
        }
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|e| Error::damaged(path, e.to_string()))?;
        for file in &manifest.files {
            let inside = Path::new(&file.path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if !inside || file.path.is_empty() {
                let shown = crate::quarantine::escape(&file.path, 80);
                return Err(Error::refused(format!("{}: lists a file outside the run: {shown}", path.display())));
            }
        }
        Ok((manifest, blake3::hash(&bytes).to_hex().to_string()))
    }

    /// Compares the bytes of a file of the run with what is said of it.
    ///
    /// # Errors
    /// Damaged: other bytes, or a file that is not listed; those of the system.
    pub fn check_file(&self, run: &Path, name: &str) -> Result<()> {
        let path = run.join(name);
        let Some(said) = self.files.iter().find(|file| file.path == name) else {
            return Err(Error::damaged(&path, "not listed in the manifest of its run"));
        };
        let (bytes, blake3) = hash_file(&path)?;
        if (bytes, &blake3) == (said.bytes, &said.blake3) {
            return Ok(());
        }
        let said = format!("{bytes} bytes with BLAKE3 {blake3}; the manifest of its run says {} bytes with {}", said.bytes, said.blake3);
        Err(Error::damaged(&path, said))
    }
}

/// Compares a file that lies in a finished run with the manifest; another one is taken as it is.
///
/// # Errors
/// Damaged: not the bytes that the run wrote; those of [`Manifest::read`] and of the system.
pub fn check_if_of_run(path: &Path) -> Result<()> {
    let whole: PathBuf = path.canonicalize().map_err(|e| Error::io(path, "open", e))?;
    for run in whole.ancestors().skip(1).take(DEPTH) {
        let Some(name) = whole.strip_prefix(run).ok().and_then(Path::to_str) else { continue };
        if run.join(layout::SUCCESS).is_file() && run.join(layout::MANIFEST).is_file() {
            return Manifest::read(run)?.0.check_file(run, name);
        }
    }
    Ok(())
}

/// What `_SUCCESS` says: the manifest's hash, so that a changed manifest is found too.
pub fn success_line(manifest_blake3: &str) -> String {
    format!("blake3 {manifest_blake3} {}\n", layout::MANIFEST)
}
