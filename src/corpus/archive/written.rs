//! Archives written for tests.

use std::io::Write;

/// A member of a zip to be written.
#[derive(Clone)]
pub(in crate::corpus) struct Zipped {
    pub(in crate::corpus) name: Vec<u8>,
    pub(in crate::corpus) flags: u16,
    pub(in crate::corpus) method: u16,
    pub(in crate::corpus) data: Vec<u8>,
    pub(in crate::corpus) size: u64,
    pub(in crate::corpus) crc: u32,
    pub(in crate::corpus) host: u8,
    pub(in crate::corpus) attributes: u32,
    pub(in crate::corpus) extra: Vec<u8>,
}

pub(in crate::corpus) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn deflated(text: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

pub(in crate::corpus) fn stored(name: &[u8], text: &[u8]) -> Zipped {
    let (data, size, crc) = (text.to_vec(), text.len() as u64, crc32(text));
    Zipped { name: name.to_vec(), flags: 0, method: 0, data, size, crc, host: 3, attributes: 0o100_644 << 16, extra: vec![] }
}

pub(in crate::corpus) fn packed(name: &[u8], text: &[u8], method: u16) -> Zipped {
    let data = match method {
        8 => deflated(text),
        12 => {
            let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            writer.write_all(text).unwrap();
            writer.finish().unwrap()
        }
        93 => zstd::encode_all(text, 1).unwrap(),
        _ => b"data".to_vec(),
    };
    Zipped { method, data, ..stored(name, text) }
}

/// The archive, and where its directory begins.
pub(in crate::corpus) fn zip_of(members: &[Zipped]) -> (Vec<u8>, usize) {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for member in members {
        let at = out.len() as u32;
        let name_length = (member.name.len() as u16).to_le_bytes();
        // What stands in a local header is not looked at: writers that stream leave zeros there.
        out.extend_from_slice(b"PK\x03\x04\x14\0");
        out.extend_from_slice(&(member.flags | 8).to_le_bytes());
        out.extend_from_slice(&[0; 18]);
        out.extend_from_slice(&name_length);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&member.name);
        out.extend_from_slice(&member.data);
        out.extend_from_slice(b"PK\x07\x08descriptor12");
        central.extend_from_slice(b"PK\x01\x02\x14");
        central.push(member.host);
        central.extend_from_slice(b"\x14\0");
        central.extend_from_slice(&member.flags.to_le_bytes());
        central.extend_from_slice(&member.method.to_le_bytes());
        central.extend_from_slice(&[0; 4]);
        for number in [member.crc, member.data.len() as u32, member.size as u32] {
            central.extend_from_slice(&number.to_le_bytes());
        }
        central.extend_from_slice(&name_length);
        central.extend_from_slice(&(member.extra.len() as u16).to_le_bytes());
        central.extend_from_slice(&[0; 6]);
        central.extend_from_slice(&member.attributes.to_le_bytes());
        central.extend_from_slice(&at.to_le_bytes());
        central.extend_from_slice(&member.name);
        central.extend_from_slice(&member.extra);
    }
    let directory = out.len();
    out.extend_from_slice(&central);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&[(members.len() as u16).to_le_bytes(); 2].concat());
    out.extend_from_slice(&(central.len() as u32).to_le_bytes());
    out.extend_from_slice(&(directory as u32).to_le_bytes());
    out.extend_from_slice(b"\x07\0comment");
    (out, directory)
}

pub(in crate::corpus) fn zip(members: &[Zipped]) -> Vec<u8> {
    zip_of(members).0
}

pub(in crate::corpus) fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = ::tar::Builder::new(Vec::new());
    for (name, text) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *text).unwrap();
    }
    tar.into_inner().unwrap()
}
