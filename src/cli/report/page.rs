//! The page of one run, part by part.

use std::fmt::{Result, Write};

use super::frame::{count, percent, rounded, section, table, table_end, whole};
use super::{facts, keigo, losses, repeats, thresholds, vocabulary};
use crate::cli::html::charts::bar;
use crate::cli::html::{self, Script, text};
use crate::cli::ui::{self, thousands};
use crate::pipeline::overview::{Overview, Timings};

/// What a page does where programs may run; it can be read without.
const PROGRAM: &str = include_str!("page.js");

/// The page; `name` is what the run is called, where that is known.
pub(super) fn html(overview: &Overview, name: Option<&str>) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = body(overview, name, &mut out);
    let facts = facts::json(overview);
    let title = format!("{} · Seimai report", name.unwrap_or("Run"));
    html::page(&title, &out, Some(Script { program: PROGRAM, facts: &facts }))
}

/// The parts: where they stand and what they are called.
const PARTS: [(&str, &str); 9] = [
    ("funnel", "Read to kept"),
    ("losses", "Losses"),
    ("thresholds", "Thresholds"),
    ("keigo", "Registers"),
    ("duplicates", "Duplicates"),
    ("tokens", "Tokens"),
    ("packing", "Packing"),
    ("provenance", "Provenance"),
    ("speed", "Speed"),
];

fn body(overview: &Overview, name: Option<&str>, out: &mut String) -> Result {
    header(overview, name, out)?;
    losses::funnel(overview, out)?;
    losses::heat(overview, out)?;
    thresholds::sections(overview, out)?;
    keigo::sections(overview, out)?;
    repeats::sections(overview, out)?;
    vocabulary::sections(overview, out)?;
    provenance(overview, out)?;
    if let Some(timings) = &overview.facts.timings {
        speed(timings, out)?;
    }
    footer(overview, out)
}

/// `read 1.2 million documents and kept …`: the run in words.
fn header(overview: &Overview, name: Option<&str>, out: &mut String) -> Result {
    let manifest = &overview.facts.manifest;
    let totals = &manifest.totals;
    let own = manifest.source.get("name").map(String::as_str);
    writeln!(out, "<p class=\"brand\">Seimai 精米 · report of a run</p>\n<h1>{}</h1>", text(name.or(own).unwrap_or("A run")))?;
    let characters = losses::read(manifest).characters;
    let sources = manifest.losses.sources.len() as u64 + manifest.losses.other.sources;
    writeln!(
        out,
        "<p class=\"lede\">Of {} from {}, <strong>{} were kept</strong> ({}): {} characters of {}, {} tokens of a vocabulary of {}, packed into {} of {}.</p>",
        count(totals.read, "record", "records"),
        count(sources, "source", "sources"),
        thousands(totals.kept),
        percent(totals.kept, totals.read),
        rounded(totals.kept_characters),
        rounded(characters),
        rounded(totals.tokens),
        thousands(manifest.tokenizer.vocab_size),
        count(manifest.pack.rows, "sequence", "sequences"),
        thousands(manifest.pack.sequence_length)
    )?;
    writeln!(
        out,
        "<p class=\"print\"><code title=\"fingerprint of plan, dictionary, lists and versions\">{}</code> · dictionary {} {} · preset {}</p>",
        text(manifest.fingerprint.get(..16).unwrap_or(&manifest.fingerprint)),
        text(&manifest.dictionary.name),
        text(&manifest.dictionary.version),
        overview.facts.plan.quality.preset.name()
    )?;
    write!(out, "<nav aria-label=\"Parts of this page\"><ul>")?;
    for (id, name) in PARTS.iter().filter(|(id, _)| *id != "speed" || overview.facts.timings.is_some()) {
        write!(out, "<li><a href=\"#{id}\">{name}</a></li>")?;
    }
    writeln!(out, "</ul></nav>")
}

fn provenance(overview: &Overview, out: &mut String) -> Result {
    section(
        out,
        "provenance",
        "Where it comes from",
        "Kept documents by source, with their licences and the countries in which they have to stay.",
    )?;
    let manifest = &overview.facts.manifest;
    table(out, "Sources", "tall", &[("source", false), ("read", true), ("kept", true), ("licence", false), ("residency", false)])?;
    for source in &overview.sources {
        let registers = manifest.losses.sources.get(&source.name).unwrap_or(&manifest.losses.other.registers);
        let (read, lost) = whole(registers);
        let names = |counts: &std::collections::BTreeMap<String, u64>| {
            let mut ranked = ui::ranked(counts);
            ranked.truncate(4);
            match ranked.as_slice() {
                [(only, _)] => text(only),
                several => several.iter().map(|(name, n)| format!("{} {}", text(name), thousands(*n))).collect::<Vec<_>>().join("<br>"),
            }
        };
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
            text(&source.name),
            thousands(read.documents),
            thousands(read.documents.saturating_sub(lost.documents)),
            names(&source.licenses),
            names(&source.residencies)
        )?;
    }
    table_end(out)?;
    writeln!(out, "<details><summary>{}</summary>", count(manifest.inputs.len() as u64, "input", "inputs"))?;
    table(out, "Inputs", "tall", &[("file", false), ("bytes", true), ("records", true), ("quarantined", true), ("BLAKE3", false)])?;
    for input in manifest.inputs.iter().take(INPUTS) {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td><code>{}</code></td></tr>",
            text(&input.path),
            thousands(input.bytes),
            thousands(input.read),
            thousands(input.quarantined),
            text(input.blake3.get(..16).unwrap_or(&input.blake3))
        )?;
    }
    table_end(out)?;
    if manifest.inputs.len() > INPUTS {
        writeln!(out, "<p class=\"note\">And {} more: manifest.json has all.</p>", thousands((manifest.inputs.len() - INPUTS) as u64))?;
    }
    writeln!(out, "</details>")
}

/// Inputs that are named.
const INPUTS: usize = 200;

fn speed(timings: &Timings, out: &mut String) -> Result {
    section(
        out,
        "speed",
        "Speed and memory",
        "Of the last attempt on this machine; what was finished before it is missing. Nothing of it is in the other outputs.",
    )?;
    writeln!(
        out,
        "<p><strong>{:.1} s</strong> on {}, {:.1} MB of text a second, {} of memory at most.</p>",
        timings.wall,
        count(timings.threads, "thread", "threads"),
        timings.megabytes_per_second,
        ui::bytes(timings.peak_memory)
    )?;
    let total: f64 = timings.passes.iter().map(|(_, seconds)| seconds).sum::<f64>().max(1e-9);
    table(out, "Time by pass", "narrow", &[("pass", false), ("seconds", true), ("", false)])?;
    for (pass, seconds) in &timings.passes {
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{seconds:.1}</td><td>{}</td></tr>",
            text(pass),
            bar(&[(seconds / total, "s-left")])
        )?;
    }
    table_end(out)
}

fn footer(overview: &Overview, out: &mut String) -> Result {
    let manifest = &overview.facts.manifest;
    writeln!(
        out,
        "<footer><p>Fingerprint <code>{}</code>. Dictionary <code>{}</code>. Tokenizer <code>{}</code>.<br>Seimai {}, Unicode {}. All figures are those of manifest.json and of the tables; <code>seimai verify</code> counts them again, <code>seimai inspect RUN ID</code> tells the life of a document.</p></footer>",
        text(&manifest.fingerprint),
        text(&manifest.dictionary.fingerprint),
        text(&manifest.tokenizer.content_blake3),
        text(&manifest.seimai),
        text(&manifest.unicode)
    )
}
