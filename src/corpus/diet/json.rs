//! The JSON of the interface.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::record::{Element, Fault, Fields, Meeting, Speech, gather};

/// An answer.
#[derive(Default)]
struct Answer<'a> {
    speeches: Vec<Object<'a>>,
    meetings: Vec<Object<'a>>,
}

/// A value of a field: a string, a number, or something that says nothing.
enum Value<'a> {
    Said(Cow<'a, str>),
    Nothing,
}

impl<'a> Value<'a> {
    /// Nothing is an empty text.
    fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Said(text) => text,
            Self::Nothing => Cow::Borrowed(""),
        }
    }
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

/// Fields of a speech or a meeting that are there, about.
const FIELDS: usize = 24;

/// An object of a list, as it stands.
struct Object<'a> {
    fields: Fields<'a>,
    text: Cow<'a, str>,
    speeches: Option<Vec<Object<'a>>>,
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a speech or a meeting")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut object = Object { fields: Fields::with_capacity(FIELDS), text: Cow::Borrowed(""), speeches: None };
                while let Some(Name(name)) = map.next_key()? {
                    match &*name {
                        "speechRecord" => object.speeches = map.next_value()?,
                        "speech" => object.text = map.next_value::<Value<'de>>()?.into_text(),
                        _ => object.fields.push((name, map.next_value::<Value<'de>>()?.into_text())),
                    }
                }
                Ok(object)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'a> Object<'a> {
    fn into_speech(self) -> Speech<'a> {
        Speech { fields: self.fields, text: self.text }
    }

    fn into_meeting(self) -> Meeting<'a> {
        Meeting { fields: self.fields, speeches: self.speeches.unwrap_or_default().into_iter().map(Self::into_speech).collect() }
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

fn fault(error: &serde_json::Error) -> Fault {
    Fault { reason: if error.is_eof() { "json_eof" } else { "json_syntax" }, detail: error.to_string() }
}

/// Reads an element of a list: what holds speeches is a meeting.
pub(super) fn element(json: &str) -> Result<Element<'_>, Fault> {
    let object: Object<'_> = serde_json::from_str(json).map_err(|error| fault(&error))?;
    Ok(if object.speeches.is_some() { Element::Meeting(object.into_meeting()) } else { Element::Speech(object.into_speech()) })
}

/// Reads an answer; several may stand one behind the other.
pub(super) fn meetings(text: &str) -> Result<Vec<Meeting<'_>>, Fault> {
    let mut all = Vec::new();
    for answer in serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}')).into_iter::<Answer<'_>>() {
        let answer = answer.map_err(|error| fault(&error))?;
        all.extend(answer.meetings.into_iter().map(Object::into_meeting));
        all.extend(gather(answer.speeches.into_iter().map(Object::into_speech).collect()));
    }
    Ok(all)
}
