#!/usr/bin/env python3
"""Puts what the documentation site is made of into a directory: the pages of the repository under the paths that they have, so that their links
hold, a reference made from the program, and `zensical.toml`. Called by scripts/build-site.sh. Python 3.11 or later, standard library only.
"""
import argparse
import json
import os
import re
import shutil
import subprocess

PAGES = ["README.md", "README.ja.md", "ARCHITECTURE.md", "CHANGELOG.md"]
#: Files that pages lead to, and that a browser shows as they are.
ENDINGS = (".md", ".png", ".svg", ".json", ".toml", ".py", ".rs", ".ipynb", ".tsv", ".sh")
FOLDERS = ["docs", "dicts", "examples", "scripts", "benches/results"]


def title(path):
    with open(path, encoding="utf-8") as page:
        for line in page:
            if line.startswith("# "):
                return line[2:].strip().replace("`", "")
    return os.path.basename(path)


def help_of(seimai, words):
    environment = {**os.environ, "COLUMNS": "100"}
    return subprocess.run([seimai, *words, "--help"], capture_output=True, text=True, check=True, env=environment).stdout


def subcommands(text):
    listed = re.search(r"^Commands:\n(.*?)(?:\n\n|\Z)", text, re.M | re.S)
    return [name for name in re.findall(r"^  ([a-z]\S*)", listed[1], re.M) if name != "help"] if listed else []


def commands(seimai):
    """A page of every command's `--help`."""
    parts = ["# Commands\n\nWhat `seimai COMMAND --help` prints.\n"]

    def add(words):
        text = help_of(seimai, words)
        name = " ".join(["seimai", *words])
        shown = text.replace(os.path.basename(seimai) + " ", "seimai ") if os.path.basename(seimai) != "seimai" else text
        parts.append(f"## {name}\n\n```text\n{shown.rstrip()}\n```\n")
        for sub in subcommands(text):
            add([*words, sub])

    add([])
    return "\n".join(parts)


def kind(node, definitions):
    """What a value may be, in a few words."""
    if "$ref" in node:
        return kind(definitions[node["$ref"].rpartition("/")[2]], definitions)
    for key in ("anyOf", "oneOf"):
        if key in node:
            return " or ".join(dict.fromkeys(kind(one, definitions) for one in node[key] if one.get("type") != "null"))
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if "enum" in node:
        return ", ".join(f"`{json.dumps(value)}`" for value in node["enum"])
    types = node.get("type", "any")
    names = [name for name in (types if isinstance(types, list) else [types]) if name != "null"]
    if names == ["array"]:
        return f"list of {kind(node.get('items', {}), definitions)}"
    return " or ".join("table" if name == "object" else name for name in names)


def plan_keys(schema):
    """A page of every key of a plan."""
    definitions = schema.get("$defs", {})
    parts = [
        "# Keys of a plan\n\nMade from [plan.schema.json](../docs/plan.schema.json). Unknown keys are errors that name the nearest one.\n"
    ]

    def resolve(node):
        while "$ref" in node:
            node = {**definitions[node["$ref"].rpartition("/")[2]], **{key: value for key, value in node.items() if key != "$ref"}}
        for key in ("anyOf", "oneOf"):
            tables = [one for one in map(resolve, node.get(key, [])) if one.get("properties")]
            if tables:
                node = {**tables[0], "description": node.get("description", tables[0].get("description", ""))}
        return node

    def table(path, node, depth):
        node = resolve(node)
        properties = node.get("properties", {})
        if not properties or depth > 4:
            return
        described = " ".join(node.get("description", "").split())
        parts.append(f"## [{path}]\n\n{described}\n\n| key | value | default | |\n|---|---|---|---|")
        inner = []
        for name, value in properties.items():
            full = resolve(value)
            item = resolve(full.get("items", {})) if full.get("type") == "array" else full
            text = " ".join(value.get("description", full.get("description", "")).split()).replace("|", "\\|")
            default = "" if "default" not in value or isinstance(value["default"], dict) else f"`{json.dumps(value['default'], ensure_ascii=False)}`"
            parts.append(f"| `{name}` | {kind(value, definitions)} | {default.replace('|', chr(92) + '|')} | {text} |")
            if item.get("properties"):
                inner.append((f"{path}.{name}", item))
        parts.append("")
        for name, item in inner:
            table(name, item, depth + 1)

    for section, node in schema["properties"].items():
        table(section, node, 1)
    return "\n".join(parts)


