//! `seimai.Pack`: a finished pack, its rows as they lie in the mapped files.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use seimai::pack;
use seimai::pack::format::{TokenType, has_narrow_ends};
use seimai::pack::view::PackView;

use crate::buffer::{Buffer, Holder, Item};
use crate::errors::{About, OrRaise, carry_out, format_error};

/// A finished pack. Opening reads `pack.json` and the headers only, whatever the size of the files. The maps stay valid when the files
/// are replaced (a run replaces files by renaming) or removed.
#[pyclass(frozen, module = "seimai")]
pub(crate) struct Pack {
    pack: Arc<pack::Pack>,
    path: PathBuf,
}

/// A part of a pack: the sections of one file.
#[pyclass(frozen, module = "seimai")]
pub(crate) struct PackPart {
    pack: Arc<pack::Pack>,
    part: usize,
}

/// A section of a part.
#[derive(Debug, Clone, Copy)]
enum Section {
    Tokens,
    RowPtr,
    PieceEnd,
    PieceSrc,
}

/// Keeps the maps of a pack while a buffer points into them.
struct Mapped {
    pack: Arc<pack::Pack>,
    part: usize,
    section: Section,
}

impl Holder for Mapped {
    fn bytes(&self) -> &[u8] {
        // The part was read when the pack was opened.
        self.pack.part(self.part).map_or(&[], |view| section(&view, self.section))
    }
}

fn section<'a>(view: &PackView<'a>, section: Section) -> &'a [u8] {
    match section {
        Section::Tokens => view.token_bytes(),
        Section::RowPtr => view.row_ptr_bytes(),
        Section::PieceEnd => view.piece_end_bytes(),
        Section::PieceSrc => view.piece_src_bytes(),
    }
}

impl Pack {
    /// The pack as the crate has it, and its directory.
    pub(crate) fn opened(&self) -> (Arc<pack::Pack>, PathBuf) {
        (Arc::clone(&self.pack), self.path.clone())
    }
}

#[pymethods]
impl Pack {
    /// Opens the directory of a pack, or of a run that has one.
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let inner = path.join("pack");
        let path = if !path.join("pack.json").exists() && inner.join("pack.json").exists() { inner } else { path };
        let pack = carry_out(py, About::Format, || pack::Pack::open(&path))?;
        Ok(Self { pack: Arc::new(pack), path })
    }

    /// The directory.
    #[getter]
    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// `pack.json`, as text.
    #[getter]
    fn json(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(self.pack.info()).map_err(|e| format_error(py, &e.to_string()))
    }

    /// Tokens a row.
    #[getter]
    fn sequence_length(&self) -> u32 {
        self.pack.info().sequence_length
    }

    /// Rows of all parts.
    #[getter]
    fn rows(&self) -> u64 {
        self.pack.info().totals.rows
    }

    /// `uint16` or `int32`.
    #[getter]
    fn token_dtype(&self) -> String {
        self.pack.info().token_dtype.clone()
    }

    /// Ids are below this.
    #[getter]
    fn vocab_size(&self) -> u32 {
        self.pack.info().vocab_size
    }

    /// The id that ends each document.
    #[getter]
    fn eos_id(&self) -> u32 {
        self.pack.info().eos_id
    }

    /// The id that fills rows.
    #[getter]
    fn pad_id(&self) -> u32 {
        self.pack.info().pad_id
    }

    /// BLAKE3 of the tokenizer.json it was made with, hex.
    #[getter]
    fn tokenizer_blake3(&self) -> String {
        self.pack.info().tokenizer_blake3.clone()
    }

    /// Digest of what that file means, hex ([`Tokenizer.content_blake3`]); `None` in packs made before there was one.
    #[getter]
    fn tokenizer_content_blake3(&self) -> Option<String> {
        self.pack.info().tokenizer_content_blake3.clone()
    }

    /// Fingerprint of the plan it was made with, hex.
    #[getter]
    fn plan_fingerprint(&self) -> String {
        self.pack.info().plan_fingerprint.clone()
    }

    /// Paths of the token shards that it is made of; an origin is an index into this list.
    #[getter]
    fn shards(&self) -> Vec<String> {
        self.pack.info().shards.iter().map(|shard| shard.name.clone()).collect()
    }

    /// The parts, in order of their rows.
    #[getter]
    fn parts(&self) -> Vec<PackPart> {
        (0..self.pack.info().parts.len()).map(|part| PackPart { pack: Arc::clone(&self.pack), part }).collect()
    }

    /// Row pointers of the pieces: where each token of a document stands, as (row of the pack, first column, column after the last).
    #[pyo3(signature = (shard, row))]
    fn locate(&self, py: Python<'_>, shard: u32, row: u32) -> PyResult<Vec<(u64, u32, u32)>> {
        let pieces = carry_out(py, About::Format, || self.pack.locate(shard, row))?;
        Ok(pieces.into_iter().map(|piece| (piece.row, piece.start, piece.end)).collect())
    }

    /// Checks everything that the format promises; reads all of it.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        carry_out(py, About::Format, || self.pack.verify())
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.rows()).unwrap_or(usize::MAX)
    }

    fn __repr__(&self) -> String {
        let info = self.pack.info();
        format!("<seimai.Pack {}: {} rows of {} {}>", self.path.display(), info.totals.rows, info.sequence_length, info.token_dtype)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let path = std::path::absolute(&slf.get().path).unwrap_or_else(|_| slf.get().path.clone());
        Ok((slf.get_type().into_any(), PyTuple::new(slf.py(), [path])?))
    }
}

