//! The analysis of a document: morphemes to sentences with style, level, tone and honorific spans.

use std::ops::Range;

use crate::error::Result;
use crate::keigo::alphabet::{Class, Lemma, Symbol};
use crate::keigo::flags::Flags;
use crate::keigo::formula::{FormulaHit, FormulaHits};
use crate::keigo::lexicon::SymbolTable;
use crate::keigo::listing::{is_listed, is_quotation};
use crate::keigo::marks::is_punctuation;
use crate::keigo::misuse::{Misuse, MisuseSet, Suspect};
use crate::keigo::rules::{Honorific, Label, Rule, RuleSet, Step};
use crate::keigo::scene::{Clause, Item, Prefixed, Scene, prefixed};
use crate::keigo::style::{Ending, Style, Tone, ages, ending, tone};
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
    /// Rules that can begin with a symbol, by its number.
    triggers: Vec<RuleSet>,
    /// Rules that need a word with this lemma, by its number; where the lemma is absent they need not be tried.
    by_lemma: Vec<RuleSet>,
    /// Rules that need no certain lemma.
    unbound: RuleSet,
    /// Rules that ask nothing of the clause: those of politeness.
    clauseless: RuleSet,
    /// Rows of misuse that can begin with a symbol, by its number.
    suspects: Vec<MisuseSet>,
}

impl Analyzer {
    /// Maps the dictionary to the alphabet of the rules; takes a few tenths of a second for 400,000 entries.
    ///
    /// # Errors
    /// Internal: a table of `dicts/keigo/`, which are compiled in, is malformed (the tests see to it that none is).
    pub fn new(lexicon: &dyn Lexicon) -> Result<Self> {
        let tables = Tables::read()?;
        let symbols = SymbolTable::new(lexicon, &tables);
        let triggers = symbols.symbols().iter().map(|symbol| trigger(&tables.rules, *symbol)).collect();
        let (by_lemma, unbound) = keys(&tables.rules);
        let polite = tables.rules.iter().enumerate().filter(|(_, rule)| rule.class == Some(Honorific::Tei));
        let clauseless = polite.fold(0, |set, (i, _)| set | 1 << i);
        let suspects = symbols.symbols().iter().map(|symbol| tables.misuse.trigger(*symbol)).collect();
        Ok(Self { tables, symbols, triggers, by_lemma, unbound, clauseless, suspects })
    }

    /// Scratch of one thread.
    pub fn worker(&self) -> Worker<'_> {
        Worker {
            analyzer: self,
            numbers: Vec::new(),
            items: Vec::new(),
            seen: Flags::NONE,
            carried: false,
            bracketed: false,
            feasible: 0,
            outside: Vec::new(),
            matched: Vec::new(),
            sentences: Vec::new(),
            spans: Vec::new(),
            misuses: Vec::new(),
            formula_hits: Vec::new(),
        }
    }
}

/// For each lemma the rules that need it, by the last word that they name; and the rules that name none.
fn keys(rules: &[Rule]) -> (Vec<RuleSet>, RuleSet) {
    let (mut by_lemma, mut unbound) = (vec![0; Lemma::ALL.len()], 0);
    for (i, rule) in rules.iter().enumerate() {
        let key = rule.steps.iter().rev().find_map(|step| if let Step::Word(lemmas) = step { Some(*lemmas) } else { None });
        match key {
            Some(key) => {
                for (_, lemma) in Lemma::ALL.iter().filter(|(_, lemma)| key.contains(*lemma)) {
                    by_lemma[*lemma as usize] |= 1 << i;
                }
            }
            None => unbound |= 1 << i,
        }
    }
    (by_lemma, unbound)
}

/// The rules that can begin with this symbol.
fn trigger(rules: &[Rule], symbol: Symbol) -> RuleSet {
    let begins = |rule: &Rule| rule.steps.first().is_some_and(|step| step.can_begin(symbol));
    rules.iter().enumerate().filter(|(_, rule)| begins(rule)).fold(0, |set, (i, _)| set | 1 << i)
}

