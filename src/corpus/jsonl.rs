//! One line of JSON Lines → the fields of a record, strictly.
//!
//! RFC 8259 read in one pass, and nothing beside it but the three numbers that JSON does not know and many writers write (`NaN`, `Infinity`,
//! `-Infinity`): in a side field they are nothing, and cost nothing. A general JSON library is not strict in the places that matter here: it
//! takes the last of two equal keys (a way past filters), looks into skipped values less closely, and knows no reason codes.

use std::borrow::Cow;

use super::fields::{Fields, NoParts, NoText, Value};
use super::mapping::{Mapping, Target};

/// Containers that may be open at once, the record itself among them.
const DEPTH_MAX: usize = 128;

/// Why a line is no record: a stable reason code, and words for the detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Reason code of `quarantine.jsonl`.
    pub reason: &'static str,
    /// What was expected.
    pub message: Cow<'static, str>,
    /// Byte of the line where it went wrong.
    pub at: usize,
}

/// Is the line (without its LF and one CR) blank, so that it is no record?
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|b| matches!(b, b' ' | b'\t'))
}

/// Reads a line that holds exactly one JSON object; the parts of its text have been joined.
///
/// # Errors
/// The first thing that is wrong with it: `utf8`, `json_syntax`, `json_eof`, `json_trailing`, `json_depth`, `not_object`, `duplicate_key`,
/// `lone_surrogate`, `text_missing`, `text_type`.
pub fn parse<'a>(line: &'a [u8], mapping: &Mapping) -> Result<Fields<'a>, Fault> {
    let text = simdutf8::compat::from_utf8(line).map_err(|e| Fault { reason: "utf8", message: "not UTF-8".into(), at: e.valid_up_to() })?;
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, mapping, seen: 0 };
    scanner.space();
    let start = scanner.at;
    if scanner.peek() == Some(b'{') {
        return scanner.record();
    }
    scanner.skip_value(0)?;
    scanner.end()?;
    Err(Fault { reason: "not_object", message: "the line is JSON, but no object".into(), at: start })
}

struct Scanner<'a, 'm> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    mapping: &'m Mapping,
    /// Places of the mapping that have been met.
    seen: u64,
}

