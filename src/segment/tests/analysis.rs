//! The engine `lindera`, documents and the stage.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use proptest::prelude::*;

use super::tiny::{engine, mecab_format, text};
use crate::schema;
use crate::segment::dictionary::Dictionary;
use crate::segment::{MorphemeBuffer, Segment, Segmenter, lindera, segment_document};
use crate::stage::{self, Stage};

#[test]
fn lindera_is_near_mecab() {
    let (_temporary, dictionary, engine) = engine();
    let ours = mecab_format(&dictionary, &engine, &text("golden.txt"));
    let golden = text("golden.mecab");
    let (ours, golden): (Vec<_>, Vec<_>) = (ours.split("EOS\n").collect(), golden.split("EOS\n").collect());
    assert_eq!(ours.len(), golden.len());
    let same = ours.iter().zip(&golden).filter(|(a, b)| a == b).count();
    assert!(same * 100 >= golden.len() * 70, "{same} of {} lines", golden.len());
    // What the crate's own builder gets wrong and ours does not.
    let one = |line: &str| {
        mecab_format(&dictionary, &engine, line).lines().map(|l| l.split('\t').next().unwrap_or("").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(one("（東京）　都"), ["（", "東京", "）", "　", "都", "EOS"]);
    assert_eq!(one("ローマ　の"), ["ローマ　", "の", "EOS"]);
}

#[test]
fn morphemes_tile_and_batches_do_not_matter() {
    let (_temporary, _, engine) = engine();
    let stage = Segment::new(Arc::new(engine));
    let texts =
        vec![text("golden.txt"), String::new(), "\n\n".into(), " 東京 \n\n都\r\n".into(), "a\0b\u{FFFF}😀".into(), "あ".repeat(40_000)];
    let whole = columns(&stage, &texts);
    let single: Vec<_> = texts.iter().flat_map(|text| columns(&stage, std::slice::from_ref(text))).collect();
    assert_eq!(whole, single);
    for (text, morphemes) in texts.iter().zip(&whole) {
        assert_eq!(morphemes.ends.last().map_or(0, |&end| end as usize), text.len());
        let mut start = 0;
        for (&end, &pos) in morphemes.ends.iter().zip(&morphemes.pos) {
            let surface = text.get(start..end as usize).unwrap();
            assert!(!surface.is_empty());
            assert!(surface != "\n" || pos == 0);
            start = end as usize;
        }
    }
}

fn columns(stage: &Segment, texts: &[String]) -> Vec<MorphemeBuffer> {
    let schema = arrow::datatypes::Schema::new(vec![schema::TEXT.field()]);
    let batch = stage::Batch::try_new(Arc::new(schema), vec![Arc::new(StringArray::from(texts.to_vec()))]).unwrap();
    let mut worker = stage.worker();
    let batch = worker.apply(batch).unwrap();
    let counts = worker.take_counts();
    let lists = [&schema::MORPHEME_ENDS, &schema::MORPHEME_POS, &schema::MORPHEME_WORD].map(|column| stage::lists(&batch, column).unwrap());
    let rows: Vec<_> = (0..lists[0].len())
        .map(|row| MorphemeBuffer {
            ends: stage::list_slice::<arrow::datatypes::UInt32Type>(lists[0], row).to_vec(),
            pos: stage::list_slice::<arrow::datatypes::UInt16Type>(lists[1], row).to_vec(),
            word: stage::list_slice::<arrow::datatypes::UInt32Type>(lists[2], row).to_vec(),
        })
        .collect();
    let morphemes = rows.iter().flat_map(|row| &row.pos).filter(|&&pos| pos != 0).count() as u64;
    assert_eq!(counts.get("morphemes"), Some(&morphemes));
    rows
}

#[test]
fn lindera_opens_the_directory_itself() {
    let (_temporary, dictionary, ours) = engine();
    let inner = lindera_dictionary::dictionary::Dictionary::load_from_path(dictionary.dir()).unwrap();
    let theirs = ::lindera::segmenter::Segmenter::new(::lindera::mode::Mode::Normal, inner, None).max_grouping_len(Some(24));
    let (mut ours, mut theirs) = (ours.worker(), theirs.new_worker());
    for line in text("golden.txt").lines() {
        let mut morphemes = MorphemeBuffer::default();
        ours.segment_line(line, 0, &mut morphemes);
        let tokens: Vec<_> = theirs.segment(line).unwrap().iter().map(|t| (t.byte_end as u32, t.word_id.is_unknown())).collect();
        let morphemes: Vec<_> = (0..morphemes.ends.len())
            .filter(|&i| morphemes.pos[i] != 0)
            .map(|i| (morphemes.ends[i], morphemes.word[i] == crate::morpheme::NO_WORD))
            .collect();
        assert_eq!(morphemes, tokens, "{line}");
    }
}

#[test]
fn documents_are_lines_and_line_breaks_are_gaps() {
    let (_temporary, _, engine) = engine();
    let mut morphemes = MorphemeBuffer::default();
    segment_document(engine.worker().as_mut(), "東京\n\n 都", &mut morphemes);
    assert_eq!(morphemes.ends, [6, 7, 8, 9, 12]);
    assert_eq!(morphemes.pos.iter().map(|&pos| pos == 0).collect::<Vec<_>>(), [false, true, true, true, false]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_line_is_tiled(line in "[ -~\t\u{B}\rぁ-ん一-龥𠮷😀　é\0]{0,60}") {
        thread_local! {
            static ENGINE: (tempfile::TempDir, Arc<Dictionary>, lindera::Lindera) = engine();
        }
        ENGINE.with(|(_, dictionary, engine)| {
            let mut morphemes = MorphemeBuffer::default();
            engine.worker().segment_line(&line, 7, &mut morphemes);
            assert_eq!(morphemes.ends.last().map_or(0, |&end| end as usize - 7), line.len());
            assert!(morphemes.ends.is_sorted_by(|a, b| a < b));
            assert!(morphemes.ends.iter().all(|&end| line.is_char_boundary(end as usize - 7)));
            assert!(morphemes.word.iter().all(|&word| word == crate::morpheme::NO_WORD || (word as usize) < dictionary.len()));
        });
    }
}
