//! A built directory with any bytes changed and signed for: refused, or a line comes out whole from both engines.
#![no_main]

#[path = "../tiny.rs"]
mod tiny;

use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use seimai::segment::about::{FILE, Identity, StoredFile};
use seimai::segment::built_files::FILES;
use seimai::segment::dictionary::read_about;
use seimai::segment::{Engine, MorphemeBuffer, Options, open, store};

static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();

fn built() -> (PathBuf, PathBuf) {
    let base = std::env::temp_dir().join(format!("seimai-fuzz-{}", std::process::id()));
    let identity = Identity { name: "tiny".into(), version: "1".into(), licence: "none".into(), source: "tests".into() };
    let sound = store::install(&base, &tiny::raw(), &identity, None).expect("installs");
    let changed = base.join("changed");
    std::fs::create_dir_all(&changed).expect("a directory");
    (sound, changed)
}

fuzz_target!(|input: (u8, Vec<(u32, u8)>, u16, bool, String)| {
    let (which, changes, cut, lindera, line) = input;
    let (sound, changed) = BUILT.get_or_init(built);
    let mut about = read_about(sound).expect("sound");
    for name in about.files.keys() {
        std::fs::copy(sound.join(name), changed.join(name)).expect("a copy");
    }
    let name = FILES[usize::from(which) % FILES.len()];
    let mut bytes = std::fs::read(sound.join(name)).expect("sound");
    for (at, byte) in changes {
        let length = bytes.len();
        bytes[at as usize % length] = byte;
    }
    bytes.truncate(bytes.len() - usize::from(cut) % bytes.len().min(9));
    let blake3 = blake3::hash(&bytes).to_hex().to_string();
    about.files.insert(name.into(), StoredFile { bytes: bytes.len() as u64, blake3 });
    std::fs::write(changed.join(name), &bytes).expect("written");
    std::fs::write(changed.join(FILE), about.seal().expect("sealed")).expect("written");
    let engine = if lindera { Engine::Lindera } else { Engine::Exact };
    let options = Options { dictionary: changed.display().to_string(), engine, user_dictionary: Vec::new() };
    if let Ok((_, segmenter)) = open(&options) {
        let (line, mut morphemes) = (line.replace('\n', " "), MorphemeBuffer::default());
        segmenter.worker().segment_line(&line, 0, &mut morphemes);
        assert_eq!(morphemes.ends.last().map_or(0, |&end| end as usize), line.len());
    }
});
