//! `--sample` and `--limit`: a part of the inputs, drawn by document or taken from the front.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{World, manifest, repository, rows, strings, tree, unfinished};

/// Documents with and without ids, plain and compressed, unreadable ones between them.
fn corpus() -> World {
    let world = World::new();
    let record = |n: u64| match n % 11 {
        4 => format!("{{\"text\":\"{n}は切れて\n"),
        _ if n.is_multiple_of(2) => format!("{{\"id\":\"r{n}\",\"text\":\"{n}番の文書です。\"}}\n"),
        _ => format!("{{\"text\":\"{n}番の文書です。精米した米を{}回炊く。\"}}\n", n * n % 97),
    };
    let records = |from: u64, to: u64| (from..to).fold(String::new(), |mut all, n| all.write_str(&record(n)).map(|()| all).unwrap());
    world.write("in/a.jsonl", records(0, 130));
    world.write("in/b.jsonl.zst", zstd::encode_all(records(130, 300).as_bytes(), 1).unwrap());
    world.write("in/c.txt", "ただ一つの文書です。");
    world.write("in/d.parquet", fs::read(repository().join("corpora-samples/mixed.parquet")).unwrap());
    world.write("in/e.jsonl", records(300, 420));
    world.write("plan.toml", PLAN);
    world
}

const PLAN: &str = "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 300\n[shards]\nrows_max = 30\n[pack]\nsequence_length = 64\n";

fn run(world: &World, out: &str, more: &[&str]) -> String {
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", out, "--progress", "none"], more].concat());
    assert!(code == 0 || code == 3, "{more:?}: {code} {err}");
    let (code, said, _) = world.run(&["verify", out, "--progress", "none"]);
    assert_eq!(code, 0, "{more:?}: {said}");
    err
}

/// The documents of a run, kept or not.
fn documents(world: &World, out: &str) -> BTreeSet<String> {
    ["documents", "rejected"].iter().flat_map(|dir| strings(&rows(&world.path(out).join(dir)), "doc_id")).collect()
}

fn quarantine(world: &World, out: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(world.path(out).join("quarantine.jsonl")).unwrap();
    let lines: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), text.lines().count(), "no line twice");
    lines
}

fn figure(world: &World, out: &str, key: &str) -> u64 {
    manifest(&world.path(out))["totals"][key].as_u64().unwrap_or(0)
}

#[test]
fn a_larger_sample_holds_a_smaller_one_and_the_law_holds() {
    let world = corpus();
    run(&world, "all", &[]);
    assert!(!fs::read_to_string(world.path("all/manifest.json")).unwrap().contains("left_out"));
    let total = figure(&world, "all", "read");
    let mut before = (BTreeSet::new(), BTreeSet::new());
    for share in ["0.01%", "15%", "50%", "100%"] {
        let err = run(&world, "out", &["--sample", share]);
        let now = (documents(&world, "out"), quarantine(&world, "out"));
        assert!(before.0.is_subset(&now.0) && before.1.is_subset(&now.1), "{share}");
        assert!(now.0.is_subset(&documents(&world, "all")) && now.1.is_subset(&quarantine(&world, "all")), "{share}");
        let (read, left_out) = (figure(&world, "out", "read"), figure(&world, "out", "left_out"));
        assert_eq!(read + left_out, total, "{share}");
        assert_eq!(read, ["kept", "rejected", "quarantined"].iter().map(|key| figure(&world, "out", key)).sum::<u64>(), "{share}");
        assert!(err.contains("left out") && err.contains(&share.replace('%', " %")), "{err}");
        before = now;
    }
    assert_eq!(before, (documents(&world, "all"), quarantine(&world, "all")));
}

