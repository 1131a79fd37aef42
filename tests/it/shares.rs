//! Several processes work on one run (`--shard I/N`): whatever their number, order and end, the files are those of one process alone.

use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use seimai::pipeline::joint::{Ended, Joint, ROUNDS, run_share};
use seimai::pipeline::loaded_plan::LoadedPlan;
use seimai::pipeline::observer::{Event, Observer, Silent, Stop};
use seimai::pipeline::report::RunOptions;

use crate::harness::{World, said, tree, unfinished};

/// Every fold is on, and there are many work shards, parts and packs.
const PLAN: &str = r#"
[input]
paths = ["in"]
[quality]
preset = "none"
[dedup]
lines = true
[split]
validation = 0.2
[keigo]
policy = "rebalance"
[keigo.rebalance]
target = { plain-written = 0.5, polite = 0.5 }
others = "keep"
max_repeat = 2
seed = 7
[tokenizer]
vocab_size = 400
[shards]
rows_max = 20
bytes_max = 6000
[pack]
sequence_length = 64
"#;

/// Documents with lines in common, copies, near copies, and a record that is none.
fn inputs(world: &World) {
    for file in 0..6 {
        let mut records = String::new();
        for n in 0..60 {
            let of = file * 60 + n;
            let text = match of % 9 {
                0 => format!("これは前にもあった文書です。{}番の蔵で米を精米します。とても長い文なので数えられます。", of % 4),
                1 => {
                    "店の紹介です。毎日お米を炊きます。\\nこの店は朝から晩まで開いています。\\nお問い合わせは店までどうぞ。".to_owned()
                        + &of.to_string()
                }
                _ => format!("{of}番の文書です。精米した米を{}回炊く。\\nお問い合わせは店までどうぞ。", of * of % 97),
            };
            writeln!(records, "{{\"id\":\"r{of}\",\"text\":\"{text}\",\"source\":\"s{}\"}}", file % 2).unwrap();
        }
        world.write(&format!("in/{file}.jsonl"), records + if file == 3 { "{broken\n" } else { "" });
    }
    world.write("plan.toml", PLAN);
}

/// A world with inputs and the files of one process alone.
fn world() -> (World, std::collections::BTreeMap<String, String>) {
    let world = World::new();
    inputs(&world);
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "whole", "--progress", "none"]);
    assert_eq!(code, 3, "{err}");
    let whole = tree(&world.path("whole"));
    assert!(whole.keys().filter(|name| name.starts_with("documents/")).count() > 3, "several parts: {:?}", whole.keys());
    (world, whole)
}

fn share(world: &World, out: &str, share: &str, more: &[&str]) -> Command {
    let mut arguments = vec!["run", "plan.toml", "--out", out, "--progress", "none", "--threads", "1", "--shard", share];
    arguments.extend(if more.contains(&"--patience") { &[][..] } else { &["--patience", "0"] });
    arguments.extend(more);
    world.seimai(&arguments)
}

/// Runs a share to its end: its exit code and what it says.
fn ended(world: &World, out: &str, of: &str) -> (i32, String) {
    let (code, _, err) = said(&share(world, out, of, &[]).output().unwrap());
    (code, err)
}

fn is_finished(world: &World, out: &str) -> bool {
    world.path(out).join("_SUCCESS").exists()
}

/// All shares one after the other; so often until the run is finished. Gives how often.
fn in_turn(world: &World, out: &str, shares: &[&str]) -> usize {
    for round in 1..=20 {
        for of in shares {
            let (code, err) = ended(world, out, of);
            assert_eq!(code, if is_finished(world, out) { 3 } else { 0 }, "{of}: {err}");
            assert!(is_finished(world, out) || err.contains(&format!("share {of} done: ")), "{of}: {err}");
        }
        if is_finished(world, out) {
            return round;
        }
    }
    panic!("the run does not come to its end");
}

