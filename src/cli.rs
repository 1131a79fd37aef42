//! The command line: commands, options, messages, exit codes. Definitions here hold no logic.
//!
//! Data goes to stdout, everything else to stderr. Exit codes: 0 done · 1 internal error · 2 refused · 3 finished but some
//! input was damaged · 4 out of resources · 129/130/143 interrupted (SIGHUP, SIGINT, SIGTERM). A broken pipe is not an error.

pub mod allocator;
mod common;
mod completions;
mod count;
mod decode;
mod decontaminate;
mod dedup;
mod dictionary;
mod doctor;
pub mod dictionary_clients;
mod encode;
mod export;
mod filter;
mod fold;
mod forget;
mod gc;
mod highlight;
mod html;
mod init;
mod input_report;
mod inspect;
mod json_line;
mod keigo;
mod key;
pub mod limits;
mod losses;
mod man;
mod normalize;
mod pace;
mod pack;
mod parts;
mod passport;
mod pii;
mod progress_line;
mod plan;
mod record_columns;
mod records;
mod report;
mod run;
mod segment;
mod sign;
mod signals;
mod text_diff;
mod tokenizer;
mod trace;
mod train;
mod ui;
mod verify;
mod vet;
mod vocabulary;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::common::{ColourChoice, Common, Outcome, STDOUT, VARIABLES, output_failed};
pub use self::report::leave_page;
pub use self::run::EngineRequest;
use crate::error::Error;

/// 精米: raw Japanese corpora in, training-ready tokens out
///
/// Reads messy text, normalises it, cuts it into morphemes, removes duplicates, filters it, trains a BPE vocabulary, writes token
/// shards in Parquet and packed sequences for memory mapping. No network; the same bytes for the same input and plan.
#[derive(Debug, Parser)]
#[command(
    name = "seimai",
    version,
    after_help = "Start here:\n  seimai dictionary fetch ipadic\n  seimai init > plan.toml\n  seimai run plan.toml --out OUT"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The whole way: raw corpora to token shards and packed sequences; resumes by itself
    Run(run::Arguments),
    /// Write a commented plan
    Init(init::Arguments),
    /// Check a plan without working: inputs, sizes, dictionary, estimates
    Plan(plan::Arguments),
    /// Morphological dictionaries: fetch, build, import, list, verify
    Dictionary(dictionary::Arguments),
    /// NFKC and the Japanese rules; JSON Lines out
    Normalize(normalize::Arguments),
    /// Annotate and decide: which records are kept, which are not, and why
    Filter(filter::Arguments),
    /// Morphemes of plain text lines
    Segment(segment::Arguments),
    /// Personal data: placeholders in its place, or where it stands
    Pii(pii::Arguments),
    /// Keigo: style, level, tone, honorific forms and misuse of every sentence
    Keigo(keigo::Arguments),
    /// Find duplicates in files: the documents that stay, and a table of the others
    Dedup(dedup::Arguments),
    /// Count pre-tokens: the histogram that a vocabulary is trained on
    Count(count::Arguments),
    /// Train a vocabulary from histograms of pre-tokens
    Train(train::Arguments),
    /// What a vocabulary does to Japanese, beside others; whether every program reads it as we do
    Tokenizer(tokenizer::Arguments),
    /// Encode files with a vocabulary that is there: token shards
    Encode(encode::Arguments),
    /// Token shards back to text
    Decode(decode::Arguments),
    /// Token shards into packed sequences of one length, without the rest of a run
    Pack(pack::Arguments),
    /// Tokens, documents and vocabularies in the formats of other programs
    Export(export::Arguments),
    /// The life of a document: where it came from, what was measured, why it was kept or dropped; with --input, what a file is
    Inspect(inspect::Arguments),
    /// Where a row of a pack comes from: documents, input files, records
    Trace(trace::Arguments),
    /// One page that shows what a run did, or two runs side by side
    Report(report::Arguments),
    /// Re-check every checksum, every count and the conservation law of a finished run
    Verify(verify::Arguments),
    /// A border check under a policy: what comes in or goes out, file by file, each finding with its place
    Vet(vet::Arguments),
    /// What a run is made of, on what grounds, and what became of it: evidence and standard forms
    Passport(passport::Arguments),
    /// Sign a finished run with a key of one's own
    Sign(sign::Arguments),
    /// Keys to sign with
    Key(key::Arguments),
    /// Take documents out of a finished run: a new run without them, and a receipt
    Forget(forget::Arguments),
    /// Remove what finished runs keep for their next one: all that they are not made of, or down to a size
    Gc(gc::Arguments),
    /// What this machine offers: dictionaries, memory, disk, processor, terminal; what is missing, and what to do
    Doctor(doctor::Arguments),
    /// What a shell needs to complete commands and options
    Completions(completions::Arguments),
    /// The pages of the manual, into a directory
    Man(man::Arguments),
}

