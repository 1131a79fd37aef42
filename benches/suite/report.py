#!/usr/bin/env python3
"""What the report of a run costs: CPU and wall seconds, peak of memory, bytes of the page, and its first paint in headless Chromium.

    report.py RUN [--seimai target/release/seimai] [--rounds 5] [--tools target/browser-tools] [--report FILE.json]

RUN: the --out directory of a finished run. The first paint is told where Chromium and the packages of tests/browser are there. Python 3.9 or later, standard library only.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def once(command):
    """Wall and CPU seconds of a command, and its peak of resident memory in MiB."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command}: status {status}")
    return {"wall_s": round(time.monotonic() - started, 3), "cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "peak_mib": usage.ru_maxrss >> 10}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("run", type=Path)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--tools", default="target/browser-tools")
    p.add_argument("--report", type=Path)
    a = p.parse_args()
    totals = json.loads((a.run / "manifest.json").read_text())["totals"]
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch) / "report.html"
        rounds = [once([a.seimai, "report", str(a.run), "-o", str(page), "--quiet"]) for _ in range(a.rounds)]
        found = {
            "text_bytes": totals["text_bytes"],
            "documents": totals["kept"] + totals["rejected"],
            "page_bytes": page.stat().st_size,
            "rounds": rounds,
            "cpu_s": statistics.median(one["cpu_s"] for one in rounds),
            "wall_s": statistics.median(one["wall_s"] for one in rounds),
            "peak_mib": max(one["peak_mib"] for one in rounds),
        }
        browser = Path(__file__).parents[2] / "tests/browser/report.mjs"
        environment = dict(os.environ, SEIMAI_BROWSER_TOOLS=os.path.abspath(a.tools))
        painted = subprocess.run(["node", str(browser), "--paint", str(page)], env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if painted.returncode == 0:
            found["first_paint_ms"] = json.loads(painted.stdout)["first_paint_ms"]
            found["first_paint_median_ms"] = statistics.median(found["first_paint_ms"])
    text = json.dumps(found, indent=1)
    print(text)
    if a.report:
        a.report.write_text(text + "\n")


if __name__ == "__main__":
    main()
