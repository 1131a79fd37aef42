//! Nothing outside of the output directory: links that somebody puts into it while it is written to lead nowhere.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{World, repository, said, skipped, tree};

const PLAN: &str = "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[split]\nvalidation = 0.2\n[tokenizer]\nvocab_size = 320\n[shards]\nrows_max = 20\n";

/// A world with inputs and a plan that gives every directory that a run has.
fn world() -> World {
    let world = World::new();
    for file in ["a", "b", "c"] {
        let lines = (0..60).map(|n| format!("{{\"text\": \"外国人参政権を考える。東京都に住む。{file}の{n}番目の文書です。\"}}\n"));
        world.write(&format!("in/{file}.jsonl"), lines.collect::<String>());
    }
    world.write("plan.toml", PLAN);
    world
}

/// Everything below a directory: directories, links by where they lead, files by content; with the time when each was changed.
fn everything(root: &Path) -> BTreeMap<PathBuf, String> {
    let (mut open, mut all) = (vec![root.to_path_buf()], BTreeMap::new());
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let what = if found.is_dir() {
                open.push(path.clone());
                "a directory".to_owned()
            } else if found.is_symlink() {
                format!("a link to {}", fs::read_link(&path).unwrap().display())
            } else {
                blake3::hash(&fs::read(&path).unwrap()).to_hex().to_string()
            };
            all.insert(path, format!("{what}, changed at {}.{}", found.mtime(), found.mtime_nsec()));
        }
    }
    all
}

/// What is not the same in both.
fn differences<K: Ord + std::fmt::Debug>(one: &BTreeMap<K, String>, other: &BTreeMap<K, String>) -> Vec<String> {
    let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(key)));
    keys.filter(|key| one.get(key) != other.get(key)).map(|key| format!("{key:?}: {:?}, {:?}", one.get(key), other.get(key))).collect()
}

/// The directories below a directory, links left out.
fn directories(root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
                all.push(entry.path());
            }
        }
    }
    all.sort();
    all
}

