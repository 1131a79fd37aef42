//! Decontamination against evaluation sets: `seimai dedup --decontaminate`, and `dedup.decontaminate` of a run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StringArray};
use arrow::datatypes::Int32Type;
use arrow::record_batch::RecordBatch;
use serde_json::{Value, json};

use crate::harness::{World, manifest, rows, strings, tree, zstd};

/// Questions that no other text of these tests holds; short and long.
const SHORT: &str = "棚田で米を作る理由は何ですか？";
const LONG: &str = "海抜の低い土地で育つ稲と、山あいの棚田で育つ稲とでは、どちらの収量が多いと考えられますか。理由も述べなさい。";
const OTHER: &str = "江戸で新米が売り出されるのは、その年の何月ごろからだったと日記には書かれていますか。";

/// Sentences that differ by number, and hold nothing of an item.
fn plain(n: usize) -> String {
    let names = ["甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸"];
    let digits = |n: usize| format!("{}{}{}", names[n / 100 % 10], names[n / 10 % 10], names[n % 10]);
    let sentence =
        |i| [digits(n), "の村では".into(), digits(n * 7 + i), "番目の水路を".into(), digits(n * 31 + i * 3), "年に直した。".into()];
    (0..8).flat_map(sentence).collect()
}

fn lines(path: PathBuf) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("{value}: no {key}"))
}

/// Documents, some of which hold an item in some form; the last two are copies of each other.
fn corpus(world: &World) -> Vec<(&'static str, String)> {
    let wide = |text: &str| text.replace('、', "，").replace('。', "．").replace('？', "?");
    let split =
        |text: &str| text.chars().collect::<Vec<_>>().chunks(7).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n");
    let documents = vec![
        ("clean-0", plain(0)),
        ("whole-long", format!("{}{LONG}{}", plain(1), plain(2))),
        ("whole-short", format!("{}\n{SHORT}\n{}", plain(3), plain(4))),
        ("wide-long", format!("{}{}{}", plain(5), wide(LONG), plain(6))),
        ("wide-short", format!("{}「{}」{}", plain(7), wide(SHORT), plain(8))),
        ("split-long", format!("{}\n{}\n{}", plain(9), split(LONG), plain(10))),
        ("split-short", format!("{}\n{}\n{}", plain(11), split(SHORT), plain(12))),
        ("inside", format!("{}その棚田で米を作る理由は何ですかと人は聞く。", plain(13))),
        ("copy-of-contaminated", format!("{}{LONG}{}", plain(1), plain(2))),
        ("clean-1", plain(14)),
        ("copy-of-clean", plain(14)),
    ];
    let line = |(id, text): &(&str, String)| json!({"id": id, "text": text}).to_string() + "\n";
    world.write("in.jsonl", documents.iter().map(line).collect::<String>());
    documents
}

fn items(world: &World) {
    let line = |id: &str, question: &str| json!({"id": id, "question": question, "answer": "秘密"}).to_string() + "\n";
    world.write("eval/a.jsonl", line("short", SHORT) + &line("long", LONG) + &line("tiny", "米とは？") + &line("again", SHORT));
    world.write("eval/b.csv.zst", zstd(&format!("question,answer\n{OTHER},八月\n")));
}

fn dedup(world: &World, out: &str, more: &[&str]) -> String {
    let arguments = [&["dedup", "in.jsonl", "-o", out, "--progress", "none"], more].concat();
    let (code, _, err) = world.run(&arguments);
    assert_eq!(code, 0, "{more:?}: {err}");
    err
}

/// What each document became: kind of its row, item, share.
fn told(world: &World, out: &str) -> BTreeMap<String, (String, String)> {
    let all = lines(world.path(out).join("duplicates.jsonl"));
    all.iter()
        .map(|line| (text(line, "doc_id").to_owned(), (text(line, "kind").to_owned(), text(line, "duplicate_of").to_owned())))
        .collect()
}

const HELD: [(&str, &str); 7] = [
    ("whole-long", "long"),
    ("whole-short", "short"),
    ("wide-long", "long"),
    ("wide-short", "short"),
    ("split-long", "long"),
    ("split-short", "short"),
    ("copy-of-contaminated", "long"),
];

