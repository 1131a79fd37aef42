#!/usr/bin/env python3
"""`seimai export megatron` beside Megatron-LM's own writer: CPU seconds for the same token shards, and memory by the number of documents.

    export_megatron.py --seimai BINARY [--documents 100000] [--report FILE]

Shards of documents of web-like lengths are made with pyarrow. Megatron's `IndexedDatasetBuilder.add_document` gets each document as a list with its EOS,
as its preprocess_data.py passes it; reading Parquet and making lists is not counted for it, and reading Parquet is counted for us. Three rounds,
in turn. Peak memory is that of the program for the given number of documents and for four times as many. Needs numpy, pyarrow, megatron-core
(as in tests/python/export_megatron.py, which compares the bytes).
"""
import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

VOCABULARY, EOS, ROWS = 32_000, 0, 65_536


def helpers():
    path = Path(__file__).parents[2] / "tests" / "python" / "export_megatron.py"
    spec = importlib.util.spec_from_file_location("compared", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.megatron_files()


def write_shards(directory, documents):
    rng = np.random.default_rng(20261129)
    metadata = {"seimai.tokenizer_blake3": "0" * 64, "seimai.vocab_size": str(VOCABULARY), "seimai.eos_id": str(EOS), "seimai.pad_id": "1"}
    element = pa.field("element", pa.int32(), nullable=False)
    fields = [("doc_id", pa.string()), ("source", pa.string()), ("input_ids", pa.list_(element)), ("n_tokens", pa.int32())]
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields], metadata)
    directory.mkdir(parents=True)
    for part, first in enumerate(range(0, documents, ROWS)):
        rows = min(ROWS, documents - first)
        lengths = np.clip(np.exp(5.6 + 1.1 * rng.standard_normal(rows)), 1, 100_000).astype(np.int32)
        ids = pa.array(rng.integers(2, VOCABULARY, int(lengths.sum()), dtype=np.int32))
        lists = pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)), ids).cast(schema.field(2).type)
        names = pa.array([f"document-{first + row}" for row in range(rows)])
        table = pa.Table.from_arrays([names, pa.array(["web"] * rows), lists, pa.array(lengths)], schema=schema)
        pq.write_table(table, directory / f"part-{part:05}.parquet", compression="zstd", row_group_size=2_048)


# A program's peak memory counts what the process that started it had: so a small one starts it.
MEASURE = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""


def ours(seimai, shards, out):
    """CPU seconds and peak memory in bytes."""
    command = [sys.executable, "-c", MEASURE, seimai, "export", "megatron", str(shards), "-o", str(out), "--progress", "none"]
    status, seconds, memory = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    if status:
        sys.exit("the export failed")
    return seconds, memory


def theirs(megatron, shards, prefix):
    """CPU seconds of the writer alone."""
    builder, seconds = megatron.IndexedDatasetBuilder(f"{prefix}.bin", dtype=np.uint16), 0.0
    for path in sorted(shards.glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(2_048, columns=["input_ids"]):
            documents = [ids + [EOS] for ids in batch["input_ids"].to_pylist()]
            before = time.process_time()
            for ids in documents:
                builder.add_document(ids, [len(ids)])
            seconds += time.process_time() - before
    before = time.process_time()
    builder.finalize(f"{prefix}.idx")
    return seconds + time.process_time() - before


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seimai", required=True)
    arguments.add_argument("--documents", type=int, default=100_000)
    arguments.add_argument("--report")
    given = arguments.parse_args()
    megatron = helpers()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        few, many = scratch / "few" / "tokens", scratch / "many" / "tokens"
        write_shards(few, given.documents)
        write_shards(many, 4 * given.documents)
        rounds = []
        for _ in range(3):
            seconds, memory = ours(given.seimai, few, scratch / "ours")
            rounds.append({"ours": seconds, "theirs": theirs(megatron, few, scratch / "theirs"), "peak_memory": memory})
        _, memory = ours(given.seimai, many, scratch / "more")
        same = all((scratch / "ours" / f"web{end}").read_bytes() == (scratch / f"theirs{end}").read_bytes() for end in (".bin", ".idx"))
    middle = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    report = {
        "documents": given.documents,
        "rounds": rounds,
        "documents_per_cpu_second": {name: given.documents / middle[name] for name in ("ours", "theirs")},
        "times_faster": middle["theirs"] / middle["ours"],
        "peak_memory": {str(given.documents): middle["peak_memory"], str(4 * given.documents): memory},
        "same_bytes": same,
    }
    print(json.dumps(report, indent=1))
    if given.report:
        Path(given.report).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
