//! What of the plan moves a rule: its key, the value that it has, and a command that shows what another would do.

use crate::cli::ui::shell_word;
use crate::decide::Side;
use crate::pipeline::inspect::{History, OfRule};

/// Lines to tell; none where no key of the plan moves the rule.
pub(super) fn told(of_rule: &OfRule, run_dir: &str) -> Vec<String> {
    let short = of_rule.rule.split_once('/').map_or(of_rule.rule.as_str(), |(_, short)| short);
    let documents = &of_rule.found.documents;
    let (key, present, other) = match (&of_rule.setting, measured(short, documents)) {
        (Some((key, value)), _) => (key.clone(), format!("{key} = {value}"), another(key, value).to_owned()),
        (None, Some(measured)) => measured,
        (None, None) => return Vec::new(),
    };
    let setting = shell_word(&format!("{key}={other}"));
    vec![
        format!("set by {present}"),
        format!("to see what another value does: seimai run PLAN --out {} --set {setting}", shell_word(run_dir)),
    ]
}

/// The threshold of a measure: its key, what it asks now, and a value that the nearest of these documents would pass.
fn measured(rule: &str, documents: &[History]) -> Option<(String, String, String)> {
    let all = || documents.iter().filter_map(|history| Some((history, history.measures.iter().find(|measure| measure.rule == rule)?)));
    let (first, explained) = all().next()?;
    let key = format!("quality.thresholds.{rule}");
    let present = format!("{key}: asks {} {} (preset {})", explained.side.asked(), explained.limit as f32, first.preset);
    let values = all().filter(|(_, measure)| !measure.holds).filter_map(|(_, measure)| measure.value);
    let nearest = match explained.side {
        Side::Min => values.max_by(f64::total_cmp),
        Side::Max | Side::Under => values.min_by(f64::total_cmp),
    };
    Some((key, present, nearest.map_or_else(|| "VALUE".to_owned(), |value| passes(explained.side, value))))
}

/// A short figure that a value passes as a limit.
fn passes(side: Side, value: f64) -> String {
    let thousandths = match side {
        Side::Min => (value * 1e3).floor(),
        Side::Max => (value * 1e3).ceil(),
        Side::Under => (value * 1e3).floor() + 1.0,
    };
    (thousandths / 1e3).to_string()
}

/// A value beside the present one that loses less.
fn another(key: &str, present: &str) -> &'static str {
    match key {
        "pii.action" => "mask",
        "keigo.policy" => "tag",
        "dedup.near" if present.parse::<f64>().is_ok_and(|near| near < 0.9) => "0.9",
        _ => "false",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_that_is_named_would_keep_the_nearest() {
        for value in [0.0, 7.0, 0.123_456, 0.75] {
            for side in [Side::Min, Side::Max, Side::Under] {
                let limit: f64 = passes(side, value).parse().unwrap();
                assert!(!side.fails(value, limit) && (limit - value).abs() <= 1e-3 + 1e-9, "{value} {side:?} {limit}");
            }
        }
        assert_eq!(passes(Side::Min, 7.0), "7");
    }

    #[test]
    fn another_value_loses_less() {
        assert_eq!(
            [another("dedup.near", "0.8"), another("dedup.near", "0.95"), another("dedup.exact", "true")],
            ["0.9", "false", "false"]
        );
    }
}
