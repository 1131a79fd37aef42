//! What the resolved plan says again: fingerprint, source, dictionary and engine.

use super::Check;
use crate::error::{Error, Result};
use crate::io::{open_table, read_limited};
use crate::pipeline::card::card;
use crate::pipeline::finish;
use crate::pipeline::layout;
use crate::pipeline::manifest::Taken;
use crate::pipeline::plan::Plan;
use crate::segment::{dictionary, store};

impl Check<'_> {
    /// The plan of the run, if it is whole and this Seimai is the one that wrote it: another may know other keys and defaults.
    pub(super) fn plan(&self) -> Option<Result<Plan>> {
        let ours = self.manifest.seimai == env!("CARGO_PKG_VERSION") && self.entry(layout::PLAN).is_some() && self.is_whole(layout::PLAN);
        ours.then(|| {
            let text = String::from_utf8(read_limited(&self.run.join(layout::PLAN), 1 << 20)?);
            Plan::from_toml(&text.map_err(|_| Error::refused("the plan is not UTF-8"))?, &[], layout::PLAN)
        })
    }

    /// Compares what the plan decides.
    pub(super) fn settings(&mut self) -> Result<()> {
        let Some(plan) = self.plan() else { return Ok(()) };
        let Some(plan) = self.note(layout::PLAN, plan)? else { return Ok(()) };
        let manifest = self.manifest;
        if manifest.fingerprint_with(&plan)? != manifest.fingerprint {
            self.found("manifest.json: its fingerprint is not that of plan.toml, the dictionary, the lists and the evaluation sets");
        }
        self.compare("unicode", manifest.unicode.as_str(), &finish::unicode_version(), "this version follows");
        let source = finish::source(&plan.input.source);
        self.compare("source", format!("{:?}", manifest.source).as_str(), &format!("{source:?}"), "plan.toml gives");
        if manifest.taken != Taken::of(&plan.input) {
            self.found("manifest.json: says that another part of the inputs was taken than plan.toml gives");
        }
        let wanted = plan.tokenizer.train_bytes;
        if manifest.tokenizer.learned_from.map(|sample| sample.wanted_bytes) != (self.to_learn_from() > wanted).then_some(wanted) {
            self.found("manifest.json: says that the vocabulary was learned from other documents than plan.toml gives");
        }
        self.dictionary(&plan);
        self.card()
    }

    /// The card says what the manifest and the tables say.
    fn card(&mut self) -> Result<()> {
        if !self.all_whole() || self.entry(layout::CARD).is_none() {
            return Ok(());
        }
        let columns = |path: &str| Ok(open_table(&self.run.join(path), None, 1)?.schema());
        let made = card(&columns, self.manifest);
        let Some(made) = self.note(layout::CARD, made)? else { return Ok(()) };
        if read_limited(&self.run.join(layout::CARD), 1 << 24)? != made.into_bytes() {
            self.found(format!("{}: does not say what the manifest and the tables say", layout::CARD));
        }
        Ok(())
    }

    /// The fingerprint is part of the run's; name, version and licence are those of the installed dictionary that has it.
    fn dictionary(&mut self, plan: &Plan) {
        let (said, options) = (&self.manifest.dictionary, &plan.segment);
        self.compare("dictionary engine", said.engine.as_str(), finish::engine(plan).as_str(), "plan.toml gives");
        let with_user = said.name.ends_with("+user");
        if with_user == options.user_dictionary.is_empty() {
            self.found(format!(
                "manifest.json: says dictionary name {}, plan.toml names {} user dictionaries",
                said.name,
                options.user_dictionary.len()
            ));
        }
        let installed = store::locate(&options.dictionary).and_then(|dir| dictionary::read_about(&dir));
        let Some(about) = installed.ok().filter(|about| about.fingerprint == said.fingerprint) else { return };
        let identity = &about.identity;
        for (key, said, found) in [
            ("dictionary name", &said.name, &identity.name),
            ("dictionary version", &said.version, &identity.version),
            ("dictionary licence", &said.licence, &identity.licence),
        ] {
            self.compare(key, said.as_str(), found, "the installed dictionary of this fingerprint has");
        }
    }
}
