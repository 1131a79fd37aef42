//! What is known of a place on a page by the elements it stands in.

/// Properties of a place; an element adds its own to those of its parent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flags(u32);

impl Flags {
    /// Not displayed.
    pub(super) const HIDDEN: Self = Self(1);
    /// Displayed, but not visible.
    pub(super) const UNSEEN: Self = Self(1 << 1);
    /// The reading of a ruby, or the bracket around it.
    pub(super) const READING: Self = Self(1 << 2);
    /// In a `<title>`.
    pub(super) const TITLE: Self = Self(1 << 3);
    /// The syntax is that of SVG or MathML.
    pub(super) const FOREIGN: Self = Self(1 << 4);
    /// Blanks and line ends count.
    pub(super) const PRE: Self = Self(1 << 5);
    /// Line ends count.
    pub(super) const PRE_LINE: Self = Self(1 << 6);
    /// In a link.
    pub(super) const LINK: Self = Self(1 << 7);
    pub(super) const HEADING: Self = Self(1 << 8);
    /// In an article or the main part.
    pub(super) const CONTENT: Self = Self(1 << 9);
    /// Chrome by what the element is for.
    pub(super) const CHROME: Self = Self(1 << 10);
    /// Chrome by the name its author gave it.
    pub(super) const NAMED_CHROME: Self = Self(1 << 11);
    /// Likely chrome: what is no sentence there is.
    pub(super) const LIKELY_CHROME: Self = Self(1 << 12);
    /// What readers wrote beneath.
    pub(super) const COMMENTS: Self = Self(1 << 13);
    /// A control of a form.
    pub(super) const CONTROL: Self = Self(1 << 14);
    /// A row of a table whose cells are on one line.
    pub(super) const ROW: Self = Self(1 << 15);
    /// Chrome where it is links or words of menus.
    pub(super) const LINKED_CHROME: Self = Self(1 << 16);
    /// In the element for the main part of the page.
    pub(super) const MAIN: Self = Self(1 << 17);
    /// The rest of a page of too many lines.
    pub(super) const REST: Self = Self(1 << 18);

    pub(super) fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    pub(super) fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    pub(super) fn without(self, less: Self) -> Self {
        Self(self.0 & !less.0)
    }

    /// What is said of a line of which a part stands here and the rest there: only what is chrome in all its parts is chrome.
    pub(super) fn along(self, there: Self) -> Self {
        let marks = Self::CHROME
            .with(Self::NAMED_CHROME)
            .with(Self::LIKELY_CHROME)
            .with(Self::LINKED_CHROME)
            .with(Self::COMMENTS)
            .with(Self::CONTROL);
        self.without(marks.without(there))
    }

    /// Is text that stands here no text of the page?
    pub(super) fn hides(self) -> bool {
        self.has(Self::HIDDEN.with(Self::UNSEEN).with(Self::READING))
    }
}

/// What an element changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) adds: Flags,
    pub(super) takes: Flags,
}

impl Change {
    pub(super) fn add(&mut self, flags: Flags) {
        self.adds = self.adds.with(flags);
    }

    pub(super) fn take(&mut self, flags: Flags) {
        self.takes = self.takes.with(flags);
        self.adds = self.adds.without(flags);
    }

    pub(super) fn apply(self, to: Flags) -> Flags {
        to.without(self.takes).with(self.adds)
    }

    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }
}
