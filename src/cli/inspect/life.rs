//! The life of a document in a terminal: a section for each stage that it went through, in order.

use std::fmt::Write as _;
use std::ops::Range;

use serde_json::Value;

use crate::cli::fold::{Folder, Tone, columns};
use crate::cli::highlight::colour_of;
use crate::cli::input_report::remedy;
use crate::cli::text_diff::{self, Marks};
use crate::cli::ui;
use crate::decide::Explained;
use crate::pipeline::inspect::{Decision, History, Token};
use crate::pipeline::overview::excerpt::Excerpt;
use crate::quarantine::{Kind, Quarantined};

/// Where the text behind labels begins.
const AT: usize = 15;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    /// Characters of a text.
    pub(super) characters: usize,
    /// Morphemes, tokens.
    pub(super) pieces: usize,
    /// Sentences.
    pub(super) sentences: usize,
}

impl Amount {
    /// What fits a screen or two.
    pub(super) const SOME: Self = Self { characters: 400, pieces: 120, sentences: 8 };
    /// Everything.
    pub(super) const ALL: Self = Self { characters: usize::MAX, pieces: usize::MAX, sentences: usize::MAX };
}

/// The whole life.
pub(super) fn show(history: &History, amount: Amount, out: &mut Folder) {
    let (tone, decision) = verdict(&history.decision);
    out.line("", 0, &[(&history.doc_id, Tone::Strong)]);
    out.line("decision", 13, &[(&decision, tone)]);
    read(history, out);
    text(history, amount, out);
    segment(history, amount, out);
    keigo(history, amount, out);
    quality(history, out);
    pii(history, out);
    dedup(history, out);
    if let Decision::Kept { tokens, .. } = &history.decision {
        encode(history, tokens, amount, out);
    }
    out.blank();
}

/// A record that could not be read.
pub(super) fn show_quarantined(record: &Quarantined, out: &mut Folder) {
    let (place, _) = place_of(record);
    out.line("", 0, &[(&place, Tone::Strong)]);
    let what = match record.kind {
        Kind::Record => "quarantined: this record could not be read",
        Kind::File => "quarantined: from here on the file could not be read",
    };
    out.line("decision", 13, &[(what, Tone::Bad)]);
    out.heading("read", "");
    out.line("  file", AT, &[(&record.file, Tone::Plain)]);
    let at = format!("byte {}, {} bytes", ui::thousands(record.offset), ui::thousands(record.length));
    let line = record.line.map_or_else(String::new, |line| format!("line {}, ", ui::thousands(line)));
    out.line("  at", AT, &[(&line, Tone::Plain), (&at, Tone::Plain)]);
    out.line("  reason", AT, &[(&record.reason, Tone::Bad), (" ", Tone::Plain), (&record.detail, Tone::Plain)]);
    if let Some(remedy) = remedy(&record.reason) {
        out.line("  remedy", AT, &[(remedy, Tone::Plain)]);
    }
    out.blank();
}

/// `FILE:LINE` or `FILE@OFFSET`, by which it is asked for again, and the file.
fn place_of(record: &Quarantined) -> (String, &str) {
    let place = record.line.map_or_else(|| format!("{}@{}", record.file, record.offset), |line| format!("{}:{line}", record.file));
    (place, &record.file)
}

