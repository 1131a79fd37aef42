#!/usr/bin/env python3
"""Several processes work on the shards of one run in random order; the bytes must be those of `seimai run`.

    run_shards.py PLAN [--processes 4] [--rows-max 1500] [--seimai target/release/seimai] [--worker target/release/examples/run_shards] [--report FILE]

The plan is copied with [shards] rows_max lowered, so that there are many shards. Build the worker with
`cargo build --release --example run_shards`. Exit code 0 if all bytes are equal. Python 3.9 or later, standard library only.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from run_tree import tree


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("plan")
    p.add_argument("--processes", type=int, default=4)
    p.add_argument("--rows-max", type=int, default=1500)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--worker", default="target/release/examples/run_shards")
    p.add_argument("--report")
    a = p.parse_args()
    seimai, worker = os.path.abspath(a.seimai), os.path.abspath(a.worker)
    with open(a.plan) as file:
        text = file.read()
    if "[shards]" in text:
        sys.exit("the plan has [shards] already: give one without")
    # A plan beside the given one, so that relative inputs stay what they are.
    folder = os.path.dirname(os.path.abspath(a.plan))
    with tempfile.NamedTemporaryFile("w", suffix=".toml", dir=folder, delete=False) as file:
        file.write(text + f"\n[shards]\nrows_max = {a.rows_max}\n")
    plan = file.name
    try:
        with tempfile.TemporaryDirectory() as scratch:
            whole, shared = os.path.join(scratch, "whole"), os.path.join(scratch, "shared")
            run = lambda out: subprocess.run([seimai, "run", plan, "--out", out, "--progress", "none", "--quiet"]).returncode
            code = run(whole)
            said = subprocess.run([worker, plan, shared], check=True, capture_output=True, text=True).stdout
            shards = int(re.match(r"(\d+) shards", said)[1])
            start = time.monotonic()
            workers = [subprocess.Popen([worker, plan, shared, f"{n}/{a.processes}"]) for n in range(a.processes)]
            ended = [process.wait() for process in workers]
            seconds = time.monotonic() - start
            again = run(shared)
            annotated_again = "annotate" in json.load(open(os.path.join(shared, "run.json")))["pass_seconds"]
            one, other = tree(whole), tree(shared)
            differs = sorted(name for name in set(one) | set(other) if one.get(name) != other.get(name))
            summary = {"shards": shards, "processes": a.processes, "workers_seconds": round(seconds, 1), "exit_codes": [code, again, *ended],
                       "annotated_again": annotated_again, "files": len(one), "differ": differs[:5]}
    finally:
        os.unlink(plan)
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as out:
            json.dump(summary, out)
            out.write("\n")
    sys.exit(bool(differs) or any(ended) or code != again or annotated_again)


main()
