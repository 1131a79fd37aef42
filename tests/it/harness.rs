//! Runs the program in a directory of its own and reads what it left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use seimai::dedup::shingle::Sets;
use seimai::dedup::verify::jaccard_at_least;
use seimai::dedup::view::fold;

pub(crate) use crate::testing::skipped;

/// Similarity of two texts as near-duplicates are searched for.
pub(crate) fn similarity(a: &str, b: &str) -> f64 {
    let set = |text: &str| {
        let mut view = Vec::new();
        fold(text, &mut view);
        Sets::default().of(&view).to_vec()
    };
    jaccard_at_least(&set(a), &set(b), 0.).unwrap_or(0.)
}

/// A directory with the program at hand, and the dictionary that it finds under the name `ipadic`.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    /// Where the tiny dictionary is installed; the machine's own store otherwise.
    store: Option<tempfile::TempDir>,
}

/// The checkout.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The world of the tiny dictionary, and that of IPADIC where the machine has it: for the laws that every dictionary must keep.
pub(crate) fn worlds(test: &str) -> Vec<World> {
    std::iter::once(World::new()).chain(World::with_ipadic(test)).collect()
}

impl World {
    /// The tiny dictionary of the tests stands in for IPADIC, under its name, so that plans and commands are those of users and
    /// nothing has to be fetched.
    pub(crate) fn new() -> Self {
        let store = tempfile::tempdir().unwrap();
        let tiny = repository().join("tests/it/tiny_dictionary");
        seimai::segment::store::import(store.path(), &tiny, Some("ipadic")).unwrap();
        Self { dir: tempfile::tempdir().unwrap(), store: Some(store) }
    }

    /// IPADIC itself; nothing, once that is said, where it is not installed.
    pub(crate) fn with_ipadic(test: &str) -> Option<Self> {
        if seimai::segment::store::locate("ipadic").is_err() {
            skipped(test, "the dictionary ipadic (seimai dictionary fetch ipadic)");
            return None;
        }
        Some(Self { dir: tempfile::tempdir().unwrap(), store: None })
    }

    /// Is this the world of the tiny dictionary?
    pub(crate) fn is_tiny(&self) -> bool {
        self.store.is_some()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, directories included.
    #[expect(clippy::disallowed_methods, reason = "a test's own input")]
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The program, in this directory.
    pub(crate) fn seimai(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seimai"));
        self.at_home(&mut command).args(arguments);
        command
    }

    /// Any program, in this directory and with this dictionary.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        self.at_home(&mut command);
        command
    }

    fn at_home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(store) = &self.store {
            command.env(seimai::segment::store::VARIABLE, store.path());
        }
        command.current_dir(self.dir.path())
    }

    /// Runs the program; (exit code, stdout, stderr).
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        said(&self.seimai(arguments).output().unwrap())
    }
}

/// What a run has in its work directory: the only place in these tests that knows those names.
pub(crate) mod unfinished {
    use std::path::{Path, PathBuf};

    /// The work directory.
    pub(crate) fn work(out: &Path) -> PathBuf {
        out.join(".work")
    }

    /// Is the output directory claimed, with plan and inputs written down?
    pub(crate) fn has_begun(out: &Path) -> bool {
        work(out).join("state.json").exists()
    }

    /// Entries of finished units, of all passes.
    pub(crate) fn entries(out: &Path) -> Vec<PathBuf> {
        let children = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
        let mut all: Vec<PathBuf> = children(&work(out)).iter().flat_map(|pass| children(&pass.join("entries"))).collect();
        all.sort();
        all
    }

    /// The pass of an entry, by its path under the output directory; nothing for other files.
    pub(crate) fn pass_of_entry(path: &Path) -> Option<&Path> {
        path.parent().filter(|dir| dir.ends_with("entries") && dir.starts_with(".work"))
    }

    /// Asserts that the files of every finished unit are there, as its entry says.
    pub(crate) fn assert_entries_hold(out: &Path) {
        for path in entries(out) {
            let text = std::fs::read_to_string(&path).unwrap();
            let entry: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
            for file in entry["files"].as_array().unwrap() {
                let bytes = std::fs::read(out.join(file["path"].as_str().unwrap())).unwrap();
                assert_eq!(blake3::hash(&bytes).to_hex().as_str(), file["blake3"], "{file} of {}", path.display());
            }
        }
    }
}

pub(crate) fn said(output: &Output) -> (i32, String, String) {
    use std::os::unix::process::ExitStatusExt;
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
    (code, String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Every file of a finished run that must not differ, by relative path.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut open = vec![root.to_path_buf()];
    let mut all = BTreeMap::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                open.push(path);
            } else if !["run.json", "run.log.jsonl"].contains(&name.as_str()) {
                all.insert(name, blake3::hash(&fs::read(path).unwrap()).to_hex().to_string());
            }
        }
    }
    all
}

/// All rows of the Parquet files in a directory, in order of names.
pub(crate) fn rows(dir: &Path) -> Vec<RecordBatch> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let open = |path| ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
    files.into_iter().flat_map(open).map(Result::unwrap).collect()
}

/// A string column of such rows; null is "".
pub(crate) fn strings(batches: &[RecordBatch], name: &str) -> Vec<String> {
    let column = |batch: &RecordBatch| {
        let values = batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        (0..values.len()).map(move |i| if values.is_valid(i) { values.value(i).to_owned() } else { String::new() })
    };
    batches.iter().flat_map(column).collect()
}

pub(crate) fn manifest(out: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap()
}

/// Compressed, or put into an archive.
pub(crate) fn zstd(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

pub(crate) fn bzip2(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

pub(crate) fn tar(members: &[(&str, String)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        // By bytes: the library would refuse to write a name that leads upwards.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Stored members.
pub(crate) fn zip(members: &[(&str, String)]) -> Vec<u8> {
    let (mut all, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in members {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let numbers = [crc.sum(), text.len() as u32, text.len() as u32, name.len() as u32].map(u32::to_le_bytes).concat();
        let at = (all.len() as u32).to_le_bytes();
        all.extend([b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0", &numbers[..], name.as_bytes(), text.as_bytes()].concat());
        directory.extend([b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0", &numbers[..], &[0; 10], &at, name.as_bytes()].concat());
    }
    let (at, bytes, count) =
        ((all.len() as u32).to_le_bytes(), (directory.len() as u32).to_le_bytes(), (members.len() as u16).to_le_bytes());
    [&all[..], &directory, b"PK\x05\x06\0\0\0\0", &count, &count, &bytes, &at, &[0, 0]].concat()
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    gzip_of(text.as_bytes())
}

pub(crate) fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}
