//! What a record is made of its fields, whatever format they stood in: one rule for JSON, tables of lines and Parquet.
//!
//! The text must be strings. Every other field may hold anything: what it cannot be made into is left behind (or goes to `meta`), and
//! never costs the document.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::mapping::{Mapping, Target};

/// A value as far as records tell values apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A string, or what has one obvious spelling (a date).
    Text(Cow<'a, str>),
    /// A number as it is written.
    Number(Cow<'a, str>),
    /// Anything else.
    Other,
}

/// The fields of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    /// The document, or its first part that has come.
    pub text: Option<Cow<'a, str>>,
    /// The other parts, each with its place.
    more: Vec<(usize, Cow<'a, str>)>,
    /// Place of the first part.
    first: usize,
    /// A string, or a number as it is written.
    pub id: Option<Cow<'a, str>>,
    /// Where it comes from.
    pub source: Option<Cow<'a, str>>,
    /// Address.
    pub url: Option<Cow<'a, str>>,
    /// Licence.
    pub license: Option<Cow<'a, str>>,
    /// Date, any spelling.
    pub date: Option<Cow<'a, str>>,
    /// Country in which it has to stay.
    pub residency: Option<Cow<'a, str>>,
    /// Any JSON value, as written.
    pub meta: Option<Cow<'a, str>>,
    /// Fields that have no place, by name, with the JSON of each where it is wanted.
    pub rest: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// How many more there are than are held.
    pub beyond: u64,
    /// A part of the text was there and null.
    has_null: bool,
}

/// Fields of one record that are kept in `meta`, at most.
const KEPT_MAX: usize = 4096;
/// Names of fields of one record that are counted, at most.
const NAMED_MAX: usize = 64;

/// A part of the text is no string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoText;

/// No part of the text has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoParts {
    /// One was there and null.
    Null,
    /// None was there.
    Missing,
}

impl<'a> Fields<'a> {
    /// Takes a value; false if it cannot be what it is wanted as, so that it is left over.
    ///
    /// # Errors
    /// It is wanted as text and is no string.
    pub fn set(&mut self, target: Target, value: Value<'a>) -> Result<bool, NoText> {
        match target {
            Target::Text(part) => return self.set_text(part, value),
            Target::Id => return Ok(take(&mut self.id, value, |_| true)),
            Target::Source => return Ok(take(&mut self.source, value, is_whole)),
            Target::Url => return Ok(take(&mut self.url, value, is_whole)),
            Target::License => return Ok(take(&mut self.license, value, is_whole)),
            Target::Date => return Ok(take(&mut self.date, value, is_whole)),
            Target::Residency => return Ok(take(&mut self.residency, value, is_whole)),
            Target::Meta => {}
        }
        Ok(false)
    }

    fn set_text(&mut self, part: usize, value: Value<'a>) -> Result<bool, NoText> {
        match value {
            Value::Text(text) if self.text.is_none() => {
                (self.text, self.first) = (Some(text), part);
                Ok(true)
            }
            Value::Text(text) => {
                self.more.push((part, text));
                Ok(true)
            }
            Value::Null => {
                self.has_null = true;
                Ok(true)
            }
            _ => Err(NoText),
        }
    }

    /// Notes a field that has no place.
    pub fn leave(&mut self, name: Cow<'a, str>, json: Cow<'a, str>, mapping: &Mapping) {
        if self.rest.len() < if mapping.keeps_rest() { KEPT_MAX } else { NAMED_MAX } {
            self.rest.push((name, json));
        } else {
            self.beyond += 1;
        }
    }

    /// Puts the parts of the text together, in the order of the plan; those that are empty are left out.
    ///
    /// # Errors
    /// No part has come.
    pub fn join_text(&mut self, joiner: &str) -> Result<(), NoParts> {
        let Some(text) = self.text.take() else { return Err(if self.has_null { NoParts::Null } else { NoParts::Missing }) };
        if self.more.is_empty() {
            self.text = Some(text);
            return Ok(());
        }
        let mut parts = std::mem::take(&mut self.more);
        parts.push((self.first, text));
        parts.sort_by_key(|(part, _)| *part);
        let parts: Vec<&str> = parts.iter().map(|(_, text)| &**text).filter(|text| !text.is_empty()).collect();
        self.text = Some(Cow::Owned(parts.join(joiner)));
        Ok(())
    }

