//! What other thresholds would make of a finished run, against runs that have them.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray};
use seimai::pipeline::what_if::what_if;

use crate::harness::World;

/// Documents of 2 to 35 characters, none like another.
fn input(world: &World) {
    let words = ["一番の人は米です。", "二番の水は川です。", "三番の山は遠い。", "四番の道は広い。"];
    let document = |n: usize| {
        let text: String = (0..=n % 4).map(|k| words[(n / 4 + k) % 4]).collect();
        serde_json::json!({"id": format!("d{n}"), "text": format!("{n}{text}"), "source": "blog"}).to_string()
    };
    world.write("in.jsonl", (0..40).map(document).collect::<Vec<_>>().join("\n"));
    let plan = "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[dedup]\nexact = false\nnear = false\n[tokenizer]\nvocab_size = 300\n";
    world.write("plan.toml", plan);
}

fn run(world: &World, out: &str, least: usize) -> u64 {
    let setting = format!("quality.thresholds.min_chars={least}");
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", out, "--set", &setting, "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
    let manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(world.path(out).join("manifest.json")).unwrap()).unwrap();
    manifest["totals"]["kept"].as_u64().unwrap()
}

#[test]
fn stored_measures_answer_as_a_run_does() {
    let world = World::new();
    input(&world);
    let kept = run(&world, "out", 20);
    for least in [1, 12, 20, 28, 1000] {
        let answer = what_if(&world.path("out"), &[format!("quality.thresholds.min_chars={least}")]).unwrap();
        assert_eq!((answer.kept_before, answer.kept_after), (kept, run(&world, &format!("out{least}"), least)), "{least}");
        let (lost, regained): (u64, u64) = (answer.lost.values().sum(), answer.regained.values().sum());
        assert_eq!(kept - lost + regained, answer.kept_after);
        let changed: u64 = answer.changed.iter().map(|batch| batch.num_rows() as u64).sum();
        assert_eq!(changed, lost + regained);
        let ids: BTreeSet<&str> = answer.changed.iter().flat_map(|batch| batch["doc_id"].as_string::<i32>().iter().flatten()).collect();
        assert_eq!(ids.len() as u64, changed);
        for batch in &answer.changed {
            let (before, after) = (&batch["before"], &batch["after"]);
            assert!((0..batch.num_rows()).all(|row| before.is_null(row) != after.is_null(row)));
        }
    }
    let refused = what_if(&world.path("out"), &["quality.preset=wev".to_owned()]).unwrap_err();
    assert!(refused.exit_code() == 2 && refused.to_string().contains("unknown value `wev`"), "{refused}");
    let missing = what_if(&world.path("out"), &["quality.preset=swallow-v1".to_owned()]).unwrap_err();
    assert!(missing.exit_code() == 2 && missing.to_string().contains("swallow_v1"), "{missing}");
}
