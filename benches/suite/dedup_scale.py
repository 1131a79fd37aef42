#!/usr/bin/env python3
"""What `seimai dedup` costs by the number of documents: CPU seconds, anonymous memory, disk, and the bytes of an index.

    dedup_scale.py [--seimai target/release/seimai] [--documents 100000,300000,1000000] [--characters 120] [--memory 512MiB] [--threads 1]
                   [--search "--exact --near 0.8"] [--save-index] [--report FILE]

Documents are those of growth.py: one in ten is an earlier one with one word exchanged, one in twenty an earlier one as it is. Memory is the peak of
anonymous memory, disk the peak of what lies below the output directory less what is left there in the end. Exit code 1 where memory exceeds the budget by
more than a tenth. Python 3.9 or later, standard library only.
"""
import argparse
import json
import os
import re
import shlex
import shutil
import sys
import tempfile

import growth
import measured


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--documents", default="100000,300000,1000000")
    p.add_argument("--characters", type=int, default=120)
    p.add_argument("--memory", default="512MiB")
    p.add_argument("--threads", default="1")
    p.add_argument("--search", default="--exact --near 0.8")
    p.add_argument("--save-index", action="store_true")
    p.add_argument("--report")
    a = p.parse_args()
    rows, exceeded = [], False
    with tempfile.TemporaryDirectory() as scratch:
        inputs, out, index = (os.path.join(scratch, name) for name in ("in", "out", "index"))
        made = 0
        for size in sorted(int(n) for n in a.documents.split(",")):
            decoded = growth.write(inputs, made, size, a.characters)
            made = size
            for memory in a.memory.split(","):
                shutil.rmtree(out, ignore_errors=True)
                shutil.rmtree(index, ignore_errors=True)
                os.makedirs(out)
                command = [a.seimai, "dedup", inputs, *shlex.split(a.search), "-o", out, "--threads", a.threads, "--memory", memory]
                told = measured.run(command + (["--save-index", index] if a.save_index else []), out)
                if told["exit"]:
                    sys.exit(f"exit code {told['exit']}: {told['messages']}")
                cpu = sum(told["pass_cpu"].values())
                left = sum(entry.stat().st_size for entry in os.scandir(out))
                row = {"documents": size, "bytes": decoded, "memory": memory, "cpu": round(cpu, 2), "pass_cpu": told["pass_cpu"], "wall": told["wall"], "load1": round(os.getloadavg()[0], 1),
                       "documents_a_cpu_second": round(size / cpu), "anonymous_mib": round(told["anonymous"] / 2**20, 1),
                       "aside_bytes_a_document": round((told["disk"] - left) / size, 1),
                       "duplicates": sum(1 for _ in open(os.path.join(out, "duplicates.jsonl"), "rb"))}
                if a.save_index:
                    row["index_bytes_a_document"] = round(sum(entry.stat().st_size for entry in os.scandir(index)) / size, 1)
                rows.append(row)
                print(json.dumps(row), flush=True)
                unit = {"MiB": 1, "GiB": 1024}
                number, name = re.fullmatch(r"(\d+)(MiB|GiB)", memory).groups()
                exceeded |= row["anonymous_mib"] > 1.1 * int(number) * unit[name]
    rows.sort(key=lambda row: (row["memory"], row["documents"]))
    exponents = {}
    for memory in dict.fromkeys(row["memory"] for row in rows):
        points = [(row["documents"], row["cpu"]) for row in rows if row["memory"] == memory]
        if len(points) > 1:
            exponents[memory] = {"all_sizes": round(growth.slope(points), 3), "last_step": round(growth.slope(points[-2:]), 3)}
    print(json.dumps(exponents))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as report:
            json.dump({"characters": a.characters, "threads": a.threads, "search": a.search, "exponents": exponents, "rows": rows}, report, indent=1)
            report.write("\n")
    sys.exit(1 if exceeded else 0)


main()
