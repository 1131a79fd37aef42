//! What an engine is: one per dictionary, shared; a worker of its own for each thread.

use crate::segment::morphemes::MorphemeBuffer;

/// An engine over one opened dictionary, shared by all threads.
pub trait Segmenter: Send + Sync {
    /// Enters fingerprints.
    fn version(&self) -> u32;
    /// The scratch of one thread.
    fn worker(&self) -> Box<dyn SegmentWorker + '_>;
}

/// An engine at work in one thread.
pub trait SegmentWorker {
    /// Analyses one line, given without its LF, and appends its pieces; they tile the line, whitespace the analyser
    /// skipped included. Byte ends are relative to `base`, the line's start in the document. An empty line adds nothing.
    fn segment_line(&mut self, line: &str, base: u32, out: &mut MorphemeBuffer);
}

/// Analyses a whole document: its lines, and a gap piece for each line break.
pub fn segment_document(worker: &mut dyn SegmentWorker, text: &str, out: &mut MorphemeBuffer) {
    let mut base = 0;
    for line in text.split_inclusive('\n') {
        let body = line.strip_suffix('\n').unwrap_or(line);
        if !body.is_empty() {
            worker.segment_line(body, base as u32, out);
        }
        base += line.len();
        if body.len() < line.len() {
            out.push_gap(base as u32);
        }
    }
}
