#!/usr/bin/env python3
"""Python over Rust: stages on one batch through `import seimai` and through the crate, and encode_batch beside other libraries.

    python.py --rust target/release/examples/time_stage --text FILE [--tokenizer tokenizer.json] [--rounds 5] [--mb 64] [--report FILE]

Stages: a batch of --mb MB of the lines of --text; a child of each kind in turn, --rounds times, CPU seconds of the calls alone, minimum and all. Copies: columns that
come back at another address than they went in with, of those that the stage does not make. Encoding: the first call on --encode-mb MB of lines that were not seen before,
ids compared first; `tokenizers` (the release candidate of 1.0, if that is what is installed) and `fastokens` are taken if they can be imported.
Build first: cargo build --release --example time_stage -p seimai, cargo build --release -p seimai-python (copied to python/seimai/_core.abi3.so, PYTHONPATH=python).
Needs pyarrow and numpy.
"""
import argparse
import json
import os
import subprocess
import sys
import time

CHILD = r"""
import sys, time, pyarrow as pa, seimai
stage, file, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(file, encoding="utf-8") as lines:
    batch = pa.record_batch({"text": lines.read().splitlines()})
made = seimai.stage(stage)
for _ in range(rounds):
    start = time.process_time()
    done = made(batch)
    print(time.process_time() - start)
addresses = lambda batch: [[b and b.address for b in batch.column(n).buffers()] for n in batch.schema.names if n not in made.adds]
print(sum(a != b for a, b in zip(addresses(batch), addresses(done))))
"""

ENCODE = r"""
import sys, time, json, hashlib
engine, file, tokenizer, threads = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
with open(file, encoding="utf-8") as lines:
    texts = lines.read().splitlines()
if engine == "seimai":
    import seimai
    made = seimai.Tokenizer(tokenizer)
    call = lambda: made.encode_batch(texts, threads=threads)
    ids = lambda done: list(done)
else:
    import os
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    module = __import__(engine)
    made = module.Tokenizer.from_file(tokenizer)
    try:
        made.encode_special_tokens = True
    except AttributeError:
        pass
    call = lambda: made.encode_batch(texts, add_special_tokens=False)
    ids = lambda done: [list(one.ids) for one in done]
start, cpu = time.perf_counter(), time.process_time()
done = call()
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
digest = hashlib.sha256(json.dumps(ids(done)).encode()).hexdigest()
print(json.dumps({"wall_s": wall, "cpu_s": cpu, "ids": digest}))
"""


def child(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout.split("\n")[:-1]


def lines_of(text, megabytes, skip, path):
    """Lines of a file, from a place on, again and again until there are enough."""
    with open(text, encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if line][skip:]
    size, out = 0, []
    while size < megabytes * 1e6:
        for line in lines:
            out.append(line)
            size += len(line.encode()) + 1
            if size >= megabytes * 1e6:
                break
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
    return size / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rust", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--tokenizer")
    parser.add_argument("--stages", default="normalize,sentences,segment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mb", type=float, default=64)
    parser.add_argument("--encode-mb", type=float, default=10)
    parser.add_argument("--engines", default="seimai,tokenizers,fastokens")
    parser.add_argument("--report")
    arguments = parser.parse_args()
    results = []

    def tell(**row):
        results.append({**row, "load1": round(os.getloadavg()[0], 1)})
        print(json.dumps(results[-1]), flush=True)

    batch = f"/tmp/seimai-python-bench-{os.getpid()}.txt"
    try:
        size = lines_of(arguments.text, arguments.mb, 0, batch)
        for stage in filter(None, arguments.stages.split(",")):
            rust, python, copies = [], [], 0
            for _ in range(arguments.rounds):
                rust += [float(line) for line in child(arguments.rust, stage, batch, "1")]
                *seconds, copied = child(sys.executable, "-c", CHILD, stage, batch, "1")
                python += [float(line) for line in seconds]
                copies = max(copies, int(copied))
            over = min(python) / min(rust) - 1
            tell(what="stage", stage=stage, mb=round(size, 1), rust_cpu_s=rust, python_cpu_s=python, overhead_percent=round(100 * over, 2), copies=copies)
        if arguments.tokenizer:
            size = lines_of(arguments.text, arguments.encode_mb, 0, batch)
            for threads in (1, 2):
                found = {}
                for _ in range(arguments.rounds):
                    for engine in arguments.engines.split(","):
                        if subprocess.run([sys.executable, "-c", f"import {engine}"], capture_output=True).returncode:
                            continue
                        said = json.loads(child(sys.executable, "-c", ENCODE, engine, batch, arguments.tokenizer, str(threads))[-1])
                        found.setdefault(engine, []).append(said)
                for engine, said in found.items():
                    wall, cpu = min(one["wall_s"] for one in said), min(one["cpu_s"] for one in said)
                    equal = said[0]["ids"] == found["seimai"][0]["ids"]
                    tell(what="encode_batch", engine=engine, threads=threads, mb=round(size, 1), wall_s=wall, cpu_s=cpu, mb_per_wall_s=round(size / wall, 1),
                         mb_per_cpu_s=round(size / cpu, 1), same_ids=equal, rounds=said)
    finally:
        os.unlink(batch)
    if arguments.report:
        with open(arguments.report, "w", encoding="utf-8") as file:
            json.dump({"date": time.strftime("%Y-%m-%d"), "results": results}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
