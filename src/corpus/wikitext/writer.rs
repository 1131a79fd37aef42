//! Wikitext → simple HTML, whose white space, tags, references and ruby the reader of pages deals with as in every page.

use std::ops::Range;

use super::marked::Marked;
use super::site::{Namespace, Site};
use super::spans::{Kind, Span, Tag};
use super::templates::{Piece, Templates};
use crate::corpus::document::Dropped;

/// Templates, links and tables in each other; what lies deeper is left out.
const DEPTH_MAX: u32 = 40;

/// Bytes of an external link with its words.
const LINK_MAX: usize = 8192;

/// Words in double underscores that say how a page is shown.
const SWITCHES: [&str; 32] = [
    "NOTOC",
    "FORCETOC",
    "TOC",
    "NOEDITSECTION",
    "NOGALLERY",
    "HIDDENCAT",
    "INDEX",
    "NOINDEX",
    "NEWSECTIONLINK",
    "NONEWSECTIONLINK",
    "NOCONTENTCONVERT",
    "NOCC",
    "NOTITLECONVERT",
    "NOTC",
    "STATICREDIRECT",
    "DISAMBIG",
    "EXPECTUNUSEDCATEGORY",
    "ARCHIVEDTALK",
    "NOTALK",
    "NOGLOBAL",
    "目次",
    "目次強制",
    "目次非表示",
    "節編集非表示",
    "ギャラリー非表示",
    "カテゴリ非表示",
    "インデックス",
    "インデックス拒否",
    "新しい節リンク",
    "新しい節リンク非表示",
    "二重転送解消済み",
    "曖昧さ回避",
];

/// Schemes of external links.
const SCHEMES: [&str; 8] = ["http://", "https://", "//", "ftp://", "ftps://", "mailto:", "news:", "irc://"];

/// Bytes at which something may begin.
static SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"'{}[]<_\n";
    let mut i = 0;
    while i < bytes.len() {
        table[bytes[i] as usize] = true;
        i += 1;
    }
    table
};

/// What is known while a page is written.
pub(super) struct Writer<'a> {
    pub(super) page: &'a Marked<'a>,
    pub(super) site: &'a Site,
    pub(super) templates: &'a Templates,
    pub(super) title: &'a str,
    pub(super) out: String,
    pub(super) dropped: Dropped,
    pub(super) categories: Vec<String>,
    pub(super) depth: u32,
    pub(super) is_paragraph: bool,
    pub(super) is_poem: bool,
}

