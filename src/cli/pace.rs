//! With `-v`: what holds a pass up, in one sentence. Nothing is guessed: where nothing that was measured took much, nothing is said.

use crate::pipeline::gate::Gate;
use crate::pipeline::observer::{Event, Observer, PassWork};

/// Less than this share of the workers' time is not worth a sentence.
const WORTH: f64 = 0.1;
/// Nor is it in a pass of fewer seconds.
const SECONDS: f64 = 0.05;

/// Says what holds a pass up, now and then and at its end.
pub(super) struct Paced(pub(super) Box<dyn Observer>);

impl Observer for Paced {
    fn on_event(&self, event: &Event) {
        self.0.on_event(event);
        let (Event::Underway { pass, seconds, work } | Event::PassFinished { pass, seconds, work }) = event else { return };
        if let Some(sentence) = sentence(work, *seconds) {
            let so_far = if matches!(event, Event::Underway { .. }) { " so far" } else { "" };
            self.0.on_event(&Event::Note(format!("{pass}{so_far}: {sentence}")));
        }
    }
}

/// What took most of the time that its workers had.
fn sentence(work: &PassWork, seconds: f64) -> Option<String> {
    let all = work.workers as f64 * seconds;
    if seconds < SECONDS || all <= 0.0 {
        return None;
    }
    let waits = work.waits;
    let share = |part: f64| part / all;
    let huge = format!(": above {} MiB one passes at a time, and input.record_max leaves larger ones out", Gate::HUGE >> 20);
    let (part, what, more) = [
        (waits.reading, "reading and decompressing inputs took", ""),
        (waits.writing, "writing files and making them durable took", ""),
        (waits.huge_texts, "waiting for huge texts took", huge.as_str()),
        (waits.last_units, "waiting for the last units took", ""),
    ]
    .into_iter()
    .max_by(|(one, ..), (other, ..)| one.total_cmp(other))?;
    if share(part) < WORTH {
        return None;
    }
    let workers = if work.workers == 1 { "the one worker's" } else { "the workers'" };
    let percent = (share(part) * 100.0).round().min(100.0);
    Some(format!("{what} {percent:.0} % of {workers} time{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::waits::Waits;

    fn said(waits: Waits, workers: u64, seconds: f64) -> Option<String> {
        sentence(&PassWork { workers, waits, ..PassWork::default() }, seconds)
    }

    #[test]
    fn the_largest_share_is_told_and_small_ones_are_not() {
        let waits = Waits { reading: 3.8, writing: 1.0, huge_texts: 0.5, last_units: 0.0 };
        assert_eq!(said(waits, 4, 2.5).unwrap(), "reading and decompressing inputs took 38 % of the workers' time");
        assert_eq!(said(waits, 4, 25.0), None, "under a tenth");
        assert_eq!(said(waits, 0, 2.5), None, "nothing was measured");
        let alone = Waits { writing: 1.0, ..Waits::default() };
        assert_eq!(said(alone, 1, 4.0).unwrap(), "writing files and making them durable took 25 % of the one worker's time");
        let huge = Waits { huge_texts: 5.0, ..Waits::default() };
        assert!(said(huge, 2, 5.0).unwrap().starts_with("waiting for huge texts took 50 % of the workers' time: above 8 MiB"));
    }
}