/// Analyses documents one after the other; its buffers are reused.
#[derive(Debug)]
pub struct Worker<'a> {
    analyzer: &'a Analyzer,
    /// Numbers of the symbols of all morphemes: looked up in one tight loop, so that the misses of the cache overlap.
    numbers: Vec<u16>,
    /// The morphemes of the sentence.
    items: Vec<Item>,
    /// Flags of all of them together.
    seen: Flags,
    /// A quotation of its line is open where the sentence begins.
    carried: bool,
    /// It has a bracket.
    bracketed: bool,
    /// Rules whose words stand in it.
    feasible: RuleSet,
    /// The symbols that decide the style of the sentence.
    outside: Vec<Symbol>,
    /// The spans of the sentence: rule, first item, item after the last.
    matched: Vec<(&'static str, usize, usize)>,
    sentences: Vec<Sentence>,
    spans: Vec<Span>,
    misuses: Vec<Misuse>,
    formula_hits: Vec<FormulaHit>,
}

impl Worker<'_> {
    /// Analyses `text`, whose sentences end at `sentence_ends` and whose morphemes are `morphemes` (both tile the text).
    ///
    /// Ends that do not belong to the text give fewer sentences, never a panic.
    pub fn analyze(&mut self, text: &str, sentence_ends: &[u32], morphemes: Morphemes<'_>) -> Analysis<'_> {
        self.sentences.clear();
        self.spans.clear();
        self.misuses.clear();
        self.formula_hits.clear();
        self.carried = false;
        self.numbers.clear();
        let words = morphemes.pos.iter().zip(morphemes.word);
        self.numbers.extend(words.map(|(pos, word)| self.analyzer.symbols.number(*pos, *word)));
        let mut formulae = FormulaHits::default();
        let (mut at, mut start) = (0, 0);
        for &end in sentence_ends {
            at = self.load(text, morphemes, at, end);
            let (before, first_formula) = (formulae.legal(), self.formula_hits.len());
            if self.seen.any(Flags::FORMULA) {
                self.analyzer.tables.formulae.find(text, &self.items, &mut formulae, &mut self.formula_hits);
            }
            self.sentence(text, start..end, formulae.legal() > before, first_formula);
            self.carried = (self.carried || self.bracketed) && self.leaves_quotation(text, end);
            start = end;
        }
        Analysis { sentences: &self.sentences, spans: &self.spans, misuses: &self.misuses, formula_hits: &self.formula_hits, formulae }
    }

    /// Fills `items` with the morphemes from `at` that begin before `end`; returns the first morpheme after them.
    fn load(&mut self, text: &str, morphemes: Morphemes<'_>, at: usize, end: u32) -> usize {
        self.items.clear();
        self.seen = Flags::NONE;
        let (mut i, mut depth) = (at, usize::from(self.carried));
        let (mut feasible, mut bracketed) = (self.analyzer.unbound, false);
        let mut start = if at == 0 { 0 } else { morphemes.ends[at - 1] };
        while i < morphemes.len() && start < end {
            let morpheme_end = morphemes.ends[i];
            if morphemes.pos[i] != PosTable::GAP {
                let number = self.numbers[i];
                let symbol = self.symbol(text, number, morphemes.word[i] != NO_WORD, start as usize..morpheme_end as usize);
                depth = (depth + usize::from(symbol.class == Class::Open)).saturating_sub(usize::from(symbol.class == Class::Close));
                let quoted = depth > 0 || symbol.class == Class::Close;
                bracketed |= matches!(symbol.class, Class::Open | Class::Close);
                self.seen |= symbol.flags;
                if symbol.lemma != Lemma::None {
                    feasible |= self.analyzer.by_lemma[symbol.lemma as usize];
                }
                self.items.push(Item { symbol, number, start, end: morpheme_end, quoted });
            }
            start = morpheme_end;
            i += 1;
        }
        (self.feasible, self.bracketed) = (feasible, bracketed);
        i
    }

    /// Does a quotation stay open behind the sentence, in the same line? 「そうです。つい此間…」 is split inside it.
    fn leaves_quotation(&self, text: &str, end: u32) -> bool {
        if text.as_bytes().get((end as usize).wrapping_sub(1)) == Some(&b'\n') {
            return false;
        }
        let marks = &self.analyzer.tables.marks;
        let mut open = usize::from(self.carried);
        for item in self.items.iter().filter(|item| matches!(item.symbol.class, Class::Open | Class::Close)) {
            if text.get(item.start as usize..item.end as usize).is_some_and(|bracket| marks.is_quote(bracket)) {
                open = if item.symbol.class == Class::Open { open + 1 } else { open.saturating_sub(1) };
            }
        }
        open > 0
    }

    /// The symbol of a morpheme; outside the dictionary, marks and the words of `unknown.tsv` are known by their surface.
    fn symbol(&self, text: &str, number: u16, known: bool, morpheme: Range<usize>) -> Symbol {
        let symbol = self.analyzer.symbols.symbols()[usize::from(number)];
        if known || symbol.class == Class::Gap {
            return symbol;
        }
        let Some(surface) = text.get(morpheme) else { return symbol };
        let tables = &self.analyzer.tables;
        if is_punctuation(surface) {
            Symbol { class: tables.marks.class("", surface), ..Symbol::default() }
        } else if let Some(flags) = tables.vocabulary.unknown(surface) {
            Symbol { flags, ..symbol }
        } else {
            symbol
        }
    }

    /// Judges the sentence in `items`, whose formulae begin at `first_formula`; `statute`: one of them is a statute's.
    fn sentence(&mut self, text: &str, bytes: Range<u32>, statute: bool, first_formula: usize) {
        if self.items.is_empty() {
            return;
        }
        let inner = self.choose_deciding();
        let marks = &self.analyzer.tables.marks;
        let quoted = inner && (self.carried || is_quotation(marks, text, &self.items));
        let ending = ending(&self.outside);
        let first_span = self.spans.len();
        let level = self.find_spans(text, ending, inner);
        let level = if level == 0 && ending.style == Style::Keitai { 1 } else { level };
        let listed = (inner && !quoted) || is_listed(marks, text, bytes.clone(), &self.items, ending.style);
        let tone = tone(&self.outside, ending, statute);
        let spans = first_span..self.spans.len();
        let misuses = self.find_misuses(text, ending.style);
        self.sentences.push(Sentence {
            byte_start: bytes.start,
            byte_end: bytes.end,
            style: ending.style,
            level,
            tone,
            quoted,
            listed,
            unmarked: self.items.last().is_some_and(|item| !matches!(item.symbol.class, Class::Mark | Class::Close)),
            ages: ages(&self.outside),
            spans,
            misuses,
            formulae: first_formula..self.formula_hits.len(),
        });
    }

    /// Puts the symbols that decide into `outside`: those outside brackets, or all if nothing else has a word; says whether
    /// it is the latter, that is, whether the sentence stands inside brackets.
    fn choose_deciding(&mut self) -> bool {
        self.outside.clear();
        self.outside.extend(self.items.iter().filter(|item| !item.quoted).map(|item| item.symbol));
        let any_word = |symbol: &Symbol| !matches!(symbol.class, Class::Mark | Class::Comma);
        if self.outside.iter().any(any_word) {
            return false;
        }
        self.outside.clear();
        self.outside.extend(self.items.iter().map(|item| item.symbol));
        self.items.iter().any(|item| item.quoted)
    }

    /// Finds the spans of the sentence and returns its level.
    fn find_spans(&mut self, text: &str, ending: Ending, inner: bool) -> u8 {
        let tail = || self.outside.iter().rev().take_while(|symbol| symbol.class != Class::Auxiliary);
        let mark = self.items.last().and_then(|item| text.get(item.start as usize..item.end as usize));
        let asks = tail().any(|symbol| symbol.lemma == Lemma::Ka) || mark.is_some_and(|mark| mark.contains(['？', '?']));
        let addressed = asks || tail().any(|symbol| symbol.lemma == Lemma::Ne);
        let (polite, courteous) = (ending.style == Style::Keitai, self.seen.any(Flags::COURTESY));
        let mut clause = Clause { polite, courteous, question: asks, addressed, ..Clause::default() };
        self.matched.clear();
        let asked = self.feasible & !self.analyzer.clauseless;
        let follow = self.items.iter().any(|item| self.analyzer.triggers[usize::from(item.number)] & asked != 0);
        let mut level = 0;
        let mut i = 0;
        while i < self.items.len() {
            if self.items[i].symbol.lemma == Lemma::Fused {
                level = level.max(self.find_fused(text, i, inner));
            }
            let triggered = self.analyzer.triggers[usize::from(self.items[i].number)] & self.feasible;
            let hit = if triggered == 0 { None } else { self.best(triggered, i, &clause) };
            let to = hit.map_or(i + 1, |(_, to)| to);
            if let Some((rule, to)) = hit
                && let Some(class) = rule.class
            {
                if inner || !self.items[i].quoted {
                    level = level.max(rule.level);
                }
                let (id, skip) = (rule.id, rule.skip);
                self.spans.push(span(rule, class, &self.items[i + skip..to]));
                self.matched.push((id, i + skip, to));
            }
            if follow {
                for at in i..to {
                    clause.advance(&self.items, at);
                }
            }
            i = to;
        }
        level
    }

    /// Finds what is misused in the sentence, whose spans are known.
    fn find_misuses(&mut self, text: &str, style: Style) -> Range<usize> {
        let first = self.misuses.len();
        let suspect = Suspect { text, items: &self.items, spans: &self.matched, polite: style == Style::Keitai };
        self.analyzer.tables.misuse.find(suspect, &self.analyzer.suspects, &mut self.misuses);
        first..self.misuses.len()
    }

    /// です or ます inside an unchanging word, and the いただき of いただきます; returns their level.
    fn find_fused(&mut self, text: &str, i: usize, inner: bool) -> u8 {
        let item = self.items[i];
        let surface = text.get(item.start as usize..item.end as usize).unwrap_or("");
        let fused = &self.analyzer.tables.fused;
        let Some(part) = fused.polite_part(surface) else { return 0 };
        let humble = fused.is_humble(surface);
        let mut push = |rule, class, part: Range<usize>| {
            let (start, end) = (item.start + part.start as u32, item.start + part.end as u32);
            self.spans.push(Span { start, end, class, rule, weak: false, ambiguous: false, sasete: false });
        };
        if humble {
            push("KEN1.itadakimasu", Honorific::Ken1, 0..part.start);
        }
        push("TEI.fused", Honorific::Tei, part);
        if item.quoted && !inner { 0 } else { 1 + u8::from(humble) }
    }

    /// The first rule of `set` that fits at item `i`, and the item after its match.
    fn best(&self, mut set: RuleSet, i: usize, clause: &Clause) -> Option<(&Rule, usize)> {
        let prefixed = prefixed(&self.items, i);
        while set != 0 {
            let rule = &self.analyzer.tables.rules[set.trailing_zeros() as usize];
            set &= set - 1;
            if let Some(to) = self.match_steps(rule, i, prefixed) {
                let scene = Scene { items: &self.items, from: i, to, prefixed, clause };
                if (rule.when)(&scene) {
                    return Some((rule, to));
                }
            }
        }
        None
    }

    fn match_steps(&self, rule: &Rule, from: usize, prefixed: Option<Prefixed>) -> Option<usize> {
        let mut at = from;
        for step in &rule.steps {
            let symbol = self.items.get(at).map(|item| item.symbol);
            at = match *step {
                Step::Prefixed(flags) => prefixed.filter(|prefixed| flags.is_none() || prefixed.flags.any(flags))?.end,
                Step::PrefixedOf(lemmas) => prefixed.filter(|prefixed| lemmas.contains(prefixed.lemma))?.end,
                Step::May(_) => at + usize::from(symbol.is_some_and(|symbol| step.fits(symbol))),
                step => symbol.filter(|symbol| step.fits(*symbol)).map(|_| at + 1)?,
            };
        }
        (at <= self.items.len()).then_some(at)
    }
}

fn span(rule: &Rule, class: Honorific, items: &[Item]) -> Span {
    let (start, end) = match items {
        [first, .., last] => (first.start, last.end),
        [only] => (only.start, only.end),
        [] => (0, 0),
    };
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
