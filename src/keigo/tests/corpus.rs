//! Tests over a real dictionary and the shared development data.
//!
//! They need MeCab with its IPADIC source dictionary, and the shared data; without them each prints one line and
//! returns.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::keigo::analyze::{Analyzer, Sentence, Span};
use crate::keigo::document::DocumentKeigo;
use crate::keigo::rules;
use crate::keigo::table::Table;
use crate::keigo::tests::mecab::{SOURCE, SourceDictionary};

/// The dictionary and the rules bound to it, read once; `None` where MeCab is absent.
fn ipadic() -> Option<&'static (SourceDictionary, Analyzer)> {
    static READ: OnceLock<Option<(SourceDictionary, Analyzer)>> = OnceLock::new();
    let read = || {
        Command::new("mecab").arg("--version").output().ok()?;
        let dictionary = SourceDictionary::read(Path::new(SOURCE))?;
        let analyzer = Analyzer::new(&dictionary).unwrap();
        Some((dictionary, analyzer))
    };
    READ.get_or_init(read).as_ref()
}

/// Rule, sentence with it, sentence without it (empty where there is none).
fn cases() -> Vec<[&'static str; 3]> {
    let table = Table { file: "cases.tsv", columns: ["rule", "with", "without"], unique: 1, text: include_str!("cases.tsv") };
    let mut cases = Vec::new();
    table
        .each(|[rule, with, without]| {
            cases.push([rule, with, if without == "-" { "" } else { without }]);
            Ok(())
        })
        .unwrap();
    cases
}

fn shared(file: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SEIMAI_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    Some(root.join(file)).filter(|path| path.exists())
}

fn rows(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn skip(test: &str, needs: &str) {
    crate::testing::skipped(test, needs);
}

/// Cuts after 。！？ outside brackets: enough of a splitter for these tests.
fn sentence_ends(text: &str) -> Vec<u32> {
    let mut depth = 0_i32;
    let mut ends = Vec::new();
    for (at, c) in text.char_indices() {
        depth += i32::from(matches!(c, '「' | '『' | '（')) - i32::from(matches!(c, '」' | '』' | '）'));
        if matches!(c, '。' | '！' | '？' | '?' | '!') && depth <= 0 {
            ends.push((at + c.len_utf8()) as u32);
        }
    }
    if ends.last() != Some(&(text.len() as u32)) && !text.is_empty() {
        ends.push(text.len() as u32);
    }
    ends
}

fn character(text: &str, byte: u32) -> usize {
    text.get(..byte as usize).unwrap().chars().count()
}

/// Runs the rules over `lines`, each split into sentences or kept whole.
fn each_line(lines: &[String], split: bool, mut visit: impl FnMut(usize, &str, &[Sentence], &[Span])) {
    let (dictionary, analyzer) = ipadic().unwrap();
    let mut worker = analyzer.worker();
    for (i, (line, segmented)) in lines.iter().zip(dictionary.segment(lines)).enumerate() {
        let ends = if split { sentence_ends(line) } else { vec![line.len() as u32] };
        let analysis = worker.analyze(line, &ends, segmented.morphemes());
        visit(i, line, analysis.sentences, analysis.spans);
    }
}

fn prediction(id: &Value, text: &str, sentence: &Sentence, spans: &[Span]) -> Value {
    let spans: Vec<Value> = spans
        .iter()
        .map(|span| json!({"start": character(text, span.start), "end": character(text, span.end), "class": span.class.name(), "rule": span.rule}))
        .collect();
    json!({"id": id, "text": text, "spans": spans, "style": sentence.style.name(), "level": sentence.level, "tone": sentence.tone.name(), "misuse": []})
}

/// Writes predictions for `score.py` to `SEIMAI_KEIGO_PRED`, if set.
fn export(name: &str, lines: &[Value]) {
    let Some(directory) = std::env::var_os("SEIMAI_KEIGO_PRED") else { return };
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).open(Path::new(&directory).join(name)).unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
}

