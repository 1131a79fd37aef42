//! Packs token shards: plans the files of a pack, writes each of them, and describes them in `pack.json`.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use arrow::array::Array;
use arrow::datatypes::Int32Type;

use crate::error::{Error, Result};
use crate::io::{self, Buckets, FileEntry, StagedFile, Staging};
use crate::pack::best_fit::BestFit;
use crate::pack::block::{Block, encode};
use crate::pack::format::header::{Header, shards_hash};
use crate::pack::format::items::{EOS_APPENDED, MAJOR, MINOR, RECORD, TokenType, UINT32, has_narrow_ends, kind};
use crate::pack::format::writer::SectionWriter;
use crate::pack::info::{FORMAT, PackInfo, PartInfo, ShardInfo};
use crate::pack::layout::{self, Piece, Place, ShardLengths, Source, Totals, Window, windows};
use crate::pack::options::Options;
use crate::pack::permute::Permutation;
use crate::pack::piece_buckets::{PieceBuckets, Placed};
use crate::pack::plan::{PackContext, PackedPart, PartPlan, TokenPart};
use crate::pack::token_reader::{batch_rows, read_lengths, token_lists};
use crate::schema::INPUT_IDS;
use crate::stage::{ParallelFor, in_parallel, list_slice};

/// A part with more pieces than this gets no further window: its index is read as a whole where documents are looked up.
const PART_PIECES: u64 = 1 << 24;

/// A window of this many bytes is laid out whatever the memory limit is.
const WINDOW_BYTES_MIN: u64 = 16 << 20;

