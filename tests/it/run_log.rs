//! `run.log.jsonl`: what happened while a run was made, in order, and nothing that a run could fail by.

use std::fmt::Write as _;
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{World, tree};

const PLAN: &str = "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 400\n[shards]\nrows_max = 20\nbytes_max = 6000\n[pack]\nsequence_length = 64\n";
const RUN: [&str; 6] = ["run", "plan.toml", "--out", "out", "--progress", "none"];
const LOG: &str = "out/run.log.jsonl";

fn world(documents: usize) -> World {
    let world = World::new();
    let mut records = String::new();
    for n in 0..documents {
        writeln!(records, "{{\"id\":\"r{n}\",\"text\":\"{n}番の棚田では水路の泥を{}回さらうそうです。\"}}", n * n % 97).unwrap();
    }
    world.write("in/a.jsonl", records + "{broken\n");
    world.write("plan.toml", PLAN);
    world
}

/// The lines of the log; what is no JSON is null.
fn lines(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.path(LOG)).unwrap();
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
}

fn of<'a>(lines: &'a [Value], event: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["event"] == event).collect()
}

#[test]
fn a_log_says_what_a_run_did_and_nothing_of_its_texts() {
    let world = world(120);
    assert_eq!(world.run(&RUN).0, 3);
    let log = lines(&world);
    let (first, last) = (&log[0], &log[log.len() - 1]);
    assert!(
        first["event"] == "run_started" && first["inputs"] == 1 && first["threads"].is_u64() && first["memory_bytes"].is_u64(),
        "{first}"
    );
    let manifest: Value = serde_json::from_slice(&fs::read(world.path("out/manifest.json")).unwrap()).unwrap();
    assert_eq!(first["fingerprint"], manifest["fingerprint"]);
    assert!(last["event"] == "run_finished" && last["exit_code"] == 3 && last["read"] == 121 && last["quarantined"] == 1, "{last}");
    let times: Vec<&str> = log.iter().map(|line| line["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted() && times[0].len() == "2026-01-01T00:00:00.000Z".len(), "{times:?}");
    let (started, finished) = (of(&log, "pass_started"), of(&log, "pass_finished"));
    let names = |events: &[&Value]| events.iter().map(|event| event["pass"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&started), names(&finished));
    let annotate = finished.iter().find(|event| event["pass"] == "annotate").unwrap();
    assert!(annotate["documents"] == 120 && annotate["quarantined"] == 1 && annotate["skipped"] == 0, "{annotate}");
    assert!(annotate["units"].as_u64().unwrap() > 3 && annotate["bytes"].as_u64().unwrap() > 1000, "{annotate}");
    for event in &finished {
        let waits = event["waits"].as_object().unwrap();
        let waited: f64 = waits.values().map(|seconds| seconds.as_f64().unwrap()).sum();
        let all = event["workers"].as_f64().unwrap() * event["seconds"].as_f64().unwrap();
        assert!(waits.values().all(|seconds| seconds.as_f64().unwrap() >= 0.0) && waited <= all, "{event}");
    }
    assert!(annotate["waits"]["reading"].as_f64().unwrap() > 0.0 && annotate["waits"]["writing"].as_f64().unwrap() > 0.0, "{annotate}");
    let bytes = fs::read(world.path(LOG)).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("棚田"));

    // It is no output: whoever checks, or finds nothing to do, leaves it alone.
    assert_eq!(world.run(&["verify", "out"]).0, 0);
    assert_eq!(world.run(&RUN).0, 3);
    assert_eq!(fs::read(world.path(LOG)).unwrap(), bytes, "nothing was left to do");
    // The run without a document is another run, and has a log of its own.
    assert_eq!(world.run(&["forget", "out", "r7", "-o", "without", "--progress", "none"]).0, 0);
    assert_eq!(fs::read(world.path(LOG)).unwrap(), bytes, "the old run is as it was");
    assert!(fs::read_to_string(world.path("without/run.log.jsonl")).unwrap().contains("run_started"));
    // Another plan in the same place is another run, too: what it need not do again is said.
    assert_eq!(world.run(&[&RUN[..], &["--set", "tokenizer.vocab_size=390"]].concat()).0, 3);
    let log = lines(&world);
    assert_eq!(of(&log, "run_started").len(), 1);
    let skipped = of(&log, "pass_skipped");
    assert!(skipped.iter().any(|event| event["pass"] == "annotate" && event["skipped"] == annotate["units"]), "{skipped:?}");
    assert_eq!(world.run(&[&RUN[..], &["--fresh"]].concat()).0, 3);
    assert!(of(&lines(&world), "pass_skipped").iter().all(|event| event["pass"] == "sketch"), "made while annotating");
}

#[test]
fn a_resumed_run_goes_on_behind_what_its_log_says() {
    let world = world(120);
    // A share that waits for another one has ended well, and the run has not.
    assert_eq!(world.run(&[&RUN[..], &["--shard", "0/2", "--patience", "0"]].concat()).0, 0);
    let before = fs::read_to_string(world.path(LOG)).unwrap();
    let log = lines(&world);
    assert!(log[0]["share"] == "0/2" && log[log.len() - 1]["event"] == "share_done", "{log:?}");
    world.write(LOG, before.clone() + "{\"time\":\"2026-01-0");
    assert_eq!(world.run(&RUN).0, 3);
    let after = fs::read_to_string(world.path(LOG)).unwrap();
    assert!(after.starts_with(&before));
    let log = lines(&world);
    assert_eq!(log.iter().filter(|line| line.is_null()).count(), 1, "the cut line, by itself");
    let started = of(&log, "run_started");
    assert!(started.len() == 2 && started[0]["process"] != started[1]["process"], "{started:?}");
    let annotate: Vec<&Value> = of(&log, "pass_finished").into_iter().filter(|event| event["pass"] == "annotate").collect();
    assert!(annotate.len() == 2 && annotate[1]["skipped"] == annotate[0]["units"], "{annotate:?}");
}

#[test]
fn processes_that_share_a_run_write_whole_lines_and_name_themselves() {
    let world = world(600);
    let share = |n: usize| {
        world.seimai(&[&RUN[..], &["--threads", "1", "--shard", &format!("{n}/4")]].concat()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut shares: Vec<_> = (0..4).map(share).collect();
    for share in &mut shares {
        assert!([Some(0), Some(3)].contains(&share.wait().unwrap().code()));
    }
    let log = lines(&world);
    assert!(log.iter().all(|line| line["event"].is_string()), "no line is cut, and none stands in another");
    let started = of(&log, "run_started");
    let distinct = |key: &str| started.iter().map(|line| line[key].as_str().unwrap()).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!([started.len(), distinct("share"), distinct("process")], [4; 3], "{started:?}");
    let by = |process: &Value| log.iter().filter(|line| line["process"] == *process).collect::<Vec<_>>();
    for first in &started {
        let last = *by(&first["process"]).last().unwrap();
        assert!(last["event"] == "share_done" || last["event"] == "run_finished", "{last}");
    }
}

#[test]
fn an_interrupted_run_says_so_in_its_log() {
    let world = world(3000);
    for _ in 0..20 {
        let mut run = world.seimai(&RUN);
        let mut child = run.args(["--fresh", "--threads", "1"]).stderr(Stdio::null()).spawn().unwrap();
        // The log is there once the run has its directory.
        while child.try_wait().unwrap().is_none() && !fs::read_to_string(world.path(LOG)).is_ok_and(|log| log.contains("annotate")) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let pid = rustix::process::Pid::from_child(&child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        if child.wait().unwrap().code() == Some(143) {
            let log = lines(&world);
            let last = &log[log.len() - 1];
            assert!(last["event"] == "run_interrupted" && last["signal"] == 15 && last["exit_code"] == 143, "{last}");
            assert_eq!(world.run(&RUN).0, 3);
            assert_eq!(of(&lines(&world), "run_finished").len(), 1);
            return;
        }
    }
    panic!("every run ended before it was interrupted");
}

#[test]
fn a_log_that_cannot_be_written_costs_a_run_nothing() {
    let world = world(60);
    assert_eq!(world.run(&RUN).0, 3);
    let whole = tree(&world.path("out"));
    for in_the_way in ["another name", "a directory"] {
        fs::remove_dir_all(world.path("out")).unwrap();
        assert_eq!(world.run(&[&RUN[..], &["--shard", "0/2", "--patience", "0"]].concat()).0, 0);
        fs::remove_file(world.path(LOG)).unwrap();
        match in_the_way {
            "another name" => fs::hard_link(world.write("mine.txt", "mine"), world.path(LOG)).unwrap(),
            _ => fs::create_dir(world.path(LOG)).unwrap(),
        }
        let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--progress", "plain"]);
        assert_eq!((code, err.matches("the run goes on without its log").count()), (3, 1), "{in_the_way}: {err}");
        assert_eq!(tree(&world.path("out")), whole);
        assert!(in_the_way != "another name" || fs::read(world.path("mine.txt")).unwrap() == b"mine");
    }
}
