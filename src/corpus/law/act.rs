//! An act as it is read: its text, and the units of which it is made.

use serde_json::{Map, Value, json};

use super::number;
use crate::corpus::document::Dropped;

/// An act.
#[derive(Debug, Default)]
pub(super) struct Act {
    pub(super) text: String,
    pub(super) units: Vec<Unit>,
    /// What is known of the act as a whole.
    pub(super) meta: Map<String, Value>,
    pub(super) date: Option<String>,
    /// Readings: from, to, reading.
    pub(super) readings: Vec<(usize, usize, String)>,
    pub(super) dropped: Dropped,
}

/// A unit of the structure: a chapter, an article, a paragraph.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) kind: &'static str,
    /// `36_2`
    pub(super) number: String,
    /// Where it stands in the text.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Bytes of the file before it.
    pub(super) offset: u64,
    /// The unit that it is in.
    pub(super) parent: Option<usize>,
    pub(super) title: String,
    pub(super) caption: String,
    /// Of supplementary provisions: the number of the act that brought them, if it was not the act itself.
    pub(super) amending: Option<String>,
    pub(super) is_extract: bool,
    pub(super) is_deleted: bool,
}

impl Act {
    /// The units around one, from the outermost.
    fn around(&self, unit: usize) -> Vec<&Unit> {
        let mut found = Vec::new();
        let mut at = self.units.get(unit).and_then(|unit| unit.parent);
        while let Some(unit) = at.and_then(|at| self.units.get(at)) {
            found.push(unit);
            at = unit.parent;
        }
        found.reverse();
        found
    }

    /// What an article is called in the act: numbers repeat in supplementary provisions, so that the act that brought them is a part of it.
    pub(super) fn key(&self, unit: usize) -> String {
        let own = self.units.get(unit);
        let around = self.around(unit);
        let mut key = String::from("main");
        for unit in around.into_iter().chain(own) {
            match unit.kind {
                "supplementary" => key = format!("supplementary:{}", unit.amending.as_deref().unwrap_or("original")),
                "article" => key.extend([":", &unit.number]),
                "appendix" | "preamble" | "enactment" => unit.kind.clone_into(&mut key),
                _ => {}
            }
        }
        key
    }

    /// What is known of a unit, with the units that it is in.
    pub(super) fn describe(&self, unit: usize) -> Map<String, Value> {
        let mut meta = Map::new();
        meta.insert("key".to_owned(), self.key(unit).into());
        for outer in self.around(unit) {
            match outer.kind {
                "supplementary" => outer.of_provision(&mut meta),
                "main" => drop(meta.insert("provision".to_owned(), "main".into())),
                kind => {
                    meta.insert(kind.to_owned(), outer.number.as_str().into());
                    if !outer.title.is_empty() {
                        meta.insert(format!("{kind}_title"), outer.title.as_str().into());
                    }
                }
            }
        }
        if let Some(unit) = self.units.get(unit) {
            unit.of_itself(&mut meta);
        }
        meta
    }

    /// The numbers of the paragraphs of an article, each with those of its items.
    pub(super) fn paragraphs(&self, article: usize) -> Vec<Value> {
        let of = |parent: usize, kind: &'static str| {
            let inside = self.units.iter().enumerate().skip(parent + 1);
            inside
                .take_while(move |(_, unit)| unit.parent.is_some_and(|at| at >= parent))
                .filter(move |(_, unit)| unit.parent == Some(parent) && unit.kind == kind)
        };
        let number = |unit: &Unit| unit.number.parse::<u64>().map_or_else(|_| Value::from(unit.number.as_str()), Value::from);
        of(article, "paragraph")
            .map(|(at, paragraph)| {
                let items: Vec<Value> = of(at, "item").map(|(_, item)| number(item)).collect();
                if items.is_empty() {
                    json!({ "paragraph": number(paragraph) })
                } else {
                    json!({ "paragraph": number(paragraph), "items": items })
                }
            })
            .collect()
    }
}

impl Unit {
    fn of_provision(&self, meta: &mut Map<String, Value>) {
        meta.insert("provision".to_owned(), "supplementary".into());
        if let Some(amending) = &self.amending {
            meta.insert("amending_law_num".to_owned(), amending.as_str().into());
        }
        if self.is_extract {
            meta.insert("extract".to_owned(), true.into());
        }
    }

    /// What is known of the unit alone.
    pub(super) fn of_itself(&self, meta: &mut Map<String, Value>) {
        match self.kind {
            "supplementary" => self.of_provision(meta),
            "main" => drop(meta.insert("provision".to_owned(), "main".into())),
            "article" | "paragraph" => number::describe(self.kind, &self.number, meta),
            kind if !self.number.is_empty() => drop(meta.insert(kind.to_owned(), self.number.as_str().into())),
            kind => drop(meta.insert("part_of_act".to_owned(), kind.into())),
        }
        let mut put = |key: &str, value: &str| {
            if !value.is_empty() {
                meta.insert(format!("{}_{key}", self.kind), value.into());
            }
        };
        put("title", &self.title);
        put("caption", &self.caption);
        if self.is_deleted {
            meta.insert("deleted".to_owned(), true.into());
        }
    }
}
