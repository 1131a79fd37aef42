//! Archives: packages that a package client fetched, and our own `.tar.zst` for sites without network.
//!
//! Only regular files directly below one named directory are read, and no path of an archive is ever used on the file system.

use std::io::{Read, Write};

use crate::error::{Error, Result};
use crate::segment::source_reader::SourceFile;

/// Largest member.
const MAX_MEMBER: u64 = 1 << 30;
/// Largest sum of members.
const MAX_TOTAL: u64 = 2 << 30;
/// Most bytes that are unpacked, unwanted members included.
const MAX_STREAM: u64 = 8 << 30;
/// Most padding behind the last member.
const MAX_TAIL: u64 = 1 << 20;
/// What is unpacked may be this many times as long as the archive: tables of zeros are, dictionaries are ten times as long.
const MAX_GROWTH: u64 = 200;
/// What is unpacked may be this long whatever the length of the archive.
const SMALL: u64 = 16 << 20;
/// Most members looked at.
const MAX_MEMBERS: usize = 10_000;

/// Reads the members of `root` (a directory path within the archive; empty: any one directory) that `wanted` names.
///
/// The archive, of `bytes` bytes, is a tar, plain or compressed by gzip or zstd; the first bytes tell which. A member is judged by the size in
/// its header before any of it is unpacked.
///
/// # Errors
/// Refused: not such an archive, damaged, or a member beyond the ceilings.
pub fn members(name: &str, (archive, bytes): (impl Read, u64), root: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<SourceFile>> {
    let most = bytes.saturating_mul(MAX_GROWTH).max(SMALL);
    let fault = |e: std::io::Error| Error::refused(format!("{name}: not a sound archive: {e}"));
    let mut archive = tar::Archive::new(decompress(archive).map_err(fault)?.take(most.saturating_mul(2).min(MAX_STREAM)));
    let mut files: Vec<SourceFile> = Vec::new();
    let mut total = 0;
    for (n, entry) in archive.entries().map_err(fault)?.enumerate() {
        let entry = entry.map_err(fault)?;
        if n >= MAX_MEMBERS {
            return Err(Error::refused(format!("{name}: more than {MAX_MEMBERS} members")));
        }
        let path = entry.path_bytes().into_owned();
        let Some(file) = std::str::from_utf8(&path).ok().and_then(|path| below(path, root)).filter(|file| wanted(file)) else { continue };
        if !entry.header().entry_type().is_file() || files.iter().any(|known| known.0 == file) {
            return Err(Error::refused(format!("{name}: member {file} is not a regular file, or there twice")));
        }
        let size = entry.size();
        total += size.min(MAX_TOTAL);
        if size > MAX_MEMBER || total > MAX_TOTAL.min(most) {
            let said = format!("{name}: member {file} of {size} bytes: more than a dictionary in an archive of this size has");
            return Err(Error::refused(said));
        }
        let mut bytes = Vec::new();
        entry.take(size).read_to_end(&mut bytes).map_err(fault)?;
        files.push((file.to_owned(), bytes));
    }
    // The end of the compressed stream comes after the last member: it has a checksum, which shows whether the stream is complete.
    let rest = std::io::copy(&mut archive.into_inner().take(MAX_TAIL + 1), &mut std::io::sink()).map_err(fault)?;
    if rest > MAX_TAIL {
        return Err(Error::refused(format!("{name}: more than {MAX_TAIL} bytes behind the last member")));
    }
    Ok(files)
}

/// The file name of a path directly below `root`.
fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let (dir, file) = path.rsplit_once('/')?;
    let fits = if root.is_empty() { !dir.contains('/') && dir != ".." && !dir.is_empty() } else { dir == root };
    (fits && !file.is_empty() && file != "..").then_some(file)
}

fn decompress<'a>(mut archive: impl Read + 'a) -> std::io::Result<Box<dyn Read + 'a>> {
    let mut head = [0; 4];
    let mut filled = 0;
    while filled < head.len() {
        match archive.read(&mut head[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    let whole = std::io::Cursor::new(head).take(filled as u64).chain(archive);
    Ok(match head {
        [0x1F, 0x8B, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        [0x28, 0xB5, 0x2F, 0xFD] => {
            let mut decoder = zstd::Decoder::new(whole)?;
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
        _ => Box::new(whole),
    })
}

/// Writes `files` below the directory `root` as `.tar.zst`; the same files give the same bytes.
///
/// # Errors
/// Whatever `out` returns.
pub fn write(root: &str, files: &[SourceFile], out: impl Write) -> std::io::Result<()> {
    let mut encoder = zstd::Encoder::new(out, 19)?;
    encoder.include_checksum(true)?;
    let mut builder = tar::Builder::new(encoder);
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        builder.append_data(&mut header, format!("{root}/{name}"), &bytes[..])?;
    }
    builder.into_inner()?.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> (&[u8], u64) {
        (bytes, bytes.len() as u64)
    }

    #[test]
    fn a_member_is_judged_by_its_header() {
        let zeros = vec![0; SMALL as usize + 1];
        let mut out = Vec::new();
        write("dir", &[("a.csv".to_owned(), zeros)], &mut out).unwrap();
        assert!((out.len() as u64) < SMALL / MAX_GROWTH);
        // The member itself is cut off: its header is enough.
        let mut plain = Vec::new();
        decompress(&out[..]).unwrap().take(512).read_to_end(&mut plain).unwrap();
        for archive in [out, plain] {
            let refused = members("t", whole(&archive), "dir", &|_| true).unwrap_err().to_string();
            assert!(refused.contains("a.csv of 16777217 bytes"), "{refused}");
            assert!(
                members("t", whole(&archive), "other", &|_| true).is_ok() == (archive.len() > 512),
                "what is not wanted is stepped over"
            );
        }
    }

    fn packed() -> Vec<u8> {
        let files = [("a.csv", "x"), ("b.def", "y"), ("c.txt", "z")].map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let mut out = Vec::new();
        write("dir", &files, &mut out).unwrap();
        out
    }

    #[test]
    fn only_wanted_members_of_the_root() {
        let wanted = |name: &str| name != "c.txt";
        let names = |root: &str| members("t", whole(&packed()), root, &wanted).unwrap().into_iter().map(|f| f.0).collect::<Vec<_>>();
        assert_eq!(names("dir"), ["a.csv", "b.def"]);
        assert_eq!(names(""), ["a.csv", "b.def"]);
        assert!(names("other").is_empty());
    }

    #[test]
    fn climbing_paths_are_never_taken() {
        for path in ["../a.csv", "/a.csv", "a.csv", "dir/sub/a.csv", "dir/..", "dir/"] {
            assert_eq!(below(path, ""), None, "{path}");
        }
        assert_eq!(below("./dir/a.csv", "dir"), Some("a.csv"));
    }

    #[test]
    fn truncated_or_flipped_archives_are_refused_or_lose_nothing_silently() {
        let whole = packed();
        for cut in 0..whole.len() {
            assert!(members("t", self::whole(&whole[..cut]), "dir", &|_| true).is_err() || cut == 0, "{cut}");
        }
    }

    #[test]
    fn links_are_refused() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "dir/a.csv", "elsewhere").unwrap();
        let bytes = builder.into_inner().unwrap();
        assert!(members("t", whole(&bytes), "dir", &|_| true).is_err());
    }
}
