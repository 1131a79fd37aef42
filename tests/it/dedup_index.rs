//! `seimai dedup --against`, `--save-index` and `--keep`: what earlier searches know, and which document stays. `seimai inspect --cluster`.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::harness::{World, strings, tree};

/// Sentences of unlike characters, by number.
fn sentence(n: u64) -> String {
    let mut state = n;
    let mut next = || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        char::from_u32(0x4E00 + (state >> 40) as u32 % 5000).unwrap()
    };
    (0..24).map(|_| next()).chain(['。']).collect()
}

fn text(document: u64, changed: &[u64]) -> String {
    (0..20).map(|n| sentence(document * 1000 + n + if changed.contains(&n) { 500 } else { 0 })).collect()
}

/// Three files: families of a text, its copies and edited copies, spread over all of them.
fn corpus(world: &World) {
    let mut files = [String::new(), String::new(), String::new()];
    for family in 0..30_u64 {
        // One sentence of twenty: a similarity of .9. Two edited copies of one text have .82, three sentences .74.
        let variants = [&[][..], &[3], &[3], &[9], &[], &[3, 9, 15], &[0, 4, 8, 12], &[9]];
        for (n, changed) in variants.iter().enumerate() {
            let place = (family as usize * 7 + n * n) % 3;
            let line = json!({"id": format!("f{family}-{n}"), "text": text(family, changed)});
            files[place] += &(line.to_string() + "\n");
        }
        files[family as usize % 3] += &(json!({"id": format!("own{family}"), "text": text(1000 + family, &[])}).to_string() + "\n");
    }
    files[1] += &(json!({"id": "empty", "text": ""}).to_string() + "\n");
    for (file, name) in files.iter().zip(["a.jsonl", "b.jsonl", "c.jsonl"]) {
        world.write(name, file);
    }
}

fn dedup(world: &World, arguments: &[&str]) {
    let (code, _, err) = world.run(&[&["dedup", "--progress", "none"], arguments].concat());
    assert_eq!(code, 0, "{arguments:?}: {err}");
}

