//! The facts of the page as JSON: what its program reckons with, and what other programs may read.

use serde_json::{Value, json};

use super::losses;
use super::thresholds::limits;
use crate::decide::Side;
use crate::decide::losses::Amount;
use crate::pipeline::overview::Overview;
use crate::pipeline::overview::spread::{Balance, Spread};

/// The shape of the facts.
const VERSION: u32 = 1;
/// Sources that a threshold tells apart; the rest are one.
const SOURCES: usize = 24;

/// All facts. Amounts are documents and characters.
pub(super) fn json(overview: &Overview) -> Value {
    let manifest = &overview.facts.manifest;
    let read = losses::read(manifest);
    let mut names: Vec<&str> = overview.sources.iter().map(|source| source.name.as_str()).take(SOURCES).collect();
    if overview.sources.len() > SOURCES {
        names.push("all others");
    }
    json!({
        "format": "seimai-report",
        "version": VERSION,
        "fingerprint": manifest.fingerprint,
        "totals": manifest.totals,
        "read": amount(read),
        "lost": losses::by_rule(manifest).into_iter().map(|(rule, lost)| json!([rule, lost.documents, lost.characters])).collect::<Vec<_>>(),
        "sources": names,
        "rules": overview.spreads.iter().map(rule).collect::<Vec<_>>(),
        "clusters": overview.repeats.sizes.iter().sum::<u64>(),
        "pack": manifest.pack,
    })
}

fn amount(amount: Amount) -> Value {
    json!([amount.documents, amount.characters])
}

/// A threshold: values at which it can be put, where it is, and by source what is kept or lost wherever it is, what it rejects now, and what lies
/// between the values.
fn rule(spread: &Spread) -> Value {
    let side = if spread.side == Side::Min { "min" } else { "max" };
    json!({
        "rule": spread.rule,
        "measure": spread.measure,
        "pattern": spread.pattern,
        "settable": spread.settable,
        "asked": spread.side.asked(),
        "fails": side,
        "edges": spread.edges.iter().map(|edge| shown(*edge)).collect::<Vec<_>>(),
        "at": limits(spread),
        "sources": balances(spread).iter().map(balance).collect::<Vec<_>>(),
    })
}

/// The largest sources, and all others as one.
fn balances(spread: &Spread) -> Vec<Balance> {
    let mut all: Vec<Balance> = spread.sources.iter().filter(|balance| balance.source < SOURCES).cloned().collect();
    let mut rest = Balance { source: SOURCES, cells: vec![Amount::default(); spread.edges.len() + 1], ..Balance::default() };
    for other in spread.sources.iter().filter(|balance| balance.source >= SOURCES) {
        for (sum, more) in [(&mut rest.kept, other.kept), (&mut rest.lost, other.lost), (&mut rest.now, other.now)] {
            super::frame::add(sum, more);
        }
        rest.cells.iter_mut().zip(&other.cells).for_each(|(sum, more)| super::frame::add(sum, *more));
    }
    if spread.sources.iter().any(|balance| balance.source >= SOURCES) {
        all.push(rest);
    }
    all
}

fn balance(balance: &Balance) -> Value {
    json!({
        "source": balance.source,
        "kept": amount(balance.kept),
        "lost": amount(balance.lost),
        "now": amount(balance.now),
        "documents": balance.cells.iter().map(|cell| cell.documents).collect::<Vec<_>>(),
        "characters": balance.cells.iter().map(|cell| cell.characters).collect::<Vec<_>>(),
    })
}

/// The decimals that somebody would write: thresholds are set in single precision.
fn shown(value: f64) -> Value {
    (value as f32).to_string().parse::<f64>().unwrap_or(value).into()
}
