//! Honorific forms of excerpts, found again with the dictionary of the run where that is installed: the tables hold counts and no places.

use std::ops::Range;

use super::excerpt::Excerpt;
use crate::error::{Error, Result};
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
    ///
    /// # Errors
    /// Of the machine: a page shows what is there, not what could be opened at that moment.
    pub(super) fn open(options: &segment::Options, fingerprint: &str) -> Result<Option<Self>> {
        if options.dictionary.contains(['/', '.']) || !options.user_dictionary.is_empty() {
            return Ok(None);
        }
        let opened = segment::open_noted(options).and_then(|(dictionary, segmenter)| {
            let is_of_run = dictionary.about().fingerprint == fingerprint;
            is_of_run.then(|| Ok(Self { segmenter, analyzer: Analyzer::new(dictionary.as_ref())? })).transpose()
        });
        match opened {
            Err(Error::Refused { .. }) => Ok(None),
            other => other,
        }
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
