#!/usr/bin/env python3
"""`seimai dedup` on what is hard for it: time beside ordinary data, and what may never be merged.

    dedup_hard.py [--seimai target/release/seimai] [--documents 200000] [--huge 100] [--rounds 3] [--seed 1] [--report FILE]

Time per byte of text, one thread, CPU seconds of the whole command, the least of the rounds, beside documents that have nothing in common: as many equal
documents; a chain of 1,000, each nearly the one before; 3,000 pages of one template with bodies of their own; one document of --huge MB. What stays: of
the equal ones one, of the pages all, of different short texts all, of empty ones all, and of pairs that differ in a sign, a decimal point or an operator
both. Then the same keep list: 1, 2 and 8 threads, 64 MiB to 8 GiB, and twenty times the same. Exit code 1 where one of these does not hold or takes more
than twice the time per byte. Python 3.9 or later, standard library only.
"""
import argparse
import hashlib
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile


def sentence(rng, letters):
    return "".join(chr(rng.randrange(0x4E00, 0x8000)) if rng.random() < 0.5 else chr(rng.randrange(0x3042, 0x3093)) for _ in range(letters)) + "。"


def text_of(rng, sentences):
    return "".join(sentence(rng, 40) for _ in range(sentences))


def chain(rng, links):
    parts = [sentence(rng, 40) for _ in range(40)]
    for _ in range(links):
        parts[rng.randrange(len(parts))] = sentence(rng, 40)
        yield "".join(parts)


def pages(rng, count):
    head, foot = text_of(rng, 8), text_of(rng, 8)
    return (head + text_of(rng, 16) + foot for _ in range(count))


def differing():
    """Pairs of short texts that say other things."""
    for n in range(3, 40):
        yield f"今朝の気温は−{n}℃でした。", f"今朝の気温は{n}℃でした。"
        yield f"係数は{n}.14とする。", f"係数は{n}14とする。"
        yield f"x{n} += {n}; y = x{n}", f"x{n} -= {n}; y = x{n}"
        yield f"if a{n} == b: go()", f"if a{n} != b: go()"
        yield f"残高は+{n}00円です。", f"残高は-{n}00円です。"


class Found:
    def __init__(self, out):
        with open(os.path.join(out, "kept.jsonl"), "rb") as kept:
            lines = kept.read()
        self.kept = [json.loads(line)["id"] for line in lines.splitlines()]
        with open(os.path.join(out, "duplicates.jsonl"), "rb") as gone:
            self.digest = hashlib.sha256(lines + gone.read()).hexdigest()


def search(a, source, out, *more):
    shutil.rmtree(out, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([a.seimai, "dedup", source, "-o", out, "--quiet", "--progress", "none", *more], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, Found(out)


def written(path, texts):
    size = 0
    with open(path, "w", encoding="utf-8") as lines:
        for n, text in enumerate(texts):
            size += len(text.encode())
            lines.write(json.dumps({"id": str(n), "text": text}, ensure_ascii=False) + "\n")
    return size


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--documents", type=int, default=200_000)
    p.add_argument("--huge", type=int, default=100, help="MB of the one document")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--report")
    a = p.parse_args()
    rng = random.Random(a.seed)
    ordinary = [text_of(rng, 8) for _ in range(a.documents // 4)]
    one = text_of(rng, 8)
    shorts = ["".join(two) for two in itertools.product("あいうえおかきくけこ一二三四五", repeat=2)] + [str(n) for n in range(1000)]
    pairs = list(differing())
    cases = {
        "ordinary": (ordinary, len(ordinary)),
        "equal": ([one] * a.documents, 1),
        "chain": (list(chain(rng, 1000)), None),
        "pages of a template": (list(pages(rng, 3000)), 3000),
        "one document": ([text_of(rng, a.huge * 1_000_000 // 123)], 1),
        "short": (shorts, len(shorts)),
        "empty": ([""] * 1000, 1000),
        "differ in a sign": ([text for pair in pairs for text in pair], 2 * len(pairs)),
    }
    told, bad = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        out, base = os.path.join(scratch, "out"), None
        for name, (texts, stays) in cases.items():
            source = os.path.join(scratch, "in.jsonl")
            size = written(source, texts)
            wide = ["--set", f"input.record_max={2 * size + 1000}"] if len(texts) == 1 else []
            runs = [search(a, source, out, "--threads", "1", *wide) for _ in range(a.rounds if size > 1 << 20 else 1)]
            cpu, found = min(run[0] for run in runs), runs[0][1]
            told[name] = {"documents": len(texts), "bytes": size, "cpu": round(cpu, 3), "kept": len(found.kept)}
            if size > 1 << 20:
                # What a call takes without any documents is none of theirs.
                told[name]["ns_a_byte"] = round(cpu / size * 1e9, 2)
                base = base or told[name]["ns_a_byte"]
                told[name]["beside_ordinary"] = round(told[name]["ns_a_byte"] / base, 2)
                if told[name]["beside_ordinary"] > 2:
                    bad.append(f"{name}: {told[name]['beside_ordinary']} times the time per byte")
            if stays is not None and len(found.kept) != stays:
                bad.append(f"{name}: {len(found.kept)} stay, not {stays}")
        mixed = ordinary[:4000] + [text[:300] + text_of(rng, 1) for text in ordinary[:4000]] + list(chain(rng, 300)) + [one] * 500
        rng.shuffle(mixed)
        written(source, mixed)
        settings = [["--threads", n] for n in ("1", "2", "8")] + [["--memory", m] for m in ("64MiB", "256MiB", "1GiB", "8GiB")] + [[]] * 20
        digests = {search(a, source, out, *setting)[1].digest for setting in settings}
        told["same keep list"] = {"searches": len(settings), "different": len(digests)}
        if len(digests) > 1:
            bad.append("the keep list is not the same")
    told["bad"] = bad
    print(json.dumps(told, ensure_ascii=False, indent=1))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as report:
            json.dump(told, report, ensure_ascii=False, indent=1)
            report.write("\n")
    sys.exit(1 if bad else 0)


main()
