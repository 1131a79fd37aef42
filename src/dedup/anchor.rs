//! Decides which documents are removed, and which kept document each of them duplicates.
//!
//! Documents are looked at in order. A document is removed if an earlier one that is *kept* (its anchor) is similar enough. So the
//! decision on a document depends only on documents before it, every removed document names a kept one that is similar to it,
//! and a chain A ~ B ~ C … of slowly changing documents is not removed down to A.

use std::collections::BTreeMap;

use crate::dedup::candidates::Pair;
use crate::dedup::marks::Marks;
use crate::error::Result;

/// Calls its argument with every verified pair: by the later document, the most similar first, then by the earlier one. Called more than once.
pub type Edges<'a> = dyn Fn(&mut dyn FnMut(Edge)) -> Result<()> + 'a;

/// A verified pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The two documents.
    pub pair: Pair,
    /// Their exact Jaccard similarity.
    pub jaccard: f64,
}

/// Why a document was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A kept document has the very same text.
    Exact,
    /// A kept document is similar enough.
    Near,
    /// A removed document has the very same text, and a kept one is similar enough to both.
    NearCopy,
    /// A kept document has the same kanji in another orthography; or it stands for one that has, and did stand for this one.
    Orthography,
}

/// What deduplication decides on a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It is removed.
    Removed {
        /// Same text or similar text.
        kind: Kind,
        /// Ordinal of the kept document it duplicates, always an earlier one.
        duplicate_of: u64,
        /// Jaccard similarity to that one; 1 for the same text.
        jaccard: f32,
    },
    /// It is kept and has duplicates.
    Anchor {
        /// 1 + the number of removed documents that name it.
        size: u32,
    },
}

/// A document with a verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affected {
    /// The document.
    pub ordinal: u64,
    /// Its verdict.
    pub verdict: Verdict,
}

impl Kind {
    /// The rule under which `decide` rejects the document.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Near | Self::NearCopy => "near",
            Self::Orthography => "orthography",
        }
    }
}

impl Affected {
    /// The kept document that this one duplicates; for an anchor, itself.
    pub const fn anchor(&self) -> u64 {
        match self.verdict {
            Verdict::Removed { duplicate_of, .. } => duplicate_of,
            Verdict::Anchor { .. } => self.ordinal,
        }
    }

    /// Similarity to the anchor; 1 for an anchor.
    pub const fn jaccard(&self) -> f32 {
        match self.verdict {
            Verdict::Removed { jaccard, .. } => jaccard,
            Verdict::Anchor { .. } => 1.0,
        }
    }

    /// 1 + the removed documents that name this one; 0 for a removed document.
    pub const fn size(&self) -> u32 {
        match self.verdict {
            Verdict::Removed { .. } => 0,
            Verdict::Anchor { size } => size,
        }
    }
}

/// What deduplication decides on all documents.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decided {
    /// The verdicts on all affected documents, by ordinal.
    pub affected: Vec<Affected>,
    /// Kept documents that belong together although none of them was removed for another: a chain of verified pairs leads from each to
    /// the first of its family, its end documents perhaps less similar than the threshold. Each with that first kept document, by ordinal;
    /// documents without family, and the first of each, are not here.
    pub families: Vec<(u64, u64)>,
}

/// The verdicts on all affected documents, and the families of those that stay.
///
/// `copies`: each document with the text of an earlier one, paired with the first document that has this text (which is itself no
/// copy). `edges`: verified pairs of documents that are no copies; none begins with a document that was removed `before`. That gives the
/// verdict of an earlier search on a document that it removed.
///
/// # Errors
/// Those of `edges`.
pub fn decide(mut copies: Vec<Pair>, edges: &Edges<'_>, before: &dyn Fn(u64) -> Option<Verdict>) -> Result<Decided> {
    copies.sort_unstable_by_key(|pair| pair.second);
    let mut removed = remove(edges, Kind::Near)?;
    let families = families(edges, &removed)?;
    let near = removed.len();
    removed.reserve_exact(copies.len());
    for copy in copies {
        // If the first document with this text is removed, its copies get the same anchor, for the same reason.
        let verdict = match find(&removed[..near], copy.first).or_else(|| before(copy.first)) {
            Some(Verdict::Removed { duplicate_of, jaccard, .. }) => Verdict::Removed { kind: Kind::NearCopy, duplicate_of, jaccard },
            _ => Verdict::Removed { kind: Kind::Exact, duplicate_of: copy.first, jaccard: 1.0 },
        };
        removed.push(Affected { ordinal: copy.second, verdict });
    }
    let anchors = anchors(&removed);
    // What grows with the number of duplicates is large where they are many: not doubled for a few more.
    removed.reserve_exact(anchors.len());
    removed.extend(anchors);
    removed.sort_unstable_by_key(|affected| affected.ordinal);
    Ok(Decided { affected: removed, families })
}

