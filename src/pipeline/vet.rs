//! Vetting: a border check of runs, data sets, vocabularies, packs and models under a policy. Every finding says where, and which key asks for it.
//!
//! What is vetted is hostile: nothing of it is loaded, carried out or written, and nothing is allocated from a size that it declares. A key passes
//! where everything was looked at and holds; what could not be looked at is told as that.
//!
//! [`policy`] what is asked · [`chosen`] by name or file · `walk` files below a path · `inspect` one file by its content, with a reader for each
//! format: [`pickle`] [`numpy`] [`zip`] [`tar`] [`safetensors`] [`gguf`] [`sentencepiece`] [`settings`] [`vocabulary`] [`active`] [`page`] `unpack`, over [`bytes`] ·
//! `records` documents · `declared` [`card`] [`spdx`] what they declare · `texts` [`sample`] [`script`] what stands in them · `runs` runs and packs of Seimai · `air_gap` · `book` findings ·
//! [`verdict`].

pub mod active;
mod air_gap;
mod book;
pub mod bytes;
pub mod card;
pub mod chosen;
mod declared;
pub mod gguf;
mod inspect;
pub mod level;
pub mod numpy;
pub mod page;
mod pairs;
pub mod pickle;
pub mod place;
pub mod policy;
mod records;
mod runs;
pub mod sample;
pub mod safetensors;
pub mod script;
pub mod sentencepiece;
pub mod settings;
pub mod spdx;
pub mod tar;
mod texts;
mod unpack;
pub mod verdict;
pub mod vocabulary;
mod walk;
pub mod zip;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::book::Book;
use self::bytes::Opened;
use self::card::{Card, FRONT_MATTER_MAX};
use self::chosen::Chosen;
use self::declared::{Said, Tally};
use self::inspect::Inspector;
use self::level::Level;
use self::place::Place;
use self::policy::KEYS;
use self::records::{DataFile, OF_DOCUMENTS, Table};
use self::texts::{Looker, Tools};
use self::verdict::{Target, VERSION, Verdict};
use self::walk::{Entry, Kind};
use super::layout;
use super::sign::Work;
use super::signature::key::PublicKey;
use crate::error::{Error, Result, is_of_the_machine};
use crate::io::{Input, read_limited};

/// Keys of what a data set has to declare, and how a card calls it.
const DECLARED: [(&str, &str); 3] = [("declared.owner", "owner"), ("declared.consent", "consent"), ("declared.legal_basis", "legal_basis")];

/// Vets paths under a policy.
///
/// # Errors
/// `Refused`: nothing is at a path. Interrupted; out of resources.
pub fn vet(paths: &[PathBuf], chosen: &Chosen, key: Option<&PublicKey>, work: &Work<'_>) -> Result<Verdict> {
    let mut book = Book::new(chosen.policy.asked());
    let tools = Tools::open(&mut book, &chosen.policy, &chosen.base)?;
    let mut looker = Looker::new(&book, &chosen.policy, &tools);
    let (mut tally, mut targets, mut left) = (Tally::default(), Vec::new(), chosen.policy.look.files);
    for path in paths {
        let (entries, is_cut) = walk::walk(path, left)?;
        left = left.saturating_sub(entries.len() as u64);
        if is_cut {
            let what = format!("more than {} files (look.files)", chosen.policy.look.files);
            for key in KEYS {
                book.unseen(key, &path.to_string_lossy(), Place::default(), what.as_str());
            }
        }
        let mut vetting = Vetting { chosen, key, work, book: &mut book, tally: &mut tally, looker: &mut looker };
        targets.push(vetting.target(path, &entries)?);
    }
    tally.tell(&mut book, &chosen.policy);
    looker.tell(&mut book, work.stop)?;
    air_gap::tell(&mut book);
    let (checks, findings) = book.finish(&KEYS);
    let verdict = checks.iter().filter_map(|check| check.verdict).max().unwrap_or(Level::Pass);
    Ok(Verdict {
        vet_version: VERSION,
        seimai: env!("CARGO_PKG_VERSION"),
        policy: chosen.asked.clone(),
        verdict,
        targets,
        checks,
        findings,
    })
}

struct Vetting<'a, 't> {
    chosen: &'a Chosen,
    key: Option<&'a PublicKey>,
    work: &'a Work<'a>,
    book: &'a mut Book,
    tally: &'a mut Tally,
    looker: &'a mut Looker<'t>,
}

/// A file with the format that it has by its content.
type Known<'e> = (&'e Entry, &'static str);

