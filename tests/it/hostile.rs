//! Damaged, malicious and merely odd files: each costs itself, never its neighbours, never silently, and never the program.
//!
//! The files come from a generator that says of each what has to come of it. Ceilings of time and memory hold for a release
//! build and are not judged here; an endless loop is.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{World, repository, skipped, tree};

/// A command that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(3);
/// What the program does not offer is not driven: other tokenizers.
const NOT_OFFERED: &[&str] = &["tokenizer"];

/// Cases whose expectation is older than a decision (docs/adr/0029): the numbers that JSON does not know are nothing in a side field.
const SUPERSEDED: &[&str] = &["json-05"];

/// The generated files and a place to work in.
struct Hostile {
    world: World,
    files: PathBuf,
    cases: Vec<Value>,
}

/// What a command did.
struct Said {
    code: i32,
    out: String,
    err: String,
}

fn generate(test: &str) -> Option<Hostile> {
    let shared = std::env::var_os("SEIMAI_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    let generator = shared.join("hostile/gen.py");
    if !generator.is_file() {
        skipped(test, "shared/hostile/gen.py");
        return None;
    }
    let world = World::new();
    let files = world.path("hostile");
    let output = Command::new("python3").arg(&generator).arg(&files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cases = serde_json::from_slice(&fs::read(files.join("expected.json")).unwrap()).unwrap();
    Some(Hostile { world, files, cases })
}

#[test]
fn every_hostile_file_comes_to_what_it_should() {
    let Some(hostile) = generate("every_hostile_file_comes_to_what_it_should") else { return };
    let outside = tree(&hostile.files.join("outside"));
    hostile.the_sound_dictionary_is_accepted();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = hostile.cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = hostile.drive(case);
                    faults.lock().unwrap().extend(found.into_iter().map(|fault| format!("{}: {fault}", text(case, "id"))));
                }
            });
        }
    });
    let mut faults = faults.into_inner().unwrap();
    faults.sort();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(outside, tree(&hostile.files.join("outside")), "nothing outside is touched");
}

