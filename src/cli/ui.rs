//! What a person sees while something works: bars on a terminal, plain lines elsewhere, JSON for programs.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle as BarStyle};

use super::common::{ColourChoice, Common, ProgressStyle};
use super::pace::Paced;
use super::progress_line::{self, Standing};
use crate::pipeline::observer::{Event, Observer, Quantity, Silent, Watch};

/// A share in percent, as short as it is exact enough.
pub(super) fn share(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

/// Seconds in which a pass tells what was done before it began here.
const AT_ONCE: f64 = 0.1;
/// A line at most this often when progress is plain.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The signals and an observer.
pub(super) fn watch(observer: &dyn Observer) -> Watch<'_> {
    Watch { stop: super::signals::stop(), observer }
}

/// The observer that the options ask for.
pub(super) fn observer(common: &Common) -> Box<dyn Observer> {
    let observer = plain_observer(common);
    if common.verbose && !common.quiet { Box::new(Paced(observer)) } else { observer }
}

fn plain_observer(common: &Common) -> Box<dyn Observer> {
    let style = match common.progress {
        _ if common.quiet => ProgressStyle::None,
        ProgressStyle::Auto if std::io::stderr().is_terminal() => return Box::new(Bars::default()),
        ProgressStyle::Auto => ProgressStyle::Plain,
        other => other,
    };
    match style {
        ProgressStyle::Json => Box::new(Json),
        ProgressStyle::None => Box::new(Silent),
        ProgressStyle::Auto | ProgressStyle::Plain => Box::new(Plain::default()),
    }
}

/// What each pass does, for people.
fn describe(pass: &str) -> &'static str {
    match pass {
        "frame" => "find the work shards",
        "annotate" => "read, normalise, segment, annotate",
        "dedup" | "resolve" => "find duplicates",
        "cut" => "find pieces that repeat",
        "judge" => "judge by the rules",
        "rebalance" => "balance the registers",
        "decide" => "keep or drop, count pre-tokens",
        "count" => "count pre-tokens",
        "train" => "train the vocabulary",
        "encode" => "encode, write token shards",
        "pack" => "pack sequences",
        "sketch" => "read, sketch",
        "write" => "write what stays",
        "compare" => "compare vocabularies",
        "verify" => "check",
        "export" => "export",
        _ => "work",
    }
}

/// A pass that is shown.
struct Shown {
    bar: ProgressBar,
    started: Instant,
    standing: Standing,
}

impl Shown {
    fn draw(&mut self) {
        self.standing.seconds = self.started.elapsed().as_secs_f64();
        let columns = columns_of(std::io::stderr()).unwrap_or(progress_line::COLUMNS);
        self.bar.set_message(self.standing.line(columns));
    }
}

/// A line for each pass, as wide as the terminal at that moment and no wider.
#[derive(Default)]
struct Bars {
    shown: Mutex<Option<Shown>>,
}

impl Observer for Bars {
    fn on_event(&self, event: &Event) {
        let Ok(mut slot) = self.shown.lock() else { return };
        match event {
            Event::PassStarted { pass, quantity, total } => {
                let bar = ProgressBar::new(*total);
                if let Ok(style) = BarStyle::with_template("{msg}") {
                    bar.set_style(style);
                }
                let mut shown = Shown { bar, started: Instant::now(), standing: standing(pass, *quantity, *total) };
                shown.draw();
                *slot = Some(shown);
            }
            Event::Progress { done, documents, bytes, .. } => {
                if let Some(shown) = slot.as_mut() {
                    proceed(&mut shown.standing, shown.started, *done, *documents, *bytes);
                    shown.bar.set_position(*done);
                    shown.draw();
                }
            }
            Event::Learned { merges, newest } => {
                if let Some(shown) = slot.as_mut() {
                    shown.standing.beside = learning(*merges, newest, shown.started.elapsed().as_secs_f64());
                    shown.draw();
                }
            }
            Event::PassFinished { seconds, .. } => {
                if let Some(mut shown) = slot.take() {
                    let Standing { about, beside, .. } = std::mem::take(&mut shown.standing);
                    let ended = Some(format!("done in {}", progress_line::duration(*seconds)));
                    shown.standing = Standing { about, ended, beside, ..Standing::default() };
                    shown.draw();
                    shown.bar.finish();
                }
            }
            // What was finished before is not news to whoever resumes.
            Event::PassSkipped { .. } | Event::Underway { .. } => {}
            Event::Note(text) => {
                let say = || {
                    let _ = writeln!(std::io::stderr(), "{}", crate::quarantine::escape(text, 500));
                };
                match slot.as_ref() {
                    Some(shown) => shown.bar.suspend(say),
                    None => say(),
                }
            }
        }
    }
}

/// A pass that begins.
fn standing(pass: &str, quantity: Quantity, total: u64) -> Standing {
    let of_bytes = quantity == Quantity::Bytes;
    Standing { about: describe(pass).to_owned(), of_bytes, total, ..Standing::default() }
}

/// What is told at once was done before, by an earlier start or another process: it is no speed of this one.
fn proceed(standing: &mut Standing, started: Instant, done: u64, documents: u64, bytes: u64) {
    standing.seconds = started.elapsed().as_secs_f64();
    if standing.seconds < AT_ONCE {
        standing.before = done;
        standing.bytes_before = bytes;
    }
    standing.done = done;
    let figure = if standing.of_bytes { self::bytes } else { thousands };
    standing.amount = if standing.total > 0 { format!("{} of {}", figure(done), figure(standing.total)) } else { String::new() };
    standing.beside = rates(documents, bytes.saturating_sub(standing.bytes_before), standing.seconds);
}

