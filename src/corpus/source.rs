//! An input file as decoded bytes, from its start or from an entry.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use super::archive::{Members, Part, Place};
use super::compression::{Damage, Entry, GZIP_MAGIC, Kind, Pieces, ReadAhead, Reader, Stop, Stream, ZSTD_MAGIC};
use super::input_file::InputFile;
use super::rules::Reading;
use crate::error::{Error, Result, is_of_the_machine};
use crate::io::Input;

/// The name under which standard input is named in a plan and on the command line.
pub(super) const STDIN: &str = "-";

/// Bytes that are read at a time while stepping over what is not wanted.
const STEP: usize = 1 << 20;

/// Is this standard input?
pub(super) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// Opens an input for reading from its start.
pub(super) fn open_stream(path: &Path) -> std::io::Result<Stream> {
    if is_stdin(path) { Stream::new(Box::new(std::io::stdin())) } else { Stream::new(Box::new(Input::open(path)?)) }
}

/// The decoded bytes of an input: a file, `-`, or a member of an archive.
///
/// # Errors
/// It cannot be opened, or is a part of an archive that cannot be read.
pub fn open_input(file: &InputFile) -> Result<Box<dyn BufRead>> {
    let Some(part) = &file.part else { return open_decoded(&file.path) };
    if let Place::Fault { reason, detail } = &part.place {
        return Ok(Box::new(BufReader::new(Unread(format!("{detail} ({reason})")))));
    }
    if let Place::Revision { of } = &part.place {
        return Ok(Box::new(BufReader::new(Unread(format!("{of} is read, another revision of the same work")))));
    }
    let stream = open_part(&mut Members::default(), file, part, Entry::default()).map_err(|e| Error::io(&file.path, "open", e))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, Reader::new(stream))))
}

/// The pieces of an input that decode by themselves, if there are several that are found without decoding.
///
/// # Errors
/// Those of the machine; what is wrong with the file is told when its turn comes.
pub(super) fn pieces(file: &InputFile) -> Result<Option<Pieces>> {
    if file.part.is_some() || is_stdin(&file.path) {
        return Ok(None);
    }
    let found = Input::open(&file.path).and_then(|opened| match Stream::new(Box::new(opened.clone()))?.kind() {
        Some(kind) => Pieces::new(opened, kind),
        None => Ok(None),
    });
    match found {
        Err(error) if is_of_the_machine(&error) => Err(Error::io(&file.path, "read", error)),
        other => Ok(other.ok().flatten()),
    }
}

/// What keeps a compressed input from being decoded by several threads, if anything does.
///
/// # Errors
/// Those of the machine; what is wrong with the file is told when its turn comes.
pub fn one_thread(file: &InputFile) -> Result<Option<String>> {
    let of_part = |place: &Place| match place {
        Place::Zip { method, .. } => method.codec().map(|kind| format!("a {} member of a zip", kind.name())),
        Place::Tar { entry: Some(_), .. } => Some("a member of a compressed tar".to_owned()),
        _ => None,
    };
    if let Some(part) = &file.part {
        return Ok(of_part(&part.place));
    }
    if is_stdin(&file.path) || pieces(file)?.is_some() {
        return Ok(None);
    }
    let kind = open_stream(&file.path).ok().and_then(|stream| stream.kind());
    Ok(kind.map(|kind| match kind {
        Kind::Zstd | Kind::Lz4 => format!("{} in one frame", kind.name()),
        Kind::Bzip2 => "bzip2 in one piece".to_owned(),
        kind => kind.name().to_owned(),
    }))
}

/// A part of an archive that is not read.
struct Unread(String);

impl Read for Unread {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, self.0.clone()))
    }
}

/// A part of an archive from an entry on.
fn open_part(members: &mut Members, file: &InputFile, part: &Part, entry: Entry) -> std::io::Result<Stream> {
    let mut open = |entry| {
        let opened = members.open(&file.path, Input::open(&file.path)?, &part.place, entry)?;
        opened.ok_or_else(|| std::io::Error::other("not a part that is read"))
    };
    if entry == Entry::default() { Stream::new(open(entry)?) } else { Stream::at(open(Entry::default())?, open(entry)?, entry) }
}

