//! Pages and pictures of markup (HTML, SVG): does one do something when it is shown?
//!
//! Nobody reads markup exactly as another does, so every `<` is taken for the beginning of a tag, wherever it stands: in a comment, in a script, in a
//! value. What a browser would not read as markup may be told, then; what it would, is.

/// The program of the pages that `seimai report` draws: it reckons with the figures that stand in the page, and reaches for nothing else.
const OURS: &[u8] = include_bytes!("../../cli/report/page.js");
/// Steps for each byte of a page, in all: tags in tags in tags are not followed for ever.
const STEPS: usize = 64;

/// What an attribute that is a script is called.
const HANDLER: &str = "an attribute that is a script";

/// Is this a page, from its first bytes?
pub fn is_page(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let lower = head.get(..head.len().min(512)).unwrap_or_default().to_ascii_lowercase();
    [&b"<!doctype html"[..], b"<html", b"<svg", b"<?xml", b"<head", b"<body", b"<script", b"<!--"]
        .iter()
        .any(|start| lower.starts_with(start))
}

/// Where a page does something: byte and what. Data that stands in a page as a script, and the program of our own pages, do nothing.
pub fn acts(page: &[u8]) -> Option<(usize, &'static str)> {
    const WORDS: [(&[u8], &str); 9] = [
        (b"<script", "a script"),
        (b"javascript:", "an address that is a script"),
        (b"vbscript:", "an address that is a script"),
        (b"<iframe", "a frame of another page"),
        (b"<object", "an embedded object"),
        (b"<embed", "an embedded object"),
        (b"<foreignobject", "markup of another kind inside of a picture"),
        (b"http-equiv=\"refresh", "a page that leads elsewhere"),
        (b"<!entity", "an entity that a reader expands"),
    ];
    let mut lower = page.to_ascii_lowercase();
    // The tag alone is left out: what a browser reads as markup may stand where it seems to be data.
    let idle: Vec<usize> = memchr::memmem::find_iter(&lower, b"<script").filter(|at| is_idle(page, &lower, *at)).collect();
    for at in idle {
        lower[at + 1] = b' ';
    }
    let word = WORDS.iter().filter_map(|(word, what)| Some((memchr::memmem::find(&lower, word)?, *what))).min();
    word.into_iter().chain(handler(&lower)).min()
}

/// Is a script data, or ours?
fn is_idle(page: &[u8], lower: &[u8], at: usize) -> bool {
    const DATA: &[u8] = b"<script type=\"application/json\"";
    let rest = &lower[at..];
    let is_data = rest.strip_prefix(DATA).is_some_and(|rest| matches!(rest.first(), Some(b' ' | b'>')));
    let is_ours = || page.get(at + 8..).and_then(|rest| rest.strip_prefix(OURS)).is_some_and(|rest| rest.starts_with(b"</script>"));
    is_data || rest.starts_with(b"<script>") && is_ours()
}

/// The first `onload=` or the like in a tag.
fn handler(lower: &[u8]) -> Option<(usize, &'static str)> {
    let mut tag = Tag { lower, at: 0, steps: lower.len().saturating_mul(STEPS) };
    for open in memchr::memchr_iter(b'<', lower) {
        if !lower.get(open + 1).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        tag.at = open + 1;
        match tag.handler() {
            Some(at) => return Some((at, HANDLER)),
            None if tag.steps == 0 => return Some((open, "markup that cannot be followed")),
            None => {}
        }
    }
    None
}

/// Reads a tag.
struct Tag<'p> {
    lower: &'p [u8],
    at: usize,
    steps: usize,
}

