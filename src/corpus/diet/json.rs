//! The JSON of the interface.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::record::{Fault, Meeting, Speech, gather};

/// An answer.
#[derive(Default)]
struct Answer<'a> {
    speeches: Vec<Speech<'a>>,
    meetings: Vec<Meeting<'a>>,
}

/// A value of a field: a string, a number, or something that says nothing.
enum Value<'a> {
    Said(Cow<'a, str>),
    Nothing,
}

/// The name of a field.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Said(name) => Self(name),
            Value::Nothing => Self(Cow::Borrowed("")),
        })
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(if text.is_empty() { Value::Nothing } else { Value::Said(Cow::Borrowed(text)) })
            }
            fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(if text.is_empty() { Value::Nothing } else { Value::Said(Cow::Owned(text.to_owned())) })
            }
            fn visit_string<E>(self, text: String) -> Result<Value<'de>, E> {
                Ok(if text.is_empty() { Value::Nothing } else { Value::Said(Cow::Owned(text)) })
            }
            fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
                Ok(Value::Said(Cow::Owned(number.to_string())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
                Ok(Value::Said(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
                Ok(Value::Nothing)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Value<'de>, E> {
                Ok(Value::Nothing)
            }
            fn visit_unit<E>(self) -> Result<Value<'de>, E> {
                Ok(Value::Nothing)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Nothing)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Nothing)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Speech<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Speech<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a speech")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Speech<'de>, A::Error> {
                let mut speech = Speech::default();
                while let Some(Name(name)) = map.next_key()? {
                    match map.next_value::<Value<'de>>()? {
                        Value::Said(text) if name == "speech" => speech.text = text,
                        Value::Said(value) => speech.fields.push((name, value)),
                        Value::Nothing => {}
                    }
                }
                Ok(speech)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for Meeting<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Meeting<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a meeting")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meeting<'de>, A::Error> {
                let mut meeting = Meeting::default();
                while let Some(Name(name)) = map.next_key()? {
                    if name == "speechRecord" {
                        meeting.speeches = map.next_value()?;
                    } else if let Value::Said(value) = map.next_value::<Value<'de>>()? {
                        meeting.fields.push((name, value));
                    }
                }
                Ok(meeting)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for Answer<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Answer<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer of the interface")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer<'de>, A::Error> {
                let mut answer = Answer::default();
                while let Some(Name(name)) = map.next_key()? {
                    match &*name {
                        "speechRecord" => answer.speeches = map.next_value()?,
                        "meetingRecord" => answer.meetings = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(answer)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Reads an answer; several may stand one behind the other.
pub(super) fn meetings(text: &str) -> Result<Vec<Meeting<'_>>, Fault> {
    let mut all = Vec::new();
    for answer in serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter::<Answer<'_>>() {
        let answer =
            answer.map_err(|error| Fault { reason: if error.is_eof() { "json_eof" } else { "json_syntax" }, detail: error.to_string() })?;
        all.extend(answer.meetings);
        all.extend(gather(answer.speeches));
    }
    Ok(all)
}
