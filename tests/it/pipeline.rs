//! The whole way on the samples: what is planted is found, and the counts add up.

use std::collections::BTreeSet;
use std::fs;

use arrow::record_batch::RecordBatch;

use crate::harness::{World, manifest, repository, rows, strings};

fn run_samples(world: World) -> World {
    let plan = repository().join("examples/samples.toml");
    let (code, _, err) = world.run(&["run", plan.to_str().unwrap(), "--out", "out", "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("kept") && err.contains("tokens"), "a summary: {err}");
    world
}

/// What the authors of the samples say should become of a document.
fn labels() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("scripts/samples/labels.jsonl")).unwrap();
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let field = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    text.lines().map(parse).map(|label| (field(&label, "id"), field(&label, "expect"))).collect()
}

#[test]
fn samples_come_out_as_their_authors_say() {
    let Some(world) = World::with_ipadic("samples_come_out_as_their_authors_say").map(run_samples) else { return };
    let out = world.path("out");
    let documents = rows(&out.join("documents"));
    // A text file is a document of its own, named by the file; its label is the name up to the first dot.
    let ids = |batches: &[RecordBatch]| -> Vec<String> {
        let label = |id: String| {
            if std::path::Path::new(&id).extension().is_some_and(|extension| extension == "txt") {
                id.split('.').next().unwrap().to_owned()
            } else {
                id
            }
        };
        strings(batches, "doc_id").into_iter().map(label).collect()
    };
    let kept = ids(&documents);
    let dropped = rows(&out.join("rejected"));
    let (rejected, rules, of) = (ids(&dropped), strings(&dropped, "rule"), strings(&dropped, "duplicate_of"));
    let labels = labels();
    // The first in reading order stays, so a label "duplicate of X" names a cluster, not a direction.
    let cluster = |id: &str| {
        let label = labels.iter().find(|(other, _)| other == id);
        label.and_then(|(_, expect)| expect.strip_prefix("duplicate_of:")).unwrap_or(id).to_owned()
    };
    let duplicate = |id: &str, row: Option<usize>| row.is_some_and(|row| !of[row].is_empty() && cluster(&of[row]) == cluster(id));
    assert!(labels.len() >= 200, "{} labels", labels.len());
    let mut surprises = Vec::new();
    for (id, expect) in &labels {
        let is_kept = kept.contains(id);
        let row = rejected.iter().position(|other| other == id);
        assert!(is_kept != row.is_some(), "{id} is in exactly one place");
        let (kind, detail) = expect.split_once(':').unwrap_or((expect, ""));
        let fine = match (kind, row) {
            ("keep", row) => row.is_none() || duplicate(id, row),
            ("reject", row) => row.is_some_and(|row| of[row].is_empty()),
            ("duplicate_of", None) => duplicate(detail, rejected.iter().position(|other| other == detail)),
            ("duplicate_of", row) => duplicate(id, row),
            _ => false,
        };
        if !fine {
            surprises
                .push(format!("{id}: expected {expect}, {}", row.map_or("kept".to_owned(), |row| format!("rejected by {}", rules[row]))));
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    for named in of.iter().filter(|id| !id.is_empty()) {
        assert!(kept.contains(named), "{named} stands for a duplicate and is kept");
    }
}

/// Sentences that a filter keeps, and that no other number gives.
fn prose(number: usize) -> String {
    let whos = ["私", "隣の老人", "図書館の司書", "若い農家", "学校の先生", "旅の商人", "町の医者"];
    let whats = ["精米した米", "古い地図", "庭の花", "山の水", "新しい辞書", "手紙の束", "朝の新聞"];
    let dos = [
        "丁寧に調べています",
        "静かに運んで行く",
        "友人へ見せたい",
        "大切に残した",
        "毎日数えます",
        "急いで届けるそうだ",
        "懐かしく思い出す",
    ];
    let sentence =
        |i: usize| format!("{}は{}を{}。", whos[(number + i) % 7], whats[(number / 7 + i * 2) % 7], dos[(number / 49 + i * 3) % 7]);
    (0..7).map(sentence).collect()
}

/// Good, short, doubled and unreadable records in three files: the ids in reading order, but for the unreadable ones.
fn mixed_inputs(world: &World) -> Vec<String> {
    let mut ids = Vec::new();
    for file in 0..3 {
        let mut lines = Vec::new();
        for row in 0..60 {
            let id = format!("{file}-{row}");
            let text = match row % 6 {
                0 => "短い。".to_owned(),
                2 => prose(1000),
                3 => "……………………!!!!!!!!!!##########".to_owned(),
                _ => prose(file * 60 + row),
            };
            lines.push(serde_json::json!({"id": id, "text": text}).to_string());
            ids.push(id);
            if row % 10 == 9 {
                lines.push("{\"text\": \"cut".to_owned());
            }
        }
        world.write(&format!("{file}.jsonl"), lines.join("\n"));
    }
    ids
}

#[test]
fn every_record_is_kept_rejected_or_quarantined_and_order_stays() {
    let world = World::new();
    let ids = mixed_inputs(&world);
    world.write("plan.toml", "[input]\npaths = [\"*.jsonl\"]\n[quality]\npreset = \"none\"\nthresholds.min_chars = 20\n[shards]\nrows_max = 20\nbytes_max = 4000\n[tokenizer]\nvocab_size = 300\n");
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--threads", "4"]);
    assert_eq!(code, 3, "{err}");
    let rejected = rows(&world.path("out/rejected"));
    let (kept, dropped) = (strings(&rows(&world.path("out/documents")), "doc_id"), strings(&rejected, "doc_id"));
    let place = |id: &String| ids.iter().position(|other| other == id).unwrap();
    for group in [&kept, &dropped] {
        assert!(
            group.len() > 20 && group.is_sorted_by_key(place),
            "in the order of reading: {group:?}, {:?}",
            manifest(&world.path("out"))["rejected"]
        );
    }
    let mut all = [kept, dropped].concat();
    all.sort_by_key(place);
    assert_eq!(all, ids, "each once");
    let reasons: BTreeSet<(String, String)> = strings(&rejected, "stage").into_iter().zip(strings(&rejected, "rule")).collect();
    let stages: BTreeSet<&str> = reasons.iter().map(|(stage, _)| stage.as_str()).collect();
    assert!(stages.len() > 1 && reasons.iter().all(|(_, rule)| !rule.is_empty()), "{reasons:?}");
    // What is said of a document is said wherever it ended.
    let names =
        |dir: &str| -> Vec<String> { rows(&world.path(dir))[0].schema().fields().iter().map(|field| field.name().clone()).collect() };
    let mut wanted = names("out/documents");
    wanted.retain(|name| !["dup_cluster", "dup_size"].contains(&name.as_str()));
    wanted.extend(["stage", "rule", "evidence", "duplicate_of"].map(str::to_owned));
    assert_eq!(names("out/rejected"), wanted);
    let manifest = manifest(&world.path("out"));
    let losses = manifest["losses"]["sources"].as_object().unwrap();
    assert_eq!(losses.keys().collect::<Vec<_>>(), ["0", "1", "2"], "a source a file");
    assert!(err.contains("most characters lost") && err.contains("quality/min_chars"), "{err}");
    assert_eq!(manifest["warnings"].as_array().unwrap().len(), err.matches("warning: ").count());
    let totals = manifest["totals"].clone();
    assert_eq!((totals["read"].as_u64(), totals["quarantined"].as_u64()), (Some(198), Some(18)), "{totals}");
    assert_eq!(world.run(&["verify", "out"]).0, 0);
}

#[test]
fn counts_add_up_and_verify_finds_a_flipped_bit() {
    let world = run_samples(World::new());
    let out = world.path("out");
    let totals = manifest(&out)["totals"].clone();
    let n = |name: &str| totals[name].as_u64().unwrap();
    assert_eq!(n("read"), n("kept") + n("rejected") + n("quarantined"));
    assert_eq!(n("kept"), rows(&out.join("documents")).iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    assert_eq!(n("rejected"), rows(&out.join("rejected")).iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    let (code, said, err) = world.run(&["verify", "out", "--progress", "none"]);
    assert_eq!(code, 0, "{said}{err}");
    assert!(said.contains("holds") && said.contains("sound"), "{said}");
    for file in
        ["documents/part-00000.parquet", "tokens/part-00000.parquet", "pack/part-00000.pack", "tokenizer/tokenizer.json", "manifest.json"]
    {
        let path = out.join(file);
        let sound = fs::read(&path).unwrap();
        for at in [0, sound.len() / 3, sound.len() / 2, sound.len() - 2] {
            let mut flipped = sound.clone();
            flipped[at] ^= 4;
            world.write(&format!("out/{file}"), &flipped);
            let (code, said, err) = world.run(&["verify", "out", "--progress", "none"]);
            // A manifest that is no longer one is refused or found damaged; it is never sound.
            assert!(code == 3 || (file == "manifest.json" && code == 2), "{file} at {at}: exit {code}\n{said}{err}");
        }
        world.write(&format!("out/{file}"), &sound);
    }
    world.write("out/documents/part-00007.parquet", b"stray");
    assert_eq!(world.run(&["verify", "out", "--progress", "none"]).0, 3, "a file nobody vouches for");
}

/// A lie in the manifest, and what of it `verify` has to name.
type Lie = (&'static str, fn(&mut serde_json::Value), &'static str);

fn add_one(value: &mut serde_json::Value) {
    *value = (value.as_u64().unwrap() + 1).into();
}

/// Moves one from the first member of an object to a new one, so that the sum stays.
fn move_one(value: &mut serde_json::Value) {
    let counts = value.as_object_mut().unwrap();
    let first = counts.values_mut().find(|n| n.as_u64() > Some(0)).unwrap();
    *first = (first.as_u64().unwrap() - 1).into();
    counts.insert("quality/of_no_rule".into(), 1.into());
}

const LIES: &[Lie] = &[
    ("kept_bytes", |m| add_one(&mut m["totals"]["kept_bytes"]), "kept_bytes"),
    ("kept_characters", |m| add_one(&mut m["totals"]["kept_characters"]), "kept_characters"),
    ("tokens", |m| add_one(&mut m["totals"]["tokens"]), "tokens"),
    ("read", |m| add_one(&mut m["totals"]["read"]), "read"),
    ("pack.sequence_length", |m| add_one(&mut m["pack"]["sequence_length"]), "pack sequence_length"),
    ("pack.rows", |m| add_one(&mut m["pack"]["rows"]), "pack rows"),
    ("pack.tokens", |m| add_one(&mut m["pack"]["tokens"]), "pack tokens"),
    ("pack.padding", |m| add_one(&mut m["pack"]["padding"]), "pack padding"),
    ("pack.pieces", |m| add_one(&mut m["pack"]["pieces"]), "pack pieces"),
    ("vocab_size", |m| add_one(&mut m["tokenizer"]["vocab_size"]), "tokenizer vocab_size"),
    ("tokenizer blake3", |m| m["tokenizer"]["blake3"] = "0".repeat(64).into(), "tokenizer blake3"),
    ("pre_tokens", |m| add_one(&mut m["tokenizer"]["pre_tokens"]), "tokenizer pre_tokens"),
    ("records of one input", |m| add_one(&mut m["inputs"][0]["read"]), "inputs add up"),
    ("quarantined of one input", |m| add_one(&mut m["inputs"][0]["quarantined"]), "quarantined of"),
    ("blake3 of an input", |m| m["inputs"][0]["blake3"] = "none".into(), "blake3"),
    ("a register", |m| move_one(&mut m["registers"]), "registers quality/of_no_rule"),
    ("a rule", |m| move_one(&mut m["rejected"]), "rejected quality/of_no_rule"),
    ("registers given", |m| add_one(&mut m["stages"]["keigo.register.polite"]), "keigo.register"),
    ("losses of a source", |m| add_one(&mut a_source(m)["read"]["characters"]), "other losses of"),
    ("a source too many", |m| m["losses"]["other"]["sources"] = 3.into(), "other sources"),
    ("warnings", |m| m["warnings"] = serde_json::json!(["all is lost"]), "warnings"),
    ("dictionary name", |m| m["dictionary"]["name"] = "unidic".into(), "dictionary name"),
    ("dictionary version", |m| m["dictionary"]["version"] = "9".into(), "dictionary version"),
    ("dictionary licence", |m| m["dictionary"]["licence"] = "free".into(), "dictionary licence"),
    ("dictionary fingerprint", |m| m["dictionary"]["fingerprint"] = "0".repeat(64).into(), "fingerprint"),
    ("engine", |m| m["dictionary"]["engine"] = "lindera".into(), "dictionary engine"),
    ("unicode", |m| m["unicode"] = "1.0.0".into(), "unicode"),
    ("source", |m| m["source"]["license"] = "CC0-9.9".into(), "source"),
    ("fingerprint", |m| m["fingerprint"] = "0".repeat(64).into(), "fingerprint"),
    ("rows of a pack", |m| add_one(&mut file_of(m, "pack/part-00000.pack")["rows"]), "pack/part-00000.pack"),
    ("rows of a table", |m| add_one(&mut file_of(m, "counts.parquet")["rows"]), "counts.parquet"),
    ("rows of no table", |m| add_one(&mut file_of(m, "plan.toml")["rows"]), "plan.toml"),
    ("rows of the quarantine", |m| add_one(&mut file_of(m, "quarantine.jsonl")["rows"]), "quarantine.jsonl"),
    (
        "a file left out",
        |m| m["files"].as_array_mut().unwrap().retain(|file| file["path"] != "tokens/part-00000.parquet"),
        "tokens/part-00000",
    ),
];

/// The first register of the first source in the table of losses.
fn a_source(manifest: &mut serde_json::Value) -> &mut serde_json::Value {
    let sources = manifest["losses"]["sources"].as_object_mut().unwrap();
    sources.values_mut().next().unwrap().as_object_mut().unwrap().values_mut().next().unwrap()
}

fn file_of<'a>(manifest: &'a mut serde_json::Value, path: &str) -> &'a mut serde_json::Value {
    manifest["files"].as_array_mut().unwrap().iter_mut().find(|file| file["path"] == path).unwrap()
}

#[test]
fn no_figure_of_the_manifest_is_believed() {
    let world = run_samples(World::new());
    let truth = manifest(&world.path("out"));
    for (lie, tell, place) in LIES {
        let mut told = truth.clone();
        tell(&mut told);
        assert_ne!(told, truth, "{lie}");
        let mut bytes = serde_json::to_vec_pretty(&told).unwrap();
        bytes.push(b'\n');
        world.write("out/manifest.json", &bytes);
        world.write("out/_SUCCESS", format!("blake3 {} manifest.json\n", blake3::hash(&bytes).to_hex()));
        let (code, said, err) = world.run(&["verify", "out", "--progress", "none"]);
        assert!(
            code == 3 && said.lines().any(|line| line.starts_with("damaged") && line.contains(place)),
            "{lie}: exit {code}\n{said}{err}"
        );
    }
}

#[test]
fn decode_gives_the_documents_back_and_inspect_tells_their_lives() {
    let world = run_samples(World::new());
    let documents = rows(&world.path("out/documents"));
    let (code, said, err) = world.run(&["decode", "out/tokens"]);
    assert_eq!(code, 0, "{err}");
    let decoded: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (ids, texts) = (strings(&documents, "doc_id"), strings(&documents, "text"));
    assert_eq!(decoded.len(), ids.len());
    for (row, (id, text)) in decoded.iter().zip(ids.iter().zip(&texts)) {
        assert_eq!((row["doc_id"].as_str(), row["text"].as_str()), (Some(id.as_str()), Some(text.as_str())));
    }
    let rejected = strings(&rows(&world.path("out/rejected")), "doc_id");
    let (code, said, err) = world.run(&["inspect", "out", &ids[0], &rejected[0]]);
    assert_eq!(code, 0, "{err}");
    assert!(said.contains("decision     kept") && said.contains("rejected by"), "{said}");
    assert_eq!(said.matches("── quality preset").count(), 2, "measures of both: {said}");
    assert_eq!(world.run(&["inspect", "out", "no such document"]).0, 2);
}

#[test]
fn a_corpus_without_documents_gives_valid_empty_outputs() {
    let world = World::new();
    world.write("empty.jsonl", "\n\n");
    world.write("plan.toml", "[input]\npaths = [\"empty.jsonl\"]\n[tokenizer]\nvocab_size = 300\n");
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out"]);
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = world.run(&["verify", "out"]);
    assert_eq!(code, 0, "{said}{err}");
}

#[test]
fn unreadable_records_are_quarantined_and_everything_else_goes_on() {
    let world = World::new();
    let good = r#"{"id": "good", "text": "短いが正しい文書です。米を精米して炊きました。"}"#;
    world.write("a.jsonl", [good.as_bytes(), b"{\"text\": \"cut", b"\xff\xfe{}", b"[1]", b"{\"id\": \"no text\"}"].join(&b'\n'));
    world.write("plan.toml", "[input]\npaths = [\"a.jsonl\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out"]);
    assert_eq!(code, 3, "{err}");
    assert_eq!(strings(&rows(&world.path("out/documents")), "doc_id"), ["good"]);
    let quarantine = fs::read_to_string(world.path("out/quarantine.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = quarantine.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["line"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert!(lines.iter().all(|line| line["file"] == "a.jsonl" && !line["reason"].as_str().unwrap().is_empty()));
    assert_eq!(world.run(&["verify", "out"]).0, 0);
    // Started again, it says that it is done, with the same exit code, and touches nothing.
    let before = crate::harness::tree(&world.path("out"));
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 3);
    assert_eq!(before, crate::harness::tree(&world.path("out")));
}

#[test]
fn a_finished_run_that_cannot_be_written_is_done() {
    let world = World::new();
    world.write("a.jsonl", r#"{"text": "短いが正しい文書です。米を精米して炊きました。"}"#);
    world.write("plan.toml", "[input]\npaths = [\"a.jsonl\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out"]).0, 0);
    // A mount of its own: permissions alone do not hold everybody back.
    let script = "mount --bind out out && mount -o remount,ro,bind out && exec \"$0\" run plan.toml --out out";
    let read_only = |program: &str| world.program("unshare").args(["-rm", "sh", "-c", script, program]).output();
    if !read_only("true").is_ok_and(|output| output.status.success()) {
        return crate::harness::skipped("a_finished_run_that_cannot_be_written_is_done", "leave to mount");
    }
    let (code, _, err) = crate::harness::said(&read_only(env!("CARGO_BIN_EXE_seimai")).unwrap());
    assert!(code == 0 && err.contains("done"), "exit {code}: {err}");
    // Another plan is another run, writable or not.
    world.write("plan.toml", "[input]\npaths = [\"a.jsonl\"]\n[tokenizer]\nvocab_size = 300\n");
    assert_eq!(crate::harness::said(&read_only(env!("CARGO_BIN_EXE_seimai")).unwrap()).0, 2);
}

#[test]
fn a_text_that_grows_does_not_take_memory_stage_by_stage() {
    let world = World::new();
    // 3 MB as read, 33 MB once normalised.
    world.write("a.jsonl", format!("{{\"text\": \"{}\"}}\n", "\u{fdfa}".repeat(1_000_000)));
    world.write("plan.toml", "[input]\npaths = [\"a.jsonl\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--threads", "1", "--memory", "256MiB"]);
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_slice(&fs::read(world.path("out/run.json")).unwrap()).unwrap();
    let peak = told["peak_memory_bytes"].as_u64().unwrap() >> 20;
    // 277 MiB when this was written; 479 when all stages kept their scratch and every column lived to the end.
    assert!(peak < 380, "{peak} MiB");
}
