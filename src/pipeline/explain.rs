//! What a plan judges by, for people: every threshold with its reason, policies, personal data.

use std::fmt::Write as _;

use super::plan::Plan;
use super::registry::Stages;
use crate::decide::{Policy, Side};
use crate::pii;
use crate::quarantine::escape;

/// Every threshold with its reason, source by source, and what becomes of registers and personal data.
pub fn explain(plan: &Plan, stages: &Stages) -> String {
    let mut text = String::new();
    for (pattern, preset, bounds) in stages.decider.explain() {
        let _ = writeln!(text, "quality, sources {}: preset {}", escape(pattern, 200), preset.name());
        for bound in bounds {
            let side = if bound.side == Side::Min { "≥" } else { "≤" };
            let limit = bound.value.map_or_else(String::new, |limit| format!("{side} {}", limit as f32));
            let _ = writeln!(text, "  {:<36} {:<30} {limit:<10} {}", bound.rule, bound.measure, bound.reason);
        }
    }
    for file in &stages.lists.files {
        let kind = file.category.as_ref().map_or_else(|| "words".to_owned(), |category| format!("addresses, {}", escape(category, 100)));
        let unused = if file.unused > 0 { format!(", {} lines name no host", file.unused) } else { String::new() };
        let _ = writeln!(text, "list {} ({kind}): {} entries{unused}", escape(&file.path, 500), file.entries);
    }
    if stages.lists.urls.is_some() {
        let _ = writeln!(text, "  {:<36} {:<30} {:<10} the plan names lists of addresses", "url_list", "url", "on no list");
    }
    let _ = writeln!(text, "keigo: policy {}", format!("{:?}", plan.keigo.policy).to_lowercase());
    let off = if plan.keigo.policy == Policy::Tag { " (off)" } else { "" };
    for (i, rule) in plan.keigo.rule.iter().enumerate() {
        let when = serde_json::to_string(&rule.when).unwrap_or_default();
        let then = format!("{:?}", rule.then).to_lowercase();
        let _ = writeln!(text, "  rule {}{off}: {then} when {} {}", i + 1, escape(&when, 500), escape(&rule.reason, 100));
    }
    if !plan.keigo.protect.exempt.is_empty() {
        let when = serde_json::to_string(&plan.keigo.protect.exempt_when).unwrap_or_default();
        let _ = writeln!(text, "  exempt from {} when {}", escape(&plan.keigo.protect.exempt.join(", "), 500), escape(&when, 500));
    }
    for (register, share) in plan.keigo.mixture().into_iter().flat_map(|rebalance| &rebalance.target) {
        let _ = writeln!(text, "  target {register} {share}");
    }
    let _ = writeln!(text, "pii:");
    for kind in pii::Kind::ALL {
        let _ = writeln!(text, "  {:<36} {}", kind.name(), format!("{:?}", plan.pii.action(kind)).to_lowercase());
    }
    text
}
