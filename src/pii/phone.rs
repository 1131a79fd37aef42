//! Telephone numbers: the Japanese numbering plan in every grouping, `+81`, and others beside a label.

use super::edge::{is_ended, is_free, runs_into_letters};
use super::fold::{is_near, kanji_digit, last_of, left_of, next, previous};
use super::kind::{Kind, Span};
use super::number::{Group, Join, Run};

/// Labels of telephone numbers, folded.
const LABELS: &[&str] = &[
    "電話番号",
    "電話の番号",
    "携帯番号",
    "携帯の番号",
    "連絡先番号",
    "tel番号",
    "fax番号",
    "ファックス番号",
    "ファクス番号",
    "ダイヤル番号",
    "電話",
    "でんわ",
    "℡",
    "☎",
    "☏",
    "📞",
    "📱",
    "✆",
    "携帯",
    "ケータイ",
    "けいたい",
    "スマホ",
    "連絡",
    "tel",
    "fax",
    "phone",
    "mobile",
    "ファックス",
    "ファクス",
    "ファクシミリ",
    "ダイヤル",
    "ダイアル",
    "自宅",
    "直通",
    "番号変わった",
    "cell",
];

/// Labels that say at once that a telephone number follows, even one without its area code.
const STRONG: &[&str] = &["電話番号", "電話", "tel", "℡", "☎", "☏", "📞", "fax", "ファックス", "ファクス"];

/// Labels of other numbers.
const OTHERS: &[&str] = &[
    "番号",
    "no",
    "no.",
    "№",
    "コード",
    "code",
    "id",
    "型番",
    "品番",
    "型式",
    "伝票",
    "受付",
    "注文",
    "isbn",
    "issn",
    "jan",
    "シリアル",
    "serial",
    "管理",
    "ロット",
    "製造",
    "法人",
    "登録",
    "バージョン",
    "version",
    "ver",
    "口座",
    "品目",
    "図番",
    "部品",
];

/// Letters that may stand directly before a number.
const WORDS: &[&str] = &["tel", "fax", "phone", "mobile", "cell", "telephone", "t", "f", "m", "ph", "hp"];

/// What may join the groups of a telephone number.
const JOINS: [Join; 5] = [Join::Dash, Join::Space, Join::Dot, Join::Open, Join::Close];

/// Services with numbers that do not depend on an area: any grouping behind the four digits is used.
const SERVICES: [[u8; 4]; 5] = [[0, 1, 2, 0], [0, 5, 7, 0], [0, 9, 9, 0], [0, 1, 8, 0], [0, 8, 0, 0]];

/// How sure the digits alone are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Grouped as telephone numbers are.
    Grouped,
    /// A number of the plan whose grouping says nothing: it needs a label.
    Bare,
}

/// A telephone number that begins with group `i`, and the group behind it.
pub(super) fn phone(text: &str, run: &Run, i: usize, window: &mut String) -> Option<(Span, usize)> {
    let group = run.groups.get(i)?;
    if group.len > 12 || !is_free(text, run, i, WORDS) {
        return None;
    }
    let plus = i == 0 && previous(text, group.start).is_some_and(|(c, _)| c == '+');
    let leads = run.digits(i, i + 1).first().copied()?;
    let (behind, form) = if plus {
        international(run, i)?
    } else if leads == 0 {
        national(run, i).or_else(|| dialled_from_abroad(run, i))?
    } else {
        return local(text, run, i, window);
    };
    if !is_ended(text, run, behind - 1) {
        return None;
    }
    left_of(text, group.start, 40, window);
    let (label, other) = (last_of(window, LABELS), last_of(window, OTHERS));
    let labelled = label > 0 && label >= other;
    let denied = other > label && is_near(window, other);
    let ends_loose = behind < run.groups.len() && run.groups[behind].join == Some(Join::Space) && spaces_only(run, i, behind);
    let refused = match form {
        Form::Bare => !labelled || (runs_into_letters(text, run, behind - 1) && !is_near(window, label)),
        Form::Grouped => denied || (ends_loose && !labelled),
    };
    if refused {
        return None;
    }
    let start = if plus { previous(text, group.start)?.1 } else { opened(text, run, i, behind).unwrap_or(group.start) };
    Some((Span { start, end: closed(text, run, i, behind), kind: Kind::Phone }, behind))
}

