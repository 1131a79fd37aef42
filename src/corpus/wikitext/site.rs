//! What a wiki says of itself: the names of its namespaces, and where its pages are.

use rustc_hash::FxHashMap;

/// A namespace, as far as it matters for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// Articles.
    Main,
    /// Pictures and sounds: a link shows the file.
    File,
    /// A link puts the page into the category.
    Category,
    /// All others.
    Other,
}

impl Namespace {
    /// The namespace of a number.
    pub fn of(number: i32) -> Self {
        match number {
            0 => Self::Main,
            -2 | 6 => Self::File,
            14 => Self::Category,
            _ => Self::Other,
        }
    }
}

/// Names that every wiki knows, and those of Japanese ones.
const NAMES: [(&str, i32); 17] = [
    ("file", 6),
    ("image", 6),
    ("media", -2),
    ("category", 14),
    ("template", 10),
    ("help", 12),
    ("user", 2),
    ("wikipedia", 4),
    ("project", 4),
    ("special", -1),
    ("talk", 1),
    ("portal", 100),
    ("ファイル", 6),
    ("画像", 6),
    ("メディア", -2),
    ("カテゴリ", 14),
    ("テンプレート", 10),
];

/// Prefixes that look like a language and are other sites.
const NO_LANGUAGES: [&str; 13] = ["doi", "rfc", "pmid", "iso", "mw", "wmf", "bug", "irc", "oeis", "phab", "viaf", "gnd", "cdb"];

/// A wiki.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Short name of its database, as in `jawiki`.
    pub name: Option<String>,
    /// What the address of a page begins with.
    pub address: Option<String>,
    names: FxHashMap<String, i32>,
}

impl Default for Site {
    fn default() -> Self {
        let names = NAMES.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        Self { name: None, address: None, names }
    }
}

impl Site {
    /// Adds a name of a namespace.
    pub fn add_namespace(&mut self, name: &str, number: i32) {
        self.names.insert(name.to_lowercase(), number);
    }

    /// The namespace of a title, and the title without it.
    pub(super) fn split<'a>(&self, title: &'a str) -> (Namespace, &'a str) {
        let Some((prefix, rest)) = title.split_once(':') else { return (Namespace::Main, title) };
        let prefix = prefix.trim().replace('_', " ").to_lowercase();
        self.names.get(&prefix).map_or((Namespace::Main, title), |number| (Namespace::of(*number), rest.trim_start()))
    }

    /// Is the target a page of the same wiki in another language? Such a link shows nothing in the text.
    pub(super) fn is_other_language(target: &str) -> bool {
        let Some((prefix, title)) = target.split_once(':') else { return false };
        let mut parts = prefix.split('-');
        let code = parts.next().unwrap_or_default();
        let is_code = (2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_rest = parts.all(|part| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase()));
        let is_known = prefix == "simple" || is_code && is_rest && !NO_LANGUAGES.contains(&prefix);
        is_known && !title.is_empty()
    }

    /// The address of a page.
    #[must_use]
    pub fn url(&self, title: &str) -> Option<String> {
        let name = title.replace(' ', "_");
        let name = percent_encoding::utf8_percent_encode(&name, TITLE);
        self.address.as_ref().map(|address| format!("{address}{name}"))
    }

    /// The licence of its texts, where the site is known: those of the Wikimedia Foundation, <https://foundation.wikimedia.org/wiki/Policy:Terms_of_Use>, section 7.
    #[must_use]
    pub fn license(&self) -> Option<&'static str> {
        const SITES: [&str; 7] =
            ["wikipedia.org", "wiktionary.org", "wikibooks.org", "wikisource.org", "wikiquote.org", "wikiversity.org", "wikivoyage.org"];
        let host = self.address.as_ref()?.split("//").nth(1)?.split('/').next()?;
        SITES
            .iter()
            .any(|site| host.strip_suffix(site).is_some_and(|before| before.is_empty() || before.ends_with('.')))
            .then_some("CC-BY-SA-4.0")
    }
}

/// What MediaWiki writes with % in addresses of pages.
const TITLE: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'+')
    .add(b'&')
    .add(b'=')
    .add(b'\'');
