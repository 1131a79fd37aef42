//! The attributes of a tag that say something about its text.

/// Longest value that is looked at: what stands behind that says nothing here, and keeping it would be memory for strangers.
const VALUE_MAX: usize = 4096;
/// Longest name that counts.
const NAME_MAX: usize = 9;

/// An attribute that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Alt,
    Class,
    EpubType,
    Hidden,
    Href,
    Id,
    ItemProp,
    Open,
    Popover,
    Role,
    Style,
}

const COUNTING: [(&[u8], Attribute); 11] = [
    (b"alt", Attribute::Alt),
    (b"class", Attribute::Class),
    (b"epub:type", Attribute::EpubType),
    (b"hidden", Attribute::Hidden),
    (b"href", Attribute::Href),
    (b"id", Attribute::Id),
    (b"itemprop", Attribute::ItemProp),
    (b"open", Attribute::Open),
    (b"popover", Attribute::Popover),
    (b"role", Attribute::Role),
    (b"style", Attribute::Style),
];

/// The attributes of the tag that is being read; the first of a name counts.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    values: [Vec<u8>; COUNTING.len()],
    /// A bit an attribute.
    present: u16,
    name: Vec<u8>,
    /// Name and value that are being read; `None` for one that does not count.
    current: Option<Attribute>,
    in_value: bool,
}

impl Attributes {
    pub(super) fn clear(&mut self) {
        self.present = 0;
        self.begin();
    }

    /// A new attribute begins.
    pub(super) fn begin(&mut self) {
        self.name.clear();
        self.current = None;
        self.in_value = false;
        // One with no value is known when its name ends: at the next one, or at the end of the tag.
    }

    /// A piece of its name.
    pub(super) fn push_name(&mut self, name: &[u8]) {
        if self.name.len() <= NAME_MAX {
            self.name.extend_from_slice(name.get(..=NAME_MAX).unwrap_or(name));
        }
    }

    /// A piece of its value.
    pub(super) fn push_value(&mut self, value: &[u8]) {
        if !self.in_value {
            self.end_name();
        }
        if let Some(current) = self.current {
            let kept = &mut self.values[current as usize];
            let free = VALUE_MAX.saturating_sub(kept.len());
            kept.extend_from_slice(value.get(..free).unwrap_or(value));
        }
    }

    /// The name has been read, or the tag ends.
    pub(super) fn end_name(&mut self) {
        if self.in_value {
            return;
        }
        self.in_value = true;
        let found = COUNTING.iter().find(|(name, _)| *name == self.name.as_slice()).map(|(_, attribute)| *attribute);
        self.current = found.filter(|attribute| self.present & (1 << *attribute as u16) == 0);
        if let Some(current) = self.current {
            self.present |= 1 << current as u16;
            self.values[current as usize].clear();
        }
    }

    pub(super) fn has(&self, attribute: Attribute) -> bool {
        self.present & (1 << attribute as u16) != 0
    }

    /// Has the tag any that counts?
    pub(super) fn any(&self) -> bool {
        self.present != 0
    }

    /// The value; empty where there is none.
    pub(super) fn value(&self, attribute: Attribute) -> &[u8] {
        if self.has(attribute) { &self.values[attribute as usize] } else { &[] }
    }
}