/// Decides on what is left by other pairs, of documents that are kept. Those that a document stands for which goes now get its anchor, for
/// its reason.
///
/// # Errors
/// Those of `edges`.
pub fn decide_further(decided: Decided, edges: &Edges<'_>, kind: Kind) -> Result<Decided> {
    let Decided { affected, mut families } = decided;
    let further = remove(edges, kind)?;
    if further.is_empty() {
        return Ok(Decided { affected, families });
    }
    let mut removed: Vec<Affected> = Vec::with_capacity(affected.len() + 2 * further.len());
    for Affected { ordinal, verdict } in affected {
        if let Verdict::Removed { duplicate_of, .. } = verdict {
            removed.push(Affected { ordinal, verdict: find(&further, duplicate_of).unwrap_or(verdict) });
        }
    }
    join_families(&mut families, &further);
    removed.extend(further);
    removed.extend(anchors(&removed));
    removed.sort_unstable_by_key(|affected| affected.ordinal);
    Ok(Decided { affected: removed, families })
}

/// A document that goes joins its family with that of the one that stands for it, and leaves it.
fn join_families(families: &mut Vec<(u64, u64)>, gone: &[Affected]) {
    let mut first_of: BTreeMap<u64, u64> = families.iter().copied().collect();
    let mut members: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for &(document, first) in families.iter() {
        members.entry(first).or_default().push(document);
    }
    for affected in gone {
        let of = |first_of: &BTreeMap<u64, u64>, document: u64| first_of.get(&document).copied().unwrap_or(document);
        let (a, b) = (of(&first_of, affected.ordinal), of(&first_of, affected.anchor()));
        let (first, other) = (a.min(b), a.max(b));
        if first != other {
            let moved: Vec<u64> = members.remove(&other).unwrap_or_default().into_iter().chain([other]).collect();
            first_of.extend(moved.iter().map(|&document| (document, first)));
            members.entry(first).or_default().extend(moved);
        }
    }
    *families = first_of.into_iter().collect();
    // The first of a family is kept: one that goes is not the first of what it joins, but it may be of what is left.
    let is_gone = |document: u64| find(gone, document).is_some();
    let mut kept_first: BTreeMap<u64, u64> = BTreeMap::new();
    for &(document, first) in families.iter().filter(|(_, first)| is_gone(*first)) {
        if !is_gone(document) {
            kept_first.entry(first).or_insert(document);
        }
    }
    families.retain(|(document, _)| !is_gone(*document));
    for (_, first) in families.iter_mut() {
        *first = kept_first.get(first).copied().unwrap_or(*first);
    }
    families.retain(|(document, first)| document != first);
}

/// The kept documents that verified pairs join, each with the first kept one of its family; `removed` is sorted by ordinal.
fn families(edges: &Edges<'_>, removed: &[Affected]) -> Result<Vec<(u64, u64)>> {
    let mut documents = Marks::default();
    edges(&mut |edge| [edge.pair.first, edge.pair.second].into_iter().for_each(|document| documents.set(document)))?;
    let documents = documents.placed();
    // A forest over the places of documents; a root is the least place of its tree, so that it is the earliest document.
    let mut parents: Vec<u32> = (0..documents.len()).collect();
    edges(&mut |edge| {
        let [a, b] = [edge.pair.first, edge.pair.second].map(|document| root(&mut parents, documents.place(document)));
        parents[a.max(b) as usize] = a.min(b);
    })?;
    // The earliest document of a tree is kept: a removed one names an earlier kept one that it is paired with.
    let mut removed = removed.iter().map(|affected| affected.ordinal).peekable();
    let mut members: Vec<(u64, u32)> = Vec::new();
    for (document, place) in documents.each().zip(0..) {
        let first = root(&mut parents, place);
        while removed.next_if(|&other| other < document).is_some() {}
        if first != place && removed.peek() != Some(&document) {
            members.push((document, first));
        }
    }
    let mut firsts: Vec<u32> = members.iter().map(|(_, first)| *first).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let mut wanted = firsts.iter().peekable();
    let named: Vec<u64> =
        documents.each().zip(0..).filter(|(_, place)| wanted.next_if_eq(&place).is_some()).map(|(document, _)| document).collect();
    Ok(members.into_iter().map(|(document, first)| (document, named[firsts.partition_point(|&other| other < first)])).collect())
}

fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        parents[at as usize] = parents[parents[at as usize] as usize];
        at = parents[at as usize];
    }
    at
}