#[test]
fn development_pairs() {
    let Some(gold) = shared("keigo/dev-minimal-pairs.jsonl") else {
        return skip("development_pairs", "shared/keigo/dev-minimal-pairs.jsonl");
    };
    if ipadic().is_none() {
        return skip("development_pairs", "mecab with its source dictionary");
    }
    let gold: Vec<Value> = rows(&gold).into_iter().filter(|row| row["kind"] == "sentence").collect();
    let texts: Vec<String> = gold.iter().map(|row| row["text"].as_str().unwrap().to_string()).collect();
    let (mut style, mut level, mut predictions) = (0, 0, Vec::new());
    each_line(&texts, false, |i, text, sentences, spans| {
        let sentence = &sentences[0];
        style += usize::from(gold[i]["style"] == sentence.style.name());
        level += usize::from(gold[i]["level"].as_array().unwrap().contains(&json!(sentence.level)));
        predictions.push(prediction(&gold[i]["id"], text, sentence, spans));
    });
    export("dev.jsonl", &predictions);
    assert!(style * 100 >= gold.len() * 99, "style {style}/{}", gold.len());
    assert!(level * 100 >= gold.len() * 95, "level {level}/{}", gold.len());
}

#[test]
fn development_documents() {
    let Some(gold) = shared("keigo/dev-minimal-pairs.jsonl") else {
        return skip("development_documents", "shared/keigo/dev-minimal-pairs.jsonl");
    };
    let Some((dictionary, analyzer)) = ipadic() else { return skip("development_documents", "mecab with its source dictionary") };
    for row in rows(&gold).into_iter().filter(|row| row["kind"] == "document") {
        let text = row["text"].as_str().unwrap().to_string();
        let segmented = &dictionary.segment(std::slice::from_ref(&text))[0];
        let mut worker = analyzer.worker();
        let analysis = worker.analyze(&text, &sentence_ends(&text), segmented.morphemes());
        let styles: Vec<&str> = analysis.sentences.iter().map(|sentence| sentence.style.name()).collect();
        let wanted: Vec<&str> = row["sentences"].as_array().unwrap().iter().map(|sentence| sentence["style"].as_str().unwrap()).collect();
        assert_eq!(styles, wanted, "{text}");
        let document = DocumentKeigo::new(&text, &analysis);
        assert_eq!(document.dominant().name(), row["dominant_style"]);
        assert!((document.consistency().unwrap() - row["consistency"].as_f64().unwrap()).abs() < 1e-3);
    }
}

/// Analyses every string under `field` of `file`, exports all, and returns for each the highest level and whether it ends polite.
fn measure(file: &str, field: &str) -> Option<Vec<(u8, bool)>> {
    let path = shared(file)?;
    ipadic()?;
    let texts: Vec<String> = rows(&path).iter().map(|row| row[field].as_str().unwrap().replace('\n', " ")).collect();
    let (mut measured, mut exported) = (Vec::new(), Vec::new());
    each_line(&texts, true, |i, text, sentences, spans| {
        let level = sentences.iter().map(|sentence| sentence.level).max().unwrap_or(0);
        let polite = sentences.iter().any(|sentence| sentence.style.name() == "keitai");
        measured.push((level, polite));
        if let Some(last) = sentences.last() {
            let mut row = prediction(&json!(i), text, last, spans);
            row["level"] = json!(level);
            row["polite"] = json!(polite);
            exported.push(row);
        }
    });
    export(&format!("{}-{field}.jsonl", file.rsplit('/').next().unwrap_or(file)), &exported);
    Some(measured)
}

fn accuracy(hits: usize, of: usize) -> f64 {
    hits as f64 / of as f64
}

#[test]
fn keico_polite_against_casual() {
    let Some(measured) = measure("data/keigo/keico-dev.jsonl", "text") else {
        return skip("keico_polite_against_casual", "shared/data/keigo and mecab");
    };
    let gold = rows(&shared("data/keigo/keico-dev.jsonl").unwrap());
    let hits = gold.iter().zip(&measured).filter(|(row, (level, polite))| (row["level"] != 4) == (*polite || *level > 0)).count();
    assert!(accuracy(hits, gold.len()) >= 0.94, "{:.4}", accuracy(hits, gold.len()));
}

