//! Whatever the text holds: spans are in order, apart and on character boundaries, do not depend on lines before and behind, and take
//! linear time.

use proptest::prelude::*;

use super::super::kind::Span;
use super::super::mask::{mask, mask_ends};
use super::golden::found;

/// Pieces that meet each other in every way.
fn piece() -> impl Strategy<Value = String> {
    const PIECES: [&str; 44] = [
        "03-1234-5678",
        "０９０",
        "1234",
        "5678",
        "-",
        "ー",
        "（",
        "）",
        "(",
        ")",
        " ",
        "　",
        "+81",
        "〒",
        "100-0001",
        "電話",
        "番号",
        "：",
        "taro@example.jp",
        "@",
        "＠",
        "[at]",
        "アット",
        ".",
        "example",
        "jp",
        "東京都",
        "千代田区",
        "霞が関",
        "1-2-3",
        "一丁目",
        "番地",
        "号",
        "生年月日",
        "1990年4月1日",
        "生まれ",
        "昭和",
        "マイナンバー",
        "1234 5678 9018",
        "4111-1111-1111-1111",
        "普通",
        "銀行",
        "2001:db8::1",
        "203.0.113.5",
    ];
    prop_oneof![4 => proptest::sample::select(PIECES.to_vec()).prop_map(str::to_owned), 1 => "[\\PC\n]{0,4}", 1 => "[0-9０-９〇一二三.:/@ー－-]{1,12}"]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn spans_are_in_order_apart_and_on_characters(text in text()) {
        let mut at = 0;
        for span in found(&text) {
            prop_assert!(span.start >= at && span.start < span.end, "{span:?}");
            prop_assert!(text.get(span.start..span.end).is_some(), "{span:?}");
            at = span.end;
        }
    }

    #[test]
    fn other_paragraphs_do_not_matter(before in text(), text in text(), behind in text()) {
        let moved = |spans: Vec<Span>, by: usize| spans.into_iter().map(|span| Span { start: span.start + by, end: span.end + by, ..span }).collect::<Vec<_>>();
        let from = before.len() + 2;
        let joined = found(&format!("{before}\n\n{text}\n\n{behind}"));
        let inside: Vec<Span> = joined.into_iter().filter(|span| span.start >= from && span.end <= from + text.len()).collect();
        prop_assert_eq!(inside, moved(found(&text), from));
    }

    #[test]
    fn morphemes_tile_the_masked_text(text in text(), every in 1_usize..5) {
        let ends: Vec<u32> = text.char_indices().map(|(i, c)| i + c.len_utf8()).enumerate().filter(|(n, end)| n % every == 0 || *end == text.len()).map(|(_, end)| end as u32).collect();
        let spans = found(&text);
        let (mut out, mut moved) = (String::new(), Vec::new());
        mask(&text, &spans, &mut out);
        mask_ends(&ends, &spans, &mut moved);
        prop_assert!(moved.is_sorted_by(|a, b| a < b) && moved.iter().all(|&end| out.is_char_boundary(end as usize)));
        prop_assert_eq!(moved.last().map_or(0, |&end| end as usize), out.len());
        let mut growth = 0_i64;
        for span in spans {
            let start = (span.start as i64 + growth) as u32;
            let end = start + span.kind.placeholder().len() as u32;
            prop_assert!(start == 0 || moved.contains(&start));
            let next = moved.iter().find(|&&moved| moved > start).copied();
            prop_assert_eq!(next, Some(end), "a placeholder is one morpheme");
            growth += span.kind.placeholder().len() as i64 - (span.end - span.start) as i64;
        }
    }
}

/// A step that looks back or ahead without a limit would take hours here.
#[test]
fn hostile_texts_take_linear_time() {
    const PATTERNS: [&str; 30] = [
        "1",
        "１",
        "0",
        "1-",
        "090-",
        "03(",
        "+81-",
        "@",
        "a@",
        "a@b.",
        "a.",
        "[at]",
        "a[dot]",
        "（アット）",
        "〒",
        "〒1",
        "東京都",
        "東",
        "町",
        "一",
        "一丁目",
        "1丁目",
        "番地",
        "東京都千代田区",
        "2001:",
        "1.",
        "::",
        "生年月日",
        "日生",
        "電話 ",
    ];
    for pattern in PATTERNS {
        let text = pattern.repeat(100_000 / pattern.len());
        found(&text);
        found(&format!("{text}@example.jp"));
    }
}
