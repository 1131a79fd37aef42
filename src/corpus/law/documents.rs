//! Acts → documents: each act one, or each of its articles.

use serde_json::{Map, Value, json};

use super::act::{Act, Unit};
use super::reader::{Fault, acts};
use crate::corpus::document::Document;

/// What is wanted of a statute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Is each article a document?
    pub articles: bool,
    /// Do readings stand in brackets behind their bases?
    pub readings: bool,
    /// Are readings and the smaller units noted with their places?
    pub spans: bool,
}

/// Reads the statutes of a file.
///
/// # Errors
/// It is no sound XML, or holds no statute.
pub fn documents(xml: &str, options: &Options) -> Result<Vec<Document>, Fault> {
    let mut documents = Vec::new();
    for act in acts(xml, options.readings)? {
        if options.articles { articles(act, *options, &mut documents) } else { documents.push(whole(act, *options)) }
    }
    Ok(documents)
}

/// Places of bytes in characters, for bytes that come in any order.
struct Places<'a> {
    text: &'a str,
    from: usize,
    known: Vec<(usize, usize)>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str, from: usize, bytes: impl Iterator<Item = usize>) -> Self {
        let mut bytes: Vec<usize> = bytes.collect();
        bytes.sort_unstable();
        bytes.dedup();
        let mut places = Self { text, from, known: Vec::with_capacity(bytes.len()) };
        let (mut before, mut count) = (from, 0);
        for byte in bytes {
            count += places.text.get(before..byte).map_or(0, |text| text.chars().count());
            before = byte.max(places.from);
            places.known.push((byte, count));
        }
        places
    }

    fn of(&self, byte: usize) -> usize {
        self.known.binary_search_by_key(&byte, |(byte, _)| *byte).ok().and_then(|at| self.known.get(at)).map_or(0, |(_, place)| *place)
    }
}

fn whole(act: Act, options: Options) -> Document {
    let mut meta = act.meta.clone();
    let shown = |unit: &Unit| options.spans || !matches!(unit.kind, "paragraph" | "item" | "subitem" | "main");
    let units = || act.units.iter().enumerate().filter(|(_, unit)| shown(unit));
    let readings = if options.spans { &act.readings[..] } else { &[] };
    let bytes = units().flat_map(|(_, unit)| [unit.from, unit.to]).chain(readings.iter().flat_map(|(from, to, _)| [*from, *to]));
    let places = Places::new(&act.text, 0, bytes);
    let structure: Vec<Value> = units()
        .map(|(at, unit)| {
            let mut entry = Map::new();
            entry.insert("kind".to_owned(), unit.kind.into());
            if unit.kind == "article" {
                entry.insert("key".to_owned(), act.key(at).into());
            }
            unit.of_itself(&mut entry);
            entry.insert("from".to_owned(), places.of(unit.from).into());
            entry.insert("to".to_owned(), places.of(unit.to).into());
            Value::Object(entry)
        })
        .collect();
    if !structure.is_empty() {
        meta.insert("structure".to_owned(), structure.into());
    }
    put_readings(readings, &act.text, &places, &mut meta);
    let id = id(&meta);
    Document {
        id,
        meta: Some(Value::Object(meta).to_string()),
        text: act.text,
        date: act.date,
        dropped: act.dropped,
        ..Document::default()
    }
}

fn put_readings(readings: &[(usize, usize, String)], text: &str, places: &Places<'_>, meta: &mut Map<String, Value>) {
    let span = |(from, to, reading): &(usize, usize, String)| json!([places.of(*from), places.of(*to), text.get(*from..*to), reading]);
    if !readings.is_empty() {
        meta.insert("readings".to_owned(), readings.iter().map(span).collect());
    }
}

/// What the file says that the act is called.
fn id(meta: &Map<String, Value>) -> Option<String> {
    let said = |key: &str| meta.get(key).and_then(Value::as_str).map(str::to_owned);
    said("law_revision_id").or_else(|| said("law_id"))
}

/// Each article, and what stands outside of articles: the preamble, provisions without articles, appendices.
fn articles(act: Act, options: Options, documents: &mut Vec<Document>) {
    let first = documents.len();
    let mut has_articles = vec![false; act.units.len()];
    for unit in act.units.iter().filter(|unit| unit.kind == "article") {
        let mut at = unit.parent;
        while let Some(outer) = at.filter(|at| has_articles.get(*at) == Some(&false)) {
            has_articles[outer] = true;
            at = act.units.get(outer).and_then(|unit| unit.parent);
        }
    }
    // Of each unit so far: is it a document, or in one?
    let mut taken: Vec<bool> = Vec::with_capacity(act.units.len());
    for (at, unit) in act.units.iter().enumerate() {
        let is_inside = unit.parent.and_then(|parent| taken.get(parent)).copied().unwrap_or_default();
        let is_document = match unit.kind {
            "article" | "appendix" | "preamble" | "enactment" => true,
            "main" | "supplementary" => !has_articles.get(at).copied().unwrap_or_default(),
            _ => false,
        };
        taken.push(is_inside || is_document);
        let text = act.text.get(unit.from..unit.to).unwrap_or_default();
        if is_inside || !is_document || text.trim().is_empty() {
            continue;
        }
        let mut meta = act.meta.clone();
        meta.extend(act.describe(at));
        let paragraphs = act.paragraphs(at);
        if !paragraphs.is_empty() {
            meta.insert("paragraphs".to_owned(), paragraphs.into());
        }
        if options.spans {
            let from = act.readings.partition_point(|(from, ..)| *from < unit.from);
            let to = act.readings.partition_point(|(from, ..)| *from < unit.to);
            let readings = act.readings.get(from..to).unwrap_or_default();
            let places = Places::new(&act.text, unit.from, readings.iter().flat_map(|(from, to, _)| [*from, *to]));
            put_readings(readings, &act.text, &places, &mut meta);
        }
        let meta = Some(Value::Object(meta).to_string());
        documents.push(Document { text: text.to_owned(), meta, date: act.date.clone(), offset: unit.offset, ..Document::default() });
    }
    if let Some(document) = documents.get_mut(first) {
        document.dropped = act.dropped;
    }
}
