//! A cluster of duplicates as a page that needs nothing beside itself: the document that stays, and what each of the others has or lacks beside it.

use std::fmt::{Result, Write};

use crate::cli::html::{self, prose, text};
use crate::cli::text_diff::{self, Marks};
use crate::cli::ui::thousands;
use crate::pipeline::clusters::{Cluster, Member};

/// Documents of a cluster that are shown with what differs.
const SHOWN: usize = 500;

/// The page; `lede` says where the cluster is from.
pub(super) fn html(lede: &str, cluster: &Cluster) -> String {
    let mut body = String::new();
    // Writing to a string cannot fail.
    let _ = write(lede, cluster, &mut body);
    html::page(&format!("Duplicates of {}", cluster.anchor), &body, None)
}

fn write(lede: &str, cluster: &Cluster, out: &mut String) -> Result {
    let others = cluster.members.len();
    writeln!(out, "<p class=\"brand\">Seimai 精米</p>\n<h1>A cluster of duplicates</h1>")?;
    let size = thousands(1 + others as u64);
    writeln!(out, "<p class=\"lede\">{} {size} documents, of which one stays.</p>", text(lede))?;
    writeln!(out, "<section>\n<h2>Stays</h2>\n<p class=\"who\"><span class=\"id\">{}</span></p>", text(&cluster.anchor))?;
    match &cluster.text {
        Some(stays) => {
            let characters = thousands(stays.chars().count() as u64);
            writeln!(out, "<p class=\"note\">{characters} characters</p>")?;
            writeln!(out, "<div class=\"sample\"><p lang=\"ja\" class=\"whole\">{}</p></div>", prose(stays))?;
        }
        None => writeln!(out, "<p class=\"note\">It lies in the index that was searched; its text is not here.</p>")?,
    }
    writeln!(out, "</section>")?;
    table(cluster, out)?;
    writeln!(
        out,
        "<section>\n<h2>What differs</h2>\n<p class=\"note\">What the document that stays has and the other lacks is <del>struck out</del>, what the other \
         has beside it is <ins>underlined</ins>; what both have is shortened.</p>"
    )?;
    for (n, member) in cluster.members.iter().take(SHOWN).enumerate() {
        writeln!(out, "<h3 id=\"d{}\">{}</h3>", n + 1, text(&member.doc_id))?;
        writeln!(out, "<p class=\"who\">{} · {}</p>", text(&member.kind), text(&member.evidence))?;
        differences(cluster.text.as_deref(), member, out)?;
    }
    if others > SHOWN {
        writeln!(out, "<p class=\"note\">And {} more.</p>", thousands((others - SHOWN) as u64))?;
    }
    writeln!(out, "</section>")
}

/// All that are shown, with figures that tell how they differ.
fn table(cluster: &Cluster, out: &mut String) -> Result {
    writeln!(
        out,
        "<section>\n<h2>The others</h2>\n<div class=\"scroll\" role=\"region\" aria-label=\"The others\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">Document</th>\
         <th scope=\"col\">Kind</th><th scope=\"col\">Found</th><th scope=\"col\" class=\"n\">In both</th><th scope=\"col\" class=\"n\">Lacks</th>\
         <th scope=\"col\" class=\"n\">Has beside</th></tr></thead>\n<tbody>"
    )?;
    for (n, member) in cluster.members.iter().take(SHOWN).enumerate() {
        let figures = match (&cluster.text, &member.text) {
            (Some(stays), Some(own)) => text_diff::counts(stays, own).map(|count| thousands(count as u64)),
            _ => ["", "", ""].map(|_| "–".to_owned()),
        };
        writeln!(
            out,
            "<tr><th scope=\"row\"><a href=\"#d{}\">{}</a></th><td>{}</td><td>{}</td>{}</tr>",
            n + 1,
            text(&member.doc_id),
            text(&member.kind),
            text(&member.evidence),
            figures.map(|figure| format!("<td class=\"n\">{figure}</td>")).concat()
        )?;
    }
    writeln!(out, "</tbody></table></div>\n<p class=\"note\">Counts are of characters.</p>\n</section>")
}

fn differences(stays: Option<&str>, member: &Member, out: &mut String) -> Result {
    match (stays, &member.text) {
        (Some(stays), Some(own)) if stays == own => writeln!(out, "<p class=\"note\">The same text.</p>"),
        (Some(stays), Some(own)) => {
            writeln!(
                out,
                "<div class=\"sample\"><p lang=\"ja\" class=\"diff\">{}</p></div>",
                text_diff::differences(stays, own, Marks::Html)
            )
        }
        (_, None) => writeln!(out, "<p class=\"note\">Its text was not written; <code>seimai dedup --texts</code> does.</p>"),
        (None, Some(own)) => writeln!(out, "<div class=\"sample\"><p lang=\"ja\" class=\"whole\">{}</p></div>", prose(own)),
    }
}
