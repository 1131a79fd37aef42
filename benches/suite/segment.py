#!/usr/bin/env python3
"""The engines against MeCab's library, alternating over one text: MB of text per CPU second of one thread.

    segment.py TEXT --mecab-bench PROGRAM --bench PROGRAM NAME=MECAB_DIR … [--rounds 3] [--report FILE]

TEXT has a paragraph a line. NAME is an installed dictionary made by `seimai dictionary import MECAB_DIR --name NAME`, so that both
sides have the same homograph order. PROGRAM of --bench is what `cargo bench --bench segment --no-run` builds; that of
--mecab-bench is built from shared/bench/mecab_bench.cpp. Both make five passes a round; the best pass counts, every row is kept. Standard library only.
"""
import argparse
import json
import os
import subprocess


# Passes over the text that PROGRAM of --bench makes with each engine.
PASSES = 5


def lines(command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("text")
    p.add_argument("dictionaries", nargs="+", metavar="NAME=MECAB_DIR")
    p.add_argument("--mecab-bench", required=True)
    p.add_argument("--bench", required=True)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--report")
    a = p.parse_args()
    rows, summary = [], {}
    for given in a.dictionaries:
        name, _, directory = given.partition("=")
        best, scaling = {}, []
        for round_ in range(a.rounds):
            mecab = [row for _ in range(PASSES) for row in lines([a.mecab_bench, f"-r /dev/null -d {directory}", a.text])]
            told = [{"engine": "mecab", "mb_per_s": row["mb_per_cpu_s"], "morphemes": row["tokens"], "resident_mib": row["rss_mb"]} for row in mecab]
            for row in told + lines([a.bench, a.text, name]):
                row.update(dictionary=name, round=round_, load1=os.getloadavg()[0])
                rows.append(row)
                print(json.dumps(row), flush=True)
                if "engine" in row:
                    best[row["engine"]] = max(best.get(row["engine"], 0), row["mb_per_s"])
                else:
                    scaling.append(row)
        over = lambda a, b: round(best[a] / best[b], 2)
        summary[name] = {"mb_per_cpu_s": {engine: round(rate, 1) for engine, rate in best.items()},
                         "exact_over_mecab": over("exact", "mecab"), "exact_over_lindera": over("exact", "lindera"),
                         "portable_over_lindera": over("exact, portable", "lindera"),
                         "two_threads_over_one": round(max(row["two_threads_over_one"] for row in scaling), 2),
                         "open_ms": round(min(row["open_ms"] for row in scaling), 1), "resident_mib": round(max(row["resident_mib"] for row in scaling), 1)}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"summary": summary, "rows": rows}, out, indent=1)
            out.write("\n")


main()
