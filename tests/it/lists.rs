//! Word lists and lists of addresses, through the whole program.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float32Type, UInt32Type};

use crate::harness::{World, manifest, rows, strings, tree};

const PLAN: &str = "[input]\npaths = [\"in.jsonl\"]\n[dedup]\nnear = false\nexact = false\n[shards]\nrows_max = 10\n[tokenizer]\nvocab_size = 300\n\
                    [pack]\nsequence_length = 64\n";

fn run(world: &World, out: &str, quality: &str) -> serde_json::Value {
    world.write("plan.toml", format!("{PLAN}{quality}"));
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", out, "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = world.run(&["verify", out, "--progress", "none"]);
    assert_eq!(code, 0, "{said}{err}");
    manifest(&world.path(out))
}

/// Documents that went, with rule and evidence.
fn rejected(world: &World, out: &str) -> BTreeMap<String, (String, String)> {
    let rejected = rows(&world.path(out).join("rejected"));
    let why = strings(&rejected, "rule").into_iter().zip(strings(&rejected, "evidence"));
    strings(&rejected, "doc_id").into_iter().zip(why).collect()
}

/// Document id → different listed words, share of the letters, words.
fn listed(world: &World, out: &str) -> BTreeMap<String, (u32, Option<f32>, String)> {
    let mut all = BTreeMap::new();
    for batch in ["documents", "rejected"].iter().flat_map(|directory| rows(&world.path(out).join(directory))) {
        let column = batch.column_by_name("listed").expect("the column is there where there is a list").as_struct().clone();
        let types = column.column_by_name("ng_types").unwrap().as_primitive::<UInt32Type>().clone();
        let chars = column.column_by_name("ng_chars").unwrap().as_primitive::<Float32Type>().clone();
        let words = column.column_by_name("ng_words").unwrap().as_string::<i32>().clone();
        for (row, id) in strings(std::slice::from_ref(&batch), "doc_id").into_iter().enumerate() {
            let share = chars.is_valid(row).then(|| chars.value(row));
            all.insert(id, (types.value(row), share, if words.is_valid(row) { words.value(row).to_owned() } else { String::new() }));
        }
    }
    all
}

fn records(world: &World, records: &[(&str, Option<&str>, &str)]) {
    let line = |(id, url, text): &(&str, Option<&str>, &str)| serde_json::json!({"id": id, "url": url, "text": text}).to_string() + "\n";
    world.write("in.jsonl", records.iter().map(line).collect::<String>());
}

/// The words that substrings find in good text, and the text they stand in as words.
#[test]
fn listed_words_are_words() {
    let Some(world) = World::with_ipadic("listed_words_are_words") else { return };
    world.write("ng.txt", "# 一語一行\nガス\nﾘｭ\n死\n二号\nちつ\nデリ\n女中奉公\nＡＶ\nhot dog\n");
    records(
        &world,
        &[
            (
                "inside",
                None,
                "第二号の議案は、アスパラガスとリュックサックの輸入、死亡保険の料率、落ちついた町づくりについてである。デリケートな話だ。",
            ),
            ("words", None, "ガスを止めた。死とは何か。ガスは危ない。二号さんの話。"),
            ("phrase", None, "祖母は若いころ女中奉公に出た。女中として働き、奉公先で結婚した。"),
            ("latin", None, "avが好きだ。AVIファイルとJAVAは違う。A hot dog, please. Hot dogsはない。ＡＶ機器を買う。"),
            ("numbers", None, "第十二号、前二号、法律第一〇二号、二号線、二号車、二号店、二十二号、第二号被保険者。"),
            ("nothing", None, "精米した米を炊く。"),
        ],
    );
    run(&world, "out", "[quality]\npreset = \"none\"\nwords = [\"ng.txt\"]\n");
    let listed = listed(&world, "out");
    let words = |id: &str| listed[id].2.as_str();
    assert_eq!(words("inside"), "", "{listed:?}");
    assert_eq!(words("words"), "ガス ×2, 二号 ×1, 死 ×1");
    assert_eq!(words("phrase"), "女中奉公 ×1");
    assert_eq!(words("latin"), "av ×2, hot dog ×1");
    assert_eq!(words("numbers"), "");
    assert_eq!(listed["nothing"], (0, Some(0.), String::new()));
    assert_eq!(listed["phrase"].1, None, "one hit is no share");
    // ガス, ガス, 死, 二号: seven of the 23 letters of ガスを止めた死とは何かガスは危ない二号さんの話.
    assert_eq!((listed["words"].0, listed["words"].1), (3, Some(7. / 23.)));
}

