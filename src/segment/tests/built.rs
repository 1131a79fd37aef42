//! Readers, writer and store: what is read, built, damaged, archived and imported.

use std::sync::Arc;

use proptest::prelude::*;

use super::tiny::{compiled, compiled_files, directory, forge, identity, installed, mecab_format, overwrite, raw, raw_with_user, text};
use crate::error::Error;
use crate::morpheme::Lexicon;
use crate::segment::dictionary::Dictionary;
use crate::segment::source_reader::{self, SourceFile};
use crate::segment::{lindera, store, verify};

#[test]
fn the_source_and_its_compiled_form_are_one_dictionary() {
    let source = raw();
    let compiled = compiled(&compiled_files()).unwrap();
    assert_eq!(source.digests(), compiled.digests());
    assert_eq!((&source.matrix, &source.chars, &source.unknown), (&compiled.matrix, &compiled.chars, &compiled.unknown));
    // The compiler of MeCab orders homographs by address, so the order is compared after sorting.
    let (mut source, mut compiled) = (source, compiled);
    source.order_homographs();
    compiled.order_homographs();
    source.entries.sort_by(|a, b| (&a.surface, &a.feature).cmp(&(&b.surface, &b.feature)));
    compiled.entries.sort_by(|a, b| (&a.surface, &a.feature).cmp(&(&b.surface, &b.feature)));
    assert_eq!(source, compiled);
}

#[test]
fn what_is_built_says_what_was_read() {
    let (_temporary, dir) = installed();
    let raw = raw();
    let dictionary = Dictionary::open(&dir).unwrap();
    assert_eq!(dictionary.to_raw().unwrap(), raw);
    assert_eq!(dictionary.fingerprint(), raw.fingerprint().to_hex().as_str());
    let mut words = 0;
    dictionary.each_word(&mut |word| {
        let entry = &raw.entries[word.id as usize];
        assert_eq!((word.id as usize, word.surface), (words, entry.surface.as_str()));
        assert_eq!(word.features, crate::segment::csv::fields(&entry.feature));
        assert_eq!(dictionary.pos_of_word(word.id), raw.pos_of_left[usize::from(entry.left)]);
        assert_eq!(dictionary.pos_table().field(dictionary.pos_of_word(word.id), 0), word.features[0]);
        words += 1;
    });
    assert_eq!(words, raw.entries.len());
    assert_eq!((dictionary.surface(words as u32), dictionary.features(words as u32).count()), (None, 0));
    assert_eq!(dictionary.pos_of_word(u32::MAX), 0);
}

#[test]
fn a_flipped_bit_in_any_file_is_found() {
    let (_temporary, dir) = installed();
    verify::verify(&dir).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), crate::segment::built_files::FILES.len() + 2);
    for path in files {
        let sound = std::fs::read(&path).unwrap();
        for at in [0, sound.len() / 2, sound.len() - 1] {
            let mut flipped = sound.clone();
            flipped[at] ^= 1;
            overwrite(&path, &flipped);
            match verify::verify(&dir) {
                Err(Error::Damaged { path: named, .. }) => assert_eq!(named, path),
                other => panic!("{}: byte {at}: {other:?}", path.display()),
            }
        }
        overwrite(&path, &sound[..sound.len() - 1]);
        assert!(matches!(Dictionary::open(&dir), Err(Error::Damaged { .. })), "{}", path.display());
        assert_eq!(store::open(dir.to_str().unwrap()).unwrap_err().exit_code(), 2);
        overwrite(&path, &sound);
    }
    verify::verify(&dir).unwrap();
    store::open(dir.to_str().unwrap()).unwrap();
}

#[test]
fn a_file_that_is_not_made_from_the_content_is_found() {
    use crate::segment::exact::{HotList, compile};
    for name in ["lattice.bin", "dict.trie", "char_def.bin", "unk.bin", "metadata.json"] {
        let (temporary, dir) = installed();
        let mut bytes = std::fs::read(dir.join(name)).unwrap();
        if name == "lattice.bin" {
            // Sound in itself, of the same sizes, and of other costs.
            let mut other = raw();
            other.entries.iter_mut().for_each(|entry| entry.cost = -entry.cost);
            bytes = compile(&other, &HotList::shipped()).unwrap();
        } else {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
        }
        forge(&dir, name, &bytes);
        let Err(Error::Damaged { path, .. }) = verify::verify(&dir) else { panic!("{name}") };
        assert!(path == dir.join(name) || path == dir, "{name}: {}", path.display());
        let elsewhere = temporary.path().join("elsewhere");
        assert_eq!(store::import(&elsewhere, &dir, None).unwrap_err().exit_code(), 2, "{name}");
    }
}