fn start(world: &World, arguments: &[&str]) -> Child {
    world.seimai(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal; the process may have ended.
fn signal(child: &Child, name: &str) {
    let _ = Command::new("kill").args([name, &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
}

const RUN: [&str; 7] = ["run", "plan.toml", "--out", "out", "--threads", "2", "--quiet"];

/// A run is stopped somewhere, one of its directories exchanged for a link to one outside that holds the same, and the run goes on. It ends as if
/// nothing were, where it needs that directory no more, and else with the place of the link; outside, nothing changes. With the link taken away, the
/// same command finishes the run, with the bytes of one that nobody meddled with.
#[test]
fn a_link_swapped_in_during_a_run_leads_nowhere() {
    let world = world();
    let (out, outside, aside) = (world.path("out"), world.path("outside"), world.path("aside"));
    let started = Instant::now();
    assert_eq!(world.run(&["run", "plan.toml", "--out", "outside", "--threads", "2", "--quiet"]).0, 0);
    let whole = started.elapsed();
    let (wanted, before) = (tree(&outside), everything(&outside));
    let names: Vec<PathBuf> = directories(&outside).iter().map(|dir| dir.strip_prefix(&outside).unwrap().to_owned()).collect();
    assert!(names.len() > 20, "{names:?}");
    let (mut refused, mut unmoved) = (0, 0);
    for (number, name) in names.iter().enumerate() {
        let child = start(&world, &RUN);
        // Another moment each time, over the length of a run.
        std::thread::sleep(whole.mul_f64(((number * 7) % 19) as f64 / 19.0 + 0.02));
        signal(&child, "-STOP");
        // A call that is under way is ended first.
        std::thread::sleep(Duration::from_millis(5));
        let was_there = fs::rename(out.join(name), &aside).is_ok();
        let is_swapped = out.join(name).parent().is_some_and(Path::is_dir) && symlink(outside.join(name), out.join(name)).is_ok();
        signal(&child, "-CONT");
        let (code, _, err) = said(&child.wait_with_output().unwrap());
        let changed = differences(&before, &everything(&outside));
        assert!(changed.is_empty(), "{}: exit {code}, {err}: {changed:#?}", name.display());
        match code {
            0 => unmoved += 1,
            2 => {
                assert!(is_swapped && err.contains("link inside") && err.contains("hint"), "{}: {err}", name.display());
                refused += 1;
            }
            _ => panic!("{}: exit {code}, {err}", name.display()),
        }
        // What the run itself has removed, it has removed by itself.
        let is_link = fs::symlink_metadata(out.join(name)).is_ok_and(|found| found.is_symlink());
        if is_link {
            fs::remove_file(out.join(name)).unwrap();
        }
        if was_there && is_link {
            fs::rename(&aside, out.join(name)).unwrap();
        }
        let (code, _, err) = world.run(&RUN);
        let changed = differences(&wanted, &tree(&out));
        assert!(code == 0 && changed.is_empty(), "after a link as {}: exit {code}, {err}: {changed:#?}", name.display());
        fs::remove_dir_all(&out).unwrap();
        let _ = fs::remove_dir_all(&aside);
    }
    assert!(refused > 3 && unmoved > 0, "{refused} refused, {unmoved} went on");
}

/// Exchanges the directories below `at` for links to those of `outside`, and back, one after the other and as fast as it can.
/// What is called `spared` is an output directory itself, and the way to it is the user's to name.
fn meddle(at: &Path, spared: &str, outside: &Path, stop: &AtomicBool) -> u64 {
    let mut swaps = 0;
    let aside = at.with_extension("aside");
    while !stop.load(Ordering::Relaxed) {
        for dir in directories(at).into_iter().filter(|dir| !dir.ends_with(spared)) {
            let there = outside.join(dir.strip_prefix(at).unwrap());
            let target = if there.is_dir() { there } else { outside.to_path_buf() };
            if fs::rename(&dir, &aside).is_err() {
                continue;
            }
            swaps += u64::from(symlink(target, &dir).is_ok());
            std::thread::yield_now();
            let is_link = fs::symlink_metadata(&dir).is_ok_and(|found| found.is_symlink());
            if is_link {
                let _ = fs::remove_file(&dir);
            }
            if fs::rename(&aside, &dir).is_err() {
                let _ = fs::remove_dir_all(&aside);
            }
        }
    }
    swaps
}

/// Every command that writes a directory, while somebody exchanges what is below it for links: whatever becomes of the command, nothing changes
/// outside.
#[test]
fn no_command_follows_links_that_come_and_go() {
    let world = world();
    assert_eq!(world.run(&RUN).0, 0);
    world.write("counts.parquet", fs::read(world.path("out/counts.parquet")).unwrap());
    let tokenizer = "out/tokenizer/tokenizer.json";
    let tiny = repository().join("tests/it/tiny_dictionary").display().to_string();
    let commands: [(&[&str], &str, &str); 12] = [
        (&["run", "plan.toml", "--out", "made/out", "--quiet"], "made/out", ""),
        (&["run", "plan.toml", "--out", "made/out", "--quiet", "--fresh"], "made/out", ""),
        (&["run", "plan.toml", "--out", "made/out", "--quiet", "--set", "tokenizer.vocab_size=310"], "made/out", ""),
        (&["gc", "made/out", "--limit", "0"], "made/out", ""),
        (&["count", "in", "-o", "made/counts.parquet", "--quiet"], "made", ""),
        (&["train", "counts.parquet", "counts.parquet", "--vocab-size", "310", "-o", "made/t", "--quiet"], "made", "t"),
        (&["encode", "in/a.jsonl", "--tokenizer", tokenizer, "-o", "made/e", "--quiet"], "made/e", ""),
        (&["pack", "out", "--sequence-length", "64", "-o", "made/p", "--quiet"], "made/p", ""),
        (&["filter", "in/a.jsonl", "--preset", "none", "-o", "made/f", "--quiet"], "made", "f"),
        (&["dedup", "in", "-o", "made/d", "--quiet"], "made/d", ""),
        (&["export", "megatron", "out", "-o", "made/m", "--quiet"], "made", ""),
        (&["dictionary", "import", &tiny, "--name", "other"], "store", ""),
    ];
    fs::create_dir(world.path("made")).unwrap();
    // What is written over or removed by its name, were it found there.
    let copied = Command::new("cp").arg("-a").args([world.path("out"), world.path("outside")]).status().unwrap();
    assert!(copied.success());
    for name in ["staging", "tokens", "tokenizer", "e", ".seimai-tmp", ".checked"] {
        fs::create_dir_all(world.path("outside").join(name)).unwrap();
        world.write(&format!("outside/{name}/merges.json"), "a file of somebody else");
        world.write(&format!("outside/{name}/part-00007.parquet"), "a file of somebody else");
    }
    world.write("outside/merges.json", "a file of somebody else");
    let before = everything(&world.path("outside"));
    let mut ends = BTreeMap::<(usize, i32), u32>::new();
    for (number, (arguments, at, spared)) in commands.iter().enumerate() {
        let (deadline, stop) = (Instant::now() + Duration::from_millis(1500), AtomicBool::new(false));
        let at = world.path(at);
        let swaps = std::thread::scope(|scope| {
            let meddler = scope.spawn(|| meddle(&at, spared, &world.path("outside"), &stop));
            loop {
                let mut command = world.seimai(arguments);
                if at.ends_with("store") {
                    command.env(seimai::segment::store::VARIABLE, &at);
                }
                let (code, _, err) = said(&command.stdin(Stdio::null()).output().unwrap());
                // A directory that comes and goes may be missed, or be found full: that is an error of the system.
                assert!([0, 1, 2].contains(&code) && !err.contains("panicked"), "{arguments:?}: exit {code}, {err}");
                *ends.entry((number, code)).or_default() += 1;
                if Instant::now() > deadline {
                    break;
                }
                if !arguments.contains(&"--fresh") && !arguments.contains(&"--set") && arguments[0] != "gc" {
                    let _ = fs::remove_dir_all(&at);
                    let _ = fs::create_dir(world.path("made"));
                }
            }
            stop.store(true, Ordering::Relaxed);
            meddler.join().unwrap()
        });
        let changed = differences(&before, &everything(&world.path("outside")));
        assert!(changed.is_empty(), "{arguments:?}, {swaps} links: {changed:#?}");
        let _ = fs::remove_dir_all(world.path("made"));
        fs::create_dir(world.path("made")).unwrap();
        if matches!(number, 0..3) {
            // The next one finds a run there.
            let _ = world.run(&["run", "plan.toml", "--out", "made/out", "--quiet"]);
        }
    }
    assert!((0..commands.len()).all(|number| (0..3).any(|code| ends.contains_key(&(number, code)))), "{ends:?}");
}

/// What a call of the kernel names, with `-y`: `openat(3</a/b>, "c", O_RDONLY) = 4</a/b/c>`; nothing for other lines.
fn call(line: &str) -> Option<(&str, &str)> {
    let rest = line.split_once(' ').map_or(line, |(_, rest)| rest.trim_start());
    let (name, arguments) = rest.split_once('(')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some((name, arguments))
}

/// As the kernel sees it: below the output directory nothing is made, renamed or removed by a path, only as a name in a directory that is held,
/// and what is opened there is opened so that no link is followed.
#[test]
fn below_the_output_directory_everything_goes_by_descriptor() {
    let world = world();
    let trace = "trace=open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,truncate";
    let probe = world.program("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", trace, "true"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return skipped("below_the_output_directory_everything_goes_by_descriptor", "strace, and leave to trace");
    }
    let commands: [(&[&str], &str); 9] = [
        (&["run", "plan.toml", "--out", "out", "--quiet"], "out"),
        (&["run", "plan.toml", "--out", "out", "--quiet", "--set", "tokenizer.vocab_size=310"], "out"),
        (&["run", "plan.toml", "--out", "out", "--quiet", "--fresh"], "out"),
        (&["gc", "out", "--limit", "1MiB"], "out"),
        (&["encode", "in/a.jsonl", "--tokenizer", "out/tokenizer/tokenizer.json", "-o", "encoded", "--quiet"], "encoded"),
        (&["pack", "out", "--sequence-length", "64", "-o", "packed", "--quiet"], "packed"),
        (&["filter", "in/a.jsonl", "--preset", "none", "-o", "filtered", "--quiet"], "filtered"),
        (&["dedup", "in", "-o", "deduplicated", "--quiet"], "deduplicated"),
        (&["train", "out/counts.parquet", "out/counts.parquet", "--vocab-size", "310", "-o", "trained", "--quiet"], "trained"),
    ];
    for (arguments, out) in commands {
        let log = world.path("trace");
        let mut traced = world.program("strace");
        traced.args(["-f", "-y", "-qq", "-s", "4096", "-e", trace, "-e", "signal=none", "-o"]).arg(&log);
        let (code, _, err) = said(&traced.arg(env!("CARGO_BIN_EXE_seimai")).args(arguments).output().unwrap());
        assert_eq!(code, 0, "{arguments:?}: {err}");
        let here = world.dir.path().canonicalize().unwrap();
        let mut below = 0;
        for line in fs::read_to_string(&log).unwrap().lines() {
            let Some((name, called)) = call(line) else { continue };
            let named: Vec<&str> = called.split('"').skip(1).step_by(2).collect();
            let is_below = |path: &str| here.join(path).starts_with(here.join(out)) && here.join(path) != here.join(out);
            // In front of each name of a call that takes directories stands the directory.
            let dirs: Vec<&str> = called
                .split('"')
                .step_by(2)
                .map(|before| before.rsplit_once('<').map_or("", |(_, dir)| dir.trim_end_matches([',', ' ', '>'])))
                .collect();
            for (path, dir) in named.iter().zip(&dirs) {
                let at_home = called.starts_with("AT_FDCWD") || dir.is_empty();
                let whole = Path::new(dir).join(path);
                if at_home {
                    assert!(!is_below(path), "{arguments:?}: by its path: {line}");
                } else if whole.starts_with(here.join(out)) {
                    below += 1;
                    let follows_none = match name {
                        "openat2" => {
                            ["RESOLVE_BENEATH", "RESOLVE_NO_SYMLINKS", "RESOLVE_NO_MAGICLINKS"].iter().all(|flag| called.contains(flag))
                        }
                        "openat" => !path.contains('/') && (called.contains("O_NOFOLLOW") || *path == "."),
                        _ => !path.contains('/'),
                    };
                    assert!(follows_none, "{arguments:?}: a link could be followed: {line}");
                }
            }
        }
        assert!(below > 3, "{arguments:?}: {below} calls below the directory");
    }
}

/// Without the call that resolves a path at once, or where a filter forbids it, a run does the same, name by name.
#[test]
fn an_old_kernel_and_a_filter_of_system_calls_change_nothing() {
    let world = world();
    assert_eq!(world.run(&RUN).0, 0);
    let wanted = tree(&world.path("out"));
    for error in ["ENOSYS", "EPERM"] {
        let run = || {
            let mut traced = world.program("strace");
            traced.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=openat2", &format!("-einject=openat2:error={error}")]);
            let traced = traced.arg(env!("CARGO_BIN_EXE_seimai")).args(["run", "plan.toml", "--out", "other", "--quiet"]).output();
            traced.ok().filter(|output| !String::from_utf8_lossy(&output.stderr).contains("strace: ")).map(|output| said(&output))
        };
        let Some((code, _, err)) = run() else {
            return skipped("an_old_kernel_and_a_filter_of_system_calls_change_nothing", "strace, and leave to trace");
        };
        assert_eq!(code, 0, "{error}: {err}");
        assert_eq!(tree(&world.path("other")), wanted, "{error}");
        // And links are refused as well.
        fs::remove_file(world.path("other/_SUCCESS")).unwrap();
        fs::rename(world.path("other/.work/encode/tokens"), world.path("elsewhere")).unwrap();
        symlink(world.path("elsewhere"), world.path("other/.work/encode/tokens")).unwrap();
        let (code, _, err) = run().unwrap();
        assert!(code == 2 && err.contains("other/.work/encode/tokens: a link inside"), "{error}: {err}");
        fs::remove_dir_all(world.path("other")).unwrap();
        fs::remove_dir_all(world.path("elsewhere")).unwrap();
    }
}

/// A directory that the user names through links is theirs to name so.
#[test]
fn the_way_to_the_output_directory_may_lead_through_links() {
    let world = world();
    assert_eq!(world.run(&RUN).0, 0);
    let wanted = tree(&world.path("out"));
    fs::create_dir_all(world.path("disk/deep/run")).unwrap();
    symlink(world.path("disk/deep"), world.path("parent")).unwrap();
    symlink("disk/deep/run", world.path("named")).unwrap();
    for (name, real) in [("parent/new", "disk/deep/new"), ("named", "disk/deep/run"), ("parent/run/../again", "disk/deep/again")] {
        for _ in 0..2 {
            let (code, _, err) = world.run(&["run", "plan.toml", "--out", name, "--quiet"]);
            assert_eq!(code, 0, "{name}: {err}");
            assert_eq!(tree(&world.path(real)), wanted, "{name}");
        }
        assert_eq!(world.run(&["gc", name, "--limit", "0"]).0, 0);
    }
    for (arguments, made) in [
        (&["filter", "in/a.jsonl", "--preset", "none", "-o", "parent/filtered", "--quiet"][..], "disk/deep/filtered/kept.jsonl"),
        (&["count", "in", "-o", "parent/counts.parquet", "--quiet"], "disk/deep/counts.parquet"),
        (&["train", "parent/counts.parquet", "--vocab-size", "310", "-o", "parent/t", "--quiet"], "disk/deep/t/tokenizer.json"),
        (&["encode", "in/a.jsonl", "--tokenizer", "parent/t", "-o", "parent/e", "--quiet"], "disk/deep/e/tokens/part-00000.parquet"),
    ] {
        let (code, _, err) = world.run(arguments);
        assert!(code == 0 && world.path(made).is_file(), "{arguments:?}: {err}");
    }
    // A link that leads nowhere is no name of a directory.
    symlink("nowhere", world.path("dangling")).unwrap();
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "dangling", "--quiet"]);
    assert!(code == 2 && err.contains("dangling"), "{err}");
}
