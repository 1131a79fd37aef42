//! What a run's output depends on beside its inputs: settings, dictionary and lists by content, and the version of every step.

use super::evaluation::EvaluationFile;
use super::lists::ListFacts;
use super::plan::Plan;
use super::registry::{self, Stages};
use crate::error::{Error, Result};

/// BLAKE3 (hex) over the resolved plan without its input paths, the content of dictionary and lists, and the versions.
pub fn of(plan: &Plan, stages: &Stages) -> Result<String> {
    of_parts(plan, stages.dictionary.fingerprint(), &stages.lists.files, &stages.lists.evaluation.files)
}

/// The same from a plan, the dictionary's fingerprint and the files of lists and evaluation sets, as `verify` knows them.
pub(super) fn of_parts(plan: &Plan, dictionary: &str, lists: &[ListFacts], evaluation: &[EvaluationFile]) -> Result<String> {
    let mut files = vec![serde_json::to_string(lists)];
    // Without them it is what it was before they were known.
    files.extend((!evaluation.is_empty()).then(|| serde_json::to_string(evaluation)));
    let files = files.into_iter().collect::<serde_json::Result<Vec<_>>>().map_err(|e| Error::internal(format!("lists: {e}")))?;
    of_versions(plan, dictionary, &files, &registry::versions(plan))
}

fn of_versions(plan: &Plan, dictionary: &str, files: &[String], versions: &[(&str, u32)]) -> Result<String> {
    let mut settings = serde_json::to_value(plan).map_err(|e| Error::internal(format!("plan: {e}")))?;
    if let Some(input) = settings.get_mut("input").and_then(serde_json::Value::as_object_mut) {
        input.remove("paths");
    }
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &str| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    };
    add(&settings.to_string());
    add(dictionary);
    for files in files {
        add(files);
    }
    add(env!("CARGO_PKG_VERSION"));
    for (name, version) in versions {
        add(&format!("{name} {version}"));
    }
    Ok(hasher.finalize().to_hex().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_every_step_counts() {
        let plan = Plan::default();
        let versions = registry::versions(&plan);
        let before = of_parts(&plan, "dictionary", &[], &[]).unwrap();
        for i in 0..versions.len() {
            let mut raised = versions.clone();
            raised[i].1 = raised[i].1.wrapping_add(1);
            assert_ne!(of_versions(&plan, "dictionary", &["[]".to_owned()], &raised).unwrap(), before, "{}", versions[i].0);
        }
        assert_ne!(of_parts(&plan, "another", &[], &[]).unwrap(), before);
    }

    #[test]
    fn input_paths_do_not_count() {
        let mut plan = Plan::default();
        let before = of_parts(&plan, "", &[], &[]).unwrap();
        plan.input.paths = vec!["elsewhere/*".to_owned()];
        assert_eq!(of_parts(&plan, "", &[], &[]).unwrap(), before);
        plan.pack.seed += 1;
        assert_ne!(of_parts(&plan, "", &[], &[]).unwrap(), before);
    }
}