#[test]
fn documents_that_hold_an_item_go_and_are_no_anchors() {
    let world = World::new();
    let documents: BTreeMap<_, _> = corpus(&world).into_iter().collect();
    items(&world);
    let said = dedup(&world, "out", &["--exact", "--near", "0.8", "--decontaminate", "eval"]);
    let told = told(&world, "out");
    for (id, item) in HELD {
        assert_eq!(told[id], ("contaminated".to_owned(), item.to_owned()), "{id}");
    }
    assert_eq!(told["copy-of-clean"], ("exact".to_owned(), "clean-1".to_owned()));
    assert_eq!(told.len(), HELD.len() + 1, "{told:?}");
    let kept: Vec<String> = lines(world.path("out/kept.jsonl")).iter().map(|line| text(line, "id").to_owned()).collect();
    assert_eq!(kept, ["clean-0", "inside", "clean-1"]);
    for line in lines(world.path("out/duplicates.jsonl")).iter().filter(|line| text(line, "kind") == "contaminated") {
        assert!(line["jaccard"].is_null() && line["duplicate_of_offset"].is_null(), "{line}");
        assert!(line["containment"].as_f64().unwrap() >= 0.8 && text(line, "duplicate_of_file") == "eval/a.jsonl", "{line}");
        let (start, end) = (line["start"].as_u64().unwrap() as usize, line["end"].as_u64().unwrap() as usize);
        let place = documents[text(line, "doc_id")].get(start..end).unwrap();
        assert!(place.starts_with(['海', '棚']) && place.ends_with(['い', 'か']), "{place}");
    }
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("evaluation")).collect();
    assert!(
        lines.len() == 2 && lines[0].contains("7  documents hold one of 2 items of eval/a.jsonl; 1 repeat others; 1 are too short"),
        "{said}"
    );
    assert!(lines[1].contains("0  documents hold one of 1 items of eval/b.csv.zst"), "{said}");
}

/// What goes because of an item is nobody's original in a later search either.
#[test]
fn an_index_has_nothing_that_holds_an_item() {
    let world = World::new();
    corpus(&world);
    items(&world);
    dedup(&world, "first", &["--exact", "--near", "0.8", "--decontaminate", "eval", "--save-index", "seen"]);
    dedup(&world, "second", &["--exact", "--near", "0.8", "--against", "seen"]);
    let kept: Vec<String> = lines(world.path("second/kept.jsonl")).iter().map(|line| text(line, "id").to_owned()).collect();
    let told = told(&world, "second");
    for (id, _) in HELD.iter().filter(|(id, _)| *id != "copy-of-contaminated") {
        assert!(kept.contains(&(*id).to_owned()), "{id}: {:?}", told.get(*id));
    }
    assert_eq!(told["clean-0"], ("exact".to_owned(), "clean-0".to_owned()), "what stayed is known");
    // Nothing is compared, and yet there is an index.
    dedup(&world, "third", &["--decontaminate", "eval", "--save-index", "other"]);
    assert!(lines(world.path("third/kept.jsonl")).len() == 4 && world.path("other").is_dir());
}

#[test]
fn threads_memory_and_format_do_not_show() {
    let world = World::new();
    corpus(&world);
    items(&world);
    let evaluation = ["--near", "0.8", "--decontaminate", "eval/a.jsonl", "eval/b.csv.zst"];
    let run = |out: &str, more: &[&str]| drop(dedup(&world, out, &[more, &evaluation[..]].concat()));
    run("out", &["--threads", "1"]);
    for (n, more) in [["--threads", "3"], ["--memory", "64MiB"], ["--memory", "2GiB"]].iter().enumerate() {
        run(&format!("again{n}"), more);
        assert_eq!(tree(&world.path("out")), tree(&world.path(&format!("again{n}"))), "{more:?}");
    }
    run("tables", &["--format", "parquet"]);
    let table = |column: &str| strings(&seimai::io::read_table(&world.path("tables/duplicates.parquet"), None).unwrap(), column);
    let said = lines(world.path("out/duplicates.jsonl"));
    for column in ["doc_id", "duplicate_of", "duplicate_of_file", "kind"] {
        assert_eq!(table(column), said.iter().map(|line| text(line, column).to_owned()).collect::<Vec<_>>());
    }
    let kept = seimai::io::read_table(&world.path("tables/kept.parquet"), None).unwrap();
    assert_eq!(strings(&kept, "doc_id").len(), lines(world.path("out/kept.jsonl")).len());
}

