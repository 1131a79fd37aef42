//! What the morphemes of a document say: grammar, and how many different words it has.
//!
//! *Words* are morphemes that are no gap, symbol or number. *Grammar*: particles, verbs and adjectives, which running
//! Japanese cannot do without and lists of keywords do. Statutes of the Meiji era write particles and endings in katakana, which a
//! modern dictionary does not know: such a morpheme counts too. *Content words*: words without particles and auxiliaries.

use std::hash::Hasher;

use rustc_hash::{FxHashSet, FxHasher};

use super::seen::Seen;
use crate::morpheme::PosTable;

/// Content words in a window.
const WINDOW: usize = 200;
/// Content words in the last window, at most.
const LAST_MAX: usize = 300;
/// Bytes of the longest of [`KATAKANA`].
const KATAKANA_MAX: usize = 15;
/// Particles and endings as old statutes write them.
const KATAKANA: &str = "ア カ ガ キ ク ケ コト コトヲ サ ザル シ シタル シテ ス スヘシ スル スルコトヲ スルトキハ セ セラ \
    ソ タ タル ツ テ テハ デ ト トキハ トシ トス ナ ナシ ナリ ナル ニ ニシ ニシテ ニハ ノ ノミ ハ バ \
    フ ブ ヘ ヘシ ベシ マ ミ ム メ モ モノ ヤ ユ ヨ ヨリ ラ リ ル ルコトヲ ルトキハ レ ヲ";

/// What a part of speech counts as: a sum of the bits below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind(u8);

impl Kind {
    const MORPHEME: u8 = 1;
    const NOUN: u8 = 2;
    const WORD: u8 = 4;
    const GRAMMAR: u8 = 8;
    const CONTENT: u8 = 16;

    fn has(self, bit: u8) -> u32 {
        u32::from(self.0 & bit != 0)
    }
}

/// The morphemes of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Words {
    /// Morphemes, gaps not counted.
    pub n: u32,
    /// Nouns among them, numbers included.
    pub nouns: u32,
    /// Words: without symbols and numbers.
    pub real: u32,
    /// Particles, verbs and adjectives among them.
    pub grammar: u32,
    /// Different content words in their window / content words.
    pub vocabulary: Option<f32>,
}

/// Counts words; one a thread.
#[derive(Debug)]
pub(super) struct WordCounter {
    kinds: Vec<Kind>,
    /// Hashes of [`KATAKANA`].
    katakana: FxHashSet<u64>,
    /// Hashes of the content words of the window.
    content: Vec<u64>,
    seen: Seen,
}

impl WordCounter {
    /// For the parts of speech of one dictionary.
    pub(super) fn new(table: &PosTable) -> Self {
        let kinds = (0..table.tuples.len()).map(|id| kind(table, id as u16)).collect();
        let katakana = KATAKANA.split(' ').map(|word| hash(word.as_bytes())).collect();
        Self { kinds, katakana, content: Vec::with_capacity(LAST_MAX), seen: Seen::default() }
    }

    /// Counts the morphemes of `text` with these byte ends and POS ids.
    pub(super) fn count(&mut self, text: &str, ends: &[u32], pos: &[u16]) -> Words {
        let mut words = Words::default();
        let (mut start, mut all, mut distinct) = (0, 0, 0);
        self.content.clear();
        for (end, id) in ends.iter().zip(pos) {
            let kind = self.kinds.get(usize::from(*id)).copied().unwrap_or(OTHER);
            let word = text.as_bytes().get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            words.n += kind.has(Kind::MORPHEME);
            words.nouns += kind.has(Kind::NOUN);
            words.real += kind.has(Kind::WORD);
            words.grammar += kind.has(Kind::GRAMMAR);
            if kind.has(Kind::CONTENT) == 0 {
                continue;
            }
            let hash = hash(word);
            // Katakana begin with E3 82 or E3 83.
            if matches!(word, [0xe3, 0x82 | 0x83, ..]) && word.len() <= KATAKANA_MAX && self.katakana.contains(&hash) {
                words.grammar += 1 - kind.has(Kind::GRAMMAR);
            }
            self.content.push(hash);
            if self.content.len() == LAST_MAX {
                (all, distinct) = (all + WINDOW, distinct + self.distinct(WINDOW));
                self.content.drain(..WINDOW);
            }
        }
        all += self.content.len();
        distinct += self.distinct(self.content.len());
        words.vocabulary = (all > 0).then(|| distinct as f32 / all as f32);
        words
    }

