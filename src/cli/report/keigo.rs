//! Registers, levels of politeness and honorific forms, before and after.

use std::collections::BTreeMap;
use std::fmt::{Result, Write};

use super::examples::{CLASSES, list};
use super::frame::{percent, section, share, table, table_end};
use crate::cli::html::charts::bar;
use crate::cli::html::text;
use crate::cli::ui::thousands;
use crate::decide::losses::Registers;
use crate::pipeline::overview::Overview;

/// Registers in the order of their colours.
const REGISTERS: [&str; 10] =
    ["legal", "formal-letter", "honorific", "polite", "plain-written", "plain-casual", "mixed", "role", "classical", "none"];

fn colour(register: &str) -> usize {
    REGISTERS.iter().position(|known| *known == register).unwrap_or(REGISTERS.len() - 1)
}

/// Documents of each register, read and kept.
fn counts(registers: &Registers, into: &mut BTreeMap<usize, (String, u64, u64)>) {
    for (register, of) in registers {
        let lost: u64 = of.lost.values().map(|lost| lost.documents).sum();
        let (_, read, kept) = into.entry(colour(register)).or_insert_with(|| (register.clone(), 0, 0));
        *read += of.read.documents;
        *kept += of.read.documents.saturating_sub(lost);
    }
}

pub(super) fn sections(overview: &Overview, out: &mut String) -> Result {
    let losses = &overview.facts.manifest.losses;
    section(out, "keigo", "Registers and politeness, before and after", "")?;
    let mut all = BTreeMap::new();
    losses.sources.values().chain([&losses.other.registers]).for_each(|registers| counts(registers, &mut all));
    let (read, kept) = all.values().fold((0, 0), |sum, (_, read, kept)| (sum.0 + read, sum.1 + kept));
    let heads = [("register", false), ("read", true), ("", true), ("kept", true), ("", true), ("before and after", false)];
    table(out, "Documents by register", "", &heads)?;
    for (colour, (register, before, after)) in &all {
        let class = format!("r{colour}");
        writeln!(
            out,
            "<tr><th scope=\"row\"><span class=\"swatch {class}\"></span> {}</th><td class=\"n\">{}</td><td class=\"n soft\">{}</td><td class=\"n\">{}</td><td class=\"n soft\">{}</td><td>{}{}</td></tr>",
            text(register),
            thousands(*before),
            percent(*before, read),
            thousands(*after),
            percent(*after, kept),
            bar(&[(share(*before, read), &class)]),
            bar(&[(share(*after, kept), &class)])
        )?;
    }
    table_end(out)?;
    by_source(overview, out)?;
    levels(overview, out)?;
    if overview.registers.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<h3>How each register reads</h3>\n<p class=\"note\">Kept documents with most honorific forms a sentence, and their beginnings.</p>"
    )?;
    for (register, examples) in &overview.registers {
        writeln!(out, "<details><summary>{}</summary>", text(register))?;
        list(out, examples, &overview.sources, "")?;
        writeln!(out, "</details>")?;
    }
    Ok(())
}

