//! Archives, sound and not, listed and read.

use std::io::Write;

use super::written::{Zipped, crc32, packed, stored, tar_of, zip, zip_of};
use super::*;
use crate::corpus::compression::Stop;

/// Name, bytes and end of every input that an archive is.
type Found = Vec<(String, Vec<u8>, String)>;

fn file_of(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive");
    #[expect(clippy::disallowed_methods, reason = "a test's own input")]
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn read_all(source: Source) -> (Vec<u8>, String) {
    let mut out = Vec::new();
    let mut stream = Stream::new(source).unwrap();
    loop {
        match stream.read(&mut out) {
            Ok(true) => {}
            Ok(false) => return (out, String::new()),
            Err(Stop::Damage(damage)) => return (out, damage.reason.to_owned()),
            Err(Stop::Io(error)) => panic!("{error}"),
        }
    }
}

/// Reads every member, in order and then from the last to the first.
fn found(bytes: &[u8]) -> Found {
    let (_dir, path) = file_of(bytes);
    let listing = list(Input::open(&path).unwrap()).unwrap().expect("an archive");
    let mut members = Members::default();
    let mut read = |listed: &Listed| {
        let name = listed.name.clone().map_or_else(|| "-".to_owned(), |name| String::from_utf8_lossy(&name).into_owned());
        match &listed.place {
            Place::Fault { reason, .. } => (name, Vec::new(), reason.clone()),
            place => {
                let source = members.open(&path, Input::open(&path).unwrap(), place, Entry::default()).unwrap().unwrap();
                let (bytes, reason) = read_all(source);
                (name, bytes, reason)
            }
        }
    };
    let forwards: Found = listing.members.iter().map(&mut read).collect();
    let mut backwards: Found = listing.members.iter().rev().map(&mut read).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
    forwards
}

fn short(found: &Found) -> Vec<(&str, &str, &str)> {
    found.iter().map(|(name, bytes, reason)| (name.as_str(), std::str::from_utf8(bytes).unwrap_or("?"), reason.as_str())).collect()
}

/// A header of tar with any fields, its checksum right.
fn header(name: &[u8], size: &[u8], kind: u8) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name);
    header[124..124 + size.len()].copy_from_slice(size);
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    header
}

fn block(bytes: &[u8]) -> Vec<u8> {
    let mut block = bytes.to_vec();
    block.resize(bytes.len().next_multiple_of(512), 0);
    block
}

#[test]
fn zip_members_of_every_method() {
    let text = "{\"text\":\"精米\"}\n".repeat(3000);
    let mut members = vec![stored(b"dir/a.jsonl", text.as_bytes())];
    members.extend([8, 12, 93].map(|method| packed(format!("m{method}").as_bytes(), text.as_bytes(), method)));
    members.extend([stored(b"dir/", b""), stored(b"__MACOSX/._a", b"x"), stored(b"dir/.DS_Store", b"x"), stored(b"a.jsonl", b"same")]);
    members.push(Zipped { attributes: 0o120_777 << 16, ..stored(b"link", b"a.jsonl") });
    members.push(stored(b"a.jsonl", b"name"));
    let found = found(&zip(&members));
    let expected = [
        ("dir/a.jsonl", text.as_str(), ""),
        ("m8", &text, ""),
        ("m12", &text, ""),
        ("m93", &text, ""),
        ("a.jsonl", "same", ""),
        ("a.jsonl", "name", ""),
    ];
    assert_eq!(short(&found), expected);
}

#[test]
fn zip_members_that_are_not_read_say_why() {
    let bad_crc = Zipped { crc: 1, ..packed(b"crc", b"abc", 8) };
    let members = [
        stored(b"ok", b"fine"),
        stored(b"../up", b"x"),
        stored(b"/root", b"x"),
        stored(b"C:\\x", b"x"),
        stored(b"nul\0", b"x"),
        stored(b"./a//b/./c", b"tidy"),
        Zipped { flags: 1, ..stored(b"secret", b"x") },
        Zipped { method: 99, ..stored(b"aes", b"x") },
        packed(b"old", b"x", 6),
        Zipped { size: 9, ..stored(b"two", b"x") },
        bad_crc,
        Zipped { size: 2, ..packed(b"longer", b"abc", 8) },
        Zipped { size: 4, ..packed(b"shorter", b"abc", 8) },
        Zipped { data: b"\xff\xff\xff".to_vec(), ..packed(b"data", b"abc", 8) },
        Zipped { host: 0, ..stored(b"dos\\file.txt", b"x") },
    ];
    let expected = [
        ("ok", "fine", ""),
        ("../up", "", "zip_name"),
        ("/root", "", "zip_name"),
        ("C:\\x", "", "zip_name"),
        ("nul\0", "", "zip_name"),
        ("a/b/c", "tidy", ""),
        ("secret", "", "zip_encrypted"),
        ("aes", "", "zip_encrypted"),
        ("old", "", "zip_method"),
        ("two", "", "zip_size"),
        ("crc", "abc", "zip_crc"),
        ("longer", "ab", "zip_size"),
        ("shorter", "abc", "zip_size"),
        ("data", "", "zip_data"),
        ("dos/file.txt", "x", ""),
    ];
    assert_eq!(short(&found(&zip(&members))), expected);
}

