//! HTML → the text a reader sees, one line a block.
//!
//! No tree is built: tags are passed over, block tags end lines, scripts, styles, titles and the readings of ruby are left out,
//! references are resolved. Broken markup costs markup, not time: everything is read once.

/// Elements whose content is no text of the page.
const HIDDEN: &[&str] = &["script", "style", "title", "template", "noscript", "textarea", "svg", "iframe", "object", "math"];
/// Elements that stand on lines of their own.
#[rustfmt::skip]
const BLOCKS: &[&str] = &[
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "details", "dialog", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html",
    "legend", "li", "main", "menu", "nav", "ol", "option", "p", "pre", "search", "section", "select", "summary", "table", "tbody",
    "tfoot", "thead", "tr", "ul",
];
/// Named references that occur in Japanese pages.
#[rustfmt::skip]
const NAMED: &[(&str, char)] = &[
    ("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\''), ("nbsp", '\u{a0}'), ("copy", '©'), ("reg", '®'),
    ("trade", '™'), ("yen", '¥'), ("pound", '£'), ("euro", '€'), ("cent", '¢'), ("sect", '§'), ("para", '¶'), ("deg", '°'),
    ("plusmn", '±'), ("times", '×'), ("divide", '÷'), ("middot", '·'), ("bull", '•'), ("hellip", '…'), ("ndash", '–'), ("mdash", '—'),
    ("lsquo", '‘'), ("rsquo", '’'), ("ldquo", '“'), ("rdquo", '”'), ("laquo", '«'), ("raquo", '»'), ("larr", '←'), ("uarr", '↑'),
    ("rarr", '→'), ("darr", '↓'), ("frac12", '½'), ("sup2", '²'), ("sup3", '³'), ("micro", 'µ'), ("alpha", 'α'), ("beta", 'β'),
    ("shy", '\u{ad}'), ("ensp", '\u{2002}'), ("emsp", '\u{2003}'), ("thinsp", '\u{2009}'), ("zwnj", '\u{200c}'), ("zwj", '\u{200d}'),
    ("hearts", '♥'), ("infin", '∞'),
];

/// Longest name or number of a reference.
const REFERENCE_MAX: usize = 10;

/// The charset a page says it is in, from its first KiB.
pub(super) fn declared_charset(bytes: &[u8]) -> Option<&str> {
    let head = &bytes[..bytes.len().min(1024)];
    let at = head.to_ascii_lowercase().windows(8).position(|window| window == b"charset=")? + 8;
    let label = head[at..].strip_prefix(b"\"").or_else(|| head[at..].strip_prefix(b"'")).unwrap_or(&head[at..]);
    let end = label.iter().position(|b| !b.is_ascii_alphanumeric() && !b"-_".contains(b)).unwrap_or(label.len());
    std::str::from_utf8(&label[..end]).ok()
}

/// Does the text begin like a page?
pub(super) fn is_page(text: &str) -> bool {
    let start = text.trim_start().as_bytes();
    ["<!doctype html", "<html"].iter().any(|tag| start.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes())))
}

/// The text of a page.
pub(super) fn text(page: &str) -> String {
    let mut reader = Reader {
        rest: page,
        quotes: true,
        in_reading: false,
        pre: 0,
        out: Lines { text: String::with_capacity(page.len() / 2), gap: Gap::None },
    };
    while !reader.rest.is_empty() {
        reader.step();
    }
    reader.out.text
}

struct Reader<'a> {
    rest: &'a str,
    /// May `>` be hidden in quotes? Not any more once a quote did not end.
    quotes: bool,
    /// Between `<rt>` or `<rp>` and its end.
    in_reading: bool,
    /// Depth of `<pre>`.
    pre: u32,
    out: Lines,
}

