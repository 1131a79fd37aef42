#!/usr/bin/env python3
"""Trains vocabularies on mixtures of known shares, and has `seimai tokenizer mixture` tell the shares from the merges and from other documents of the same kinds:

    benches/suite/tokenizer_mixture.py SEIMAI CORPUS [--vocabulary 16000] [--directory DIR] [-o RECORD.json]

CORPUS is a directory of JSON Lines packed with zstd. Every document of a source belongs to one of two parts, by a hash of its id: vocabularies are trained on
the first part (`seimai count`, `seimai train`), samples are the whole second part, so no document is in both. The truth is the share of the counted bytes,
after normalisation. Told are: mean squared error of the shares and its decimal logarithm (goal -4 or less), each share beside the truth, how well the merges
fit, CPU time and peak memory of the command; the same with the training parts as samples, with a source left out, with fewer merges and with smaller samples.

Python 3.9 or later on Linux, `zstd`, and the dictionary; no package.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

# Kilobytes of text by source, before normalisation.
MIXTURES = {
    "60/30/10": {"aozora": 9000, "kyoto-wiki": 4500, "law": 1500},
    "33/33/33": {"realpersonachat": 8000, "law": 8000, "msdocs-dynamics365ops": 8000},
    "5/15/80": {"law": 1000, "aozora": 3000, "kyoto-wiki": 16000},
    "five kinds": {"aozora": 14000, "kyoto-wiki": 10000, "law": 8000, "realpersonachat": 4800, "msdocs-dynamics365ops": 3200},
    "seven kinds": {
        "aozora": 6000, "kyoto-wiki": 6000, "law": 6000, "realpersonachat": 6000, "msdocs-dynamics365ops": 3000, "rurema": 2000, "msdocs-visualstudio": 1000,
    },
    "with morphemes": {"aozora": 9000, "kyoto-wiki": 4500, "law": 1500},
}
PLAIN = ["--set", "tokenizer.boundaries=none", "--set", "tokenizer.superwords=0"]
MORPHEMES = ["--set", "tokenizer.boundaries=morpheme", "--set", "tokenizer.superwords=0"]


def split(corpus, name, directory):
    """Two files of a source; gives their paths."""
    paths = [directory / f"{name}.{part}.jsonl" for part in ("training", "sample")]
    if all(path.exists() for path in paths):
        return paths
    files = [open(path, "wb") for path in paths]
    with subprocess.Popen(["zstd", "-dc", str(corpus / f"{name}.jsonl.zst")], stdout=subprocess.PIPE) as packed:
        for line in packed.stdout:
            record = json.loads(line)
            files[hashlib.blake2b(record["id"].encode(), digest_size=1).digest()[0] & 1].write(line)
    for file in files:
        file.close()
    return paths


def take(path, kilobytes, out):
    """Some documents of a file, about so many bytes of text: those that come first by a hash of their ids."""
    taken = 0
    with open(path, "rb") as lines:
        records = [(json.loads(line), line) for line in lines]
    records.sort(key=lambda record: hashlib.blake2b(b"order " + record[0]["id"].encode()).digest())
    with open(out, "wb") as file:
        for record, line in records:
            if taken >= kilobytes * 1000:
                break
            taken += len(record["text"].encode())
            file.write(line)
    if taken < kilobytes * 1000 * 0.99:
        raise SystemExit(f"{path} has {taken} bytes only")


def run(command):
    """Runs a command; gives what it printed, CPU seconds and peak resident bytes."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: {process.returncode}\n{err.decode()}")
    return out, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10


def infer(seimai, tokenizer, sources, more=()):
    """What the command finds, with its time and memory."""
    given = [f"{name}={path}" for name, path in sources.items()]
    started = time.monotonic()
    out, cpu, memory = run([seimai, "tokenizer", "mixture", tokenizer, "--json", "--quiet", *more, "--source", *given])
    found = json.loads(out)
    return found, {"cpu_s": round(cpu, 2), "wall_s": round(time.monotonic() - started, 2), "peak_mib": round(memory / 2**20, 1)}


def errors(found, truth):
    """Mean squared error of the shares, and its logarithm."""
    mse = sum((source["share"] - truth[source["name"]]) ** 2 for source in found["sources"]) / len(truth)
    return {"mse": mse, "log10_mse": round(math.log10(mse), 2) if mse else None}


