//! Templates whose words belong to the sentence: what stands in the text in their place.
//!
//! `dicts/mediawiki/templates.tsv` has the common ones; a plan adds others. A pattern is wikitext with places for arguments: `{1}` is the first without a name, `{text|1}`
//! that called text, or else the first, `{*}` all without a name, `{*、}` all with 、 between them.

use rustc_hash::FxHashMap;

/// A template's name → what stands for it.
#[derive(Debug, Clone, Default)]
pub struct Templates(FxHashMap<String, Vec<Piece>>);

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it is.
    Text(String),
    /// The first of these arguments that is there and not empty.
    Argument(Vec<String>),
    /// All arguments without names, with this between them.
    All(String),
}

/// The patterns that are built in.
const BUILT_IN: &str = include_str!("../../../dicts/mediawiki/templates.tsv");

impl Templates {
    /// Those built in, and these: name and pattern.
    ///
    /// # Errors
    /// A pattern with a brace that has no partner; says which.
    pub fn new<'a>(more: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let lines = BUILT_IN.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let built_in = lines.map(|line| line.split_once('\t').unwrap_or((line, "")));
        let mut all = Self::default();
        for (name, pattern) in built_in.chain(more) {
            let pieces = parse(pattern).ok_or_else(|| format!("{name:?} = {pattern:?}: a brace has no partner"))?;
            all.0.insert(normal(name), pieces);
        }
        Ok(all)
    }

    /// What stands for a template, if its words are text. Names differ neither in case nor in `_` and blanks.
    pub(super) fn get(&self, name: &str) -> Option<&[Piece]> {
        let name = normal(name);
        let is_kept = || name.ends_with(RANGE) || name.starts_with(LANGUAGE);
        self.0.get(&name).map(Vec::as_slice).or_else(|| is_kept().then_some(FIRST.as_slice()))
    }
}

/// How names of templates end that mark their first argument and change nothing in it, as 要出典範囲 does.
const RANGE: &str = "範囲";
/// How names begin of templates for words of another language: `lang-mn`. What the common ones write before the words is in the table.
const LANGUAGE: &str = "lang-";
static FIRST: std::sync::LazyLock<Vec<Piece>> = std::sync::LazyLock::new(|| vec![Piece::Argument(vec!["1".to_owned()])]);

/// How a name is compared.
fn normal(name: &str) -> String {
    let name = name.trim().replace('_', " ").to_lowercase();
    let bare = ["template:", "テンプレート:"].iter().find_map(|prefix| name.strip_prefix(prefix));
    bare.map_or(name.clone(), |bare| bare.trim_start().to_owned())
}

fn parse(pattern: &str) -> Option<Vec<Piece>> {
    let (mut pieces, mut rest) = (Vec::new(), pattern);
    while let Some((text, behind)) = rest.split_once('{') {
        let (place, after) = behind.split_once('}')?;
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        pieces.push(match place.strip_prefix('*') {
            Some(between) => Piece::All(between.to_owned()),
            None => Piece::Argument(place.split('|').map(|name| name.trim().to_owned()).collect()),
        });
        rest = after;
    }
    if rest.contains('}') {
        return None;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_places() {
        let of = |names: &[&str]| Piece::Argument(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(parse("{1}（{読み|2}）").unwrap(), [of(&["1"]), Piece::Text("（".into()), of(&["読み", "2"]), Piece::Text("）".into())]);
        assert_eq!(parse("{*、}").unwrap(), [Piece::All("、".into())]);
        assert_eq!(parse("").unwrap(), []);
        assert_eq!((parse("{1"), parse("1}")), (None, None));
    }

    #[test]
    fn built_in_patterns_are_sound_and_a_plan_changes_them() {
        let mut names = rustc_hash::FxHashSet::default();
        for line in BUILT_IN.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            assert!(line.contains('\t') && names.insert(normal(line.split('\t').next().unwrap())), "{line}");
        }
        let all = Templates::new([("Lang", "{1}: {2}")].into_iter()).unwrap();
        assert_eq!(all.get("lang").unwrap().len(), 3);
        assert_eq!(all.get(" Template:仮リンク ").unwrap(), [Piece::Argument(vec!["label".into(), "1".into()])]);
        assert_eq!(all.get("要出典範囲").unwrap().len(), 1);
        assert_eq!((all.get("Lang-mn"), all.get("language icon")), (Some(FIRST.as_slice()), None));
        assert_eq!(all.get("cite book"), None);
        assert!(Templates::new([("a", "{1")].into_iter()).unwrap_err().contains("\"a\""));
    }
}
