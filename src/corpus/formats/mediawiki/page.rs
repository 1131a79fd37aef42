//! The XML of a page, and of what stands before the first → a record.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

use crate::corpus::html;
use crate::corpus::record::Record;
use crate::corpus::rules::Reading;
use crate::corpus::sink::{Bad, Sink};
use crate::corpus::wikitext::{self, Site};
use crate::error::Result;
use crate::quarantine::Kind;

/// Where a page stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) record: u64,
    pub(super) offset: u64,
}

/// A page of a dump; of several revisions the last.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page<'a> {
    title: Cow<'a, str>,
    namespace: i32,
    id: Cow<'a, str>,
    redirect: Option<String>,
    revision: Cow<'a, str>,
    timestamp: Cow<'a, str>,
    model: Cow<'a, str>,
    text: Option<Cow<'a, str>>,
}

/// Makes a record of a page, or counts why it is none.
pub(super) fn decode(bytes: &[u8], site: &Site, reading: &Reading, place: Place, sink: &mut Sink<'_>) -> Result<()> {
    let page = std::str::from_utf8(bytes).map_err(|error| ("invalid_utf8", format!("no UTF-8 (byte {})", error.valid_up_to() + 1)));
    let page = match page.and_then(|xml| read(xml).map_err(|detail| ("xml_syntax", detail))) {
        Ok(page) => page,
        Err((reason, detail)) => {
            let length = bytes.len() as u64;
            sink.quarantine(&Bad { offset: place.offset, line: None, length, kind: Kind::Record, reason, detail: &detail });
            return Ok(());
        }
    };
    if let Some(reason) = passed_over(&page, reading) {
        sink.pass_over(reason, 1);
        return Ok(());
    }
    let seen = wikitext::read(page.text.as_deref().unwrap_or_default(), &page.title, site, reading.wiki.templates());
    let html = html::Options { extract: html::Extract::All, is_xml: false, ..sink.html(None) };
    let text = html::read(&seen.html, &html).text;
    let record = Record {
        id: Some(site.name.as_ref().map_or_else(|| page.id.to_string(), |name| format!("{name}/{}", page.id))),
        text,
        url: site.url(&page.title),
        date: (!page.timestamp.is_empty()).then(|| page.timestamp.to_string()),
        license: site.license().map(str::to_owned),
        meta: Some(meta(&page, &seen.categories)),
        ordinal_in_file: place.record,
        offset: place.offset,
        ..Record::default()
    };
    if sink.keep(record)? {
        sink.note_dropped(&seen.dropped);
    }
    Ok(())
}

/// Why a page is no document.
fn passed_over(page: &Page<'_>, reading: &Reading) -> Option<&'static str> {
    let text = page.text.as_deref();
    if !reading.wiki.takes(page.namespace) {
        Some("namespace")
    } else if page.redirect.is_some() || text.is_some_and(|text| wikitext::redirect(text).is_some()) {
        Some("redirect")
    } else if !matches!(&*page.model, "" | "wikitext") {
        Some("no_wikitext")
    } else if text.is_none_or(str::is_empty) {
        Some("no_text")
    } else {
        None
    }
}

fn meta(page: &Page<'_>, categories: &[String]) -> String {
    let mut meta = serde_json::Map::new();
    let mut put = |key: &str, value: serde_json::Value| meta.insert(key.to_owned(), value);
    put("title", (*page.title).into());
    put("page_id", (*page.id).into());
    put("revision_id", (*page.revision).into());
    if page.namespace != 0 {
        put("namespace", page.namespace.into());
    }
    if !categories.is_empty() {
        put("categories", categories.into());
    }
    serde_json::Value::from(meta).to_string()
}

/// Reads the elements of a page. What is unknown is passed over.
fn read(xml: &str) -> std::result::Result<Page<'_>, String> {
    let mut reader = Reader::from_str(xml);
    let (mut page, mut in_revision) = (Page::default(), false);
    loop {
        let at = reader.buffer_position();
        let wrong = |error: &dyn std::fmt::Display| format!("{error} (byte {} of the page)", at + 1);
        match reader.read_event().map_err(|error| wrong(&error))? {
            Event::Start(start) => {
                let name = start.name();
                match (name.0, in_revision) {
                    ("page", false) => continue,
                    ("revision", false) => {
                        in_revision = true;
                        (page.text, page.model) = (None, Cow::default());
                        continue;
                    }
                    _ => {}
                }
                let raw = reader.read_text(name).map_err(|error| wrong(&error))?;
                let field = match (name.0, in_revision) {
                    ("title", false) => &mut page.title,
                    ("id", false) => &mut page.id,
                    ("id", true) => &mut page.revision,
                    ("timestamp", true) => &mut page.timestamp,
                    ("model", true) => &mut page.model,
                    ("text", true) => page.text.insert(Cow::default()),
                    ("ns", false) => {
                        page.namespace = raw.trim().parse().map_err(|_| wrong(&"a namespace is a number"))?;
                        continue;
                    }
                    _ => continue,
                };
                *field = unescaped(raw).map_err(|error| wrong(&error))?;
            }
            Event::Empty(empty) if empty.name().0 == "redirect" => page.redirect = Some(attribute(&empty, "title")),
            Event::End(end) if end.name().0 == "revision" => in_revision = false,
            Event::Eof => return Ok(page),
            _ => {}
        }
    }
}

