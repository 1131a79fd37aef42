//! The tokens as a trie of symbols: the longest token that a string of symbols begins with, and the shorter ones.
//!
//! The trie is a double array, 8 bytes a node and nearly without holes: 400 kB for 32,000 tokens. What encoding costs is mostly the wait for nodes and pairs that are not in
//! the nearest cache; The same nodes in 4 MB, loosely packed, were slower.

use std::hint::select_unpredictable;
use std::ops::Range;

/// No token.
pub(crate) const NONE: u32 = u32::MAX;
/// Tokens, at most.
pub(crate) const TOKENS_MAX: usize = NO_TOKEN as usize - 1;

/// A trie in a double array: the child of a node by a symbol stands at `base + symbol`, if that symbol stands there. No two nodes have the same base.
#[derive(Debug)]
pub(crate) struct Prefixes {
    /// The nodes of single symbols come first, at the number of the symbol.
    nodes: Vec<Node>,
    /// By token: the longest shorter token that it begins with, and its own length in symbols.
    tokens: Vec<(u32, u32)>,
}

/// From the lowest bit on: symbol (16 bits), base (24), the longest token on the way here (21), how many symbols ago that one ended (3).
#[derive(Debug, Clone, Copy)]
struct Node(u64);

/// A node, with how far it is from the root instead of its symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found(Node);

impl Found {
    /// Where no token may begin, because no sequence of tokens leads on from there.
    pub(crate) const DEAD: Self = Self(Node(1 << 16));

    /// May a token longer than so many symbols begin here?
    #[inline]
    pub(crate) fn may_be_longer_than(self, length: usize) -> bool {
        self.0.base() != 0 || usize::from(self.0.symbol()) - self.0.back() as usize > length
    }

    #[inline]
    pub(crate) fn is_dead(self) -> bool {
        self.0.0 == Self::DEAD.0.0
    }
}

/// No symbol: what stands at the places of single symbols, and where nothing is.
const NO_SYMBOL: u64 = 0xFFFF;
const BASE_MAX: usize = (1 << 24) - 1;
const NO_TOKEN: u64 = (1 << 21) - 1;
const BACK_MAX: u64 = 7;
const FREE: Node = Node(NO_SYMBOL | NO_TOKEN << 40);
/// How often 64 bases are tried before a node's children are put behind everything else.
const TRIES: usize = 1024;

impl Node {
    #[inline]
    fn symbol(self) -> u16 {
        self.0 as u16
    }

    #[inline]
    fn base(self) -> usize {
        (self.0 >> 16) as usize & BASE_MAX
    }

    #[inline]
    fn token(self) -> u32 {
        (self.0 >> 40 & NO_TOKEN) as u32
    }

    #[inline]
    fn back(self) -> u64 {
        self.0 >> 61
    }

    #[inline]
    fn without_base(self) -> Self {
        Self(self.0 & !((BASE_MAX as u64) << 16))
    }

    #[inline]
    fn with_symbol(self, symbol: u64) -> Self {
        Self(self.0 & !0xFFFF | symbol)
    }
}

impl Prefixes {
    /// The trie of some tokens, all below `tokens`, spelled in `symbols` symbols, each of which is a token too. `None` if it needs too many places.
    pub(crate) fn new(mut spelled: Vec<(&[u16], u32)>, symbols: usize, tokens: usize) -> Option<Self> {
        spelled.sort_unstable();
        let (drafts, tokens) = drafts(&spelled, symbols, tokens);
        let mut places = Places { taken: Bits::default(), bases: Bits::default(), first_free: symbols };
        (0..symbols).for_each(|at| places.taken.set(at));
        places.bases.set(0);
        // Nodes with many children find a place while there is room; those with one child fill the holes.
        let mut order: Vec<usize> = (0..drafts.len()).filter(|&i| !drafts[i].children.is_empty()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(drafts[i].children.len()));
        let mut bases = vec![0; drafts.len()];
        for i in order {
            let all: Vec<usize> = drafts[i].children.clone().map(|child| usize::from(drafts[child].symbol)).collect();
            bases[i] = places.place(&all)?;
        }
        let mut nodes = vec![FREE; places.taken.len() + symbols];
        for (i, draft) in drafts.iter().enumerate() {
            let (at, symbol) = match draft.parent {
                Some(parent) => (bases[parent] + usize::from(draft.symbol), u64::from(draft.symbol)),
                None => (usize::from(draft.symbol), NO_SYMBOL),
            };
            nodes[at] = Node(symbol | (bases[i] as u64) << 16 | draft.token << 40 | draft.back << 61);
        }
        Some(Self { nodes, tokens })
    }

    /// For each place in `symbols` the first steps of the search for the longest token that begins there. Nothing here waits for what is found, so that the
    /// processor looks up many places at once.
    pub(crate) fn find_all(&self, symbols: &[u16], found: &mut Vec<Found>) {
        found.clear();
        let nodes = self.nodes.as_slice();
        let step = |node: Node, symbol: u16| {
            let next = nodes[node.base() + usize::from(symbol)];
            let is_child = next.symbol() == symbol;
            (select_unpredictable(is_child, next, node.without_base()), u64::from(is_child))
        };
        found.extend(symbols.windows(3).map(|three| {
            let (node, first) = step(nodes[usize::from(three[0])], three[1]);
            let (node, second) = step(node, three[2]);
            Found(node.with_symbol(1 + first + second))
        }));
        for at in symbols.len().saturating_sub(2)..symbols.len() {
            let (mut node, mut depth) = (nodes[usize::from(symbols[at])], 1);
            for &symbol in &symbols[at + 1..] {
                let deeper;
                (node, deeper) = step(node, symbol);
                depth += deeper;
            }
            found.push(Found(node.without_base().with_symbol(depth)));
        }
    }

