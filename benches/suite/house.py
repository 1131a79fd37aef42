#!/usr/bin/env python3
"""Two builds side by side over the shared corpora: CPU time of the whole run, and of a resume after a kill at 90 %.

    house.py --before OLD --after NEW [--shared ../shared] [--rounds 5] [--kills 5] [--report FILE]

The builds alternate (which one begins alternates too), one thread, `--memory 1GiB`; the median of the rounds counts, raw rows are kept. A run of NEW is
killed at 90 % of the wall time of an undisturbed one and started again; the CPU time of the second start is compared with that of a whole run.
Files of the two builds are compared by their bytes; those that hold the fingerprint of a run differ where the builds' fingerprints do.
Python 3.9 or later, standard library only.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from run_tree import tree

PRESETS = [("github:aozora*", "literature"), ("github:riywo*", "legal"), ("github:venali*", "web"), ("github:nu-dialogue*", "dialogue")]


def command(seimai, plan, out):
    return [seimai, "run", plan, "--out", out, "--threads", "1", "--memory", "1GiB", "--progress", "none", "--quiet"]


def cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def whole(seimai, plan, out):
    shutil.rmtree(out, ignore_errors=True)
    before, start = cpu(), time.monotonic()
    code = subprocess.run(command(seimai, plan, out)).returncode
    if code:
        sys.exit(f"exit code {code}")
    told = json.load(open(os.path.join(out, "run.json")))
    return {"cpu_s": round(cpu() - before, 2), "wall_s": round(time.monotonic() - start, 2), "peak_mib": round(told["peak_memory_bytes"] / 2**20),
            "passes": {name: round(seconds, 2) for name, seconds in told["pass_seconds"].items()}}


def killed(seimai, plan, out, after):
    shutil.rmtree(out, ignore_errors=True)
    process = subprocess.Popen(command(seimai, plan, out))
    try:
        process.wait(after)
        return None
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    before = cpu()
    code = subprocess.run(command(seimai, plan, out)).returncode
    if code:
        sys.exit(f"the resumed run ended with exit code {code}")
    return {"killed_after_s": round(after, 2), "cpu_s": round(cpu() - before, 2)}


def main():
    p = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    p.add_argument("--before", required=True)
    p.add_argument("--after", required=True)
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--kills", type=int, default=5)
    p.add_argument("--report")
    a = p.parse_args()
    corpus = os.path.join(a.shared, "data", "corpus")
    if not os.path.isdir(corpus):
        sys.exit("skipped: house needs shared/data/corpus (not found)")
    files = sorted(os.path.abspath(os.path.join(corpus, name)) for name in os.listdir(corpus) if name.endswith(".zst"))
    rows, kills = [], []
    with tempfile.TemporaryDirectory() as scratch:
        plan = os.path.join(scratch, "plan.toml")
        with open(plan, "w") as out:
            out.write("[input]\npaths = " + json.dumps(files) + '\n[quality]\npreset = "technical"\n')
            for source, preset in PRESETS:
                out.write(f'[[quality.rule]]\nsource = "{source}"\npreset = "{preset}"\n')
        outs = {name: os.path.join(scratch, name) for name in ("before", "after")}
        for round_ in range(a.rounds):
            order = [("before", a.before), ("after", a.after)]
            for name, seimai in order if round_ % 2 == 0 else order[::-1]:
                rows.append({"build": name, "round": round_, "load1": os.getloadavg()[0], **whole(seimai, plan, outs[name])})
                print(json.dumps(rows[-1]), flush=True)
        one, other = tree(outs["before"]), tree(outs["after"])
        differ = sorted(name for name in set(one) | set(other) if one.get(name) != other.get(name))
        for _ in range(a.kills):
            undisturbed = whole(a.after, plan, outs["after"])
            resumed = killed(a.after, plan, outs["after"], 0.9 * undisturbed["wall_s"])
            if resumed and tree(outs["after"]) != other:
                sys.exit("a resumed run has other bytes")
            if resumed:
                kills.append({"whole_cpu_s": undisturbed["cpu_s"], **resumed, "share": round(resumed["cpu_s"] / undisturbed["cpu_s"], 3)})
                print(json.dumps(kills[-1]), flush=True)
    median = lambda name: statistics.median(row["cpu_s"] for row in rows if row["build"] == name)
    summary = {"cpu_s_before": median("before"), "cpu_s_after": median("after"), "after_over_before": round(median("after") / median("before"), 3),
               "resume_share_of_cpu": statistics.median(kill["share"] for kill in kills) if kills else None, "files": len(one), "files_that_differ": differ}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"summary": summary, "rows": rows, "kills": kills}, out, indent=1)
            out.write("\n")


main()
