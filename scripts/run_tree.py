"""The files of a run by their hashes, for scripts that compare runs. What tells of times differs from run to run and is left out."""
import hashlib
import os

TIMES = {"run.json", "run.log.jsonl"}


def tree(root):
    found = {}
    for folder, _, files in os.walk(root):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.relpath(path, root) not in TIMES:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, root)] = hashlib.sha256(file.read()).hexdigest()
    return found
