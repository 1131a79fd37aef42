//! What is promised of dictionaries, files and the machine, tried from outside (docs/guide/trust.md).

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{World, said, skipped};

const LINES: &str = "外国人参政権を考える。\n東京都に住む。すもももももももものうち\n";

/// Numbers that are the same in every run of the tests.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// A world with a store of its own, and the directory of the dictionary in it.
fn world() -> (World, PathBuf, PathBuf) {
    let world = World::new();
    world.write("lines.txt", LINES);
    let store = world.path("store");
    let tiny = crate::harness::repository().join("tests/it/tiny_dictionary");
    let dir = seimai::segment::store::import(&store, &tiny, Some("ipadic")).unwrap();
    (world, store, dir)
}

fn in_store(world: &World, store: &Path, arguments: &[&str]) -> (i32, String, String) {
    said(&world.seimai(arguments).env("SEIMAI_DICTIONARIES", store).output().unwrap())
}

/// Can programs be traced here?
fn traces(world: &World) -> bool {
    world.program("strace").args(["-f", "-qq", "-e", "trace=none", "true"]).output().is_ok_and(|output| output.status.success())
}

/// Changes bytes of a file in place, and gives it the time it had before, as a failing disk or a careless copy does.
fn change(path: &Path, at: usize, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    file.write_all_at(bytes, at as u64).unwrap();
    file.set_modified(before).unwrap();
}

