//! The output is a function of input bytes and plan: not of threads, memory, interruption or resume.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{World, repository, skipped, tree, unfinished, worlds};

/// Every file is a part of its own: many work shards, many parts.
const SMALL: &[&str] = &["--set", "shards.rows_max=20", "--set", "shards.bytes_max=40000"];

fn arguments<'a>(plan: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["run", plan, "--out", out, "--progress", "none"];
    all.extend(SMALL);
    all.extend(more);
    all
}

fn plan() -> String {
    repository().join("examples/samples.toml").display().to_string()
}

#[test]
fn threads_memory_and_environment_do_not_show() {
    worlds("threads_memory_and_environment_do_not_show").iter().for_each(nothing_of_the_machine_shows);
}

fn nothing_of_the_machine_shows(world: &World) {
    let plan = plan();
    assert_eq!(world.run(&arguments(&plan, "one", &["--threads", "1"])).0, 0);
    let one = tree(&world.path("one"));
    assert!(one.keys().filter(|name| name.starts_with("documents/")).count() > 3, "several parts: {:?}", one.keys());
    assert_eq!(world.run(&arguments(&plan, "two", &["--threads", "2"])).0, 0);
    assert_eq!(one, tree(&world.path("two")), "2 threads");
    assert_eq!(world.run(&arguments(&plan, "eight", &["--threads", "8", "--memory", "8GiB"])).0, 0);
    assert_eq!(one, tree(&world.path("eight")), "8 threads");
    let mut strange = world.seimai(&arguments(&plan, "strange", &["--memory", "256MiB"]));
    let status = strange.env("LANG", "C").env("TZ", "Pacific/Apia").status().unwrap();
    assert!(status.success());
    assert_eq!(one, tree(&world.path("strange")), "little memory, another locale and time zone");
}

/// Kills the run at several moments, then lets it finish.
fn interrupted(world: &World, plan: &str, out: &str, moments: &[Duration], signal: i32) {
    for moment in moments {
        let mut child = world.seimai(&arguments(plan, out, &[])).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        std::thread::sleep(*moment);
        let id = rustix_pid(&child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::from_named_raw(signal).unwrap());
        let status = child.wait().unwrap();
        unfinished::assert_entries_hold(&world.path(out));
        if signal != 9 {
            assert!(started.elapsed() < *moment + Duration::from_secs(5), "stops within five seconds");
            assert!([Some(0), Some(128 + signal)].contains(&status.code()), "{status:?} {:?}", status.signal());
        }
    }
    let (code, _, err) = world.run(&arguments(plan, out, &[]));
    assert_eq!(code, 0, "{err}");
}

fn rustix_pid(child: &std::process::Child) -> rustix::process::Pid {
    rustix::process::Pid::from_child(child)
}

#[test]
fn killed_and_resumed_gives_the_same_bytes() {
    worlds("killed_and_resumed_gives_the_same_bytes").iter().for_each(kills_do_not_show);
}

fn kills_do_not_show(world: &World) {
    let plan = plan();
    let started = Instant::now();
    assert_eq!(world.run(&arguments(&plan, "whole", &[])).0, 0);
    let whole = started.elapsed();
    let reference = tree(&world.path("whole"));
    // Moments spread over the run by the golden ratio: no two trials alike, none left to chance.
    for trial in 0..if world.is_tiny() { 6 } else { 3_u32 } {
        let share = |i: u32| (f64::from(trial * 3 + i) * 0.618_034).fract();
        let moments: Vec<Duration> = (0..3).map(|i| whole.mul_f64(share(i))).collect();
        let out = format!("out{trial}");
        let signal = if trial % 3 == 2 { 15 } else { 9 };
        interrupted(world, &plan, &out, &moments, signal);
        assert_eq!(reference, tree(&world.path(&out)), "trial {trial}, killed at {moments:?}");
    }
}

#[test]
fn damaged_work_is_done_again() {
    let (world, plan) = (World::new(), plan());
    assert_eq!(world.run(&arguments(&plan, "whole", &[])).0, 0);
    let reference = tree(&world.path("whole"));
    let mut child = world.seimai(&arguments(&plan, "out", &[])).stderr(Stdio::null()).spawn().unwrap();
    let entries = || unfinished::entries(&world.path("out"));
    let wait = Instant::now();
    while entries().len() < 2 && wait.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if let Some(entry) = entries().first() {
        std::fs::File::options().write(true).open(entry).unwrap().set_len(7).unwrap();
    }
    assert_eq!(world.run(&arguments(&plan, "out", &[])).0, 0);
    assert_eq!(reference, tree(&world.path("out")));
}

#[test]
fn a_second_run_on_the_same_output_is_refused_at_once() {
    let (world, plan) = (World::new(), plan());
    let mut first = world.seimai(&arguments(&plan, "out", &[])).stderr(Stdio::null()).spawn().unwrap();
    let wait = Instant::now();
    while !unfinished::has_begun(&world.path("out")) && wait.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(1));
    }
    if first.try_wait().unwrap().is_none() {
        let (code, _, err) = world.run(&arguments(&plan, "out", &[]));
        assert!(code == 2 && err.contains("another run"), "{code}: {err}");
    }
    assert!(first.wait().unwrap().success(), "the first run is unharmed");
    assert_eq!(world.run(&["verify", "out"]).0, 0);
}

#[test]
fn it_runs_in_a_network_namespace_without_network() {
    let (world, plan) = (World::new(), plan());
    let program = env!("CARGO_BIN_EXE_seimai");
    let mut unshare = world.program("unshare");
    unshare.arg("-rn").arg(program).args(arguments(&plan, "out", &[]));
    match std::process::Command::new("unshare").args(["-rn", "true"]).status() {
        Ok(status) if status.success() => assert!(unshare.status().unwrap().success()),
        _ => skipped("it_runs_in_a_network_namespace_without_network", "unshare -rn"),
    }
}
