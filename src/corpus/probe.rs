//! A look at the beginning of a file: what it is, how its first records are read, what is wrong with it, and what a plan had better say.
//!
//! The work is bounded whatever the file: some records, about a mebibyte of text.

use std::sync::Arc;

use super::archive::{Members, Place};
use super::fields;
use super::formats::{self, Detected};
use super::framer::Framer;
use super::input_file::InputFile;
use super::io_error::io_reason;
use super::options::{FieldOptions, Options, Texts};
use super::record::{InputTally, Record};
use super::shard::ShardLimits;
use super::source::{ByteSource, is_stdin};
use crate::error::{Error, Result, is_of_the_machine};
use crate::quarantine::Quarantined;

/// Decoded bytes that are read.
const BYTES: u64 = 1 << 20;
/// Work shards of this size in which an entry point is looked for.
const SHARDS_LOOKED_AT: usize = 8;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It is read as this format.
    Read(&'static str),
    /// It is no input format: its name, or what is wrong with it.
    Refused(String),
    /// It cannot be opened: a reason code.
    Unreadable(&'static str),
}

/// What the beginning of a file says.
#[derive(Debug, Clone)]
pub struct Probe {
    /// What it is.
    pub kind: Kind,
    /// How it is compressed, if it is.
    pub compression: Option<&'static str>,
    /// Can reading begin in the middle, so that several threads share it? Not known of a file that is shorter than what was looked at.
    pub is_split: Option<bool>,
    /// Was the whole file looked at?
    pub is_whole: bool,
    /// Its first records.
    pub records: Vec<Record>,
    /// What was read, records that are not given on among it.
    pub tally: InputTally,
    /// What could not be read.
    pub quarantined: Vec<Quarantined>,
}

/// What a file is, from its first bytes.
///
/// # Errors
/// Those of the machine.
pub fn kind(file: &InputFile) -> Result<(Kind, Option<&'static str>)> {
    let unreadable = |error: std::io::Error| {
        if is_of_the_machine(&error) { Err(Error::io(&file.path, "open", error)) } else { Ok((Kind::Unreadable(io_reason(&error)), None)) }
    };
    if is_stdin(&file.path) {
        return Ok((Kind::Unreadable("stdin"), None));
    }
    if let Some(Place::Fault { reason, detail }) = file.part.as_ref().map(|part| &part.place) {
        return Ok((Kind::Refused(format!("{detail} ({reason})")), None));
    }
    if let Some(Place::Revision { .. }) = file.part.as_ref().map(|part| &part.place) {
        return Ok((Kind::Read("another revision"), None));
    }
    let mut source = match ByteSource::open(0, file, &mut Members::default()) {
        Ok(source) => source,
        Err(error) => return unreadable(error),
    };
    source.want(formats::HEAD)?;
    let compression = source.compression();
    Ok(match formats::detect(file.label(), &source.pending) {
        Detected::Format(format) if !source.is_plain_file() && !format.is_streamed() => {
            (Kind::Refused("a table that is compressed or in an archive".to_owned()), compression)
        }
        Detected::Format(format) => (Kind::Read(format.name()), compression),
        Detected::Unsupported(name) => (Kind::Refused(name), compression),
    })
}

/// Looks at a file as a plan with these options would read it; at most `records` records are read.
///
/// # Errors
/// Those of the machine, and a file that changes meanwhile.
pub fn probe(file: &InputFile, options: &Options, records: u64) -> Result<Probe> {
    let (kind, compression) = kind(file)?;
    let mut probe = Probe {
        kind,
        compression,
        is_split: None,
        is_whole: false,
        records: Vec::new(),
        tally: InputTally::default(),
        quarantined: Vec::new(),
    };
    if !matches!(probe.kind, Kind::Read(_)) {
        return Ok(probe);
    }
    let inputs: Arc<[InputFile]> = Arc::new([file.clone()]);
    let limits = ShardLimits { bytes: BYTES, records };
    let mut framer = Framer::new(Arc::clone(&inputs), options, limits);
    let Some(shard) = framer.next_shard()? else {
        probe.is_whole = true;
        return Ok(probe);
    };
    let outcome = shard.decode(options, &mut |record| {
        probe.records.push(record);
        Ok(())
    })?;
    probe.quarantined = outcome.quarantined;
    outcome.tallies.iter().for_each(|(_, tally)| probe.tally.add(tally));
    let mut framer = Framer::new(inputs, options, ShardLimits { bytes: BYTES, records: u64::MAX });
    let mut starts = Vec::new();
    while starts.len() <= SHARDS_LOOKED_AT
        && let Some(shard) = framer.next_ref()?
    {
        starts.push((shard.start.entry.file, shard.records));
    }
    probe.is_whole = starts.len() == 1 && starts[0].1 <= records;
    if starts.len() > 1 {
        probe.is_split = Some(starts.iter().any(|(entry, _)| *entry > 0));
    }
    Ok(probe)
}

/// The fields that a plan had better name, if records have no text: the text is the field that gives the longest documents, or there is a list of
/// records in one of them.
///
/// # Errors
/// As [`probe`].
pub fn likely_fields(file: &InputFile, options: &Options, found: &Probe, records: u64) -> Result<Option<FieldOptions>> {
    let mut best = (0, None);
    let missing = found.quarantined.iter().filter(|bad| bad.reason == "text_missing");
    let Some(names) = missing.map(|bad| fields::names_in_hint(&bad.detail)).find(|names| !names.is_empty()) else { return Ok(None) };
    let ways = |path: String| {
        let fields = options.fields.clone();
        [FieldOptions { text: Some(Texts::One(path.clone())), ..fields.clone() }, FieldOptions { records: Some(path), ..fields }]
    };
    for name in names {
        // A name with a dot in it is a pointer of one step.
        let path = if name.contains(['.', '[', '/', '~']) { format!("/{}", name.replace('~', "~0").replace('/', "~1")) } else { name };
        for fields in ways(path) {
            let options = Options { fields: fields.clone(), rules: Vec::new(), ..options.clone() };
            if options.check().is_err() {
                continue;
            }
            let characters: usize = probe(file, &options, records)?.records.iter().map(|record| record.text.chars().count()).sum();
            if characters > best.0 {
                best = (characters, Some(fields));
            }
        }
    }
    Ok(best.1)
}
