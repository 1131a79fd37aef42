//! Decontamination: finds the items of evaluation sets in documents.
//!
//! Both are compared by their [views](super::view), so that width, punctuation, white space and line ends do not count. What is looked for of an
//! item are its *probes*: each of its questions, and where all are short, all of them together and with what stands beside them (choices, a context).
//!
//! * A probe of [`LONG_FROM`] code points or more is found where [`SHARE`] of them stand, in runs of five or more, in a stretch of one and a half
//!   times its length ([`Coverage`]), and with them some of its thirteen-grams (one in [`SEED_SHARE`], of those that tell it from other items).
//!   So a document is hit that holds four fifths of an item's thirteen-grams near each other; and one where every twentieth character was changed,
//!   too. Of what is not there of its beginning and of its end, half of the characters must be there in their order: a name that makes up most of a
//!   question is not the question. Of a question with something beside it, the same share of the question itself must be there: a context
//!   alone is no item.
//! * A probe of [`SHORT_FROM`] code points or more is found where all of it stands between two breaks: ends of lines or sentences, brackets,
//!   quotes, blanks. In the middle of a sentence a few words say nothing.
//! * Shorter ones, and those of few different code points, are not looked for.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::dedup::breaks;
use crate::dedup::coverage::{Coverage, Covered, RUN};
use crate::dedup::seeds::{self, LONG, Seeds, Strike};
use crate::dedup::view::{self, Placed};

/// Raise it when the same items and texts give other findings.
pub const VERSION: u32 = 1;

/// Code points of the shortest probe that may stand anywhere and be edited.
pub const LONG_FROM: usize = 30;
/// Code points of the shortest probe.
pub const SHORT_FROM: usize = 8;
/// Code points of the shortest one that is made of a shorter question and what stands beside it.
const JOINED_FROM: usize = 12;
/// Code points of the longest; what follows them is not looked for.
pub const LONG_MAX: usize = 1 << 14;
/// The share of a probe that must stand in a stretch, as a fraction.
pub const SHARE: (u32, u32) = (4, 5);
/// One in so many telling thirteen-grams must be there.
pub const SEED_SHARE: u32 = 6;
/// A thirteen-gram that more probes have tells none of them.
pub const TELLING_MAX: usize = 32;
/// Different code points of a probe, and different thirteen-grams of a long one, at least.
const DIFFERENT: usize = 5;

/// Bytes of a document that are looked at together, and bytes that two such blocks have in common. Small in tests, so that they are met.
const BLOCK: usize = if cfg!(test) { 1 << 10 } else { 4 << 20 };
const OVERLAP: usize = if cfg!(test) { 1 << 9 } else { 256 << 10 };

/// The texts of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// Each of them is looked for by itself.
    pub questions: Vec<String>,
    /// What stands beside them, looked for with a short question only: each entry is one text.
    pub beside: Vec<String>,
}

/// What became of an item that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is looked for.
    Loaded,
    /// An item before it has the same probes: that one is named.
    Repeated,
    /// There are less than two letters or digits in its questions.
    Empty,
    /// It is too short, or has too few different characters, to be told from other text.
    Short,
}

/// An item that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Its number, in the order in which items were added.
    pub item: u32,
    /// The share of the probe that stands there.
    pub share: f32,
    /// First byte of the place, and the byte behind it.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
}

/// Where a text is cut if what was found in it leaves it: starts and ends in turn, in bytes, disjoint; the ends of sentences that follow go
/// with it. `found` is by place.
pub fn cuts(text: &str, found: &[Found]) -> Vec<u32> {
    let mut cuts: Vec<u32> = Vec::with_capacity(2 * found.len());
    for found in found {
        let behind = text.get(found.end..).unwrap_or_default();
        let rest = behind.trim_start_matches(['。', '．', '｡', '.', '?', '？', '!', '！']);
        let (start, end) = (found.start as u32, (found.end + behind.len() - rest.len()) as u32);
        match cuts.last_mut() {
            Some(last) if start <= *last => *last = end.max(*last),
            _ => cuts.extend([start, end]),
        }
    }
    cuts
}

/// Something to look for.
#[derive(Debug)]
struct Probe {
    item: u32,
    view: Box<[u32]>,
    /// The part that must be there by itself; empty where nothing stands beside the question.
    question: Range<u32>,
    /// Thirteen-grams that must be there; none for short probes.
    seeds: u32,
    /// Runs that it is looked for by.
    grams: u32,
}

