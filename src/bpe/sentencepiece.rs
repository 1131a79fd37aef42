//! A vocabulary as a model of Google's SentencePiece (BPE with byte fallback).
//!
//! SentencePiece has no pattern, starts from characters, and joins any neighbours that together are a piece, the highest score first; a
//! character without a piece becomes single bytes. With the rank as score that gives our ids under the conditions of
//! [`tiktoken`](crate::bpe::tiktoken) and three more: no pattern cuts the text; a token is whole characters or lies inside one; a merge comes
//! after those that make its sides. Then whatever merges inside a character merges as if the character stood alone, and no merge of two
//! characters could have come first. What is left are characters without a token of their own: here two of their bytes may have merged.

use crate::bpe::class::is_inside_character;
use crate::bpe::merge_ranks::MergeRanks;
use crate::bpe::pattern::Published;
use crate::bpe::ranked::Ranked;
use crate::bpe::vocabulary::Tokenizer;

/// A model.
#[derive(Debug, Clone, PartialEq)]
pub struct SentencePiece {
    /// The file: a `ModelProto` of protocol buffers.
    pub model: Vec<u8>,
    /// Pieces of it. Those from the vocabulary's size on have ids that no text gets: ASCII bytes once more, and the unknown piece.
    pub pieces: usize,
    /// The first character that gets other ids than here, if there is one: it has no token, and some of its bytes merge here.
    pub other: Option<char>,
}

/// Kinds of piece in a `ModelProto`.
const NORMAL: u64 = 1;
const UNKNOWN: u64 = 2;
const CONTROL: u64 = 3;
const BYTE: u64 = 6;

/// Writes a model; `eos` and `pad` are special tokens.
///
/// # Errors
/// One sentence if SentencePiece could give other ids to a text whose characters all have tokens.
pub fn sentencepiece(tokenizer: &Tokenizer, eos: Option<&str>, pad: Option<&str>) -> Result<SentencePiece, String> {
    if tokenizer.pattern().published != Published::None {
        return Err("the vocabulary has a pattern that cuts text before tokens are merged, and SentencePiece has none".to_owned());
    }
    if let Some(token) = first_cut(tokenizer) {
        return Err(format!("the pattern of the vocabulary cuts the token {token:?}, and SentencePiece would not"));
    }
    let ranked = Ranked::of(tokenizer)?;
    let mut model = Message::default();
    let mut names = rustc_hash::FxHashSet::default();
    let mut add = |name: String, score: u32, kind: u64| {
        let mut piece = Message::default();
        piece.bytes(1, name.as_bytes());
        piece.float(2, -(score as f32));
        piece.number(3, kind);
        model.bytes(1, &piece.0);
        if names.insert(name.clone()) { Ok(()) } else { Err(format!("two pieces would be called {name:?}")) }
    };
    for id in 0..tokenizer.len() as u32 {
        let token = tokenizer.token(id).unwrap_or_default();
        let rank = ranked.rank(id);
        match (std::str::from_utf8(token), token) {
            (Ok(text), [_, ..]) if tokenizer.is_special(id) => add(text.to_owned(), 0, CONTROL)?,
            // SentencePiece takes no piece of a NUL, but its byte.
            (_, [byte]) if !byte.is_ascii() || *byte == 0 => add(byte_name(*byte), 0, BYTE)?,
            (Ok(text), [_]) => add(text.to_owned(), id, NORMAL)?,
            (Ok(text), [_, ..]) if rank.is_some() => add(text.to_owned(), id, NORMAL)?,
            (Err(_), [_, ..]) if !is_inside_character(token) => {
                return Err(format!("token {id} holds parts of two characters (tokenizer.whole_characters = false)"));
            }
            // What no text is encoded to, and what lies inside a character, can be no piece; the place is kept.
            _ => add(format!("<unused{id}>"), 0, CONTROL)?,
        }
    }
    ranked.sides_come_first(tokenizer)?;
    for byte in 1..0x80 {
        add(byte_name(byte), 0, BYTE)?;
    }
    add("<unk>".to_owned(), 0, UNKNOWN)?;
    let pieces = names.len();
    let unknown = pieces as u64 - 1;
    let mut trainer = Message::default();
    for (field, value) in [(3, 2), (4, pieces as u64), (35, 1), (40, unknown)] {
        trainer.number(field, value);
    }
    trainer.bytes(45, b"<unk>");
    for (field, special) in [(47, eos), (48, pad)] {
        if let Some(special) = special {
            trainer.bytes(field, special.as_bytes());
        }
    }
    let mut normalizer = Message::default();
    normalizer.bytes(1, b"identity");
    // No blank before the text, none removed, none written as U+2581.
    for field in 3..=5 {
        normalizer.number(field, 0);
    }
    model.bytes(2, &trainer.0);
    model.bytes(3, &normalizer.0);
    Ok(SentencePiece { model: model.0, pieces, other: first_other(tokenizer, &ranked) })
}

