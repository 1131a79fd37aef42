//! Pickles: what one would import if it were loaded. Nothing is: the opcodes are read, and of the stack only the strings are kept that may
//! become names.
//!
//! The format is that of the module `pickle` of Python, protocols 0 to 5. What stands in front of a fault is told with it: a loader carries it out
//! before it comes to the fault.

use std::collections::BTreeMap;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::bytes::{Bytes, Cursor, Fault, Looked, head};

/// Values that stand on the stack, or in the memo, at most.
const HELD_MAX: usize = 1 << 20;
/// Bytes of a string that may be a name.
const NAME_MAX: usize = 128;
/// Different names that are told.
const GLOBALS_MAX: usize = 4096;
/// Pickles that follow each other in one file.
const PICKLES_MAX: usize = 64;

/// What a name is called that is computed while loading.
pub const COMPUTED: &str = "(computed)";

/// What was read of the pickles of a file.
#[derive(Debug, Default)]
pub struct Pickle {
    /// `module.name` of everything that is imported, with the byte at which it is first.
    pub globals: BTreeMap<String, u64>,
    /// Opcodes that call something, or set what an object is made of.
    pub calls: u64,
    /// Pickles that came to their end.
    pub whole: usize,
    /// The byte behind the last of them.
    pub end: u64,
    /// What the reading ended with before the end.
    pub fault: Option<Fault>,
}

impl Pickle {
    /// Is this a pickle that does something, whatever its first bytes are? It imports what has a name that can be one.
    pub fn is_telling(&self) -> bool {
        let is_name = |global: &String| global == COMPUTED || global.split('.').count() > 1 && name(global.as_bytes()).is_some();
        (self.calls > 0 || self.whole > 0) && self.globals.keys().any(is_name)
    }

    /// Was there more than is looked at, or what could not be read?
    pub fn is_cut(&self) -> bool {
        matches!(self.fault, Some(Fault::Beyond { .. } | Fault::Unread(_)))
    }
}

/// Does a pickle of protocol 2 or later begin so? Those before have no mark of their own.
pub fn begins(head: &[u8]) -> bool {
    matches!(head, [0x80, 2..=5, ..])
}

/// Reads the pickles that follow each other from a byte on. Loaders that read several take each of them, whatever its protocol.
pub fn scan(bytes: &dyn Bytes, start: u64) -> Pickle {
    let mut all = one(bytes, start);
    while all.fault.is_none() && all.end < bytes.size() {
        let next = one(bytes, all.end);
        let is_marked = head(bytes, all.end, 2).is_ok_and(|first| begins(&first));
        // Behind the last pickle stands whatever it speaks of: raw numbers, another file.
        if !(is_marked || next.is_telling() || next.is_cut()) {
            break;
        }
        if all.whole >= PICKLES_MAX {
            all.fault = Some(Fault::beyond(all.end, format!("more than {PICKLES_MAX} pickles, one behind the other")));
            break;
        }
        all.calls += next.calls;
        all.whole += next.whole;
        all.end = next.end;
        all.fault = next.fault;
        for (global, at) in next.globals {
            all.globals.entry(global).or_insert(at);
        }
    }
    all
}

/// Reads one pickle.
fn one(bytes: &dyn Bytes, start: u64) -> Pickle {
    let mut found = Pickle { end: start, ..Pickle::default() };
    let mut machine = Machine { cursor: Cursor::new(bytes, start), stack: Vec::new(), memo: FxHashMap::default(), found: &mut found };
    let fault = machine.run().err();
    let end = machine.cursor.at();
    if fault.is_none() {
        (found.whole, found.end) = (1, end);
    }
    found.fault = fault;
    found
}

/// A value, as far as it matters.
#[derive(Clone)]
enum Item {
    Mark,
    Name(Rc<str>),
    Other,
}

struct Machine<'a, 'f> {
    cursor: Cursor<'a>,
    stack: Vec<Item>,
    memo: FxHashMap<u32, Item>,
    found: &'f mut Pickle,
}

