//! `seimai inspect RUN`: lives of documents, kept and lost, in the terminal, as JSON and as a page.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::harness::{World, rows, said, strings};

const LETTER: &str =
    "拝啓　時下ますますご清栄のこととお慶び申し上げます。社長は来週ロンドンへいらっしゃいます。弊社の者が先に帰らさせていただきます。敬具";

/// A finished run with a document of each fate: kept, too short, a duplicate, near one, unreadable, and one with markup.
fn finished() -> World {
    let world = World::new();
    let line = |id: &str, text: &str| format!("{}\n", serde_json::json!({"id": id, "text": text, "source": "letters"}));
    let long = "棚田では毎年の春に村の人が総出で水路の泥をさらい、夏には草を刈り、秋には稲を掛けて干すのだそうです。".repeat(3);
    let mut corpus = String::new();
    corpus += &line("letter", LETTER);
    corpus += &line("again", LETTER);
    corpus += &line("terraces", &long);
    corpus += &line("markup", "<script>alert(1)</script>&\u{1b}[2J米を炊く。\u{202e}");
    corpus += "{\"text\": 7}\n";
    corpus += &line("hello", "やあ。");
    (0..12).for_each(|n| corpus += &line(&format!("short{n}"), &format!("短い文{n}。")));
    world.write("a.jsonl", corpus);
    let plan = "[input]\npaths = [\"a.jsonl\"]\n[quality]\npreset = \"none\"\n[quality.thresholds]\nmin_chars = 10\n[tokenizer]\nvocab_size = 400\n[pack]\nsequence_length = 64\n";
    world.write("plan.toml", plan);
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 3);
    world
}

fn shown(world: &World, arguments: &[&str], columns: &str) -> String {
    let (code, out, err) = said(&world.seimai(arguments).env("COLUMNS", columns).output().unwrap());
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out
}

#[test]
fn the_life_of_a_document_fits_any_terminal() {
    let world = finished();
    for columns in [40, 80, 120, 200] {
        for id in ["letter", "again", "terraces", "markup", "hello", "a.jsonl:5"] {
            let told = shown(&world, &["inspect", "out", id], &columns.to_string());
            for line in told.lines() {
                assert!(line.width() <= columns, "{id}, {columns}: {line}");
            }
            assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told}");
        }
    }
    let kept = shown(&world, &["inspect", "out", "letter"], "100");
    for words in
        ["── read", "── normalise", "── segment", "── keigo", "── quality preset", "── pii", "── deduplicate stands for 1", "── encode"]
    {
        assert!(kept.contains(words), "{words}: {kept}");
    }
    assert!(kept.contains("✓ min_chars") && kept.contains("≥ 10") && kept.contains("again"), "{kept}");
    let lost = shown(&world, &["inspect", "out", "hello"], "100");
    assert!(lost.contains("rejected by quality/min_chars") && lost.contains("✗ min_chars"), "{lost}");
    assert!(shown(&world, &["inspect", "out", "again"], "100").contains("the same text"));
    let unreadable = shown(&world, &["inspect", "out", "a.jsonl:5"], "100");
    assert!(unreadable.contains("quarantined") && unreadable.contains("text_type") && unreadable.contains("remedy"), "{unreadable}");
    let coloured = shown(&world, &["inspect", "out", "letter", "--color", "always"], "80");
    assert!(coloured.contains("\u{1b}[32mkept\u{1b}[0m"), "{coloured}");
}

#[test]
fn documents_that_a_rule_cost_are_always_the_same() {
    let world = finished();
    let ids = |n: &str| -> Vec<String> {
        let out = shown(&world, &["inspect", "out", "--rule", "min_chars", "--sample", n, "--json"], "80");
        out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["doc_id"].as_str().unwrap().to_owned()).collect()
    };
    let (three, six, all) = (ids("3"), ids("6"), ids("100"));
    assert_eq!((three.len(), six.len(), all.len()), (3, 6, 13));
    assert!(three.iter().all(|id| six.contains(id)) && six.iter().all(|id| all.contains(id)), "{three:?} {six:?}");
    let rejected = rows(&world.path("out/rejected"));
    let cost = strings(&rejected, "rule").into_iter().zip(strings(&rejected, "doc_id")).filter(|(rule, _)| rule == "min_chars");
    assert_eq!(all, cost.map(|(_, id)| id).collect::<Vec<_>>(), "all of them, in the order of the outputs");
    let told = shown(&world, &["inspect", "out", "--rule", "quality/min_chars", "--sample", "2"], "60");
    assert!(told.starts_with("quality/min_chars cost 13 documents; 2 of them:\n") && told.lines().all(|line| line.width() <= 60), "{told}");
    // What moves the rule, and a value that the nearest of these documents would pass.
    let told = shown(&world, &["inspect", "out", "--rule", "min_chars", "--sample", "20"], "200");
    assert!(told.contains("set by quality.thresholds.min_chars: asks ≥ 10 (preset none)"), "{told}");
    let command = told.split("another value does: seimai ").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(command, "run PLAN --out out --set quality.thresholds.min_chars=6");
    let mut arguments: Vec<&str> = command.replace("PLAN", "plan.toml").leak().split(' ').collect();
    arguments.extend(["--progress", "none"]);
    let (code, _, err) = world.run(&arguments);
    assert_eq!(code, 3, "{err}");
    let left: u64 = strings(&rows(&world.path("out/rejected")), "rule").iter().filter(|rule| *rule == "min_chars").count() as u64;
    assert!(left < 13, "{left} are still lost");
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]).0, 3);
    assert!(shown(&world, &["inspect", "out", "--rule", "exact"], "120").contains("set by dedup.exact = true"));
    assert!(shown(&world, &["inspect", "out", "--rule", "exact"], "80").contains("stays"));
    assert!(shown(&world, &["inspect", "out", "--rule", "quarantine"], "80").contains("quarantine cost 1 records"));
    assert!(shown(&world, &["inspect", "out", "--rule", "text_type"], "80").contains("text_type"));
    let (code, _, err) = world.run(&["inspect", "out", "--rule", "dup_5"]);
    assert!(code == 2 && err.contains("quality/min_chars (13)") && err.contains("quarantine (1)"), "{err}");
}

