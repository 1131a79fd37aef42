//! The tree of modules with what each declares and names, and the file behind every path that starts at `crate`, `self`,
//! `super` or a child.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::source::{Token, closing, is, product};

/// A module; an inline one shares its file with the module around it.
#[derive(Debug)]
pub(crate) struct Module {
    /// Names from the crate's root, which is empty.
    pub(crate) path: Vec<String>,
    /// Relative to `src/`.
    pub(crate) file: String,
    /// What `use` names here, anywhere in the file.
    pub(crate) uses: Vec<Use>,
    /// Everything else, without inline modules.
    pub(crate) body: Vec<Token>,
    /// Items declared here, but for modules.
    items: BTreeSet<String>,
}

/// One name brought in by `use`.
#[derive(Debug, Clone)]
pub(crate) struct Use {
    pub(crate) segments: Vec<String>,
    /// The name it has here; `*` for all names of a module.
    pub(crate) name: String,
    pub(crate) public: bool,
    pub(crate) line: usize,
}

/// What a path leads to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Index of the module that has the item, or is it.
    pub(crate) module: usize,
    /// The module named, where it only passes on what another one has.
    pub(crate) through: Option<usize>,
}

/// All modules that are compiled into the product, found by following `mod` from `lib.rs`.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) modules: Vec<Module>,
}

impl Tree {
    /// Reads `src/`, beginning at `lib.rs`.
    pub(crate) fn read(src: &Path) -> Self {
        Self::of(&|file| fs::read_to_string(src.join(file)).unwrap_or_else(|e| panic!("src/{file}: {e}")))
    }

    /// The tree of the files that `text` gives.
    pub(crate) fn of(text: &dyn Fn(&str) -> String) -> Self {
        let mut tree = Self { modules: Vec::new() };
        tree.add(text, "lib.rs", vec![], &product(&text("lib.rs")));
        tree
    }

    fn add(&mut self, text: &dyn Fn(&str) -> String, file: &str, path: Vec<String>, tokens: &[Token]) {
        let (mut rest, mut uses, mut inner) = (Vec::new(), Vec::new(), Vec::new());
        let mut at = 0;
        let mut depth = 0;
        while at < tokens.len() {
            depth += i32::from(is(tokens, at, "{")) - i32::from(is(tokens, at, "}"));
            let name = tokens.get(at + 1).map(|token| [path.as_slice(), std::slice::from_ref(&token.text)].concat());
            if depth == 0 && is(tokens, at, "mod") && is(tokens, at + 2, ";") {
                inner.push((name.unwrap(), None));
                at += 3;
            } else if depth == 0 && is(tokens, at, "mod") && is(tokens, at + 2, "{") {
                let end = closing(tokens, at + 2);
                inner.push((name.unwrap(), Some(&tokens[at + 3..end - 1])));
                at = end;
            } else if is(tokens, at, "use") && !is(tokens, at + 1, "<") {
                let public = visible(&tokens[..at]);
                at += 1;
                use_tree(tokens, &mut at, &[], public, &mut uses);
                at += 1;
            } else {
                rest.push(tokens[at].clone());
                at += 1;
            }
        }
        self.modules.push(Module { items: items(&rest), path, file: file.to_owned(), uses, body: rest });
        for (path, body) in inner {
            if let Some(body) = body {
                self.add(text, file, path, body);
            } else {
                let file = format!("{}.rs", path.join("/"));
                self.add(text, &file, path, &product(&text(&file)));
            }
        }
    }

    pub(crate) fn find(&self, path: &[String]) -> Option<usize> {
        self.modules.iter().position(|module| module.path == path)
    }

    fn child(&self, module: usize, name: &str) -> Option<usize> {
        self.find(&[self.modules[module].path.as_slice(), &[name.to_owned()]].concat())
    }

    /// Is `module` inside `around`?
    pub(crate) fn is_inside(&self, module: usize, around: usize) -> bool {
        module != around && self.modules[module].path.starts_with(&self.modules[around].path)
    }

    /// What a path written in `from` leads to; `None` if it leaves the crate or starts at a local name.
    pub(crate) fn resolve(&self, from: usize, segments: &[String]) -> Option<Target> {
        self.resolve_within(from, segments, 8)
    }

