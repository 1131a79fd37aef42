//! `seimai tokenizer`: what makes programs disagree is found, a tokenizer that another library saved is the same, and reports count right.

use std::fs;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use serde_json::{Value, json};

use crate::harness::{World, rows};

/// A small vocabulary in `t`.
fn vocabulary() -> World {
    let world = World::new();
    let line = |i: usize| {
        json!({"id": format!("{i}"), "text": format!("{i}番の米は{i}回精米しました。お茶を飲みます。Rice {i}\n").repeat(3)}).to_string()
    };
    world.write("a.jsonl", (0..60).map(line).collect::<Vec<_>>().join("\n"));
    let done = |arguments: &[&str]| {
        let (code, _, err) = world.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {err}");
    };
    done(&["count", "a.jsonl", "--set", "tokenizer.boundaries=script", "-o", "counts.parquet"]);
    done(&["train", "counts.parquet", "--vocab-size", "330", "-o", "t"]);
    world
}

fn change(world: &World, file: &str, change: impl FnOnce(&mut Value)) {
    let mut value: Value = fs::read(world.path(file)).map_or_else(|_| json!({}), |bytes| serde_json::from_slice(&bytes).unwrap());
    change(&mut value);
    world.write(file, value.to_string());
}

/// What `check --json` says, with its exit code.
fn checked(world: &World) -> (i32, Value) {
    let (code, out, err) = world.run(&["tokenizer", "check", "t", "--json"]);
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

type Change = fn(&mut Value);

#[test]
fn what_makes_programs_disagree_is_found() {
    let world = vocabulary();
    let (code, said) = checked(&world);
    assert_eq!((code, &said["sound"], &said["pattern"], &said["vocab_size"]), (0, &json!(true), &json!("deepseek-v3"), &json!(330)));
    let (_, out, _) = world.run(&["tokenizer", "check", "t"]);
    assert!(out.contains("sound") && out.contains("llama.cpp") && out.contains(said["content_blake3"].as_str().unwrap()), "{out}");
    let keep = |file: &str| fs::read(world.path(file)).unwrap();
    let (tokenizer, config) = (keep("t/tokenizer.json"), keep("t/tokenizer_config.json"));
    let cases: [(&str, &str, Change); 20] = [
        ("tokenizer.json", "pattern", |json| json["pre_tokenizer"]["pretokenizers"][1]["pattern"]["Regex"] = json!("[ぁ-ん]+")),
        ("tokenizer.json", "pattern", |json| json["pre_tokenizer"] = Value::Null),
        ("tokenizer.json", "pattern_spelling", |json| {
            let regex = &mut json["pre_tokenizer"]["pretokenizers"][2]["pattern"]["Regex"];
            *regex = json!(regex.as_str().unwrap().replace('\r', "\\r").replace('\n', "\\n"));
        }),
        ("tokenizer.json", "normalizer", |json| json["normalizer"] = json!({"type": "NFKC"})),
        ("tokenizer.json", "call_settings", |json| json["truncation"] = json!({"max_length": 512})),
        ("tokenizer.json", "ignore_merges", |json| json["model"]["ignore_merges"] = json!(true)),
        ("tokenizer.json", "duplicate_id", |json| json["model"]["vocab"]["x1"] = json!(300)),
        ("tokenizer.json", "special_flags", |json| json["added_tokens"][0]["normalized"] = json!(true)),
        ("tokenizer.json", "special_misread", |json| json["added_tokens"][0]["content"] = json!("\u{e3}\u{123}")),
        ("tokenizer.json", "special_ids", |json| json["added_tokens"][0]["id"] = json!(1)),
        ("tokenizer.json", "added_not_special", |json| json["added_tokens"][1]["special"] = json!(false)),
        ("tokenizer.json", "unreadable", |json| json["decoder"] = json!({"type": "WordPiece"})),
        ("tokenizer_config.json", "tokenizer_class", |json| json["tokenizer_class"] = json!("LlamaTokenizerFast")),
        ("tokenizer_config.json", "add_tokens", |json| json["add_bos_token"] = json!(true)),
        ("tokenizer_config.json", "clean_up", |json| json["clean_up_tokenization_spaces"] = json!(true)),
        ("tokenizer_config.json", "roles", |json| json["unk_token"] = json!("<unk>")),
        ("tokenizer_config.json", "added_tokens_decoder", |json| json["added_tokens_decoder"]["1"]["content"] = json!("<pad>")),
        ("config.json", "model_type", |json| json["model_type"] = json!("qwen3_5")),
        ("config.json", "vocab_size", |json| json["vocab_size"] = json!(320)),
        ("config.json", "role_ids", |json| json["eos_token_id"] = json!(7)),
    ];
    for (file, finding, make) in cases {
        change(&world, &format!("t/{file}"), make);
        let (code, said) = checked(&world);
        let found = said["findings"].as_array().unwrap().iter().find(|found| found["code"] == finding && found["severity"] == "finding");
        assert!(code == 2 && found.is_some_and(|found| !found["remedy"].as_str().unwrap().is_empty()), "{finding}: {said:#}");
        world.write("t/tokenizer.json", &tokenizer);
        world.write("t/tokenizer_config.json", &config);
        let _ = fs::remove_file(world.path("t/config.json"));
    }
    // A model type that exchanges the pre-tokenizer only where no class is named, and one that never does.
    change(&world, "t/config.json", |json| json["model_type"] = json!("gpt2"));
    assert_eq!(checked(&world).0, 0);
    change(&world, "t/tokenizer_config.json", |json| drop(json.as_object_mut().unwrap().remove("tokenizer_class")));
    let (code, said) = checked(&world);
    assert!(code == 2 && said["findings"].to_string().contains("PreTrainedTokenizerFast"), "{said}");
    change(&world, "t/config.json", |json| json["model_type"] = json!("llama"));
    assert_eq!(checked(&world).0, 0);
}

#[test]
fn hostile_files_are_refused_by_name() {
    let world = vocabulary();
    for (file, content, words) in [
        ("t/config.json", "[1]", "config.json: not a JSON object"),
        ("t/config.json", "{", "config.json: not JSON"),
        ("t/tokenizer_config.json", "\u{0}", "tokenizer_config.json: not JSON"),
        ("t/tokenizer.json", "{\"model\": 3}", "no model"),
        ("t/tokenizer.json", &"[".repeat(100_000), "not JSON"),
    ] {
        world.write(file, content);
        let (code, _, err) = world.run(&["tokenizer", "check", "t"]);
        assert!(code == 2 && err.contains(words), "{code} {err}");
        let _ = fs::remove_file(world.path("t/config.json"));
        world.write("t/tokenizer_config.json", "{}");
    }
    let (code, _, err) = world.run(&["tokenizer", "check", "nothing"]);
    assert!(code == 2 && err.contains("nothing"), "{err}");
}

/// The file as another library writes it: other order, a post-processor, merges as lines.
fn saved_again(world: &World) {
    fs::create_dir(world.path("saved")).unwrap();
    fs::copy(world.path("t/tokenizer_config.json"), world.path("saved/tokenizer_config.json")).unwrap();
    let mut json: Value = serde_json::from_slice(&fs::read(world.path("t/tokenizer.json")).unwrap()).unwrap();
    json["post_processor"] = json!({"type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {}});
    let merges = json["model"]["merges"].as_array().unwrap().iter();
    json["model"]["merges"] = merges.map(|pair| json!(format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))).collect();
    json["model"].as_object_mut().unwrap().remove("ignore_merges");
    world.write("saved/tokenizer.json", json.to_string());
}

#[test]
fn a_tokenizer_that_was_saved_again_is_the_same() {
    let world = vocabulary();
    saved_again(&world);
    let done = |arguments: &[&str]| {
        let (code, out, err) = world.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {err}");
        out
    };
    for (tokenizer, out) in [("t", "first"), ("saved", "second")] {
        done(&["encode", "a.jsonl", "--tokenizer", tokenizer, "-o", out]);
    }
    done(&["pack", "first/tokens", "second/tokens", "--sequence-length", "64", "-o", "both"]);
    let pack: Value = serde_json::from_slice(&fs::read(world.path("both/pack.json")).unwrap()).unwrap();
    let (_, said) = checked(&world);
    assert_eq!(pack["tokenizer_content_blake3"], said["content_blake3"]);
    let text = done(&["decode", "first/tokens"]);
    assert_eq!(done(&["decode", "first/tokens", "--tokenizer", "saved/tokenizer.json"]), text);
    // Another vocabulary is another one.
    done(&["train", "counts.parquet", "--vocab-size", "320", "-o", "other"]);
    let (code, _, err) = world.run(&["decode", "first/tokens", "--tokenizer", "other/tokenizer.json"]);
    assert!(code == 2 && err.contains("made with the tokenizer"), "{err}");
    done(&["encode", "a.jsonl", "--tokenizer", "other", "-o", "third"]);
    let (code, _, err) = world.run(&["pack", "first/tokens", "third/tokens", "--sequence-length", "64", "-o", "mixed"]);
    assert!(code == 2 && err.contains("different tokenizers"), "{err}");
}

/// Documents of two sources and years, some without a date; and vocabularies `t` and `other`.
fn corpus() -> World {
    let world = vocabulary();
    let (code, _, err) =
        world.run(&["train", "counts.parquet", "--vocab-size", "290", "--set", "tokenizer.pattern=deepseek-v3", "-o", "other"]);
    assert_eq!(code, 0, "{err}");
    let line = |i: usize| {
        let date = [Some("1905-01-01"), Some("2020"), None][i % 3];
        let text = format!("{i}回精米しました。米 rice {i} 枚\n電話は 090-1234-5{:03} です。", i % 7);
        json!({"id": format!("{i}"), "source": if i.is_multiple_of(4) { "甲" } else { "b" }, "date": date, "text": text}).to_string()
    };
    world.write("held.jsonl", (0..90).map(line).collect::<Vec<_>>().join("\n"));
    world
}

fn report(world: &World, more: &[&str]) -> Value {
    let arguments =
        [&["tokenizer", "report", "ours=t", "other", "--input", "held.jsonl", "-o", "report.json", "--html", "report.html"], more].concat();
    let (code, _, err) = world.run(&arguments);
    assert_eq!(code, 0, "{err}");
    serde_json::from_slice(&fs::read(world.path("report.json")).unwrap()).unwrap()
}

#[test]
fn a_report_counts_what_encoding_gives() {
    let world = corpus();
    let said = report(&world, &[]);
    let (code, _, err) = world.run(&["encode", "held.jsonl", "--tokenizer", "t", "-o", "encoded"]);
    assert_eq!(code, 0, "{err}");
    let lengths = |batch: &RecordBatch| {
        batch["n_tokens"].as_primitive::<Int32Type>().values().iter().map(|n| u64::try_from(*n).unwrap()).sum::<u64>()
    };
    let lengths: u64 = rows(&world.path("encoded/tokens")).iter().map(lengths).sum();
    let (ours, other) = (&said["tokenizers"][0], &said["tokenizers"][1]);
    assert_eq!((&ours["name"], &other["name"]), (&json!("ours"), &json!("other")));
    let sums = &ours["total"]["sums"];
    assert_eq!((sums["documents"].as_u64(), sums["tokens"].as_u64()), (Some(90), Some(lengths)));
    for groups in ["sources", "registers", "eras"] {
        for key in ["documents", "tokens", "characters", "straddling", "clean", "morphemes"] {
            let sum: u64 = ours[groups].as_array().unwrap().iter().map(|group| group["sums"][key].as_u64().unwrap()).sum();
            assert_eq!(Some(sum), sums[key].as_u64(), "{groups} {key}");
        }
    }
    let eras: Vec<&str> = ours["eras"].as_array().unwrap().iter().map(|era| era["name"].as_str().unwrap()).collect();
    assert_eq!(eras, ["(no date)", "Meiji, 1868–1911", "Reiwa, from 2019"]);
    let of = |key: &str| ours["total"][key].as_f64().unwrap();
    assert!((of("characters_per_token") - sums["characters"].as_f64().unwrap() / lengths as f64).abs() < 1e-12);
    assert!(of("straddling") + of("clean") <= 1.0 && of("precision") <= 1.0 && of("recall") <= 1.0);
    // Every token of the text stands in the table of lengths, and unused ones do not occur.
    let occurrences: u64 = ours["lengths"].as_array().unwrap().iter().map(|length| length["occurrences"].as_u64().unwrap()).sum();
    assert_eq!(occurrences, lengths);
    assert!(ours["total"]["sums"]["tokens"].as_u64() < other["total"]["sums"]["tokens"].as_u64(), "more tokens compress more");
    assert!(ours["samples"].is_null() && said["samples"].as_array().unwrap().len() == 2);
}

#[test]
fn a_report_is_the_same_whatever_the_threads() {
    let world = corpus();
    let files = |threads: &str| {
        report(&world, &["--threads", threads]);
        ["report.json", "report.html"].map(|name| fs::read(world.path(name)).unwrap())
    };
    let one = files("1");
    assert!(files("4") == one);
    let page = String::from_utf8(one[1].clone()).unwrap();
    for outside in ["<script", "http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print") && page.contains("甲"));
    assert_eq!(page.matches("<tr").count(), page.matches("</tr>").count());
    assert_eq!(page.matches("<div").count(), page.matches("</div>").count());
}

#[test]
fn tokens_of_few_documents_are_masked() {
    let world = corpus();
    let said = report(&world, &["--min-documents", "5"]);
    assert!(said["samples"].as_array().unwrap().is_empty());
    let mut masked = 0;
    for list in ["longest", "straddling", "mixed", "repeated", "across"] {
        for listed in said["tokenizers"][0][list].as_array().unwrap() {
            let few = listed["documents"].as_u64().unwrap() < 5;
            masked += usize::from(few);
            assert!(listed["token"].is_null() == few && listed["example"].is_null(), "{listed}");
        }
    }
    assert!(masked > 0, "the texts have no rare token");
    let page = fs::read_to_string(world.path("report.html")).unwrap();
    assert!(page.contains("•••") && !page.contains("090-1234"), "no text of a document is shown");
}

#[test]
fn a_report_without_morphemes_and_what_it_refuses() {
    let world = corpus();
    let said = report(&world, &["--dictionary", "none"]);
    let total = &said["tokenizers"][0]["total"];
    assert!(total["straddling"].is_null() && total["characters_per_token"].is_f64() && said["dictionary"].is_null());
    change(&world, "other/tokenizer.json", |json| json["added_tokens"][1]["special"] = json!(false));
    let (code, _, err) = world.run(&["tokenizer", "report", "other", "--input", "held.jsonl", "--dictionary", "none"]);
    assert!(code == 0 && err.contains("added_not_special"), "what other programs do otherwise is said: {err}");
    change(&world, "other/tokenizer.json", |json| json["model"]["type"] = json!("Unigram"));
    for (arguments, words) in
        [(&["t", "other"][..], "type BPE"), (&["t", "a=t", "a=t"], "two vocabularies are called \"a\""), (&["nothing"], "nothing")]
    {
        let (code, _, err) = world.run(&[&["tokenizer", "report"], arguments, &["--input", "held.jsonl"]].concat());
        assert!(code == 2 && err.contains(words), "{code} {err}");
    }
    let (code, _, err) = world.run(&["tokenizer", "report", "t", "--input", "held.jsonl", "--dictionary", "nowhere"]);
    assert!(code == 2 && err.contains("nowhere"), "{err}");
}

#[test]
fn a_vocabulary_for_llama_cpp_or_none() {
    let world = vocabulary();
    let (code, _, err) = world.run(&["export", "gguf", "t", "-o", "v.gguf"]);
    assert_eq!(code, 0, "{err}");
    let file = fs::read(world.path("v.gguf")).unwrap();
    let has = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
    assert!(file.starts_with(b"GGUF\x03\0\0\0") && has(b"tokenizer.ggml.pre") && has(b"deepseek-v3") && has(b"<|endoftext|>"));
    change(&world, "t/tokenizer.json", |json| {
        json["pre_tokenizer"] = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    });
    let (code, _, err) = world.run(&["export", "gguf", "t", "-o", "none.gguf"]);
    assert!(code == 2 && err.contains("no name for the pattern") && !world.path("none.gguf").exists(), "{err}");
}