fn start(world: &World, out: &str, of: &str) -> Child {
    share(world, out, of, &[]).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn shares_in_any_order_and_number_make_one_tree() {
    let (world, whole) = world();
    // What `seimai plan` says is enough, and with one process less than one start is too little.
    let (_, told, _) = world.run(&["plan", "plan.toml"]);
    assert!(told.contains(&format!("start all of them {} times", ROUNDS.len())), "{told}");
    assert_eq!(in_turn(&world, "one", &["0/1"]), 1);
    assert_eq!(tree(&world.path("one")), whole);
    for (out, shares) in [("up", &["0/2", "1/2"][..]), ("down", &["1/2", "0/2"]), ("three", &["2/3", "0/3", "1/3"])] {
        let rounds = in_turn(&world, out, shares);
        assert!(rounds > 1 && rounds <= ROUNDS.len(), "{out}: {rounds}");
        assert_eq!(tree(&world.path(out)), whole, "{out}");
    }
    // More shares than some passes have units, and then others: N is in no name.
    for of in ["3/7", "0/7", "1/3", "2/7"] {
        let (code, err) = ended(&world, "mixed", of);
        assert_eq!(code, 0, "{err}");
    }
    in_turn(&world, "mixed", &["0/2", "1/2", "4/7"]);
    assert_eq!(tree(&world.path("mixed")), whole);
    // A further start says that it is finished, and touches nothing; a run alone takes shares up, and shares what a run alone has left.
    let (code, err) = ended(&world, "mixed", "5/7");
    assert!(code == 3 && err.contains("done before"), "{err}");
    assert_eq!(tree(&world.path("mixed")), whole);
    assert_eq!(ended(&world, "taken-up", "0/2").0, 0);
    assert_eq!(world.run(&["run", "plan.toml", "--out", "taken-up", "--progress", "none"]).0, 3);
    assert_eq!(tree(&world.path("taken-up")), whole);
}

#[test]
fn shares_at_the_same_time_make_one_tree() {
    let (world, whole) = world();
    for (out, count) in [("two", 2), ("four", 4)] {
        for round in 1.. {
            let all: Vec<Child> = (0..count).map(|index| start(&world, out, &format!("{index}/{count}"))).collect();
            for mut child in all {
                assert!(matches!(child.wait().unwrap().code(), Some(0 | 3)));
            }
            if is_finished(&world, out) {
                break;
            }
            assert!(round < ROUNDS.len(), "{out} is finished when it has been started as often as `seimai plan` says");
        }
        assert_eq!(tree(&world.path(out)), whole, "{out}");
    }
}

/// Pseudo-random numbers, the same in every run of this test.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn killed_shares_cost_nothing_that_was_finished() {
    let (world, whole) = world();
    let mut draw = Draw(7);
    for trial in 0..3 {
        let out = format!("out{trial}");
        let mut killed = 0;
        for _ in 0..6 {
            let count = 1 + draw.below(4);
            let mut all: Vec<Child> = (0..count).map(|index| start(&world, &out, &format!("{index}/{count}"))).collect();
            std::thread::sleep(Duration::from_millis(20 + draw.below(300)));
            let (victim, signal) = (draw.below(count) as usize, if draw.below(3) == 0 { 15 } else { 9 });
            let id = rustix::process::Pid::from_child(&all[victim]);
            let _ = rustix::process::kill_process(id, rustix::process::Signal::from_named_raw(signal).unwrap());
            for (index, child) in all.iter_mut().enumerate() {
                let status = child.wait().unwrap();
                // A signal that comes before the program listens ends it as the system does.
                let was_killed = index == victim && (matches!(status.signal(), Some(9 | 15)) || status.code() == Some(143));
                killed += usize::from(was_killed);
                assert!(was_killed || matches!(status.code(), Some(0 | 3)), "a neighbour is unharmed: {status:?}");
            }
            unfinished::assert_entries_hold(&world.path(&out));
        }
        in_turn(&world, &out, &["1/2", "0/2"]);
        assert!(killed > 0, "somebody was killed");
        assert_eq!(tree(&world.path(&out)), whole, "trial {trial}");
    }
}

#[test]
fn what_is_no_share_is_refused() {
    let world = World::new();
    inputs(&world);
    for wrong in ["2/2", "0/0", "x/2", "1", "-1/2"] {
        let (code, err) = ended(&world, "out", wrong);
        assert!(code == 2 && err.contains("hint: ") && !world.path("out").exists(), "{wrong}: {code} {err}");
    }
    let (code, _, err) = said(&share(&world, "out", "0/2", &["--fresh"]).output().unwrap());
    assert!(code == 2 && err.contains("--fresh") && err.contains("hint: ") && !world.path("out").exists(), "{err}");
    assert_eq!(ended(&world, "out", "0/2").0, 0);
    // Another plan, and other inputs. The lock says who came last.
    let files = || {
        let mut files = tree(&world.path("out"));
        files.retain(|name, _| name != ".work/lock");
        files
    };
    let before = files();
    let (code, _, err) = said(&share(&world, "out", "1/2", &["--set", "tokenizer.vocab_size=500"]).output().unwrap());
    assert!(code == 2 && err.contains("another plan"), "{err}");
    world.write("in/0.jsonl", "{\"text\":\"別の米です。\"}\n");
    let (code, err) = ended(&world, "out", "1/2");
    assert!(code == 2 && err.contains("changed since"), "{err}");
    assert_eq!(files(), before);
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--engine", "ray"]);
    assert!(code == 2 && err.contains("pip install 'seimai[ray]'"), "{err}");
    world.write("theirs/notes.txt", "mine");
    assert_eq!(ended(&world, "theirs", "0/2").0, 2);
}

