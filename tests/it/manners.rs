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

#[test]
fn plan_verify_and_list_speak_json() {
    let world = world();
    let json = |arguments: &[&str]| {
        let (code, out, err) = world.run(arguments);
        assert!(out.lines().count() == 1 || arguments[0] == "dictionary", "{out}{err}");
        (code, serde_json::from_str::<serde_json::Value>(&out).unwrap())
    };
    let (code, plan) = json(&["plan", "plan.toml", "--json", "--threads", "3", "--memory", "1GiB"]);
    assert_eq!((code, &plan["plan_version"], &plan["plan"]["tokenizer"]["vocab_size"]), (0, &1.into(), &300.into()));
    assert_eq!(
        (&plan["inputs"][0]["path"], &plan["threads"], &plan["memory_bytes"]),
        (&"a.jsonl".into(), &3.into(), &(1_u64 << 30).into())
    );
    assert_eq!((&plan["formats"]["known"][0]["format"], &plan["formats"]["known"][0]["records"]), (&"jsonl".into(), &2.into()));
    assert!(plan["estimate"]["disk_bytes"].as_u64().unwrap() > 0 && plan["dictionary"]["fingerprint"].as_str().unwrap().len() == 64);
    let (code, _, err) = world.run(&["plan", "plan.toml", "--json", "--set", "pack.window=0"]);
    assert!(code == 2 && err.contains("pack.window"), "{err}");

    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 0);
    let (code, verified) = json(&["verify", "out", "--json"]);
    assert_eq!((code, &verified["sound"], &verified["read"], &verified["balanced"]), (0, &true.into(), &2.into(), &true.into()));
    let part = world.path("out/tokens/part-00000.parquet");
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[9] ^= 1;
    std::fs::remove_file(&part).unwrap();
    world.write("out/tokens/part-00000.parquet", &bytes);
    let (code, verified) = json(&["verify", "out", "--json"]);
    assert_eq!((code, &verified["sound"]), (3, &false.into()));
    assert!(verified["damage"][0].as_str().unwrap().contains("tokens/part-00000.parquet"));

    let (code, list) = json(&["dictionary", "list", "--json"]);
    assert_eq!((code, &list[0]["name"], &list[0]["state"]), (0, &"ipadic".into(), &"ready".into()));
}

