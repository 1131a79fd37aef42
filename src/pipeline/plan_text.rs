//! The text of a plan: read with everything that is wrong with it, and not with the first fault alone.
//!
//! The parser stops at the first value that is not what it should be. So what it stops at is noted with its line and taken out, and the rest
//! is read again, until nothing is wrong any more; the checks of the sections are asked in the same way. What is read in the end is the plan
//! without its faults: good enough to look for files that it names, and never run.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::plan_places::{Step, depth, dotted, line_of, locate, path_of, remove, remove_spanned, span_of};
use super::plan_words::{self, Said};
use crate::error::{Complaint, Error, PlanFault, Subject};
use crate::quarantine::escape;

/// Faults that are looked for; a file with more is no plan.
const FAULTS_MAX: usize = 100;
/// Rounds in which lines with slips of syntax are blanked out: a table or list over many lines takes several.
const ROUNDS_MAX: usize = 20;
/// How deep a plan may be nested: its own keys need four levels.
const DEPTH_MAX: usize = 32;

/// What is asked of a plan once its values have the right types: each gives a sentence that begins with the key at fault.
pub(super) type Check<T> = fn(&T) -> Result<(), String>;

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// At a line of the file; the largest number for what it does not say.
    Line(usize),
    /// By a setting of the command line.
    Setting(usize),
}

/// A fault and its place.
#[derive(Debug, Clone)]
struct Fault {
    place: Place,
    /// What a file or setting is called in the message.
    blamed: String,
    key: Option<String>,
    said: Said,
}

/// A text whose slips of syntax are blanked out, so that the rest of it can be read.
pub(super) struct Sound<'t> {
    text: Cow<'t, str>,
    /// Line of each slip, if it is known, and what the parser says.
    slips: Vec<(Option<usize>, String)>,
}

impl<'t> Sound<'t> {
    /// Of any text.
    pub(super) fn of(given: &'t str) -> Self {
        let mut sound = Self { text: Cow::Borrowed(given), slips: Vec::new() };
        for round in 0..ROUNDS_MAX {
            let errors = DeTable::parse_recoverable(&sound.text).1;
            let mut lines = Vec::new();
            for error in errors.iter().take(FAULTS_MAX) {
                let line = error.span().map(|span| line_of(given, span.start.min(given.len().saturating_sub(1))));
                // One slip makes the parser stumble again, on its line and on what it blanks out.
                if round == 0 && !sound.slips.iter().any(|(told, _)| *told == line) {
                    let at = error.span().and_then(|span| given.get(span));
                    sound.slips.push((line, plan_words::plainly(error.message(), at)));
                }
                lines.extend(line);
            }
            if errors.is_empty() {
                return sound;
            }
            let blanked: Vec<&str> =
                sound.text.lines().zip(1..).map(|(line, number)| if lines.contains(&number) { "" } else { line }).collect();
            sound.text = Cow::Owned(blanked.join("\n"));
        }
        sound.text = Cow::Borrowed("");
        sound
    }
}

/// A text that was read.
pub(super) struct Read<'t, T> {
    /// The plan without its faults.
    pub(super) value: T,
    faults: Vec<Fault>,
    spanned: DeTable<'t>,
    settings: &'t [String],
    text: &'t str,
    name: &'t str,
}

impl<'t, T: DeserializeOwned + Default> Read<'t, T> {
    /// Reads a text with settings on top of it; `name` stands for the file in messages.
    pub(super) fn new(sound: &'t Sound<'t>, settings: &'t [String], name: &'t str, checks: &[Check<T>]) -> Self {
        let text = sound.text.as_ref();
        let parsed = DeTable::parse_recoverable(text).0;
        let mut read = Self { value: T::default(), faults: Vec::new(), spanned: parsed.into_inner(), settings, text, name };
        if depth(&DeValue::Table(read.spanned.clone())) > DEPTH_MAX {
            read.complain(None, None, Said { message: format!("nested more than {DEPTH_MAX} deep"), ..Said::default() });
            return read;
        }
        for (line, message) in &sound.slips {
            read.complain(*line, None, Said { message: message.clone(), ..Said::default() });
        }
        read.take_types_out();
        let mut table = owned(&read.spanned);
        let alone = table.clone();
        read.apply_settings(&mut table);
        read.value = table.clone().try_into().unwrap_or_default();
        for check in checks {
            read.ask(*check, &mut table, &alone);
        }
        if !sound.slips.is_empty() {
            // What is missing may stand where the parser could not read.
            read.faults.retain(|fault| fault.place != Place::Line(usize::MAX));
        }
        read
    }

