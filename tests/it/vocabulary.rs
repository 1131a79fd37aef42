//! Counting, training and encoding without a run: the same histogram, vocabulary and tokens as inside one.

use std::fs;

use arrow::array::AsArray;

use crate::harness::{World, tree};

const PLAN: &str =
    "[input]\npaths = [\"a.jsonl\", \"b.jsonl\"]\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 400\n";

/// Two files of different documents, with personal data in some.
fn corpus() -> World {
    let world = World::new();
    let line = |i: usize| {
        let text = (0..=i % 5)
            .map(|k| format!("{i}番の米は{k}回精米しました。ｶﾅも ＡＢＣも{}あります。", 1000 + i * 37))
            .collect::<Vec<_>>()
            .join("\n");
        let text = if i.is_multiple_of(9) { format!("{text}\n連絡は a{i}@example.jp まで。") } else { text };
        serde_json::json!({"id": format!("{i}"), "text": text}).to_string()
    };
    let lines: Vec<String> = (0..120).map(line).collect();
    world.write("a.jsonl", lines[..50].join("\n"));
    world.write("b.jsonl", lines[50..].join("\n"));
    world.write("plan.toml", PLAN);
    world
}

fn done(world: &World, arguments: &[&str]) -> String {
    let (code, _, err) = world.run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    err
}

fn refused(world: &World, arguments: &[&str], words: &[&str]) {
    let (code, _, err) = world.run(arguments);
    assert_eq!(code, 2, "{arguments:?}: {err}");
    assert!(words.iter().all(|word| err.contains(word)), "{err}");
}

#[test]
fn histograms_add_up_to_that_of_all_documents_and_of_a_run() {
    let world = corpus();
    for superwords in ["0", "0.4"] {
        let set = format!("tokenizer.superwords={superwords}");
        let count = |files: &[&str], out: &str, more: &[&str]| {
            done(&world, &[&["count", "--set", &set, "-o", out], files, more].concat());
            fs::read(world.path(out)).unwrap()
        };
        let whole = count(&["a.jsonl", "b.jsonl"], "whole.parquet", &[]);
        assert_eq!(count(&["b.jsonl", "a.jsonl"], "again.parquet", &["--threads", "1"]), whole, "order and threads do not show");
        count(&["a.jsonl"], "a.parquet", &[]);
        count(&["b.jsonl"], "b.parquet", &[]);
        let out = format!("out-{superwords}");
        done(&world, &["run", "plan.toml", "--out", &out, "--progress", "none", "--set", &set]);
        let train = |counts: &[&str], to: &str| {
            done(&world, &[&["train", "--vocab-size", "400", "--set", &set, "-o", to], counts].concat());
            fs::read(world.path(&format!("{to}/tokenizer.json"))).unwrap()
        };
        let wanted = fs::read(world.path(&format!("{out}/tokenizer/tokenizer.json"))).unwrap();
        assert!(train(&["whole.parquet"], "t1") == wanted, "of all documents");
        assert!(train(&["b.parquet", "a.parquet"], "t2") == wanted, "of two histograms");
        assert!(train(&[&format!("{out}/counts.parquet")], "t3") == wanted, "of the histogram of a run");
        assert_eq!(fs::read(world.path(&format!("{out}/counts.parquet"))).unwrap(), whole, "a run counts the same");
    }
    refused(&world, &["train", "a.parquet", "whole.parquet", "a.jsonl", "--vocab-size", "400", "-o", "t"], &["a.jsonl", "no histogram"]);
}

#[test]
fn several_sizes_and_what_is_left_out() {
    let world = corpus();
    let all = done(&world, &["count", "a.jsonl", "-o", "all.parquet"]);
    assert!(all.contains("50 documents") && !all.contains("--min-count"), "{all}");
    let err = done(&world, &["count", "a.jsonl", "-o", "some.parquet", "--min-count", "5"]);
    assert!(err.contains("--min-count leaves out") && err.contains("% of the text"), "{err}");
    done(&world, &["train", "all.parquet", "--vocab-size", "300,380", "-o", "sizes", "--threads", "2"]);
    for size in ["300", "380"] {
        done(&world, &["train", "all.parquet", "--vocab-size", size, "-o", size, "--threads", "1"]);
        assert_eq!(tree(&world.path(&format!("sizes/{size}"))), tree(&world.path(size)), "each size as if alone");
    }
    let sizes = ["300", "380"].map(|size| {
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(world.path(&format!("sizes/{size}/tokenizer.json"))).unwrap()).unwrap();
        json["model"]["merges"].as_array().unwrap().len()
    });
    assert_eq!(sizes, [300 - 258, 380 - 258]);
}

/// With superwords the stages part at another merge for each size.
#[test]
fn sizes_with_superwords_are_those_of_one_size() {
    let world = corpus();
    done(&world, &["count", "a.jsonl", "b.jsonl", "-o", "all.parquet", "--set", "tokenizer.superwords=0.4"]);
    let train = |sizes: &str, out: &str, threads: &str| {
        let more = ["--set", "tokenizer.superwords=0.4", "--threads", threads, "--progress", "json"];
        done(&world, &[&["train", "all.parquet", "--vocab-size", sizes, "-o", out], &more[..]].concat())
    };
    let err = train("420,310,360", "sizes", "8");
    assert!(err.contains("pass_started") && err.contains("pass_finished"), "{err}");
    for size in ["420", "310", "360"] {
        train(size, size, "1");
        assert_eq!(tree(&world.path(&format!("sizes/{size}"))), tree(&world.path(size)), "{size}");
    }
}

