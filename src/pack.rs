//! Room *pack*: token shards → packed rows in memory-mapped files, and back.
//!
//! Documents (with EOS) are packed into rows of one length by exact best-fit decreasing, window by window: nothing is
//! truncated, dropped or cut without need. This file moves tokens between Parquet and the pack files; the kernels are
//! [`best_fit`], [`layout`] (where every token goes), [`permute`] (row order), [`block`] (rows being filled), [`format`](mod@format)
//! (the file, `docs/formats/pack.md`), [`view`] (an opened file), [`info`] (`pack.json`), [`unpack`] (the way back, and verification).

pub mod best_fit;
pub mod block;
pub mod format;
pub mod info;
pub mod layout;
pub mod permute;
pub mod unpack;
pub mod view;

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, ListArray};
use arrow::datatypes::Int32Type;

use self::best_fit::BestFit;
use self::block::Block;
use self::format::{EOS_APPENDED, FormatError, Header, SEQUENCE_LENGTH_MAX, SectionWriter, TokenType, kind};
use self::info::{FORMAT, PackInfo, PartInfo, ShardInfo};
use self::layout::{Layout, Place, ShardLengths, Totals, windows};
use self::unpack::{Document, Documents};
use self::view::{PackView, Piece};
use crate::error::{Error, Result};
use crate::io::{self, FileEntry, StagedFile, Staging};
use crate::schema::{INPUT_IDS, N_TOKENS};
use crate::stage::{Batch, ParallelFor, in_parallel, list_slice};

/// Enters fingerprints: raise it when the same documents are packed in another order.
pub const VERSION: u32 = 1;

/// A part of more pieces than this gets no further window: bounds the memory of the index to 0.8 GiB.
const PART_PIECES: u64 = 1 << 24;

/// Smallest block of rows that is filled at a time, whatever the memory limit: each block reads the token shards again.
const BLOCK_BYTES_MIN: u64 = 16 << 20;

/// Tokens of a batch that a thread reads from a token shard (unless one document has more).
const BATCH_TOKENS: u32 = 1 << 21;

/// The section `[pack]` of the plan.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Tokens a row (1 to 16777216).
    pub sequence_length: u32,
    /// Documents that are packed together: whole token shards, closed at this many (1 to 67108864).
    pub window: u64,
    /// A file holds consecutive windows up to this many bytes of tokens (at least one window).
    pub part_bytes: u64,
    /// Are the rows of a file put in a mixed order? Without, long documents come first in each window.
    pub shuffle: bool,
    /// Key of that order.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { sequence_length: 4_096, window: 131_072, part_bytes: 4 << 30, shuffle: true, seed: 0 }
    }
}

impl Options {
    /// One sentence for a value out of range.
    pub fn check(&self) -> std::result::Result<(), String> {
        if !(1..=SEQUENCE_LENGTH_MAX).contains(&self.sequence_length) {
            return Err(format!("pack.sequence_length must be 1 to {SEQUENCE_LENGTH_MAX}, not {}", self.sequence_length));
        }
        if !(1..=1 << 26).contains(&self.window) {
            return Err(format!("pack.window must be 1 to 67108864, not {}", self.window));
        }
        if !(1..=1 << 40).contains(&self.part_bytes) {
            return Err(format!("pack.part_bytes must be 1 to 1099511627776, not {}", self.part_bytes));
        }
        Ok(())
    }
}

/// A tokens part to be packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPart {
    /// The file.
    pub path: PathBuf,
    /// What `pack.json` calls it.
    pub name: String,
    /// Documents.
    pub rows: u64,
    /// BLAKE3 of the file, hex.
    pub blake3: String,
}

/// What the tokens mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackContext {
    /// Id appended to each document.
    pub eos: u32,
    /// Id that fills rows.
    pub pad: u32,
    /// Ids are below this.
    pub vocab_size: u32,
    /// BLAKE3 of `tokenizer.json`.
    pub tokenizer_blake3: [u8; 32],
    /// Fingerprint of the plan.
    pub plan_fingerprint: [u8; 32],
}

/// What one file of the pack will hold: data only, and the same wherever it is computed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartPlan {
    /// Number of the file.
    pub index: u32,
    /// Index of its first row in the pack.
    pub first_row: u64,
    /// Its windows: ranges of token parts.
    pub windows: Vec<Range<usize>>,
    /// Sums, known before any token is read.
    pub totals: Totals,
}

