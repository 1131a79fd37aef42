//! Honorific forms of excerpts, found again with the dictionary of the run where that is installed.

use super::excerpt::Excerpt;
use crate::pipeline::analyst::Analyst;

/// Marks the forms of some excerpts.
pub(super) fn mark<'e>(analyst: &Analyst, excerpts: impl Iterator<Item = &'e mut Excerpt>) {
    let mut excerpts: Vec<&mut Excerpt> = excerpts.collect();
    let texts: Vec<String> = excerpts.iter().map(|excerpt| excerpt.text.clone()).collect();
    analyst.each(texts.iter().map(String::as_str), &mut |i, parts| {
        let spans = parts.sentences.into_iter().flat_map(|sentence| sentence.spans);
        excerpts[i].honorific = spans.map(|(at, class, _)| (at, class)).collect();
    });
}
