//! Runs of digits: groups of digits of any width, and what joins them.

use super::fold::{fold, next, skip_spaces};

/// What stands between two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// A dash of any form, or ー.
    Dash,
    /// One or two blanks.
    Space,
    Dot,
    Slash,
    Colon,
    /// An opening bracket.
    Open,
    /// A closing bracket, perhaps with a dash.
    Close,
}

/// Digits without anything between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// Bytes of the text.
    pub start: usize,
    pub end: usize,
    /// Place of the first digit in [`Run::digits`].
    first: usize,
    /// Number of digits.
    pub len: usize,
    /// How it is joined to the group before it.
    pub join: Option<Join>,
}

/// Groups that are joined to each other; the memory is used again for the next run.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub groups: Vec<Group>,
    digits: Vec<u8>,
}

impl Run {
    /// Reads the run whose first digit stands at byte `start`; the byte behind it.
    pub(super) fn read(&mut self, text: &str, start: usize) -> usize {
        self.groups.clear();
        self.digits.clear();
        let mut at = start;
        let mut join = None;
        loop {
            let end = self.read_group(text, at, join);
            match joint(text, end) {
                Some((how, behind)) => (join, at) = (Some(how), behind),
                None => return end,
            }
        }
    }

    fn read_group(&mut self, text: &str, start: usize, join: Option<Join>) -> usize {
        let first = self.digits.len();
        let mut end = start;
        let rest = text.get(start..).unwrap_or_default();
        // Digits of another width belong to another number.
        let width = rest.chars().next().map_or(0, char::len_utf8);
        for c in rest.chars().take_while(|c| c.len_utf8() == width) {
            let folded = fold(c);
            if !folded.is_ascii_digit() {
                break;
            }
            self.digits.push(folded as u8 - b'0');
            end += c.len_utf8();
        }
        self.groups.push(Group { start, end, first, len: self.digits.len() - first, join });
        end
    }

    /// The digits of the groups `from..to`.
    pub(super) fn digits(&self, from: usize, to: usize) -> &[u8] {
        let (Some(a), Some(b)) = (self.groups.get(from), to.checked_sub(1).and_then(|last| self.groups.get(last))) else { return &[] };
        self.digits.get(a.first..b.first + b.len).unwrap_or_default()
    }

    /// The number that a group writes; large ones stay at the largest value.
    pub(super) fn value(&self, group: usize) -> u32 {
        self.digits(group, group + 1).iter().fold(0, |value: u32, &digit| value.saturating_mul(10).saturating_add(u32::from(digit)))
    }

    /// The byte behind the first `n` digits of a group.
    pub(super) fn end_of(&self, group: usize, n: usize) -> Option<usize> {
        let group = self.groups.get(group).filter(|group| group.len >= n)?;
        Some(group.start + (group.end - group.start) / group.len * n)
    }

    /// Do the groups from `from` have these lengths, joined in ways that `joins` allows? What joins the first to others is not asked.
    pub(super) fn has_shape(&self, from: usize, lens: &[usize], joins: &[Join]) -> bool {
        self.groups.get(from..from + lens.len()).is_some_and(|groups| {
            groups.iter().zip(lens).all(|(group, &len)| group.len == len)
                && groups.iter().skip(1).all(|group| group.join.is_some_and(|join| joins.contains(&join)))
        })
    }

    /// Is group `i` joined to the one before it so that both may be one number?
    pub(super) fn is_tied(&self, i: usize) -> bool {
        matches!(self.groups.get(i).and_then(|group| group.join), Some(Join::Dash | Join::Dot))
    }
}

/// What joins the group that ends at `end` to digits behind it, and where those begin.
fn joint(text: &str, end: usize) -> Option<(Join, usize)> {
    let spaced = skip_spaces(text, end, 2);
    let (sign, behind) = next(text, spaced)?;
    if spaced > end && sign.is_ascii_digit() {
        return Some((Join::Space, spaced));
    }
    let join = match sign {
        '-' => Join::Dash,
        'ー' if spaced == end => Join::Dash,
        '.' if spaced == end => Join::Dot,
        '/' => Join::Slash,
        ':' => Join::Colon,
        '(' => Join::Open,
        ')' => Join::Close,
        _ => return None,
    };
    let mut at = behind;
    if join == Join::Close
        && let Some(('-', behind)) = next(text, at)
    {
        at = behind;
    }
    if join != Join::Dot {
        at = skip_spaces(text, at, 1);
    }
    let (c, _) = next(text, at)?;
    c.is_ascii_digit().then_some((join, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(usize, Option<Join>)>, usize) {
        let mut run = Run::default();
        let end = run.read(text, 0);
        (run.groups.iter().map(|group| (group.len, group.join)).collect(), end)
    }

    #[test]
    fn groups_are_read_in_every_notation() {
        use Join::{Close, Dash, Dot, Open, Space};
        assert_eq!(read("０３－1234ー5678です"), (vec![(2, None), (4, Some(Dash)), (4, Some(Dash))], "０３－1234ー5678".len()));
        assert_eq!(read("03(1234) 5678").0, [(2, None), (4, Some(Open)), (4, Some(Close))]);
        assert_eq!(read("03（1234）-5678").0, [(2, None), (4, Some(Open)), (4, Some(Close))]);
        assert_eq!(read("090　1234 - 5678").0, [(3, None), (4, Some(Space)), (4, Some(Dash))]);
        assert_eq!(read("1.2.3.").0, [(1, None), (1, Some(Dot)), (1, Some(Dot))]);
        assert_eq!(read("12ーあ").1, 2);
        assert_eq!(read("1   2").1, 1);
    }

    #[test]
    fn digits_of_groups_follow_each_other() {
        let mut run = Run::default();
        run.read("12-345-6", 0);
        assert_eq!(
            (run.digits(1, 3), run.digits(0, 1), run.digits(2, 2), run.digits(7, 9)),
            (&[3, 4, 5, 6][..], &[1, 2][..], &[][..], &[][..])
        );
        assert_eq!(run.value(1), 345);
        assert!(run.has_shape(1, &[3, 1], &[Join::Dash]) && !run.has_shape(1, &[3, 1], &[Join::Space]) && !run.has_shape(2, &[1, 1], &[]));
    }
}
