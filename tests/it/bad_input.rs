//! Bad requests: one sentence that says what, where and what to do; the exit code of the contract; nothing half-written.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{World, said, tree};

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
        ("[input]\npaths = [\"a.jsonl\"]\n[pii]\naction = \"hide\"\n", &["pii.action", "`hide`", "mask"]),
        ("[input]\npaths = [\"a.jsonl\"]\n[pii.kinds]\nTELEPHONE = \"mask\"\n", &["`TELEPHONE`", "PHONE"]),
        (
            "[input]\npaths = [\"a.jsonl\"]\n[tokenizer]\nspecial_tokens = [\"<|endoftext|>\", \"<|pad|>\", \"<PHONE>\"]\n",
            &["tokenizer.special_tokens", "<PHONE>", "another name"],
        ),
        ("[input]\npaths = [\"a.jsonl\"]\n[dedup]\nnear = 7.0\n", &["dedup.near"]),
    ];
    for (plan, words) in cases {
        world.write("bad.toml", plan);
        refused(&world, &["run", "bad.toml", "--out", "out"], words);
        refused(&world, &["plan", "bad.toml"], words);
    }
    refused(&world, &["run", "plan.toml", "--out", "out", "--set", "tokenizer.vocabsize=3"], &["vocabsize", "vocab_size"]);
    for command in [&["run", "plan.toml", "--out", "out"][..], &["plan", "plan.toml"]] {
        refused(&world, &[command, &["--set", "input.paths=[\"-\"]"]].concat(), &["input.paths: standard input"]);
        refused(&world, &[command, &["--memory", "64MiB"]].concat(), &["--memory: a run needs at least"]);
    }
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
    let world = world();
    world.write("mine/notes.txt", "keep me");
    for out in ["mine", "a.jsonl"] {
        let (code, _, err) = world.run(&["run", "plan.toml", "--out", out, "--fresh"]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(out) && err.contains("hint") && !err.contains("inputs lie inside"), "{err}");
    }
    assert_eq!(fs::read_to_string(world.path("mine/notes.txt")).unwrap(), "keep me");
}

#[test]
fn an_unreadable_file_in_a_directory_is_quarantined() {
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
    let world = world();
    assert_eq!(world.run(&["run", "plan.toml", "--out", "whole"]).0, 0);
    let program = env!("CARGO_BIN_EXE_seimai");
    let limited = format!("ulimit -f 1; exec {program} run plan.toml --out out --progress none");
    let output = world.program("bash").args(["-c", &limited]).output().unwrap();
    let (code, _, err) = said(&output);
    assert_eq!(code, 4, "{err}");
    assert!(!world.path("out/_SUCCESS").exists());
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 0, "it resumes");
    assert_eq!(tree(&world.path("whole")), tree(&world.path("out")));
}

#[test]
fn progress_for_programs_is_json_to_the_last_line() {
    let world = world();
    for already_done in [false, true] {
        let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--progress", "json", "--verbose"]);
        assert_eq!(code, 0, "{err}");
        let events: Vec<serde_json::Value> = err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = events.last().unwrap();
        assert!(last["event"] == "run_finished" && last["read"] == 2 && last["already_done"] == already_done, "{last}");
    }
}

/// Few descriptors are the machine's want: a run finishes with all its input, or says so; nothing is quarantined for it.
#[test]
fn few_descriptors_cost_no_input() {
    let world = world();
    let samples = crate::harness::repository().join("corpora-samples");
    let tables = fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path());
    let table = tables.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).min().unwrap();
    world.write("in/a.parquet", fs::read(table).unwrap());
    world.write(&format!("in/{}z.jsonl", "d/".repeat(60)), "{\"text\": \"深い所の文書。\"}\n");
    world.write("plan.toml", PLAN.replace("a.jsonl", "in"));
    assert_eq!(world.run(&["run", "plan.toml", "--out", "whole"]).0, 0);
    let program = env!("CARGO_BIN_EXE_seimai");
    let mut ended = Vec::new();
    for limit in (8..24).chain([32, 40]) {
        let command = format!("ulimit -n {limit}; exec {program} run plan.toml --out out{limit} --threads 2 --progress none");
        let (code, _, err) = said(&world.program("bash").args(["-c", &command]).output().unwrap());
        assert!(code == 0 || code == 4, "{limit} descriptors: {code} {err}");
        assert!(code == 4 || tree(&world.path("whole")) == tree(&world.path(&format!("out{limit}"))), "{limit} descriptors");
        ended.push(code);
    }
    assert!(ended.contains(&0) && ended.contains(&4), "{ended:?}");
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

#[test]
fn segment_gives_what_damaged_compression_holds() {
    let world = World::new();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all("米を炊く\n水を炊く".as_bytes()).unwrap();
    let mut cut = gzip.finish().unwrap();
    cut.truncate(cut.len() - 8);
    world.write("cut.gz", cut);
    world.write("whole.txt", "精米をする\n");
    let (code, out, err) = world.run(&["segment", "cut.gz", "whole.txt"]);
    assert_eq!((code, out.as_str()), (3, "米 を 炊く\n水 を 炊く\n精米 を する\n"), "{err}");
    assert!(err.contains("cut.gz") && err.contains("gzip") && err.contains("cut"), "{err}");
}

