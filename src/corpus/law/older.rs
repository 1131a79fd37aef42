//! Statutes as e-Gov had them before XML, as pages and as text: lines that belong together are joined, numbers stand before their text.
//!
//! In the text form a line ends at every link, and numbers of articles, paragraphs and items are lines of their own.

use serde_json::{Map, Value};

use crate::corpus::document::{Document, Dropped};

/// Lines that are not blank among which the number of the act stands.
const TOP: usize = 6;
/// Characters of a title, and of the caption of an article.
const TITLE_MAX: usize = 200;
const CAPTION_MAX: usize = 80;
const ERAS: [&str; 6] = ["慶応", "明治", "大正", "昭和", "平成", "令和"];
const NUMERALS: &str = "〇一二三四五六七八九十百千";
const IROHA: &str = "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス";
/// What a sentence goes on with behind a link.
const GOES_ON: [&str; 37] = [
    "に",
    "を",
    "は",
    "が",
    "の",
    "と",
    "も",
    "で",
    "へ",
    "や",
    "から",
    "まで",
    "より",
    "及び",
    "並びに",
    "又は",
    "若しくは",
    "中",
    "各号",
    "前段",
    "後段",
    "、",
    "。",
    "）",
    "（",
    "」",
    "及ビ",
    "又ハ",
    "若ハ",
    "ニ",
    "ヲ",
    "ハ",
    "ガ",
    "ノ",
    "ト",
    "但書",
    "ただし書",
];
/// What a link ends with.
const LINKS: [&str; 14] = ["法", "令", "規則", "規程", "条約", "条", "項", "号", "法律", "憲法", "則", "表", "書", "約"];

/// Is a text a statute in the older form: title, number of the act, and lines that hold a number only or begin supplementary provisions?
pub(in crate::corpus) fn is_statute(text: &str) -> bool {
    let lines = || text.lines().map(trim).filter(|line| !line.is_empty());
    let has_number = lines().take(TOP).skip(1).any(|line| act_number(line).is_some());
    has_number && lines().skip(1).any(|line| is_number(line) || is_supplement(line) || line.starts_with("第一条"))
}

/// The blanks of the layout, full-width ones too.
fn trim(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace())
}

/// `（平成九年六月四日法律第六十五号）最終改正：…` → 平成九年六月四日法律第六十五号
fn act_number(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('（')?.split('）').next()?;
    let has = |words: &[&str]| words.iter().any(|word| inside.contains(word));
    let is_act = has(&["法律", "令", "規則", "憲法", "布告", "達", "規程", "告示"]);
    (ERAS.iter().any(|era| inside.starts_with(era))
        && is_act
        && has(&["第"])
        && inside.ends_with('号')
        && inside.chars().count() <= TITLE_MAX)
        .then_some(inside)
}

fn is_supplement(line: &str) -> bool {
    let line: String = line.chars().filter(|c| *c != '　').take(3).collect();
    line.starts_with("附則")
}

fn numeral(text: &str) -> &str {
    text.trim_start_matches(|c| NUMERALS.contains(c))
}

/// 第三条の二, 第三条ノ二
fn behind_article(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('第')?;
    let mut behind = numeral(rest).strip_prefix('条').filter(|_| numeral(rest).len() < rest.len())?;
    while let Some(branch) = behind.strip_prefix(['の', 'ノ']) {
        let after = numeral(branch);
        if after.len() == branch.len() {
            break;
        }
        behind = after;
    }
    Some(behind)
}

/// Is the line nothing but a number of an article, a paragraph or an item?
fn is_number(line: &str) -> bool {
    let is_wide = |c: char| ('０'..='９').contains(&c);
    let all = |text: &str, is: &dyn Fn(char) -> bool| !text.is_empty() && text.chars().all(is);
    let item = |text: &str| {
        let parts = text.split(['の', 'ノ']);
        parts.clone().all(|part| !part.is_empty()) && parts.clone().all(|part| numeral(part).is_empty()) && !text.starts_with(['の', 'ノ'])
    };
    let is_iroha = |text: &str| text.chars().count() == 1 && text.chars().all(|c| IROHA.contains(c));
    if behind_article(line).is_some_and(str::is_empty) || all(line, &is_wide) || item(line) || is_iroha(line) {
        return true;
    }
    let inside = line.strip_prefix('（').and_then(|rest| rest.strip_suffix('）'));
    inside.is_some_and(|inside| all(inside, &is_wide) || item(inside) || is_iroha(inside))
}

/// Does the line begin with a number and a blank: `ロ　…`?
fn has_marker(line: &str) -> bool {
    line.split_once('　').is_some_and(|(number, rest)| !rest.is_empty() && is_number(number))
}

