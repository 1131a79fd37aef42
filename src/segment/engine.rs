//! The traits of an engine: one value for a dictionary, shared by all threads, and a worker for each thread.

use crate::segment::morphemes::MorphemeBuffer;

/// An engine over one opened dictionary, shared by all threads.
pub trait Segmenter: Send + Sync {
    /// Enters fingerprints.
    fn version(&self) -> u32;
    /// A worker for one thread.
    fn worker(&self) -> Box<dyn SegmentWorker + '_>;
}

/// An engine at work in one thread.
pub trait SegmentWorker {
    /// Analyses one line, given without its line feed, and appends its morphemes. They tile the line: white space that the analyser
    /// skips is a gap. `base`, the byte of the document at which the line starts, is added to byte ends. An empty line adds nothing.
    fn segment_line(&mut self, line: &str, base: u32, out: &mut MorphemeBuffer);
}

/// Analyses a whole document: its lines, and a gap for each line break.
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
