//! `seimai dedup`: the search for duplicates of files, without a run and without a dictionary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use arrow::array::AsArray;
use arrow::record_batch::RecordBatch;
use seimai::io::Dir;
use seimai::pipeline::dedup_files::DedupFiles;
use seimai::pipeline::dedup_index::Index;
use seimai::pipeline::fates::Fate;
use seimai::pipeline::observer::{Silent, Stop, Watch};
use seimai::pipeline::plan::Plan;
use seimai::pipeline::pool::Pool;
use serde_json::{Value, json};

use crate::harness::{World, manifest, repository, rows, similarity, skipped, strings, tree};

/// Sentences of unlike characters, by number.
fn sentence(n: u64) -> String {
    let mut state = n;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        char::from_u32(0x4E00 + ((mixed ^ mixed >> 27) >> 20) as u32 % 5000).unwrap()
    };
    (0..24).map(|_| next()).chain(['。']).collect()
}

fn text(document: u64, changed: &[u64]) -> String {
    (0..20).map(|n| sentence(document * 1000 + n + if changed.contains(&n) { 500 } else { 0 })).collect()
}

/// Originals; their copies as they are, in full width, with one sentence changed, with four; short and empty ones; in several formats.
fn corpus(world: &World) {
    let line = |id: &str, text: &str| json!({"id": id, "text": text, "n": 1}).to_string() + "\n";
    let mut first = String::new();
    for document in 0..40 {
        first += &line(&format!("o{document}"), &format!("{}ABC 123", text(document, &[])));
    }
    let mut second = String::from("{\"text\": \"切れ\n");
    for document in 0..40 {
        second += &match document % 4 {
            0 => line(&format!("copy{document}"), &format!("{}ABC 123", text(document, &[]))),
            1 => line(&format!("wide{document}"), &format!("{}ＡＢＣ\u{3000}１２３", text(document, &[])).replace('。', "！")),
            2 => line(&format!("near{document}"), &format!("{}ABC 123", text(document, &[3]))),
            _ => line(&format!("far{document}"), &format!("{}ABC 123", text(document, &[1, 6, 11, 16]))),
        };
    }
    for (id, text) in [("s1", "はい。"), ("s2", "いいえ。"), ("s3", "はい。"), ("s4", "、。"), ("s5", "。、")] {
        second += &line(id, text);
    }
    world.write("in/a.jsonl", first);
    world.write("in/b.jsonl.zst", zstd::encode_all(second.as_bytes(), 1).unwrap());
    world.write("in/c.txt", format!("{}ABC 123", text(4, &[])));
    world.write("in/d.parquet", fs::read(repository().join("corpora-samples/mixed.parquet")).unwrap());
}

fn dedup(world: &World, out: &str, more: &[&str]) -> i32 {
    let (code, _, err) = world.run(&[&["dedup", "in", "-o", out, "--progress", "none"], more].concat());
    assert!(code == 0 || code == 3, "{more:?}: {code} {err}");
    code
}

fn lines(path: PathBuf) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text_of<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap()
}

#[test]
fn what_is_read_is_kept_or_names_what_is_kept() {
    let world = World::new();
    corpus(&world);
    assert_eq!(dedup(&world, "out", &[]), 3, "a line cannot be read");
    let (kept, gone) = (lines(world.path("out/kept.jsonl")), lines(world.path("out/duplicates.jsonl")));
    assert_eq!(lines(world.path("out/quarantine.jsonl")).len(), 1);
    let samples = strings(&parquet_rows(&world.path("in/d.parquet")), "text").len();
    assert_eq!(kept.len() + gone.len(), 40 + 40 + 5 + 1 + samples);
    let by_id: BTreeMap<&str, &Value> = kept.iter().map(|line| (text_of(line, "id"), line)).collect();
    let expected = |id: &str| match id.trim_end_matches(char::is_numeric) {
        "copy" | "s" => Some(("exact", 1.0..=1.0)),
        "wide" => Some(("near", 1.0..=1.0)),
        "near" => Some(("near", 0.8..=0.99)),
        _ => None,
    };
    for line in &gone {
        let (id, of) = (text_of(line, "doc_id"), text_of(line, "duplicate_of"));
        assert!(by_id.contains_key(of), "{line}: names what is not kept");
        assert!(line["duplicate_of_file"] == "in/a.jsonl" || line["duplicate_of_file"] == "a.jsonl" || id == "s3", "{line}");
        if line["file"].as_str().unwrap().ends_with("b.jsonl.zst") {
            let (kind, jaccard) = expected(id).unwrap_or_else(|| panic!("{line}: is no duplicate"));
            assert!(line["kind"] == kind && jaccard.contains(&line["jaccard"].as_f64().unwrap()), "{line}");
        }
    }
    for id in ["far3", "s1", "s2", "s4", "s5", "o0", "o1", "o2"] {
        assert!(by_id.contains_key(id), "{id} went");
    }
    // Its copy, and the same in a file of text.
    assert_eq!((by_id["o4"]["dup_size"].as_u64(), by_id["o3"].get("dup_size")), (Some(3), None));
    // As it was read, whatever is compared.
    assert!(text_of(by_id["o0"], "text").ends_with("ABC 123") && by_id["o0"]["meta"]["n"] == 1, "{}", by_id["o0"]);
}