#[test]
fn colours_are_used_as_asked() {
    let world = world();
    world.write("k.jsonl", "{\"text\": \"社長がいらっしゃいます。\"}\n");
    let colours = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = world.seimai(arguments);
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("SEIMAI_COLOR");
        command.envs(variables.iter().copied());
        let (_, out, err) = said(&command.output().unwrap());
        (out + &err).contains('\u{1b}')
    };
    let keigo = ["keigo", "k.jsonl", "--format", "color"];
    let with = |more: &[&'static str]| [&keigo[..], more].concat();
    assert!(!colours(&keigo, &[]), "no terminal");
    assert!(colours(&with(&["--color", "always"]), &[("NO_COLOR", "1")]), "a flag comes before variables");
    assert!(!colours(&with(&["--color=never"]), &[("CLICOLOR_FORCE", "1"), ("SEIMAI_COLOR", "always")]));
    assert!(colours(&keigo, &[("CLICOLOR_FORCE", "1")]) && !colours(&keigo, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(colours(&keigo, &[("SEIMAI_COLOR", "always"), ("NO_COLOR", "1")]));
    assert!(colours(&["run", "--help", "--color", "always"], &[]) && !colours(&["run", "--help"], &[]), "help too");
    assert!(colours(&["verify", "none", "--color", "always"], &[]) && !colours(&["verify", "none"], &[]), "errors too");
}

#[test]
fn variables_stand_for_options_and_a_bad_one_is_named() {
    let world = world();
    let run =
        |arguments: &[&str], variables: &[(&str, &str)]| said(&world.seimai(arguments).envs(variables.iter().copied()).output().unwrap());
    let told = |arguments: &[&str], variables: &[(&str, &str)]| {
        let (code, out, err) = run(&[&["plan", "plan.toml", "--json"], arguments].concat(), variables);
        assert_eq!(code, 0, "{err}");
        let plan: serde_json::Value = serde_json::from_str(&out).unwrap();
        (plan["threads"].as_u64().unwrap(), plan["memory_bytes"].as_u64().unwrap())
    };
    let variables = [("SEIMAI_THREADS", "3"), ("SEIMAI_MEMORY", "700MiB")];
    assert_eq!(told(&[], &variables), (3, 700 << 20));
    assert_eq!(told(&["--threads", "2", "--memory=600MiB"], &variables), (2, 600 << 20), "a flag wins");
    let before = [&["--threads", "2"][..], &["plan", "plan.toml", "--json"]].concat();
    let plan: serde_json::Value = serde_json::from_str(&run(&before, &variables).1).unwrap();
    assert_eq!(plan["threads"], 2, "also before the command");
    let cases = [("SEIMAI_THREADS", "many"), ("SEIMAI_MEMORY", "1KiB"), ("SEIMAI_PROGRESS", "loud"), ("SEIMAI_COLOR", "blue")];
    for (name, value) in cases {
        let (code, _, err) = run(&["plan", "plan.toml"], &[(name, value)]);
        assert!(code == 2 && err.contains(value) && err.contains(&format!("environment variable {name}")), "{err}");
    }
    let (code, _, err) = run(&["plan", "plan.toml", "--threads", "0"], &[("SEIMAI_THREADS", "3")]);
    assert!(code == 2 && !err.contains("environment"), "the flag is wrong: {err}");
    let (_, help, _) = world.run(&["run", "--help"]);
    assert!(["SEIMAI_THREADS", "SEIMAI_MEMORY", "SEIMAI_PROGRESS", "SEIMAI_COLOR"].iter().all(|name| help.contains(name)), "{help}");
    let (code, _, err) = run(&["run", "plan.toml", "--out", "out"], &[("SEIMAI_PROGRESS", "json")]);
    assert!(code == 0 && err.lines().all(|line| line.starts_with('{')), "{err}");
}

#[test]
fn shells_complete_and_the_manual_has_a_page_for_each_command() {
    let world = world();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, err) = world.run(&["completions", shell]);
        assert!(code == 0 && err.is_empty(), "{shell}: {err}");
        for word in ["decontaminate", "sequence-length", "megatron", "completions"] {
            assert!(script.contains(word), "{shell} knows {word}");
        }
    }
    assert_eq!(world.run(&["completions", "tcsh"]).0, 2);
    let script = world.run(&["completions", "bash"]).1;
    world.write("seimai.bash", script);
    let complete = "source ./seimai.bash; COMP_WORDS=(seimai insp); COMP_CWORD=1; _seimai seimai insp seimai; echo \"${COMPREPLY[*]}\"";
    let (code, out, err) = said(&world.program("bash").args(["-c", complete]).output().unwrap());
    assert!(code == 0 && out.trim() == "inspect", "{out}{err}");
    let (code, _, err) = world.run(&["man", "man1"]);
    assert!(code == 0 && err.contains("pages"), "{err}");
    let page = |name: &str| std::fs::read_to_string(world.path(&format!("man1/{name}.1"))).unwrap();
    assert!(page("seimai-run").contains("\\-\\-sample") && page("seimai-run").contains("Examples:"));
    assert!(page("seimai-dictionary-fetch").contains("ipadic") && page("seimai").contains(".TH seimai 1"));
    let pages: Vec<_> = std::fs::read_dir(world.path("man1")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(pages.len() > 30 && pages.iter().all(|name| name.to_str().unwrap().ends_with(".1")), "{pages:?}");
}

#[test]
fn doctor_says_what_is_missing_and_what_to_do() {
    let world = world();
    let (code, out, err) = world.run(&["doctor", "--json"]);
    assert!(code == 0 && err.is_empty(), "{err}");
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let check = |told: &serde_json::Value, name: &str| {
        told["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap().clone()
    };
    assert_eq!(told["doctor_version"], 1);
    let dictionaries = check(&told, "dictionaries");
    assert_eq!((&dictionaries["facts"]["found"][0]["name"], &dictionaries["facts"]["found"][0]["sound"]), (&"ipadic".into(), &true.into()));
    assert!(check(&told, "memory")["facts"]["used_bytes"].as_u64().unwrap() > 0 && check(&told, "disk")["facts"]["writable"] == true);
    assert!(check(&told, "processor")["facts"]["cores"].as_u64().unwrap() > 0 && check(&told, "version")["facts"]["seimai"].is_string());

    // Nothing installed, a variable misspelled, memory that is not there, a file for a directory.
    let empty = world.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut ill = world.seimai(&["doctor", "a.jsonl", "--memory", "900TiB", "--json"]);
    let (code, out, _) = said(&ill.env("SEIMAI_DICTIONARIES", &empty).env("SEIMAI_TREADS", "3").output().unwrap());
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    let warnings = |name: &str| check(&told, name)["warnings"].clone();
    assert_eq!((code, warnings("dictionaries")), (0, serde_json::json!(["no_dictionary"])));
    assert_eq!(warnings("environment"), serde_json::json!(["unknown_variable"]));
    assert_eq!(warnings("memory"), serde_json::json!(["more_than_there_is"]));
    assert_eq!(warnings("disk"), serde_json::json!(["no_directory"]));
    for columns in [40, 200] {
        let mut ill = world.seimai(&["doctor", "gone/out"]);
        ill.env("SEIMAI_DICTIONARIES", &empty).env("SEIMAI_TREADS", "3").env("COLUMNS", columns.to_string());
        let (code, out, _) = said(&ill.output().unwrap());
        assert!(code == 0 && out.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= columns), "{out}");
        let told = out.contains("seimai dictionary fetch ipadic") && out.contains("SEIMAI_THREADS");
        assert!(told || columns == 40, "{out}");
    }

    // A dictionary with another byte in it.
    let store = world.path("store/ipadic");
    std::fs::create_dir_all(&store).unwrap();
    let found = dictionaries["facts"]["found"][0]["path"].as_str().unwrap();
    for entry in std::fs::read_dir(found).unwrap().map(Result::unwrap) {
        let mut bytes = std::fs::read(entry.path()).unwrap();
        if entry.file_name() == "lattice.bin" {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        }
        world.write(&format!("store/ipadic/{}", entry.file_name().to_str().unwrap()), &bytes);
    }
    let (code, out, _) = said(&world.seimai(&["doctor", "--json"]).env("SEIMAI_DICTIONARIES", world.path("store")).output().unwrap());
    let told: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &check(&told, "dictionaries")["warnings"]), (0, &serde_json::json!(["dictionary_damaged"])), "{out}");
}

