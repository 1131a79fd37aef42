//! Decides which documents are removed, and which kept document each of them duplicates.
//!
//! Documents are looked at in order. A document is removed if an earlier one that is *kept* (its anchor) is similar enough. So the
//! decision on a document depends only on documents before it, every removed document names a kept one that is similar to it,
//! and a chain A ~ B ~ C … of slowly changing documents is not removed down to A.
//!
//! Lists of documents that go are read and written in order, and lie on disk where they are long: memory holds a bit for each document of
//! a pair, and the forest of families.

use std::collections::{BTreeMap, BTreeSet};

use crate::dedup::candidates::Pair;
use crate::dedup::edge::Edge;
use crate::dedup::family::Member;
use crate::dedup::marks::Marks;
use crate::dedup::verdict::{Affected, Kind, Verdict};
use crate::error::{Error, Result};
use crate::io::{Ascending, Reader, Sorted, SortedRuns, Staging};

/// Calls its argument with every verified pair: by the later document, the most similar first, then by the earlier one. Called more than once.
pub(crate) type Edges<'a> = dyn Fn(&mut dyn FnMut(Edge)) -> Result<()> + 'a;

/// Where lists are put that are long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aside<'a> {
    pub(crate) staging: &'a Staging,
    /// Bytes of memory for each list.
    pub(crate) memory: u64,
}

/// What deduplication decides on all documents.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The verdicts on all documents that go, by ordinal.
    pub(crate) removed: Sorted<Affected>,
    /// Kept documents that belong together although none of them was removed for another: a chain of verified pairs leads from each to
    /// the first of its family, its end documents perhaps less similar than the threshold. Each with that first kept document, by ordinal;
    /// documents without family, and the first of each, are not here.
    pub(crate) families: Sorted<Member>,
}

/// The verdicts on all documents that go, and the families of those that stay.
///
/// `copies`: each document with the text of an earlier one, paired with the first document that has this text (which is itself no
/// copy). `edges`: verified pairs of documents that are no copies; none begins with a document that was removed `before`. That gives the
/// verdict of an earlier search on a document that it removed.
///
/// # Errors
/// Those of `edges`; I/O.
pub(crate) fn decide(
    copies: &Sorted<Pair>,
    edges: &Edges<'_>,
    before: &dyn Fn(u64) -> Option<Verdict>,
    aside: Aside<'_>,
) -> Result<Decided> {
    let near = remove(edges, Kind::Near, aside)?;
    let families = families(edges, &near, aside)?;
    let mut copied = SortedRuns::new(aside.staging, aside.memory);
    let mut of_first = Lookup::new(&near)?;
    copies.each(&mut |copy: Pair| {
        // If the first document with this text is removed, its copies get the same anchor, for the same reason.
        let verdict = match of_first.find(copy.first)?.or_else(|| before(copy.first)) {
            Some(Verdict::Removed { duplicate_of, jaccard, .. }) => Verdict::Removed { kind: Kind::NearCopy, duplicate_of, jaccard },
            _ => Verdict::Removed { kind: Kind::Exact, duplicate_of: copy.first, jaccard: 1.0 },
        };
        copied.push(Affected { ordinal: copy.second, verdict });
        copied.check()
    })?;
    Ok(Decided { removed: merge(&near, &copied.finish()?, aside)?, families })
}

/// The same after further documents went because of `edges`, all of documents that were kept: whom such a document stood for names the one
/// that now stands for both, for the same reason.
///
/// # Errors
/// Those of `edges`; I/O.
pub(crate) fn decide_further(decided: Decided, edges: &Edges<'_>, kind: Kind, aside: Aside<'_>) -> Result<Decided> {
    let Decided { removed, families } = decided;
    let further = remove(edges, kind, aside)?;
    let families = if further.is_empty() { families } else { join_families(&families, &further)? };
    // Whoever names one that goes now, by the one that goes, then by his own place.
    let (mut moved, mut of_anchor) = (SortedRuns::new(aside.staging, aside.memory), Lookup::new(&further)?);
    by_anchor(&removed, aside)?.each(&mut |pair: Pair| {
        if let Some(verdict) = of_anchor.find(pair.first)? {
            moved.push(Affected { ordinal: pair.second, verdict });
        }
        moved.check()
    })?;
    let moved = merge(&moved.finish()?, &further, aside)?;
    Ok(Decided { removed: merge(&moved, &removed, aside)?, families })
}

