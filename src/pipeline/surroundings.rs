//! Files that a plan names and that cannot be used: inputs, lists, evaluation sets, the dictionary. Looked for one by one, once something is wrong,
//! so that all of them are told at once.

use std::path::Path;

use super::evaluation::Evaluation;
use super::lists::Lists;
use super::plan::Plan;
use super::plan_text::Read;
use crate::corpus;
use crate::error::Error;
use crate::segment;

/// Adds what cannot be used to the faults of a plan; how many there are. Relative paths start at `base`.
pub(super) fn complain(read: &mut Read<'_, Plan>, base: &Path) -> usize {
    let plan = read.value.clone();
    let mut found = 0;
    let mut tell = |key: &[&str], index, error: Option<Error>| {
        // What is no refusal (a machine that fails) is not the plan's.
        if let Some(error @ Error::Refused { .. }) = error {
            read.also(key, index, &error);
            found += 1;
        }
    };
    for (i, path) in plan.input.paths.iter().enumerate().filter(|(_, path)| path.as_str() != "-") {
        let given = std::slice::from_ref(path);
        tell(&["input", "paths"], Some(i), corpus::expand_paths(given, &plan.input, base).err());
    }
    let segment = segment::Options { user_dictionary: Vec::new(), ..plan.segment.clone() };
    match segment::open(&segment.beside(base)) {
        Err(error) => tell(&["segment", "dictionary"], None, Some(error)),
        Ok(_) if !plan.segment.user_dictionary.is_empty() => {
            for (i, file) in plan.segment.user_dictionary.iter().enumerate() {
                let one = segment::Options { user_dictionary: vec![file.clone()], ..segment.clone() };
                tell(&["segment", "user_dictionary"], Some(i), segment::open(&one.beside(base)).err());
            }
        }
        Ok(_) => {}
    }
    let without = {
        let mut plan = plan.clone();
        (plan.quality.words, plan.quality.url_lists, plan.quality.url_categories) = Default::default();
        plan.dedup.decontaminate = Vec::new();
        plan
    };
    for (i, file) in plan.quality.words.iter().enumerate() {
        let mut one = without.clone();
        one.quality.words = vec![file.clone()];
        tell(&["quality", "words"], Some(i), Lists::read(&one, base).err());
    }
    let mut sound = Vec::new();
    for (i, directory) in plan.quality.url_lists.iter().enumerate() {
        let mut one = without.clone();
        one.quality.url_lists = vec![directory.clone()];
        match Lists::read(&one, base) {
            Ok(_) => sound.push(directory.clone()),
            Err(error) => tell(&["quality", "url_lists"], Some(i), Some(error)),
        }
    }
    if !plan.quality.url_categories.is_empty() && sound.len() == plan.quality.url_lists.len() && !sound.is_empty() {
        let mut all = without;
        (all.quality.url_lists, all.quality.url_categories) = (sound, plan.quality.url_categories.clone());
        tell(&["quality", "url_categories"], None, Lists::read(&all, base).err());
    }
    for (i, set) in plan.dedup.decontaminate.iter().enumerate() {
        tell(&["dedup", "decontaminate"], Some(i), Evaluation::read(std::slice::from_ref(set), base).err());
    }
    found
}
