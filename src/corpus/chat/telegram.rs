//! Telegram Desktop: `result.json`, of one chat or of all.

use std::borrow::Cow;

use serde::Deserialize;

use super::clock::{Day, moment};
use super::dialogue::Dialogue;
use super::message::Message;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw<'a> {
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    date: Option<Cow<'a, str>>,
    #[serde(borrow)]
    from: Option<Cow<'a, str>>,
    #[serde(borrow)]
    from_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(borrow)]
    media_type: Option<Cow<'a, str>>,
    text: Option<Text>,
    photo: Option<serde::de::IgnoredAny>,
    file: Option<serde::de::IgnoredAny>,
    location_information: Option<serde::de::IgnoredAny>,
    contact_information: Option<serde::de::IgnoredAny>,
    poll: Option<serde::de::IgnoredAny>,
}

/// A text, or its pieces, those with a form as objects.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Pieces(Vec<Piece>),
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Piece {
    Plain(String),
    Formed { text: String },
    Other(serde::de::IgnoredAny),
}

impl Text {
    fn into_text(self) -> String {
        let of = |piece| match piece {
            Piece::Plain(text) | Piece::Formed { text } => text,
            Piece::Other(_) => String::new(),
        };
        match self {
            Self::Plain(text) => text,
            Self::Pieces(pieces) => pieces.into_iter().map(of).collect(),
            Self::Other(_) => String::new(),
        }
    }
}

/// Only when it is said.
#[derive(Debug, Deserialize)]
struct Moment<'a> {
    #[serde(borrow)]
    date: Cow<'a, str>,
}

/// The day by the clock of the export.
pub(super) fn day(json: &str) -> Option<Day> {
    let found: Moment<'_> = serde_json::from_str(json).ok()?;
    moment(&found.date).0
}

/// Reads a message.
pub(super) fn read(json: &str, dialogue: &mut Dialogue) -> Result<(), serde_json::Error> {
    let raw: Raw<'_> = serde_json::from_str(json)?;
    let (day, at) = raw.date.as_deref().map_or((None, None), moment);
    let mut message = Message { day, time: at, ..Message::said("", "") };
    if raw.r#type.as_deref().is_some_and(|kind| kind != "message") {
        message.left.push(if raw.action.as_deref() == Some("phone_call") { "call" } else { "system" });
        dialogue.add(&message);
        return Ok(());
    }
    let media = match raw.media_type.as_deref() {
        Some("sticker") => Some("sticker"),
        Some("voice_message" | "audio_file") => Some("voice"),
        Some("video_message" | "video_file" | "animation") => Some("video"),
        _ if raw.photo.is_some() => Some("photo"),
        _ if raw.location_information.is_some() => Some("location"),
        _ if raw.contact_information.is_some() => Some("contact"),
        _ if raw.poll.is_some() => Some("poll"),
        Some(_) => Some("file"),
        None => raw.file.is_some().then_some("file"),
    };
    message.left.extend(media);
    let name = raw.from.unwrap_or_default();
    message.id = raw.from_id.unwrap_or_else(|| name.clone());
    message.name = name;
    message.text = Cow::Owned(raw.text.map(Text::into_text).unwrap_or_default());
    dialogue.add(&message);
    Ok(())
}
