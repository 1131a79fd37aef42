//! Packs token shards: plans the files of a pack, writes each of them, and describes them in `pack.json`.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use arrow::array::Array;
use arrow::datatypes::Int32Type;

use crate::error::{Error, Result};
use crate::io::{self, FileEntry, StagedFile, Staging};
use crate::pack::best_fit::BestFit;
use crate::pack::block::Block;
use crate::pack::format::header::{Header, shards_hash};
use crate::pack::format::items::{EOS_APPENDED, MAJOR, MINOR, TokenType, kind};
use crate::pack::format::writer::SectionWriter;
use crate::pack::info::{FORMAT, PackInfo, PartInfo, ShardInfo};
use crate::pack::layout::{self, Layout, Position, ShardLengths, Totals, windows};
use crate::pack::options::Options;
use crate::pack::plan::{PackContext, PackedPart, PartPlan, TokenPart};
use crate::pack::token_reader::{BATCH_TOKENS, batch_rows, read_lengths, token_lists};
use crate::schema::INPUT_IDS;
use crate::stage::{ParallelFor, in_parallel, list_slice};

/// A part with more pieces than this gets no further window, which bounds the memory of its index to 0.8 GiB.
pub(super) const PART_PIECES: u64 = 1 << 24;

/// The smallest block of rows that is filled at a time, whatever the memory limit is: for each block the token shards are read again.
const BLOCK_BYTES_MIN: u64 = 16 << 20;

