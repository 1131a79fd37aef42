//! GGUF: values under names, then where each tensor lies, then the tensors. Read up to the tensors; every count is compared with the bytes that are
//! left before anything is kept.
//!
//! The layout is that of the format's own page in the repository of ggml, versions 2 and 3, the small end first.

use rustc_hash::FxHashSet;

use super::bytes::{Bytes, Cursor, Fault, Looked};

/// Bytes of a name.
const NAME_MAX: u64 = 1 << 16;
/// Bytes of a value that is kept: a chat template.
const TEXT_MAX: u64 = 4 << 20;
/// Axes of a tensor.
const AXES_MAX: u32 = 8;
/// Arrays in each other.
const DEPTH_MAX: u32 = 4;
/// Values, and tensors, that are read.
const COUNT_MAX: u64 = 1 << 20;
/// Bytes of the smallest pair and of the smallest description of a tensor.
const PAIR_MIN: u64 = 8 + 4 + 1;
const TENSOR_MIN: u64 = 8 + 4 + 4 + 8;

/// What stands in a file.
#[derive(Debug, Default)]
pub struct Gguf {
    /// Version of the layout.
    pub version: u32,
    /// Tensors.
    pub tensors: u64,
    /// Strings under names that somebody asks for: templates and licences, with the byte at which each begins.
    pub texts: Vec<(String, String, u64)>,
}

/// Does a file begin so?
pub fn begins(head: &[u8]) -> bool {
    head.starts_with(b"GGUF")
}

/// Is the string of this name given on?
fn is_wanted(name: &str) -> bool {
    name.starts_with("tokenizer.chat_template") || name.starts_with("general.license") || name == "general.name"
}

/// Checks a file.
///
/// # Errors
/// A promise of the format is broken; more than is looked at; a version that is not known.
pub fn check(bytes: &dyn Bytes) -> Looked<Gguf> {
    let mut cursor = Cursor::new(bytes, 0);
    if cursor.array()? != *b"GGUF" {
        return Err(Fault::broken(0, "no GGUF"));
    }
    let version = cursor.u32()?;
    if !(2..=3).contains(&version) {
        let what = if version.swap_bytes() <= 3 { "the big end first".to_owned() } else { format!("version {version} of GGUF") };
        return Err(Fault::beyond(4, format!("{what}: versions 2 and 3, the small end first, are looked into")));
    }
    let mut found = Gguf { version, tensors: cursor.u64()?, texts: Vec::new() };
    let pairs = cursor.u64()?;
    counted(&cursor, found.tensors, TENSOR_MIN, "tensors")?;
    counted(&cursor, pairs, PAIR_MIN, "values")?;
    let mut alignment = 32;
    let mut names = FxHashSet::default();
    for _ in 0..pairs {
        let at = cursor.at();
        let name = text(&mut cursor, NAME_MAX)?;
        if !names.insert(name.clone()) {
            return Err(Fault::broken(at, format!("the name {} stands twice", shown(&name))));
        }
        let (kind, place) = (cursor.u32()?, cursor.at());
        if kind == STRING && is_wanted(&name) {
            let value = text(&mut cursor, TEXT_MAX)?;
            found.texts.push((name, value, place + 8));
        } else if name == "general.alignment" && kind == 4 {
            alignment = u64::from(cursor.u32()?);
        } else {
            value(&mut cursor, kind, 0)?;
        }
    }
    if alignment == 0 || !alignment.is_multiple_of(8) || alignment > 1 << 20 {
        return Err(Fault::broken(0, format!("general.alignment is {alignment}")));
    }
    tensors(&mut cursor, found.tensors, alignment)?;
    Ok(found)
}

