//! A work shard is a value: processes that know nothing of each other work on the shards of one run, in any order, and the bytes are
//! those of `seimai run`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Child;

use seimai::corpus::ShardRef;
use seimai::pipeline::loaded_plan::LoadedPlan;
use seimai::pipeline::observer::{Event, Observer, Silent, Stop};
use seimai::pipeline::registry::Stages;
use seimai::pipeline::report::RunOptions;
use seimai::pipeline::{Store, run, run_shard};

use crate::harness::{World, bzip2, gzip, gzip_of, repository, tar, tree, worlds, zip, zstd};

/// What a process of its own is told to do: a JSON object in this variable.
const TASK: &str = "SEIMAI_TEST_SHARD_TASK";
const PROCESSES: u64 = 4;

#[derive(serde::Serialize, serde::Deserialize)]
struct Task {
    plan: PathBuf,
    out: PathBuf,
    what: What,
}

#[derive(serde::Serialize, serde::Deserialize)]
enum What {
    /// Begin the run and find at least so many shards.
    Prepare(usize),
    /// The same, with an input out of reach while the shards are looked for; it is refused.
    PrepareWithout(PathBuf),
    /// Work on every fourth shard of a shuffled list, from this one on.
    Work(u64),
}

/// Records of every shape of file that can be entered in the middle, and of one that cannot.
fn inputs(world: &World) {
    let record = |n: u64| format!("{{\"id\":\"r{n}\",\"text\":\"{}番の文書です。精米した米を{}回炊く。\"}}\n", n, n * n % 97);
    let records = |from: u64, to: u64| (from..to).fold(String::new(), |mut all, n| all.write_str(&record(n)).map(|()| all).unwrap());
    world.write("in/a.jsonl", records(0, 1500) + "{broken\n" + &records(1500, 1600));
    world.write("in/b.jsonl.zst", [zstd(&records(1600, 2300)), zstd(&records(2300, 2900))].concat());
    world.write("in/c.jsonl.gz", gzip(&records(2900, 4100)));
    world.write("in/d.jsonl.bz2", bzip2(&records(4100, 4400)));
    world.write("in/e.tar", tar(&[("x/1.jsonl", records(4400, 4500)), ("x/2.jsonl", records(4500, 4600))]));
    // What cannot be entered in the middle of a member, nor before it.
    world.write(
        "in/f.tar.gz",
        gzip_of(&tar(&[("1.jsonl", records(4600, 4700)), ("../2.jsonl", records(0, 1)), ("3.jsonl", records(4700, 4800))])),
    );
    world.write("in/g.zip", zip(&[("1.jsonl", records(4800, 4900)), ("2.jsonl", records(4900, 5000))]));
    for sample in ["mixed.parquet", "notices.jsonl.gz", "text/txt-001.sjis.txt", "text/txt-013.utf8.txt"] {
        world.write(
            &format!("in/{}", sample.rsplit('/').next().unwrap()),
            std::fs::read(repository().join("corpora-samples").join(sample)).unwrap(),
        );
    }
}

/// Every twenty records are a shard.
const PLAN: &str = "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 400\n[shards]\nrows_max = 20\n";

#[test]
fn processes_share_the_shards_of_a_run() {
    for world in worlds("processes_share_the_shards_of_a_run") {
        inputs(&world);
        let plan = world.write("plan.toml", PLAN);
        let run = |out: &str| world.run(&["run", "plan.toml", "--out", out, "--progress", "none"]);
        // Damaged input is told by the exit code.
        assert_eq!(run("whole").0, 3);
        let task = |what| Task { plan: plan.clone(), out: world.path("out"), what };
        assert!(start(&world, &task(What::Prepare(200))).wait().unwrap().success());
        let workers: Vec<Child> = (0..PROCESSES).map(|n| start(&world, &task(What::Work(n)))).collect();
        assert!(workers.into_iter().all(|mut worker| worker.wait().unwrap().success()));
        let (code, _, err) = run("out");
        assert_eq!(code, 3, "{err}");
        let seconds: serde_json::Value = serde_json::from_slice(&std::fs::read(world.path("out/run.json")).unwrap()).unwrap();
        let passes = seconds["pass_seconds"].as_object().unwrap();
        assert!(!passes.contains_key("annotate") && passes.contains_key("dedup"), "the run had nothing left to annotate: {passes:?}");
        assert_eq!(tree(&world.path("whole")), tree(&world.path("out")));
    }
}

fn start(world: &World, task: &Task) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut command = world.program(this.to_str().unwrap());
    command.args(["--exact", "shards::a_process_of_its_own", "--include-ignored", "--nocapture"]);
    command.env(TASK, serde_json::to_string(task).unwrap()).spawn().unwrap()
}

