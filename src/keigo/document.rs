//! Sums over a document, and the register they put it in.

use crate::keigo::analyze::{Analysis, Sentence, Span};
use crate::keigo::formula::FormulaHits;
use crate::keigo::misuse::{Misuse, MisuseType, Severity};
use crate::keigo::rules::Honorific;
use crate::keigo::style::{Style, Tone};

/// Counts of a document; every ratio is derived from them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentKeigo {
    /// Sentences: the next five added up.
    pub n_sentences: u32,
    /// Prose sentences in 敬体.
    pub n_keitai: u32,
    /// Prose sentences in 常体.
    pub n_jotai: u32,
    /// Prose sentences without a predicate at their end.
    pub n_fragment: u32,
    /// Sentences that are nothing but a quotation.
    pub n_quoted: u32,
    /// List items, headings, lines of marks.
    pub n_listed: u32,
    /// Sentences by level 0–3.
    pub level: [u32; 4],
    /// Spans of respect.
    pub son: u32,
    /// Spans of humility towards the person concerned.
    pub ken1: u32,
    /// Spans of courtesy to the hearer.
    pub ken2: u32,
    /// Spans that are both.
    pub ken12: u32,
    /// Spans of politeness.
    pub tei: u32,
    /// Spans of beautification.
    pub bik: u32,
    /// Direction nouns whose giver is not known: respect or humility, counted here only.
    pub ambiguous: u32,
    /// させていただく (counted in `ken1` too).
    pub sasete: u32,
    /// Casual sentences.
    pub n_casual: u32,
    /// Sentences in role language.
    pub n_role: u32,
    /// Words of classical Japanese (文語), quotations left out.
    pub classical: u32,
    /// Auxiliaries of today's Japanese, quotations left out.
    pub modern: u32,
    /// Keitai and jotai sentences inside quotations.
    pub n_quoted_styled: [u32; 2],
    /// Jotai sentences that end without a mark: headings, lines of verse, the end of a text that is cut off.
    pub n_unmarked_jotai: u32,
    /// Casual sentences that are no quotation.
    pub n_casual_prose: u32,
    /// Characters of the document.
    pub n_chars: u32,
    /// Formulae.
    pub formulae: FormulaHits,
    /// Misuses of the severity error.
    pub misuse_errors: u32,
    /// Misuses of the severity variation.
    pub misuse_variations: u32,
    /// Misuses by type, in the order of [`MisuseType::ALL`].
    pub misuse: [u32; MisuseType::ALL.len()],
}

/// 敬体 or 常体, for the whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dominant {
    /// More 敬体.
    Keitai,
    /// More 常体.
    Jotai,
    /// As much of one as of the other.
    Tie,
    /// No styled sentence.
    None,
}

impl Dominant {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keitai => "keitai",
            Self::Jotai => "jotai",
            Self::Tie => "mixed",
            Self::None => "none",
        }
    }
}

/// Politeness bucket of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it; the conditions stand in `register`")]
pub enum Register {
    Legal,
    Classical,
    FormalLetter,
    Role,
    Mixed,
    Honorific,
    Polite,
    PlainCasual,
    PlainWritten,
    None,
}

impl Register {
    /// Every register.
    pub const ALL: [Self; 10] = [
        Self::Legal,
        Self::FormalLetter,
        Self::Classical,
        Self::Role,
        Self::Mixed,
        Self::Honorific,
        Self::Polite,
        Self::PlainCasual,
        Self::PlainWritten,
        Self::None,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::FormalLetter => "formal-letter",
            Self::Role => "role",
            Self::Mixed => "mixed",
            Self::Honorific => "honorific",
            Self::Polite => "polite",
            Self::PlainCasual => "plain-casual",
            Self::Classical => "classical",
            Self::PlainWritten => "plain-written",
            Self::None => "none",
        }
    }
}

