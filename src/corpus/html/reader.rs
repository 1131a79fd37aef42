//! Tags and text of a page → its text.

use super::elements::{Element, content, element, ends_foreign, holds_html};
use super::lines::{Gap, Lines};
use super::name::Name;
use html5gum::State;

/// What has been read of a page: where it stands, and the text so far.
pub(super) struct Reader {
    /// Does `/>` end every element, as in XML?
    xml: bool,
    hidden: Option<Hidden>,
    /// Between `<rt>` or `<rp>` and its end.
    in_reading: bool,
    /// Depth of preformatted elements.
    pre: u32,
    lines: Lines,
}

/// An element that hides what is in it.
struct Hidden {
    root: Name,
    /// How many elements of this name are open.
    depth: u32,
    foreign: bool,
    /// How many elements of foreign content that may hold HTML are open.
    html: u32,
}

impl Hidden {
    fn new(root: Name, foreign: bool) -> Self {
        Self { root, depth: 1, foreign, html: 0 }
    }

    /// Is the syntax here that of SVG or MathML?
    fn is_foreign(&self) -> bool {
        self.foreign && self.html == 0
    }
}

impl Reader {
    pub(super) fn new(xml: bool, capacity: usize) -> Self {
        Self { xml, hidden: None, in_reading: false, pre: 0, lines: Lines::with_capacity(capacity) }
    }

    pub(super) fn finish(self) -> String {
        self.lines.finish()
    }

    /// May `<![CDATA[` begin text here?
    pub(super) fn has_cdata(&self) -> bool {
        self.xml || self.hidden.as_ref().is_some_and(Hidden::is_foreign)
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        if self.hidden.is_none() && !self.in_reading {
            self.lines.put(text, self.pre > 0);
        }
    }

    /// A start tag; gives how its content is to be read if that is no markup.
    pub(super) fn start(&mut self, name: Name, self_closing: bool) -> Option<State> {
        let foreign = self.leave_foreign(name);
        let element = element(name.get());
        if self_closing && (self.xml || foreign || element == Element::Foreign) {
            if self.hidden.is_none() && !element.hides() {
                self.open(name, element);
                self.close(element);
            }
            return None;
        }
        match &mut self.hidden {
            Some(hidden) => {
                hidden.depth += u32::from(hidden.root == name);
                hidden.html += u32::from(hidden.foreign && holds_html(name.get()));
            }
            None => self.open(name, element),
        }
        if foreign || element == Element::Inline { None } else { content(name.get()) }
    }

    pub(super) fn end(&mut self, name: Name) {
        self.leave_foreign(name);
        match &mut self.hidden {
            Some(hidden) if hidden.root == name => {
                hidden.depth -= 1;
                if hidden.depth == 0 {
                    self.hidden = None;
                }
            }
            Some(hidden) => hidden.html = hidden.html.saturating_sub(u32::from(hidden.foreign && holds_html(name.get()))),
            None => self.close(element(name.get())),
        }
    }

    /// Ends SVG or MathML at a tag that cannot be part of it; is the tag still in there?
    fn leave_foreign(&mut self, name: Name) -> bool {
        let foreign = self.hidden.as_ref().is_some_and(Hidden::is_foreign);
        if foreign && ends_foreign(name.get()) {
            self.hidden = None;
            return false;
        }
        foreign
    }

    fn open(&mut self, name: Name, element: Element) {
        match element {
            Element::Reading => self.in_reading = true,
            Element::Preformatted => self.pre += 1,
            Element::Hidden | Element::Foreign => self.hidden = Some(Hidden::new(name, element == Element::Foreign)),
            _ => {}
        }
        self.separate(element);
    }

    fn close(&mut self, element: Element) {
        match element {
            Element::Reading => self.in_reading = false,
            Element::Preformatted => self.pre = self.pre.saturating_sub(1),
            _ => {}
        }
        self.separate(element);
    }

    /// What the start and the end of an element have in common: they separate the text before from the text behind.
    fn separate(&mut self, element: Element) {
        match element {
            Element::Block | Element::Preformatted => {
                self.in_reading = false;
                self.lines.open(Gap::Line);
            }
            Element::Cell => self.lines.open(Gap::Space),
            Element::Base => self.in_reading = false,
            _ => {}
        }
    }
}
