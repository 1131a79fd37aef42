#!/usr/bin/env python3
"""The engines against MeCab's library, alternating over one text: MB of text per CPU second of one thread.

    segment.py TEXT --mecab-bench PROGRAM --bench PROGRAM NAME=MECAB_DIR … [--rounds 3] [--report FILE]

TEXT has a paragraph a line. NAME is an installed dictionary made by `seimai dictionary import MECAB_DIR --name NAME`, so that both
sides have the same homograph order. PROGRAM of --bench is what `cargo bench --bench segment --no-run` builds; that of
--mecab-bench is built from shared/bench/mecab_bench.cpp. The best of the rounds counts, every row is kept. Standard library only.
"""
import argparse
import json
import os
import subprocess


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
        best = {}
        for round_ in range(a.rounds):
            told = [{"engine": "mecab", "mb_per_s": row["mb_per_cpu_s"], "morphemes": row["tokens"]}
                    for row in lines([a.mecab_bench, f"-r /dev/null -d {directory}", a.text])]
            told += lines([a.bench, a.text, name])
            for row in told:
                row.update(dictionary=name, round=round_, load1=os.getloadavg()[0])
                rows.append(row)
                best[row["engine"]] = max(best.get(row["engine"], 0), row["mb_per_s"])
                print(json.dumps(row), flush=True)
        summary[name] = {"mb_per_cpu_s": {engine: round(rate, 1) for engine, rate in best.items()},
                         "exact_over_mecab": round(best["exact"] / best["mecab"], 2), "exact_over_lindera": round(best["exact"] / best["lindera"], 2)}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"summary": summary, "rows": rows}, out, indent=1)
            out.write("\n")


main()
