//! `seimai doctor`: what this machine offers, what is missing, and what to do about it.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::common::{Common, Outcome, VARIABLES};
use super::fold::{Folder, Tone};
use super::{limits, ui};
use crate::io::Dir;
use crate::pipeline::disk;
use crate::quarantine::escape;
use crate::segment::{store, verify as check};

/// Layout of the JSON object.
const VERSION: u32 = 1;
/// Less memory means one thread, or none (docs/guide/trust.md).
const LITTLE_MEMORY: u64 = 512 << 20;
/// Less room than this is told: a small run takes it.
const LITTLE_DISK: u64 = 2 << 30;
const FEW_FILES: u64 = 10_000;
/// Open files that a run with many threads needs.
const FEW_DESCRIPTORS: u64 = 256;

/// What this machine offers: dictionaries, memory, disk, processor, terminal; and what to do where something is missing
///
/// Nothing is written. The exit code is 0 also where something is missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai doctor
  seimai doctor /data/out --json | jq '.checks[] | select(.warnings != [])'")]
pub(super) struct Arguments {
    /// The directory that a run is to write to
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// One JSON object: docs/formats/commands.md
    #[arg(long)]
    json: bool,
}

/// Something to be told.
struct Warning {
    /// For programs.
    code: &'static str,
    what: String,
    remedy: String,
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    /// A line for people.
    told: String,
    facts: Value,
    warnings: Vec<Warning>,
}

impl Check {
    fn new(name: &'static str, told: String, facts: Value) -> Self {
        Self { name, told, facts, warnings: Vec::new() }
    }

    fn warn(&mut self, code: &'static str, what: impl Into<String>, remedy: impl Into<String>) {
        self.warnings.push(Warning { code, what: what.into(), remedy: remedy.into() });
    }
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let checks = [
        version(),
        processor(common),
        memory(common),
        descriptors(),
        dictionaries()?,
        directory(&arguments.dir),
        terminal(),
        environment(),
    ];
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let each = |check: &Check| {
            let codes: Vec<&str> = check.warnings.iter().map(|warning| warning.code).collect();
            json!({"name": check.name, "facts": check.facts, "warnings": codes})
        };
        writeln!(out, "{}", json!({"doctor_version": VERSION, "checks": checks.iter().map(each).collect::<Vec<_>>()}))?;
        return Ok(Outcome::Done);
    }
    let mut folder = Folder::for_stdout();
    for check in &checks {
        show(check, &mut folder);
    }
    let warnings: usize = checks.iter().map(|check| check.warnings.len()).sum();
    match warnings {
        0 => folder.line("", 0, &[("nothing is missing", Tone::Good)]),
        1 => folder.line("", 0, &[("1 thing to look at", Tone::Bad)]),
        n => folder.line("", 0, &[(&format!("{n} things to look at"), Tone::Bad)]),
    }
    out.write_all(folder.finish().as_bytes())?;
    Ok(Outcome::Done)
}

fn show(check: &Check, out: &mut Folder) {
    const AT: usize = 15;
    let sign = if check.warnings.is_empty() { "✓" } else { "!" };
    let mut lines = check.told.lines();
    out.line(&format!("{sign} {}", check.name), AT, &[(lines.next().unwrap_or_default(), Tone::Plain)]);
    for line in lines {
        out.line("", AT, &[(line, Tone::Plain)]);
    }
    for warning in &check.warnings {
        out.line("", AT, &[(&warning.what, Tone::Bad)]);
        out.line("", AT, &[("→ ", Tone::Soft), (&warning.remedy, Tone::Plain)]);
    }
}

fn version() -> Check {
    let system = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let told = format!("seimai {} for {system}", env!("CARGO_PKG_VERSION"));
    let facts = json!({
        "seimai": env!("CARGO_PKG_VERSION"),
        "architecture": std::env::consts::ARCH,
        "system": std::env::consts::OS,
    });
    Check::new("version", told, facts)
}

