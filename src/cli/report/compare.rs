//! Two runs beside each other: totals, thresholds and other settings that differ, losses, registers, tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Result, Write};

use super::frame::{percent, section, share, table, table_end, whole};
use super::losses;
use crate::cli::html::charts::bar;
use crate::cli::html::{self, Script, text};
use crate::cli::ui::{self, thousands};
use crate::decide::losses::Amount;
use crate::pipeline::overview::RunFacts;

/// The two, with their names.
type Runs<'a> = [(&'a str, &'a RunFacts); 2];

/// The page.
pub(super) fn html(runs: Runs<'_>) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = body(runs, &mut out);
    let facts = serde_json::json!({
        "format": "seimai-comparison",
        "version": 1,
        "runs": runs.map(|(name, facts)| serde_json::json!({
            "name": name,
            "fingerprint": facts.manifest.fingerprint,
            "totals": facts.manifest.totals,
            "rejected": facts.manifest.rejected,
        })),
        "settings": differing(runs).into_iter().collect::<BTreeMap<_, _>>(),
    });
    html::page(&format!("{} and {} · Seimai report", runs[0].0, runs[1].0), &out, Some(Script { program: "", facts: &facts }))
}

fn body(runs: Runs<'_>, out: &mut String) -> Result {
    let names = runs.map(|(name, _)| text(name));
    writeln!(out, "<p class=\"brand\">Seimai 精米 · two runs</p>\n<h1>{} and {}</h1>", names[0], names[1])?;
    let [first, second] = runs.map(|(_, facts)| &facts.manifest);
    let same = |what: bool| if what { "the same" } else { "other" };
    let inputs = runs.map(|(_, facts)| facts.manifest.inputs.iter().map(|input| &input.blake3).collect::<BTreeSet<_>>());
    writeln!(
        out,
        "<p class=\"lede\">{} kept {} of {} records, {} kept {} of {}: {} inputs, {} dictionary, {} vocabulary.</p>",
        names[0],
        thousands(first.totals.kept),
        thousands(first.totals.read),
        names[1],
        thousands(second.totals.kept),
        thousands(second.totals.read),
        same(inputs[0] == inputs[1]),
        same(first.dictionary.fingerprint == second.dictionary.fingerprint),
        same(first.tokenizer.content_blake3 == second.tokenizer.content_blake3)
    )?;
    totals(runs, out)?;
    settings(runs, out)?;
    rules(runs, out)?;
    sources(runs, out)?;
    registers(runs, out)?;
    speed(runs, out)
}

/// Columns of figures: both runs and what is more or less in the second.
fn heads<'a>(what: &'a str, names: &'a [String; 2], more: &[(&'a str, bool)]) -> Vec<(&'a str, bool)> {
    let mut heads = vec![(what, false), (names[0].as_str(), true), (names[1].as_str(), true), ("difference", true)];
    heads.extend(more);
    heads
}

fn difference(first: u64, second: u64) -> String {
    let sign = if second > first { "+" } else { "−" };
    let share = first.abs_diff(second) as f64 * 100.0 / first.max(1) as f64;
    match first.abs_diff(second) {
        0 => "<span class=\"soft\">0</span>".to_owned(),
        n if first == 0 => format!("{sign}{}", thousands(n)),
        n => format!("{sign}{}<small>{sign}{share:.1} %</small>", thousands(n)),
    }
}

fn row(out: &mut String, name: &str, [first, second]: [u64; 2]) -> Result {
    writeln!(
        out,
        "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
        thousands(first),
        thousands(second),
        difference(first, second)
    )
}

fn totals(runs: Runs<'_>, out: &mut String) -> Result {
    section(out, "totals", "Totals", "")?;
    let names = runs.map(|(name, _)| text(name));
    table(out, "Totals", "", &heads("", &names, &[]))?;
    let of = runs.map(|(_, facts)| &facts.manifest);
    row(out, "records read", of.map(|manifest| manifest.totals.read))?;
    row(out, "quarantined", of.map(|manifest| manifest.totals.quarantined))?;
    row(out, "rejected", of.map(|manifest| manifest.totals.rejected))?;
    row(out, "kept", of.map(|manifest| manifest.totals.kept))?;
    row(out, "characters read", of.map(|manifest| losses::read(manifest).characters))?;
    row(out, "characters kept", of.map(|manifest| manifest.totals.kept_characters))?;
    row(out, "tokens", of.map(|manifest| manifest.totals.tokens))?;
    row(out, "entries of the vocabulary", of.map(|manifest| manifest.tokenizer.vocab_size))?;
    let [first, second] = of.map(|manifest| manifest.totals.kept_characters as f64 / manifest.totals.tokens.max(1) as f64);
    writeln!(
        out,
        "<tr><th scope=\"row\">characters a token</th><td class=\"n\">{first:.3}</td><td class=\"n\">{second:.3}</td><td class=\"n\">{:+.3}</td></tr>",
        second - first
    )?;
    row(out, "packed sequences", of.map(|manifest| manifest.pack.rows))?;
    row(out, "tokens of padding", of.map(|manifest| manifest.pack.padding))?;
    table_end(out)
}

/// Settings that are not the same in both.
fn differing(runs: Runs<'_>) -> Vec<(String, [Option<String>; 2])> {
    let keys: BTreeSet<&String> = runs.iter().flat_map(|(_, facts)| facts.settings.keys()).collect();
    let both = |key: &String| runs.map(|(_, facts)| facts.settings.get(key).cloned());
    keys.into_iter().map(|key| (key.clone(), both(key))).filter(|(_, [first, second])| first != second).collect()
}

