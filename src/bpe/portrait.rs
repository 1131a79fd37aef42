//! What a vocabulary looks like: efficiency, coverage of characters, digits and blanks, the tokens that stand out.

use std::fmt::Write as _;

use crate::bpe::class::{CASED, CJK, Classes, LETTER, NUMBER, is_inside_character};
use crate::bpe::encode::Encoder;
use crate::bpe::tally::Tally;
use crate::bpe::vocabulary::Tokenizer;

/// The order of the entropy in Rényi efficiency: Zouhar et al., Tokenization and the Noiseless Channel, 2023 (arXiv 2306.16842).
pub const ALPHA: f64 = 2.5;

/// Rényi entropy of order [`ALPHA`] of tokens that occur so often, over the logarithm of the vocabulary's size: 1 where all are as frequent.
/// `None` without tokens, and for a vocabulary of one.
pub fn renyi_efficiency(counts: &[u64], vocabulary: usize) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if total == 0 || vocabulary < 2 {
        return None;
    }
    let sum: f64 = counts.iter().filter(|count| **count > 0).map(|&count| (count as f64 / total as f64).powf(ALPHA)).sum();
    Some(sum.ln() / (1.0 - ALPHA) / (vocabulary as f64).ln())
}

/// How tokens are made up.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Shapes {
    /// Whole characters.
    pub text: u64,
    /// Inside one character.
    pub inside_a_character: u64,
    /// Parts of two characters.
    pub across_characters: u64,
    /// Tokens with a digit.
    pub with_digits: u64,
    /// Digits of the longest token of digits alone.
    pub longest_number: usize,
    /// Tokens of white space alone.
    pub blank: u64,
    /// Characters of the longest one.
    pub longest_blank: usize,
    /// Tokens that begin with a blank and go on with something else.
    pub leading_blank: u64,
}

/// Tokens with so many characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Length {
    /// Characters; 0 for tokens that are no text.
    pub characters: usize,
    /// Tokens of the vocabulary.
    pub tokens: u64,
    /// Their occurrences.
    pub occurrences: u64,
}

/// Shapes of the ordinary tokens, and how long they are.
pub fn shapes(tokenizer: &Tokenizer, counts: &[u64]) -> (Shapes, Vec<Length>) {
    let mut shapes = Shapes::default();
    let mut lengths: Vec<Length> = Vec::new();
    for (id, token) in ordinary(tokenizer) {
        let text = std::str::from_utf8(token).ok();
        let characters = text.map_or(0, |text| text.chars().count());
        while lengths.len() <= characters {
            lengths.push(Length { characters: lengths.len(), tokens: 0, occurrences: 0 });
        }
        lengths[characters].tokens += 1;
        lengths[characters].occurrences += counts.get(id as usize).copied().unwrap_or(0);
        match text {
            None if is_inside_character(token) => shapes.inside_a_character += 1,
            None => shapes.across_characters += 1,
            Some(text) => {
                shapes.text += 1;
                let digits = text.chars().filter(|c| has(*c, NUMBER)).count();
                shapes.with_digits += u64::from(digits > 0);
                if digits == characters {
                    shapes.longest_number = shapes.longest_number.max(digits);
                }
                if text.chars().all(char::is_whitespace) {
                    shapes.blank += 1;
                    shapes.longest_blank = shapes.longest_blank.max(characters);
                } else if text.starts_with(char::is_whitespace) {
                    shapes.leading_blank += 1;
                }
            }
        }
    }
    (shapes, lengths)
}

fn has(c: char, class: u8) -> bool {
    Classes::get().of(u32::from(c)) & class != 0
}

/// The ordinary tokens with their ids.
fn ordinary(tokenizer: &Tokenizer) -> impl Iterator<Item = (u32, &[u8])> {
    (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id)).filter_map(|id| Some((id, tokenizer.token(id)?)))
}

/// What becomes of single characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Coverage {
    /// Different characters of the texts.
    pub distinct: u64,
    /// Those with a token of their own.
    pub with_token: u64,
    /// Their share of all occurrences.
    pub occurrences_with_token: Option<f64>,
    /// Tokens that a character without one becomes where it stands alone, on average over occurrences.
    pub tokens_per_other: Option<f64>,
}

/// Coverage of characters that occur so often.
pub fn coverage(tokenizer: &Tokenizer, characters: &[(char, u64)]) -> Coverage {
    let encoder = Encoder::new(tokenizer);
    let mut worker = encoder.worker();
    let (mut coverage, mut all, mut covered, mut others, mut tokens) = (Coverage::default(), 0_u64, 0_u64, 0_u64, 0_u64);
    let mut ids = Vec::new();
    for &(c, count) in characters {
        ids.clear();
        let alone = worker.encode(c.encode_utf8(&mut [0; 4]), &mut ids).is_ok();
        coverage.distinct += 1;
        all += count;
        if alone && ids.len() == 1 {
            coverage.with_token += 1;
            covered += count;
        } else {
            others += count;
            tokens += count * ids.len() as u64;
        }
    }
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    coverage.occurrences_with_token = share(covered, all);
    coverage.tokens_per_other = share(tokens, others);
    coverage
}

/// Texts that show how digits and white space are cut.
pub const PROBES: [&str; 10] =
    ["2026", "12345678", "1,234.56", "２０２６", "二〇二六年", "  x", "\n\n", "\t\t", "　　米", "ＡＩ・ＡＩーAI"];

/// A probe as the vocabulary cuts it; `None` where it has no token for a character.
pub fn probe(tokenizer: &Tokenizer, text: &str) -> Option<Vec<String>> {
    let encoder = Encoder::new(tokenizer);
    let mut ids = Vec::new();
    encoder.worker().encode(text, &mut ids).ok()?;
    Some(ids.iter().map(|&id| shown(tokenizer.token(id as u32).unwrap_or_default())).collect())
}