#[test]
fn init_looks_at_the_data_and_what_it_proposes_works() {
    let world = World::new();
    let prose = "棚田では毎年の春に村の人が総出で水路の泥をさらい、夏には草を刈り、秋には稲を掛けて干すのだそうです。";
    let post = |n: usize| format!("{{\"uuid\": \"p{n}\", \"title\": \"題{n}\", \"body\": \"{prose}第{n}。\", \"lang\": \"ja\"}}\n");
    world.write("in/posts.jsonl", (0..40).map(post).collect::<String>());
    world.write("in/more.jsonl.gz", crate::harness::gzip(&(40..50).map(post).collect::<String>()));
    let (code, plan, err) = world.run(&["init", "--input", "in"]);
    assert_eq!(code, 0, "{err}");
    for words in
        ["text = \"body\"", "id = \"uuid\"", "rest = \"meta\"", "# What was found: 2 files.", "jsonl: 1 files (in/posts.jsonl); 40 records"]
    {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    assert!(err.contains("What was found") && err.contains("preset "), "{err}");
    world.write("plan.toml", plan);
    let small = ["--set", "tokenizer.vocab_size=300", "--set", "pack.sequence_length=64", "--set", "quality.preset=none"];
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", "out"][..], &small].concat());
    assert_eq!(code, 0, "every record is read as proposed: {err}");
    let manifest = crate::harness::manifest(&world.path("out"));
    assert_eq!(manifest["totals"]["read"], 50);

    // Files that need other fields get rules; others are named that are not read; a preset that is given is taken.
    world.write("in/table.csv", format!("key,content\n1,{prose}\n2,{prose}\n"));
    world.write("in/plain.txt", format!("{prose}\n"));
    world.write("in/paper.pdf", "%PDF-1.7\n");
    let (code, plan, err) = world.run(&["init", "--input", "in", "--preset", "dialogue"]);
    assert_eq!(code, 0, "{err}");
    for words in
        ["files = [\"**/*.csv\"]", "text = \"content\"", "files = [\"**/*.jsonl\"]", "not read: in/paper.pdf", "preset = \"dialogue\""]
    {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    world.write("plan.toml", plan);
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", "out2"][..], &small].concat());
    assert_eq!(code, 3, "the PDF file is no input: {err}");
    assert_eq!(crate::harness::manifest(&world.path("out2"))["totals"]["read"], 54);

    for (input, words) in [("gone/*.jsonl", "gone/*.jsonl"), ("in/paper.pdf", "pdf"), ("plan.toml", "this is a plan, not data")] {
        let (code, out, err) = world.run(&["init", "--input", input]);
        assert!(code == 2 && out.is_empty() && err.to_lowercase().contains(words), "{input}: {out}{err}");
    }
    let (code, plan, _) = world.run(&["init"]);
    assert!(code == 0 && plan.contains("paths = [\"corpora-samples/**/*\"]") && plan.contains("preset = \"web\""), "{plan}");
}