/// A document that a rule cost, in a few lines.
pub(super) fn show_example(history: &History, out: &mut Folder) {
    let source = history.column("source").and_then(Value::as_str).unwrap_or_default();
    let register = history.column("register").and_then(Value::as_str).unwrap_or_default();
    out.line("", 0, &[(&history.doc_id, Tone::Strong), ("  ", Tone::Plain), (&[source, register].join(" · "), Tone::Soft)]);
    let Decision::Rejected { evidence, duplicate_of, .. } = &history.decision else { return };
    out.line("  evidence", AT, &[(evidence, Tone::Bad)]);
    if let Some((id, kept)) = duplicate_of {
        out.line("  stays", AT, &[(id, Tone::Plain)]);
        if let Some(kept) = kept.as_deref().filter(|kept| *kept != history.text) {
            let [both, less, more] = text_diff::counts(kept, &history.text).map(|n| ui::thousands(n as u64));
            let counts = format!("{both} characters are the same, {less} are only there, {more} only here: ");
            out.line(
                "  differs",
                AT,
                &[(&counts, Tone::Soft), (&text_diff::differences(kept, &history.text, Marks::Brackets), Tone::Plain)],
            );
            return;
        }
    }
    let excerpt = Excerpt::new(&history.text, &history.marks);
    let ends = [if excerpt.before { "…" } else { "" }, if excerpt.after { "…" } else { "" }];
    let spans: Vec<_> = excerpt.marks.iter().map(|mark| (mark.clone(), Mark::Rule)).collect();
    let pieces = marked(&excerpt.text, &spans, out.has_colours());
    let mut all = vec![(ends[0], Tone::Soft)];
    all.extend(pieces.iter().map(|(text, tone)| (text.as_str(), *tone)));
    all.push((ends[1], Tone::Soft));
    out.line("  text", AT, &all);
}

fn verdict(decision: &Decision) -> (Tone, String) {
    match decision {
        Decision::Kept { .. } => (Tone::Good, "kept".to_owned()),
        Decision::Rejected { stage, rule, evidence, .. } => (Tone::Bad, format!("rejected by {stage}/{rule}: {evidence}")),
    }
}

fn read(history: &History, out: &mut Folder) {
    let (part, row) = &history.position;
    out.heading("read", "");
    let file = history.column("file").and_then(Value::as_str).unwrap_or_default();
    let offset = history.column("offset").and_then(Value::as_u64).unwrap_or_default();
    out.line("  from", AT, &[(file, Tone::Plain), (&format!(", byte {}", ui::thousands(offset)), Tone::Soft)]);
    out.line("  in", AT, &[(part, Tone::Plain), (&format!(", row {row}"), Tone::Soft)]);
    for name in ["source", "url", "license", "residency", "date", "meta"] {
        if let Some(value) = history.column(name).and_then(Value::as_str) {
            out.line(&format!("  {name}"), AT, &[(value, Tone::Plain)]);
        }
    }
}

fn text(history: &History, amount: Amount, out: &mut Folder) {
    out.heading("normalise", &characters(&history.text));
    let shown = beginning(&history.text, amount.characters);
    let spans: Vec<_> = history.marks.iter().filter(|mark| mark.start < shown.len()).map(|mark| (mark.clone(), Mark::Rule)).collect();
    let pieces = marked(shown, &spans, out.has_colours());
    let mut pieces: Vec<(&str, Tone)> = pieces.iter().map(|(text, tone)| (text.as_str(), *tone)).collect();
    if shown.len() < history.text.len() {
        pieces.push((" … --full shows the rest", Tone::Soft));
    }
    out.line("", 2, &pieces);
}

fn segment(history: &History, amount: Amount, out: &mut Folder) {
    let Some(parts) = &history.parts else {
        out.heading("segment", "");
        out.line(
            "",
            2,
            &[("morphemes and forms are not shown: the dictionary of this run is not installed here by that name", Tone::Soft)],
        );
        return;
    };
    out.heading("segment", &format!("{} morphemes", ui::thousands(parts.morphemes.len() as u64)));
    let words = parts.morphemes.iter().take(amount.pieces).map(|morpheme| {
        let surface = history.text.get(morpheme.at.clone()).unwrap_or_default();
        [(surface.to_owned(), Tone::Plain), (format!("/{}", morpheme.pos.split('-').next().unwrap_or_default()), Tone::Soft)]
    });
    let more = (parts.morphemes.len() > amount.pieces).then(|| [("…".to_owned(), Tone::Soft), (String::new(), Tone::Plain)]);
    out.words(2, &words.chain(more).collect::<Vec<_>>());
}