impl Machine<'_, '_> {
    fn run(&mut self) -> Looked<()> {
        loop {
            let at = self.cursor.at();
            let opcode = self.cursor.u8()?;
            if opcode == b'.' {
                return self.pop(1, at);
            }
            let known = self.constant(opcode)? || self.shape(opcode, at)? || self.memo(opcode, at)? || self.import(opcode, at)?;
            if !known {
                return Err(Fault::broken(at, format!("{opcode:#04x} is no opcode of a pickle")));
            }
            if self.stack.len() > HELD_MAX || self.memo.len() > HELD_MAX {
                return Err(Fault::beyond(at, format!("more than {HELD_MAX} values at a time")));
            }
        }
    }

    /// Opcodes that push a value which stands behind them.
    fn constant(&mut self, opcode: u8) -> Looked<bool> {
        let cursor = &mut self.cursor;
        match opcode {
            b'N' | 0x88 | 0x89 | b'}' | b']' | b')' | 0x8f | 0x97 => {}
            b'F' | b'I' | b'L' | b'P' => drop(cursor.line(0)?),
            b'K' => cursor.skip(1)?,
            b'M' => cursor.skip(2)?,
            b'J' => cursor.skip(4)?,
            b'G' => cursor.skip(8)?,
            0x8a | b'C' => {
                let length = cursor.u8()?;
                cursor.skip(length.into())?;
            }
            0x8b | b'B' => {
                let length = cursor.u32()?;
                cursor.skip(length.into())?;
            }
            0x8e | 0x96 => {
                let length = cursor.u64()?;
                cursor.skip(length)?;
            }
            b'U' | 0x8c => {
                let length = cursor.u8()?;
                return self.text(length.into());
            }
            b'T' | b'X' => {
                let length = cursor.u32()?;
                return self.text(length.into());
            }
            0x8d => {
                let length = cursor.u64()?;
                return self.text(length);
            }
            b'S' | b'V' => {
                let (line, length) = cursor.line(NAME_MAX + 2)?;
                let quoted = |line: &[u8]| line.len() >= 2 && line[0] == line[line.len() - 1] && matches!(line[0], b'\'' | b'"');
                let line = line.trim_ascii_end();
                let inside = if opcode == b'S' && quoted(line) { &line[1..line.len() - 1] } else { line };
                let is_whole = length <= NAME_MAX as u64 + 2;
                let item = name(inside).filter(|_| is_whole).map_or(Item::Other, |name| Item::Name(name.into()));
                self.stack.push(item);
                return Ok(true);
            }
            _ => return Ok(false),
        }
        self.stack.push(Item::Other);
        Ok(true)
    }

    /// A string of so many bytes.
    fn text(&mut self, length: u64) -> Looked<bool> {
        let item = if length <= NAME_MAX as u64 {
            let bytes = self.cursor.take(length, NAME_MAX as u64)?;
            name(&bytes).map_or(Item::Other, |name| Item::Name(name.into()))
        } else {
            self.cursor.skip(length)?;
            Item::Other
        };
        self.stack.push(item);
        Ok(true)
    }

