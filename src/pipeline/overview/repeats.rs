//! Clusters of duplicates: how large they are, and the largest with texts.

use std::collections::BTreeMap;

use super::candidates::{First, Row};
use super::excerpt::beginning;

/// Clusters that are shown, and documents of each beside the one that stays.
const CLUSTERS: usize = 5;
const MEMBERS: usize = 2;
/// Bytes of a text that are shown and compared.
const TEXT: usize = 24_000;

/// A document of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Copy {
    /// Its doc_id.
    pub doc_id: String,
    /// Index of its source.
    pub source: usize,
    /// Why it went, `exact` or `near`, with figures; empty for the one that stays.
    pub evidence: String,
    /// Its text, without what stands behind a limit.
    pub text: String,
}

/// A cluster that is shown.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its documents, the one that stays among them.
    pub size: u32,
    /// The one that stays.
    pub anchor: Copy,
    /// The first of the others.
    pub members: Vec<Copy>,
}

/// Clusters of a run.
#[derive(Debug, Clone, Default)]
pub struct Repeats {
    /// Clusters by the binary logarithm of their documents, rounded down: 2 to 3, 4 to 7 and so on.
    pub sizes: Vec<u64>,
    /// The largest.
    pub largest: Vec<Cluster>,
}

/// Clusters that are being looked for: first the documents that stay, then the others.
pub(super) struct Finding {
    sizes: Vec<u64>,
    anchors: First<(u32, Copy)>,
    found: Vec<(Row, Cluster)>,
    members: Vec<First<Copy>>,
    by_anchor: BTreeMap<String, usize>,
}

impl Finding {
    pub(super) fn new() -> Self {
        Self { sizes: Vec::new(), anchors: First::new(CLUSTERS), found: Vec::new(), members: Vec::new(), by_anchor: BTreeMap::new() }
    }

    /// A document that stays, and how many it stands for.
    pub(super) fn stays(&mut self, place: Row, size: u32, doc_id: &str, source: usize) {
        if size < 2 {
            return;
        }
        let bin = size.ilog2() as usize;
        if self.sizes.len() <= bin {
            self.sizes.resize(bin + 1, 0);
        }
        self.sizes[bin] += 1;
        let key = u64::from(u32::MAX - size);
        self.anchors.offer(key, place, || (size, Copy { doc_id: doc_id.to_owned(), source, ..Copy::default() }));
    }

    /// All that stay have been seen.
    pub(super) fn others_follow(&mut self) {
        for (place, (size, anchor)) in std::mem::replace(&mut self.anchors, First::new(0)).finish() {
            self.by_anchor.insert(anchor.doc_id.clone(), self.found.len());
            self.members.push(First::new(MEMBERS));
            self.found.push((place, Cluster { size, anchor, members: Vec::new() }));
        }
    }

    /// A document that went. Those that are not the same tell more.
    pub(super) fn went(&mut self, place: Row, of: &str, doc_id: &str, source: usize, (rule, evidence): (&str, &str)) {
        if let Some(members) = self.by_anchor.get(of).and_then(|&n| self.members.get_mut(n)) {
            let evidence = || if evidence.is_empty() { rule.to_owned() } else { format!("{rule}: {evidence}") };
            let copy = || Copy { doc_id: doc_id.to_owned(), source, evidence: evidence(), text: String::new() };
            members.offer(u64::from(rule == "exact"), place, copy);
        }
    }

    /// The clusters, and where the texts of their documents are: the cluster, and 0 for the one that stays, else 1 and more.
    pub(super) fn finish(self) -> (Repeats, Vec<(Row, usize, usize)>) {
        let mut places = Vec::new();
        let mut largest = Vec::new();
        for (n, ((place, mut cluster), members)) in self.found.into_iter().zip(self.members).enumerate() {
            places.push((place, n, 0));
            for (place, copy) in members.finish() {
                cluster.members.push(copy);
                places.push((place, n, cluster.members.len()));
            }
            largest.push(cluster);
        }
        (Repeats { sizes: self.sizes, largest }, places)
    }
}

impl Repeats {
    /// The text of a document is there.
    pub(super) fn text(&mut self, cluster: usize, copy: usize, text: &str) {
        let Some(cluster) = self.largest.get_mut(cluster) else { return };
        let copy = match copy.checked_sub(1) {
            None => Some(&mut cluster.anchor),
            Some(n) => cluster.members.get_mut(n),
        };
        if let Some(copy) = copy {
            beginning(text, TEXT).clone_into(&mut copy.text);
        }
    }
}
