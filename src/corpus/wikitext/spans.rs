//! Which marks belong together: templates, links, tables, comments, and tags whose content is no wikitext.

use std::ops::Range;

/// What stands between two marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `{{…}}`
    Template,
    /// `{{{…}}}`
    Parameter,
    /// `[[…]]`
    Link,
    /// `{| … |}`; one that does not end goes to the end of the page.
    Table,
    /// `<!-- … -->`
    Comment,
    /// A tag of an extension with its content.
    Tag(Tag),
}

/// What becomes of the content of such a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// It stays as it is written, inside the line.
    Literal,
    /// It stays as it is written, with its line ends.
    Preformatted,
    /// It goes, and is counted as this.
    Dropped(&'static str),
}

/// Tags of extensions, in lower case.
const TAGS: [(&str, Tag); 31] = [
    ("nowiki", Tag::Literal),
    ("math", Tag::Literal),
    ("chem", Tag::Literal),
    ("ce", Tag::Literal),
    ("pre", Tag::Preformatted),
    ("syntaxhighlight", Tag::Preformatted),
    ("source", Tag::Preformatted),
    ("ref", Tag::Dropped("reference")),
    ("references", Tag::Dropped("reference")),
    ("includeonly", Tag::Dropped("includeonly")),
    ("gallery", Tag::Dropped("picture")),
    ("imagemap", Tag::Dropped("picture")),
    ("timeline", Tag::Dropped("picture")),
    ("score", Tag::Dropped("picture")),
    ("graph", Tag::Dropped("picture")),
    ("chart", Tag::Dropped("picture")),
    ("hiero", Tag::Dropped("picture")),
    ("mapframe", Tag::Dropped("picture")),
    ("maplink", Tag::Dropped("picture")),
    ("templatestyles", Tag::Dropped("extension")),
    ("templatedata", Tag::Dropped("extension")),
    ("categorytree", Tag::Dropped("extension")),
    ("charinsert", Tag::Dropped("extension")),
    ("dynamicpagelist", Tag::Dropped("extension")),
    ("indicator", Tag::Dropped("extension")),
    ("inputbox", Tag::Dropped("extension")),
    ("langconvert", Tag::Dropped("extension")),
    ("pagelist", Tag::Dropped("extension")),
    ("ruby-markup", Tag::Dropped("extension")),
    ("section", Tag::Dropped("extension")),
    ("phonos", Tag::Dropped("extension")),
];

/// Two marks and what stands between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: Kind,
    /// With the marks.
    pub(super) all: Range<usize>,
    /// Between the marks.
    pub(super) inner: Range<usize>,
}

/// A mark that may find its partner.
struct Open {
    at: usize,
    mark: Mark,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// So many braces.
    Braces(usize),
    /// Two brackets; has a bar been seen behind them? A target has no line end.
    Brackets {
        bar: bool,
    },
    Table,
}

/// All spans of a page, by their beginnings; they lie inside or beside each other. Linear in the page.
pub(super) fn find(text: &str) -> Vec<Span> {
    let mut finder = Finder {
        text,
        bytes: text.as_bytes(),
        spans: Vec::new(),
        open: Vec::new(),
        braces: 0,
        others: Vec::new(),
        no_more: [false; TAGS.len()],
    };
    finder.walk();
    finder.spans.sort_unstable_by_key(|span| span.all.start);
    finder.spans
}

struct Finder<'a> {
    text: &'a str,
    bytes: &'a [u8],
    spans: Vec<Span>,
    open: Vec<Open>,
    /// Open marks that are braces.
    braces: usize,
    /// Which of the open marks are no brackets; those that are gone are taken away when it is asked.
    others: Vec<usize>,
    /// Tags of which no end follows any more.
    no_more: [bool; TAGS.len()],
}

