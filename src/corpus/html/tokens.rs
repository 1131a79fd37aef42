//! The tokeniser of the HTML standard (crate html5gum), with what it finds given to a [`Reader`] (docs/adr/0008).
//!
//! Comments and document types are passed over without being kept, and so are attributes that say nothing about the text.

use std::convert::Infallible;

use html5gum::{Emitter, Error, State, Tokenizer};

use super::attributes::Attributes;
use super::bytes::Bytes;
use super::name::Name;
use super::reader::Reader;

/// How often reading goes on behind a tag that did not end. A constant, so that the time stays linear.
const RESUMES: usize = 8;
/// In XML a script may say that it is no markup; how far behind its tag that is looked for (`/*`, `//` and comments stand before it).
const CDATA_WITHIN: usize = 48;

/// Reads a page. A quote that does not end would hide all that follows; there the tag ends at its first `>` instead.
pub(super) fn read(page: &str, reader: &mut Reader) {
    let mut tokens =
        Tokens { reader, tag: None, attributes: Attributes::default(), last_start: Name::default(), rest: page.as_bytes(), position: 0 };
    let (mut rest, mut state) = (page.as_bytes(), State::Data);
    for _ in 0..=RESUMES {
        let mut tokenizer = Tokenizer::new_with_emitter(Bytes::new(rest), &mut tokens);
        tokenizer.set_state(state);
        // The page is in memory: reading it cannot fail.
        let Ok(()) = tokenizer.finish();
        let Some(tag) = tokens.tag.take() else { return };
        let behind = rest.get(tag.at..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'>', behind) else { return };
        rest = behind.get(end + 1..).unwrap_or_default();
        state = tokens.finish_tag(&tag).unwrap_or(State::Data);
        (tokens.rest, tokens.position) = (rest, 0);
    }
}

/// A tag that is being read.
#[derive(Default)]
struct Tag {
    name: Name,
    is_end: bool,
    self_closing: bool,
    /// Offset of what follows its `<`.
    at: usize,
}

struct Tokens<'a> {
    reader: &'a mut Reader,
    tag: Option<Tag>,
    attributes: Attributes,
    last_start: Name,
    /// What is being read.
    rest: &'a [u8],
    /// Bytes of it read so far.
    position: usize,
}

impl Tokens<'_> {
    fn finish_tag(&mut self, tag: &Tag) -> Option<State> {
        if tag.is_end {
            self.reader.end(tag.name);
            return None;
        }
        self.last_start = tag.name;
        self.attributes.end_name();
        let content = self.reader.start(tag.name, &self.attributes, tag.self_closing);
        content.filter(|_| !self.is_in_cdata())
    }

    /// In XML: does a section of CDATA follow, which says itself where the content of a script ends?
    fn is_in_cdata(&self) -> bool {
        let behind = self.rest.get(self.position..).unwrap_or_default();
        let behind = behind.get(..CDATA_WITHIN).unwrap_or(behind);
        self.reader.is_xml()
            && memchr::memmem::find(behind, b"<![CDATA[").is_some_and(|at| memchr::memmem::find(&behind[..at], b"</").is_none())
    }

    fn begin_tag(&mut self, is_end: bool) {
        // Behind `<` a letter was read for a start tag, a slash and a letter for an end tag.
        let at = self.position.saturating_sub(1 + usize::from(is_end));
        self.tag = Some(Tag { is_end, at, ..Tag::default() });
        self.attributes.clear();
    }
}

#[rustfmt::skip]
impl Emitter for &mut Tokens<'_> {
    type Token = Infallible;

    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }

    fn emit_string(&mut self, text: &[u8]) {
        // What looked like the end tag of a script and is none comes back as text.
        self.tag = None;
        // NUL is no text (HTML standard, 13.2.6.4.7).
        if text != b"\0" {
            self.reader.text(text);
        }
    }

    fn init_start_tag(&mut self) { self.begin_tag(false); }
    fn init_end_tag(&mut self) { self.begin_tag(true); }

    fn push_tag_name(&mut self, name: &[u8]) {
        if let Some(tag) = &mut self.tag {
            tag.name.push(name);
        }
    }

    fn set_self_closing(&mut self) {
        if let Some(tag) = &mut self.tag {
            tag.self_closing = true;
        }
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        let tag = self.tag.take()?;
        self.finish_tag(&tag)
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.tag.as_ref().is_some_and(|tag| tag.is_end && tag.name == self.last_start)
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool { self.reader.has_cdata() }

    fn init_attribute(&mut self) {
        self.attributes.end_name();
        self.attributes.begin();
    }
    fn push_attribute_name(&mut self, name: &[u8]) { self.attributes.push_name(name); }
    fn push_attribute_value(&mut self, value: &[u8]) { self.attributes.push_value(value); }

    fn init_comment(&mut self) { self.tag = None; }
    fn init_doctype(&mut self) { self.tag = None; }

    fn should_emit_errors(&mut self) -> bool { false }
    fn pop_token(&mut self) -> Option<Infallible> { None }
    fn set_last_start_tag(&mut self, _: Option<&[u8]>) {}
    fn emit_eof(&mut self) {}
    fn emit_error(&mut self, _: Error) {}
    fn emit_current_comment(&mut self) {}
    fn emit_current_doctype(&mut self) {}
    fn set_force_quirks(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
}
