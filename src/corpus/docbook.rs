//! DocBook, manuals in XML, → the text a reader sees: its elements under the names of those of HTML that look alike.
//! <https://tdg.docbook.org/tdg/5.2/>
//!
//! What is not known stays inside the line. References to entities of the document type, which stand in other files, are left out and counted; nothing is fetched.

use super::document::{Document, Dropped};
use super::html;

/// Root elements of documents and of parts of them.
const ROOTS: [&str; 22] = [
    "book",
    "article",
    "chapter",
    "appendix",
    "preface",
    "part",
    "refentry",
    "reference",
    "set",
    "sect1",
    "sect2",
    "sect3",
    "section",
    "glossary",
    "bibliography",
    "para",
    "simplesect",
    "refsect1",
    "variablelist",
    "itemizedlist",
    "topic",
    "partintro",
];

/// Elements that are blocks, by the elements of HTML that look alike; a dash leaves the element out with what it holds.
const ELEMENTS: [(&str, &str); 62] = [
    ("para", "p"),
    ("simpara", "p"),
    ("formalpara", "div"),
    ("title", "h2"),
    ("subtitle", "h2"),
    ("titleabbrev", "-"),
    ("refname", "p"),
    ("refpurpose", "p"),
    ("refentrytitle", "span"),
    ("manvolnum", "span"),
    ("refmiscinfo", "-"),
    ("itemizedlist", "ul"),
    ("orderedlist", "ul"),
    ("simplelist", "ul"),
    ("listitem", "li"),
    ("member", "li"),
    ("variablelist", "dl"),
    ("term", "dt"),
    ("glossterm", "span"),
    ("glossdef", "dd"),
    ("step", "li"),
    ("procedure", "ul"),
    ("programlisting", "pre"),
    ("screen", "pre"),
    ("literallayout", "pre"),
    ("synopsis", "pre"),
    ("cmdsynopsis", "p"),
    ("funcprototype", "p"),
    ("arg", "span"),
    ("table", "table"),
    ("informaltable", "table"),
    ("row", "tr"),
    ("entry", "td"),
    ("note", "div"),
    ("warning", "div"),
    ("caution", "div"),
    ("tip", "div"),
    ("important", "div"),
    ("blockquote", "blockquote"),
    ("epigraph", "div"),
    ("attribution", "p"),
    ("question", "div"),
    ("answer", "div"),
    ("sidebar", "div"),
    ("abstract", "div"),
    ("figure", "div"),
    ("example", "div"),
    ("caption", "p"),
    ("footnote", "-"),
    ("indexterm", "-"),
    ("remark", "-"),
    ("textobject", "-"),
    ("mediaobject", "-"),
    ("inlinemediaobject", "-"),
    ("bookinfo", "-"),
    ("articleinfo", "-"),
    ("info", "-"),
    ("chapterinfo", "-"),
    ("refentryinfo", "-"),
    ("sect1info", "-"),
    ("refmeta", "-"),
    ("toc", "-"),
];

/// Does a file begin like DocBook: its document type, its namespace, or (in a file that says XML of itself) a root that only it has?
#[must_use]
pub fn is_docbook(head: &str) -> bool {
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    let mut says_xml = false;
    loop {
        if let Some(after) = rest.strip_prefix("<?").and_then(|rest| rest.split_once("?>")) {
            says_xml = true;
            rest = after.1.trim_start();
        } else if let Some(after) = rest.strip_prefix("<!--").and_then(|rest| rest.split_once("-->")) {
            rest = after.1.trim_start();
        } else {
            break;
        }
    }
    if let Some(doctype) = rest.strip_prefix("<!DOCTYPE") {
        let root = doctype.split_ascii_whitespace().next().unwrap_or_default();
        let declaration = doctype.split(['[', '>']).next().unwrap_or_default();
        return ROOTS.contains(&root) && declaration.to_ascii_lowercase().contains("docbook");
    }
    let Some(tag) = rest.strip_prefix('<').and_then(|rest| rest.split('>').next()) else { return false };
    let root = tag.split([' ', '\n', '\t', '\r', '/']).next().unwrap_or_default();
    ROOTS.contains(&root) && (says_xml || tag.contains("http://docbook.org/ns/docbook"))
}

