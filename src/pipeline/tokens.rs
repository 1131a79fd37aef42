//! The third pass: `tokens/part-N` from `documents/part-N`, row for row.

use std::cmp::Reverse;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use serde::{Deserialize, Serialize};

use super::annotate::text_bytes;
use super::observer::{Progress, Unit};
use super::run::Context;
use super::select::{LIGHTER, Part, documents_path};
use super::vocabulary::Vocabulary;
use super::work::Entry;
use crate::bpe::Encode;
use crate::error::Result;
use crate::io::open_table;
use crate::schema;
use crate::shard::{self, PartWriter, TokensMeta};
use crate::stage::{Stage, Worker, column};

/// Name of the pass.
pub(super) const PASS: &str = "encode";
const BATCH_ROWS: usize = 512;

/// What the entry of a part says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenFacts {
    pub documents: u64,
    pub tokens: u64,
}

/// Path of a part's tokens, relative to OUT.
pub(super) fn tokens_path(part: usize) -> String {
    format!("tokens/part-{part:05}.parquet")
}

/// Runs the pass, or what is left of it; the parts in order.
pub(super) fn run(context: &Context<'_>, selected: &[Part], vocabulary: &Vocabulary) -> Result<Vec<Entry<TokenFacts>>> {
    let name = |part: usize| format!("{part:05}");
    let mut missing = context.work.missing::<TokenFacts>(PASS, (0..selected.len()).map(name))?;
    // The largest first: what is left at the end, when threads run out of work, is small.
    missing.sort_by_key(|&part| Reverse(selected[part].payload.kept_bytes));
    if !missing.is_empty() {
        let progress = Progress::start(context.observer, PASS, Unit::Parts, selected.len() as u64);
        progress.add((selected.len() - missing.len()) as u64, 0, 0);
        let stage = Encode::new(&vocabulary.tokenizer);
        let metadata = token_metadata(context, vocabulary)?;
        let mut units = missing.into_iter();
        let work = |worker: &mut Box<dyn Worker + '_>, part: usize| -> Result<()> {
            let entry = encode_part(context, worker.as_mut(), part, &metadata)?;
            context.work.commit(PASS, &name(part), &entry)?;
            progress.add(1, entry.payload.documents, selected[part].payload.kept_bytes);
            Ok(())
        };
        context.pool.for_each(context.stop, &mut || Ok(units.next()), &|| stage.worker(), &work)?;
        context.took(PASS, progress.finish());
    }
    (0..selected.len()).map(|part| context.work.required(PASS, &name(part))).collect()
}

/// What the footer of a tokens part says.
fn token_metadata(context: &Context<'_>, vocabulary: &Vocabulary) -> Result<TokensMeta> {
    Ok(TokensMeta {
        tokenizer_blake3: vocabulary.file()?.blake3.clone(),
        vocab_size: vocabulary.tokenizer.len() as u32,
        eos: vocabulary.eos,
        pad: vocabulary.pad,
        plan_fingerprint: context.fingerprint.to_owned(),
    })
}

fn encode_part(context: &Context<'_>, worker: &mut dyn Worker, part: usize, metadata: &TokensMeta) -> Result<Entry<TokenFacts>> {
    let source = context.work.out().join(documents_path(part));
    let columns = [schema::DOC_ID.name, schema::TEXT.name, schema::SOURCE.name];
    let properties = shard::tokens_properties(&context.plan.shards, metadata);
    let staged = format!("tokens-{part}");
    let mut table = PartWriter::create(context.work.staging(), &staged, shard::tokens_schema(), properties)?;
    let mut facts = TokenFacts::default();
    for batch in open_table(&source, Some(&columns), BATCH_ROWS)? {
        context.stop.check()?;
        let batch = batch?;
        let _pass = context.gate.enter(text_bytes(&batch)? / LIGHTER);
        let encoded = worker.apply(batch)?;
        facts.documents += encoded.num_rows() as u64;
        let lengths = column(&encoded, &schema::N_TOKENS)?.as_primitive::<Int32Type>();
        facts.tokens += lengths.values().iter().map(|&n| u64::try_from(n).unwrap_or(0)).sum::<u64>();
        table.write(&encoded)?;
    }
    let file = table.commit(&context.work.output(&tokens_path(part))?, tokens_path(part))?;
    Ok(Entry::new(vec![file], facts))
}
