//! IP addresses that belong to one subscriber: no loopback, no private network, no mask, no version number.

use super::edge::{is_ended, is_free, runs_into_letters};
use super::fold::{is_near, last_of, left_of, next, previous};
use super::kind::{Kind, Span};
use super::number::{Join, Run};

/// Words that say that an address follows.
const LABELS: &[&str] =
    &["ip", "アドレス", "address", "addr", "ホスト", "host", "接続元", "アクセス元", "サーバ", "server", "ping", "dns", "://", "from"];
/// Words that say that a version follows.
const VERSIONS: &[&str] = &[
    "バージョン",
    "version",
    "ver",
    "版",
    "リリース",
    "release",
    "ビルド",
    "build",
    "更新",
    "update",
    "rev",
    "v",
    "第",
    "章",
    "節",
    "図",
    "表",
];

/// An address of version 4 in the groups from `i`, and the group behind it.
pub(super) fn version_4(text: &str, run: &Run, i: usize, window: &mut String) -> Option<(Span, usize)> {
    let groups = run.groups.get(i..i + 4)?;
    let joined = groups.iter().skip(1).all(|group| group.join == Some(Join::Dot));
    let written = (i..i + 4)
        .all(|group| run.groups[group].len <= 3 && (run.groups[group].len == 1 || run.digits(group, group + 1).first() != Some(&0)));
    if !joined || !written || !is_free(text, run, i, &["ip", "host"]) || !is_ended(text, run, i + 3) {
        return None;
    }
    let octets = [run.value(i), run.value(i + 1), run.value(i + 2), run.value(i + 3)];
    if !is_public(octets) {
        return None;
    }
    left_of(text, groups[0].start, 24, window);
    let (label, version) = (last_of(window, LABELS), last_of(window, VERSIONS));
    let said = label > 0 && label >= version && is_near(window, label);
    let glued = runs_into_letters(text, run, i + 3) && !said;
    // Without a word it may be a version: those begin with a small number.
    (!glued && (said || (version == 0 && octets[0] >= 32)))
        .then_some((Span { start: groups[0].start, end: groups[3].end, kind: Kind::IpAddress }, i + 4))
}

/// Is it an address of one host in the public network? Ranges for documentation count: they stand for public ones.
fn is_public(octets: [u32; 4]) -> bool {
    if octets.iter().any(|&octet| octet > 255) {
        return false;
    }
    !matches!(
        octets,
        [0 | 10 | 127 | 224.., ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] | [_, _, _, 0 | 255]
    )
}

/// An address of version 6 that begins with the digit at byte `start`. Only global unicast addresses (2000::/3) are looked for: the
/// others belong to nobody, and no time of day and no name of a program has this form.
pub(super) fn version_6(text: &str, start: usize) -> Option<Span> {
    let glued = previous(text, start).is_some_and(|(c, before)| {
        let colon = c == ':' && previous(text, before).is_some_and(|(c, _)| c.is_ascii_alphanumeric() || c == ':');
        c.is_ascii_alphanumeric() || c == '.' || colon
    });
    let (first, _) = next(text, start)?;
    if glued || !matches!(first, '2' | '3') {
        return None;
    }
    let (mut at, mut hextets, mut gap) = (start, 0, false);
    let mut end = start;
    loop {
        let (len, behind) = hextet(text, at);
        match len {
            0 => {}
            4 if hextets == 0 => hextets = 1,
            1..=4 if hextets > 0 => hextets += 1,
            _ => return None,
        }
        if len > 0 {
            end = behind;
        }
        let Some((':', colon)) = next(text, behind) else { break };
        if len == 0 {
            return None;
        }
        at = colon;
        if let Some((':', second)) = next(text, colon) {
            if gap {
                return None;
            }
            (gap, at, end) = (true, second, second);
            if hextet(text, second).0 == 0 {
                break;
            }
        } else if hextet(text, colon).0 == 0 {
            // A colon that ends a sentence.
            break;
        }
    }
    let goes_on = next(text, end).is_some_and(|(c, _)| c.is_ascii_alphanumeric() || c == ':');
    let whole = if gap { (1..8).contains(&hextets) } else { hextets == 8 };
    (whole && !goes_on).then_some(Span { start, end, kind: Kind::IpAddress })
}

/// Number of hexadecimal digits at `at`, up to five, and the byte behind them.
fn hextet(text: &str, at: usize) -> (usize, usize) {
    let (mut len, mut here) = (0, at);
    while let Some((_, behind)) = next(text, here).filter(|(c, _)| c.is_ascii_hexdigit() && len < 5) {
        (len, here) = (len + 1, behind);
    }
    (len, here)
}
