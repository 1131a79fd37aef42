//! Who loses what: documents and characters by source, register and rule; and which sources lose most of themselves.
//!
//! A table is bounded: sources beyond a limit, the smallest first, are put together. What is put together depends on the documents and their
//! order alone, so that two tables of the same documents are equal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Sources that a finished table names.
pub const SOURCES_MAX: usize = 100;
/// Sources that the table of a part of the corpus names, and a sum that is under way.
const SOURCES_UNDER_WAY_MAX: usize = 4096;
/// A source with fewer documents is only warned about if it is a good share of the corpus.
const DOCUMENTS_MIN: u64 = 20;
/// Share of the characters of the corpus that is a good one, in percent.
const SHARE_MIN: u64 = 5;
/// Warnings that are given one by one.
const WARNINGS_MAX: usize = 10;

/// How much text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Documents.
    pub documents: u64,
    /// Their characters (code points of the normalised text).
    pub characters: u64,
}

impl Amount {
    fn add(&mut self, more: Self) {
        self.documents += more.documents;
        self.characters += more.characters;
    }

    /// Percent of `whole`, by documents or by characters, whichever is more; rounded down.
    fn percent_of(self, whole: Self) -> (u64, &'static str) {
        let percent = |part: u64, whole: u64| (u128::from(part) * 100 / u128::from(whole.max(1))) as u64;
        let (documents, characters) = (percent(self.documents, whole.documents), percent(self.characters, whole.characters));
        if documents > characters { (documents, "documents") } else { (characters, "characters") }
    }
}

/// What was read of one register, and what was lost of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterLosses {
    /// Kept and rejected.
    pub read: Amount,
    /// Rejected, by `stage/rule`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<String, Amount>,
}

/// By register.
pub type Registers = BTreeMap<String, RegisterLosses>;

/// Sources that are not named one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// How many; one that was put here in several parts of the corpus counts each time.
    pub sources: u64,
    /// What they have and lose together.
    pub registers: Registers,
}

/// The table: source × register × rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// By source, then register.
    pub sources: BTreeMap<String, Registers>,
    /// The rest.
    pub other: Other,
}

/// One cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss<'a> {
    /// The source.
    pub source: &'a str,
    /// The register.
    pub register: &'a str,
    /// `stage/rule`.
    pub rule: &'a str,
    /// How much went.
    pub lost: Amount,
    /// How much there was of this source and register.
    pub read: Amount,
}

impl Losses {
    /// Counts one document of so many characters; `rule` (`stage/rule`) if it is rejected.
    pub fn count(&mut self, source: &str, register: &str, characters: u64, rule: Option<&str>) {
        let amount = Amount { documents: 1, characters };
        let cell = entry(entry(&mut self.sources, source), register);
        cell.read.add(amount);
        if let Some(rule) = rule {
            entry(&mut cell.lost, rule).add(amount);
        }
    }

    /// The table of one part of the corpus, ready to be summed up.
    #[must_use]
    pub fn of_part(mut self) -> Self {
        self.limit(SOURCES_UNDER_WAY_MAX);
        self
    }

