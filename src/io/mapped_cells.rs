//! An array of 32-bit cells that is read and written where it lies: in a file without a name.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use memmap2::MmapMut;
use zerocopy::{FromBytes, IntoBytes};

use super::finished::unnamed;
use super::place::Dir;
use crate::error::{Error, Result};

/// Cells in a file that goes with its last descriptor and map, however the process ends. Its pages are the system's to write out and take
/// back: they are no anonymous memory. They lie in the byte order of the machine, for nobody else ever reads them.
#[derive(Debug)]
pub struct MappedCells {
    dir: PathBuf,
    file: File,
    map: Option<MmapMut>,
}

impl MappedCells {
    /// No cells, in a file of the file system of `dir`.
    ///
    /// # Errors
    /// I/O.
    pub fn new(dir: &Dir) -> Result<Self> {
        let file = unnamed(dir).map_err(|e| Error::io(dir.path(), "create a file in", e))?;
        Ok(Self { dir: dir.path().to_path_buf(), file, map: None })
    }

    /// Appends cells. They are written, so that the file has the disk that it needs before it is mapped: a full disk is an error here, and
    /// no signal later.
    ///
    /// # Errors
    /// I/O.
    pub fn append(&mut self, cells: &[u32]) -> Result<()> {
        self.file.write_all(cells.as_bytes()).map_err(|e| Error::io(&self.dir, "write a file in", e))
    }

    /// Maps what was appended.
    ///
    /// # Errors
    /// I/O.
    #[expect(unsafe_code, reason = "memory maps are unsafe by nature")]
    pub fn map(&mut self) -> Result<()> {
        // SAFETY: the file has no name, so nobody else can open it, change it or make it shorter.
        let map = unsafe { MmapMut::map_mut(&self.file) }.map_err(|e| Error::io(&self.dir, "map a file in", e))?;
        self.map = Some(map);
        Ok(())
    }
}

impl AsRef<[u32]> for MappedCells {
    /// What has been mapped.
    fn as_ref(&self) -> &[u32] {
        // A map begins at a page and has whole cells.
        self.map.as_ref().and_then(|map| <[u32]>::ref_from_bytes(map).ok()).unwrap_or(&[])
    }
}

impl AsMut<[u32]> for MappedCells {
    fn as_mut(&mut self) -> &mut [u32] {
        self.map.as_mut().and_then(|map| <[u32]>::mut_from_bytes(map).ok()).unwrap_or(&mut [])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_and_written_where_they_lie() {
        let dir = tempfile::tempdir().unwrap();
        let mut cells = MappedCells::new(&Dir::open(dir.path()).unwrap()).unwrap();
        cells.append(&[1, 2]).unwrap();
        cells.append(&[u32::MAX]).unwrap();
        assert!(cells.as_ref().is_empty());
        cells.map().unwrap();
        cells.as_mut()[1] = 7;
        assert_eq!(cells.as_ref(), [1, 7, u32::MAX]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
