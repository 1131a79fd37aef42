//! Dates and times of day as logs write them.

use std::fmt;

/// A day of the calendar, as the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    year: u16,
    month: u8,
    of_month: u8,
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.of_month)
    }
}

/// Seconds by which clocks in Japan are ahead of UTC.
const JAPAN: i64 = 9 * 3600;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// In which order the numbers of a date stand that does not begin with the year.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Order {
    #[default]
    DayFirst,
    MonthFirst,
}

impl Day {
    /// A day that there is; a year of two digits is one of this century.
    fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let year = if year < 100 { 2000 + year } else { year };
        let is_one = (1970..=2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        is_one.then_some(Self { year: year as u16, month: month as u8, of_month: day as u8 })
    }

    /// The day in Japan and the time of day of a moment in seconds since 1970.
    pub(super) fn of_moment(seconds: i64) -> Option<(Self, Time)> {
        let local = seconds.checked_add(JAPAN)?;
        let (days, rest) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        // Days are counted from the first of March of the year 0, so that leap days come last.
        let from_march = days.checked_add(719_468)?;
        let (era, of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let number = |value: i64| u32::try_from(value).ok();
        let time = Time { hour: (rest / 3600) as u8, minute: (rest / 60 % 60) as u8 };
        Some((Self::new(number(year)?, number(month)?, number(day)?)?, time))
    }

    /// 0 is a Sunday.
    fn weekday(self) -> usize {
        let (year, month) = if self.month < 3 { (self.year - 1, self.month + 12) } else { (self.year, self.month) };
        let (year, month, day) = (usize::from(year), usize::from(month), usize::from(self.of_month));
        // Zeller's congruence, where 0 is a Saturday.
        (day + 13 * (month + 1) / 5 + year + year / 4 - year / 100 + year / 400 + 6) % 7
    }
}

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    hour: u8,
    minute: u8,
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// A number of so many digits at most, and what follows it.
fn number(text: &str, digits_max: usize) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > digits_max {
        return None;
    }
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

/// Three numbers with the same sign between them, and what follows.
fn three(text: &str) -> Option<([u32; 3], &str)> {
    let (first, rest) = number(text, 4)?;
    let sign = rest.chars().next().filter(|c| matches!(c, '/' | '.' | '-'))?;
    let (second, rest) = number(rest.strip_prefix(sign)?, 2)?;
    let (third, rest) = number(rest.strip_prefix(sign)?, 4)?;
    Some(([first, second, third], rest))
}

/// The numbers of a date, which of them may be a month or a day, and what follows. `order` holds where the year comes last.
pub(super) fn date(text: &str, order: Order) -> Option<(Day, &str)> {
    let ([first, second, third], rest) = three(text)?;
    let day = match order {
        _ if first > 31 => Day::new(first, second, third),
        Order::DayFirst => Day::new(third, second, first).or_else(|| Day::new(third, first, second)),
        Order::MonthFirst => Day::new(third, first, second).or_else(|| Day::new(third, second, first)),
    };
    Some((day?, rest))
}

/// Day and time of day of a moment by ISO 8601, as far as it tells them.
pub(super) fn moment(text: &str) -> (Option<Day>, Option<Time>) {
    let found = date(text, Order::DayFirst);
    let at = found.and_then(|(_, rest)| time(rest.strip_prefix(['T', ' '])?)).map(|(at, _)| at);
    (found.map(|(day, _)| day), at)
}

/// What a date whose year comes last says of the order, if it can be told.
pub(super) fn order_of(text: &str) -> Option<Order> {
    let ([first, second, _], _) = three(text)?;
    match (first, second) {
        (32.., _) => None,
        (13.., _) => Some(Order::DayFirst),
        (_, 13..) => Some(Order::MonthFirst),
        _ => None,
    }
}

/// `Tue, 01/02/2024`: the weekday tells which number is the month.
pub(super) fn date_of_weekday(text: &str) -> Option<Day> {
    let (name, rest) = text.split_once(", ")?;
    let weekday = WEEKDAYS.iter().position(|known| *known == name)?;
    let of = |order| date(rest, order).filter(|(_, rest)| rest.trim().is_empty()).map(|(day, _)| day);
    let (month_first, day_first) = (of(Order::MonthFirst), of(Order::DayFirst));
    month_first.filter(|day| day.weekday() == weekday).or(day_first.filter(|day| day.weekday() == weekday)).or(month_first)
}

/// A date that stands somewhere in a line: 2024-01-02, or Jan 02 … 2024.
pub(super) fn date_within(line: &str) -> Option<Day> {
    let mut words = line.split([' ', '\t', '[', ']']).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if let Some((day, _)) = date(word, Order::DayFirst) {
            return Some(day);
        }
        if let Some(month) = MONTHS.iter().position(|known| *known == word) {
            let (day, _) = number(words.next()?, 2)?;
            let year = words.find_map(|word| number(word.trim_matches(','), 4).filter(|(year, rest)| *year > 1900 && rest.is_empty()))?.0;
            return Day::new(year, month as u32 + 1, day);
        }
    }
    None
}

