//! Opens a finished pack: its documents, where each of them is, and its checks.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::io;
use crate::pack::format::error::FormatError;
use crate::pack::format::header::{Header, shards_hash};
use crate::pack::info::{PackInfo, PartInfo};
use crate::pack::unpack::{self, Document, Documents};
use crate::pack::view::{PackView, Piece};

/// A finished pack: `pack.json` and maps of its files.
#[derive(Debug)]
pub struct Pack {
    info: PackInfo,
    pub(super) maps: Vec<(PathBuf, memmap2::Mmap)>,
}

impl Pack {
    /// Opens the directory of a pack. Reads `pack.json` and the headers, whatever the size of the files.
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

    /// All documents in the order of the token shards, empty ones too.
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

    /// The pieces of a document, in order, with rows counted over the whole pack; none if the document is empty.
    pub fn locate(&self, shard: u32, row: u32) -> Result<Vec<Piece>> {
        let holds = |part: &PartInfo| (part.first_shard..part.first_shard.saturating_add(part.shards)).contains(&shard);
        let Some(part) = self.info.parts.iter().position(holds) else { return Ok(Vec::new()) };
        let mut pieces = unpack::locate(&self.part(part)?, shard, row).map_err(|e| damaged(&self.maps[part].0, &e))?;
        for piece in &mut pieces {
            piece.row += self.info.parts[part].first_row;
        }
        Ok(pieces)
    }

    /// Checks everything that the format promises, and that the documents are those of the token shards of `pack.json`. It does not
    /// compare the hashes of whole files, which stand in the manifest.
    pub fn verify(&self) -> Result<()> {
        for part in 0..self.maps.len() {
            self.verify_part(part)?;
            self.documents(part)?.try_for_each(|document| document.map(|_| ()))?;
        }
        Ok(())
    }

    /// The same for one part, without reading its documents.
    pub fn verify_part(&self, part: usize) -> Result<()> {
        let view = self.part(part)?;
        let ((path, map), info) = (&self.maps[part], &self.info.parts[part]);
        unpack::verify(map).map_err(|e| damaged(path, &e))?;
        let shards = self.info.shards.iter().skip(info.first_shard as usize).take(info.shards as usize);
        if shards_hash(shards.map(|shard| (shard.name.as_str(), shard.blake3.as_str()))) != view.header().shards_blake3 {
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

/// Maps a file, but only if it has the right size.
fn map_part(path: &Path, bytes: u64) -> Result<memmap2::Mmap> {
    let file = io::Finished::open(path)?;
    let actual = file.metadata()?.len();
    if actual != bytes {
        return Err(damaged(path, &FormatError::Size { actual, expected: bytes }));
    }
    file.map()
}

fn damaged(path: &Path, error: &FormatError) -> Error {
    Error::damaged(path, error.to_string())
}

/// Checks everything that the format promises of the bytes of one file; gives its header.
pub fn verify_part(path: &Path, bytes: &[u8]) -> Result<Header> {
    unpack::verify(bytes).map(|view| view.header().clone()).map_err(|e| damaged(path, &e))
}
