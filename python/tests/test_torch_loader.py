"""The loader: one order for all ranks, exact resume at any world size, workers, the native thread, refusals."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import pickle
import random
import threading

import pytest

torch = pytest.importorskip("torch", reason="seimai.torch needs torch")

import numpy as np  # noqa: E402
import seimai  # noqa: E402
import seimai.torch  # noqa: E402
from seimai import _core  # noqa: E402
from seimai.torch import COLUMNS, PackDataset, PackSampler, PackStream, batches, collate  # noqa: E402
from seimai.torch.device import DeviceFeed  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

import torch_packs as packs  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:This DataLoader will create")]
S, ROWS, G = 16, 101, 24
WORLDS = (1, 2, 3, 4, 6, 8, 12, 24)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    directory = packs.write_pack(tmp_path_factory.mktemp("packs") / "pack", packs.some_rows(ROWS, S), S, part_rows=23)
    return seimai.open_pack(directory)


def rows_of(batches_, count):
    return [batch["rows"].tolist() for batch in itertools.islice(batches_, count)]


def step(pack, world, state=None, **options):
    """One step of every rank: the rows in the order of ranks, and the states behind it."""
    rows, states = [], []
    for rank in range(world):
        stream = PackStream(pack, global_batch=G, rank=rank, world_size=world, columns=["input_ids"], **options)
        if state is not None:
            stream.load_state_dict(state)
        for batch in itertools.islice(stream, G // world // (options.get("batch_rows") or G // world)):
            rows += batch["rows"].tolist()
        states.append(stream.state_dict())
    assert all(other == states[0] for other in states)
    return rows, states[0]


@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"shuffle_block": 4}, {"seed": 2**64 - 1}], ids=str)
def test_every_world_size_reads_the_same_global_batches(pack, options):
    one = PackStream(pack, global_batch=G, **options)
    wanted = rows_of(one, 9)
    assert wanted == [one.rows(step) for step in range(9)], "rows by formula"
    for world in WORLDS:
        ranks = [rows_of(PackStream(pack, global_batch=G, rank=r, world_size=world, **options), 9) for r in range(world)]
        assert [sum(parts, []) for parts in zip(*ranks, strict=True)] == wanted
        by_batch = [rows_of(PackStream(pack, global_batch=G, rank=r, world_size=world, batch_rows=1, **options), 9 * G // world) for r in range(world)]
        assert [sum(rows, []) for rows in by_batch] == [sum(rows, []) for rows in ranks]
    samples = sum(wanted, [])
    for epoch in range(2):
        assert sorted(samples[epoch * ROWS : (epoch + 1) * ROWS]) == list(range(ROWS)), "each row once an epoch"
    assert (samples[:ROWS] == samples[ROWS : 2 * ROWS]) == (options.get("shuffle") is False)


def test_what_a_row_holds_is_that_row(pack):
    dataset = PackDataset(pack)
    batch = next(iter(PackStream(pack, global_batch=G)))
    for at, row in enumerate(batch["rows"].tolist()):
        assert all(torch.equal(batch[name][at], dataset[row][name][0]) for name in COLUMNS)
        assert torch.equal(dataset[row - ROWS]["input_ids"], dataset[row]["input_ids"])
        tokens = np.asarray(pack.parts[row // 23].tokens)[row % 23]
        assert batch["input_ids"][at].tolist() == tokens.tolist()


@pytest.mark.parametrize("options", [{}, {"shuffle_block": 3}, {"batch_rows": 1}], ids=str)
def test_resumes_at_any_step_with_any_world_size_twice(pack, options):
    wanted = rows_of(PackStream(pack, global_batch=G), 9) if "shuffle_block" not in options else None
    stream = PackStream(pack, global_batch=G, **{k: v for k, v in options.items() if k != "batch_rows"})
    wanted = wanted or rows_of(stream, 9)
    draw = random.Random(0)
    for stopped in range(6):
        # Twice in a row: stop, go on with another world size for a step, stop, and go on with a third.
        worlds = draw.sample(WORLDS, 3)
        state = None
        for _ in range(stopped):
            _, state = step(pack, worlds[0], state, **options)
        for offset, world in enumerate(worlds[1:]):
            rows, state = step(pack, world, state, **options)
            assert rows == wanted[stopped + offset], (stopped, world)
            state = pickle.loads(pickle.dumps(state))
    assert "world" not in str(state)


def test_an_unfinished_step_is_done_again(pack):
    stream = PackStream(pack, global_batch=G, batch_rows=6)
    iterator = iter(stream)
    samples = [(next(iterator)["consumed"], stream.state_dict()["consumed"]) for _ in range(9)]
    assert samples == [(0, 0)] * 3 + [(24, 24)] * 4 + [(48, 48)] * 2
    again = PackStream(pack, global_batch=G)
    again.load_state_dict(stream.state_dict())
    assert rows_of(again, 1) == [stream.rows(2)]


def test_iterating_again_goes_on(pack):
    stream = PackStream(pack, global_batch=G)
    assert rows_of(stream, 1) + rows_of(stream, 2) == [stream.rows(step) for step in range(3)]


def test_another_global_batch_goes_on_with_the_next_row(pack):
    stream = PackStream(pack, global_batch=G)
    first = sum(rows_of(stream, 2), [])
    other = PackStream(pack, global_batch=10, world_size=5)
    other.load_state_dict(stream.state_dict())
    second = rows_of(other, 3)
    assert first + [row for rows in zip(*[iter(sum(second, []))], strict=True) for row in rows] == first + sum(second, [])
    everything = sum([PackStream(pack, global_batch=1).rows(step) for step in range(50)], [])
    assert everything[:48] == first and second[0] == everything[48:50]


def test_the_step_of_a_row(pack):
    for options in ({}, {"shuffle_block": 4}, {"shuffle": False}):
        stream = PackStream(pack, global_batch=G, **options)
        for row, epoch in itertools.product((0, 1, 50, ROWS - 1), (0, 1, 7)):
            step = stream.step_of(row, epoch)
            assert row in stream.rows(step) and step in range(epoch * ROWS // G, (epoch + 1) * ROWS // G + 1)
    for row in (ROWS, -1):
        with pytest.raises((ValueError, OverflowError), match="row"):
            stream.step_of(row)


def test_epochs_end(pack):
    stream = PackStream(pack, global_batch=G, epochs=1)
    rows = rows_of(stream, 99)
    assert len(rows) == 5 and sorted(set(sum(rows, []))) == list(range(ROWS)), "filled up from the next epoch"
    assert rows_of(stream, 9) == []
    sampler = PackSampler(pack, global_batch=G, batch_rows=8, epochs=1)
    assert len(sampler) == len(list(sampler)) == 15
    with pytest.raises(TypeError):
        len(PackSampler(pack, global_batch=G))


def of_context(context):
    return {"multiprocessing_context": context} if context else {}


@pytest.mark.parametrize(("workers", "context"), [(0, None), (1, "fork"), (4, "fork"), (1, "spawn"), pytest.param(4, "spawn", marks=pytest.mark.slow)])
def test_workers_of_a_dataloader(pack, workers, context):
    options = {"num_workers": workers, "batch_size": None} | of_context(context)
    stream = PackStream(pack, global_batch=G, rank=1, world_size=2, batch_rows=4)
    state = PackStream(pack, global_batch=G).state_dict() | {"consumed": 48}
    stream.load_state_dict(state)
    batch_list = list(itertools.islice(DataLoader(stream, **options), 8))
    wanted = [stream.rows(step)[12 + first : 16 + first] for step in range(2, 5) for first in (0, 4, 8)][:8]
    assert [batch["rows"].tolist() for batch in batch_list] == wanted
    assert [batch["consumed"] for batch in batch_list] == [48, 48, 72, 72, 72, 96, 96, 96]
    if workers:
        with pytest.raises(ValueError, match="say which batch was the last"):
            stream.state_dict()
    assert stream.state_dict(batch_list[3]) == state | {"consumed": 72}

    sampler = PackSampler(pack, global_batch=G, rank=1, world_size=2, batch_rows=4)
    sampler.load_state_dict(state)
    dataset = PackDataset(pack)
    mapped = list(itertools.islice(DataLoader(dataset, sampler=sampler, **options), 8))
    assert sampler.state_dict(steps=2)["consumed"] == 96
    for one, other in zip(batch_list, mapped, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in (*COLUMNS, "cu_seqlens", "rows"))
        assert one["max_seqlen"] == other["max_seqlen"]


class SumsInWorker(torch.utils.data.IterableDataset):
    """Somebody else's dataset around ours: it reads batches where they are made."""

    def __init__(self, pack):
        self.stream = PackStream(pack, global_batch=G, epochs=1)

    def __iter__(self):
        for batch in self.stream:
            yield {"sum": int(batch["input_ids"].sum()), "names": sorted(batch), "items": len(batch), "all": dict(batch.items())}


