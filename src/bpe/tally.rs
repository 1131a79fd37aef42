//! What a vocabulary does to documents, counted: how long its tokens are, and where their ends stand beside those of morphemes.
//!
//! A token *straddles* if a morpheme ends inside it and it begins or ends inside a morpheme; it is *clean* if it begins and ends where morphemes
//! do. Both ends of a document count as ends of morphemes, and are no boundaries.

use crate::bpe::class::is_inside_character;
use crate::bpe::vocabulary::Tokenizer;

/// Sums over documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sums {
    /// Documents.
    pub documents: u64,
    /// Code points.
    pub characters: u64,
    /// Bytes of UTF-8.
    pub bytes: u64,
    /// Tokens.
    pub tokens: u64,
    /// Tokens that lie inside a character.
    pub inside_character: u64,
    /// Tokens that hold parts of two characters.
    pub across_characters: u64,
    /// Morphemes that are not white space.
    pub morphemes: u64,
    /// Boundaries between tokens, in documents with morphemes, as all that follows.
    pub token_boundaries: u64,
    /// Boundaries between morphemes.
    pub morpheme_boundaries: u64,
    /// Both.
    pub common_boundaries: u64,
    /// Tokens that straddle.
    pub straddling: u64,
    /// Clean tokens.
    pub clean: u64,
    /// Tokens that were compared with morphemes.
    pub compared: u64,
}

impl Sums {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.documents += other.documents;
        self.characters += other.characters;
        self.bytes += other.bytes;
        self.tokens += other.tokens;
        self.inside_character += other.inside_character;
        self.across_characters += other.across_characters;
        self.morphemes += other.morphemes;
        self.token_boundaries += other.token_boundaries;
        self.morpheme_boundaries += other.morpheme_boundaries;
        self.common_boundaries += other.common_boundaries;
        self.straddling += other.straddling;
        self.clean += other.clean;
        self.compared += other.compared;
    }
}

/// Where a token stands first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Example {
    /// Number of the document.
    #[serde(skip)]
    pub document: u64,
    /// Some characters before it.
    pub before: String,
    /// The characters that it is made of, or that it holds parts of.
    pub token: String,
    /// Some characters behind it.
    pub after: String,
}

/// Characters of an example on either side.
const AROUND: usize = 12;

/// Counts by token. Tallies of parts of a corpus add up to that of the whole, in any order.
#[derive(Debug, Clone)]
pub struct Tally {
    lengths: Vec<u32>,
    partial: Vec<Partial>,
    /// Occurrences.
    pub counts: Vec<u64>,
    /// Documents with the token.
    pub documents: Vec<u64>,
    /// Occurrences that straddle.
    pub straddles: Vec<u64>,
    /// The first occurrence.
    pub examples: Vec<Option<Example>>,
    /// One more than the number of the last document with the token.
    last: Vec<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partial {
    Whole,
    Inside,
    Across,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        let tokens = (0..tokenizer.len() as u32).map(|id| tokenizer.token(id).unwrap_or_default());
        let partial = |token: &[u8]| match token {
            _ if std::str::from_utf8(token).is_ok() => Partial::Whole,
            _ if is_inside_character(token) => Partial::Inside,
            _ => Partial::Across,
        };
        let (lengths, partial): (Vec<u32>, Vec<Partial>) = tokens.map(|token| (token.len() as u32, partial(token))).unzip();
        let n = lengths.len();
        Self {
            lengths,
            partial,
            counts: vec![0; n],
            documents: vec![0; n],
            straddles: vec![0; n],
            examples: vec![None; n],
            last: vec![0; n],
        }
    }

    /// Counts a document: `ids` are its tokens, `ends` the byte ends of its morphemes, which tile it. Numbers of documents differ.
    pub fn document(&mut self, number: u64, text: &str, ids: &[i32], ends: Option<&[u32]>) -> Sums {
        let mut sums = Sums { documents: 1, bytes: text.len() as u64, tokens: ids.len() as u64, ..Sums::default() };
        sums.characters = text.chars().count() as u64;
        let ends = ends.filter(|ends| !ends.is_empty());
        if let Some(ends) = ends {
            sums.morphemes = words(text, ends);
            sums.morpheme_boundaries = ends.len() as u64 - 1;
            sums.token_boundaries = (ids.len() as u64).saturating_sub(1);
            sums.compared = ids.len() as u64;
        }
        let mut morphemes = ends.unwrap_or_default().iter().copied().peekable();
        let (mut start, mut starts_clean) = (0_u32, true);
        for &id in ids {
            let id = id as usize;
            let end = start + self.lengths[id];
            match self.partial[id] {
                Partial::Whole => {}
                Partial::Inside => sums.inside_character += 1,
                Partial::Across => sums.across_characters += 1,
            }
            if ends.is_some() {
                let mut inside = false;
                while morphemes.next_if(|&morpheme| morpheme < end).is_some() {
                    inside = true;
                }
                let ends_clean = morphemes.peek().is_none_or(|&morpheme| morpheme == end);
                morphemes.next_if(|&morpheme| morpheme == end);
                sums.common_boundaries += u64::from(ends_clean && (end as usize) < text.len());
                sums.clean += u64::from(starts_clean && ends_clean);
                if inside && !(starts_clean && ends_clean) {
                    sums.straddling += 1;
                    self.straddles[id] += 1;
                }
                starts_clean = ends_clean;
            }
            self.token(number, text, id, start as usize, end as usize);
            start = end;
        }
        sums
    }

