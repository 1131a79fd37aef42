//! A finished run with its passport: written beside it, signed, and checked by whoever has the public key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::layout::{self, passport as names};
use super::manifest::Manifest;
use super::observer::{Observer, Stop};
use super::output_directory;
use super::passport::{self, PAYLOAD_TYPE, PREDICATE_TYPE, PassportFile, STATEMENT_TYPE, Statement};
use super::signature::Refusal;
use super::signature::envelope::{ENVELOPE_BYTES_MAX, Envelope};
use super::signature::key::{PublicKey, SecretKey};
use super::verify;
use crate::error::{Error, Result};
use crate::io::{Dir, Staging, read_limited, sha256_of_file};
use crate::quarantine::escape;

/// Files that one statement may name.
const SUBJECTS_MAX: usize = 4_000_000;
/// Findings that are told one by one.
const FINDINGS_MAX: usize = 100;
/// What stands in a run and is no function of its inputs, so that nobody signs it.
const UNSIGNED: [&str; 3] = [layout::RUN, layout::LOG, layout::REPORT];

/// How a run is worked on.
pub struct Work<'a> {
    /// Worker threads.
    pub threads: usize,
    /// Ends the work.
    pub stop: &'a Stop,
    /// Hears how far it is.
    pub observer: &'a dyn Observer,
}

/// Writes the passport of a finished run into it. The run is verified first: nothing is said of what is damaged.
///
/// # Errors
/// `Refused`: no finished run, or another process writes there; damaged, with the first finding; I/O.
pub fn write_passport(run: &Path, work: &Work<'_>) -> Result<Vec<PassportFile>> {
    let (files, _) = make(run, work)?;
    write(run, &files)?;
    Ok(files)
}

/// Signs a finished run: writes its passport, and the statement of it in an envelope. Another key signs beside the one before, if the run is the same.
///
/// # Errors
/// As [`write_passport`].
pub fn sign(run: &Path, key: &SecretKey, work: &Work<'_>) -> Result<Envelope> {
    let (mut files, before) = make(run, work)?;
    let statement = files.last().ok_or_else(|| Error::internal("a passport without a statement"))?;
    let mut envelope = Envelope::of(PAYLOAD_TYPE, &statement.bytes);
    if let Some(before) = before.filter(|before| before.payload == envelope.payload) {
        envelope = before;
    }
    envelope.sign(key)?;
    let mut bytes = serde_json::to_vec_pretty(&envelope).map_err(|e| Error::internal(format!("an envelope: {e}")))?;
    bytes.push(b'\n');
    files.push(PassportFile { path: names::ENVELOPE.to_owned(), bytes });
    write(run, &files)?;
    Ok(envelope)
}

/// The passport of a run that is sound, and the envelope that is there.
fn make(run: &Path, work: &Work<'_>) -> Result<(Vec<PassportFile>, Option<Envelope>)> {
    output_directory::refuse_held(run)?;
    let findings = verify::verify_outputs(run, work.threads, work.stop, work.observer)?;
    if let Some(first) = findings.damage.first() {
        let others = findings.damage.len() - 1;
        let message = format!("{first}{}", if others > 0 { format!(", and {others} other findings") } else { String::new() });
        return Err(Error::damaged(run, message));
    }
    let before = read_limited(&run.join(names::ENVELOPE), ENVELOPE_BYTES_MAX).ok();
    let before = before.and_then(|bytes| Envelope::parse(&bytes, PAYLOAD_TYPE).ok());
    Ok((passport::files(run)?, before))
}

/// An envelope of another statement goes before the statement does: at no moment one is there that does not belong.
fn write(run: &Path, files: &[PassportFile]) -> Result<()> {
    let run = Dir::open(run)?;
    let staging = Staging::beside(run.at(layout::PASSPORT).create_dir()?);
    if !files.iter().any(|file| file.path == names::ENVELOPE) {
        let envelope = run.at(names::ENVELOPE);
        let statement = files.iter().find(|file| file.path == names::STATEMENT).map(|file| &file.bytes);
        let there = read_limited(&envelope, ENVELOPE_BYTES_MAX).ok().and_then(|bytes| Envelope::parse(&bytes, PAYLOAD_TYPE).ok());
        let belongs = there.and_then(|there| there.payload().ok()).is_some_and(|payload| Some(&payload) == statement);
        if envelope.exists() && !belongs {
            envelope.remove_file()?;
        }
    }
    files.iter().try_for_each(|file| staging.write(&run.at(&file.path), &file.bytes).map(|_| ()))
}

