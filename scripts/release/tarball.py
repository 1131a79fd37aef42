#!/usr/bin/env python3
"""Packs a directory into NAME.tar.gz so that the bytes depend on names, contents and SOURCE_DATE_EPOCH alone: no owner, no order of the disk, no
time of this day. The file has its name only once it is whole.

    tarball.py DIR -o FILE.tar.gz

Python 3.9 or later, standard library only.
"""
import argparse
import gzip
import os
import tarfile
from pathlib import Path


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("dir", type=Path)
    p.add_argument("-o", "--output", type=Path, required=True)
    a = p.parse_args()
    when = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))

    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = when
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    unfinished = a.output.with_name(f".{a.output.name}.{os.getpid()}")
    try:
        # No name in the header of gzip: it would be the temporary one.
        with open(unfinished, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, when) as packed:
            with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
                archive.add(a.dir, a.dir.name, recursive=False, filter=plain)
                for path in sorted(a.dir.rglob("*")):
                    archive.add(path, Path(a.dir.name) / path.relative_to(a.dir), recursive=False, filter=plain)
        os.replace(unfinished, a.output)
    finally:
        unfinished.unlink(missing_ok=True)


main()
