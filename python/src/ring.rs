//! What `seimai.torch` calls: rows of a pack as batches, read on demand or by a thread ahead of their use, in an order that is a
//! formula; and the packing of documents that are in memory.

mod feed;
mod fill;
mod memory;
mod schedule;

use std::ffi::{c_int, c_void};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use seimai::pack;
use seimai::pack::format::TokenType;
use seimai::pack::gather::{Labels, Width};
use seimai::pack::layout::{Layout, ShardLengths};
use seimai::pack::order;

use self::feed::{Ahead, Feed, Pool, Ready, Source};
use self::fill::{Arrays, Filled, Parts, RawRows, Shape, Wanted};
use self::memory::Memory;
use self::schedule::{POSITION_MAX, Schedule};
use crate::errors::{About, OrRaise};
use crate::pack::Pack;

/// Memory that a reader keeps for its next batches.
const KEPT: usize = 4;

/// The order in which rows are read: a formula for every epoch, in both directions.
#[pyclass(frozen, module = "seimai._core")]
struct RowOrder {
    order: order::RowOrder,
}

#[pymethods]
impl RowOrder {
    /// `block` is the number of rows that stay together; 0: the order of the pack.
    #[new]
    fn new(rows: u64, seed: u64, block: u64) -> Self {
        Self { order: order::RowOrder::new(rows, seed, NonZeroU64::new(block)) }
    }

    /// The rows at `count` positions of the stream of rows from `start` on.
    fn rows(&self, py: Python<'_>, start: u64, count: u64) -> PyResult<Vec<u64>> {
        let fits = start.checked_add(count).is_some_and(|end| end <= POSITION_MAX);
        fits.then_some(()).ok_or_else(|| PyValueError::new_err("a position of the stream of rows is below 2^62"))?;
        Ok(py.detach(|| schedule::rows(&self.order, start, count)))
    }

    /// The position at which a row is read in an epoch.
    fn position(&self, row: u64, epoch: u64) -> PyResult<u64> {
        let rows = self.order.rows();
        if row >= rows {
            return Err(PyValueError::new_err(format!("row {row} is not in the pack: it has {rows} rows")));
        }
        let start = epoch.checked_mul(rows).filter(|start| *start < POSITION_MAX);
        let start = start.ok_or_else(|| PyValueError::new_err("a position of the stream of rows is below 2^62"))?;
        Ok(start + self.order.epoch(epoch).position(row))
    }
}

/// Reads rows of a pack as batches of chosen arrays.
#[pyclass(frozen, module = "seimai._core")]
struct PackedReader {
    pack: Arc<pack::Pack>,
    directory: PathBuf,
    wanted: Wanted,
    pool: Arc<Pool>,
}

#[pymethods]
impl PackedReader {
    /// `columns` are names of what is wanted, or `["tokens"]` for what a kernel needs; `labels` is shifted or unshifted; `dtype` int32
    /// or int64.
    #[new]
    fn new(pack: &Bound<'_, Pack>, columns: Vec<String>, labels: &str, dtype: &str) -> Self {
        let is_raw = columns.iter().any(|column| column == "tokens");
        let wanted = if is_raw { Wanted::Raw } else { chosen(&columns, labels, dtype) };
        let (pack, directory) = pack.get().opened();
        Self { pack, directory, wanted, pool: Arc::new(Pool::new(vec![], KEPT)) }
    }

    /// The rows as a batch.
    fn read(&self, py: Python<'_>, rows: Vec<u64>) -> PyResult<PackedBatch> {
        let filled = py.detach(|| {
            let arrays = Arrays::new(Shape::of(&self.pack), &self.wanted, rows.len())?;
            let mut memory = self.pool.take(arrays.bytes)?;
            let filled = arrays.fill(&mut Parts::new(&self.pack, &self.directory), &rows, memory.bytes_mut())?;
            Ok((arrays, Ready { memory, filled, consumed: 0 }))
        });
        let (arrays, ready) = filled.or_raise(py, About::Input)?;
        Ok(PackedBatch::new(ready, &arrays, &self.pool))
    }

