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

/// Hyphens of a rule, at least: of one that encloses a legend, and of another one.
const LEGEND_RULE_MIN: usize = 5;
const RULE_MIN: usize = 10;
/// The first rule stands among so many lines, the second one so many below it.
const HEADER_MAX: usize = 30;
const LEGEND_MAX: usize = 120;
/// Lines of a header without rules, and characters of one.
const TITLES_MAX: usize = 10;
const TITLE_MAX: usize = 100;
/// Bytes of a text among which a legend begins.
const TOP: usize = 8192;

fn is_rule(line: &str, least: usize) -> bool {
    let line = line.trim_end();
    line.len() >= least && (line.bytes().all(|b| b == b'-') || line.bytes().all(|b| b == b'='))
}

/// Does a legend begin with the line: `【テキスト中に現れる記号について】`, in older files `［表記について］`?
fn names_legend(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('【') && line.contains("記号について") || ["［表記について］", "【表記について】"].contains(&line)
}

/// Is this the line of a legend that says what a sign is: `《》：ルビ`, in older files `●ルビは「《ルビ》」の形式で処理した。`?
fn explains_sign(line: &str) -> bool {
    if let Some(item) = line.trim_start().strip_prefix('●') {
        return item.contains("《ルビ》") || item.starts_with("［＃］は");
    }
    let Some((sign, _)) = line.trim_start().split_once(['：', ':']) else { return false };
    let is_sign = |c: char| "《》｜［］＃〔〕／＼″※（）＊〈〉『』".contains(c);
    !sign.is_empty() && sign.chars().all(is_sign) && sign.chars().any(|c| "《｜＃〔＼※".contains(c))
}

/// Is what stands between two rules a legend, and no text?
fn is_legend(lines: &[&str]) -> bool {
    lines.iter().any(|line| names_legend(line) || explains_sign(line))
}

/// Where the legend stands, and what there is above it: from its first line, or the rule above it, to the rule below it.
fn legend(lines: &[&str]) -> Option<(usize, usize)> {
    let first = lines.iter().take(HEADER_MAX).position(|line| is_rule(line, LEGEND_RULE_MIN))?;
    // Above the only rule: from the line on that names it.
    let head = lines.get(..first)?;
    if let Some(named) = head.iter().position(|line| names_legend(line)).filter(|named| head.get(*named..).is_some_and(is_legend)) {
        return Some((named, first));
    }
    let mut above = first;
    while let Some(below) =
        lines.iter().skip(above + 1).take(LEGEND_MAX).position(|line| is_rule(line, LEGEND_RULE_MIN)).map(|n| above + 1 + n)
    {
        if lines.get(above + 1..below).is_some_and(is_legend) {
            return Some((above, below));
        }
        above = below;
        if above >= HEADER_MAX {
            break;
        }
    }
    None
}

