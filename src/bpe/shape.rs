//! The rule of whole characters: a token is a string of whole characters, or lies inside one character.
//!
//! Models whose tokens hold parts of two characters emit invalid UTF-8 for longer (arXiv 2606.14122), and no text needs such
//! tokens.

use crate::bpe::class::is_inside_character;

/// What the rule of whole characters needs to know of a token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// A string of whole characters.
    Whole,
    /// Some bytes of one character, and their number.
    Inside([u8; 4], u8),
}

impl Shape {
    /// The shape of a single byte.
    pub(crate) fn of_byte(byte: u8) -> Self {
        if byte < 0x80 { Self::Whole } else { Self::Inside([byte, 0, 0, 0], 1) }
    }

    /// The shape of both together, if the rule of whole characters allows it.
    pub(crate) fn join(self, right: Self) -> Option<Self> {
        match (self, right) {
            (Self::Whole, Self::Whole) => Some(Self::Whole),
            (Self::Inside(mut bytes, n), Self::Inside(more, m)) => {
                let (n, m) = (usize::from(n), usize::from(m));
                bytes.get_mut(n..n + m)?.copy_from_slice(&more[..m]);
                let joined = &bytes[..n + m];
                if std::str::from_utf8(joined).is_ok_and(|text| text.chars().count() == 1) {
                    return Some(Self::Whole);
                }
                is_inside_character(joined).then_some(Self::Inside(bytes, (n + m) as u8))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Option<Shape> {
        let mut shapes = bytes.iter().map(|&byte| Shape::of_byte(byte));
        let first = shapes.next()?;
        shapes.try_fold(first, Shape::join)
    }

    #[test]
    fn characters_grow_byte_by_byte_but_never_into_the_next() {
        let [a, i] = ["あ".as_bytes(), "い".as_bytes()];
        assert!(matches!(of(a), Some(Shape::Whole)));
        assert!(matches!(of(&a[..2]), Some(Shape::Inside(_, 2))));
        assert!(matches!(of(&a[1..]), Some(Shape::Inside(_, 2))));
        assert!(matches!(of("😀".as_bytes()), Some(Shape::Whole)));
        assert!(of(&[a, &i[..1]].concat()).is_none());
        assert!(of(&[&a[2..], &i[..1]].concat()).is_none());
        assert!(of(&[b"a", &i[..1]].concat()).is_none());
        assert!(matches!(Shape::Whole.join(Shape::Whole), Some(Shape::Whole)));
    }
}
