//! The HTML editions of Aozora Bunko, new (XHTML) and old: which part of a page is the work, and what its pictures of characters stand for.
//!
//! A page becomes a page that any reader of HTML reads rightly; nothing else is known of HTML here than where its tags are.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::colophon::{self, Colophon};
use super::inline::picture;
use crate::corpus::document::Dropped;

/// A page, made ready.
#[derive(Debug)]
pub(in crate::corpus) struct Edition {
    /// The work as HTML.
    pub(in crate::corpus) html: String,
    /// The colophon as HTML.
    pub(in crate::corpus) colophon: String,
    title: Vec<(&'static str, String)>,
    pub(in crate::corpus) dropped: Dropped,
}

/// Classes of the parts of a header, and what they are called here.
const HEADINGS: [(&str, &str); 6] = [
    ("title", "title"),
    ("subtitle", "subtitle"),
    ("original_title", "original_title"),
    ("author", "author"),
    ("translator", "translator"),
    ("editor", "editor"),
];

/// The work of a page, if the page is an edition of Aozora Bunko.
pub(in crate::corpus) fn edition(page: &str) -> Option<Edition> {
    let has = |word: &str| memchr::memmem::find(page.as_bytes(), word.as_bytes()).is_some();
    let is_new = has("main_text") && (has("bibliographical_information") || has("aozora"));
    let is_old = has("<!R>") || has("<!r>") || (has("x-sjis") || has("X-SJIS")) && has("底本：") && has("青空文庫");
    if is_new {
        let (from, to) = element(page, "main_text")?;
        let mut edition = Edition { html: String::new(), colophon: String::new(), title: Vec::new(), dropped: Dropped::default() };
        edition.html = rewrite(page.get(from..to)?, &mut edition.dropped);
        if let Some((from, to)) = element(page, "bibliographical_information") {
            edition.colophon = rewrite(page.get(from..to)?, &mut Dropped::default());
        }
        edition.title = HEADINGS.iter().filter_map(|(class, key)| heading(page, class).map(|text| (*key, text))).collect();
        return Some(edition);
    }
    is_old.then(|| old(page))
}

/// An edition of before 2002: what follows the last rule is the colophon.
fn old(page: &str) -> Edition {
    let mut edition = Edition { html: String::new(), colophon: String::new(), title: Vec::new(), dropped: Dropped::default() };
    let lower = page.to_ascii_lowercase();
    let rule = lower.rfind("<hr").filter(|at| page.get(*at..).is_some_and(|rest| rest.contains("底本")));
    let (body, colophon) = page.split_at(rule.unwrap_or(page.len()));
    let (titles, body) = body.split_at(old_titles(body));
    let mut headings = Vec::new();
    let mut at = 0;
    while let Some(found) = tag(titles, at) {
        at = found.to;
        if is_old_heading(&found)
            && let Some(end) = end_within(titles, &found)
        {
            headings.extend(words(titles.get(found.to..end).unwrap_or_default()));
            at = end;
        }
    }
    let names = if headings.len() > 2 { ["title", "subtitle", "author"] } else { ["title", "author", "translator"] };
    edition.title = names.into_iter().zip(headings).collect();
    edition.html = rewrite(body, &mut edition.dropped);
    edition.colophon = rewrite(colophon, &mut Dropped::default());
    edition
}

/// Where the headings end that an old page begins with.
fn old_titles(body: &str) -> usize {
    let (mut at, mut end) = (0, 0);
    while let Some(found) = tag(body, at) {
        let is_silent = body.get(at..found.from).is_some_and(|between| between.trim().is_empty());
        let name = found.name.to_ascii_lowercase();
        match name.as_str() {
            _ if !is_silent => break,
            "title" | "style" | "script" => at = end_within(body, &found).unwrap_or(found.to),
            _ if is_old_heading(&found) => {
                let Some(behind) = end_within(body, &found) else { break };
                (at, end) = (behind, behind);
            }
            "!doctype" | "html" | "head" | "/head" | "meta" | "link" | "body" | "center" | "/center" | "br" | "hr" | "div" | "/div"
            | "font" | "/font" => {
                at = found.to;
            }
            _ => break,
        }
    }
    end
}

fn is_old_heading(tag: &Tag<'_>) -> bool {
    matches!(tag.name, "h1" | "h2" | "h3" | "h4" | "H1" | "H2" | "H3" | "H4")
}

impl Edition {
    /// What is known of the work; `title` is that of the page, `colophon` the text of the colophon.
    pub(in crate::corpus) fn describe(&self, title: Option<&str>, colophon: &str) -> (Map<String, Value>, Option<String>, Option<String>) {
        let mut meta = Map::new();
        meta.insert("notation".to_owned(), "aozora".into());
        for (key, value) in &self.title {
            meta.insert((*key).to_owned(), value.as_str().into());
        }
        if let (None, Some(title)) = (meta.get("title"), title) {
            // `author title` is what the pages are called.
            meta.insert("title".to_owned(), title.into());
        }
        let lines: Vec<&str> = colophon.lines().collect();
        let colophon: Colophon = colophon::read(&lines);
        colophon.describe(&mut meta);
        let Colophon { date, license, .. } = colophon;
        (meta, date, license)
    }
}

/// A tag: where it begins and ends, its name, its attributes.
struct Tag<'a> {
    from: usize,
    to: usize,
    name: &'a str,
    attributes: &'a str,
}

