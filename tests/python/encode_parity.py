"""The ids of `seimai encode` against Hugging Face `tokenizers` over a whole corpus, document by document. What `seimai normalize` writes is what both encode.

    python tests/python/encode_parity.py SEIMAI DIRECTORY

DIRECTORY holds files of `.jsonl.zst` with a field `text`; without it a line says so, and nothing is compared. A vocabulary of 16,000 tokens is counted and trained with
default settings on one document in fifty. Prints a line a file; the first difference ends the program with exit code 1. Half a minute a 100 MB on two cores.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from tokenizers import Tokenizer

DOCUMENTS = 64


def run(*command, out=subprocess.DEVNULL):
    done = subprocess.run([str(word) for word in command], stdout=out, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"encode_parity: {' '.join(map(str, command))}: {done.stderr[-400:]}")


def texts(path):
    with open(path, encoding="utf-8", newline="\n") as lines:
        yield from (json.loads(line)["text"] for line in lines)


def ids(directory):
    for part in sorted(directory.glob("**/*.parquet")):
        for batch in pq.ParquetFile(part).iter_batches(batch_size=DOCUMENTS, columns=["input_ids"]):
            yield from (row.values.to_pylist() for row in batch.column(0))


def compare(name, normalised, tokenizer, directory):
    ours, documents, tokens, waiting = ids(directory), 0, 0, []

    def check():
        nonlocal documents, tokens
        # Names of special tokens in texts are ordinary characters for us; the corpora hold none.
        for text, theirs in zip(waiting, tokenizer.encode_batch_fast(waiting, add_special_tokens=False), strict=True):
            got = next(ours, None)
            if got != theirs.ids:
                at = next((i for i, pair in enumerate(zip(got or [], theirs.ids)) if pair[0] != pair[1]), min(len(got or []), len(theirs.ids)))
                sys.exit(f"encode_parity: {name}, document {documents}, token {at}: {(got or [])[at:at + 5]}, not {theirs.ids[at:at + 5]}; {text[:60]!r}")
            documents, tokens = documents + 1, tokens + len(theirs.ids)
        waiting.clear()

    for text in texts(normalised):
        waiting.append(text)
        if len(waiting) == DOCUMENTS:
            check()
    check()
    if next(ours, None) is not None:
        sys.exit(f"encode_parity: {name}: more documents than in the file")
    print(f"{name}: {documents:,} documents, {tokens:,} tokens: the same ids", flush=True)


def main(arguments):
    if len(arguments) != 3:
        sys.exit("usage: python encode_parity.py SEIMAI DIRECTORY")
    seimai, corpus = arguments[1], Path(arguments[2])
    files = sorted(corpus.glob("*.jsonl.zst"))
    if not files:
        print(f"skipped: encode parity over a corpus needs {corpus}/*.jsonl.zst (not found)")
        return
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        run(seimai, "count", *files, "--sample", "2%", "-o", scratch / "counts.parquet", "--quiet")
        run(seimai, "train", scratch / "counts.parquet", "--vocab-size", "16000", "-o", scratch / "tokenizer", "--quiet", "--progress", "none")
        tokenizer = Tokenizer.from_file(str(scratch / "tokenizer/tokenizer.json"))
        for number, path in enumerate(files):
            directory = scratch / f"encoded-{number}"
            run(seimai, "encode", path, "--tokenizer", scratch / "tokenizer", "-o", directory, "--quiet", "--progress", "none")
            normalised = scratch / f"normalised-{number}.jsonl"
            with open(normalised, "wb") as out:
                run(seimai, "normalize", path, "--quiet", "--progress", "none", out=out)
            compare(path.name, normalised, tokenizer, directory)


if __name__ == "__main__":
    main(sys.argv)