impl Reader<'_> {
    /// Text up to the next `<`, or a piece of markup.
    fn step(&mut self) {
        match memchr::memchr(b'<', self.rest.as_bytes()) {
            Some(0) => self.markup(),
            found => {
                let (text, rest) = self.rest.split_at(found.unwrap_or(self.rest.len()));
                self.rest = rest;
                self.put(text);
            }
        }
    }

    fn markup(&mut self) {
        let bytes = self.rest.as_bytes();
        let end = match bytes.get(1) {
            Some(b'!') if bytes.starts_with(b"<!--") => memchr::memmem::find(&bytes[4..], b"-->").map_or(bytes.len(), |at| at + 7),
            Some(b'!' | b'?') => memchr::memchr(b'>', bytes).map_or(bytes.len(), |at| at + 1),
            Some(b'/') if bytes.get(2).is_some_and(u8::is_ascii_alphabetic) => return self.tag(2),
            Some(b) if b.is_ascii_alphabetic() => return self.tag(1),
            _ => {
                self.put("<");
                1
            }
        };
        self.rest = self.rest.get(end..).unwrap_or_default();
    }

    /// A tag whose name starts at `name`.
    fn tag(&mut self, name: usize) {
        let bytes = self.rest.as_bytes();
        let length = bytes[name..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        // Names that count are short; a longer one is a custom element.
        let mut lower = [0; 16];
        let tag = bytes.get(name..name + length).filter(|tag| tag.len() <= lower.len()).unwrap_or_default();
        lower[..tag.len()].copy_from_slice(tag);
        lower.make_ascii_lowercase();
        let end = tag_end(&bytes[name + length..], &mut self.quotes).map_or(bytes.len(), |at| name + length + at);
        let tag = std::str::from_utf8(&lower[..tag.len()]).unwrap_or_default();
        self.rest = self.rest.get(end..).unwrap_or_default();
        self.element(tag, name == 2);
    }

    fn element(&mut self, tag: &str, closes: bool) {
        match tag {
            "rt" | "rp" => self.in_reading = !closes,
            "rb" | "ruby" => self.in_reading = false,
            "td" | "th" => self.out.open(Gap::Space),
            _ if BLOCKS.contains(&tag) => {
                self.in_reading = false;
                self.out.open(Gap::Line);
                if tag == "pre" {
                    self.pre = if closes { self.pre.saturating_sub(1) } else { self.pre + 1 };
                }
            }
            _ if !closes && HIDDEN.contains(&tag) => self.skip_hidden(tag),
            _ => {}
        }
    }

    /// To the end tag of a hidden element; without one, everything that follows is hidden.
    fn skip_hidden(&mut self, tag: &str) {
        let bytes = self.rest.as_bytes();
        let is_end = |at: &usize| {
            let name = bytes.get(at + 2..at + 2 + tag.len());
            bytes.get(at + 1) == Some(&b'/') && name.is_some_and(|name| name.eq_ignore_ascii_case(tag.as_bytes()))
        };
        let end = memchr::memchr_iter(b'<', bytes).find(is_end).unwrap_or(bytes.len());
        self.rest = self.rest.get(end..).unwrap_or_default();
    }

    fn put(&mut self, text: &str) {
        if self.in_reading {
            return;
        }
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
            let (plain, reference) = rest.split_at(at);
            self.out.put(plain, self.pre > 0);
            let (c, length) = resolve(reference).unwrap_or(('&', 1));
            self.out.put(c.encode_utf8(&mut [0; 4]), self.pre > 0);
            rest = reference.get(length..).unwrap_or_default();
        }
        self.out.put(rest, self.pre > 0);
    }
}

/// Where the tag ends, `>` included; quotes hide `>` only as values and as long as they end.
fn tag_end(bytes: &[u8], quotes: &mut bool) -> Option<usize> {
    let mut at = 0;
    while *quotes {
        at += memchr::memchr2(b'>', b'=', &bytes[at..])? + 1;
        if bytes[at - 1] == b'>' {
            return Some(at);
        }
        at += bytes[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        if let Some(quote @ (b'"' | b'\'')) = bytes.get(at) {
            match memchr::memchr(*quote, &bytes[at + 1..]) {
                Some(length) => at += length + 2,
                None => *quotes = false,
            }
        }
    }
    memchr::memchr(b'>', bytes).map(|at| at + 1)
}

/// The character of a reference and its length; the semicolon may be missing.
fn resolve(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    let length = bytes[1..].iter().take(REFERENCE_MAX).take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
    let name = text.get(1..=length)?;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let hex = number.strip_prefix(['x', 'X']);
            let code = hex.map_or_else(|| number.parse(), |hex| u32::from_str_radix(hex, 16)).ok()?;
            // 0x80–0x9f are meant as Windows-1252, says the HTML standard and every browser.
            match code {
                0x80..=0x9f => encoding_rs::WINDOWS_1252.decode_without_bom_handling(&[code as u8]).0.chars().next()?,
                0 => return None,
                code => char::from_u32(code)?,
            }
        }
        None => NAMED.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((c, 1 + length + usize::from(bytes.get(1 + length) == Some(&b';'))))
}

