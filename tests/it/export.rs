//! What other programs read: Megatron's files, packs of given token shards, records, vocabularies.

use std::fs;
use std::io::Read;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int32Type;

use crate::harness::{World, rows, strings, tree};

const PLAN: &str = "[input]\npaths = [\"in.jsonl\"]\nsource = { name = \"other\", license = \"CC0-1.0\" }\n[quality]\npreset = \"none\"\n\
                    [dedup]\nnear = false\n[shards]\nrows_max = 20\n[tokenizer]\nvocab_size = 320\n[pack]\nsequence_length = 64\nwindow = 40\n";

/// A finished run over documents of three sources, in several parts.
fn finished(more: &[&str]) -> World {
    let world = World::new();
    let line = |i: usize| {
        let text = (0..=i % 7).map(|k| format!("{i}番の米は{k}回精米しました。")).collect::<Vec<_>>().join("\n");
        let mut record = serde_json::json!({"id": format!("文書/{i}"), "text": text});
        if !i.is_multiple_of(3) {
            record["source"] = ["青空 文庫", "a/b"][i % 3 - 1].into();
            record["url"] = format!("https://example.org/{i}").into();
            record["meta"] = serde_json::json!({"n": i, "name": "\"引用\""});
        }
        record.to_string()
    };
    world.write("in.jsonl", (0..70).map(line).collect::<Vec<_>>().join("\n"));
    world.write("plan.toml", PLAN);
    run(&world, "out", more);
    world
}

fn run(world: &World, out: &str, more: &[&str]) {
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", out, "--progress", "none"], more].concat());
    assert_eq!(code, 0, "{err}");
}

fn done(world: &World, arguments: &[&str]) -> String {
    let (code, out, err) = world.run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out
}

/// Arguments, and words of the refusal.
fn refused(world: &World, cases: &[(&[&str], &str)]) {
    for (arguments, words) in cases {
        let (code, out, err) = world.run(arguments);
        assert!(code == 2 && err.contains(words) && out.is_empty(), "{arguments:?}: exit {code}, {err}");
    }
}

