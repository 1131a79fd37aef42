//! Any bytes as a vocabulary of SentencePiece, as `tokenizer.json`, as settings in JSON, as a template, a page and a card.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seimai::pipeline::vet::card::Card;
use seimai::pipeline::vet::{active, page, sentencepiece, settings, spdx, vocabulary};

fuzz_target!(|bytes: &[u8]| {
    let _ = (sentencepiece::check(&bytes), vocabulary::check(bytes), settings::read(bytes));
    let _ = (page::acts(bytes), active::program(bytes), page::is_page(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Some((at, _)) = active::reaches(text) {
            assert!(text.get(at..).is_some());
        }
        let _ = (Card::read(&format!("---\n{text}\n---\n")), spdx::is_allowed(text, &["MIT".to_owned()], &[]));
    }
});
