//! `seimai init`: a commented plan; with `--input`, one that fits the data.

mod proposal;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write;

use clap::ValueEnum;

use self::proposal::{Proposal, propose};
use super::common::{Common, Outcome};

/// What is read where nobody names anything.
const SAMPLES: &str = "corpora-samples/**/*";

/// Write a commented plan to standard output; with --input, look at the data and propose what fits it
///
/// Of the data some files of each kind are looked at, and the first records of each. What is proposed stands in the plan with its reason: which
/// field holds the text, where lists of records are, the preset.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai init --input 'corpus/**/*' > plan.toml
  seimai init --preset literature > plan.toml
  seimai init --input posts.csv --input pages.warc.gz | seimai plan -")]
pub(super) struct Arguments {
    /// The kind of text the thresholds are made for [default: what the data looks like; web without --input]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Input file, directory or pattern, which is looked at (may be given more than once) [default: corpora-samples/**/*]
    #[arg(long = "input", value_name = "PATTERN")]
    inputs: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// Pages of the web, encyclopaedias, mixed corpora
    Web,
    /// Statutes, contracts, gazettes
    Legal,
    /// Prose old and new
    Literature,
    /// Chat and transcripts
    Dialogue,
    /// Manuals and help pages
    Technical,
    /// Corpora of several kinds: chosen for each document
    Auto,
}

impl Preset {
    fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Legal => "legal",
            Self::Literature => "literature",
            Self::Dialogue => "dialogue",
            Self::Technical => "technical",
            Self::Auto => "auto",
        }
    }
}

const TEMPLATE: &str = include_str!("init/plan.toml");

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    let mut proposal = Proposal { preset: Preset::Web.name(), ..Proposal::default() };
    if !arguments.inputs.is_empty() {
        proposal = propose(&arguments.inputs)?;
    }
    if let Some(preset) = arguments.preset {
        proposal.why.clear();
        proposal.preset = preset.name();
    }
    let samples = [OsString::from(SAMPLES)];
    let inputs = if arguments.inputs.is_empty() { &samples } else { arguments.inputs.as_slice() };
    let inputs: Vec<String> = inputs.iter().map(|input| input.to_string_lossy().into_owned()).collect();
    std::io::stdout().lock().write_all(plan(&proposal, &inputs).as_bytes())?;
    if !arguments.inputs.is_empty() && !common.quiet {
        for line in &proposal.about {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        let why = proposal.why.join("; ");
        let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
        let _ = writeln!(std::io::stderr(), "preset {}{why}", proposal.preset);
    }
    Ok(Outcome::Done)
}

/// The template with what is proposed put in.
fn plan(proposal: &Proposal, inputs: &[String]) -> String {
    let quoted: Vec<String> = inputs.iter().map(|input| toml::Value::String(input.clone()).to_string()).collect();
    let comments = |lines: &[String]| {
        lines.iter().fold(String::new(), |mut all, line| {
            // Writing to a string cannot fail.
            let _ = writeln!(all, "# {line}");
            all
        })
    };
    let mut fields = proposal.fields.join("\n");
    if !fields.is_empty() {
        fields.push_str("\n\n");
    }
    TEMPLATE
        .replace("@ABOUT@\n", &comments(&proposal.about))
        .replace("@FIELDS@\n", &fields)
        .replace("@WHY@\n", &comments(&proposal.why))
        .replace("@PRESET@", proposal.preset)
        .replace("@PATHS@", &quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plan::Plan;

    #[test]
    fn every_preset_is_a_valid_plan_and_shows_the_defaults() {
        for preset in Preset::value_variants() {
            let text = plan(&Proposal { preset: preset.name(), ..Proposal::default() }, &["a \"b\"/*.jsonl".into()]);
            let read = Plan::from_toml(&text, &[], "init").unwrap();
            assert_eq!(read.input.paths, ["a \"b\"/*.jsonl"]);
            let defaults = Plan { input: read.input.clone(), quality: read.quality.clone(), ..Plan::default() };
            assert_eq!(read, defaults, "the template's values are the defaults");
            assert!(!text.contains('@'), "{text}");
        }
    }

    #[test]
    fn what_is_proposed_is_in_the_plan_with_its_reasons() {
        let proposal = Proposal {
            about: vec!["What was found: 2 files.".into()],
            fields: vec!["[input.fields]".into(), "text = \"body\"".into(), "rest = \"meta\"".into()],
            preset: "legal",
            why: vec!["of 9 documents: legal 9".into()],
        };
        let text = plan(&proposal, &["a.jsonl".into()]);
        let read = Plan::from_toml(&text, &[], "init").unwrap();
        assert_eq!(read.input.fields.texts(), ["body"]);
        assert!(text.contains("# What was found: 2 files.\n") && text.contains("# of 9 documents: legal 9\npreset = \"legal\""), "{text}");
    }
}