    /// Names of fields that have no place, for the message that no text was found.
    pub fn hint(&self, mapping: &Mapping) -> String {
        missing("field", mapping, self.rest.iter().map(|(name, _)| &**name))
    }
}

/// What stands before the names of a hint, and behind them.
const HINT: (&str, &str) = ("; it has: ", " (set input.fields.text)");
/// Names that a hint tells.
const HINT_NAMES: usize = 8;

/// Words for a record or table without a text: what it has instead.
pub(super) fn missing<'n>(what: &str, mapping: &Mapping, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).take(HINT_NAMES).collect();
    let hint = if names.is_empty() { String::new() } else { format!("{}{}{}", HINT.0, names.join(", "), HINT.1) };
    format!("no {what} {}{hint}", mapping.text_names())
}

/// The names that such words tell.
pub(super) fn names_in_hint(detail: &str) -> Vec<String> {
    let names = detail.split_once(HINT.0).and_then(|(_, rest)| rest.split_once(HINT.1));
    names.map_or_else(Vec::new, |(names, _)| names.split(", ").map(str::to_owned).collect())
}

fn take<'a>(field: &mut Option<Cow<'a, str>>, value: Value<'a>, number: fn(&str) -> bool) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => {
            *field = Some(text);
            true
        }
        Value::Number(digits) if number(&digits) => {
            *field = Some(digits);
            true
        }
        _ => false,
    }
}

/// Seconds, years and numbers of things are whole; a number with a point is a measure of something else.
fn is_whole(number: &str) -> bool {
    number.bytes().all(|b| b == b'-' || b.is_ascii_digit())
}

/// The column `meta` of a record: the members of its own `meta`, then the fields that have no place. An own `meta` that is no object is
/// a member of that name, if there is anything beside it.
pub fn meta<'a>(own: Option<&str>, rest: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let own = own.map(strict);
    let mut rest = rest.into_iter().peekable();
    if rest.peek().is_none() {
        return own.map(Cow::into_owned);
    }
    let mut object = String::from("{");
    let mut keys = BTreeSet::new();
    if let Some(own) = &own {
        let inside = own.trim().strip_prefix('{').and_then(|own| own.strip_suffix('}')).map(str::trim);
        match (inside, keys_of(own)) {
            (Some(inside), Some(known)) => {
                keys = known;
                object.push_str(inside);
            }
            _ => put(&mut object, "meta", own, &mut keys),
        }
    }
    for (name, json) in rest {
        put(&mut object, name, &strict(json), &mut keys);
    }
    object.push('}');
    Some(object)
}

/// The keys of an object, if it is one.
#[expect(clippy::zero_sized_map_values, reason = "a set cannot be read from an object, and no value is wanted")]
fn keys_of(object: &str) -> Option<BTreeSet<String>> {
    Some(serde_json::from_str::<BTreeMap<String, serde::de::IgnoredAny>>(object).ok()?.into_keys().collect())
}

/// Adds a member; a name that is taken gets a number.
fn put(object: &mut String, name: &str, json: &str, keys: &mut BTreeSet<String>) {
    let mut unique = name.to_owned();
    let mut number = 1;
    while !keys.insert(unique.clone()) {
        number += 1;
        unique = format!("{name}~{number}");
    }
    if object.len() > 1 {
        object.push(',');
    }
    object.push_str(&serde_json::Value::from(unique).to_string());
    object.push(':');
    object.push_str(json);
}

/// JSON that every reader takes: numbers that JSON does not know become null, half a surrogate pair becomes U+FFFD.
pub fn strict(json: &str) -> Cow<'_, str> {
    let is_odd = |found: &[u8]| memchr::memmem::find(json.as_bytes(), found).is_some();
    if !is_odd(b"NaN") && !is_odd(b"Infinity") && !is_odd(b"\\ud") && !is_odd(b"\\uD") {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string(rest, &mut out),
            '-' if rest.starts_with("-Infinity") => null("-Infinity", &mut out),
            'N' => null("NaN", &mut out),
            'I' => null("Infinity", &mut out),
            c => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Cow::Owned(out)
}