#[test]
fn items_are_cut_out_or_told() {
    let world = World::new();
    let documents = corpus(&world);
    world.write("in.jsonl", fs::read_to_string(world.path("in.jsonl")).unwrap() + &json!({"id": "only", "text": LONG}).to_string() + "\n");
    items(&world);
    dedup(&world, "report", &["--decontaminate", "eval", "--contaminated", "report"]);
    assert_eq!(lines(world.path("report/kept.jsonl")).len(), documents.len() + 1, "all stay");
    assert_eq!(told(&world, "report").len(), HELD.len() + 1);
    dedup(&world, "mask", &["--near", "0.8", "--decontaminate", "eval", "--contaminated", "mask"]);
    let kept: BTreeMap<String, String> =
        lines(world.path("mask/kept.jsonl")).iter().map(|line| (text(line, "id").to_owned(), text(line, "text").to_owned())).collect();
    assert_eq!(kept["whole-long"], plain(1) + &plain(2));
    assert_eq!(kept["whole-short"], format!("{}\n\n{}", plain(3), plain(4)));
    assert_eq!(kept["wide-short"], format!("{}「」{}", plain(7), plain(8)));
    assert_eq!(kept["clean-0"], plain(0));
    assert!(!kept.contains_key("only"), "nothing is left of it");
    assert!(!kept.contains_key("copy-of-contaminated"), "it is the copy of another");
    assert!(
        lines(world.path("mask/duplicates.jsonl"))
            .iter()
            .any(|line| text(line, "doc_id") == "copy-of-contaminated" && line["kind"] == "near")
    );
}

#[test]
fn every_layout_of_an_evaluation_set_is_read() {
    let world = World::new();
    world.write("in.jsonl", json!({"id": "hit", "text": format!("{}\n{SHORT}\n{LONG}", plain(0))}).to_string() + "\n");
    let strings = |texts: &[&str]| Arc::new(StringArray::from_iter_values(texts)) as ArrayRef;
    let table = |columns: Vec<(&str, ArrayRef)>| {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    };
    let turns = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let squad = json!({"version": "1", "data": [{"title": "稲", "paragraphs": [{"context": OTHER, "qas": [{"id": "q", "question": LONG, "answers": []}]}]}]});
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("jsquad.json", squad.to_string().into_bytes()),
        ("pretty.json", format!("{:#}", json!([{"qid": "1", "question": LONG, "answer": "x"}])).into_bytes()),
        (
            "jnli.json",
            (json!({"sentence_pair_id": "0", "sentence1": SHORT, "sentence2": OTHER, "label": "n"}).to_string() + "\n").into_bytes(),
        ),
        ("marc.jsonl.gz", gzip(&json!({"review_id": "R", "sentence": LONG, "label": "positive"}).to_string())),
        ("jmmlu.csv", format!("\u{feff}{LONG},一,二,三,四,D\n\"{OTHER}\n\",一,二,三,四,A\n").into_bytes()),
        ("mgsm.tsv", format!("{LONG}\t12\n{OTHER}\t3\n").into_bytes()),
        ("morality.csv", format!(",sent,label\n0,{SHORT},1\n").into_bytes()),
        ("mt_bench.jsonl", json!({"question_id": 1, "category": "w", "turns": [OTHER, LONG], "reference": ["x"]}).to_string().into_bytes()),
        (
            "jaster.json",
            json!({"instruction": "答えよ", "samples": [{"input": format!("質問：{LONG}\n選択肢：0.一,1.二"), "output": "0"}]})
                .to_string()
                .into_bytes(),
        ),
        ("xlsum.jsonl", json!({"id": "n", "title": "題", "text": LONG, "summary": OTHER}).to_string().into_bytes()),
        ("humaneval.jsonl", json!({"task_id": "t/0", "prompt": LONG, "canonical_solution": "x", "test": "y"}).to_string().into_bytes()),
        (
            "niilc.xml",
            format!("<questions>\n<question id=\"a\"><text>{SHORT}</text><answers><answer>x</answer></answers></question></questions>")
                .into_bytes(),
        ),
        ("lines.txt", format!("{OTHER}\n{LONG}\n").into_bytes()),
        ("unknown.json", json!([{"k": LONG}]).to_string().into_bytes()),
        ("table.parquet", table(vec![("question", strings(&[LONG])), ("answer", strings(&["x"])), ("label", Arc::new(turns))])),
    ];
    for (name, bytes) in cases {
        world.write(name, bytes);
        let out = format!("out-{name}");
        let said = dedup(&world, &out, &["--decontaminate", name]);
        assert_eq!(told(&world, &out).len(), 1, "{name}: {said}");
    }
    // Answers, summaries and contexts alone are nobody's question.
    world.write("in.jsonl", json!({"id": "clean", "text": format!("{}{OTHER}", plain(0))}).to_string() + "\n");
    for name in ["jsquad.json", "xlsum.jsonl"] {
        let out = format!("clean-{name}");
        dedup(&world, &out, &["--decontaminate", name]);
        assert!(told(&world, &out).is_empty(), "{name}");
    }
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

