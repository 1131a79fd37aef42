//! Safetensors: a header of JSON that says where each tensor lies, and the tensors. Nothing in it is carried out by a reader; what can be wrong are
//! lengths and places.
//!
//! The layout is that of the format's own page: the length of the header (8 bytes, the small end first), the header, the tensors one behind the other
//! without holes.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::bytes::{Bytes, Cursor, Fault, Looked};
use super::pairs::Pairs;

/// Bytes of the longest header that readers accept.
pub const HEADER_MAX: u64 = 100_000_000;
/// Numbers in a shape.
const AXES_MAX: usize = 64;

/// What stands in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Safetensors {
    /// Tensors.
    pub tensors: usize,
    /// Bytes of the header.
    pub header: u64,
    /// What the file says of itself.
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Tensor(Tensor),
    Metadata(BTreeMap<String, String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// Does a file begin so? The length of a header, and the brace that it begins with.
pub fn begins(head: &[u8], size: u64) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<8>() else { return false };
    let length = u64::from_le_bytes(*length);
    rest.first() == Some(&b'{') && length >= 2 && length <= size.max(HEADER_MAX)
}

/// Checks a file, with headers of at most `header_max` bytes.
///
/// # Errors
/// A promise of the format is broken, or the header is longer.
pub fn check(bytes: &dyn Bytes, header_max: u64) -> Looked<Safetensors> {
    let mut cursor = Cursor::new(bytes, 0);
    let length = cursor.u64()?;
    let header = cursor.take(length, header_max.min(HEADER_MAX))?;
    let data = 8 + length;
    let (mut tensors, mut names, mut metadata) = (Vec::new(), FxHashSet::default(), BTreeMap::new());
    let all: Pairs<Entry> = serde_json::from_slice(&header).map_err(|e| Fault::broken(8, format!("the header: {e}")))?;
    for (name, entry) in all.0 {
        let shown = crate::quarantine::escape(&name, 100);
        let is_metadata = name == "__metadata__";
        if !names.insert(name) {
            return Err(Fault::broken(8, format!("{shown}: stands twice in the header")));
        }
        match entry {
            Entry::Metadata(said) if is_metadata => metadata = said,
            Entry::Metadata(_) => return Err(Fault::broken(8, format!("{shown}: no tensor"))),
            Entry::Tensor(_) if is_metadata => return Err(Fault::broken(8, "__metadata__ is no table of strings")),
            Entry::Tensor(tensor) => {
                tensor.check().map_err(|what| Fault::broken(8, format!("{shown}: {what}")))?;
                tensors.push((tensor.data_offsets, shown));
            }
        }
    }
    tensors.sort();
    let mut at = 0;
    for ([begin, end], name) in &tensors {
        if *begin != at {
            let what = if *begin < at { "overlaps the tensor before it" } else { "leaves a hole before it" };
            return Err(Fault::broken(
                data.saturating_add(*begin),
                format!("{name}: {what} (bytes {begin} to {end} of the data, {at} is next)"),
            ));
        }
        at = *end;
    }
    let there = bytes.size() - data;
    if at != there {
        return Err(Fault::broken(data.saturating_add(at.min(there)), format!("the tensors take {at} bytes, and {there} are there")));
    }
    Ok(Safetensors { tensors: tensors.len(), header: length, metadata })
}

impl Tensor {
    fn check(&self) -> Result<(), String> {
        let [begin, end] = self.data_offsets;
        let bits = match self.dtype.as_str() {
            "F4" => 4,
            "F6_E2M3" | "F6_E3M2" => 6,
            "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
            "I16" | "U16" | "F16" | "BF16" => 16,
            "I32" | "U32" | "F32" => 32,
            "I64" | "U64" | "F64" | "C64" => 64,
            other => return Err(format!("{} is no type that is known", crate::quarantine::escape(other, 40))),
        };
        if self.shape.len() > AXES_MAX {
            return Err(format!("{} axes, and {AXES_MAX} are the most", self.shape.len()));
        }
        let numbers = self.shape.iter().try_fold(1_u64, |all, axis| all.checked_mul(*axis)).and_then(|all| all.checked_mul(bits));
        match numbers {
            Some(bits) if bits.is_multiple_of(8) && end.checked_sub(begin) == Some(bits / 8) => Ok(()),
            Some(bits) => Err(format!("its shape takes {} bytes, and bytes {begin} to {end} are its own", bits / 8)),
            None => Err("its shape takes more bytes than can be counted".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn file(header: &str, data: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
    }

    const SOUND: &str = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"U8","shape":[],"data_offsets":[24,25]}}"#;

    #[test]
    fn what_is_sound_is_believed_and_what_is_not_is_named() {
        let sound = check(&file(SOUND, 25), HEADER_MAX).unwrap();
        assert!(sound.tensors == 2 && sound.header == SOUND.len() as u64 && begins(&file(SOUND, 25), 200));
        let wrong = |header: &str, data| match check(&file(header, data), HEADER_MAX) {
            Err(Fault::Broken { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert!(wrong(SOUND, 24).contains("25 bytes, and 24 are there"));
        assert!(wrong(SOUND, 30).contains("25 bytes, and 30 are there"));
        assert!(wrong(&SOUND.replace("[24,25]", "[25,26]"), 26).contains("leaves a hole"));
        assert!(wrong(&SOUND.replace("[24,25]", "[23,24]"), 24).contains("overlaps"));
        assert!(wrong(&SOUND.replace("\"b\"", "\"a\""), 25).contains("stands twice"));
        assert!(wrong(&SOUND.replace("[2,3]", "[2,4]"), 25).contains("its shape takes 32 bytes"));
        assert!(wrong(&SOUND.replace("[2,3]", "[4294967296,4294967296,4]"), 25).contains("can be counted"));
        assert!(wrong(&SOUND.replace("F32", "F33"), 25).contains("no type"));
        assert!(wrong(&SOUND.replace("\"pt\"", "7"), 25).contains("header"));
        assert!(wrong("[]", 0).contains("header"));
        assert!(matches!(check(&file(SOUND, 25), 10), Err(Fault::Beyond { offset: 8, .. })));
        let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        assert!(matches!(check(&long, HEADER_MAX), Err(Fault::Broken { offset: 8, .. })));
    }

    proptest! {
        #[test]
        fn what_is_cut_or_changed_is_answered(cut in 0_usize..200, at in 0_usize..200, by: u8) {
            let mut bytes = file(SOUND, 25);
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= by;
            }
            let _ = check(&bytes, HEADER_MAX);
            prop_assert!(by != 0 || cut >= file(SOUND, 25).len() || check(&bytes, HEADER_MAX).is_err());
        }
    }
}
