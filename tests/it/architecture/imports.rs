//! Which file imports which inside a room, and the circles of such imports.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Target, Tree};
use super::source::{Token, is};

/// A file names an item that another file of its group has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) line: usize,
    pub(crate) to: String,
    /// The path as written.
    pub(crate) path: String,
    /// The file that only passes the name on.
    pub(crate) through: Option<String>,
}

impl std::fmt::Display for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} names {} of {}", self.from, self.line, self.path, self.to)?;
        self.through.as_ref().map_or(Ok(()), |through| write!(f, " (passed on by {through}: name {} itself)", self.to))
    }
}

/// All imports between files of one group.
pub(crate) fn imports(tree: &Tree, group: impl Fn(&str) -> Option<String>) -> Vec<Import> {
    let mut all: Vec<Import> = (0..tree.modules.len()).flat_map(|module| imports_of(tree, module)).collect();
    all.retain(|import| import.from != import.to && group(&import.from).is_some() && group(&import.from) == group(&import.to));
    all.sort();
    all.dedup();
    all
}

/// What a module names of other crates, the standard library included; single words are left out.
pub(crate) fn foreign(tree: &Tree, from: usize) -> Vec<(usize, Vec<String>)> {
    let module = &tree.modules[from];
    let used = module.uses.iter().map(|import| (import.line, import.segments.clone()));
    let written = (0..module.body.len()).map(|at| (module.body[at].line, path_at(&module.body, at)));
    let all = used.chain(written.filter(|(_, segments)| segments.len() > 1));
    let mut foreign: Vec<_> = all.filter(|(_, segments)| tree.resolve(from, segments).is_none()).collect();
    for (_, segments) in &mut foreign {
        segments.retain(|segment| segment != "::");
    }
    foreign
}

/// Everything of this crate that a module names, re-exports of its own children left out.
pub(crate) fn imports_of(tree: &Tree, from: usize) -> Vec<Import> {
    let module = &tree.modules[from];
    let mut found = Vec::new();
    let mut passed_on = Vec::new();
    for import in &module.uses {
        let Some(target) = tree.resolve(from, &import.segments) else { continue };
        if import.public && tree.is_inside(target.module, from) {
            passed_on.push((import, target));
        } else {
            found.extend(records(tree, from, import.line, &import.segments, &target));
        }
    }
    for (at, token) in module.body.iter().enumerate() {
        let segments = path_at(&module.body, at);
        if segments.len() > 1
            && let Some(target) = tree.resolve(from, &segments)
        {
            found.extend(records(tree, from, token.line, &segments, &target));
        }
    }
    for (import, target) in passed_on {
        for name in tree.names(from, import) {
            let used = (0..module.body.len()).find(|at| uses_name(&module.body, *at, &name));
            found.extend(used.into_iter().flat_map(|at| records(tree, from, module.body[at].line, std::slice::from_ref(&name), &target)));
        }
    }
    found
}

/// The file that has the item, and the one that passes it on if there is such a one. A parent that passes on what one of its
/// files has is no import of the file inside, which should have named the other file itself.
fn records(tree: &Tree, from: usize, line: usize, segments: &[String], target: &Target) -> Vec<Import> {
    let file = |index: usize| tree.modules[index].file.clone();
    let import = |to: usize, through: Option<usize>| Import {
        from: file(from),
        line,
        to: file(to),
        path: segments.join("::"),
        through: through.map(file),
    };
    match target.through {
        Some(through) if tree.is_inside(from, through) && file(through) != file(target.module) && file(through) != file(from) => {
            vec![import(target.module, Some(through))]
        }
        Some(through) => vec![import(target.module, None), import(through, None)],
        None => vec![import(target.module, None)],
    }
}

/// The path that begins at `at`, or nothing if none begins there.
fn path_at(tokens: &[Token], at: usize) -> Vec<String> {
    let before = |n: usize, text: &str| at >= n && is(tokens, at - n, text);
    let goes_on = before(1, "::") && at > 1 && (is_word(&tokens[at - 2].text) || before(2, ">"));
    if goes_on || before(1, ".") || (before(1, "in") && before(2, "(") && before(3, "pub")) {
        return vec![];
    }
    let mut segments = if before(1, "::") { vec!["::".to_owned()] } else { vec![] };
    segments.push(tokens[at].text.clone());
    let mut next = at + 1;
    while is(tokens, next, "::") && tokens.get(next + 1).is_some_and(|token| is_word(&token.text)) {
        segments.push(tokens[next + 1].text.clone());
        next += 2;
    }
    segments
}