fn lines(world: &World, path: &str) -> Vec<Value> {
    fs::read_to_string(world.path(path)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Ids of what is kept, and the duplicates, of searches one after the other.
fn found(world: &World, outs: &[&str]) -> (Vec<String>, Vec<Value>) {
    let kept = outs.iter().flat_map(|out| lines(world, &format!("{out}/kept.jsonl")));
    let kept = kept.map(|line| line["id"].as_str().unwrap().to_owned()).collect();
    (kept, outs.iter().flat_map(|out| lines(world, &format!("{out}/duplicates.jsonl"))).collect())
}

#[test]
fn one_file_after_the_other_is_all_at_once() {
    let world = World::new();
    corpus(&world);
    for (n, near) in ["0.8", "0.6"].into_iter().enumerate() {
        let [all, a, b, c, i] = ["all", "a", "b", "c", "i"].map(|name| format!("{name}{n}"));
        let search = ["--exact", "--near", near];
        dedup(&world, &[&["a.jsonl", "b.jsonl", "c.jsonl", "-o", &all][..], &search].concat());
        dedup(&world, &[&["a.jsonl", "-o", &a, "--save-index", &i][..], &search].concat());
        dedup(&world, &[&["b.jsonl", "-o", &b, "--against", &i, "--save-index", &i, "--threads", "1"][..], &search].concat());
        dedup(&world, &[&["c.jsonl", "-o", &c, "--against", &i, "--memory", "64MiB"][..], &search].concat());
        let (kept, gone) = found(&world, &[&a, &b, &c]);
        assert_eq!((&kept, &gone), (&found(&world, &[&all]).0, &found(&world, &[&all]).1), "{near}");
        assert!(gone.iter().any(|line| line["kind"] == "near" && line["file"] == "c.jsonl" && line["duplicate_of_file"] == "b.jsonl"));
    }
    // Made again, it has the same bytes, whatever the threads.
    dedup(&world, &["a.jsonl", "-o", "again", "--exact", "--near", "0.8", "--save-index", "i-again", "--threads", "7"]);
    dedup(&world, &["b.jsonl", "-o", "again-b", "--exact", "--near", "0.8", "--against", "i-again", "--save-index", "i-again"]);
    assert_eq!(tree(&world.path("i0")), tree(&world.path("i-again")));
    let index: Value = serde_json::from_str(&fs::read_to_string(world.path("i0/index.json")).unwrap()).unwrap();
    let documents = |n: usize| index["index"]["inputs"][n]["documents"].as_u64().unwrap() as usize;
    assert_eq!(documents(0) + documents(1), lines(&world, "a.jsonl").len() + lines(&world, "b.jsonl").len());
}

#[test]
fn several_indexes_are_searched_and_become_one() {
    let world = World::new();
    corpus(&world);
    dedup(&world, &["a.jsonl", "-o", "a", "--save-index", "ia"]);
    dedup(&world, &["b.jsonl", "-o", "b", "--save-index", "ib"]);
    dedup(&world, &["c.jsonl", "-o", "c", "--against", "ia", "--against", "ib", "--save-index", "iabc"]);
    // All that is in the new index is a duplicate of what is there.
    for (n, name) in ["a.jsonl", "b.jsonl", "c.jsonl"].into_iter().enumerate() {
        let out = format!("again{n}");
        dedup(&world, &[name, "-o", &out, "--against", "iabc"]);
        let kept = found(&world, &[&out]).0;
        assert!(kept.iter().all(|id| id == "empty"), "{kept:?}");
    }
    // As if it were one search, but that nothing of the first two goes.
    dedup(&world, &["c.jsonl", "-o", "c-again", "--against", "ia", "--against", "ib"]);
    assert_eq!(tree(&world.path("c")), tree(&world.path("c-again")));
}

#[test]
fn an_index_without_texts_has_none_and_estimates() {
    let world = World::new();
    corpus(&world);
    dedup(&world, &["a.jsonl", "-o", "a", "--save-index", "exact"]);
    dedup(&world, &["a.jsonl", "-o", "a2", "--save-index", "sketched", "--index-holds", "sketches"]);
    let columns = |index: &str| {
        let batches = seimai::io::read_table(world.path(&format!("{index}/part-00000.parquet")).as_path(), None).unwrap();
        batches[0].schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>()
    };
    assert!(columns("exact").contains(&"text".to_owned()));
    assert!(!columns("sketched").contains(&"text".to_owned()) && columns("sketched").contains(&"sketch".to_owned()));
    for index in ["exact", "sketched"] {
        dedup(&world, &["b.jsonl", "-o", &format!("b-{index}"), "--against", index]);
    }
    let near = |out: &str| -> BTreeMap<String, f64> {
        let near = found(&world, &[out]).1.into_iter().filter(|line| line["kind"] == "near" && line["duplicate_of_file"] == "a.jsonl");
        near.map(|line| (line["doc_id"].as_str().unwrap().to_owned(), line["jaccard"].as_f64().unwrap())).collect()
    };
    let (exact, estimated) = (near("b-exact"), near("b-sketched"));
    assert!(exact.len() > 20, "{exact:?}");
    // Four standard errors.
    let close = exact.iter().filter(|(id, jaccard)| estimated.get(*id).is_some_and(|estimate| (*jaccard - estimate).abs() < 0.15));
    assert!(close.count() * 10 >= exact.len() * 8, "{exact:?}\n{estimated:?}");
}

#[test]
fn an_index_answers_its_own_search_and_no_damaged_one() {
    let world = World::new();
    corpus(&world);
    dedup(&world, &["a.jsonl", "-o", "a", "--save-index", "i"]);
    let refused = |arguments: &[&str], said: &[&str]| {
        let before = tree(&world.path("i"));
        let (code, _, err) = world.run(&[&["dedup", "b.jsonl", "-o", "b"], arguments].concat());
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(said.iter().all(|said| err.contains(said)), "{arguments:?}: {err}");
        assert!(!world.path("b/kept.jsonl").exists());
        assert_eq!(tree(&world.path("i")), before);
    };
    refused(&["--against", "i", "--near", "0.7", "--exact"], &["i: was made with --near 0.8, this search has 0.7", "hint"]);
    refused(&["--against", "i", "--near", "0.8"], &["--exact true"]);
    refused(&["--against", "i", "--set", "dedup.bands=20x6"], &["25x5", "20x6"]);
    refused(&["--against", "i", "--set", "normalize.form=nfc"], &["[normalize]"]);
    refused(&["--against", "none"], &["none", "there is no index"]);
    refused(&["--against", "a"], &["a: is no index"]);
    refused(&["--save-index", "i"], &["i: is an index already", "--against"]);
    refused(&["--save-index", "a"], &["a: is not empty", "--save-index"]);
    // Parts of something else are none of ours, and nothing is left beside them.
    world.write("documents/part-00000.parquet", "x");
    refused(&["--save-index", "documents"], &["documents: is not empty"]);
    assert_eq!(fs::read_dir(world.path("documents")).unwrap().count(), 1);
    // What an interrupted call has left is.
    world.write("begun/lock", "");
    world.write("begun/part-00000.parquet", "x");
    dedup(&world, &["a.jsonl", "-o", "a-again", "--save-index", "begun"]);
    assert_eq!(tree(&world.path("begun")), tree(&world.path("i")));
    let (part, meta) = (world.path("i/part-00000.parquet"), world.path("i/index.json"));
    let (good_part, good_meta) = (fs::read(&part).unwrap(), fs::read_to_string(&meta).unwrap());
    let mut changed = good_part.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    world.write("i/part-00000.parquet", &changed);
    refused(&["--against", "i"], &["part-00000.parquet", "damaged"]);
    world.write("i/part-00000.parquet", &good_part);
    world.write("i/index.json", good_meta.replacen("\"documents\": ", "\"documents\": 1", 1));
    refused(&["--against", "i"], &["index.json", "checksum"]);
    world.write("i/index.json", good_meta.replacen("\"version\": 1", "\"version\": 2", 1));
    refused(&["--against", "i"], &["another version"]);
    world.write("i/index.json", "{");
    refused(&["--against", "i"], &["index.json: is no index"]);
    world.write("i/index.json", good_meta);
    dedup(&world, &["b.jsonl", "-o", "b", "--against", "i"]);
}

#[test]
fn the_longest_or_the_soundest_stays_where_that_is_asked_for() {
    let world = World::new();
    let body = text(1, &[]);
    let line = |id: &str, text: &str| json!({"id": id, "text": text}).to_string() + "\n";
    let cut = body.trim_end_matches('。').chars().take(470).collect::<String>();
    let long = format!("{body}\n{}", &"ホーム\nお問い合わせ\nホーム\nお問い合わせ\n");
    world.write("in.jsonl", line("cut", &cut) + &line("whole", &body) + &line("long", &long) + &line("other", &text(2, &[])));
    let kept = |keep: &str| {
        dedup(&world, &["in.jsonl", "-o", keep, "--keep", keep]);
        let (kept, gone) = found(&world, &[keep]);
        assert!(gone.iter().all(|line| line["duplicate_of"] == kept[0].as_str()), "{gone:?}");
        kept
    };
    assert_eq!(kept("first"), ["cut", "other"]);
    assert_eq!(kept("longest"), ["long", "other"]);
    assert_eq!(kept("quality"), ["whole", "other"]);
    // The same for what was put aside, on any number of threads, and in tables.
    dedup(&world, &["in.jsonl", "-o", "again", "--keep", "quality", "--memory", "64MiB", "--threads", "5"]);
    assert_eq!(tree(&world.path("again")), tree(&world.path("quality")));
    dedup(&world, &["in.jsonl", "-o", "tables", "--keep", "quality", "--format", "parquet"]);
    assert_eq!(strings(&seimai::io::read_table(world.path("tables/kept.parquet").as_path(), None).unwrap(), "doc_id"), ["whole", "other"]);
    // Documents of an index stay whatever is longer.
    world.write("first.jsonl", line("cut", &cut));
    dedup(&world, &["first.jsonl", "-o", "first-out", "--save-index", "i"]);
    dedup(&world, &["in.jsonl", "-o", "later", "--against", "i", "--keep", "longest"]);
    assert_eq!(found(&world, &["later"]).0, ["other"]);
}

#[test]
fn a_cluster_shows_how_its_documents_differ() {
    let world = World::new();
    let line = |id: &str, text: &str| json!({"id": id, "text": text}).to_string() + "\n";
    let body = text(1, &[]);
    let first = body.chars().next().unwrap();
    let near = body.replacen(first, "猫", 1);
    world.write("in.jsonl", line("a", &body) + &line("b", &near) + &line("c", &body) + &line("d", &text(2, &[])));
    dedup(&world, &["in.jsonl", "-o", "lines", "--texts"]);
    dedup(&world, &["in.jsonl", "-o", "tables", "--texts", "--format", "parquet"]);
    dedup(&world, &["in.jsonl", "-o", "short"]);
    world.write(
        "plan.toml",
        "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n",
    );
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "run", "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
    for dir in ["lines", "tables", "run"] {
        // By the one that stays and by each of the others.
        let shown: Vec<String> = ["a", "b", "c"].map(|id| world.run(&["inspect", dir, "--cluster", id]).1).to_vec();
        assert!(shown.iter().all(|one| *one == shown[0]), "{shown:?}");
        let said = &shown[0];
        assert!(said.starts_with("cluster a\n  documents    3\n"), "{dir}: {said}");
        assert!(said.contains("b  near jaccard 0.9") && said.contains(&format!("[-{first}-]{{+猫+}}")), "{dir}: {said}");
        assert!(said.contains("499 characters are those of the one that stays, which has 1 more; 1 are its own"), "{dir}: {said}");
        assert!(said.contains("c  exact") && said.contains("the same text"), "{dir}: {said}");
        let (code, _, err) = world.run(&["inspect", dir, "--cluster", "d"]);
        assert!(code == 2 && err.contains("no duplicates of d"), "{dir}: {code} {err}");
    }
    assert!(world.run(&["inspect", "short", "--cluster", "a"]).1.contains("its text was not written"));
    assert_eq!(world.run(&["inspect", ".", "--cluster", "a"]).0, 2);
}

/// Letters of one frame: at .45 they are alike as they stand, and not without the frame.
#[test]
fn letters_of_one_frame_stay_where_formulae_are_spared() {
    let Some(world) = World::with_ipadic("letters_of_one_frame_stay_where_formulae_are_spared") else { return };
    let frame = "拝啓　時下ますますご清栄のこととお慶び申し上げます。平素は格別のご高配を賜り、厚く御礼申し上げます。\
                 日頃より弊社製品をご愛顧いただき、誠にありがとうございます。さて、下記のとおりご案内申し上げます。";
    let close = "ご多忙のところ誠に恐れ入りますが、何卒ご高覧くださいますよう、よろしくお願い申し上げます。\
                 ご不明な点がございましたら、お気軽にお問い合わせください。";
    let mut letters = String::new();
    for n in 0..6_u64 {
        letters += &(json!({"id": format!("l{n}"), "text": format!("{frame}{}{}{}{close}", sentence(n * 3), sentence(n * 3 + 1), sentence(n * 3 + 2))})
            .to_string()
            + "\n");
    }
    letters +=
        &(json!({"id": "copy", "text": format!("{frame}{}{}{}{close}以上", sentence(0), sentence(1), sentence(2))}).to_string() + "\n");
    world.write("in.jsonl", letters);
    let kept = |out: &str, more: &[&str]| {
        dedup(&world, &[&["in.jsonl", "-o", out, "--near", "0.45"], more].concat());
        found(&world, &[out]).0
    };
    assert!(kept("whole", &[]).len() < 6);
    assert_eq!(kept("spared", &["--spare-formulae", "--save-index", "i"]).len(), 6);
    assert_eq!(kept("again", &["--spare-formulae", "--against", "i"]), Vec::<String>::new());
    let (code, _, err) = world.run(&["dedup", "in.jsonl", "-o", "refused", "--near", "0.45", "--against", "i"]);
    assert!(code == 2 && err.contains("--spare-formulae"), "{err}");
}