#[test]
fn a_run_alone_and_shares_keep_each_other_out() {
    let world = World::new();
    inputs(&world);
    // Shares wait where what is missing may still come.
    let mut live = share(&world, "out", "0/2", &["--patience", "60"]).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| unfinished::has_begun(&world.path("out")) && !unfinished::entries(&world.path("out")).is_empty());
    std::thread::sleep(Duration::from_millis(200));
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]);
    assert!(code == 2 && err.contains("another run"), "{code} {err}");
    assert!(live.try_wait().unwrap().is_none(), "the share is unharmed");
    // The other share comes, and both go on together.
    assert!(matches!(ended(&world, "out", "1/2").0, 0 | 3));
    live.kill().unwrap();
    live.wait().unwrap();
    let mut alone = world.seimai(&["run", "plan.toml", "--out", "out", "--progress", "none"]).stderr(Stdio::null()).spawn().unwrap();
    wait_until(|| std::fs::read_to_string(unfinished::work(&world.path("out")).join("lock")).is_ok_and(|who| who.starts_with("process")));
    if alone.try_wait().unwrap().is_none() {
        let (code, err) = ended(&world, "out", "0/2");
        assert!(code == 2 && err.contains("another run") || is_finished(&world, "out"), "{code} {err}");
    }
    assert_eq!(alone.wait().unwrap().code(), Some(3));
    assert_eq!(world.run(&["verify", "out"]).0, 0);
}

fn wait_until(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(what());
}

/// A network file system shows new files late: entries that come while a share looks again are neither lost nor done again.
#[test]
fn entries_that_show_late_are_waited_for() {
    let (world, whole) = world();
    assert_eq!(ended(&world, "out", "1/2").0, 0);
    let entries: Vec<_> =
        unfinished::entries(&world.path("out")).into_iter().filter(|path| path.to_string_lossy().contains("annotate")).collect();
    assert!(entries.len() > 5);
    let hidden = world.path("hidden");
    std::fs::create_dir(&hidden).unwrap();
    let aside = |path: &Path| hidden.join(path.file_name().unwrap());
    for path in &entries {
        std::fs::rename(path, aside(path)).unwrap();
    }
    let other = share(&world, "out", "0/2", &["--patience", "30"]).stderr(Stdio::piped()).spawn().unwrap();
    // It has done its own share, and looks for the other's.
    let of_it = || unfinished::entries(&world.path("out")).iter().filter(|path| path.to_string_lossy().contains("annotate")).count();
    let seen = std::cell::Cell::new((0, Instant::now()));
    wait_until(|| {
        if seen.get().0 != of_it() {
            seen.set((of_it(), Instant::now()));
        }
        seen.get().0 > 0 && seen.get().1.elapsed() > Duration::from_secs(2)
    });
    let there = of_it();
    for path in &entries {
        std::fs::rename(aside(path), path).unwrap();
    }
    assert_eq!(of_it(), there + entries.len(), "nothing of the other share was done");
    // It closes the pass. Behind it the other share is missing for good, so it is not waited for to the end.
    wait_until(|| unfinished::entries(&world.path("out")).iter().any(|path| path.to_string_lossy().contains("judge")));
    stop(other);
    in_turn(&world, "out", &["0/2", "1/2"]);
    assert_eq!(tree(&world.path("out")), whole);
}

fn stop(mut child: Child) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}

/// Where a process of its own is to close a fold, beside another one: its plan and output directory, and the pass.
const TASK: &str = "SEIMAI_TEST_CLOSER";

#[derive(serde::Serialize, serde::Deserialize)]
struct Closer {
    plan: std::path::PathBuf,
    out: std::path::PathBuf,
    pass: String,
    /// Made by the process once it is at the pass; it goes on when `go` is there.
    ready: std::path::PathBuf,
    go: std::path::PathBuf,
}

impl Observer for Closer {
    fn on_event(&self, event: &Event) {
        if matches!(event, Event::PassStarted { pass, .. } if *pass == self.pass) && !self.ready.exists() {
            std::fs::create_dir(&self.ready).unwrap();
            wait_until(|| self.go.exists());
        }
    }
}

