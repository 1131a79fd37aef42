//! Duplicates: how large clusters are, and how the largest differ from the document that stays.

use std::fmt::{Result, Write};

use super::frame::{count, section, table, table_end};
use crate::cli::html::charts::bar;
use crate::cli::html::{prose, text};
use crate::cli::text_diff::{self, Marks};
use crate::cli::ui::thousands;
use crate::pipeline::overview::Overview;

/// Characters of a text that is shown.
const SHOWN: usize = 160;

pub(super) fn sections(overview: &Overview, out: &mut String) -> Result {
    section(out, "duplicates", "Duplicates", "")?;
    let repeats = &overview.repeats;
    let clusters: u64 = repeats.sizes.iter().sum();
    if clusters == 0 {
        return writeln!(out, "<p>No kept document stands for duplicates.</p>");
    }
    let most = repeats.sizes.iter().copied().max().unwrap_or(0).max(1) as f64;
    writeln!(out, "<p>{} for others that are the same or nearly so.</p>", count(clusters, "kept document stands", "kept documents stand"))?;
    table(out, "Clusters by size", "narrow", &[("documents in the cluster", false), ("clusters", true), ("", false)])?;
    for (bin, n) in repeats.sizes.iter().enumerate().skip(1) {
        let (from, to) = (1_u64 << bin, (1_u64 << (bin + 1)) - 1);
        writeln!(
            out,
            "<tr><th scope=\"row\">{} to {}</th><td class=\"n\">{}</td><td>{}</td></tr>",
            thousands(from),
            thousands(to),
            thousands(*n),
            bar(&[((*n as f64 / most).sqrt(), "s-left")])
        )?;
    }
    table_end(out)?;
    writeln!(
        out,
        "<h3>The largest</h3>\n<p class=\"note\">What the document that stays has and the other lacks is <del>struck out</del>, what the other has \
         beside it is <ins>underlined</ins>; what both have is shortened.</p>"
    )?;
    let name = |source: usize| overview.sources.get(source).map_or("", |source| source.name.as_str());
    for (n, cluster) in repeats.largest.iter().enumerate() {
        writeln!(
            out,
            "<details{}><summary>{}</summary>\n<p class=\"who\">stays: {} · {}</p><p lang=\"ja\">{}</p>",
            if n == 0 { " open" } else { "" },
            count(u64::from(cluster.size), "document", "documents"),
            text(&cluster.anchor.doc_id),
            text(name(cluster.anchor.source)),
            text_or_dots(&cluster.anchor.text)
        )?;
        for member in &cluster.members {
            writeln!(out, "<p class=\"who\">{} · {} · {}</p>", text(&member.doc_id), text(name(member.source)), text(&member.evidence))?;
            if member.text == cluster.anchor.text {
                writeln!(out, "<p class=\"note\">The same text.</p>")?;
            } else {
                let differences = text_diff::differences(&cluster.anchor.text, &member.text, Marks::Html);
                writeln!(out, "<p lang=\"ja\" class=\"diff\">{differences}</p>")?;
            }
        }
        writeln!(out, "</details>")?;
    }
    Ok(())
}

fn text_or_dots(raw: &str) -> String {
    let shown: String = raw.chars().take(SHOWN).collect();
    format!("{}{}", prose(&shown), if raw.chars().nth(SHOWN).is_some() { "…" } else { "" })
}
