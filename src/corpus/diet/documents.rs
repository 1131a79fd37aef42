//! Meetings → documents: each speech one, or each meeting a dialogue.

use super::json;
use super::layout::{Layout, string};
use super::record::{Element, Fault, Fields, Meeting, Speech, field};
use super::speech::{Clean, clean, is_record_of_meeting};
use super::xml;
use crate::corpus::document::{Document, Dropped};

/// What is wanted of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Is each meeting a document? Else each speech is.
    pub meetings: bool,
}

/// How many documents there are.
///
/// # Errors
/// As [`documents`].
pub fn count(text: &str, options: &Options) -> Result<u64, Fault> {
    let says_something = |speech: &&Speech<'_>| {
        !is_left_out(speech) && !clean(&speech.text, speech.field("speaker"), &mut Dropped::default()).text.is_empty()
    };
    let of = |meeting: &Meeting<'_>| {
        let mut speeches = meeting.speeches.iter().filter(says_something);
        if options.meetings { u64::from(speeches.next().is_some()) } else { speeches.count() as u64 }
    };
    Ok(meetings(text)?.iter().map(of).sum())
}

fn meetings(text: &str) -> Result<Vec<Meeting<'_>>, Fault> {
    let is_xml = text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    let meetings = if is_xml { xml::meetings(text)? } else { json::meetings(text)? };
    if meetings.is_empty() {
        return Err(Fault { reason: "diet_missing", detail: "there is no record of the Diet in the file".to_owned() });
    }
    Ok(meetings)
}

/// Directions of a speech that are noted.
const DIRECTIONS_MAX: usize = 256;

/// Reads an answer of the interface.
///
/// # Errors
/// It is no sound JSON or XML, or holds no record.
pub fn documents(text: &str, options: &Options) -> Result<Vec<Document>, Fault> {
    let mut writer = Writer::new(*options);
    for meeting in &meetings(text)? {
        writer.meeting(meeting);
    }
    let (mut documents, dropped) = writer.take();
    if let Some(last) = documents.last_mut() {
        last.dropped.join(&dropped);
    }
    Ok(documents)
}

/// Makes documents of meetings and speeches, one behind the other.
#[derive(Debug, Default)]
pub struct Writer {
    options: Options,
    of_speeches: Layout,
    of_meetings: Layout,
    of_turns: Layout,
    documents: Vec<Document>,
    /// What was left out behind the last document.
    dropped: Dropped,
}

impl Writer {
    /// Begins with nothing.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Reads an element of a list of the interface, a speech or a meeting, in JSON.
    ///
    /// # Errors
    /// It is no sound JSON, or no object.
    pub fn element(&mut self, json: &str) -> Result<(), Fault> {
        match json::element(json)? {
            Element::Meeting(meeting) => self.meeting(&meeting),
            Element::Speech(speech) if self.options.meetings => {
                self.dialogue(&Meeting { fields: Fields::new(), speeches: vec![speech] });
            }
            Element::Speech(speech) => self.speech(&Fields::new(), &speech),
        }
        Ok(())
    }

    /// The documents since the last time, and what was left out behind the last of them.
    pub fn take(&mut self) -> (Vec<Document>, Dropped) {
        (std::mem::take(&mut self.documents), std::mem::take(&mut self.dropped))
    }

    fn meeting(&mut self, meeting: &Meeting<'_>) {
        if self.options.meetings {
            self.dialogue(meeting);
        } else {
            meeting.speeches.iter().for_each(|speech| self.speech(&meeting.fields, speech));
        }
    }

    /// What a speech says, if it says something.
    fn said(&mut self, speech: &Speech<'_>) -> Option<Clean> {
        if is_left_out(speech) {
            self.dropped.add("record_of_meeting");
            return None;
        }
        let found = clean(&speech.text, speech.field("speaker"), &mut self.dropped);
        if found.text.is_empty() {
            self.dropped.add("empty_speech");
        }
        Some(found)
    }

    fn speech(&mut self, meeting: &Fields<'_>, speech: &Speech<'_>) {
        let Some(found) = self.said(speech).filter(|found| !found.text.is_empty()) else { return };
        let fields: Vec<(&str, &str)> = meeting.iter().chain(&speech.fields).map(|(name, value)| (&**name, &**value)).collect();
        let mut meta = String::with_capacity(512);
        meta.push_str("{\"notation\":\"diet\"");
        self.of_speeches.write(&fields, &mut meta);
        directions(&found.directions, &mut meta);
        meta.push('}');
        let of_either = |name| speech.field(name).or(field(meeting, name)).map(str::to_owned);
        self.documents.push(Document {
            id: speech.field("speechID").map(str::to_owned),
            text: found.text,
            url: speech.field("speechURL").map(str::to_owned),
            date: of_either("date"),
            meta: Some(meta),
            dropped: std::mem::take(&mut self.dropped),
            ..Document::default()
        });
    }

    /// A meeting: a paragraph a line; who speaks stands before the speech, where the field names somebody.
    fn dialogue(&mut self, meeting: &Meeting<'_>) {
        let (mut text, mut turns, mut heard) = (String::new(), String::new(), Vec::new());
        for speech in &meeting.speeches {
            let Some(found) = self.said(speech) else { continue };
            heard.extend(found.directions);
            if found.text.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            if let Some(speaker) = speech.field("speaker") {
                text.extend([speaker, "："]);
            }
            text.push_str(&found.text);
            let fields: Vec<(&str, &str)> = speech.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            turns.push_str(if turns.is_empty() { "{" } else { ",{" });
            self.of_turns.write(&fields, &mut turns);
            turns.push('}');
        }
        if text.is_empty() {
            return;
        }
        let fields: Vec<(&str, &str)> = meeting.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let mut meta = "{\"notation\":\"diet\"".to_owned();
        self.of_meetings.write(&fields, &mut meta);
        meta.extend([",\"turns\":[", &turns, "]"]);
        directions(&heard, &mut meta);
        meta.push('}');
        self.documents.push(Document {
            id: meeting.field("issueID").map(str::to_owned),
            text,
            url: meeting.field("meetingURL").map(str::to_owned),
            date: meeting.field("date").map(str::to_owned),
            meta: Some(meta),
            dropped: std::mem::take(&mut self.dropped),
            ..Document::default()
        });
    }
}

/// Appends what happened in the hall.
fn directions(heard: &[String], meta: &mut String) {
    for (number, direction) in heard.iter().take(DIRECTIONS_MAX).enumerate() {
        meta.push_str(if number == 0 { ",\"directions\":[" } else { "," });
        string(direction, meta);
    }
    if !heard.is_empty() {
        meta.push(']');
    }
}

fn is_left_out(speech: &Speech<'_>) -> bool {
    is_record_of_meeting(speech.field("speaker"), speech.field("speechOrder"))
}
