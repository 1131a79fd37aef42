"""Runs examples/read_pack.py, a reader written from docs/formats/pack.md alone, on a pack, and compares it with the token shards.

    python tests/python/read_pack.py RUN_DIR [PACK_DIR]

Every document of every row is what pyarrow reads in tokens/; positions, labels and cu_seqlens are those of a plain loop over columns. Needs
numpy and pyarrow. Prints a line; the first difference ends the program with exit code 1.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

EXAMPLE = Path(__file__).parents[2] / "examples" / "read_pack.py"


def demand(condition, message):
    if not condition:
        sys.exit(f"read_pack: {message}")


def by_columns(ids, ends, length):
    """positions, labels and cu_seqlens, column by column."""
    positions, labels, start = [], [], 0
    for column in range(length):
        start = column if column in ends else start
        positions.append(column - start)
        labels.append(ids[column] if column > start and column < max(ends, default=0) else -100)
    return positions, labels, sorted({0, *ends, length})


def main(arguments):
    if len(arguments) not in (2, 3):
        sys.exit("usage: python read_pack.py RUN_DIR [PACK_DIR]")
    run = Path(arguments[1])
    pack = Path(arguments[2]) if len(arguments) == 3 else run / "pack"
    spec = importlib.util.spec_from_file_location("example", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    info = json.loads((pack / "pack.json").read_text())
    shards = [pq.read_table(run / shard["name"], columns=["input_ids"])["input_ids"].to_pylist() for shard in info["shards"]]
    seen, rows = set(), 0
    for said in info["parts"]:
        part = example.Part(pack / said["name"])
        for row in range(part.rows):
            ids, positions, labels, cu_seqlens = (array.tolist() for array in part.row(row))
            ends = []
            for start, end, shard, shard_row, offset, last in part.documents(row):
                wanted = shards[shard][shard_row] + [part.eos]
                demand(ids[start:end] == wanted[offset : offset + end - start], f"row {row}: other tokens at column {start}")
                demand(last == (offset + end - start == len(wanted)), f"row {row}: the end of a document is not where it is said")
                seen.update((shard, shard_row, token) for token in range(offset, offset + end - start))
                ends.append(end)
            demand((positions, labels, cu_seqlens) == by_columns(ids, ends, part.length), f"row {row}: positions, labels or cu_seqlens")
            demand(set(ids[max(ends, default=0) :]) <= {part.pad}, f"row {row}: no PAD at its end")
        rows += part.rows
    tokens = sum(len(ids) + 1 for shard in shards for ids in shard if ids)
    demand(len(seen) == tokens == info["totals"]["tokens"], f"{len(seen)} tokens in the pack, {tokens} in the token shards")
    told = subprocess.run([sys.executable, EXAMPLE, pack, "0"], capture_output=True, text=True, check=True).stdout
    demand(f"{rows} rows of" in told and "columns 0 to" in told, f"the example says {told!r}")
    print(f"read_pack: {rows} rows, {tokens} tokens by the example reader")


if __name__ == "__main__":
    main(sys.argv)