impl PartPlan {
    /// `part-00000.pack`.
    pub fn name(&self) -> String {
        format!("part-{:05}.pack", self.index)
    }

    /// Do the windows follow each other within so many token parts? A plan may have been stored in between.
    fn is_sound(&self, parts: usize) -> bool {
        let mut end = self.shards().start;
        let follows = |window: &Range<usize>| {
            let follows = window.start == end && window.end >= window.start;
            end = window.end;
            follows
        };
        self.windows.iter().all(follows) && end <= parts
    }

    /// The token parts it is made of.
    pub fn shards(&self) -> Range<usize> {
        let start = self.windows.first().map_or(0, |window| window.start);
        start..self.windows.last().map_or(start, |window| window.end)
    }
}

/// A finished file of the pack.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PackedPart {
    /// For the manifest; `rows` are packed rows.
    pub entry: FileEntry,
    /// What it was to hold, and holds.
    pub plan: PartPlan,
}

/// Packs token parts: [`Packer::plan`], then [`Packer::write_part`] for each plan (in any order, anywhere), then [`Packer::info`].
#[derive(Debug, Clone, Copy)]
pub struct Packer<'a> {
    parts: &'a [TokenPart],
    context: &'a PackContext,
    options: &'a Options,
}

impl<'a> Packer<'a> {
    /// Refuses options out of range and ids outside of the vocabulary.
    pub fn new(parts: &'a [TokenPart], context: &'a PackContext, options: &'a Options) -> Result<Self> {
        options.check().map_err(Error::refused)?;
        let PackContext { eos, pad, vocab_size, .. } = *context;
        if eos >= vocab_size || pad >= vocab_size || vocab_size > 1 << 31 {
            return Err(Error::refused(format!("EOS {eos} and PAD {pad} must be ids of the vocabulary, which has {vocab_size}")));
        }
        if parts.len() as u64 >= u64::from(u32::MAX) || parts.iter().any(|part| part.rows >= u64::from(u32::MAX)) {
            return Err(Error::refused("a pack takes fewer than 2^32 token shards of fewer than 2^32 documents each"));
        }
        Ok(Self { parts, context, options })
    }

    /// Cuts the pack into files. Reads the column `n_tokens` of every part, nothing else.
    pub fn plan(&self) -> Result<Vec<PartPlan>> {
        let mut plans: Vec<PartPlan> = Vec::new();
        let mut best_fit = BestFit::new(self.options.sequence_length);
        for window in windows(self.parts.iter().map(|part| part.rows), self.options.window) {
            let lengths = self.lengths(window.clone())?;
            let lengths = lengths.iter().flat_map(|shard| shard.lengths.iter().copied());
            let totals = layout::window_totals(&mut best_fit, self.options.sequence_length, lengths);
            match plans.last_mut() {
                Some(plan) if self.has_room(&plan.totals, &totals) => {
                    plan.windows.push(window);
                    plan.totals.add(&totals);
                }
                last => {
                    let (index, first_row) = last.map_or((0, 0), |last| (last.index + 1, last.first_row + last.totals.rows));
                    plans.push(PartPlan { index, first_row, windows: vec![window], totals });
                }
            }
        }
        match plans.iter().find(|plan| plan.totals.pieces >= u64::from(u32::MAX)) {
            Some(plan) => Err(Error::refused_with_hint(
                format!("{} would have {} pieces, but a file holds fewer than 2^32", plan.name(), plan.totals.pieces),
                "choose a smaller pack.window or a greater pack.sequence_length",
            )),
            None => Ok(plans),
        }
    }

    fn has_room(&self, part: &Totals, window: &Totals) -> bool {
        (part.rows + window.rows).saturating_mul(self.row_bytes()) <= self.options.part_bytes && part.pieces + window.pieces <= PART_PIECES
    }

    fn token_type(&self) -> TokenType {
        TokenType::for_vocabulary(self.context.vocab_size)
    }

    fn row_bytes(&self) -> u64 {
        u64::from(self.options.sequence_length) * self.token_type().bytes() as u64
    }