/// Text with its references resolved.
fn unescaped(raw: quick_xml::events::BytesText<'_>) -> std::result::Result<Cow<'_, str>, String> {
    match raw.into_inner() {
        Cow::Borrowed(text) => unescape(text).map_err(|error| error.to_string()),
        Cow::Owned(text) => unescape(&text).map(|text| Cow::Owned(text.into_owned())).map_err(|error| error.to_string()),
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> String {
    let found = element.try_get_attribute(name).ok().flatten();
    found.map(|attribute| unescape(&attribute.value).map(Cow::into_owned).unwrap_or_default()).unwrap_or_default()
}

/// What the elements before the first page say of the site.
pub(super) fn site_of(head: &str) -> Site {
    let mut site = Site::default();
    let mut reader = Reader::from_str(head);
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if matches!(start.name().0, "dbname" | "base" | "namespace") => {
                let number = (start.name().0 == "namespace").then(|| attribute(&start, "key").parse::<i32>().ok());
                let Ok(raw) = reader.read_text(start.name()) else { return site };
                let Ok(text) = unescaped(raw) else { return site };
                match (number, start.name().0) {
                    (Some(Some(number)), _) => site.add_namespace(&text, number),
                    (Some(None), _) => {}
                    (None, "dbname") => site.name = Some(text.into_owned()),
                    (None, _) => site.address = text.find("/wiki/").and_then(|at| text.get(..at + "/wiki/".len())).map(str::to_owned),
                }
            }
            Ok(Event::Eof) | Err(_) => return site,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_a_page() {
        let xml = "<page>\n  <title>A &amp; B</title><ns>0</ns><id>7</id>\n  <restrictions>x</restrictions><revision><id>1</id><text>old</text></revision>\
                   <revision><id>2</id><parentid>1</parentid><timestamp>2024-01-02T03:04:05Z</timestamp><contributor><username>甲</username><id>99</id></contributor>\
                   <model>wikitext</model><format>text/x-wiki</format><text bytes=\"5\" xml:space=\"preserve\">&lt;b&gt;甲&amp;amp;&quot;</text><sha1>z</sha1></revision></page>";
        let page = read(xml).unwrap();
        assert_eq!((&*page.title, page.namespace, &*page.id, &*page.revision), ("A & B", 0, "7", "2"));
        assert_eq!((&*page.timestamp, &*page.model, page.text.as_deref()), ("2024-01-02T03:04:05Z", "wikitext", Some("<b>甲&amp;\"")));
        let redirect =
            read("<page><title>a</title><redirect title=\"b &amp; c\" /><revision><text bytes=\"0\" /></revision></page>").unwrap();
        assert_eq!((redirect.redirect.as_deref(), redirect.text), (Some("b & c"), None));
        assert!(read("<page><title>a</b></page>").is_err());
        assert!(read("<page><title>&undefined;</title></page>").is_err());
    }

    #[test]
    fn the_site_names_its_namespaces() {
        let site = site_of(
            "<mediawiki xml:lang=\"ja\"><siteinfo><sitename>見本</sitename><dbname>jawiki</dbname><base>https://ja.wikipedia.org/wiki/%E8%A6%8B</base>\
             <namespaces><namespace key=\"0\" /><namespace key=\"6\" case=\"first-letter\">絵</namespace></namespaces></siteinfo>\n  ",
        );
        assert_eq!((site.name.as_deref(), site.address.as_deref()), (Some("jawiki"), Some("https://ja.wikipedia.org/wiki/")));
        assert_eq!(site.url("甲 乙?"), Some("https://ja.wikipedia.org/wiki/%E7%94%B2_%E4%B9%99%3F".to_owned()));
        assert_eq!(site.license(), Some("CC-BY-SA-4.0"));
        let page = wikitext::read("[[絵:a.jpg|x]]b", "", &site, &wikitext::Templates::default());
        assert_eq!(page.html, "<p>b</p>\n");
    }
}
