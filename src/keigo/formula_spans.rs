//! Where the formulae of a document stand: what a comparison leaves out, because letters, mails and shops share it and differ in
//! substance. Phrases of statutes are no formulae here: they are what a statute is made of.
//!
//! A phrase of the table is only the core of what is said without thought: 「平素は格別のご高配を賜り」 holds two of them, and the rest is
//! politeness. So a clause, a run of letters between marks, goes whole if formulae and honorific forms are at least two thirds of it;
//! of other clauses only the phrases go.

use crate::keigo::analyze::{Analysis, Sentence};

/// Fewer characters, white space not counted, are not enough to compare: then nothing is left out.
const LEAST_LEFT: usize = 50;
/// A clause goes whole if at least this share of its characters is formula or honorific form.
const WHOLE: (usize, usize) = (2, 3);
/// The domain whose phrases stay.
const STAYS: &str = "legal";

/// Finds the formulae of documents; its buffers are used again.
#[derive(Debug, Default)]
pub struct FormulaSpans {
    /// Formulae and honorific forms of a sentence: start, end, is it a formula?
    parts: Vec<(u32, u32, bool)>,
}

impl FormulaSpans {
    /// Appends starts and ends in bytes, in order, without overlap, and none twice where only marks or white space stand between;
    /// nothing where fewer than 50 characters would be left.
    pub fn of(&mut self, text: &str, analysis: &Analysis<'_>, out: &mut Vec<u32>) {
        let first = out.len();
        for sentence in analysis.sentences {
            self.of_sentence(text, sentence, analysis, first, out);
        }
        if out.len() > first && left(text, &out[first..]) < LEAST_LEFT {
            out.truncate(first);
        }
    }

    fn of_sentence(&mut self, text: &str, sentence: &Sentence, analysis: &Analysis<'_>, first: usize, out: &mut Vec<u32>) {
        let hits = analysis.formula_hits.get(sentence.formulae.clone()).unwrap_or_default();
        let hits = hits.iter().filter(|hit| hit.domain != STAYS).map(|hit| (hit.start, hit.end, true));
        self.parts.clear();
        self.parts.extend(hits);
        if self.parts.is_empty() {
            return;
        }
        let spans = analysis.spans.get(sentence.spans.clone()).unwrap_or_default();
        self.parts.extend(spans.iter().map(|span| (span.start, span.end, false)));
        self.parts.sort_unstable();
        let mut parts = self.parts.as_slice();
        for (start, end) in clauses(text, sentence.byte_start, sentence.byte_end) {
            let (own, rest) = parts.split_at(parts.partition_point(|part| part.0 < end));
            parts = rest;
            if !own.iter().any(|part| part.2) {
                continue;
            }
            let (whole, covered) = (count(text, start, end), covered(text, own, end));
            if covered * WHOLE.1 >= whole * WHOLE.0 {
                push(text, (start, end), first, out);
            } else {
                own.iter().filter(|part| part.2).for_each(|part| push(text, (part.0, part.1.min(end)), first, out));
            }
        }
    }
}

/// Runs of letters and digits.
fn clauses(text: &str, from: u32, to: u32) -> impl Iterator<Item = (u32, u32)> {
    let sentence = text.get(from as usize..to as usize).unwrap_or("");
    let runs = sentence.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    runs.map(move |run| {
        let start = from + (run.as_ptr() as usize - sentence.as_ptr() as usize) as u32;
        (start, start + run.len() as u32)
    })
}

fn count(text: &str, start: u32, end: u32) -> usize {
    text.get(start as usize..end as usize).map_or(0, |part| part.chars().count())
}

/// Characters before `end` that lie in one of the parts, which are ordered by their starts.
fn covered(text: &str, parts: &[(u32, u32, bool)], end: u32) -> usize {
    let (mut at, mut covered) = (0, 0);
    for part in parts {
        let (from, to) = (part.0.max(at), part.1.min(end));
        covered += count(text, from, to.max(from));
        at = at.max(to);
    }
    covered
}

/// Appends a span, or lets the last one grow if nothing but marks and white space stands between.
fn push(text: &str, (start, end): (u32, u32), first: usize, out: &mut Vec<u32>) {
    let none_between = |last: u32| {
        last >= start || text.get(last as usize..start as usize).is_some_and(|between| !between.chars().any(char::is_alphanumeric))
    };
    match out.get_mut(first..).and_then(<[u32]>::last_mut) {
        Some(last) if none_between(*last) => *last = end.max(*last),
        _ => out.extend([start, end]),
    }
}