#[test]
#[ignore = "a process that the test of this file starts"]
fn a_closer_of_its_own() {
    let Ok(task) = std::env::var(TASK) else { return };
    let task: Closer = serde_json::from_str(&task).unwrap();
    let loaded = LoadedPlan::read(&task.plan, &[]).unwrap();
    let options = RunOptions { out: task.out.clone(), threads: 1, memory: 1 << 30, fresh: false, store_limit: None };
    let (stop, patience) = (Stop::default(), Duration::ZERO);
    // Everything in front of the fold, unit by unit.
    let mut joint = Joint::begin(&loaded, &options, patience, &stop, &Silent).unwrap();
    while let Some(lacking) = joint.look(&stop, &Silent).unwrap().filter(|lacking| lacking.pass != task.pass) {
        for (unit, _) in &lacking.units {
            assert!(joint.run_unit(lacking.pass, unit, &stop, &Silent).unwrap());
            assert!(!joint.run_unit(lacking.pass, unit, &stop, &Silent).unwrap(), "once");
        }
    }
    assert_eq!(joint.run_unit(&task.pass, "no such unit", &stop, &Silent).unwrap_err().exit_code(), 2);
    assert_eq!(joint.run_unit("pack", "too early", &stop, &Silent).unwrap_err().exit_code(), 1);
    joint.leave(&Silent).unwrap();
    let ended = run_share(&loaded, &options, "0/2".parse().unwrap(), patience, &stop, &Mutexed(Mutex::new(task))).unwrap();
    assert!(matches!(ended, Ended::Waiting(_) | Ended::Finished(_)));
}

struct Mutexed(Mutex<Closer>);

impl Observer for Mutexed {
    fn on_event(&self, event: &Event) {
        self.0.lock().unwrap().on_event(event);
    }
}

/// Two processes are in one fold at the same moment, as where locks are those of one machine only: the same bytes, and both end well.
#[test]
fn two_that_close_one_fold_make_the_same_bytes() {
    let (world, whole) = world();
    for pass in ["dedup", "cut", "rebalance", "train"] {
        let closer = |n: u32| {
            let task = Closer {
                plan: world.path("plan.toml"),
                out: world.path(pass),
                pass: pass.to_owned(),
                ready: world.path(&format!("{pass}-ready-{n}")),
                go: world.path(&format!("{pass}-go")),
            };
            let mut command = world.program(std::env::current_exe().unwrap().to_str().unwrap());
            command.args(["--exact", "shares::a_closer_of_its_own", "--include-ignored", "--nocapture"]).stdout(Stdio::null());
            command.env(TASK, serde_json::to_string(&task).unwrap()).spawn().unwrap()
        };
        let first = at_the_fold(&world, pass, closer(1), 1);
        // Its lock is that of a directory which is no longer the one of that name: as if it were another machine's.
        let dir = unfinished::work(&world.path(pass)).join(pass);
        let aside = world.path(&format!("{pass}-aside"));
        std::fs::rename(&dir, &aside).unwrap();
        std::fs::create_dir(&dir).unwrap();
        for entry in std::fs::read_dir(&aside).unwrap() {
            let entry = entry.unwrap();
            std::fs::rename(entry.path(), dir.join(entry.file_name())).unwrap();
        }
        let second = at_the_fold(&world, pass, closer(2), 2);
        std::fs::create_dir(world.path(&format!("{pass}-go"))).unwrap();
        for mut child in [first, second] {
            assert!(child.wait().unwrap().success(), "{pass}");
        }
        in_turn(&world, pass, &["0/2", "1/2"]);
        assert_eq!(tree(&world.path(pass)), whole, "{pass}");
    }
}

/// With its lock as it is, a fold has one process; another leaves it to that one.
#[test]
fn a_fold_in_other_hands_is_left_to_them() {
    let (world, _) = world();
    let task = Closer {
        plan: world.path("plan.toml"),
        out: world.path("out"),
        pass: "dedup".to_owned(),
        ready: world.path("dedup-ready-1"),
        go: world.path("go"),
    };
    let mut command = world.program(std::env::current_exe().unwrap().to_str().unwrap());
    command.args(["--exact", "shares::a_closer_of_its_own", "--include-ignored", "--nocapture"]).stdout(Stdio::null());
    let first = command.env(TASK, serde_json::to_string(&task).unwrap()).spawn().unwrap();
    let mut first = at_the_fold(&world, "dedup", first, 1);
    let (code, err) = ended(&world, "out", "1/2");
    assert!(code == 0 && err.contains("another process is at dedup"), "{code} {err}");
    std::fs::create_dir(world.path("go")).unwrap();
    assert!(first.wait().unwrap().success());
}

/// A process that has come to the fold.
fn at_the_fold(world: &World, pass: &str, mut child: Child, n: u32) -> Child {
    let ready = world.path(&format!("{pass}-ready-{n}"));
    let started = Instant::now();
    while !ready.exists() && started.elapsed() < Duration::from_mins(1) {
        assert!(child.try_wait().unwrap().is_none(), "it ends before it comes to {pass}");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(ready.exists(), "{pass}");
    child
}