/// Does the text begin with a legend of the notation?
pub(super) fn has_legend(text: &str) -> bool {
    let end = (0..=TOP.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let top: Vec<&str> = text.get(..end).unwrap_or_default().split(['\n', '\r']).collect();
    let open = || top.iter().position(|line| is_rule(line, LEGEND_RULE_MIN)).and_then(|rule| top.get(rule..)).is_some_and(is_legend);
    legend(&top).is_some() || top.iter().filter(|line| is_rule(line, LEGEND_RULE_MIN)).count() == 1 && open()
}

/// Cuts a work into its parts. Nothing but the rules is lost.
pub(super) fn parts<'a>(lines: &'a [&'a str]) -> Parts<'a> {
    let end = colophon::begins(lines);
    let (text, colophon) = lines.split_at(end);
    let first = text.iter().take(HEADER_MAX).position(|line| is_rule(line, RULE_MIN));
    let second = first
        .and_then(|first| text.iter().skip(first + 1).take(LEGEND_MAX).position(|line| is_rule(line, RULE_MIN)).map(|n| first + 1 + n));
    let mut parts = Parts { colophon, ..Parts::default() };
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    match (legend(text), first, second) {
        (Some((from, to)), ..) => {
            let first = text.iter().position(|line| is_rule(line, LEGEND_RULE_MIN)).unwrap_or(from);
            let has_rule = first <= from;
            parts.legend = part(from + usize::from(has_rule), to);
            let header = if has_rule { first } else { titles(part(0, from)) };
            parts.header = part(0, header);
            // What else stands above the legend, a list of what is in the work say, is text.
            let between = part(header, from).iter().filter(|line| !is_rule(line, LEGEND_RULE_MIN));
            parts.body = between.chain(part(to + 1, text.len())).copied().collect();
        }
        (_, Some(first), Some(second)) if !colophon.is_empty() => {
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
            // A rule alone stands between titles and text.
            let behind =
                part(header, text.len()).iter().position(|line| !line.trim().is_empty()).map_or(text.len(), |blank| header + blank);
            let body = if header > 0 && first == Some(behind) { behind + 1 } else { header };
            parts.body = part(body, text.len()).to_vec();
        }
    }
    parts
}

/// Lines of a header that no rule ends: up to the first blank line, if they look like titles.
fn titles(text: &[&str]) -> usize {
    let blank = |line: &&str| line.trim().is_empty();
    let before = text.iter().take_while(|line| blank(line)).count();
    let length = text.iter().skip(before).take_while(|line| !blank(line)).count();
    let is_short = |line: &str| line.chars().count() <= TITLE_MAX;
    let is_indented = |line: &str| line.starts_with('　');
    let is_title = |line: &str| is_short(line) && !line.trim_end().ends_with(['。', '」']);
    // A title may be a quotation or a sentence, and what stands below it be indented, if those who made the work are named behind.
    let is_it = |(at, line): (usize, &&str)| match at {
        0 if length > 1 => is_short(line) && !is_indented(line),
        at if at == 0 || at + 1 == length => is_title(line) && !is_indented(line),
        _ => is_title(line),
    };
    let is_header = (1..=TITLES_MAX).contains(&length) && text.iter().skip(before).take(length).enumerate().all(is_it);
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
    fn older_legends() {
        let item = "●ルビは「《ルビ》」の形式で処理した。";
        let one = ["題", "著者", "", "［収録作品］", "甲／乙", "", "［表記について］", item, "=============", "甲", "----------", "乙"];
        let found = parts(&one);
        assert_eq!((found.header, found.legend), (&["題", "著者"][..], &["［表記について］", item][..]));
        assert_eq!(found.body, ["", "［収録作品］", "甲／乙", "", "甲", "----------", "乙"]);
        let two = ["題", "著者", "", RULE, "●収録作品", "甲／乙", RULE, "［表記について］", item, RULE, "甲"];
        let found = parts(&two);
        assert_eq!((found.header, found.legend), (&["題", "著者", ""][..], &["［表記について］", item][..]));
        assert_eq!(found.body, ["●収録作品", "甲／乙", "甲"]);
        let short =
            ["題", "著者", "", "---------", "【テキスト中に現れる記号について】", "／＼：二倍の踊り字", "---------", "甲", "-----", "乙"];
        assert_eq!(parts(&short).body, ["甲", "-----", "乙"]);
        assert!(has_legend(&one.join("\n")) && has_legend(&two.join("\r\n")));
        assert!(!has_legend(&["題", "●甲", RULE, "甲", RULE, "乙"].join("\n")));
    }

    #[test]
    fn a_header_without_rules() {
        let lines = ["題", "著者", "", "　本文。", "", "", "", "底本：「甲」"];
        assert_eq!((parts(&lines).header, parts(&lines).body), (&["題", "著者"][..], vec!["", "　本文。", "", "", ""]));
        assert_eq!(parts(&["　本文《ほんぶん》。", "", "次。"]).body, ["　本文《ほんぶん》。", "", "次。"]);
        assert!(parts(&["本文の一行だけ。", "", "底本：「甲」"]).header.is_empty());
        for title in ["「雨」", "「雨」の中の「風」", "さようなら。"] {
            assert_eq!(parts(&[title, "著者", "", "　本文。", "", "", "底本：「甲」"]).header, [title, "著者"]);
            assert!(parts(&[title, "", "　本文。", "", "", "底本：「甲」"]).header.is_empty(), "{title} may be said by somebody");
        }
        let indented = ["題", "　　――副題――", "著者", "", "", "　本文。", "", "", "底本：「甲」"];
        assert_eq!(parts(&indented).header, &indented[..3]);
        let lone = ["題", "著者", "", RULE, "", "本文。", RULE, "乙", "", "底本：「甲」"];
        assert_eq!(parts(&lone[..6]).body, lone[..6], "no colophon, no header");
        let lone = [&lone[..6], &["", "底本：「甲」"]].concat();
        assert_eq!((parts(&lone).header, parts(&lone).body), (&["題", "著者"][..], vec!["", "本文。", ""]));
        assert!(parts(&["「雨だ」", "「そうだ」", "", "　本文。", "", "", "底本：「甲」"]).header.is_empty());
    }
}
