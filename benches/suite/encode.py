#!/usr/bin/env python3
"""Encoding against peers, one thread, by source, first pass and second pass, alternating; ids compared.

    encode.py --seimai PROGRAM --bench PROGRAM[=NAME] … --python ENV/bin/python=ENGINE,ENGINE … [--shared ../shared] [--megabytes 10] [--superwords 0.25] [--rounds 3] [--work DIR] [--report FILE]

PROGRAM of --bench is what `cargo bench --bench encode --no-run` builds (two builds can be compared); ENGINE is tokenizers, fastokens, gigatoken or kitoken. A vocabulary of 32,000 is trained with --seimai on every second document of the shared corpora, and the others are encoded: text not trained on. Documents
are blocks of 32 lines, in memory, each encoded by one call; loading is not counted. CPU seconds; the first pass is what a corpus costs, the second shows caches of pieces. The best
of the rounds counts, every row is kept. Python 3.9 or later, standard library only.
"""
import argparse
import array
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

SOURCES = {
    "literature": ["aozora"], "encyclopaedia": ["kyoto-wiki"], "statutes": ["law"], "chat": ["realpersonachat"],
    "manuals": ["msdocs-dynamics365ops", "msdocs-visualstudio", "msdocs-cpp-a", "rurema", "docker-ja", "rustbook-ja"],
}
LINES = 32


def prepare(a, work):
    """A text of each source, and the vocabulary, which has seen none of them."""
    corpus = os.path.join(a.shared, "data", "corpus")
    training = os.path.join(work, "train.jsonl")
    if not os.path.exists(training):
        with open(training, "w", encoding="utf-8") as learnt:
            for source, names in SOURCES.items():
                share = a.megabytes * 1e6 / len(names)
                with open(os.path.join(work, source + ".txt"), "w", encoding="utf-8") as unseen:
                    for name in names:
                        sizes = [0, 0]
                        packed = os.path.join(corpus, name + ".jsonl.zst")
                        for n, line in enumerate(subprocess.run(["zstd", "-dc", packed], stdout=subprocess.PIPE, check=True).stdout.splitlines()):
                            text = json.loads(line)["text"].rstrip("\n") + "\n"
                            if sizes[n % 2] < share * (1.5 if n % 2 == 0 else 1):
                                sizes[n % 2] += len(text.encode())
                                (unseen if n % 2 else learnt).write(text if n % 2 else json.dumps({"text": text}, ensure_ascii=False) + "\n")
    setting = f"tokenizer.superwords={a.superwords}"
    counts, out = os.path.join(work, f"counts-{a.superwords}.parquet"), os.path.join(work, f"tokenizer-{a.superwords}")
    if not os.path.exists(out):
        subprocess.run([a.seimai, "count", training, "-o", counts, "--set", setting, "--quiet"], check=True)
        subprocess.run([a.seimai, "train", counts, "--vocab-size", "32000", "-o", out, "--set", setting, "--quiet"], check=True)
    return os.path.join(out, "tokenizer.json")


def engine_of(name, path):
    """A function from a document to its ids."""
    if name == "tokenizers":
        import tokenizers
        t = tokenizers.Tokenizer.from_file(path)
        if hasattr(t, "encode_batch_fast"):
            return lambda d: t.encode_batch_fast([d], add_special_tokens=False)[0].ids
        return lambda d: t.encode(d, add_special_tokens=False).ids
    if name == "fastokens":
        import fastokens
        t = fastokens._native.Tokenizer.from_file(path)
        return lambda d: t.encode(d).ids
    if name == "gigatoken":
        import gigatoken
        return gigatoken.Tokenizer(path).encode
    if name == "kitoken":
        import kitoken
        t = kitoken.Kitoken.from_file(path)
        return lambda d: t.encode(d, False)
    sys.exit(f"unknown engine {name}")


def child(name, path, text):
    with open(text, encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")
    lines = [line + "\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    documents = ["".join(lines[i:i + LINES]) for i in range(0, len(lines), LINES)]
    encode = engine_of(name, path)
    seconds = []
    for _ in range(2):
        start = time.process_time()
        for document in documents:
            encode(document)
        seconds.append(time.process_time() - start)
    digest, tokens = hashlib.sha256(), 0
    for document in documents:
        ids = array.array("i", [int(i) for i in encode(document)])
        tokens += len(ids)
        digest.update(ids.tobytes())
    megabytes = sum(len(d.encode()) for d in documents) / 1e6
    print(json.dumps({"megabytes": megabytes, "cpu_s": seconds[0], "second_cpu_s": seconds[1], "mb_per_s": megabytes / seconds[0],
                      "second_mb_per_s": megabytes / seconds[1], "tokens": tokens, "ids": digest.hexdigest()}))


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(*sys.argv[2:])
    p = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    p.add_argument("--seimai", required=True)
    p.add_argument("--bench", action="append", required=True)
    p.add_argument("--python", action="append", default=[])
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--megabytes", type=float, default=10)
    p.add_argument("--superwords", default="0.25")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--work")
    p.add_argument("--report")
    a = p.parse_args()
    if not os.path.isdir(os.path.join(a.shared, "data", "corpus")):
        sys.exit("skipped: encode needs shared/data/corpus (not found)")
    with tempfile.TemporaryDirectory() as scratch:
        work = a.work or scratch
        os.makedirs(work, exist_ok=True)
        tokenizer = prepare(a, work)
        engines = {}
        for given in a.bench:
            program, _, name = given.partition("=")
            engines[name or "seimai"] = lambda text, program=program: [program, tokenizer, text]
        for given in a.python:
            python, _, names = given.partition("=")
            for name in names.split(","):
                version = subprocess.run([python, "-c", f"import importlib.metadata as m; print(m.version('{name}'))"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
                engines[f"{name} {version}"] = lambda text, python=python, name=name: [python, os.path.abspath(__file__), "--child", name, tokenizer, text]
        rows = measure(a, engines, work)
    summary = {source: {} for source in SOURCES}
    for row in rows:
        best = summary[row["source"]].setdefault(row["engine"], {"first": 0, "second": 0, "ids_equal": True})
        best["first"], best["second"] = max(best["first"], round(row["mb_per_s"], 1)), max(best["second"], round(row["second_mb_per_s"], 1))
        best["ids_equal"] &= row["ids_equal"]
    for source, best in summary.items():
        print(source, json.dumps(best))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"superwords": a.superwords, "mb_per_cpu_s": summary, "rows": rows}, out, indent=1)
            out.write("\n")


def measure(a, engines, work):
    rows, ids = [], {}
    environment = dict(os.environ, RAYON_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
    for round_ in range(a.rounds):
        for source in SOURCES:
            for engine, command in engines.items():
                done = subprocess.run(command(os.path.join(work, source + ".txt")), stdout=subprocess.PIPE, text=True, check=True, env=environment)
                row = json.loads(done.stdout.splitlines()[-1])
                row.pop("text", None)
                row.update(engine=engine, source=source, round=round_, load1=os.getloadavg()[0])
                row["ids_equal"] = ids.setdefault(source, row["ids"]) == row["ids"]
                rows.append(row)
                print(json.dumps(row), flush=True)
    return rows


if __name__ == "__main__":
    main()
