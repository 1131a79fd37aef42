//! The house rules as a test: imports only go down, and some words appear in some files only.

use std::fs;
use std::path::{Path, PathBuf};

const ROOMS: &[&str] = &["corpus", "normalize", "segment", "keigo", "quality", "dedup", "decide", "bpe", "shard", "pack"];
const FOUNDATION: &[&str] = &["stage", "schema", "morpheme", "quarantine", "io", "error"];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut all = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                all.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

/// Tests that fill a file of their own.
fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap().to_str().unwrap();
    name == "tests" || name.ends_with("_tests") || path.parent().is_some_and(|dir| dir.ends_with("tests"))
}

/// The module on the ground floor that a file belongs to: `pack/format.rs` → `pack`.
fn home(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// Code lines before the tests, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// First segments of `crate::…` paths in a line, braces included: `use crate::{io, error::X}` → io, error.
fn imports(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut word)),
                    c if depth == 0 => word.push(c),
                    _ => {}
                }
            }
            found.push(word);
        } else {
            found.push(rest.to_owned());
        }
    }
    let first = |path: &String| path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    found.iter().map(first).filter(|name| !name.is_empty()).collect()
}

#[test]
fn imports_only_go_down() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let home = home(&file);
        for (n, line) in code(&text) {
            for import in imports(line) {
                let allowed = match home {
                    "lib" | "main" | "cli" => true,
                    "pipeline" => import != "cli",
                    room if ROOMS.contains(&room) => import == room || FOUNDATION.contains(&import.as_str()),
                    _ => FOUNDATION.contains(&import.as_str()),
                };
                if !allowed {
                    wrong.push(format!("{file}:{}: {home} imports {import}", n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A word, where it may stand, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("clap::", &["cli"], "argument parsing belongs to the street face"),
    ("indicatif::", &["cli"], "progress bars belong to the street face"),
    ("anyhow::", &["cli"], "the library has typed errors"),
    ("rayon::", &["pipeline/pass.rs"], "threads exist in pipeline/pass.rs only"),
    ("thread::spawn", &["pipeline/pass.rs"], "threads exist in pipeline/pass.rs only"),
    ("File::create", &["io.rs"], "files are made in io.rs only"),
    ("TcpStream", &[], "no network"),
    ("UdpSocket", &[], "no network"),
    ("SystemTime::now", &[], "outputs must not depend on the clock"),
];

#[test]
fn some_words_have_their_place() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (n, line) in code(&text) {
            for (word, places, why) in RESERVED {
                let allowed = places.iter().any(|place| file.starts_with(place) || file == *place);
                if line.contains(word) && !allowed {
                    wrong.push(format!("{file}:{}: {word} ({why})", n + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "no //! header: {silent:?}");
    let drawers: Vec<String> = sources().into_iter().filter(|(file, _)| file.ends_with("mod.rs")).map(|(file, _)| file).collect();
    assert!(drawers.is_empty(), "mod.rs: {drawers:?}");
}

#[test]
fn no_network_client_is_depended_on() {
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for banned in ["reqwest", "hyper", "ureq", "curl", "isahc", "openssl", "native-tls", "rustls", "hickory-resolver", "tokio"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned} is in Cargo.lock");
    }
}