/// A file (or `-`, standard input) as decoded bytes: compression is undone, nothing else.
///
/// # Errors
/// The file cannot be opened.
pub fn open_decoded(path: &Path) -> Result<Box<dyn BufRead>> {
    let stream = open_stream(path).map_err(|e| Error::io(path, "open", e))?;
    Ok(Box::new(BufReader::with_capacity(1 << 16, Reader::new(stream))))
}

/// The error for an input that is not what it was when it was listed.
pub(super) fn changed(file: &InputFile) -> Error {
    Error::refused_with_hint(
        format!("{}: the file changed while it was read", file.name),
        "start a new run (--fresh) once the input is at rest",
    )
}

/// Where the next gzip member or zstd frame begins, whichever the file consists of, from a byte on.
fn next_member(file: &Input, from: u64) -> std::io::Result<Option<u64>> {
    let mut head = [0; 4];
    let known = file.read_at(&mut head, 0)?;
    let magic: &[u8] = if head[..known].starts_with(GZIP_MAGIC) { &[0x1f, 0x8b, 8] } else { ZSTD_MAGIC };
    let (mut buffer, mut at) = (vec![0; STEP], from);
    loop {
        let read = file.read_at(&mut buffer, at)?;
        if let Some(found) = memchr::memmem::find(&buffer[..read], magic) {
            return Ok(Some(at + found as u64));
        }
        if read < magic.len() {
            return Ok(None);
        }
        at += (read - (magic.len() - 1)) as u64;
    }
}

/// A file being read: its decoded bytes that are not handed out yet.
pub(super) struct ByteSource {
    /// Index of the file among the inputs.
    pub(super) input: u32,
    /// Decoded bytes from the current position on.
    pub(super) pending: Vec<u8>,
    /// Nothing follows what is pending.
    pub(super) ended: bool,
    /// How the plan says that its records are read.
    pub(super) reading: Arc<Reading>,
    file: InputFile,
    stream: Stream,
    /// Bytes of the file that had been read before the last time something was decoded.
    before: u64,
    damage: Option<Damage>,
}

impl ByteSource {
    /// Opens a file at its start.
    pub(super) fn open(input: u32, file: &InputFile, members: &mut Members) -> std::io::Result<Self> {
        let stream = match &file.part {
            None => open_stream(&file.path)?,
            Some(part) => open_part(members, file, part, Entry::default())?,
        };
        Ok(Self::new(input, file, stream))
    }

    /// Opens a file that is decoded elsewhere, piece by piece.
    pub(super) fn open_ahead(input: u32, file: &InputFile, source: Arc<dyn ReadAhead>) -> std::io::Result<Self> {
        let opened = Input::open(&file.path)?;
        let kind = Stream::new(Box::new(opened.clone()))?.kind().ok_or_else(|| std::io::Error::other("not compressed"))?;
        Ok(Self::new(input, file, Stream::ahead(opened, kind, source)))
    }

    /// Opens a file that was read before, at a decoded byte: decoding begins at `entry`, what lies between is stepped over.
    ///
    /// # Errors
    /// The file cannot be read, or is no longer what it was.
    pub(super) fn open_at(input: u32, file: &InputFile, entry: Entry, offset: u64, members: &mut Members) -> Result<Self> {
        let stream = match &file.part {
            None => Input::open(&file.path).and_then(|opened| Stream::of_file(opened, entry)),
            Some(part) => open_part(members, file, part, entry),
        };
        let stream = stream.map_err(|e| if is_of_the_machine(&e) { Error::io(&file.path, "open", e) } else { changed(file) })?;
        let mut source = Self::new(input, file, stream);
        let mut ahead = offset.checked_sub(entry.decoded).ok_or_else(|| Error::internal("an entry lies behind its record"))?;
        while ahead > 0 {
            source.want(STEP)?;
            let step = source.pending.len().min(usize::try_from(ahead).unwrap_or(usize::MAX));
            if step == 0 {
                return Err(changed(file));
            }
            source.pending.drain(..step);
            ahead -= step as u64;
        }
        Ok(source)
    }

