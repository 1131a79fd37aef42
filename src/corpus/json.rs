//! JSON documents (a list of records, records one behind the other, each over as many lines as it likes): where a value ends.
//!
//! Only brackets and quotes are looked at, so that a file can be cut into records without parsing them; what a record holds is read by
//! [`parse`](super::jsonl::parse), as in JSON Lines.

/// Looks for the end of a value.
#[derive(Debug, Clone, Default)]
pub struct ValueEnd {
    depth: u64,
    in_string: bool,
    is_escaped: bool,
    /// A word or number has begun.
    in_word: bool,
    objects: u64,
}

impl ValueEnd {
    /// Goes on at `at`; gives the byte behind the value (true), or behind all that can be looked at yet. A value begins with no blank.
    pub fn find(&mut self, bytes: &[u8], at: usize) -> (usize, bool) {
        let mut at = at;
        while at < bytes.len() {
            if self.in_string {
                if self.is_escaped {
                    (self.is_escaped, at) = (false, at + 1);
                    continue;
                }
                let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) else { return (bytes.len(), false) };
                at += found + 1;
                if bytes[at - 1] == b'\\' {
                    self.is_escaped = true;
                    continue;
                }
                self.in_string = false;
                if self.depth == 0 {
                    return (at, true);
                }
                continue;
            }
            match bytes[at] {
                b'"' if !self.in_word => self.in_string = true,
                b'{' | b'[' if !self.in_word => {
                    self.objects += u64::from(self.depth == 2 && bytes[at] == b'{');
                    self.depth += 1;
                }
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'[' | b'"' if self.depth == 0 => return (at, true),
                _ => self.in_word = self.depth == 0,
            }
            at += 1;
        }
        (at, false)
    }

    /// Objects that stand in lists which are members of the value, as far as it has been looked at.
    pub fn objects_in_lists(&self) -> u64 {
        self.objects
    }

    /// Is the value whole if nothing follows?
    pub fn may_end(&self) -> bool {
        self.depth == 0 && !self.in_string
    }
}

/// The values that stand one behind the other in a piece of a list, each with the bytes before it.
pub fn values(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = list.as_bytes();
        at += bytes.get(at..)?.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',')).count();
        let (end, _) = ValueEnd::default().find(bytes, at);
        // What begins no value is taken as one, so that it is refused.
        let end = if end == at { list.len() } else { end };
        let from = std::mem::replace(&mut at, end);
        list.get(from..end).filter(|value| !value.is_empty()).map(|value| (from, value))
    })
}

/// How many blanks stand at `at`.
pub fn blanks(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count()
}

/// Does a file that begins like this hold values that go over several lines, or a list of objects?
pub fn is_document(head: &[u8], is_named: bool) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = &head[blanks(head)..];
    match head.first() {
        Some(b'[') => is_named || head[1 + blanks(&head[1..])..].first() == Some(&b'{'),
        Some(b'{') => {
            // A line end between the tokens of the first object: a line alone is no record.
            let line = memchr::memchr(b'\n', head).unwrap_or(head.len());
            let mut first = ValueEnd::default();
            let (_, is_whole) = first.find(&head[..line], 0);
            line < head.len() && !is_whole && !first.in_string
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end(text: &str) -> (usize, bool) {
        ValueEnd::default().find(text.as_bytes(), 0)
    }

    #[test]
    fn values_end() {
        for (text, expected) in [
            (r#"{"a":[1,"}"]} x"#, (13, true)),
            (r#"{"a":"\\"}"#, (10, true)),
            (r#"{"a":"\"}"#, (9, false)),
            (r#""a\"b","#, (6, true)),
            ("12,", (2, true)),
            ("null]", (4, true)),
            ("[[1],[2]],", (9, true)),
            ("{", (1, false)),
        ] {
            assert_eq!(end(text), expected, "{text}");
        }
    }

    #[test]
    fn documents_are_told_from_lines() {
        for (head, is_named, expected) in [
            ("[\n {\"text\":1}", false, true),
            ("[注] これは", false, false),
            ("[1]", true, true),
            ("{\n \"text\": \"a\"\n}", false, true),
            ("\u{feff}{\"text\":\n\"a\"}", false, true),
            ("{\"text\":\"a\"}\n{", true, false),
            ("{\"text\":\"a", true, false),
            ("{\"text\":\"a\n{\"text\":\"b\"}\n", true, false),
            ("", true, false),
        ] {
            assert_eq!(is_document(head.as_bytes(), is_named), expected, "{head}");
        }
    }

    #[test]
    fn values_of_a_list() {
        let of = |list| values(list).collect::<Vec<_>>();
        assert_eq!(of(" {\"a\":[1,2]},\n 3 , \"}\""), [(1, "{\"a\":[1,2]}"), (15, "3"), (19, "\"}\"")]);
        assert_eq!((of(""), of(", ]x")), (vec![], vec![(2, "]x")]));
    }

    #[test]
    fn objects_in_lists_of_a_value_are_counted() {
        for (text, expected) in [(r#"{"a":[{"b":[{}]},{"c":"{"}],"d":{"e":1}}"#, 2), (r#"{"a":"[{"}"#, 0), (r#"[{"a":1}]"#, 0)] {
            let mut value = ValueEnd::default();
            assert_eq!(value.find(text.as_bytes(), 0), (text.len(), true));
            assert_eq!(value.objects_in_lists(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_found(texts in proptest::collection::vec(any::<String>(), 0..4), pretty in any::<bool>(), cut in 0_usize..50) {
            let value = serde_json::json!({ "a": texts, "b": { "c": texts } });
            let json = if pretty { format!("{value:#}") } else { value.to_string() };
            let followed = format!("{json},{json}");
            prop_assert_eq!(end(&followed), (json.len(), true));
            let mut in_two = ValueEnd::default();
            let cut = cut.min(json.len());
            let (at, is_whole) = in_two.find(&followed.as_bytes()[..cut], 0);
            if !is_whole {
                prop_assert_eq!(in_two.find(followed.as_bytes(), at), (json.len(), true));
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'{'), Just(b'\\'), Just(b']')], 0..64)) {
            let (at, _) = ValueEnd::default().find(&bytes, 0);
            prop_assert!(at <= bytes.len());
            is_document(&bytes, true);
        }
    }
}
