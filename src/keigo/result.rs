//! The result for one sentence in full, as `seimai keigo` writes it.
//!
//! Offsets are given twice, in code points and in UTF-8 bytes; both count from the beginning of the normalised document, for
//! a sentence as for its spans, so `text` is what stands between `start` and `end`. Ends are exclusive.

use serde::Serialize;

use crate::keigo::analyze::{Analysis, Sentence, Span};
use crate::keigo::formula::FormulaHit;
use crate::keigo::misuse::Misuse;

/// What the rules say of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentenceResult<'a> {
    /// Id of the record, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    /// The sentence without the white space around it.
    pub text: &'a str,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// keitai, jotai, fragment.
    pub style: &'static str,
    /// Level of politeness, 0–3.
    pub level: u8,
    /// neutral, written, casual, role.
    pub tone: &'static str,
    /// It is nothing but a quotation.
    pub quoted: bool,
    /// Its honorific forms, in order.
    pub spans: Vec<SpanResult>,
    /// What is misused, by its start.
    pub misuse: Vec<MisuseResult<'a>>,
    /// Fixed phrases.
    pub formula: Vec<FormulaResult>,
}

/// A stretch of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// First code point.
    pub start: usize,
    /// Code point after the last.
    pub end: usize,
    /// First byte.
    pub byte_start: u32,
    /// Byte after the last.
    pub byte_end: u32,
}

/// An honorific form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpanResult {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// SON, KEN1, KEN2, KEN12, TEI, BIK.
    pub class: &'static str,
    /// The rule without its class.
    pub kind: &'static str,
    /// The rule, `CLASS.kind`.
    pub rule: &'static str,
    /// Other classes it may have.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub alt: &'static [&'static str],
    /// て+ください, ください: politeness rather than respect.
    #[serde(skip_serializing_if = "is_false")]
    pub weak: bool,
    /// A direction noun whose giver is not known.
    #[serde(skip_serializing_if = "is_false")]
    pub ambiguous: bool,
}

/// A misuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MisuseResult<'a> {
    /// What is wrong.
    #[serde(rename = "type")]
    pub what: &'static str,
    /// error, variation.
    pub severity: &'static str,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// The rule, `MIS.type` or `MIS.type.kind`.
    pub rule: &'static str,
    /// Its morphemes, and the word that makes it misuse.
    pub evidence: &'a str,
}

/// A fixed phrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormulaResult {
    /// business, diet, legal, letter, service.
    pub domain: &'static str,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The sentences of a document in order; `analysis` is that of `text`, `id` goes into each result.
pub fn sentence_results<'a>(id: Option<&'a str>, text: &'a str, analysis: &Analysis<'a>) -> Vec<SentenceResult<'a>> {
    let mut points = CodePoints { text, byte: 0, count: 0 };
    analysis.sentences.iter().map(|sentence| result(id, &mut points, sentence, analysis)).collect()
}

fn result<'a>(id: Option<&'a str>, points: &mut CodePoints<'a>, sentence: &Sentence, analysis: &Analysis<'a>) -> SentenceResult<'a> {
    let whole = points.text.get(sentence.byte_start as usize..sentence.byte_end as usize).unwrap_or("");
    let text = whole.trim();
    let byte_start = sentence.byte_start + (whole.len() - whole.trim_start().len()) as u32;
    SentenceResult {
        id,
        text,
        place: points.place(byte_start, byte_start + text.len() as u32),
        style: sentence.style.name(),
        level: sentence.level,
        tone: sentence.tone.name(),
        quoted: sentence.quoted,
        spans: analysis.spans[sentence.spans.clone()].iter().map(|span| span_result(points, span)).collect(),
        misuse: analysis.misuses[sentence.misuses.clone()].iter().map(|misuse| misuse_result(points, misuse)).collect(),
        formula: analysis.formula_hits[sentence.formulae.clone()].iter().map(|hit| formula_result(points, *hit)).collect(),
    }
}

fn span_result(points: &mut CodePoints<'_>, span: &Span) -> SpanResult {
    SpanResult {
        place: points.place(span.start, span.end),
        class: span.class.name(),
        kind: span.kind(),
        rule: span.rule,
        alt: span.alternatives(),
        weak: span.weak,
        ambiguous: span.ambiguous,
    }
}

fn misuse_result<'a>(points: &mut CodePoints<'_>, misuse: &'a Misuse) -> MisuseResult<'a> {
    MisuseResult {
        what: misuse.what.name(),
        severity: misuse.severity.name(),
        place: points.place(misuse.start, misuse.end),
        rule: misuse.rule,
        evidence: &misuse.evidence,
    }
}

fn formula_result(points: &mut CodePoints<'_>, hit: FormulaHit) -> FormulaResult {
    FormulaResult { domain: hit.domain, place: points.place(hit.start, hit.end) }
}

/// Counts code points from the place asked for last, forwards or backwards, so that places in order cost linear time.
#[derive(Debug)]
struct CodePoints<'a> {
    text: &'a str,
    byte: usize,
    count: usize,
}

impl CodePoints<'_> {
    fn at(&mut self, byte: u32) -> usize {
        let byte = (byte as usize).min(self.text.len());
        let between = |from: usize, to: usize| self.text.get(from..to).map_or(0, |part| part.chars().count());
        self.count = if byte >= self.byte { self.count + between(self.byte, byte) } else { self.count - between(byte, self.byte) };
        self.byte = byte;
        self.count
    }

    fn place(&mut self, byte_start: u32, byte_end: u32) -> Place {
        Place { start: self.at(byte_start), end: self.at(byte_end), byte_start, byte_end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_points_are_counted_both_ways() {
        let mut points = CodePoints { text: "米a飯𠮷", byte: 0, count: 0 };
        assert_eq!([7, 11, 3, 0, 4].map(|byte| points.at(byte)), [3, 4, 1, 0, 2]);
        assert_eq!(points.at(99), 4);
    }
}
