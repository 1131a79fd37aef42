//! The tiny dictionary of the tests.

use seimai::segment::source::RawDictionary;
use seimai::segment::source_reader::read;

pub fn raw() -> RawDictionary {
    let files: [(&str, &[u8]); 5] = [
        ("lex.csv", include_bytes!("../tests/it/tiny_dictionary/lex.csv")),
        ("matrix.def", include_bytes!("../tests/it/tiny_dictionary/matrix.def")),
        ("char.def", include_bytes!("../tests/it/tiny_dictionary/char.def")),
        ("unk.def", include_bytes!("../tests/it/tiny_dictionary/unk.def")),
        ("dicrc", include_bytes!("../tests/it/tiny_dictionary/dicrc")),
    ];
    read(&files.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())), None).expect("sound")
}
