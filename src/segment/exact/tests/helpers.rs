//! Engines over a dictionary that is a value, and their analyses.

use crate::segment::exact::{Exact, HotList, compile};
use crate::segment::source::RawDictionary;
use crate::segment::{MorphemeBuffer, SegmentWorker};

/// An engine whose blocks cover every surface of `raw` that has homographs, or none.
pub(crate) fn engine(raw: &RawDictionary, blocks: bool) -> Exact {
    let rows: Vec<String> = raw.entries.iter().enumerate().map(|(n, entry)| format!("{}\t{}", entry.surface, 1 + n % 7)).collect();
    let list = rows.join("\n");
    let hot = if blocks { HotList::parse(&list) } else { HotList::default() };
    Exact::from_bytes(compile(raw, &hot).unwrap(), raw.entries.len(), raw.pos_table.tuples.len()).unwrap()
}

/// The analysis of a line, which must not depend on the machine's instructions.
pub(crate) fn analyse(engine: &Exact, line: &str) -> MorphemeBuffer {
    let mut morphemes = MorphemeBuffer::default();
    engine.worker().segment_line(line, 0, &mut morphemes);
    let mut plain = MorphemeBuffer::default();
    engine.portable_worker().segment_line(line, 0, &mut plain);
    assert_eq!(morphemes, plain);
    morphemes
}

/// The analysis as MeCab prints it.
pub(crate) fn mecab_format(raw: &RawDictionary, engine: &Exact, lines: &str) -> String {
    let mut out = String::new();
    for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
        let morphemes = analyse(engine, line);
        let mut start = 0;
        for ((&end, &pos), &word) in morphemes.ends.iter().zip(&morphemes.pos).zip(&morphemes.word) {
            let surface = line.get(start..end as usize).unwrap();
            start = end as usize;
            if pos == 0 {
                continue;
            }
            let row = raw.pos_of_unknown.iter().position(|&id| id == pos);
            let feature = raw.entries.get(word as usize).map_or_else(|| &raw.unknown[row.unwrap()].feature, |entry| &entry.feature);
            out.extend([surface, "\t", feature, "\n"]);
        }
        out.push_str("EOS\n");
    }
    out
}
