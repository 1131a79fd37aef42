//! Text as blocks of whole lines: what threads analyse side by side, in memory that does not grow with the text.

use std::io::{BufRead, ErrorKind, Read};

/// Text of a block, about.
pub const BLOCK_BYTES: usize = 1 << 20;
/// A line is analysed whole up to this size (the record limit of a plan); the rest of a longer one is analysed by itself.
pub const LINE_MAX: u64 = 16 << 20;

/// Some lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The lines, each with its line feed (the last of a text may have none).
    pub text: Vec<u8>,
    /// Does the last line go on in the next block? Only if it is longer than [`LINE_MAX`].
    pub continues: bool,
}

/// Reads blocks.
#[derive(Debug)]
pub struct BlockReader<R> {
    reader: R,
    /// For a live input: can more be read without waiting?
    more_is_waiting: Option<fn() -> bool>,
    /// Nothing more was waiting.
    drained: bool,
    /// The first bytes of a character that the end of a block would have cut.
    held: Vec<u8>,
    /// Why the text ended before its end.
    stopped: Option<std::io::Error>,
}

impl<R: BufRead> BlockReader<R> {
    /// Reads a file or anything else that is read as fast as it can be.
    pub fn new(reader: R) -> Self {
        Self { reader, more_is_waiting: None, drained: false, held: Vec::new(), stopped: None }
    }

    /// Reads an input that comes in slowly, such as a terminal: whole lines are given out as soon as `more_is_waiting` says
    /// that the next read would wait.
    pub fn live(reader: R, more_is_waiting: fn() -> bool) -> Self {
        Self { more_is_waiting: Some(more_is_waiting), ..Self::new(reader) }
    }

    /// Is this a live input?
    pub fn is_live(&self) -> bool {
        self.more_is_waiting.is_some()
    }

    /// Why the text ended before its end, if it did.
    pub fn into_error(self) -> Option<std::io::Error> {
        self.stopped
    }

    /// At most `most` blocks, and not many more bytes than so many blocks hold; none at the end.
    pub fn next_blocks(&mut self, most: usize) -> Vec<Block> {
        let (mut blocks, mut bytes) = (Vec::new(), 0);
        self.drained = false;
        while blocks.len() < most && bytes < most * BLOCK_BYTES && !self.drained {
            let block = self.next_block();
            if block.text.is_empty() {
                break;
            }
            bytes += block.text.len();
            blocks.push(block);
        }
        blocks
    }

    /// Whole lines of about a block's size; empty at the end.
    fn next_block(&mut self) -> Block {
        let mut text = std::mem::take(&mut self.held);
        if self.stopped.is_some() {
            return Block { text, continues: false };
        }
        text.reserve(BLOCK_BYTES + 4096);
        self.stopped = self.read_some(&mut text).err();
        let before = text.len();
        if self.stopped.is_none() && !text.is_empty() && !text.ends_with(b"\n") {
            self.stopped = (&mut self.reader).take(LINE_MAX).read_until(b'\n', &mut text).err();
        }
        let continues = (text.len() - before) as u64 == LINE_MAX && !text.ends_with(b"\n");
        if continues {
            self.held = text.split_off(last_character(&text));
        }
        Block { text, continues }
    }

    /// About a block's size, or less if it ends with a line and nothing more is waiting.
    fn read_some(&mut self, text: &mut Vec<u8>) -> std::io::Result<()> {
        let most = text.len() + BLOCK_BYTES;
        while text.len() < most && !self.drained {
            let found = match self.reader.fill_buf() {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                found => found?,
            };
            if found.is_empty() {
                break;
            }
            let length = found.len().min(most - text.len());
            text.extend_from_slice(&found[..length]);
            self.reader.consume(length);
            self.drained = text.ends_with(b"\n") && self.more_is_waiting.is_some_and(|more_is_waiting| !more_is_waiting());
        }
        Ok(())
    }
}

/// Where the last character starts, so that none is cut in two; the end where no character starts nearby.
fn last_character(text: &[u8]) -> usize {
    let tail = text.len().saturating_sub(4);
    text[tail..].iter().rposition(|byte| byte & 0xc0 != 0x80).map_or(text.len(), |at| tail + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_every_byte_and_cut_no_character() {
        let long = "あ".repeat((LINE_MAX as usize * 5 / 2) / 3);
        let text = format!("短い\n\n{long}\n{}末", "行\n".repeat(BLOCK_BYTES / 2));
        let mut reader = BlockReader::new(std::io::Cursor::new(text.clone().into_bytes()));
        let (mut all, mut continued) = (Vec::new(), 0);
        loop {
            let blocks = reader.next_blocks(4);
            if blocks.is_empty() {
                break;
            }
            for block in blocks {
                assert!(std::str::from_utf8(&block.text).is_ok() && block.text.len() <= LINE_MAX as usize + BLOCK_BYTES + 4);
                assert!(block.continues || block.text.ends_with(b"\n") || block.text.ends_with("末".as_bytes()));
                continued += usize::from(block.continues);
                all.extend(block.text);
            }
        }
        assert!(reader.into_error().is_none() && all == text.as_bytes());
        assert_eq!(continued, 2);
    }

    #[test]
    fn a_live_input_gives_a_line_when_the_next_would_be_waited_for() {
        // Each buffer of the reader is one line.
        let reader = std::io::BufReader::with_capacity(2, &b"a\nb\nc\n"[..]);
        let mut reader = BlockReader::live(reader, || false);
        let text = |blocks: Vec<Block>| blocks.into_iter().flat_map(|block| block.text).collect::<Vec<u8>>();
        assert_eq!([text(reader.next_blocks(9)), text(reader.next_blocks(9))], [b"a\n", b"b\n"]);
        assert!(reader.is_live());
    }
}
