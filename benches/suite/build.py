#!/usr/bin/env python3
"""What a build from source costs, cold: CPU and wall seconds in all and by crate, on as many cores as are said.

    build.py [COMMIT [BEFORE]] [--cores 2] [--rounds 1] [--report FILE.json] [--root .] [-- CARGO OPTIONS]

Of each commit (default: HEAD) the committed files are laid out in a place of their own, crates are downloaded first, and `cargo build --release --locked
--timings` begins with an empty target directory. With BEFORE both are built in turn, and the ratio of CPU seconds is told (goal: half). Without CARGO
OPTIONS it is `--workspace`, what scripts/quickstart.sh builds. CPU seconds of a crate are those of its rustc calls, its build script's compilation among
them; what build scripts do themselves (C sources) is in the remainder, and their wall seconds stand in the list. A compiler that is slow to start (the
first after the machine was) is not warmed up: use --rounds. Python 3.9 or later on Linux, standard library only.
"""
import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL_RATIO = 0.5

#: How many crates are listed by name.
LISTED = 40

#: Cargo calls it instead of rustc. It notes what the call took, and gives back what rustc does.
WRAPPER = """#!{python} -SE
import json, os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(pid, 0)
name = os.environ.get("CARGO_PKG_NAME")
if name and "--crate-name" in sys.argv:
    line = json.dumps([name + " " + os.environ["CARGO_PKG_VERSION"], used.ru_utime + used.ru_stime])
    log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(log, (line + "\\n").encode())
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 101)
"""


def laid_out(root, commit, place):
    """The files of a commit, in a directory of their own."""
    place.mkdir()
    packed = subprocess.Popen(["git", "-C", str(root), "archive", commit], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(place)], stdin=packed.stdout, check=True)
    if packed.wait() != 0:
        sys.exit(f"error: {commit} is no commit of {root}")


def walls(page):
    """Wall seconds by crate, from the page that `cargo build --timings` writes: first what is compiled, then what build scripts do."""
    units = json.loads(re.search(r"const UNIT_DATA = (\[.*?^\]);", page.read_text(encoding="utf-8"), re.M | re.S)[1])
    compiled, scripts = {}, {}
    for unit in units:
        runs = unit["mode"] == "run-custom-build" or "(run)" in unit["target"]
        name = f"{unit['name']} {unit['version']}"
        of = scripts if runs else compiled
        of[name] = of.get(name, 0.0) + unit["duration"]
    return compiled, scripts


def build(place, target, cores, options):
    """One cold build: what is told of it."""
    subprocess.run(["cargo", "fetch", "--quiet", "--locked"], cwd=place, check=True)
    log, wrapper = target.with_suffix(".log"), target.with_suffix(".sh")
    wrapper.write_text(WRAPPER.format(python=sys.executable, log=str(log)))
    wrapper.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CARGO_PROFILE", "CARGO_ENCODED")) and name != "RUSTFLAGS"}
    environment |= {
        "CARGO_TARGET_DIR": str(target),
        "CARGO_INCREMENTAL": "0",
        "RUSTC_WRAPPER": str(wrapper),
        # The extension needs no Python for being built.
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "PYO3_NO_PYTHON": "1",
    }
    some = sorted(os.sched_getaffinity(0))[:cores]
    command = ["cargo", "build", "--release", "--locked", "--offline", "--timings", "--jobs", str(cores), *options]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=place, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, some), stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - started
    if process.returncode != 0:
        sys.exit(f"error: {' '.join(command)}: exit code {process.returncode}\n{said[-3000:]}")
    cpu = {}
    for line in log.read_text().splitlines():
        name, seconds = json.loads(line)
        cpu[name] = cpu.get(name, 0.0) + seconds
    compiled, scripts = walls(target / "cargo-timings/cargo-timing.html")
    order = sorted(cpu, key=lambda name: (-cpu[name], name))
    listed = [
        {"crate": name, "cpu_s": round(cpu[name], 2), "wall_s": round(compiled.get(name, 0), 2), "build_script_wall_s": round(scripts.get(name, 0), 2)}
        for name in order[:LISTED]
    ]
    total = used.ru_utime + used.ru_stime
    slow = sorted(scripts.items(), key=lambda one: -one[1])[:5]
    return {
        "wall_s": round(wall, 1),
        "cpu_s": round(total, 1),
        "crates": len(cpu),
        "rustc_cpu_s": round(sum(cpu.values()), 1),
        "remainder_cpu_s": round(total - sum(cpu.values()), 1),
        "by_crate": listed,
        "other_crates_cpu_s": round(sum(cpu[name] for name in order[LISTED:]), 1),
        "longest_build_scripts_wall_s": {name: round(seconds, 2) for name, seconds in slow if seconds > 0.5},
    }


def main():
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[: own.index("--")], own[own.index("--") + 1 :]
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("commit", nargs="?", default="HEAD")
    p.add_argument("before", nargs="?")
    p.add_argument("--cores", type=int, default=2)
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    p.add_argument("--report", type=Path)
    a = p.parse_args(own)
    options = options or ["--workspace"]
    named = {"this": a.commit} | ({"before": a.before} if a.before else {})
    shown = subprocess.run(["git", "-C", str(a.root), "rev-parse", *named.values()], check=True, capture_output=True, text=True).stdout.split()
    commits = dict(zip(named, shown))
    rounds = {name: [] for name in commits}
    with tempfile.TemporaryDirectory() as scratch:
        for name, commit in commits.items():
            laid_out(a.root, commit, Path(scratch) / name)
        for number in range(a.rounds):
            for name in commits:
                with tempfile.TemporaryDirectory() as target:
                    rounds[name].append(build(Path(scratch) / name, Path(target) / "target", a.cores, options))
                told = rounds[name][-1]
                print(f"{number + 1}, {name}: {told['wall_s']} s wall, {told['cpu_s']} s CPU, {told['crates']} crates", file=sys.stderr)
    median = {name: {kind: statistics.median(one[kind] for one in all_of) for kind in ("wall_s", "cpu_s")} for name, all_of in rounds.items()}
    found = {
        "what": "a cold build from source",
        "script": "benches/suite/build.py",
        "machine": {"cores": a.cores, "architecture": platform.machine(), "load_1m": round(os.getloadavg()[0], 1)},
        "rustc": subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.strip(),
        "options": options,
        "commits": commits,
        "median": median,
        "rounds": rounds,
    }
    if a.before:
        found["cpu_ratio"] = round(median["this"]["cpu_s"] / median["before"]["cpu_s"], 3)
        found["goal_cpu_ratio"] = GOAL_RATIO
    text = json.dumps(found, indent=1)
    if a.report:
        a.report.write_text(text + "\n")
    print(text)


main()
