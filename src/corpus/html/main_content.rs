//! The main content of a page: which of its lines are text, and which are chrome (docs/guide/html.md).
//!
//! A line is judged by the elements it stands in, by its words and its links, and by its neighbours. To lose text is worse than to keep chrome: where
//! marks would cost most of the sentences of a page they are not believed, and where nothing would be left everything is.

use super::chrome_words::{Words, words};
use super::flags::Flags;
use super::letters::letters;
use super::lines::Seen;

/// So many lines of links in a row are a list of links.
const RUN_MIN: usize = 3;
/// Longest name of a site, and longest link that goes with its neighbours, in letters.
const SHORT: usize = 25;
/// Above so many letters, what is written beneath an article is not what the page is for.
const ARTICLE: usize = 400;
/// So many letters of sentences are an article.
const MAIN: usize = 200;
/// From so many letters on, a line is a sentence even where a link is made of it.
const LONG: usize = 40;

/// Why a line is chrome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Main,
    /// The words say so, or what stands beside it.
    Chrome,
    /// The element says so.
    Tagged,
    /// The name of a class says so.
    Named,
    Comment,
    Link,
}

/// What is known of a line.
struct Fact {
    letters: usize,
    is_prose: bool,
    is_link: bool,
    words: Words,
    verdict: Verdict,
}

impl Fact {
    fn is_chrome(&self) -> bool {
        self.verdict != Verdict::Main
    }
}

/// When marks are not believed: what they would cost is so many times the rest, and the rest is less than an article. An element that was never closed
/// takes the page with it; a name may mean something else; what readers wrote may be what the page is for.
const DOUBTS: [(Flags, Verdict, usize, usize); 3] = [
    (Flags::CHROME, Verdict::Tagged, 4, ARTICLE),
    (Flags::NAMED_CHROME, Verdict::Named, 1, usize::MAX),
    (Flags::COMMENTS, Verdict::Comment, 1, ARTICLE),
];

