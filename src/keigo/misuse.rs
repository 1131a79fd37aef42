//! Misuse: forms that break 敬語の指針 (errors), and forms that people argue about (variations).
//!
//! A row of `misuse.tsv` begins at an honorific form that the rules found (`span:RULE`) or at a morpheme, and has a condition
//! that says whether the sentence makes it a misuse. Words stand in `misuse_words.tsv`.

use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::keigo::alphabet::{Class, Symbol};
use crate::keigo::beginnings::Beginnings;
use crate::keigo::items::Items;
use crate::keigo::misuse_conditions::{MISUSE_CONDITIONS, MisuseCondition, Verdict};
use crate::keigo::misuse_place::Place;
use crate::keigo::rules::{Rule, RuleSet, Step};
use crate::keigo::scene::prefixed;
use crate::keigo::table::{Checked, Table, named};

/// What is wrong, in the order of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it; dicts/keigo/README.md explains them")]
pub enum MisuseType {
    Baito,
    Direction,
    DoubleSonkei,
    DoubleTitle,
    ExcessHumble,
    GoSareru,
    InvalidForm,
    ODekiru,
    SaInsertion,
    SelfSonkei,
    ThingHonorific,
    UchiSoto,
}

impl MisuseType {
    /// Every type with its name, sorted by name.
    pub const ALL: &[(&'static str, Self)] = &[
        ("baito", Self::Baito),
        ("direction", Self::Direction),
        ("double_sonkei", Self::DoubleSonkei),
        ("double_title", Self::DoubleTitle),
        ("excess_humble", Self::ExcessHumble),
        ("go_sareru", Self::GoSareru),
        ("invalid_form", Self::InvalidForm),
        ("o_dekiru", Self::ODekiru),
        ("sa_insertion", Self::SaInsertion),
        ("self_sonkei", Self::SelfSonkei),
        ("thing_honorific", Self::ThingHonorific),
        ("uchi_soto", Self::UchiSoto),
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// How grave a misuse is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The guidelines call it wrong.
    Error,
    /// Disputed, or a habit of shops.
    Variation,
}

impl Severity {
    /// Every severity with its name in files.
    pub const ALL: &[(&'static str, Self)] = &[("error", Self::Error), ("variation", Self::Variation)];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// A misuse in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misuse {
    /// Byte start in the document.
    pub start: u32,
    /// Byte end in the document.
    pub end: u32,
    /// What is wrong.
    pub what: MisuseType,
    /// How grave it is.
    pub severity: Severity,
    /// The rule that found it, `MIS.type` or `MIS.type.kind`.
    pub rule: &'static str,
    /// Its morphemes, and before them the word that makes it misuse: `母が…おっしゃっ`, `帰ら+させ`.
    pub evidence: String,
}

/// The table of misuses.
pub(super) const MISUSE: Table<4> = Table {
    file: "misuse.tsv",
    columns: ["rule", "severity", "pattern", "condition"],
    unique: 3,
    text: include_str!("../../dicts/keigo/misuse.tsv"),
};

/// A row.
#[derive(Debug)]
struct MisuseRule {
    id: &'static str,
    what: MisuseType,
    severity: Severity,
    /// It begins with a span, which the steps follow.
    spanned: bool,
    /// The steps; those in parentheses at either end do not belong to the misuse.
    steps: Vec<Step>,
    lead: usize,
    tail: usize,
    when: MisuseCondition,
}

/// The rows of the table.
#[derive(Debug)]
pub(super) struct MisuseRules {
    rules: Vec<MisuseRule>,
    /// Rows that begin with a span of this rule.
    by_span: FxHashMap<&'static str, RuleSet>,
}

/// The rows bound to a dictionary and to the rules of honorific forms.
#[derive(Debug)]
pub(super) struct Suspects {
    /// Where those begin that begin at a morpheme.
    pub(super) beginnings: Beginnings,
    /// Those that begin with a span, by the number of its rule.
    by_rule: Vec<RuleSet>,
}

impl Suspects {
    /// May a misuse begin with a span of this rule?
    pub(super) fn begins(&self, rule: usize) -> bool {
        self.by_rule.get(rule).is_some_and(|set| *set != 0)
    }
}

/// A sentence whose spans have been found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspect<'a> {
    /// The document.
    pub(super) text: &'a str,
    /// The sentence.
    pub(super) items: Items<'a>,
    /// Its spans: number of the rule, first item, item after the last.
    pub(super) spans: &'a [(usize, usize, usize)],
    /// It is 敬体.
    pub(super) polite: bool,
}

impl MisuseRules {
    /// Reads the table.
    pub(super) fn read() -> Result<Self> {
        let mut all = Self { rules: Vec::new(), by_span: FxHashMap::default() };
        MISUSE.each(|cells| all.add(cells))?;
        Ok(all)
    }

    fn add(&mut self, [id, severity, pattern, condition]: [&'static str; 4]) -> Checked<()> {
        let number = self.rules.len() as u32;
        if number == RuleSet::BITS {
            return Err(format!("there are more than {number} rows"));
        }
        let mut names = id.split('.');
        let what = match (names.next(), names.next()) {
            (Some("MIS"), Some(what)) => named(MisuseType::ALL, "type of misuse", what)?,
            _ => return Err(format!("{id:?} is not MIS.type")),
        };
        let (spans, steps) = match pattern.strip_prefix("span:") {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", pattern),
        };
        for rule in spans.split_terminator('|') {
            *self.by_span.entry(rule).or_default() |= 1 << number;
        }
        let (lead, steps) = match steps.strip_prefix('(').filter(|_| spans.is_empty()) {
            Some(rest) => rest.split_once(") ").ok_or("a parenthesis is not closed before the last step")?,
            None => ("", steps),
        };
        let (body, tail) = match steps.split_once('(') {
            Some((body, tail)) => (body.trim_end(), tail.strip_suffix(')').ok_or("a parenthesis is not closed at the end")?),
            None => (steps, ""),
        };
        let mut read = Vec::new();
        for step in [lead, body, tail].into_iter().flat_map(str::split_whitespace) {
            read.push(Step::read(step)?);
        }
        let count = |part: &str| part.split_whitespace().count();
        self.rules.push(MisuseRule {
            id,
            what,
            severity: named(Severity::ALL, "severity", severity)?,
            spanned: !spans.is_empty(),
            steps: read,
            lead: count(lead),
            tail: count(tail),
            when: named(MISUSE_CONDITIONS, "condition", condition)?,
        });
        Ok(())
    }

    /// Binds the rows to the symbols of a dictionary and to the rules that find spans.
    pub(super) fn bind(&self, symbols: &[Symbol], rules: &[Rule]) -> Suspects {
        let patterns: Vec<&[Step]> = self.rules.iter().map(|rule| if rule.spanned { &[] } else { rule.steps.as_slice() }).collect();
        let by_rule = rules.iter().map(|rule| self.by_span.get(rule.id).copied().unwrap_or(0)).collect();
        Suspects { beginnings: Beginnings::new(&patterns, symbols), by_rule }
    }

    /// Appends the misuses of a sentence to `found`, in order of their starts.
    pub(super) fn find(&self, suspect: Suspect<'_>, suspects: &Suspects, found: &mut Vec<Misuse>) {
        let first = found.len();
        for i in 0..suspect.items.len() {
            self.judge(suspects.beginnings.at(suspect.items.symbols, i), suspect, i, i, found);
        }
        for &(rule, from, to) in suspect.spans {
            self.judge(suspects.by_rule.get(rule).copied().unwrap_or(0), suspect, from, to, found);
        }
        found[first..].sort_by_key(|misuse| (misuse.start, misuse.end, misuse.what));
        // One place is misused once in the same way.
        let mut kept = first;
        for i in first..found.len() {
            let twice = found[first..kept].iter().rev().take(4).any(|other| other.what == found[i].what && other.end > found[i].start);
            if !twice {
                found.swap(kept, i);
                kept += 1;
            }
        }
        found.truncate(kept);
    }

    /// Tries the rows of `set` at item `from`; the span that begins there ends before `to` (`from` if there is none).
    fn judge(&self, mut set: RuleSet, suspect: Suspect<'_>, from: usize, to: usize, found: &mut Vec<Misuse>) {
        while set != 0 {
            let rule = &self.rules[set.trailing_zeros() as usize];
            set &= set - 1;
            let Some(range) = rule.matches(suspect.items, from, to) else { continue };
            let Suspect { text, items, polite, .. } = suspect;
            let place = Place { text, items, from: range.0, to: range.1, prefixed: prefixed(items, range.0), polite };
            match (rule.when)(&place) {
                Verdict::Clean => {}
                Verdict::Misuse => found.push(rule.misuse(&place, None)),
                Verdict::Because(cue) => found.push(rule.misuse(&place, Some(cue))),
            }
        }
    }
}

impl MisuseRule {
    /// The items of the misuse if the row fits at `from`; `to` is the item after the span that begins there.
    fn matches(&self, items: Items<'_>, from: usize, to: usize) -> Option<(usize, usize)> {
        let mut at = if self.spanned { to } else { from };
        let (mut begin, mut end) = (from, at);
        for (i, step) in self.steps.iter().enumerate() {
            let symbol = items.get(at);
            at = match *step {
                Step::Prefixed(flags) => prefixed(items, at).filter(|word| flags.is_none() || word.flags.any(flags))?.end,
                Step::PrefixedOf(lemmas) => prefixed(items, at).filter(|word| lemmas.contains(word.lemma))?.end,
                Step::May(_) => at + usize::from(symbol.is_some_and(|symbol| step.fits(symbol))),
                step => symbol.filter(|symbol| step.fits(*symbol)).map(|_| at + 1)?,
            };
            if i + 1 == self.lead {
                begin = at;
            }
            if i < self.steps.len() - self.tail {
                end = at;
            }
        }
        (begin < end && at <= items.len()).then_some((begin, end))
    }

    fn misuse(&self, place: &Place<'_>, cue: Option<usize>) -> Misuse {
        let parts: Vec<&str> = (place.from..place.to).map(|i| place.surface(i, i + 1)).collect();
        let word = cue.map_or(String::new(), |head| {
            let from = (head.saturating_sub(3)..=head)
                .rev()
                .take_while(|i| place.symbol(*i).is_nominal() || place.symbol(*i).class == Class::Prefix)
                .last();
            let from = from.unwrap_or(head);
            format!("{}…", place.surface(from, head + 2))
        });
        let evidence = word + &parts.join("+");
        let (start, end) = place.items.bytes(place.from, place.to);
        Misuse { start, end, what: self.what, severity: self.severity, rule: self.id, evidence }
    }
}
