//! Rows of packs traced to the records they come from; what a run says of its sources; documents taken out of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, UInt32Type, UInt64Type};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seimai::pipeline::signature::envelope::Envelope;
use seimai::pipeline::signature::key::SecretKey;
use seimai::pipeline::trace::Tracer;
use serde_json::{Value, json};

use crate::harness::{World, manifest, rows, strings, tree, unfinished};

/// Documents of several sources: short ones, one longer than many rows, copies, one without an id, two with the same, and a row of a table.
fn corpus() -> World {
    let world = World::new();
    let sentence = |n: usize| format!("{n}番の棚田では春に水路の泥をさらい、秋には稲を掛けて干すそうです。");
    let mut lines = String::new();
    for n in 0..80 {
        let text: String = (0..=n % 7).map(|i| sentence(n * 10 + i)).collect();
        let record = match n % 10 {
            3 => json!({"text": text, "url": format!("https://www.soumu.go.jp/{n}"), "license": "CC-BY-4.0"}),
            4 => json!({"id": format!("r{}", n - 1), "text": text, "url": "https://example.jp/"}),
            5 => json!({"id": format!("copy{n}"), "text": sentence(7), "source": "copies"}),
            6 => json!({"id": format!("short{n}"), "text": "短い。"}),
            9 => json!({"id": format!("r{}", n - 1), "text": text}),
            _ => json!({"id": format!("r{n}"), "text": text, "source": format!("s{}", n % 3)}),
        };
        lines.extend([record.to_string(), "\n".to_owned()]);
    }
    let long = json!({"id": "long", "text": (0..200).map(sentence).collect::<String>()}).to_string();
    lines.extend([long.as_str(), "\n{no json\n"]);
    world.write("in/a.jsonl", lines);
    world.write(
        "in/b.jsonl",
        (100..160).map(|n| json!({"id": format!("b{n}"), "text": sentence(n)}).to_string() + "\n").collect::<String>(),
    );
    world.write("in/c.txt", sentence(900));
    let mixed = crate::harness::repository().join("corpora-samples/mixed.parquet");
    world.write("in/d.parquet", fs::read(mixed).unwrap());
    world.write("plan.toml", PLAN);
    world
}

const PLAN: &str = "[input]\npaths = [\"in\"]\nsource = { name = \"rest\", license = \"CC0-1.0\", residency = \"JP\", owner = \"村\", consent = \"contract 1\" }\n\
    [[input.rules]]\nhosts = [\".go.jp\"]\nsource = { owner = \"国\", legal_basis = \"政府標準利用規約\" }\n\
    [[input.rules]]\nfiles = [\"**/b.jsonl\"]\nsource = { name = \"b\", consent = \"opt-in\" }\n\
    [quality]\npreset = \"none\"\n[quality.thresholds]\nmin_chars = 10\n[dedup]\nnear = 0.97\n[split]\nvalidation = 0.1\n\
    [tokenizer]\nvocab_size = 400\n[shards]\nrows_max = 20\n[pack]\nsequence_length = 64\n";

fn run(world: &World, out: &str, settings: &[&str]) {
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", out, "--progress", "none", "--no-report"], &settings[..]].concat());
    assert_eq!(code, 3, "{err}");
}

/// A document as the tables have it: where, text, tokens, file and offset.
struct Known {
    doc_id: String,
    text: String,
    ids: Vec<i32>,
    file: String,
    offset: u64,
}