    /// Bytes of memory that a batch of so many rows takes.
    fn batch_bytes(&self, py: Python<'_>, rows: usize) -> PyResult<usize> {
        Arrays::new(Shape::of(&self.pack), &self.wanted, rows).or_raise(py, About::Input).map(|arrays| arrays.bytes)
    }

    /// Starts a thread that reads ahead. `start` rows of the whole job are passed over; then come `steps` steps of `global_batch`
    /// rows, of which this is rank `rank` of `world_size`, in batches of `batch_rows`; of those, every `every`-th from `first` on, up
    /// to `depth` of them before they are asked for. Batches are written into `buffers`, or, if there are none, into memory of the ring.
    #[pyo3(signature = (order, *, global_batch, rank, world_size, batch_rows, start, steps, first, every, depth, buffers))]
    #[expect(clippy::too_many_arguments, reason = "all of them are named where they are given")]
    fn ring(
        &self,
        py: Python<'_>,
        order: &Bound<'_, RowOrder>,
        global_batch: u64,
        rank: u64,
        world_size: u64,
        batch_rows: u64,
        start: u64,
        steps: u64,
        first: u64,
        every: u64,
        depth: usize,
        buffers: Vec<PyBuffer<u8>>,
    ) -> PyResult<Ring> {
        let of_rank = global_batch.checked_div(world_size).unwrap_or(0);
        let divides = |part: u64, whole: u64| part > 0 && whole > 0 && whole.is_multiple_of(part);
        if !divides(world_size, global_batch) || !divides(batch_rows, of_rank) || rank >= world_size || every == 0 || depth == 0 {
            return Err(PyValueError::new_err("a batch of all ranks is divided into equal batches"));
        }
        let order = order.get().order.clone();
        if order.rows() != self.pack.info().totals.rows || order.rows() == 0 {
            return Err(PyValueError::new_err("the order is not that of the rows of the pack, or it has no rows"));
        }
        let batches_a_step = of_rank / batch_rows;
        let schedule = Schedule {
            order,
            global_batch,
            rank_offset: rank * of_rank,
            batches_a_step,
            batch_rows,
            start,
            batches: steps.saturating_mul(batches_a_step),
        };
        let arrays = Arrays::new(Shape::of(&self.pack), &self.wanted, usize::try_from(batch_rows)?).or_raise(py, About::Input)?;
        let lent: Option<Vec<Memory>> =
            buffers.into_iter().map(|buffer| Memory::lent(buffer).filter(|lent| lent.len() >= arrays.bytes)).collect();
        let lent = lent.ok_or_else(|| PyBufferError::new_err(format!("a buffer is not writable, or has not {} bytes", arrays.bytes)))?;
        let pool = Arc::new(Pool::new(lent, depth + 1));
        let source = Source { pack: Arc::clone(&self.pack), directory: self.directory.clone(), arrays: arrays.clone() };
        let feed = Feed::start(source, Ahead { schedule, first, every, depth }, Arc::clone(&pool)).or_raise(py, About::Input)?;
        Ok(Ring { feed: Mutex::new(Some(feed)), pool, arrays })
    }
}

/// The columns of these names.
fn chosen(columns: &[String], labels: &str, dtype: &str) -> Wanted {
    let has = |name: &str| columns.iter().any(|column| column == name);
    Wanted::Columns {
        input_ids: has("input_ids"),
        labels: has("labels"),
        position_ids: has("position_ids"),
        segment_ids: has("segment_ids"),
        rule: if labels == "shifted" { Labels::Shifted } else { Labels::Unshifted },
        width: if dtype == "int32" { Width::Narrow } else { Width::Wide },
    }
}

/// Raw rows that another process read → columns.
#[pyclass(frozen, module = "seimai._core")]
struct RawExpander {
    shape: Shape,
    wanted: Wanted,
    pool: Arc<Pool>,
}

