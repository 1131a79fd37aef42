//! Personal data on the whole way: masked, dropped, kept; and record by record.

use crate::harness::{World, manifest, rows, strings};

const PHONE: &str = "03-0123-4567";
const MAIL: &str = "taro@example.jp";

/// Three documents: one with a telephone number and a mail address, one with a card number that fails its check, one with a mail address.
fn world() -> World {
    let world = World::new();
    let text = |words: &str| format!("{{\"id\": \"{}\", \"text\": \"{words}\"}}\n", words.len());
    let records = [
        text(&format!("電話は{PHONE}です。メールは{MAIL}までください。")),
        text("カード番号は4111-1111-1111-1112ではありません。"),
        text(&format!("連絡先{MAIL}へどうぞ。")),
    ];
    world.write("in.jsonl", records.concat());
    let plan = "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n";
    world.write("plan.toml", plan);
    world
}

fn run(world: &World, out: &str, settings: &[&str]) {
    let set: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", out, "--progress", "none"][..], &set].concat());
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = world.run(&["verify", out]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn documents_and_tokens_hold_placeholders_by_default() {
    let world = world();
    run(&world, "out", &[]);
    let texts = strings(&rows(&world.path("out/documents")), "text");
    assert_eq!(
        texts,
        ["電話は<PHONE>です。メールは<EMAIL>までください。", "カード番号は4111-1111-1111-1112ではありません。", "連絡先<EMAIL>へどうぞ。"]
    );
    let (_, decoded, _) = world.run(&["decode", "out"]);
    assert!(decoded.contains("<PHONE>") && !decoded.contains(PHONE) && !decoded.contains(MAIL), "{decoded}");
    let stages = &manifest(&world.path("out"))["stages"];
    assert_eq!((&stages["pii.PHONE"], &stages["pii.EMAIL"]), (&1.into(), &2.into()));
    let (_, inspected, _) = world.run(&["inspect", "out", &format!("連絡先{MAIL}へどうぞ。").len().to_string()]);
    assert!(inspected.contains("<EMAIL>") && inspected.contains("EMAIL 1") && !inspected.contains(MAIL), "{inspected}");
}

#[test]
fn what_is_dropped_for_personal_data_is_kept_without_it() {
    let world = world();
    run(&world, "out", &["pii.kinds={ PHONE = \"drop\" }"]);
    let rejected = rows(&world.path("out/rejected"));
    let said = ["text", "stage", "rule", "evidence"].map(|column| strings(&rejected, column).concat());
    assert_eq!(said, ["電話は<PHONE>です。メールは<EMAIL>までください。", "pii", "PHONE", "PHONE 1"]);
    assert_eq!(strings(&rows(&world.path("out/documents")), "text").len(), 2);
    assert_eq!(manifest(&world.path("out"))["rejected"]["pii/PHONE"], 1);
}

#[test]
fn what_is_kept_or_counted_stays() {
    let world = world();
    for action in ["keep", "count"] {
        run(&world, action, &[&format!("pii.action={action}")]);
        let texts = strings(&rows(&world.path(action).join("documents")), "text").concat();
        assert!(texts.contains(PHONE) && texts.contains(MAIL), "{texts}");
        let counted = manifest(&world.path(action))["stages"]["pii.PHONE"].is_u64();
        assert_eq!(counted, action == "count");
    }
}

#[test]
fn records_go_through_one_by_one() {
    let world = world();
    let (code, out, err) = world.run(&["pii", "in.jsonl"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.lines().count() == 3 && out.contains("<PHONE>です") && !out.contains(MAIL) && err.contains("EMAIL"), "{out}{err}");
    let (_, out, _) = world.run(&["pii", "in.jsonl", "--action", "count", "--kind", "PHONE=drop"]);
    assert!(out.lines().count() == 2 && out.contains(MAIL) && !out.contains(PHONE), "{out}");
    let (_, out, _) = world.run(&["pii", "in.jsonl", "--format", "spans"]);
    let spans: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((spans.len(), &spans[0]["type"], &spans[0]["start"], &spans[0]["end"]), (3, &"PHONE".into(), &9.into(), &21.into()));
    for wrong in [&["--action", "hide"][..], &["--kind", "FAX=mask"], &["--kind", "PHONE"], &["--kind", "PHONE=hide"]] {
        let (code, _, err) = world.run(&[&["pii", "in.jsonl"], wrong].concat());
        assert!(code == 2 && err.contains("hint"), "{err}");
    }
}
