//! Writes the sections of a pack file.

use std::io::{self, Write};

use super::items::{HEADER_BYTES, Section};

/// Writes sections one after the other, behind space for the header.
pub struct SectionWriter<W> {
    out: W,
    position: u64,
    hasher: blake3::Hasher,
    sections: Vec<Section>,
}

impl<W: Write> SectionWriter<W> {
    /// Leaves space for the header, which is written last.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&[0; HEADER_BYTES])?;
        Ok(Self { out, position: HEADER_BYTES as u64, hasher: blake3::Hasher::new(), sections: Vec::new() })
    }

    /// Writes more of the section that is open.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Ends the section that is open; the next starts on a multiple of 4,096.
    pub fn end(&mut self, kind: u32, item_type: u32, items: u64) -> io::Result<()> {
        let offset = self.sections.last().map_or(0, |last| last.offset + last.bytes).max(HEADER_BYTES as u64);
        let offset = offset.next_multiple_of(HEADER_BYTES as u64);
        let blake3 = *self.hasher.finalize().as_bytes();
        self.hasher.reset();
        self.sections.push(Section { kind, item_type, offset, bytes: self.position - offset, items, blake3 });
        Ok(())
    }

    /// Writes zeros up to the start of the next section.
    pub fn align(&mut self) -> io::Result<()> {
        let zeros = (self.position.next_multiple_of(HEADER_BYTES as u64) - self.position) as usize;
        self.position += zeros as u64;
        self.out.write_all(&[0; HEADER_BYTES][..zeros])
    }

    /// The output, the sections and the size of the file.
    pub fn finish(self) -> (W, Vec<Section>, u64) {
        (self.out, self.sections, self.position)
    }
}
