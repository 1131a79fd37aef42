//! Where documents go: the funnel, and what each rule takes from each source.

use std::collections::BTreeMap;
use std::fmt::{Result, Write};

use super::frame::{add, percent, section, share, table, table_end, whole};
use crate::cli::html::charts::bar;
use crate::cli::html::text;
use crate::cli::ui::thousands;
use crate::decide::losses::{Amount, Registers};
use crate::pipeline::manifest::Manifest;
use crate::pipeline::overview::Overview;

/// The order in which stages drop.
const STAGES: [&str; 4] = ["quality", "keigo", "pii", "dedup"];

/// What all sources lose, by `stage/rule`: in the order of the stages, the largest of each first.
pub(super) fn by_rule(manifest: &Manifest) -> Vec<(String, Amount)> {
    let mut all: BTreeMap<String, Amount> = BTreeMap::new();
    for registers in manifest.losses.sources.values().chain([&manifest.losses.other.registers]) {
        for (rule, lost) in rules(registers) {
            add(all.entry(rule).or_default(), lost);
        }
    }
    let stage = |rule: &str| STAGES.iter().position(|stage| rule.split('/').next() == Some(stage)).unwrap_or(STAGES.len());
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(rule, lost)| (stage(rule), std::cmp::Reverse((lost.characters, lost.documents)), rule.clone()));
    all
}

/// What a source loses, by `stage/rule`.
fn rules(registers: &Registers) -> BTreeMap<String, Amount> {
    let mut all: BTreeMap<String, Amount> = BTreeMap::new();
    for (rule, lost) in registers.values().flat_map(|of| &of.lost) {
        add(all.entry(rule.clone()).or_default(), *lost);
    }
    all
}

/// What was read and could be read, in documents and characters.
pub(super) fn read(manifest: &Manifest) -> Amount {
    let mut all = Amount::default();
    for registers in manifest.losses.sources.values().chain([&manifest.losses.other.registers]) {
        add(&mut all, whole(registers).0);
    }
    all
}

pub(super) fn funnel(overview: &Overview, out: &mut String) -> Result {
    let manifest = &overview.facts.manifest;
    let (totals, all) = (&manifest.totals, read(manifest));
    section(
        out,
        "funnel",
        "From what was read to what was kept",
        "Every record is kept, rejected under the first rule that it fails, or quarantined because it could not be read. Characters are those of the normalised text.",
    )?;
    let heads = [("", false), ("documents", true), ("characters", true), ("of the characters", true), ("what is left", false)];
    table(out, "What became of the records", "funnel", &heads)?;
    let whole_bar = bar(&[(1.0, "s-left")]);
    writeln!(
        out,
        "<tr class=\"total\"><th scope=\"row\">read</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\"></td><td>{whole_bar}</td></tr>",
        thousands(totals.read),
        thousands(all.characters)
    )?;
    if totals.quarantined > 0 {
        writeln!(
            out,
            "<tr><th scope=\"row\">− quarantined<small>see quarantine.jsonl</small></th><td class=\"n\">{}</td><td class=\"n\">–</td><td class=\"n\"></td><td></td></tr>",
            thousands(totals.quarantined)
        )?;
    }
    let mut left = all.characters;
    for (rule, lost) in by_rule(manifest) {
        left = left.saturating_sub(lost.characters);
        let drawn = bar(&[(share(left, all.characters), "s-left"), (share(lost.characters, all.characters), "s-lost")]);
        writeln!(
            out,
            "<tr><th scope=\"row\">− {}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{drawn}</td></tr>",
            text(&rule),
            thousands(lost.documents),
            thousands(lost.characters),
            percent(lost.characters, all.characters)
        )?;
    }
    writeln!(
        out,
        "<tr class=\"total\"><th scope=\"row\">kept</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
        thousands(totals.kept),
        thousands(left),
        percent(left, all.characters),
        bar(&[(share(left, all.characters), "s-left")])
    )?;
    table_end(out)?;
    beside(manifest, out)
}

