//! `seimai export jsonl RUN… -o FILE`.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use flate2::write::GzEncoder;

use crate::cli::common::{Common, Outcome, STDOUT};
use crate::cli::record_columns::RecordColumns;
use crate::cli::{parts, signals, ui};
use crate::error::{Error, Result};
use crate::io::{Place, StagedFile, Staging, TableReader, open_table, table_metadata};
use crate::pipeline::observer::{Progress, Quantity};

/// Rows of a batch; texts may be long.
const BATCH_ROWS: usize = 256;

/// Kept documents as JSON Lines, the records that this program reads
///
/// {"id", "text", "source", "url", "license", "date", "meta"}: url and what follows only where the document has it. Texts are normalised and
/// masked as the run left them; measures, registers and clusters stay in documents/. `seimai run` and `seimai filter` read the file with
/// the same ids.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai export jsonl out -o kept.jsonl.zst
  seimai export jsonl out/documents/part-00000.parquet -o - | head -n 1")]
pub(in crate::cli) struct Arguments {
    /// Finished runs, directories of documents parts, or documents parts
    #[arg(required = true, value_name = "DOCUMENTS")]
    documents: Vec<PathBuf>,
    /// The file, compressed if it ends in .zst or .gz; - for standard output
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let paths = parts::all_files(&arguments.documents, parts::DOCUMENTS)?;
    let mut total = 0;
    for path in &paths {
        total += u64::try_from(table_metadata(path).map_err(|e| no_part(path, e))?.file_metadata().num_rows()).unwrap_or(0);
    }
    let observer = ui::observer(common);
    let mut out = Output::open(&arguments.output)?;
    let progress = Progress::start(observer.as_ref(), "export", Quantity::Documents, total);
    let (mut documents, mut bytes) = (0, 0);
    for path in &paths {
        for batch in open(path)? {
            signals::stop().check()?;
            let batch = batch?;
            let columns = RecordColumns::of(&batch)?;
            let mut lines = String::new();
            for row in 0..batch.num_rows() {
                lines.push_str(&columns.line(row).finish());
                lines.push('\n');
            }
            out.write(lines.as_bytes())?;
            documents += batch.num_rows() as u64;
            bytes += lines.len() as u64;
            progress.add(batch.num_rows() as u64, batch.num_rows() as u64, lines.len() as u64);
        }
    }
    out.finish(&arguments.output)?;
    progress.finish();
    if !common.quiet {
        let _ = writeln!(std::io::stderr(), "{} documents, {}", ui::thousands(documents), ui::bytes(bytes));
    }
    Ok(Outcome::Done)
}

/// Opens a documents part.
fn open(path: &Path) -> Result<TableReader> {
    let names = RecordColumns::ALL.map(|column| column.name);
    let table = open_table(path, Some(&names), BATCH_ROWS).map_err(|e| no_part(path, e))?;
    let schema = table.schema();
    let missing =
        names.into_iter().find(|name| schema.field_with_name(name).map(|field| field.data_type().clone()).ok() != Some(DataType::Utf8));
    match missing {
        None => Ok(table),
        Some(name) => Err(no_part(path, Error::damaged(path, format!("it has no column {name} of strings")))),
    }
}

fn no_part(path: &Path, error: Error) -> Error {
    match error {
        Error::Damaged { message, .. } => Error::refused_with_hint(
            format!("{}: not a documents part: {message}", path.display()),
            "give a finished run, its documents directory, or Parquet files of it",
        ),
        other => other,
    }
}

/// Where the lines go. A file gets its name when it is whole.
enum Output {
    Stdout(BufWriter<std::io::StdoutLock<'static>>),
    Plain(StagedFile, Place),
    Gzip(GzEncoder<StagedFile>, Place),
    Zstd(zstd::Encoder<'static, StagedFile>, Place),
}

impl Output {
    fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(BufWriter::new(std::io::stdout().lock())));
        }
        let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
            return Err(Error::refused(format!("{}: a directory, not a file", path.display())));
        };
        let (staging, place) = Staging::for_file(path)?;
        let file = staging.create(&format!("{}-{}", name.to_string_lossy(), std::process::id()))?;
        Ok(match path.extension().and_then(std::ffi::OsStr::to_str) {
            Some("gz") => Self::Gzip(GzEncoder::new(file, flate2::Compression::default()), place),
            Some("zst") => Self::Zstd(zstd::Encoder::new(file, 3).map_err(|e| Error::io(path, "compress", e))?, place),
            _ => Self::Plain(file, place),
        })
    }

    fn write(&mut self, lines: &[u8]) -> Result<()> {
        let (written, path) = match self {
            Self::Stdout(out) => (out.write_all(lines), Path::new(STDOUT)),
            Self::Plain(file, _) => (file.write_all(lines), file.path()),
            Self::Gzip(file, _) => (file.write_all(lines), file.get_ref().path()),
            Self::Zstd(file, _) => (file.write_all(lines), file.get_ref().path()),
        };
        written.map_err(|e| Error::io(path, "write", e))
    }

    fn finish(self, path: &Path) -> Result<()> {
        let failed = |e| Error::io(path, "write", e);
        let (file, place) = match self {
            Self::Stdout(mut out) => return out.flush().map_err(|e| Error::io(STDOUT, "write", e)),
            Self::Plain(file, place) => (file, place),
            Self::Gzip(file, place) => (file.finish().map_err(failed)?, place),
            Self::Zstd(file, place) => (file.finish().map_err(failed)?, place),
        };
        file.commit(&place).map(|_| ())
    }
}
