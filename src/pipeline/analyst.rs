//! A text taken apart again with the dictionary of a finished run: its tables hold counts, and no places of morphemes, sentences and forms.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::keigo::Analyzer;
use crate::keigo::result::sentence_results;
use crate::morpheme::{Lexicon, Morphemes, PosTable};
use crate::normalize::sentences::Splitter;
use crate::segment::{self, MorphemeBuffer};

/// A dictionary and the rules of keigo.
pub struct Analyst {
    segmenter: Arc<dyn segment::Segmenter>,
    analyzer: Analyzer,
    pos: Arc<PosTable>,
}

/// A morpheme; gaps are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Morpheme {
    /// Its bytes.
    pub at: Range<usize>,
    /// Its part of speech, as the dictionary calls it: 名詞-サ変接続.
    pub pos: String,
}

/// A sentence and what the rules of keigo say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Its bytes.
    pub at: Range<usize>,
    /// keitai, jotai, fragment.
    pub style: &'static str,
    /// Level of politeness, 0 to 3.
    pub level: u8,
    /// neutral, written, casual, role.
    pub tone: &'static str,
    /// Honorific forms: bytes, class, rule.
    pub spans: Vec<(Range<usize>, &'static str, &'static str)>,
    /// Misuse: bytes, what is wrong, what is meant.
    pub misuse: Vec<(Range<usize>, &'static str, String)>,
}

/// What a text is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parts {
    /// Its morphemes.
    pub morphemes: Vec<Morpheme>,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
}

impl Analyst {
    /// `None` where the dictionary of the run is not there, is another one by now, or was named by a path: what that leads to depends on where
    /// one stands.
    ///
    /// # Errors
    /// Of the machine: what is not shown must not depend on what could be opened at that moment.
    pub fn open(options: &segment::Options, fingerprint: &str) -> Result<Option<Self>> {
        if options.dictionary.contains(['/', '.']) || !options.user_dictionary.is_empty() {
            return Ok(None);
        }
        let opened = segment::open_noted(options).and_then(|(dictionary, segmenter)| {
            let is_of_run = dictionary.about().fingerprint == fingerprint;
            let made = || {
                let pos = dictionary.pos_table();
                Ok(Self { segmenter, analyzer: Analyzer::new(dictionary.as_ref())?, pos })
            };
            is_of_run.then(made).transpose()
        });
        match opened {
            Err(Error::Refused { .. }) => Ok(None),
            other => other,
        }
    }

    /// Takes texts apart, one after the other.
    pub fn each<'t>(&self, texts: impl Iterator<Item = &'t str>, visit: &mut dyn FnMut(usize, Parts)) {
        let (mut segmenter, mut keigo) = (self.segmenter.worker(), self.analyzer.worker());
        let (mut splitter, mut ends, mut morphemes) = (Splitter::default(), Vec::new(), MorphemeBuffer::default());
        for (i, text) in texts.enumerate() {
            ends.clear();
            morphemes.clear();
            splitter.sentence_ends(text, &mut ends);
            segment::segment_document(segmenter.as_mut(), text, &mut morphemes);
            let found = Morphemes { ends: &morphemes.ends, pos: &morphemes.pos, word: &morphemes.word };
            let analysis = keigo.analyze(text, &ends, found);
            let sentences = sentence_results(None, text, &analysis).into_iter().map(|sentence| Sentence {
                at: range(sentence.place.byte_start, sentence.place.byte_end),
                style: sentence.style,
                level: sentence.level,
                tone: sentence.tone,
                spans: sentence
                    .spans
                    .iter()
                    .map(|span| (range(span.place.byte_start, span.place.byte_end), span.class, span.rule))
                    .collect(),
                misuse: sentence
                    .misuse
                    .iter()
                    .map(|misuse| (range(misuse.place.byte_start, misuse.place.byte_end), misuse.what, misuse.evidence.to_string()))
                    .collect(),
            });
            let words = (0..found.len()).filter(|i| !found.is_gap(*i));
            let morphemes = words.map(|i| Morpheme { at: found.start(i)..found.end(i), pos: self.part_of_speech(found.pos[i]) });
            visit(i, Parts { morphemes: morphemes.collect(), sentences: sentences.collect() });
        }
    }

    /// One text.
    pub fn parts(&self, text: &str) -> Parts {
        let mut found = Parts::default();
        self.each(std::iter::once(text), &mut |_, parts| found = parts);
        found
    }

    /// The first two fields, where they say something.
    fn part_of_speech(&self, id: u16) -> String {
        let said = [0, 1].map(|field| self.pos.field(id, field));
        said.into_iter().filter(|name| !name.is_empty() && *name != "*").collect::<Vec<_>>().join("-")
    }
}

fn range(start: u32, end: u32) -> Range<usize> {
    start as usize..end as usize
}
