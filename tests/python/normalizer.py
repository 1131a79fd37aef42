"""Compares the normaliser inside a tokenizer.json with `seimai normalize`.

    python tests/python/normalizer.py SEIMAI TOKENIZER_JSON [--every N | --texts-only] [--report FILE] [TEXT.jsonl[.zst]…]

TOKENIZER_JSON is that of a run with tokenizer.normalizer = "seimai" and the default [normalize]. Compared are every character of Unicode (with --every N every Nth), alone
and between others, some words, and the field `text` of the files given. Differences are allowed only where docs/formats/tokenizer.md says so:
in documents whose ，or ．are Japanese marks, and in runs of more than 30 combining marks. The first other difference ends the program with a message
and exit code 1.

Needs tokenizers, for .zst files also zstandard. Prints a line for each check; --report writes the figures.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BETWEEN = [("", ""), ("あ", "い"), ("A", "b"), ("か", ""), ("ｶ", "゛"), ("\n", "あ"), ("\u3000\u3000", "あ"), ("👍", "👍"), ("ا", "ب"), ("1", ".")]
WORDS = ["ﾊﾝｶｸ", "ｶﾞｷﾞ", "⻑⻄⻘", "気温は－５度", "いろ／″＼", "　字下げ", "Ａ：はい", "１．はじめに", "ｈｔｔｐ：／／ａ．ｊｐ／", "①㈱㍻℃½", "塚\ufa10葛\U000e0100"]
# What steps of the library cannot say: commas and full stops by the majority of a document, bounded runs of marks.
BY_MAJORITY = re.compile("[，．︐、。]")
LONG_MARKS = re.compile("[\u0300-\u036f\u0591-\u07ff\u3099\u309a]{30}")


def ours(seimai, texts):
    """What `seimai normalize` makes of each text."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "texts.jsonl"
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(json.dumps({"id": str(i), "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(texts))
        run = subprocess.run([seimai, "normalize", "--quiet", str(path)], stdout=subprocess.PIPE, check=True)
    found = {}
    for line in run.stdout.decode("utf-8").split("\n"):
        if line:
            record = json.loads(line)
            found[int(record["id"])] = record["text"]
    return [found.get(i) for i in range(len(texts))]


def compare(name, seimai, normalizer, texts, report):
    texts = [text for text in texts if text]
    wanted = ours(seimai, texts)
    start, equal, by_majority = time.process_time(), 0, 0
    for text, want in zip(texts, wanted):
        got = normalizer.normalize_str(text)
        if want is None or got == want:  # an empty text is no record for the command
            equal += 1
        elif BY_MAJORITY.sub("", got) == BY_MAJORITY.sub("", want) or LONG_MARKS.search(text):
            by_majority += 1
        else:
            at = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
            near = slice(max(at - 8, 0), at + 8)
            sys.exit(f"normalizer: {name}: {ascii(text[:40])}: seimai has {ascii(want[near])}, the file {ascii(got[near])}")
    size = sum(len(text.encode("utf-8")) for text in texts)
    row = {"what": name, "texts": len(texts), "bytes": size, "equal": equal, "differ_by_majority_of_commas": by_majority,
           "normalizer_mb_per_s": round(size / 1e6 / max(time.process_time() - start, 1e-9), 2)}
    report.append(row)
    print(json.dumps(row, ensure_ascii=False), flush=True)


def lines(path):
    if path.suffix == ".zst":
        import io

        import zstandard

        with open(path, "rb") as file:
            yield from io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8", newline="\n")
    else:
        with open(path, encoding="utf-8", newline="\n") as file:
            yield from file


def main():
    parser = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    parser.add_argument("seimai")
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("texts", nargs="*", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth character of Unicode; an odd N meets every column of its tables")
    parser.add_argument("--texts-only", action="store_true", help="leave out the characters of Unicode (minutes)")
    arguments = parser.parse_intermixed_args()
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(arguments.tokenizer))
    if tokenizer.normalizer is None:
        sys.exit(f"normalizer: {arguments.tokenizer} carries none: run with tokenizer.normalizer = \"seimai\"")
    report = []
    characters = [chr(code) for code in range(1, 0x110000, arguments.every) if not 0xD800 <= code < 0xE000]
    what = "every character" if arguments.every == 1 else f"every character of {arguments.every}"
    for before, after in [] if arguments.texts_only else BETWEEN:
        compare(f"{before!a} + {what} + {after!a}", arguments.seimai, tokenizer.normalizer, [before + c + after for c in characters], report)
    compare("words", arguments.seimai, tokenizer.normalizer, WORDS, report)
    for word, normal in zip(WORDS, ours(arguments.seimai, WORDS)):
        if tokenizer.encode(word).ids != tokenizer.encode(normal).ids:
            sys.exit(f"normalizer: {word} and {normal} have other ids")
    for path in arguments.texts:
        compare(path.name, arguments.seimai, tokenizer.normalizer, (json.loads(line)["text"] for line in lines(path)), report)
    if arguments.report:
        arguments.report.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in report), encoding="utf-8")


main()
