//! `seimai vet PATH…`.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use super::fold::{Folder, Tone};
use super::{signals, ui};
use crate::error::Error;
use crate::pipeline::sign::Work;
use crate::pipeline::signature::key::PublicKey;
use crate::pipeline::vet::chosen::{Chosen, SHIPPED};
use crate::pipeline::vet::level::Level;
use crate::pipeline::vet::verdict::{Check, Finding, Verdict};
use crate::pipeline::vet::vet;

/// Findings of a key that are shown without `--verbose`.
const SHOWN: usize = 5;

/// A border check under a policy: what comes in or goes out, file by file, each finding with its place
///
/// Vets runs, data sets (Parquet, JSON Lines), tokenizers, packs and folders of models: what is in files and may not be, licences, residencies, personal
/// data and more, as the policy asks. Nothing of them is loaded or carried out. Exit code 0: it passes, warnings among it. 3: refused. 2: no verdict, for the
/// policy or a path is wrong, or something that the policy asks about could not be looked at (cannot tell).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai vet model/ --policy finance
  seimai vet out --policy ours.toml --key theirs.pem.pub
  seimai vet data.parquet --policy ours.toml --json | jq '.findings[]'
  seimai vet --print finance > ours.toml               # docs/guide/vet.md")]
pub(super) struct Arguments {
    /// Files and directories
    #[arg(required_unless_present_any = ["list", "print"], value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A file of TOML, or the name of a policy that ships
    #[arg(long, value_name = "POLICY", required_unless_present_any = ["list", "print"])]
    policy: Option<PathBuf>,
    /// Public key (PEM) of whoever has to have signed the runs
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// One JSON object: docs/formats/vet.md
    #[arg(long)]
    json: bool,
    /// The policies that ship
    #[arg(long, conflicts_with_all = ["print", "policy"])]
    list: bool,
    /// The text of a policy that ships
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    print: Option<String>,
}

/// What a verdict comes to.
const fn outcome(verdict: Level) -> Outcome {
    match verdict {
        Level::Pass | Level::Warn => Outcome::Done,
        Level::CannotTell => Outcome::CannotTell,
        Level::Refuse => Outcome::Damaged,
    }
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let mut out = std::io::stdout().lock();
    if let Some(name) = &arguments.print {
        let Some((_, text)) = SHIPPED.into_iter().find(|(known, _)| known == name) else {
            let message = format!("{}: no policy of this name ships", crate::quarantine::escape(name, 100));
            return Err(Error::refused_with_hint(message, format!("those that do: {}", SHIPPED.map(|(name, _)| name).join(", "))).into());
        };
        out.write_all(text.as_bytes())?;
        return Ok(Outcome::Done);
    }
    if arguments.list {
        return list(arguments.json, &mut out);
    }
    let chosen = Chosen::named(arguments.policy.as_deref().unwrap_or(std::path::Path::new("")))?;
    let key = arguments.key.as_deref().map(PublicKey::read).transpose()?;
    let observer = ui::observer(common);
    let work = Work { threads: common.threads(), stop: signals::stop(), observer: observer.as_ref() };
    let verdict = vet(&arguments.paths, &chosen, key.as_ref(), &work)?;
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&verdict)?)?;
    } else {
        let mut folder = Folder::for_stdout();
        show(&verdict, if common.verbose { usize::MAX } else { SHOWN }, &mut folder);
        out.write_all(folder.finish().as_bytes())?;
    }
    Ok(outcome(verdict.verdict))
}

fn list(as_json: bool, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let mut folder = Folder::for_stdout();
    for (name, _) in SHIPPED {
        let chosen = Chosen::named(std::path::Path::new(name))?;
        let about = &chosen.policy.policy.about;
        if as_json {
            writeln!(out, "{}", serde_json::json!({"name": name, "about": about, "blake3": chosen.asked.blake3}))?;
        } else {
            folder.line(name, 24, &[(about, Tone::Plain)]);
        }
    }
    out.write_all(folder.finish().as_bytes())?;
    Ok(Outcome::Done)
}