/// A number of the plan, with its leading 0: the group behind it.
fn national(run: &Run, i: usize) -> Option<(usize, Form)> {
    let mut found = None;
    let mut total = 0;
    for (n, group) in run.groups.iter().skip(i).take(5).enumerate() {
        if n > 0 && !group.join.is_some_and(|join| JOINS.contains(&join)) {
            break;
        }
        total += group.len;
        if total > 11 {
            break;
        }
        if total >= 10 {
            found = form(run, i, i + n + 1).map(|form| (i + n + 1, form)).or(found);
        }
    }
    found
}

/// Is this a number of the plan, and is it grouped like one?
fn form(run: &Run, i: usize, behind: usize) -> Option<Form> {
    let groups = run.groups.get(i..behind)?;
    let lens: Vec<usize> = groups.iter().map(|group| group.len).collect();
    let bracketed = groups.iter().skip(1).any(|group| matches!(group.join, Some(Join::Open | Join::Close)));
    form_of(run.digits(i, behind), &lens, bracketed)
}

fn form_of(digits: &[u8], lens: &[usize], bracketed: bool) -> Option<Form> {
    let service = SERVICES.iter().any(|service| digits.starts_with(service));
    match (digits.len(), digits) {
        (11, [0, 5..=9, 0, ..]) => Some(match lens {
            [3, 4, 4] | [3, 8] | [7, 4] | [3, 3, 5] => Form::Grouped,
            [4, 3, 4] if service => Form::Grouped,
            _ => Form::Bare,
        }),
        (10, [0, second, ..]) => {
            let area_fits = |area: usize| area > 2 || matches!(second, 3 | 4 | 6);
            Some(match lens {
                // Invented numbers begin with 00: nobody's order number is asked to be one.
                _ if *second == 0 => Form::Bare,
                [4, _, ..] if service => Form::Grouped,
                [area @ 2..=5, local, 4] if area + local == 6 && area_fits(*area) => Form::Grouped,
                [area @ 2..=5, _] if bracketed && area_fits(*area) => Form::Grouped,
                _ => Form::Bare,
            })
        }
        _ => None,
    }
}

/// `+81` and the number without its 0, or with it in brackets; other countries beside a label.
fn international(run: &Run, i: usize) -> Option<(usize, Form)> {
    if run.digits(i, i + 1).starts_with(&[8, 1]) {
        return behind_country_code(run, i, 2).map(|behind| (behind, Form::Grouped));
    }
    let tied = |group: &&Group| group.join.is_some_and(|join| JOINS.contains(&join));
    let behind = i + 1 + run.groups.iter().skip(i + 1).take(5).take_while(tied).count();
    (8..=15).contains(&run.digits(i, behind).len()).then_some((behind, Form::Bare))
}

/// `0081`, `010-81`: the number as it is dialled from abroad.
fn dialled_from_abroad(run: &Run, i: usize) -> Option<(usize, Form)> {
    let digits = run.digits(i, (i + 2).min(run.groups.len()));
    let code = [&[0, 0, 8, 1][..], &[0, 1, 0, 8, 1]].into_iter().find(|code| digits.starts_with(code))?;
    behind_country_code(run, i, code.len()).map(|behind| (behind, Form::Bare))
}