#[test]
fn a_sample_does_not_show_threads_shards_or_neighbours() {
    let world = corpus();
    run(&world, "one", &["--sample", "40%", "--threads", "1"]);
    run(&world, "four", &["--sample", "40%", "--threads", "4"]);
    assert_eq!(tree(&world.path("one")), tree(&world.path("four")));
    let texts = |out: &str| strings(&rows(&world.path(out).join("documents")), "text");
    for size in ["shards.rows_max=1", "shards.rows_max=7", "shards.rows_max=60000"] {
        run(&world, "other", &["--sample", "40%", "--set", size]);
        assert_eq!(texts("one"), texts("other"), "{size}");
        assert_eq!(quarantine(&world, "one"), quarantine(&world, "other"), "{size}");
    }
    // The plan says the same, and a file by itself gives what it gives among others.
    run(&world, "plan", &["--set", "input.sample=0.4"]);
    assert_eq!(tree(&world.path("one")), tree(&world.path("plan")));
    let whole = documents(&world, "one");
    run(&world, "alone", &["--sample", "40%", "--set", "input.paths=[\"in/e.jsonl\"]"]);
    let alone = documents(&world, "alone");
    assert!(alone.len() > 20 && alone.is_subset(&whole));
    // `filter` takes the same documents.
    let (_, said, err) = world.run(&["filter", "in", "--preset", "none", "--sample", "40%"]);
    let ids: BTreeSet<String> =
        said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, whole);
    assert!(err.contains("left out"), "{err}");
}

#[test]
fn a_limit_takes_the_front_and_a_larger_one_uses_its_shards() {
    let world = corpus();
    run(&world, "all", &[]);
    let all = strings(&rows(&world.path("all/documents")), "text");
    let annotated = |out: &str| {
        let entries = unfinished::entries(&world.path(out)).into_iter();
        entries.filter(|entry| entry.to_str().unwrap().contains("/annotate/")).collect::<Vec<_>>()
    };
    for limit in [1, 29, 30, 31, 128, 210, 1000] {
        let err = run(&world, "out", &["--limit", &limit.to_string()]);
        let read = figure(&world, "out", "read");
        assert_eq!(read, limit.min(figure(&world, "all", "read")));
        assert!(quarantine(&world, "out").is_subset(&quarantine(&world, "all")));
        let texts = strings(&rows(&world.path("out/documents")), "text");
        assert!(all.starts_with(&texts) && texts.len() as u64 == figure(&world, "out", "kept"), "{limit}");
        assert_eq!(err.contains("behind them was not read"), limit < 1000, "{err}");
    }
    let facts = manifest(&world.path("out"));
    assert_eq!(facts["taken"], serde_json::json!({"limit": 1000}));
    run(&world, "first", &["--limit", "60"]);
    let before: BTreeSet<_> = annotated("first").into_iter().collect();
    run(&world, "first", &["--limit", "120"]);
    assert!(before.len() == 2 && before.is_subset(&annotated("first").into_iter().collect()), "full shards are used again");
    let (_, said, _) = world.run(&["filter", "in", "--preset", "none", "--limit", "31"]);
    run(&world, "out", &["--limit", "31"]);
    assert_eq!(said.lines().count() as u64, figure(&world, "out", "kept"));
    // The first of which a sample is drawn.
    run(&world, "both", &["--limit", "200", "--sample", "50%"]);
    assert_eq!(figure(&world, "both", "read") + figure(&world, "both", "left_out"), 200);
}

#[test]
fn killed_and_resumed_a_sample_has_the_same_bytes() {
    let world = corpus();
    let more = ["--sample", "60%", "--limit", "350"];
    let started = Instant::now();
    run(&world, "whole", &more);
    let whole = started.elapsed();
    for trial in 0..6_u32 {
        let mut child = world.seimai(&[&["run", "plan.toml", "--out", "out", "--progress", "none"], &more[..]].concat());
        let mut child = child.stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.mul_f64((f64::from(trial) * 0.618_034).fract()).min(Duration::from_secs(5)));
        let _ = child.kill();
        child.wait().unwrap();
        unfinished::assert_entries_hold(&world.path("out"));
    }
    run(&world, "out", &more);
    assert_eq!(tree(&world.path("whole")), tree(&world.path("out")));
}