/// Parses the command line, runs the command, gives its exit code.
pub fn main() -> ExitCode {
    ExitCode::from(main_from(std::env::args_os()))
}

/// The same for arguments of another program's: the first is the name that messages use.
pub fn main_from(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let code = answer(arguments);
    // Another program's main function does not write out what still waits.
    match std::io::stdout().flush() {
        Err(failed) if code == 0 && failed.kind() != std::io::ErrorKind::BrokenPipe => fail(&output_failed(failed).into()),
        _ => code,
    }
}

/// The run that these arguments ask of an engine that only another program has; nothing where they ask for anything else.
pub fn engine_request(arguments: impl IntoIterator<Item = OsString>) -> Option<EngineRequest> {
    match Cli::try_parse_from(arguments) {
        Ok(Cli { command: Command::Run(run), common }) => run.engine_request(&common),
        _ => None,
    }
}

fn answer(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    std::panic::set_hook(Box::new(|panic| {
        if crate::io::is_guarded() {
            return; // A damaged file made foreign code panic: it is quarantined, and nobody's bug to report.
        }
        // The standard library has no other way to say that a thread cannot be given its stack for signals.
        if panic.payload_as_str().is_some_and(|said| said.contains("(os error 12)")) {
            allocator::exhausted();
        }
        let location = panic.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
        let _ = writeln!(std::io::stderr(), "internal error{location}; please report it. The run can be resumed.");
    }));
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(e) => {
            let refused = e.use_stderr();
            return match e.print() {
                Err(failed) if !refused => fail(&output_failed(failed).into()),
                _ => {
                    if let Some(variable) = blamed_variable(&e, &arguments) {
                        let _ = writeln!(std::io::stderr(), "\nhint: the value is that of the environment variable {variable}");
                    }
                    u8::from(refused) * 2
                }
            };
        }
    };
    ui::choose_colours(cli.common.color);
    signals::watch(matches!(cli.command, Command::Run(_) | Command::Train(_) | Command::Forget(_)));
    let result =
        std::panic::catch_unwind(|| dispatch(&cli)).unwrap_or_else(|_| Err(anyhow::Error::new(Error::internal("a panic; see above"))));
    if let Some(dir) = crate::io::unsynced_directory().filter(|_| !cli.common.quiet) {
        let dir = crate::quarantine::escape(&dir.to_string_lossy(), 500);
        let _ = writeln!(
            std::io::stderr(),
            "warning: {dir}: its file system cannot sync directories; if the machine loses power now, names of new files may be lost"
        );
    }
    match result.map_err(|e| read_damage(&cli.command, e)) {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::CannotTell) => 2,
        Ok(Outcome::Damaged) => 3,
        // Commands name the file wherever they read or write one: a bare I/O error is that of the output.
        Err(e) => fail(&e.downcast::<std::io::Error>().map_or_else(|other| other, |failed| output_failed(failed).into())),
    }
}

/// Reads the arguments; help and errors have the colours that are asked for.
fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = Cli::command().color(ColourChoice::said_by(arguments).of_clap());
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command))
}

/// The environment variable whose value is wrong, where it is not an option that was given.
fn blamed_variable(error: &clap::Error, arguments: &[OsString]) -> Option<&'static str> {
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else { return None };
    let option = wrong.split([' ', '=']).next().unwrap_or_default();
    let is_given =
        |argument: &OsString| argument.to_str().is_some_and(|argument| argument == option || argument.starts_with(&format!("{option}=")));
    let (_, variable) = VARIABLES.into_iter().find(|(name, _)| *name == option)?;
    (!arguments.iter().any(is_given) && std::env::var_os(variable).is_some()).then_some(variable)
}