#[test]
fn a_line_over_16_mib_is_cut_and_told() {
    let world = World::new();
    world.write("long.txt", format!("{}\n米\n", "米 を\t".repeat((18 << 20) / 8)));
    let (code, out, err) = world.run(&["segment", "long.txt", "--format", "wakati", "--threads", "1"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("longer than 16 MiB"), "{err}");
    assert!(out.lines().count() == 2 && out.ends_with("\n米\n"), "{} lines", out.lines().count());
}

#[test]
fn a_full_standard_output_is_exit_code_4() {
    let world = world();
    for arguments in [&["normalize", "a.jsonl"][..], &["init"], &["--help"], &["normalize", "--form", "none", "a.jsonl"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, _, err) = said(&world.seimai(arguments).stdout(full).output().unwrap());
        assert_eq!(code, 4, "{arguments:?}: {err}");
        assert!(err.contains("standard output: cannot write") && !err.contains("resume"), "{arguments:?}: {err}");
    }
}

#[test]
fn normalize_passes_meta_through() {
    let world = World::new();
    world.write("a.jsonl", "{\"text\": \"ｱ\", \"meta\": {\"n\": 1.10, \"big\": 123456789012345678901234567890}}\n[1]\n");
    let (code, out, err) = world.run(&["normalize", "a.jsonl"]);
    assert_eq!((code, out.as_str()), (3, "{\"text\":\"ア\",\"meta\":{\"n\": 1.10, \"big\": 123456789012345678901234567890}}\n"), "{err}");
    assert!(err.contains("1 records could not be read") && err.contains("line 2"), "{err}");
}

#[test]
fn names_that_are_not_utf8_are_read() {
    let world = world();
    let name = OsStr::from_bytes(b"\xff[\xe9.jsonl");
    fs::rename(world.path("a.jsonl"), world.dir.path().join(name)).unwrap();
    let (code, out, err) = said(&world.seimai(&["normalize"]).arg(name).output().unwrap());
    assert_eq!((code, out.lines().count()), (0, 2), "{err}");
    let (code, out, err) = said(&world.seimai(&["segment"]).arg(name).output().unwrap());
    assert_eq!((code, out.lines().count()), (0, 2), "{err}");
}

#[test]
fn decode_refuses_what_is_no_token_shard() {
    let world = world();
    let samples = crate::harness::repository().join("corpora-samples");
    let foreign = fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path());
    let is_table = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "parquet");
    let foreign = foreign.filter(is_table).min().unwrap();
    world.write("tokenizer.json", "{}");
    refused(&world, &["decode", "a.jsonl", "--tokenizer", "none.json"], &["none.json", "hint: --tokenizer"]);
    refused(&world, &["decode", foreign.to_str().unwrap()], &["tokenizer.json", "hint: --tokenizer"]);
    refused(&world, &["decode", "a.jsonl", "--tokenizer", "tokenizer.json"], &["tokenizer.json"]);
    refused(&world, &["decode", "nothing"], &["nothing"]);
    assert_eq!(world.run(&["run", "plan.toml", "--out", "run"]).0, 0);
    assert_eq!(world.run(&["decode", "run"]), world.run(&["decode", "run/tokens"]), "a run stands for its tokens");
    assert_eq!(world.run(&["decode", "run"]).1.lines().count(), 2);
    assert_eq!(
        world.run(&["run", "plan.toml", "--out", "other", "--set", "tokenizer.special_tokens=[\"<|pad|>\", \"<|endoftext|>\"]"]).0,
        0
    );
    let other = "other/tokenizer/tokenizer.json";
    let hash = |path: &str| blake3::hash(&fs::read(world.path(path)).unwrap()).to_hex().to_string();
    let (ours, theirs) = (hash("run/tokenizer/tokenizer.json"), hash(other));
    refused(&world, &["decode", "run", "--tokenizer", other], &[&ours, &theirs, other, "part-00000", "hint: --tokenizer"]);
    for (shard, words) in
        [("run/documents", "input_ids"), ("a.jsonl", "not a token shard"), (foreign.to_str().unwrap(), "not a token shard")]
    {
        refused(&world, &["decode", shard, "--tokenizer", "run/tokenizer/tokenizer.json"], &[words, "hint"]);
    }
}

#[test]
fn a_signal_ends_what_is_no_run_at_once() {
    let world = world();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut child =
            world.seimai(&["normalize", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none(), "it waits for input");
        assert!(Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap().success());
        let open = child.stdin.take();
        let (ended, _, err) = said(&child.wait_with_output().unwrap());
        drop(open);
        assert_eq!((ended, err.as_str()), (code, ""));
    }
}

#[test]
fn an_archive_goes_only_where_a_directory_is() {
    let world = World::new();
    refused(&world, &["dictionary", "build", "ipadic", "--archive", "missing/x.tar.zst"], &["missing", "no directory"]);
    assert!(!world.path("missing").exists());
    refused(&world, &["dictionary", "build", "ipadic", "--archive", "."], &["is a directory"]);
}
