//! What a run cuts out of the texts that stay: lines and stretches that documents before them have.

use std::collections::BTreeMap;
use std::fs;

use seimai::pipeline::what_if::what_if;
use serde_json::{Value, json};

use crate::harness::{World, manifest, rows, strings, tree};

/// Pages of three sites with menus and notices of their own, one that is nothing else, one with little else, and letters without an address. Every text
/// holds an address that is masked, behind a line that goes.
fn corpus(world: &World) {
    let mut all = String::new();
    let mut push = |id: String, text: String, url: Option<String>| all += &(json!({"id": id, "text": text, "url": url}).to_string() + "\n");
    for page in 0..30_u32 {
        let site = page % 3;
        let story = |n: u32| format!("第{page}の{n}番目の話では、{}の品種と{}の産地を順に比べました。", page * 7 + n, page * n + 3);
        let own = [0, 1, 2, 3].map(story).concat();
        let text = format!(
            "サイト{site}の記事の一覧と検索\n{own}\n連絡先は rice{page}@example.org です。\nこのページの内容の無断転載を禁じます。\nメニュー\n{}を炊く。",
            "米".repeat(page as usize + 1)
        );
        push(format!("page{page}"), text, Some(format!("https://site{site}.example/{page}")));
    }
    push("bare".into(), "サイト0の記事の一覧と検索\nこのページの内容の無断転載を禁じます。".into(), Some("https://site0.example/".into()));
    push("thin".into(), "サイト1の記事の一覧と検索\n工事中です。".into(), Some("https://site1.example/".into()));
    push("letter".into(), "このページの内容の無断転載を禁じます。\nと書かれた札を見ました。何のことだろうと思いました。".into(), None);
    world.write("in/corpus.jsonl", all);
    world.write(
        "plan.toml",
        "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\nthresholds.min_chars = 12\n[dedup]\nnear = 0.95\nlines = true\n\
         [tokenizer]\nvocab_size = 400\n[pack]\nsequence_length = 64\n[shards]\nrows_max = 7\n",
    );
}

fn run(world: &World, out: &str, more: &[&str]) -> Value {
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", out, "--progress", "none"], more].concat());
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = world.run(&["verify", out, "--progress", "none"]);
    assert_eq!(code, 0, "{said}{err}");
    manifest(&world.path(out))
}

fn texts(world: &World, dir: &str) -> BTreeMap<String, String> {
    let rows = rows(&world.path(dir));
    strings(&rows, "doc_id").into_iter().zip(strings(&rows, "text")).collect()
}

#[test]
fn shared_lines_leave_texts_counts_and_tokens() {
    let world = World::new();
    corpus(&world);
    let manifest = run(&world, "out", &[]);
    let kept = texts(&world, "out/documents");
    assert!(kept["page0"].contains("サイト0の記事") && kept["page0"].contains("無断転載"), "{}", kept["page0"]);
    assert!(kept["page1"].contains("サイト1の記事") && !kept["page1"].contains("無断転載"), "{}", kept["page1"]);
    for page in 3..30 {
        let text = &kept[&format!("page{page}")];
        assert!(text.starts_with(&format!("第{page}の0番目")) && !text.contains("無断転載") && text.contains("\nメニュー\n"), "{text}");
        assert!(text.contains("連絡先は <EMAIL> です。") && !text.contains("example.org"), "{text}");
    }
    // One without an address is of no site, and 100 documents do not have the line.
    assert!(kept["letter"].starts_with("このページの内容の無断転載"), "{}", kept["letter"]);
    let rejected = rows(&world.path("out/rejected"));
    let columns = ["doc_id", "stage", "rule", "evidence"].map(|column| strings(&rejected, column));
    let gone: BTreeMap<&str, [&str; 3]> =
        (0..columns[0].len()).map(|row| (columns[0][row].as_str(), [1, 2, 3].map(|column| columns[column][row].as_str()))).collect();
    assert_eq!(
        gone,
        [
            ("bare", ["dedup", "lines", "lines 2 of 33 characters cut; n_chars 0 < 12 left"]),
            ("thin", ["dedup", "lines", "lines 1 of 14 characters cut; n_chars 6 < 12 left"]),
        ]
        .into()
    );
    // What is rejected is told whole.
    assert!(texts(&world, "out/rejected")["thin"].starts_with("サイト1の記事の一覧と検索\n工事中"));
    assert_eq!(manifest["rejected"], json!({"dedup/lines": 2}));
    assert_eq!(
        manifest["cut"],
        json!({"documents": 29, "lines": 27 + 29, "line_characters": 27 * 14 + 29 * 20, "substrings": 0, "substring_characters": 0})
    );
    // Tokens are those of the texts that were written.
    let (code, said, err) = world.run(&["decode", "out/tokens"]);
    assert_eq!(code, 0, "{err}");
    for line in said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        assert_eq!(line["text"], kept[line["doc_id"].as_str().unwrap()].as_str());
    }
    let (code, said, err) = world.run(&["inspect", "out", "page5", "thin"]);
    assert!(code == 0 && said.contains("dedup/lines"), "{said}{err}");
    assert_eq!(what_if(&world.path("out"), &["quality.thresholds.min_chars=1".to_owned()]).unwrap().kept_after, 31);
}

