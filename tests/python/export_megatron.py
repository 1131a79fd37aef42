"""Compares `seimai export megatron` with Megatron-LM's own writer, byte for byte, and reads the files back with its reader.

    python tests/python/export_megatron.py SEIMAI RUN_DIR

SEIMAI is the program. Exported are the token shards of the run, and shards made here: empty documents, documents of one token, a
vocabulary of 65,500 (int32), more sources than are written side by side, names of sources that are no file names.

Needs numpy, pyarrow and megatron-core, of which three files are used: megatron/core/datasets/indexed_dataset.py and object_storage_utils.py,
megatron/core/msc_utils.py. They import torch for names of types and the base class of datasets; where torch is absent, a stand-in
has these names. Prints a line for each check; the first difference ends the program with exit code 1.
"""

import importlib
import importlib.util
import subprocess
import sys
import tempfile
import types
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def demand(condition, message):
    if not condition:
        sys.exit(f"megatron: {message}")


def module(name, **content):
    made = types.ModuleType(name)
    made.__dict__.update(content)
    sys.modules[name] = made
    return made


def megatron_files():
    """The file of Megatron that writes and reads the format, without the rest of the package, which needs a GPU's libraries."""
    if importlib.util.find_spec("torch") is None:
        data = module("torch.utils.data", Dataset=object)
        utils = module("torch.utils", data=data)
        distributed = module("torch.distributed", is_initialized=lambda: False)
        module("torch", Tensor=object, utils=utils, distributed=distributed)
        print("torch is absent: a stand-in has the names that Megatron's writer imports")
    root = Path(next(iter(importlib.util.find_spec("megatron").submodule_search_locations)))
    module("megatron", __path__=[str(root)])
    module("megatron.core", __path__=[str(root / "core")])
    module("megatron.core.datasets", __path__=[str(root / "core" / "datasets")])
    module("megatron.core.utils", log_single_rank=lambda *_, **__: None)
    return importlib.import_module("megatron.core.datasets.indexed_dataset")


def by_megatron(megatron, prefix, documents, vocab_size):
    """Megatron's own pair of files, as its preprocess_data.py makes them: one sequence a document."""
    builder = megatron.IndexedDatasetBuilder(f"{prefix}.bin", dtype=megatron.DType.optimal_dtype(vocab_size))
    for ids in documents:
        builder.add_document(ids, [len(ids)])
    builder.finalize(f"{prefix}.idx")


def shards_of(run):
    return sorted((run / "tokens").glob("*.parquet"))


def wanted(paths):
    """What the shards hold: (source, part, row, doc_id, ids with EOS) of every document with a token; EOS; vocab_size."""
    documents = []
    for path in paths:
        table = pq.read_table(path)
        metadata = pq.read_metadata(path).metadata
        eos, vocab_size = int(metadata[b"seimai.eos_id"]), int(metadata[b"seimai.vocab_size"])
        columns = (table[name].to_pylist() for name in ("source", "doc_id", "input_ids"))
        for row, (source, doc_id, ids) in enumerate(zip(*columns)):
            if ids:
                documents.append((source, f"tokens/{path.name}", row, doc_id, ids + [eos]))
    return documents, vocab_size