fn show(verdict: &Verdict, shown: usize, out: &mut Folder) {
    const AT: usize = 28;
    for target in &verdict.targets {
        let formats: Vec<String> = target.formats.iter().map(|(format, n)| format!("{} {format}", ui::thousands(*n))).collect();
        let files = if target.files == 1 { "1 file".to_owned() } else { format!("{} files", ui::thousands(target.files)) };
        let told = format!("{}, {files}, {}: {}", target.kind, ui::bytes(target.bytes), formats.join(", "));
        out.line("", 0, &[(&target.path, Tone::Strong), ("  ", Tone::Plain), (&told, Tone::Soft)]);
    }
    out.blank();
    for check in &verdict.checks {
        out.line(
            &format!("{} {}", sign(check.verdict), check.key),
            AT,
            &[(&word(check), tone(check.verdict)), (&figures(check), Tone::Soft)],
        );
        let mut of_key = verdict.findings.iter().filter(|finding| finding.key == check.key);
        for finding in of_key.by_ref().take(shown) {
            show_finding(finding, out);
        }
        let told = shown.min(usize::try_from(check.findings).unwrap_or(usize::MAX)) as u64;
        if check.findings > told {
            let rest = format!("and {} more; --verbose shows 100 of a key, --json has them too", ui::thousands(check.findings - told));
            out.line("", 4, &[(&rest, Tone::Soft)]);
        }
    }
    out.blank();
    let end = match verdict.verdict {
        Level::Pass => "passes".to_owned(),
        Level::Warn => "passes, with warnings".to_owned(),
        Level::CannotTell => "no verdict: not everything that the policy asks about could be looked at".to_owned(),
        Level::Refuse => "refused".to_owned(),
    };
    let policy = format!("  policy {} ({})", verdict.policy.name, verdict.policy.blake3.get(..12).unwrap_or_default());
    out.line("", 0, &[(&end, tone(Some(verdict.verdict))), (&policy, Tone::Soft)]);
}

fn show_finding(finding: &Finding, out: &mut Folder) {
    let place = &finding.place;
    let at = [
        place.offset.map(|offset| format!("byte {}", ui::thousands(offset))),
        place.row.map(|row| format!("row {}", ui::thousands(row))),
        place.json.clone(),
    ];
    let at = at.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let at = if at.is_empty() { String::new() } else { format!(" ({at})") };
    let file = if finding.file.is_empty() { String::new() } else { format!("{}{at}: ", finding.file) };
    let value = finding.value.as_ref().map_or_else(String::new, |value| format!(": {value}"));
    out.line("", 4, &[(&file, Tone::Plain), (&finding.what, tone(Some(finding.level))), (&value, Tone::Plain)]);
}

fn sign(verdict: Option<Level>) -> &'static str {
    match verdict {
        None => "–",
        Some(Level::Pass) => "✓",
        Some(Level::Warn) => "!",
        Some(Level::CannotTell) => "?",
        Some(Level::Refuse) => "✗",
    }
}

fn tone(verdict: Option<Level>) -> Tone {
    match verdict {
        None => Tone::Soft,
        Some(Level::Pass) => Tone::Good,
        Some(Level::Warn | Level::CannotTell) => Tone::Marked,
        Some(Level::Refuse) => Tone::Bad,
    }
}

fn word(check: &Check) -> String {
    match check.verdict {
        None => "nothing of the kind is there".to_owned(),
        Some(Level::CannotTell) => "cannot tell".to_owned(),
        Some(level) => level.name().to_owned(),
    }
}

fn figures(check: &Check) -> String {
    let mut all = Vec::new();
    if check.looked_at > 0 {
        all.push(format!("{} looked at", ui::thousands(check.looked_at)));
    }
    all.extend(check.measured.iter().map(|(name, value)| format!("{name} {value:.4}")));
    if all.is_empty() { String::new() } else { format!("  {}", all.join(", ")) }
}
