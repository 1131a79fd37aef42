//! The way back from a row of a pack: its pieces, the documents they are of, and the records of the inputs that these were read from.
//!
//! Nothing is searched: a piece names its token shard and the row there (`docs/formats/pack.md`), the row names file and offset of the record, and
//! pages of a table are found by their index. So a row costs the same in a pack of any size.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, UInt64Type};
use serde::Serialize;

use super::layout::{self, Subset};
use super::manifest::Manifest;
use crate::bpe::read_tokenizer;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::io::TableRows;
use crate::pack::Pack;
use crate::pack::format::items::{EOS_APPENDED, HEADER_BYTES};
use crate::pack::layout::{FIRST, LAST};
use crate::pack::view::Piece;
use crate::quarantine::escape;
use crate::schema::{self, Column};
use crate::stage::{Batch, list_slice, lists, strings};

/// Token shards whose footers are held at once.
const SHARDS_HELD: usize = 256;
/// What a pack is made of, in its directory.
const INDEX: &str = "pack.json";
/// Directories above a pack in which its token shards are looked for.
const ABOVE: usize = 3;
/// What is read of a token shard, where it has it.
const COLUMNS: [&Column; 7] =
    [&schema::DOC_ID, &schema::SOURCE, &schema::LICENSE, &schema::RESIDENCY, &schema::FILE, &schema::OFFSET, &schema::N_TOKENS];

/// An input file, as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputIdentity {
    /// Bytes on disk.
    pub bytes: u64,
    /// BLAKE3 of the file, hex; empty if it could not be read.
    pub blake3: String,
}

/// A row of a pack, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TracedRow {
    /// Its number in the pack.
    pub row: u64,
    /// The file that holds it.
    pub part: String,
    /// Its number there.
    pub row_in_part: u64,
    /// Bytes of that file: the tokens of the row.
    pub bytes: Range<u64>,
    /// Columns with tokens, EOS included; the others are PAD.
    pub tokens: u32,
    /// Pieces, from left to right.
    pub pieces: Vec<TracedPiece>,
}

/// A piece of a document in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TracedPiece {
    /// Columns of the row.
    pub columns: Range<u32>,
    /// Tokens of the document, without EOS.
    pub document_tokens: Range<u32>,
    /// All tokens of the document, without EOS.
    pub n_tokens: u32,
    /// Is its last column the EOS?
    pub eos: bool,
    /// doc_id.
    pub doc_id: String,
    /// Source of the document.
    pub source: String,
    /// Licence, where it has one.
    pub license: Option<String>,
    /// Country in which it has to stay, where one is named.
    pub residency: Option<String>,
    /// The token shard, by its name in `pack.json`.
    pub shard: String,
    /// The row there, and in the part of `documents/` beside it.
    pub shard_row: u32,
    /// That part, where the shard is one of a run.
    pub documents: Option<String>,
    /// The input that holds the record, by its name in the manifest; absent in shards of earlier versions.
    pub file: Option<String>,
    /// Decoded byte of the input at which the record begins; of Parquet the row, from 0.
    pub offset: Option<u64>,
    /// The input itself, where the pack lies in its run.
    pub input: Option<InputIdentity>,
    /// Bytes of the document's text that the piece stands for, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_bytes: Option<Range<u64>>,
}

/// A pack that is open for questions.
pub struct Tracer {
    pack: Pack,
    dir: PathBuf,
    /// Where token shards are looked for: the directory that was named, or those above the pack.
    tokens: Option<PathBuf>,
    run: Option<PathBuf>,
    inputs: BTreeMap<String, InputIdentity>,
    shards: BTreeMap<u32, TableRows>,
    tokenizer: Option<Tokenizer>,
}

