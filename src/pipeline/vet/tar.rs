//! Tar: one header behind the other, each with its content. Names of GNU and of POSIX (`path=`) that are longer than a header has room for are read.

use super::bytes::{Bytes, Fault, Looked, head};

const BLOCK: u64 = 512;
/// Bytes of a long name, or of a header with fields.
const NAME_MAX: u64 = 1 << 20;
/// Members that are looked at.
const MEMBERS_MAX: usize = 1 << 20;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, as text.
    pub name: String,
    /// Where a link leads.
    pub link: Option<String>,
    /// Something else than a file, a directory or a link?
    pub is_special: bool,
    /// Its first byte.
    pub data: u64,
    /// Its bytes.
    pub size: u64,
}

/// Does a file begin so?
pub fn begins(block: &[u8]) -> bool {
    let Some(block) = block.get(..BLOCK as usize) else { return false };
    block[..100].iter().any(|byte| *byte != 0) && sum_holds(block)
}

fn sum_holds(block: &[u8]) -> bool {
    let sum: u64 = block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    number(&block[148..156]) == Some(sum)
}

/// Reads the headers of an archive.
///
/// # Errors
/// It is cut or damaged; a reader would have unpacked what stands before, which is given with the fault.
pub fn read(bytes: &dyn Bytes) -> (Vec<Member>, Option<Fault>) {
    let mut members = Vec::new();
    let fault = walk(bytes, &mut members).err();
    (members, fault)
}

fn walk(bytes: &dyn Bytes, members: &mut Vec<Member>) -> Looked<()> {
    let (mut at, mut long_name, mut long_link) = (0, None, None);
    loop {
        let block = head(bytes, at, BLOCK as usize)?;
        // Two empty blocks end it; so does the end, for readers.
        if block.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        if block.len() < BLOCK as usize || !sum_holds(&block) {
            return Err(Fault::broken(at, "no header of a tar"));
        }
        let size = number(&block[124..136]).ok_or_else(|| Fault::broken(at + 124, "no size"))?;
        let data = at + BLOCK;
        let kind = block[156];
        // Links, directories and devices have no content, whatever their size says.
        let held = if matches!(kind, b'1'..=b'6') { 0 } else { size };
        let next = data.checked_add(held).and_then(|behind| behind.checked_next_multiple_of(BLOCK));
        let Some(next) = next.filter(|_| data.saturating_add(held) <= bytes.size()) else {
            return Err(Fault::broken(at, format!("{held} bytes are declared and {} are there", bytes.size().saturating_sub(data))));
        };
        match kind {
            b'L' | b'K' | b'x' | b'g' => {
                if size > NAME_MAX {
                    return Err(Fault::beyond(at, format!("a name of {size} bytes, and {NAME_MAX} are read")));
                }
                let held = head(bytes, data, size as usize)?;
                match kind {
                    b'L' => long_name = Some(text(&held)),
                    b'K' => long_link = Some(text(&held)),
                    _ => {
                        long_name = field(&held, "path").or(long_name);
                        long_link = field(&held, "linkpath").or(long_link);
                    }
                }
            }
            _ => {
                let link = matches!(kind, b'1' | b'2').then(|| long_link.take().unwrap_or_else(|| text(&block[157..257])));
                let name = long_name.take().unwrap_or_else(|| short_name(&block));
                let is_special = matches!(kind, b'3' | b'4' | b'6');
                members.push(Member { name, link, is_special, data, size: held });
                (long_name, long_link) = (None, None);
                if members.len() > MEMBERS_MAX {
                    return Err(Fault::beyond(at, format!("more than {MEMBERS_MAX} members")));
                }
            }
        }
        at = next;
    }
}

/// The name of a header, with what stands in front of it.
fn short_name(block: &[u8]) -> String {
    let name = text(&block[..100]);
    if !block[257..].starts_with(b"ustar\0") || block[345] == 0 {
        return name;
    }
    format!("{}/{name}", text(&block[345..500]))
}

/// Up to the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A field of a header of POSIX: lines of `LENGTH KEY=VALUE`. The last holds.
fn field(held: &[u8], wanted: &str) -> Option<String> {
    let (mut rest, mut found) = (held, None);
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
        let line = rest.get(space + 1..length.checked_sub(1)?)?;
        let equals = line.iter().position(|byte| *byte == b'=')?;
        if &line[..equals] == wanted.as_bytes() {
            found = Some(String::from_utf8_lossy(&line[equals + 1..]).into_owned());
        }
        rest = rest.get(length..)?;
    }
    found
}

/// A number of digits to the base eight, or of bytes where the first bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let bytes = field.iter().enumerate().map(|(at, byte)| if at == 0 { byte & 0x7f } else { *byte });
        return bytes.into_iter().try_fold(0_u64, |all, byte| Some(all.checked_mul(256)? + u64::from(byte)));
    }
    let digits = field.iter().skip_while(|byte| **byte == b' ').take_while(|byte| byte.is_ascii_digit());
    let mut any = false;
    let all = digits.into_iter().try_fold(0_u64, |all, digit| {
        any = true;
        (*digit < b'8').then(|| all.checked_mul(8)?.checked_add(u64::from(digit - b'0')))?
    });
    all.filter(|_| any || field.iter().all(|byte| matches!(byte, 0 | b' ')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(name: &str, kind: u8, size: usize, link: &str) -> Vec<u8> {
        let mut block = vec![0; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        block[156] = kind;
        block[157..157 + link.len()].copy_from_slice(link.as_bytes());
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        block
    }

    fn file(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut out = [header(name, kind, content.len(), ""), content.to_vec()].concat();
        out.resize(out.len().next_multiple_of(512), 0);
        out
    }

    #[test]
    fn names_of_every_kind_are_read() {
        let long = "d/".repeat(100);
        let pax = "31 path=../of a field, far out\n";
        let archive = [
            file("a.txt", b'0', b"one"),
            file("././@LongLink", b'L', format!("{long}\0").as_bytes()),
            file("short", b'0', b"two"),
            file("x", b'x', pax.as_bytes()),
            file("inside", b'0', b""),
            header("link", b'2', 0, "/etc/passwd"),
            header("pipe", b'6', 0, ""),
            vec![0; 1024],
        ]
        .concat();
        assert!(begins(&archive));
        let (members, fault) = read(&archive);
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        assert!(fault.is_none(), "{fault:?}");
        assert_eq!(names, ["a.txt", &long, "../of a field, far out", "link", "pipe"]);
        assert!(
            members[3].link.as_deref() == Some("/etc/passwd")
                && members[4].is_special
                && head(&archive, members[0].data, 3).unwrap() == b"one"
        );
        let (members, fault) = read(&archive[..700].to_vec());
        assert!(members.len() == 1 && matches!(fault, Some(Fault::Broken { offset: 1024, .. }) | None), "{members:?} {fault:?}");
        let (members, fault) = read(&[file("a", b'0', b"one"), header("b", b'0', 99_999, "")].concat());
        assert!(members.len() == 1 && matches!(fault, Some(Fault::Broken { offset: 1024, .. })));
    }

    proptest! {
        #[test]
        fn what_is_cut_or_changed_is_answered(cut in 0_usize..2048, at in 0_usize..2048, by: u8) {
            let mut bytes = [file("x", b'x', b"13 path=../o\n"), file("a", b'0', b"one")].concat();
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= by;
            }
            let _ = read(&bytes);
        }
    }
}