def test_a_worker_can_read_its_batches(pack):
    for batch, wanted in zip(DataLoader(SumsInWorker(pack), batch_size=None, num_workers=1), PackStream(pack, global_batch=G, epochs=1), strict=True):
        assert batch["sum"] == wanted["input_ids"].sum() and batch["names"] == sorted(wanted) and batch["items"] == len(wanted)
        assert all(torch.equal(batch["all"][name], wanted[name]) for name in (*COLUMNS, "cu_seqlens", "rows"))


@pytest.mark.parametrize("options", [{}, {"columns": ["input_ids"], "dtype": torch.int32}, {"columns": ["labels"], "labels": "unshifted"}])
def test_a_batch_arrives_from_a_worker_as_it_is(pack, options):
    stream = PackStream(pack, global_batch=G, epochs=1, **options)
    for arrived, wanted in zip(DataLoader(stream, batch_size=None, num_workers=1), list(PackStream(pack, global_batch=G, epochs=1, **options)), strict=True):
        assert type(arrived) is dict and arrived.keys() == wanted.keys()
        for name, value in wanted.items():
            same = torch.equal(arrived[name], value) and arrived[name].dtype == value.dtype if isinstance(value, torch.Tensor) else arrived[name] == value
            assert same, name


def test_what_is_no_batch_of_rows_is_refused(pack):
    reader = seimai._core.PackedReader(pack, ["tokens"], "shifted", "int64")
    function, sound = batches.WorkerBatch(reader.read([0, 1]), S, COLUMNS, "shifted", torch.int64).__reduce__()
    assert function(*sound)["rows"].tolist() == [0, 1]
    at = {name: place for place, name in enumerate(("tokens", "row_ptr", "piece_end", "rows"), start=5)}
    for name, damage in [
        ("tokens", lambda raw: raw[:-2]), ("row_ptr", lambda raw: raw[4:]), ("row_ptr", lambda raw: raw[:-4] + b"\xff\xff\xff\x7f"),
        ("row_ptr", lambda raw: raw[:4] + raw[8:] + raw[4:8]), ("piece_end", lambda raw: raw[:-4]), ("piece_end", lambda raw: raw[:-4] + b"\xff\xff\x00\x00"),
        ("piece_end", lambda raw: b"\0\0\0\0" + raw[4:]), ("rows", lambda raw: raw[8:]),
    ]:  # fmt: skip
        bad = list(sound)
        bad[at[name]] = damage(bad[at[name]])
        with pytest.raises(ValueError, match="no rows of a pack"):
            function(*bad)


