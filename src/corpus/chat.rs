//! Logs of chats, as programs export them → dialogues: who says what, a message behind the other.
//!
//! LINE, WhatsApp and IRC write lines, Slack, Discord (DiscordChatExporter) and Telegram JSON. What nobody has said (pictures, stickers, calls, who joins and leaves) is left out
//! and counted by kind. A document is a day, so that logs of years stream (docs/guide/chat.md).

mod app;
mod clock;
mod dialogue;
mod discord;
mod irc;
mod line;
mod log;
mod message;
mod people;
mod slack;
mod telegram;
#[cfg(test)]
mod tests;
mod whatsapp;

pub use self::app::{App, Header, detect};
pub use self::clock::Day;
pub use self::log::{Mark, day_of, log, mark, messages};
pub use self::people::Speakers;
