//! The README's commands run, as they stand there.

use std::process::Command;

use crate::harness::{repository, said, skipped};

/// The lines of the README's shell blocks.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let mut inside = false;
    let mut found = Vec::new();
    for line in readme.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside && !command.is_empty() => found.push(command.split("  #").next().unwrap().trim().to_owned()),
            _ => {}
        }
    }
    found
}

/// What a package client cannot bring here is no fault of the README.
fn can_fetch() -> bool {
    seimai::segment::store::locate("ipadic").is_ok()
}

#[test]
fn the_readme_commands_run_in_order() {
    if !can_fetch() {
        skipped("the_readme_commands_run_in_order", "the dictionary ipadic");
        return;
    }
    let commands = commands();
    assert_eq!(commands[..2], ["./scripts/quickstart.sh", "./scripts/test.sh"]);
    // A copy of the checkout, so that what the commands write stays out of it; the build is shared.
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("seimai");
    let listed = Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(repository()).output().unwrap();
    for file in String::from_utf8(listed.stdout).unwrap().lines() {
        let (from, to) = (repository().join(file), copy.join(file));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), Into::into);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_seimai")).parent().unwrap().to_path_buf();
    let path = std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))).unwrap();
    for command in &commands {
        if command == "./scripts/test.sh" {
            // It is what runs this test; that it is the tests' one door is checked below.
            continue;
        }
        let mut shell = Command::new("bash");
        shell.args(["-euc", "-o", "pipefail", command]).current_dir(&copy).env("PATH", &path).env("CARGO_TARGET_DIR", &target);
        let (code, out, err) = said(&shell.output().unwrap());
        assert_eq!(code, 0, "{command}\n{out}\n{err}");
        assert!(!out.is_empty() || !err.is_empty() || command.contains('>'), "{command} says something");
    }
    assert!(copy.join("out/_SUCCESS").exists() && copy.join("my-out/_SUCCESS").exists());
}

#[test]
fn the_test_script_is_what_ci_runs() {
    let ci = std::fs::read_to_string(repository().join(".ci/run")).unwrap();
    assert!(ci.contains("./scripts/install-test-tools.sh\nexec ./scripts/test.sh\n"));
    let script = std::fs::read_to_string(repository().join("scripts/test.sh")).unwrap();
    for step in ["cargo fmt", "cargo clippy", "cargo nextest run", "cargo doc", "read_back.py", "normalizer.py"] {
        assert!(script.contains(step), "scripts/test.sh runs {step}");
    }
    for client in ["apt-get", "pip install", "venv", "npm"] {
        assert!(!script.contains(client), "scripts/test.sh installs nothing: {client}");
    }
}

/// The list of tests that may be skipped names tests that are there, each with a reason.
#[test]
fn the_list_of_tests_that_may_be_skipped_is_current() {
    let sources = ["src", "tests"].map(|dir| crate::architecture::text_under(&repository().join(dir))).concat();
    for (name, reason) in crate::testing::listed() {
        let function = name.split(' ').next().unwrap();
        assert!(sources.contains(&format!("fn {function}()")), "{name}: no such test");
        assert!(reason.len() > 20, "{name}: {reason}");
    }
    assert!(crate::testing::listed().count() > 0);
}

/// ARCHITECTURE.md names the test that guards a sentence beside it, and once it names one invariant's it names all.
#[test]
fn tests_that_the_architecture_names_are_there() {
    let text = std::fs::read_to_string(repository().join("ARCHITECTURE.md")).unwrap();
    let sources = ["src", "tests"].map(|dir| crate::architecture::text_under(&repository().join(dir))).concat();
    let named = |text: &str| -> Vec<String> {
        let is_test =
            |word: &&str| word.matches('_').count() >= 3 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        text.split('`').skip(1).step_by(2).map(|word| word.rsplit("::").next().unwrap()).filter(is_test).map(str::to_owned).collect()
    };
    for name in named(&text) {
        assert!(sources.contains(&format!("fn {name}(")), "ARCHITECTURE.md names {name}, which is no test");
    }
    let invariants = text.split("## Invariants").nth(1).unwrap().split("\n## ").next().unwrap();
    if !named(invariants).is_empty() {
        let alone: Vec<&str> = invariants.split("\n* ").skip(1).filter(|sentence| named(sentence).is_empty()).collect();
        assert!(alone.is_empty(), "no test is named beside: {alone:#?}");
    }
}

/// A test that prints this itself would be skipped where CI is set, unseen.
#[test]
fn one_helper_alone_says_that_a_test_is_skipped() {
    let files = ["src", "tests"].map(|dir| crate::architecture::files_under(&repository().join(dir))).concat();
    let says = concat!("\"skipped", ": ");
    let others: Vec<String> =
        files.into_iter().filter(|(name, text)| name != "testing.rs" && text.contains(says)).map(|(name, _)| name).collect();
    assert!(others.is_empty(), "call testing::skipped: {others:?}");
}
