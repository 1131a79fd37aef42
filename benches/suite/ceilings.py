#!/usr/bin/env python3
"""Is `--memory` a ceiling? Peak of anonymous memory of whole runs over inputs that are hard for it, by budget and threads.

    ceilings.py [--seimai target/release/seimai] [--shared ../shared] [--memory 256MiB,512MiB,1GiB] [--threads 1,2,8]
                [--inputs corpus,superwords,tiny,same,long,huge,expanding] [--tiny 1000000] [--report FILE]

Inputs: `corpus` (shared/data/corpus, left out where it is not there), `superwords` (the same, for a vocabulary of 65,536 of which half are
superwords), `tiny` (documents of a few characters), `same` (as many, of which ten are alike each time), `long` (40 documents of 2 MB),
`huge` (a record of 15 MB), `expanding` (records of U+FDFA, of which NFKC makes eighteen characters: 3 MB and 15 MB). The dictionary is
mapped and not counted. A run may end with exit code 4 if it names the memory that would do: then it is run again with that. Exit code 1 if
a peak is above its budget by more than 5 %, or a figure was wrong. Python 3.9 or later on Linux, standard library only.
"""
import argparse
import json
import os
import re
import shutil
import sys
import tempfile

import measured

TOLERANCE = 1.05
UNITS = {"MiB": 2**20, "GiB": 2**30}


def size(text):
    number, unit = re.fullmatch(r"([\d.]+)\s*(MiB|GiB)", text).groups()
    return float(number) * UNITS[unit]


def lines(path, texts):
    with open(path, "w", encoding="utf-8") as out:
        for number, text in enumerate(texts):
            out.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
    return [path]


def prose(characters, seed):
    """Sentences that do not repeat within a document."""
    made, state = [], seed * 2654435761 % 2**32
    while sum(map(len, made)) < characters if len(made) < 64 else len(made) * 21 < characters:
        words = []
        for _ in range(6):
            state = (state * 1664525 + 1013904223) % 2**32
            words.append(chr(0x4E00 + (state >> 12) % 5000) + chr(0x4E00 + (state >> 5) % 5000) + "はがをにのと"[state >> 29 if state >> 29 < 6 else 0])
        made.append("".join(words) + "した。")
    return "".join(made)


def inputs(name, scratch, a):
    path = os.path.join(scratch, f"{name}.jsonl")
    if name in ("corpus", "superwords"):
        directory = os.path.join(a.shared, "data", "corpus")
        if not os.path.isdir(directory):
            print(f"skipped: {name} needs shared/data/corpus (not found)", file=sys.stderr)
            return []
        return sorted(os.path.abspath(os.path.join(directory, file)) for file in os.listdir(directory) if file.endswith(".zst"))
    return lines(path, {
        "tiny": lambda: (f"{number}番の米です。" for number in range(a.tiny)),
        "same": lambda: (f"{number // 10}番の米です。" for number in range(a.tiny)),
        "long": lambda: (prose(700_000, seed) for seed in range(1, 41)),
        "huge": lambda: [prose(5_000_000, 7)],
        "expanding": lambda: ["\ufdfa" * 1_000_000, "\ufdfa" * 5_000_000],
    }[name]())


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--memory", default="256MiB,512MiB,1GiB")
    p.add_argument("--threads", default="1,2,8")
    p.add_argument("--inputs", default="corpus,superwords,tiny,same,long,huge,expanding")
    p.add_argument("--tiny", type=int, default=1_000_000)
    p.add_argument("--report")
    a = p.parse_args()
    rows, wrong = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        plan, out = os.path.join(scratch, "plan.toml"), os.path.join(scratch, "out")
        for name in a.inputs.split(","):
            files = inputs(name, scratch, a)
            if not files:
                continue
            with open(plan, "w") as written:
                written.write("[input]\npaths = " + json.dumps(files) + '\n[quality]\npreset = "none"\n')
                if name == "superwords":
                    written.write("[tokenizer]\nvocab_size = 65536\nsuperwords = 0.5\n")
            for memory in a.memory.split(","):
                for threads in a.threads.split(","):
                    row, budget = {"input": name, "memory": memory, "threads": int(threads)}, memory
                    for attempt in range(3):
                        shutil.rmtree(out, ignore_errors=True)
                        told = measured.run([a.seimai, "run", plan, "--out", out, "--threads", threads, "--memory", budget])
                        named = re.search(r"--memory ([\d.]+\s?[MG]iB)", " ".join(told["messages"]))
                        if told["exit"] != 4 or not named:
                            break
                        row["named"] = budget = named.group(1).replace(" ", "")
                    over = told["anonymous"] / size(budget)
                    row.update({"exit": told["exit"], "anonymous_mib": round(told["anonymous"] / 2**20, 1), "of_budget": round(over, 3),
                                "passes_mib": {k: round(v / 2**20) for k, v in told["pass_anonymous"].items()}, "cpu": round(sum(told["pass_cpu"].values()), 1)})
                    row["holds"] = told["exit"] in (0, 3) and over <= TOLERANCE
                    wrong += not row["holds"]
                    rows.append(row)
                    print(json.dumps(row, ensure_ascii=False), flush=True)
    if a.report:
        with open(a.report, "w") as report:
            json.dump(rows, report, indent=1)
            report.write("\n")
    print(f"{len(rows) - wrong} of {len(rows)} hold")
    sys.exit(1 if wrong else 0)


main()
