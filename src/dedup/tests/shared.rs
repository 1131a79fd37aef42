//! Recall and precision on sets with known answers.

use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// A file of the shared test data, or `None` after a line that says that `test` is skipped.
fn shared(test: &str, path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("SEIMAI_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let bytes = std::fs::read(root.join("data").join(path)).ok();
    if bytes.is_none() {
        crate::testing::skipped(test, &format!("shared/data/{path}"));
    }
    bytes
}

fn json_lines(bytes: &[u8]) -> Vec<Value> {
    let bytes = zstd::decode_all(bytes).unwrap();
    bytes.split(|&b| b == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn field<'a>(record: &'a Value, name: &str) -> &'a str {
    record[name].as_str().unwrap_or_default()
}

/// Ids and texts of a corpus in one shard.
fn load(bytes: &[u8]) -> (BTreeMap<String, u64>, Vec<String>) {
    let records = json_lines(bytes);
    let ids = records.iter().zip(0..).map(|(record, row)| (field(record, "id").to_owned(), row)).collect();
    (ids, records.iter().map(|record| field(record, "text").to_owned()).collect())
}

fn jaccard(one: &str, other: &str) -> f64 {
    let (one, other) = (definition(one), definition(other));
    one.intersection(&other).count() as f64 / one.union(&other).count() as f64
}

#[test]
fn neardup_is_found_whole_and_nothing_else() {
    let test = "neardup_is_found_whole_and_nothing_else";
    let (Some(documents), Some(pairs)) = (shared(test, "neardup/docs.jsonl.zst"), shared(test, "neardup/pairs.tsv")) else { return };
    let (ids, texts) = load(&documents);
    // Exhaustive from 0.4 on, in a view that keeps punctuation: id, id, similarity.
    let pairs = String::from_utf8(pairs).unwrap();
    let pairs: Vec<(u64, u64, f64)> = pairs
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|f| (ids[f[0]].min(ids[f[1]]), ids[f[0]].max(ids[f[1]]), f[2].parse().unwrap()))
        .collect();
    let listed: BTreeSet<(u64, u64)> = pairs.iter().map(|&(a, b, _)| (a, b)).collect();
    let similar: Vec<f64> = pairs.iter().map(|&(a, b, _)| jaccard(&texts[a as usize], &texts[b as usize])).collect();
    for threshold in [0.9, 0.8, 0.7] {
        let options = Options { near: Near::Threshold(threshold), ..Options::default() };
        let verdicts = run(&options, std::slice::from_ref(&texts), MEMORY, &all);
        let removed = |o| verdicts.get(o).is_some_and(|verdict| matches!(verdict, Verdict::Removed { .. }));
        for affected in verdicts.affected() {
            assert!(affected.size() > 0 || listed.contains(&(affected.anchor(), affected.ordinal)), "{affected:?}");
        }
        let due = |&(i, &(a, _, _)): &(usize, &(u64, u64, f64))| similar[i] >= threshold && !removed(a);
        let due: Vec<u64> = pairs.iter().enumerate().filter(due).map(|(_, &(_, b, _))| b).collect();
        let missed = due.iter().filter(|&&b| !removed(b)).count();
        assert!(due.len() > 30 && missed as f64 <= 0.02 * due.len() as f64, "{missed} of {} at {threshold}", due.len());
        // In the reference's own view the two definitions differ by a few hundredths at most.
        let clear = pairs.iter().filter(|&&(a, _, j)| j >= threshold + 0.05 && !removed(a));
        assert_eq!(clear.filter(|&&(_, b, _)| !removed(b)).count(), 0, "at {threshold}");
    }
}

#[test]
fn synthetic_copies_are_found_and_clean_documents_stay() {
    let test = "synthetic_copies_are_found_and_clean_documents_stay";
    let (Some(documents), Some(gold)) = (shared(test, "synth/d20k/docs.jsonl.zst"), shared(test, "synth/d20k/gold.jsonl.zst")) else {
        return;
    };
    // A quarter of it: unoptimised, the kernels are slow.
    let (_, mut texts) = load(&documents);
    let mut gold = json_lines(&gold);
    texts.truncate(5000);
    gold.truncate(5000);
    let shards: Vec<Vec<String>> = texts.chunks(1024).map(<[String]>::to_vec).collect();
    let ordinal_of = |row: usize| ordinal(row as u64 / 1024, (row % 1024) as u32);
    let verdicts = run(&Options::default(), &shards, 8 << 20, &all);
    let anchor = |row: usize| match verdicts.get(ordinal_of(row)) {
        Some(Verdict::Removed { duplicate_of, .. }) => duplicate_of,
        _ => ordinal_of(row),
    };
    let mut copies = 0;
    let mut clusters: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, record) in gold.iter().enumerate() {
        clusters.entry(field(record, "cluster")).or_default().push(row);
    }
    for (_, rows) in clusters.range("c".."d") {
        // Neighbours in a cluster that are similar enough are never both kept.
        for pair in rows.windows(2) {
            let [a, b] = [pair[0], pair[1]];
            let (one, other) = (ordinal_of(a), ordinal_of(b));
            let both = anchor(a) == one && anchor(b) == other;
            let names = [a, b].map(|row| field(&gold[row], "id"));
            assert!(!both || jaccard(&texts[a], &texts[b]) < 0.8, "{names:?} were both kept");
            copies += usize::from(anchor(b) != other);
        }
    }
    assert!(copies > 200, "{copies}");
    let clean = |&row: &usize| field(&gold[row], "kind") == "clean";
    for row in (0..gold.len()).filter(clean).filter(|&row| anchor(row) != ordinal_of(row)) {
        let twin = anchor(row);
        let twin = &shards[shard_of(twin) as usize][row_of(twin) as usize];
        assert!(jaccard(&texts[row], twin) >= 0.8, "{} is no duplicate", field(&gold[row], "id"));
    }
}