/// A document that goes joins its family with that of the one that stands for it, and leaves it. Held in memory: few go so late.
fn join_families(families: &Sorted<Member>, further: &Sorted<Affected>) -> Result<Sorted<Member>> {
    let (mut first_of, mut members) = (BTreeMap::new(), BTreeMap::<u64, Vec<u64>>::new());
    families.each(&mut |Member { ordinal, first }| {
        first_of.insert(ordinal, first);
        members.entry(first).or_default().push(ordinal);
        Ok(())
    })?;
    let mut gone = BTreeSet::new();
    further.each(&mut |affected| {
        gone.insert(affected.ordinal);
        let of = |document: u64| first_of.get(&document).copied().unwrap_or(document);
        let (a, b) = (of(affected.ordinal), of(affected.anchor()));
        let (first, other) = (a.min(b), a.max(b));
        if first != other {
            let moved: Vec<u64> = members.remove(&other).unwrap_or_default().into_iter().chain([other]).collect();
            first_of.extend(moved.iter().map(|&document| (document, first)));
            members.entry(first).or_default().extend(moved);
        }
        Ok(())
    })?;
    // The first of a family is kept: one that goes is not the first of what it joins, but it may be of what is left.
    let mut kept_first: BTreeMap<u64, u64> = BTreeMap::new();
    for (&document, &first) in first_of.iter().filter(|(document, first)| gone.contains(first) && !gone.contains(document)) {
        kept_first.entry(first).or_insert(document);
    }
    let kept = first_of.into_iter().filter(|(document, _)| !gone.contains(document));
    let named = kept.map(|(ordinal, first)| Member { ordinal, first: kept_first.get(&first).copied().unwrap_or(first) });
    Ok(Sorted::Held(named.filter(|member| member.ordinal != member.first).collect()))
}

/// The kept documents that verified pairs join, each with the first kept one of its family; `removed` is sorted by ordinal.
fn families(edges: &Edges<'_>, removed: &Sorted<Affected>, aside: Aside<'_>) -> Result<Sorted<Member>> {
    let mut documents = Marks::default();
    edges(&mut |edge| [edge.pair.first, edge.pair.second].into_iter().for_each(|document| documents.set(document)))?;
    let documents = documents.placed();
    // A forest over the places of documents; a root is the least place of its tree, so that it is the earliest document.
    let mut parents: Vec<u32> = (0..documents.len()).collect();
    edges(&mut |edge| {
        let [a, b] = [edge.pair.first, edge.pair.second].map(|document| root(&mut parents, documents.place(document)));
        parents[a.max(b) as usize] = a.min(b);
    })?;
    // The earliest document of a tree is kept: a removed one names an earlier kept one that it is paired with. Members by the place of the first.
    let (mut by_first, mut removed) = (SortedRuns::new(aside.staging, aside.memory), Lookup::new(removed)?);
    for (document, place) in documents.each().zip(0..) {
        let first = root(&mut parents, place);
        if first != place && removed.find(document)?.is_none() {
            by_first.push(Pair { first: u64::from(first), second: document });
            by_first.check()?;
        }
    }
    drop(parents);
    // Both are in the order of places: each first is met once.
    let (by_first, mut firsts) = (by_first.finish()?, documents.each().zip(0_u64..));
    let (mut members, mut met) = (SortedRuns::new(aside.staging, aside.memory), None);
    by_first.each(&mut |pair: Pair| {
        while met.is_none_or(|(_, place)| place < pair.first) {
            met = Some(firsts.next().ok_or_else(|| Error::internal("a family without a first document"))?);
        }
        if let Some((first, _)) = met {
            members.push(Member { ordinal: pair.second, first });
        }
        members.check()
    })?;
    members.finish()
}

fn root(parents: &mut [u32], mut at: u32) -> u32 {
    while parents[at as usize] != at {
        parents[at as usize] = parents[parents[at as usize] as usize];
        at = parents[at as usize];
    }
    at
}

/// Documents that are removed because of a verified pair, in order: each by its best pair with one that is kept.
fn remove(edges: &Edges<'_>, kind: Kind, aside: Aside<'_>) -> Result<Sorted<Affected>> {
    let (mut removed, mut is_removed) = (Ascending::new(aside.staging, aside.memory), Marks::default());
    let mut failed = None;
    edges(&mut |edge| {
        let Pair { first, second } = edge.pair;
        if !is_removed.has(second) && !is_removed.has(first) && failed.is_none() {
            is_removed.set(second);
            let verdict = Verdict::Removed { kind, duplicate_of: first, jaccard: edge.jaccard as f32 };
            failed = removed.push(Affected { ordinal: second, verdict }).err();
        }
    })?;
    failed.map_or_else(|| removed.finish(), Err)
}