/// Documents that are removed because of a verified pair, in order: each by its best pair with one that is kept.
fn remove(edges: &Edges<'_>, kind: Kind) -> Result<Vec<Affected>> {
    let mut removed: Vec<Affected> = Vec::new();
    edges(&mut |edge| {
        let Pair { first, second } = edge.pair;
        if removed.last().is_none_or(|last| last.ordinal != second) && find(&removed, first).is_none() {
            let verdict = Verdict::Removed { kind, duplicate_of: first, jaccard: edge.jaccard as f32 };
            removed.push(Affected { ordinal: second, verdict });
        }
    })?;
    Ok(removed)
}

/// The verdict on `ordinal` in a list that is sorted by ordinal.
fn find(list: &[Affected], ordinal: u64) -> Option<Verdict> {
    list.binary_search_by_key(&ordinal, |affected| affected.ordinal).ok().map(|index| list[index].verdict)
}

/// The anchors: kept documents that removed ones name, with their numbers.
fn anchors(removed: &[Affected]) -> Vec<Affected> {
    let mut named: Vec<u64> = removed
        .iter()
        .filter_map(|affected| match affected.verdict {
            Verdict::Removed { duplicate_of, .. } => Some(duplicate_of),
            Verdict::Anchor { .. } => None,
        })
        .collect();
    named.sort_unstable();
    let size = |run: &[u64]| u32::try_from(run.len()).unwrap_or(u32::MAX).saturating_add(1);
    named.chunk_by(u64::eq).map(|run| Affected { ordinal: run[0], verdict: Verdict::Anchor { size: size(run) } }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(first: u64, second: u64, jaccard: f64) -> Edge {
        Edge { pair: Pair { first, second }, jaccard }
    }

    fn decide(copies: Vec<Pair>, mut edges: Vec<Edge>) -> Decided {
        edges.sort_by(|a, b| a.pair.second.cmp(&b.pair.second).then(b.jaccard.total_cmp(&a.jaccard)).then(a.pair.first.cmp(&b.pair.first)));
        super::decide(
            copies,
            &|visit| {
                for &edge in &edges {
                    visit(edge);
                }
                Ok(())
            },
            &|_| None,
        )
        .unwrap()
    }

    fn near(ordinal: u64, duplicate_of: u64, jaccard: f32) -> Affected {
        Affected { ordinal, verdict: Verdict::Removed { kind: Kind::Near, duplicate_of, jaccard } }
    }

    fn exact(ordinal: u64, duplicate_of: u64) -> Affected {
        Affected { ordinal, verdict: Verdict::Removed { kind: Kind::Exact, duplicate_of, jaccard: 1.0 } }
    }

    fn anchor(ordinal: u64, size: u32) -> Affected {
        Affected { ordinal, verdict: Verdict::Anchor { size } }
    }

    #[test]
    fn a_chain_does_not_collapse() {
        let edges = vec![edge(2, 3, 0.9), edge(0, 1, 0.9), edge(1, 2, 0.9)];
        let decided = decide(Vec::new(), edges);
        assert_eq!(decided.affected, [anchor(0, 2), near(1, 0, 0.9), anchor(2, 2), near(3, 2, 0.9)]);
        assert_eq!(decided.families, [(2, 0)]);
    }

    #[test]
    fn kept_documents_with_a_common_duplicate_are_a_family() {
        // 5 is paired with 1 and 4, 4 with 2 through the removed 3; 8 and 9 are a family of their own with one kept document.
        let edges = vec![edge(1, 5, 0.9), edge(4, 5, 0.8), edge(2, 3, 0.9), edge(3, 4, 0.85), edge(8, 9, 0.9)];
        let decided = decide(vec![Pair { first: 9, second: 10 }], edges);
        let kept: Vec<u64> = decided.affected.iter().filter(|affected| affected.size() > 0).map(|affected| affected.ordinal).collect();
        assert_eq!(kept, [1, 2, 8]);
        assert_eq!(decided.families, [(2, 1), (4, 1)]);
    }

    #[test]
    fn the_most_similar_kept_document_is_named_then_the_first() {
        let edges = vec![edge(0, 5, 0.8), edge(1, 5, 0.9), edge(2, 5, 0.9), edge(3, 5, 0.95), edge(0, 3, 0.85)];
        assert_eq!(decide(Vec::new(), edges).affected, [anchor(0, 2), anchor(1, 2), near(3, 0, 0.85), near(5, 1, 0.9)]);
    }

    #[test]
    fn copies_follow_the_first_document_with_their_text() {
        let copy = |ordinal| Affected { ordinal, verdict: Verdict::Removed { kind: Kind::NearCopy, duplicate_of: 1, jaccard: 0.8 } };
        let copies = vec![Pair { first: 4, second: 9 }, Pair { first: 1, second: 2 }, Pair { first: 4, second: 6 }];
        let all = decide(copies, vec![edge(1, 4, 0.8)]).affected;
        assert_eq!(all, [anchor(1, 5), exact(2, 1), near(4, 1, 0.8), copy(6), copy(9)]);
    }
}
