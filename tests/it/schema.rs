//! The committed JSON Schema of the plan is the one the code gives.

use crate::harness::repository;

#[test]
fn the_schema_file_is_current() {
    let path = repository().join("docs/plan.schema.json");
    let mut now = serde_json::to_string_pretty(&seimai::pipeline::plan::Plan::json_schema()).unwrap();
    now.push('\n');
    if std::env::var_os("SEIMAI_UPDATE").is_some() {
        #[expect(clippy::disallowed_methods, reason = "a developer asked for it")]
        std::fs::write(&path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == now, "docs/plan.schema.json is stale: run SEIMAI_UPDATE=1 cargo test --test it schema");
}

#[test]
fn every_key_of_the_plan_is_described() {
    fn look(value: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(serde_json::Value::as_object) {
            for (key, property) in properties {
                let path = format!("{path}.{key}");
                if property.get("description").is_none() {
                    missing.push(path.clone());
                }
                look(property, &path, missing);
            }
        }
        for (name, definition) in value.get("$defs").and_then(serde_json::Value::as_object).into_iter().flatten() {
            look(definition, name, missing);
        }
    }
    let mut missing = Vec::new();
    look(&seimai::pipeline::plan::Plan::json_schema(), "plan", &mut missing);
    assert!(missing.is_empty(), "no description: {missing:?}");
}