    /// The finished table of a corpus from those of its parts ([`Losses::of_part`]), in order.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        parts.into_iter().for_each(|part| all.absorb(part));
        all.finished()
    }

    /// Adds the table of a part; sums that are under way name more sources than finished ones.
    pub fn absorb(&mut self, part: &Self) {
        for (source, registers) in &part.sources {
            add(entry(&mut self.sources, source), registers);
        }
        self.other.sources += part.other.sources;
        add(&mut self.other.registers, &part.other.registers);
        self.limit(SOURCES_UNDER_WAY_MAX);
    }

    /// The finished table.
    #[must_use]
    pub fn finished(mut self) -> Self {
        self.limit(SOURCES_MAX);
        self
    }

    /// Names at most so many sources: those with most characters, by name among equals.
    fn limit(&mut self, max: usize) {
        if self.sources.len() <= max {
            return;
        }
        let mut sizes: Vec<(u64, String)> = self.sources.iter().map(|(source, of)| (read(of).characters, source.clone())).collect();
        sizes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        for (_, source) in sizes.split_off(max) {
            if let Some(registers) = self.sources.remove(&source) {
                add(&mut self.other.registers, &registers);
                self.other.sources += 1;
            }
        }
    }

    /// Rejected documents by `stage/rule`.
    pub fn by_rule(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (rule, lost) in self.registers().flat_map(|(_, of)| &of.lost) {
            *all.entry(rule.clone()).or_default() += lost.documents;
        }
        all
    }

    /// The rules that cost most characters, at most so many, the costliest first.
    pub fn costliest(&self, max: usize) -> Vec<&str> {
        let mut all: BTreeMap<&str, u64> = BTreeMap::new();
        for (rule, lost) in self.registers().flat_map(|(_, of)| &of.lost) {
            *all.entry(rule).or_default() += lost.characters;
        }
        let mut all: Vec<(&str, u64)> = all.into_iter().filter(|(_, characters)| *characters > 0).collect();
        all.sort_by_key(|(_, characters)| std::cmp::Reverse(*characters));
        all.into_iter().take(max).map(|(rule, _)| rule).collect()
    }

    /// Kept documents by register; registers of which nothing is kept are left out.
    pub fn kept_by_register(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (register, of) in self.registers() {
            let lost: u64 = of.lost.values().map(|lost| lost.documents).sum();
            *all.entry(register.clone()).or_default() += of.read.documents.saturating_sub(lost);
        }
        all.retain(|_, kept| *kept > 0);
        all
    }

    fn registers(&self) -> impl Iterator<Item = (&String, &RegisterLosses)> {
        self.sources.values().chain([&self.other.registers]).flatten()
    }

    /// The cells of named sources with most characters lost, at most so many, largest first.
    pub fn largest(&self, max: usize) -> Vec<Loss<'_>> {
        let mut all: Vec<Loss<'_>> = Vec::new();
        for (source, registers) in &self.sources {
            for (register, RegisterLosses { read, lost }) in registers {
                all.extend(lost.iter().map(|(rule, &lost)| Loss { source, register, rule, lost, read: *read }));
            }
        }
        all.sort_by_key(|loss| std::cmp::Reverse((loss.lost.characters, loss.lost.documents)));
        all.truncate(max);
        all
    }

    /// A sentence for each source that loses more than half of its documents or characters, those with most characters lost first.
    pub fn warnings(&self) -> Vec<String> {
        let mut corpus = Amount::default();
        self.registers().for_each(|(_, of)| corpus.add(of.read));
        let mut found: Vec<(u64, String)> = Vec::new();
        for (source, registers) in &self.sources {
            let (read, rules) = (read(registers), rules(registers));
            let mut lost = Amount::default();
            for rule in rules.values() {
                lost.add(*rule);
            }
            let (percent, what) = lost.percent_of(read);
            let counts =
                read.documents >= DOCUMENTS_MIN || read.characters.saturating_mul(100) >= corpus.characters.saturating_mul(SHARE_MIN);
            let Some((rule, _)) = rules.iter().rev().max_by_key(|(_, lost)| (lost.characters, lost.documents)) else { continue };
            if counts && percent > 50 {
                let mostly = if rules.len() > 1 { "mostly " } else { "" };
                let sentence = format!("{percent} % of the {what} of {source} rejected, {mostly}by {rule}: {}", question(rule));
                found.push((lost.characters, sentence));
            }
        }
        found.sort_by_key(|(lost, _)| std::cmp::Reverse(*lost));
        let more = found.len().saturating_sub(WARNINGS_MAX);
        let rest = (more > 0).then(|| format!("{more} more sources lose more than half of their documents or characters"));
        found.into_iter().take(WARNINGS_MAX).map(|(_, sentence)| sentence).chain(rest).collect()
    }
}

/// What to ask oneself.
fn question(rule: &str) -> &'static str {
    match rule.split('/').next() {
        Some("quality") => "is the preset right?",
        Some("dedup") => "does it repeat itself, or another source?",
        _ => "is the policy right?",
    }
}

/// All of a source.
fn read(registers: &Registers) -> Amount {
    let mut all = Amount::default();
    for of in registers.values() {
        all.add(of.read);
    }
    all
}

/// What a source loses, by rule.
fn rules(registers: &Registers) -> BTreeMap<&str, Amount> {
    let mut all: BTreeMap<&str, Amount> = BTreeMap::new();
    for (rule, lost) in registers.values().flat_map(|of| &of.lost) {
        all.entry(rule).or_default().add(*lost);
    }
    all
}

fn add(sum: &mut Registers, more: &Registers) {
    for (register, of) in more {
        let cell = entry(sum, register);
        cell.read.add(of.read);
        of.lost.iter().for_each(|(rule, lost)| entry(&mut cell.lost, rule).add(*lost));
    }
}

