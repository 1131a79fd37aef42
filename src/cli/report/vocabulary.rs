//! Tokens: how much text they hold by source and register, how long they are, which stand out; and how documents are packed.

use std::collections::BTreeMap;
use std::fmt::{Result, Write};

use super::frame::{count, percent, section, share, table, table_end};
use crate::cli::html::charts::{Columns, bar};
use crate::cli::html::{prose, text};
use crate::cli::ui::thousands;
use crate::pipeline::manifest::PackFacts;
use crate::pipeline::overview::Overview;
use crate::pipeline::overview::vocabulary::Tokens;

/// Tokens with more characters stand in one column.
const LONG: usize = 12;

pub(super) fn sections(overview: &Overview, out: &mut String) -> Result {
    let (facts, manifest) = (&overview.vocabulary, &overview.facts.manifest);
    section(out, "tokens", "Tokens", "")?;
    let (ordinary, unused) = facts.ordinary;
    writeln!(
        out,
        "<p>{} tokens for {} characters: <strong>{:.2} characters a token</strong>. The vocabulary has {} ordinary tokens; {} of them do not occur in what was kept.</p>",
        thousands(manifest.totals.tokens),
        thousands(manifest.totals.kept_characters),
        manifest.totals.kept_characters as f64 / manifest.totals.tokens.max(1) as f64,
        thousands(ordinary),
        thousands(unused)
    )?;
    fertility(overview, out)?;
    lengths(overview, out)?;
    documents(overview, out)?;
    outstanding(overview, out)?;
    section(out, "packing", "Packing", "")?;
    let held_out = manifest.validation.as_ref();
    let trained = manifest.totals.kept - held_out.map_or(0, |held_out| held_out.kept);
    pack(&manifest.pack, trained, "", out)?;
    match held_out {
        Some(held_out) => pack(&held_out.pack, held_out.kept, "Held out for validation: ", out),
        None => Ok(()),
    }
}

fn add(sum: &mut Tokens, more: Tokens) {
    super::frame::add(&mut sum.amount, more.amount);
    sum.tokens += more.tokens;
}

/// Tokens a character by source and register.
fn fertility(overview: &Overview, out: &mut String) -> Result {
    let groups = &overview.vocabulary.groups;
    let (mut registers, mut sources) = (BTreeMap::<&str, Tokens>::new(), BTreeMap::<usize, Tokens>::new());
    let mut all = Tokens::default();
    for ((source, register), tokens) in groups {
        add(registers.entry(register).or_default(), *tokens);
        add(sources.entry(*source).or_default(), *tokens);
        add(&mut all, *tokens);
    }
    let mut order: Vec<(&str, Tokens)> = registers.into_iter().collect();
    order.sort_by_key(|(_, tokens)| std::cmp::Reverse(tokens.amount.characters));
    writeln!(
        out,
        "<h3>Tokens a hundred characters, by source and register</h3>\n<p class=\"note\">Fewer are cheaper to train on. Where something was cut out of documents, their characters are those before.</p>"
    )?;
    let names: Vec<String> = order.iter().map(|(name, _)| text(name)).collect();
    let mut heads = vec![("source", false), ("tokens", true), ("all", true)];
    heads.extend(names.iter().map(|name| (name.as_str(), true)));
    table(out, "Tokens a hundred characters", "tall", &heads)?;
    let rate = |tokens: &Tokens| tokens.tokens as f64 * 100.0 / tokens.amount.characters.max(1) as f64;
    let usual = rate(&all);
    let cell = |tokens: Option<&Tokens>| {
        let Some(tokens) = tokens.filter(|tokens| tokens.amount.characters > 0) else { return "<td class=\"n soft\">–</td>".to_owned() };
        // Beside what is usual: one tenth more or less is a shade.
        let shade = ((rate(tokens) / usual.max(1e-9) - 1.0) * 10.0).round().clamp(-4.0, 4.0);
        let class = if shade > 0.0 {
            format!("d{shade}")
        } else if shade < 0.0 {
            format!("g{}", -shade)
        } else {
            String::new()
        };
        format!("<td class=\"n {class}\">{:.1}</td>", rate(tokens))
    };
    write!(out, "<tr><th scope=\"row\"><strong>all</strong></th><td class=\"n\">{}</td>{}", thousands(all.tokens), cell(Some(&all)))?;
    order.iter().try_for_each(|(_, tokens)| out.write_str(&cell(Some(tokens))))?;
    writeln!(out, "</tr>")?;
    for (source, tokens) in &sources {
        let name = overview.sources.get(*source).map_or("", |source| source.name.as_str());
        write!(out, "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td>{}", text(name), thousands(tokens.tokens), cell(Some(tokens)))?;
        order.iter().try_for_each(|(register, _)| out.write_str(&cell(groups.get(&(*source, (*register).to_owned())))))?;
        writeln!(out, "</tr>")?;
    }
    table_end(out)
}