fn learning(merges: u64, newest: &str, seconds: f64) -> String {
    let rate = thousands((merges as f64 / seconds.max(1e-3)) as u64);
    format!("{} merges, {rate} a second, newest {}", thousands(merges), crate::quarantine::escape(newest, 40))
}

fn rates(documents: u64, bytes: u64, seconds: f64) -> String {
    if documents == 0 {
        return String::new();
    }
    let megabytes = bytes as f64 / 1e6;
    format!("{} documents, {:.1} MB/s", thousands(documents), megabytes / seconds.max(1e-3))
}

/// A line now and then.
#[derive(Default)]
struct Plain {
    last: Mutex<Option<(Instant, Instant, Standing)>>,
}

impl Observer for Plain {
    fn on_event(&self, event: &Event) {
        let mut err = std::io::stderr();
        let Ok(mut last) = self.last.lock() else { return };
        match event {
            Event::PassStarted { pass, quantity, total } => {
                *last = Some((Instant::now(), Instant::now(), standing(pass, *quantity, *total)));
            }
            Event::Progress { pass, done, documents, bytes } => {
                let Some((started, told, standing)) = last.as_mut() else { return };
                proceed(standing, *started, *done, *documents, *bytes);
                if told.elapsed() < PLAIN_EVERY {
                    return;
                }
                *told = Instant::now();
                let share = standing.share().map_or_else(String::new, |share| format!("{:.0} % ", (share * 100.0).floor()));
                let rest = standing.rest().map_or_else(String::new, |rest| format!(", {} left", progress_line::duration(rest)));
                let _ = writeln!(err, "{}: {share}{}{rest}", describe(pass), standing.beside);
            }
            Event::Learned { merges, newest } => {
                let Some((started, told, _)) = last.as_mut() else { return };
                if told.elapsed() < PLAIN_EVERY {
                    return;
                }
                *told = Instant::now();
                let _ = writeln!(err, "{}: {}", describe("train"), learning(*merges, newest, started.elapsed().as_secs_f64()));
            }
            Event::PassSkipped { .. } | Event::Underway { .. } => {}
            Event::PassFinished { pass, seconds, .. } => {
                *last = None;
                let _ = writeln!(err, "{}: done in {seconds:.1} s", describe(pass));
            }
            Event::Note(text) => {
                let _ = writeln!(err, "{}", crate::quarantine::escape(text, 500));
            }
        }
    }
}

/// One event a line, for programs.
struct Json;

impl Observer for Json {
    fn on_event(&self, event: &Event) {
        let _ = writeln!(std::io::stderr(), "{}", event.to_json());
    }
}

/// Largest first, names in order among equals.
pub(super) fn ranked(counts: &crate::stage::Counts) -> Vec<(&str, u64)> {
    let mut all: Vec<(&str, u64)> = counts.iter().map(|(name, &count)| (name.as_str(), count)).collect();
    all.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    all
}

/// What `--color` says: 0 auto, 1 always, 2 never.
static COLOURS: AtomicU8 = AtomicU8::new(0);

/// From here on colours are used as this says.
pub(super) fn choose_colours(choice: ColourChoice) {
    let choice = match choice {
        ColourChoice::Auto => 0,
        ColourChoice::Always => 1,
        ColourChoice::Never => 2,
    };
    COLOURS.store(choice, Ordering::Relaxed);
}

/// Are colours seen on standard output? As `--color` says; else if it is a terminal and NO_COLOR is unset or empty; CLICOLOR_FORCE asks for them
/// anywhere.
pub(super) fn has_colours() -> bool {
    are_seen(std::io::stdout().is_terminal())
}

/// The same of standard error.
pub(super) fn paints_stderr() -> bool {
    are_seen(std::io::stderr().is_terminal())
}

fn are_seen(on_terminal: bool) -> bool {
    match COLOURS.load(Ordering::Relaxed) {
        1 => return true,
        2 => return false,
        _ => {}
    }
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    !set("NO_COLOR") && (forced || on_terminal)
}

/// Columns of the terminal that standard output is; else what COLUMNS says, if it says something.
pub(super) fn columns_of_stdout() -> Option<usize> {
    columns_of(std::io::stdout()).or_else(|| std::env::var("COLUMNS").ok()?.parse().ok())
}

fn columns_of(terminal: impl std::os::fd::AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(terminal).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// `1234567` → `1,234,567`.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A word of a command, in quotes where a shell would take it for something else; what a terminal would obey is spelt.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=,+@%".contains(c) || c.is_alphabetic() && !c.is_ascii();
    let word = crate::quarantine::escape(word, 1000);
    if !word.is_empty() && word.chars().all(is_plain) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// `1536` → `1.5 KiB`.
pub(super) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        let words = ["out", "quality/lang:ko", "my out", "it's", "米", ""].map(shell_word);
        assert_eq!(words, ["out", "quality/lang:ko", "'my out'", "'it'\\''s'", "米", "''"]);
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1536), "1.5 KiB");
    }
}