#[test]
fn what_cannot_be_looked_for_is_refused_or_told() {
    let world = World::new();
    corpus(&world);
    world.write("broken.jsonl", "{\"question\": \"一\"}\n{\"question\": \n");
    world.write("sjis.csv", b"question,answer\n\x8e\x80,1\n");
    world.write("answers.jsonl", json!({"id": 1, "answer": LONG}).to_string());
    world.write("empty.jsonl", "");
    world.write("readme.md", "# 読む\n");
    world.write("cut.jsonl.zst", &zstd(&json!({"question": LONG}).to_string())[..9]);
    world.write("fake.parquet", "PAR1");
    world.write("short.jsonl", json!({"question": "米とは？"}).to_string());
    fs::create_dir(world.path("nothing")).unwrap();
    for (file, part) in [
        ("gone.jsonl", "gone.jsonl: cannot be read"),
        ("broken.jsonl", "broken.jsonl:"),
        ("sjis.csv", "sjis.csv:2: not UTF-8"),
        ("answers.jsonl", "answers.jsonl: no field of it is known as a question"),
        ("empty.jsonl", "empty.jsonl: the file is empty"),
        ("readme.md", "readme.md: no layout that is known"),
        ("cut.jsonl.zst", "cut.jsonl.zst: cannot be read"),
        ("fake.parquet", "fake.parquet: no Parquet file that can be read"),
        ("nothing", "nothing: no evaluation set in this directory"),
        ("short.jsonl", "short.jsonl: none of its items is looked for: 1 too short, 0 without a question"),
    ] {
        let (code, _, err) = world.run(&["dedup", "in.jsonl", "-o", "out", "--decontaminate", file]);
        assert!(code == 2 && err.contains(part), "{file}: {code} {err}");
        assert!(!world.path("out").exists());
    }
    let (code, _, err) = world.run(&["dedup", "in.jsonl", "-o", "out2", "--contaminated", "mask"]);
    assert!(code == 2 && err.contains("--decontaminate"), "{code} {err}");
}

const PLAN: &str = "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[shards]\nrows_max = 10\n[tokenizer]\nvocab_size = 300\n\
                    [pack]\nsequence_length = 64\n";

fn run(world: &World, out: &str, dedup: &str, more: &[&str]) -> (Value, String) {
    world.write("plans/plan.toml", format!("{PLAN}[dedup]\n{dedup}").replace("in.jsonl", "../in.jsonl"));
    let (code, _, err) = world.run(&[&["run", "plans/plan.toml", "--out", out], more].concat());
    assert_eq!(code, 0, "{err}");
    let (code, said, errors) = world.run(&["verify", out, "--progress", "none"]);
    assert_eq!(code, 0, "{said}{errors}");
    (manifest(&world.path(out)), err)
}