impl Hostile {
    /// Runs the program in `dir`; dictionaries are built into a store of the test's own.
    fn seimai(&self, dir: &Path, arguments: &[&str]) -> Said {
        let name = format!("{:?}", std::thread::current().id());
        let (out, err) = (self.world.path(&format!("{name}.out")), self.world.path(&format!("{name}.err")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_seimai"));
        command.current_dir(dir).args(arguments).env("SEIMAI_DICTIONARIES", self.world.path("store")).stdin(Stdio::null());
        let open = |name: &str| fs::File::options().write(true).open(self.world.write(name, b"")).unwrap();
        command.stdout(open(&format!("{name}.out"))).stderr(open(&format!("{name}.err")));
        let mut child = command.spawn().unwrap();
        let started = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break status,
                None if started.elapsed() > PATIENCE => {
                    child.kill().unwrap();
                    break child.wait().unwrap();
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        Said { code, out: read(out), err: read(err) }
    }

    fn here(&self, arguments: &[&str]) -> Said {
        self.seimai(self.world.dir.path(), arguments)
    }

    fn the_sound_dictionary_is_accepted(&self) {
        let dictionary = self.files.join("base-dictionary");
        let (dictionary, sample) = (dictionary.to_str().unwrap(), self.files.join("sample.jsonl"));
        for arguments in [&["dictionary", "build", dictionary][..], &["segment", sample.to_str().unwrap(), "--dictionary", dictionary]] {
            let said = self.here(arguments);
            assert_eq!(said.code, 0, "{arguments:?}: {}", said.err);
        }
    }

    /// What is wrong with how the program met the case.
    fn drive(&self, case: &Value) -> Vec<String> {
        let path = self.files.join(text(case, "path"));
        let path = path.to_str().unwrap();
        let sample = self.files.join("sample.jsonl");
        let sample = sample.to_str().unwrap();
        let base = self.files.join("base-dictionary");
        match text(case, "drive") {
            "read" | "tree" => self.read(case, path),
            "plan" => {
                let dir = Path::new(path).parent().unwrap();
                let out = self.world.path(text(case, "id"));
                let mut faults = refusal(&self.seimai(dir, &["plan", path]));
                faults.extend(refusal(&self.seimai(dir, &["run", path, "--out", out.to_str().unwrap()])));
                faults.extend(out.exists().then(|| "a refusal left an output".to_owned()));
                faults
            }
            "dictionary" => {
                let mut faults = refusal(&self.here(&["dictionary", "build", path]));
                faults.extend(refusal(&self.here(&["segment", sample, "--dictionary", path])));
                faults
            }
            "user-dictionary" => {
                refusal(&self.here(&["segment", sample, "--dictionary", base.to_str().unwrap(), "--user-dictionary", path]))
            }
            "run" => self.earlier_run(case, path),
            "eval" => self.search(case, &["dedup", sample, "--exact", "--decontaminate", path]),
            "index" => {
                let index = Path::new(path).parent().and_then(Path::to_str).unwrap();
                self.search(case, &["dedup", sample, "--near", "0.8", "--against", index])
            }
            other if NOT_OFFERED.contains(&other) => vec![],
            other => vec![format!("no way to drive `{other}`")],
        }
    }

    /// A search with something that is refused, or with something that is not.
    fn search(&self, case: &Value, arguments: &[&str]) -> Vec<String> {
        let out = self.world.path(&format!("{}-searched", text(case, "id")));
        let said = self.here(&[arguments, &["-o", out.to_str().unwrap()]].concat());
        if !allows(&case["exit"], 2) {
            return on_the_terminal(&said);
        }
        let mut faults = refusal(&said);
        faults.extend(out.exists().then(|| "a refusal left an output".to_owned()));
        faults
    }

    fn plan(&self, id: &str, input: &str) -> String {
        let dictionary = self.files.join("base-dictionary");
        let plan = format!(
            "[input]\npaths = [{}]\n[segment]\ndictionary = {}\n[quality]\npreset = \"none\"\n[dedup]\nexact = false\nnear = false\n\
             [tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 128\n",
            toml::Value::from(input),
            toml::Value::from(dictionary.to_str().unwrap())
        );
        self.world.write(&format!("{id}.toml"), plan).to_str().unwrap().to_owned()
    }

    /// A file or directory as the input of a run.
    fn read(&self, case: &Value, path: &str) -> Vec<String> {
        let id = text(case, "id");
        let out = self.world.path(id);
        let plan = self.plan(id, path);
        let said = self.here(&["run", &plan, "--out", out.to_str().unwrap(), "--threads", "1", "--memory", "400MiB"]);
        let mut faults = on_the_terminal(&said);
        if said.code == 2 {
            faults.extend(out.exists().then(|| "a refusal left an output".to_owned()));
            if !alternatives(case).iter().any(|case| allows(&case["exit"], 2)) {
                faults.push(format!("refused: {}", said.err));
            }
            return faults;
        }
        let Ok(manifest) = fs::read(out.join("manifest.json")) else {
            faults.push(format!("exit {} without a manifest: {}", said.code, said.err));
            return faults;
        };
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let n = |name: &str| manifest["totals"][name].as_u64().unwrap();
        let (ok, quarantined) = (n("kept") + n("rejected"), n("quarantined"));
        let fits = |case: &Value| {
            let counted = text(case, "file") == "refused" || (within(&case["ok"], ok) && within(&case["quarantined"], quarantined));
            allows(&case["exit"], said.code) && counted
        };
        if !alternatives(case).iter().any(fits) && !SUPERSEDED.contains(&id) {
            faults.push(format!("exit {}, {ok} read, {quarantined} quarantined; expected {case}", said.code));
        }
        if n("read") != ok + quarantined {
            faults.push("read is not kept + rejected + quarantined".into());
        }
        if (said.code == 3) != (quarantined > 0) {
            faults.push(format!("exit {} with {quarantined} quarantined", said.code));
        }
        faults.extend(quarantine(&out, quarantined));
        faults.extend(self.without_duplicates(case, path));
        let verified = self.here(&["verify", out.to_str().unwrap()]);
        if verified.code != 0 {
            faults.push(format!("verify: exit {}: {}{}", verified.code, verified.out, verified.err));
        }
        faults
    }

    /// The same files where duplicates are looked for.
    fn without_duplicates(&self, case: &Value, path: &str) -> Vec<String> {
        let out = self.world.path(&format!("{}-unique", text(case, "id")));
        let said =
            self.here(&["dedup", path, "--exact", "--near", "0.8", "-o", out.to_str().unwrap(), "--threads", "1", "--memory", "400MiB"]);
        let mut faults = on_the_terminal(&said);
        let lines = |name: &str| fs::read_to_string(out.join(name)).map_or(0, |text| text.lines().count() as u64);
        let [kept, duplicates, quarantined] = ["kept.jsonl", "duplicates.jsonl", "quarantine.jsonl"].map(lines);
        let fits = |case: &Value| {
            let counted = within(&case["ok"], kept + duplicates) && within(&case["quarantined"], quarantined);
            allows(&case["exit"], said.code) && within(&case["kept"], kept) && (counted || text(case, "file") == "refused")
        };
        if !alternatives(case).iter().any(fits) && !SUPERSEDED.contains(&text(case, "id")) {
            faults.push(format!(
                "dedup: exit {}, {kept} kept, {duplicates} duplicates, {quarantined} quarantined; expected {case}: {}",
                said.code, said.err
            ));
        }
        faults
    }

    /// A manifest that lies is neither believed nor overwritten.
    fn earlier_run(&self, case: &Value, path: &str) -> Vec<String> {
        let copy = self.world.path(text(case, "id"));
        let from = Path::new(path).parent().unwrap();
        fs::create_dir(&copy).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
        let before = tree(&copy);
        let plan = self.plan(text(case, "id"), self.files.join("sample.jsonl").to_str().unwrap());
        let out = copy.to_str().unwrap();
        let mut faults = Vec::new();
        for arguments in [&["verify", out][..], &["run", &plan, "--out", out, "--quiet"]] {
            let said = self.here(arguments);
            faults.extend(on_the_terminal(&said));
            if ![2, 3].contains(&said.code) {
                faults.push(format!("{}: exit {}: {}{}", arguments[0], said.code, said.out, said.err));
            }
        }
        if tree(&copy) != before {
            faults.push("the directory was changed".into());
        }
        faults
    }
}

/// Refused with the reason, and nothing else.
fn refusal(said: &Said) -> Vec<String> {
    let mut faults = on_the_terminal(said);
    if said.code != 2 || !said.err.starts_with("error: ") {
        faults.push(format!("not refused: exit {}: {}{}", said.code, said.out, said.err));
    }
    faults
}

/// No character that would do something to a terminal, no trace of a panic.
fn on_the_terminal(said: &Said) -> Vec<String> {
    let bad = |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    let found = said.out.chars().chain(said.err.chars()).find(bad);
    let mut faults: Vec<String> = found.into_iter().map(|c| format!("{c:?} on the terminal")).collect();
    if said.err.contains("panicked") || said.err.contains("internal error") {
        faults.push(said.err.clone());
    }
    faults
}

/// As many lines as the manifest says, each with file, place and reason.
fn quarantine(out: &Path, quarantined: u64) -> Option<String> {
    let lines = fs::read_to_string(out.join("quarantine.jsonl")).unwrap_or_default();
    if lines.lines().count() as u64 != quarantined {
        return Some(format!("quarantine.jsonl has {} lines", lines.lines().count()));
    }
    let complete = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        !text(&line, "file").is_empty() && line["offset"].is_u64() && !text(&line, "reason").is_empty()
    };
    lines.lines().find(|line| !complete(line)).map(|line| format!("incomplete: {line}"))
}

/// The case, and what else is sound.
fn alternatives(case: &Value) -> Vec<Value> {
    let mut all = vec![case.clone()];
    for other in case["one_of"].as_array().unwrap() {
        let mut merged = case.clone();
        merged.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        all.push(merged);
    }
    all
}

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

fn allows(exits: &Value, code: i32) -> bool {
    exits.as_array().unwrap().iter().any(|exit| exit.as_i64() == Some(i64::from(code)))
}

/// `[low, high]`, inclusive; null is any.
fn within(range: &Value, n: u64) -> bool {
    range[0].as_u64().is_none_or(|low| low <= n) && range[1].as_u64().is_none_or(|high| n <= high)
}