/// Characters outside the spans, white space not counted; not counted further than is needed.
fn left(text: &str, spans: &[u32]) -> usize {
    let (pairs, _) = spans.as_chunks::<2>();
    let starts = std::iter::once(0).chain(pairs.iter().map(|pair| pair[1]));
    let ends = pairs.iter().map(|pair| pair[0]).chain([text.len() as u32]);
    let outside = starts.zip(ends).flat_map(|(start, end)| text.get(start as usize..end as usize).unwrap_or("").chars());
    outside.filter(|c| !c.is_whitespace()).take(LEAST_LEFT).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keigo::analyze::Span;
    use crate::keigo::formula::{DOMAINS, FormulaHit, FormulaHits};
    use crate::keigo::rules::Honorific;
    use crate::keigo::style::{Style, Tone};

    /// What is left of a text in which these phrases are formulae, with their domains, and these are honorific forms.
    fn left_of(text: &str, formulae: &[(&str, &'static str)], honorifics: &[&str]) -> String {
        let places =
            |phrase: &str| text.match_indices(phrase).map(|(at, found)| (at as u32, (at + found.len()) as u32)).collect::<Vec<_>>();
        let hit = |(phrase, domain): &(&str, &'static str)| {
            places(phrase).into_iter().map(|(start, end)| FormulaHit { start, end, domain }).collect::<Vec<_>>()
        };
        let mut hits: Vec<_> = formulae.iter().flat_map(hit).collect();
        hits.sort_by_key(|hit| hit.start);
        let span = |(start, end)| Span { start, end, class: Honorific::Ken1, rule: "KEN1.x", weak: false, ambiguous: false, sasete: false };
        let mut spans: Vec<_> = honorifics.iter().flat_map(|form| places(form)).map(span).collect();
        spans.sort_by_key(|span| span.start);
        let mut start = 0;
        let ends = text.match_indices(['。', '\n']).map(|(at, mark)| at + mark.len()).chain([text.len()]);
        let sentence = |end: usize| {
            let (byte_start, byte_end) = (std::mem::replace(&mut start, end as u32), end as u32);
            let within = |at: u32| (byte_start..byte_end).contains(&at);
            let range = |all: Vec<u32>| all.partition_point(|at| *at < byte_start)..all.partition_point(|at| *at < byte_end || within(*at));
            let (spans, formulae) =
                (range(spans.iter().map(|span| span.start).collect()), range(hits.iter().map(|hit| hit.start).collect()));
            Sentence {
                byte_start,
                byte_end,
                style: Style::Keitai,
                level: 1,
                tone: Tone::Neutral,
                quoted: false,
                listed: false,
                unmarked: false,
                ages: [0, 0],
                spans,
                misuses: 0..0,
                formulae,
            }
        };
        let sentences: Vec<_> = ends.map(sentence).collect();
        let analysis =
            Analysis { sentences: &sentences, spans: &spans, misuses: &[], formula_hits: &hits, formulae: FormulaHits::default() };
        let mut out = vec![7];
        FormulaSpans::default().of(text, &analysis, &mut out);
        assert!(out[1..].is_sorted_by(|a, b| a < b) && out[0] == 7, "{out:?}");
        let mut left = text.to_owned();
        for pair in out[1..].as_chunks::<2>().0.iter().rev() {
            left.replace_range(pair[0] as usize..pair[1] as usize, "");
        }
        left
    }

    /// Enough of a letter's substance.
    fn body() -> String {
        (0..8).map(|i| format!("玄米{i}袋を倉庫へ運ぶ。")).collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_clause_of_formulae_and_honorifics_goes_whole() {
        let text = format!("拝啓　平素は格別のご高配を賜り、厚く御礼申し上げます。{}取り急ぎ玄米の在庫を一覧にした。\n敬具", body());
        let formulae =
            ["拝啓", "平素は", "高配を賜り", "厚く御礼申し上げ", "御礼申し上げ", "取り急ぎ", "敬具"].map(|phrase| (phrase, "letter"));
        assert_eq!(left_of(&text, &formulae, &["ご高配", "ます"]), format!("。{}玄米の在庫を一覧にした。\n", body()));
        let asked = format!("拝啓。新しい倉庫の件でご確認ください。{}", body());
        let formulae = [("拝啓", "letter"), ("ご確認ください", "business")];
        assert_eq!(
            left_of(&asked, &formulae, &["ください"]),
            format!("。新しい倉庫の件で。{}", body()),
            "the rest of the clause is substance"
        );
    }

    #[test]
    fn phrases_of_statutes_stay_and_so_do_honorifics_alone() {
        let text = format!("前項の規定による届出。お届けいたします。{}", body());
        assert_eq!(left_of(&text, &[("前項の", "legal"), ("規定による", "legal")], &["お届けいたし", "ます"]), text);
        assert!(DOMAINS.contains(&STAYS));
    }

    #[test]
    fn nothing_goes_where_too_little_would_be_left() {
        let formulae = [("かしこまりました", "service")];
        let of = |rest: usize| format!("かしこまりました。 \n{}", "米".repeat(rest));
        // The mark is a character, white space is none.
        assert_eq!(left_of(&of(48), &formulae, &[]), of(48));
        assert_eq!(left_of(&of(49), &formulae, &[]), of(49).replace("かしこまりました", ""));
        assert_eq!(left_of("", &[], &[]), "");
    }
}
