//! Arrays of numpy (`.npy`): a header that is a literal of Python, and numbers. An array of objects is a pickle behind a header.

use super::bytes::{Bytes, Cursor, Fault, Looked};

/// Bytes of a header: numpy itself reads no longer ones without being told to.
const HEADER_MAX: u64 = 1 << 16;

/// What stands in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Array {
    /// Are its values objects of Python? Then a pickle follows.
    pub has_objects: bool,
    /// The first byte of the values.
    pub data: u64,
}

/// Does a file begin so?
pub fn begins(head: &[u8]) -> bool {
    head.starts_with(b"\x93NUMPY")
}

/// Reads the header of an array.
///
/// # Errors
/// A promise of the format is broken.
pub fn check(bytes: &dyn Bytes) -> Looked<Array> {
    let mut cursor = Cursor::new(bytes, 0);
    let [.., major, _] = cursor.array::<8>()?;
    let length = match major {
        1 => u64::from(cursor.u16()?),
        2 | 3 => u64::from(cursor.u32()?),
        other => return Err(Fault::beyond(6, format!("version {other} of the format of arrays"))),
    };
    let start = cursor.at();
    let header = cursor.take(length, HEADER_MAX)?;
    let header = String::from_utf8_lossy(&header).into_owned();
    if !(header.trim().starts_with('{') && header.contains("descr") && header.contains("shape")) {
        return Err(Fault::broken(start, "the header is none of an array"));
    }
    let strings = strings(&header);
    let is_object = |text: &&str| {
        let kind = text.trim_start_matches(['|', '<', '>', '=']);
        kind.strip_prefix('O').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) || kind == "object"
    };
    let (data, has_objects) = (cursor.at(), strings.iter().any(|text| is_object(&text.as_str())));
    if let (false, Some(wanted)) = (has_objects, bytes_of(&header, &strings)) {
        let there = cursor.left();
        if wanted != there {
            return Err(Fault::broken(data, format!("its shape takes {wanted} bytes, and {there} are there")));
        }
    }
    Ok(Array { has_objects, data })
}

/// What stands in quotes.
fn strings(header: &str) -> Vec<String> {
    let (mut all, mut open): (Vec<String>, Option<char>) = (Vec::new(), None);
    for c in header.chars() {
        match open {
            Some(quote) if c == quote => open = None,
            Some(_) => all.last_mut().into_iter().for_each(|text| text.push(c)),
            None if c == '\'' || c == '"' => {
                open = Some(c);
                all.push(String::new());
            }
            None => {}
        }
    }
    all
}

/// Bytes of an array of plain numbers; `None` where it is not one, or says it in another way.
fn bytes_of(header: &str, strings: &[String]) -> Option<u64> {
    let at = strings.iter().position(|text| text == "descr")?;
    let size: u64 =
        strings.get(at + 1)?.trim_start_matches(['|', '<', '>', '=']).strip_prefix(['f', 'i', 'u', 'b', 'c', 'S'])?.parse().ok()?;
    let (_, shape) = header.split_once("shape")?;
    let (shape, _) = shape.split_once('(')?.1.split_once(')')?;
    let axes = shape.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    axes.map(|axis| axis.parse::<u64>().ok()).try_fold(size, |all, axis| all.checked_mul(axis?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn objects_are_seen() {
        let check = |header: &str, data: &[u8]| check(&file(header, data));
        let plain = check("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", &[0; 24]).unwrap();
        assert!(!plain.has_objects && plain.data == 10 + 60, "{plain:?}");
        for descr in ["'|O'", "\"|O\"", "'O'", "'|O8'", "[('a', '<i4'), ('b', '|O')]", "[('a', [('c', 'O')])]"] {
            let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2,), }}\n");
            assert!(check(&header, b"\x80\x02.").unwrap().has_objects, "{descr}");
        }
        assert!(!check("{'descr': [('Others', '<i4')], 'fortran_order': False, 'shape': (2,), }\n", &[0; 8]).unwrap().has_objects);
        assert!(matches!(check("{'descr': '<f4', 'shape': (2, 3), }", &[0; 23]), Err(Fault::Broken { .. })));
        assert!(matches!(check("{'descr': '<f4', 'shape': (99999999999, 99999999999), }", &[0; 23]), Ok(_) | Err(Fault::Broken { .. })));
        assert!(check("__import__('os')", b"").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(rest: Vec<u8>) {
            let _ = check(&[b"\x93NUMPY".to_vec(), rest].concat());
        }
    }
}
