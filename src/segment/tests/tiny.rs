//! The tiny dictionary of `tests/it/tiny_dictionary`: as a value, built, opened; and what else several tests need.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::segment::about::Identity;
use crate::segment::compiled_reader::{self, CompiledFiles};
use crate::segment::dictionary::Dictionary;
use crate::segment::lines::Block;
use crate::segment::print::{Format, Printer};
use crate::segment::source::RawDictionary;
use crate::segment::source_reader::{self, SourceFile};
use crate::segment::{Segmenter, archive, lindera, store};

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tiny_dictionary")
}

pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(directory().join(name)).unwrap()
}

pub(crate) fn compiled_files() -> Vec<SourceFile> {
    let bytes = std::fs::read(directory().join("compiled.tar.zst")).unwrap();
    archive::members("compiled", (&bytes[..], bytes.len() as u64), "compiled", &|_| true).unwrap()
}

pub(crate) fn compiled(files: &[SourceFile]) -> crate::error::Result<RawDictionary> {
    let file = |name: &str| files.iter().find(|file| file.0 == name).map_or(&[][..], |file| &file.1);
    compiled_reader::read(&CompiledFiles {
        sys: file("sys.dic"),
        unk: file("unk.dic"),
        matrix: file("matrix.bin"),
        chars: file("char.bin"),
        dicrc: file("dicrc"),
    })
}

/// The tiny dictionary as a value.
pub(crate) fn raw() -> RawDictionary {
    store::read_dir(&directory(), Some("tiny")).unwrap().raw
}

/// The tiny dictionary with its user dictionary.
pub(crate) fn raw_with_user() -> RawDictionary {
    let mut raw = raw();
    let mut rows = Vec::new();
    source_reader::lexicon("", "user.csv", &text("user/user.csv"), &mut rows).unwrap();
    raw.add_user_rows(rows).unwrap();
    raw
}

pub(crate) fn identity() -> Identity {
    Identity { name: "tiny".into(), version: "1".into(), licence: "none".into(), source: "tests".into() }
}

pub(crate) fn installed() -> (tempfile::TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let dir = store::install(temporary.path(), &raw(), &identity(), Some("terms")).unwrap();
    (temporary, dir)
}

pub(crate) fn engine() -> (tempfile::TempDir, Arc<Dictionary>, lindera::Lindera) {
    let (temporary, dir) = installed();
    let dictionary = Arc::new(Dictionary::open(&dir).unwrap());
    let engine = lindera::Lindera::new(Arc::clone(&dictionary)).unwrap();
    (temporary, dictionary, engine)
}

/// Puts other content in place of a file and signs for it, as whoever wants to mislead can.
pub(crate) fn forge(dir: &Path, name: &str, bytes: &[u8]) {
    let mut about = crate::segment::dictionary::read_about(dir).unwrap();
    let blake3 = blake3::hash(bytes).to_hex().to_string();
    about.files.insert(name.into(), crate::segment::about::StoredFile { bytes: bytes.len() as u64, blake3 });
    overwrite(&dir.join(name), bytes);
    overwrite(&dir.join(crate::segment::about::FILE), &about.seal().unwrap());
}

pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// The analysis in MeCab's output format.
pub(crate) fn mecab_format(dictionary: &Dictionary, engine: &dyn Segmenter, lines: &str) -> String {
    let mut out = Vec::new();
    let block = Block { text: lines.as_bytes().to_vec(), continues: false };
    Printer::new(engine.worker(), dictionary, Format::Mecab).print_block(&block, &mut out);
    String::from_utf8(out).unwrap()
}