/// The sections of the index, in the order of the file: streams that are put aside until the tokens are written.
const ROW_PTR: usize = 0;
const ENDS: usize = 1;
const SOURCES: usize = 2;

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

    /// Writes one file of the pack as `target`; `path` is its path in the manifest. The token shards are read once; what they hold goes
    /// to buckets of rows in `staging`, each of which is then filled within `memory` (bytes). The bytes depend neither on `memory` nor
    /// on `parallel`.
    pub fn write_part(
        &self,
        plan: &PartPlan,
        memory: u64,
        parallel: &ParallelFor<'_>,
        staging: &Staging,
        target: &io::Place,
        path: String,
    ) -> Result<PackedPart> {
        self.check_windows_fit(plan, memory)?;
        let rows_each = PieceBuckets::rows_each(&plan.totals, self.row_bytes(), self.token_type(), self.options.shuffle, memory / 2);
        let rows = u32::try_from(plan.totals.rows).map_err(|_| Error::internal(format!("{} has too many rows", plan.name())))?;
        let pieces = PieceBuckets::new(staging, &format!("{}-pieces", plan.name()), rows, rows_each, memory / 8)?;
        self.put_aside(plan, &pieces, memory / 8, parallel)?;
        let file = staging.create(&plan.name())?.hashed_at_the_end();
        let mut writer = SectionWriter::new(file).map_err(|e| Error::io(target, "write", e))?;
        let index = Buckets::new(staging, &format!("{}-index", plan.name()), 3, memory / 64)?;
        self.write_sections(&mut writer, &pieces, &index, target.path())?;
        let (bytes, blake3) = self.finish(writer, plan, target)?;
        Ok(PackedPart { entry: FileEntry { path, rows: plan.totals.rows, bytes, blake3 }, plan: plan.clone() })
    }

    /// Refuses a part whose windows need too much memory, each by itself.
    fn check_windows_fit(&self, plan: &PartPlan, memory: u64) -> Result<()> {
        if !plan.is_sound(self.parts.len()) {
            return Err(Error::internal(format!("{}: its windows are not consecutive token shards", plan.name())));
        }
        let documents = |window: &Range<usize>| self.parts[window.clone()].iter().map(TokenPart::documents).sum::<u64>();
        let bytes = plan.windows.iter().map(documents).max().unwrap_or(0).saturating_mul(Window::DOCUMENT_BYTES);
        if bytes <= (memory / 2).max(WINDOW_BYTES_MIN) {
            return Ok(());
        }
        Err(Error::Resources(format!(
            "{}: a window of documents that are packed together needs {} MiB of memory; allow more, or choose a smaller pack.window",
            plan.name(),
            bytes >> 20
        )))
    }

    /// Reads the tokens of the part once and puts them aside by rows. Windows are laid out one after the other, a few at a time, and
    /// their token shards read in parallel.
    pub(super) fn put_aside(&self, plan: &PartPlan, pieces: &PieceBuckets, memory: u64, parallel: &ParallelFor<'_>) -> Result<()> {
        let permutation = self.options.shuffle.then(|| Permutation::new(plan.totals.rows, self.options.seed, u64::from(plan.index)));
        let mut best_fit = BestFit::new(self.options.sequence_length);
        let (mut totals, mut laid_out, mut documents) = (Totals::default(), Vec::new(), 0);
        for (number, range) in plan.windows.iter().enumerate() {
            let shards = self.lengths(range.clone())?;
            let lengths = shards.iter().flat_map(|shard| shard.lengths.iter().copied());
            let row = totals.rows as u32;
            let window = Window::new(&mut best_fit, self.options.sequence_length, row, permutation.as_ref(), lengths);
            totals.add(window.totals());
            documents += window.totals().documents + window.totals().empty;
            laid_out.push((window, shards));
            if documents * Window::DOCUMENT_BYTES > memory || number + 1 == plan.windows.len() {
                self.put_windows_aside(&laid_out, pieces, parallel)?;
                laid_out.clear();
                documents = 0;
            }
        }
        if totals == plan.totals { Ok(()) } else { Err(Error::internal(format!("{} was planned for other token shards", plan.name()))) }
    }

    fn put_windows_aside(
        &self,
        windows: &[(Window<'_>, Vec<ShardLengths>)],
        pieces: &PieceBuckets,
        parallel: &ParallelFor<'_>,
    ) -> Result<()> {
        let mut tasks = Vec::new();
        for (window, shards) in windows {
            let mut place = Place::default();
            for shard in shards {
                tasks.push((window, shard, place));
                for &n_tokens in &shard.lengths {
                    place.skip(self.options.sequence_length, n_tokens);
                }
            }
        }
        in_parallel(parallel, tasks.len(), &|task| {
            let (window, shard, place) = tasks[task];
            self.put_shard_aside(window, shard, place, pieces)
        })?;
        Ok(())
    }

    /// Puts the documents of one token shard aside; the first of them is at `place` in the window.
    fn put_shard_aside(&self, window: &Window<'_>, shard: &ShardLengths, mut place: Place, pieces: &PieceBuckets) -> Result<()> {
        let part = &self.parts[shard.index as usize];
        let mut row = 0;
        for batch in io::open_table(&part.place, Some(&[INPUT_IDS.name]), batch_rows(&shard.lengths))? {
            let batch = batch.map_err(|e| Error::damaged(&part.place, e.to_string()))?;
            let lists = token_lists(part.place.path(), &batch)?;
            for i in 0..lists.len() {
                let ids = list_slice::<Int32Type>(lists, i);
                let n_tokens = shard.lengths.get(row).copied();
                if part.takes(row) {
                    if n_tokens.map(|n| n as usize) != Some(ids.len()) {
                        return Err(Error::damaged(&part.place, format!("row {row}: n_tokens is not the length of input_ids")));
                    }
                    for piece in window.pieces(&mut place, ids.len() as u32) {
                        if !self.put_piece(pieces, piece, (shard.index, row as u32), ids)? {
                            return Err(Error::damaged(&part.place, format!("row {row}: a token is not in the vocabulary")));
                        }
                    }
                }
                row += 1;
            }
        }
        if row == shard.lengths.len() { Ok(()) } else { Err(Error::damaged(&part.place, "input_ids has fewer rows than n_tokens")) }
    }

    /// Puts a piece of a document aside, with the EOS behind its last token; false if a token is not in the vocabulary.
    fn put_piece(&self, pieces: &PieceBuckets, piece: Piece, (shard, row): (u32, u32), ids: &[i32]) -> Result<bool> {
        let (start, end) = (piece.offset as usize, (piece.offset + piece.position.length) as usize);
        let (token_type, vocab_size) = (self.token_type(), self.context.vocab_size);
        let mut sound = true;
        pieces.put(piece, shard, row, |out| {
            sound = encode(out, token_type, vocab_size, ids.get(start..end.min(ids.len())).unwrap_or_default());
            if end > ids.len() {
                sound &= encode(out, token_type, vocab_size, &[self.context.eos.cast_signed()]);
            }
        })?;
        Ok(sound)
    }

    /// Writes the sections of tokens and index, bucket by bucket; `index` holds the index meanwhile.
    pub(super) fn write_sections<W: Write>(
        &self,
        writer: &mut SectionWriter<W>,
        pieces: &PieceBuckets,
        index: &Buckets,
        target: &Path,
    ) -> Result<()> {
        let io = |e| Error::io(target, "write", e);
        let (mut rows_written, mut pieces_written) = (0, 0_u32);
        index.put(ROW_PTR, |out| out.extend(0_u32.to_le_bytes()))?;
        for (bucket, rows) in pieces.rows().enumerate() {
            let mut block = Block::new(rows.clone(), self.options.sequence_length, self.token_type(), self.context.pad);
            let placed = pieces.fill(bucket, self.token_type(), &mut block)?;
            writer.write(block.bytes()).map_err(io)?;
            rows_written += rows.len() as u64;
            self.index_rows(index, rows, &placed, &mut pieces_written)?;
        }
        writer.end(kind::TOKENS, self.token_type() as u32, rows_written * u64::from(self.options.sequence_length)).map_err(io)?;
        let ends = if has_narrow_ends(self.options.sequence_length) { TokenType::Uint16 as u32 } else { UINT32 };
        let sections = [
            (ROW_PTR, kind::ROW_PTR, UINT32, rows_written + 1),
            (ENDS, kind::PIECE_END, ends, u64::from(pieces_written)),
            (SOURCES, kind::PIECE_SRC, RECORD, u64::from(pieces_written)),
        ];
        for (stream, kind, item_type, items) in sections {
            writer.align().map_err(io)?;
            index.each(stream, &mut |bytes| writer.write(bytes).map_err(io))?;
            writer.end(kind, item_type, items).map_err(io)?;
        }
        Ok(())
    }

    /// Adds some rows to the index; `placed` are their pieces, `written` is how many there are before and then behind them.
    fn index_rows(&self, index: &Buckets, rows: Range<u32>, placed: &[Placed], written: &mut u32) -> Result<()> {
        let narrow = has_narrow_ends(self.options.sequence_length);
        index.put(ENDS, |out| {
            for piece in placed {
                if narrow {
                    out.extend((piece.end as u16).to_le_bytes());
                } else {
                    out.extend(piece.end.to_le_bytes());
                }
            }
        })?;
        index.put(SOURCES, |out| {
            for Placed { source: Source { shard, row, offset, flags }, .. } in placed {
                for field in [shard, row, offset, flags] {
                    out.extend(field.to_le_bytes());
                }
            }
        })?;
        index.put(ROW_PTR, |out| {
            let mut rest = placed;
            for row in rows {
                let here = rest.iter().take_while(|piece| piece.row == row).count();
                rest = &rest[here..];
                *written += here as u32;
                out.extend(written.to_le_bytes());
            }
        })
    }

    fn finish(&self, writer: SectionWriter<StagedFile>, plan: &PartPlan, target: &io::Place) -> Result<(u64, String)> {
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
