//! An input file as decoded bytes, from its start or from an entry.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::compression::{Damage, Entry, GZIP_MAGIC, Reader, Stop, Stream, ZSTD_MAGIC};
use super::input_file::InputFile;
use super::io_error::is_of_the_machine;
use super::rules::Reading;
use crate::error::{Error, Result};

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
    if is_stdin(path) { Stream::new(Box::new(std::io::stdin())) } else { Stream::new(Box::new(open_file(path)?)) }
}

/// A pipe that took the file's name meanwhile does not block.
fn open_file(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(std::io::Error::other("not a regular file")) }
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
fn next_member(file: &File, from: u64) -> std::io::Result<Option<u64>> {
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
    pub(super) fn open(input: u32, file: &InputFile) -> std::io::Result<Self> {
        Ok(Self::new(input, file, open_stream(&file.path)?))
    }

    /// Opens a file that was read before, at a decoded byte: decoding begins at `entry`, what lies between is stepped over.
    ///
    /// # Errors
    /// The file cannot be read, or is no longer what it was.
    pub(super) fn open_at(input: u32, file: &InputFile, entry: Entry, offset: u64) -> Result<Self> {
        let stream = open_file(&file.path).and_then(|opened| Stream::at(opened, entry));
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

    /// Is the file compressed?
    pub(super) fn is_compressed(&self) -> bool {
        self.stream.is_compressed()
    }

    /// Bytes of the file, as it is on disk, that were read so far.
    pub(super) fn consumed(&self) -> u64 {
        self.stream.consumed()
    }

    /// Where decoding can begin to reach a decoded byte that has been handed out.
    pub(super) fn entry_before(&mut self, offset: u64) -> Entry {
        self.stream.entry_before(offset)
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
                    if self.stream.consumed() != self.file.bytes && !is_stdin(&self.file.path) {
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
        if self.damage.is_none() || is_stdin(&self.file.path) {
            return Ok(false);
        }
        let path = self.file.path.clone();
        let failed = |error| Error::io(&path, "read", error);
        // Behind a cut the decoder may have taken the next beginning for more of the same.
        let mut from = self.before + 1;
        while let Some(file) = next_member(&open_file(&path).map_err(failed)?, from).map_err(failed)? {
            let mut stream = Stream::at(open_file(&path).map_err(failed)?, Entry { file, decoded }).map_err(failed)?;
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