    /// Takes out what is not of the type that it should be, or is no key at all.
    fn take_types_out(&mut self) {
        while self.faults.len() < FAULTS_MAX {
            let whole = Spanned::new(0..self.text.len(), self.spanned.clone());
            let Err(error) = T::deserialize(Deserializer::from(whole)) else { return };
            let at = error.span().and_then(|span| locate(&self.spanned, &span));
            let key = at.as_ref().map(|at| dotted(&at.path));
            let said = plan_words::of_parser(&error, key.as_deref());
            let line = at.as_ref().map(|at| line_of(self.text, at.start));
            if line.is_none() || !self.is_told_at(line) {
                self.complain(line, key, said);
            }
            match at {
                Some(at) if remove_spanned(&mut self.spanned, &at.path) => {}
                _ => return self.spanned.clear(),
            }
        }
        self.spanned.clear();
    }

    /// Puts the settings on top, one after the other; what cannot be is left away.
    fn apply_settings(&mut self, table: &mut toml::Table) {
        for (number, setting) in self.settings.iter().enumerate() {
            let blamed = format!("--set {setting}");
            let mut with = table.clone();
            let (key, said) = match apply(&mut with, setting) {
                Err(said) => (None, said),
                Ok(key) => match with.clone().try_into::<T>() {
                    Ok(_) => {
                        *table = with;
                        continue;
                    }
                    Err(error) => {
                        let known = plan_words::key_said(&error.to_string()).unwrap_or(key);
                        let said = plan_words::of_parser(&error, Some(&known));
                        (Some(known), said)
                    }
                },
            };
            self.faults.push(Fault { place: Place::Setting(number), blamed, key, said });
        }
    }

    /// Asks one check until it has nothing more to say; what it blames is taken out. `alone` is what the file says without settings.
    fn ask(&mut self, check: Check<T>, table: &mut toml::Table, alone: &toml::Table) {
        let ask = |table: &toml::Table| table.clone().try_into::<T>().ok().and_then(|value: T| check(&value).err());
        let mut removed: Vec<Vec<Step>> = Vec::new();
        while self.faults.len() < FAULTS_MAX {
            let Some(message) = ask(table) else { return };
            let says_another = |without: &toml::Table| ask(without).as_ref() != Some(&message);
            let path = path_of(&message, table, &says_another);
            let key = Some(dotted(&path)).filter(|key| !key.is_empty());
            let line = span_of(&self.spanned, &path).map(|at| line_of(self.text, at));
            let said = Said { message: message.clone(), ..Said::default() };
            if let Some(number) = self.setting_behind(alone, &removed, &says_another) {
                let blamed = format!("--set {}", self.settings[number]);
                self.faults.push(Fault { place: Place::Setting(number), blamed, key, said });
            } else if line.is_none() || !self.is_told_at(line) {
                self.complain(line, key, said);
            }
            if !remove(table, &path) {
                return;
            }
            self.value = table.clone().try_into().unwrap_or_default();
            removed.push(path);
        }
    }

    /// The setting without which something else is said, the last first; `removed` is what was taken out before.
    fn setting_behind(&self, alone: &toml::Table, removed: &[Vec<Step>], says_another: &dyn Fn(&toml::Table) -> bool) -> Option<usize> {
        let without = |left_out: usize| {
            let mut table = alone.clone();
            for (_, setting) in self.settings.iter().enumerate().filter(|(i, _)| *i != left_out) {
                let before = table.clone();
                if apply(&mut table, setting).is_err() || table.clone().try_into::<T>().is_err() {
                    table = before;
                }
            }
            for path in removed {
                remove(&mut table, path);
            }
            table
        };
        (0..self.settings.len()).rev().find(|&number| says_another(&without(number)))
    }