/// The words are tokens, their merges stand at the head, and a word that could never be met is refused.
#[test]
fn protected_words_are_tokens() {
    let world = corpus();
    done(&world, &["count", "a.jsonl", "-o", "all.parquet"]);
    let protect = |words: &str| format!("tokenizer.protected={words}");
    let train = ["train", "all.parquet", "--vocab-size", "400", "-o", "t", "--set"];
    done(&world, &[&train[..], &[&protect("[\"玄米\",\"精米しました\"]")]].concat());
    let json: serde_json::Value = serde_json::from_slice(&fs::read(world.path("t/tokenizer.json")).unwrap()).unwrap();
    // 玄 and 米 in two merges each, and one for both.
    assert_eq!(json["model"]["merges"][4], serde_json::json!(["çİĦ", "ç±³"]));
    world.write("words.jsonl", "{\"text\": \"玄米\"}\n{\"text\": \"精米しました\"}\n");
    done(&world, &["encode", "words.jsonl", "--tokenizer", "t", "-o", "words"]);
    let rows = crate::harness::rows(&world.path("words/tokens"));
    let lengths = rows.iter().flat_map(|batch| {
        let column = batch.column_by_name("n_tokens").unwrap().clone();
        column.as_primitive::<arrow::datatypes::Int32Type>().values().to_vec()
    });
    assert_eq!(lengths.collect::<Vec<_>>(), [1, 1]);
    for (words, why) in [("[\"ﾒｰﾙ\"]", "メール"), ("[\"玄米。\"]", "is cut by the pattern")] {
        refused(&world, &[&train[..], &[&protect(words)]].concat(), &["tokenizer.protected", why]);
    }
}

#[test]
fn histograms_of_different_settings_are_refused_by_the_first_of_them() {
    let world = corpus();
    done(&world, &["count", "a.jsonl", "-o", "one.parquet"]);
    let cases: &[(&[&str], &str)] = &[
        (&["--set", "tokenizer.boundaries=script"], "boundaries"),
        (&["--set", "tokenizer.pattern=o200k"], "pattern"),
        (&["--set", "tokenizer.digits=single"], "digits"),
        (&["--set", "normalize.form=none"], "normalize"),
        (&["--set", "pii.action=keep"], "masked"),
        (&["--min-count", "2"], "min_count"),
        (&["--set", "tokenizer.superwords=0"], "superwords"),
    ];
    for (settings, what) in cases {
        done(&world, &[&["count", "b.jsonl", "-o", "other.parquet"], *settings].concat());
        refused(
            &world,
            &["train", "one.parquet", "other.parquet", "--vocab-size", "400", "-o", "t"],
            &["one.parquet", "other.parquet", what],
        );
    }
    world.write("empty.jsonl", "");
    done(&world, &["count", "empty.jsonl", "-o", "empty.parquet"]);
    done(&world, &["train", "empty.parquet", "one.parquet", "--vocab-size", "300", "-o", "t"]);
    refused(&world, &["train", "missing.parquet", "--vocab-size", "400", "-o", "t"], &["missing.parquet", "no such file"]);
    refused(&world, &["train", "one.parquet", "--vocab-size", "200", "-o", "t"], &["vocab_size"]);
}

#[test]
fn tokens_of_encode_are_those_of_a_run() {
    let world = corpus();
    done(&world, &["run", "plan.toml", "--out", "out", "--progress", "none", "--set", "pii.action=keep", "--set", "shards.rows_max=50"]);
    let encode = |threads: &str, out: &str| {
        done(&world, &["encode", "a.jsonl", "b.jsonl", "--tokenizer", "out/tokenizer", "--rows", "50", "-o", out, "--threads", threads]);
        tree(&world.path(out))
    };
    let encoded = encode("1", "one");
    assert_eq!(encoded, encode("3", "three"), "threads do not show");
    assert_eq!(tree(&world.path("one/tokens")), tree(&world.path("out/tokens")));
    let (code, text, err) = world.run(&["decode", "one"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(text.lines().count(), 120);
    assert!(text.contains("カナも ABCも"), "normalised as a run does");
    refused(&world, &["encode", "a.jsonl", "--tokenizer", "out/tokenizer", "-o", "one"], &["one", "not empty"]);
    refused(&world, &["encode", "a.jsonl", "--tokenizer", "a.jsonl", "-o", "t"], &["a.jsonl"]);
    world.write("bad.jsonl", "{\"text\": \"精米\"}\n{\"text\"\n");
    let (code, _, err) = world.run(&["encode", "bad.jsonl", "--tokenizer", "out/tokenizer/tokenizer.json", "-o", "bad"]);
    assert!(code == 3 && err.contains("1 records could not be read"), "{code} {err}");
    assert_eq!(fs::read_to_string(world.path("bad/quarantine.jsonl")).unwrap().lines().count(), 1);
}
