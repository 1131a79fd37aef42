//! Lines of a text, as they are compared: a hash of the view of each.
//!
//! A line goes to its line feed, carriage return, or both, and holds it. Lines whose view has fewer than ten code points are none that are
//! compared: headings, dates and short answers are the same in many documents, and are no furniture.

use memchr::memchr2;

use crate::dedup::view;

/// Enters fingerprints: raise it when other lines are cut from the same texts.
pub const VERSION: u32 = 1;

/// The least code points of a line's view.
const VIEW_MIN: usize = 10;

/// A line that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Bytes of the text before it.
    pub start: usize,
    /// Bytes of the text up to its end; what ends it is its own.
    pub end: usize,
    /// Hash of its view.
    pub hash: u64,
}

/// Calls `visit` with each line of `text` that is compared, in order; `view` is scratch.
pub fn each_line(text: &str, view: &mut Vec<u32>, visit: &mut dyn FnMut(Line)) {
    each_span(text, &mut |start, end| {
        // `end` is behind a line end or the text's: both are boundaries of characters.
        view::fold(text.get(start..end).unwrap_or_default(), view);
        if view.len() >= VIEW_MIN {
            visit(Line { start, end, hash: hash(view) });
        }
        if view.capacity() > view::BUFFER_KEPT {
            *view = Vec::new();
        }
    });
}

/// Calls `visit` with start and end of each line; together they are the text.
fn each_span(text: &str, visit: &mut dyn FnMut(usize, usize)) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let mark = memchr2(b'\n', b'\r', &bytes[start..]).map(|at| start + at);
        let end = match mark {
            None => bytes.len(),
            Some(at) if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') => at + 2,
            Some(at) => at + 1,
        };
        visit(start, end);
        start = end;
    }
}

/// Multipliers: fractional digits of √2 and √3.
const K: [u64; 2] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b];

/// The hash of a view: two code points a step, multiplied to 128 bits whose halves are put together. No machine gives another.
#[must_use]
pub fn hash(view: &[u32]) -> u64 {
    let step = |state: u64, word: u64| {
        let product = u128::from(state ^ word ^ K[0]) * u128::from(K[1] | 1);
        (product as u64 ^ (product >> 64) as u64).wrapping_add(word)
    };
    let (pairs, last) = view.as_chunks::<2>();
    let state = pairs.iter().fold(view.len() as u64, |state, &[a, b]| step(state, u64::from(a) | u64::from(b) << 32));
    let state = last.iter().fold(state, |state, &code| step(state, u64::from(code)));
    step(state, K[0] >> 1)
}

/// What a document's lines are counted with: the host of its address, or where it has none its source.
#[must_use]
pub fn group(url: Option<&str>, source: &str) -> u64 {
    let (kind, name) = match url.and_then(host) {
        Some(host) => (b"h", host.to_ascii_lowercase()),
        None => (b"s", source.to_owned()),
    };
    let digest = blake3::Hasher::new().update(kind).update(name.as_bytes()).finalize();
    digest.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// The host of an address, without `www.`, port and what else stands beside it.
fn host(url: &str) -> Option<&str> {
    let (scheme, rest) = url.trim().split_once("//")?;
    let is_scheme = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !(scheme.is_empty() || scheme.strip_suffix(':').is_some_and(is_scheme)) {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let without_port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = without_port.map_or(host, |(host, _)| host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let bare = host.get(..4).filter(|www| www.eq_ignore_ascii_case("www.")).and_then(|_| host.get(4..)).unwrap_or(host);
    (!bare.is_empty()).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(&str, u64)> {
        let mut all = Vec::new();
        each_line(text, &mut Vec::new(), &mut |line| all.push((text.get(line.start..line.end).unwrap(), line.hash)));
        all
    }

    #[test]
    fn a_line_holds_its_end_and_the_text_is_tiled() {
        let text = "一\r\n\n二\r三\n\r\n四";
        let mut spans = Vec::new();
        each_span(text, &mut |start, end| spans.push(text.get(start..end).unwrap()));
        assert_eq!(spans, ["一\r\n", "\n", "二\r", "三\n", "\r\n", "四"]);
        each_span("", &mut |_, _| panic!("no line"));
    }

    #[test]
    fn lines_are_compared_by_their_views() {
        let text = "無断転載を禁じます。ABC\r\n無断転載を禁じますＡＢＣ\n短い行。\n、、、、、、、、、、、、\n無断転載を禁じますABD";
        let found = lines(text);
        assert_eq!(
            found.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
            ["無断転載を禁じます。ABC\r\n", "無断転載を禁じますＡＢＣ\n", "無断転載を禁じますABD"]
        );
        assert!(found[0].1 == found[1].1 && found[1].1 != found[2].1);
        // Ten are enough, and nine are not.
        assert_eq!((lines("一二三四五六七八九十").len(), lines("一二三四五六七八九、").len()), (1, 0));
    }

    #[test]
    fn hashes_are_the_same_everywhere_and_see_order_and_length() {
        assert_eq!(hash(&[0x7c73; 12]), 15_953_378_622_607_532_031);
        let all = [&[1, 2, 3, 4][..], &[1, 2, 4, 3], &[3, 4, 1, 2], &[1, 2, 3], &[1, 2, 3, 0], &[0, 0], &[0, 0, 0], &[]];
        let hashes: std::collections::BTreeSet<u64> = all.iter().map(|view| hash(view)).collect();
        assert_eq!(hashes.len(), all.len());
    }

    #[test]
    fn groups_are_hosts_and_else_sources() {
        let same = |a: &str, b: &str| group(Some(a), "s") == group(Some(b), "t");
        for (a, b) in [
            ("https://www.example.org/a", "http://EXAMPLE.org:8080?b"),
            ("//example.org", "https://user@example.org./#x"),
            ("https://[::1]:80/", "http://[::1]/a"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in
            [("https://a.example.org/", "https://example.org/"), ("example.org/a", "https://example.org/"), ("mailto:a", "b"), ("", " ")]
        {
            assert!(!same(a, b), "{a} {b}");
        }
        assert_eq!(group(None, "s"), group(Some("no address"), "s"));
        assert_ne!(group(Some("http://s/"), ""), group(None, "s"));
    }
}