    /// Writes one file of the pack as `target`; `path` is what the manifest will say. With little `memory` (bytes) the rows
    /// are filled block by block and the token parts read once for each; the bytes are the same, and the same for any `parallel`.
    pub fn write_part(
        &self,
        plan: &PartPlan,
        memory: u64,
        parallel: &ParallelFor<'_>,
        staging: &Staging,
        target: &Path,
        path: String,
    ) -> Result<PackedPart> {
        check_index_fits(plan, memory)?;
        if !plan.is_sound(self.parts.len()) {
            return Err(Error::internal(format!("{}: its windows are not consecutive token shards", plan.name())));
        }
        let shards = self.lengths(plan.shards())?;
        let layout = self.layout(plan, &shards)?;
        let file = staging.create(&plan.name())?.hashed_at_the_end();
        let mut writer = SectionWriter::new(file).map_err(|e| Error::io(target, "write", e))?;
        self.write_tokens(&mut writer, &shards, &layout, self.block_rows(plan, memory), parallel, target)?;
        let sources = layout.origins().copied();
        let index = writer.index(self.options.sequence_length, &layout.row_ptr, layout.ends(), sources);
        index.map_err(|e| Error::io(target, "write", e))?;
        let (bytes, blake3) = self.finish(writer, plan, target)?;
        Ok(PackedPart { entry: FileEntry { path, rows: plan.totals.rows, bytes, blake3 }, plan: plan.clone() })
    }

    /// Writes the section of the tokens, `block_rows` rows at a time.
    fn write_tokens<W: Write>(
        &self,
        writer: &mut SectionWriter<W>,
        shards: &[ShardLengths],
        layout: &Layout,
        block_rows: u64,
        parallel: &ParallelFor<'_>,
        target: &Path,
    ) -> Result<()> {
        let io = |e| Error::io(target, "write", e);
        let (rows, sequence_length) = (layout.totals.rows, self.options.sequence_length);
        let mut first = 0;
        while first < rows {
            let here = block_rows.min(rows - first);
            let block = Block::new(first, here, sequence_length, self.context.vocab_size, self.context.pad);
            self.fill(&block, shards, layout, parallel)?;
            block.into_bytes().try_for_each(|bytes| writer.write(&bytes)).map_err(io)?;
            first += here;
        }
        writer.end(kind::TOKENS, self.token_type() as u32, rows * u64::from(sequence_length)).map_err(io)
    }

    fn layout(&self, plan: &PartPlan, shards: &[ShardLengths]) -> Result<Layout> {
        let first = plan.shards().start;
        let windows: Vec<_> = plan.windows.iter().map(|window| &shards[window.start - first..window.end - first]).collect();
        let shuffle = self.options.shuffle.then_some((self.options.seed, u64::from(plan.index)));
        let layout = Layout::new(self.options.sequence_length, &windows, shuffle);
        if layout.totals == plan.totals {
            Ok(layout)
        } else {
            Err(Error::internal(format!("{} was planned for other token shards", plan.name())))
        }
    }

    fn block_rows(&self, plan: &PartPlan, memory: u64) -> u64 {
        // Two threads' batches; more threads come with more memory.
        let batch = u64::from(BATCH_TOKENS) * 4 * 2;
        let index = plan.totals.pieces * Layout::PIECE_BYTES;
        (memory.saturating_sub(batch + index).max(BLOCK_BYTES_MIN) / self.row_bytes()).max(1)
    }

    /// Reads the part's tokens once, shard by shard on all threads, and puts those that belong there into the block.
    fn fill(&self, block: &Block, shards: &[ShardLengths], layout: &Layout, parallel: &ParallelFor<'_>) -> Result<()> {
        let mut first_pieces = Vec::with_capacity(shards.len());
        let mut pieces = 0;
        for shard in shards {
            first_pieces.push(pieces);
            pieces += shard.lengths.iter().map(|&n| layout::pieces_of(n, self.options.sequence_length) as usize).sum::<usize>();
        }
        in_parallel(parallel, shards.len(), &|i| self.fill_from(block, &shards[i], &layout.places[first_pieces[i]..]))?;
        Ok(())
    }

