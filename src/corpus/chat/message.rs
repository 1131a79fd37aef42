//! What programs write of a message.

use std::borrow::Cow;

use super::clock::{Day, Time};

/// A message, or something that is shown like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Who says it: what identifies it, and what it is called.
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) day: Option<Day>,
    pub(super) time: Option<Time>,
    /// What is said; empty if it is nothing but what `left` counts.
    pub(super) text: Cow<'a, str>,
    /// What is left out, by kind.
    pub(super) left: Vec<&'static str>,
}

impl<'a> Message<'a> {
    /// Something is said.
    pub(super) fn said(name: &'a str, text: &'a str) -> Self {
        let (id, name, text) = (Cow::Borrowed(name), Cow::Borrowed(name), Cow::Borrowed(text));
        Self { id, name, day: None, time: None, text, left: Vec::new() }
    }

    /// Nothing is said.
    pub(super) fn left(kind: &'static str) -> Self {
        Self { left: vec![kind], ..Self::said("", "") }
    }
}

/// What a line of a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A message begins.
    Message(Message<'a>),
    /// A day begins.
    Day(Day),
    /// What stands above the messages, and lines without anything.
    Nothing,
    /// It goes on with the message before.
    More,
}
