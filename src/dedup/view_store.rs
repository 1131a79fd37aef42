//! Views of documents, put aside in blocks: a stretch of one is compared without the rest of it.

use crate::dedup::marks::{Marks, Placed};
use crate::dedup::piece::PieceCorpus;
use crate::dedup::view;
use crate::error::{Error, Result};
use crate::io::{Chunk, Scratch};
use crate::stage::in_parallel;

/// Code points of a block.
const BLOCK: usize = 1 << 12;
/// Blocks that a reader holds.
const HELD: usize = 32;

/// Views by ordinal.
#[derive(Debug)]
pub(crate) struct ViewStore {
    scratch: Scratch,
    documents: Placed,
    /// For each document the number of its first block, and that of all blocks.
    firsts: Vec<usize>,
    blocks: Vec<Chunk>,
}

impl ViewStore {
    /// Puts the views of some documents aside.
    pub(crate) fn new(corpus: &PieceCorpus<'_>, wanted: Marks) -> Result<Self> {
        let scratch = Scratch::new(corpus.staging, "views")?;
        let of_shards = in_parallel(corpus.parallel, wanted.shards(), &|shard| {
            let (of_shard, mut blocks, mut view, mut bytes) = (wanted.of_shard(shard), Vec::new(), Vec::new(), Vec::new());
            let mut expected = of_shard.iter().peekable();
            if !of_shard.is_empty() {
                (corpus.documents)(shard as u64, &mut |document| {
                    if expected.next_if_eq(&&document.ordinal).is_none() {
                        return Ok(());
                    }
                    view::fold(document.text, &mut view);
                    let mut of_document = Vec::with_capacity(view.len().div_ceil(BLOCK));
                    for block in view.chunks(BLOCK) {
                        bytes.clear();
                        for code in block {
                            bytes.extend(code.to_le_bytes());
                        }
                        of_document.push(scratch.append(&bytes)?);
                    }
                    if view.capacity() > view::BUFFER_KEPT {
                        view = Vec::new();
                    }
                    blocks.push(of_document);
                    Ok(())
                })?;
            }
            if expected.next().is_some() { Err(Error::internal("a document that a fingerprint names was not read")) } else { Ok(blocks) }
        })?;
        let (mut firsts, mut blocks) = (vec![0], Vec::new());
        for of_document in of_shards.into_iter().flatten() {
            blocks.extend(of_document);
            firsts.push(blocks.len());
        }
        Ok(Self { scratch, documents: wanted.placed(), firsts, blocks })
    }

    /// Reads from it.
    pub(crate) fn reader(&self) -> ViewReader<'_> {
        ViewReader { store: self, held: Vec::new(), next: 0 }
    }
}

/// Reads stretches of views, one thread's.
pub(crate) struct ViewReader<'s> {
    store: &'s ViewStore,
    held: Vec<(usize, Vec<u32>)>,
    /// The one that is given up next.
    next: usize,
}

impl ViewReader<'_> {
    /// How many code points of `mine` stand in the view of a document from `at` on.
    pub(crate) fn common_behind(&mut self, ordinal: u64, mut at: usize, mine: &[u32]) -> Result<usize> {
        let mut common = 0;
        while common < mine.len() {
            let theirs = self.block(ordinal, at / BLOCK)?.get(at % BLOCK..).unwrap_or_default();
            let same = theirs.iter().zip(&mine[common..]).take_while(|(a, b)| a == b).count();
            let ended = same < theirs.len() || theirs.is_empty();
            (common, at) = (common + same, at + same);
            if ended {
                break;
            }
        }
        Ok(common)
    }

    /// How many of the last code points of `mine` stand in the view of a document up to `at`.
    pub(crate) fn common_before(&mut self, ordinal: u64, mut at: usize, mine: &[u32]) -> Result<usize> {
        let mut common = 0;
        while common < mine.len() && at > 0 {
            let theirs = self.block(ordinal, (at - 1) / BLOCK)?.get(..(at - 1) % BLOCK + 1).unwrap_or_default();
            let same = theirs.iter().rev().zip(mine[..mine.len() - common].iter().rev()).take_while(|(a, b)| a == b).count();
            let ended = same < theirs.len() || theirs.is_empty();
            common += same;
            if ended {
                break;
            }
            at -= same;
        }
        Ok(common)
    }

    /// A block of a view; empty behind the last one.
    fn block(&mut self, ordinal: u64, block: usize) -> Result<&[u32]> {
        let ViewStore { scratch, documents, firsts, blocks } = self.store;
        let place = documents.place(ordinal) as usize;
        let (number, end) = (firsts[place] + block, firsts[place + 1]);
        if number >= end {
            return Ok(&[]);
        }
        if let Some(held) = self.held.iter().position(|(held, _)| *held == number) {
            return Ok(&self.held[held].1);
        }
        let mut bytes = Vec::new();
        scratch.read(blocks[number], &mut bytes)?;
        let codes = bytes.as_chunks::<4>().0.iter().map(|code| u32::from_le_bytes(*code)).collect();
        let slot = self.next;
        self.next = (slot + 1) % HELD;
        if slot == self.held.len() {
            self.held.push((number, codes));
        } else {
            self.held[slot] = (number, codes);
        }
        Ok(&self.held[slot].1)
    }
}
