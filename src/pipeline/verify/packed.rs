//! What `tokenizer.json` and the pack say again.

use arrow::datatypes::Int32Type;

use super::Check;
use crate::bpe;
use crate::bpe::vocabulary::Tokenizer;
use crate::error::{Error, Result};
use crate::io::{Dir, FileEntry, open_table};
use crate::pack::info::{PackInfo, ShardInfo};
use crate::pack::layout::Totals;
use crate::pack::unpack::Document;
use crate::pack::{Pack, Selection, TokenPart};
use crate::pipeline::layout::{self, COUNTS, HELD_OUT, Subset, TOKENIZER_JSON};
use crate::pipeline::manifest::PackFacts;
use crate::pipeline::pack::select;
use crate::pipeline::plan::Plan;
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
            let read = self.note(TOKENIZER_JSON, bpe::read_tokenizer_and_content(&self.run.join(TOKENIZER_JSON)))?;
            tokenizer = read.map(|(tokenizer, content)| {
                self.compare("tokenizer content_blake3", self.manifest.tokenizer.content_blake3.as_str(), &content, "tokenizer.json has");
                tokenizer
            });
        }
        if let Some(tokenizer) = &tokenizer {
            self.vocabulary(tokenizer);
        }
        for subset in Subset::BOTH {
            let mut parts = self.manifest.files.iter().filter(|file| layout::is_in(subset.pack, &file.path));
            if !is_there(self, subset.pack_json) || parts.any(|file| !self.is_whole(&file.path)) {
                continue;
            }
            if let Some(pack) = self.note(subset.pack, Pack::open(&self.run.join(subset.pack)))? {
                self.pack_info(subset, pack.info());
                self.specials(subset, pack.info(), tokenizer.as_ref());
                let content = self.pack_content(subset, &pack);
                self.note(subset.pack, content)?;
            }
        }
        Ok(())
    }

    /// What the manifest says of a subset: documents, tokens, pack.
    fn said(&self, subset: Subset) -> (u64, u64, PackFacts) {
        let (totals, held_out) = (self.manifest.totals, self.manifest.validation.clone().unwrap_or_default());
        if subset == HELD_OUT {
            return (held_out.kept, held_out.tokens, held_out.pack);
        }
        let kept = totals.kept.saturating_sub(held_out.kept);
        (kept, totals.tokens.saturating_sub(held_out.tokens), self.manifest.pack.clone())
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
    fn pack_info(&mut self, subset: Subset, info: &PackInfo) {
        let (manifest, totals) = (self.manifest, &info.totals);
        let (kept, tokens, said) = self.said(subset);
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
        let once = || info.shards.iter().filter(|shard| shard.take.is_none_or(|take| take == 1));
        self.compare("kept", kept, once().map(|shard| shard.rows).sum(), "the token shards of pack.json have");
        if info.shards.iter().all(|shard| shard.take.is_none()) {
            self.compare("kept", kept, totals.documents + totals.empty, "pack.json says");
            self.compare("tokens", tokens, totals.tokens.saturating_sub(totals.documents), "pack.json says");
        }
        self.compare("tokenizer blake3", manifest.tokenizer.blake3.as_str(), &info.tokenizer_blake3, "pack.json says");
        let content = info.tokenizer_content_blake3.as_deref().unwrap_or("nothing");
        self.compare("tokenizer content_blake3", manifest.tokenizer.content_blake3.as_str(), content, "pack.json says");
        self.compare("fingerprint", manifest.fingerprint.as_str(), &info.plan_fingerprint, "pack.json says");
        let mut sums = Totals::default();
        info.parts.iter().for_each(|part| sums.add(&part.totals));
        if (sums, sums.padding(info.sequence_length)) != (info.totals, info.padding) {
            self.found(format!("{}: its totals are not the sums over its parts", subset.pack_json));
        }
        let parts =
            info.parts.iter().map(|part| entry(layout::inside(subset.pack, &part.name), part.totals.rows, part.bytes, &part.blake3));
        let listed = manifest.files.iter().filter(|file| layout::is_in(subset.pack, &file.path) && file.path != subset.pack_json);
        self.same_files(subset, "parts", &parts.collect::<Vec<_>>(), &listed.cloned().collect::<Vec<_>>());
        let listed = manifest.files.iter().filter(|file| layout::is_in(subset.tokens, &file.path));
        let bytes = |name: &str| self.entry(name).map_or(0, |file| file.bytes);
        let shards: Vec<_> = once().map(|shard| entry(shard.name.clone(), shard.rows, bytes(&shard.name), &shard.blake3)).collect();
        self.same_files(subset, "token shards", &shards, &listed.cloned().collect::<Vec<_>>());
    }

    /// Does `pack.json` name the files that the manifest lists?
    fn same_files(&mut self, subset: Subset, what: &str, named: &[FileEntry], listed: &[FileEntry]) {
        for (named, listed) in named.iter().zip(listed).filter(|(named, listed)| named != listed) {
            let FileEntry { path, rows, bytes, .. } = named;
            self.found(format!(
                "{}: listed with {} rows and {} bytes, {} names {path} with {rows} and {bytes}, or another hash",
                listed.path, listed.rows, listed.bytes, subset.pack_json
            ));
        }
        if named.len() != listed.len() {
            self.found(format!("{}: names {} {what}, the manifest lists {}", subset.pack_json, named.len(), listed.len()));
        }
    }

    /// EOS, PAD and the way of packing are those of plan and vocabulary.
    fn specials(&mut self, subset: Subset, info: &PackInfo, tokenizer: Option<&Tokenizer>) {
        let Some(Ok(plan)) = self.plan() else { return };
        let (said, asked) = ((info.sequence_length, info.window, info.shuffle, info.seed), &plan.pack);
        if said != (asked.sequence_length, asked.window, asked.shuffle, asked.seed) {
            self.found(format!("{}: sequence_length, window, shuffle or seed is not that of plan.toml", subset.pack_json));
        }
        let ids = tokenizer.map(|t| (t.special_id(&plan.tokenizer.eos_token), t.special_id(&plan.tokenizer.pad_token)));
        if ids.is_some_and(|ids| ids != (Some(info.eos_id), Some(info.pad_id))) {
            let (json, eos, pad) = (subset.pack_json, info.eos_id, info.pad_id);
            self.found(format!("{json}: EOS {eos} and PAD {pad} are not those of the vocabulary"));
        }
    }

    /// The token shards that the plan packs, in order, and how much of each source: chosen anew from the tables.
    fn selection(&self, subset: Subset, plan: &Plan, info: &PackInfo) -> Result<Selection> {
        let run = Dir::open(self.run)?;
        let once = info.shards.iter().filter(|shard| shard.take.is_none_or(|take| take == 1));
        let once: Vec<TokenPart> = once.map(|shard| token_part(&run, shard)).collect();
        if subset == HELD_OUT {
            return Ok(Selection { parts: once, mixture: Vec::new() });
        }
        let documents: Vec<_> = once.iter().map(|part| run.at(subset.documents_of(&part.name))).collect();
        select(plan, &once, &documents)
    }

    /// Every promise of the format, and the documents of the pack one by one against the token shards.
    fn pack_content(&mut self, subset: Subset, pack: &Pack) -> Result<()> {
        let info = pack.info();
        let whole = |name: &str| self.entry(name).is_some() && self.is_whole(name);
        if !info.shards.iter().all(|shard| whole(&shard.name) && whole(&subset.documents_of(&shard.name))) {
            return Ok(());
        }
        let Some(Ok(plan)) = self.plan() else { return Ok(()) };
        let Selection { parts, mixture } = self.selection(subset, &plan, info)?;
        let take = |part: &TokenPart| (part.name.clone(), part.taken.as_ref().map(|taken| taken.take));
        if !parts.iter().map(take).eq(info.shards.iter().map(|shard| (shard.name.clone(), shard.take))) || mixture != info.mixture {
            self.found(format!("{}: it packs other documents, or others more than once, than the plan asks for", subset.pack_json));
            return Ok(());
        }
        let mut parts = parts.into_iter();
        for (part, said) in info.parts.iter().enumerate() {
            self.stop.check()?;
            pack.verify_part(part)?;
            let mut found = Totals { rows: said.totals.rows, pieces: said.totals.pieces, tokens: said.totals.tokens, ..Totals::default() };
            let mut documents = pack.documents(part)?;
            for shard in parts.by_ref().take(said.shards as usize) {
                self.shard_content(&shard, &mut documents, info.sequence_length, &mut found)?;
            }
            if found != said.totals || documents.next().is_some() {
                return Err(Error::damaged(self.run.join(subset.pack_json), format!("the totals of {} are not what it holds", said.name)));
            }
        }
        Ok(())
    }

    /// Compares the documents of one token shard with those that the pack gives; what is not taken is empty there.
    fn shard_content(
        &self,
        shard: &TokenPart,
        documents: &mut dyn Iterator<Item = Result<Document>>,
        sequence_length: u32,
        found: &mut Totals,
    ) -> Result<()> {
        let mut row = 0;
        for batch in open_table(&shard.place, Some(&[schema::INPUT_IDS.name]), BATCH_ROWS)? {
            self.stop.check()?;
            let batch = batch?;
            let ids = lists(&batch, &schema::INPUT_IDS)?;
            for i in 0..batch.num_rows() {
                let document = documents.next().transpose()?.map(|document| document.input_ids).unwrap_or_default();
                if document != if shard.takes(row) { list_slice::<Int32Type>(ids, i) } else { &[] } {
                    return Err(Error::damaged(&shard.place, "the pack holds other tokens"));
                }
                found.empty += u64::from(document.is_empty());
                found.documents += u64::from(!document.is_empty());
                found.cut += u64::from(document.len() as u64 + 1 > u64::from(sequence_length));
                row += 1;
            }
        }
        Ok(())
    }
}

fn entry(path: String, rows: u64, bytes: u64, blake3: &str) -> FileEntry {
    FileEntry { path, rows, bytes, blake3: blake3.to_owned() }
}

fn token_part(run: &Dir, shard: &ShardInfo) -> TokenPart {
    let place = run.at(&shard.name);
    TokenPart { place, name: shard.name.clone(), rows: shard.rows, blake3: shard.blake3.clone(), taken: None }
}