fn null(word: &str, out: &mut String) -> usize {
    out.push_str("null");
    word.len()
}

/// Copies the string that `json` begins with; its length.
fn string(json: &str, out: &mut String) -> usize {
    let bytes = json.as_bytes();
    out.push('"');
    let mut at = 1;
    while let Some(c) = json.get(at..).and_then(|rest| rest.chars().next()) {
        let (piece, length) = match (c, surrogate(bytes, at)) {
            ('\\', Some(0xd800..0xdc00)) if matches!(surrogate(bytes, at + 6), Some(0xdc00..0xe000)) => (json.get(at..at + 12), 12),
            ('\\', Some(_)) => (Some("\\ufffd"), 6),
            ('\\', None) => {
                let escaped = json.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
                (json.get(at..=at + escaped), 1 + escaped)
            }
            (c, _) => (json.get(at..at + c.len_utf8()), c.len_utf8()),
        };
        out.push_str(piece.unwrap_or_default());
        at += length;
        if c == '"' {
            break;
        }
    }
    at.min(json.len())
}

/// The half of a surrogate pair that is written at `at`, if one is.
fn surrogate(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    let value = digits.iter().try_fold(0, |value, b| Some(value * 16 + char::from(*b).to_digit(16)?))?;
    (0xd800..0xe000).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn meta_holds_what_has_no_place() {
        let made = |own, rest: &[(&'static str, &'static str)]| meta(own, rest.iter().copied());
        assert_eq!(made(None, &[]), None);
        assert_eq!(made(Some("[1, 2]"), &[]).as_deref(), Some("[1, 2]"));
        assert_eq!(made(None, &[("a\"", "1"), ("b", "[NaN,-Infinity]")]).as_deref(), Some(r#"{"a\"":1,"b":[null,null]}"#));
        assert_eq!(made(Some(r#" {"a": 1 } "#), &[("a", "2"), ("b", "3")]).as_deref(), Some(r#"{"a": 1,"a~2":2,"b":3}"#));
        assert_eq!(made(Some("{ }"), &[("a", "2")]).as_deref(), Some(r#"{"a":2}"#));
        assert_eq!(made(Some("7"), &[("a", "2")]).as_deref(), Some(r#"{"meta":7,"a":2}"#));
    }

    #[test]
    fn a_hint_is_read_back() {
        let told = missing("column", &Mapping::default(), ["a", "", "b.c"].into_iter());
        assert_eq!(told, "no column `text`; it has: a, b.c (set input.fields.text)");
        assert_eq!(names_in_hint(&format!("{told} (byte 7)")), ["a", "b.c"]);
        assert_eq!(names_in_hint(&missing("field", &Mapping::default(), std::iter::empty())), [""; 0]);
    }

    #[test]
    fn json_that_every_reader_takes() {
        assert_eq!(strict(r#"{"NaN":NaN,"x":"Infinity"}"#), r#"{"NaN":null,"x":"Infinity"}"#);
        assert_eq!(
            strict(r#"["\ud83d\ude00","\ud83d","\udc00x","\\ud800","あ\"\ud800"]"#),
            r#"["\ud83d\ude00","\ufffd","\ufffdx","\\ud800","あ\"\ufffd"]"#
        );
    }

    #[test]
    fn parts_are_joined_in_the_order_of_the_plan() {
        let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
        let mut fields = Fields::default();
        for (part, value) in [(2, text("c")), (0, text("a")), (3, text("")), (1, Value::Null)] {
            assert_eq!(fields.set(Target::Text(part), value), Ok(true));
        }
        assert_eq!((fields.join_text("\n"), fields.text.as_deref()), (Ok(()), Some("a\nc")));
        assert_eq!(fields.set(Target::Text(0), Value::Other), Err(NoText));
        assert_eq!(Fields::default().join_text("\n"), Err(NoParts::Missing));
    }

    proptest! {
        #[test]
        fn strict_json_is_json(strings in any::<Vec<String>>(), odd in "[NaI\"\\\\ud8cde0-9f]{0,20}") {
            let json = serde_json::json!({ "a": strings }).to_string();
            prop_assert_eq!(&*strict(&json), &json);
            let _ = strict(&odd);
        }
    }
}
