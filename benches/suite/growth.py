#!/usr/bin/env python3
"""How the cost of every pass grows with the data: CPU seconds of each at several sizes and budgets, and the exponent of a fit.

    growth.py [--seimai target/release/seimai] [--documents 100000,300000,1000000] [--characters 45] [--memory 512MiB,256MiB]
              [--pages] [--threads 1] [--keep DIR] [--report FILE]

`--pages` measures by bytes: pages of 2.6 kB after `recipe.py`, with rules for web pages, duplicates, contact details masked, a split and packs;
`--documents 40000,120000,400000,1200000,4000000` are .1, .3, 1, 3 and 10 GB. Without it, short documents: documents are made by a recipe from a seed, so that any number of them is the beginning of any larger number: words of two or three
characters with particles between them; one in ten is an earlier document with one word exchanged, one in twenty an earlier document as
it is. The exponent of a pass is the slope of the logarithms by least squares; the
last step alone is beside it, for what a pass costs at any size (opening the dictionary, say) makes small sizes dear. Passes below .3 s
at the largest size are left out. Exit code 1 if an exponent of the last step is above 1.05. Python 3.9 or later, standard library only.
"""
import argparse
import hashlib
import json
import math
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile

import measured
from recipe import Recipe

LIMIT = 1.05
PARTICLES = ["は", "が", "を", "に", "の", "で", "と", "も", "から", "まで", "へ", "や"]
ENDS = ["です。", "ます。", "である。", "した。", "という。", "だった。"]
# Documents of a file, short ones and pages: about 40 MB.
FILE_DOCUMENTS = 250_000
FILE_PAGES = 16_000
SHORT = '[quality]\npreset = "none"\n'
PAGES = '[quality]\npreset = "web"\n[pii]\naction = "mask"\n[split]\nvalidation = 0.01\n'


def words():
    made = []
    for i in range(4096):
        drawn = hashlib.blake2b(b"word %d" % i, digest_size=8).digest()
        kanji = [chr(0x4E00 + int.from_bytes(drawn[j : j + 2], "little") % 6000) for j in (0, 2, 4)]
        made.append("".join(kanji[: 2 + drawn[6] % 2]))
    return made


WORDS = words()


def text(number, characters):
    """The text of a document that is no copy."""
    parts, length, counter = [], 0, 0
    while length < characters:
        drawn = hashlib.blake2b(b"%d %d" % (number, counter), digest_size=60).digest()
        counter += 1
        for j in range(0, 60, 3):
            part = WORDS[int.from_bytes(drawn[j : j + 2], "little") & 4095] + (PARTICLES + ENDS)[drawn[j + 2] % 18]
            parts.append(part)
            length += len(part)
            if length >= characters:
                break
    return parts


