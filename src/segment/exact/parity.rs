//! Real paragraphs, as they are and after NFKC, against the program `mecab` and the dictionary it is set up with.
//!
//! `SEIMAI_TEST_MECAB`: `required`, `if-present` (default), `none`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use unicode_normalization::UnicodeNormalization;

use crate::segment::exact::oracle::mecab_format;
use crate::segment::exact::{Exact, HotList, compile};
use crate::segment::store;

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

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn paragraphs_are_analysed_as_by_mecab() {
    let mode = std::env::var("SEIMAI_TEST_MECAB").unwrap_or_default();
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let corpora = std::env::var_os("SEIMAI_SHARED").map_or_else(beside, PathBuf::from).join("data/corpus");
    let dictionary = if mode == "none" { None } else { dictionary_of_mecab() };
    let Some(dictionary) = dictionary.filter(|_| corpora.is_dir()) else {
        assert_ne!(mode, "required", "mecab with a UTF-8 dictionary and shared/data/corpus are required");
        eprintln!("skipped: paragraphs_are_analysed_as_by_mecab needs mecab with a UTF-8 dictionary and shared/data/corpus (not found)");
        return;
    };
    let raw = store::read_dir(&dictionary, None).unwrap().raw;
    let bytes = compile(&raw, &HotList::shipped()).unwrap();
    let engine = Exact::from_bytes(bytes, raw.entries.len(), raw.pos_table.tuples.len()).unwrap();
    for corpus in CORPORA {
        let paragraphs = paragraphs(&corpora.join(format!("{corpus}.jsonl.zst")));
        let normalised: Vec<String> = paragraphs.iter().map(|line| line.nfkc().collect::<String>().replace('\n', " ")).collect();
        for lines in [paragraphs, normalised] {
            let text = lines.join("\n") + "\n";
            let (ours, theirs) = (mecab_format(&raw, &engine, &text), mecab(&dictionary, &text));
            let difference = ours.lines().zip(theirs.lines()).position(|(ours, theirs)| ours != theirs);
            assert_eq!((difference, ours.lines().count()), (None, theirs.lines().count()), "{corpus}");
        }
    }
}
