//! What a run's output depends on beside its inputs: settings, dictionary content, engine and stage versions.

use super::plan::Plan;
use super::registry::Stages;
use crate::error::{Error, Result};

/// Raised when a stage's output changes for the same settings.
const STAGES_VERSION: u32 = 1;

/// BLAKE3 (hex) over the resolved plan without its input paths, the dictionary's content and the versions.
pub(super) fn of(plan: &Plan, stages: &Stages) -> Result<String> {
    of_parts(plan, stages.dictionary.fingerprint())
}

/// The same from a plan and the dictionary's fingerprint, as `verify` knows them.
pub(super) fn of_parts(plan: &Plan, dictionary: &str) -> Result<String> {
    let mut settings = serde_json::to_value(plan).map_err(|e| Error::internal(format!("plan: {e}")))?;
    if let Some(input) = settings.get_mut("input").and_then(serde_json::Value::as_object_mut) {
        input.remove("paths");
    }
    let mut hasher = blake3::Hasher::new();
    let versions = format!("{STAGES_VERSION} exact {} view {}", crate::segment::exact::VERSION, crate::dedup::view::VERSION);
    for part in [settings.to_string().as_str(), dictionary, env!("CARGO_PKG_VERSION"), &versions] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}
