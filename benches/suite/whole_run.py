#!/usr/bin/env python3
"""The whole run over the shared corpora: CPU and wall time, peak memory, 1 and 2 threads, one and four times the corpus.

    whole_run.py [--seimai target/release/seimai] [--shared ../shared] [--rounds 3] [--engines] [--report FILE]

--engines compares the engines of segmentation instead (1 thread); its rows are added to those of an existing FILE.

Variants alternate, the median of the rounds counts; raw rows are kept. Four times the corpus is the same files under four
names with deduplication switched off, so that all of it is kept. Python 3.9 or later, standard library only.
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

PRESETS = [("github:aozora*", "literature"), ("github:riywo*", "legal"), ("github:venali*", "web"), ("github:nu-dialogue*", "dialogue")]


def plan(path, files, extra=""):
    with open(path, "w") as out:
        out.write("[input]\npaths = " + json.dumps(files) + '\n[quality]\npreset = "technical"\n')
        for source, preset in PRESETS:
            out.write(f'[[quality.rule]]\nsource = "{source}"\npreset = "{preset}"\n')
        out.write(extra)


def run(seimai, plan_file, out, threads, memory):
    shutil.rmtree(out, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([seimai, "run", plan_file, "--out", out, "--threads", str(threads), "--memory", memory, "--progress", "none", "--quiet"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"exit code {done.returncode}")
    told = json.load(open(os.path.join(out, "run.json")))
    totals = json.load(open(os.path.join(out, "manifest.json")))["totals"]
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    mb = totals["text_bytes"] / 1e6
    return {"mb": round(mb, 1), "cpu_s": round(cpu, 2), "wall_s": round(told["wall_seconds"], 2), "mb_per_cpu_s": round(mb / cpu, 2),
            "peak_mib": round(told["peak_memory_bytes"] / 2**20), "passes": {k: round(v, 2) for k, v in told["pass_seconds"].items()}}


def report(path, told):
    print(json.dumps(told["summary"]))
    if path:
        with open(path, "w") as out:
            json.dump(told, out, indent=1)
            out.write("\n")


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--engines", action="store_true")
    p.add_argument("--report")
    a = p.parse_args()
    corpus = os.path.join(a.shared, "data", "corpus")
    if not os.path.isdir(corpus):
        sys.exit("skipped: whole_run needs shared/data/corpus (not found)")
    files = sorted(os.path.abspath(os.path.join(corpus, name)) for name in os.listdir(corpus) if name.endswith(".zst"))
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        once, fourfold = os.path.join(scratch, "once.toml"), os.path.join(scratch, "fourfold.toml")
        plan(once, files)
        copies = []
        for n in range(4):
            for file in files:
                copies.append(os.path.join(scratch, "in", str(n), os.path.basename(file)))
                os.makedirs(os.path.dirname(copies[-1]), exist_ok=True)
                shutil.copyfile(file, copies[-1])
        plan(fourfold, [os.path.join(scratch, "in", "**", "*.zst")], "[dedup]\nexact = false\nnear = false\n")
        if a.engines:
            lindera = os.path.join(scratch, "lindera.toml")
            plan(lindera, files, '[segment]\nengine = "lindera"\n')
            for round_ in range(a.rounds):
                for name, plan_file in [("1 thread, exact", once), ("1 thread, lindera", lindera)]:
                    rows.append({"variant": name, "round": round_, "load1": os.getloadavg()[0], **run(a.seimai, plan_file, os.path.join(scratch, "out"), 1, "1GiB")})
                    print(json.dumps(rows[-1]), flush=True)
            known = json.load(open(a.report)) if a.report and os.path.exists(a.report) else {"summary": {}, "rows": []}
            cpu = lambda variant: statistics.median(row["cpu_s"] for row in rows if row["variant"] == variant)
            known["summary"]["cpu_s_with_exact"], known["summary"]["cpu_s_with_lindera"] = cpu("1 thread, exact"), cpu("1 thread, lindera")
            known["rows"] += rows
            report(a.report, known)
            return
        single = os.path.join(scratch, "single.toml")
        plan(single, files, "[dedup]\nexact = false\nnear = false\n")
        variants = [("1 thread", once, 1), ("2 threads", once, 2)]
        for round_ in range(a.rounds):
            for name, plan_file, threads in variants:
                rows.append({"variant": name, "round": round_, "load1": os.getloadavg()[0], **run(a.seimai, plan_file, os.path.join(scratch, "out"), threads, "1GiB")})
                print(json.dumps(rows[-1]), flush=True)
        for name, plan_file in [("memory 1x, no dedup", single), ("memory 4x, no dedup", fourfold)]:
            rows.append({"variant": name, "round": 0, "load1": os.getloadavg()[0], **run(a.seimai, plan_file, os.path.join(scratch, "out"), 2, "1GiB")})
            print(json.dumps(rows[-1]), flush=True)
    median = lambda variant, key: statistics.median(row[key] for row in rows if row["variant"] == variant)
    summary = {"mb_per_cpu_s_1_thread": median("1 thread", "mb_per_cpu_s"), "wall_1_over_2_threads": round(median("1 thread", "wall_s") / median("2 threads", "wall_s"), 2),
               "peak_mib": median("2 threads", "peak_mib"), "peak_mib_1x": median("memory 1x, no dedup", "peak_mib"), "peak_mib_4x": median("memory 4x, no dedup", "peak_mib")}
    report(a.report, {"summary": summary, "rows": rows})


main()
