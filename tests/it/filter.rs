//! `seimai filter`: annotate and decide without a run, and say why.

use std::io::Write;
use std::process::Stdio;

use crate::harness::{World, said};

/// One good text, one of too few characters, one line that is no record.
fn input(world: &World) {
    let good = "一番の人は米です。二番の人は水です。三番の人は山です。四番の人は川です。";
    let lines = [
        serde_json::json!({"id": "good", "text": good, "source": "blog", "meta": {"n": 1e99}}).to_string(),
        serde_json::json!({"id": "short", "text": "米。", "source": "blog"}).to_string(),
        "{\"text\": \"cut".to_owned(),
    ];
    world.write("in.jsonl", lines.join("\n"));
}

const THRESHOLDS: [&str; 4] = ["--preset", "none", "--set", "quality.thresholds.min_chars=10"];

fn json(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn kept_records_go_on_and_the_rest_is_told() {
    let world = World::new();
    input(&world);
    let (code, out, err) = world.run(&[&["filter", "in.jsonl"][..], &THRESHOLDS].concat());
    assert_eq!(code, 3, "{err}");
    let kept = json(&out);
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0]["id"].as_str(), kept[0]["register"].as_str(), &kept[0]["source"]), (Some("good"), Some("polite"), &"blog".into()));
    assert!(out.contains("\"meta\":{\"n\":1e+99}") || out.contains("1e99"), "{out}");
    assert!(err.contains("quality/min_chars") && err.contains("1 records could not be read"), "{err}");
}

#[test]
fn both_kinds_go_to_files_and_every_record_is_explained() {
    let world = World::new();
    input(&world);
    let (code, out, _) = world.run(&[&["filter", "in.jsonl", "--explain", "-o", "out"][..], &THRESHOLDS].concat());
    assert_eq!(code, 3);
    let told = json(&out);
    assert_eq!(
        told.iter().map(|one| (one["id"].as_str().unwrap(), one["kept"].as_bool().unwrap())).collect::<Vec<_>>(),
        [("good", true), ("short", false)]
    );
    assert_eq!(told[1]["evidence"], "n_chars 2 < 10");
    let measure = &told[1]["measures"][0];
    assert_eq!(
        (measure["rule"].as_str(), measure["value"].as_f64(), measure["holds"].as_bool()),
        (Some("min_chars"), Some(2.), Some(false))
    );
    let read = |name: &str| json(&std::fs::read_to_string(world.path("out").join(name)).unwrap());
    assert_eq!(read("kept.jsonl")[0]["id"], "good");
    let rejected = &read("rejected.jsonl")[0];
    assert_eq!((rejected["rule"].as_str(), rejected["text"].as_str()), (Some("min_chars"), Some("米。")));
    assert_eq!(std::fs::read_dir(world.path("out")).unwrap().count(), 2, "nothing half-written is left");
}

#[test]
fn threads_and_pipes_do_not_show() {
    let world = World::new();
    let line =
        |i: usize| serde_json::json!({"id": i.to_string(), "text": format!("{i}番の人は米です。電話は03-1234-5678です。")}).to_string();
    let text: String = (0..3000).map(|i| line(i) + "\n").collect();
    world.write("in.jsonl", &text);
    let from_file = world.run(&["filter", "in.jsonl", "--preset", "none", "--threads", "1"]).1;
    let mut child = world.seimai(&["filter", "-", "--preset", "none", "--threads", "4"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let (code, out, err) = said(&child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{err}");
    let without_source = |text: &str| {
        json(text).into_iter().map(|mut line| line.as_object_mut().unwrap().remove("source").map(|_| line)).collect::<Vec<_>>()
    };
    assert_eq!(without_source(&out), without_source(&from_file));
    assert_eq!(json(&out).len(), 3000);
    assert!(out.contains("<PHONE>") && !out.contains("03-"), "personal data is masked as in a run");
}

#[test]
fn what_it_cannot_do_is_refused() {
    let world = World::new();
    input(&world);
    let refused = |arguments: &[&str], part: &str| {
        let (code, _, err) = world.run(arguments);
        assert!(code == 2 && err.contains(part), "{err}");
    };
    refused(&["filter", "in.jsonl", "--preset", "wev"], "web");
    refused(
        &["filter", "in.jsonl", "--set", "keigo.policy=rebalance", "--set", "keigo.rebalance.target={polite=1.0}"],
        "a mixture needs the whole corpus",
    );
}

#[test]
fn output_is_a_directory_outside_of_the_inputs() {
    let world = World::new();
    world.write("in/a.jsonl", "{\"text\": \"一番の人は米です。\"}\n");
    world.write("file", "mine");
    for (arguments, part) in [
        (["in", "-o", "file"], "a file stands"),
        (["in", "-o", "in"], "lies inside the input in"),
        (["in", "-o", "in/new/out"], "lies inside the input in"),
        ([".", "-o", "out"], "lies inside the input ."),
    ] {
        let (code, _, err) = world.run(&[&["filter", "--preset", "none"][..], &arguments].concat());
        assert!(code == 2 && err.contains(part) && err.contains("hint"), "{err}");
    }
    assert_eq!(std::fs::read_dir(world.path("in")).unwrap().count(), 1, "nothing was written");
    let call = |files: &str| world.run(&["filter", files, "--preset", "none", "-o", "out"]).0;
    assert_eq!(call("in"), 0);
    assert_eq!(call("in"), 0, "the same again");
    assert_eq!(call("out/kept.jsonl"), 2, "an input that would be written");
    assert_eq!(std::fs::read_to_string(world.path("file")).unwrap(), "mine");
}
