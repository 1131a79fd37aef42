//! Steps of a walk over a file of JSON, and the walk to lists that stand somewhere in it.

use super::format::Boundary;
use super::json::{self, ValueEnd};
use super::source::ByteSource;
use super::walk::Walk;
use crate::error::Result;

/// Bytes of the name of a member that are compared.
const NAME_MAX: usize = 4096;

/// The next byte that is no blank; what stands before it is passed over.
pub(super) fn peek(walk: &mut Walk) -> Result<Option<u8>> {
    loop {
        walk.pass(json::blanks(&walk.source.pending[walk.start..]));
        if let Some(byte) = walk.source.pending.get(walk.start) {
            return Ok(Some(*byte));
        }
        if !walk.more()? {
            return Ok(None);
        }
    }
}

/// Passes over a value; gives its bytes, if they are asked for and few.
pub(super) fn pass_value(walk: &mut Walk, is_wanted: bool) -> Result<Vec<u8>> {
    let (mut value, mut kept) = (ValueEnd::default(), Vec::new());
    loop {
        let (end, is_whole) = value.find(&walk.source.pending, walk.start);
        if is_wanted && kept.len() < NAME_MAX {
            kept.extend_from_slice(&walk.source.pending[walk.start..end]);
        }
        walk.pass(end - walk.start);
        if is_whole || !walk.more()? {
            return Ok(kept);
        }
    }
}

/// Is this, as it stands in the file, the string? Names may be written with escapes.
pub(super) fn is_string(written: &[u8], wanted: &str) -> bool {
    let bare = written.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    bare == Some(wanted.as_bytes()) || serde_json::from_slice::<String>(written).is_ok_and(|found| found == wanted)
}

/// What stands next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// An element of a list begins here.
    Element,
    /// A list has ended.
    ListEnd,
    /// The file has ended, or what can be read of it.
    End,
    /// The file has ended inside of a list.
    Cut,
    /// What stands here is no JSON.
    Wrong,
}

/// A walk to the elements of lists that are members of an object of a known name; members on the way to them are entered, all others passed over. Nothing
/// has to be remembered of what stood before an element, so that reading may begin behind any.
pub(super) struct Lists {
    pub(super) walk: Walk,
    /// Names of members that hold a list, and of those on the way.
    wanted: &'static [&'static str],
    entered: &'static [&'static str],
    in_list: bool,
}

impl Lists {
    /// Stands at the start of a file, or behind an element.
    pub(super) fn new(source: ByteSource, at: Boundary, wanted: &'static [&'static str], entered: &'static [&'static str]) -> Self {
        let mut walk = Walk::new(source, at);
        let is_start = at == Boundary::START;
        if is_start && walk.source.pending.starts_with(b"\xef\xbb\xbf") {
            walk.pass(3);
        }
        Self { walk, wanted, entered, in_list: !is_start }
    }

    /// The outermost value is a list, and its elements are meant.
    pub(super) fn enter_outermost(&mut self) -> Result<()> {
        if !self.in_list && peek(&mut self.walk)? == Some(b'[') {
            self.walk.pass(1);
            self.in_list = true;
        }
        Ok(())
    }

    /// Goes on to the next element, or the end of a list.
    pub(super) fn next(&mut self) -> Result<Next> {
        loop {
            let found = peek(&mut self.walk)?;
            if self.in_list {
                match found {
                    Some(b',') => self.walk.pass(1),
                    Some(b']') => {
                        self.walk.pass(1);
                        self.in_list = false;
                        return Ok(Next::ListEnd);
                    }
                    // The object around the list ends before it: no value begins so.
                    Some(b'}') => return Ok(Next::Wrong),
                    Some(_) => return Ok(Next::Element),
                    None => return Ok(Next::Cut),
                }
                continue;
            }
            match found {
                None => return Ok(Next::End),
                Some(b',' | b'{' | b'}' | b'[' | b']') => self.walk.pass(1),
                Some(b'"') => {
                    if !self.member()? {
                        return Ok(Next::Wrong);
                    }
                }
                Some(_) => return Ok(Next::Wrong),
            }
        }
    }

    /// Enters a member of an object, or passes over it; `false` where it is none.
    fn member(&mut self) -> Result<bool> {
        let name = pass_value(&mut self.walk, true)?;
        if peek(&mut self.walk)? != Some(b':') {
            return Ok(false);
        }
        self.walk.pass(1);
        let first = peek(&mut self.walk)?;
        let is_any = |names: &[&str]| names.iter().any(|wanted| is_string(&name, wanted));
        match first {
            Some(b'[') if is_any(self.wanted) => {
                self.walk.pass(1);
                self.in_list = true;
            }
            Some(b'{' | b'[') if is_any(self.entered) => self.walk.pass(1),
            Some(b'}' | b']' | b',') => return Ok(false),
            _ => drop(pass_value(&mut self.walk, false)?),
        }
        Ok(true)
    }
}
