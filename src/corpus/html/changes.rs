//! What an element with its attributes changes for the text in it.

use super::attributes::{Attribute, Attributes};
use super::elements::Element;
use super::flags::{Change, Flags};
use super::regions::region;
use super::style::{Style, White};

/// The change that a start tag makes where `outside` holds.
pub(super) fn change(name: &[u8], element: Element, attributes: &Attributes, outside: Flags) -> Change {
    let mut change = own(name, element, attributes);
    if (attributes.any() || name == b"dialog") && !matches!(name, b"html" | b"body") {
        attribute_changes(name, element, attributes, &mut change);
    }
    if !change.adds.hides() && !outside.hides() {
        change.add(region(name, element, attributes, outside));
    }
    change
}

/// Is it the number of a note, the way back from one, or that of a page of print? Words stand on both sides of it, it is none itself.
/// <https://www.w3.org/TR/epub-ssv-11/>, <https://www.w3.org/TR/dpub-aria-1.1/>
fn is_mark_of_book(attributes: &Attributes) -> bool {
    let is_in = |attribute, marks: [&[u8]; 3]| attributes.value(attribute).split(u8::is_ascii_whitespace).any(|word| marks.contains(&word));
    is_in(Attribute::EpubType, [b"noteref", b"pagebreak", b"backlink"])
        || is_in(Attribute::Role, [b"doc-noteref", b"doc-pagebreak", b"doc-backlink"])
}

/// What the element changes by itself.
fn own(name: &[u8], element: Element, attributes: &Attributes) -> Change {
    let mut change = Change::default();
    match element {
        Element::Hidden | Element::Title => change.add(Flags::HIDDEN),
        Element::Foreign => change.add(Flags::HIDDEN.with(Flags::FOREIGN)),
        Element::Reading => change.add(Flags::READING),
        Element::Heading => change.add(Flags::HEADING),
        Element::Link if attributes.has(Attribute::Href) => change.add(Flags::LINK),
        Element::Preformatted => {
            change.take(Flags::PRE_LINE);
            change.add(Flags::PRE);
        }
        _ if matches!(name, b"button" | b"select" | b"option" | b"optgroup") => change.add(Flags::CONTROL),
        _ => {}
    }
    change
}

/// Attributes that hide and show. A page whose `<body>` is hidden is shown by its script, so that nothing is said by it.
fn attribute_changes(name: &[u8], element: Element, attributes: &Attributes, change: &mut Change) {
    let style = if attributes.has(Attribute::Style) { Style::read(attributes.value(Attribute::Style)) } else { Style::default() };
    let until_found = attributes.value(Attribute::Hidden).eq_ignore_ascii_case(b"until-found");
    // What the browser hides by itself, and a style may show.
    let is_hidden = attributes.has(Attribute::Hidden) && !until_found
        || attributes.has(Attribute::Popover)
        || name == b"dialog" && !attributes.has(Attribute::Open)
        || is_mark_of_book(attributes);
    if !element.hides() && !style.is_displayed.unwrap_or(!is_hidden) {
        change.add(Flags::HIDDEN);
    }
    match style.is_visible {
        Some(true) => change.take(Flags::UNSEEN),
        Some(false) => change.add(Flags::UNSEEN),
        None => {}
    }
    if let Some(white) = style.white {
        change.take(Flags::PRE.with(Flags::PRE_LINE));
        match white {
            White::All => change.add(Flags::PRE),
            White::Lines => change.add(Flags::PRE_LINE),
            White::Collapsed => {}
        }
    }
}
