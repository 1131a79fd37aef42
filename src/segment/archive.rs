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
/// Most members looked at.
const MAX_MEMBERS: usize = 10_000;

/// Reads the members of `root` (a directory path within the archive; empty: any one directory) that `wanted` names.
///
/// The archive is a tar, plain or compressed by gzip or zstd; the first bytes tell which.
///
/// # Errors
/// Refused: not such an archive, damaged, or a member beyond the ceilings.
pub fn members(name: &str, archive: impl Read, root: &str, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<SourceFile>> {
    let fault = |e: std::io::Error| Error::refused(format!("{name}: not a sound archive: {e}"));
    let mut archive = tar::Archive::new(decompress(archive).map_err(fault)?.take(MAX_STREAM));
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
        let mut bytes = Vec::new();
        entry.take(MAX_MEMBER + 1).read_to_end(&mut bytes).map_err(fault)?;
        total += bytes.len() as u64;
        if bytes.len() as u64 > MAX_MEMBER || total > MAX_TOTAL {
            return Err(Error::refused(format!("{name}: member {file} is larger than the ceiling")));
        }
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

    fn packed() -> Vec<u8> {
        let files = [("a.csv", "x"), ("b.def", "y"), ("c.txt", "z")].map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let mut out = Vec::new();
        write("dir", &files, &mut out).unwrap();
        out
    }

    #[test]
    fn only_wanted_members_of_the_root() {
        let wanted = |name: &str| name != "c.txt";
        let names = |root: &str| members("t", &packed()[..], root, &wanted).unwrap().into_iter().map(|f| f.0).collect::<Vec<_>>();
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
            assert!(members("t", &whole[..cut], "dir", &|_| true).is_err() || cut == 0, "{cut}");
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
        assert!(members("t", &bytes[..], "dir", &|_| true).is_err());
    }
}
