//! The analysis of a document: morphemes to sentences with style, level, tone and honorific spans.

use std::ops::Range;

use crate::error::Result;
use crate::keigo::alphabet::{Class, Lemma, Symbols};
use crate::keigo::beginnings::Beginnings;
use crate::keigo::formula::{FormulaHit, FormulaHits};
use crate::keigo::glance::{BRACKET, COURTESY, FORMULA, Glance, Look, TONE, begins_form, glance};
use crate::keigo::items::Items;
use crate::keigo::lexicon::SymbolTable;
use crate::keigo::listing::{is_listed, is_quotation};
use crate::keigo::marks::Marks;
use crate::keigo::misuse::{Misuse, Suspect, Suspects};
use crate::keigo::rules::{Honorific, Label, Rule, RuleSet, Step};
use crate::keigo::scene::{Clause, Prefixed, Scene, prefixed};
use crate::keigo::style::{Style, Tone, ending, tone};
use crate::keigo::tables::Tables;
use crate::morpheme::{Lexicon, Morphemes, NO_WORD, PosTable};

/// An honorific form in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Byte start in the document.
    pub start: u32,
    /// Byte end in the document.
    pub end: u32,
    /// Its class.
    pub class: Honorific,
    /// The rule that found it, `CLASS.kind`.
    pub rule: &'static str,
    /// て+ください, ください: politeness rather than respect.
    pub weak: bool,
    /// A direction noun whose giver is not known: `SON`, perhaps `KEN1`.
    pub ambiguous: bool,
    /// Part of させていただく.
    pub sasete: bool,
}

impl Span {
    /// The kind: the rule's name without its class.
    pub fn kind(&self) -> &'static str {
        self.rule.split_once('.').map_or(self.rule, |(_, kind)| kind)
    }

    /// Other classes it may have.
    pub fn alternatives(&self) -> &'static [&'static str] {
        match (self.ambiguous, self.weak) {
            (true, _) => &["KEN1"],
            (_, true) => &["TEI"],
            _ => &[],
        }
    }
}

/// What the keigo rules say of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Byte start in the document.
    pub byte_start: u32,
    /// Byte end in the document.
    pub byte_end: u32,
    /// How its main clause ends.
    pub style: Style,
    /// Level of politeness, 0–3.
    pub level: u8,
    /// Its tone.
    pub tone: Tone,
    /// The sentence is nothing but a quotation.
    pub quoted: bool,
    /// A list item, a heading, a line of marks.
    pub listed: bool,
    /// Ends without a mark: a heading, a line of verse, or cut off.
    pub unmarked: bool,
    /// Words of classical Japanese (文語), and auxiliaries of today's.
    pub ages: [u32; 2],
    /// Its spans: a range of [`Analysis::spans`].
    pub spans: Range<usize>,
    /// Its misuses: a range of [`Analysis::misuses`].
    pub misuses: Range<usize>,
    /// Its formulae: a range of [`Analysis::formula_hits`].
    pub formulae: Range<usize>,
}

/// What the worker found in a document.
#[derive(Debug, Clone, Copy)]
pub struct Analysis<'a> {
    /// Sentences in order; blank ones are left out.
    pub sentences: &'a [Sentence],
    /// Spans in order; they do not overlap.
    pub spans: &'a [Span],
    /// Misuses; those of a sentence are ordered by their starts and may overlap.
    pub misuses: &'a [Misuse],
    /// Formulae, by their starts.
    pub formula_hits: &'a [FormulaHit],
    /// The same, counted.
    pub formulae: FormulaHits,
}

/// The rules bound to a dictionary: immutable, shared by all workers.
#[derive(Debug)]
pub struct Analyzer {
    tables: Tables,
    symbols: SymbolTable,
    /// Where honorific forms may begin.
    forms: Beginnings,
    /// Where misuses may begin.
    suspects: Suspects,
    /// What the first look asks of a symbol, by its number.
    glances: Vec<Glance>,
}