#[test]
#[ignore = "a process that the test of this file starts"]
fn a_process_of_its_own() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Task = serde_json::from_str(&task).unwrap();
    let loaded = LoadedPlan::read(&task.plan, &[]).unwrap();
    let options = RunOptions { out: task.out.clone(), threads: 1, memory: 1 << 30, fresh: false, store_limit: None };
    match task.what {
        What::Prepare(shards) => assert!(run::prepare(&loaded, &options, &Stop::default(), &Silent).unwrap().len() >= shards),
        What::PrepareWithout(input) => {
            let refused = run::prepare(&loaded, &options, &Stop::default(), &Away(input.clone())).unwrap_err();
            assert!(refused.to_string().contains("a.jsonl changed since") && refused.hint().unwrap().contains("restore it"), "{refused}");
            std::fs::rename(input.with_extension("away"), &input).unwrap();
        }
        What::Work(process) => work(&loaded, &task.out, process),
    }
}

/// Takes an input away as soon as the shards are looked for.
struct Away(PathBuf);

impl Observer for Away {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::PassStarted { pass: "frame", .. }) {
            std::fs::rename(&self.0, self.0.with_extension("away")).unwrap();
        }
    }
}

fn work(loaded: &LoadedPlan, out: &Path, process: u64) {
    let stages = Stages::new(&loaded.plan, &loaded.base).unwrap();
    let store = Store::join(out, &stages).unwrap();
    let mut shards: Vec<ShardRef> = store.shards().unwrap();
    // Shuffled by a hash, the same in every process; the first ten are done by all, so that some are done twice at once.
    shards.sort_by_key(|shard| *blake3::hash(&shard.index.to_le_bytes()).as_bytes());
    let mine = shards.iter().enumerate().filter(|(n, _)| *n < 10 || *n as u64 % PROCESSES == process);
    for (_, shard) in mine {
        let entry = run_shard(&stages, shard, &store).unwrap();
        assert_eq!(entry.facts.documents + entry.facts.quarantined.len() as u64, shard.records, "{shard:?}");
    }
}

#[test]
fn what_cannot_be_joined_is_refused() {
    let world = World::new();
    world.write("in/a.jsonl", "{\"text\":\"米\"}\n");
    let plan = world.write("plan.toml", "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 400\n");
    let task = |what| Task { plan: plan.clone(), out: world.path("out"), what };
    let ends_well = |task: &Task| start(&world, task).wait().unwrap().success();
    assert!(!ends_well(&task(What::Work(0))), "no run has begun");
    assert_eq!(world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]).0, 0);
    assert!(!ends_well(&task(What::Work(0))), "the run has finished");
}

/// A corpus of one file under a folder of the world.
fn small(world: &World, folder: &str) -> PathBuf {
    let record = |n: u32| format!("{{\"id\":\"r{n}\",\"text\":\"{n}番の文書です。精米した米を{}回炊く。\"}}\n", n * n % 97);
    world.write(&format!("{folder}/in/a.jsonl"), (0..200).map(record).collect::<Vec<_>>().concat());
    world.write(&format!("{folder}/plan.toml"), PLAN)
}

/// What was out of reach while the shards were looked for, and is back as it was, costs nothing.
#[test]
fn an_input_that_is_away_while_framing() {
    let world = World::new();
    let plan = small(&world, "p");
    let task = Task { plan, out: world.path("out"), what: What::PrepareWithout(world.path("p/in/a.jsonl")) };
    assert!(start(&world, &task).wait().unwrap().success());
    let (code, _, err) = world.run(&["run", "p/plan.toml", "--out", "out", "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
}

/// Plan and inputs move together; the run is taken up there, and joined.
#[test]
fn inputs_that_moved_are_found() {
    let world = World::new();
    small(&world, "p");
    let does = |plan: &str, what| start(&world, &Task { plan: world.path(plan), out: world.path("out"), what }).wait().unwrap().success();
    assert!(does("p/plan.toml", What::Prepare(10)));
    std::fs::rename(world.path("p"), world.path("q")).unwrap();
    assert!(does("q/plan.toml", What::Prepare(10)) && does("q/plan.toml", What::Work(0)));
}

/// Nothing to read is no error.
#[test]
fn empty_inputs_come_to_an_end() {
    let world = World::new();
    world.write("in/a.jsonl", "");
    world.write("in/b.txt", "");
    world.write("plan.toml", PLAN);
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]);
    assert_eq!((code, world.run(&["verify", "out"]).0), (0, 0), "{err}");
}
