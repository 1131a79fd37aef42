//! Files that are cut, changed or wrong in themselves are refused, and never cause a panic.

use proptest::prelude::*;

use super::{case, context, document};
use crate::error::Error;
use crate::io::Place;
use crate::pack::format::{self, kind};
use crate::pack::info::PackInfo;
use crate::pack::unpack::{self, Documents};
use crate::pack::view::PackView;
use crate::pack::{Options, Pack};

#[test]
fn a_pack_that_is_not_what_it_says_is_refused() {
    let shards = vec![vec![document(0, 5), document(1, 20)]];
    let case = case(&shards);
    let options = Options { sequence_length: 8, ..Options::default() };
    let pack = case.pack(&context(50), &options, 0);
    let part = case.dir.path().join("part-00000.pack");
    let (sound, info) = (pack.maps[0].1.to_vec(), pack.info().clone());
    let refusal = |bytes: &[u8], info: &PackInfo| {
        case.staging.write(&Place::named(&part).unwrap(), bytes).unwrap();
        case.staging.write(&case.at("pack.json"), &serde_json::to_vec(info).unwrap()).unwrap();
        let error = Pack::open(case.dir.path()).and_then(|pack| pack.verify()).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
        error.to_string()
    };
    assert!(refusal(&[], &info).contains("the file has 0 bytes"));
    assert!(refusal(&sound[..5_000], &info).contains("the file has 5000 bytes"));
    let mut other = info.clone();
    other.eos_id = 2;
    assert!(refusal(&sound, &other).contains("agree with pack.json"));
    other = info.clone();
    other.shards[0].blake3 = "00".into();
    assert!(refusal(&sound, &other).contains("other token shards"));
    other = info.clone();
    other.shards[0].rows = 1;
    assert!(refusal(&sound, &other).contains("row 1 of token shard 0"));
    other = info.clone();
    other.parts[0].name = "../part-00000.pack".into();
    assert!(refusal(&sound, &other).contains("file name"));
    other = info.clone();
    other.parts[0].first_row = 7;
    assert!(refusal(&sound, &other).contains("follow each other"));
}

/// The bytes of a small pack file of two shards with 12 documents each; written once, for every write is synced.
fn small() -> Vec<u8> {
    static BYTES: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let shards: Vec<Vec<Vec<i32>>> = (0..2).map(|shard| (0..12).map(|row| document(row, row * 3 % 19 + shard)).collect()).collect();
        let options = Options { sequence_length: 8, window: 100, ..Options::default() };
        let pack = case(&shards).pack(&context(50), &options, 0);
        pack.maps[0].1.to_vec()
    });
    BYTES.clone()
}

/// Reads whatever can be read; the only demand is that it ends without a panic.
fn read_all(bytes: &[u8]) {
    let _ = unpack::verify(bytes);
    let Ok(view) = PackView::new(bytes) else { return };
    if let Ok(documents) = Documents::new(view, 0, vec![12, 12]) {
        documents.for_each(drop);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = small();
    let header = unpack::verify(&bytes).unwrap().header().clone();
    let edges = header.sections.iter().flat_map(|section| [section.offset, section.offset + section.bytes]);
    for cut in edges.filter(|&edge| edge < bytes.len() as u64).chain([0, 1, 8, 4_095, bytes.len() as u64 - 1]) {
        assert!(PackView::new(&bytes[..cut as usize]).is_err(), "cut at {cut}");
    }
    assert!(PackView::new(&[bytes.as_slice(), &[0]].concat()).is_err());
}

proptest! {
    #[test]
    fn any_change_of_a_byte_is_found(at: prop::sample::Index, change in 1_u8..) {
        let mut bytes = small();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        prop_assert!(unpack::verify(&bytes).is_err(), "byte {}", at);
        read_all(&bytes);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..6_000), with_magic: bool) {
        let mut bytes = bytes;
        if with_magic && bytes.len() > 8 {
            bytes[..8].copy_from_slice(format::MAGIC);
        }
        prop_assert!(PackView::new(&bytes).is_err());
        read_all(&bytes);
    }

    #[test]
    fn a_wrong_index_never_panics(kind in 2_u32..=4, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9)) {
        let bytes = small();
        read_all(&with_changed_section(bytes, kind, |content| {
            for (at, value) in changes {
                content[at.index(content.len())] = value;
            }
        }));
    }
}

/// Changes a section and makes its hash and the header fit again.
fn with_changed_section(mut bytes: Vec<u8>, kind: u32, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut header = unpack::verify(&bytes).unwrap().header().clone();
    let section = header.sections.iter_mut().find(|section| section.kind == kind).unwrap();
    let range = section.offset as usize..(section.offset + section.bytes) as usize;
    change(&mut bytes[range.clone()]);
    section.blake3 = *blake3::hash(&bytes[range]).as_bytes();
    bytes[..format::HEADER_BYTES].copy_from_slice(&header.encode());
    bytes
}

#[test]
fn wrong_values_under_right_hashes_are_named() {
    let bytes = small();
    let wrong = |kind, at: usize, values: &[u8]| {
        let changed = with_changed_section(bytes.clone(), kind, |content| content[at..at + values.len()].copy_from_slice(values));
        unpack::verify(&changed).unwrap_err().to_string()
    };
    let unpadded = with_changed_section(bytes.clone(), kind::TOKENS, |content| content.fill(0));
    assert!(unpack::verify(&unpadded).unwrap_err().to_string().contains("PAD"));
    assert!(wrong(kind::ROW_PTR, 4, &[0xFF; 4]).contains("row pointers"));
    assert!(wrong(kind::ROW_PTR, 0, &[1]).contains("sum"));
    assert!(wrong(kind::PIECE_END, 0, &[0, 0]).contains("ends of pieces"));
    assert!(wrong(kind::PIECE_END, 0, &[9, 0]).contains("ends of pieces"));
    assert!(wrong(kind::PIECE_SRC, 8, &[5]).contains("follow each other"));
    assert!(wrong(kind::PIECE_SRC, 12, &[8]).contains("marked"));
    let moved = with_changed_section(bytes.clone(), kind::PIECE_SRC, |content| content[..4].fill(9));
    assert!(matches!(
        unpack::verify(&moved).map(|view| Documents::new(view, 0, vec![12, 12]).unwrap().any(|d| d.is_err())),
        Ok(true) | Err(_)
    ));
}