/// Vector instructions that some loop of ours has a version for, and whether this processor has them.
fn instructions() -> Vec<(&'static str, bool)> {
    #[cfg(target_arch = "x86_64")]
    return vec![
        ("avx2", is_x86_feature_detected!("avx2")),
        ("avx512", is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq")),
    ];
    #[cfg(target_arch = "aarch64")]
    return vec![("neon", true)];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return Vec::new();
}

fn processor(common: &Common) -> Check {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let instructions = instructions();
    let used: Vec<&str> = instructions.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    let vectors = if used.is_empty() { "no vector instructions that are used".to_owned() } else { format!("{} used", used.join(", ")) };
    let told = format!("{cores} cores for this process, {} threads by default; {vectors}", common.threads());
    let known: Map<String, Value> = instructions.iter().map(|(name, there)| ((*name).to_owned(), (*there).into())).collect();
    let mut check = Check::new("processor", told, json!({"cores": cores, "threads": common.threads(), "instructions": known}));
    if instructions.iter().any(|(name, there)| *name == "avx2" && !there) {
        let remedy = "the output is the same; segmentation and the search for duplicates take longer";
        check.warn("no_avx2", "the processor, or the virtual machine, has no AVX2", remedy);
    }
    check
}

fn memory(common: &Common) -> Check {
    let limits::Limits { machine, groups, addresses } = limits::limits();
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "no limit".to_owned(), ui::bytes);
    let told = format!(
        "{} of the machine, control group: {}, ulimit -v: {}; a run takes {}",
        machine.map_or_else(|| "unknown".to_owned(), ui::bytes),
        size(groups),
        size(addresses),
        ui::bytes(common.memory())
    );
    let facts =
        json!({"machine_bytes": machine, "control_group_bytes": groups, "address_space_bytes": addresses, "used_bytes": common.memory()});
    let mut check = Check::new("memory", told, facts);
    if common.memory() < LITTLE_MEMORY {
        check.warn(
            "little_memory",
            format!("{} are little: less memory means fewer threads", ui::bytes(common.memory())),
            "give more with --memory, or a larger limit to the container",
        );
    }
    let least = [machine, groups, addresses].into_iter().flatten().min();
    if let Some(least) = least.filter(|least| *least < common.memory()) {
        check.warn(
            "more_than_there_is",
            format!("--memory is more than the {} that there are", ui::bytes(least)),
            "leave --memory and SEIMAI_MEMORY away, or name less",
        );
    }
    check
}

fn descriptors() -> Check {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let told = limit.map_or_else(|| "no limit".to_owned(), |limit| format!("{} may be open at a time", ui::thousands(limit)));
    let mut check = Check::new("files", told, json!({"descriptors": limit}));
    if limit.is_some_and(|limit| limit < FEW_DESCRIPTORS) {
        check.warn("few_descriptors", "a run with many threads may need more", "ulimit -n 1024");
    }
    check
}

