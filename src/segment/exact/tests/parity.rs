//! Real paragraphs, as they are and after NFKC, and lines of any length, against the program `mecab`; gold segmentation.
//!
//! `SEIMAI_TEST_MECAB`: `required`, `if-present` (default), `none`. Dictionaries: the one that `mecab` is set up with, and the
//! compiled UniDic whose directory `SEIMAI_TEST_UNIDIC` names, if it does.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use unicode_normalization::UnicodeNormalization;

use super::helpers::mecab_format;
use crate::segment::exact::{Exact, HotList, compile};
use crate::segment::source::RawDictionary;
use crate::segment::{MorphemeBuffer, store};

/// Text taken from each corpus, in bytes.
const SAMPLE: usize = 150_000;
const CORPORA: [&str; 7] = ["aozora", "law", "kyoto-wiki", "msdocs-visualstudio", "realpersonachat", "rurema", "docker-ja"];

/// Paragraphs of a corpus of the shared data.
fn paragraphs(corpus: &Path) -> Vec<String> {
    let mut lines = BufReader::new(zstd::Decoder::new(std::fs::File::open(corpus).unwrap()).unwrap()).lines();
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < SAMPLE
        && let Some(line) = lines.next()
    {
        let record: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        for paragraph in record["text"].as_str().unwrap().lines().filter(|line| !line.contains(['\0', '\u{FFFF}'])) {
            bytes += paragraph.len();
            found.push(paragraph.to_owned());
        }
    }
    found
}

/// What `mecab` prints for some lines.
fn mecab(dictionary: &Path, lines: &str) -> String {
    let mut child = Command::new("mecab")
        .args(["-r", "/dev/null", "-O", "", "-b", "5000000", "-d"])
        .arg(dictionary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// The compiled UTF-8 dictionary that `mecab` uses.
fn dictionary_of_mecab() -> Option<PathBuf> {
    let output = Command::new("mecab").arg("-D").output().ok()?;
    let about = String::from_utf8(output.stdout).ok()?;
    let field = |name: &str| about.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_start_matches(':').trim());
    let utf8 = field("charset")?.to_lowercase().replace('-', "") == "utf8";
    utf8.then(|| Path::new(field("filename").unwrap_or_default()).parent().map(Path::to_path_buf)).flatten()
}

/// What the tests need, or why they are skipped.
struct Oracle {
    corpora: PathBuf,
    dictionaries: Vec<PathBuf>,
}

impl Oracle {
    fn find(test: &str) -> Option<Self> {
        let mode = std::env::var("SEIMAI_TEST_MECAB").unwrap_or_default();
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
        let data = std::env::var_os("SEIMAI_SHARED").map_or_else(beside, PathBuf::from).join("data");
        let default = if mode == "none" { None } else { dictionary_of_mecab() };
        let Some(default) = default.filter(|_| data.is_dir()) else {
            assert_ne!(mode, "required", "mecab with a UTF-8 dictionary and shared/data are required");
            crate::testing::skipped(test, "mecab with a UTF-8 dictionary and shared/data");
            return None;
        };
        let unidic = std::env::var_os("SEIMAI_TEST_UNIDIC").map(PathBuf::from);
        if unidic.is_none() {
            crate::testing::skipped(test, "UniDic, the directory that SEIMAI_TEST_UNIDIC names,");
        }
        Some(Self { corpora: data, dictionaries: std::iter::once(default).chain(unidic).collect() })
    }

    /// Content and engine of each dictionary.
    fn engines(&self) -> impl Iterator<Item = (&PathBuf, RawDictionary, Exact)> {
        self.dictionaries.iter().map(|dir| {
            let raw = store::read_dir(dir, None).unwrap().raw;
            let bytes = compile(&raw, &HotList::shipped()).unwrap();
            let engine = Exact::from_bytes(bytes, raw.entries.len(), raw.pos_table.tuples.len()).unwrap();
            (dir, raw, engine)
        })
    }
}

/// Is every line of `text` analysed as by `mecab`, features included?
fn same(dictionary: &Path, raw: &RawDictionary, engine: &Exact, text: &str, what: &str) {
    let (ours, theirs) = (mecab_format(raw, engine, text), mecab(dictionary, text));
    let difference = ours.lines().zip(theirs.lines()).position(|(ours, theirs)| ours != theirs);
    assert_eq!((difference, ours.lines().count()), (None, theirs.lines().count()), "{what}, {}", dictionary.display());
}

#[test]
fn paragraphs_are_analysed_as_by_mecab() {
    let Some(oracle) = Oracle::find("paragraphs_are_analysed_as_by_mecab") else { return };
    for (dictionary, raw, engine) in oracle.engines() {
        for corpus in CORPORA {
            let paragraphs = paragraphs(&oracle.corpora.join(format!("corpus/{corpus}.jsonl.zst")));
            let normalised: Vec<String> = paragraphs.iter().map(|line| line.nfkc().collect::<String>().replace('\n', " ")).collect();
            for lines in [paragraphs, normalised] {
                same(dictionary, &raw, &engine, &(lines.join("\n") + "\n"), corpus);
            }
        }
    }
}

#[test]
fn long_lines_are_analysed_as_by_mecab() {
    let Some(oracle) = Oracle::find("long_lines_are_analysed_as_by_mecab") else { return };
    let mut lines: Vec<String> =
        CORPORA.iter().map(|corpus| paragraphs(&oracle.corpora.join(format!("corpus/{corpus}.jsonl.zst"))).concat()).collect();
    let patterns = ["日", "はは", "あ", "ab1 ", "!?", "国際連合", "ー", "　", "一二三", "カタカナ"];
    lines.extend(patterns.map(|pattern| pattern.chars().cycle().take(20_000).collect()));
    lines.push(format!("東京{}都へ行く{}", " ".repeat(20_000), "\t".repeat(20_000)));
    for (dictionary, raw, engine) in oracle.engines() {
        same(dictionary, &raw, &engine, &(lines.join("\n") + "\n"), "long lines");
    }
}

/// Morphemes of a sentence as spans of characters without whitespace.
fn spans<'a>(surfaces: impl Iterator<Item = &'a str>) -> BTreeSet<(usize, usize)> {
    let mut at = 0;
    let lengths = surfaces.map(|surface| surface.chars().filter(|c| !c.is_whitespace()).count());
    lengths
        .map(|length| {
            at += length;
            (at - length, at)
        })
        .filter(|(from, to)| from < to)
        .collect()
}