def document(number, characters):
    drawn = hashlib.blake2b(b"kind %d" % number, digest_size=16).digest()
    kind, length = drawn[0] % 20, characters // 2 + int.from_bytes(drawn[1:3], "little") % (characters + 1)
    if kind > 2 or number == 0:
        return "".join(text(number, length))
    earlier = int.from_bytes(drawn[3:11], "little") % number
    like = hashlib.blake2b(b"kind %d" % earlier, digest_size=16).digest()
    parts = text(earlier, characters // 2 + int.from_bytes(like[1:3], "little") % (characters + 1))
    if kind > 0:
        parts[drawn[11] % len(parts)] = WORDS[int.from_bytes(drawn[12:14], "little") & 4095] + "を"
    return "".join(parts)


def write(path, first, end, characters):
    """Short documents `first` to `end`."""
    with open(path, "w", encoding="utf-8") as out:
        for number in range(first, end):
            out.write(json.dumps({"id": str(number), "text": document(number, characters)}, ensure_ascii=False) + "\n")


def bytes_of(told):
    """Bytes of `12.3 MiB` as `seimai plan` prints it."""
    number, unit = re.match(r"([\d.,]+)\s*(\w+)", told).groups()
    return float(number.replace(",", "")) * {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}[unit]


def estimated_disk(seimai, plan, memory):
    told = subprocess.run([seimai, "plan", plan, "--memory", memory], capture_output=True, text=True, check=True).stdout
    return bytes_of(re.search(r"# disk\s+about ([^,\n]+)", told).group(1))


def slope(points):
    logs = [(math.log(n), math.log(max(cpu, 1e-3))) for n, cpu in points]
    x, y = (sum(column) / len(logs) for column in zip(*logs))
    return sum((a - x) * (b - y) for a, b in logs) / sum((a - x) ** 2 for a, _ in logs)


def fits(rows):
    found = {}
    for memory in dict.fromkeys(row["memory"] for row in rows):
        of = [row for row in rows if row["memory"] == memory]
        passes = [name for name, cpu in of[-1]["pass_cpu"].items() if cpu >= 0.3]
        for name in passes + ["all"]:
            points = [(row["documents"], row["cpu"] if name == "all" else row["pass_cpu"].get(name, 0.0)) for row in of]
            if len(points) > 1:
                found.setdefault(memory, {})[name] = {"all_sizes": round(slope(points), 3), "last_step": round(slope(points[-2:]), 3)}
    return found


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--documents", default="100000,300000,1000000")
    p.add_argument("--characters", type=int, default=45)
    p.add_argument("--pages", action="store_true")
    p.add_argument("--memory", default="512MiB,256MiB")
    p.add_argument("--threads", default="1")
    p.add_argument("--keep", help="where documents are kept for another time")
    p.add_argument("--report")
    a = p.parse_args()
    sizes, rows = sorted(int(n) for n in a.documents.split(",")), []
    with tempfile.TemporaryDirectory(dir=a.keep) as scratch:
        inputs = os.path.join(a.keep or scratch, "pages" if a.pages else f"documents-{a.characters}")
        plan, out = os.path.join(scratch, "plan.toml"), os.path.join(scratch, "out")
        each, recipe = (FILE_PAGES, Recipe()) if a.pages else (FILE_DOCUMENTS, None)
        os.makedirs(inputs, exist_ok=True)
        for size in sizes:
            taken = os.path.join(scratch, str(size))
            os.makedirs(taken)
            files = [(start, min(size, start + each)) for start in range(0, size, each)]
            # Whole files are the same at every size and stay; the last one, if it is short, is of this size alone.
            sources = [os.path.join(inputs if end - start == each else taken, f"{start:010}.jsonl") for start, end in files]
            missing = [(source, start, end) for source, (start, end) in zip(sources, files) if not os.path.exists(source)]
            with multiprocessing.Pool() as pool:
                if recipe:
                    pool.starmap(recipe.write, missing, 1)
                else:
                    pool.starmap(write, [(*file, a.characters) for file in missing], 1)
            decoded = sum(os.path.getsize(source) for source in sources)
            files = [os.path.realpath(source) for source in sources]
            with open(plan, "w") as written:
                written.write("[input]\npaths = " + json.dumps(files) + "\n" + (PAGES if a.pages else SHORT))
            for memory in a.memory.split(","):
                shutil.rmtree(out, ignore_errors=True)
                told = measured.run([a.seimai, "run", plan, "--out", out, "--threads", a.threads, "--memory", memory], out)
                if told["exit"]:
                    sys.exit(f"exit code {told['exit']}: {told['messages']}")
                cpu = sum(told["pass_cpu"].values())
                ended, outputs = measured.disk_bytes(out), measured.disk_bytes(out, ".work")
                kept = json.load(open(os.path.join(out, "manifest.json")))["totals"]["kept"]
                rows.append({"documents": size, "kept": kept, "decoded_bytes": decoded, "memory": memory, "cpu": round(cpu, 2), "wall": told["wall"], "load1": round(os.getloadavg()[0], 1),
                             "pass_cpu": told["pass_cpu"], "anonymous_mib": round(told["anonymous"] / 2**20, 1), "pass_anonymous_mib": {k: round(v / 2**20, 1) for k, v in told["pass_anonymous"].items()},
                             "disk_mib": round(told["disk"] / 2**20, 1), "disk_told_mib": round(estimated_disk(a.seimai, plan, memory) / 2**20, 1),
                             # What is no output: at the peak, and what of it is left for a next run (`seimai gc` removes it). By the byte of input text.
                             "scratch_by_byte": round((told["disk"] - outputs) / decoded, 3), "left_by_byte": round((ended - outputs) / decoded, 3)})
                print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    rows.sort(key=lambda row: (row["memory"], row["documents"]))
    fitted = fits(rows)
    print(json.dumps(fitted, indent=1))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"documents_are": "pages of recipe.py" if a.pages else f"{a.characters} characters", "threads": a.threads, "exponents": fitted, "rows": rows}, out, indent=1)
            out.write("\n")
    if any(fit["last_step"] > LIMIT for of in fitted.values() for fit in of.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
