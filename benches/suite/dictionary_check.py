#!/usr/bin/env python3
"""What comparing every byte of a dictionary costs, and what an opening costs that finds the note of an earlier comparison.

    dictionary_check.py [--seimai target/release/seimai] [--before OLD] [--rounds 15] [--report FILE.json]

Each installed dictionary is copied into a store of its own. CPU time of `seimai segment` on one line, in turn: with a note, and with a file of the dictionary touched a moment
ago, so that everything is compared. --before: another program, which knows no notes. Python 3.9 or later, standard library only.
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


def cpu_ms(program, text, name, environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, "segment", text, "--dictionary", name], env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, 3)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--before")
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--report")
    a = p.parse_args()
    listed = json.loads(subprocess.run([a.seimai, "dictionary", "list", "--json"], capture_output=True, check=True).stdout)
    found = []
    for dictionary in listed:
        with tempfile.TemporaryDirectory() as scratch:
            directory = os.path.join(scratch, "store", os.path.basename(dictionary["path"]))
            shutil.copytree(dictionary["path"], directory)
            text = os.path.join(scratch, "one.txt")
            with open(text, "w", encoding="utf-8") as file:
                file.write("今日は良い天気です。\n")
            environment = {**os.environ, "SEIMAI_DICTIONARIES": os.path.join(scratch, "store")}
            measure = lambda program: cpu_ms(program, text, dictionary["name"], environment)
            noted, compared, before = [], [], []
            time.sleep(3.2)
            measure(a.seimai)
            for _ in range(a.rounds):
                noted.append(measure(a.seimai))
                if a.before:
                    before.append(measure(a.before))
            for _ in range(a.rounds):
                os.utime(os.path.join(directory, "seimai.json"))
                os.utime(os.path.join(directory, "metadata.json"))
                compared.append(measure(a.seimai))
            size = sum(os.path.getsize(os.path.join(directory, name)) for name in os.listdir(directory))
        row = {"dictionary": dictionary["name"], "bytes": size, "noted_ms": noted, "compared_ms": compared, "before_ms": before}
        row["comparing_ms"] = round(statistics.median(compared) - statistics.median(noted), 2)
        print(f"{row['dictionary']:<12} {size / 1e6:7.1f} MB  noted {statistics.median(noted):6.1f} ms  compared {statistics.median(compared):6.1f} ms", flush=True)
        found.append(row)
    if a.report:
        with open(a.report, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
