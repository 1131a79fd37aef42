//! A finished run with another plan or other inputs is done again in place: only what depends on the change, and with the bytes of a fresh run.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::harness::{World, tree, unfinished};

const BASE: &[&str] = &["quality.preset=none", "quality.thresholds.min_chars=40", "shards.rows_max=25", "shards.bytes_max=6000"];

/// Documents with several sentences, a few of them short, repeated or unreadable.
fn file(number: usize, documents: usize) -> String {
    let whats = ["精米した米", "古い地図", "庭の花", "山の水", "新しい辞書", "手紙の束", "朝の新聞"];
    let dos = ["丁寧に調べています。", "静かに運んで行く。", "友人へお見せします。", "大切に残した。", "毎日数えます。"];
    let text =
        |n: usize| (0..2 + n % 4).map(|i| format!("{n}番は{}を{}", whats[(n + i) % 7], dos[(n / 3 + i) % 5])).collect::<Vec<_>>().concat();
    let line = |row: usize| match row % 12 {
        5 => serde_json::json!({"text": text(7)}).to_string(),
        9 => "{\"text\": \"cut".to_owned(),
        // Records without an id are called by their file and number.
        n if n % 2 == 0 => serde_json::json!({"text": text(number * 1000 + row)}).to_string(),
        _ => serde_json::json!({"id": format!("{number}-{row}"), "text": text(number * 1000 + row), "source": "s"}).to_string(),
    };
    (0..documents).map(|row| line(row) + "\n").collect()
}

struct Corpus {
    world: World,
    fresh: usize,
}

impl Corpus {
    fn new() -> Self {
        let world = World::new();
        for number in 1..6 {
            world.write(&format!("in/{number}.jsonl"), file(number, 40 + number * 7));
        }
        world.write("plan.toml", "[input]\npaths = [\"in\"]\n[tokenizer]\nvocab_size = 400\n[pack]\nsequence_length = 64\n");
        Self { world, fresh: 0 }
    }

    fn arguments(out: &str, settings: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = ["run", "plan.toml", "--out", out, "--progress", "none"].map(str::to_owned).to_vec();
        all.extend(BASE.iter().chain(settings).flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]));
        all
    }

    fn run(&self, out: &str, settings: &[&str]) {
        let arguments = Self::arguments(out, settings);
        let (code, _, err) = self.world.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 3, "{settings:?}: {err}");
    }

    /// Runs in place, and afresh elsewhere: the same bytes, those of the work directory among them. Gives the passes that had work.
    #[track_caller]
    fn changed(&mut self, what: &str, settings: &[&str]) -> Vec<String> {
        self.run("out", settings);
        self.fresh += 1;
        let fresh = format!("fresh{}", self.fresh);
        self.run(&fresh, settings);
        assert_eq!(tree(&self.world.path("out")), tree(&self.world.path(&fresh)), "{what}");
        assert_eq!(self.world.run(&["verify", "out", "--progress", "none"]).0, 0, "{what}");
        let told: serde_json::Value = serde_json::from_slice(&fs::read(self.world.path("out/run.json")).unwrap()).unwrap();
        told["pass_seconds"].as_object().unwrap().keys().cloned().collect()
    }
}