impl Tracer {
    /// Opens the pack of a run, the directory of a pack, or one of its files; `tokens` is where its token shards lie, if not beside it.
    ///
    /// # Errors
    /// `Refused` where there is no pack; damaged; I/O.
    pub fn open(path: &Path, tokens: Option<&Path>) -> Result<Self> {
        let dir = directory_of_pack(path)?;
        let pack = Pack::open(&dir)?;
        // As it is named, so that a link to a pack leads to where the pack lies.
        let whole = dir.canonicalize().map_err(|e| Error::io(&dir, "open", e))?;
        let of_run = |dir: &&Path| dir.join(layout::SUCCESS).is_file() && dir.join(layout::MANIFEST).is_file();
        let run = whole.ancestors().skip(1).take(ABOVE).find(of_run).map(Path::to_path_buf);
        let mut inputs = BTreeMap::new();
        if let Some(run) = &run {
            let (manifest, _) = Manifest::read(run)?;
            inputs
                .extend(manifest.inputs.into_iter().map(|input| (input.path, InputIdentity { bytes: input.bytes, blake3: input.blake3 })));
        }
        Ok(Self { pack, dir: whole, tokens: tokens.map(Path::to_path_buf), run, inputs, shards: BTreeMap::new(), tokenizer: None })
    }

    /// Rows of the pack.
    pub fn rows(&self) -> u64 {
        self.pack.info().totals.rows
    }