impl Finder<'_> {
    fn walk(&mut self) {
        let (mut at, mut line_begins) = (0, true);
        while let Some(&byte) = self.bytes.get(at) {
            let next = match byte {
                b'{' => self.open_braces(at, line_begins),
                b'}' => self.close_braces(at),
                b'[' => self.open_brackets(at),
                b']' => self.close_brackets(at),
                b'|' => self.bar(at, line_begins),
                b'<' => self.tag(at),
                b'\n' => self.end_line(at),
                _ => at + 1,
            };
            line_begins = match byte {
                b'\n' => true,
                b' ' | b'\t' | b':' | b'*' | b'#' => line_begins,
                // A comment may stand before what begins a line.
                b'<' => line_begins && self.spans.last().is_some_and(|span| span.kind == Kind::Comment && span.all.end == next),
                _ => false,
            };
            at = next;
        }
        let end = self.bytes.len();
        while let Some(open) = self.open.pop() {
            if open.mark == Mark::Table {
                self.spans.push(Span { kind: Kind::Table, all: open.at..end, inner: open.at + 2..end });
            }
        }
    }

    fn run(&self, at: usize) -> usize {
        let byte = self.bytes[at];
        self.bytes[at..].iter().take_while(|b| **b == byte).count()
    }

    fn open_braces(&mut self, at: usize, line_begins: bool) -> usize {
        let count = self.run(at);
        if count == 1 && line_begins && self.bytes.get(at + 1) == Some(&b'|') {
            self.push_other(at, Mark::Table);
            return at + 2;
        }
        if count > 1 {
            self.push_other(at, Mark::Braces(count));
            self.braces += 1;
        }
        at + count
    }

    fn push_other(&mut self, at: usize, mark: Mark) {
        self.top_other();
        self.others.push(self.open.len());
        self.open.push(Open { at, mark });
    }

    /// The innermost open mark that is no bracket.
    fn top_other(&mut self) -> Option<usize> {
        while self.others.last().is_some_and(|top| *top >= self.open.len()) {
            self.others.pop();
        }
        self.others.last().copied()
    }

    fn close_braces(&mut self, at: usize) -> usize {
        let (mut left, end) = (self.run(at), at + self.run(at));
        while left > 1 && self.braces > 0 {
            // What is open inside and has no end is text.
            let Some(open) = self.open.last_mut() else { break };
            let Mark::Braces(count) = &mut open.mark else {
                self.open.pop();
                continue;
            };
            let taken = left.min(*count).min(3);
            *count -= taken;
            let (start, from) = (open.at + *count, end - left);
            let kind = if taken == 3 { Kind::Parameter } else { Kind::Template };
            self.spans.push(Span { kind, all: start..from + taken, inner: start + taken..from });
            left -= taken;
            if *count < 2 {
                self.open.pop();
                self.braces -= 1;
            }
        }
        end
    }

    fn open_brackets(&mut self, at: usize) -> usize {
        let count = self.run(at);
        if count > 1 {
            self.open.push(Open { at: at + count - 2, mark: Mark::Brackets { bar: false } });
        }
        at + count
    }

    fn close_brackets(&mut self, at: usize) -> usize {
        let count = self.run(at);
        let mut from = at;
        while at + count - from > 1 {
            let Some(Open { at: start, mark: Mark::Brackets { .. } }) = self.open.last() else { break };
            // Of three the first ends an external link inside.
            let inside = if at + count - from == 3 { from + 1 } else { from };
            self.spans.push(Span { kind: Kind::Link, all: *start..inside + 2, inner: start + 2..inside });
            self.open.pop();
            from = inside + 2;
        }
        at + count
    }

    fn bar(&mut self, at: usize, line_begins: bool) -> usize {
        let ends_table = line_begins && self.bytes.get(at + 1) == Some(&b'}');
        if let Some(table) = self.top_other().filter(|&table| ends_table && self.open[table].mark == Mark::Table) {
            let start = self.open[table].at;
            self.open.truncate(table);
            self.spans.push(Span { kind: Kind::Table, all: start..at + 2, inner: start + 2..at });
            return at + 2;
        }
        if let Some(Open { mark: Mark::Brackets { bar }, .. }) = self.open.last_mut() {
            *bar = true;
        }
        at + 1
    }

    fn end_line(&mut self, at: usize) -> usize {
        while matches!(self.open.last(), Some(Open { mark: Mark::Brackets { bar: false }, .. })) {
            self.open.pop();
        }
        at + 1
    }

    fn tag(&mut self, at: usize) -> usize {
        let rest = &self.bytes[at..];
        if rest.starts_with(b"<!--") {
            let inner = at + 4;
            let length = memchr::memmem::find(&self.bytes[inner..], b"-->");
            let (inner_end, end) = length.map_or((self.bytes.len(), self.bytes.len()), |length| (inner + length, inner + length + 3));
            self.spans.push(Span { kind: Kind::Comment, all: at..end, inner: inner..inner_end });
            return end;
        }
        let name = name(&rest[1..]);
        let Some(which) = TAGS.iter().position(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)) else { return at + 1 };
        let Some(begin) = memchr::memchr(b'>', rest).map(|length| at + length + 1) else { return at + 1 };
        let kind = Kind::Tag(TAGS[which].1);
        if self.bytes[begin - 2] == b'/' {
            self.spans.push(Span { kind, all: at..begin, inner: begin..begin });
            return begin;
        }
        if self.no_more[which] {
            return at + 1;
        }
        let Some(closing) = self.closing(begin, TAGS[which].0) else {
            self.no_more[which] = true;
            return at + 1;
        };
        self.spans.push(Span { kind, all: at..closing.end, inner: begin..closing.start });
        closing.end
    }

    /// The next `</name … >`.
    fn closing(&self, from: usize, wanted: &str) -> Option<Range<usize>> {
        for found in memchr::memmem::find_iter(&self.bytes[from..], b"</") {
            let at = from + found;
            if name(&self.bytes[at + 2..]).eq_ignore_ascii_case(wanted.as_bytes()) {
                let end = memchr::memchr(b'>', &self.bytes[at..])? + at + 1;
                debug_assert!(self.text.is_char_boundary(end), "> is ASCII");
                return Some(at..end);
            }
        }
        None
    }
}

