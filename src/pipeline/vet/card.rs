//! What the card of a data set or model declares: the front matter of its `README.md`. Of YAML only what is written on one line, or as a list of
//! such lines, is read; anything else is not told.

use std::collections::BTreeMap;

/// Bytes of a front matter.
pub const FRONT_MATTER_MAX: usize = 1 << 20;

/// Values by key, of the keys that begin a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    values: BTreeMap<String, Vec<String>>,
}

impl Card {
    /// Of the text of a README; `None` where it has no front matter.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines();
        if lines.next()?.trim_end() != "---" {
            return None;
        }
        let (mut card, mut open): (Self, Option<String>) = (Self::default(), None);
        for line in lines {
            if matches!(line.trim_end(), "---" | "...") {
                return Some(card);
            }
            let inside = line.trim_start();
            if let Some(item) = inside.strip_prefix("- ") {
                if let Some(key) = &open {
                    card.values.entry(key.clone()).or_default().extend(scalar(item));
                }
            } else if let Some((key, value)) = line.split_once(':').filter(|(key, _)| is_key(key)) {
                open = Some(key.to_owned());
                card.values.entry(key.to_owned()).or_default().extend(list(value));
            } else if !inside.is_empty() && !inside.starts_with('#') {
                open = None;
            }
        }
        // Without its end it is none.
        None
    }

    /// The values of a key.
    pub fn get(&self, key: &str) -> &[String] {
        self.values.get(key).map_or(&[], Vec::as_slice)
    }

    /// The licence: where it is called `other`, by the name that is given beside it.
    pub fn license(&self) -> Option<String> {
        let all = self.get("license");
        match all {
            [] => None,
            [one] if ["other", "unknown"].contains(&one.to_lowercase().as_str()) => self.get("license_name").first().cloned(),
            [one] => Some(one.clone()),
            several => Some(several.join(" AND ")),
        }
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

/// A value, or several in brackets.
fn list(value: &str) -> Vec<String> {
    let value = value.trim();
    match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => inside.split(',').filter_map(scalar).collect(),
        None => scalar(value).into_iter().collect(),
    }
}

/// A value on one line, without quotes and without what is said of it behind `#`.
fn scalar(value: &str) -> Option<String> {
    let value = value.trim();
    let plain = match value.chars().next()? {
        quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
        '|' | '>' | '{' | '&' | '*' | '#' | '!' => return None,
        _ => value.split(" #").next().unwrap_or_default().trim(),
    };
    (!plain.is_empty()).then(|| plain.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn licences_are_read_as_cards_have_them() {
        let card = |text: &str| Card::read(&format!("---\n{text}\n---\n# A\n")).unwrap();
        assert_eq!(card("language: ja\nlicense: cc-by-4.0 # as is\ntags:\n- a").license().as_deref(), Some("cc-by-4.0"));
        assert_eq!(card("license:\n- mit\n- \"apache-2.0\"").license().as_deref(), Some("mit AND apache-2.0"));
        assert_eq!(card("license: [mit, 'cc0-1.0']").license().as_deref(), Some("mit AND cc0-1.0"));
        assert_eq!(card("license: other\nlicense_name: llama3").license().as_deref(), Some("llama3"));
        assert_eq!(card("license: other").license(), None);
        assert_eq!(card("model:\n  license: mit").license(), None);
        assert_eq!(card("energy_source: [hydro, solar]").get("energy_source"), ["hydro", "solar"]);
        assert!(Card::read("# A\nlicense: mit\n").is_none() && Card::read("---\nlicense: mit\n").is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text: String) {
            let _ = Card::read(&text);
            let _ = Card::read(&format!("---\n{text}\n---\n")).map(|card| card.license());
        }
    }
}
