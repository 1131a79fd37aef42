//! Who lost what: sentences about sources and registers that lost most of their documents.

use std::collections::BTreeMap;

/// A source with fewer documents is no evidence of a wrong preset.
const DOCUMENTS_MIN: u64 = 20;
/// Share of documents or characters lost from which on a sentence is due.
const SHARE_MIN: f64 = 0.5;

/// Documents of one source and register that one rule rejected, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss<'a> {
    /// Their source.
    pub source: &'a str,
    /// Their register.
    pub register: &'a str,
    /// The rule that rejected them; `None`: they passed.
    pub rule: Option<&'a str>,
    /// How many.
    pub documents: u64,
    /// Their characters.
    pub characters: u64,
}

#[derive(Debug, Default)]
struct Tally<'a> {
    documents: u64,
    characters: u64,
    lost_documents: u64,
    lost_characters: u64,
    rules: BTreeMap<&'a str, u64>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, loss: &Loss<'a>) {
        self.documents += loss.documents;
        self.characters += loss.characters;
        if let Some(rule) = loss.rule {
            self.lost_documents += loss.documents;
            self.lost_characters += loss.characters;
            *self.rules.entry(rule).or_default() += loss.documents;
        }
    }

    /// `92 % of … rejected (11 of 12 documents, 90 % of the characters), mostly by grammar: is the preset right?`
    fn warning(&self, of: &str) -> Option<String> {
        let share = |part: u64, whole: u64| if whole == 0 { 0. } else { part as f64 / whole as f64 };
        let documents = share(self.lost_documents, self.documents);
        let characters = share(self.lost_characters, self.characters);
        if self.documents < DOCUMENTS_MIN || documents.max(characters) < SHARE_MIN {
            return None;
        }
        let most = self.rules.iter().max_by_key(|(rule, n)| (**n, std::cmp::Reverse(**rule)))?;
        let mostly = if 2 * most.1 >= self.lost_documents { "mostly" } else { "most often" };
        Some(format!(
            "{:.0} % of {of} rejected ({} of {} documents, {:.0} % of the characters), {mostly} by {}: is the preset right?",
            100. * documents,
            self.lost_documents,
            self.documents,
            100. * characters,
            most.0
        ))
    }
}

/// A sentence for each source that lost most of what it had, and for each register that did in a source that did not.
///
/// Counts are those of the quality rules: documents rejected as duplicates are left out. Sorted by source and register.
pub fn warnings(losses: &[Loss<'_>]) -> Vec<String> {
    let (mut sources, mut registers) = (BTreeMap::<_, Tally<'_>>::new(), BTreeMap::<_, Tally<'_>>::new());
    for loss in losses {
        sources.entry(loss.source).or_default().add(loss);
        registers.entry((loss.source, loss.register)).or_default().add(loss);
    }
    let mut found = Vec::new();
    for (source, tally) in &sources {
        let name = if source.is_empty() { "the documents without a source" } else { source };
        if let Some(warning) = tally.warning(name) {
            found.push(warning);
            continue;
        }
        let of_source = registers.iter().filter(|((of, _), _)| of == source);
        found.extend(of_source.filter_map(|((_, register), tally)| tally.warning(&format!("{name}, register {register}"))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(source: &'static str, register: &'static str, rule: Option<&'static str>, documents: u64) -> Loss<'static> {
        Loss { source, register, rule, documents, characters: documents * 100 }
    }

    #[test]
    fn a_source_that_lost_most_is_told() {
        let losses = [
            loss("e-gov", "legal", Some("ended"), 80),
            loss("e-gov", "plain-written", Some("repeated"), 12),
            loss("e-gov", "legal", None, 8),
            loss("blog", "polite", None, 900),
            loss("blog", "none", Some("grammar"), 30),
            loss("few", "none", Some("grammar"), 19),
        ];
        assert_eq!(
            warnings(&losses),
            [
                "100 % of blog, register none rejected (30 of 30 documents, 100 % of the characters), mostly by grammar: is the preset right?",
                "92 % of e-gov rejected (92 of 100 documents, 92 % of the characters), mostly by ended: is the preset right?",
            ]
        );
        assert!(warnings(&[]).is_empty());
    }

    #[test]
    fn characters_count_too() {
        let long = Loss { characters: 1_000_000, ..loss("", "polite", Some("vocabulary"), 5) };
        let told = warnings(&[long, loss("", "polite", None, 95)]);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("5 % of the documents without a source rejected (5 of 100 documents, 99 %"), "{told:?}");
    }
}
