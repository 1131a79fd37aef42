//! The chapters of `dicts/keigo/cases/`: sentences that a linguist has marked, against what the program finds in them, with IPADIC
//! and with UniDic.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use seimai::keigo::result::{SentenceResult, sentence_results};
use seimai::keigo::{Analyzer, DocumentKeigo, Thresholds, register};
use seimai::morpheme::Morphemes;
use seimai::normalize::sentences::sentence_ends;
use seimai::segment::{self, MorphemeBuffer, Segmenter};

use crate::harness::{repository, skipped};

/// A line of a chapter: where it stands, and its cells.
struct Case {
    at: String,
    cells: Vec<String>,
}

/// The lines of the chapters with these columns.
fn cases(columns: &str) -> Vec<Case> {
    let folder = repository().join("dicts/keigo/cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
        let header = lines.next().unwrap().1;
        if header != columns {
            assert!([SENTENCES, DOCUMENTS].contains(&header), "{name}: the header line is {header:?}");
            continue;
        }
        for (i, line) in lines {
            let at = format!("dicts/keigo/cases/{name}:{}", i + 1);
            let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
            assert_eq!(cells.len(), columns.split('\t').count(), "{at}: columns");
            found.push(Case { at, cells });
        }
    }
    assert!(!found.is_empty());
    found
}

const SENTENCES: &str = "sentence\tstyle\tlevel\ttone\tmisuse\tremark";
const DOCUMENTS: &str = "document\tregister\tremark";

/// A dictionary with the rules bound to it.
struct Bound {
    name: &'static str,
    segmenter: std::sync::Arc<dyn Segmenter>,
    analyzer: Analyzer,
}

impl Bound {
    fn open(name: &'static str, dictionary: &str) -> Self {
        let options = segment::Options { dictionary: dictionary.to_owned(), ..segment::Options::default() };
        let (dictionary, segmenter) = segment::open(&options).unwrap();
        Self { name, segmenter, analyzer: Analyzer::new(dictionary.as_ref()).unwrap() }
    }

    /// Analyses a text whose sentences end at `ends`.
    fn analyze<T>(&self, text: &str, ends: &[u32], see: impl FnOnce(&seimai::keigo::Analysis<'_>) -> T) -> T {
        let mut buffer = MorphemeBuffer::default();
        segment::segment_document(self.segmenter.worker().as_mut(), text, &mut buffer);
        let morphemes = Morphemes { ends: &buffer.ends, pos: &buffer.pos, word: &buffer.word };
        see(&self.analyzer.worker().analyze(text, ends, morphemes))
    }
}

/// The dictionaries of this machine, opened once.
fn dictionaries(test: &str) -> impl Iterator<Item = &'static Bound> {
    static OPENED: OnceLock<[Option<Bound>; 2]> = OnceLock::new();
    let opened = OPENED.get_or_init(|| {
        let ipadic = segment::store::locate("ipadic").is_ok().then(|| Bound::open("IPADIC", "ipadic"));
        [ipadic, std::env::var_os("SEIMAI_TEST_UNIDIC").map(|compiled| unidic(compiled.as_ref()))]
    });
    if opened[0].is_none() {
        skipped(test, "the dictionary ipadic (seimai dictionary fetch ipadic)");
    }
    if opened[1].is_none() {
        skipped(test, "UniDic, the directory that SEIMAI_TEST_UNIDIC names,");
    }
    opened.iter().flatten()
}

/// UniDic as it is installed, or taken in from MeCab's directory.
fn unidic(compiled: &Path) -> Bound {
    if segment::store::locate("unidic").is_ok() {
        return Bound::open("UniDic", "unidic");
    }
    let store = tempfile::tempdir().unwrap();
    let directory = segment::store::import(store.path(), compiled, Some("unidic")).unwrap();
    Bound::open("UniDic", directory.to_str().unwrap())
}

