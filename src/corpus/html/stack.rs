//! The elements that are open.

use super::elements::Element;
use super::flags::{Change, Flags};
use super::name::Name;

/// How many elements are kept open, as in browsers: time and memory stay bounded on pages that nest without end.
const DEPTH_MAX: usize = 512;

/// An open element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) name: Name,
    pub(super) element: Element,
    change: Change,
    /// What holds in it.
    pub(super) flags: Flags,
    /// Lines before it.
    pub(super) lines: usize,
    /// Of a row: does a cell hold more than a line, so that the row is none?
    pub(super) is_tall: bool,
}

impl Frame {
    /// What the element adds to what holds around it.
    pub(super) fn adds(&self) -> Flags {
        self.change.adds
    }
}

/// The open elements, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Stack {
    frames: Vec<Frame>,
    /// Blocks that were not kept because the stack was full.
    beyond: usize,
    /// Elements within lines that change something: only then do others of their name count.
    inline: usize,
}

impl Stack {
    /// What holds here.
    pub(super) fn flags(&self) -> Flags {
        self.frames.last().map_or(Flags::default(), |frame| frame.flags)
    }

    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Opens an element. Those within a line that change nothing are not kept, unless one of the same name is.
    pub(super) fn push(&mut self, name: Name, element: Element, change: Change, lines: usize) {
        let is_inline = matches!(element, Element::Inline | Element::Formatting | Element::Link);
        if is_inline && change.is_none() && (self.inline == 0 || self.find(|frame| frame.name == name, |_| false).is_none()) {
            return;
        }
        if self.frames.len() == DEPTH_MAX {
            if !element.hides() {
                self.beyond += usize::from(!is_inline);
                return;
            }
            self.pop();
        }
        self.inline += usize::from(is_inline);
        let flags = change.apply(self.flags());
        self.frames.push(Frame { name, element, change, flags, lines, is_tall: false });
    }

    pub(super) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop()?;
        self.forget(frame.element);
        Some(frame)
    }

    /// Closes one element and leaves those in it open, as is done where `<b>` and `<i>` overlap.
    pub(super) fn remove(&mut self, at: usize) {
        let element = self.frames.remove(at).element;
        self.forget(element);
        let mut flags = at.checked_sub(1).and_then(|below| self.frames.get(below)).map_or(Flags::default(), |frame| frame.flags);
        for frame in self.frames.iter_mut().skip(at) {
            frame.flags = frame.change.apply(flags);
            flags = frame.flags;
        }
    }

    fn forget(&mut self, element: Element) {
        self.inline -= usize::from(matches!(element, Element::Inline | Element::Formatting | Element::Link));
    }

    /// Closes one of the blocks that were not kept; `false` if there is none.
    pub(super) fn close_beyond(&mut self) -> bool {
        let any = self.beyond > 0;
        self.beyond = self.beyond.saturating_sub(1);
        any
    }

    /// The innermost element that is wanted and not behind one that `bars`.
    pub(super) fn find(&self, wanted: impl Fn(&Frame) -> bool, bars: impl Fn(&Frame) -> bool) -> Option<usize> {
        for (at, frame) in self.frames.iter().enumerate().rev() {
            if wanted(frame) {
                return Some(at);
            }
            if bars(frame) {
                return None;
            }
        }
        None
    }

    /// The innermost row is no line.
    pub(super) fn mark_row_tall(&mut self) {
        if let Some(row) = self.find(|frame| frame.element == Element::Row, |_| false) {
            self.frames[row].is_tall = true;
        }
    }
}