impl Tag<'_> {
    /// The next byte, while there are steps.
    fn peek(&self) -> Option<u8> {
        self.lower.get(self.at).copied().filter(|_| self.steps > 0)
    }

    fn step(&mut self) {
        self.at += 1;
        self.steps -= 1;
    }

    fn skip(&mut self, is_wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is_wanted) {
            self.step();
        }
    }

    /// The first attribute of the tag that is a script.
    fn handler(&mut self) -> Option<usize> {
        let is_blank = |byte: u8| byte.is_ascii_whitespace();
        self.skip(|byte| !is_blank(byte) && !matches!(byte, b'/' | b'>'));
        loop {
            self.skip(|byte| is_blank(byte) || byte == b'/');
            if self.peek()? == b'>' {
                return None;
            }
            let start = self.at;
            self.step();
            self.skip(|byte| !is_blank(byte) && !matches!(byte, b'/' | b'>' | b'='));
            let name = &self.lower[start..self.at];
            self.skip(is_blank);
            if self.peek()? != b'=' {
                continue;
            }
            if name.len() > 4 && name.starts_with(b"on") && name.iter().all(u8::is_ascii_alphabetic) {
                return Some(start);
            }
            self.step();
            self.skip(is_blank);
            match self.peek()? {
                quote @ (b'"' | b'\'') => {
                    self.step();
                    self.skip(|byte| byte != quote);
                    self.peek()?;
                    self.step();
                }
                _ => self.skip(|byte| !is_blank(byte) && byte != b'>'),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_that_act_are_told() {
        let far = format!("<img alt=\"{}\" onerror=x>", "a".repeat(9000));
        for page in [
            "<svg><SCRIPT>x</script></svg>",
            "<svg onload=alert(1)>",
            "<svg/onload=alert(1)>",
            "<a href='javascript:x'>",
            "<html><body onclick = 'x'>",
            "<img alt=\">\" onerror=x>",
            "<img alt='a\"'onerror=x>",
            "<img x=a'b onerror=x y='>",
            "<!-- <a x=\" --> <img onerror=x> <!-- \"> -->",
            "<style><a x=\"</style><img\tonerror\n=\nx>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]>",
            &far,
        ] {
            assert!(acts(page.as_bytes()).is_some(), "{page}");
        }
        for page in [
            "<html><p>on = 3, and onload=x in words</p></html>",
            "<svg><path d='M0 0'/></svg>",
            "<p>online = はい</p>",
            "<img alt=' onload=x '>",
            "<p only=x one=y on=z>",
            "<a b='c' d e = \"f\" g=h/>",
        ] {
            assert_eq!(acts(page.as_bytes()), None, "{page}");
        }
    }

    #[test]
    fn our_own_page_and_data_do_nothing() {
        let data = b"<html><script type=\"application/json\" id=\"facts\">{\"a\": \"an onload=x\"}</script><script>";
        let ours = [data, OURS, b"</script>"].concat();
        assert_eq!(acts(&ours), None);
        for other in [
            &b"<script>x</script>"[..],
            b"<p onclick=x>",
            b"<script type=\"application/jsonx\">x</script>",
            b"<!-- <script type=\"application/json\"> --> <img onerror=x>",
        ] {
            assert_eq!(acts(&[&ours, other].concat()).map(|(at, _)| at >= ours.len()), Some(true));
        }
        assert!(acts(&[b"<html><script>", OURS, b"x</script>"].concat()).is_some());
        assert!(is_page(b"  <HTML>") && !is_page(b"{}") && !is_page(b"< 3"));
    }

    #[test]
    fn tags_in_tags_come_to_an_end() {
        assert!(acts("<a".repeat(200_000).as_bytes()).is_some());
        assert!(acts("<a x=\"".repeat(100_000).as_bytes()).is_some());
    }

    proptest! {
        #[test]
        fn any_page_is_answered(pieces in prop::collection::vec(prop::sample::select(vec!["<a", "<", ">", "\"", "'", "=", " ", "on", "click", "/", "あ", "<script>", "x"]), 0..30)) {
            let page = pieces.concat();
            if let Some((at, _)) = acts(page.as_bytes()) {
                prop_assert!(at < page.len());
            }
        }
    }
}
