//! Places in the text of a plan: the way to a value, the value at a place, the key that a sentence speaks of.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A step of the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A value, and the byte where its key begins.
pub(super) struct Located {
    pub(super) path: Vec<Step>,
    pub(super) start: usize,
}

/// `quality.rule.source`: what a person calls a key; which of several tables it is in, the line says.
pub(super) fn dotted(path: &[Step]) -> String {
    let names: Vec<&str> = path
        .iter()
        .filter_map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    names.join(".")
}

/// The innermost key or value that encloses a span.
pub(super) fn locate(table: &DeTable<'_>, span: &Range<usize>) -> Option<Located> {
    let mut search = Search { span: span.clone(), path: Vec::new(), best: None };
    search.table(table);
    search.best.map(|(_, located)| located)
}

/// The way to where the search is, and the shortest stretch so far that encloses the span.
struct Search {
    span: Range<usize>,
    path: Vec<Step>,
    best: Option<(usize, Located)>,
}

impl Search {
    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            let start = key.span().start;
            self.path.push(Step::Key(key.get_ref().to_string()));
            self.offer(&value.span(), start);
            self.offer(&key.span(), start);
            self.value(value.get_ref());
            self.path.pop();
        }
    }

    fn value(&mut self, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.table(table),
            DeValue::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    self.path.push(Step::Index(i));
                    self.offer(&value.span(), value.span().start);
                    self.value(value.get_ref());
                    self.path.pop();
                }
            }
            _ => {}
        }
    }

    fn offer(&mut self, found: &Range<usize>, start: usize) {
        let holds = found.start <= self.span.start && self.span.end <= found.end && !found.is_empty();
        if holds && self.best.as_ref().is_none_or(|(length, _)| found.len() <= *length) {
            self.best = Some((found.len(), Located { path: self.path.clone(), start }));
        }
    }
}

/// Where the key of a value begins, or the element of a list; of a key that is not there, nothing.
pub(super) fn span_of(table: &DeTable<'_>, path: &[Step]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let Step::Key(name) = first else { return None };
    let (key, mut value) = table.get_key_value(name.as_str())?;
    let mut at = key.span().start;
    for step in rest {
        match (step, value.get_ref()) {
            (Step::Key(name), DeValue::Table(table)) => {
                let (key, inner) = table.get_key_value(name.as_str())?;
                (at, value) = (key.span().start, inner);
            }
            (Step::Index(index), DeValue::Array(values)) => {
                value = values.get(*index)?;
                at = value.span().start;
            }
            _ => return None,
        }
    }
    Some(at)
}

/// Takes a value out of the text; false where it is not there.
pub(super) fn remove_spanned(table: &mut DeTable<'_>, path: &[Step]) -> bool {
    match path {
        [Step::Key(name)] => table.remove(name.as_str()).is_some(),
        [Step::Key(name), rest @ ..] => table.get_mut(name.as_str()).is_some_and(|value| remove_from(value.get_mut(), rest)),
        _ => false,
    }
}

fn remove_from(value: &mut DeValue<'_>, path: &[Step]) -> bool {
    match (value, path) {
        (DeValue::Table(table), path) => remove_spanned(table, path),
        (DeValue::Array(values), [Step::Index(index), rest @ ..]) if *index < values.len() => {
            if rest.is_empty() {
                let kept = values.iter().enumerate().filter(|(i, _)| i != index).map(|(_, value)| value.clone()).collect();
                *values = kept;
                true
            } else {
                values.get_mut(*index).is_some_and(|value| remove_from(value.get_mut(), rest))
            }
        }
        _ => false,
    }
}

/// The same of a table without places.
pub(super) fn remove(table: &mut toml::Table, path: &[Step]) -> bool {
    let Some((Step::Key(name), rest)) = path.split_first() else { return false };
    if rest.is_empty() {
        return table.remove(name).is_some();
    }
    let mut at = table.get_mut(name);
    for (i, step) in rest.iter().enumerate() {
        let is_last = i + 1 == rest.len();
        match (step, at) {
            (Step::Key(name), Some(toml::Value::Table(inner))) if is_last => return inner.remove(name).is_some(),
            (Step::Index(index), Some(toml::Value::Array(values))) if is_last && *index < values.len() => {
                values.remove(*index);
                return true;
            }
            (Step::Key(name), Some(toml::Value::Table(inner))) => at = inner.get_mut(name),
            (Step::Index(index), Some(toml::Value::Array(values))) => at = values.get_mut(*index),
            _ => return false,
        }
    }
    false
}

/// The way to the key that a sentence begins with. Of several tables or elements of a list it is the one without which something else is said.
pub(super) fn path_of(message: &str, table: &toml::Table, says_another: &dyn Fn(&toml::Table) -> bool) -> Vec<Step> {
    let end = message.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.')).unwrap_or(message.len());
    let named = message.get(..end).unwrap_or_default().trim_end_matches('.');
    let (mut path, mut at): (Vec<Step>, Option<&toml::Value>) = (Vec::new(), None);
    for (i, name) in named.split('.').filter(|name| !name.is_empty()).enumerate() {
        if let Some(toml::Value::Array(values)) = at {
            match (0..values.len()).find(|&i| is_cause(table, &path, Step::Index(i), says_another)) {
                Some(index) => {
                    path.push(Step::Index(index));
                    at = values.get(index);
                }
                None => break,
            }
        }
        let inner = if i == 0 { table.get(name) } else { at.and_then(|value| value.get(name)) };
        path.push(Step::Key(name.to_owned()));
        at = inner;
    }
    if let Some(toml::Value::Array(values)) = at
        && values.len() > 1
        && let Some(index) = (0..values.len()).find(|&i| is_cause(table, &path, Step::Index(i), says_another))
    {
        path.push(Step::Index(index));
    }
    path
}

fn is_cause(table: &toml::Table, path: &[Step], last: Step, says_another: &dyn Fn(&toml::Table) -> bool) -> bool {
    let mut without = table.clone();
    let whole = [path, &[last]].concat();
    remove(&mut without, &whole) && says_another(&without)
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&b| b == b'\n').count() + 1
}

/// How many tables and lists stand around the innermost value.
pub(super) fn depth(value: &DeValue<'_>) -> usize {
    match value {
        DeValue::Table(table) => 1 + table.values().map(|value| depth(value.get_ref())).max().unwrap_or(0),
        DeValue::Array(values) => 1 + values.iter().map(|value| depth(value.get_ref())).max().unwrap_or(0),
        _ => 0,
    }
}