def test_a_dataloader_that_groups_rows_itself(pack):
    whole = PackDataset(pack)[range(8)]
    loaders = [DataLoader(PackDataset(pack), batch_size=8, collate_fn=collate, num_workers=workers) for workers in (0, 1)]
    for joined in (*(next(iter(loader)) for loader in loaders), collate([PackDataset(pack)[[0, 1, 2]], PackDataset(pack)[[3, 4, 5, 6, 7]]])):
        assert joined.keys() == whole.keys() and joined["max_seqlen"] == whole["max_seqlen"]
        assert all(torch.equal(joined[name], whole[name]) for name in (*COLUMNS, "cu_seqlens", "rows"))


def test_workers_that_persist_are_refused_when_they_begin_again(pack):
    loader = DataLoader(PackStream(pack, global_batch=G, epochs=1), batch_size=None, num_workers=1, persistent_workers=True)
    assert len(list(loader)) == 5
    with pytest.raises(ValueError, match="persistent_workers=False"):
        list(loader)


def test_batches_are_not_overwritten(pack):
    stream = PackStream(pack, global_batch=G, depth=1)
    kept = list(itertools.islice(stream, 20))
    labels = kept[3]["labels"][5]
    wanted = PackDataset(pack)[kept[3]["rows"][5].item()]["labels"][0]
    for at, batch in enumerate(kept):
        assert batch["rows"].tolist() == stream.rows(at)
        assert torch.equal(batch["input_ids"], PackDataset(pack)[batch["rows"].tolist()]["input_ids"])
    del kept, batch
    gc.collect()
    # A view of one row keeps the memory of its batch.
    list(itertools.islice(stream, 20))
    assert torch.equal(labels, wanted)