/// Is a name that the module passes on used at `at`? A small letter begins a function, or a variable of the same name.
fn uses_name(tokens: &[Token], at: usize, name: &str) -> bool {
    let declares = [".", "::", "fn", "let", "mut", "'"].iter().any(|text| at > 0 && is(tokens, at - 1, text));
    let callable = is(tokens, at + 1, "(") || is(tokens, at + 1, "::");
    is(tokens, at, name) && !declares && (name.starts_with(char::is_uppercase) || callable)
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Sets of files that all reach each other.
pub(crate) fn circles(imports: &[Import]) -> Vec<BTreeSet<String>> {
    let mut reach: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        reach.entry(&import.from).or_default().insert(&import.to);
    }
    loop {
        let size = |reach: &BTreeMap<&str, BTreeSet<&str>>| reach.values().map(BTreeSet::len).sum::<usize>();
        let before = size(&reach);
        for file in reach.keys().copied().collect::<Vec<_>>() {
            let further: Vec<&str> = reach[file].iter().filter_map(|to| reach.get(to)).flatten().copied().collect();
            reach.get_mut(file).into_iter().for_each(|all| all.extend(&further));
        }
        if size(&reach) == before {
            break;
        }
    }
    let mutual = |a: &str, b: &str| reach.get(a).is_some_and(|all| all.contains(b)) && reach.get(b).is_some_and(|all| all.contains(a));
    let members = |file: &&str| reach.keys().filter(|other| mutual(file, other)).map(|other| (*other).to_owned()).collect::<BTreeSet<_>>();
    reach.keys().map(members).filter(|circle| circle.len() > 1).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A circle with the lines that make it.
pub(crate) fn describe(circle: &BTreeSet<String>, imports: &[Import]) -> String {
    let files: Vec<&str> = circle.iter().map(String::as_str).collect();
    let inside = |import: &&Import| circle.contains(&import.from) && circle.contains(&import.to);
    let lines: Vec<String> = imports.iter().filter(inside).map(|import| format!("    {import}")).collect();
    format!("circle of {}\n{}", files.join(", "), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The imports among the files of `room`, as "from line to", and the circles.
    fn look(files: &[(&str, &str)]) -> (Vec<String>, Vec<Vec<String>>) {
        let text = |file: &str| files.iter().find(|(name, _)| *name == file).map_or("pub mod room;", |(_, text)| text).to_owned();
        let all = imports(&Tree::of(&text), |file| file.split(['/', '.']).next().map(str::to_owned));
        let short = |file: &str| file.trim_start_matches("room/").trim_end_matches(".rs").to_owned();
        let line = |import: &Import| {
            let through = import.through.as_deref().map_or_else(String::new, |through| format!(" through {}", short(through)));
            format!("{} {} {}{through}", short(&import.from), import.line, short(&import.to))
        };
        (all.iter().map(line).collect(), circles(&all).into_iter().map(|circle| circle.iter().map(|file| short(file)).collect()).collect())
    }

    #[test]
    fn declaring_and_passing_on_is_no_import_and_using_is() {
        let parent = "mod a; pub(crate) mod b; pub use self::a::A; pub(crate) use b::*;\n#[cfg(test)] mod tests { use super::a; }\n";
        let (a, b) = (("room/a.rs", "use super::b::B; pub struct A;"), ("room/b.rs", "pub struct B; pub fn make() {}"));
        let seen = |more: &str| look(&[("room.rs", &[parent, more].concat()), a, b]).0;
        assert_eq!(seen("struct Own;"), ["a 1 b"]);
        assert_eq!(seen("fn own() { b::make(); let make = 1; }"), ["room 3 b", "a 1 b"]);
        assert_eq!(seen("fn own(a: A) { self.make(); }"), ["room 3 a", "a 1 b"]);
        assert_eq!(seen("fn own() { make() }"), ["room 3 b", "a 1 b"]);
        assert_eq!(seen("use a::A as Other;"), ["room 3 a", "a 1 b"]);
    }

    #[test]
    fn a_name_leads_to_the_file_that_has_it() {
        let (imports, circles) = look(&[
            (
                "room.rs",
                "mod a; mod b; mod c; mod d; mod e; pub use self::b::{B, inner::Inner as Renamed}; use c::*; pub const OWN: u8 = 1;",
            ),
            ("room/e.rs", "mod inside; pub use inside::X;\nfn f() { X }"),
            ("room/e/inside.rs", "pub struct X;"),
            (
                "room/a.rs",
                "use super::{B,\n Renamed};\nfn f() { crate::room::OWN; super::c::g::<u8>(\"super::d\"); /* super::d */ super::C }",
            ),
            ("room/b.rs", "pub struct B; pub mod inner { use super::super::d::D; pub struct Inner; impl super::B {} }"),
            ("room/c.rs", "use crate::room::a; pub struct C;"),
            ("room/d.rs", "pub struct D; use ::b::B; fn f(a: a::X) -> <Vec<u8> as b::T>::O { room::OWN }\nuse super::e::X;"),
        ]);
        let expected =
            ["room 1 c", "a 1 b through room", "a 2 b through room", "a 3 room", "a 3 c through room", "a 3 c", "b 1 d", "c 1 a"];
        let (first, head_file) = imports.split_at(8);
        assert_eq!(head_file, ["d 2 e", "d 2 e/inside", "e 2 e/inside"], "a head file stands for what it passes on");
        assert_eq!(first, expected);
        assert_eq!(circles, [["room", "a", "c"].map(str::to_owned)]);
    }

    #[test]
    fn circles_of_any_length_are_found_apart() {
        let (_, circles) = look(&[
            ("room.rs", "mod a; mod b; mod c; mod d; mod e;"),
            ("room/a.rs", "use super::b::x;"),
            ("room/b.rs", "use super::{c, d::z};"),
            ("room/c.rs", "use crate::room::a::v;"),
            ("room/d.rs", "fn f() { super::e::y() }"),
            ("room/e.rs", "use super::d;"),
        ]);
        assert_eq!(circles, [vec!["a", "b", "c"], vec!["d", "e"]]);
    }
}