/// What a check of a signature found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// The key that was asked for.
    pub keyid: String,
    /// Files whose digests were compared.
    pub files: usize,
    /// Why it is not believed; empty: it is.
    pub refused: Vec<Refusal>,
}

/// Has this key signed this run, and is every file the one that was signed? Nothing of the run is believed before.
///
/// # Errors
/// Those of the system; `Refused` where there is no finished run.
pub fn check(run: &Path, key: &PublicKey, stop: &Stop) -> Result<Checked> {
    let mut checked = Checked { keyid: key.id()?, ..Checked::default() };
    match signed_statement(run, key, &checked.keyid)? {
        Err(refusal) => checked.refused.push(refusal),
        Ok((payload, statement)) => match subjects(&statement).and_then(|subjects| same_run(run, &statement).map(|()| subjects)) {
            Err(refusal) => checked.refused.push(refusal),
            Ok(subjects) => compare(run, &payload, &subjects, stop, &mut checked)?,
        },
    }
    Ok(checked)
}

type Refused<T> = std::result::Result<T, Refusal>;

/// The payload, once the key is known to have signed it, and the statement that it is.
fn signed_statement(run: &Path, key: &PublicKey, keyid: &str) -> Result<Refused<(Vec<u8>, Statement)>> {
    let path = run.join(names::ENVELOPE);
    match path.symlink_metadata() {
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            return Ok(Err(Refusal::new("unsigned", format!("{} is missing: nobody has signed the run", names::ENVELOPE))));
        }
        Err(e) => return Err(Error::io(&path, "inspect", e)),
        Ok(found) if !found.is_file() => return Ok(Err(Refusal::new("no_envelope", format!("{} is no regular file", names::ENVELOPE)))),
        Ok(found) if found.len() > ENVELOPE_BYTES_MAX => {
            return Ok(Err(Refusal::new("no_envelope", format!("{} is larger than {ENVELOPE_BYTES_MAX} bytes", names::ENVELOPE))));
        }
        Ok(_) => {}
    }
    let bytes = read_limited(&path, ENVELOPE_BYTES_MAX)?;
    let payload = Envelope::parse(&bytes, PAYLOAD_TYPE).and_then(|envelope| envelope.check(key, keyid));
    Ok(payload.and_then(|payload| {
        let statement: Statement = serde_json::from_slice(&payload)
            .map_err(|e| Refusal::new("statement", format!("what is signed is no statement of in-toto: {e}")))?;
        for (what, found, wanted) in
            [("_type", &statement.kind, STATEMENT_TYPE), ("predicateType", &statement.predicate_type, PREDICATE_TYPE)]
        {
            if found != wanted {
                return Err(Refusal::new("statement", format!("{what} is {}, and {wanted} is wanted", escape(found, 100))));
            }
        }
        Ok((payload, statement))
    }))
}

/// SHA-256 by path; every path one below the run.
fn subjects(statement: &Statement) -> Refused<BTreeMap<&str, &str>> {
    let wrong = |name: &str, what: &str| Refusal::new("statement", format!("subject {}: {what}", escape(name, 200)));
    if statement.subject.len() > SUBJECTS_MAX {
        return Err(Refusal::new("statement", format!("{} subjects; {SUBJECTS_MAX} are the most", statement.subject.len())));
    }
    let mut all = BTreeMap::new();
    for subject in &statement.subject {
        let name = subject.name.as_str();
        let is_below =
            !name.is_empty() && !name.contains('\0') && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !is_below {
            return Err(wrong(name, "not a path below the run"));
        }
        let is_sha256 =
            |digest: &&String| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let digest = subject.digest.get("sha256").filter(is_sha256).ok_or_else(|| wrong(name, "no digest of SHA-256"))?;
        if all.insert(name, digest.as_str()).is_some() {
            return Err(wrong(name, "named twice"));
        }
    }
    if let Some(missing) = [layout::MANIFEST, layout::SUCCESS].into_iter().find(|needed| !all.contains_key(needed)) {
        return Err(wrong(missing, "missing"));
    }
    Ok(all)
}

