//! The line that shows how far a pass is: as much as fits the terminal, and never more.

use unicode_width::UnicodeWidthStr;

/// Seconds, and share of a pass, after which it can be said how long the rest takes.
const FORETOLD_AFTER: f64 = 2.0;
const FORETOLD_FROM: f64 = 0.01;
/// Columns of a bar.
const BAR: usize = 24;
/// Columns of a terminal that is not said to be another.
pub(super) const COLUMNS: usize = 80;

/// How far a pass is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Standing {
    /// What it does.
    pub(super) about: String,
    /// Is `done` a number of bytes?
    pub(super) of_bytes: bool,
    /// How much is done of how much, for people.
    pub(super) amount: String,
    /// Done, in all.
    pub(super) done: u64,
    /// To be done; 0 if unknown.
    pub(super) total: u64,
    /// Of `done`, what was done before this process, or at once: it says nothing of the speed.
    pub(super) before: u64,
    /// Bytes of text of that.
    pub(super) bytes_before: u64,
    /// Seconds since the pass began here.
    pub(super) seconds: f64,
    /// That it is complete, and how long it took.
    pub(super) ended: Option<String>,
    /// Documents, rates and the like.
    pub(super) beside: String,
}

impl Standing {
    /// The share that is done.
    pub(super) fn share(&self) -> Option<f64> {
        (self.total > 0).then(|| (self.done as f64 / self.total as f64).min(1.0))
    }

    /// Seconds that the rest takes, once that can be told.
    pub(super) fn rest(&self) -> Option<f64> {
        let share = self.share()?;
        let here = self.done.saturating_sub(self.before) as f64;
        if self.seconds < FORETOLD_AFTER || share < FORETOLD_FROM || here <= 0.0 {
            return None;
        }
        Some(self.seconds * self.total.saturating_sub(self.done) as f64 / here)
    }

    /// The line for a terminal of so many columns: what matters most comes first and stays longest.
    pub(super) fn line(&self, width: usize) -> String {
        // A terminal that is written full to its last column may wrap.
        let room = width.saturating_sub(1);
        let percent = self.share().map(|share| format!("{:>3.0} %", (share * 100.0).floor()));
        let percent = self.ended.clone().or(percent);
        let rest = self.rest().map(|rest| format!("{} left", duration(rest)));
        let mut line = cut(&self.about, room.saturating_sub(percent.as_ref().map_or(0, |percent| percent.width() + 2)));
        let mut add = |piece: &str| {
            if !piece.is_empty() && line.width() + 2 + piece.width() <= room {
                line.push_str("  ");
                line.push_str(piece);
            }
        };
        add(percent.as_deref().unwrap_or_default());
        add(rest.as_deref().unwrap_or_default());
        add(&self.amount);
        add(&self.beside);
        let used = line.width();
        match self.share() {
            Some(share) if used + 2 + BAR <= room => format!("{}  {line}", bar(share)),
            _ => line,
        }
    }
}

fn bar(share: f64) -> String {
    let full = (share * BAR as f64).floor() as usize;
    "█".repeat(full) + &"░".repeat(BAR - full)
}

fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        let mut utf8 = [0; 4];
        if out.width() + c.encode_utf8(&mut utf8).width() + 1 > room {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// `8 s`, `3 min`, `2 h 05 min`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..90 => format!("{whole} s"),
        90..5400 => format!("{} min", (whole + 30) / 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(done: u64, seconds: f64) -> Standing {
        Standing {
            about: "read, normalise, segment, annotate".to_owned(),
            of_bytes: true,
            amount: "143.1 MiB of 286.1 MiB".to_owned(),
            done,
            total: 300_000_000,
            before: 0,
            bytes_before: 0,
            seconds,
            ended: None,
            beside: "12,345 documents, 8.1 MB/s".to_owned(),
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 1..=200 {
            for (done, seconds) in [(0, 0.0), (3_000_000, 1.0), (150_000_000, 30.0), (300_000_000, 9999.0)] {
                let line = standing(done, seconds).line(width);
                assert!(line.width() < width.max(2), "{width}: {line}");
            }
        }
        assert_eq!(standing(150_000_000, 30.0).line(40), "read, normalise, segment, annot…   50 %");
        let ended = Standing { ended: Some("done in 30 s".to_owned()), total: 0, ..standing(0, 30.0) };
        assert_eq!(ended.line(40), "read, normalise, segment…  done in 30 s");
        let wide = standing(150_000_000, 30.0).line(140);
        assert!(wide.starts_with("████████████░░░░░░░░░░░░  read") && wide.contains("30 s left") && wide.contains("MB/s"), "{wide}");
    }

    #[test]
    fn nothing_is_foretold_before_it_can_be() {
        assert_eq!(standing(0, 60.0).rest(), None, "nothing is done");
        assert_eq!(standing(150_000_000, 0.5).rest(), None, "too early");
        assert_eq!(standing(1_000_000, 60.0).rest(), None, "too little");
        assert_eq!(standing(150_000_000, 30.0).rest(), Some(30.0));
        let resumed = Standing { before: 140_000_000, ..standing(150_000_000, 30.0) };
        assert_eq!(resumed.rest(), Some(450.0), "what was done before says nothing of the speed");
        assert_eq!(Standing { total: 0, ..standing(5, 60.0) }.rest(), None);
        assert!(!standing(3_000_000, 1.0).line(200).contains("left"));
    }

    #[test]
    fn durations() {
        assert_eq!((duration(8.4), duration(180.0), duration(7500.0)), ("8 s".into(), "3 min".into(), "2 h 05 min".into()));
    }
}
