//! `seimai vet`: what crosses a border, under a policy.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use seimai::pipeline::vet::policy::{KEYS, Policy};
use serde_json::{Value, json};

use crate::harness::{World, repository, said, skipped, tar, tree, zip};

/// The verdict, and the exit code.
fn vet(world: &World, paths: &[&str], policy: &str) -> (i32, Value) {
    world.write("policy.toml", policy);
    vet_by(world, paths, &["--policy", "policy.toml"])
}

fn vet_by(world: &World, paths: &[&str], options: &[&str]) -> (i32, Value) {
    let (code, out, err) = world.run(&[&["vet"], paths, options, &["--json"]].concat());
    let told = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {code} {out}{err}"));
    (code, told)
}

fn findings<'v>(verdict: &'v Value, key: &str) -> Vec<&'v Value> {
    verdict["findings"].as_array().unwrap().iter().filter(|finding| finding["key"] == key).collect()
}

fn check<'v>(verdict: &'v Value, key: &str) -> &'v Value {
    verdict["checks"].as_array().unwrap().iter().find(|check| check["key"] == key).unwrap_or(&Value::Null)
}

fn safetensors(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

fn numpy(header: &str, data: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

const TENSORS: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
const SYSTEM: &[u8] = b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00echoq\x01\x85q\x02Rq\x03.";
const OBJECTS: &str = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";

/// What is wrong, the key that asks for it, the name of the file, and what is in it.
fn dangerous() -> Vec<(&'static str, &'static str, &'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let as_text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).filter(char::is_ascii).collect::<String>();
    let gguf = |count: u64| [b"GGUF\x03\0\0\0", &0_u64.to_le_bytes()[..], &count.to_le_bytes()].concat();
    let in_zip = |name: &str, bytes: &str| zip(&[(name, bytes.to_owned())]);
    let template = |template: &str| json!({ "chat_template": template }).to_string().into_bytes();
    vec![
        ("a pickle", "safety.pickles", "pytorch_model.bin", SYSTEM.to_vec()),
        ("its imports", "safety.imports", "pytorch_model.bin", SYSTEM.to_vec()),
        ("a pickle called otherwise", "safety.imports", "weights.safetensors.data", SYSTEM.to_vec()),
        ("a pickle without a mark", "safety.imports", "notes.txt", text("cos\nsystem\n(S'echo'\ntR.")),
        ("a pickle that is cut behind what it does", "safety.imports", "a.pkl", SYSTEM[..SYSTEM.len() - 3].to_vec()),
        ("a pickle in an archive", "safety.pickles", "model.pt", in_zip("model/data.pkl", "cos\nsystem\n(S'echo'\ntR.")),
        ("a pickle in an archive in an archive", "safety.imports", "a.tar", tar(&[("b", as_text(b"cos\nsystem\n(S'echo'\ntR."))])),
        ("a pickle that is compressed", "safety.imports", "a.joblib", crate::harness::gzip("cos\nsystem\n(S'echo'\ntR.")),
        ("an array of objects", "safety.pickles", "a.npy", numpy(OBJECTS, SYSTEM)),
        ("arrays of objects in an archive", "safety.imports", "a.npz", in_zip("a.pkl", "cos\nsystem\n(S'echo'\ntR.")),
        ("a program", "safety.executables", "tokenizer", text("\x7fELF\x02\x01\x01")),
        ("a program of Windows", "safety.executables", "readme.txt", [&b"MZ"[..], &[0; 100]].concat()),
        ("a script", "safety.executables", "install", text("#!/bin/sh\necho\n")),
        ("a script that is compressed", "safety.executables", "data.gz", crate::harness::gzip("#!/bin/sh\necho\n")),
        ("a file of Python", "safety.code", "modeling_x.py", text("import os\n")),
        ("a library", "safety.code", "kernel.so", text("x")),
        ("a class that is loaded", "safety.code", "config.json", text(r#"{"auto_map": {"AutoModel": "other/repo--modeling.X"}}"#)),
        ("trust", "safety.code", "generation_config.json", text(r#"{"a": [{"trust_remote_code": true}]}"#)),
        ("a layer with code", "safety.code", "m.keras", in_zip("config.json", r#"{"layers": [{"class_name": "Lambda"}]}"#)),
        ("objects of Python in YAML", "safety.code", "a.yaml", text("a: !!python/object/apply:os.system [echo]\n")),
        ("a template that reaches out", "safety.templates", "tokenizer_config.json", template("{{ ''.__class__.__mro__ }}")),
        ("a template by itself", "safety.templates", "chat_template.jinja", text("{% include 'x' %}")),
        (
            "a template among several",
            "safety.templates",
            "t.json",
            text(r#"{"chat_template": [{"name": "a", "template": "{{ x|attr('y') }}"}]}"#),
        ),
        ("a page with a script", "safety.pages", "index.html", text("<!doctype html><script>x</script>")),
        ("a picture with a script", "safety.pages", "a.svg", text("<svg onload=\"x\"/>")),
        ("tensors behind the end", "safety.malformed", "a.safetensors", safetensors(TENSORS, 7)),
        ("bytes behind the tensors", "safety.malformed", "a.safetensors", safetensors(TENSORS, 9)),
        ("a header that is longer than the file", "safety.malformed", "a.safetensors", [&(1_u64 << 40).to_le_bytes()[..], b"{}"].concat()),
        ("a tensor twice", "safety.malformed", "a.safetensors", {
            safetensors(r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#, 2)
        }),
        ("more values than bytes", "safety.malformed", "a.gguf", gguf(u64::MAX)),
        ("GGUF that is cut", "safety.malformed", "a.gguf", gguf(1)),
        ("a table without its end", "safety.malformed", "a.parquet", text("PAR1 and nothing else PAR1")),
        (
            "an array that is cut",
            "safety.malformed",
            "a.npy",
            numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", &[0; 7]),
        ),
        ("JSON that is none", "safety.malformed", "config.json", text("{\"a\": 1,}")),
        ("a name twice", "safety.malformed", "config.json", text(r#"{"a": 1, "a": 2}"#)),
        ("an id with two tokens", "safety.malformed", "tokenizer.json", text(r#"{"model": {"vocab": {"a": 0, "b": 0}}}"#)),
        ("a zip that is cut", "safety.malformed", "a.zip", in_zip("a", "one")[..40].to_vec()),
        ("two files in one", "safety.malformed", "a.txt", [text("a harmless text, and more of it\n"), in_zip("a", "one")].concat()),
        ("a gzip that is cut", "safety.malformed", "a.gz", crate::harness::gzip("one")[..12].to_vec()),
        ("a record that is none", "safety.malformed", "a.jsonl", text("{\"text\": \"一\"}\n{no\n")),
        ("a member above the folder", "safety.archives", "a.zip", in_zip("../../etc/cron.d/x", "one")),
        ("a member from the root", "safety.archives", "a.tar", tar(&[("/etc/cron.d/x", "one".to_owned())])),
        ("a member above the folder, compressed", "safety.archives", "a.tar.gz", {
            crate::harness::gzip_of(&tar(&[("a/../../x", "one".to_owned())]))
        }),
        ("a format that nobody knows", "safety.unknown", "a.dat", vec![0, 1, 2, 0xfe, 0, 9]),
    ]
}

const SAFETY: &str = "[safety]\nunknown = \"refuse\"\n";

#[test]
fn what_is_dangerous_is_refused_and_named() {
    for (what, key, name, bytes) in dangerous() {
        let world = World::new();
        world.write(&format!("in/{name}"), bytes);
        let before = tree(&world.path("in"));
        let (code, verdict) = vet(&world, &["in"], SAFETY);
        let found = findings(&verdict, key);
        assert!(code == 3 && verdict["verdict"] == "refuse", "{what}: {verdict:#}");
        assert!(
            found
                .iter()
                .any(|finding| finding["level"] == "refuse" && finding["file"].as_str().unwrap().starts_with(&format!("in/{name}"))),
            "{what}: {verdict:#}"
        );
        assert_eq!(check(&verdict, key)["verdict"], "refuse", "{what}");
        // Named as a file, too; and a policy that allows it says nothing of it.
        assert_eq!(vet_by(&world, &[&format!("in/{name}")], &["--policy", "policy.toml"]).0, 3, "{what}");
        let (_, verdict) = vet(&world, &["in"], &format!("[safety]\n{} = \"allow\"\n", key.split_once('.').unwrap().1));
        assert!(findings(&verdict, key).is_empty() && check(&verdict, key).is_null(), "{what}: {verdict:#}");
        assert_eq!(tree(&world.path("in")), before, "{what}: nothing is written");
    }
}

#[test]
fn links_and_pipes_are_refused_and_not_followed() {
    let world = World::new();
    world.write("elsewhere/a.py", "x");
    world.write("in/a.txt", "一");
    symlink("../elsewhere", world.path("in/out")).unwrap();
    symlink("gone", world.path("in/nowhere")).unwrap();
    symlink("a.txt", world.path("in/inside")).unwrap();
    assert!(Command::new("mkfifo").arg(world.path("in/pipe")).status().unwrap().success());
    let (code, verdict) = vet(&world, &["in"], SAFETY);
    let named: Vec<&str> = findings(&verdict, "safety.links").iter().map(|finding| finding["file"].as_str().unwrap()).collect();
    assert_eq!((code, named), (3, vec!["in/nowhere", "in/out", "in/pipe"]), "{verdict:#}");
    assert!(findings(&verdict, "safety.code").is_empty());
}

#[test]
fn what_is_sound_passes() {
    let world = World::new();
    world.write("model/config.json", r#"{"model_type": "llama", "hidden_size": 8}"#);
    world.write("model/model.safetensors", safetensors(TENSORS, 8));
    world.write("model/tokenizer.json", r#"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}, "added_tokens": []}"#);
    let template = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] | trim }}{% endfor %}";
    world.write("model/tokenizer_config.json", json!({ "chat_template": template }).to_string());
    world.write("model/README.md", "---\nlicense: apache-2.0\nenergy_source: hydro\n---\n# A model\n");
    world.write("model/a.npy", numpy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", &[0; 8]));
    world.write("model/b.zip", zip(&[("a/b.txt", "one".to_owned())]));
    world.write("data/a.jsonl", "{\"text\": \"吾輩は猫である。\"}\n{\"text\": \"名前はまだ無い。\"}\n");
    world.write("data/b.jsonl.gz", crate::harness::gzip("{\"text\": \"どこで生れたか頓と見當がつかぬ。\"}\n"));
    let samples = repository().join("corpora-samples/mixed.parquet");
    world.write("data/c.parquet", fs::read(samples).unwrap());
    let policy = "[safety]\nunknown = \"refuse\"\n[license]\nother = \"refuse\"\nundeclared = \"allow\"\nallow = [\"Apache-2.0\"]\n[declared]\nenergy = \"refuse\"\nenergy_allowed = [\"hydro\", \"solar*\"]\n";
    let (code, verdict) = vet(&world, &["model"], policy);
    assert!(code == 0 && verdict["verdict"] == "pass" && verdict["findings"] == json!([]), "{verdict:#}");
    assert_eq!((&verdict["targets"][0]["kind"], &verdict["targets"][0]["files"]), (&json!("model"), &json!(7)));
    let (code, verdict) = vet(&world, &["data"], SAFETY);
    assert!(code == 0 && verdict["findings"] == json!([]) && verdict["targets"][0]["kind"] == "dataset", "{verdict:#}");
    // For people, folded; the same each time, with any number of threads.
    let told = |threads: &str| world.run(&["vet", "model", "data", "--policy", "policy.toml", "--threads", threads]);
    let (code, out, _) = told("1");
    assert!(code == 0 && out.contains("✓ safety.pickles") && out.contains("\npasses  policy policy.toml ("), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert_eq!(told("2"), told("1"));
}

#[test]
fn what_cannot_be_looked_at_is_never_a_pass() {
    let unseen = |what: &str, policy: &str, key: &str, write: &dyn Fn(&World)| {
        let world = World::new();
        write(&world);
        let (code, verdict) = vet(&world, &["in"], policy);
        assert!(code == 2 && verdict["verdict"] == "cannot_tell", "{what}: {code} {verdict:#}");
        assert_eq!(check(&verdict, key)["verdict"], "cannot_tell", "{what}: {verdict:#}");
    };
    let mut encrypted = zip(&[("a", "one".to_owned())]);
    let at = encrypted.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    encrypted[at + 8] |= 1;
    unseen("a member with a password", "", "safety.malformed", &|world| drop(world.write("in/a.zip", &encrypted)));
    unseen("more than is unpacked", "[look]\nunpacked_bytes = 100\n", "safety.malformed", &|world| {
        world.write("in/a.gz", crate::harness::gzip_of(&[vec![0, 1], vec![7; 5000]].concat()));
    });
    unseen("archives in archives", "[look]\ndepth = 1\n", "safety.malformed", &|world| {
        world.write("in/b.gz", crate::harness::gzip_of(&crate::harness::gzip_of(&crate::harness::gzip("one"))));
    });
    unseen("a header that is longer than what is read", "[look]\nheader_bytes = 10\n", "safety.malformed", &|world| {
        world.write("in/a.safetensors", safetensors(TENSORS, 8));
    });
    unseen("a later version", "", "safety.malformed", &|world| drop(world.write("in/a.gguf", b"GGUF\x09\0\0\0")));
    unseen(
        "a pickle that cannot be followed",
        "[safety]\npickles = \"allow\"\nimports_allowed = [\"numpy.*\"]\n",
        "safety.imports",
        &|world| {
            world.write("in/a.joblib", b"\x80\x02cnumpy\nndarray\nq\x00)R\xff\xff");
        },
    );
    unseen("more files", "[look]\nfiles = 1\n", "safety.pickles", &|world| {
        world.write("in/a.txt", "一");
        world.write("in/b.txt", "二");
    });
    unseen("a run without a key", "[run]\nsigned = \"refuse\"\nsound = \"allow\"\n", "run.signed", &|world| {
        world.write("in/_SUCCESS", "");
        world.write("in/manifest.json", "{}");
    });
    unseen("a table without texts", "[license]\nundeclared = \"refuse\"\n", "license.undeclared", &|world| {
        let out = world.path("counted");
        world.write("a.jsonl", "{\"text\": \"一二三\"}\n");
        let (code, _, err) = world.run(&["count", "a.jsonl", "-o", out.to_str().unwrap()]);
        assert_eq!(code, 0, "{err}");
        fs::create_dir_all(world.path("in")).unwrap();
        fs::rename(out, world.path("in/counts.parquet")).unwrap();
    });
    for (policy, key) in [
        ("[personal_data]\nfound = \"warn\"\nkinds = [\"PERSON\"]\n[look]\ndictionary = \"nowhere\"\n", "personal_data.found"),
        ("[japanese]\ncoverage = \"warn\"\nregisters_min = { polite = 0.1 }\n[look]\ndictionary = \"nowhere\"\n", "japanese.coverage"),
    ] {
        unseen("without a dictionary", policy, key, &|world| drop(world.write("in/a.jsonl", "{\"text\": \"吾輩は猫である。\"}\n")));
    }
    unseen("nothing", "", "safety.pickles", &|world| fs::create_dir_all(world.path("in")).unwrap());
    // A refusal is worse than what could not be told.
    let world = World::new();
    world.write("in/a.zip", &encrypted);
    world.write("in/a.pkl", SYSTEM);
    assert_eq!(vet(&world, &["in"], "").0, 3);
}

#[test]
fn a_policy_that_is_wrong_is_told_whole_and_nothing_is_vetted() {
    let world = World::new();
    world.write("in/a.txt", "一");
    world.write(
        "policy.toml",
        "[safety]\npickle = \"refuse\"\npages = \"deny\"\n[residency]\ndomestic_min = 7\n[contamination]\nfound = \"warn\"\n",
    );
    let (code, out, err) = world.run(&["vet", "in", "--policy", "policy.toml"]);
    assert!(code == 2 && out.is_empty() && err.contains("4 errors; nothing was done"), "{err}");
    for line in [
        "policy.toml:2: unknown key `pickle`",
        "policy.toml:3: ",
        "policy.toml:5: residency.domestic_min is 7",
        "contamination.sets is empty",
    ] {
        assert!(err.contains(line), "{line}: {err}");
    }
    for (arguments, words) in [
        (&["vet", "in", "--policy", "nobody"][..], "finance"),
        (&["vet", "gone", "--policy", "finance"], "is not there"),
        (&["vet", "in"], "--policy"),
        (&["vet", "--print", "nobody"], "finance"),
        (&["vet", "in", "--policy", "in"], "a directory where a file is wanted"),
    ] {
        let (code, out, err) = world.run(arguments);
        assert!(code == 2 && out.is_empty() && err.contains(words), "{arguments:?}: {code} {out}{err}");
    }
    world.write("policy.toml", "[contamination]\nfound = \"warn\"\nsets = [\"gone.jsonl\"]\n");
    let (code, _, err) = world.run(&["vet", "in", "--policy", "policy.toml"]);
    assert!(code == 2 && err.contains("contamination.sets") && err.contains("gone.jsonl"), "{err}");
}

#[test]
fn runs_are_vetted_with_their_signature_and_passport() {
    let world = World::new();
    let line = |n: usize| {
        json!({"id": format!("d{n}"), "text": format!("{n}番の棚田では春に水路の泥をさらい、秋には稲を掛けて干すそうです。")}).to_string()
            + "\n"
    };
    world.write("in.jsonl", (0..30).map(line).collect::<String>());
    world.write(
        "plan.toml",
        "[input]\npaths = [\"in.jsonl\"]\nsource = { name = \"村\", license = \"CC0-1.0\", residency = \"JP\", owner = \"村\" }\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n",
    );
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]).0, 0);
    for key in ["ours.pem", "theirs.pem"] {
        assert_eq!(world.run(&["key", "new", key]).0, 0);
    }
    let policy = "[run]\nsigned = \"refuse\"\npassport = \"refuse\"\n[license]\nother = \"refuse\"\nundeclared = \"refuse\"\nallow = [\"CC0-1.0\"]\n\
        [residency]\nundeclared = \"refuse\"\ndomestic_share = \"refuse\"\ndomestic_min = 1.0\n[declared]\nowner = \"refuse\"\nconsent = \"warn\"\n";
    world.write("policy.toml", policy);
    let vet = |key: &str| vet_by(&world, &["out"], &["--policy", "policy.toml", "--key", key]);
    let (code, verdict) = vet("ours.pem.pub");
    let codes: Vec<&Value> = findings(&verdict, "run.signed").iter().map(|finding| &finding["value"]).collect();
    assert!(code == 3 && codes == ["unsigned"] && findings(&verdict, "run.passport").len() == 1, "{verdict:#}");
    assert_eq!(world.run(&["sign", "out", "--key", "ours.pem"]).0, 0);
    let (code, verdict) = vet("ours.pem.pub");
    let only: Vec<&Value> = verdict["findings"].as_array().unwrap().iter().map(|finding| &finding["key"]).collect();
    assert!(code == 0 && verdict["verdict"] == "warn" && only == ["declared.consent"], "{verdict:#}");
    assert!(verdict["targets"][0]["kind"] == "run" && check(&verdict, "license.other")["looked_at"] == 30, "{verdict:#}");
    assert_eq!(check(&verdict, "residency.domestic_share")["measured"]["domestic"], 1.0);
    let (code, verdict) = vet("theirs.pem.pub");
    assert!(code == 3 && findings(&verdict, "run.signed")[0]["value"] == "another_key", "{verdict:#}");
    // The pack by itself is sound; changed it is not, and neither is the run.
    assert_eq!(vet_by(&world, &["out/pack"], &["--policy", "policy.toml"]).1["targets"][0]["kind"], "pack");
    let pack = world.path("out/pack/part-00000.pack");
    let mut bytes = fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&pack).unwrap();
    world.write("out/pack/part-00000.pack", bytes);
    for path in ["out", "out/pack", "out/pack/part-00000.pack"] {
        let (code, verdict) = vet_by(&world, &[path], &["--policy", "policy.toml", "--key", "ours.pem.pub"]);
        assert!(code == 3 && check(&verdict, "run.sound")["verdict"] == "refuse", "{path}: {verdict:#}");
    }
}

#[test]
fn what_documents_declare_is_counted_and_compared() {
    let world = World::new();
    let record = |license: &str, residency: &str| {
        json!({"text": "十文字の文が続くのだ", "license": license, "residency": residency}).to_string() + "\n"
    };
    let lines = [
        record("CC0-1.0", "JP"),
        record("GPL-3.0-only OR MIT", "JP"),
        record("CC-BY-NC-4.0", "US"),
        json!({"text": "無し"}).to_string() + "\n",
        record("cc-by-nc-4.0 ", "us"),
    ];
    world.write("in/a.jsonl", lines.concat());
    let policy = "[license]\nother = \"refuse\"\nundeclared = \"warn\"\nallow = [\"CC0-1.0\", \"MIT\", \"CC-BY-*\"]\ndeny = [\"CC-BY-NC-*\"]\n\
        [residency]\nother = \"warn\"\nallow = [\"JP\"]\nundeclared = \"refuse\"\ndomestic_share = \"warn\"\ndomestic_min = 0.6\n[declared]\nowner = \"warn\"\nenergy = \"warn\"\n";
    let (code, verdict) = vet(&world, &["in"], policy);
    let other = findings(&verdict, "license.other");
    assert!(code == 3 && other.len() == 2 && other[0]["level"] == "refuse", "{verdict:#}");
    let offset = (lines[0].len() + lines[1].len()) as u64;
    assert!(
        other.iter().any(|finding| finding["value"] == "CC-BY-NC-4.0" && finding["offset"] == offset && finding["file"] == "in/a.jsonl"),
        "{other:#?}"
    );
    assert!(findings(&verdict, "license.undeclared")[0]["what"].as_str().unwrap().starts_with("1 document "));
    assert_eq!((findings(&verdict, "residency.other").len(), findings(&verdict, "residency.undeclared").len()), (2, 1));
    let share = check(&verdict, "residency.domestic_share");
    assert!(share["verdict"] == "warn" && (share["measured"]["domestic"].as_f64().unwrap() - 20.0 / 42.0).abs() < 1e-9, "{share}");
    assert!(check(&verdict, "declared.owner")["verdict"] == "warn" && check(&verdict, "declared.energy")["verdict"] == "warn");
    // A source may be domestic by name.
    world.write(
        "s/a.jsonl",
        "{\"text\": \"一二三\", \"source\": \"ndl-1\"}\n{\"text\": \"四\", \"source\": \"x\", \"residency\": \"US\"}\n",
    );
    let domestic = "[residency]\ndomestic_share = \"refuse\"\ndomestic_min = 0.8\ndomestic_sources = [\"ndl-*\"]\n";
    let (code, verdict) = vet(&world, &["s"], domestic);
    assert!(code == 3 && findings(&verdict, "residency.domestic_share")[0]["offset"] == 41, "{verdict:#}");
    assert_eq!(vet(&world, &["s"], &domestic.replace("0.8", "0.75")).0, 0);
    // A card speaks for documents that say nothing themselves, and for a model.
    world.write("in/README.md", "---\nlicense: mit\nowner: 村\nenergy_source: hydro\n---\n");
    let (_, verdict) = vet(&world, &["in"], policy);
    for key in ["license.undeclared", "declared.owner", "declared.energy"] {
        assert_eq!(check(&verdict, key)["verdict"], "pass", "{key}: {verdict:#}");
    }
    world.write("m/config.json", "{}");
    world.write("m/README.md", "---\nlicense: [mit, cc-by-nc-4.0]\n---\n");
    assert!(vet(&world, &["m"], policy).0 == 3);
    // Plain texts and pages are documents, too; papers and vocabularies are none.
    world.write("t/a.txt", "吾輩は猫である。名前はまだ無い。");
    world.write("t/LICENSE.txt", "Permission is hereby granted");
    let (_, verdict) = vet(&world, &["t"], "[license]\nundeclared = \"warn\"\n");
    assert_eq!(check(&verdict, "license.undeclared")["looked_at"], 1, "{verdict:#}");
    // Other names of fields.
    world.write("b/a.jsonl", "{\"body\": \"無し\", \"rights\": \"MIT\"}\n");
    let (code, verdict) = vet(
        &world,
        &["b"],
        "[license]\nother = \"refuse\"\nundeclared = \"refuse\"\nallow = [\"MIT\"]\n[look.fields]\ntext = \"body\"\nlicense = \"rights\"\n",
    );
    assert!(code == 0 && check(&verdict, "license.other")["looked_at"] == 1, "{verdict:#}");
}

#[test]
fn texts_are_looked_into_and_never_told() {
    let world = World::new();
    let secret = "090-1234-5678";
    let question = "江戸幕府の第八代将軍で、享保の改革を行い、目安箱を設けたことで知られる人物は誰か。";
    let mut lines: Vec<String> = (0..40)
        .map(|n| json!({"text": format!("{n}番の棚田では春に水路の泥をさらい、秋には稲を掛けて干すそうです。")}).to_string())
        .collect();
    lines[7] = json!({"text": format!("お問い合わせは電話{secret}までお願いいたします。")}).to_string();
    lines[9] = json!({"text": format!("次の問いに答えなさい。\n{question}\n答えは徳川吉宗である。")}).to_string();
    lines.extend((0..10).map(|n| json!({"text": format!("This is the sentence number {n} of a text in English.")}).to_string()));
    world.write("in/a.jsonl", lines.join("\n") + "\n");
    world.write("eval.jsonl", json!({"id": "q1", "question": question}).to_string());
    let policy = "[look]\nrecords = 0\ndictionary = \"ipadic\"\n[personal_data]\nfound = \"refuse\"\n[contamination]\nfound = \"refuse\"\nsets = [\"eval.jsonl\"]\n\
        [japanese]\ncoverage = \"warn\"\ndocuments_min = 0.9\nscripts_min = { hiragana = 0.1, katakana = 0.9 }\nregisters_min = { legal = 0.5 }\n";
    let (code, verdict) = vet(&world, &["in"], policy);
    assert_eq!(code, 3, "{verdict:#}");
    assert!(!verdict.to_string().contains(secret) && !verdict.to_string().contains("目安箱"), "{verdict}");
    let offset_of = |n: usize| lines[..n].iter().map(|line| line.len() as u64 + 1).sum::<u64>();
    let personal = findings(&verdict, "personal_data.found");
    assert!(personal.len() == 1 && personal[0]["value"] == "PHONE" && personal[0]["offset"] == offset_of(7), "{personal:#?}");
    let items = findings(&verdict, "contamination.found");
    assert!(items.len() == 1 && items[0]["value"] == "q1" && items[0]["offset"] == offset_of(9), "{items:#?}");
    let japanese = check(&verdict, "japanese.coverage");
    assert!((japanese["measured"]["documents"].as_f64().unwrap() - 0.8).abs() < 1e-9, "{japanese}");
    let missing: Vec<&str> = findings(&verdict, "japanese.coverage").iter().map(|finding| finding["what"].as_str().unwrap()).collect();
    assert!(
        missing.len() == 3
            && ["documents", "katakana", "register.legal"].iter().all(|name| missing.iter().any(|what| what.starts_with(name))),
        "{missing:?}"
    );
    // As many as are allowed.
    let (code, verdict) = vet(&world, &["in"], "[personal_data]\nfound = \"refuse\"\ndocuments_max = 0.02\n[look]\nrecords = 0\n");
    assert!(
        code == 0 && (check(&verdict, "personal_data.found")["measured"]["documents"].as_f64().unwrap() - 0.02).abs() < 1e-9,
        "{verdict:#}"
    );
    // A sample: so many, and the same ones under another name of the directory.
    let policy = "[personal_data]\nfound = \"warn\"\nkinds = [\"EMAIL\"]\n[japanese]\ncoverage = \"warn\"\n[look]\nrecords = 13\n";
    let (_, one) = vet(&world, &["in"], policy);
    let (_, other) = vet(&world, &[world.path("in").to_str().unwrap()], policy);
    assert_eq!(check(&one, "japanese.coverage")["looked_at"], 13);
    assert_eq!(check(&one, "japanese.coverage"), check(&other, "japanese.coverage"));
}

#[test]
fn the_air_gap_is_what_the_process_sees() {
    let world = World::new();
    world.write("in/a.txt", "一");
    let policy = "[air_gap]\nbuild = \"refuse\"\ninterfaces = \"refuse\"\n";
    let (_, verdict) = vet(&world, &["in"], policy);
    assert_eq!(check(&verdict, "air_gap.build")["verdict"], "pass", "the tests' build has no feature `cloud`");
    let listed = fs::read_to_string("/proc/self/net/dev").unwrap();
    let others: Vec<&str> =
        listed.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim())).filter(|name| *name != "lo").collect();
    let told: Vec<&str> = findings(&verdict, "air_gap.interfaces").iter().map(|finding| finding["value"].as_str().unwrap()).collect();
    assert_eq!(told, others);
    if !Command::new("unshare").args(["-rn", "true"]).status().is_ok_and(|status| status.success()) {
        return skipped("the_air_gap_is_what_the_process_sees", "unshare -rn");
    }
    let mut alone = world.program("unshare");
    alone.args(["-rn", env!("CARGO_BIN_EXE_seimai"), "vet", "in", "--policy", "policy.toml", "--json"]);
    let (code, out, _) = said(&alone.output().unwrap());
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0 && check(&verdict, "air_gap.interfaces")["verdict"] == "pass", "{verdict:#}");
}

#[test]
fn policies_ship_and_every_key_is_documented() {
    let world = World::new();
    let (code, out, _) = world.run(&["vet", "--list", "--json"]);
    let names: Vec<String> =
        out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!((code, names.join(" ").as_str()), (0, "defence finance manufacturing public-administration"));
    for name in &names {
        let (code, text, _) = world.run(&["vet", "--print", name]);
        assert!(code == 0 && text == fs::read_to_string(repository().join(format!("dicts/policies/{name}.toml"))).unwrap());
        // Reasons stand beside values, and whatever is not said has its default.
        assert!(text.matches("  # ").count() >= 4, "{name}");
        world.write("ours.toml", &text);
        world.write("in/a.pkl", SYSTEM);
        assert_eq!(vet_by(&world, &["in"], &["--policy", name]).0, 3, "{name}");
        assert_eq!(vet_by(&world, &["in"], &["--policy", "ours.toml"]).0, 3, "{name}");
    }
    let page = fs::read_to_string(repository().join("docs/formats/vet.md")).unwrap();
    let missing: Vec<&&str> = KEYS.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/formats/vet.md says nothing of {missing:?}");
    let schema = Policy::json_schema();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{name}.{key} is not described");
            let is_ours = !["FieldOptions"].contains(&name.as_str());
            assert!(
                !is_ours || page.contains(&format!(".{key}`")) || page.contains(&format!("`{key}`")),
                "docs/formats/vet.md: {name}.{key}"
            );
        }
    }
}
