//! Which fields of a record are its text, its id and so on: the section `[input.fields]` as a tree that a reader walks beside the record.
//!
//! A path is `name`, `outer.inner`, `list[0].name`, or a JSON pointer (`/a.b/c`) for names that hold a dot or a bracket.

use super::options::{FieldOptions, Rest};

/// Names of one path, at most.
const STEPS_MAX: usize = 16;
/// Fields and objects around them, at most: as many as a set of bits has room for.
const NODES_MAX: usize = 64;

/// What is made of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The so-manyth part of the text, from 0.
    Text(usize),
    /// The id.
    Id,
    /// Where it comes from.
    Source,
    /// Its address.
    Url,
    /// Its licence.
    License,
    /// Its date.
    Date,
    /// The country in which it has to stay.
    Residency,
    /// Other fields, as JSON.
    Meta,
}

/// One name of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// A key of an object.
    pub key: Option<Box<str>>,
    /// A place in a list.
    pub index: Option<usize>,
}

/// A place in the tree: the root, an object on the way, or a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    edges: Vec<(Step, usize)>,
    targets: Vec<Target>,
}

/// The tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    nodes: Vec<Node>,
    texts: Vec<String>,
    joiner: String,
    keeps_rest: bool,
}

impl Default for Mapping {
    fn default() -> Self {
        // The names that records have by default are paths.
        Self::new(&FieldOptions::default()).unwrap_or_else(|_| Self {
            nodes: vec![Node::default()],
            texts: Vec::new(),
            joiner: String::new(),
            keeps_rest: false,
        })
    }
}

impl Mapping {
    /// The root of the tree.
    pub const ROOT: usize = 0;

    /// The tree of a section.
    ///
    /// # Errors
    /// One sentence for a path that is none, or for two that contradict each other.
    pub fn new(options: &FieldOptions) -> Result<Self, String> {
        let texts = options.texts();
        if texts.is_empty() {
            return Err("fields.text is empty; name at least one field".to_owned());
        }
        let mut mapping = Self {
            nodes: vec![Node::default()],
            texts: texts.iter().map(|path| (*path).to_owned()).collect(),
            joiner: options.joiner.clone().unwrap_or_else(|| "\n\n".to_owned()),
            keeps_rest: options.rest == Some(Rest::Meta),
        };
        for (number, path) in texts.iter().enumerate() {
            mapping.add("text", path, Target::Text(number))?;
        }
        for (name, path, target) in others(options) {
            mapping.add(name, path, target)?;
        }
        Ok(mapping)
    }

    /// The same for tables without nesting, and for the outermost columns of others: a name is also a path as a whole, dots and all.
    #[must_use]
    pub fn of_columns(&self, options: &FieldOptions) -> Self {
        let mut flat = self.clone();
        let texts = options.texts();
        let paths = texts.into_iter().enumerate().map(|(number, path)| (path, Target::Text(number)));
        for (path, target) in paths.chain(others(options).into_iter().map(|(_, path, target)| (path, target))) {
            let is_plain = flat.child(Self::ROOT, path).is_some();
            if let Some(node) = flat.node_of(target).filter(|_| !is_plain) {
                flat.nodes[Self::ROOT].edges.push((Step { key: Some(path.into()), index: None }, node));
            }
        }
        flat
    }

    fn add(&mut self, name: &str, path: &str, target: Target) -> Result<(), String> {
        let steps = steps(path).map_err(|why| format!("fields.{name} = {path:?}: {why}"))?;
        let mut at = Self::ROOT;
        for step in steps {
            if !self.nodes[at].targets.is_empty() {
                return Err(format!("fields.{name} = {path:?} lies inside a field that is taken as a whole"));
            }
            at = match self.nodes[at].edges.iter().find(|(known, _)| *known == step) {
                Some((_, child)) => *child,
                None => self.grow(at, step)?,
            };
        }
        if !self.nodes[at].edges.is_empty() {
            return Err(format!("fields.{name} = {path:?} is taken as a whole, and another path leads into it"));
        }
        if matches!(target, Target::Text(_)) && self.nodes[at].targets.iter().any(|known| matches!(known, Target::Text(_))) {
            return Err(format!("fields.{name} names {path:?} twice"));
        }
        self.nodes[at].targets.push(target);
        Ok(())
    }

