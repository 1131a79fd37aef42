//! The tokenizer report as one page that needs nothing else: no script, no font, no network.

use std::fmt::Write;

use super::measures::{Form, MEASURES, best};
use crate::cli::html::charts::{COLOURS, Columns};
use crate::cli::html::{self, text};
use crate::cli::ui;
use crate::pipeline::tokenizer_report::{Figures, Listed, Portrait, Report, Sample};

/// The page.
pub(super) fn html(report: &Report) -> String {
    let mut out = String::new();
    // Writing into a string does not fail.
    let _ = body(report, &mut out);
    let names: Vec<&str> = report.tokenizers.iter().map(|portrait| portrait.name.as_str()).collect();
    html::page(&format!("Tokenizer report: {}", names.join(", ")), &out, None)
}

/// A token as HTML: blanks are seen.
fn token(raw: &str) -> String {
    text(&raw.replace('\n', "⏎").replace('\t', "⇥").replace(' ', "␣").replace('\u{3000}', "□"))
}

fn body(report: &Report, out: &mut String) -> std::fmt::Result {
    let names: Vec<String> = report.tokenizers.iter().map(|portrait| text(&portrait.name)).collect();
    let Some(first) = report.tokenizers.first() else { return Ok(()) };
    let sums = first.total.sums;
    let others = match names.get(1..).and_then(<[String]>::split_last) {
        None => String::new(),
        Some((last, [])) => format!(", beside {last}"),
        Some((last, more)) => format!(", beside {} and {last}", more.join(", ")),
    };
    writeln!(out, "<h1>What {} does to this text{others}</h1>", names.first().map_or("", String::as_str))?;
    let sources = first.sources.len();
    writeln!(
        out,
        "<p class=\"lede\">{} documents, {} characters, {} of normalised UTF-8 from {} {}{}.</p>",
        ui::thousands(sums.documents),
        ui::thousands(sums.characters),
        ui::bytes(sums.bytes),
        ui::thousands(sources as u64),
        if sources == 1 { "source" } else { "sources" },
        if sums.morphemes > 0 { format!(", {} morphemes", ui::thousands(sums.morphemes)) } else { String::new() }
    )?;
    overview(report, out)?;
    plane(report, out)?;
    samples(report, out)?;
    groups(report, out)?;
    lengths(report, out)?;
    probes(report, out)?;
    lists(report, out)?;
    privacy(report, out)?;
    notes(report, out)
}

fn dot(at: usize) -> String {
    format!("<span class=\"dot\" style=\"background:var(--c{})\"></span>", at % COLOURS)
}

fn heads(report: &Report, out: &mut String) -> std::fmt::Result {
    for (at, portrait) in report.tokenizers.iter().enumerate() {
        write!(out, "<th class=\"n\" scope=\"col\">{}{}</th>", dot(at), text(&portrait.name))?;
    }
    Ok(())
}

fn overview(report: &Report, out: &mut String) -> std::fmt::Result {
    out.write_str(
        "<h2>In numbers</h2>\n<div class=\"scroll\"><table><caption>The best of several is marked.</caption><thead><tr><th></th>",
    )?;
    heads(report, out)?;
    out.write_str("</tr></thead><tbody>\n<tr><th scope=\"row\">pattern</th>")?;
    for portrait in &report.tokenizers {
        write!(out, "<td class=\"n\">{}</td>", text(&portrait.pattern))?;
    }
    out.write_str("</tr>\n")?;
    for measure in &MEASURES {
        let values: Vec<Option<f64>> = report.tokenizers.iter().map(measure.value).collect();
        if values.iter().all(Option::is_none) {
            continue;
        }
        write!(out, "<tr><th scope=\"row\">{}<small>{}</small></th>", measure.name, measure.about)?;
        for (value, best) in values.iter().zip(best(&values, measure)) {
            write!(out, "<td class=\"n{}\">{}</td>", if best { " best" } else { "" }, measure.form.write(*value))?;
        }
        out.write_str("</tr>\n")?;
    }
    out.write_str("</tbody></table></div>\n")
}