#[test]
fn archive_and_import_give_the_same_directory() {
    let (temporary, dir) = installed();
    let out = temporary.path().join("tiny.tar.zst");
    store::write_archive(&dir, &out).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = store::import(elsewhere.path(), &out, None).unwrap();
    assert_eq!(copy.file_name(), dir.file_name());
    assert_eq!(Dictionary::open(&copy).unwrap().to_raw().unwrap(), raw());
    let again = store::import(elsewhere.path(), &dir, None).unwrap();
    assert_eq!(again, copy);
    let source = store::import(elsewhere.path(), &directory(), Some("other")).unwrap();
    assert!(source.file_name().unwrap().to_str().unwrap().starts_with("other-imported-"));
    assert!(store::import(elsewhere.path(), &directory().join("lex.csv"), None).is_err());
    assert!(store::import(elsewhere.path(), &directory(), Some("../out")).is_err());
    for built in [&out, &dir] {
        assert_eq!(store::import(elsewhere.path(), built, Some("other")).unwrap_err().exit_code(), 2, "a built dictionary keeps its name");
    }
    let left: Vec<_> = std::fs::read_dir(elsewhere.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_a_killed_build_left_is_removed_and_what_is_being_built_is_not() {
    let store = tempfile::tempdir().unwrap();
    let left = store.path().join(".seimai-dictionary-1-0");
    std::fs::create_dir(&left).unwrap();
    let held = crate::io::Dir::open(store.path()).unwrap();
    let alive = store::scratch(&held).unwrap();
    assert!(!left.exists());
    let other = store::scratch(&held).unwrap();
    assert!(alive.path().exists() && other.path().exists());
}

#[test]
fn a_damaged_build_is_replaced_by_installing_again() {
    let (temporary, dir) = installed();
    overwrite(&dir.join("dict.words"), b"x");
    assert_eq!(store::install(temporary.path(), &raw(), &identity(), Some("terms")).unwrap(), dir);
    verify::verify(&dir).unwrap();
    assert_eq!(store::install(temporary.path(), &raw(), &identity(), None).unwrap(), dir);
    assert!(!dir.join("LICENCE.txt").exists(), "another set of files replaces the old one");
}

#[test]
fn a_dictionary_that_is_not_there_is_refused_with_the_commands() {
    let empty = tempfile::tempdir().unwrap();
    let error = store::locate_in(&[empty.path().to_path_buf()], "ipadic").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.hint().is_some_and(|hint| hint.contains("seimai dictionary fetch ipadic") && hint.contains("seimai dictionary import")));
    let (temporary, dir) = installed();
    assert_eq!(store::locate_in(&[empty.path().into(), temporary.path().into()], "tiny").unwrap(), dir);
}

#[test]
fn source_rows_that_fields_cannot_rebuild_stay_verbatim() {
    let mut files: Vec<SourceFile> =
        ["matrix.def", "char.def", "unk.def", "dicrc"].map(|name| (name.to_owned(), text(name).into_bytes())).into();
    files.push(("long.csv".into(), format!("{},1,1,5,x", "長".repeat(342)).into_bytes()));
    assert!(source_reader::read(&files, None).is_err(), "a surface of 1026 bytes");
    files.pop();
    files.push(("lex.csv".into(), "語,1,1,5,名詞,\"needless\",x\n語,1,1,6,名詞,\"open,x\n".as_bytes().to_vec()));
    let raw = source_reader::read(&files, None).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let dictionary = Dictionary::open(&store::install(temporary.path(), &raw, &identity(), None).unwrap()).unwrap();
    assert_eq!(dictionary.about().irregular.len(), 2);
    assert_eq!(dictionary.to_raw().unwrap(), raw);
}

#[test]
fn user_dictionaries_extend_the_lexicon() {
    let user = directory().join("user/user.csv").to_str().unwrap().to_owned();
    let (name, plain) = (directory().to_str().unwrap().to_owned(), raw());
    let dictionary = Arc::new(store::open_with(&name, std::slice::from_ref(&user), store::Check::EachTime).unwrap());
    assert_eq!(dictionary.to_raw().unwrap(), raw_with_user());
    assert_eq!(dictionary.len(), plain.entries.len() + 6);
    assert_ne!(dictionary.fingerprint(), plain.fingerprint().to_hex().as_str());
    let engine = lindera::Lindera::new(Arc::clone(&dictionary)).unwrap();
    let ours = mecab_format(&dictionary, &engine, "外国人参政権\n同点");
    assert!(ours.starts_with("外国人参\t名詞,一般,*,*,*,*,外国人参,ガイコクニンジン\n政権\t"), "{ours}");
    let bad = tempfile::NamedTempFile::new().unwrap();
    for row in
        [",1,1,5,x", "東京,99,1,5,x", "東京,99999,1,5,x", "東京,無詞,トウキョウ", "\"a\"\"b\nc\",0,0,1,x", "東京,,,,名詞", "東\0京,1,1,5,x"]
    {
        overwrite(bad.path(), row.as_bytes());
        let error = store::open_with(&name, &[bad.path().to_str().unwrap().to_owned()], store::Check::EachTime).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains(bad.path().to_str().unwrap()), "{row}: {error}");
        assert!(error.to_string().contains(": line ") && error.hint().is_some(), "{row}: {error}");
    }
    assert!(store::open_with(&name, &["not there".into()], store::Check::EachTime).is_err());
    overwrite(bad.path(), "水滴,名詞-一般,スイテキ\n".as_bytes());
    let both = [bad.path().to_str().unwrap().to_owned(), user];
    let resolved = store::open_with(&name, &both, store::Check::EachTime).unwrap().resolved_user_rows().to_vec();
    assert_eq!(resolved.iter().map(|row| (row.file.as_str(), row.line)).collect::<Vec<_>>(), [(both[0].as_str(), 1)]);
    assert!(resolved[0].csv.starts_with("水滴,1,1,"), "{resolved:?}");
}