    /// The longest token at a place, and its length in symbols. `symbols` begin at the place.
    #[inline]
    pub(crate) fn longest(&self, found: Found, symbols: &[u16]) -> (u32, usize) {
        let mut node = found.0;
        let mut depth = usize::from(node.symbol());
        if node.base() != 0 {
            while let Some(&symbol) = symbols.get(depth) {
                let next = self.nodes[node.base() + usize::from(symbol)];
                if next.symbol() != symbol {
                    break;
                }
                node = next;
                depth += 1;
            }
        }
        let token = node.token();
        (token, if node.back() < BACK_MAX { depth - node.back() as usize } else { self.length(token) })
    }

    /// The longest token that a token begins with and is not; [`NONE`] if there is none.
    #[inline]
    pub(crate) fn shorter(&self, token: u32) -> u32 {
        self.tokens[token as usize].0
    }

    /// Length of a token in symbols.
    #[inline]
    pub(crate) fn length(&self, token: u32) -> usize {
        self.tokens[token as usize].1 as usize
    }
}

/// A node before it has a place.
struct Draft {
    symbol: u16,
    parent: Option<usize>,
    token: u64,
    back: u64,
    children: Range<usize>,
}

/// The nodes by their distance from the root, and by token the next shorter one with its length.
fn drafts(spelled: &[(&[u16], u32)], symbols: usize, tokens: usize) -> (Vec<Draft>, Vec<(u32, u32)>) {
    let mut tokens = vec![(NONE, 0); tokens];
    let single = |symbol: usize| Draft { symbol: symbol as u16, parent: None, token: NO_TOKEN, back: 0, children: 0..0 };
    let mut drafts: Vec<Draft> = (0..symbols).map(single).collect();
    let first = by_symbol(spelled, 0..spelled.len(), 0);
    let mut level: Vec<(Range<usize>, usize)> = first.map(|range| (range.clone(), usize::from(spelled[range.start].0[0]))).collect();
    let mut depth = 1;
    while !level.is_empty() {
        let mut next = Vec::new();
        for (mut range, node) in level {
            let (word, id) = &spelled[range.start];
            if word.len() == depth {
                let above = drafts[node].token;
                tokens[*id as usize] = (if above == NO_TOKEN { NONE } else { above as u32 }, depth as u32);
                (drafts[node].token, drafts[node].back) = (u64::from(*id), 0);
                range.start += 1;
            }
            let first = drafts.len();
            let (token, back) = (drafts[node].token, (drafts[node].back + 1).min(BACK_MAX));
            for child in by_symbol(spelled, range, depth) {
                let symbol = spelled[child.start].0[depth];
                next.push((child, drafts.len()));
                drafts.push(Draft { symbol, parent: Some(node), token, back, children: 0..0 });
            }
            drafts[node].children = first..drafts.len();
        }
        (level, depth) = (next, depth + 1);
    }
    (drafts, tokens)
}

/// The runs of words in a sorted range that have the same symbol at `depth`.
fn by_symbol(spelled: &[(&[u16], u32)], range: Range<usize>, depth: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = range.start;
    spelled[range].chunk_by(move |a, b| a.0[depth] == b.0[depth]).map(move |run| {
        start += run.len();
        start - run.len()..start
    })
}

/// Places of the array and bases that are in use.
struct Places {
    taken: Bits,
    bases: Bits,
    /// No place before this one is free.
    first_free: usize,
}

impl Places {
    /// Takes places for the children of a node, which have these symbols, and returns the base.
    fn place(&mut self, symbols: &[usize]) -> Option<usize> {
        while self.taken.word(self.first_free) & 1 == 1 {
            self.first_free += (self.taken.word(self.first_free).trailing_ones() as usize).max(1);
        }
        let mut base = self.first_free.saturating_sub(symbols.first().copied().unwrap_or(0)).max(1);
        for _ in 0..TRIES {
            // A bit for each of 64 bases.
            let mut taken = self.bases.word(base);
            for symbol in symbols {
                taken |= self.taken.word(base + symbol);
                if taken == u64::MAX {
                    break;
                }
            }
            if taken != u64::MAX {
                base += taken.trailing_ones() as usize;
                return self.take(base, symbols);
            }
            base += 64;
        }
        let base = self.taken.len().max(self.bases.len());
        self.take(base, symbols)
    }

    fn take(&mut self, base: usize, symbols: &[usize]) -> Option<usize> {
        self.bases.set(base);
        for symbol in symbols {
            self.taken.set(base + symbol);
        }
        (base <= BASE_MAX).then_some(base)
    }
}

/// A set of numbers.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, at: usize) {
        if at / 64 >= self.0.len() {
            self.0.resize(at / 64 + 1, 0);
        }
        self.0[at / 64] |= 1 << (at % 64);
    }

    /// 64 bits from `at` on.
    fn word(&self, at: usize) -> u64 {
        let word = |i: usize| self.0.get(i).copied().unwrap_or(0);
        let low = word(at / 64) >> (at % 64);
        if at.is_multiple_of(64) { low } else { low | word(at / 64 + 1) << (64 - at % 64) }
    }

    /// One more than the largest number, rounded up.
    fn len(&self) -> usize {
        self.0.len() * 64
    }
}
