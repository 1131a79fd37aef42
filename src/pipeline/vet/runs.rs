//! Runs and packs of Seimai: is every figure of them true, who signed, and what do they declare?

use std::path::Path;

use super::book::Book;
use super::declared::{self, Evidence};
use super::place::Place;
use super::policy::Policy;
use crate::error::{Error, Result};
use crate::io::{guard, read_limited};
use crate::pack::Pack;
use crate::pipeline::layout::{self, passport as names};
use crate::pipeline::sign::{self, Work};
use crate::pipeline::signature::key::PublicKey;
use crate::pipeline::{passport, verify};

const SOUND: &str = "run.sound";
const SIGNED: &str = "run.signed";
const PASSPORT: &str = "run.passport";
/// Bytes of a passport.
const PASSPORT_MAX: u64 = 256 << 20;

/// Is this the directory of a finished run?
pub(super) fn is_run(dir: &Path) -> bool {
    dir.join(layout::SUCCESS).is_file() && dir.join(layout::MANIFEST).is_file()
}

/// Is this the directory of a pack?
pub(super) fn is_pack(dir: &Path) -> bool {
    dir.join("pack.json").is_file()
}

/// What says nothing of the files is given on: a signal, a ceiling.
fn ours(error: Error) -> Result<String> {
    match error {
        Error::Interrupted(_) | Error::Resources(_) => Err(error),
        other => Ok(other.to_string()),
    }
}

/// Looks at a run.
///
/// # Errors
/// Interrupted; out of resources.
pub(super) fn run(book: &mut Book, policy: &Policy, dir: &Path, name: &str, key: Option<&PublicKey>, work: &Work<'_>) -> Result<()> {
    if book.asks(SOUND) {
        book.looked(SOUND, 1);
        match verify::verify(dir, work.threads, work.stop, work.observer) {
            Ok(findings) => findings.damage.iter().for_each(|damage| book.found(SOUND, name, Place::default(), damage.as_str(), None)),
            Err(error @ Error::Io { .. }) => book.unseen(SOUND, name, Place::default(), error.to_string()),
            Err(error) => book.found(SOUND, name, Place::default(), ours(error)?, None),
        }
    }
    if book.asks(SIGNED) {
        book.looked(SIGNED, 1);
        match key.map(|key| sign::check(dir, key, work.stop)) {
            None => book.unseen(
                SIGNED,
                name,
                Place::default(),
                "no key was named: give --key with the public key of whoever has to have signed",
            ),
            Some(Ok(checked)) => {
                for refusal in &checked.refused {
                    book.found(SIGNED, name, Place::default(), refusal.message.as_str(), Some(refusal.code.to_owned()));
                }
            }
            Some(Err(error)) => book.unseen(SIGNED, name, Place::default(), ours(error)?),
        }
    }
    if book.asks(PASSPORT) {
        book.looked(PASSPORT, 1);
        if !dir.join(names::EVIDENCE).is_file() {
            book.found(PASSPORT, name, Place::default(), "there is no passport/passport.json: seimai passport writes it", None);
        }
    }
    if ["declared.owner", "declared.consent", "declared.legal_basis", "declared.energy"].iter().any(|key| book.asks(key)) {
        declarations(book, policy, dir, name)?;
    }
    Ok(())
}

/// What a run declares: in its passport, or counted as the passport would be.
fn declarations(book: &mut Book, policy: &Policy, dir: &Path, name: &str) -> Result<()> {
    let file = format!("{name}/{}", names::EVIDENCE);
    let bytes = match read_limited(&dir.join(names::EVIDENCE), PASSPORT_MAX) {
        Ok(bytes) => Ok(bytes),
        Err(_) => guard(|| passport::files(dir)).unwrap_or_else(|| Err(Error::damaged(dir, "its tables cannot be read"))).map(|files| {
            let evidence = files.into_iter().find(|file| file.path == names::EVIDENCE);
            evidence.map(|file| file.bytes).unwrap_or_default()
        }),
    };
    let evidence = match bytes {
        Ok(bytes) => serde_json::from_slice::<Evidence>(&bytes).map_err(|e| e.to_string()),
        Err(error) => Err(ours(error)?),
    };
    match evidence {
        Ok(evidence) => {
            evidence.tell(book, &file);
            let energy: Vec<String> = evidence.energy().map(str::to_owned).into_iter().collect();
            declared::energy(book, policy, &file, &energy);
        }
        Err(why) => {
            for key in ["declared.owner", "declared.consent", "declared.legal_basis", "declared.energy"] {
                book.unseen(key, &file, Place::default(), why.as_str());
            }
        }
    }
    Ok(())
}

/// Looks at a pack: everything that its format promises.
///
/// # Errors
/// Interrupted; out of resources.
pub(super) fn pack(book: &mut Book, dir: &Path, name: &str) -> Result<()> {
    if !book.asks(SOUND) {
        return Ok(());
    }
    book.looked(SOUND, 1);
    match guard(|| Pack::open(dir).and_then(|pack| pack.verify())) {
        Some(Ok(())) => {}
        Some(Err(error @ Error::Io { .. })) => book.unseen(SOUND, name, Place::default(), error.to_string()),
        Some(Err(error)) => book.found(SOUND, name, Place::default(), ours(error)?, None),
        None => book.found(SOUND, name, Place::default(), "no pack that can be read: its parts contradict each other", None),
    }
    Ok(())
}

/// Looks at one file of a pack.
///
/// # Errors
/// Interrupted; out of resources.
pub(super) fn pack_file(book: &mut Book, path: &Path, name: &str) -> Result<()> {
    if !book.asks(SOUND) {
        return Ok(());
    }
    book.looked(SOUND, 1);
    let checked = guard(|| {
        let map = crate::io::Finished::open(path)?.map()?;
        crate::pack::verify_part(path, &map)
    });
    match checked {
        Some(Ok(_)) => {}
        Some(Err(error @ Error::Io { .. })) => book.unseen(SOUND, name, Place::default(), error.to_string()),
        Some(Err(error)) => book.found(SOUND, name, Place::default(), ours(error)?, None),
        None => book.found(SOUND, name, Place::default(), "no file of a pack that can be read", None),
    }
    Ok(())
}
