//! The tables of `dicts/keigo/`: they are read, they are clean, and their names and the program's are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;

use crate::keigo::alphabet::{Class, Form, Lemma};
use crate::keigo::conditions::CONDITIONS;
use crate::keigo::flags::Flags;
use crate::keigo::formula::{Domain, FORMULAE};
use crate::keigo::fused::{FUSED, Position};
use crate::keigo::marks::{MARKS, Use};
use crate::keigo::misuse::{MISUSE, MisuseType, Severity};
use crate::keigo::misuse_conditions::MISUSE_CONDITIONS;
use crate::keigo::rules::{Label, RULES};
use crate::keigo::table::Table;
use crate::keigo::tables::Tables;
use crate::keigo::vocabulary::{Kind, LEMMA_FLAGS, LEMMAS, SPELLINGS, UNKNOWN};

/// What names lemmas and flags in Rust, tests left out.
const CODE: &[&str] = &[
    include_str!("../analyze.rs"),
    include_str!("../conditions.rs"),
    include_str!("../formula.rs"),
    include_str!("../mapper.rs"),
    include_str!("../misuse.rs"),
    include_str!("../misuse_conditions.rs"),
    include_str!("../misuse_place.rs"),
    include_str!("../rules.rs"),
    include_str!("../scene.rs"),
    include_str!("../style.rs"),
];

const README: &str = include_str!("../../../dicts/keigo/README.md");

type Names = BTreeSet<&'static str>;

fn names<T>(all: &'static [(&'static str, T)]) -> Names {
    all.iter().map(|(name, _)| *name).collect()
}

/// The words of one column.
fn column<const N: usize>(table: Table<N>, column: &str) -> Names {
    let at = table.columns.iter().position(|name| *name == column).unwrap();
    let mut words = Names::new();
    table
        .each(|cells| {
            words.extend(cells[at].split(' '));
            Ok(())
        })
        .unwrap();
    words
}

/// The names that code calls by `prefix` (`Lemma::`).
fn called(prefix: &str) -> Names {
    let product = |text: &'static str| text.split("#[cfg(test)]").next().unwrap_or("");
    let calls = CODE.iter().flat_map(|text| product(text).split(prefix).skip(1));
    calls.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")).collect()
}

/// The names that patterns of rules hold.
fn in_patterns() -> Names {
    let steps = &column(RULES, "pattern") | &column(MISUSE, "pattern");
    let step_names = steps.iter().flat_map(|step| step.split([':', '=', '|', '?', '/', '(', ')']));
    step_names.collect()
}

fn files() -> BTreeMap<String, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("dicts/keigo");
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let tables = paths.filter(|path| path.extension().is_some_and(|extension| extension == "tsv"));
    tables.map(|path| (path.file_name().unwrap().to_str().unwrap().to_string(), fs::read_to_string(path).unwrap())).collect()
}

/// Fails with the names that only one side has.
fn same(what: &str, tables: &Names, program: &Names) {
    let (only_tables, only_program) = (tables - program, program - tables);
    assert!(only_tables.is_empty(), "{what} of the tables that the program does not know: {only_tables:?}");
    assert!(only_program.is_empty(), "{what} of the program that no table uses: {only_program:?}");
}

#[test]
fn the_tables_are_read() {
    assert!(Tables::read().is_ok(), "{}", Tables::read().unwrap_err());
}

#[test]
fn every_file_is_a_table_of_the_program() {
    let mut known: Vec<&str> = [LEMMA_FLAGS, UNKNOWN, FUSED, MARKS].iter().chain(&SPELLINGS).map(|table| table.file).collect();
    known.extend([LEMMAS.file, FORMULAE.file, RULES.file, MISUSE.file]);
    known.sort_unstable();
    assert_eq!(files().keys().map(String::as_str).collect::<Vec<_>>(), known);
}

#[test]
fn the_files_are_clean() {
    for (file, text) in files() {
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{file}: one newline at the end");
        for (i, line) in text.split_terminator('\n').enumerate() {
            let at = format!("{file}:{}: {line:?}", i + 1);
            assert_eq!(line.trim(), line, "{at}: a blank at an end");
            assert!(!line.contains(['\r', '\u{feff}', '\u{3000}']), "{at}: an odd blank");
            let untidy = |cell: &str| cell.trim() != cell || cell.contains("  ");
            assert!(line.starts_with('#') || !line.split('\t').any(untidy), "{at}: blanks in a cell");
        }
    }
}