/// Where a value stands on an axis of so many units, with a margin.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: &[f64], from: f64, to: f64) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let margin = ((high - low) * 0.18).max(high.abs() * 0.01).max(1e-6);
        Self { low: (low - margin).max(0.0), high: high + margin, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Five values over the axis.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        (0..5).map(|i| self.low + (self.high - self.low) * (f64::from(i) + 0.5) / 5.0)
    }
}

/// Compression against straddling, where there are several vocabularies and morphemes.
fn plane(report: &Report, out: &mut String) -> std::fmt::Result {
    let points: Vec<(usize, f64, f64)> = report
        .tokenizers
        .iter()
        .enumerate()
        .filter_map(|(at, portrait)| Some((at, portrait.total.straddling? * 100.0, portrait.total.characters_per_token?)))
        .collect();
    if points.len() < 2 {
        return Ok(());
    }
    let x = Axis::over(&points.iter().map(|point| point.1).collect::<Vec<_>>(), 60.0, 690.0);
    let y = Axis::over(&points.iter().map(|point| point.2).collect::<Vec<_>>(), 290.0, 20.0);
    out.write_str("<h2>Compression and morphemes</h2>\n<figure><svg viewBox=\"0 0 720 340\" role=\"img\" aria-label=\"Characters a token against straddling tokens\">\n")?;
    for tick in y.ticks() {
        let at = y.at(tick);
        write!(
            out,
            "<line class=\"grid\" x1=\"60\" x2=\"690\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text class=\"faint\" x=\"52\" y=\"{:.1}\" text-anchor=\"end\">{tick:.2}</text>",
            at + 4.0
        )?;
    }
    for tick in x.ticks() {
        write!(out, "<text class=\"faint\" x=\"{:.1}\" y=\"308\" text-anchor=\"middle\">{tick:.1} %</text>", x.at(tick))?;
    }
    out.write_str("<line class=\"axis\" x1=\"60\" x2=\"690\" y1=\"290\" y2=\"290\"/><text class=\"faint\" x=\"375\" y=\"332\" text-anchor=\"middle\">tokens that straddle a morpheme</text><text class=\"faint\" x=\"62\" y=\"14\">characters a token</text>\n")?;
    for (at, straddling, characters) in points {
        let (x, y, colour) = (x.at(straddling), y.at(characters), at % COLOURS);
        let (anchor, shift) = if x > 560.0 { ("end", -11.0) } else { ("start", 11.0) };
        let name = report.tokenizers.get(at).map_or_else(String::new, |portrait| text(&portrait.name));
        writeln!(
            out,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"var(--c{colour})\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" font-weight=\"600\">{name}</text>",
            x + shift,
            y + 4.0
        )?;
    }
    out.write_str("</svg><figcaption>Up and to the left is better: longer tokens, fewer of them across the edge of a morpheme.</figcaption></figure>\n")
}

fn samples(report: &Report, out: &mut String) -> std::fmt::Result {
    if report.samples.is_empty() {
        return Ok(());
    }
    out.write_str("<h2>The same text, cut</h2>\n<p class=\"note\">A line of the first document of each source, four at most. A token on red ground straddles a morpheme.</p>\n")?;
    for sample in &report.samples {
        writeln!(out, "<div class=\"sample\"><div class=\"who\"><span>{}</span></div>", text(&sample.source))?;
        for (at, ends) in sample.tokens.iter().enumerate() {
            let name = report.tokenizers.get(at).map_or("", |portrait| portrait.name.as_str());
            write!(
                out,
                "<div class=\"who\"><span>{}{}</span><span>{} tokens</span></div><div class=\"chips\" lang=\"ja\" style=\"--tone:var(--c{})\">",
                dot(at),
                text(name),
                ends.len(),
                at % COLOURS
            )?;
            chips(sample, ends, out)?;
            out.write_str("</div>\n")?;
        }
        out.write_str("</div>\n")?;
    }
    Ok(())
}

