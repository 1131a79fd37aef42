//! What went, as people like to read it.

use std::fmt::Write as _;

use super::ui::{self, shell_word};
use crate::decide::losses::Losses;
use crate::quarantine::escape;

/// Rules of which documents can be looked at.
const WHY: usize = 3;

/// The largest losses by source, register and rule, at most so many; nothing where there is one at most.
pub(super) fn largest(losses: &Losses, max: usize) -> String {
    let largest = losses.largest(max);
    let mut text = String::new();
    if largest.len() > 1 {
        let _ = writeln!(text, "    most characters lost, by source · register · rule:");
        for loss in largest {
            let what = format!("{} · {} · {}", escape(loss.source, 60), escape(loss.register, 30), escape(loss.rule, 60));
            let share = percent(loss.lost.characters, loss.read.characters);
            let _ = writeln!(text, "      {what:<56} {:>12} characters ({share})", ui::thousands(loss.lost.characters));
        }
    }
    text
}

/// How to look at documents that the rules cost which cost most characters.
pub(super) fn why(losses: &Losses, out: &str) -> String {
    let mut text = String::new();
    for (n, rule) in losses.costliest(WHY).into_iter().enumerate() {
        let head = if n == 0 { "why they went" } else { "" };
        let _ = writeln!(text, "    {head:<15}seimai inspect {} --rule {} --sample 3", shell_word(out), shell_word(rule));
    }
    text
}

/// `12.3 %`; a dash where there is nothing.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "–".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}