/// Where every tensor lies: inside of the file, and no two in one place.
fn tensors(cursor: &mut Cursor<'_>, count: u64, alignment: u64) -> Looked<()> {
    let (mut names, mut places) = (FxHashSet::default(), Vec::new());
    for _ in 0..count {
        let at = cursor.at();
        let name = text(cursor, NAME_MAX)?;
        let axes = cursor.u32()?;
        if axes > AXES_MAX {
            return Err(Fault::broken(at, format!("{}: {axes} axes, and {AXES_MAX} are the most", shown(&name))));
        }
        let mut numbers = Some(1_u64);
        for _ in 0..axes {
            let axis = cursor.u64()?;
            numbers = numbers.and_then(|all| all.checked_mul(axis));
        }
        let (kind, offset) = (cursor.u32()?, cursor.u64()?);
        let numbers = numbers.ok_or_else(|| Fault::broken(at, format!("{}: more numbers than can be counted", shown(&name))))?;
        let size = bytes_of(kind, numbers).map_err(|what| Fault::broken(at, format!("{}: {what}", shown(&name))))?;
        if !offset.is_multiple_of(alignment) {
            return Err(Fault::broken(at, format!("{}: begins at {offset}, no multiple of {alignment}", shown(&name))));
        }
        if !names.insert(name.clone()) {
            return Err(Fault::broken(at, format!("the tensor {} stands twice", shown(&name))));
        }
        places.push((offset, size, at, name));
    }
    let data = cursor.at().next_multiple_of(alignment);
    let there = (cursor.at() + cursor.left()).saturating_sub(data);
    places.sort();
    let mut before = 0;
    for (offset, size, at, name) in places {
        // A type that is not known has no size: only its beginning is compared.
        let end = offset.checked_add(size.unwrap_or(0)).filter(|end| *end <= there);
        let Some(end) = end else {
            return Err(Fault::broken(at, format!("{}: ends behind the file ({there} bytes of tensors are there)", shown(&name))));
        };
        if offset < before {
            return Err(Fault::broken(at, format!("{}: begins at {offset}, inside of the tensor before it", shown(&name))));
        }
        before = end;
    }
    Ok(())
}

/// Bytes of so many numbers of a type; `None` for one that came after these lines were written.
fn bytes_of(kind: u32, numbers: u64) -> Result<Option<u64>, String> {
    // Numbers of a block, and its bytes.
    let (block, size) = match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 40),
        10 => (256, 84),
        11 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        _ => return Ok(None),
    };
    if !numbers.is_multiple_of(block) {
        return Err(format!("{numbers} numbers, no multiple of {block}"));
    }
    (numbers / block).checked_mul(size).map(Some).ok_or_else(|| "more bytes than can be counted".to_owned())
}

/// The number of the type of strings, and that of arrays.
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Steps over a value.
fn value(cursor: &mut Cursor<'_>, kind: u32, depth: u32) -> Looked<()> {
    if let Some(size) = size_of(kind) {
        return cursor.skip(size);
    }
    match kind {
        STRING => {
            let length = cursor.u64()?;
            cursor.skip(length)
        }
        ARRAY if depth < DEPTH_MAX => {
            let (of, count) = (cursor.u32()?, cursor.u64()?);
            if let Some(size) = size_of(of) {
                let all = count.checked_mul(size).ok_or_else(|| Fault::broken(cursor.at(), "more bytes than can be counted"))?;
                return cursor.skip(all);
            }
            // A string has its length, an array its type and its count.
            let least = if of == STRING { 8 } else { 12 };
            if count.checked_mul(least).is_none_or(|all| all > cursor.left()) {
                return Err(Fault::broken(
                    cursor.at(),
                    format!("{count} elements are declared, more than {} bytes can hold", cursor.left()),
                ));
            }
            (0..count).try_for_each(|_| value(cursor, of, depth + 1))
        }
        ARRAY => Err(Fault::beyond(cursor.at(), format!("arrays in each other, more than {DEPTH_MAX}"))),
        _ => Err(Fault::broken(cursor.at(), format!("{kind} is no type of a value"))),
    }
}