def test_memory_is_used_again(pack):
    addresses = {batch["input_ids"].data_ptr() for batch in itertools.islice(PackStream(pack, global_batch=G, depth=2), 200)}
    assert len(addresses) <= 8, addresses


def threads():
    return [name for name in (open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")) if name == "seimai-ring"]


def test_the_thread_ends_with_its_iterator(pack):
    iterator = iter(PackStream(pack, global_batch=G))
    next(iterator)
    assert threads() == ["seimai-ring"]
    del iterator
    gc.collect()
    assert threads() == []


def in_child(pack, iterator, queue):
    try:
        next(iterator)
        queue.put("an inherited iterator gave a batch")
    except RuntimeError as error:
        wanted = [batch["rows"].tolist() for batch in itertools.islice(PackStream(pack, global_batch=G), 3)]
        del iterator
        gc.collect()
        queue.put((str(error), wanted))


def test_a_fork_has_no_thread_and_says_so(pack):
    stream = PackStream(pack, global_batch=G)
    iterator = iter(stream)
    kept = next(iterator)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=in_child, args=(pack, iterator, queue))
    child.start()
    message, rows = queue.get(timeout=60)
    child.join(timeout=60)
    assert child.exitcode == 0 and "does not survive a fork" in message
    assert rows == [stream.rows(step) for step in range(3)]
    assert rows_of(iterator, 2) == [stream.rows(1), stream.rows(2)] and kept["rows"].tolist() == stream.rows(0)


def test_a_ring_waits_without_the_gil(pack):
    # Every batch is slow to come only because nobody fills it: another Python thread has to fill what the ring waits for.
    reader, ring = ring_of(pack, depth=1, buffers=[torch.zeros(1 << 16, dtype=torch.uint8) for _ in range(2)])
    first, second = ring.next(), ring.next()
    timer = threading.Timer(0.3, lambda held: held.clear(), [held := [first, second]])
    del first, second
    timer.start()
    third = ring.next()
    assert third is not None and held == []


def ring_of(pack, *, depth, buffers, raw=True):
    reader = batches.raw_reader(pack) if raw else batches.reader(pack, COLUMNS, "shifted", torch.int64)
    order = _core.RowOrder(len(pack), 0, 1)
    ring = reader.ring(
        order, global_batch=G, rank=0, world_size=1, batch_rows=G, start=0, steps=9, first=0, every=1, depth=depth,
        buffers=[buffer.numpy() for buffer in buffers],
    )  # fmt: skip
    return reader, ring


def test_lent_buffers_and_the_way_to_a_device(pack):
    """What goes to a GPU, with the CPU in its place: raw rows in lent memory, columns made on the device."""
    buffers = [torch.zeros(1 << 16, dtype=torch.uint8) for _ in range(3)]
    _, ring = ring_of(pack, depth=2, buffers=buffers)
    feed = DeviceFeed(ring, len(buffers), torch.device("cpu"), S, list(COLUMNS), "shifted", torch.int64)
    spans = [(buffer.data_ptr(), buffer.data_ptr() + buffer.numel()) for buffer in buffers]
    count = 0
    for made, wanted in zip(feed, PackStream(pack, global_batch=G, epochs=2), strict=True):
        assert made.keys() == wanted.keys()
        assert all(torch.equal(made[name], wanted[name]) for name in (*COLUMNS, "cu_seqlens", "rows")), count
        assert (made["max_seqlen"], made["consumed"]) == (wanted["max_seqlen"], wanted["consumed"])
        count += 1
    assert count == 9
    _, ring = ring_of(pack, depth=2, buffers=buffers)
    at = batches.tensors(ring.next())["tokens"].data_ptr()
    assert any(start <= at < end for start, end in spans)
    for small in (torch.zeros(100, dtype=torch.uint8), torch.zeros(1 << 17, dtype=torch.uint8)[::2]):
        with pytest.raises(BufferError):
            ring_of(pack, depth=1, buffers=[small])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="batches on a GPU need a GPU")
