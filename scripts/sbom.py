#!/usr/bin/env python3
"""What the program is built of: a bill of materials in CycloneDX 1.6, and a check that every licence in it is one we may ship.

    sbom.py [--package seimai] [--features cloud] [--target x86_64-unknown-linux-gnu] [-o FILE] [--notices FILE]

Reads `cargo metadata` and Cargo.lock of this checkout; nothing is downloaded that a build would not need. Crates that only help to build
(build scripts, procedural macros) are listed with the scope `excluded`; those of the tests are not. The file depends on Cargo.lock and the
manifests alone: no time, no path, no random number. Exit code 1 names each crate whose licence is missing or not among ALLOWED.
`--notices` writes what these licences ask for where the program is passed on: the texts of what is linked, as the packages have them.
Python 3.11 or later with cyclonedx-python-lib (tests/python/requirements.txt).
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
import uuid
from datetime import datetime, timezone
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from license_expression import get_spdx_licensing
from packageurl import PackageURL

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")

# Permissive ones: they ask for a notice at most.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MIT-0",
    "Unicode-3.0", "Unlicense", "Zlib", "bzip2-1.0.6",
}


def metadata(target, features):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target, "--features", features]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def reached(nodes, start, kinds):
    """Packages that `start` needs, by dependencies of these kinds."""
    found, waiting = set(), [start]
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += [dep["pkg"] for dep in nodes[package]["deps"] if any(kind["kind"] in kinds for kind in dep["dep_kinds"])]
    return found


def is_macro(package):
    return any("proc-macro" in target["kind"] for target in package["targets"])


def allowed(expression):
    """May we ship it? Of an OR one side is enough; of an AND both are needed."""
    if expression.__class__.__name__ == "OR":
        return any(allowed(side) for side in expression.args)
    if expression.__class__.__name__ == "AND":
        return all(allowed(side) for side in expression.args)
    return str(expression) in ALLOWED


#: Files of a package that hold its licence; those of C sources lie further below.
TEXTS = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?", re.I)

#: What is offered beside a permissive licence, or covers tools that are not linked (zstd, xz).
NOT_TAKEN = re.compile(r"GNU (LESSER |LIBRARY )?GENERAL PUBLIC LICENSE", re.I)


def licence_texts(package):
    """The texts in a package, in the order of their paths; those of its tests and examples are of other things."""
    root = Path(package["manifest_path"]).parent
    for file in sorted(root.rglob("*")):
        inside = file.relative_to(root)
        beside = {"tests", "test", "examples", "benches", "doc", "docs", "contrib"} & set(inside.parts[:-1])
        if TEXTS.fullmatch(file.name) and file.suffix not in {".rs", ".py", ".sh"} and file.is_file() and not beside:
            text = file.read_text(encoding="utf-8", errors="replace").strip()
            if text and not NOT_TAKEN.search(text[:500]):
                yield text


def notices(packages):
    """One text for all of these: each crate with its licence and the numbers of its texts, then every text once."""
    numbers, texts, lines = {}, [], []
    for package in packages:
        own = set()
        for text in licence_texts(package):
            plain = " ".join(text.split())
            if plain not in numbers:
                texts.append(text)
                numbers[plain] = len(texts)
            own.add(numbers[plain])
        found = ", ".join(f"[{number}]" for number in sorted(own)) or "its package holds no text"
        lines.append(f"{package['name']} {package['version']}: {package['license']}: {found}")
    begin = "What Seimai is built of, beside itself and the standard library of Rust (MIT OR Apache-2.0, as Seimai is): crates, their licences and the texts of these."
    bodies = [f"{'=' * 30} [{number}]\n\n{text}" for number, text in enumerate(texts, 1)]
    return "\n\n".join([begin, "\n".join(lines), *bodies]) + "\n"


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--package", default="seimai")
    p.add_argument("--target", default="x86_64-unknown-linux-gnu")
    p.add_argument("--features", default="", help="besides those of the default build, e.g. cloud")
    p.add_argument("-o", "--output")
    p.add_argument("--notices")
    a = p.parse_args()
    found = metadata(a.target, a.features)
    packages = {package["id"]: package for package in found["packages"]}
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    start = next(key for key, package in packages.items() if package["name"] == a.package and package["source"] is None)
    everything = reached(nodes, start, {None, "build"})
    # A procedural macro is a normal dependency, but neither it nor what it needs is linked.
    linked_nodes = {key: {"deps": [] if is_macro(packages[key]) else node["deps"]} for key, node in nodes.items()}
    linked = {key for key in reached(linked_nodes, start, {None}) if not is_macro(packages[key])}
    with open(os.path.join(ROOT, "Cargo.lock"), "rb") as lock:
        locked = lock.read()
    checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in tomllib.loads(locked.decode())["package"]}

    spdx, refused, components = get_spdx_licensing(), [], {}
    for key in sorted(everything, key=lambda key: (packages[key]["name"], packages[key]["version"])):
        package = packages[key]
        written = (package["license"] or "").replace("/", " OR ")
        expression = spdx.parse(written, validate=True) if written else None
        if expression is None or not allowed(expression):
            refused.append(f"{package['name']} {package['version']}: {written or 'no licence'}")
        checksum = checksums.get((package["name"], package["version"]))
        components[key] = Component(
            name=package["name"],
            version=package["version"],
            type=ComponentType.APPLICATION if key == start else ComponentType.LIBRARY,
            bom_ref=f"pkg:cargo/{package['name']}@{package['version']}",
            purl=PackageURL("cargo", name=package["name"], version=package["version"]),
            scope=None if key == start else ComponentScope.REQUIRED if key in linked else ComponentScope.EXCLUDED,
            licenses=[LicenseExpression(str(expression))] if expression is not None else [],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
            description=(package["description"] or "").strip() or None,
        )
    if refused:
        sys.exit("licences that are missing or not allowed:\n" + "\n".join(refused))

    bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_URL, locked.decode() + a.package + a.target))
    # Of Cargo.lock alone: the same file whenever it is made.
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc)
    bom.metadata.component = components[start]
    for key, component in components.items():
        if key != start:
            bom.components.add(component)
        needs = {dep["pkg"] for dep in nodes[key]["deps"] if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"])}
        bom.dependencies.add(Dependency(component.bom_ref, [Dependency(components[need].bom_ref) for need in sorted(needs & everything)]))
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if errors:
        sys.exit(f"not CycloneDX 1.6: {errors}")
    if a.output:
        with open(a.output, "w", encoding="utf-8") as out:
            out.write(text + "\n")
    if a.notices:
        order = sorted(linked - {start}, key=lambda key: (packages[key]["name"], packages[key]["version"]))
        with open(a.notices, "w", encoding="utf-8") as out:
            out.write(notices([packages[key] for key in order if packages[key]["source"] is not None]))
    print(f"{len(components) - 1} crates, {len(linked) - 1} of them linked, all under licences that may be shipped")


main()