#[test]
fn what_a_manifest_says_of_a_part_is_not_believed() {
    let world = corpus();
    run(&world, "out", &["--sample", "50%", "--limit", "200", "--set", "tokenizer.train_bytes=3000"]);
    let truth = manifest(&world.path("out"));
    let lies: [(&str, serde_json::Value, &str); 9] = [
        ("/tokenizer/learned_from/bytes", 3000.into(), "learned_from bytes 3000"),
        ("/tokenizer/learned_from/documents", 1.into(), "learned_from documents 1"),
        ("/tokenizer/learned_from/wanted_bytes", 2000.into(), "from other documents than plan.toml gives"),
        ("/tokenizer/learned_from", serde_json::Value::Null, "from other documents than plan.toml gives"),
        ("/totals/left_out", 1.into(), "left_out"),
        ("/inputs/0/left_out", 1.into(), "left_out"),
        ("/taken/sample", 0.4.into(), "another part of the inputs"),
        ("/taken/limit", 50.into(), "more than the limit of 50"),
        ("/taken", serde_json::Value::Null, "nothing was sampled"),
    ];
    for (key, lie, told) in lies {
        let mut said = truth.clone();
        *said.pointer_mut(key).unwrap() = lie;
        let bytes = serde_json::to_vec_pretty(&said).unwrap();
        world.write("out/manifest.json", &bytes);
        world.write("out/_SUCCESS", format!("blake3 {} manifest.json\n", blake3::hash(&bytes).to_hex()));
        let (code, found, err) = world.run(&["verify", "out", "--progress", "none"]);
        assert!(code == 3 && found.contains(told), "{key}: {code} {found}{err}");
    }
}

const SPLIT: [&str; 4] = ["--set", "dedup.near=0.99", "--set", "split.validation=0.2"];

/// A vocabulary is learned from about so many bytes of what is kept; which documents they are follows from their ids alone.
#[test]
fn a_vocabulary_is_learned_from_a_sample_of_what_is_kept() {
    let world = corpus();
    let sampled = |out: &str, more: &[&str]| {
        run(&world, out, &[&SPLIT[..], &["--set", "tokenizer.train_bytes=6000"], more].concat());
        manifest(&world.path(out))
    };
    let said = sampled("out", &["--threads", "1"]);
    let learned_from = |key: &str| said["tokenizer"]["learned_from"][key].as_u64().unwrap();
    assert_eq!(learned_from("wanted_bytes"), 6000);
    assert!((4500..7500).contains(&learned_from("bytes")), "{said}");
    let trained_on = figure(&world, "out", "kept") - said["validation"]["kept"].as_u64().unwrap();
    assert!((20..trained_on / 2).contains(&learned_from("documents")), "{said}");
    sampled("again", &["--threads", "3"]);
    assert_eq!(tree(&world.path("out")), tree(&world.path("again")));
    // All of it: nothing is said, and the same as with any number that is large enough.
    run(&world, "whole", &SPLIT);
    assert!(manifest(&world.path("whole"))["tokenizer"].get("learned_from").is_none());
    let enough = said["totals"]["kept_bytes"].to_string();
    run(&world, "out", &[&SPLIT[..], &["--set", &format!("tokenizer.train_bytes={enough}")]].concat());
    assert_eq!(fs::read(world.path("out/counts.parquet")).unwrap(), fs::read(world.path("whole/counts.parquet")).unwrap());

    let (code, estimate, err) = world.run(&["plan", "plan.toml", "--set", "tokenizer.train_bytes=6000"]);
    assert!(code == 0 && estimate.contains("vocabulary") && estimate.contains("train_bytes"), "{estimate}{err}");
}

#[test]
fn a_plan_is_estimated_for_the_part_and_says_which() {
    let world = corpus();
    let plan = |more: &[&str]| {
        let (code, said, err) = world.run(&[&["plan", "plan.toml"], more].concat());
        assert_eq!(code, 0, "{err}");
        said
    };
    assert!(!plan(&[]).contains("sample"));
    let said = plan(&["--sample", "0.7%"]);
    assert!(said.contains("\nsample = 0.007\n") && said.contains("the sample of 0.7 % of"), "{said}");
    let said = plan(&["--limit", "10"]);
    assert!(said.contains("\nlimit = 10\n") && said.contains("the first 10 records"), "{said}");
    for wrong in [["--sample", "1"], ["--sample", "0%"], ["--sample", "101%"], ["--limit", "0"], ["--set", "input.sample=2"]] {
        for command in [&["plan", "plan.toml"][..], &["run", "plan.toml", "--out", "no"], &["filter", "in"]] {
            let (code, _, err) = world.run(&[command, &wrong].concat());
            assert!(code == 2 && err.lines().count() < 12 && !world.path("no").exists(), "{wrong:?}: {code} {err}");
        }
    }
}
