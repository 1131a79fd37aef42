//! Writes the sections of a pack file.

use std::io::{self, Write};

use super::items::{HEADER_BYTES, RECORD, SOURCE_BYTES, Section, TokenType, UINT32, has_narrow_ends, kind};
use crate::pack::layout::Source;

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
    fn align(&mut self) -> io::Result<()> {
        let zeros = (self.position.next_multiple_of(HEADER_BYTES as u64) - self.position) as usize;
        self.position += zeros as u64;
        self.out.write_all(&[0; HEADER_BYTES][..zeros])
    }

    /// Writes the index after the tokens: row pointers, ends and origins of pieces.
    pub fn index(
        &mut self,
        sequence_length: u32,
        row_ptr: &[u32],
        ends: impl Iterator<Item = u32>,
        sources: impl Iterator<Item = Source>,
    ) -> io::Result<()> {
        self.section(kind::ROW_PTR, UINT32, row_ptr.iter().map(|first| first.to_le_bytes()))?;
        if has_narrow_ends(sequence_length) {
            self.section(kind::PIECE_END, TokenType::Uint16 as u32, ends.map(|end| (end as u16).to_le_bytes()))?;
        } else {
            self.section(kind::PIECE_END, UINT32, ends.map(u32::to_le_bytes))?;
        }
        self.section(kind::PIECE_SRC, RECORD, sources.map(encode_source))
    }

    fn section<const N: usize>(&mut self, kind: u32, item_type: u32, items: impl Iterator<Item = [u8; N]>) -> io::Result<()> {
        const CHUNK: usize = 1 << 16;
        self.align()?;
        let mut count = 0;
        let mut buffer = Vec::with_capacity(CHUNK + N);
        for item in items {
            buffer.extend_from_slice(&item);
            count += 1;
            if buffer.len() >= CHUNK {
                self.write(&buffer)?;
                buffer.clear();
            }
        }
        self.write(&buffer)?;
        self.end(kind, item_type, count)
    }

    /// The output, the sections and the size of the file.
    pub fn finish(self) -> (W, Vec<Section>, u64) {
        (self.out, self.sections, self.position)
    }
}

fn encode_source(source: Source) -> [u8; SOURCE_BYTES] {
    let fields = [source.shard, source.row, source.offset, source.flags];
    std::array::from_fn(|i| fields[i / 4].to_le_bytes()[i % 4])
}
