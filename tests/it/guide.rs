//! The plans and commands of `docs/guide/` do what the pages say.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::harness::{World, repository, said};

/// A block of a page: what it is, and its lines.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(kind) if !inside => {
                inside = true;
                found.push((kind.to_owned(), String::new()));
            }
            Some(_) => inside = false,
            None if inside => {
                let (_, text) = found.last_mut().unwrap();
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    found
}

fn shell(world: &World, command: &str) -> (i32, String, String) {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_seimai")).parent().unwrap().to_path_buf();
    let path = std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))).unwrap();
    said(&world.program("bash").args(["-euc", command]).env("PATH", path).output().unwrap())
}

/// Runs a plan of a page; the law holds over what it reads, and most of it is read.
fn run(world: &World, name: &str, plan: &str) {
    world.write("plan.toml", plan);
    let small = ["tokenizer.vocab_size=300", "pack.sequence_length=64", "quality.preset=none"];
    let mut arguments = vec!["run", "plan.toml", "--out", "out", "--fresh"];
    arguments.extend(small.iter().flat_map(|setting| ["--set", setting]));
    let (code, out, err) = world.run(&arguments);
    assert!(code == 0 || code == 3, "{name}: exit {code}\n{out}{err}");
    let manifest: Value = serde_json::from_slice(&fs::read(world.path("out/manifest.json")).unwrap()).unwrap();
    let total = |key: &str| manifest["totals"][key].as_u64().unwrap();
    assert_eq!(total("read"), total("kept") + total("rejected") + total("quarantined"), "{name}");
    assert!(total("kept") > total("quarantined") && (code == 3) == (total("quarantined") > 0), "{name}: {}", manifest["totals"]);
    let (code, out, err) = world.run(&["verify", "out"]);
    assert_eq!(code, 0, "{name}\n{out}{err}");
}

/// Runs the commands of a console block; what they print stands beneath each.
fn console(world: &World, name: &str, block: &str) {
    for part in block.split("$ ").filter(|part| !part.is_empty()) {
        let (command, expected) = part.split_once('\n').unwrap();
        let (_, out, err) = shell(world, command);
        assert_eq!(out, expected, "{name}: {command}\n{err}");
    }
}

#[test]
fn the_plans_of_the_guide_work() {
    let mut pages: Vec<_> = fs::read_dir(repository().join("docs/guide")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    let mut plans = 0;
    for page in &pages {
        let name = page.file_name().unwrap().to_str().unwrap();
        let world = World::new();
        let copied = Command::new("cp").args(["-r", "corpora-samples"]).arg(world.dir.path()).current_dir(repository()).status().unwrap();
        assert!(copied.success());
        for (kind, text) in blocks(&fs::read_to_string(page).unwrap()) {
            match kind.as_str() {
                "sh" => assert_eq!(shell(&world, &text).0, 0, "{name}: {text}"),
                "console" => console(&world, name, &text),
                "toml" if text.contains("[input]") => {
                    plans += 1;
                    run(&world, name, &text);
                }
                _ => {}
            }
        }
    }
    assert!(pages.len() >= 7 && plans >= 6, "{plans} plans in {} pages", pages.len());
}

/// A page of the guide for every format that is read, and every page in the list of pages.
#[test]
fn the_guide_has_a_page_for_each_format() {
    let guide = repository().join("docs/guide");
    let list = fs::read_to_string(guide.join("README.md")).unwrap();
    for entry in fs::read_dir(&guide).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || list.contains(&format!("]({name})")), "docs/guide/README.md does not name {name}");
    }
    for page in ["json-lines", "json", "csv", "parquet", "text", "fields", "aozora", "law", "diet", "chat"] {
        assert!(guide.join(format!("{page}.md")).exists(), "{page}");
    }
}
