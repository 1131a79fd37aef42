//! Builds the trie: a double array over character codes in which each node stores its label instead of its parent.
//!
//! The label is enough to know the parent, because no two nodes with children have the same base. Frequent characters have small
//! codes, so the children of the root, which stand at the indices of their codes, fill few cache lines. Nodes with many children are
//! given their slots first; single children fill the free slots that are left.

use std::cmp::Reverse;

use crate::segment::exact::packed::{NO_CODE, TrieNode};

/// The base of nodes without children; no node with children has it.
const DEAD: u32 = 1;

/// A surface: its codes, and the value of its node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TrieKey {
    /// Index of its first code in the shared array.
    pub(crate) from: u32,
    /// Index after its last code.
    pub(crate) to: u32,
    /// Value of its node.
    pub(crate) value: u32,
}

/// Nodes for distinct keys in the order of their characters (not codes). `codes` counts codes, 0 included. `None` if
/// the trie outgrows the bases.
pub(crate) fn build(keys: &[TrieKey], text: &[u16], codes: u32) -> Option<Vec<u64>> {
    let mut tree = grow(keys, text);
    let mut families: Vec<u32> = (1..tree.len() as u32).filter(|&n| tree[n as usize].children > 0).collect();
    families.sort_by_key(|&n| Reverse(tree[n as usize].children));
    let mut array = Array::new(codes as usize);
    array.adopt(&tree, 0, 0);
    tree[0].base = 0;
    let mut size = 0;
    for n in families {
        let parent = &tree[n as usize];
        if parent.children != size {
            (size, array.cursor) = (parent.children, array.next[0] as usize);
        }
        let base = array.find_base(parent.family(&tree))?;
        array.adopt(&tree, n as usize, base as usize);
        tree[n as usize].base = base;
    }
    Some(array.finish(&tree, codes as usize))
}

/// A node before it has a slot. Its children stand next to each other, sorted by code.
struct Branch {
    code: u16,
    value: u32,
    base: u32,
    first_child: u32,
    children: u32,
    /// The range of keys below it, which agree in their first `depth` codes.
    keys: (u32, u32),
    depth: u32,
}

impl Branch {
    fn new(code: u16, depth: u32, keys: (u32, u32)) -> Self {
        Self { code, value: 0, base: DEAD, first_child: 0, children: 0, keys, depth }
    }

    fn family<'a>(&self, tree: &'a [Self]) -> &'a [Self] {
        &tree[self.first_child as usize..][..self.children as usize]
    }
}

/// All nodes, breadth first; the root is node 0.
fn grow(keys: &[TrieKey], text: &[u16]) -> Vec<Branch> {
    let mut tree = vec![Branch::new(0, 0, (0, keys.len() as u32))];
    let mut at = 0;
    while at < tree.len() {
        let (depth, (from, to)) = (tree[at].depth, tree[at].keys);
        let first_child = tree.len();
        for n in from..to {
            let key = &keys[n as usize];
            if key.from + depth == key.to {
                tree[at].value = key.value;
                continue;
            }
            let code = text[(key.from + depth) as usize];
            match tree[first_child..].last_mut() {
                Some(last) if last.code == code => last.keys.1 = n + 1,
                _ => tree.push(Branch::new(code, depth + 1, (n, n + 1))),
            }
        }
        tree[at].first_child = first_child as u32;
        tree[at].children = (tree.len() - first_child) as u32;
        tree[first_child..].sort_unstable_by_key(|child| child.code);
        at += 1;
    }
    tree
}

/// The slots of the double array. The free ones form a linked list, a ring through slot 0.
struct Array {
    /// Slots below this are reserved for the children of the root and not in the ring.
    reserved: usize,
    /// Index in the tree + 1; 0 = free.
    branches: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    used_bases: Vec<bool>,
    /// Where the next search begins.
    cursor: usize,
}

impl Array {
    fn new(codes: usize) -> Self {
        let mut array = Self {
            reserved: codes,
            branches: vec![0; codes],
            next: vec![0; codes],
            previous: vec![0; codes],
            used_bases: vec![true; 2],
            cursor: codes,
        };
        array.extend(2 * codes);
        array
    }

    fn extend(&mut self, to: usize) {
        while self.branches.len() < to {
            let (slot, last) = (self.branches.len() as u32, self.previous[0]);
            self.branches.push(0);
            self.next.push(0);
            self.previous.push(last);
            self.next[last as usize] = slot;
            self.previous[0] = slot;
        }
    }

    /// A base at which all children of a node fall into free slots. Nodes with equal numbers of children come one after another, and
    /// where one did not fit, the next is not tried.
    fn find_base(&mut self, family: &[Branch]) -> Option<u32> {
        let first = usize::from(family.first()?.code);
        let fits = |array: &Self, slot: usize| {
            let base = slot - first;
            let free = |child: &Branch| array.branches.get(base + usize::from(child.code)).is_none_or(|&branch| branch == 0);
            !array.used_bases.get(base).copied().unwrap_or(false) && family.iter().all(free)
        };
        let mut slot = self.cursor;
        while slot != 0 && !fits(self, slot) {
            slot = self.next[slot] as usize;
        }
        self.cursor = slot;
        if slot == 0 {
            slot = self.branches.len();
            while !fits(self, slot) {
                slot += 1;
            }
        }
        let base = slot - first;
        if self.used_bases.len() <= base {
            self.used_bases.resize(base + 1, false);
        }
        self.used_bases[base] = true;
        u32::try_from(base).ok().filter(|&base| base <= TrieNode::MAX_BASE)
    }

    /// Puts the children of node `n` into their slots.
    fn adopt(&mut self, tree: &[Branch], n: usize, base: usize) {
        for (child, branch) in tree[n].family(tree).iter().zip(tree[n].first_child..) {
            let slot = base + usize::from(child.code);
            self.extend(slot + 1);
            self.branches[slot] = branch + 1;
            if slot >= self.reserved {
                let (next, previous) = (self.next[slot], self.previous[slot]);
                self.next[previous as usize] = next;
                self.previous[next as usize] = previous;
                if self.cursor == slot {
                    self.cursor = next as usize;
                }
            }
        }
        if self.cursor == 0 {
            self.cursor = self.previous[0] as usize;
        }
    }

    fn finish(self, tree: &[Branch], codes: usize) -> Vec<u64> {
        let empty = TrieNode::new(NO_CODE, DEAD, 0).0;
        let node = |&branch: &u32| match tree.get((branch as usize).wrapping_sub(1)) {
            Some(branch) => TrieNode::new(u32::from(branch.code), branch.base, branch.value).0,
            None => empty,
        };
        let last = self.branches.iter().rposition(|&branch| branch != 0).unwrap_or(0);
        let mut nodes: Vec<u64> = self.branches[..=last].iter().map(node).collect();
        // Every base plus every code must be the index of a node.
        nodes.resize((last + 1 + codes).max(2 * codes), empty);
        nodes
    }
}