/// Bytes of a value whose type has one size.
fn size_of(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn counted(cursor: &Cursor<'_>, count: u64, least: u64, what: &str) -> Looked<()> {
    if count.checked_mul(least).is_none_or(|all| all > cursor.left()) {
        return Err(Fault::broken(8, format!("{count} {what} are declared, more than {} bytes can hold", cursor.left())));
    }
    if count > COUNT_MAX {
        return Err(Fault::beyond(8, format!("{count} {what}, and {COUNT_MAX} are the most that is looked at")));
    }
    Ok(())
}

fn text(cursor: &mut Cursor<'_>, max: u64) -> Looked<String> {
    let at = cursor.at();
    let length = cursor.u64()?;
    String::from_utf8(cursor.take(length, max)?).map_err(|_| Fault::broken(at, "no UTF-8"))
}

fn shown(name: &str) -> String {
    crate::quarantine::escape(name, 100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    fn tensor(name: &str, kind: u32, axes: &[u64], offset: u64) -> Vec<u8> {
        let mut out = string(name);
        out.extend((axes.len() as u32).to_le_bytes());
        out.extend(axes.iter().flat_map(|axis| axis.to_le_bytes()));
        out.extend(kind.to_le_bytes());
        out.extend(offset.to_le_bytes());
        out
    }

    fn file(pairs: &[Vec<u8>], tensors: &[Vec<u8>], data: usize) -> Vec<u8> {
        let mut out =
            [&b"GGUF"[..], &3_u32.to_le_bytes(), &(tensors.len() as u64).to_le_bytes(), &(pairs.len() as u64).to_le_bytes()].concat();
        out.extend(pairs.concat());
        out.extend(tensors.concat());
        out.resize(out.len().next_multiple_of(32) + data, 0);
        out
    }

    fn sound() -> Vec<u8> {
        let template = [string("tokenizer.chat_template"), STRING.to_le_bytes().to_vec(), string("{{ x }}")].concat();
        let words = [
            string("tokenizer.ggml.tokens"),
            ARRAY.to_le_bytes().to_vec(),
            STRING.to_le_bytes().to_vec(),
            2_u64.to_le_bytes().to_vec(),
            string("a"),
            string("b"),
        ]
        .concat();
        file(&[template, words], &[tensor("w", 0, &[4, 2], 0), tensor("q", 2, &[32], 32)], 64)
    }

    #[test]
    fn what_is_sound_is_believed_and_what_is_not_is_named() {
        let found = check(&sound()).unwrap();
        assert!(found.tensors == 2 && found.texts.len() == 1 && found.texts[0].1 == "{{ x }}", "{found:?}");
        let said = |bytes: Vec<u8>| match check(&bytes) {
            Err(Fault::Broken { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        let one = |tensor: Vec<u8>| said(file(&[], &[tensor], 64));
        assert!(one(tensor("w", 0, &[17], 0)).contains("behind the file"));
        assert!(one(tensor("w", 0, &[1], 7)).contains("multiple of 32"));
        assert!(one(tensor("w", 2, &[31], 0)).contains("multiple of 32"));
        assert!(one(tensor("w", 0, &[u64::MAX, 2], 0)).contains("can be counted"));
        assert!(one(tensor("w", 0, &[1; 9], 0)).contains("9 axes"));
        assert!(said(file(&[], &[tensor("w", 0, &[16], 0), tensor("v", 0, &[1], 32)], 64)).contains("inside of the tensor before"));
        assert!(said(file(&[], &[tensor("w", 0, &[1], 0), tensor("w", 0, &[1], 32)], 64)).contains("stands twice"));
        let mut many = sound();
        many[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(said(many).contains("more than"));
        let mut later = sound();
        later[4] = 9;
        assert!(matches!(check(&later), Err(Fault::Beyond { .. })));
    }

    proptest! {
        #[test]
        fn what_is_cut_or_changed_is_answered(cut in 0_usize..400, at in 0_usize..400, by: u8) {
            let mut bytes = sound();
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= by;
            }
            let _ = check(&bytes);
            prop_assert!(by != 0 || cut >= sound().len() - 64 || check(&bytes).is_err());
        }
    }
}