/// 第一章　総則; supplementary provisions; appendices.
fn is_heading(line: &str) -> bool {
    let behind = line.strip_prefix('第').map(numeral);
    let of_structure = behind.is_some_and(|rest| {
        let rest = rest.strip_prefix(['編', '章', '節', '款', '目']);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['　', 'の', 'ノ', ' ']))
    });
    of_structure || is_supplement(line) || line.starts_with("別表") || line.starts_with("様式") || line.starts_with("別記")
}

/// Is the line one pair of brackets and what is in it?
fn is_bracketed(line: &str) -> bool {
    if !line.starts_with('（') || line.contains('。') || line.chars().count() > CAPTION_MAX {
        return false;
    }
    let mut depth = 0_i32;
    line.char_indices().all(|(at, c)| {
        depth += i32::from(c == '（') - i32::from(c == '）');
        depth > 0 || at + c.len_utf8() == line.len()
    }) && depth == 0
}

/// A line of a table of contents: a heading with the articles that are in it.
fn has_range(line: &str) -> bool {
    let range = line.strip_suffix('）').and_then(|rest| rest.rsplit_once('（')).map(|(_, range)| range);
    is_heading(line) && range.is_some_and(|range| range.starts_with('第') && range.contains('条'))
}

/// Lines without tables of contents: headings in a row, some of them with ranges, and 目次 before them.
fn without_contents<'a>(lines: &[&'a str], dropped: &mut Dropped) -> Vec<&'a str> {
    let (mut kept, mut at) = (Vec::with_capacity(lines.len()), 0);
    while let Some(line) = lines.get(at) {
        let is_title = matches!(trim(line).replace('　', "").as_str(), "目次");
        let run = lines.iter().skip(at + usize::from(is_title)).take_while(|line| is_heading(trim(line))).count() + usize::from(is_title);
        let inside = lines.get(at..at + run).unwrap_or_default();
        match inside.iter().rposition(|line| has_range(trim(line))) {
            Some(last) => {
                let end = inside.iter().skip(last + 1).position(|line| is_supplement(trim(line))).map_or(last, |n| last + 1 + n);
                dropped.add("table_of_contents");
                // What follows the last range is what the body begins with.
                kept.extend(inside.iter().skip(end + 1).copied());
                at += run;
            }
            None if run > 0 && !is_title => {
                kept.extend(inside.iter().copied());
                at += run;
            }
            None => {
                kept.push(line);
                at += 1;
            }
        }
    }
    kept
}

/// Reads a statute in the older form.
pub(in crate::corpus) fn read(text: &str) -> Document {
    let mut dropped = Dropped::default();
    let all: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !trim(line).is_empty()).collect();
    let mut meta = Map::new();
    meta.insert("notation".to_owned(), "law".into());
    let number = all.iter().take(TOP).skip(1).position(|line| act_number(trim(line)).is_some()).map_or(0, |at| at + 1);
    let mut number_lines = 1;
    let title: String = all.iter().take(number).map(|line| trim(line)).collect();
    if !title.is_empty() {
        meta.insert("title".to_owned(), title.into());
    }
    if let Some(line) = all.get(number).map(|line| trim(line))
        && let Some(law_num) = act_number(line)
    {
        meta.insert("law_num".to_owned(), law_num.into());
        let behind = line.split_once('）').map_or("", |(_, behind)| trim(behind));
        let next = all.get(number + 1).map(|line| trim(line)).filter(|line| line.starts_with("最終改正"));
        let amended = if behind.is_empty() { next.unwrap_or_default() } else { behind };
        if !amended.is_empty() {
            meta.insert("amended".to_owned(), amended.into());
        }
        number_lines = if behind.is_empty() && next.is_some() { 2 } else { 1 };
    }
    let body = all.get(number + number_lines..).unwrap_or_default();
    let text = join(&without_contents(body, &mut dropped));
    Document { text, meta: Some(Value::Object(meta).to_string()), dropped, ..Document::default() }
}

/// What the line before is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// There is none, or the next line begins anew whatever it is.
    Closed,
    /// A number, whose text follows.
    Number,
    /// Text.
    Text,
}