/// Thresholds of the registers; shares are of 0 to 1.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// `legal`: at least so many different formulae of statutes.
    pub legal_distinct: u32,
    /// `legal`: at least so many formulae of statutes per 1000 characters.
    pub legal_density: f64,
    /// `legal`: at most this share of styled sentences is keitai.
    pub legal_keitai_max: f64,
    /// `classical`: at least this share of words of classical Japanese among them and the auxiliaries of today's.
    pub classical: f64,
    /// `classical`: at least so many words of classical Japanese.
    pub classical_words: u32,
    /// `formal-letter`: so many different formulae of letters, unless an opening and a closing word frame it.
    pub letter_distinct: u32,
    /// `formal-letter`: at least this share of styled sentences is keitai.
    pub letter_keitai: f64,
    /// `role`: at least this share of sentences is role language.
    pub role: f64,
    /// A document is mixed below this consistency.
    pub mixed_below: f64,
    /// `mixed`: only with at least so many styled sentences.
    pub mixed_sentences: u32,
    /// `honorific`: at least this share of sentences has level 2 or 3.
    pub honorific: f64,
    /// `plain-casual`: at least this share of sentences is casual.
    pub casual: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            legal_distinct: 2,
            legal_density: 2.0,
            legal_keitai_max: 0.1,
            classical: 0.5,
            classical_words: 3,
            letter_distinct: 3,
            letter_keitai: 0.8,
            role: 0.3,
            mixed_below: 0.7,
            mixed_sentences: 5,
            honorific: 0.3,
            casual: 0.3,
        }
    }
}

impl Thresholds {
    /// Refuses shares outside 0 to 1 and negative densities.
    pub fn check(&self) -> Result<(), String> {
        let shares = [
            ("legal_keitai_max", self.legal_keitai_max),
            ("classical", self.classical),
            ("letter_keitai", self.letter_keitai),
            ("role", self.role),
            ("mixed_below", self.mixed_below),
            ("honorific", self.honorific),
            ("casual", self.casual),
        ];
        if let Some((name, value)) = shares.iter().find(|(_, value)| !(0.0..=1.0).contains(value)) {
            return Err(format!("keigo.register.{name} is {value}, but a share lies between 0 and 1"));
        }
        if !(self.legal_density >= 0.0 && self.legal_density.is_finite()) {
            return Err(format!("keigo.register.legal_density is {}, but a density is 0 or more", self.legal_density));
        }
        Ok(())
    }
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

impl DocumentKeigo {
    /// Adds up an analysis of `text`.
    pub fn new(text: &str, analysis: &Analysis<'_>) -> Self {
        let n_chars = text.chars().count();
        let mut sums = Self { n_chars: u32::try_from(n_chars).unwrap_or(u32::MAX), formulae: analysis.formulae, ..Self::default() };
        analysis.sentences.iter().for_each(|sentence| sums.add_sentence(sentence));
        analysis.spans.iter().for_each(|span| sums.add_span(span));
        analysis.misuses.iter().for_each(|misuse| sums.add_misuse(misuse));
        sums
    }

    fn add_sentence(&mut self, sentence: &Sentence) {
        self.n_sentences += 1;
        let kind = match (sentence.quoted, sentence.listed, sentence.style) {
            (true, ..) => &mut self.n_quoted,
            (_, true, _) => &mut self.n_listed,
            (.., Style::Keitai) => &mut self.n_keitai,
            (.., Style::Jotai) => &mut self.n_jotai,
            (.., Style::Fragment) => &mut self.n_fragment,
        };
        *kind += 1;
        self.level[usize::from(sentence.level.min(3))] += 1;
        self.n_casual += u32::from(sentence.tone == Tone::Casual);
        self.n_role += u32::from(sentence.tone == Tone::Role);
        if !sentence.quoted {
            self.classical += sentence.ages[0];
            self.modern += sentence.ages[1];
        }
        let prose = !sentence.quoted && !sentence.listed;
        self.n_quoted_styled[0] += u32::from(sentence.quoted && sentence.style == Style::Keitai);
        self.n_quoted_styled[1] += u32::from(sentence.quoted && sentence.style == Style::Jotai);
        self.n_unmarked_jotai += u32::from(prose && sentence.unmarked && sentence.style == Style::Jotai);
        self.n_casual_prose += u32::from(!sentence.quoted && sentence.tone == Tone::Casual);
    }