    fn token(&mut self, number: u64, text: &str, id: usize, start: usize, end: usize) {
        self.counts[id] += 1;
        if self.last[id] != number + 1 {
            self.last[id] = number + 1;
            self.documents[id] += 1;
            if self.examples[id].as_ref().is_none_or(|example| example.document > number) {
                self.examples[id] = Some(example(number, text, start, end));
            }
        }
    }

    /// Adds what another counted of other documents.
    pub fn add(&mut self, other: Self) {
        let sum = |ours: &mut [u64], theirs: &[u64]| ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += theirs);
        sum(&mut self.counts, &other.counts);
        sum(&mut self.documents, &other.documents);
        sum(&mut self.straddles, &other.straddles);
        for (ours, theirs) in self.examples.iter_mut().zip(other.examples) {
            if theirs.as_ref().is_some_and(|theirs| ours.as_ref().is_none_or(|ours| theirs.document < ours.document)) {
                *ours = theirs;
            }
        }
    }
}

/// Morphemes that are not white space.
fn words(text: &str, ends: &[u32]) -> u64 {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let parts = starts.zip(ends).map(|(start, &end)| text.get(start as usize..end as usize).unwrap_or_default());
    parts.filter(|part| !part.trim().is_empty()).count() as u64
}

fn example(document: u64, text: &str, start: usize, end: usize) -> Example {
    let floor = |at: usize| (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let ceil = |at: usize| (at..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    let (start, end) = (floor(start), ceil(end));
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let before = part(0, start).char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    Example {
        document,
        before: part(before, start).to_owned(),
        token: part(start, end).to_owned(),
        after: part(end, text.len()).chars().take(AROUND).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::pattern::Pattern;
    use crate::bpe::vocabulary::Alphabet;

    /// Tokens: a, b, c, ab, bc; and the bytes of あ apart and across.
    fn tokenizer() -> Tokenizer {
        let tokens: [&[u8]; 8] = [b"a", b"b", b"c", b"ab", b"bc", b"\xe3\x81", b"\x82", b"\x82a"];
        let tokens: Vec<(u32, Vec<u8>)> = (0..).zip(tokens.map(<[u8]>::to_vec)).collect();
        Tokenizer::new(Pattern::NONE, Alphabet::Bytes, &tokens, &[], Vec::new()).unwrap()
    }

    #[test]
    fn boundaries_are_compared() {
        let mut tally = Tally::new(&tokenizer());
        // Tokens ab|c|ab, morphemes a|bc|ab: ab straddles, c is neither, the last ab is clean.
        let sums = tally.document(0, "abcab", &[3, 2, 3], Some(&[1, 3, 5]));
        assert_eq!((sums.straddling, sums.clean, sums.compared), (1, 1, 3));
        assert_eq!((sums.token_boundaries, sums.morpheme_boundaries, sums.common_boundaries, sums.morphemes), (2, 2, 1, 3));
        assert_eq!((tally.straddles[3], tally.counts[3], tally.documents[3]), (1, 2, 1));
        // A token of two whole morphemes is clean.
        let sums = tally.document(1, "ab", &[3], Some(&[1, 2]));
        assert_eq!((sums.straddling, sums.clean, sums.common_boundaries, sums.token_boundaries), (0, 1, 0, 0));
        // Blanks are no morphemes that count, and a document may be empty.
        assert_eq!(words("a \n", &[1, 3]), 1);
        assert_eq!(tally.document(2, "", &[], Some(&[])), Sums { documents: 1, ..Sums::default() });
    }

    #[test]
    fn parts_of_characters_are_told() {
        let mut tally = Tally::new(&tokenizer());
        let sums = tally.document(0, "あa", &[5, 7], None);
        assert_eq!((sums.characters, sums.inside_character, sums.across_characters, sums.compared), (2, 1, 1, 0));
        let example = tally.examples[7].clone().unwrap();
        assert_eq!((example.before.as_str(), example.token.as_str(), example.after.as_str()), ("", "あa", ""));
    }

    #[test]
    fn parts_add_up_in_any_order() {
        let documents: [(&str, &[i32]); 3] = [("abc", &[3, 2]), ("aab", &[0, 3]), ("cab", &[2, 3])];
        let tally = |numbers: &[usize]| {
            let mut tally = Tally::new(&tokenizer());
            for &number in numbers {
                tally.document(number as u64, documents[number].0, documents[number].1, None);
            }
            tally
        };
        let whole = tally(&[0, 1, 2]);
        for (one, other) in [(&[0][..], &[1, 2][..]), (&[2, 1], &[0]), (&[1], &[2, 0])] {
            let mut sum = tally(one);
            sum.add(tally(other));
            assert_eq!((&sum.counts, &sum.documents, &sum.examples), (&whole.counts, &whole.documents, &whole.examples));
        }
        assert_eq!(whole.examples[3].as_ref().unwrap().document, 0);
    }
}
