//! Lists of hosts and addresses, by category, in memory that a list of some millions of lines may have: its bytes once, and eight bytes a line.
//!
//! A host stands for itself and everything under it, at the dots between labels: `example.org` is `www.example.org`, never `notexample.org`. An
//! entry with a path stands for the addresses of that very host (`www.` aside) whose path goes on from it at a `/`, `?` or `&`. Case does not
//! count, a name in Unicode is its punycode, and user, password, port, a last dot and percent signs are seen through.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

/// Bytes of the longest entry that is kept.
const ENTRY_MAX: usize = u16::MAX as usize;
/// Schemes whose addresses have no host.
const WITHOUT_HOST: [&str; 8] = ["about", "blob", "cid", "data", "javascript", "mailto", "tel", "urn"];

/// Where an entry stands, and its category.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u32,
    len: u16,
    category: u16,
}

/// The lists, ready to be asked; immutable.
#[derive(Debug, Default)]
pub struct UrlLists {
    categories: Vec<String>,
    bytes: Vec<u8>,
    /// By their bytes.
    entries: Vec<Entry>,
    /// Bytes of the longest entry with a path; 0 if there is none.
    longest_path: usize,
}

/// What a list says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// The category.
    pub category: &'a str,
    /// The entry: a host, or a host and a path.
    pub entry: &'a str,
}

impl UrlLists {
    /// Empty lists of these categories. An entry of several belongs to the first of them.
    pub fn new(categories: Vec<String>) -> Self {
        Self { categories, ..Self::default() }
    }

    /// Takes a line of a list of the category of this number; `false` if it names no host, or is longer than any address.
    ///
    /// # Errors
    /// One sentence, if the lists are larger than 4 GiB or have more than 65,535 categories.
    pub fn add(&mut self, category: usize, line: &str) -> Result<bool, String> {
        let Some(key) = key(line).filter(|key| key.len() <= ENTRY_MAX) else { return Ok(false) };
        let start =
            u32::try_from(self.bytes.len() + key.len()).map_err(|_| "the lists have more than 4 GiB".to_owned())? - key.len() as u32;
        let category = u16::try_from(category).map_err(|_| "there are more than 65,535 categories".to_owned())?;
        if key.contains('/') {
            self.longest_path = self.longest_path.max(key.len());
        }
        self.bytes.extend_from_slice(key.as_bytes());
        self.entries.push(Entry { start, len: key.len() as u16, category });
        Ok(true)
    }

    /// Puts the entries in order; to be called once all lines are in.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let bytes = std::mem::take(&mut self.bytes);
        // Lists are mostly sorted already: a stable sort takes runs as they are.
        self.entries.sort_by(|a, b| slice(&bytes, *a).cmp(slice(&bytes, *b)).then(a.category.cmp(&b.category)));
        self.entries.dedup_by(|later, first| slice(&bytes, *later) == slice(&bytes, *first));
        self.entries.shrink_to_fit();
        self.bytes = bytes;
        self.bytes.shrink_to_fit();
        self
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the lists say of an address; `None` also for what is no address with a host.
    pub fn find(&self, url: &str) -> Option<Found<'_>> {
        let address = Address::parse(url)?;
        let mut host = address.host.as_str();
        loop {
            if let Some(found) = self.get(host) {
                return Some(found);
            }
            match host.split_once('.') {
                Some((_, rest)) if !address.is_number => host = rest,
                _ => break,
            }
        }
        if self.longest_path == 0 {
            return None;
        }
        let whole = address.with_path();
        let host = whole.find('/').unwrap_or(whole.len());
        let goes_on = |(i, b): (usize, u8)| (i > host && matches!(b, b'/' | b'?' | b'&')).then_some(i);
        let ends = whole.bytes().take(self.longest_path + 1).enumerate().filter_map(goes_on).chain([whole.len()]);
        let prefixes = ends.filter(|&end| end <= self.longest_path).filter_map(|end| whole.get(..end));
        prefixes.filter_map(|prefix| self.get(prefix)).next_back()
    }

    fn get(&self, key: &str) -> Option<Found<'_>> {
        let at = self.entries.binary_search_by(|entry| slice(&self.bytes, *entry).cmp(key.as_bytes())).ok()?;
        let entry = self.entries.get(at)?;
        let category = self.categories.get(usize::from(entry.category)).map_or("", String::as_str);
        Some(Found { category, entry: std::str::from_utf8(slice(&self.bytes, *entry)).unwrap_or_default() })
    }
}