    /// How many of the first `n` content words differ.
    fn distinct(&mut self, n: usize) -> usize {
        self.seen.clear();
        self.content.iter().take(n).filter(|hash| self.seen.insert(**hash)).count()
    }
}

/// Adverbs, adnominals, interjections.
const OTHER: Kind = Kind(Kind::MORPHEME | Kind::WORD | Kind::CONTENT);

/// Unknown symbols are nouns to IPADIC (名詞,サ変接続), but not to us.
fn kind(table: &PosTable, id: u16) -> Kind {
    if id == PosTable::GAP {
        return Kind(0);
    }
    if table.unknown_category(id) == Some("SYMBOL") {
        return Kind(Kind::MORPHEME);
    }
    match (table.field(id, 0), table.field(id, 1)) {
        ("記号" | "補助記号" | "空白", _) => Kind(Kind::MORPHEME),
        ("名詞", "数" | "数詞") => Kind(Kind::MORPHEME | Kind::NOUN),
        ("名詞" | "代名詞", _) => Kind(OTHER.0 | Kind::NOUN),
        ("動詞" | "形容詞", _) => Kind(OTHER.0 | Kind::GRAMMAR),
        ("助詞", _) => Kind(Kind::MORPHEME | Kind::WORD | Kind::GRAMMAR),
        ("助動詞", _) => Kind(Kind::MORPHEME | Kind::WORD),
        _ => OTHER,
    }
}

fn hash(word: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(word);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> PosTable {
        let tuple = |pos: &[&str]| pos.iter().map(|field| (*field).to_owned()).collect();
        let tuples = [&[][..], &["名詞"], &["助詞"], &["名詞"], &["動詞"], &["名詞", "数"], &["助動詞"], &["記号"]].map(tuple).to_vec();
        let unknown = (0..tuples.len()).map(|id| (id == 3).then(|| "SYMBOL".to_owned())).collect();
        PosTable { tuples, unknown }
    }

    /// Words given as `surface/id`.
    fn count(tagged: &str) -> Words {
        let (mut text, mut ends, mut pos) = (String::new(), Vec::new(), Vec::new());
        for word in tagged.split(' ') {
            let (surface, id) = word.split_once('/').unwrap();
            text.push_str(surface);
            ends.push(text.len() as u32);
            pos.push(id.parse().unwrap());
        }
        WordCounter::new(&table()).count(&text, &ends, &pos)
    }

    #[test]
    fn words_and_grammar() {
        let words = count("猫/1 が/2 三/5 匹/1 鳴い/4 た/6 ★/3 。/7 \n/0 猫/1");
        assert_eq!((words.n, words.nouns, words.real, words.grammar), (9, 4, 6, 2));
        assert_eq!(words.vocabulary, Some(0.75), "猫 匹 鳴い 猫");
    }

    #[test]
    fn old_statutes_have_grammar() {
        assert_eq!(count("本/1 法/1 ノ/1 規定/1 ニ/1 依/1 リ/1 コピー/1").grammar, 3);
    }

    #[test]
    fn no_known_katakana_is_longer_than_said() {
        assert!(
            KATAKANA.split(' ').all(|word| (3..=KATAKANA_MAX).contains(&word.len()) && word.starts_with(|c| ('ァ'..='ヺ').contains(&c)))
        );
    }

    #[test]
    fn vocabulary_by_windows() {
        assert_eq!(WordCounter::new(&table()).count("", &[], &[]), Words::default());
        let of = |n: usize, types: usize| {
            let tagged: Vec<String> = (0..n).map(|i| format!("語{}/1", i % types)).collect();
            count(&tagged.join(" ")).vocabulary
        };
        assert_eq!(of(299, 50), Some(50. / 299.));
        assert_eq!(of(300, 50), Some(100. / 300.), "windows of 200 and 100");
        assert_eq!(of(1_000, 1_000), Some(1.));
    }
}
