//! Honorific forms of excerpts, found again with the dictionary of the run where that is installed: the tables hold counts and no places.

use std::ops::Range;

use super::excerpt::Excerpt;
use crate::keigo::Analyzer;
use crate::morpheme::Morphemes;
use crate::normalize::sentences::Splitter;
use crate::segment::{self, MorphemeBuffer};

/// What finds them.
pub(super) struct Marker {
    segmenter: std::sync::Arc<dyn segment::Segmenter>,
    analyzer: Analyzer,
}

impl Marker {
    /// `None` where the dictionary of the run is not there, is another one by now, or was named by a path: what that leads to depends on where
    /// one stands.
    pub(super) fn open(options: &segment::Options, fingerprint: &str) -> Option<Self> {
        if options.dictionary.contains(['/', '.']) || !options.user_dictionary.is_empty() {
            return None;
        }
        let (dictionary, segmenter) = segment::open_noted(options).ok()?;
        if dictionary.about().fingerprint != fingerprint {
            return None;
        }
        Some(Self { segmenter, analyzer: Analyzer::new(dictionary.as_ref()).ok()? })
    }

    /// Marks the forms of some excerpts.
    pub(super) fn mark<'e>(&self, excerpts: impl Iterator<Item = &'e mut Excerpt>) {
        let (mut segmenter, mut keigo) = (self.segmenter.worker(), self.analyzer.worker());
        let (mut splitter, mut ends, mut morphemes) = (Splitter::default(), Vec::new(), MorphemeBuffer::default());
        for excerpt in excerpts {
            ends.clear();
            morphemes.clear();
            splitter.sentence_ends(&excerpt.text, &mut ends);
            segment::segment_document(segmenter.as_mut(), &excerpt.text, &mut morphemes);
            let found = Morphemes { ends: &morphemes.ends, pos: &morphemes.pos, word: &morphemes.word };
            let analysis = keigo.analyze(&excerpt.text, &ends, found);
            let place = |start: u32, end: u32| -> Range<usize> { start as usize..end as usize };
            excerpt.honorific = analysis.spans.iter().map(|span| (place(span.start, span.end), span.class.name())).collect();
        }
    }
}
