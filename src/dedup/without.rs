//! A text without some of its spans: what is compared when formulae that many documents share are left out.

use std::borrow::Cow;

/// `text` without the bytes between the starts and ends that `spans` names in turn, in order. A span that does not fit the text, or
/// begins before the last one ends, stays in it.
///
/// ```
/// # use seimai::dedup::without::without;
/// assert_eq!(without("拝啓　米です。", &[0, 6]), "　米です。");
/// ```
pub fn without<'a>(text: &'a str, spans: &[u32]) -> Cow<'a, str> {
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for &[start, end] in spans.as_chunks::<2>().0 {
        let (start, end) = (start as usize, end as usize);
        let (Some(before), Some(_)) = (text.get(at..start), text.get(start..end)) else { continue };
        kept.push_str(before);
        at = end;
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_do_not_fit_stay() {
        let text = "あいうえお";
        for (spans, left) in [
            (&[][..], text),
            (&[3, 6][..], "あうえお"),
            (&[0, 3, 6, 9], "いえお"),
            (&[0, 15], ""),
            (&[3, 6, 6, 15], "あ"),
            (&[1, 6], text),
            (&[6, 3], text),
            (&[3, 9, 6, 12], "あえお"),
            (&[12, 18], text),
            (&[0, 3, 6], "いうえお"),
            (&[15, 15], text),
        ] {
            assert_eq!(without(text, spans), left, "{spans:?}");
        }
    }
}
