//! Discord: JSON of `DiscordChatExporter`. <https://github.com/Tyrrrz/DiscordChatExporter>

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
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    author: Option<Person<'a>>,
    #[serde(borrow)]
    mentions: Option<Vec<Person<'a>>>,
    attachments: Option<Vec<serde::de::IgnoredAny>>,
    embeds: Option<Vec<serde::de::IgnoredAny>>,
    stickers: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Person<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    nickname: Option<Cow<'a, str>>,
    is_bot: Option<bool>,
}

impl<'a> Person<'a> {
    fn shown(&self) -> Cow<'a, str> {
        let names = [&self.nickname, &self.name, &self.id];
        names.into_iter().flatten().find(|name| !name.trim().is_empty()).cloned().unwrap_or_default()
    }

    fn id(&self) -> Cow<'a, str> {
        self.id.clone().unwrap_or_else(|| self.shown())
    }
}

/// Only when it is said.
#[derive(Debug, Deserialize)]
struct Moment<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

/// The day by the clock of the export.
pub(super) fn day(json: &str) -> Option<Day> {
    let found: Moment<'_> = serde_json::from_str(json).ok()?;
    moment(&found.timestamp).0
}

/// Reads a message.
pub(super) fn read(json: &str, dialogue: &mut Dialogue) -> Result<(), serde_json::Error> {
    let raw: Raw<'_> = serde_json::from_str(json)?;
    let (day, at) = raw.timestamp.as_deref().map_or((None, None), moment);
    let mut left = Vec::new();
    left.extend(raw.attachments.iter().flatten().map(|_| "attachment"));
    left.extend(raw.embeds.iter().flatten().map(|_| "embed"));
    left.extend(raw.stickers.iter().flatten().map(|_| "sticker"));
    let mut message = Message { day, time: at, left, ..Message::said("", "") };
    let author = raw.author.unwrap_or_default();
    let kind = match raw.r#type.as_deref() {
        None | Some("Default" | "Reply" | "0" | "19") => author.is_bot.unwrap_or(false).then_some("bot"),
        Some("Call") => Some("call"),
        Some(_) => Some("system"),
    };
    if let Some(kind) = kind {
        message.left.push(kind);
    } else {
        for person in raw.mentions.iter().flatten() {
            dialogue.know(&person.id(), &person.shown());
        }
        (message.id, message.name) = (author.id(), author.shown());
        message.text = Cow::Owned(text(raw.content.as_deref().unwrap_or_default()));
    }
    dialogue.add(&message);
    Ok(())
}

/// Marks that an export may leave as they are: <@1>, <@!1>, <:name:1>, <#1>.
fn text(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let shown = behind.split_once('>').and_then(|(inside, after)| {
            let person = inside.strip_prefix('@').map(|id| id.trim_start_matches(['!', '&'])).filter(|id| is_id(id));
            let emoji = inside.strip_prefix("a:").or_else(|| inside.strip_prefix(':')).and_then(|rest| rest.split_once(':'));
            let emoji = emoji.filter(|(_, id)| is_id(id)).map(|(name, _)| format!(":{name}:"));
            let channel = inside.strip_prefix('#').filter(|id| is_id(id)).map(|id| format!("#{id}"));
            person.map(|id| format!("@{id}")).or(emoji).or(channel).map(|shown| (shown, after))
        });
        if let Some((shown, after)) = shown {
            out.push_str(&shown);
            rest = after;
        } else {
            out.push('<');
            rest = behind;
        }
    }
    out.push_str(rest);
    out
}
