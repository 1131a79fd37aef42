//! Charts as SVG inside of a page, drawn here so that they need no program to be seen and print.

use std::fmt::{Result, Write};

use super::text;

/// Columns beside each other, a group for each label: shares of a whole.
pub(in crate::cli) struct Columns<'a> {
    /// What is shown, for those who do not see it.
    pub(in crate::cli) about: &'a str,
    /// Under the groups.
    pub(in crate::cli) labels: &'a [String],
    /// Under all labels.
    pub(in crate::cli) axis: &'a str,
    /// A share for each label, by series; colours go by series.
    pub(in crate::cli) series: &'a [Vec<f64>],
}

/// Colours of series; more begin again.
pub(in crate::cli) const COLOURS: usize = 6;

impl Columns<'_> {
    pub(in crate::cli) fn draw(&self, out: &mut String) -> Result {
        let highest = self.series.iter().flatten().copied().fold(0.0, f64::max).max(1e-9);
        let (slot, n) = (640.0 / self.labels.len().max(1) as f64, self.series.len().max(1) as f64);
        let bar = (slot * 0.8 / n).min(18.0);
        writeln!(
            out,
            "<svg viewBox=\"0 0 720 260\" role=\"img\" aria-label=\"{}\">\n<line class=\"axis\" x1=\"50\" x2=\"700\" y1=\"210\" y2=\"210\"/>",
            text(self.about)
        )?;
        for (column, label) in self.labels.iter().enumerate() {
            let x = 55.0 + slot * column as f64;
            for (at, shares) in self.series.iter().enumerate() {
                let height = shares.get(column).copied().unwrap_or(0.0) / highest * 185.0;
                let left = x + slot * 0.4 - bar * n / 2.0 + bar * at as f64;
                write!(
                    out,
                    "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" rx=\"1.5\" fill=\"var(--c{})\"/>",
                    210.0 - height,
                    (bar - 1.0).max(1.0),
                    at % COLOURS
                )?;
            }
            writeln!(out, "<text class=\"faint\" x=\"{:.1}\" y=\"227\" text-anchor=\"middle\">{}</text>", x + slot * 0.4, text(label))?;
        }
        writeln!(
            out,
            "<text class=\"faint\" x=\"46\" y=\"26\" text-anchor=\"end\">{:.0} %</text><text class=\"faint\" x=\"375\" y=\"250\" text-anchor=\"middle\">{}</text></svg>",
            highest * 100.0,
            text(self.axis)
        )
    }
}

/// A horizontal bar: stretches of the whole from left to right, each with a class. Figures stand beside it, so that it says nothing by itself.
pub(in crate::cli) fn bar(stretches: &[(f64, &str)]) -> String {
    let mut out = String::from("<svg class=\"strip\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    let mut at = 0.0;
    for (share, class) in stretches {
        let width = (share.clamp(0.0, 1.0) * 1000.0).min(1000.0 - at);
        if width > 0.0 && !class.is_empty() {
            let seen = width.max(1.5);
            // Writing to a string cannot fail.
            let _ = write!(out, "<rect class=\"{class}\" x=\"{:.1}\" width=\"{seen:.1}\" height=\"10\"/>", at.min(1000.0 - seen));
        }
        at += width;
    }
    out.push_str("</svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_lie_side_by_side() {
        let drawn = bar(&[(0.25, ""), (0.5, "a"), (0.0, "b"), (0.9, "c")]);
        assert!(drawn.contains("class=\"a\" x=\"250.0\" width=\"500.0\"") && !drawn.contains("class=\"b\""), "{drawn}");
        assert!(drawn.contains("class=\"c\" x=\"750.0\" width=\"250.0\""), "{drawn}");
    }

    #[test]
    fn columns_name_what_they_show() {
        let mut out = String::new();
        let columns = Columns { about: "<x>", labels: &["1".into()], axis: "n", series: &[vec![0.5], vec![]] };
        columns.draw(&mut out).unwrap();
        assert!(out.contains("aria-label=\"&lt;x&gt;\"") && out.contains("50 %"), "{out}");
    }
}