/// Which lines of a page with this title are its main content.
pub(super) fn choose(lines: &[Seen<'_>], title: &str) -> Vec<bool> {
    let mut believe = Flags::CHROME.with(Flags::NAMED_CHROME).with(Flags::COMMENTS).with(Flags::LIKELY_CHROME).with(Flags::LINKED_CHROME);
    let mut scratch = String::new();
    let mut facts: Vec<Fact> = lines.iter().map(|line| fact(line, title, believe, &mut scratch)).collect();
    for (mark, verdict, times, enough) in DOUBTS {
        let marked: usize = facts.iter().filter(|fact| fact.is_prose && fact.verdict == verdict).map(|fact| fact.letters).sum();
        let main: usize = facts.iter().filter(|fact| !fact.is_chrome()).map(|fact| fact.letters).sum();
        if marked > times * main && main < enough {
            believe = believe.without(mark);
            facts = lines.iter().map(|line| fact(line, title, believe, &mut scratch)).collect();
        }
    }
    leave_main(lines, &mut facts);
    judge_neighbours(lines, &mut facts);
    keep_lists(lines, &mut facts);
    let is_empty = facts.iter().all(|fact| fact.is_chrome() || fact.letters == 0);
    facts.iter().map(|fact| is_empty || !fact.is_chrome()).collect()
}

/// What the line says by itself, and by the marks that are believed.
fn fact(line: &Seen<'_>, title: &str, believe: Flags, scratch: &mut String) -> Fact {
    let letters = letters(line.text);
    let linked = line.linked as f32 / line.text.len().max(1) as f32;
    let is_prose = linked < 0.5 && is_prose(line.text, letters);
    let has = |flag: Flags| believe.has(flag) && line.flags.has(flag);
    let is_text = line.flags.has(Flags::PRE.with(Flags::ROW).with(Flags::REST));
    let words = if is_text { Words::Text } else { words(line.text, scratch) };
    let is_link = linked >= 0.7 && !line.flags.has(Flags::REST) && (letters < LONG || !ends_sentence(line.text));
    let is_title = letters > 1 && line.flags.has(Flags::HEADING) && title.starts_with(line.text);
    let verdict = if has(Flags::CHROME) {
        Verdict::Tagged
    } else if line.flags.has(Flags::CONTROL) {
        Verdict::Chrome
    } else if has(Flags::NAMED_CHROME) {
        Verdict::Named
    } else if has(Flags::LIKELY_CHROME) && !is_prose && !is_title {
        Verdict::Chrome
    } else if has(Flags::COMMENTS) {
        Verdict::Comment
    } else if matches!(words, Words::Menu | Words::Chrome) || is_link && (words != Words::Text || has(Flags::LINKED_CHROME)) {
        Verdict::Chrome
    } else if linked >= 0.6 && !line.flags.has(Flags::REST) && line.text.matches(['|', '｜', '»', '›', '＞', '>', '/']).count() > 1 {
        Verdict::Link
    } else {
        Verdict::Main
    };
    Fact { letters, is_prose, is_link, words, verdict }
}

/// Where the element for the main part holds an article, and more than stands outside it, what stands outside is chrome.
fn leave_main(lines: &[Seen<'_>], facts: &mut [Fact]) {
    let mut inside = 0;
    let mut outside = 0;
    for (fact, line) in facts.iter().zip(lines).filter(|(fact, _)| !fact.is_chrome()) {
        match line.flags.has(Flags::MAIN) {
            true if fact.is_prose => inside += fact.letters,
            true => {}
            false => outside += fact.letters,
        }
    }
    if inside >= MAIN && inside > outside {
        facts.iter_mut().zip(lines).filter(|(_, line)| !line.flags.has(Flags::MAIN)).for_each(|(fact, _)| fact.verdict = Verdict::Chrome);
    }
}

/// Lines that are chrome because of what stands beside them.
fn judge_neighbours(lines: &[Seen<'_>], facts: &mut [Fact]) {
    // In an article, lists of links and of words stand between sentences; before and behind them they lead elsewhere.
    let is_inside = |fact: &Fact| fact.is_prose && !fact.is_chrome();
    let first = facts.iter().position(is_inside).unwrap_or_default();
    let last = facts.iter().rposition(is_inside).unwrap_or_default();
    let is_of_text = |at: usize| lines[at].flags.has(Flags::CONTENT) && (first..last).contains(&at);
    run_of(facts, |fact| fact.is_link, |at, fact| fact.is_link && !fact.is_chrome() && !is_of_text(at), Verdict::Link);
    let is_item = |at: usize, fact: &Fact| fact.words == Words::Item && !fact.is_chrome() && !lines[at].flags.has(Flags::CONTENT);
    run_of(facts, |fact| !matches!(fact.words, Words::Text | Words::Filler), is_item, Verdict::Chrome);
    for at in 0..facts.len() {
        let is_chrome = |at: Option<usize>| at.and_then(|at| facts.get(at)).is_none_or(Fact::is_chrome);
        let (before, behind) = (is_chrome(at.checked_sub(1)), is_chrome(Some(at + 1)));
        let fact = &facts[at];
        let is_short = fact.letters <= SHORT && !fact.is_prose && !lines[at].flags.has(Flags::PRE.with(Flags::ROW).with(Flags::HEADING));
        let goes_along = fact.is_link || fact.words == Words::Item;
        // The name of the site stands first, before its menu.
        let is_site = at == 0
            && facts.get(1).is_some_and(|next| next.verdict == Verdict::Chrome && next.words == Words::Menu)
            && !ends_sentence(lines[at].text);
        if !fact.is_chrome() && is_short && (is_site || goes_along && before && behind && facts.len() > 1) {
            facts[at].verdict = if fact.is_link { Verdict::Link } else { Verdict::Chrome };
        }
    }
    drop_empty_sections(lines, facts);
}

/// Marks lines that are `wanted` where, with others that `belong`, so many stand in a row.
fn run_of(facts: &mut [Fact], belong: impl Fn(&Fact) -> bool, wanted: impl Fn(usize, &Fact) -> bool, verdict: Verdict) {
    let mut at = 0;
    for run in facts.chunk_by_mut(|a, b| belong(a) == belong(b)) {
        let start = at;
        at += run.len();
        if run.len() >= RUN_MIN && run.first().is_some_and(&belong) {
            (start..).zip(run).filter(|(at, fact)| wanted(*at, fact)).for_each(|(_, fact)| fact.verdict = verdict);
        }
    }
}

/// A heading of which everything beneath is chrome, up to the next heading, goes with it; not the first, which is that of the page.
fn drop_empty_sections(lines: &[Seen<'_>], facts: &mut [Fact]) {
    let is_heading = |at: usize| lines[at].flags.has(Flags::HEADING);
    let first = (0..facts.len()).find(|at| is_heading(*at) && !facts[*at].is_chrome());
    let mut is_chrome_beneath = None;
    for at in (0..facts.len()).rev() {
        if is_heading(at) {
            if is_chrome_beneath == Some(true) && first != Some(at) {
                facts[at].verdict = Verdict::Chrome;
            }
            is_chrome_beneath = None;
        } else {
            is_chrome_beneath = Some(is_chrome_beneath.unwrap_or(true) && facts[at].is_chrome());
        }
    }
}

/// A page that is a list (of works, of stations) has many links and little else; they are its content if they stand in it.
fn keep_lists(lines: &[Seen<'_>], facts: &mut [Fact]) {
    let is_listed = |(fact, line): &(&mut Fact, &Seen<'_>)| fact.verdict == Verdict::Link && line.flags.has(Flags::CONTENT);
    let kept: usize = facts.iter().filter(|fact| !fact.is_chrome()).map(|fact| fact.letters).sum();
    let listed: usize = facts.iter_mut().zip(lines).filter(is_listed).map(|(fact, _)| fact.letters).sum();
    if listed > 2 * kept {
        facts.iter_mut().zip(lines).filter(is_listed).for_each(|(fact, _)| fact.verdict = Verdict::Main);
    }
}

/// Is it a sentence, or as long as one?
fn is_prose(text: &str, letters: usize) -> bool {
    letters >= 100 || letters >= 12 && ends_sentence(text) || letters >= LONG && (text.ends_with('.') || text.contains(". "))
}

fn ends_sentence(text: &str) -> bool {
    text.contains(['。', '．', '！', '？', '!', '?', '」'])
}