fn slice(bytes: &[u8], entry: Entry) -> &[u8] {
    let start = entry.start as usize;
    bytes.get(start..start + usize::from(entry.len)).unwrap_or_default()
}

/// An entry as it is looked up.
fn key(line: &str) -> Option<String> {
    let line = line.trim();
    let line = line.strip_prefix("*.").unwrap_or(line);
    let line = line.strip_prefix('.').unwrap_or(line);
    if is_plain_host(line) {
        return Some(line.to_owned());
    }
    let address = Address::parse(line)?;
    let path = address.with_path();
    let path = path.trim_end_matches('/');
    Some(if path.contains('/') { path.to_owned() } else { address.host })
}

/// A host that needs no parsing, as nearly all lines are: lower-case ASCII, the last label no number.
fn is_plain_host(line: &str) -> bool {
    let letters = line.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    let last = line.rsplit_once('.').map(|(_, last)| last);
    letters && last.is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase())) && !line.starts_with('.') && !line.contains("..")
}

/// An address taken apart.
#[derive(Debug)]
struct Address {
    /// In lower-case ASCII, without a last dot.
    host: String,
    /// Is the host an IP address?
    is_number: bool,
    /// Path and query in lower case, percent signs decoded; begins with `/`.
    path: String,
}

impl Address {
    fn parse(url: &str) -> Option<Self> {
        let rest = without_scheme(url.trim())?;
        if rest.starts_with(['/', '\\', '?', '#']) {
            return None;
        }
        // Whatever the scheme was: hosts of http are read by the rules of names.
        let url = Url::parse(&format!("http://{rest}")).ok()?;
        let (host, is_number) = match url.host()? {
            Host::Domain(name) => (name.strip_suffix('.').unwrap_or(name).to_owned(), false),
            number => (number.to_string(), true),
        };
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let path = percent_decode_str(&format!("{}{query}", url.path())).decode_utf8_lossy().to_lowercase();
        (!host.is_empty()).then_some(Self { host, is_number, path })
    }

    /// Host, without `www.`, and path.
    fn with_path(&self) -> String {
        format!("{}{}", self.host.strip_prefix("www.").unwrap_or(&self.host), self.path)
    }
}