#[test]
fn cocoa_formal_against_informal() {
    let file = "data/keigo/cocoa-mt-pairs-train.jsonl";
    let (Some(formal), Some(informal)) = (measure(file, "formal"), measure(file, "informal")) else {
        return skip("cocoa_formal_against_informal", "shared/data/keigo and mecab");
    };
    let differ: Vec<bool> = rows(&shared(file).unwrap()).iter().map(|row| row["formal"] != row["informal"]).collect();
    let hits = |sides: &[(u8, bool)], polite: bool| sides.iter().zip(&differ).filter(|(side, differ)| **differ && side.1 == polite).count();
    let all = 2 * differ.iter().filter(|differ| **differ).count();
    let right = hits(&formal, true) + hits(&informal, false);
    assert!(accuracy(right, all) >= 0.95, "{:.4}", accuracy(right, all));
}

#[test]
fn pastel_polite_against_impolite() {
    let file = "data/keigo/pastel-politeness.jsonl";
    let (Some(polite), Some(impolite)) = (measure(file, "polite"), measure(file, "impolite")) else {
        return skip("pastel_polite_against_impolite", "shared/data/keigo and mecab");
    };
    let right = polite.iter().filter(|side| side.1).count() + impolite.iter().filter(|side| !side.1).count();
    assert!(accuracy(right, 2 * polite.len()) >= 0.95, "{:.4}", accuracy(right, 2 * polite.len()));
}

