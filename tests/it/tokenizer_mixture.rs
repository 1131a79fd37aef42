//! `seimai tokenizer mixture`: shares of kinds of text, told from merges.

use serde_json::{Value, json};

use crate::harness::World;

/// Sentences of words made of some characters, the same ones every time; `from` says which.
fn kind(characters: &str, documents: usize, from: u64) -> String {
    let characters: Vec<char> = characters.chars().collect();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = move |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let words: Vec<String> = (0..200).map(|_| (0..=draw(4)).map(|_| characters[draw(characters.len())]).collect()).collect();
    for _ in 0..from {
        draw(2);
    }
    // Early words are more frequent.
    let mut sentence = || {
        (0..40)
            .map(|_| {
                let most = 1 + draw(words.len());
                words[draw(most)].clone()
            })
            .collect::<Vec<_>>()
            .join("、")
    };
    let lines: Vec<String> = (0..documents).map(|at| json!({"id": format!("{from}-{at}"), "text": sentence()}).to_string()).collect();
    lines.join("\n")
}

const KINDS: [(&str, &str); 3] =
    [("law", "条項第法令前各号規定及び"), ("chat", "あいうえおかきくけこそうね"), ("shop", "コメパンイスセールアゲハ米袋")];

/// A vocabulary of known shares, trained on `documents` of each kind, and other documents of the same kinds.
fn world(documents: [usize; 3]) -> (World, Vec<String>) {
    let world = World::new();
    let mut parts = Vec::new();
    for ((name, characters), documents) in KINDS.into_iter().zip(documents) {
        world.write(&format!("{name}.part.jsonl"), kind(characters, documents, 1));
        world.write(&format!("{name}.jsonl"), kind(characters, 400, 1_000_000));
        parts.push(format!("{name}.part.jsonl"));
    }
    let files: Vec<&str> = parts.iter().map(String::as_str).collect();
    done(&world, &[&["count", "-o", "counts.parquet"], PLAIN, &files].concat());
    done(&world, &["train", "counts.parquet", "--vocab-size", "900", "-o", "tokenizer"]);
    let sources = KINDS.iter().map(|(name, _)| format!("{name}={name}.jsonl")).collect();
    (world, sources)
}

const PLAIN: &[&str] = &["--set", "tokenizer.boundaries=none", "--set", "tokenizer.superwords=0"];

fn done(world: &World, arguments: &[&str]) -> String {
    let (code, out, err) = world.run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out
}

fn found(world: &World, sources: &[&str], more: &[&str]) -> Value {
    let given = sources.iter().flat_map(|source| ["--source", source]);
    let arguments: Vec<&str> =
        ["tokenizer", "mixture", "tokenizer", "--json"].into_iter().chain(given).chain(more.iter().copied()).collect();
    serde_json::from_str(&done(world, &arguments)).unwrap()
}

fn shares(found: &Value) -> Vec<f64> {
    found["sources"].as_array().unwrap().iter().map(|source| source["share"].as_f64().unwrap()).collect()
}

#[test]
fn shares_of_a_known_mixture_are_told_from_other_documents() {
    let (world, sources) = world([300, 150, 50]);
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    let own: Vec<&str> = vec!["law=law.part.jsonl", "chat=chat.part.jsonl", "shop=shop.part.jsonl"];
    // The training text itself: no slack, and its bytes are the truth.
    let exact = found(&world, &own, &[]);
    let bytes: Vec<f64> = exact["sources"].as_array().unwrap().iter().map(|source| source["bytes"].as_f64().unwrap()).collect();
    let truth: Vec<f64> = bytes.iter().map(|of| of / bytes.iter().sum::<f64>()).collect();
    assert!(exact["explained"].as_f64().unwrap() > 0.999 && exact["shortfall"].as_f64().unwrap() < 1e-5, "{exact}");
    assert_eq!((&exact["unseen"], &exact["doubts"]), (&json!(0), &json!([])));
    for (share, truth) in shares(&exact).iter().zip(&truth) {
        assert!((share - truth).abs() < 0.005, "{exact}");
    }
    let told = found(&world, &sources, &[]);
    for (share, truth) in shares(&told).iter().zip(&truth) {
        assert!((share - truth).abs() < 0.02, "{truth}: {told}");
    }
    // Threads do not show; nor does a histogram of the same text, but in its halves.
    assert_eq!(found(&world, &sources, &["--threads", "1"]), told);
    done(&world, &[&["count", "law.jsonl", "-o", "law.parquet"], PLAIN].concat());
    let counted = found(&world, &["law=law.parquet", sources[1], sources[2]], &[]);
    for (share, other) in shares(&counted).iter().zip(shares(&told)) {
        assert!((share - other).abs() < 1e-3, "{counted}");
    }
    // A kind without any part in it has none.
    world.write("none.jsonl", kind("αβγδεζηθικ", 400, 1));
    let more = found(&world, &[&sources[..], &["none=none.jsonl"]].concat(), &[]);
    assert!(shares(&more)[3] < 0.005, "{more}");
    // The table says the same, and a missing kind is told.
    let out = done(&world, &["tokenizer", "mixture", "tokenizer", "--source", sources[0], sources[1], sources[2]]);
    assert!(out.contains("law") && out.contains("explained"), "{out}");
    let without = found(&world, &sources[1..], &["--quiet"]);
    assert!(!without["doubts"].as_array().unwrap().is_empty(), "{without}");
}

