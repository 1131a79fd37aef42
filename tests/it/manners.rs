//! How the program behaves towards people: what it says of a plan that is wrong.

use std::io::Write;
use std::process::Stdio;

use crate::harness::{World, said};

const PLAN: &str = "[input]\npaths = [\"a.jsonl\"]\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n";

fn world() -> World {
    let world = World::new();
    world.write("a.jsonl", "{\"text\": \"米を精米する。\"}\n{\"text\": \"水を汲む。\"}\n");
    world.write("plan.toml", PLAN);
    world
}

/// Runs the program with something on standard input.
pub(crate) fn piped(world: &World, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = world.seimai(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that has seen enough closes its end.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    said(&child.wait_with_output().unwrap())
}

#[test]
fn everything_that_is_wrong_with_a_plan_is_told_at_once() {
    let world = world();
    let plan = "[input]
paths = [\"gone.jsonl\", \"a.jsonl\", \"*.none\"]
limit = -3
[segment]
dictionary = \"klingon\"
[quality]
preset = \"wev\"
words = [\"words.txt\"]
url_lists = [\"ut1\"]
[dedup]
near = 7.0
decontaminate = [\"set.jsonl\"]
[tokenizer]
vocab_sizes = 3
[pack]
sequence_length = 0
";
    world.write("bad.toml", plan);
    let expected = [
        (2, "gone.jsonl"),
        (2, "*.none"),
        (3, "input.limit"),
        (5, "klingon"),
        (7, "`wev`"),
        (8, "words.txt"),
        (9, "ut1"),
        (11, "dedup.near"),
        (12, "set.jsonl"),
        (14, "`vocab_sizes`"),
        (16, "pack.sequence_length"),
    ];
    for command in [&["plan", "bad.toml"][..], &["run", "bad.toml", "--out", "out"]] {
        let (code, out, err) = world.run(command);
        let errors: Vec<&str> = err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!((code, out.as_str(), errors.len()), (2, "", expected.len()), "{err}");
        for ((line, words), error) in expected.iter().zip(errors) {
            assert!(error.starts_with(&format!("error: bad.toml:{line}: ")) && error.contains(words), "{words}: {error}");
        }
        assert!(err.contains("hint: the nearest valid key is `vocab_size`") && err.ends_with("11 errors; nothing was done\n"), "{err}");
        assert!(!world.path("out").exists());
    }
    // Also where the plan itself is sound.
    world.write("lists.toml", "[input]\npaths = [\"gone.jsonl\"]\n[quality]\nwords = [\"x.txt\", \"y.txt\"]\n");
    for command in [&["plan", "lists.toml"][..], &["run", "lists.toml", "--out", "out"]] {
        let (code, _, err) = world.run(command);
        let starts = ["error: lists.toml:2: ", "error: lists.toml:4: ", "error: lists.toml:4: "];
        let errors: Vec<&str> = err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert!(code == 2 && errors.len() == 3 && errors.iter().zip(starts).all(|(error, start)| error.starts_with(start)), "{err}");
    }
}

#[test]
fn a_plan_may_come_through_a_pipe() {
    let world = world();
    let (code, out, err) = piped(&world, &["plan", "-"], PLAN);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out, world.run(&["plan", "plan.toml"]).1);
    let (code, _, err) = piped(&world, &["plan", "-"], "[pack]\nwindow = 0\n[input]\npaths = [\"a.jsonl\"]\n");
    assert!(code == 2 && err.contains("standard input:2: pack.window"), "{err}");
    let (code, _, err) = piped(&world, &["run", "-", "--out", "out", "--set", "quality.preset=none"], PLAN);
    assert_eq!(code, 0, "{err}");
    assert_eq!(world.run(&["verify", "out"]).0, 0);
}

#[test]
fn data_is_no_plan_and_a_plan_no_data() {
    let world = world();
    world.write("list.json", "[\n  {\"text\": \"米\"}\n]\n");
    world.write("table.parquet", b"PAR1\x15\x04PAR1");
    world.write("page.html", "<!DOCTYPE html><html><p>米</p></html>");
    let many = "{\"text\": \"米を精米する。\"}\n".repeat(60_000);
    world.write("many.jsonl", &many);
    let cases = [
        ("a.jsonl", "JSON Lines data"),
        ("many.jsonl", "JSON Lines data"),
        ("list.json", "a JSON array"),
        ("table.parquet", "a Parquet table"),
        ("page.html", "an HTML page"),
    ];
    for (file, what) in cases {
        for command in [&["plan", file][..], &["run", file, "--out", "out"]] {
            let (code, _, err) = world.run(command);
            assert!(code == 2 && err.contains(&format!("{file}: this is {what}: data, not a plan")), "{err}");
            assert!(err.contains("seimai init --input ") && err.lines().count() == 2, "{err}");
        }
    }
    let (code, _, err) = piped(&world, &["plan", "-"], &many);
    assert!(code == 2 && err.contains("standard input: this is JSON Lines data"), "{err}");
    for command in [&["normalize", "plan.toml"][..], &["filter", "plan.toml"], &["inspect", "--input", "plan.toml"]] {
        let (code, _, err) = world.run(command);
        assert!(code == 2 && err.contains("plan.toml: this is a plan, not data") && err.contains("seimai run plan.toml"), "{err}");
    }
    world.write("notes.toml", "title = \"米\"\n");
    assert_eq!(world.run(&["normalize", "notes.toml"]).0, 0, "another TOML file is text");
}