fn keigo(history: &History, amount: Amount, out: &mut Folder) {
    let register = history.column("register").and_then(Value::as_str).unwrap_or_default();
    out.heading("keigo", &format!("register {register}"));
    if let Some(counts) = history.column("keigo") {
        out.line("  counts", AT, &[(&told(counts), Tone::Soft)]);
    }
    let Some(parts) = &history.parts else { return };
    for sentence in parts.sentences.iter().take(amount.sentences) {
        let text = history.text.get(sentence.at.clone()).unwrap_or_default();
        let inside = |at: &Range<usize>| at.start.saturating_sub(sentence.at.start)..at.end.saturating_sub(sentence.at.start);
        let mut spans: Vec<_> = sentence.spans.iter().map(|(at, class, _)| (inside(at), Mark::Class(class))).collect();
        spans.extend(sentence.misuse.iter().map(|(at, ..)| (inside(at), Mark::Misuse)));
        let pieces = marked(text, &spans, out.has_colours());
        let pieces: Vec<(&str, Tone)> = pieces.iter().map(|(text, tone)| (text.as_str(), *tone)).collect();
        out.line(&format!("  {:<8} {}", sentence.style, sentence.level), AT, &pieces);
        for (_, what, evidence) in &sentence.misuse {
            out.line("", AT, &[("^ ", Tone::Bad), (what, Tone::Bad), (": ", Tone::Plain), (evidence, Tone::Plain)]);
        }
    }
    if parts.sentences.len() > amount.sentences {
        out.line("", AT, &[(&format!("… and {} sentences more", parts.sentences.len() - amount.sentences), Tone::Soft)]);
    }
}

/// Each measure beside what is asked, those that fail with it marked.
fn quality(history: &History, out: &mut Folder) {
    let failed = history.measures.iter().filter(|measure| !measure.holds).count();
    let beside = match failed {
        0 => format!("preset {}, all hold", history.preset),
        n => format!("preset {}, {n} of {} do not hold", history.preset, history.measures.len()),
    };
    out.heading("quality", &beside);
    let names = history.measures.iter().map(|measure| columns(measure.rule)).max().unwrap_or(0).min(out.width() / 2 - 2);
    for measure in &history.measures {
        let (sign, tone) = sign(measure);
        let value = measure.value.map_or_else(|| "undefined".to_owned(), |value| figure_beside(value, measure.limit));
        let asked = format!(" {} {}", measure.side.asked(), measure.limit as f32);
        let label = format!("{sign} {:<names$}", measure.rule);
        let padded = format!("{value:>9}");
        let mut pieces = vec![(padded.as_str(), tone), (asked.as_str(), Tone::Soft)];
        let reason = format!("{}{}", " ".repeat(14_usize.saturating_sub(columns(&asked))), measure.reason);
        if measure.exempt {
            pieces.push(("  exempt by keigo.protect", Tone::Soft));
        } else if out.width() >= names + 3 + 9 + 14 + columns(measure.reason) {
            pieces.push((&reason, Tone::Soft));
        }
        out.line(&label, names + 3, &pieces);
    }
    for name in ["quality", "listed", "swallow_v1", "fineweb2_ja"] {
        if let Some(figures) = history.column(name) {
            out.line(&format!("  {name}"), AT, &[(&told(figures), Tone::Soft)]);
        }
    }
}

fn sign(measure: &Explained) -> (&'static str, Tone) {
    match (measure.holds, measure.value.is_some()) {
        (true, true) => ("✓", Tone::Good),
        (true, false) => ("·", Tone::Soft),
        (false, _) => ("✗", Tone::Bad),
    }
}