#[test]
fn names_in_charsets_of_windows() {
    let names = ["新しいフォルダー/議事録.txt", "表示ソ能.txt", "ASCII.txt"];
    for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP] {
        let members: Vec<Zipped> = names.iter().map(|name| Zipped { host: 0, ..stored(&encoding.encode(name).0, b"x") }).collect();
        let found = found(&zip(&members));
        assert_eq!(found.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), names, "{}", encoding.name());
    }
    let raw = b"\xff\xfe\x80";
    let mut extra = vec![0x75, 0x70, 11, 0, 1];
    extra.extend(crc32(raw).to_le_bytes());
    extra.extend("名前".as_bytes());
    let (_dir, path) = file_of(&zip(&[
        Zipped { extra, ..stored(raw, b"x") },
        stored(raw, b"y"),
        Zipped { flags: 1 << 11, ..stored("名".as_bytes(), b"z") },
    ]));
    let names: Vec<_> =
        list(Input::open(path.as_ref()).unwrap()).unwrap().unwrap().members.into_iter().map(|member| member.name.unwrap()).collect();
    assert_eq!(names, ["名前".as_bytes(), raw, "名".as_bytes()]);
}

#[test]
fn zips_that_are_made_to_harm_or_are_cut() {
    let members = [stored(b"a", b"one"), packed(b"b", &vec![b'x'; 100_000], 8)];
    let (whole, directory) = zip_of(&members);
    // The second entry points at the first member.
    let mut overlapping = whole.clone();
    let second = directory + 46 + 1;
    overlapping[second + 42..second + 46].copy_from_slice(&[0; 4]);
    assert_eq!(short(&found(&overlapping)), [("-", "", "zip_overlap")]);
    let mut announced = whole.clone();
    let end = whole.len() - 22 - 7;
    announced[end + 10] = 9;
    assert_eq!(found(&announced).last().unwrap().2, "zip_directory");
    let mut nowhere = whole.clone();
    nowhere[directory + 42] = 5;
    assert_eq!(found(&nowhere)[0].2, "zip_header");
    assert_eq!(short(&found(&zip(&[]))), [("-", "", "zip_empty")]);
    for (name, is) in [("mimetype", "OpenDocument"), ("[Content_Types].xml", "an Office document")] {
        let (_dir, path) = file_of(&zip(&[stored(name.as_bytes(), b"x")]));
        assert_eq!(list(Input::open(path.as_ref()).unwrap()).unwrap().unwrap().is_really, Some(is));
    }
    for cut in 4..whole.len() - 7 {
        let found = found(&whole[..cut]);
        assert!(found.last().is_some_and(|(.., reason)| reason == "zip_eof"), "{cut}: {found:?}");
    }
    // Any byte changed: nothing worse than a fault, and no member lost without one.
    for at in 4..whole.len() {
        let (in_directory, mut bad) = (at.wrapping_sub(directory) % 47, whole.clone());
        if at > directory && (in_directory == 5 || (38..42).contains(&in_directory)) {
            // Kind of system and attributes: the member may become a directory or a link.
            continue;
        }
        bad[at] ^= 0xff;
        let (_dir, path) = file_of(&bad);
        let listing = list(Input::open(path.as_ref()).unwrap()).unwrap().unwrap();
        let faults = listing.members.iter().filter(|member| matches!(member.place, Place::Fault { .. })).count();
        assert!(listing.members.len() >= 2 || faults > 0, "{at}");
    }
}

#[test]
fn tar_members_plain_and_compressed() {
    let long = format!("{}/{}.jsonl", "d".repeat(120), "n".repeat(90));
    let text = "{\"text\":\"精米\"}\n".repeat(3000);
    let inner = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let mut tar = ::tar::Builder::new(Vec::new());
    tar.append_pax_extensions([("path", "pax/名前.txt".as_bytes())]).unwrap();
    for (name, text) in [("short", &b"pax"[..]), (&long, b"long"), ("._x", b"no"), ("./a", b""), ("z.jsonl.zst", &inner)] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, name, text).unwrap();
    }
    for kind in [::tar::EntryType::Directory, ::tar::EntryType::Symlink, ::tar::EntryType::Link, ::tar::EntryType::Fifo] {
        let mut header = ::tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_link_name("a").unwrap();
        tar.append_data(&mut header, "special", &b""[..]).unwrap();
    }
    let tar = [tar.into_inner().unwrap(), tar_of(&[("behind the end", b"read on")])].concat();
    let expected =
        [("pax/名前.txt", "pax", ""), (&long, "long", ""), ("a", "", ""), ("z.jsonl.zst", &text, ""), ("behind the end", "read on", "")];
    let frames = tar.chunks(5000).map(|chunk| zstd::encode_all(chunk, 1).unwrap()).collect::<Vec<_>>().concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).unwrap();
    for archive in [tar, frames, gzip.finish().unwrap()] {
        assert_eq!(short(&found(&archive)), expected);
    }
}