    /// Something else is wrong with the value of a key: of the element `index` of a list, where one is given.
    pub(super) fn also(&mut self, key: &[&str], index: Option<usize>, error: &Error) {
        let mut path: Vec<Step> = key.iter().map(|name| Step::Key((*name).to_owned())).collect();
        path.extend(index.map(Step::Index));
        let said = Said { message: error.to_string(), hint: error.hint().map(str::to_owned), nearest: None };
        let key = Some(dotted(&path));
        match self.setting_of(&path) {
            Some(number) => {
                let blamed = format!("--set {}", self.settings[number]);
                self.faults.push(Fault { place: Place::Setting(number), blamed, key, said });
            }
            None => self.complain(span_of(&self.spanned, &path).map(|at| line_of(self.text, at)), key, said),
        }
    }

    /// The plan; or everything that is wrong with it, in the order of the file, the settings of the command line behind it.
    pub(super) fn finish(mut self) -> Result<T, Error> {
        self.faults.sort_by(|a, b| a.place.cmp(&b.place));
        let more = self.faults.len().saturating_sub(FAULTS_MAX);
        let mut faults = self.faults.into_iter().take(FAULTS_MAX);
        let Some(first) = faults.next() else { return Ok(self.value) };
        let mut others: Vec<Complaint> = faults.map(|fault| fault.complaint()).collect();
        if more > 0 {
            others.push(Complaint { message: format!("{}: and {more} more", self.name), hint: None });
        }
        let Complaint { message, hint } = first.complaint();
        let fault = PlanFault { file: first.blamed, key: first.key, nearest: first.said.nearest, others };
        Err(Error::Refused { message, hint, subject: Subject::Plan(Box::new(fault)) })
    }

    /// Is anything wrong?
    pub(super) fn is_faulty(&self) -> bool {
        !self.faults.is_empty()
    }

    fn complain(&mut self, line: Option<usize>, key: Option<String>, said: Said) {
        self.faults.push(Fault { place: Place::Line(line.unwrap_or(usize::MAX)), blamed: self.name.to_owned(), key, said });
    }

    fn is_told_at(&self, line: Option<usize>) -> bool {
        line.is_some_and(|line| self.faults.iter().any(|fault| fault.place == Place::Line(line)))
    }

    /// The last setting that says something of a key.
    fn setting_of(&self, path: &[Step]) -> Option<usize> {
        let key = dotted(path);
        let is_of = |set: &str| set == key || key.starts_with(&format!("{set}.")) || set.starts_with(&format!("{key}."));
        self.settings.iter().rposition(|setting| setting.split_once('=').is_some_and(|(set, _)| is_of(set.trim())))
    }
}

impl Fault {
    /// `plan.toml:3: pack.window: must be …`, and the remedy.
    fn complaint(&self) -> Complaint {
        let line = match self.place {
            Place::Line(line) if line != usize::MAX => format!(":{line}"),
            _ => String::new(),
        };
        let (key, message) = (self.key.as_deref().unwrap_or_default(), &self.said.message);
        let key = if key.is_empty() || message.contains(key) || self.said.nearest.is_some() && message.starts_with("unknown key") {
            String::new()
        } else {
            format!("{}: ", escape(key, 200))
        };
        Complaint { message: format!("{}{line}: {key}{message}", self.blamed), hint: self.said.hint.clone() }
    }
}

/// The table without places.
fn owned(table: &DeTable<'_>) -> toml::Table {
    let whole = Spanned::new(0..0, table.clone());
    serde::Deserialize::deserialize(Deserializer::from(whole)).unwrap_or_default()
}