    fn resolve_within(&self, from: usize, segments: &[String], patience: u8) -> Option<Target> {
        let (first, mut rest) = segments.split_first()?;
        let mut here = match first.as_str() {
            "crate" => 0,
            "self" => from,
            "super" => self.parent(from)?,
            name => self.child(from, name)?,
        };
        while let Some((name, behind)) = rest.split_first() {
            let next = match name.as_str() {
                "super" => self.parent(here),
                "self" => Some(here),
                name => self.child(here, name),
            };
            match next {
                Some(module) => (here, rest) = (module, behind),
                None if patience == 0 => break,
                None => return Some(self.item(here, name, behind, patience - 1)),
            }
        }
        Some(Target { module: here, through: None })
    }

    /// The module that has the item `name` of `here`: itself, or one whose item it passes on.
    fn item(&self, here: usize, name: &str, behind: &[String], patience: u8) -> Target {
        let own = Target { module: here, through: None };
        let module = &self.modules[here];
        if module.items.contains(name) {
            return own;
        }
        let passed_on = |target: Target| Target { through: Some(here), ..target };
        for import in module.uses.iter().filter(|import| import.name == name) {
            let segments = [import.segments.as_slice(), behind].concat();
            if let Some(target) = self.resolve_within(here, &segments, patience) {
                return passed_on(target);
            }
        }
        for import in module.uses.iter().filter(|import| import.name == "*") {
            if let Some(all) = self.resolve_within(here, &import.segments, patience)
                && (self.modules[all.module].items.contains(name) || self.modules[all.module].uses.iter().any(|other| other.name == name))
            {
                return passed_on(self.item(all.module, name, behind, patience.saturating_sub(1)));
            }
        }
        own
    }

    /// Names that `import` brings in: one, or all items of a module.
    pub(crate) fn names(&self, from: usize, import: &Use) -> Vec<String> {
        if import.name != "*" {
            return vec![import.name.clone()];
        }
        let all = self.resolve(from, &import.segments).map(|target| &self.modules[target.module]);
        all.into_iter().flat_map(|module| module.items.iter().cloned()).collect()
    }

    fn parent(&self, module: usize) -> Option<usize> {
        let path = &self.modules[module].path;
        self.find(&path[..path.len().checked_sub(1)?])
    }
}

/// Do these tokens end with a `pub` or `pub(…)`?
fn visible(before: &[Token]) -> bool {
    let last = |n: usize, text: &str| before.len() >= n && before[before.len() - n].text == text;
    last(1, "pub")
        || (last(1, ")")
            && before.iter().rev().skip(1).take(8).skip_while(|token| token.text != "(").nth(1).is_some_and(|token| token.text == "pub"))
}

/// Reads a tree of `use` up to the `;`, `,` or `}` behind it.
fn use_tree(tokens: &[Token], at: &mut usize, prefix: &[String], public: bool, found: &mut Vec<Use>) {
    let mut segments = prefix.to_vec();
    let line = tokens[*at].line;
    let mut name = None;
    while let Some(token) = tokens.get(*at) {
        match token.text.as_str() {
            ";" | "," | "}" => break,
            "::" if segments.is_empty() => segments.push("::".to_owned()), // another crate, whatever stands here
            "::" => {}
            "*" => name = Some("*".to_owned()),
            "as" => {
                *at += 1;
                name = Some(tokens[*at].text.clone());
            }
            "{" => {
                *at += 1;
                while !is(tokens, *at, "}") {
                    use_tree(tokens, at, &segments, public, found);
                    *at += usize::from(is(tokens, *at, ","));
                }
                *at += 1;
                return;
            }
            word => segments.push(word.to_owned()),
        }
        *at += 1;
    }
    if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
        segments.pop();
    }
    let name = name.or_else(|| segments.last().cloned()).unwrap_or_default();
    found.push(Use { segments, name, public, line });
}

/// Names of the items that stand outside all brackets.
fn items(tokens: &[Token]) -> BTreeSet<String> {
    const KINDS: &[&str] = &["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];
    let mut found = BTreeSet::new();
    let mut at = 0;
    while at < tokens.len() {
        if ["(", "[", "{"].contains(&tokens[at].text.as_str()) {
            at = closing(tokens, at);
            continue;
        }
        if KINDS.contains(&tokens[at].text.as_str()) {
            let name = tokens[at + 1..].iter().find(|token| !["!", "mut"].contains(&token.text.as_str()));
            found.extend(name.filter(|token| token.text != "fn").map(|token| token.text.clone()));
        }
        at += 1;
    }
    found
}
