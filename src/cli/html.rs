//! What our pages have in common: one file each that loads nothing, one style, and text that is never markup.

pub(super) mod charts;

use std::fmt::Write as _;

use base64::Engine as _;
use sha2::{Digest, Sha256};

use crate::quarantine;

const STYLE: &str = include_str!("html/page.css");
/// Characters of a text on a page.
const TEXT_MAX: usize = 4000;

/// Text as HTML, with controls and invisible characters made visible.
pub(super) fn text(raw: &str) -> String {
    let mut out = String::new();
    for c in quarantine::escape(raw, TEXT_MAX).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A piece of a document: the ends of lines are seen.
pub(super) fn prose(raw: &str) -> String {
    text(&raw.replace('\n', "↵").replace('\t', "⇥"))
}

/// JSON inside of a script element: nothing in it ends the element, begins a comment, or is an end of a line to JavaScript alone.
pub(super) fn json(value: &serde_json::Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// What a page does beside being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Script<'a> {
    /// The program; a page works without it.
    pub(super) program: &'static str,
    /// What it reads: the element `facts`.
    pub(super) facts: &'a serde_json::Value,
}

/// A whole page. Its policy loads nothing and runs nothing but the program of the page.
pub(super) fn page(title: &str, body: &str, script: Option<Script<'_>>) -> String {
    let mut policy = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'".to_owned();
    let mut end = String::new();
    if let Some(Script { program, facts }) = script {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(program));
        policy = format!("{policy}; script-src 'sha256-{hash}'");
        end = format!("<script type=\"application/json\" id=\"facts\">{}</script>\n<script>{program}</script>\n", json(facts));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title>\n<style>{STYLE}</style></head>\n\
         <body><main>\n{body}</main>\n{end}</body></html>\n",
        text(title)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(text("<b>&\"'\u{200b}"), "&lt;b&gt;&amp;&quot;&#39;\\u{200b}");
        assert_eq!(prose("a\n<"), "a↵&lt;");
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("</"), "nothing is loaded");
    }

    #[test]
    fn nothing_of_facts_ends_the_script() {
        let hostile = serde_json::json!({"</script><script>alert(1)</script>": "<!-- \u{2028} & -->"});
        let told = json(&hostile);
        assert!(!told.contains(['<', '>', '&', '\u{2028}']), "{told}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&told).unwrap(), hostile);
        let page = page("<i>", "<p>x</p>", Some(Script { program: "1;", facts: &hostile }));
        assert_eq!((page.matches("<script").count(), page.matches("<i>").count()), (2, 0));
        assert!(page.contains("default-src 'none'") && page.contains("script-src 'sha256-"));
    }
}
