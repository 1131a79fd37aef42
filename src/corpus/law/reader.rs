//! XML of a statute → acts.

use quick_xml::Reader as Xml;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value};

use super::act::{Act, Unit};
use super::element::{Element, element};
use super::number;
use super::writer::Writer;

/// Elements that may be open at a time.
const DEPTH_MAX: usize = 256;
/// Units of an act that are noted, and fields around an act; characters of a field.
const UNITS_MAX: usize = 1 << 18;
const FIELDS_MAX: usize = 64;
const FIELD_MAX: usize = 2000;
/// What a provision says that is no more.
const DELETED: &str = "削除";

/// Why a file is no statute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Reason code of `quarantine.jsonl`.
    pub reason: &'static str,
    /// What is wrong, and where.
    pub detail: String,
}

/// An element that is open.
struct Open {
    element: Element,
    /// The unit that it is.
    unit: Option<usize>,
    /// Where its text begins.
    from: usize,
    /// Sentences in it that say something, and those that say that it is deleted.
    said: bool,
    deleted: bool,
    /// Columns or cells so far.
    parts: u32,
    reading: Option<String>,
}

/// Reads the acts of a file. Readings stand in brackets behind their bases if they are wanted.
pub(super) fn acts(xml: &str, keeps_readings: bool) -> Result<Vec<Act>, Fault> {
    let mut parser = Xml::from_str(xml);
    parser.config_mut().check_comments = false;
    let mut reader = Reader {
        keeps_readings,
        depth: 0,
        acts: Vec::new(),
        around: Map::new(),
        field: None,
        act: None,
        writer: Writer::with_capacity(0),
        open: Vec::new(),
        left: 0,
    };
    loop {
        let at = parser.buffer_position();
        let fault = |reason, detail: String| Fault { reason, detail: format!("{detail} (byte {})", at + 1) };
        match parser.read_event().map_err(|error| fault("xml_syntax", error.to_string()))? {
            Event::Start(tag) => {
                reader.start(&tag, at, xml.len()).map_err(|reason| fault(reason, format!("more than {DEPTH_MAX} elements are open")))?;
            }
            Event::Empty(tag) => {
                reader.start(&tag, at, xml.len()).map_err(|reason| fault(reason, format!("more than {DEPTH_MAX} elements are open")))?;
                reader.end();
            }
            Event::End(_) => reader.end(),
            Event::Text(text) => reader.text(&text.xml10_content()),
            Event::CData(text) => reader.text(&text.xml10_content()),
            Event::GeneralRef(entity) => match resolved(&entity) {
                Some(c) => reader.text(c.encode_utf8(&mut [0; 4])),
                None => return Err(fault("xml_entity", format!("the entity {:?} is not expanded", clipped(&entity.xml10_content())))),
            },
            Event::Eof if reader.depth > 0 => return Err(fault("xml_eof", "the file ends inside of an element".to_owned())),
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    let Reader { mut acts, around, .. } = reader;
    if acts.is_empty() {
        return Err(Fault { reason: "law_missing", detail: "there is no statute in the file".to_owned() });
    }
    let said = around.get("promulgation_date").and_then(Value::as_str);
    for act in &mut acts {
        act.date = act.date.take().or_else(|| said.map(str::to_owned));
        for (key, value) in &around {
            act.meta.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(acts)
}

fn clipped(name: &str) -> String {
    name.chars().take(40).collect()
}

/// A character by its number, or one of the five that XML knows.
fn resolved(entity: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return Some(c);
    }
    quick_xml::escape::resolve_predefined_entity(&entity.xml10_content())?.chars().next()
}

/// What has been read.
struct Reader {
    keeps_readings: bool,
    /// Elements that are open.
    depth: usize,
    acts: Vec<Act>,
    /// What stands around acts: numbers, dates, status.
    around: Map<String, Value>,
    /// The field around an act that is open: its name and text.
    field: Option<(String, String)>,
    act: Option<Act>,
    writer: Writer,
    /// Elements of the act that are open.
    open: Vec<Open>,
    /// Elements that are open in one that is left out.
    left: usize,
}

impl Reader {
    fn start(&mut self, tag: &BytesStart<'_>, at: u64, size: usize) -> Result<(), &'static str> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("xml_depth");
        }
        if self.left > 0 {
            self.left += 1;
            return Ok(());
        }
        let name = tag.local_name();
        let name: &str = name.as_ref();
        if self.act.is_none() {
            self.start_around(name, tag, size);
            return Ok(());
        }
        let element = element(name);
        let is_hidden = tag.attributes_raw().contains("Hide") && attribute(tag, "Hide").as_deref() == Some("true");
        if let Element::Left(kind) = element {
            self.leave(kind);
        } else if is_hidden {
            self.leave("hidden");
        } else {
            self.enter(element, tag, at);
        }
        Ok(())
    }

    fn leave(&mut self, kind: &'static str) {
        self.left = 1;
        if let Some(act) = &mut self.act {
            act.dropped.add(kind);
        }
    }

    /// An element outside of acts: the act itself, or a field that tells of it.
    fn start_around(&mut self, name: &str, tag: &BytesStart<'_>, size: usize) {
        if !matches!(name, "Law" | "LawContents") {
            self.field = Some((name.to_owned(), String::new()));
            return;
        }
        self.field = None;
        let mut act = Act::default();
        let value = |name: &str| attribute(tag, name).unwrap_or_default();
        for (name, key) in [("Era", "era"), ("Year", "year"), ("Num", "num"), ("LawType", "law_type"), ("Lang", "lang")] {
            if let Some(value) = attribute(tag, name) {
                act.meta.insert(key.to_owned(), value.into());
            }
        }
        act.date = number::date(&value("Era"), &value("Year"), &value("PromulgateMonth"), &value("PromulgateDay"));
        self.writer = Writer::with_capacity(size / 3);
        self.act = Some(act);
        self.open.clear();
        self.open.push(self.opened(Element::Block, None));
    }

    fn opened(&self, element: Element, unit: Option<usize>) -> Open {
        Open { element, unit, from: self.writer.len(), said: false, deleted: false, parts: 0, reading: None }
    }

    fn enter(&mut self, element: Element, tag: &BytesStart<'_>, at: u64) {
        let mut unit = None;
        match element {
            Element::Unit(kind) => {
                // The first paragraph of an article stands behind its number.
                if !(kind == "paragraph" && self.writer.is_wide()) {
                    self.writer.end_line();
                }
                unit = if self.is_quoted() { None } else { self.begin_unit(kind, tag, at) };
            }
            Element::Block | Element::Quoted | Element::Row | Element::Title | Element::Caption | Element::Label => self.writer.end_line(),
            Element::Column if self.next_part() > 0 => self.writer.wide(),
            Element::Cell => {
                let is_first = self.next_part() == 0;
                self.writer.begin_cell(is_first);
            }
            _ => {}
        }
        if element == Element::LawTitle {
            self.describe_title(tag);
        }
        let open = self.opened(element, unit);
        self.open.push(open);
    }

    /// How many parts of its kind came before, in the element that is open.
    fn next_part(&mut self) -> u32 {
        let Some(open) = self.open.last_mut() else { return 0 };
        open.parts += 1;
        open.parts - 1
    }

    fn describe_title(&mut self, tag: &BytesStart<'_>) {
        let Some(act) = &mut self.act else { return };
        for (name, key) in [("Kana", "title_kana"), ("Abbrev", "abbreviation"), ("AbbrevKana", "abbreviation_kana")] {
            if let Some(value) = attribute(tag, name).filter(|value| !value.is_empty()) {
                act.meta.insert(key.to_owned(), value.into());
            }
        }
    }

    fn begin_unit(&mut self, kind: &'static str, tag: &BytesStart<'_>, at: u64) -> Option<usize> {
        let parent = self.open.iter().rev().find_map(|open| open.unit);
        // Only supplementary provisions have been brought by another act.
        let of_provision = |name: &str| if kind == "supplementary" { attribute(tag, name) } else { None };
        let act = self.act.as_mut().filter(|act| act.units.len() < UNITS_MAX)?;
        act.units.push(Unit {
            kind,
            number: attribute(tag, "Num").unwrap_or_default(),
            offset: at,
            parent,
            amending: of_provision("AmendLawNum").filter(|amending| !amending.is_empty()),
            is_extract: of_provision("Extract").as_deref() == Some("true"),
            ..Unit::default()
        });
        Some(act.units.len() - 1)
    }

    fn text(&mut self, text: &str) {
        if self.left > 0 {
            return;
        }
        if self.act.is_none() {
            if let Some((_, value)) = &mut self.field {
                let room = FIELD_MAX.saturating_sub(value.len());
                value.extend(text.chars().take(room));
            }
            return;
        }
        // Text may be told of the act and be none of it, also a few elements deeper.
        match self.open.iter_mut().rev().find(|open| is_told(open.element)) {
            Some(told) => told.reading.get_or_insert_default().push_str(text),
            None => self.writer.put(text),
        }
    }

    fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.left > 0 {
            self.left -= 1;
            return;
        }
        if self.act.is_none() {
            if let Some((name, value)) = self.field.take()
                && !value.trim().is_empty()
                && self.around.len() < FIELDS_MAX
            {
                let key = snake(&name);
                if !matches!(key.as_str(), "code" | "message") {
                    self.around.entry(key).or_insert_with(|| value.trim().into());
                }
            }
            return;
        }
        let Some(open) = self.open.pop() else { return };
        self.close(open);
        if self.open.is_empty()
            && let Some(mut act) = self.act.take()
        {
            act.text = std::mem::replace(&mut self.writer, Writer::with_capacity(0)).text;
            self.acts.push(act);
        }
    }

    fn close(&mut self, open: Open) {
        match open.element {
            Element::Sentence => self.end_sentence(open.from),
            Element::Unit(_) => self.end_unit(&open),
            Element::Block | Element::Quoted => self.writer.end_line(),
            Element::Row => {
                if self.writer.text.get(open.from..).is_some_and(|row| row.trim().is_empty()) {
                    self.writer.take_back(open.from);
                }
                self.writer.end_line();
            }
            Element::Cell => self.writer.end_cell(),
            Element::Title | Element::Label => self.end_title(&open),
            Element::Caption => {
                let caption = self.since(open.from).to_owned();
                if let Some(unit) = self.unit() {
                    unit.caption = caption;
                }
                self.writer.end_line();
            }
            Element::Number => {
                let title = self.since(open.from).to_owned();
                if !title.is_empty() {
                    if let Some(unit) = self.unit().filter(|unit| unit.title.is_empty()) {
                        unit.title = title;
                    }
                    self.writer.wide();
                }
            }
            Element::Reading => {
                if let Some(ruby) = self.open.iter_mut().rev().find(|outer| outer.element == Element::Ruby) {
                    ruby.reading.get_or_insert_default().push_str(open.reading.as_deref().unwrap_or_default().trim());
                }
            }
            Element::Ruby => self.end_ruby(open),
            Element::LawNumber | Element::LawTitle => {
                let key = if open.element == Element::LawTitle { "title" } else { "law_num" };
                let value: String = open.reading.unwrap_or_default().split_ascii_whitespace().collect();
                if let Some(act) = self.act.as_mut().filter(|_| !value.is_empty()) {
                    act.meta.insert(key.to_owned(), value.into());
                }
            }
            Element::Column | Element::Inline | Element::Related | Element::Left(_) => {}
        }
    }

    /// The text since a place, without what stands between it and the text before.
    fn since(&self, from: usize) -> &str {
        self.writer.text.get(from..).unwrap_or_default().trim_start_matches(['\n', '　'])
    }

    /// Does what is open belong to another act?
    fn is_quoted(&self) -> bool {
        self.open.iter().any(|open| open.element == Element::Quoted)
    }

    fn unit(&mut self) -> Option<&mut Unit> {
        let mut of_this_act = self.open.iter().rev().take_while(|open| open.element != Element::Quoted);
        let at = of_this_act.find_map(|open| open.unit)?;
        self.act.as_mut()?.units.get_mut(at)
    }

    fn end_sentence(&mut self, from: usize) {
        let sentence = self.since(from).trim();
        let (is_deleted, is_empty) = (sentence == DELETED, sentence.is_empty());
        for open in self.open.iter_mut().filter(|open| open.unit.is_some()) {
            open.deleted |= is_deleted;
            open.said |= !is_deleted && !is_empty;
        }
    }

    fn end_unit(&mut self, open: &Open) {
        let is_deleted = open.deleted && !open.said;
        let is_provision = matches!(open.element, Element::Unit("article" | "paragraph" | "item" | "subitem")) && !self.is_quoted();
        if is_deleted && is_provision {
            self.writer.take_back(open.from);
            if let Some(act) = self.act.as_mut().filter(|_| open.element == Element::Unit("article") || !self.open.iter().any(is_article)) {
                act.dropped.add("deleted_provision");
            }
        }
        self.writer.end_line();
        let to = self.writer.len();
        let from = to - self.since(open.from).len();
        if let Some(unit) = open.unit.and_then(|at| self.act.as_mut()?.units.get_mut(at)) {
            (unit.from, unit.to) = (from, to);
            unit.is_deleted = is_deleted && is_provision;
        }
    }

    /// A heading. One that says that nothing is left beneath it goes.
    fn end_title(&mut self, open: &Open) {
        let title = self.since(open.from).to_owned();
        let is_deleted = title.strip_suffix(DELETED).is_some_and(|rest| rest.ends_with(char::is_whitespace));
        let (mut amending, mut is_extract) = (None, false);
        if let Some(unit) = self.unit() {
            if unit.title.is_empty() {
                unit.title.clone_from(&title);
            }
            (amending, is_extract) = (unit.amending.clone(), unit.is_extract);
        }
        if is_deleted {
            self.writer.take_back(open.from);
            if let Some(act) = &mut self.act {
                act.dropped.add("deleted_provision");
            }
        } else if open.element == Element::Label {
            // What a reader sees behind it stands in attributes.
            if let Some(amending) = amending {
                self.writer.wide();
                self.writer.put(&format!("（{amending}）"));
            }
            if is_extract && !title.ends_with('抄') {
                self.writer.wide();
                self.writer.put("抄");
            }
        }
        self.writer.end_line();
    }

    fn end_ruby(&mut self, open: Open) {
        let Some(reading) = open.reading.filter(|reading| !reading.is_empty()) else { return };
        let (from, to) = (self.writer.len() - self.since(open.from).len(), self.writer.len());
        if self.keeps_readings {
            self.writer.put("（");
            self.writer.put(&reading);
            self.writer.put("）");
        }
        if let Some(act) = &mut self.act {
            act.dropped.add("reading");
            if from < to {
                act.readings.push((from, to, reading));
            }
        }
    }
}

fn is_article(open: &Open) -> bool {
    open.element == Element::Unit("article")
}

fn is_told(element: Element) -> bool {
    matches!(element, Element::LawNumber | Element::LawTitle | Element::Reading)
}

/// The value of an attribute; entities in it are those that XML knows, or none.
fn attribute(tag: &BytesStart<'_>, wanted: &str) -> Option<String> {
    let found = tag.try_get_attribute(wanted).ok()??;
    Some(found.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_or_else(|_| String::new(), std::borrow::Cow::into_owned))
}

/// `LawId` → `law_id`
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars().take(100) {
        if c.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
