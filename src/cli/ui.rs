//! What a person sees while something works: bars on a terminal, plain lines elsewhere, JSON for programs.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle as BarStyle};

use super::common::{ColourChoice, Common, ProgressStyle};
use crate::pipeline::observer::{Event, Observer, Quantity, Silent, Watch};

/// A share in percent, as short as it is exact enough.
pub(super) fn share(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

/// A line at most this often when progress is plain.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// The signals and an observer.
pub(super) fn watch(observer: &dyn Observer) -> Watch<'_> {
    Watch { stop: super::signals::stop(), observer }
}

/// The observer that the options ask for.
pub(super) fn observer(common: &Common) -> Box<dyn Observer> {
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

/// One bar a pass: bytes or parts, documents, MB/s, ETA.
#[derive(Default)]
struct Bars {
    bar: Mutex<Option<(ProgressBar, Instant)>>,
}

impl Observer for Bars {
    fn on_event(&self, event: &Event) {
        let Ok(mut slot) = self.bar.lock() else { return };
        match event {
            Event::PassStarted { pass, quantity, total } => {
                let bar = ProgressBar::new(*total);
                let amount = if *quantity == Quantity::Bytes { "{bytes:>10}/{total_bytes}" } else { "{pos:>4}/{len}" };
                let template = format!("{{prefix:<36}} {{bar:28}} {{percent:>3}}% {amount} {{msg}} ETA {{eta}}");
                if let Ok(style) = BarStyle::with_template(&template) {
                    bar.set_style(style);
                }
                bar.set_prefix(describe(pass));
                *slot = Some((bar, Instant::now()));
            }
            Event::Progress { done, documents, bytes, .. } => {
                if let Some((bar, started)) = slot.as_ref() {
                    bar.set_position(*done);
                    bar.set_message(rates(*documents, *bytes, started.elapsed().as_secs_f64()));
                }
            }
            Event::Learned { merges, newest } => {
                if let Some((bar, started)) = slot.as_ref() {
                    bar.set_message(learning(*merges, newest, started.elapsed().as_secs_f64()));
                }
            }
            Event::PassFinished { seconds, .. } => {
                if let Some((bar, _)) = slot.take() {
                    bar.set_message(format!("{} done in {seconds:.1} s", bar.message()));
                    bar.finish();
                }
            }
            Event::Note(text) => {
                let _ = writeln!(std::io::stderr(), "{}", crate::quarantine::escape(text, 500));
            }
        }
    }
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
    last: Mutex<Option<(Instant, Instant, u64)>>,
}

impl Observer for Plain {
    fn on_event(&self, event: &Event) {
        let mut err = std::io::stderr();
        let Ok(mut last) = self.last.lock() else { return };
        match event {
            Event::PassStarted { total, .. } => *last = Some((Instant::now(), Instant::now(), *total)),
            Event::Progress { pass, done, documents, bytes } => {
                let Some((started, told, total)) = last.as_mut() else { return };
                if told.elapsed() < PLAIN_EVERY {
                    return;
                }
                *told = Instant::now();
                let seconds = started.elapsed().as_secs_f64();
                let share = if *total == 0 { 0.0 } else { (*done as f64 / *total as f64).min(1.0) };
                let eta = if share > 0.0 { format!(", ETA {:.0} s", seconds * (1.0 - share) / share) } else { String::new() };
                let _ = writeln!(err, "{}: {:.0} % {}{eta}", describe(pass), share * 100.0, rates(*documents, *bytes, seconds));
            }
            Event::Learned { merges, newest } => {
                let Some((started, told, _)) = last.as_mut() else { return };
                if told.elapsed() < PLAIN_EVERY {
                    return;
                }
                *told = Instant::now();
                let _ = writeln!(err, "{}: {}", describe("train"), learning(*merges, newest, started.elapsed().as_secs_f64()));
            }
            Event::PassFinished { pass, seconds } => {
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
        let value = match event {
            Event::PassStarted { pass, quantity, total } => {
                let quantity = match quantity {
                    Quantity::Bytes => "bytes",
                    Quantity::Documents => "documents",
                    Quantity::Parts => "parts",
                    Quantity::Steps => "steps",
                };
                serde_json::json!({"event": "pass_started", "pass": pass, "unit": quantity, "total": total})
            }
            Event::Progress { pass, done, documents, bytes } => {
                serde_json::json!({"event": "progress", "pass": pass, "done": done, "documents": documents, "bytes": bytes})
            }
            Event::Learned { merges, newest } => serde_json::json!({"event": "learned", "merges": merges, "newest": newest}),
            Event::PassFinished { pass, seconds } => serde_json::json!({"event": "pass_finished", "pass": pass, "seconds": seconds}),
            Event::Note(text) => serde_json::json!({"event": "note", "text": text}),
        };
        let _ = writeln!(std::io::stderr(), "{value}");
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
    let of_terminal = rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|n| *n > 0);
    of_terminal.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok())
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
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1536), "1.5 KiB");
    }
}