/// The value of a key, made if it is not there.
fn entry<'a, V: Default>(map: &'a mut BTreeMap<String, V>, key: &str) -> &'a mut V {
    map.entry(key.to_owned()).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(documents: &[(&str, &str, u64, Option<&str>)]) -> Losses {
        let mut losses = Losses::default();
        for (source, register, characters, rule) in documents {
            losses.count(source, register, *characters, *rule);
        }
        losses.of_part()
    }

    #[test]
    fn documents_and_characters_by_source_register_and_rule() {
        let losses = table(&[
            ("law", "legal", 100, Some("quality/dup_5")),
            ("law", "legal", 50, None),
            ("law", "polite", 7, Some("dedup/near")),
            ("blog", "polite", 9, None),
        ]);
        let legal = &losses.sources["law"]["legal"];
        assert_eq!(legal.read, Amount { documents: 2, characters: 150 });
        assert_eq!(legal.lost["quality/dup_5"], Amount { documents: 1, characters: 100 });
        assert_eq!(losses.by_rule(), BTreeMap::from([("dedup/near".to_owned(), 1), ("quality/dup_5".to_owned(), 1)]));
        assert_eq!(losses.kept_by_register(), BTreeMap::from([("legal".to_owned(), 1), ("polite".to_owned(), 1)]));
        let cells: Vec<_> =
            losses.largest(5).into_iter().map(|loss| (loss.source, loss.register, loss.rule, loss.lost.characters)).collect();
        assert_eq!(cells, [("law", "legal", "quality/dup_5", 100), ("law", "polite", "dedup/near", 7)]);
        assert_eq!(losses.largest(1).len(), 1);
    }

    #[test]
    fn a_source_that_loses_most_of_itself_is_named_with_the_rule() {
        let mut documents = vec![("e-gov", "legal", 10, None); 2];
        documents.extend(vec![("e-gov", "legal", 10, Some("quality/dup_5")); 20]);
        documents.extend(vec![("e-gov", "legal", 10, Some("quality/dup_line")); 3]);
        documents.extend(vec![("mirror", "polite", 10, Some("dedup/exact")); 20]);
        documents.extend(vec![("blog", "polite", 10, None); 400]);
        documents.push(("one.txt", "none", 5, Some("quality/min_chars")));
        assert_eq!(
            table(&documents).warnings(),
            [
                "92 % of the characters of e-gov rejected, mostly by quality/dup_5: is the preset right?",
                "100 % of the characters of mirror rejected, by dedup/exact: does it repeat itself, or another source?",
            ]
        );
        assert!(table(&[("blog", "polite", 10, None)]).warnings().is_empty() && Losses::default().warnings().is_empty());
        // Few documents, but the whole corpus.
        assert_eq!(
            table(&[("a", "none", 5, Some("keigo/level"))]).warnings(),
            ["100 % of the characters of a rejected, by keigo/level: is the policy right?"]
        );
        // Exactly half is not most.
        assert!(table(&[("a", "none", 5, Some("quality/kana")), ("a", "none", 5, None)]).warnings().is_empty());
    }

    #[test]
    fn warnings_are_bounded() {
        let names: Vec<String> = (0..15).map(|n| format!("s{n:02}")).collect();
        let documents: Vec<_> = names.iter().flat_map(|name| vec![(name.as_str(), "none", 5, Some("quality/kana")); 20]).collect();
        let warnings = table(&documents).warnings();
        assert_eq!((warnings.len(), warnings[10].as_str()), (11, "5 more sources lose more than half of their documents or characters"));
        assert!(warnings[0].contains("s00") && warnings[9].contains("s09"));
    }

    #[test]
    fn the_smallest_sources_are_put_together() {
        let names: Vec<String> = (0..SOURCES_MAX + 2).map(|n| format!("s{n:03}")).collect();
        let documents: Vec<_> =
            names.iter().enumerate().map(|(n, name)| (name.as_str(), "none", n as u64 + 1, Some("quality/kana"))).collect();
        let all = Losses::sum([&table(&documents)]);
        assert_eq!((all.sources.len(), all.other.sources), (SOURCES_MAX, 2));
        assert_eq!(all.other.registers["none"].read, Amount { documents: 2, characters: 3 });
        assert!(!all.sources.contains_key("s000") && !all.sources.contains_key("s001"));
        assert_eq!(all.by_rule()["quality/kana"], documents.len() as u64, "nothing is lost from the sums");
    }

    proptest! {
        #[test]
        fn how_the_corpus_is_divided_does_not_show(documents in prop::collection::vec((0_usize..5, 0_usize..3, 0_u64..100, 0_usize..4), 0..60), cut in 0_usize..60) {
            let sources = ["a", "b", "c", "d", "e"];
            let rules = [None, Some("quality/kana"), Some("dedup/near"), None];
            let documents: Vec<_> = documents.iter().map(|&(s, r, n, rule)| (sources[s], ["none", "polite", "legal"][r], n, rules[rule])).collect();
            let (one, two) = documents.split_at(cut.min(documents.len()));
            let whole = Losses::sum([&table(&documents)]);
            prop_assert_eq!(&whole, &Losses::sum([&table(one), &table(two)]));
            let kept: u64 = whole.kept_by_register().values().sum();
            prop_assert_eq!(kept + whole.by_rule().values().sum::<u64>(), documents.len() as u64);
        }
    }
}