fn byte_name(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

/// The first character whose bytes become neither one token nor as many as they are.
fn first_other(tokenizer: &Tokenizer, ranked: &Ranked) -> Option<char> {
    let merges = MergeRanks::new(tokenizer);
    let tokens = |c: &char| ranked.encode(c.encode_utf8(&mut [0; 4]).as_bytes(), &merges).0.len();
    ('\u{80}'..=char::MAX).find(|c| !matches!(tokens(c), 1) && tokens(c) < c.len_utf8())
}

/// A message of protocol buffers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.varint(field << 3 | 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }
}

/// A token that the pattern cuts. Where there is none, nothing that is merged lies across a cut, and it makes no difference that SentencePiece
/// does not cut.
fn first_cut(tokenizer: &Tokenizer) -> Option<&str> {
    let ids = (0..tokenizer.len() as u32).filter(|&id| !tokenizer.is_special(id));
    let tokens = ids.filter_map(|id| std::str::from_utf8(tokenizer.token(id)?).ok());
    let is_cut = |token: &&str| {
        let mut is_cut = false;
        tokenizer.pattern().for_each_pre_token(token, |_, end| is_cut |= end < token.len());
        is_cut
    };
    { tokens }.find(is_cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpe::merge::Merge;
    use crate::bpe::pattern::Pattern;

    fn rank(byte: u8) -> u32 {
        crate::bpe::byte_level::BYTE_ORDER.iter().position(|&other| other == byte).unwrap() as u32
    }

    /// あ is E3 81 82: its first two bytes merge, then the third.
    fn tokenizer(pattern: Pattern, merges: &[(u32, u32)]) -> Tokenizer {
        let merges: Vec<Merge> = merges.iter().map(|&(left, right)| Merge { left, right, count: 1 }).collect();
        Tokenizer::from_merges(pattern, &["</s>".to_owned()], &merges).unwrap()
    }

    #[test]
    fn pieces_have_our_ids() {
        let made = sentencepiece(&tokenizer(Pattern::NONE, &[(rank(b'a'), rank(b'b'))]), Some("</s>"), None).unwrap();
        assert_eq!((made.pieces, made.other), (1 + 256 + 1 + 127 + 1, None));
        // The first two pieces: `</s>`, score −0, CONTROL; `!`, score −1, NORMAL.
        assert_eq!(made.model[..15], *b"\x0a\x0d\x0a\x04</s>\x15\0\0\0\x80\x18\x03");
        assert_eq!(made.model[15..27], *b"\x0a\x0a\x0a\x01!\x15\0\0\x80\xbf\x18\x01");
    }

    #[test]
    fn a_character_without_a_token_is_named() {
        let half = [(rank(0xE3), rank(0x81))];
        assert_eq!(sentencepiece(&tokenizer(Pattern::NONE, &half), None, None).unwrap().other, Some('\u{3040}'));
        let whole = [half[0], (256, rank(0x82))];
        let made = sentencepiece(&tokenizer(Pattern::NONE, &whole), None, None).unwrap();
        assert_eq!(made.other, Some('\u{3040}'), "あ itself is a piece");
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let refusal = |pattern, merges: &[(u32, u32)]| sentencepiece(&tokenizer(pattern, merges), None, None).unwrap_err();
        let digits = [(rank(b'1'), rank(b'2'))];
        assert!(refusal(Pattern::NONE.with_single_digits(), &digits).contains("cuts the token \"12\""));
        assert!(sentencepiece(&tokenizer(Pattern::NONE.with_single_digits(), &[(rank(b'a'), rank(b'b'))]), None, None).is_ok());
        assert!(refusal(Pattern::DEEPSEEK_V3, &[]).contains("pattern"));
        assert!(refusal(Pattern::NONE, &[(rank(0x82), rank(0xE3))]).contains("two characters"));
    }
}
