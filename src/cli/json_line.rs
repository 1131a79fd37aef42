//! A record as a line of JSON. Written by hand because `meta` goes through as it came: its numbers are nobody's to round.

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
            // A string can always be written.
            self.raw(name, &serde_json::to_string(value).unwrap_or_default());
        }
    }

    /// Adds a value that is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.line.push(if self.line.is_empty() { '{' } else { ',' });
        self.line.push('"');
        self.line.push_str(name);
        self.line.push_str("\":");
        self.line.push_str(json);
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

#[cfg(test)]
mod tests {
    use super::*;

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