#[test]
fn another_plan_is_done_in_place() {
    let mut corpus = Corpus::new();
    corpus.run("out", &[]);
    let parts = fs::read_dir(corpus.world.path("out/documents")).unwrap().count();
    assert!(parts > 4, "{parts} parts");
    // What is changed, and a pass that has no work then.
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("a threshold", &["quality.thresholds.min_chars=60"], &["frame", "annotate", "sketch"]),
        ("a little of a threshold", &["quality.thresholds.min_chars=61"], &["frame", "annotate", "sketch"]),
        ("a preset", &["quality.preset=literature"], &["frame", "annotate", "sketch"]),
        ("a mixture", &["keigo.policy=rebalance", "keigo.rebalance={target={plain-written=0.5}}"], &["frame", "annotate", "sketch"]),
        (
            "a mixture without the other registers",
            &["keigo.policy=rebalance", "keigo.rebalance={target={plain-written=0.5},others=\"drop\"}"],
            &["frame", "annotate", "sketch", "judge", "dedup"],
        ),
        ("no search for near-duplicates", &["dedup.near=false"], &["frame", "annotate"]),
        ("another search for duplicates", &["dedup.near=0.5", "dedup.exact=false"], &["frame", "annotate"]),
        ("another similarity", &["dedup.near=0.6"], &["frame", "annotate", "sketch", "judge"]),
        ("shared lines", &["dedup.lines={in_source=2}"], &["frame", "annotate", "sketch", "judge"]),
        ("lines that more share", &["dedup.lines={in_source=3}"], &["frame", "annotate", "sketch", "judge", "dedup"]),
        ("and stretches", &["dedup.lines={in_source=3}", "dedup.substring=20"], &["frame", "annotate", "sketch", "judge", "dedup"]),
        ("the vocabulary", &["tokenizer.vocab_size=350"], &["frame", "annotate", "sketch", "judge"]),
        ("superwords", &["tokenizer.superwords=0.3"], &["annotate", "judge", "dedup", "decide"]),
        ("and boundaries", &["tokenizer.superwords=0.3", "tokenizer.boundaries=script"], &["annotate", "judge", "dedup", "decide"]),
        (
            "and sequences",
            &["tokenizer.superwords=0.3", "tokenizer.boundaries=script", "pack.sequence_length=32"],
            &["annotate", "decide", "count", "train", "encode"],
        ),
        ("a register", &["keigo.register.legal_density=0.5"], &["frame"]),
        ("a sample", &["input.sample=0.5"], &["frame"]),
        ("a limit", &["input.limit=60"], &[]),
        ("both", &["input.limit=60", "input.sample=0.5"], &["frame"]),
        ("the normal form", &["normalize.form=none"], &[]),
        ("formulae", &["keigo.protect.formulae=false"], &["frame"]),
        ("parts", &["shards.bytes_max=9000"], &["frame"]),
        ("and the encoding of tokens", &["shards.bytes_max=9000", "shards.compat=false"], &["frame", "annotate", "decide", "train"]),
        ("shards", &["shards.rows_max=17"], &[]),
        ("back", &[], &[]),
    ];
    for (what, settings, idle) in cases {
        let passes = corpus.changed(what, settings);
        assert!(!passes.is_empty() && idle.iter().all(|pass| !passes.iter().any(|other| other == pass)), "{what}: {passes:?}");
    }
    let before = tree(&corpus.world.path("out"));
    corpus.run("out", &[]);
    assert_eq!(before, tree(&corpus.world.path("out")), "a finished run is done");
}

#[test]
fn outputs_that_are_lost_are_made_again() {
    let corpus = Corpus::new();
    corpus.run("out", &[]);
    let before = tree(&corpus.world.path("out"));
    fs::remove_file(corpus.world.path("out/tokens/part-00001.parquet")).unwrap();
    fs::remove_file(corpus.world.path("out/documents/part-00000.parquet")).unwrap();
    corpus.run("out", &[]);
    assert_eq!(before, tree(&corpus.world.path("out")));
}

#[test]
fn other_inputs_are_done_in_place() {
    let mut corpus = Corpus::new();
    corpus.run("out", &[]);
    let move_to = |corpus: &Corpus, from: &str, to: &str| fs::rename(corpus.world.path(from), corpus.world.path(to)).unwrap();
    for (what, name) in [("first", "in/0.jsonl"), ("in the middle", "in/3a.jsonl"), ("last", "in/9.jsonl")] {
        corpus.world.write(name, file(name.len(), 50));
        assert!(corpus.changed(&format!("a file more, {what}"), &[]).iter().any(|pass| pass == "annotate"));
    }
    move_to(&corpus, "in/3a.jsonl", "away.jsonl");
    corpus.changed("a file less", &[]);
    move_to(&corpus, "away.jsonl", "in/3a.jsonl");
    corpus.changed("and back, with another threshold", &["quality.thresholds.min_chars=60"]);
    move_to(&corpus, "in/1.jsonl", "in/4b.jsonl");
    corpus.changed("another name and place", &[]);
    corpus.world.write("in/2.jsonl", file(22, 30));
    corpus.changed("another content", &[]);
    corpus.world.write("in/5.jsonl", "");
    corpus.changed("nothing in a file", &[]);
}

/// Large files have shards of their own: one more leaves those of the others as they are.
#[test]
fn a_file_more_costs_its_own_shards() {
    let world = World::new();
    let texts =
        |n: usize| (0..6500).fold(String::new(), |all, row| all + &format!("{{\"text\": \"{n}と{row}。{}\"}}\n", "米を炊く。".repeat(10)));
    for name in ["a", "c"] {
        world.write(&format!("in/{name}.jsonl"), texts(name.len() + usize::from(name == "c")));
    }
    world.write("plan.toml", "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    let entries = || {
        assert_eq!(world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]).0, 0);
        let all = unfinished::entries(&world.path("out"));
        all.into_iter().filter(|entry| entry.to_str().unwrap().contains("/annotate/")).collect::<std::collections::BTreeSet<_>>()
    };
    let before = entries();
    world.write("in/b.jsonl", texts(9));
    let after = entries();
    assert!(before.len() == 2 && before.is_subset(&after) && after.len() == 3, "{before:?} {after:?}");
}

