"""A run of `seimai` watched from outside: CPU time of each pass, the peak of its anonymous memory, the peak of its disk.

Imported by `growth.py` and `ceilings.py`. Python 3.9 or later on Linux, standard library only.
"""
import json
import os
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """User and system time so far; children are not there."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def anonymous_bytes(pid):
    """Memory that is no file: the dictionary, which is mapped, is not in it."""
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) << 10
    return 0


def disk_bytes(root, without=None):
    """Bytes that a directory takes; what has several names counts once. What lies in a directory called `without` is left out."""
    seen, total = set(), 0
    stack = [root]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    if entry.name == without:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
                    elif found.st_ino not in seen:
                        seen.add(found.st_ino)
                        total += found.st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def run(command, out=None, pause=0.005):
    """Runs a command with `--progress json`. Gives exit code, messages, seconds, CPU seconds by pass, peaks in bytes by pass and in all."""
    started = time.monotonic()
    process = subprocess.Popen(command + ["--progress", "json"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    told = {"pass_cpu": {}, "pass_anonymous": {}, "anonymous": 0, "disk": 0, "messages": []}
    now = {"pass": "start", "cpu": 0.0}

    def reads():
        for line in process.stderr:
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if not isinstance(event, dict) or "event" not in event:
                told["messages"].append(line.rstrip())
            elif event["event"] in ("pass_started", "pass_finished"):
                turn(event["pass"] if event["event"] == "pass_started" else "between")

    def turn(name):
        try:
            cpu = cpu_seconds(process.pid)
        except (OSError, IndexError):
            return
        told["pass_cpu"][now["pass"]] = told["pass_cpu"].get(now["pass"], 0.0) + cpu - now["cpu"]
        now["pass"], now["cpu"] = name, cpu

    reader = threading.Thread(target=reads)
    reader.start()
    looked = 0.0
    while process.poll() is None:
        try:
            held = anonymous_bytes(process.pid)
        except OSError:
            held = 0
        told["anonymous"] = max(told["anonymous"], held)
        told["pass_anonymous"][now["pass"]] = max(told["pass_anonymous"].get(now["pass"], 0), held)
        if out and time.monotonic() - looked > 0.25:
            told["disk"] = max(told["disk"], disk_bytes(out))
            looked = time.monotonic()
        time.sleep(pause)
    reader.join()
    told["exit"] = process.returncode
    told["wall"] = round(time.monotonic() - started, 2)
    told["pass_cpu"] = {name: round(cpu, 3) for name, cpu in told["pass_cpu"].items()}
    if out:
        told["disk"] = max(told["disk"], disk_bytes(out))
    return told
