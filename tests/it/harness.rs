//! Runs the program in a directory of its own and reads what it left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A directory with the program at hand.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
}

/// Says that a test could not do its work here.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skipped(test: &str, what: &str) {
    eprintln!("skipped: {test} needs {what} (not found)");
}

/// The checkout.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Is IPADIC installed? Without it nothing can be segmented, and the runs are skipped.
pub(crate) fn has_ipadic(test: &str) -> bool {
    let found = seimai::segment::store::locate("ipadic").is_ok();
    if !found {
        skipped(test, "the dictionary ipadic (seimai dictionary fetch ipadic)");
    }
    found
}

impl World {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
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
        command.current_dir(self.dir.path()).args(arguments);
        command
    }

    /// Runs the program; (exit code, stdout, stderr).
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        said(&self.seimai(arguments).output().unwrap())
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
            } else if name != "run.json" {
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