impl PackPart {
    fn view(&self, py: Python<'_>) -> PyResult<PackView<'_>> {
        self.pack.part(self.part).or_raise(py, About::Format)
    }

    fn buffer(&self, py: Python<'_>, section: Section, item: Item, shape: &[usize]) -> PyResult<Buffer> {
        let holder = Arc::new(Mapped { pack: Arc::clone(&self.pack), part: self.part, section });
        Buffer::new(holder, item, shape).ok_or_else(|| format_error(py, "a section of the pack has not as many items as its header says"))
    }
}

#[pymethods]
impl PackPart {
    /// Name of the file.
    #[getter]
    fn name(&self) -> String {
        self.pack.info().parts[self.part].name.clone()
    }

    /// Index of its first row in the pack.
    #[getter]
    fn first_row(&self) -> u64 {
        self.pack.info().parts[self.part].first_row
    }

    /// Its rows.
    #[getter]
    fn rows(&self) -> u64 {
        self.pack.info().parts[self.part].totals.rows
    }

    /// Its pieces.
    #[getter]
    fn pieces(&self) -> u64 {
        self.pack.info().parts[self.part].totals.pieces
    }

    /// Tokens without padding, EOS included.
    #[getter]
    fn n_tokens(&self) -> u64 {
        self.pack.info().parts[self.part].totals.tokens
    }

    /// The tokens, rows × S, uint16 or int32: a view of the mapped file.
    #[getter]
    fn tokens(&self, py: Python<'_>) -> PyResult<Buffer> {
        let header = self.view(py)?.header().clone();
        let item = match header.token_type {
            TokenType::Uint16 => Item::U16,
            TokenType::Int32 => Item::I32,
        };
        self.buffer(py, Section::Tokens, item, &[header.rows as usize, header.sequence_length as usize])
    }

    /// First piece of each row, uint32 × (rows + 1); the last is the number of pieces.
    #[getter]
    fn row_ptr(&self, py: Python<'_>) -> PyResult<Buffer> {
        let rows = self.view(py)?.header().rows as usize;
        self.buffer(py, Section::RowPtr, Item::U32, &[rows + 1])
    }

    /// Column after the last of each piece, uint16 (rows of at most 65,535 tokens) or uint32.
    #[getter]
    fn piece_ends(&self, py: Python<'_>) -> PyResult<Buffer> {
        let header = self.view(py)?.header().clone();
        let item = if has_narrow_ends(header.sequence_length) { Item::U16 } else { Item::U32 };
        self.buffer(py, Section::PieceEnd, item, &[header.pieces as usize])
    }

    /// Origin of each piece, uint32 × 4: token shard, row in it, first token, flags (1 first piece, 2 last piece).
    #[getter]
    fn sources(&self, py: Python<'_>) -> PyResult<Buffer> {
        let pieces = self.view(py)?.header().pieces as usize;
        self.buffer(py, Section::PieceSrc, Item::U32, &[pieces, 4])
    }

    fn __len__(&self) -> usize {
        usize::try_from(self.rows()).unwrap_or(usize::MAX)
    }

    fn __repr__(&self) -> String {
        format!("<seimai.PackPart {}: {} rows>", self.name(), self.rows())
    }
}

/// Opens the directory of a pack, or of a run that has one.
#[pyfunction]
fn open_pack(py: Python<'_>, path: PathBuf) -> PyResult<Pack> {
    Pack::new(py, path)
}

/// Adds the classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Pack>()?;
    module.add_class::<PackPart>()?;
    module.add_function(wrap_pyfunction!(open_pack, module)?)
}
