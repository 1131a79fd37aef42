//! The fields of the `keigo` column: name, meaning and value of each, in the order in which they are stored.
//!
//! Integer counts and what follows from them. A new field is one entry here.

use serde_json::{Value as Json, json};

use super::document::{DocumentKeigo, Thresholds};

/// A field of the `keigo` column.
#[derive(Debug, Clone, Copy)]
pub struct KeigoField {
    /// Its name.
    pub name: &'static str,
    /// One line for documentation.
    pub about: &'static str,
    /// Its value, and with it its type.
    pub value: Value,
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// A number of things (u32).
    Count(fn(&DocumentKeigo) -> u32),
    /// One of a few names (string).
    Name(fn(&DocumentKeigo) -> &'static str),
    /// A share (f32); null where there is nothing to divide by.
    Ratio(fn(&DocumentKeigo) -> Option<f32>),
    /// Yes or no, by the plan's thresholds (bool).
    Flag(fn(&DocumentKeigo, &Thresholds) -> bool),
    /// Counts of the levels 0 to 3 (a list of four u32).
    Levels(fn(&DocumentKeigo) -> [u32; 4]),
    /// Things counted by name, sorted by name, those without any left out: a list of structs of the name, under this field name,
    /// and `n` (u32).
    Named(&'static str, fn(&DocumentKeigo) -> Vec<(&'static str, u32)>),
    /// The same number for every document (u8).
    Constant(u8),
}

/// The field that the policy `rebalance` sets.
pub const REPEAT: &str = "repeat";

/// Every field, in order.
pub const FIELDS: &[KeigoField] = &[
    count("n_sentences", "Sentences: the next five added up.", |d| d.n_sentences),
    count("n_keitai", "Prose sentences in keitai (desu, masu).", |d| d.n_keitai),
    count("n_jotai", "Prose sentences in jotai (da, de aru, plain forms).", |d| d.n_jotai),
    count("n_fragment", "Prose sentences without a predicate at their end.", |d| d.n_fragment),
    count("n_quoted", "Sentences that are nothing but a quotation.", |d| d.n_quoted),
    count("n_listed", "List items, headings, lines of marks.", |d| d.n_listed),
    field(
        "dominant_style",
        "The style that prevails: keitai, jotai, mixed (as many of each) or none.",
        Value::Name(|d| d.dominant().name()),
    ),
    field("consistency", "Share of the prevailing style among keitai and jotai.", Value::Ratio(|d| d.consistency().map(|c| c as f32))),
    field("mixed", "Is the consistency below the plan's threshold?", Value::Flag(DocumentKeigo::mixed)),
    field("level", "Sentences by level 0 to 3.", Value::Levels(|d| d.level)),
    count("son", "Spans of respect (sonkeigo).", |d| d.son),
    count("ken1", "Spans of humility towards the person concerned (kenjogo I).", |d| d.ken1),
    count("ken2", "Spans of courtesy to the hearer (kenjogo II).", |d| d.ken2),
    count("ken12", "Spans of both kinds of humility.", |d| d.ken12),
    count("tei", "Spans of politeness (teineigo).", |d| d.tei),
    count("bik", "Spans of beautification (bikago).", |d| d.bik),
    count("ambiguous", "Direction nouns whose giver is not known: respect or humility, counted here only.", |d| d.ambiguous),
    count("sasete", "Spans of sasete itadaku, counted in ken1 too.", |d| d.sasete),
    count("n_casual", "Casual sentences.", |d| d.n_casual),
    count("n_role", "Sentences in role language.", |d| d.n_role),
    count("misuse_errors", "Misuses that the guidelines call wrong.", |d| d.misuse_errors),
    count("misuse_variations", "Disputed forms and habits of shops.", |d| d.misuse_variations),
    field("misuse", "Misuses by type, sorted.", Value::Named("type", |d| d.misuse_counts().collect())),
    field("formula", "Fixed phrases by domain, sorted.", Value::Named("domain", |d| d.formulae.counts().collect())),
    field(REPEAT, "How often the document is to be taken: 1, unless the policy rebalance says otherwise.", Value::Constant(1)),
];

/// Names of the fields that are numbers: those that a condition of a plan can compare.
pub fn numbers() -> Vec<&'static str> {
    FIELDS.iter().filter(|field| matches!(field.value, Value::Count(_) | Value::Ratio(_))).map(|field| field.name).collect()
}

impl KeigoField {
    /// Its value for a document, as JSON.
    pub fn json(&self, document: &DocumentKeigo, thresholds: &Thresholds) -> Json {
        match self.value {
            Value::Count(count) => count(document).into(),
            Value::Name(name) => name(document).into(),
            // The shortest digits that give the same f32.
            Value::Ratio(ratio) => ratio(document).and_then(|ratio| ratio.to_string().parse::<f64>().ok()).into(),
            Value::Flag(flag) => flag(document, thresholds).into(),
            Value::Levels(levels) => levels(document).to_vec().into(),
            Value::Named(name, counts) => {
                counts(document).into_iter().map(|(value, n)| json!({ name: value, "n": n })).collect::<Vec<_>>().into()
            }
            Value::Constant(value) => value.into(),
        }
    }
}

const fn field(name: &'static str, about: &'static str, value: Value) -> KeigoField {
    KeigoField { name, about, value }
}

const fn count(name: &'static str, about: &'static str, value: fn(&DocumentKeigo) -> u32) -> KeigoField {
    field(name, about, Value::Count(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_as_json() {
        let document = DocumentKeigo { n_keitai: 2, n_jotai: 1, ..DocumentKeigo::default() };
        let json = |name: &str| {
            let field = FIELDS.iter().find(|field| field.name == name).unwrap();
            field.json(&document, &Thresholds::default()).to_string()
        };
        assert_eq!(
            ["n_keitai", "consistency", "mixed", "level", "dominant_style"].map(json).join(" "),
            "2 0.6666667 true [0,0,0,0] \"keitai\""
        );
    }

    #[test]
    fn every_field_has_a_name_of_its_own_and_a_meaning() {
        let names: std::collections::BTreeSet<_> = FIELDS.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), FIELDS.len());
        assert!(FIELDS.iter().all(|field| field.about.ends_with(['.', '?']) && field.about.len() > 5));
    }
}
