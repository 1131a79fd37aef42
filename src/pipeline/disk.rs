//! How much disk a run will take, said before it begins.

use std::path::Path;

use super::plan::Plan;
use crate::corpus::Estimate;
use crate::dedup;

/// Disk that a byte of text takes: documents, tokens and pack, and the tables between the passes, which a next run uses again. Measured on
/// the corpus of 14 sources (`benches/results/2026-11-30-growth.json`).
const A_TEXT_BYTE: f64 = 1.44;
/// Disk that a document takes beside its text: its columns in all tables, and its place in the pack. Measured on short documents.
const A_DOCUMENT: f64 = 180.0;
/// Of a document, in the table of sketches: its hash and its length.
const A_SKETCH: f64 = 20.0;
/// A key of a band: a hash, which no compression makes smaller.
const A_KEY: f64 = 8.0;

/// Bytes of disk that a run of the plan takes at most, its work directory included, over inputs of this kind.
pub fn needed(plan: &Plan, inputs: Estimate) -> u64 {
    let dedup::Options { bands, .. } = &plan.dedup;
    let keys = plan.dedup.threshold().map_or(0.0, |_| bands.shape().0 as f64 * A_KEY);
    let taken = inputs.times(plan.input.sample.unwrap_or(1.0));
    (taken.text_bytes * A_TEXT_BYTE + taken.documents * (A_DOCUMENT + A_SKETCH + keys)) as u64
}

/// Bytes that are free for us on the file system of a directory, or of what will hold it; `None` where the system does not say.
pub fn free(directory: &Path) -> Option<u64> {
    let standing = directory.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let standing = if standing.as_os_str().is_empty() { Path::new(".") } else { standing };
    let system = rustix::fs::statvfs(standing).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_documents_and_their_keys_are_reckoned_with() {
        let mut plan = Plan::default();
        let long = Estimate { text_bytes: 1e9, documents: 1e3 };
        let short = Estimate { text_bytes: 1e9, documents: 1e7 };
        assert!((1.4e9..1.5e9).contains(&(needed(&plan, long) as f64)));
        assert!((4.5e9..5.5e9).contains(&(needed(&plan, short) as f64)));
        plan.dedup.near = dedup::Near::Switch(false);
        assert!((2.5e9..3.5e9).contains(&(needed(&plan, short) as f64)));
        plan.input.sample = Some(0.1);
        assert!((2.5e8..3.5e8).contains(&(needed(&plan, short) as f64)));
    }

    #[test]
    fn what_is_not_there_yet_is_asked_of_what_will_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free(&dir.path().join("a/b/c")).is_some_and(|free| free > 0));
        assert!(free(Path::new("not/there")).is_some());
    }
}