/// Joins what belongs together.
fn join(lines: &[&str]) -> String {
    let mut out = String::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    let mut before = Before::Closed;
    for (at, line) in lines.iter().enumerate() {
        let words = trim(line);
        let next = lines.get(at + 1).copied().unwrap_or_default();
        let is_indented = line.starts_with('　');
        let goes_on = !is_indented && goes_on(words);
        let number = is_number(words) && !goes_on_behind_link(next);
        let caption = is_bracketed(words) && (is_number(trim(next)) || behind_article(trim(next)).is_some() || before == Before::Closed);
        let heading = is_heading(words) && !goes_on_behind_link(next);
        let is_new = number || caption || heading || is_indented || has_marker(words);
        let ends_with_link = || LINKS.iter().any(|link| out.ends_with(link));
        match before {
            Before::Number if !number && !heading && !caption => {
                out.push('　');
                out.push_str(words);
            }
            Before::Text if !is_new && (goes_on || ends_with_link()) => out.push_str(words),
            _ => {
                if !out.is_empty() {
                    out.push('\n');
                }
                out.push_str(if is_indented && !heading && !number { line } else { words });
            }
        }
        before = if number {
            Before::Number
        } else if caption || heading {
            Before::Closed
        } else {
            Before::Text
        };
    }
    out
}

fn goes_on(words: &str) -> bool {
    let word = GOES_ON.iter().find(|word| words.starts_with(**word));
    // ハ　… is an item.
    word.is_some_and(|word| !words.get(word.len()..).is_some_and(|rest| rest.starts_with('　') || rest.is_empty() && is_number(words)))
}

/// Does the next line go on with a sentence, so that the number before it is a link in that?
fn goes_on_behind_link(next: &str) -> bool {
    !next.starts_with('　') && goes_on(next) && !is_bracketed(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACT: &str = "見本に関する法律\n（平成九年六月四日法律第六十五号）最終改正：平成二四年二月二九日法律第二号\n\n　第一章　総則（第一条・第二条）\n　第二章　罰則（第三条）\n　附則\n\n　　　第一章　総則\n\n（趣旨）\n第一条\n\n　この法律は、法律（甲法\n（平成一年法律第一号）第二条\nに規定するものをいう。）について定める。\n\n第一条の二\n\n　次に掲げるもの\n一\n\n　職員　国家公務員法\n（昭和二十二年法律第百二十号）第二条\nに規定するもの\nロ　内閣府設置法第四十条\n及び第五十六条\n二\n\n　指定年月日\n２\n\n　給与法第六条\n、第八条の規定\n\n　　　附　則\n\n　この法律は、公布の日から施行する。";

    #[test]
    fn a_statute_is_put_together() {
        assert!(is_statute(ACT));
        let document = read(ACT);
        assert_eq!(
            document.text,
            "第一章　総則\n（趣旨）\n第一条　この法律は、法律（甲法（平成一年法律第一号）第二条に規定するものをいう。）について定める。\n第一条の二　次に掲げるもの\n一　職員　国家公務員法（昭和二十二年法律第百二十号）第二条に規定するもの\nロ　内閣府設置法第四十条及び第五十六条\n二　指定年月日\n２　給与法第六条、第八条の規定\n附　則\n　この法律は、公布の日から施行する。"
        );
        let meta: Value = serde_json::from_str(&document.meta.unwrap()).unwrap();
        assert_eq!((&meta["title"], &meta["law_num"]), (&"見本に関する法律".into(), &"平成九年六月四日法律第六十五号".into()));
        assert_eq!(
            (&meta["amended"], document.dropped.count("table_of_contents")),
            (&"最終改正：平成二四年二月二九日法律第二号".into(), 1)
        );
        // Lines that are whole stay as they are.
        let again = format!("見本に関する法律\n（平成九年六月四日法律第六十五号）\n{}", document.text);
        assert_eq!(read(&again).text, document.text);
    }

    #[test]
    fn numbers_and_links() {
        let joined = |lines: &[&str]| join(lines);
        assert_eq!(
            joined(&["法律（甲法", "（平成一年法律第一号）第二条", "に規定する"]),
            "法律（甲法（平成一年法律第一号）第二条に規定する"
        );
        assert_eq!(joined(&["　地方公務員法", "第六条", "に規定する"]), "　地方公務員法第六条に規定する");
        assert_eq!(joined(&["　前条", "第二項", "の規定"]), "　前条第二項の規定");
        assert_eq!(joined(&["第二条", "　甲", "第三条", "　乙"]), "第二条　甲\n第三条　乙");
        assert_eq!(joined(&["（目的）", "第一条", "　甲"]), "（目的）\n第一条　甲");
        assert_eq!(joined(&["甲法第二条", "（以下「丙」という。）の規定"]), "甲法第二条（以下「丙」という。）の規定");
        assert_eq!(joined(&["第一条ノ二", "　朕ハ", "ハ　乙"]), "第一条ノ二　朕ハ\nハ　乙");
    }

    #[test]
    fn what_is_no_statute() {
        for text in ["", "題\n（平成九年の話）\n第一条\n", "第一条\n甲", "覚え書き\n一\n二\n三", "規約\n平成九年法律第一号\n第一条\n　甲"]
        {
            assert!(!is_statute(text), "{text}");
        }
    }
}
