//! Lines for a terminal: coloured pieces, folded to its width by what characters take there. Japanese text breaks anywhere but before marks that
//! close and behind marks that open; other words break at blanks.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use super::ui;
use crate::quarantine::escape;

/// Columns where nobody says how many there are.
const COLUMNS: usize = 100;
/// Columns below and above which nothing is folded.
const NARROWEST: usize = 24;
const WIDEST: usize = 200;

/// What a piece is, and with it its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// What stands beside.
    Soft,
    /// Holds, kept.
    Good,
    /// Fails, lost.
    Bad,
    /// What a rule speaks of.
    Marked,
    /// A colour by its number (SGR).
    Colour(&'static str),
    /// The same, underlined.
    Underlined(&'static str),
}

impl Tone {
    fn sgr(self) -> String {
        match self {
            Self::Plain => String::new(),
            Self::Strong => "1".to_owned(),
            Self::Soft => "2".to_owned(),
            Self::Good => "32".to_owned(),
            Self::Bad => "31".to_owned(),
            Self::Marked => "30;43".to_owned(),
            Self::Colour(colour) => colour.to_owned(),
            Self::Underlined(colour) => format!("4;{colour}"),
        }
    }
}

/// Folds lines.
pub(super) struct Folder {
    width: usize,
    colours: bool,
    out: String,
}

/// A character, its columns and colour.
type Cell = (char, usize, Tone);

impl Folder {
    /// For standard output as it is.
    pub(super) fn for_stdout() -> Self {
        Self::new(ui::columns_of_stdout().unwrap_or(COLUMNS), ui::has_colours())
    }

    /// For so many columns.
    pub(super) fn new(width: usize, colours: bool) -> Self {
        Self { width: width.clamp(NARROWEST, WIDEST), colours, out: String::new() }
    }

    /// Are colours used?
    pub(super) fn has_colours(&self) -> bool {
        self.colours
    }

    /// Columns of a line.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// Pieces behind a label; lines that follow begin below the first piece. A label that leaves no room stands by itself.
    pub(super) fn line(&mut self, label: &str, at: usize, pieces: &[(&str, Tone)]) {
        let at = at.min(self.width / 2);
        let mut head = cells(label, Tone::Soft);
        let columns = width_of(&head);
        if columns > at {
            self.push(&head);
            self.out.push('\n');
            head = cells(&" ".repeat(at), Tone::Plain);
        } else {
            head.extend(cells(&" ".repeat(at - columns), Tone::Plain));
        }
        let room = self.width - at;
        let indent = cells(&" ".repeat(at), Tone::Plain);
        let mut lines = fold(pieces, room).into_iter();
        head.extend(lines.next().unwrap_or_default());
        self.push_line(&head);
        for line in lines {
            self.push_line(&[&indent[..], &line].concat());
        }
    }

    /// Words of several pieces, two blanks apart; a word is broken only where it is wider than a line.
    pub(super) fn words(&mut self, at: usize, words: &[[(String, Tone); 2]]) {
        let room = self.width - at.min(self.width / 2);
        let (mut line, mut used): (Vec<(&str, Tone)>, usize) = (Vec::new(), 0);
        for word in words {
            let columns: usize = word.iter().map(|(text, _)| columns(text)).sum();
            if used > 0 && used + 2 + columns > room {
                self.line("", at, &line);
                (line, used) = (Vec::new(), 0);
            }
            if used > 0 {
                line.push(("  ", Tone::Plain));
                used += 2;
            }
            line.extend(word.iter().map(|(text, tone)| (text.as_str(), *tone)));
            used += columns;
        }
        if !line.is_empty() {
            self.line("", at, &line);
        }
    }

    /// A rule with a heading in it.
    pub(super) fn heading(&mut self, text: &str, beside: &str) {
        let mut all = cells("── ", Tone::Soft);
        all.extend(cells(text, Tone::Strong));
        all.extend(cells(" ", Tone::Plain));
        let room = self.width.saturating_sub(width_of(&all) + 3);
        let beside = cells(beside, Tone::Soft);
        if !beside.is_empty() && width_of(&beside) <= room {
            all.extend(beside);
            all.extend(cells(" ", Tone::Plain));
        }
        let rest = self.width.saturating_sub(width_of(&all));
        all.extend(cells(&"─".repeat(rest), Tone::Soft));
        self.push_line(&all);
    }

    fn push_line(&mut self, cells: &[Cell]) {
        let end = cells.iter().rposition(|(c, ..)| *c != ' ').map_or(0, |last| last + 1);
        self.push(&cells[..end]);
        self.out.push('\n');
    }

    fn push(&mut self, cells: &[Cell]) {
        let mut now = Tone::Plain;
        for (c, _, tone) in cells {
            if self.colours && *tone != now {
                if now != Tone::Plain {
                    self.out.push_str("\x1b[0m");
                }
                if *tone != Tone::Plain {
                    // Writing to a string cannot fail.
                    let _ = write!(self.out, "\x1b[{}m", tone.sgr());
                }
                now = *tone;
            }
            self.out.push(*c);
        }
        if self.colours && now != Tone::Plain {
            self.out.push_str("\x1b[0m");
        }
    }
}

/// The columns of a text.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

fn width(c: char) -> usize {
    // Rules are one column wide in every font that draws them.
    if c == '─' { 1 } else { c.width().unwrap_or(0) }
}

fn width_of(cells: &[Cell]) -> usize {
    cells.iter().map(|(_, width, _)| width).sum()
}

/// The characters of a piece; what must not reach a terminal is escaped, an end of line is seen and ends the line.
fn cells(text: &str, tone: Tone) -> Vec<Cell> {
    let mut out = Vec::new();
    for c in text.chars() {
        match c {
            '\n' => out.push(('\n', 0, tone)),
            '\t' => out.push((' ', 1, tone)),
            c => {
                let mut utf8 = [0; 4];
                out.extend(escape(c.encode_utf8(&mut utf8), 1).chars().map(|c| (c, width(c), tone)));
            }
        }
    }
    out
}

/// Marks that begin no line.
fn closes(c: char) -> bool {
    "、。，．」』】〕〉》）］｝!！?？…‥ーゃゅょっァィゥェォャュョッ々:：;；,.)]}|│".contains(c)
}

/// Marks that end no line.
fn opens(c: char) -> bool {
    "「『【〔〈《（［｛([{".contains(c)
}

/// Pieces as lines of so many columns.
fn fold(pieces: &[(&str, Tone)], room: usize) -> Vec<Vec<Cell>> {
    let all: Vec<Cell> = pieces.iter().flat_map(|(text, tone)| cells(text, *tone)).collect();
    let mut lines = vec![Vec::new()];
    let mut used = 0;
    let mut at = 0;
    while at < all.len() {
        if all[at].0 == '\n' {
            lines.push(Vec::new());
            (used, at) = (0, at + 1);
            continue;
        }
        let mut end = atom(&all, at);
        let mut columns = width_of(&all[at..end]);
        if columns > room {
            // Nowhere to break: as much as there is room for.
            end = at + 1;
            columns = all[at].1;
            while end < all.len() && columns + all[end].1 <= room.saturating_sub(used).max(all[at].1) && all[end].0 != '\n' {
                columns += all[end].1;
                end += 1;
            }
        }
        if used + columns > room && used > 0 {
            lines.push(Vec::new());
            used = 0;
            if all[at].0 == ' ' {
                at += 1;
                continue;
            }
        }
        if let Some(line) = lines.last_mut() {
            line.extend_from_slice(&all[at..end]);
        }
        used += columns;
        at = end;
    }
    lines
}

/// Where the stretch ends that begins here and is not broken.
fn atom(all: &[Cell], at: usize) -> usize {
    let is_narrow = |i: usize| all.get(i).is_some_and(|(c, width, _)| *width <= 1 && *c != ' ' && *c != '\n');
    let mut end = at + 1;
    if opens(all[at].0) && all.get(end).is_some_and(|(c, ..)| *c != ' ' && *c != '\n') {
        end = atom(all, end);
    } else if is_narrow(at) {
        while is_narrow(end) && !closes_wide(all[end].0) && all[end - 1].0 != '|' {
            end += 1;
        }
    }
    while all.get(end).is_some_and(|(c, ..)| closes(*c)) {
        end += 1;
    }
    end
}

fn closes_wide(c: char) -> bool {
    closes(c) && !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(width: usize, text: &str) -> Vec<String> {
        let mut folder = Folder::new(width, false);
        folder.line("", 0, &[(text, Tone::Plain)]);
        folder.finish().lines().map(str::to_owned).collect()
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let texts = [
            "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。",
            "a-very-long-address.example.org/with/a/path/that/has/no/blank/at/all/and/goes/on and on 米を a b c",
            "「「「「「「「「「「「「「「「「「「「「「「「「「「「「「「「「「「」」」」」」」」」」」」」」」」」」」」」」」",
            "春|の|朝|に|、|隣|の|田|から|水|の|音|が|し|た|。|a|b|c|defghijkl|mnopqrstuvwxyz|0123456789",
            "e\u{301}\u{200b}\u{202e}米\u{1b}[2J\u{7}\t\t水",
        ];
        for text in texts {
            for width in [24, 40, 41, 80, 120] {
                let lines = folded(width, text);
                assert!(lines.iter().all(|line| columns(line) <= width), "{width}: {lines:#?}");
                let joined: String = lines.concat();
                let kept = |text: &str| text.chars().filter(|c| !c.is_whitespace() && c.width().unwrap_or(0) > 0).count();
                assert!(kept(&joined) >= kept(text), "nothing is lost: {joined}");
                assert!(!joined.contains('\u{1b}') && !joined.contains('\u{202e}'));
            }
        }
        let lines = folded(24, "あいうえおかきくけこさし。すせそ");
        assert!(lines.iter().all(|line| !line.starts_with('。')), "{lines:?}");
    }

    #[test]
    fn labels_and_colours() {
        let mut folder = Folder::new(30, true);
        folder.line("text", 8, &[("米を", Tone::Good), ("炊く", Tone::Plain)]);
        assert_eq!(folder.finish(), "\x1b[2mtext\x1b[0m    \x1b[32m米を\x1b[0m炊く\n");
        let mut folder = Folder::new(30, false);
        folder.line("a label that is long", 8, &[("x", Tone::Plain)]);
        folder.heading("read", "beside");
        let out = folder.finish();
        assert!(out.starts_with("a label that is long\n        x\n── read beside ───"), "{out}");
        assert!(out.lines().all(|line| columns(line) <= 30));
    }
}
