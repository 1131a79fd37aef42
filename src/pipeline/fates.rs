//! What became of documents: from verdicts, cuts and evaluation items, in the order of the records.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use rustc_hash::FxHashMap;

use super::contamination::{Contamination, Hit};
use super::cuts::{self, Cutting, OfDocuments};
use super::evaluation::Evaluation;
use super::names::Names;
use crate::dedup::decontaminate::Found;
use crate::dedup::{Affected, Contaminated, Kind, Options, PieceKind, Pieces, Verdict, Verdicts, ordinal, row_of};
use crate::error::{Error, Result};
use crate::schema;
use crate::stage::{Batch, strings};

/// What a document is called, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its id.
    pub doc_id: String,
    /// The file that it was read from.
    pub file: String,
    /// Its place in the file: bytes of decoded text before it, or in a table the rows before it.
    pub offset: u64,
}

impl Name {
    /// The name as it is put aside.
    pub(super) fn stored(doc_id: &str, file: &str, offset: u64) -> Vec<u8> {
        let mut bytes = offset.to_le_bytes().to_vec();
        bytes.extend((file.len() as u32).to_le_bytes());
        bytes.extend(file.bytes().chain(doc_id.bytes()));
        bytes
    }

    /// The name that was put aside.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (offset, rest) = bytes.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (file, doc_id) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
        Some(Self { doc_id: text(doc_id)?, file: text(file)?, offset: u64::from_le_bytes(*offset) })
    }
}

/// What was found of a document.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It stays.
    Kept {
        /// 1 + the documents that it stands for.
        size: u32,
        /// What was cut out of its text, in order.
        cuts: Vec<Piece>,
        /// Evaluation items that stand in it, or stood there and were cut out.
        contaminated: Vec<Contamination>,
    },
    /// It goes because nothing of it is left.
    Emptied {
        /// What was cut out of its text, in order.
        cuts: Vec<Piece>,
        /// Evaluation items that stood in it.
        contaminated: Vec<Contamination>,
    },
    /// It goes because an evaluation item stands in it.
    Contaminated {
        /// The item of which most stands there.
        by: Contamination,
    },
    /// It goes.
    Duplicate {
        /// Why.
        kind: Kind,
        /// The Jaccard similarity of both.
        jaccard: f32,
        /// The kept document that it duplicates.
        of: Arc<Name>,
        /// Evaluation items that stand in it, or stood there and were cut out.
        contaminated: Vec<Contamination>,
    },
}

/// A piece of a text that an earlier document has, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of the text as it was read before it.
    pub start: u32,
    /// Bytes of that text up to its end.
    pub end: u32,
    /// Why it was cut.
    pub kind: PieceKind,
    /// The first document that has it.
    pub of: Arc<Name>,
}

/// What was concluded.
pub(super) struct Conclusions {
    pub(super) verdicts: Verdicts,
    /// What leaves the texts of those that stay, if that was looked for.
    pub(super) pieces: Option<Pieces>,
    /// Documents that others name.
    pub(super) names: Names,
}

/// What fates are made of.
#[derive(Clone, Copy)]
pub(super) struct Grounds<'f> {
    pub(super) options: &'f Options,
    pub(super) conclusions: &'f Conclusions,
    pub(super) evaluation: &'f Evaluation,
}

impl<'f> Grounds<'f> {
    /// The fates of the records of a work shard, in which these evaluation items stand.
    ///
    /// # Errors
    /// I/O.
    pub(super) fn of_shard(self, shard: u64, hits: &'f [Hit]) -> Result<Fates<'f>> {
        let Self { options, conclusions: Conclusions { verdicts, pieces, names }, evaluation } = self;
        let cuts = pieces.as_ref().map_or_else(|| Ok(Vec::new()), |pieces| pieces.of_shard(shard))?;
        Ok(Fates {
            evaluation,
            masks: options.contaminated == Contaminated::Mask,
            hits: hits.iter().peekable(),
            names: names.of_shard(shard, &|name| Name::read(name).map(Arc::new))?,
            affected: verdicts.of_shard(shard)?.into_iter().peekable(),
            cuts: OfDocuments::new(cuts, options),
            ordinal: ordinal(shard, 0),
            emptied: 0,
            cut: Cutting::default(),
        })
    }
}

/// The fates of the records of a work shard, batch by batch.
pub(super) struct Fates<'f> {
    evaluation: &'f Evaluation,
    /// Are items cut out?
    masks: bool,
    hits: Peekable<std::slice::Iter<'f, Hit>>,
    names: FxHashMap<u64, Arc<Name>>,
    affected: Peekable<IntoIter<Affected>>,
    cuts: OfDocuments,
    /// The next record.
    ordinal: u64,
    /// Documents of which nothing is left so far.
    pub(super) emptied: u64,
    /// What was cut so far.
    pub(super) cut: Cutting,
}

impl Fates<'_> {
    /// The batch without what is cut, the fates of its records, and what the search said of them.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<(Batch, Vec<Fate>, Vec<Option<Affected>>)> {
        let texts = strings(batch, &schema::TEXT)?;
        let (mut fates, mut cuts, mut of_rows) = (Vec::new(), Vec::new(), Vec::new());
        for text in texts {
            let text = text.unwrap_or_default();
            let hit = self.hits.next_if(|hit| hit.row == row_of(self.ordinal));
            let affected = self.affected.next_if(|affected| affected.ordinal == self.ordinal);
            let is_masked = self.masks && affected.is_none_or(|affected| !affected.goes());
            let items = hit.filter(|_| is_masked).map_or_else(Vec::new, |hit| hit.cuts(self.ordinal, text));
            let of_document = self.cuts.of(self.ordinal, text, items);
            of_rows.push(affected);
            let mut flat = cuts::flat(&of_document);
            self.cut.count(text, &of_document);
            // What was cut as an item is told as such.
            let pieces = of_document.iter().filter(|cut| cut.kind != PieceKind::Item);
            let pieces = pieces.map(|cut| Ok(Piece { start: cut.start, end: cut.end, kind: cut.kind, of: self.name(cut.of)? }));
            let pieces = pieces.collect::<Result<Vec<_>>>()?;
            let named = |found: &Found| Contamination::of(self.evaluation, *found);
            let by = hit.filter(|hit| hit.goes).and_then(|hit| Evaluation::best(&hit.found));
            let contaminated: Vec<Contamination> = hit.iter().flat_map(|hit| &hit.found).map(named).collect();
            fates.push(match affected.map(|affected| affected.verdict) {
                _ if by.is_some() => Fate::Contaminated { by: by.as_ref().map(named).ok_or_else(|| Error::internal("no item"))? },
                Some(Verdict::Removed { kind, jaccard, duplicate_of }) => {
                    Fate::Duplicate { kind, jaccard, of: self.name(duplicate_of)?, contaminated }
                }
                _ if !of_document.is_empty() && cuts::characters_left(text, &of_document) == 0 => {
                    self.emptied += 1;
                    flat.clear();
                    Fate::Emptied { cuts: pieces, contaminated }
                }
                Some(Verdict::Anchor { size }) => Fate::Kept { size, cuts: pieces, contaminated },
                None => Fate::Kept { size: 1, cuts: pieces, contaminated },
            });
            cuts.push(flat);
            self.ordinal += 1;
        }
        Ok((cuts::cut(batch, &cuts)?, fates, of_rows))
    }

    fn name(&self, ordinal: u64) -> Result<Arc<Name>> {
        self.names.get(&ordinal).cloned().ok_or_else(|| Error::internal("a duplicate of a document without a name"))
    }
}