EXITS = """# Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | the machine or the program failed; a run goes on when it is started again |
| 2 | refused before the work: a bad plan, model or path; another run holds the directory |
| 3 | finished, and some input could not be read: see `quarantine.jsonl` |
| 4 | memory, disk or descriptors ran out; a run goes on when there is more |
| 129, 130, 143 | SIGHUP, SIGINT, SIGTERM; a run goes on |

A broken pipe is no error.
"""


def listing(folder, stage, heading, remark):
    """An index of a folder that has none: links to it lead somewhere."""
    names = sorted(name for name in os.listdir(os.path.join(stage, folder)) if name.endswith(".md") and name != "README.md")
    rows = "\n".join(f"* [{title(os.path.join(stage, folder, name))}]({name})" for name in names)
    with open(os.path.join(stage, folder, "README.md"), "w", encoding="utf-8") as page:
        page.write(f"# {heading}\n\n{remark}\n\n{rows}\n")


def entries(stage, folder):
    names = sorted(name for name in os.listdir(os.path.join(stage, folder)) if name.endswith(".md") and name != "README.md")
    return [(title(os.path.join(stage, folder, name)), f"{folder}/{name}") for name in names]


def navigation(stage):
    quote = lambda text: json.dumps(text, ensure_ascii=False)
    group = lambda pairs: "[" + ", ".join(f"{{ {quote(name)} = {quote(path)} }}" for name, path in pairs) + "]"
    parts = [
        ("Seimai", quote("README.md")),
        ("日本語", quote("README.ja.md")),
        ("How to", group([("Overview", "docs/guide/README.md"), *entries(stage, "docs/guide")])),
        ("Python", quote("docs/python.md")),
        ("Reference", group([("Commands", "reference/commands.md"), ("Plan", "reference/plan.md"), ("Exit codes", "reference/exit-codes.md"), ("Presets", "docs/presets.md"), ("Loader", "docs/loader.md"), ("Glossary", "docs/GLOSSARY.md")])),
        ("Formats", group([("Overview", "docs/formats/README.md"), *entries(stage, "docs/formats")])),
        ("How it is built", group([("Architecture", "ARCHITECTURE.md"), ("Measurements", "benches/results/README.md"), ("Changes", "CHANGELOG.md"), ("Decisions", "docs/adr/README.md"), *entries(stage, "docs/adr")])),
    ]
    return "nav = [\n" + "".join(f"  {{ {quote(name)} = {value} }},\n" for name, value in parts) + "]\n"


CONFIGURATION = """[project]
site_name = "Seimai 精米"
site_description = "Raw Japanese corpora in, training-ready tokens out"
docs_dir = "pages"
site_dir = "site"
use_directory_urls = false
{navigation}
[project.theme]
language = "en"
font = false
features = ["content.code.copy", "navigation.indexes", "navigation.top", "search.highlight"]

# Searching works from disk, too.
[project.plugins.search]
[project.plugins.offline]

[[project.theme.palette]]
media = "(prefers-color-scheme: light)"
scheme = "default"

[[project.theme.palette]]
media = "(prefers-color-scheme: dark)"
scheme = "slate"

[project.markdown_extensions]
tables = {{}}
toc.permalink = true
# Headings in Japanese have names of their own, as in the repository.
toc.slugify.object = "pymdownx.slugs.slugify"
toc.slugify.kwds = {{ case = "lower" }}
pymdownx.highlight.anchor_linenums = true
pymdownx.superfences = {{}}
"""


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", required=True)
    p.add_argument("stage")
    a = p.parse_args()
    pages = os.path.join(a.stage, "pages")
    tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout.splitlines()
    for name in tracked:
        if name in PAGES or name.startswith(tuple(f"{folder}/" for folder in FOLDERS)) and name.endswith(ENDINGS):
            os.makedirs(os.path.dirname(os.path.join(pages, name)), exist_ok=True)
            shutil.copyfile(name, os.path.join(pages, name))
    listing("docs/adr", pages, "Decisions", "What was decided, why, and what would change our mind.")
    listing("docs/formats", pages, "Formats", "Complete enough to write a reader from.")
    os.makedirs(os.path.join(pages, "reference"))
    with open("docs/plan.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    for name, text in [("commands", commands(os.path.abspath(a.seimai))), ("plan", plan_keys(schema)), ("exit-codes", EXITS)]:
        with open(os.path.join(pages, "reference", f"{name}.md"), "w", encoding="utf-8") as page:
            page.write(text)
    with open(os.path.join(a.stage, "zensical.toml"), "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(navigation=navigation(pages)))


main()
