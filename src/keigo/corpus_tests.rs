//! Tests over a real dictionary and the shared development data.
//!
//! They need MeCab with its IPADIC source dictionary, and the shared data; without them each prints one line and
//! returns. The dictionary is read here from its CSV files, so that this room needs no other room.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use crate::keigo::analyze::{Analyzer, Sentence, Span};
use crate::keigo::cases::CASES;
use crate::keigo::document::DocumentKeigo;
use crate::keigo::rules::RULES;
use crate::morpheme::{Lexicon, Morphemes, NO_WORD, PosTable, Standard, Word};

const SOURCE: &str = "/usr/share/mecab/dic/ipadic";

/// A MeCab source dictionary in memory, or the words of one that some text needs.
struct SourceDictionary {
    standard: Standard,
    /// Directory of the compiled dictionary, for MeCab; its default if none.
    compiled: Option<PathBuf>,
    rows: Vec<(String, Vec<String>)>,
    pos: Arc<PosTable>,
    pos_ids: FxHashMap<Vec<String>, u16>,
    word_ids: FxHashMap<String, u32>,
}

impl SourceDictionary {
    fn read(directory: &Path) -> Option<Self> {
        let mut files: Vec<PathBuf> = fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
        files.sort();
        let mut rows = Vec::new();
        for file in files {
            let bytes = fs::read(file).ok()?;
            let (text, ..) = encoding_rs::EUC_JP.decode(&bytes);
            rows.extend(text.lines().filter_map(parse_row));
        }
        rows.sort();
        Some(Self::index(rows, Standard::Ipadic))
    }

    fn index(rows: Vec<(String, Vec<String>)>, standard: Standard) -> Self {
        let mut pos = PosTable { tuples: vec![Vec::new()], unknown: vec![None] };
        let (mut pos_ids, mut word_ids) = (FxHashMap::default(), FxHashMap::default());
        for (id, (surface, features)) in rows.iter().enumerate() {
            let tuple: Vec<String> = features.iter().take(6).cloned().collect();
            let next = pos.tuples.len() as u16;
            if *pos_ids.entry(tuple.clone()).or_insert(next) == next {
                pos.tuples.push(tuple);
                pos.unknown.push(None);
            }
            word_ids.entry(format!("{surface}\t{}", features.join(","))).or_insert(id as u32);
        }
        Self { standard, compiled: None, rows, pos: Arc::new(pos), pos_ids, word_ids }
    }

    /// A UniDic dictionary of the words that `lines` need: UniDic is published compiled, without its source.
    fn unidic(compiled: PathBuf, lines: &[String]) -> Self {
        let output = mecab(Some(&compiled), lines);
        let row = |line: &str| {
            line.split_once('\t').map(|(surface, features)| (surface.to_string(), features.split(',').map(String::from).collect()))
        };
        let mut rows: Vec<(String, Vec<String>)> = output.lines().filter_map(row).collect();
        rows.sort();
        rows.dedup();
        Self { compiled: Some(compiled), ..Self::index(rows, Standard::Unidic) }
    }

    /// Segments `lines` with MeCab: for each line ends, POS ids and word ids.
    fn segment(&self, lines: &[String]) -> Vec<Segmented> {
        let output = mecab(self.compiled.as_deref(), lines);
        output.split("EOS\n").zip(lines).map(|(block, line)| self.parse(block, line)).collect()
    }

    fn parse(&self, block: &str, line: &str) -> Segmented {
        let mut out = Segmented::default();
        let mut at = 0;
        for row in block.lines() {
            let Some((surface, features)) = row.split_once('\t') else { continue };
            let start = at + line.get(at..).unwrap().find(surface).unwrap();
            if start > at {
                out.push(start, PosTable::GAP, NO_WORD);
            }
            at = start + surface.len();
            let tuple: Vec<String> = features.split(',').take(6).map(String::from).collect();
            let word = self.word_ids.get(row).copied().unwrap_or(NO_WORD);
            out.push(at, self.pos_ids.get(&tuple).copied().unwrap_or(1), word);
        }
        if at < line.len() {
            out.push(line.len(), PosTable::GAP, NO_WORD);
        }
        out
    }
}

impl Lexicon for SourceDictionary {
    fn standard(&self) -> Standard {
        self.standard
    }

    fn pos_table(&self) -> Arc<PosTable> {
        Arc::clone(&self.pos)
    }