impl Vetting<'_, '_> {
    fn target(&mut self, path: &Path, entries: &[Entry]) -> Result<Target> {
        let mut target = Target { path: path.display().to_string(), kind: "file", files: 0, bytes: 0, formats: BTreeMap::new() };
        let (mut known, mut licenses) = (Vec::new(), Vec::new());
        for entry in entries {
            self.work.stop.check()?;
            self.book.looked("safety.links", 1);
            match &entry.kind {
                Kind::File(bytes) => {
                    target.files += 1;
                    target.bytes += bytes;
                    let format = self.file(entry, &mut licenses)?;
                    *target.formats.entry(format).or_default() += 1;
                    known.push((entry, format));
                }
                Kind::Link { to, leads_out: true } => {
                    self.book.found("safety.links", &entry.name, Place::default(), "a link that leads out, or nowhere", Some(to.clone()));
                }
                Kind::Link { .. } => {}
                Kind::Special => {
                    self.book.found("safety.links", &entry.name, Place::default(), "neither a file nor a directory", None);
                }
                Kind::Unseen(why) => KEYS.iter().for_each(|key| self.book.unseen(key, &entry.name, Place::default(), why.as_str())),
            }
        }
        if entries.is_empty() {
            let keys = KEYS.iter().filter(|key| !key.starts_with("air_gap"));
            keys.for_each(|key| self.book.unseen(key, &target.path, Place::default(), "nothing is in it"));
        }
        target.kind = kind(path, &known);
        self.runs(path, &known)?;
        self.documents(path, &target, &known, &licenses)?;
        Ok(target)
    }

    fn file(&mut self, entry: &Entry, licenses: &mut Vec<(String, String)>) -> Result<&'static str> {
        let opened = Input::open(&entry.path).and_then(Opened::new);
        let bytes = match opened {
            Ok(bytes) => bytes,
            Err(error) if is_of_the_machine(&error) => return Err(Error::io(&entry.path, "read", error)),
            Err(error) => {
                let what = format!("cannot be opened: {error}");
                KEYS.iter()
                    .filter(|key| !key.starts_with("air_gap"))
                    .for_each(|key| self.book.unseen(key, &entry.name, Place::default(), what.as_str()));
                return Ok("unread");
            }
        };
        let mut inspector = Inspector::new(&self.chosen.policy, self.book);
        let format = inspector.look(&entry.name, &bytes);
        licenses.append(&mut inspector.licenses);
        if format == "pack" {
            runs::pack_file(self.book, &entry.path, &entry.name)?;
        }
        Ok(format)
    }

    /// Runs and packs, wherever they lie below the path.
    fn runs(&mut self, path: &Path, known: &[Known<'_>]) -> Result<()> {
        let dirs: BTreeSet<&Path> =
            known.iter().filter_map(|(entry, _)| entry.path.parent().filter(|_| !entry.below.as_os_str().is_empty())).collect();
        for dir in dirs {
            let name = dir.display().to_string();
            if runs::is_run(dir) {
                runs::run(self.book, &self.chosen.policy, dir, &name, self.key, self.work)?;
            } else if runs::is_pack(dir) && !dir.ancestors().take_while(|above| above.starts_with(path)).any(runs::is_run) {
                runs::pack(self.book, dir, &name)?;
            }
        }
        Ok(())
    }

    /// Documents, cards, and what they declare.
    fn documents(&mut self, path: &Path, target: &Target, known: &[Known<'_>], licenses: &[(String, String)]) -> Result<()> {
        let card = self.card(known)?;
        let license = card.as_ref().and_then(Card::license);
        let mut any = false;
        for (entry, format) in known {
            self.work.stop.check()?;
            let is_table = *format == "parquet";
            let is_records = is_lines(&entry.name, format);
            let file = DataFile { path: &entry.path, name: &entry.name, is_table, is_strict: is_table || is_records };
            if is_table {
                match records::table(self.book, &self.chosen.policy, &file)? {
                    Some(Table::Documents) if is_data(path, entry) => {}
                    Some(Table::Other) if !is_of_run(path, entry) => {
                        let what = "a table without texts (look.fields.text names another column)";
                        for key in OF_DOCUMENTS {
                            self.book.unseen(key, &entry.name, Place::default(), what);
                        }
                        continue;
                    }
                    _ => continue,
                }
            } else if !((is_records || is_texts(target, &entry.name, format)) && is_data(path, entry)) {
                continue;
            }
            any = true;
            let asks = OF_DOCUMENTS.iter().any(|key| self.book.asks(key)) || file.is_strict && self.book.asks("safety.malformed");
            if asks {
                let of_file = || entry.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                let key = Some(entry.below.to_string_lossy().into_owned()).filter(|below| !below.is_empty()).unwrap_or_else(of_file);
                self.read(&file, &key, license.as_deref())?;
            }
        }
        let is_model = ["model", "tokenizer"].contains(&target.kind);
        if is_model || card.is_some() && !any {
            let license = license.or_else(|| licenses.first().map(|(license, _)| license.clone()));
            declared::license(self.book, &self.chosen.policy, &target.path, license.as_deref());
        }
        if (is_model || any) && target.kind != "run" {
            let energy = card.as_ref().map(|card| card.get("energy_source").to_vec()).unwrap_or_default();
            declared::energy(self.book, &self.chosen.policy, &target.path, &energy);
            for (key, name) in DECLARED.into_iter().filter(|_| any) {
                self.book.looked(key, 1);
                if card.as_ref().is_none_or(|card| card.get(name).is_empty()) {
                    let what = format!("`{name}` is declared neither in the card nor in a passport");
                    self.book.found(key, &target.path, Place::default(), what, None);
                }
            }
        }
        Ok(())
    }

    /// The front matter of the README of a directory.
    fn card(&mut self, known: &[Known<'_>]) -> Result<Option<Card>> {
        let Some((entry, _)) = known.iter().find(|(entry, _)| entry.below.as_os_str().eq_ignore_ascii_case("README.md")) else {
            return Ok(None);
        };
        match read_limited(&entry.path, 64 << 20) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(FRONT_MATTER_MAX)).unwrap_or_default()).into_owned();
                Ok(Card::read(&text))
            }
            Err(error @ (Error::Interrupted(_) | Error::Resources(_))) => Err(error),
            Err(error) => {
                self.book.unseen("license.undeclared", &entry.name, Place::default(), error.to_string());
                Ok(None)
            }
        }
    }

    fn read(&mut self, file: &DataFile<'_>, key: &str, license: Option<&str>) -> Result<()> {
        let (tally, looker, policy) = (&mut *self.tally, &mut *self.looker, &self.chosen.policy);
        records::each(self.book, &self.chosen.policy, file, self.work.stop, &mut |record, place| {
            let said = Said {
                file: file.name,
                place,
                license: record.license.as_deref().or(license),
                residency: record.residency.as_deref(),
                source: record.source.as_deref(),
                chars: record.text.chars().count() as u64,
            };
            tally.add(policy, &said);
            looker.take(key, file.name, place, &record.text);
            Ok(())
        })
    }
}

