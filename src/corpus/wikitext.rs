//! Wikitext, the notation of MediaWiki, → the text a reader sees.
//!
//! First the marks that belong together are found (`spans.rs`), in one walk over the page; then the page is written as simple HTML (`writer.rs`), which the reader of pages turns into
//! text: white space, tags, references and ruby follow one rule, whatever the source. Nothing of a wiki is asked but the page: templates are not there, so those whose
//! words belong to the sentence are known by a table (`templates.rs`), and others are left out and counted.

mod marked;
mod site;
mod spans;
mod templates;
#[cfg(test)]
mod tests;
mod writer;

pub use self::site::{Namespace, Site};
pub use self::templates::Templates;
use super::document::Dropped;

/// A page as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Simple HTML: paragraphs, headings, tables, and the tags that stand in the page.
    pub html: String,
    /// Categories in which the page is.
    pub categories: Vec<String>,
    /// What was left out, by kind.
    pub dropped: Dropped,
}

/// Words of redirects.
const REDIRECTS: [&str; 4] = ["#redirect", "#転送", "#リダイレクト", "＃redirect"];

/// Where a page leads to, if it is a redirect.
#[must_use]
pub fn redirect(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let word = REDIRECTS.iter().find(|word| text.get(..word.len()).is_some_and(|begin| begin.to_lowercase() == **word))?;
    let rest = text.get(word.len()..)?.trim_start_matches([':', ' ', '\n', '\u{3000}']);
    let (target, _) = rest.strip_prefix("[[")?.split_once("]]")?;
    Some(target.split('|').next().unwrap_or(target).trim())
}

/// Reads a page. Linear in its length.
#[must_use]
pub fn read(text: &str, title: &str, site: &Site, templates: &Templates) -> Page {
    let marked = marked::Marked::new(text);
    let mut writer = writer::Writer {
        page: &marked,
        site,
        templates,
        title,
        out: String::with_capacity(text.len() / 2),
        dropped: Dropped::default(),
        categories: Vec::new(),
        depth: 0,
        is_paragraph: false,
        is_poem: false,
    };
    writer.blocks(marked.all());
    Page { html: writer.out, categories: writer.categories, dropped: writer.dropped }
}