@pytest.mark.parametrize("options", [{}, {"depth": 1}, {"labels": "unshifted", "dtype": torch.int32, "columns": ["labels"]}], ids=str)
def test_batches_on_a_gpu(pack, options):
    for made, wanted in zip(*(PackStream(pack, global_batch=G, epochs=8, device=device, **options) for device in ("cuda", None)), strict=True):
        assert made.keys() == wanted.keys() and made["max_seqlen"] == wanted["max_seqlen"]
        assert all(torch.equal(made[name].cpu(), wanted[name]) for name in wanted if isinstance(wanted[name], torch.Tensor))


def test_pickles_by_path(pack):
    stream = pickle.loads(pickle.dumps(PackStream(pack, global_batch=G, seed=3)))
    assert rows_of(stream, 2) == [PackStream(pack, global_batch=G, seed=3).rows(step) for step in range(2)]
    dataset = pickle.loads(pickle.dumps(PackDataset(pack, columns=["labels"])))
    assert set(dataset[0]) == {"labels", "cu_seqlens", "max_seqlen", "rows"}


def test_promises_are_named(pack, tmp_path):
    refused = [
        ({"global_batch": G, "world_size": 5}, "5 does not divide the global batch of 24: the promise that every rank has an equal share"),
        ({"global_batch": G, "world_size": 2, "rank": 2}, "rank: 2 is not below the world size"),
        ({"global_batch": G, "batch_rows": 5}, "batch_rows: 5 does not divide the 24 rows"),
        ({"global_batch": 0}, "global_batch: a whole number from 1"),
        ({"global_batch": G, "seed": -1}, "seed"),
        ({"global_batch": G, "seed": 2**64}, "seed"),
        ({"global_batch": G, "epochs": 0}, "epochs"),
    ]
    for options, message in refused:
        for loader in (PackStream, PackSampler):
            with pytest.raises(ValueError, match=message):
                loader(pack, **options)
    for options, message in [({"labels": "none"}, "neither"), ({"columns": ["ids"]}, "'ids' is none of"), ({"dtype": torch.int16}, "int16"), ({"depth": 0}, "depth")]:
        with pytest.raises(ValueError, match=message):
            PackStream(pack, global_batch=G, **options)
    with pytest.raises(seimai.Error, match="too large: cu_seqlens is int32"):
        wide = seimai.open_pack(packs.write_pack(tmp_path / "wide", [([1], [0] * 65536)], 65536))
        next(iter(PackStream(wide, global_batch=1 << 15)))
    with pytest.raises(ValueError, match="has no rows"):
        PackStream(packs.write_pack(tmp_path / "none", [], S), global_batch=G)
    with pytest.raises(IndexError):
        PackDataset(pack)[ROWS]


