//! A sentence with its honorific forms marked: in colours on a terminal, in brackets elsewhere.

use std::fmt::Write as _;
use std::io::IsTerminal;

use crate::keigo::result::{SentenceResult, SpanResult};

/// Class, colour (SGR), and what it means.
const CLASSES: [(&str, &str, &str); 6] = [
    ("SON", "35", "respect"),
    ("KEN1", "34", "humble towards somebody"),
    ("KEN2", "36", "humble before the hearer"),
    ("KEN12", "94", "both"),
    ("TEI", "32", "polite"),
    ("BIK", "33", "pretty"),
];

/// How marks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// A colour a class.
    Colours,
    /// `[SON いらっしゃる]`.
    Brackets,
}

impl Marks {
    /// Colours if standard output is a terminal and NO_COLOR is unset or empty; CLICOLOR_FORCE asks for them anywhere.
    pub(super) fn for_stdout() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        if !set("NO_COLOR") && (forced || std::io::stdout().is_terminal()) { Self::Colours } else { Self::Brackets }
    }

    /// What the colours mean; empty for brackets, which say it themselves.
    pub(super) fn legend(self) -> String {
        match self {
            Self::Colours => {
                let classes = CLASSES.map(|(class, colour, about)| format!("\x1b[{colour}m{class}\x1b[0m {about}"));
                classes.join(" · ") + "\n"
            }
            Self::Brackets => String::new(),
        }
    }

    /// Appends a line: style, level, tone, and the sentence with its forms marked.
    pub(super) fn push_sentence(self, sentence: &SentenceResult<'_>, out: &mut String) {
        let _ = write!(out, "{:<8} {} {:<7}  ", sentence.style, sentence.level, sentence.tone);
        let mut at = sentence.place.byte_start;
        for span in &sentence.spans {
            let SpanResult { place, .. } = span;
            push_plain(sentence, at, place.byte_start, out);
            self.push_mark(span, out);
            push_plain(sentence, place.byte_start, place.byte_end, out);
            out.push_str(match self {
                Self::Colours => "\x1b[0m",
                Self::Brackets => "]",
            });
            at = place.byte_end;
        }
        push_plain(sentence, at, sentence.place.byte_end, out);
        out.push('\n');
    }

    fn push_mark(self, span: &SpanResult, out: &mut String) {
        match self {
            Self::Colours => {
                let colour = CLASSES.iter().find(|(class, ..)| *class == span.class).map_or("0", |(_, colour, _)| colour);
                let _ = write!(out, "\x1b[{colour}m");
            }
            Self::Brackets => {
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