/// Takes items.
#[derive(Debug, Default)]
pub struct Builder {
    probes: Vec<Probe>,
    known: FxHashSet<(Box<[u32]>, u32)>,
    items: u32,
}

impl Builder {
    /// Takes the next item.
    pub fn add(&mut self, texts: &Texts) -> Added {
        let item = self.items;
        self.items += 1;
        let views: Vec<Vec<u32>> = texts.questions.iter().map(|text| folded(text)).collect();
        if views.iter().all(|view| view.len() < 2) {
            return Added::Empty;
        }
        let mut of_item: Vec<(Vec<u32>, u32)> = Vec::new();
        if views.iter().all(|view| view.len() < LONG_FROM) {
            let questions = texts.questions.join("\n");
            let question = folded(&questions);
            let mut beside: Vec<&[String]> = vec![];
            if question.len() >= 2 {
                // A context by itself, and all together: choices stand one behind the other.
                let is_context = |text: &&[String]| folded(&text.concat()).len() >= LONG_FROM;
                beside.extend(texts.beside.chunks(1).filter(|text| texts.beside.len() > 1 && is_context(text)));
                beside.extend(texts.beside.iter().any(|text| !text.trim().is_empty()).then_some(&texts.beside[..]));
            }
            let joined = beside.iter().map(|beside| (folded(&format!("{questions}\n{}", beside.join("\n"))), question.len() as u32));
            let alone = (views.len() > 1).then(|| (question.clone(), 0));
            // A question that is too short by itself may stand between breaks with its choices.
            let is_alone = views.iter().any(|view| tells(view));
            let joined = alone.into_iter().chain(joined);
            of_item.extend(joined.filter(|(view, _)| view.len() >= LONG_FROM || !is_alone && view.len() >= JOINED_FROM));
        }
        of_item.extend(views.into_iter().map(|view| (view, 0)));
        of_item.retain(|(view, _)| tells(view));
        if of_item.is_empty() {
            return Added::Short;
        }
        let before = self.probes.len();
        for (view, question) in of_item {
            let probe = (view.into_boxed_slice(), question);
            if self.known.insert(probe.clone()) {
                self.probes.push(Probe { item, view: probe.0, question: 0..question, seeds: 0, grams: 1 });
            }
        }
        if self.probes.len() > before { Added::Loaded } else { Added::Repeated }
    }

    /// Everything that was added, ready to be looked for.
    pub fn finish(self) -> Probes {
        let Self { mut probes, .. } = self;
        let mut shared: FxHashMap<u64, u32> = FxHashMap::default();
        for probe in probes.iter().filter(|probe| probe.is_long()) {
            probe.runs().into_iter().for_each(|hash| *shared.entry(hash).or_default() += 1);
        }
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for (number, probe) in (0..).zip(&mut probes) {
            if !probe.is_long() {
                short.extend(probe.view.first_chunk().map(|run| (seeds::short(run), number)));
                continue;
            }
            let grams = probe.runs();
            let telling = grams.iter().copied().filter(|hash| shared[hash] as usize <= TELLING_MAX);
            let before = long.len();
            long.extend(telling.map(|hash| (hash, number)));
            if long.len() == before {
                long.extend(grams.iter().min_by_key(|hash| (shared[hash], **hash)).map(|hash| (*hash, number)));
            }
            probe.grams = (long.len() - before) as u32;
            probe.seeds = (probe.grams / SEED_SHARE).max(1);
        }
        Probes { all: probes, short: Seeds::new(short), long: Seeds::new(long) }
    }
}

/// The view of a text, as far as it is looked for.
fn folded(text: &str) -> Vec<u32> {
    let mut view = Vec::new();
    view::fold(text, &mut view);
    view.truncate(LONG_MAX);
    view
}

/// Can a probe be told from other text?
fn tells(view: &[u32]) -> bool {
    let codes: FxHashSet<u32> = view.iter().copied().collect();
    let digits = view.iter().filter(|code| (u32::from('0')..=u32::from('9')).contains(code)).count();
    view.len() >= SHORT_FROM
        && codes.len() >= DIFFERENT
        && digits * 2 <= view.len()
        && (view.len() < LONG_FROM || different(view).len() >= DIFFERENT)
}

