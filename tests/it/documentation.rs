//! Pages of the documentation lead where they say, and the Japanese README shows commands of the English one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::harness::repository;

/// The pages, by their path in the repository.
fn pages() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from("docs"), PathBuf::from("dicts"), PathBuf::from("benches/results"), PathBuf::from("scripts")];
    let top = ["README.md", "README.ja.md", "ARCHITECTURE.md", "CHANGELOG.md", "python/README.md"];
    let mut files: Vec<PathBuf> = top.iter().map(PathBuf::from).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(repository().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                files.push(path);
            }
        }
    }
    for file in files {
        let text = std::fs::read_to_string(repository().join(&file)).unwrap();
        found.insert(file, text);
    }
    found
}

/// The lines of a page outside its blocks of code.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    page.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// Where the links of a page lead, as they are written; those in code are none.
fn links(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(page) {
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        found.extend(plain.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()));
    }
    found
}

/// What the headings of a page are called in links: lower case, without signs, blanks as hyphens.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = prose(page).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let name = |heading: &str| -> String {
        let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
        kept.replace(' ', "-")
    };
    headings.map(name).collect()
}

/// `docs/guide/../formats/run.md` without its detours.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(normal.pop(), "{} leads out of the repository", path.display()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

#[test]
fn links_of_the_documentation_lead_somewhere() {
    let pages = pages();
    assert!(pages.len() > 80, "{}", pages.len());
    let mut seen = 0;
    for (page, text) in &pages {
        for link in links(text) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let target = if file.is_empty() { page.clone() } else { normal(&page.parent().unwrap().join(file)) };
            assert!(repository().join(&target).exists(), "{}: {link} leads nowhere", page.display());
            if let (Some(anchor), Some(text)) = (anchor, pages.get(&target)) {
                assert!(anchors(text).contains(anchor), "{}: {link}: {} has no such heading", page.display(), target.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 120, "{seen} links");
}

/// Lines of the shell blocks, without what is said of them.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.flat_map(str::lines).map(|line| line.split("  #").next().unwrap().trim().to_owned()).collect()
}

#[test]
fn the_japanese_readme_shows_commands_of_the_english_one() {
    let read = |name: &str| std::fs::read_to_string(repository().join(name)).unwrap();
    let (english, japanese) = (read("README.md"), read("README.ja.md"));
    let known = commands(&english);
    let shown = commands(&japanese);
    assert!(shown.len() > 10 && shown[..2] == known[..2]);
    for command in shown {
        assert!(known.contains(&command), "README.ja.md has a command that README.md has not, and that no test runs: {command}");
    }
    assert!(english.contains("(README.ja.md)") && japanese.contains("(README.md)"));
}
