//! What a crash of the machine may leave: the order of fsync and rename, as the kernel sees it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harness::{World, repository, said, skipped, unfinished};

/// What the program asked of the kernel, in order.
#[derive(Debug)]
enum Call {
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    /// A second name.
    Link(PathBuf, PathBuf),
}

/// Runs the samples under strace; nothing where that cannot be.
fn traced(world: &World) -> Option<Vec<Call>> {
    let plan = repository().join("examples/samples.toml").display().to_string();
    let log = world.path("trace");
    let trace = ["-f", "-y", "-qq", "-s", "4096", "-e", "trace=fsync,rename,renameat,renameat2,link,linkat", "-e", "signal=none", "-o"];
    let run = ["run", &plan, "--out", "out", "--threads", "1", "--quiet", "--set", "shards.rows_max=40"];
    if !world.program("strace").args(trace).arg(&log).arg("true").output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    let (code, _, err) = said(&world.program("strace").args(trace).arg(&log).arg(env!("CARGO_BIN_EXE_seimai")).args(run).output().unwrap());
    assert_eq!(code, 0, "{err}");
    let text = std::fs::read_to_string(log).unwrap();
    // With one worker no two threads write at a time, so that no call is cut in two by another thread's.
    assert!(!text.contains("unfinished ..."), "calls overlap");
    Some(text.lines().filter_map(parse).collect())
}

/// `123 fsync(5</a/b>) = 0` and `123 renameat(5</a>, "b", 6</c>, "d") = 0`.
fn parse(line: &str) -> Option<Call> {
    assert!(line.ends_with("= 0"), "{line}");
    if line.contains("fsync(") {
        return Some(Call::Sync(line.split_once('<')?.1.rsplit_once('>')?.0.into()));
    }
    // Each name stands behind the directory that it is a name in.
    let mut names = line.split('<').skip(1).map(|rest| {
        let (dir, rest) = rest.split_once(">, \"").unwrap_or_else(|| panic!("a name by itself: {line}"));
        let name = rest.split('"').next().unwrap_or_default();
        assert!(!name.contains('/'), "a name in a directory that is not held: {line}");
        Path::new(dir).join(name)
    });
    let (from, to) = (names.next()?, names.next()?);
    Some(if line.contains("link") && !line.contains("rename") { Call::Link(from, to) } else { Call::Rename(from, to) })
}

#[test]
fn what_has_its_name_is_durable_and_success_comes_last() {
    let world = World::new();
    let Some(calls) = traced(&world) else {
        return skipped("what_has_its_name_is_durable_and_success_comes_last", "strace, and leave to trace");
    };
    let out = world.dir.path().canonicalize().unwrap().join("out");
    let (mut synced, mut unsynced, mut named, mut names) = (BTreeSet::new(), BTreeSet::new(), None, Vec::new());
    for call in calls {
        match call {
            Call::Sync(path) => {
                named = named.filter(|name: &PathBuf| name.parent() != Some(&path));
                unsynced.remove(&path);
                synced.insert(path);
            }
            Call::Link(from, to) => {
                assert!(
                    named.is_none() && names.contains(&from.strip_prefix(&out).unwrap().to_path_buf()),
                    "{} is whole and durable",
                    from.display()
                );
                unsynced.insert(to.parent().unwrap().to_path_buf());
                names.push(to.strip_prefix(&out).unwrap().to_path_buf());
            }
            Call::Rename(from, to) => {
                assert!(to.file_name() != Some("manifest.json".as_ref()) || unsynced.is_empty(), "{unsynced:?} before the manifest");
                assert!(synced.contains(&from), "{} got its name before its content was durable", to.display());
                assert!(named.is_none(), "{named:?} was not durable when {} got its name", to.display());
                named = Some(to.clone());
                names.extend(to.strip_prefix(&out).ok().map(Path::to_path_buf));
            }
        }
    }
    assert!(named.is_none(), "{named:?} was not durable at the end");
    // The page that shows the run is made when it is complete, and can be made again.
    assert_eq!(names.pop().unwrap(), Path::new("report.html"));
    assert_eq!(names.last().unwrap(), Path::new("_SUCCESS"));
    let manifest = names.iter().position(|name| name == Path::new("manifest.json")).unwrap();
    let later: Vec<&PathBuf> = names.iter().skip(manifest + 1).filter(|name| *name != Path::new("run.json")).collect();
    assert_eq!(later, [Path::new("_SUCCESS")], "files that got their names after the manifest that vouches for them");
    // Sketches are made while annotating.
    let pass = |name| {
        unfinished::pass_of_entry(name)
            .map(|pass| if pass.starts_with(".work/sketch") { Path::new(".work/annotate/entries") } else { pass })
    };
    let mut passes: Vec<&Path> = names.iter().filter_map(|name| pass(name)).collect();
    assert!(passes.len() > 10, "{passes:?}");
    passes.dedup();
    assert_eq!(passes.len(), passes.iter().collect::<BTreeSet<_>>().len(), "a pass goes on after the next one began: {passes:?}");
}
