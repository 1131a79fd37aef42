#!/usr/bin/env python3
"""Kills what works on one run together, at random moments, until the run is finished; the files must be those of one process alone.

    kill_cluster.py shares PLAN [--kills 50] [--seimai target/release/seimai] [--set KEY=VALUE …] [--report FILE]
    kill_cluster.py ray    PLAN [--kills 50] …        with PYTHONPATH=python and ray installed

`shares`: trials of processes of any number (1 to 4), of which one is killed with SIGKILL. `ray`: a driver on a cluster of two nodes of one CPU on this
machine; the driver, a worker or the second node is killed, so often each. Each trial ends with starts that nobody kills. Exit code 0 if all trees are equal.
Python 3.11 or later; `shares` needs the standard library only.
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
from pathlib import Path

from run_tree import tree

SMALL = ["shards.rows_max=20", "shards.bytes_max=40000"]


def finished(out):
    return os.path.exists(os.path.join(out, "_SUCCESS"))


def damage(whole, out):
    """Files that differ, and what is left of unfinished ones."""
    one, other = tree(whole), tree(out)
    differ = sorted(name for name in set(one) | set(other) if one.get(name) != other.get(name))
    left = os.listdir(os.path.join(out, ".work", "tmp"))
    return differ, left


def shares(a, run, whole, scratch):
    """Kills of processes that share a run."""
    draw, kills, trials, bad = random.Random(a.seed), 0, 0, []
    while kills < a.kills:
        out = os.path.join(scratch, f"out{trials}")
        of_trial = 0
        while not finished(out) and of_trial < 5:
            count = draw.randint(1, 4)
            start = lambda index: subprocess.Popen(run(out) + ["--threads", "1", "--patience", "0", "--shard", f"{index}/{count}"])
            all_of_them = [start(index) for index in range(count)]
            time.sleep(draw.random() * a.longest)
            victim = draw.randrange(count)
            if all_of_them[victim].poll() is None:
                all_of_them[victim].kill()
                of_trial += 1
            codes = [process.wait() for process in all_of_them]
            if any(code not in (0, 3, -9) for code in codes):
                bad.append({"trial": trials, "codes": codes})
        # One start at least that nobody kills: what was killed behind `_SUCCESS` has not made the page of the run.
        for _ in range(12):
            for index in range(2):
                subprocess.run(run(out) + ["--patience", "0", "--shard", f"{index}/2"], check=False)
            if finished(out):
                break
        differ, left = damage(whole, out)
        if differ or left:
            bad.append({"trial": trials, "differ": differ[:5], "left": left[:5]})
        shutil.rmtree(out)
        kills, trials = kills + of_trial, trials + 1
    return {"kills": kills, "trials": trials, "bad": bad}


def named(prefix):
    """Processes by how their command line begins."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cmdline").read_bytes().startswith(prefix):
                found.append(int(process.name))
        except OSError:
            pass
    return found


def on_ray(a, run, whole, scratch):
    """Kills of drivers, workers and nodes."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20})
    node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    draw, kills, trials, bad = random.Random(a.seed), {"driver": 0, "worker": 0, "node": 0}, 0, []

    def start(out):
        program = [sys.executable, "-m", "seimai", *run(out)[1:], "--engine", "ray", "--address", cluster.address, "--memory", "256MiB"]
        return subprocess.Popen(program, stderr=subprocess.DEVNULL)

    try:
        while min(kills.values()) < a.kills:
            out = os.path.join(scratch, f"out{trials}")
            driver = start(out)
            for _ in range(3):
                time.sleep(2 + draw.random() * a.longest * 4)
                if driver.poll() is not None:
                    break
                what = draw.choice([kind for kind, count in kills.items() if count < a.kills] or ["worker"])
                if what == "driver":
                    driver.kill()
                    driver.wait()
                    driver = start(out)
                elif what == "node":
                    cluster.remove_node(node, allow_graceful=False)
                    node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
                else:
                    workers = named(b"ray::run_shard")
                    if not workers:
                        continue
                    os.kill(draw.choice(workers), signal.SIGKILL)
                kills[what] += 1
            code = driver.wait()
            if code not in (0, 3):
                # A shard that was lost more often than it is tried again ends the run, as it is said; the next start goes on.
                code = start(out).wait()
            differ, left = damage(whole, out) if finished(out) else (["_SUCCESS"], [])
            if differ or left or code not in (0, 3):
                bad.append({"trial": trials, "code": code, "differ": differ[:5], "left": left[:5]})
            shutil.rmtree(out, ignore_errors=True)
            trials += 1
    finally:
        cluster.shutdown()
    return {"kills": kills, "trials": trials, "bad": bad}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("engine", choices=["shares", "ray"])
    p.add_argument("plan")
    p.add_argument("--kills", type=int, default=50)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--set", action="append", default=[])
    p.add_argument("--report")
    a = p.parse_args()
    settings = [word for setting in SMALL + a.set for word in ("--set", setting)]
    run = lambda out: [os.path.abspath(a.seimai), "run", os.path.abspath(a.plan), "--out", out, "--progress", "none", "--quiet", *settings]
    with tempfile.TemporaryDirectory() as scratch:
        whole = os.path.join(scratch, "whole")
        started = time.monotonic()
        subprocess.run(run(whole), check=False)
        # Moments of a whole run are moments of each of its parts.
        a.longest = time.monotonic() - started
        if not finished(whole):
            sys.exit("the plan does not run")
        summary = {"engine": a.engine, "files": len(tree(whole)), **(shares if a.engine == "shares" else on_ray)(a, run, whole, scratch)}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as file:
            json.dump(summary, file)
            file.write("\n")
    sys.exit(bool(summary["bad"]))


main()