#[test]
fn a_changed_byte_in_any_file_of_a_dictionary_is_refused() {
    let (world, store, dir) = world();
    let segment = ["segment", "lines.txt", "--format", "mecab"];
    world.write("plan.toml", "[input]\npaths = [\"lines.txt\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    let sound = in_store(&world, &store, &segment);
    assert_eq!(sound.0, 0, "{}", sound.2);
    // From now on a note says that every byte was compared.
    std::thread::sleep(Duration::from_millis(3100));
    assert_eq!(in_store(&world, &store, &segment), sound);
    assert!(store.join(".checked").join(dir.file_name().unwrap()).exists());
    assert_eq!(in_store(&world, &store, &segment), sound);
    let mut numbers = Numbers(20_261_130);
    let mut files: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files {
        let bytes = fs::read(&path).unwrap();
        let block = 4096.min(bytes.len());
        let from = numbers.below(bytes.len() - block + 1);
        let other: Vec<u8> = bytes[from..from + block].iter().map(|byte| byte.wrapping_add(1)).collect();
        let places = [numbers.below(bytes.len()), bytes.len() - 1].map(|at| (at, vec![bytes[at] ^ 1 << numbers.below(8)]));
        for (at, changed) in places.into_iter().chain([(from, other)]) {
            change(&path, at, &changed);
            let (code, out, err) = in_store(&world, &store, &segment);
            let what = format!("{} byte {at}: {err}", path.display());
            assert!(code == 2 && out.is_empty() && err.contains("damaged") && err.contains("hint"), "{what}");
            assert!(err.contains(path.file_name().unwrap().to_str().unwrap()), "{what}");
            change(&path, at, &bytes[at..at + changed.len()]);
        }
        change(&path, 0, &[bytes[0] ^ 1]);
        let (code, _, err) = in_store(&world, &store, &["run", "plan.toml", "--out", "out"]);
        assert!(code == 2 && err.contains("damaged") && !world.path("out").exists(), "{}: {err}", path.display());
        change(&path, 0, &bytes[..1]);
    }
    assert_eq!(in_store(&world, &store, &segment), sound);
}

#[test]
fn a_run_compares_every_byte_whatever_was_noted() {
    let (world, store, dir) = world();
    world.write("plan.toml", "[input]\npaths = [\"lines.txt\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    std::thread::sleep(Duration::from_millis(3100));
    assert_eq!(in_store(&world, &store, &["segment", "lines.txt"]).0, 0);
    let note = store.join(".checked").join(dir.file_name().unwrap());
    // A note that holds for files that are damaged: the bytes went bad beneath the file system, which knows nothing of it.
    let words = dir.join("dict.words");
    let bytes = fs::read(&words).unwrap();
    change(&words, bytes.len() - 1, &[bytes[bytes.len() - 1] ^ 1]);
    let now = fs::metadata(&words).unwrap();
    let text = fs::read_to_string(&note).unwrap();
    let line = text.lines().find(|line| line.starts_with("dict.words ")).unwrap();
    let changed = {
        use std::os::unix::fs::MetadataExt;
        format!("{}changed {}.{:09}", line.split("changed").next().unwrap(), now.ctime(), now.ctime_nsec())
    };
    std::thread::sleep(Duration::from_millis(3100));
    world.write("store/note", text.replace(line, &changed));
    fs::rename(store.join("note"), &note).unwrap();
    assert_eq!(in_store(&world, &store, &["segment", "lines.txt"]).0, 0, "the note is believed");
    let (code, _, err) = in_store(&world, &store, &["run", "plan.toml", "--out", "out"]);
    assert!(code == 2 && err.contains("dict.words") && err.contains("damaged"), "{err}");
    let (code, out, _) = in_store(&world, &store, &["dictionary", "verify"]);
    assert!(code == 3 && out.contains("dict.words"), "{out}");
}

#[test]
fn a_disk_that_fails_is_no_missing_dictionary() {
    let (world, store, dir) = world();
    if !traces(&world) {
        return skipped("a_disk_that_fails_is_no_missing_dictionary", "strace, and leave to trace");
    }
    for (error, code, words) in [
        ("EIO", 1, "Input/output error"),
        ("ENOMEM", 4, "annot allocate memory"),
        ("EACCES", 2, "ermission denied"),
        ("EMFILE", 4, "Too many open files"),
    ] {
        for file in [dir.join("seimai.json"), dir.join("lattice.bin"), dir.clone(), store.clone()] {
            // A directory is looked at and listed, a file is opened.
            let calls = if file.is_dir() { "openat,statx" } else { "openat" };
            if error == "EMFILE" && file == dir {
                continue; // nothing opens it
            }
            let mut traced = world.program("strace");
            traced.args(["-f", "-qq", "-o", "/dev/null", "-P"]).arg(&file).arg(format!("-einject={calls}:error={error}"));
            traced.arg(env!("CARGO_BIN_EXE_seimai")).args(["segment", "lines.txt"]).env("SEIMAI_DICTIONARIES", &store);
            let (found, out, err) = said(&traced.output().unwrap());
            let what = format!("{error} at {}: exit {found}, {err}", file.display());
            assert!(found == code && out.is_empty() && err.contains(words) && !err.contains("not installed"), "{what}");
        }
    }
}

#[test]
fn a_disk_that_fails_is_no_wrong_name() {
    let (world, _, _) = world();
    if !traces(&world) {
        return skipped("a_disk_that_fails_is_no_wrong_name", "strace, and leave to trace");
    }
    world.write("plan.toml", "[input]\npaths = [\"lines.txt\"]\n[quality]\npreset = \"none\"\n");
    let out = world.path("out");
    let plan = world.path("plan.toml");
    let [plan_name, out_name] = [&plan, &out].map(|path| path.to_str().unwrap());
    let run = ["run", plan_name, "--out", out_name];
    for (error, code) in [("EIO", 1), ("ENOMEM", 4), ("EACCES", 2)] {
        for (at, arguments) in [(&plan, run), (&out, run), (&out, ["dedup", "lines.txt", "-o", out_name])] {
            fs::create_dir_all(&out).unwrap();
            let mut traced = world.program("strace");
            traced.args(["-f", "-qq", "-o", "/dev/null", "-P"]).arg(at).arg(format!("-einject=openat,openat2:error={error}"));
            let (found, _, err) = said(&traced.arg(env!("CARGO_BIN_EXE_seimai")).args(arguments).output().unwrap());
            assert!(found == code, "{error} at {}, {arguments:?}: exit {found}, {err}", at.display());
        }
    }
}

#[test]
fn no_command_opens_a_socket() {
    let (world, store, _) = world();
    if !traces(&world) {
        return skipped("no_command_opens_a_socket", "strace, and leave to trace");
    }
    world.write("in/a.jsonl", "{\"text\": \"外国人参政権を考える。東京都に住む。\"}\n");
    world.write("plan.toml", "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    for arguments in [
        &["--version"][..],
        &["init"],
        &["plan", "plan.toml"],
        &["run", "plan.toml", "--out", "out"],
        &["run", "plan.toml", "--out", "out"],
        &["verify", "out"],
        &["gc", "out", "--dry-run"],
        &["inspect", "--input", "in/a.jsonl"],
        &["dictionary", "list"],
        &["dictionary", "verify"],
        &["normalize", "in/a.jsonl"],
        &["segment", "lines.txt"],
        &["keigo", "lines.txt"],
        &["pii", "lines.txt"],
        &["filter", "in/a.jsonl", "--preset", "none", "-o", "filtered"],
        &["count", "in/a.jsonl", "-o", "counts.parquet"],
        &["train", "counts.parquet", "--vocab-size", "300", "-o", "tokenizer.json"],
        &["tokenizer", "report", "tokenizer.json", "--input", "in/a.jsonl"],
        &["encode", "in/a.jsonl", "--tokenizer", "tokenizer.json", "-o", "encoded"],
        &["decode", "out"],
        &["pack", "out/tokens", "--sequence-length", "64", "-o", "packed"],
        &["export", "--help"],
    ] {
        let log = world.path("network");
        let mut traced = world.program("strace");
        traced.args(["-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o"]).arg(&log).arg(env!("CARGO_BIN_EXE_seimai"));
        let (code, _, err) = said(&traced.args(arguments).env("SEIMAI_DICTIONARIES", &store).output().unwrap());
        assert_eq!(code, 0, "{arguments:?}: {err}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "", "{arguments:?}");
    }
}

#[test]
fn a_hangup_stops_a_run_as_other_signals_do_unless_it_is_ignored() {
    let (world, ..) = world();
    let text = (0..6_000).map(|n| format!("{{\"text\": \"外国人参政権を考える。東京都に住む。{n}\"}}\n")).collect::<Vec<_>>().concat();
    world.write("in/a.jsonl", text);
    world.write(
        "plan.toml",
        "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n[shards]\nrows_max = 100\n",
    );
    let whole = world.run(&["run", "plan.toml", "--out", "whole"]);
    assert_eq!(whole.0, 0, "{}", whole.2);
    let program = env!("CARGO_BIN_EXE_seimai");
    for (before, stops) in [("", true), ("trap '' HUP;", false)] {
        let out = if stops { "stopped" } else { "ignored" };
        let script = format!("{before} exec {program} run plan.toml --out {out} --threads 1 --progress none");
        let child = world.program("bash").args(["-c", &script]).stderr(std::process::Stdio::piped()).spawn().unwrap();
        while !crate::harness::unfinished::has_begun(&world.path(out)) {
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
        let (code, _, err) = said(&child.wait_with_output().unwrap());
        if stops {
            assert!(code == 129 && err.contains("SIGHUP") && err.contains("resume"), "{code}: {err}");
            assert!(!world.path("stopped/_SUCCESS").exists());
            assert_eq!(world.run(&["run", "plan.toml", "--out", "stopped"]).0, 0, "it resumes");
        } else {
            assert_eq!(code, 0, "{err}");
        }
        assert_eq!(crate::harness::tree(&world.path(out)), crate::harness::tree(&world.path("whole")));
    }
}

/// A finished run of a few documents, `out`, and the id of one of them.
fn finished(world: &World) -> String {
    let text = (0..40)
        .map(|n| format!("{{\"id\": \"d{n}\", \"text\": \"外国人参政権を考える。東京都に住む。{n}\"}}\n"))
        .collect::<Vec<_>>()
        .concat();
    world.write("in/a.jsonl", text);
    world.write(
        "plan.toml",
        "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 300\n",
    );
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out"]);
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = world.run(&["decode", "out"]);
    assert_eq!(code, 0, "{err}");
    let first: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    first["doc_id"].as_str().unwrap().to_owned()
}

#[test]
fn damaged_files_are_refused_by_what_reads_them() {
    let world = World::new();
    let id = finished(&world);
    let mut numbers = Numbers(7);
    for (file, by_decode, by_inspect) in
        [("tokens/part-00000.parquet", true, true), ("documents/part-00000.parquet", false, true), ("tokenizer/tokenizer.json", true, true)]
    {
        let path = world.path("out").join(file);
        // Files of OUT are second names of those in .work: a copy is damaged, so that only one of both is.
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for _ in 0..12 {
            let mut damaged = bytes.clone();
            let at = numbers.below(bytes.len());
            damaged[at] ^= 1 << numbers.below(8);
            world.write(&format!("out/{file}"), &damaged);
            for (command, reads) in [(&["decode", "out"][..], by_decode), (&["inspect", "out", &id], by_inspect)] {
                let (code, out, err) = world.run(command);
                let what = format!("{command:?}, {file} byte {at}: exit {code}, {err}");
                assert!(
                    !reads || code == 2 && out.is_empty() && err.contains(Path::new(file).file_name().unwrap().to_str().unwrap()),
                    "{what}"
                );
                assert!(!err.contains("internal error") && (reads || code == 0 || code == 2), "{what}");
            }
        }
        world.write(&format!("out/{file}"), &bytes);
    }
    // Away from its run a token shard has no hash: whatever can be read of it is, and nothing of it is taken for a fault of ours.
    let bytes = fs::read(world.path("out/tokens/part-00000.parquet")).unwrap();
    for _ in 0..60 {
        let mut damaged = bytes.clone();
        let at = numbers.below(bytes.len());
        damaged[at] ^= 1 << numbers.below(8);
        world.write("alone.parquet", &damaged);
        let (code, _, err) = world.run(&["decode", "alone.parquet", "--tokenizer", "out/tokenizer/tokenizer.json"]);
        assert!((code == 0 || code == 2) && !err.contains("internal error"), "byte {at}: exit {code}, {err}");
    }
}

#[test]
fn a_pipe_where_a_file_is_wanted_is_refused_and_not_waited_for() {
    let world = World::new();
    finished(&world);
    assert!(Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    world.write("lines.txt", LINES);
    for arguments in [
        &["run", "pipe", "--out", "new"][..],
        &["plan", "pipe"],
        &["train", "pipe", "--vocab-size", "300", "-o", "new"],
        &["encode", "in/a.jsonl", "--tokenizer", "pipe", "-o", "new"],
        &["decode", "pipe", "--tokenizer", "out/tokenizer/tokenizer.json"],
        &["decode", "out", "--tokenizer", "pipe"],
        &["dictionary", "import", "pipe"],
        &["segment", "lines.txt", "--user-dictionary", "pipe"],
        &["filter", "in/a.jsonl", "--preset", "none", "--words", "pipe", "-o", "new"],
        &["export", "megatron", "pipe", "-o", "new"],
    ] {
        let mut limited = world.program("timeout");
        let (code, out, err) = said(&limited.arg("30").arg(env!("CARGO_BIN_EXE_seimai")).args(arguments).output().unwrap());
        assert!(code == 2 && out.is_empty() && err.contains("pipe") && err.contains("hint"), "{arguments:?}: exit {code}, {err}");
        assert!(!world.path("new").exists(), "{arguments:?}");
    }
}

/// Little memory is a want of the machine: whatever fails for it, in our code or in that of a library, is exit code 4 and one sentence.
#[test]
fn too_little_memory_is_exit_code_4_everywhere() {
    let world = World::new();
    let noise = (0..3000).map(|n| format!("{{\"text\": \"外国人参政権を考える。東京都に住む。{n}\"}}\n")).collect::<Vec<_>>().concat();
    world.write("in/a.jsonl.zst", crate::harness::zstd(&noise));
    world.write("plan.toml", "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[tokenizer]\nvocab_size = 300\n");
    let program = env!("CARGO_BIN_EXE_seimai");
    let limited = |kib: u64, command: &str| {
        let script = format!("ulimit -v {kib}; exec {program} {command}");
        said(&world.program("bash").args(["-c", &script]).output().unwrap())
    };
    let starts = (20_000..).step_by(20_000).find(|&kib| limited(kib, "--version").0 == 0).unwrap();
    let (mut refused, mut done) = (0, 0);
    for step in 0..40 {
        let _ = fs::remove_dir_all(world.path("out"));
        let kib = starts + 20_000 + step * 18_000;
        let (code, _, err) = limited(kib, "run plan.toml --out out --threads 2 --progress none --memory 256MiB");
        assert!(code == 0 || code == 4, "{kib} KiB: exit {code}, {err}");
        assert!(!err.contains("internal error") && !err.contains("quarantined"), "{kib} KiB: {err}");
        (refused, done) = (refused + usize::from(code == 4), done + usize::from(code == 0));
        if done > 1 {
            break;
        }
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
}

#[test]
fn what_is_unfinished_goes_with_its_process() {
    let world = World::new();
    let names = |dir: &str| {
        fs::read_dir(world.path(dir)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    fs::create_dir(world.path("tmp")).unwrap();
    fs::create_dir(world.path("made")).unwrap();
    let start = |arguments: &[&str]| {
        let mut command = world.seimai(arguments);
        command
            .env("TMPDIR", world.path("tmp"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command.spawn().unwrap()
    };
    let wait = |what: &dyn Fn() -> bool| {
        for _ in 0..3000 {
            if what() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not begin");
    };
    let signal = |child: &std::process::Child, name: &str| {
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    };
    for (signal_name, stays) in [("-TERM", 0), ("-HUP", 0), ("-INT", 0), ("-KILL", 1)] {
        for arguments in [&["count", "-", "-o", "made/counts.parquet"][..], &["filter", "-", "--preset", "none", "-o", "made"]] {
            let mut child = start(arguments);
            // Open until it has ended: at its end the command would finish in a race with the signal.
            let input = child.stdin.take();
            wait(&|| names("made").iter().any(|name| name.contains("seimai")));
            signal(&child, signal_name);
            child.wait().unwrap();
            drop(input);
            let left = names("made");
            assert!(if stays == 0 { left.is_empty() } else { !left.is_empty() }, "{signal_name} {arguments:?}: {left:?}");
            // The next one of its kind removes what nobody is at work on.
            let mut next = start(arguments);
            drop(next.stdin.take());
            next.wait().unwrap();
            assert!(names("made").iter().all(|name| !name.contains("seimai")), "{:?}", names("made"));
            fs::remove_dir_all(world.path("made")).unwrap();
            fs::create_dir(world.path("made")).unwrap();
        }
        // A dictionary for one process has no names at all.
        world.write("user.csv", "水滴,名詞-一般,スイテキ\n");
        let mut child = start(&["segment", "-", "--user-dictionary", "user.csv"]);
        let maps = || fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap_or_default();
        wait(&|| maps().matches("(deleted)").count() >= 9);
        assert!(names("tmp").is_empty(), "{:?}", names("tmp"));
        signal(&child, signal_name);
        child.wait().unwrap();
        assert!(names("tmp").is_empty(), "{:?}", names("tmp"));
    }
}

#[test]
fn a_file_system_that_cannot_sync_directories_is_told_once() {
    let world = World::new();
    finished(&world);
    if !traces(&world) {
        return skipped("a_file_system_that_cannot_sync_directories_is_told_once", "strace, and leave to trace");
    }
    let whole = crate::harness::tree(&world.path("out"));
    let mut traced = world.program("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-einject=fsync:error=EINVAL"]);
    for dir in ["again", "again/tokens", "again/documents", "again/tokenizer", "again/pack"] {
        traced.arg("-P").arg(world.dir.path().canonicalize().unwrap().join(dir));
    }
    let (code, _, err) = said(&traced.arg(env!("CARGO_BIN_EXE_seimai")).args(["run", "plan.toml", "--out", "again"]).output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert_eq!(err.matches("cannot sync directories").count(), 1, "{err}");
    assert_eq!(crate::harness::tree(&world.path("again")), whole);
}

#[test]
fn verify_names_stray_directories() {
    let world = World::new();
    finished(&world);
    assert_eq!(world.run(&["verify", "out"]).0, 0);
    for stray in ["stray", "tokens/stray", "documents/.hidden"] {
        fs::create_dir(world.path("out").join(stray)).unwrap();
        let (code, out, _) = world.run(&["verify", "out"]);
        assert!(code == 3 && out.contains(&format!("{stray}: a directory")), "{out}");
        fs::remove_dir(world.path("out").join(stray)).unwrap();
    }
}