/// Sets a dotted key to a TOML value; what is no TOML value is taken as a string. Gives the key.
fn apply(table: &mut toml::Table, setting: &str) -> Result<String, Said> {
    let write = || Some("write --set tokenizer.vocab_size=16000".to_owned());
    let wrong = |message: &str, hint| Said { message: message.to_owned(), hint, nearest: None };
    let Some((key, value)) = setting.split_once('=') else { return Err(wrong("no `=`", write())) };
    let parts: Vec<&str> = key.split('.').map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(wrong("the key before `=` is missing or incomplete", write()));
    }
    let value = toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .filter(|parsed| parsed.len() == 1)
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let Some((&last, sections)) = parts.split_last() else { return Ok(String::new()) };
    let mut at = table;
    for &part in sections {
        let inner = at.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = inner.as_table_mut().ok_or_else(|| wrong(&format!("`{part}` is not a section ({key})"), None))?;
    }
    at.insert(last.to_owned(), value);
    Ok(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plan::Plan;

    /// Every fault, the first too.
    fn faults(text: &str, settings: &[&str]) -> Vec<String> {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let Err(error) = Plan::from_toml(text, &settings, "p.toml") else { return Vec::new() };
        let first = (error.to_string(), error.hint().map(str::to_owned));
        let others = error.others().iter().map(|other| (other.message.clone(), other.hint.clone()));
        std::iter::once(first).chain(others).map(|(said, hint)| format!("{said} | {}", hint.unwrap_or_default())).collect()
    }

    #[test]
    fn ten_faults_are_told_in_the_order_of_the_file() {
        let text = "[input]
paths = [\"a\", 7]
limit = 0
sample = \"1%\"
[quality]
preset = \"wev\"
[[quality.rule]]
source = \"a*\"
[[quality.rule]]
source = \"b[\"
[quality.thresholds]
dup_line = 0.3
[dedup]
near = 1.5
[keigo]
policy = \"filter\"
[tokenizer]
vocab_sizes = 3
vocab_size = 12
pattern = 
superwords = 2.0
[pack]
sequence_length = 0
window = 0
[tokeniser]
";
        let expected = [
            (2, "input.paths: invalid type: integer `7`"),
            (3, "input.limit is 0"),
            (4, "input.sample: invalid type: string"),
            (6, "unknown value `wev`"),
            (10, "quality.rule.source is no glob"),
            (12, "unknown key `dup_line` in [quality.thresholds] | the nearest valid key is `dup_lines`"),
            (14, "dedup.near is 1.5"),
            (16, "keigo.policy is \"filter\""),
            (18, "unknown key `vocab_sizes` in [tokenizer]"),
            (19, "tokenizer.vocab_size must be at least"),
            (20, "string values must be quoted"),
            (21, "tokenizer.superwords"),
            (23, "pack.sequence_length"),
            (24, "pack.window"),
            (25, "unknown key `tokeniser` | the nearest valid key is `tokenizer`"),
        ];
        let said = faults(text, &[]);
        for ((line, words), said) in expected.iter().zip(&said) {
            assert!(said.starts_with(&format!("p.toml:{line}: ")) && said.contains(words), "{words}: {said}");
        }
        assert_eq!(said.len(), expected.len(), "{said:#?}");
    }

    #[test]
    fn settings_come_last_and_are_blamed_for_what_they_do() {
        let text = "[input]\npaths = [\"a\"]\n[split]\nvalidation = 0.1\n[pack]\nwindow = 0\n";
        let said = faults(text, &["dedup.near=false", "pack.window=0", "pack.sequence_lenght=3", "shards.rows_max=x"]);
        let starts = ["p.toml:6: pack.window", "--set dedup.near=false", "--set pack.sequence_lenght=3", "--set shards.rows_max=x"];
        assert_eq!(said.len(), starts.len(), "{said:#?}");
        for (start, said) in starts.iter().zip(&said) {
            assert!(said.starts_with(start), "{start}: {said}");
        }
        // What a setting puts right is not wrong.
        assert!(faults("[pack]\nwindow = 0\n", &["pack.window=7", "input.paths=[\"a\"]"]).is_empty());
    }

    #[test]
    fn a_missing_key_has_no_line_and_comes_behind_those_that_have_one() {
        let said = faults("[pack]\nwindow = 0\n", &[]);
        assert!(said.len() == 2 && said[0].starts_with("p.toml:2: pack.window") && said[1].starts_with("p.toml: input.paths"), "{said:?}");
    }

    #[test]
    fn any_text_is_answered() {
        for text in
            ["[[[", "a = \"", "x", "\u{0}", "[input]\n[input]\n", "[a.b]\n[a]\nb = 1\n", "input = 3\ninput = 4", "[[input]]\n[[input]]"]
        {
            assert!(!faults(text, &[]).is_empty(), "{text}");
        }
        let deep = format!("a = {}{}", "[".repeat(60), "]".repeat(60));
        assert!(faults(&deep, &[]).len() <= FAULTS_MAX + 1);
        let many = (0..500).map(|n| format!("k{n} = 1")).collect::<Vec<_>>().join("\n");
        assert!(faults(&many, &[]).len() <= FAULTS_MAX + 1);
    }
}