/// The next tag from `at` on. Quotes may hold `>`; a tag that does not end is none.
fn tag(page: &str, at: usize) -> Option<Tag<'_>> {
    let mut from = at;
    loop {
        from += memchr::memchr(b'<', page.as_bytes().get(from..)?)?;
        let inside = page.get(from + 1..)?;
        let begins = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!');
        if !inside.starts_with(begins) {
            from += 1;
            continue;
        }
        if let Some(comment) = inside.strip_prefix("!--") {
            let end = memchr::memmem::find(comment.as_bytes(), b"-->")?;
            from += 4 + end + 3;
            continue;
        }
        let mut quote = None;
        let end = inside.bytes().position(|b| match quote {
            Some(open) => {
                if b == open {
                    quote = None;
                }
                false
            }
            None if matches!(b, b'"' | b'\'') => {
                quote = Some(b);
                false
            }
            None => b == b'>',
        })?;
        let inside = inside.get(..end)?;
        let name = inside.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        let attributes = inside.get(name.len()..).unwrap_or_default();
        return Some(Tag { from, to: from + end + 2, name: name.trim_end_matches('/'), attributes });
    }
}

/// The value of an attribute, with the references resolved that stand in descriptions.
fn attribute<'a>(tag: &Tag<'a>, wanted: &str) -> Option<Cow<'a, str>> {
    let mut rest = tag.attributes;
    while let Some((name, behind)) = rest.split_once('=') {
        let name = name.trim().rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        let behind = behind.trim_start();
        let (value, next) = match behind.chars().next() {
            Some(quote @ ('"' | '\'')) => behind.get(1..)?.split_once(quote)?,
            _ => behind.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((behind, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(if value.contains('&') {
                Cow::Owned(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
            } else {
                Cow::Borrowed(value)
            });
        }
        rest = next;
    }
    None
}

fn has_class(tag: &Tag<'_>, class: &str) -> bool {
    attribute(tag, "class").is_some_and(|classes| classes.split_ascii_whitespace().any(|name| name == class))
}

/// What stands in the first element of a class: its start and end. One that is not closed goes on to the end.
fn element(page: &str, class: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(found) = tag(page, at) {
        at = found.to;
        if !has_class(&found, class) {
            continue;
        }
        let (name, start) = (found.name, found.to);
        let mut depth = 1_usize;
        while let Some(inner) = tag(page, at) {
            at = inner.to;
            if inner.name.eq_ignore_ascii_case(name) {
                depth += 1;
            } else if inner.name.strip_prefix('/').is_some_and(|closed| closed.eq_ignore_ascii_case(name)) {
                depth -= 1;
                if depth == 0 {
                    return Some((start, inner.from));
                }
            }
        }
        return Some((start, page.len()));
    }
    None
}

/// The words of a heading, without tags and readings.
fn heading(page: &str, class: &str) -> Option<String> {
    let (from, to) = element(page, class)?;
    words(page.get(from..to)?)
}

/// The words of a piece of a page on one line.
fn words(piece: &str) -> Option<String> {
    let html = rewrite(piece, &mut Dropped::default());
    let (mut text, mut at, mut is_reading) = (String::new(), 0, false);
    while let Some(found) = tag(&html, at) {
        if !is_reading {
            text.push_str(html.get(at..found.from)?);
        }
        let name = found.name.to_ascii_lowercase();
        is_reading = matches!(name.as_str(), "rt" | "rp") || is_reading && !matches!(name.as_str(), "/rt" | "/rp");
        at = found.to;
    }
    text.push_str(html.get(at..)?);
    let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// Bytes of an element that is left out, as a rule, and how many may be longer. Constants, so that the time stays linear.
const NOTE_MAX: usize = 4096;
const FAR: u32 = 16;

/// Classes of notes that stand in the text and are none of it.
const NOTES: [&str; 4] = ["notes", "notation_notes", "after_text", "bibliographical_information"];

/// A page without its pictures of characters and notes: characters instead, and readings as elements.
fn rewrite(page: &str, dropped: &mut Dropped) -> String {
    let mut out = String::with_capacity(page.len());
    let (mut at, mut far) = (0, FAR);
    while let Some(found) = tag(page, at) {
        out.push_str(page.get(at..found.from).unwrap_or_default());
        at = found.to;
        if found.name.eq_ignore_ascii_case("img") && is_character(&found) {
            let alt = attribute(&found, "alt").unwrap_or_default();
            let description =
                alt.trim().trim_start_matches('※').trim_start_matches(['(', '（', '［', '＃']).trim_end_matches([')', '）', '］']);
            put_character(description, &mut out, dropped);
        } else if found.name.eq_ignore_ascii_case("!r") {
            at = old_reading(page, at, &mut out, dropped);
        } else if found.name.eq_ignore_ascii_case("span") && has_class(&found, "notes")
            || found.name.eq_ignore_ascii_case("div") && NOTES.iter().any(|class| has_class(&found, class))
        {
            at = end_of(page, &found, &mut far);
            // A character that has no picture: ※ and its description.
            let inside = page.get(found.to..at).unwrap_or_default();
            match inside.strip_prefix("［＃").and_then(|rest| rest.split_once('］')).filter(|_| out.ends_with('※')) {
                Some((description, _)) if is_description(description) => {
                    out.pop();
                    put_character(description, &mut out, dropped);
                }
                _ => dropped.add("note"),
            }
        } else if matches!(found.name, "sup" | "SUP") && ["kaeriten", "okurigana"].iter().any(|class| has_class(&found, class))
            || matches!(found.name, "sub" | "SUB") && has_class(&found, "kaeriten")
        {
            at = end_of(page, &found, &mut far);
            dropped.add("note_kanbun");
        } else {
            if matches!(found.name, "rt" | "RT") {
                dropped.add("reading");
            }
            out.push_str(page.get(found.from..found.to).unwrap_or_default());
        }
    }
    out.push_str(page.get(at..).unwrap_or_default());
    out
}

fn put_character(description: &str, out: &mut String, dropped: &mut Dropped) {
    let text = picture(description);
    dropped.add(if text == "〓" { "character_unknown" } else { "character_found" });
    out.push_str(&text);
}

/// Is this how a character is described, and no note on the sign ※?
fn is_description(note: &str) -> bool {
    !note.starts_with("「※」") && (note.starts_with('「') || note.contains('、'))
}

/// A picture of a character: by its class, or by an alternative text that describes one.
fn is_character(tag: &Tag<'_>) -> bool {
    has_class(tag, "gaiji") || attribute(tag, "alt").is_some_and(|alt| alt.trim_start().starts_with('※'))
}

/// Where the element ends that begins with a tag, within [`NOTE_MAX`] bytes or, `far` times, anywhere; the end of the tag where it does not end.
fn end_of(page: &str, start: &Tag<'_>, far: &mut u32) -> usize {
    let near = (start.to..=page.len().min(start.to + NOTE_MAX)).rev().find(|at| page.is_char_boundary(*at)).unwrap_or(page.len());
    let found = end_within(page.get(..near).unwrap_or(page), start);
    if found.is_none() && *far > 0 {
        *far -= 1;
        return end_within(page, start).unwrap_or(start.to);
    }
    found.unwrap_or(start.to)
}

fn end_within(page: &str, start: &Tag<'_>) -> Option<usize> {
    let (mut at, mut depth) = (start.to, 1_usize);
    while let Some(inner) = tag(page, at) {
        at = inner.to;
        if inner.name.eq_ignore_ascii_case(start.name) {
            depth += 1;
        } else if inner.name.strip_prefix('/').is_some_and(|closed| closed.eq_ignore_ascii_case(start.name)) {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// Characters of a base and of a reading in old pages.
const BASE_MAX: usize = 60;
const READING_MAX: usize = 120;

/// `<!R>base（reading）`: becomes a reading like others. Gives where the page goes on.
fn old_reading(page: &str, at: usize, out: &mut String, dropped: &mut Dropped) -> usize {
    let rest = page.get(at..).unwrap_or_default();
    let line = rest.split(['\n', '\r']).next().unwrap_or_default();
    // A described character may stand in the base as a picture.
    let base_end =
        line.find('（').filter(|end| line.get(..*end).is_some_and(|base| base.chars().count() <= BASE_MAX && !base.contains("<!")));
    let Some(open) = base_end else { return at };
    let Some(close) = line.get(open..).and_then(|rest| rest.find('）')).map(|n| open + n) else { return at };
    let (base, reading) = (line.get(..open).unwrap_or_default(), line.get(open + '（'.len_utf8()..close).unwrap_or_default());
    if reading.chars().count() > READING_MAX || base.trim().is_empty() {
        return at;
    }
    dropped.add("reading");
    let base = rewrite(base, dropped);
    out.extend(["<ruby>", &base, "<rt>", reading, "</rt></ruby>"]);
    at + close + '）'.len_utf8()
}
