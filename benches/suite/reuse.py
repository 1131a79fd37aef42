#!/usr/bin/env python3
"""What a changed plan or one more input costs on a finished run, in CPU time beside the full run.

    reuse.py --seimai SEIMAI [--shared ../shared] [--rounds 3] [--no-fresh] [--report FILE]

The shared corpus (about 300 MB of text) is dealt out document by document to ten files, so that each is a tenth of the work. One thread, `--memory 1GiB`. In every round a
full run over ten files is followed by changes of it, each beginning from a copy of the finished run: a threshold of one preset (`min_chars` of `technical`, 400), of every preset in use, another preset
for everything, the size of the vocabulary, the length of sequences; and a run over nine files gets the tenth. After the last round each changed run is compared with a
full run of the same plan: every file but run.json must have the same bytes. The median of the rounds counts, raw rows are kept.
Python 3.9 or later; needs the program `zstd` to read the corpus.
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

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts"))
from run_tree import tree

PRESETS = [("github:aozora*", "literature"), ("github:riywo*", "legal"), ("github:venali*", "web"), ("github:nu-dialogue*", "dialogue")]
FILES = 10


def write_plan(path, threshold=None, everywhere=True, preset=None, more=""):
    set_it = f"thresholds = {{ min_chars = {threshold} }}\n" if threshold else ""
    with open(path, "w") as out:
        out.write(f'[input]\npaths = ["in"]\n{more}[quality]\npreset = "{preset or "technical"}"\n{set_it}')
        for source, its_preset in [] if preset else PRESETS:
            out.write(f'[[quality.rule]]\nsource = "{source}"\npreset = "{its_preset}"\n{set_it if everywhere else ""}')


def deal(corpus, target):
    os.makedirs(target)
    files = [open(os.path.join(target, f"{number}.jsonl"), "wb") for number in range(FILES)]
    number = total = 0
    for name in sorted(os.listdir(corpus)):
        if name.endswith(".zst"):
            with subprocess.Popen(["zstd", "-dc", os.path.join(corpus, name)], stdout=subprocess.PIPE) as process:
                for line in process.stdout:
                    files[number % FILES].write(line)
                    number, total = number + 1, total + len(line)
    for file in files:
        file.close()
    return total


def run(seimai, plan, out):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [seimai, "run", plan, "--out", out, "--threads", "1", "--memory", "1GiB", "--progress", "none", "--quiet"]
    code = subprocess.run(command).returncode
    if code:
        sys.exit(f"exit code {code}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.load(open(os.path.join(out, "run.json")))
    return {"cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
            "passes": {name: round(seconds, 2) for name, seconds in told["pass_seconds"].items()}}


def size(path, linked):
    """Bytes under a path: of files with a second name, each once, or of the others."""
    stats = (os.stat(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)
    return sum({file.st_ino: file.st_size for file in stats if (file.st_nlink > 1) == linked}.values())


def main():
    p = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    p.add_argument("--seimai", required=True)
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--no-fresh", action="store_true", help="leave the comparison with fresh runs out")
    p.add_argument("--report")
    a = p.parse_args()
    corpus, seimai = os.path.join(a.shared, "data", "corpus"), os.path.abspath(a.seimai)
    if not os.path.isdir(corpus):
        sys.exit("skipped: reuse needs shared/data/corpus (not found)")
    rows, sizes = [], {}
    with tempfile.TemporaryDirectory() as scratch:
        here = lambda name: os.path.join(scratch, name)
        total = deal(corpus, here("in"))
        plans = {"full": {}, "threshold of one preset": {"threshold": 400, "everywhere": False}, "threshold of all": {"threshold": 300}, "preset": {"preset": "web"}, "vocabulary": {"more": "[tokenizer]\nvocab_size = 24000\n"},
                 "sequences": {"more": "[pack]\nsequence_length = 2048\n"}}
        for name, changes in plans.items():
            write_plan(here(f"{name}.toml"), **changes)
        last = os.path.join(here("in"), f"{FILES - 1}.jsonl")

        def note(case, round_, measured):
            rows.append({"case": case, "round": round_, "load1": os.getloadavg()[0], **measured})
            print(json.dumps(rows[-1]), flush=True)

        def anew(name, plan):
            shutil.rmtree(here(name), ignore_errors=True)
            return run(seimai, here(f"{plan}.toml"), here(name))

        for round_ in range(a.rounds):
            note("full", round_, anew("full", "full"))
            sizes = {"outputs": size(here("full"), True), "kept": size(here("full/.work"), False)}
            for name in list(plans)[1:]:
                shutil.rmtree(here("changed"), ignore_errors=True)
                # With second names, as the run left them.
                subprocess.run(["cp", "-a", here("full"), here("changed")], check=True)
                note(name, round_, run(seimai, here(f"{name}.toml"), here("changed")))
                if round_ == a.rounds - 1 and not a.no_fresh:
                    anew("fresh", name)
                    if tree(here("fresh")) != tree(here("changed")):
                        sys.exit(f"{name}: a changed run has other bytes than a fresh one")
            os.rename(last, here("away"))
            anew("changed", "full")
            os.rename(here("away"), last)
            note("one of ten added", round_, run(seimai, here("full.toml"), here("changed")))
            if tree(here("full")) != tree(here("changed")):
                sys.exit("one of ten added: other bytes than a fresh run")
    median = lambda case: statistics.median(row["cpu_s"] for row in rows if row["case"] == case)
    cases = list(dict.fromkeys(row["case"] for row in rows))
    summary = {"input_bytes": total, **sizes, "cpu_s": {case: median(case) for case in cases},
               "share_of_full": {case: round(median(case) / median("full"), 3) for case in cases[1:]}}
    print(json.dumps(summary))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"summary": summary, "rows": rows}, out, indent=1)
            out.write("\n")


main()
