//! HTML → the text a reader sees, one line a block.
//!
//! No tree is built: a tokeniser gives tags and text with references resolved, block tags end lines, and scripts, styles, titles and the
//! readings of ruby are left out. Broken markup costs markup, not time: the page is read once, or a few times where a tag does not end.

mod bytes;
mod elements;
mod lines;
mod name;
mod reader;
mod tokens;

/// Does the text begin like a page? An XML declaration and comments may stand before it.
pub(super) fn is_page(text: &str) -> bool {
    let mut start = text.trim_start();
    while let Some(rest) = behind(start, "<!--", "-->").or_else(|| behind(start, "<?", ">")) {
        start = rest.trim_start();
    }
    ["<!doctype html", "<html"].iter().any(|tag| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}

/// What follows a beginning that is enclosed in `open` and `close`.
fn behind<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.strip_prefix(open)?.split_once(close).map(|(_, rest)| rest)
}

/// The text of a page. Linear in its length, and what is kept beside the text is bounded.
pub fn text(page: &str) -> String {
    let is_xml = page.trim_start().starts_with("<?xml");
    let mut reader = reader::Reader::new(is_xml, page.len() / 2);
    tokens::read(page, &mut reader);
    reader.finish()
}

#[cfg(test)]
mod tests;