/// What goes, and with it what stands for it, in order.
///
/// # Errors
/// I/O.
pub(crate) fn with_anchors(removed: &Sorted<Affected>, aside: Aside<'_>) -> Result<Sorted<Affected>> {
    let mut anchors = Ascending::new(aside.staging, aside.memory);
    let mut open: Option<(u64, u32)> = None;
    let anchor = |(ordinal, size): (u64, u32)| Affected { ordinal, verdict: Verdict::Anchor { size } };
    by_anchor(removed, aside)?.each(&mut |pair: Pair| {
        match &mut open {
            Some((ordinal, size)) if *ordinal == pair.first => *size = size.saturating_add(1),
            _ => open.replace((pair.first, 2)).map_or(Ok(()), |done| anchors.push(anchor(done)))?,
        }
        Ok(())
    })?;
    open.map_or(Ok(()), |done| anchors.push(anchor(done)))?;
    merge(removed, &anchors.finish()?, aside)
}

/// Whom each document that stands for others stands for.
fn by_anchor(removed: &Sorted<Affected>, aside: Aside<'_>) -> Result<Sorted<Pair>> {
    let mut pairs = SortedRuns::new(aside.staging, aside.memory);
    removed.each(&mut |affected| {
        pairs.push(Pair { first: affected.anchor(), second: affected.ordinal });
        pairs.check()
    })?;
    pairs.finish()
}

/// Two lists as one; of a document that is in both, what the first one says.
fn merge(one: &Sorted<Affected>, other: &Sorted<Affected>, aside: Aside<'_>) -> Result<Sorted<Affected>> {
    let (mut all, mut rest) = (Ascending::new(aside.staging, aside.memory), other.reader());
    let mut next = rest.next()?;
    one.each(&mut |affected| {
        while let Some(before) = next.filter(|next| next.ordinal < affected.ordinal) {
            all.push(before)?;
            next = rest.next()?;
        }
        if next.is_some_and(|next| next.ordinal == affected.ordinal) {
            next = rest.next()?;
        }
        all.push(affected)
    })?;
    while let Some(last) = next {
        all.push(last)?;
        next = rest.next()?;
    }
    all.finish()
}

/// Verdicts that are asked for by ascending ordinals.
struct Lookup<'r> {
    reader: Reader<'r, Affected>,
    next: Option<Affected>,
}

impl<'r> Lookup<'r> {
    fn new(list: &'r Sorted<Affected>) -> Result<Self> {
        let mut reader = list.reader();
        let next = reader.next()?;
        Ok(Self { reader, next })
    }

    /// The verdict on a document, which stands not before the one that was asked for last.
    fn find(&mut self, ordinal: u64) -> Result<Option<Verdict>> {
        while self.next.is_some_and(|next| next.ordinal < ordinal) {
            self.next = self.reader.next()?;
        }
        Ok(self.next.filter(|next| next.ordinal == ordinal).map(|next| next.verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(first: u64, second: u64, jaccard: f64) -> Edge {
        Edge { pair: Pair { first, second }, jaccard }
    }

    /// All affected documents, and families.
    struct Told {
        affected: Vec<Affected>,
        families: Vec<(u64, u64)>,
    }

    fn decide(mut copies: Vec<Pair>, mut edges: Vec<Edge>) -> Told {
        let dir = tempfile::tempdir().unwrap();
        let aside = Aside { staging: &Staging::new(dir.path()).unwrap(), memory: 0 };
        copies.sort_unstable();
        edges.sort_by(|a, b| a.pair.second.cmp(&b.pair.second).then(b.jaccard.total_cmp(&a.jaccard)).then(a.pair.first.cmp(&b.pair.first)));
        let edges = |visit: &mut dyn FnMut(Edge)| {
            for &edge in &edges {
                visit(edge);
            }
            Ok(())
        };
        let Decided { removed, families } = super::decide(&Sorted::Held(copies), &edges, &|_| None, aside).unwrap();
        let mut affected = Vec::new();
        with_anchors(&removed, aside)
            .unwrap()
            .each(&mut |one| {
                affected.push(one);
                Ok(())
            })
            .unwrap();
        let mut told = Vec::new();
        families
            .each(&mut |member| {
                told.push((member.ordinal, member.first));
                Ok(())
            })
            .unwrap();
        Told { affected, families: told }
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