/// Stretches leave texts as lines do; both may be asked for.
#[test]
fn repeated_stretches_leave_texts_counts_and_tokens() {
    let world = World::new();
    corpus(&world);
    let quoted = "この棚田では、毎年の春に村の人が総出で水路の泥をさらい、夏には草を刈り、秋には稲を掛けて干すのだそうです。";
    let mut more = String::new();
    for (id, text) in [
        ("first", format!("山の村を訪ねました。{quoted}宿に戻って日記を書きました。")),
        ("second", format!("古い日記を読みました。{quoted}懐かしいことです。")),
    ] {
        more += &(json!({"id": id, "text": text}).to_string() + "\n");
    }
    world.write("in/more.jsonl", more);
    let manifest = run(&world, "out", &["--set", "dedup.substring=40"]);
    let kept = texts(&world, "out/documents");
    assert!(kept["first"].contains(quoted) && kept["second"] == "古い日記を読みました。懐かしいことです。", "{}", kept["second"]);
    let cut = |key: &str| manifest["cut"][key].as_u64().unwrap();
    assert!(cut("substrings") >= 1 && cut("substring_characters") >= quoted.chars().count() as u64, "{}", manifest["cut"]);
    assert_eq!(manifest["cut"]["lines"], 27 + 29);
    let (code, said, err) = world.run(&["decode", "out/tokens"]);
    assert_eq!(code, 0, "{err}");
    for line in said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        assert_eq!(line["text"], kept[line["doc_id"].as_str().unwrap()].as_str());
    }
}

/// Sketched, judged and compared once; what is cut is found again where nothing has changed.
#[test]
fn threads_memory_shards_and_earlier_runs_do_not_show_in_what_is_cut() {
    let world = World::new();
    corpus(&world);
    run(&world, "out", &["--threads", "1"]);
    for (n, more) in [["--threads", "8"], ["--memory", "220MiB"]].iter().enumerate() {
        let out = format!("again{n}");
        run(&world, &out, more);
        assert_eq!(tree(&world.path("out")), tree(&world.path(&out)), "{more:?}");
    }
    // Other work shards, the same cuts.
    run(&world, "shards", &["--set", "shards.rows_max=1000"]);
    assert_eq!(texts(&world, "out/documents"), texts(&world, "shards/documents"));
    // Another limit, in place and anew; and back again.
    for (settings, fresh) in
        [(&["--set", "dedup.lines={in_source=11}"][..], "fresh"), (&["--set", "dedup.lines=false"], "whole"), (&[], "out")]
    {
        run(&world, "again0", settings);
        if fresh != "out" {
            run(&world, fresh, settings);
        }
        assert_eq!(tree(&world.path("again0")), tree(&world.path(fresh)), "{settings:?}");
    }
    assert!(texts(&world, "whole/documents").values().filter(|text| text.contains("無断転載")).count() > 30);
    assert!(fs::read_to_string(world.path("whole/manifest.json")).unwrap().find("\"cut\"").is_none());
}
