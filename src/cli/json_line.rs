//! A record as a line of JSON. Written by hand because `meta` goes through as it came: its numbers are nobody's to round.

use std::fmt::Write as _;

/// A line in the making.
#[derive(Debug)]
pub(super) struct JsonLine {
    line: String,
}

impl JsonLine {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { line: String::with_capacity(bytes) }
    }

    /// Adds a string, if there is one.
    pub(super) fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.name(name);
            self.line.push('"');
            push_escaped(value, &mut self.line);
            self.line.push('"');
        }
    }

    /// Adds a value that is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.line.push_str(json);
    }

    fn name(&mut self, name: &str) {
        self.line.push(if self.line.is_empty() { '{' } else { ',' });
        self.line.push('"');
        self.line.push_str(name);
        self.line.push_str("\":");
    }

    /// Adds the other fields of a record. In a table `meta` may be any text; what is no JSON goes through as a string.
    pub(super) fn meta(&mut self, meta: Option<&str>) {
        match meta.map(|meta| (meta, serde_json::from_str::<serde::de::IgnoredAny>(meta))) {
            // Line ends stand between JSON's tokens only.
            Some((meta, Ok(_))) => self.raw("meta", &meta.replace(['\n', '\r'], " ")),
            Some((meta, Err(_))) => self.text("meta", Some(meta)),
            None => {}
        }
    }

    /// The finished line, without its end.
    pub(super) fn finish(mut self) -> String {
        if self.line.is_empty() {
            self.line.push('{');
        }
        self.line.push('}');
        self.line
    }
}

/// Adds the inside of a string of JSON (RFC 8259, 7). Texts are nearly all of what is written, and hardly a byte of Japanese needs an escape:
/// what lies between two of them is found by vectors and copied at once.
fn push_escaped(text: &str, line: &mut String) {
    line.reserve(text.len());
    let mut rest = text;
    loop {
        // What ends a run is ASCII: all ends are those of characters.
        let (run, other) = rest.split_at(run_of_plain(rest.as_bytes()));
        line.push_str(run);
        let mut characters = other.chars();
        match characters.next() {
            None => return,
            Some('\n') => line.push_str("\\n"),
            Some('"') => line.push_str("\\\""),
            Some('\\') => line.push_str("\\\\"),
            Some('\t') => line.push_str("\\t"),
            Some('\r') => line.push_str("\\r"),
            Some('\u{8}') => line.push_str("\\b"),
            Some('\u{c}') => line.push_str("\\f"),
            Some(control) => {
                // A string takes whatever is written to it.
                let _ = write!(line, "\\u{:04x}", u32::from(control));
            }
        }
        rest = characters.as_str();
    }
}

/// Bytes before the first one that cannot stand in a string as it is.
fn run_of_plain(bytes: &[u8]) -> usize {
    // So many bytes are compared without a branch, which the compiler does with vectors.
    const AT_ONCE: usize = 32;
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    let (chunks, _) = bytes.as_chunks::<AT_ONCE>();
    let whole = chunks.iter().take_while(|chunk| chunk.iter().fold(true, |all, &byte| all & is_plain(byte))).count() * AT_ONCE;
    whole + bytes[whole..].iter().take_while(|&&byte| is_plain(byte)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// serde_json is the reference.
        #[test]
        fn strings_are_those_of_a_library(text in r#"[\x00-\x1f"\\/\x7f米é𠮷\u2028a-c]{0,100}"#, plain in "[米a]{0,70}") {
            for text in [format!("{plain}{text}"), plain] {
                let mut line = String::new();
                push_escaped(&text, &mut line);
                prop_assert_eq!(format!("\"{line}\""), serde_json::to_string(&text).unwrap());
            }
        }
    }

    fn line(meta: &str) -> String {
        let mut line = JsonLine::with_capacity(0);
        line.text("id", Some("\"1\""));
        line.text("url", None);
        line.meta(Some(meta));
        line.finish()
    }

    #[test]
    fn meta_goes_through_as_it_came() {
        let exact = r#"{"n":1e999,"b": 123456789012345678901234567890, "a":1, "a":2}"#;
        assert_eq!(line(exact), format!(r#"{{"id":"\"1\"","meta":{exact}}}"#));
        assert!(line("{\n\"a\":\r\n1}").ends_with(r#""meta":{ "a":  1}}"#));
        assert!(line("no {json\n").ends_with(r#""meta":"no {json\n"}"#));
        assert_eq!(JsonLine::with_capacity(0).finish(), "{}");
    }
}
