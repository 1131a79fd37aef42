//! Pieces of documents: what a rule speaks of is marked, honorific forms are coloured.

use std::fmt::{Result, Write};

use super::frame::figure;
use crate::cli::html::{prose, text};
use crate::pipeline::overview::excerpt::Excerpt;
use crate::pipeline::overview::{Example, SourceFacts};

/// Honorific classes and what they mean.
pub(super) const CLASSES: [(&str, &str); 6] = [
    ("SON", "respect"),
    ("KEN1", "humble towards somebody"),
    ("KEN2", "humble before the hearer"),
    ("KEN12", "humble, both"),
    ("TEI", "polite"),
    ("BIK", "pretty"),
];

/// The piece with its marks.
pub(in crate::cli) fn excerpt(excerpt: &Excerpt) -> String {
    let mut edges: Vec<usize> = vec![0, excerpt.text.len()];
    edges.extend(excerpt.marks.iter().flat_map(|mark| [mark.start, mark.end]));
    edges.extend(excerpt.honorific.iter().flat_map(|(at, _)| [at.start, at.end]));
    edges.sort_unstable();
    edges.dedup();
    let mut out = String::from(if excerpt.before { "…" } else { "" });
    for pair in edges.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let Some(piece) = excerpt.text.get(from..to) else { continue };
        let mut shown = prose(piece);
        if let Some((_, class)) = excerpt.honorific.iter().find(|(at, _)| at.start <= from && to <= at.end) {
            shown = format!("<span class=\"k k-{}\">{shown}</span>", class.to_lowercase());
        }
        if excerpt.marks.iter().any(|mark| mark.start <= from && to <= mark.end) {
            shown = format!("<mark>{shown}</mark>");
        }
        out.push_str(&shown);
    }
    out.push_str(if excerpt.after { "…" } else { "" });
    out
}

/// A list of documents; `measure` is shown with its value where it has a name.
pub(super) fn list(out: &mut String, examples: &[Example], sources: &[SourceFacts], measure: &str) -> Result {
    out.write_str("<ol class=\"examples\">\n")?;
    for example in examples {
        let source = sources.get(example.source).map_or("", |source| source.name.as_str());
        let value = if measure.is_empty() { String::new() } else { format!("<strong>{}</strong> · ", figure(example.value)) };
        write!(
            out,
            "<li><p class=\"who\">{value}{} · {}<span class=\"id\">{}</span></p><p lang=\"ja\">{}</p>",
            text(source),
            text(&example.register),
            text(&example.doc_id),
            excerpt(&example.excerpt)
        )?;
        // What failed beside the measure.
        if example.evidence.contains("; ") {
            write!(out, "<p class=\"who\">{}</p>", text(&example.evidence))?;
        }
        out.write_str("</li>\n")?;
    }
    out.write_str("</ol>\n")
}

/// What colours mean.
pub(in crate::cli) fn legend(out: &mut String, marked: bool) -> Result {
    if !marked {
        return out.write_str(
            "<p class=\"note\">Honorific forms are not marked in texts: the dictionary of this run is not installed here by that name.</p>\n",
        );
    }
    out.write_str("<p class=\"note\">Honorific forms in texts:")?;
    for (class, about) in CLASSES {
        write!(out, " <span class=\"k k-{}\">{class}</span> {about}", class.to_lowercase())?;
    }
    out.write_str(". What a rule speaks of: <mark>marked</mark>.</p>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_classes_may_overlap_and_nothing_is_markup() {
        let mark = 1..6;
        let piece = Excerpt { text: "<b>です".into(), marks: vec![mark], honorific: vec![(3..9, "TEI")], ..Excerpt::default() };
        assert_eq!(
            excerpt(&piece),
            "&lt;<mark>b&gt;</mark><mark><span class=\"k k-tei\">で</span></mark><span class=\"k k-tei\">す</span>"
        );
    }
}