fn chips(sample: &Sample, ends: &[u32], out: &mut String) -> std::fmt::Result {
    let length = sample.text.len() as u32;
    let is_end = |at: u32| at == 0 || at == length || sample.morphemes.binary_search(&at).is_ok();
    let (mut start, mut shown) = (0_u32, 0_u32);
    for &end in ends {
        let inside = sample.morphemes.iter().any(|&morpheme| morpheme > start && morpheme < end);
        let straddles = inside && !(is_end(start) && is_end(end));
        // A token inside a character is shown with the one that completes it.
        if let Some(piece) = sample.text.get(shown as usize..end as usize) {
            write!(out, "<span{}>{}</span><wbr>", if straddles { " class=\"straddle\"" } else { "" }, token(piece))?;
            shown = end;
        }
        start = end;
    }
    Ok(())
}

/// The groups of a vocabulary of one kind.
type Groups = fn(&Portrait) -> &[Figures];

fn groups(report: &Report, out: &mut String) -> std::fmt::Result {
    let all: [(&str, &str, Groups); 3] = [
        ("By source", "The <code>source</code> of the records.", |p| &p.sources),
        (
            "By register",
            "The register that <code>seimai keigo</code> gives each document; <em>classical</em> is 文語, the others are modern.",
            |p| &p.registers,
        ),
        ("By era", "By the year of the <code>date</code> of the records, which may be that of an edition.", |p| &p.eras),
    ];
    for (head, about, of) in all {
        let Some(first) = report.tokenizers.first().map(of).filter(|groups| groups.len() > 1) else { continue };
        let longest =
            report.tokenizers.iter().flat_map(of).filter_map(|figures| figures.characters_per_token).fold(0.0, f64::max).max(1e-9);
        writeln!(
            out,
            "<h2>{head}</h2>\n<div class=\"scroll\"><table><caption>{about} Bars are characters a token.</caption><thead><tr><th></th><th class=\"n\">characters</th><th></th><th></th><th class=\"n\">characters a token</th><th class=\"n\">straddling</th><th class=\"n\">clean</th></tr></thead><tbody>"
        )?;
        for (row, group) in first.iter().enumerate() {
            for (at, portrait) in report.tokenizers.iter().enumerate() {
                let Some(figures) = of(portrait).get(row) else { continue };
                out.write_str("<tr>")?;
                if at == 0 {
                    let span = report.tokenizers.len();
                    write!(
                        out,
                        "<th scope=\"row\" rowspan=\"{span}\">{}</th><td class=\"n\" rowspan=\"{span}\">{}</td>",
                        text(&group.name),
                        ui::thousands(group.sums.characters)
                    )?;
                }
                let share = figures.characters_per_token.unwrap_or(0.0) / longest * 100.0;
                writeln!(
                    out,
                    "<td>{}{}</td><td><div class=\"track\"><div class=\"fill\" style=\"width:{share:.1}%;background:var(--c{})\"></div></div></td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                    dot(at),
                    text(&portrait.name),
                    at % COLOURS,
                    Form::Number(3).write(figures.characters_per_token),
                    Form::Percent.write(figures.straddling),
                    Form::Percent.write(figures.clean)
                )?;
            }
        }
        out.write_str("</tbody></table></div>\n")?;
    }
    Ok(())
}

/// Tokens with more characters stand in one column.
const LONG: usize = 12;

