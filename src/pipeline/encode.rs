//! The pass behind the second fold: what becomes `tokens/part-N` from the documents of that part, row for row.

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::decide::Part;
use super::key::Key;
use super::layout::{self, pass};
use super::observer::Quantity;
use super::pass::{Facts, Pass, largest_first};
use super::share::Progressed;
use super::tables::{LIGHTER, text_bytes};
use super::train::Vocabulary;
use super::work_dir::Entry;
use crate::bpe::Encode;
use crate::error::Result;
use crate::io::FileEntry;
use crate::schema;
use crate::shard::{self, PartWriter, TokensMeta};
use crate::stage::{Stage, Worker, column};

const BATCH_ROWS: usize = 512;

/// What the entry of a part says.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenFacts {
    pub documents: u64,
    pub text_bytes: u64,
    pub tokens: u64,
}

impl Facts for TokenFacts {
    fn documents(&self) -> u64 {
        self.documents
    }

    fn bytes(&self) -> u64 {
        self.text_bytes
    }
}

/// The token shards of a run, each in the order of the parts.
pub(super) struct Tokens {
    /// Of the documents that are trained on.
    pub(super) training: Vec<Entry<TokenFacts>>,
    /// Of those that are held out; none without a split.
    pub(super) held_out: Vec<Entry<TokenFacts>>,
}

/// Runs the pass, or what is left of it.
pub(super) fn run(context: &Context<'_>, parts: &[Part], vocabulary: &Vocabulary) -> Progressed<Tokens> {
    // Token shards of the same documents and vocabulary are the same.
    let vocabulary_and_settings = Key::of(pass::ENCODE)
        .and(vocabulary.blake3()?)
        .and_settings(&(vocabulary.eos, vocabulary.pad, context.plan().shards.compat))?
        .and_steps(context.plan(), &["encode", "shard"]);
    let documents: Vec<&FileEntry> =
        parts.iter().map(|part| &part.documents).chain(parts.iter().filter_map(|part| part.held_out.as_ref())).collect();
    let units: Vec<String> = documents.iter().map(|documents| vocabulary_and_settings.clone().and(&documents.blake3).name()).collect();
    let pass = Pass::new(pass::ENCODE, Quantity::Parts, units.iter().map(|unit| (unit.clone(), 1)));
    pass.run::<TokenFacts>(context, |mut missing, underway| {
        largest_first(&mut missing, |table| documents[table].bytes);
        let stage = Encode::new(&vocabulary.tokenizer);
        let metadata = token_metadata(vocabulary)?;
        underway.side_by_side(missing, &|| stage.worker(), &|worker: &mut Box<dyn Worker + '_>, table| {
            encode_part(context, worker.as_mut(), &documents[table].path, &units[table], &metadata)
        })
    })?;
    let mut training = pass.entries(context)?;
    let held_out = training.split_off(parts.len());
    Ok(Tokens { training, held_out })
}

/// What the footer of a tokens part says.
fn token_metadata(vocabulary: &Vocabulary) -> Result<TokensMeta> {
    Ok(TokensMeta {
        tokenizer_blake3: vocabulary.blake3()?.to_owned(),
        tokenizer_content: Some(vocabulary.content.clone()),
        vocab_size: vocabulary.tokenizer.len() as u32,
        eos: vocabulary.eos,
        pad: vocabulary.pad,
    })
}

fn encode_part(
    context: &Context<'_>,
    worker: &mut dyn Worker,
    documents: &str,
    unit: &str,
    metadata: &TokensMeta,
) -> Result<Entry<TokenFacts>> {
    let columns = [schema::DOC_ID, schema::TEXT, schema::SOURCE, schema::LICENSE, schema::RESIDENCY, schema::FILE, schema::OFFSET]
        .map(|column| column.name);
    let properties = shard::tokens_properties(&context.plan().shards, metadata);
    let staged = format!("tokens-{unit}");
    let mut table = PartWriter::create(context.store.work.staging(), &staged, shard::tokens_schema(), properties)?;
    let mut facts = TokenFacts::default();
    for batch in context.store.table_columns(documents, Some(&columns), BATCH_ROWS)? {
        context.stop.check()?;
        let batch = batch?;
        let bytes = text_bytes(&batch)?;
        let _permit = context.store.gate.enter(bytes / LIGHTER);
        let encoded = worker.apply(batch)?;
        facts.text_bytes += bytes as u64;
        facts.documents += encoded.num_rows() as u64;
        let lengths = column(&encoded, &schema::N_TOKENS)?.as_primitive::<Int32Type>();
        facts.tokens += lengths.values().iter().map(|&n| u64::try_from(n).unwrap_or(0)).sum::<u64>();
        table.write(&encoded)?;
    }
    let path = layout::made(pass::ENCODE, layout::TOKENS, unit);
    let work = &context.store.work;
    let target = work.output(&path)?;
    let file = work.writing.time(|| table.commit(&target, path))?;
    Ok(Entry::new(vec![file], facts))
}