/// The group behind a number whose first `code` digits name the country.
fn behind_country_code(run: &Run, i: usize, code: usize) -> Option<usize> {
    let mut found = None;
    for behind in i + 1..=(i + 7).min(run.groups.len()) {
        if behind > i + 1 && !run.groups[behind - 1].join.is_some_and(|join| JOINS.contains(&join)) {
            break;
        }
        let national = run.digits(i, behind).get(code..).unwrap_or_default();
        let national = national.strip_prefix(&[0]).unwrap_or(national);
        match (national.len(), national) {
            (10, [5..=9, 0, ..]) | (9, [1..=9, ..]) => found = Some(behind),
            (10.., _) => break,
            _ => {}
        }
    }
    found
}

/// A telephone number in kanji digits that begins with the 〇 at byte `at`: 〇三（一二三四）五六七八. Only grouped ones: years and
/// amounts have digits in a row.
pub(super) fn phone_in_kanji(text: &str, at: usize) -> Option<Span> {
    if previous(text, at).is_some_and(|(c, _)| kanji_digit(c).is_some() || matches!(c, '十' | '百' | '千' | '第')) {
        return None;
    }
    let (mut digits, mut lens, mut bracketed) = (Vec::new(), vec![0], false);
    let (mut here, mut end) = (at, at);
    while let Some((c, behind)) = next(text, here) {
        if let Some(digit) = kanji_digit(c).filter(|_| !c.is_ascii_digit()) {
            digits.push(digit);
            *lens.last_mut()? += 1;
            end = behind;
        } else if matches!(c, '-' | 'ー' | '(' | ')' | '・' | ' ' | 'の' | '局') && lens.last() != Some(&0) {
            bracketed |= matches!(c, '(' | ')');
            lens.push(0);
        } else {
            break;
        }
        if digits.len() > 11 {
            return None;
        }
        here = behind;
    }
    if lens.last() == Some(&0) {
        lens.pop();
    }
    let grouped = lens.len() > 1 && form_of(&digits, &lens, bracketed) == Some(Form::Grouped);
    grouped.then_some(Span { start: at, end, kind: Kind::Phone })
}

/// A number without its area code: only directly behind a label.
fn local(text: &str, run: &Run, i: usize, window: &mut String) -> Option<(Span, usize)> {
    let (first, second) = (run.groups.get(i)?, run.groups.get(i + 1)?);
    let shaped = (2..=4).contains(&first.len) && second.len == 4 && second.join == Some(Join::Dash);
    let year = |group: usize| (1900..=2100).contains(&run.value(group));
    let amount = next(text, second.end).is_some_and(|(c, _)| matches!(c, '円' | '回' | '件' | '人' | '台' | '年' | '号' | '%'));
    if !shaped || amount || (year(i) && year(i + 1)) || !is_ended(text, run, i + 1) {
        return None;
    }
    left_of(text, first.start, 16, window);
    let label = last_of(window, STRONG);
    (label > 0 && is_near(window, label)).then_some((Span { start: first.start, end: second.end, kind: Kind::Phone }, i + 2))
}

/// The start of an opening bracket before `(03)1234-5678`.
fn opened(text: &str, run: &Run, i: usize, behind: usize) -> Option<usize> {
    let group = run.groups.get(i)?;
    let closes = run.groups.get(i + 1..behind)?.first()?.join == Some(Join::Close);
    previous(text, group.start).filter(|(c, _)| *c == '(' && closes).map(|(_, before)| before)
}

/// The end of the number, with the bracket of `03-(1234-5678)`.
fn closed(text: &str, run: &Run, i: usize, behind: usize) -> usize {
    let groups = run.groups.get(i..behind).unwrap_or_default();
    let end = groups.last().map_or(0, |group| group.end);
    let count = |join| groups.iter().skip(1).filter(|group| group.join == Some(join)).count();
    match next(text, end) {
        Some((')', behind)) if count(Join::Open) > count(Join::Close) => behind,
        _ => end,
    }
}

fn spaces_only(run: &Run, i: usize, behind: usize) -> bool {
    run.groups.get(i + 1..behind).is_some_and(|groups| !groups.is_empty() && groups.iter().all(|group| group.join == Some(Join::Space)))
}