fn pii(history: &History, out: &mut Folder) {
    let found = history.column("pii").map(told).unwrap_or_default();
    out.heading("pii", if found.is_empty() { "nothing found" } else { "" });
    if !found.is_empty() {
        out.line("  found", AT, &[(&found, Tone::Plain)]);
    }
}

fn dedup(history: &History, out: &mut Folder) {
    match &history.decision {
        Decision::Kept { duplicates, .. } if duplicates.is_empty() => out.heading("deduplicate", "nothing like it"),
        Decision::Kept { duplicates, .. } => {
            out.heading("deduplicate", &format!("stands for {}", ui::thousands(duplicates.len() as u64)));
            out.line("  stands for", AT, &[(&duplicates.join(", "), Tone::Plain)]);
        }
        Decision::Rejected { duplicate_of: Some((id, kept)), .. } => {
            out.heading("deduplicate", "");
            out.line("  duplicate of", AT + 1, &[(id, Tone::Plain)]);
            match kept {
                Some(kept) if *kept == history.text => out.line("", AT + 1, &[("the same text", Tone::Soft)]),
                Some(kept) => {
                    let diff = text_diff::differences(kept, &history.text, Marks::Brackets);
                    out.line("  differs", AT + 1, &[(&diff, Tone::Plain)]);
                }
                None => out.line("", AT + 1, &[("which is not among the kept documents here", Tone::Soft)]),
            }
        }
        Decision::Rejected { .. } => {}
    }
}

fn encode(history: &History, tokens: &[Token], amount: Amount, out: &mut Folder) {
    let per_token = history.text.chars().count() as f64 / tokens.len().max(1) as f64;
    out.heading("encode", &format!("{} tokens, {per_token:.2} characters a token", ui::thousands(tokens.len() as u64)));
    let shown: Vec<String> = tokens.iter().take(amount.pieces).map(|token| spelled(&token.bytes)).collect();
    let mut pieces = Vec::new();
    for (i, token) in shown.iter().enumerate() {
        if i > 0 {
            pieces.push(("|", Tone::Soft));
        }
        // Neighbours differ in colour, so that boundaries are seen at a glance.
        pieces.push((token.as_str(), if i % 2 == 0 { Tone::Plain } else { Tone::Colour("36") }));
    }
    if tokens.len() > amount.pieces {
        pieces.push((" …", Tone::Soft));
    }
    out.line("  tokens", AT, &pieces);
}

/// The text of a token; bytes of a piece of a character in hexadecimal.
pub(super) fn spelled(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\n', "↵"));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "<{byte:02X}>");
        }
    }
    out
}

/// The figures of an object that are not 0: `n_keitai 4 · level [1, 3, 0, 0]`.
pub(super) fn told(value: &Value) -> String {
    let Value::Object(fields) = value else { return String::new() };
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(values) => values.is_empty(),
        Value::Bool(is) => !is,
        _ => false,
    };
    let each = fields.iter().filter(|(_, value)| !is_empty(value)).map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        Value::Bool(_) => name.clone(),
        Value::Array(values) => format!("{name} {}", values.iter().map(short).collect::<Vec<_>>().join(" ")),
        Value::Number(number) => format!("{name} {}", number.as_f64().map_or_else(|| number.to_string(), rounded)),
        other => format!("{name} {other}"),
    });
    each.collect::<Vec<_>>().join(" · ")
}

/// A figure in four decimals; in all it has where those would hide on which side of the limit it is.
fn figure_beside(value: f64, limit: f64) -> String {
    let short = rounded(value);
    let hides = short.parse::<f64>().is_ok_and(|short| (short - limit).abs() < 1e-9) && (value - limit).abs() > 1e-9;
    if hides { (value as f32).to_string() } else { short }
}

fn rounded(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `{"type": "double", "n": 2}` → `double×2`.
fn short(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let each: Vec<String> = fields.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
            each.join("×")
        }
        other => other.to_string(),
    }
}

pub(super) fn characters(text: &str) -> String {
    format!("{} characters", ui::thousands(text.chars().count() as u64))
}