/// A spelling that normalisation would change may stand only beside its normal form.
#[test]
fn spellings_are_normalised() {
    for (file, text) in files() {
        let entries: BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        for entry in &entries {
            let normal: String = entry.nfkc().collect();
            assert!(entries.contains(normal.as_str()), "{file}: {entry:?} without {normal:?}");
        }
    }
}

#[test]
fn lemmas_are_those_of_the_program() {
    let spelt = column(LEMMAS, "lemma");
    // Unchanging words with です inside are recognised by their parts.
    let mut declared = names(Lemma::ALL);
    assert!(declared.remove("None") && declared.remove("Fused"));
    same("lemmas", &spelt, &declared);
    assert!(column(LEMMA_FLAGS, "lemma").is_subset(&spelt));
    let idle = &spelt - &(&called("Lemma::") | &in_patterns());
    assert!(idle.is_empty(), "no rule and no condition names {idle:?}");
}

#[test]
fn flags_are_those_of_the_program() {
    let mut given = BTreeMap::new();
    for table in SPELLINGS.into_iter().chain([LEMMA_FLAGS]) {
        for flag in column(table, "flags") {
            let before = given.insert(flag, table.file);
            // Of cores and of whole nouns; of lemmas and of spellings.
            let shared = matches!(flag, "COMMON" | "COURTESY");
            assert!(before.is_none() || shared, "{flag} stands in two files, also in {}", table.file);
        }
    }
    let computed = Flags::ALL.iter().filter(|(_, flag)| flag.any(Flags::COMPUTED)).map(|(name, _)| *name);
    let all: Names = given.keys().copied().chain(computed).collect();
    same("flags", &all, &names(Flags::ALL));
    let idle = &all - &(&called("Flags::") | &in_patterns());
    assert!(idle.is_empty(), "no rule and no condition names {idle:?}");
}

#[test]
fn conditions_kinds_and_labels_are_those_of_the_program() {
    same("conditions", &column(RULES, "condition"), &names(CONDITIONS));
    same("conditions of misuse", &column(MISUSE, "condition"), &names(MISUSE_CONDITIONS));
    same("severities", &column(MISUSE, "severity"), &names(Severity::ALL));
    let types: Names = column(MISUSE, "rule").into_iter().filter_map(|rule| rule.split('.').nth(1)).collect();
    same("types of misuse", &types, &names(MisuseType::ALL));
    same("kinds", &column(LEMMAS, "kind"), &names(Kind::ALL));
    same("positions", &column(FUSED, "position"), &names(Position::ALL));
    same("uses", &column(MARKS, "use"), &names(Use::ALL));
    same("domains", &column(FORMULAE, "domain"), &names(Domain::ALL));
    let mut labels = column(RULES, "label");
    assert!(labels.remove("-"));
    same("labels", &labels, &names(Label::ALL));
}

#[test]
fn the_readme_explains_every_name() {
    let mut wanted = names(Flags::ALL);
    for more in [
        names(Kind::ALL),
        names(Position::ALL),
        names(Use::ALL),
        names(Domain::ALL),
        names(Label::ALL),
        names(CONDITIONS),
        names(MISUSE_CONDITIONS),
        names(MisuseType::ALL),
    ] {
        wanted.extend(more);
    }
    wanted.extend(names(Class::ALL).into_iter().chain(names(Form::ALL)));
    let missing: Vec<_> = wanted.iter().filter(|name| !README.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "README.md does not name {missing:?}");
    for file in files().keys() {
        assert!(README.contains(&format!("| `{file}` |")), "README.md does not list {file}");
    }
}

/// A row of misuse that waits for the spans of a rule waits for one that is there.
#[test]
fn misuse_begins_at_rules_that_are_there() {
    let rules = column(RULES, "rule");
    for pattern in column(MISUSE, "pattern").into_iter().filter_map(|step| step.strip_prefix("span:")) {
        let unknown: Vec<&str> = pattern.split('|').filter(|rule| !rules.contains(rule)).collect();
        assert!(unknown.is_empty(), "misuse.tsv names the rules {unknown:?}");
    }
}
