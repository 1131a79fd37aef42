//! What the commands share: the options every one of them takes, how one ends, and errors of standard output.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::limits::{self, parse_size};
use crate::error::Error;

/// Options that an environment variable can stand for; what is given on the command line comes first.
pub(crate) const VARIABLES: [(&str, &str); 4] =
    [("--threads", "SEIMAI_THREADS"), ("--memory", "SEIMAI_MEMORY"), ("--progress", "SEIMAI_PROGRESS"), ("--color", "SEIMAI_COLOR")];

/// Options every command takes; they never change a byte of the output.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Worker threads [default: all cores]
    #[arg(long, global = true, env = "SEIMAI_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Ceiling of memory, e.g. 512MiB or 8GiB [default: half of what the machine, its cgroups and ulimit -v allow]
    #[arg(long, global = true, env = "SEIMAI_MEMORY", value_name = "SIZE", value_parser = parse_memory)]
    memory: Option<u64>,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// Say more: what each stage counted, how long each pass took, and what held it up
    #[arg(long, short, global = true)]
    pub(super) verbose: bool,
    /// How progress is shown
    #[arg(long, global = true, env = "SEIMAI_PROGRESS", value_enum, default_value_t = ProgressStyle::Auto)]
    pub(super) progress: ProgressStyle,
    /// When output is coloured; auto: on a terminal, unless NO_COLOR is set, and everywhere if CLICOLOR_FORCE is
    #[arg(long, global = true, env = "SEIMAI_COLOR", value_name = "WHEN", value_enum, default_value_t = ColourChoice::Auto)]
    pub(super) color: ColourChoice,
}

/// How much of the inputs is taken: shorthands for two keys of the plan.
#[derive(Debug, Clone, Args)]
pub(crate) struct Taken {
    /// Take a share of the documents, e.g. 1% or 0.1%: the same ones whatever the order, threads and other files, and those of a smaller share among them (input.sample)
    #[arg(long, value_name = "P%", value_parser = parse_percent)]
    sample: Option<f64>,
    /// Read the first N records only; a sample is drawn from those (input.limit)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    limit: Option<u64>,
}

impl Taken {
    /// `--set` and these, which come last.
    pub(crate) fn and(&self, settings: &[String]) -> Vec<String> {
        let sample = self.sample.map(|share| format!("input.sample={share:?}"));
        let limit = self.limit.map(|limit| format!("input.limit={limit}"));
        settings.iter().cloned().chain(sample).chain(limit).collect()
    }
}

/// A share in percent; the sign belongs to it, so that 1 is not taken for all or for a hundredth.
fn parse_percent(text: &str) -> Result<f64, String> {
    let wrong = || "not a share above 0 % and at most 100 %; write 1% or 0.1%".to_owned();
    let digits = text.strip_suffix('%').map(str::trim).filter(|digits| digits.chars().all(|c| c.is_ascii_digit() || c == '.'));
    // Not divided: the nearest number to 0.7 % is the one that the plan spells 0.007.
    let share: f64 = format!("{}e-2", digits.ok_or_else(wrong)?).parse().map_err(|_| wrong())?;
    if share > 0.0 && share <= 1.0 { Ok(share) } else { Err(wrong()) }
}

/// How progress is shown on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressStyle {
    /// Bars on a terminal, plain lines elsewhere
    Auto,
    /// A line now and then
    Plain,
    /// JSON Lines, one event a line
    Json,
    /// Nothing
    None,
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

impl ColourChoice {
    /// What arguments say before they are understood: for help, and for what is said of them.
    pub(crate) fn said_by(arguments: &[OsString]) -> Self {
        let named = |text: &str| Self::from_str(text, false).ok();
        let mut said = std::env::var("SEIMAI_COLOR").ok().as_deref().and_then(named);
        for (i, argument) in arguments.iter().enumerate() {
            let value = match argument.to_str() {
                Some("--color") => arguments.get(i + 1).and_then(|next| next.to_str()),
                Some(argument) => argument.strip_prefix("--color="),
                None => None,
            };
            said = value.and_then(named).or(said);
        }
        said.unwrap_or(Self::Auto)
    }

    /// For the library that reads arguments.
    pub(crate) fn of_clap(self) -> clap::ColorChoice {
        match self {
            Self::Auto => clap::ColorChoice::Auto,
            Self::Always => clap::ColorChoice::Always,
            Self::Never => clap::ColorChoice::Never,
        }
    }
}

/// How a command ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 3: finished, some input was damaged, or is refused.
    Damaged,
    /// Exit code 2: what was asked about could not be looked at.
    CannotTell,
}

/// Where data goes that is not in files.
pub(crate) const STDOUT: &str = "standard output";

/// The error for a failed write to standard output.
pub(crate) fn output_failed(source: std::io::Error) -> Error {
    Error::io(STDOUT, "write", source)
}

impl Common {
    pub(crate) fn threads(&self) -> usize {
        self.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
    }

    /// Worker threads, where they are given.
    pub(crate) fn given_threads(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }

    /// The ceiling of memory, where one is given.
    pub(crate) fn given_memory(&self) -> Option<u64> {
        self.memory
    }

    pub(crate) fn memory(&self) -> u64 {
        self.memory.unwrap_or_else(limits::default_memory)
    }
}

/// A ceiling of memory.
fn parse_memory(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bytes < 64 << 20 {
        return Err("less than 64 MiB is not enough to work in".into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::plan::Plan;

    #[test]
    fn shares() {
        for (text, share) in [("1%", 0.01), ("0.7%", 0.007), ("100 %", 1.0), (".5%", 0.005), ("33.3%", 0.333)] {
            assert_eq!(parse_percent(text), Ok(share), "{text}");
        }
        for text in ["1", "0.01", "0%", "100.1%", "%", "-1%", "1e1%", "NaN%", "1.2.3%", "1%%"] {
            assert!(parse_percent(text).is_err(), "{text}");
        }
        let taken = Taken { sample: Some(0.000_000_1), limit: Some(7) };
        let plan = Plan::from_toml("[input]\npaths = [\"a\"]", &taken.and(&["input.limit=9".to_owned()]), "p").unwrap();
        assert_eq!((plan.input.sample, plan.input.limit), (Some(1e-7), Some(7)));
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("1GiB"), Ok(1 << 30));
        assert_eq!(parse_size("1.5g"), Ok(3 << 29));
        assert_eq!(parse_size("100MB"), Ok(100_000_000));
        assert!(parse_size("12 parsecs").is_err());
        assert_eq!(parse_size("0"), Ok(0));
        assert!(parse_memory("1KiB").is_err() && parse_memory("64MiB").is_ok());
    }
}