#[test]
fn gold_segmentation_is_met_as_well_as_by_mecab() {
    let Some(oracle) = Oracle::find("gold_segmentation_is_met_as_well_as_by_mecab") else { return };
    let gold = std::fs::File::open(oracle.corpora.join("segmentation/ud-gsd-dev.suw.jsonl.zst")).unwrap();
    let sentences: Vec<serde_json::Value> =
        BufReader::new(zstd::Decoder::new(gold).unwrap()).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    for ((_, _, engine), least) in oracle.engines().zip([0.920, 0.986]) {
        let (mut hits, mut ours, mut theirs) = (0, 0, 0);
        for sentence in &sentences {
            let text = sentence["text"].as_str().unwrap();
            let mut morphemes = MorphemeBuffer::default();
            crate::segment::SegmentWorker::segment_line(&mut engine.worker(), text, 0, &mut morphemes);
            let starts = std::iter::once(0).chain(morphemes.ends.iter().map(|&end| end as usize));
            let found = spans(starts.zip(&morphemes.ends).map(|(start, &end)| text.get(start..end as usize).unwrap()));
            let wanted = spans(sentence["tokens"].as_array().unwrap().iter().map(|token| token["surface"].as_str().unwrap()));
            hits += found.intersection(&wanted).count();
            (ours, theirs) = (ours + found.len(), theirs + wanted.len());
        }
        let f1 = 2.0 * hits as f64 / (ours + theirs) as f64;
        assert!(f1 > least, "F1 {f1} on the sentences of UD_Japanese-GSD dev");
    }
}
