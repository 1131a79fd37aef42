//! The colophon of a work: which book it was taken from, who typed and proofread it, and when it came out.

use serde_json::{Map, Value};

use super::inline::plain;

/// What a colophon says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Colophon {
    text: String,
    fields: Vec<(&'static str, String)>,
    /// When the file was last revised, else when it came out.
    pub(super) date: Option<String>,
    /// A licence of Creative Commons, where one is named.
    pub(super) license: Option<String>,
}

/// What a line begins with, and what it is called here.
const FIELDS: [(&str, &str); 9] = [
    ("底本の親本", "parent_book"),
    ("底本", "source_book"),
    ("親本", "parent_book"),
    ("初出", "first_published"),
    ("原題", "original_title_of_source"),
    ("入力", "input_by"),
    ("校正", "proofread_by"),
    ("翻訳", "translated_by"),
    ("訳者", "translated_by"),
];
/// Lines that only a colophon begins with, where it names no book.
const SIGNS: [&str; 8] = ["入力：", "校正：", "初出：", "翻訳：", "訳者：", "親本：", "底本の親本：", "青空文庫作成ファイル："];
/// Lines of a colophon that names no book.
const LINES_MAX: usize = 80;

fn names_book(line: &str) -> bool {
    line.starts_with("底本：") || line.starts_with("底本:")
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

/// The note that ends the text where no blank line does.
const LAST: &str = "［＃本文終わり］";

/// A rule between text and colophon.
fn is_rule(line: &str) -> bool {
    line.len() >= 10 && line.trim_end().bytes().all(|b| matches!(b, b'-' | b'='))
}

/// Does the text end with a colophon?
pub(super) fn is_in(text: &str) -> bool {
    let finder = memchr::memmem::FinderRev::new("底本".as_bytes());
    let mut end = text.len();
    for _ in 0..64 {
        let Some(at) = text.as_bytes().get(..end).and_then(|bytes| finder.rfind(bytes)) else { break };
        end = at;
        let (before, rest) = text.split_at(at);
        let line_before = before.strip_suffix("\r\n").or_else(|| before.strip_suffix(['\n', '\r']));
        let begins_block = line_before.is_some_and(|line| line.trim_end_matches([' ', '　']).ends_with(['\n', '\r']));
        if names_book(rest) && begins_block {
            return ["入力：", "校正：", "青空文庫"].iter().any(|sign| rest.contains(sign)) || before.contains('《');
        }
    }
    text.contains("青空文庫作成ファイル：") && text.contains("\n入力：")
}

/// The line at which the colophon begins; the number of lines where there is none.
pub(super) fn begins(lines: &[&str]) -> usize {
    if let Some(last) = lines.iter().rposition(|line| line.trim() == LAST) {
        return last;
    }
    let after_blank = |at: usize| at == 0 || lines.get(at - 1).is_some_and(|line| is_blank(line) || is_rule(line));
    if let Some(last) = lines.iter().rposition(|line| names_book(line)) {
        // Of several books the first one begins it, if nothing but the colophon stands between.
        let mut first = last;
        while let Some(earlier) = lines.iter().take(first).rposition(|line| names_book(line)) {
            let between = lines.get(earlier..first).unwrap_or_default();
            if between.len() > LINES_MAX || between.windows(2).any(|pair| pair.iter().all(|line| is_blank(line))) {
                break;
            }
            first = earlier;
        }
        if after_blank(first) {
            return first - usize::from(first > 0 && lines.get(first - 1).is_some_and(|line| is_rule(line)));
        }
    }
    let from = lines.len().saturating_sub(LINES_MAX);
    let is_sign = |line: &&str| SIGNS.iter().any(|sign| line.starts_with(sign));
    let Some(first) = lines.iter().skip(from).position(is_sign).map(|at| from + at) else { return lines.len() };
    if !lines.iter().skip(first).any(|line| line.contains("青空文庫") || line.starts_with("入力：")) {
        return lines.len();
    }
    // Two blank lines stand before it.
    let gap = (1..=first).rev().find(|at| lines.get(at - 1..=*at).is_some_and(|pair| pair.iter().all(|line| is_blank(line))));
    gap.filter(|gap| first - gap <= LINES_MAX / 2).map_or_else(|| if after_blank(first) { first } else { lines.len() }, |gap| gap + 1)
}

/// Reads the lines of a colophon.
pub(super) fn read(lines: &[&str]) -> Colophon {
    let mut colophon = Colophon::default();
    let lines: Vec<String> = lines.iter().filter(|line| !is_rule(line)).map(|line| plain(line)).collect();
    let (mut released, mut revised) = (None, None);
    let mut open = None;
    for line in &lines {
        if let Some((name, value)) = field(line) {
            open = Some(colophon.fields.len());
            colophon.fields.push((name, value.trim().to_owned()));
        } else if let (Some(at), true) = (open, line.starts_with(['　', ' '])) {
            if let Some((_, value)) = colophon.fields.get_mut(at) {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else {
            open = None;
            match date(line) {
                Some((found, "公開" | "作成")) if released.is_none() => released = Some(found),
                Some((found, "修正")) => revised = Some(found),
                _ => {}
            }
        }
        colophon.license = colophon.license.take().or_else(|| license(line));
    }
    colophon
        .fields
        .extend(released.iter().map(|date| ("released", date.clone())).chain(revised.iter().map(|date| ("revised", date.clone()))));
    colophon.date = revised.or(released);
    lines.join("\n").trim().clone_into(&mut colophon.text);
    colophon
}

impl Colophon {
    pub(super) fn describe(&self, meta: &mut Map<String, Value>) {
        for (name, value) in &self.fields {
            match meta.get_mut(*name) {
                None => drop(meta.insert((*name).to_owned(), value.as_str().into())),
                Some(Value::String(known)) => {
                    known.push('\n');
                    known.push_str(value);
                }
                Some(_) => {}
            }
        }
        if !self.text.is_empty() {
            meta.insert("colophon".to_owned(), self.text.as_str().into());
        }
    }
}

fn field(line: &str) -> Option<(&'static str, &str)> {
    FIELDS.iter().find_map(|(word, name)| {
        let rest = line.strip_prefix(word)?;
        // There may be several: 底本2：
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || ('０'..='９').contains(&c));
        Some((*name, rest.strip_prefix(['：', ':'])?))
    })
}

/// `2012年6月12日修正` → 2012-06-12 and what happened.
fn date(line: &str) -> Option<(String, &'static str)> {
    let line: String =
        line.chars().map(|c| if ('０'..='９').contains(&c) { char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c) } else { c }).collect();
    let (year, rest) = line.split_once('年')?;
    let (month, rest) = rest.split_once('月')?;
    let (day, what) = rest.split_once('日')?;
    let number = |text: &str, most: u32| text.trim().parse::<u32>().ok().filter(|n| (1..=most).contains(n));
    let what = ["公開", "作成", "修正"].into_iter().find(|word| what.trim_start().starts_with(word))?;
    Some((format!("{:04}-{:02}-{:02}", number(year, 9999)?, number(month, 12)?, number(day, 31)?), what))
}

/// `http://creativecommons.org/licenses/by-sa/2.1/jp/` → CC-BY-SA-2.1-JP
fn license(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("creativecommons.org/licenses/")?;
    let mut parts = rest.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '.' | '/')).next()?.split('/');
    let (terms, version) = (parts.next()?, parts.next()?);
    let is_sound = terms.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let place = parts.next().filter(|place| place.len() == 2 && place.bytes().all(|b| b.is_ascii_alphabetic()));
    let place = place.map_or_else(String::new, |place| format!("-{}", place.to_ascii_uppercase()));
    (is_sound && !terms.is_empty() && !version.is_empty()).then(|| format!("CC-{}-{version}{place}", terms.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colophon_is_read() {
        let lines = [
            "底本：「題《だい》全集」甲社",
            "　　　1985（昭和60）年11月20日初版1刷発行",
            "初出：「雑誌」",
            "入力：甲野",
            "校正：乙野",
            "1999年7月2日公開",
            "2012年6月12日修正",
            "青空文庫作成ファイル：",
            "このファイルは…",
        ];
        let found = read(&lines);
        assert_eq!(found.date.as_deref(), Some("2012-06-12"));
        let mut meta = Map::new();
        found.describe(&mut meta);
        assert_eq!(meta["source_book"], "「題全集」甲社\n1985（昭和60）年11月20日初版1刷発行");
        assert_eq!((&meta["input_by"], &meta["released"], &meta["revised"]), (&"甲野".into(), &"1999-07-02".into(), &"2012-06-12".into()));
        assert!(meta["colophon"].as_str().unwrap().starts_with("底本：「題全集」甲社\n　　　1985"));
    }

    #[test]
    fn where_it_begins() {
        assert_eq!(begins(&["本文", "", "", "", "底本：「甲」", "入力：乙"]), 4);
        assert_eq!(begins(&["本文", "", "底本:「甲」"]), 2);
        assert_eq!(begins(&["本文", "底本：と書いた行"]), 2, "no blank line before it");
        assert_eq!(begins(&["本文", "", "底本：「甲」", "", "底本：「乙」", "入力：丙"]), 2);
        assert_eq!(begins(&["本文", "", "底本：と書いて", "続く。", "", "", "", "底本：「乙」", "入力：丙"]), 7);
        assert_eq!(begins(&["本文", "", "", "翻訳：甲", "2000年1月1日公開", "青空文庫作成ファイル：", "文"]), 3);
        assert_eq!(begins(&["本文", "", "", "原作者：甲", "入力：乙"]), 3);
        assert_eq!(begins(&["本文", "", "", "入る。"]), 4);
        assert_eq!(begins(&["本文", "-------------", "底本：「甲」", "入力：丙"]), 1);
        assert_eq!(begins(&["本文", "", "［＃本文終わり］", "翻訳の底本：甲", "翻訳：丙"]), 2);
    }

    #[test]
    fn licences() {
        assert_eq!(license("http://creativecommons.org/licenses/by-sa/2.1/jp/"), Some("CC-BY-SA-2.1-JP".into()));
        assert_eq!(license("（https://creativecommons.org/licenses/by/4.0/deed.ja）"), Some("CC-BY-4.0".into()));
        assert_eq!(license("creativecommons.org"), None);
    }

    #[test]
    fn texts_that_have_one() {
        assert!(is_in("題\n\n本文。\n\n\n\n底本：「甲」乙社\n入力：丙\n"));
        assert!(is_in("題\r\n\r\n猫《ねこ》。\r\n\r\n底本：「甲」\r\n"));
        assert!(!is_in("本文。\n底本：と入力：の話。"));
        assert!(!is_in("題\n\n本文。\n\n底本：「甲」乙社\n"));
    }
}
