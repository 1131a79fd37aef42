//! Meetings and speeches, whatever form they stood in.

use std::borrow::Cow;

/// Fields by name; what stands without escapes in the file is not copied.
pub(super) type Fields<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Why a file is no record of the Diet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Reason code of `quarantine.jsonl`.
    pub reason: &'static str,
    /// What is wrong, and where.
    pub detail: String,
}

/// A meeting, or what an answer of speeches says of the meeting of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meeting<'a> {
    /// Fields by name, as they are called in the interface, without those that say nothing.
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
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }
}

impl Meeting<'_> {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
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
        let issue = |fields: &Fields<'_>| fields.iter().find(|(name, _)| name == "issueID").map(|(_, issue)| issue.clone().into_owned());
        match meetings.last_mut().filter(|meeting| issue(&meeting.fields).is_some() && issue(&meeting.fields) == issue(&of_meeting)) {
            Some(meeting) => meeting.speeches.push(speech),
            None => meetings.push(Meeting { fields: of_meeting, speeches: vec![speech] }),
        }
    }
    meetings
}
