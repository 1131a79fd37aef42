//! The tests of the HTML standard (html5lib-tests, MIT), where `HTML5LIB_TESTS` names a copy of them: the text that comes out, without white space.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::corpus::html::{Extract, Options, read};

/// Files and what they are about; a case with a comment is about comments.
const FILES: [(&str, &str); 11] = [
    ("namedEntities", "named references"),
    ("entities", "named references"),
    ("numericEntities", "numeric references"),
    ("test1", "content"),
    ("test2", "content"),
    ("test3", "content"),
    ("test4", "content"),
    ("domjs", "content"),
    ("pendingSpecChanges", "content"),
    ("unicodeChars", "content"),
    ("unicodeCharsProblematic", "content"),
];

/// Elements whose content is no text, or a picture: what becomes of them is ours to say.
const OURS: [&str; 8] = ["img", "iframe", "noscript", "plaintext", "script", "style", "textarea", "title"];

#[test]
#[expect(clippy::print_stdout, reason = "the figures are what the test is run for")]
fn the_tests_of_the_standard() {
    let name = "the_tests_of_the_standard";
    let Some(folder) = std::env::var_os("HTML5LIB_TESTS") else {
        return crate::testing::skipped(name, "HTML5LIB_TESTS, a copy of html5lib-tests");
    };
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for (file, about) in FILES {
        let path = Path::new(&folder).join("tokenizer").join(file).with_extension("test");
        let cases: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for case in cases["tests"].as_array().unwrap() {
            let Some((input, tokens)) = of_data_state(case) else { continue };
            let has_comment = tokens.iter().any(|token| token[0] == "Comment");
            let count = counts.entry(if has_comment { "comments" } else { about }).or_default();
            let found = bare(&read(&input, &Options { extract: Extract::All, ..Options::default() }).text);
            let wanted: String = tokens.iter().filter(|token| token[0] == "Character").filter_map(|token| token[1].as_str()).collect();
            count.0 += 1;
            count.1 += u32::from(found == bare(&wanted));
        }
    }
    for (about, (cases, right)) in counts {
        println!("{about}\t{right}\t{cases}");
        assert!(right * 100 >= cases * 99, "{about}: {right} of {cases}");
    }
}

/// The input and the tokens of a case that begins as a page does.
fn of_data_state(case: &Value) -> Option<(String, Vec<Value>)> {
    let is_of_data = case["initialStates"].as_array().is_none_or(|states| states.iter().any(|state| state == "Data state"));
    let (mut input, mut output) = (case["input"].as_str()?.to_owned(), case["output"].to_string());
    if case["doubleEscaped"] == true {
        input = serde_json::from_str(&format!("\"{}\"", input.replace('"', "\\\""))).ok()?;
        output = output.replace("\\\\", "\\");
    }
    let tokens: Vec<Value> = serde_json::from_str(&output).ok()?;
    let is_ours = |token: &Value| {
        OURS.iter().any(|name| token[1] == *name)
            || token[0] == "StartTag" && !token[2].is_null() && token[2].to_string().contains("hidden")
    };
    (is_of_data && !tokens.iter().any(is_ours)).then_some((input, tokens))
}

/// Without white space and NUL, which the tokeniser of the standard gives on and its tree builder drops.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\0').collect()
}
