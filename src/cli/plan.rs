//! `seimai plan PLAN.toml`: check everything without working.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::common::{Common, Outcome, Taken};
use super::{input_report, ui};
use crate::corpus::{self, Estimate, InputFile};
use crate::pipeline::disk;
use crate::pipeline::explain::explain;
use crate::pipeline::joint::ROUNDS;
use crate::pipeline::loaded_plan::LoadedPlan;
use crate::pipeline::registry::Stages;
use crate::pipeline::run;
use crate::quarantine::escape;

/// Bytes of text a core gets through in a second, end to end (benches/results); for the estimate only.
const BYTES_PER_CORE_SECOND: f64 = 6e6;
/// Bytes of text that are read and decoded in a second, for what a sample leaves out; for the estimate only.
const BYTES_READ_A_SECOND: f64 = 1e8;
/// Inputs that are named.
const LISTED: usize = 20;
/// Layout of the JSON object.
const VERSION: u32 = 1;
/// Bytes from which on it is told that a file is decoded by one thread.
const LARGE: u64 = 64 << 20;

/// Check a plan without working: resolved settings, inputs and sizes, dictionary, estimates
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai plan plan.toml --explain
  seimai plan plan.toml --sample 1%
  seimai plan plan.toml --json | jq .estimate         # docs/formats/commands.md
  seimai init | seimai plan -")]
pub(super) struct Arguments {
    /// The plan; - is standard input, and relative paths start at the working directory then
    plan: PathBuf,
    /// Change a plan key, e.g. --set pack.sequence_length=2048
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    taken: Taken,
    /// Tell every threshold with the preset it comes from and its reason, and the policies; nothing else
    #[arg(long)]
    explain: bool,
    /// One JSON object: the resolved plan, inputs with their formats, dictionary, estimates
    #[arg(long, conflicts_with = "explain")]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let loaded = LoadedPlan::read(&arguments.plan, &arguments.taken.and(&arguments.settings))?;
    run::check_request(&loaded.plan, common.memory())?;
    let inputs = corpus::expand(&loaded.plan.input, &loaded.base).map_err(|error| loaded.all_refusals(error))?;
    let stages = Stages::new(&loaded.plan, &loaded.base).map_err(|error| loaded.all_refusals(error))?;
    stages.lists.evaluation.check_memory(common.memory())?;
    let mut out = std::io::stdout().lock();
    if arguments.explain {
        out.write_all(explain(&loaded.plan, &stages).as_bytes())?;
        return Ok(Outcome::Done);
    }
    if arguments.json {
        writeln!(out, "{}", json(&loaded, &inputs, &stages, common)?)?;
        return Ok(Outcome::Done);
    }
    write!(out, "{}", visible(&loaded.plan.to_toml()?))?;
    let disk: u64 = inputs.iter().map(|input| input.bytes).sum();
    let estimate = Estimate::of(&inputs, &loaded.plan.input);
    let read = estimate.text_bytes;
    let share = loaded.plan.input.sample.unwrap_or(1.0);
    let text = read * share;
    let about = stages.dictionary.about();
    writeln!(out, "\n# inputs      {} files, {}", ui::thousands(inputs.len() as u64), ui::bytes(disk))?;
    list(&inputs, &mut out)?;
    input_report::formats(&loaded.plan.input, &inputs, &mut out)?;
    for input in inputs.iter().filter(|input| input.bytes >= LARGE) {
        if let Some(why) = corpus::one_thread(input)? {
            writeln!(out, "# one thread  decodes {} ({why}); all work on its records", escape(&input.name, 1000))?;
        }
    }
    let (name, version) = (escape(&about.identity.name, 100), escape(&about.identity.version, 100));
    writeln!(out, "# dictionary  {name} {version} ({})", about.short_fingerprint())?;
    for file in &stages.lists.evaluation.files {
        let (items, skipped) = (ui::thousands(file.items), ui::thousands(file.repeated + file.short + file.empty));
        writeln!(out, "# evaluation  {items} items of {}, {skipped} left out", escape(&file.path, 1000))?;
    }
    if !stages.lists.evaluation.is_empty() {
        let probes = &stages.lists.evaluation.probes;
        let (bytes, grams) = (ui::bytes(probes.bytes() as u64), ui::thousands(probes.grams() as u64));
        writeln!(out, "#   {bytes} of memory for {grams} grams of them")?;
    }
    let seconds = seconds(read, text, common.threads());
    let of = if share < 1.0 { format!(", the sample of {} of {}", ui::share(share), ui::bytes(read as u64)) } else { String::new() };
    writeln!(
        out,
        "# text        about {} in {} documents{of}",
        ui::bytes(text as u64),
        ui::thousands((estimate.documents * share) as u64)
    )?;
    let learned = loaded.plan.tokenizer.train_bytes;
    if text > learned as f64 {
        writeln!(out, "# vocabulary  learned from a sample of {} of what is kept (tokenizer.train_bytes)", ui::bytes(learned))?;
    }
    if let Some(limit) = loaded.plan.input.limit {
        writeln!(out, "# limit       the first {} records, sized by the first of them", ui::thousands(limit))?;
    }
    writeln!(out, "# time        about {} with {} threads", duration(seconds), common.threads())?;
    let needed = disk::needed(&loaded.plan, estimate);
    writeln!(out, "# disk        about {}, of it a third in .work for a next run (`seimai gc`)", ui::bytes(needed))?;
    writeln!(
        out,
        "# shares      with --shard, start all of them {} times, each time when all have ended: {}",
        ROUNDS.len(),
        ROUNDS.join(", ")
    )?;
    writeln!(out, "# memory      at most {}", ui::bytes(common.memory()))?;
    Ok(Outcome::Done)
}