#[test]
fn installed_dictionaries_are_those_of_the_lock_file() {
    for (name, locked) in crate::segment::lock::all().unwrap() {
        let skip = |what: String| crate::testing::skipped(&format!("installed_dictionaries_are_those_of_the_lock_file ({name})"), &what);
        let Ok(dir) = store::locate(&name) else {
            skip(format!("the dictionary {name} (seimai dictionary fetch {name})"));
            continue;
        };
        let dictionary = Dictionary::open(&dir).unwrap();
        if dictionary.fingerprint() != locked.fingerprint {
            skip(format!("the dictionary {name} of the lock file in {}", dir.display()));
            continue;
        }
        assert_eq!(dictionary.about().digests, locked.digests);
        let dictionary = Arc::new(dictionary);
        let engine = lindera::Lindera::new(Arc::clone(&dictionary)).unwrap();
        let out = mecab_format(&dictionary, &engine, "令和の東京都へ行く");
        assert!(out.starts_with("令和\t名詞,固有名詞,一般,"), "{out}");
        assert!(dictionary.pos_table().unknown.iter().flatten().any(|category| category == "SYMBOL"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_compiled_files_are_refused_without_a_panic(which in 0_usize..5, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in prop::option::of(any::<prop::sample::Index>())) {
        let mut files = compiled_files();
        let bytes = &mut files[which].1;
        for (at, value) in &flips {
            let at = at.index(bytes.len());
            bytes[at] = *value;
        }
        if let Some(cut) = cut {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        if let Ok(raw) = compiled(&files) {
            prop_assert!(raw.check().is_ok());
        }
    }

    #[test]
    fn damage_within_the_trie_of_the_right_size_never_loops(at in prop::collection::vec((0_usize..22_000, any::<u32>()), 1..4)) {
        let mut files = compiled_files();
        let bytes = &mut files.iter_mut().find(|file| file.0 == "sys.dic").unwrap().1;
        for (at, value) in at {
            let at = (72 + at / 4 * 4).min(bytes.len() - 4);
            bytes[at..at + 4].copy_from_slice(&(value % 3000).to_le_bytes());
        }
        let _ = compiled(&files);
    }
}
