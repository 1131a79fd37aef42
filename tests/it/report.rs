//! The page of a run: its figures are those of the manifest and of the tables, and nothing of a document is markup.

use std::collections::BTreeMap;
use std::fs;

use seimai::pipeline::what_if::what_if;
use serde_json::{Value, json};

use crate::harness::World;

const PLAN: &str = "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[quality.thresholds]\nmin_chars = 20\nrepeated = 0.5\n\
                    [dedup]\nnear = false\n[tokenizer]\nvocab_size = 300\n";

/// Documents of two sources: short, long, repetitive, and copies of each other.
fn input(world: &World) {
    let words = ["一番の人は米です。", "二番の水は川です。", "三番の山は遠い。", "四番の道は広い。", "五番の花は赤い。"];
    let mut lines = Vec::new();
    for n in 0..60 {
        let text = match n % 6 {
            0 => words[n / 6 % 5].to_owned(),
            1 => words[n / 6 % 5].repeat(12),
            2 => words.concat(),
            _ => format!("{n}{}{}{}", words[n % 5], n, words[n / 2 % 5]),
        };
        let source = if n % 3 == 0 { "blog" } else { "law" };
        lines.push(json!({"id": format!("d{n}"), "text": text, "source": source, "license": "CC0-1.0"}).to_string());
    }
    world.write("in.jsonl", lines.join("\n") + "\n{not json\n");
    world.write("plan.toml", PLAN);
}

/// Runs the plan; exit code 3 where a record cannot be read.
fn run(world: &World, out: &str, more: &[&str]) {
    let mut arguments = vec!["run", "plan.toml", "--out", out, "--progress", "none"];
    arguments.extend(more);
    let (code, _, err) = world.run(&arguments);
    assert!([0, 3].contains(&code), "{err}");
}

fn page(world: &World, name: &str) -> String {
    fs::read_to_string(world.path(name)).unwrap()
}

/// The facts inside of a page.
fn facts(page: &str) -> Value {
    let (_, from) = page.split_once("<script type=\"application/json\" id=\"facts\">").unwrap();
    serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
}

