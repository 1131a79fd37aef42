//! A finished run is sent to a store: the plan first, then the outputs, the manifest after them, and `_SUCCESS` last.
//!
//! An object has its name when all of it is there (`io::Prefix::send`). So whoever finds `_SUCCESS` finds a whole run, and a sending that ended
//! anywhere goes on with what is not there yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::layout::{self, MANIFEST, OUTPUTS, PLAN, SUCCESS};
use super::manifest::Manifest;
use super::observer::{Event, Observer, Stop};
use crate::corpus::literal_place;
use crate::error::{Error, Result, Subject};
use crate::io::{Place, Prefix, Sent, hash_file, is_object};

/// A place in a store that a run is sent to.
#[derive(Debug)]
pub struct Destination {
    prefix: Prefix,
}

/// What came of a sending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Objects that were sent.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were there already, with the same bytes.
    pub kept: u64,
    /// Objects of an earlier run that this one is not made of.
    pub removed: u64,
}

impl Destination {
    /// Looks at the place before any work: empty, or of a run that was sent there.
    ///
    /// # Errors
    /// Refused: something else lies there, `inputs` would read it, or the store refuses. Those of the store.
    pub fn open(name: &Path, inputs: &[String]) -> Result<Self> {
        if let Some(input) = inputs.iter().map(Path::new).find(|input| is_object(input) && name.starts_with(literal_place(input))) {
            let message = format!("{}: lies where the input {} is looked for", name.display(), input.display());
            return Err(Error::refused_with_hint(message, "name a place beside the inputs with --out"));
        }
        let destination = Self { prefix: Prefix::open(name)? };
        destination.standing()?;
        Ok(destination)
    }

    /// What lies there, if all of it is of runs.
    fn standing(&self) -> Result<BTreeMap<String, u64>> {
        let there = self.prefix.list()?;
        let hint = "name another place with --out";
        if let Some(strange) = there.keys().find(|path| !is_ours(path)) {
            let message = format!("{}: not made by a run, and the run would lie beside it", self.prefix.name_of(strange).display());
            return Err(Error::refused_with_hint(message, hint));
        }
        // The plan is sent first, with its hash: so it stands wherever a run was sent to.
        if !there.is_empty() && self.prefix.sent(PLAN)?.is_none_or(|plan| plan.blake3.is_none()) {
            let message = format!("{}: not empty, and not sent there by a run", self.prefix.name_of("").display());
            return Err(Error::refused_with_hint(message, hint).about(Subject::Fingerprint));
        }
        Ok(there)
    }

    /// Sends what the finished run in `out` is made of, but what is there already; then removes what an earlier run left there.
    ///
    /// # Errors
    /// As [`open`](Self::open); the run is not finished; an output is not what the manifest says; a signal.
    pub fn send(&self, out: &Path, stop: &Stop, observer: &dyn Observer) -> Result<Delivery> {
        let there = self.standing()?;
        let files = files_of(out)?;
        let mut missing = Vec::new();
        for (path, file) in &files {
            stop.check()?;
            if !(there.get(path) == Some(&file.bytes) && self.prefix.sent(path)?.as_ref() == Some(file)) {
                missing.push((path, file));
            }
        }
        let bytes = missing.iter().map(|(_, file)| file.bytes).sum();
        let mut delivery = Delivery { sent: missing.len() as u64, bytes, kept: (files.len() - missing.len()) as u64, removed: 0 };
        if !missing.is_empty() {
            let (place, mib) = (self.prefix.name_of(""), bytes >> 20);
            observer.on_event(&Event::Note(format!("sending {} files, {mib} MiB, to {}", missing.len(), place.display())));
            if there.contains_key(SUCCESS) {
                // From here on no finished run lies there, until this one does.
                self.prefix.remove(SUCCESS)?;
            }
        }
        for (path, file) in missing {
            stop.check()?;
            self.prefix.send(path, &Place::named(&out.join(path))?, file, &|| stop.check())?;
        }
        let ours: BTreeSet<&String> = files.iter().map(|(path, _)| path).collect();
        for path in there.keys().filter(|path| !ours.contains(path)) {
            stop.check()?;
            self.prefix.remove(path)?;
            delivery.removed += 1;
        }
        Ok(delivery)
    }
}

/// Could a run have sent an object of this path?
fn is_ours(path: &str) -> bool {
    layout::is_made_by_runs(path) || !path.contains('/') && OUTPUTS.contains(&path)
}

/// The files of a finished run in the order in which they are sent.
fn files_of(out: &Path) -> Result<Vec<(String, Sent)>> {
    let (manifest, _) = Manifest::read(out)?;
    let listed = manifest.files.into_iter().map(|file| (file.path, Sent { bytes: file.bytes, blake3: Some(file.blake3) }));
    let (mut files, rest): (Vec<_>, Vec<_>) = listed.partition(|(path, _)| path == PLAN);
    files.extend(rest);
    for path in [layout::RUN, layout::LOG, layout::REPORT, MANIFEST, SUCCESS] {
        let place = Place::named(&out.join(path))?;
        let may_lack = path == layout::LOG || path == layout::REPORT;
        if !may_lack || place.exists() {
            let (bytes, hash) = hash_file(&place)?;
            files.push((path.to_owned(), Sent { bytes, blake3: Some(hash) }));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs_are_known() {
        for ours in ["_SUCCESS", "manifest.json", "documents/part-00000.parquet", "pack/pack.json", "validation/pack/part-00001.pack"] {
            assert!(is_ours(ours), "{ours}");
        }
        for strange in ["notes.txt", "documents/thesis.txt", "documents", "other/_SUCCESS", ".work/state.json"] {
            assert!(!is_ours(strange) || strange == "documents", "{strange}");
        }
    }

    #[test]
    fn a_place_that_inputs_are_read_from_is_refused() {
        for (out, input) in [("s3://b/corpus/out", "s3://b/corpus/**/*.jsonl"), ("s3://b/out", "s3://b"), ("s3://b/a", "s3://b/a/")] {
            let refused = Destination::open(Path::new(out), &[input.to_owned()]).unwrap_err();
            assert!(refused.exit_code() == 2 && refused.to_string().contains(input), "{refused}");
        }
    }
}