/// Six words of a list, or a twentieth of the letters, under web and dialogue; under the others and without a list nothing.
#[test]
fn presets_ask_for_many_words_and_tell_them() {
    let world = World::new();
    let animals = ["猫", "犬", "山", "川", "空", "海"];
    world.write("ng.txt", animals.join("\n"));
    let filler = "一番の人は米です。二番の人は水です。".repeat(20);
    let with = |words: &[&str]| format!("{}です。{filler}", words.join("です。"));
    let (five, six, dense) = (with(&animals[..5]), with(&animals), "猫です。猫です。犬です。米です。".to_owned());
    records(&world, &[("five", None, &five), ("six", None, &six), ("dense", None, &dense), ("one", None, "猫です。米です。水です。")]);
    let quality = "[quality]\npreset = \"none\"\nwords = [\"ng.txt\"]\nthresholds = { ng_types = 6, ng_chars = 0.05 }\n";
    run(&world, "set", quality);
    let dropped = rejected(&world, "set");
    assert_eq!(dropped.keys().collect::<Vec<_>>(), ["dense", "six"]);
    assert_eq!(dropped["dense"].0, "ng_chars");
    assert_eq!(dropped["dense"].1, "ng_chars 0.25 >= 0.05; words 猫 ×2, 犬 ×1");
    let (rule, evidence) = &dropped["six"];
    assert!(
        rule == "ng_types"
            && evidence.starts_with("ng_types 6 >= 6; words ")
            && animals.iter().all(|word| evidence.contains(&format!("{word} ×1"))),
        "{evidence}"
    );
    // The same through the filter, by the preset's own thresholds, and explained.
    let arguments = ["filter", "in.jsonl", "--words", "ng.txt", "--explain", "--set", "quality.thresholds.min_chars=1", "--preset"];
    let verdicts = |preset: &str| {
        let (code, out, err) = world.run(&[&arguments[..], &[preset]].concat());
        assert_eq!(code, 0, "{err}");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    for preset in ["web", "dialogue"] {
        let told = verdicts(preset);
        let evidence = |i: usize| told[i]["evidence"].as_str().unwrap_or_default().to_owned();
        assert!(
            evidence(1).contains("ng_types 6 >= 6") && evidence(1).contains("words ") && evidence(2).contains("ng_chars 0.25 >= 0.05"),
            "{told:?}"
        );
        assert!(!evidence(0).contains("ng_") && !evidence(3).contains("ng_"), "{told:?}");
        let asked: Vec<_> = told[1]["measures"].as_array().unwrap().iter().filter(|measure| measure["rule"] == "ng_types").collect();
        assert!(asked.len() == 1 && asked[0]["asked"] == "< 6" && asked[0]["holds"] == false && asked[0]["value"] == 6.0, "{asked:?}");
    }
    assert!(verdicts("literature").iter().all(|one| !one.to_string().contains("ng_")));
    // Without a list there is neither a column nor a rule.
    let said = run(&world, "without", "[quality]\npreset = \"none\"\n");
    assert!(rows(&world.path("without/documents"))[0].column_by_name("listed").is_none() && said.get("lists").is_none());
}

#[test]
fn addresses_on_a_list_go_by_category() {
    let world = World::new();
    world.write("ut1/adult/domains", "Example.org\nxn--eckwd4c7cu47r2wf.jp\n192.0.2.1\n[2001:db8::1]\n# a comment\n");
    world.write("ut1/adult/urls", "example.net/~taro/x\n");
    world.write("ut1/press/domains", "example.com\n");
    let text = "一番の人は米です。";
    let gone = [
        "http://www.example.org/a?b",
        "EXAMPLE.ORG:8080",
        "https://u:p@example.org./",
        "http://ドメイン名例.jp/",
        "http://192.0.2.1:80/",
        "http://[2001:0db8::1]/",
        "//www.example.net/%7Etaro/x/y",
    ];
    let kept =
        ["http://notexample.org/", "http://example.net/~taro/xyz", "http://example.com/", "http:///", "名無し", "mailto:a@example.org", ""];
    let all: Vec<(&str, Option<&str>, &str)> =
        gone.iter().chain(&kept).map(|url| (*url, Some(*url), text)).chain([("none", None, text)]).collect();
    let named: Vec<(String, Option<&str>, &str)> =
        all.iter().enumerate().map(|(i, (_, url, text))| (format!("{i:02}"), *url, *text)).collect();
    records(&world, &named.iter().map(|(id, url, text)| (id.as_str(), *url, *text)).collect::<Vec<_>>());
    let said = run(&world, "out", "[quality]\npreset = \"none\"\nurl_lists = [\"ut1\"]\nurl_categories = [\"adult\"]\n");
    let dropped = rejected(&world, "out");
    assert_eq!(dropped.len(), gone.len(), "{dropped:?}");
    assert!(dropped.keys().zip(0..).all(|(id, i)| *id == format!("{i:02}")), "{dropped:?}");
    assert!(dropped.values().all(|(rule, evidence)| rule == "url_list" && evidence.starts_with("adult: ")));
    assert_eq!((dropped["00"].1.as_str(), dropped["06"].1.as_str()), ("adult: example.org", "adult: example.net/~taro/x"));
    let file = |path: &str, text: &str| (path.to_owned(), text.len() as u64, blake3::hash(text.as_bytes()).to_hex().to_string());
    let listed: Vec<_> = said["lists"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| {
            (list["path"].as_str().unwrap().to_owned(), list["bytes"].as_u64().unwrap(), list["blake3"].as_str().unwrap().to_owned())
        })
        .collect();
    let read = |name: &str| std::fs::read_to_string(world.path(name)).unwrap();
    assert_eq!(listed, [file("ut1/adult/domains", &read("ut1/adult/domains")), file("ut1/adult/urls", &read("ut1/adult/urls"))]);
    // The filter says the same; without categories all count.
    let (code, out, _) = world.run(&["filter", "in.jsonl", "--preset", "none", "--urls", "ut1", "--categories", "adult"]);
    assert_eq!((code, out.lines().count()), (0, kept.len() + 1));
    let (_, out, _) = world.run(&["filter", "in.jsonl", "--preset", "none", "--urls", "ut1"]);
    assert_eq!(out.lines().count(), kept.len());
    let (code, told, _) = world.run(&["plan", "plan.toml", "--explain"]);
    assert!(code == 0 && told.contains("list ut1/adult/domains (addresses, adult): 4 entries") && told.contains("url_list"), "{told}");
    assert!(!told.contains("ng_types"));
}

#[test]
fn lists_that_cannot_be_used_are_refused_before_anything_is_written() {
    let world = World::new();
    records(&world, &[("a", None, "一番の人は米です。")]);
    world.write("sjis.txt", b"ok\n\x8e\x80\n");
    world.write("ut1/adult/domains", b"example.org\n\xff\xfe\n");
    for (quality, part) in [
        ("words = [\"gone.txt\"]", "gone.txt"),
        ("words = [\"sjis.txt\"]", "sjis.txt:2: not UTF-8"),
        ("url_lists = [\"gone\"]", "gone"),
        ("url_lists = [\"ut1\"]", "ut1/adult/domains:2: not UTF-8"),
        ("url_lists = [\"ut1\"]\nurl_categories = [\"adlut\"]", "there are adult"),
        ("thresholds = { ng_types = 3 }", "quality.words names no list"),
    ] {
        world.write("plan.toml", format!("{PLAN}[quality]\n{quality}\n"));
        for arguments in [&["plan", "plan.toml"][..], &["run", "plan.toml", "--out", "out"]] {
            let (code, _, err) = world.run(arguments);
            assert!(code == 2 && err.contains(part) && (err.contains("hint") || quality.starts_with("thresholds")), "{err}");
        }
        assert!(!world.path("out").exists());
    }
    for (option, value, part) in [("--words", "sjis.txt", "sjis.txt:2"), ("--words", "gone.txt", "gone.txt"), ("--urls", "gone", "gone")] {
        let (code, out, err) = world.run(&["filter", "in.jsonl", option, value]);
        assert!(code == 2 && out.is_empty() && err.contains(part), "{err}");
    }
}

/// A list is an input: another content of it on a finished run gives the bytes of a fresh run, and costs what depends on it.
#[test]
fn another_list_is_done_in_place() {
    let world = World::new();
    let text = |i: usize| format!("{i}番の人は{}です。", ["猫", "犬", "米", "水"][i % 4].repeat(1 + i % 3));
    let lines: String = (0..60)
        .map(|i| {
            serde_json::json!({"id": i.to_string(), "url": format!("http://h{}.example.org/", i % 5), "text": text(i)}).to_string() + "\n"
        })
        .collect();
    world.write("in.jsonl", lines);
    let quality =
        "[quality]\npreset = \"none\"\nwords = [\"ng.txt\"]\nurl_lists = [\"ut1\"]\nthresholds = { ng_types = 2, ng_chars = 0.2 }\n";
    world.write("ng.txt", "猫\n");
    world.write("ut1/adult/domains", "h1.example.org\n");
    run(&world, "out", quality);
    let mut number = 0;
    let mut changed = |what: &str, file: &str, content: &str| {
        let before = world.run(&["verify", "out", "--progress", "none"]).0;
        assert_eq!(before, 0, "the lists need not be there as they were");
        world.write(file, content);
        let said = run(&world, "out", quality);
        number += 1;
        let fresh = format!("fresh{number}");
        run(&world, &fresh, quality);
        assert_eq!(tree(&world.path("out")), tree(&world.path(&fresh)), "{what}");
        let told: serde_json::Value = serde_json::from_slice(&std::fs::read(world.path("out/run.json")).unwrap()).unwrap();
        let passes: Vec<String> = told["pass_seconds"].as_object().unwrap().keys().cloned().collect();
        (passes, said["totals"]["kept"].as_u64().unwrap())
    };
    let has = |passes: &[String], pass: &str| passes.iter().any(|name| name == pass);
    let (passes, kept) = changed("other words", "ng.txt", "犬\n米\n");
    assert!(has(&passes, "annotate"), "{passes:?}");
    let (passes, fewer) = changed("other addresses", "ut1/adult/domains", "h1.example.org\nh2.example.org\n");
    assert!(!has(&passes, "annotate") && !has(&passes, "sketch") && has(&passes, "judge") && fewer < kept, "{passes:?} {kept} {fewer}");
    let (passes, same) = changed("a comment", "ng.txt", "# 動物\n犬\n米\n");
    assert!(!has(&passes, "annotate") && !has(&passes, "judge") && same == fewer, "{passes:?}");
    let (passes, _) = changed("another category", "ut1/press/domains", "h3.example.org\n");
    assert!(!has(&passes, "annotate") && has(&passes, "judge"), "{passes:?}");
    // What is said of the lists is part of the fingerprint.
    let path = world.path("out/manifest.json");
    let mut said = manifest(&world.path("out"));
    said["lists"][0]["entries"] = 7.into();
    let bytes = serde_json::to_vec_pretty(&said).unwrap();
    world.write("out/manifest.json", &bytes);
    world.write("out/_SUCCESS", format!("blake3 {} manifest.json\n", blake3::hash(&std::fs::read(&path).unwrap()).to_hex()));
    let (code, told, _) = world.run(&["verify", "out", "--progress", "none"]);
    assert!(code == 3 && told.contains("the lists"), "{told}");
}