#[test]
fn tars_that_lie() {
    let ok = [header(b"ok", b"2\0", b'0'), block(b"ok")].concat();
    let cases: [(&[u8], &str); 8] = [
        (&header(b"neg", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", b'0'), "tar_header"),
        (&header(b"odd", b"12x\0", b'0'), "tar_header"),
        (&header(b"huge", b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", b'0'), "tar_header"),
        (&[&header(b"long", b"77777777777", b'L')[..], b"name"].concat(), "tar_header"),
        (&header(b"x", b"200\0", b'x'), "tar_eof"),
        (&[b'j'; 700], "tar_header"),
        (&[&[0; 1024][..], &[b'j'; 512]].concat(), "tar_trailing"),
        (&[b'j'; 300], "tar_eof"),
    ];
    for (tail, reason) in cases {
        assert_eq!(short(&found(&[&ok, tail].concat())), [("ok", "ok", ""), ("-", "", reason)]);
    }
    let cases: [(Vec<u8>, &str); 5] = [
        (header(b"../up", b"0\0", b'0'), "tar_name"),
        (header(b"/abs", b"0\0", b'0'), "tar_name"),
        (header(b"sparse", b"0\0", b'S'), "tar_sparse"),
        (header(b"volume", b"0\0", b'M'), "tar_type"),
        (header(b"half", b"1000\0", b'0'), "tar_eof"),
    ];
    for (member, reason) in cases {
        let found = found(&[&ok[..], &member].concat());
        assert_eq!((found.len(), found[1].2.as_str()), (2, reason), "one line, and the rest is read");
    }
    let pax = |record: &str| {
        let length = record.len() + 4;
        let record = format!("{length} {record}\n");
        [header(b"x", format!("{:o}\0", record.len()).as_bytes(), b'x'), block(record.as_bytes())].concat()
    };
    let sized = [pax("size=3"), header(b"sized", b"0\0", b'0'), block(b"abc"), ok.clone()].concat();
    assert_eq!(short(&found(&sized)), [("sized", "abc", ""), ("ok", "ok", "")]);
    let sparse = [pax("GNU.sparse.major=1"), header(b"sparse", b"3\0", b'0'), block(b"abc"), ok.clone()].concat();
    assert_eq!(short(&found(&sparse)), [("sparse", "", "tar_sparse"), ("ok", "ok", "")]);
    assert_eq!(short(&found(&header(b"dir/", b"0\0", b'5'))), [("-", "", "tar_empty")]);
}

/// A tar is cut anywhere, or damaged anywhere in its compressed form: no panic, and whatever is missing is told once.
#[test]
fn tars_cut_and_damaged_everywhere() {
    let tar = tar_of(&[("a", b"one"), ("b", &[b'x'; 600]), ("c", b"three")]);
    for cut in 512..tar.len() {
        let found = found(&tar[..cut]);
        let told = found.iter().filter(|(.., reason)| !reason.is_empty()).count();
        let whole = found.iter().filter(|(.., reason)| reason.is_empty()).count();
        assert!(told <= 1 && (told == 1 || cut % 512 == 0 || whole == 3), "{cut}: {found:?}");
    }
    let packed = zstd::encode_all(&tar[..], 1).unwrap();
    for at in 4..packed.len() {
        let mut bad = packed.clone();
        bad[at] ^= 0xff;
        let (_dir, path) = file_of(&bad);
        if let Some(listing) = list(Input::open(&path).unwrap()).unwrap() {
            assert!(!listing.members.is_empty());
        }
    }
    for cut in (40..packed.len()).step_by(7) {
        let (_dir, path) = file_of(&packed[..cut]);
        if list(Input::open(&path).unwrap()).unwrap().is_some() {
            assert!(found(&packed[..cut]).iter().filter(|(.., reason)| reason == "zstd_eof").count() <= 1);
        }
    }
}

/// Members of a compressed tar that follow each other are read without a step back: the archive is opened once, and not by its name again.
#[test]
fn a_compressed_tar_is_decoded_once() {
    let names: Vec<String> = (0..200).map(|n| format!("{n}.txt")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), name.as_bytes())).collect();
    let (_dir, path) = file_of(&zstd::encode_all(&tar_of(&members)[..], 1).unwrap());
    let listing = list(Input::open(&path).unwrap()).unwrap().unwrap();
    let file = Input::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut reader = Members::default();
    let mut read = |listed: &Listed| {
        let mut bytes = Vec::new();
        let source = reader.open(&path, file.clone(), &listed.place, Entry::default()).unwrap();
        source.unwrap().read_to_end(&mut bytes).map(|_| bytes)
    };
    for (listed, name) in listing.members.iter().zip(&names).step_by(3) {
        assert_eq!(read(listed).unwrap(), name.as_bytes());
    }
    assert_eq!(read(&listing.members[0]).unwrap_err().kind(), std::io::ErrorKind::NotFound, "a step back opens it again");
}