impl Writer<'_> {
    /// Writes lines.
    pub(super) fn blocks(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let end = self.page.find(b'\n', &(at..range.end)).unwrap_or(range.end);
            self.line(at..end);
            at = end + 1;
        }
        self.end_paragraph();
    }

    fn end_paragraph(&mut self) {
        if std::mem::take(&mut self.is_paragraph) {
            self.out.push_str("</p>\n");
        }
    }

    /// A line that is a block of its own.
    fn block(&mut self, range: Range<usize>) {
        self.end_paragraph();
        self.out.push_str("<p>");
        self.inline(range);
        self.out.push_str("</p>\n");
    }

    fn line(&mut self, range: Range<usize>) {
        let line = self.page.of(&range);
        let content = line.trim_matches([' ', '\t', '\r']);
        let start = range.start + (line.len() - line.trim_start_matches([' ', '\t', '\r']).len());
        let trimmed = start..start + content.len();
        let marks = content.len() - content.trim_start_matches(['*', '#', ';', ':']).len();
        let behind = self.page.trim(&(trimmed.start + marks..trimmed.end));
        if self.page.span_at(behind.start).is_some_and(|span| span.kind == Kind::Table) {
            self.end_paragraph();
            self.inline(behind);
        } else if content.is_empty() {
            self.end_paragraph();
        } else if marks > 0 {
            self.block(behind);
        } else if let Some(heading) = self.heading(&trimmed) {
            self.end_paragraph();
            self.out.push_str("<h2>");
            self.inline(heading);
            self.out.push_str("</h2>\n");
        } else if content.starts_with("----") {
            let rest = content.trim_start_matches('-').len();
            self.block(trimmed.end - rest..trimmed.end);
        } else if start > range.start || content.starts_with('\u{3000}') {
            // An indented line stands for itself.
            self.block(trimmed);
        } else {
            let before = self.out.len();
            let was_paragraph = self.is_paragraph;
            self.out.push_str(if was_paragraph { "\n" } else { "<p>" });
            self.is_paragraph = true;
            let begun = self.out.len();
            self.inline(trimmed);
            if self.out.len() == begun {
                // Nothing of the line is shown.
                self.out.truncate(before);
                self.is_paragraph = was_paragraph;
                self.end_paragraph();
            } else if self.is_poem {
                self.out.push_str("<br>");
            }
        }
    }

    /// What stands between the equals signs of a heading.
    fn heading(&self, line: &Range<usize>) -> Option<Range<usize>> {
        let end = self.page.without_comments(line).end;
        let text = self.page.of(&(line.start..end));
        let level = |count: usize| count.min(6);
        let (left, right) = (text.len() - text.trim_start_matches('=').len(), text.len() - text.trim_end_matches('=').len());
        let marks = level(left).min(level(right));
        (marks > 0 && text.len() > 2 * marks).then(|| self.page.trim(&(line.start + marks..end - marks)))
    }

    /// Writes what stands in a line, or in an argument.
    fn inline(&mut self, range: Range<usize>) {
        let bytes = self.page.bytes();
        let (mut at, mut plain) = (range.start, range.start);
        while at < range.end {
            if !SPECIAL[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            self.out.push_str(self.page.of(&(plain..at)));
            plain = self.special(at, range.end);
            at = plain.max(at + 1);
        }
        self.out.push_str(self.page.of(&(plain..range.end)));
    }

    /// Writes what begins at a special byte; gives where it ends, or `at` if it is plain text.
    fn special(&mut self, at: usize, end: usize) -> usize {
        let bytes = self.page.bytes();
        // Counted only where all of a run is dealt with at once: the walk stays linear.
        let run = if matches!(bytes[at], b'\'' | b'{' | b'}' | b'[' | b']') {
            bytes[at..end].iter().take_while(|byte| **byte == bytes[at]).count()
        } else {
            1
        };
        if let Some(span) = self.page.span_at(at).filter(|span| span.all.end <= end) {
            self.span(&span);
            return span.all.end;
        }
        match bytes[at] {
            b'\'' if run > 1 => {
                // Two are italic, three are bold, five are both; what is beyond stands for itself.
                let shown = match run {
                    4 => 1,
                    2 | 3 | 5 => 0,
                    run => run - 5,
                };
                self.out.extend(std::iter::repeat_n('\'', shown));
                at + run
            }
            b'[' if run == 1 => self.external_link(at, end),
            // A run of braces or brackets may begin before the marks of a span; a mark without a partner shows nothing of the text.
            b'{' | b'}' | b'[' | b']' if run > 1 => {
                let span = self.page.next_span(&(at..at + run)).map(|span| span.all.start);
                if span.is_none() {
                    self.dropped.add("mark_alone");
                }
                span.unwrap_or(at + run)
            }
            b'_' if at + 1 < end && bytes[at + 1] == b'_' => self.switch(at, end),
            b'<' => {
                let rest = &bytes[at + 1..end];
                let is_closing = rest.first() == Some(&b'/');
                let name = &rest[usize::from(is_closing)..];
                if name.len() >= 4 && name[..4].eq_ignore_ascii_case(b"poem") {
                    self.is_poem = !is_closing;
                }
                at
            }
            b'\n' if self.is_poem => {
                self.out.push_str("<br>");
                at
            }
            _ => at,
        }
    }

    fn span(&mut self, span: &Span) {
        if self.depth >= DEPTH_MAX {
            self.dropped.add("nesting");
            return;
        }
        self.depth += 1;
        match span.kind {
            Kind::Comment => {}
            Kind::Tag(Tag::Literal) => self.literal(&span.inner),
            Kind::Tag(Tag::Preformatted) => {
                self.out.push_str("<pre>\n");
                self.literal(&span.inner);
                self.out.push_str("</pre>");
            }
            Kind::Tag(Tag::Dropped(kind)) => self.dropped.add(kind),
            Kind::Link => self.link(&span.inner),
            Kind::Table => self.table(&span.inner),
            Kind::Template => self.template(&span.inner),
            Kind::Parameter => match self.page.find(b'|', &span.inner) {
                Some(bar) => self.argument(bar + 1..span.inner.end),
                None => self.dropped.add("parameter"),
            },
        }
        self.depth -= 1;
    }

    /// Text that is no wikitext. References are read in it, too.
    fn literal(&mut self, range: &Range<usize>) {
        let text = self.page.of(range).replace('<', "&lt;");
        self.out.push_str(&text);
    }

    /// An argument: a few words, or lines.
    fn argument(&mut self, range: Range<usize>) {
        let range = self.page.without_comments(&range);
        if self.page.find(b'\n', &range).is_none() {
            return self.inline(range);
        }
        let (is_paragraph, is_poem) = (std::mem::take(&mut self.is_paragraph), self.is_poem);
        self.blocks(range);
        (self.is_paragraph, self.is_poem) = (is_paragraph, is_poem);
    }

    fn link(&mut self, inner: &Range<usize>) {
        let bar = self.page.find(b'|', inner);
        let target = self.page.trim(&(inner.start..bar.unwrap_or(inner.end)));
        let label = bar.map(|bar| bar + 1..inner.end);
        let name = self.page.of(&target);
        if let Some(name) = name.strip_prefix(':') {
            // A link to a file or a category, not the thing itself.
            let start = target.end - name.len();
            return self.label(label, start..target.end);
        }
        let (namespace, title) = self.site.split(name);
        match namespace {
            Namespace::File => self.dropped.add("picture"),
            Namespace::Category => {
                let category = title.trim().replace('_', " ");
                if !category.is_empty() && !self.categories.contains(&category) {
                    self.categories.push(category);
                }
                self.dropped.add("category");
            }
            _ if Site::is_other_language(name) => self.dropped.add("language_link"),
            _ => self.label(label, target),
        }
    }

    /// The words of a link: its label, or its target.
    fn label(&mut self, label: Option<Range<usize>>, target: Range<usize>) {
        let Some(label) = label else { return self.inline(target) };
        if !self.page.of(&label).trim().is_empty() {
            return self.inline(label);
        }
        // `[[Help:a (b)|]]` shows `a`.
        let name = self.page.of(&target);
        let bare = name.split_once(':').map_or(name, |(_, rest)| rest);
        let start = target.end - bare.len();
        let cut = [" (", "（", "("].iter().filter_map(|open| bare.find(open)).min().filter(|_| bare.ends_with([')', '）']));
        self.inline(start..start + cut.unwrap_or(bare.len()));
    }

    fn external_link(&mut self, at: usize, end: usize) -> usize {
        let rest = self.page.of(&(at + 1..end));
        if !SCHEMES.iter().any(|scheme| rest.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))) {
            return at;
        }
        // Links stand in a line and are short: what follows is not searched again for each that does not end.
        let inside = at + 1..end.min(at + LINK_MAX);
        let line = self.page.find(b'\n', &inside).unwrap_or(inside.end);
        let Some(close) = self.page.find(b']', &(inside.start..line)) else { return at };
        let link = self.page.of(&(inside.start..close));
        match link.find([' ', '\u{3000}', '\t']) {
            Some(blank) => {
                let label = self.page.trim(&(inside.start + blank..close));
                self.inline(label);
            }
            None => self.dropped.add("external_link"),
        }
        close + 1
    }

    /// `__NOTOC__` and the like.
    fn switch(&mut self, at: usize, end: usize) -> usize {
        let rest = self.page.of(&(at + 2..end));
        let is_it = |word: &&&str| rest.strip_prefix(**word).is_some_and(|behind| behind.starts_with("__"));
        SWITCHES.iter().find(is_it).map_or(at, |word| at + word.len() + 4)
    }

    fn template(&mut self, inner: &Range<usize>) {
        let parts = self.page.parts(inner);
        let Some((first, arguments)) = parts.split_first() else { return };
        let name = self.name(first);
        if let Some((function, _)) = name.split_once(':') {
            return self.function(&function.trim().to_lowercase(), first, &name);
        }
        if matches!(name.as_str(), "PAGENAME" | "FULLPAGENAME" | "SUBJECTPAGENAME") {
            let title = self.title.replace('<', "&lt;");
            return self.out.push_str(&title);
        }
        let templates = self.templates;
        let Some(pieces) = templates.get(&name) else { return self.dropped.add("template") };
        let (mut unnamed, mut named) = (Vec::new(), Vec::new());
        for part in arguments {
            match self.page.find(b'=', part).filter(|&equals| {
                self.page.next_span(&(part.start..equals)).is_none() && !self.page.of(&(part.start..equals)).contains('<')
            }) {
                Some(equals) => named.push((self.page.of(&(part.start..equals)).trim().to_owned(), equals + 1..part.end)),
                None => unnamed.push(part.clone()),
            }
        }
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.out.push_str(text),
                Piece::Argument(names) => {
                    let of_name = |name: &String| {
                        let with_name = named.iter().rev().find(|(known, _)| known == name).map(|(_, range)| range.clone());
                        let without = || name.parse::<usize>().ok().and_then(|number| unnamed.get(number.checked_sub(1)?).cloned());
                        with_name.or_else(without).filter(|range| !self.page.of(range).trim().is_empty())
                    };
                    if let Some(range) = names.iter().find_map(of_name) {
                        self.argument(range);
                    }
                }
                Piece::All(between) => {
                    for (number, range) in unnamed.iter().enumerate() {
                        if number > 0 {
                            self.out.push_str(between);
                        }
                        self.argument(range.clone());
                    }
                }
            }
        }
    }

    /// The name of a template, without comments; one that is made by a template is not known.
    fn name(&self, range: &Range<usize>) -> String {
        let (mut name, mut at) = (String::new(), range.start);
        while let Some(span) = self.page.next_span(&(at..range.end)) {
            name.push_str(self.page.of(&(at..span.all.start)));
            if span.kind != Kind::Comment {
                return String::new();
            }
            at = span.all.end;
        }
        name.push_str(self.page.of(&(at..range.end)));
        name.trim().to_owned()
    }

    /// A function of the parser.
    fn function(&mut self, name: &str, first: &Range<usize>, whole: &str) {
        match name {
            "lc" | "uc" | "lcfirst" | "ucfirst" | "formatnum" | "ns" => {
                let colon = self.page.of(first).find(':').map_or(first.end, |length| first.start + length + 1);
                self.argument(colon..first.end);
            }
            "template" | "テンプレート" => {
                // The template itself: its name says so.
                let bare = whole.split_once(':').map_or("", |(_, rest)| rest).trim().to_owned();
                if self.templates.get(&bare).is_none() { self.dropped.add("template") } else { self.dropped.add("template_by_full_name") }
            }
            "defaultsort" | "デフォルトソート" | "defaultsortkey" | "defaultcategorysort" => self.dropped.add("sort_key"),
            _ => self.dropped.add("function"),
        }
    }

    fn table(&mut self, inner: &Range<usize>) {
        let was_paragraph = std::mem::take(&mut self.is_paragraph);
        if was_paragraph {
            self.out.push_str("</p>\n");
        }
        // The first line holds attributes.
        let mut at = self.page.find(b'\n', inner).map_or(inner.end, |end| end + 1);
        self.out.push_str("<table>");
        let (mut in_row, mut in_cell) = (false, false);
        while at < inner.end {
            let end = self.page.find(b'\n', &(at..inner.end)).unwrap_or(inner.end);
            let line = self.page.trim(&(at..end));
            at = end + 1;
            let text = self.page.of(&line);
            let (is_bar, is_head) = (text.starts_with('|'), text.starts_with('!'));
            let is_table = self.page.span_at(line.start).is_some();
            if is_table || !is_bar && !is_head {
                if in_cell {
                    self.line(line);
                }
                continue;
            }
            if in_cell {
                self.end_paragraph();
                self.out.push_str("</td>");
                in_cell = false;
            }
            if text.starts_with("|-") || text.starts_with("|+") {
                if std::mem::take(&mut in_row) {
                    self.out.push_str("</tr>");
                }
                if text.starts_with("|+") {
                    let caption = self.behind_attributes(line.start + 2..line.end);
                    self.out.push_str("<caption>");
                    self.inline(caption);
                    self.out.push_str("</caption>");
                }
                continue;
            }
            if !in_row {
                self.out.push_str("<tr>");
                in_row = true;
            }
            let mut start = line.start + 1;
            loop {
                let next = self.next_cell(&(start..line.end), is_head);
                let cell = self.behind_attributes(start..next.unwrap_or(line.end));
                self.out.push_str("<td>");
                self.inline(cell);
                let Some(next) = next else { break };
                self.out.push_str("</td>");
                start = next + 2;
            }
            in_cell = true;
        }
        self.end_paragraph();
        self.out.push_str("</table>\n");
    }

    /// Where `||` (or in a line of heads `!!`) begins the next cell of a line.
    fn next_cell(&self, range: &Range<usize>, is_head: bool) -> Option<usize> {
        let of = |byte: u8| {
            let mut from = range.start;
            while let Some(at) = self.page.find(byte, &(from..range.end)) {
                if at + 1 < range.end && self.page.bytes().get(at + 1) == Some(&byte) {
                    return Some(at);
                }
                from = at + 1;
            }
            None
        };
        let heads = if is_head { of(b'!') } else { None };
        [of(b'|'), heads].into_iter().flatten().min()
    }

    /// A cell without `style="…" |`.
    fn behind_attributes(&self, cell: Range<usize>) -> Range<usize> {
        let bar =
            self.page.find(b'|', &cell).filter(|&bar| self.page.next_span(&(cell.start..bar)).is_none_or(|span| span.kind != Kind::Link));
        let start = bar.map_or(cell.start, |bar| bar + 1);
        self.page.trim(&(start..cell.end))
    }
}