    fn new(input: u32, file: &InputFile, stream: Stream) -> Self {
        let (before, reading) = (stream.consumed(), Arc::default());
        Self { input, pending: Vec::new(), ended: false, reading, file: file.clone(), before, stream, damage: None }
    }

    /// The file.
    pub(super) fn file(&self) -> &InputFile {
        &self.file
    }

    /// How it is compressed, if it is.
    pub(super) fn compression(&self) -> Option<&'static str> {
        self.stream.kind().map(Kind::name)
    }

    /// Is it a plain file that can be read in places?
    pub(super) fn is_plain_file(&self) -> bool {
        self.stream.kind().is_none() && self.file.part.is_none() && !is_stdin(&self.file.path)
    }

    /// Bytes of the file, as it is on disk, that were read so far.
    pub(super) fn consumed(&self) -> u64 {
        self.stream.consumed()
    }

    /// Where decoding can begin to reach a decoded byte that has been handed out.
    pub(super) fn entry_before(&mut self, offset: u64) -> Entry {
        let place = self.file.part.as_ref().map(|part| &part.place);
        // The checksum of a zip member is that of all of it; and a compressed tar is entered before the member, not inside.
        let is_whole = matches!(place, Some(Place::Zip { .. } | Place::Tar { entry: Some(_), .. }));
        if is_whole { Entry::default() } else { self.stream.entry_before(offset) }
    }

    /// Reads on until `wanted` bytes are pending or the file ends.
    ///
    /// # Errors
    /// The file cannot be read on, or is no longer as long as it was.
    pub(super) fn want(&mut self, wanted: usize) -> Result<()> {
        while self.pending.len() < wanted && !self.ended {
            self.before = self.stream.consumed();
            match self.stream.read(&mut self.pending) {
                Ok(true) => {}
                Ok(false) => {
                    self.ended = true;
                    // A member that is cut says so itself.
                    if self.stream.consumed() != self.file.bytes && !is_stdin(&self.file.path) && self.file.part.is_none() {
                        return Err(changed(&self.file));
                    }
                }
                Err(Stop::Damage(damage)) => {
                    self.ended = true;
                    self.damage = Some(damage);
                }
                Err(Stop::Io(error)) => return Err(Error::io(&self.file.path, "read", error)),
            }
        }
        Ok(())
    }

    /// Behind damage: goes on at the next member or frame of a compressed file that gives anything, so that what was pending is gone. `decoded`
    /// bytes of the file came before. `false` where there is none, or where a file cannot be read in places.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn resync(&mut self, decoded: u64) -> Result<bool> {
        let is_in_members = matches!(self.stream.kind(), Some(Kind::Gzip | Kind::Zstd));
        if self.damage.is_none() || !is_in_members || is_stdin(&self.file.path) || self.file.part.is_some() {
            return Ok(false);
        }
        let path = self.file.path.clone();
        let failed = |error| Error::io(&path, "read", error);
        // Behind a cut the decoder may have taken the next beginning for more of the same.
        let mut from = self.before + 1;
        while let Some(file) = next_member(&Input::open(&path).map_err(failed)?, from).map_err(failed)? {
            let mut stream = Stream::of_file(Input::open(&path).map_err(failed)?, Entry { file, bits: 0, decoded }).map_err(failed)?;
            let mut pending = Vec::new();
            let found = stream.read(&mut pending);
            // Bytes that only looked like a beginning give nothing.
            if !pending.is_empty() {
                let damage = match found {
                    Ok(_) => None,
                    Err(Stop::Damage(damage)) => Some(damage),
                    Err(Stop::Io(error)) => return Err(failed(error)),
                };
                (self.ended, self.damage) = (damage.is_some(), damage);
                (self.pending, self.stream, self.before) = (pending, stream, file);
                return Ok(true);
            }
            from = file + 1;
        }
        Ok(false)
    }

    /// Why the file ended before its end, if it did.
    pub(super) fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Is what was decoded a whole, even if something follows it?
    pub(super) fn is_sound(&self) -> bool {
        self.damage.as_ref().is_none_or(|damage| damage.behind_the_end)
    }
}
