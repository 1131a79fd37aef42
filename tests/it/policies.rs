//! The policies of `[keigo]`: rules, exemptions, and a mixture of registers.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::{Int32Type, UInt8Type};

use crate::harness::{World, manifest, rows, strings, tree};

/// Documents in です・ます and in plain style, some mixed, with numbers that keep them apart.
fn write_registers(world: &World) {
    let document = |i: usize, end: &dyn Fn(usize) -> &'static str| {
        (0..6).map(|k| format!("{i}番の人は{k}つの米{}。", end(k))).collect::<Vec<_>>().concat()
    };
    let polite = |i| document(i, &|_| "です");
    let plain = |i| document(i, &|_| "だ");
    let mixed = |i| document(i, &|k| if k % 2 == 0 { "です" } else { "だ" });
    let line = |id: String, source: &str, text: String| serde_json::json!({"id": id, "text": text, "source": source}).to_string();
    let mut lines = Vec::new();
    for i in 0..120 {
        lines.push(line(format!("polite-{i}"), "blog", polite(i)));
        lines.push(line(format!("plain-{i}"), "news", plain(i)));
        if i % 4 == 0 {
            lines.push(line(format!("mixed-{i}"), if i % 8 == 0 { "forum" } else { "news" }, mixed(i)));
        }
    }
    world.write("in.jsonl", lines.join("\n"));
}

fn plan(keigo: &str) -> String {
    format!(
        "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[shards]\nrows_max = 50\n\
         [tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n{keigo}"
    )
}

fn run(world: &World, name: &str, keigo: &str, more: &[&str]) -> serde_json::Value {
    world.write("plan.toml", plan(keigo));
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", name, "--progress", "none"], more].concat());
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = world.run(&["verify", name]);
    assert_eq!(code, 0, "{err}");
    manifest(&world.path(name))
}

