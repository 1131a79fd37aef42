//! Settings in JSON that make a reader load code or templates: found without keeping the rest, however large a file is.

use std::fmt::{self, Write as _};
use std::io::Read;

use rustc_hash::FxHashSet;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Settings that are kept.
const KEPT_MAX: usize = 10_000;
/// Bytes of a text that is kept whole.
const TEXT_MAX: usize = 4 << 20;

/// A setting that does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Where it stands: `auto_map.AutoModel`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: String,
}

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A reader loads code because of it.
    Code(&'static str),
    /// A template of Jinja.
    Template,
    /// A name stands twice in one object, and readers take the one or the other.
    Repeated,
}

/// What was found in a file.
#[derive(Debug, Default)]
pub struct Settings {
    /// In the order of the file.
    pub all: Vec<Setting>,
    /// Were there more?
    pub is_cut: bool,
}

/// Reads JSON.
///
/// # Errors
/// The line and column where it is none, and the sentence of the parser.
pub fn read(reader: impl Read) -> Result<Settings, serde_json::Error> {
    let mut found = Settings::default();
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::with_capacity(1 << 16, reader));
    Node { path: &mut String::new(), found: &mut found }.deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

/// Why a setting of this path loads code, if it does. `key` is the last step.
fn loads_code(path: &str, key: &str) -> Option<&'static str> {
    let is_in = |name: &str| path == name || path.split(['.', '[']).any(|part| part == name);
    if is_in("auto_map") {
        return Some("a reader loads this class from a file of Python");
    }
    match key {
        "custom_pipelines" | "impl" if is_in("custom_pipelines") => Some("a reader loads this pipeline from a file of Python"),
        "py/object" | "py/reduce" | "py/type" | "py/function" | "py/repr" => Some("jsonpickle makes an object of this"),
        "_target_" => Some("hydra calls what has this name"),
        _ => None,
    }
}

struct Node<'a> {
    path: &'a mut String,
    found: &'a mut Settings,
}

impl Node<'_> {
    fn key(&self) -> &str {
        let end = self.path.trim_end_matches(|c: char| c == ']' || c == '[' || c.is_ascii_digit());
        end.rsplit('.').next().unwrap_or_default()
    }

    fn note(&mut self, kind: Kind, text: &str) {
        if self.found.all.len() >= KEPT_MAX || text.len() > TEXT_MAX {
            self.found.is_cut = true;
            return;
        }
        self.found.all.push(Setting { path: crate::quarantine::escape(self.path, 300), kind, text: text.to_owned() });
    }

    fn text(&mut self, text: &str) {
        let key = self.key().to_owned();
        if let Some(why) = loads_code(self.path, &key) {
            self.note(Kind::Code(why), text);
        } else if key == "chat_template" || key == "template" && self.path.contains("chat_template") {
            self.note(Kind::Template, text);
        } else if key == "class_name" && text == "Lambda" {
            self.note(Kind::Code("a layer that holds code"), text);
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        if value && self.key() == "trust_remote_code" {
            self.note(Kind::Code("code that comes with the model is trusted"), "true");
        }
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.text(text);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let length = self.path.len();
        for n in 0_u64.. {
            // Writing to a string cannot fail.
            let _ = write!(self.path, "[{n}]");
            let next = list.next_element_seed(Node { path: self.path, found: self.found })?;
            self.path.truncate(length);
            if next.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let length = self.path.len();
        let mut seen = FxHashSet::default();
        while let Some(name) = map.next_key::<String>()? {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&name);
            if seen.contains(&name) {
                self.note(Kind::Repeated, &name);
            }
            map.next_value_seed(Node { path: self.path, found: self.found })?;
            self.path.truncate(length);
            seen.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(json: &str) -> Vec<(String, bool)> {
        let all = read(json.as_bytes()).unwrap().all;
        all.into_iter().map(|setting| (setting.path, matches!(setting.kind, Kind::Code(_)))).collect()
    }

    #[test]
    fn what_loads_code_is_found_wherever_it_stands() {
        let json = r#"{"auto_map": {"AutoModel": "modeling_x.X", "AutoTokenizer": ["a.B", null]}, "hidden_size": 3, "nested": [{"trust_remote_code": true}],
            "chat_template": [{"name": "default", "template": "{{ x }}"}], "config": {"layers": [{"class_name": "Lambda"}, {"class_name": "Dense"}]},
            "x": {"py/object": "os.system"}}"#;
        let expected = [
            ("auto_map.AutoModel", true),
            ("auto_map.AutoTokenizer[0]", true),
            ("nested[0].trust_remote_code", true),
            ("chat_template[0].template", false),
            ("config.layers[0].class_name", true),
            ("x.py/object", true),
        ];
        assert_eq!(found(json), expected.map(|(path, code)| (path.to_owned(), code)));
        assert_eq!(found(r#"{"chat_template": "a", "trust_remote_code": false, "template": "b"}"#), [("chat_template".to_owned(), false)]);
        assert!(read(&b"{\"a\": 1} x"[..]).is_err() && read(&b"{"[..]).is_err());
        assert!(matches!(read(&br#"{"a": 1, "a": 2}"#[..]).unwrap().all[..], [Setting { kind: Kind::Repeated, .. }]));
        assert!(read(format!("{}{}", "[".repeat(500), "]".repeat(500)).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = read(&bytes[..]);
        }
    }
}
