//! The XML of the interface.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use super::record::{Fault, Meeting, Speech, gather};

/// Elements that may be open at a time.
const DEPTH_MAX: usize = 64;

/// What has been read.
#[derive(Default)]
struct Read {
    meetings: Vec<Meeting<'static>>,
    speeches: Vec<Speech<'static>>,
    meeting: Option<Meeting<'static>>,
    speech: Option<Speech<'static>>,
    value: String,
}

/// Reads an answer.
pub(super) fn meetings(xml: &str) -> Result<Vec<Meeting<'static>>, Fault> {
    let mut parser = Reader::from_str(xml);
    let (mut read, mut depth) = (Read::default(), 0_usize);
    loop {
        let at = parser.buffer_position();
        let fault = |reason, detail: String| Fault { reason, detail: format!("{detail} (byte {})", at + 1) };
        match parser.read_event().map_err(|error| fault("xml_syntax", error.to_string()))? {
            Event::Start(tag) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(fault("xml_depth", format!("more than {DEPTH_MAX} elements are open")));
                }
                read.start(tag.local_name().as_ref());
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                read.end(tag.local_name().as_ref());
            }
            Event::Text(text) => read.value.push_str(&text.xml10_content()),
            Event::CData(text) => read.value.push_str(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let Some(c) = resolved(&entity) else {
                    let name: String = entity.chars().take(40).collect();
                    return Err(fault("xml_entity", format!("the entity {name:?} is not expanded")));
                };
                read.value.push(c);
            }
            Event::Eof if depth > 0 => return Err(fault("xml_eof", "the file ends inside of an element".to_owned())),
            Event::Eof => break,
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    read.meetings.extend(gather(read.speeches));
    Ok(read.meetings)
}

fn resolved(entity: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return Some(c);
    }
    quick_xml::escape::resolve_predefined_entity(&entity.xml10_content())?.chars().next()
}

impl Read {
    fn start(&mut self, name: &str) {
        self.value.clear();
        match name {
            "meetingRecord" => self.meeting = Some(Meeting::default()),
            "speechRecord" => self.speech = Some(Speech::default()),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        let value = std::mem::take(&mut self.value);
        match name {
            "meetingRecord" => self.meetings.extend(self.meeting.take()),
            "speechRecord" => match (self.speech.take(), &mut self.meeting) {
                (Some(speech), Some(meeting)) => meeting.speeches.push(speech),
                (Some(speech), None) => self.speeches.push(speech),
                (None, _) => {}
            },
            "speech" => {
                if let Some(speech) = &mut self.speech {
                    speech.text = Cow::Owned(value);
                }
            }
            _ if value.trim().is_empty() => {}
            _ => {
                let fields =
                    self.speech.as_mut().map(|speech| &mut speech.fields).or(self.meeting.as_mut().map(|meeting| &mut meeting.fields));
                if let Some(fields) = fields {
                    fields.push((Cow::Owned(name.to_owned()), Cow::Owned(value.trim().to_owned())));
                }
            }
        }
    }
}