/// Kept documents by register.
fn registers(world: &World, name: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in strings(&rows(&world.path(name).join("documents")), "register") {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// How often the documents are to be taken.
fn repeats(batch: &arrow::record_batch::RecordBatch) -> Vec<u8> {
    let keigo = batch.column_by_name("keigo").unwrap().as_struct().clone();
    keigo.column_by_name("repeat").unwrap().as_primitive::<UInt8Type>().values().to_vec()
}

#[test]
fn rules_drop_by_register_and_source() {
    let world = World::new();
    write_registers(&world);
    let rules = "[keigo]\npolicy = \"filter\"\n[[keigo.rule]]\nwhen = { register = [\"mixed\"], source = [\"news\"] }\nthen = \"keep\"\n\
                 [[keigo.rule]]\nwhen = { register = [\"mixed\"], consistency = \"< 0.6\" }\nreason = \"mixed-style\"\n";
    let said = run(&world, "out", rules, &[]);
    assert_eq!(said["rejected"], serde_json::json!({"keigo/mixed-style": 15}));
    let rejected = rows(&world.path("out/rejected"));
    assert!(strings(&rejected, "source").iter().all(|source| source == "forum"));
    assert!(strings(&rejected, "evidence").iter().all(|told| told == "register mixed; consistency 0.5 < 0.6"));
    assert_eq!(registers(&world, "out")["mixed"], 15, "those of the news stay");
}

/// Letters with much the same formulae, and three sentences of their own.
fn letter(i: usize) -> String {
    let whos = ["倉庫の山川", "港町の森", "北の店の村木", "学校の先生", "駅前の町田", "川下の水野", "海辺の花村"];
    let whats =
        ["古い地図", "玄米の袋", "新しい机", "歌の本", "窓の絵", "庭の木", "雨の音の記録", "夜の空の写真", "紙の箱", "駅の椅子", "車の門"];
    let dos = ["二階へ運びました", "北から南へ送り出します", "朝のうちに数え直した", "半分に分けて売る", "雪の前に直します"];
    let said = (0..3).map(|k| {
        let (who, what) = (whos[(i + 3 * k) % 7], whats[(i * 3 + 5 * k) % 11]);
        format!("{who}が{what}{}個を{}。", i * 7 + k * 13 + 3, dos[(i / 2 + k) % 5])
    });
    format!(
        "お世話になっております。お忙しいところ、お手数をおかけし、お詫び申し上げます。お世話になります。ご多忙のところ、ご多用のところ。\n{}\n\
         お手数ですが、ご確認のほど、ご検討のほど、お取り計らい、ご承知おき、ご容赦。ご不明な点、お気軽に。ご教示、ご都合のほど。\n\
         お待たせいたしました。ご迷惑をおかけ、ご不便をおかけ。ご利用ありがとう。ご愛顧、ご査収。お気をつけて。ごゆっくり。",
        said.collect::<Vec<_>>().concat()
    )
}

#[test]
fn letters_with_shared_formulae_stay_and_copies_go() {
    for world in crate::harness::worlds("letters_with_shared_formulae_stay_and_copies_go") {
        let line = |id: String, text: String| serde_json::json!({"id": id, "text": text}).to_string();
        let mut lines: Vec<String> = (0..60).map(|i| line(format!("letter-{i}"), letter(i))).collect();
        for i in 0..10 {
            lines.push(line(format!("copy-{i}"), letter(i * 5)));
            lines.push(line(
                format!("near-{i}"),
                letter(i * 4).replace("。", "．\n").replace("お詫び申し上げます", "お詫び申し上げるのです"),
            ));
        }
        world.write("in.jsonl", lines.join("\n"));
        let kept = |name: &str, keigo: &str, more: &[&str]| {
            world.write("plan.toml", plan(keigo).replace("near = false", "near = 0.5"));
            let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", name, "--progress", "none"], more].concat());
            assert_eq!(code, 0, "{err}");
            assert_eq!(world.run(&["verify", name]).0, 0);
            let rows = rows(&world.path(name).join("documents"));
            assert!(rows.iter().all(|batch| batch.column_by_name("formulae").is_none()), "the column is of the work tables");
            strings(&rows, "doc_id")
        };
        let of = |ids: &[String], kind: &str| ids.iter().filter(|id| id.starts_with(kind)).count();
        let protected = "";
        let sparing = kept("sparing", protected, &["--threads", "1"]);
        assert_eq!((of(&sparing, "letter"), of(&sparing, "copy"), of(&sparing, "near")), (60, 0, 0), "{sparing:?}");
        let whole = kept("whole", "[keigo.protect]\nformulae = false\n", &[]);
        assert!(of(&whole, "letter") < 30, "{whole:?}");
        // The same bytes on more threads and less memory, and in place of another plan.
        for (name, more) in [("again", &["--threads", "3", "--memory", "512MiB"][..]), ("whole", &[])] {
            kept(name, protected, more);
            assert_eq!(tree(&world.path(name)), tree(&world.path("sparing")), "{name}");
        }
    }
}

#[test]
fn protected_documents_are_exempt_from_the_rules_named() {
    let world = World::new();
    write_registers(&world);
    let protect = "[quality.thresholds]\nmin_chars = 5000\n[keigo.protect]\nexempt = [\"quality.min_chars\"]\n\
                   exempt_when = { level_at_least = 1, share = 0.9 }\n";
    run(&world, "out", protect, &[]);
    assert_eq!(registers(&world, "out"), BTreeMap::from([("polite".to_owned(), 120)]));
}

#[test]
fn a_mixture_is_reached_whatever_the_threads_and_the_order() {
    let world = World::new();
    write_registers(&world);
    let keigo = "[keigo]\npolicy = \"rebalance\"\n[keigo.rebalance]\nunit = \"documents\"\nmax_drop = 0.9\n\
                 target = { polite = 0.75, plain-written = 0.25 }\n";
    let said = run(&world, "one", keigo, &["--threads", "1"]);
    assert_eq!(registers(&world, "one"), BTreeMap::from([("mixed".into(), 30), ("plain-written".into(), 40), ("polite".into(), 120)]));
    assert_eq!(said["rejected"], serde_json::json!({"keigo/rebalance": 80}));
    let row = &said["mixture"]["registers"]["plain-written"];
    assert_eq!((row["before"]["documents"].as_u64(), row["after"]["documents"].as_u64()), (Some(120), Some(40)), "{row}");
    assert!(said["mixture"]["distance_to_target"].as_f64().unwrap() < 0.01, "{said}");
    run(&world, "four", keigo, &["--threads", "4"]);
    assert_eq!(tree(&world.path("one")), tree(&world.path("four")));
    // The same documents in another order, in other shards: the same ones stay.
    let kept = |name: &str| {
        let mut ids = strings(&rows(&world.path(name).join("documents")), "doc_id");
        ids.sort();
        ids
    };
    let mut lines: Vec<String> = std::fs::read_to_string(world.path("in.jsonl")).unwrap().lines().map(str::to_owned).collect();
    lines.reverse();
    world.write("in.jsonl", lines.join("\n"));
    run(&world, "turned", keigo, &[]);
    assert_eq!(kept("one"), kept("turned"));
    assert!(rows(&world.path("one/documents")).iter().flat_map(repeats).all(|repeat| repeat == 1));
}

#[test]
fn a_scarce_register_is_packed_more_than_once() {
    let world = World::new();
    write_registers(&world);
    let keigo = "[keigo]\npolicy = \"rebalance\"\n[keigo.rebalance]\nunit = \"documents\"\nmax_drop = 0.0\nmax_repeat = 3\n\
                 target = { mixed = 0.36, polite = 0.64 }\n";
    let said = run(&world, "out", keigo, &[]);
    let documents = rows(&world.path("out/documents"));
    let registers = strings(&documents, "register");
    let repeats: Vec<u8> = documents.iter().flat_map(repeats).collect();
    let of = |name: &str| -> Vec<u8> {
        registers.iter().zip(&repeats).filter(|(register, _)| *register == name).map(|(_, repeat)| *repeat).collect()
    };
    assert!(of("polite").iter().chain(&of("plain-written")).all(|&repeat| repeat == 1));
    let mixed = of("mixed");
    assert!(mixed.len() == 30 && mixed.iter().all(|repeat| [2, 3].contains(repeat)), "{mixed:?}");
    let epochs: u64 = mixed.iter().map(|&repeat| u64::from(repeat)).sum();
    assert!(epochs.abs_diff(67) <= 1, "36 % beside 120 documents: {epochs}");
    assert!((said["mixture"]["registers"]["mixed"]["epochs"].as_f64().unwrap() - epochs as f64 / 30.0).abs() < 1e-9);
    // The pack holds every document so often.
    let tokens = rows(&world.path("out/tokens"));
    let lengths =
        |batch: &arrow::record_batch::RecordBatch| batch.column_by_name("n_tokens").unwrap().as_primitive::<Int32Type>().values().to_vec();
    let lengths: Vec<i32> = tokens.iter().flat_map(lengths).collect();
    let wanted: i64 = lengths.iter().zip(&repeats).map(|(&n, &repeat)| (i64::from(n) + 1) * i64::from(repeat)).sum();
    assert_eq!(said["pack"]["tokens"].as_i64(), Some(wanted));
}

#[test]
fn what_a_plan_says_wrong_is_refused_before_anything_is_read() {
    let world = World::new();
    write_registers(&world);
    for (keigo, part) in [
        ("[keigo]\npolicy = \"filter\"\n", "no [[keigo.rule]]"),
        ("[keigo]\npolicy = \"filter\"\n[[keigo.rule]]\nwhen = { register = [\"polit\"] }\n", "no register \"polit\""),
        ("[keigo]\npolicy = \"filter\"\n[[keigo.rule]]\nwhen = { consistancy = \"< 1\" }\n", "nearest is `consistency`"),
        ("[keigo]\npolicy = \"rebalance\"\n", "[keigo.rebalance] is missing"),
        ("[keigo.protect]\nexempt = [\"quality.nothing\"]\n", "no quality rule"),
    ] {
        world.write("plan.toml", plan(keigo));
        let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out"]);
        assert!(code == 2 && err.contains(part), "{err}");
        assert!(!world.path("out").exists());
    }
}
