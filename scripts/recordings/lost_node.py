#!/usr/bin/env python3
"""What docs/images/lost-node.svg shows: a run on a Ray cluster of two nodes, one of which is killed in the middle; its files are those of one process.

    PYTHONPATH=python asciinema rec --cols 110 --rows 44 --command 'python scripts/recordings/lost_node.py' lost-node.cast
    termtosvg render lost-node.cast docs/images/lost-node.svg -t window_frame -M 1200 -m 60 -D 6000    # pauses of 1.2 s at most

Needs ray, the compiled module of the package, an installed IPADIC and target/release/seimai (or SEIMAI). Nothing of what it prints is made up:
lines with `$` are commands that it runs, the others are theirs. asciinema 2.2 and termtosvg 1.1 were used.
"""
import os
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLAN = """[input]
paths = ["{root}/corpora-samples/*.jsonl"]
[tokenizer]
vocab_size = 2000
[shards]
rows_max = 8
bytes_max = 20000
"""


def shell(command, **more):
    print(f"\x1b[32m$\x1b[0m {command}", flush=True)
    return subprocess.run(command, shell=True, executable="/bin/bash", check=False, **more)


def main():
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_DEDUP_LOGS="0")
    sys.stderr = open(os.devnull, "w")  # Ray's own remarks while it starts
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20})
    node = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("plan.toml", "w", encoding="utf-8") as file:
            file.write(PLAN.format(root=ROOT))
        os.symlink(os.environ.get("SEIMAI", os.path.join(ROOT, "target", "release", "seimai")), "seimai")
        os.environ["PATH"] = f"{folder}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"

        def lose():
            while not os.path.isdir("out/.work/annotate/entries") or len(os.listdir("out/.work/annotate/entries")) < 4:
                time.sleep(0.05)
            print("\x1b[31m# kill -9: the second node goes\x1b[0m", flush=True)
            cluster.remove_node(node, allow_graceful=False)

        threading.Thread(target=lose, daemon=True).start()
        shell(f"python -m seimai run plan.toml --out out --engine ray --address {cluster.address} --memory 256MiB")
        shell("seimai run plan.toml --out alone --progress none --quiet")
        shell("diff --recursive --brief --exclude run.json --exclude run.log.jsonl out alone && echo the same files, byte for byte")
    cluster.shutdown()


main()
