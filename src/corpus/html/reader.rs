//! Tags and text of a page → its lines.
//!
//! No tree is built, but the elements that are open are known, and end where the HTML standard ends them when their end tags are left out.

use html5gum::State;

use super::attributes::{Attribute, Attributes};
use super::changes::change;
use super::elements::{Element, content, element, ends_foreign, holds_html};
use super::flags::{Change, Flags};
use super::lines::{Lines, Seen};
use super::name::Name;
use super::page::Page;
use super::stack::{Frame, Stack};

/// Longest title, in bytes.
const TITLE_MAX: usize = 2048;
/// A picture with an alternative text of at most so many characters stands for them.
const SIGN_MAX: usize = 2;
/// What a picture of a character is called by whoever puts it there.
const SIGNS: [&[u8]; 3] = [b"gaiji", b"emoji", b"emoticon"];

/// What has been read of a page: the elements that are open, and the text so far.
pub(super) struct Reader {
    /// Does `/>` end every element, as in XML?
    xml: bool,
    /// Do the readings of ruby stay?
    readings: bool,
    stack: Stack,
    lines: Lines,
    title: Option<Lines>,
    title_bytes: usize,
}

impl Reader {
    pub(super) fn new(xml: bool, readings: bool, capacity: usize) -> Self {
        Self { xml, readings, stack: Stack::default(), lines: Lines::with_capacity(capacity), title: None, title_bytes: 0 }
    }

