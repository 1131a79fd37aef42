#!/usr/bin/env python3
"""Strings of the tests as the first inputs of the fuzz targets:

    fuzz_seeds.py DIRECTORY

DIRECTORY/TARGET/seed-… gets the string literals of the sources that test what the target reads. Python 3.9 or later, standard library only.
"""
import glob
import hashlib
import os
import re
import sys

# Which sources hold the cases of a target; those of others are reached by what they were seeded with before.
SOURCES = {
    "aozora": ["src/corpus/aozora/*.rs"],
    "chat": ["src/corpus/chat/*.rs", "src/corpus/formats/chat/*.rs"],
    "csv": ["src/corpus/csv.rs", "src/corpus/formats/csv.rs"],
    "diet": ["src/corpus/diet/*.rs", "src/corpus/formats/diet.rs"],
    "documents": ["src/corpus/epub.rs", "src/corpus/subtitles.rs", "src/corpus/gettext.rs", "src/corpus/docbook.rs"],
    "envelope": ["src/pipeline/signature/*.rs", "src/pipeline/passport/statement.rs", "tests/it/signatures.rs"],
    "html": ["src/corpus/html/*.rs"],
    "http": ["src/corpus/http/*.rs"],
    "json": ["src/corpus/json*.rs", "src/corpus/formats/json.rs"],
    "jsonl": ["src/corpus/formats/json_lines.rs", "src/corpus/jsonl.rs"],
    "law": ["src/corpus/law/*.rs"],
    "vet_pickle": ["src/pipeline/vet/pickle.rs", "src/pipeline/vet/inspect.rs"],
    "vet_tensors": ["src/pipeline/vet/safetensors.rs", "src/pipeline/vet/numpy.rs"],
    "vet_vocabulary": [f"src/pipeline/vet/{name}.rs" for name in ("active", "card", "page", "settings", "spdx", "vocabulary")],
    "warc": ["src/corpus/formats/warc.rs", "src/corpus/formats/warc/*.rs"],
    "wikitext": ["src/corpus/wikitext/*.rs", "src/corpus/formats/mediawiki/*.rs"],
}
LITERAL = re.compile(r'r(#+)"(.*?)"\1|"((?:[^"\\]|\\.)*)"', re.S)
ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|\n\s*|(.))", re.S)
SIGNS = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def unescaped(literal):
    def sign(found):
        code, byte, other = found.groups()
        if code or byte:
            return chr(int(code or byte, 16))
        return SIGNS.get(other, other) if other else ""

    return ESCAPE.sub(sign, literal)


def strings(path):
    for found in LITERAL.finditer(open(path, encoding="utf-8").read()):
        _, raw, cooked = found.groups()
        yield raw if raw is not None else unescaped(cooked)


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for target, patterns in SOURCES.items():
        directory = os.path.join(sys.argv[1], target)
        os.makedirs(directory, exist_ok=True)
        for path in sorted(path for pattern in patterns for path in glob.glob(os.path.join(root, pattern))):
            for text in strings(path):
                content = text.encode("utf-8", "replace")
                if content:
                    with open(os.path.join(directory, "seed-" + hashlib.sha256(content).hexdigest()[:16]), "wb") as out:
                        out.write(content)


if __name__ == "__main__":
    main()
