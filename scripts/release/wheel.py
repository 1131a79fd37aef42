#!/usr/bin/env python3
"""Packs the wheel of the Python package out of what was built: the extension, the Python files of python/seimai, and the program itself, which pip
puts beside `python` as the command `seimai`.

    wheel.py --seimai FILE --python-lib FILE -o DIR [--sbom FILE]... [--licence FILE]... [--level 9]

The tag says the least glibc that both files ask for (manylinux_2_X) and their processor; names and requirements are those of
python/pyproject.toml. The bytes depend on the files given and SOURCE_DATE_EPOCH alone. The wheel has its name only once it is whole; the name is
printed. Needs readelf (binutils). Python 3.11 or later, standard library only.
"""
import argparse
import base64
import hashlib
import os
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: What readelf calls a processor, and what the tags of wheels call it.
MACHINES = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "aarch64"}

#: Libraries of the system that the rules for manylinux allow, by what stands before the dot of their names.
ALLOWED = {"libc", "libm", "libdl", "librt", "libpthread", "libgcc_s", "ld-linux-x86-64", "ld-linux-aarch64"}

#: What a checkout has in python/seimai beside the files of the package: caches, and an extension that was built in place.
LEFT = {".pyc", ".so"}


def elf(path):
    """The processor that a program or library is for, and the minor version of the glibc that it asks for."""
    read = subprocess.run(["readelf", "--wide", "--file-header", "--dynamic", "--version-info", path], capture_output=True, text=True, check=False)
    machine = re.search(r"^\s*Machine:\s*(.+?)\s*$", read.stdout, re.M)
    if machine is None or machine[1] not in MACHINES:
        sys.exit(f"error: {path}: neither a program nor a library for {' or '.join(MACHINES.values())}")
    for library in re.findall(r"\(NEEDED\).*\[(.+?)\]", read.stdout):
        if library.partition(".")[0] not in ALLOWED:
            sys.exit(f"error: {path}: asks for {library}, which a wheel for many systems may not")
    versions = [int(minor) for minor in re.findall(r"\bGLIBC_2\.(\d+)", read.stdout)]
    if not versions:
        sys.exit(f"error: {path}: asks for no version of glibc: not linked against it, or linked statically")
    return MACHINES[machine[1]], max(versions)


def metadata(project, version, licences):
    """The core metadata, version 2.4: licences as an expression, and the names of their files."""
    lines = ["Metadata-Version: 2.4", f"Name: {project['name']}", f"Version: {version}", f"Summary: {project['description']}"]
    lines += [f"Keywords: {','.join(project['keywords'])}", f"License-Expression: {project['license']}"]
    lines += [f"License-File: {name}" for name in licences]
    lines += [f"Classifier: {one}" for one in project["classifiers"]]
    lines += [f"Requires-Python: {project['requires-python']}"]
    lines += [f"Requires-Dist: {one}" for one in project["dependencies"]]
    for extra, needs in project["optional-dependencies"].items():
        lines += [f"Provides-Extra: {extra}"] + [f"Requires-Dist: {one} ; extra == '{extra}'" for one in needs]
    readme = (ROOT / "python" / project["readme"]).read_text(encoding="utf-8")
    return "\n".join([*lines, "Description-Content-Type: text/markdown", "", readme])


def moment():
    """Six numbers for the files of the archive: the time of the sources; the format begins in 1980."""
    return max(time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0")))[:6], (1980, 1, 1, 0, 0, 0))


def members(a, project, version, tag):
    """Name, bytes and whether it is run, of everything but RECORD, in the order in which it is packed."""
    info = f"{project['name']}-{version}.dist-info"
    # No entry point: the command is the program.
    yield f"{project['name']}-{version}.data/scripts/seimai", a.seimai.read_bytes(), True
    package = ROOT / "python" / "seimai"
    for file in sorted(file for file in package.rglob("*") if file.is_file() and file.suffix not in LEFT):
        yield f"seimai/{file.relative_to(package).as_posix()}", file.read_bytes(), False
    yield "seimai/_core.abi3.so", a.python_lib.read_bytes(), True
    licences = {name: (ROOT / "python" / name).read_bytes() for name in project["license-files"]}
    licences |= {file.name: file.read_bytes() for file in a.licence}
    yield f"{info}/METADATA", metadata(project, version, licences).encode(), False
    wheel = f"Wheel-Version: 1.0\nGenerator: {project['name']} (scripts/release/wheel.py)\nRoot-Is-Purelib: false\nTag: {tag}\n"
    yield f"{info}/WHEEL", wheel.encode(), False
    for name, text in licences.items():
        yield f"{info}/licenses/{name}", text, False
    for file in a.sbom:
        yield f"{info}/sboms/{file.name}", file.read_bytes(), False


def pack(path, info, parts, level):
    """Writes the archive, RECORD last."""
    record = []
    with zipfile.ZipFile(path, "w") as archive:

        def add(name, data, runs):
            entry = zipfile.ZipInfo(name, moment())
            entry.create_system = 3
            entry.external_attr = (0o100755 if runs else 0o100644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, level)

        for name, data, runs in parts:
            add(name, data, runs)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}\n")
        add(f"{info}/RECORD", ("".join(record) + f"{info}/RECORD,,\n").encode(), False)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", type=Path, required=True)
    p.add_argument("--python-lib", type=Path, required=True)
    p.add_argument("-o", "--output", type=Path, required=True)
    p.add_argument("--sbom", type=Path, action="append", default=[])
    p.add_argument("--licence", type=Path, action="append", default=[])
    p.add_argument("--level", type=int, default=9)
    a = p.parse_args()
    project = tomllib.loads((ROOT / "python/pyproject.toml").read_text(encoding="utf-8"))["project"]
    crate = tomllib.loads((ROOT / "python/Cargo.toml").read_text(encoding="utf-8"))
    version = crate["package"]["version"]
    python = next(feature.removeprefix("abi3-py") for feature in crate["dependencies"]["pyo3"]["features"] if feature.startswith("abi3-py"))
    (machine, program), (also, library) = elf(a.seimai), elf(a.python_lib)
    if machine != also:
        sys.exit(f"error: {a.seimai} is for {machine}, and {a.python_lib} for {also}")
    if b"PyInit__core" not in a.python_lib.read_bytes():
        sys.exit(f"error: {a.python_lib}: is not the extension: it has no PyInit__core")
    # 2.17 is the oldest that installers know by this name.
    tag = f"cp{python}-abi3-manylinux_2_{max(program, library, 17)}_{machine}"
    name = f"{project['name']}-{version}-{tag}.whl"
    unfinished = a.output / f".{name}.{os.getpid()}"
    try:
        pack(unfinished, f"{project['name']}-{version}.dist-info", members(a, project, version, tag), a.level)
        os.replace(unfinished, a.output / name)
    finally:
        unfinished.unlink(missing_ok=True)
    print(name)


main()
