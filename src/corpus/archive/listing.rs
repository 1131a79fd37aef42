//! What is in an archive.

use super::names::{self, RawName};
use super::part::Place;
use crate::corpus::compression::Damage;

/// Members of an archive that are listed, at most, and the bytes of their names.
pub(super) const MEMBERS_MAX: usize = 1_000_000;
pub(super) const NAMES_MAX: usize = 1 << 28;

/// The inputs that an archive is.
#[derive(Debug, Default)]
pub(in crate::corpus) struct Listing {
    /// Members in their order, and last what is wrong with the rest of the archive.
    pub(in crate::corpus) members: Vec<Listed>,
    /// Files of another format that are zip archives too, by name: no members are listed.
    pub(in crate::corpus) is_really: Option<&'static str>,
}

/// An input.
#[derive(Debug)]
pub(in crate::corpus) struct Listed {
    /// Its name in the archive, as bytes that are UTF-8 where its charset is known; `None` for the archive itself.
    pub(in crate::corpus) name: Option<Vec<u8>>,
    /// What it takes in the archive.
    pub(in crate::corpus) bytes: u64,
    /// Where it is.
    pub(in crate::corpus) place: Place,
}

/// A listing in the making.
pub(super) struct Builder {
    kind: &'static str,
    members: Vec<(RawName, u64, Place)>,
    name_bytes: usize,
    is_listed: bool,
    fault: Option<(String, String)>,
}

impl Builder {
    /// For an archive of this kind, which reason codes begin with.
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, members: Vec::new(), name_bytes: 0, is_listed: false, fault: None }
    }

    /// Adds a member, unless it is one of the things that operating systems put beside files; `false` if there are too many.
    pub(super) fn push(&mut self, name: RawName, bytes: u64, place: Place) -> bool {
        self.is_listed = !names::is_passed_over(&name.bytes);
        if !self.is_listed {
            return true;
        }
        self.name_bytes += name.bytes.len();
        if self.members.len() >= MEMBERS_MAX || self.name_bytes > NAMES_MAX {
            self.fail("members", &format!("only the first {MEMBERS_MAX} members, with names of 256 MiB, are read"));
            return false;
        }
        self.members.push((name, bytes, place));
        true
    }

    /// Nothing of the archive is read, for this reason.
    pub(super) fn refuse(&mut self, reason: &str, detail: &str) {
        self.members.clear();
        self.fault = None;
        self.fail(reason, detail);
    }

    /// Was the member that was added last one that is listed?
    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// The archive cannot be read on.
    pub(super) fn fail(&mut self, reason: &str, detail: &str) {
        self.fault.get_or_insert((format!("{}_{reason}", self.kind), detail.to_owned()));
    }

    /// The same for a code of somebody else's.
    pub(super) fn fail_with(&mut self, damage: Damage) {
        self.fault.get_or_insert((damage.reason.to_owned(), damage.message.to_owned()));
    }

    /// A member that is not read.
    pub(super) fn fault(&self, reason: &str, detail: impl Into<String>) -> Place {
        Place::Fault { reason: format!("{}_{reason}", self.kind), detail: detail.into() }
    }

    /// The listing. One without anything is a fault too: an input must not vanish.
    pub(super) fn finish(mut self) -> Listing {
        if self.members.is_empty() {
            self.fail("empty", "the archive holds no file that could be read");
        }
        let charset = names::charset(self.members.iter().map(|(name, ..)| name));
        let kind = self.kind;
        let listed = |(name, bytes, place): (RawName, u64, Place)| {
            let (name, is_safe) = names::label(name, charset);
            let outside =
                || Place::Fault { reason: format!("{kind}_name"), detail: "the name leads out of the archive, or is none".to_owned() };
            Listed { name: Some(name), bytes, place: if is_safe { place } else { outside() } }
        };
        let mut members: Vec<Listed> = self.members.into_iter().map(listed).collect();
        if let Some((reason, detail)) = self.fault {
            members.push(Listed { name: None, bytes: 0, place: Place::Fault { reason, detail } });
        }
        Listing { members, is_really: None }
    }
}
