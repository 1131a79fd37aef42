//! Any bytes as the files of a MeCab dictionary in source form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::segment::source_reader::read;

fuzz_target!(|files: (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (lexicon, matrix, chars, unknown, dicrc) = files;
    let named = [("lex.csv", lexicon), ("matrix.def", matrix), ("char.def", chars), ("unk.def", unknown), ("dicrc", dicrc)];
    if let Ok(raw) = read(&named.map(|(name, bytes)| (name.to_owned(), bytes)), None) {
        raw.check().expect("what the reader accepts is sound");
    }
});