fn lengths(report: &Report, out: &mut String) -> std::fmt::Result {
    let shares: Vec<Vec<f64>> = report
        .tokenizers
        .iter()
        .map(|portrait| {
            let all = portrait.lengths.iter().map(|length| length.occurrences).sum::<u64>().max(1) as f64;
            let of = |from: usize, to: usize| {
                portrait
                    .lengths
                    .iter()
                    .filter(|length| (from..to).contains(&length.characters))
                    .map(|length| length.occurrences)
                    .sum::<u64>() as f64
                    / all
            };
            (0..LONG).map(|characters| of(characters, characters + 1)).chain([of(LONG, usize::MAX)]).collect()
        })
        .collect();
    let label = |column: usize| match column {
        0 => "part".to_owned(),
        LONG => format!("{LONG}+"),
        _ => column.to_string(),
    };
    let labels: Vec<String> = (0..=LONG).map(label).collect();
    let columns =
        Columns { about: "Share of the tokens of the text by characters", labels: &labels, axis: "characters of a token", series: &shares };
    out.write_str("<h2>Lengths of tokens</h2>\n<figure>")?;
    columns.draw(out)?;
    out.write_str("<figcaption>")?;
    for (at, portrait) in report.tokenizers.iter().enumerate() {
        write!(out, "{}{} &nbsp; ", dot(at), text(&portrait.name))?;
    }
    out.write_str("— share of all tokens of the text; “part” are tokens that are no whole characters.</figcaption></figure>\n")
}

fn probes(report: &Report, out: &mut String) -> std::fmt::Result {
    out.write_str("<h2>Digits and blanks</h2>\n<div class=\"scroll\"><table><caption>␣ blank, □ wide blank, ⏎ line feed, ⇥ tab.</caption><thead><tr><th>text</th>")?;
    for (at, portrait) in report.tokenizers.iter().enumerate() {
        write!(out, "<th scope=\"col\">{}{}</th>", dot(at), text(&portrait.name))?;
    }
    out.write_str("</tr></thead><tbody>\n")?;
    let rows = report.tokenizers.first().map_or(0, |portrait| portrait.probes.len());
    for row in 0..rows {
        out.write_str("<tr>")?;
        for (at, portrait) in report.tokenizers.iter().enumerate() {
            let Some(probe) = portrait.probes.get(row) else { continue };
            if at == 0 {
                write!(out, "<th scope=\"row\"><code>{}</code></th>", token(probe.text))?;
            }
            write!(out, "<td class=\"chips\" style=\"--tone:var(--c{})\">", at % COLOURS)?;
            match &probe.tokens {
                None => out.write_str("–")?,
                Some(tokens) => tokens.iter().try_for_each(|piece| write!(out, "<span>{}</span><wbr>", token(piece)))?,
            }
            out.write_str("</td>")?;
        }
        out.write_str("</tr>\n")?;
    }
    out.write_str("</tbody></table></div>\n")
}

fn lists(report: &Report, out: &mut String) -> std::fmt::Result {
    out.write_str("<h2>Tokens that stand out</h2>\n")?;
    for (at, portrait) in report.tokenizers.iter().enumerate() {
        writeln!(
            out,
            "<details{}><summary>{}{}</summary><div class=\"columns\">",
            if at == 0 { " open" } else { "" },
            dot(at),
            text(&portrait.name)
        )?;
        let lists: [(&str, &[Listed]); 5] = [
            ("Longest", &portrait.longest),
            ("Straddling most", &portrait.straddling),
            ("Japanese with Latin or digits", &portrait.mixed),
            ("One character over and over", &portrait.repeated),
            ("Parts of two characters", &portrait.across),
        ];
        for (head, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            // Of those that straddle it matters how often they do, of the others how many documents have them.
            let straddling = std::ptr::eq(list, portrait.straddling.as_slice());
            let second = if straddling { "straddling" } else { "documents" };
            writeln!(
                out,
                "<div><h3>{head}</h3><table><thead><tr><th>token</th><th class=\"n\">count</th><th class=\"n\">{second}</th><th>first seen</th></tr></thead><tbody>"
            )?;
            for listed in list.iter().take(12) {
                write!(
                    out,
                    "<tr><th scope=\"row\" lang=\"ja\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"ctx\" lang=\"ja\">",
                    shown(listed),
                    ui::thousands(listed.count),
                    ui::thousands(if straddling { listed.straddling } else { listed.documents })
                )?;
                if let Some(example) = &listed.example {
                    write!(out, "{}<b>{}</b>{}", token(&example.before), token(&example.token), token(&example.after))?;
                }
                out.write_str("</td></tr>\n")?;
            }
            out.write_str("</tbody></table></div>\n")?;
        }
        out.write_str("</div></details>\n")?;
    }
    Ok(())
}

