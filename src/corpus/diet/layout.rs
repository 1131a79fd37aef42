//! Fields of the interface → members of `meta`.
//!
//! Nearly all records of a file have the same fields, so that how they are written is found once and kept as long as their names are the same.

use rustc_hash::FxHashMap;

use super::record::OF_MEETING;

/// Members that are not those of the interface.
const OURS: [&str; 3] = ["notation", "turns", "directions"];
/// Characters of a name.
const NAME_MAX: usize = 100;

/// How the fields of a record are written.
#[derive(Debug, Default)]
pub(super) struct Layout {
    names: Vec<String>,
    members: Vec<Member>,
}

/// A member: its name as JSON, and the fields that it is made of; the last that says something holds.
#[derive(Debug)]
struct Member {
    name: String,
    fields: Vec<usize>,
}

impl Layout {
    /// Appends `"name":"value"` to an object for each field that says something: those of a meeting, then those of a speech.
    pub(super) fn write(&mut self, fields: &[(&str, &str)], out: &mut String) {
        if !self.names.iter().eq(fields.iter().map(|(name, _)| name)) {
            *self = Self::of(fields);
        }
        for member in &self.members {
            let said = member.fields.iter().rev().filter_map(|at| fields.get(*at)).find(|(_, value)| !value.is_empty());
            if let Some((_, value)) = said {
                if !out.ends_with('{') {
                    out.push(',');
                }
                out.push_str(&member.name);
                out.push(':');
                string(value, out);
            }
        }
    }

    fn of(fields: &[(&str, &str)]) -> Self {
        let (of_meeting, others): (Vec<usize>, Vec<usize>) =
            (0..fields.len()).partition(|at| fields.get(*at).is_some_and(|(name, _)| OF_MEETING.contains(name)));
        let (mut members, mut known): (Vec<Member>, FxHashMap<String, usize>) = (Vec::new(), FxHashMap::default());
        for at in of_meeting.into_iter().chain(others) {
            let name = fields.get(at).map(|(name, _)| snake(name)).unwrap_or_default();
            if OURS.contains(&name.as_str()) {
                continue;
            }
            let mut as_json = String::with_capacity(name.len() + 2);
            string(&name, &mut as_json);
            let slot = *known.entry(name).or_insert(members.len());
            if slot == members.len() {
                members.push(Member { name: as_json, fields: Vec::new() });
            }
            members[slot].fields.push(at);
        }
        Self { names: fields.iter().map(|(name, _)| (*name).to_owned()).collect(), members }
    }
}

/// Appends a string of JSON.
pub(super) fn string(text: &str, out: &mut String) {
    // Most hold nothing that needs an escape; looked at as a whole, not byte by byte.
    let needs_escape = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if text.bytes().fold(0, |found, byte| found | needs_escape(byte)) > 0 {
        out.push_str(&serde_json::Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

/// `speakerYomi` → `speaker_yomi`, `speechURL` → `speech_url`
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for c in name.chars().take(NAME_MAX) {
        if c.is_ascii_uppercase() && was_small {
            out.push('_');
        }
        was_small = !c.is_ascii_uppercase();
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_fields() {
        let mut layout = Layout::default();
        let mut write = |fields: &[(&str, &str)]| {
            let mut out = "{".to_owned();
            layout.write(fields, &mut out);
            serde_json::from_str::<serde_json::Value>(&(out + "}")).unwrap().to_string()
        };
        let fields = [("speakerYomi", "こうの"), ("date", ""), ("session", "1")];
        assert_eq!(write(&fields), r#"{"session":"1","speaker_yomi":"こうの"}"#);
        assert_eq!(write(&[("speakerYomi", "\"\n"), ("date", "x"), ("session", "")]), r#"{"date":"x","speaker_yomi":"\"\n"}"#);
        // The last that says something holds, whatever its spelling; a name of ours is ours.
        assert_eq!(write(&[("aB", "1"), ("a_b", "2"), ("aB", ""), ("turns", "x")]), r#"{"a_b":"2"}"#);
        assert_eq!(write(&[]), "{}");
    }
}