impl Analyzer {
    /// Maps the dictionary to the alphabet of the rules; takes a few tenths of a second for 400,000 entries.
    ///
    /// # Errors
    /// Internal: a table of `dicts/keigo/`, which are compiled in, is malformed (the tests see to it that none is).
    pub fn new(lexicon: &dyn Lexicon) -> Result<Self> {
        let tables = Tables::read()?;
        let symbols = SymbolTable::new(lexicon, &tables);
        let patterns: Vec<&[Step]> = tables.rules.iter().map(|rule| rule.steps.as_slice()).collect();
        let forms = Beginnings::new(&patterns, symbols.symbols());
        let suspects = tables.misuse.bind(symbols.symbols(), &tables.rules);
        let glances = symbols.symbols().iter().enumerate().map(|(i, symbol)| glance(*symbol, i, &forms, &suspects.beginnings)).collect();
        Ok(Self { tables, symbols, forms, suspects, glances })
    }

    /// Scratch of one thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker { analyzer: self, tape: Tape::default(), brackets: Brackets::default(), found: Found::default() }
    }

    /// Morphemes with these numbers.
    fn run<'s>(&'s self, numbers: &'s [u16]) -> Symbols<'s> {
        Symbols { table: self.symbols.symbols(), numbers }
    }
}

/// Analyses documents one after the other; its buffers are reused.
#[derive(Debug)]
pub struct Worker<'a> {
    analyzer: &'a Analyzer,
    tape: Tape,
    brackets: Brackets,
    found: Found,
}

/// How many words [`Tape`] remembers; a power of two.
const RECENT: usize = 1 << 13;

/// The morphemes of a document, gaps left out: parallel.
#[derive(Debug)]
struct Tape {
    numbers: Vec<u16>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    /// Words met before, and the numbers of their symbols, by the low bits of the word id: the table of a dictionary is as large as a
    /// core's cache, and a text says a few thousand words again and again.
    recent: Box<[(u32, u16)]>,
}

impl Default for Tape {
    fn default() -> Self {
        let recent = vec![(NO_WORD, 0); RECENT].into_boxed_slice();
        Self { numbers: Vec::new(), starts: Vec::new(), ends: Vec::new(), recent }
    }
}

impl Tape {
    /// The number of the symbol of a word of the lexicon.
    fn number(&mut self, analyzer: &Analyzer, pos: u16, word: u32) -> u16 {
        let Some(slot) = self.recent.get_mut(word as usize % RECENT) else { return analyzer.symbols.number_of_pos(pos) };
        if slot.0 != word {
            let Some(number) = analyzer.symbols.number(word) else { return analyzer.symbols.number_of_pos(pos) };
            *slot = (word, number);
        }
        slot.1
    }

    /// Takes in the morphemes of a document.
    fn load(&mut self, analyzer: &Analyzer, text: &str, morphemes: Morphemes<'_>) {
        self.numbers.clear();
        self.starts.clear();
        self.ends.clear();
        let mut start = 0;
        for ((&end, &pos), &word) in morphemes.ends.iter().zip(morphemes.pos).zip(morphemes.word) {
            if pos != PosTable::GAP {
                let number = if word == NO_WORD {
                    let surface = text.get(start as usize..end as usize).unwrap_or("");
                    analyzer.symbols.number_of_unknown(&analyzer.tables, pos, surface)
                } else {
                    self.number(analyzer, pos, word)
                };
                self.numbers.push(number);
                self.starts.push(start);
                self.ends.push(end);
            }
            start = end;
        }
    }
}

/// What brackets do to a sentence.
#[derive(Debug, Default)]
struct Brackets {
    /// Which morphemes stand inside brackets.
    quoted: Vec<bool>,
    /// Numbers of the morphemes that decide the style: those outside brackets, or all if nothing else has a word.
    deciding: Vec<u16>,
}

