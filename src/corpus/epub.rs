//! EPUB 2 and 3: what the package of a book says of its parts and their order.
//! <https://www.w3.org/TR/epub-33/>
//!
//! Only texts: the archive is read by `formats/epub.rs`.

use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// Where the file stands that names the package.
pub const CONTAINER: &str = "META-INF/container.xml";
/// Where encrypted files are named.
pub const ENCRYPTION: &str = "META-INF/encryption.xml";
/// What the first member of the archive is called, and what it holds.
const MEDIA_NAME: &[u8] = b"mimetype";
const MEDIA_TYPE: &[u8] = b"application/epub+zip";

/// Does a file begin like an EPUB? The standard wants the media type stored and alone; some programs compress it, and then its length tells.
#[must_use]
pub fn is_epub(head: &[u8]) -> bool {
    let number = |at: usize| head.get(at..at + 2).map_or(0, |bytes| usize::from(bytes[0]) | usize::from(bytes[1]) << 8);
    let (method, length, extra) = (number(8), number(22), number(28));
    let names_it = head.starts_with(b"PK\x03\x04") && head.get(30..).is_some_and(|rest| rest.starts_with(MEDIA_NAME));
    let holds_it = head.get(30 + MEDIA_NAME.len() + extra..).is_some_and(|rest| rest.starts_with(MEDIA_TYPE));
    names_it && (method == 0 && holds_it || method != 0 && length == MEDIA_TYPE.len())
}

/// A book's package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// Title, of several the first.
    pub title: Option<String>,
    /// Who wrote it.
    pub creators: Vec<String>,
    /// Language, as in `ja`.
    pub language: Option<String>,
    /// Its own number.
    pub identifier: Option<String>,
    /// Publisher.
    pub publisher: Option<String>,
    /// Date.
    pub date: Option<String>,
    /// What it says of rights.
    pub rights: Option<String>,
    /// Files in the order in which they are read.
    pub spine: Vec<Item>,
}

/// A file of the spine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name in the archive.
    pub name: String,
    /// Does it stand beside the text (`linear="no"`), or is it the table of contents?
    pub aside: Option<&'static str>,
}