/// The first inputs with their sizes.
fn list(inputs: &[InputFile], out: &mut dyn Write) -> std::io::Result<()> {
    for input in inputs.iter().take(LISTED) {
        writeln!(out, "#   {:>12}  {}", ui::bytes(input.bytes), escape(&input.name, 1000))?;
    }
    if inputs.len() > LISTED {
        writeln!(out, "#   … and {} more", inputs.len() - LISTED)?;
    }
    Ok(())
}

/// What reading so many bytes and working on a part of them takes.
fn seconds(read: f64, text: f64, threads: usize) -> f64 {
    text / BYTES_PER_CORE_SECOND / threads as f64 + (read - text) / BYTES_READ_A_SECOND
}

/// The same for programs: `docs/formats/commands.md`.
fn json(loaded: &LoadedPlan, inputs: &[InputFile], stages: &Stages, common: &Common) -> anyhow::Result<Value> {
    let estimate = Estimate::of(inputs, &loaded.plan.input);
    let share = loaded.plan.input.sample.unwrap_or(1.0);
    let (read, text) = (estimate.text_bytes, estimate.text_bytes * share);
    let about = stages.dictionary.about();
    let list: Vec<Value> = inputs.iter().map(|input| json!({"path": input.name, "bytes": input.bytes})).collect();
    Ok(json!({
        "plan_version": VERSION,
        "plan": loaded.plan,
        "inputs": list,
        "input_bytes": inputs.iter().map(|input| input.bytes).sum::<u64>(),
        "formats": input_report::formats_json(&loaded.plan.input, inputs)?,
        "dictionary": {"name": about.identity.name, "version": about.identity.version, "fingerprint": about.fingerprint},
        "lists": stages.lists.files,
        "evaluation": stages.lists.evaluation.files,
        "estimate": {
            "text_bytes": text.round(),
            "documents": (estimate.documents * share).round(),
            "seconds": seconds(read, text, common.threads()).round(),
            "disk_bytes": disk::needed(&loaded.plan, estimate),
        },
        "threads": common.threads(),
        "memory_bytes": common.memory(),
        "share_rounds": ROUNDS,
    }))
}

/// TOML with control and invisible characters in TOML's own spelling, so that the plan reads back and the terminal is left alone.
fn visible(toml: &str) -> String {
    let mut out = String::with_capacity(toml.len());
    for c in toml.chars() {
        let mut utf8 = [0; 4];
        let shown = escape(c.encode_utf8(&mut utf8), 1);
        if c == '\n' || shown.starts_with(c) {
            out.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\U{:08X}", u32::from(c));
        }
    }
    out
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plan::Plan;

    #[test]
    fn invisible_characters_are_shown_and_read_back() {
        let mut plan = Plan::default();
        plan.input.paths = vec!["a\u{202e}b\u{1b}[2J米\u{200b}\\.txt".into()];
        let shown = visible(&plan.to_toml().unwrap());
        assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{200b}')), "{shown}");
        assert!(shown.contains("米") && shown.contains("202E"));
        assert_eq!(Plan::from_toml(&shown, &[], "shown").unwrap(), plan);
    }
}