#[pymethods]
impl RawExpander {
    /// For rows of a pack of this `sequence_length`, with tokens of `token_dtype` (uint16 or int32); the rest as for `PackedReader`.
    #[new]
    fn new(sequence_length: u32, token_dtype: &str, columns: Vec<String>, labels: &str, dtype: &str) -> PyResult<Self> {
        let token_type = [TokenType::Uint16, TokenType::Int32].into_iter().find(|known| known.name() == token_dtype);
        let token_type = token_type.ok_or_else(|| PyValueError::new_err(format!("tokens are uint16 or int32, not {token_dtype}")))?;
        // Whoever read the rows has looked for foreign tokens.
        let shape = Shape { sequence_length, vocab_size: u32::MAX, token_type };
        Ok(Self { shape, wanted: chosen(&columns, labels, dtype), pool: Arc::new(Pool::new(vec![], KEPT)) })
    }

    /// The arrays of a raw batch, as bytes, as a batch of the columns.
    fn expand(&self, py: Python<'_>, tokens: &[u8], row_ptr: &[u8], piece_end: &[u8], rows: &[u8]) -> PyResult<PackedBatch> {
        let raw = RawRows { tokens, row_ptr, piece_end, rows };
        let filled = py.detach(|| {
            let arrays = Arrays::new(self.shape, &self.wanted, rows.len() / 8)?;
            let mut memory = self.pool.take(arrays.bytes)?;
            Ok(arrays.expand(&raw, memory.bytes_mut()).map(|filled| (arrays, Ready { memory, filled, consumed: 0 })))
        });
        let (arrays, ready) = filled.or_raise(py, About::Input)?.ok_or_else(|| PyValueError::new_err("these are no rows of a pack"))?;
        Ok(PackedBatch::new(ready, &arrays, &self.pool))
    }
}

/// Batches in order, read by a thread ahead of their use.
#[pyclass(frozen, module = "seimai._core")]
struct Ring {
    feed: Mutex<Option<Feed>>,
    pool: Arc<Pool>,
    arrays: Arrays,
}

#[pymethods]
impl Ring {
    /// The next batch; `None` behind the last. Waits without the GIL; Ctrl-C is heard.
    fn next(&self, py: Python<'_>) -> PyResult<Option<PackedBatch>> {
        loop {
            let next = py.detach(|| {
                let feed = self.feed.lock().unwrap_or_else(PoisonError::into_inner);
                match feed.as_ref() {
                    Some(feed) if !feed.is_foreign() => Ok(feed.next()),
                    _ => Err(
                        "the ring was closed, or belongs to the process that this one was forked from: a thread does not survive a fork",
                    ),
                }
            });
            match next.map_err(PyRuntimeError::new_err)? {
                None => return Ok(None),
                Some(Poll::Ready(ready)) => {
                    return Ok(Some(PackedBatch::new(ready.or_raise(py, About::Input)?, &self.arrays, &self.pool)));
                }
                Some(Poll::Pending) => py.check_signals()?,
            }
        }
    }

    /// Ends the thread; batches that were given stay valid.
    fn close(&self, py: Python<'_>) {
        let take = || self.feed.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(take()));
    }
}

/// A batch: memory that is lent to Python, and used again once nothing there refers to it any more.
#[pyclass(frozen, module = "seimai._core")]
struct PackedBatch {
    memory: Mutex<Option<Memory>>,
    address: usize,
    bytes: usize,
    pool: Arc<Pool>,
    process: u32,
    arrays: Vec<(&'static str, &'static str, usize, usize)>,
    filled: Filled,
    consumed: u64,
}

impl PackedBatch {
    fn new(ready: Ready, arrays: &Arrays, pool: &Arc<Pool>) -> Self {
        let Ready { memory, filled, consumed } = ready;
        Self {
            address: memory.address().addr(),
            bytes: memory.len(),
            memory: Mutex::new(Some(memory)),
            pool: Arc::clone(pool),
            process: std::process::id(),
            arrays: arrays.of(&filled).map(|array| (array.name, array.dtype, array.offset, array.items)).collect(),
            filled,
            consumed,
        }
    }
}