    /// Where a row comes from; `with_text` also says which bytes of the documents' texts its pieces are.
    ///
    /// # Errors
    /// `Refused`: a row that is not there, token shards that are not found, or no vocabulary for `with_text`; damaged; I/O.
    pub fn trace(&mut self, row: u64, with_text: bool) -> Result<TracedRow> {
        let info = self.pack.info();
        if row >= info.totals.rows {
            let message = format!("row {row}: the pack has {} rows", info.totals.rows);
            return Err(Error::refused_with_hint(message, "rows are counted from 0, over all parts"));
        }
        let part = info.parts.partition_point(|part| part.first_row <= row).saturating_sub(1);
        let about = info.parts.get(part).ok_or_else(|| Error::damaged(self.dir.join(INDEX), "has rows and no part"))?;
        let (name, row_in_part) = (about.name.clone(), row - about.first_row);
        let stride = u64::from(info.sequence_length) * if info.token_dtype == "uint16" { 2 } else { 4 };
        let view = self.pack.part(part)?;
        let damaged = |e: &dyn std::fmt::Display| Error::damaged(self.dir.join(&name), e.to_string());
        let pieces = view.pieces(row_in_part).map_err(|e| damaged(&e))?.collect::<std::result::Result<Vec<_>, _>>();
        let pieces = pieces.map_err(|e| damaged(&e))?;
        let has_eos = view.header().flags & EOS_APPENDED != 0;
        let first_byte = HEADER_BYTES as u64 + row_in_part * stride;
        let tokens = pieces.last().map_or(0, |piece| piece.end);
        let mut traced = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            traced.push(self.piece(piece, has_eos)?);
        }
        self.fill(&pieces, &mut traced)?;
        if with_text {
            self.fill_text(&pieces, &mut traced)?;
        }
        Ok(TracedRow { row, part: name, row_in_part, bytes: first_byte..first_byte + stride, tokens, pieces: traced })
    }

    /// What the pack itself says of a piece.
    fn piece(&self, piece: &Piece, has_eos: bool) -> Result<TracedPiece> {
        let source = piece.source;
        let shard = self.pack.info().shards.get(source.shard as usize);
        let shard = shard.ok_or_else(|| Error::damaged(self.dir.join(INDEX), format!("has no token shard {}", source.shard)))?;
        let eos = has_eos && source.flags & LAST != 0;
        let length = piece.end - piece.start - u32::from(eos);
        let end = source.offset.checked_add(length).filter(|_| (source.offset == 0) == (source.flags & FIRST != 0));
        let end = end.ok_or_else(|| Error::damaged(&self.dir, "an origin whose offset and flags contradict each other"))?;
        let subset = Subset::BOTH.into_iter().find(|subset| layout::is_in(subset.tokens, &shard.name));
        Ok(TracedPiece {
            columns: piece.start..piece.end,
            document_tokens: source.offset..end,
            n_tokens: 0,
            eos,
            doc_id: String::new(),
            source: String::new(),
            license: None,
            residency: None,
            documents: subset.map(|subset| subset.documents_of(&shard.name)),
            shard: shard.name.clone(),
            shard_row: source.row,
            file: None,
            offset: None,
            input: None,
            text_bytes: None,
        })
    }

    /// What the token shards say of the documents, each shard asked once.
    fn fill(&mut self, pieces: &[Piece], traced: &mut [TracedPiece]) -> Result<()> {
        for (shard, rows) in rows_by_shard(pieces) {
            let table = self.shard(shard)?;
            let columns: Vec<&str> = COLUMNS.iter().map(|column| column.name).filter(|name| table.has(name)).collect();
            let documents = Documents { path: table.path().to_path_buf(), batch: table.read(&columns, &rows)?, rows };
            for (piece, traced) in pieces.iter().zip(traced.iter_mut()).filter(|(piece, _)| piece.source.shard == shard) {
                documents.fill(piece, traced)?;
                traced.input = traced.file.as_ref().and_then(|file| self.inputs.get(file)).cloned();
            }
        }
        Ok(())
    }

    /// Which bytes of the texts the pieces are: tokens are bytes, and those of a document make up its text.
    fn fill_text(&mut self, pieces: &[Piece], traced: &mut [TracedPiece]) -> Result<()> {
        if self.tokenizer.is_none() {
            let Some(run) = &self.run else {
                let message = format!("{}: not in a finished run, so its vocabulary is not known", self.dir.display());
                return Err(Error::refused_with_hint(message, "ask without --text"));
            };
            self.tokenizer = Some(read_tokenizer(&run.join(layout::TOKENIZER_JSON))?);
        }
        for (shard, rows) in rows_by_shard(pieces) {
            let batch = self.shard(shard)?.read(&[schema::INPUT_IDS.name], &rows)?;
            let ids = lists(&batch, &schema::INPUT_IDS)?;
            let tokenizer = self.tokenizer.as_ref().ok_or_else(|| Error::internal("a vocabulary that was read is gone"))?;
            let bytes = |ids: &[i32]| -> u64 {
                ids.iter().map(|&id| u32::try_from(id).ok().and_then(|id| tokenizer.token(id)).map_or(0, |token| token.len() as u64)).sum()
            };
            for (piece, traced) in pieces.iter().zip(traced.iter_mut()).filter(|(piece, _)| piece.source.shard == shard) {
                let at = rows.partition_point(|row| *row < u64::from(piece.source.row));
                let ids = list_slice::<Int32Type>(ids, at);
                let tokens = &traced.document_tokens;
                let (before, own) = (ids.get(..tokens.start as usize), ids.get(tokens.start as usize..tokens.end as usize));
                let (Some(before), Some(own)) = (before, own) else {
                    return Err(Error::damaged(&self.dir, format!("a piece of {} tokens that its document has not", tokens.end)));
                };
                let start = bytes(before);
                traced.text_bytes = Some(start..start + bytes(own));
            }
        }
        Ok(())
    }

    /// A token shard, its footer read; of many the oldest by number goes.
    fn shard(&mut self, shard: u32) -> Result<&TableRows> {
        if !self.shards.contains_key(&shard) {
            let info = &self.pack.info().shards[shard as usize];
            let table = TableRows::open(&self.find(&info.name)?)?;
            if table.rows() != info.rows {
                let message = format!("{} rows; the pack was made of {}", table.rows(), info.rows);
                return Err(Error::damaged(table.path(), message));
            }
            if self.shards.len() >= SHARDS_HELD {
                self.shards.pop_first();
            }
            self.shards.insert(shard, table);
        }
        self.shards.get(&shard).ok_or_else(|| Error::internal("a token shard that was opened is gone"))
    }

    fn find(&self, name: &str) -> Result<PathBuf> {
        let plain = !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            let message = format!("names a token shard outside of its directory: {}", escape(name, 200));
            return Err(Error::damaged(self.dir.join(INDEX), message));
        }
        let last = Path::new(name).file_name().unwrap_or_default();
        let named = self.tokens.iter().flat_map(|dir| [dir.join(name), dir.join(last)]);
        let above = self.dir.ancestors().skip(1).take(ABOVE).map(|dir| dir.join(name)).filter(|_| self.tokens.is_none());
        named.chain(above).find(|path| path.is_file()).ok_or_else(|| {
            let message = format!("{}: its token shard {} is not found", self.dir.display(), escape(name, 200));
            Error::refused_with_hint(message, "name the directory of the token shards that it was made of with --tokens DIR")
        })
    }
}

