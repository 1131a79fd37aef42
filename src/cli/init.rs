//! `seimai init`: a commented plan.

use std::io::Write;

use clap::ValueEnum;

use super::common::Outcome;

/// Write a commented plan to standard output
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  seimai init --preset literature > plan.toml")]
pub(super) struct Arguments {
    /// The kind of text the thresholds are made for
    #[arg(long, value_enum, default_value_t = Preset::Web)]
    preset: Preset,
    /// Input pattern (may be given more than once)
    #[arg(long = "input", value_name = "PATTERN", default_value = "corpora-samples/**/*")]
    inputs: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
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

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    std::io::stdout().lock().write_all(plan(arguments.preset, &arguments.inputs).as_bytes())?;
    Ok(Outcome::Done)
}

/// The template with preset and inputs put in.
fn plan(preset: Preset, inputs: &[String]) -> String {
    let quoted: Vec<String> = inputs.iter().map(|input| toml::Value::String(input.clone()).to_string()).collect();
    TEMPLATE.replace("@PRESET@", preset.name()).replace("@PATHS@", &quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plan::Plan;

    #[test]
    fn every_preset_is_a_valid_plan_and_shows_the_defaults() {
        for preset in Preset::value_variants() {
            let text = plan(*preset, &["a \"b\"/*.jsonl".into()]);
            let read = Plan::from_toml(&text, &[], "init").unwrap();
            assert_eq!(read.input.paths, ["a \"b\"/*.jsonl"]);
            let defaults = Plan { input: read.input.clone(), quality: read.quality.clone(), ..Plan::default() };
            assert_eq!(read, defaults, "the template's values are the defaults");
        }
    }
}