    fn each_word(&self, visit: &mut dyn FnMut(&Word<'_>)) {
        for (id, (surface, features)) in self.rows.iter().enumerate() {
            let features: Vec<&str> = features.iter().map(String::as_str).collect();
            visit(&Word { id: id as u32, surface, features: &features });
        }
    }
}

/// MeCab's output for `lines`.
fn mecab(dictionary: Option<&Path>, lines: &[String]) -> String {
    let mut command = Command::new("mecab");
    if let Some(dictionary) = dictionary {
        command.args(["-O", "", "-d"]).arg(dictionary);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = lines.join("\n") + "\n";
    let feeder = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap().stdout;
    feeder.join().unwrap().unwrap();
    String::from_utf8(output).unwrap()
}

fn parse_row(line: &str) -> Option<(String, Vec<String>)> {
    let mut cells = line.split(',').map(String::from);
    let surface = cells.next()?;
    let features = cells.skip(3).collect();
    Some((surface, features))
}

#[derive(Default)]
struct Segmented {
    ends: Vec<u32>,
    pos: Vec<u16>,
    word: Vec<u32>,
}

impl Segmented {
    fn push(&mut self, end: usize, pos: u16, word: u32) {
        self.ends.push(end as u32);
        self.pos.push(pos);
        self.word.push(word);
    }

    fn morphemes(&self) -> Morphemes<'_> {
        Morphemes { ends: &self.ends, pos: &self.pos, word: &self.word }
    }
}

/// The dictionary and the rules bound to it, read once; `None` where MeCab is absent.
fn ipadic() -> Option<&'static (SourceDictionary, Analyzer)> {
    static READ: OnceLock<Option<(SourceDictionary, Analyzer)>> = OnceLock::new();
    let read = || {
        Command::new("mecab").arg("--version").output().ok()?;
        let dictionary = SourceDictionary::read(Path::new(SOURCE))?;
        let analyzer = Analyzer::new(&dictionary);
        Some((dictionary, analyzer))
    };
    READ.get_or_init(read).as_ref()
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

/// Runs the rules over `lines`, each cut into sentences or kept whole.
fn each_line(lines: &[String], cut: bool, mut visit: impl FnMut(usize, &str, &[Sentence], &[Span])) {
    let (dictionary, analyzer) = ipadic().unwrap();
    let mut worker = analyzer.worker();
    for (i, (line, segmented)) in lines.iter().zip(dictionary.segment(lines)).enumerate() {
        let ends = if cut { sentence_ends(line) } else { vec![line.len() as u32] };
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
    let without: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| CASES.iter().all(|(rule, ..)| rule != id)).collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn every_case_holds() {
    if ipadic().is_none() {
        return skip("every_case_holds", "mecab with its source dictionary");
    }
    let lines: Vec<String> = CASES.iter().flat_map(|(_, with, without)| [*with, *without]).map(String::from).collect();
    let mut wrong = Vec::new();
    each_line(&lines, false, |i, text, _, spans| {
        let rule = CASES[i / 2].0;
        let fired = spans.iter().any(|span| span.rule == rule);
        let wanted = i % 2 == 0 && !rule.starts_with("NONE");
        if fired != wanted {
            wrong.push(format!("{rule}: {text} {:?}", spans.iter().map(|span| span.rule).collect::<Vec<_>>()));
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The cases over UniDic: at most 3 of 100 sentences may differ (its tokens do).
#[test]
fn cases_unidic() {
    let Some(compiled) = std::env::var_os("SEIMAI_UNIDIC") else { return skip("cases_unidic", "SEIMAI_UNIDIC") };
    let lines: Vec<String> = CASES.iter().flat_map(|(_, with, without)| [*with, *without]).map(String::from).collect();
    let dictionary = SourceDictionary::unidic(PathBuf::from(compiled), &lines);
    let analyzer = Analyzer::new(&dictionary);
    let mut worker = analyzer.worker();
    let mut wrong = Vec::new();
    for (i, (line, segmented)) in lines.iter().zip(dictionary.segment(&lines)).enumerate() {
        let analysis = worker.analyze(line, &[line.len() as u32], segmented.morphemes());
        let rule = CASES[i / 2].0;
        if analysis.spans.iter().any(|span| span.rule == rule) != (i % 2 == 0 && !rule.starts_with("NONE")) {
            wrong.push(format!("{rule}: {line} {:?}", analysis.spans.iter().map(|span| span.rule).collect::<Vec<_>>()));
        }
    }
    assert!(wrong.len() * 100 <= lines.len() * 3, "{wrong:#?}");
}

/// The same rules over UniDic; `SEIMAI_UNIDIC` names a compiled dictionary (unidic-lite's `dicdir`).
#[test]
fn development_pairs_unidic() {
    let gold = shared("keigo/dev-minimal-pairs.jsonl").zip(std::env::var_os("SEIMAI_UNIDIC"));
    let Some((gold, compiled)) = gold else { return skip("development_pairs_unidic", "shared/keigo and SEIMAI_UNIDIC") };
    let gold: Vec<Value> = rows(&gold).into_iter().filter(|row| row["kind"] == "sentence").collect();
    let texts: Vec<String> = gold.iter().map(|row| row["text"].as_str().unwrap().to_string()).collect();
    let dictionary = SourceDictionary::unidic(PathBuf::from(compiled), &texts);
    let analyzer = Analyzer::new(&dictionary);
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