    /// Puts the documents of one shard, whose pieces are the first of `places`.
    fn fill_from(&self, block: &Block, shard: &ShardLengths, places: &[Place]) -> Result<()> {
        let part = &self.parts[shard.index as usize];
        let (mut row, mut piece) = (0, 0);
        for batch in io::open_table(&part.path, Some(&[INPUT_IDS.name]), batch_rows(&shard.lengths))? {
            let batch = batch.map_err(|e| Error::damaged(&part.path, e.to_string()))?;
            let lists = token_lists(&part.path, &batch)?;
            for i in 0..lists.len() {
                let ids = list_slice::<Int32Type>(lists, i);
                if shard.lengths.get(row).map(|&n| n as usize) != Some(ids.len()) {
                    return Err(Error::damaged(&part.path, format!("row {row}: n_tokens is not the length of input_ids")));
                }
                if !ids.is_empty() && !self.put_document(block, places, &mut piece, ids) {
                    return Err(Error::damaged(&part.path, format!("row {row}: a token is not in the vocabulary")));
                }
                row += 1;
            }
        }
        if row == shard.lengths.len() { Ok(()) } else { Err(Error::damaged(&part.path, "input_ids has fewer rows than n_tokens")) }
    }

    /// Puts the pieces of a document, of which `piece` is the first, and its EOS.
    fn put_document(&self, block: &Block, places: &[Place], piece: &mut usize, ids: &[i32]) -> bool {
        let mut rest = ids;
        let mut sound = true;
        while let Some(place) = places.get(*piece) {
            *piece += 1;
            let last = place.length as usize > rest.len();
            let (here, next) = rest.split_at(rest.len().min(place.length as usize));
            sound &= block.put(place.row, place.start, here);
            if last {
                return block.put(place.row, place.start + here.len() as u32, &[self.context.eos.cast_signed()]) && sound;
            }
            rest = next;
        }
        false
    }

    fn finish(&self, writer: SectionWriter<StagedFile>, plan: &PartPlan, target: &Path) -> Result<(u64, String)> {
        let (mut file, sections, file_bytes) = writer.finish();
        let used = self.parts[plan.shards()].iter();
        let header = Header {
            minor: format::MINOR,
            sequence_length: self.options.sequence_length,
            token_type: self.token_type(),
            rows: plan.totals.rows,
            pieces: plan.totals.pieces,
            tokens: plan.totals.tokens,
            first_row: plan.first_row,
            pad: self.context.pad,
            eos: self.context.eos,
            flags: EOS_APPENDED,
            file_bytes,
            tokenizer_blake3: self.context.tokenizer_blake3,
            plan_fingerprint: self.context.plan_fingerprint,
            shards_blake3: format::shards_hash(used.map(|part| (part.name.as_str(), part.blake3.as_str()))),
            sections,
        };
        file.flush().map_err(|e| file.failed(e))?;
        file.patch(0, &header.encode())?;
        file.commit(target)
    }

    /// `n_tokens` of token parts.
    fn lengths(&self, parts: Range<usize>) -> Result<Vec<ShardLengths>> {
        parts.map(|index| Ok(ShardLengths { index: index as u32, lengths: read_lengths(&self.parts[index])? })).collect()
    }

    /// The content of `pack.json` for finished files, in order.
    pub fn info(&self, packed: &[PackedPart]) -> PackInfo {
        let mut totals = Totals::default();
        for part in packed {
            totals.add(&part.plan.totals);
        }
        PackInfo {
            format: FORMAT.into(),
            version: format::MAJOR,
            sequence_length: self.options.sequence_length,
            token_dtype: self.token_type().name().into(),
            vocab_size: self.context.vocab_size,
            eos_id: self.context.eos,
            pad_id: self.context.pad,
            window: self.options.window,
            shuffle: self.options.shuffle,
            seed: self.options.seed,
            tokenizer_blake3: blake3::Hash::from_bytes(self.context.tokenizer_blake3).to_hex().to_string(),
            plan_fingerprint: blake3::Hash::from_bytes(self.context.plan_fingerprint).to_hex().to_string(),
            totals,
            padding: totals.padding(self.options.sequence_length),
            parts: packed.iter().map(part_info).collect(),
            shards: self
                .parts
                .iter()
                .map(|part| ShardInfo { name: part.name.clone(), rows: part.rows, blake3: part.blake3.clone() })
                .collect(),
        }
    }
}