    fn grow(&mut self, at: usize, step: Step) -> Result<usize, String> {
        let child = self.nodes.len();
        if child == NODES_MAX {
            return Err(format!("fields names more than {NODES_MAX} fields and objects around them"));
        }
        self.nodes.push(Node::default());
        self.nodes[at].edges.push((step, child));
        Ok(child)
    }

    fn node_of(&self, target: Target) -> Option<usize> {
        self.nodes.iter().position(|node| node.targets.contains(&target))
    }

    /// The place of a key below a place.
    #[inline]
    pub fn child(&self, node: usize, key: &str) -> Option<usize> {
        self.nodes[node].edges.iter().find(|(step, _)| step.key.as_deref() == Some(key)).map(|(_, child)| *child)
    }

    /// The place of an element of a list.
    pub fn element(&self, node: usize, index: usize) -> Option<usize> {
        self.nodes[node].edges.iter().find(|(step, _)| step.index == Some(index)).map(|(_, child)| *child)
    }

    /// The elements of a list that have places, with these.
    pub(super) fn elements(&self, node: usize) -> impl Iterator<Item = (usize, usize)> {
        self.nodes[node].edges.iter().filter_map(|(step, child)| Some((step.index?, *child)))
    }

    /// What is made of the field at a place; nothing for an object on the way.
    pub fn targets(&self, node: usize) -> &[Target] {
        &self.nodes[node].targets
    }

    /// How many fields the text has.
    pub fn texts(&self) -> usize {
        self.texts.len()
    }

    /// Their names in the plan, for messages.
    pub fn text_names(&self) -> String {
        let names: Vec<String> = self.texts.iter().map(|name| format!("`{name}`")).collect();
        names.join(" or ")
    }

    /// What stands between the parts of a text.
    pub fn joiner(&self) -> &str {
        &self.joiner
    }

    /// Do fields that are not mapped go to `meta`?
    pub fn keeps_rest(&self) -> bool {
        self.keeps_rest
    }
}

/// The paths beside those of the text, each with its key and what is made of it.
fn others(options: &FieldOptions) -> [(&'static str, &str, Target); 7] {
    fn of<'a>(path: Option<&'a String>, name: &'static str, target: Target) -> (&'static str, &'a str, Target) {
        (name, path.map_or(name, String::as_str), target)
    }
    [
        of(options.id.as_ref(), "id", Target::Id),
        of(options.source.as_ref(), "source", Target::Source),
        of(options.url.as_ref(), "url", Target::Url),
        of(options.license.as_ref(), "license", Target::License),
        of(options.date.as_ref(), "date", Target::Date),
        of(options.residency.as_ref(), "residency", Target::Residency),
        of(options.meta.as_ref(), "meta", Target::Meta),
    ]
}

/// Takes a path apart.
pub(super) fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    if let Some(pointer) = path.strip_prefix('/') {
        steps = pointer.split('/').map(pointed).collect::<Result<_, _>>()?;
    } else {
        path.split('.').try_for_each(|part| dotted(part, &mut steps))?;
    }
    if steps.len() > STEPS_MAX {
        return Err(format!("more than {STEPS_MAX} names"));
    }
    Ok(steps)
}

/// A name of a JSON pointer: `~1` is a slash, `~0` a tilde.
fn pointed(part: &str) -> Result<Step, String> {
    let mut key = String::new();
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        key.push(match (c, c == '~') {
            (_, true) => match chars.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err("in a JSON pointer a tilde is written ~0 and a slash in a name ~1".to_owned()),
            },
            (c, false) => c,
        });
    }
    Ok(step(&key))
}