/// The name at the beginning of a tag.
fn name(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    &bytes[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Kind, &str)> {
        find(text).into_iter().map(|span| (span.kind, text.get(span.all).unwrap())).collect()
    }

    #[test]
    fn marks_find_their_partners() {
        use Kind::{Comment, Link, Parameter, Table, Template};
        let cases: &[(&str, &[(Kind, &str)])] = &[
            ("{{a|[[b|c]]}}", &[(Template, "{{a|[[b|c]]}}"), (Link, "[[b|c]]")]),
            ("{{a|{{b}}}}", &[(Template, "{{a|{{b}}}}"), (Template, "{{b}}")]),
            ("{{{1|x}}}", &[(Parameter, "{{{1|x}}}")]),
            ("{{{{{1}}}|x}}", &[(Template, "{{{{{1}}}|x}}"), (Parameter, "{{{1}}}")]),
            ("{{a|[[b}}", &[(Template, "{{a|[[b}}")]),
            ("[[a\nb]]", &[]),
            ("[[f|a\nb]]", &[(Link, "[[f|a\nb]]")]),
            ("[[f|[http://x y]]]", &[(Link, "[[f|[http://x y]]]")]),
            ("{|\n|a\n|}", &[(Table, "{|\n|a\n|}")]),
            ("{{a\n|}}", &[(Template, "{{a\n|}}")]),
            ("{{a|\n{|\n|x\n|}}}", &[(Template, "{{a|\n{|\n|x\n|}}}"), (Table, "{|\n|x\n|}")]),
            ("{|\n|a", &[(Table, "{|\n|a")]),
            ("x {| y", &[]),
            ("<!-- [[a]] -->{{b", &[(Comment, "<!-- [[a]] -->")]),
            ("<!-- a", &[(Comment, "<!-- a")]),
            ("}}]]", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(&found(text), expected, "{text}");
        }
    }

    #[test]
    fn tags_hide_what_they_hold() {
        let reference = Kind::Tag(Tag::Dropped("reference"));
        assert_eq!(found("<ref name=\"a\">{{b</ref>}}"), [(reference, "<ref name=\"a\">{{b</ref>")]);
        assert_eq!(found("<REF name=a />x</ref>"), [(reference, "<REF name=a />")]);
        assert_eq!(found("<nowiki>[[a]]</nowiki >b"), [(Kind::Tag(Tag::Literal), "<nowiki>[[a]]</nowiki >")]);
        assert_eq!(found("<ref>[[a]]"), [(Kind::Link, "[[a]]")]);
        assert_eq!(found("<references/>"), [(reference, "<references/>")]);
        assert_eq!(found("<b>[[a]]</b>"), [(Kind::Link, "[[a]]")]);
    }
}