/// What a command was given to read and is damaged is refused; a run that finds damage in what it made itself has met a fault of the machine.
fn read_damage(command: &Command, error: anyhow::Error) -> anyhow::Error {
    if matches!(command, Command::Run(_)) {
        return error;
    }
    match error.downcast::<Error>() {
        Ok(Error::Damaged { path, message }) => {
            let hint = "of a run, `seimai verify` names all that is damaged, and `seimai run` makes it again";
            Error::refused_with_hint(format!("{}: damaged: {message}", path.display()), hint).into()
        }
        Ok(other) => other.into(),
        Err(other) => other,
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<Outcome> {
    let common = &cli.common;
    match &cli.command {
        Command::Run(arguments) => run::run(arguments, common),
        Command::Init(arguments) => init::run(arguments, common),
        Command::Plan(arguments) => plan::run(arguments, common),
        Command::Dictionary(arguments) => dictionary::run(arguments, common),
        Command::Normalize(arguments) => normalize::run(arguments, common),
        Command::Filter(arguments) => filter::run(arguments, common),
        Command::Segment(arguments) => segment::run(arguments, common),
        Command::Pii(arguments) => pii::run(arguments, common),
        Command::Keigo(arguments) => keigo::run(arguments, common),
        Command::Dedup(arguments) => dedup::run(arguments, common),
        Command::Count(arguments) => count::run(arguments, common),
        Command::Train(arguments) => train::run(arguments, common),
        Command::Tokenizer(arguments) => tokenizer::run(arguments, common),
        Command::Encode(arguments) => encode::run(arguments, common),
        Command::Decode(arguments) => decode::run(arguments),
        Command::Pack(arguments) => pack::run(arguments, common),
        Command::Export(arguments) => export::run(arguments, common),
        Command::Inspect(arguments) => inspect::run(arguments, common),
        Command::Trace(arguments) => trace::run(arguments),
        Command::Report(arguments) => report::run(arguments, common),
        Command::Verify(arguments) => verify::run(arguments, common),
        Command::Vet(arguments) => vet::run(arguments, common),
        Command::Passport(arguments) => passport::run(arguments, common),
        Command::Sign(arguments) => sign::run(arguments, common),
        Command::Key(arguments) => key::run(arguments, common),
        Command::Forget(arguments) => forget::run(arguments, common),
        Command::Gc(arguments) => gc::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments, common),
        Command::Completions(arguments) => completions::run(arguments, &mut Cli::command()),
        Command::Man(arguments) => man::run(arguments, Cli::command(), common),
    }
}

/// Prints the error and its hint; a broken pipe is no error.
fn fail(error: &anyhow::Error) -> u8 {
    let broken_pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    let quiet_end = error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(broken_pipe)
            || matches!(cause.downcast_ref::<Error>(), Some(Error::Io { source, .. }) if broken_pipe(source))
    });
    if quiet_end {
        return 0;
    }
    let ours = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    let message = crate::quarantine::escape(&error.to_string(), 2000);
    let (red, plain) = if ui::paints_stderr() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
    let _ = writeln!(std::io::stderr(), "{red}error:{plain} {message}");
    let to_stdout = matches!(ours, Some(Error::Io { path, .. }) if path.as_os_str() == STDOUT);
    let hint = ours.and_then(Error::hint).map(|hint| if to_stdout { "make room where standard output goes" } else { hint });
    if let Some(hint) = hint {
        let _ = writeln!(std::io::stderr(), "{}", hint_line(hint));
    }
    let others = ours.map(Error::others).unwrap_or_default();
    for other in others {
        let _ = writeln!(std::io::stderr(), "{red}error:{plain} {}", crate::quarantine::escape(&other.message, 2000));
        if let Some(hint) = &other.hint {
            let _ = writeln!(std::io::stderr(), "{}", hint_line(hint));
        }
    }
    if !others.is_empty() {
        let _ = writeln!(std::io::stderr(), "{} errors; nothing was done", 1 + others.len());
    }
    ours.map_or(1, Error::exit_code)
}

/// `hint: …`, whose lines stand below each other.
fn hint_line(hint: &str) -> String {
    format!("hint: {}", crate::quarantine::escape(hint, 2000).replace("\\u{a}", "\n      "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Words as a shell would have them; comments, pipes and other files are left out.
    fn commands(line: &str) -> Vec<Vec<String>> {
        let mut all = vec![vec![String::new()]];
        let mut quote = None;
        for c in line.chars() {
            let Some(command) = all.last_mut() else { continue };
            let word = command.last_mut().unwrap();
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '#') if word.is_empty() => break,
                (None, '|' | ';' | '&' | '>') => all.push(vec![if c == '>' { "(file)".to_owned() } else { String::new() }]),
                (None, ' ') => {
                    if !word.is_empty() {
                        command.push(String::new());
                    }
                }
                (_, c) => word.push(c),
            }
        }
        for command in &mut all {
            command.retain(|word| !word.is_empty());
        }
        all.retain(|command| command.first().is_some_and(|word| word == "seimai"));
        all
    }

    fn examples(command: &clap::Command, path: &str, silent: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        let below: Vec<&clap::Command> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let found: Vec<Vec<String>> = help.lines().filter(|line| line.starts_with("  ")).flat_map(commands).collect();
        if !found.iter().any(|words| words.join(" ").starts_with(&path)) {
            silent.push(path.clone());
        }
        for words in &found {
            if let Err(e) = Cli::try_parse_from(words) {
                assert!(!e.use_stderr(), "the help of {path} has an example that is refused: {words:?}\n{e}");
            }
        }
        for below in below {
            examples(below, &path, silent);
        }
    }

    #[test]
    fn every_command_has_an_example_that_is_understood() {
        let mut silent = Vec::new();
        examples(&Cli::command(), "", &mut silent);
        assert!(silent.is_empty(), "no example in the help of {silent:?}");
    }
}