impl<'a> Scanner<'a, '_> {
    fn record(&mut self) -> Result<Fields<'a>, Fault> {
        let mut fields = Fields::default();
        self.members(Mapping::ROOT, 0, "", &mut fields)?;
        self.end()?;
        match fields.join_text(self.mapping.joiner()) {
            Ok(()) => Ok(fields),
            Err(NoParts::Null) => self.fault("text_type", format!("{} is null", self.mapping.text_names())),
            Err(NoParts::Missing) => self.fault("text_missing", fields.hint(self.mapping)),
        }
    }

    /// The members of an object that stands at a place of the mapping; `depth` containers are open around it.
    fn members(&mut self, node: usize, depth: usize, prefix: &str, fields: &mut Fields<'a>) -> Result<(), Fault> {
        self.at += 1;
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let at = self.at;
            let key = self.key()?;
            match key.as_deref().and_then(|key| self.mapping.child(node, key)) {
                Some(child) if self.seen & 1 << child != 0 => {
                    return Err(Fault { reason: "duplicate_key", message: "a known key stands twice".into(), at });
                }
                Some(child) => {
                    self.seen |= 1 << child;
                    self.known(child, depth + 1, key, prefix, fields)?;
                }
                None => self.left_over(depth + 1, key, prefix, fields)?,
            }
            if self.closes(b'}')? {
                return Ok(());
            }
        }
    }

    /// The elements of a list that stands at a place of the mapping.
    fn elements(&mut self, node: usize, depth: usize, prefix: &str, fields: &mut Fields<'a>) -> Result<(), Fault> {
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        for index in 0.. {
            let name = Some(Cow::Owned(format!("[{index}]")));
            match self.mapping.element(node, index) {
                Some(child) if self.seen & 1 << child != 0 => return self.fault("duplicate_key", "a known key stands twice"),
                Some(child) => {
                    self.seen |= 1 << child;
                    self.known(child, depth + 1, name, prefix, fields)?;
                }
                None => self.left_over(depth + 1, name, prefix, fields)?,
            }
            if self.closes(b']')? {
                break;
            }
        }
        Ok(())
    }

    /// The value at a place of the mapping: a field, or an object on the way to one.
    fn known(&mut self, node: usize, depth: usize, key: Option<Cow<'a, str>>, prefix: &str, fields: &mut Fields<'a>) -> Result<(), Fault> {
        let mapping = self.mapping;
        let targets = mapping.targets(node);
        if targets.is_empty() {
            let key = key.unwrap_or_default();
            return match self.peek() {
                Some(b'{') => self.members(node, depth, &full(prefix, &key), fields),
                Some(b'[') => self.elements(node, depth, &full(prefix, &key), fields),
                _ => self.left_over(depth, Some(key), prefix, fields),
            };
        }
        let start = self.at;
        let mut value = self.value(depth, targets)?;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let mut is_used = value == Value::Null;
        for (left, target) in (0..targets.len()).rev().zip(targets) {
            // A text is not copied for the last, which mostly is the only one.
            let value = if left == 0 { std::mem::replace(&mut value, Value::Null) } else { value.clone() };
            is_used |= match target {
                Target::Meta => {
                    fields.meta = Some(raw).filter(|raw| *raw != "null").map(Cow::Borrowed);
                    true
                }
                target => fields.set(*target, value).map_err(|NoText| Fault {
                    reason: "text_type",
                    message: format!("`{}` is not a string", full(prefix, key.as_deref().unwrap_or_default())).into(),
                    at: start,
                })?,
            };
        }
        if !is_used {
            self.rest(key, prefix, raw, fields);
        }
        Ok(())
    }

    /// A value as a field of a record takes it; half a surrogate pair costs a text, and is nothing elsewhere.
    fn value(&mut self, depth: usize, targets: &[Target]) -> Result<Value<'a>, Fault> {
        let at = self.at;
        match self.peek() {
            Some(b'"') => {
                let raw = self.skip_string()?;
                match unescape(raw) {
                    Some(text) => Ok(Value::Text(text)),
                    None if targets.iter().any(|target| matches!(target, Target::Text(_))) => {
                        Err(Fault { reason: "lone_surrogate", message: "half of a surrogate pair".into(), at })
                    }
                    None => Ok(Value::Other),
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                let written = self.text.get(at..self.at).unwrap_or_default();
                Ok(if written == "-Infinity" { Value::Other } else { Value::Number(Cow::Borrowed(written)) })
            }
            _ => {
                self.skip_value(depth)?;
                Ok(if self.text.get(at..self.at) == Some("null") { Value::Null } else { Value::Other })
            }
        }
    }

    /// A value that has no place.
    fn left_over(&mut self, depth: usize, key: Option<Cow<'a, str>>, prefix: &str, fields: &mut Fields<'a>) -> Result<(), Fault> {
        let start = self.at;
        self.skip_value(depth)?;
        let raw = self.text.get(start..self.at).unwrap_or_default();
        if raw != "null" {
            self.rest(key, prefix, raw, fields);
        }
        Ok(())
    }

    /// Notes a field that has no place. A key that is no text (lone surrogates) has no name of its own.
    fn rest(&self, key: Option<Cow<'a, str>>, prefix: &str, raw: &'a str, fields: &mut Fields<'a>) {
        let key = key.unwrap_or(Cow::Borrowed("\u{fffd}"));
        let name = if prefix.is_empty() { key } else { Cow::Owned(full(prefix, &key)) };
        fields.leave(name, Cow::Borrowed(raw), self.mapping);
    }

    /// After a member: a comma (and there must be another member), or the end.
    fn closes(&mut self, close: u8) -> Result<bool, Fault> {
        self.space();
        if self.take(close) {
            return Ok(true);
        }
        self.expect(b',', "`,` or the end of the object or array expected")?;
        self.space();
        Ok(false)
    }

    /// A key and its colon; a key that is no text (lone surrogates) cannot be a known one.
    fn key(&mut self) -> Result<Option<Cow<'a, str>>, Fault> {
        if self.peek() != Some(b'"') {
            return self.unexpected("a key in quotes expected");
        }
        let raw = self.skip_string()?;
        let key = unescape(raw);
        self.space();
        self.expect(b':', "`:` expected")?;
        self.space();
        Ok(key)
    }

    /// Any value, checked and left behind; `depth` containers are open around it. Iterative: depth costs no stack.
    fn skip_value(&mut self, depth: usize) -> Result<(), Fault> {
        let mut open = [0_u8; DEPTH_MAX];
        let mut now = depth;
        loop {
            match self.peek() {
                Some(b'{' | b'[') => {
                    let close = if self.peek() == Some(b'{') { b'}' } else { b']' };
                    if now == DEPTH_MAX {
                        return self.fault("json_depth", "more than 128 objects and arrays inside each other");
                    }
                    open[now] = close;
                    now += 1;
                    self.at += 1;
                    self.space();
                    if !self.take(close) {
                        self.key_of(close)?;
                        continue;
                    }
                    now -= 1;
                }
                Some(b'"') => {
                    self.skip_string()?;
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => self.word()?,
            }
            while now > depth && self.closes(open[now - 1])? {
                now -= 1;
            }
            if now == depth {
                return Ok(());
            }
            self.key_of(open[now - 1])?;
        }
    }

    /// Inside an object a value has a key before it.
    fn key_of(&mut self, close: u8) -> Result<(), Fault> {
        if close == b'}' { self.key().map(|_| ()) } else { Ok(()) }
    }

    /// Checks a string and gives what stands between its quotes.
    fn skip_string(&mut self) -> Result<&'a str, Fault> {
        self.at += 1;
        let start = self.at;
        loop {
            let Some(found) = memchr::memchr2(b'"', b'\\', &self.bytes[self.at..]) else {
                self.no_control(self.bytes.len())?;
                self.at = self.bytes.len();
                return self.fault("json_eof", "the string does not end");
            };
            self.no_control(self.at + found)?;
            self.at += found;
            if self.bytes[self.at] == b'"' {
                let raw = self.text.get(start..self.at).unwrap_or_default();
                self.at += 1;
                return Ok(raw);
            }
            self.escape()?;
        }
    }

    fn no_control(&mut self, end: usize) -> Result<(), Fault> {
        let plain = &self.bytes[self.at..end];
        // The minimum instead of a search: it has no branch, so it runs at the speed of memory.
        if plain.iter().fold(u8::MAX, |least, b| least.min(*b)) >= b' ' {
            return Ok(());
        }
        self.at += plain.iter().position(|b| *b < b' ').unwrap_or(0);
        self.fault("json_syntax", "a control character inside a string")
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                for _ in 0..4 {
                    self.at += 1;
                    if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                        return self.unexpected("four hexadecimal digits expected after \\u");
                    }
                }
                self.at += 1;
            }
            _ => return self.unexpected("no such escape"),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.take(b'-') && self.peek() == Some(b'I') {
            return self.word();
        }
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let digits = self.bytes[self.at..].iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 { self.unexpected("a digit expected") } else { Ok(()) }
    }

    fn word(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        for word in [&b"null"[..], b"true", b"false", b"NaN", b"Infinity"] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(());
            }
            if !rest.is_empty() && word.starts_with(rest) {
                self.at = self.bytes.len();
            }
        }
        self.unexpected("a value expected")
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { self.fault("json_trailing", "something follows the value") }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, message: &'static str) -> Result<(), Fault> {
        if self.take(byte) { Ok(()) } else { self.unexpected(message) }
    }

    /// A cut line is told from a wrong one: it is what a killed writer leaves.
    fn unexpected<T>(&self, message: &'static str) -> Result<T, Fault> {
        self.fault(if self.at == self.bytes.len() { "json_eof" } else { "json_syntax" }, message)
    }

    fn fault<T>(&self, reason: &'static str, message: impl Into<Cow<'static, str>>) -> Result<T, Fault> {
        Err(Fault { reason, message: message.into(), at: self.at })
    }
}