/// Rows of each token shard, ascending.
fn rows_by_shard(pieces: &[Piece]) -> BTreeMap<u32, Vec<u64>> {
    let mut rows: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for piece in pieces {
        rows.entry(piece.source.shard).or_default().push(u64::from(piece.source.row));
    }
    for rows in rows.values_mut() {
        rows.sort_unstable();
        rows.dedup();
    }
    rows
}

/// The directory of the pack that is meant.
fn directory_of_pack(path: &Path) -> Result<PathBuf> {
    let in_run = path.join(layout::PACK);
    let found = if path.join(INDEX).is_file() {
        Some(path.to_path_buf())
    } else if in_run.join(INDEX).is_file() {
        Some(in_run)
    } else if path.is_file() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Some(parent.to_path_buf()).filter(|dir| dir.join(INDEX).is_file())
    } else {
        None
    };
    found.ok_or_else(|| {
        let message = format!("{}: no pack is there ({} is missing)", path.display(), INDEX);
        Error::refused_with_hint(message, "name a finished run, the directory of a pack, or one of its .pack files")
    })
}

/// Some rows of a token shard.
struct Documents {
    path: PathBuf,
    batch: Batch,
    rows: Vec<u64>,
}

impl Documents {
    fn fill(&self, piece: &Piece, traced: &mut TracedPiece) -> Result<()> {
        let at = self.rows.partition_point(|row| *row < u64::from(piece.source.row));
        let text = |column: &Column| -> Result<Option<String>> {
            if self.batch.column_by_name(column.name).is_none() {
                return Ok(None);
            }
            let values = strings(&self.batch, column).map_err(|e| Error::damaged(&self.path, e.to_string()))?;
            Ok(values.is_valid(at).then(|| values.value(at).to_owned()))
        };
        let needed =
            |column: &Column| text(column)?.ok_or_else(|| Error::damaged(&self.path, format!("column {} is missing", column.name)));
        traced.doc_id = needed(&schema::DOC_ID)?;
        traced.source = needed(&schema::SOURCE)?;
        traced.license = text(&schema::LICENSE)?;
        traced.residency = text(&schema::RESIDENCY)?;
        traced.file = text(&schema::FILE)?;
        let offsets = self.batch.column_by_name(schema::OFFSET.name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        traced.offset = offsets.filter(|offsets| offsets.is_valid(at)).map(|offsets| offsets.value(at));
        let lengths = self.batch.column_by_name(schema::N_TOKENS.name).and_then(|column| column.as_primitive_opt::<Int32Type>());
        let n_tokens = lengths.and_then(|lengths| u32::try_from(lengths.value(at)).ok());
        traced.n_tokens = n_tokens.ok_or_else(|| Error::damaged(&self.path, "column n_tokens is missing, or below 0"))?;
        if traced.document_tokens.end > traced.n_tokens {
            let message = format!("document {} has {} tokens, and a piece ends behind them", escape(&traced.doc_id, 200), traced.n_tokens);
            return Err(Error::damaged(&self.path, message));
        }
        Ok(())
    }
}