def told(found, truth, cost):
    """A row of the record."""
    shares = {
        source["name"]: {
            "truth": round(truth.get(source["name"], 0.0), 6),
            "share": round(source["share"], 6),
            "spread_of_samples": round(source["spread_of_samples"], 6),
            "spread_of_merges": round(source["spread_of_merges"], 6),
        }
        for source in found["sources"]
    }
    fit = {key: found[key] for key in ("merges", "explained", "rare", "shortfall", "unseen", "inequalities", "doubts")}
    return {"shares": shares, **fit, **cost}


def measure(seimai, corpus, directory, name, vocabulary, full):
    """One mixture."""
    mixture = MIXTURES[name]
    place = directory / name.replace("/", "-").replace(" ", "-")
    place.mkdir(exist_ok=True)
    settings = MORPHEMES if name == "with morphemes" else PLAIN
    more = ["--boundaries", "morpheme"] if name == "with morphemes" else []
    samples, parts = {}, {}
    for source, kilobytes in mixture.items():
        training, samples[source] = split(corpus, source, directory)
        part = place / f"{source}.jsonl"
        take(training, kilobytes, part)
        parts[source] = place / f"{source}.parquet"
        run([seimai, "count", part, "-o", parts[source], "--quiet", *settings])
    tokenizer = place / "tokenizer"
    run([seimai, "train", *parts.values(), "--vocab-size", str(vocabulary), "-o", tokenizer, "--quiet"])
    # The training text itself: what it says of bytes is the truth.
    own, cost = infer(seimai, tokenizer, parts)
    total = sum(source["bytes"] for source in own["sources"])
    truth = {source["name"]: source["bytes"] / total for source in own["sources"]}
    row = {"training_bytes": total, "with_the_training_text": {**errors(own, truth), **told(own, truth, cost)}}
    found, cost = infer(seimai, tokenizer, samples, more)
    row["with_other_documents"] = {**errors(found, truth), **told(found, truth, cost)}
    print(name, row["with_the_training_text"]["log10_mse"], row["with_other_documents"]["log10_mse"], cost, flush=True)
    if full:
        row["by_merges"] = {}
        for merges in (1000, 2000):
            found, cost = infer(seimai, tokenizer, samples, [*more, "--merges", str(merges)])
            row["by_merges"][merges] = {**errors(found, truth), **cost}
        row["by_sample"] = {}
        for share in ("10%", "30%"):
            found, cost = infer(seimai, tokenizer, samples, [*more, "--sample", share])
            row["by_sample"][share] = {**errors(found, truth), **cost, "bytes": sum(source["bytes"] for source in found["sources"])}
        row["without"] = {}
        for missing in mixture:
            found, cost = infer(seimai, tokenizer, {name: path for name, path in samples.items() if name != missing}, more)
            row["without"][missing] = told(found, truth, cost)
        print(name, json.dumps({key: row[key] for key in ("by_merges", "by_sample")}), flush=True)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seimai", type=pathlib.Path)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--vocabulary", type=int, default=16000)
    parser.add_argument("--directory", type=pathlib.Path)
    parser.add_argument("--only")
    parser.add_argument("--short", action="store_true", help="not with fewer merges, smaller samples and missing sources")
    parser.add_argument("-o", "--output", type=pathlib.Path)
    options = parser.parse_args()
    directory = options.directory or pathlib.Path(tempfile.mkdtemp(prefix="tokenizer-mixture-"))
    directory.mkdir(exist_ok=True)
    names = [options.only] if options.only else list(MIXTURES)
    rows = {}
    for name in names:
        rows[name] = measure(options.seimai, options.corpus, directory, name, options.vocabulary, not options.short)
        record = {
            "what": "shares of kinds of text told from the merges of vocabularies of known mixture (benches/suite/tokenizer_mixture.py)",
            "machine": f"{os.cpu_count()} CPUs, {platform.machine()}",
            "vocabulary": options.vocabulary,
            "goal": "log10 of the mean squared error of the shares -4 or less",
            "mixtures": rows,
        }
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        # After each mixture: what is measured is kept if the next one fails.
        if options.output:
            options.output.write_text(text)
    if not options.output:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