/// The path of a key below others.
fn full(prefix: &str, key: &str) -> String {
    if prefix.is_empty() || key.starts_with('[') { format!("{prefix}{key}") } else { format!("{prefix}.{key}") }
}

/// The text of a checked string; `None` for half a surrogate pair.
fn unescape(raw: &str) -> Option<Cow<'_, str>> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Some(Cow::Borrowed(raw));
    };
    let mut text = String::with_capacity(raw.len());
    let (mut rest, mut next) = (raw, Some(first));
    while let Some(at) = next {
        text.push_str(rest.get(..at)?);
        let (c, length) = escaped(rest.as_bytes().get(at..)?)?;
        text.push(c);
        rest = rest.get(at + length..)?;
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

/// The character an escape stands for, and the bytes it takes.
fn escaped(bytes: &[u8]) -> Option<(char, usize)> {
    let c = match bytes.get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes),
        other => char::from(*other),
    };
    Some((c, 2))
}

fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let high = hex(bytes)?;
    if let Some(c) = char::from_u32(high) {
        return Some((c, 6));
    }
    let low = hex(bytes.get(6..)?)?;
    if !(0xd800..0xdc00).contains(&high) || !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|c| (c, 12))
}

/// The four digits of `\uXXXX` at the start of `bytes`.
fn hex(bytes: &[u8]) -> Option<u32> {
    if !bytes.starts_with(b"\\u") {
        return None;
    }
    bytes.get(2..6)?.iter().try_fold(0, |value, b| Some(value * 16 + char::from(*b).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::super::options::{FieldOptions, Rest, Texts};
    use super::*;
    use proptest::prelude::*;

    fn parse(line: &[u8]) -> Result<Fields<'_>, Fault> {
        super::parse(line, &Mapping::default())
    }

    fn reason(line: &[u8]) -> &'static str {
        parse(line).expect_err("the line is wrong").reason
    }

    #[test]
    fn a_full_record() {
        let line = r#" {"id":12,"text":"あ\n\u3042\ud83d\ude00\"\/","source":"s","url":null,"license":"CC0","date":"2020","meta":{"a":[1,{}]},"x":-1.5e+3} "#;
        let fields = parse(line.as_bytes()).unwrap();
        assert_eq!(fields.text.as_deref(), Some("あ\nあ😀\"/"));
        assert_eq!(fields.id.as_deref(), Some("12"));
        assert_eq!(fields.url, None);
        assert_eq!(fields.meta.as_deref(), Some(r#"{"a":[1,{}]}"#));
        assert_eq!(fields.license.as_deref(), Some("CC0"));
    }

    #[test]
    fn every_reason() {
        let cases: &[(&[u8], &str)] = &[
            (b"{\"text\":\"\xff\"}", "utf8"),
            (b"{\"text\":\"a\"", "json_eof"),
            (b"{\"text\":\"a", "json_eof"),
            (b"{\"text\":\"\\u30", "json_eof"),
            (b"{\"text\":tru", "json_eof"),
            (b"", "json_eof"),
            (b"{\"text\":\"a\",}", "json_syntax"),
            (b"{text:\"a\"}", "json_syntax"),
            (b"{\"text\":\"a\",\"n\":nan}", "json_syntax"),
            (b"{\"text\":\"a\",\"n\":+Infinity}", "json_syntax"),
            (b"{\"text\":\"a\",\"n\":-Inf", "json_eof"),
            (b"{\"text\":\"a\",\"n\":-NaN}", "json_syntax"),
            (b"{\"text\":NaN}", "text_type"),
            (b"{\"text\":\"a\",\"n\":01}", "json_syntax"),
            (b"{\"text\":\"a\",\"n\":1.}", "json_syntax"),
            (b"{\"text\":\"a\",\"n\":+1}", "json_syntax"),
            (b"{\"text\":\"\\x\"}", "json_syntax"),
            (b"{\"text\":\"a\x01\"}", "json_syntax"),
            (b"{\"text\":\"a\" \"b\":1}", "json_syntax"),
            (b"{\"text\":\"a\"} // c", "json_trailing"),
            (b"{\"text\":\"a\"}{\"text\":\"a\"}", "json_trailing"),
            (b"{\"text\":\"a\",\"te\\u0078t\":\"b\"}", "duplicate_key"),
            (b"{\"text\":\"a\",\"id\":1,\"id\":1}", "duplicate_key"),
            (b"[1,2]", "not_object"),
            (b" \"a\" ", "not_object"),
            (b"[1,2", "json_eof"),
            (b"{}", "text_missing"),
            (b"{\"Text\":\"a\"}", "text_missing"),
            (b"{\"text\":null}", "text_type"),
            (b"{\"text\":[\"a\"]}", "text_type"),
            (b"{\"text\":\"\\ud800\"}", "lone_surrogate"),
            (b"{\"text\":\"\\udc00\\ud800\"}", "lone_surrogate"),
            (b"{\"text\":\"\\ud800\\u0041\"}", "lone_surrogate"),
            (b"<!DOCTYPE html>", "json_syntax"),
        ];
        for (line, expected) in cases {
            assert_eq!(reason(line), *expected, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn unknown_fields_may_be_odd() {
        for line in
            [r#"{"text":"a","x":"\ud800"}"#, r#"{"x":1,"x":2,"text":"a"}"#, r#"{"\udc00":1,"text":"a"}"#, r#"{"text":"a","n":1e999999}"#]
        {
            assert_eq!(parse(line.as_bytes()).unwrap().text.as_deref(), Some("a"), "{line}");
        }
    }

    #[test]
    fn a_side_field_never_costs_the_document() {
        let values = ["1577836800", "-1.5e3", "[\"a\"]", "{\"a\":1}", "true", "null", "NaN", "Infinity", "-Infinity", r#""\ud800""#];
        for field in ["id", "url", "source", "license", "date", "residency", "meta", "x"] {
            for value in values {
                let line = format!("{{\"{field}\":{value},\"text\":\"a\"}}");
                let fields = parse(line.as_bytes()).unwrap();
                assert_eq!(fields.text.as_deref(), Some("a"), "{line}");
                let given = [&fields.id, &fields.url, &fields.source, &fields.license, &fields.date, &fields.residency, &fields.meta];
                let is_used = given.iter().any(|value| value.is_some());
                assert_eq!(is_used || value == "null", fields.rest.is_empty(), "{line}: used, nothing, or left over");
            }
        }
        let whole = parse(br#"{"text":"a","date":2020,"id":1.5,"license":1.5}"#).unwrap();
        assert_eq!((whole.date.as_deref(), whole.id.as_deref(), whole.license.as_deref()), (Some("2020"), Some("1.5"), None));
    }

    #[test]
    fn fields_are_found_by_path() {
        let options = FieldOptions {
            text: Some(Texts::Several(["title", "doc.body", "list[1].p"].map(str::to_owned).to_vec())),
            joiner: Some("|".into()),
            id: Some("doc.url".into()),
            url: Some("doc.url".into()),
            rest: Some(Rest::Meta),
            ..FieldOptions::default()
        };
        let mapping = Mapping::new(&options).unwrap();
        let line = r#"{"doc":{"x":[1],"url":"u","body":"B","n":null},"list":[0,{"p":"P","q":2}],"text":"no","title":"T","id":7}"#;
        let fields = super::parse(line.as_bytes(), &mapping).unwrap();
        assert_eq!((fields.text.as_deref(), fields.id.as_deref(), fields.url.as_deref()), (Some("T|B|P"), Some("u"), Some("u")));
        let rest: Vec<(&str, &str)> = fields.rest.iter().map(|(name, json)| (&**name, &**json)).collect();
        assert_eq!(rest, [("doc.x", "[1]"), ("list[0]", "0"), ("list[1].q", "2"), ("text", "\"no\""), ("id", "7")]);
        let fault = |line: &str| super::parse(line.as_bytes(), &mapping).unwrap_err();
        for (line, reason, words) in [
            (r#"{"doc":{"body":1}}"#, "text_type", "`doc.body` is not a string"),
            (r#"{"doc":{"body":null},"list":7}"#, "text_type", "`title` or `doc.body` or `list[1].p` is null"),
            (r#"{"doc":7,"content":"a"}"#, "text_missing", "it has: doc, content (set input.fields.text)"),
            (r#"{"title":"a","doc":{},"doc":{"body":"b"}}"#, "duplicate_key", "twice"),
            (r#"{"title":"a","doc":{"body":"b","body":"c"}}"#, "duplicate_key", "twice"),
        ] {
            let fault = fault(line);
            assert!(fault.reason == reason && fault.message.contains(words), "{line}: {fault:?}");
        }
        assert_eq!(super::parse(br#"{"title":"a","doc":{}}"#, &mapping).unwrap().text.as_deref(), Some("a"), "a part may be missing");
    }

    #[test]
    fn depth_is_counted_from_the_record() {
        let nested = |n: usize| format!("{{\"text\":\"a\",\"x\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(127).as_bytes()).is_ok());
        assert_eq!(reason(nested(128).as_bytes()), "json_depth");
        assert_eq!(reason("[".repeat(1_000_000).as_bytes()), "json_depth");
    }

    /// Is the line one JSON value, a record or not?
    fn is_json(line: &str) -> bool {
        match parse(line.as_bytes()) {
            Ok(_) => true,
            Err(fault) => matches!(fault.reason, "not_object" | "text_missing" | "text_type"),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(line in "[\\[\\]{}:,\"\\\\a-fu0-9eE.+\\- \ttrnx\u{3042}\u{1}]{0,24}|\\[[0-9eE.+\\-,\"\\\\u]{0,12}\\]") {
            let theirs = serde_json::from_str::<serde_json::Value>(&line).is_ok();
            let ours = is_json(&line);
            // serde_json refuses lone surrogates and numbers too large for it, here they are no fault in a field that is not used.
            let odd = line.contains("\\u") || line.contains(['e', 'E']);
            prop_assert!(ours == theirs || ours && odd, "{} {:?}", line, parse(line.as_bytes()));
            let member = format!("{{\"text\":\"t\",\"k\":{line}}}");
            prop_assert!(!theirs || parse(member.as_bytes()).is_ok());
        }

        #[test]
        fn reads_what_serde_json_writes(text in any::<String>(), id in any::<Option<String>>(), meta in any::<Vec<String>>()) {
            let line = serde_json::json!({ "id": id, "text": text, "meta": meta }).to_string();
            let fields = parse(line.as_bytes()).unwrap();
            prop_assert_eq!(fields.text.as_deref(), Some(&*text));
            prop_assert_eq!(fields.id.as_deref(), id.as_deref());
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&fields.meta.unwrap()).unwrap(), meta);
        }

        #[test]
        fn never_panics(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(parse(&line).is_err_and(|fault| fault.at <= line.len()));
        }
    }
}