/// All documents of a run by part and row, read without any index.
fn known(run: &Path, subset: &str) -> BTreeMap<(String, u32), Known> {
    let mut all = BTreeMap::new();
    let mut parts: Vec<_> = fs::read_dir(run.join(subset).join("documents")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    parts.sort();
    for name in parts {
        let one = |directory: &str| {
            let dir = tempfile::tempdir().unwrap();
            fs::copy(run.join(subset).join(directory).join(&name), dir.path().join("part")).unwrap();
            rows(dir.path())
        };
        let (documents, tokens) = (one("documents"), one("tokens"));
        let offsets: Vec<u64> = documents
            .iter()
            .flat_map(|batch| batch.column_by_name("offset").unwrap().as_primitive::<UInt64Type>().values().to_vec())
            .collect();
        let ids: Vec<Vec<i32>> = tokens
            .iter()
            .flat_map(|batch| {
                let lists = batch.column_by_name("input_ids").unwrap().as_list::<i32>().clone();
                (0..lists.len()).map(move |row| lists.value(row).as_primitive::<Int32Type>().values().to_vec()).collect::<Vec<_>>()
            })
            .collect();
        let columns = ["doc_id", "text", "file"].map(|column| strings(&documents, column));
        for (row, ids) in ids.into_iter().enumerate() {
            let [doc_id, text, file] = [&columns[0], &columns[1], &columns[2]].map(|column| column[row].clone());
            all.insert((name.to_str().unwrap().to_owned(), row as u32), Known { doc_id, text, ids, file, offset: offsets[row] });
        }
    }
    all
}

/// The id and text of the record that begins at a byte of a file of JSON Lines.
fn record_at(file: &Path, offset: u64) -> Value {
    let bytes = fs::read(file).unwrap();
    let line = bytes[usize::try_from(offset).unwrap()..].split(|byte| *byte == b'\n').next().unwrap();
    serde_json::from_slice(line).unwrap()
}

#[test]
fn every_row_is_traced_to_its_tokens_texts_and_records() {
    let world = corpus();
    run(&world, "out", &["pack.mixture=[{source=\"s1\", epochs=2.0}]"]);
    compare_rows(&world, "out", true);
    // Nothing of it depends on where the run lies, nor on where the inputs do.
    fs::create_dir(world.path("elsewhere")).unwrap();
    fs::rename(world.path("out"), world.path("elsewhere/moved")).unwrap();
    compare_rows(&world, "elsewhere/moved", true);
}

#[test]
fn rows_of_texts_with_cuts_are_traced_to_what_is_left() {
    let world = corpus();
    run(&world, "out", &["dedup.substring=20", "dedup.exact=false"]);
    assert!(manifest(&world.path("out"))["cut"]["substrings"].as_u64() > Some(10));
    compare_rows(&world, "out", false);
}

/// Compares every row with what stands in the tables, and the inputs, if texts are what they were there.
fn compare_rows(world: &World, out: &str, whole: bool) {
    let manifest = manifest(&world.path(out));
    for subset in ["", "validation"] {
        let pack = Path::new(out).join(subset).join("pack");
        let pack = pack.to_str().unwrap();
        let known = known(&world.path(out), subset);
        let mut seen: BTreeMap<(String, u32), u64> = BTreeMap::new();
        let mut tracer = Tracer::open(&world.path(pack), None).unwrap();
        assert!(tracer.rows() > u64::from(whole), "{pack}");
        for row in 0..tracer.rows() {
            let traced = tracer.trace(row, true).unwrap();
            let part = fs::read(world.path(pack).join(&traced.part)).unwrap();
            let bytes = &part[traced.bytes.start as usize..traced.bytes.end as usize];
            let tokens: Vec<i32> = bytes.chunks(2).map(|two| i32::from(u16::from_le_bytes([two[0], two[1]]))).collect();
            assert_eq!(tokens.len(), 64);
            let mut end = 0;
            for piece in &traced.pieces {
                assert_eq!(piece.columns.start, end, "pieces tile the row");
                end = piece.columns.end;
                let name = piece.shard.rsplit('/').next().unwrap().to_owned();
                let document = &known[&(name.clone(), piece.shard_row)];
                let mut expected = document.ids[piece.document_tokens.start as usize..piece.document_tokens.end as usize].to_vec();
                if piece.eos {
                    assert_eq!(piece.document_tokens.end as usize, document.ids.len());
                    expected.push(tokens[piece.columns.end as usize - 1]);
                }
                assert_eq!(tokens[piece.columns.start as usize..piece.columns.end as usize], expected);
                assert_eq!((&piece.doc_id, piece.n_tokens as usize), (&document.doc_id, document.ids.len()));
                assert_eq!((piece.file.as_ref(), piece.offset), (Some(&document.file), Some(document.offset)));
                let text = piece.text_bytes.clone().unwrap();
                assert!(text.end as usize <= document.text.len());
                assert_eq!(piece.document_tokens.end as usize == document.ids.len(), text.end as usize == document.text.len());
                assert_eq!(piece.document_tokens.start == 0, text.start == 0);
                *seen.entry((name, piece.shard_row)).or_default() += text.end - text.start;
                let input = manifest["inputs"].as_array().unwrap().iter().find(|input| input["path"] == document.file.as_str()).unwrap();
                assert_eq!(piece.input.as_ref().unwrap().blake3, input["blake3"].as_str().unwrap());
                if whole && document.file.contains(".jsonl") {
                    let record = record_at(&world.path(&document.file), document.offset);
                    assert_eq!(record["text"].as_str().unwrap(), document.text, "{}", document.doc_id);
                }
            }
            assert_eq!(traced.tokens, end);
        }
        for (at, document) in known.iter().filter(|(_, document)| !document.ids.is_empty()) {
            let times = seen.get(at).unwrap_or(&0) / document.text.len() as u64;
            assert!(times >= 1 && seen[at] == times * document.text.len() as u64, "every byte of {} as often", document.doc_id);
        }
        assert!(tracer.trace(tracer.rows(), false).is_err());
    }
}

#[test]
fn the_command_traces_and_says_what_it_cannot() {
    let world = corpus();
    run(&world, "out", &[]);
    let (code, out, err) = world.run(&["trace", "out", "0", "1", "--json", "--text"]);
    assert_eq!((code, out.lines().count()), (0, 2), "{err}");
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert!(first["trace_version"] == 1 && first["row"] == 0 && first["pieces"][0]["text_bytes"]["end"].as_u64() > Some(0), "{first}");
    let (_, told, _) = world.run(&["trace", "out/pack/part-00000.pack", "0", "--column", "0"]);
    assert!(
        told.contains("shard    tokens/part-0000") && told.contains(", as in documents/part-0000") && told.contains("BLAKE3"),
        "{told}"
    );
    assert_eq!(told.matches("  columns ").count(), 1);
    for (arguments, words) in [
        (&["trace", "out", "99999"][..], "the pack has"),
        (&["trace", "out", "18446744073709551615"], "the pack has"),
        (&["trace", "out", "18446744073709551616"], "invalid value"),
        (&["trace", "out", "--", "-1"], "invalid value"),
        (&["trace", "out", "1.0"], "invalid value"),
        (&["trace", "out", "0", "--column", "64"], "no token is there"),
        (&["trace", "in", "0"], "no pack is there"),
        (&["trace", "plan.toml", "0"], "no pack is there"),
        (&["trace", "nowhere", "0"], "no pack is there"),
    ] {
        let (code, out, err) = world.run(arguments);
        assert!(code == 2 && out.is_empty() && err.contains(words), "{arguments:?}: {code} {err}");
    }
    // A pack made without the rest of a run, beside its token shards and elsewhere.
    let (code, _, err) = world.run(&["pack", "out/tokens", "--sequence-length", "64", "-o", "elsewhere/pack"]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = world.run(&["trace", "elsewhere/pack", "0"]);
    assert!(code == 2 && err.contains("--tokens DIR"), "{err}");
    let (code, out, err) = world.run(&["trace", "elsewhere/pack", "0", "--tokens", "out"]);
    assert!(code == 0 && out.contains("from "), "{err}");
}

#[test]
fn a_pack_of_somebody_elses_leads_nowhere() {
    let world = corpus();
    run(&world, "out", &[]);
    let broken = |name: &str, change: &dyn Fn(&Path)| {
        let copy = world.path("broken");
        let _ = fs::remove_dir_all(&copy);
        assert!(std::process::Command::new("cp").args(["-r", "out", "broken"]).current_dir(world.dir.path()).status().unwrap().success());
        change(&copy);
        let (code, out, err) = world.run(&["trace", "broken", "0", "1", "2", "--text"]);
        assert!(code == 2 && err.starts_with("error: "), "{name}: {code} {out}{err}");
    };
    let rename = |to: &'static str| {
        move |run: &Path| {
            let path = run.join("pack/pack.json");
            let text = fs::read_to_string(&path).unwrap().replace("\"tokens/part-", &format!("\"{to}part-"));
            put(&path, text.as_bytes());
        }
    };
    broken("above", &rename("../../tokens/"));
    broken("absolute", &rename("/tokens/"));
    broken("nothing", &rename("nothing/"));
    broken("no shards", &|run| fs::remove_dir_all(run.join("tokens")).unwrap());
    broken("no table", &|run| fs::read_dir(run.join("tokens")).unwrap().for_each(|entry| put(&entry.unwrap().path(), b"PAR1PAR1")));
    broken("cut", &|run| {
        for entry in fs::read_dir(run.join("tokens")).unwrap() {
            let bytes = fs::read(entry.as_ref().unwrap().path()).unwrap();
            put(&entry.unwrap().path(), &bytes[..bytes.len() / 2]);
        }
    });
    broken("other shards", &|run| {
        let last = fs::read_dir(run.join("tokens")).unwrap().count() - 1;
        let bytes = fs::read(run.join(format!("tokens/part-{last:05}.parquet"))).unwrap();
        for entry in fs::read_dir(run.join("tokens")).unwrap() {
            put(&entry.unwrap().path(), &bytes);
        }
    });
    broken("documents for tokens", &|run| {
        for entry in fs::read_dir(run.join("documents")).unwrap() {
            let path = entry.unwrap().path();
            put(&run.join("tokens").join(path.file_name().unwrap()), &fs::read(&path).unwrap());
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "a test's own damage")]
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

#[test]
fn evidence_is_what_the_plan_declares_and_the_tables_hold() {
    let world = corpus();
    run(&world, "out", &[]);
    let (code, out, err) = world.run(&["passport", "out"]);
    assert!(code == 0 && out.lines().count() == 4, "{err}");
    let read = |name: &str| -> Value { serde_json::from_slice(&fs::read(world.path("out/passport").join(name)).unwrap()).unwrap() };
    let (evidence, manifest) = (read("passport.json"), manifest(&world.path("out")));
    assert_eq!(evidence["declared"].as_array().unwrap().len(), 3);
    assert_eq!(evidence["declared"][1], json!({"hosts": [".go.jp"], "owner": "国", "legal_basis": "政府標準利用規約"}));
    assert_eq!((&evidence["totals"], &evidence["inputs"]), (&manifest["totals"], &manifest["inputs"]));
    assert_eq!(manifest["source"]["owner"], "村");
    // Counted again, from the tables.
    let kept: Vec<_> = ["out/documents", "out/validation/documents"].iter().flat_map(|dir| rows(&world.path(dir))).collect();
    let (sources, urls, files, licenses) =
        (strings(&kept, "source"), strings(&kept, "url"), strings(&kept, "file"), strings(&kept, "license"));
    let mut counted: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for row in 0..sources.len() {
        let owner = if urls[row].contains("go.jp") { "国" } else { "村" };
        let consent = if files[row].ends_with("b.jsonl") { "opt-in" } else { "contract 1" };
        let basis = if urls[row].contains("go.jp") { "政府標準利用規約" } else { "(none)" };
        for key in [
            "kept".to_owned(),
            format!("owners {owner}"),
            format!("consents {consent}"),
            format!("legal_bases {basis}"),
            format!("licenses {}", licenses[row]),
        ] {
            *counted.entry(sources[row].clone()).or_default().entry(key).or_default() += 1;
        }
    }
    assert!(counted.len() >= 5 && counted.contains_key("b"), "{counted:?}");
    for (source, counts) in counted {
        for (key, n) in counts {
            let said = &evidence["sources"][&source];
            let said = key.split_once(' ').map_or_else(|| &said[&key], |(kind, name)| &said[kind][name]);
            assert_eq!(said.as_u64(), Some(n), "{source}: {key}");
        }
    }
    let sum = |key: &str| evidence["sources"].as_object().unwrap().values().map(|source| source[key].as_u64().unwrap_or(0)).sum::<u64>();
    assert_eq!((Some(sum("kept")), Some(sum("tokens"))), (manifest["totals"]["kept"].as_u64(), manifest["totals"]["tokens"].as_u64()));
    assert_eq!(Some(sum("held_out")), manifest["validation"]["kept"].as_u64());
    let rejected: u64 = evidence["sources"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|source| source["rejected"].as_object().unwrap().values())
        .map(|n| n.as_u64().unwrap())
        .sum();
    assert_eq!(Some(rejected), manifest["totals"]["rejected"].as_u64());
    // What is only declared makes no document again.
    let before = unfinished::entries(&world.path("out"));
    run(&world, "out", &["input.source.owner=他の村"]);
    let annotated = |entries: &[std::path::PathBuf]| {
        entries.iter().filter(|path| path.to_str().unwrap().contains("/annotate/")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(annotated(&unfinished::entries(&world.path("out"))), annotated(&before));
}

#[test]
fn the_same_run_has_the_same_passport_and_another_one_is_found() {
    let world = corpus();
    run(&world, "out", &[]);
    run(&world, "again/out", &[]);
    for out in ["out", "again/out"] {
        assert_eq!(world.run(&["passport", out]).0, 0);
        assert_eq!(world.run(&["verify", out]).0, 0);
    }
    assert_eq!(tree(&world.path("out/passport")), tree(&world.path("again/out/passport")));
    assert_eq!(fs::read(world.path("out/croissant.json")).unwrap(), fs::read(world.path("again/out/croissant.json")).unwrap());
    for name in ["passport/passport.json", "croissant.json", "passport/cyclonedx.json", "passport/statement.json"] {
        let path = world.path("out").join(name);
        let whole = fs::read(&path).unwrap();
        put(&path, String::from_utf8(whole.clone()).unwrap().replacen("CC0", "MIT", 1).replacen("blake3", "blake4", 1).as_bytes());
        let (code, out, _) = world.run(&["verify", "out"]);
        assert!(code == 3 && out.contains(&format!("{name}: does not say what")), "{name}: {out}");
        fs::remove_file(&path).unwrap();
        let (code, out, _) = world.run(&["verify", "out"]);
        assert!(code == 3 && out.contains(&format!("{name}: is missing")), "{name}: {out}");
        put(&path, &whole);
    }
    put(&world.path("out/passport/more.json"), b"{}");
    let (code, out, _) = world.run(&["verify", "out"]);
    assert!(code == 3 && out.contains("passport/more.json: not listed"), "{out}");
    let (code, _, err) = world.run(&["passport", "in"]);
    assert!(code == 2 && err.contains("no finished run"), "{err}");
}

/// What a fresh run over inputs without some records gives, for comparison.
fn lines_without(world: &World, file: &str, ids: &[&str]) {
    let text = fs::read_to_string(world.path(file)).unwrap();
    let kept = text.lines().filter(|line| !ids.iter().any(|id| line.contains(&format!("\"id\":\"{id}\""))));
    world.write(file, kept.flat_map(|line| [line, "\n"]).collect::<String>());
}

/// Texts of a run, by id.
fn texts(world: &World, out: &str) -> BTreeMap<String, String> {
    let dirs = ["documents", "rejected", "validation/documents"];
    let all: Vec<_> = dirs.iter().map(|dir| world.path(out).join(dir)).filter(|dir| dir.exists()).flat_map(|dir| rows(&dir)).collect();
    strings(&all, "doc_id").into_iter().zip(strings(&all, "text")).collect()
}

#[test]
fn what_is_forgotten_is_in_no_output_and_never_read_again() {
    let world = corpus();
    run(&world, "out", &[]);
    let before = tree(&world.path("out"));
    let gone = ["long", "r7", "b107", "short6"];
    let (code, out, err) = world.run(&[&["forget", "out", "-o", "new", "--progress", "none"], &gone[..]].concat());
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(tree(&world.path("out")), before, "the old run is as it was");
    assert_eq!(world.run(&["verify", "new"]).0, 0);
    let (old, new) = (texts(&world, "out"), texts(&world, "new"));
    assert!(gone.iter().all(|id| old.contains_key(*id) && !new.contains_key(*id)));
    let receipt: Value = serde_json::from_slice(&fs::read(world.path("new.receipt.json")).unwrap()).unwrap();
    assert_eq!(receipt["removed"].as_array().unwrap().len(), gone.len());
    let zero = |key: &str| receipt["search"][key] == 0;
    // Other documents with the text of one of them are named.
    let same: Vec<&str> = receipt["search"]["same_text"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(zero("same_id") && zero("same_record") && same.len() == 7 && same.iter().all(|id| id.starts_with("short")), "{receipt}");
    let long = receipt["removed"].as_array().unwrap().iter().find(|one| one["doc_id"] == "long").unwrap();
    assert!(
        long["pack_rows"].as_array().unwrap().len() > 5 && long["text_blake3"] == blake3::hash(old["long"].as_bytes()).to_hex().as_str()
    );
    for (name, side) in [("out", 0), ("new", 1)] {
        let file = fs::read(world.path(name).join("counts.parquet")).unwrap();
        assert_eq!(receipt["files"]["counts.parquet"][side], blake3::hash(&file).to_hex().as_str());
    }
    // Not in what stays for the next run either: no file of the new run holds a text, packed or not.
    for (path, _) in tree(&world.path("new")).into_iter().filter(|(path, _)| path.contains("/annotate/documents/")) {
        let dir = tempfile::tempdir().unwrap();
        fs::copy(world.path("new").join(&path), dir.path().join("t")).unwrap();
        let ids = strings(&rows(dir.path()), "doc_id");
        assert!(gone.iter().all(|id| !ids.iter().any(|found| found == id)), "{path}");
    }
    // What no record of it stood in is what it was.
    let shards =
        |out: &str| -> Vec<String> { tree(&world.path(out)).into_keys().filter(|path| path.contains("/annotate/documents/")).collect() };
    let (old_shards, new_shards) = (shards("out"), shards("new"));
    let reused = new_shards.iter().filter(|shard| old_shards.contains(shard)).count();
    assert!(new_shards.len() == old_shards.len() && reused >= 3 && reused < old_shards.len(), "{reused} of {}", old_shards.len());
    // A fresh run of the new plan gives the same bytes, and so do inputs without the records, but for names of inputs, plan and hashes.
    let plan = fs::read_to_string(world.path("new/plan.toml")).unwrap();
    assert!(gone.iter().all(|id| !plan.contains(&format!("\"{id}\""))) && plan.matches("[[input.forget]]").count() == gone.len(), "{plan}");
    world.write("forgetting.toml", &plan);
    assert_eq!(world.run(&["run", "forgetting.toml", "--out", "fresh", "--progress", "none", "--no-report"]).0, 3);
    assert_eq!(tree(&world.path("new")), tree(&world.path("fresh")));
    for file in ["in/a.jsonl", "in/b.jsonl"] {
        lines_without(&world, file, &gone);
    }
    run(&world, "without", &[]);
    // Records without an id are called by their number, and that is another one there.
    let sorted = |texts: BTreeMap<String, String>| {
        let mut all: Vec<String> = texts.into_values().collect();
        all.sort();
        all
    };
    assert_eq!(sorted(texts(&world, "without")), sorted(new));
    // The inputs are others now: what is forgotten is known by its id.
    world.write(
        "in/b.jsonl",
        format!(
            "{}\n{}",
            json!({"id": "b107", "text": "帰って来た文書が、別の所に立っている。"}),
            fs::read_to_string(world.path("in/b.jsonl")).unwrap()
        ),
    );
    assert_eq!(world.run(&["run", "forgetting.toml", "--out", "later", "--progress", "none", "--no-report"]).0, 3);
    assert!(!texts(&world, "later").contains_key("b107"));
    fs::rename(world.path("in/b.jsonl"), world.path("in/e.jsonl")).unwrap();
    let (code, _, err) = world.run(&["run", "forgetting.toml", "--out", "renamed", "--progress", "none"]);
    assert!(code == 2 && err.contains("there is no input"), "{err}");
}

#[test]
fn copies_go_with_what_is_forgotten() {
    let world = corpus();
    run(&world, "out", &[]);
    let rejected = rows(&world.path("out/rejected"));
    let of = strings(&rejected, "duplicate_of");
    let anchor = of.iter().find(|of| !of.is_empty()).unwrap().clone();
    let copies = of.iter().filter(|of| **of == anchor).count();
    let (code, out, err) = world.run(&["forget", "out", &anchor, "-o", "new", "--progress", "none"]);
    assert!(code == 0 && out.matches("a duplicate of").count() == copies, "{out}{err}");
    let (old, new) = (texts(&world, "out"), texts(&world, "new"));
    assert!(new.values().all(|text| *text != old[&anchor]) && new.len() + copies + 1 == old.len());
    // Or they take its place, and that is said.
    let (code, _, err) = world.run(&["forget", "out", &anchor, "-o", "only", "--only", "--progress", "none"]);
    assert!(code == 0 && err.contains("has the very text of one of them"), "{err}");
    // Two records of one id are both meant.
    let twice = old.keys().find(|id| id.contains('~')).unwrap().split('~').next().unwrap().to_owned();
    let (code, out, err) = world.run(&["forget", "out", &twice, "-o", "twice", "--progress", "none"]);
    assert!(code == 0 && out.starts_with(&twice) && out.contains("2 documents removed"), "{out}{err}");
    for (arguments, words) in [
        (&["forget", "out", "no such document", "-o", "x"][..], "no document no such document"),
        (&["forget", "in", "a", "-o", "x"], "no finished run"),
        (&["forget", "out", "long", "-o", "in"], "not empty"),
        (&["forget", "out", "long", "-o", "out"], "is the run itself"),
    ] {
        let (code, _, err) = world.run(arguments);
        assert!(code == 2, "{arguments:?}: {code} {err}");
        assert!(err.contains(words), "{arguments:?}: {err}");
        assert!(!world.path("x").exists());
    }
}

#[test]
fn what_was_rejected_or_has_no_id_is_forgotten_too() {
    let world = corpus();
    run(&world, "out", &[]);
    let rejected = rows(&world.path("out/rejected"));
    let (ids, of) = (strings(&rejected, "doc_id"), strings(&rejected, "duplicate_of"));
    let at = of.iter().position(|of| !of.is_empty()).unwrap();
    let (copy, anchor) = (ids[at].clone(), of[at].clone());
    let old = texts(&world, "out");
    let gone = [copy.as_str(), "in/a.jsonl#4", "mix-003", "in/c.txt"];
    assert!(gone.iter().all(|id| old.contains_key(*id)), "{:?}", old.keys());
    let (code, out, err) = world.run(&[&["forget", "out", "-o", "new", "--progress", "none"], &gone[..]].concat());
    assert_eq!(code, 0, "{out}{err}");
    let mut expected = old.clone();
    expected.retain(|id, _| !gone.contains(&id.as_str()));
    assert_eq!(texts(&world, "new"), expected, "nothing else is called otherwise");
    assert_eq!(world.run(&["verify", "new"]).0, 0);
    let size = |out: &str| -> u64 {
        let kept: Vec<_> = ["documents", "validation/documents"].iter().flat_map(|dir| rows(&world.path(out).join(dir))).collect();
        let sizes: Vec<u64> = kept
            .iter()
            .flat_map(|batch| batch.column_by_name("dup_size").unwrap().as_primitive::<UInt32Type>().values().to_vec())
            .map(u64::from)
            .collect();
        sizes[strings(&kept, "doc_id").iter().position(|id| *id == anchor).unwrap()]
    };
    assert_eq!(size("new"), size("out") - 1);
    // What is forgotten stays forgotten when more is.
    let (code, _, err) = world.run(&["forget", "new", "r7", "-o", "newer", "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
    expected.remove("r7");
    assert_eq!(texts(&world, "newer"), expected);
    // A run that has not finished, and one that works, are let alone.
    fs::remove_file(world.path("newer/_SUCCESS")).unwrap();
    let (code, _, err) = world.run(&["forget", "newer", "r17", "-o", "newest"]);
    assert!(code == 2 && err.contains("no finished run") && !world.path("newest").exists(), "{err}");
    // Nor is one that is damaged: what stands where, is not known.
    let part = world.path("out/rejected/part-00000.parquet");
    let whole = fs::read(&part).unwrap();
    put(&part, &[&whole[..], b"0"].concat());
    let (code, _, err) = world.run(&["forget", "out", "r17", "-o", "newest"]);
    assert!(code == 2 && err.contains("rejected/part-00000.parquet") && !world.path("newest").exists(), "{code} {err}");
    put(&part, &whole);
    let lock = fs::File::options().write(true).open(world.path("out/.work/lock")).unwrap();
    lock.lock().unwrap();
    let (code, _, err) = world.run(&["forget", "out", "r17", "-o", "newest"]);
    assert!(code == 2 && err.contains("another run is writing here") && !world.path("newest").exists(), "{err}");
}

#[test]
fn what_was_begun_goes_on_and_nothing_else_is_written_over() {
    let world = corpus();
    run(&world, "out", &[]);
    assert_eq!(world.run(&["forget", "out", "r7", "-o", "new", "--progress", "none"]).0, 0);
    let (whole, receipt) = (tree(&world.path("new")), fs::read(world.path("new.receipt.json")).unwrap());
    // Asked again once it is done, and after it was cut short.
    assert_eq!(world.run(&["forget", "out", "r7", "-o", "new", "--progress", "none"]).0, 0);
    assert!(tree(&world.path("new")) == whole && fs::read(world.path("new.receipt.json")).unwrap() == receipt);
    for path in ["_SUCCESS", "manifest.json", "pack/pack.json", "counts.parquet"] {
        fs::remove_file(world.path("new").join(path)).unwrap();
    }
    assert_eq!(world.run(&["forget", "out", "r7", "-o", "new", "--progress", "none"]).0, 0);
    assert!(tree(&world.path("new")) == whole && fs::read(world.path("new.receipt.json")).unwrap() == receipt);
    // Another deletion into the same place would bring this one back.
    let (code, _, err) = world.run(&["forget", "out", "r17", "-o", "new", "--progress", "none"]);
    assert!(code == 2 && err.contains("not what an earlier call of this kind began"), "{err}");
    assert_eq!(tree(&world.path("new")), whole);
    // Elsewhere, and with inputs that are found from there.
    fs::create_dir(world.path("away")).unwrap();
    fs::rename(world.path("out"), world.path("away/out")).unwrap();
    let (code, _, err) = crate::harness::said(
        &world
            .seimai(&["forget", "out", "r7", "-o", "new", "--at", "..", "--progress", "none"])
            .current_dir(world.path("away"))
            .output()
            .unwrap(),
    );
    assert_eq!(code, 0, "{err}");
    let but_state = |mut tree: BTreeMap<String, String>| {
        // Where the inputs were found.
        tree.remove(".work/state.json");
        tree
    };
    assert_eq!(but_state(tree(&world.path("away/new"))), but_state(whole));
    // Inputs that are others by now are told: the new run is of these.
    world.write("in/c.txt", "もう別の文章になっている。棚田には水がまだ入っていないそうです。");
    let (code, _, err) = world.run(&["forget", "away/out", "r7", "-o", "other", "--progress", "none"]);
    assert!(code == 0 && err.contains("1 inputs are not what they were") && err.contains("in/c.txt"), "{err}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn receipts_are_believed_by_whoever_can_check_them() {
    let world = corpus();
    run(&world, "out", &[]);
    for key in ["ours.pem", "theirs.pem"] {
        assert_eq!(world.run(&["key", "new", key]).0, 0);
    }
    for (id, out) in [("r7", "new"), ("r17", "other")] {
        let (code, _, err) = world.run(&["forget", "out", id, "-o", out, "--key", "ours.pem", "--progress", "none"]);
        assert_eq!(code, 0, "{err}");
    }
    // Neither text nor anything of a record but its id, place and hash.
    let plain = fs::read_to_string(world.path("new.receipt.json")).unwrap();
    assert!(plain.contains("r7") && !plain.contains("棚田") && !plain.contains("PRIVATE"));
    let (signed, key) = ("new.receipt.json.dsse.json", "ours.pem.pub");
    for arguments in [&["--receipt", "new.receipt.json"][..], &["--receipt", signed], &["--receipt", signed, "--key", key]] {
        let (code, out, err) = world.run(&[&["verify", "new"], arguments].concat());
        assert!(code == 0 && out.contains("receipt: none of 1 documents in"), "{arguments:?}: {out}{err}");
    }
    let (_, out, _) = world.run(&["verify", "new", "--receipt", signed, "--key", key, "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert!(told["receipt"]["valid"] == true && told["receipt"]["documents"] == 1 && told["receipt"]["keyid"].is_string(), "{told}");
    let envelope: Value = serde_json::from_slice(&fs::read(world.path(signed)).unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap()).unwrap();
    let receipt: Value = serde_json::from_str(&plain).unwrap();
    assert_eq!(statement["predicate"], receipt);
    let resigned = |key: &str, change: &dyn Fn(&mut Value)| {
        let mut statement = statement.clone();
        change(&mut statement);
        let mut envelope = Envelope::of("application/vnd.in-toto+json", statement.to_string().as_bytes());
        envelope.sign(&SecretKey::read(&world.path(key)).unwrap()).unwrap();
        serde_json::to_vec(&envelope).unwrap()
    };
    let edited = |change: &dyn Fn(&mut Value)| {
        let mut envelope = envelope.clone();
        change(&mut envelope);
        envelope.to_string().into_bytes()
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut receipt = receipt.clone();
        change(&mut receipt);
        receipt.to_string().into_bytes()
    };
    let whole = fs::read(world.path(signed)).unwrap();
    let run_signature = {
        assert_eq!(world.run(&["sign", "new", "--key", "ours.pem"]).0, 0);
        fs::read(world.path("new/passport/statement.dsse.json")).unwrap()
    };
    let cases: Vec<(&str, bool, Vec<u8>, &str)> = vec![
        ("plain where a key is asked for", true, plain.clone().into_bytes(), "no_envelope"),
        ("half", true, whole[..whole.len() / 2].to_vec(), "no_envelope"),
        ("empty", true, Vec::new(), "no_envelope"),
        ("nested", true, vec![b'['; 1 << 20], "no_envelope"),
        ("another key", true, resigned("theirs.pem", &|_| ()), "another_key"),
        (
            "a changed payload",
            true,
            edited(&|value| value["payload"] = STANDARD.encode(statement.to_string().replace("r7", "r8")).into()),
            "forged",
        ),
        ("another type", true, edited(&|value| value["payloadType"] = "text/plain".into()), "payload_type"),
        ("no signature", true, edited(&|value| value["signatures"] = json!([])), "unsigned"),
        ("the signature of the run", true, run_signature, "statement"),
        ("another predicate", true, resigned("ours.pem", &|value| value["predicateType"] = "urn:x".into()), "statement"),
        (
            "two subjects",
            true,
            resigned("ours.pem", &|value| {
                let one = value["subject"][0].clone();
                value["subject"].as_array_mut().unwrap().push(one.clone());
                value["subject"][0]["name"] = "x".into();
            }),
            "replayed",
        ),
        ("no subject", true, resigned("ours.pem", &|value| value["subject"] = json!([])), "replayed"),
        ("of another run", true, fs::read(world.path("other.receipt.json.dsse.json")).unwrap(), "replayed"),
        ("of another run, plain", false, fs::read(world.path("other.receipt.json")).unwrap(), "replayed"),
        ("no JSON", false, b"forgotten: r7".to_vec(), "receipt"),
        ("an empty file", false, Vec::new(), "receipt"),
        ("an empty object", false, b"{}".to_vec(), "receipt"),
        ("a key more", false, changed(&|value| value["approved"] = true.into()), "receipt"),
        ("a document that stands there", false, changed(&|value| value["removed"][0]["doc_id"] = "r17".into()), "found"),
        (
            "a record that stands there",
            false,
            changed(&|value| {
                let one = &mut value["removed"][0];
                one["doc_id"] = "b100".into();
                one["file"] = "in/b.jsonl".into();
                one["offset"] = 0.into();
            }),
            "found",
        ),
        ("no document", false, changed(&|value| value["removed"] = json!([])), "receipt"),
        ("another version", false, changed(&|value| value["receipt_version"] = 2.into()), "receipt"),
        ("other counts", false, changed(&|value| value["after"]["kept"] = 1.into()), "replayed"),
        ("another file", false, changed(&|value| value["files"]["counts.parquet"][1] = "0".repeat(64).into()), "receipt"),
        ("a file less", false, changed(&|value| drop(value["files"].as_object_mut().unwrap().remove("counts.parquet"))), "receipt"),
        ("another search", false, changed(&|value| value["search"]["rows"] = 1.into()), "receipt"),
    ];
    for (what, with_key, bytes, code) in cases {
        put(&world.path("tampered"), &bytes);
        let arguments =
            [&["verify", "new", "--receipt", "tampered", "--json"][..], if with_key { &["--key", "ours.pem.pub"] } else { &[] }].concat();
        let (exit, out, err) = world.run(&arguments);
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{what}: {e} {out}{err}"));
        assert!(exit == 3 && told["sound"] == false && told["receipt"]["refused"][0]["code"] == code, "{what}: {told}");
    }
    // The run that held it still holds it, and a run that changed is told by the rest of the check.
    let (code, out, _) = world.run(&["verify", "out", "--receipt", signed, "--key", key]);
    assert!(code == 3 && out.starts_with("refused: replayed: "), "{out}");
    let path = world.path("new/documents/part-00000.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 9;
    bytes[at] ^= 1;
    put(&path, &bytes);
    let (code, out, err) = world.run(&["verify", "new", "--receipt", signed, "--key", key]);
    assert!(code != 0 && format!("{out}{err}").contains("part-00000.parquet"), "{code} {out}{err}");
    // A key that cannot sign is told before anything is made.
    let (code, _, err) = world.run(&["forget", "out", "r7", "-o", "unsigned", "--key", key]);
    assert!(code == 2 && err.contains("a public key") && !world.path("unsigned").exists(), "{err}");
}

#[test]
fn a_run_without_a_record_is_that_of_inputs_without_it() {
    let world = corpus();
    let of_b = |out: &str| {
        let arguments = ["run", "plan.toml", "--out", out, "--progress", "none", "--no-report", "--set", "input.paths=[\"in/b.jsonl\"]"];
        let (code, _, err) = world.run(&arguments);
        assert_eq!(code, 0, "{err}");
    };
    of_b("out");
    // The last one, so that the others begin where they began.
    assert_eq!(world.run(&["forget", "out", "b159", "-o", "new", "--progress", "none"]).0, 0);
    lines_without(&world, "in/b.jsonl", &["b159"]);
    of_b("without");
    let outputs = |out: &str| {
        let mut tree = tree(&world.path(out));
        tree.retain(|path, _| !path.starts_with(".work/"));
        tree
    };
    let (old, new, without) = (outputs("out"), outputs("new"), outputs("without"));
    let differ: Vec<&String> = new.keys().filter(|path| new[*path] != without[*path]).collect();
    // They name the input by hash, or the plan; packs in their heads.
    let packs = ["pack/pack.json", "pack/part-00000.pack", "validation/pack/pack.json", "validation/pack/part-00000.pack"];
    assert_eq!(differ, [&["README.md", "_SUCCESS", "manifest.json"][..], &packs[..2], &["plan.toml"], &packs[2..]].concat());
    for path in ["pack/part-00000.pack", "validation/pack/part-00000.pack"] {
        let [new, without] = ["new", "without"].map(|out| fs::read(world.path(out).join(path)).unwrap());
        assert!(new.len() > 4096 && new[4096..] == without[4096..], "{path}");
    }
    assert!(
        new.len() == without.len()
            && ["counts.parquet", "documents/part-00002.parquet", "pack/pack.json"].iter().all(|path| old[*path] != new[*path])
    );
}