/// A vocabulary's name, what is changed in it, and words of the refusal.
type Case<'a> = (&'a str, &'a dyn Fn(&mut Value), &'a [&'a str]);

#[test]
fn what_says_nothing_of_a_mixture_is_refused() {
    let (world, sources) = world([60, 60, 60]);
    let refused = |tokenizer: &str, more: &[&str], words: &[&str]| {
        let arguments: Vec<&str> = ["tokenizer", "mixture", tokenizer].into_iter().chain(more.iter().copied()).collect();
        let (code, _, err) = world.run(&arguments);
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(words.iter().all(|word| err.contains(word)), "{arguments:?}: {err}");
    };
    let two = ["--source", sources[0].as_str(), sources[1].as_str()];
    refused("tokenizer", &two[..2], &["one source alone", "hint", "--source"]);
    refused("tokenizer", &["--source", "law.jsonl"], &["names no kind", "NAME=FILE"]);
    refused("tokenizer", &[&two[..], &["--boundaries", "words"]].concat(), &["boundaries", "words"]);
    world.write("empty.jsonl", "{\"text\": \"\"}\n");
    refused("tokenizer", &["--source", &sources[0], "x=empty.jsonl"], &["\"x\" has no text"]);
    refused("tokenizer", &["--source", &sources[0], "x=nowhere.jsonl"], &["nowhere.jsonl"]);
    done(&world, &["count", "law.jsonl", "-o", "gpt2.parquet", "--set", "tokenizer.pattern=gpt2", "--set", "tokenizer.boundaries=none"]);
    refused("tokenizer", &["--source", "law=gpt2.parquet", &sources[1]], &["gpt2.parquet", "another pattern", "hint"]);
    // Other vocabularies, by what they are.
    let ours: Value = serde_json::from_slice(&std::fs::read(world.path("tokenizer/tokenizer.json")).unwrap()).unwrap();
    let changed = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut value = ours.clone();
        change(&mut value);
        world.write(&format!("{name}.json"), value.to_string());
        format!("{name}.json")
    };
    let cases: [Case<'_>; 6] = [
        ("unigram", &|v| v["model"] = json!({"type": "Unigram", "vocab": [["a", -1.0]], "unk_id": 0}), &["Unigram", "without merges"]),
        ("wordpiece", &|v| v["model"] = json!({"type": "WordPiece", "vocab": {"a": 0}}), &["WordPiece", "without merges"]),
        ("unmerged", &|v| v["model"]["merges"] = json!([]), &["has no merges"]),
        ("metaspace", &|v| v["pre_tokenizer"] = json!({"type": "Metaspace", "replacement": "▁"}), &["Metaspace"]),
        ("prepended", &|v| v["normalizer"] = json!({"type": "Prepend", "prepend": "▁"}), &["Prepend"]),
        ("nfc", &|v| v["normalizer"] = json!({"type": "NFC"}), &["NFC", "--form nfc"]),
    ];
    for (name, change, words) in cases {
        let path = changed(name, change);
        refused(&path, &two, &[&[path.as_str(), "hint"], words].concat());
    }
    // What says nothing of how merges were learned is passed over.
    let ignoring = changed("ignoring", &|v| v["model"]["ignore_merges"] = json!(true));
    let told = |tokenizer: &str| {
        let out = done(&world, &[&["tokenizer", "mixture", tokenizer, "--json"], &two[..]].concat());
        let value: Value = serde_json::from_str(&out).unwrap();
        value["sources"].clone()
    };
    assert_eq!(told(&ignoring), told("tokenizer"));
}
