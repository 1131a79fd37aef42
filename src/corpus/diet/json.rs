//! The JSON of the interface.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::record::{Fault, Meeting, Speech, gather};

/// An answer.
#[derive(Default)]
struct Answer {
    speeches: Vec<Speech>,
    meetings: Vec<Meeting>,
}

/// A value of a field: a string, a number, or something that says nothing.
enum Value {
    Said(String),
    Nothing,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(if text.is_empty() { Value::Nothing } else { Value::Said(text.to_owned()) })
            }
            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(if text.is_empty() { Value::Nothing } else { Value::Said(text) })
            }
            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Said(number.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Said(number.to_string()))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
                Ok(Value::Nothing)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Nothing)
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Nothing)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Nothing)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Nothing)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Speech {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Speech;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a speech")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Speech, A::Error> {
                let mut speech = Speech::default();
                while let Some(name) = map.next_key::<String>()? {
                    match map.next_value::<Value>()? {
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

impl<'de> Deserialize<'de> for Meeting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Meeting;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a meeting")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meeting, A::Error> {
                let mut meeting = Meeting::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "speechRecord" {
                        meeting.speeches = map.next_value()?;
                    } else if let Value::Said(value) = map.next_value::<Value>()? {
                        meeting.fields.push((name, value));
                    }
                }
                Ok(meeting)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Answer;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer of the interface")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer, A::Error> {
                let mut answer = Answer::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
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
pub(super) fn meetings(text: &str) -> Result<Vec<Meeting>, Fault> {
    let mut all = Vec::new();
    for answer in serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter::<Answer>() {
        let answer =
            answer.map_err(|error| Fault { reason: if error.is_eof() { "json_eof" } else { "json_syntax" }, detail: error.to_string() })?;
        all.extend(answer.meetings);
        all.extend(gather(answer.speeches));
    }
    Ok(all)
}