#[test]
fn a_life_as_json_says_where_everything_stands() {
    let world = finished();
    let json = |id: &str| serde_json::from_str::<Value>(&shown(&world, &["inspect", "out", id, "--json"], "80")).unwrap();
    let kept = json("letter");
    let text = kept["text"].as_str().unwrap();
    assert_eq!((&kept["inspect_version"], &kept["outcome"], &kept["columns"]["source"]), (&1.into(), &"kept".into(), &"letters".into()));
    assert_eq!(kept["duplicates"][0], "again");
    let tokens = kept["tokens"].as_array().unwrap();
    assert_eq!((&tokens[0]["start"], &tokens.last().unwrap()["end"]), (&0.into(), &text.len().into()), "tokens tile the text");
    let ids = rows(&world.path("out/tokens"));
    assert_eq!(strings(&ids, "doc_id")[kept["row"].as_u64().unwrap() as usize], "letter");
    for morpheme in kept["morphemes"].as_array().unwrap() {
        let [start, end] = ["start", "end"].map(|key| morpheme[key].as_u64().unwrap() as usize);
        assert!(text.get(start..end).is_some_and(|surface| !surface.is_empty()));
    }
    let measure = &kept["measures"].as_array().unwrap()[0];
    assert_eq!((&measure["rule"], &measure["side"], &measure["limit"]), (&"min_chars".into(), &"at_least".into(), &10.0.into()));
    let lost = json("hello");
    assert_eq!((&lost["outcome"], &lost["rule"], &lost["measures"][0]["holds"]), (&"rejected".into(), &"min_chars".into(), &false.into()));
    assert_eq!(json("again")["duplicate_of"], "letter");
    let unreadable = json("a.jsonl:5");
    assert_eq!((&unreadable["outcome"], &unreadable["reason"]), (&"quarantined".into(), &"text_type".into()));
    assert_eq!(json(&format!("a.jsonl@{}", unreadable["offset"])), unreadable);
}

#[test]
fn the_summary_of_a_run_says_how_to_look_at_what_went() {
    let world = finished();
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "my out", "--progress", "none"]);
    assert_eq!(code, 3);
    let commands: Vec<&str> = err.lines().filter_map(|line| line.split("seimai inspect ").nth(1)).collect();
    assert!(commands.len() > 1 && commands.len() <= 3 && err.contains("why they went"), "{err}");
    for command in commands {
        let rule = command.strip_prefix("'my out' --rule ").unwrap().strip_suffix(" --sample 3").unwrap();
        assert_eq!(world.run(&["inspect", "my out", "--rule", rule, "--sample", "3"]).0, 0, "{command}");
    }
}

#[test]
fn a_page_of_a_cluster_holds_no_markup_of_documents() {
    let world = World::new();
    let text = |end: &str| {
        format!("<script>alert(1)</script>棚田では春に村の人が総出で水路の泥をさらい、夏には草を刈り、秋には稲を掛けて干す。{end}")
    };
    let long = |end: &str| text(end).repeat(6) + end;
    let mut corpus = String::new();
    for (id, text) in [("<b>first", long("昔")), ("same", long("昔")), ("near", long("昔") + "<img src=x>"), ("other", "米を炊く。".into())]
    {
        corpus.extend([serde_json::json!({"id": id, "text": text}).to_string(), "\n".to_owned()]);
    }
    world.write("a.jsonl", corpus);
    world.write("plan.toml", "[input]\npaths = [\"a.jsonl\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 400\n");
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 0);
    for id in ["same", "<b>first"] {
        let (code, _, err) = world.run(&["inspect", "out", "--cluster", id, "--html", "cluster.html"]);
        assert!(code == 0 && err.contains("open it in a browser"), "{err}");
        let page = std::fs::read_to_string(world.path("cluster.html")).unwrap();
        assert!(
            page.contains("default-src 'none'") && !page.contains("<script") && !page.contains("<img") && !page.contains("<b>"),
            "{page}"
        );
        for words in [
            "3 documents, of which one stays",
            "&lt;b&gt;first",
            "The same text.",
            "<ins>&lt;img src=x&gt;</ins>",
            "jaccard 0.",
            ">exact<",
            ">near<",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }
    assert_eq!(world.run(&["inspect", "out", "--cluster", "other", "--html", "none.html"]).0, 2);
    assert!(!world.path("none.html").exists());
    assert_eq!(world.run(&["inspect", "out", "--cluster", "same", "--json"]).0, 2);
}

#[test]
fn a_page_of_lives_holds_no_markup_of_documents() {
    let world = finished();
    let arguments = ["inspect", "out", "letter", "markup", "again", "a.jsonl:5", "--html", "lives.html"];
    assert_eq!(world.run(&arguments).0, 0);
    let page = std::fs::read_to_string(world.path("lives.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("default-src 'none'") && !page.contains("<script"), "nothing runs");
    assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
    for words in ["<h2>letter</h2>", "Measures beside their limits", "Morphemes", "Tokens", "Duplicate of", "text_type"] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<section>").count(), page.matches("</section>").count());
    assert_eq!(world.run(&["inspect", "out", "--rule", "min_chars", "--html", "rule.html"]).0, 0);
    assert!(std::fs::read_to_string(world.path("rule.html")).unwrap().contains("quality/min_chars cost 13 documents"));
}
