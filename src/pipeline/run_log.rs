//! The log of a run, `OUT/run.log.jsonl`: what happened, in order, a JSON object a line (ADR 0055, `docs/formats/run-log.md`).
//!
//! It hears what the observer of the run hears. It is told when, by which process and with what memory, so that it is no output: like `run.json`
//! it is no function of inputs and plan. A run never fails because of it.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::layout;
use super::observer::{Event, Observer};
use super::report::{Report, RunOptions};
use super::share::{Lacking, Share};
use crate::error::{Error, Result};
use crate::io::{Dir, LineFile};
use crate::quarantine::escape;

/// Characters of a sentence that are kept.
const SENTENCE_MAX: usize = 1000;

/// The log of what one process does of a run.
pub(super) struct RunLog {
    /// Which process it is: several may write to one log.
    process: String,
    share: Option<Share>,
    /// Threads and bytes of memory that were asked for.
    asked: (usize, u64),
    begun: String,
    lines: Mutex<Lines>,
}

/// Where lines go.
enum Lines {
    /// The run has no place yet: what has happened waits.
    Waiting(Vec<String>),
    Open(LineFile),
    /// The file cannot be written, which was said.
    GivenUp,
}

/// What a run is when its log begins.
pub(super) struct Begun<'a> {
    pub(super) fingerprint: &'a str,
    /// Worker threads, as many as memory lets work.
    pub(super) workers: usize,
    pub(super) inputs: usize,
}

impl RunLog {
    /// The log of this process, which begins now; `share` is what it does of a run that several work on.
    pub(super) fn new(options: &RunOptions, share: Option<Share>) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            process: format!("{}:{}", host.trim(), std::process::id()),
            share,
            asked: (options.threads, options.memory),
            begun: now(),
            lines: Mutex::new(Lines::Waiting(Vec::new())),
        }
    }

    /// Everybody who hears of the run: `observer`, and the log.
    pub(super) fn with<'a>(&'a self, observer: &'a dyn Observer) -> Logged<'a> {
        Logged { log: self, observer }
    }

    /// The run has its directory: the log is opened, behind what earlier attempts have written.
    pub(super) fn start(&self, out: &Dir, begun: &Begun<'_>, observer: &dyn Observer) {
        let Ok(mut lines) = self.lines.lock() else { return };
        let Lines::Waiting(waiting) = &*lines else { return };
        let mut first = json!({
            "event": "run_started",
            "seimai": env!("CARGO_PKG_VERSION"),
            "fingerprint": begun.fingerprint,
            "threads": self.asked.0,
            "workers": begun.workers,
            "memory_bytes": self.asked.1,
            "inputs": begun.inputs,
        });
        if let (Some(share), Some(first)) = (self.share, first.as_object_mut()) {
            first.insert("share".into(), share.to_string().into());
        }
        let first = self.line(&self.begun, &first);
        let opened = LineFile::open(&out.at(layout::LOG)).and_then(|file| {
            std::iter::once(&first).chain(waiting).try_for_each(|line| file.write_line(line))?;
            // The name, too, is to outlast a crash.
            out.sync().and_then(|()| file.sync()).map(|()| file)
        });
        *lines = match opened {
            Ok(file) => Lines::Open(file),
            Err(error) => {
                drop(lines);
                return self.give_up(&error, observer);
            }
        };
    }

    /// How the run ended.
    pub(super) fn ended(&self, ended: &Result<Report>, observer: &dyn Observer) {
        match ended {
            Ok(report) => {
                let mut value = report.to_json();
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("exit_code".into(), if report.manifest.totals.quarantined > 0 { 3 } else { 0 }.into());
                }
                self.write(&value, true, observer);
            }
            Err(error) => self.failed(error, observer),
        }
    }

    /// A share is done, and others are not.
    pub(super) fn waits(&self, lacking: &Lacking, observer: &dyn Observer) {
        self.write(&lacking.to_json(), true, observer);
    }

    /// The run was interrupted, or failed.
    pub(super) fn failed(&self, error: &Error, observer: &dyn Observer) {
        let exit_code = error.exit_code();
        let value = match error {
            Error::Interrupted(signal) => json!({"event": "run_interrupted", "signal": signal, "exit_code": exit_code}),
            _ => json!({
                "event": "run_failed",
                "exit_code": exit_code,
                "error": escape(&error.to_string(), SENTENCE_MAX),
                "hint": error.hint().map(|hint| escape(hint, SENTENCE_MAX)),
            }),
        };
        self.write(&value, true, observer);
    }

    fn event(&self, event: &Event, observer: &dyn Observer) {
        match event {
            // How far it is, and which word was learned, is for whoever watches.
            Event::Progress { .. } | Event::Learned { .. } | Event::Underway { .. } => {}
            Event::Note(text) => self.write(&Event::Note(escape(text, SENTENCE_MAX)).to_json(), false, observer),
            Event::PassStarted { .. } | Event::PassSkipped { .. } => self.write(&event.to_json(), false, observer),
            Event::PassFinished { .. } => self.write(&event.to_json(), true, observer),
        }
    }

    fn write(&self, value: &Value, is_durable: bool, observer: &dyn Observer) {
        let line = self.line(&now(), value);
        let Ok(mut lines) = self.lines.lock() else { return };
        let written = match &mut *lines {
            Lines::Waiting(waiting) => {
                waiting.push(line);
                Ok(())
            }
            Lines::Open(file) => file.write_line(&line).and_then(|()| if is_durable { file.sync() } else { Ok(()) }),
            Lines::GivenUp => Ok(()),
        };
        drop(lines);
        if let Err(error) = written {
            self.give_up(&error, observer);
        }
    }

    /// Says once that there will be no more lines.
    fn give_up(&self, error: &Error, observer: &dyn Observer) {
        let before = self.lines.lock().map(|mut lines| std::mem::replace(&mut *lines, Lines::GivenUp));
        if matches!(before, Ok(Lines::Waiting(_) | Lines::Open(_))) {
            let hint = error.hint().map_or_else(String::new, |hint| format!(" ({hint})"));
            observer.on_event(&Event::Note(format!("the run goes on without its log: {error}{hint}")));
        }
    }

    fn line(&self, time: &str, value: &Value) -> String {
        let mut line = json!({"time": time, "process": self.process});
        if let (Some(line), Some(fields)) = (line.as_object_mut(), value.as_object()) {
            line.extend(fields.clone());
        }
        line.to_string()
    }
}