/// A blank, also one that may not be broken at.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}')
}

/// A time of day and what follows it: 9:05, 21:05:33, 9:05 PM, 午後9:05.
pub(super) fn time(text: &str) -> Option<(Time, &str)> {
    const HALVES: [(&str, bool); 10] = [
        ("午前", false),
        ("午後", true),
        ("AM", false),
        ("PM", true),
        ("am", false),
        ("pm", true),
        ("a.m.", false),
        ("p.m.", true),
        ("上午", false),
        ("下午", true),
    ];
    let half = |text: &str| HALVES.into_iter().find(|(name, _)| text.starts_with(name));
    let before = half(text);
    let text = before.and_then(|(name, _)| text.strip_prefix(name)).map_or(text, |rest| rest.trim_start_matches(is_blank));
    let (hour, rest) = number(text, 2)?;
    let (minute, mut rest) = number(rest.strip_prefix(':')?, 2)?;
    if let Some((_, behind)) = rest.strip_prefix(':').and_then(|rest| number(rest, 2)) {
        rest = behind;
    }
    let behind = rest.trim_start_matches(is_blank);
    let after = half(behind).filter(|(name, _)| name.is_ascii() && before.is_none());
    let rest = after.and_then(|(name, _)| behind.strip_prefix(name)).unwrap_or(rest);
    let hour = match before.or(after) {
        Some((_, is_afternoon)) => hour % 12 + if is_afternoon { 12 } else { 0 },
        None => hour,
    };
    (hour < 24 && minute < 60).then_some((Time { hour: hour as u8, minute: minute as u8 }, rest))
}

/// Does a time of day say whether it is before noon, as in America? Then its month may come first.
pub(super) fn is_of_halves(text: &str) -> bool {
    ["AM", "PM", "am", "pm"].iter().any(|half| text.contains(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        let show = |found: Option<(Day, &str)>| found.map(|(day, rest)| format!("{day}|{rest}")).unwrap_or_default();
        assert_eq!(show(date("2024/1/2(火)", Order::DayFirst)), "2024-01-02|(火)");
        assert_eq!(show(date("02.01.24, 9", Order::DayFirst)), "2024-01-02|, 9");
        assert_eq!(show(date("1/2/24", Order::MonthFirst)), "2024-01-02|");
        assert_eq!(show(date("1/31/24", Order::DayFirst)), "2024-01-31|");
        assert_eq!(show(date("2024/13/2", Order::DayFirst)), "");
        assert_eq!(show(date("12345/1/2", Order::DayFirst)), "");
        let of_weekday = |text| date_of_weekday(text).map(|day| day.to_string()).unwrap_or_default();
        assert_eq!([of_weekday("Tue, 01/02/2024"), of_weekday("Thu, 01/02/2024")], ["2024-01-02", "2024-02-01"]);
        let within = |text| date_within(text).map(|day| day.to_string()).unwrap_or_default();
        assert_eq!(within("--- Day changed Tue Jan 02 2024"), "2024-01-02");
        assert_eq!(within("--- Log opened Tue Jan 02 12:34:56 2024"), "2024-01-02");
        assert_eq!([within("Session [2024-01-02]"), within("no date 12")], ["2024-01-02", ""]);
        let (day, time) = Day::of_moment(1_704_121_200).unwrap();
        assert_eq!([day.to_string(), time.to_string()], ["2024-01-02", "00:00"]);
        let (day, time) = Day::of_moment(1_709_175_599).unwrap();
        assert_eq!([day.to_string(), time.to_string()], ["2024-02-29", "11:59"]);
        assert_eq!(Day::of_moment(i64::MAX), None);
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("9:05\t甲", "09:05|\t甲"),
            ("21:05:33] 甲", "21:05|] 甲"),
            ("9:05\u{202f}PM - 甲", "21:05| - 甲"),
            ("午後9:05\t甲", "21:05|\t甲"),
            ("午前12:05", "00:05|"),
            ("12:05 AM", "00:05|"),
            ("12:34 甲", "12:34| 甲"),
            ("25:00", ""),
            ("9:5x", "09:05|x"),
            ("甲", ""),
        ] {
            assert_eq!(time(text).map(|(time, rest)| format!("{time}|{rest}")).unwrap_or_default(), expected, "{text}");
        }
    }
}
