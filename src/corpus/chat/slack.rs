//! Slack: a channel of an export, a list of messages. <https://slack.com/help/articles/220556107>

use std::borrow::Cow;

use serde::Deserialize;

use super::clock::{Day, Time};
use super::dialogue::Dialogue;
use super::message::Message;

/// A message. Names of people are in a list of their own that is no part of the file; newer exports repeat them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Raw<'a> {
    #[serde(borrow)]
    subtype: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    username: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    ts: Option<Cow<'a, str>>,
    #[serde(borrow)]
    bot_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user_profile: Option<Profile<'a>>,
    files: Option<Vec<serde::de::IgnoredAny>>,
    attachments: Option<Vec<serde::de::IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Profile<'a> {
    #[serde(borrow)]
    display_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    real_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

/// Only when it is said.
#[derive(Debug, Deserialize)]
struct Moment<'a> {
    #[serde(borrow)]
    ts: Cow<'a, str>,
}

fn moment(ts: &str) -> Option<(Day, Time)> {
    Day::of_moment(ts.split('.').next()?.parse().ok()?)
}

/// The day in Japan.
pub(super) fn day(json: &str) -> Option<Day> {
    let found: Moment<'_> = serde_json::from_str(json).ok()?;
    moment(&found.ts).map(|(day, _)| day)
}

/// Reads a message.
pub(super) fn read(json: &str, dialogue: &mut Dialogue) -> Result<(), serde_json::Error> {
    let raw: Raw<'_> = serde_json::from_str(json)?;
    let when = raw.ts.as_deref().and_then(moment);
    let mut left = Vec::new();
    left.extend(raw.files.iter().flatten().map(|_| "file"));
    left.extend(raw.attachments.iter().flatten().map(|_| "attachment"));
    let kind = match raw.subtype.as_deref() {
        None | Some("thread_broadcast" | "reply_broadcast" | "me_message" | "file_share") => raw.bot_id.as_ref().map(|_| "bot"),
        Some("bot_message") => Some("bot"),
        Some("tombstone") => Some("deleted"),
        Some("huddle_thread" | "sh_room_created") => Some("call"),
        Some(_) => Some("system"),
    };
    let mut message = Message { day: when.map(|(day, _)| day), time: when.map(|(_, time)| time), left, ..Message::said("", "") };
    if let Some(kind) = kind {
        message.left.push(kind);
    } else {
        let id = raw.user.clone().or(raw.username.clone()).unwrap_or_default();
        let profile = raw.user_profile.unwrap_or_default();
        let names = [profile.display_name, profile.real_name, profile.name, raw.username];
        message.name = names.into_iter().flatten().find(|name| !name.trim().is_empty()).unwrap_or_else(|| id.clone());
        message.id = id;
        message.text = Cow::Owned(text(raw.text.as_deref().unwrap_or_default(), dialogue));
    }
    dialogue.add(&message);
    Ok(())
}

/// Markup in angles becomes what is shown of it.
fn text(text: &str, dialogue: &mut Dialogue) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        let Some((inside, after)) = behind.split_once('>') else {
            rest = behind;
            out.push('<');
            continue;
        };
        shown(inside, &mut out, dialogue);
        rest = after;
    }
    out.push_str(rest);
    // Signs of the text itself are written as references.
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn shown(inside: &str, out: &mut String, dialogue: &mut Dialogue) {
    let (target, label) =
        inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label).filter(|label| !label.is_empty())));
    if let Some(id) = target.strip_prefix('@') {
        // Who is spoken to is shown as when they speak.
        dialogue.know(id, label.unwrap_or(id));
        out.extend(["@", id]);
    } else if let Some(channel) = target.strip_prefix('#') {
        out.extend(["#", label.unwrap_or(channel)]);
    } else if let Some(command) = target.strip_prefix('!') {
        let name = label.unwrap_or_else(|| command.split('^').next().unwrap_or_default());
        out.extend([if label.is_some() || name.starts_with('@') { "" } else { "@" }, name]);
    } else {
        out.push_str(label.unwrap_or(target));
    }
}
