//! What `tokenizer.json` and the pack say again.

use super::Check;
use crate::bpe;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::Result;
use crate::io::{FileEntry, open_table};
use crate::pack::Pack;
use crate::pack::info::PackInfo;
use crate::pack::layout::Totals;
use crate::pipeline::layout::{self, COUNTS, PACK_JSON, TOKENIZER_JSON};
use crate::pipeline::tables::repeats;
use crate::schema;
use crate::stage::{list_slice, lists};

const BATCH_ROWS: usize = 256;

impl Check<'_> {
    /// Compares vocabulary and pack with the manifest, with each other and with the token shards.
    pub(super) fn vocabulary_and_pack(&mut self) -> Result<()> {
        let is_there = |check: &Self, path: &str| check.entry(path).is_some() && check.is_whole(path);
        if is_there(self, COUNTS) {
            let counted = self.counts();
            self.note(COUNTS, counted)?;
        }
        let mut tokenizer = None;
        if is_there(self, TOKENIZER_JSON) {
            tokenizer = self.note(TOKENIZER_JSON, bpe::read_tokenizer(&self.run.join(TOKENIZER_JSON)))?;
        }
        if let Some(tokenizer) = &tokenizer {
            self.vocabulary(tokenizer);
        }
        let parts = self.manifest.files.iter().filter(|file| layout::is_in(layout::PACK, &file.path));
        if !is_there(self, PACK_JSON) || parts.clone().any(|file| !self.is_whole(&file.path)) {
            return Ok(());
        }
        if let Some(pack) = self.note("pack", Pack::open(&self.run.join(layout::PACK)))? {
            self.pack_info(pack.info());
            self.specials(pack.info(), tokenizer.as_ref());
            let content = self.pack_content(&pack);
            self.note("pack", content)?;
        }
        Ok(())
    }

    fn vocabulary(&mut self, tokenizer: &Tokenizer) {
        let manifest = self.manifest;
        let said = &manifest.tokenizer;
        self.compare("tokenizer vocab_size", said.vocab_size, tokenizer.len() as u64, "tokenizer.json has");
        if let Some(file) = manifest.files.iter().find(|file| file.path == TOKENIZER_JSON) {
            self.compare("tokenizer blake3", said.blake3.as_str(), &file.blake3, "tokenizer.json has");
        }
        if let Some(rows) = self.entry(COUNTS).map(|file| file.rows) {
            self.compare("tokenizer pre_tokens", said.pre_tokens, rows, "counts.parquet has");
        }
    }

    /// `pack.json` against the manifest.
    fn pack_info(&mut self, info: &PackInfo) {
        let (manifest, totals) = (self.manifest, &info.totals);
        let said = &manifest.pack;
        for (key, said, found) in [
            ("pack sequence_length", said.sequence_length, u64::from(info.sequence_length)),
            ("pack rows", said.rows, totals.rows),
            ("pack tokens", said.tokens, totals.tokens),
            ("pack padding", said.padding, info.padding),
            ("pack pieces", said.pieces, totals.pieces),
            ("tokenizer vocab_size", manifest.tokenizer.vocab_size, u64::from(info.vocab_size)),
        ] {
            self.compare(key, said, found, "pack.json says");
        }
        let once = || info.shards.iter().filter(|shard| shard.take.is_none());
        self.compare("kept", manifest.totals.kept, once().map(|shard| shard.rows).sum(), "the token shards of pack.json have");
        if once().count() == info.shards.len() {
            self.compare("kept", manifest.totals.kept, totals.documents + totals.empty, "pack.json says");
            self.compare("tokens", manifest.totals.tokens, totals.tokens.saturating_sub(totals.documents), "pack.json says");
        }
        self.compare("tokenizer blake3", manifest.tokenizer.blake3.as_str(), &info.tokenizer_blake3, "pack.json says");
        self.compare("fingerprint", manifest.fingerprint.as_str(), &info.plan_fingerprint, "pack.json says");
        let mut sums = Totals::default();
        info.parts.iter().for_each(|part| sums.add(&part.totals));
        if (sums, sums.padding(info.sequence_length)) != (info.totals, info.padding) {
            self.found(format!("{PACK_JSON}: its totals are not the sums over its parts"));
        }
        let parts =
            info.parts.iter().map(|part| entry(layout::inside(layout::PACK, &part.name), part.totals.rows, part.bytes, &part.blake3));
        let listed = manifest.files.iter().filter(|file| layout::is_in(layout::PACK, &file.path) && file.path != PACK_JSON);
        self.same_files("parts", &parts.collect::<Vec<_>>(), &listed.cloned().collect::<Vec<_>>());
        let listed = manifest.files.iter().filter(|file| layout::is_in(layout::TOKENS, &file.path));
        let bytes = |name: &str| self.entry(name).map_or(0, |file| file.bytes);
        let shards: Vec<_> = once().map(|shard| entry(shard.name.clone(), shard.rows, bytes(&shard.name), &shard.blake3)).collect();
        self.same_files("token shards", &shards, &listed.cloned().collect::<Vec<_>>());
    }

    /// Does `pack.json` name the files that the manifest lists?
    fn same_files(&mut self, what: &str, named: &[FileEntry], listed: &[FileEntry]) {
        for (named, listed) in named.iter().zip(listed).filter(|(named, listed)| named != listed) {
            let FileEntry { path, rows, bytes, .. } = named;
            self.found(format!(
                "{}: listed with {} rows and {} bytes, {PACK_JSON} names {path} with {rows} and {bytes}, or another hash",
                listed.path, listed.rows, listed.bytes
            ));
        }
        if named.len() != listed.len() {
            self.found(format!("{PACK_JSON}: names {} {what}, the manifest lists {}", named.len(), listed.len()));
        }
    }

    /// EOS, PAD and the way of packing are those of plan and vocabulary.
    fn specials(&mut self, info: &PackInfo, tokenizer: Option<&Tokenizer>) {
        let Some(Ok(plan)) = self.plan() else { return };
        let (said, asked) = ((info.sequence_length, info.window, info.shuffle, info.seed), &plan.pack);
        if said != (asked.sequence_length, asked.window, asked.shuffle, asked.seed) {
            self.found(format!("{PACK_JSON}: sequence_length, window, shuffle or seed is not that of plan.toml"));
        }
        let ids = tokenizer.map(|t| (t.special_id(&plan.tokenizer.eos_token), t.special_id(&plan.tokenizer.pad_token)));
        if ids.is_some_and(|ids| ids != (Some(info.eos_id), Some(info.pad_id))) {
            self.found(format!("{PACK_JSON}: EOS {} and PAD {} are not those of the vocabulary", info.eos_id, info.pad_id));
        }
    }

    /// Every promise of the format, and the documents of the pack one by one against the token shards.
    fn pack_content(&self, pack: &Pack) -> Result<()> {
        let info = pack.info();
        for (part, said) in info.parts.iter().enumerate() {
            self.stop.check()?;
            pack.verify_part(part)?;
            let mut found = Totals { rows: said.totals.rows, pieces: said.totals.pieces, tokens: said.totals.tokens, ..Totals::default() };
            let mut documents = pack.documents(part)?;
            for shard in info.shards.iter().skip(said.first_shard as usize).take(said.shards as usize) {
                let path = self.run.join(&shard.name);
                if self.entry(&shard.name).is_none() || !self.is_whole(&shard.name) {
                    return Ok(());
                }
                // A shard that stands there again holds the documents that are wanted so often; the others are empty in it.
                let repeats = match shard.take {
                    Some(_) => Some(repeats(&self.run.join(shard.name.replacen(layout::TOKENS, layout::DOCUMENTS, 1)))?),
                    None => None,
                };
                let take = shard.take.unwrap_or(1);
                let taken = |row: usize| repeats.as_ref().is_none_or(|repeats| repeats.get(row).is_some_and(|&n| u32::from(n) >= take));
                let mut base = 0;
                for batch in open_table(&path, Some(&[schema::INPUT_IDS.name]), BATCH_ROWS)? {
                    self.stop.check()?;
                    let batch = batch?;
                    let ids = lists(&batch, &schema::INPUT_IDS)?;
                    for row in 0..batch.num_rows() {
                        let document = documents.next().transpose()?.map(|document| document.input_ids).unwrap_or_default();
                        let wanted = list_slice::<arrow::datatypes::Int32Type>(ids, row);
                        if document != if taken(base + row) { wanted } else { &[] } {
                            return Err(crate::error::Error::damaged(&path, "the pack holds other tokens"));
                        }
                        found.empty += u64::from(document.is_empty());
                        found.documents += u64::from(!document.is_empty());
                        found.cut += u64::from(document.len() as u64 + 1 > u64::from(info.sequence_length));
                    }
                    base += batch.num_rows();
                }
            }
            if found != said.totals || documents.next().is_some() {
                return Err(crate::error::Error::damaged(
                    self.run.join(PACK_JSON),
                    format!("the totals of {} are not what it holds", said.name),
                ));
            }
        }
        Ok(())
    }
}

fn entry(path: String, rows: u64, bytes: u64, blake3: &str) -> FileEntry {
    FileEntry { path, rows, bytes, blake3: blake3.to_owned() }
}
