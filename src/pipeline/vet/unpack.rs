//! Compressed files, undone in memory up to a limit.

use std::io::Read;

use super::bytes::{Bytes, Fault, Looked};
use super::zip::Forward;

/// Memory that a decoder of xz may take, and the window of zstd as a power of two.
const XZ_MEMORY: u64 = 256 << 20;
const ZSTD_WINDOW: u32 = 27;

/// How a file is compressed, from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Gzip,
    Zlib,
    Zstd,
    Bzip2,
    Xz,
    Lzma,
    Lz4,
}

impl Codec {
    /// From first bytes.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x5d, 0, 0, _, _, ..] => Self::Lzma,
            [4, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Self::Zlib,
            _ => return None,
        })
    }

    /// As it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Lz4 => "lz4",
        }
    }
}

/// The first `max` bytes of what is compressed, and whether that is all.
///
/// # Errors
/// It is damaged before, or compressed in a way that is not looked into.
pub(super) fn undone(bytes: &dyn Bytes, codec: Codec, max: u64) -> Looked<(Vec<u8>, bool)> {
    let forward = Forward::new(bytes);
    let reader: Box<dyn Read + '_> = match codec {
        Codec::Gzip => Box::new(flate2::read::MultiGzDecoder::new(forward)),
        Codec::Zlib => Box::new(flate2::read::ZlibDecoder::new(forward)),
        Codec::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(forward)),
        Codec::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(forward).map_err(Fault::Unread)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(Fault::Unread)?;
            Box::new(decoder)
        }
        Codec::Xz | Codec::Lzma => {
            let stream = match codec {
                Codec::Xz => liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED),
                _ => liblzma::stream::Stream::new_lzma_decoder(XZ_MEMORY),
            };
            let stream = stream.map_err(|e| Fault::beyond(0, format!("xz: {e}")))?;
            Box::new(liblzma::read::XzDecoder::new_stream(forward, stream))
        }
        Codec::Lz4 => return Err(Fault::beyond(0, "lz4 is not looked into")),
    };
    let mut held = Vec::new();
    let read = reader.take(max.saturating_add(1)).read_to_end(&mut held);
    let is_whole = held.len() as u64 <= max;
    held.truncate(usize::try_from(max).unwrap_or(usize::MAX));
    match read {
        Ok(_) => Ok((held, is_whole)),
        Err(e) if e.raw_os_error().is_some() => Err(Fault::Unread(e)),
        Err(e) => Err(Fault::broken(0, format!("cannot be unpacked ({}, after {} bytes): {e}", codec.name(), held.len()))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_compressed_is_undone_up_to_the_limit() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&[7; 5000]).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(&[7; 5000][..], 1).unwrap();
        let options = liblzma::stream::LzmaOptions::new_preset(6).unwrap();
        let stream = liblzma::stream::Stream::new_lzma_encoder(&options).unwrap();
        let mut lzma = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        lzma.write_all(&[7; 5000]).unwrap();
        for bytes in [gzip, zstd, lzma.finish().unwrap()] {
            let codec = Codec::of(&bytes).unwrap();
            assert_eq!(undone(&bytes, codec, 5000).unwrap(), (vec![7; 5000], true));
            assert_eq!(undone(&bytes, codec, 4999).unwrap(), (vec![7; 4999], false));
            assert!(undone(&bytes[..bytes.len() - 5].to_vec(), codec, 5000).is_err());
        }
    }
}