fn by_source(overview: &Overview, out: &mut String) -> Result {
    let losses = &overview.facts.manifest.losses;
    writeln!(
        out,
        "<h3>By source</h3>\n<p class=\"note\">The upper strip is what was read, the lower what was kept; colours as above.</p>"
    )?;
    table(out, "Registers by source", "tall", &[("source", false), ("read", true), ("kept", true), ("registers", false), ("most", false)])?;
    for source in &overview.sources {
        let registers = losses.sources.get(&source.name).unwrap_or(&losses.other.registers);
        let mut own = BTreeMap::new();
        counts(registers, &mut own);
        let (read, kept) = own.values().fold((0, 0), |sum, (_, read, kept)| (sum.0 + read, sum.1 + kept));
        let classes: Vec<String> = own.keys().map(|colour| format!("r{colour}")).collect();
        let strip = |of: &dyn Fn(&(String, u64, u64)) -> f64| -> String {
            bar(&own.values().zip(&classes).map(|(row, class)| (of(row), class.as_str())).collect::<Vec<_>>())
        };
        let mut most: Vec<&(String, u64, u64)> = own.values().collect();
        most.sort_by_key(|(_, read, _)| std::cmp::Reverse(*read));
        let most: Vec<String> = most
            .iter()
            .take(2)
            .map(|(name, before, after)| format!("{} {} → {}", text(name), percent(*before, read), percent(*after, kept)))
            .collect();
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"strips\">{}{}</td><td>{}</td></tr>",
            text(&source.name),
            thousands(read),
            thousands(kept),
            strip(&|(_, before, _)| share(*before, read)),
            strip(&|(_, _, after)| share(*after, kept)),
            most.join("<br>")
        )?;
    }
    table_end(out)
}

fn levels(overview: &Overview, out: &mut String) -> Result {
    let mut sums = [[0_u64; 4]; 2];
    let mut forms = [[0_u64; 6]; 2];
    for source in &overview.sources {
        for after in 0..2 {
            sums[after].iter_mut().zip(source.levels[after]).for_each(|(sum, n)| *sum += n);
            forms[after].iter_mut().zip(source.honorific[after]).for_each(|(sum, n)| *sum += n);
        }
    }
    let [before, after] = sums.map(|levels| levels.iter().sum::<u64>());
    writeln!(out, "<h3>Levels of politeness, by source</h3>")?;
    let heads = [
        ("source", false),
        ("sentences read", true),
        ("level 0", true),
        ("level 1", true),
        ("level 2", true),
        ("level 3", true),
        ("kept", true),
        ("honorific forms a hundred sentences", true),
    ];
    writeln!(
        out,
        "<p class=\"note\">Shares of the sentences that were read, from 0 (plain) to 3 (most respectful); below them the shares of those that were kept.</p>"
    )?;
    table(out, "Sentences by level of politeness", "tall", &heads)?;
    let mut row = |name: &str, levels: [[u64; 4]; 2], forms: [[u64; 6]; 2]| -> Result {
        let [read, kept] = levels.map(|levels| levels.iter().sum::<u64>());
        let rate = |n: usize, sentences: u64| format!("{:.1}", forms[n].iter().sum::<u64>() as f64 * 100.0 / sentences.max(1) as f64);
        write!(out, "<tr><th scope=\"row\">{name}</th><td class=\"n\">{}</td>", thousands(read))?;
        for (before, after) in levels[0].iter().zip(levels[1]) {
            write!(out, "<td class=\"n\">{}<small>{}</small></td>", percent(*before, read), percent(after, kept))?;
        }
        writeln!(out, "<td class=\"n\">{}</td><td class=\"n\">{}<small>{}</small></td></tr>", thousands(kept), rate(0, read), rate(1, kept))
    };
    row("<strong>all</strong>", sums, forms)?;
    for source in &overview.sources {
        row(&text(&source.name), source.levels, source.honorific)?;
    }
    table_end(out)?;
    writeln!(out, "<h3>Honorific forms</h3>")?;
    table(
        out,
        "Honorific forms by class",
        "",
        &[("class", false), ("read", true), ("a hundred sentences", true), ("kept", true), ("a hundred sentences", true)],
    )?;
    for (n, (class, about)) in CLASSES.iter().enumerate() {
        let rate = |forms: u64, sentences: u64| format!("{:.2}", forms as f64 * 100.0 / sentences.max(1) as f64);
        writeln!(
            out,
            "<tr><th scope=\"row\"><span class=\"k k-{}\">{class}</span> {about}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            class.to_lowercase(),
            thousands(forms[0][n]),
            rate(forms[0][n], before),
            thousands(forms[1][n]),
            rate(forms[1][n], after)
        )?;
    }
    table_end(out)
}
