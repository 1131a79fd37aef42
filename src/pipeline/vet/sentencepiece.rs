//! Vocabularies of SentencePiece (`.model`): a message of Protocol Buffers, of which the outer fields and the pieces are read.

use rustc_hash::FxHashSet;

use super::bytes::{Bytes, Cursor, Fault, Looked};

/// Bytes of a file: the largest vocabularies have 5 MiB.
const FILE_MAX: u64 = 256 << 20;
/// Bytes of a piece.
const PIECE_MAX: u64 = 1 << 16;

/// What stands in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Pieces.
    pub pieces: usize,
    /// Is there what says how it was trained, or how text is normalised?
    pub has_settings: bool,
}

/// May a file that begins so be one? It begins with a piece: the field, its length, and the field of its text.
pub fn may_begin(head: &[u8]) -> bool {
    matches!(head, [0x0a, length, 0x0a, text, ..] if *length < 0x80 && *text < *length)
}

/// Checks a file.
///
/// # Errors
/// A promise of the format is broken, or it is larger than what is read.
pub fn check(bytes: &dyn Bytes) -> Looked<Model> {
    if bytes.size() > FILE_MAX {
        return Err(Fault::beyond(FILE_MAX, format!("{} bytes, and {FILE_MAX} are read", bytes.size())));
    }
    let (mut cursor, mut model, mut seen) = (Cursor::new(bytes, 0), Model::default(), FxHashSet::default());
    while cursor.left() > 0 {
        let at = cursor.at();
        let (field, wire) = tag(&mut cursor)?;
        match (field, wire) {
            (1, 2) => {
                let piece = piece(&mut cursor, at)?;
                if !seen.insert(piece.clone()) {
                    return Err(Fault::broken(at, format!("the piece {} stands twice", crate::quarantine::escape(&piece, 60))));
                }
                model.pieces += 1;
            }
            (2..=3, 2) => {
                model.has_settings = true;
                let length = number(&mut cursor)?;
                cursor.skip(length)?;
            }
            _ => step_over(&mut cursor, wire, at)?,
        }
    }
    if model.pieces == 0 {
        return Err(Fault::broken(0, "no piece is in it"));
    }
    Ok(model)
}

/// The text of a piece, whose score has to be a number.
fn piece(cursor: &mut Cursor<'_>, at: u64) -> Looked<String> {
    let length = number(cursor)?;
    let held = cursor.take(length, PIECE_MAX)?;
    let mut inner = Cursor::new(&held, 0);
    let mut text = None;
    while inner.left() > 0 {
        match tag(&mut inner)? {
            (1, 2) => {
                let length = number(&mut inner)?;
                let bytes = inner.take(length, PIECE_MAX)?;
                text = Some(String::from_utf8(bytes).map_err(|_| Fault::broken(at, "a piece is no UTF-8"))?);
            }
            (2, 5) => {
                if !f32::from_le_bytes(inner.array()?).is_finite() {
                    return Err(Fault::broken(at, "the score of a piece is no number"));
                }
            }
            (_, wire) => step_over(&mut inner, wire, at)?,
        }
    }
    text.ok_or_else(|| Fault::broken(at, "a piece without text"))
}

fn tag(cursor: &mut Cursor<'_>) -> Looked<(u64, u64)> {
    let tag = number(cursor)?;
    Ok((tag >> 3, tag & 7))
}

fn step_over(cursor: &mut Cursor<'_>, wire: u64, at: u64) -> Looked<()> {
    match wire {
        0 => number(cursor).map(|_| ()),
        1 => cursor.skip(8),
        2 => {
            let length = number(cursor)?;
            cursor.skip(length)
        }
        5 => cursor.skip(4),
        _ => Err(Fault::broken(at, "no field of a message")),
    }
}

/// Seven bits a byte.
fn number(cursor: &mut Cursor<'_>) -> Looked<u64> {
    let mut all = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = cursor.u8()?;
        all |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(all);
        }
    }
    Err(Fault::broken(cursor.at(), "a number of more than ten bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn model() -> Vec<u8> {
        let piece = |text: &str| {
            let inner = [&[0x0a, text.len() as u8], text.as_bytes(), &[0x15], &1.5_f32.to_le_bytes()].concat();
            [&[0x0a, inner.len() as u8], &inner[..]].concat()
        };
        [piece("<unk>"), piece("精米"), vec![0x12, 2, 0x18, 1], vec![0x1a, 0]].concat()
    }

    #[test]
    fn vocabularies_are_read_and_what_is_wrong_is_named() {
        assert_eq!(check(&model()).unwrap(), Model { pieces: 2, has_settings: true });
        assert!(may_begin(&model()) && !may_begin(b"\n\nabc") && !may_begin("吾輩".as_bytes()));
        let twice = [model(), model()].concat();
        assert!(matches!(check(&twice), Err(Fault::Broken { what, .. }) if what.contains("twice")));
        let mut infinite = model();
        let at = infinite.windows(4).position(|score| score == 1.5_f32.to_le_bytes()).unwrap();
        infinite[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(matches!(check(&infinite), Err(Fault::Broken { .. })));
        assert!(check(&b"".to_vec()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>, cut in 0_usize..40, at in 0_usize..40, by: u8) {
            let _ = check(&bytes);
            let mut changed = model();
            changed.truncate(cut);
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= by;
            }
            let _ = check(&changed);
        }
    }
}