/// A statement that is true of another run says nothing of this one.
fn same_run(run: &Path, statement: &Statement) -> Refused<()> {
    // A manifest that cannot be read is told as what it is, a changed file.
    let Ok((manifest, _)) = Manifest::read(run) else { return Ok(()) };
    match statement.fingerprint() {
        Some(signed) if signed == manifest.fingerprint && statement.is_of_inputs(&manifest) => Ok(()),
        Some(signed) if signed == manifest.fingerprint => {
            Err(Refusal::new("replayed", "the signature is that of a run over other inputs than manifest.json names"))
        }
        signed => {
            let signed = escape(signed.unwrap_or("none"), 64);
            let message = format!(
                "the signature is that of another run: fingerprint {signed}, and this one has {}",
                escape(&manifest.fingerprint, 64)
            );
            Err(Refusal::new("replayed", message))
        }
    }
}

/// Every file that was signed is there and the same, and no other is.
fn compare(run: &Path, payload: &[u8], subjects: &BTreeMap<&str, &str>, stop: &Stop, checked: &mut Checked) -> Result<()> {
    for (name, digest) in subjects {
        stop.check()?;
        checked.files += 1;
        if let Some(refusal) = compare_one(run, name, digest)? {
            checked.refused.push(refusal);
        }
        if checked.refused.len() >= FINDINGS_MAX {
            return Ok(());
        }
    }
    let beside = read_limited(&run.join(names::STATEMENT), ENVELOPE_BYTES_MAX);
    if beside.is_ok_and(|bytes| bytes != payload) {
        checked.refused.push(Refusal::new("changed", format!("{}: is not the statement that was signed", names::STATEMENT)));
    }
    let mut known: BTreeSet<PathBuf> = subjects.keys().map(PathBuf::from).collect();
    known.extend([names::STATEMENT, names::ENVELOPE].map(PathBuf::from));
    known.extend(UNSIGNED.map(PathBuf::from));
    for path in added(run, &known)? {
        let shown = escape(&path.to_string_lossy(), 300);
        checked.refused.push(Refusal::new("added", format!("{shown}: is not among the files that were signed")));
    }
    Ok(())
}

fn compare_one(run: &Path, name: &str, digest: &str) -> Result<Option<Refusal>> {
    let shown = escape(name, 300);
    // A link, or a directory that is one, would let somebody change a file after it was compared.
    let mut path = run.to_path_buf();
    for part in Path::new(name).components() {
        path.push(part);
        match path.symlink_metadata() {
            Ok(found) if found.is_symlink() => return Ok(Some(Refusal::new("link", format!("{shown}: a link is in its place")))),
            Ok(_) => {}
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(Some(Refusal::new("missing", format!("{shown}: was signed and is not there"))));
            }
            Err(e) => return Err(Error::io(&path, "inspect", e)),
        }
    }
    if !path.is_file() {
        return Ok(Some(Refusal::new("missing", format!("{shown}: was signed and is no file"))));
    }
    let found = sha256_of_file(&path)?;
    Ok((found != digest).then(|| Refusal::new("changed", format!("{shown}: SHA-256 {found}, and {digest} was signed"))))
}

/// Files of the run that are none of these. The work directory is no output.
fn added(run: &Path, known: &BTreeSet<PathBuf>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(dir) = open.pop() {
        let here = run.join(&dir);
        for entry in std::fs::read_dir(&here).map_err(|e| Error::io(&here, "list", e))? {
            let entry = entry.map_err(|e| Error::io(&here, "list", e))?;
            let path = dir.join(entry.file_name());
            let kind = entry.file_type().map_err(|e| Error::io(entry.path(), "inspect", e))?;
            if kind.is_dir() {
                open.extend((path.as_os_str() != layout::WORK).then_some(path));
            } else if !(kind.is_file() && known.contains(&path)) {
                found.push(path);
                if found.len() >= FINDINGS_MAX {
                    return Ok(found);
                }
            }
        }
    }
    found.sort();
    Ok(found)
}
