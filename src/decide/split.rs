//! `[split]` of the plan: which kept documents are held out of training, to validate a model on.

use serde::{Deserialize, Serialize};

/// The section `[split]` of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// The share of the kept documents that goes to `validation/` (0: none; below 1). They are chosen by a hash of their id; documents that verified
    /// near-duplicates join go the same way. The vocabulary is trained without them. Needs `dedup.near`.
    pub validation: f64,
    /// Another seed chooses other documents.
    pub seed: u64,
}

/// Of the hash: another key would choose other documents.
const KEY: &[u8; 32] = b"seimai: validation split, vers 1";

impl Split {
    /// One sentence for a value out of range; `near`: are near-duplicates looked for?
    pub fn check(&self, near: bool) -> Result<(), String> {
        if !(0.0..1.0).contains(&self.validation) {
            return Err(format!("split.validation is {}, but it is a share of at least 0 and below 1", self.validation));
        }
        if self.is_on() && !near {
            return Err(
                "split.validation needs dedup.near: without it a document may be held out whose near-duplicate is trained on".into()
            );
        }
        Ok(())
    }

    /// Is anything held out?
    pub fn is_on(&self) -> bool {
        self.validation > 0.0
    }

    /// Is a document held out whose family is called so: by the `doc_id` of its first kept document?
    ///
    /// The first 8 bytes of the keyed BLAKE3 of the seed (8 bytes, little endian) and the name, little endian, are below the share × 2⁶⁴:
    /// a larger share holds out what a smaller one does, and some more.
    pub fn holds_out(&self, family: &str) -> bool {
        let mut hasher = blake3::Hasher::new_keyed(KEY);
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(family.as_bytes());
        let drawn = hasher.finalize().as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
        // A multiplication by a power of two is exact.
        u128::from(drawn) < (self.validation * 2_f64.powi(64)) as u128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_share_holds_out_what_a_smaller_one_does() {
        let ids: Vec<String> = (0..50_000).map(|n| format!("文書{n}")).collect();
        let held = |validation: f64, seed: u64| ids.iter().map(|id| Split { validation, seed }.holds_out(id)).collect::<Vec<bool>>();
        let (none, some, more) = (held(0.0, 0), held(0.01, 0), held(0.1, 0));
        assert!(!none.contains(&true) && some.iter().zip(&more).all(|(some, more)| !some || *more));
        let count = |held: &[bool]| held.iter().filter(|held| **held).count();
        assert!(count(&some).abs_diff(500) < 120 && count(&more).abs_diff(5000) < 350, "{} {}", count(&some), count(&more));
        assert_ne!(some, held(0.01, 1));
    }

    /// A new release holds the same documents out.
    #[test]
    fn the_choice_is_fixed() {
        let split = Split { validation: 0.25, seed: 0 };
        let held: Vec<u32> = (0..40).filter(|n| split.holds_out(&n.to_string())).collect();
        assert_eq!(held, [3, 11, 15, 29, 39]);
    }

    #[test]
    fn a_share_without_near_duplicates_is_refused() {
        for (validation, near, sound) in [
            (0.0, false, true),
            (0.005, true, true),
            (0.005, false, false),
            (1.0, true, false),
            (-0.1, true, false),
            (f64::NAN, true, false),
        ] {
            assert_eq!(Split { validation, seed: 0 }.check(near).is_ok(), sound, "{validation} {near}");
        }
    }
}
