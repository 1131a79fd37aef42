//! A piece of a log → a document; and the little that has to be known of a line, or of a message, to find where days begin.

use std::borrow::Cow;

use super::app::{App, Header};
use super::clock::Day;
use super::dialogue::Dialogue;
use super::message::{Line, Message};
use super::people::Speakers;
use super::{discord, irc, line, slack, telegram, whatsapp};
use crate::corpus::document::{Document, Dropped};

/// What a line is to whoever looks for days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A day begins here, if an empty line or nothing stands before.
    Heading,
    /// A message, and its day if the line says it.
    Message(Option<Day>),
    /// It goes on with what stands before.
    More,
}

/// Bytes of a line that are looked at.
const LOOKED_AT: usize = 160;

/// What a line is; only what is ASCII of it, or a sign that UTF-8 has, counts.
#[must_use]
pub fn mark(header: &Header, bytes: &[u8]) -> Mark {
    let near = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let text = near.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let is_whole = bytes.len() <= LOOKED_AT;
    match header.app {
        App::Line | App::LineDesktop if is_whole && line::heading(text).is_some() => Mark::Heading,
        App::Line | App::LineDesktop => match line::line(text, header.app == App::Line) {
            Line::Message(_) => Mark::Message(None),
            _ => Mark::More,
        },
        App::WhatsApp => whatsapp::day(text, header.order).map_or(Mark::More, |day| Mark::Message(Some(day))),
        _ => match irc::day(text) {
            (day, true) => Mark::Message(day),
            (_, false) => Mark::More,
        },
    }
}

/// Reads a piece of a log of lines: its messages, if somebody says something in it, and what was left out.
#[must_use]
pub fn log(text: &str, header: &Header, speakers: Speakers) -> (Option<Document>, Dropped) {
    let mut dialogue = Dialogue::new(speakers);
    let mut open: Option<Message<'_>> = None;
    let mut is_behind_empty = true;
    for line in text.trim_start_matches('\u{feff}').split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let found = match header.app {
            App::Line | App::LineDesktop => line::line(line, header.app == App::Line),
            App::WhatsApp => whatsapp::line(line, header.order),
            _ => irc::line(line),
        };
        match found {
            Line::Day(_) if !is_behind_empty && header.app != App::Irc => more(&mut open, line),
            Line::Day(day) => {
                close(&mut dialogue, header.app, open.take());
                dialogue.begin(day);
            }
            Line::Message(message) => {
                close(&mut dialogue, header.app, open.take());
                open = Some(message);
            }
            Line::Nothing => {}
            Line::More => more(&mut open, line),
        }
        is_behind_empty = line.trim().is_empty();
    }
    close(&mut dialogue, header.app, open);
    dialogue.finish(header)
}

/// A message goes on; what stands before the first is no text.
fn more(open: &mut Option<Message<'_>>, line: &str) {
    if let Some(message) = open.as_mut().filter(|message| !message.name.is_empty()) {
        let text = message.text.to_mut();
        text.push('\n');
        text.push_str(line);
    }
}

fn close(dialogue: &mut Dialogue, app: App, message: Option<Message<'_>>) {
    let Some(message) = message else { return };
    let text = match app {
        App::Line | App::LineDesktop => line::without_quotes(message.text.trim_end()),
        App::WhatsApp => whatsapp::bare(&message.text),
        _ => irc::bare(&message.text),
    };
    dialogue.add(&Message { text: Cow::Owned(text), ..message });
}

/// The day of a message in JSON, if it says it.
#[must_use]
pub fn day_of(app: App, json: &str) -> Option<Day> {
    match app {
        App::Slack => slack::day(json),
        App::Discord => discord::day(json),
        _ => telegram::day(json),
    }
}

/// Reads messages in JSON: the dialogue, if somebody says something in it, and what was left out. A message that is no sound object is given to `refuse`, with its number
/// from 0 and why.
pub fn messages<'a>(
    elements: impl Iterator<Item = &'a str>,
    header: &Header,
    speakers: Speakers,
    mut refuse: impl FnMut(usize, &serde_json::Error),
) -> (Option<Document>, Dropped) {
    let mut dialogue = Dialogue::new(speakers);
    for (number, json) in elements.enumerate() {
        let read = match header.app {
            App::Slack => slack::read(json, &mut dialogue),
            App::Discord => discord::read(json, &mut dialogue),
            _ => telegram::read(json, &mut dialogue),
        };
        if let Err(error) = read {
            refuse(number, &error);
        }
    }
    dialogue.finish(header)
}