fn rejected(world: &World, out: &str) -> BTreeMap<String, (String, String)> {
    let rejected = rows(&world.path(out).join("rejected"));
    let why = strings(&rejected, "rule").into_iter().zip(strings(&rejected, "evidence"));
    strings(&rejected, "doc_id").into_iter().zip(why).collect()
}

#[test]
fn a_run_rejects_what_holds_an_item() {
    let world = World::new();
    corpus(&world);
    items(&world);
    // Relative to the plan.
    let keys = "decontaminate = [\"../eval/a.jsonl\", \"../eval/b.csv.zst\"]\n";
    let (manifest, said) = run(&world, "out", keys, &[]);
    let gone = rejected(&world, "out");
    for (id, item) in HELD {
        let (rule, evidence) = &gone[id];
        assert!(rule == "contaminated" && evidence.contains(&format!(" of {item} in ../eval/a.jsonl at ")), "{id}: {evidence}");
    }
    assert_eq!((gone.len(), gone["copy-of-clean"].0.as_str()), (HELD.len() + 1, "exact"));
    assert_eq!(manifest["rejected"]["dedup/contaminated"], 7);
    let sets = manifest["evaluation"].as_array().unwrap();
    assert_eq!((sets[0]["documents"].as_u64(), sets[1]["documents"].as_u64()), (Some(7), Some(0)));
    assert_eq!(
        (sets[0]["file"]["items"].as_u64(), sets[0]["file"]["short"].as_u64(), sets[0]["file"]["repeated"].as_u64()),
        (Some(2), Some(1), Some(1))
    );
    assert!(said.contains("7  documents hold one of 2 items of ../eval/a.jsonl"), "{said}");
    let (code, history, _) = world.run(&["inspect", "out", "whole-long"]);
    assert!(code == 0 && history.contains("rejected by dedup/contaminated: 1.0000 of long in ../eval/a.jsonl at "), "{history}");
    // Neither threads nor memory show.
    run(&world, "again", keys, &["--threads", "3", "--memory", "400MiB"]);
    assert_eq!(tree(&world.path("out")).get("manifest.json"), tree(&world.path("again")).get("manifest.json"));
    // What the rules of a finished run are asked again leaves them where they are.
    let (code, _, err) = world.run(&["plan", "plans/plan.toml"]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn another_content_is_done_in_place() {
    let world = World::new();
    corpus(&world);
    items(&world);
    let keys = "decontaminate = [\"../eval/a.jsonl\"]\n";
    run(&world, "out", keys, &[]);
    assert_eq!(rejected(&world, "out").len(), HELD.len() + 1);
    // The same name, another content.
    world.write("eval/a.jsonl", json!({"id": "long", "question": LONG}).to_string());
    let (manifest, said) = run(&world, "out", keys, &[]);
    assert!(said.contains("is done again"), "{said}");
    assert_eq!(manifest["rejected"]["dedup/contaminated"], 4);
    run(&world, "fresh", keys, &[]);
    assert_eq!(tree(&world.path("out")).get("manifest.json"), tree(&world.path("fresh")).get("manifest.json"));
    let (report, _) = run(&world, "out", &format!("{keys}contaminated = \"report\"\n"), &[]);
    assert!(report["rejected"].get("dedup/contaminated").is_none() && report["evaluation"][0]["documents"] == 4, "{report:#}");
}

/// Items leave documents, tokens and packs of those that stay; who holds nothing else goes.
#[test]
fn a_run_cuts_items_out() {
    let world = World::new();
    corpus(&world);
    let only = json!({"id": "only", "text": format!("「{LONG}」")}).to_string() + "\n";
    // Items beside a line that many share, and one inside of such a line.
    let notice = "この頁の文章は許可なく転載できません。";
    let page = |n: usize, text: &str| {
        json!({"id": format!("page-{n}"), "text": format!("{}\n{notice}\n{text}\n", plain(20 + n))}).to_string() + "\n"
    };
    let pages: String = (0..6).map(|n| page(n, if n == 3 { LONG } else { "" })).collect();
    world.write("in.jsonl", fs::read_to_string(world.path("in.jsonl")).unwrap() + &only + &pages);
    items(&world);
    let keys = "decontaminate = [\"../eval\"]\ncontaminated = \"mask\"\nlines = true\n";
    let (manifest, _) = run(&world, "out", keys, &[]);
    let documents = rows(&world.path("out").join("documents"));
    let kept: BTreeMap<String, String> = strings(&documents, "doc_id").into_iter().zip(strings(&documents, "text")).collect();
    assert_eq!(kept["whole-long"], plain(1) + &plain(2));
    assert_eq!(kept["whole-short"], format!("{}\n\n{}", plain(3), plain(4)));
    assert_eq!(kept["wide-long"], plain(5) + &plain(6));
    assert_eq!(kept["clean-0"], plain(0));
    assert!(kept["page-0"].contains(notice), "the first of a line keeps it");
    assert_eq!(kept["page-3"].trim_end(), plain(23), "line and item are gone");
    let gone = rejected(&world, "out");
    assert_eq!(gone["only"].0, "contaminated");
    assert!(gone["only"].1.starts_with("items 1 of ") && gone["only"].1.ends_with("n_chars 0 < 1 left"), "{:?}", gone["only"]);
    assert_eq!(gone["copy-of-contaminated"].0, "exact");
    assert_eq!((manifest["cut"]["items"].as_u64(), manifest["cut"]["lines"].as_u64()), (Some(7), Some(5)), "{}", manifest["cut"]);
    // The command does the same with the same records.
    dedup(&world, "cut", &["--exact", "--near", "0.8", "--lines", "--decontaminate", "eval", "--contaminated", "mask"]);
    for line in lines(world.path("cut/kept.jsonl")) {
        assert_eq!(kept[text(&line, "id")].trim_end(), text(&line, "text").trim_end(), "{}", text(&line, "id"));
    }
    let (code, out, _) = world.run(&["decode", "out/tokens"]);
    assert!(code == 0 && out.contains(&plain(6)) && ![LONG, SHORT].iter().any(|item| out.contains(item)), "{out}");
    run(&world, "again", keys, &["--threads", "3", "--memory", "400MiB"]);
    assert_eq!(tree(&world.path("out")).get("manifest.json"), tree(&world.path("again")).get("manifest.json"));
    // Another mode is done in place.
    let (reported, said) = run(&world, "out", &keys.replace("mask", "report"), &[]);
    assert!(said.contains("is done again") && reported["cut"].get("items").is_none(), "{}", reported["cut"]);
    run(&world, "fresh", &keys.replace("mask", "report"), &[]);
    assert_eq!(tree(&world.path("out")).get("manifest.json"), tree(&world.path("fresh")).get("manifest.json"));
}

/// What is looked for must leave enough of the memory, and it is said how much it takes.
#[test]
fn memory_is_counted() {
    let world = World::new();
    corpus(&world);
    let letter = |n: u32| char::from_u32(0x4E00 + (n.wrapping_mul(0x9E37_79B9) >> 8) % 8_000).unwrap();
    let line = |n: u32| json!({"question": (0..1_200).map(|i| letter(n * 1_200 + i)).collect::<String>()}).to_string() + "\n";
    world.write("eval.jsonl", (0..1_500).map(line).collect::<String>());
    world.write("plan.toml", format!("{PLAN}[dedup]\ndecontaminate = [\"eval.jsonl\"]\n"));
    let (code, said, err) = world.run(&["plan", "plan.toml", "--memory", "1GiB"]);
    assert!(code == 0 && said.contains("# evaluation  ") && said.contains("MiB of memory for "), "{said}{err}");
    let (code, _, err) = world.run(&["dedup", "in.jsonl", "-o", "out", "--decontaminate", "eval.jsonl", "--memory", "64MiB"]);
    assert!(code == 2 && err.contains("more than a quarter of 64 MiB") && err.contains("give --memory "), "{code} {err}");
    dedup(&world, "out", &["--decontaminate", "eval.jsonl", "--memory", "512MiB"]);
}
