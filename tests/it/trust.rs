//! What is promised of dictionaries, files and the machine, tried from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{World, said, skipped};

const LINES: &str = "外国人参政権を考える。\n東京都に住む。すもももももももものうち\n";

/// A world with a store of its own, and the directory of the dictionary in it.
fn world() -> (World, PathBuf, PathBuf) {
    let world = World::new();
    world.write("lines.txt", LINES);
    let store = world.path("store");
    let tiny = crate::harness::repository().join("tests/it/tiny_dictionary");
    let dir = seimai::segment::store::import(&store, &tiny, Some("ipadic")).unwrap();
    (world, store, dir)
}

/// Can programs be traced here?
fn traces(world: &World) -> bool {
    world.program("strace").args(["-f", "-qq", "-e", "trace=none", "true"]).output().is_ok_and(|output| output.status.success())
}

#[test]
fn no_command_opens_a_socket() {
    let (world, store, _) = world();
    if !traces(&world) {
        return skipped("no_command_opens_a_socket", "strace, and leave to trace");
    }
    world.write("in/a.jsonl", "{\"text\": \"外国人参政権を考える。東京都に住む。\"}\n");
    world.write("plan.toml", "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    for arguments in [
        &["--version"][..],
        &["init"],
        &["plan", "plan.toml"],
        &["run", "plan.toml", "--out", "out"],
        &["run", "plan.toml", "--out", "out"],
        &["verify", "out"],
        &["gc", "out", "--dry-run"],
        &["inspect", "--input", "in/a.jsonl"],
        &["dictionary", "list"],
        &["dictionary", "verify"],
        &["normalize", "in/a.jsonl"],
        &["segment", "lines.txt"],
        &["keigo", "lines.txt"],
        &["pii", "lines.txt"],
        &["filter", "in/a.jsonl", "--preset", "none", "-o", "filtered"],
        &["count", "in/a.jsonl", "-o", "counts.parquet"],
        &["train", "counts.parquet", "--vocab-size", "300", "-o", "tokenizer.json"],
        &["tokenizer", "report", "tokenizer.json", "--input", "in/a.jsonl"],
        &["encode", "in/a.jsonl", "--tokenizer", "tokenizer.json", "-o", "encoded"],
        &["decode", "out"],
        &["pack", "out/tokens", "--sequence-length", "64", "-o", "packed"],
        &["export", "--help"],
    ] {
        let log = world.path("network");
        let mut traced = world.program("strace");
        traced.args(["-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o"]).arg(&log).arg(env!("CARGO_BIN_EXE_seimai"));
        let (code, _, err) = said(&traced.args(arguments).env("SEIMAI_DICTIONARIES", &store).output().unwrap());
        assert_eq!(code, 0, "{arguments:?}: {err}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "", "{arguments:?}");
    }
}

#[test]
fn a_hangup_stops_a_run_as_other_signals_do_unless_it_is_ignored() {
    let (world, ..) = world();
    let text = (0..6_000).map(|n| format!("{{\"text\": \"外国人参政権を考える。東京都に住む。{n}\"}}\n")).collect::<Vec<_>>().concat();
    world.write("in/a.jsonl", text);
    world.write(
        "plan.toml",
        "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n[shards]\nrows_max = 100\n",
    );
    let whole = world.run(&["run", "plan.toml", "--out", "whole"]);
    assert_eq!(whole.0, 0, "{}", whole.2);
    let program = env!("CARGO_BIN_EXE_seimai");
    for (before, stops) in [("", true), ("trap '' HUP;", false)] {
        let out = if stops { "stopped" } else { "ignored" };
        let script = format!("{before} exec {program} run plan.toml --out {out} --threads 1 --progress none");
        let child = world.program("bash").args(["-c", &script]).stderr(std::process::Stdio::piped()).spawn().unwrap();
        while !crate::harness::unfinished::has_begun(&world.path(out)) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
        let (code, _, err) = said(&child.wait_with_output().unwrap());
        if stops {
            assert!(code == 129 && err.contains("SIGHUP") && err.contains("resume"), "{code}: {err}");
            assert!(!world.path("stopped/_SUCCESS").exists());
            assert_eq!(world.run(&["run", "plan.toml", "--out", "stopped"]).0, 0, "it resumes");
        } else {
            assert_eq!(code, 0, "{err}");
        }
        assert_eq!(crate::harness::tree(&world.path(out)), crate::harness::tree(&world.path("whole")));
    }
}
