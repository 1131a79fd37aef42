//! `[split]`: documents that are held out of training, family by family.

use std::collections::BTreeSet;

use seimai::pack::Pack;

use crate::harness::{World, manifest, rows, strings, tree};

/// Families of three: a text, one that shares too little of it to be its near-duplicate, and between them one that repeats both. The third is
/// removed; the other two stay and belong together.
fn write_families(world: &World) {
    // Sentences that share no stretch of five characters.
    let sentence = |family: usize, n: usize, changed: bool| -> String {
        let mut state = (family * 1000 + n * 2 + usize::from(changed)) as u64;
        let mut next = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            char::from_u32(0x4E00 + ((mixed ^ mixed >> 27) >> 20) as u32 % 5000).unwrap()
        };
        (0..30).map(|_| next()).chain(['。']).collect()
    };
    let text =
        |family: usize, changed: std::ops::Range<usize>| (0..30).map(|n| sentence(family, n, changed.contains(&n))).collect::<String>();
    let mut lines = Vec::new();
    for (member, changed) in [("first", 0..0), ("far", 0..5), ("between", 0..3)] {
        for family in 0..60 {
            let id = format!("{member}-{family}");
            lines.push(serde_json::json!({"id": id, "text": text(family, changed.clone())}).to_string());
        }
    }
    world.write("in.jsonl", lines.join("\n"));
}

const PLAN: &str = "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[shards]\nrows_max = 50\n\
                    [tokenizer]\nvocab_size = 400\n[pack]\nsequence_length = 128\n";

fn run(world: &World, out: &str, more: &[&str]) {
    let (code, _, err) = world.run(&[&["run", "plan.toml", "--out", out, "--progress", "none"], more].concat());
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = world.run(&["verify", out]);
    assert_eq!(code, 0, "{err}");
}

fn shingles(text: &str) -> BTreeSet<Vec<char>> {
    let folded: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    folded.windows(5).map(<[char]>::to_vec).collect()
}

#[test]
fn families_are_held_out_together_and_nothing_trained_on_is_near() {
    let world = World::new();
    write_families(&world);
    world.write("plan.toml", format!("{PLAN}[split]\nvalidation = 0.3\n"));
    run(&world, "out", &["--threads", "2"]);
    let ids = |dir: &str| strings(&rows(&world.path("out").join(dir)), "doc_id");
    let (training, validation, rejected) = (ids("documents"), ids("validation/documents"), ids("rejected"));
    assert_eq!((training.len() + validation.len(), rejected.len()), (120, 60), "{rejected:?}");
    assert!((20..=54).contains(&validation.len()), "{}", validation.len());
    let family = |id: &String| id.rsplit_once('-').unwrap().1.to_owned();
    let held: BTreeSet<String> = validation.iter().map(family).collect();
    assert!(training.iter().all(|id| !held.contains(&family(id))), "a family stands on both sides");
    let sets = |dir: &str| strings(&rows(&world.path("out").join(dir)), "text").iter().map(|text| shingles(text)).collect::<Vec<_>>();
    let (on, out) = (sets("documents"), sets("validation/documents"));
    for (a, b) in out.iter().flat_map(|a| on.iter().map(move |b| (a, b))) {
        let common = a.intersection(b).count();
        assert!((common as f64) < 0.8 * (a.len() + b.len() - common) as f64);
    }

    // Figures, tokens and packs of each side.
    let said = manifest(&world.path("out"));
    assert_eq!((said["totals"]["kept"].as_u64(), said["validation"]["kept"].as_u64()), (Some(120), Some(validation.len() as u64)));
    for (dir, documents) in [("", training.len()), ("validation", validation.len())] {
        let dir = world.path("out").join(dir);
        assert_eq!(strings(&rows(&dir.join("tokens")), "doc_id"), strings(&rows(&dir.join("documents")), "doc_id"));
        let pack = Pack::open(&dir.join("pack")).unwrap();
        pack.verify().unwrap();
        assert_eq!(pack.info().totals.documents, documents as u64);
    }
    for figure in ["/kept", "/kept_bytes", "/kept_characters", "/tokens", "/pack/rows", "/pack/tokens", "/pack/padding", "/pack/pieces"] {
        let mut told = said.clone();
        let value = told.pointer_mut(&format!("/validation{figure}")).unwrap();
        *value = (value.as_u64().unwrap() + 1).into();
        let bytes = serde_json::to_vec(&told).unwrap();
        world.write("out/manifest.json", &bytes);
        world.write("out/_SUCCESS", format!("blake3 {} manifest.json\n", blake3::hash(&bytes).to_hex()));
        let (code, verified, err) = world.run(&["verify", "out", "--progress", "none"]);
        assert!(code == 3 && verified.contains("damaged"), "{figure}: {verified}{err}");
    }
    let (code, out, err) = world.run(&["inspect", "out", &validation[0]]);
    assert!(code == 0 && out.contains("validation/documents"), "{out}{err}");
}

#[test]
fn what_is_held_out_depends_on_the_ids_and_on_nothing_else() {
    let world = World::new();
    write_families(&world);
    world.write("plan.toml", format!("{PLAN}[split]\nvalidation = 0.1\n"));
    run(&world, "one", &["--threads", "1"]);
    run(&world, "two", &["--threads", "2", "--memory", "256MiB"]);
    assert_eq!(tree(&world.path("one")), tree(&world.path("two")));
    // Switched on, changed and switched off in place.
    world.write("plan.toml", PLAN);
    run(&world, "none", &[]);
    run(&world, "one", &[]);
    assert_eq!(tree(&world.path("one")), tree(&world.path("none")));
    world.write("plan.toml", format!("{PLAN}[split]\nvalidation = 0.1\n"));
    run(&world, "none", &[]);
    assert_eq!(tree(&world.path("none")), tree(&world.path("two")));
    let smaller: BTreeSet<String> = strings(&rows(&world.path("two/validation/documents")), "doc_id").into_iter().collect();
    run(&world, "two", &["--set", "split.validation=0.3"]);
    let larger: BTreeSet<String> = strings(&rows(&world.path("two/validation/documents")), "doc_id").into_iter().collect();
    assert!(!smaller.is_empty() && smaller.len() < larger.len() && smaller.is_subset(&larger));

    // A directory of somebody else's under validation/ is not removed.
    world.write("two/validation/notes.txt", "mine");
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "two", "--progress", "none"]);
    assert!(code == 2 && err.contains("not made by a run"), "{err}");

    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "new", "--set", "dedup.near=false"]);
    assert!(code == 2 && err.contains("split.validation needs dedup.near"), "{err}");
}
