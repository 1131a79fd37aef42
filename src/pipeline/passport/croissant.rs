//! Metadata of the tables in Croissant 1.0 of MLCommons, JSON-LD: `mlcroissant` and what reads it load documents and tokens by it.
//!
//! <https://docs.mlcommons.org/croissant/docs/croissant-spec.html>. It holds no date: when a corpus is published is not known to the program.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cyclonedx::name;
use super::evidence::Evidence;
use super::spdx_ids::spdx_id;
use crate::pipeline::layout::{self, Subset};
use crate::pipeline::manifest::Manifest;
use crate::pipeline::provenance::NONE;

/// Columns of documents that stand for themselves, with their types.
const DOCUMENTS: [(&str, &str); 11] = [
    ("doc_id", "sc:Text"),
    ("text", "sc:Text"),
    ("source", "sc:Text"),
    ("url", "sc:Text"),
    ("license", "sc:Text"),
    ("date", "sc:Text"),
    ("residency", "sc:Text"),
    ("file", "sc:Text"),
    ("offset", "sc:Integer"),
    ("register", "sc:Text"),
    ("meta", "sc:Text"),
];
/// Columns of token shards.
const TOKENS: [(&str, &str); 4] = [("doc_id", "sc:Text"), ("source", "sc:Text"), ("input_ids", "sc:Integer"), ("n_tokens", "sc:Integer")];

/// The document; `digests` are SHA-256 of the files of the run.
pub(super) fn croissant(manifest: &Manifest, evidence: &Evidence, digests: &BTreeMap<String, String>) -> Value {
    let mut licenses: Vec<String> = Vec::new();
    for license in evidence.sources.values().flat_map(|source| source.licenses.keys()).filter(|license| *license != NONE) {
        let address = spdx_id(license).map_or_else(|| license.clone(), |id| format!("https://spdx.org/licenses/{id}.html"));
        if !licenses.contains(&address) {
            licenses.push(address);
        }
    }
    licenses.sort();
    let mut distribution = Vec::new();
    let mut records = Vec::new();
    for subset in Subset::BOTH {
        for (directory, columns) in [(subset.documents, &DOCUMENTS[..]), (subset.tokens, &TOKENS[..])] {
            let files: Vec<&str> =
                manifest.files.iter().map(|file| file.path.as_str()).filter(|path| layout::is_in(directory, path)).collect();
            if !files.is_empty() {
                distribution.extend(files.iter().map(|path| file_object(path, manifest, digests)));
                distribution.push(file_set(directory));
                records.push(record_set(directory, columns));
            }
        }
    }
    let totals = &manifest.totals;
    json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "name": name(manifest),
        "description": format!(
            "Japanese text made ready for training: {} documents with {} tokens, of {} records that were read. Which source they are of, under which licence, and on what legal ground they are used stands in {}.",
            totals.kept, totals.tokens, totals.read, layout::passport::EVIDENCE
        ),
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": licenses,
        "version": format!("0.0.0+{}", manifest.fingerprint.get(..16).unwrap_or_default()),
        "inLanguage": "ja",
        "distribution": distribution,
        "recordSet": records,
    })
}

fn file_object(path: &str, manifest: &Manifest, digests: &BTreeMap<String, String>) -> Value {
    let bytes = manifest.files.iter().find(|file| file.path == path).map_or(0, |file| file.bytes);
    json!({
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        // From where the document lies.
        "contentUrl": path,
        "contentSize": format!("{bytes} B"),
        "encodingFormat": "application/x-parquet",
        "sha256": digests.get(path),
    })
}

/// All parts of a directory: in no archive, but below the document.
fn file_set(directory: &str) -> Value {
    json!({
        "@type": "cr:FileSet",
        "@id": set(directory),
        "name": set(directory),
        "encodingFormat": "application/x-parquet",
        "includes": format!("{directory}/*.parquet"),
    })
}

fn record_set(directory: &str, columns: &[(&str, &str)]) -> Value {
    let field = |(column, data_type): &(&str, &str)| {
        let mut field = json!({
            "@type": "cr:Field",
            "@id": format!("{directory}/{column}"),
            "name": column,
            "dataType": data_type,
            "source": {"fileSet": {"@id": set(directory)}, "extract": {"column": column}},
        });
        if let (Some(field), "input_ids") = (field.as_object_mut(), *column) {
            field.insert("repeated".to_owned(), json!(true));
        }
        field
    };
    json!({
        "@type": "cr:RecordSet",
        "@id": directory,
        "name": directory,
        "field": columns.iter().map(field).collect::<Vec<_>>(),
    })
}

fn set(directory: &str) -> String {
    format!("{directory}-parts")
}

/// The context that the specification prescribes.
fn context() -> Value {
    json!({
        "@language": "en",
        "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs",
        "column": "cr:column",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "extract": "cr:extract",
        "field": "cr:field",
        "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject",
        "fileSet": "cr:fileSet",
        "format": "cr:format",
        "includes": "cr:includes",
        "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath",
        "key": "cr:key",
        "md5": "cr:md5",
        "parentField": "cr:parentField",
        "path": "cr:path",
        "recordSet": "cr:recordSet",
        "references": "cr:references",
        "regex": "cr:regex",
        "repeated": "cr:repeated",
        "replace": "cr:replace",
        "samplingRate": "cr:samplingRate",
        "sc": "https://schema.org/",
        "separator": "cr:separator",
        "source": "cr:source",
        "subField": "cr:subField",
        "transform": "cr:transform",
    })
}
