//! Numbers that people are given by offices and banks: shape, label and check digit together.

use super::check_digits::{is_driver_license, is_luhn, is_my_number};
use super::edge::{is_ended, is_free, runs_into_letters};
use super::fold::{is_near, last_of, left_of, previous};
use super::kind::{Kind, Span};
use super::number::{Join, Run};

const JOINS: [Join; 3] = [Join::Dash, Join::Space, Join::Dot];

const MY_NUMBER: &[&str] = &["マイナンバー", "個人番号", "mynumber", "my number", "マイナンバ", "共通番号", "個人番号)", "マイナンバー)"];
const LICENSE: &[&str] = &["免許証番号", "免許証", "免許番号", "免許の番号", "免許no", "driver", "運転免許"];
const CARD: &[&str] = &[
    "カード番号",
    "カード",
    "クレジット",
    "クレカ",
    "visa",
    "jcb",
    "master",
    "amex",
    "アメックス",
    "ダイナース",
    "card",
    "credit",
    "デビット",
    "ｶｰﾄﾞ",
];
const PASSPORT: &[&str] = &["旅券番号", "旅券", "パスポート番号", "パスポート", "passport", "passport no", "passport number"];
const PENSION: &[&str] = &["年金番号", "年金手帳", "年金の番号", "基礎年金", "年金の番号", "年金証書"];
/// Labels of other numbers: the nearest label decides.
const OTHERS: &[&str] = &[
    "管理番号",
    "伝票",
    "注文",
    "受付",
    "シリアル",
    "serial",
    "製造番号",
    "法人番号",
    "会員番号",
    "社員番号",
    "学籍番号",
    "品番",
    "型番",
    "isbn",
    "jan",
    "追跡番号",
    "お問い合わせ番号",
    "予約番号",
    "登録番号",
    "整理番号",
    "コード",
    "識別",
];

/// A numbered document or card that begins with group `i`, and the group behind it.
pub(super) fn identifier(text: &str, run: &Run, i: usize, window: &mut String) -> Option<(Span, usize)> {
    let groups = shape(run, i)?;
    let behind = i + groups;
    let digits = run.digits(i, behind);
    if digits.len() == 7 {
        return passport(text, run, i, window);
    }
    if !is_free(text, run, i, &["no"]) || !is_ended(text, run, behind - 1) {
        return None;
    }
    let glued = runs_into_letters(text, run, behind - 1);
    let start = run.groups.get(i)?.start;
    left_of(text, start, 40, window);
    let other = last_of(window, OTHERS);
    let wins = |label: usize| label > other && (!glued || is_near(window, label));
    let labelled = |labels| wins(last_of(window, labels));
    let kind = match digits.len() {
        10 if labelled(PENSION) => Kind::PensionNumber,
        12 => {
            let (my_number, license) = (last_of(window, MY_NUMBER), last_of(window, LICENSE));
            if my_number > license && wins(my_number) && is_my_number(digits) {
                Kind::MyNumber
            } else if license > my_number && wins(license) && is_driver_license(digits) {
                Kind::DriverLicense
            } else {
                return None;
            }
        }
        14..=16 if is_card(digits) && (labelled(CARD) || (groups > 1 && other == 0 && !glued)) => Kind::CreditCard,
        _ => return None,
    };
    Some((Span { start, end: run.groups.get(behind - 1)?.end, kind }, behind))
}

/// How many groups from `i` make one of the shapes.
fn shape(run: &Run, i: usize) -> Option<usize> {
    const SHAPES: [&[usize]; 5] = [&[4, 4, 4, 4], &[4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 6]];
    let first = run.groups.get(i)?.len;
    if matches!(first, 7 | 10 | 12 | 14..=16) {
        return Some(1);
    }
    if first != 4 {
        return None;
    }
    SHAPES.into_iter().find(|lens| run.has_shape(i, lens, &JOINS)).map(<[usize]>::len)
}

/// Two letters and seven digits behind the word passport.
fn passport(text: &str, run: &Run, i: usize, window: &mut String) -> Option<(Span, usize)> {
    let group = run.groups.get(i).filter(|_| i == 0)?;
    let letter = |at| previous(text, at).filter(|(c, _)| c.is_ascii_alphabetic());
    let (_, second) = letter(group.start)?;
    let (_, start) = letter(second)?;
    let glued = previous(text, start).is_some_and(|(c, _)| c.is_ascii_alphanumeric());
    if glued || !is_ended(text, run, i) {
        return None;
    }
    left_of(text, start, 40, window);
    let label = last_of(window, PASSPORT);
    let said = label > last_of(window, OTHERS) && (!runs_into_letters(text, run, i) || is_near(window, label));
    said.then_some((Span { start, end: group.end, kind: Kind::Passport }, i + 1))
}

/// Ranges of the issuers (ISO/IEC 7812), and Luhn's digit.
fn is_card(digits: &[u8]) -> bool {
    let lead = |n: usize| digits.iter().take(n).fold(0, |value, &digit| value * 10 + u32::from(digit));
    let issued = match digits.len() {
        14 => matches!(lead(3), 300..=305 | 309) || matches!(lead(2), 36 | 38 | 39),
        15 => matches!(lead(2), 34 | 37),
        16 => {
            lead(1) == 4
                || matches!(lead(2), 51..=55 | 62 | 65)
                || matches!(lead(3), 644..=649)
                || matches!(lead(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    };
    issued && is_luhn(digits)
}