/// Reads a file.
#[must_use]
pub fn read(file: &str, ruby: html::Ruby) -> Document {
    let mut dropped = Dropped::default();
    let (page, title) = rewrite(file, &mut dropped);
    let text = html::read(&page, &html::Options { extract: html::Extract::All, ruby, is_xml: true }).text;
    Document { text, meta: title.map(|title| serde_json::json!({ "title": title }).to_string()), dropped, ..Document::default() }
}

/// The file with the names of HTML, and the first title.
fn rewrite(file: &str, dropped: &mut Dropped) -> (String, Option<String>) {
    let mut out = String::with_capacity(file.len());
    let mut title = None;
    let mut rest = body(file);
    // Ends of which none follows any more are not looked for again.
    let mut no_more: Vec<&str> = Vec::new();
    while let Some(at) = rest.find(['<', '&']) {
        let (before, mark) = rest.split_at(at);
        out.push_str(before);
        if mark.starts_with('&') {
            rest = reference(mark, &mut out, dropped);
            continue;
        }
        if let Some(inside) = mark.strip_prefix("<![CDATA[") {
            let (text, after) = inside.split_once("]]>").unwrap_or((inside, ""));
            out.push_str(&text.replace('&', "&amp;").replace('<', "&lt;"));
            rest = after;
            continue;
        }
        let end = if mark.starts_with("<!--") {
            "-->"
        } else if mark.starts_with("<?") {
            "?>"
        } else {
            ">"
        };
        let found = if no_more.contains(&end) { None } else { mark.split_once(end) };
        let Some((tag, after)) = found else {
            no_more.push(end);
            out.push_str("&lt;");
            rest = mark.get(1..).unwrap_or_default();
            continue;
        };
        rest = after;
        if mark.starts_with("<!") || mark.starts_with("<?") {
            continue;
        }
        let (is_end, is_empty) = (tag.starts_with("</"), tag.ends_with('/'));
        let name = name_of(tag.trim_start_matches(['<', '/']));
        match ELEMENTS.iter().find(|(known, _)| *known == name).map(|(_, html)| *html) {
            Some("-") if !is_end && !is_empty => {
                dropped.add("element");
                rest = behind(rest, name);
            }
            Some("-") | None => {}
            Some(html) => {
                if name == "title" && !is_end && title.is_none() {
                    title = rest
                        .split_once("</")
                        .map(|(words, _)| words.split_whitespace().collect::<Vec<_>>().join(" "))
                        .filter(|title| !title.is_empty());
                }
                out.push_str(match (is_end, is_empty) {
                    (true, _) => "</",
                    _ => "<",
                });
                out.push_str(html);
                out.push_str(if is_empty { "/>" } else { ">" });
            }
        }
    }
    out.push_str(rest);
    (out, title)
}

/// The name at the beginning of a tag, without its namespace.
fn name_of(tag: &str) -> &str {
    let length = tag.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_' | b'.')).count();
    let name = tag.get(..length).unwrap_or_default();
    name.rsplit(':').next().unwrap_or(name)
}

/// What follows the declaration of the document type, whose inner part may hold `>`.
fn body(file: &str) -> &str {
    let Some((_, doctype)) = file.split_once("<!DOCTYPE") else { return file };
    let close = doctype.find('>').unwrap_or(doctype.len());
    let end = match doctype.find('[').filter(|open| *open < close) {
        Some(_) => doctype.find("]>").map(|at| at + 2).or_else(|| doctype.find("]\n>").map(|at| at + 3)),
        None => Some(close + 1),
    };
    end.and_then(|end| doctype.get(end..)).unwrap_or_default()
}