/// How long tokens are.
fn lengths(overview: &Overview, out: &mut String) -> Result {
    let lengths = &overview.vocabulary.lengths;
    let total = |of: fn(&crate::bpe::portrait::Length) -> u64| lengths.iter().map(of).sum::<u64>().max(1) as f64;
    let shares = |of: fn(&crate::bpe::portrait::Length) -> u64| -> Vec<f64> {
        let within = |from: usize, to: usize| {
            lengths.iter().filter(|length| (from..to).contains(&length.characters)).map(of).sum::<u64>() as f64 / total(of)
        };
        (0..LONG).map(|characters| within(characters, characters + 1)).chain([within(LONG, usize::MAX)]).collect()
    };
    let label = |column: usize| match column {
        0 => "part".to_owned(),
        LONG => format!("{LONG}+"),
        _ => column.to_string(),
    };
    let labels: Vec<String> = (0..=LONG).map(label).collect();
    let series = [shares(|length| length.occurrences), shares(|length| length.tokens)];
    writeln!(out, "<h3>How long tokens are</h3>\n<figure>")?;
    let about = "Tokens by their characters: share of the tokens of the text, and share of the vocabulary";
    Columns { about, labels: &labels, axis: "characters of a token", series: &series }.draw(out)?;
    writeln!(
        out,
        "<figcaption><span class=\"swatch c0\"></span> share of the tokens of the text <span class=\"swatch c1\"></span> share of the vocabulary. “part”: no whole characters.</figcaption></figure>"
    )
}

/// How long documents are.
fn documents(overview: &Overview, out: &mut String) -> Result {
    let bins = &overview.vocabulary.documents;
    let total = bins.iter().sum::<u64>().max(1) as f64;
    let first = bins.iter().position(|n| *n > 0).unwrap_or(0);
    let labels: Vec<String> = (first..bins.len())
        .map(|bin| match bin {
            0..10 => (1_u64 << bin).to_string(),
            10..20 => format!("{}k", 1_u64 << (bin - 10)),
            _ => format!("{}M", 1_u64 << (bin - 20)),
        })
        .collect();
    let shares: Vec<f64> = bins.iter().skip(first).map(|n| *n as f64 / total).collect();
    writeln!(out, "<h3>How long documents are</h3>\n<figure>")?;
    Columns {
        about: "Kept documents by their tokens",
        labels: &labels,
        axis: "tokens of a document, from this number to twice as many",
        series: &[shares],
    }
    .draw(out)?;
    writeln!(
        out,
        "<figcaption>{} longer than a sequence of {} tokens.</figcaption></figure>",
        count(overview.vocabulary.longer, "document is", "documents are"),
        thousands(overview.facts.manifest.pack.sequence_length)
    )
}

/// Tokens that one would not expect.
fn outstanding(overview: &Overview, out: &mut String) -> Result {
    writeln!(out, "<h3>Tokens that stand out</h3>\n<div class=\"columns\">")?;
    for (head, list) in overview.vocabulary.outstanding.iter().filter(|(_, list)| !list.is_empty()) {
        writeln!(out, "<div><h4>{}</h4>", text(head))?;
        table(out, head, "", &[("token", false), ("id", true), ("occurrences", true), ("documents", true)])?;
        for token in list {
            writeln!(
                out,
                "<tr><th scope=\"row\" lang=\"ja\">{}</th><td class=\"n soft\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                prose(&token.text.replace(' ', "␣").replace('\u{3000}', "□")),
                token.id,
                thousands(token.count),
                thousands(token.documents)
            )?;
        }
        table_end(out)?;
        writeln!(out, "</div>")?;
    }
    writeln!(out, "</div>")
}

fn pack(pack: &PackFacts, documents: u64, whose: &str, out: &mut String) -> Result {
    let room = pack.tokens + pack.padding;
    let cuts = pack.pieces.saturating_sub(documents);
    writeln!(
        out,
        "<p>{whose}<strong>{} of {} tokens</strong>, {} full: {} tokens with those that end documents, {} of padding. {} in {}: {}.</p>\n<div class=\"wide\">{}</div>",
        count(pack.rows, "sequence", "sequences"),
        thousands(pack.sequence_length),
        percent(pack.tokens, room),
        thousands(pack.tokens),
        thousands(pack.padding),
        count(documents, "document", "documents"),
        count(pack.pieces, "piece", "pieces"),
        count(cuts, "cut", "cuts"),
        bar(&[(share(pack.tokens, room), "s-left"), (share(pack.padding, room), "s-lost")])
    )
}
