#!/usr/bin/env python3
"""`seimai dedup` on edited copies whose similarity is known: documents a CPU second, and what is found.

    dedup.py [--seimai target/release/seimai] [--base 20000] [--characters 900] [--near 0.7] [--rounds 3] [--seed 1] [--report FILE]

Documents are made by a recipe from a seed. To one in six there is an edited copy: as it is; with 1, 3, 5, 10, 20 or 30 % of its characters exchanged
here and there, or in one block; with other line breaks; in full width with other punctuation; or with half of it kept, as pages of one template have it. The exact
Jaccard similarity of each pair, of character 5-grams without width, case, spaces and punctuation, is reckoned here. A pair is found if one of both is no
longer kept. One thread; CPU seconds of the whole command, JSON Lines in and out; the least of the rounds. Exit code 1 where a pair above the threshold and
.8 is missed in more than one case of a hundred, or where something goes that is like nothing that stays. Python 3.9 or later, standard library only.
"""
import argparse
import collections
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import unicodedata

PARTICLES = ["は", "が", "を", "に", "の", "で", "と", "も", "から", "まで"]
ENDS = ["です。", "ます。", "である。", "した。"]
WIDE = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)} | {"。": "！", "、": "，"})


def text_of(rng, characters):
    made, length = [], 0
    while length < characters:
        words = ["".join(chr(rng.randrange(0x4E00, 0x8000)) for _ in range(rng.randint(1, 3))) + rng.choice(PARTICLES) for _ in range(rng.randint(2, 6))]
        made.append("、".join(words) + rng.choice(ENDS) + ("Rev 3 " if rng.random() < 0.1 else ""))
        length += len(made[-1])
    return "".join(made)


def scattered(rng, text, rate):
    letters = list(text)
    for at in rng.sample(range(len(letters)), max(1, round(rate * len(letters)))):
        letters[at] = chr(rng.randrange(0x4E00, 0x8000))
    return "".join(letters)


def block(rng, text, rate):
    length = round(rate * len(text))
    at = rng.randrange(len(text) - length)
    return text[:at] + text_of(rng, length)[:length] + text[at + length:]


KINDS = {
    "exact": lambda rng, text: text,
    **{f"scattered {rate:.0%}": (lambda rate: lambda rng, text: scattered(rng, text, rate))(rate) for rate in (0.01, 0.03, 0.05, 0.1, 0.2, 0.3)},
    **{f"block {rate:.0%}": (lambda rate: lambda rng, text: block(rng, text, rate))(rate) for rate in (0.01, 0.03, 0.05, 0.1, 0.2, 0.3)},
    "width and punctuation": lambda rng, text: text.translate(WIDE),
    "line breaks": lambda rng, text: "\r\n".join(text[at : at + 40] for at in range(0, len(text), 40)),
    "template": lambda rng, text: text[: len(text) // 2] + text_of(rng, len(text) // 2),
}


def shingles(text):
    """What is compared, by the definition: slow, and no line of the program."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    letters = "".join(c for c in folded if unicodedata.category(c)[0] in "LNM" or unicodedata.category(c) in ("Sc", "So"))
    return {letters[i : i + 5] for i in range(len(letters) - 4)} or {letters}


def similarity(a, b):
    a, b = shingles(a), shingles(b)
    return len(a & b) / len(a | b)


def documents(a):
    rng = random.Random(a.seed)
    texts = {f"b{n}": text_of(rng, max(60, int(rng.lognormvariate(0, 0.5) * a.characters))) for n in range(a.base)}
    kinds, pairs = list(KINDS), []
    for n in range(0, a.base, 6):
        kind = kinds[n // 6 % len(kinds)]
        texts[f"c{n}"] = KINDS[kind](rng, texts[f"b{n}"])
        pairs.append((f"b{n}", f"c{n}", kind, similarity(texts[f"b{n}"], texts[f"c{n}"])))
    names = list(texts)
    rng.shuffle(names)
    return texts, names, pairs


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--base", type=int, default=20_000)
    p.add_argument("--characters", type=int, default=900)
    p.add_argument("--near", type=float, default=0.7)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--report")
    a = p.parse_args()
    texts, names, pairs = documents(a)
    with tempfile.TemporaryDirectory() as scratch:
        source, out = os.path.join(scratch, "in.jsonl"), os.path.join(scratch, "out")
        with open(source, "w", encoding="utf-8") as lines:
            for name in names:
                lines.write(json.dumps({"id": name, "text": texts[name]}, ensure_ascii=False) + "\n")
        size, speeds = os.path.getsize(source), {}
        for name, flags in {"exact": ["--exact"], "near": ["--near", str(a.near)], "both": ["--exact", "--near", str(a.near)]}.items():
            least = None
            for _ in range(a.rounds):
                shutil.rmtree(out, ignore_errors=True)
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run([a.seimai, "dedup", source, *flags, "-o", out, "--threads", "1", "--quiet", "--progress", "none"], check=True)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                least = cpu if least is None else min(least, cpu)
            speeds[name] = {"cpu": round(least, 3), "documents_a_second": round(len(names) / least), "mb_a_second": round(size / least / 1e6, 1)}
        kept = {json.loads(line)["id"] for line in open(os.path.join(out, "kept.jsonl"), encoding="utf-8")}
        gone = [json.loads(line) for line in open(os.path.join(out, "duplicates.jsonl"), encoding="utf-8")]
    bands, kinds = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0])
    for first, second, kind, jaccard in pairs:
        for table, key in ((bands, f"{int(jaccard * 10) / 10:.1f}"), (kinds, kind)):
            table[key][0] += not {first, second} <= kept
            table[key][1] += 1
    asked = [(first, second) for first, second, _, jaccard in pairs if jaccard >= max(a.near, 0.8)]
    found = sum(not {first, second} <= kept for first, second in asked)
    wrong = [one for one in gone if one["duplicate_of"] not in kept or similarity(texts[one["doc_id"]], texts[one["duplicate_of"]]) < a.near - 1e-9]
    told = {"documents": len(names), "bytes": size, "near": a.near, "speed": speeds, "found_by_similarity": dict(sorted(bands.items())),
            "found_by_kind": dict(kinds), "recall_above_.8": round(found / max(1, len(asked)), 4), "removed": len(gone), "wrongly": len(wrong)}
    print(json.dumps(told, ensure_ascii=False, indent=1))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as report:
            json.dump(told, report, ensure_ascii=False, indent=1)
            report.write("\n")
    sys.exit(1 if found < 0.99 * len(asked) or wrong else 0)


main()
