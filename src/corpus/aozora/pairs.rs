//! Which bracket of a line closes which: notes may hold notes, and quote brackets.

const OPEN: char = '［';
const CLOSE: char = '］';
const NOTE: &str = "［＃";

/// The brackets ［ ］ of a line that belong together, by byte.
#[derive(Debug, Default)]
pub(super) struct Pairs(Vec<(usize, usize)>);

impl Pairs {
    /// Linear in the length of the line.
    pub(super) fn of(line: &str) -> Self {
        if memchr::memmem::find(line.as_bytes(), NOTE.as_bytes()).is_none() {
            return Self::default();
        }
        let (pairs, is_whole) = matched(line, |_| true);
        // A note that quotes one half of a pair would stay open: then only notes count.
        let pairs =
            if is_whole { pairs } else { Some(matched(line, is_note)).filter(|(_, is_whole)| *is_whole).map_or(pairs, |(pairs, _)| pairs) };
        let mut pairs: Vec<(usize, usize)> = pairs.into_iter().filter(|(open, _)| line.get(*open..).is_some_and(is_note)).collect();
        pairs.sort_unstable();
        Self(pairs)
    }

    /// Where the note ends that begins at `open`: the byte of its last bracket.
    pub(super) fn close(&self, open: usize) -> Option<usize> {
        let at = self.0.binary_search_by_key(&open, |(open, _)| *open).ok()?;
        self.0.get(at).map(|(_, close)| *close)
    }
}

fn is_note(rest: &str) -> bool {
    rest.starts_with(NOTE)
}

/// Pairs of brackets, of those that open that count; is every note closed?
fn matched(line: &str, counts: impl Fn(&str) -> bool) -> (Vec<(usize, usize)>, bool) {
    let (mut open, mut pairs) = (Vec::new(), Vec::new());
    let mut before = '\0';
    for (at, c) in line.char_indices() {
        if c == OPEN || c == CLOSE {
            let rest = line.get(at..).unwrap_or_default();
            // 「［」 and 「］」 are quoted.
            let is_quoted = before == '「' && rest.chars().nth(1) == Some('」');
            if is_quoted {
            } else if c == CLOSE {
                pairs.extend(open.pop().map(|open| (open, at)));
            } else if counts(rest) {
                open.push(at);
            }
        }
        before = c;
    }
    let is_whole = open.into_iter().all(|at| !line.get(at..).is_some_and(is_note));
    (pairs, is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_end() {
        let notes = |line: &str| -> Vec<String> {
            let pairs = Pairs::of(line);
            pairs.0.iter().map(|(open, close)| line.get(*open..*close + 3).unwrap().to_owned()).collect()
        };
        assert_eq!(notes("甲［乙］丙"), [""; 0]);
        assert_eq!(notes("甲［＃傍点］［乙］"), ["［＃傍点］"]);
        assert_eq!(
            notes("［＃「甲※［＃「乙」、1-2-3］」は底本では「丙」］丁"),
            ["［＃「甲※［＃「乙」、1-2-3］」は底本では「丙」］", "［＃「乙」、1-2-3］"]
        );
        assert_eq!(notes("［＃「［」は底本では「（」］甲［＃改行］"), ["［＃「［」は底本では「（」］", "［＃改行］"]);
        assert_eq!(notes("［＃「］」は底本では「）」］"), ["［＃「］」は底本では「）」］"]);
        assert_eq!(notes("［＃「［甲」はママ］乙"), ["［＃「［甲」はママ］"]);
        assert_eq!(notes("甲［＃開いたまま［＃傍点］"), ["［＃傍点］"]);
        assert_eq!(notes("［＃開いたまま"), [""; 0]);
    }
}
