#!/usr/bin/env python3
"""Compares every file of a wheel with its RECORD, which pip does not: each is named once, with its SHA-256 and size, and nothing else is.

    record.py WHEEL

Python 3.9 or later, standard library only.
"""
import base64
import csv
import hashlib
import sys
import zipfile


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        names = wheel.namelist()
        record = next(name for name in names if name.endswith(".dist-info/RECORD"))
        rows = list(csv.reader(wheel.read(record).decode().splitlines()))
        if sorted(name for name, _, _ in rows) != sorted(names) or len(set(names)) != len(names):
            sys.exit(f"error: {record} does not name what is there")
        for name, digest, size in rows:
            data = wheel.read(name)
            seen = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            if (digest, size) != (("", "") if name == record else (seen, str(len(data)))):
                sys.exit(f"error: {name} is not what {record} says")
    print(f"RECORD: {len(names)} files")


main()