/// Hashes of the different thirteen-grams of a probe, sorted.
fn different(view: &[u32]) -> Vec<u64> {
    let mut hashes: Vec<u64> = view.array_windows::<LONG>().map(seeds::long).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

impl Probe {
    fn is_long(&self) -> bool {
        self.view.len() >= LONG_FROM
    }

    /// Hashes of the runs that it is looked for by: those of what stands beside a question are many, and one in four of them does.
    fn runs(&self) -> Vec<u64> {
        let asked = self.question.end as usize;
        let of_question = &self.view[..(asked + LONG - 1).min(self.view.len())];
        if asked == 0 {
            return different(&self.view);
        }
        let mut runs = different(of_question);
        runs.extend(different(&self.view).into_iter().filter(|hash| (hash >> 32).is_multiple_of(4)));
        runs.sort_unstable();
        runs.dedup();
        runs
    }

    /// Code points of the stretch in which a long probe must stand.
    fn width(&self) -> usize {
        self.view.len() + self.view.len() / 2
    }

    /// Is enough of it there?
    fn is_there(&self, covered: Covered) -> bool {
        covered.all * SHARE.1 >= self.view.len() as u32 * SHARE.0 && covered.part * SHARE.1 >= self.question.end * SHARE.0
    }

    /// Are its beginning and its end there? `span` is where what is covered of it stands in a view.
    fn has_ends(&self, view: &[u32], span: &Range<usize>, (head, tail): (usize, usize)) -> bool {
        // What stands beside a question may stand before it.
        if self.question.end > 0 {
            return true;
        }
        let before = view.get(span.start.saturating_sub(head + ENDS_SLACK)..span.start).unwrap_or_default();
        let behind = view.get(span.end..(span.end + tail + ENDS_SLACK).min(view.len())).unwrap_or_default();
        let is_there = |end: &[u32], stretch: &[u32]| end.len() <= 1 || in_order(end, stretch) * 2 >= end.len();
        is_there(&self.view[..head], before) && is_there(&self.view[self.view.len() - tail..], behind)
    }
}

/// Code points that may stand between a probe and its ends.
const ENDS_SLACK: usize = 2;

/// How many code points of `a` stand in `b` in the same order: the length of their longest common subsequence.
fn in_order(a: &[u32], b: &[u32]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for code in a {
        let mut diagonal = 0;
        for (at, other) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if code == other { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

/// What is looked for.
#[derive(Debug, Default)]
pub struct Probes {
    all: Vec<Probe>,
    short: Seeds,
    long: Seeds,
}

impl Probes {
    /// Probes of all items.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Is there nothing to look for?
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Runs of code points that are looked for in every document.
    pub fn grams(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// For each item that is looked for, how many of them are its own.
    pub fn grams_of_items(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.all.iter().map(|probe| (probe.item, probe.grams))
    }

    /// Bytes of memory, without what a thread needs.
    pub fn bytes(&self) -> usize {
        let of_probes: usize = self.all.iter().map(|probe| size_of::<Probe>() + 4 * probe.view.len()).sum();
        of_probes + self.short.bytes() + self.long.bytes()
    }

    /// Looks for them; one for each thread.
    pub fn finder(&self) -> Finder<'_> {
        Finder { probes: self, view: Vec::new(), strikes: Vec::new(), placed: Placed::default(), coverage: Coverage::default() }
    }
}

/// Looks for items in documents; its buffers are used again for each.
#[derive(Debug)]
pub struct Finder<'p> {
    probes: &'p Probes,
    view: Vec<u32>,
    strikes: Vec<Strike>,
    placed: Placed,
    coverage: Coverage,
}

impl Finder<'_> {
    /// The items that stand in `text`, by place; an item that stands in several places several times.
    pub fn find(&mut self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for block in blocks(text) {
            let Some(of_block) = text.get(block.clone()) else { continue };
            view::fold(of_block, &mut self.view);
            self.strikes.clear();
            seeds::strikes(&self.view, &self.probes.short, &self.probes.long, &mut self.strikes);
            if !self.strikes.is_empty() {
                self.find_in(of_block, &block, text, &mut found);
            }
        }
        if self.view.capacity() > view::BUFFER_KEPT {
            self.view = Vec::new();
        }
        merged(found)
    }

    /// Those of a block whose strikes are known.
    fn find_in(&mut self, of_block: &str, block: &Range<usize>, text: &str, found: &mut Vec<Found>) {
        let probes = self.probes;
        self.strikes.sort_unstable();
        let mut is_placed = false;
        for strikes in self.strikes.chunk_by(|a, b| a.probe == b.probe) {
            let Some(probe) = strikes.first().and_then(|strike| probes.all.get(strike.probe as usize)) else { continue };
            let mut spans = Vec::new();
            if probe.is_long() {
                stretches(probe, &self.view, strikes, &mut self.coverage, &mut spans);
            } else {
                let whole = strikes.iter().map(|strike| strike.at as usize..strike.at as usize + probe.view.len());
                spans.extend(whole.filter(|span| self.view.get(span.clone()) == Some(&probe.view)).map(|span| (span, 1.0)));
            }
            if spans.is_empty() {
                continue;
            }
            if !std::mem::replace(&mut is_placed, true) {
                view::fold_placed(of_block, &mut self.placed);
            }
            for (span, share) in spans {
                let (Some(start), Some(end)) = (self.placed.starts.get(span.start), self.placed.ends.get(span.end - 1)) else { continue };
                let (start, end) = (block.start + *start as usize, block.start + *end as usize);
                if probe.is_long() || breaks::around(text, start..end) {
                    found.push(Found { item: probe.item, share, start, end });
                }
            }
        }
        if self.placed.view.capacity() > view::BUFFER_KEPT {
            self.placed = Placed::default();
        }
    }
}

/// The places of a long probe in a view, one behind the other, each with the share that stands there. `strikes` are its seeds, by place.
fn stretches(probe: &Probe, view: &[u32], strikes: &[Strike], coverage: &mut Coverage, out: &mut Vec<(Range<usize>, f32)>) {
    let (width, seeds) = (probe.width(), probe.seeds as usize);
    // The last code points of stretches that hold some strikes in a row.
    let ends_of = |first: usize| {
        let (first, last) = (strikes.get(first)?.at as usize, strikes.get(first + seeds - 1)?.at as usize);
        let ends = last + LONG..(first + width).min(view.len()) + 1;
        (ends.start < ends.end).then_some(ends)
    };
    let (mut first, mut from, mut has_begun) = (0, 0, false);
    while first + seeds <= strikes.len() {
        let Some(mut ends) = ends_of(first).filter(|_| strikes[first].at as usize >= from) else {
            first += 1;
            continue;
        };
        first += 1;
        // Not all of a document that repeats the item: it would be gone through again behind each place.
        while let Some(more) = ends_of(first).filter(|more| more.start <= ends.end && ends.len() < 4 * width) {
            ends.end = ends.end.max(more.end);
            first += 1;
        }
        if !std::mem::replace(&mut has_begun, true) {
            coverage.begin(&probe.view, probe.question.clone());
        }
        if let Some(Best { stretch, covered, first_end, .. }) = best(probe, view, from, &ends, coverage) {
            let (span, bare) = trimmed(view, stretch, coverage);
            let has_ends = probe.has_ends(view, &span, bare);
            // Stretches that end in the next width have been looked at; others begin behind the first of them.
            from = if has_ends { span.end } else { first_end };
            first = strikes.partition_point(|strike| (strike.at as usize) < from);
            if has_ends {
                out.push((span, covered.all as f32 / probe.view.len() as f32));
            }
        }
    }
}

/// A stretch that holds enough of a probe.
struct Best {
    stretch: Range<usize>,
    covered: Covered,
    has_ends: bool,
    /// Where the first such stretch ends.
    first_end: usize,
}

/// The first stretch of a probe's width, or from `from` on, that holds enough of it and ends in `ends`; or the best of those that end less than a
/// width behind it: one with both ends, if there is one, then one that holds most. The coverage is empty before and after.
fn best(probe: &Probe, view: &[u32], from: usize, ends: &Range<usize>, coverage: &mut Coverage) -> Option<Best> {
    let width = probe.width();
    let begins = |end: usize| end.saturating_sub(width).max(from);
    let number = |coverage: &Coverage, at: usize| view.get(at..).and_then(<[u32]>::first_chunk).and_then(|run| coverage.number(run));
    let mut found: Option<Best> = None;
    // Five-grams that begin in these places are in the stretch.
    let mut inside = begins(ends.start)..begins(ends.start);
    let mut until = ends.end;
    let mut end = ends.start;
    while end < until {
        while inside.end + RUN <= end {
            if let Some(number) = number(coverage, inside.end) {
                coverage.enter(number);
            }
            inside.end += 1;
        }
        while inside.start < begins(end).min(inside.end) {
            if let Some(number) = number(coverage, inside.start) {
                coverage.leave(number);
            }
            inside.start += 1;
        }
        let covered = coverage.covered();
        if probe.is_there(covered) {
            let has_ends = probe.question.end > 0 || coverage.has_ends();
            let first_end = found.as_ref().map_or(end, |found| found.first_end);
            until = until.min(first_end + width);
            if found.as_ref().is_none_or(|before| (has_ends, covered.all) > (before.has_ends, before.covered.all)) {
                found = Some(Best { stretch: inside.start..end, covered, has_ends, first_end });
            }
        }
        end += 1;
    }
    for at in inside {
        if let Some(number) = number(coverage, at) {
            coverage.leave(number);
        }
    }
    found
}

/// A stretch without what covers nothing at its ends, and what it leaves bare of the probe's. The coverage is empty before and after.
fn trimmed(view: &[u32], stretch: Range<usize>, coverage: &mut Coverage) -> (Range<usize>, (usize, usize)) {
    let numbers: Vec<Option<u32>> = view[stretch.clone()].array_windows().map(|run| coverage.number(run)).collect();
    numbers.iter().flatten().for_each(|&number| coverage.enter(number));
    let whole = coverage.covered();
    let (mut first, mut last) = (0, numbers.len());
    let is_needed = |number: &Option<u32>, coverage: &mut Coverage| {
        let Some(number) = *number else { return false };
        coverage.leave(number);
        let is_needed = coverage.covered() != whole;
        if is_needed {
            coverage.enter(number);
        }
        is_needed
    };
    while first < last && !is_needed(&numbers[first], coverage) {
        first += 1;
    }
    while first < last && !is_needed(&numbers[last - 1], coverage) {
        last -= 1;
    }
    let bare = coverage.bare_ends();
    numbers[first..last].iter().flatten().for_each(|&number| coverage.leave(number));
    (stretch.start + first..stretch.start + last + RUN - 1, bare)
}

/// The findings by place; those of one item that touch each other are one.
fn merged(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by_key(|found| (found.item, found.start, found.end));
    let mut merged: Vec<Found> = Vec::with_capacity(found.len());
    for found in found {
        match merged.last_mut() {
            Some(last) if last.item == found.item && last.end > found.start => {
                (last.end, last.share) = (last.end.max(found.end), last.share.max(found.share));
            }
            _ => merged.push(found),
        }
    }
    merged.sort_unstable_by_key(|found| (found.start, found.item));
    merged
}

/// The blocks of a text, cut behind ends of lines where there are any, with what they have in common.
fn blocks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let mut end = text.floor_char_boundary(start + BLOCK);
        next = None;
        if end < text.len() {
            if let Some(line) = text.get(start + BLOCK / 2..end).and_then(|half| half.rfind('\n')) {
                end = start + BLOCK / 2 + line + 1;
            }
            next = Some(text.floor_char_boundary(end - OVERLAP));
        }
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dedup::without::without;

    fn texts(questions: &[&str], beside: &[&str]) -> Texts {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Texts { questions: owned(questions), beside: owned(beside) }
    }

    fn probes(items: &[Texts]) -> Probes {
        let mut builder = Builder::default();
        for item in items {
            builder.add(item);
        }
        builder.finish()
    }

    fn found<'t>(items: &[Texts], text: &'t str) -> Vec<(u32, &'t str, f32)> {
        let probes = probes(items);
        let all = probes.finder().find(text);
        all.into_iter().map(|found| (found.item, text.get(found.start..found.end).unwrap(), found.share)).collect()
    }

    const LONG_ITEM: &str = "海抜の低い土地で育つ稲と、山あいの棚田で育つ稲とでは、どちらの収量が多いと考えられますか。理由も述べなさい。";
    const SHORT_ITEM: &str = "棚田で米を作る理由は何ですか？";
    const AROUND: &str = "秋になると村では祭りがあり、太鼓の音が谷に響く。";

    #[test]
    fn an_item_is_found_whatever_the_view_drops() {
        let wide: String = LONG_ITEM.replace('、', "，").replace('。', "．");
        let split: String = LONG_ITEM.chars().enumerate().flat_map(|(i, c)| [(i % 9 == 8).then_some('\n'), Some(c)]).flatten().collect();
        let spaced: String = LONG_ITEM.chars().flat_map(|c| [c, ' ']).collect();
        for written in [LONG_ITEM.to_owned(), wide, split, spaced] {
            let text = format!("{AROUND}{written}{AROUND}");
            let all = found(&[texts(&[SHORT_ITEM], &[]), texts(&[LONG_ITEM], &[])], &text);
            let [(1, place, 1.0)] = all[..] else { panic!("{all:?}") };
            assert!(place.starts_with('海') && place.trim_end().ends_with(['い', '。', '．']), "{place}");
        }
    }

    #[test]
    fn places_are_those_of_the_text_as_it_is() {
        let all = [AROUND, "問：", SHORT_ITEM, "\n", "ＡＢＣ", LONG_ITEM, AROUND].concat();
        let found = found(&[texts(&[LONG_ITEM], &[]), texts(&[SHORT_ITEM], &[])], &all);
        let bare = |text: &'static str| text.trim_end_matches(['。', '？']);
        assert_eq!(found, [(1, bare(SHORT_ITEM), 1.0), (0, bare(LONG_ITEM), 1.0)]);
    }

    #[test]
    fn a_short_item_stands_alone_or_is_not_meant() {
        let items = [texts(&[SHORT_ITEM], &[])];
        let hit = |text: &str| !found(&items, text).is_empty();
        for text in [
            SHORT_ITEM.to_owned(),
            format!("{AROUND}\n{SHORT_ITEM}\n{AROUND}"),
            format!("{AROUND}{SHORT_ITEM}{AROUND}"),
            "「棚田で、米を作る理由は何ですか」".to_owned(),
            "棚田で\n米を作る\n理由は何ですか".to_owned(),
        ] {
            assert!(hit(&text), "{text}");
        }
        for text in ["その棚田で米を作る理由は何ですか？", "棚田で米を作る理由は何ですかと聞いた。", "棚田で米を作る理由は何？", ""]
        {
            assert!(!hit(text), "{text}");
        }
    }

    #[test]
    fn edits_are_borne_and_half_of_an_item_is_not_enough() {
        let items = [texts(&[LONG_ITEM], &[])];
        let edited: String = LONG_ITEM.chars().enumerate().map(|(i, c)| if i % 20 == 7 { '変' } else { c }).collect();
        let text = format!("{AROUND}{edited}{AROUND}");
        let all = found(&items, &text);
        assert!(matches!(all[..], [(0, _, share)] if (0.8..1.0).contains(&share)), "{all:?}");
        let half: String = LONG_ITEM.chars().take(LONG_ITEM.chars().count() / 2).collect();
        assert_eq!(found(&items, &format!("{AROUND}{half}{AROUND}")), []);
        // All of it, but here and there.
        let scattered: String = LONG_ITEM.split('、').flat_map(|part| [part.to_owned(), AROUND.repeat(20)]).collect();
        assert_eq!(found(&items, &scattered), []);
        let near: String = LONG_ITEM.split('、').rev().collect::<Vec<_>>().join("\n");
        assert_eq!(found(&items, &near).len(), 1, "in another order");
    }

    #[test]
    fn a_name_is_not_the_question_about_it() {
        let name = "海抜の低い土地で育つ稲および山あいの棚田で育つ稲の保護に関する法律の一部を改正する法律";
        let items = [texts(&[&format!("{name}が公布されたのは何年か。")], &[])];
        let hit = |text: &str| !found(&items, text).is_empty();
        assert!(!hit(&format!("{name}の施行の日から起算して")) && !hit(name), "four fifths of it");
        assert!(hit(&format!("{AROUND}{name}が公布されたのは何年か。{AROUND}")));
        assert!(hit(&format!("{AROUND}{name}が公布きれたのは何午か。{AROUND}")), "the end is edited");
        assert!(hit(&format!("{name}の施行。{name}が公布されたのは何年か。")), "behind a place that is none");
    }

    #[test]
    fn a_context_alone_is_no_item() {
        let context = "棚田は、山の斜面を階段のように切りひらいた水田であり、雨水をためて土砂が流れるのを防ぐはたらきもある。";
        let items = [
            texts(&["棚田とは何？"], &[context]),
            texts(&["棚田のはたらきは？"], &["土が流れるのを防ぐ", "海の水で塩を作る", "川で魚をとる", "森に鳥を呼ぶ"]),
        ];
        assert_eq!(found(&items, &format!("{AROUND}{context}{AROUND}")), []);
        let text = format!("{AROUND}{context}では棚田とは何？{AROUND}");
        assert!(matches!(found(&items, &text)[..], [(0, _, _)]), "the question stands behind it");
        let text = "さて棚田のはたらきは？土が流れるのを防ぐ。海の水で塩を作る。川で魚をとる。森に鳥を呼ぶ。";
        assert!(matches!(found(&items, text)[..], [(1, _, _)]), "in the middle of a sentence, with its choices");
        assert_eq!(found(&items, "土が流れるのを防ぐ。海の水で塩を作る。川で魚をとる。森に鳥を呼ぶ。"), []);
        let short = [texts(&["主食は？"], &["米", "酒", "塩と砂糖", "味噌汁"])];
        assert_eq!(found(&short, "主食は？ 米 酒 塩と砂糖 味噌汁").len(), 1);
        assert_eq!(found(&short, "主食は米、酒、塩と砂糖、味噌汁である。"), []);
    }

    #[test]
    fn what_says_too_little_is_not_looked_for() {
        let mut builder = Builder::default();
        for (questions, added) in [
            (&["", "？"][..], Added::Empty),
            (&["あ"], Added::Empty),
            (&["米とは何か"], Added::Short),
            (&["ははははははははは"], Added::Short),
            (&["ははははははははははははははははははははははははははははははははは"], Added::Short),
            (&["2010年10月25日"], Added::Short),
            (&[SHORT_ITEM], Added::Loaded),
            (&["「棚田で，米を作る理由は何ですか」"], Added::Repeated),
            (&["米とは", LONG_ITEM], Added::Loaded),
        ] {
            assert_eq!(builder.add(&texts(questions, &[])), added, "{questions:?}");
        }
        let probes = builder.finish();
        assert_eq!((probes.len(), probes.is_empty()), (2, false));
        assert!(Probes::default().finder().find(LONG_ITEM).is_empty());
    }

    #[test]
    fn what_was_found_is_cut_out() {
        let items =
            probes(&[texts(&[SHORT_ITEM], &[]), texts(&[LONG_ITEM], &[]), texts(&[&format!("{LONG_ITEM}では、どう育てますか。")], &[])]);
        for (text, expected) in [
            (format!("問：{SHORT_ITEM}\n答：日当たり。"), "問：\n答：日当たり。".to_owned()),
            (format!("{AROUND}{LONG_ITEM}{AROUND}{SHORT_ITEM}"), format!("{AROUND}{AROUND}")),
            // Two items, one in the other.
            (format!("{AROUND}{LONG_ITEM}では、どう育てますか。{AROUND}"), format!("{AROUND}{AROUND}")),
            (AROUND.to_owned(), AROUND.to_owned()),
        ] {
            assert_eq!(without(&text, &cuts(&text, &items.finder().find(&text))), expected);
        }
    }

    #[test]
    fn a_large_document_is_no_hit_by_chance() {
        // The same few thousand characters at random: every five-gram of the item somewhere, no stretch of it.
        let words: Vec<String> = LONG_ITEM.chars().collect::<Vec<_>>().windows(6).map(|run| run.iter().collect()).collect();
        let text: String = (0..60_000_usize).map(|i| words[i.wrapping_mul(0x9E37_79B9) >> 7 & 31].as_str()).collect();
        assert!(text.len() > 1 << 20);
        assert_eq!(found(&[texts(&[LONG_ITEM], &[])], &text), []);
        let with = format!("{text}\n{LONG_ITEM}\n{text}");
        assert_eq!(found(&[texts(&[LONG_ITEM], &[])], &with).len(), 1);
    }

    #[test]
    fn blocks_cover_a_text_and_overlap() {
        for text in ["あ".repeat(5_000), "いろは\n".repeat(1_000), String::new(), "a".repeat(BLOCK + 1), "\n".repeat(BLOCK * 3)] {
            let all: Vec<_> = blocks(&text).collect();
            assert!(all[0].start == 0 && all.last().unwrap().end == text.len());
            for pair in all.windows(2) {
                assert!(pair[1].start < pair[0].end && pair[0].start < pair[1].start && pair[0].len() <= BLOCK);
                assert!(pair[0].end - pair[1].start >= OVERLAP && text.is_char_boundary(pair[1].start));
            }
        }
    }

    /// Is an item in a text, by the definition and nothing else?
    fn by_definition(probes: &Probes, text: &str) -> FxHashSet<u32> {
        let view = folded(text);
        let holds = |probe: &Probe, number: usize| {
            (1..=view.len()).any(|end| {
                let stretch = &view[end.saturating_sub(probe.width())..end];
                let runs: FxHashSet<&[u32]> = stretch.windows(RUN).collect();
                let is_covered = |at: usize| {
                    (at.saturating_sub(RUN - 1)..=at).any(|from| probe.view.get(from..from + RUN).is_some_and(|run| runs.contains(run)))
                };
                let covered: Vec<u32> = (0..probe.view.len() as u32).filter(|&at| is_covered(at as usize)).collect();
                let mut strikes = Vec::new();
                seeds::strikes(stretch, &Seeds::default(), &probes.long, &mut strikes);
                let bare = |ends: &mut dyn Iterator<Item = u32>| ends.take_while(|at| !covered.contains(at)).count();
                let bare = (bare(&mut (0..probe.view.len() as u32)), bare(&mut (0..probe.view.len() as u32).rev()));
                strikes.iter().filter(|strike| strike.probe as usize == number).count() >= probe.seeds as usize
                    && covered.len() * 5 >= probe.view.len() * 4
                    && covered.iter().filter(|at| probe.question.contains(at)).count() * 5 >= probe.question.len() * 4
                    && (bare.0 <= 1 && bare.1 <= 1 || probe.question.end > 0)
            })
        };
        let whole = |probe: &Probe| text.split('\n').any(|line| folded(line)[..] == *probe.view);
        let items = probes.all.iter().enumerate();
        items
            .filter(|(number, probe)| if probe.is_long() { holds(probe, *number) } else { whole(probe) })
            .map(|(_, probe)| probe.item)
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn findings_are_those_of_the_definition(
            items in proptest::collection::vec(("[あ-お]{4,45}", "[か-け]{0,30}"), 1..6),
            pieces in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..30, 5_usize..60, "[あ-お、]{0,3}", any::<bool>()), 0..8),
        ) {
            let all: Vec<Texts> = items.iter().map(|(question, beside)| texts(&[question], &[beside])).collect();
            let mut text = String::new();
            for (item, from, count, noise, ends) in &pieces {
                let (question, beside) = item.get(&items);
                text.extend(format!("{question}{beside}").chars().skip(*from % 7 * 3).take(*count));
                text.push_str(noise);
                text.extend(ends.then_some('\n'));
            }
            // One block.
            text.truncate(text.floor_char_boundary(BLOCK - 1));
            let probes = probes(&all);
            let all_found = probes.finder().find(&text);
            let found: FxHashSet<u32> = all_found.iter().map(|found| found.item).collect();
            let expected = by_definition(&probes, &text);
            // A short item may also stand between lines that it is split over.
            let is_split = |item: &u32| probes.all.iter().any(|probe| probe.item == *item && !probe.is_long());
            prop_assert!(expected.is_subset(&found), "{expected:?} {found:?}");
            // Where an end is edited it is looked for behind the place; by the definition above both ends are whole.
            let is_edited = |item: &u32| all_found.iter().any(|found| found.item == *item && found.share < 1.0);
            prop_assert!(found.difference(&expected).all(|item| is_split(item) || is_edited(item)), "{expected:?} {found:?}");
        }

        #[test]
        fn places_lie_in_the_text(items in proptest::collection::vec("\\PC{0,60}", 0..4), text in "\\PC{0,80}") {
            let all: Vec<Texts> = items.iter().map(|item| texts(&[item], &[])).collect();
            let text = format!("{text}\n{}\n{text}", items.join("\n"));
            for found in probes(&all).finder().find(&text) {
                prop_assert!(text.get(found.start..found.end).is_some_and(|place| !place.is_empty()));
            }
        }
    }
}
