"""seimai.torch beside litdata, mosaicml-streaming and Megatron's dataset: tokens per CPU second, on the same documents.

    python benches/suite/loader.py --peer litdata=ENV/bin/python --peer mosaicml=… --peer megatron=… [--record FILE]

Each peer runs in an environment of its own (they break each other's dependencies), with torch and numpy; ours in that of the script.
Documents of web-like lengths and random tokens are written once in every format: a pack with best-fit rows for ours, litdata's
TokensLoader, MDS, Megatron's .bin and .idx. Measured is the way to batches of 16
shuffled rows of 4,096 int64 ids in torch, warm; where a loader makes labels and positions too (Megatron, ours), also with them. `thread`
is ours by itself, whose worker is its thread; `worker` is a DataLoader with one worker process. CPU time of all threads and child
processes counts. Rounds alternate between the loaders; the record has all of them.

Then the pack through numpy and torch: a gather of shuffled rows beside a memcpy of as many bytes, and the time of opening.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

S, BATCH = 4096, 16
VOCABULARY, EOS = 32000, 1


def cpu_seconds() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def documents(tokens: int):
    """The documents: token ids as uint16, of web-like lengths, without EOS."""
    draw = np.random.default_rng(0)
    left = tokens
    while left > 0:
        n = min(max(int(draw.lognormal(6.2, 1.2)), 1), 200_000, left)
        yield draw.integers(2, VOCABULARY, n, dtype=np.uint16)
        left -= n + 1


# --- one loader a process: prepares its files where they are missing, then gives batches [BATCH, S] of int64 -----------------------------


def prepare_litdata(data, out):
    import litdata

    litdata.optimize(
        fn=litdata_document, inputs=[str(data / f"documents-{i}.npy") for i in range(count_of(data))], output_dir=str(out),
        chunk_bytes="64MB", num_workers=1, item_loader=litdata.TokensLoader(block_size=S),
    )  # fmt: skip


def litdata_document(path):
    import torch

    flat, ends = np.load(path), np.load(path.replace("documents", "ends"))
    for start, end in zip([0, *ends], ends, strict=False):
        yield torch.from_numpy(np.append(flat[start:end], EOS).astype(np.uint16))


def litdata(data, workers, columns):
    import litdata
    import torch

    prepared(data / "litdata", lambda out: prepare_litdata(data, out))
    dataset = litdata.StreamingDataset(str(data / "litdata"), item_loader=litdata.TokensLoader(block_size=S), shuffle=True, drop_last=True)
    for batch in litdata.StreamingDataLoader(dataset, batch_size=BATCH, num_workers=workers):
        yield batch.to(torch.int64)


def prepare_mosaicml(data, out):
    from streaming import MDSWriter

    with MDSWriter(out=str(out), columns={"tokens": "ndarray:uint16:4096"}) as writer:
        rest = np.zeros(0, np.uint16)
        for flat, ends in shards(data):
            for start, end in zip([0, *ends], ends, strict=False):
                rest = np.concatenate([rest, flat[start:end], np.array([EOS], np.uint16)])
                while len(rest) >= S:
                    writer.write({"tokens": rest[:S]})
                    rest = rest[S:]


def mosaicml(data, workers, columns):
    import torch
    from streaming import StreamingDataset
    from torch.utils.data import DataLoader

    prepared(data / "mosaicml", lambda out: prepare_mosaicml(data, out))
    dataset = StreamingDataset(local=str(data / "mosaicml"), shuffle=True, batch_size=BATCH)
    stack = lambda rows: torch.from_numpy(np.stack([row["tokens"] for row in rows]).astype(np.int64))  # noqa: E731
    yield from DataLoader(dataset, batch_size=BATCH, num_workers=workers, collate_fn=stack)


def prepare_megatron(data, out):
    from megatron.core.datasets.indexed_dataset import IndexedDatasetBuilder

    out.mkdir(parents=True)
    builder = IndexedDatasetBuilder(str(out / "text.bin"), dtype=np.uint16)
    for flat, ends in shards(data):
        for start, end in zip([0, *ends], ends, strict=False):
            document = np.append(flat[start:end], EOS)
            builder.add_document(document, [len(document)])
    builder.finalize(str(out / "text.idx"))


class NoTokenizer:
    """What Megatron asks of one."""

    vocab_size, eod, pad, unique_identifiers = VOCABULARY, EOS, 0, {"class": "none"}


def megatron(data, workers, columns):
    import torch
    from megatron.core.datasets.blended_megatron_dataset_builder import BlendedMegatronDatasetBuilder
    from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig
    from torch.utils.data import DataLoader

    prepared(data / "megatron", lambda out: prepare_megatron(data, out))
    config = GPTDatasetConfig(
        random_seed=1, sequence_length=S, blend=([str(data / "megatron/text")], None), split="1,0,0", tokenizer=NoTokenizer(),
        reset_position_ids=False, reset_attention_mask=False, eod_mask_loss=False, create_attention_mask=False,
        path_to_cache=str(data / "megatron/cache"), mid_level_dataset_surplus=0.005,
    )  # fmt: skip
    rows = int(json.loads((data / "facts.json").read_text())["tokens"]) // S - 1
    dataset = BlendedMegatronDatasetBuilder(GPTDataset, [rows, 0, 0], lambda: True, config).build()[0]
    for batch in DataLoader(dataset, batch_size=BATCH, num_workers=workers):
        yield batch["tokens"].to(torch.int64)


def megatron_indexed(data, workers, columns):
    """The mapped file alone, walked from document to document."""
    import torch
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    prepared(data / "megatron", lambda out: prepare_megatron(data, out))
    dataset = IndexedDataset(str(data / "megatron/text"), multimodal=False, mmap=True)
    rest, count = [], 0
    for at in np.random.default_rng(0).permutation(len(dataset)):
        rest.append(dataset[int(at)])
        count += len(rest[-1])
        if count >= BATCH * S:
            flat = np.concatenate(rest)
            yield torch.from_numpy(flat[: BATCH * S].astype(np.int64)).view(BATCH, S)
            rest, count = [flat[BATCH * S :]], len(flat) - BATCH * S


def seimai(data, workers, columns):
    import seimai.torch as st
    from torch.utils.data import DataLoader

    names = st.COLUMNS if columns == "all" else ["input_ids"]
    stream = st.PackStream(data / "pack", global_batch=BATCH, columns=names, epochs=1)
    for batch in DataLoader(stream, batch_size=None, num_workers=workers) if workers else stream:
        yield batch["input_ids"]


def seimai_map(data, workers, columns):
    import seimai.torch as st
    from torch.utils.data import DataLoader

    names = st.COLUMNS if columns == "all" else ["input_ids"]
    sampler = st.PackSampler(data / "pack", global_batch=BATCH, epochs=1)
    for batch in DataLoader(st.PackDataset(data / "pack", columns=names), sampler=sampler, batch_size=None, num_workers=workers):
        yield batch["input_ids"]


def prepared(path: pathlib.Path, prepare) -> None:
    if not path.exists():
        temporary = path.with_name(path.name + ".tmp")
        subprocess.run(["rm", "-rf", temporary], check=True)
        prepare(temporary)
        temporary.rename(path)


def count_of(data) -> int:
    return len(list(data.glob("documents-*.npy")))


def shards(data):
    for i in range(count_of(data)):
        yield np.load(data / f"documents-{i}.npy"), np.load(data / f"ends-{i}.npy")


def child(loader: str, data: pathlib.Path, workers: int, columns: str, batches: int) -> None:
    """One measurement: batches that are warm, after some that are not counted."""
    source = globals()[loader]
    if os.environ.get("SEIMAI_BENCH_PREPARE"):
        next(iter(source(data, 0, columns)))
        return
    for warm in (True, False):
        # Over the same files twice: they are in memory then, and nothing is compiled or imported any more.
        iterator = iter(source(data, workers, columns))
        begin, wall, done = cpu_seconds(), time.perf_counter(), 0
        for batch in itertools.islice(iterator, batches if not warm else batches // 4):
            assert tuple(batch.shape) == (BATCH, S) and str(batch.dtype) == "torch.int64"
            done += batch.numel()
        wall = time.perf_counter() - wall
        del iterator
    print(json.dumps({"tokens": done, "cpu_s": cpu_seconds() - begin, "wall_s": wall}))


# --- the pack through numpy and torch ----------------------------------------------------------------------------------------------------


def gathers(data: pathlib.Path) -> dict[str, object]:
    import seimai
    import torch

    pack = seimai.open_pack(data / "pack")
    part = pack.parts[0]
    view = np.asarray(part.tokens)
    rows = min(len(view), 1 << 14)
    order = np.random.default_rng(0).permutation(len(view))[:rows]
    out, source = np.empty((rows, S), view.dtype), np.array(view[:rows])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The view is read-only, and only read.
        as_torch = torch.from_numpy(view)
    target, index = torch.from_numpy(out), torch.from_numpy(order)
    torch.set_num_threads(1)
    ways = {
        "memcpy": lambda: np.copyto(out, source),
        "numpy take": lambda: np.take(view, order, axis=0, out=out, mode="clip"),
        "numpy rows in order": lambda: np.copyto(out, view[:rows]),
        "torch index_select": lambda: torch.index_select(as_torch, 0, index, out=target),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _, (name, way) in itertools.product(range(9), ways.items()):
        begin = time.process_time()
        way()
        found[name].append(out.nbytes / (time.process_time() - begin) / 1e9)
    gb_s = {name: statistics.median(values[2:]) for name, values in found.items()}
    return {"bytes": out.nbytes, "gb_per_cpu_s": gb_s, "to_memcpy": {name: value / gb_s["memcpy"] for name, value in gb_s.items()}}


def opening(path: pathlib.Path) -> float:
    """Milliseconds, the median of 21."""
    import seimai

    times = []
    for _ in range(21):
        begin = time.perf_counter()
        seimai.open_pack(path)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e3


# --- the whole comparison ----------------------------------------------------------------------------------------------------------------

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Loader, environment, columns, worker processes.
CASES = [
    ("seimai", None, "ids", 0), ("litdata", "litdata", "ids", 0), ("mosaicml", "mosaicml", "ids", 0), ("megatron_indexed", "megatron", "ids", 0),
    ("seimai", None, "all", 0), ("megatron", "megatron", "all", 0),
    ("seimai", None, "ids", 1), ("litdata", "litdata", "ids", 1), ("mosaicml", "mosaicml", "ids", 1),
    ("seimai", None, "all", 1), ("seimai_map", None, "all", 1), ("megatron", "megatron", "all", 1),
]  # fmt: skip


def prepare(data: pathlib.Path, tokens: int) -> None:
    """The documents, and our pack of them."""
    sys.path.insert(0, str(ROOT / "python/tests"))
    import seimai.torch as st
    import torch_packs as packs

    everything = list(documents(tokens))
    size = -(-len(everything) // 8)
    for i in range(8):
        some = everything[i * size : (i + 1) * size]
        np.save(data / f"documents-{i}.npy", np.concatenate(some))
        np.save(data / f"ends-{i}.npy", np.cumsum([len(document) for document in some]))
    plan = st.plan_rows([len(document) for document in everything], S)
    row_ptr, ends = plan.row_ptr.tolist(), plan.piece_end.tolist()
    document, offset = plan.piece_document.tolist(), plan.piece_offset.tolist()

    def row(r):
        pieces = range(row_ptr[r], row_ptr[r + 1])
        full, start = np.full(S, packs.PAD, np.uint16), 0
        for piece in pieces:
            text = np.append(everything[document[piece]], EOS)[offset[piece] :]
            full[start : ends[piece]] = text[: ends[piece] - start]
            start = ends[piece]
        return ends[row_ptr[r] : row_ptr[r + 1]], full

    packs.write_pack(data / "pack", [row(r) for r in range(len(plan))], S, vocab_size=VOCABULARY)
    facts = {"documents": len(everything), "tokens": sum(map(len, everything)) + len(everything), "rows": len(plan)}
    (data / "facts.json").write_text(json.dumps(facts))


def measure(python: str, case, data: pathlib.Path, batches: int, prepare: bool = False):
    loader, _, columns, workers = case
    environment = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", PYTHONWARNINGS="ignore", SEIMAI_BENCH_PREPARE="1" if prepare else "")
    command = [python, __file__, "--child", loader, "--data", data, "--workers", workers, "--columns", columns, "--batches", batches]
    done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {loader} failed\n{done.stderr[-4000:]}")
    return None if prepare else json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--tokens", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, default=600)
    parser.add_argument("--data", type=pathlib.Path, help="keep the files here, and use those that are there")
    parser.add_argument("--record", type=pathlib.Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--columns", default="ids", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.child, arguments.data, arguments.workers, arguments.columns, arguments.batches)
    pythons = {None: sys.executable} | dict(peer.split("=", 1) for peer in arguments.peer)
    with tempfile.TemporaryDirectory() as scratch:
        data = arguments.data or pathlib.Path(scratch)
        data.mkdir(parents=True, exist_ok=True)
        if not (data / "facts.json").exists():
            prepare(data, arguments.tokens)
        facts = json.loads((data / "facts.json").read_text())
        cases = [case for case in CASES if case[1] in pythons]
        for case in {case[0]: case for case in cases if not (data / case[0]).exists()}.values():
            measure(pythons[case[1]], case, data, arguments.batches, prepare=True)
        rows = []
        for turn in range(arguments.rounds):
            for case in cases if turn % 2 == 0 else cases[::-1]:
                found = measure(pythons[case[1]], case, data, arguments.batches)
                rows.append({"loader": case[0], "columns": case[2], "workers": case[3], "round": turn} | found)
                print(*case, f"{found['tokens'] / found['cpu_s'] / 1e6:.0f} Mtok/cpu-s", flush=True)
        record = {"date": time.strftime("%Y-%m-%d"), "facts": facts, "sequence_length": S, "batch": BATCH, "summary": summary(rows)}
        record |= {"gather": gathers(data), "opening_ms": {"pack": opening(data / "pack")}, "rounds": rows}
    print(json.dumps({key: value for key, value in record.items() if key != "rounds"}, indent=1))
    if arguments.record:
        arguments.record.write_text(json.dumps(record, indent=1) + "\n")


def summary(rows) -> list[dict[str, object]]:
    """Medians in million tokens per CPU second, and ours over the best of the others that make the same columns with as many workers."""
    medians: dict[tuple, float] = {}
    for key in dict.fromkeys((row["loader"], row["columns"], row["workers"]) for row in rows):
        rates = [row["tokens"] / row["cpu_s"] / 1e6 for row in rows if (row["loader"], row["columns"], row["workers"]) == key]
        medians[key] = statistics.median(rates)
    found = []
    for (loader, columns, workers), rate in medians.items():
        others = [other for (name, kind, n), other in medians.items() if not name.startswith("seimai") and (kind, n) == (columns, workers)]
        row = {"loader": loader, "columns": columns, "workers": workers, "mtok_per_cpu_s": round(rate, 1)}
        found.append(row | ({"to_best_peer": round(rate / max(others), 2)} if loader.startswith("seimai") and others else {}))
    return found


if __name__ == "__main__":
    main()