    fn add_span(&mut self, span: &Span) {
        let count = match span.class {
            _ if span.ambiguous => &mut self.ambiguous,
            Honorific::Son => &mut self.son,
            Honorific::Ken1 => &mut self.ken1,
            Honorific::Ken2 => &mut self.ken2,
            Honorific::Ken12 => &mut self.ken12,
            Honorific::Tei => &mut self.tei,
            Honorific::Bik => &mut self.bik,
        };
        *count += 1;
        self.sasete += u32::from(span.sasete);
    }

    fn add_misuse(&mut self, misuse: &Misuse) {
        *(match misuse.severity {
            Severity::Error => &mut self.misuse_errors,
            Severity::Variation => &mut self.misuse_variations,
        }) += 1;
        self.misuse[misuse.what as usize] += 1;
    }

    /// Misuses by type, sorted by name, types without any left out.
    pub fn misuse_counts(&self) -> impl Iterator<Item = (&'static str, u32)> {
        MisuseType::ALL.iter().zip(self.misuse).map(|((name, _), n)| (*name, n)).filter(|(_, n)| *n > 0)
    }

    /// Prose sentences that are keitai or jotai.
    pub fn styled(&self) -> u32 {
        self.n_keitai + self.n_jotai
    }

    /// Which style prevails.
    pub fn dominant(&self) -> Dominant {
        match self.n_keitai.cmp(&self.n_jotai) {
            _ if self.styled() == 0 => Dominant::None,
            std::cmp::Ordering::Greater => Dominant::Keitai,
            std::cmp::Ordering::Less => Dominant::Jotai,
            std::cmp::Ordering::Equal => Dominant::Tie,
        }
    }

    /// Keitai and jotai sentences that tell the register. Where a text is in keitai, a plain line without a mark is a heading or cut
    /// off, and does not count; a text of nothing but quotations is a dialogue, and they count.
    fn settled(&self) -> [u32; 2] {
        if self.styled() == 0 {
            return self.n_quoted_styled;
        }
        let headings = if self.n_keitai > 0 { self.n_unmarked_jotai } else { 0 };
        [self.n_keitai, self.n_jotai.saturating_sub(headings)]
    }

    /// Share of casual sentences; what people say in a story does not count, but in a dialogue.
    fn casual_share(&self) -> f64 {
        if self.styled() == 0 {
            share(self.n_casual, self.n_sentences)
        } else {
            share(self.n_casual_prose, self.n_sentences - self.n_quoted)
        }
    }

    /// Share of the prevailing style among styled sentences; `None` where there are none.
    pub fn consistency(&self) -> Option<f64> {
        (self.styled() > 0).then(|| share(self.n_keitai.max(self.n_jotai), self.styled()))
    }

    /// Is the consistency below the threshold?
    pub fn mixed(&self, thresholds: &Thresholds) -> bool {
        self.consistency().is_some_and(|consistency| consistency < thresholds.mixed_below)
    }

    fn is_legal(&self, thresholds: &Thresholds) -> bool {
        let per_thousand = 1000.0 * share(self.formulae.legal(), self.n_chars);
        self.formulae.distinct_legal() >= thresholds.legal_distinct
            && per_thousand >= thresholds.legal_density
            && share(self.n_keitai, self.styled()) <= thresholds.legal_keitai_max
    }

    fn is_classical(&self, thresholds: &Thresholds) -> bool {
        self.classical >= thresholds.classical_words.max(1) && share(self.classical, self.classical + self.modern) >= thresholds.classical
    }

