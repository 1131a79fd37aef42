//! A sentence with its honorific forms marked: in colours on a terminal, in brackets elsewhere.

use std::fmt::Write as _;

use super::ui;
use crate::keigo::result::{SentenceResult, SpanResult};

/// Class, colour (SGR), and what it means.
pub(super) const CLASSES: [(&str, &str, &str); 6] = [
    ("SON", "35", "respect"),
    ("KEN1", "34", "humble towards somebody"),
    ("KEN2", "36", "humble before the hearer"),
    ("KEN12", "94", "both"),
    ("TEI", "32", "polite"),
    ("BIK", "33", "pretty"),
];

/// The colour (SGR) of a class.
pub(super) fn colour_of(class: &str) -> &'static str {
    CLASSES.iter().find(|(name, ..)| *name == class).map_or("0", |(_, colour, _)| colour)
}

/// How marks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// A colour a class.
    Colours,
    /// `[SON いらっしゃる]`, and `{…}` around a misuse.
    Brackets,
}

impl Marks {
    /// Colours where they are seen.
    pub(super) fn for_stdout() -> Self {
        if ui::has_colours() { Self::Colours } else { Self::Brackets }
    }

    /// What the colours mean; empty for brackets, which say it themselves.
    pub(super) fn legend(self) -> String {
        match self {
            Self::Colours => {
                let classes = CLASSES.map(|(class, colour, about)| format!("\x1b[{colour}m{class}\x1b[0m {about}"));
                classes.join(" · ") + " · \x1b[4mmisuse\x1b[0m\n"
            }
            Self::Brackets => String::new(),
        }
    }

    /// Appends a line: style, level, tone, and the sentence with its forms marked and its misuses underlined, or in braces; then a
    /// line for each misuse.
    pub(super) fn push_sentence(self, sentence: &SentenceResult<'_>, out: &mut String) {
        let _ = write!(out, "{:<8} {} {:<7}  ", sentence.style, sentence.level, sentence.tone);
        let mut at = sentence.place.byte_start;
        let (mut span, mut misused) = (None, 0_usize);
        for edge in edges(sentence) {
            push_plain(sentence, at, edge.byte, out);
            at = edge.byte;
            match edge.what {
                What::Opens(opened) => span = Some(opened),
                What::Closes => span = None,
                What::Misuse => misused += 1,
                What::Right => misused = misused.saturating_sub(1),
            }
            match self {
                Self::Brackets => push_bracket(edge.what, out),
                Self::Colours => push_colour(span, misused > 0, out),
            }
        }
        push_plain(sentence, at, sentence.place.byte_end, out);
        out.push('\n');
        for misuse in &sentence.misuse {
            let _ = writeln!(out, "{:<20}^ {} {}: {}", "", misuse.severity, misuse.what, misuse.evidence);
        }
    }
}

/// What begins or ends at a byte.
#[derive(Debug, Clone, Copy)]
enum What<'a> {
    /// A span ends.
    Closes,
    /// A misuse ends.
    Right,
    /// A misuse begins.
    Misuse,
    /// A span begins.
    Opens(&'a SpanResult),
}

#[derive(Debug, Clone, Copy)]
struct Edge<'a> {
    byte: u32,
    /// Ends before beginnings; a misuse holds the spans inside it.
    rank: u8,
    what: What<'a>,
}

/// The beginnings and ends of spans and misuses, in order.
fn edges<'a>(sentence: &'a SentenceResult<'_>) -> Vec<Edge<'a>> {
    let mut edges = Vec::new();
    for span in &sentence.spans {
        edges.push(Edge { byte: span.place.byte_end, rank: 0, what: What::Closes });
        edges.push(Edge { byte: span.place.byte_start, rank: 3, what: What::Opens(span) });
    }
    for misuse in &sentence.misuse {
        edges.push(Edge { byte: misuse.place.byte_end, rank: 1, what: What::Right });
        edges.push(Edge { byte: misuse.place.byte_start, rank: 2, what: What::Misuse });
    }
    edges.sort_by_key(|edge| (edge.byte, edge.rank));
    edges
}

fn push_bracket(what: What<'_>, out: &mut String) {
    match what {
        What::Closes => out.push(']'),
        What::Right => out.push('}'),
        What::Misuse => out.push('{'),
        What::Opens(span) => {
            out.push('[');
            out.push_str(span.class);
            for class in span.alt {
                out.push('|');
                out.push_str(class);
            }
            out.push(' ');
        }
    }
}

fn push_colour(span: Option<&SpanResult>, misused: bool, out: &mut String) {
    let class = span.and_then(|span| CLASSES.iter().find(|(class, ..)| *class == span.class));
    out.push_str("\x1b[0");
    if let Some((_, colour, _)) = class {
        let _ = write!(out, ";{colour}");
    }
    out.push_str(if misused { ";4m" } else { "m" });
}

/// Appends the text between two bytes of the document; control characters as their escapes, line ends as spaces.
fn push_plain(sentence: &SentenceResult<'_>, from: u32, to: u32, out: &mut String) {
    let base = sentence.place.byte_start;
    let text = sentence.text.get(from.saturating_sub(base) as usize..to.saturating_sub(base) as usize).unwrap_or("");
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
}