fn shown(listed: &Listed) -> String {
    listed.token.as_deref().map_or_else(|| format!("<span class=\"masked\">••• {}</span>", listed.id), token)
}

fn privacy(report: &Report, out: &mut String) -> std::fmt::Result {
    out.write_str("<h2>What tokens tell of the training text</h2>\n<p>A token that few documents support may betray one of them (arXiv 2510.05699). Counted are documents of this text, which need not be that of the training.</p>\n<div class=\"scroll\"><table><thead><tr><th>used tokens in</th>")?;
    heads(report, out)?;
    out.write_str("</tr></thead><tbody>\n")?;
    let rows = report.tokenizers.first().map_or(&[][..], |portrait| portrait.support.as_slice());
    for (row, support) in rows.iter().enumerate() {
        write!(out, "<tr><th scope=\"row\">fewer than {} documents</th>", support.documents)?;
        for portrait in &report.tokenizers {
            write!(
                out,
                "<td class=\"n\">{}</td>",
                portrait.support.get(row).map_or_else(String::new, |support| ui::thousands(support.tokens))
            )?;
        }
        out.write_str("</tr>\n")?;
    }
    out.write_str("<tr><th scope=\"row\">that look like personal data</th>")?;
    for portrait in &report.tokenizers {
        write!(out, "<td class=\"n\">{}</td>", portrait.personal.len())?;
    }
    out.write_str("</tr></tbody></table></div>\n")?;
    for portrait in report.tokenizers.iter().filter(|portrait| !portrait.personal.is_empty()) {
        write!(out, "<details><summary>{}</summary><p class=\"chips\">", text(&portrait.name))?;
        for personal in portrait.personal.iter().take(100) {
            write!(out, "<span>{} {}</span> ", personal.kind, shown(&personal.token))?;
        }
        out.write_str("</p></details>\n")?;
    }
    Ok(())
}

fn notes(report: &Report, out: &mut String) -> std::fmt::Result {
    out.write_str("<h2>How it was measured</h2>\n<p class=\"note\">Boundaries lie between two tokens or two morphemes of a document. A token straddles if a morpheme ends inside it and it begins or ends inside a morpheme; it is clean if both its ends are ends of morphemes. Rényi efficiency (arXiv 2306.16842) is the entropy of order 2.5 of the token frequencies over the logarithm of the number of ordinary tokens; it has known counterexamples (arXiv 2402.14614) and is never to be read alone. Vocabularies of different size or pattern are not like for like: the pattern stands in the first table.</p>\n<footer>")?;
    if let Some(dictionary) = &report.dictionary {
        write!(out, "Morphemes by the dictionary <code>{}</code>. ", text(dictionary))?;
    }
    if report.min_documents > 0 {
        write!(out, "Tokens that fewer than {} documents have are not shown, and no text of a document is. ", report.min_documents)?;
    }
    for portrait in &report.tokenizers {
        write!(out, "<br>{}: content <code>{}</code>", text(&portrait.name), portrait.content_blake3)?;
    }
    writeln!(out, "<br>seimai {}, report version {}.</footer>", env!("CARGO_PKG_VERSION"), report.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_tokens_are_seen() {
        assert_eq!(token(" a\n\u{3000}"), "␣a⏎□");
    }

    #[test]
    fn axes_hold_their_values() {
        let axis = Axis::over(&[2.0, 2.0], 0.0, 100.0);
        assert!((axis.at(2.0) - 50.0).abs() < 1e-6 && axis.ticks().count() == 5);
        let axis = Axis::over(&[0.0, 0.0], 100.0, 0.0);
        assert!(axis.at(0.0).is_finite());
    }
}
