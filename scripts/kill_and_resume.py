#!/usr/bin/env python3
"""Kills a run at random moments, again and again; resumed, it must end with the bytes of a run left alone.

    kill_and_resume.py [--seimai target/release/seimai] [--plan examples/samples.toml] [--trials 200] [--seed 1] [--signal KILL] [--report FILE]

Each trial starts from nothing, is killed one to four times, and is then left to finish. Names and bytes of all files count,
but for run.json and run.log.jsonl. Exit code 0 if every trial ended right. Python 3.9 or later, standard library only.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from run_tree import tree

# Small parts and shards: many units, many places to be killed at.
SMALL = ["--set", "shards.rows_max=20", "--set", "shards.bytes_max=40000", "--progress", "none", "--quiet"]


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--plan", default="examples/samples.toml")
    p.add_argument("--trials", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--signal", default="KILL", choices=["KILL", "TERM", "INT"])
    p.add_argument("--report")
    a = p.parse_args()
    number = getattr(signal, "SIG" + a.signal)
    rnd = random.Random(a.seed)
    kills = wrong = slow = 0
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "out")
        command = [a.seimai, "run", a.plan, "--out", out, *SMALL]
        start = time.monotonic()
        if subprocess.run(command).returncode:
            sys.exit("the run left alone did not end well")
        whole = time.monotonic() - start
        reference = tree(out)
        for trial in range(a.trials):
            shutil.rmtree(out)
            for _ in range(rnd.randint(1, 4)):
                run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
                try:
                    run.wait(rnd.uniform(0.001, whole))
                    break
                except subprocess.TimeoutExpired:
                    run.send_signal(number)
                    stopped = time.monotonic()
                    run.wait()
                    slow += time.monotonic() - stopped > 5
                    kills += 1
            code = subprocess.run(command).returncode
            now = tree(out)
            if code or now != reference:
                wrong += 1
                differs = sorted(name for name in set(now) | set(reference) if now.get(name) != reference.get(name))
                print(f"trial {trial}: exit code {code}, differs: {differs[:5]}", flush=True)
    summary = {"signal": a.signal, "trials": a.trials, "kills": kills, "wrong": wrong, "stopped_after_5_s": slow,
               "seconds_left_alone": round(whole, 3), "files": len(reference)}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as file:
            json.dump(summary, file)
            file.write("\n")
    sys.exit(wrong > 0 or slow > 0)


main()
