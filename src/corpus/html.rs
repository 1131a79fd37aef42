//! HTML → the text a reader sees, one line a block.
//!
//! No tree is built: a tokeniser gives tags and text with references resolved, the elements that are open are known, and what a reader does not
//! see is left out, with scripts, styles, titles and the readings of ruby. Then the main content is told from the chrome of the site, line by line
//! (docs/guide/html.md). Broken markup costs markup, not time: the page is read once, or a few times where a tag does not end.

mod attributes;
mod bytes;
mod changes;
mod chrome_words;
mod elements;
mod flags;
mod letters;
mod lines;
mod main_content;
mod name;
mod options;
mod page;
mod reader;
mod regions;
mod stack;
mod style;
mod tokens;
mod width;

pub use self::options::{Extract, Options, Ruby};
pub use self::page::Page;

/// What a page begins with, before a blank or the end of the tag, and hardly a text.
const BEGINNINGS: [&str; 9] = ["!doctype html", "html", "head", "body", "title", "meta", "link", "script", "style"];

/// Does the text begin like a page? An XML declaration and comments may stand before it.
pub(super) fn is_page(text: &str) -> bool {
    let mut start = text.trim_start();
    while let Some(rest) = behind(start, "<!--", "-->").or_else(|| behind(start, "<?", ">")) {
        start = rest.trim_start();
    }
    let tag = start.strip_prefix('<').unwrap_or_default();
    BEGINNINGS.iter().any(|name| {
        let (found, rest) = tag.split_at_checked(name.len()).unwrap_or_default();
        found.eq_ignore_ascii_case(name) && (rest.starts_with('>') || rest.starts_with(char::is_whitespace))
    })
}

/// What follows a beginning that is enclosed in `open` and `close`.
fn behind<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    text.strip_prefix(open)?.split_once(close).map(|(_, rest)| rest)
}

/// Reads a page. Linear in its length, and what is kept beside the text is bounded.
pub fn read(page: &str, options: &Options) -> Page {
    let is_xml = options.is_xml || page.trim_start().starts_with("<?xml");
    let mut reader = reader::Reader::new(is_xml, options.ruby == Ruby::Keep, page.len() / 2);
    tokens::read(page, &mut reader);
    match options.extract {
        Extract::Main => reader.finish(main_content::choose),
        Extract::All => reader.finish(|lines, _| vec![true; lines.len()]),
    }
}

#[cfg(test)]
mod tests;