/// The name of the package, from `META-INF/container.xml`.
#[must_use]
pub fn package_name(container: &str) -> Option<String> {
    let mut reader = Reader::from_str(container);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "rootfile" => {
                return attribute(&element, "full-path");
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Names of encrypted files, from `META-INF/encryption.xml`.
#[must_use]
pub fn encrypted(encryption: &str) -> Vec<String> {
    let (mut reader, mut names) = (Reader::from_str(encryption), Vec::new());
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(element) | Event::Empty(element) if element.local_name().as_ref() == "CipherReference" => {
                names.extend(attribute(&element, "URI").map(|uri| resolve("", &uri)));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    names
}

/// Reads a package that is called so.
///
/// # Errors
/// It is no XML; says what is wrong.
pub fn package(name: &str, xml: &str) -> Result<Package, String> {
    let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
    let (mut reader, mut package) = (Reader::from_str(xml), Package::default());
    let (mut manifest, mut spine) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match &event {
            Event::Start(element) => {
                let field = match element.local_name().as_ref() {
                    "title" => &mut package.title,
                    "language" => &mut package.language,
                    "identifier" => &mut package.identifier,
                    "publisher" => &mut package.publisher,
                    "date" => &mut package.date,
                    "rights" => &mut package.rights,
                    "creator" => {
                        let found = reader.read_text(element.name()).map_err(|error| error.to_string())?;
                        package.creators.extend(words(&found));
                        continue;
                    }
                    _ => {
                        take(element, directory, &mut manifest, &mut spine);
                        continue;
                    }
                };
                let found = reader.read_text(element.name()).map_err(|error| error.to_string())?;
                if field.is_none() {
                    *field = words(&found);
                }
            }
            Event::Empty(element) => take(element, directory, &mut manifest, &mut spine),
            Event::Eof => break,
            _ => {}
        }
    }
    for (id, is_linear) in spine {
        // What is no page is not read: pictures may stand in a spine.
        let Some(Listed { name, is_page, is_contents, .. }) = manifest.iter().find(|listed| listed.id == id) else { continue };
        let aside = match (is_linear, is_page, is_contents) {
            (_, false, _) => Some("no_page"),
            (_, _, true) => Some("contents"),
            (false, ..) => Some("not_linear"),
            _ => None,
        };
        package.spine.push(Item { name: name.clone(), aside });
    }
    Ok(package)
}

/// An entry of the manifest.
struct Listed {
    id: String,
    name: String,
    is_page: bool,
    is_contents: bool,
}

/// Notes an entry of the manifest or of the spine.
fn take(element: &BytesStart<'_>, directory: &str, manifest: &mut Vec<Listed>, spine: &mut Vec<(String, bool)>) {
    match element.local_name().as_ref() {
        "item" => {
            if let (Some(id), Some(href)) = (attribute(element, "id"), attribute(element, "href")) {
                let media = attribute(element, "media-type").unwrap_or_default();
                let is_page = matches!(
                    media.as_str(),
                    "application/xhtml+xml" | "text/html" | "application/x-dtbook+xml" | "text/x-oeb1-document" | ""
                );
                let is_contents =
                    attribute(element, "properties").is_some_and(|words| words.split_ascii_whitespace().any(|word| word == "nav"));
                manifest.push(Listed { id, name: resolve(directory, &href), is_page, is_contents });
            }
        }
        "itemref" => {
            if let Some(id) = attribute(element, "idref") {
                spine.push((id, attribute(element, "linear").as_deref() != Some("no")));
            }
        }
        _ => {}
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().with_checks(false).flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    unescape(&found.value).ok().map(std::borrow::Cow::into_owned)
}

/// The words of an element on one line, without tags inside.
fn words(raw: &str) -> Option<String> {
    let text = unescape(raw).ok()?;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// The name in the archive of what a file in `directory` links to.
fn resolve(directory: &str, href: &str) -> String {
    let path = href.split('#').next().unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8_lossy();
    let mut parts: Vec<&str> =
        if path.starts_with('/') { Vec::new() } else { directory.split('/').filter(|part| !part.is_empty()).collect() };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spine_is_the_order() {
        let opf = "<?xml version='1.0'?><opf:package xmlns:opf='x' xmlns:dc='y'><opf:metadata><dc:title>草の\n本</dc:title><dc:title>二</dc:title><dc:creator>甲 &amp; 乙</dc:creator><dc:language>ja</dc:language></opf:metadata>\
                   <opf:manifest><opf:item id='c2' href='%E4%BA%8C.xhtml' media-type='application/xhtml+xml'/><opf:item id='c1' href='../text/c1.xhtml#x' media-type='application/xhtml+xml'/>\
                   <opf:item id='n' href='nav.xhtml' media-type='application/xhtml+xml' properties='scripted nav'/><opf:item id='p' href='a.svg' media-type='image/svg+xml'/></opf:manifest>\
                   <opf:spine toc='x'><opf:itemref idref='c1'/><opf:itemref idref='n'/><opf:itemref idref='c2'></opf:itemref><opf:itemref idref='c2' linear='no'/><opf:itemref idref='p'/><opf:itemref idref='none'/></opf:spine></opf:package>";
        let package = package("OEBPS/x.opf", opf).unwrap();
        let spine: Vec<_> = package.spine.iter().map(|item| (item.name.as_str(), item.aside)).collect();
        let expected = [
            ("text/c1.xhtml", None),
            ("OEBPS/nav.xhtml", Some("contents")),
            ("OEBPS/二.xhtml", None),
            ("OEBPS/二.xhtml", Some("not_linear")),
            ("OEBPS/a.svg", Some("no_page")),
        ];
        assert_eq!(spine, expected);
        assert_eq!(
            (package.title.as_deref(), package.creators, package.language.as_deref()),
            (Some("草の 本"), vec!["甲 & 乙".to_owned()], Some("ja"))
        );
    }

    /// Pages of books are read by the reader of pages: what it gives for them.
    #[test]
    fn pages_of_books() {
        use crate::corpus::html::{Extract, Options, read};
        let cases = [
            ("<ruby>漢<rt>かん</rt></ruby>字", "漢字"),
            ("<ruby>漢<rp>（</rp><rt>かん</rt><rp>）</rp></ruby>字", "漢字"),
            ("第<span class=\"tcy\">12</span>章", "第12章"),
            ("前<a id=\"x\"/>後", "前後"),
            ("一<br/>二", "一\n二"),
            ("関数 <code>f</code> は", "関数 f は"),
            ("甲<img class=\"gaiji\" src=\"x.png\" alt=\"棭\"/>乙", "甲棭乙"),
            ("日本\n    語", "日本語"),
        ];
        for (body, expected) in cases {
            let page = format!("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><body><p>{body}</p></body></html>");
            let text = read(&page, &Options { extract: Extract::All, is_xml: true, ..Options::default() }).text;
            assert_eq!(text.trim_end(), expected, "{body}");
        }
    }

    #[test]
    fn container_and_encryption() {
        let container = "<container><rootfiles><rootfile full-path='OEBPS/x.opf' media-type='a'/></rootfiles></container>";
        assert_eq!(package_name(container).as_deref(), Some("OEBPS/x.opf"));
        assert_eq!(package_name("<container/>"), None);
        assert_eq!(encrypted("<e:encryption><e:CipherReference URI='OEBPS/c1.xhtml'/></e:encryption>"), ["OEBPS/c1.xhtml"]);
        assert!(package("x", "<a></b>").is_err());
    }

    #[test]
    fn beginnings() {
        let local = |method: u8, extra: &[u8], rest: &[u8]| {
            let mut head = b"PK\x03\x04".to_vec();
            head.resize(30, 0);
            (head[8], head[22], head[26], head[28]) = (method, 20, 8, extra.len() as u8);
            [&head, &b"mimetype"[..], extra, rest].concat()
        };
        assert!(
            is_epub(&local(0, b"", b"application/epub+zipPK"))
                && is_epub(&local(0, b"abcd", b"application/epub+zip"))
                && is_epub(&local(8, b"", b"K,"))
        );
        assert!(!is_epub(&local(0, b"", b"application/vnd.oasis")) && !is_epub(b"PK\x03\x04") && !is_epub(b""));
    }
}
