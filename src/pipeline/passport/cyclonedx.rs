//! A bill of materials in CycloneDX 1.6 (ML-BOM): the data that a run is made of, by source, and the vocabulary that it made.
//!
//! <https://cyclonedx.org/docs/1.6/json/>. It holds no time, and a serial number that follows from the manifest.

use serde_json::{Map, Value, json};

use super::evidence::{Evidence, SourceEvidence};
use super::spdx_ids::spdx_id;
use crate::pipeline::manifest::Manifest;
use crate::pipeline::provenance::NONE;
use crate::stage::Counts;

/// The document.
pub(super) fn bom(manifest: &Manifest, hash: &str, evidence: &Evidence) -> Value {
    let sources: Vec<Value> = evidence.sources.iter().enumerate().map(|(number, (name, source))| component(number, name, source)).collect();
    let references: Vec<Value> = (0..sources.len()).map(|number| json!({ "ref": reference(number) })).collect();
    let names: Vec<String> = (0..sources.len()).map(reference).collect();
    let mut components = sources;
    components.push(json!({
        "type": "data",
        "bom-ref": "dictionary",
        "name": manifest.dictionary.name,
        "version": manifest.dictionary.version,
        "licenses": licenses(std::iter::once(manifest.dictionary.licence.as_str())),
        "hashes": hashes(&manifest.dictionary.fingerprint),
    }));
    components.push(json!({
        "type": "machine-learning-model",
        "bom-ref": "tokenizer",
        "name": "tokenizer",
        "hashes": hashes(&manifest.tokenizer.blake3),
        "modelCard": {
            "modelParameters": {"approach": {"type": "unsupervised"}, "task": "tokenization", "architectureFamily": "byte-level BPE", "datasets": references},
            "properties": [property("seimai:vocab_size", manifest.tokenizer.vocab_size)],
        },
    }));
    let mut made_of = names.clone();
    made_of.push("dictionary".to_owned());
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(hash),
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "seimai", "version": manifest.seimai}]},
            "component": {"type": "data", "bom-ref": "corpus", "name": name(manifest), "data": [{"type": "dataset", "name": name(manifest)}]},
            "properties": [
                property("seimai:fingerprint", &manifest.fingerprint),
                property("seimai:manifest_blake3", hash),
                property("seimai:documents", manifest.totals.kept),
                property("seimai:tokens", manifest.totals.tokens),
            ],
        },
        "components": components,
        "dependencies": [
            {"ref": "corpus", "dependsOn": made_of},
            {"ref": "tokenizer", "dependsOn": names},
        ],
    })
}

/// What the corpus is called.
pub(super) fn name(manifest: &Manifest) -> &str {
    manifest.source.get("name").map_or("corpus", String::as_str)
}

fn reference(number: usize) -> String {
    format!("source-{number}")
}

/// A source, with what is declared of it.
fn component(number: usize, name: &str, source: &SourceEvidence) -> Value {
    let owners: Vec<Value> = known(&source.owners).map(|owner| json!({"organization": {"name": owner}})).collect();
    let mut data = Map::new();
    data.insert("type".to_owned(), json!("dataset"));
    data.insert("name".to_owned(), json!(name));
    if !owners.is_empty() {
        data.insert("governance".to_owned(), json!({ "owners": owners }));
    }
    let mut properties = vec![
        property("seimai:kept", source.kept),
        property("seimai:held_out", source.held_out),
        property("seimai:tokens", source.tokens),
        property("seimai:rejected", source.rejected.values().sum::<u64>()),
    ];
    for (key, counts) in [("residency", &source.residencies), ("consent", &source.consents), ("legal_basis", &source.legal_bases)] {
        properties.extend(known(counts).map(|value| property(&format!("seimai:{key}"), value)));
    }
    let mut component = json!({"type": "data", "bom-ref": reference(number), "name": name, "data": [data], "properties": properties});
    let licenses = licenses(known(&source.licenses));
    if let (Some(component), false) = (component.as_object_mut(), licenses.is_empty()) {
        component.insert("licenses".to_owned(), Value::Array(licenses));
    }
    component
}

/// Names of what is counted, without the mark for none.
fn known(counts: &Counts) -> impl Iterator<Item = &str> {
    counts.keys().map(String::as_str).filter(|name| *name != NONE && !name.is_empty())
}

/// Licences by their identifier where SPDX has one, else by name.
fn licenses<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Value> {
    names.map(|name| spdx_id(name).map_or_else(|| json!({"license": {"name": name}}), |id| json!({"license": {"id": id}}))).collect()
}

fn hashes(blake3: &str) -> Value {
    json!([{"alg": "BLAKE3", "content": blake3}])
}

fn property(name: &str, value: impl std::fmt::Display) -> Value {
    json!({"name": name, "value": value.to_string()})
}

/// A UUID of version 8 (RFC 9562: content of one's own) out of the hash of the manifest.
fn serial_number(hash: &str) -> String {
    let digit = |at: usize| hash.chars().nth(at).unwrap_or('0');
    let hex: String = (0..32)
        .map(|at| {
            if at == 12 {
                '8'
            } else if at == 16 {
                'a'
            } else {
                digit(at)
            }
        })
        .collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_have_the_shape_of_rfc_9562() {
        assert_eq!(serial_number(&"f".repeat(64)), "urn:uuid:ffffffff-ffff-8fff-afff-ffffffffffff");
        assert_eq!(serial_number(""), "urn:uuid:00000000-0000-8000-a000-000000000000");
    }

    #[test]
    fn licences_that_spdx_does_not_know_go_by_name() {
        let said = licenses(["cc0-1.0", "政府標準利用規約（第2.0版）"].into_iter());
        assert_eq!(said, [json!({"license": {"id": "CC0-1.0"}}), json!({"license": {"name": "政府標準利用規約（第2.0版）"}})]);
    }
}