fn beginning(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(at, _)| text.get(..at).unwrap_or_default())
}

/// What a stretch is marked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// A rule speaks of it.
    Rule,
    /// An honorific form of this class.
    Class(&'static str),
    /// A misuse.
    Misuse,
}

/// A text with stretches marked: by colours, or by brackets where there are none.
fn marked(text: &str, spans: &[(Range<usize>, Mark)], colours: bool) -> Vec<(String, Tone)> {
    let mut edges: Vec<usize> =
        spans.iter().flat_map(|(at, _)| [at.start, at.end]).chain([0, text.len()]).filter(|at| *at <= text.len()).collect();
    edges.sort_unstable();
    edges.dedup();
    let mut out = Vec::new();
    for pair in edges.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let here: Vec<Mark> = spans.iter().filter(|(at, _)| at.start <= from && to <= at.end).map(|(_, mark)| *mark).collect();
        let shown = text.get(from..to).unwrap_or_default();
        if colours {
            out.push((shown.to_owned(), tone(&here)));
            continue;
        }
        let mut written = String::new();
        for (_, mark) in spans.iter().filter(|(at, _)| at.start == from && !at.is_empty()) {
            written.push_str(&opening(*mark));
        }
        written.push_str(shown);
        for (_, mark) in spans.iter().filter(|(at, _)| at.end.min(text.len()) == to && !at.is_empty()) {
            written.push_str(closing(*mark));
        }
        out.push((written, Tone::Plain));
    }
    out
}

fn tone(here: &[Mark]) -> Tone {
    let class = here.iter().find_map(|mark| if let Mark::Class(class) = mark { Some(colour_of(class)) } else { None });
    if here.contains(&Mark::Rule) {
        return Tone::Marked;
    }
    match (class, here.contains(&Mark::Misuse)) {
        (Some(colour), true) => Tone::Underlined(colour),
        (Some(colour), false) => Tone::Colour(colour),
        (None, true) => Tone::Underlined("31"),
        (None, false) => Tone::Plain,
    }
}

fn opening(mark: Mark) -> String {
    match mark {
        Mark::Rule => "⟦".to_owned(),
        Mark::Class(class) => format!("[{class} "),
        Mark::Misuse => "{".to_owned(),
    }
}

fn closing(mark: Mark) -> &'static str {
    match mark {
        Mark::Rule => "⟧",
        Mark::Class(_) => "]",
        Mark::Misuse => "}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_marked_in_colours_or_brackets() {
        let spans = [(3..9, Mark::Class("TEI")), (0..3, Mark::Rule)];
        let told: String = marked("米ですね", &spans, false).into_iter().map(|(text, _)| text).collect();
        assert_eq!(told, "⟦米⟧[TEI です]ね");
        let tones: Vec<Tone> = marked("米ですね", &spans, true).into_iter().map(|(_, tone)| tone).collect();
        assert_eq!(tones, [Tone::Marked, Tone::Colour(colour_of("TEI")), Tone::Plain]);
    }

    #[test]
    fn pieces_of_characters_are_spelled() {
        assert_eq!(spelled("米\n".as_bytes()), "米↵");
        assert_eq!(spelled(&"米".as_bytes()[..2]), "<E7><B1>");
    }

    #[test]
    fn what_is_nothing_is_not_told() {
        let value =
            serde_json::json!({"a": 0, "b": 2, "c": null, "d": [{"type": "x", "n": 2}], "e": "s", "f": false, "g": true, "h": [1, 0]});
        assert_eq!(told(&value), "b 2 · d x×2 · e s · g · h 1 0");
        assert_eq!(
            (figure_beside(0.633_846, 0.3), figure_beside(0.300_001, 0.3), figure_beside(7.0, 7.0)),
            ("0.6338".into(), "0.300001".into(), "7".into())
        );
    }
}
