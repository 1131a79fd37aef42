#!/usr/bin/env python3
"""Changes bytes in the files of a dictionary, again and again: each change must be refused, or have no effect on what is printed.

    flip_dictionary.py [--seimai target/release/seimai] [--dictionary DIRECTORY] [--trials 500] [--seed 1] [--report FILE]

The dictionary (default: the installed one called ipadic) is copied into a store of its own. A trial takes a file (each as often as any
other), changes one bit, one byte or a block of 4 KiB at a place by chance, gives the file its old time in half of the trials, and runs
`seimai segment --format mecab` and, every tenth time, `seimai keigo`. Exit code 0 if every trial ended right. Python 3.9 or later, standard library only.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

TEXT = "外国人参政権について、先生がお話しになった。すもももももももものうち。\n東京都に住む人々は、令和の御代を喜んでいらっしゃいます。\n" * 20


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seimai", default="target/release/seimai")
    p.add_argument("--dictionary")
    p.add_argument("--trials", type=int, default=500)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--report")
    a = p.parse_args()
    rnd = random.Random(a.seed)
    listed = json.loads(subprocess.run([a.seimai, "dictionary", "list", "--json"], capture_output=True, check=True).stdout)
    given = a.dictionary or next((found["path"] for found in listed if found["name"] == "ipadic"), None)
    if not given:
        sys.exit("no dictionary: seimai dictionary fetch ipadic, or --dictionary DIRECTORY")
    refused = without_effect = 0
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        directory = os.path.join(scratch, "store", os.path.basename(given.rstrip("/")))
        shutil.copytree(given, directory)
        with open(os.path.join(directory, "seimai.json"), encoding="utf-8") as file:
            name = json.load(file)["identity"]["name"]
        text = os.path.join(scratch, "text.txt")
        with open(text, "w", encoding="utf-8") as file:
            file.write(TEXT)
        environment = {**os.environ, "SEIMAI_DICTIONARIES": os.path.join(scratch, "store")}
        commands = [[a.seimai, "segment", text, "--dictionary", name, "--format", "mecab"], [a.seimai, "keigo", text, "--dictionary", name]]

        def run(command):
            done = subprocess.run(command, capture_output=True, env=environment)
            return done.returncode, done.stdout, done.stderr.decode()

        time.sleep(3)  # files at rest: the sound dictionary is noted as such
        sound = [run(command)[:2] for command in commands]
        if any(code for code, _ in sound):
            sys.exit("the dictionary is not sound to begin with")
        names = sorted(os.listdir(directory))
        for trial in range(a.trials):
            path = os.path.join(directory, rnd.choice(names))
            before = os.stat(path)
            kind, at = rnd.choice(["bit", "byte", "block"]), rnd.randrange(before.st_size)
            with open(path, "r+b") as file:
                file.seek(at)
                old = file.read(4096 if kind == "block" else 1)
                new = rnd.randbytes(len(old)) if kind == "block" else bytes([old[0] ^ 1 << rnd.randrange(8) if kind == "bit" else (old[0] + rnd.randrange(1, 256)) % 256])
                file.seek(at)
                file.write(new)
            if rnd.random() < 0.5:
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            for n, command in enumerate(commands):
                if n and trial % 10:
                    continue
                code, out, err = run(command)
                if code == 2 and not out and "damaged" in err and os.path.basename(path) in err:
                    refused += 1
                elif (code, out) == sound[n]:
                    without_effect += 1
                else:
                    wrong.append({"trial": trial, "file": os.path.basename(path), "at": at, "kind": kind, "exit": code, "said": err[:300]})
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(old)
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        if [run(command)[:2] for command in commands] != sound:
            wrong.append({"trial": "all restored", "said": "another output than before"})
    found = {"trials": a.trials, "refused": refused, "without_effect": without_effect, "wrong": wrong}
    print(json.dumps(found, ensure_ascii=False, indent=1))
    if a.report:
        with open(a.report, "w", encoding="utf-8") as file:
            json.dump(found, file, ensure_ascii=False, indent=1)
            file.write("\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