impl Brackets {
    /// Reads the brackets of a sentence; `carried`: it begins inside a quotation. Says whether it stands inside brackets as a whole.
    fn read(&mut self, symbols: Symbols<'_>, carried: bool) -> bool {
        self.quoted.clear();
        self.deciding.clear();
        let (mut depth, mut word) = (usize::from(carried), false);
        for (symbol, &number) in symbols.iter().zip(symbols.numbers) {
            depth = (depth + usize::from(symbol.class == Class::Open)).saturating_sub(usize::from(symbol.class == Class::Close));
            let quoted = depth > 0 || symbol.class == Class::Close;
            self.quoted.push(quoted);
            if !quoted {
                self.deciding.push(number);
                word |= !matches!(symbol.class, Class::Mark | Class::Comma);
            }
        }
        if word {
            return false;
        }
        self.deciding.clear();
        self.deciding.extend(symbols.numbers);
        self.quoted.contains(&true)
    }
}

/// What has been found in a document.
#[derive(Debug, Default)]
struct Found {
    /// The spans of the sentence: number of the rule, first item, item after the last.
    matched: Vec<(usize, usize, usize)>,
    sentences: Vec<Sentence>,
    spans: Vec<Span>,
    misuses: Vec<Misuse>,
    formula_hits: Vec<FormulaHit>,
    formulae: FormulaHits,
}

impl Worker<'_> {
    /// Analyses `text`, whose sentences end at `sentence_ends` and whose morphemes are `morphemes` (both tile the text).
    ///
    /// Ends that do not belong to the text give fewer sentences, never a panic.
    pub fn analyze(&mut self, text: &str, sentence_ends: &[u32], morphemes: Morphemes<'_>) -> Analysis<'_> {
        self.tape.load(self.analyzer, text, morphemes);
        self.found.sentences.clear();
        self.found.spans.clear();
        self.found.misuses.clear();
        self.found.formula_hits.clear();
        self.found.formulae = FormulaHits::default();
        let (mut at, mut start, mut carried) = (0, 0, false);
        for &end in sentence_ends {
            let rest = self.tape.starts.get(at..).unwrap_or_default();
            let to = at + rest.iter().take_while(|start| **start < end).count();
            carried = self.sentence(text, start..end, at..to, carried);
            (at, start) = (to, end);
        }
        let found = &self.found;
        Analysis {
            sentences: &found.sentences,
            spans: &found.spans,
            misuses: &found.misuses,
            formula_hits: &found.formula_hits,
            formulae: found.formulae,
        }
    }

    /// Judges the sentence of these bytes and morphemes; `carried`: a quotation of its line is open where it begins. Says whether one is
    /// open where it ends.
    fn sentence(&mut self, text: &str, bytes: Range<u32>, morphemes: Range<usize>, carried: bool) -> bool {
        let Self { analyzer, tape, brackets, found } = self;
        let marks = &analyzer.tables.marks;
        let numbers = &tape.numbers[morphemes.clone()];
        let symbols = analyzer.run(numbers);
        let mut look = Look::over(&analyzer.glances, numbers);
        let bracketed = carried || look.has(BRACKET);
        let inner = bracketed && brackets.read(symbols, carried);
        let (quoted, deciding) = if bracketed { (&*brackets.quoted, &*brackets.deciding) } else { (&[][..], numbers) };
        let items = Items { symbols, starts: &tape.starts[morphemes.clone()], ends: &tape.ends[morphemes], quoted };
        let stays_open = bracketed && leaves_quotation(marks, text, items, bytes.end, carried);
        let Some(last) = items.last() else { return stays_open };
        if bracketed {
            look.ages = Look::over(&analyzer.glances, deciding).ages;
        }
        let deciding = analyzer.run(deciding);
        let (legal, first_formula) = (found.formulae.legal(), found.formula_hits.len());
        if look.has(FORMULA) {
            analyzer.tables.formulae.find(text, items, &mut found.formulae, &mut found.formula_hits);
        }
        let ending = ending(deciding);
        let quoted = inner && (carried || is_quotation(marks, text, items));
        let first_span = found.spans.len();
        found.matched.clear();
        let search = || Search { analyzer, text, items, deciding, style: ending.style, look, inner, clause: None };
        let level = if look.may_hold_form() { search().find(found) } else { 0 };
        let level = if level == 0 && ending.style == Style::Keitai { 1 } else { level };
        let listed = (inner && !quoted) || is_listed(marks, text, bytes.clone(), items, ending.style);
        let tone_words = if look.has(TONE) { deciding } else { deciding.first(0) };
        let misuses = found.find_misuses(analyzer, Suspect { text, items, spans: &[], polite: ending.style == Style::Keitai }, look);
        found.sentences.push(Sentence {
            byte_start: bytes.start,
            byte_end: bytes.end,
            style: ending.style,
            level,
            tone: tone(tone_words, ending, found.formulae.legal() > legal),
            quoted,
            listed,
            unmarked: !matches!(last.class, Class::Mark | Class::Close),
            ages: look.ages,
            spans: first_span..found.spans.len(),
            misuses,
            formulae: first_formula..found.formula_hits.len(),
        });
        stays_open
    }
}

