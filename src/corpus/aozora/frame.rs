//! The parts of a work: header, legend of the notation, body, colophon.

use super::colophon;

/// The parts, in lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) header: &'a [&'a str],
    pub(super) legend: &'a [&'a str],
    pub(super) body: Vec<&'a str>,
    pub(super) colophon: &'a [&'a str],
}

/// Hyphens of a rule, at least.
const RULE_MIN: usize = 10;
/// The first rule stands among so many lines, the second one so many below it.
const HEADER_MAX: usize = 30;
const LEGEND_MAX: usize = 120;
/// Lines of a header without rules, and characters of one.
const TITLES_MAX: usize = 10;
const TITLE_MAX: usize = 100;
/// Bytes of a text among which a legend begins.
const TOP: usize = 8192;

fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= RULE_MIN && line.bytes().all(|b| b == b'-')
}

/// Is this the line of a legend that says what a sign is: `《》：ルビ`?
fn explains_sign(line: &str) -> bool {
    let Some((sign, _)) = line.trim_start().split_once(['：', ':']) else { return false };
    let is_sign = |c: char| "《》｜［］＃〔〕／＼″※（）＊〈〉『』".contains(c);
    !sign.is_empty() && sign.chars().all(is_sign) && sign.chars().any(|c| "《｜＃〔＼※".contains(c))
}

/// Is what stands between two rules a legend, and no text?
fn is_legend(lines: &[&str]) -> bool {
    lines.iter().any(|line| line.trim_start().starts_with('【') && line.contains("記号について") || explains_sign(line))
}

/// Does the text begin with a legend of the notation?
pub(super) fn has_legend(text: &str) -> bool {
    let end = (0..=TOP.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let top: Vec<&str> = text.get(..end).unwrap_or_default().split(['\n', '\r']).collect();
    let mut rules = top.iter().enumerate().filter(|(_, line)| is_rule(line));
    let (Some((first, _)), second) = (rules.next(), rules.next()) else { return false };
    top.get(first..second.map_or(top.len(), |(at, _)| at)).is_some_and(is_legend)
}

/// Cuts a work into its parts. Nothing but the rules is lost.
pub(super) fn parts<'a>(lines: &'a [&'a str]) -> Parts<'a> {
    let end = colophon::begins(lines);
    let (text, colophon) = lines.split_at(end);
    let first = text.iter().take(HEADER_MAX).position(|line| is_rule(line));
    let second = first.and_then(|first| text.iter().skip(first + 1).take(LEGEND_MAX).position(|line| is_rule(line)).map(|n| first + 1 + n));
    let mut parts = Parts { colophon, ..Parts::default() };
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    match (first, second) {
        (Some(first), Some(second)) if is_legend(part(first + 1, second)) => {
            parts.legend = part(first + 1, second);
            parts.header = part(0, first);
            parts.body = part(second + 1, text.len()).to_vec();
        }
        (Some(first), Some(second)) if !colophon.is_empty() => {
            // Two rules with text between them: they are layout, what they enclose is not.
            let header = titles(part(0, first));
            parts.header = part(0, header);
            parts.body = part(header, text.len()).to_vec();
            parts.body.drain(second - header..=second - header);
            parts.body.drain(first - header..=first - header);
        }
        _ => {
            let header = if colophon.is_empty() { 0 } else { titles(text) };
            parts.header = part(0, header);
            parts.body = part(header, text.len()).to_vec();
        }
    }
    parts
}

/// Lines of a header that no rule ends: up to the first blank line, if they look like titles.
fn titles(text: &[&str]) -> usize {
    let blank = |line: &&str| line.trim().is_empty();
    let before = text.iter().take_while(|line| blank(line)).count();
    let length = text.iter().skip(before).take_while(|line| !blank(line)).count();
    let is_title = |line: &&&str| line.chars().count() <= TITLE_MAX && !line.starts_with('　') && !line.trim_end().ends_with(['。', '」']);
    let is_header = (1..=TITLES_MAX).contains(&length) && text.iter().skip(before).take(length).all(|line| is_title(&line));
    if is_header && before + length < text.len() { before + length } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "-------------------------------------------------------";

    #[test]
    fn a_work_has_parts() {
        let lines = [
            "題",
            "著者",
            "",
            RULE,
            "【テキスト中に現れる記号について】",
            "",
            "《》：ルビ",
            RULE,
            "",
            "本文。",
            "",
            "",
            "",
            "底本：「甲」乙社",
        ];
        let parts = parts(&lines);
        assert_eq!(parts.header, ["題", "著者", ""]);
        assert_eq!(parts.legend, ["【テキスト中に現れる記号について】", "", "《》：ルビ"]);
        assert_eq!(parts.body, ["", "本文。", "", "", ""]);
        assert_eq!(parts.colophon, ["底本：「甲」乙社"]);
    }

    #[test]
    fn a_body_between_rules_is_no_legend() {
        let lines = ["題", "著者", "", RULE, "甲：行こう。", RULE, "本文。", "", "底本：「甲」乙社"];
        let found = parts(&lines);
        assert_eq!((found.header, found.legend.len()), (&["題", "著者"][..], 0));
        assert_eq!(found.body, ["", "甲：行こう。", "本文。", ""]);
        let slip = [RULE, "【テキスト中に現れる記号いついて】", "《》：ルビ", RULE, "本文。"];
        assert_eq!(parts(&slip).body, ["本文。"]);
        let open = ["題", "", RULE, "本文。"];
        assert_eq!(parts(&open).body, open);
    }

    #[test]
    fn a_header_without_rules() {
        let lines = ["題", "著者", "", "　本文。", "", "", "", "底本：「甲」"];
        assert_eq!((parts(&lines).header, parts(&lines).body), (&["題", "著者"][..], vec!["", "　本文。", "", "", ""]));
        assert_eq!(parts(&["　本文《ほんぶん》。", "", "次。"]).body, ["　本文《ほんぶん》。", "", "次。"]);
        assert!(parts(&["本文の一行だけ。", "", "底本：「甲」"]).header.is_empty());
    }
}