/// What is told beside the funnel, where there is something to tell.
fn beside(manifest: &Manifest, out: &mut String) -> Result {
    let totals = &manifest.totals;
    let mut notes = Vec::new();
    if totals.left_out > 0 {
        notes.push(format!("{} records were left out by the sample, and are not among those read.", thousands(totals.left_out)));
    }
    if totals.passed_over > 0 {
        notes.push(format!("{} things were passed over that are no documents in their own right.", thousands(totals.passed_over)));
    }
    if totals.same_ids > 0 {
        notes.push(format!("{} documents had the id of one before them.", thousands(totals.same_ids)));
    }
    for (what, pieces, characters) in manifest.cut.by_kind() {
        notes.push(format!("{} {what} of {} characters were cut out of kept documents.", thousands(pieces), thousands(characters)));
    }
    if let Some(held_out) = &manifest.validation {
        notes.push(format!("{} of the kept documents are held out for validation.", thousands(held_out.kept)));
    }
    for set in &manifest.evaluation {
        notes.push(format!("{} documents hold an item of the evaluation set {}.", thousands(set.documents), text(&set.file.path)));
    }
    if !notes.is_empty() {
        writeln!(out, "<p class=\"note\">{}</p>", notes.join(" "))?;
    }
    for warning in &manifest.warnings {
        writeln!(out, "<p class=\"warning\"><strong>Look at this:</strong> {}</p>", text(warning))?;
    }
    Ok(())
}

/// Shades of a cell, from none to all.
const SHADES: usize = 8;

/// Small losses are seen, too: the shade follows the root of the share.
fn shade(part: u64, whole: u64) -> usize {
    if part == 0 { 0 } else { ((share(part, whole).sqrt() * SHADES as f64).round() as usize).clamp(1, SHADES) }
}

pub(super) fn heat(overview: &Overview, out: &mut String) -> Result {
    let manifest = &overview.facts.manifest;
    let all = by_rule(manifest);
    section(
        out,
        "losses",
        "What each rule takes from each source",
        "The share of the characters of a source that a rule rejects, and under it the share of its documents. The darker, the more.",
    )?;
    if all.is_empty() {
        return writeln!(out, "<p>Nothing was rejected.</p>");
    }
    let names: Vec<String> = all.iter().map(|(rule, _)| text(rule).replacen('/', "/<wbr>", 1)).collect();
    let mut heads = vec![("source", false), ("characters", true), ("lost", true)];
    heads.extend(names.iter().map(|name| (name.as_str(), true)));
    table(out, "Losses by source and rule", "heat tall", &heads)?;
    let sums: BTreeMap<String, Amount> = all.iter().cloned().collect();
    let (mut total, mut lost) = (read(manifest), Amount::default());
    for (_, amount) in &all {
        add(&mut lost, *amount);
    }
    row(out, "<strong>all</strong>", (total, lost), &all, &sums)?;
    for source in &overview.sources {
        let registers = manifest.losses.sources.get(&source.name).unwrap_or(&manifest.losses.other.registers);
        (total, lost) = whole(registers);
        row(out, &text(&source.name), (total, lost), &all, &rules(registers))?;
    }
    table_end(out)?;
    write!(out, "<p class=\"legend\" aria-hidden=\"true\"><span class=\"h0\">nothing</span>")?;
    for shade in 1..=SHADES {
        write!(out, "<span class=\"h{shade}\">&nbsp;</span>")?;
    }
    writeln!(out, " everything</p>")
}

fn row(out: &mut String, name: &str, (read, lost): (Amount, Amount), all: &[(String, Amount)], of: &BTreeMap<String, Amount>) -> Result {
    write!(out, "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td>", thousands(read.characters))?;
    let cell = |lost: Amount| {
        let shade = shade(lost.characters.max(u64::from(lost.documents > 0)), read.characters);
        if lost.documents == 0 {
            return "<td class=\"n h0\"><span class=\"nothing\">0</span></td>".to_owned();
        }
        let (characters, documents) = (percent(lost.characters, read.characters), percent(lost.documents, read.documents));
        format!("<td class=\"n h{shade}\">{characters}<small>{documents}</small></td>")
    };
    write!(out, "{}", cell(lost))?;
    for (rule, _) in all {
        write!(out, "{}", cell(of.get(rule).copied().unwrap_or_default()))?;
    }
    writeln!(out, "</tr>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_lost_has_a_shade() {
        assert_eq!([shade(0, 10), shade(1, 1_000_000), shade(10, 10), shade(1, 4)], [0, 1, 8, 4]);
    }
}
