//! What all parts of the page use: headings, figures, tables that scroll, shares.

use std::fmt::{Result, Write};

use crate::cli::html::text;
use crate::cli::ui::thousands;
use crate::decide::losses::{Amount, Registers};

/// A section with a heading that links lead to.
pub(super) fn section(out: &mut String, id: &str, heading: &str, about: &str) -> Result {
    writeln!(out, "<h2 id=\"{id}\">{heading}</h2>")?;
    if about.is_empty() { Ok(()) } else { writeln!(out, "<p class=\"note\">{about}</p>") }
}

/// Begins a table that scrolls by itself, with keys too; `label` is its name.
pub(super) fn table(out: &mut String, label: &str, class: &str, heads: &[(&str, bool)]) -> Result {
    write!(out, "<div class=\"scroll {class}\" role=\"region\" aria-label=\"{}\" tabindex=\"0\"><table><thead><tr>", text(label))?;
    for (head, number) in heads {
        // A head without a name is none.
        if head.is_empty() {
            out.write_str("<td></td>")?;
            continue;
        }
        write!(out, "<th scope=\"col\"{}>{head}</th>", if *number { " class=\"n\"" } else { "" })?;
    }
    writeln!(out, "</tr></thead><tbody>")
}

pub(super) fn table_end(out: &mut String) -> Result {
    writeln!(out, "</tbody></table></div>")
}

/// A share; 0 of nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// A share in percent: two digits that tell something.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = share(part, whole) * 100.0;
    match share {
        _ if whole == 0 => "–".to_owned(),
        _ if part == 0 => "0".to_owned(),
        s if s >= 99.95 && part < whole => "99.9 %".to_owned(),
        s if s >= 10.0 => format!("{s:.0} %"),
        s if s >= 0.95 => format!("{s:.1} %"),
        s if s >= 0.01 => format!("{s:.2} %"),
        _ => "&lt;0.01 %".to_owned(),
    }
}

/// A number of things, in words where there is one.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// `1,234,567` as `1.2 million`.
pub(super) fn rounded(n: u64) -> String {
    match n {
        0..100_000 => thousands(n),
        100_000..1_000_000 => format!("{} thousand", n / 1000),
        1_000_000..1_000_000_000 => format!("{:.1} million", n as f64 / 1e6),
        _ => format!("{:.1} billion", n as f64 / 1e9),
    }
}

pub(super) fn add(sum: &mut Amount, more: Amount) {
    sum.documents += more.documents;
    sum.characters += more.characters;
}

/// What was read of a source, and what was lost of it in all.
pub(super) fn whole(registers: &Registers) -> (Amount, Amount) {
    let (mut read, mut lost) = (Amount::default(), Amount::default());
    for of in registers.values() {
        add(&mut read, of.read);
        of.lost.values().for_each(|amount| add(&mut lost, *amount));
    }
    (read, lost)
}

/// A threshold or value for people.
pub(super) fn figure(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        let whole = thousands(value.abs() as u64);
        return if value < 0.0 { format!("−{whole}") } else { whole };
    }
    // Thresholds are set in single precision, and shown in it.
    let value = value as f32;
    let rounded = (value * 1e4).round() / 1e4;
    if rounded == 0.0 { value.to_string() } else { rounded.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(
            [0.35_f32.into(), 120.0, 1e6, 0.00001_f32.into(), 1.0 / 3.0].map(figure),
            ["0.35", "120", "1,000,000", "0.00001", "0.3333"]
        );
        assert_eq!(
            [(0, 0), (0, 5), (1, 2), (1, 100_000), (99_999, 100_000), (1, 70)].map(|(a, b)| percent(a, b)),
            ["–", "0", "50 %", "&lt;0.01 %", "99.9 %", "1.4 %"]
        );
        assert_eq!([rounded(99_999), rounded(250_000), rounded(3_250_000)], ["99,999", "250 thousand", "3.2 million"]);
    }
}