/// A token for people: text as it is, other bytes as `<E3>`.
pub fn shown(token: &[u8]) -> String {
    let mut out = String::new();
    for chunk in token.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "<{byte:02X}>");
        }
    }
    out
}

/// Which tokens stand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outstanding {
    /// Most characters, but for one character over and over.
    Longest,
    /// Most occurrences that straddle a morpheme.
    Straddling,
    /// One character four times or more.
    Repeated,
    /// Japanese beside Latin letters or digits.
    Mixed,
    /// Parts of two characters.
    Across,
}

/// Ids of the tokens that stand out most, `most` of them: by length, by occurrences, then by id.
pub fn outstanding(tokenizer: &Tokenizer, tally: &Tally, which: Outstanding, most: usize) -> Vec<u32> {
    let rank = |(id, token): (u32, &[u8])| -> Option<(u64, u64, u32)> {
        let text = std::str::from_utf8(token);
        let count = tally.counts[id as usize];
        let first = match (which, text) {
            (Outstanding::Longest, Ok(text)) if !is_repeated(text) => text.chars().count() as u64,
            (Outstanding::Straddling, _) => Some(tally.straddles[id as usize]).filter(|count| *count > 0)?,
            (Outstanding::Repeated, Ok(text)) if is_repeated(text) => count,
            (Outstanding::Mixed, Ok(text)) if is_mixed(text) => count,
            (Outstanding::Across, Err(_)) if !is_inside_character(token) => count,
            _ => return None,
        };
        Some((first, count, id))
    };
    let mut ranked: Vec<_> = ordinary(tokenizer).filter_map(rank).collect();
    ranked.sort_unstable_by_key(|&(first, count, id)| (std::cmp::Reverse((first, count)), id));
    ranked.truncate(most);
    ranked.into_iter().map(|(_, _, id)| id).collect()
}

fn is_repeated(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    text.chars().count() >= 4 && characters.all(|c| Some(c) == first)
}

fn is_mixed(text: &str) -> bool {
    let japanese = text.chars().any(|c| has(c, CJK) && has(c, LETTER));
    japanese && text.chars().any(|c| has(c, NUMBER | CASED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::byte_level::BYTE_ORDER;
    use crate::bpe::merge::Merge;
    use crate::bpe::pattern::Pattern;

    fn rank(byte: u8) -> u32 {
        BYTE_ORDER.iter().position(|&other| other == byte).unwrap() as u32
    }

    /// The bytes, `11`, `111`, あ, `あ1`, a blank with a, four dashes.
    fn tokenizer() -> Tokenizer {
        let merge = |left, right| Merge { left, right, count: 1 };
        let one = rank(b'1');
        let merges = [
            merge(one, one),
            merge(256, one),
            merge(rank(0xE3), rank(0x81)),
            merge(258, rank(0x82)),
            merge(259, one),
            merge(rank(b' '), rank(b'a')),
            merge(rank(b'-'), rank(b'-')),
            merge(262, 262),
        ];
        Tokenizer::from_merges(Pattern::NONE, &["<e>".to_owned()], &merges).unwrap()
    }

    #[test]
    fn efficiency_is_one_where_all_are_as_frequent() {
        assert!((renyi_efficiency(&[5, 5, 5, 5], 4).unwrap() - 1.0).abs() < 1e-12);
        // (1/2, 1/4, 1/4): ln(2^-2.5 + 2 · 4^-2.5) / -1.5 / ln 3.
        assert!((renyi_efficiency(&[2, 1, 1, 0], 3).unwrap() - 0.867_843_1).abs() < 1e-6, "{:?}", renyi_efficiency(&[2, 1, 1, 0], 3));
        assert_eq!((renyi_efficiency(&[0, 0], 2), renyi_efficiency(&[1], 1)), (None, None));
    }

    #[test]
    fn shapes_are_told() {
        let tokenizer = tokenizer();
        let mut counts = vec![0; tokenizer.len()];
        counts[257] = 3;
        let (shapes, lengths) = shapes(&tokenizer, &counts);
        assert_eq!((shapes.text, shapes.inside_a_character, shapes.across_characters), (128 + 7, 128 + 1, 0));
        assert_eq!((shapes.longest_number, shapes.leading_blank, shapes.with_digits), (3, 1, 10 + 3));
        assert_eq!(lengths[2], Length { characters: 2, tokens: 4, occurrences: 3 });
        assert_eq!(
            probe(&tokenizer, "1111あ\u{3044}"),
            Some(vec!["11".into(), "11".into(), "あ".into(), "<E3><81>".into(), "<84>".into()])
        );
    }

    #[test]
    fn characters_are_covered_or_not() {
        let coverage = coverage(&tokenizer(), &[('あ', 6), ('い', 2), ('a', 2)]);
        assert_eq!((coverage.distinct, coverage.with_token), (3, 2));
        assert_eq!((coverage.occurrences_with_token, coverage.tokens_per_other), (Some(0.8), Some(2.0)));
    }

    #[test]
    fn what_stands_out() {
        let tokenizer = tokenizer();
        let mut tally = Tally::new(&tokenizer);
        let (all, ab) = (264, 261);
        tally.document(0, "あ1----", &[ab, all], Some(&[3, 5, 8]));
        let ids = |which| outstanding(&tokenizer, &tally, which, 2);
        assert_eq!(ids(Outstanding::Longest), [258, ab as u32]);
        assert_eq!(ids(Outstanding::Repeated), [all as u32]);
        assert_eq!(ids(Outstanding::Mixed), [ab as u32]);
        assert_eq!(ids(Outstanding::Straddling), [ab as u32, all as u32]);
        assert!(ids(Outstanding::Across).is_empty());
    }
}
