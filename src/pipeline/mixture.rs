//! Which documents stay for the sake of a mixture of registers, and how often each is taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::annotate::Annotated;
use super::context::Context;
use super::layout;
use crate::decide::rebalance::{Mixture, Others, Rebalance, Share, key};
use crate::dedup::ordinal;
use crate::error::Result;
use crate::schema;
use crate::stage::strings;

const BATCH_ROWS: usize = 4096;

/// What the fold concluded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rebalanced {
    pub(super) shares: BTreeMap<String, Share>,
    /// What became of the registers.
    pub(super) mixture: Mixture,
}

impl Rebalanced {
    /// How often a document is taken; 0 = it goes.
    pub(super) fn repeat(&self, options: &Rebalance, document: Candidate<'_>) -> u8 {
        match self.shares.get(document.register) {
            Some(share) => share.repeat(key(options.seed, document.doc_id), document.ordinal),
            None => u8::from(options.others == Others::Keep),
        }
    }

    /// Gives the rows of a shard whose documents go, whatever else is said of them.
    pub(super) fn dropped(&self, context: &Context<'_>, annotated: &Annotated, shard: u64, give: &mut dyn FnMut(usize)) -> Result<()> {
        let Some(options) = context.plan().keigo.mixture() else { return Ok(()) };
        let documents = layout::annotated(&annotated.keys(shard)?.documents);
        let columns = [schema::DOC_ID.name, schema::REGISTER.name];
        let mut row = 0;
        for batch in context.store.table_columns(&documents, Some(&columns), BATCH_ROWS)? {
            context.stop.check()?;
            let batch = batch?;
            let (ids, registers) = (strings(&batch, &schema::DOC_ID)?, strings(&batch, &schema::REGISTER)?);
            for i in 0..batch.num_rows() {
                let document = Candidate { ordinal: ordinal(shard, row), doc_id: ids.value(i), register: registers.value(i) };
                if self.repeat(options, document) == 0 {
                    give(row as usize);
                }
                row += 1;
            }
        }
        Ok(())
    }

    /// Why documents of a register go.
    pub(super) fn evidence(&self, register: &str) -> String {
        match self.mixture.registers.get(register) {
            Some(row) => {
                format!(
                    "register {register}: {} of {} characters stay for a share of {:.4}",
                    row.after.characters, row.before.characters, row.target
                )
            }
            None => format!("register {register} has no target, and keigo.rebalance.others is drop"),
        }
    }
}

/// A document that duplicates and quality rules have left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) ordinal: u64,
    pub(super) doc_id: &'a str,
    pub(super) register: &'a str,
}
