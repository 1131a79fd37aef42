#!/usr/bin/env python3
"""What it costs to share a run between processes, and to have Ray divide it, beside one process with one thread.

    cluster.py --seimai SEIMAI [--shared ../shared] [--megabytes 120 | --pages 400000] [--rounds 3] [--no-ray] [--report FILE]

The first megabytes of the shared corpus, dealt out document by document to ten files; or so many pages after `recipe.py` (3.3 kB each). In every round: one process with one thread;
one with two; two processes of one thread (`--shard 0/2`, `1/2`), both started again until the run is finished; and the same run on a Ray cluster of two one-CPU nodes on this machine
(needs PYTHONPATH=python and ray), whose wall is compared with that of one process of two threads. Trees are compared each time. Told are wall seconds, CPU seconds of all processes, and the path: the sum over starts of the larger CPU time of the
two, which is what the wall would be on machines that nobody else uses. The cluster's start is not part of a run's seconds. Medians, and raw rows.
Python 3.11 or later; needs the program `zstd` to read the corpus.
"""
import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from recipe import Recipe
from run_tree import tree

FILES = 10


def deal(corpus, target, wanted):
    os.makedirs(target)
    files = [open(os.path.join(target, f"{number}.jsonl"), "wb") for number in range(FILES)]
    number = total = 0
    for name in sorted(os.listdir(corpus)):
        if not name.endswith(".zst"):
            continue
        share = wanted * os.path.getsize(os.path.join(corpus, name)) / sum(os.path.getsize(entry) for entry in os.scandir(corpus) if entry.name.endswith(".zst"))
        taken = 0
        with subprocess.Popen(["zstd", "-dc", os.path.join(corpus, name)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            for line in process.stdout:
                if taken >= share:
                    break
                files[number % FILES].write(line)
                number, taken = number + 1, taken + len(line)
            process.kill()
        total += taken
    for file in files:
        file.close()
    return total


def pages(target, count):
    """Pages by recipe, in files of 40 MB."""
    os.makedirs(target)
    with multiprocessing.Pool() as pool:
        pool.starmap(Recipe().write, [(os.path.join(target, f"{start:010}.jsonl"), start, min(count, start + 16_000)) for start in range(0, count, 16_000)], 1)
    return sum(entry.stat().st_size for entry in os.scandir(target))


def timed(processes):
    """Waits for processes; CPU seconds of each."""
    cpu = []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 3):
            sys.exit(f"exit code {process.returncode}")
        cpu.append(usage.ru_utime + usage.ru_stime)
    return cpu


def plain(base, out):
    started = time.monotonic()
    cpu = timed([subprocess.Popen([*base, "--out", out])])
    return {"wall_s": time.monotonic() - started, "cpu_s": sum(cpu), "path_s": sum(cpu)}


def shares(base, out):
    started, total, path, starts = time.monotonic(), 0.0, 0.0, 0
    while not os.path.exists(os.path.join(out, "_SUCCESS")):
        cpu = timed([subprocess.Popen([*base, "--out", out, "--shard", f"{index}/2"]) for index in range(2)])
        total, path, starts = total + sum(cpu), path + max(cpu), starts + 1
    return {"wall_s": time.monotonic() - started, "cpu_s": total, "path_s": path, "starts": starts}


class Watch(threading.Thread):
    """CPU seconds of all processes of a Ray cluster and of this one. They come and go, so each is looked at often, and the last look counts."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.lock = {}, threading.Lock()
        self.start()

    def run(self):
        while True:
            self.look()
            time.sleep(0.1)

    def look(self):
        with self.lock:
            for process in os.scandir("/proc"):
                try:
                    if process.name.isdigit():
                        with open(f"/proc/{process.name}/cmdline", "rb") as line:
                            command = line.read()
                        if int(process.name) == os.getpid() or b"ray" in command and b"session_" in command or command.startswith(b"ray::"):
                            with open(f"/proc/{process.name}/stat") as stat:
                                fields = stat.read().rpartition(")")[2].split()
                            self.seen[process.name, fields[19]] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                except OSError:
                    pass

    def seconds(self):
        self.look()
        return sum(self.seen.values())


def ray_run(plan, out, watch):
    import seimai.ray

    started, before = time.monotonic(), watch.seconds()
    seimai.ray.run(plan, out, memory_per_task="1GiB")
    return {"wall_s": time.monotonic() - started, "cpu_s": watch.seconds() - before}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", required=True)
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--megabytes", type=float, default=120)
    p.add_argument("--pages", type=int)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--no-ray", action="store_true")
    p.add_argument("--report")
    a = p.parse_args()
    corpus, seimai = os.path.join(a.shared, "data", "corpus"), os.path.abspath(a.seimai)
    if not (a.pages or os.path.isdir(corpus)):
        sys.exit("skipped: cluster needs shared/data/corpus (not found)")
    cluster = None
    if not a.no_ray:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        import ray
        from ray.cluster_utils import Cluster

        started = time.monotonic()
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        start_s, watch = time.monotonic() - started, Watch()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        inputs = os.path.join(scratch, "in")
        total = pages(inputs, a.pages) if a.pages else deal(corpus, inputs, a.megabytes * 1e6)
        plan = os.path.join(scratch, "plan.toml")
        with open(plan, "w", encoding="utf-8") as file:
            file.write('[input]\npaths = ["in"]\n[quality]\npreset = "web"\n[shards]\nbytes_max = 8388608\n')
        with_threads = lambda count: [seimai, "run", plan, "--threads", str(count), "--memory", "1GiB", "--progress", "none", "--quiet"]
        base = with_threads(1)
        for number in range(a.rounds):
            trees = []
            for name, measure in [("plain", lambda out: plain(base, out)), ("plain, two threads", lambda out: plain(with_threads(2), out)), ("shares", lambda out: shares(base, out)), ("ray", lambda out: ray_run(plan, out, watch))]:
                if name == "ray" and cluster is None:
                    continue
                out = os.path.join(scratch, "out")
                row = {"round": number, "what": name, **{key: round(value, 2) for key, value in measure(out).items()}}
                trees.append(tree(out))
                shutil.rmtree(out)
                rows.append(row)
                print(json.dumps(row), flush=True)
            if any(other != trees[0] for other in trees):
                sys.exit("the files differ")
    if cluster is not None:
        ray.shutdown()
        cluster.shutdown()
    middle = lambda what, key: statistics.median(row[key] for row in rows if row["what"] == what)
    names = sorted({row["what"] for row in rows})
    summary = {"bytes": total, "files_equal": True, "medians": {name: {key: round(middle(name, key), 2) for key in ("wall_s", "cpu_s")} for name in names}}
    summary["two_processes"] = {"wall": round(middle("plain", "wall_s") / middle("shares", "wall_s"), 2), "path": round(middle("plain", "path_s") / middle("shares", "path_s"), 2)}
    if cluster is not None:
        summary["ray"] = {"start_s": round(start_s, 1), "cpu": round(middle("ray", "cpu_s") / middle("plain, two threads", "cpu_s"), 2),
                          "wall": round(middle("ray", "wall_s") / middle("plain, two threads", "wall_s"), 2)}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as file:
            json.dump({"summary": summary, "rows": rows}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
