"""What can only be known on a machine with an NVIDIA GPU: are the kernels right there, how fast are they, what does the loader reach?

    python scripts/gpu_check.py --pack OUT/pack [--record benches/results/DATE-gpu.json]

Needs seimai[torch] with triton. Without --pack it makes one of random tokens, 2 GiB, in a temporary directory. Takes some minutes:

1. correctness: both kernels against plain torch on the CPU, on lengths at every edge, uint16 and int32, both rules for labels; batches of
   PackStream(device="cuda") against those of the CPU;
2. GB/s of each kernel, all bytes it reads and writes counted, beside a device memcpy that moves as many;
3. tokens a second of PackStream(device="cuda") beside a plain loop over numpy.memmap that makes the same columns in torch on the GPU.

It prints one line a finding and exits with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import pathlib
import random
import sys
import tempfile
import time

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "python/tests"))

import seimai  # noqa: E402
import seimai.torch  # noqa: E402
import torch_packs as packs  # noqa: E402
from seimai.torch import columns, kernels  # noqa: E402

NAMES = ("input_ids", "labels", "position_ids", "segment_ids")
WRONG: list[str] = []


def same(what: str, found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    for name in wanted:
        if not torch.equal(found[name].cpu(), wanted[name].cpu()):
            WRONG.append(f"{what}: {name}")
            print("WRONG", what, name, flush=True)


def check_rows() -> int:
    cases = 0
    for length, dtype, labels, ids in itertools.product((1, 2, 511, 512, 513, 4096), (np.uint16, np.int32), columns.LABELS, (torch.int64, torch.int32)):
        rows = packs.hard_rows(length)
        tokens = torch.from_numpy(np.array([tokens for _, tokens in rows], dtype))
        ends = torch.tensor([end for ends, _ in rows for end in ends], dtype=torch.int32)
        row_ptr = torch.tensor(np.cumsum([0] + [len(ends) for ends, _ in rows]), dtype=torch.int32)
        wanted = columns.expand_rows(tokens, ends, row_ptr, labels, ids)
        found = kernels.expand_rows(tokens.cuda(), ends.cuda(), row_ptr.cuda(), length, labels, ids)
        same(f"rows of {length}, {np.dtype(dtype)}, {labels}, {ids}", found, wanted)
        cases += 1
    return cases


def check_documents() -> int:
    cases, draw = 0, random.Random(0)
    for length, offsets, labels in itertools.product((1, 2, 511, 512, 513, 4096), (torch.int32, torch.int64), columns.LABELS):
        lengths = [0, 1, max(length - 2, 0), length - 1, length, length + 1, 2 * length, 5 * length + 3, 0, *([1] * 300)]
        values = torch.tensor([draw.randrange(60000) for _ in range(sum(lengths) + 5)], dtype=torch.int32)
        starts = torch.tensor(np.cumsum([5, *lengths])).to(offsets)
        plan = seimai.torch.plan_rows(lengths, length)
        options = {"eos_id": packs.EOS, "pad_id": packs.PAD, "labels": labels}
        wanted = seimai.torch.expand_documents(values, starts, plan, **options)
        found = seimai.torch.expand_documents(values.cuda(), starts.cuda(), plan.to("cuda"), **options)
        same(f"documents in rows of {length}, {offsets}, {labels}", found, wanted)
        cases += 1
    return cases


def check_stream(path: pathlib.Path) -> int:
    options = {"global_batch": 16, "seed": 3}
    streams = (seimai.torch.PackStream(path, device=device, **options) for device in ("cuda", None))
    for at, (found, wanted) in enumerate(itertools.islice(zip(*streams, strict=True), 50)):
        same(f"batch {at} of PackStream", found, {name: wanted[name] for name in (*NAMES, "cu_seqlens", "rows")})
        if found["max_seqlen"] != wanted["max_seqlen"] or not isinstance(found["max_seqlen"], int):
            WRONG.append(f"batch {at}: max_seqlen")
    return 50


def seconds(work, repeats: int = 50) -> float:
    """Of one call on the device: the median."""
    for _ in range(5):
        work()
    times = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return sorted(times)[len(times) // 2]


def speed_of_kernels(rows: int = 256, length: int = 4096) -> list[dict[str, object]]:
    draw = random.Random(1)
    found = []
    lengths = [min(int(draw.lognormvariate(6.3, 1.1)) + 1, 20000) for _ in range(rows * 3)]
    plan = seimai.torch.plan_rows(lengths, length)
    plan = plan.rows(slice(0, rows))
    rows = len(plan)
    values = torch.randint(60000, (sum(lengths),), dtype=torch.int32, device="cuda")
    offsets = torch.tensor(np.cumsum([0, *lengths]), device="cuda")
    on_device = plan.to("cuda")
    index = (on_device.piece_end, on_device.row_ptr, on_device.piece_document, on_device.piece_offset)
    for dtype, ids in itertools.product((torch.uint16, torch.int32), (torch.int64, torch.int32)):
        tokens = torch.randint(60000, (rows, length), dtype=torch.int32, device="cuda").to(dtype)
        written = rows * length * (3 * ids.itemsize + 4)
        for name, read, work in (
            ("rows_kernel", dtype.itemsize, lambda t=tokens, i=ids: kernels.expand_rows(t, index[0], index[1], plan.max_pieces, "shifted", i)),
            ("documents_kernel", 4, lambda i=ids: kernels.expand_documents(
                values, offsets, *index, plan.max_pieces, length, 1, 3, "shifted", i)),
        ):  # fmt: skip
            moved = written + rows * length * read
            source = torch.empty(moved // 2, dtype=torch.uint8, device="cuda")
            target = torch.empty_like(source)
            kernel, memcpy = seconds(work), seconds(lambda s=source, t=target: t.copy_(s))
            row = {"kernel": name, "tokens": str(dtype), "columns": str(ids), "rows": rows, "sequence_length": length, "bytes": moved}
            row |= {"kernel_gb_s": moved / kernel / 1e9, "memcpy_gb_s": moved / memcpy / 1e9, "ratio": memcpy / kernel}
            found.append(row)
            print({key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}, flush=True)
    return found


def plain_loop(path: pathlib.Path, batch_rows: int, steps: int):
    """What one writes without a loader: numpy.memmap, torch.from_numpy, .cuda(), and the columns in torch."""
    parts = []
    for part in seimai.open_pack(path).parts:
        file = path / part.name
        head = file.open("rb").read(64)
        length, code = int.from_bytes(head[16:20], "little"), int.from_bytes(head[20:24], "little")
        tokens = np.memmap(file, {8: "<u2", 4: "<i4"}[code], "r", 4096, (part.rows, length))
        parts.append((tokens, np.asarray(part.row_ptr), np.asarray(part.piece_ends)))
    order = np.random.default_rng(0).permutation(sum(len(tokens) for tokens, _, _ in parts))
    first = np.cumsum([0] + [len(tokens) for tokens, _, _ in parts])
    for step in range(steps):
        rows = order.take(range(step * batch_rows, (step + 1) * batch_rows), mode="wrap")
        tokens, ends, row_ptr = [], [], [0]
        for row in rows:
            part = int(np.searchsorted(first, row, "right")) - 1
            at = row - first[part]
            tokens.append(parts[part][0][at])
            piece = parts[part][2][parts[part][1][at] : parts[part][1][at + 1]]
            ends.append(piece)
            row_ptr.append(row_ptr[-1] + len(piece))
        on_gpu = [torch.from_numpy(array).cuda() for array in (np.stack(tokens).astype(np.int32), np.concatenate(ends).astype(np.int32), np.array(row_ptr, np.int32))]
        yield columns.expand_rows(*on_gpu, "shifted", torch.int64)


def speed_of_loader(path: pathlib.Path, batch_rows: int = 64, steps: int = 300) -> dict[str, object]:
    length = seimai.open_pack(path).sequence_length
    ours = lambda: seimai.torch.PackStream(path, global_batch=batch_rows, device="cuda")  # noqa: E731
    result: dict[str, object] = {"batch_rows": batch_rows, "steps": steps}
    for name, loader in (("seimai.torch", ours), ("numpy.memmap loop", lambda: plain_loop(path, batch_rows, steps + 20))) * 2:
        iterator = iter(loader())
        for _ in range(20):
            next(iterator)
        torch.cuda.synchronize()
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in itertools.islice(iterator, steps):
            batch["input_ids"].sum()
        torch.cuda.synchronize()
        tokens = steps * batch_rows * length
        row = {"tokens_per_s": tokens / (time.perf_counter() - wall), "tokens_per_cpu_s": tokens / (time.process_time() - cpu)}
        result.setdefault(name, []).append(row)
        print(name, {key: f"{value / 1e6:.0f} M" for key, value in row.items()}, flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=pathlib.Path)
    parser.add_argument("--record", type=pathlib.Path)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("error: there is no GPU here that torch can use; what needs none is checked by scripts/test-gpu-path.sh")
    record: dict[str, object] = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "seimai": seimai.__version__}
    with tempfile.TemporaryDirectory() as scratch:
        path = arguments.pack or random_pack(pathlib.Path(scratch) / "pack")
        record["checked"] = {"rows": check_rows(), "documents": check_documents(), "batches": check_stream(path)}
        print("checked", record["checked"], "wrong:", len(WRONG), flush=True)
        record["wrong"] = WRONG
        record["kernels"] = speed_of_kernels()
        record["loader"] = speed_of_loader(path)
    if arguments.record:
        arguments.record.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(1 if WRONG else 0)


def random_pack(directory: pathlib.Path, length: int = 4096, rows: int = 1 << 18) -> pathlib.Path:
    """2 GiB of random uint16 tokens: rows of one block of 64 again and again, written as the format says."""
    block = packs.some_rows(64, length)
    arrays = [(ends, np.array(tokens, np.uint16)) for ends, tokens in block]
    return packs.write_pack(directory, [arrays[row % 64] for row in range(rows)], length, part_rows=rows // 2)


if __name__ == "__main__":
    main()
