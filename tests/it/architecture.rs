//! The house rules as tests: imports only go down and never round, and some words appear in some files only.

mod imports;
mod modules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::imports::{circles, describe, foreign, imports, imports_of};
use self::modules::Tree;
use self::source::product;

const ROOMS: &[&str] = &["corpus", "normalize", "segment", "keigo", "quality", "pii", "dedup", "decide", "bpe", "shard", "pack"];
const FOUNDATION: &[&str] = &["stage", "schema", "morpheme", "quarantine", "io", "error"];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file under `src/`, tests included: name and text.
fn files() -> Vec<(String, String)> {
    files_under(&src())
}

pub(crate) fn files_under(root: &Path) -> Vec<(String, String)> {
    let mut open = vec![root.to_path_buf()];
    let mut all = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push((path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}

/// The text of every Rust file under a directory.
pub(crate) fn text_under(dir: &Path) -> String {
    files_under(dir).into_iter().map(|(_, text)| text).collect()
}

/// The module on the ground floor that a file belongs to: `pack/format.rs` → `pack`.
fn home(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// Files among which no circle may be: a room, the pipeline, the foundation, the command line.
fn group(file: &str) -> Option<String> {
    match home(file) {
        "lib" | "main" => None,
        home if FOUNDATION.contains(&home) => Some("foundation".to_owned()),
        home => Some(home.to_owned()),
    }
}

/// May a file of `from` name something of `to`?
fn may_import(from: &str, to: &str) -> bool {
    match from {
        "lib" | "cli" => true,
        "pipeline" => to != "cli" && to != "lib",
        room if ROOMS.contains(&room) => to == room || FOUNDATION.contains(&to),
        _ => FOUNDATION.contains(&to),
    }
}

#[test]
fn imports_only_go_down() {
    let tree = Tree::read(&src());
    let all = (0..tree.modules.len()).flat_map(|module| imports_of(&tree, module));
    let wrong: Vec<String> = all
        .filter(|import| {
            let from = home(&import.from);
            !may_import(from, home(&import.to)) || import.through.as_ref().is_some_and(|through| !may_import(from, home(through)))
        })
        .map(|import| import.to_string())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_two_files_of_a_room_import_each_other() {
    let all = imports(&Tree::read(&src()), group);
    let wrong: Vec<String> = circles(&all).iter().map(|circle| describe(circle, &all)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_file_names_its_sibling_and_not_the_parent_that_passes_it_on() {
    let roundabout = imports(&Tree::read(&src()), group).into_iter().filter(|import| import.through.is_some());
    let wrong: Vec<String> = roundabout.map(|import| import.to_string()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A path of another crate, where it may be named (a file, or a folder with its head file), and why only there.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("clap", &["cli"], "argument parsing belongs to the command line"),
    ("indicatif", &["cli"], "progress bars belong to the command line"),
    ("anyhow", &["cli"], "the library has typed errors"),
    ("signal_hook", &["cli"], "signals are met by the command line"),
    ("rayon", &["pipeline/pool"], "threads start in one file"),
    ("thread::spawn", &["pipeline/pool"], "threads start in one file"),
    ("thread::scope", &["pipeline/pool"], "threads start in one file"),
    ("thread::Builder", &["pipeline/pool"], "threads start in one file"),
    ("File::create", &["io"], "files are made in io"),
    ("File::create_new", &["io"], "files are made in io"),
    ("File::options", &["io"], "files are made in io"),
    ("OpenOptions", &["io"], "files are made in io"),
    ("fs::write", &["io"], "files are made in io"),
    ("fs::copy", &["io"], "files are made in io"),
    ("fs::hard_link", &["io"], "files are made in io"),
    ("process::Command", &["cli/dictionary_clients"], "package clients are the only child processes"),
    ("Command::new", &["cli/dictionary_clients"], "package clients are the only child processes"),
    ("net", &[], "no network"),
    ("TcpStream", &[], "no network"),
    ("UdpSocket", &[], "no network"),
    ("UnixStream", &[], "no network"),
    ("SystemTime", &["pipeline/run_log"], "outputs must not depend on the clock: the log of a run is none"),
    ("Instant", &["cli", "pipeline"], "times are told in run.json and on the terminal, and nowhere else"),
    ("available_parallelism", &["cli"], "outputs must not depend on the number of threads"),
    ("env::var", &["cli", "segment/store"], "the environment says where dictionaries are, and nothing else"),
    (
        "env::var_os",
        &["cli", "segment/store", "io/cloud"],
        "the environment says where dictionaries are and who asks a store, and nothing else",
    ),
    ("env::vars_os", &["io/cloud", "cli/doctor"], "what is secret is never printed: the doctor tells variables of ours"),
    ("object_store", &["io/cloud"], "stores are met in one folder"),
    ("tokio", &["io/cloud"], "connections live in one folder"),
    ("reqwest", &["io/cloud"], "connections live in one folder"),
    ("rustls", &["io/cloud"], "connections live in one folder"),
];

/// Files that name a reserved word with a reason.
const RESERVED_EXCEPT: &[(&str, &str, &str)] = &[("cli/signals.rs", "thread::Builder", "a signal is waited for beside the work")];

/// Is `file` the head file `place.rs` or inside the folder `place/`?
fn lies_in(file: &str, place: &str) -> bool {
    file.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Does a path contain these segments in a row?
fn names(path: &[String], word: &str) -> bool {
    let word: Vec<&str> = word.split("::").collect();
    path.windows(word.len()).any(|window| window == word)
}

#[test]
fn reserved_words_stand_where_they_may() {
    let tree = Tree::read(&src());
    let (mut wrong, mut used) = (BTreeSet::new(), BTreeSet::new());
    for (module, about) in tree.modules.iter().enumerate() {
        for (line, path) in foreign(&tree, module) {
            for (word, places, why) in RESERVED.iter().filter(|(word, ..)| names(&path, word)) {
                let except = RESERVED_EXCEPT.iter().position(|(file, other, _)| *file == about.file && other == word);
                used.extend(except);
                if except.is_none() && !places.iter().any(|place| lies_in(&about.file, place)) {
                    wrong.insert(format!("{}:{line}: {} ({why})", about.file, path.join("::")));
                }
            }
        }
    }
    wrong.extend(
        RESERVED_EXCEPT.iter().enumerate().filter(|(n, _)| !used.contains(n)).map(|(_, gone)| format!("no longer needed: {gone:?}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// What kernels do not know: the files inside a room work on `&str` and slices.
const UNKNOWN_TO_KERNELS: &[&str] = &["arrow", "parquet", "fs", "File::open", "thread", "rayon", "Instant", "SystemTime"];

/// Files inside a room (or folders with their head file) that are no kernels, and why.
const NO_KERNELS: &[(&str, &str)] = &[
    ("bpe/counts_table", "the table of counts"),
    ("corpus/batches", "records become columns"),
    ("corpus/inputs", "finds the inputs"),
    ("corpus/lost", "looks at what is there where an input is not"),
    ("corpus/shard_table", "the table of work shards"),
    ("corpus/table", "reads Parquet files"),
    ("decide/keigo_facts", "reads the columns of keigo"),
    ("decide/measured", "reads the column of measures"),
    ("decide/rejections", "the table of rejections"),
    ("dedup/index_table", "the tables of an index"),
    ("dedup/partial_table", "the table of sketches"),
    ("dedup/table", "makes tables"),
    ("normalize/sentences", "is a stage of its own"),
    ("pack/packer", "reads token shards"),
    ("pack/selection", "reads token shards"),
    ("pack/token_reader", "reads token shards"),
    ("segment/dictionary", "measures the files of a dictionary"),
    ("segment/store", "keeps dictionaries on disk"),
    ("shard/layout", "the layout of Parquet files"),
    ("shard/megatron_writer", "reads token shards"),
    ("shard/part_writer", "writes Parquet files"),
    ("shard/token_shard", "reads the footer of a token shard"),
];

#[test]
fn kernels_know_no_arrow_no_files_no_threads_no_clock() {
    let tree = Tree::read(&src());
    let (mut wrong, mut needed) = (BTreeSet::new(), BTreeSet::new());
    for (module, about) in tree.modules.iter().enumerate() {
        let inside = ROOMS.iter().any(|room| about.file.starts_with(&format!("{room}/")));
        let known = foreign(&tree, module).into_iter().filter(|(_, path)| UNKNOWN_TO_KERNELS.iter().any(|word| names(path, word)));
        for (line, path) in known.filter(|_| inside) {
            match NO_KERNELS.iter().find(|(place, _)| lies_in(&about.file, place)) {
                Some((place, _)) => drop(needed.insert(*place)),
                None => drop(wrong.insert(format!("{}:{line}: {}", about.file, path.join("::")))),
            }
        }
    }
    wrong.extend(NO_KERNELS.iter().filter(|(place, _)| !needed.contains(place)).map(|(place, _)| format!("no longer needed: {place}")));
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// The files with `unsafe` in them: memory maps, vector instructions, loops on checked tables, the allocator, handlers of signals.
const UNSAFE: &[&str] = &[
    "cli/allocator.rs",
    "cli/signals.rs",
    "dedup/minhash.rs",
    "io/finished.rs",
    "io/mapped_cells.rs",
    "segment/exact.rs",
    "segment/exact/candidates.rs",
    "segment/exact/connect.rs",
    "segment/exact/forward.rs",
    "segment/exact/lattice.rs",
    "segment/exact/tables.rs",
];

#[test]
fn unsafe_stands_in_few_files() {
    let says_unsafe = |text: &str| product(text).iter().any(|token| token.text == "unsafe");
    let found: Vec<String> = files().into_iter().filter(|(_, text)| says_unsafe(text)).map(|(file, _)| file).collect();
    assert_eq!(found, UNSAFE, "a file more needs a reason; a file less is taken out of the list");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = files().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "no //! header: {silent:?}");
    let drawers: Vec<String> = files().into_iter().filter(|(file, _)| file.ends_with("mod.rs")).map(|(file, _)| file).collect();
    assert!(drawers.is_empty(), "mod.rs: {drawers:?}");
}

#[test]
fn no_network_client_is_depended_on() {
    const BANNED: &[&str] = &[
        "object_store",
        "reqwest",
        "hyper",
        "hyper-util",
        "h2",
        "http",
        "ureq",
        "curl",
        "isahc",
        "openssl",
        "native-tls",
        "rustls",
        "ring",
        "rustls-native-certs",
        "hickory-resolver",
        "tokio",
        "mio",
        "socket2",
    ];
    // What is linked on this machine, by crate; those of a build, a test or another system are not.
    let linked = |arguments: &[&str]| -> BTreeSet<String> {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none"]).args(arguments);
        let said = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(said.status.success(), "cargo tree {arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
    };
    for arguments in [&[][..], &["--no-default-features"], &["--package", "seimai-python"]] {
        let linked = linked(arguments);
        let found: Vec<_> = BANNED.iter().filter(|banned| linked.contains(**banned)).collect();
        assert!(linked.contains("parquet") && found.is_empty(), "{arguments:?}: {found:?}");
    }
    // With stores they are, so that the test above looks where it should.
    let with_stores = linked(&["--features", "cloud"]);
    assert!(["object_store", "reqwest", "hyper", "rustls", "ring", "tokio"].iter().all(|there| with_stores.contains(*there)));
    // No client but this one comes with any feature.
    let lock = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock")).unwrap();
    for banned in ["ureq", "curl", "isahc", "openssl", "native-tls", "aws-lc-rs", "hickory-resolver"] {
        assert!(!lock.contains(&format!("name = \"{banned}\"")), "{banned} is in Cargo.lock");
    }
}
