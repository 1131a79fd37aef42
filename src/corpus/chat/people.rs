//! Who speaks, and what they are called in a document.

use rustc_hash::FxHashMap;

/// `input.chat.speakers`: what stands for those who speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Speakers {
    /// Their names, before what they say.
    #[default]
    Names,
    /// A, B, C …, in the order in which they come first, before what they say; names stand nowhere.
    Labels,
    /// Nothing: names stand in `meta` only.
    Meta,
}

/// Everybody who speaks or is spoken to.
#[derive(Debug, Default)]
pub(super) struct People {
    shown: Vec<String>,
    /// Is a name known beside the id?
    is_named: Vec<bool>,
    numbers: FxHashMap<String, usize>,
    /// Lengths that ids and names have, from the longest on.
    lengths: Vec<usize>,
}

/// Bytes of an id or a name by which somebody is found behind an @.
const NAME_MAX: usize = 200;

impl People {
    /// The number of somebody. One who has been known by the id alone gets a name with the first that there is.
    pub(super) fn number(&mut self, id: &str, name: &str, speakers: Speakers) -> usize {
        let number = match self.numbers.get(id) {
            Some(number) if self.is_named.get(*number).is_none_or(|is_named| *is_named) || name == id => return *number,
            Some(number) => *number,
            None => {
                self.shown.push(if speakers == Speakers::Labels { label(self.shown.len()) } else { String::new() });
                self.is_named.push(false);
                self.shown.len() - 1
            }
        };
        if let (Some(is_named), Some(shown)) = (self.is_named.get_mut(number), self.shown.get_mut(number)) {
            *is_named = name != id || name.is_empty();
            if speakers != Speakers::Labels {
                name.clone_into(shown);
            }
        }
        for known in [id, name] {
            if !known.is_empty() && known.len() <= NAME_MAX {
                self.numbers.entry(known.to_owned()).or_insert(number);
                if let Err(at) = self.lengths.binary_search_by(|length| known.len().cmp(length)) {
                    self.lengths.insert(at, known.len());
                }
            }
        }
        self.numbers.entry(id.to_owned()).or_insert(number);
        number
    }

    /// What is shown for a number.
    pub(super) fn shown(&self, number: usize) -> &str {
        self.shown.get(number).map_or("", String::as_str)
    }

    /// Everybody.
    pub(super) fn all(&self) -> &[String] {
        &self.shown
    }

    /// Appends a text in which everybody who is mentioned (@id, @name) is shown as when they speak.
    pub(super) fn show(&self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('@') {
            out.push_str(before);
            out.push('@');
            rest = behind;
            let found = self.lengths.iter().find_map(|length| {
                let (name, after) = (behind.get(..*length)?, behind.get(*length..)?);
                // @12 does not mention 1.
                let is_cut = name.ends_with(|c: char| c.is_ascii_alphanumeric()) && after.starts_with(|c: char| c.is_ascii_alphanumeric());
                Some((self.numbers.get(name).filter(|_| !is_cut)?, after))
            });
            if let Some((number, after)) = found {
                out.push_str(self.shown(*number));
                rest = after;
            }
        }
        out.push_str(rest);
    }
}

/// A, B, … Z, AA, AB …
fn label(number: usize) -> String {
    let (mut rest, mut letters) = (number, Vec::new());
    loop {
        letters.push((b'A' + (rest % 26) as u8) as char);
        match (rest / 26).checked_sub(1) {
            Some(more) => rest = more,
            None => return letters.iter().rev().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(label), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }

    #[test]
    fn who_is_mentioned_is_shown() {
        let of = |speakers| {
            let mut people = People::default();
            let all = [("U1", "太郎"), ("U2", "U2"), ("U2", "太郎左衛門"), ("U1", "x")];
            assert_eq!(all.map(|(id, name)| people.number(id, name, speakers)), [0, 1, 1, 0]);
            let mut out = String::new();
            people.show("@U2 と@太郎左衛門と@太郎、a@b @U12 @", &mut out);
            out
        };
        assert_eq!(of(Speakers::Names), "@太郎左衛門 と@太郎左衛門と@太郎、a@b @U12 @");
        assert_eq!(of(Speakers::Labels), "@B と@Bと@A、a@b @U12 @");
    }
}
