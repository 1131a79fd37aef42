//! Meetings and speeches, whatever form they stood in.

use std::borrow::Cow;

/// Fields by name; what stands without escapes in the file is not copied.
pub(super) type Fields<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// What a list of the interface holds.
#[derive(Debug)]
pub(super) enum Element<'a> {
    Speech(Speech<'a>),
    Meeting(Meeting<'a>),
}

/// Why a file is no record of the Diet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Reason code of `quarantine.jsonl`.
    pub reason: &'static str,
    /// What is wrong, and where.
    pub detail: String,
}

/// What a field says, if it says something.
pub(super) fn field<'a>(fields: &'a Fields<'_>, name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| &**value)
}

/// A meeting, or what an answer of speeches says of the meeting of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meeting<'a> {
    /// Fields by name, as they are called in the interface; those that say nothing are empty.
    pub(super) fields: Fields<'a>,
    pub(super) speeches: Vec<Speech<'a>>,
}

/// A speech.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Speech<'a> {
    /// Fields by name, but for the speech.
    pub(super) fields: Fields<'a>,
    pub(super) text: Cow<'a, str>,
}

impl Speech<'_> {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

impl Meeting<'_> {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

/// Fields of a speech in an answer of speeches that are those of its meeting.
pub(super) const OF_MEETING: [&str; 11] =
    ["issueID", "imageKind", "searchObject", "session", "nameOfHouse", "nameOfMeeting", "issue", "date", "closing", "meetingURL", "pdfURL"];

/// Puts speeches of one meeting that follow each other together.
pub(super) fn gather(speeches: Vec<Speech<'_>>) -> Vec<Meeting<'_>> {
    let mut meetings: Vec<Meeting<'_>> = Vec::new();
    for mut speech in speeches {
        let (of_meeting, own): (Vec<_>, Vec<_>) = speech.fields.into_iter().partition(|(name, _)| OF_MEETING.contains(&&**name));
        speech.fields = own;
        let issue = field(&of_meeting, "issueID");
        match meetings.last_mut().filter(|meeting| issue.is_some() && meeting.field("issueID") == issue) {
            Some(meeting) => meeting.speeches.push(speech),
            None => meetings.push(Meeting { fields: of_meeting, speeches: vec![speech] }),
        }
    }
    meetings
}
