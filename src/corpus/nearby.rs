//! Which of the names that are there was meant by one that is not.

use unicode_normalization::UnicodeNormalization;

/// Suffixes that say how a file is compressed.
const COMPRESSED: [&str; 8] = [".gz", ".zst", ".bz2", ".xz", ".lz4", ".br", ".lzma", ".zip"];
/// Names that are told where none is near.
const TOLD: usize = 5;

/// How near a name is; the least is nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// But for upper and lower case, width, and how accents are spelled.
    Same,
    /// But for the suffix of a compression.
    Compressed,
    /// But for what stands behind the first dot.
    Stem,
    /// So many slips away.
    Slips(usize),
}

/// The name that is nearest to `wanted`, if one is near.
pub(super) fn nearest<'n>(wanted: &str, names: &'n [String]) -> Option<&'n str> {
    let near = names.iter().filter_map(|name| Some((nearness(&folded(wanted), &folded(name))?, name.as_str())));
    near.min().map(|(_, name)| name)
}

fn nearness(wanted: &str, name: &str) -> Option<Nearness> {
    if wanted == name {
        return Some(Nearness::Same);
    }
    if bare(wanted) == bare(name) {
        return Some(Nearness::Compressed);
    }
    let stem = |name: &str| name.split_once('.').map_or(name, |(stem, _)| stem).to_owned();
    if !stem(wanted).is_empty() && stem(wanted) == stem(name) {
        return Some(Nearness::Stem);
    }
    // What the suffixes have in common is no likeness.
    let (ours, theirs) = (bare(wanted), bare(name));
    let slips = strsim::damerau_levenshtein(ours, theirs);
    let length = stem(ours).chars().count().max(stem(theirs).chars().count());
    (slips <= (length / 3).max(1) && slips < length).then_some(Nearness::Slips(slips))
}

fn folded(name: &str) -> String {
    name.nfkc().collect::<String>().to_lowercase()
}

/// A name without the suffix of a compression.
fn bare(name: &str) -> &str {
    COMPRESSED.iter().find_map(|suffix| name.strip_suffix(suffix)).filter(|bare| !bare.is_empty()).unwrap_or(name)
}

/// For a pattern that ends in `tail` and matches none of these names: how most of them end, and how many; such as end alike but for a compression
/// come first.
pub(super) fn ending(tail: &str, names: &[String]) -> Option<(String, usize)> {
    let mut counts: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for name in names {
        let dot = bare(name).rfind('.').filter(|dot| *dot > 0);
        if let Some(ending) = dot.and_then(|dot| name.get(dot..)) {
            *counts.entry(ending.to_owned()).or_default() += 1;
        }
    }
    let is_alike = |ending: &str| folded(bare(ending)) == folded(bare(tail));
    counts.into_iter().max_by_key(|(ending, count)| (is_alike(ending), *count, std::cmp::Reverse(ending.clone())))
}

/// What a directory holds, where no name of it is near.
pub(super) fn holds(names: &[String]) -> String {
    let first = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "nothing".to_owned(),
        n if n > TOLD => format!("{first} and {} more", n - TOLD),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(wanted: &str, names: &[&str]) -> Option<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        nearest(wanted, &names).map(str::to_owned)
    }

    #[test]
    fn the_name_that_was_meant() {
        let names = ["essays.jsonl", "laws.jsonl.zst", "News.jsonl", "wiki.xml", "青空文庫", "がんばる.txt"];
        for (wanted, meant) in [
            ("esays.jsonl", Some("essays.jsonl")),
            ("essays.json", Some("essays.jsonl")),
            ("essays.jsonl.gz", Some("essays.jsonl")),
            ("laws.jsonl", Some("laws.jsonl.zst")),
            ("laws.jsonl.gz", Some("laws.jsonl.zst")),
            ("news.jsonl", Some("News.jsonl")),
            ("wiki.xml.bz2", Some("wiki.xml")),
            ("ｅｓｓａｙｓ.jsonl", Some("essays.jsonl")),
            ("か\u{3099}んは\u{3099}る.txt", Some("がんばる.txt")),
            ("青空文書", Some("青空文庫")),
            ("minutes.jsonl", None),
            ("a.jsonl", None),
            (".jsonl", None),
        ] {
            assert_eq!(near(wanted, &names).as_deref(), meant, "{wanted}");
        }
        // The nearest of several, and of equals the first.
        assert_eq!(near("part-1.jsonl", &["part-2.jsonl", "part-1.jsonl.gz", "part-10.jsonl"]).unwrap(), "part-1.jsonl.gz");
        assert_eq!(near("part-3", &["part-2", "part-1"]).unwrap(), "part-1");
        assert_eq!(near("x", &[]), None);
    }

    #[test]
    fn how_the_names_that_are_there_end() {
        let names = ["a.jsonl.gz", "b.txt", "c.txt", "d.jsonl.gz", ".hidden", "noend", "e.txt"].map(str::to_owned);
        assert_eq!(ending(".parquet", &names), Some((".txt".into(), 3)));
        assert_eq!(ending(".jsonl", &names), Some((".jsonl.gz".into(), 2)));
        assert_eq!(ending(".JSONL.zst", &names), Some((".jsonl.gz".into(), 2)));
        assert_eq!(ending(".txt", &["x".to_owned()]), None);
        let few = ["a", "b"].map(str::to_owned);
        assert_eq!((holds(&[]).as_str(), holds(&few).as_str(), holds(&names).contains("and 2 more")), ("nothing", "a, b", true));
    }
}
