//! What a run made, and of what: a statement of in-toto (Statement v1) with the provenance predicate of SLSA (v1).
//!
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>, <https://slsa.dev/spec/v1.0/provenance>. The fields that tell when a build
//! began and ended are optional, and left out: the same run gives the same statement.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::Result;
use crate::io::{sha256_of_bytes, sha256_of_file};
use crate::pipeline::layout;
use crate::pipeline::manifest::Manifest;

/// What a statement is called.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// What its predicate is called.
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// What it is called in an envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// How runs of this program are called as builds.
const BUILD_TYPE: &str = "urn:seimai:run:v1";

/// A file of the passport: its path in the run, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassportFile {
    /// Path relative to the run.
    pub path: String,
    /// What stands in it.
    pub bytes: Vec<u8>,
}

/// A statement. Whoever reads one meets fields that this version does not know, and passes them over, as the specification asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// The files that the run made, by path.
    pub subject: Vec<Subject>,
    /// [`PREDICATE_TYPE`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What they were made of.
    pub predicate: Value,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Path relative to the run.
    pub name: String,
    /// Digests, hex, by algorithm; `sha256` is always there.
    pub digest: BTreeMap<String, String>,
}

impl Subject {
    pub(in crate::pipeline) fn new(name: &str, sha256: &str) -> Self {
        Self { name: name.to_owned(), digest: BTreeMap::from([("sha256".to_owned(), sha256.to_owned())]) }
    }
}

impl Statement {
    /// Of a run whose files have these digests, and of the other files of its passport.
    pub(super) fn new(manifest: &Manifest, digests: &BTreeMap<String, String>, passport: &[PassportFile]) -> Self {
        let mut subject: Vec<Subject> = digests.iter().map(|(name, sha256)| Subject::new(name, sha256)).collect();
        subject.extend(passport.iter().map(|file| Subject::new(&file.path, &sha256_of_bytes(&file.bytes))));
        subject.sort_by(|a, b| a.name.cmp(&b.name));
        Self { kind: STATEMENT_TYPE.to_owned(), subject, predicate_type: PREDICATE_TYPE.to_owned(), predicate: predicate(manifest) }
    }

    /// Does it speak of a run that was made of these inputs?
    pub(in crate::pipeline) fn is_of_inputs(&self, manifest: &Manifest) -> bool {
        let said = self.predicate.get("buildDefinition").and_then(|build| build.get("resolvedDependencies")).and_then(Value::as_array);
        let made = predicate(manifest);
        let needed = made.get("buildDefinition").and_then(|build| build.get("resolvedDependencies")).and_then(Value::as_array);
        said == needed
    }

    /// The fingerprint of the run that it speaks of.
    pub fn fingerprint(&self) -> Option<&str> {
        self.predicate.get("buildDefinition")?.get("externalParameters")?.get("fingerprint")?.as_str()
    }
}

fn predicate(manifest: &Manifest) -> Value {
    let blake3 = |hash: &str| json!({ "blake3": hash });
    let mut dependencies: Vec<Value> = manifest
        .inputs
        .iter()
        .filter(|input| !input.blake3.is_empty())
        .map(|input| json!({"name": input.path, "digest": blake3(&input.blake3)}))
        .collect();
    dependencies.extend(manifest.lists.iter().map(|list| json!({"name": list.path, "digest": blake3(&list.blake3)})));
    dependencies.extend(manifest.evaluation.iter().map(|set| json!({"name": set.file.path, "digest": blake3(&set.file.blake3)})));
    let dictionary = &manifest.dictionary;
    dependencies.push(json!({
        "name": format!("dictionary {} {}", dictionary.name, dictionary.version),
        "digest": blake3(&dictionary.fingerprint),
        "annotations": {"licence": dictionary.licence, "engine": dictionary.engine},
    }));
    json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"plan": layout::PLAN, "fingerprint": manifest.fingerprint},
            "internalParameters": {"unicode": manifest.unicode},
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {"id": format!("urn:seimai:version:{}", manifest.seimai), "version": {"seimai": manifest.seimai}},
            "metadata": {"invocationId": manifest.fingerprint},
        },
    })
}

/// SHA-256 of every file that the manifest lists, of the manifest itself, and of what vouches for it.
pub(super) fn digests(run: &Path, manifest: &Manifest) -> Result<BTreeMap<String, String>> {
    let listed = manifest.files.iter().map(|file| file.path.as_str());
    let names = listed.chain([layout::MANIFEST, layout::SUCCESS]);
    names.map(|name| Ok((name.to_owned(), sha256_of_file(&run.join(name))?))).collect()
}
