//! The history of a document as JSON: `docs/formats/inspect.md`.

use serde_json::{Map, Value, json};

use crate::decide::{Explained, Side};
use crate::pipeline::inspect::{Decision, History};
use crate::quarantine::Quarantined;

/// Layout of the objects.
const VERSION: u32 = 1;

/// A document.
pub(super) fn document(history: &History) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        out.insert(key.to_owned(), value);
    };
    put("inspect_version", VERSION.into());
    put("doc_id", history.doc_id.as_str().into());
    put("outcome", if matches!(history.decision, Decision::Kept { .. }) { "kept" } else { "rejected" }.into());
    put("part", history.position.0.as_str().into());
    put("row", history.position.1.into());
    put("text", history.text.as_str().into());
    put("characters", history.text.chars().count().into());
    let columns: Map<String, Value> = history.columns.iter().cloned().collect();
    put("columns", columns.into());
    put("preset", history.preset.into());
    put("measures", history.measures.iter().map(measure).collect::<Vec<_>>().into());
    put("marks", history.marks.iter().map(|mark| json!([mark.start, mark.end])).collect::<Vec<_>>().into());
    put("morphemes", history.parts.as_ref().map_or(Value::Null, morphemes));
    put("sentences", history.parts.as_ref().map_or(Value::Null, sentences));
    match &history.decision {
        Decision::Kept { tokens, duplicates } => {
            put("duplicates", json!(duplicates));
            let mut at = 0;
            let token = |token: &crate::pipeline::inspect::Token| {
                let start = at;
                at += token.bytes.len();
                json!({"id": token.id, "start": start, "end": at})
            };
            put("tokens", tokens.iter().map(token).collect::<Vec<_>>().into());
        }
        Decision::Rejected { stage, rule, evidence, duplicate_of } => {
            put("stage", stage.as_str().into());
            put("rule", rule.as_str().into());
            put("evidence", evidence.as_str().into());
            put("duplicate_of", duplicate_of.as_ref().map_or(Value::Null, |(id, _)| id.as_str().into()));
        }
    }
    out.into()
}

/// A record that could not be read.
pub(super) fn quarantined(record: &Quarantined) -> Value {
    let mut out = json!({"inspect_version": VERSION, "outcome": "quarantined"});
    if let (Some(out), Ok(Value::Object(fields))) = (out.as_object_mut(), serde_json::to_value(record)) {
        out.extend(fields);
    }
    out
}

fn measure(measure: &Explained) -> Value {
    let side = match measure.side {
        Side::Min => "at_least",
        Side::Max => "at_most",
        Side::Under => "below",
    };
    json!({
        "rule": measure.rule,
        "measure": measure.measure,
        "value": measure.value.map(shortest),
        "side": side,
        "limit": shortest(measure.limit),
        "holds": measure.holds,
        "exempt": measure.exempt,
    })
}

/// Measures are stored as f32: the shortest digits of that.
fn shortest(value: f64) -> Value {
    (value as f32).to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

fn morphemes(parts: &crate::pipeline::analyst::Parts) -> Value {
    parts.morphemes.iter().map(|morpheme| json!({"start": morpheme.at.start, "end": morpheme.at.end, "pos": morpheme.pos})).collect()
}

fn sentences(parts: &crate::pipeline::analyst::Parts) -> Value {
    let span =
        |(at, class, rule): &(std::ops::Range<usize>, &str, &str)| json!({"start": at.start, "end": at.end, "class": class, "rule": rule});
    let misuse = |(at, what, _): &(std::ops::Range<usize>, &str, String)| json!({"start": at.start, "end": at.end, "type": what});
    let sentence = |sentence: &crate::pipeline::analyst::Sentence| {
        json!({
            "start": sentence.at.start,
            "end": sentence.at.end,
            "style": sentence.style,
            "level": sentence.level,
            "tone": sentence.tone,
            "spans": sentence.spans.iter().map(span).collect::<Vec<_>>(),
            "misuse": sentence.misuse.iter().map(misuse).collect::<Vec<_>>(),
        })
    };
    parts.sentences.iter().map(sentence).collect()
}