/// The sentence without its marks.
fn unmarked(marked: &str) -> String {
    let mut text = String::new();
    let mut in_class = false;
    for c in marked.chars() {
        match c {
            '[' => in_class = true,
            ' ' if in_class => in_class = false,
            ']' | '{' | '}' => {}
            c if !in_class => text.push(c),
            _ => {}
        }
    }
    text
}

/// The sentence with the marks that the program would make; a rule is named in full where `wanted` does so.
fn marked(sentence: &SentenceResult<'_>, wanted: &str) -> String {
    let mut edges = Vec::new();
    for span in &sentence.spans {
        let classes: Vec<&str> = std::iter::once(span.class).chain(span.alt.iter().copied()).collect();
        let name = if wanted.contains(&format!("[{} ", span.rule)) { span.rule.to_owned() } else { classes.join("|") };
        edges.push((span.place.byte_end, 0, "]".to_owned()));
        edges.push((span.place.byte_start, 3, format!("[{name} ")));
    }
    for misuse in &sentence.misuse {
        edges.push((misuse.place.byte_end, 1, "}".to_owned()));
        edges.push((misuse.place.byte_start, 2, "{".to_owned()));
    }
    edges.sort_by_key(|(byte, rank, _)| (*byte, *rank));
    let (mut out, mut at) = (String::new(), 0);
    for (byte, _, mark) in edges {
        out.push_str(sentence.text.get(at..byte as usize).unwrap());
        out.push_str(&mark);
        at = byte as usize;
    }
    out + sentence.text.get(at..).unwrap()
}

/// What the program says of a sentence, in the columns of a chapter.
fn read(bound: &Bound, wanted: &str) -> String {
    let text = unmarked(wanted);
    bound.analyze(&text, &[text.len() as u32], |analysis| {
        let results = sentence_results(None, &text, analysis);
        let Some(sentence) = results.first() else { return String::from("no sentence") };
        let misuse: Vec<&str> = sentence.misuse.iter().map(|misuse| misuse.what).collect();
        let misuse = if misuse.is_empty() { "-".to_owned() } else { misuse.join(" ") };
        format!("{}\t{}\t{}\t{}\t{misuse}", marked(sentence, wanted), sentence.style, sentence.level, sentence.tone)
    })
}

#[test]
fn the_chapters_of_keigo_hold() {
    let cases = cases(SENTENCES);
    let mut failed = String::new();
    for bound in dictionaries("the_chapters_of_keigo_hold") {
        for Case { at, cells } in &cases {
            let (expected, got) = (cells[..5].join("\t"), read(bound, &cells[0]));
            if expected != got {
                let _ = writeln!(failed, "{at} with {}\n  expected {expected}\n  got      {got}", bound.name);
            }
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}

#[test]
fn the_chapter_of_registers_holds() {
    let mut failed = String::new();
    for bound in dictionaries("the_chapter_of_registers_holds") {
        for Case { at, cells } in &cases(DOCUMENTS) {
            let text = cells[0].replace('¶', "\n");
            let mut ends = Vec::new();
            sentence_ends(&text, &mut ends);
            let got = bound.analyze(&text, &ends, |analysis| register(&DocumentKeigo::new(&text, analysis), &Thresholds::default()).name());
            if got != cells[1] {
                let _ = writeln!(failed, "{at} with {}: expected {}, got {got}", bound.name, cells[1]);
            }
        }
    }
    assert!(failed.is_empty(), "\n{failed}");
}

/// Every type of misuse has a chapter line, and no line of the chapter of clean sentences has one.
#[test]
fn every_type_of_misuse_has_a_case() {
    let cases = cases(SENTENCES);
    let clean = cases.iter().filter(|case| case.at.contains("06-never-flag"));
    assert!(clean.clone().count() > 0 && clean.clone().all(|case| case.cells[4] == "-"));
    for (what, _) in seimai::keigo::MisuseType::ALL {
        assert!(cases.iter().any(|case| case.cells[4].split(' ').any(|found| found == *what)), "{what}");
    }
}