fn manifest(world: &World, out: &str) -> Value {
    serde_json::from_slice(&fs::read(world.path(out).join("manifest.json")).unwrap()).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// Documents that a rule would keep with its threshold at an edge, as the page reckons it; where it is, without one.
fn kept(rule: &Value, edge: Option<usize>) -> u64 {
    let of_source = |source: &Value| -> u64 {
        let cells: Vec<u64> = source["documents"].as_array().unwrap().iter().map(number).collect();
        let sum: u64 = match edge {
            None => cells.iter().sum::<u64>() - number(&source["now"][0]),
            Some(edge) => cells.iter().enumerate().filter(|(cell, _)| (*cell <= edge) != (rule["fails"] == "min")).map(|(_, n)| n).sum(),
        };
        number(&source["kept"][0]) + sum
    };
    rule["sources"].as_array().unwrap().iter().map(of_source).sum()
}

#[test]
fn figures_are_those_of_the_manifest_and_the_tables() {
    let world = World::new();
    input(&world);
    run(&world, "out", &[]);
    let (page, manifest) = (page(&world, "out/report.html"), manifest(&world, "out"));
    let facts = facts(&page);
    let totals = &manifest["totals"];
    assert_eq!((&facts["totals"], &facts["fingerprint"], &facts["pack"]), (totals, &manifest["fingerprint"], &manifest["pack"]));
    assert_eq!(number(&totals["quarantined"]), 1);
    // The funnel adds up.
    let lost: BTreeMap<&str, u64> =
        facts["lost"].as_array().unwrap().iter().map(|lost| (lost[0].as_str().unwrap(), number(&lost[1]))).collect();
    let rejected: BTreeMap<&str, u64> =
        manifest["rejected"].as_object().unwrap().iter().map(|(rule, n)| (rule.as_str(), number(n))).collect();
    assert_eq!(lost, rejected);
    assert!(lost.len() == 3, "exact, min_chars, repeated: {lost:?}");
    let all: u64 = facts["lost"].as_array().unwrap().iter().map(|lost| number(&lost[2])).sum();
    assert_eq!(number(&facts["read"][0]), number(&totals["kept"]) + number(&totals["rejected"]));
    assert_eq!(number(&facts["read"][1]), number(&totals["kept_characters"]) + all);
    // Every document is in the balance of every rule, once.
    for rule in facts["rules"].as_array().unwrap() {
        let documents = |source: &Value| {
            number(&source["kept"][0])
                + number(&source["lost"][0])
                + source["documents"].as_array().unwrap().iter().map(number).sum::<u64>()
        };
        let sum: u64 = rule["sources"].as_array().unwrap().iter().map(documents).sum();
        assert_eq!(sum, number(&facts["read"][0]), "{}", rule["rule"]);
        assert_eq!(kept(rule, None), number(&totals["kept"]), "{}", rule["rule"]);
        assert_eq!(kept(rule, rule["at"][0].as_u64().map(|at| at as usize)), number(&totals["kept"]), "{}", rule["rule"]);
    }
    for part in ["funnel", "losses", "thresholds", "keigo", "duplicates", "tokens", "packing", "provenance"] {
        assert!(page.contains(&format!("id=\"{part}\"")) && page.contains(&format!("href=\"#{part}\"")), "{part}");
    }
    assert!(page.contains("CC0-1.0") && page.contains("<mark>"), "licences, and what is repeated");
    assert!(!page.contains("id=\"speed\""), "nothing of the machine");
    let (code, _, err) = world.run(&["report", "out", "-o", "mine.html"]);
    assert!(code == 0 && err.contains("mine.html"), "{err}");
    let mine = fs::read_to_string(world.path("mine.html")).unwrap();
    assert!(mine.contains("id=\"speed\"") && mine.contains("<h1>out</h1>"));
    assert_eq!(self::facts(&mine), facts);
}

#[test]
fn a_moved_threshold_keeps_what_other_settings_keep() {
    let world = World::new();
    input(&world);
    run(&world, "out", &[]);
    let facts = facts(&page(&world, "out/report.html"));
    let mut compared = 0;
    for rule in facts["rules"].as_array().unwrap() {
        for (at, edge) in rule["edges"].as_array().unwrap().iter().enumerate().step_by(3) {
            let setting = format!("quality.thresholds.{}={edge}", rule["rule"].as_str().unwrap());
            let answer = what_if(&world.path("out"), std::slice::from_ref(&setting)).unwrap();
            assert_eq!(kept(rule, Some(at)), answer.kept_after, "{setting}");
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
}

/// What somebody may try to put on a page.
const HOSTILE: [&str; 6] = [
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "--><svg onload=document.title='ran'>",
    "</style><style>body{display:none}</style>",
    "\u{2028}'\"><a href=\"javascript:document.title='ran'\">",
    "&lt;b&gt; ${document.title='ran'} <!--",
];

#[test]
fn nothing_of_a_document_is_markup() {
    let world = World::new();
    let mut lines = Vec::new();
    for (n, hostile) in HOSTILE.iter().enumerate() {
        // A long one, one that repeats itself, a short one, and two that are the same.
        for (k, text) in [
            format!("{hostile}人の米と水は川です。山は遠い。{n}"),
            format!("{hostile}\n").repeat(9),
            (*hostile).to_owned(),
            (*hostile).to_owned(),
        ]
        .iter()
        .enumerate()
        {
            let record =
                json!({"id": format!("{n}{k}{hostile}"), "text": text, "source": hostile, "license": hostile, "residency": hostile});
            lines.push(record.to_string());
        }
    }
    world.write("in.jsonl", lines.join("\n"));
    world.write("plan.toml", PLAN.replace("min_chars = 20", "min_chars = 40\ndup_lines = 0.3"));
    run(&world, "out", &[]);
    let (code, _, err) = world.run(&["report", "out", "-o", "page.html"]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = world.run(&["report", "out", "out", "-o", "both.html"]);
    assert_eq!(code, 0, "{err}");
    for name in ["out/report.html", "page.html", "both.html"] {
        let page = page(&world, name);
        assert_eq!(
            (page.matches("<script").count(), page.matches("</script>").count(), page.matches("<style").count()),
            (2, 2, 1),
            "{name}"
        );
        for forbidden in ["<img", "onerror=\"", "<svg onload", "javascript:document.title='ran'\"", "<!--", "-->"] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        assert!(page.contains("&lt;/script&gt;") && page.contains("default-src 'none'"), "{name}");
        // Nothing but the elements that we write; comparisons of the program are no markup.
        let (before, rest) = page.split_once("<script>").unwrap();
        let (_, after) = rest.split_once("</script>").unwrap();
        for piece in before.split('<').skip(1).chain(after.split('<').skip(1)) {
            let element: String = piece.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(ELEMENTS.contains(&element.as_str()) || piece.starts_with("!doctype"), "{name}: <{piece:.60}");
        }
        facts(&page);
    }
}

const ELEMENTS: [&str; 50] = [
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "main",
    "script",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "nav",
    "ul",
    "ol",
    "li",
    "a",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "div",
    "section",
    "figure",
    "figcaption",
    "svg",
    "rect",
    "line",
    "text",
    "g",
    "details",
    "summary",
    "span",
    "mark",
    "small",
    "strong",
    "code",
    "footer",
    "br",
    "wbr",
    "del",
    "ins",
    "circle",
    "caption",
    "em",
    "b",
    "i",
];

#[test]
fn two_runs_stand_beside_each_other() {
    let world = World::new();
    input(&world);
    run(&world, "out", &[]);
    run(&world, "strict", &["--set", "quality.thresholds.min_chars=40", "--set", "pack.sequence_length=64"]);
    let (code, _, err) = world.run(&["report", "out", "strict", "-o", "both.html"]);
    assert_eq!(code, 0, "{err}");
    let page = page(&world, "both.html");
    let facts = facts(&page);
    assert_eq!(
        [&facts["runs"][0]["totals"], &facts["runs"][1]["totals"]],
        [&manifest(&world, "out")["totals"], &manifest(&world, "strict")["totals"]]
    );
    assert!(number(&facts["runs"][1]["rejected"]["quality/min_chars"]) > number(&facts["runs"][0]["rejected"]["quality/min_chars"]));
    let settings: Vec<&String> = facts["settings"].as_object().unwrap().keys().collect();
    assert_eq!(settings, ["pack.sequence_length", "quality.thresholds.min_chars"]);
    assert!(page.contains("<h1>out and strict</h1>") && page.contains("quality.thresholds.min_chars"));
}

#[test]
fn a_run_that_loses_nothing_has_a_page_too() {
    let world = World::new();
    world.write("in.jsonl", json!({"id": "a", "text": "一番の人は米です。", "source": "blog"}).to_string());
    world.write("plan.toml", "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[dedup]\nexact = false\nnear = false\n[tokenizer]\nvocab_size = 300\n");
    run(&world, "out", &[]);
    let page = page(&world, "out/report.html");
    assert!(
        page.contains("Nothing was rejected.")
            && page.contains("No kept document stands for duplicates.")
            && page.contains("no thresholds")
    );
    let empty = World::new();
    empty.write("in.jsonl", "");
    empty.write("plan.toml", PLAN);
    let (code, _, err) = empty.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]);
    assert!(code == 2 || empty.path("out/report.html").exists(), "{err}");
}

#[test]
fn the_page_of_another_plan_is_another_and_one_that_is_gone_is_made_again() {
    let world = World::new();
    input(&world);
    run(&world, "out", &["--no-report"]);
    assert!(!world.path("out/report.html").exists());
    run(&world, "out", &[]);
    let first = page(&world, "out/report.html");
    fs::remove_file(world.path("out/report.html")).unwrap();
    run(&world, "out", &[]);
    assert_eq!(page(&world, "out/report.html"), first, "made again");
    // A process that was killed while it wrote the page.
    fs::remove_file(world.path("out/report.html")).unwrap();
    world.write("out/.seimai-report.html", "half a page");
    run(&world, "out", &[]);
    assert!(page(&world, "out/report.html") == first && !world.path("out/.seimai-report.html").exists(), "and nothing else");
    run(&world, "out", &["--set", "quality.thresholds.min_chars=40"]);
    let second = page(&world, "out/report.html");
    assert_ne!(facts(&second)["totals"], facts(&first)["totals"]);
    run(&world, "out", &["--no-report"]);
    assert!(!world.path("out/report.html").exists(), "a page of another run does not stay");
    let (code, _, err) = world.run(&["verify", "out", "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
    run(&world, "out", &[]);
    let (code, _, err) = world.run(&["verify", "out", "--progress", "none"]);
    assert_eq!(code, 0, "the page is no stray file: {err}");
}

#[test]
fn what_is_no_finished_run_is_refused() {
    let world = World::new();
    input(&world);
    run(&world, "out", &[]);
    let refused = |run: &str, parts: &[&str]| {
        let (code, _, err) = world.run(&["report", run, "-o", "page.html"]);
        assert_eq!(code, 2, "{err}");
        for part in parts {
            assert!(err.contains(part), "{part}: {err}");
        }
        assert!(!world.path("page.html").exists());
    };
    refused("nowhere", &["no finished run", "hint: name the --out directory"]);
    // A file of the run is another one.
    let part = world.path("out/documents/part-00000.parquet");
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    world.write("out/documents/part-00000.parquet", &bytes);
    refused("out", &["damaged", "part-00000.parquet"]);
    bytes[middle] ^= 1;
    world.write("out/documents/part-00000.parquet", &bytes);
    fs::remove_file(world.path("out/_SUCCESS")).unwrap();
    refused("out", &["not finished", "hint: give its `seimai run` command again"]);
    let (code, _, err) = world.run(&["report", "-o", "page.html"]);
    assert!(code == 2 && err.contains("RUN"), "{err}");
}

#[test]
fn the_page_is_written_as_other_files_are() {
    let world = World::new();
    input(&world);
    run(&world, "out", &[]);
    world.write("page.html", "what was there");
    let (code, _, err) = world.run(&["report", "out", "-o", "page.html", "--quiet"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(page(&world, "page.html").starts_with("<!doctype html>"), "replaced");
    let (code, _, err) = world.run(&["report", "out", "-o", "new/place/page.html"]);
    assert!(code == 0 && world.path("new/place/page.html").exists(), "directories are made: {err}");
    world.write("file", "");
    let (code, _, err) = world.run(&["report", "out", "-o", "file/page.html"]);
    assert!(code != 0 && err.contains("file"), "{code}: {err}");
    let names: Vec<_> = fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("tmp")), "{names:?}");
}