/// Does a quotation stay open behind the sentence, in the same line? 「そうです。つい此間…」 is split inside it.
fn leaves_quotation(marks: &Marks, text: &str, items: Items<'_>, end: u32, carried: bool) -> bool {
    if text.as_bytes().get((end as usize).wrapping_sub(1)) == Some(&b'\n') {
        return false;
    }
    let mut open = usize::from(carried);
    for (i, symbol) in items.symbols.iter().enumerate().filter(|(_, symbol)| matches!(symbol.class, Class::Open | Class::Close)) {
        if marks.is_quote(items.surface(text, i, i + 1)) {
            open = if symbol.class == Class::Open { open + 1 } else { open.saturating_sub(1) };
        }
    }
    open > 0
}

impl Found {
    /// Finds what is misused in the sentence, whose spans are known.
    fn find_misuses(&mut self, analyzer: &Analyzer, sentence: Suspect<'_>, look: Look) -> Range<usize> {
        let first = self.misuses.len();
        if look.is_suspect() || self.matched.iter().any(|(rule, ..)| analyzer.suspects.begins(*rule)) {
            let suspect = Suspect { spans: &self.matched, ..sentence };
            analyzer.tables.misuse.find(suspect, &analyzer.suspects, &mut self.misuses);
        }
        first..self.misuses.len()
    }
}

/// The search for the honorific forms of a sentence.
struct Search<'a> {
    analyzer: &'a Analyzer,
    text: &'a str,
    items: Items<'a>,
    /// The morphemes that decide the style.
    deciding: Symbols<'a>,
    style: Style,
    look: Look,
    /// The sentence stands inside brackets.
    inner: bool,
    /// What the clause has said before an item, once a rule has asked.
    clause: Option<(Clause, usize)>,
}