/// Lines of JSON, compressed or not.
fn is_lines(name: &str, format: &str) -> bool {
    let lower = name.to_lowercase();
    let is_named = |name: &str| name.rsplit_once('.').is_some_and(|(_, ending)| ["jsonl", "ndjson"].contains(&ending));
    let compressed = ["gzip", "zstd", "bzip2", "xz", "lz4"].contains(&format);
    format == "jsonl" || compressed && lower.rsplit_once('.').is_some_and(|(inside, _)| is_named(inside))
}

/// Texts and pages that a corpus is made of, where what is vetted is no model: there they are vocabularies and papers.
fn is_texts(target: &Target, name: &str, format: &str) -> bool {
    const ENDINGS: [&str; 12] = ["txt", "csv", "tsv", "html", "htm", "xhtml", "warc", "wet", "arc", "epub", "srt", "vtt"];
    const PAPERS: [&str; 6] = ["readme", "license", "notice", "merges", "vocab", "requirements"];
    let file = name.rsplit('/').next().unwrap_or_default().to_lowercase();
    let plain = ["gz", "zst", "bz2", "xz"].iter().find_map(|ending| file.strip_suffix(ending)?.strip_suffix('.')).unwrap_or(&file);
    let is_text = plain
        .rsplit_once('.')
        .is_some_and(|(stem, ending)| ENDINGS.contains(&ending) && !PAPERS.iter().any(|paper| stem.starts_with(paper)));
    ["dataset", "folder", "file"].contains(&target.kind) && (is_text || format == "json list")
}

/// Of a run, what its text was made of is no output: rejected documents, what lies in the work directory, lines about records.
fn is_of_run(path: &Path, entry: &Entry) -> bool {
    entry.path.ancestors().skip(1).take_while(|above| above.starts_with(path)).any(runs::is_run)
}

/// Is a file of documents one that counts?
fn is_data(path: &Path, entry: &Entry) -> bool {
    let root = entry.path.ancestors().skip(1).take_while(|above| above.starts_with(path)).find(|above| runs::is_run(above));
    let Some(below) = root.and_then(|root| entry.path.strip_prefix(root).ok()) else { return true };
    layout::Subset::BOTH.into_iter().any(|subset| below.starts_with(subset.documents))
}

/// What a path is, by what is in it.
fn kind(path: &Path, known: &[Known<'_>]) -> &'static str {
    let has = |formats: &[&str]| known.iter().any(|(_, format)| formats.contains(format));
    let named = |name: &str| known.iter().any(|(entry, _)| entry.name.rsplit('/').next() == Some(name));
    if runs::is_run(path) {
        "run"
    } else if runs::is_pack(path) {
        "pack"
    } else if has(&["safetensors", "gguf", "pickle"]) || named("config.json") || named("pytorch_model.bin") {
        "model"
    } else if known.iter().any(|(entry, format)| *format == "parquet" || is_lines(&entry.name, format)) {
        "dataset"
    } else if has(&["sentencepiece"]) || named("tokenizer.json") {
        "tokenizer"
    } else if path.is_dir() {
        "folder"
    } else {
        "file"
    }
}