/// What follows `scheme://`, or all of it where there is no scheme; `None` for schemes without hosts.
fn without_scheme(url: &str) -> Option<&str> {
    if let Some(rest) = url.strip_prefix("//") {
        return Some(rest);
    }
    let is_scheme = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    let Some((scheme, rest)) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else { return Some(url) };
    if let Some(rest) = rest.strip_prefix("//") {
        return (!scheme.eq_ignore_ascii_case("file")).then_some(rest);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let has_port = !authority.is_empty() && authority.bytes().all(|b| b.is_ascii_digit());
    let has_user = authority.contains('@') && !WITHOUT_HOST.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (has_port || has_user).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(entries: &[(usize, &str)]) -> UrlLists {
        let mut lists = UrlLists::new(vec!["adult".to_owned(), "malware".to_owned()]);
        for (category, line) in entries {
            assert!(lists.add(*category, line).unwrap(), "{line}");
        }
        lists.sorted()
    }

    fn found<'a>(lists: &'a UrlLists, url: &str) -> Option<(&'a str, &'a str)> {
        lists.find(url).map(|found| (found.category, found.entry))
    }

    #[test]
    fn hosts_match_at_labels() {
        let lists =
            lists(&[(1, "example.org"), (0, "sub.example.org"), (0, "xn--eckwd4c7cu47r2wf.jp"), (0, "192.0.2.7"), (0, "[2001:db8::1]")]);
        for url in [
            "http://example.org",
            "https://www.example.org/a",
            "//EXAMPLE.org:8080/",
            "example.org",
            "example.org:80/x",
            "http://taro:pass@example.org./x?y#z",
            "taro:pass@example.org",
            "ftp://a.b.example.org",
            "http://ｅｘａｍｐｌｅ.org/",
            "http://example。org/",
            "http://ex%61mple.org",
            "  http://example.org\n",
        ] {
            assert_eq!(found(&lists, url), Some(("malware", "example.org")), "{url}");
        }
        assert_eq!(found(&lists, "http://a.sub.example.org"), Some(("adult", "sub.example.org")), "the nearest entry");
        assert_eq!(found(&lists, "http://ドメイン名例.jp/"), Some(("adult", "xn--eckwd4c7cu47r2wf.jp")));
        for url in ["http://192.0.2.7:81/", "192.0.2.7", "http://0xc0.0.2.7", "http://[2001:DB8:0::1]/x", "[2001:db8::1]:80"] {
            assert_eq!(found(&lists, url).map(|(category, _)| category), Some("adult"), "{url}");
        }
        for url in [
            "http://notexample.org",
            "http://example.org.jp",
            "http://example.com/?u=example.org",
            "http://example.org@example.com",
            "192.0.2.70",
        ] {
            assert_eq!(found(&lists, url), None, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_unknown() {
        let lists = lists(&[(0, "org"), (0, "path"), (0, "example.org")]);
        for url in [
            "",
            " ",
            "/path",
            "///path",
            "http://",
            "http:///path",
            "file:///path/x",
            "file://example.org/x",
            "mailto:taro@example.org",
            "data:text/plain,example.org",
            "javascript:alert(1)",
            "http://exa mple.org",
            "http://[::1",
            "http://example.org:99999/",
            "not an address",
            "?example.org",
            "\0",
        ] {
            assert_eq!(found(&lists, url), None, "{url:?}");
        }
        assert_eq!(found(&lists, "http://wikipedia.org").map(|(_, entry)| entry), Some("org"), "who lists a top-level domain has it");
    }

    #[test]
    fn paths_go_on_at_their_ends() {
        let lists = lists(&[
            (0, "example.org/~Taro/"),
            (0, "www.example.net/a/b.html"),
            (1, "example.com/list?id=3"),
            (1, "https://example.com/名"),
        ]);
        for url in [
            "http://example.org/~taro",
            "http://www.example.org/%7Etaro/x?y",
            "example.org/x/../~taro?z",
            "http://example.net/a/b.html#top",
            "http://example.com/list?id=3&x=1",
            "http://example.com/%E5%90%8D/x",
        ] {
            assert!(found(&lists, url).is_some(), "{url}");
        }
        for url in [
            "http://example.org/",
            "http://example.org/~taros",
            "http://a.example.org/~taro",
            "http://example.com/list?id=31",
            "http://example.net/a",
        ] {
            assert_eq!(found(&lists, url), None, "{url}");
        }
        assert_eq!(found(&lists, "http://www.example.org/~taro/x").map(|(_, entry)| entry), Some("example.org/~taro"));
        let long = format!("http://example.org{}", "/a".repeat(1 << 16));
        assert_eq!(found(&lists, &long), None);
    }

    #[test]
    fn lines_are_taken_as_lists_have_them() {
        let mut lists = UrlLists::new(vec!["a".into(), "b".into()]);
        for line in ["EXAMPLE.org.", ".example.net", "*.example.com", "http://example.jp/", "例え.テスト"] {
            assert!(lists.add(1, line).unwrap(), "{line}");
        }
        for line in ["", "   ", "exa mple.org", "http://", "."] {
            assert!(!lists.add(1, line).unwrap(), "{line}");
        }
        lists.add(0, "example.net").unwrap();
        let lists = lists.sorted();
        assert_eq!((lists.len(), lists.is_empty()), (5, false));
        assert_eq!(found(&lists, "x.example.net"), Some(("a", "example.net")), "the first category");
        for url in ["example.org", "www.example.com", "example.jp/x", "xn--r8jz45g.xn--zckzah"] {
            assert!(found(&lists, url).is_some(), "{url}");
        }
    }
}