#[test]
fn killed_while_it_is_done_again_it_goes_on() {
    let mut corpus = Corpus::new();
    corpus.run("out", &[]);
    let settings = &["quality.thresholds.min_chars=60", "tokenizer.vocab_size=350"];
    for wait in [1, 4, 10, 20, 40, 80, 160] {
        let mut child = corpus.world.seimai(&Corpus::arguments("out", settings).iter().map(String::as_str).collect::<Vec<_>>());
        let mut child = child.stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let _ = child.kill();
        child.wait().unwrap();
        unfinished::assert_entries_hold(&corpus.world.path("out"));
    }
    corpus.changed("killed", settings);
}

#[test]
fn damage_is_not_used_again() {
    let mut corpus = Corpus::new();
    corpus.run("out", &[]);
    for entry in unfinished::entries(&corpus.world.path("out")) {
        let text = fs::read_to_string(&entry).unwrap();
        let entry: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        for file in entry["files"].as_array().unwrap().iter().filter(|file| file["bytes"].as_u64() > Some(9)) {
            let path = format!("out/{}", file["path"].as_str().unwrap());
            let mut bytes = fs::read(corpus.world.path(&path)).unwrap();
            bytes[8] ^= 1;
            corpus.world.write(&path, bytes);
        }
    }
    corpus.changed("every file is damaged", &["pack.sequence_length=32"]);
}

#[test]
fn what_is_kept_for_the_next_run_has_a_limit() {
    let mut corpus = Corpus::new();
    corpus.run("out", &[]);
    let gc = |arguments: &[&str]| {
        let (code, said, err) = corpus.world.run(&[&["gc", "out"], arguments].concat());
        assert_eq!(code, 0, "{err}");
        said
    };
    let outputs = || tree(&corpus.world.path("out")).into_iter().filter(|(name, _)| !name.starts_with(".work")).collect::<Vec<_>>();
    let before = outputs();
    assert!(gc(&[]).contains("0 B in 0 units removed"), "a run leaves nothing that it does not use");
    assert!(gc(&["--limit", "0", "--dry-run"]).contains("would go"));
    assert!(gc(&["--limit", "30KB"]).contains("removed"));
    assert_eq!(before, outputs());
    corpus.changed("with a part of what was kept", &["quality.thresholds.min_chars=60"]);
    let (code, said, _) = corpus.world.run(&["gc", "out", "--limit", "0"]);
    assert!(code == 0 && said.contains("0 B in 0 units kept") && !corpus.world.path("out/.work").exists(), "{said}");
    corpus.changed("with nothing kept", &[]);
    let mut arguments = Corpus::arguments("out", &["pack.sequence_length=32"]);
    arguments.extend(["--store-limit".to_owned(), "0".to_owned()]);
    assert_eq!(corpus.world.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).0, 3);
    assert!(!corpus.world.path("out/.work").exists());
    assert_eq!(corpus.world.run(&["verify", "out", "--progress", "none"]).0, 0);
    let refused = corpus.world.run(&["gc", "in"]);
    assert!(refused.0 == 2 && refused.2.contains("no finished run"), "{refused:?}");
}

/// An unfinished run is taken up by the plan that began it, and by no other.
#[test]
fn an_unfinished_run_of_another_plan_is_refused() {
    let corpus = Corpus::new();
    corpus.run("out", &[]);
    fs::remove_file(corpus.world.path("out/_SUCCESS")).unwrap();
    let arguments = Corpus::arguments("out", &["pack.sequence_length=32"]);
    let (code, _, err) = corpus.world.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(code == 2 && err.contains("another plan"), "{code} {err}");
    corpus.run("out", &[]);
}

#[test]
fn files_of_others_stop_it() {
    let corpus = Corpus::new();
    corpus.run("out", &[]);
    corpus.world.write("out/documents/thesis.txt", "mine");
    let arguments = Corpus::arguments("out", &["pack.sequence_length=32"]);
    let (code, _, err) = corpus.world.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(code == 2 && err.contains("thesis.txt") && corpus.world.path("out/_SUCCESS").exists(), "{code} {err}");
}
