#!/usr/bin/env python3
"""Where `cargo binstall seimai` looks for the program: the templates of [package.metadata.binstall] in Cargo.toml, filled in.

    binstall.py --target x86_64-unknown-linux-gnu [--repo ADDRESS]     prints the address, then the path of the program in the archive
    binstall.py --target … --check DIR                                 and checks that DIR holds that file, with the program in it

Python 3.11 or later, standard library only.
"""
import argparse
import re
import sys
import tarfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--target", required=True)
    p.add_argument("--repo", help="instead of package.repository of Cargo.toml")
    p.add_argument("--check", type=Path)
    a = p.parse_args()
    package = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]
    binstall = package["metadata"]["binstall"]
    if binstall["pkg-fmt"] != "tgz":
        sys.exit(f"error: Cargo.toml: binstall.pkg-fmt is {binstall['pkg-fmt']}, and scripts/release.sh makes tgz")
    words = {
        "name": package["name"],
        "version": package["version"],
        "target": a.target,
        "bin": package["name"],
        "binary-ext": "",
        "repo": a.repo or package.get("repository") or "REPO",
        "archive-format": "tar.gz",
        "archive-suffix": ".tar.gz",
    }

    def filled(template):
        try:
            return re.sub(r"\{ *([a-z-]+) *\}", lambda found: words[found[1]], template)
        except KeyError as unknown:
            sys.exit(f"error: Cargo.toml: binstall knows no {unknown}: {template}")

    address, inside = filled(binstall["pkg-url"]), filled(binstall["bin-dir"])
    print(address, inside, sep="\n")
    if a.check:
        archive = a.check / address.rpartition("/")[2]
        if not archive.is_file():
            sys.exit(f"error: {archive}: not there, but binstall would ask for it")
        with tarfile.open(archive, "r:gz") as members:
            found = next((member for member in members if member.name == inside), None)
        if found is None or not found.isfile() or not found.mode & 0o111:
            sys.exit(f"error: {archive}: {inside} is not in it, or is no program")
        print(f"holds: {archive.name} has {inside}, {found.size:,} bytes")


main()