#[test]
fn every_rule_has_a_case() {
    let (rules, cases) = (rules::read().unwrap(), cases());
    let without: Vec<&str> = rules.iter().map(|rule| rule.id).filter(|id| cases.iter().all(|case| case[0] != *id)).collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn every_case_holds() {
    if ipadic().is_none() {
        return skip("every_case_holds", "mecab with its source dictionary");
    }
    let cases = cases();
    let lines: Vec<String> = cases.iter().flat_map(|case| [case[1], case[2]]).map(String::from).collect();
    let mut wrong = Vec::new();
    each_line(&lines, false, |i, text, _, spans| {
        let rule = cases[i / 2][0];
        let fired = spans.iter().any(|span| span.rule == rule);
        let wanted = i % 2 == 0 && !rule.starts_with("NONE");
        if fired != wanted {
            wrong.push(format!("{rule}: {text} {:?}", spans.iter().map(|span| span.rule).collect::<Vec<_>>()));
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The cases over UniDic: at most 3 of 100 sentences may differ (its symbols do).
#[test]
fn cases_unidic() {
    let Some(compiled) = std::env::var_os("SEIMAI_UNIDIC") else { return skip("cases_unidic", "SEIMAI_UNIDIC") };
    let cases = cases();
    let lines: Vec<String> = cases.iter().flat_map(|case| [case[1], case[2]]).map(String::from).collect();
    let dictionary = SourceDictionary::unidic(PathBuf::from(compiled), &lines);
    let analyzer = Analyzer::new(&dictionary).unwrap();
    let mut worker = analyzer.worker();
    let mut wrong = Vec::new();
    for (i, (line, segmented)) in lines.iter().zip(dictionary.segment(&lines)).enumerate() {
        let analysis = worker.analyze(line, &[line.len() as u32], segmented.morphemes());
        let rule = cases[i / 2][0];
        if analysis.spans.iter().any(|span| span.rule == rule) != (i % 2 == 0 && !rule.starts_with("NONE")) {
            wrong.push(format!("{rule}: {line} {:?}", analysis.spans.iter().map(|span| span.rule).collect::<Vec<_>>()));
        }
    }
    assert!(wrong.len() * 100 <= lines.len() * 3, "{wrong:#?}");
}

/// The sentences of `running.tsv`, and the spans of respect and humility wanted of each.
fn running() -> Vec<(String, String)> {
    let table = Table { file: "running.tsv", columns: ["text", "spans"], unique: 1, text: include_str!("running.tsv") };
    let mut cases = Vec::new();
    table
        .each(|[text, spans]| {
            cases.push((text.to_string(), spans.to_string()));
            Ok(())
        })
        .unwrap();
    cases
}

/// The spans of respect and humility as `running.tsv` writes them.
fn written(text: &str, spans: &[Span]) -> String {
    let honorific = spans.iter().filter(|span| !matches!(span.class.name(), "TEI" | "BIK"));
    let written: Vec<String> =
        honorific.map(|span| format!("{}={}", span.class.name(), text.get(span.start as usize..span.end as usize).unwrap())).collect();
    if written.is_empty() { "-".to_string() } else { written.join(" ") }
}

#[test]
fn running_text() {
    if ipadic().is_none() {
        return skip("running_text", "mecab with its source dictionary");
    }
    let cases = running();
    let lines: Vec<String> = cases.iter().map(|case| case.0.clone()).collect();
    let mut wrong = Vec::new();
    each_line(&lines, false, |i, text, _, spans| {
        let found = written(text, spans);
        if found != cases[i].1 {
            wrong.push(format!("{text}: {found}, not {}", cases[i].1));
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The same over UniDic: at most 5 of 100 sentences may differ (it cuts and tags otherwise).
#[test]
fn running_text_unidic() {
    let Some(compiled) = std::env::var_os("SEIMAI_UNIDIC") else { return skip("running_text_unidic", "SEIMAI_UNIDIC") };
    let cases = running();
    let lines: Vec<String> = cases.iter().map(|case| case.0.clone()).collect();
    let dictionary = SourceDictionary::unidic(PathBuf::from(compiled), &lines);
    let analyzer = Analyzer::new(&dictionary).unwrap();
    let mut worker = analyzer.worker();
    let mut wrong = Vec::new();
    for ((text, wanted), segmented) in cases.iter().zip(dictionary.segment(&lines)) {
        let found = written(text, worker.analyze(text, &[text.len() as u32], segmented.morphemes()).spans);
        if found != *wanted {
            wrong.push(format!("{text}: {found}, not {wanted}"));
        }
    }
    assert!(wrong.len() * 100 <= cases.len() * 5, "{wrong:#?}");
}

/// The same rules over UniDic; `SEIMAI_UNIDIC` names a compiled dictionary (unidic-lite's `dicdir`).
#[test]
fn development_pairs_unidic() {
    let gold = shared("keigo/dev-minimal-pairs.jsonl").zip(std::env::var_os("SEIMAI_UNIDIC"));
    let Some((gold, compiled)) = gold else { return skip("development_pairs_unidic", "shared/keigo and SEIMAI_UNIDIC") };
    let gold: Vec<Value> = rows(&gold).into_iter().filter(|row| row["kind"] == "sentence").collect();
    let texts: Vec<String> = gold.iter().map(|row| row["text"].as_str().unwrap().to_string()).collect();
    let dictionary = SourceDictionary::unidic(PathBuf::from(compiled), &texts);
    let analyzer = Analyzer::new(&dictionary).unwrap();
    let mut worker = analyzer.worker();
    let (mut right, mut predictions) = (0, Vec::new());
    for ((row, text), segmented) in gold.iter().zip(&texts).zip(dictionary.segment(&texts)) {
        let analysis = worker.analyze(text, &[text.len() as u32], segmented.morphemes());
        let sentence = &analysis.sentences[0];
        right += usize::from(row["style"] == sentence.style.name() && row["level"].as_array().unwrap().contains(&json!(sentence.level)));
        predictions.push(prediction(&row["id"], text, sentence, analysis.spans));
    }
    export("dev-unidic.jsonl", &predictions);
    assert!(right * 100 >= gold.len() * 95, "style and level {right}/{}", gold.len());
}