/// `name`, or `name[0][1]`.
fn dotted(part: &str, steps: &mut Vec<Step>) -> Result<(), String> {
    let (name, mut brackets) = part.split_at(part.find('[').unwrap_or(part.len()));
    if name.is_empty() && (brackets.is_empty() || !steps.is_empty()) {
        return Err("a name is empty; a name that holds a dot is written as a JSON pointer: /a.b".to_owned());
    }
    if !name.is_empty() {
        steps.push(step(name));
    }
    while let Some(rest) = brackets.strip_prefix('[') {
        let place = rest.split_once(']').and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest)));
        let Some((index, rest)) = place else {
            return Err("a bracket holds no number; a name with a bracket is written as a JSON pointer: /a[b]".to_owned());
        };
        steps.push(Step { key: None, index: Some(index) });
        brackets = rest;
    }
    if brackets.is_empty() { Ok(()) } else { Err("a dot is missing behind a bracket".to_owned()) }
}

/// A name of digits is a key of an object or a place in a list, whichever stands there.
fn step(key: &str) -> Step {
    Step { key: Some(key.into()), index: key.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::super::options::Texts;
    use super::*;

    fn fields(text: &[&str]) -> FieldOptions {
        FieldOptions { text: Some(Texts::Several(text.iter().map(|path| (*path).to_owned()).collect())), ..FieldOptions::default() }
    }

    #[test]
    fn paths_are_walked() {
        let options = FieldOptions { id: Some("/a.b/~1~0".into()), url: Some("m[2].href".into()), ..fields(&["doc.title", "doc.body"]) };
        let mapping = Mapping::new(&options).unwrap();
        let at = |keys: &[&str]| {
            keys.iter().try_fold(Mapping::ROOT, |node, key| match key.parse() {
                Ok(index) => mapping.element(node, index),
                Err(_) => mapping.child(node, key),
            })
        };
        assert_eq!(mapping.targets(at(&["doc", "title"]).unwrap()), [Target::Text(0)]);
        assert_eq!(mapping.targets(at(&["doc", "body"]).unwrap()), [Target::Text(1)]);
        assert_eq!(mapping.targets(at(&["a.b", "/~"]).unwrap()), [Target::Id]);
        assert_eq!(mapping.targets(at(&["m", "2", "href"]).unwrap()), [Target::Url]);
        assert_eq!((at(&["text"]), at(&["id"]), at(&["m", "1"])), (None, None, None));
        assert_eq!(mapping.targets(at(&["license"]).unwrap()), [Target::License], "what is not named keeps its name");
        let numbered = Mapping::new(&fields(&["a.0"])).unwrap();
        let list = numbered.child(Mapping::ROOT, "a").unwrap();
        assert_eq!((numbered.element(list, 0), numbered.child(list, "0")), (Some(2), Some(2)), "a number is a place or a key");
    }

    #[test]
    fn one_field_may_be_two_things() {
        let mapping = Mapping::new(&FieldOptions { id: Some("url".into()), ..FieldOptions::default() }).unwrap();
        let node = mapping.child(Mapping::ROOT, "url").unwrap();
        assert_eq!(mapping.targets(node), [Target::Id, Target::Url]);
    }

    #[test]
    fn columns_may_be_called_like_paths() {
        let options = fields(&["doc.body"]);
        let flat = Mapping::new(&options).unwrap().of_columns(&options);
        assert_eq!(flat.targets(flat.child(Mapping::ROOT, "doc.body").unwrap()), [Target::Text(0)]);
        assert!(flat.child(Mapping::ROOT, "doc").is_some_and(|doc| flat.child(doc, "body").is_some()));
    }

    #[test]
    fn paths_that_are_none() {
        for (paths, words) in [
            (&["a", "a.b"][..], "lies inside"),
            (&["a.b", "a"], "another path leads into it"),
            (&["a", "a"], "twice"),
            (&["a..b"], "a name is empty"),
            (&[""], "a name is empty"),
            (&["a."], "a name is empty"),
            (&["a[x]"], "no number"),
            (&["a[0"], "no number"),
            (&["a[0]b"], "a dot is missing"),
            (&["/a~2"], "~0"),
            (&[], "at least one"),
            (&["a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a"], "more than 16"),
        ] {
            let refused = Mapping::new(&fields(paths)).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
