//! The history of documents as a page that needs nothing beside itself.

use std::fmt::Write as _;

use serde_json::Value;

use super::life::{characters, spelled, told};
use crate::cli::html::{self, prose, text};
use crate::cli::report::examples;
use crate::cli::text_diff::{self, Marks};
use crate::cli::ui;
use crate::pipeline::inspect::{Decision, Found, History};
use crate::pipeline::overview::excerpt::Excerpt;

/// Characters of a text, and pieces of it, that a page shows.
const CHARACTERS: usize = 20_000;
const PIECES: usize = 5_000;

/// The page.
pub(super) fn html(title: &str, lede: &str, found: &Found) -> String {
    let mut body = format!("<p class=\"brand\">Seimai 精米</p>\n<h1>{}</h1>\n<p class=\"lede\">{}</p>\n", text(title), text(lede));
    for history in &found.documents {
        document(history, &mut body);
    }
    for record in &found.quarantined {
        let _ = writeln!(
            body,
            "<section>\n<h2>{}, byte {}</h2>\n<p class=\"warning\">Quarantined: <strong>{}</strong> {}</p>\n</section>",
            text(&record.file),
            ui::thousands(record.offset),
            text(&record.reason),
            text(&record.detail)
        );
    }
    html::page(title, &body, None)
}

fn document(history: &History, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "<section>\n<h2>{}</h2>", text(&history.doc_id));
    match &history.decision {
        Decision::Kept { .. } => out.push_str("<p class=\"lede\">Kept.</p>\n"),
        Decision::Rejected { stage, rule, evidence, .. } => {
            let _ =
                writeln!(out, "<p class=\"warning\">Rejected by <strong>{}/{}</strong>: {}</p>", text(stage), text(rule), text(evidence));
        }
    }
    origin(history, out);
    whole_text(history, out);
    pieces(history, out);
    measures(history, out);
    rest(history, out);
    out.push_str("</section>\n");
}

fn origin(history: &History, out: &mut String) {
    out.push_str("<h3>Read</h3>\n<div class=\"narrow\"><table>\n");
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", text(name), text(value));
    };
    for name in ["file", "offset", "source", "url", "license", "residency", "date", "meta", "register"] {
        match history.column(name) {
            Some(Value::String(value)) => row(name, value),
            Some(value) => row(name, &value.to_string()),
            None => {}
        }
    }
    row("in", &format!("{}, row {}", history.position.0, history.position.1));
    out.push_str("</table></div>\n");
}

fn whole_text(history: &History, out: &mut String) {
    let _ = writeln!(out, "<h3>Text</h3>\n<p class=\"note\">{}</p>", characters(&history.text));
    let end = history.text.char_indices().nth(CHARACTERS).map_or(history.text.len(), |(at, _)| at);
    let spans = history.parts.iter().flat_map(|parts| &parts.sentences).flat_map(|sentence| &sentence.spans);
    let excerpt = Excerpt {
        before: false,
        text: history.text.get(..end).unwrap_or_default().to_owned(),
        after: end < history.text.len(),
        marks: history.marks.iter().filter(|mark| mark.end <= end).cloned().collect(),
        honorific: spans.filter(|(at, ..)| at.end <= end).map(|(at, class, _)| (at.clone(), *class)).collect(),
    };
    let _ = writeln!(out, "<div class=\"sample\"><p lang=\"ja\" class=\"whole\">{}</p></div>", examples::excerpt(&excerpt));
    let _ = examples::legend(out, history.parts.is_some());
    for (_, what, evidence) in history.parts.iter().flat_map(|parts| &parts.sentences).flat_map(|sentence| &sentence.misuse) {
        let _ = writeln!(out, "<p class=\"note\">Misuse {}: <span lang=\"ja\">{}</span></p>", text(what), text(evidence));
    }
}

fn pieces(history: &History, out: &mut String) {
    if let Some(parts) = &history.parts {
        let _ = write!(
            out,
            "<h3>Morphemes</h3>\n<p class=\"note\">{}</p>\n<p class=\"chips\" lang=\"ja\">",
            ui::thousands(parts.morphemes.len() as u64)
        );
        for morpheme in parts.morphemes.iter().take(PIECES) {
            let surface = history.text.get(morpheme.at.clone()).unwrap_or_default();
            let _ = write!(out, "<span title=\"{}\">{}</span>", text(&morpheme.pos), prose(surface));
        }
        out.push_str(if parts.morphemes.len() > PIECES { " …</p>\n" } else { "</p>\n" });
    }
    if let Decision::Kept { tokens, .. } = &history.decision {
        let per_token = history.text.chars().count() as f64 / tokens.len().max(1) as f64;
        let count = ui::thousands(tokens.len() as u64);
        let _ = write!(
            out,
            "<h3>Tokens</h3>\n<p class=\"note\">{count}, {per_token:.2} characters a token</p>\n<p class=\"chips\" lang=\"ja\">"
        );
        for token in tokens.iter().take(PIECES) {
            let _ = write!(out, "<span title=\"{}\">{}</span>", token.id, prose(&spelled(&token.bytes)));
        }
        out.push_str(if tokens.len() > PIECES { " …</p>\n" } else { "</p>\n" });
    }
}

fn measures(history: &History, out: &mut String) {
    let _ = writeln!(
        out,
        "<h3>Measures beside their limits</h3>\n<div class=\"scroll\"><table><caption>Preset {}</caption>\n<thead><tr><th>Rule</th>\
         <th class=\"n\">Measured</th><th>Asked</th><th>Holds</th><th>Why</th></tr></thead>\n<tbody>",
        text(history.preset)
    );
    for measure in &history.measures {
        let value = measure.value.map_or_else(|| "undefined".to_owned(), |value| (value as f32).to_string());
        let holds = match (measure.holds, measure.exempt) {
            (true, true) => "exempt",
            (true, false) => "yes",
            (false, _) => "<strong>no</strong>",
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{} {}</td><td>{holds}</td><td>{}</td></tr>",
            text(measure.rule),
            text(&value),
            measure.side.asked(),
            measure.limit as f32,
            text(measure.reason)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

fn rest(history: &History, out: &mut String) {
    for name in ["keigo", "quality", "pii", "listed", "swallow_v1", "fineweb2_ja"] {
        let figures = history.column(name).map(told).unwrap_or_default();
        if !figures.is_empty() {
            let _ = writeln!(out, "<h4>{name}</h4>\n<p class=\"note\">{}</p>", text(&figures));
        }
    }
    match &history.decision {
        Decision::Kept { duplicates, .. } if !duplicates.is_empty() => {
            let _ = writeln!(out, "<h3>Stands for</h3>\n<p>{}</p>", text(&duplicates.join(", ")));
        }
        Decision::Rejected { duplicate_of: Some((id, kept)), .. } => {
            let _ = writeln!(out, "<h3>Duplicate of</h3>\n<p>{}</p>", text(id));
            if let Some(kept) = kept {
                let diff = if *kept == history.text {
                    "the same text".to_owned()
                } else {
                    text_diff::differences(kept, &history.text, Marks::Html)
                };
                let _ = writeln!(out, "<div class=\"sample\"><p lang=\"ja\">{diff}</p></div>");
            }
        }
        _ => {}
    }
}