#[test]
fn each_search_is_asked_for_by_name() {
    let world = World::new();
    corpus(&world);
    let kinds = |out: &str, more: &[&str]| {
        dedup(&world, out, more);
        lines(world.path(out).join("duplicates.jsonl")).iter().map(|line| text_of(line, "kind").to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(kinds("exact", &["--exact"]), ["exact".to_owned()].into());
    assert_eq!(kinds("near", &["--near", "0.8"]), ["near".to_owned()].into());
    let both = kinds("both", &["--exact", "--near", "0.8"]);
    assert_eq!(both, ["exact".to_owned(), "near".to_owned()].into());
    dedup(&world, "default", &[]);
    assert_eq!(tree(&world.path("default")), tree(&world.path("both")));
    // A lower threshold removes more.
    dedup(&world, "low", &["--near", "0.5"]);
    assert!(lines(world.path("low/duplicates.jsonl")).iter().any(|line| text_of(line, "doc_id").starts_with("far")));
}

#[test]
fn threads_and_memory_do_not_show_and_both_formats_say_the_same() {
    let world = World::new();
    corpus(&world);
    dedup(&world, "out", &["--threads", "1"]);
    for (n, more) in [["--threads", "2"], ["--threads", "8"], ["--memory", "64MiB"], ["--memory", "2GiB"]].iter().enumerate() {
        let out = format!("again{n}");
        dedup(&world, &out, more);
        assert_eq!(tree(&world.path("out")), tree(&world.path(&out)), "{more:?}");
    }
    dedup(&world, "parquet", &["--format", "parquet"]);
    dedup(&world, "parquet-again", &["--format", "parquet", "--memory", "64MiB", "--threads", "3"]);
    assert_eq!(tree(&world.path("parquet")), tree(&world.path("parquet-again")));
    let names: Vec<_> = tree(&world.path("parquet")).into_keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let table = |name: &str, column: &str| {
        let batches = parquet_rows(&world.path("parquet").join(name));
        strings(&batches, column)
    };
    let said =
        |name: &str, key: &str| lines(world.path("out").join(name)).iter().map(|line| text_of(line, key).to_owned()).collect::<Vec<_>>();
    assert_eq!(table("kept.parquet", "doc_id"), said("kept.jsonl", "id"));
    assert_eq!(table("kept.parquet", "text"), said("kept.jsonl", "text"));
    for key in ["doc_id", "duplicate_of", "kind", "duplicate_of_file"] {
        assert_eq!(table("duplicates.parquet", key), said("duplicates.jsonl", key), "{key}");
    }
}

/// What is held in memory and what is put aside on disk come to the same.
#[test]
fn records_that_do_not_fit_are_found_on_disk() {
    let world = World::new();
    corpus(&world);
    let plan = Plan::from_toml("[input]\npaths = [\"in\"]\n", &[], "test").unwrap();
    let fates = |memory: u64, name: &str| {
        let scratch = Dir::create(&world.path(name)).unwrap();
        let inputs = seimai::corpus::expand(&plan.input, world.dir.path()).unwrap().into();
        let job = DedupFiles { plan: &plan, inputs, scratch: &scratch, memory, spares_formulae: false, known: &Index::default() };
        let mut all = Vec::new();
        let form = |batch: &RecordBatch, fates: &[Fate]| Ok((strings(std::slice::from_ref(batch), "doc_id"), fates.to_vec()));
        let watch = Watch { stop: &Stop::default(), observer: &Silent };
        let searched = job.run(&Pool::new(2).unwrap(), watch, None, &form, &mut |(ids, fates)| {
            all.extend(ids.into_iter().zip(fates));
            Ok(())
        });
        assert!(searched.unwrap().near > 10);
        (all, fs::read_dir(world.path(name)).unwrap().count())
    };
    let ((held, files), (aside, tables)) = (fates(u64::MAX, "held"), fates(0, "aside"));
    assert!(held == aside && files == 0 && tables > 0, "{files} {tables}");
}

/// Pages of sites: a text of their own between lines that pages of the site share, and one that all share.
fn pages(world: &World) {
    let mut pages = String::new();
    for page in 0..24 {
        let (site, own) = (page % 4, text(page, &[]));
        let text = match page {
            20 => "サイト0のお知らせとご案内の一覧\n全部のページにある著作権の表示です".to_owned(),
            _ => format!("サイト{site}のお知らせとご案内の一覧\r\n{own}\n全部のページにある、著作権の表示です。"),
        };
        pages +=
            &(json!({"id": format!("p{page}"), "text": text, "url": format!("https://www.site{site}.example/{page}")}).to_string() + "\n");
    }
    world.write("in/pages.jsonl", pages);
}

#[test]
fn lines_that_documents_share_are_cut_from_all_but_the_first() {
    let world = World::new();
    pages(&world);
    assert_eq!(dedup(&world, "out", &["--exact", "--near", "0.8", "--lines"]), 0);
    let (kept, rows) = (lines(world.path("out/kept.jsonl")), lines(world.path("out/duplicates.jsonl")));
    // Five pages of a site are enough; the last line is on 23 pages, 5 or 6 of each site.
    let texts: BTreeMap<&str, &str> = kept.iter().map(|line| (text_of(line, "id"), text_of(line, "text"))).collect();
    assert_eq!(texts.len(), 23);
    assert!(texts["p0"].starts_with("サイト0") && texts["p0"].ends_with("著作権の表示です。"), "the first keeps its copy");
    assert!(texts["p1"].starts_with("サイト1") && texts["p1"].ends_with('。') && !texts["p1"].contains("著作権"), "{}", texts["p1"]);
    for page in (4..24).filter(|page| *page != 20) {
        assert_eq!(texts[&*format!("p{page}")], text(page, &[]), "{page}: as if they had never been there");
    }
    assert!(!texts.contains_key("p20"), "nothing of it is left");
    let read: BTreeMap<String, String> =
        lines(world.path("in/pages.jsonl")).iter().map(|line| (text_of(line, "id").to_owned(), text_of(line, "text").to_owned())).collect();
    assert_eq!(rows.len(), 23 + 20);
    for row in &rows {
        let (id, of) = (text_of(row, "doc_id"), text_of(row, "duplicate_of"));
        let [start, end] = ["start", "end"].map(|key| row[key].as_u64().unwrap() as usize);
        let bare = |text: &str| text.replace(['、', '。', '\r', '\n'], "");
        assert!(bare(texts[of]).contains(&bare(read[id].get(start..end).unwrap())), "{row}");
        assert!(row["kind"] == "lines" && row["jaccard"].is_null(), "{row}");
        assert!(row["duplicate_of_file"].as_str().unwrap().ends_with("pages.jsonl") && row["duplicate_of_offset"].is_u64(), "{row}");
    }
    // By themselves they are all that is looked for; limits are keys.
    dedup(&world, "alone", &["--lines", "--set", "dedup.lines.in_source=7", "--set", "dedup.lines.in_all=24"]);
    assert_eq!(lines(world.path("alone/duplicates.jsonl")).len(), 23, "the line on all pages");
    for (n, more) in [["--threads", "1"], ["--threads", "8"], ["--memory", "64MiB"]].iter().enumerate() {
        let again = format!("again{n}");
        dedup(&world, &again, &[&["--exact", "--near", "0.8", "--lines"][..], more].concat());
        assert_eq!(tree(&world.path("out")), tree(&world.path(&again)), "{more:?}");
    }
    dedup(&world, "parquet", &["--exact", "--near", "0.8", "--lines", "--format", "parquet"]);
    let kept_too = strings(&parquet_rows(&world.path("parquet/kept.parquet")), "text");
    assert_eq!(kept_too, kept.iter().map(|line| text_of(line, "text").to_owned()).collect::<Vec<_>>());
    let table = parquet_rows(&world.path("parquet/duplicates.parquet"));
    let column = |name: &str| -> Vec<Option<u64>> {
        let of = |batch: &RecordBatch| batch[name].as_primitive::<arrow::datatypes::UInt64Type>().iter().collect::<Vec<_>>();
        table.iter().flat_map(of).collect()
    };
    for key in ["start", "end"] {
        assert_eq!(column(key), rows.iter().map(|row| row[key].as_u64()).collect::<Vec<_>>());
    }
}

/// A passage that other documents quote, in other widths too, stands in one of them afterwards.
#[test]
fn passages_that_stood_before_are_cut() {
    let world = World::new();
    let passage: String = (0..4).map(|n| sentence(90_000 + n)).collect();
    let texts = [
        text(1, &[]),
        format!("{}{passage}{}", text(2, &[]), text(3, &[])),
        format!("{}{}{}", text(4, &[]), passage.replace('。', "．\r\n"), text(5, &[])),
        format!("前置きです。{passage}{passage}"),
        passage.chars().skip(1).collect(),
    ];
    let line = |(id, text): (usize, &String)| json!({"id": id.to_string(), "text": text}).to_string() + "\n";
    world.write("in/a.jsonl", texts.iter().enumerate().map(line).collect::<String>());
    dedup(&world, "out", &["--exact", "--substring", "50"]);
    let (kept, rows) = (lines(world.path("out/kept.jsonl")), lines(world.path("out/duplicates.jsonl")));
    let kept: BTreeMap<&str, &str> = kept.iter().map(|line| (text_of(line, "id"), text_of(line, "text"))).collect();
    let left = [("0", texts[0].clone()), ("1", texts[1].clone()), ("2", text(4, &[]) + &text(5, &[])), ("3", "前置きです。".to_owned())];
    for (id, left) in &left {
        assert_eq!(kept[id], left, "{id}");
    }
    assert_eq!(kept.len(), left.len(), "nothing of the last one is left");
    assert_eq!(rows.len(), 3, "both copies of a document lie together: {rows:?}");
    for row in &rows {
        let is_before = text_of(row, "duplicate_of") < text_of(row, "doc_id") && row["duplicate_of"] != "0";
        assert!(row["kind"] == "substring" && is_before && row["jaccard"].is_null(), "{row}");
    }
    for (n, more) in [["--threads", "1"], ["--threads", "8"], ["--memory", "64MiB"]].iter().enumerate() {
        let again = format!("again{n}");
        dedup(&world, &again, &[&["--exact", "--substring", "50"][..], more].concat());
        assert_eq!(tree(&world.path("out")), tree(&world.path(&again)), "{more:?}");
    }
    let (code, _, err) = world.run(&["dedup", "in", "-o", "short", "--substring", "19"]);
    assert!(code == 2 && err.contains("dedup.substring"), "{err}");
}

/// A document that goes anyway counts for no line, and a whole copy is none of the cuts.
#[test]
fn copies_make_no_line_frequent() {
    let world = World::new();
    let line = |id: usize, text: &str| json!({"id": id.to_string(), "text": text, "source": "s"}).to_string() + "\n";
    let page = format!("{}\nこの行は一つの文書にだけあります", text(1, &[]));
    world.write("in/a.jsonl", (0..50).map(|id| line(id, &page)).collect::<String>() + &line(50, &text(2, &[])));
    dedup(&world, "out", &["--exact", "--lines"]);
    let kept = lines(world.path("out/kept.jsonl"));
    assert_eq!((kept.len(), text_of(&kept[0], "text")), (2, &*page));
    assert!(lines(world.path("out/duplicates.jsonl")).iter().all(|row| row["kind"] == "exact" && row["start"].is_null()));
}

fn parquet_rows(path: &std::path::Path) -> Vec<RecordBatch> {
    seimai::io::read_table(path, None).unwrap()
}

#[test]
fn it_finds_what_a_run_finds() {
    let world = World::new();
    corpus(&world);
    for keep in ["first", "longest", "quality"] {
        let plan = format!(
            "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[dedup]\nkeep = \"{keep}\"\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n"
        );
        world.write("plan.toml", plan);
        let (run, out) = (format!("run-{keep}"), format!("out-{keep}"));
        let (code, _, err) = world.run(&["run", "plan.toml", "--out", &run, "--progress", "none"]);
        assert_eq!(code, 3, "{err}");
        dedup(&world, &out, &["--keep", keep]);
        let rejected = rows(&world.path(&format!("{run}/rejected")));
        let columns = ["doc_id", "rule", "duplicate_of"].map(|column| strings(&rejected, column));
        let of_run: BTreeSet<[String; 3]> = (0..columns[0].len()).map(|row| [0, 1, 2].map(|column| columns[column][row].clone())).collect();
        let ours = lines(world.path(&format!("{out}/duplicates.jsonl")));
        let ours: BTreeSet<[String; 3]> =
            ours.iter().map(|line| ["doc_id", "kind", "duplicate_of"].map(|key| text_of(line, key).to_owned())).collect();
        assert_eq!(of_run, ours, "{keep}");
        let kept = lines(world.path(&format!("{out}/kept.jsonl"))).len();
        assert_eq!(manifest(&world.path(&run))["totals"]["kept"].as_u64().unwrap() as usize, kept);
    }
}

#[test]
fn standard_input_and_what_is_refused() {
    let world = World::new();
    let mut command = world.seimai(&["dedup", "-", "-o", "out"]);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all("{\"id\":\"1\",\"text\":\"米を炊く\"}\n{\"id\":\"2\",\"text\":\"米を炊く\"}\n".as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines(world.path("out/kept.jsonl")).len(), 1);
    world.write("a.jsonl", "{\"text\":\"米\"}\n");
    for (arguments, told) in [
        (&["dedup", "a.jsonl", "-o", "out"][..], "not empty"),
        (&["dedup", "a.jsonl", "-o", "a.jsonl"], "a.jsonl"),
        (&["dedup", "a.jsonl", "-o", "new", "--near", "7"], "dedup.near"),
        (&["dedup", "a.jsonl", "-o", "new", "--lines", "--set", "dedup.lines.in_source=1"], "dedup.lines.in_source"),
        (&["dedup", "none.jsonl", "-o", "new"], "none.jsonl"),
    ] {
        let (code, _, err) = world.run(arguments);
        assert!(code == 2 && err.contains(told), "{arguments:?}: {code} {err}");
        assert!(!world.path("new").exists(), "{arguments:?} left an output");
    }
    // What a call that was killed has left is no obstacle, and goes.
    fs::create_dir_all(world.path("killed/.seimai-dedup-1-0/made")).unwrap();
    let (code, _, err) = world.run(&["dedup", "a.jsonl", "-o", "killed"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(tree(&world.path("killed")).len(), 3);
    assert_eq!(fs::read_dir(world.path("killed")).unwrap().count(), 3);
}

/// Real near-duplicates: of every pair that is alike by .8, one goes; what goes is alike by .8 to what it names.
#[test]
fn real_near_duplicates_are_found_and_nothing_else() {
    let shared = std::env::var_os("SEIMAI_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let gold = shared.join("data/neardup");
    if !gold.join("docs.jsonl.zst").is_file() {
        skipped("real_near_duplicates_are_found_and_nothing_else", "shared/data/neardup");
        return;
    }
    let world = World::new();
    let (code, _, err) = world.run(&["dedup", gold.join("docs.jsonl.zst").to_str().unwrap(), "-o", "out", "--near", "0.8"]);
    assert_eq!(code, 0, "{err}");
    let documents = zstd::decode_all(&fs::read(gold.join("docs.jsonl.zst")).unwrap()[..]).unwrap();
    let documents: Vec<Value> =
        documents.split(|&b| b == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect();
    let texts: BTreeMap<&str, &str> = documents.iter().map(|document| (text_of(document, "id"), text_of(document, "text"))).collect();
    let gone: BTreeMap<String, String> = lines(world.path("out/duplicates.jsonl"))
        .iter()
        .map(|line| (text_of(line, "doc_id").to_owned(), text_of(line, "duplicate_of").to_owned()))
        .collect();
    for (id, of) in &gone {
        assert!(similarity(texts[&**id], texts[&**of]) >= 0.8 && !gone.contains_key(of), "{id} {of}");
    }
    let pairs = fs::read_to_string(gold.join("pairs.tsv")).unwrap();
    let (mut found, mut all) = (0, 0);
    for pair in pairs.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>()) {
        if similarity(texts[pair[0]], texts[pair[1]]) >= 0.8 {
            all += 1;
            found += u32::from(gone.contains_key(pair[0]) || gone.contains_key(pair[1]));
        }
    }
    assert!(all >= 70 && f64::from(found) >= 0.99 * f64::from(all), "{found} of {all}");
}
