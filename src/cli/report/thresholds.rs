//! Each threshold: how its measure is spread, what another value would keep, and documents on either side.

use std::fmt::{Result, Write};

use super::examples::{legend, list};
use super::frame::{count, figure, section};
use crate::cli::html::text;
use crate::cli::ui::thousands;
use crate::decide::Side;
use crate::pipeline::overview::spread::Spread;
use crate::pipeline::overview::{Beside, Overview};

/// Width and height of a histogram, and where its bars begin and end.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 178.0;
const LEFT: f64 = 10.0;
const RIGHT: f64 = 710.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 140.0;
/// Room that the label of a threshold takes.
const LABEL_WIDTH: f64 = 42.0;
/// Labels under a histogram.
const LABELS: usize = 8;

/// Thresholds that somebody may want to look at come first: those that dropped most.
pub(super) fn order(spreads: &[Spread]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spreads.len()).collect();
    order.sort_by_key(|&n| std::cmp::Reverse(failing(&spreads[n])));
    order
}

fn failing(spread: &Spread) -> u64 {
    spread.measured.iter().map(|(_, failed)| failed).sum()
}

pub(super) fn sections(overview: &Overview, out: &mut String) -> Result {
    section(
        out,
        "thresholds",
        "Thresholds, and documents beside them",
        "For each rule how its measure is spread over all documents, whatever became of them, and what another threshold would keep. A document \
         that another rule rejects as well does not come back; whoever comes back may turn out to be a duplicate, which only a run can tell.",
    )?;
    if overview.spreads.is_empty() {
        return writeln!(out, "<p>This plan has no thresholds: every document with text passes.</p>");
    }
    legend(out, overview.marked)?;
    for n in order(&overview.spreads) {
        if let (Some(spread), Some(beside)) = (overview.spreads.get(n), overview.examples.get(n)) {
            one(overview, n, spread, beside, out)?;
        }
    }
    Ok(())
}

/// The sign and value that a rule asks for, with the presets where they differ.
pub(super) fn asked(spread: &Spread) -> String {
    let mut by_value: Vec<(f64, Vec<&str>)> = Vec::new();
    for (preset, value) in &spread.limits {
        match by_value.iter_mut().find(|(known, _)| known.total_cmp(value).is_eq()) {
            Some((_, presets)) => presets.push(preset),
            None => by_value.push((*value, vec![preset])),
        }
    }
    let several = by_value.len() > 1;
    let told = |(value, presets): (f64, Vec<&str>)| {
        let presets = if several { format!(" ({})", text(&presets.join(", "))) } else { String::new() };
        format!("{} {}{presets}", text(spread.side.asked()), figure(value))
    };
    by_value.into_iter().map(told).collect::<Vec<_>>().join(" · ")
}

/// Where the edges of the thresholds are, each once.
pub(super) fn limits(spread: &Spread) -> Vec<usize> {
    let mut limits: Vec<usize> =
        spread.limits.iter().filter_map(|(_, limit)| spread.edges.iter().position(|edge| edge.total_cmp(limit).is_eq())).collect();
    limits.sort_unstable();
    limits.dedup();
    limits
}

/// Sources that a rule of the plan is for.
fn of_sources(spread: &Spread) -> String {
    if spread.pattern == "*" { String::new() } else { format!(" <small>sources {}</small>", text(&spread.pattern)) }
}

fn one(overview: &Overview, n: usize, spread: &Spread, beside: &Beside, out: &mut String) -> Result {
    let measured: u64 = spread.measured.iter().map(|(all, _)| all).sum();
    let failing = failing(spread);
    writeln!(
        out,
        "<section class=\"card\" id=\"rule-{n}\" aria-labelledby=\"rule-{n}-name\">\n<h3 id=\"rule-{n}-name\">{}{} <span class=\"asked\">{}</span></h3>",
        text(&spread.rule),
        of_sources(spread),
        asked(spread)
    )?;
    let about = if spread.about.is_empty() { format!("{}.", text(&spread.measure)) } else { text(&spread.about) };
    let reason = if limits(spread).len() == 1 { format!(" Why there: {}.", text(&spread.reason)) } else { String::new() };
    writeln!(out, "<p class=\"note\">{about}{reason}</p>")?;
    writeln!(
        out,
        "<p>Measured in {}; <strong>{}</strong> beyond the threshold.</p>",
        count(measured, "document", "documents"),
        thousands(failing)
    )?;
    histogram(spread, (n, measured, failing), out)?;
    // A program fills it; without one it is not there.
    writeln!(out, "<div class=\"whatif\" data-rule=\"{n}\" hidden></div>")?;
    if beside.kept.is_empty() && beside.dropped.is_empty() {
        return writeln!(out, "</section>");
    }
    writeln!(
        out,
        "<details><summary>Documents beside the threshold: {} kept, {} dropped</summary>\n<div class=\"columns\">",
        beside.kept.len(),
        beside.dropped.len()
    )?;
    for (head, class, examples) in
        [("Kept, the nearest first", "kept", &beside.kept), ("Dropped, the nearest first", "dropped", &beside.dropped)]
    {
        writeln!(out, "<div class=\"{class}\"><h4>{head}</h4>")?;
        if examples.is_empty() {
            writeln!(out, "<p class=\"note\">None.</p>")?;
        } else {
            list(out, examples, &overview.sources, &spread.measure)?;
        }
        writeln!(out, "</div>")?;
    }
    writeln!(out, "</div></details></section>")
}