/// Source, part, row, id and tokens of every document.
fn documents(out: &Path) -> Vec<(String, String, i64, String, Vec<i32>)> {
    let mut all = Vec::new();
    let mut parts: Vec<_> = fs::read_dir(out.join("tokens")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    parts.sort();
    for part in parts {
        let part = part.to_str().unwrap().to_owned();
        let batches = one(&out.join("tokens").join(&part));
        let ids = batches.iter().flat_map(|batch| {
            let lists = batch.column_by_name("input_ids").unwrap().as_list::<i32>().clone();
            (0..lists.len()).map(move |row| lists.value(row).as_primitive::<Int32Type>().values().to_vec())
        });
        let rows = strings(&batches, "source").into_iter().zip(strings(&batches, "doc_id")).zip(ids).enumerate();
        all.extend(rows.map(|(row, ((source, id), ids))| (source, format!("tokens/{part}"), row as i64, id, ids)));
    }
    all
}

fn one(path: &Path) -> Vec<arrow::record_batch::RecordBatch> {
    let file = fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

/// The two files, out of the layout: magic, version, type 8 (uint16), counts, lengths, byte offsets, documents.
fn megatron(documents: &[&Vec<i32>], eos: i32) -> (Vec<u8>, Vec<u8>) {
    let n = documents.len() as u64;
    let mut bin = Vec::new();
    let mut idx = [b"MMIDIDX\0\0".as_slice(), &1_u64.to_le_bytes(), &[8], &n.to_le_bytes(), &(n + 1).to_le_bytes()].concat();
    let mut starts = Vec::new();
    for ids in documents {
        starts.push(bin.len() as i64);
        idx.extend((ids.len() as i32 + 1).to_le_bytes());
        bin.extend(ids.iter().chain([&eos]).flat_map(|&id| u16::try_from(id).unwrap().to_le_bytes()));
    }
    idx.extend(starts.iter().flat_map(|start| start.to_le_bytes()));
    idx.extend((0..=n as i64).flat_map(i64::to_le_bytes));
    (bin, idx)
}

#[test]
fn megatron_files_are_what_the_format_says() {
    let world = finished(&[]);
    let all = documents(&world.path("out"));
    assert!(all.iter().any(|document| document.1.ends_with("00003.parquet")), "several parts");
    let compare = |prefix: &str, wanted: &[&(String, String, i64, String, Vec<i32>)]| {
        let (bin, idx) = megatron(&wanted.iter().map(|document| &document.4).collect::<Vec<_>>(), 0);
        assert!(fs::read(world.path(&format!("{prefix}.bin"))).unwrap() == bin, "{prefix}.bin");
        assert!(fs::read(world.path(&format!("{prefix}.idx"))).unwrap() == idx, "{prefix}.idx");
        let sidecar = one(&world.path(&format!("{prefix}.meta.parquet")));
        assert_eq!(strings(&sidecar, "doc_id"), wanted.iter().map(|document| document.3.clone()).collect::<Vec<_>>());
        assert_eq!(strings(&sidecar, "part"), wanted.iter().map(|document| document.1.clone()).collect::<Vec<_>>());
    };
    done(&world, &["export", "megatron", "out", "-o", "one/all", "--together"]);
    compare("one/all", &all.iter().collect::<Vec<_>>());
    let told = done(&world, &["export", "megatron", "out/tokens", "-o", "pairs"]);
    for (source, name) in [("青空 文庫", "青空%20文庫"), ("a/b", "a%2Fb"), ("other", "other")] {
        let mine: Vec<_> = all.iter().filter(|document| document.0 == source).collect();
        compare(&format!("pairs/{name}"), &mine);
        assert!(told.contains(&format!("pairs/{name}\t{}\t", mine.len())), "{told}");
    }
    assert_eq!(tree(&world.path("pairs")).len(), 9, "nothing else, and nothing half-written");
    // Some shards, in the order given; written again in the place of the earlier pair.
    done(&world, &["export", "megatron", "out/tokens/part-00001.parquet", "out/tokens/part-00000.parquet", "-o", "one/all", "--together"]);
    let some: Vec<_> = ["00001", "00000"].iter().flat_map(|n| all.iter().filter(move |document| document.1.contains(n))).collect();
    compare("one/all", &some);
}

#[test]
fn a_pack_of_token_shards_is_that_of_a_run() {
    let world = finished(&[]);
    done(&world, &["pack", "out", "--sequence-length", "64", "-o", "same"]);
    assert_eq!(tree(&world.path("same")), tree(&world.path("out/pack")));
    let settings = ["--sequence-length", "32", "--window", "20", "--part-bytes", "2KiB", "--seed", "9"];
    for (name, more) in [("one", ["--threads", "1", "--memory", "64MiB"]), ("four", ["--threads", "4", "--memory", "1GiB"])] {
        done(&world, &[&["pack", "out/tokens", "-o", name], settings.as_slice(), &more].concat());
    }
    run(&world, "fresh", &["--set", "pack={ sequence_length = 32, window = 20, part_bytes = 2048, seed = 9 }"]);
    assert!(world.path("one/part-00001.pack").exists());
    assert_eq!(tree(&world.path("one")), tree(&world.path("fresh/pack")));
    assert_eq!(tree(&world.path("four")), tree(&world.path("fresh/pack")));
    // In the place of a pack with more parts; of some shards no plan is known.
    done(
        &world,
        &["pack", "out/tokens/part-00002.parquet", "out/tokens/part-00000.parquet", "-o", "one", "--sequence-length", "7", "--no-shuffle"],
    );
    let pack = seimai::pack::Pack::open(&world.path("one")).unwrap();
    pack.verify().unwrap();
    assert_eq!((tree(&world.path("one")).len(), pack.info().plan_fingerprint.as_str()), (2, "0".repeat(64).as_str()));
    assert_eq!(
        pack.info().shards.iter().map(|shard| shard.name.as_str()).collect::<Vec<_>>(),
        ["tokens/part-00002.parquet", "tokens/part-00000.parquet"]
    );
    let all = documents(&world.path("out"));
    let wanted = ["00002", "00000"]
        .iter()
        .flat_map(|n| all.iter().filter(move |document| document.1.contains(n)).map(|document| document.4.clone()));
    assert_eq!(pack.unpack().map(|document| document.unwrap().input_ids).collect::<Vec<_>>(), wanted.collect::<Vec<_>>());
}

/// Documents that a mixture wants more than once are packed as often here too.
#[test]
fn a_pack_repeats_what_the_run_repeats() {
    let world = World::new();
    let line = |i: usize| {
        let end = if i.is_multiple_of(10) { "だ" } else { "です" };
        let text = (0..6).map(|k| format!("{i}番の人は{k}つの米{end}。")).collect::<Vec<_>>().concat();
        serde_json::json!({"id": i.to_string(), "text": text}).to_string()
    };
    world.write("in.jsonl", (0..100).map(line).collect::<Vec<_>>().join("\n"));
    let mixture = "[keigo]\npolicy = \"rebalance\"\n[keigo.rebalance]\nunit = \"documents\"\nmax_drop = 0.0\nmax_repeat = 3\n\
                   target = { polite = 0.5, plain-written = 0.5 }\n";
    world.write("plan.toml", format!("{PLAN}{mixture}"));
    run(&world, "out", &[]);
    assert!(fs::read_to_string(world.path("out/pack/pack.json")).unwrap().contains("\"take\": 3"), "the mixture repeats");
    done(&world, &["pack", "out", "--sequence-length", "64", "-o", "same"]);
    assert_eq!(tree(&world.path("same")), tree(&world.path("out/pack")));
}

#[test]
fn records_go_round() {
    let world = finished(&[]);
    for name in ["kept.jsonl", "kept.jsonl.gz", "kept.jsonl.zst"] {
        done(&world, &["export", "jsonl", "out", "-o", name]);
    }
    let plain = fs::read_to_string(world.path("kept.jsonl")).unwrap();
    assert_eq!(done(&world, &["export", "jsonl", "out/documents", "-o", "-"]), plain);
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(fs::File::open(world.path("kept.jsonl.gz")).unwrap()).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    let first: serde_json::Value = serde_json::from_str(plain.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&first["meta"]["name"], &first["url"]), (&"\"引用\"".into(), &"https://example.org/1".into()));
    // The same documents again.
    world.write("plan.toml", PLAN.replace("in.jsonl", "kept.jsonl.zst"));
    run(&world, "again", &[]);
    let read = |out: &str| {
        let batches = rows(&world.path(out).join("documents"));
        ["doc_id", "text", "source", "url", "license", "date", "meta"].map(|name| strings(&batches, name))
    };
    assert_eq!(read("again"), read("out"));
    let filtered = done(&world, &["filter", "kept.jsonl.gz", "--preset", "none", "--quiet"]);
    assert_eq!(filtered.lines().count(), plain.lines().count());
}

#[test]
fn vocabularies_are_exported_whole_or_refused() {
    let world = finished(&["--set", "tokenizer.normalizer=seimai"]);
    done(&world, &["export", "hf", "out", "-o", "hf", "--model-max-length", "77"]);
    let json = fs::read(world.path("out/tokenizer/tokenizer.json")).unwrap();
    assert!(fs::read(world.path("hf/tokenizer.json")).unwrap() == json, "byte for byte");
    let config: serde_json::Value = serde_json::from_slice(&fs::read(world.path("hf/tokenizer_config.json")).unwrap()).unwrap();
    assert_eq!(
        (&config["eos_token"], &config["pad_token"], &config["model_max_length"]),
        (&"<|endoftext|>".into(), &"<|pad|>".into(), &77.into())
    );
    done(&world, &["export", "tiktoken", "out/tokenizer", "-o", "v.tiktoken", "--without-normalizer"]);
    let about: serde_json::Value = serde_json::from_slice(&fs::read(world.path("v.tiktoken.json")).unwrap()).unwrap();
    assert_eq!((&about["name"], &about["special_tokens"]["<|pad|>"]), (&"v".into(), &1.into()));
    assert!(fs::read_to_string(world.path("v.tiktoken")).unwrap().lines().any(|line| line == "IQ== 2"));
    world.write("no.json", "{}");
    refused(
        &world,
        &[
            (&["export", "tiktoken", "out", "-o", "w"], "--without-normalizer"),
            (&["export", "sentencepiece", "out", "-o", "w", "--without-normalizer"], "tokenizer.pattern = \"none\""),
            (&["export", "hf", "out", "-o", "w", "--eos", "</s>"], "no special token \"</s>\""),
            (&["export", "hf", "no.json", "-o", "w"], "no.json: not a tokenizer.json"),
            (&["export", "hf", "gone.json", "-o", "w"], "does not exist"),
            (&["export", "hf", "out/tokens", "-o", "w"], "holds no tokenizer.json"),
        ],
    );
    assert!(!world.path("w").exists(), "nothing is left of a refusal");
    run(&world, "none", &["--set", "tokenizer.pattern=none"]);
    refused(&world, &[(&["export", "sentencepiece", "none", "-o", "w"], "the first is U+")]);
    done(&world, &["export", "sentencepiece", "none", "-o", "none.model", "--known-characters"]);
    assert!(fs::read(world.path("none.model")).unwrap().windows(13).any(|bytes| bytes == b"<|endoftext|>"));
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let world = finished(&[]);
    run(&world, "other", &["--set", "tokenizer.vocab_size=330"]);
    world.write("file", "");
    world.write("text.parquet", "no table");
    world.write("empty/plan.toml", "");
    refused(
        &world,
        &[
            (&["export", "megatron", "out", "other", "-o", "m"], "different tokenizers"),
            (&["export", "megatron", "out", "out", "-o", "m"], "given twice"),
            (&["export", "megatron", "out", "-o", "file"], "--together"),
            (&["export", "megatron", "out", "-o", "out", "--together"], "-o out/all"),
            (&["export", "megatron", "text.parquet", "-o", "m"], "text.parquet: not a token shard"),
            (&["export", "megatron", "out/documents", "-o", "m"], "not a token shard"),
            (&["export", "megatron", "empty", "-o", "m"], "holds no parts"),
            (&["export", "jsonl", "out/tokens", "-o", "m"], "not a documents part"),
            (&["export", "jsonl", "gone", "-o", "m"], "does not exist"),
            (&["export", "jsonl", "out", "-o", "out"], "a directory"),
            (&["pack", "out", "--sequence-length", "0", "-o", "m"], "sequence_length must be 1"),
            (&["pack", "out", "--sequence-length", "64", "-o", "out/pack"], "the pack of a finished run"),
            (&["pack", "out", "--sequence-length", "64", "-o", "file"], "a file stands"),
        ],
    );
    assert!(!world.path("m").exists(), "nothing is left of a refusal");
    // A token shard that was exchanged is damage, named with its file.
    let twin = fs::read(world.path("other/tokens/part-00000.parquet")).unwrap();
    fs::remove_file(world.path("out/tokens/part-00001.parquet")).unwrap();
    world.write("out/tokens/part-00001.parquet", &twin);
    let (code, _, err) = world.run(&["pack", "out", "--sequence-length", "64", "-o", "m"]);
    assert!(code == 2 && err.contains("different tokenizers"), "{code} {err}");
    let half = twin.len() / 2;
    world.write("cut.parquet", &twin[..half]);
    refused(&world, &[(&["pack", "cut.parquet", "--sequence-length", "64", "-o", "m"], "cut.parquet: not a token shard")]);
}