/// A part of one window may have more pieces than [`PART_PIECES`] if rows are very short.
fn check_index_fits(plan: &PartPlan, memory: u64) -> Result<()> {
    let bytes = plan.totals.pieces.saturating_mul(Layout::PIECE_BYTES);
    if bytes <= memory.max(PART_PIECES * Layout::PIECE_BYTES) {
        return Ok(());
    }
    Err(Error::Resources(format!(
        "{}: the index of {} pieces needs {} MiB of memory; allow more, or choose a smaller pack.window or a greater pack.sequence_length",
        plan.name(),
        plan.totals.pieces,
        bytes >> 20
    )))
}

fn part_info(packed: &PackedPart) -> PartInfo {
    let PackedPart { entry, plan } = packed;
    PartInfo {
        name: plan.name(),
        first_row: plan.first_row,
        bytes: entry.bytes,
        blake3: entry.blake3.clone(),
        first_shard: plan.shards().start as u32,
        shards: plan.shards().len() as u32,
        totals: plan.totals,
    }
}

fn read_lengths(part: &TokenPart) -> Result<Vec<u32>> {
    let mut lengths = Vec::new();
    for batch in io::open_table(&part.path, Some(&[N_TOKENS.name]), 1 << 16)? {
        let batch = batch.map_err(|e| Error::damaged(&part.path, e.to_string()))?;
        let column = batch.column_by_name(N_TOKENS.name).and_then(|array| array.as_primitive_opt::<Int32Type>());
        let column = column.filter(|array| array.null_count() == 0);
        let column = column.ok_or_else(|| Error::damaged(&part.path, "n_tokens is not a column of int32 without nulls"))?;
        for &n_tokens in column.values() {
            lengths.push(u32::try_from(n_tokens).map_err(|_| Error::damaged(&part.path, "n_tokens is negative"))?);
        }
    }
    if lengths.len() as u64 != part.rows {
        return Err(Error::damaged(&part.path, format!("has {} rows, not {}", lengths.len(), part.rows)));
    }
    Ok(lengths)
}

fn batch_rows(lengths: &[u32]) -> usize {
    let longest = lengths.iter().copied().max().unwrap_or(0).max(1);
    (BATCH_TOKENS / longest).clamp(1, 2_048) as usize
}

fn token_lists<'b>(path: &Path, batch: &'b Batch) -> Result<&'b ListArray> {
    let lists = batch.column_by_name(INPUT_IDS.name).and_then(|array| array.as_list_opt::<i32>());
    let sound = |lists: &&ListArray| {
        lists.null_count() == 0 && lists.values().null_count() == 0 && lists.values().as_primitive_opt::<Int32Type>().is_some()
    };
    lists.filter(sound).ok_or_else(|| Error::damaged(path, "input_ids is not a column of list<int32> without nulls"))
}

/// A finished pack: `pack.json` and maps of its files.
#[derive(Debug)]
pub struct Pack {
    info: PackInfo,
    maps: Vec<(PathBuf, memmap2::Mmap)>,
}

