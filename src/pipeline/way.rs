//! The way the text goes, from fold to fold, as far as it has come: a process that is asked again goes on behind what it knows to be complete.

use super::annotate::{self, Annotated};
use super::context::Context;
use super::count::{self, Counted};
use super::decide::{self, Part};
use super::dedup::{self, Duplicates};
use super::encode::{self, Tokens};
use super::manifest::Manifest;
use super::pack::{self, Packs};
use super::share::Progressed;
use super::train::{self, Vocabulary};
use super::{cut, finish, frame, rebalance};
use crate::corpus::ShardRef;
use crate::error::{Error, Result};

/// What is known of the passes of a run.
#[derive(Default)]
pub(super) struct Way {
    shards: Option<Vec<ShardRef>>,
    annotated: Option<Annotated>,
    duplicates: Option<Duplicates>,
    is_cut: bool,
    is_mixed: bool,
    parts: Option<Vec<Part>>,
    counted: Option<Counted>,
    vocabulary: Option<Vocabulary>,
    tokens: Option<Tokens>,
    packed: Option<Packs>,
}

impl Way {
    /// Goes on, up to the first pass that is not complete.
    pub(super) fn go(&mut self, context: &Context<'_>) -> Progressed<()> {
        let shards = known(&mut self.shards, || frame::run(context))?; // where the work shards begin
        let annotated = known(&mut self.annotated, || annotate::run(context, shards))?; // read ─ decode ─ normalise ─ segment ─ annotate
        let duplicates = known(&mut self.duplicates, || dedup::run(context, annotated))?; // ▣ which documents the rules reject, and which repeat which
        if !self.is_cut {
            duplicates.cuts = cut::run(context, annotated, duplicates)?; // ▣ which pieces of the others repeat
            self.is_cut = true;
        }
        if !self.is_mixed {
            duplicates.mixture = rebalance::run(context, annotated, duplicates)?; // ▣ how much of each register stays
            self.is_mixed = true;
        }
        let parts = known(&mut self.parts, || decide::run(context, annotated, duplicates))?; // keep or drop
        let counted = known(&mut self.counted, || count::run(context, annotated, duplicates, parts))?; // the pre-tokens of what stays
        let vocabulary = known(&mut self.vocabulary, || train::run(context, counted))?; // ▣ train BPE
        let tokens = known(&mut self.tokens, || encode::run(context, parts, vocabulary))?; // encode ─ shard
        known(&mut self.packed, || pack::run(context, parts, tokens, vocabulary))?; // ▣ pack, also what is held out
        Ok(())
    }

    /// Gathers what all passes say into the manifest; they are complete.
    pub(super) fn manifest(&self, context: &Context<'_>) -> Result<Manifest> {
        let Self {
            annotated: Some(annotated),
            duplicates: Some(duplicates),
            parts: Some(parts),
            counted: Some(counted),
            vocabulary: Some(vocabulary),
            tokens: Some(tokens),
            packed: Some(packed),
            ..
        } = self
        else {
            return Err(Error::internal("a run that has not come to its end is finished"));
        };
        let contaminated = duplicates.contaminated(context);
        let mixture = duplicates.mixture.as_ref().map(|rebalanced| &rebalanced.mixture);
        let learned_from = counted.sample;
        finish::manifest(context, &finish::Finished { annotated, mixture, contaminated, parts, vocabulary, learned_from, tokens, packed })
    }
}

/// What is known, or what `find` finds, once it does.
fn known<T>(slot: &mut Option<T>, find: impl FnOnce() -> Progressed<T>) -> Progressed<&mut T> {
    Ok(match slot {
        Some(known) => known,
        None => slot.insert(find()?),
    })
}
