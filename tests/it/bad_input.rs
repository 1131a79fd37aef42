//! Bad requests: one sentence that says what, where and what to do; the exit code of the contract; nothing half-written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::harness::{World, has_ipadic, said, tree};

const PLAN: &str = "[input]\npaths = [\"a.jsonl\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n";

fn world() -> World {
    let world = World::new();
    world.write("a.jsonl", "{\"text\": \"米を精米する。\"}\n{\"text\": \"水を汲む。\"}\n");
    world.write("plan.toml", PLAN);
    world
}

/// Refused with exit code 2, the words in the message, and nothing written.
fn refused(world: &World, arguments: &[&str], words: &[&str]) {
    let (code, _, err) = world.run(arguments);
    assert_eq!(code, 2, "{arguments:?}: {err}");
    for word in words {
        assert!(err.contains(word), "{arguments:?}: no {word:?} in: {err}");
    }
    assert!(!err.contains("panicked") && err.lines().count() <= 4, "one sentence and a hint: {err}");
    assert!(!world.path("out").exists(), "{arguments:?}: something was written");
}

#[test]
fn bad_plans_are_refused_before_anything_is_written() {
    let world = world();
    refused(&world, &["run", "none.toml", "--out", "out"], &["none.toml", "hint"]);
    let cases: &[(&str, &[&str])] = &[
        ("[input]\npaths = []\n", &["input.paths"]),
        ("[input]\npaths = [\"missing.jsonl\"]\n", &["missing.jsonl"]),
        ("[input]\npaths = [\"*.parquet\"]\n", &["*.parquet"]),
        ("[input]\npaths = [\"a.jsonl\"]\npath = 1\n", &["bad.toml:3", "`path`", "`paths`"]),
        ("[inputs]\n", &["`inputs`", "`input`"]),
        ("[input\n", &["bad.toml:1"]),
        ("[input]\npaths = [\"a.jsonl\"]\n[segment]\ndictionary = \"klingon\"\n", &["klingon", "dictionary import"]),
        ("[input]\npaths = [\"a.jsonl\"]\n[tokenizer]\nvocab_size = 3\n", &["vocab_size"]),
        ("[input]\npaths = [\"a.jsonl\"]\n[pack]\nsequence_length = 0\n", &["sequence_length"]),
        ("[input]\npaths = [\"a.jsonl\"]\n[pii]\naction = \"mask\"\n", &["pii.action", "built"]),
        ("[input]\npaths = [\"a.jsonl\"]\n[dedup]\nnear = 7.0\n", &["dedup.near"]),
    ];
    for (plan, words) in cases {
        world.write("bad.toml", plan);
        refused(&world, &["run", "bad.toml", "--out", "out"], words);
        refused(&world, &["plan", "bad.toml"], words);
    }
    refused(&world, &["run", "plan.toml", "--out", "out", "--set", "tokenizer.vocabsize=3"], &["vocabsize", "vocab_size"]);
    refused(&world, &["run", "plan.toml", "--out", "out", "--threads", "0"], &["--threads"]);
    refused(&world, &["run", "plan.toml", "--out", "out", "--memory", "much"], &["--memory"]);
}

#[test]
fn a_missing_dictionary_names_the_commands_that_bring_it() {
    let world = world();
    let empty = world.path("store");
    fs::create_dir(&empty).unwrap();
    let output = world.seimai(&["run", "plan.toml", "--out", "out"]).env("SEIMAI_DICTIONARIES", &empty).output().unwrap();
    let (code, _, err) = said(&output);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("seimai dictionary fetch ipadic") && err.contains("seimai dictionary import"), "{err}");
    assert!(!world.path("out").exists());
}

#[test]
fn a_directory_of_others_and_a_file_are_no_output() {
    if !has_ipadic("a_directory_of_others_and_a_file_are_no_output") {
        return;
    }
    let world = world();
    world.write("mine/notes.txt", "keep me");
    for out in ["mine", "a.jsonl"] {
        let (code, _, err) = world.run(&["run", "plan.toml", "--out", out, "--fresh"]);
        assert_eq!(code, 2, "{err}");
    }
    assert_eq!(fs::read_to_string(world.path("mine/notes.txt")).unwrap(), "keep me");
}

#[test]
fn another_plan_or_changed_input_does_not_resume() {
    if !has_ipadic("another_plan_or_changed_input_does_not_resume") {
        return;
    }
    let world = world();
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 0);
    let before = tree(&world.path("out"));
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--set", "tokenizer.vocab_size=301"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--fresh"), "{err}");
    world.write("a.jsonl", "{\"text\": \"別の文書。\"}\n");
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("a.jsonl") && err.contains("changed"), "{err}");
    assert_eq!(before, tree(&world.path("out")), "the finished run is as it was");
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out", "--fresh"]).0, 0);
    assert_eq!(world.run(&["verify", "out"]).0, 0);
}

#[test]
fn an_unreadable_file_in_a_directory_is_quarantined() {
    if !has_ipadic("an_unreadable_file_in_a_directory_is_quarantined") {
        return;
    }
    let world = world();
    let path = world.write("in/b.jsonl", "{\"text\": \"読めない。\"}\n");
    world.write("in/a.jsonl", "{\"text\": \"読める。\"}\n");
    std::os::unix::fs::symlink("nowhere", world.path("in/c.jsonl")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let readable_anyway = fs::File::open(&path).is_ok(); // root reads everything
    world.write("plan.toml", PLAN.replace("a.jsonl", "in"));
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out"]);
    assert_eq!(code, 3, "{err}");
    let quarantine = fs::read_to_string(world.path("out/quarantine.jsonl")).unwrap();
    assert_eq!(quarantine.lines().count(), if readable_anyway { 1 } else { 2 }, "{quarantine}");
    assert_eq!(world.run(&["verify", "out"]).0, 0);
}

#[test]
fn a_file_size_limit_is_exit_code_4_and_resumable() {
    if !has_ipadic("a_file_size_limit_is_exit_code_4_and_resumable") {
        return;
    }
    let world = world();
    assert_eq!(world.run(&["run", "plan.toml", "--out", "whole"]).0, 0);
    let program = env!("CARGO_BIN_EXE_seimai");
    let limited = format!("ulimit -f 1; exec {program} run plan.toml --out out --progress none");
    let output = std::process::Command::new("bash").args(["-c", &limited]).current_dir(world.dir.path()).output().unwrap();
    let (code, _, err) = said(&output);
    assert_eq!(code, 4, "{err}");
    assert!(!world.path("out/_SUCCESS").exists());
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 0, "it resumes");
    assert_eq!(tree(&world.path("whole")), tree(&world.path("out")));
}

#[test]
fn a_closed_pipe_is_no_error_and_help_teaches() {
    let world = world();
    let mut child = world.seimai(&["init"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let (code, _, err) = said(&child.wait_with_output().unwrap());
    assert_eq!((code, err.as_str()), (0, ""));
    let (code, help, _) = world.run(&["--help"]);
    assert_eq!(code, 0);
    for command in ["run", "init", "plan", "dictionary", "normalize", "segment", "decode", "inspect", "verify"] {
        assert!(help.contains(command), "{command} is in --help");
        assert_eq!(world.run(&[command, "--help"]).0, 0);
    }
    assert_eq!(world.run(&["polish"]).0, 2);
    assert_eq!(world.run(&["verify", "nowhere"]).0, 2);
}