    fn is_letter(&self, thresholds: &Thresholds) -> bool {
        let formal = self.formulae.is_framed_letter() || self.formulae.distinct_letter() >= thresholds.letter_distinct;
        formal && self.styled() > 0 && share(self.n_keitai, self.styled()) >= thresholds.letter_keitai
    }
}

/// The register of a document: the first condition that holds.
pub fn register(document: &DocumentKeigo, thresholds: &Thresholds) -> Register {
    let polite_share = share(document.level[2] + document.level[3], document.n_sentences);
    let [n_keitai, n_jotai] = document.settled();
    let styled = n_keitai + n_jotai;
    let mixed = styled >= thresholds.mixed_sentences && share(n_keitai.max(n_jotai), styled) < thresholds.mixed_below;
    if document.is_legal(thresholds) {
        Register::Legal
    } else if document.is_classical(thresholds) {
        Register::Classical
    } else if document.is_letter(thresholds) {
        Register::FormalLetter
    } else if document.n_role > 0 && share(document.n_role, document.n_sentences) >= thresholds.role {
        Register::Role
    } else if mixed {
        Register::Mixed
    } else if n_keitai > 0 && n_keitai >= n_jotai {
        // A speech of one long plain clause and one in です is polite.
        if polite_share >= thresholds.honorific { Register::Honorific } else { Register::Polite }
    } else if styled == 0 {
        Register::None
    } else if document.casual_share() >= thresholds.casual.max(f64::MIN_POSITIVE) {
        Register::PlainCasual
    } else {
        Register::PlainWritten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn styled(n_keitai: u32, n_jotai: u32) -> DocumentKeigo {
        DocumentKeigo { n_sentences: n_keitai + n_jotai, n_keitai, n_jotai, n_chars: 1000, ..DocumentKeigo::default() }
    }

    fn bucket(document: &DocumentKeigo) -> Register {
        register(document, &Thresholds::default())
    }

    #[test]
    fn consistency_leaves_fragments_out() {
        let document = DocumentKeigo { n_fragment: 9, ..styled(2, 1) };
        assert!((document.consistency().unwrap() - 2.0 / 3.0).abs() < 1e-9);
        assert!(document.mixed(&Thresholds::default()));
        assert_eq!(styled(0, 0).consistency(), None);
        assert_eq!(styled(1, 1).dominant(), Dominant::Tie);
    }

    #[test]
    fn registers_in_order() {
        assert_eq!(bucket(&styled(0, 0)), Register::None);
        assert_eq!(bucket(&styled(9, 1)), Register::Polite);
        assert_eq!(bucket(&DocumentKeigo { level: [0, 7, 3, 0], ..styled(10, 0) }), Register::Honorific);
        assert_eq!(bucket(&styled(3, 2)), Register::Mixed);
        assert_eq!(bucket(&styled(2, 1)), Register::Polite, "too few styled sentences to be called mixed");
        assert_eq!(bucket(&DocumentKeigo { n_casual: 3, n_casual_prose: 3, ..styled(1, 9) }), Register::PlainCasual);
        assert_eq!(bucket(&styled(1, 9)), Register::PlainWritten);
        assert_eq!(bucket(&styled(1, 1)), Register::Polite, "a speech of one long plain clause");
        assert_eq!(bucket(&DocumentKeigo { n_unmarked_jotai: 3, ..styled(5, 4) }), Register::Polite, "headings");
        assert_eq!(bucket(&DocumentKeigo { classical: 6, modern: 2, ..styled(0, 5) }), Register::Classical);
        assert_eq!(bucket(&DocumentKeigo { classical: 2, modern: 0, ..styled(0, 5) }), Register::PlainWritten);
        assert_eq!(bucket(&DocumentKeigo { n_role: 4, ..styled(0, 10) }), Register::Role);
    }

    #[test]
    fn thresholds_are_checked() {
        assert!(Thresholds::default().check().is_ok());
        assert!(Thresholds { role: 1.5, ..Thresholds::default() }.check().unwrap_err().contains("role"));
        assert!(Thresholds { legal_density: f64::NAN, ..Thresholds::default() }.check().is_err());
    }
}
