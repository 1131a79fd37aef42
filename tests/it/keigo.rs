//! `seimai keigo`: what it writes of a record, in each format.

use serde_json::Value;

use crate::harness::World;

/// What the command writes of these records, for the arguments.
fn keigo(world: &World, records: &str, arguments: &[&str]) -> String {
    let input = world.write("records.jsonl", records);
    let (code, out, err) = world.run(&[&["keigo", input.to_str().unwrap()], arguments].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const RECORDS: &str = "{\"id\":\"one\",\"text\":\"ﾈｺ。\\n　先生は人です。𠮷です。\"}\n{\"text\":\"雨だ\"}\n";

#[test]
fn every_sentence_is_an_object_with_offsets_of_its_document() {
    let sentences = lines(&keigo(&World::new(), RECORDS, &[]));
    let document: Vec<char> = "ネコ。\n先生は人です。𠮷です。".chars().collect();
    assert_eq!(sentences.iter().map(|s| s["text"].as_str().unwrap()).collect::<Vec<_>>(), ["ネコ。", "先生は人です。", "𠮷です。", "雨だ"]);
    for sentence in &sentences[..3] {
        let place = |of: &Value| of["start"].as_u64().unwrap() as usize..of["end"].as_u64().unwrap() as usize;
        let text: String = document[place(sentence)].iter().collect();
        assert_eq!((sentence["id"].as_str(), text.as_str()), (Some("one"), sentence["text"].as_str().unwrap()));
        for span in sentence["spans"].as_array().unwrap() {
            let characters: String = document[place(span)].iter().collect();
            let bytes = span["byte_end"].as_u64().unwrap() - span["byte_start"].as_u64().unwrap();
            assert_eq!((characters.len() as u64, span["class"].as_str()), (bytes, Some("TEI")), "{characters}");
            assert_eq!(span["rule"], format!("TEI.{}", span["kind"].as_str().unwrap()));
        }
    }
    assert!(sentences[3].get("id").is_none() && sentences[3]["start"] == 0);
    assert_eq!((sentences[1]["style"].as_str(), sentences[1]["level"].as_u64()), (Some("keitai"), Some(1)));
}

#[test]
fn a_summary_has_the_fields_of_the_column() {
    let documents = lines(&keigo(&World::new(), RECORDS, &["--format", "summary"]));
    assert_eq!((documents[0]["id"].as_str(), documents[0]["n_sentences"].as_u64()), (Some("one"), Some(3)));
    for field in seimai::keigo::columns::FIELDS {
        assert!(documents[1].get(field.name).is_some(), "{}", field.name);
    }
    assert!(documents[1]["register"].is_string());
}

#[test]
fn forms_are_marked_in_colours_or_brackets() {
    let world = World::new();
    let brackets = keigo(&world, RECORDS, &["--format", "color"]);
    assert!(brackets.contains("人[TEI です]。\n") && !brackets.contains('\x1b'), "{brackets}");
    let input = world.path("records.jsonl");
    let mut command = world.seimai(&["keigo", input.to_str().unwrap(), "--format", "color"]);
    let colours = String::from_utf8(command.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR").output().unwrap().stdout).unwrap();
    assert!(colours.contains("人\x1b[0;32mです\x1b[0m。\n") && colours.starts_with("\x1b[35mSON"), "{colours}");
    let plain = String::from_utf8(command.env("NO_COLOR", "1").output().unwrap().stdout).unwrap();
    assert_eq!(plain, brackets);
}

#[test]
fn the_order_is_that_of_the_input_for_any_number_of_threads() {
    let world = World::new();
    let record = |i: usize| format!("{{\"id\":\"{i}\",\"text\":\"{}\"}}\n", "先生は人です。".repeat(i % 7));
    let records = (0..400).map(record).collect::<Vec<_>>().concat();
    let one = keigo(&world, &records, &["--threads", "1"]);
    assert_eq!(one, keigo(&world, &records, &["--threads", "3"]));
    assert_eq!(one.lines().count(), (0..400).map(|i| i % 7).sum::<usize>());
}
