//! Messages → a document.

use super::app::Header;
use super::clock::{Day, Time};
use super::message::Message;
use super::people::{People, Speakers};
use crate::corpus::document::{Document, Dropped};

/// A dialogue, message by message.
#[derive(Debug, Default)]
pub(super) struct Dialogue {
    speakers: Speakers,
    people: People,
    turns: Vec<Turn>,
    day: Option<Day>,
    dropped: Dropped,
}

#[derive(Debug)]
struct Turn {
    person: usize,
    time: Option<Time>,
    text: String,
}

impl Dialogue {
    pub(super) fn new(speakers: Speakers) -> Self {
        Self { speakers, ..Self::default() }
    }

    /// The day of what follows.
    pub(super) fn begin(&mut self, day: Day) {
        self.day.get_or_insert(day);
    }

    pub(super) fn add(&mut self, message: &Message<'_>) {
        message.left.iter().for_each(|kind| self.dropped.add(kind));
        if let Some(day) = message.day {
            self.begin(day);
        }
        let text = message.text.trim();
        if !text.is_empty() {
            let person = self.people.number(&message.id, &message.name, self.speakers);
            self.turns.push(Turn { person, time: message.time, text: text.to_owned() });
        }
    }

    /// Somebody who is spoken to and may not speak.
    pub(super) fn know(&mut self, id: &str, name: &str) {
        self.people.number(id, name, self.speakers);
    }

    /// The document, if somebody says something, and what was left out.
    pub(super) fn finish(self, header: &Header) -> (Option<Document>, Dropped) {
        if self.turns.is_empty() {
            return (None, self.dropped);
        }
        let (mut text, mut turns, mut length) = (String::new(), Vec::new(), 0);
        for turn in &self.turns {
            let begun = text.len();
            if !text.is_empty() {
                text.push('\n');
            }
            let shown = self.people.shown(turn.person);
            if self.speakers != Speakers::Meta && !shown.is_empty() {
                text.extend([shown, "："]);
            }
            let words = text.len();
            self.people.show(&turn.text, &mut text);
            let characters = |from: usize| text.get(from..).unwrap_or_default().chars().count();
            let (all, said) = (characters(begun), characters(words));
            length += all;
            let time = turn.time.map(|time| time.to_string());
            turns.push(serde_json::json!([length - said, length, shown, time]));
        }
        let mut meta = serde_json::json!({ "notation": "chat", "program": header.app.name() });
        if let Some(title) = header.title.as_deref().filter(|_| self.speakers != Speakers::Labels) {
            meta["title"] = title.into();
        }
        meta["participants"] = self.people.all().into();
        meta["turns"] = turns.into();
        let date = self.day.map(|day| day.to_string());
        (Some(Document { text, date, meta: Some(meta.to_string()), dropped: self.dropped, ..Document::default() }), Dropped::default())
    }
}