impl Pack {
    /// Opens a directory of ours. Reads `pack.json` and the headers; O(1) in the size of the files.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join("pack.json");
        let json = io::read_limited(&path, 1 << 30)?;
        let info: PackInfo = serde_json::from_slice(&json).map_err(|e| Error::damaged(&path, e.to_string()))?;
        info.check().map_err(|message| Error::damaged(&path, message))?;
        let mut maps = Vec::with_capacity(info.parts.len());
        for part in &info.parts {
            if part.name.contains(['/', '\0']) {
                return Err(Error::damaged(&path, "a part's name is not a file name"));
            }
            let path = dir.join(&part.name);
            maps.push((path.clone(), map_part(&path, part.bytes)?));
        }
        let pack = Self { info, maps };
        (0..pack.maps.len()).try_for_each(|part| pack.part(part).map(|_| ()))?;
        Ok(pack)
    }

    /// Content of `pack.json`.
    pub fn info(&self) -> &PackInfo {
        &self.info
    }

    /// A part, checked against `pack.json`.
    pub fn part(&self, part: usize) -> Result<PackView<'_>> {
        let (path, map) = self.maps.get(part).ok_or_else(|| Error::internal(format!("the pack has no part {part}")))?;
        let view = PackView::new(map).map_err(|e| damaged(path, &e))?;
        let (header, info) = (view.header(), &self.info.parts[part]);
        let said = (self.info.sequence_length, info.first_row, info.totals.rows, info.totals.pieces, info.totals.tokens);
        let meaning = (self.info.eos_id, self.info.pad_id, self.info.token_dtype.as_str());
        if said != (header.sequence_length, header.first_row, header.rows, header.pieces, header.tokens)
            || meaning != (header.eos, header.pad, header.token_type.name())
        {
            return Err(Error::damaged(path, "the header does not agree with pack.json"));
        }
        Ok(view)
    }

    /// Gives back every document in the order of the token shards, empty ones too.
    pub fn unpack(&self) -> impl Iterator<Item = Result<Document>> + '_ {
        (0..self.maps.len()).flat_map(|part| match self.documents(part) {
            Ok(documents) => Box::new(documents) as Box<dyn Iterator<Item = _>>,
            Err(error) => Box::new(std::iter::once(Err(error))),
        })
    }

    /// The documents of one part.
    pub fn documents(&self, part: usize) -> Result<impl Iterator<Item = Result<Document>> + '_> {
        let view = self.part(part)?;
        let (path, info) = (&self.maps[part].0, &self.info.parts[part]);
        let documents = Documents::new(view, info.first_shard, self.info.shard_rows(info)).map_err(|e| damaged(path, &e))?;
        Ok(documents.map(move |document| document.map_err(|e| damaged(path, &e))))
    }

    /// Where a document went: its pieces, in order, with rows counted over the whole pack. None if it is empty.
    pub fn locate(&self, shard: u32, row: u32) -> Result<Vec<Piece>> {
        let holds = |part: &PartInfo| (part.first_shard..part.first_shard.saturating_add(part.shards)).contains(&shard);
        let Some(part) = self.info.parts.iter().position(holds) else { return Ok(Vec::new()) };
        let mut pieces = unpack::locate(&self.part(part)?, shard, row).map_err(|e| damaged(&self.maps[part].0, &e))?;
        for piece in &mut pieces {
            piece.row += self.info.parts[part].first_row;
        }
        Ok(pieces)
    }

    /// Checks every promise of the format, and that the origins are those of `pack.json`. Content hashes of whole files are
    /// the manifest's.
    pub fn verify(&self) -> Result<()> {
        for part in 0..self.maps.len() {
            self.verify_part(part)?;
            self.documents(part)?.try_for_each(|document| document.map(|_| ()))?;
        }
        Ok(())
    }

    /// The same for one part, its documents left out.
    pub fn verify_part(&self, part: usize) -> Result<()> {
        let view = self.part(part)?;
        let ((path, map), info) = (&self.maps[part], &self.info.parts[part]);
        unpack::verify(map).map_err(|e| damaged(path, &e))?;
        let shards = self.info.shards.iter().skip(info.first_shard as usize).take(info.shards as usize);
        if format::shards_hash(shards.map(|shard| (shard.name.as_str(), shard.blake3.as_str()))) != view.header().shards_blake3 {
            return Err(Error::damaged(path, "was made of other token shards than pack.json says"));
        }
        let hex = |hash: [u8; 32]| blake3::Hash::from_bytes(hash).to_hex();
        let made_of = (hex(view.header().tokenizer_blake3), hex(view.header().plan_fingerprint));
        if (made_of.0.as_str(), made_of.1.as_str()) != (&self.info.tokenizer_blake3, &self.info.plan_fingerprint) {
            return Err(Error::damaged(path, "was made with another vocabulary or plan than pack.json says"));
        }
        Ok(())
    }
}

/// Maps a file only if it has the size it should have.
fn map_part(path: &Path, bytes: u64) -> Result<memmap2::Mmap> {
    let actual = std::fs::metadata(path).map_err(|e| Error::io(path, "open", e))?.len();
    if actual != bytes {
        return Err(damaged(path, &FormatError::Size { actual, expected: bytes }));
    }
    io::map_file(path)
}

fn damaged(path: &Path, error: &FormatError) -> Error {
    Error::damaged(path, error.to_string())
}

/// Checks every promise of the format for the bytes of one file; gives its header.
pub fn verify_part(path: &Path, bytes: &[u8]) -> Result<Header> {
    unpack::verify(bytes).map(|view| view.header().clone()).map_err(|e| damaged(path, &e))
}

#[cfg(test)]
mod tests;