#[pymethods]
impl PackedBatch {
    /// What it holds: name, numpy's name of the items, offset in bytes, items.
    #[getter]
    fn arrays(&self) -> Vec<(&'static str, &'static str, usize, usize)> {
        self.arrays.clone()
    }

    /// The longest segment.
    #[getter]
    fn max_seqlen(&self) -> u32 {
        self.filled.max_seqlen
    }

    /// The most pieces that a row has.
    #[getter]
    fn max_pieces(&self) -> usize {
        self.filled.max_pieces
    }

    /// Rows of the whole job that are consumed once this batch is.
    #[getter]
    fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Lends the bytes; whoever has the view has the batch.
    #[expect(unsafe_code, reason = "the buffer protocol is written through a raw pointer")]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        let this = slf.get();
        let start = std::ptr::with_exposed_provenance_mut::<c_void>(this.address);
        let object = slf.clone().into_ptr();
        // SAFETY: so many bytes from `start` on belong to the batch, which the view keeps alive; nobody writes them before its end.
        let filled = unsafe { ffi::PyBuffer_FillInfo(view, object, start, this.bytes.cast_signed(), 0, flags) };
        // SAFETY: the view has a reference of its own.
        unsafe { ffi::Py_DecRef(object) };
        if filled == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

impl Drop for PackedBatch {
    fn drop(&mut self) {
        let memory = self.memory.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.process == std::process::id() {
            if let Some(memory) = memory {
                self.pool.give(memory);
            }
        } else {
            // A fork has a copy of the memory, but the lock of the pool may have been held when it was made.
            std::mem::forget(memory);
        }
    }
}

/// Packs documents of so many tokens, each followed by one EOS, into rows: first piece of each row, and for each piece the column
/// behind it, its document, and its first token in it; all int32, as bytes.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "four arrays")]
fn plan_rows(
    py: Python<'_>,
    lengths: Vec<u32>,
    sequence_length: u32,
) -> PyResult<(Bound<'_, PyBytes>, Bound<'_, PyBytes>, Bound<'_, PyBytes>, Bound<'_, PyBytes>)> {
    let longest = pack::format::SEQUENCE_LENGTH_MAX;
    if sequence_length == 0 || sequence_length > longest {
        return Err(PyValueError::new_err(format!("sequence_length is 1 to {longest}, not {sequence_length}")));
    }
    let known = lengths.iter().all(|length| i32::try_from(*length).is_ok());
    let pieces: u64 =
        lengths.iter().map(|length| u64::from(pack::layout::pieces_of(*length & i32::MAX.cast_unsigned(), sequence_length))).sum();
    if !known || i32::try_from(pieces).is_err() {
        return Err(PyValueError::new_err("a document has at most 2^31 - 1 tokens, and a plan 2^31 - 1 pieces"));
    }
    let [row_ptr, ends, documents, offsets] = py.detach(|| {
        let shard = ShardLengths { index: 0, lengths };
        let layout = Layout::new(sequence_length, &[&[shard]], None);
        let bytes = |values: &mut dyn Iterator<Item = u32>| values.flat_map(u32::to_ne_bytes).collect::<Vec<u8>>();
        let documents = bytes(&mut layout.origins().map(|source| source.row));
        let offsets = bytes(&mut layout.origins().map(|source| source.offset));
        [bytes(&mut layout.row_ptr.iter().copied()), bytes(&mut layout.ends()), documents, offsets]
    });
    let python = |bytes: Vec<u8>| PyBytes::new(py, &bytes);
    Ok((python(row_ptr), python(ends), python(documents), python(offsets)))
}

/// Adds the classes to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<RowOrder>()?;
    module.add_class::<PackedReader>()?;
    module.add_class::<RawExpander>()?;
    module.add_class::<Ring>()?;
    module.add_class::<PackedBatch>()?;
    module.add_function(wrap_pyfunction!(plan_rows, module)?)
}
