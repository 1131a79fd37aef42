#!/usr/bin/env python3
"""Makes one system call after another fail, in a run and in the dictionary commands: each must end with the right exit code, name what failed,
leave nothing half made under a final name, and end with the same bytes when it is started again.

    faults.py [--seimai target/release/seimai] [--plan examples/samples.toml] [--points 60] [--jobs run,build,import,verify]
              [--calls write,sync,rename,open,mkdir,unlink,read,map,truncate] [--report FILE]

`strace` counts the calls of each thread and makes the k-th of one kind fail, for every k, or for `--points` of them spread evenly where there
are more. An error of the disk is exit code 1, a resource that ran out 4, a permission 1 or 2; a program may also do without what failed
(a directory that cannot be synchronised) and must then have the right bytes. Needs strace and an installed IPADIC. Exit code 0 if every trial
ended right. Python 3.9 or later, standard library only.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from run_tree import tree

# Small parts and shards: many files.
SMALL = ["--set", "shards.rows_max=20", "--set", "shards.bytes_max=40000", "--progress", "none"]

# Which calls, the errors that are made, and the exit codes that are right for them beside 0.
FAULTS = {
    "write": ("write,pwrite64,writev,pwritev", {"ENOSPC": {4}, "EIO": {1}}),
    "sync": ("fsync,fdatasync,sync_file_range,syncfs", {"EIO": {1}, "ENOSPC": {4}}),
    "rename": ("rename,renameat,renameat2,link,linkat", {"EIO": {1}, "ENOSPC": {4}, "EACCES": {1, 2}}),
    "open": ("open,openat,openat2", {"EIO": {1}, "EMFILE": {4}, "EACCES": {1, 2}}),
    "mkdir": ("mkdir,mkdirat", {"ENOSPC": {4}, "EACCES": {1, 2}}),
    "unlink": ("unlink,unlinkat,rmdir", {"EIO": {1}}),
    "read": ("read,pread64,readv,preadv,getdents64", {"EIO": {1}}),
    "map": ("mmap", {"ENOMEM": {4}}),
    "truncate": ("ftruncate,fallocate", {"ENOSPC": {4}, "EIO": {1}}),
}

# What the loader of the system, or the start of Rust's library, says where it could not begin the program, which then said nothing itself.
LOADER = re.compile(rb"error while loading shared libraries|cannot execute|failed to map segment|initialization or cleanup bug")
# What the program says when it ends.
SAID = re.compile(rb"^error:", re.M)
# What is read before the run has begun; where it may not be read, that is said in quarantine.jsonl, and a run that could read it is another one.
INPUT = re.compile(rb"corpora-samples/")


# What is made of a finished run, last.
PAGE = "report.html"


class Job:
    """A command that makes something, and what it makes where nothing fails."""

    def __init__(self, name, command, made, environment=None):
        self.name, self.command, self.made = name, command, made
        self.environment = {**os.environ, **(environment or {})}
        self.clear()
        done = subprocess.run(command, env=self.environment, capture_output=True)
        if done.returncode:
            sys.exit(f"{name}: where nothing fails it ends with {done.returncode}: {done.stderr.decode(errors='replace')}")
        self.right = self.files()

    def clear(self):
        shutil.rmtree(self.made, ignore_errors=True)

    def files(self):
        """Of what has its final name; `.work` belongs to a run that may go on."""
        return {name: digest for name, digest in tree(self.made).items() if not name.startswith(".work/")} if self.made else {}

    def lacks_its_page(self):
        """Is all there that a run has, but perhaps the page?"""
        return {**self.files(), PAGE: self.right.get(PAGE)} == self.right

    def traced(self, calls, log, inject=()):
        inject = [part for spec in inject for part in ("-e", f"inject={spec}")]
        command = ["strace", "-f", "-qq", "-o", log, "-e", f"trace={calls}", *inject, *self.command]
        return subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=300)

    def calls(self, calls, log):
        """The largest number of such calls that one thread makes, and how many all make."""
        self.clear()
        self.traced(calls, log)
        with open(log, "rb") as lines:
            by_thread = collections.Counter(line.split(None, 1)[0] for line in lines if b"resumed>" not in line and b"(" in line)
        return max(by_thread.values(), default=0), sum(by_thread.values())

    def prologue(self, calls, log):
        """Such calls that the loader makes before it begins the program."""
        subprocess.run(["strace", "-qq", "-o", log + ".prologue", "-e", f"trace={calls}", self.command[0], "--version"], capture_output=True)
        with open(log + ".prologue", "rb") as lines:
            return sum(1 for _ in lines)

    def trial(self, calls, error, codes, k, log):
        """What was wrong with it; None where nothing was hit."""
        self.clear()
        try:
            done = self.traced(calls, log, [f"{calls}:error={error}:when={k}"])
        except subprocess.TimeoutExpired:
            return ["does not end"]
        with open(log, "rb") as lines:
            hit = [line for line in lines if b"INJECTED" in line]
        by_loader = LOADER.search(done.stderr) or (done.returncode < 0 and k <= self.prologue(calls, log))
        if not hit or (done.returncode not in codes and by_loader and not SAID.search(done.stderr)):
            return None
        if error == "EACCES" and any(INPUT.search(line) for line in hit):
            return None
        problems = []
        code, said = done.returncode, done.stderr.decode(errors="replace")
        if code not in codes | {0}:
            problems.append(f"exit code {code}")
        if "panicked" in said or "internal error" in said:
            problems.append("panic")
        if code and not SAID.search(done.stderr):
            problems.append("says nothing")
        # The page of a run is made of the finished run: where that fails, all else has to be there.
        if code and self.made and os.path.exists(os.path.join(self.made, "_SUCCESS")) and self.name == "run" and not self.lacks_its_page():
            problems.append("_SUCCESS after a failure")
        if code == 0 and self.files() != self.right:
            problems.append("ended well with other bytes")
        again = subprocess.run(self.command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True)
        if again.returncode:
            problems.append(f"started again: {again.returncode} {again.stderr.decode(errors='replace')[-200:]}")
        elif self.files() != self.right:
            problems.append("started again: other bytes")
        if problems:
            problems += [said[-300:], *(line.decode(errors="replace").strip()[:200] for line in hit[:3])]
        return problems


def jobs(a, scratch):
    out, store = (os.path.join(scratch, name) for name in ("out", "store"))
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "it", "tiny_dictionary")
    in_store = {"SEIMAI_DICTIONARIES": store}
    kept = os.path.join(scratch, "kept")
    makers = {
        "run": lambda: Job("run", [a.seimai, "run", a.plan, "--out", out, "--threads", "2", *SMALL], out),
        "build": lambda: Job("build", [a.seimai, "dictionary", "build", source, "--name", "tiny"], store, in_store),
        "import": lambda: Job("import", [a.seimai, "dictionary", "import", source, "--name", "tiny"], store, in_store),
        "verify": lambda: Job("verify", [a.seimai, "dictionary", "verify", "tiny"], None, {"SEIMAI_DICTIONARIES": kept}),
    }
    if "verify" in a.jobs.split(","):
        made = subprocess.run([a.seimai, "dictionary", "build", source, "--name", "tiny"], env={**os.environ, "SEIMAI_DICTIONARIES": kept})
        if made.returncode:
            sys.exit("no dictionary to verify")
    return [makers[name]() for name in a.jobs.split(",")]


def points(most, wanted):
    return range(1, most + 1) if most <= wanted else sorted({1 + i * (most - 1) // (wanted - 1) for i in range(wanted)})


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--plan", default="examples/samples.toml")
    p.add_argument("--points", type=int, default=60)
    p.add_argument("--jobs", default="run,build,import,verify")
    p.add_argument("--calls", default=",".join(FAULTS))
    p.add_argument("--report")
    a = p.parse_args()
    if not shutil.which("strace"):
        sys.exit("needs strace")
    rows, wrong = [], []
    with tempfile.TemporaryDirectory() as scratch:
        log = os.path.join(scratch, "log")
        for job in jobs(a, scratch):
            for kind in a.calls.split(","):
                calls, errors = FAULTS[kind]
                most, of_all = job.calls(calls, log)
                for error, codes in errors.items():
                    ends = collections.Counter()
                    for k in points(most, a.points):
                        problems = job.trial(calls, error, codes, k, log)
                        ends["not hit" if problems is None else "wrong" if problems else "right"] += 1
                        if problems:
                            wrong.append({"job": job.name, "call": kind, "error": error, "when": k, "problems": problems})
                            print(json.dumps(wrong[-1], ensure_ascii=False), flush=True)
                    rows.append({"job": job.name, "call": kind, "error": error, "calls": of_all, "of_one_thread": most, **ends})
                    print(json.dumps(rows[-1]), flush=True)
    total = {name: sum(row.get(name, 0) for row in rows) for name in ("right", "wrong", "not hit")}
    if a.report:
        with open(a.report, "w") as report:
            json.dump({"total": total, "faults": rows, "wrong": wrong}, report, ensure_ascii=False, indent=1)
            report.write("\n")
    print(json.dumps(total))
    sys.exit(1 if wrong or not total["right"] else 0)


main()