/// Every byte of each is compared.
fn dictionaries() -> crate::error::Result<Check> {
    let (mut lines, mut facts, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    for found in store::list()? {
        let sound = match check::verify(&found.path) {
            Ok(_) if found.state == "ready" => None,
            Ok(_) => Some(found.state.clone()),
            Err(e) => Some(e.to_string()),
        };
        let path = escape(&found.path.display().to_string(), 300);
        let (name, version) = (escape(&found.name, 60), escape(&found.version, 60));
        lines.push(format!("{name} {version}, {} entries, {path}", ui::thousands(u64::from(found.entries))));
        facts.push(json!({"name": found.name, "version": found.version, "path": found.path, "fingerprint": found.fingerprint, "sound": sound.is_none()}));
        if let Some(why) = sound {
            let remedy = format!("remove {path} and fetch or import it again: seimai dictionary fetch {name}");
            warnings.push(Warning { code: "dictionary_damaged", what: format!("{name}: {}", escape(&why, 300)), remedy });
        }
    }
    if facts.is_empty() {
        let remedy = "seimai dictionary fetch ipadic; without a network: seimai dictionary fetch ipadic --from FILE";
        warnings.push(Warning { code: "no_dictionary", what: "none is installed".to_owned(), remedy: remedy.to_owned() });
    } else if !facts.iter().any(|fact| fact["name"] == "ipadic") {
        let remedy = "seimai dictionary fetch ipadic, or name another: segment.dictionary = \"…\"";
        warnings.push(Warning {
            code: "no_ipadic",
            what: "ipadic, which plans name by default, is not among them".to_owned(),
            remedy: remedy.to_owned(),
        });
    }
    Ok(Check { name: "dictionaries", told: lines.join("\n"), facts: json!({"searched": store::search_path(), "found": facts}), warnings })
}

/// Names of file systems by the numbers that Linux gives them, and whether other machines see them too.
#[cfg(target_os = "linux")]
const FILE_SYSTEMS: [(u32, &str, bool); 16] = [
    (0xef53, "ext4", false),
    (0x5846_5342, "xfs", false),
    (0x9123_683e, "btrfs", false),
    (0x2fc1_2fc1, "zfs", false),
    (0xf2f5_2010, "f2fs", false),
    (0x0102_1994, "tmpfs", false),
    (0x794c_7630, "overlayfs", false),
    (0x6573_5546, "fuse", false),
    (0x6969, "nfs", true),
    (0xff53_4d42, "cifs", true),
    (0xfe53_4d42, "smb2", true),
    (0x0bd0_0bd0, "lustre", true),
    (0x4750_4653, "gpfs", true),
    (0x00c3_6400, "ceph", true),
    (0x0102_1997, "9p", true),
    (0x2011_bab0, "exfat", false),
];

/// The name of the file system, and whether it is one of a network.
fn file_system(path: &Path) -> Option<(String, bool)> {
    #[cfg(target_os = "linux")]
    {
        let number = rustix::fs::statfs(path).ok()?.f_type as u32;
        let known = FILE_SYSTEMS.iter().find(|(known, ..)| *known == number);
        Some(known.map_or_else(|| (format!("{number:#x}"), false), |(_, name, shared)| ((*name).to_owned(), *shared)))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        None
    }
}

fn directory(dir: &Path) -> Check {
    let standing = dir.ancestors().find(|path| path.exists()).filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let system = file_system(standing);
    let space = disk::free(standing);
    let stat = rustix::fs::statvfs(standing).ok();
    let files = stat.as_ref().map(|stat| stat.f_favail).filter(|_| stat.as_ref().is_some_and(|stat| stat.f_files > 0));
    let is_writable = Dir::open(standing).is_ok_and(|dir| dir.is_writable());
    let name = system.as_ref().map_or("unknown", |(name, _)| name.as_str());
    let shown = escape(&dir.display().to_string(), 300);
    let free = space.map_or_else(|| "unknown".to_owned(), ui::bytes);
    let told = format!("{shown}: {name}, {free} free");
    let facts = json!({
        "path": dir,
        "exists": dir.exists(),
        "file_system": system.as_ref().map(|(name, _)| name),
        "network": system.as_ref().map(|(_, shared)| shared),
        "free_bytes": space,
        "free_files": files,
        "writable": is_writable,
    });
    let mut check = Check::new("disk", told, facts);
    if dir.exists() && !dir.is_dir() {
        check.warn("no_directory", "this is no directory", "name the directory that a run is to write to");
    } else if !is_writable {
        check.warn(
            "not_writable",
            format!("{} cannot be written to", escape(&standing.display().to_string(), 300)),
            "name another directory, or ask for the right to write there",
        );
    }
    if space.is_some_and(|space| space < LITTLE_DISK) {
        check.warn(
            "little_disk",
            format!("{free} are little: some 1.4 bytes a byte of text are needed"),
            "`seimai plan` says how much a run takes; seimai gc OUT removes what finished runs keep",
        );
    }
    if files.is_some_and(|files| files < FEW_FILES) {
        check.warn("few_files", "few files can be made there (inodes)", "remove small files, or name another file system");
    }
    match system {
        Some((_, true)) => check.warn(
            "network_file_system",
            "a file system of a network shows new files late, and its locks may not be seen by other machines",
            "processes that share a run: --shard with --patience (docs/guide/scale.md); one process is fine",
        ),
        Some((name, _)) if name == "tmpfs" => check.warn("in_memory", "files there lie in memory", "name a directory on a disk"),
        _ => {}
    }
    check
}

fn terminal() -> Check {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let is_utf8 = locale.as_deref().is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    let is_terminal = std::io::stdout().is_terminal();
    let columns = ui::columns_of_stdout().filter(|_| is_terminal);
    let colours = if ui::has_colours() { "colours" } else { "no colours" };
    let place = columns.map_or_else(|| "output is no terminal".to_owned(), |columns| format!("{columns} columns"));
    let told =
        format!("{place}, {colours}, locale {}", locale.as_deref().map_or_else(|| "not set".to_owned(), |locale| escape(locale, 60)));
    let facts = json!({"is_terminal": is_terminal, "columns": columns, "colours": ui::has_colours(), "locale": locale, "utf8": is_utf8});
    let mut check = Check::new("terminal", told, facts);
    if is_terminal && !is_utf8 {
        check.warn("locale", "the locale does not say UTF-8, which all output is", "export LC_ALL=C.UTF-8, if Japanese is not shown right");
    }
    check
}

/// Variables that stand for options; one that is misspelled would do nothing, and say nothing.
fn environment() -> Check {
    let known: Vec<&str> = VARIABLES.iter().map(|(_, variable)| *variable).chain([store::VARIABLE]).collect();
    let mut set: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| name.starts_with("SEIMAI_") || ["NO_COLOR", "CLICOLOR_FORCE"].contains(&name.as_str()))
        .collect();
    set.sort();
    let told: Vec<String> = set.iter().map(|(name, value)| format!("{}={}", escape(name, 60), escape(value, 200))).collect();
    let told = if told.is_empty() { "no variable that stands for an option is set".to_owned() } else { told.join("\n") };
    let facts: Map<String, Value> = set.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let mut check = Check::new("environment", told, facts.into());
    for (name, _) in set.iter().filter(|(name, _)| name.starts_with("SEIMAI_") && !known.contains(&name.as_str())) {
        let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(known, name), *known)).min();
        // Others may have variables of such names for purposes of their own.
        let Some((_, nearest)) = nearest.filter(|(distance, _)| *distance <= 3) else { continue };
        check.warn(
            "unknown_variable",
            format!("{} is read by nothing", escape(name, 60)),
            format!("the nearest that is read is {nearest}"),
        );
    }
    check
}