def export(seimai, *arguments):
    done = subprocess.run([seimai, "export", "megatron", *map(str, arguments), "--progress", "none"], capture_output=True, text=True)
    demand(done.returncode == 0, f"exit code {done.returncode}: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def compare(megatron, scratch, prefix, documents, vocab_size):
    own = scratch / "own"
    by_megatron(megatron, own, [ids for *_, ids in documents], vocab_size)
    for extension in (".bin", ".idx"):
        ours, theirs = Path(f"{prefix}{extension}").read_bytes(), Path(f"{own}{extension}").read_bytes()
        demand(ours == theirs, f"{prefix}{extension}: {len(ours)} bytes, not the {len(theirs)} of Megatron's writer")
    dataset = megatron.IndexedDataset(str(prefix))
    demand(len(dataset) == len(documents), f"{prefix}: Megatron reads {len(dataset)} sequences of {len(documents)}")
    for number, (*_, ids) in enumerate(documents):
        demand(dataset[number].tolist() == ids, f"{prefix}: Megatron reads other tokens in document {number}")
    sidecar = pq.read_table(f"{prefix}.meta.parquet").to_pylist()
    said = [tuple(row.values()) for row in sidecar]
    demand(said == [(n, *document[1:4]) for n, document in enumerate(documents)], f"{prefix}.meta.parquet does not say where documents come from")


def check(megatron, seimai, given, what):
    documents, vocab_size = wanted(shards_of(given))
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        told = export(seimai, given, "-o", scratch / "sub" / "all", "--together")
        sums = [str(len(documents)), str(sum(len(ids) for *_, ids in documents))]
        demand(told == [[str(scratch / "sub" / "all"), *sums]], f"{what}: --together told {told}")
        compare(megatron, scratch, scratch / "sub" / "all", documents, vocab_size)
        sources = sorted({document[0] for document in documents}, key=str.encode)
        told = export(seimai, given, "-o", scratch / "pairs")
        demand(len(told) == len(sources) == len(list((scratch / "pairs").glob("*.idx"))), f"{what}: {len(told)} pairs, {len(sources)} sources")
        demand(len(list((scratch / "pairs").iterdir())) == 3 * len(sources), f"{what}: other files beside the pairs")
        for source, (prefix, n, _) in zip(sources, told):
            mine = [document for document in documents if document[0] == source]
            demand(int(n) == len(mine), f"{what}: {n} documents of {source!r}, not {len(mine)}")
            compare(megatron, scratch, prefix, mine, vocab_size)
    print(f"{what}: {len(documents)} documents, {len(sources)} sources, {np.dtype(megatron.DType.optimal_dtype(vocab_size))}: the bytes of Megatron's writer")


def write_shards(directory, vocab_size, sources, seed):
    """Two shards as another program would write them."""
    random = np.random.default_rng(seed)
    (directory / "tokens").mkdir(parents=True)
    metadata = {"seimai.format": "tokens", "seimai.format_version": "1", "seimai.tokenizer_blake3": "0" * 64}
    metadata |= {"seimai.vocab_size": str(vocab_size), "seimai.eos_id": str(vocab_size - 1), "seimai.pad_id": "0"}
    element = pa.field("element", pa.int32(), nullable=False)
    schema = pa.schema(
        [
            pa.field("doc_id", pa.string(), nullable=False),
            pa.field("source", pa.string(), nullable=False),
            pa.field("input_ids", pa.list_(element), nullable=False),
            pa.field("n_tokens", pa.int32(), nullable=False),
        ],
        metadata,
    )
    for part in range(2):
        lengths = random.choice([0, 1, 2, 30, 500], 400).tolist()
        ids = [random.integers(0, vocab_size, n).tolist() for n in lengths]
        names = [f"文書{part}-{row}" for row in range(len(lengths))]
        columns = [names, random.choice(sources, len(lengths)).tolist(), ids, lengths]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema)]
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), directory / "tokens" / f"part-{part:05}.parquet", compression="zstd")


def main(arguments):
    if len(arguments) != 3:
        sys.exit("usage: python export_megatron.py SEIMAI RUN_DIR")
    seimai, run = arguments[1], Path(arguments[2])
    megatron = megatron_files()
    print(f"megatron-core {version('megatron-core')}")
    check(megatron, seimai, run, "the run")
    with tempfile.TemporaryDirectory() as made:
        narrow, wide = Path(made) / "narrow", Path(made) / "wide"
        write_shards(narrow, 65_499, ["青空 文庫", "a/../b", ".hidden", "100%", ""], 1)
        write_shards(wide, 65_500, [f"s{n}" for n in range(150)], 2)
        check(megatron, seimai, narrow, "odd sources")
        check(megatron, seimai, wide, "a wide vocabulary, 150 sources")


if __name__ == "__main__":
    main(sys.argv)