fn settings(runs: Runs<'_>, out: &mut String) -> Result {
    section(out, "settings", "Settings that differ", "Keys of the resolved plans; thresholds that a preset sets are those of the preset.")?;
    let differing = differing(runs);
    if differing.is_empty() {
        return writeln!(out, "<p>None.</p>");
    }
    let names = runs.map(|(name, _)| text(name));
    table(out, "Settings that differ", "", &[("key", false), (&names[0], false), (&names[1], false)])?;
    for (key, values) in differing {
        let [first, second] = values.map(|value| {
            value.map_or_else(|| "<span class=\"soft\">not set</span>".to_owned(), |value| format!("<code>{}</code>", text(&value)))
        });
        writeln!(out, "<tr><th scope=\"row\"><code>{}</code></th><td>{first}</td><td>{second}</td></tr>", text(&key))?;
    }
    table_end(out)
}

fn rules(runs: Runs<'_>, out: &mut String) -> Result {
    section(out, "rules", "Losses by rule", "Documents; a document counts under the first rule that it fails.")?;
    let lost = runs.map(|(_, facts)| losses::by_rule(&facts.manifest).into_iter().collect::<BTreeMap<String, Amount>>());
    let order: Vec<String> = {
        let mut seen = BTreeSet::new();
        runs.iter()
            .flat_map(|(_, facts)| losses::by_rule(&facts.manifest))
            .map(|(rule, _)| rule)
            .filter(|rule| seen.insert(rule.clone()))
            .collect()
    };
    if order.is_empty() {
        return writeln!(out, "<p>Neither rejects anything.</p>");
    }
    let names = runs.map(|(name, _)| text(name));
    table(out, "Losses by rule", "", &heads("rule", &names, &[]))?;
    for rule in order {
        let of = |n: usize| lost.get(n).and_then(|lost| lost.get(&rule)).map_or(0, |amount| amount.documents);
        row(out, &text(&rule), [of(0), of(1)])?;
    }
    table_end(out)
}

fn sources(runs: Runs<'_>, out: &mut String) -> Result {
    section(out, "sources", "What is kept of each source", "Characters, and the share of what was read of the source.")?;
    let names = runs.map(|(name, _)| text(name));
    let all: BTreeMap<&String, u64> =
        runs.iter().flat_map(|(_, facts)| &facts.manifest.losses.sources).fold(BTreeMap::new(), |mut all, (source, registers)| {
            let largest = all.entry(source).or_default();
            *largest = whole(registers).0.characters.max(*largest);
            all
        });
    let mut order: Vec<(&String, u64)> = all.into_iter().collect();
    order.sort_by_key(|&(source, characters)| (std::cmp::Reverse(characters), source));
    let mut heads = heads("source", &names, &[]);
    heads.push(("shares kept", false));
    table(out, "Characters kept by source", "tall", &heads)?;
    for (source, _) in order {
        let [first, second] = runs.map(|(_, facts)| facts.manifest.losses.sources.get(source).map(whole).unwrap_or_default());
        let kept = [first, second].map(|(read, lost)| read.characters.saturating_sub(lost.characters));
        let shown = |n: usize, read: u64| format!("{}<small>{}</small>", thousands(kept[n]), percent(kept[n], read));
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"strips\">{}{}</td></tr>",
            text(source),
            shown(0, first.0.characters),
            shown(1, second.0.characters),
            difference(kept[0], kept[1]),
            bar(&[(share(kept[0], first.0.characters), "s-left")]),
            bar(&[(share(kept[1], second.0.characters), "s-left")])
        )?;
    }
    table_end(out)
}

fn registers(runs: Runs<'_>, out: &mut String) -> Result {
    section(out, "registers", "Kept documents by register", "")?;
    let names = runs.map(|(name, _)| text(name));
    let all: BTreeSet<&String> = runs.iter().flat_map(|(_, facts)| facts.manifest.registers.keys()).collect();
    table(out, "Kept documents by register", "", &heads("register", &names, &[]))?;
    for register in all {
        row(out, &text(register), runs.map(|(_, facts)| facts.manifest.registers.get(register).copied().unwrap_or(0)))?;
    }
    table_end(out)
}

fn speed(runs: Runs<'_>, out: &mut String) -> Result {
    let [(_, RunFacts { timings: Some(first), .. }), (_, RunFacts { timings: Some(second), .. })] = runs else { return Ok(()) };
    section(out, "speed", "Speed and memory", "Of the last attempts; passes that were finished before them are missing.")?;
    let names = runs.map(|(name, _)| text(name));
    table(out, "Speed and memory", "", &[("", false), (&names[0], true), (&names[1], true)])?;
    let mut line = |name: &str, figures: [String; 2]| {
        writeln!(out, "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>", figures[0], figures[1])
    };
    line("seconds", [first.wall, second.wall].map(|seconds| format!("{seconds:.1}")))?;
    line("megabytes of text a second", [first, second].map(|timings| format!("{:.1}", timings.megabytes_per_second)))?;
    line("memory at most", [first, second].map(|timings| ui::bytes(timings.peak_memory)))?;
    let passes: Vec<&String> = first.passes.iter().chain(&second.passes).map(|(pass, _)| pass).collect();
    let mut seen = BTreeSet::new();
    for pass in passes.into_iter().filter(|pass| seen.insert((*pass).clone())) {
        let of = |timings: &crate::pipeline::overview::Timings| {
            timings.passes.iter().find(|(name, _)| name == pass).map_or_else(|| "–".to_owned(), |(_, seconds)| format!("{seconds:.1}"))
        };
        line(&format!("seconds of {}", text(pass)), [first, second].map(of))?;
    }
    table_end(out)
}