/// Writes a reference that XML or HTML knows; others are left out.
fn reference<'a>(mark: &'a str, out: &mut String, dropped: &mut Dropped) -> &'a str {
    const LONGEST: usize = 64;
    const OF_XML: [&str; 5] = ["amp", "lt", "gt", "quot", "apos"];
    let near = mark.get(1..mark.floor_char_boundary(LONGEST));
    let name = near.and_then(|rest| rest.split_once(';')).map(|(name, _)| name).filter(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'.' | b'-' | b'_'))
    });
    let Some(name) = name else {
        out.push_str("&amp;");
        return mark.get(1..).unwrap_or_default();
    };
    let whole = mark.get(..name.len() + 2).unwrap_or_default();
    let is_known = name.starts_with('#')
        || OF_XML.contains(&name)
        || html::read(whole, &html::Options { extract: html::Extract::All, ..html::Options::default() }).text != whole;
    if is_known {
        out.push_str(whole);
    } else {
        dropped.add("entity");
    }
    mark.get(whole.len()..).unwrap_or_default()
}

/// What follows the end of an element that has begun; elements of the same name may stand inside.
fn behind<'a>(text: &'a str, name: &str) -> &'a str {
    let (mut depth, mut rest) = (1, text);
    while let Some((_, mark)) = rest.split_once('<') {
        let is_end = mark.starts_with('/');
        if name_of(mark.strip_prefix('/').unwrap_or(mark)) == name {
            let (tag, after) = mark.split_once('>').unwrap_or((mark, ""));
            depth += if is_end { -1 } else { i32::from(!tag.ends_with('/')) };
            if depth == 0 {
                return after;
            }
        }
        rest = mark;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &str) -> String {
        read(file, html::Ruby::Drop).text
    }

    #[test]
    fn elements_become_lines() {
        let file = "<?xml version='1.0'?>\n<!DOCTYPE book PUBLIC \"-//OASIS//DTD DocBook XML V4.5//EN\" \"x.dtd\" [\n<!ENTITY a \"甲\">\n]>\n<book><title>手引\n書</title><bookinfo><author>乙</author></bookinfo>\n\
                    <para>日本\n語の<filename>a b</filename>と&gimp;と&lt;丙&gt;<footnote><para>注</para></footnote>。<indexterm><primary>x</primary></indexterm></para>\n\
                    <itemizedlist><listitem><para>一</para></listitem><listitem>\n<para>二</para></listitem></itemizedlist><screen>$ a\n  b</screen><para/><para>終<!-- 注 -->わり</para></book>";
        let document = read(file, html::Ruby::Drop);
        assert_eq!(document.text.trim_end(), "手引書\n日本語のa bとと<丙>。\n一\n二\n$ a\n  b\n終わり");
        assert_eq!(document.meta.as_deref(), Some(r#"{"title":"手引 書"}"#));
        assert_eq!((document.dropped.count("entity"), document.dropped.count("element")), (1, 3));
        assert_eq!(text("<para><![CDATA[a < b & c]]></para>").trim_end(), "a < b & c");
        assert_eq!(text("<db:para>甲</db:para><table><row><entry>乙</entry><entry>丙</entry></row></table>").trim_end(), "甲\n乙\t丙");
    }

    #[test]
    fn beginnings() {
        assert!(is_docbook("<?xml version='1.0'?><!DOCTYPE article PUBLIC \"-//OASIS//DTD DocBook XML V4.1.2//EN\">"));
        assert!(
            is_docbook("<!-- x -->\n<book xmlns=\"http://docbook.org/ns/docbook\" version=\"5.0\">")
                && is_docbook("<?xml version='1.0'?>\n<sect1 id='a'>")
        );
        assert!(
            !is_docbook("<!DOCTYPE html>")
                && !is_docbook("<article><h1>x</h1>")
                && !is_docbook("<?xml version='1.0'?><rss>")
                && !is_docbook("甲")
        );
    }

    #[test]
    fn hostile_files_end() {
        for part in ["<", "&", "<footnote>", "</footnote>", "<![CDATA[", "<!--", "&a", "&a;", "<para"] {
            text(&part.repeat(1 << 14));
        }
    }
}