/// What stands between the text so far and the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    /// A line end of the source: a space between words, nothing between Japanese.
    Fold,
    Space,
    Line,
}

/// The text so far; gaps are written when something follows them.
struct Lines {
    text: String,
    gap: Gap,
}

impl Lines {
    fn open(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn put(&mut self, text: &str, pre: bool) {
        for c in text.chars() {
            match c {
                '\n' if pre => self.open(Gap::Line),
                ' ' | '\t' if pre && !self.text.is_empty() => self.push(c),
                '\n' | '\r' => self.open(Gap::Fold),
                ' ' | '\t' | '\u{c}' => self.open(Gap::Space),
                _ => self.push(c),
            }
        }
    }

    fn push(&mut self, c: char) {
        if let Some(last) = self.text.chars().next_back() {
            match self.gap {
                Gap::Line => self.text.push('\n'),
                Gap::Space => self.text.push(' '),
                Gap::Fold if last.is_ascii() || c.is_ascii() => self.text.push(' '),
                Gap::Fold | Gap::None => {}
            }
        }
        self.gap = Gap::None;
        self.text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_reader_sees() {
        let cases = [
            (
                "<!DOCTYPE html><html><head><title>題</title><style>p{}</style></head><body><p>一\n二</p><P class='a>b'>a\n b</P></body>",
                "一二\na b",
            ),
            ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を<ruby>読<rt>よ</ruby>む", "漢字を読む"),
            ("<script>if (a < b) '<p>';</SCRIPT>x<!-- <p>y</p> -->z", "xz"),
            ("1 &lt; 2 &amp;&#x3042;&#12356;&nbsp;&unknown; &#150;&#0; &amp", "1 < 2 &あい\u{a0}&unknown; –&#0; &"),
            ("a < b <3 <", "a < b <3 <"),
            ("<table><tr><td>一</td><td>二</td></tr><tr><td>三</table>", "一 二\n三"),
            ("<pre>a\n  b</pre>c", "a\n  b\nc"),
            ("一<br>\n　二<br/><br>三<b>四</b>", "一\n　二\n三四"),
            ("<a href=\"x>一</a><p>二", "一\n二"),
            ("x<script>y", "x"),
        ];
        for (page, expected) in cases {
            assert_eq!(text(page), expected, "{page}");
        }
    }

    #[test]
    fn pages_and_their_charset() {
        assert!(is_page("\n<!doctype HTML>") && is_page("<HTML lang=ja>") && !is_page("<p>"));
        assert_eq!(declared_charset(b"<meta charset=\"EUC-JP\">"), Some("EUC-JP"));
        assert_eq!(declared_charset(b"<meta content='text/html; CHARSET=x-sjis'>"), Some("x-sjis"));
        assert_eq!(declared_charset(b"<p>"), None);
    }

    #[test]
    fn broken_markup_is_read_once() {
        for piece in ["<a href=\"", "<", "<!--", "<script", "&", "&#", "<a =", "</", "<rt>", "<pre>"] {
            let _ = text(&piece.repeat(200_000));
        }
    }

    proptest! {
        #[test]
        fn never_panics(page in "(<|>|</|<p>|<rt>|<script>|&|;|#|x|=|\"|'|あ|<!--|-->| |\n|a){0,60}") {
            prop_assert!(text(&page).len() <= page.len());
        }

        #[test]
        fn escaped_text_comes_back(lines in proptest::collection::vec("[a-z<>&あ漢]{1,12}", 1..6)) {
            let escape = |line: &String| line.replace('&', "&amp;").replace('<', "&lt;");
            let page = lines.iter().map(escape).collect::<Vec<_>>().join("</p>\n<p>");
            prop_assert_eq!(text(&page), lines.join("\n"));
        }
    }
}
