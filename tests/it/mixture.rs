//! `[[pack.mixture]]`: how much of each source is packed.

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use seimai::pack::Pack;

use crate::harness::{World, rows, strings};

fn write_sources(world: &World) {
    let mut lines = Vec::new();
    for i in 0..400 {
        let source = ["law", "novel", "web", "web"][i % 4];
        let text = format!("{i}番の文書は{source}から来た。").repeat(1 + i % 5);
        lines.push(serde_json::json!({"id": format!("{source}-{i}"), "text": text, "source": source}).to_string());
    }
    world.write("in.jsonl", lines.join("\n"));
}

fn run(world: &World, name: &str, pack: &str) -> (i32, String) {
    world.write(
        "plan.toml",
        format!(
            "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[shards]\nrows_max = 50\n\
             [tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n{pack}"
        ),
    );
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", name, "--progress", "none"]);
    (code, err)
}

/// How often the pack holds each document, beside its source and its tokens with EOS.
fn packed(world: &World, name: &str) -> Vec<(String, i64, usize)> {
    let tokens = rows(&world.path(name).join("tokens"));
    let sources = strings(&tokens, "source");
    let lengths = tokens.iter().flat_map(|batch| batch.column_by_name("n_tokens").unwrap().as_primitive::<Int32Type>().values().to_vec());
    let mut all: Vec<_> = sources.into_iter().zip(lengths).map(|(source, n)| (source, i64::from(n) + 1, 0)).collect();
    let pack = Pack::open(&world.path(name).join("pack")).unwrap();
    let firsts: Vec<(String, usize)> = {
        let once = pack.info().shards.iter().filter(|shard| shard.take.is_none_or(|take| take == 1));
        once.scan(0, |first, shard| Some((shard.name.clone(), std::mem::replace(first, *first + shard.rows as usize)))).collect()
    };
    for document in pack.unpack().map(Result::unwrap).filter(|document| !document.input_ids.is_empty()) {
        let shard = &pack.info().shards[document.shard as usize].name;
        let first = firsts.iter().find(|(name, _)| name == shard).unwrap().1;
        all[first + document.row as usize].2 += 1;
    }
    all
}

#[test]
fn sources_are_packed_as_often_as_the_mixture_says() {
    let world = World::new();
    write_sources(&world);
    let mixture = "[[pack.mixture]]\nsource = \"law\"\nepochs = 0\n[[pack.mixture]]\nsource = \"n*\"\nepochs = 2.5\n";
    let (code, err) = run(&world, "out", mixture);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = world.run(&["verify", "out"]);
    assert_eq!(code, 0, "{err}");
    let found = packed(&world, "out");
    assert_eq!(found.len(), 400);
    let of = |name: &str| -> Vec<usize> { found.iter().filter(|(source, ..)| source == name).map(|(.., times)| *times).collect() };
    assert!(of("law").iter().all(|&times| times == 0) && of("web").iter().all(|&times| times == 1));
    let novels = of("novel");
    assert!(novels.iter().all(|times| [2, 3].contains(times)), "{novels:?}");
    assert!(novels.iter().sum::<usize>().abs_diff(250) < 25, "{novels:?}");

    let info = Pack::open(&world.path("out/pack")).unwrap().info().clone();
    let names: Vec<_> = info.mixture.iter().map(|share| share.source.as_deref()).collect();
    assert_eq!(names, [Some("law"), Some("n*"), None]);
    let tokens_of =
        |name: &str| found.iter().filter(|(source, ..)| source == name).map(|(_, tokens, times)| tokens * *times as i64).sum::<i64>();
    assert_eq!(info.mixture[1].packed_tokens as i64, tokens_of("novel"));
    assert_eq!(info.totals.tokens as i64, tokens_of("novel") + tokens_of("web"));
    assert!((info.mixture.iter().map(|share| share.share).sum::<f64>() - 1.0).abs() < 1e-12);

    // Another seed chooses others.
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--progress", "none", "--set", "pack.seed=9"]);
    assert_eq!(code, 0, "{err}");
    assert_ne!(packed(&world, "out"), found);
}

#[test]
fn weights_give_shares_of_tokens() {
    let world = World::new();
    write_sources(&world);
    let mixture = "[[pack.mixture]]\nsource = \"law\"\nweight = 3\n[[pack.mixture]]\nsource = \"*\"\nweight = 1\n";
    let (code, err) = run(&world, "out", mixture);
    assert_eq!(code, 0, "{err}");
    let info = Pack::open(&world.path("out/pack")).unwrap().info().clone();
    assert!((info.mixture[0].share - 0.75).abs() < 0.03, "{:?}", info.mixture);
    let tokens: u64 = info.mixture.iter().map(|share| share.tokens).sum();
    assert!(info.totals.tokens.abs_diff(tokens) < tokens / 20, "a mixture of weights has the size of what it mixes");
    let (code, _, err) = world.run(&["verify", "out"]);
    assert_eq!(code, 0, "{err}");

    let (code, err) = run(&world, "bad", "[[pack.mixture]]\nsource = \"law\"\n");
    assert!(code == 2 && err.contains("either epochs or weight"), "{err}");
}