/// Tells an observer and the log.
pub(super) struct Logged<'a> {
    log: &'a RunLog,
    observer: &'a dyn Observer,
}

impl Observer for Logged<'_> {
    fn on_event(&self, event: &Event) {
        self.observer.on_event(event);
        self.log.event(event, self.observer);
    }
}

/// The time in UTC, as RFC 3339 has it, to the millisecond.
#[expect(clippy::disallowed_methods, reason = "the log of a run tells times, and is no output")]
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    spelled(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn spelled(milliseconds: u64) -> String {
    let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if days < length || year == 9999 {
            break;
        }
        days -= length;
        year += 1;
    }
    let mut month = 1;
    for length in [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z", days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Observer for Heard {
        fn on_event(&self, event: &Event) {
            if let Event::Note(text) = event {
                self.0.lock().unwrap().push(text.clone());
            }
        }
    }

    fn log() -> RunLog {
        let options = RunOptions { out: "out".into(), threads: 2, memory: 1 << 30, fresh: false, store_limit: None };
        RunLog::new(&options, None)
    }

    #[test]
    fn times_are_spelled_as_others_read_them() {
        for (milliseconds, spelling) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_164_800_001, "2024-02-29T00:00:00.001Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(spelled(milliseconds), spelling);
        }
    }

    #[test]
    fn what_happens_before_there_is_a_place_stands_behind_the_start() {
        let made = tempfile::tempdir().unwrap();
        let (log, heard) = (log(), Heard::default());
        log.with(&heard).on_event(&Event::Note("early".into()));
        log.start(&Dir::open(made.path()).unwrap(), &Begun { fingerprint: "f", workers: 1, inputs: 3 }, &heard);
        log.with(&heard).on_event(&Event::Progress { pass: "annotate", done: 1, documents: 1, bytes: 1 });
        log.failed(&Error::Interrupted(15), &heard);
        let text = std::fs::read_to_string(made.path().join(layout::LOG)).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!(events, ["run_started", "note", "run_interrupted"]);
        assert!(lines[0]["workers"] == 1 && lines[2]["exit_code"] == 143 && lines.iter().all(|line| line["process"].is_string()));
        assert_eq!(*heard.0.lock().unwrap(), ["early"]);
    }

    #[test]
    fn a_log_that_cannot_be_written_is_told_once() {
        let made = tempfile::tempdir().unwrap();
        std::fs::create_dir(made.path().join(layout::LOG)).unwrap();
        let (log, heard) = (log(), Heard::default());
        log.start(&Dir::open(made.path()).unwrap(), &Begun { fingerprint: "f", workers: 1, inputs: 3 }, &heard);
        for _ in 0..3 {
            log.with(&heard).on_event(&Event::PassSkipped { pass: "annotate", units: 1 });
        }
        let heard = heard.0.into_inner().unwrap();
        assert!(heard.len() == 1 && heard[0].starts_with("the run goes on without its log: "), "{heard:?}");
    }
}