/// Where the edge with this number is drawn.
fn place(edges: usize, at: usize) -> f64 {
    LEFT + (RIGHT - LEFT) * (at as f64 + 1.0) / (edges as f64 + 1.0)
}

/// Bars of one width between the values at which the threshold can be put; those that fail in another colour. Heights follow the root of the
/// number, so that a few documents are seen beside many.
fn histogram(spread: &Spread, (n, measured, failing): (usize, u64, u64), out: &mut String) -> Result {
    let edges = spread.edges.len();
    let highest = spread.measured.iter().map(|(all, _)| *all).max().unwrap_or(0).max(1) as f64;
    let step = (RIGHT - LEFT) / (edges as f64 + 1.0);
    let sign = if spread.side == Side::Min { "below" } else { "above" };
    writeln!(
        out,
        "<figure><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Histogram of {} over {measured} documents; {failing} lie {sign} the threshold {}\">",
        text(&spread.measure),
        asked(spread)
    )?;
    for (cell, (all, failed)) in spread.measured.iter().enumerate().filter(|(_, (all, _))| *all > 0) {
        let height = ((*all as f64 / highest).sqrt() * (BOTTOM - TOP)).max(1.5);
        let lost = height * (*failed as f64 / *all as f64);
        let (x, width) = (LEFT + step * cell as f64 + 0.5, (step - 1.0).max(0.8));
        let between = match (cell.checked_sub(1).and_then(|before| spread.edges.get(before)), spread.edges.get(cell)) {
            (None, Some(to)) => format!("up to {}", figure(*to)),
            (Some(from), None) => format!("from {}", figure(*from)),
            (Some(from), Some(to)) => format!("{} to {}", figure(*from), figure(*to)),
            (None, None) => String::new(),
        };
        write!(out, "<g><title>{between}: {}, {} beyond the threshold</title>", count(*all, "document", "documents"), thousands(*failed))?;
        if lost < height {
            write!(
                out,
                "<rect class=\"s-left\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                BOTTOM - height,
                height - lost
            )?;
        }
        if lost > 0.0 {
            write!(out, "<rect class=\"s-lost\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{lost:.1}\"/>", BOTTOM - lost)?;
        }
        out.write_str("</g>\n")?;
    }
    writeln!(out, "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{BOTTOM}\" y2=\"{BOTTOM}\"/>")?;
    labels(spread, out)?;
    writeln!(out, "<line class=\"moved\" id=\"moved-{n}\" x1=\"0\" x2=\"0\" y1=\"4\" y2=\"{BOTTOM}\" visibility=\"hidden\"/>")?;
    writeln!(
        out,
        "</svg><figcaption>{}; heights follow the square root of the number of documents. <span class=\"swatch s-left\"></span> holds \
         <span class=\"swatch s-lost\"></span> is beyond the threshold</figcaption></figure>",
        text(&spread.measure)
    )
}

/// Values under the axis: those of the thresholds, and some others that keep away from them.
fn labels(spread: &Spread, out: &mut String) -> Result {
    let (edges, limits) = (spread.edges.len(), limits(spread));
    let every = edges.div_ceil(LABELS).max(1);
    // A label of a threshold behind another goes to the right of its line, or below.
    let (mut last, mut lower) = (f64::NEG_INFINITY, false);
    for (at, edge) in spread.edges.iter().enumerate() {
        let near = limits.iter().any(|&limit| limit.abs_diff(at) * LABELS * 2 < edges + 1);
        let is_limit = limits.contains(&at);
        if !is_limit && (near || at % every != every / 2) {
            continue;
        }
        let x = place(edges, at);
        let (class, mut y) = if is_limit { ("limit-label", BOTTOM + 18.0) } else { ("faint", BOTTOM + 18.0) };
        if is_limit {
            writeln!(out, "<line class=\"limit\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"8\" y2=\"{BOTTOM}\"/>")?;
            lower = x - last < LABEL_WIDTH && !lower;
            y += if lower { 14.0 } else { 0.0 };
            last = x;
        }
        writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{}</text>", figure(*edge))?;
    }
    Ok(())
}
