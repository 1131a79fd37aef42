#!/usr/bin/env python3
"""Packing and token shards: what a core moves, and whether the packing is the best that best-fit decreasing gives.

    pack.py --seimai BINARY [--shared ../shared] [--documents 1000000] [--sequence 4096] [--peers PYTHON] [--report FILE]

1. Assignment of a million documents of web-like lengths (log-normal mixture of pages, articles and long documents; the shape is assumed): rows, padding, cuts,
   tokens lost; the number of rows and the multiset of space that is left against best-fit decreasing written down plainly below.
2. Token shards of literature (Aozora, its own vocabulary of 32,000): written and read in both encodings, bits per token.
3. Tokens moved into rows, beside copying, hashing and writing as many bytes; a whole pack from Parquet.
4. With --peers, a Python that has `trl` and `datasets`, or `olmo_core`: their packers on the same lengths.

`cargo bench --bench pack` does 1 to 3; it is called from the repository root. Needs numpy.
"""
import argparse
import bisect
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np


def web_like(count, seed=20261129):
    """Tokens of documents: 90 % pages (mean 1,080), 8 % articles (700), 2 % long ones (12,000)."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, count, p=[.90, .08, .02])
    mean, sigma = np.array([1080.0, 700.0, 12000.0])[kind], np.array([1.1, 1.2, 1.0])[kind]
    lengths = np.exp(np.log(mean) - sigma * sigma / 2 + sigma * rng.standard_normal(count))
    return np.clip(lengths, 16, 400_000).astype(np.uint32)


def best_fit_decreasing(lengths, row):
    """Rows, and how much space is left in how many of them: tails longest first, each into the fullest row that still has room. Counted by
    length, because only lengths matter."""
    with_eos = lengths.astype(np.int64) + 1
    full = int((with_eos // row).sum())
    tails = np.bincount((with_eos % row).astype(np.int64), minlength=row)
    open_rows, spaces = {}, []
    for length in range(row - 1, 0, -1):
        for _ in range(int(tails[length])):
            at = bisect.bisect_left(spaces, length)
            if at == len(spaces):
                space = row
            else:
                space = spaces[at]
                open_rows[space] -= 1
                if not open_rows[space]:
                    spaces.pop(at)
            left = space - length
            if not open_rows.get(left):
                bisect.insort(spaces, left)
            open_rows[left] = open_rows.get(left, 0) + 1
    left = {space: count for space, count in open_rows.items() if count}
    return full + sum(left.values()), sum(space * count for space, count in left.items())


def bench(*words):
    out = subprocess.run(["cargo", "bench", "--workspace", "--locked", "--bench", "pack", "--", *map(str, words)], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def literature_tokens(seimai, shared, scratch):
    """Token shards of Aozora, with a vocabulary of their own."""
    corpus = os.path.join(shared, "data", "corpus")
    if not os.path.isdir(corpus):
        sys.exit("skipped: pack needs shared/data/corpus (not found)")
    plan, out = os.path.join(scratch, "plan.toml"), os.path.join(scratch, "run")
    with open(plan, "w") as file:
        file.write(f'[input]\npaths = ["{os.path.abspath(corpus)}/*aozora*.zst"]\n[quality]\npreset = "none"\n[dedup]\nnear = false\n')
    subprocess.run([seimai, "run", plan, "--out", out, "--progress", "none", "--quiet"], check=True)
    return os.path.join(out, "tokens")


PEER = """
import json, sys, time
import numpy as np
lengths, row = np.fromfile(sys.argv[1], "<u4").astype(np.int64) + 1, int(sys.argv[2])
lengths = lengths[:int(sys.argv[3])]
rows = []
try:
    from datasets import Dataset
    from datasets.utils.logging import disable_progress_bar
    import pyarrow as pa, trl
    from trl.data_utils import pack_dataset
    disable_progress_bar()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    table = pa.table({"input_ids": pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(np.zeros(offsets[-1], np.int32)))})
    for strategy in ["bfd_split", "bfd", "wrapped"]:
        start = time.process_time()
        packed = pack_dataset(Dataset(table), seq_length=row, strategy=strategy)
        took = time.process_time() - start
        kept = int(pa.compute.sum(pa.compute.list_value_length(packed.data.column("input_ids"))).as_py())
        rows.append({"peer": f"trl {trl.__version__} {strategy}", "documents": len(lengths), "cpu_seconds": took, "per_second": len(lengths) / took,
                     "rows": len(packed), "padding": len(packed) * row - kept, "tokens_lost": int(offsets[-1]) - kept})
except ImportError as e:
    print(e, file=sys.stderr)
print(json.dumps(rows))
"""


def main():
    p = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    p.add_argument("--seimai", required=True)
    p.add_argument("--shared", default=os.environ.get("SEIMAI_SHARED", "../shared"))
    p.add_argument("--documents", type=int, default=1_000_000)
    p.add_argument("--sequence", type=int, default=4096)
    p.add_argument("--peers")
    p.add_argument("--peer-documents", type=int, default=100_000)
    p.add_argument("--report")
    a = p.parse_args()
    lengths = web_like(a.documents)
    with tempfile.TemporaryDirectory() as scratch:
        file = os.path.join(scratch, "lengths.u32")
        lengths.astype("<u4").tofile(file)
        rows = bench("lengths", file, a.sequence)
        start = time.process_time()
        wanted = best_fit_decreasing(lengths, a.sequence)
        took = time.process_time() - start
        found = (rows[0]["rows"], rows[0]["padding"])
        rows.append({"step": "reference: best-fit decreasing in Python", "amount": a.documents, "unit": "documents", "cpu_seconds": took,
                     "per_second": a.documents / took, "rows": wanted[0], "padding": wanted[1]})
        if found != wanted:
            sys.exit(f"rows and padding are {found}, best-fit decreasing has {wanted}")
        rows += bench("tokens", literature_tokens(a.seimai, a.shared, scratch), a.sequence)
        if a.peers:
            out = subprocess.run([a.peers, "-c", PEER, file, str(a.sequence), str(a.peer_documents)], check=True, stdout=subprocess.PIPE, text=True).stdout
            rows += json.loads(out.splitlines()[-1])
    for row in rows:
        print(json.dumps(row))
    if a.report:
        with open(a.report, "w") as out:
            json.dump({"documents": a.documents, "sequence": a.sequence, "tokens": int(lengths.sum()), "rows": rows}, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