def test_the_state_of_another_pack_or_order_is_refused(pack, tmp_path):
    state = PackStream(pack, global_batch=G).state_dict()
    other = packs.write_pack(tmp_path / "other", packs.some_rows(ROWS, S, seed=5), S, part_rows=23)
    refused = [
        (PackStream(other, global_batch=G), state, "belongs to one pack"),
        (PackStream(pack, global_batch=G, seed=1), state, "its seed is 0, here it is 1"),
        (PackStream(pack, global_batch=G, shuffle=False), state, "its shuffle_block is 1, here it is 0"),
        (PackStream(pack, global_batch=G), state | {"version": 2}, "version"),
        (PackStream(pack, global_batch=G), state | {"consumed": -1}, "consumed"),
        (PackStream(pack, global_batch=G), {"consumed": 3}, "keys"),
    ]
    for stream, wrong, message in refused:
        with pytest.raises(ValueError, match=message):
            stream.load_state_dict(wrong)


def flip(path, offset, value):
    data = bytearray(path.read_bytes())
    data[offset : offset + len(value)] = value
    path.write_bytes(data)


def test_damaged_packs_are_refused(tmp_path):
    """The index and the tokens are checked when they are read: no batch is made of what a pack may not hold."""
    rows = [([3, S], list(range(S)))] * 40
    sections = {"ends": 4096 * 3, "row_ptr": 4096 * 2, "tokens": 4096}
    assert 40 * S * 2 < 4096
    cases = [
        ("ends", 2 * 7, b"\x02\x00", "row 3: ends of pieces do not rise"),
        ("ends", 2 * 7, b"\x99\x00", "row 3: ends of pieces do not rise"),
        ("row_ptr", 4 * 3, b"\xff\xff\x00\x00", "row pointers fall or point beyond"),
        ("tokens", 2 * (3 * S + 4), b"\xff\xff", "row 3: a token is not in the vocabulary"),
    ]
    for number, (section, offset, value, message) in enumerate(cases):
        directory = packs.write_pack(tmp_path / str(number), rows, S)
        flip(directory / "part-00000.pack", sections[section] + offset, value)
        damaged = seimai.open_pack(directory)
        for read in (
            lambda: PackDataset(damaged)[3],
            lambda: list(PackStream(damaged, global_batch=8, epochs=1)),
            lambda: list(itertools.chain(*[iter(lambda ring=ring_of(damaged, depth=1, buffers=[])[1]: ring.next(), None)])),
        ):
            with pytest.raises(seimai.FormatError, match=message) as caught:
                read()
            assert "part-00000.pack" in str(caught.value)
    directory = packs.write_pack(tmp_path / "header", rows, S)
    flip(directory / "part-00000.pack", 24, b"\x01")
    with pytest.raises(seimai.FormatError, match="header"):
        PackStream(directory, global_batch=8)
    directory = packs.write_pack(tmp_path / "cut", rows, S)
    with open(directory / "part-00000.pack", "r+b") as file:
        file.truncate(5000)
    with pytest.raises(seimai.FormatError, match="5000 bytes"):
        PackStream(directory, global_batch=8)


def test_a_replaced_pack_stays_readable(tmp_path):
    rows = packs.some_rows(40, S)
    directory = packs.write_pack(tmp_path / "pack", rows, S)
    stream = PackStream(directory, global_batch=8)
    first = rows_of(stream, 1)
    packs.write_pack(tmp_path / "new", packs.some_rows(40, S, seed=9), S)
    os.replace(tmp_path / "new" / "part-00000.pack", directory / "part-00000.pack")
    batch = next(iter(stream))
    assert first + [batch["rows"].tolist()] == [stream.rows(0), stream.rows(1)]
    assert batch["input_ids"].tolist() == [rows[row][1] for row in batch["rows"].tolist()]
