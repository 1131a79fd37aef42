#!/usr/bin/env python3
"""Personal data on a synthetic set with gold: recall by kind, look-alikes flagged, hits beside the gold.

    pii.py SEIMAI GOLD… [--report FILE]

GOLD is a folder with docs.jsonl and gold.jsonl, made by shared/data/gen/synth.py (shared/data/synth/d20k, unpacked, is the published one; other seeds
and sources with --seed and --in). `SEIMAI pii docs.jsonl --format spans` finds; a gold item counts as found when spans cover 90 % of it, as
shared/data/gen/score.py has it. Standard library only.
"""
import argparse
import collections
import json
import os
import subprocess


def spans(seimai, docs):
    done = subprocess.run([seimai, "pii", docs, "--format", "spans", "--quiet"], capture_output=True, text=True, check=True)
    found = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        found[row["id"]].append((row["start"], row["end"], row["type"]))
    return found


def covered(item, there):
    return sum(max(0, min(end, item["bend"]) - max(start, item["bstart"])) for start, end, _ in there)


def touches(item, span):
    return span[0] < item["bend"] and span[1] > item["bstart"]


def score(seimai, folder):
    found = spans(seimai, os.path.join(folder, "docs.jsonl"))
    total, hit, exact = collections.Counter(), collections.Counter(), collections.Counter()
    alike, flagged, beside = collections.Counter(), collections.Counter(), collections.Counter()
    for line in open(os.path.join(folder, "gold.jsonl"), encoding="utf8"):
        gold = json.loads(line)
        there = found.get(gold["id"], [])
        items = gold.get("pii", ())
        for item in items:
            kind = item["type"]
            total[kind] += 1
            hit[kind] += covered(item, there) >= 0.9 * (item["bend"] - item["bstart"])
            exact[kind] += (item["bstart"], item["bend"], kind) in there
        for item in gold.get("neg", ()):
            alike[item["type"]] += 1
            flagged[item["type"]] += any(touches(item, span) for span in there)
        beside.update(span[2] for span in there if not any(touches(item, span) for item in items))
    kinds = {kind: {"items": total[kind], "recall": round(hit[kind] / total[kind], 4), "exact": round(exact[kind] / total[kind], 4)} for kind in sorted(total)}
    return {"set": os.path.basename(os.path.normpath(folder)), "items": total.total(), "recall": round(hit.total() / total.total(), 4),
            "look_alikes": alike.total(), "look_alikes_flagged": flagged.total(), "kinds": kinds, "beside_gold": dict(sorted(beside.items()))}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("seimai")
    p.add_argument("gold", nargs="+")
    p.add_argument("--report")
    a = p.parse_args()
    rows = [score(a.seimai, folder) for folder in a.gold]
    for row in rows:
        print(json.dumps(row))
    if a.report:
        with open(a.report, "w") as out:
            for row in rows:
                out.write(json.dumps(row) + "\n")


main()
