#!/usr/bin/env python3
"""`seimai dedup --decontaminate` on items planted into real documents, on documents that hold none, and its speed.

    decontaminate.py SHARED [--seimai target/release/seimai] [--items 2000] [--rounds 3] [--seed 1] [--report FILE]

SHARED is a folder of test data with decontam/benchmarks-dev.jsonl.zst, corpus/*.jsonl.zst and synth/d20k. Items are drawn by a seed and planted into
documents of the corpus, one each, behind a sentence: as they are (the question; with its choices; with its context), with other punctuation and width, split over
lines, and with a character in twenty changed, left out or added. Found: the document goes. Items too short to be looked for (fewer than 8
characters without punctuation) are counted apart. Clean documents: all of the corpus with all items, a line for every hit.
Speed: CPU seconds of one thread, JSON Lines in and out, the least of the rounds, alternating with the same without items; what reading the items costs is taken off.
Exit code 1 where less than .99 of what is planted unedited is found, or more than .05 % of the clean documents go. Python 3.9 or later, `zstd`.
"""
import argparse
import collections
import glob
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import unicodedata

WIDE = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)} | {"。": "．", "、": "，", "？": "?", "（": "(", "）": ")"})


def lines_of(path):
    if path.endswith(".zst"):
        text = subprocess.run(["zstd", "-dcq", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    else:
        text = open(path, encoding="utf-8").read()
    return [json.loads(line) for line in text.split("\n") if line]


def letters(text):
    return sum(unicodedata.category(c)[0] in "LNM" for c in unicodedata.normalize("NFKC", text))


def split(rng, text):
    made, at = [], 0
    while at < len(text):
        step = rng.randint(5, 12)
        made.append(text[at:at + step])
        at += step
    return "\n".join(made)


def edited(rng, text):
    made = []
    for c in text:
        if rng.random() >= 0.05:
            made.append(c)
            continue
        made.append(rng.choice(["", c + chr(rng.randrange(0x4E00, 0x8000)), chr(rng.randrange(0x4E00, 0x8000))]))
    return "".join(made)


HOW = {"whole": lambda rng, text: text, "width and punctuation": lambda rng, text: text.translate(WIDE), "split over lines": split, "5 % edited": edited}


def body(item, what):
    if what == "question and choices" and item.get("choices"):
        return "\n".join([item["question"], *map(str, item["choices"])])
    if what == "question and context" and item.get("context"):
        return item["question"] + "\n" + item["context"]
    return item["question"] if what == "question" else None


def run(seimai, inputs, out, *more):
    shutil.rmtree(out, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([seimai, "dedup", *inputs, "-o", out, "--threads", "1", "--progress", "none", "-q", *more], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("shared")
    parser.add_argument("--seimai", default="target/release/seimai")
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    sets = os.path.join(options.shared, "decontam", "benchmarks-dev.jsonl.zst")
    corpus = sorted(glob.glob(os.path.join(options.shared, "corpus", "*.jsonl.zst")))
    work = tempfile.mkdtemp(prefix="decontaminate-")
    out = os.path.join(work, "out")
    told = lambda: lines_of(os.path.join(out, "duplicates.jsonl"))
    report = {"seed": options.seed, "seimai": subprocess.run([options.seimai, "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()}
    try:
        items = lines_of(sets)
        report["items"] = len(items)
        # Clean documents.
        run(options.seimai, corpus, out, "--decontaminate", sets, "--contaminated", "report")
        hits, documents = collections.defaultdict(list), 0
        for line in told():
            hits[line["doc_id"]].append([line["duplicate_of"], round(line["containment"], 3)])
        with open(os.path.join(out, "kept.jsonl"), "rb") as kept:
            documents = sum(1 for _ in kept)
        report["clean"] = {"documents": documents, "lost": len(hits), "share": len(hits) / documents, "hits": {doc: found[:5] for doc, found in sorted(hits.items())}}
        # Planted items. Whoever holds something already takes no part.
        base = [doc for path in corpus if "kyoto" in path or "msdocs-v" in path or "persona" in path for doc in lines_of(path) if doc["id"] not in hits and len(doc["text"]) > 300]
        report["planted"] = {}
        all_hows = [(what, how) for what in ("question", "question and choices", "question and context") for how in HOW]
        path, planted = os.path.join(work, "planted.jsonl"), {}
        with open(path, "w", encoding="utf-8") as file:
            for what, how in all_hows:
                chosen = [item for item in items if body(item, what)]
                for item in rng.sample(chosen, min(options.items, len(chosen))):
                    text = rng.choice(base)["text"]
                    cuts = [at + 1 for at, c in enumerate(text) if c in "。\n"] or [len(text)]
                    at = rng.choice(cuts)
                    name = f"p{len(planted)}"
                    planted[name] = (what, how, letters(item["question"]), letters(body(item, what)))
                    text = text[:at] + "\n" + HOW[how](rng, body(item, what)) + "\n" + text[at:]
                    file.write(json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n")
        run(options.seimai, [path], out, "--decontaminate", sets)
        found = {line["doc_id"] for line in told()}
        is_bad = False
        for what, how in all_hows:
            of = {name: lengths for name, (w, h, *lengths) in planted.items() if (w, h) == (what, how)}
            row = {}
            for group, holds in (("30 characters or more", lambda q, b: q >= 30), ("8 to 29", lambda q, b: 8 <= q < 30), ("fewer than 8", lambda q, b: q < 8)):
                names = [name for name, (q, b) in of.items() if holds(q, b)]
                row[group] = {"planted": len(names), "found": sum(name in found for name in names)}
            searched = [row[group] for group in ("30 characters or more", "8 to 29")]
            row["share"] = sum(group["found"] for group in searched) / max(1, sum(group["planted"] for group in searched))
            is_bad |= how != "5 % edited" and row["share"] < 0.99
            report["planted"][f"{what}, {how}"] = row
            print(f"{what}, {how}: {row['share']:.4f}  {row}")
        # The gold of the generated set.
        gold = {line["id"]: line["contam"] for line in lines_of(os.path.join(options.shared, "synth", "d20k", "gold.jsonl.zst")) if line.get("contam")}
        run(options.seimai, [os.path.join(options.shared, "synth", "d20k", "docs.jsonl.zst")], out, "--decontaminate", sets)
        found = {line["doc_id"]: line["duplicate_of"] for line in told()}
        counts = collections.Counter((plant["how"], doc in found) for doc, plants in gold.items() for plant in plants)
        missed = {doc: [plant["benchmark_id"] for plant in plants] for doc, plants in gold.items() if doc not in found}
        report["d20k"] = {how: {"planted": counts[how, True] + counts[how, False], "found": counts[how, True]} for how in ("verbatim", "nows", "edited")}
        report["d20k"]["missed"] = missed
        report["d20k"]["others"] = {doc: item for doc, item in found.items() if doc not in gold}
        print("d20k:", report["d20k"])
        # Speed.
        path, empty, one = (os.path.join(work, name) for name in ("speed.jsonl", "one.jsonl", "nobody.jsonl"))
        with open(path, "wb") as file:
            for source in corpus:
                file.write(subprocess.run(["zstd", "-dcq", source], stdout=subprocess.PIPE, check=True).stdout[:24_000_000].rpartition(b"\n")[0] + b"\n")
        for name, record in ((empty, {"text": "米"}), (one, {"question": "どの文章にも書かれていないはずの、三十文字よりも長い問いを一つだけ探すとどうなりますか。"})):
            with open(name, "w", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        bytes_read, seconds = os.path.getsize(path), collections.defaultdict(list)
        for _ in range(options.rounds):
            for key, inputs, more in (("items", [path], ["--decontaminate", sets]), ("reading the items", [empty], ["--decontaminate", sets]),
                                      ("one item", [path], ["--decontaminate", one]), ("exact", [path], ["--exact"])):
                seconds[key].append(run(options.seimai, inputs, out, *more))
        least = {key: min(all_seconds) for key, all_seconds in seconds.items()}
        rate = lambda used: bytes_read / 1e6 / used
        report["speed"] = {"bytes": bytes_read, "cpu_seconds": dict(seconds), "MB_per_cpu_second": {
            "all items, without reading them": rate(least["items"] - least["reading the items"]), "all items": rate(least["items"]),
            "one item": rate(least["one item"]), "exact": rate(least["exact"])}}
        print("speed:", report["speed"]["MB_per_cpu_second"])
        print("clean:", report["clean"])
        is_bad |= report["clean"]["share"] > 0.0005
    finally:
        shutil.rmtree(work)
    if options.report:
        with open(options.report, "w", encoding="utf-8") as file:
            json.dump(report, file, ensure_ascii=False, indent=1)
            file.write("\n")
    sys.exit(1 if is_bad else 0)


if __name__ == "__main__":
    main()