    /// Opcodes that make one value of others.
    fn shape(&mut self, opcode: u8, at: u64) -> Looked<bool> {
        match opcode {
            b'(' => self.stack.push(Item::Mark),
            b'0' | b'a' => self.pop(1, at)?,
            b's' => self.pop(2, at)?,
            b'1' | b'e' | b'u' | 0x90 => self.pop_to_mark(at)?,
            b'2' => {
                let top = self.stack.last().cloned().ok_or_else(|| Fault::broken(at, "nothing is on the stack"))?;
                self.stack.push(top);
            }
            b'd' | b'l' | b't' | 0x91 => {
                self.pop_to_mark(at)?;
                self.stack.push(Item::Other);
            }
            0x85..=0x87 => {
                self.pop(usize::from(opcode - 0x84), at)?;
                self.stack.push(Item::Other);
            }
            b'Q' => {
                self.pop(1, at)?;
                self.stack.push(Item::Other);
            }
            b'b' => {
                self.pop(1, at)?;
                self.found.calls += 1;
            }
            b'R' | 0x81 | 0x92 => {
                self.pop(if opcode == 0x92 { 3 } else { 2 }, at)?;
                self.found.calls += 1;
                self.stack.push(Item::Other);
            }
            0x80 => {
                let protocol = self.cursor.u8()?;
                if protocol > 5 {
                    return Err(Fault::broken(at, format!("protocol {protocol}, which nobody reads")));
                }
            }
            0x95 => self.cursor.skip(8)?,
            0x98 => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Opcodes of the memo.
    fn memo(&mut self, opcode: u8, at: u64) -> Looked<bool> {
        let number = |line: &[u8]| std::str::from_utf8(line).ok().and_then(|digits| digits.trim().parse().ok());
        let wrong = || Fault::broken(at, "no number of the memo");
        let key: u32 = match opcode {
            b'g' | b'p' => number(&self.cursor.line(64)?.0).ok_or_else(wrong)?,
            b'h' | b'q' => self.cursor.u8()?.into(),
            b'j' | b'r' => self.cursor.u32()?,
            0x94 => self.memo.len() as u32,
            _ => return Ok(false),
        };
        if matches!(opcode, b'g' | b'h' | b'j') {
            let item = self.memo.get(&key).cloned().ok_or_else(|| Fault::broken(at, "nothing has this number in the memo"))?;
            self.stack.push(item);
        } else {
            let top = self.stack.last().cloned().ok_or_else(|| Fault::broken(at, "nothing is on the stack"))?;
            self.memo.insert(key, top);
        }
        Ok(true)
    }

    /// Opcodes that import something.
    fn import(&mut self, opcode: u8, at: u64) -> Looked<bool> {
        match opcode {
            b'c' | b'i' => {
                let [(module, one), (name, other)] = [self.cursor.line(NAME_MAX)?, self.cursor.line(NAME_MAX)?];
                let [module, name] = [&module, &name].map(|line| crate::quarantine::escape(&String::from_utf8_lossy(line), NAME_MAX));
                let is_whole = one.max(other) <= NAME_MAX as u64;
                self.global(if is_whole { format!("{module}.{name}") } else { COMPUTED.to_owned() }, at)?;
                if opcode == b'i' {
                    self.pop_to_mark(at)?;
                    self.found.calls += 1;
                }
            }
            0x93 => {
                let wanted = self.stack.len().checked_sub(2).map(|from| self.stack.split_off(from));
                match wanted.as_deref() {
                    Some([Item::Name(module), Item::Name(name)]) => self.global(format!("{module}.{name}"), at)?,
                    Some(_) => self.global(COMPUTED.to_owned(), at)?,
                    None => return Err(Fault::broken(at, "nothing is on the stack")),
                }
            }
            0x82..=0x84 => {
                let code = match opcode {
                    0x82 => self.cursor.u8()?.into(),
                    0x83 => self.cursor.u16()?.into(),
                    _ => self.cursor.u32()?,
                };
                self.global(format!("copyreg.extension[{code}]"), at)?;
            }
            b'o' => {
                self.pop_to_mark(at)?;
                self.found.calls += 1;
            }
            _ => return Ok(false),
        }
        self.stack.push(Item::Other);
        Ok(true)
    }

    fn global(&mut self, name: String, at: u64) -> Looked<()> {
        if self.found.globals.len() >= GLOBALS_MAX {
            return Err(Fault::beyond(at, format!("more than {GLOBALS_MAX} different imports")));
        }
        self.found.globals.entry(name).or_insert(at);
        Ok(())
    }

    fn pop(&mut self, n: usize, at: u64) -> Looked<()> {
        let rest = self.stack.len().checked_sub(n).ok_or_else(|| Fault::broken(at, "fewer values are on the stack than it takes"))?;
        self.stack.truncate(rest);
        Ok(())
    }

    fn pop_to_mark(&mut self, at: u64) -> Looked<()> {
        let mark = self.stack.iter().rposition(|item| matches!(item, Item::Mark));
        self.stack.truncate(mark.ok_or_else(|| Fault::broken(at, "no mark is on the stack"))?);
        Ok(())
    }
}

/// A string that may be a name: of letters, digits and what else stands in qualified names.
fn name(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.len() <= NAME_MAX && text.chars().all(|c| c.is_alphanumeric() || "_.<>[]-".contains(c))).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn globals(bytes: &[u8]) -> (Vec<String>, Pickle) {
        let found = scan(&bytes, 0);
        (found.globals.keys().cloned().collect(), found)
    }

    #[test]
    fn what_would_be_imported_is_named() {
        let cases: [(&[u8], &str); 10] = [
            (b"cos\nsystem\n(S'echo'\ntR.", "os.system"),
            (b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00echoq\x01\x85q\x02Rq\x03.", "posix.system"),
            (
                b"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04echo\x94\x85\x94R\x94.",
                "posix.system",
            ),
            // By the memo, which hides the names from whoever looks at the last two strings.
            (b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x8c\x01a\x8c\x01bh\x00h\x01\x93)R.", "posix.system"),
            (b"\x80\x04\x8c\x07runpy.x\x8c\x01y2\x8c\x01z0\x93)R.", "y.y"),
            (b"(S'echo'\nios\nsystem\n.", "os.system"),
            (b"(cos\nsystem\nS'echo'\no.", "os.system"),
            // Computed: of a string that is no name, or none at all.
            (b"\x80\x04\x8c\x02o\x5c\x8c\x06system\x93)R.", COMPUTED),
            (b"\x80\x04NN\x93)R.", COMPUTED),
            (b"\x80\x02\x82\x07)R.", "copyreg.extension[7]"),
        ];
        for (bytes, wanted) in cases {
            let (names, found) = globals(bytes);
            assert!(names.contains(&wanted.to_owned()), "{wanted}: {names:?}");
            assert!(
                found.is_telling() && found.fault.is_none() && found.whole == 1 && found.end == bytes.len() as u64,
                "{wanted}: {found:?}"
            );
        }
    }

    #[test]
    fn what_stands_before_a_fault_is_told() {
        for rest in [&b""[..], b"\xff", b"X\xff\xff\xff\xff", b"u.", b"h\x09."] {
            let bytes = [&b"\x80\x02cos\nsystem\nU\x04echo\x85R"[..], rest].concat();
            let (names, found) = globals(&bytes);
            assert!(names == ["os.system"] && found.fault.is_some() && found.is_telling(), "{rest:?}: {found:?}");
        }
        // One behind the other, of any protocol; what is behind them is none.
        for second in [&b"\x80\x02cos\nsystem\n."[..], b"cos\nsystem\n(tR."] {
            let (names, found) = globals(&[b"\x80\x02K\x01.", second, b"raw bytes of an array"].concat());
            assert!(names == ["os.system"] && found.whole == 2 && found.fault.is_none(), "{found:?}");
        }
        // Behind more values than are held, nobody says that there is nothing.
        let many = [vec![b'N'; HELD_MAX + 2], b"cos\nsystem\n)R.".to_vec()].concat();
        assert!(scan(&many, 0).is_cut());
        let long = format!("I{}\ncos\nsystem\n(tR.", "1".repeat(3 << 20));
        assert!(scan(&long.as_bytes(), 0).is_telling());
    }

    #[test]
    fn texts_are_no_pickles() {
        for text in ["", "吾輩は猫である。\n", "{\"text\": \"a\"}\n", "cats\ndogs\nmice\n", "I like it.\n", "<html>", "1\n2\n.", "(a)\n"]
        {
            assert!(!scan(&text.as_bytes(), 0).is_telling(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let found = scan(&bytes, 0);
            prop_assert!(found.end <= bytes.len() as u64 && (found.fault.is_some() || found.whole > 0));
        }

        #[test]
        fn a_pickle_that_is_cut_or_changed_is_answered(cut in 0_usize..60, at in 0_usize..60, by: u8) {
            let mut bytes = b"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94(\x8c\x04echo\x94t\x94R\x94}(X\x01\x00\x00\x00aK\x01u.".to_vec();
            bytes.truncate(cut);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= by;
            }
            let found = scan(&bytes, 0);
            prop_assert!(found.end <= bytes.len() as u64 && (found.fault.is_some() || found.whole > 0));
        }
    }
}
