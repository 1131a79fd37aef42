//! Meetings and speeches, whatever form they stood in.

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
pub(super) struct Meeting {
    /// Fields by name, as they are called in the interface, without those that say nothing.
    pub(super) fields: Vec<(String, String)>,
    pub(super) speeches: Vec<Speech>,
}

/// A speech.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Speech {
    /// Fields by name, but for the speech.
    pub(super) fields: Vec<(String, String)>,
    pub(super) text: String,
}

impl Speech {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Meeting {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Fields of a speech in an answer of speeches that are those of its meeting.
pub(super) const OF_MEETING: [&str; 11] =
    ["issueID", "imageKind", "searchObject", "session", "nameOfHouse", "nameOfMeeting", "issue", "date", "closing", "meetingURL", "pdfURL"];

/// Puts speeches of one meeting that follow each other together.
pub(super) fn gather(speeches: Vec<Speech>) -> Vec<Meeting> {
    let mut meetings: Vec<Meeting> = Vec::new();
    for mut speech in speeches {
        let (of_meeting, own): (Vec<_>, Vec<_>) = speech.fields.into_iter().partition(|(name, _)| OF_MEETING.contains(&name.as_str()));
        speech.fields = own;
        let issue = |fields: &[(String, String)]| fields.iter().find(|(name, _)| name == "issueID").map(|(_, issue)| issue.clone());
        match meetings.last_mut().filter(|meeting| issue(&meeting.fields).is_some() && issue(&meeting.fields) == issue(&of_meeting)) {
            Some(meeting) => meeting.speeches.push(speech),
            None => meetings.push(Meeting { fields: of_meeting, speeches: vec![speech] }),
        }
    }
    meetings
}