impl Search<'_> {
    /// Finds the spans of the sentence and returns its level.
    fn find(mut self, found: &mut Found) -> u8 {
        let items = self.items;
        let (mut level, mut i) = (0, 0);
        while i < items.len() {
            if !begins_form(self.analyzer.glances[usize::from(items.symbols.numbers[i])]) {
                i += 1;
                continue;
            }
            if items.at(i).lemma == Lemma::Fused {
                level = level.max(self.find_fused(i, &mut found.spans));
            }
            let may_begin = self.analyzer.forms.at(items.symbols, i);
            let Some((number, to)) = self.best(may_begin, i) else {
                i += 1;
                continue;
            };
            let rule = &self.analyzer.tables.rules[number];
            if let Some(class) = rule.class {
                if self.inner || !items.is_quoted(i) {
                    level = level.max(rule.level);
                }
                found.spans.push(span(rule, class, items.bytes(i + rule.skip, to)));
                found.matched.push((number, i + rule.skip, to));
            }
            i = to;
        }
        level
    }

    /// です or ます inside an unchanging word, and the いただき of いただきます; returns their level.
    fn find_fused(&self, i: usize, spans: &mut Vec<Span>) -> u8 {
        let fused = &self.analyzer.tables.fused;
        let surface = self.items.surface(self.text, i, i + 1);
        let Some(part) = fused.polite_part(surface) else { return 0 };
        let humble = fused.is_humble(surface);
        let (first, _) = self.items.bytes(i, i + 1);
        let mut push = |rule, class, part: Range<usize>| {
            let (start, end) = (first + part.start as u32, first + part.end as u32);
            spans.push(Span { start, end, class, rule, weak: false, ambiguous: false, sasete: false });
        };
        if humble {
            push("KEN1.itadakimasu", Honorific::Ken1, 0..part.start);
        }
        push("TEI.fused", Honorific::Tei, part);
        if self.items.is_quoted(i) && !self.inner { 0 } else { 1 + u8::from(humble) }
    }

    /// The first rule of `set` that fits at item `i`, by its number, and the item after its match.
    fn best(&mut self, mut set: RuleSet, i: usize) -> Option<(usize, usize)> {
        if set == 0 {
            return None;
        }
        let (analyzer, items) = (self.analyzer, self.items);
        let prefixed = prefixed(items, i);
        while set != 0 {
            let number = set.trailing_zeros() as usize;
            set &= set - 1;
            let rule = &analyzer.tables.rules[number];
            if let Some(to) = match_steps(rule, items, i, prefixed) {
                // Rules of politeness ask nothing of the clause.
                let clause = if rule.class == Some(Honorific::Tei) { Clause::default() } else { self.clause_before(i) };
                if (rule.when)(&Scene { items, from: i, to, prefixed, clause: &clause }) {
                    return Some((number, to));
                }
            }
        }
        None
    }

    /// What the clause has said before item `i`; `i` never goes back.
    fn clause_before(&mut self, i: usize) -> Clause {
        let (mut clause, read) = self.clause.unwrap_or_else(|| (self.new_clause(), 0));
        for at in read..i {
            clause.advance(self.items, at);
        }
        self.clause = Some((clause, i));
        clause
    }

    /// What the sentence as a whole says to its clauses.
    fn new_clause(&self) -> Clause {
        let tail = || self.deciding.iter().rev().take_while(|symbol| symbol.class != Class::Auxiliary);
        let mark = self.items.surface(self.text, self.items.len().saturating_sub(1), self.items.len());
        let asks = tail().any(|symbol| symbol.lemma == Lemma::Ka) || mark.contains(['？', '?']);
        let addressed = asks || tail().any(|symbol| symbol.lemma == Lemma::Ne);
        let (polite, courteous) = (self.style == Style::Keitai, self.look.has(COURTESY));
        Clause { polite, courteous, question: asks, addressed, ..Clause::default() }
    }
}

/// The item after the match of a rule's steps at item `from`.
fn match_steps(rule: &Rule, items: Items<'_>, from: usize, prefixed: Option<Prefixed>) -> Option<usize> {
    let mut at = from;
    for step in &rule.steps {
        let symbol = items.get(at);
        at = match *step {
            Step::Prefixed(flags) => prefixed.filter(|prefixed| flags.is_none() || prefixed.flags.any(flags))?.end,
            Step::PrefixedOf(lemmas) => prefixed.filter(|prefixed| lemmas.contains(prefixed.lemma))?.end,
            Step::May(_) => at + usize::from(symbol.is_some_and(|symbol| step.fits(symbol))),
            step => symbol.filter(|symbol| step.fits(*symbol)).map(|_| at + 1)?,
        };
    }
    (at <= items.len()).then_some(at)
}

fn span(rule: &Rule, class: Honorific, (start, end): (u32, u32)) -> Span {
    Span {
        start,
        end,
        class,
        rule: rule.id,
        weak: rule.label == Some(Label::Weak),
        ambiguous: rule.label == Some(Label::Ambiguous),
        sasete: rule.label == Some(Label::Sasete),
    }
}