    /// The page, of which `choose` keeps lines.
    pub(super) fn finish(mut self, choose: impl FnOnce(&[Seen<'_>], &str) -> Vec<bool>) -> Page {
        self.close_to(0);
        let title = self.title.map(|title| title.finish(|lines| vec![true; lines.len()])).filter(|title| !title.is_empty());
        let text = self.lines.finish(|lines| choose(lines, title.as_deref().unwrap_or_default()));
        Page { text, title }
    }

    /// May `<![CDATA[` begin text here?
    pub(super) fn has_cdata(&self) -> bool {
        self.xml || self.is_foreign()
    }

    pub(super) fn is_xml(&self) -> bool {
        self.xml
    }

    fn is_foreign(&self) -> bool {
        self.stack.flags().has(Flags::FOREIGN)
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        let flags = self.stack.flags();
        if !flags.hides() {
            self.lines.put(text, flags);
        } else if let (true, Some(title)) = (flags.has(Flags::TITLE), &mut self.title) {
            self.title_bytes += text.len();
            if self.title_bytes <= TITLE_MAX {
                title.put(text, Flags::default());
            }
        }
    }

    /// A start tag; gives how its content is to be read if that is no markup.
    pub(super) fn start(&mut self, name: Name, attributes: &Attributes, self_closing: bool) -> Option<State> {
        if self.leave_foreign(name) {
            self.start_foreign(name, self_closing);
            return None;
        }
        let element = element(name.get());
        self.end_implied(name, element);
        let mut change = change(name.get(), element, attributes, self.stack.flags());
        if element == Element::Title && self.title.is_none() {
            self.title = Some(Lines::with_capacity(64));
            change.add(Flags::TITLE);
        }
        let is_reading = self.readings && matches!(name.get(), b"rt" | b"rtc");
        if is_reading {
            change.take(Flags::READING);
        }
        let flags = change.apply(self.stack.flags());
        let is_apart = is_apart(element, change.adds, self.stack.flags());
        if (element.is_block() || element == Element::Break || is_apart) && !flags.has(Flags::HIDDEN) {
            self.lines.end_line();
        }
        match element {
            Element::Void | Element::Break => return None,
            Element::Image => {
                self.image(attributes, flags);
                return None;
            }
            _ if self_closing && (self.xml || element == Element::Foreign) => return None,
            Element::Cell if self.row().is_none() => {
                self.stack.push(Name::default(), Element::Row, Change::default(), self.lines.count());
            }
            Element::Table => self.stack.mark_row_tall(),
            _ => {}
        }
        self.stack.push(name, element, change, self.lines.count());
        if is_reading && name.get() == b"rt" && !flags.hides() {
            self.lines.open_reading(flags);
        }
        content(name.get(), self.xml)
    }

    pub(super) fn end(&mut self, name: Name) {
        if self.leave_foreign(name) {
            if let Some(at) = self.stack.find(|frame| frame.name == name, |frame| frame.element == Element::Foreign) {
                self.close_to(at);
            }
            return;
        }
        let element = element(name.get());
        let is_inline = matches!(element, Element::Inline | Element::Formatting | Element::Link);
        if is_inline || element.hides() || !self.stack.close_beyond() {
            self.close(name, element);
        }
        if (element.is_block() || element == Element::Break) && !self.stack.flags().has(Flags::HIDDEN) {
            self.lines.end_line();
        }
    }

    /// Closes the element that an end tag is of.
    fn close(&mut self, name: Name, element: Element) {
        let named = |frame: &Frame| frame.name == name;
        let scope = |frame: &Frame| frame.element.is_scope();
        let at = match element {
            Element::Void | Element::Image | Element::Break => return,
            // What follows the end of the body is read as if it stood before it.
            Element::Part if matches!(name.get(), b"body" | b"html" | b"head") => return,
            Element::Formatting | Element::Link => {
                if let Some(at) = self.stack.find(named, scope) {
                    self.stack.remove(at);
                }
                return;
            }
            Element::Inline | Element::Ruby | Element::Base | Element::Reading => self.stack.find(named, |frame| frame.element.is_block()),
            Element::Heading => self.stack.find(|frame| frame.element == Element::Heading, scope),
            Element::Item => self.stack.find(named, |frame| scope(frame) || matches!(frame.name.get(), b"ul" | b"ol")),
            Element::Table => self.stack.find(named, |frame| frame.element == Element::Hidden),
            Element::Hidden | Element::Title | Element::Foreign => self.stack.find(named, |_| false),
            _ if element.is_of_table() => {
                let is_wanted = |frame: &Frame| named(frame) || element == Element::Row && frame.element == Element::Row;
                self.stack.find(is_wanted, |frame| matches!(frame.element, Element::Table | Element::Hidden))
            }
            _ => self.stack.find(named, scope),
        };
        if let Some(at) = at {
            self.close_to(at);
        }
    }

    /// Closes elements until so many are open.
    fn close_to(&mut self, depth: usize) {
        while self.stack.depth() > depth {
            let Some(frame) = self.stack.pop() else { return };
            match frame.element {
                Element::Cell if self.lines.count() > frame.lines + 1 => self.stack.mark_row_tall(),
                Element::Reading if frame.name.get() == b"rt" && self.readings && !frame.flags.hides() => {
                    self.lines.close_reading(frame.flags);
                }
                Element::Row if !frame.is_tall && self.lines.count() > frame.lines + 1 => self.lines.join_row(frame.lines),
                _ => {}
            }
            let is_apart = is_apart(frame.element, frame.adds(), self.stack.flags());
            if (frame.element.is_block() || is_apart) && !frame.flags.has(Flags::HIDDEN) {
                self.lines.end_line();
            }
        }
    }

    /// Closes the elements that a start tag ends without a word (HTML standard, 13.2.6.4.7 and on).
    fn end_implied(&mut self, name: Name, element: Element) {
        if (element.is_block() || element == Element::Ruby)
            && let Some(at) = self.stack.find(|frame| frame.element == Element::Reading, |frame| frame.element.is_block())
        {
            self.close_to(at);
        }
        let within = |ends: fn(Element) -> bool, bars: fn(&Frame) -> bool| self.stack.find(|frame| ends(frame.element), bars);
        let at = match element {
            Element::Item => within(|open| open == Element::Item, keeps_item),
            Element::Term => within(|open| open == Element::Term, keeps_item),
            Element::Heading => self.stack.find(|frame| frame.element == Element::Heading, |_| true),
            Element::Choice if name.get() == b"option" => {
                self.stack.find(|frame| frame.element == Element::Choice && frame.name == name, |_| true)
            }
            Element::Choice => within(|open| open == Element::Choice, keeps_item),
            Element::Cell => within(|open| open == Element::Cell, is_table),
            Element::Row => within(|open| open == Element::Row, is_table),
            Element::Rows => within(|open| matches!(open, Element::Rows | Element::Row | Element::Caption), is_table),
            Element::Base | Element::Reading => within(
                |open| matches!(open, Element::Base | Element::Reading),
                |frame| frame.element == Element::Ruby || frame.element.is_block(),
            ),
            _ => None,
        };
        if let Some(at) = at {
            self.close_to(at);
        }
        if element == Element::Rows
            && let Some(at) = self.stack.find(|frame| frame.element == Element::Rows, is_table)
        {
            self.close_to(at);
        }
        if element.ends_paragraph()
            && let Some(at) = self.stack.find(|frame| frame.element == Element::Paragraph, |frame| frame.element.is_scope())
        {
            self.close_to(at);
        }
        if element == Element::Link
            && let Some(at) = self.stack.find(|frame| frame.element == Element::Link, |frame| frame.element.is_scope())
        {
            self.stack.remove(at);
        }
    }

    /// The row that is open in this table.
    fn row(&self) -> Option<usize> {
        self.stack.find(|frame| frame.element == Element::Row, is_table)
    }

    fn start_foreign(&mut self, name: Name, self_closing: bool) {
        if !self_closing {
            let mut change = Change::default();
            if holds_html(name.get()) {
                change.take(Flags::FOREIGN);
            }
            self.stack.push(name, Element::Drawn, change, self.lines.count());
        }
    }

    /// Ends SVG or MathML at a tag that cannot be part of it; is the tag still in there?
    fn leave_foreign(&mut self, name: Name) -> bool {
        if self.is_foreign() && ends_foreign(name.get()) {
            let root = self.stack.find(|frame| frame.element == Element::Foreign, |frame| !frame.flags.has(Flags::FOREIGN));
            self.close_to(root.unwrap_or_default());
            return false;
        }
        self.is_foreign()
    }

    /// A picture that stands for a character is that character; where nobody says which, it is 〓, the sign for that.
    fn image(&mut self, attributes: &Attributes, flags: Flags) {
        if flags.hides() {
            return;
        }
        let alt = String::from_utf8_lossy(attributes.value(Attribute::Alt));
        let alt = alt.trim();
        let class = attributes.value(Attribute::Class).to_ascii_lowercase();
        let is_sign = SIGNS.iter().any(|sign| memchr::memmem::find(&class, sign).is_some());
        let characters = alt.chars().take(SIGN_MAX + 1).count();
        if is_sign && characters > SIGN_MAX && !alt.is_ascii() && memchr::memmem::find(&class, b"gaiji").is_some() {
            self.lines.put("〓".as_bytes(), flags);
        } else if characters > 0 && (is_sign && alt.len() <= 32 || characters <= SIGN_MAX && !alt.is_ascii()) {
            self.lines.put(alt.as_bytes(), flags);
        }
    }
}

/// What is beside the words of a heading (a link by which to change it) is a line of its own.
fn is_apart(element: Element, adds: Flags, outside: Flags) -> bool {
    !element.is_block() && adds.has(Flags::NAMED_CHROME) && outside.has(Flags::HEADING)
}

fn is_table(frame: &Frame) -> bool {
    matches!(frame.element, Element::Table | Element::Hidden)
}

/// Elements in which an item of a list stays open when another begins.
fn keeps_item(frame: &Frame) -> bool {
    frame.element.is_block() && !matches!(frame.element, Element::Division | Element::Paragraph)
}