/// Packs token shards: [`Packer::plan`], then [`Packer::write_part`] for each plan (in any order, anywhere), then [`Packer::info`].
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
        if parts.iter().any(|part| part.taken.as_ref().is_some_and(|taken| taken.rows.len() as u64 != part.rows)) {
            return Err(Error::internal("documents are chosen from a token shard with another number of rows"));
        }
        Ok(Self { parts, context, options })
    }

    /// Divides the pack into files. Reads only the column `n_tokens` of each token shard.
    pub fn plan(&self) -> Result<Vec<PartPlan>> {
        let mut plans: Vec<PartPlan> = Vec::new();
        let mut best_fit = BestFit::new(self.options.sequence_length);
        for window in windows(self.parts.iter().map(TokenPart::documents), self.options.window) {
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

    /// Writes one file of the pack as `target`; `path` is its path in the manifest. With little `memory` (bytes) the rows are filled
    /// block by block, and the token shards are read once for each block. The bytes depend neither on `memory` nor on `parallel`.
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

    /// Writes the section of the tokens; `block_rows` rows are filled at a time.
    pub(super) fn write_tokens<W: Write>(
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

    pub(super) fn layout(&self, plan: &PartPlan, shards: &[ShardLengths]) -> Result<Layout> {
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
        // The batches of two threads; whoever gives more threads gives more memory.
        let batch = u64::from(BATCH_TOKENS) * 4 * 2;
        let index = plan.totals.pieces * Layout::PIECE_BYTES;
        (memory.saturating_sub(batch + index).max(BLOCK_BYTES_MIN) / self.row_bytes()).max(1)
    }

    /// Reads the tokens of the part once, the token shards in parallel, and puts those that belong to the block into it.
    fn fill(&self, block: &Block, shards: &[ShardLengths], layout: &Layout, parallel: &ParallelFor<'_>) -> Result<()> {
        let mut first_pieces = Vec::with_capacity(shards.len());
        let mut pieces = 0;
        for shard in shards {
            first_pieces.push(pieces);
            pieces += shard.lengths.iter().map(|&n| layout::pieces_of(n, self.options.sequence_length) as usize).sum::<usize>();
        }
        in_parallel(parallel, shards.len(), &|i| self.fill_from(block, &shards[i], &layout.positions[first_pieces[i]..]))?;
        Ok(())
    }

    /// Puts the documents of one token shard into the block; `positions` begins with those of their pieces.
    fn fill_from(&self, block: &Block, shard: &ShardLengths, positions: &[Position]) -> Result<()> {
        let part = &self.parts[shard.index as usize];
        let (mut row, mut piece) = (0, 0);
        for batch in io::open_table(&part.path, Some(&[INPUT_IDS.name]), batch_rows(&shard.lengths))? {
            let batch = batch.map_err(|e| Error::damaged(&part.path, e.to_string()))?;
            let lists = token_lists(&part.path, &batch)?;
            for i in 0..lists.len() {
                if !part.takes(row) {
                    row += 1;
                    continue;
                }
                let ids = list_slice::<Int32Type>(lists, i);
                if shard.lengths.get(row).map(|&n| n as usize) != Some(ids.len()) {
                    return Err(Error::damaged(&part.path, format!("row {row}: n_tokens is not the length of input_ids")));
                }
                if !ids.is_empty() && !self.put_document(block, positions, &mut piece, ids) {
                    return Err(Error::damaged(&part.path, format!("row {row}: a token is not in the vocabulary")));
                }
                row += 1;
            }
        }
        if row == shard.lengths.len() { Ok(()) } else { Err(Error::damaged(&part.path, "input_ids has fewer rows than n_tokens")) }
    }

    /// Puts a document and its EOS into the block; `piece` is the index of its first piece, and then of the next document's. False if
    /// a token is not in the vocabulary or the pieces do not fit the document.
    fn put_document(&self, block: &Block, positions: &[Position], piece: &mut usize, ids: &[i32]) -> bool {
        let mut rest = ids;
        let mut sound = true;
        while let Some(position) = positions.get(*piece) {
            *piece += 1;
            let last = position.length as usize > rest.len();
            let (here, next) = rest.split_at(rest.len().min(position.length as usize));
            sound &= block.put(position.row, position.start, here);
            if last {
                return block.put(position.row, position.start + here.len() as u32, &[self.context.eos.cast_signed()]) && sound;
            }
            rest = next;
        }
        false
    }

    fn finish(&self, writer: SectionWriter<StagedFile>, plan: &PartPlan, target: &Path) -> Result<(u64, String)> {
        let (mut file, sections, file_bytes) = writer.finish();
        let used = self.parts[plan.shards()].iter();
        let header = Header {
            minor: MINOR,
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
            shards_blake3: shards_hash(used.map(|part| (part.name.as_str(), part.blake3.as_str()))),
            sections,
        };
        file.flush().map_err(|e| file.failed(e))?;
        file.patch(0, &header.encode())?;
        file.commit(target)
    }

    /// `n_tokens` of some token shards.
    pub(super) fn lengths(&self, parts: Range<usize>) -> Result<Vec<ShardLengths>> {
        let lengths = |index: usize| -> Result<ShardLengths> {
            let part = &self.parts[index];
            let mut lengths = read_lengths(part)?;
            lengths.iter_mut().enumerate().filter(|(row, _)| !part.takes(*row)).for_each(|(_, length)| *length = 0);
            Ok(ShardLengths { index: index as u32, lengths })
        };
        parts.map(lengths).collect()
    }

    /// The content of `pack.json` for finished files, in order.
    pub fn info(&self, packed: &[PackedPart]) -> PackInfo {
        let mut totals = Totals::default();
        for part in packed {
            totals.add(&part.plan.totals);
        }
        PackInfo {
            format: FORMAT.into(),
            version: MAJOR,
            sequence_length: self.options.sequence_length,
            token_dtype: self.token_type().name().into(),
            vocab_size: self.context.vocab_size,
            eos_id: self.context.eos,
            pad_id: self.context.pad,
            window: self.options.window,
            shuffle: self.options.shuffle,
            seed: self.options.seed,
            tokenizer_blake3: blake3::Hash::from_bytes(self.context.tokenizer_blake3).to_hex().to_string(),
            tokenizer_content_blake3: self.context.tokenizer_content.clone(),
            plan_fingerprint: blake3::Hash::from_bytes(self.context.plan_fingerprint).to_hex().to_string(),
            totals,
            padding: totals.padding(self.options.sequence_length),
            parts: packed.iter().map(part_info).collect(),
            shards: self
                .parts
                .iter()
                .map(|part| ShardInfo {
                    name: part.name.clone(),
                    rows: part.rows,
                    blake3: part.blake3.clone(),
                    take: part.taken.as_ref().map(|taken| taken.take),
                })
                .collect(),
            mixture: Vec::new(),
        }
    }
}

/// Refuses a part whose index needs too much memory: a part of one window has more pieces than [`PART_PIECES`] if rows are very short.
pub(super) fn check_index_fits(plan: &PartPlan, memory: u64) -> Result<()> {
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
