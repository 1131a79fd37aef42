//! The first pass: where do the work shards begin? The inputs are decompressed and passed over once; their records are read later.
//!
//! Runs of inputs that no shard reaches over are framed side by side; a large file that falls into pieces is decoded by all threads and framed by
//! one. The table is that of one walk over all.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::context::Context;
use super::layout::pass;
use super::observer::{Event, Progress, Quantity};
use super::pool::{Ahead, Work};
use super::share::{Halt, Lacking, Progressed, Task};
use crate::corpus::{self, DecodedPiece, Framer, Pieces, ReadAhead, ShardRef};
use crate::error::{Error, Result};

/// Bytes from which on a file is decoded by all threads.
const LARGE: u64 = 16 << 20;
/// The same where there is little beside it: a smaller file may be most of what there is.
const SMALL: u64 = 1 << 20;
/// A file that is so many-th of a thread's share of all bytes would leave others with nothing to do at the end.
const OF_SHARE: u64 = 4;
/// Pieces that are decoded and wait, a thread: what they hold is within its share of memory.
const AHEAD: usize = 2;

/// How often a process that waits for the table of another looks whether it is there.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the pass, or reads what it found before. Of several processes that begin together one works on it; the others wait, for there is nothing
/// else that they could do.
pub(super) fn run(context: &Context<'_>) -> Progressed<Vec<ShardRef>> {
    let (work, started) = (&context.store.work, Instant::now());
    let claim = loop {
        if context.store.is_framed()? {
            return match &context.together.task {
                Task::Unit { pass, .. } if pass == pass::FRAME => Err(Halt::Done(false)),
                task => {
                    if matches!(task, Task::All | Task::Share(_)) {
                        context.observer.on_event(&Event::PassSkipped { pass: pass::FRAME, units: 1 });
                    }
                    Ok(context.store.shards()?)
                }
            };
        }
        match &context.together.task {
            Task::All => break None,
            Task::Look => return Err(missing(context)),
            Task::Unit { pass, .. } if pass != pass::FRAME && started.elapsed() >= context.together.patience => {
                return Err(missing(context));
            }
            Task::Unit { pass, .. } if pass != pass::FRAME => {
                context.stop.pause(LOOK)?;
                continue;
            }
            Task::Unit { .. } | Task::Share(_) => {}
        }
        match work.claim(pass::FRAME)? {
            Some(_) if context.store.is_framed()? => {}
            Some(claim) => break Some(claim),
            None => context.stop.pause(LOOK)?,
        }
    };
    let shards = find(context)?;
    drop(claim);
    match context.together.task {
        Task::Unit { .. } => Err(Halt::Done(true)),
        _ => Ok(shards),
    }
}

/// The table is one unit.
fn missing(context: &Context<'_>) -> Halt {
    let bytes = context.store.inputs.files.iter().map(|input| input.bytes).sum();
    let units = vec![(context.store.frame_unit().to_owned(), bytes)];
    Halt::Lacking(Lacking { pass: pass::FRAME, units, of: 1, in_other_hands: false })
}

/// Passes over the inputs, and keeps the table.
fn find(context: &Context<'_>) -> Result<Vec<ShardRef>> {
    let inputs = &context.store.inputs.files;
    let total = inputs.iter().map(|input| input.bytes).sum();
    let progress = Progress::start(context.observer, pass::FRAME, Quantity::Bytes, total);
    // A limit counts from the first record on.
    let spans = if context.plan().input.limit.is_some() { std::iter::once(0..inputs.len()).collect() } else { corpus::spans(inputs) };
    let found: Vec<Mutex<Vec<ShardRef>>> = spans.iter().map(|_| Mutex::default()).collect();
    let keep =
        |span: usize, shards| found[span].lock().map(|mut slot| *slot = shards).map_err(|_| Error::internal("another worker panicked"));
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for (number, span) in spans.iter().enumerate() {
        match pieces(context, span, total)? {
            Some(pieces) => alone.push((number, pieces)),
            None => together.push(number),
        }
    }
    let mut next = together.into_iter();
    context.pool.for_each(context.stop, &mut || Ok(next.next()), &|| (), &|(), number: usize| {
        keep(number, frame(context, &progress, context.store.framer(context.stages).over(spans[number].clone()))?)
    })?;
    for (number, pieces) in alone {
        let ahead = Arc::new(PiecesAhead(ahead(context.pool.threads() * AHEAD, pieces, inputs[spans[number].start].path.clone())));
        let framer = context.store.framer(context.stages).over(spans[number].clone()).reading_ahead(Arc::<PiecesAhead>::clone(&ahead));
        keep(number, context.pool.with_ahead(&ahead.0, || frame(context, &progress, framer))?)?;
    }
    let shards = stitch(found.into_iter().map(|slot| slot.into_inner().unwrap_or_default()));
    // A table of inputs that are not those of this run must not be committed.
    context.store.inputs.check_unchanged(0..inputs.len() as u32)?;
    context.store.commit_frame(&shards)?;
    context.took(pass::FRAME, progress.finish());
    Ok(shards)
}

/// The pieces of a file that is a span of its own, and large, or a large part of all `total` bytes.
fn pieces(context: &Context<'_>, span: &Range<usize>, total: u64) -> Result<Option<Pieces>> {
    let file = &context.store.inputs.files[span.start];
    let threads = context.pool.threads() as u64;
    let is_large = file.bytes >= LARGE || file.bytes >= SMALL && file.bytes.saturating_mul(threads * OF_SHARE) > total;
    if span.len() > 1 || !is_large || threads == 1 {
        return Ok(None);
    }
    corpus::pieces(file)
}

/// Pieces decoded by workers.
struct PiecesAhead(Ahead<DecodedPiece>);

impl ReadAhead for PiecesAhead {
    fn next_piece(&self) -> Result<Option<DecodedPiece>> {
        self.0.take()
    }
}

fn ahead(most: usize, mut pieces: Pieces, path: PathBuf) -> Ahead<DecodedPiece> {
    Ahead::new(most, move || {
        let piece = pieces.next_piece().map_err(|e| Error::io(&path, "read", e))?;
        Ok(piece.map(|piece| Box::new(|| piece.decode()) as Work<DecodedPiece>))
    })
}

/// The shards of a span.
fn frame(context: &Context<'_>, progress: &Progress<'_>, mut framer: Framer) -> Result<Vec<ShardRef>> {
    let (mut shards, mut told) = (Vec::new(), 0);
    while let Some(shard) = framer.next_ref()? {
        context.stop.check()?;
        let consumed = framer.consumed();
        progress.add(consumed - told, shard.records, shard.bytes);
        told = consumed;
        shards.push(shard);
    }
    progress.add(framer.consumed() - told, 0, 0);
    Ok(shards)
}

/// The shards of all spans, numbered as one walk would.
fn stitch(spans: impl Iterator<Item = Vec<ShardRef>>) -> Vec<ShardRef> {
    let (mut all, mut before): (Vec<ShardRef>, u64) = (Vec::new(), 0);
    for shard in spans.flatten() {
        let index = all.len() as u64;
        all.push(ShardRef { index, before, ..shard });
        before += all.last().map_or(0, |shard| shard.records);
    }
    all
}
