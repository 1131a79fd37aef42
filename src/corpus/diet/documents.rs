//! Meetings → documents: each speech one, or each meeting a dialogue.

use serde_json::{Map, Value};

use super::json;
use super::record::{Fault, Fields, Meeting, Speech};
use super::speech::{clean, is_record_of_meeting};
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
    let says_something = |speech: &&Speech<'_>| !is_left_out(speech) && !clean(&speech.text, &mut Dropped::default()).text.is_empty();
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
    let meetings = meetings(text)?;
    let mut documents = Vec::new();
    // What is left out before the first document is told with it.
    let mut dropped = Dropped::default();
    for meeting in &meetings {
        if options.meetings { dialogue(meeting, &mut dropped, &mut documents) } else { speeches(meeting, &mut dropped, &mut documents) }
    }
    if let Some(last) = documents.last_mut() {
        last.dropped.join(&dropped);
    }
    Ok(documents)
}

fn put(fields: &Fields<'_>, meta: &mut Map<String, Value>) {
    for (name, value) in fields {
        meta.insert(snake(name), (&**value).into());
    }
}

/// `speakerYomi` → `speaker_yomi`, `speechURL` → `speech_url`
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for c in name.chars().take(100) {
        if c.is_ascii_uppercase() && was_small {
            out.push('_');
        }
        was_small = !c.is_ascii_uppercase();
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn is_left_out(speech: &Speech<'_>) -> bool {
    is_record_of_meeting(speech.field("speaker"), speech.field("speechOrder"))
}

fn speeches(meeting: &Meeting<'_>, dropped: &mut Dropped, documents: &mut Vec<Document>) {
    for speech in &meeting.speeches {
        if is_left_out(speech) {
            dropped.add("record_of_meeting");
            continue;
        }
        let mut of_it = std::mem::take(dropped);
        let found = clean(&speech.text, &mut of_it);
        if found.text.is_empty() {
            of_it.add("empty_speech");
            *dropped = of_it;
            continue;
        }
        let mut meta = Map::new();
        meta.insert("notation".to_owned(), "diet".into());
        put(&meeting.fields, &mut meta);
        put(&speech.fields, &mut meta);
        if !found.directions.is_empty() {
            meta.insert("directions".to_owned(), found.directions.into_iter().take(DIRECTIONS_MAX).collect());
        }
        documents.push(Document {
            id: speech.field("speechID").map(str::to_owned),
            text: found.text,
            url: speech.field("speechURL").map(str::to_owned),
            date: meeting.field("date").map(str::to_owned),
            meta: Some(Value::Object(meta).to_string()),
            dropped: of_it,
            ..Document::default()
        });
    }
}

/// A meeting: a paragraph a line; who speaks stands before the speech, where the field names somebody.
fn dialogue(meeting: &Meeting<'_>, dropped: &mut Dropped, documents: &mut Vec<Document>) {
    let (mut text, mut turns, mut directions) = (String::new(), Vec::new(), Vec::new());
    let mut of_it = std::mem::take(dropped);
    for speech in &meeting.speeches {
        if is_left_out(speech) {
            of_it.add("record_of_meeting");
            continue;
        }
        let found = clean(&speech.text, &mut of_it);
        directions.extend(found.directions);
        if found.text.is_empty() {
            of_it.add("empty_speech");
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        if let Some(speaker) = speech.field("speaker") {
            text.extend([speaker, "："]);
        }
        text.push_str(&found.text);
        let mut turn = Map::new();
        put(&speech.fields, &mut turn);
        turns.push(Value::Object(turn));
    }
    if text.is_empty() {
        *dropped = of_it;
        return;
    }
    let mut meta = Map::new();
    meta.insert("notation".to_owned(), "diet".into());
    put(&meeting.fields, &mut meta);
    meta.insert("turns".to_owned(), turns.into());
    if !directions.is_empty() {
        meta.insert("directions".to_owned(), directions.into_iter().take(DIRECTIONS_MAX).collect());
    }
    documents.push(Document {
        id: meeting.field("issueID").map(str::to_owned),
        text,
        url: meeting.field("meetingURL").map(str::to_owned),
        date: meeting.field("date").map(str::to_owned),
        meta: Some(Value::Object(meta).to_string()),
        dropped: of_it,
        ..Document::default()
    });
}
